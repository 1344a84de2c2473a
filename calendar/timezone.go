package calendar

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	ics "github.com/arran4/golang-ical"

	"convened"
)

// A Zone is a VTIMEZONE (RFC 5545 3.6.5) in the only form that Outlook reads in
// full ([MS-OXCICAL] 2.1.3.1.1.19): one STANDARD and at most one DAYLIGHT, each
// with a yearly rule that names one weekday of one month, and no RDATE. It is
// made by Timezone. Zones are compared with ==.
type Zone struct {
	name     string
	changes  bool
	standard observance
	daylight observance // the zero value unless the clock changes
}

// An observance is the time after one of the year's changes of the clock.
type observance struct {
	name     string // the abbreviation, such as CET
	from, to int    // offset before and after, in seconds east of UTC
	rule     rule
}

// A rule says when the clock changes each year, as it reads just before.
type rule struct {
	month   time.Month
	nth     int // 1 to 4, or -1 for the last
	weekday time.Weekday
	at      time.Duration // since midnight
}

// firstYear is when observances begin, long before any event: clients start
// there and apply the rule. It says nothing of how the zone was in that year.
const firstYear = 1970

// rulesHold is how many years ahead Timezone looks to tell rules apart that
// agree this year: "the fourth Sunday" and "the last one".
const rulesHold = 12

// zoneName is what Timezone accepts: IANA Region/City names. They need no
// escape and no quotes wherever they stand.
var zoneName = regexp.MustCompile(`^[A-Z][A-Za-z_]*(/[A-Za-z0-9_+-]+)+$`)

// Timezone returns the VTIMEZONE for events that start in the given year of
// loc. It depends on the two and on Go's tzdata, on nothing else: all mails of
// an event hold the same bytes.
//
// It is right from the year's first hour to its last, and its rule holds in
// the following year too; most rules hold for ever. ok is false where no such
// VTIMEZONE can be said, and times must be written in UTC:
//
//   - the clock changes once that year, as where a country moved for good, or
//     more than twice;
//   - no "nth weekday" gives both years' changes, as where they follow the moon
//     (Africa/Casablanca), where this is the last year of summer time, or where
//     the rule counts from another weekday and this year it shows (Santiago's
//     "Sunday after the first Saturday");
//   - an offset has seconds, or loc has no Region/City name.
//
// STANDARD is the lower of the two offsets, also where tzdata calls the
// winter's time the odd one out (Europe/Dublin).
func Timezone(loc *time.Location, year int) (zone Zone, ok bool) {
	zone.name = loc.String()
	if !zoneName.MatchString(zone.name) || strings.HasPrefix(zone.name, "Etc/") || year <= firstYear {
		return Zone{}, false
	}
	now := transitions(loc, year)
	if len(now) == 0 {
		name, offset := time.Date(year, time.July, 1, 0, 0, 0, 0, time.UTC).In(loc).Zone()
		zone.standard = observance{name: name, from: offset, to: offset}
		return zone, offset%60 == 0
	}
	if len(now) != 2 || now[0].from%60 != 0 || now[0].to%60 != 0 {
		return Zone{}, false
	}
	// Rules that give both changes again next year lead back to where they
	// began, so one of the two changes lowers the offset and the other raises it.
	zone.changes = true
	rules, ok := recurring(loc, year, [2]transition(now))
	if !ok {
		return Zone{}, false
	}
	for i, t := range now {
		o := observance{name: t.name, from: t.from, to: t.to, rule: rules[i]}
		if t.to < t.from {
			zone.standard = o
		} else {
			zone.daylight = o
		}
	}
	return zone, true
}

// recurring returns the rules that give both changes of a year and those of the
// next. Where two rules do, it takes the one that holds for longer.
func recurring(loc *time.Location, year int, now [2]transition) (rules [2]rule, ok bool) {
	alive := [2][]rule{now[0].rules(), now[1].rules()}
	for n := 1; n <= rulesHold && (n == 1 || len(alive[0])+len(alive[1]) > 2); n++ {
		next := transitions(loc, year+n)
		for i, t := range now {
			fails := func(r rule) bool {
				return len(next) != 2 || next[i].from != t.from || next[i].to != t.to || !next[i].wall.Equal(r.in(year+n))
			}
			if !slices.ContainsFunc(alive[i], func(r rule) bool { return !fails(r) }) {
				// The change is abolished or moved: nothing later can tell the rules
				// apart. That must not happen as early as next year, or "each year"
				// is not what it is.
				if n == 1 {
					return rules, false
				}
				n = rulesHold
				continue
			}
			alive[i] = slices.DeleteFunc(alive[i], fails)
		}
	}
	return [2]rule{alive[0][0], alive[1][0]}, true
}

// A transition is one change of the clock.
type transition struct {
	wall     time.Time // what the clock reads just before, as if it were UTC
	from, to int       // seconds east of UTC
	name     string    // the abbreviation from now on
}

// transitions returns the changes of the offset in a year of loc. A change of
// the name alone, which tzdata also has, is none; nor is a turn of the year,
// where ZoneBounds stops too.
func transitions(loc *time.Location, year int) []transition {
	var found []transition
	// Two days of margin: the local year begins up to 14 hours from UTC's.
	t := time.Date(year, time.January, -1, 0, 0, 0, 0, time.UTC).In(loc)
	for {
		_, end := t.ZoneBounds()
		if end.IsZero() {
			return found
		}
		if !end.After(t) {
			// On the last day of a leap year ZoneBounds ends with the day before
			// (golang.org/issue/81583). Changes on that day itself it does see.
			t = t.Add(24 * time.Hour)
			continue
		}
		_, from := end.Add(-time.Second).Zone()
		name, to := end.Zone()
		wall := end.UTC().Add(time.Duration(from) * time.Second)
		switch {
		case wall.Year() > year:
			return found
		case wall.Year() == year && from != to:
			found = append(found, transition{wall, from, to, name})
		}
		t = end
	}
}

// rules returns the one or two rules that give t in its own year.
func (t transition) rules() []rule {
	y, month, day := t.wall.Date()
	at := t.wall.Sub(time.Date(y, month, day, 0, 0, 0, 0, time.UTC))
	// There is no fifth weekday in every month: a fifth is a last.
	both := []rule{{month, -1, t.wall.Weekday(), at}, {month, min((day-1)/7+1, 4), t.wall.Weekday(), at}}
	return slices.DeleteFunc(both, func(r rule) bool { return !r.in(y).Equal(t.wall) })
}

// in returns what the clock reads in a year when the rule applies, as if it
// were UTC.
func (r rule) in(year int) time.Time {
	if r.nth < 0 {
		last := time.Date(year, r.month+1, 0, 0, 0, 0, 0, time.UTC)
		back := (int(last.Weekday()) - int(r.weekday) + 7) % 7
		return last.AddDate(0, 0, -back).Add(r.at)
	}
	first := time.Date(year, r.month, 1, 0, 0, 0, 0, time.UTC)
	ahead := (int(r.weekday) - int(first.Weekday()) + 7) % 7
	return first.AddDate(0, 0, ahead+7*(r.nth-1)).Add(r.at)
}

// String writes the rule as a RECUR (RFC 5545 3.3.10).
func (r rule) String() string {
	return fmt.Sprintf("FREQ=YEARLY;BYMONTH=%d;BYDAY=%d%s", r.month, r.nth,
		[...]string{"SU", "MO", "TU", "WE", "TH", "FR", "SA"}[r.weekday])
}

// offset returns what a client that applies the zone's rules takes for the
// offset at t, in seconds east of UTC.
func (z Zone) offset(t time.Time) int {
	if !z.changes {
		return z.standard.to
	}
	offset, latest := z.standard.to, time.Time{}
	for y := t.Year() - 1; y <= t.Year()+1; y++ {
		for _, o := range []observance{z.standard, z.daylight} {
			onset := o.rule.in(y).Add(-time.Duration(o.from) * time.Second)
			if !onset.After(t) && onset.After(latest) {
				offset, latest = o.to, onset
			}
		}
	}
	return offset
}

// component builds the VTIMEZONE.
func (z Zone) component() *ics.VTimezone {
	tz := ics.NewTimezone(z.name)
	if z.changes {
		// The library reads DAYLIGHT but has nothing to add one with.
		daylight := &ics.Daylight{}
		z.daylight.fill(&daylight.ComponentBase, true)
		tz.Components = append(tz.Components, daylight)
	}
	z.standard.fill(&tz.AddStandard().ComponentBase, z.changes)
	return tz
}

func (o observance) fill(c *ics.ComponentBase, recurs bool) {
	onset := time.Date(firstYear, time.January, 1, 0, 0, 0, 0, time.UTC)
	if recurs {
		// DTSTART counts as the first of the rule's own dates, so it must be one.
		onset = o.rule.in(firstYear)
	}
	c.SetProperty(ics.ComponentPropertyDtStart, onset.Format("20060102T150405"))
	if recurs {
		c.SetProperty(ics.ComponentPropertyRrule, o.rule.String())
	}
	c.SetProperty(ics.ComponentProperty(ics.PropertyTzoffsetfrom), utcOffset(o.from))
	c.SetProperty(ics.ComponentProperty(ics.PropertyTzoffsetto), utcOffset(o.to))
	c.SetProperty(ics.ComponentProperty(ics.PropertyTzname), o.name)
}

// utcOffset writes whole minutes (RFC 5545 3.3.14). Zero is +0000, never -0000.
func utcOffset(seconds int) string {
	sign, minutes := "+", seconds/60
	if minutes < 0 {
		sign, minutes = "-", -minutes
	}
	return fmt.Sprintf("%s%02d%02d", sign, minutes/60, minutes%60)
}

// Encode returns the lines of the VTIMEZONE, from BEGIN to END, as Encode of an
// invitation writes them.
func (z Zone) Encode() []byte {
	return []byte(z.component().Serialize(&ics.SerializationConfiguration{MaxLength: 75, PropertyMaxLength: 75, NewLine: "\r\n"}))
}

// zone returns the zone that both times of the invitation can be said in; ok is
// false where they must be in UTC.
func (inv *Invitation) zone() (zone Zone, loc *time.Location, ok bool) {
	loc, err := convened.LoadZone(inv.Zone)
	if err != nil {
		return Zone{}, nil, false
	}
	starts, ends := inv.Starts.In(loc), inv.Ends.In(loc)
	zone, ok = Timezone(loc, starts.Year())
	if !ok {
		return Zone{}, nil, false
	}
	for _, t := range []time.Time{starts, ends} {
		// The end may lie in a later year, when the rule is another.
		if _, offset := t.Zone(); zone.offset(t) != offset || readsTwice(t) {
			return Zone{}, nil, false
		}
	}
	return zone, loc, true
}

// readsTwice reports whether the clocks of t's location show what they show at
// t a second time, because they are put back. RFC 5545 3.3.5 takes the first,
// Windows the second: neither can be said for certain.
func readsTwice(t time.Time) bool {
	_, offset := t.Zone()
	// Not by ZoneBounds, see transitions. Changes are further apart than a day.
	for _, near := range []time.Duration{-24 * time.Hour, 24 * time.Hour} {
		_, other := t.Add(near).Zone()
		again := t.Add(time.Duration(offset-other) * time.Second)
		if !again.Equal(t) && convened.WallOf(again) == convened.WallOf(t) {
			return true
		}
	}
	return false
}
