package store

import (
	"database/sql"
	"strings"
	"testing"
	"time"

	"convened"
)

// The webinar of these tests: 25 November 2026, 16:00 in Brussels, 15:00 UTC.
var (
	starts = time.Date(2026, 11, 25, 15, 0, 0, 0, time.UTC)
	early  = starts.Add(-10 * 24 * time.Hour)
)

func webinar(slug string) *convened.Event {
	e := &convened.Event{Slug: slug, Title: convened.Text{"en": "Webinar"}, Language: "en", Zone: "Europe/Brussels", Status: convened.Scheduled,
		StartsLocal: convened.Wall{Year: 2026, Month: 11, Day: 25, Hour: 16}, EndsLocal: convened.Wall{Year: 2026, Month: 11, Day: 25, Hour: 17},
		Reminders: []convened.Reminder{
			{Key: "before 24h", Rule: "before 24h", Late: convened.Fold},
			{Key: "catch", Rule: "before 3 days", Late: convened.CatchUp},
		}}
	if err := e.Derive(); err != nil {
		panic(err)
	}
	return e
}

// apply writes an event as of a given instant.
func apply(t *testing.T, s *Store, e *convened.Event, at time.Time) *convened.Event {
	t.Helper()
	e, err := s.Apply(t.Context(), Edit{Event: e, OverAt: e.Ends.Add(7 * 24 * time.Hour), At: at})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// sqlExec runs a statement as somebody who is not the program.
func sqlExec(t *testing.T, s *Store, query string, args ...any) sql.Result {
	t.Helper()
	r, err := s.db.ExecContext(t.Context(), query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return r
}

// sqlOne reads one value.
func sqlOne[T any](t *testing.T, s *Store, query string, args ...any) T {
	t.Helper()
	var v T
	if err := s.db.QueryRowContext(t.Context(), query, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return v
}

// sqlAll reads one column.
func sqlAll(t *testing.T, s *Store, query string, args ...any) []string {
	t.Helper()
	rows, err := s.db.QueryContext(t.Context(), query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer func() { _ = rows.Close() }()
	list := []string{}
	for rows.Next() {
		var v string
		if err := rows.Scan(&v); err != nil {
			t.Fatal(err)
		}
		list = append(list, v)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}

// register inserts as a sign-up form does.
func register(t *testing.T, s *Store, event string, emails ...string) {
	t.Helper()
	for _, email := range emails {
		sqlExec(t, s, `INSERT INTO convened.registrations (event, email, name) VALUES ($1, $2, 'Ana')`, event, email)
	}
}

// planAll plans all newcomers at an instant, with the plainest idea of an address.
func planAll(t *testing.T, s *Store, now time.Time) convened.Seated {
	t.Helper()
	list, err := s.Newcomers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	byEvent := map[string][]convened.Newcomer{}
	for _, n := range list {
		n.Address = strings.ToLower(n.Email)
		if !strings.Contains(n.Email, "@") {
			n.Fault = "it has no @"
		}
		byEvent[n.Event] = append(byEvent[n.Event], n)
	}
	var all convened.Seated
	for event, list := range byEvent {
		done, err := s.PlanNewcomers(t.Context(), now, event, 0, list, 10*time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		all.Seats += done.Seats
		all.Repeats += done.Repeats
		all.Revived += done.Revived
	}
	return all
}

func claim(t *testing.T, s *Store, now time.Time) []*convened.Claim {
	t.Helper()
	list, err := s.Claim(t.Context(), now, 1000, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func mark(t *testing.T, s *Store, claims ...*convened.Claim) int {
	t.Helper()
	var marks []convened.Mark
	for _, c := range claims {
		marks = append(marks, convened.Mark{Notice: c.Notice.ID, Attempt: c.Notice.Attempt, Event: c.Event.Slug, MessageID: "m@example.org", Revision: c.Event.Revision, Sequence: c.Registration.Sequence})
	}
	ok, err := s.Mark(t.Context(), marks, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return len(ok)
}

func settle(t *testing.T, s *Store, c *convened.Claim, state convened.State, at time.Time) bool {
	t.Helper()
	took, err := s.Settle(t.Context(), []convened.Settlement{{DueAt: at, Outcome: convened.Outcome{Notice: c.Notice.ID, Attempt: c.Notice.Attempt, State: state, At: at, Code: 250, Reply: "ok"}}})
	if err != nil {
		t.Fatal(err)
	}
	return took[c.Notice.ID]
}
