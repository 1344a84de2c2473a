package scheduler

import (
	"context"
	"errors"
	"slices"
	"time"

	"convened"
)

// In a burst, what is planned is claimed a moment later: a row is written, and written
// again to say who has it. Where letters leave as quickly as they are planned, an
// occasion is therefore planned only as far as there is room for its letters, and its
// notices are this daemon's claims from the start. Its first step is planned like any
// other, and so is all of it where the wire is slower, stands still or may not take so
// many: then everybody sees at once what is to leave, and other daemons claim it, too.

// A taking is an occasion of which steps are left.
type taking struct {
	plan convened.OccasionPlan
	done bool // no step is left
}

// swiftness is how long ago the last claim may be where the wire is quick.
const swiftness = 250 * time.Millisecond

// swift reports whether the wire takes letters as quickly as they are planned. For who
// holds s.mu.
func (s *Scheduler) swift() bool {
	return s.o.Rate == 0 && s.take > s.o.Batch && s.relay.why == "" && s.o.Clock().Sub(s.gotAt) < swiftness
}

// beginTaking leaves the steps of an occasion that was begun to be taken, if that is
// quicker, and reports whether it is.
func (s *Scheduler) beginTaking(p convened.OccasionPlan) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.swift() || p.TooLate != "" || p.Passed != "" {
		return false
	}
	s.takings = append(s.takings, &taking{plan: p})
	return true
}

// isTaken reports whether an occasion is left to be taken, and whether all of it was.
// One that is not any more is planned again from where it has come to.
func (s *Scheduler) isTaken(p convened.OccasionPlan) (done, taken bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.takings, func(t *taking) bool { return t.plan.Event == p.Event && t.plan.Occasion == p.Occasion })
	if i < 0 {
		return false, false
	}
	t := s.takings[i]
	if taken = t.plan == p && (t.done || s.swift()); !taken || t.done {
		s.takings = slices.Delete(s.takings, i, i+1)
	}
	return t.done, taken
}

// nextTaking returns the occasion whose turn it is; nil if there is none. One large
// event does not keep the people of another waiting.
func (s *Scheduler) nextTaking() *taking {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.takings, func(t *taking) bool { return !t.done })
	if i < 0 {
		return nil
	}
	t := s.takings[i]
	s.takings = append(slices.Delete(s.takings, i, i+1), t)
	return t
}

// takeOccasion plans at most n notices straight into the hand. It reports whether there
// is more where they came from.
func (s *Scheduler) takeOccasion(ctx context.Context, now time.Time, n int, r *Report) (claims []*convened.Claim, more bool, err error) {
	t := s.nextTaking()
	if t == nil {
		return nil, false, nil
	}
	claims, step, err := s.o.Store.TakeOccasion(ctx, now, t.plan, n, s.o.Lease)
	r.Planned += step.Notices
	// Where nothing came, planning finds out why: it was edited, another daemon has come to
	// its end, nothing may be claimed.
	edited := errors.Is(err, convened.ErrEdited)
	s.mu.Lock()
	if t.done = step.Done; edited || err == nil && step == (convened.Step{}) {
		s.takings = slices.DeleteFunc(s.takings, func(other *taking) bool { return other == t })
	}
	s.mu.Unlock()
	if edited {
		return nil, false, nil
	}
	return claims, err == nil && !step.Done, s.later("reminders of "+t.plan.Event, now, err, r)
}

// awaitRoom waits for a moment for room for what is to be taken, while nobody else has
// anything to do. It reports whether there is some.
func (s *Scheduler) awaitRoom(ctx context.Context) bool {
	s.mu.Lock()
	swift := len(s.takings) > 0 && s.swift()
	s.mu.Unlock()
	if !swift {
		return false
	}
	t := time.NewTimer(roomSoon)
	defer t.Stop()
	for s.full() {
		select {
		case <-s.freed:
		case <-s.wake:
			s.Wake() // somebody has registered: this tick is to end
			return false
		case <-t.C:
			return false
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// roomSoon is how long a tick waits for room.
const roomSoon = 50 * time.Millisecond
