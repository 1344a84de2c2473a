package store

import (
	"context"
	"database/sql"
	"maps"
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

	// Heard are those of Dots whose reply may still be heard, on a connection that
	// outlived the daemon. They are no doubt yet, and stay claimed: see Listen.
	Heard map[convened.NoticeID]int
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
	if l.Complete {
		// What it was planning may come about yet, and is its own then.
		if err := s.awaitSteps(ctx, settling); err != nil {
			return done, err
		}
	}
	ids, attempts := pairs(l.Dots)
	open := maps.Clone(l.Dots)
	maps.DeleteFunc(open, func(id convened.NoticeID, attempt int) bool { return l.Heard[id] == attempt })
	doubtful, doubted := pairs(open)
	err := s.txWith(ctx, settling, "settle what a dead daemon left", func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, stmt("doubt_of_dead"), l.Daemon, array(doubtful), array(doubted), now)
		if done.Doubtful, err = affected(r, err); err != nil || !l.Complete {
			return err
		}
		r, err = tx.ExecContext(ctx, stmt("undotted_of_dead"), l.Daemon, array(ids), array(attempts), now)
		done.Returned, err = affected(r, err)
		return err
	})
	return done, err
}

// Listen keeps letters of a dead daemon from everybody for another lease, while
// the caller listens for what the server says to them. It returns those that are
// still the dead one's; the others have gone another way, and must not be sent.
func (s *Store) Listen(ctx context.Context, daemon int64, attempts map[convened.NoticeID]int, lease time.Duration) (map[convened.NoticeID]bool, error) {
	ids, numbers := pairs(attempts)
	var held map[convened.NoticeID]bool
	err := s.txWith(ctx, brisk, "wait for a reply to a dead daemon", func(tx *sql.Tx) error {
		held = map[convened.NoticeID]bool{}
		return each(ctx, tx, stmt("listen_for_dead"), []any{daemon, array(ids), array(numbers), lease.Milliseconds()}, func(rows *sql.Rows) error {
			var id convened.NoticeID
			err := rows.Scan(&id)
			held[id] = true
			return err
		})
	})
	return held, err
}

// pairs returns attempts as two columns.
func pairs(attempts map[convened.NoticeID]int) (ids, numbers []int64) {
	ids, numbers = make([]int64, 0, len(attempts)), make([]int64, 0, len(attempts))
	for id, attempt := range attempts {
		ids, numbers = append(ids, int64(id)), append(numbers, int64(attempt))
	}
	return ids, numbers
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
	err := s.txWith(ctx, settling, "look for what is overdue", func(tx *sql.Tx) error {
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
