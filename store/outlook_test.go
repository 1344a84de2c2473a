package store

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"convened"
)

func plainly(n *convened.Newcomer) {
	if n.Address = strings.ToLower(n.Email); !strings.Contains(n.Email, "@") {
		n.Fault = "it has no @"
	}
}

func TestAnOutlookIsWhatPlanningLooksAt(t *testing.T) {
	t.Parallel()
	s, e, seats := told(t, "ana@example.org", "bo@example.org", "cy@example.org")
	s.fuse = 5
	at := starts.Add(-24 * time.Hour)
	planOccasion(t, s, e, "before 24h", 1, at, at, at)
	for _, c := range claim(t, s, at) {
		if c.Registration.Email == "ana@example.org" {
			mark(t, s, c)
			settle(t, s, c, convened.Sent, at)
		} else {
			settle(t, s, c, convened.Planned, at)
		}
	}
	if _, err := s.Mute(t.Context(), at, "w", seats["bo@example.org"]); err != nil { // drops the reminder that waits
		t.Fatal(err)
	}
	if _, err := s.GiveUp(t.Context(), at, "w", seats["cy@example.org"]); err != nil {
		t.Fatal(err)
	}
	register(t, s, "w", "CY@example.org", "nobody", "new@example.org")
	moved := *e
	moved.Title = convened.Text{"en": "Another"}
	if _, err := s.Apply(t.Context(), Edit{Event: &moved, Raises: true, Notify: convened.Update, DueAt: at.Add(2 * time.Minute), OverAt: e.Ends, At: at}); err != nil {
		t.Fatal(err)
	}
	o, err := s.Outlook(t.Context(), at, "w", "", plainly)
	if err != nil {
		t.Fatal(err)
	}
	if o.Event.Revision != 2 || o.Event.Title["en"] != "Another" || len(o.Event.Reminders) != 2 {
		t.Errorf("the event is %+v", o.Event)
	}
	if len(o.Recorded) != 1 || !o.Recorded[0].Planned || !o.Recorded[0].At.Equal(at) || !o.Recorded[0].RecordedAt.Equal(at) || o.Recorded[0].Upto != 3 || o.Recorded[0].Done != 3 {
		t.Errorf("recorded are %+v", o.Recorded)
	}
	if len(o.Changes) != 1 || o.Changes[0] != (convened.PendingChange{Sequence: 1, Kind: convened.Update, DueAt: at.Add(2 * time.Minute)}) {
		t.Errorf("changes to be told are %+v", o.Changes)
	}
	if o.Room != 5 { // the confirmations were planned days ago
		t.Errorf("the fuse lets %d through, want 5", o.Room)
	}
	if len(o.Seats) != 3 {
		t.Fatalf("%d seats, want 3", len(o.Seats))
	}
	ana, bo, cy := o.Seats[0], o.Seats[1], o.Seats[2]
	if ana.Email != "ana@example.org" || ana.Number != 1 || ana.FirstTold != 0 || ana.Told != 0 || !ana.SpokenAt.Equal(early) || ana.Confirmations != 1 || !ana.ConfirmedAt.Equal(early) || len(ana.Waiting) != 0 || len(ana.Reminded) != 0 {
		t.Errorf("who got everything is %+v", ana)
	}
	if !bo.MutedAt.Equal(at) || len(bo.Waiting) != 0 {
		t.Errorf("who is muted is %+v", bo)
	}
	if !cy.CancelledAt.Equal(at) || cy.Sequence != 1 || len(cy.Waiting) != 1 || cy.Waiting[0].Kind != convened.Cancellation || cy.Waiting[0].State != convened.Planned || len(cy.Reminded) != 1 {
		t.Errorf("who gave up and registers again is %+v", cy)
	}
	var arrivals []string
	for _, a := range o.Arrivals {
		arrivals = append(arrivals, a.Address+" "+a.Fault)
	}
	if want := []string{"cy@example.org ", "nobody it has no @", "new@example.org "}; !slices.Equal(arrivals, want) || o.Arrivals[0].Seat != cy.ID || o.Arrivals[1].Seat != 0 || o.Arrivals[2].Seat != 0 {
		t.Errorf("arrivals are %q, want %q, the first in seat %d: %+v", arrivals, want, cy.ID, o.Arrivals)
	}
	// In parts: each person once, and who is back is where the arrivals are.
	for size := 1; size <= 4; size++ {
		var parts []*convened.Outlook
		err := s.Outlooks(t.Context(), at, "w", size, plainly, func() { parts = nil }, func(o *convened.Outlook) { parts = append(parts, o) })
		if err != nil || len(parts) == 0 {
			t.Fatalf("in parts of %d: %d, %v", size, len(parts), err)
		}
		var people []convened.Seat
		for i, p := range parts {
			if people = append(people, p.Seats...); i > 0 && len(p.Arrivals) > 0 || p.Room != o.Room || len(p.Changes) != 1 || len(p.Recorded) != 1 {
				t.Errorf("part %d of %d each is %+v", i, size, p)
			}
		}
		if !reflect.DeepEqual(parts[0].Arrivals, o.Arrivals) || !slices.ContainsFunc(parts[0].Seats, func(s convened.Seat) bool { return s.ID == cy.ID }) {
			t.Errorf("the first part of %d each is %+v", size, parts[0])
		}
		slices.SortFunc(people, func(a, b convened.Seat) int { return int(a.ID - b.ID) })
		if !reflect.DeepEqual(people, o.Seats) {
			t.Errorf("in parts of %d the people are %+v, want %+v", size, people, o.Seats)
		}
	}
	// One person alone.
	one, err := s.Outlook(t.Context(), at, "w", "new@example.org", plainly)
	if err != nil || len(one.Seats) != 0 || len(one.Arrivals) != 1 || one.Room != 4 { // cy's confirmation goes first
		t.Errorf("of who is new: %+v, %v", one, err)
	}
	one, err = s.Outlook(t.Context(), at, "w", "cy@example.org", plainly)
	if err != nil || len(one.Seats) != 1 || one.Seats[0].ID != cy.ID || len(one.Seats[0].Waiting) != 1 || len(one.Arrivals) != 1 {
		t.Errorf("of who is back: %+v, %v", one, err)
	}
	if _, err := s.Outlook(t.Context(), at, "nothing", "", plainly); !errors.Is(err, ErrNotFound) {
		t.Errorf("of no event: %v", err)
	}
}

func TestAHistoryHasEveryNoticeWithEveryTry(t *testing.T) {
	t.Parallel()
	s := open(t)
	apply(t, s, webinar("w"), early)
	register(t, s, "w", "ana@example.org")
	planAll(t, s, early)
	for i, o := range []convened.Outcome{{State: convened.Planned, Code: 451, Enhanced: "4.2.0", Reply: "later", Phase: "rcpt", Cause: convened.CauseServer}, {State: convened.Sent, Code: 250, Reply: "queued"}} {
		at := early.Add(time.Duration(i) * time.Minute)
		c := claim(t, s, at)[0]
		mark(t, s, c)
		o.Notice, o.Attempt, o.At = c.Notice.ID, c.Notice.Attempt, at
		if _, err := s.Settle(t.Context(), []convened.Settlement{{Outcome: o, DueAt: at}}); err != nil {
			t.Fatal(err)
		}
	}
	seat := sqlOne[convened.RegistrationID](t, s, `SELECT id FROM convened.registrations`)
	h, err := s.History(t.Context(), seat)
	if err != nil || len(h.Notices) != 1 || h.Notices[0].State != convened.Sent || !h.Notices[0].SentAt.Equal(early.Add(time.Minute)) {
		t.Fatalf("%+v, %v", h, err)
	}
	tries := h.Attempts[h.Notices[0].ID]
	if len(tries) != 2 || tries[0].Code != 451 || tries[0].Reply != "later" || tries[0].Phase != "rcpt" || tries[0].Enhanced != "4.2.0" || tries[0].State != convened.Planned || tries[1].State != convened.Sent || !tries[1].At.Equal(early.Add(time.Minute)) {
		t.Errorf("tries are %+v", tries)
	}
}
