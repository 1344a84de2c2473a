package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/lib/pq"

	"convened"
)

// sit holds an event's row until it is told to get up.
func sit(t *testing.T, s *Store, event string) (up func()) {
	t.Helper()
	tx, err := s.db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ExecContext(t.Context(), `UPDATE convened.events SET updated_at = updated_at WHERE slug = $1`, event); err != nil {
		t.Fatal(err)
	}
	return func() { _ = tx.Rollback() }
}

func TestAnEventThatSomebodySitsOnIsNeitherPlannedNorMarked(t *testing.T) {
	t.Parallel()
	s := open(t)
	apply(t, s, webinar("sat"), early)
	apply(t, s, webinar("free"), early)
	register(t, s, "sat", "ana@example.org")
	register(t, s, "free", "ben@example.org")
	planAll(t, s, early)
	claims := claim(t, s, early)
	if len(claims) != 2 {
		t.Fatalf("%d claims, want 2", len(claims))
	}
	up := sit(t, s, "sat")
	var marks []convened.Mark
	for _, c := range claims {
		marks = append(marks, convened.Mark{Notice: c.Notice.ID, Attempt: c.Notice.Attempt, Event: c.Event.Slug, MessageID: "m@example.org", Revision: c.Event.Revision, Sequence: c.Registration.Sequence})
	}
	ok, err := s.Mark(t.Context(), marks, time.Minute)
	if !errors.Is(err, convened.ErrBusy) {
		t.Errorf("marking says %v, want that it is busy", err)
	}
	for _, c := range claims {
		if want := c.Event.Slug == "free"; ok[c.Notice.ID] != want {
			t.Errorf("the notice of %s is marked: %t, want %t", c.Event.Slug, ok[c.Notice.ID], want)
		}
	}
	register(t, s, "sat", "cleo@example.org")
	list, err := s.Newcomers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.PlanNewcomers(t.Context(), early, "sat", 0, list, time.Minute); !errors.Is(err, convened.ErrBusy) {
		t.Errorf("planning says %v, want that it is busy", err)
	}
	up()
	if got := planAll(t, s, early); got.Seats != 1 {
		t.Errorf("when the row is free %d seats are planned, want 1", got.Seats)
	}
	if ok, err := s.Mark(t.Context(), marks, time.Minute); err != nil || len(ok) != 1 {
		t.Errorf("when the row is free %d more are marked, %v, want the other one", len(ok), err)
	}
}

// A session is read-only because the database's default was that when it began.
// Who keeps it stays read-only when the default is not.
func TestASessionThatIsReadOnlyIsNotKept(t *testing.T) {
	t.Parallel()
	s := open(t)
	name := sqlOne[string](t, s, `SELECT current_database()`)
	readOnly := func(on bool) {
		sqlExec(t, s, fmt.Sprintf(`SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE; BEGIN READ WRITE; ALTER DATABASE %s SET default_transaction_read_only = %t; COMMIT`, pq.QuoteIdentifier(name), on))
	}
	readOnly(true)
	daemon := openURL(t, s.direct)
	st, err := daemon.Status(t.Context())
	if err != nil || !st.ReadOnly {
		t.Errorf("its status is read-only: %t, %v", st.ReadOnly, err)
	}
	if _, err := daemon.Register(t.Context(), Daemon{Name: "d"}); !errors.Is(err, ErrReadOnly) {
		t.Errorf("a write says %v, want that the database is read-only", err)
	}
	readOnly(false)
	if _, err := daemon.Register(t.Context(), Daemon{Name: "d"}); err != nil {
		t.Errorf("when it can be written to, a write says %v", err)
	}
}

func TestWhatIsWrongWithTheDatabaseIsSaidInShort(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want string
	}{
		{&pq.Error{Code: "53100"}, "the database's disk is full"},
		{&pq.Error{Code: "25006"}, "the database is read-only"},
		{&pq.Error{Code: "28P01"}, "the database refuses our login"},
		{&pq.Error{Code: "3D000"}, "the server has no such database"},
		{&pq.Error{Code: "57P03"}, "the database can't be reached"},
		{&pq.Error{Code: "55P03"}, "somebody else holds rows that we need in the database"},
		{&pq.Error{Code: "57014"}, "the database is too slow, or somebody holds what we need"},
		{&pq.Error{Code: "XX000"}, "the database does not do what is asked"},
		{sql.ErrConnDone, "the database does not do what is asked"},
	} {
		if got := InShort(fmt.Errorf("claim notices: %w", classify(c.err))); got != c.want {
			t.Errorf("%v in short: %q, want %q", c.err, got, c.want)
		}
	}
	gone := openURL(t, "postgres://nobody@127.0.0.1:1/nothing?sslmode=disable")
	if _, err := gone.ServerTime(context.Background()); InShort(err) != "the database can't be reached" {
		t.Errorf("%v in short: %q", err, InShort(err))
	}
}
