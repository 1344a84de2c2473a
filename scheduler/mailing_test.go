package scheduler_test

import (
	"maps"
	"testing"
	"time"

	"convened"
	"convened/scheduler"
)

// season is an event in Brussels on 25 November 2026 at 16:00, announced on the first.
func season(t *testing.T, reminders ...convened.Reminder) *convened.Event {
	t.Helper()
	announced := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	e := &convened.Event{Slug: "e", Language: "fr", Zone: "Europe/Brussels", Status: convened.Scheduled, CreatedAt: announced, MovedAt: announced, Revision: 1,
		StartsLocal: convened.Wall{Year: 2026, Month: 11, Day: 25, Hour: 16}, EndsLocal: convened.Wall{Year: 2026, Month: 11, Day: 25, Hour: 17}}
	if err := e.Derive(); err != nil {
		t.Fatal(err)
	}
	for _, r := range reminders {
		r.AddedAt = announced
		e.Reminders = append(e.Reminders, r)
	}
	return e
}

// taken is a seat that was told of the event on the second of November.
func taken(id convened.RegistrationID, language string) convened.Seat {
	at := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	return convened.Seat{ID: id, Number: int(id), Language: language, SeatedAt: at, SpokenAt: at, Confirmations: 1, ConfirmedAt: at}
}

func TestForecastCountsPeopleByLanguageAndSaysWhoIsLeftOut(t *testing.T) {
	e := season(t, convened.Reminder{Key: "before 24h", Rule: "before 24h", Late: convened.Fold}, convened.Reminder{Key: "after 2h", Rule: "after 2h", Late: convened.Fold})
	now := time.Date(2026, 11, 10, 9, 0, 0, 0, time.UTC)
	o := &convened.Outlook{Event: e, Room: -1, Seats: []convened.Seat{taken(1, ""), taken(2, "es-MX"), taken(3, "tlh"), taken(4, ""), taken(5, "")}}
	o.Seats[3].MutedAt, o.Seats[4].CancelledAt = now, now
	list := scheduler.Forecast(o, now, scheduler.Policy{Grace: time.Hour})
	if len(list) != 2 {
		t.Fatalf("%d mailings, want 2: %+v", len(list), list)
	}
	for i, want := range []struct {
		kind convened.Kind
		at   time.Time
	}{{convened.ReminderKind, e.Starts.Add(-24 * time.Hour)}, {convened.Followup, e.Ends.Add(2 * time.Hour)}} {
		m := list[i]
		if m.Kind != want.kind || !m.At.Equal(want.at) || !m.Last.Equal(want.at) || m.People != 3 || m.Waits {
			t.Errorf("mailing %d is %+v", i, m)
		}
		if !maps.Equal(m.Languages, map[string]int{"fr": 2, "es": 1}) || !maps.Equal(m.Not, map[string]int{scheduler.Muted: 1}) {
			t.Errorf("mailing %d is read in %v, and not by %v", i, m.Languages, m.Not)
		}
	}
}

// An occasion that nobody gets is still to come, for who registers by then.
func TestForecastListsWhatReachesNobody(t *testing.T) {
	e := season(t, convened.Reminder{Key: "before 24h", Rule: "before 24h", Late: convened.Fold}, convened.Reminder{Key: "before 20 days", Rule: "before 20 days", Late: convened.Fold})
	list := scheduler.Forecast(&convened.Outlook{Event: e, Room: -1}, time.Date(2026, 11, 10, 9, 0, 0, 0, time.UTC), scheduler.Policy{Grace: time.Hour})
	if len(list) != 1 || list[0].People != 0 || list[0].Occasion.Key != "before 24h" {
		t.Errorf("%+v, want the reminder that is not past", list)
	}
}

// A daemon that died between two steps has left the rest to the next one.
func TestForecastGoesOnWherePlanningStopped(t *testing.T) {
	e := season(t, convened.Reminder{Key: "before 24h", Rule: "before 24h", Late: convened.Fold})
	occasion := scheduler.Occasions(e)[0]
	now := occasion.At.Add(time.Minute)
	o := &convened.Outlook{Event: e, Room: -1, Seats: []convened.Seat{taken(1, ""), taken(2, ""), taken(3, "")},
		Recorded: []convened.Recorded{{Occasion: occasion, RecordedAt: occasion.At, Done: 1, Upto: 2}},
		Changes:  []convened.PendingChange{{Sequence: 1, Kind: convened.Update, DueAt: now, Begun: true, Done: 2, Upto: 3}}}
	e.Sequence = 1
	o.Seats[0].Waiting = []convened.Waiting{{ID: 9, Kind: convened.ReminderKind, Occasion: occasion.String(), State: convened.Planned, Instant: occasion.At, DueAt: occasion.At}}
	var got []string
	scheduler.Future(o, now, scheduler.Policy{Grace: time.Hour}, func(f scheduler.Fate) {
		if f.Goes() && f.At.Equal(now) {
			got = append(got, string(f.Kind)+" to "+string(rune('0'+f.Seat.ID)))
		}
	})
	if want := []string{"reminder to 1", "reminder to 2", "update to 3"}; len(got) != 3 || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
		t.Errorf("still to come are %q, want %q", got, want)
	}
}

// Retries spread over some minutes are one line of the plan, not one each.
func TestForecastGathersWhatWaits(t *testing.T) {
	e := season(t, convened.Reminder{Key: "before 24h", Rule: "before 24h", Late: convened.Fold})
	occasion := scheduler.Occasions(e)[0]
	now := occasion.At.Add(time.Minute)
	o := &convened.Outlook{Event: e, Room: -1, Recorded: []convened.Recorded{{Occasion: occasion, Planned: true}}}
	for i := range 10 {
		s := taken(convened.RegistrationID(i+1), "")
		s.Waiting = []convened.Waiting{{ID: convened.NoticeID(i + 1), Kind: convened.ReminderKind, Occasion: occasion.String(), State: convened.Planned, Instant: occasion.At,
			DueAt: now.Add(time.Duration(i) * time.Minute), Failures: 1}}
		o.Seats = append(o.Seats, s)
	}
	list := scheduler.Forecast(o, now, scheduler.Policy{Grace: time.Hour})
	if len(list) != 1 || !list[0].Waits || list[0].People != 10 || !list[0].At.Equal(now) || !list[0].Last.Equal(now.Add(9*time.Minute)) || list[0].Occasion != occasion {
		t.Errorf("%+v, want one mailing of ten from %s on", list, now)
	}
}

func TestAConfirmationSentAgainStandsInForTheReminderThatItKeepsBack(t *testing.T) {
	e := season(t, convened.Reminder{Key: "before 24h", Rule: "before 24h", Late: convened.Fold}, convened.Reminder{Key: "before 10 days", Rule: "before 10 days", Late: convened.Fold})
	at := e.Starts.Add(-24 * time.Hour)
	for _, tt := range []struct {
		name            string
		seated, instant time.Time
		want            int
	}{
		{"the first, long before", at.AddDate(0, 0, -20), at.AddDate(0, 0, -20), 0},
		{"again, ten minutes before", at.AddDate(0, 0, -20), at.Add(-10 * time.Minute), 1},
		{"again, at the same instant", at.AddDate(0, 0, -20), at, 0},
		{"again, an hour before", at.AddDate(0, 0, -20), at.Add(-time.Hour), 0},
		{"the first, ten minutes before", at.Add(-10 * time.Minute), at.Add(-10 * time.Minute), 2},
		{"the first, an hour after", at.Add(time.Hour), at.Add(time.Hour), 2},
	} {
		c := &convened.Claim{Event: *e, Registration: convened.Registration{SeatedAt: tt.seated}, Notice: convened.Notice{Kind: convened.Confirmation, Instant: tt.instant}}
		if got := scheduler.FoldedInto(c); len(got) != tt.want {
			t.Errorf("%s: it stands in for %v, want %d", tt.name, got, tt.want)
		}
	}
}

// Who has just registered and gets no confirmation is not left out without a word.
func TestForecastCountsWhoArrives(t *testing.T) {
	e := season(t, convened.Reminder{Key: "before 24h", Rule: "before 24h", Late: convened.Fold})
	now := time.Date(2026, 11, 10, 9, 0, 0, 0, time.UTC)
	o := &convened.Outlook{Event: e, Room: 2}
	for i, a := range []convened.Arrival{
		{Newcomer: convened.Newcomer{Address: "a"}, CreatedAt: now},
		{Newcomer: convened.Newcomer{Address: "b", Fault: "it has no @"}, CreatedAt: now},
		{Newcomer: convened.Newcomer{Address: "c"}, CreatedAt: e.CreatedAt.AddDate(-1, 0, 0)},
		{Newcomer: convened.Newcomer{Address: "d"}, CreatedAt: now, Language: "es"},
		{Newcomer: convened.Newcomer{Address: "e"}, CreatedAt: now},
		{Newcomer: convened.Newcomer{Address: "a"}, CreatedAt: now},
	} {
		a.ID = convened.RegistrationID(i + 1)
		o.Arrivals = append(o.Arrivals, a)
	}
	list := scheduler.Forecast(o, now, scheduler.Policy{Grace: time.Hour})
	if len(list) != 2 {
		t.Fatalf("%d mailings, want 2: %+v", len(list), list)
	}
	not := map[string]int{"it has no @": 1, scheduler.HeldCopied: 1, scheduler.HeldFuse: 1}
	if m := list[0]; m.Kind != convened.Confirmation || m.People != 2 || !m.At.Equal(now) || !maps.Equal(m.Not, not) || !maps.Equal(m.Languages, map[string]int{"fr": 1, "es": 1}) {
		t.Errorf("the confirmations are %+v, want two in two languages, and not %v", m, not)
	}
	not = map[string]int{scheduler.NoAddress: 1, scheduler.Unconfirmed: 2}
	if m := list[1]; m.Kind != convened.ReminderKind || m.People != 2 || !maps.Equal(m.Not, not) {
		t.Errorf("the reminders are %+v, want two, and not %v", m, not)
	}
}
