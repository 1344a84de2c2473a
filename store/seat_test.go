package store

import (
	"errors"
	"testing"
	"time"

	"convened"
)

func TestALinkFindsTheSeatAndItsEventAsTheyAreNow(t *testing.T) {
	t.Parallel()
	s, e, seats := told(t, "ana@example.org")
	ana := seats["ana@example.org"]
	if _, err := s.Mute(t.Context(), early, "w", ana); err != nil {
		t.Fatal(err)
	}
	e.JoinURL = "https://example.org/join"
	apply(t, s, e, early)
	r, got, err := s.SeatByID(t.Context(), ana)
	if err != nil {
		t.Fatal(err)
	}
	if r.ID != ana || r.Event != "w" || r.Email != "ana@example.org" || r.Name != "Ana" || !r.MutedAt.Equal(early) || r.UID == "" {
		t.Errorf("the seat is %+v", r)
	}
	if got.Slug != "w" || got.JoinURL != "https://example.org/join" || len(got.Reminders) != 2 {
		t.Errorf("its event is %+v", got)
	}
}

func TestALinkFindsNothingButASeat(t *testing.T) {
	t.Parallel()
	s, _, seats := told(t, "ana@example.org", "bo@example.org")
	register(t, s, "w", "ana@example.org", "new@example.org")
	repeated := sqlOne[convened.RegistrationID](t, s, `SELECT max(id) FROM convened.registrations WHERE email = 'ana@example.org'`)
	unplanned := sqlOne[convened.RegistrationID](t, s, `SELECT id FROM convened.registrations WHERE email = 'new@example.org'`)
	if _, err := s.Erase(t.Context(), early, "w", "bo@example.org", "bo@example.org"); err != nil {
		t.Fatal(err)
	}
	for what, id := range map[string]convened.RegistrationID{"nobody": 0, "unknown": 1 << 40, "not planned yet": unplanned, "erased": seats["bo@example.org"]} {
		if r, e, err := s.SeatByID(t.Context(), id); !errors.Is(err, ErrNotFound) || r != nil || e != nil {
			t.Errorf("%s: got %v, %v, %v", what, r, e, err)
		}
	}
	planAll(t, s, early.Add(time.Minute))
	if _, _, err := s.SeatByID(t.Context(), repeated); !errors.Is(err, ErrNotFound) {
		t.Errorf("a repetition: got %v", err)
	}
}

func TestAChoiceHoldsForLaterLettersAndSendsNone(t *testing.T) {
	t.Parallel()
	s, e, seats := told(t, "ana@example.org")
	ana := seats["ana@example.org"]
	for _, c := range []struct{ language, zone string }{{"es", "America/Mexico_City"}, {"fr", ""}, {"", ""}, {"es", "Asia/Tokyo"}} {
		if ok, err := s.Choose(t.Context(), "w", ana, c.language, c.zone); !ok || err != nil {
			t.Fatalf("choosing %v: %v, %v", c, ok, err)
		}
		r, _, err := s.SeatByID(t.Context(), ana)
		if err != nil {
			t.Fatal(err)
		}
		if r.Language != c.language || r.Zone != c.zone || r.Sequence != 0 {
			t.Errorf("after choosing %v the seat is %+v", c, r)
		}
	}
	if got := claim(t, s, early.Add(time.Hour)); len(got) != 0 {
		t.Errorf("%d letters follow from a choice", len(got))
	}
	at := starts.Add(-24 * time.Hour)
	planOccasion(t, s, e, "before 24h", 1, at, at, at)
	claims := claim(t, s, at)
	if len(claims) != 1 || claims[0].Registration.Language != "es" || claims[0].Registration.Zone != "Asia/Tokyo" {
		t.Errorf("the reminder is made of %+v", claims)
	}
	if _, err := s.Erase(t.Context(), at, "w", "ana@example.org", "ana@example.org"); err != nil {
		t.Fatal(err)
	}
	for what, id := range map[string]convened.RegistrationID{"erased": ana, "unknown": 1 << 40} {
		if ok, err := s.Choose(t.Context(), "w", id, "en", "UTC"); ok || err != nil {
			t.Errorf("a seat that is %s: %v, %v", what, ok, err)
		}
	}
}
