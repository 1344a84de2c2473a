package config

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// maxDays keeps a duration within what time.Duration can hold.
const maxDays = 36500

var (
	days        = regexp.MustCompile(`^(\d{1,6}) ?(?:d|days?)$`)
	clockUnits  = regexp.MustCompile(`^(\d+h)?(\d+m)?(\d+(?:\.\d{1,3})?s|\d+ms)?$`)
	bareNumber  = regexp.MustCompile(`^\d+$`)
	weeks       = regexp.MustCompile(`^(\d{1,4})\s*(?:w|weeks?)$`)
	longMinutes = regexp.MustCompile(`^(\d+)\s*(s|sec|secs|seconds?|m|min|mins|minutes?|h|hours?|hrs?)$`)
)

// ParseDuration reads a length of time: 90s, 10m, 1h30m, 7 days. A day is 24
// hours. Its error is an *Invalid that says what to write.
func ParseDuration(text string) (time.Duration, error) {
	if text == "0" {
		return 0, nil
	}
	if m := days.FindStringSubmatch(text); m != nil {
		if n, err := strconv.Atoi(m[1]); err == nil && n <= maxDays {
			return time.Duration(n) * 24 * time.Hour, nil
		}
		return 0, &Invalid{"is too long", "write at most " + strconv.Itoa(maxDays) + " days"}
	}
	if text != "" && clockUnits.MatchString(text) {
		if d, err := time.ParseDuration(text); err == nil && d <= maxDays*24*time.Hour {
			return d, nil
		}
		return 0, &Invalid{"is too long", "write at most " + strconv.Itoa(maxDays) + " days"}
	}
	return 0, &Invalid{"is not a duration, which takes s, m, h or days", durationMend(text)}
}

// durationMend guesses what the writer meant.
func durationMend(text string) string {
	if bareNumber.MatchString(text) {
		return "write a unit after it, such as " + text + "s"
	}
	if m := weeks.FindStringSubmatch(text); m != nil {
		n, _ := strconv.Atoi(m[1]) // four digits always fit
		return "write " + strconv.Itoa(7*n) + " days"
	}
	if m := longMinutes.FindStringSubmatch(strings.ToLower(text)); m != nil {
		return "write " + m[1] + m[2][:1]
	}
	return "write something like 90s, 10m, 1h or 7 days"
}

// FormatDuration is the form that ParseDuration reads: whole days as days,
// everything else in h, m and s.
func FormatDuration(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d == day:
		return "1 day"
	case d > 0 && d%day == 0:
		return strconv.Itoa(int(d/day)) + " days"
	}
	s := d.String()
	// time.Duration writes 1h as 1h0m0s.
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
