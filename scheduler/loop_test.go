package scheduler_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"convened"
	"convened/scheduler"
)

// ticks notes when each tick was, counted from the first.
func ticks(list *[]time.Duration) func(*scheduler.Options) {
	var first time.Time
	return func(o *scheduler.Options) {
		o.Ticked = func(scheduler.Report, error) {
			meet()
			if first.IsZero() {
				first = bubble()
			}
			*list = append(*list, bubble().Sub(first))
		}
	}
}

func nothing(*rig) {}

func TestTheLoopTicksAtEachPollInterval(t *testing.T) {
	var at []time.Duration
	running(t, nothing, ticks(&at), func(t *testing.T, _ *rig, _ func()) {
		pass(17 * time.Second)
		if want := []time.Duration{0, 5 * time.Second, 10 * time.Second, 15 * time.Second}; !slices.Equal(at, want) {
			t.Errorf("it ticked at %v, want %v", at, want)
		}
	})
}

func TestAHintWakesTheLoopAtOnce(t *testing.T) {
	var at []time.Duration
	running(t, nothing, ticks(&at), func(t *testing.T, r *rig, _ func()) {
		pass(2 * time.Second)
		r.register("w", "a@example.org")
		r.memory.events = []*convened.Event{webinar("w", time.Hour)}
		r.Wake()
		r.Wake() // two hints are as good as one, and the one left over does no harm
		synctest.Wait()
		if !slices.Contains(at, 2*time.Second) {
			t.Errorf("it ticked at %v and not at the hint", at)
		}
		if len(r.sent()) != 1 {
			t.Errorf("%d were sent", len(r.sent()))
		}
		pass(3*time.Second - time.Millisecond)
		if len(at) > 3 {
			t.Errorf("it ticked at %v", at)
		}
	})
}

func TestTheLoopTicksWhenAnInstantComesAndNotBefore(t *testing.T) {
	var at []time.Duration
	prepare := func(r *rig) {
		r.events = []*convened.Event{webinar("w", 24*time.Hour+7*time.Second, reminder("before 24h", convened.Skip))}
		c := confirmation(r.events[0])
		c.Notice.DueAt = bubble().Add(3200 * time.Millisecond)
		r.add(c)
	}
	edit := func(o *scheduler.Options) { ticks(&at)(o); o.Poll = time.Hour }
	running(t, prepare, edit, func(t *testing.T, r *rig, _ func()) {
		pass(10 * time.Second)
		if want := []time.Duration{0, 3200 * time.Millisecond, 7 * time.Second}; !slices.Equal(at, want) {
			t.Errorf("it ticked at %v, want %v", at, want)
		}
		if len(r.plans) != 1 || len(r.sent()) != 1 {
			t.Errorf("%d occasions were planned and %d notices sent, want one each", len(r.plans), len(r.sent()))
		}
	})
}

func TestRoomThatIsFreedIsUsedAtOnce(t *testing.T) {
	prepare := func(r *rig) {
		for range 9 {
			r.add(confirmation(webinar("w", 1000*time.Hour)))
		}
		r.takes = time.Second
	}
	edit := func(o *scheduler.Options) { o.Batch, o.Hands, o.Poll = 2, 1, time.Hour }
	running(t, prepare, edit, func(t *testing.T, r *rig, _ func()) {
		pass(10 * time.Second)
		if got := r.states(); got[convened.Sent] != 9 {
			t.Errorf("after ten seconds they are %v", got)
		}
		for i := 1; i < len(r.when); i++ {
			if gap := r.when[i].Sub(r.when[i-1]); gap > time.Second+50*time.Millisecond {
				t.Errorf("the hand was idle before letter %d: %s after the one before", i+1, gap)
			}
		}
	})
}

// A row that somebody holds, such as a person with a transaction open, is due
// and can't be claimed. To ask again and again does not help.
func TestWhatIsDueAndCannotBeClaimedDoesNotMakeTheLoopSpin(t *testing.T) {
	held := true
	prepare := func(r *rig) {
		r.add(confirmation(webinar("w", time.Hour)))
		r.fail = func(method, _ string) error {
			if method == "Claim" && held {
				for _, row := range r.rows {
					row.claim.Notice.State = convened.Held // as SKIP LOCKED sees it
				}
			}
			if method == "NextDue" && held {
				for _, row := range r.rows {
					row.claim.Notice.State = convened.Planned
				}
			}
			return nil
		}
	}
	var at []time.Duration
	running(t, prepare, ticks(&at), func(t *testing.T, r *rig, _ func()) {
		pass(10 * time.Second)
		if len(at) > 12 {
			t.Errorf("it ticked %d times in ten seconds", len(at))
		}
		held = false
		pass(2 * time.Second)
		if len(r.sent()) != 1 {
			t.Error("once it is let go of it is not sent")
		}
	})
}

func TestAFailingTickIsTriedAgainWithinASecondAndLoggedOnceForEachError(t *testing.T) {
	var at []time.Duration
	why := errors.New("the first thing")
	prepare := func(r *rig) { r.fail = func(string, string) error { return why } }
	running(t, prepare, ticks(&at), func(t *testing.T, r *rig, _ func()) {
		pass(3500 * time.Millisecond)
		if want := []time.Duration{0, time.Second, 2 * time.Second, 3 * time.Second}; !slices.Equal(at, want) {
			t.Errorf("it ticked at %v, want %v", at, want)
		}
		why = errors.New("the second thing")
		pass(3 * time.Second)
		why = nil
		pass(3 * time.Second)
		lines := strings.Split(strings.TrimSpace(r.log.String()), "\n")
		if len(lines) != 3 || !strings.Contains(lines[0], "the first thing") || !strings.Contains(lines[1], "the second thing") || !strings.Contains(lines[2], "ticking again") {
			t.Errorf("the log is\n%s", r.log)
		}
	})
}

func TestAStopGivesBackWhatWasNotBegunAndFinishesWhatIsOnTheWire(t *testing.T) {
	prepare := func(r *rig) {
		for range 40 {
			r.add(confirmation(webinar("w", 1000*time.Hour)))
		}
		r.takes = 10 * time.Second
	}
	edit := func(o *scheduler.Options) { o.Batch, o.Hands = 10, 2 }
	running(t, prepare, edit, func(t *testing.T, r *rig, stop func()) {
		pass(5 * time.Second)
		claims, stopped := len(r.called("Claim")), bubble()
		go stop()
		pass(time.Second)
		if got := r.states(); got[convened.Claimed] != 2 || got[convened.Planned] != 38 {
			t.Errorf("while two are on the wire they are %v, want the others given back", got)
		}
		stop()
		if spent := bubble().Sub(stopped); spent < 5*time.Second || spent > 6*time.Second {
			t.Errorf("the stop took %s, and what was on the wire needed 5s", spent)
		}
		if n := len(r.called("Claim")) - claims; n != 0 {
			t.Errorf("it claimed %d times after it was told to stop", n)
		}
		if got := r.states(); got[convened.Sent] != 2 || got[convened.Planned] != 38 {
			t.Errorf("they are %v, want the two on the wire sent and the others planned", got)
		}
		if len(r.sent()) != 2 {
			t.Errorf("%d letters were begun, want 2", len(r.sent()))
		}
		for _, row := range r.rows {
			if n := row.claim.Notice; n.State == convened.Planned && (n.DueAt.After(bubble()) || n.Failures != 0) {
				t.Fatalf("what was given back is due at %s after %d failures", n.DueAt, n.Failures)
			}
		}
	})
}

func TestAStopInterruptsADialogueThatHasNotComeToItsDot(t *testing.T) {
	prepare := func(r *rig) {
		r.add(confirmation(webinar("w", 1000*time.Hour)))
		r.takes, r.stoppable = 30*time.Second, true
	}
	running(t, prepare, nil, func(t *testing.T, r *rig, stop func()) {
		pass(time.Second)
		stopped := bubble()
		stop()
		n := r.notice(1)
		if spent := bubble().Sub(stopped); spent > time.Second || n.State != convened.Planned || n.Failures != 0 {
			t.Errorf("after %s it is %+v", spent, n)
		}
	})
}

// What a server has said is a fact, whoever stops meanwhile.
func TestAReplyThatComesWhileTheDaemonStopsCounts(t *testing.T) {
	prepare := func(r *rig) {
		r.add(confirmation(webinar("w", 1000*time.Hour)))
		r.takes = 10 * time.Second
		r.outcome = func(*convened.Claim) convened.Outcome {
			return convened.Outcome{State: convened.Planned, Cause: convened.CauseSlowDown, Code: 421}
		}
	}
	running(t, prepare, nil, func(t *testing.T, r *rig, stop func()) {
		pass(time.Second)
		stop()
		if n := r.notice(1); n.State != convened.Planned || n.Failures != 1 || n.DueAt.Sub(bubble()) < 3*time.Minute {
			t.Errorf("it is %+v", n)
		}
	})
}

// Where a tick says that there is more to do, it is not put off.
func TestAnEventThatIsEditedWhileItIsPlannedIsLookedAtAtOnce(t *testing.T) {
	prepare := func(r *rig) {
		e := webinar("w", time.Hour, reminder("before 1h", convened.Skip))
		r.events = []*convened.Event{e}
		r.fail = func(method, _ string) error {
			if method == "PlanOccasion" && e.Revision == 1 {
				edited := *e
				edited.Revision = 2
				e, r.events[0] = &edited, &edited
			}
			return nil
		}
	}
	running(t, prepare, func(o *scheduler.Options) { o.Poll = time.Hour }, func(t *testing.T, r *rig, _ func()) {
		if len(r.plans) != 1 {
			t.Errorf("%d occasions were planned at once, want 1", len(r.plans))
		}
	})
}

func TestAStopAmidATickSendsNothingMoreAndIsNoFault(t *testing.T) {
	for _, at := range []string{"Claim", "Mark"} {
		t.Run(at, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, nil)
				for range 5 {
					r.add(confirmation(webinar("w", 1000*time.Hour)))
				}
				ctx, cancel := context.WithCancel(t.Context())
				r.fail = func(method, _ string) error {
					if method == at {
						cancel()
						return ctx.Err() // as a database does that is told to stop
					}
					return nil
				}
				r.Run(ctx)
				if strings.Contains(r.log.String(), "msg=tick") {
					t.Errorf("a stop is logged as a fault:\n%s", r.log)
				}
				if len(r.sent()) != 0 {
					t.Errorf("%d were sent", len(r.sent()))
				}
				if got := r.states(); got[convened.Planned] != 5 {
					t.Errorf("they are %v, want them all planned", got)
				}
			})
		})
	}
}

// Who has just registered waits for nothing that has nothing to do with it; what
// has follows soon enough.
func TestAHintIsFollowedAtOnceByWhatIsUrgentAndSoonByAWholeTick(t *testing.T) {
	running(t, func(r *rig) { r.events = []*convened.Event{webinar("w", 1000*time.Hour)} }, func(o *scheduler.Options) { o.Poll = time.Hour }, func(t *testing.T, r *rig, _ func()) {
		did := func() (newcomers, whole int) { return len(r.called("Newcomers")), len(r.called("Recover")) }
		pass(time.Second)
		r.Wake() // the last whole tick is long ago, so another follows
		pass(10 * time.Millisecond)
		newcomers, whole := did()
		for range 3 {
			r.Wake()
			pass(10 * time.Millisecond)
		}
		if n, w := did(); n != newcomers+3 || w != whole {
			t.Errorf("after three hints newcomers were looked for %d times and dead hands %d times, want 3 and 0", n-newcomers, w-whole)
		}
		pass(time.Second)
		if n, w := did(); n != newcomers+4 || w != whole+1 {
			t.Errorf("a second later it was %d and %d times, want 4 and 1", n-newcomers, w-whole)
		}
	})
}

// What a hint needs to know of the events it knows from the last whole tick.
func TestAHintReadsNoEvents(t *testing.T) {
	running(t, func(r *rig) { r.events = []*convened.Event{webinar("w", 1000*time.Hour)} }, func(o *scheduler.Options) { o.Poll = time.Hour }, func(t *testing.T, r *rig, _ func()) {
		pass(time.Second)
		r.Wake() // the last whole tick is long ago, so another follows
		pass(10 * time.Millisecond)
		before := len(r.called("OpenEvents"))
		r.register("w", "a@example.org")
		r.Wake()
		pass(10 * time.Millisecond)
		if n := len(r.called("OpenEvents")); n != before || len(r.called("Mark")) != 1 {
			t.Errorf("a hint read the events %d times, and %d batches were marked, want 0 and 1", n-before, len(r.called("Mark")))
		}
		r.events = append(r.events, webinar("new", 1000*time.Hour))
		r.register("new", "a@example.org")
		r.Wake()
		pass(10 * time.Millisecond)
		if n := len(r.called("OpenEvents")); n == before || len(r.called("Mark")) != 2 {
			t.Error("who registers for an event that the daemon has not seen yet waits for more than a whole tick")
		}
	})
}

func TestAHintDoesNotOvertakeAnOccasionThatHasCome(t *testing.T) {
	e := webinar("w", time.Hour+time.Second, reminder("before 1h", convened.Skip))
	running(t, func(r *rig) { r.events = []*convened.Event{e} }, func(o *scheduler.Options) { o.Poll = time.Hour }, func(t *testing.T, r *rig, _ func()) {
		pass(990 * time.Millisecond)
		r.Wake()
		pass(5 * time.Millisecond)
		whole := len(r.called("Recover"))
		edited := *e
		edited.Revision = 2
		r.events[0] = &edited
		r.register("w", "a@example.org")
		r.Wake()
		pass(time.Millisecond)
		if w := len(r.called("Recover")); w == whole {
			t.Error("an event was edited, and a hint of who registers for it is followed by less than a whole tick")
		}
	})
}

// Where all hands are busy for long, the daemon does not look again and again.
func TestWhileAllHandsAreBusyNobodyLooksForMore(t *testing.T) {
	var at []time.Duration
	prepare := func(r *rig) {
		r.takes = time.Hour
		e := webinar("w", 1000*time.Hour)
		for range 500 {
			r.add(confirmation(e))
		}
	}
	running(t, prepare, ticks(&at), func(t *testing.T, r *rig, _ func()) {
		pass(time.Minute)
		before := len(at)
		pass(time.Minute)
		if n := len(at) - before; n > 70 {
			t.Errorf("%d ticks in a minute in which nothing could be done, want about one a second", n)
		}
	})
}

// A hand may make room after a tick has found none and before it waits for some.
func TestRoomThatComesAtTheEndOfATickIsSeen(t *testing.T) {
	crowded := 0
	edit := func(o *scheduler.Options) {
		o.Batch, o.Hands, o.Poll = 10, 1, 10*time.Minute
		o.Ticked = func(r scheduler.Report, _ error) {
			if r.Crowded && r.Claimed == 0 {
				crowded++
				pass(10 * time.Second) // until all that is in hand has left
			}
		}
	}
	prepare := func(r *rig) {
		r.takes = 100 * time.Millisecond
		e := webinar("w", 1000*time.Hour)
		for range 100 {
			r.add(confirmation(e))
		}
	}
	running(t, prepare, edit, func(t *testing.T, r *rig, _ func()) {
		pass(time.Minute + 59*time.Second)
		if got := r.states()[convened.Sent]; crowded == 0 || got != 100 {
			t.Errorf("after two minutes %d have left, and %d ticks found no room; want 100, with some", got, crowded)
		}
	})
}
