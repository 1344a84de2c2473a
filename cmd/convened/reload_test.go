package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A template is replaced while the daemon runs; a broken one is refused with its
// line, and the one before stays in force.
func TestAReloadTakesGoodTemplatesAndRefusesBrokenOnes(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "confirmation")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	template := func(text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "en.subject.tmpl"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	template("First words: {{.Title}}")
	s := newSite(t, "templates_dir: "+filepath.Dir(dir)+"\n")
	s.apply("webinar", 240*time.Hour, "")
	p := s.process()
	letter := func(n int, want string) {
		t.Helper()
		s.must("registration", "add", "webinar", strings.Repeat("x", n)+"@example.org")
		s.wait(n, 30*time.Second)
		got, err := readLetter(s.smtp.Messages()[n-1].Raw)
		if err != nil || got.subject != want {
			t.Errorf("letter %d has subject %q, %v; want %q", n, got.subject, err, want)
		}
	}
	reload := func(says string) {
		t.Helper()
		if err := p.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		s.until(says, func() bool { return strings.Contains(p.logs.String(), says) })
	}
	letter(1, "First words: Webinar")
	template("Second words: {{.Title}}")
	reload("reloaded templates")
	letter(2, "Second words: Webinar")
	template("Third words:\n{{.Nothing}}")
	if out := s.convened("config", "check"); out.code != 2 || !strings.Contains(out.stderr, "en.subject.tmpl:2") {
		t.Errorf("config check: exit %d\n%s", out.code, out.stderr)
	}
	reload("reload refused")
	if !strings.Contains(p.logs.String(), "en.subject.tmpl:2") {
		t.Errorf("the refusal names no line:\n%s", p.logs)
	}
	letter(3, "Second words: Webinar")
	s.configure(s.read() + "lease: soon\n")
	reload("lease")
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-p.done; err != nil {
		t.Errorf("it ended with %v", err)
	}
}
