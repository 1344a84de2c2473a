package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

const goodEvent = "event: webinar\ntitle: Webinar\nstarts: 2036-11-25 16:00\nends: 2036-11-25 17:00\nzone: Europe/Brussels\nlanguage: en\norganizer: {name: Metropolis, email: events@example.org}\nreminders:\n  - before: 24h\n"

// Each bad input is a clear message with file, line and mend, exit 2, and
// nothing is changed.
func TestBadInputIsNamedWithItsPlaceAndItsMend(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	for name, c := range map[string]struct {
		from, to string
		want     []string
	}{
		"unknown key":        {"language: en", "langauge: en", []string{":6:", "langauge", "language"}},
		"abbreviated zone":   {"Europe/Brussels", "CET", []string{":5:", "CET", "Europe/Brussels"}},
		"end before start":   {"17:00", "15:00", []string{":4:", "ends"}},
		"cron with a zone":   {"before: 24h", `cron: "CRON_TZ=Europe/Paris"`, []string{":9:", "cron"}},
		"cron never fires":   {"before: 24h", "cron: \"0 0 31 2 *\"\n    from: 7 days", []string{":9:", "0 0 31 2 *"}},
		"rule after start":   {"before: 24h", "before: 0s", []string{":9:", "before"}},
		"no such day":        {"2036-11-25 16:00", "2036-02-30 16:00", []string{":3:", "2036-02-30"}},
		"not YAML":           {"title: Webinar", "title: [Webinar", []string{":3:", "comma"}},
		"a wrong address":    {"events@example.org", "events at example.org", []string{":7:", "organizer.email"}},
		"a javascript link":  {"language: en", "language: en\njoin_url: javascript:alert(1)", []string{":7:", "join_url"}},
		"unknown late":       {"before: 24h", "before: 24h\n    late: maybe", []string{":10:", "late", "fold"}},
		"unknown in a note":  {"before: 24h", "before: 24h\n    note: Hello {nobody}", []string{":10:", "nobody"}},
		"two rules in one":   {"before: 24h", "before: 24h\n    after: 1h", []string{":9:"}},
		"the same one twice": {"  - before: 24h\n", "  - before: 24h\n  - before: 24h\n", []string{":10:", "24h", "line 9"}},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(goodEvent, c.from, c.to, 1)
			if text == goodEvent {
				t.Fatal("nothing was replaced")
			}
			file := write(t, "event.yaml", text)
			out := s.convened("event", "apply", file)
			if out.code != 2 {
				t.Errorf("exit %d, want 2", out.code)
			}
			for _, w := range append(c.want, file) {
				if !strings.Contains(out.stderr, w) {
					t.Errorf("the message has no %q:\n%s", w, out.stderr)
				}
			}
		})
	}
	if n := s.sql(`SELECT count(*) FROM convened.events`); n != "0" {
		t.Errorf("%s events were written", n)
	}
}

func TestApplyIsIdempotentAndSaysWhomItMails(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	file := write(t, "event.yaml", goodEvent)
	if out := s.must("event", "apply", file); !strings.Contains(out, "created") || !strings.Contains(out, "24 hours before") {
		t.Errorf("first apply says:\n%s", out)
	}
	if out := s.must("event", "apply", file); !strings.Contains(out, "nothing changes") {
		t.Errorf("second apply says:\n%s", out)
	}
	s.sql(`INSERT INTO convened.registrations (event, email, name) VALUES ('webinar', 'a@example.org', 'Ana')`)
	s.daemon()
	s.wait(1, 30*time.Second)
	s.settled()
	moved := write(t, "moved.yaml", strings.ReplaceAll(strings.ReplaceAll(goodEvent, "17:00", "18:00"), "16:00", "17:00"))
	if out := s.convened("event", "apply", moved, "--dry-run"); out.code != 0 || !strings.Contains(out.stdout, "will be told: 1 person, at once") {
		t.Errorf("the dry run says, with exit %d:\n%s%s", out.code, out.stdout, out.stderr)
	}
	// Nobody can be asked here, so somebody has to say yes.
	if out := s.convened("event", "apply", moved); out.code != 2 || !strings.Contains(out.stderr, "--yes") {
		t.Errorf("without --yes: exit %d\n%s", out.code, out.stderr)
	}
	s.must("event", "apply", moved, "--yes")
	s.wait(2, 30*time.Second)
	p, err := readLetter(s.smtp.Messages()[1].Raw)
	if err != nil {
		t.Fatal(err)
	}
	if p.kind != "update" || !strings.Contains(string(p.text), "17:00") || !strings.Contains(string(p.text), "16:00") || !strings.Contains(string(p.calendar), "SEQUENCE:1") {
		t.Errorf("the update is a %s:\n%s\n%s", p.kind, p.text, p.calendar)
	}
	s.must("event", "cancel", "webinar", "--yes")
	s.wait(3, 30*time.Second)
	if p, err = readLetter(s.smtp.Messages()[2].Raw); err != nil {
		t.Fatal(err)
	}
	if p.kind != "cancellation" || !strings.Contains(string(p.calendar), "METHOD:CANCEL") || !strings.Contains(string(p.calendar), "SEQUENCE:2") {
		t.Errorf("the cancellation is a %s:\n%s", p.kind, p.calendar)
	}
}

func TestImportKeepsTheGoodLinesAndNamesTheBad(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	s.apply("webinar", 240*time.Hour, "")
	file := write(t, "people.csv", "\uFEFFName;E-Mail;Language;Shoe size\nAna;ana@example.org;es;38\nBad;not an address;;\n\"O\nNeill\";o@example.org;;\nBo;bo@example.org;tlh;\nCé;CE@exämple.org;fr;\n")
	for _, dry := range []bool{true, false} {
		args := []string{"registration", "import", "webinar", file}
		if dry {
			args = append(args, "--dry-run")
		}
		out := s.convened(args...)
		if out.code != 1 {
			t.Errorf("exit %d, want 1, because lines were left out", out.code)
		}
		for _, want := range []string{file + ":3: ", file + ":6: ", "tlh", "Shoe size"} {
			if !strings.Contains(out.stderr, want) {
				t.Errorf("the report has no %q:\n%s", want, out.stderr)
			}
		}
		if !strings.Contains(out.stdout, "3 of 5 people") {
			t.Errorf("it says:\n%s", out.stdout)
		}
		want := "3"
		if dry {
			want = "0"
		}
		if n := s.sql(`SELECT count(*) FROM convened.registrations`); n != want {
			t.Errorf("%s registrations, want %s", n, want)
		}
	}
	if out := s.convened("registration", "import", "webinar", write(t, "bad.csv", "a,b\n1,2\n")); out.code != 1 || !strings.Contains(out.stderr, "email") {
		t.Errorf("a file without addresses: exit %d\n%s", out.code, out.stderr)
	}
	if out := s.convened("registration", "import", "nothing", file); out.code != 1 || !strings.Contains(out.stderr, "nothing") || !strings.Contains(out.stderr, "event list") {
		t.Errorf("an unknown event: exit %d\n%s", out.code, out.stderr)
	}
}

func TestRegistrationsAreListedWithTheirStanding(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	s.apply("webinar", 240*time.Hour, "")
	s.must("registration", "add", "webinar", "ana@example.org", "--name", "Ana Díaz", "--language", "es", "--zone", "America/Mexico_City")
	s.sql(`INSERT INTO convened.registrations (event, email, name) VALUES ('webinar', 'no address', 'Bo' || chr(27) || '[2J')`)
	s.daemon()
	s.wait(1, 30*time.Second)
	s.settled()
	out := s.must("registration", "list", "webinar")
	for _, want := range []string{"ana@example.org", "Ana Díaz", "America/Mexico_City", "confirmed", "address refused"} {
		if !strings.Contains(out, want) {
			t.Errorf("the list has no %q:\n%s", want, out)
		}
	}
	if strings.Contains(out, "\x1b") {
		t.Error("a name can move the cursor")
	}
	var list []map[string]any
	if err := json.Unmarshal([]byte(s.must("registration", "list", "webinar", "--json")), &list); err != nil || len(list) != 2 {
		t.Errorf("as JSON it is %v, %v", list, err)
	}
	for _, args := range [][]string{{"registration", "add", "webinar", "a@b\r\nBcc: c@d.example"}, {"registration", "add", "webinar", "a@example.org", "--zone", "CET"}, {"registration", "add", "webinar", "a@example.org", "--language", "tlh"}, {"registration", "add", "nothing", "a@example.org"}} {
		if out := s.convened(args...); out.code == 0 || out.stderr == "" {
			t.Errorf("%q: exit %d, %q", args, out.code, out.stderr)
		}
	}
	if out := s.must("notices", "list", "--state", "refused"); !strings.Contains(out, "refused") || strings.Contains(out, "ana@") {
		t.Errorf("refused notices:\n%s", out)
	}
	if out := s.must("event", "show", "webinar"); !strings.Contains(out, "confirmation: 1 sent") || !strings.Contains(out, "confirmation: 1 refused") {
		t.Errorf("the event:\n%s", out)
	}
	if out := s.must("status"); !strings.Contains(out, "1 daemon is running") {
		t.Errorf("the status:\n%s", out)
	}
	if out := s.must("event", "list"); !strings.Contains(out, "webinar") {
		t.Errorf("the events:\n%s", out)
	}
}

func TestPreviewShowsEachKindAndSendsNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	s.apply("webinar", 240*time.Hour, "reminders:\n  - before: 24h\n  - after: 2h\n")
	for _, kind := range []string{"confirmation", "reminder", "update", "cancellation", "followup"} {
		for _, language := range []string{"en", "fr", "es"} {
			out := filepath.Join(t.TempDir(), "letter.eml")
			s.must("preview", "webinar", "--kind", kind, "--language", language, "--as", "ana@example.org", "--out", out)
			b, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			p, err := readLetter(b)
			if err != nil || p.kind != kind || len(p.html) == 0 || len(p.text) == 0 {
				t.Errorf("%s in %s: %v, a %s with %d bytes of HTML", kind, language, err, p.kind, len(p.html))
			}
		}
	}
	if out := s.must("preview", "webinar", "--kind", "reminder", "--at", "2036-01-01 10:00", "--as", "ana@example.org"); !strings.Contains(out, "Subject") {
		t.Errorf("it prints:\n%s", out)
	}
	if n := s.smtp.Count(); n != 0 {
		t.Errorf("%d letters were sent", n)
	}
}

func TestCheckNamesWhatIsWrongAndTheMend(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	out := s.must("check")
	if strings.Contains(out, "error") {
		t.Errorf("a sound site has errors:\n%s", out)
	}
	for _, want := range []string{"clock", "time zones", "statements", "permissions", "in the clear, without a login", "v=spf1", "_dmarc.example.org", "v=DMARC1"} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say to publish %s:\n%s", want, out)
		}
	}
	if err := s.smtp.Refuse(); err != nil {
		t.Fatal(err)
	}
	if out := s.convened("check"); out.code != 1 || !strings.Contains(out.stdout, "relay") || !strings.Contains(out.stdout, "smtp.host") {
		t.Errorf("with no relay: exit %d\n%s", out.code, out.stdout)
	}
	sound := s.read()
	s.configure(strings.Replace(sound, "database:\n  url: ", "database:\n  url: \"postgres://127.0.0.1:1/nothing?sslmode=disable\" # ", 1))
	if out := s.convened("check", "--json"); out.code != 1 || !json.Valid([]byte(out.stdout)) || !strings.Contains(out.stdout, "database") {
		t.Errorf("with no database: exit %d\n%s%s", out.code, out.stdout, out.stderr)
	}
	s.configure(sound + "lease: soon\nno_such_key: 1\n")
	if out := s.convened("check"); out.code != 2 || !strings.Contains(out.stderr, "lease") || !strings.Contains(out.stderr, "no_such_key") {
		t.Errorf("with a wrong configuration: exit %d\n%s", out.code, out.stderr)
	}
	s.configure(sound)
	s.sql(`DROP SCHEMA convened CASCADE`)
	if out := s.convened("check"); out.code != 2 || !strings.Contains(out.stdout, "convened migrate") {
		t.Errorf("with no schema: exit %d\n%s", out.code, out.stdout)
	}
	if out := s.convened("run"); out.code != 2 || !strings.Contains(out.stderr, "convened migrate") {
		t.Errorf("run with no schema: exit %d\n%s", out.code, out.stderr)
	}
	s.must("migrate")
	if out := s.must("migrate"); !strings.Contains(out, "up to date") {
		t.Errorf("migrating again says %q", out)
	}
}

func TestTheCommandLineSaysHowItIsUsed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"--help", 0, "convened demo"}, {"event apply --help", 0, "--dry-run"}, {"event apply --help", 0, "Examples:"},
		{"evnt", 2, "event"}, {"event apply", 2, "--help"}, {"run --colour", 2, "--colour"}, {"", 2, "--help"},
		{"config example", 0, "smtp:"}, {"version", 0, "convened "},
		{"completion bash", 0, "complete "}, {"completion fish", 0, "complete -c convened"}, {"completion zsh", 0, "#compdef"}, {"completion tcsh", 2, "bash"},
		{"status --config /nonexistent/convened.yaml", 2, "/nonexistent/convened.yaml"},
	} {
		out := runCommandLine(t.Context(), "", strings.Fields(c.args)...)
		if out.code != c.code || !strings.Contains(out.stdout+out.stderr, c.want) {
			t.Errorf("convened %s: exit %d, want %d and %q:\n%s%s", c.args, out.code, c.code, c.want, out.stdout, out.stderr)
		}
	}
}

// A broken template is refused at the start, with its file and line.
func TestABrokenTemplateIsRefusedWithItsLine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "confirmation"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "confirmation", "en.tmpl"), []byte("{{define \"subject\"}}ok{{end}}\n{{define \"text\"}}{{.NoSuchThing}}{{end}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := newSite(t, fmt.Sprintf("templates_dir: %q\n", dir))
	out := s.convened("run")
	if out.code != 2 || !strings.Contains(out.stderr, filepath.Join("confirmation", "en.tmpl")) || !strings.Contains(out.stderr, ":2") {
		t.Errorf("exit %d:\n%s", out.code, out.stderr)
	}
}

// The relay or the database may be away: the daemon waits, and nobody is lost.
func TestAnUnreachableRelayIsWaitedFor(t *testing.T) {
	t.Parallel()
	s := newSite(t, "poll_interval: 1s\n")
	s.apply("webinar", 240*time.Hour, "")
	if err := s.smtp.Refuse(); err != nil {
		t.Fatal(err)
	}
	d := s.daemon()
	s.burst(20)
	for deadline := time.Now().Add(20 * time.Second); !strings.Contains(d.logs.String(), "planned again"); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("nothing was planned again:\n%s", d.logs)
		}
	}
	if err := s.smtp.Resume(); err != nil {
		t.Fatal(err)
	}
	s.wait(20, 90*time.Second)
	s.settled()
	s.once(20)
	if tries := s.sql(`SELECT max(failures) FROM convened.notices`); tries != "0" {
		t.Errorf("a relay that is away was counted as %s failures of a letter", tries)
	}
}

func TestATestSendGoesToOneAddressAndIsMarked(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	s.apply("webinar", 240*time.Hour, "")
	s.must("registration", "add", "webinar", "ana@example.org", "--name", "Ana")
	s.daemon()
	s.wait(1, 30*time.Second)
	if out := s.must("test-send", "webinar", "--as", "ana@example.org", "--to", "me@example.org"); !strings.Contains(out, "sent to me@example.org") {
		t.Errorf("it says %q", out)
	}
	s.wait(2, 30*time.Second)
	m := s.smtp.Messages()[1]
	p, err := readLetter(m.Raw)
	if err != nil {
		t.Fatal(err)
	}
	uid := s.sql(`SELECT uid FROM convened.registrations`)
	if len(m.To) != 1 || m.To[0] != "me@example.org" || !strings.HasPrefix(p.subject, "[Test] ") || strings.Contains(string(m.Raw), "ana@example.org") || strings.Contains(string(p.calendar), uid) || !strings.Contains(string(p.calendar), "UID:test-") {
		t.Errorf("the trial went to %q with subject %q:\n%s", m.To, p.subject, p.calendar)
	}
	if n := s.sql(`SELECT count(*) FROM convened.notices`); n != "1" {
		t.Errorf("%s notices, want the one confirmation", n)
	}
	if out := s.convened("test-send", "webinar"); out.code != 2 || !strings.Contains(out.stderr, "--to") {
		t.Errorf("without an address: exit %d, %q", out.code, out.stderr)
	}
}
