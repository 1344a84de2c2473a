//go:build unix

package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// Standby makes a copy of a running server and starts it as a hot standby that
// follows the first. It has a socket and a port of its own; databases, roles and
// the superuser's password are the same. SELECT pg_promote() makes it a primary.
//
// Settings win over what pg_basebackup wrote: "primary_conninfo" lets it follow
// by another way.
func (p *Postgres) Standby(ctx context.Context, o PostgresOptions) (*Postgres, error) {
	var dir *directory
	var err error
	if o.Dir == "" {
		dir, err = makeTemporary(p.account, temporaryBases(o.Fsync))
	} else {
		dir, err = openDirectory(o.Dir, p.account)
	}
	if err != nil {
		return nil, err
	}
	s := &Postgres{bin: p.bin, account: p.account, dir: dir, log: o.Log}
	err = s.copyOf(ctx, p)
	if err == nil {
		err = s.begin(ctx, o)
	}
	if err != nil {
		return nil, errors.Join(err, dir.release())
	}
	return s, nil
}

// copyOf fills the directory with a base backup of p.
func (p *Postgres) copyOf(ctx context.Context, primary *Postgres) error {
	path, err := p.bin.path("pg_basebackup")
	if err != nil {
		return err
	}
	if err := os.WriteFile(p.dir.password(), []byte(primary.secret+"\n"), 0o600); err != nil {
		return fmt.Errorf("write the password of Postgres: %w", err)
	}
	if err := p.account.own(p.dir.password()); err != nil {
		return err
	}
	// Over TCP: the socket's path may be too long, and the directory is another's.
	cmd := exec.Command(path, "--pgdata="+p.dir.data(), "--dbname="+fmt.Sprintf("host=127.0.0.1 port=%d user=postgres", primary.port),
		"--wal-method=stream", "--checkpoint=fast", "--write-recovery-conf", "--no-sync")
	cmd.Dir, cmd.Env = p.dir.path, environment("PGPASSWORD="+primary.secret)
	process, err := startProcess(cmd, p.account, nil, p.dir.lock, syscall.SIGKILL)
	if err != nil {
		return fmt.Errorf("run pg_basebackup: %w", err)
	}
	select {
	case <-process.done:
	case <-ctx.Done():
		return errors.Join(fmt.Errorf("run pg_basebackup: %w", ctx.Err()), process.end(syscall.SIGTERM, syscall.SIGKILL))
	}
	if process.err != nil {
		return fmt.Errorf("run pg_basebackup: %w", process.exited())
	}
	return nil
}
