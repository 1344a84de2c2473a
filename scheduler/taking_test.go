package scheduler_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"convened"
	"convened/scheduler"
)

// burst has a reminder due for so many people of each event, at the first pass of an hour.
func burst(r *rig, people int, events ...string) {
	for _, slug := range events {
		r.events = append(r.events, webinar(slug, 2*time.Hour, reminder("before 1h", convened.Skip)))
		for i := range people {
			r.seats = append(r.seats, convened.Registration{ID: convened.RegistrationID(len(r.seats) + 1), Event: slug, Email: fmt.Sprintf("p%d@example.org", i), SeatedAt: bubble().Add(-time.Hour)})
		}
	}
	r.step = 50
}

// whoseEach says how many letters of each event were sent, and fails where anybody got two.
func (r *rig) whoseEach() map[string]int {
	r.t.Helper()
	n, seen := map[string]int{}, map[convened.RegistrationID]bool{}
	for _, id := range r.sent() {
		notice := r.notice(id)
		if seen[notice.Registration] {
			r.t.Errorf("person %d gets two letters", notice.Registration)
		}
		seen[notice.Registration] = true
		n[notice.Event]++
	}
	return n
}

// smallBatches lets a batch of ten grow to eighty.
func smallBatches(o *scheduler.Options) { o.Batch, o.Hands = 10, 8 }

func TestInABurstLettersAreReadyBeforeTheirRowsAreThere(t *testing.T) {
	running(t, func(r *rig) { burst(r, 3000, "w") }, smallBatches, func(t *testing.T, r *rig, _ func()) {
		pass(time.Hour + time.Second)
		if got := r.whoseEach()["w"]; got != 3000 {
			t.Errorf("%d of 3000 letters have left", got)
		}
		planned, taken := len(r.called("PlanOccasion")), len(r.called("PlanAhead"))
		if planned == 0 || planned > 20 || taken < 20 {
			t.Errorf("%d steps were planned for others and %d taken", planned, taken)
		}
	})
}

// Where nothing can leave at once, what is due stands there for everybody to see, and
// for other daemons to claim.
func TestASlowWireIsPlannedForAtOnce(t *testing.T) {
	for name, edit := range map[string]func(*rig){
		"the wire is slow": func(r *rig) { r.takes = time.Second },
		"the relay stands": func(r *rig) { r.stands = bubble().Add(2 * time.Hour) },
		"the relay lets nobody in": func(r *rig) {
			r.outcome = func(*convened.Claim) convened.Outcome {
				return convened.Outcome{State: convened.Planned, Cause: convened.CauseRelay, Free: true, Phase: "connect"}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			running(t, func(r *rig) { burst(r, 3000, "w") }, smallBatches, func(t *testing.T, r *rig, _ func()) {
				edit(r)
				pass(time.Hour + 2*time.Second)
				if got := r.states(); got[convened.Planned]+got[convened.Claimed]+got[convened.Sent] != 3000 {
					t.Errorf("two seconds after the instant there are %v, want 3000 in all", got)
				}
				if n := len(r.called("PlanAhead")); n > 0 {
					t.Errorf("%d steps were taken", n)
				}
			})
		})
	}
}

// A wire that stands still amid a burst leaves the rest to be planned.
func TestWhatIsNotTakenForAWhileIsPlanned(t *testing.T) {
	running(t, func(r *rig) { burst(r, 3000, "w") }, smallBatches, func(t *testing.T, r *rig, _ func()) {
		sent := 0
		r.outcome = func(*convened.Claim) convened.Outcome {
			r.wire.mu.Lock()
			defer r.wire.mu.Unlock()
			if sent++; sent == 1000 {
				r.stands = bubble().Add(time.Minute)
			}
			return convened.Outcome{State: convened.Sent, Code: 250}
		}
		pass(time.Hour + 10*time.Second)
		if got := r.states(); len(r.called("PlanAhead")) == 0 || got[convened.Sent] >= 2000 || got[convened.Planned]+got[convened.Claimed]+got[convened.Sent] != 3000 {
			t.Errorf("ten seconds after the instant there are %v, want 3000 in all, most of them not sent", got)
		}
		pass(10 * time.Minute)
		if got := r.whoseEach()["w"]; got != 3000 {
			t.Errorf("%d of 3000 letters have left", got)
		}
	})
}

func TestTwoLargeEventsTakeTurns(t *testing.T) {
	running(t, func(r *rig) { burst(r, 3000, "v", "w") }, smallBatches, func(t *testing.T, r *rig, _ func()) {
		pass(time.Hour + time.Second)
		if got := r.whoseEach(); got["v"] != 3000 || got["w"] != 3000 {
			t.Fatalf("of 3000 each %v have left", got)
		}
		half := map[string]int{}
		for _, id := range r.sent()[:3000] {
			half[r.notice(id).Event]++
		}
		if half["v"] < 1000 || half["w"] < 1000 {
			t.Errorf("when half of all has left it is %v", half)
		}
	})
}

func TestAnEventThatIsEditedWhileItIsTakenIsLookedAtAgain(t *testing.T) {
	running(t, func(r *rig) { burst(r, 3000, "w") }, smallBatches, func(t *testing.T, r *rig, _ func()) {
		taken := 0
		r.fail = func(method, _ string) error {
			if method != "PlanAhead" {
				return nil
			}
			if taken++; taken == 5 {
				r.memory.mu.Lock()
				defer r.memory.mu.Unlock()
				edited := *r.events[0]
				edited.Revision++
				r.events = []*convened.Event{&edited}
			}
			return nil
		}
		pass(time.Hour + time.Second)
		if got := r.whoseEach()["w"]; got != 3000 || taken < 10 {
			t.Errorf("%d of 3000 letters have left, after %d steps that were taken", got, taken)
		}
	})
}

// What a step fails for now may work at the next.
func TestAStepThatCannotBeTakenIsTakenLater(t *testing.T) {
	running(t, func(r *rig) { burst(r, 3000, "w") }, smallBatches, func(t *testing.T, r *rig, _ func()) {
		tries := 0
		r.fail = func(method, _ string) error {
			if method == "PlanAhead" {
				if tries++; tries%3 == 0 {
					return fmt.Errorf("take: %w", convened.ErrBusy)
				}
			}
			return nil
		}
		pass(time.Hour + 30*time.Second)
		if got := r.whoseEach()["w"]; got != 3000 || tries < 3 {
			t.Errorf("%d of 3000 letters have left, after %d tries", got, tries)
		}
	})
}

// A step that fails, and those that were looked at before it, are looked at again. That
// is no rival: the burst goes on as it did.
func TestAFailureIsNoRival(t *testing.T) {
	running(t, func(r *rig) { burst(r, 3000, "w") }, smallBatches, func(t *testing.T, r *rig, _ func()) {
		steps := 0
		r.fail = func(method, _ string) error {
			if method != "PlanAhead" {
				return nil
			}
			switch steps++; steps {
			case 3:
				return fmt.Errorf("the connection is lost")
			case 4:
				return convened.ErrStale
			}
			return nil
		}
		pass(time.Hour + time.Second)
		if got := r.whoseEach()["w"]; got != 3000 || steps < 20 {
			t.Errorf("%d of 3000 letters have left, and %d steps were taken", got, steps)
		}
	})
}

// While the clocks differ nothing is planned, and to take is to plan.
func TestNothingIsTakenWhilePlanningPauses(t *testing.T) {
	var why atomic.Value
	why.Store("")
	paused := func(o *scheduler.Options) {
		smallBatches(o)
		o.PausePlan = func() string { return why.Load().(string) }
	}
	running(t, func(r *rig) { burst(r, 3000, "w") }, paused, func(t *testing.T, r *rig, _ func()) {
		steps := 0
		r.fail = func(method, _ string) error {
			if method == "PlanAhead" {
				if steps++; steps == 5 {
					why.Store("the clocks differ")
				}
			}
			return nil
		}
		pass(time.Hour + 10*time.Second)
		// The tick that was under way may end, and no more.
		if sent := len(r.sent()); steps < 5 || steps > 20 || sent >= 2000 {
			t.Errorf("%d steps were taken and %d letters sent, want no more than the pause let", steps, sent)
		}
		why.Store("")
		pass(10 * time.Second)
		if got := r.whoseEach()["w"]; got != 3000 {
			t.Errorf("%d of 3000 letters have left", got)
		}
	})
}

// Another daemon may be quicker with a step: each person gets one letter, and what is left
// is planned for both.
func TestWhoeverPlansAStepFirstHasIt(t *testing.T) {
	running(t, func(r *rig) { burst(r, 3000, "w") }, smallBatches, func(t *testing.T, r *rig, _ func()) {
		steps := 0
		r.fail = func(method, _ string) error {
			if method != "PlanAhead" {
				return nil
			}
			if steps++; steps == 3 {
				r.memory.mu.Lock()
				defer r.memory.mu.Unlock()
				p := r.plans[0]
				list, done := r.seatsLocked(p)
				for _, seat := range list[done:min(len(list), done+30)] {
					r.addLocked(convened.Claim{Event: *r.events[0], Registration: seat, Reminder: &r.events[0].Reminders[0], Told: -1,
						Notice: convened.Notice{Registration: seat.ID, Kind: p.Kind, Occasion: p.Occasion.String(), Instant: p.Occasion.At, DueAt: p.Occasion.At}})
				}
			}
			return nil
		}
		pass(time.Hour + time.Second)
		if got := r.whoseEach()["w"]; got != 3000 || steps > 5 { // one more may have been composed meanwhile
			t.Errorf("%d of 3000 letters have left, after %d steps that were planned ahead; want all, after a few", got, steps)
		}
		if n := r.InFlight(); n != 0 {
			t.Errorf("%d are still in flight", n)
		}
	})
}

// What can't be sent at once is planned like anything else, and its turn comes.
func TestALetterThatIsNotReadyIsPlanned(t *testing.T) {
	running(t, func(r *rig) { burst(r, 3000, "w") }, smallBatches, func(t *testing.T, r *rig, _ func()) {
		r.compose = func(c *convened.Claim) error {
			switch {
			case c.Registration.ID%100 == 7:
				return fmt.Errorf("a letter that can't be made: %w", convened.ErrRefused)
			case c.Registration.ID%100 == 8 && c.Notice.Attempt == 1 && len(r.called("PlanAhead")) > 0:
				return fmt.Errorf("a letter that can't be made yet")
			}
			return nil
		}
		r.marks = func(m convened.Mark) bool { return m.Notice%100 != 9 || m.Attempt > 1 }
		pass(2 * time.Hour)
		got := r.states()
		if got[convened.Refused] != 30 || got[convened.Sent] != 2970 {
			t.Errorf("in the end they are %v, want 2970 sent and 30 refused", got)
		}
		r.whoseEach()
	})
}

func TestWhoRegistersAmidABurstIsConfirmedBeforeItsEnd(t *testing.T) {
	running(t, func(r *rig) { burst(r, 3000, "w"); r.takes = time.Millisecond }, smallBatches, func(t *testing.T, r *rig, _ func()) {
		taken := 0
		r.fail = func(method, _ string) error {
			if method == "PlanAhead" {
				time.Sleep(10 * time.Millisecond)
				if taken++; taken == 5 {
					r.register("w", "late@example.org")
					r.Wake()
				}
			}
			return nil
		}
		pass(time.Hour + time.Second)
		for i, id := range r.sent() {
			if r.notice(id).Kind == convened.Confirmation {
				if left := len(r.sent()) - i; left < 500 {
					t.Errorf("the confirmation left when %d letters were left", left)
				}
				return
			}
		}
		t.Error("there is no confirmation")
	})
}
