package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/lib/pq"
)

// lockBase is added to a daemon's id to make the key of its advisory lock, so
// that the keys don't meet those of other programs in the same database:
// "conv" in ASCII, in the upper half.
const lockBase int64 = 0x636f6e76 << 32

// A Daemon is how a process introduces itself.
type Daemon struct {
	Name    string // for people: by default the host's name and the process id
	Host    string
	PID     int
	Version string
}

// Register writes this process's row, which its claims bear, and looks whether
// this is the database that was served before: see service.go.
func (s *Store) Register(ctx context.Context, d Daemon) (int64, error) {
	var me *self
	var say func()
	err := s.tx(ctx, "register the daemon", func(tx *sql.Tx) error {
		me = &self{as: d}
		var err error
		if me.at, say, err = s.examine(ctx, tx, nil); err != nil {
			return err
		}
		return me.introduce(ctx, tx)
	})
	if err != nil {
		return 0, err
	}
	s.self.Store(me)
	if say != nil {
		say()
	}
	return me.id, nil
}

func (me *self) introduce(ctx context.Context, tx *sql.Tx) error {
	d := me.as
	err := tx.QueryRowContext(ctx, stmt("register_daemon"), d.Name, d.Host, d.PID, d.Version).Scan(&me.id, &me.startedAt)
	me.beatAt = me.startedAt
	return err
}

// id is this process's row in convened.daemons; 0 before Register.
func (s *Store) id() int64 {
	if me := s.self.Load(); me != nil {
		return me.id
	}
	return 0
}

// Beat says that this daemon is alive and what it is doing, and looks again
// whether the database is the same. It returns the database's clock. A database
// that has forgotten this daemon is told of it anew.
func (s *Store) Beat(ctx context.Context, status string) (time.Time, error) {
	before := s.self.Load()
	if before == nil {
		return time.Time{}, errors.New("beat: this daemon is not registered")
	}
	var me self
	var say func()
	err := s.txWith(ctx, brisk, "beat", func(tx *sql.Tx) error {
		me = *before
		var err error
		if me.at, say, err = s.examine(ctx, tx, before); err != nil {
			return err
		}
		err = tx.QueryRowContext(ctx, stmt("beat"), me.id, me.startedAt, status).Scan(&me.beatAt)
		if errors.Is(err, sql.ErrNoRows) {
			return me.introduce(ctx, tx)
		}
		return err
	})
	if err != nil {
		return time.Time{}, err
	}
	s.self.Store(&me)
	if say != nil {
		say()
	}
	return me.beatAt, nil
}

// Stopped says that this daemon has stopped in good order. What it may have claimed
// without knowing it does not wait for its lease.
func (s *Store) Stopped(ctx context.Context, status string) error {
	if err := s.returnUnsure(ctx); err != nil {
		return err
	}
	return s.tx(ctx, "say that the daemon stops", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, stmt("daemon_stopped"), s.id(), status)
		return err
	})
}

// Attend holds the session lock by which others know that this daemon lives,
// and listens for hints that there is something to plan: wake is called for
// each, and whenever hints may have been lost. It returns when ctx is done. A
// database that is down is waited for; nothing relies on the hints.
func (s *Store) Attend(ctx context.Context, wake func()) {
	for ctx.Err() == nil {
		if err := s.attendOnce(ctx, wake); err != nil && ctx.Err() == nil {
			s.log.Warn("lost the session that listens", "error", err.Error())
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

// attendOnce uses one session for both the lock and LISTEN, so that one that is
// gone loses both at once. lib/pq's Listener would hide the loss and has no
// place for the lock; the connection below it has.
func (s *Store) attendOnce(ctx context.Context, wake func()) error {
	hints := make(chan *pq.Notification, 32)
	conn, err := pq.NewListenerConn(s.direct, hints)
	if err != nil {
		return err
	}
	// Close can hang on a peer that is dead without saying so; nothing waits for it.
	defer func() { go func() { _ = conn.Close() }() }()
	// Nobody else takes this lock but for the moment of a look at it.
	id := s.id()
	for _, q := range []string{fmt.Sprintf(`SELECT pg_advisory_lock(%d)`, lockBase+id), `LISTEN convened`} {
		if err := bounded(ctx, func() error { _, err := conn.ExecSimpleQuery(q); return err }); err != nil {
			return err
		}
	}
	wake() // what was told while nobody listened
	ping := time.NewTicker(pingInterval)
	defer ping.Stop()
	for {
		select {
		case _, open := <-hints:
			if !open {
				return errors.New("the session ended")
			}
			wake()
		case <-ping.C:
			if id != s.id() {
				return errors.New("the database has forgotten this daemon, which introduced itself anew")
			}
			if err := bounded(ctx, conn.Ping); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// pingInterval is how often the session that listens is tried.
const pingInterval = 15 * time.Second

// bounded runs f for at most as long as a server may be silent. An f that hangs
// is left behind: closing its connection ends it.
func bounded(ctx context.Context, f func() error) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(silence):
		return errors.New("the session does not answer")
	}
}
