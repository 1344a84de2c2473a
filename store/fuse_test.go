package store

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"convened"
	"convened/internal/lab/labtest"
)

// openFused returns a store on a database of the test's own, with a fuse.
func openFused(t *testing.T, most int) *Store {
	t.Helper()
	s, err := Open(Options{URL: labtest.Database(t), Fuse: most})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// flock inserts so many people whose addresses begin with a word.
func flock(t *testing.T, s *Store, event, word string, n int) {
	t.Helper()
	sqlExec(t, s, `INSERT INTO convened.registrations (event, email, name) SELECT $1, $2 || i || '@example.org', 'Ana' FROM generate_series(1, $3) i`, event, word, n)
}

// standings counts the notices as "kind state cause: how many".
func standings(t *testing.T, s *Store) []string {
	t.Helper()
	return sqlAll(t, s, `SELECT kind || ' ' || state || coalesce(' ' || cause, '') || ': ' || count(*) FROM convened.notices GROUP BY kind, state, cause ORDER BY 1`)
}

func wantStandings(t *testing.T, s *Store, when string, want ...string) {
	t.Helper()
	if got := standings(t, s); !slices.Equal(got, want) {
		t.Errorf("%s: notices are %q, want %q", when, got, want)
	}
}

// planHeld plans the newcomers of one event and returns what was held.
func planHeld(t *testing.T, s *Store, event string, now time.Time) []convened.Holding {
	t.Helper()
	list, err := s.Newcomers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range list {
		list[i].Address = strings.ToLower(list[i].Email)
	}
	done, err := s.PlanNewcomers(t.Context(), now, event, 0, list, 10*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return done.Held
}

func TestTheFuseLetsThroughWhatItMayAndHoldsTheRest(t *testing.T) {
	t.Parallel()
	s := openFused(t, 10)
	apply(t, s, webinar("w"), early)
	apply(t, s, webinar("other"), early)
	flock(t, s, "w", "a", 25)
	if got, want := planHeld(t, s, "w", early), []convened.Holding{{Event: "w", Cause: convened.CauseFuse, Reason: "more than 10 confirmations for this event within an hour", Notices: 15, First: true}}; !slices.Equal(got, want) {
		t.Errorf("held %+v, want %+v", got, want)
	}
	wantStandings(t, s, "after 25", "confirmation held fuse: 15", "confirmation planned: 10")
	// The first who came are let through.
	if got := sqlOne[string](t, s, `SELECT string_agg(r.email, ' ' ORDER BY r.id) FROM convened.notices n JOIN convened.registrations r ON r.id = n.registration WHERE n.state = 'planned'`); !strings.HasPrefix(got, "a1@") || !strings.HasSuffix(got, "a10@example.org") {
		t.Errorf("let through are %s", got)
	}
	// Another event has a fuse of its own.
	flock(t, s, "other", "a", 9)
	if got := planHeld(t, s, "other", early); len(got) != 0 {
		t.Errorf("the other event holds %+v", got)
	}
	// It is spoken of once, and not again for who comes later in the hour.
	flock(t, s, "w", "b", 3)
	if got := planHeld(t, s, "w", early.Add(59*time.Minute)); len(got) != 1 || got[0].First || got[0].Notices != 3 {
		t.Errorf("later in the hour %+v is held", got)
	}
	// After the hour it lets as many through again.
	flock(t, s, "w", "c", 11)
	if got := planHeld(t, s, "w", early.Add(61*time.Minute)); len(got) != 1 || got[0].Notices != 1 {
		t.Errorf("after the hour %+v is held", got)
	}
	wantStandings(t, s, "at the end", "confirmation held fuse: 19", "confirmation planned: 29")
}

// A confirmation sent again is a mail like the first: a list that is imported
// again and again must not get past the fuse.
func TestRepetitionsCountForTheFuse(t *testing.T) {
	t.Parallel()
	s := openFused(t, 10)
	apply(t, s, webinar("w"), early)
	flock(t, s, "w", "a", 8)
	planHeld(t, s, "w", early)
	for _, c := range claim(t, s, early) {
		mark(t, s, c)
		settle(t, s, c, convened.Sent, early)
	}
	flock(t, s, "w", "a", 8)
	if got := planHeld(t, s, "w", early.Add(11*time.Minute)); len(got) != 1 || got[0].Notices != 6 {
		t.Errorf("held %+v, want 6 of the 8 repetitions", got)
	}
	wantStandings(t, s, "after the repetition", "confirmation held fuse: 6", "confirmation planned: 2", "confirmation sent: 8")
	// Refused at once, an address costs the fuse nothing.
	sqlExec(t, s, `INSERT INTO convened.registrations (event, email) SELECT 'w', 'nobody ' || i FROM generate_series(1, 30) i`)
	planAll(t, s, early.Add(72*time.Minute))
	flock(t, s, "w", "b", 10)
	if got := planHeld(t, s, "w", early.Add(72*time.Minute)); len(got) != 0 {
		t.Errorf("after 30 refusals %+v is held", got)
	}
}

func TestRegistrationsOlderThanTheirEventAreHeld(t *testing.T) {
	t.Parallel()
	s := open(t)
	apply(t, s, webinar("w"), early)
	for email, created := range map[string]time.Time{
		"copied@example.org":  early.Add(-24 * time.Hour),
		"skewed@example.org":  early.Add(-59 * time.Second), // clocks differ
		"genuine@example.org": early.Add(time.Second),
	} {
		sqlExec(t, s, `INSERT INTO convened.registrations (event, email, created_at) VALUES ('w', $1, $2)`, email, created)
	}
	if got, want := planHeld(t, s, "w", early.Add(time.Minute)), []convened.Holding{{Event: "w", Cause: convened.CauseBackfill, Reason: "copied from elsewhere: the registration is older than the event", Notices: 1, First: true}}; !slices.Equal(got, want) {
		t.Errorf("held %+v, want %+v", got, want)
	}
	if got := sqlOne[string](t, s, `SELECT r.email FROM convened.notices n JOIN convened.registrations r ON r.id = n.registration WHERE n.state = 'held'`); got != "copied@example.org" {
		t.Errorf("%s is held", got)
	}
	// A copy of who has a seat sends nothing again, and a genuine repetition does.
	for _, c := range claim(t, s, early.Add(time.Minute)) {
		mark(t, s, c)
		settle(t, s, c, convened.Sent, early)
	}
	later := early.Add(time.Hour)
	sqlExec(t, s, `INSERT INTO convened.registrations (event, email, created_at) VALUES ('w', 'genuine@example.org', $1), ('w', 'skewed@example.org', $2), ('w', 'skewed@example.org', $1)`, early.Add(-time.Hour), later)
	if got := planHeld(t, s, "w", later); len(got) != 1 || got[0].Notices != 1 || got[0].First {
		t.Errorf("of two repetitions %+v is held, want the copied one", got)
	}
	wantStandings(t, s, "after the repetitions", "confirmation held backfill: 2", "confirmation planned: 1", "confirmation sent: 2")
}

func TestWhoRegistersAfterTheEventIsHeldAndWhoWasPlannedTooLateIsCancelled(t *testing.T) {
	t.Parallel()
	s := open(t)
	e := apply(t, s, webinar("w"), early)
	sqlExec(t, s, `INSERT INTO convened.registrations (event, email, created_at) VALUES ('w', 'after@example.org', $1), ('w', 'before@example.org', $2), ('w', 'copied@example.org', $3)`,
		e.Ends, e.Ends.Add(-time.Minute), early.Add(-time.Hour))
	planHeld(t, s, "w", e.Ends.Add(time.Minute))
	if got, want := sqlAll(t, s, `SELECT r.email || ' ' || n.state || ' ' || n.reason FROM convened.notices n JOIN convened.registrations r ON r.id = n.registration ORDER BY r.email`),
		[]string{"after@example.org held the event was over before this registration came", "before@example.org cancelled too late: the event is over", "copied@example.org held the event was over before this registration came"}; !slices.Equal(got, want) {
		t.Errorf("notices are %q, want %q", got, want)
	}
}

// What is held is bounded however many daemons plan at once and however the
// registrations come: the event's row is held while they are counted.
func TestTheFuseIsExactWithSeveralDaemons(t *testing.T) {
	t.Parallel()
	const most, people, planners = 137, 600, 4
	url := labtest.Database(t)
	var daemons []*Store
	for range planners {
		s, err := Open(Options{URL: url, Fuse: most, Connections: 2})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		daemons = append(daemons, s)
	}
	s := daemons[0]
	apply(t, s, webinar("w"), early)
	var planning sync.WaitGroup
	stop := make(chan struct{})
	firsts := make(chan int, planners)
	for i, d := range daemons {
		planning.Go(func() {
			first := 0
			for done := false; !done; {
				select {
				case <-stop:
					done = true // once more, for what came last
				default:
				}
				list, err := d.Newcomers(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				for k := range list {
					list[k].Address = strings.ToLower(list[k].Email)
				}
				if len(list) == 0 {
					continue
				}
				seated, err := d.PlanNewcomers(t.Context(), early.Add(time.Duration(i)*time.Second), "w", 0, list, 10*time.Minute)
				if errors.Is(err, convened.ErrBusy) { // another has the event, for longer than it waits
					done = false
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				for _, h := range seated.Held {
					if h.First {
						first++
					}
				}
			}
			firsts <- first
		})
	}
	for n := 0; n < people; {
		k := min(1+rand.IntN(20), people-n)
		flock(t, s, "w", fmt.Sprintf("batch%d-", n), k)
		n += k
	}
	close(stop)
	planning.Wait()
	wantStandings(t, s, "at the end", fmt.Sprintf("confirmation held fuse: %d", people-most), fmt.Sprintf("confirmation planned: %d", most))
	close(firsts)
	sum := 0
	for n := range firsts {
		sum += n
	}
	if sum != 1 {
		t.Errorf("it was said %d times that the fuse has tripped, want once", sum)
	}
}

func TestASeatWhoseConfirmationIsHeldGetsNoReminder(t *testing.T) {
	t.Parallel()
	s := openFused(t, 1)
	e := apply(t, s, webinar("w"), early)
	register(t, s, "w", "ana@example.org", "held@example.org")
	planAll(t, s, early)
	at := starts.Add(-24 * time.Hour)
	if step := planOccasion(t, s, e, "before 24h", 1, at, at, at); step.Notices != 1 {
		t.Errorf("the reminder was planned for %d, want 1", step.Notices)
	}
	if step := planOccasion(t, s, e, "catch", 1, starts.Add(-72*time.Hour), at, at); step.Notices != 1 {
		t.Errorf("the other reminder was planned for %d, want 1", step.Notices)
	}
	held := sqlOne[int](t, s, `SELECT id FROM convened.registrations WHERE email = 'held@example.org'`)
	// Nor does it catch up by being muted and unmuted.
	for _, f := range []func() (bool, error){
		func() (bool, error) { return s.Mute(t.Context(), at, "w", convened.RegistrationID(held)) },
		func() (bool, error) { return s.Unmute(t.Context(), at, "w", convened.RegistrationID(held)) },
	} {
		if ok, err := f(); err != nil || !ok {
			t.Fatal(ok, err)
		}
	}
	wantStandings(t, s, "before the release", "confirmation held fuse: 1", "confirmation planned: 1", "reminder planned: 2")

	// What is in doubt is held as well, and may have arrived: reminders go on.
	sqlExec(t, s, `UPDATE convened.notices SET state = 'held', marked_at = now() WHERE kind = 'confirmation' AND state = 'planned'`)
	sqlExec(t, s, `INSERT INTO convened.reminders (event, name, rule, position, added_at) VALUES ('w', 'third', 'before 1h', 3, $1)`, early)
	if step := planOccasion(t, s, e, "third", 1, starts.Add(-time.Hour), at, at); step.Notices != 1 {
		t.Errorf("the third reminder was planned for %d, want 1", step.Notices)
	}
}
