package scheduler

import (
	"math"
	"slices"
	"strconv"
	"time"

	"convened"
)

// This file foretells what the daemon will do. It takes the same decisions with
// the same functions, OccasionPlanOf and Useless, and says of one person what
// the statements of package store say of all of them at once.

// Why somebody who is registered does not get a reminder: words that stand on
// no row, because none is made.
const (
	PassedByRule = "its instant was past when the rule was written"
	PassedByMove = "its instant was past when the event was moved"
	NoAddress    = "the address was refused"
	LateFolded   = "folded into the confirmation: the seat was taken less than 30 minutes before it, or after it"
	LateSkipped  = "the seat was taken after it"
	StoodIn      = "folded into a confirmation or an update of the 30 minutes before it"
	NotNeeded    = "not needed: nothing that this person was sent says otherwise"
)

// Why a mail will be held until somebody releases it.
const (
	HeldCopied = "held: the registration is older than the event, so it was copied from elsewhere"
	HeldOver   = "held: the event was over before the registration came"
	HeldFuse   = "held: more confirmations than the fuse lets through within an hour"
	HeldAway   = "held: allow_recipients does not name the address"
)

// clockSlack is by how much a registration may be older than its event and still
// be none that was copied: package store judges so.
const clockSlack = time.Minute

// confirmOnce is how long a confirmation stands in for a second one.
const confirmOnce = 10 * time.Minute

// Reaches reports whether the notice of an occasion that is planned so goes to
// a seat, and if not, why. It is the WHERE of plan_occasion.sql. Of a seat's
// notices those count that it waits for or got, as of the moment of planning.
func Reaches(p convened.OccasionPlan, s *convened.Seat) (bool, string) {
	switch {
	case p.Passed != "":
		return false, p.Passed
	case !s.ErasedAt.IsZero():
		return false, Erased
	case !s.CancelledAt.IsZero():
		return false, Withdrawn
	case !s.RefusedAt.IsZero():
		return false, NoAddress
	case !s.MutedAt.IsZero():
		return false, Muted
	case unconfirmed(s):
		return false, Unconfirmed
	case s.SeatedAt.After(p.SeatedBy) && p.Folds:
		return false, LateFolded
	case s.SeatedAt.After(p.SeatedBy):
		return false, LateSkipped
	case p.Folds && spokenAt(s).After(p.SeatedBy):
		return false, StoodIn
	case p.TooLate != "":
		return false, p.TooLate
	}
	return true, ""
}

// spokenAt returns the instant of the latest confirmation or update that a
// seat has got or will get; zero if there is none.
func spokenAt(s *convened.Seat) time.Time {
	at := s.SpokenAt
	for i := range s.Waiting {
		if w := &s.Waiting[i]; speaks(w.Kind) && w.Instant.After(at) {
			at = w.Instant
		}
	}
	return at
}

// speaks reports whether a kind of letter says all that there is to say of an event.
func speaks(k convened.Kind) bool { return k == convened.Confirmation || k == convened.Update }

// FoldedInto returns the reminders that a confirmation stands in for: those that
// were folded when the seat was taken and, where it is sent again, those that it
// keeps from going out.
func FoldedInto(c *convened.Claim) []convened.Occasion {
	folded := Folded(&c.Event, c.Registration.SeatedAt)
	if again := c.Notice.Instant; again.After(c.Registration.SeatedAt) {
		for _, o := range Folded(&c.Event, again) {
			if o.At.After(again) && !slices.Contains(folded, o) {
				folded = append(folded, o)
			}
		}
	}
	return folded
}

// A Fate is what becomes of one mail to one person if nothing is edited, nobody
// comes or goes, and the server takes what it is given.
type Fate struct {
	Seat     *convened.Seat // as it is then; not to be kept
	Kind     convened.Kind
	Occasion string
	Instant  time.Time      // what it is for
	At       time.Time      // when it goes out; zero if it does not
	Why      string         // where it does not: why
	State    convened.State // of its row; "" where there is none yet; Held for one that will be held
}

// Goes reports whether the mail goes out.
func (f Fate) Goes() bool { return !f.At.IsZero() }

// A Policy is what of the configuration the future depends on: see Options.
type Policy struct {
	Grace  time.Duration
	Doubt  convened.Doubt               // nil: what is usual
	Permit func(*convened.Claim) string // nil: everybody may get mail
}

// Future tells the fate of every mail of an event that may be still to come,
// from now on, a person at a time. Notices that are held have no fate: somebody
// has to decide. It is a pure function.
func Future(o *convened.Outlook, now time.Time, p Policy, yield func(Fate)) {
	f := foresee(o, now, p, yield)
	fresh, repeats := f.arrivals()
	for i := range fresh {
		f.judge(&fresh[i])
	}
	for i := range o.Seats {
		f.live(o.Seats[i], repeats[o.Seats[i].ID], nil)
	}
	for i := range fresh {
		a := &fresh[i]
		f.live(convened.Seat{ID: a.ID, Email: a.Email, Language: a.Language, SeatedAt: now, FirstTold: -1, Told: -1}, a.again, a)
	}
}

// A foresight plays what the daemon will do, for one seat after another.
type foresight struct {
	o      *convened.Outlook
	now    time.Time
	policy Policy
	yield  func(Fate)

	steps     []step                        // of planning, in the order of the tick
	reminders map[string]*convened.Reminder // by key; the first of each, as Occasions has it
	kinds     map[string]convened.Kind      // by key
	catchUp   []convened.Occasion           // what `late: catch-up` owes to who takes a seat now
	room      int                           // how many more confirmations the fuse lets through now
	claim     convened.Claim                // of the notice at hand: what Useless looks at
	waiting   []convened.Waiting            // of the seat at hand; kept for its room
}

// A step plans one occasion or one change.
type step struct {
	at     time.Time
	plan   convened.OccasionPlan   // of an occasion
	change *convened.PendingChange // nil for an occasion

	// Where it was begun, only the seats with these numbers are left.
	begun      bool
	done, upto int
}

// concerns reports whether a seat is among those that the step is still for.
func (p *step) concerns(s *convened.Seat) bool {
	return !p.begun || s.Number > p.done && s.Number <= p.upto
}

func foresee(o *convened.Outlook, now time.Time, p Policy, yield func(Fate)) *foresight {
	if p.Doubt == nil {
		p.Doubt = convened.UsualDoubt()
	}
	f := &foresight{o: o, now: now, policy: p, yield: yield, room: o.Room, reminders: map[string]*convened.Reminder{}, kinds: map[string]convened.Kind{}}
	f.claim.Event = *o.Event
	if f.room < 0 {
		f.room = math.MaxInt
	}
	for i := range o.Event.Reminders {
		r := &o.Event.Reminders[i]
		rule, err := RuleOf(r)
		if err != nil || f.reminders[r.Key] != nil {
			continue
		}
		f.reminders[r.Key], f.kinds[r.Key] = r, rule.Kind()
	}
	f.steps = append(f.changeSteps(), f.occasionSteps()...)
	// A tick plans changes before occasions.
	slices.SortStableFunc(f.steps, func(a, b step) int { return a.at.Compare(b.at) })
	f.catchUp = f.owed()
	return f
}

// changeSteps returns the changes that people will be told of. One that a later
// one overtakes needs no letter of its own: see due_changes.sql.
func (f *foresight) changeSteps() []step {
	var steps []step
	left := slices.Clone(f.o.Changes)
	slices.SortStableFunc(left, func(a, b convened.PendingChange) int { return a.DueAt.Compare(b.DueAt) })
	for len(left) > 0 {
		at := later(f.now, left[0].DueAt)
		due := 0
		for due < len(left) && !left[due].DueAt.After(at) {
			due++
		}
		for i := range due {
			c := &left[i]
			overtaken := slices.ContainsFunc(left, func(l convened.PendingChange) bool {
				return l.Sequence > c.Sequence && (!c.Urgent || !l.DueAt.After(at))
			})
			if !overtaken {
				steps = append(steps, step{at: at, change: c, begun: c.Begun, done: c.Done, upto: c.Upto})
			}
		}
		left = left[due:]
	}
	return steps
}

// occasionSteps returns the occasions that are not wholly planned.
func (f *foresight) occasionSteps() []step {
	if f.o.Event.Status == convened.EventIsOff {
		return nil
	}
	recorded := map[string]*convened.Recorded{}
	for i := range f.o.Recorded {
		recorded[f.o.Recorded[i].String()] = &f.o.Recorded[i]
	}
	var steps []step
	for _, o := range Occasions(f.o.Event) {
		r := recorded[o.String()]
		if r != nil && r.Planned {
			continue
		}
		at := later(f.now, o.At)
		s := step{at: at, plan: OccasionPlanOf(f.o.Event, o, f.kinds[o.Key], at, f.policy.Grace)}
		if r != nil {
			s.begun, s.done, s.upto = true, r.Done, r.Upto
			s.plan.Passed = "" // it was decided when it was recorded
		}
		steps = append(steps, s)
	}
	return steps
}

// owed returns the latest occasion of each rule that catches up, of those that
// are recorded by the time at which newcomers are planned: see plan_catch_up.sql.
func (f *foresight) owed() []convened.Occasion {
	latest := map[string]convened.Occasion{}
	note := func(o convened.Occasion) {
		r := f.reminders[o.Key]
		if r == nil || r.Late != convened.CatchUp || f.kinds[o.Key] != convened.ReminderKind || !o.Start.Equal(f.o.Event.Starts) {
			return
		}
		if o.Ordinal > latest[o.Key].Ordinal {
			latest[o.Key] = o
		}
	}
	for _, r := range f.o.Recorded {
		note(r.Occasion)
	}
	for _, s := range f.steps {
		if s.change == nil && !s.at.After(f.now) {
			note(s.plan.Occasion)
		}
	}
	var owed []convened.Occasion
	for _, r := range f.o.Event.Reminders {
		if o, ok := latest[r.Key]; ok {
			owed = append(owed, o)
		}
	}
	return owed
}

// A newSeat is a registration that will be a seat.
type newSeat struct {
	convened.Arrival
	again []convened.Arrival // its repetitions, that came before the daemon

	// What becomes of the confirmation: Planned, Refused, Cancelled or Held.
	state convened.State
	why   string // where it is not Planned
}

// arrivals sorts the registrations that nobody has planned: those that will be
// seats, each with its repetitions, and the repetitions of seats that are there.
// See seat_registrations.sql.
func (f *foresight) arrivals() (fresh []newSeat, repeats map[convened.RegistrationID][]convened.Arrival) {
	repeats = map[convened.RegistrationID][]convened.Arrival{}
	index := map[string]int{} // of fresh, by address
	for _, a := range f.o.Arrivals {
		i, again := index[a.Address]
		switch {
		case (a.Seat != 0 || again) && a.Quiet:
			// An old row says nothing new of a seat that is there.
		case a.Seat != 0 && a.Fault == "":
			repeats[a.Seat] = append(repeats[a.Seat], a)
		case a.Seat != 0:
		case !again:
			index[a.Address] = len(fresh)
			fresh = append(fresh, newSeat{Arrival: a})
		case a.Fault == "":
			fresh[i].again = append(fresh[i].again, a)
		}
	}
	return fresh, repeats
}

// judge says what becomes of a first confirmation: see judge of package store.
func (f *foresight) judge(n *newSeat) {
	e, closed := f.o.Event, f.closed()
	switch {
	case n.Fault != "":
		n.state, n.why = convened.Refused, n.Fault
	case n.Quiet:
		n.state, n.why = convened.Cancelled, convened.TakenOver
	case e.Status == convened.EventIsOff:
		n.state, n.why = convened.Cancelled, closed
	case closed != "" && (f.copied(&n.Arrival) || !n.CreatedAt.Before(e.Ends)):
		n.state, n.why = convened.Held, HeldOver
	case closed != "":
		n.state, n.why = convened.Cancelled, closed
	case f.copied(&n.Arrival):
		n.state, n.why = convened.Held, HeldCopied
	case f.room <= 0:
		n.state, n.why = convened.Held, HeldFuse
	default:
		n.state = convened.Planned
		f.room--
	}
}

// copied reports whether no form can have written a registration.
func (f *foresight) copied(a *convened.Arrival) bool {
	return a.CreatedAt.Before(f.o.Event.CreatedAt.Add(-clockSlack))
}

// closed returns why the event needs no confirmations any more, or "".
func (f *foresight) closed() string {
	switch {
	case f.o.Event.Status == convened.EventIsOff:
		return EventOff
	case !f.now.Before(f.o.Event.Ends):
		return EventOver
	}
	return ""
}

// live plays what comes for one seat. again are its repetitions that nobody has
// planned; first is the registration of a seat that is only about to be taken.
func (f *foresight) live(s convened.Seat, again []convened.Arrival, first *newSeat) {
	f.waiting = append(f.waiting[:0], s.Waiting...)
	s.Waiting = f.waiting
	steps := f.steps
	for first != nil && len(steps) > 0 && !steps[0].at.After(f.now) {
		steps = steps[1:] // they are planned before it
	}
	for arriving := first != nil || len(again) > 0; ; arriving = false {
		at, more := f.next(&s, steps)
		if arriving {
			at, more = f.now, true
		}
		if !more {
			break
		}
		for ; len(steps) > 0 && !steps[0].at.After(at); steps = steps[1:] {
			f.plan(&s, &steps[0])
		}
		if arriving {
			f.arrive(&s, again, first)
		}
		f.send(&s, at)
	}
	f.waiting = s.Waiting
}

// next returns the next instant at which something happens to a seat.
func (f *foresight) next(s *convened.Seat, steps []step) (at time.Time, more bool) {
	if len(steps) > 0 {
		at, more = steps[0].at, true
	}
	for i := range s.Waiting {
		if s.Waiting[i].State == convened.Held {
			continue
		}
		if due := later(f.now, s.Waiting[i].DueAt); !more || due.Before(at) {
			at, more = due, true
		}
	}
	return at, more
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// plan does one step of planning to one seat.
func (f *foresight) plan(s *convened.Seat, p *step) {
	if !p.concerns(s) {
		return
	}
	if p.change != nil {
		f.planChange(s, p.change)
		return
	}
	o := p.plan.Occasion
	if ok, why := Reaches(p.plan, s); !ok {
		f.yield(Fate{Seat: s, Kind: p.plan.Kind, Occasion: o.String(), Instant: o.At, Why: why})
		return
	}
	s.Waiting = append(s.Waiting, convened.Waiting{Kind: p.plan.Kind, Occasion: o.String(), State: convened.Planned, Instant: o.At, DueAt: o.At})
}

// planChange is plan_change.sql for one seat.
func (f *foresight) planChange(s *convened.Seat, c *convened.PendingChange) {
	sequence := c.Sequence + s.Sequence
	n := convened.Waiting{Kind: c.Kind, Occasion: strconv.Itoa(sequence), State: convened.Planned, Instant: c.DueAt, DueAt: c.DueAt}
	first := s.FirstTold
	for i := range s.Waiting {
		if w := &s.Waiting[i]; speaks(w.Kind) && w.Marked && (first < 0 || w.Sequence < first) {
			first = w.Sequence
		}
	}
	why := ""
	switch {
	case !s.ErasedAt.IsZero():
		why = Erased
	case !s.CancelledAt.IsZero():
		why = Withdrawn
	case !s.RefusedAt.IsZero():
		why = NoAddress
	case first < 0 || first >= sequence:
		why = NotNeeded
	}
	if why != "" {
		f.yield(Fate{Seat: s, Kind: n.Kind, Occasion: n.Occasion, Instant: n.Instant, Why: why})
		return
	}
	s.Waiting = append(s.Waiting, n)
}

// arrive is PlanNewcomers of package store for one seat.
func (f *foresight) arrive(s *convened.Seat, again []convened.Arrival, first *newSeat) {
	late := first != nil && first.Fault == "" && !first.Quiet
	if first != nil {
		f.confirm(s, first)
	}
	revived := len(again) > 0 && !s.CancelledAt.IsZero()
	if revived {
		s.CancelledAt, s.MutedAt, s.SeatedAt = time.Time{}, time.Time{}, f.now
		s.Sequence++
		late = true
	}
	if len(again) > 0 {
		s.RefusedAt = time.Time{} // the address gets another try
		if language := again[len(again)-1].Language; language != "" {
			s.Language = language
		}
	}
	if f.closed() != "" {
		return
	}
	if len(again) > 0 {
		f.confirmAgain(s, revived, !slices.ContainsFunc(again, func(a convened.Arrival) bool { return !f.copied(&a) }))
	}
	if late && f.now.Before(f.o.Event.Starts) && !unconfirmed(s) {
		for _, o := range f.catchUp {
			if !slices.Contains(s.Reminded, o.String()) {
				s.Waiting = append(s.Waiting, convened.Waiting{Kind: convened.ReminderKind, Occasion: o.String(), State: convened.Planned, Instant: f.now, DueAt: f.now})
			}
		}
	}
}

// confirm plans the confirmation of a seat that is new, as it was judged.
func (f *foresight) confirm(s *convened.Seat, n *newSeat) {
	s.Confirmations = 1
	if n.state != convened.Cancelled {
		s.ConfirmedAt = f.now
	}
	if n.state == convened.Refused {
		s.RefusedAt = f.now
	}
	f.confirmation(s, n.state, n.why)
}

// confirmAgain is plan_repeats.sql for one seat. copied says that no form can
// have written any of its repetitions.
func (f *foresight) confirmAgain(s *convened.Seat, revived, copied bool) {
	if slices.ContainsFunc(s.Waiting, func(w convened.Waiting) bool {
		return w.Kind == convened.Confirmation || !revived && w.Kind == convened.Update && !w.Marked &&
			(w.State == convened.Planned || w.State == convened.Claimed)
	}) {
		return
	}
	if s.Confirmations == 0 || !revived && s.ConfirmedAt.After(f.now.Add(-confirmOnce)) {
		return
	}
	s.Confirmations++
	s.ConfirmedAt = f.now
	switch {
	case copied:
		f.confirmation(s, convened.Held, HeldCopied)
	case f.room <= 0:
		f.confirmation(s, convened.Held, HeldFuse)
	default:
		f.room--
		f.confirmation(s, convened.Planned, "")
	}
}

// confirmation plans a confirmation that goes out, waits for somebody, or does
// neither and says why.
func (f *foresight) confirmation(s *convened.Seat, state convened.State, why string) {
	w := convened.Waiting{Kind: convened.Confirmation, Occasion: strconv.Itoa(s.Confirmations), State: state, Instant: f.now, DueAt: f.now}
	switch state {
	case convened.Held:
		s.Waiting = append(s.Waiting, w)
		f.yield(Fate{Seat: s, Kind: w.Kind, Occasion: w.Occasion, Instant: w.Instant, Why: why, State: convened.Held})
	case convened.Planned:
		s.Waiting = append(s.Waiting, w)
	default:
		f.yield(Fate{Seat: s, Kind: w.Kind, Occasion: w.Occasion, Instant: w.Instant, Why: why})
	}
}

// send plays the claims of one instant: what is in doubt is decided, then what
// is due goes out or has lost its use.
func (f *foresight) send(s *convened.Seat, at time.Time) {
	for i := range s.Waiting {
		w := &s.Waiting[i]
		if w.State != convened.Unknown || w.DueAt.After(at) {
			continue
		}
		if w.State = convened.Planned; w.Doubts > f.policy.Doubt[w.Kind] {
			w.State = convened.Held
		}
	}
	// All that is due is claimed at once, so none of it knows of the others.
	told := s.Told
	for i := range s.Waiting {
		if w := &s.Waiting[i]; w.State == convened.Unknown && w.Marked && tells(w.Kind) {
			told = max(told, w.Sequence)
		}
	}
	left := s.Waiting[:0]
	for _, w := range s.Waiting {
		if w.State != convened.Claimed && (w.State != convened.Planned || w.DueAt.After(at)) {
			left = append(left, w)
			continue
		}
		fate := Fate{Seat: s, Kind: w.Kind, Occasion: w.Occasion, Instant: w.Instant}
		if w.ID != 0 {
			fate.State = w.State
		}
		c := f.claimed(s, &w, told)
		fate.Why = Useless(at, c, f.policy.Grace)
		switch {
		case fate.Why != "":
		case f.policy.Permit != nil && f.policy.Permit(c) != "":
			fate.Why, fate.State, w.State, w.Marked = HeldAway, convened.Held, convened.Held, false
			left = append(left, w)
		default:
			fate.At = at
			f.tell(s, &w)
		}
		f.yield(fate)
	}
	s.Waiting = left
}

// tells reports whether a kind of letter carries an invitation of its own SEQUENCE.
func tells(k convened.Kind) bool { return speaks(k) || k == convened.Cancellation }

// tell notes that a letter went out.
func (f *foresight) tell(s *convened.Seat, w *convened.Waiting) {
	sequence := f.o.Event.Sequence + s.Sequence
	if tells(w.Kind) {
		s.Told = max(s.Told, sequence)
	}
	if speaks(w.Kind) {
		if s.SpokenAt.Before(w.Instant) {
			s.SpokenAt = w.Instant
		}
		if s.FirstTold < 0 || sequence < s.FirstTold {
			s.FirstTold = sequence
		}
	}
}

// claimed is the claim that the daemon will have in hand, as far as Useless looks at it.
func (f *foresight) claimed(s *convened.Seat, w *convened.Waiting, told int) *convened.Claim {
	c := &f.claim
	c.Notice = convened.Notice{Registration: s.ID, Event: f.o.Event.Slug, Kind: w.Kind, Occasion: w.Occasion, Instant: w.Instant, Failures: w.Failures}
	c.Registration = convened.Registration{ID: s.ID, Event: f.o.Event.Slug, Email: s.Email, Language: s.Language, Sequence: s.Sequence, SeatedAt: s.SeatedAt, CancelledAt: s.CancelledAt, MutedAt: s.MutedAt, ErasedAt: s.ErasedAt}
	c.Told, c.Reminder = told, nil
	if ofRule(w.Kind) {
		if o, err := convened.ParseOccasion(w.Occasion); err == nil {
			c.Reminder = f.reminders[o.Key]
		}
	}
	return c
}
