package scheduler

import (
	"context"
	"errors"
	"slices"
	"time"

	"convened"
)

// In a burst a notice is planned, claimed a moment later and marked a moment after that,
// and its row is written each time. Where letters leave as quickly as they are planned,
// they are therefore composed first, for those who come next by number and as far as there
// is room, and their rows are there from the start as this daemon's claims, marked: what
// is not on the wire yet is not in the database either, and nobody else misses it. The
// first step of an occasion is planned like any other, and so is all of it where the wire
// is slower, stands still or may not take so many: then everybody sees at once what is
// to leave, and other daemons claim it, too.
//
// It is the way of one daemon. Whoever is the first to plan a step has it, and another,
// whose letters of it were for nothing, plans for everybody from then on; so the first
// loses a step, too, and both claim what is planned, as they would have before.

// A taking is an occasion of which steps are left.
type taking struct {
	plan convened.OccasionPlan
	upto int  // the seats up to which somebody looked; -1: from where the occasion stands
	last bool // there is nobody beyond them
	done bool // no step is left
}

// again has the occasion looked at from where it stands.
func (t *taking) again() { t.upto, t.last = -1, false }

// swiftness is how long ago the last claim may be where the wire is quick.
const swiftness = 250 * time.Millisecond

// rivalry is for how long who has lost a step to another daemon takes none.
const rivalry = 10 * time.Second

// swift reports whether the wire takes letters as quickly as they are planned, and nobody
// else takes them. For who holds s.mu.
func (s *Scheduler) swift() bool {
	now := s.o.Clock()
	return s.o.Rate == 0 && s.take > s.o.Batch && s.relay.why == "" && now.Sub(s.gotAt) < swiftness && (s.rivalAt.IsZero() || now.Sub(s.rivalAt) >= rivalry)
}

// beginTaking leaves the steps of an occasion that was begun to be taken, if that is
// quicker, and reports whether it is.
func (s *Scheduler) beginTaking(p convened.OccasionPlan) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.swift() || p.TooLate != "" || p.Passed != "" {
		return false
	}
	t := &taking{plan: p}
	t.again()
	s.takings = append(s.takings, t)
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

// nextTaking returns the occasion whose turn it is, and from where on it was not looked
// at; nil if there is none. One large event does not keep the people of another waiting.
func (s *Scheduler) nextTaking() (*taking, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.takings, func(t *taking) bool { return !t.done && !t.last })
	if i < 0 {
		return nil, 0
	}
	t := s.takings[i]
	s.takings = append(slices.Delete(s.takings, i, i+1), t)
	return t, t.upto
}

// anyTaking reports whether there is an occasion to look at.
func (s *Scheduler) anyTaking() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.takings, func(t *taking) bool { return !t.done && !t.last })
}

// drop leaves the rest of an occasion to planning, which finds out how it is. It reports
// whether that was not so already.
func (s *Scheduler) drop(t *taking) bool {
	i := slices.Index(s.takings, t)
	if i >= 0 {
		s.takings = slices.Delete(s.takings, i, i+1)
	}
	return i >= 0
}

// dropAll is drop for all occasions.
func (s *Scheduler) dropAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.takings = nil
}

// lookAhead looks for at most n people whose letters are next. nil is nobody.
func (s *Scheduler) lookAhead(ctx context.Context, now time.Time, n int, r *Report) (*taking, *convened.Ahead, error) {
	t, after := s.nextTaking()
	if t == nil {
		return nil, nil, nil
	}
	a, err := s.o.Store.NextSeats(ctx, now, t.plan, after, n)
	if err = s.later("reminders of "+t.plan.Event, now, err, r); err != nil {
		return nil, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case a == nil: // or somebody holds what this needs
		s.drop(t)
		r.More = true
		return nil, nil, nil
	case t.upto != after:
		// What was looked at before was for nothing, and so is this: it is looked at again.
		r.More = true
		return nil, nil, nil
	}
	t.upto, t.last = a.Upto, a.Last
	return t, a, nil
}

// planAhead plans a step whose letters are ready, and returns which of them may be sent.
// The others have no row, or one that is planned.
func (s *Scheduler) planAhead(ctx context.Context, now time.Time, b batch, marks []convened.Mark, r *Report) (map[convened.NoticeID]bool, error) {
	s.mu.Lock()
	left := slices.Contains(s.takings, b.of)
	s.mu.Unlock()
	r.More = true
	if !left {
		return nil, nil // to planning, meanwhile
	}
	ok, step, err := s.o.Store.PlanAhead(ctx, now, b.of.plan, b.ahead, marks, s.markLease())
	r.Planned += step.Notices
	s.mu.Lock()
	switch {
	case errors.Is(err, convened.ErrEdited):
		s.drop(b.of)
		err = nil
	case errors.Is(err, convened.ErrStale):
		b.of.again()
		err = nil
	case errors.Is(err, convened.ErrBusy):
		s.drop(b.of) // to compose letters for nothing while somebody sits on the event is of no use
	case err != nil:
		b.of.again()
	case step.Lost:
		if s.drop(b.of) { // else it was lost to this daemon's own planning
			s.rivalAt = s.o.Clock()
		}
	default:
		b.of.done = step.Done
	}
	s.mu.Unlock()
	return ok, s.later("reminders of "+b.of.plan.Event, now, err, r)
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
