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
	o, err := d.Store.Outlook(ctx, now, slug, "", Identify)
	if err != nil {
		return nil, fmt.Errorf("event %q: %w", slug, err)
	}
	p := d.plan(o, now, at)
	p.Quarantine, err = d.Store.Quarantine(ctx)
	return p, err
}

// policy is what of the configuration the future depends on.
func (d *Desk) policy() scheduler.Policy {
	return scheduler.Policy{Grace: d.Grace, Doubt: d.Doubt, Permit: d.Permit}
}

func (d *Desk) plan(o *convened.Outlook, now, at time.Time) *Plan {
	if at.IsZero() {
		at = now
	}
	if at.Before(now) {
		o, now = scheduler.AsIf(o, at), at
	}
	p := &Plan{Event: o.Event, At: at, Arriving: len(o.Arrivals), Waiting: waitingLines(o)}
	for i := range o.Seats {
		if s := &o.Seats[i]; s.CancelledAt.IsZero() && s.ErasedAt.IsZero() {
			p.Registered++
		}
	}
	for _, m := range scheduler.Forecast(o, now, d.policy()) {
		if !m.Last.Before(at) {
			p.Mails = append(p.Mails, m)
		}
	}
	for _, c := range o.Changes {
		line := ChangeLine{Kind: c.Kind, DueAt: c.DueAt}
		for _, m := range p.Mails {
			if m.Kind == c.Kind && !m.Waits && m.At.Equal(latest(c.DueAt, now)) {
				line.People = m.People
			}
		}
		p.Changes = append(p.Changes, line)
	}
	return p
}

func latest(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// waitingLines counts what waits by kind and state.
func waitingLines(o *convened.Outlook) []WaitingLine {
	type key struct {
		kind  convened.Kind
		state convened.State
	}
	lines := map[key]*WaitingLine{}
	var list []WaitingLine
	var order []key
	for i := range o.Seats {
		for _, w := range o.Seats[i].Waiting {
			at := w.DueAt
			if w.State == convened.Held {
				at = w.Instant
			}
			k := key{w.Kind, w.State}
			l := lines[k]
			if l == nil {
				l = &WaitingLine{Kind: w.Kind, State: w.State, First: at, Last: at}
				lines[k], order = l, append(order, k)
			}
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
	for _, k := range order {
		list = append(list, *lines[k])
	}
	slices.SortStableFunc(list, func(a, b WaitingLine) int { return a.First.Compare(b.First) })
	return list
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
		c := &Comparison{Proposal: p, Plan: d.plan(&convened.Outlook{Event: p.Event, Room: -1}, now, at)}
		c.Differences = differences(nil, c.Plan.Mails)
		return c, nil
	}
	o, err := d.Store.Outlook(ctx, now, p.Event.Slug, "", Identify)
	if err != nil {
		return nil, err
	}
	before, after := d.plan(o, now, at), d.plan(carried(o, p, now), now, at)
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
