package convened

import (
	"fmt"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // zones exist on a machine without any
)

// A Wall is a reading of a wall clock: a date and a time of day without a
// zone. It is compared with ==.
type Wall struct {
	Year   int
	Month  time.Month
	Day    int
	Hour   int
	Minute int
	Second int
}

// WallOf returns what the clock on the wall says at t, in t's own location.
func WallOf(t time.Time) Wall {
	y, mo, d := t.Date()
	h, mi, s := t.Clock()
	return Wall{y, mo, d, h, mi, s}
}

// ParseWall reads "2026-11-25 16:00", also with seconds or with a T between.
// A date that does not exist, such as 30 February, is an error.
func ParseWall(s string) (Wall, error) {
	s = strings.Replace(strings.TrimSpace(s), "T", " ", 1)
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02 15:04:05"} {
		if t, err := time.Parse(layout, s); err == nil {
			return WallOf(t), nil
		}
	}
	return Wall{}, fmt.Errorf("%q is not a date and time such as 2026-11-25 16:00", s)
}

// String is the form that ParseWall reads: seconds appear only if there are any.
func (w Wall) String() string {
	if w.Second != 0 {
		return w.utc().Format("2006-01-02 15:04:05")
	}
	return w.utc().Format("2006-01-02 15:04")
}

// IsZero reports whether w is the zero value.
func (w Wall) IsZero() bool { return w == Wall{} }

// AddDays moves w by whole calendar days, the time of day staying as it is.
func (w Wall) AddDays(n int) Wall { return WallOf(w.utc().AddDate(0, 0, n)) }

// Before reports whether w reads earlier than o.
func (w Wall) Before(o Wall) bool { return w.utc().Before(o.utc()) }

// Sub returns how much later w reads than o, as if no clock were ever changed.
func (w Wall) Sub(o Wall) time.Duration { return w.utc().Sub(o.utc()) }

func (w Wall) utc() time.Time {
	return time.Date(w.Year, w.Month, w.Day, w.Hour, w.Minute, w.Second, 0, time.UTC)
}

// In returns the instant at which a clock in loc reads w.
//
// A wall time that does not exist, because the clock was put forward over it,
// moves forward by the gap: 02:30 on the last Sunday of March in Paris is
// 03:30. One that exists twice, because the clock was put back, is the first.
// (time.Date leaves both open.)
func (w Wall) In(loc *time.Location) time.Time {
	u := w.utc()
	// The offsets in force well before and well after any transition near w.
	// Transitions are further apart than two days in all of tzdata, but for a
	// handful before 1950.
	_, before := u.Add(-24 * time.Hour).In(loc).Zone()
	_, after := u.Add(24 * time.Hour).In(loc).Zone()
	first := u.Add(-time.Duration(before) * time.Second).In(loc)
	if WallOf(first) == w {
		// Before the change, or the first of two, or no change at all.
		return first
	}
	second := u.Add(-time.Duration(after) * time.Second).In(loc)
	if WallOf(second) == w {
		return second
	}
	// A gap: the offset of before, applied to a time that was skipped, reads
	// the gap later.
	return first
}

// A ZoneError says why a name is no zone for an event, and what to write instead.
type ZoneError struct {
	Name    string
	Suggest []string // IANA names; nil where nothing is close
	Why     string
}

// Error is a full sentence without its final stop.
func (e *ZoneError) Error() string {
	s := fmt.Sprintf("zone %q %s", e.Name, e.Why)
	if len(e.Suggest) > 0 {
		s += "; write " + strings.Join(e.Suggest, " or ")
	}
	return s
}

// abbreviations that people write for zones. Postgres, Go and people disagree
// on what they mean in summer: on 3 April "16:30 CET" is 14:30 or 15:30 UTC.
var abbreviations = map[string][]string{
	"CET": {"Europe/Brussels", "Europe/Paris"}, "CEST": {"Europe/Brussels", "Europe/Paris"}, "MEZ": {"Europe/Berlin"}, "MESZ": {"Europe/Berlin"},
	"MET": {"Europe/Brussels"}, "MEST": {"Europe/Brussels"},
	"WET": {"Europe/Lisbon"}, "WEST": {"Europe/Lisbon"}, "EET": {"Europe/Helsinki", "Europe/Athens"}, "EEST": {"Europe/Helsinki", "Europe/Athens"},
	"GMT": {"UTC", "Europe/London"}, "BST": {"Europe/London"}, "IST": {"Asia/Kolkata", "Europe/Dublin", "Asia/Jerusalem"}, "MSK": {"Europe/Moscow"},
	"EST": {"America/New_York"}, "EDT": {"America/New_York"}, "EST5EDT": {"America/New_York"}, "ET": {"America/New_York"},
	"CST": {"America/Chicago", "America/Mexico_City", "Asia/Shanghai"}, "CDT": {"America/Chicago"}, "CST6CDT": {"America/Chicago"}, "CT": {"America/Chicago"},
	"MST": {"America/Denver", "America/Phoenix"}, "MDT": {"America/Denver"}, "MST7MDT": {"America/Denver"}, "MT": {"America/Denver"},
	"PST": {"America/Los_Angeles"}, "PDT": {"America/Los_Angeles"}, "PST8PDT": {"America/Los_Angeles"}, "PT": {"America/Los_Angeles"},
	"HST": {"Pacific/Honolulu"}, "AKST": {"America/Anchorage"}, "BRT": {"America/Sao_Paulo"}, "ART": {"America/Argentina/Buenos_Aires"},
	"JST": {"Asia/Tokyo"}, "KST": {"Asia/Seoul"}, "SGT": {"Asia/Singapore"}, "HKT": {"Asia/Hong_Kong"}, "WIB": {"Asia/Jakarta"},
	"SAST": {"Africa/Johannesburg"}, "CAT": {"Africa/Harare"}, "EAT": {"Africa/Nairobi"}, "WAT": {"Africa/Lagos"},
	"AEST": {"Australia/Sydney"}, "AEDT": {"Australia/Sydney"}, "ACST": {"Australia/Adelaide"}, "AWST": {"Australia/Perth"},
	"NZST": {"Pacific/Auckland"}, "NZDT": {"Pacific/Auckland"},
}

// LoadZone returns the location of an IANA Region/City name or UTC. Everything
// else, abbreviations and fixed offsets above all, is a *ZoneError that says
// what to write.
func LoadZone(name string) (*time.Location, error) {
	switch {
	case name == "UTC" || name == "Etc/UTC":
		return time.UTC, nil
	case name == "":
		return nil, &ZoneError{Name: name, Why: "is missing", Suggest: []string{"an IANA name such as Europe/Brussels"}}
	}
	if loc, ok := zones.Load(name); ok {
		return loc.(*time.Location), nil
	}
	if s, ok := abbreviations[strings.ToUpper(name)]; ok {
		return nil, &ZoneError{Name: name, Suggest: s,
			Why: "is an abbreviation, which Postgres, Go and people read differently in summer"}
	}
	if !strings.Contains(name, "/") || strings.HasPrefix(name, "Etc/") || strings.HasPrefix(name, "posix/") || strings.HasPrefix(name, "right/") {
		return nil, &ZoneError{Name: name, Why: "is not an IANA Region/City name",
			Suggest: []string{"a name such as Europe/Brussels or America/Mexico_City"}}
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, &ZoneError{Name: name, Why: "is not in the time zone database " +
			"(names are case-sensitive)", Suggest: []string{"a name such as Europe/Brussels"}}
	}
	zones.Store(name, loc)
	return loc, nil
}

// zones holds what was loaded: time.LoadLocation reads a file each time, which
// costs more than all else that a rule's instants need.
var zones sync.Map

// ForgetZones has zones loaded anew, so that a newer tzdata takes effect
// without a restart.
func ForgetZones() { zones.Clear() }

// Derive sets Starts and Ends from the local times and the zone. Its error is
// a *ZoneError.
func (e *Event) Derive() error {
	loc, err := LoadZone(e.Zone)
	if err != nil {
		return err
	}
	e.Starts = e.StartsLocal.In(loc).UTC()
	e.Ends = e.EndsLocal.In(loc).UTC()
	return nil
}

// TimeLocation returns the location of the event's zone; UTC for a zone that
// LoadZone refuses, which no stored event has.
func (e *Event) TimeLocation() *time.Location {
	if loc, err := LoadZone(e.Zone); err == nil {
		return loc
	}
	return time.UTC
}

// TimeLocation returns the location of the reader's zone, or that of the event
// where the registration names none or none that exists: what a person typed
// never fails.
func (r *Registration) TimeLocation(e *Event) *time.Location {
	if r.Zone != "" {
		if loc, err := LoadZone(r.Zone); err == nil {
			return loc
		}
	}
	return e.TimeLocation()
}
