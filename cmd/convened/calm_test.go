package main

import (
	"testing"
	"time"

	"convened/scheduler"
)

func TestMemoryIsGivenBackOnceAfterABurst(t *testing.T) {
	now := time.Date(2026, 11, 25, 15, 0, 0, 0, time.UTC)
	begun, freed, told := 0, 0, 0
	tick := calmed(func() time.Time { return now }, func() { begun++ }, func() { freed++ }, func(scheduler.Report, error) { told++ })
	for i, step := range []struct {
		after time.Duration
		moved int
		want  int
	}{
		{0, 0, 0}, {time.Hour, 0, 0}, // it has done nothing yet
		{time.Second, 5, 0}, {calmAfter - time.Second, 0, 0}, {0, 5, 0}, {calmAfter - 1, 0, 0}, // a burst with a break
		{1, 0, 1}, {time.Hour, 0, 1}, // calm
		{time.Second, 5, 1}, {calmAfter, 0, 2}, // another one
	} {
		now = now.Add(step.after)
		tick(scheduler.Report{Claimed: step.moved}, nil)
		if freed != step.want || told != i+1 {
			t.Errorf("step %d: given back %d times, want %d; %d ticks were told of", i+1, freed, step.want, told)
		}
	}
	if begun != 2 {
		t.Errorf("%d bursts have begun, want 2", begun)
	}
}
