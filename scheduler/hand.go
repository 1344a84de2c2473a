package scheduler

import (
	"context"
	"runtime/debug"
	"time"

	"convened"
)

// A hand sends one letter after another, whenever it is its turn. While one is on
// its way it looks for the next, whose beginning may go out with the end of this.
type hand struct {
	*Scheduler
	place Place
	trip  *trip  // of the letter under way
	alarm *alarm // not set between two letters; nil: there is none

	// With Scheduler.mu held.
	late   bool // the letter under way is
	passed bool // its turn is, to a spare hand
	next   *job // to be sent after this; nil: none
}

func (h *hand) work(ctx context.Context) {
	h.place.Next = func() *Letter { return h.look(ctx) }
	mine := false // the turn
	for {
		j := h.take()
		if j == nil && h.place.Wire != nil {
			h.place.Wire.Leave()
		}
		if !mine {
			<-h.turns
		}
		if j == nil {
			next, open := h.Scheduler.next()
			if !open {
				h.turns <- struct{}{}
				return
			}
			j = &next
		}
		var w settling
		w, mine = h.turn(ctx, *j)
		h.tell(w)
	}
}

// worthwhile is how long a letter takes at the most where its round trips count, and
// not the server's thoughts: beyond that, a letter is with nobody before its turn.
const worthwhile = 300 * time.Millisecond

// look takes the letter that this hand sends next, if there is one, and returns it
// if its beginning may go out now.
func (h *hand) look(ctx context.Context) *Letter {
	if late := h.lag.patience(); ctx.Err() != nil || late == 0 || late > lateFactor*worthwhile || h.lag.lags(h.trip.domain) {
		return nil // it might wait for long
	}
	h.mu.Lock()
	vain := h.late || h.next != nil
	h.mu.Unlock()
	if vain {
		return nil
	}
	j, waits := h.first()
	if !waits {
		select {
		case next, open := <-h.outbox:
			if !open {
				return nil
			}
			j = next
		default:
			return nil
		}
	}
	now := h.o.Clock()
	goes := now.Sub(j.marked) <= h.o.Lease && !h.lag.lags(domainOf(j.claim.Registration.Email)) && Useless(now, j.claim, h.o.Grace) == ""
	if goes && j.letter.Ready != nil {
		j.letter.Ready()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.late {
		h.returned <- j
		return nil
	}
	// From here on it may be with another hand at any moment.
	h.next = &j
	if !goes || h.relay.until.After(now) {
		return nil // there will be more to say of it when it is its turn
	}
	return &j.letter
}

// take returns the letter that comes next; nil if there is none.
func (h *hand) take() *job {
	h.mu.Lock()
	defer h.mu.Unlock()
	j := h.next
	h.next = nil
	return j
}

// part gives the letter that was to be next to other hands. With h.mu held.
func (h *hand) part() {
	if h.next != nil {
		h.returned <- *h.next // has room for all that may be in flight
		h.next = nil
	}
}

// turn is a hand's turn with one letter. It ends early for one that is late, so
// that a spare hand goes on with the others. It reports whether the hand keeps the
// turn, for a letter that has begun to leave.
func (h *hand) turn(ctx context.Context, j job) (w settling, mine bool) {
	j.trip = &trip{domain: domainOf(j.claim.Registration.Email), began: h.o.Clock()}
	h.mu.Lock()
	h.trip, h.late, h.passed = j.trip, false, false
	h.mu.Unlock()
	if late := h.lag.patience(); late > 0 {
		h.set(late)
	}
	w, tooMany := h.handle(ctx, j, &h.place)
	h.lag.gone(j.trip)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stop()
	switch {
	case h.passed:
		if h.lent--; h.kept > 0 {
			h.kept--
			h.turns <- struct{}{}
		}
		return w, false
	case tooMany && h.kept < h.lent:
		// The turn that was passed on goes on when that letter has ended.
		h.kept++
		h.part()
		return w, false
	case h.next != nil:
		return w, true
	}
	h.turns <- struct{}{}
	return w, false
}

// An alarm goes off when a letter is late. It is set again for the next, unless it
// went off.
type alarm struct {
	timer *time.Timer
	over  bool // what it was set for has ended; with Scheduler.mu held
}

// set sets the hand's alarm.
func (h *hand) set(late time.Duration) {
	if h.alarm != nil {
		h.alarm.timer.Reset(late)
		return
	}
	a := &alarm{}
	h.alarm = a
	a.timer = time.AfterFunc(late, func() { h.isLate(a) })
}

// stop stops the alarm. For who holds h.mu.
func (h *hand) stop() {
	if h.alarm != nil && !h.alarm.timer.Stop() {
		h.alarm.over = true
		h.alarm = nil
	}
}

// isLate passes the turn on while the letter that the alarm is set for goes on.
func (h *hand) isLate(a *alarm) {
	now := h.o.Clock()
	h.mu.Lock()
	defer h.mu.Unlock()
	if a.over {
		return
	}
	h.lag.isLate(h.trip, now)
	h.late = true
	h.part()
	if h.o.Spare > 0 && !now.Before(h.alone) {
		h.passed = true
		h.lent++
		h.turns <- struct{}{} // has room for every turn
	}
}

// next returns the next letter for a hand, and waits for one. A person who has
// just registered does not wait behind the reminders that are in hand: with a
// slow relay that is the whole of a lease. It reports false when the outbox is
// closed and nothing is left.
func (s *Scheduler) next() (job, bool) {
	if j, waits := s.first(); waits {
		return j, true
	}
	select {
	case j := <-s.returned:
		return j, true
	case j := <-s.express:
		return j, true
	case j, open := <-s.outbox:
		if open {
			return j, true
		}
	}
	return s.first()
}

// first returns a letter that goes before those in the outbox, if one waits: one
// that was to be sent already, or one of somebody who has just registered.
func (s *Scheduler) first() (job, bool) {
	select {
	case j := <-s.returned:
		return j, true
	default:
	}
	select {
	case j := <-s.express:
		return j, true
	default:
		return job{}, false
	}
}

// handle sends a letter, unless it should not go any more: it has waited for a
// hand, and the world did not stand still.
func (s *Scheduler) handle(ctx context.Context, j job, p *Place) (w settling, tooMany bool) {
	now := s.o.Clock()
	s.waited.Store(int64(now.Sub(j.marked)))
	s.mu.Lock()
	held, closings := s.relay.until.Sub(now), s.relay.closings
	s.mu.Unlock()
	switch {
	case ctx.Err() != nil:
		return settling{j.claim, givenBack(now, 0), ""}, false
	case s.paused() != "":
		// The clock is no good for when it is to be tried again, either: at once.
		return settling{j.claim, givenBack(j.claim.Notice.DueAt, 0), ""}, false
	case held > 0:
		return settling{j.claim, givenBack(now, held), ""}, false
	case now.Sub(j.marked) > s.o.Lease:
		// What is left of its lease would not cover it.
		return settling{j.claim, givenBack(now, 0), ""}, false
	}
	if why := Useless(now, j.claim, s.o.Grace); why != "" {
		return settling{j.claim, ofNoUse(j.claim, why, now), why}, false
	}
	// Its domain may have begun to lag since it was marked.
	if at := s.lag.enter(j.trip); at.After(j.trip.began) {
		return settling{j.claim, givenBack(now, at.Sub(j.trip.began)), ""}, false
	}
	under := s.under.Add(1)
	o := s.send(ctx, j, p)
	under = max(under, s.under.Load()) // who began before may be refused in place of who came after
	s.under.Add(-1)
	ended := s.o.Clock()
	if o.At.IsZero() {
		o.At = ended
	}
	s.lag.ended(j.trip, ended, o)
	s.pace.saw(j.trip.domain, o)
	s.mu.Lock()
	defer s.mu.Unlock()
	if o.Cause == convened.CauseRelay && int(under) > s.o.Hands {
		s.alone = ended.Add(spareRest) // the relay is all right
		return settling{j.claim, o, ""}, true
	}
	s.relay.saw(o, closings)
	return settling{j.claim, o, ""}, false
}

// spareRest is for how long there are no spare hands once the relay has refused
// one.
const spareRest = 10 * time.Minute

func (s *Scheduler) send(ctx context.Context, j job, p *Place) (o convened.Outcome) {
	defer func() {
		if p := recover(); p != nil {
			// Nobody knows how far it came.
			s.log.Error("sending a letter panicked", "notice", int64(j.claim.Notice.ID), "stack", string(debug.Stack()))
			o = convened.Outcome{State: convened.Unknown, Cause: convened.CauseDoubt}
		}
	}()
	p.Until = time.Now().Add(s.o.Lease) //nolint:forbidigo // whoever is on the wire has no other clock
	o = j.letter.Send(ctx, p)
	switch {
	case o.State != convened.Planned || o.Code != 0:
	case ctx.Err() != nil:
		o.Cause, o.Free = convened.CauseStopped, true
	case o.Cause == convened.CauseStopped && !time.Now().Before(p.Until): //nolint:forbidigo // as above
		// It was not us who stopped it: the relay is too slow.
		o.Cause, o.Free, o.Reply = convened.CauseServer, false, "no final dot after "+s.o.Lease.String()
		switch o.Phase {
		case "connect", "greeting", "ehlo", "tls", "auth":
			o.Cause, o.Free = convened.CauseRelay, true
		}
	}
	return o
}
