package store

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"convened/internal/lab/labtest"
)

// How large the proof is. `make adopt` runs it with a million rows and
// transactions of up to ten seconds.
var (
	adoptRows = flag.Int("adopt.rows", 6000, "rows in the table that is adopted under load")
	adoptHold = flag.Duration("adopt.hold", 300*time.Millisecond, "the longest that a form keeps its transaction open")
	adoptFor  = flag.Duration("adopt.for", 1500*time.Millisecond, "for how long forms write, at least")
)

// forms are clients that write to a table all the time, in transactions of their
// own length, some of which come to nothing.
type forms struct {
	rows    atomic.Int64 // that were committed
	longest atomic.Int64 // that one statement waited, in nanoseconds
	stop    context.CancelFunc
	wait    sync.WaitGroup
	errs    chan error
}

func startForms(t *testing.T, s *Store, clients int, hold time.Duration) *forms {
	t.Helper()
	s.db.SetMaxOpenConns(clients + 6)
	ctx, cancel := context.WithCancel(t.Context())
	f := &forms{stop: cancel, errs: make(chan error, clients)}
	for c := range clients {
		r := rand.New(rand.NewPCG(uint64(c), 42))
		f.wait.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				if err := f.write(s, r, fmt.Sprintf("c%d-%d", c, i), hold); err != nil {
					f.errs <- err
					return
				}
			}
		})
	}
	return f
}

// write is one visit to a form: it ends what it began, whoever wants it to stop.
func (f *forms) write(s *Store, r *rand.Rand, name string, hold time.Duration) error {
	tx, err := s.db.Begin()
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	n := 1 + r.IntN(5)
	begun := time.Now()
	if _, err := tx.Exec(`INSERT INTO public.signups (mail, first, webinar_slug) SELECT $1 || '-' || i || '@example.org', 'New', 'w' FROM generate_series(1, $2::integer) i`, name, n); err != nil {
		return err
	}
	if waited := int64(time.Since(begun)); waited > f.longest.Load() {
		f.longest.Store(waited)
	}
	// Most are quick, and every one of a few takes as long as it may.
	pause := time.Duration(r.Int64N(int64(hold)/20 + 1))
	if r.IntN(8) == 0 {
		pause = time.Duration(r.Int64N(int64(hold) + 1))
	}
	time.Sleep(pause)
	if r.IntN(10) == 0 {
		return tx.Rollback()
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	f.rows.Add(int64(n))
	return nil
}

func (f *forms) end(t *testing.T) {
	t.Helper()
	f.stop()
	f.wait.Wait()
	select {
	case err := <-f.errs:
		t.Fatalf("a form failed: %v", err)
	default:
	}
}

func TestEveryRowOfALargeTableIsTakenOnceWhileOthersWrite(t *testing.T) {
	for _, way := range []Way{ByTrigger, ByPolling} {
		t.Run(string(way), func(t *testing.T) {
			s := open(t)
			apply(t, s, webinar("w"), early)
			signups(t, s, "")
			sqlExec(t, s, `INSERT INTO public.signups (mail, first, webinar_slug) SELECT 'm' || i || '@example.org', 'Old', 'w' FROM generate_series(1, $1::integer) i`, *adoptRows)
			sqlExec(t, s, `ANALYZE public.signups`)
			f := startForms(t, s, 8, *adoptHold)
			ended := make(chan struct{})
			time.AfterFunc(*adoptFor, func() { close(ended) })

			begun := time.Now()
			survey, err := s.SurveyTable(t.Context(), SourceSpec{Name: "signups", Table: "public.signups", Map: signupsMap, Way: way})
			if err != nil {
				t.Fatal(err)
			}
			v, err := s.AddSource(t.Context(), early, "me", survey, nil)
			if err != nil {
				t.Fatal(err)
			}
			added := time.Since(begun)
			before := f.rows.Load()

			looks, slowest := 0, time.Duration(0)
			look := func() {
				if way == ByTrigger {
					time.Sleep(10 * time.Millisecond)
					return
				}
				v, err := s.Source(t.Context(), "signups")
				if err != nil {
					t.Fatal(err)
				}
				at := time.Now()
				if _, err := s.Look(t.Context(), early, v); err != nil {
					t.Fatal(err)
				}
				looks++
				slowest = max(slowest, time.Since(at))
			}
			filled := make(chan error, 1)
			var taking Taking
			var backfill time.Duration
			go func() {
				begun := time.Now()
				var err error
				taking, err = s.TakeBefore(t.Context(), v, true, nil)
				backfill = time.Since(begun)
				filled <- err
			}()
			for going := true; going; {
				look()
				select {
				case err := <-filled:
					if err != nil {
						t.Fatal(err)
					}
					<-ended
					going = false
				default:
				}
			}
			f.end(t)
			if way == ByPolling {
				lookAt(t, s, v)
			}
			rows := sqlOne[int](t, s, `SELECT count(*) FROM public.signups`)
			if want := int64(*adoptRows) + f.rows.Load(); int64(rows) != want {
				t.Errorf("the table has %d rows, %d were committed", rows, want)
			}
			for what, query := range map[string]string{
				"registrations":                   `SELECT count(*) FROM convened.registrations`,
				"rows that are registered":        `SELECT count(DISTINCT source_ref) FROM convened.registrations`,
				"rows with their own address":     `SELECT count(*) FROM convened.registrations r JOIN public.signups p ON p.id = r.source_ref::bigint AND p.mail = r.email`,
				"rows that are known to be taken": `SELECT count(*) FROM convened.source_rows w JOIN convened.registrations r ON r.id = w.registration WHERE w.state = 'taken'`,
			} {
				if n := sqlOne[int](t, s, query); n != rows {
					t.Errorf("%s: %d of %d", what, n, rows)
				}
			}
			quiet := sqlOne[int](t, s, `SELECT count(*) FROM convened.registrations WHERE quiet`)
			if fresh := rows - quiet; quiet < *adoptRows || fresh == 0 || taking.Problems != 0 {
				t.Errorf("%d rows were there before and %d came new; %+v", quiet, fresh, taking)
			}
			t.Logf("%s: %d rows, %d of them written meanwhile (%d before it was added); added in %s, %d taken over in %s (%.0f/s); %d looks, the slowest %s; a form waited %s at most",
				way, rows, f.rows.Load(), before, added.Round(time.Millisecond), quiet, backfill.Round(time.Millisecond), float64(quiet)/backfill.Seconds(), looks, slowest.Round(time.Millisecond), time.Duration(f.longest.Load()).Round(time.Millisecond))
		})
	}
}

// BenchmarkLook is what a look costs at a table in which nothing is new.
func BenchmarkLook(b *testing.B) {
	s := openFor(b)
	if _, err := s.db.Exec(`CREATE TABLE public.signups (id bigserial PRIMARY KEY, mail text, first text, last text, lang text, webinar_slug text, cancelled_at timestamptz, tickets integer);
		INSERT INTO public.signups (mail, first, webinar_slug) SELECT 'm' || i || '@example.org', 'Old', 'w' FROM generate_series(1, ` + fmt.Sprint(*adoptRows) + `) i; ANALYZE public.signups`); err != nil {
		b.Fatal(err)
	}
	survey, err := s.SurveyTable(b.Context(), SourceSpec{Name: "signups", Table: "public.signups", Map: signupsMap, Way: ByPolling})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := s.AddSource(b.Context(), early, "me", survey, nil); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		v, err := s.Source(b.Context(), "signups")
		if err == nil {
			_, err = s.Look(b.Context(), early, v)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRowsThroughTheTrigger is what the trigger costs a form: an INSERT of a
// thousand rows, without it and with it.
func BenchmarkRowsThroughTheTrigger(b *testing.B) {
	for _, adopt := range []bool{false, true} {
		b.Run(fmt.Sprintf("adopted=%t", adopt), func(b *testing.B) {
			s := openFor(b)
			if _, err := s.Apply(b.Context(), Edit{Event: webinar("w"), OverAt: starts.Add(24 * time.Hour), At: early}); err != nil {
				b.Fatal(err)
			}
			if _, err := s.db.Exec(`CREATE TABLE public.signups (id bigserial PRIMARY KEY, mail text, first text, last text, lang text, webinar_slug text, cancelled_at timestamptz, tickets integer)`); err != nil {
				b.Fatal(err)
			}
			if adopt {
				survey, err := s.SurveyTable(b.Context(), SourceSpec{Name: "signups", Table: "public.signups", Map: signupsMap})
				if err == nil {
					_, err = s.AddSource(b.Context(), early, "me", survey, nil)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
			for b.Loop() {
				if _, err := s.db.Exec(`INSERT INTO public.signups (mail, first, last, webinar_slug) SELECT 'm' || i || '@example.org', 'A', 'B', 'w' FROM generate_series(1, 1000) i`); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/1000, "µs/row")
		})
	}
}

func openFor(b *testing.B) *Store {
	b.Helper()
	s, err := Open(Options{URL: labtest.Database(b)})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	return s
}
