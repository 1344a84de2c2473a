package scheduler_test

import (
	"slices"
	"testing"
	"time"

	"convened"
	"convened/scheduler"
)

// Each reason, for each kind that can have it; and what is of use.
func TestANoticeLosesItsUse(t *testing.T) {
	e := event("UTC", "2026-11-25 16:00", "before 24h", "after 2h")
	day := func(d time.Duration) time.Time { return e.Starts.Add(d) }
	before, after := scheduler.Occasions(e)[0], scheduler.Occasions(e)[1]
	off := func(c *convened.Claim) { c.Event.Status = convened.EventIsOff }
	left := func(c *convened.Claim) { c.Registration.CancelledAt = day(-48 * time.Hour) }
	muted := func(c *convened.Claim) { c.Registration.MutedAt = day(-48 * time.Hour) }
	erased := func(c *convened.Claim) { c.Registration.ErasedAt = day(-48 * time.Hour) }
	told := func(sequence int) func(*convened.Claim) { return func(c *convened.Claim) { c.Told = sequence } }
	both := func(f, g func(*convened.Claim)) func(*convened.Claim) { return func(c *convened.Claim) { f(c); g(c) } }
	noRule := func(c *convened.Claim) { c.Reminder = nil }
	const nonsense = "nonsense"
	oldStart := func(c *convened.Claim) {
		o := before
		o.Start = day(-time.Hour)
		c.Notice.Occasion = o.String()
	}
	for _, c := range []struct {
		kind convened.Kind
		now  time.Time
		why  func(*convened.Claim)
		want string
	}{
		{convened.Confirmation, day(-time.Hour), nil, ""},
		{convened.Confirmation, day(59 * time.Minute), nil, ""},
		{convened.Confirmation, day(time.Hour), nil, scheduler.EventOver},
		{convened.Confirmation, day(-time.Hour), muted, ""}, // reminders alone are muted
		{convened.Confirmation, day(-time.Hour), off, scheduler.EventOff},
		{convened.Confirmation, day(-time.Hour), left, scheduler.Withdrawn},
		{convened.Confirmation, day(-time.Hour), erased, scheduler.Erased},
		{convened.Confirmation, day(-time.Hour), told(9), ""}, // it is sent again to who registers again

		{convened.Update, day(-time.Hour), nil, ""},
		{convened.Update, day(time.Hour - 1), nil, ""},
		{convened.Update, day(time.Hour), nil, scheduler.EventOver},
		{convened.Update, day(-time.Hour), muted, ""},
		{convened.Update, day(-time.Hour), off, scheduler.EventOff},
		{convened.Update, day(-time.Hour), left, scheduler.Withdrawn},
		{convened.Update, day(-time.Hour), erased, scheduler.Erased},
		{convened.Update, day(-time.Hour), told(4), ""},
		{convened.Update, day(-time.Hour), told(5), scheduler.Superseded},
		{convened.Update, day(-time.Hour), told(6), scheduler.Superseded},

		{convened.Cancellation, day(-time.Hour), nil, scheduler.NotOff},
		{convened.Cancellation, day(-time.Hour), off, ""},
		{convened.Cancellation, day(-time.Hour), left, ""},
		{convened.Cancellation, day(-time.Hour), both(left, muted), ""},
		{convened.Cancellation, day(time.Hour - 1), off, ""},
		{convened.Cancellation, day(time.Hour), off, scheduler.EventOver},
		{convened.Cancellation, day(-time.Hour), both(off, told(5)), scheduler.Superseded},
		{convened.Cancellation, day(-time.Hour), both(off, erased), scheduler.Erased},

		{convened.ReminderKind, before.At, nil, ""},
		{convened.ReminderKind, before.At.Add(time.Hour), nil, ""},
		{convened.ReminderKind, before.At.Add(time.Hour + 1), nil, scheduler.TooLate},
		{convened.ReminderKind, day(0), nil, scheduler.TooLate},
		{convened.ReminderKind, before.At, off, scheduler.EventOff},
		{convened.ReminderKind, before.At, left, scheduler.Withdrawn},
		{convened.ReminderKind, before.At, muted, scheduler.Muted},
		{convened.ReminderKind, before.At, erased, scheduler.Erased},
		{convened.ReminderKind, before.At, noRule, scheduler.RuleGone},
		{convened.ReminderKind, before.At, func(c *convened.Claim) { c.Notice.Occasion = nonsense }, scheduler.RuleGone},
		{convened.ReminderKind, before.At, oldStart, scheduler.EventMoved},
		{convened.ReminderKind, before.At, told(9), ""}, // a reminder raises no SEQUENCE

		{convened.Followup, after.At, nil, ""},
		{convened.Followup, after.At.Add(7 * 24 * time.Hour), nil, ""},
		{convened.Followup, after.At.Add(7*24*time.Hour + 1), nil, scheduler.TooLate},
		{convened.Followup, after.At, off, scheduler.EventOff},
		{convened.Followup, after.At, left, scheduler.Withdrawn},
		{convened.Followup, after.At, muted, scheduler.Muted},
		{convened.Followup, after.At, erased, scheduler.Erased},
		{convened.Followup, after.At, noRule, scheduler.RuleGone},
		{convened.Followup, after.At, oldStart, scheduler.EventMoved},
	} {
		claim := convened.Claim{Event: *e, Registration: convened.Registration{ID: 1}, Reminder: &e.Reminders[0], Told: -1,
			Notice: convened.Notice{Kind: c.kind, Occasion: "1"}}
		claim.Event.Status, claim.Event.Sequence, claim.Registration.Sequence = convened.Scheduled, 3, 2
		switch c.kind {
		case convened.ReminderKind:
			claim.Notice.Occasion, claim.Notice.Instant = before.String(), before.At
		case convened.Followup:
			claim.Notice.Occasion, claim.Notice.Instant = after.String(), after.At
		}
		if c.why != nil {
			c.why(&claim)
		}
		if got := scheduler.Useless(c.now, &claim, time.Hour); got != c.want {
			t.Errorf("a %s %s from the start, %+v told %d: %q, want %q", c.kind, c.now.Sub(e.Starts), claim.Registration, claim.Told, got, c.want)
		}
	}
}

// Half the time to the start is the most that a reminder may be late, whatever
// the grace.
func TestNoReminderIsOfUseOnceTheEventHasBegun(t *testing.T) {
	for _, rule := range []string{"before 1s", "before 10m", "before 24h", "before 0 days at 15:59"} {
		e := event("UTC", "2026-11-25 16:00", rule)
		c := convened.Claim{Event: *e, Reminder: &e.Reminders[0], Notice: convened.Notice{Kind: convened.ReminderKind}}
		o := scheduler.Occasions(e)[0]
		c.Notice.Occasion, c.Notice.Instant = o.String(), o.At
		for _, grace := range []time.Duration{0, time.Hour, 1000 * time.Hour} {
			if got := scheduler.Useless(e.Starts, &c, grace); got != scheduler.TooLate {
				t.Errorf("%s with a grace of %s, at the start: %q", rule, grace, got)
			}
			last := o.At.Add(min(grace, e.Starts.Sub(o.At)/2))
			if got := scheduler.Useless(last, &c, grace); got != "" {
				t.Errorf("%s with a grace of %s, at its last moment: %q", rule, grace, got)
			}
			if got := scheduler.Useless(last.Add(1), &c, grace); got != scheduler.TooLate {
				t.Errorf("%s with a grace of %s, past it: %q", rule, grace, got)
			}
		}
	}
}

func TestAConfirmationStandsInForTheRemindersThatItSays(t *testing.T) {
	e := event("UTC", "2026-11-25 16:00", "before 24h", "before 2h", "before 90m", "before 80m", "before 1h", "after 2h")
	late := map[string]convened.Late{"before 24h": convened.Fold, "before 2h": convened.Fold, "before 90m": convened.Fold,
		"before 80m": convened.CatchUp, "before 1h": convened.Skip, "after 2h": convened.Fold}
	for i := range e.Reminders {
		e.Reminders[i].Late = late[e.Reminders[i].Key]
	}
	for _, c := range []struct {
		seated time.Duration // before the start
		want   []string
	}{
		{100 * time.Hour, nil},
		{24*time.Hour + 31*time.Minute, nil},
		{24*time.Hour + 30*time.Minute, nil},
		{24*time.Hour + 30*time.Minute - 1, []string{"before 24h"}},
		{3 * time.Hour, []string{"before 24h"}},
		{2 * time.Hour, []string{"before 24h", "before 2h"}},
		{2*time.Hour - 1, []string{"before 24h", "before 2h", "before 90m"}},
		{time.Minute, []string{"before 24h", "before 2h", "before 90m"}},
		{0, nil},
		{-30 * time.Minute, nil},
	} {
		var got []string
		for _, o := range scheduler.Folded(e, e.Starts.Add(-c.seated)) {
			got = append(got, o.Key)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("who takes a seat %s before the start is told of %q, want %q", c.seated, got, c.want)
		}
	}
	// A rule that nobody can read is no reason to say nothing of the others.
	e.Reminders = append([]convened.Reminder{reminder("whenever it suits", convened.Fold)}, e.Reminders...)
	if got := scheduler.Folded(e, e.Starts.Add(-time.Minute)); len(got) != 3 {
		t.Errorf("beside a rule that nobody can read %d are folded, want 3", len(got))
	}
}

// What the confirmation says and what planning leaves out must be the same, or
// somebody gets a reminder twice or not at all.
func TestWhatIsFoldedIsExactlyWhatPlanningLeavesOut(t *testing.T) {
	e := event("UTC", "2026-11-25 16:00", "before 24h", "before 1h")
	for i := range e.Reminders {
		e.Reminders[i].Late = convened.Fold
	}
	for minutes := range 26 * 60 {
		seated := e.Starts.Add(-time.Duration(minutes+1) * time.Minute)
		folded := scheduler.Folded(e, seated)
		for _, o := range scheduler.Occasions(e) {
			said := slices.Contains(folded, o)
			left := seated.After(scheduler.OccasionPlanOf(e, o, convened.ReminderKind, o.At, time.Hour).SeatedBy)
			if said != left {
				t.Errorf("seated %s before the start, %q: the confirmation says it: %v, left out: %v", e.Starts.Sub(seated), o.Key, said, left)
			}
		}
	}
}
