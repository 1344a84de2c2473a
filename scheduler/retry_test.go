package scheduler_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"convened"
	"convened/scheduler"
)

func TestTheWaitsAreFiveFifteenThirtySixtyMinutesAndThenAnHour(t *testing.T) {
	var got []float64
	for failures := range 8 {
		got = append(got, scheduler.RetryDelay(5*time.Minute, failures+1).Minutes())
	}
	want := []float64{5, 15, 30, 60, 60, 60, 60, 60}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := scheduler.RetryDelay(time.Second, 4); got != 12*time.Second {
		t.Errorf("with a first wait of a second the fourth is %s, want 12s", got)
	}
}

// settled returns what follows from an outcome for a claim that was sent at an
// instant.
func settled(t *testing.T, first time.Duration, now time.Time, c convened.Claim, o convened.Outcome) convened.Settlement {
	t.Helper()
	clock := func() time.Time { return now }
	m, w := &memory{clock: clock}, &wire{outcome: func(*convened.Claim) convened.Outcome { return o }}
	s := scheduler.New(scheduler.Options{Store: m, Composer: w, Clock: clock, RetryFirst: first, DotTimeout: 7 * time.Minute})
	defer s.Begin(t.Context())()
	id := m.add(c)
	if err := s.Until(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	return m.settlements(id)[0]
}

func TestATemporaryFailureIsTriedAgainAfterItsWaitGiveOrTakeAFifth(t *testing.T) {
	steps := []int{1, 3, 6, 12}
	rapid.Check(t, func(rt *rapid.T) {
		first := time.Duration(rapid.Int64Range(1, int64(time.Hour)).Draw(rt, "first"))
		failures := rapid.IntRange(0, 12).Draw(rt, "failures")
		after := time.Duration(rapid.Int64Range(0, int64(3*time.Hour)).Draw(rt, "asked for"))
		use := time.Duration(rapid.Int64Range(1, int64(20*time.Hour)).Draw(rt, "of use for"))
		e := event("UTC", "2026-11-25 16:00")
		c := confirmation(e)
		c.Notice.Failures, c.Notice.DueAt = failures, time.Time{}
		now := e.Ends.Add(-use)
		st := settled(t, first, now, c, convened.Outcome{State: convened.Planned, Cause: convened.CauseServer, Code: 451, RetryAfter: after})

		last := e.Ends.Add(time.Millisecond)
		wait := time.Duration(steps[min(failures, 3)]) * first
		least, most := now.Add(max(wait-wait/5, after)), now.Add(max(wait+wait/5, after))
		for _, edge := range []*time.Time{&least, &most} {
			if edge.After(last) {
				*edge = last
			}
		}
		if st.State != convened.Planned || st.DueAt.Before(least) || st.DueAt.After(most) {
			rt.Errorf("after %d failures, with a first wait of %s, asked to wait %s and of use for %s: %s in %s; want planned in %s to %s",
				failures, first, after, use, st.State, st.DueAt.Sub(now), least.Sub(now), most.Sub(now))
		}
	})
}

// What failed together does not come back together.
func TestTheWaitsAreSpread(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.outcome = func(*convened.Claim) convened.Outcome {
			return convened.Outcome{State: convened.Planned, Cause: convened.CauseServer, Code: 451}
		}
		e := webinar("w", 1000*time.Hour)
		for range 500 {
			r.add(confirmation(e))
		}
		began := bubble()
		r.until()
		var waits []time.Duration
		for _, st := range r.settled {
			waits = append(waits, st.DueAt.Sub(st.At))
		}
		slices.Sort(waits)
		if len(slices.Compact(slices.Clone(waits))) < 490 {
			t.Error("many wait equally long")
		}
		if waits[0] > 4*time.Minute+10*time.Second || waits[len(waits)-1] < 6*time.Minute-10*time.Second {
			t.Errorf("the waits are from %s to %s, want them spread from 4 to 6 minutes", waits[0], waits[len(waits)-1])
		}
		if spent := bubble().Sub(began); spent > time.Second {
			t.Errorf("it took %s", spent)
		}
	})
}

// The end is told by the claim, with the server's last words: so the last try is
// the moment after the last use, and not an hour later.
func TestALetterThatFailsUntilItIsOfNoUseIsRefusedThen(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.outcome = func(*convened.Claim) convened.Outcome {
			return convened.Outcome{State: convened.Planned, Cause: convened.CauseServer, Code: 451, Reply: "451 not now"}
		}
		e := webinar("w", 4*time.Hour, reminder("before 4h", convened.Skip))
		id := r.add(remind(e)) // of use for an hour
		began := bubble()
		r.until()
		for r.notice(id).State == convened.Planned {
			r.next()
		}
		all := r.settlements(id)
		last := all[len(all)-1]
		if last.State != convened.Refused || last.Reason != scheduler.TooLate || last.Reply != "451 not now" {
			t.Errorf("in the end it is %+v", last)
		}
		if spent := last.At.Sub(began); spent < time.Hour || spent > time.Hour+time.Second {
			t.Errorf("it was refused after %s, want an hour", spent)
		}
		// 5, 15 and 30 minutes are 50, give or take 10.
		if n := len(r.sent()); n != 4 && n != 3 {
			t.Errorf("it was tried %d times", n)
		}
	})
}

// What becomes known when it is too late already is looked at at once.
func TestAFailureThatIsKnownTooLateIsNotWaitedFor(t *testing.T) {
	e := event("UTC", "2026-11-25 16:00")
	c := confirmation(e)
	c.Notice.DueAt = time.Time{}
	at := e.Ends.Add(5 * time.Minute)
	st := settled(t, 5*time.Minute, e.Ends.Add(-time.Second), c, convened.Outcome{State: convened.Planned, Cause: convened.CauseServer, Code: 451, At: at})
	if !st.DueAt.Equal(at) {
		t.Errorf("it is due %s after it was known", st.DueAt.Sub(at))
	}
}

func TestAnOutcomeInDoubtWaitsForTheServersLastWord(t *testing.T) {
	e := event("UTC", "2026-11-25 16:00")
	c := confirmation(e)
	c.Notice.DueAt = time.Time{}
	now := e.Ends.Add(-time.Minute) // beyond the event's end all the same
	st := settled(t, 5*time.Minute, now, c, convened.Outcome{State: convened.Unknown, Cause: convened.CauseDoubt})
	if st.State != convened.Unknown || !st.DueAt.Equal(now.Add(7*time.Minute)) {
		t.Errorf("it is %s, to be looked at in %s; want unknown, in 7m", st.State, st.DueAt.Sub(now))
	}
}

func TestWhatTheRelayCouldNotTakeWaitsAndCostsNothing(t *testing.T) {
	e := event("UTC", "2026-11-25 16:00")
	now := e.Starts
	for _, c := range []struct {
		cause convened.Cause
		want  time.Duration
	}{{convened.CauseRelay, 30 * time.Second}, {convened.CauseLogin, time.Minute}} {
		claim := confirmation(e)
		claim.Notice.DueAt, claim.Notice.Failures = time.Time{}, 3
		st := settled(t, 5*time.Minute, now, claim, convened.Outcome{State: convened.Planned, Free: true, Cause: c.cause})
		if got := st.DueAt.Sub(now); got != c.want || !st.Free {
			t.Errorf("after %s it waits %s, free: %v; want %s", c.cause, got, st.Free, c.want)
		}
	}
}

// gated returns a rig's outcomes: the relay fails in a way while it is down.
func gated(r *rig, down *bool, cause convened.Cause, code int) {
	r.outcome = func(*convened.Claim) convened.Outcome {
		if *down {
			return convened.Outcome{State: convened.Planned, Free: true, Cause: cause, Code: code, Phase: "greeting"}
		}
		return convened.Outcome{State: convened.Sent, Code: 250}
	}
}

func TestARelayThatIsDownIsProbedOnceInAWhile(t *testing.T) {
	for cause, pause := range map[convened.Cause]time.Duration{convened.CauseRelay: 30 * time.Second, convened.CauseLogin: time.Minute} {
		t.Run(string(cause), func(t *testing.T) {
			down := true
			prepare := func(r *rig) {
				// A reply code may come with it, such as 421 or 535.
				gated(r, &down, cause, 421)
				r.takes = 100 * time.Millisecond
				e := webinar("w", 1000*time.Hour)
				for range 250 {
					r.add(confirmation(e))
				}
			}
			edit := func(o *scheduler.Options) { o.Hands, o.Poll = 4, time.Second }
			running(t, prepare, edit, func(t *testing.T, r *rig, _ func()) {
				pass(time.Second)
				// Those under way when the first fails can't be called back; no more are begun.
				if n := len(r.sent()); n == 0 || n > 4 {
					t.Errorf("%d letters were begun before the gate closed, want at most one for each hand", n)
				}
				for _, row := range r.rows {
					if n := row.claim.Notice; n.Attempt > 0 && n.DueAt.Sub(bubble()) < pause-2*time.Second {
						t.Fatalf("notice %d is due again in %s, want what was in hand not before the next probe", n.ID, n.DueAt.Sub(bubble()))
					}
				}
				began := len(r.sent())
				pass(10*time.Minute - 2*time.Second)
				probes := r.when[began:]
				if want := int(10*time.Minute/pause) - 1; len(probes) < want-2 || len(probes) > want {
					t.Errorf("%d probes in ten minutes, want %d", len(probes), want)
				}
				for i := 1; i < len(probes); i++ {
					if gap := probes[i].Sub(probes[i-1]); gap < pause || gap > pause+2*time.Second {
						t.Errorf("a probe %s after the one before, want %s", gap, pause)
					}
				}
				down = false
				pass(pause + 5*time.Second)
				if got := r.states(); got[convened.Sent] != 250 {
					t.Errorf("once it is up they are %v", got)
				}
				for _, row := range r.rows {
					if row.claim.Notice.Failures != 0 {
						t.Fatal("a relay that was down was counted against a letter")
					}
				}
			})
		})
	}
}

func TestWhatIsNoFaultOfTheRelayKeepsNobodyWaiting(t *testing.T) {
	for _, o := range []convened.Outcome{
		{State: convened.Planned, Cause: convened.CauseServer, Code: 451},
		{State: convened.Planned, Cause: convened.CauseSlowDown, Code: 421},
		{State: convened.Refused, Cause: convened.CauseAddress, Code: 550},
		{State: convened.Refused, Cause: convened.CausePolicy, Code: 554},
		{State: convened.Unknown, Cause: convened.CauseDoubt},
	} {
		inWith(t, func(o *scheduler.Options) { o.Hands = 1 }, func(t *testing.T, r *rig) {
			r.outcome = func(c *convened.Claim) convened.Outcome {
				if c.Notice.ID == 1 {
					return o
				}
				return convened.Outcome{State: convened.Sent, Code: 250}
			}
			e := webinar("w", 1000*time.Hour)
			for i := range 10 {
				// Each in a domain of its own: that one may have to wait.
				c := confirmation(e)
				c.Registration.Email = fmt.Sprintf("ana@d%d.example", i)
				r.add(c)
			}
			if _, err := r.Tick(t.Context(), bubble()); err != nil {
				t.Fatal(err)
			}
			pass(time.Second)
			r.add(confirmation(e))
			report, err := r.Tick(t.Context(), bubble())
			if err != nil || report.Waiting != "" || report.Claimed != 1 {
				t.Errorf("after %s the tick reports %+v, %v", o.Cause, report, err)
			}
			pass(time.Second)
			if got := r.states(); got[convened.Sent] != 10 {
				t.Errorf("after %s they are %v", o.Cause, got)
			}
		})
	}
}

// A server that answers, whatever it says, is there.
func TestAnyReplyToTheProbeOpensTheGate(t *testing.T) {
	for _, code := range []int{250, 451, 550} {
		in(t, func(t *testing.T, r *rig) {
			r.outcome = func(c *convened.Claim) convened.Outcome {
				switch {
				case len(r.sent()) == 1:
					return convened.Outcome{State: convened.Planned, Free: true, Cause: convened.CauseRelay}
				case code == 451:
					return convened.Outcome{State: convened.Planned, Cause: convened.CauseServer, Code: code}
				case code == 550:
					return convened.Outcome{State: convened.Refused, Cause: convened.CauseAddress, Code: code}
				}
				return convened.Outcome{State: convened.Sent, Code: code}
			}
			e := webinar("w", time.Hour)
			r.add(confirmation(e))
			r.until()
			pass(30 * time.Second)
			r.until() // the probe
			for range 10 {
				r.add(confirmation(e))
			}
			report, err := r.Tick(t.Context(), bubble())
			if err != nil || report.Claimed != 10 || report.Waiting != "" {
				t.Errorf("after a probe with %d the tick reports %+v, %v", code, report, err)
			}
		})
	}
}

func TestTheTickSaysWhyItWaits(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		down := true
		gated(r, &down, convened.CauseLogin, 535)
		r.add(confirmation(webinar("w", time.Hour)))
		r.until()
		report, err := r.Tick(t.Context(), bubble())
		if err != nil || report.Waiting != "the relay refuses our login" || report.Claimed != 0 {
			t.Errorf("the tick reports %+v, %v", report, err)
		}
	})
}

// A connection of the pool may work long after the relay lets nobody in.
func TestALetterThatWasBegunBeforeTheGateClosedDoesNotOpenIt(t *testing.T) {
	inWith(t, func(o *scheduler.Options) { o.Hands = 2 }, func(t *testing.T, r *rig) {
		r.outcome = func(c *convened.Claim) convened.Outcome {
			if c.Notice.ID == 1 {
				return convened.Outcome{State: convened.Planned, Free: true, Cause: convened.CauseLogin, Code: 535}
			}
			return convened.Outcome{State: convened.Sent, Code: 250}
		}
		e := webinar("w", time.Hour)
		r.add(confirmation(e))
		slow := r.add(confirmation(e))
		r.slow = map[convened.NoticeID]time.Duration{1: time.Second, slow: 2 * time.Second}
		r.until()
		if got := r.notice(slow).State; got != convened.Sent {
			t.Fatalf("the slow one is %s", got)
		}
		r.add(confirmation(e))
		report, err := r.Tick(t.Context(), bubble())
		if err != nil || report.Claimed != 0 || report.Waiting == "" {
			t.Errorf("the tick reports %+v, %v; want it to wait", report, err)
		}
	})
}

// A domain that complains gets its letters at slots of its own, and nobody else
// waits for it.
func TestOnlyTheDomainThatComplainsIsSlowedDown(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.outcome = func(c *convened.Claim) convened.Outcome {
			if c.Notice.ID == 1 && c.Notice.Attempt == 1 {
				return convened.Outcome{State: convened.Planned, Cause: convened.CauseSlowDown, Code: 421}
			}
			return convened.Outcome{State: convened.Sent, Code: 250}
		}
		e := webinar("w", 1000*time.Hour)
		add := func(email string) convened.NoticeID {
			c := confirmation(e)
			c.Registration.Email = email
			return r.add(c)
		}
		add("first@slow.example")
		if _, err := r.Tick(t.Context(), bubble()); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		began := bubble()
		var slow []convened.NoticeID
		for i := range 3 {
			slow = append(slow, add(fmt.Sprintf("p%d@Slow.example", i)))
			add(fmt.Sprintf("p%d@quick.example", i))
		}
		if _, err := r.Tick(t.Context(), bubble()); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		if got := r.states(); got[convened.Sent] != 3 {
			t.Errorf("they are %v, want the three of the quick domain sent", got)
		}
		for i, id := range slow {
			n := r.notice(id)
			if wait := n.DueAt.Sub(began); n.State != convened.Planned || wait < 50*time.Second || wait > 70*time.Second {
				t.Errorf("letter %d of the slow domain is %s and due after %s", i, n.State, wait)
			}
			if i > 0 && !n.DueAt.After(r.notice(slow[i-1]).DueAt) {
				t.Errorf("letters %d and %d of the slow domain go together", i-1, i)
			}
		}
		for n := 0; n < 20 && r.states()[convened.Sent] < 7; n++ {
			r.next()
		}
		if got := r.states(); got[convened.Sent] != 7 || bubble().Sub(began) > 10*time.Minute {
			t.Errorf("after %s they are %v, want all sent", bubble().Sub(began), got)
		}
	})
}
