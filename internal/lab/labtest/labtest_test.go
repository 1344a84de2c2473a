//go:build unix

package labtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"convened/internal/lab"
)

func TestMain(m *testing.M) {
	code := Main(m, prepare)
	if err := goleak.Find(); err != nil {
		fmt.Println(err)
		code = 1
	}
	os.Exit(code)
}

// prepare makes a table, and a role as a careless migration does: two at the
// same time, and one of them fails.
func prepare(url string) error {
	_, err := query(url, `
		CREATE TABLE seat (person text);
		INSERT INTO seat VALUES ('Ana');
		DO $$ BEGIN
			IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'labtest_role') THEN
				PERFORM pg_sleep(0.2);
				CREATE ROLE labtest_role;
			END IF;
		END $$;`)
	return err
}

func query(url, sql string) (string, error) {
	cmd, err := lab.ClientCommand(context.Background(), url, "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", sql)
	if err != nil {
		return "", err
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return strings.TrimSpace(string(out)), nil
}

func mustQuery(t *testing.T, url, sql string) string {
	t.Helper()
	out, err := query(url, sql)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestDatabaseIsACopyOfTheTemplateForOneTestAlone(t *testing.T) {
	t.Parallel()
	for _, person := range []string{"Bo", "Chi"} {
		t.Run(person, func(t *testing.T) {
			t.Parallel()
			url := Database(t)
			mustQuery(t, url, "INSERT INTO seat VALUES ('"+person+"')")
			got := mustQuery(t, url, "SELECT string_agg(person, ' ' ORDER BY person) FROM seat")
			if want := "Ana " + person; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestBlankIsEmpty(t *testing.T) {
	t.Parallel()
	got := mustQuery(t, Blank(t), "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
	if want := "0"; got != want {
		t.Errorf("got %s tables, want %s", got, want)
	}
}

func TestDatabaseIsDroppedAtTheEndOfItsTestThoughSomebodyIsConnected(t *testing.T) {
	t.Parallel()
	var url string
	var connected *exec.Cmd
	t.Run("a test", func(t *testing.T) {
		url = Database(t)
		cmd, err := lab.ClientCommand(context.Background(), url, "psql", "-XAtq", "-c", "SELECT 'in'", "-f", "-")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := cmd.StdinPipe(); err != nil { // left open: psql waits
			t.Fatal(err)
		}
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		connected = cmd
		in := make([]byte, 3)
		if _, err := stdout.Read(in); err != nil || string(in) != "in\n" {
			t.Fatalf("got %q, %v, want a connected psql", in, err)
		}
	})
	if _, err := query(url, "SELECT 1"); err == nil || !strings.Contains(err.Error(), "does not exist") {
		t.Errorf("got %v, want a database that does not exist", err)
	}
	connected.Process.Kill()
	connected.Wait()
}

// again runs one test of this binary as another, with the server of a URL.
func again(ctx context.Context, server, test string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^"+test+"$", "-test.v")
	cmd.Env = append(os.Environ(), lab.SharedPostgres+"="+server)
	return cmd
}

func TestBinariesShareAServerAndLeaveNothingOnIt(t *testing.T) {
	t.Parallel()
	p, err := lab.StartPostgres(t.Context(), lab.PostgresOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Stop()
	const databases = "SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database"
	before := mustQuery(t, p.URL("postgres"), databases)
	// Over TCP as well: with a password in the URL.
	var cmds []*exec.Cmd
	var outs [4]bytes.Buffer
	for i := range outs {
		server := p.URL("postgres")
		if i%2 == 1 {
			server = p.TCPURL("postgres")
		}
		cmd := again(t.Context(), server, "TestDatabaseIsACopyOfTheTemplateForOneTestAlone")
		cmd.Stdout, cmd.Stderr = &outs[i], &outs[i]
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		cmds = append(cmds, cmd)
	}
	for i, cmd := range cmds {
		if err := cmd.Wait(); err != nil || !strings.Contains(outs[i].String(), "--- PASS: TestDatabaseIsACopy") {
			t.Errorf("binary %d: %v\n%s", i, err, outs[i].String())
		}
	}
	if after := mustQuery(t, p.URL("postgres"), databases); after != before {
		t.Errorf("got databases %s, want %s", after, before)
	}
}

func TestDatabaseFailsWithoutAServer(t *testing.T) {
	t.Parallel()
	cmd := again(t.Context(), "postgres://postgres:hunter2@127.0.0.1:1/postgres?sslmode=disable", "TestBlankIsEmpty")
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("got %v, want exit status 1", err)
	}
	for _, want := range []string{"--- FAIL: TestBlankIsEmpty", "Connection refused"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the output does not say %q:\n%s", want, out)
		}
	}
	if strings.Contains(string(out), "hunter2") {
		t.Errorf("the output holds the password:\n%s", out)
	}
}
