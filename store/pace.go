package store

import (
	"context"
	"database/sql"
	"math"
	"time"
)

// Allow takes at most want mails out of the bucket that all daemons share, which
// fills at rate mails a second and holds a second's worth. It returns how many,
// and, where that is none, how long until there is one. A negative want puts
// back what was not needed.
func (s *Store) Allow(ctx context.Context, rate float64, want int) (int, time.Duration, error) {
	var n int
	var wait time.Duration
	err := s.txWith(ctx, brisk, "keep to smtp.rate", func(tx *sql.Tx) error {
		var tokens, since float64
		if err := tx.QueryRowContext(ctx, stmt("read_pace")).Scan(&tokens, &since); err != nil {
			return err
		}
		tokens = min(tokens+rate*max(since, 0), max(rate, 1))
		n = min(want, int(math.Floor(tokens)))
		wait = 0
		if n == 0 {
			// Of a mail that lacks less than a nanosecond, the wait is one all the same.
			wait = max(time.Duration((1-tokens)/rate*float64(time.Second)), time.Microsecond)
		}
		_, err := tx.ExecContext(ctx, stmt("write_pace"), tokens-float64(n))
		return err
	})
	return n, wait, err
}
