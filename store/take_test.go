package store

import (
	"errors"
	"reflect"
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

// recorded notes an occasion and plans none of it: there is nobody yet whom its first
// step would be for.
func recorded(t *testing.T, s *Store, p convened.OccasionPlan) {
	t.Helper()
	sqlExec(t, s, `INSERT INTO convened.reminder_occasions (event, name, starts_at, ordinal, instant, recorded_at, upto_seat)
		SELECT slug, $2, $3, $4, $5, $5, seats FROM convened.events WHERE slug = $1`, p.Event, p.Occasion.Key, p.Occasion.Start, p.Occasion.Ordinal, p.Occasion.At)
}

func takeStep(t *testing.T, s *Store, now time.Time, p convened.OccasionPlan, limit int) ([]*convened.Claim, convened.Step) {
	t.Helper()
	claims, step, err := s.TakeOccasion(t.Context(), now, p, limit, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return claims, step
}

// Who composes can't tell what was taken from what was planned and claimed.
func TestWhatIsTakenIsAsIfItWereClaimed(t *testing.T) {
	t.Parallel()
	s, e, _ := told(t, "ana@example.org", "bo@example.org")
	sqlExec(t, s, `UPDATE convened.registrations SET name = 'Ana', language = 'fr', zone = 'America/Mexico_City', declined_at = $1 WHERE email = 'ana@example.org'`, early)
	at, p := occasion(e)
	recorded(t, s, p)
	taken, step := takeStep(t, s, at, p, 10)
	if len(taken) != 2 || step != (convened.Step{Notices: 2, Done: true}) {
		t.Fatalf("%d were taken, %+v", len(taken), step)
	}
	if err := s.GiveBack(t.Context(), taken); err != nil {
		t.Fatal(err)
	}
	claims := claim(t, s, at)
	if len(claims) != 2 {
		t.Fatalf("%d were claimed", len(claims))
	}
	for i, c := range claims {
		if c.Notice.Attempt != 2 || taken[i].Notice.Attempt != 1 {
			t.Errorf("attempts %d and %d, want 1 and 2", taken[i].Notice.Attempt, c.Notice.Attempt)
		}
		c.Notice.Attempt = 1
		if !reflect.DeepEqual(taken[i], c) {
			t.Errorf("taken   %+v\nclaimed %+v", taken[i], c)
		}
		if c.ThreadID == "" {
			t.Error("it answers to no confirmation")
		}
	}
}

func TestWhatIsTakenIsMarkedAndSettledLikeAnyClaim(t *testing.T) {
	t.Parallel()
	s, e, seats := told(t, "ana@example.org", "bo@example.org", "cem@example.org")
	at, p := occasion(e)
	recorded(t, s, p)
	claims, _ := takeStep(t, s, at, p, 3)
	if _, err := s.Mute(t.Context(), at, "w", seats["bo@example.org"]); err != nil {
		t.Fatal(err)
	}
	if n := mark(t, s, claims...); n != 2 {
		t.Errorf("%d were marked, want the two who still want it", n)
	}
	for _, c := range claims {
		if got, want := settle(t, s, c, convened.Sent, at), true; got != want {
			t.Errorf("notice %d was settled: %v", c.Notice.ID, got)
		}
	}
}

// Each seat is somebody's once, whoever takes it and whoever plans it.
func TestStepsThatAreTakenAndPlannedMeetNowhere(t *testing.T) {
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
	seen := map[convened.RegistrationID]bool{}
	for i, from := range []*Store{s, other, s, other} {
		claims, step := takeStep(t, from, at, p, 10)
		if len(claims) != 10 || step.Done {
			t.Errorf("step %d took %d, %+v", i+1, len(claims), step)
		}
		for _, c := range claims {
			if seen[c.Registration.ID] {
				t.Errorf("%d is taken twice", c.Registration.ID)
			}
			seen[c.Registration.ID] = true
		}
	}
	step, err := s.PlanOccasion(t.Context(), at, p)
	if err != nil || step != (convened.Step{Notices: 10, Done: true}) {
		t.Errorf("planning did %+v, %v, want the ten that are left", step, err)
	}
	if claims, step := takeStep(t, s, at, p, 10); len(claims) > 0 || step != (convened.Step{}) {
		t.Errorf("of what is planned %d were taken, %+v", len(claims), step)
	}
	if n := sqlOne[int](t, s, `SELECT count(DISTINCT registration) FROM convened.notices WHERE kind = 'reminder'`); n != 50 {
		t.Errorf("%d have a reminder, want 50", n)
	}
	if n := sqlOne[int](t, s, `SELECT notices FROM convened.reminder_occasions`); n != 50 {
		t.Errorf("the occasion says %d, want 50", n)
	}
}

func TestNothingIsTakenThatMayNotBe(t *testing.T) {
	t.Parallel()
	s, e, _ := told(t, "ana@example.org")
	at, p := occasion(e)
	if claims, step := takeStep(t, s, at, p, 10); len(claims) > 0 || step.Done {
		t.Errorf("of an occasion that nobody has recorded %d were taken, %+v", len(claims), step)
	}
	recorded(t, s, p)
	old := p
	old.Revision--
	if _, _, err := s.TakeOccasion(t.Context(), at, old, 10, time.Minute); !errors.Is(err, convened.ErrEdited) {
		t.Errorf("of an event that was edited: %v, want %v", err, convened.ErrEdited)
	}
	sqlExec(t, s, `INSERT INTO convened.service (quarantined_at, reason) VALUES (now(), 'a test') ON CONFLICT (sole) DO UPDATE SET quarantined_at = now(), reason = 'a test'`)
	if claims, step := takeStep(t, s, at, p, 10); len(claims) > 0 || step.Done {
		t.Errorf("in a quarantine %d were taken, %+v", len(claims), step)
	}
	sqlExec(t, s, `UPDATE convened.service SET quarantined_at = NULL, reason = NULL`)
	if claims, _ := takeStep(t, s, at, p, 10); len(claims) != 1 {
		t.Errorf("after it %d were taken, want 1", len(claims))
	}
}

func TestWhatWasTakenGoesBackWhenItsLeaseIsOver(t *testing.T) {
	t.Parallel()
	s, e, _ := told(t, "ana@example.org")
	at, p := occasion(e)
	recorded(t, s, p)
	claims, _ := takeStep(t, s, at, p, 10)
	sqlExec(t, s, `UPDATE convened.notices SET lease_until = now() - interval '1 second' WHERE state = 'claimed'`)
	done, err := s.Recover(t.Context(), at, convened.UsualDoubt())
	if err != nil || done.GivenBack != 1 {
		t.Errorf("recovered %+v, %v", done, err)
	}
	if n := mark(t, s, claims...); n != 0 {
		t.Error("a claim was marked whose lease was over")
	}
	if again := claim(t, s, at); len(again) != 1 || again[0].Notice.Attempt != 2 {
		t.Errorf("it is claimed again: %v", again)
	}
}
