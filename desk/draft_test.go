package desk

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"convened"
)

const scheduled = `
event: webinar
title: Webinar
starts: 2026-11-25 16:00
ends: 2026-11-25 17:00
zone: Europe/Brussels
language: en
introduction: {en: "Dear {name},", fr: "Bonjour {name},"}
reminders:
  - before: 24h
  - before: 3 days at 09:00
    name: early
    late: catch-up
    note: {en: "Bring your badge.", fr: "Votre badge."}
  - cron: "0 9 * * MON-FRI"
    from: 7 days
    until: 1 day
    at_most: 3
  - after: 2h
    template: followup
`

func eventOf(t testing.TB, file string) *convened.Event {
	t.Helper()
	e, err := ReadEventFile("webinar.yaml", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestADraftOfAnEventIsTheEvent(t *testing.T) {
	e := eventOf(t, scheduled)
	got := DraftOf(e).On(e)
	if err := got.Err(); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got.Event, e) {
		t.Errorf("the event of its own draft is\n%+v, want\n%+v", got.Event, e)
	}
	if want := []string{"before 24h", "early", "cron 0 9 * * MON-FRI from 7 days until 1 day at most 3", "after 2h"}; !slices.Equal(got.Keys, want) {
		t.Errorf("its keys are %q, want %q", got.Keys, want)
	}
}

func TestADraftSaysWhatIsWrongByFieldAsAnEventFileDoes(t *testing.T) {
	e := eventOf(t, scheduled)
	d := &Draft{
		Introduction: convened.Text{"en": "Dear {nam},\r\n{", "fr": " "},
		Reminders: []RuleDraft{
			{Before: "2 weeks"},
			{Before: "24h"},
			{Cron: "0 9 * * *", AtMost: "three"},
			{Before: "24h"},
			{After: "2h", Late: "never", Template: "a/b", Note: convened.Text{"es": "{{.Name}}"}},
			{Before: "1h", Name: strings.Repeat("x", 101)},
			{},
			{Cron: "0 9 * * *", From: "1 day", Until: "2 days"},
		},
	}
	got := d.On(e)
	var said []string
	for _, p := range got.Problems {
		said = append(said, p.Error())
	}
	want := []string{
		`introduction.en: "Dear {nam},\r\n{" has a placeholder that can't be filled in: line 1: {nam} is not known; line 2: a brace is not closed`,
		`reminders[1].before: "2 weeks" is not a duration; write "14 days"`,
		`reminders[3].at_most: "three" is not a whole number; write one such as 3`,
		`reminders[4].before: "24h" is the same rule as that of the reminder number 2; leave one of the two out`,
		`reminders[5].late: "never" is none of fold, catch-up and skip`,
		`reminders[5].template: "a/b" is not the name of a template`,
		`reminders[5].note.es: "{{.Name}}" has a placeholder that can't be filled in`,
		`reminders[6].name: "` + strings.Repeat("x", 60) + `…" is longer than 100 bytes`,
		`reminders[7] says neither before, cron nor after`,
		`reminders[8].from: "1 day" is not further from the start than until`,
	}
	for i, w := range want {
		if i >= len(said) || !strings.HasPrefix(said[i], w) {
			t.Errorf("problem %d is missing or another: want %s\ngot\n%s", i+1, w, strings.Join(said, "\n"))
			break
		}
	}
	if len(said) != len(want) {
		t.Errorf("%d problems, want %d:\n%s", len(said), len(want), strings.Join(said, "\n"))
	}
	if want := []string{"", "before 24h", "", "", "after 2h", strings.Repeat("x", 101), "", ""}; !slices.Equal(got.Keys, want) {
		t.Errorf("the keys are %q, want %q", got.Keys, want)
	}
	if len(e.Reminders) != 4 {
		t.Error("the event itself was changed")
	}
}

func TestAnOutlineSaysRulesInWordsAndInstants(t *testing.T) {
	e := eventOf(t, scheduled+"  - before: 0 days at 23:00\n")
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	o := OutlineOf(e, now, "fr")
	cron := o.Rules[2]
	if cron.Words != "à 9\u00a0h\u00a000 du lundi au vendredi, de 7 jours à 1 jour avant, au plus 3 fois" || cron.All != 3 || cron.Past != 2 || cron.Left() != 0 {
		t.Errorf("the cron rule is %+v", cron)
	}
	if want := []time.Time{time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)}; !slices.Equal(cron.Next, want) {
		t.Errorf("it fires at %v, want %v", cron.Next, want)
	}
	if o.Rules[3].Kind != convened.Followup || o.Rules[0].Kind != convened.ReminderKind {
		t.Errorf("the kinds are %s and %s", o.Rules[3].Kind, o.Rules[0].Kind)
	}
	if last := o.Rules[4]; len(last.Findings) != 1 || last.Findings[0].Level != "error" || last.All != 0 {
		t.Errorf("the rule after the start is %+v", last)
	}
	if len(o.Findings) != 0 || len(o.Rules[0].Findings) != 0 {
		t.Errorf("odd: %v, %v", o.Findings, o.Rules[0].Findings)
	}
}

func TestAnOutlineShowsFiveInstantsAndCountsTheRest(t *testing.T) {
	e := eventOf(t, strings.Replace(scheduled, "at_most: 3", "at_most: 8", 1))
	e.Reminders = []convened.Reminder{{Key: "daily", Rule: "cron 0 12 * * * from 20 days", Late: convened.Fold}}
	o := OutlineOf(e, e.Starts.Add(-21*24*time.Hour), "en")
	if r := o.Rules[0]; len(r.Next) != NextInstants || r.All != 20 || r.Left() != 15 || r.Past != 0 {
		t.Errorf("%d shown of %d, %d left, %d past", len(r.Next), r.All, r.Left(), r.Past)
	}
}
