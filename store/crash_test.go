package store

import (
	"testing"
	"time"

	"convened"
	"convened/internal/lab"
)

// A forgetful server does not write what nobody waits for, until it is crashed.
type forgetful struct {
	t  *testing.T
	pg *lab.Postgres
	me *Store // a daemon
}

func newForgetful(t *testing.T) *forgetful {
	t.Helper()
	pg, err := lab.StartPostgres(t.Context(), lab.PostgresOptions{Settings: map[string]string{"synchronous_commit": "on", "wal_writer_delay": "10s"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pg.Stop(); err != nil {
			t.Error(err)
		}
	})
	if err := pg.CreateDatabase("convened", ""); err != nil {
		t.Fatal(err)
	}
	f := &forgetful{t: t, pg: pg}
	f.me = openURL(t, pg.URL("convened"))
	if _, err := f.me.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	sqlExec(t, f.me, `ALTER TABLE convened.registrations ALTER created_at SET DEFAULT '2026-11-15 15:00:00+00'`)
	f.register(f.me)
	apply(t, f.me, webinar("w"), early)
	register(t, f.me, "w", "ana@example.org")
	planAll(t, f.me, early)
	return f
}

func (f *forgetful) register(s *Store) *Store {
	f.t.Helper()
	if _, err := s.Register(f.t.Context(), Daemon{Name: "d"}); err != nil {
		f.t.Fatal(err)
	}
	return s
}

// other is another daemon.
func (f *forgetful) other() *Store {
	f.t.Helper()
	return f.register(openURL(f.t, f.pg.URL("convened")))
}

// crash takes back what is not on disk, and waits for the server's return.
func (f *forgetful) crash() {
	f.t.Helper()
	if err := f.pg.Crash(); err != nil {
		f.t.Fatal(err)
	}
	if err := f.pg.Restart(); err != nil {
		f.t.Fatal(err)
	}
	waitUntil(f.t, "the server is back", func() bool {
		_, err := f.me.ServerTime(f.t.Context())
		return err == nil
	})
}

// lostClaim is a claim that the process has in hand and the server has forgotten.
func (f *forgetful) lostClaim() *convened.Claim {
	f.t.Helper()
	for range 10 {
		// What is planned is on disk, the claim is not.
		sqlExec(f.t, f.me, `UPDATE convened.events SET updated_at = updated_at`)
		list := claim(f.t, f.me, early)
		if len(list) != 1 {
			f.t.Fatalf("%d letters are claimed, want 1", len(list))
		}
		f.crash()
		if sqlOne[int](f.t, f.me, `SELECT attempt FROM convened.notices`) == list[0].Notice.Attempt-1 {
			return list[0]
		}
		// It had just written everything.
		if err := f.me.GiveBack(f.t.Context(), list); err != nil {
			f.t.Fatal(err)
		}
	}
	f.t.Fatal("no crash takes a claim back")
	return nil
}

func (f *forgetful) row() string {
	f.t.Helper()
	return sqlOne[string](f.t, f.me, `SELECT state || ' ' || attempt || CASE WHEN marked_at IS NULL THEN '' ELSE ' marked' END FROM convened.notices`)
}

func TestAClaimThatACrashTookBackIsNotMarked(t *testing.T) {
	t.Parallel()
	f := newForgetful(t)
	mine := f.lostClaim()
	if n := mark(t, f.me, mine); n != 0 {
		t.Errorf("%d letters are marked whose claim the server has forgotten", n)
	}
	if settle(t, f.me, mine, convened.Refused, early) {
		t.Error("an outcome was written for a claim that the server has forgotten")
	}
}

func TestAnAttemptThatACrashGaveOutTwiceIsTheOtherDaemons(t *testing.T) {
	t.Parallel()
	f := newForgetful(t)
	mine := f.lostClaim()
	other := f.other()
	theirs := claim(t, other, early)
	if len(theirs) != 1 || theirs[0].Notice.Attempt != mine.Notice.Attempt {
		t.Fatalf("the other daemon has %+v, want the same attempt %d", theirs, mine.Notice.Attempt)
	}
	if n := mark(t, f.me, mine); n != 0 {
		t.Errorf("%d letters are marked that another daemon has in hand", n)
	}
	before := f.row()
	if err := f.me.GiveBack(t.Context(), []*convened.Claim{mine}); err != nil {
		t.Fatal(err)
	}
	if got := f.row(); got != before {
		t.Errorf("to give it back made it %q of %q", got, before)
	}
	if n := mark(t, other, theirs...); n != 1 {
		t.Errorf("the other daemon marks %d, want its letter", n)
	}
	before = f.row()
	for _, state := range []convened.State{convened.Planned, convened.Cancelled, convened.Refused, convened.Unknown} {
		if settle(t, f.me, mine, state, early) || f.row() != before {
			t.Errorf("%q was taken from who has lost the claim: %q of %q", state, f.row(), before)
		}
	}
	if !settle(t, other, theirs[0], convened.Sent, early) {
		t.Error("the other daemon's outcome was not taken")
	}
}

func TestAnAttemptThatACrashGaveOutTwiceIsInTheSameHand(t *testing.T) {
	t.Parallel()
	f := newForgetful(t)
	mine := f.lostClaim()
	if again := claim(t, f.me, early); len(again) != 0 {
		t.Errorf("%d letters are claimed that this daemon has in hand", len(again))
	}
	if n := mark(t, f.me, mine); n != 1 {
		t.Errorf("%d letters are marked, want the one in hand", n)
	}
	if n := mark(t, f.me, mine); n != 0 {
		t.Error("a claim was marked twice")
	}
	if !settle(t, f.me, mine, convened.Planned, early) {
		t.Error("an outcome was not taken from the hand that has the letter")
	}
	if again := claim(t, f.me, early.Add(time.Hour)); len(again) != 1 || again[0].Notice.Attempt != mine.Notice.Attempt+1 {
		t.Errorf("afterwards it is claimed as %+v, want the next attempt", again)
	}
}

func TestAMarkTakesItsClaimAlong(t *testing.T) {
	t.Parallel()
	f := newForgetful(t)
	list := claim(t, f.me, early)
	if n := mark(t, f.me, list...); n != 1 {
		t.Fatalf("%d letters are marked, want 1", n)
	}
	before := f.row()
	f.crash()
	if got := f.row(); got != before || got != "claimed 1 marked" {
		t.Errorf("after a crash the row is %q, and was %q", got, before)
	}
}
