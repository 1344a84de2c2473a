package desk

import (
	"strings"
	"testing"
	"time"

	"convened"
	"convened/scheduler"
)

// untranslated finds what a reader of another language would wonder at.
func untranslated(text string) string {
	for _, word := range []string{" the ", " is ", "write ", " goes ", " choose", " fires", " move ", " reminder ", " and "} {
		if strings.Contains(" "+text+" ", word) {
			return word
		}
	}
	return ""
}

// Whatever is said of a form is said in each language that the console has.
func TestWhatIsWrongWithAFormIsSaidInEachLanguage(t *testing.T) {
	e := eventOf(t, scheduled)
	bad := []RuleDraft{
		{Before: "2 weeks"}, {Before: "-1h"}, {Before: "two"}, {Before: "500 days"}, {Before: "99999999 days"}, {Before: "0h"}, {Before: "1 days at 25:00"}, {Before: "1 days at x"}, {After: "0h"},
		{Cron: "TZ=UTC 0 9 * * *", From: "1 day"}, {Cron: "@daily", From: "1 day"}, {Cron: "0 0 9 * * *", From: "1 day"}, {Cron: "0 9", From: "1 day"},
		{Cron: "61 9 * * *", From: "1 day"}, {Cron: "0 25 * * *", From: "1 day"}, {Cron: "0 9 32 * *", From: "1 day"}, {Cron: "0 9 * FOO *", From: "1 day"}, {Cron: "0 9 * * FOO", From: "1 day"},
		{Cron: "0 9 * * $", From: "1 day"}, {Cron: "0 9-7 * * *", From: "1 day"}, {Cron: "0 */40 * * *", From: "1 day"}, {Cron: "0 9 31 2 *", From: "1 day"}, {Cron: "0,5 9 * * *", From: "1 day"},
		{Cron: strings.Repeat("0", 300), From: "1 day"}, {Cron: "0 9 * * *", From: "1 day", Until: "2 days"}, {Cron: "0 9 * * *", From: "2 weeks"}, {Cron: "0 9 * * *", From: "1 day", AtMost: "0"},
		{Cron: "0 9 * * *", From: "2 days", AtMost: "99999"}, {Cron: "0 9 * * *", From: "2 days", AtMost: "x"},
		{Before: "24h"}, {Before: "24h"}, {Before: "3h", Name: "x"}, {Before: "4h", Name: "x"}, {Before: "5h", Name: strings.Repeat("x", 101)}, {Before: "6h", Name: "a\nb"}, {Before: "7h", Name: "a\x01b"},
		{Before: "8h", Late: "never"}, {Before: "9h", Late: "skp"}, {Before: "10h", Template: "a b"}, {Before: "11h", Template: "x/followup.tmpl"},
		{Before: "12h", Note: convened.Text{"en": "{nam}\n{", "fr": "{{.Name}}", "es": strings.Repeat("x", 4001), "?": "x"}},
	}
	problems := 0
	for i, draft := range bad {
		d := &Draft{Reminders: []RuleDraft{draft}}
		if i > 0 {
			d.Reminders = []RuleDraft{bad[i-1], draft}
		}
		for _, p := range d.On(e).Problems {
			problems++
			for _, language := range []string{"fr", "es"} {
				if said, ok := ProblemIn(language, p); !ok || untranslated(said) != "" {
					t.Errorf("%+v in %s: %q (%q)", p, language, said, untranslated(said))
				}
			}
			if said, ok := ProblemIn("en", p); !ok || !strings.HasPrefix(said, p.Rule) {
				t.Errorf("%+v in English: %q", p, said)
			}
		}
	}
	if problems < len(bad) {
		t.Errorf("%d drafts have %d problems", len(bad), problems)
	}
}

func TestWhatIsWrongWithAnEventIsSaidInEachLanguage(t *testing.T) {
	good := FactsOf(eventOf(t, scheduled))
	problems := 0
	for _, spoil := range []func(*FactsDraft){
		func(d *FactsDraft) { d.Slug = "" }, func(d *FactsDraft) { d.Slug = "É t" }, func(d *FactsDraft) { d.Slug = strings.Repeat("x", 101) },
		func(d *FactsDraft) { d.Title = nil }, func(d *FactsDraft) { d.Title = convened.Text{"en": strings.Repeat("x", 301)} }, func(d *FactsDraft) { d.Title = convened.Text{"en": "a\nb"} },
		func(d *FactsDraft) { d.Starts = "" }, func(d *FactsDraft) { d.Ends = "" }, func(d *FactsDraft) { d.Starts = "tomorrow" }, func(d *FactsDraft) { d.Starts = "2026-02-30 10:00" },
		func(d *FactsDraft) { d.Starts = "2026-11-25" }, func(d *FactsDraft) { d.Ends = "17:00" }, func(d *FactsDraft) { d.Starts = "2026-11-25T16:00+01:00" }, func(d *FactsDraft) { d.Starts = "0026-11-25 16:00" },
		func(d *FactsDraft) { d.Ends = d.Starts }, func(d *FactsDraft) { d.Ends = "2027-11-25 17:00" },
		func(d *FactsDraft) { d.Zone = "" }, func(d *FactsDraft) { d.Zone = "CET" }, func(d *FactsDraft) { d.Zone = "Brussels" }, func(d *FactsDraft) { d.Zone = "Europe/Nowhere" }, func(d *FactsDraft) { d.Zone = "europe/brussels" },
		func(d *FactsDraft) { d.Language = "tlh" }, func(d *FactsDraft) { d.Language = "French" }, func(d *FactsDraft) { d.HeldIn = "?" }, func(d *FactsDraft) { d.HeldIn = "French" },
		func(d *FactsDraft) { d.JoinURL = "http://example.org" }, func(d *FactsDraft) { d.JoinURL = "example.org/x" }, func(d *FactsDraft) { d.JoinURL = "https://a b" }, func(d *FactsDraft) { d.JoinURL = "https://u:p@example.org" },
		func(d *FactsDraft) { d.PageURL = "x" }, func(d *FactsDraft) { d.PageURL = "https://example.org/" + strings.Repeat("x", 2000) },
		func(d *FactsDraft) { d.OrganizerEmail = "x" }, func(d *FactsDraft) { d.OrganizerEmail = "A <a@example.org>" },
		func(d *FactsDraft) { d.Colour = "red" }, func(d *FactsDraft) { d.Colour = "1a5fb4" }, func(d *FactsDraft) { d.Colour = "#abc" },
	} {
		d := *good
		spoil(&d)
		for _, p := range d.On(nil).Problems {
			problems++
			for _, language := range []string{"fr", "es"} {
				if said, ok := ProblemIn(language, p); !ok || untranslated(said) != "" {
					t.Errorf("%+v in %s: %q (%q)", p, language, said, untranslated(said))
				}
			}
		}
	}
	if problems < 36 {
		t.Errorf("36 mistakes have %d problems", problems)
	}
}

func TestWhatIsOddWithAScheduleIsSaidInEachLanguage(t *testing.T) {
	kinds := map[string]bool{}
	for _, tt := range []struct {
		starts string
		now    time.Duration // before the start
		rules  []string
	}{
		{"2026-11-25 16:00", 20 * 24 * time.Hour, []string{"before 0 days at 18:00", "after 0 days at 10:00", "cron 0 9 * * SUN from 2 days until 1 day", "before 24h", "before 24h",
			"before 2 days at 03:00", "cron 0 6,12 * * * from 1 day", "cron 0 5 * * * from 3 days", "cron 0,30 9 * * * from 2 days", "before 15m", "before 1h", "before 1 day", "cron 0 12 * * * from 11 days", "cron 0 9 1 * MON from 30 days"}},
		{"2026-11-25 16:00", time.Hour, []string{"before 10 days", "cron 0 9 * * * from 15 days until 1 day"}},
		{"2026-11-25 16:00", -time.Hour, []string{"before 24h", "after 2h"}},
		{"2026-03-30 16:00", 24 * time.Hour, []string{"before 1 day at 02:30"}},
		{"2026-10-25 02:15", 24 * time.Hour, []string{"cron 30 2 * * * from 2 days at most 1"}},
		{"2026-10-26 16:00", 3 * 24 * time.Hour, []string{"cron 30 2 * * * from 2 days at most 1"}},
		{"2026-03-29 02:30", 24 * time.Hour, nil},
	} {
		w, err := convened.ParseWall(tt.starts)
		if err != nil {
			t.Fatal(err)
		}
		e := &convened.Event{Slug: "e", Zone: "Europe/Brussels", StartsLocal: w, EndsLocal: w}
		e.EndsLocal.Hour++
		if err := e.Derive(); err != nil {
			t.Fatal(err)
		}
		e.CreatedAt = e.Starts.Add(-12 * 24 * time.Hour)
		for _, rule := range tt.rules {
			e.Reminders = append(e.Reminders, convened.Reminder{Key: rule, Rule: rule, Late: convened.Fold})
		}
		for _, f := range scheduler.Lint(e, e.Starts.Add(-tt.now)) {
			kinds[f.Mend] = true
			for _, language := range []string{"fr", "es"} {
				if said, ok := In(language, f); !ok || untranslated(said) != "" {
					t.Errorf("%v in %s: %q (%q)", f, language, said, untranslated(said))
				}
			}
		}
	}
	if len(kinds) < 12 {
		t.Errorf("only %d sorts of findings were looked at", len(kinds))
	}
}

func TestAFindingIsSaidWithItsTimesInTheLanguage(t *testing.T) {
	f := scheduler.Finding{Message: "1 of 2 mails goes out on Wednesday 25 November 2026 at 06:00, in the night (Europe/Brussels)", Mend: "move one of the two"}
	for language, want := range map[string]string{
		"en": f.Message + "; move one of the two",
		"fr": "1 message sur 2 part mercredi 25 novembre 2026, 6\u00a0h\u00a000, la nuit (Europe/Brussels)\u00a0; déplacez l’un des deux",
		"es": "1 de 2 correos sale el miércoles 25 de noviembre de 2026, 06:00, de noche (Europe/Brussels); mueva uno de los dos",
	} {
		if got, ok := In(language, f); !ok || got != want {
			t.Errorf("in %s: %q, want %q", language, got, want)
		}
	}
	if got, ok := In("fr", scheduler.Finding{Message: "something new"}); ok || got != "something new" {
		t.Errorf("what nobody has translated is %q, %v", got, ok)
	}
}
