package scheduler

import (
	"context"
	"time"

	"convened"
)

// A Lookout looks whether anything is wrong with an event before its start, once
// for each start, and plans the letter that tells its organiser. trouble is what
// is wrong; nil where nothing is, or where it was looked at before. planned says
// that there is somebody to tell.
type Lookout interface {
	LookBefore(ctx context.Context, now time.Time, e *convened.Event) (trouble *convened.Trouble, planned bool, err error)
}

// PreflightAt returns the instant at which to look whether anything is wrong with
// an event: lead before its start, or half-way to it where the start was set
// later than that. It is a pure function. UTC.
func PreflightAt(e *convened.Event, lead time.Duration) time.Time {
	set := later(e.CreatedAt, e.MovedAt)
	return later(e.Starts.Add(-lead), set.Add(e.Starts.Sub(set)/2))
}

// preflight looks at one event, if it is time.
func (s *Scheduler) preflight(ctx context.Context, now time.Time, e *convened.Event, r *Report) error {
	if !s.looksBefore(e) || !now.Before(e.Starts) || now.Before(PreflightAt(e, s.o.Preflight)) {
		return nil
	}
	known, err := s.occasionsOf(ctx, e)
	if err != nil || known.lookedBefore {
		return err
	}
	trouble, planned, err := s.o.Lookout.LookBefore(ctx, now, e)
	if err != nil {
		return err
	}
	known.lookedBefore = true
	if planned {
		r.Planned++
	}
	if t := trouble; t != nil {
		s.log.Warn("something is wrong before the start", "event", e.Slug, "starts", e.Starts, "told", planned,
			"no_link", t.NoLink, "refused", t.Refused, "held", heldOf(t), "unsent", t.Unsent, "poison", t.Poison)
	}
	return nil
}

func (s *Scheduler) looksBefore(e *convened.Event) bool {
	return s.o.Preflight > 0 && s.o.Lookout != nil && e.Status != convened.EventIsOff
}

func heldOf(t *convened.Trouble) int {
	n := 0
	for _, h := range t.Held {
		n += h.Notices
	}
	return n
}
