package store

import (
	"slices"
	"strings"
	"testing"
	"time"

	"convened"
)

// told applies an event with people who have their confirmations.
func told(t *testing.T, emails ...string) (*Store, *convened.Event, map[string]convened.RegistrationID) {
	t.Helper()
	s := open(t)
	e := apply(t, s, webinar("w"), early)
	register(t, s, "w", emails...)
	planAll(t, s, early)
	for _, c := range claim(t, s, early) {
		mark(t, s, c)
		settle(t, s, c, convened.Sent, early)
	}
	seats := map[string]convened.RegistrationID{}
	for _, email := range emails {
		seats[email] = sqlOne[convened.RegistrationID](t, s, `SELECT id FROM convened.registrations WHERE email = $1`, email)
	}
	return s, e, seats
}

func TestWhoGivesUpTheSeatGetsACancellationAndNothingElse(t *testing.T) {
	t.Parallel()
	s, e, seats := told(t, "ana@example.org", "bo@example.org")
	at := starts.Add(-24 * time.Hour)
	planOccasion(t, s, e, "before 24h", 1, at, at, at)
	for i, want := range []bool{true, false} {
		if left, err := s.GiveUp(t.Context(), at, "w", seats["ana@example.org"]); err != nil || left != want {
			t.Errorf("giving up, time %d: %v, %v", i+1, left, err)
		}
	}
	claims := claim(t, s, at)
	var got []string
	for _, c := range claims {
		got = append(got, string(c.Notice.Kind)+" to "+c.Registration.Email)
		if c.Registration.Email == "ana@example.org" && (c.Sequence() != 1 || !c.Off() || c.Registration.SequencedAt != at) {
			t.Errorf("the cancellation has SEQUENCE %d, off %v, revised %s", c.Sequence(), c.Off(), c.Registration.SequencedAt)
		}
	}
	if want := []string{"cancellation to ana@example.org", "reminder to bo@example.org"}; !slices.Equal(got, want) {
		t.Errorf("claimed %q, want %q", got, want)
	}
	if why := sqlOne[string](t, s, `SELECT reason FROM convened.notices WHERE state = 'cancelled'`); !strings.Contains(why, "cancelled") {
		t.Errorf("the reminder was dropped because %q", why)
	}
}

// The same UID, and SEQUENCE goes on.
func TestWhoRegistersAgainTakesUpTheSeat(t *testing.T) {
	t.Parallel()
	s, _, seats := told(t, "ana@example.org")
	uid := sqlOne[string](t, s, `SELECT uid FROM convened.registrations`)
	if _, err := s.GiveUp(t.Context(), early, "w", seats["ana@example.org"]); err != nil {
		t.Fatal(err)
	}
	register(t, s, "w", "ana@example.org")
	now := early.Add(time.Minute)
	if got := planAll(t, s, now); got.Revived != 1 || got.Seats != 0 {
		t.Errorf("planned %+v, want one seat revived", got)
	}
	for _, c := range claim(t, s, now) {
		if c.Notice.Kind == convened.Confirmation && (c.Registration.UID != uid || c.Sequence() != 2 || c.Off() || c.Notice.Occasion != "2") {
			t.Errorf("the new confirmation has UID %s, SEQUENCE %d, occasion %s; want %s, 2, 2", c.Registration.UID, c.Sequence(), c.Notice.Occasion, uid)
		}
	}
}

func TestWhoIsMutedKeepsTheSeatAndGetsNoReminders(t *testing.T) {
	t.Parallel()
	s, e, seats := told(t, "ana@example.org")
	at := starts.Add(-72 * time.Hour)
	if ok, err := s.Mute(t.Context(), early, "w", seats["ana@example.org"]); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if step := planOccasion(t, s, e, "catch", 1, at, at, at); step.Notices != 0 {
		t.Errorf("%d reminders for who is muted", step.Notices)
	}
	// Back again, this rule catches up.
	if ok, err := s.Unmute(t.Context(), at.Add(time.Hour), "w", seats["ana@example.org"]); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if n := sqlOne[int](t, s, `SELECT count(*) FROM convened.notices WHERE kind = 'reminder' AND state = 'planned'`); n != 1 {
		t.Errorf("%d reminders after unmuting, want the one that was missed", n)
	}
	if n := sqlOne[int](t, s, `SELECT seat_no FROM convened.registrations`); n != 2 {
		t.Errorf("the seat number is %d, want a new one", n)
	}
}

// No table holds what a person typed, nor what was made from it.
func TestErasingLeavesNothingPersonalAndKeepsTheCounts(t *testing.T) {
	t.Parallel()
	s, _, seats := told(t, "ana.secret@example.org", "bo@example.org")
	sqlExec(t, s, `INSERT INTO convened.registrations (event, email, name, source_ref) VALUES ('w', 'ANA.secret@example.org', 'Ana Secretname', 'ref-secret')`)
	planAll(t, s, early)
	sqlExec(t, s, `INSERT INTO convened.registrations (event, email, name) VALUES ('w', 'ana.SECRET@example.org', 'not planned yet')`)
	sqlExec(t, s, `UPDATE convened.notices SET last_error = '550 ana.secret@example.org unknown', message_id = 'secret@example.org' WHERE registration = $1`, seats["ana.secret@example.org"])
	sqlExec(t, s, `UPDATE convened.attempts SET reply = '550 ana.secret@example.org unknown' WHERE notice IN (SELECT id FROM convened.notices WHERE message_id = 'secret@example.org')`)
	uid := sqlOne[string](t, s, `SELECT uid FROM convened.registrations WHERE id = $1`, seats["ana.secret@example.org"])
	n, err := s.Erase(t.Context(), early, "w", "ana.secret@example.org", "ana.secret@example.org")
	if err != nil || n != 3 {
		t.Fatalf("erased %d, %v; want 3", n, err)
	}
	for _, table := range []string{"registrations", "notices", "attempts", "events", "revisions", "reminders", "changes", "daemons"} {
		for _, row := range sqlAll(t, s, `SELECT t::text FROM convened.`+table+` t`) {
			if strings.Contains(strings.ToLower(row), "secret") || strings.Contains(row, uid) {
				t.Errorf("%s still holds %s", table, row)
			}
		}
	}
	if seats := sqlOne[int](t, s, `SELECT count(*) FROM convened.registrations WHERE seat = id`); seats != 2 {
		t.Errorf("%d seats are counted, want 2", seats)
	}
	if got := planAll(t, s, early); got.Seats+got.Repeats+got.Revived+len(got.Held) > 0 {
		t.Errorf("what was erased before it was planned was planned: %+v", got)
	}
	if list := claim(t, s, early.Add(time.Hour)); len(list) != 0 {
		t.Errorf("%d notices are still to be sent", len(list))
	}
}

func TestWhatIsKeptForTooLongIsErased(t *testing.T) {
	t.Parallel()
	s, e, _ := told(t, "ana@example.org")
	if n, err := s.EraseOutlived(t.Context(), early, e.Ends); err != nil || n != 0 {
		t.Errorf("before its time: %d, %v", n, err)
	}
	if n, err := s.EraseOutlived(t.Context(), early, e.Ends.Add(time.Second)); err != nil || n != 1 {
		t.Errorf("after its time: %d, %v", n, err)
	}
	if n := sqlOne[int](t, s, `SELECT count(*) FROM convened.registrations WHERE email IS NULL AND erased_at IS NOT NULL`); n != 1 {
		t.Error("the address is still there")
	}
}

// Several edits within the quiet time are one mail, after the last.
func TestEditsWithinTheQuietTimeBecomeOneUpdate(t *testing.T) {
	t.Parallel()
	s, e, _ := told(t, "ana@example.org")
	edit := func(title string, at, due time.Time) {
		t.Helper()
		next := *e
		next.Title = convened.Text{"en": title}
		var err error
		if e, err = s.Apply(t.Context(), Edit{Event: &next, Raises: true, Notify: convened.Update, DueAt: due, OverAt: e.Ends, At: at}); err != nil {
			t.Fatal(err)
		}
	}
	edit("One", early, early.Add(2*time.Minute))
	edit("Two", early.Add(time.Minute), early.Add(3*time.Minute))
	if _, err := s.PlanChanges(t.Context(), early.Add(2*time.Minute)); err != nil {
		t.Fatal(err)
	}
	if list := claim(t, s, early.Add(2*time.Minute)); len(list) != 0 {
		t.Errorf("%d updates before the quiet time is over", len(list))
	}
	if _, err := s.PlanChanges(t.Context(), early.Add(3*time.Minute)); err != nil {
		t.Fatal(err)
	}
	list := claim(t, s, early.Add(3*time.Minute))
	if len(list) != 1 || list[0].Event.Title["en"] != "Two" || list[0].Was.Title["en"] != "Webinar" {
		t.Errorf("%d updates, the first from %+v to %+v", len(list), list[0].Was, list[0].Event.Title)
	}
}
