//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"convened/internal/lab"
)

// A laboratory is what the scenarios share: the daemon's program, built once, and
// a Postgres that keeps what it promises.
type laboratory struct {
	options
	dir     string // of everything that is written
	program string
	pg      *lab.Postgres

	making    sync.Mutex // databases are copied from the template one at a time
	databases atomic.Int64
}

// template is the database that each scenario's is a copy of.
const template = "chaos_template"

// password is the daemon's role's, on servers that last some seconds.
const password = "chaos"

func openLaboratory(ctx context.Context, o options) (*laboratory, error) {
	l := &laboratory{options: o}
	if err := l.open(ctx); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

func (l *laboratory) open(ctx context.Context) (err error) {
	// Not the directory for temporary files of a test: sockets want short paths.
	if l.dir, err = os.MkdirTemp("", "convened-chaos-"); err != nil {
		return err
	}
	if err := os.Chmod(l.dir, 0o755); err != nil { // Postgres is another user
		return err
	}
	if err := l.build(ctx); err != nil {
		return err
	}
	l.pg, err = l.server(ctx, lab.PostgresOptions{})
	return err
}

func (l *laboratory) close() {
	if l.pg != nil {
		if err := l.pg.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "chaos:", err)
		}
	}
	if l.keep {
		fmt.Fprintln(os.Stderr, "the logs are in", l.dir)
		return
	}
	_ = os.RemoveAll(l.dir)
}

// setKeep keeps the logs: something went wrong.
func (l *laboratory) setKeep() {
	l.making.Lock()
	defer l.making.Unlock()
	l.keep = true
}

// build builds the daemon, with what can befall it.
func (l *laboratory) build(ctx context.Context) error {
	l.program = filepath.Join(l.dir, "convened")
	args := []string{"build", "-tags", "chaos", "-o", l.program}
	if l.race {
		args = append(args, "-race")
	}
	cmd := exec.CommandContext(ctx, "go", append(args, "convened/cmd/convened")...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if l.race {
		cmd.Env = append(os.Environ(), "CGO_ENABLED=1")
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the daemon: %w\n%s", err, out)
	}
	return nil
}

// server starts a Postgres with fsync on, and migrates the template in it.
func (l *laboratory) server(ctx context.Context, o lab.PostgresOptions) (*lab.Postgres, error) {
	o.Fsync = true
	pg, err := lab.StartPostgres(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := l.migrate(ctx, pg); err != nil {
		_ = pg.Stop()
		return nil, err
	}
	return pg, nil
}

func (l *laboratory) migrate(ctx context.Context, pg *lab.Postgres) error {
	if err := pg.CreateDatabase(template, ""); err != nil {
		return err
	}
	file := filepath.Join(l.dir, "migrate.yaml")
	text := fmt.Sprintf("database: {url: %q}\nsmtp: {host: 127.0.0.1, tls: none, from: a@example.org}\npublic: {url: https://example.org}\nstate_dir: %q\n", pg.URL(template), l.dir)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return err
	}
	if out, err := exec.CommandContext(ctx, l.program, "migrate", "--config", file).CombinedOutput(); err != nil {
		return fmt.Errorf("migrate: %w\n%s", err, out)
	}
	_, err := query(ctx, pg.URL("postgres"), "ALTER ROLE convened PASSWORD '"+password+"'")
	return err
}

// database makes a database of its own for a scenario.
func (l *laboratory) database(pg *lab.Postgres) (string, error) {
	l.making.Lock()
	defer l.making.Unlock()
	name := fmt.Sprintf("chaos_%d", l.databases.Add(1))
	return name, pg.CreateDatabase(name, template)
}

// query runs SQL through psql, as a superuser: only package store may import the driver.
func query(ctx context.Context, url, sql string) (string, error) {
	cmd, err := lab.ClientCommand(ctx, url, "psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--field-separator=\t", "--set", "ON_ERROR_STOP=1", "--file=-")
	if err != nil {
		return "", err
	}
	cmd.Stdin = strings.NewReader(sql)
	var out, complaints strings.Builder
	cmd.Stdout, cmd.Stderr = io.Writer(&out), &complaints
	if err := cmd.Run(); err != nil {
		if len(sql) > 200 {
			sql = sql[:200] + " …"
		}
		return "", fmt.Errorf("%s: %w: %s", sql, err, strings.TrimSpace(complaints.String()))
	}
	return strings.Trim(out.String(), "\r\n"), nil // a tab at its end is an empty column
}
