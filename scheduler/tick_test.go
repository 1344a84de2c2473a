package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"convened"
	"convened/scheduler"
)

// Who registers in the very minute of a reminder is late for it, and an update
// stands in for the reminder that would follow it.
func TestChangesArePlannedBeforeOccasionsAndThoseBeforeNewcomers(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.events = []*convened.Event{webinar("w", 24*time.Hour, reminder("before 24h", convened.Skip))}
		r.register("w", "a@example.org")
		report, err := r.Tick(t.Context(), bubble())
		if err != nil {
			t.Fatal(err)
		}
		var order []string
		for _, c := range r.calls {
			if c.method != "Settle" { // whenever the settler gets to it
				order = append(order, c.method)
			}
		}
		want := []string{"OpenEvents", "PlanChanges", "Occasions", "PlanOccasion", "Newcomers", "PlanNewcomers", "Recover", "Claim", "Mark"}
		if !slices.Equal(order, want) {
			t.Errorf("the order is\n%v, want\n%v", order, want)
		}
		if want := (scheduler.Report{Planned: 1, Seats: 1, Claimed: 1, Marked: 1}); report != want {
			t.Errorf("the report is %+v, want %+v: the confirmation and no reminder", report, want)
		}
		if !report.Moved() {
			t.Error("a tick that sent something moved nothing")
		}
	})
}

func TestAnIdleTickMovesNothingAndAsksForNoOccasionTwice(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.events = []*convened.Event{webinar("w", 48*time.Hour, reminder("before 24h", convened.Fold))}
		r.until()
		for range 3 {
			if report, err := r.Tick(t.Context(), bubble()); err != nil || report.Moved() || report.More {
				t.Errorf("an idle tick reports %+v, %v", report, err)
			}
		}
		if n := len(r.called("Occasions")); n != 1 {
			t.Errorf("the occasions of an event that nobody edits were read %d times", n)
		}
		e := *r.events[0]
		e.Revision = 2
		r.events[0] = &e
		r.until()
		if n := len(r.called("Occasions")); n != 2 {
			t.Errorf("after an edit they were read %d times in all, want 2", n)
		}
	})
}

func TestOneBadEventNeverHoldsUpAnother(t *testing.T) {
	broken := errors.New("broken")
	for _, at := range []string{"Occasions", "PlanOccasion", "PlanNewcomers"} {
		t.Run(at, func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				soon := reminder("before 1h", convened.CatchUp)
				r.events = []*convened.Event{webinar("a", 2*time.Hour, soon), webinar("bad", 2*time.Hour, soon), webinar("c", 2*time.Hour, soon)}
				if at != "PlanNewcomers" {
					// It goes bad when the people are there already.
					r.register("bad", "b@example.org")
				}
				r.register("a", "a@example.org")
				r.register("c", "c@example.org")
				r.until()
				r.fail = func(method, event string) error {
					if method == at && event == "bad" {
						return broken
					}
					return nil
				}
				e := *r.events[1]
				e.Revision++ // what is known of it is read again
				r.events[1] = &e
				r.register("bad", "late@example.org")
				r.register("c", "new@example.org")
				pass(time.Hour)
				_, err := r.Tick(t.Context(), bubble())
				if !errors.Is(err, broken) {
					t.Errorf("the tick's error is %v", err)
				}
				pass(time.Second)
				// Both reminders and three confirmations of the good events.
				var got []string
				for _, row := range r.rows {
					if n := row.claim.Notice; n.Event != "bad" {
						got = append(got, fmt.Sprintf("%s %s %s", n.Event, n.Kind, n.State))
					}
				}
				slices.Sort(got)
				want := []string{"a confirmation sent", "a reminder sent", "c confirmation sent", "c confirmation sent", "c reminder sent"}
				if !slices.Equal(got, want) {
					t.Errorf("beside a bad event there are\n%q, want\n%q", got, want)
				}
			})
		})
	}
}

// Rules are checked when they are written: this is a row edited by hand.
func TestARuleThatNobodyCanReadHoldsUpNoOther(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.events = []*convened.Event{webinar("w", 2*time.Hour, reminder("whenever it suits", convened.Fold), reminder("before 1h", convened.Fold))}
		r.register("w", "a@example.org")
		r.until()
		pass(time.Hour)
		r.until()
		if got := r.states(); got[convened.Sent] != 2 || len(got) != 1 {
			t.Errorf("notices are %v, want the confirmation and the reminder sent", got)
		}
		if !strings.Contains(r.log.String(), "whenever it suits") {
			t.Errorf("the log does not name the rule:\n%s", r.log)
		}
	})
}

// A store leaves out an event that it can't read, and says so.
func TestAnEventThatCannotBeReadHoldsUpNoOther(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		broken := errors.New("read event bad")
		r.options.Store = leavingOut{r.memory, broken}
		r.Scheduler = scheduler.New(r.options)
		defer r.Begin(t.Context())()
		r.events = []*convened.Event{webinar("good", time.Hour, reminder("before 2h", convened.Skip))}
		r.register("good", "a@example.org")
		report, err := r.Tick(t.Context(), bubble())
		if !errors.Is(err, broken) || report.Seats != 1 || len(r.plans) != 1 {
			t.Errorf("the tick reports %+v, %v, and planned %d occasions", report, err, len(r.plans))
		}
	})
}

type leavingOut struct {
	*memory
	err error
}

func (l leavingOut) OpenEvents(ctx context.Context, now time.Time) ([]*convened.Event, error) {
	events, err := l.memory.OpenEvents(ctx, now)
	return events, errors.Join(err, l.err)
}

func TestWhatCannotBeReadIsReportedAndTheOtherStepsAreDone(t *testing.T) {
	for _, at := range []string{"OpenEvents", "Newcomers", "PlanChanges", "Recover"} {
		t.Run(at, func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				away := errors.New("away")
				r.fail = func(method, _ string) error {
					if method == at {
						return away
					}
					return nil
				}
				id := r.add(confirmation(webinar("w", time.Hour)))
				if _, err := r.Tick(t.Context(), bubble()); !errors.Is(err, away) {
					t.Errorf("the tick's error is %v", err)
				}
				pass(time.Second)
				if got := r.notice(id).State; got != convened.Sent {
					t.Errorf("what was due is %s", got)
				}
			})
		})
	}
}

func TestAnOccasionIsPlannedInStepsAndThenNeverAgain(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.step = 2
		r.events = []*convened.Event{webinar("w", 2*time.Hour, reminder("before 1h", convened.Skip))}
		for i := range 5 {
			r.register("w", fmt.Sprintf("p%d@example.org", i))
		}
		r.until()
		pass(time.Hour)
		for tick, want := range []int{2, 3, 0} {
			report, err := r.Tick(t.Context(), bubble())
			if err != nil || report.Planned != want || report.More != (tick == 0) {
				t.Errorf("tick %d planned %d, more %v, %v; want %d", tick+1, report.Planned, report.More, err, want)
			}
		}
		if n := len(r.called("PlanOccasion")); n != 3 {
			t.Errorf("an occasion of three steps was planned in %d", n)
		}
	})
}

// Where the steps of an occasion take long, nobody waits for the last of them.
func TestWhatIsPlannedLeavesWhileTheRestIsPlanned(t *testing.T) {
	inWith(t, func(o *scheduler.Options) { o.Batch = 600 }, func(t *testing.T, r *rig) { // of which none is taken ahead
		r.step = 100
		r.events = []*convened.Event{webinar("w", 2*time.Hour, reminder("before 1h", convened.Skip))}
		for i := range 250 {
			r.register("w", fmt.Sprintf("p%d@example.org", i))
		}
		r.until()
		pass(time.Hour)
		r.fail = func(method, _ string) error {
			if method == "PlanOccasion" {
				pass(time.Second)
			}
			return nil
		}
		r.takes = 10 * time.Millisecond
		if report, err := r.Tick(t.Context(), bubble()); report.Planned != 100 || !report.More || err != nil {
			t.Fatalf("the first step: %+v, %v", report, err)
		}
		var left []int // of the steps before it, at the end of each
		r.fail = func(method, _ string) error {
			if method == "PlanOccasion" {
				pass(time.Second)
				left = append(left, r.states()[convened.Planned])
			}
			return nil
		}
		if report, err := r.Tick(t.Context(), bubble()); report.Planned != 150 || report.Claimed < 150 || err != nil {
			t.Errorf("the other steps: %+v, %v", report, err)
		}
		if want := []int{0, 0}; !slices.Equal(left, want) {
			t.Errorf("at the ends of the second and the third step %v of those before are not claimed, want %v", left, want)
		}
		r.until()
		if got := r.states()[convened.Sent]; got != 500 {
			t.Errorf("in the end %v are sent", r.states())
		}
	})
}

func TestAnEventThatIsEditedWhileItIsPlannedIsLookedAtAgain(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		old := webinar("w", time.Hour, reminder("before 1h", convened.Skip))
		r.events = []*convened.Event{old}
		edited := false
		r.fail = func(method, _ string) error {
			if method == "PlanOccasion" && !edited {
				edited = true
				now := webinar("w", 3*time.Hour, old.Reminders...)
				now.Revision = 2
				r.events[0] = now
			}
			return nil
		}
		report, err := r.Tick(t.Context(), bubble())
		if err != nil || !report.More {
			t.Errorf("the tick reports %+v, %v; want more to do and no error", report, err)
		}
		r.until()
		if len(r.plans) != 0 {
			t.Errorf("an occasion of the old start was planned: %+v", r.plans)
		}
		pass(2 * time.Hour)
		r.until()
		if len(r.plans) != 1 || r.plans[0].Revision != 2 {
			t.Errorf("planned %+v, want the one occasion of the new start", r.plans)
		}
	})
}

func TestNothingIsPlannedForAnEventThatIsOff(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		e := webinar("w", time.Hour, reminder("before 1h", convened.Skip))
		e.Status = convened.EventIsOff
		r.events = []*convened.Event{e}
		r.until()
		if n := len(r.called("PlanOccasion")); n != 0 {
			t.Errorf("%d occasions were planned", n)
		}
		if at, err := r.NextInstant(t.Context(), bubble()); err != nil || !at.IsZero() {
			t.Errorf("the next instant is %v, %v; want never", at, err)
		}
	})
}

func TestPlanningPausesAndSendingGoesOnWhileTheClocksDiffer(t *testing.T) {
	why := "the clocks differ"
	inWith(t, func(o *scheduler.Options) { o.PausePlan = func() string { return why } }, func(t *testing.T, r *rig) {
		r.events = []*convened.Event{webinar("w", time.Hour, reminder("before 1h", convened.Skip))}
		r.register("w", "a@example.org")
		id := r.add(confirmation(r.events[0]))
		report, err := r.Tick(t.Context(), bubble())
		if err != nil || report.Waiting != why || report.Planned != 0 {
			t.Errorf("the tick reports %+v, %v", report, err)
		}
		pass(time.Second)
		if got := r.notice(id).State; got != convened.Sent {
			t.Errorf("what was planned before is %s", got)
		}
		why = ""
		if report, err = r.Tick(t.Context(), bubble()); err != nil || report.Waiting != "" || report.Seats != 1 {
			t.Errorf("after the pause the tick reports %+v, %v", report, err)
		}
	})
}

// A clock that is far off would call letters too late that are not, and letters
// in doubt overdue that are on the wire.
func TestNothingIsJudgedByAClockThatIsFarOff(t *testing.T) {
	why := ""
	prepare := func(o *scheduler.Options) { o.Pause = func() string { return why } }
	inWith(t, prepare, func(t *testing.T, r *rig) {
		e := webinar("w", time.Hour)
		r.events = []*convened.Event{e}
		r.takes = time.Second
		var ids []convened.NoticeID
		for range 20 {
			ids = append(ids, r.add(confirmation(e)))
		}
		if _, err := r.Tick(t.Context(), bubble()); err != nil { // all are in hand, eight on the wire
			t.Fatal(err)
		}
		pass(100 * time.Millisecond)
		why = "the clock is three hours ahead"
		late := bubble().Add(3 * time.Hour)
		r.register("w", "a@example.org")
		ids = append(ids, r.add(confirmation(e)))
		report, err := r.Tick(t.Context(), late)
		if err != nil || report.Waiting != why || report.Moved() {
			t.Errorf("the tick reports %+v, %v; want that nothing moved", report, err)
		}
		pass(2 * time.Second)
		if got := r.states(); got[convened.Sent] != 8 || got[convened.Planned] != 13 {
			t.Errorf("they are %v, want 8 sent and 13 planned", got)
		}
		for _, id := range ids {
			if n := r.notice(id); n.State == convened.Planned && !n.DueAt.Equal(n.Instant) {
				t.Errorf("one is due at %s, want %s as before", n.DueAt, n.Instant)
			}
		}
		why = ""
		r.until()
		if got := r.states(); got[convened.Sent] != 22 {
			t.Errorf("when the clock is right they are %v, want 22 sent", got)
		}
	})
}

func TestTheNextInstantIsTheFirstOfWhatIsDueAndWhatIsToBePlanned(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		began := bubble()
		next := func() time.Duration {
			t.Helper()
			at, err := r.NextInstant(t.Context(), bubble())
			if err != nil {
				t.Fatal(err)
			}
			if at.IsZero() {
				return -1
			}
			return at.Sub(began)
		}
		if got := next(); got != -1 {
			t.Errorf("with nothing there it is in %s", got)
		}
		r.events = []*convened.Event{webinar("a", 10*time.Hour, reminder("before 1h", convened.Skip), reminder("before 2h", convened.Skip)),
			webinar("b", 20*time.Hour, reminder("before 15h", convened.Skip))}
		if got := next(); got != 5*time.Hour {
			t.Errorf("with reminders in 5, 8 and 9 hours it is in %s", got)
		}
		c := confirmation(r.events[0])
		c.Notice.DueAt = began.Add(time.Minute)
		r.add(c)
		if got := next(); got != time.Minute {
			t.Errorf("with a notice due in a minute it is in %s", got)
		}
		pass(time.Minute)
		r.until()
		pass(5 * time.Hour)
		if got := next(); got != 5*time.Hour {
			t.Errorf("when the first reminder has come and is not planned, it is in %s", got)
		}
		r.until()
		if got := next(); got != 8*time.Hour {
			t.Errorf("when it is planned, the next is in %s", got)
		}
		for _, method := range []string{"NextDue", "OpenEvents"} {
			r.fail = func(m, _ string) error {
				if m == method {
					return errors.New("away")
				}
				return nil
			}
			if _, err := r.NextInstant(t.Context(), bubble()); err == nil {
				t.Errorf("it says something although %s fails", method)
			}
		}
	})
}

func TestWhatWasPlannedBeforeARestartIsNotPlannedAgain(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		e := webinar("w", time.Hour, reminder("before 2h", convened.Skip), reminder("before 90m", convened.Skip))
		r.events = []*convened.Event{e}
		all := scheduler.Occasions(e)
		// The second was begun and not ended when the last daemon stopped.
		r.recorded["w"] = []convened.Recorded{{Occasion: all[0], Planned: true}, {Occasion: all[1]}}
		r.until()
		if len(r.plans) != 1 || r.plans[0].Occasion != all[1] {
			t.Errorf("planned %+v, want the second occasion alone", r.plans)
		}
	})
}

func TestUntilSaysSoWhenThereIsNoEnd(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.outcome = func(*convened.Claim) convened.Outcome {
			// Due again at once, for ever.
			return convened.Outcome{State: convened.Planned, Cause: convened.CauseStopped, Free: true}
		}
		r.add(confirmation(webinar("w", 10000*time.Hour)))
		now := bubble().Add(time.Hour)
		if err := r.Until(t.Context(), now); !errors.Is(err, scheduler.ErrStuck) {
			t.Errorf("it ends with %v", err)
		}
	})
}

func TestUntilWaitsForWhatItSent(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.takes = time.Minute
		var ids []convened.NoticeID
		for range 3 {
			ids = append(ids, r.add(confirmation(webinar("w", time.Hour))))
		}
		r.until()
		for _, id := range ids {
			if got := r.notice(id).State; got != convened.Sent {
				t.Errorf("when it ends, a notice is %s", got)
			}
		}
		if n := r.InFlight(); n != 0 {
			t.Errorf("%d are in flight", n)
		}
	})
}

func TestUntilEndsWithTheErrorOfATick(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		away := errors.New("away")
		r.fail = func(string, string) error { return away }
		if err := r.Until(context.Background(), bubble()); !errors.Is(err, away) {
			t.Errorf("it ends with %v", err)
		}
	})
}

func TestAnOccasionIsPlannedForWhomItIs(t *testing.T) {
	e := event("UTC", "2026-11-25 16:00", "before 24h")
	e.Revision = 7
	at := e.Starts.Add(-24 * time.Hour)
	o := convened.Occasion{Key: "before 24h", Start: e.Starts, Ordinal: 1, At: at}
	long := at.Add(-100 * time.Hour)
	for name, c := range map[string]struct {
		late           convened.Late
		kind           convened.Kind
		added, moved   time.Time
		now            time.Time
		passed, late2  string
		seatedBy       time.Time
		withoutTheRule bool
	}{
		"fold leaves out those whose confirmation says it": {late: convened.Fold, now: at, seatedBy: at.Add(-30 * time.Minute)},
		"skip takes everybody who came before":             {late: convened.Skip, now: at, seatedBy: at},
		"so does catch-up":                                 {late: convened.CatchUp, now: at, seatedBy: at},
		"a confirmation never stands in for a follow-up":   {late: convened.Fold, kind: convened.Followup, now: at, seatedBy: at},
		"a rule that was written after its instant":        {late: convened.Skip, added: at.Add(time.Second), now: at.Add(time.Second), passed: "its instant was past when the rule was written", seatedBy: at},
		"a rule that was written at its instant":           {late: convened.Skip, added: at, now: at, seatedBy: at},
		"an event that was moved after the instant":        {late: convened.Skip, moved: at.Add(time.Second), now: at.Add(time.Second), passed: "its instant was past when the event was moved", seatedBy: at},
		"an event that was moved at the instant":           {late: convened.Skip, moved: at, now: at, seatedBy: at},
		"the last moment of its grace":                     {late: convened.Skip, now: at.Add(time.Hour), seatedBy: at},
		"beyond its grace":                                 {late: convened.Skip, now: at.Add(time.Hour + 1), late2: scheduler.TooLate, seatedBy: at},
		"a follow-up has a week":                           {late: convened.Skip, kind: convened.Followup, now: at.Add(7 * 24 * time.Hour), seatedBy: at},
		"and no more":                                      {late: convened.Skip, kind: convened.Followup, now: at.Add(7*24*time.Hour + 1), late2: scheduler.TooLate, seatedBy: at},
		"a rule that is gone meanwhile":                    {late: convened.Fold, now: at, seatedBy: at, withoutTheRule: true},
	} {
		t.Run(name, func(t *testing.T) {
			e, kind := *e, c.kind
			if kind == "" {
				kind = convened.ReminderKind
			}
			rule := convened.Reminder{Key: o.Key, Rule: "before 24h", Late: c.late, AddedAt: c.added}
			if rule.AddedAt.IsZero() {
				rule.AddedAt = long
			}
			if e.MovedAt = c.moved; e.MovedAt.IsZero() {
				e.MovedAt = long
			}
			e.Reminders = []convened.Reminder{{Key: "another", Rule: "before 1h", Late: convened.Fold, AddedAt: at.Add(time.Hour)}, rule}
			if c.withoutTheRule {
				e.Reminders = e.Reminders[:1]
			}
			got := scheduler.OccasionPlanOf(&e, o, kind, c.now, time.Hour)
			want := convened.OccasionPlan{Event: "e", Occasion: o, Revision: 7, Kind: kind, Passed: c.passed, TooLate: c.late2, SeatedBy: c.seatedBy, Folds: c.seatedBy.Before(at)}
			if got != want {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

// Hands that are quicker than the claims leave room for ever; whoever registers
// meanwhile must not wait until the backlog is done.
func TestABacklogDoesNotKeepATickFromItsEnd(t *testing.T) {
	inWith(t, func(o *scheduler.Options) { o.Batch = 5 }, func(t *testing.T, r *rig) {
		e := webinar("w", 1000*time.Hour)
		const waiting = 200
		for range waiting {
			r.add(confirmation(e))
		}
		r.fail = func(method, _ string) error {
			if method == "Claim" {
				pass(time.Second) // all that was claimed before is settled
			}
			return nil
		}
		report, err := r.Tick(t.Context(), bubble())
		if err != nil || !report.More || report.Claimed == 0 || report.Claimed > waiting/2 {
			t.Errorf("the tick reports %+v, %v; want a part of the %d claimed, and more to do", report, err, waiting)
		}
		r.until()
		if n := len(r.sent()); n != waiting {
			t.Errorf("%d letters were sent, want %d", n, waiting)
		}
	})
}

// Another daemon that plans, or an organiser who edits, holds an event's row for a
// moment. That is no trouble, unless it lasts.
func TestAnEventThatSomebodyHoldsIsPlannedLater(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.events = append(r.events, webinar("held", time.Hour), webinar("free", time.Hour))
		r.register("held", "ana@example.org")
		r.register("free", "ben@example.org")
		r.fail = func(method, event string) error {
			if method == "PlanNewcomers" && event == "held" {
				return convened.ErrBusy
			}
			return nil
		}
		report, err := r.Tick(t.Context(), bubble())
		if err != nil || report.Seats != 1 || report.Again <= 0 {
			t.Errorf("the tick reports %+v, %v; want the other event planned, and no error", report, err)
		}
		pass(11 * time.Second)
		if _, err := r.Tick(t.Context(), bubble()); !errors.Is(err, convened.ErrBusy) {
			t.Errorf("after eleven seconds the tick says %v", err)
		}
		r.fail = nil
		if report, err := r.Tick(t.Context(), bubble()); err != nil || report.Seats != 1 {
			t.Errorf("when the row is free the tick reports %+v, %v", report, err)
		}
	})
}
