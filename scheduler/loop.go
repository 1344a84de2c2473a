package scheduler

import (
	"context"
	"errors"
	"time"
)

// Run ticks until ctx is done, then finishes what is on the wire and returns. A
// tick follows a hint, an outcome that made room, an instant that came, or the
// poll interval, whatever is first. What fails is logged and tried again.
func (s *Scheduler) Run(ctx context.Context) {
	s.start(ctx)
	defer s.stop(ctx)
	said := ""         // the last error, until a tick works again
	var last time.Time // of the last whole tick
	hinted := false
	for ctx.Err() == nil {
		now := s.o.Clock()
		if hinted && said == "" && s.hurry(ctx, now) {
			if since := s.o.Clock().Sub(last); since >= 0 && since < wholeEvery {
				hinted = s.pause(ctx, wholeEvery-since, false)
				continue
			}
			now = s.o.Clock()
		}
		last = now
		r, err := s.Tick(ctx, now)
		if ctx.Err() != nil {
			return
		}
		r.Took = s.o.Clock().Sub(now)
		switch {
		case err != nil && err.Error() != said:
			said = err.Error()
			s.log.Error("tick", "error", said)
		case err == nil && said != "":
			said = ""
			s.log.Info("ticking again")
		}
		if r.Moved() {
			s.log.Debug("tick", "planned", r.Planned, "claimed", r.Claimed, "cancelled", r.Cancelled, "marked", r.Marked, "given_back", r.GivenBack)
		}
		if s.o.Ticked != nil {
			told := r
			told.Planned += s.hurried
			s.hurried = 0
			s.o.Ticked(told, err)
		}
		wait := s.o.Poll
		switch {
		case err != nil && r.Moved():
			wait = min(wait, 100*time.Millisecond) // one step failed, and others did not
		case err != nil:
			wait = min(wait, time.Second) // the database is back within the second that we notice it
		case r.More && (r.Waiting == "" || s.steps): // to plan needs nobody who takes mail
			wait = 0
		case r.Crowded:
			wait = s.o.Poll / 5 // or until there is room, which may be now
		default:
			if next, err := s.NextInstant(ctx, now); err == nil && !next.IsZero() {
				wait = min(wait, max(next.Sub(s.o.Clock()), 0))
				// What is due and was not taken, because it can't be sent now or
				// somebody holds its row, is no reason to look again at once.
				if r.Waiting != "" || s.full() || !next.After(now) && !r.Moved() {
					wait = max(wait, s.o.Poll/5)
				}
				if r.Again > 0 {
					wait = min(wait, r.Again)
				}
			}
		}
		hinted = s.pause(ctx, wait, r.Crowded)
	}
}

// wholeEvery is how often a hint has a whole tick follow.
const wholeEvery = 250 * time.Millisecond

// hurry does for a hint what somebody waits for who has just registered, and no
// more: newcomers are planned, and what is due is claimed and sent. The whole tick
// that follows, at once or within wholeEvery, looks after the rest. It reports
// false where the order of a tick matters, because an occasion has come or the
// event of a newcomer was edited, and where anything is wrong: then the whole tick
// comes now. Which events there are it knows from the last whole tick, and whether
// that is still so is seen with the event's row held.
func (s *Scheduler) hurry(ctx context.Context, now time.Time) bool {
	if s.paused() != "" || s.o.PausePlan != nil && s.o.PausePlan() != "" || s.full() {
		return false
	}
	for _, known := range s.planned {
		for _, o := range known.all {
			if o.At.After(now) {
				break // they are sorted
			}
			if !known.done[o.String()] {
				return false
			}
		}
	}
	var r Report
	defer func() { s.hurried += r.Planned }()
	s.cleared = false
	if s.planNewcomers(ctx, now, &r, true) != nil || s.dispatch(ctx, now, &r) != nil {
		return false // the whole tick meets it again, and says so
	}
	if r.Moved() {
		s.log.Debug("hint", "planned", r.Planned, "claimed", r.Claimed, "marked", r.Marked)
	}
	return r.Waiting == "" && !r.More
}

// pause waits, unless something happens, which may be that there is room for more. It
// reports whether it was a hint.
func (s *Scheduler) pause(ctx context.Context, wait time.Duration, room bool) bool {
	if s.full() {
		// Only an outcome makes room: to look again before is of no use.
		wait = max(wait, 20*time.Millisecond)
		limit := time.NewTimer(wait)
		defer limit.Stop()
		for s.full() {
			select {
			case <-s.freed:
			case <-limit.C:
				return false
			case <-ctx.Done():
				return false
			}
		}
		return false
	}
	if wait == 0 {
		return false
	}
	var freed chan struct{}
	if room {
		freed = s.freed // it may have come between the tick and here
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-s.wake:
		return true
	case <-freed:
	case <-t.C:
	case <-ctx.Done():
	}
	return false
}

func (s *Scheduler) full() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.crowded()
}

// InFlight returns how many notices are claimed and not settled.
func (s *Scheduler) InFlight() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.inFlight
}

// ErrStuck is returned by Until for work that does not come to an end.
var ErrStuck = errors.New("there is always more to do at this instant")

// Until ticks at one instant until there is nothing left to do at it, and waits
// for what was sent to be settled. It is how a virtual clock is played: between
// Begin and its end, never beside Run.
func (s *Scheduler) Until(ctx context.Context, now time.Time) error {
	for range 10_000 {
		r, err := s.Tick(ctx, now)
		if err != nil {
			return err
		}
		s.drain()
		if !r.More && !r.Crowded && !r.Moved() {
			return nil
		}
	}
	return ErrStuck
}

// Begin sets the hands to work for Until. The function that it returns stops
// them and waits for the last settlement.
func (s *Scheduler) Begin(ctx context.Context) (end func()) {
	s.start(ctx)
	return func() { s.stop(ctx) }
}

// drain waits until nothing is in flight.
func (s *Scheduler) drain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.inFlight > 0 {
		s.idle.Wait()
	}
}
