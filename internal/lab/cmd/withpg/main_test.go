//go:build unix

package main

import (
	"bufio"
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"convened/internal/lab"
)

// asWithpg makes a copy of this test binary behave as the command.
const asWithpg = "WITHPG_TEST"

func TestMain(m *testing.M) {
	if os.Getenv(asWithpg) != "" {
		main()
	}
	os.Exit(m.Run())
}

func withpg(t *testing.T, arguments ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], arguments...)
	cmd.Env = append(os.Environ(), asWithpg+"=1", lab.SharedPostgres+"=")
	cmd.Stderr = os.Stderr
	// A group of its own, which no terminal has in its foreground.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

func exitStatus(t *testing.T, err error) int {
	t.Helper()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if err == nil {
		return 0
	}
	return exit.ExitCode()
}

// directoryOf is the server's, as its URL has it.
func directoryOf(t *testing.T, url string) string {
	t.Helper()
	_, host, ok := strings.Cut(url, "host=")
	if !ok {
		t.Fatalf("%q has no host", url)
	}
	dir, _, _ := strings.Cut(strings.ReplaceAll(host, "%2F", "/"), "/socket")
	return dir
}

func TestWithpgReturnsWhatTheCommandReturned(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		script string
		want   int
	}{
		{"exit 0", 0},
		{"exit 7", 7},
		{"kill -KILL $$", 128 + 9},
	} {
		t.Run(test.script, func(t *testing.T) {
			t.Parallel()
			err := withpg(t, "--", "/bin/sh", "-c", test.script).Run()
			if got := exitStatus(t, err); got != test.want {
				t.Errorf("got %d, want %d", got, test.want)
			}
		})
	}
}

func TestWithpgSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	var stderr bytes.Buffer
	cmd := withpg(t)
	cmd.Stderr = &stderr
	if got := exitStatus(t, cmd.Run()); got != 2 || !strings.Contains(stderr.String(), "usage: withpg") {
		t.Errorf("no command: got %d and %q, want 2 and the usage", got, stderr.String())
	}
	stderr.Reset()
	cmd = withpg(t, "--", "/no/such/program")
	cmd.Stderr = &stderr
	if got := exitStatus(t, cmd.Run()); got != 127 || !strings.Contains(stderr.String(), "/no/such/program") {
		t.Errorf("no such program: got %d and %q, want 127 and its name", got, stderr.String())
	}
}

func TestWithpgGivesAServerThatGoesWithTheCommand(t *testing.T) {
	t.Parallel()
	out, err := withpg(t, "--", "/bin/sh", "-c", "echo $"+lab.SharedPostgres).Output()
	if err != nil {
		t.Fatal(err)
	}
	url := strings.TrimSpace(string(out))
	if !strings.HasPrefix(url, "postgres://postgres@") {
		t.Errorf("got %q, want a URL", url)
	}
	if _, err := os.Stat(directoryOf(t, url)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the server's directory: got %v, want it gone", err)
	}
}

func TestWithpgUsesTheServerThatIsThere(t *testing.T) {
	t.Parallel()
	cmd := withpg(t, "--", "/bin/sh", "-c", "echo $"+lab.SharedPostgres)
	cmd.Env = append(cmd.Env, lab.SharedPostgres+"=postgres://elsewhere/")
	out, err := cmd.Output()
	if got, want := strings.TrimSpace(string(out)), "postgres://elsewhere/"; err != nil || got != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

func TestWithpgPassesSignalsOnAndCleansUp(t *testing.T) {
	t.Parallel()
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			script := `trap 'echo asked; exit 3' INT TERM; echo $` + lab.SharedPostgres + `; while :; do read line; done`
			cmd := withpg(t, "--", "/bin/sh", "-c", script)
			stdin, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			defer stdin.Close()
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewScanner(stdout)
			lines.Scan()
			dir := directoryOf(t, lines.Text())
			if _, err := os.Stat(dir); err != nil {
				t.Errorf("the server's directory while the command runs: %v", err)
			}
			if err := cmd.Process.Signal(s); err != nil {
				t.Fatal(err)
			}
			if lines.Scan(); lines.Text() != "asked" {
				t.Errorf("the command said %q, want asked", lines.Text())
			}
			if got := exitStatus(t, cmd.Wait()); got != 3 {
				t.Errorf("got %d, want 3", got)
			}
			if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the server's directory: got %v, want it gone", err)
			}
		})
	}
}
