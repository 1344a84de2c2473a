package store

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// However many ask, no more is given out than the rate allows.
func TestAllDaemonsTogetherKeepToTheRate(t *testing.T) {
	t.Parallel()
	s := open(t)
	began := time.Now()
	sqlExec(t, s, `UPDATE convened.pace SET tokens = 1, at = clock_timestamp()`)
	const rate = 50.0
	var given atomic.Int64
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				n, wait, err := s.Allow(t.Context(), rate, 10)
				if err != nil {
					t.Error(err)
					return
				}
				if (n == 0) != (wait > 0) {
					t.Errorf("given %d, to wait %s", n, wait)
				}
				given.Add(int64(n))
			}
		})
	}
	wg.Wait()
	// The bucket held one at first, and fills while we ask.
	if most := 1 + rate*time.Since(began).Seconds(); float64(given.Load()) > most {
		t.Errorf("%d were given out, at most %.0f could be", given.Load(), most)
	}
	if given.Load() == 0 {
		t.Error("nothing was given out")
	}
}

func TestTheBucketHoldsASecondsWorth(t *testing.T) {
	t.Parallel()
	s := open(t)
	sqlExec(t, s, `UPDATE convened.pace SET at = now() - interval '1 hour'`)
	if n, _, err := s.Allow(t.Context(), 20, 1000); err != nil || n != 20 {
		t.Errorf("after an hour %d are given out, %v; want 20", n, err)
	}
	sqlExec(t, s, `UPDATE convened.pace SET tokens = 0.25, at = clock_timestamp()`)
	if n, wait, err := s.Allow(t.Context(), 0.05, 1); err != nil || n != 0 || wait < 10*time.Second || wait > 15*time.Second {
		t.Errorf("a quarter in the bucket gives %d and waits %s, %v", n, wait, err)
	}
}
