package scheduler

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A Span is a length of time as an organiser or an operator writes it: whole
// calendar days, or elapsed time, never both. "24h" and "1 day" are different
// spans, because the day on which a clock is changed has 23 or 25 hours.
type Span struct {
	Days    int           // calendar days; zero where Elapsed is not
	Elapsed time.Duration // whole seconds; zero where Days is not
}

// maxSpan keeps every span far from the ends of time.Duration (292 years).
const maxSpan = 36_500 * 24 * time.Hour

var (
	daysForm    = regexp.MustCompile(`^([0-9]+) ?(?:d|day|days)$`)
	elapsedForm = regexp.MustCompile(`^(?:([0-9]+) ?h)? ?(?:([0-9]+) ?m)? ?(?:([0-9]+) ?s)?$`)
	otherForm   = regexp.MustCompile(`^([0-9]{1,5}) ?([a-z]*)$`)
)

// ParseDuration reads "90s", "45m", "24h", "1h30m", "7 days", "1 day" and
// "7d"; also "0". Units come in the order h, m, s, and days stand alone. A
// negative, fractional or unreadable value, and one of more than 36,500 days,
// is a *RuleError without a Field, which says what to write instead.
func ParseDuration(s string) (Span, error) {
	text := strings.ToLower(strings.Join(strings.Fields(s), " "))
	refuse := func(why, mend string) (Span, error) {
		return Span{}, &RuleError{Value: s, Why: why, Mend: mend}
	}
	const tooLong = "is longer than 36500 days"
	switch days, parts := daysForm.FindStringSubmatch(text), elapsedForm.FindStringSubmatch(text); {
	case text == "":
		return Span{}, &RuleError{Why: "a duration is missing", Mend: `write one such as "24h" or "7 days"`}
	case text == "0":
		return Span{}, nil
	case days != nil:
		n, ok := unitCount(days[1], 24*time.Hour)
		if !ok {
			return refuse(tooLong, "write fewer days")
		}
		return Span{Days: int(n / (24 * time.Hour))}, nil
	case parts != nil:
		var sum time.Duration
		for i, unit := range []time.Duration{time.Hour, time.Minute, time.Second} {
			d, ok := unitCount(parts[i+1], unit)
			if sum += d; !ok || sum > maxSpan {
				return refuse(tooLong, "write a shorter one")
			}
		}
		return Span{Elapsed: sum}, nil
	}
	return refuse("is not a duration", "write "+nearestSpan(text))
}

// unitCount returns digits × unit, and false where that is more than maxSpan. No
// digits are none.
func unitCount(digits string, unit time.Duration) (time.Duration, bool) {
	if digits == "" {
		return 0, true
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n > int64(maxSpan/unit) {
		return 0, false
	}
	return time.Duration(n) * unit, true
}

// nearestSpan returns what somebody who wrote text most likely meant, quoted.
func nearestSpan(text string) string {
	const otherwise = `a number with s, m or h, such as "24h" or "1h30m", or days, such as "7 days"`
	m := otherForm.FindStringSubmatch(text)
	if m == nil {
		return otherwise
	}
	n, _ := strconv.Atoi(m[1]) // at most five digits
	switch strings.TrimSuffix(m[2], "s") {
	case "":
		return fmt.Sprintf(`"%dh" or %q`, n, dayCount(n))
	case "week", "wk", "w":
		return strconv.Quote(dayCount(7 * n))
	case "month":
		return strconv.Quote(dayCount(30 * n))
	case "year":
		return strconv.Quote(dayCount(365 * n))
	case "hour", "hr":
		return fmt.Sprintf(`"%dh"`, n)
	case "minute", "min", "mn":
		return fmt.Sprintf(`"%dm"`, n)
	case "second", "sec":
		return fmt.Sprintf(`"%ds"`, n)
	}
	return otherwise
}

func dayCount(n int) string {
	if n == 1 {
		return "1 day"
	}
	return fmt.Sprintf("%d days", n)
}

// String is the one way to write s that ParseDuration reads back: "7 days",
// "1h30m" for ninety minutes, "0s" for nothing.
func (s Span) String() string {
	if s.Days != 0 {
		return dayCount(s.Days)
	}
	var b strings.Builder
	h, m, sec := s.parts()
	for _, p := range []struct {
		n    int64
		unit string
	}{{h, "h"}, {m, "m"}, {sec, "s"}} {
		if p.n != 0 {
			fmt.Fprintf(&b, "%d%s", p.n, p.unit)
		}
	}
	if b.Len() == 0 {
		return "0s"
	}
	return b.String()
}

// parts splits Elapsed; hours go beyond 23.
func (s Span) parts() (hours, minutes, seconds int64) {
	n := int64(s.Elapsed / time.Second)
	return n / 3600, n / 60 % 60, n % 60
}

// Duration returns s as elapsed time, a day being 24 hours. It is what
// configuration means by "7 days"; the rules of an event never use it to find
// an instant.
func (s Span) Duration() time.Duration {
	return time.Duration(s.Days)*24*time.Hour + s.Elapsed
}

// IsZero reports whether s is no time at all.
func (s Span) IsZero() bool { return s == Span{} }
