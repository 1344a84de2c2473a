package scheduler

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"convened"
)

// Words says the rule to a person in a language that the letters exist in; a
// language that they do not exist in is answered in English. It is a phrase
// without a capital or a final stop, such as "3 days before, at 09:00". Hours
// and days are those of the event's zone.
func (r Rule) Words(language string) string {
	v, ok := vocabularies[convened.BaseLanguage(language)]
	if !ok {
		v = vocabularies["en"]
	}
	switch r.anchor {
	case beforeStart:
		return v.before.offset(v, r)
	case afterEnd:
		return v.after.offset(v, r)
	case onCron:
		return r.cronWords(v)
	}
	return v.never
}

// A vocabulary is how one language says rules. Formats take their arguments in
// the order of English.
type vocabulary struct {
	never         string
	before, after offsetWords
	and, or       string
	units         [4][2]string // day, hour, minute, second; one and several

	clock   func(clockTime) string // "09:00", with an article where there must be one
	at      string                 // before the first clock
	atAgain string                 // before each further one
	often   string                 // "%d times a day between %s and %s"

	daily, weekdays, weekend string
	weekday                  [7]string // "Mondays", from Sunday
	onWeekday, onWeekdays    string    // before one, before several
	monthDay                 func(n int) string
	onMonthDay, onMonthDays  string
	ofMonth                  string // after days of the month
	month                    [12]string
	inMonth                  string
	window, openWindow       string // "from %s to %s before", "from %s before until the start"
	atMost                   func(n int) string
}

// offsetWords is how a language says a time before the start, or after the end.
type offsetWords struct {
	elapsed  string // "%s before the start"
	sameTime string // "%s before, at the time of the start"
	timed    string // "%s before, %s"
	sameDay  string // "on the day, %s"
}

func (w offsetWords) offset(v vocabulary, r Rule) string {
	switch {
	case r.at.set && r.span.Days == 0:
		return fmt.Sprintf(w.sameDay, v.at+v.clock(r.at))
	case r.at.set:
		return fmt.Sprintf(w.timed, v.span(r.span), v.at+v.clock(r.at))
	case r.span.Days != 0:
		return fmt.Sprintf(w.sameTime, v.span(r.span))
	}
	return fmt.Sprintf(w.elapsed, v.span(r.span))
}

// span says "3 days", or "1 hour and 30 minutes".
func (v vocabulary) span(s Span) string {
	h, m, sec := s.parts()
	var said []string
	for i, n := range []int64{int64(s.Days), h, m, sec} {
		switch n {
		case 0:
		case 1:
			said = append(said, "1 "+v.units[i][0])
		default:
			said = append(said, fmt.Sprintf("%d %s", n, v.units[i][1]))
		}
	}
	return joined(said, v.and)
}

// joined joins "a", "b" and "c" as "a, b and c".
func joined(items []string, and string) string {
	if len(items) < 2 {
		return strings.Join(items, "")
	}
	last := len(items) - 1
	return strings.Join(items[:last], ", ") + and + items[last]
}

// maxClocks is how many times of day are listed before they are counted.
const maxClocks = 4

func (r Rule) cronWords(v vocabulary) string {
	spec, err := parseCron(r.cron)
	if err != nil {
		return v.never // NewRule has parsed it
	}
	var said []string
	times := clockTimes(spec)
	days := v.days(spec)
	if len(times) > maxClocks {
		said = append(said, fmt.Sprintf(v.often, len(times), v.clock(times[0]), v.clock(times[len(times)-1])))
		if days != v.daily {
			said = append(said, days)
		}
	} else {
		var clocks []string
		for i, t := range times {
			preposition := v.at
			if i > 0 {
				preposition = v.atAgain
			}
			clocks = append(clocks, preposition+v.clock(t))
		}
		said = append(said, joined(clocks, v.and), days)
	}
	if months := setBits(spec.Month); len(months) < 12 {
		var names []string
		for _, m := range months {
			names = append(names, v.month[m-1])
		}
		said = append(said, v.inMonth+joined(names, v.and))
	}
	window := fmt.Sprintf(v.openWindow, v.span(r.from))
	if !r.until.IsZero() {
		window = fmt.Sprintf(v.window, v.span(r.from), v.span(r.until))
	}
	s := strings.Join(said, " ") + window
	if r.atMost > 0 {
		s += ", " + v.atMost(r.atMost)
	}
	return s
}

// days says on which days a spec fires, months aside.
func (v vocabulary) days(spec *cron.SpecSchedule) string {
	dom, dow := setBits(spec.Dom), setBits(spec.Dow)
	byMonth, byWeek := v.monthDays(dom), v.weekDays(dow)
	switch anyDom, anyDow := len(dom) == 31, len(dow) == 7; {
	case anyDom && anyDow, onEither(spec) && (anyDom || anyDow):
		return v.daily
	case anyDom:
		return byWeek
	case anyDow:
		return byMonth
	}
	return byMonth + v.or + byWeek
}

func (v vocabulary) weekDays(days []int) string {
	switch {
	case slices.Equal(days, []int{1, 2, 3, 4, 5}):
		return v.weekdays
	case slices.Equal(days, []int{0, 6}):
		return v.weekend
	}
	// The week begins on Monday where the letters are read.
	if len(days) > 1 && days[0] == int(time.Sunday) {
		days = append(days[1:], days[0])
	}
	var names []string
	for _, d := range days {
		names = append(names, v.weekday[d])
	}
	if len(names) == 1 {
		return v.onWeekday + names[0]
	}
	return v.onWeekdays + joined(names, v.and)
}

func (v vocabulary) monthDays(days []int) string {
	var numbers []string
	for _, d := range days {
		numbers = append(numbers, v.monthDay(d))
	}
	if len(numbers) == 1 {
		return v.onMonthDay + numbers[0] + v.ofMonth
	}
	return v.onMonthDays + joined(numbers, v.and) + v.ofMonth
}

// vocabularies is keyed by the languages of convened.Languages.
var vocabularies = map[string]vocabulary{
	"en": {
		never: "never",
		before: offsetWords{elapsed: "%s before the start", sameTime: "%s before, at the time of the start",
			timed: "%s before, %s", sameDay: "on the day, %s"},
		after: offsetWords{elapsed: "%s after the end", sameTime: "%s after, at the time of the end",
			timed: "%s after, %s", sameDay: "on the day it ends, %s"},
		and: " and ", or: " or ",
		units: [4][2]string{{"day", "days"}, {"hour", "hours"}, {"minute", "minutes"}, {"second", "seconds"}},
		clock: clockTime.String,
		at:    "at ",
		often: "%d times a day between %s and %s",
		daily: "every day", weekdays: "on weekdays", weekend: "at weekends",
		weekday:   [7]string{"Sundays", "Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays"},
		onWeekday: "on ", onWeekdays: "on ",
		monthDay:   func(n int) string { return fmt.Sprint(n) },
		onMonthDay: "on day ", onMonthDays: "on days ", ofMonth: " of the month",
		month: [12]string{"January", "February", "March", "April", "May", "June", "July", "August",
			"September", "October", "November", "December"},
		inMonth: "in ",
		window:  " from %s to %s before", openWindow: " from %s before until the start",
		atMost: countWords("at most once", "at most %d times"),
	},
	"fr": {
		never: "jamais",
		before: offsetWords{elapsed: "%s avant le début", sameTime: "%s avant, à l'heure du début",
			timed: "%s avant, %s", sameDay: "le jour même, %s"},
		after: offsetWords{elapsed: "%s après la fin", sameTime: "%s après, à l'heure de la fin",
			timed: "%s après, %s", sameDay: "le jour de la fin, %s"},
		and: " et ", or: " ou ",
		units: [4][2]string{{"jour", "jours"}, {"heure", "heures"}, {"minute", "minutes"}, {"seconde", "secondes"}},
		clock: func(c clockTime) string { return fmt.Sprintf("%d\u00a0h\u00a0%02d", c.hour, c.minute) },
		at:    "à ", atAgain: "à ",
		often: "%d fois par jour entre %s et %s",
		daily: "tous les jours", weekdays: "du lundi au vendredi", weekend: "le week-end",
		weekday:  [7]string{"le dimanche", "le lundi", "le mardi", "le mercredi", "le jeudi", "le vendredi", "le samedi"},
		monthDay: frenchDay,
		ofMonth:  " du mois",
		month: [12]string{"en janvier", "en février", "en mars", "en avril", "en mai", "en juin", "en juillet", "en août",
			"en septembre", "en octobre", "en novembre", "en décembre"},
		window: ", de %s à %s avant", openWindow: ", de %s avant jusqu'au début",
		atMost: countWords("au plus une fois", "au plus %d fois"),
	},
	"es": {
		never: "nunca",
		before: offsetWords{elapsed: "%s antes del comienzo", sameTime: "%s antes, a la hora del comienzo",
			timed: "%s antes, %s", sameDay: "el mismo día, %s"},
		after: offsetWords{elapsed: "%s después del final", sameTime: "%s después, a la hora del final",
			timed: "%s después, %s", sameDay: "el día en que termina, %s"},
		and: " y ", or: " o ",
		units: [4][2]string{{"día", "días"}, {"hora", "horas"}, {"minuto", "minutos"}, {"segundo", "segundos"}},
		clock: spanishClock,
		at:    "a ", atAgain: "a ",
		often: "%d veces al día entre %s y %s",
		daily: "todos los días", weekdays: "de lunes a viernes", weekend: "los fines de semana",
		weekday:    [7]string{"los domingos", "los lunes", "los martes", "los miércoles", "los jueves", "los viernes", "los sábados"},
		monthDay:   func(n int) string { return fmt.Sprint(n) },
		onMonthDay: "el día ", onMonthDays: "los días ", ofMonth: " del mes",
		month: [12]string{"enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto",
			"septiembre", "octubre", "noviembre", "diciembre"},
		inMonth: "en ",
		window:  ", desde %s hasta %s antes", openWindow: ", desde %s antes hasta el comienzo",
		atMost: countWords("como máximo una vez", "como máximo %d veces"),
	},
}

// countWords says how often: once has words of its own.
func countWords(once, often string) func(int) string {
	return func(n int) string {
		if n == 1 {
			return once
		}
		return fmt.Sprintf(often, n)
	}
}

func frenchDay(n int) string {
	if n == 1 {
		return "le 1er"
	}
	return fmt.Sprintf("le %d", n)
}

// spanishClock has the article: one o'clock is singular.
func spanishClock(c clockTime) string {
	if c.hour == 1 {
		return "la " + c.String()
	}
	return "las " + c.String()
}
