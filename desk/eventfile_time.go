package desk

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"

	"convened"
)

// maxLength of an event: enough for a course of two months, and short enough
// to find a mistyped month or year.
const maxLength = 60 * 24 * time.Hour

func (r *reading) times() {
	e, f := &r.event, r.file
	loc, zoneErr := convened.LoadZone(f.Zone)
	if r.require("zone", f.Zone, "an IANA name such as Europe/Brussels") && zoneErr != nil {
		rule, mend := zoneErr.Error(), "write an IANA name such as Europe/Brussels"
		var wrong *convened.ZoneError
		if errors.As(zoneErr, &wrong) {
			rule, mend = wrong.Why, "write "+strings.Join(wrong.Suggest, " or ")
		}
		if better := zoneInOtherCase(f.Zone); better != "" {
			mend = "write " + better
		}
		r.refuse("zone", rule, mend)
	}
	e.Zone = f.Zone
	e.StartsLocal = r.wall("starts", f.Starts, loc, convened.Wall{})
	e.EndsLocal = r.wall("ends", f.Ends, loc, e.StartsLocal)
	if e.StartsLocal.IsZero() || e.EndsLocal.IsZero() {
		return
	}
	length := e.EndsLocal.Sub(e.StartsLocal)
	if zoneErr == nil && e.Derive() == nil {
		length = e.Ends.Sub(e.Starts)
	}
	switch {
	case length <= 0:
		r.refuse("ends", "is not after starts, which is "+f.Starts, "write a later time, or mend starts")
	case length > maxLength:
		r.refuse("ends", fmt.Sprintf("is %d days after starts, which is %s", int(length.Hours()/24), f.Starts), fmt.Sprintf("write an end within %d days, or make each meeting an event of its own", int(maxLength.Hours()/24)))
	}
}

// zoneInOtherCase finds the zone that was meant by europe/brussels; "" if none.
func zoneInOtherCase(name string) string {
	upper := true
	fixed := strings.Map(func(c rune) rune {
		defer func() { upper = c == '/' || c == '_' || c == '-' }()
		if upper {
			return unicode.ToUpper(c)
		}
		return unicode.ToLower(c)
	}, strings.ReplaceAll(name, " ", "_"))
	if _, err := convened.LoadZone(fixed); err == nil && fixed != name {
		return fixed
	}
	return ""
}

var (
	dateAlone  = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`)
	clockAlone = regexp.MustCompile(`^\d{1,2}:\d{2}$`)
	withOffset = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2})? ?(?:[+-]\d{2}:?\d{2}|[A-Za-z/_]+)$`)
)

// otherWalls are ways to write a date and time that leave no doubt about the
// order of day and month.
var otherWalls = []string{"2006-1-2 15:04", "2006-1-2 15h04", "2006-01-02 15.04", "2006-01-02 1504", "2006-01-02, 15:04", "2006/1/2 15:04", "2.1.2006 15:04", "2.1.2006, 15:04",
	"2006-01-02 3:04pm", "2006-01-02 3pm", "2006-01-02 3:04 pm", "2006-01-02 3 pm", "2006-01-02 3:04 PM", "2006-01-02 15h", "2006-01-02 15",
	"2 January 2006 15:04", "2 Jan 2006 15:04", "January 2, 2006 15:04", "January 2, 2006 3:04 PM"}

// inZone returns what the clock in loc shows at an instant that is written with
// an offset.
func inZone(s string, loc *time.Location) (convened.Wall, bool) {
	for _, layout := range []string{"2006-01-02T15:04Z07:00", "2006-01-02T15:04:05Z07:00", "2006-01-02T15:04-0700", "2006-01-02T15:04:05-0700"} {
		if t, err := time.Parse(layout, strings.Replace(strings.Replace(s, " ", "T", 1), " ", "", 1)); err == nil && loc != nil {
			return convened.WallOf(t.In(loc)), true
		}
	}
	return convened.Wall{}, false
}

// noSuchDay reports whether a text begins with a date such as 30 February.
func noSuchDay(s string) bool {
	if len(s) < 10 || !dateAlone.MatchString(s[:10]) {
		return false
	}
	_, err := time.Parse("2006-01-02", s[:10])
	return err != nil
}

// wall reads a local time. loc is nil for a zone that is none; after is where
// an end without a date probably is.
func (r *reading) wall(path, s string, loc *time.Location, after convened.Wall) convened.Wall {
	if !r.require(path, s, "2026-11-25 16:00, as the clock in the zone shows it") {
		return convened.Wall{}
	}
	w, err := convened.ParseWall(s)
	if err == nil && w.Year >= 1970 && w.Year < 2200 {
		return w
	}
	rule, mend := "is not a date and time", "write one such as 2026-11-25 16:00"
	switch {
	case err == nil:
		rule, mend = "is in a year that can't be meant", "write one from 1970 to 2199"
	case withOffset.MatchString(s):
		rule, mend = "has a zone or an offset of its own, and zone says that for the event", "write what the clock shows in the event's zone, without it"
		if w, ok := inZone(s, loc); ok {
			mend = "write " + w.String()
		}
	case noSuchDay(s):
		rule, mend = "is on a day that does not exist", "write another, such as 2026-11-25 16:00"
	case dateAlone.MatchString(s):
		rule, mend = "is a date without a time of day", "write "+s+" 16:00, say"
	case clockAlone.MatchString(s) && !after.IsZero():
		rule, mend = "is a time without a date", "write "+after.String()[:len("2026-11-25")]+" "+s
	default:
		for _, layout := range otherWalls {
			if t, err := time.Parse(layout, s); err == nil {
				mend = "write " + convened.WallOf(t).String()
				break
			}
		}
	}
	r.refuse(path, rule, mend)
	return convened.Wall{}
}
