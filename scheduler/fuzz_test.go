package scheduler_test

import (
	"errors"
	"testing"
	"time"

	"convened"
	"convened/scheduler"
)

// mostInstants is what a rule that reaches 400 days and fires every quarter
// of an hour has, and a few for the hours that a clock change adds.
const mostInstants = 400*24*4 + 8

// checkRule is what holds for whatever somebody typed.
func checkRule(t *testing.T, r scheduler.Rule, err error) {
	t.Helper()
	if err != nil {
		var re *scheduler.RuleError
		if !errors.As(err, &re) || re.Why == "" || re.Mend == "" {
			t.Fatalf("the error %q says no mend", err)
		}
		if r != (scheduler.Rule{}) {
			t.Fatalf("%q is refused: %v", r, err)
		}
		return
	}
	if again, err := scheduler.ParseRule(r.String()); err != nil || again != r || again.String() != r.String() {
		t.Fatalf("ParseRule(%q) = %q, %v", r, again, err)
	}
	if again, err := scheduler.NewRule(r.Fields()); err != nil || again != r {
		t.Fatalf("NewRule(%+v) = %q, %v; want %q", r.Fields(), again, err, r)
	}
	for _, language := range convened.Languages() {
		if r.Words(language) == "" {
			t.Fatalf("%q has no words in %s", r, language)
		}
	}
	e := event("Europe/Brussels", "2026-10-27 16:00", r.String())
	start := e.Starts
	s := r.Schedule(e)
	n := 0
	for last, at := (time.Time{}), s.Next(time.Time{}); !at.IsZero(); last, at = at, s.Next(at) {
		if n++; n > mostInstants {
			t.Fatalf("%q fires more than %d times", r, mostInstants)
		}
		if !at.After(last) {
			t.Fatalf("%q: Next(%v) = %v", r, last, at)
		}
		if r.Kind() == convened.ReminderKind && !at.Before(start) || at.Before(start.AddDate(0, 0, -402)) || at.After(start.AddDate(0, 0, 402)) {
			t.Fatalf("%q fires at %v for a start at %v", r, at, start)
		}
	}
	if got := len(scheduler.Occasions(e)); got != n {
		t.Fatalf("%q has %d occasions and %d instants", r, got, n)
	}
	scheduler.Lint(e, start.AddDate(0, 0, -1))
}

func FuzzParseRule(f *testing.F) {
	for _, text := range []string{
		"before 24h", "before 1h30m", "before 3 days at 09:00", "before 3 days", "after 2h", "after 1 day at 10:00",
		"cron 0 9 * * MON-FRI from 7 days until 1 day at most 3", "cron */15 * * * * from 400 days", "cron 0 0 31 2 * from 7 days",
		"cron TZ=UTC from 7 days", "cron CRON_TZ=Europe/Paris from 7 days", "cron @every 0s from 7 days", "cron 0 9 29 FEB * from 48h",
		"cron 5/20 */6 1-31/2 JAN-MAR/2 SAT,SUN from 30 days until 36h", "before -1h", "before 99999999999h", "never", "cron  from  at most 3",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := scheduler.ParseRule(text)
		checkRule(t, r, err)
	})
}

func FuzzNewRule(f *testing.F) {
	f.Add("24h", "", "", "", "", 0)
	f.Add("3 days at 09:00", "", "", "", "", 0)
	f.Add("", "2h", "", "", "", 0)
	f.Add("", "", "0 9 * * MON-FRI", "7 days", "1 day", 3)
	f.Add("", "", "*/15 0,23 ? * *", "400 days", "", 0)
	f.Add("", "", "0,50 23,0 * 2 *", "9600h", "0", -1)
	f.Add("", "", "TZ=UTC", "7 days", "", 0)
	f.Add("", "", "CRON_TZ=Europe/Paris", "7 days", "", 0)
	f.Add("", "", "0 0 30 FEB *", "7 days", "", 0)
	f.Add("1h", "1h", "@every 0s", "-7 days", "1 week", 1<<40)
	f.Fuzz(func(t *testing.T, before, after, cron, from, until string, atMost int) {
		r, err := scheduler.NewRule(scheduler.RuleFields{Before: before, After: after, Cron: cron, From: from, Until: until, AtMost: atMost})
		checkRule(t, r, err)
	})
}
