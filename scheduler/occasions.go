package scheduler

import (
	"cmp"
	"slices"
	"sort"
	"time"

	"github.com/robfig/cron/v3"

	"convened"
)

// An instant is one firing of a rule for one start.
type instant struct {
	at   time.Time     // UTC
	wall convened.Wall // what the clock on the wall was asked to read; zero for elapsed time
}

// instants is all firings of a rule for one event, in order, none twice.
type instants []instant

// Next returns the first instant after t, in UTC, or the zero time when none
// is left.
func (list instants) Next(t time.Time) time.Time {
	i := sort.Search(len(list), func(i int) bool { return list[i].at.After(t) })
	if i == len(list) {
		return time.Time{}
	}
	return list[i].at
}

// Schedule returns the rule as a cron schedule for the present start and end
// of e, in the event's zone. Its Next answers in UTC, and with the zero time
// when none is left. The work is bounded: a rule reaches at most 400 days and
// fires at most every quarter of an hour.
//
// Start and end are derived from the event's local times and its zone, which
// are the truth, and not from e.Starts and e.Ends.
func (r Rule) Schedule(e *convened.Event) cron.Schedule {
	return r.instants(e, e.TimeLocation())
}

// instants is Schedule for a caller that has looked up the event's zone, which
// costs more than all the rest.
func (r Rule) instants(e *convened.Event, loc *time.Location) instants {
	var list instants
	start, end := e.StartsLocal.In(loc), e.EndsLocal.In(loc)
	switch {
	case e.StartsLocal.IsZero():
		// Without a start there is nothing to remind of.
	case r.anchor == beforeStart:
		if at, wall := r.offset(e.StartsLocal, -1, loc); at.Before(start) {
			list = instants{{at.UTC(), wall}}
		}
	case r.anchor == afterEnd && !e.EndsLocal.IsZero():
		if at, wall := r.offset(e.EndsLocal, +1, loc); at.After(end) {
			list = instants{{at.UTC(), wall}}
		}
	case r.anchor == onCron:
		list = r.cronInstants(e.StartsLocal, loc)
	}
	return list
}

// offset returns where the rule lies from a wall time: before it where sign
// is -1, after it where sign is +1.
func (r Rule) offset(w convened.Wall, sign int, loc *time.Location) (time.Time, convened.Wall) {
	if r.span.Elapsed != 0 {
		return w.In(loc).Add(time.Duration(sign) * r.span.Elapsed), convened.Wall{}
	}
	w = w.AddDays(sign * r.span.Days)
	if r.at.set {
		w.Hour, w.Minute, w.Second = r.at.hour, r.at.minute, 0
	}
	return w.In(loc), w
}

// slack is more than any clock was ever put forward or back: Samoa skipped a
// whole day in December 2011.
const slack = 25 * time.Hour

// cronInstants walks the cron line along the wall clock, as if no clock were
// ever changed, and only then asks at which instant the wall reads so. The
// parser's own way through a zone skips 02:30 in spring and doubles it in
// autumn.
func (r Rule) cronInstants(startsLocal convened.Wall, loc *time.Location) instants {
	spec, err := parseCron(r.cron)
	if err != nil {
		return nil // NewRule has parsed it
	}
	start := startsLocal.In(loc)
	opens, closes := edge(r.from, startsLocal, loc), edge(r.until, startsLocal, loc)

	// Around a change the order of wall times is not that of instants, so the
	// walk begins before the window and ends after it, and the window is cut
	// out of the instants.
	var list instants
	index := make(map[time.Time]int) // of instants in the list
	last := asUTC(convened.WallOf(closes.In(loc))).Add(slack)
	for u := spec.Next(asUTC(convened.WallOf(opens.In(loc))).Add(-slack)); !u.IsZero() && !u.After(last); u = spec.Next(u) {
		wall := convened.WallOf(u)
		at := wall.In(loc).UTC()
		if at.Before(opens) || at.After(closes) || !at.Before(start) {
			continue
		}
		if i, twice := index[at]; twice {
			// Of two wall times that are one instant, the later is the one
			// that exists: a gap moves its own forward.
			list[i].wall = wall
			continue
		}
		index[at] = len(list)
		list = append(list, instant{at, wall})
		if len(list) == r.atMost {
			// What comes much later on the wall comes later in fact.
			if enough := u.Add(slack); enough.Before(last) {
				last = enough
			}
		}
	}
	slices.SortFunc(list, func(a, b instant) int { return a.at.Compare(b.at) })
	if r.atMost > 0 && len(list) > r.atMost {
		list = list[:r.atMost]
	}
	return list
}

// edge returns the instant that lies a span before the start: at the start's
// time of day for days.
func edge(s Span, startsLocal convened.Wall, loc *time.Location) time.Time {
	if s.Days != 0 {
		return startsLocal.AddDays(-s.Days).In(loc)
	}
	return startsLocal.In(loc).Add(-s.Elapsed)
}

// asUTC is the instant at which a wall clock in UTC reads w: a way to count
// on the wall clock.
func asUTC(w convened.Wall) time.Time {
	return time.Date(w.Year, w.Month, w.Day, w.Hour, w.Minute, w.Second, 0, time.UTC)
}

// keyOf returns the identity of a reminder within its event.
func keyOf(rem *convened.Reminder) string { return cmp.Or(rem.Key, rem.Rule) }

// Occasions returns every instant of every reminder and follow-up of e, for
// its present start and end, sorted by At and then in the order of the file.
// It is pure, and says nothing of whether the event is off or an instant is
// past. The ordinals of each key count from 1 in the order of time.
//
// A reminder whose rule does not parse has none, and neither has a second
// reminder with the same key: it could have no row of its own. Lint tells the
// organiser of both.
func Occasions(e *convened.Event) []convened.Occasion {
	var all []convened.Occasion
	loc := e.TimeLocation()
	start := e.StartsLocal.In(loc).UTC()
	seen := make(map[string]bool)
	for i := range e.Reminders {
		rem := &e.Reminders[i]
		r, err := ParseRule(rem.Rule)
		if err != nil || seen[keyOf(rem)] {
			continue
		}
		seen[keyOf(rem)] = true
		for n, in := range r.instants(e, loc) {
			all = append(all, convened.Occasion{Key: keyOf(rem), Start: start, Ordinal: n + 1, At: in.at})
		}
	}
	slices.SortStableFunc(all, func(a, b convened.Occasion) int { return a.At.Compare(b.At) })
	return all
}

// NextOccasion returns the first occasion of e after an instant, and false
// when none is left. Of several at one instant it is the first of the file.
func NextOccasion(e *convened.Event, after time.Time) (convened.Occasion, bool) {
	for _, o := range Occasions(e) {
		if o.At.After(after) {
			return o, true
		}
	}
	return convened.Occasion{}, false
}

// followupGrace is how late a follow-up may be and still be welcome.
const followupGrace = 7 * 24 * time.Hour

// Grace returns how late the letter of an occasion may go out. For a reminder
// it is the smaller of most and half the time from its instant to the start,
// and never negative; for a follow-up it is seven days, whatever most. Other
// kinds have no occasion of a rule, and no grace.
func Grace(o convened.Occasion, kind convened.Kind, most time.Duration) time.Duration {
	switch kind {
	case convened.Followup:
		return followupGrace
	case convened.ReminderKind:
		return max(0, min(o.Start.Sub(o.At)/2, most))
	}
	return 0
}

// Deadline returns the instant after which the letter of an occasion is
// cancelled as too late: At and its grace. A reminder's is never after the
// start.
func Deadline(o convened.Occasion, kind convened.Kind, most time.Duration) time.Time {
	deadline := o.At.Add(Grace(o, kind, most))
	if kind == convened.ReminderKind && deadline.After(o.Start) {
		return o.Start
	}
	return deadline
}
