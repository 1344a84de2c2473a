//go:build unix

package lab

import (
	"os/exec"
	"strings"
	"testing"
	"time"
)

func TestAStandbyFollowsAndCanBePromoted(t *testing.T) {
	t.Parallel()
	primary := start(t, PostgresOptions{Settings: map[string]string{"wal_level": "replica"}})
	standby, err := primary.Standby(t.Context(), PostgresOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := standby.Stop(); err != nil {
			t.Error(err)
		}
	})
	for _, q := range []string{
		`CREATE TABLE kept (n int)`,
		`ALTER SYSTEM SET synchronous_standby_names = '*'`,
		`SELECT pg_reload_conf()`,
		// Returns when the standby has applied it.
		`SET synchronous_commit = remote_apply; INSERT INTO kept VALUES (7)`,
	} {
		if out, err := query(primary.URL("postgres"), q); err != nil {
			t.Fatal(out, err)
		}
	}
	if out, err := query(standby.URL("postgres"), `SELECT pg_is_in_recovery(), n FROM kept`); err != nil || out != "t|7" {
		t.Fatalf("the standby has %q, %v", out, err)
	}
	if err := primary.Crash(); err != nil {
		t.Fatal(err)
	}
	if out, err := query(standby.URL("postgres"), `SELECT pg_promote()`); err != nil || out != "t" {
		t.Fatalf("promote: %q, %v", out, err)
	}
	if out, err := query(standby.TCPURL("postgres"), `INSERT INTO kept VALUES (8) RETURNING n`); err != nil || !strings.HasPrefix(out, "8") {
		t.Errorf("the promoted standby takes no rows: %q, %v", out, err)
	}
}

func TestAChildsEndIsReported(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("sleep", "600")
	ended, err := StartChild(cmd)
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err == nil {
			t.Error("it was killed, and ended well")
		}
	case <-time.After(10 * time.Second):
		t.Error("nobody said that it ended")
	}
	if _, err := StartChild(exec.Command("/does/not/exist")); err == nil {
		t.Error("what is not there was started")
	}
}
