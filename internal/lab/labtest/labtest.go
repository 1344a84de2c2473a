//go:build unix

// Package labtest gives every test a database of its own: a copy of a template that
// is migrated once per test binary, on a private Postgres that is started once
// per test binary, or once for all of them by lab/cmd/withpg.
//
//	func TestMain(m *testing.M) { os.Exit(labtest.Main(m, migrate)) }
//
//	func TestClaim(t *testing.T) {
//		t.Parallel()
//		url := labtest.Database(t)
//		…
//	}
//
// A test that can't have its database fails; it is never skipped. Nothing of
// a test binary is left on the server when it has ended in good order.
//
// Only tests import this package.
package labtest

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"convened/internal/lab"
)

// limit is how long any one step may take: a start, a lock, a copy. It is
// there for a server that hangs, not for one that is slow.
const limit = 2 * time.Minute

// A bench is what one test binary works on. Its server and template are made
// when the first test asks for a database: tests that need none cost nothing.
type bench struct {
	prepare func(url string) error
	name    string // prefix of the databases of this binary
	count   atomic.Int64

	prepared sync.Once
	err      error // why it could not be prepared
	private  *lab.Postgres
	server   string // superuser's URL
	template string // "" as long as there is none
}

// current is the one bench of this binary; nil outside Main.
var current atomic.Pointer[bench]

// Main runs the tests of a TestMain and returns their exit code. When the first of
// them asks for a database, prepare is called once with the URL of an empty
// database, the template, in which it makes what every test finds: the
// migrated schema. It must have closed its connections when it returns. No other
// test binary prepares on the same server at the same time, so it may make roles,
// which all databases of a server share. nil leaves the template empty.
func Main(m *testing.M, prepare func(url string) error) int {
	b := &bench{prepare: prepare, name: fmt.Sprintf("test_%d_%s", os.Getpid(), strings.ToLower(rand.Text()[:6]))}
	if !current.CompareAndSwap(nil, b) {
		panic("labtest.Main was called twice")
	}
	code := m.Run()
	if err := b.close(); err != nil {
		fmt.Fprintln(os.Stderr, "labtest:", err)
		code = max(code, 1)
	}
	return code
}

// Tight is Main, and 1 where a goroutine has outlived the tests.
func Tight(m *testing.M, prepare func(url string) error) int {
	code := Main(m, prepare)
	if code != 0 { // after a test that failed there may be anything
		return code
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, "labtest: goroutines have outlived the tests:", err)
		return 1
	}
	return 0
}

// Database returns the superuser's URL of a new database, a copy of the
// template, which is dropped when the test ends, whoever is still connected to it.
func Database(t testing.TB) (url string) {
	t.Helper()
	b := begin(t)
	return b.database(t, b.template)
}

// Blank is Database without the template: an empty database, for tests of
// the migrations themselves.
func Blank(t testing.TB) (url string) {
	t.Helper()
	return begin(t).database(t, "")
}

// Leaks are the options with which goleak overlooks the goroutines that look
// after this binary's server.
func Leaks() []goleak.Option {
	return []goleak.Option{
		goleak.IgnoreAnyFunction("convened/internal/lab.(*process).hold"),
		goleak.IgnoreAnyFunction("convened/internal/lab.(*process).copyOutput"),
	}
}

func begin(t testing.TB) *bench {
	t.Helper()
	b := current.Load()
	if b == nil {
		t.Fatal("labtest: TestMain must run the tests through labtest.Main")
	}
	if b.prepared.Do(func() { b.err = b.begin() }); b.err != nil {
		t.Fatalf("labtest: %v", b.err)
	}
	return b
}

// begin finds or starts the server and makes the template.
func (b *bench) begin() error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if b.server = os.Getenv(lab.SharedPostgres); b.server == "" {
		p, err := lab.StartPostgres(ctx, lab.PostgresOptions{})
		if err != nil {
			return err
		}
		b.private, b.server = p, p.URL("postgres")
	}
	template := b.name + "_template"
	if err := lab.CreateDatabase(ctx, b.server, template, ""); err != nil {
		return err
	}
	b.template = template
	if b.prepare == nil {
		return nil
	}
	url, err := lab.DatabaseURL(b.server, template)
	if err != nil {
		return err
	}
	unlock, err := lock(ctx, b.server)
	if err != nil {
		return err
	}
	if err := errors.Join(b.prepare(url), unlock()); err != nil {
		return fmt.Errorf("prepare the template database: %w", err)
	}
	return nil
}

// close leaves the server as it was found.
func (b *bench) close() error {
	if b.private != nil {
		return b.private.Stop()
	}
	if b.template == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	return lab.DropDatabase(ctx, b.server, b.template)
}

func (b *bench) database(t testing.TB, template string) string {
	t.Helper()
	name := fmt.Sprintf("%s_%d", b.name, b.count.Add(1))
	url, err := lab.DatabaseURL(b.server, name)
	if err != nil {
		t.Fatalf("labtest: %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if err := lab.CreateDatabase(ctx, b.server, name, template); err != nil {
		t.Fatalf("labtest: %v", err)
	}
	t.Cleanup(func() {
		// Not the test's context, which has ended.
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		if err := lab.DropDatabase(ctx, b.server, name); err != nil {
			t.Errorf("labtest: %v", err)
		}
	})
	return url
}

// lockKey is the advisory lock under which templates are prepared.
const lockKey = 0x636f6e76 // "conv"

// lock keeps other test binaries on the same server from preparing theirs until
// unlock is called or this process dies: it lasts as long as a psql that
// waits for more input from us.
func lock(ctx context.Context, server string) (unlock func() error, err error) {
	cmd, err := lab.ClientCommand(ctx, server, "psql", "-XAtq", "-v", "ON_ERROR_STOP=1")
	if err != nil {
		return nil, err
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("run psql: %w", err)
	}
	unlock = func() error {
		stdin.Close()
		if err := cmd.Wait(); err != nil {
			return fmt.Errorf("lock the test server: %w: %s", err, bytes.TrimSpace(stderr.Bytes()))
		}
		return nil
	}
	fmt.Fprintf(stdin, "SELECT 'locked' FROM pg_advisory_lock(%d);\n", lockKey) // an error shows in what psql answers
	if line, err := bufio.NewReader(stdout).ReadString('\n'); err != nil || line != "locked\n" {
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return nil, errors.Join(err, fmt.Errorf("lock the test server: psql answered %q", line), unlock())
	}
	return unlock, nil
}
