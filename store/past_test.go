package store

import (
	"database/sql"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/lib/pq"
)

// past makes a database in which everything is over: an event of some hundred people,
// with all that they were sent.
func past(t *testing.T) *Store {
	t.Helper()
	s := crowd(t, 500)
	sqlExec(t, s, `UPDATE convened.notices SET state = 'sent', sent_at = $1, marked_at = $1, attempt = 1`, early)
	sqlExec(t, s, `INSERT INTO convened.notices (registration, event, kind, occasion, state, priority, instant, due_at, planned_at, attempt, marked_at, sent_at)
		SELECT id, 'w', 'reminder', 'r' || i, 'sent', 2, $1, $1, $1, 1, $1, $1 FROM convened.registrations, generate_series(1, 40) i`, early)
	sqlExec(t, s, `INSERT INTO convened.attempts (notice, attempt, at, state) SELECT id, 1, $1, 'sent' FROM convened.notices`, early)
	sqlExec(t, s, `UPDATE convened.events SET over_at = $1`, early)
	sqlExec(t, s, `ANALYZE convened.notices, convened.registrations, convened.attempts`)
	return s
}

// What a daemon asks again and again must cost what there is to do, and what a person
// asks what is shown, after ten years as on the first day.
func TestNothingThatIsAskedAgainAndAgainReadsThePast(t *testing.T) {
	t.Parallel()
	s := past(t)
	soon := early.Add(time.Minute)
	for name, args := range map[string][]any{
		// The tick, and what runs beside it.
		"open_events": {soon}, "due_changes": {soon}, "take_unplanned": {StepSize}, "occasions_of": {"w"}, "next_due": nil, "expire": {soon},
		"dead_daemons": {0, lockBase}, "claim": {soon, 100, 0, 60000}, "overdue": {0}, "may_claim": nil, "witness": {0, lockBase},
		// The metrics, the status and what systemd is told.
		"queue": nil, "waiting_registrations": nil, "list_held": {"", true}, "anything_to_send": nil, "list_daemons": {lockBase},
		// The housekeeping.
		"outlived_registrations": {soon, eraseStep},
		// The lists of events.
		"list_events": {soon}, "count_taken": {pq.Array([]string{"w", "x"})}, "count_notices": {pq.Array([]string{"w", "x"})},
	} {
		var plan []string
		if err := s.txWith(t.Context(), counting, "explain", func(tx *sql.Tx) error { // whatever it believes of tables that are this small
			plan = nil
			return each(t.Context(), tx, `EXPLAIN `+stmt(name), args, func(rows *sql.Rows) error {
				var line string
				err := rows.Scan(&line)
				plan = append(plan, line)
				return err
			})
		}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for i, line := range plan {
			// An index from end to end is no better than its table.
			whole := wholeIndex.MatchString(line) && (i+1 == len(plan) || !strings.Contains(plan[i+1], "Index Cond"))
			if whole || wholeTable.MatchString(line) {
				t.Errorf("%s reads from end to end: %s\n%s", name, strings.TrimSpace(line), strings.Join(plan, "\n"))
			}
		}
	}
}

// What grows for ever, and the indexes of it that do.
var (
	wholeTable = regexp.MustCompile(`Seq Scan on (notices|registrations|attempts|revisions)`)
	wholeIndex = regexp.MustCompile(`using (\w+_pkey|notices_once|notices_event|notices_fuse|registrations_(uid|seat|seat_no|address|search)) on (notices|registrations|attempts|revisions)`)
)

// Erasing what is kept for too long ends, and comes back for what came since.
func TestWhoRegisteredAgainOrWasNotPlannedIsErasedInTimeToo(t *testing.T) {
	t.Parallel()
	s, e, _ := told(t, "ana@example.org", "bo@example.org")
	register(t, s, "w", "Ana@example.org")
	planAll(t, s, early)
	register(t, s, "w", "cem@example.org")
	after := e.Ends.Add(time.Second)
	for _, want := range []int{4, 0} {
		if n, err := s.EraseOutlived(t.Context(), early, after); err != nil || n != want {
			t.Fatalf("%d were erased, %v; want %d", n, err, want)
		}
	}
	register(t, s, "w", "ana@example.org", "ANA@example.org")
	planAll(t, s, after)
	for _, want := range []int{2, 0} {
		if n, err := s.EraseOutlived(t.Context(), after, after); err != nil || n != want {
			t.Fatalf("of those who came late %d were erased, %v; want %d", n, err, want)
		}
	}
	if left := sqlAll(t, s, `SELECT email FROM convened.registrations WHERE email IS NOT NULL OR erased_at IS NULL`); len(left) > 0 {
		t.Errorf("there are still %s", fmt.Sprint(left))
	}
}

// A list counts what the rows say, of the events that are in it.
func TestAListCountsTheSeatsOfItsEvents(t *testing.T) {
	t.Parallel()
	s, e, seats := told(t, "ana@example.org", "bo@example.org", "cem@example.org")
	if _, err := s.GiveUp(t.Context(), early, "w", seats["bo@example.org"]); err != nil {
		t.Fatal(err)
	}
	register(t, s, "w", "ana@example.org", "dan@example.org")
	apply(t, s, webinar("x"), early)
	list, err := s.Events(t.Context(), e.Starts.Add(-time.Hour))
	if err != nil || len(list) != 2 || list[0].Registered+list[0].GivenUp+list[0].Waiting > 0 || list[0].Notices != nil {
		t.Fatalf("the list is %+v, %v", list, err)
	}
	if err := s.CountSeats(t.Context(), list); err != nil {
		t.Fatal(err)
	}
	if err := s.CountNotices(t.Context(), list); err != nil {
		t.Fatal(err)
	}
	for _, l := range list {
		got := fmt.Sprintf("%s: %d registered, %d gave up, %d wait, %v", l.Event.Slug, l.Registered, l.GivenUp, l.Waiting, l.Notices)
		want := "x: 0 registered, 0 gave up, 0 wait, map[]"
		if l.Event.Slug == "w" {
			want = "w: 2 registered, 1 gave up, 2 wait, map[cancellation:map[planned:1] confirmation:map[sent:3]]"
		}
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
