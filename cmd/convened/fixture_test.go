package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"convened/internal/lab"
	"convened/internal/lab/labtest"
	"convened/store"
)

func TestMain(m *testing.M) {
	code := labtest.Main(m, func(url string) error {
		s, err := store.Open(store.Options{URL: url})
		if err != nil {
			return err
		}
		defer func() { _ = s.Close() }()
		_, err = s.Migrate(context.Background())
		return err
	})
	if binaryDir != "" {
		_ = os.RemoveAll(binaryDir)
	}
	os.Exit(code)
}

// A site is a database, a mail server and a configuration file for both.
type site struct {
	t      testing.TB
	url    string
	smtp   *lab.SMTP
	config string
}

// newSite makes one. more is appended to the configuration.
func newSite(t testing.TB, more string) *site {
	t.Helper()
	return newSiteWith(t, lab.SMTPOptions{}, more)
}

func newSiteWith(t testing.TB, o lab.SMTPOptions, more string) *site {
	t.Helper()
	smtp, err := lab.StartSMTP(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = smtp.Close() })
	s := &site{t: t, url: labtest.Database(t), smtp: smtp, config: filepath.Join(t.TempDir(), "convened.yaml")}
	s.configure(fmt.Sprintf("database:\n  url: %q\nsmtp:\n  host: 127.0.0.1\n  port: %d\n  tls: none\n  from: Metropolis <events@example.org>\npublic:\n  url: https://events.example.org\n  listen: off\nconsole:\n  listen: off\nstate_dir: %q\n%s",
		s.url, smtp.Port(), t.TempDir(), more))
	return s
}

func (s *site) configure(text string) {
	s.t.Helper()
	if err := os.WriteFile(s.config, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// output is what a command printed, and its exit code.
type output struct {
	code           int
	stdout, stderr string
}

// convened runs one command line.
func (s *site) convened(args ...string) output {
	s.t.Helper()
	return runCommandLine(s.t.Context(), "", append(args, "--config", s.config)...)
}

func runCommandLine(ctx context.Context, stdin string, args ...string) output {
	var stdout, stderr bytes.Buffer
	code := run(ctx, args, strings.NewReader(stdin), &stdout, &stderr)
	return output{code, stdout.String(), stderr.String()}
}

// must is convened, and fails unless the exit code is 0.
func (s *site) must(args ...string) string {
	s.t.Helper()
	out := s.convened(args...)
	if out.code != 0 {
		s.t.Fatalf("convened %s: exit %d\n%s%s", strings.Join(args, " "), out.code, out.stdout, out.stderr)
	}
	return out.stdout
}

// apply writes an event file that starts after the given time and applies it.
func (s *site) apply(slug string, in time.Duration, more string) {
	s.t.Helper()
	file := filepath.Join(s.t.TempDir(), slug+".yaml")
	start := time.Now().Add(in).UTC()
	text := fmt.Sprintf("event: %s\ntitle: Webinar\nstarts: %s\nends: %s\nzone: UTC\nlanguage: en\nlocation: Online\njoin_url: https://example.org/join\norganizer: {name: Metropolis, email: events@example.org}\n%s",
		slug, start.Format("2006-01-02 15:04:05"), start.Add(time.Hour).Format("2006-01-02 15:04:05"), more)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.must("event", "apply", file, "--yes")
}

// sql runs a statement as a sign-up form or a superuser would, through psql:
// only package store may import the driver.
func (s *site) sql(query string) string {
	s.t.Helper()
	cmd, err := lab.ClientCommand(s.t.Context(), s.url, "psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1", "--command", query)
	if err != nil {
		s.t.Fatal(err)
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("%s: %v\n%s", query, err, out)
	}
	return strings.TrimSpace(string(out))
}

// wait waits until n letters have arrived.
func (s *site) wait(n int, limit time.Duration) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), limit)
	defer cancel()
	if err := s.smtp.Wait(ctx, n); err != nil {
		s.t.Fatalf("%v\nnotices:\n%s", err, s.sql(`SELECT kind, state, cause, last_error, count(*) FROM convened.notices GROUP BY 1, 2, 3, 4`))
	}
}

// received lists what arrived as "kind to address", in the order of arrival.
func (s *site) received() []string {
	s.t.Helper()
	var list []string
	for _, m := range s.smtp.Messages() {
		p, err := readLetter(m.Raw)
		if err != nil {
			s.t.Fatal(err)
		}
		list = append(list, p.kind+" to "+strings.Join(m.To, ","))
	}
	return list
}

// A daemon is `convened run` within the test.
type daemon struct {
	tell func()     // tells it to stop, and doesn't wait
	stop func() int // stops it and returns the exit code
	logs *lockedBuffer
}

// daemon starts one. It is stopped at the end of the test if not before.
func (s *site) daemon() *daemon {
	return s.runs(func(ctx context.Context, logs io.Writer) int {
		return run(ctx, []string{"run", "--config", s.config}, strings.NewReader(""), logs, logs)
	})
}

// runs is daemon with what is to be run.
func (s *site) runs(main func(ctx context.Context, logs io.Writer) int) *daemon {
	ctx, cancel := context.WithCancel(s.t.Context())
	logs := &lockedBuffer{}
	done := make(chan int, 1)
	go func() { done <- main(ctx, logs) }()
	d := &daemon{tell: cancel, logs: logs, stop: sync.OnceValue(func() int { cancel(); return <-done })}
	s.t.Cleanup(func() { d.stop() })
	return d
}

// A lockedBuffer is written by one goroutine and read by another.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// binary builds the program once, for tests that kill it.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "convened-test-")
	if err != nil {
		return "", err
	}
	binaryDir = dir
	file := filepath.Join(dir, "convened")
	out, err := exec.Command("go", "build", "-o", file, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return file, nil
})

// binaryDir is where binary builds; "" if it did not. TestMain removes it.
var binaryDir string

// A process is the daemon as systemd runs it.
type process struct {
	*exec.Cmd
	logs *lockedBuffer
	done chan error
}

// process starts the program itself, to be stopped or killed by its id.
func (s *site) process(env ...string) *process { return s.processUnder(nil, env...) }

// processUnder is process, under a service manager; nil is none.
func (s *site) processUnder(m *lab.Manager, env ...string) *process {
	s.t.Helper()
	file, err := binary()
	if err != nil {
		s.t.Fatal(err)
	}
	p := &process{Cmd: exec.Command(file, "run", "--config", s.config), logs: &lockedBuffer{}, done: make(chan error, 1)}
	p.Env = append(os.Environ(), env...)
	p.Stderr, p.Stdout = p.logs, p.logs
	if m != nil {
		done, err := m.Prepare(p.Cmd)
		if err != nil {
			s.t.Fatal(err)
		}
		defer done()
	}
	if err := p.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() { p.done <- p.Wait() }()
	s.t.Cleanup(func() { _ = p.Process.Kill() })
	return p
}

// read returns the configuration file.
func (s *site) read() string {
	s.t.Helper()
	b, err := os.ReadFile(s.config)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(b)
}

// replaceOnce replaces what must be there.
func replaceOnce(t testing.TB, s, from, to string) string {
	t.Helper()
	if !strings.Contains(s, from) {
		t.Fatalf("there is no %q in:\n%s", from, s)
	}
	return strings.Replace(s, from, to, 1)
}

// until waits for a condition.
func (s *site) until(what string, condition func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(45 * time.Second); !condition(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("waited in vain until %s; notices:\n%s", what, s.sql(`SELECT event, kind, occasion, state, cause, reason, last_error, attempt FROM convened.notices ORDER BY id`))
		}
	}
}
