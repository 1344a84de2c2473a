package scheduler

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"convened"
)

// A Finding is something an organiser should know about an event's schedule.
type Finding struct {
	Reminder string // its key; "" for the event itself
	Level    string // LevelError or LevelWarning
	Message  string // a sentence without its final stop
	Mend     string // an imperative; "" where nothing needs doing
}

// The two levels: with an error a rule never fires. With a warning it does,
// and people may be surprised.
const (
	LevelError   = "error"
	LevelWarning = "warning"
)

// String is one line for a terminal.
func (f Finding) String() string {
	s := f.Level + ": "
	if f.Reminder != "" {
		s += "reminder " + quoted(f.Reminder) + ": "
	}
	s += f.Message
	if f.Mend != "" {
		s += "; " + f.Mend
	}
	return s
}

const (
	nightBegins = 22 // o'clock; a mail at 22:00 is in the night
	nightEnds   = 7  // o'clock; a mail at 07:00 is not
	tooNear     = time.Hour
	tooMany     = 10 // mails of one rule to one person
)

// Lint returns what is wrong or surprising in the schedule of e, in the order
// of the file, what concerns the event itself first. A zero now leaves out
// what depends on it: that instants are past.
//
// Errors: a zone that does not exist, a rule that does not parse, two
// reminders with one key, a rule that never fires for this event because its
// instant is at the start or after it, or its window holds none. Warnings: an
// instant in the night (22:00 to 07:00 in the event's zone), two less than an
// hour apart, one whose wall time does not exist or exists twice, one from
// before the event was announced, all of them past, more than ten mails of a
// rule, and a cron line that fires on either of a day of the month and a day
// of the week.
func Lint(e *convened.Event, now time.Time) []Finding {
	l := &linter{event: e, loc: e.TimeLocation(), now: now, index: -1}
	l.start = e.StartsLocal.In(l.loc)
	if l.lintEvent() {
		l.lintReminders()
		l.lintNeighbours()
	}
	slices.SortStableFunc(l.found, func(a, b placed) int { return cmp.Compare(a.index, b.index) })
	var findings []Finding
	for _, p := range l.found {
		findings = append(findings, p.Finding)
	}
	return findings
}

// lintReminders looks at each rule by itself.
func (l *linter) lintReminders() {
	e := l.event
	seen := make(map[string]bool)
	for i := range e.Reminders {
		rem := &e.Reminders[i]
		l.index, l.key = i, keyOf(rem)
		if seen[l.key] {
			l.say(LevelError, "an earlier reminder has the same key, so this one is never sent", "give one of the two a name of its own, with name:")
			continue
		}
		r, err := ParseRule(rem.Rule)
		if err != nil {
			l.sayError(err)
			continue
		}
		seen[l.key] = true
		list := r.instants(e, l.loc)
		if len(list) == 0 {
			l.lintSilence(r)
			continue
		}
		l.lintTimes(r, list)
		l.lintWalls(list)
		for _, in := range list {
			l.all = append(l.all, keyed{i, l.key, in.at})
		}
	}
}

// A linter collects findings about one event.
type linter struct {
	event *convened.Event
	loc   *time.Location
	start time.Time
	now   time.Time

	index int    // of the reminder at hand; -1 is the event itself
	key   string // of the reminder at hand
	all   []keyed
	found []placed
}

// A placed finding is about the reminder at an index.
type placed struct {
	index int
	Finding
}

// A keyed instant is one of a reminder, by its place in the file.
type keyed struct {
	index int
	key   string
	at    time.Time
}

func (l *linter) say(level, message, mend string) {
	l.found = append(l.found, placed{l.index, Finding{l.key, level, message, mend}})
}

func (l *linter) sayError(err error) {
	if e, ok := errors.AsType[*RuleError](err); ok {
		l.say(LevelError, e.problem(), e.Mend)
		return
	}
	l.say(LevelError, err.Error(), "")
}

// when says an instant on the event's wall clock.
func (l *linter) when(t time.Time) string {
	return t.In(l.loc).Format("Monday 2 January 2006 at 15:04")
}

// begun reports whether the event has started; without a now it has not.
func (l *linter) begun() bool { return !l.now.IsZero() && !l.now.Before(l.start) }

// lintEvent looks at what all rules lean on, and reports whether there is
// anything to lean on.
func (l *linter) lintEvent() bool {
	if _, err := convened.LoadZone(l.event.Zone); err != nil {
		if e, ok := errors.AsType[*convened.ZoneError](err); ok && len(e.Suggest) > 0 {
			l.say(LevelError, fmt.Sprintf("the zone %q %s", e.Name, e.Why), "write "+joined(e.Suggest, " or "))
		} else {
			l.say(LevelError, err.Error(), "write an IANA name such as Europe/Brussels")
		}
		return false
	}
	if l.event.StartsLocal.IsZero() {
		l.say(LevelError, "the event has no start, so no rule has an instant", `write one, such as "starts: 2026-11-25 16:00"`)
		return false
	}
	if l.begun() {
		l.say(LevelWarning, "the event began on "+l.when(l.start)+", so no reminder goes out any more", "")
	}
	for _, w := range []struct {
		name string
		wall convened.Wall
	}{{"start", l.event.StartsLocal}, {"end", l.event.EndsLocal}} {
		if w.wall.IsZero() {
			continue
		}
		if what := oddWall(w.wall, l.loc); what != "" {
			l.say(LevelWarning, fmt.Sprintf("the %s, %s, %s", w.name, w.wall, what), "write another time, or say in the description which is meant")
		}
	}
	return true
}

// lintSilence says why a rule has no instant at all.
func (l *linter) lintSilence(r Rule) {
	switch {
	case r.anchor == onCron:
		l.say(LevelError, fmt.Sprintf("the rule never fires: its window, from %s to %s, holds none of its instants",
			l.when(edge(r.from, l.event.StartsLocal, l.loc)), l.when(edge(r.until, l.event.StartsLocal, l.loc))), "widen the window with from: and until:, or change the cron line")
	case r.anchor == afterEnd && l.event.EndsLocal.IsZero():
		l.say(LevelError, "the rule never fires: the event has no end", `write one, such as "ends: 2026-11-25 17:00"`)
	case r.anchor == afterEnd:
		at, _ := r.offset(l.event.EndsLocal, +1, l.loc)
		l.say(LevelError, fmt.Sprintf("the rule never fires: %s is not after the end", l.when(at)), "write a later hour, or more days")
	default:
		at, _ := r.offset(l.event.StartsLocal, -1, l.loc)
		l.say(LevelError, fmt.Sprintf("the rule never fires: %s is not before the start", l.when(at)), "write an earlier hour, or more days")
	}
}

// lintTimes looks at when the instants of one rule are.
func (l *linter) lintTimes(r Rule, all instants) {
	var night, early []time.Time
	past := 0
	for _, in := range all {
		if h := in.at.In(l.loc).Hour(); h >= nightBegins || h < nightEnds {
			night = append(night, in.at)
		}
		if in.at.Before(l.event.CreatedAt) {
			early = append(early, in.at)
		}
		if !l.now.IsZero() && !in.at.After(l.now) {
			past++
		}
	}
	if r.anchor == onCron {
		if spec, err := parseCron(r.cron); err == nil && onEither(spec) {
			l.say(LevelWarning, "the cron line names days of the month and days of the week, and fires on either", "write * for one of the two")
		}
	}
	if len(all) > tooMany {
		l.say(LevelWarning, fmt.Sprintf("the rule sends %d mails to each person", len(all)), "add at_most:, or shorten the window")
	}
	if len(night) > 0 {
		l.say(LevelWarning, l.some(night, all)+fmt.Sprintf(", in the night (%s)", l.event.Zone), `choose an hour between 07:00 and 22:00, such as "before: 1 day at 09:00"`)
	}
	switch {
	case len(early) > 0:
		l.say(LevelWarning, l.some(early, all)+", before the event was announced on "+l.when(l.event.CreatedAt), "choose a time nearer to the start")
	case past == len(all) && !(l.begun() && r.Kind() == convened.ReminderKind):
		l.say(LevelWarning, "all of its instants are past, the last on "+l.when(all[len(all)-1].at), "choose a time nearer to the start, or remove the rule")
	}
}

// some says how many of the instants of a rule are meant, and names one.
func (l *linter) some(these []time.Time, all instants) string {
	switch {
	case len(all) == 1:
		return "the mail goes out on " + l.when(these[0])
	case len(these) == 1:
		return fmt.Sprintf("1 of %d mails goes out on %s", len(all), l.when(these[0]))
	}
	return fmt.Sprintf("%d of %d mails go out, the first on %s", len(these), len(all), l.when(these[0]))
}

// lintWalls looks for wall times that a clock change skips or repeats.
func (l *linter) lintWalls(all instants) {
	for _, in := range all {
		if in.wall.IsZero() {
			continue
		}
		if what := oddWall(in.wall, l.loc); what != "" {
			l.say(LevelWarning, fmt.Sprintf("%s %s", in.wall, what), "choose an hour at which no clock is changed")
		}
	}
}

// oddWall says what a clock change does to a wall time, and what becomes of a
// mail that is due then; "" is nothing.
func oddWall(w convened.Wall, loc *time.Location) string {
	at := w.In(loc)
	if read := convened.WallOf(at); read != w {
		return fmt.Sprintf("does not exist in %s, where the clock is put forward over it, and counts as %s", loc, read)
	}
	_, change := at.ZoneBounds()
	if change.IsZero() {
		return ""
	}
	_, before := at.Zone()
	_, after := change.Zone()
	again := at.Add(time.Duration(before-after) * time.Second)
	if again.After(at) && convened.WallOf(again) == w {
		return fmt.Sprintf("exists twice in %s, where the clock is put back, and counts as the first", loc)
	}
	return ""
}

// lintNeighbours looks for mails that follow each other within the hour,
// whichever rules they are of, and says it once for each pair of rules.
func (l *linter) lintNeighbours() {
	slices.SortStableFunc(l.all, func(a, b keyed) int { return a.at.Compare(b.at) })
	said := make(map[[2]int]bool)
	for i := 1; i < len(l.all); i++ {
		a, b := l.all[i-1], l.all[i]
		apart := b.at.Sub(a.at)
		pair := [2]int{min(a.index, b.index), max(a.index, b.index)}
		if apart >= tooNear || said[pair] {
			continue
		}
		said[pair] = true
		l.index, l.key = b.index, b.key
		switch {
		case a.index == b.index:
			l.say(LevelWarning, fmt.Sprintf("the rule fires twice within the hour: on %s and %s later", l.when(a.at), Span{Elapsed: apart}),
				"write fewer minutes in the cron line")
		case apart == 0:
			l.say(LevelWarning, fmt.Sprintf("the rule fires at the same instant as %s, on %s", quoted(a.key), l.when(b.at)), "move one of the two")
		default:
			l.say(LevelWarning, fmt.Sprintf("the rule fires %s after %s, on %s", Span{Elapsed: apart}, quoted(a.key), l.when(b.at)), "move one of the two")
		}
	}
}
