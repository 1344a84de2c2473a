package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// editor has `event edit` open the file with a script, in which $1 is the file.
func editor(t *testing.T, script string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "editor")
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("VISUAL", "")
	t.Setenv("EDITOR", file)
}

func TestEditOpensTheFileShowsWhatItDoesAndDoesIt(t *testing.T) {
	s := newSite(t, "")
	s.apply("webinar", 240*time.Hour, "reminders:\n  - before: 24h\n  - before: 1h\n")

	editor(t, "true")
	if out := s.must("event", "edit", "webinar"); !strings.Contains(out, "nothing changes") {
		t.Errorf("an editor that is left says:\n%s", out)
	}
	editor(t, `sed -i 's/before: 24h/before: 2h/' "$1"`)
	if out := s.must("event", "edit", "webinar", "--dry-run"); !strings.Contains(out, "added") || !strings.Contains(out, "2 hours before the start") {
		t.Errorf("the dry run says:\n%s", out)
	}
	if out := s.convened("event", "edit", "webinar"); out.code != 2 || !strings.Contains(out.stderr, "Nobody is mailed for it now.") || !strings.Contains(out.stderr, "What you wrote is in ") {
		t.Errorf("nobody can be asked: exit %d\n%s", out.code, out.stderr)
	} else {
		left(t, out.stderr, "before: 2h")
	}
	if out := s.must("event", "edit", "webinar", "--yes"); !strings.Contains(out, "webinar: changed") {
		t.Errorf("it says:\n%s", out)
	}
	if got := s.sql(`SELECT string_agg(rule, ', ' ORDER BY position) FROM convened.reminders`); got != "before 2h, before 1h" {
		t.Errorf("the rules are %s", got)
	}
}

func TestEditLosesNothingThatWasWritten(t *testing.T) {
	s := newSite(t, "")
	s.apply("webinar", 240*time.Hour, "reminders:\n  - before: 24h\n")

	editor(t, `sed -i 's/before: 24h/before: 2 weeks/' "$1"`)
	out := s.convened("event", "edit", "webinar", "--yes")
	if out.code != 2 || !strings.Contains(out.stderr, `"2 weeks" is not a duration; write "14 days"`) {
		t.Errorf("a wrong file: exit %d\n%s", out.code, out.stderr)
	}
	left(t, out.stderr, "before: 2 weeks")

	editor(t, `sed -i 's/event: webinar/event: another/' "$1"`)
	out = s.convened("event", "edit", "webinar", "--yes")
	if out.code != 2 || !strings.Contains(out.stderr, "never changes") {
		t.Errorf("another name: exit %d\n%s", out.code, out.stderr)
	}
	left(t, out.stderr, "event: another")

	editor(t, "exit 3")
	if out = s.convened("event", "edit", "webinar"); out.code != 1 || !strings.Contains(out.stderr, "EDITOR says which one") {
		t.Errorf("an editor that fails: exit %d\n%s", out.code, out.stderr)
	}
	left(t, out.stderr, "before: 24h")

	// Meanwhile somebody else adds a rule.
	theirs := filepath.Join(t.TempDir(), "theirs.yaml")
	if err := os.WriteFile(theirs, []byte(s.must("event", "show", "webinar", "--file")+"  - before: 30m\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	program, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	editor(t, `sed -i 's/before: 24h/before: 3h/' "$1" && exec `+program+` event apply `+theirs+` --yes --config `+s.config)
	out = s.convened("event", "edit", "webinar", "--yes")
	if out.code != 1 || !strings.Contains(out.stderr, "edited at the same time") || !strings.Contains(out.stderr, `reminders: "before 30m"`) {
		t.Errorf("edited by two: exit %d\n%s", out.code, out.stderr)
	}
	left(t, out.stderr, "before: 3h")
	if got := s.sql(`SELECT string_agg(rule, ', ' ORDER BY position) FROM convened.reminders`); got != "before 24h, before 30m" {
		t.Errorf("the rules are %s", got)
	}
}

func TestALetterIsSeenAsAFileWouldMakeIt(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	s.apply("webinar", 240*time.Hour, "reminders:\n  - before: 24h\n")
	file := filepath.Join(t.TempDir(), "wanted.yaml")
	text := strings.ReplaceAll(s.must("event", "show", "webinar", "--file"), "title: Webinar", "title: Another") + "    note: Bring tea.\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := s.must("preview", "webinar", "--kind", "reminder", "--file", file); !strings.Contains(out, "Bring tea.") || !strings.Contains(out, "Another") {
		t.Errorf("it is\n%s", out)
	}
	if out := s.must("preview", "webinar", "--kind", "reminder"); strings.Contains(out, "Bring tea.") {
		t.Errorf("to look applied the file:\n%s", out)
	}
	s.must("test-send", "webinar", "--kind", "reminder", "--file", file, "--to", "me@example.org")
	s.wait(1, 30*time.Second)
	p, err := readLetter(s.letterTo("me@example.org").Raw)
	if err != nil {
		t.Fatal(err)
	}
	wantIn(t, string(p.text), "Bring tea.")
	if out := s.convened("preview", "another", "--file", file); out.code == 0 {
		t.Errorf("the file of another event is taken:\n%s", out.stdout)
	}
}

var leftIn = regexp.MustCompile(`What you wrote is in (\S+)`)

// left wants what was written in the file that a message names, and cleans up.
func left(t *testing.T, message, want string) {
	t.Helper()
	m := leftIn.FindStringSubmatch(message)
	if m == nil {
		t.Errorf("no file is named:\n%s", message)
		return
	}
	defer func() { _ = os.RemoveAll(filepath.Dir(m[1])) }()
	data, err := os.ReadFile(m[1])
	if err != nil || !strings.Contains(string(data), want) {
		t.Errorf("the file lacks %q: %v\n%s", want, err, data)
	}
}
