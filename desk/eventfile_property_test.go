package desk

import (
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"convened"
	"convened/config"
)

func TestWritingAndReadingAnyEventGivesItBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := anyEvent(t)
		data, err := WriteEventFile(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ReadEventFile("x.yaml", data)
		if err != nil {
			t.Fatalf("%v\nin\n%s", err, data)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("\n got %+v\nwant %+v\nfrom\n%s", got, want, data)
		}
		twice, err := WriteEventFile(got)
		if err != nil || string(twice) != string(data) {
			t.Fatalf("written again it differs: %v\n%s\n%s", err, data, twice)
		}
	})
}

// anyEvent draws an event that could stand in a file.
func anyEvent(t *rapid.T) *convened.Event {
	oneOf := func(label string, from ...string) string { return rapid.SampledFrom(from).Draw(t, label) }
	start := time.Unix(rapid.Int64Range(0, 7e9).Draw(t, "start"), 0).UTC()
	e := &convened.Event{
		Slug:        rapid.StringMatching(`[a-z0-9]{1,9}(-[a-z0-9]{1,9}){0,4}`).Draw(t, "slug"),
		Language:    oneOf("language", convened.Languages()...),
		HeldIn:      oneOf("held in", "", "fr", "pt-BR", "no"),
		Zone:        oneOf("zone", "UTC", "Europe/Brussels", "America/Mexico_City", "Australia/Lord_Howe", "Asia/Kolkata"),
		StartsLocal: convened.WallOf(start),
		// Later than any clock change can take back.
		EndsLocal: convened.WallOf(start.Add(time.Duration(rapid.Int64Range(3*3600, 59*86400).Draw(t, "length")) * time.Second)),
		JoinURL:   oneOf("join", "", "https://example.org/join?a=b&c=%20#d", "https://localhost:8080/"),
		PageURL:   oneOf("page", "", "https://example.org"),
		Logo:      oneOf("logo", "", "https://example.org/logo.png"),
		Colour:    oneOf("colour", "", "#1a5fb4"),
		SignUp:    rapid.Bool().Draw(t, "sign up"),
		Status:    convened.Scheduled,
		Organizer: convened.Organizer{Name: anyWords(t, "organizer", false), Email: oneOf("email", "", "events@example.org", "josé@example.org")},
	}
	e.Title = anyText(t, "title", 1, false)
	e.Location = anyText(t, "location", 0, false)
	e.Description = anyText(t, "description", 0, true)
	e.Introduction = anyText(t, "introduction", 0, true)
	rules := []string{"before 24h", "before 3 days at 09:00", "cron 0 9 * * MON-FRI from 7 days until 1 day at most 3", "cron 30 8 1 * * from 40 days", "after 2h", "after 1 day at 10:00"}
	for i, rule := range rules[:rapid.IntRange(0, len(rules)).Draw(t, "reminders")] {
		rem := convened.Reminder{Key: rule, Rule: rule, Late: convened.Late(oneOf("late", "fold", "catch-up", "skip")),
			Template: oneOf("template", "", "followup", "true"), Note: anyText(t, "note", 0, true)}
		if name := anyWords(t, "name", false); name != "" && len(name) < 90 {
			rem.Key = fmt.Sprintf("%s %d", name, i)
		}
		e.Reminders = append(e.Reminders, rem)
	}
	if err := e.Derive(); err != nil {
		t.Fatal(err)
	}
	return e
}

func anyText(t *rapid.T, label string, least int, lines bool) convened.Text {
	var text convened.Text
	for _, language := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"en", "fr", "es", "no", "de"}), least, 4, rapid.ID).Draw(t, label+" languages") {
		if s := anyWords(t, label, lines); s != "" {
			if text == nil {
				text = convened.Text{}
			}
			text[language] = s
		}
	}
	if text == nil && least > 0 {
		return convened.Text{"en": "Webinar"}
	}
	return text
}

func anyWords(t *rapid.T, label string, lines bool) string {
	pieces := []string{"Webinar", "l'été", " ", ": ", " #", "- ", `"`, `\`, "}", "[", "&", "*", "!", "|", ">", "%", "@", "~", "null", "true", "no", "12", "…", "\u00a0", "😀",
		"{name}", `\{`, "a  b", "---", "?", "https://example.org/a?b=c#d", "\u202e", "\u200b"}
	if lines {
		pieces = append(pieces, "\n", "\n\n", "\n  ", "\t", " \n")
	}
	return strings.TrimSpace(strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 8).Draw(t, label), ""))
}

// FuzzEventFile looks for a file that takes the program down, that is refused
// without saying where and why, or that is not the same when it is written
// and read again.
func FuzzEventFile(f *testing.F) {
	seeds, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(seeds) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, file := range append(seeds, "testdata/everything.yaml") {
		f.Add(readFile(f, file))
	}
	f.Add([]byte(design))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := ReadEventFile("x.yaml", data)
		if err != nil {
			lines := strings.Count(string(data), "\n") + strings.Count(string(data), "\r") + 1
			for _, p := range err.(*config.Problems).List {
				if p.File != "x.yaml" || p.Rule == "" || p.Mend == "" || p.Line < 0 || p.Line > lines || p.Line > 0 && p.Column < 1 {
					t.Fatalf("problem %+v", p)
				}
			}
			return
		}
		if e.Slug == "" || len(e.Title) == 0 || !e.Ends.After(e.Starts) || e.Status != convened.Scheduled {
			t.Fatalf("accepted: %+v", e)
		}
		written, err := WriteEventFile(e)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ReadEventFile("x.yaml", written)
		if err != nil || !reflect.DeepEqual(again, e) {
			t.Fatalf("%v\n got %+v\nwant %+v\nfrom\n%s", err, again, e, written)
		}
	})
}
