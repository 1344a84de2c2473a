package store

import (
	"slices"
	"testing"
	"time"

	"convened"
)

// letGoAll decides that all notices of an event in some states go.
func letGoAll(t *testing.T, s *Store, now time.Time, what, event string, cause convened.Cause, states ...convened.State) int {
	t.Helper()
	d := Decision{What: what, By: "ana", About: event, Event: event, States: states}
	for {
		after := convened.NoticeID(0)
		if len(d.IDs) > 0 {
			after = d.IDs[len(d.IDs)-1]
		}
		list, err := s.Selected(t.Context(), now, Selection{Event: event, States: states, Cause: cause}, after, 3)
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == 0 {
			break
		}
		for _, c := range list {
			d.IDs = append(d.IDs, c.Notice.ID)
		}
	}
	n, err := s.LetGo(t.Context(), now, []Decision{d})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestWhatIsReleasedIsDueAndItsSeatCountsFromThenOn(t *testing.T) {
	t.Parallel()
	s := openFused(t, 1)
	e := apply(t, s, webinar("w"), early)
	register(t, s, "w", "ana@example.org", "bo@example.org", "cy@example.org")
	planAll(t, s, early)
	// While two are held, one reminder is recorded that catches up, one that folds.
	at := starts.Add(-24 * time.Hour)
	planOccasion(t, s, e, "catch", 1, starts.Add(-72*time.Hour), at, at)
	planOccasion(t, s, e, "before 24h", 1, at, at, at)
	wantStandings(t, s, "before", "confirmation held fuse: 2", "confirmation planned: 1", "reminder planned: 2")

	later := at.Add(time.Hour)
	if n := letGoAll(t, s, later, Released, "w", convened.CauseFuse, convened.Held); n != 2 {
		t.Errorf("%d were released, want 2", n)
	}
	wantStandings(t, s, "after", "confirmation planned: 3", "reminder planned: 4")
	if n := sqlOne[int](t, s, `SELECT count(*) FROM convened.notices n JOIN convened.registrations r ON r.id = n.registration
		WHERE n.kind = 'confirmation' AND n.due_at = $1 AND n.reason IS NULL AND n.cause IS NULL AND n.release IS NOT NULL AND r.seated_at = $1 AND r.seat_no IN (4, 5)`, later); n != 2 {
		t.Errorf("%d of the released are due at once, of seats that count from now on, want 2", n)
	}
	if n := sqlOne[int](t, s, `SELECT seats FROM convened.events`); n != 5 {
		t.Errorf("%d seat numbers were given out, want 5", n)
	}
	// What comes later reaches all three.
	sqlExec(t, s, `INSERT INTO convened.reminders (event, name, rule, position, added_at) VALUES ('w', 'third', 'before 1h', 3, $1)`, early)
	if step := planOccasion(t, s, e, "third", 1, starts.Add(-time.Hour), starts.Add(-time.Hour), starts); step.Notices != 3 {
		t.Errorf("the next reminder reaches %d, want 3", step.Notices)
	}
	// It is written down who did it, and when.
	if got := sqlOne[string](t, s, `SELECT what || ' ' || made_by || ' ' || about || ' ' || notices || ' ' || made_at FROM convened.releases`); got != "release ana w 2 2026-11-24 16:00:00+00" {
		t.Errorf("what is written down is %q", got)
	}
	// Releasing again changes nothing.
	if n := letGoAll(t, s, later, Released, "w", "", convened.Held); n != 0 {
		t.Errorf("%d were released again", n)
	}
}

func TestTheFuseCountsAnewOnceAllThatItHeldIsReleased(t *testing.T) {
	t.Parallel()
	s := openFused(t, 2)
	apply(t, s, webinar("w"), early)
	flock(t, s, "w", "a", 4)
	planHeld(t, s, "w", early)
	first := sqlOne[int64](t, s, `SELECT min(id) FROM convened.notices WHERE state = 'held'`)
	if n, err := s.LetGo(t.Context(), early, []Decision{{What: Released, Event: "w", IDs: []convened.NoticeID{convened.NoticeID(first)}, States: []convened.State{convened.Held}}}); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	flock(t, s, "w", "b", 1)
	if got := planHeld(t, s, "w", early.Add(time.Minute)); len(got) != 1 {
		t.Errorf("with one of two released %+v is held: the fuse counts on", got)
	}
	letGoAll(t, s, early.Add(2*time.Minute), Released, "w", convened.CauseFuse, convened.Held)
	flock(t, s, "w", "c", 3)
	if got := planHeld(t, s, "w", early.Add(3*time.Minute)); len(got) != 1 || got[0].Notices != 1 || !got[0].First {
		t.Errorf("after the release %+v is held, want one of three, and that it be said again", got)
	}
}

func TestARetryForgetsFailuresAndTheRefusalOfAnAddress(t *testing.T) {
	t.Parallel()
	s := open(t)
	e := apply(t, s, webinar("w"), early)
	register(t, s, "w", "ana@example.org", "bo@example.org", "cy@example.org")
	planAll(t, s, early)
	for _, c := range claim(t, s, early) {
		mark(t, s, c)
		cause := map[string]convened.Cause{"ana@example.org": convened.CauseAddress, "bo@example.org": convened.CausePolicy, "cy@example.org": convened.CauseServer}[c.Registration.Email]
		state := convened.Refused
		if cause == convened.CauseServer {
			state = convened.Planned
		}
		if _, err := s.Settle(t.Context(), []convened.Settlement{{DueAt: early.Add(time.Hour), Outcome: convened.Outcome{Notice: c.Notice.ID, Attempt: c.Notice.Attempt, State: state, Cause: cause, Reply: "no", At: early}}}); err != nil {
			t.Fatal(err)
		}
	}
	at := starts.Add(-72 * time.Hour)
	planOccasion(t, s, e, "catch", 1, at, at, at)
	wantStandings(t, s, "before", "confirmation planned server: 1", "confirmation refused address: 1", "confirmation refused policy: 1", "reminder planned: 2")

	if n := letGoAll(t, s, at, Retried, "w", "", convened.Refused); n != 2 {
		t.Errorf("%d are tried again, want 2", n)
	}
	// Who was marked as refused gets what was sent to others meanwhile.
	wantStandings(t, s, "after", "confirmation planned server: 1", "confirmation planned: 2", "reminder planned: 3")
	if n := sqlOne[int](t, s, `SELECT count(*) FROM convened.registrations WHERE refused_at IS NOT NULL`); n != 0 {
		t.Errorf("%d addresses still count as refused", n)
	}
	if n := sqlOne[int](t, s, `SELECT seat_no FROM convened.registrations WHERE email = 'bo@example.org'`); n != 2 {
		t.Errorf("who was refused for another reason has seat number %d, want the old one", n)
	}
	if list, err := s.Selected(t.Context(), at, Selection{States: []convened.State{convened.Planned}}, 0, 10); err != nil || len(list) != 1 || list[0].Registration.Email != "cy@example.org" {
		t.Errorf("of the planned %d wait for their next try, %v; want one", len(list), err)
	}
	// What waits for its next try is tried now, and counts from the start.
	if n := letGoAll(t, s, at, Retried, "w", "", convened.Planned); n != 1 {
		t.Errorf("%d of the planned are tried again, want the one that failed", n)
	}
	if n := sqlOne[int](t, s, `SELECT count(*) FROM convened.notices WHERE kind = 'confirmation' AND due_at = $1 AND failures = 0`, at); n != 3 {
		t.Errorf("%d confirmations are due now, want 3", n)
	}
	if got, want := sqlAll(t, s, `SELECT what || ' ' || notices FROM convened.releases ORDER BY id`), []string{"retry 2", "retry 1"}; !slices.Equal(got, want) {
		t.Errorf("what is written down is %q, want %q", got, want)
	}
}

// What was given up because nobody knew whether it had arrived gets all its tries again.
func TestAReleaseForgetsDoubts(t *testing.T) {
	t.Parallel()
	s := open(t)
	apply(t, s, webinar("w"), early)
	register(t, s, "w", "ana@example.org")
	planAll(t, s, early)
	sqlExec(t, s, `UPDATE convened.notices SET state = 'held', cause = 'doubt', doubts = 4, marked_at = now()`)
	if n := letGoAll(t, s, early.Add(time.Hour), Released, "w", convened.CauseDoubt, convened.Held); n != 1 {
		t.Errorf("%d were released, want 1", n)
	}
	if n := sqlOne[int](t, s, `SELECT doubts FROM convened.notices`); n != 0 {
		t.Errorf("%d doubts are left", n)
	}
	// The seat was spoken of, perhaps: it does not count anew.
	if n := sqlOne[int](t, s, `SELECT seat_no FROM convened.registrations`); n != 1 {
		t.Errorf("the seat has number %d, want the old one", n)
	}
}

// What somebody else has done since stays as it is.
func TestADecisionConcernsOnlyWhatIsStillAsItWasSeen(t *testing.T) {
	t.Parallel()
	s := openFused(t, 0)
	apply(t, s, webinar("w"), early)
	apply(t, s, webinar("other"), early)
	register(t, s, "w", "ana@example.org", "bo@example.org")
	register(t, s, "other", "ana@example.org")
	planAll(t, s, early)
	sqlExec(t, s, `UPDATE convened.notices SET state = 'held', cause = 'recipient'`)
	list, err := s.Selected(t.Context(), early, Selection{States: []convened.State{convened.Held}}, 0, 10)
	if err != nil || len(list) != 3 {
		t.Fatal(len(list), err)
	}
	sqlExec(t, s, `UPDATE convened.notices SET state = 'cancelled' WHERE id = $1`, int64(list[0].Notice.ID))
	d := Decision{What: Released, Event: list[0].Notice.Event, States: []convened.State{convened.Held}}
	for _, c := range list {
		d.IDs = append(d.IDs, c.Notice.ID) // those of the other event are not this one's
	}
	want := 0
	for _, c := range list[1:] {
		if c.Notice.Event == d.Event {
			want++
		}
	}
	if n, err := s.LetGo(t.Context(), early, []Decision{d}); n != want || err != nil {
		t.Errorf("%d were released, %v; want %d", n, err, want)
	}
}
