package store

import (
	"context"
	"database/sql"
	"time"
)

// A Backlog is what is not done yet.
type Backlog struct {
	Queue        []QueueLine // of states that are not final and that something is in
	Waiting      int         // registrations that are not planned
	WaitingSince time.Time   // when the first of them came; zero: there are none
}

// Backlog reads what is not done yet. It costs what that is, however much was
// done before.
func (s *Store) Backlog(ctx context.Context) (Backlog, error) {
	var b Backlog
	err := s.txWith(ctx, counting, "read the backlog", func(tx *sql.Tx) error {
		b = Backlog{}
		return b.read(ctx, tx)
	})
	return b, err
}

func (b *Backlog) read(ctx context.Context, tx *sql.Tx) error {
	if err := each(ctx, tx, stmt("queue"), nil, func(rows *sql.Rows) error {
		var q QueueLine
		err := rows.Scan(&q.State, &q.Notices, &q.OldestDue)
		b.Queue = append(b.Queue, q)
		return err
	}); err != nil {
		return err
	}
	var since sql.NullTime
	err := tx.QueryRowContext(ctx, stmt("waiting_registrations")).Scan(&b.Waiting, &since)
	b.WaitingSince = since.Time
	return err
}

// Pool returns how the pool of connections is used.
func (s *Store) Pool() sql.DBStats { return s.db.Stats() }
