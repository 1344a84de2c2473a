package calendar

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"convened"
)

// cities leaves out the names that no event may have: abbreviations, fixed
// offsets and the like.
func cities(all []*time.Location) []*time.Location {
	return slices.DeleteFunc(all, func(loc *time.Location) bool {
		_, err := convened.LoadZone(loc.String())
		return err != nil || loc.String() == "UTC" || loc.String() == "Etc/UTC"
	})
}

func TestEveryZoneReadsAsGoReadsIt(t *testing.T) {
	zones := cities(everyZone(t))
	fellBack := map[int][]string{}
	for year := 2024; year <= 2032; year++ {
		full := year >= 2026 && year <= 2028
		for _, loc := range zones {
			zone, ok := Timezone(loc, year)
			if !ok {
				fellBack[year] = append(fellBack[year], loc.String())
				continue
			}
			e := expand(t, parseZone(t, zone), year)
			// The year by this zone's own clock.
			first := convened.Wall{Year: year, Month: 1, Day: 1}.In(loc).UTC()
			last := convened.Wall{Year: year + 1, Month: 1, Day: 1}.In(loc).UTC().Add(-time.Second)
			check := func(at time.Time, got int) {
				if _, want := at.In(loc).Zone(); got != want {
					t.Fatalf("%s at %v: got %s, want %s in\n%s", loc, at, utcOffset(got), utcOffset(want), zone.Encode())
				}
			}
			if full {
				onsets := e.onsets
				for at := first; !at.After(last); at = at.Add(time.Hour) {
					for len(onsets) > 1 && !onsets[1].at.After(at) {
						onsets = onsets[1:]
					}
					check(at, onsets[0].to)
				}
			}
			sample := []time.Time{first, last}
			for _, o := range e.onsets {
				for _, d := range []time.Duration{-time.Hour, -time.Second, 0, time.Second, time.Hour} {
					sample = append(sample, o.at.Add(d))
				}
			}
			for at := first; at.Before(last); at = at.Add(10 * 24 * time.Hour) {
				sample = append(sample, at)
			}
			for _, at := range sample {
				if !at.Before(first) && !at.After(last) {
					check(at, e.offset(at))
					check(at, zone.offset(at))
				}
			}
		}
	}
	for year := 2024; year <= 2032; year++ {
		t.Logf("%d: %d of %d zones are said in UTC: %s", year, len(fellBack[year]), len(zones), strings.Join(fellBack[year], " "))
		if len(fellBack[year]) > len(zones)/20 {
			t.Errorf("%d: too many zones are said in UTC", year)
		}
	}
}

func TestInvitationMeansTheSameInstantsInEveryZone(t *testing.T) {
	for _, loc := range cities(everyZone(t)) {
		inv := webinar()
		inv.Zone = loc.String()
		for year := 2026; year <= 2028; year++ {
			// Over the new year, and over each change of the clock.
			at := []time.Time{convened.Wall{Year: year, Month: 12, Day: 31, Hour: 23}.In(loc)}
			for _, change := range transitions(loc, year) {
				at = append(at, change.wall.Add(-time.Duration(change.from)*time.Second))
			}
			for _, at := range at {
				for _, d := range [][2]time.Duration{{-90 * time.Minute, 90 * time.Minute}, {-time.Hour, 0}, {0, time.Hour}, {-time.Hour, 30 * time.Minute}} {
					inv.Starts, inv.Ends = at.Add(d[0]), at.Add(d[1])
					checkMeaning(t, inv, encode(t, inv))
				}
			}
			if t.Failed() {
				t.Fatalf("in %s in %d", loc, year)
			}
		}
	}
}

func TestTimezoneIsSaidInOneStandardAndOneDaylight(t *testing.T) {
	for _, tt := range []struct {
		zone               string
		year               int
		standard, daylight string // DTSTART RRULE TZOFFSETFROM TZOFFSETTO TZNAME; "" is none
	}{
		{"Europe/Brussels", 2026,
			"19701025T030000 FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU +0200 +0100 CET",
			"19700329T020000 FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU +0100 +0200 CEST"},
		// The fourth Sunday and the last, this year and in the two to come, then
		// the last alone.
		{"Europe/Brussels", 2027,
			"19701025T030000 FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU +0200 +0100 CET",
			"19700329T020000 FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU +0100 +0200 CEST"},
		{"America/New_York", 2026,
			"19701101T020000 FREQ=YEARLY;BYMONTH=11;BYDAY=1SU -0400 -0500 EST",
			"19700308T020000 FREQ=YEARLY;BYMONTH=3;BYDAY=2SU -0500 -0400 EDT"},
		// Winter is summer time there by tzdata, with a negative step.
		{"Europe/Dublin", 2026,
			"19701025T020000 FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU +0100 +0000 GMT",
			"19700329T010000 FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU +0000 +0100 IST"},
		{"Australia/Sydney", 2026,
			"19700405T030000 FREQ=YEARLY;BYMONTH=4;BYDAY=1SU +1100 +1000 AEST",
			"19701004T020000 FREQ=YEARLY;BYMONTH=10;BYDAY=1SU +1000 +1100 AEDT"},
		{"Australia/Lord_Howe", 2026,
			"19700405T020000 FREQ=YEARLY;BYMONTH=4;BYDAY=1SU +1100 +1030 +1030",
			"19701004T020000 FREQ=YEARLY;BYMONTH=10;BYDAY=1SU +1030 +1100 +11"},
		{"Asia/Kolkata", 2026, "19700101T000000 +0530 +0530 IST", ""},
		{"America/Mexico_City", 2026, "19700101T000000 -0600 -0600 CST", ""},
		{"America/St_Johns", 2026,
			"19701101T020000 FREQ=YEARLY;BYMONTH=11;BYDAY=1SU -0230 -0330 NST",
			"19700308T020000 FREQ=YEARLY;BYMONTH=3;BYDAY=2SU -0330 -0230 NDT"},
		// The Friday before the last Sunday: the fourth and the last of its month
		// this year and next, then the fourth alone.
		{"Asia/Jerusalem", 2026,
			"19701025T020000 FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU +0300 +0200 IST",
			"19700327T020000 FREQ=YEARLY;BYMONTH=3;BYDAY=4FR +0200 +0300 IDT"},
	} {
		loc, err := convened.LoadZone(tt.zone)
		if err != nil {
			t.Fatal(err)
		}
		zone, ok := Timezone(loc, tt.year)
		if !ok {
			t.Errorf("%s in %d can't be said", tt.zone, tt.year)
			continue
		}
		got := map[string]string{}
		for _, c := range parseZone(t, zone).Children {
			var words []string
			for _, name := range []string{"DTSTART", "RRULE", "TZOFFSETFROM", "TZOFFSETTO", "TZNAME"} {
				if p := c.Props.Get(name); p != nil {
					words = append(words, p.Value)
				}
			}
			got[c.Name] += strings.Join(words, " ")
		}
		if got["STANDARD"] != tt.standard || got["DAYLIGHT"] != tt.daylight {
			t.Errorf("%s in %d: got\n%s\n%s\nwant\n%s\n%s", tt.zone, tt.year, got["STANDARD"], got["DAYLIGHT"], tt.standard, tt.daylight)
		}
	}
}

func TestWhatCannotBeSaidByRulesIsSaidInUTC(t *testing.T) {
	for _, tt := range []struct {
		zone string
		year int
		why  string
	}{
		{"Africa/Casablanca", 2026, "the changes follow the moon"},
		{"Africa/El_Aaiun", 2027, "the changes follow the moon"},
		{"Asia/Almaty", 2024, "the country moved for good on 1 March"},
		{"America/Asuncion", 2024, "the last year of summer time"},
		{"Asia/Jerusalem", 2029, "the fourth Friday this year, the fifth in the next"},
		{"Europe/Brussels", 1969, "older than the observances"},
	} {
		loc, err := convened.LoadZone(tt.zone)
		if err != nil {
			t.Fatal(err)
		}
		if zone, ok := Timezone(loc, tt.year); ok {
			t.Errorf("%s in %d, %s: got\n%s", tt.zone, tt.year, tt.why, zone.Encode())
		}
		inv := webinar()
		inv.Zone = tt.zone
		inv.Starts = time.Date(tt.year, 6, 1, 12, 0, 0, 0, time.UTC)
		inv.Ends = inv.Starts.Add(time.Hour)
		b := encode(t, inv)
		checkLines(t, b)
		checkInUTC(t, b, fmt.Sprintf("DTSTART:%d0601T120000Z", tt.year), fmt.Sprintf("DTEND:%d0601T130000Z", tt.year))
	}
}

func checkInUTC(t *testing.T, b []byte, want ...string) {
	t.Helper()
	got := unfold(t, b)
	for _, want := range want {
		if !hasLine(got, want) {
			t.Errorf("no %s in\n%s", want, b)
		}
	}
	if bytes.Contains(b, []byte("VTIMEZONE")) || bytes.Contains(b, []byte("TZID")) {
		t.Errorf("there is a zone in\n%s", b)
	}
}

func TestNameThatIsNoCityIsSaidInUTC(t *testing.T) {
	for _, name := range []string{"", "UTC", "Etc/UTC", "CET", "EST5EDT", "GMT+1", "Etc/GMT-1", "Local", "Europe/Nowhere", "Europe/Brussels\r\nX-EVIL:1", "../Europe/Brussels"} {
		inv := webinar()
		inv.Zone = name
		checkInUTC(t, encode(t, inv), "DTSTART:20261125T150000Z", "DTEND:20261125T160000Z")
	}
	for _, loc := range []*time.Location{
		time.UTC, time.FixedZone("CET", 3600), time.FixedZone("Europe/Brus\r\nX-EVIL:1", 3600),
		time.FixedZone("Etc/GMT-1", 3600), time.FixedZone("Europe/Seconds", 3601),
	} {
		if zone, ok := Timezone(loc, 2026); ok {
			t.Errorf("%q: got\n%s", loc, zone.Encode())
		}
	}
}

func TestTimeThatExistsTwiceIsSaidInUTC(t *testing.T) {
	// At 01:00 UTC on 25 October 2026 clocks in Brussels go from 03:00 to 02:00.
	change := time.Date(2026, 10, 25, 1, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		starts, ends time.Duration // from the change
		utc          bool
	}{
		{-2 * time.Hour, -61 * time.Minute, false},
		{-2 * time.Hour, -time.Hour, true},          // ends at the first 02:00
		{-2 * time.Hour, -time.Minute, true},        // ends at the first 02:59
		{-2 * time.Hour, 0, true},                   // ends at the second 02:00
		{-30 * time.Minute, time.Hour, true},        // 02:30 to 03:00
		{-30 * time.Minute, 30 * time.Minute, true}, // 02:30 to 02:30
		{30 * time.Minute, 2 * time.Hour, true},
		{-2 * time.Hour, time.Hour, false}, // spans it: 01:00 to 03:00, three hours
		{time.Hour, 2 * time.Hour, false},
	} {
		inv := webinar()
		inv.Starts, inv.Ends = change.Add(tt.starts), change.Add(tt.ends)
		b := encode(t, inv)
		checkMeaning(t, inv, b)
		if got := !bytes.Contains(b, []byte("TZID")); got != tt.utc {
			t.Errorf("%v to %v of the change: UTC is %v, want %v", tt.starts, tt.ends, got, tt.utc)
		}
	}
}

func TestEventOverAChangeOfRulesIsRightAtBothEnds(t *testing.T) {
	for _, tt := range []struct {
		zone         string
		starts, ends convened.Wall
		utc          bool
	}{
		{"Europe/Brussels", convened.Wall{Year: 2026, Month: 3, Day: 28, Hour: 22}, convened.Wall{Year: 2026, Month: 3, Day: 29, Hour: 6}, false},
		{"Europe/Brussels", convened.Wall{Year: 2026, Month: 12, Day: 31, Hour: 22}, convened.Wall{Year: 2027, Month: 1, Day: 1, Hour: 2}, false},
		{"America/Sao_Paulo", convened.Wall{Year: 2026, Month: 12, Day: 31, Hour: 22}, convened.Wall{Year: 2027, Month: 1, Day: 1, Hour: 2}, false},
		// ZoneBounds is wrong on the last day of a leap year.
		{"Europe/Brussels", convened.Wall{Year: 2028, Month: 12, Day: 31, Hour: 12}, convened.Wall{Year: 2028, Month: 12, Day: 31, Hour: 14}, false},
		// Years later, the rule is still the same.
		{"Europe/Brussels", convened.Wall{Year: 2026, Month: 10, Day: 25, Hour: 1}, convened.Wall{Year: 2031, Month: 7, Day: 1, Hour: 2}, false},
		{"Asia/Almaty", convened.Wall{Year: 2023, Month: 12, Day: 31, Hour: 22}, convened.Wall{Year: 2024, Month: 1, Day: 1, Hour: 2}, false},
		{"Asia/Almaty", convened.Wall{Year: 2023, Month: 12, Day: 31, Hour: 22}, convened.Wall{Year: 2024, Month: 3, Day: 2, Hour: 2}, true},
	} {
		loc, err := convened.LoadZone(tt.zone)
		if err != nil {
			t.Fatal(err)
		}
		inv := webinar()
		inv.Zone, inv.Starts, inv.Ends = tt.zone, tt.starts.In(loc), tt.ends.In(loc)
		b := encode(t, inv)
		checkMeaning(t, inv, b)
		if got := !bytes.Contains(b, []byte("TZID")); got != tt.utc {
			t.Errorf("%s, %v to %v: UTC is %v, want %v", tt.zone, tt.starts, tt.ends, got, tt.utc)
		}
	}
}
