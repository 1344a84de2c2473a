//go:build unix

package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if os.Getenv(orphanVariable) != "" {
		orphan()
	}
	goleak.VerifyTestMain(m)
}

// orphanVariable tells a copy of this program that it is to start a server
// and be killed.
const orphanVariable = "LAB_TEST_ORPHAN"

// orphan starts a server, says where it is, and waits to be killed.
func orphan() {
	p, err := StartPostgres(context.Background(), PostgresOptions{})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(p.running.cmd.Process.Pid, p.Dir())
	select {}
}

// start starts a server for a test that stops it itself or lets the test's end do it.
func start(t *testing.T, o PostgresOptions) *Postgres {
	t.Helper()
	p, err := StartPostgres(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// query runs SQL through psql and returns what it prints.
func query(url, sql string) (string, error) {
	cmd, err := ClientCommand(context.Background(), url, "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", sql)
	if err != nil {
		return "", err
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, stderr.Bytes())
	}
	return strings.TrimSpace(string(out)), nil
}

func mustQuery(t *testing.T, url, sql string) string {
	t.Helper()
	out, err := query(url, sql)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return out
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// eventually waits for a condition outside of this process.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(20 * time.Second)
	for !condition() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// traversable returns a new directory that other users may pass through, which
// those of t.TempDir are not.
func traversable(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "lab-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestPostgresAnswersAndLeavesNothing(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	p := start(t, PostgresOptions{Log: &log})
	pid := p.running.cmd.Process.Pid
	for name, url := range map[string]string{"socket": p.URL("postgres"), "tcp": p.TCPURL("postgres")} {
		if !strings.Contains(url, "sslmode=disable") {
			t.Errorf("%s: %s does not say sslmode=disable", name, url)
		}
		got := mustQuery(t, url, "select current_setting('server_encoding'), datcollate, current_user, "+
			"(select rolsuper from pg_roles where rolname = current_user) from pg_database where datname = 'postgres'")
		if want := "UTF8|C.UTF-8|postgres|t"; got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	if exists(p.Dir()) {
		t.Errorf("%s is still there", p.Dir())
	}
	if syscall.Kill(pid, 0) == nil {
		t.Errorf("process %d is still there", pid)
	}
	if want := "database system is shut down"; !strings.Contains(log.String(), want) {
		t.Errorf("the log does not say %q:\n%s", want, log.String())
	}
	if err := p.Stop(); err != nil {
		t.Errorf("stop a second time: %v", err)
	}
	if err := p.Restart(); err == nil {
		t.Error("a stopped server was restarted")
	}
}

func TestPostgresWantsThePasswordOverTCP(t *testing.T) {
	t.Parallel()
	p := start(t, PostgresOptions{})
	u, err := url.Parse(p.TCPURL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword("postgres", "guess")
	if _, err := query(u.String(), "select 1"); err == nil || !strings.Contains(err.Error(), "password authentication failed") {
		t.Errorf("with a wrong password: got %v, want password authentication failed", err)
	}
	for _, dir := range []string{p.dir.path, p.dir.socket()} {
		info, err := os.Stat(dir)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != 0o700 {
			t.Errorf("%s: got mode %v, want 0700", dir, got)
		}
	}
}

func TestPostgresTakesSettings(t *testing.T) {
	t.Parallel()
	const sql = "select current_setting('fsync'), current_setting('synchronous_commit'), current_setting('full_page_writes'), current_setting('work_mem')"
	for _, test := range []struct {
		name string
		o    PostgresOptions
		want string
	}{
		{"fast", PostgresOptions{}, "off|off|off|4MB"},
		{"durable", PostgresOptions{Fsync: true}, "on|on|on|4MB"},
		{"chosen", PostgresOptions{Settings: map[string]string{"synchronous_commit": "on", "work_mem": "8MB"}}, "off|on|off|8MB"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := start(t, test.o)
			if got := mustQuery(t, p.URL("postgres"), sql); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestPostgresKeepsWhatWasCommittedThroughCrashAndRestart(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	p := start(t, PostgresOptions{Log: &log, Settings: map[string]string{"synchronous_commit": "on"}})
	url := p.TCPURL("postgres")
	mustQuery(t, url, "create table kept (n int)")
	mustQuery(t, url, "insert into kept values (1)")
	if err := p.Crash(); err != nil {
		t.Fatal(err)
	}
	if _, err := query(url, "select 1"); err == nil {
		t.Error("a crashed server answers")
	}
	if err := p.Crash(); err != nil {
		t.Errorf("crash a crashed server: %v", err)
	}
	for _, what := range []string{"after the crash", "after a restart"} {
		if err := p.Restart(); err != nil {
			t.Fatal(err)
		}
		if got := p.TCPURL("postgres"); got != url {
			t.Errorf("%s: got URL %s, want %s", what, got, url)
		}
		if got := mustQuery(t, url, "select n from kept"); got != "1" {
			t.Errorf("%s: got %q, want 1", what, got)
		}
	}
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	if want := "database system was not properly shut down"; strings.Count(log.String(), want) != 1 {
		t.Errorf("want exactly one recovery in the log:\n%s", log.String())
	}
}

func TestPostgresKeepsADirectoryThatWasNamed(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(traversable(t), "kept here")
	p := start(t, PostgresOptions{Dir: dir})
	if err := p.CreateDatabase("first", ""); err != nil {
		t.Fatal(err)
	}
	if _, err := StartPostgres(t.Context(), PostgresOptions{Dir: dir}); err == nil || !strings.Contains(err.Error(), "another server") {
		t.Errorf("start a second server in the same directory: got %v", err)
	}
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	p = start(t, PostgresOptions{Dir: dir})
	for _, url := range []string{p.URL("first"), p.TCPURL("first")} {
		if got := mustQuery(t, url, "select current_database()"); got != "first" {
			t.Errorf("got %q, want first", got)
		}
	}
}

func TestPostgresFallsBackToTCPWhereTheSocketPathIsTooLong(t *testing.T) {
	t.Parallel()
	p := start(t, PostgresOptions{Dir: filepath.Join(traversable(t), strings.Repeat("long", 25))})
	if got, want := p.URL("postgres"), p.TCPURL("postgres"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := mustQuery(t, p.URL("postgres"), "select 1"); got != "1" {
		t.Errorf("got %q, want 1", got)
	}
}

func TestPostgresLeavesADirectoryOfOthersAlone(t *testing.T) {
	t.Parallel()
	dir := traversable(t)
	file := filepath.Join(dir, "thesis.tex")
	if err := os.WriteFile(file, []byte("years of work"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := StartPostgres(t.Context(), PostgresOptions{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "holds other things") {
		t.Errorf("got %v, want an error that says it holds other things", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("got %v, %v, want the one file that was there", entries, err)
	}
}

func TestStartPostgresGivesUpWithItsContextAndLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(traversable(t), "pg")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := StartPostgres(ctx, PostgresOptions{Dir: dir}); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want %v", err, context.Canceled)
	}
	if exists(filepath.Join(dir, "data")) {
		t.Error("half a cluster was left behind")
	}
	start(t, PostgresOptions{Dir: dir}) // and the directory is free again
}

func TestStartPostgresQuotesTheServersLastWords(t *testing.T) {
	t.Parallel()
	_, err := StartPostgres(t.Context(), PostgresOptions{Settings: map[string]string{"shared_buffers": "many"}})
	if err == nil || !strings.Contains(err.Error(), `invalid value for parameter "shared_buffers"`) {
		t.Errorf("got %v, want what the server wrote", err)
	}
}

func TestPostgresCopiesAndDropsDatabases(t *testing.T) {
	t.Parallel()
	p := start(t, PostgresOptions{})
	if err := p.CreateDatabase("template_a", ""); err != nil {
		t.Fatal(err)
	}
	mustQuery(t, p.URL("template_a"), "create table t as select 42 as answer")
	if err := CreateDatabase(t.Context(), p.TCPURL("postgres"), "copy", "template_a"); err != nil {
		t.Fatal(err)
	}
	if got := mustQuery(t, p.URL("copy"), "select answer from t"); got != "42" {
		t.Errorf("got %q, want 42", got)
	}
	if err := p.CreateDatabase("copy", "template_a"); err == nil || !strings.Contains(err.Error(), "already exists") {
		t.Errorf("create it twice: got %v, want already exists", err)
	}
	for range 2 {
		if err := p.DropDatabase("copy"); err != nil {
			t.Fatal(err)
		}
	}
	if got := mustQuery(t, p.URL("postgres"), "select count(*) from pg_database where datname = 'copy'"); got != "0" {
		t.Errorf("got %s databases after the drop, want 0", got)
	}
}

func TestSweepLeavesWhatIsHeldOrNotOurs(t *testing.T) {
	t.Parallel()
	base := traversable(t)
	made := func(name string) *directory {
		d := &directory{path: filepath.Join(base, name), temporary: true}
		if err := os.Mkdir(d.path, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := d.furnish(account{}); err != nil {
			t.Fatal(err)
		}
		return d
	}
	held := made(temporaryPrefix + "held")
	defer held.release()
	unlock(made(temporaryPrefix + "abandoned").lock)
	unlock(made("convened-other").lock)
	if err := os.Mkdir(filepath.Join(base, temporaryPrefix+"fresh"), 0o700); err != nil {
		t.Fatal(err)
	}
	sweep(base, account{})
	for name, want := range map[string]bool{"held": true, "abandoned": false, "fresh": true} {
		if got := exists(filepath.Join(base, temporaryPrefix+name)); got != want {
			t.Errorf("%s: got it there %v, want %v", name, got, want)
		}
	}
	if !exists(filepath.Join(base, "convened-other")) {
		t.Error("a directory of another name was removed")
	}
}

func TestAccountNamesTheDirectoryThatBlocksIt(t *testing.T) {
	t.Parallel()
	stranger := account{name: "stranger", uid: 54321, gid: 54321}
	open := traversable(t)
	if err := stranger.reaches(open); err != nil {
		t.Errorf("an open directory: %v", err)
	}
	closed := filepath.Join(open, "closed")
	inner := filepath.Join(closed, "inner")
	if err := os.MkdirAll(inner, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := stranger.reaches(inner); err == nil || !strings.Contains(err.Error(), "may not pass through "+closed) {
		t.Errorf("got %v, want an error that names %s", err, closed)
	}
	if err := (account{}).reaches(inner); err != nil {
		t.Errorf("ourselves: %v", err)
	}
	if err := stranger.reaches(filepath.Join(open, "absent")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want %v", err, fs.ErrNotExist)
	}
}
