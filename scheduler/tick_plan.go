package scheduler

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"convened"
)

// plannedOccasions remembers what is recorded for one revision of an event, so
// that an idle tick asks the database nothing about it.
type plannedOccasions struct {
	revision int
	all      []convened.Occasion
	kinds    map[string]convened.Kind // by reminder key
	done     map[string]bool          // by Occasion.String
	begun    map[string]bool          // that a step was planned just before, and more are left

	lookedBefore bool // whether anything is wrong with the event before its start
}

// planBeside plans, and where the tick before has left something to plan, sends
// meanwhile what it had planned: a step for 20,000 people takes longer than the
// hands need for what was claimed before it. Other daemons do the same at any time.
func (s *Scheduler) planBeside(ctx context.Context, now time.Time, r *Report) []error {
	var did Report
	if !s.steps {
		errs := s.plan(ctx, now, &did)
		s.steps, s.cleared = did.More, false
		r.add(did)
		return errs
	}
	var errs, wrong []error
	planned := make(chan struct{})
	go func() {
		defer close(planned)
		errs = s.plan(ctx, now, &did)
	}()
	for over := false; !over; {
		var sent Report
		err := s.dispatch(ctx, now, &sent)
		r.add(sent)
		wrong = append(wrong, err)
		freed := s.freed
		if err != nil || sent.Claimed == 0 && !sent.Crowded {
			freed = nil // there is nothing to be claimed before something is planned
		}
		select {
		case <-planned:
			over = true // whoever has registered waits for what follows
			continue
		default:
		}
		select {
		case <-planned:
			over = true
		case <-s.stepped:
			s.cleared = false
		case <-freed:
		}
	}
	s.steps, s.cleared = did.More, s.cleared && did.Planned == 0
	r.add(did)
	return append(errs, wrong...)
}

// plan makes the notices that now ought to exist.
func (s *Scheduler) plan(ctx context.Context, now time.Time, r *Report) []error {
	var errs []error
	events, err := s.o.Store.OpenEvents(ctx, now)
	errs = append(errs, err)
	if err != nil && len(events) == 0 {
		return errs // the database does not answer: the other steps would not do better
	}
	s.forgetAllBut(events)
	step, err := s.o.Store.PlanChanges(ctx, now)
	errs = append(errs, s.later("changes", now, err, r))
	r.Planned += step.Notices
	r.More = r.More || !step.Done
	for _, e := range events {
		// One bad event never holds up another.
		errs = append(errs, s.later("occasions of "+e.Slug, now, s.planOccasions(ctx, now, e, r), r))
		errs = append(errs, s.later("preflight of "+e.Slug, now, s.preflight(ctx, now, e, r), r))
	}
	return append(errs, s.planNewcomers(ctx, now, r, false))
}

// forgetAllBut forgets what is recorded for events that are over, off or gone.
func (s *Scheduler) forgetAllBut(events []*convened.Event) {
	open := make(map[string]bool, len(events))
	for _, e := range events {
		open[e.Slug] = e.Status != convened.EventIsOff
	}
	maps.DeleteFunc(s.planned, func(slug string, _ *plannedOccasions) bool { return !open[slug] })
}

// How long a step waits for who holds what it needs, and for how long that is
// nobody's business: another daemon that plans, an organiser who edits.
const (
	busyWait     = time.Second
	busyPatience = 10 * time.Second
)

// later drops an error that says that somebody else holds what a step needs,
// unless that has lasted for so long that somebody should know.
func (s *Scheduler) later(step string, now time.Time, err error, r *Report) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !errors.Is(err, convened.ErrBusy) {
		delete(s.busy, step)
		return err
	}
	r.Again = busyWait
	since, known := s.busy[step]
	if !known {
		s.busy[step], since = now, now
	}
	if now.Sub(since) < busyPatience {
		return nil
	}
	return err
}

func (s *Scheduler) planOccasions(ctx context.Context, now time.Time, e *convened.Event, r *Report) error {
	if e.Status == convened.EventIsOff {
		return nil
	}
	known, err := s.occasionsOf(ctx, e)
	if err != nil {
		return err
	}
	for _, o := range known.all {
		if o.At.After(now) {
			break // they are sorted
		}
		if known.done[o.String()] {
			continue
		}
		p := OccasionPlanOf(e, o, known.kinds[o.Key], now, s.o.Grace)
		if done, taken := s.isTaken(p); taken {
			known.done[o.String()] = done
			r.More = r.More || !done
			continue
		}
		// What taking has dropped is planned first: that finds out how it is.
		begun := known.begun[o.String()]
		if delete(known.begun, o.String()); begun && s.beginTaking(p) {
			r.More = true
			continue
		}
		done, err := s.planSteps(ctx, now, p, r)
		if errors.Is(err, convened.ErrEdited) {
			// The next tick sees the event as it is now.
			delete(s.planned, e.Slug)
			r.More = true
			return nil
		}
		if err != nil {
			return fmt.Errorf("plan %q of %s: %w", o.Key, e.Slug, err)
		}
		known.done[o.String()], known.begun[o.String()] = done, !done
		r.More = r.More || !done
	}
	return nil
}

// stepsATick is how many steps of an occasion a tick plans while letters leave beside
// it. The first tick plans one, so that they begin to.
const stepsATick = 10

// planSteps plans the next steps of an occasion, and reports whether none is left. The
// rest of one whose letters leave as quickly as it is planned is left to be taken.
func (s *Scheduler) planSteps(ctx context.Context, now time.Time, p convened.OccasionPlan, r *Report) (done bool, err error) {
	steps := 1
	if s.steps {
		steps = stepsATick
	}
	for range steps {
		step, err := s.o.Store.PlanOccasion(ctx, now, p)
		r.Planned += step.Notices
		if err != nil || step.Done || s.beginTaking(p) {
			return step.Done, err
		}
		select {
		case s.stepped <- struct{}{}:
		default:
		}
	}
	return false, nil
}

// OccasionPlanOf says how an occasion that has come is to be planned: who gets
// it, and whether it still makes sense. It is a pure function.
func OccasionPlanOf(e *convened.Event, o convened.Occasion, kind convened.Kind, now time.Time, grace time.Duration) convened.OccasionPlan {
	p := convened.OccasionPlan{Event: e.Slug, Occasion: o, Revision: e.Revision, Kind: kind, SeatedBy: o.At}
	for _, rem := range e.Reminders {
		if rem.Key != o.Key {
			continue
		}
		switch {
		case o.At.Before(rem.AddedAt):
			p.Passed = PassedByRule
		case o.At.Before(e.MovedAt):
			p.Passed = PassedByMove
		}
		if rem.Late == convened.Fold && kind == convened.ReminderKind {
			p.SeatedBy, p.Folds = o.At.Add(-convened.FoldWindow), true
		}
	}
	if now.After(Deadline(o, kind, grace)) {
		p.TooLate = TooLate
	}
	return p
}

func (s *Scheduler) occasionsOf(ctx context.Context, e *convened.Event) (*plannedOccasions, error) {
	if k := s.planned[e.Slug]; k != nil && k.revision == e.Revision {
		return k, nil
	}
	recorded, err := s.o.Store.Occasions(ctx, e.Slug)
	if err != nil {
		return nil, err
	}
	k := &plannedOccasions{revision: e.Revision, all: Occasions(e), kinds: map[string]convened.Kind{}, done: map[string]bool{}, begun: map[string]bool{}}
	for i := range e.Reminders {
		if rule, err := RuleOf(&e.Reminders[i]); err == nil {
			k.kinds[e.Reminders[i].Key] = rule.Kind()
		} else {
			// Rules are checked when they are written, so this is a row that
			// somebody edited by hand. The others go on.
			s.log.Error("a rule can't be read", "event", e.Slug, "rule", e.Reminders[i].Rule, "error", err.Error())
		}
	}
	for _, o := range recorded {
		if o.Planned {
			k.done[o.String()] = true
		}
	}
	s.planned[e.Slug] = k
	return k, nil
}

// planNewcomers plans registrations that nobody has planned. Where known is set, it
// plans none of an event of which this daemon does not know the present revision,
// and says convened.ErrEdited.
func (s *Scheduler) planNewcomers(ctx context.Context, now time.Time, r *Report, known bool) error {
	list, err := s.o.Store.Newcomers(ctx)
	if err != nil {
		return err
	}
	var order []string
	byEvent := map[string][]convened.Newcomer{}
	for i := range list {
		n := &list[i]
		s.o.Identify(n)
		if byEvent[n.Event] == nil {
			order = append(order, n.Event)
		}
		byEvent[n.Event] = append(byEvent[n.Event], *n)
	}
	var errs []error
	for _, event := range order {
		revision := 0
		if k := s.planned[event]; known && k != nil {
			revision = k.revision
		} else if known {
			errs = append(errs, convened.ErrEdited)
			continue
		}
		seated, err := s.o.Store.PlanNewcomers(ctx, now, event, revision, byEvent[event], s.o.ConfirmOnce)
		errs = append(errs, s.later("registrations of "+event, now, err, r))
		r.Seats += seated.Seats
		r.Planned += seated.Seats
		s.reportHeld(seated.Held)
		if err == nil {
			// As many may have come again while these were planned.
			r.More = r.More || len(list) >= 1000
		}
	}
	return errors.Join(errs...)
}

// NextInstant returns the next instant after now at which the tick will have
// something to do without a new registration or an edit: the zero time if never.
func (s *Scheduler) NextInstant(ctx context.Context, now time.Time) (time.Time, error) {
	next, err := s.o.Store.NextDue(ctx)
	if err != nil {
		return time.Time{}, err
	}
	events, err := s.o.Store.OpenEvents(ctx, now)
	if err != nil {
		return time.Time{}, err
	}
	for _, e := range events {
		if e.Status == convened.EventIsOff {
			continue
		}
		known, err := s.occasionsOf(ctx, e)
		if err != nil {
			return time.Time{}, err
		}
		for _, o := range known.all {
			if !known.done[o.String()] {
				if next.IsZero() || o.At.Before(next) {
					next = o.At
				}
				break
			}
		}
		if at := PreflightAt(e, s.o.Preflight); s.looksBefore(e) && !known.lookedBefore && at.After(now) && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	return next, nil
}
