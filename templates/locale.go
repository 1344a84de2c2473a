package templates

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-playground/locales"
	"github.com/go-playground/locales/en"
	"github.com/go-playground/locales/es"
	"github.com/go-playground/locales/fr"
)

// nbsp does not break a line; wrap makes it an ordinary space.
const nbsp = "\u00a0"

// A locale is how one language writes dates, times, zones and how long there is
// still to go. Names of days and months, and which number takes a plural, are
// CLDR's; the order they stand in is ours.
type locale struct {
	cldr locales.Translator

	date  func(weekday string, day int, month string, year int) string // with the day of the week
	day   func(day int, month string, year int) string                 // without; without the year if it is 0
	clock func(hour, minute int) string
	dash  string // between the start and the end of one day

	city int                      // which column of the table of cities
	zone func(city string) string // "Brussels time"

	soon relative
}

// relative is what a language says of a time to come. Pairs are one, and more.
type relative struct {
	now, today, tomorrow string
	in                   string // "in %s"
	minute, hour, day    [2]string
	and                  string // between hours and minutes
}

// localeOf holds the languages that letters are written in.
var localeOf = map[string]*locale{
	"en": {
		cldr: en.New(),
		date: func(weekday string, day int, month string, year int) string {
			return fmt.Sprintf("%s %d %s %d", weekday, day, month, year)
		},
		day: func(day int, month string, year int) string {
			if year != 0 {
				return fmt.Sprintf("%d %s %d", day, month, year)
			}
			return fmt.Sprintf("%d %s", day, month)
		},
		clock: func(hour, minute int) string { return fmt.Sprintf("%02d:%02d", hour, minute) },
		dash:  "–",
		city:  inEnglish,
		zone:  func(city string) string { return city + " time" },
		soon: relative{
			now: "now", today: "today", tomorrow: "tomorrow", in: "in %s",
			minute: [2]string{"minute", "minutes"}, hour: [2]string{"hour", "hours"}, day: [2]string{"day", "days"},
			and: " and ",
		},
	},
	"fr": {
		cldr: fr.New(),
		date: func(weekday string, day int, month string, year int) string {
			return fmt.Sprintf("%s %s %s %d", weekday, premier(day), month, year)
		},
		day: func(day int, month string, year int) string {
			if year != 0 {
				return fmt.Sprintf("%s %s %d", premier(day), month, year)
			}
			return premier(day) + " " + month
		},
		clock: func(hour, minute int) string { return fmt.Sprintf("%d%sh%s%02d", hour, nbsp, nbsp, minute) },
		dash:  " – ",
		city:  inFrench,
		zone:  func(city string) string { return "heure " + deLa(city) },
		soon: relative{
			now: "maintenant", today: "aujourd’hui", tomorrow: "demain", in: "dans %s",
			minute: [2]string{"minute", "minutes"}, hour: [2]string{"heure", "heures"}, day: [2]string{"jour", "jours"},
			and: " et ",
		},
	},
	"es": {
		cldr: es.New(),
		date: func(weekday string, day int, month string, year int) string {
			return fmt.Sprintf("%s %d de %s de %d", weekday, day, month, year)
		},
		day: func(day int, month string, year int) string {
			if year != 0 {
				return fmt.Sprintf("%d de %s de %d", day, month, year)
			}
			return fmt.Sprintf("%d de %s", day, month)
		},
		clock: func(hour, minute int) string { return fmt.Sprintf("%02d:%02d", hour, minute) },
		dash:  "–",
		city:  inSpanish,
		zone:  func(city string) string { return "hora de " + city },
		soon: relative{
			now: "ahora", today: "hoy", tomorrow: "mañana", in: "dentro de %s",
			minute: [2]string{"minuto", "minutos"}, hour: [2]string{"hora", "horas"}, day: [2]string{"día", "días"},
			and: " y ",
		},
	},
}

// premier is the day of a month as French says it: only the first is an ordinal.
func premier(day int) string {
	if day == 1 {
		return "1er"
	}
	return fmt.Sprint(day)
}

// deLa puts the French "de" before a place, which contracts with an article and
// elides before a vowel.
func deLa(place string) string {
	lower := strings.ToLower(place)
	first, _ := utf8.DecodeRuneInString(lower)
	switch {
	case strings.HasPrefix(lower, "le "):
		return "du" + place[2:]
	case strings.HasPrefix(lower, "les "):
		return "des" + place[3:]
	case strings.HasPrefix(lower, "hong kong"):
		return "de " + place
	case strings.ContainsRune("aeiouhéèêîôœ", first):
		return "d’" + place
	}
	return "de " + place
}

// dateOf is "Wednesday 25 November 2026", as it is in t's own location.
func (l *locale) dateOf(t time.Time) string {
	return l.date(l.cldr.WeekdayWide(t.Weekday()), t.Day(), l.cldr.MonthWide(t.Month()), t.Year())
}

// dayOf is "25 November"; with the year where asked.
func (l *locale) dayOf(t time.Time, year bool) string {
	y := 0
	if year {
		y = t.Year()
	}
	return l.day(t.Day(), l.cldr.MonthWide(t.Month()), y)
}

// shortDayOf is dayOf for a subject: "25 Nov".
func (l *locale) shortDayOf(t time.Time, year bool) string {
	day := fmt.Sprint(t.Day())
	if l.city == inFrench {
		day = premier(t.Day())
	}
	s := day + " " + l.cldr.MonthAbbreviated(t.Month())
	if year {
		s += fmt.Sprintf(" %d", t.Year())
	}
	return s
}

// clockOf is "16:00".
func (l *locale) clockOf(t time.Time) string { return l.clock(t.Hour(), t.Minute()) }

// hours is "16:00–17:00", or "16:00" for an event without a length. An end on
// another day comes with its date.
func (l *locale) hours(start, end time.Time) string {
	switch {
	case !end.After(start):
		return l.clockOf(start)
	case sameDay(start, end):
		return l.clockOf(start) + l.dash + l.clockOf(end)
	}
	return l.clockOf(start) + " – " + l.dateOf(end) + ", " + l.clockOf(end)
}

// sameDay reports whether a and b have the same date, each in its own location.
func sameDay(a, b time.Time) bool { return dayNumber(a) == dayNumber(b) }

// dayNumber counts the days of the calendar, whatever their length in hours.
func dayNumber(t time.Time) int {
	y, m, d := t.Date()
	return int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

// startsIn says how far off start is, seen from now, for a reader in loc:
//
//	under 30 seconds, and past   now
//	under an hour                in 40 minutes
//	under three hours            in 1 hour and 20 minutes, to five minutes
//	under six hours              in 4 hours
//	then by the reader's days    today, tomorrow, in 3 days
//
// All are of the time rounded to minutes: a mail that leaves some seconds late
// still says "in 1 hour".
func (l *locale) startsIn(now, start time.Time, loc *time.Location) string {
	s := &l.soon
	minutes := int((start.Sub(now) + 30*time.Second) / time.Minute)
	switch {
	case minutes <= 0:
		return s.now
	case minutes < 60:
		return fmt.Sprintf(s.in, l.count(minutes, s.minute))
	case minutes < 180:
		five := (minutes + 2) / 5 * 5
		hours := l.count(five/60, s.hour)
		if five%60 != 0 {
			hours += s.and + l.count(five%60, s.minute)
		}
		return fmt.Sprintf(s.in, hours)
	case minutes < 360:
		return fmt.Sprintf(s.in, l.count((minutes+30)/60, s.hour))
	}
	switch days := dayNumber(start.In(loc)) - dayNumber(now.In(loc)); days {
	case 0:
		return s.today
	case 1:
		return s.tomorrow
	default:
		return fmt.Sprintf(s.in, l.count(days, s.day))
	}
}

// count is "1 hour", "2 hours".
func (l *locale) count(n int, noun [2]string) string {
	if l.cldr.CardinalPluralRule(float64(n), 0) == locales.PluralRuleOne {
		return strconv.Itoa(n) + nbsp + noun[0]
	}
	return strconv.Itoa(n) + nbsp + noun[1]
}
