package desk

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"convened"
	"convened/config"
	"convened/events"
	"convened/scheduler"
	"convened/templates"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares got with a file, or rewrites it.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (run with -update)", err)
	}
	if got != string(want) {
		t.Errorf("%s\n--- got\n%s\n--- want\n%s", file, got, want)
	}
}

func readFile(t testing.TB, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestBadEventFilesSayWhatIsWrongAndHowToMendIt(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) < 100 {
		t.Fatalf("%d bad files, %v", len(files), err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		t.Run(strings.TrimSuffix(name, ".yaml"), func(t *testing.T) {
			e, err := ReadEventFile(name, readFile(t, file))
			if err == nil {
				t.Fatalf("no error, but %+v", e)
			}
			var ps *config.Problems
			if !errors.As(err, &ps) {
				t.Fatalf("the error is a %T", err)
			}
			for _, p := range ps.List {
				if p.File != name || p.Rule == "" || p.Mend == "" {
					t.Errorf("%q has no file, no rule or no mend", p.Error())
				}
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".golden", err.Error()+"\n")
		})
	}
}

// design is the event file of the design, word for word.
const design = `
    event: internationalisation-metropolitan-spaces
    title: {fr: "L'internationalisation des espaces métropolitains", en: "Internationalisation and metropolitan spaces"}
    starts: 2026-11-25 16:00
    ends: 2026-11-25 17:00
    zone: Europe/Brussels
    language: fr                     # of letters, where a registrant has none
    held_in: fr                      # printed in each letter
    location: {fr: "En ligne", en: "Online"}
    join_url: https://example.org/join
    organizer: {name: Metropolis, email: events@example.org}
    reminders:
      - before: 24h                  # elapsed hours
      - before: 3 days at 09:00      # wall clock in the event's zone
      - before: 1h
        late: fold
      - cron: "0 9 * * MON-FRI"      # bound to a window before the start
        from: 7 days
        until: 1 day
        at_most: 3
      - after: 2h                    # kind followup
        template: followup
`

func TestTheEventFileOfTheDesignIsRead(t *testing.T) {
	got, err := ReadEventFile("design.yaml", []byte(design))
	if err != nil {
		t.Fatal(err)
	}
	rule := func(text string) convened.Reminder {
		return convened.Reminder{Key: text, Rule: text, Late: convened.Fold}
	}
	want := &convened.Event{
		Slug:        "internationalisation-metropolitan-spaces",
		Title:       convened.Text{"fr": "L'internationalisation des espaces métropolitains", "en": "Internationalisation and metropolitan spaces"},
		Location:    convened.Text{"fr": "En ligne", "en": "Online"},
		Language:    "fr",
		HeldIn:      "fr",
		Zone:        "Europe/Brussels",
		StartsLocal: convened.Wall{Year: 2026, Month: 11, Day: 25, Hour: 16},
		EndsLocal:   convened.Wall{Year: 2026, Month: 11, Day: 25, Hour: 17},
		Starts:      time.Date(2026, 11, 25, 15, 0, 0, 0, time.UTC),
		Ends:        time.Date(2026, 11, 25, 16, 0, 0, 0, time.UTC),
		JoinURL:     "https://example.org/join",
		Organizer:   convened.Organizer{Name: "Metropolis", Email: "events@example.org"},
		Status:      convened.Scheduled,
		Reminders: []convened.Reminder{rule("before 24h"), rule("before 3 days at 09:00"), rule("before 1h"),
			rule("cron 0 9 * * MON-FRI from 7 days until 1 day at most 3"), rule("after 2h")},
	}
	want.Reminders[4].Template = "followup"
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
}

func TestDefaultsOfAnEventFile(t *testing.T) {
	e, err := ReadEventFile("x.yaml", []byte("event: a\ntitle: Webinar\nstarts: 2027-01-01 10:00\nends: 2027-01-01 11:00:30\nzone: UTC\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := &convened.Event{Slug: "a", Title: convened.Text{"en": "Webinar"}, Language: "en", Zone: "UTC", Status: convened.Scheduled,
		StartsLocal: convened.Wall{Year: 2027, Month: 1, Day: 1, Hour: 10}, EndsLocal: convened.Wall{Year: 2027, Month: 1, Day: 1, Hour: 11, Second: 30},
		Starts: time.Date(2027, 1, 1, 10, 0, 0, 0, time.UTC), Ends: time.Date(2027, 1, 1, 11, 0, 30, 0, time.UTC)}
	if !reflect.DeepEqual(e, want) {
		t.Errorf("\n got %+v\nwant %+v", e, want)
	}
}

func TestEveryKeyOfAnEventFileIsRead(t *testing.T) {
	data := readFile(t, "testdata/everything.yaml")
	e, err := ReadEventFile("everything.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	// A key that is not read would leave its field empty.
	v := reflect.ValueOf(*e)
	for i := range v.NumField() {
		switch name := v.Type().Field(i).Name; name {
		case "Sequence", "Revision", "SequencedAt", "MovedAt", "CreatedAt": // the database's
		default:
			if v.Field(i).IsZero() {
				t.Errorf("%s is empty", name)
			}
		}
	}
	golden(t, "testdata/everything.golden", fmt.Sprintf("%+v\n", *e))
	written, err := WriteEventFile(e)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/everything.canonical.yaml", string(written))
}

func TestWindowsFilesAreReadLikeOthers(t *testing.T) {
	unix := readFile(t, "testdata/everything.yaml")
	want, err := ReadEventFile("x.yaml", unix)
	if err != nil {
		t.Fatal(err)
	}
	windows := "\ufeff" + strings.ReplaceAll(string(unix), "\n", "\r\n")
	got, err := ReadEventFile("x.yaml", []byte(windows))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v\n got %+v\nwant %+v", err, got, want)
	}
}

func TestTimesThatAClockChangeSkipsMoveForward(t *testing.T) {
	e, err := ReadEventFile("x.yaml", []byte("event: a\ntitle: Night\nstarts: 2027-03-28 02:30\nends: 2027-03-28 04:00\nzone: Europe/Brussels\n"))
	if err != nil {
		t.Fatal(err)
	}
	if want := time.Date(2027, 3, 28, 1, 30, 0, 0, time.UTC); !e.Starts.Equal(want) {
		t.Errorf("starts at %s, want %s", e.Starts, want)
	}
	// The organiser is told what becomes of it.
	var said []string
	for _, f := range scheduler.Lint(e, time.Time{}) {
		said = append(said, f.Message)
	}
	if want := "the start, 2027-03-28 02:30, does not exist in Europe/Brussels, where the clock is put forward over it, and counts as 2027-03-28 03:30"; !slices.Contains(said, want) {
		t.Errorf("the lint says %q, want %q", said, want)
	}
}

func TestSampleEventsAreRightAndCanonicalFilesAgree(t *testing.T) {
	names, err := fs.Glob(events.FS, "*.yaml")
	if err != nil || len(names) < 3 {
		t.Fatalf("samples %q, %v", names, err)
	}
	for _, name := range names {
		data, err := events.FS.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		e, err := ReadEventFile(name, data)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		for _, f := range scheduler.Lint(e, time.Time{}) {
			t.Errorf("%s: %s", name, f)
		}
		written, err := WriteEventFile(e)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		again, err := ReadEventFile(name, written)
		if err != nil || !reflect.DeepEqual(again, e) {
			t.Errorf("%s, written and read again: %v\n got %+v\nwant %+v\n%s", name, err, again, e, written)
		}
	}
}

func TestTheWebinarIsTheOneOfTheAnnouncement(t *testing.T) {
	data, err := events.FS.ReadFile("webinar.yaml")
	if err != nil {
		t.Fatal(err)
	}
	e, err := ReadEventFile("webinar.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	if e.Starts.Format(time.RFC3339) != "2026-11-25T15:00:00Z" || e.Ends.Sub(e.Starts) != time.Hour || e.HeldIn != "fr" {
		t.Errorf("starts %s, ends %s, held in %s", e.Starts, e.Ends, e.HeldIn)
	}
	for _, language := range convened.Languages() {
		for field, text := range map[string]convened.Text{"title": e.Title, "description": e.Description, "location": e.Location} {
			if text[language] == "" {
				t.Errorf("no %s in %s", field, language)
			}
		}
	}
}

func TestAReminderWithoutANameKeepsItsKeyHoweverItIsTyped(t *testing.T) {
	key := func(lines string) string {
		t.Helper()
		e, err := ReadEventFile("x.yaml", []byte("event: a\ntitle: A\nstarts: 2027-01-01 10:00\nends: 2027-01-01 11:00\nzone: UTC\nreminders:\n"+lines))
		if err != nil {
			t.Fatal(err)
		}
		return e.Reminders[0].Key
	}
	if a, b := key("  - before: 90m\n"), key("  - {before: \"1h 30m\", late: skip, note: Soon}\n"); a != b {
		t.Errorf("keys %q and %q of one rule differ", a, b)
	}
	if got := key("  - before: 90m\n    name: soon\n"); got != "soon" {
		t.Errorf("key %q, want the name", got)
	}
}

func TestWriteRefusesARuleThatIsNone(t *testing.T) {
	e := &convened.Event{Slug: "a", Reminders: []convened.Reminder{{Key: "x", Rule: "whenever"}}}
	if data, err := WriteEventFile(e); err == nil {
		t.Errorf("no error, but\n%s", data)
	}
}

func TestTheManualIsRight(t *testing.T) {
	manual := string(readFile(t, "../docs/schedules.md"))
	blocks := strings.Split(manual, "```yaml\n")[1:]
	if len(blocks) < 3 {
		t.Fatalf("%d examples", len(blocks))
	}
	for _, block := range blocks {
		text, _, _ := strings.Cut(block, "```")
		e, err := ReadEventFile("schedules.md", []byte(text))
		if err != nil {
			t.Errorf("%v\nin\n%s", err, text)
			continue
		}
		for _, f := range scheduler.Lint(e, time.Time{}) {
			t.Errorf("%s in\n%s", f, text)
		}
		if e.Slug != "internationalisation-metropolitan-spaces" {
			continue
		}
		rows := map[string]string{}
		for _, o := range scheduler.Occasions(e) {
			rule, _, _ := strings.Cut(o.Key, " from")
			rows[rule] += ", " + o.At.In(e.TimeLocation()).Format("Mon 2 Jan 15:04")
		}
		for rule, times := range rows {
			kind, value, _ := strings.Cut(rule, " ")
			row := fmt.Sprintf("| `%s: %s` | %s |", kind, value, strings.TrimPrefix(times, ", "))
			if kind == "cron" {
				row = fmt.Sprintf("| `cron: %q` … | %s |", value, strings.TrimPrefix(times, ", "))
			}
			if !strings.Contains(manual, row) {
				t.Errorf("the manual does not say %s", row)
			}
		}
	}
	_, err := ReadEventFile("webinar.yaml", []byte("event: a\ntitle: A\nstarts: 2026-11-25 16:00\nzone: CET\nends: 2026-11-25 17:00\n"))
	if err == nil {
		t.Fatal("no error")
	}
	for line := range strings.Lines(err.Error()) {
		if !strings.Contains(manual, strings.TrimSpace(line)) {
			t.Errorf("the manual does not show %q", line)
		}
	}
	// Every key is in the table.
	for _, v := range []any{eventFile{}, reminderFile{}} {
		for i := range reflect.TypeOf(v).NumField() {
			if key := reflect.TypeOf(v).Field(i).Tag.Get("yaml"); !strings.Contains(manual, "`"+key) {
				t.Errorf("the manual does not mention %s", key)
			}
		}
	}
	for _, p := range templates.Placeholders() {
		if !strings.Contains(manual, "`{"+p.Name+"}`") {
			t.Errorf("the manual does not mention {%s}", p.Name)
		}
	}
}
