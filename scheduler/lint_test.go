package scheduler_test

import (
	"slices"
	"testing"
	"time"

	"convened"
	"convened/scheduler"
)

// lint returns the findings about an event as one line each.
func lint(e *convened.Event, now time.Time) []string {
	var lines []string
	for _, f := range scheduler.Lint(e, now) {
		lines = append(lines, f.String())
	}
	return lines
}

func TestLintFindsWhatSurprises(t *testing.T) {
	const (
		move  = "; move one of the two"
		night = `, in the night (Europe/Brussels); choose an hour between 07:00 and 22:00, such as "before: 1 day at 09:00"`
		odd   = "; choose an hour at which no clock is changed"
	)
	for _, tt := range []struct {
		name, starts string
		rules        []string
		want         []string
	}{
		{"the sample of the manual", "2026-11-25 16:00",
			[]string{"before 24h", "before 3 days at 09:00", "before 1h", "cron 0 9 * * MON-FRI from 7 days until 1 day at most 3", "after 2h"}, nil},
		{"a rule that does not parse", "2026-11-25 16:00", []string{"before 2 weeks"},
			[]string{`error: reminder "before 2 weeks": "2 weeks" is not a duration; write "14 days"`}},
		{"a rule after the start", "2026-11-25 16:00", []string{"before 0 days at 18:00"},
			[]string{`error: reminder "before 0 days at 18:00": the rule never fires: Wednesday 25 November 2026 at 18:00 is not before the start; write an earlier hour, or more days`}},
		{"a follow-up before the end", "2026-11-25 16:00", []string{"after 0 days at 10:00"},
			[]string{`error: reminder "after 0 days at 10:00": the rule never fires: Wednesday 25 November 2026 at 10:00 is not after the end; write a later hour, or more days`}},
		{"a window without an instant", "2026-11-25 16:00", []string{"cron 0 9 * * SUN from 2 days until 1 day"},
			[]string{`error: reminder "cron 0 9 * * SUN from 2 days until 1 day": the rule never fires: its window, from Monday 23 November 2026 at 16:00 to Tuesday 24 November 2026 at 16:00, holds none of its instants; widen the window with from: and until:, or change the cron line`}},
		{"the same rule twice", "2026-11-25 16:00", []string{"before 24h", "before 24h"},
			[]string{`error: reminder "before 24h": an earlier reminder has the same key, so this one is never sent; give one of the two a name of its own, with name:`}},
		{"in the night", "2026-11-25 16:00", []string{"before 2 days at 03:00"},
			[]string{`warning: reminder "before 2 days at 03:00": the mail goes out on Monday 23 November 2026 at 03:00` + night}},
		{"the night begins at ten", "2026-11-25 16:00", []string{"before 1 day at 22:00"},
			[]string{`warning: reminder "before 1 day at 22:00": the mail goes out on Tuesday 24 November 2026 at 22:00` + night}},
		{"and ends at seven", "2026-11-25 16:00", []string{"before 1 day at 07:00", "before 2 days at 21:59"}, nil},
		{"one night of several", "2026-11-25 16:00", []string{"cron 0 6,12 * * * from 1 day"},
			[]string{`warning: reminder "cron 0 6,12 * * * from 1 day": 1 of 2 mails goes out on Wednesday 25 November 2026 at 06:00` + night}},
		{"several nights", "2026-11-25 16:00", []string{"cron 0 5 * * * from 3 days"},
			[]string{`warning: reminder "cron 0 5 * * * from 3 days": 3 of 3 mails go out, the first on Monday 23 November 2026 at 05:00` + night}},
		{"twice within the hour, by itself", "2026-11-25 16:00", []string{"cron 0,30 9 * * * from 2 days"},
			[]string{`warning: reminder "cron 0,30 9 * * * from 2 days": the rule fires twice within the hour: on Tuesday 24 November 2026 at 09:00 and 30m later; write fewer minutes in the cron line`}},
		{"an hour apart is well", "2026-11-25 16:00", []string{"cron 0 9,10 * * * from 2 days", "before 1h", "before 2h"}, nil},
		{"too near to another", "2026-11-25 16:00", []string{"before 15m", "before 1h"},
			[]string{`warning: reminder "before 15m": the rule fires 45m after "before 1h", on Wednesday 25 November 2026 at 15:45` + move}},
		{"at the same instant as another", "2026-11-25 16:00", []string{"before 24h", "before 1 day", "after 2h"},
			[]string{`warning: reminder "before 1 day": the rule fires at the same instant as "before 24h", on Tuesday 24 November 2026 at 16:00` + move}},
		{"once for each pair", "2026-11-25 16:00", []string{"cron 0 9 * * * from 3 days", "cron 20 9 * * * from 3 days"},
			[]string{`warning: reminder "cron 20 9 * * * from 3 days": the rule fires 20m after "cron 0 9 * * * from 3 days", on Monday 23 November 2026 at 09:20` + move}},
		{"in a gap", "2026-03-30 16:00", []string{"before 1 day at 02:30"},
			[]string{
				`warning: reminder "before 1 day at 02:30": the mail goes out on Sunday 29 March 2026 at 03:30` + night,
				`warning: reminder "before 1 day at 02:30": 2026-03-29 02:30 does not exist in Europe/Brussels, where the clock is put forward over it, and counts as 2026-03-29 03:30` + odd}},
		{"what a gap moves onto another instant is that other", "2026-03-29 12:00", []string{"cron 30 2,3 * * * from 10h"},
			[]string{`warning: reminder "cron 30 2,3 * * * from 10h": the mail goes out on Sunday 29 March 2026 at 03:30` + night}},
		{"twice on the clock", "2026-10-26 16:00", []string{"cron 30 2 * * * from 2 days at most 1"},
			[]string{
				`warning: reminder "cron 30 2 * * * from 2 days at most 1": the mail goes out on Sunday 25 October 2026 at 02:30` + night,
				`warning: reminder "cron 30 2 * * * from 2 days at most 1": 2026-10-25 02:30 exists twice in Europe/Brussels, where the clock is put back, and counts as the first` + odd}},
		{"the hours around a change are plain", "2026-10-26 16:00", []string{"before 1 day at 01:59", "before 1 day at 03:00"},
			[]string{
				`warning: reminder "before 1 day at 01:59": the mail goes out on Sunday 25 October 2026 at 01:59` + night,
				`warning: reminder "before 1 day at 03:00": the mail goes out on Sunday 25 October 2026 at 03:00` + night}},
		{"a start that exists twice", "2026-10-25 02:15", nil,
			[]string{
				`warning: the start, 2026-10-25 02:15, exists twice in Europe/Brussels, where the clock is put back, and counts as the first; write another time, or say in the description which is meant`}},
		{"elapsed hours lie in no gap", "2026-03-29 12:00", []string{"before 24h"}, nil},
		{"very many mails", "2026-11-25 16:00", []string{"cron 0 12 * * * from 11 days"},
			[]string{`warning: reminder "cron 0 12 * * * from 11 days": the rule sends 11 mails to each person; add at_most:, or shorten the window`}},
		{"ten are not many", "2026-11-25 16:00", []string{"cron 0 12 * * * from 10 days"}, nil},
		{"a day of the month and one of the week", "2026-11-25 16:00", []string{"cron 0 9 20 * MON from 7 days"},
			[]string{`warning: reminder "cron 0 9 20 * MON from 7 days": the cron line names days of the month and days of the week, and fires on either; write * for one of the two`}},
		{"in the order of the file", "2026-11-25 16:00", []string{"before 10m", "before 20m", "before 0 days at 18:00"},
			[]string{
				`warning: reminder "before 10m": the rule fires 10m after "before 20m", on Wednesday 25 November 2026 at 15:50` + move,
				`error: reminder "before 0 days at 18:00": the rule never fires: Wednesday 25 November 2026 at 18:00 is not before the start; write an earlier hour, or more days`}},
	} {
		if got := lint(event("Europe/Brussels", tt.starts, tt.rules...), time.Time{}); !slices.Equal(got, tt.want) {
			t.Errorf("%s:\n got %q\nwant %q", tt.name, got, tt.want)
		}
	}
}

func TestLintComparesWithNowAndTheAnnouncement(t *testing.T) {
	at := func(s string) time.Time {
		w, err := convened.ParseWall(s)
		if err != nil {
			t.Fatal(err)
		}
		loc, err := convened.LoadZone("Europe/Brussels")
		if err != nil {
			t.Fatal(err)
		}
		return w.In(loc)
	}
	for _, tt := range []struct {
		name, announced, now string
		rule                 string
		want                 []string
	}{
		{"all is to come", "2026-11-01 12:00", "2026-11-02 12:00", "before 24h", nil},
		{"from before the announcement", "2026-11-20 12:00", "2026-11-20 12:00", "before 7 days at 09:00",
			[]string{`warning: reminder "before 7 days at 09:00": the mail goes out on Wednesday 18 November 2026 at 09:00, before the event was announced on Friday 20 November 2026 at 12:00; choose a time nearer to the start`}},
		{"partly from before the announcement", "2026-11-24 12:00", "2026-11-24 12:00", "cron 0 9 * * * from 3 days",
			[]string{`warning: reminder "cron 0 9 * * * from 3 days": 2 of 3 mails go out, the first on Monday 23 November 2026 at 09:00, before the event was announced on Tuesday 24 November 2026 at 12:00; choose a time nearer to the start`}},
		{"past", "2026-11-01 12:00", "2026-11-24 16:00", "before 24h",
			[]string{`warning: reminder "before 24h": all of its instants are past, the last on Tuesday 24 November 2026 at 16:00; choose a time nearer to the start, or remove the rule`}},
		{"past before anything was announced", "", "2026-11-25 12:00", "before 24h",
			[]string{`warning: reminder "before 24h": all of its instants are past, the last on Tuesday 24 November 2026 at 16:00; choose a time nearer to the start, or remove the rule`}},
		{"one is left", "2026-11-01 12:00", "2026-11-24 12:00", "cron 0 9 * * * from 3 days", nil},
		{"the event has begun", "2026-11-01 12:00", "2026-11-25 16:00", "before 24h",
			[]string{"warning: the event began on Wednesday 25 November 2026 at 16:00, so no reminder goes out any more"}},
		{"a follow-up is still to come", "2026-11-01 12:00", "2026-11-25 18:00", "after 2h",
			[]string{"warning: the event began on Wednesday 25 November 2026 at 16:00, so no reminder goes out any more"}},
		{"a follow-up is past", "2026-11-01 12:00", "2026-11-25 19:00", "after 2h",
			[]string{"warning: the event began on Wednesday 25 November 2026 at 16:00, so no reminder goes out any more",
				`warning: reminder "after 2h": all of its instants are past, the last on Wednesday 25 November 2026 at 19:00; choose a time nearer to the start, or remove the rule`}},
	} {
		e := event("Europe/Brussels", "2026-11-25 16:00", tt.rule)
		if tt.announced != "" {
			e.CreatedAt = at(tt.announced)
		}
		if got := lint(e, at(tt.now)); !slices.Equal(got, tt.want) {
			t.Errorf("%s:\n got %q\nwant %q", tt.name, got, tt.want)
		}
	}
}

func TestAZoneWhoseClockIsNotChangedHasNoOddTimes(t *testing.T) {
	for _, tt := range []struct{ zone, starts string }{
		{"UTC", "2026-10-26 02:30"},
		{"Asia/Tokyo", "2026-10-26 02:30"},
		// In the following month summer time became the standard: a change
		// of name, and of no clock.
		{"Africa/Casablanca", "2018-09-26 14:30"},
	} {
		if got := lint(event(tt.zone, tt.starts, "before 1 day at 12:30"), time.Time{}); len(got) != 0 {
			t.Errorf("%s: got %q, want nothing", tt.zone, got)
		}
	}
}

func TestLintStopsAtAnEventThatHasNoTime(t *testing.T) {
	e := event("Europe/Brussels", "2026-11-25 16:00", "before 24h")
	e.Zone = "CET"
	want := []string{`error: the zone "CET" is an abbreviation, which Postgres, Go and people read differently in summer; write Europe/Brussels or Europe/Paris`}
	if got := lint(e, time.Time{}); !slices.Equal(got, want) {
		t.Errorf("zone CET:\n got %q\nwant %q", got, want)
	}
	e = event("Europe/Brussels", "2026-11-25 16:00", "before 24h", "after 2h")
	e.EndsLocal = convened.Wall{}
	want = []string{`error: reminder "after 2h": the rule never fires: the event has no end; write one, such as "ends: 2026-11-25 17:00"`}
	if got := lint(e, time.Time{}); !slices.Equal(got, want) {
		t.Errorf("no end:\n got %q\nwant %q", got, want)
	}
	e.StartsLocal = convened.Wall{}
	want = []string{`error: the event has no start, so no rule has an instant; write one, such as "starts: 2026-11-25 16:00"`}
	if got := lint(e, time.Time{}); !slices.Equal(got, want) {
		t.Errorf("no start:\n got %q\nwant %q", got, want)
	}
}
