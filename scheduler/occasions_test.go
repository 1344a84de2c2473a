package scheduler_test

import (
	"slices"
	"testing"
	"time"

	"convened"
	"convened/scheduler"
)

// event returns an event of one hour with reminders of these rules.
func event(zone, starts string, rules ...string) *convened.Event {
	w, err := convened.ParseWall(starts)
	if err != nil {
		panic(err)
	}
	e := &convened.Event{Slug: "e", Zone: zone, StartsLocal: w, EndsLocal: w}
	e.EndsLocal.Hour++
	if err := e.Derive(); err != nil {
		panic(err)
	}
	for _, rule := range rules {
		e.Reminders = append(e.Reminders, convened.Reminder{Key: rule, Rule: rule})
	}
	return e
}

// fires returns every instant of a rule as its Schedule has it, in RFC 3339.
func fires(t *testing.T, rule string, e *convened.Event) []string {
	t.Helper()
	var got []string
	s := mustRule(t, rule).Schedule(e)
	for at := s.Next(time.Time{}); !at.IsZero(); at = s.Next(at) {
		got = append(got, at.Format(time.RFC3339))
	}
	return got
}

func TestRulesFireWhenTheySay(t *testing.T) {
	const brussels = "Europe/Brussels"
	for _, tt := range []struct {
		rule, zone, starts string
		want               []string
	}{
		{"before 24h", brussels, "2026-11-25 16:00", []string{"2026-11-24T15:00:00Z"}},
		{"before 1h", brussels, "2026-11-25 16:00", []string{"2026-11-25T14:00:00Z"}},
		{"before 3 days at 09:00", brussels, "2026-11-25 16:00", []string{"2026-11-22T08:00:00Z"}},
		{"before 3 days", brussels, "2026-11-25 16:00", []string{"2026-11-22T15:00:00Z"}},
		{"before 0 days at 09:00", brussels, "2026-11-25 16:00", []string{"2026-11-25T08:00:00Z"}},
		{"before 3 days at 09:00", brussels, "2026-11-25 16:00:30", []string{"2026-11-22T08:00:00Z"}},
		{"before 3 days", brussels, "2026-11-25 16:00:30", []string{"2026-11-22T15:00:30Z"}},

		// Clocks change on 25 October: days keep the hour, hours don't.
		{"before 35 days at 16:00", brussels, "2026-11-25 16:00", []string{"2026-10-21T14:00:00Z"}},
		{"before 35 days", brussels, "2026-11-25 16:00", []string{"2026-10-21T14:00:00Z"}},
		{"before 840h", brussels, "2026-11-25 16:00", []string{"2026-10-21T15:00:00Z"}},
		{"before 1 day", brussels, "2026-10-25 12:00", []string{"2026-10-24T10:00:00Z"}},
		{"before 24h", brussels, "2026-10-25 12:00", []string{"2026-10-24T11:00:00Z"}},

		// Nothing at the start or after it.
		{"before 0 days at 16:00", brussels, "2026-11-25 16:00", nil},
		{"before 0 days at 18:00", brussels, "2026-11-25 16:00", nil},
		// 02:30 does not exist and is 03:30, which is after an event at 03:00.
		{"before 0 days at 02:30", brussels, "2026-03-29 03:00", nil},
		// 30 December 2011 does not exist in Samoa.
		{"before 1 day", "Pacific/Apia", "2011-12-31 12:00", nil},
		{"before 2 days", "Pacific/Apia", "2011-12-31 12:00", []string{"2011-12-29T22:00:00Z"}},

		// Follow-ups count from the end, which is 17:00.
		{"after 2h", brussels, "2026-11-25 16:00", []string{"2026-11-25T18:00:00Z"}},
		{"after 1 day at 10:00", brussels, "2026-11-25 16:00", []string{"2026-11-26T09:00:00Z"}},
		{"after 1 day", brussels, "2026-11-25 16:00", []string{"2026-11-26T16:00:00Z"}},
		{"after 0 days at 17:00", brussels, "2026-11-25 16:00", nil},
		{"after 0 days at 10:00", brussels, "2026-11-25 16:00", nil},
		{"after 0 days at 19:00", brussels, "2026-11-25 16:00", []string{"2026-11-25T18:00:00Z"}},

		// 25 November 2026 is a Wednesday. The window opens on the 18th at
		// 16:00 and closes on the 24th at 16:00.
		{"cron 0 9 * * MON-FRI from 7 days until 1 day", brussels, "2026-11-25 16:00",
			[]string{"2026-11-19T08:00:00Z", "2026-11-20T08:00:00Z", "2026-11-23T08:00:00Z", "2026-11-24T08:00:00Z"}},
		{"cron 0 9 * * MON-FRI from 7 days until 1 day at most 3", brussels, "2026-11-25 16:00",
			[]string{"2026-11-19T08:00:00Z", "2026-11-20T08:00:00Z", "2026-11-23T08:00:00Z"}},
		// Both ends are inclusive, the start is not.
		{"cron 0 16 * * * from 3 days until 1 day", brussels, "2026-11-25 16:00",
			[]string{"2026-11-22T15:00:00Z", "2026-11-23T15:00:00Z", "2026-11-24T15:00:00Z"}},
		{"cron 0 16 * * * from 48h", brussels, "2026-11-25 16:00",
			[]string{"2026-11-23T15:00:00Z", "2026-11-24T15:00:00Z"}},
		// The first day of the window is a calendar day of 25 hours.
		{"cron 0 12 * * * from 1 day", brussels, "2026-10-25 12:00", []string{"2026-10-24T10:00:00Z"}},
		{"cron 0 12 * * * from 24h", brussels, "2026-10-25 12:00", nil},
		// A window may be empty.
		{"cron 0 9 29 FEB * from 30 days", brussels, "2026-11-25 16:00", nil},
		{"cron 0 9 29 FEB * from 30 days", brussels, "2028-03-10 16:00", []string{"2028-02-29T08:00:00Z"}},
		// Day of month or day of week, as cron has it.
		{"cron 0 9 20 * MON from 7 days", brussels, "2026-11-25 16:00", []string{"2026-11-20T08:00:00Z", "2026-11-23T08:00:00Z"}},
		// Across the turn of the year, far from UTC.
		{"cron 0 8 * * * from 3 days", "Pacific/Kiritimati", "2027-01-01 10:00",
			[]string{"2026-12-29T18:00:00Z", "2026-12-30T18:00:00Z", "2026-12-31T18:00:00Z"}},
	} {
		if got := fires(t, tt.rule, event(tt.zone, tt.starts)); !slices.Equal(got, tt.want) {
			t.Errorf("%q for %s %s\n got %v\nwant %v", tt.rule, tt.starts, tt.zone, got, tt.want)
		}
	}
}

// Each row is a wall time that a clock change skips or repeats, or that a
// change of law left alone. However a rule asks for it, it is one instant.
func TestEachWallTimeFiresOnceAcrossTransitions(t *testing.T) {
	for _, tt := range []struct{ zone, day, hour, next, want string }{
		{"Europe/Brussels", "2026-03-29", "02:30", "2026-03-30", "2026-03-29T01:30:00Z"},     // gap
		{"Europe/Brussels", "2026-10-25", "02:30", "2026-10-26", "2026-10-25T00:30:00Z"},     // twice
		{"Europe/London", "2026-03-29", "01:30", "2026-03-30", "2026-03-29T01:30:00Z"},       // gap
		{"Europe/Dublin", "2026-10-25", "01:30", "2026-10-26", "2026-10-25T00:30:00Z"},       // twice, winter being the exception by law
		{"America/New_York", "2026-03-08", "02:30", "2026-03-09", "2026-03-08T07:30:00Z"},    // gap
		{"America/Los_Angeles", "2026-11-01", "01:30", "2026-11-02", "2026-11-01T08:30:00Z"}, // twice
		{"America/Santiago", "2026-09-06", "00:30", "2026-09-07", "2026-09-06T04:30:00Z"},    // gap at midnight
		{"Africa/Cairo", "2026-04-24", "00:30", "2026-04-25", "2026-04-23T22:30:00Z"},        // gap at midnight, on a Friday
		{"Australia/Lord_Howe", "2026-10-04", "02:15", "2026-10-05", "2026-10-03T15:45:00Z"}, // gap of half an hour
		{"Australia/Lord_Howe", "2026-04-05", "01:45", "2026-04-06", "2026-04-04T14:45:00Z"}, // twice, half an hour apart
		{"Pacific/Chatham", "2026-04-05", "03:15", "2026-04-06", "2026-04-04T13:30:00Z"},     // twice, at a quarter to
		{"Antarctica/Troll", "2026-03-29", "01:30", "2026-03-30", "2026-03-29T01:30:00Z"},    // gap of two hours
		{"Asia/Pyongyang", "2018-05-04", "23:45", "2018-05-05", "2018-05-04T15:15:00Z"},      // gap, the zone's offset changed for good
		{"Europe/Volgograd", "2020-12-27", "01:30", "2020-12-28", "2020-12-26T21:30:00Z"},    // twice, likewise
		{"America/Mexico_City", "2022-10-30", "01:30", "2022-10-31", "2022-10-30T06:30:00Z"}, // twice, the last time
		{"America/Mexico_City", "2023-04-02", "02:30", "2023-04-03", "2023-04-02T08:30:00Z"}, // no gap any more
	} {
		minute, hour := tt.hour[3:], tt.hour[:2]
		for _, by := range []struct{ rule, starts string }{
			{"before 1 day at " + tt.hour, tt.next + " 20:00"},
			{"before 1 day", tt.next + " " + tt.hour},
			{"cron " + minute + " " + hour + " " + tt.day[8:] + " " + tt.day[5:7] + " * from 3 days", tt.next + " 20:00"},
		} {
			got := fires(t, by.rule, event(tt.zone, by.starts))
			if !slices.Equal(got, []string{tt.want}) {
				t.Errorf("%s: %q for %s fires at %v, want once at %s", tt.zone, by.rule, by.starts, got, tt.want)
			}
		}
	}
}

func TestADailyRuleFiresOnceADayOnBothClockChanges(t *testing.T) {
	for _, starts := range []string{"2026-03-31 16:00", "2026-10-27 16:00"} {
		e := event("Europe/Brussels", starts)
		days := make(map[int]int)
		s := mustRule(t, "cron 30 2 * * * from 4 days").Schedule(e)
		for at := s.Next(time.Time{}); !at.IsZero(); at = s.Next(at) {
			days[at.In(e.TimeLocation()).Day()]++
		}
		for day, n := range days {
			if n != 1 {
				t.Errorf("before %s, day %d has %d mails", starts, day, n)
			}
		}
		if len(days) != 4 {
			t.Errorf("before %s, %d days have a mail, want 4", starts, len(days))
		}
	}
}

func TestSubDailyRulesFireOncePerWallHourThatExists(t *testing.T) {
	for _, tt := range []struct {
		name, rule, zone, starts string
		want                     []string
	}{
		{"hourly through the gap: 02:00 is 03:00, which fires once",
			"cron 0 * * * * from 4h", "Europe/Brussels", "2026-03-29 05:00",
			// 00:00, 01:00, 03:00, 04:00
			[]string{"2026-03-28T23:00:00Z", "2026-03-29T00:00:00Z", "2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z"}},
		{"hourly through the fold: 02:00 once, so two hours until 03:00",
			"cron 0 * * * * from 5h", "Europe/Brussels", "2026-10-25 04:00",
			// 00:00, 01:00, 02:00, 03:00
			[]string{"2026-10-24T22:00:00Z", "2026-10-24T23:00:00Z", "2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z"}},
		{"every twenty minutes of an hour that half a gap moves into itself",
			"cron */20 2 * * * from 4h", "Australia/Lord_Howe", "2026-10-04 05:00",
			// 02:00 is 02:30, 02:20 is 02:50, 02:40 exists.
			[]string{"2026-10-03T15:30:00Z", "2026-10-03T15:40:00Z", "2026-10-03T15:50:00Z"}},
		{"a window that closes in the second pass through an hour",
			"cron */30 * * * * from 3h until 1h50m", "Europe/Brussels", "2026-10-25 04:00",
			// 01:10Z is 02:10 for the second time; 02:00 and 02:30 fire in the first.
			[]string{"2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z"}},
		{"a window that opens after the gap, but before what the gap moved",
			"cron 30 2 * * * from 2h", "Europe/Brussels", "2026-03-29 05:15",
			[]string{"2026-03-29T01:30:00Z"}},
		{"the first two of an hour that half a gap moves into itself",
			"cron */20 2 * * * from 4h at most 2", "Australia/Lord_Howe", "2026-10-04 05:00",
			[]string{"2026-10-03T15:30:00Z", "2026-10-03T15:40:00Z"}},
		{"at most counts instants, not wall times that become one",
			"cron 0 * * * * from 4h at most 3", "Europe/Brussels", "2026-03-29 05:00",
			[]string{"2026-03-28T23:00:00Z", "2026-03-29T00:00:00Z", "2026-03-29T01:00:00Z"}},
	} {
		if got := fires(t, tt.rule, event(tt.zone, tt.starts)); !slices.Equal(got, tt.want) {
			t.Errorf("%s\n got %v\nwant %v", tt.name, got, tt.want)
		}
	}
}

func TestInstantsFollowTheLocalTimesAndNotStaleDerivedOnes(t *testing.T) {
	e := event("Europe/Brussels", "2026-11-25 16:00", "before 24h")
	e.Starts = e.Starts.AddDate(0, 0, 7)
	got := scheduler.Occasions(e)
	want := time.Date(2026, 11, 25, 15, 0, 0, 0, time.UTC)
	if len(got) != 1 || !got[0].Start.Equal(want) || !got[0].At.Equal(want.Add(-24*time.Hour)) {
		t.Errorf("got %v, want one occasion of the start at %v", got, want)
	}
}

func TestOccasionsAreSortedAndCountedByKey(t *testing.T) {
	e := event("Europe/Brussels", "2026-11-25 16:00", "after 2h", "before 1h", "before 24h",
		"cron 0 16 * * * from 2 days", "before soon")
	e.Reminders = append(e.Reminders,
		convened.Reminder{Key: "before 1h", Rule: "before 2h"}, // a key that is taken
		convened.Reminder{Rule: "before 3 days at 09:00"})      // the rule is the key
	start := time.Date(2026, 11, 25, 15, 0, 0, 0, time.UTC)
	want := []convened.Occasion{
		{Key: "before 3 days at 09:00", Start: start, Ordinal: 1, At: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)},
		{Key: "cron 0 16 * * * from 2 days", Start: start, Ordinal: 1, At: time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC)},
		{Key: "before 24h", Start: start, Ordinal: 1, At: time.Date(2026, 11, 24, 15, 0, 0, 0, time.UTC)},
		{Key: "cron 0 16 * * * from 2 days", Start: start, Ordinal: 2, At: time.Date(2026, 11, 24, 15, 0, 0, 0, time.UTC)},
		{Key: "before 1h", Start: start, Ordinal: 1, At: time.Date(2026, 11, 25, 14, 0, 0, 0, time.UTC)},
		{Key: "after 2h", Start: start, Ordinal: 1, At: time.Date(2026, 11, 25, 18, 0, 0, 0, time.UTC)},
	}
	if got := scheduler.Occasions(e); !slices.Equal(got, want) {
		t.Errorf("got\n%v\nwant\n%v", got, want)
	}
	for i, o := range want {
		next, ok := scheduler.NextOccasion(e, o.At.Add(-1))
		first := slices.IndexFunc(want, func(p convened.Occasion) bool { return p.At.Equal(o.At) })
		if !ok || next != want[first] {
			t.Errorf("%d: NextOccasion just before %v = %v, %v", i, o.At, next, ok)
		}
	}
	if next, ok := scheduler.NextOccasion(e, want[len(want)-1].At); ok {
		t.Errorf("NextOccasion at the last = %v, want none", next)
	}
}

func TestAnEventWithoutTimesHasNoOccasions(t *testing.T) {
	e := &convened.Event{Zone: "Europe/Brussels", Reminders: []convened.Reminder{{Rule: "before 24h"}, {Rule: "after 2h"}, {Rule: "cron 0 9 * * * from 7 days"}}}
	if got := scheduler.Occasions(e); len(got) != 0 {
		t.Errorf("got %v without a start", got)
	}
	e = event("Europe/Brussels", "2026-11-25 16:00", "after 2h")
	e.EndsLocal = convened.Wall{}
	if got := scheduler.Occasions(e); len(got) != 0 {
		t.Errorf("got the follow-up %v without an end", got)
	}
}

func TestGraceEndsBeforeTheStart(t *testing.T) {
	start := time.Date(2026, 11, 25, 15, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name  string
		ahead time.Duration // of the instant before the start
		kind  convened.Kind
		max   time.Duration
		want  time.Duration
	}{
		{"a day before", 24 * time.Hour, convened.ReminderKind, time.Hour, time.Hour},
		{"two hours before", 2 * time.Hour, convened.ReminderKind, time.Hour, time.Hour},
		{"an hour before", time.Hour, convened.ReminderKind, time.Hour, 30 * time.Minute},
		{"ten minutes before", 10 * time.Minute, convened.ReminderKind, time.Hour, 5 * time.Minute},
		{"a longer grace", 24 * time.Hour, convened.ReminderKind, 20 * time.Hour, 12 * time.Hour},
		{"no grace", 24 * time.Hour, convened.ReminderKind, 0, 0},
		{"a follow-up", -3 * time.Hour, convened.Followup, time.Hour, 7 * 24 * time.Hour},
		{"a confirmation has none", 24 * time.Hour, convened.Confirmation, time.Hour, 0},
	} {
		o := convened.Occasion{Start: start, At: start.Add(-tt.ahead)}
		if got := scheduler.Grace(o, tt.kind, tt.max); got != tt.want {
			t.Errorf("%s: grace %v, want %v", tt.name, got, tt.want)
		}
		if got, want := scheduler.Deadline(o, tt.kind, tt.max), o.At.Add(tt.want); !got.Equal(want) {
			t.Errorf("%s: deadline %v, want %v", tt.name, got, want)
		}
	}
	// An instant of an older start may lie behind the present one.
	late := convened.Occasion{Start: start, At: start.Add(time.Hour)}
	if got := scheduler.Grace(late, convened.ReminderKind, time.Hour); got != 0 {
		t.Errorf("after the start: grace %v, want none", got)
	}
	if got := scheduler.Deadline(late, convened.ReminderKind, time.Hour); !got.Equal(start) {
		t.Errorf("after the start: deadline %v, want the start", got)
	}
}
