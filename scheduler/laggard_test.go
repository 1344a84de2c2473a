package scheduler

import (
	"testing"
	"time"

	"convened"
)

// An alarm that goes off as its letter ends comes after the end, and leaves nothing behind:
// the lane would be taken for good.
func TestALetterThatIsLateAsItEndsKeepsNoLane(t *testing.T) {
	now := time.Date(2026, 11, 25, 15, 0, 0, 0, time.UTC)
	l := laggards{lane: 1}
	for _, end := range []func(*trip){
		func(tr *trip) { l.ended(tr, now, convened.Outcome{State: convened.Sent}) },
		l.gone,
	} {
		tr := &trip{domain: "example.org", began: now}
		end(tr)
		l.isLate(tr, now.Add(time.Second))
		if len(l.lanes)+len(l.waiting) != 0 {
			t.Errorf("%d lanes are taken and %d letters waited for", len(l.lanes), len(l.waiting))
		}
	}
}
