package store

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"convened"
	"convened/internal/lab"
	"convened/internal/lab/labtest"
)

// TestWhatFollowsFromASighting goes through the evidence, one piece at a time.
func TestWhatFollowsFromASighting(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	here := identity{"71", 1, 16384, 20000}
	const week = 7 * 24 * time.Hour
	remembers := func(at identity, beat time.Time) *self {
		return &self{id: 3, startedAt: beat.Add(-time.Hour), beatAt: beat, at: at}
	}
	for name, c := range map[string]struct {
		edit    func(*sighting)
		me      *self
		witness bool
		idle    bool
		want    verdict
		why     string // part of it
	}{
		"nothing has changed":             {want: unchanged},
		"the server was started anew":     {edit: func(v *sighting) { v.started = now }, want: anew},
		"nobody was ever here":            {edit: func(v *sighting) { v.was, v.wasStarted, v.newest = identity{}, time.Time{}, time.Time{} }, want: anew},
		"another cluster":                 {edit: func(v *sighting) { v.is.system = "72" }, want: suspect, why: "another database server"},
		"a copy of the database":          {edit: func(v *sighting) { v.is.database++ }, want: suspect, why: "copied"},
		"a dump was read in":              {edit: func(v *sighting) { v.is.table++ }, want: suspect, why: "dump"},
		"a higher timeline":               {edit: func(v *sighting) { v.is.timeline++ }, want: suspect, why: "timeline 2, after 1"},
		"a lower timeline":                {edit: func(v *sighting) { v.was.timeline = 4 }, want: suspect, why: "timeline 1, after 4"},
		"a higher timeline, and somebody": {edit: func(v *sighting) { v.is.timeline++ }, witness: true, want: undecided},
		"another cluster, and somebody":   {edit: func(v *sighting) { v.is.system = "72" }, witness: true, want: undecided},

		// The role may not read it, or might not before: that is no evidence.
		"an identity that is not readable":   {edit: func(v *sighting) { v.is.system, v.is.timeline = "", 0 }, want: unchanged},
		"an identity that was not readable":  {edit: func(v *sighting) { v.was.system, v.was.timeline = "", 0 }, want: unchanged},
		"not readable, and copied":           {edit: func(v *sighting) { v.is.system, v.is.timeline = "", 0; v.is.table++ }, want: suspect, why: "dump"},
		"already in quarantine, and copied":  {edit: func(v *sighting) { v.is.table++; v.quarantine = &convened.Quarantine{} }, want: unchanged},
		"already in quarantine, and forgets": {edit: func(v *sighting) { v.quarantine, v.own = &convened.Quarantine{}, time.Time{} }, me: remembers(here, now), want: unchanged},

		// Who was there before knows whether anything is missing.
		"promoted, nothing is missing":       {edit: func(v *sighting) { v.is.timeline++; v.own = now.Add(-10 * time.Second) }, me: remembers(here, now.Add(-10*time.Second)), want: moved},
		"promoted, the last beats are gone":  {edit: func(v *sighting) { v.is.timeline++; v.own = now.Add(-40 * time.Second) }, me: remembers(here, now.Add(-10*time.Second)), want: moved},
		"promoted, too much is missing":      {edit: func(v *sighting) { v.is.timeline++; v.own = now.Add(-90 * time.Second) }, me: remembers(here, now.Add(-10*time.Second)), want: suspect, why: "forgotten what was written to it until 25 November 2026 11:59:50 UTC"},
		"upgraded while this process waited": {edit: func(v *sighting) { v.is.system = "72"; v.own = now.Add(-time.Hour) }, me: remembers(here, now.Add(-time.Hour)), want: moved},
		"the same, and hours are missing":    {edit: func(v *sighting) { v.own = now.Add(-3 * time.Hour) }, me: remembers(here, now), want: suspect, why: "older copy of itself"},
		"the same, and this one is unknown":  {edit: func(v *sighting) { v.own = time.Time{} }, me: remembers(here, now), want: suspect, why: "older copy of itself"},
		"unknown, but it had only begun":     {edit: func(v *sighting) { v.own = time.Time{} }, me: &self{id: 3, startedAt: now.Add(-30 * time.Second), beatAt: now, at: here}, want: unchanged},
		// Its memory is of this server, and not of the one before.
		"came after the change": {edit: func(v *sighting) { v.is.timeline++; v.own = now }, me: remembers(identity{"71", 2, 16384, 20000}, now), want: suspect, why: "timeline 2"},

		"nobody for a week":                    {edit: func(v *sighting) { v.newest = now.Add(-week) }, want: unchanged},
		"nobody for more than a week":          {edit: func(v *sighting) { v.newest = now.Add(-week - time.Second) }, want: suspect, why: "no daemon has been here since 18 November 2026 11:59:59 UTC"},
		"nobody for long, and nothing to send": {edit: func(v *sighting) { v.newest = now.Add(-week - time.Second) }, idle: true, want: unchanged},
		"this one, asleep for long":            {edit: func(v *sighting) { v.newest = now.Add(-8 * 24 * time.Hour); v.own = v.newest }, me: remembers(here, now.Add(-8*24*time.Hour)), want: suspect, why: "no daemon"},
	} {
		v := &sighting{now: now, is: here, was: here, started: now.Add(-time.Hour), wasStarted: now.Add(-time.Hour), newest: now.Add(-time.Minute),
			witness: func() (bool, error) { return c.witness, nil }, pending: func() (bool, error) { return !c.idle, nil }}
		if c.edit != nil {
			c.edit(v)
		}
		got, why, err := v.judge(c.me, week)
		if err != nil || got != c.want || !strings.Contains(why, c.why) || (got == suspect) != (why != "") {
			t.Errorf("%s: verdict %d, %q, %v; want %d and %q", name, got, why, err, c.want, c.why)
		}
	}
}

// served opens a database as a daemon does and introduces itself.
func served(t *testing.T, url string) *Store {
	t.Helper()
	s, err := Open(Options{URL: url, QuarantineAfter: 7 * 24 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if _, err := s.Register(t.Context(), Daemon{Name: "d", Host: "h", PID: 1, Version: "test"}); err != nil {
		t.Fatal(err)
	}
	return s
}

// wantQuarantine claims, and fails unless that is how it stands.
func wantQuarantine(t *testing.T, s *Store, when string, want bool, words ...string) {
	t.Helper()
	list, err := s.Claim(t.Context(), early, 10, time.Minute)
	var q *convened.Quarantine
	if err != nil && !errors.As(err, &q) {
		t.Fatalf("%s: %v", when, err)
	}
	if (q != nil) != want {
		t.Errorf("%s: quarantine %v with %d claims, want quarantine %v", when, q, len(list), want)
	}
	if q != nil && len(list) > 0 {
		t.Errorf("%s: %d claims in spite of a quarantine", when, len(list))
	}
	for _, w := range words {
		if q == nil || !strings.Contains(q.Error(), w) {
			t.Errorf("%s: the quarantine says %v, not %q", when, q, w)
		}
	}
	if q == nil && len(list) == 0 {
		t.Errorf("%s: there is no quarantine, and nothing was claimed", when)
	}
	if len(list) > 0 {
		if err := s.GiveBack(t.Context(), list); err != nil {
			t.Fatal(err)
		}
	}
}

// prepare makes an event with a confirmation that is due.
func prepare(t *testing.T, s *Store) {
	t.Helper()
	apply(t, s, webinar("w"), early)
	register(t, s, "w", "ana@example.org")
	planAll(t, s, early)
}

func TestAFreshInstallIsNoQuarantineAndARestartIsNone(t *testing.T) {
	t.Parallel()
	url := labtest.Database(t)
	s := served(t, url)
	prepare(t, s)
	wantQuarantine(t, s, "the first daemon", false)
	wantQuarantine(t, served(t, url), "the second", false)
	// As if the server had been started since somebody looked.
	sqlExec(t, s, `UPDATE convened.service SET server_started_at = server_started_at - interval '1 day'`)
	wantQuarantine(t, s, "after a restart of the server", false)
	if n := sqlOne[int](t, s, `SELECT count(*) FROM convened.service WHERE server_started_at = pg_postmaster_start_time()`); n != 1 {
		t.Error("the server that was looked at is not noted")
	}
}

func TestACopyOfTheDatabaseSendsNothingUntilItIsReleased(t *testing.T) {
	t.Parallel()
	url := labtest.Database(t)
	original := served(t, url)
	prepare(t, original)
	if err := original.Close(); err != nil {
		t.Fatal(err)
	}
	// The lab's databases all live on one server: the copy has another name.
	server, err := lab.DatabaseURL(url, "postgres")
	if err != nil {
		t.Fatal(err)
	}
	name := "copy_" + url[strings.LastIndex(url[:strings.Index(url, "?")], "/")+1:strings.Index(url, "?")]
	if err := lab.CreateDatabase(t.Context(), server, name, strings.TrimPrefix(name, "copy_")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := lab.DropDatabase(context.Background(), server, name); err != nil {
			t.Error(err)
		}
	})
	copied, err := lab.DatabaseURL(url, name)
	if err != nil {
		t.Fatal(err)
	}
	if q, err := openURL(t, copied).Quarantine(t.Context()); q == nil || err != nil || !strings.Contains(q.Reason, "copied") {
		t.Errorf("before a daemon comes to the copy: %+v, %v", q, err)
	}
	s := served(t, copied)
	wantQuarantine(t, s, "the copy", true, "copied", "convened notices release --quarantine")
	wantQuarantine(t, served(t, copied), "another daemon on the copy", true, "copied")
	// Planning goes on.
	register(t, s, "w", "bo@example.org")
	if got := planAll(t, s, early); got.Seats != 1 {
		t.Errorf("in quarantine %+v was planned, want one seat", got)
	}
	if _, err := s.Beat(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	ended, err := s.EndQuarantine(t.Context(), early, "ana")
	if err != nil || ended == nil || !strings.Contains(ended.Reason, "copied") || ended.Since.IsZero() {
		t.Fatalf("ended %+v, %v", ended, err)
	}
	wantQuarantine(t, s, "after the release", false)
	wantQuarantine(t, served(t, copied), "a daemon that starts after the release", false)
	if got := sqlOne[string](t, s, `SELECT string_agg(what || ' ' || made_by || ' ' || made_at::text || ' ' || about, ';') FROM convened.releases`); !strings.HasPrefix(got, "quarantine ana 2026-11-15 15:00:00+00 the tables are not") {
		t.Errorf("what is written down is %q", got)
	}
	if again, err := s.EndQuarantine(t.Context(), early, "ana"); again != nil || err != nil {
		t.Errorf("ending it again: %+v, %v", again, err)
	}
}

func TestALetterIsNotMarkedInAQuarantineThatBeganAfterItsClaim(t *testing.T) {
	t.Parallel()
	s := served(t, labtest.Database(t))
	prepare(t, s)
	list := claim(t, s, early)
	sqlExec(t, s, `UPDATE convened.service SET quarantined_at = now(), reason = 'a test'`)
	if n := mark(t, s, list...); n != 0 {
		t.Errorf("%d letters may go", n)
	}
}

func TestADatabaseThatHasForgottenItsDaemonIsInQuarantine(t *testing.T) {
	t.Parallel()
	for name, forget := range map[string]string{
		"the row is gone":      `DELETE FROM convened.daemons`,
		"the row is older":     `UPDATE convened.daemons SET beat_at = now() - interval '1 hour'`,
		"the row is another's": `UPDATE convened.daemons SET started_at = now()`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := served(t, labtest.Database(t))
			prepare(t, s)
			me := *s.self.Load()
			me.startedAt = me.startedAt.Add(-time.Hour) // it has been here for long
			s.self.Store(&me)
			sqlExec(t, s, `UPDATE convened.daemons SET started_at = $1`, me.startedAt)
			if _, err := s.Beat(t.Context(), "running"); err != nil {
				t.Fatal(err)
			}
			wantQuarantine(t, s, "before", false)
			sqlExec(t, s, forget)
			if _, err := s.Beat(t.Context(), "running"); err != nil {
				t.Fatal(err)
			}
			wantQuarantine(t, s, "after", true, "forgotten")
			// It has introduced itself anew, or beaten, and is no stranger.
			if n := sqlOne[int](t, s, `SELECT count(*) FROM convened.daemons WHERE id = $1 AND beat_at > now() - interval '1 minute'`, s.id()); n != 1 {
				t.Errorf("%d rows of this daemon", n)
			}
			if _, err := s.EndQuarantine(t.Context(), early, "ana"); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Beat(t.Context(), "running"); err != nil {
				t.Fatal(err)
			}
			wantQuarantine(t, s, "after the release", false)
		})
	}
}

func TestAServiceThatNobodyWasAtForLongIsInQuarantineIfThereIsSomethingToSend(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		prepare func(*testing.T, *Store)
		want    bool
	}{
		"a notice that is due": {prepare, true},
		"a registration":       {func(t *testing.T, s *Store) { apply(t, s, webinar("w"), early); register(t, s, "w", "ana@example.org") }, true},
		"a reminder that is to come": {func(t *testing.T, s *Store) {
			prepare(t, s)
			sent(t, s)
			sqlExec(t, s, `UPDATE convened.events SET over_at = now() + interval '1 day'`) // by the database's clock
		}, true},
		"an event with nobody": {func(t *testing.T, s *Store) { apply(t, s, webinar("w"), early) }, false},
		"an event that is over": {func(t *testing.T, s *Store) {
			prepare(t, s)
			sent(t, s)
			sqlExec(t, s, `UPDATE convened.events SET over_at = now() - interval '1 day'`)
		}, false},
		"an event that is called off": {func(t *testing.T, s *Store) {
			prepare(t, s)
			sent(t, s)
			sqlExec(t, s, `UPDATE convened.events SET status = 'cancelled'`)
		}, false},
		"nothing at all": {func(*testing.T, *Store) {}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := labtest.Database(t)
			s := served(t, url)
			c.prepare(t, s)
			sqlExec(t, s, `UPDATE convened.daemons SET beat_at = now() - interval '8 days'`)
			next := served(t, url)
			q, err := next.Quarantine(t.Context())
			if err != nil || (q != nil) != c.want {
				t.Fatalf("quarantine %+v, %v; want %v", q, err, c.want)
			}
			if !c.want {
				return
			}
			if !strings.Contains(q.Reason, "no daemon has been here since") {
				t.Errorf("the reason is %q", q.Reason)
			}
			// Who ends it before a daemon is there again has ended it.
			if _, err := next.EndQuarantine(t.Context(), early, "ana"); err != nil {
				t.Fatal(err)
			}
			sqlExec(t, s, `UPDATE convened.daemons SET beat_at = now() - interval '8 days'`)
			if q, err := served(t, url).Quarantine(t.Context()); q != nil || err != nil {
				t.Errorf("after the release: %+v, %v", q, err)
			}
		})
	}
}

// sent sends all that is due.
func sent(t *testing.T, s *Store) {
	t.Helper()
	for _, c := range claim(t, s, early) {
		mark(t, s, c)
		settle(t, s, c, convened.Sent, early)
	}
}

// A stand-by is promoted under a daemon that goes on: it knows that nothing is
// missing. One that starts afresh on the copy, with nobody there, does not.
func TestAPromotionIsToldFromACopyByWhoLivedThroughIt(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	primary, err := lab.StartPostgres(ctx, lab.PostgresOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = primary.Stop() })
	if err := primary.CreateDatabase("convened", ""); err != nil {
		t.Fatal(err)
	}
	s := openURL(t, primary.URL("convened"))
	if _, err := s.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	sqlExec(t, s, `ALTER TABLE convened.registrations ALTER created_at SET DEFAULT '2026-11-15 15:00:00+00'`)
	lived := served(t, primary.URL("convened"))
	prepare(t, lived)
	standby, err := primary.Standby(ctx, lab.PostgresOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = standby.Stop() })
	if _, err := lived.Beat(ctx, "running"); err != nil {
		t.Fatal(err)
	}
	beat := sqlOne[time.Time](t, s, `SELECT max(beat_at) FROM convened.daemons`)
	follower := openURL(t, standby.URL("convened"))
	waitUntil(t, "the stand-by has the last beat", func() bool {
		return sqlOne[time.Time](t, follower, `SELECT max(beat_at) FROM convened.daemons`).Equal(beat)
	})
	if err := primary.Crash(); err != nil {
		t.Fatal(err)
	}
	sqlExec(t, follower, `SELECT pg_promote()`)

	// A copy of the promoted one, which nobody who lived through it comes to.
	promoted := openURL(t, standby.URL("convened"))
	promoted.self.Store(lived.self.Load())
	leave := attending(t, promoted, follower, 1)

	// One that starts at this moment leaves it to who was there.
	fresh := served(t, standby.URL("convened"))
	wantQuarantine(t, fresh, "a daemon that has just started", true, "has not looked")
	if n := sqlOne[int](t, follower, `SELECT count(*) FROM convened.service WHERE quarantined_at IS NOT NULL`); n != 0 {
		t.Error("it called a quarantine")
	}
	wantQuarantine(t, promoted, "the daemon that lived through it", false)
	wantQuarantine(t, fresh, "the one that has just started, afterwards", false)
	leave()

	// Somebody may say what database this is before any daemon does, and while the
	// one that knows hangs.
	sqlExec(t, follower, `UPDATE convened.service SET timeline = timeline - 1, server_started_at = server_started_at - interval '1 hour'`)
	if q, err := fresh.EndQuarantine(ctx, early, "ana"); q == nil || err != nil || !strings.Contains(q.Reason, "timeline 2, after 1") {
		t.Errorf("ended %+v, %v", q, err)
	}
	wantQuarantine(t, served(t, standby.URL("convened")), "a daemon after somebody has said so", false)

	// The same without anybody who was there before: who has come since is none.
	defer attending(t, fresh, follower, 1)()
	sqlExec(t, follower, `UPDATE convened.service SET timeline = timeline - 1`)
	wantQuarantine(t, served(t, standby.URL("convened")), "a daemon on a copy", true, "timeline 2, after 1")
}

// attending holds the session lock of a daemon until the function that it returns
// is called. locks is how many there are then.
func attending(t *testing.T, s, look *Store, locks int) (leave func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() { s.Attend(ctx, func() {}) })
	waitUntil(t, "the session lock is held", func() bool {
		return sqlOne[int](t, look, `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted`) == locks
	})
	return func() {
		cancel()
		done.Wait()
		waitUntil(t, "the session lock is free", func() bool {
			return sqlOne[int](t, look, `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted`) == locks-1
		})
	}
}

// waitUntil waits for a condition.
func waitUntil(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

// The role of the daemon may read which cluster it is; one that may not is no
// reason for a quarantine, and none to fail.
func TestTheDaemonsRoleMaySeeWhichDatabaseItIs(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.db.SetMaxOpenConns(1)
	sqlExec(t, s, `SET ROLE convened`)
	if _, err := s.Register(t.Context(), Daemon{Name: "d"}); err != nil {
		t.Fatal(err)
	}
	if got := s.self.Load().at; got.system == "" || got.timeline < 1 || got.database == 0 || got.table == 0 {
		t.Errorf("it sees %+v", got)
	}
	sqlExec(t, s, `RESET ROLE`)
	sqlExec(t, s, `REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC`)
	sqlExec(t, s, `SET ROLE convened`)
	if _, err := s.Beat(t.Context(), "running"); err != nil {
		t.Fatal(err)
	}
	if got := s.self.Load().at; got.system != "" || got.database == 0 {
		t.Errorf("it sees %+v", got)
	}
	if q, err := s.Quarantine(t.Context()); q != nil || err != nil {
		t.Errorf("quarantine %+v, %v", q, err)
	}
}
