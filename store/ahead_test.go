package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"convened"
)

// occasion is that of a reminder 24 hours before the start, for who has a seat by then.
func occasion(e *convened.Event) (at time.Time, p convened.OccasionPlan) {
	at = e.Starts.Add(-24 * time.Hour)
	return at, convened.OccasionPlan{Event: e.Slug, Revision: e.Revision, Kind: convened.ReminderKind, SeatedBy: at,
		Occasion: convened.Occasion{Key: "before 24h", Start: e.Starts, Ordinal: 1, At: at}}
}

// recorded notes an occasion and plans none of it yet.
func recorded(t *testing.T, s *Store, p convened.OccasionPlan) {
	t.Helper()
	sqlExec(t, s, `INSERT INTO convened.reminder_occasions (event, name, starts_at, ordinal, instant, recorded_at, upto_seat)
		SELECT slug, $2, $3, $4, $5, $5, seats FROM convened.events WHERE slug = $1`, p.Event, p.Occasion.Key, p.Occasion.Start, p.Occasion.Ordinal, p.Occasion.At)
}

func look(t *testing.T, s *Store, p convened.OccasionPlan, after, limit int) *convened.Ahead {
	t.Helper()
	a, err := s.NextSeats(t.Context(), p.Occasion.At, p, after, limit)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// marksOf makes a mark of each claim that was looked at.
func marksOf(a *convened.Ahead) []convened.Mark {
	var marks []convened.Mark
	for _, c := range a.Claims {
		marks = append(marks, convened.Mark{Notice: c.Notice.ID, Attempt: 1, Event: c.Event.Slug, MessageID: fmt.Sprintf("n%d@example.org", c.Notice.ID), Revision: c.Event.Revision, Sequence: c.Registration.Sequence})
	}
	return marks
}

func place(t *testing.T, s *Store, p convened.OccasionPlan, a *convened.Ahead, marks []convened.Mark) (map[convened.NoticeID]bool, convened.Step) {
	t.Helper()
	ok, step, err := s.PlanAhead(t.Context(), p.Occasion.At, p, a, marks, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return ok, step
}

// rowOf is what there is of a notice, but for its times.
func rowOf(t *testing.T, s *Store, id convened.NoticeID) string {
	t.Helper()
	return sqlOne[string](t, s, `SELECT concat_ws(' ', state, attempt, claimed_by, revision, sequence, message_id, priority, instant, due_at, planned_at, lease_until > now() AND lease_until < now() + interval '1 minute 1 second', marked_at IS NOT NULL)
		FROM convened.notices WHERE id = $1`, int64(id))
}

// Neither who composes nor who reads the rows can tell it from planning, claiming and marking.
func TestWhatIsPlannedAheadIsAsIfItWereClaimedAndMarked(t *testing.T) {
	t.Parallel()
	s, e, _ := told(t, "ana@example.org", "bo@example.org")
	sqlExec(t, s, `UPDATE convened.registrations SET name = 'Ana', language = 'fr', zone = 'America/Mexico_City', declined_at = $1 WHERE email = 'ana@example.org'`, early)
	at, p := occasion(e)
	recorded(t, s, p)
	a := look(t, s, p, -1, 10)
	if a == nil || len(a.Claims) != 2 || !a.Last || a.From != 0 || a.Upto != 2 {
		t.Fatalf("next are %+v", a)
	}
	marks := marksOf(a)
	ok, step := place(t, s, p, a, marks)
	if !ok[marks[0].Notice] || !ok[marks[1].Notice] || step != (convened.Step{Notices: 2, Done: true}) {
		t.Fatalf("%v may be sent, %+v", ok, step)
	}
	before := []string{rowOf(t, s, marks[0].Notice), rowOf(t, s, marks[1].Notice)}
	sqlExec(t, s, `UPDATE convened.notices SET state = 'planned', attempt = 0, claimed_by = NULL, lease_until = NULL, marked_at = NULL, revision = NULL, sequence = NULL, message_id = NULL WHERE kind = 'reminder'`)
	s.letGo([]Attempt{{marks[0].Notice, 1}, {marks[1].Notice, 1}})
	claims := claim(t, s, at)
	if len(claims) != 2 {
		t.Fatalf("%d were claimed", len(claims))
	}
	for i, c := range claims {
		if !reflect.DeepEqual(a.Claims[i], c) {
			t.Errorf("looked at %+v\nclaimed   %+v", a.Claims[i], c)
		}
		if c.ThreadID == "" {
			t.Error("it answers to no confirmation")
		}
	}
	if marked, err := s.Mark(t.Context(), marks, time.Minute); err != nil || len(marked) != 2 {
		t.Fatalf("%v were marked, %v", marked, err)
	}
	for i, m := range marks {
		if after := rowOf(t, s, m.Notice); after != before[i] {
			t.Errorf("planned ahead      %s\nclaimed and marked %s", before[i], after)
		}
	}
	for _, c := range claims {
		if !settle(t, s, c, convened.Sent, at) {
			t.Errorf("notice %d is not settled", c.Notice.ID)
		}
	}
}

// What changed between the look and the plan is seen by the plan.
func TestWhatIsNotTrueAnyMoreIsNotReady(t *testing.T) {
	t.Parallel()
	s, e, seats := told(t, "muted@example.org", "left@example.org", "renewed@example.org", "stays@example.org", "slow@example.org")
	_, p := occasion(e)
	recorded(t, s, p)
	a := look(t, s, p, -1, 10)
	if len(a.Claims) != 5 {
		t.Fatalf("next are %+v", a)
	}
	if _, err := s.Mute(t.Context(), early, "w", seats["muted@example.org"]); err != nil {
		t.Fatal(err)
	}
	if _, err := s.GiveUp(t.Context(), early, "w", seats["left@example.org"]); err != nil {
		t.Fatal(err)
	}
	sqlExec(t, s, `UPDATE convened.registrations SET sequence = sequence + 1 WHERE email = 'renewed@example.org'`)
	ok, step := place(t, s, p, a, marksOf(a)[:4]) // the last one's letter could not be made
	if step != (convened.Step{Notices: 3, Done: true}) {
		t.Errorf("the step is %+v, want three notices", step)
	}
	got := map[string]string{}
	for _, email := range []string{"muted@example.org", "left@example.org", "renewed@example.org", "stays@example.org", "slow@example.org"} {
		got[email] = sqlOne[string](t, s, `SELECT coalesce((SELECT n.state FROM convened.notices n WHERE n.registration = $1 AND n.kind = 'reminder'), 'none')`, int64(seats[email]))
	}
	want := map[string]string{"muted@example.org": "none", "left@example.org": "none", "renewed@example.org": "planned", "stays@example.org": "claimed", "slow@example.org": "planned"}
	if !reflect.DeepEqual(got, want) || len(ok) != 1 || !ok[a.Claims[3].Notice.ID] {
		t.Errorf("they are %v, want %v; %v may be sent", got, want, ok)
	}
}

// Each seat is planned for once, whoever looks and whoever is first.
func TestStepsThatAreLookedAtByTwoAreOnes(t *testing.T) {
	t.Parallel()
	s := crowd(t, 50)
	other := openURL(t, s.direct)
	for i, o := range []*Store{s, other} {
		if _, err := o.Register(t.Context(), Daemon{Name: string(rune('a' + i))}); err != nil {
			t.Fatal(err)
		}
	}
	e, err := s.Event(t.Context(), "w")
	if err != nil {
		t.Fatal(err)
	}
	at, p := occasion(e)
	recorded(t, s, p)
	mine, theirs := look(t, s, p, -1, 10), look(t, other, p, -1, 20)
	mineNext := look(t, s, p, mine.Upto, 10)
	if mineNext.From != 10 || mineNext.Upto != 20 || mineNext.Last {
		t.Errorf("next after ten are %+v", mineNext)
	}
	if ok, _ := place(t, s, p, mine, marksOf(mine)); len(ok) != 10 {
		t.Errorf("of the first step %d may be sent, want 10", len(ok))
	}
	if ok, step := place(t, other, p, theirs, marksOf(theirs)); len(ok) > 0 || step != (convened.Step{Lost: true}) {
		t.Errorf("of a step that the other was quicker with %d may be sent, %+v", len(ok), step)
	}
	theirs = look(t, other, p, -1, 10)
	if ok, _ := place(t, other, p, theirs, marksOf(theirs)); len(ok) != 10 {
		t.Errorf("looked at again, %d may be sent, want 10", len(ok))
	}
	if ok, step := place(t, s, p, mineNext, marksOf(mineNext)); len(ok) > 0 || step != (convened.Step{Lost: true}) {
		t.Errorf("of what is planned %d may be sent, %+v", len(ok), step)
	}
	step, err := s.PlanOccasion(t.Context(), at, p)
	if err != nil || step != (convened.Step{Notices: 30, Done: true}) {
		t.Errorf("planning did %+v, %v, want the thirty that are left", step, err)
	}
	if a := look(t, s, p, -1, 10); a != nil {
		t.Errorf("of what is planned the next are %+v", a)
	}
	if n := sqlOne[int](t, s, `SELECT count(DISTINCT registration) FROM convened.notices WHERE kind = 'reminder'`); n != 50 {
		t.Errorf("%d have a reminder, want 50", n)
	}
	if n := sqlOne[int](t, s, `SELECT notices FROM convened.reminder_occasions`); n != 50 {
		t.Errorf("the occasion says %d, want 50", n)
	}
}

// A step in which nobody gets anything is planned, and not lost to somebody else.
func TestAStepInWhichNobodyGetsAnythingIsPlanned(t *testing.T) {
	t.Parallel()
	s, e, _ := told(t, "ana@example.org", "bo@example.org", "cy@example.org")
	_, p := occasion(e)
	recorded(t, s, p)
	sqlExec(t, s, `UPDATE convened.registrations SET muted_at = now() WHERE seat_no <= 2`)
	first, second := look(t, s, p, -1, 2), look(t, s, p, 2, 2)
	if ok, step := place(t, s, p, first, marksOf(first)); len(ok) > 0 || step != (convened.Step{}) {
		t.Errorf("of two who want none %d may be sent, %+v", len(ok), step)
	}
	if ok, step := place(t, s, p, second, marksOf(second)); len(ok) != 1 || step != (convened.Step{Notices: 1, Done: true}) {
		t.Errorf("after them %d may be sent, %+v", len(ok), step)
	}
}

func TestNothingIsPlannedAheadThatMayNotBe(t *testing.T) {
	t.Parallel()
	s, e, _ := told(t, "ana@example.org")
	at, p := occasion(e)
	if a := look(t, s, p, -1, 10); a != nil {
		t.Errorf("of an occasion that nobody has recorded the next are %+v", a)
	}
	recorded(t, s, p)
	a := look(t, s, p, -1, 10)
	old := p
	old.Revision--
	if _, _, err := s.PlanAhead(t.Context(), at, old, a, marksOf(a), time.Minute); !errors.Is(err, convened.ErrEdited) {
		t.Errorf("of an event that was edited: %v, want %v", err, convened.ErrEdited)
	}
	sqlExec(t, s, `INSERT INTO convened.service (quarantined_at, reason) VALUES (now(), 'a test') ON CONFLICT (sole) DO UPDATE SET quarantined_at = now(), reason = 'a test'`)
	if b := look(t, s, p, -1, 10); b != nil {
		t.Errorf("in a quarantine the next are %+v", b)
	}
	if ok, step := place(t, s, p, a, marksOf(a)); len(ok) > 0 || step != (convened.Step{Lost: true}) {
		t.Errorf("in a quarantine %d may be sent, %+v", len(ok), step)
	}
	sqlExec(t, s, `UPDATE convened.service SET quarantined_at = NULL, reason = NULL`)
	// A crash of the server has taken back that the number was given out.
	sqlExec(t, s, `SELECT setval('convened.notices_id_seq', $1)`, int64(a.Claims[0].Notice.ID)-1)
	if ok, step := place(t, s, p, a, marksOf(a)); len(ok) > 0 || step != (convened.Step{Lost: true}) {
		t.Errorf("with a number that nobody gave out %d may be sent, %+v", len(ok), step)
	}
	again := look(t, s, p, -1, 10)
	if ok, _ := place(t, s, p, again, marksOf(again)); len(ok) != 1 {
		t.Errorf("looked at again, %d may be sent, want 1", len(ok))
	}
}

// The number of a notice that a crash took back may be somebody else's by now.
func TestANumberThatIsSomebodyElsesIsNotWrittenTo(t *testing.T) {
	t.Parallel()
	s, e, seats := told(t, "ana@example.org", "bo@example.org")
	at, p := occasion(e)
	recorded(t, s, p)
	a := look(t, s, p, -1, 1)
	sqlExec(t, s, `INSERT INTO convened.notices (id, registration, event, kind, occasion, instant, due_at, planned_at) OVERRIDING SYSTEM VALUE VALUES ($1, $2, 'w', 'update', '1', $3, $3, $3)`,
		int64(a.Claims[0].Notice.ID), int64(seats["bo@example.org"]), at)
	if ok, _, err := s.PlanAhead(t.Context(), at, p, a, marksOf(a), time.Minute); err == nil || len(ok) > 0 {
		t.Errorf("%v may be sent, %v", ok, err)
	}
	if list := claim(t, s, at); len(list) != 1 || list[0].Notice.Kind != convened.Update {
		t.Errorf("then %d are claimed, want bo's update", len(list))
	}
	again := look(t, s, p, -1, 10)
	if ok, step := place(t, s, p, again, marksOf(again)); len(ok) != 2 || !step.Done {
		t.Errorf("looked at again, %d may be sent, %+v", len(ok), step)
	}
}

// The reply to a commit may be lost: then nobody sends what was marked.
func TestWhatMayHaveBeenPlannedAheadIsGivenBack(t *testing.T) {
	t.Parallel()
	s, e, _ := told(t, "ana@example.org")
	at, p := occasion(e)
	recorded(t, s, p)
	a := look(t, s, p, -1, 10)
	if ok, _ := place(t, s, p, a, marksOf(a)); len(ok) != 1 {
		t.Fatal("it is not ready")
	}
	id := a.Claims[0].Notice.ID
	s.letGo([]Attempt{{id, 1}})
	s.steps = []Attempt{{id, 1}}
	if _, err := s.Recover(t.Context(), at, convened.UsualDoubt()); err != nil {
		t.Fatal(err)
	}
	if list := claim(t, s, at); len(list) != 1 || list[0].Notice.ID != id || list[0].Notice.Attempt != 2 {
		t.Errorf("then %d are claimed, want the same with another attempt", len(list))
	}
}

// unfinished plans a step ahead as far as its commit, which is under way when we hear of
// it no more; end lets it come about.
func unfinished(t *testing.T, s *Store, p convened.OccasionPlan, a *convened.Ahead) (end func()) {
	t.Helper()
	tx, err := s.db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback() })
	c := a.Claims[0]
	_, _, err = planStep(t.Context(), tx, p.Occasion.At, p, stmt("plan_occasion"), a.Upto-a.From, ready{from: sql.NullInt64{Int64: int64(a.From), Valid: true},
		ids: array([]int64{int64(c.Notice.ID)}), registrations: array([]int64{int64(c.Registration.ID)}), sequences: array([]int64{int64(c.Registration.Sequence)}), messages: array([]string{"m@example.org"}),
		daemon: s.id(), lease: time.Minute.Milliseconds(), revision: p.Revision, highest: int64(c.Notice.ID), count: sql.NullInt64{Int64: 1, Valid: true}})
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
	}
}

// A commit may go on when nobody is there any more to hear of it, and nobody sees its rows
// until it has ended. What it has claimed goes back all the same, and nobody else waits.
func TestAStepWhoseCommitOutlivesItsConnectionIsGivenBack(t *testing.T) {
	t.Parallel()
	s, e, _ := told(t, "ana@example.org")
	at, p := occasion(e)
	recorded(t, s, p)
	a := look(t, s, p, -1, 10)
	id := a.Claims[0].Notice.ID
	end := unfinished(t, s, p, a)
	s.steps = []Attempt{{id, 1}}
	if _, err := s.NextSeats(t.Context(), at, p, -1, 10); !errors.Is(err, convened.ErrBusy) {
		t.Errorf("the next look says %v, want %v", err, convened.ErrBusy)
	}
	if _, err := s.Recover(t.Context(), at, convened.UsualDoubt()); err != nil || len(s.steps) != 1 {
		t.Errorf("it is recovered while it is under way: %v, %v", s.steps, err)
	}
	if list := claim(t, s, at); len(list) != 0 {
		t.Errorf("%d are claimed while it is under way", len(list))
	}
	end()
	if _, err := s.Recover(t.Context(), at, convened.UsualDoubt()); err != nil || len(s.steps) != 0 {
		t.Errorf("it is not recovered: %v, %v", s.steps, err)
	}
	if list := claim(t, s, at); len(list) != 1 || list[0].Notice.ID != id || list[0].Notice.Attempt != 2 {
		t.Errorf("then %d are claimed, want the same with another attempt", len(list))
	}
}

// What a daemon that stops may have claimed does not wait for its lease.
func TestAStopGivesBackWhatMayBeClaimed(t *testing.T) {
	t.Parallel()
	s, _, a := ahead(t, 2)
	s.steps = []Attempt{{a.Claims[0].Notice.ID, 1}, {a.Claims[1].Notice.ID, 1}}
	if err := s.Stopped(t.Context(), "stopped"); err != nil {
		t.Fatal(err)
	}
	if n := sqlOne[int](t, s, `SELECT count(*) FROM convened.notices WHERE kind = 'reminder' AND state = 'planned'`); n != 2 {
		t.Errorf("%d went back, want 2", n)
	}
}

// A number that a crash took back and gave out again is whose it is now.
func TestANumberThatIsClaimedAgainIsNotGivenBackForAnothersSake(t *testing.T) {
	t.Parallel()
	s := open(t)
	apply(t, s, webinar("w"), early)
	register(t, s, "w", "ana@example.org")
	planAll(t, s, early)
	id := sqlOne[int64](t, s, `SELECT id FROM convened.notices`)
	s.steps = []Attempt{{convened.NoticeID(id), 1}}
	if list := claim(t, s, early); len(list) != 1 {
		t.Fatalf("%d are claimed", len(list))
	}
	if _, err := s.Recover(t.Context(), early, convened.UsualDoubt()); err != nil {
		t.Fatal(err)
	}
	if state := sqlOne[string](t, s, `SELECT state FROM convened.notices`); state != "claimed" {
		t.Errorf("the claim is %s: it was given back", state)
	}
}

// A failure may be a crash of the server, after which numbers are given out again.
func TestWhatWasLookedAtBeforeAFailureIsNotPlanned(t *testing.T) {
	t.Parallel()
	s, e, _ := told(t, "ana@example.org", "bo@example.org")
	at, p := occasion(e)
	recorded(t, s, p)
	first, second := look(t, s, p, -1, 1), look(t, s, p, 1, 1)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := s.PlanAhead(gone, at, p, first, marksOf(first), time.Minute); err == nil {
		t.Fatal("it did not fail")
	}
	for _, a := range []*convened.Ahead{first, second} {
		if ok, step, err := s.PlanAhead(t.Context(), at, p, a, marksOf(a), time.Minute); len(ok) > 0 || step != (convened.Step{}) || !errors.Is(err, convened.ErrStale) {
			t.Errorf("of what was looked at before %d may be sent, %+v, %v", len(ok), step, err)
		}
	}
	again := look(t, s, p, -1, 10)
	if len(s.steps) > 0 {
		t.Errorf("%v may still have been claimed", s.steps)
	}
	if ok, step := place(t, s, p, again, marksOf(again)); len(ok) != 2 || !step.Done {
		t.Errorf("looked at again, %d may be sent, %+v", len(ok), step)
	}
}

func TestWhatWasPlannedAheadIsInDoubtWhenItsLeaseIsOver(t *testing.T) {
	t.Parallel()
	s, e, _ := told(t, "ana@example.org")
	at, p := occasion(e)
	recorded(t, s, p)
	a := look(t, s, p, -1, 10)
	place(t, s, p, a, marksOf(a))
	sqlExec(t, s, `UPDATE convened.notices SET lease_until = now() - interval '1 second' WHERE state = 'claimed'`)
	done, err := s.Recover(t.Context(), at, convened.UsualDoubt())
	if err != nil || done.Doubtful != 1 {
		t.Errorf("recovered %+v, %v", done, err)
	}
}

// An organiser who watches a burst sees how many letters are still to come.
func TestABurstCountsThoseWhoHaveNoRowYet(t *testing.T) {
	t.Parallel()
	s := crowd(t, 50)
	e, err := s.Event(t.Context(), "w")
	if err != nil {
		t.Fatal(err)
	}
	_, p := occasion(e)
	recorded(t, s, p)
	a := look(t, s, p, -1, 10)
	place(t, s, p, a, marksOf(a))
	settle(t, s, a.Claims[0], convened.Sent, early)
	list, err := s.Bursts(t.Context(), "w")
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range list {
		if b.Kind == convened.ReminderKind {
			if b.Left != 49 || b.Of != 50 {
				t.Errorf("of the reminder %d of %d are left, want 49 of 50", b.Left, b.Of)
			}
			return
		}
	}
	t.Errorf("underway is %+v", list)
}

// ahead makes a database in which so many reminders are planned ahead, of people who were
// all sent a confirmation.
func ahead(t *testing.T, n int) (*Store, *convened.Event, *convened.Ahead) {
	t.Helper()
	var emails []string
	for i := range n {
		emails = append(emails, fmt.Sprintf("p%d@example.org", i))
	}
	s, e, _ := told(t, emails...)
	_, p := occasion(e)
	recorded(t, s, p)
	a := look(t, s, p, -1, n)
	if ok, _ := place(t, s, p, a, marksOf(a)); len(ok) != n {
		t.Fatalf("%v may be sent, want %d", ok, n)
	}
	return s, e, a
}

// What was claimed from the start is filed as sent, and whoever counts knows better.
func TestWhatIsPlannedAheadIsCountedAsInHand(t *testing.T) {
	t.Parallel()
	s, e, a := ahead(t, 3)
	settle(t, s, a.Claims[0], convened.Sent, early)
	counted := func(want ...string) {
		t.Helper()
		if got := sqlAll(t, s, `SELECT state || ' ' || count FROM (`+stmt("count_notices")+`) c WHERE kind = 'reminder' ORDER BY 1`, array([]string{"w"})); !slices.Equal(got, want) {
			t.Errorf("the list of events counts %q, want %q", got, want)
		}
	}
	counted("claimed 2", "sent 1")
	b, err := s.Backlog(t.Context())
	if err != nil || len(b.Queue) != 1 || b.Queue[0].State != convened.Claimed || b.Queue[0].Notices != 2 {
		t.Errorf("the backlog is %+v, %v", b.Queue, err)
	}
	left, err := s.Bursts(t.Context(), "w")
	if err != nil || len(left) != 1 || left[0].Left != 2 {
		t.Errorf("what is underway is %+v, %v", left, err)
	}
	if got := sqlAll(t, s, `SELECT state FROM (`+stmt("waiting_notices")+`) AS w (a, b, c, d, state, f, g, h, i, j, k, l)`, "w", 0); !slices.Equal(got, []string{"claimed", "claimed"}) {
		t.Errorf("%q are waiting", got)
	}
	if !sqlOne[bool](t, s, stmt("anything_to_send")) {
		t.Error("there is nothing to send")
	}
	// Their event takes them along.
	sqlExec(t, s, `UPDATE convened.events SET slug = 'renamed' WHERE slug = $1`, e.Slug)
	if n := sqlOne[int](t, s, `SELECT count(*) FROM convened.in_hand WHERE event = 'renamed'`); n != 2 {
		t.Errorf("%d in hand follow their event, want 2", n)
	}
	sqlExec(t, s, `UPDATE convened.events SET slug = 'w' WHERE slug = 'renamed'`)
	settle(t, s, a.Claims[1], convened.Sent, early)
	settle(t, s, a.Claims[2], convened.Sent, early)
	counted("sent 3")
}

// A step is known as long as anything of it is in hand, and nothing is in hand twice.
func TestWhatIsClaimedAnewIsNotAhead(t *testing.T) {
	t.Parallel()
	s, e, a := ahead(t, 3)
	at, _ := occasion(e)
	steps := func(want int) {
		t.Helper()
		if _, err := s.Recover(t.Context(), at, convened.UsualDoubt()); err != nil {
			t.Fatal(err)
		}
		if n := sqlOne[int](t, s, `SELECT count(*) FROM convened.steps_ahead`); n != want {
			t.Errorf("%d steps are known, want %d", n, want)
		}
	}
	settle(t, s, a.Claims[0], convened.Sent, at)
	settle(t, s, a.Claims[1], convened.Planned, at) // a temporary error
	steps(1)
	again := claim(t, s, at)
	if len(again) != 1 || again[0].Notice.ID != a.Claims[1].Notice.ID {
		t.Fatalf("%v were claimed", again)
	}
	if got := sqlAll(t, s, `SELECT id || ' ' || ahead FROM convened.in_hand ORDER BY id`); !slices.Equal(got, []string{fmt.Sprintf("%d false", a.Claims[1].Notice.ID), fmt.Sprintf("%d true", a.Claims[2].Notice.ID)}) {
		t.Errorf("in hand are %q", got)
	}
	settle(t, s, a.Claims[2], convened.Sent, at)
	steps(0)
	if n := sqlOne[int](t, s, `SELECT count(*) FROM convened.in_hand`); n != 1 {
		t.Errorf("%d in hand, want the one that was claimed anew", n)
	}
	mark(t, s, again[0])
	settle(t, s, again[0], convened.Sent, at)
	if n := sqlOne[int](t, s, `SELECT count(*) FROM convened.in_hand`); n != 0 {
		t.Errorf("%d are still in hand", n)
	}
}

// What a journal says never left goes back, of a step ahead, too; another daemon's numbers
// may lie between its own.
func TestWhatADeadDaemonHadAheadGoesBack(t *testing.T) {
	t.Parallel()
	s, _, a := ahead(t, 3)
	sqlExec(t, s, `UPDATE convened.notices SET claimed_by = claimed_by + 1000 WHERE id = $1`, int64(a.Claims[1].Notice.ID))
	done, err := s.SettleDead(t.Context(), early, Legacy{Daemon: s.id(), Complete: true, Dots: map[convened.NoticeID]int{a.Claims[0].Notice.ID: 1}})
	if err != nil || done != (Inherited{Doubtful: 1, Returned: 1}) {
		t.Fatalf("%+v, %v", done, err)
	}
	for i, want := range []string{"unknown", "claimed", "planned"} {
		if got := sqlOne[string](t, s, `SELECT state FROM convened.notices WHERE id = $1`, int64(a.Claims[i].Notice.ID)); got != want {
			t.Errorf("notice %d is %s, want %s", i, got, want)
		}
	}
}

// And of a step whose commit outlives the daemon what comes about goes back, too.
func TestTheStepThatADeadDaemonWasPlanningIsWaitedFor(t *testing.T) {
	t.Parallel()
	s, e, _ := told(t, "ana@example.org")
	_, p := occasion(e)
	recorded(t, s, p)
	a := look(t, s, p, -1, 10)
	end := unfinished(t, s, p, a)
	legacy := Legacy{Daemon: s.id(), Complete: true}
	if done, err := s.SettleDead(t.Context(), early, legacy); !errors.Is(err, convened.ErrBusy) {
		t.Errorf("while it is under way it is %+v, %v, want %v", done, err, convened.ErrBusy)
	}
	end()
	if done, err := s.SettleDead(t.Context(), early, legacy); err != nil || done != (Inherited{Returned: 1}) {
		t.Errorf("then it is %+v, %v", done, err)
	}
}

// The indexes have a letter that was ahead where they will have it when it was sent: no
// column that settle_sent.sql changes is in any of them, or says which rows they are for.
func TestToSettleWhatWasAheadChangesNoIndex(t *testing.T) {
	t.Parallel()
	s := open(t)
	indexed := sqlAll(t, s, `SELECT DISTINCT a.attname::text
		FROM pg_index i JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid
		JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = d.refobjsubid
		WHERE i.indrelid = 'convened.notices'::regclass ORDER BY 1`)
	if !slices.Contains(indexed, "filed") || !slices.Contains(indexed, "occasion") {
		t.Fatalf("the indexes have %q", indexed)
	}
	changed := regexp.MustCompile(`(?m)^(?:    SET|       ) (\w+) = `).FindAllStringSubmatch(stmt("settle_sent"), -1)
	if len(changed) < 5 {
		t.Fatalf("settle_sent changes %q", changed)
	}
	for _, c := range changed {
		// Of what leaves the wire well, the cause is null before and after.
		if slices.Contains(indexed, c[1]) && c[1] != "cause" {
			t.Errorf("an index has %s, which changes", c[1])
		}
	}
}

// Whoever had the notice of a step already does not get another, and nobody of the step is sent anything.
func TestAStepOfWhichANoticeIsThereIsLeftToPlanning(t *testing.T) {
	t.Parallel()
	s, e, seats := told(t, "ana@example.org", "bo@example.org")
	_, p := occasion(e)
	recorded(t, s, p)
	a := look(t, s, p, -1, 10)
	sqlExec(t, s, `INSERT INTO convened.notices (registration, event, kind, occasion, priority, instant, due_at, planned_at) VALUES ($1, 'w', 'reminder', $2, 2, $3, $3, $3)`,
		int64(seats["bo@example.org"]), p.Occasion.String(), p.Occasion.At)
	if ok, step := place(t, s, p, a, marksOf(a)); len(ok) != 0 || step != (convened.Step{Lost: true}) {
		t.Errorf("%v may be sent, %+v", ok, step)
	}
	if step, err := s.PlanOccasion(t.Context(), p.Occasion.At, p); err != nil || step != (convened.Step{Notices: 1, Done: true}) {
		t.Errorf("planned otherwise it is %+v, %v", step, err)
	}
}

// What the server says of many letters is written to each, whether it says the same of
// all or of all but one, and whether that is sent already.
func TestWhatIsSaidOfManyLettersIsWrittenToEach(t *testing.T) {
	t.Parallel()
	same := convened.Outcome{Attempt: 1, State: convened.Sent, Phase: "dot", Code: 250, Enhanced: "2.0.0", Reply: "2.0.0 ok"}
	for name, change := range map[string]func(*convened.Outcome){
		"all alike":     func(*convened.Outcome) {},
		"another code":  func(o *convened.Outcome) { o.Code = 252 },
		"no code":       func(o *convened.Outcome) { o.Code, o.Enhanced = 0, "" },
		"another reply": func(o *convened.Outcome) { o.Reply = `2.0.0 queued as "{4711,\\}"` },
		"another phase": func(o *convened.Outcome) { o.Phase = "data" },
		"nothing said":  func(o *convened.Outcome) { o.Enhanced, o.Reply = "", "" },
	} {
		for _, odd := range []int{0, 2} {
			s, _, a := ahead(t, 3)
			var list []convened.Settlement
			var want []string
			for i, c := range a.Claims {
				o := same
				if o.Notice, o.At = c.Notice.ID, early.Add(time.Duration(i)*time.Millisecond); i == odd {
					change(&o)
				}
				list = append(list, convened.Settlement{Outcome: o})
				code := ""
				if o.Code != 0 {
					code = strconv.Itoa(o.Code)
				}
				want = append(want, strings.Join([]string{"sent", code, o.Enhanced, strconv.Itoa(i), o.Phase, strconv.Itoa(o.Code), o.Enhanced, o.Reply}, "|"))
			}
			n := len(list)
			if odd > 0 { // the first is, and was logged
				if _, err := s.Settle(t.Context(), list[:1]); err != nil {
					t.Fatal(err)
				}
				n--
			}
			took, err := s.Settle(t.Context(), list)
			if err != nil || len(took) != n {
				t.Errorf("%s: %v were settled, %v, want %d", name, took, err, n)
			}
			got := sqlAll(t, s, `SELECT concat_ws('|', n.state, coalesce(n.last_code::text, ''), coalesce(n.last_enhanced, ''), (extract(epoch FROM n.sent_at - $1) * 1000)::int,
					a.phase, a.code, a.enhanced, a.reply) FROM convened.notices n JOIN convened.attempts a ON a.notice = n.id WHERE n.kind = 'reminder' AND n.sent_at = a.at AND n.settled_at = a.at ORDER BY n.id`, early)
			if !slices.Equal(got, want) {
				t.Errorf("%s at %d: they are %q, want %q", name, odd, got, want)
			}
		}
	}
}

// After a failover the number of a letter that has left may be somebody else's notice: what
// is known of the letter is not said of that. Who knows no more than the number is believed.
func TestWhatWasSentToSomebodyElseIsNotSaidOfANotice(t *testing.T) {
	t.Parallel()
	s, _, a := ahead(t, 4)
	ids := make([]int64, 4)
	var list []convened.Settlement
	for i, c := range a.Claims {
		ids[i] = int64(c.Notice.ID)
		o := convened.Outcome{Notice: c.Notice.ID, Attempt: 1, State: convened.Sent, At: early, Phase: "dot", Code: 250, Reply: "ok"}
		list = append(list, convened.Settlement{Outcome: o, Registration: []convened.RegistrationID{c.Notice.Registration, c.Notice.Registration + 1000, 0, c.Notice.Registration}[i]})
	}
	for range 2 {
		if _, err := s.Settle(t.Context(), list); err != nil {
			t.Fatal(err)
		}
		got := sqlAll(t, s, `SELECT n.state || ' ' || count(a.notice) FROM convened.notices n LEFT JOIN convened.attempts a ON a.notice = n.id WHERE n.id = ANY($1) GROUP BY n.id ORDER BY n.id`, array(ids))
		if want := []string{"sent 1", "claimed 0", "sent 1", "sent 1"}; !slices.Equal(got, want) {
			t.Errorf("they are %q, want %q", got, want)
		}
	}
	if took, err := s.Settle(t.Context(), list[1:2]); err != nil || len(took) != 0 {
		t.Errorf("alone it is taken: %v, %v", took, err)
	}
}

// What is said twice of an attempt is logged once, as it was said first.
func TestAnAttemptThatWasLoggedIsSettledAllTheSame(t *testing.T) {
	t.Parallel()
	s, _, a := ahead(t, 2)
	settle(t, s, a.Claims[0], convened.Unknown, early)
	took, err := s.Settle(t.Context(), []convened.Settlement{
		{Outcome: convened.Outcome{Notice: a.Claims[0].Notice.ID, Attempt: 1, State: convened.Sent, At: early, Code: 250}},
		{Outcome: convened.Outcome{Notice: a.Claims[1].Notice.ID, Attempt: 1, State: convened.Sent, At: early, Code: 250}}})
	if err != nil || len(took) != 2 {
		t.Fatalf("%v were settled, %v", took, err)
	}
	if got := sqlAll(t, s, `SELECT a.state || ' ' || n.state FROM convened.attempts a JOIN convened.notices n ON n.id = a.notice WHERE n.kind = 'reminder' ORDER BY a.notice`); !slices.Equal(got, []string{"unknown sent", "sent sent"}) {
		t.Errorf("the attempts are %q", got)
	}
}
