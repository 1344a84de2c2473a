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
