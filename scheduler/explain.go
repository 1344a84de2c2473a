package scheduler

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"convened"
)

// A Verdict says whether a mail reaches a person.
type Verdict string

// The verdicts.
const (
	Did     Verdict = "did"
	DidNot  Verdict = "did not"
	Will    Verdict = "will"
	WillNot Verdict = "will not"
	Held    Verdict = "is held" // somebody has to decide
)

// A Line is one mail to one person: what became of it or will, and why.
type Line struct {
	Kind     convened.Kind
	Rule     string // key of the reminder; "" for the other kinds
	Occasion string
	Instant  time.Time // what it is for
	Verdict  Verdict
	At       time.Time         // when it went out or will; zero where it does not
	Why      string            // a phrase for people, times on the event's clock; "" where there is nothing to say but that it did or will
	Notice   convened.NoticeID // 0: it has no row
}

// Explain says of one person for every mail of an event whether it did, did not
// or will reach them, and why, in the order of time. o is the outlook of this
// person alone, and history every notice of theirs. What is still to come is
// what Future foretells. It is a pure function.
func Explain(o *convened.Outlook, history []convened.Notice, now time.Time, p Policy) []Line {
	x := explain(o, now, p)
	said := map[string]bool{}
	var lines []Line
	for i := range history {
		n := &history[i]
		said[nameOf(n.Kind, n.Occasion)] = true
		lines = append(lines, x.row(n))
	}
	for _, occasion := range Occasions(o.Event) {
		if name := nameOf(x.kinds[occasion.Key], occasion.String()); !said[name] {
			said[name] = true
			lines = append(lines, x.occasion(occasion))
		}
	}
	for _, name := range x.order {
		if !said[name] {
			lines = append(lines, x.foretold(x.fates[name]))
		}
	}
	slices.SortStableFunc(lines, func(a, b Line) int {
		return cmp.Or(a.Instant.Compare(b.Instant), cmp.Compare(a.Kind.Priority(), b.Kind.Priority()))
	})
	return lines
}

// nameOf is what a notice is unique by, for one person.
func nameOf(kind convened.Kind, occasion string) string { return string(kind) + " " + occasion }

// An explanation is all that is known of one person.
type explanation struct {
	*foresight
	loc      *time.Location
	seat     convened.Seat // as it is, or will be at the next tick
	arriving bool          // it will be only then
	recorded map[string]*convened.Recorded
	fates    map[string]Fate
	order    []string // of the fates
}

func explain(o *convened.Outlook, now time.Time, p Policy) *explanation {
	x := &explanation{foresight: foresee(o, now, p, nil), loc: o.Event.TimeLocation(), recorded: map[string]*convened.Recorded{}, fates: map[string]Fate{}}
	for i := range o.Recorded {
		x.recorded[o.Recorded[i].String()] = &o.Recorded[i]
	}
	switch {
	case len(o.Seats) > 0:
		x.seat = o.Seats[0]
	case len(o.Arrivals) > 0:
		x.arriving = true
		x.seat = convened.Seat{ID: o.Arrivals[0].ID, SeatedAt: now}
		if o.Arrivals[0].Fault != "" {
			x.seat.RefusedAt = now
		}
	}
	Future(o, now, p, func(f Fate) {
		name := nameOf(f.Kind, f.Occasion)
		if old, known := x.fates[name]; known && old.Goes() {
			return
		} else if !known {
			x.order = append(x.order, name)
		}
		f.Seat = nil
		x.fates[name] = f
	})
	return x
}

// row explains a notice that was planned.
func (x *explanation) row(n *convened.Notice) Line {
	l := Line{Kind: n.Kind, Occasion: n.Occasion, Instant: n.Instant, Notice: n.ID}
	if ofRule(n.Kind) {
		o, err := convened.ParseOccasion(n.Occasion)
		if l.Rule = o.Key; err != nil {
			l.Rule = n.Occasion
		}
	}
	switch n.State {
	case convened.Sent:
		l.Verdict, l.At, l.Why = Did, n.SentAt, x.whySent(n)
	case convened.Refused, convened.Cancelled:
		l.Verdict, l.Why = DidNot, whyNot(n)
	default:
		f, known := x.fates[nameOf(n.Kind, n.Occasion)]
		switch {
		case !known:
			l.Verdict, l.Why = Held, cmp.Or(n.Reason, "nobody knows whether it arrived")
		case f.Goes():
			l.Verdict, l.At, l.Why = Will, f.At, whyWaiting(n)
		case f.State == convened.Held:
			l.Verdict, l.Why = Held, f.Why
		default:
			l.Verdict, l.Why = WillNot, f.Why
		}
	}
	return l
}

// ofRule reports whether letters of a kind are made by rules.
func ofRule(k convened.Kind) bool { return k == convened.ReminderKind || k == convened.Followup }

// whyNot says why a notice came to nothing, with the server's last words.
func whyNot(n *convened.Notice) string {
	var parts []string
	if n.Reason != "" {
		parts = append(parts, n.Reason)
	}
	switch {
	case n.LastError == "":
	case n.Attempt == 0:
		parts = append(parts, "not an address: "+n.LastError) // it was never tried
	default:
		parts = append(parts, "the server said: "+n.LastError)
	}
	return cmp.Or(strings.Join(parts, "; "), "refused")
}

func whyWaiting(n *convened.Notice) string {
	switch {
	case n.State == convened.Claimed:
		return "it is being sent"
	case n.State == convened.Unknown:
		return "nobody knows whether it arrived, so it goes out again"
	case n.Failures > 0 && n.LastError != "":
		return fmt.Sprintf("%s failed; the server said: %s", times(n.Failures, "try", "tries"), n.LastError)
	}
	return ""
}

func times(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}

// whySent says what brought about a letter that went out.
func (x *explanation) whySent(n *convened.Notice) string {
	switch n.Kind {
	case convened.Confirmation:
		if n.Occasion == "1" {
			return "registered"
		}
		return "registered again"
	case convened.Update:
		return "the event changed"
	case convened.Cancellation:
		if x.o.Event.Status == convened.EventIsOff {
			return EventOff
		}
		return "the seat was given up"
	}
	o, err := convened.ParseOccasion(n.Occasion)
	r := x.recorded[n.Occasion]
	switch {
	case err == nil && !o.Start.Equal(x.o.Event.Starts):
		return "for the start on " + x.when(o.Start) + ", before the event was moved"
	case x.reminders[o.Key] == nil:
		return "the rule was removed since"
	case r != nil && n.Instant.After(r.At):
		return "caught up: its instant, " + x.when(r.At) + ", was past when the seat was taken or the reminders were unmuted"
	case r != nil && x.changed(r):
		return "the rule was changed since, under the same name: for this start it does not go out again"
	}
	return ""
}

// changed reports whether the rule of an occasion would now have another instant for it.
func (x *explanation) changed(r *convened.Recorded) bool {
	return !slices.Contains(Occasions(x.o.Event), r.Occasion)
}

// occasion explains an instant of a rule for which there is no notice.
func (x *explanation) occasion(o convened.Occasion) Line {
	kind := x.kinds[o.Key]
	l := Line{Kind: kind, Rule: o.Key, Occasion: o.String(), Instant: o.At}
	f, known := x.fates[nameOf(kind, o.String())]
	r := x.recorded[o.String()]
	switch {
	case known && f.Goes():
		l.Verdict, l.At = Will, f.At
		if f.At.After(o.At) && f.Instant.After(o.At) {
			l.Why = "caught up: its instant is past"
		}
		return l
	case r != nil && r.Planned && !r.At.Equal(o.At):
		l.Why = "a mail of this name was planned for this start already, on " + x.when(r.At) + ", before the rule was changed"
	case r != nil && (r.Planned || !known):
		l.Verdict, l.Why = DidNot, x.missed(o, r)
		return l
	case known && f.State == convened.Held:
		l.Verdict, l.Why = Held, f.Why
		return l
	case known:
		l.Why = x.since(f.Why, o.Key, &x.seat)
	case x.o.Event.Status == convened.EventIsOff:
		l.Why = EventOff
	default: // somebody who only arrives
		_, why := Reaches(OccasionPlanOf(x.o.Event, o, kind, x.now, x.policy.Grace), &x.seat)
		l.Why = x.since(cmp.Or(why, LateSkipped), o.Key, &x.seat)
	}
	if l.Verdict = WillNot; !o.At.After(x.now) {
		l.Verdict = DidNot
	}
	return l
}

// missed says why an occasion that was planned made no notice for this person.
func (x *explanation) missed(o convened.Occasion, r *convened.Recorded) string {
	p := OccasionPlanOf(x.o.Event, r.Occasion, x.kinds[o.Key], r.RecordedAt, x.policy.Grace)
	p.Passed, p.TooLate = r.Passed, "" // it was decided then
	s := x.seat
	for _, t := range []*time.Time{&s.CancelledAt, &s.MutedAt, &s.RefusedAt, &s.ErasedAt} {
		if t.After(r.RecordedAt) {
			*t = time.Time{}
		}
	}
	if ok, why := Reaches(p, &s); !ok {
		return x.since(why, o.Key, &s)
	}
	return "when it was planned, on " + x.when(r.RecordedAt) + ", the seat was given up or the reminders were muted"
}

// since adds to a reason the time since when it holds.
func (x *explanation) since(why, key string, s *convened.Seat) string {
	e := x.o.Event
	switch why {
	case Muted:
		return why + " on " + x.when(s.MutedAt)
	case Withdrawn:
		return why + " on " + x.when(s.CancelledAt)
	case Erased:
		return why + " on " + x.when(s.ErasedAt)
	case NoAddress:
		if x.arriving {
			return why
		}
		return why + " on " + x.when(s.RefusedAt)
	case LateFolded, LateSkipped:
		if x.arriving {
			return why
		}
		return why + ", on " + x.when(s.SeatedAt)
	case PassedByMove:
		return why + " on " + x.when(e.MovedAt)
	case PassedByRule:
		if r := x.reminders[key]; r != nil {
			return why + " on " + x.when(r.AddedAt)
		}
	}
	return why
}

// when says an instant on the event's clock.
func (x *explanation) when(t time.Time) string { return t.In(x.loc).Format("Mon 2 Jan 2006 15:04 MST") }

// foretold explains a mail that is no rule's and has no notice yet.
func (x *explanation) foretold(f Fate) Line {
	l := Line{Kind: f.Kind, Occasion: f.Occasion, Instant: f.Instant, Verdict: WillNot, At: f.At, Why: f.Why}
	if o, err := convened.ParseOccasion(f.Occasion); err == nil && ofRule(f.Kind) {
		l.Rule = o.Key
	}
	if !f.Goes() {
		if f.State == convened.Held {
			l.Verdict = Held
		}
		return l
	}
	l.Verdict = Will
	switch f.Kind {
	case convened.Confirmation:
		l.Why = "registered, and not planned yet"
	case convened.Update:
		l.Why = "the event changed"
	case convened.Cancellation:
		l.Why = EventOff
	}
	return l
}
