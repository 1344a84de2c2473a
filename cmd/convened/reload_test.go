package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
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
	sockets := "RUNTIME_DIRECTORY=" + t.TempDir()
	p := s.process(sockets)
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

	// As the unit does it for systemd before 253, whose verdict must be the daemon's.
	ask := func() (string, error) {
		cmd := exec.Command(p.Path, "config", "reload", strconv.Itoa(p.Process.Pid))
		cmd.Env = append(os.Environ(), sockets)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := ask(); err == nil || !strings.Contains(out, "en.subject.tmpl:2") {
		t.Errorf("config reload of a broken template: %v\n%s", err, out)
	}
	template("Fourth words: {{.Title}}")
	if out, err := ask(); err != nil {
		t.Errorf("config reload: %v\n%s", err, out)
	}
	letter(4, "Fourth words: Webinar")
	s.configure(s.read() + "lease: soon\n")
	reload("lease")
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-p.done; err != nil {
		t.Errorf("it ended with %v", err)
	}
}
