package calendar

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	ical "github.com/emersion/go-ical"
	"github.com/teambition/rrule-go"
)

// expanded is a VTIMEZONE as a client understands it: read by another library,
// its rules expanded by a third.
type expanded struct {
	onsets []onset // in order
}

type onset struct {
	at       time.Time // UTC
	from, to int       // seconds east of UTC
}

// expansions keeps what rules expand to: the whole of tzdata has a few dozen.
var expansions = map[string][]time.Time{}

// expand reads a VTIMEZONE for the years around one.
func expand(t testing.TB, vtimezone *ical.Component, year int) expanded {
	t.Helper()
	var e expanded
	for _, c := range vtimezone.Children {
		from, to := offsetOf(t, c.Props.Get("TZOFFSETFROM")), offsetOf(t, c.Props.Get("TZOFFSETTO"))
		for _, wall := range onsetsOf(t, c, year) {
			e.onsets = append(e.onsets, onset{wall.Add(-time.Duration(from) * time.Second), from, to})
		}
	}
	slices.SortFunc(e.onsets, func(a, b onset) int { return a.at.Compare(b.at) })
	if len(e.onsets) == 0 {
		t.Fatalf("no onset in %v", vtimezone)
	}
	return e
}

// onsetsOf returns what the clock reads at the onsets of an observance from two
// years before a year to two years after, as if it were UTC.
func onsetsOf(t testing.TB, c *ical.Component, year int) []time.Time {
	t.Helper()
	start, err := c.Props.Get("DTSTART").DateTime(time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	if c.Props.Get("RRULE") == nil {
		return []time.Time{start}
	}
	key := fmt.Sprint(year, start, c.Props.Get("RRULE").Value)
	if found, ok := expansions[key]; ok {
		return found
	}
	option, err := c.Props.RecurrenceRule()
	if err != nil {
		t.Fatal(err)
	}
	option.Dtstart = start
	r, err := rrule.NewRRule(*option)
	if err != nil {
		t.Fatal(err)
	}
	if first := r.After(time.Time{}, true); !first.Equal(start) {
		t.Errorf("DTSTART %v is not the first of %s, which is %v", start, option, first)
	}
	expansions[key] = r.Between(time.Date(year-2, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(year+3, 1, 1, 0, 0, 0, 0, time.UTC), true)
	return expansions[key]
}

func offsetOf(t testing.TB, prop *ical.Prop) int {
	t.Helper()
	var sign byte
	var h, m int
	if n, err := fmt.Sscanf(prop.Value, "%c%02d%02d", &sign, &h, &m); n != 3 || err != nil || len(prop.Value) != 5 || prop.Value == "-0000" {
		t.Fatalf("%s is %q", prop.Name, prop.Value)
	}
	if sign == '-' {
		return -(h*60 + m) * 60
	}
	return (h*60 + m) * 60
}

// offset returns the offset at an instant: that of the latest onset
// (RFC 5545 3.6.5).
func (e expanded) offset(at time.Time) int {
	i, _ := slices.BinarySearchFunc(e.onsets, at, func(o onset, at time.Time) int {
		if o.at.After(at) {
			return 1
		}
		return -1
	})
	if i == 0 {
		return e.onsets[0].from
	}
	return e.onsets[i-1].to
}

// instant returns the one instant at which the clock reads wall. None, or two,
// is a fault: clients would differ.
func (e expanded) instant(t testing.TB, wall time.Time) time.Time {
	t.Helper()
	found := map[time.Time]bool{}
	for _, o := range e.onsets {
		for _, offset := range []int{o.from, o.to} {
			if at := wall.Add(-time.Duration(offset) * time.Second); e.offset(at) == offset {
				found[at] = true
			}
		}
	}
	if len(found) != 1 {
		t.Errorf("the clock reads %v at %v", wall, found)
	}
	for at := range found {
		return at
	}
	return time.Time{}
}

// instants returns start and end of an event, by the VTIMEZONE that comes with it.
func instants(t testing.TB, cal *ical.Calendar, event ical.Event) (starts, ends time.Time) {
	t.Helper()
	var found [2]time.Time
	for i, name := range []string{"DTSTART", "DTEND"} {
		prop := event.Props.Get(name)
		tzid := prop.Params.Get("TZID")
		if tzid == "" {
			at, err := time.Parse("20060102T150405Z", prop.Value)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			found[i] = at
			continue
		}
		wall, err := time.Parse("20060102T150405", prop.Value)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		zones := slices.DeleteFunc(slices.Clone(cal.Children), func(c *ical.Component) bool { return c.Name != "VTIMEZONE" })
		if len(zones) != 1 || zones[0].Props.Get("TZID").Value != tzid {
			t.Fatalf("no VTIMEZONE for %s", tzid)
		}
		found[i] = expand(t, zones[0], wall.Year()).instant(t, wall)
	}
	return found[0], found[1]
}

// parseZone reads what Zone.Encode wrote.
func parseZone(t testing.TB, zone Zone) *ical.Component {
	t.Helper()
	b := slices.Concat([]byte("BEGIN:VCALENDAR\r\n"), zone.Encode(), []byte("END:VCALENDAR\r\n"))
	cal, err := ical.NewDecoder(bytes.NewReader(b)).Decode()
	if err != nil || len(cal.Children) != 1 {
		t.Fatalf("%v in\n%s", err, b)
	}
	return cal.Children[0]
}

// everyZone returns all zones of the tzdata that Go is built with, read from
// its own archive and not from the machine.
func everyZone(t *testing.T) []*time.Location {
	t.Helper()
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	archive, err := zip.OpenReader(filepath.Join(strings.TrimSpace(string(goroot)), "lib", "time", "zoneinfo.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	var all []*time.Location
	for _, f := range archive.File {
		if f.FileInfo().IsDir() {
			continue
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		loc, err := time.LoadLocationFromTZData(f.Name, data)
		if err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		all = append(all, loc)
	}
	if len(all) < 500 {
		t.Fatalf("only %d zones", len(all))
	}
	return all
}
