package scheduler_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"convened"
	"convened/scheduler"
)

// mustRule parses a rule that the test knows to be right.
func mustRule(t testing.TB, text string) scheduler.Rule {
	t.Helper()
	r, err := scheduler.ParseRule(text)
	if err != nil {
		t.Fatalf("ParseRule(%q): %v", text, err)
	}
	return r
}

func TestRulesAreNormalised(t *testing.T) {
	type f = scheduler.RuleFields
	for _, tt := range []struct {
		fields f
		want   string
		kind   convened.Kind
	}{
		{f{Before: "24h"}, "before 24h", convened.ReminderKind},
		{f{Before: "90m"}, "before 1h30m", convened.ReminderKind},
		{f{Before: "3600s"}, "before 1h", convened.ReminderKind},
		{f{Before: "1 day"}, "before 1 day", convened.ReminderKind},
		{f{Before: " 3  Days at 9:00 "}, "before 3 days at 09:00", convened.ReminderKind},
		{f{Before: "0 days at 09:00"}, "before 0 days at 09:00", convened.ReminderKind},
		{f{Before: "400 days"}, "before 400 days", convened.ReminderKind},
		{f{After: "2h"}, "after 2h", convened.Followup},
		{f{After: "1d at 10:00"}, "after 1 day at 10:00", convened.Followup},
		{f{Cron: "0 9 * * MON-FRI", From: "7 days", Until: "1 day", AtMost: 3},
			"cron 0 9 * * MON-FRI from 7 days until 1 day at most 3", convened.ReminderKind},
		{f{Cron: " 00  09 * ?\t1-5 ", From: "7d", Until: "1d", AtMost: 3},
			"cron 0 9 * * MON-FRI from 7 days until 1 day at most 3", convened.ReminderKind},
		{f{Cron: "0 9 * * fri,mon,fri", From: "48h", Until: "0"}, "cron 0 9 * * MON,FRI from 48h", convened.ReminderKind},
		{f{Cron: "30/15 9-17/2 */1 11,12 3-3", From: "10 days"}, "cron 30-59/15 9-17/2 * NOV,DEC WED from 10 days", convened.ReminderKind},
		{f{Cron: "0 9 29 2 *", From: "10 days"}, "cron 0 9 29 FEB * from 10 days", convened.ReminderKind},
		{f{Cron: "*/15 * * * *", From: "1h"}, "cron */15 * * * * from 1h", convened.ReminderKind},
		// 23:50 and 00:00 are ten minutes apart, but this rule never has both.
		{f{Cron: "0,50 0,23 1,15 * *", From: "30 days"}, "cron 0,50 0,23 1,15 * * from 30 days", convened.ReminderKind},
	} {
		r, err := scheduler.NewRule(tt.fields)
		if err != nil {
			t.Errorf("NewRule(%+v): %v", tt.fields, err)
			continue
		}
		if r.String() != tt.want {
			t.Errorf("NewRule(%+v) = %q, want %q", tt.fields, r, tt.want)
		}
		if r.Kind() != tt.kind {
			t.Errorf("%q is a %s, want %s", r, r.Kind(), tt.kind)
		}
		if again := mustRule(t, r.String()); again != r {
			t.Errorf("ParseRule(%q) = %q", r, again)
		}
		if again, err := scheduler.NewRule(r.Fields()); err != nil || again != r {
			t.Errorf("NewRule(%+v) = %q, %v; want %q", r.Fields(), again, err, r)
		}
	}
}

func TestElapsedHoursAndCalendarDaysAreDifferentRules(t *testing.T) {
	if mustRule(t, "before 24h") == mustRule(t, "before 1 day") {
		t.Error("24h and 1 day are one rule, though a clock change comes between them")
	}
	if mustRule(t, "before 90m") != mustRule(t, "before 1h30m") {
		t.Error("90m and 1h30m are two rules")
	}
}

func TestRefusedRulesNameKeyValueRuleAndMend(t *testing.T) {
	type f = scheduler.RuleFields
	cron := func(line string) f { return f{Cron: line, From: "7 days"} }
	for _, tt := range []struct {
		fields f
		want   []string // parts of the message, in order
	}{
		{f{}, []string{"reminder: ", "neither", "exactly one", `"before: 24h"`}},
		{f{Before: "1h", Cron: "0 9 * * *"}, []string{"reminder: ", "before and cron", "exactly one", "of its own"}},
		{f{Before: "1h", After: "1h", Cron: "x"}, []string{"before and after and cron"}},
		{f{From: "7 days"}, []string{"neither"}},

		{f{Before: "0s"}, []string{`before: "0s"`, "before the start", `"before: 1h"`}},
		{f{Before: "0 days"}, []string{`before: "0 days"`, "no time at all", "0 days at 09:00"}},
		{f{After: "0h"}, []string{`after: "0h"`, "after the end", `"after: 1h"`}},
		{f{Before: "-24h"}, []string{`before: "-24h"`, "not a duration", `"24h"`}},
		{f{Before: "401 days"}, []string{`before: "401 days"`, "400 days", "shorter"}},
		{f{Before: "9601h"}, []string{`before: "9601h"`, "400 days", "shorter"}},
		{f{Before: "3 weeks at 09:00"}, []string{`before: "3 weeks at 09:00"`, `"21 days"`}},
		{f{Before: "24h at 09:00"}, []string{`before: "24h at 09:00"`, "only days", `"1 day at 09:00", or "24h"`}},
		{f{Before: "70h at 9:00"}, []string{`"3 days at 09:00"`}},
		{f{Before: "3 days at 9"}, []string{`before: "3 days at 9"`, `"9" as its time of day`, `"09:00"`}},
		{f{Before: "3 days at 24:00"}, []string{`"24:00"`, "23:59"}},
		{f{Before: "3 days at 12:60"}, []string{`"12:60"`, "23:59"}},
		{f{Before: "at 09:00"}, []string{`before: "at 09:00"`, "not a duration"}},
		{f{Before: "tomorrow"}, []string{`before: "tomorrow"`, "not a duration"}},
		{f{Before: strings.Repeat("9", 201)}, []string{"before: ", "longer than 200 bytes", "shorter"}},
		{f{Before: "1h", From: "7 days"}, []string{`from: "7 days"`, "belongs to a cron rule", "before", "remove"}},
		{f{After: "1h", Until: "1 day"}, []string{`until: "1 day"`, "belongs to a cron rule", "after", "remove"}},
		{f{Before: "1h", AtMost: 2}, []string{`at_most: "2"`, "belongs to a cron rule"}},

		{f{Cron: "0 9 * * *"}, []string{"from: is missing", "window", `"from: 7 days"`}},
		{f{Cron: "0 9 * * *", From: "soon"}, []string{`from: "soon"`, "not a duration"}},
		{f{Cron: "0 9 * * *", From: "500 days"}, []string{`from: "500 days"`, "400 days"}},
		{f{Cron: "0 9 * * *", From: "7 days", Until: "-1 day"}, []string{`until: "-1 day"`, "not a duration"}},
		{f{Cron: "0 9 * * *", From: "1 day", Until: "7 days"}, []string{`from: "1 day"`, "until: 7 days", "longer from"}},
		{f{Cron: "0 9 * * *", From: "24h", Until: "1 day"}, []string{`from: "24h"`, "until: 1 day"}},
		{f{Cron: "0 9 * * *", From: "0s"}, []string{`from: "0s"`, "until: 0s"}},
		{f{Cron: "0 9 * * *", From: "7 days", AtMost: -1}, []string{`at_most: "-1"`, "from 1 to"}},
		{f{Cron: "0 9 * * *", From: "7 days", AtMost: 1 << 40}, []string{`at_most: "1099511627776"`, "from 1 to"}},

		{cron("TZ=UTC"), []string{`cron: "TZ=UTC"`, "event's zone", "remove"}},
		{cron("CRON_TZ=Europe/Paris"), []string{"event's zone"}},
		{cron("TZ=UTC 0 9 * * *"), []string{"event's zone"}},
		{cron("cron_tz=Europe/Paris 0 9 * * *"), []string{"event's zone"}},
		{cron("@every 1h"), []string{`cron: "@every 1h"`, "descriptor", "five fields"}},
		{cron("@every 0s"), []string{"descriptor"}},
		{cron("@daily"), []string{"descriptor"}},
		{cron("@reboot"), []string{"descriptor"}},
		{cron("0 0 9 * * MON"), []string{"six fields", "seconds", `"0 9 * * MON-FRI"`}},
		{cron("0 9 * *"), []string{"4 of the five fields"}},
		{cron("x"), []string{"1 of the five fields"}},
		{cron("0 9 31 2 *"), []string{`cron: "0 9 31 2 *"`, "never fires", "a day that the month has"}},
		{cron("0 0 30,31 FEB *"), []string{"never fires"}},
		{cron("*/5 * * * *"), []string{`cron: "*/5 * * * *"`, "00:00 and 00:05", "15 minutes", `"0,30"`}},
		{cron("* * * * *"), []string{"00:00 and 00:01"}},
		{cron("*/25 * * * *"), []string{"00:50 and 01:00"}},
		{cron("5,55 9-11 * * *"), []string{"09:55 and 10:05"}},
		{cron("5,55 0,23 * * *"), []string{"23:55 and 00:05"}},
		{cron("5,55 0,23 31,1 * *"), []string{"23:55 and 00:05"}},
		{cron("60 9 * * *"), []string{`"60" as its minute`, "0 to 59"}},
		{cron("0 24 * * *"), []string{`"24" as its hour`, "0 to 23"}},
		{cron("0 9 0 * *"), []string{`"0" as its day of month`, "1 to 31"}},
		{cron("0 9 * 13 *"), []string{`"13" as its month`, "JAN FEB"}},
		{cron("0 9 * * 7"), []string{`"7" as its day of week`, "SUN MON"}},
		{cron("0 9 * * LUN"), []string{`"LUN" as its day of week`, "SUN MON"}},
		{cron("0 9 * * FRI-MON"), []string{"range FRI-MON", "list"}},
		{cron("0 9 L * *"), []string{`"L" as its day of month`}},
		{cron("0 9 * * MON#1"), []string{`"MON#1" as its day of week`}},
		{cron("0 9,,10 * * *"), []string{`"" as its hour`}},
		{cron("0 , * * *"), []string{`"" as its hour`}},
		{cron("0 *-9 * * *"), []string{`"*-9" as its hour`}},
		{cron("0 9/0 * * *"), []string{"step 9/0"}},
		{cron("*/60 9 * * *"), []string{"step */60", "no second value"}},
		{cron("0 9 * * *\x00"), []string{"as its day of week"}},
	} {
		got, err := scheduler.NewRule(tt.fields)
		var re *scheduler.RuleError
		if !errors.As(err, &re) || re.Mend == "" || re.Why == "" {
			t.Errorf("NewRule(%+v) = %q, %v; want a *RuleError with a mend", tt.fields, got, err)
			continue
		}
		if got != (scheduler.Rule{}) {
			t.Errorf("NewRule(%+v) is refused and yet %q", tt.fields, got)
		}
		rest := err.Error()
		for _, part := range tt.want {
			_, after, ok := strings.Cut(rest, part)
			if !ok {
				t.Errorf("NewRule(%+v): %q lacks %q, or has it too early", tt.fields, err, part)
				break
			}
			rest = after
		}
	}
}

func TestTextsThatAreNoRulesAreRefused(t *testing.T) {
	for _, text := range []string{"", "never", "before", "before ", "24h", "during 1h", "Before 24h", "cron", "cron 0 9 * * *",
		"cron 0 9 * * * from 7 days at most 0", "cron 0 9 * * * from 7 days at most 9999999", "cron 0 9 * * * until 1 day from 7 days",
		"before 24h until 1h", "after 2h after 2h", strings.Repeat("cron ", 1000)} {
		if r, err := scheduler.ParseRule(text); err == nil {
			t.Errorf("ParseRule(%q) = %q, want an error", text, r)
		}
	}
}

func TestALongValueIsCutInTheMessage(t *testing.T) {
	for _, text := range []string{strings.Repeat("é", 300), "x" + strings.Repeat("é", 300)} {
		_, err := scheduler.ParseRule(text)
		if err == nil || len(err.Error()) > 250 || !strings.Contains(err.Error(), "é…") {
			t.Errorf("got %v, want a short message with whole characters", err)
		}
	}
}

func TestRuleOfNamesTheReminder(t *testing.T) {
	r, err := scheduler.RuleOf(&convened.Reminder{Key: "k", Rule: "before 24h"})
	if err != nil || r.String() != "before 24h" {
		t.Errorf("got %q, %v; want before 24h", r, err)
	}
	_, err = scheduler.RuleOf(&convened.Reminder{Key: "week before", Rule: "before 1 week"})
	var re *scheduler.RuleError
	if !errors.As(err, &re) || !strings.Contains(err.Error(), `"week before"`) {
		t.Errorf("got %v, want a *RuleError that names the reminder", err)
	}
}

func TestTheZeroRuleNeverFires(t *testing.T) {
	var r scheduler.Rule
	e := event("Europe/Brussels", "2026-11-25 16:00")
	if next := r.Schedule(e).Next(e.Starts.AddDate(-2, 0, 0)); !next.IsZero() {
		t.Errorf("it fires at %v", next)
	}
	if r.String() != "never" || r.Words("en") != "never" || r.Kind() != convened.ReminderKind {
		t.Errorf("it is %q, %q, a %s", r, r.Words("en"), r.Kind())
	}
}

func ExampleRule_Words() {
	for _, text := range []string{"before 3 days at 09:00", "cron 0 9 * * MON-FRI from 7 days until 1 day at most 3", "after 2h"} {
		r, err := scheduler.ParseRule(text)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(r.Words("en"))
	}
	// Output:
	// 3 days before, at 09:00
	// at 09:00 on weekdays from 7 days to 1 day before, at most 3 times
	// 2 hours after the end
}
