package store

import (
	"slices"
	"testing"
	"time"

	"convened"
)

// Nobody gets two mails within half an hour where one can say both: who has
// just had the confirmation again, or an update, gets no reminder.
func TestAConfirmationAgainOrAnUpdateStandsInForAReminder(t *testing.T) {
	t.Parallel()
	at := starts.Add(-24 * time.Hour)
	for name, c := range map[string]struct {
		kind    convened.Kind
		state   convened.State
		instant time.Time
		folds   bool
		want    int
	}{
		"a confirmation within the window":    {convened.Confirmation, convened.Sent, at.Add(-10 * time.Minute), true, 1},
		"an update within the window":         {convened.Update, convened.Sent, at.Add(-29 * time.Minute), true, 1},
		"one that still waits":                {convened.Update, convened.Planned, at.Add(-10 * time.Minute), true, 1},
		"one that is in doubt":                {convened.Update, convened.Unknown, at.Add(-10 * time.Minute), true, 1},
		"one that was refused":                {convened.Update, convened.Refused, at.Add(-10 * time.Minute), true, 2},
		"one that was not needed":             {convened.Update, convened.Cancelled, at.Add(-10 * time.Minute), true, 2},
		"at the beginning of the window":      {convened.Update, convened.Sent, at.Add(-convened.FoldWindow), true, 2},
		"a cancellation":                      {convened.Cancellation, convened.Sent, at.Add(-10 * time.Minute), true, 2},
		"where the rule does not say to fold": {convened.Confirmation, convened.Sent, at.Add(-10 * time.Minute), false, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, e, seats := told(t, "ana@example.org", "bo@example.org")
			sqlExec(t, s, `INSERT INTO convened.notices (registration, event, kind, occasion, state, instant, due_at, planned_at, sent_at)
				VALUES ($1, 'w', $2, '7', $3, $4, $4, $4, $4)`, int64(seats["ana@example.org"]), string(c.kind), string(c.state), c.instant)
			plan := convened.OccasionPlan{Event: "w", Revision: e.Revision, Kind: convened.ReminderKind, Folds: c.folds, SeatedBy: at,
				Occasion: convened.Occasion{Key: "before 24h", Start: e.Starts, Ordinal: 1, At: at}}
			if c.folds {
				plan.SeatedBy = at.Add(-convened.FoldWindow)
			}
			step, err := s.PlanOccasion(t.Context(), at, plan)
			if err != nil || step.Notices != c.want || !step.Done {
				t.Errorf("planned %+v, %v; want %d and done", step, err, c.want)
			}
			got := sqlAll(t, s, `SELECT r.email FROM convened.notices n JOIN convened.registrations r ON r.id = n.registration WHERE n.kind = 'reminder' ORDER BY 1`)
			if want := []string{"ana@example.org", "bo@example.org"}[2-c.want:]; !slices.Equal(got, want) {
				t.Errorf("reminded %q, want %q", got, want)
			}
		})
	}
}

// Who registers again while an update is on its way gets the update alone: it
// brings the invitation too. Who takes up a seat that was given up is confirmed.
func TestAnUpdateOnItsWayStandsInForAConfirmationAgain(t *testing.T) {
	t.Parallel()
	later := early.Add(time.Hour)
	for name, c := range map[string]struct {
		state  convened.State
		marked bool
		leaves bool
		want   int
	}{
		"planned":                  {convened.Planned, false, false, 0},
		"in a daemon's hands":      {convened.Claimed, false, false, 0},
		"on the wire":              {convened.Claimed, true, false, 1},
		"sent":                     {convened.Sent, true, false, 1},
		"held":                     {convened.Held, false, false, 1},
		"of a seat that was given": {convened.Planned, false, true, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _, seats := told(t, "ana@example.org")
			ana := seats["ana@example.org"]
			sqlExec(t, s, `INSERT INTO convened.notices (registration, event, kind, occasion, state, instant, due_at, planned_at, marked_at, lease_until, sent_at)
				VALUES ($1, 'w', 'update', '7', $2, $3, $3, $3, CASE WHEN $4 THEN $3::timestamptz END,
				CASE WHEN $2 = 'claimed' THEN $3::timestamptz + interval '1 hour' END, CASE WHEN $2 = 'sent' THEN $3::timestamptz END)`, int64(ana), string(c.state), later, c.marked)
			if c.leaves {
				if _, err := s.GiveUp(t.Context(), later, "w", ana); err != nil {
					t.Fatal(err)
				}
			}
			register(t, s, "w", "ana@example.org")
			planAll(t, s, later)
			if n := sqlOne[int](t, s, `SELECT count(*) FROM convened.notices WHERE kind = 'confirmation' AND occasion = '2'`); n != c.want {
				t.Errorf("%d confirmations again, want %d", n, c.want)
			}
		})
	}
}
