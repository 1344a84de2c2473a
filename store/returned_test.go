package store

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"convened"
)

// letterOf returns the notice and the seat of the confirmation of a person.
func letterOf(t *testing.T, s *Store, email string) Addressee {
	t.Helper()
	id := sqlOne[convened.NoticeID](t, s, `SELECT n.id FROM convened.notices n JOIN convened.registrations r ON r.id = n.registration WHERE r.email = $1 AND n.kind = 'confirmation'`, email)
	a, err := s.AddresseeOf(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func bounce(a Addressee, at time.Time) convened.Return {
	return convened.Return{Notice: a.Notice, Registration: a.Registration, At: at, Kind: convened.HardBounce, Action: "failed", Status: "5.1.1",
		Cause: convened.CauseAddress, Text: "550 5.1.1 <" + a.Address + "> unknown", Digest: []byte("d1"), Effect: convened.AddressMarked}
}

func take(t *testing.T, s *Store, r convened.Return) convened.Effect {
	t.Helper()
	effect, err := s.Return(t.Context(), "w", r)
	if err != nil {
		t.Fatal(err)
	}
	return effect
}

func TestAHardBounceMarksTheAddressAndDropsWhatWasPlanned(t *testing.T) {
	t.Parallel()
	s, e, _ := told(t, "ana@example.org", "bo@example.org")
	at := starts.Add(-24 * time.Hour)
	planOccasion(t, s, e, "before 24h", 1, at, at, at)
	ana := letterOf(t, s, "ana@example.org")
	if got := take(t, s, bounce(ana, at)); got != convened.AddressMarked {
		t.Errorf("the effect is %q", got)
	}
	claims := claim(t, s, at)
	if len(claims) != 1 || claims[0].Registration.Email != "bo@example.org" {
		t.Errorf("%d claims after the bounce, want the other's reminder alone", len(claims))
	}
	people, err := s.People(t.Context(), Search{Event: "w", Text: "ana@", Limit: 10})
	if err != nil || len(people) != 1 {
		t.Fatal(people, err)
	}
	if p := people[0]; !p.RefusedAt.Equal(at) || !strings.Contains(p.LastError, "5.1.1") || p.Confirmation != convened.Sent {
		t.Errorf("the list says refused %s, %q, confirmation %s", p.RefusedAt, p.LastError, p.Confirmation)
	}
	list, err := s.ReturnsOf(t.Context(), ana.Registration)
	if err != nil || len(list) != 1 || list[0].Effect != convened.AddressMarked || list[0].Status != "5.1.1" || list[0].Notice != ana.Notice {
		t.Errorf("the seat's returns are %+v, %v", list, err)
	}
	// Marked once is enough.
	again := bounce(ana, at.Add(time.Hour))
	again.Digest = []byte("d2")
	if got := take(t, s, again); got != convened.NoEffect {
		t.Errorf("the second bounce's effect is %q", got)
	}
}

// A bounce may have been wrong, or the mailbox be back: who asks gets a letter.
func TestWhoRegistersAgainIsWrittenToAgain(t *testing.T) {
	t.Parallel()
	s, e, _ := told(t, "ana@example.org")
	ana := letterOf(t, s, "ana@example.org")
	take(t, s, bounce(ana, early))
	register(t, s, "w", "ANA@example.org")
	planAll(t, s, early.Add(time.Hour))
	if p, err := s.People(t.Context(), Search{Event: "w", Text: "ana@", Limit: 1}); err != nil || !p[0].RefusedAt.IsZero() || p[0].LastError != "" {
		t.Errorf("the list says %+v, %v", p, err)
	}
	at := starts.Add(-24 * time.Hour)
	planOccasion(t, s, e, "before 24h", 1, at, at, at)
	var got []string
	for _, c := range claim(t, s, at) {
		got = append(got, string(c.Notice.Kind))
	}
	if strings.Join(got, ", ") != "confirmation, reminder" {
		t.Errorf("claimed %q, want a confirmation and the reminder", got)
	}
}

func TestTheSameMailDeliveredTwiceIsOneReturn(t *testing.T) {
	t.Parallel()
	s, _, _ := told(t, "ana@example.org")
	ana := letterOf(t, s, "ana@example.org")
	for i, want := range []convened.Effect{convened.AddressMarked, convened.NoEffect} {
		if got := take(t, s, bounce(ana, early)); got != want {
			t.Errorf("delivery %d had the effect %q, want %q", i+1, got, want)
		}
	}
	if n := sqlOne[int](t, s, `SELECT count(*) FROM convened.returns`); n != 1 {
		t.Errorf("%d rows, want 1", n)
	}
}

// Who has one return path can send bounces to it for ever.
func TestOneLetterHasABoundedNumberOfReturns(t *testing.T) {
	t.Parallel()
	s, _, _ := told(t, "ana@example.org")
	ana := letterOf(t, s, "ana@example.org")
	for i := range maxReturns + 5 {
		r := bounce(ana, early)
		r.Kind, r.Effect, r.Digest = convened.SoftBounce, convened.NoEffect, fmt.Appendf(nil, "%d", i)
		take(t, s, r)
	}
	if n := sqlOne[int](t, s, `SELECT count(*) FROM convened.returns`); n != maxReturns {
		t.Errorf("%d rows, want %d", n, maxReturns)
	}
	if got := take(t, s, bounce(ana, early)); got != convened.AddressMarked {
		t.Errorf("a bounce of another kind had the effect %q", got)
	}
}

func TestBouncesOfOnePersonAtTheSameTimeDoNotLoseEachOther(t *testing.T) {
	t.Parallel()
	s, _, _ := told(t, "ana@example.org")
	ana := letterOf(t, s, "ana@example.org")
	effects := make([]convened.Effect, 12)
	var all sync.WaitGroup
	for i := range effects {
		all.Go(func() {
			r := bounce(ana, early)
			r.Digest = fmt.Appendf(nil, "%d", i)
			var err error
			if effects[i], err = s.Return(t.Context(), "w", r); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	marked := 0
	for _, e := range effects {
		if e == convened.AddressMarked {
			marked++
		}
	}
	if n := sqlOne[int](t, s, `SELECT count(*) FROM convened.returns`); n != len(effects) || marked != 1 {
		t.Errorf("%d rows and %d marks, want %d and 1", n, marked, len(effects))
	}
}

func TestAComplaintMutesTheRemindersAndKeepsTheSeat(t *testing.T) {
	t.Parallel()
	s, e, _ := told(t, "ana@example.org")
	at := starts.Add(-24 * time.Hour)
	planOccasion(t, s, e, "before 24h", 1, at, at, at)
	ana := letterOf(t, s, "ana@example.org")
	r := convened.Return{Notice: ana.Notice, Registration: ana.Registration, At: at, Kind: convened.Complaint, Action: "abuse", Digest: []byte("d"), Effect: convened.RemindersMuted}
	if got := take(t, s, r); got != convened.RemindersMuted {
		t.Errorf("the effect is %q", got)
	}
	if list := claim(t, s, at); len(list) != 0 {
		t.Errorf("%d letters are still to be sent", len(list))
	}
	seat, err := s.Seat(t.Context(), "w", "ana@example.org")
	if err != nil || !seat.MutedAt.Equal(at) || !seat.CancelledAt.IsZero() {
		t.Errorf("the seat is %+v, %v", seat, err)
	}
}

func TestAReportSettlesWhatWasInDoubt(t *testing.T) {
	t.Parallel()
	s := open(t)
	apply(t, s, webinar("w"), early)
	register(t, s, "w", "ana@example.org", "bo@example.org", "cy@example.org")
	planAll(t, s, early)
	for _, c := range claim(t, s, early) {
		mark(t, s, c)
		state := convened.Unknown
		if c.Registration.Email == "cy@example.org" {
			state = convened.Planned // a temporary error: it had not left
		}
		settle(t, s, c, state, early.Add(time.Minute))
	}
	// Bo's is decided to go out again, and has not gone yet.
	sqlExec(t, s, `UPDATE convened.notices n SET state = 'planned' FROM convened.registrations r WHERE r.id = n.registration AND r.email = 'bo@example.org'`)
	for _, email := range []string{"ana@example.org", "bo@example.org", "cy@example.org"} {
		a := letterOf(t, s, email)
		take(t, s, convened.Return{Notice: a.Notice, Registration: a.Registration, At: early.Add(time.Second), Kind: convened.Receipt, Action: "delivered", Digest: []byte(email)})
	}
	want := []string{"ana@example.org sent", "bo@example.org sent", "cy@example.org planned"}
	got := sqlAll(t, s, `SELECT r.email || ' ' || n.state FROM convened.notices n JOIN convened.registrations r ON r.id = n.registration ORDER BY 1`)
	if strings.Join(got, ", ") != strings.Join(want, ", ") {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestALetterIsFoundByItsNumberOnlyWithItsMessageID(t *testing.T) {
	t.Parallel()
	s, _, _ := told(t, "ana@example.org")
	ana := letterOf(t, s, "ana@example.org")
	if got, err := s.AddresseeOfCopy(t.Context(), ana.Notice, "m@example.org"); err != nil || got != ana {
		t.Errorf("with its Message-ID: %+v, %v; want %+v", got, err, ana)
	}
	for _, messageID := range []string{"", "n@example.org", "M@example.org", "m@example.org\x00"} {
		if got, err := s.AddresseeOfCopy(t.Context(), ana.Notice, messageID); !errors.Is(err, ErrNotFound) {
			t.Errorf("with %q: %+v, %v", messageID, got, err)
		}
	}
	// A letter that was never on its way has no Message-ID.
	sqlExec(t, s, `UPDATE convened.notices SET message_id = NULL`)
	if got, err := s.AddresseeOfCopy(t.Context(), ana.Notice, ""); !errors.Is(err, ErrNotFound) {
		t.Errorf("of none: %+v, %v", got, err)
	}
	if _, err := s.AddresseeOf(t.Context(), ana.Notice+1000); !errors.Is(err, ErrNotFound) {
		t.Errorf("of a notice that there is not: %v", err)
	}
}

func TestASeatIsFoundByItsInvitation(t *testing.T) {
	t.Parallel()
	s, _, seats := told(t, "ana@example.org")
	uid := sqlOne[string](t, s, `SELECT uid FROM convened.registrations`)
	for _, u := range []string{uid, strings.ToUpper(uid)} {
		if got, err := s.AddresseeOfInvitation(t.Context(), u); err != nil || got.Registration != seats["ana@example.org"] || got.Address != "ana@example.org" || got.Event != "w" {
			t.Errorf("%s is %+v, %v", u, got, err)
		}
	}
	for _, u := range []string{"", "test-" + uid, "x", strings.Replace(uid, "-", "", 1), "00000000-0000-4000-8000-000000000000"} {
		if got, err := s.AddresseeOfInvitation(t.Context(), u); !errors.Is(err, ErrNotFound) {
			t.Errorf("%q is %+v, %v", u, got, err)
		}
	}
}

func TestAnAnswerCountsUnlessALaterOneIsHere(t *testing.T) {
	t.Parallel()
	s, _, seats := told(t, "ana@example.org")
	seat := seats["ana@example.org"]
	answer := func(what string, effect convened.Effect, said time.Duration, want convened.Effect, declined bool) {
		t.Helper()
		r := convened.Return{Registration: seat, At: early.Add(time.Hour), Kind: convened.AnswerGiven, Action: what, Said: early.Add(said), Effect: effect,
			Digest: fmt.Appendf(nil, "%s %s", what, said)}
		if got := take(t, s, r); got != want {
			t.Errorf("%s at %s had the effect %q, want %q", what, said, got, want)
		}
		if got, err := s.Seat(t.Context(), "w", "ana@example.org"); err != nil || got.DeclinedAt.IsZero() == declined || !got.CancelledAt.IsZero() {
			t.Errorf("%s at %s: declined %s, cancelled %s, %v", what, said, got.DeclinedAt, got.CancelledAt, err)
		}
	}
	answer("declined", convened.SaidNo, 10*time.Minute, convened.SaidNo, true)
	answer("accepted", convened.SaidYes, 5*time.Minute, convened.NoEffect, true)    // overtaken
	answer("accepted", convened.SaidYes, 20*time.Minute, convened.SaidYes, false)   // thought better of it
	answer("tentative", convened.SaidYes, 21*time.Minute, convened.NoEffect, false) // no change
	answer("declined", convened.SaidNo, 10*24*time.Hour, convened.SaidNo, true)     // a clock that is ahead
	answer("accepted", convened.SaidYes, 2*time.Hour, convened.SaidYes, false)      // does not outvote it for ever
	// A claim knows it, and who registers again takes it back.
	answer("declined", convened.SaidNo, 3*time.Hour, convened.SaidNo, true)
	register(t, s, "w", "ana@example.org")
	planAll(t, s, early.Add(2*time.Hour))
	if got, err := s.Seat(t.Context(), "w", "ana@example.org"); err != nil || !got.DeclinedAt.IsZero() {
		t.Errorf("after registering again: %s, %v", got.DeclinedAt, err)
	}
}

func TestALetterAfterANoKnowsOfIt(t *testing.T) {
	t.Parallel()
	s, e, seats := told(t, "ana@example.org")
	at := starts.Add(-24 * time.Hour)
	take(t, s, convened.Return{Registration: seats["ana@example.org"], At: early.Add(time.Hour), Kind: convened.AnswerGiven, Action: "declined", Effect: convened.SaidNo})
	planOccasion(t, s, e, "before 24h", 1, at, at, at)
	claims := claim(t, s, at)
	if len(claims) != 1 || !claims[0].Registration.DeclinedAt.Equal(early.Add(time.Hour)) {
		t.Errorf("%d claims: %+v", len(claims), claims)
	}
}

// What came back of who was erased would bring the address back.
func TestErasingReachesWhatCameBackAndKeepsMoreFromBeingWritten(t *testing.T) {
	t.Parallel()
	s, _, _ := told(t, "ana.secret@example.org")
	ana := letterOf(t, s, "ana.secret@example.org")
	take(t, s, bounce(ana, early))
	if _, err := s.Erase(t.Context(), early, "w", "ana.secret@example.org", "ana.secret@example.org"); err != nil {
		t.Fatal(err)
	}
	for _, row := range sqlAll(t, s, `SELECT t::text FROM convened.returns t`) {
		if strings.Contains(row, "secret") || strings.Contains(row, `\\x`) {
			t.Errorf("it still holds %s", row)
		}
	}
	if got, err := s.AddresseeOf(t.Context(), ana.Notice); !errors.Is(err, ErrNotFound) {
		t.Errorf("the letter is still found: %+v, %v", got, err)
	}
	// One that was looked up before it was erased.
	late := bounce(ana, early)
	late.Digest = []byte("late")
	if got := take(t, s, late); got != convened.NoEffect {
		t.Errorf("the effect is %q", got)
	}
	if n := sqlOne[int](t, s, `SELECT count(*) FROM convened.returns`); n != 1 {
		t.Errorf("%d rows, want the one without a text", n)
	}
}

func TestWhatCameInIsCountedByTheDay(t *testing.T) {
	t.Parallel()
	s, _, _ := told(t, "ana@example.org")
	now, err := s.ServerTime(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := s.CountIncoming(t.Context(), now, "auto-reply"); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.CountIncoming(t.Context(), now.AddDate(0, 0, -8), "auto-reply"); err != nil {
		t.Fatal(err)
	}
	take(t, s, bounce(letterOf(t, s, "ana@example.org"), now))
	st, err := s.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(st.Incoming), "[{auto-reply 3} {hard 1}]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAnyOrganiserOfAnEventIsKnown(t *testing.T) {
	t.Parallel()
	s := open(t)
	e := webinar("w")
	e.Organizer.Email = "Events@example.org"
	apply(t, s, e, early)
	none := webinar("without")
	apply(t, s, none, early)
	for email, want := range map[string]bool{"events@EXAMPLE.org": true, "else@example.org": false, "": false} {
		if got, err := s.IsOrganizer(t.Context(), email); err != nil || got != want {
			t.Errorf("%q: %v, %v", email, got, err)
		}
	}
}
