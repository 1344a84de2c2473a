package templates

import (
	"strings"
	"time"
)

// A Speech says dates, times and numbers to a reader as the letters say them.
type Speech struct {
	language string
	l        *locale
	zone     *time.Location
}

// Speak returns the speech of a language of the letters, on the clock of a zone.
func Speak(language string, zone *time.Location) Speech {
	return Speech{language, localeOf[language], zone}
}

// On is the same speech on another clock.
func (s Speech) On(zone *time.Location) Speech { return Speech{s.language, s.l, zone} }

// Date is "Wednesday 25 November 2026".
func (s Speech) Date(t time.Time) string { return s.l.dateOf(t.In(s.zone)) }

// Day is "25 Nov 2026".
func (s Speech) Day(t time.Time) string { return s.l.shortDayOf(t.In(s.zone), true) }

// ShortDay is "25 Nov".
func (s Speech) ShortDay(t time.Time) string { return s.l.shortDayOf(t.In(s.zone), false) }

// Clock is "16:00".
func (s Speech) Clock(t time.Time) string { return s.l.clockOf(t.In(s.zone)) }

// Weekday is "Wednesday".
func (s Speech) Weekday(t time.Time) string { return s.l.cldr.WeekdayWide(t.In(s.zone).Weekday()) }

// Hours is "16:00–17:00"; an end on another day comes with its date.
func (s Speech) Hours(start, end time.Time) string {
	return s.l.hours(start.In(s.zone), end.In(s.zone))
}

// When is "25 Nov 2026, 16:00".
func (s Speech) When(t time.Time) string { return s.Day(t) + ", " + s.Clock(t) }

// Zone is what the zone is called at an instant: "Central European Time" or "Mexico
// City time", with its offset.
func (s Speech) Zone(t time.Time) string { return ZoneAt(s.language, t, s.zone) }

// In is "in 3 days": how far off an instant is. What is past is "now".
func (s Speech) In(now, t time.Time) string { return s.l.startsIn(now, t, s.zone) }

// Number is "12,345", "12 345" or "12.345".
func (s Speech) Number(n int) string {
	return strings.NewReplacer("\u202f", nbsp, "\u00a0", nbsp).Replace(s.l.cldr.FmtNumber(float64(n), 0))
}

// Count is "1 person" or "12,345 people": a number and what is counted, of which one
// and many are the forms, in the language's own plural.
func (s Speech) Count(n int, one, many string) string {
	if strings.HasSuffix(s.l.count(n, [2]string{"1", "2"}), "1") {
		many = one
	}
	return s.Number(n) + nbsp + many
}
