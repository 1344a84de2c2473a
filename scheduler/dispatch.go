package scheduler

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"convened"
)

// room returns how many notices may be claimed at now, and why none if so.
// Twice a batch in hand keeps the hands busy while the next is prepared.
func (s *Scheduler) room(now time.Time) (int, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	free := min(s.o.Batch, 2*s.o.Batch-s.inFlight)
	if free <= 0 {
		return 0, ""
	}
	n := s.relay.room(now, free, s.inFlight)
	if n == 0 {
		return 0, s.relay.why
	}
	return n, ""
}

// dispatch claims what is due, as far as there is room, and puts it on its way.
func (s *Scheduler) dispatch(ctx context.Context, now time.Time, r *Report) error {
	for ctx.Err() == nil {
		n, why := s.room(now)
		if n == 0 {
			if why != "" {
				r.Waiting = why
			}
			return nil
		}
		claims, err := s.o.Store.Claim(ctx, now, n, s.o.Lease)
		if err != nil {
			return err
		}
		if len(claims) == 0 {
			return nil
		}
		r.Claimed += len(claims)
		s.mu.Lock()
		s.inFlight += len(claims)
		s.mu.Unlock()
		if err := s.prepare(ctx, now, claims, r); err != nil {
			return err
		}
		if len(claims) < n {
			return nil
		}
		r.More = true
	}
	return nil
}

// prepare composes a batch, marks it and hands it to the wire. Each claim ends
// up with the hands, with the settler, or given back.
func (s *Scheduler) prepare(ctx context.Context, now time.Time, claims []*convened.Claim, r *Report) error {
	jobs := make([]job, 0, len(claims))
	for i, made := range s.compose(now, claims) {
		c := claims[i]
		switch {
		case made.useless != "":
			r.Cancelled++
			o := convened.Outcome{State: convened.Cancelled, Cause: convened.CauseUseless, At: now}
			if c.Notice.Failures > 0 && (made.useless == TooLate || made.useless == EventOver) {
				// It was not for want of trying.
				o.State, o.Reply = convened.Refused, c.Notice.LastError
			}
			s.outcomes <- settling{c, o, made.useless}
		case made.err != nil:
			s.outcomes <- settling{c, failedToCompose(made.err, now), ""}
		default:
			jobs = append(jobs, job{c, made.letter})
		}
	}
	if len(jobs) == 0 {
		return nil
	}
	marks := make([]convened.Mark, len(jobs))
	for i, j := range jobs {
		marks[i] = convened.Mark{Notice: j.claim.Notice.ID, Attempt: j.claim.Notice.Attempt, MessageID: j.letter.MessageID,
			Revision: j.claim.Event.Revision, Sequence: j.claim.Registration.Sequence}
	}
	ok, err := s.o.Store.Mark(ctx, marks, s.o.DotTimeout+s.o.Lease)
	if err != nil {
		// The mark may be committed or not. Nothing was sent, and as long as the
		// claims hold they can be returned: settling is fenced by the attempt.
		for _, j := range jobs {
			s.outcomes <- settling{j.claim, convened.Outcome{State: convened.Planned, Cause: convened.CauseStopped, Free: true, At: now}, ""}
		}
		return err
	}
	var stale []*convened.Claim
	for _, j := range jobs {
		if ok[j.claim.Notice.ID] {
			r.Marked++
			s.outbox <- j // has room for all that may be in flight
		} else {
			stale = append(stale, j.claim)
		}
	}
	if len(stale) == 0 {
		return nil
	}
	r.GivenBack += len(stale)
	r.More = true
	s.finished(len(stale))
	return s.o.Store.GiveBack(ctx, stale, now)
}

// A draft is what composing a claim came to: a letter, a reason why it is of no
// use any more, or an error.
type draft struct {
	letter  Letter
	useless string
	err     error
}

// compose makes the letters of a batch on all processors.
func (s *Scheduler) compose(now time.Time, claims []*convened.Claim) []draft {
	made := make([]draft, len(claims))
	var wg sync.WaitGroup
	workers := min(runtime.GOMAXPROCS(0), len(claims))
	for w := range workers {
		wg.Go(func() {
			for i := w; i < len(claims); i += workers {
				made[i] = s.composeOne(now, claims[i])
			}
		})
	}
	wg.Wait()
	return made
}

func (s *Scheduler) composeOne(now time.Time, c *convened.Claim) (m draft) {
	defer func() {
		if p := recover(); p != nil {
			s.log.Error("composing a letter panicked", "notice", int64(c.Notice.ID), "event", c.Event.Slug, "kind", string(c.Notice.Kind), "stack", string(debug.Stack()))
			m = draft{err: fmt.Errorf("compose: panic: %v", p)}
		}
	}()
	if why := Useless(now, c, s.o.Grace); why != "" {
		return draft{useless: why}
	}
	if c.Notice.Kind == convened.Confirmation {
		c.Folded = Folded(&c.Event, c.Registration.SeatedAt)
	}
	letter, err := s.o.Composer.Compose(now, c)
	return draft{letter: letter, err: err}
}

func failedToCompose(err error, now time.Time) convened.Outcome {
	o := convened.Outcome{State: convened.Planned, Cause: convened.CausePoison, Phase: "compose", Reply: err.Error(), At: now}
	if errors.Is(err, convened.ErrRefused) {
		o.State = convened.Refused
	}
	return o
}

// start sets the hands and the settler to work. Letters that are still in the
// outbox when ctx ends go back; what is on the wire is finished.
func (s *Scheduler) start(ctx context.Context) {
	s.outbox = make(chan job, 2*s.o.Batch)
	s.outcomes = make(chan settling, 2*s.o.Batch)
	for range s.o.Hands {
		s.hands.Go(func() {
			for j := range s.outbox {
				s.outcomes <- settling{j.claim, s.send(ctx, j), ""}
			}
		})
	}
	s.settler.Go(s.settle)
}

func (s *Scheduler) send(ctx context.Context, j job) (o convened.Outcome) {
	defer func() {
		if p := recover(); p != nil {
			// Nobody knows how far it came.
			s.log.Error("sending a letter panicked", "notice", int64(j.claim.Notice.ID), "stack", string(debug.Stack()))
			o = convened.Outcome{State: convened.Unknown, Cause: convened.CauseDoubt}
		}
	}()
	if ctx.Err() != nil {
		return convened.Outcome{State: convened.Planned, Cause: convened.CauseStopped, Free: true}
	}
	o = j.letter.Send(ctx)
	if o.State == convened.Planned && ctx.Err() != nil {
		o.Cause, o.Free = convened.CauseStopped, true
	}
	return o
}

// stop waits for what is on the wire and for the last settlement.
func (s *Scheduler) stop() {
	close(s.outbox)
	s.hands.Wait()
	close(s.outcomes)
	s.settler.Wait()
}

// settle collects outcomes into batches: what is there, and what comes within a
// moment. One that can't be written is tried until it can: it is in memory
// alone, and a sent mail is recorded even while shutting down.
func (s *Scheduler) settle() {
	for first := range s.outcomes {
		batch := []settling{first}
		moment := time.NewTimer(settleMoment)
	collect:
		for len(batch) < 2*s.o.Batch {
			select {
			case w, open := <-s.outcomes:
				if !open {
					break collect
				}
				batch = append(batch, w)
			case <-moment.C:
				break collect
			}
		}
		moment.Stop()
		s.settleBatch(batch)
	}
}

// settleMoment is how long an outcome may wait for others to be settled with.
const settleMoment = 5 * time.Millisecond

// settlePatience bounds the waits between tries to settle.
const settlePatience = 2 * time.Second

func (s *Scheduler) settleBatch(batch []settling) {
	list := make([]convened.Settlement, len(batch))
	s.mu.Lock()
	for i, w := range batch {
		list[i] = s.settlement(w)
		s.relay.saw(list[i].Outcome)
	}
	s.mu.Unlock()
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, settlePatience) {
		took, err := s.o.Store.Settle(context.Background(), list)
		if err == nil {
			for i, w := range batch {
				s.report(list[i], w.claim, took[w.claim.Notice.ID])
			}
			break
		}
		s.log.Error("settle is not written, trying again", "notices", len(list), "error", err.Error())
		if s.abandoned() {
			break
		}
		time.Sleep(wait)
	}
	s.finished(len(batch))
}

func (s *Scheduler) abandoned() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.giveUp
}

// Abandon lets a stop end although the database does not take the last
// outcomes. What was sent and not recorded is then in doubt, and is sent again.
func (s *Scheduler) Abandon() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.giveUp = true
}

// report logs one line per outcome and tells who asked to be told.
func (s *Scheduler) report(st convened.Settlement, c *convened.Claim, took bool) {
	attrs := []any{"notice", int64(c.Notice.ID), "event", c.Event.Slug, "kind", string(c.Notice.Kind), "attempt", c.Notice.Attempt}
	switch {
	case !took:
		s.log.Warn("settled by another hand", append(attrs, "outcome", string(st.State))...)
		return
	case st.State == convened.Sent:
		s.log.Info("sent", append(attrs, "late", st.At.Sub(c.Notice.DueAt).Round(time.Millisecond).String(), "code", st.Code)...)
	case st.State == convened.Cancelled:
		s.log.Info("cancelled", append(attrs, "reason", st.Reason)...)
	case st.State == convened.Planned:
		s.log.Warn("planned again", append(attrs, "due", st.DueAt, "cause", string(st.Cause), "phase", st.Phase, "code", st.Code)...)
	default:
		s.log.Warn(string(st.State), append(attrs, "cause", string(st.Cause), "phase", st.Phase, "code", st.Code, "enhanced", st.Enhanced)...)
	}
	if s.o.Settled != nil {
		s.o.Settled(st, c)
	}
}

// finished takes n claims out of flight.
func (s *Scheduler) finished(n int) {
	s.mu.Lock()
	s.inFlight -= n
	if s.inFlight == 0 {
		s.idle.Broadcast()
	}
	s.mu.Unlock()
	select {
	case s.freed <- struct{}{}:
	default:
	}
}
