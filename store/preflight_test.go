package store

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"convened"
)

func TestAnEventIsLookedAtOnceBeforeEachStart(t *testing.T) {
	t.Parallel()
	s := open(t)
	w := webinar("w")
	w.Organizer = convened.Organizer{Name: "Metropolis", Email: "events@example.org"}
	e := apply(t, s, w, early)
	now := starts.Add(-4 * time.Hour)
	look := func(e *convened.Event) (bool, bool) {
		t.Helper()
		trouble, planned, err := s.LookBefore(t.Context(), now, e)
		if err != nil {
			t.Fatal(err)
		}
		return trouble != nil, planned
	}
	if wrong, planned := look(e); !wrong || !planned {
		t.Errorf("the first look: wrong %v, planned %v; there is no link", wrong, planned)
	}
	if wrong, planned := look(e); wrong || planned {
		t.Errorf("the second look: wrong %v, planned %v", wrong, planned)
	}
	moved := *e
	moved.StartsLocal, moved.EndsLocal = e.StartsLocal.AddDays(1), e.EndsLocal.AddDays(1)
	if err := moved.Derive(); err != nil {
		t.Fatal(err)
	}
	again := apply(t, s, &moved, early)
	// Who read it before the move has nothing to say of it.
	if wrong, planned := look(e); wrong || planned {
		t.Errorf("a look at the event as it was: wrong %v, planned %v", wrong, planned)
	}
	if wrong, planned := look(again); !wrong || !planned {
		t.Errorf("the look at the new start: wrong %v, planned %v", wrong, planned)
	}
	if wrong, planned := look(e); wrong || planned {
		t.Errorf("another look at the event as it was: wrong %v, planned %v", wrong, planned)
	}
	if got, want := sqlAll(t, s, `SELECT kind || ' ' || state || ' ' || occasion FROM convened.notices ORDER BY id`),
		[]string{"preflight planned 2026-11-25T15:00:00Z", "preflight planned 2026-11-26T15:00:00Z"}; !slices.Equal(got, want) {
		t.Errorf("notices are %q, want %q", got, want)
	}
	// The claim brings what is wrong.
	list := claim(t, s, now)
	if len(list) != 2 || list[0].Trouble == nil || !list[0].Trouble.NoLink || list[0].Registration.ID != 0 || list[0].Event.Slug != "w" {
		t.Errorf("claimed %+v", list)
	}
	if n := mark(t, s, list...); n != 2 {
		t.Errorf("%d were marked", n)
	}
}

func TestWhereNothingIsWrongOrNobodyIsToBeToldThereIsNoLetter(t *testing.T) {
	t.Parallel()
	s := open(t)
	fine := webinar("fine")
	fine.JoinURL, fine.Organizer.Email = "https://example.org/join", "events@example.org"
	nobody := webinar("nobody")
	off := webinar("off")
	off.Status, off.Organizer.Email = convened.EventIsOff, "events@example.org"
	for _, c := range []struct {
		e     *convened.Event
		wrong bool
	}{{fine, false}, {nobody, true}, {off, false}} {
		trouble, planned, err := s.LookBefore(t.Context(), starts.Add(-time.Hour), apply(t, s, c.e, early))
		if (trouble != nil) != c.wrong || planned || err != nil {
			t.Errorf("%s: %+v, planned %v, %v", c.e.Slug, trouble, planned, err)
		}
	}
	if n := sqlOne[int](t, s, `SELECT count(*) FROM convened.notices`); n != 0 {
		t.Errorf("%d letters were planned", n)
	}
}

// Everything that can be wrong at once.
func TestTroubleNamesAllThatIsWrong(t *testing.T) {
	t.Parallel()
	s := open(t)
	e := apply(t, s, webinar("w"), early)
	apply(t, s, webinar("other"), early)
	register(t, s, "w", "not an address", "unknown@example.org", "policy@example.org", "held@example.org", "poison@example.org", "unsent@example.org", "fresh@example.org", "fine@example.org", "left@example.org", "bounced@example.org")
	planAll(t, s, early)
	register(t, s, "other", "not an address")
	planAll(t, s, early)
	now := early.Add(time.Hour)
	set := func(email, assignments string) {
		t.Helper()
		if n, err := affected(sqlExec(t, s, `UPDATE convened.notices n SET `+assignments+` FROM convened.registrations r WHERE r.id = n.registration AND r.event = 'w' AND r.email = $1`, email), nil); n != 1 || err != nil {
			t.Fatalf("%s: %d rows, %v", email, n, err)
		}
	}
	set("unknown@example.org", `state = 'refused', cause = 'address', last_error = '550 5.1.1 no such user'`)
	sqlExec(t, s, `UPDATE convened.registrations SET refused_at = $1 WHERE email IN ('unknown@example.org', 'bounced@example.org')`, now)
	set("policy@example.org", `state = 'refused', cause = 'policy', last_error = '554 5.7.1 no'`)
	set("held@example.org", `state = 'held', cause = 'backfill', reason = 'copied'`)
	set("poison@example.org", `state = 'refused', cause = 'poison', last_error = 'en.tmpl:3: no such field'`)
	set("unsent@example.org", `last_error = '451 try later'`)
	set("fresh@example.org", `planned_at = '`+now.Add(-9*time.Minute).Format(time.RFC3339)+`'`)
	for _, done := range []string{"fine@example.org", "bounced@example.org"} {
		set(done, `state = 'sent', sent_at = now()`)
	}
	set("left@example.org", `state = 'refused', cause = 'address'`)
	sqlExec(t, s, `UPDATE convened.registrations SET cancelled_at = $1 WHERE email = 'left@example.org'`, now)
	sqlExec(t, s, `INSERT INTO convened.returns (registration, at, kind, text) SELECT id, $1, 'hard', '5.2.1 mailbox disabled' FROM convened.registrations WHERE email = 'bounced@example.org'`, now)
	sqlExec(t, s, `INSERT INTO convened.daemons (name, host, pid, version, started_at, beat_at, status, server_started_at) VALUES
		('a', 'h', 1, '', now(), now(), 'running', now()), ('b', 'h', 2, '', now(), now(), 'waiting: the relay can''t be reached; 1,234 held: convened notices list --held', now()),
		('c', 'h', 3, '', now(), now() - interval '1 hour', 'waiting: for nothing', now())`)

	got, err := s.Trouble(t.Context(), now, e)
	if err != nil {
		t.Fatal(err)
	}
	want := &convened.Trouble{NoLink: true, Refused: 4,
		Bounced: []convened.RefusedOne{{Email: "not an address", Words: "it has no @"}, {Email: "unknown@example.org", Words: "550 5.1.1 no such user"},
			{Email: "policy@example.org", Words: "554 5.7.1 no"}, {Email: "bounced@example.org", Words: "5.2.1 mailbox disabled"}},
		Held:   []convened.Holding{{Event: "w", Cause: convened.CauseBackfill, Reason: "copied", Notices: 1}},
		Poison: 1, PoisonError: "en.tmpl:3: no such field", Unsent: 1, UnsentSince: early, UnsentError: "451 try later", Waiting: "the relay can't be reached"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("trouble is\n%+v, want\n%+v", got, want)
	}
	// A preflight that is held is not what it tells of.
	if _, _, err := s.LookBefore(t.Context(), now, func() *convened.Event { w := *e; w.Organizer.Email = "o@example.org"; return &w }()); err != nil {
		t.Fatal(err)
	}
	sqlExec(t, s, `UPDATE convened.notices SET state = 'held', cause = 'recipient' WHERE kind = 'preflight'`)
	if got, err = s.Trouble(t.Context(), now, e); err != nil || len(got.Held) != 1 {
		t.Errorf("with the preflight held: %+v, %v", got.Held, err)
	}
	if list, err := s.Held(t.Context(), "w"); err != nil || len(list) != 2 {
		t.Errorf("held are %+v, %v; want the preflight among them", list, err)
	}
	// The list has an end, the number has none.
	sqlExec(t, s, `INSERT INTO convened.registrations (event, email) SELECT 'w', 'bad ' || i FROM generate_series(1, 30) i`)
	planAll(t, s, early)
	if got, err = s.Trouble(t.Context(), now, e); err != nil || got.Refused != 34 || len(got.Bounced) != convened.MostBounced {
		t.Errorf("%d refused, %d listed, %v", got.Refused, len(got.Bounced), err)
	}
	// The notice of a preflight has an empty other side.
	if got, err := s.Held(t.Context(), "other"); err != nil || len(got) != 0 {
		t.Errorf("the other event holds %+v, %v", got, err)
	}
}
