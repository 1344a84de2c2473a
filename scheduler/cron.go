package scheduler

import (
	"cmp"
	"fmt"
	"math/bits"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// minInterval is the least time between two mails of one cron rule. An
// organiser who writes less has mistaken a field.
const minInterval = 15 // minutes

// A cronField is one of the five fields of a cron line.
type cronField struct {
	name     string
	min, max int
	names    []string // from min upwards; nil where there are only numbers
}

var cronFields = []cronField{
	{name: "minute", min: 0, max: 59},
	{name: "hour", min: 0, max: 23},
	{name: "day of month", min: 1, max: 31},
	{name: "month", min: 1, max: 12, names: []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}},
	{name: "day of week", min: 0, max: 6, names: []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}},
}

const cronExample = `write five fields, minute hour day-of-month month day-of-week, such as "0 9 * * MON-FRI"`

// normalCron returns a cron line in the form that is stored: one space
// between the fields, numbers without leading zeros, months and days of the
// week by name, "?" as "*". It refuses everything that the parser accepts, or
// panics on, but that does not belong in an event: zones (the event has one),
// @descriptors (@every is a ticker, the others fire at midnight), seconds,
// intervals of less than 15 minutes, and lines that never fire.
func normalCron(line string) (string, error) {
	refuse := func(why, mend string) (string, error) {
		return "", &RuleError{Field: "cron", Value: line, Why: why, Mend: mend}
	}
	fields := strings.Fields(line)
	switch {
	case strings.Contains(line, "="):
		return refuse("names a zone, and a rule is always in the event's zone", "remove everything up to the first field")
	case strings.HasPrefix(strings.TrimSpace(line), "@"):
		return refuse("is a descriptor, and a rule says its hour", cronExample)
	case len(fields) == 6:
		return refuse("has six fields: seconds and years are not used", cronExample)
	case len(fields) != len(cronFields):
		return refuse(fmt.Sprintf("has %d of the five fields", len(fields)), cronExample)
	}
	for i, f := range cronFields {
		text, why, mend := f.normal(fields[i])
		if why != "" {
			return refuse(why, mend)
		}
		fields[i] = text
	}
	text := strings.Join(fields, " ")
	spec, err := parseCron(text)
	if err != nil {
		return refuse("is not a cron line ("+err.Error()+")", cronExample)
	}
	// In the five years that Next looks ahead from the year 2000 each date of
	// the calendar occurs, the 29th of February too.
	if spec.Next(year2000).IsZero() {
		return refuse("never fires: no month that it names has that day", "name a day that the month has")
	}
	if gap, first, second := tightest(spec); gap < minInterval {
		return refuse(fmt.Sprintf("fires at %s and %s, and two mails of a rule are at least %d minutes apart", first, second, minInterval),
			`write minutes further apart, such as "0" or "0,30"`)
	}
	return text, nil
}

// parseCron hands a normalised line to the parser, in UTC: rules are computed
// on the wall clock as if no clock were ever changed. The parser is known to
// panic on some texts; none of them gets here, and one that did would be an
// error like any other.
func parseCron(text string) (spec *cron.SpecSchedule, err error) {
	defer func() {
		if p := recover(); p != nil {
			spec, err = nil, fmt.Errorf("the parser gave up: %v", p)
		}
	}()
	s, err := cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow).Parse(text)
	if err != nil {
		return nil, err
	}
	spec, ok := s.(*cron.SpecSchedule)
	if !ok {
		return nil, fmt.Errorf("the parser made a %T", s)
	}
	spec.Location = time.UTC
	return spec, nil
}

var cronAtom = regexp.MustCompile(`^(\*|\?|[A-Za-z0-9]+)(?:-([A-Za-z0-9]+))?(?:/([0-9]{1,4}))?$`)

// A cronPart is one element of the list that a field is.
type cronPart struct {
	low  int
	text string
}

// normal returns one field in its stored form: its parts in order, none
// twice. Otherwise it says why the field is refused, and the mend.
func (f cronField) normal(field string) (text, why, mend string) {
	var parts []cronPart
	for atom := range strings.SplitSeq(field, ",") {
		part, why, mend := f.part(atom)
		if why != "" {
			return "", why, mend
		}
		parts = append(parts, part)
	}
	slices.SortFunc(parts, func(a, b cronPart) int {
		return cmp.Or(cmp.Compare(a.low, b.low), strings.Compare(a.text, b.text))
	})
	var texts []string
	for _, part := range slices.Compact(parts) {
		texts = append(texts, part.text)
	}
	return strings.Join(texts, ","), "", ""
}

// part reads a star, a value or a range, each perhaps with a step.
func (f cronField) part(atom string) (part cronPart, why, mend string) {
	m := cronAtom.FindStringSubmatch(atom)
	star := m != nil && (m[1] == "*" || m[1] == "?")
	if m == nil || star && m[2] != "" {
		return part, fmt.Sprintf("has %q as its %s", atom, f.name),
			fmt.Sprintf("write *, a value, a range such as %s-%s, a list or a step such as */2", f.text(f.min), f.text(f.min+4))
	}
	low, high := f.min, f.max
	if !star {
		var ok bool
		if low, ok = f.value(m[1]); !ok {
			return part, fmt.Sprintf("has %q as its %s", m[1], f.name), f.choice()
		}
		switch {
		case m[2] != "":
			if high, ok = f.value(m[2]); !ok {
				return part, fmt.Sprintf("has %q as its %s", m[2], f.name), f.choice()
			}
		case m[3] == "":
			high = low
		}
	}
	if high < low {
		return part, fmt.Sprintf("has the %s range %s, which ends before it begins", f.name, atom), "write it as a list, with commas"
	}
	step := 1
	if m[3] != "" {
		step, _ = strconv.Atoi(m[3]) // at most four digits
	}
	if step < 1 || step > 1 && low+step > high {
		return part, fmt.Sprintf("has the %s step %s, which has no second value", f.name, atom), "write the one value that is meant"
	}
	text := "*"
	switch {
	case star:
	case low == high:
		text = f.text(low)
	default:
		text = f.text(low) + "-" + f.text(high)
	}
	if step > 1 {
		text += "/" + strconv.Itoa(step)
	}
	return cronPart{low, text}, "", ""
}

// value reads a number or a name of the field; false is neither.
func (f cronField) value(s string) (int, bool) {
	if i := slices.Index(f.names, strings.ToUpper(s)); i >= 0 {
		return f.min + i, true
	}
	n, err := strconv.Atoi(s)
	return n, err == nil && n >= f.min && n <= f.max
}

// text writes a value as it is stored.
func (f cronField) text(n int) string {
	if f.names != nil {
		return f.names[n-f.min]
	}
	return strconv.Itoa(n)
}

// choice is the mend for a value that the field does not have.
func (f cronField) choice() string {
	if f.names != nil {
		return fmt.Sprintf("write one of %s", strings.Join(f.names, " "))
	}
	return fmt.Sprintf("write a number from %d to %d", f.min, f.max)
}

var year2000 = time.Date(1999, time.December, 31, 23, 59, 59, 0, time.UTC)

// A clockTime is a time of day to the minute, or none at all: the zero value.
type clockTime struct {
	set          bool
	hour, minute int
}

func (c clockTime) String() string { return fmt.Sprintf("%02d:%02d", c.hour, c.minute) }

// clockTimes returns the times of day of a spec, in order.
func clockTimes(spec *cron.SpecSchedule) []clockTime {
	var times []clockTime
	for _, h := range setBits(spec.Hour) {
		for _, m := range setBits(spec.Minute) {
			times = append(times, clockTime{true, h, m})
		}
	}
	return times
}

// setBits returns the values of a field of a spec. The top bit, with which the
// parser marks a star, is none of them.
func setBits(field uint64) []int {
	var values []int
	for field &^= starBit; field != 0; field &= field - 1 {
		values = append(values, bits.TrailingZeros64(field))
	}
	return values
}

const starBit = 1 << 63

// tightest returns the least number of minutes between two firings of a spec
// on the wall clock, and the times of day of the two; a day or more counts as
// a day.
func tightest(spec *cron.SpecSchedule) (minutes int, first, second clockTime) {
	times := clockTimes(spec)
	minutes = 24 * 60
	closer := func(a, b clockTime, gap int) {
		if gap < minutes {
			minutes, first, second = gap, a, b
		}
	}
	for i := 1; i < len(times); i++ {
		a, b := times[i-1], times[i]
		closer(a, b, b.hour*60+b.minute-a.hour*60-a.minute)
	}
	last, early := times[len(times)-1], times[0]
	if overnight := 24*60 + early.hour*60 + early.minute - last.hour*60 - last.minute; overnight < minInterval && firesOnNeighbours(spec) {
		closer(last, early, overnight)
	}
	return minutes, first, second
}

// firesOnNeighbours reports whether a spec ever fires on two days that follow
// each other. It looks at five years of days, at most 1,830 steps.
func firesOnNeighbours(spec *cron.SpecSchedule) bool {
	daily := *spec
	daily.Hour, daily.Minute = 1, 1
	end := year2000.AddDate(5, 0, 0)
	for day := daily.Next(year2000); !day.IsZero() && day.Before(end); {
		next := daily.Next(day)
		if next.Sub(day) == 24*time.Hour {
			return true
		}
		day = next
	}
	return false
}

// onEither reports whether a spec restricts both the day of month and the day
// of week. Cron then fires when either matches, which few people expect.
func onEither(spec *cron.SpecSchedule) bool {
	return spec.Dom&starBit == 0 && spec.Dow&starBit == 0
}
