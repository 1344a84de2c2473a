package scheduler

import (
	"math/rand/v2"
	"time"

	"convened"
)

// The waits after temporary failures, in multiples of the first: 5, 15, 30, 60
// minutes, then hourly.
var retrySteps = []int{1, 3, 6, 12}

// poisonTries is how often a letter that can't be made is tried. What is wrong
// may be a template that is being replaced at this moment, but not for long.
const poisonTries = 3

// How long everything waits after the relay could not be reached, and after a
// login failed: one probe in that time.
const (
	relayPause = 30 * time.Second
	loginPause = 60 * time.Second
)

// RetryDelay returns the wait before the next try after the given number of
// failures (1 is the first), without jitter.
func RetryDelay(first time.Duration, failures int) time.Duration {
	i := max(0, min(failures-1, len(retrySteps)-1))
	return first * time.Duration(retrySteps[i])
}

// jitter spreads a wait by a fifth either way, so that what failed together does
// not come back together.
func jitter(d time.Duration) time.Duration {
	return d - d/5 + time.Duration(rand.Int64N(int64(d/5)*2+1))
}

// settlement says what follows from an outcome.
func (s *Scheduler) settlement(w settling) convened.Settlement {
	o := w.outcome
	if o.At.IsZero() {
		o.At = s.o.Clock()
	}
	o.Notice, o.Attempt = w.claim.Notice.ID, w.claim.Notice.Attempt
	st := convened.Settlement{Outcome: o, Registration: w.claim.Notice.Registration, DueAt: o.At, Reason: w.reason}
	switch o.State {
	case convened.Planned:
		var wait time.Duration
		switch {
		case o.Cause == convened.CauseStopped:
		case o.Free && o.Cause == convened.CauseLogin:
			wait = loginPause
		case o.Free:
			wait = relayPause
		default:
			failures := w.claim.Notice.Failures + 1
			if o.Cause == convened.CausePoison && failures >= poisonTries {
				st.State, st.Reason = convened.Refused, "the letter can't be made"
				return st
			}
			wait = jitter(RetryDelay(s.o.RetryFirst, failures))
		}
		st.DueAt = o.At.Add(max(wait, o.RetryAfter))
		// The last try is when it loses its use: the claim then finds it useless
		// and says so, with the server's last words.
		if last := lastUse(w.claim, s.o.Grace).Add(time.Millisecond); w.claim.Fault == "" && st.DueAt.After(last) {
			if st.DueAt = last; last.Before(o.At) {
				st.DueAt = o.At
			}
		}
	case convened.Unknown:
		st.DueAt = o.At.Add(s.o.DotTimeout)
	}
	return st
}

// A gate keeps everybody from a relay that does not answer: after a failure
// nothing is claimed and no letter begun for a while, then one notice goes ahead
// as a probe, and its success opens the gate.
type gate struct {
	until    time.Time // closed until then; zero: open
	why      string
	closings int // how often it has closed
}

// room returns how many may pass at now.
func (g *gate) room(now time.Time, want, inFlight int) int {
	switch {
	case g.until.IsZero():
		return want
	case now.Before(g.until) || inFlight > 0:
		return 0
	default:
		return min(want, 1)
	}
}

// saw takes note of what came of a letter that was begun when the gate had
// closed so many times. Only failures of the relay itself close it, and what was
// begun before it closed does not open it: a connection of the pool may work
// long after the relay lets nobody in any more.
func (g *gate) saw(o convened.Outcome, closings int) {
	switch {
	case o.Cause == convened.CauseLogin:
		*g = gate{o.At.Add(loginPause), "the relay refuses our login", g.closings + 1}
	case o.Cause == convened.CauseRelay:
		*g = gate{o.At.Add(relayPause), "the relay can't be reached", g.closings + 1}
	case (o.State == convened.Sent || o.Code != 0) && closings == g.closings:
		g.until, g.why = time.Time{}, ""
	}
}
