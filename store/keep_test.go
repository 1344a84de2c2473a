package store

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"convened"
)

// Notices have no foreign keys, and psql gets the same answers as if they had.
func TestNothingIsTakenAwayBeneathNotices(t *testing.T) {
	t.Parallel()
	s := crowd(t, 2)
	apply(t, s, webinar("empty"), early)
	register(t, s, "w", "unplanned@example.org")
	sqlExec(t, s, `INSERT INTO convened.returns (notice, at, kind) SELECT min(id), $1, 'soft' FROM convened.notices`, early)
	claim(t, s, early) // what is in hand counts as well
	for _, query := range []string{
		`DELETE FROM convened.registrations WHERE planned_at IS NOT NULL`,
		`TRUNCATE convened.registrations CASCADE`,
		`UPDATE convened.registrations SET id = DEFAULT WHERE id = (SELECT min(id) FROM convened.registrations)`,
		`WITH r AS (DELETE FROM convened.revisions WHERE event = 'w') DELETE FROM convened.events WHERE slug = 'w'`,
		`TRUNCATE convened.events CASCADE`,
		`DELETE FROM convened.notices`,
		`TRUNCATE convened.notices`,
		`INSERT INTO convened.notices (registration, event, kind, occasion, instant, due_at, planned_at) VALUES (4711, 'w', 'reminder', 'r', now(), now(), now())`,
		`INSERT INTO convened.notices (registration, event, kind, occasion, instant, due_at, planned_at) SELECT min(id), 'none', 'reminder', 'r', now(), now(), now() FROM convened.registrations`,
		`INSERT INTO convened.notices (event, kind, occasion, instant, due_at, planned_at) VALUES ('none', 'preflight', 'p', now(), now(), now())`,
		`UPDATE convened.notices SET registration = 4711`,
		`UPDATE convened.notices SET event = 'empty'`,
	} {
		if _, err := s.db.ExecContext(t.Context(), query); code(err) != "23503" {
			t.Errorf("%s: %v, want a violation of a foreign key (23503)", query, err)
		}
	}
	for _, query := range []string{
		`DELETE FROM convened.registrations WHERE planned_at IS NULL`,
		`DELETE FROM convened.notices WHERE id NOT IN (SELECT notice FROM convened.returns)`,
		`INSERT INTO convened.notices (registration, event, kind, occasion, instant, due_at, planned_at) SELECT min(id), 'w', 'reminder', 'r', now(), now(), now() FROM convened.registrations`,
	} {
		if _, err := s.db.ExecContext(t.Context(), query); err != nil {
			t.Errorf("%s: %v", query, err)
		}
	}
}

// A registration that is being planned while somebody deletes it is kept: the
// DELETE waits for the planner, and then sees what it did.
func TestADeletionWaitsForWhoPlans(t *testing.T) {
	t.Parallel()
	s := open(t)
	apply(t, s, webinar("w"), early)
	register(t, s, "w", "ana@example.org")
	for what, c := range map[string]struct{ plan, lose string }{
		"a registration": {`WITH p AS (UPDATE convened.registrations SET planned_at = now(), seat = id) INSERT INTO convened.notices (registration, event, kind, occasion, instant, due_at, planned_at)
			SELECT id, event, 'confirmation', '1', now(), now(), now() FROM convened.registrations`, `DELETE FROM convened.registrations`},
		"an event": {`WITH held AS MATERIALIZED (SELECT slug FROM convened.events FOR NO KEY UPDATE) INSERT INTO convened.notices (event, kind, occasion, instant, due_at, planned_at)
			SELECT slug, 'preflight', '1', now(), now(), now() FROM held`, `DELETE FROM convened.events`},
	} {
		tx, err := s.db.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.ExecContext(t.Context(), c.plan); err != nil {
			t.Fatal(err)
		}
		lost := make(chan error, 1)
		go func() {
			_, err := s.db.ExecContext(t.Context(), c.lose)
			lost <- err
		}()
		for !sqlOne[bool](t, s, `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query = $1)`, c.lose) {
			if len(lost) > 0 {
				t.Fatalf("the deletion of %s did not wait", what)
			}
			time.Sleep(time.Millisecond)
		}
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
		if err := <-lost; code(err) != "23503" || !strings.Contains(err.Error(), "is not to lose what other rows speak of") {
			t.Errorf("%s was deleted while it was planned: %v", what, err)
		}
	}
}

func TestNoticesFollowTheirEventToAnotherSlug(t *testing.T) {
	t.Parallel()
	s := crowd(t, 3)
	apply(t, s, webinar("other"), early)
	register(t, s, "other", "else@example.org")
	planAll(t, s, early)
	if c, err := s.Claim(t.Context(), early, 1, time.Minute); err != nil || len(c) != 1 {
		t.Fatalf("%d claims, %v", len(c), err)
	}
	sqlExec(t, s, `UPDATE convened.events SET slug = 'renamed' WHERE slug = 'w'`)
	got := sqlAll(t, s, `SELECT n.event || ' ' || n.state || ' ' || count(*) FROM convened.notices n JOIN convened.registrations r ON r.id = n.registration AND r.event = n.event GROUP BY n.event, n.state ORDER BY 1`)
	if want := []string{"other planned 1", "renamed claimed 1", "renamed planned 2"}; !slices.Equal(got, want) {
		t.Errorf("there are %q, want %q", got, want)
	}
}

// What is in hand is not in the index of what an event has, and is counted all the same.
func TestWhatIsInHandIsCounted(t *testing.T) {
	t.Parallel()
	s := crowd(t, 5)
	if c, err := s.Claim(t.Context(), early, 2, time.Minute); err != nil || len(c) != 2 {
		t.Fatalf("%d claims, %v", len(c), err)
	}
	want := map[convened.State]int{convened.Planned: 3, convened.Claimed: 2}
	f, err := s.Figures(t.Context(), "w")
	if err != nil || len(f.Mails) != 1 || fmt.Sprint(f.Mails[0].States) != fmt.Sprint(want) {
		t.Errorf("the figures are %+v, %v; want %v", f.Mails, err, want)
	}
	if got := sqlOne[int](t, s, stmt("count_confirmations"), "w"); got != 5 {
		t.Errorf("%d confirmations, want 5", got)
	}
	if got := sqlAll(t, s, `SELECT state || ' ' || count FROM (`+stmt("count_notices")+`) c ORDER BY 1`, array([]string{"w"})); !slices.Equal(got, []string{"claimed 2", "planned 3"}) {
		t.Errorf("the list of events counts %q", got)
	}
	if got := sqlAll(t, s, `SELECT state FROM (`+stmt("waiting_notices")+`) AS w (a, b, c, d, state, f, g, h, i, j, k, l) ORDER BY 1`, "w", 0); len(got) != 5 || got[0] != "claimed" {
		t.Errorf("%q are waiting", got)
	}
}

// A mark looks its notices up by id, however many somebody else has in hand.
func TestAMarkReadsNothingThatOthersHaveInHand(t *testing.T) {
	t.Parallel()
	s := crowd(t, 500)
	sqlExec(t, s, `ANALYZE convened.notices, convened.registrations`) // it believes that nothing is in hand
	claims := claim(t, s, early)
	c := claims[0]
	var plan string
	if err := s.txWith(t.Context(), marking, "explain", func(tx *sql.Tx) error {
		plan = ""
		return each(t.Context(), tx, `EXPLAIN `+stmt("mark"), []any{array([]int64{int64(c.Notice.ID)}), array([]int64{1}), array([]string{"m@example.org"}), array([]int64{1}), array([]int64{0}), 60000, array([]string{"w"}), 0},
			func(rows *sql.Rows) error {
				var line string
				err := rows.Scan(&line)
				plan += line + "\n"
				return err
			})
	}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(plan, "notices_pkey") || strings.Contains(plan, "notices_leased") {
		t.Errorf("a mark does not lean on the notices' ids alone:\n%s", plan)
	}
}

// Which daemons hold claims is asked without what the asking one holds, and those
// before and after it are found.
func TestTheDeadAreFoundOnEitherSideOfWhoAsks(t *testing.T) {
	t.Parallel()
	s := crowd(t, 6)
	daemons := make([]*Store, 3)
	for i := range daemons {
		daemons[i] = openURL(t, s.direct)
		if _, err := daemons[i].Register(t.Context(), Daemon{Name: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
		if c, err := daemons[i].Claim(t.Context(), early, 2, time.Minute); err != nil || len(c) != 2 {
			t.Fatalf("%d claims, %v", len(c), err)
		}
	}
	// None of them has a session that holds its lock.
	r, err := daemons[1].Recover(t.Context(), early, convened.Doubt{})
	if err != nil || r.GivenBack != 4 {
		t.Errorf("recovered %+v, %v; want the four of the first and the third", r, err)
	}
	if got := sqlAll(t, s, `SELECT d.name || ' ' || count(*) FROM convened.notices n JOIN convened.daemons d ON d.id = n.claimed_by WHERE n.state = 'claimed' GROUP BY d.name`); !slices.Equal(got, []string{"1 2"}) {
		t.Errorf("still in hand: %q", got)
	}
}
