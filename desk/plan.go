package desk

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"convened"
	"convened/scheduler"
)

// A Plan is what is still to come of an event.
type Plan struct {
	Event      *convened.Event
	At         time.Time // the instant as of which it is
	Registered int       // seats that are taken
	Arriving   int       // registrations that nobody has planned yet
	Mails      []scheduler.Mailing
	Waiting    []WaitingLine
	Changes    []ChangeLine
	Quarantine *convened.Quarantine // why nothing is sent at all; nil: nothing is in the way

	forecast scheduler.Forecaster // of which Mails will be made
}

// A WaitingLine counts notices that something is still to come of.
type WaitingLine struct {
	Kind        convened.Kind
	State       convened.State
	First, Last time.Time // when they are looked at again; of held ones, what they are for
	Notices     int
	Why         string // the server's last words or why they are held, of the first that has any
}

// A ChangeLine is an edit that people are not wholly told of.
type ChangeLine struct {
	Kind   convened.Kind
	DueAt  time.Time
	People int // who will be told
}

// Plan returns every mail of an event that is still to come, if nothing is
// edited and nobody comes or goes. at, unless it is zero, asks from another day:
// a later one leaves out what will have gone out by then; an earlier one takes
// the rules and the people of now for those of then.
func (d *Desk) Plan(ctx context.Context, now time.Time, slug string, at time.Time) (*Plan, error) {
	var p *Plan
	err := d.Store.Outlooks(ctx, now, slug, outlookPart, Identify, func() { p = nil }, func(o *convened.Outlook) { p = d.planned(p, o, now, at) })
	if err != nil {
		return nil, fmt.Errorf("event %q: %w", slug, err)
	}
	p.finish(now)
	p.Quarantine, err = d.Store.Quarantine(ctx)
	return p, err
}

// outlookPart is of how many people at a time a plan is made: of a million they don't
// fit into the memory that a daemon should have.
const outlookPart = 20_000

// policy is what of the configuration the future depends on.
func (d *Desk) policy() scheduler.Policy {
	return scheduler.Policy{Grace: d.Grace, Doubt: d.Doubt, Permit: d.Permit}
}

// planned adds some people of an event to a plan, nil for the first of them. finish
// completes it.
func (d *Desk) planned(p *Plan, o *convened.Outlook, now, at time.Time) *Plan {
	if at.IsZero() {
		at = now
	}
	if at.Before(now) {
		o, now = scheduler.AsIf(o, at), at
	}
	if p == nil {
		p = &Plan{Event: o.Event, At: at}
		for _, c := range o.Changes {
			p.Changes = append(p.Changes, ChangeLine{Kind: c.Kind, DueAt: c.DueAt})
		}
	}
	p.Arriving += len(o.Arrivals)
	for i := range o.Seats {
		if s := &o.Seats[i]; s.CancelledAt.IsZero() && s.ErasedAt.IsZero() {
			p.Registered++
		}
	}
	p.addWaiting(o)
	p.forecast.Add(o, now, d.policy())
	return p
}

// finish leaves out what will have gone out by then, and says how many people are
// told of each change.
func (p *Plan) finish(now time.Time) {
	now = earliest(now, p.At)
	slices.SortStableFunc(p.Waiting, func(a, b WaitingLine) int { return a.First.Compare(b.First) })
	p.Mails = slices.DeleteFunc(p.forecast.Mailings(), func(m scheduler.Mailing) bool { return m.Last.Before(p.At) })
	for i := range p.Changes {
		line := &p.Changes[i]
		for _, m := range p.Mails {
			if m.Kind == line.Kind && !m.Waits && m.At.Equal(latest(line.DueAt, now)) {
				line.People = m.People
			}
		}
	}
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func latest(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// addWaiting counts what waits by kind and state.
func (p *Plan) addWaiting(o *convened.Outlook) {
	for i := range o.Seats {
		for _, w := range o.Seats[i].Waiting {
			at := w.DueAt
			if w.State == convened.Held {
				at = w.Instant
			}
			k := slices.IndexFunc(p.Waiting, func(l WaitingLine) bool { return l.Kind == w.Kind && l.State == w.State })
			if k < 0 {
				k = len(p.Waiting)
				p.Waiting = append(p.Waiting, WaitingLine{Kind: w.Kind, State: w.State, First: at, Last: at})
			}
			l := &p.Waiting[k]
			l.Notices++
			l.Why = cmp.Or(l.Why, w.Why)
			if at.Before(l.First) {
				l.First = at
			}
			if at.After(l.Last) {
				l.Last = at
			}
		}
	}
}

// A Difference is one mail before and after an edit.
type Difference struct {
	What string             // Added, Dropped, Moved or Kept
	Was  *scheduler.Mailing // nil where it is added
	Is   *scheduler.Mailing // nil where it is dropped
}

// What becomes of a mail by an edit.
const (
	Added   = "added"
	Dropped = "dropped"
	Moved   = "moved"
	Kept    = "kept"
)

// A Comparison is what an edit that has not been made does to the plan.
type Comparison struct {
	Proposal    *Proposal
	Plan        *Plan // as it would be
	Differences []Difference
}

// PlanProposal says what would become of each mail if an event were as wanted:
// see Propose. at is as in Plan.
func (d *Desk) PlanProposal(ctx context.Context, now time.Time, wanted *convened.Event, at time.Time) (*Comparison, error) {
	p, err := d.Propose(ctx, now, wanted)
	if err != nil {
		return nil, err
	}
	return d.compare(ctx, now, p, at)
}

// PlanCancel says what would become of each mail if an event were called off: see
// ProposeCancel.
func (d *Desk) PlanCancel(ctx context.Context, now time.Time, slug string) (*Comparison, error) {
	p, err := d.ProposeCancel(ctx, now, slug)
	if err != nil {
		return nil, err
	}
	return d.compare(ctx, now, p, time.Time{})
}

func (d *Desk) compare(ctx context.Context, now time.Time, p *Proposal, at time.Time) (*Comparison, error) {
	if p.New() {
		plan := d.planned(nil, &convened.Outlook{Event: p.Event, Room: -1}, now, at)
		plan.finish(now)
		return &Comparison{Proposal: p, Plan: plan, Differences: differences(nil, plan.Mails)}, nil
	}
	var before, after *Plan
	err := d.Store.Outlooks(ctx, now, p.Event.Slug, outlookPart, Identify, func() { before, after = nil, nil }, func(o *convened.Outlook) {
		before, after = d.planned(before, o, now, at), d.planned(after, carried(o, p, now), now, at)
	})
	if err != nil {
		return nil, err
	}
	before.finish(now)
	after.finish(now)
	return &Comparison{Proposal: p, Plan: after, Differences: differences(before.Mails, after.Mails)}, nil
}

// carried is an outlook as if a proposal had just been carried out: what Apply
// of package store makes of it.
func carried(o *convened.Outlook, p *Proposal, now time.Time) *convened.Outlook {
	e := *p.Event
	e.Revision++
	if p.raises {
		e.Sequence++
		e.SequencedAt = now
	}
	next := *o
	next.Event = &e
	if p.Notify != "" {
		next.Changes = append(slices.Clone(o.Changes), convened.PendingChange{Sequence: e.Sequence, Kind: p.Notify, Urgent: !p.DueAt.After(now), DueAt: p.DueAt})
	}
	return &next
}

// differences compares the mails of two plans: those of a rule by its name and
// ordinal, the others by kind and instant.
func differences(before, after []scheduler.Mailing) []Difference {
	var list []Difference
	left := map[string][]*scheduler.Mailing{}
	for i := range before {
		m := &before[i]
		left[identity(m)] = append(left[identity(m)], m)
	}
	for i := range after {
		m := &after[i]
		same := left[identity(m)]
		if len(same) == 0 {
			list = append(list, Difference{Added, nil, m})
			continue
		}
		was := same[0]
		left[identity(m)] = same[1:]
		what := Kept
		if !was.At.Equal(m.At) {
			what = Moved
		}
		list = append(list, Difference{what, was, m})
	}
	for i := range before {
		if m := &before[i]; slices.Contains(left[identity(m)], m) {
			list = append(list, Difference{Dropped, m, nil})
		}
	}
	slices.SortStableFunc(list, func(a, b Difference) int { return a.when().Compare(b.when()) })
	return list
}

func identity(m *scheduler.Mailing) string {
	if m.Occasion.Key == "" {
		return fmt.Sprint(m.Kind, m.Waits, m.At)
	}
	return fmt.Sprint(m.Kind, m.Waits, m.Occasion.Key, "#", m.Occasion.Ordinal)
}

func (d *Difference) when() time.Time {
	if d.Is != nil {
		return d.Is.At
	}
	return d.Was.At
}
