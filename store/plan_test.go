package store

import (
	"slices"
	"strings"
	"testing"
	"time"

	"convened"
)

func TestARowBecomesASeatWithItsConfirmation(t *testing.T) {
	t.Parallel()
	s := open(t)
	apply(t, s, webinar("w"), early)
	register(t, s, "w", "ana@example.org")
	if got := planAll(t, s, early); got.Seats != 1 {
		t.Errorf("planned %+v, want one seat", got)
	}
	claims := claim(t, s, early)
	if len(claims) != 1 {
		t.Fatalf("%d claims, want 1", len(claims))
	}
	c := claims[0]
	if c.Notice.Kind != convened.Confirmation || c.Registration.Email != "ana@example.org" || c.Registration.Name != "Ana" || c.Event.Slug != "w" || len(c.Registration.UID) != 36 || len(c.Event.Reminders) != 2 {
		t.Errorf("claimed %+v", c)
	}
}

func TestPlanningTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	s := open(t)
	apply(t, s, webinar("w"), early)
	register(t, s, "w", "ana@example.org")
	list, err := s.Newcomers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	list[0].Address = "ana@example.org"
	for range 2 {
		if _, err := s.PlanNewcomers(t.Context(), early, "w", 0, list, time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	if n := sqlOne[int](t, s, `SELECT count(*) FROM convened.notices`); n != 1 {
		t.Errorf("%d notices after planning twice, want 1", n)
	}
	if n := sqlOne[int](t, s, `SELECT seats FROM convened.events`); n != 1 {
		t.Errorf("%d seats counted, want 1", n)
	}
}

// A lower id may become visible after a higher one was planned: whoever asks
// for "id above the last one seen" loses it.
func TestARegistrationThatCommitsLateIsNotMissed(t *testing.T) {
	t.Parallel()
	s := open(t)
	apply(t, s, webinar("w"), early)
	slow, err := s.db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var low int
	if err := slow.QueryRow(`INSERT INTO convened.registrations (event, email) VALUES ('w', 'slow@example.org') RETURNING id`).Scan(&low); err != nil {
		t.Fatal(err)
	}
	register(t, s, "w", "quick@example.org")
	if got := planAll(t, s, early); got.Seats != 1 {
		t.Fatalf("planned %+v while the slow one is open, want one seat", got)
	}
	if high := sqlOne[int](t, s, `SELECT id FROM convened.registrations WHERE email = 'quick@example.org'`); high <= low {
		t.Fatalf("the quick one has id %d, not above %d: this test shows nothing", high, low)
	}
	if err := slow.Commit(); err != nil {
		t.Fatal(err)
	}
	if got := planAll(t, s, early); got.Seats != 1 {
		t.Errorf("planned %+v after the slow one committed, want one seat", got)
	}
}

func TestTheSameAddressIsOneSeat(t *testing.T) {
	t.Parallel()
	s := open(t)
	apply(t, s, webinar("w"), early)
	register(t, s, "w", "ana@example.org", "ANA@example.org", "bo@example.org")
	if got := planAll(t, s, early); got.Seats != 2 || got.Repeats != 1 {
		t.Errorf("planned %+v, want two seats and a repetition", got)
	}
	if n := sqlOne[int](t, s, `SELECT count(*) FROM convened.notices`); n != 2 {
		t.Errorf("%d notices, want 2", n)
	}
	for _, c := range claim(t, s, early) {
		mark(t, s, c)
		settle(t, s, c, convened.Sent, early)
	}
	// Again within ten minutes: nothing. After them: the confirmation, and the
	// later name, language and zone.
	register(t, s, "w", "ana@example.org")
	planAll(t, s, early.Add(9*time.Minute))
	if n := sqlOne[int](t, s, `SELECT count(*) FROM convened.notices`); n != 2 {
		t.Errorf("%d notices after nine minutes, want 2", n)
	}
	sqlExec(t, s, `INSERT INTO convened.registrations (event, email, name, language, zone) VALUES ('w', 'ana@example.org', 'Ana Díaz', 'es', 'Europe/Madrid')`)
	planAll(t, s, early.Add(11*time.Minute))
	again := claim(t, s, early.Add(11*time.Minute))
	if len(again) != 1 {
		t.Fatalf("%d claims after eleven minutes, want the confirmation again", len(again))
	}
	if c := again[0]; c.Notice.Occasion != "2" || c.Registration.Name != "Ana Díaz" || c.Registration.Language != "es" || c.Registration.Zone != "Europe/Madrid" || c.ThreadID == "" {
		t.Errorf("claimed %+v", c)
	}
}

func TestAnInsertNeverFailsForWhatAPersonTyped(t *testing.T) {
	t.Parallel()
	s := open(t)
	apply(t, s, webinar("w"), early)
	for _, email := range []any{nil, "", "nobody", "a@b\r\nBcc: c@d", strings.Repeat("x", 100_000), "ünïcödé@exämple.org", "ana@example.org"} {
		if _, err := s.db.Exec(`INSERT INTO convened.registrations (event, email, name, language, zone) VALUES ('w', $1, $2, 'klingon', 'CET')`, email, nil); err != nil {
			t.Errorf("insert of %.40q: %v", email, err)
		}
	}
	list, err := s.Newcomers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range list {
		list[i].Address = list[i].Email
		if len(list[i].Address) > 320 {
			list[i].Address = list[i].Address[:320]
		}
		if !strings.Contains(list[i].Email, "@") || strings.ContainsAny(list[i].Email, "\r\n") {
			list[i].Fault = "not an address"
		}
	}
	if _, err := s.PlanNewcomers(t.Context(), early, "w", 0, list, time.Minute); err != nil {
		t.Fatal(err)
	}
	got := sqlAll(t, s, `SELECT state || ' ' || coalesce(cause, '') FROM convened.notices ORDER BY id`)
	want := []string{"planned ", "planned ", "refused address", "refused address", "refused address", "refused address"}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("notices are %q, want %q: NULL and empty are one seat", got, want)
	}
	if _, err := s.db.Exec(`INSERT INTO convened.registrations (event, email) VALUES ('no-such-event', 'ana@example.org')`); err == nil {
		t.Error("an unknown event was taken")
	}
}

func TestTheIntakeRoleMayInsertAndNothingElse(t *testing.T) {
	t.Parallel()
	s := open(t)
	apply(t, s, webinar("w"), early)
	as := func(role, query string) error {
		conn, err := s.db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		if _, err := conn.ExecContext(t.Context(), `SET ROLE `+role); err != nil {
			t.Fatal(err)
		}
		defer func() { _, _ = conn.ExecContext(t.Context(), `RESET ROLE`) }()
		_, err = conn.ExecContext(t.Context(), query)
		return err
	}
	for _, c := range []struct {
		role, query string
		may         bool
	}{
		{"convened_intake", `INSERT INTO convened.registrations (event, email, name, language, zone, source_ref) VALUES ('w', 'a@example.org', 'A', 'fr', 'Europe/Paris', '17')`, true},
		{"convened_intake", `SELECT slug FROM convened.events`, true},
		{"convened_intake", `SELECT join_url FROM convened.events`, false},
		{"convened_intake", `SELECT email FROM convened.registrations`, false},
		{"convened_intake", `INSERT INTO convened.registrations (event, email, planned_at) VALUES ('w', 'b@example.org', now())`, false},
		{"convened_intake", `UPDATE convened.registrations SET email = 'x@example.org'`, false},
		{"convened_intake", `DELETE FROM convened.registrations`, false},
		{"convened_intake", `SELECT secret FROM convened.keys`, false},
		{"convened", `SELECT email FROM convened.registrations`, true},
		{"convened", `UPDATE convened.notices SET state = state`, true},
		{"convened", `SELECT secret FROM convened.keys`, true},
		{"convened", `DELETE FROM convened.notices`, false},
		{"convened", `DROP TABLE convened.notices`, false},
		{"convened", `UPDATE convened.keys SET secret = secret`, false},
		{"convened", `CREATE TABLE convened.mine ()`, false},
	} {
		if err := as(c.role, c.query); (err == nil) != c.may {
			t.Errorf("%s: %s: error %v, want allowed %v", c.role, c.query, err, c.may)
		}
	}
}

func TestTheDaemonsRoleCanPrepareEveryStatement(t *testing.T) {
	t.Parallel()
	s := open(t)
	// A pool whose every connection is the daemon's role.
	s.db.SetMaxOpenConns(1)
	sqlExec(t, s, `SET ROLE convened`)
	for _, err := range s.CheckStatements(t.Context()) {
		t.Error(err)
	}
}

func planOccasion(t *testing.T, s *Store, e *convened.Event, key string, ordinal int, at, now time.Time, seatedBy time.Time) convened.Step {
	t.Helper()
	step, err := s.PlanOccasion(t.Context(), now, convened.OccasionPlan{Event: e.Slug, Revision: e.Revision, Kind: convened.ReminderKind, SeatedBy: seatedBy,
		Occasion: convened.Occasion{Key: key, Start: e.Starts, Ordinal: ordinal, At: at}})
	if err != nil {
		t.Fatal(err)
	}
	return step
}

func TestAnOccasionIsPlannedOnceForThoseWhoAreThere(t *testing.T) {
	t.Parallel()
	s := open(t)
	e := apply(t, s, webinar("w"), early)
	register(t, s, "w", "ana@example.org", "bo@example.org", "late@example.org")
	sqlExec(t, s, `UPDATE convened.registrations SET planned_at = NULL`)
	planAll(t, s, early)
	at := starts.Add(-24 * time.Hour)
	// Who took a seat within the window gets no reminder: the confirmation says it.
	sqlExec(t, s, `UPDATE convened.registrations SET seated_at = $1 WHERE email = 'late@example.org'`, at.Add(-10*time.Minute))
	if step := planOccasion(t, s, e, "before 24h", 1, at, at, at.Add(-convened.FoldWindow)); step.Notices != 2 || !step.Done {
		t.Errorf("the first planning did %+v, want 2 and done", step)
	}
	if step := planOccasion(t, s, e, "before 24h", 1, at, at, at); step.Notices != 0 || !step.Done {
		t.Errorf("the second planning did %+v, want nothing and done", step)
	}
	// Who comes after it was recorded is late for it, and this rule says fold.
	register(t, s, "w", "later@example.org")
	planAll(t, s, at)
	if step := planOccasion(t, s, e, "before 24h", 1, at, at, at.Add(time.Hour)); step.Notices != 0 {
		t.Errorf("planning again reached %d late ones", step.Notices)
	}
}

func TestCatchUpSendsTheLatestOccasionToWhoComesLate(t *testing.T) {
	t.Parallel()
	s := open(t)
	e := apply(t, s, webinar("w"), early)
	register(t, s, "w", "ana@example.org")
	planAll(t, s, early)
	at := starts.Add(-72 * time.Hour)
	planOccasion(t, s, e, "catch", 1, at, at, at)
	planOccasion(t, s, e, "catch", 2, at.Add(time.Hour), at.Add(time.Hour), at.Add(time.Hour))
	register(t, s, "w", "late@example.org")
	now := at.Add(2 * time.Hour)
	planAll(t, s, now)
	got := sqlAll(t, s, `SELECT n.kind || ' ' || n.occasion FROM convened.notices n JOIN convened.registrations r ON r.id = n.registration WHERE r.email = 'late@example.org' ORDER BY 1`)
	want := []string{"confirmation 1", "reminder " + convened.Occasion{Key: "catch", Start: e.Starts, Ordinal: 2}.String()}
	if !slices.Equal(got, want) {
		t.Errorf("the late one gets %q, want %q", got, want)
	}
}

func TestAnEventEditedMeanwhileIsNotPlanned(t *testing.T) {
	t.Parallel()
	s := open(t)
	e := apply(t, s, webinar("w"), early)
	edited := *e
	edited.Description = convened.Text{"en": "more"}
	apply(t, s, &edited, early)
	_, err := s.PlanOccasion(t.Context(), early, convened.OccasionPlan{Event: "w", Revision: e.Revision, Kind: convened.ReminderKind, Occasion: convened.Occasion{Key: "before 24h", Start: e.Starts, Ordinal: 1, At: early}})
	if err == nil || !strings.Contains(err.Error(), convened.ErrEdited.Error()) {
		t.Errorf("planning for the old revision: %v, want %v", err, convened.ErrEdited)
	}
}

func TestApplyRefusesWhatSomebodyElseEdited(t *testing.T) {
	t.Parallel()
	s := open(t)
	e := apply(t, s, webinar("w"), early)
	apply(t, s, e, early)
	if _, err := s.Apply(t.Context(), Edit{Event: e, OverAt: e.Ends, At: early}); err == nil || !strings.Contains(err.Error(), convened.ErrEdited.Error()) {
		t.Errorf("applying an old revision: %v, want %v", err, convened.ErrEdited)
	}
}

func TestPeopleAreToldOfAChangeOnlyIfTheyWereToldBefore(t *testing.T) {
	t.Parallel()
	s := open(t)
	e := apply(t, s, webinar("w"), early)
	register(t, s, "w", "told@example.org", "waiting@example.org")
	planAll(t, s, early)
	for _, c := range claim(t, s, early) {
		if c.Registration.Email == "told@example.org" {
			mark(t, s, c)
			settle(t, s, c, convened.Sent, early)
		} else if err := s.GiveBack(t.Context(), []*convened.Claim{c}); err != nil {
			t.Fatal(err)
		}
	}
	moved := *e
	moved.StartsLocal.Hour, moved.EndsLocal.Hour = 17, 18
	if err := moved.Derive(); err != nil {
		t.Fatal(err)
	}
	now := early.Add(time.Hour)
	if _, err := s.Apply(t.Context(), Edit{Event: &moved, Raises: true, Moved: true, Notify: convened.Update, DueAt: now, OverAt: moved.Ends, At: now}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := s.PlanChanges(t.Context(), now); err != nil {
			t.Fatal(err)
		}
	}
	got := sqlAll(t, s, `SELECT r.email || ' ' || n.occasion FROM convened.notices n JOIN convened.registrations r ON r.id = n.registration WHERE n.kind = 'update'`)
	if !slices.Equal(got, []string{"told@example.org 1"}) {
		t.Errorf("updates are %q, want one, to who was told", got)
	}
	for _, c := range claim(t, s, now) {
		if c.Notice.Kind == convened.Update && (c.Was == nil || c.Was.StartsLocal.Hour != 16 || c.Event.StartsLocal.Hour != 17 || c.Told != 0 || c.Sequence() != 1) {
			t.Errorf("the update knows was %+v, told %d, sequence %d", c.Was, c.Told, c.Sequence())
		}
	}
}
