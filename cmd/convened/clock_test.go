package main

import (
	"strings"
	"testing"
	"time"
)

// Between two beats a clock may be set, or a machine sleep: the next tick must
// not plan, nor call a letter too late, by what the clock says then.
func TestAClockThatIsSetIsNoticedBeforeTheNextBeat(t *testing.T) {
	var off time.Duration
	v := &vital{clock: func() time.Time { return time.Now().Add(off) }, look: make(chan struct{}, 1)}
	off = time.Hour
	if why := v.pausePlan(); why != "" {
		t.Errorf("before the clocks were ever compared: %q", why)
	}
	v.theirs, v.read = time.Now().UTC().Round(0), time.Now()
	for _, c := range []struct {
		off          time.Duration
		plans, sends bool
		says         string
	}{
		{0, true, true, ""},
		{50 * time.Second, true, true, ""},
		{-50 * time.Second, true, true, ""},
		{2 * time.Minute, false, true, "2m0s ahead"},
		{-2 * time.Minute, false, true, "2m0s behind"},
		{8 * time.Hour, false, false, "8h0m0s ahead"},
		{-time.Hour, false, false, "1h0m0s behind"},
	} {
		off = c.off
		why := v.pausePlan()
		if (why == "") != c.plans || !strings.Contains(why, c.says) {
			t.Errorf("off by %s: %q", c.off, why)
		}
		if (v.pause() == "") != c.sends {
			t.Errorf("off by %s: %q", c.off, v.pause())
		}
		select {
		case <-v.look:
			if c.plans {
				t.Errorf("off by %s: the clocks are compared again", c.off)
			}
		default:
			if !c.plans {
				t.Errorf("off by %s: the clocks are not compared again", c.off)
			}
		}
	}
}
