package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"convened"
	"convened/scheduler"
)

// What can't be made is tried three times, and the others of its batch go.
func TestALetterThatCannotBeMadeIsTriedThreeTimesAndHoldsUpNoOther(t *testing.T) {
	for name, compose := range map[string]func() error{
		"error": func() error { return errors.New("no such block") },
		"panic": func() error { panic("no such block") },
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				e := webinar("w", 1000*time.Hour)
				bad := r.add(confirmation(e))
				good := []convened.NoticeID{r.add(confirmation(e)), r.add(confirmation(e)), r.add(confirmation(e))}
				tries := 0
				r.compose = func(c *convened.Claim) error {
					if c.Notice.ID == bad {
						tries++
						return compose()
					}
					return nil
				}
				r.until()
				for _, id := range good {
					if got := r.notice(id).State; got != convened.Sent {
						t.Errorf("beside a bad letter one is %s", got)
					}
				}
				if n := r.notice(bad); n.State != convened.Planned || n.Failures != 1 || !strings.Contains(n.LastError, "no such block") {
					t.Errorf("after the first try it is %+v", n)
				}
				r.next()
				if n := r.notice(bad); n.State != convened.Planned || n.Failures != 2 {
					t.Errorf("after the second try it is %+v", n)
				}
				r.next()
				last := r.settlements(bad)[2]
				if last.State != convened.Refused || last.Cause != convened.CausePoison || last.Phase != "compose" || last.Reason != "the letter can't be made" {
					t.Errorf("after the third try it is %+v", last)
				}
				if tries != 3 {
					t.Errorf("it was tried %d times", tries)
				}
				if slices.Contains(r.sent(), bad) {
					t.Error("it was sent")
				}
				if at, err := r.NextInstant(t.Context(), bubble()); err != nil || !at.IsZero() {
					t.Errorf("something is left to do at %v, %v", at, err)
				}
			})
		})
	}
}

// A claim whose event can't be read is no claim for an event that is over.
func TestAClaimThatCouldNotBeReadIsPoisonAndNotOfNoUse(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.compose = func(*convened.Claim) error { panic("asked to make a letter of nothing") }
		began := bubble()
		c := confirmation(&convened.Event{Slug: "bad"})
		c.Fault = "read event bad: a title that is a number"
		id := r.add(c)
		r.until()
		r.next()
		r.next()
		all := r.settlements(id)
		if n := len(all); n != 3 || all[0].State != convened.Planned || all[2].State != convened.Refused || all[2].Cause != convened.CausePoison || all[2].Reply != c.Fault {
			t.Errorf("it was settled as %+v", all)
		}
		if spent := bubble().Sub(began); spent < 16*time.Minute {
			t.Errorf("three tries took %s, want 5 and 15 minutes between them", spent)
		}
	})
}

func TestWhatTheComposerRefusesIsRefusedAtOnce(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.compose = func(*convened.Claim) error { return fmt.Errorf("%w: it is larger than a novel", convened.ErrRefused) }
		id := r.add(confirmation(webinar("w", time.Hour)))
		r.until()
		all := r.settlements(id)
		if len(all) != 1 || all[0].State != convened.Refused || all[0].Cause != convened.CausePoison || !strings.Contains(all[0].Reply, "novel") {
			t.Errorf("it was settled as %+v", all)
		}
		if n := len(r.called("Mark")); n != 0 {
			t.Errorf("with no letter to send, mark was called %d times", n)
		}
	})
}

// A letter that was not made, and one that needs not be, open no connection.
func TestWhatIsOfNoUseIsCancelledWithItsReasonAndNotSent(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		e := webinar("w", time.Hour, reminder("before 1h", convened.Skip))
		late := remind(webinar("late", 29*time.Minute, e.Reminders...)) // half an hour is its grace
		muted := remind(e)
		muted.Registration.MutedAt = bubble()
		left := confirmation(e)
		left.Registration.CancelledAt = bubble()
		for reason, c := range map[string]convened.Claim{scheduler.TooLate: late, scheduler.Muted: muted, scheduler.Withdrawn: left} {
			id := r.add(c)
			r.until()
			all := r.settlements(id)
			if len(all) != 1 || all[0].State != convened.Cancelled || all[0].Reason != reason || all[0].Cause != convened.CauseUseless || !all[0].At.Equal(bubble().Add(-5*time.Millisecond)) {
				t.Errorf("%q was settled as %+v", reason, all)
			}
		}
		if len(r.sent()) != 0 {
			t.Errorf("%v were sent", r.sent())
		}
	})
}

// Who never got a letter for all our trying is to be seen among the refused,
// with the server's last words.
func TestWhatGrowsTooLateAfterFailuresIsRefused(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		e := webinar("w", 20*time.Minute, reminder("before 1h", convened.Skip))
		over := webinar("over", -time.Hour)
		for _, c := range []struct {
			claim    convened.Claim
			failures int
			want     convened.State
			reason   string
		}{
			{remind(e), 0, convened.Cancelled, scheduler.TooLate},
			{remind(e), 1, convened.Refused, scheduler.TooLate},
			{confirmation(over), 0, convened.Cancelled, scheduler.EventOver},
			{confirmation(over), 2, convened.Refused, scheduler.EventOver},
		} {
			c.claim.Notice.Failures, c.claim.Notice.LastError = c.failures, "451 later"
			id := r.add(c.claim)
			r.until()
			got := r.settlements(id)[0]
			words := ""
			if c.want == convened.Refused {
				words = "451 later"
			}
			if got.State != c.want || got.Reason != c.reason || got.Reply != words {
				t.Errorf("%s after %d failures is %s, %q, %q; want %s, %q, %q", c.claim.Event.Slug, c.failures, got.State, got.Reason, got.Reply, c.want, c.reason, words)
			}
		}
		// To be muted is no failure of ours.
		c := remind(webinar("m", time.Hour, reminder("before 1h", convened.Skip)))
		c.Registration.MutedAt, c.Notice.Failures, c.Notice.LastError = bubble(), 3, "451 later"
		id := r.add(c)
		r.until()
		if got := r.settlements(id)[0].State; got != convened.Cancelled {
			t.Errorf("a muted reminder after failures is %s", got)
		}
	})
}

// The last look is not the mark's alone: a letter may wait for a connection.
func TestAReminderThatGrewTooLateWhileItWaitedForAHandIsNotSent(t *testing.T) {
	inWith(t, func(o *scheduler.Options) { o.Hands = 1 }, func(t *testing.T, r *rig) {
		e := webinar("w", 10*time.Second, reminder("before 10s", convened.Skip)) // of use for five seconds
		r.takes = 6 * time.Second
		first, second := r.add(remind(e)), r.add(remind(e))
		r.until()
		if got := r.notice(first).State; got != convened.Sent {
			t.Errorf("the first is %s", got)
		}
		got := r.settlements(second)
		if len(r.sent()) != 1 || len(got) != 1 || got[0].State != convened.Cancelled || got[0].Reason != scheduler.TooLate {
			t.Errorf("%v were sent, and the second was settled as %+v", r.sent(), got)
		}
	})
}

func TestWhatTheMarkRefusesIsGivenBackAndNotSent(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		e := webinar("w", time.Hour)
		stale, good := r.add(confirmation(e)), r.add(confirmation(e))
		r.marks = func(m convened.Mark) bool { return m.Notice != stale }
		report, err := r.Tick(t.Context(), bubble())
		if err != nil || report.Marked != 1 || report.GivenBack != 1 || !report.More {
			t.Errorf("the tick reports %+v, %v", report, err)
		}
		pass(time.Second)
		if n := r.notice(stale); n.State != convened.Planned || n.DueAt.After(bubble()) || n.Failures != 0 {
			t.Errorf("what was refused is %+v, want it planned and due", n)
		}
		if n := r.notice(good); n.State != convened.Sent {
			t.Errorf("the other is %s", n.State)
		}
		if want := []convened.NoticeID{good}; !slices.Equal(r.sent(), want) {
			t.Errorf("%v were sent, want %v", r.sent(), want)
		}
		if n := r.InFlight(); n != 0 {
			t.Errorf("%d are in flight", n)
		}
		r.marks = nil
		r.until()
		if n := r.notice(stale); n.State != convened.Sent || n.Attempt != 2 {
			t.Errorf("tried again it is %+v", n)
		}
	})
}

// The last thing that a daemon does with a claim is to let go of it, even when
// it was told to stop in between.
func TestWhatTheMarkRefusesIsGivenBackEvenWhenTheDaemonStops(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		ctx, cancel := context.WithCancel(t.Context())
		id := r.add(confirmation(webinar("w", time.Hour)))
		r.marks = func(convened.Mark) bool { cancel(); return false }
		_, _ = r.Tick(ctx, bubble()) // what it says does not matter any more
		if n := r.notice(id); n.State != convened.Planned {
			t.Errorf("it is %s", n.State)
		}
	})
}

func TestNothingIsSentWhereTheMarkFails(t *testing.T) {
	away := errors.New("away")
	in(t, func(t *testing.T, r *rig) {
		ids := []convened.NoticeID{r.add(confirmation(webinar("w", time.Hour))), r.add(confirmation(webinar("w", time.Hour)))}
		r.fail = func(method, _ string) error {
			if method == "Mark" {
				return away
			}
			return nil
		}
		if _, err := r.Tick(t.Context(), bubble()); !errors.Is(err, away) {
			t.Errorf("the tick's error is %v", err)
		}
		pass(time.Second)
		if len(r.sent()) != 0 {
			t.Errorf("%v were sent", r.sent())
		}
		for _, id := range ids {
			n, all := r.notice(id), r.settlements(id)
			if n.State != convened.Planned || n.DueAt.After(bubble()) || len(all) != 1 || !all[0].Free || n.Failures != 0 {
				t.Errorf("it is %+v after %+v, want it planned and due, at no cost", n, all)
			}
		}
		r.fail = nil
		r.until()
		if got := r.states(); got[convened.Sent] != 2 {
			t.Errorf("when marking works again they are %v", got)
		}
	})
}

func TestAnEventThatSomebodySitsOnHoldsUpNoOther(t *testing.T) {
	running(t, func(r *rig) {
		for range 250 {
			r.add(confirmation(webinar("sat", time.Hour)))
		}
		for range 250 {
			r.add(confirmation(webinar("free", time.Hour)))
		}
		r.sat = "sat"
		r.takes = time.Millisecond
	}, nil, func(t *testing.T, r *rig, _ func()) {
		pass(3 * time.Second)
		if got := r.states(); got[convened.Sent] != 250 || len(r.sent()) != 250 {
			t.Errorf("while somebody sits on one event the notices are %v, want the other's 250 sent", got)
		}
		if n := len(r.called("Mark")); n > 60 {
			t.Errorf("it tried to mark %d times in 3 s: it spins", n)
		}
		if strings.Contains(r.log.String(), "tick") {
			t.Errorf("three seconds are not worth a word in the log:\n%s", r.log)
		}
		pass(10 * time.Second)
		if !strings.Contains(r.log.String(), convened.ErrBusy.Error()) {
			t.Errorf("after thirteen seconds it does not say that somebody sits on a row:\n%s", r.log)
		}
		r.memory.mu.Lock()
		r.sat = ""
		r.memory.mu.Unlock()
		pass(3 * time.Second)
		if got := r.states(); got[convened.Sent] != 500 {
			t.Errorf("when the row is free again the notices are %v", got)
		}
	})
}

// With a slow relay, what is in hand takes a while; who registers now goes first.
func TestAConfirmationOvertakesTheRemindersThatAreInHand(t *testing.T) {
	running(t, func(r *rig) {
		r.events = append(r.events, webinar("w", time.Hour))
		for range 400 {
			r.add(remind(webinar("other", time.Hour, reminder("before 30m", convened.Skip))))
		}
		r.takes = time.Second
	}, nil, func(t *testing.T, r *rig, _ func()) {
		pass(2500 * time.Millisecond)
		if n := r.InFlight(); n < 100 {
			t.Fatalf("%d are in flight: nothing is to be overtaken", n)
		}
		r.register("w", "ana@example.org")
		r.Wake()
		pass(3 * time.Second)
		r.memory.mu.Lock()
		defer r.memory.mu.Unlock()
		if n := r.rows[len(r.rows)-1].claim.Notice; n.Kind != convened.Confirmation || n.State != convened.Sent {
			t.Errorf("after three times as long as a letter takes, the %s is %s", n.Kind, n.State)
		}
	})
}

// What can't be given back would else wait for its lease.
func TestWhatCannotBeGivenBackIsGivenBackLater(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		away := errors.New("away")
		id := r.add(confirmation(webinar("w", time.Hour)))
		r.marks = func(convened.Mark) bool { return false }
		r.fail = func(method, _ string) error {
			if method == "GiveBack" {
				return away
			}
			return nil
		}
		if _, err := r.Tick(t.Context(), bubble()); !errors.Is(err, away) {
			t.Errorf("the tick's error is %v", err)
		}
		pass(time.Second)
		if n := r.notice(id); n.State != convened.Planned || n.DueAt.After(bubble()) || n.Failures != 0 || r.InFlight() != 0 {
			t.Errorf("it is %+v with %d in flight, want it planned and due, at no cost", n, r.InFlight())
		}
	})
}

// The mark's lease must cover a wait for a hand, the dialogue, and the longest
// wait for the final reply. What a lease does not cover, somebody else sends too.
func TestAMarkedLetterIsFinishedOrGivenBackWithinItsLease(t *testing.T) {
	options := func(o *scheduler.Options) { o.Hands, o.Lease, o.DotTimeout = 1, time.Minute, 10*time.Minute }
	t.Run("slow relay", func(t *testing.T) {
		inWith(t, options, func(t *testing.T, r *rig) {
			e := webinar("w", 1000*time.Hour)
			for range 60 {
				r.add(confirmation(e))
			}
			// Sixty letters of half a minute are half an hour.
			r.takes = 30 * time.Second
			for r.states()[convened.Sent] < 60 {
				if _, err := r.Tick(t.Context(), bubble()); err != nil {
					t.Fatal(err)
				}
				pass(5 * time.Second)
			}
			seen := map[convened.NoticeID]bool{}
			for _, id := range r.sent() {
				if seen[id] {
					t.Errorf("%d was sent twice, by one daemon that never failed", id)
				}
				seen[id] = true
			}
		})
	})
	t.Run("longest wait of all", func(t *testing.T) {
		two := func(o *scheduler.Options) { options(o); o.Hands = 2 } // one is free to send it again
		inWith(t, two, func(t *testing.T, r *rig) {
			e := webinar("w", 1000*time.Hour)
			a, b, c := r.add(confirmation(e)), r.add(confirmation(e)), r.add(confirmation(e))
			wait := time.Minute - time.Second
			r.slow = map[convened.NoticeID]time.Duration{a: wait, b: wait, // for which the third waits,
				c: time.Minute + 10*time.Minute - time.Second} // up to its dot and for the reply to it
			for range 13 * 60 {
				if _, err := r.Tick(t.Context(), bubble()); err != nil {
					t.Fatal(err)
				}
				pass(time.Second)
			}
			if len(r.sent()) != 3 || r.states()[convened.Sent] != 3 {
				t.Errorf("%v were sent, and they are %v", r.sent(), r.states())
			}
		})
	})
	t.Run("endless dialogue", func(t *testing.T) {
		inWith(t, options, func(t *testing.T, r *rig) {
			id := r.add(confirmation(webinar("w", 1000*time.Hour)))
			r.takes, r.stoppable = 100*time.Hour, true
			began := bubble()
			r.until()
			if spent := bubble().Sub(began); spent > 3*time.Minute {
				t.Errorf("a dialogue that comes to no end took %s", spent)
			}
			n, all := r.notice(id), r.settlements(id)
			if len(all) != 1 || all[0].State != convened.Planned || all[0].Cause != convened.CauseServer || n.Failures != 1 {
				t.Errorf("it was settled as %+v; want a failure of the server that counts", all)
			}
		})
	})
}

func TestOutcomesAreTriedUntilTheyAreWritten(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		left := 7
		r.fail = func(method, _ string) error {
			if method == "Settle" && left > 0 {
				left--
				return errors.New("away")
			}
			return nil
		}
		id := r.add(confirmation(webinar("w", time.Hour)))
		r.until()
		if n := r.notice(id); n.State != convened.Sent {
			t.Errorf("it is %s", n.State)
		}
		calls := r.called("Settle")
		if len(calls) != 8 || len(r.sent()) != 1 {
			t.Errorf("settled in %d tries, sent %d times; want 8 and once", len(calls), len(r.sent()))
		}
		// From 50 ms on twice as long each time, and never more than two seconds.
		for i, want := range []int64{50, 100, 200, 400, 800, 1600, 2000} {
			if got := calls[i+1].at.Sub(calls[i].at).Milliseconds(); got != want {
				t.Errorf("the wait after try %d is %d ms, want %d ms", i+1, got, want)
			}
		}
	})
}

// What is known to be sent must be on its row before anybody asks whose leases
// are over, or it goes out again after an outage that was longer than a lease.
func TestAfterAnOutageOutcomesAreWrittenBeforeLeasesAreJudged(t *testing.T) {
	inWith(t, func(o *scheduler.Options) { o.Lease, o.DotTimeout = time.Minute, time.Minute }, func(t *testing.T, r *rig) {
		id := r.add(confirmation(webinar("w", 1000*time.Hour)))
		away := false
		r.fail = func(string, string) error {
			if away {
				return errors.New("away")
			}
			return nil
		}
		if _, err := r.Tick(t.Context(), bubble()); err != nil {
			t.Fatal(err)
		}
		away = true
		pass(time.Hour + time.Second/2) // within a wait of the settler
		away = false
		meet()
		r.until()
		if n := r.notice(id); n.State != convened.Sent || len(r.sent()) != 1 {
			t.Errorf("it is %s, and was sent %d times", n.State, len(r.sent()))
		}
	})
}

func TestAStopWaitsForTheLastOutcomeToBeWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		away := true
		r.fail = func(method, _ string) error {
			if method == "Settle" && away {
				return errors.New("away")
			}
			return nil
		}
		id := r.add(confirmation(webinar("w", time.Hour)))
		ctx, cancel := context.WithCancel(t.Context())
		end := r.Begin(ctx)
		if _, err := r.Tick(ctx, bubble()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // it is sent, and the settler waits
		cancel()
		ended := make(chan struct{})
		go func() { end(); close(ended) }()
		pass(time.Hour)
		select {
		case <-ended:
			t.Fatal("it ended although a sent mail was not recorded")
		default:
		}
		away = false
		meet()
		<-ended
		if n := r.notice(id); n.State != convened.Sent {
			t.Errorf("it is %s", n.State)
		}
	})
}

func TestAnAbandonedStopEndsAlthoughNothingCanBeWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.fail = func(method, _ string) error {
			if method == "Settle" {
				return errors.New("away")
			}
			return nil
		}
		r.add(confirmation(webinar("w", time.Hour)))
		ctx, cancel := context.WithCancel(t.Context())
		end := r.Begin(ctx)
		if _, err := r.Tick(ctx, bubble()); err != nil {
			t.Fatal(err)
		}
		pass(time.Hour)
		cancel()
		at := bubble()
		r.Abandon()
		end()
		if spent := bubble().Sub(at); spent > 2*time.Second {
			t.Errorf("it ended only after %s", spent)
		}
	})
}

func TestAnOutcomeWithoutATimeGetsTheClocks(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		known := bubble().Add(time.Second)
		r.outcome = func(c *convened.Claim) convened.Outcome {
			o := convened.Outcome{State: convened.Sent, Code: 250}
			if c.Notice.ID == 2 {
				o.At = known
			}
			return o
		}
		r.takes = 3 * time.Second
		sent := bubble().Add(r.takes)
		r.add(confirmation(webinar("w", time.Hour)))
		r.add(confirmation(webinar("w", time.Hour)))
		r.until()
		if got := r.settlements(1)[0].At; got.Before(sent) || got.After(sent.Add(time.Second)) {
			t.Errorf("it was known at %s, want %s", got, sent)
		}
		if got := r.settlements(2)[0].At; !got.Equal(known) {
			t.Errorf("the time of an outcome that has one became %s, want %s", got, known)
		}
	})
}

// Nobody knows how far it came.
func TestALetterThatPanicsOnTheWireIsInDoubtAndHoldsUpNoOther(t *testing.T) {
	inWith(t, func(o *scheduler.Options) { o.Hands = 1 }, func(t *testing.T, r *rig) {
		r.outcome = func(c *convened.Claim) convened.Outcome {
			if c.Notice.ID == 1 {
				panic("out of step")
			}
			return convened.Outcome{State: convened.Sent, Code: 250}
		}
		bad, good := r.add(confirmation(webinar("w", time.Hour))), r.add(confirmation(webinar("w", time.Hour)))
		r.until()
		if a, b := r.notice(bad).State, r.notice(good).State; a != convened.Unknown || b != convened.Sent {
			t.Errorf("they are %s and %s, want unknown and sent", a, b)
		}
	})
}

func TestEachOutcomeIsToldOnceAndOnlyIfTheRowTookIt(t *testing.T) {
	told := map[convened.NoticeID]int{}
	options := func(o *scheduler.Options) {
		o.Settled = func(st convened.Settlement, c *convened.Claim) {
			if st.Notice != c.Notice.ID {
				t.Errorf("notice %d was told with the claim of %d", st.Notice, c.Notice.ID)
			}
			told[st.Notice]++
		}
	}
	inWith(t, options, func(t *testing.T, r *rig) {
		mine, lost := r.add(confirmation(webinar("w", time.Hour))), r.add(confirmation(webinar("w", time.Hour)))
		r.outcome = func(c *convened.Claim) convened.Outcome {
			if c.Notice.ID == lost {
				// Another hand has taken it while this one slept.
				r.memory.mu.Lock()
				r.rows[lost-1].claim.Notice.Attempt++
				r.memory.mu.Unlock()
				return convened.Outcome{State: convened.Refused, Code: 550}
			}
			return convened.Outcome{State: convened.Sent, Code: 250}
		}
		if _, err := r.Tick(t.Context(), bubble()); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		if told[mine] != 1 || told[lost] != 0 {
			t.Errorf("told %v, want %d once", told, mine)
		}
		if !strings.Contains(r.log.String(), "settled by another hand") {
			t.Errorf("the log does not say so:\n%s", r.log)
		}
	})
}

func TestAConfirmationKnowsTheRemindersThatItStandsInFor(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		var folded []convened.Occasion
		r.compose = func(c *convened.Claim) error { folded = c.Folded; return nil }
		e := webinar("w", time.Hour, reminder("before 24h", convened.Fold))
		r.add(confirmation(e))
		r.until()
		if len(folded) != 1 || folded[0].Key != "before 24h" {
			t.Errorf("it stands in for %+v", folded)
		}
	})
}

func TestNeverMoreThanTwoBatchesAreInHandWhereTheWireIsSlow(t *testing.T) {
	inWith(t, func(o *scheduler.Options) { o.Batch, o.Hands = 5, 3 }, func(t *testing.T, r *rig) {
		e := webinar("w", 1000*time.Hour)
		for range 47 {
			r.add(confirmation(e))
		}
		r.takes = time.Second
		most := 0
		for range 200 {
			if _, err := r.Tick(t.Context(), bubble()); err != nil {
				t.Fatal(err)
			}
			most = max(most, r.InFlight(), r.states()[convened.Claimed])
			pass(100 * time.Millisecond)
		}
		if most != 10 {
			t.Errorf("at most %d were in hand at once, want 10", most)
		}
		if r.most != 3 {
			t.Errorf("at most %d were on the wire at once, want 3", r.most)
		}
		for _, c := range r.called("Claim") {
			if c.n > 5 {
				t.Errorf("a claim asked for %d", c.n)
			}
		}
		if got := r.states(); got[convened.Sent] != 47 {
			t.Errorf("in the end they are %v", got)
		}
	})
}

// What a batch costs is the same for many as for few, so where the wire is quick
// it grows, and where the wire is slow again it shrinks.
func TestABatchGrowsWithTheSpeedOfTheWire(t *testing.T) {
	inWith(t, func(o *scheduler.Options) { o.Batch, o.Hands = 10, 8 }, func(t *testing.T, r *rig) {
		e := webinar("w", 1000*time.Hour)
		for range 2000 {
			r.add(confirmation(e))
		}
		r.fail = func(method, _ string) error {
			if method == "Claim" {
				pass(time.Second) // all that was claimed before is settled
			}
			return nil
		}
		for range 4 {
			if _, err := r.Tick(t.Context(), bubble()); err != nil {
				t.Fatal(err)
			}
		}
		largest := 0
		for _, c := range r.called("Claim") {
			largest = max(largest, c.n)
		}
		if largest != 80 {
			t.Errorf("a claim asks for at most %d, want 80", largest)
		}
		pass(time.Second)
		r.fail, r.takes = nil, time.Second
		for range 800 {
			if _, err := r.Tick(t.Context(), bubble()); err != nil {
				t.Fatal(err)
			}
			pass(100 * time.Millisecond)
		}
		if n := r.InFlight(); n > 20 {
			t.Errorf("with a slow wire %d are in hand, want at most 20", n)
		}
	})
}

// Hands that have nothing left do not wait until what they did is written down.
func TestABatchGrowsWhereHandsWaitForTheDisk(t *testing.T) {
	inWith(t, func(o *scheduler.Options) { o.Batch, o.Hands = 10, 8 }, func(t *testing.T, r *rig) {
		e := webinar("w", 1000*time.Hour)
		for range 300 {
			r.add(confirmation(e))
		}
		r.takes = time.Millisecond // so that both batches are in hand before the first is gone
		written := make(chan struct{})
		r.fail = func(method, _ string) error {
			if method == "Settle" {
				<-written
			}
			return nil
		}
		for range 40 {
			if _, err := r.Tick(t.Context(), bubble()); err != nil {
				t.Fatal(err)
			}
			pass(100 * time.Millisecond)
		}
		if n := len(r.sent()); n != 300 {
			t.Errorf("while the first outcomes are written, %d letters are sent, want all 300", n)
		}
		close(written)
		r.until()
		if got := r.states(); got[convened.Sent] != 300 {
			t.Errorf("in the end they are %v", got)
		}
	})
}

// Some domains are tarpits. Their letters must not keep the hands from the others.
func TestLettersThatTakeLongKeepTheOthersFromNothing(t *testing.T) {
	const sound, slow = 950, 50
	for name, c := range map[string]struct {
		spare int
		most  time.Duration // 1.2 s at eight hands, when nothing is in the way
	}{"with spare hands": {8, 2500 * time.Millisecond}, "without": {0, 12 * time.Second}} {
		t.Run(name, func(t *testing.T) {
			prepare := func(r *rig) {
				e := webinar("w", time.Hour)
				r.takes, r.slow = 10*time.Millisecond, map[convened.NoticeID]time.Duration{}
				for i := range sound + slow {
					c := confirmation(e)
					c.Registration.Email = "p@sound.example"
					if i > 100 && i%18 == 0 {
						c.Registration.Email = fmt.Sprintf("p@d%d.tarpit.example", i/18%5)
						r.slow[convened.NoticeID(i+1)] = 5 * time.Second
					}
					r.add(c)
				}
			}
			running(t, prepare, func(o *scheduler.Options) { o.Spare = c.spare }, func(t *testing.T, r *rig, _ func()) {
				began := bubble()
				left := func() int {
					r.memory.mu.Lock()
					defer r.memory.mu.Unlock()
					n := 0
					for _, row := range r.rows {
						if row.claim.Registration.Email == "p@sound.example" && row.claim.Notice.State != convened.Sent {
							n++
						}
					}
					return n
				}
				for left() > 0 && bubble().Sub(began) < time.Minute {
					pass(50 * time.Millisecond)
				}
				if took := bubble().Sub(began); took > c.most {
					t.Errorf("the sound ones took %s, and %d are left", took, left())
				}
				pass(5 * time.Minute)
				if got := r.states(); got[convened.Sent] != sound+slow {
					t.Errorf("after five minutes they are %v: the slow ones must come, too", got)
				}
				if r.most > 8+c.spare {
					t.Errorf("%d were under way at once", r.most)
				}
			})
		})
	}
}

// A relay that stands still for a moment stands still for all: no domain is to
// blame, and none is put off.
func TestARelayThatStandsStillMakesNoDomainALaggard(t *testing.T) {
	prepare := func(r *rig) {
		e := webinar("w", time.Hour)
		r.takes = 10 * time.Millisecond
		for i := range 400 {
			c := confirmation(e)
			c.Registration.Email = fmt.Sprintf("p@d%d.example", i%3)
			r.add(c)
		}
	}
	running(t, prepare, func(o *scheduler.Options) { o.Spare = 8 }, func(t *testing.T, r *rig, _ func()) {
		pass(200 * time.Millisecond)
		r.wire.mu.Lock()
		r.stands = bubble().Add(5 * time.Second)
		r.wire.mu.Unlock()
		pass(5 * time.Second)
		if n := r.states()[convened.Sent]; n < 100 || n > 200 {
			t.Fatalf("%d were sent before it went on", n)
		}
		pass(2 * time.Second)
		if got := r.states(); got[convened.Sent] != 400 {
			t.Errorf("two seconds after it went on they are %v", got)
		}
	})
}

// Where nearly everybody has one provider, a few letters that take long there must
// not put off all the others.
func TestABigDomainIsNoLaggardForAFewLettersThatTakeLong(t *testing.T) {
	prepare := func(r *rig) {
		e := webinar("w", time.Hour)
		r.takes, r.slow = 10*time.Millisecond, map[convened.NoticeID]time.Duration{}
		for i := range 1000 {
			c := confirmation(e)
			c.Registration.Email = "p@big.example"
			switch {
			case i%20 == 0:
				c.Registration.Email = fmt.Sprintf("p@d%d.example", i)
			case i > 100 && i%50 == 1:
				r.slow[convened.NoticeID(i+1)] = 600 * time.Millisecond
			}
			r.add(c)
		}
	}
	running(t, prepare, func(o *scheduler.Options) { o.Spare = 8 }, func(t *testing.T, r *rig, _ func()) {
		pass(4 * time.Second)
		if got := r.states(); got[convened.Sent] != 1000 {
			t.Errorf("after four seconds they are %v", got)
		}
	})
}

// A relay that allows no more than smtp.connections is not down when it refuses
// one more.
func TestASpareConnectionThatIsRefusedDoesNotCloseTheGate(t *testing.T) {
	prepare := func(r *rig) {
		e := webinar("w", time.Hour)
		r.takes, r.slow = 10*time.Millisecond, map[convened.NoticeID]time.Duration{}
		for i := range 300 {
			c := confirmation(e)
			c.Registration.Email = fmt.Sprintf("p@d%d.example", i)
			if i == 100 {
				r.slow[convened.NoticeID(i+1)] = 20 * time.Second
			}
			r.add(c)
		}
		r.room = 8
	}
	running(t, prepare, func(o *scheduler.Options) { o.Spare = 8 }, func(t *testing.T, r *rig, _ func()) {
		pass(5 * time.Second)
		if got := r.states(); got[convened.Sent] < 290 {
			t.Errorf("after five seconds they are %v: one connection too many has stopped everything", got)
		}
		pass(time.Minute)
		if got := r.states(); got[convened.Sent] != 300 {
			t.Errorf("after a minute they are %v", got)
		}
	})
}

// A letter whose beginning has gone out behind one that then takes long is not
// stuck behind it: another hand sends it.
func TestALetterThatHasBegunDoesNotWaitBehindOneThatIsLate(t *testing.T) {
	for _, spare := range []int{0, 4} {
		prepare := func(r *rig) {
			e := webinar("w", time.Hour)
			r.takes, r.slow = 10*time.Millisecond, map[convened.NoticeID]time.Duration{}
			for i := range 400 {
				c := confirmation(e)
				c.Registration.Email = fmt.Sprintf("p@d%d.example", i)
				if i == 150 || i == 200 {
					r.slow[convened.NoticeID(i+1)] = 20 * time.Second
				}
				r.add(c)
			}
		}
		running(t, prepare, func(o *scheduler.Options) { o.Hands, o.Spare = 4, spare }, func(t *testing.T, r *rig, _ func()) {
			pass(5 * time.Second)
			if got := r.states(); got[convened.Sent] != 398 {
				t.Errorf("%d spare: after five seconds they are %v, want all but two", spare, got)
			}
			pass(time.Minute)
			if r.wire.mu.Lock(); r.ahead < 100 || r.left == 0 {
				t.Errorf("%d spare: %d had begun behind another, %d were left: it shows nothing", spare, r.ahead, r.left)
			}
			r.wire.mu.Unlock()
			if got := r.states(); got[convened.Sent] != 400 {
				t.Errorf("%d spare: in the end they are %v", spare, got)
			}
		})
	}
}
