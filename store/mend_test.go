package store

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"convened"
)

// seatAt returns the seat of an address at the event w.
func seatAt(t *testing.T, s *Store, address string) *convened.Registration {
	t.Helper()
	r, err := s.Seat(t.Context(), "w", address)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// found returns whom a search finds, in its order.
func found(t *testing.T, s *Store, q Search) string {
	t.Helper()
	q.Event = "w"
	if q.Limit == 0 {
		q.Limit = 100
	}
	list, err := s.People(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range list {
		names = append(names, p.Email)
	}
	return strings.Join(names, " ")
}

func TestASearchFindsPartsOfNamesAndAddressesWithoutCaseAndAccents(t *testing.T) {
	t.Parallel()
	s := open(t)
	apply(t, s, webinar("w"), early)
	apply(t, s, webinar("other"), early)
	for email, name := range map[string]string{"ana@example.org": "Ana Díaz", "e@example.org": "Élodie LEFÈVRE", "odd%_\\.*@example.org": "O'Neill [x] (y)", "bo@example.org": ""} {
		sqlExec(t, s, `INSERT INTO convened.registrations (event, email, name) VALUES ('w', $1, $2)`, email, name)
		sqlExec(t, s, `INSERT INTO convened.registrations (event, email, name) VALUES ('other', $1, $2)`, email, name)
	}
	for _, planned := range []bool{false, true} {
		if planned {
			planAll(t, s, early)
		}
		for text, want := range map[string]string{
			"diaz": "ana@example.org", "DÍAZ": "ana@example.org", "diäz": "", "a d": "ana@example.org", "  ana   diaz ": "ana@example.org",
			"lefevre": "e@example.org", "élodie": "e@example.org", "elodie": "e@example.org", "eloodie": "",
			"%": "odd%_\\.*@example.org", "_": "odd%_\\.*@example.org", "\\": "odd%_\\.*@example.org", ".*@": "odd%_\\.*@example.org", "[x]": "odd%_\\.*@example.org", "o'n": "odd%_\\.*@example.org",
			"bo@": "bo@example.org", "nobody": "", "\x00": "",
		} {
			if got := found(t, s, Search{Text: text}); got != want {
				t.Errorf("planned %t: %q finds %q, want %q", planned, text, got, want)
			}
		}
		if got := strings.Count(found(t, s, Search{}), "@"); got != 4 {
			t.Errorf("planned %t: %d are listed, want 4", planned, got)
		}
	}
}

func TestPagesFollowEachOtherWithoutGapOrRepetition(t *testing.T) {
	t.Parallel()
	s := open(t)
	apply(t, s, webinar("w"), early)
	for i := range 7 {
		register(t, s, "w", fmt.Sprintf("p%d@example.org", i))
	}
	planAll(t, s, early)
	register(t, s, "w", "p0@example.org", "late@example.org") // a repetition, which is nobody new, and one not planned yet
	sqlExec(t, s, `UPDATE convened.registrations SET planned_at = now(), seat = 1 WHERE id = 8`)
	var got []string
	for before := convened.RegistrationID(0); ; {
		page, err := s.People(t.Context(), Search{Event: "w", Before: before, Limit: 3})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range page {
			got = append(got, p.Email)
			before = p.ID
		}
		if len(page) < 3 {
			break
		}
	}
	if want := "late@example.org p6@example.org p5@example.org p4@example.org p3@example.org p2@example.org p1@example.org p0@example.org"; strings.Join(got, " ") != want {
		t.Errorf("the pages are %s\nwant %s", strings.Join(got, " "), want)
	}
}

func TestASearchAsksHowItIsWithSomebody(t *testing.T) {
	t.Parallel()
	s := open(t)
	apply(t, s, webinar("w"), early)
	register(t, s, "w", "fine@x.org", "bad", "muted@x.org", "no@x.org", "left@x.org", "full@x.org")
	planAll(t, s, early)
	register(t, s, "w", "new@x.org")
	for _, step := range []struct{ set, who string }{{"muted_at", "muted@x.org"}, {"declined_at", "no@x.org"}, {"cancelled_at", "left@x.org"}} {
		sqlExec(t, s, `UPDATE convened.registrations SET `+step.set+` = now() WHERE email = $1`, step.who)
	}
	sqlExec(t, s, `UPDATE convened.notices SET state = 'refused', cause = 'policy' FROM convened.registrations r WHERE r.id = registration AND r.email = 'full@x.org'`)
	for standing, want := range map[Standing]string{
		Anyhow: "new@x.org full@x.org left@x.org no@x.org muted@x.org bad fine@x.org", IsRegistered: "new@x.org full@x.org no@x.org muted@x.org bad fine@x.org",
		IsWaiting: "new@x.org", HasFailed: "full@x.org bad", IsRefused: "bad", IsMuted: "muted@x.org", HasDeclined: "no@x.org", HasLeft: "left@x.org", "nonsense": "",
	} {
		if got := found(t, s, Search{Standing: standing}); got != want {
			t.Errorf("%q finds %q, want %q", standing, got, want)
		}
	}
	if got := len(Standings()); got != 7 {
		t.Errorf("%d standings can be asked for", got)
	}
}

func TestAWishToSendAgainComesTrueOnce(t *testing.T) {
	t.Parallel()
	s := open(t)
	apply(t, s, webinar("w"), early)
	register(t, s, "w", "ana@example.org")
	ctx := t.Context()
	ana := func() convened.RegistrationID { return seatAt(t, s, "ana@example.org").ID }
	if err := s.Resend(ctx, early, "w", 1, 0, "eva"); !errors.Is(err, NotPlanned) {
		t.Errorf("before it is planned: %v", err)
	}
	planAll(t, s, early)
	if err := s.Resend(ctx, early, "w", ana(), 1, "eva"); !errors.Is(err, Underway) {
		t.Errorf("while the first is on its way: %v", err)
	}
	c := claim(t, s, early)
	mark(t, s, c...)
	settle(t, s, c[0], convened.Sent, early)
	at := early.Add(time.Minute) // sooner than a form could
	for i, want := range []error{nil, SentSince} {
		if err := s.Resend(ctx, at, "w", ana(), 1, "eva"); !errors.Is(err, want) {
			t.Errorf("click %d: %v, want %v", i, err, want)
		}
	}
	if n, err := s.Confirmations(ctx, at, "w", ana()); err != nil || n != 2 {
		t.Errorf("there are %d confirmations, %v", n, err)
	}
	again := claim(t, s, at)
	if len(again) != 1 || again[0].Notice.Kind != convened.Confirmation || again[0].Notice.Occasion != "2" || again[0].Registration.UID != c[0].Registration.UID {
		t.Fatalf("what goes out is %+v", again)
	}
	h, err := s.History(ctx, ana())
	if err != nil || len(h.Notices) != 2 || h.Notices[1].LetGo != (LetGo{Resent, "eva", at}) || h.Notices[0].LetGo != (LetGo{}) {
		t.Errorf("the history says %+v, %v", h.Notices, err)
	}

	if err := s.Resend(ctx, at, "w", 4711, 0, "eva"); !errors.Is(err, ErrNotFound) {
		t.Errorf("of nobody: %v", err)
	}
	if err := s.Resend(ctx, starts.Add(2*time.Hour), "w", ana(), 2, "eva"); !errors.Is(err, EventOver) {
		t.Errorf("after the event: %v", err)
	}
	if _, err := s.GiveUp(ctx, at, "w", ana()); err != nil {
		t.Fatal(err)
	}
	if err := s.Resend(ctx, at, "w", ana(), 2, "eva"); !errors.Is(err, SeatLeft) {
		t.Errorf("after the seat was given up: %v", err)
	}
}

func TestAnAddressThatDidNotWorkGetsAnotherTryByAResend(t *testing.T) {
	t.Parallel()
	s := open(t)
	apply(t, s, webinar("w"), early)
	register(t, s, "w", "ana@example.org")
	planAll(t, s, early)
	c := claim(t, s, early)
	if _, err := s.Settle(t.Context(), []convened.Settlement{{Outcome: convened.Outcome{Notice: c[0].Notice.ID, Attempt: 1, State: convened.Refused, Cause: convened.CauseAddress,
		Code: 550, Enhanced: "5.1.1", Reply: "550 5.1.1 unknown", At: early}}}); err != nil {
		t.Fatal(err)
	}
	if got := found(t, s, Search{Standing: IsRefused}); got != "ana@example.org" {
		t.Fatalf("refused is %q", got)
	}
	if err := s.Resend(t.Context(), early.Add(time.Hour), "w", seatAt(t, s, "ana@example.org").ID, 1, "eva"); err != nil {
		t.Fatal(err)
	}
	if got := found(t, s, Search{Standing: IsRefused}); got != "" {
		t.Errorf("refused is still %q", got)
	}
	if got := claim(t, s, early.Add(time.Hour)); len(got) != 1 || got[0].Notice.Occasion != "2" {
		t.Errorf("what goes out is %+v", got)
	}
}

func TestACorrectedAddressGetsNothingFurtherAndTheRightOneEverything(t *testing.T) {
	t.Parallel()
	s := open(t)
	e := apply(t, s, webinar("w"), early)
	register(t, s, "w", "ana@exmple.org")
	planAll(t, s, early)
	c := claim(t, s, early)
	mark(t, s, c...)
	settle(t, s, c[0], convened.Sent, early) // somebody else reads it
	old := seatAt(t, s, "ana@exmple.org")
	at := early.Add(time.Hour)
	fresh, err := s.Correct(t.Context(), at, "w", old.ID, "ana@example.org", "eva")
	if err != nil {
		t.Fatal(err)
	}
	planAll(t, s, at)
	now := seatAt(t, s, "ana@example.org")
	if now.ID != fresh || now.UID == old.UID || now.Name != old.Name {
		t.Errorf("the new seat is %+v, the old one was %+v", now, old)
	}
	got := claim(t, s, at)
	if len(got) != 1 || got[0].Registration.ID != fresh || got[0].Notice.Kind != convened.Confirmation {
		t.Fatalf("what goes out is %+v", got)
	}
	// Neither a move nor the end of it reaches the stranger.
	if mark(t, s, got...) != 1 || !settle(t, s, got[0], convened.Sent, at) {
		t.Fatal("the confirmation did not go out")
	}
	off := *e
	off.Status = convened.EventIsOff
	if _, err := s.Apply(t.Context(), Edit{Event: &off, Raises: true, Notify: convened.Cancellation, DueAt: at, OverAt: e.Ends, At: at}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.PlanChanges(t.Context(), at); err != nil {
		t.Fatal(err)
	}
	if last := claim(t, s, at); len(last) != 1 || last[0].Registration.ID != fresh || last[0].Notice.Kind != convened.Cancellation {
		t.Errorf("of the cancellation goes out %+v", last)
	}
	list, err := s.CorrectionsOf(t.Context(), old.ID)
	want := Correction{old.ID, fresh, "ana@exmple.org", "ana@example.org", "eva", at}
	if err != nil || len(list) != 1 || list[0] != want {
		t.Errorf("the corrections of the old seat are %+v, %v", list, err)
	}
	if list, err := s.CorrectionsOf(t.Context(), fresh); err != nil || len(list) != 1 || list[0] != want {
		t.Errorf("the corrections of the new seat are %+v, %v", list, err)
	}
	if _, err := s.Correct(t.Context(), at, "w", old.ID, "x@example.org", "eva"); err == nil {
		t.Error("it is corrected twice")
	}
	// Who is forgotten is forgotten under both addresses.
	if n, err := s.Erase(t.Context(), at, "w", "ana@example.org", "ana@example.org"); err != nil || n != 2 {
		t.Errorf("%d registrations were erased, %v", n, err)
	}
	if n := sqlOne[int](t, s, `SELECT count(*) FROM convened.registrations WHERE search LIKE '%ana%' OR email IS NOT NULL`); n != 0 {
		t.Errorf("%d still say who it was", n)
	}
}

// What is in somebody's hand, rendered and not marked, does not leave any more.
func TestACorrectionOvertakesALetterThatIsNotMarked(t *testing.T) {
	t.Parallel()
	s := open(t)
	apply(t, s, webinar("w"), early)
	register(t, s, "w", "ana@exmple.org", "right@example.org")
	planAll(t, s, early)
	c := claim(t, s, early)
	old := seatAt(t, s, "ana@exmple.org")
	if _, err := s.Correct(t.Context(), early, "w", old.ID, "right@example.org", "eva"); err != nil {
		t.Fatal(err)
	}
	if n := mark(t, s, c...); n != 1 {
		t.Errorf("%d letters leave, want that of the other alone", n)
	}
	// The right address has a seat already: there is one of it.
	planAll(t, s, early)
	if n := sqlOne[int](t, s, `SELECT count(*) FROM convened.registrations WHERE event = 'w' AND seat = id AND cancelled_at IS NULL`); n != 1 {
		t.Errorf("%d seats are taken", n)
	}
	if list, err := s.CorrectionsOf(t.Context(), seatAt(t, s, "right@example.org").ID); err != nil || len(list) != 1 || list[0].From != old.ID {
		t.Errorf("the corrections are %+v, %v", list, err)
	}
}

func TestFailuresAreWhatIsWrongNow(t *testing.T) {
	t.Parallel()
	s := open(t)
	apply(t, s, webinar("w"), early)
	register(t, s, "w", "unknown1@x.org", "unknown2@x.org", "good@x.org", "no address", "full@x.org", "left@x.org", "later@x.org", "back@x.org", "doubt@x.org", "since@x.org")
	planAll(t, s, early)
	outcome := map[string]convened.Outcome{
		"unknown1@x.org": {State: convened.Refused, Cause: convened.CauseAddress, Code: 550, Enhanced: "5.1.1", Reply: "550 5.1.1 no such user one"},
		"unknown2@x.org": {State: convened.Refused, Cause: convened.CauseAddress, Code: 550, Enhanced: "5.1.1", Reply: "550 5.1.1 no such user two"},
		"left@x.org":     {State: convened.Refused, Cause: convened.CauseAddress, Code: 550, Enhanced: "5.1.1"},
		"full@x.org":     {State: convened.Refused, Cause: convened.CausePolicy, Code: 552, Enhanced: "5.2.2"},
		"later@x.org":    {State: convened.Planned, Cause: convened.CauseServer, Code: 451, Enhanced: "4.3.0", Reply: "451 4.3.0 later"},
		"doubt@x.org":    {State: convened.Unknown, Cause: convened.CauseDoubt},
		"since@x.org":    {State: convened.Refused, Cause: convened.CausePolicy, Code: 550, Enhanced: "5.7.1"},
	}
	for _, c := range claim(t, s, early) {
		o, known := outcome[c.Registration.Email]
		if !known {
			o = convened.Outcome{State: convened.Sent, Code: 250}
			mark(t, s, c)
		}
		o.Notice, o.Attempt, o.At = c.Notice.ID, c.Notice.Attempt, early
		if _, err := s.Settle(t.Context(), []convened.Settlement{{Outcome: o, DueAt: early.Add(time.Hour)}}); err != nil {
			t.Fatal(err)
		}
	}
	back := letterOf(t, s, "back@x.org")
	take(t, s, bounce(back, early))
	if _, err := s.GiveUp(t.Context(), early, "w", seatAt(t, s, "left@x.org").ID); err != nil {
		t.Fatal(err)
	}
	if err := s.Resend(t.Context(), early, "w", seatAt(t, s, "since@x.org").ID, 1, "eva"); err != nil {
		t.Fatal(err)
	}
	for _, c := range claim(t, s, early) {
		mark(t, s, c)
		settle(t, s, c, convened.Sent, early)
	}
	list, err := s.Failures(t.Context(), "w")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, f := range list {
		var who []string
		for _, x := range f.Examples {
			who = append(who, x.Email+" "+x.Words)
		}
		got[fmt.Sprintf("%t %s %s %d %s %t: %d of %d: %s", f.Returned, f.State, f.Cause, f.Code, f.Enhanced, f.Untried, f.Letters, f.People, strings.Join(who, "; "))] = true
	}
	for _, want := range []string{
		"false refused address 550 5.1.1 false: 2 of 2: unknown2@x.org 550 5.1.1 no such user two; unknown1@x.org 550 5.1.1 no such user one",
		"false refused address 0  true: 1 of 1: no address it has no @",
		"false refused policy 552 5.2.2 false: 1 of 1: full@x.org ",
		"false planned server 451 4.3.0 false: 1 of 1: later@x.org 451 4.3.0 later",
		"false unknown doubt 0  false: 1 of 1: doubt@x.org ",
	} {
		if !got[want] {
			t.Errorf("there is no %q in %v", want, got)
		}
		delete(got, want)
	}
	if len(got) != 1 || !list[len(list)-1].Returned && !strings.Contains(fmt.Sprint(got), "true sent") {
		t.Errorf("besides there is %v, want what came back alone", got)
	}
}
