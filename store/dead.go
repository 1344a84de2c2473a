package store

import (
	"context"
	"database/sql"
	"time"

	"convened"
)

// Identity returns the cluster's system identifier and the database's name.
func (s *Store) Identity(ctx context.Context) (system, database string, err error) {
	err = s.tx(ctx, "read which database this is", func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, stmt("identity")).Scan(&system, &database)
	})
	return system, database, err
}

// A Legacy is what a dead daemon's journal says.
type Legacy struct {
	Daemon   int64
	Complete bool                      // what the journal lacks did not happen
	Dots     map[convened.NoticeID]int // attempts whose dot was about to be written
	Replies  []convened.Outcome
}

// Inherited counts what SettleDead found.
type Inherited struct {
	Settled  int // replies that the database did not know of
	Doubtful int // a dot and no reply
	Returned int // marked, and never sent
}

// SettleDead settles what a daemon left that is proved dead. Doing it twice
// changes nothing. If we crash in between, the journal is still there.
func (s *Store) SettleDead(ctx context.Context, now time.Time, l Legacy) (Inherited, error) {
	var done Inherited
	if len(l.Replies) > 0 {
		list := make([]convened.Settlement, len(l.Replies))
		for i, o := range l.Replies {
			list[i] = convened.Settlement{Outcome: o, DueAt: now}
		}
		took, err := s.settle(ctx, list, l.Daemon)
		if err != nil {
			return done, err
		}
		done.Settled = len(took)
	}
	ids, attempts := make([]int64, 0, len(l.Dots)), make([]int64, 0, len(l.Dots))
	for id, attempt := range l.Dots {
		ids, attempts = append(ids, int64(id)), append(attempts, int64(attempt))
	}
	err := s.txWith(ctx, brisk, "settle what a dead daemon left", func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, stmt("doubt_of_dead"), l.Daemon, array(ids), array(attempts), now)
		if done.Doubtful, err = affected(r, err); err != nil || !l.Complete {
			return err
		}
		r, err = tx.ExecContext(ctx, stmt("undotted_of_dead"), l.Daemon, array(ids), array(attempts), now)
		done.Returned, err = affected(r, err)
		return err
	})
	return done, err
}

// An Attempt is one claim of a notice.
type Attempt struct {
	Notice  convened.NoticeID
	Attempt int
}

// Overdue returns the attempts of other daemons, by daemon, that were on the
// wire and whose lease is over or nearly so.
func (s *Store) Overdue(ctx context.Context) (map[int64][]Attempt, error) {
	var overdue map[int64][]Attempt
	err := s.txWith(ctx, brisk, "look for what is overdue", func(tx *sql.Tx) error {
		overdue = map[int64][]Attempt{}
		return each(ctx, tx, stmt("overdue"), []any{s.id()}, func(rows *sql.Rows) error {
			var a Attempt
			var daemon int64
			err := rows.Scan(&a.Notice, &a.Attempt, &daemon)
			overdue[daemon] = append(overdue[daemon], a)
			return err
		})
	})
	return overdue, err
}

func affected(r sql.Result, err error) (int, error) {
	if err != nil {
		return 0, err
	}
	n, err := r.RowsAffected()
	return int(n), err
}
