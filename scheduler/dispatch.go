package scheduler

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"convened"
)

// room returns how many notices may be claimed at now, and if none why: "" is that
// there will be room as soon as a hand has sent what it has.
// Twice a batch in hand keeps the hands busy while the next is prepared. Where the
// wire is quick, a third is claimed meanwhile, and a fourth is what they have while the
// disk is waited for: a tenth of a second's letters in all.
func (s *Scheduler) room(now time.Time) (int, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.crowded() {
		return 0, ""
	}
	n := s.relay.room(now, min(s.take, s.batches()*s.take-s.undone()), s.inFlight)
	if n == 0 {
		return 0, s.relay.why
	}
	return n, ""
}

// A batch grows up to so many times where the wire is quicker than the claims, as
// long as it has no more than growthLimit.
const (
	growth      = 8
	growthLimit = 600
)

// claimLimit is how many of what is planned already are claimed at a time. Beside a busy
// server a claim of 600 takes 60 ms at the 99th percentile, for which others wait, one of
// 300 takes 35, and as many letters leave.
const claimLimit = 300

// crowded reports whether so many are in flight that no more are claimed. Where
// batches are large, a small one is not worth its claim. For who holds s.mu.
func (s *Scheduler) crowded() bool {
	if s.take > s.o.Batch {
		return s.undone() > (s.batches()-1)*s.take || s.inFlight > 2*mostBatches*s.most()
	}
	return s.undone() >= s.batches()*s.take
}

// undone is how many in flight count: where batches are large, hands that are done do
// not wait for what they did to be written down. For who holds s.mu.
func (s *Scheduler) undone() int {
	if s.take > s.o.Batch {
		return s.inFlight - s.over
	}
	return s.inFlight
}

// mostBatches is how many batches may be in hand at the most.
const mostBatches = 4

// batches is how many may be in hand. For who holds s.mu.
func (s *Scheduler) batches() int {
	if s.take > s.o.Batch {
		return mostBatches
	}
	return 2
}

// most is how many notices a claim takes at the most.
func (s *Scheduler) most() int { return max(s.o.Batch, min(growth*s.o.Batch, growthLimit)) }

// slowWire is how long a letter may wait for a hand before batches shrink.
const slowWire = 500 * time.Millisecond

// adapt sets how many the next claim takes. What a batch costs beyond its letters
// is the same for many as for few, so it grows while the hands have nothing left
// when one is ready for them. Where they are slow it is small again, so that little
// is in doubt should anything happen to it.
func (s *Scheduler) adapt(full bool) {
	waiting := len(s.outbox) + len(s.express)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !full, waiting > s.take && time.Duration(s.waited.Load()) > slowWire:
		s.take = max(s.o.Batch, s.take/2)
	case waiting == 0 && s.backlog:
		s.grow()
	}
	s.backlog = full // the first batch finds idle hands whatever they can do
}

// grow has the next claims take more. For who holds s.mu.
func (s *Scheduler) grow() { s.take = min(2*s.take, s.most()) }

// claimsATick is how many batches a tick claims. Hands that are quicker than the
// claims never fill the room, and a backlog would keep the tick from its end:
// from whoever registers meanwhile, from what dead hands hold, from the watchdog.
const claimsATick = 4

// A batch is what is prepared together.
type batch struct {
	claims []*convened.Claim
	full   bool            // there is more where they came from
	of     *taking         // the occasion that ahead is a step of
	ahead  *convened.Ahead // nobody has made these claims yet; nil: they are made
}

// dispatch claims what is due, as far as there is room, and puts it on its way.
// While a batch is composed and marked, the next is claimed.
func (s *Scheduler) dispatch(ctx context.Context, now time.Time, r *Report) error {
	preparing := func() error { return nil }
	for range claimsATick {
		b, err := s.claim(ctx, now, r)
		if b == nil && err == nil && r.Crowded && s.awaitRoom(ctx) {
			b, err = s.claim(ctx, now, r)
		}
		err = errors.Join(preparing(), err)
		if b == nil {
			return err
		}
		preparing = s.preparing(ctx, now, *b, r)
		if err != nil || !b.full {
			return errors.Join(err, preparing())
		}
		r.More = true
	}
	return preparing()
}

// preparing begins to prepare a batch. The function that it returns waits for the
// end, and adds what was done to the report.
func (s *Scheduler) preparing(ctx context.Context, now time.Time, b batch, r *Report) func() error {
	var did Report
	var err error
	var wg sync.WaitGroup
	wg.Go(func() { err = s.prepare(ctx, now, b, &did) })
	return func() error {
		wg.Wait()
		r.add(did)
		return err
	}
}

// claim takes in hand what is due and there is room for: what is planned, and where
// nothing is, what is to be. nil is nothing.
func (s *Scheduler) claim(ctx context.Context, now time.Time, r *Report) (*batch, error) {
	if ctx.Err() != nil {
		return nil, nil
	}
	n, why := s.room(now)
	if n == 0 {
		r.Waiting, r.Crowded = cmp.Or(why, r.Waiting), why == ""
		return nil, nil
	}
	n, err := s.withinRate(ctx, n, r)
	if err != nil || n == 0 {
		return nil, err
	}
	b := &batch{}
	if !s.cleared || !s.anyTaking() {
		most := min(n, max(s.o.Batch, claimLimit))
		b.claims, err = s.o.Store.Claim(ctx, now, most, s.o.Lease)
		s.refund(ctx, n-len(b.claims))
		s.cleared = err == nil && len(b.claims) < most
		b.full = len(b.claims) == most || s.anyTaking()
		r.Claimed += len(b.claims)
		if q := (*convened.Quarantine)(nil); errors.As(err, &q) {
			r.Waiting = q.Error()
			return nil, nil
		}
	}
	if err == nil && len(b.claims) == 0 {
		if b.of, b.ahead, err = s.lookAhead(ctx, now, n, r); b.ahead == nil {
			return nil, err
		}
		b.claims, b.full = b.ahead.Claims, !b.ahead.Last
	}
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.inFlight += len(b.claims)
	s.gotAt = s.o.Clock()
	s.mu.Unlock()
	return b, nil
}

// WaitsForRate is the Waiting of a report where nothing is wrong.
const WaitsForRate = "smtp.rate lets no more leave at the moment"

// withinRate returns how many of n letters may leave now, by the rate that all
// daemons keep to together.
func (s *Scheduler) withinRate(ctx context.Context, n int, r *Report) (int, error) {
	if s.o.Rate <= 0 {
		return n, nil
	}
	allowed, wait, err := s.o.Store.(Bucket).Allow(ctx, s.o.Rate, n)
	if err == nil && allowed == 0 {
		r.Waiting, r.Again = WaitsForRate, wait
	}
	return allowed, err
}

// refund returns what was allowed and not claimed. What can't be returned is
// there again in a second at the most.
func (s *Scheduler) refund(ctx context.Context, n int) {
	if s.o.Rate > 0 && n > 0 {
		_, _, _ = s.o.Store.(Bucket).Allow(ctx, s.o.Rate, -n)
	}
}

// prepare composes a batch, marks it and hands it to the wire. Each claim ends
// up with the hands, with the settler, or given back. Of what nobody has claimed yet only
// letters that can go now are marked: the rest is planned, and met again when it is claimed.
func (s *Scheduler) prepare(ctx context.Context, now time.Time, b batch, r *Report) error {
	jobs := make([]job, 0, len(b.claims))
	var later []*convened.Claim // their domains want them one by one
	for i, made := range s.compose(now, b.claims) {
		c := b.claims[i]
		unfit := made.useless != "" || made.held != "" || made.err != nil
		switch {
		case unfit && b.ahead != nil:
		case made.useless != "":
			r.Cancelled++
			s.tell(settling{c, ofNoUse(c, made.useless, now), made.useless})
		case made.held != "":
			s.tell(settling{c, convened.Outcome{State: convened.Held, Cause: convened.CauseRecipient, At: now}, made.held})
		case made.err != nil:
			s.tell(settling{c, failedToCompose(made.err, now), ""})
		default:
			if at := s.slot(now, domainOf(c.Registration.Email)); at.After(now) {
				c.Notice.DueAt = at
				later = append(later, c)
				continue
			}
			jobs = append(jobs, job{claim: c, letter: made.letter})
		}
	}
	if b.ahead == nil {
		if err := s.letGo(ctx, later, r); err != nil || len(jobs) == 0 {
			return err
		}
	}
	marks := make([]convened.Mark, len(jobs))
	for i, j := range jobs {
		marks[i] = convened.Mark{Notice: j.claim.Notice.ID, Attempt: j.claim.Notice.Attempt, Event: j.claim.Event.Slug, MessageID: j.letter.MessageID,
			Revision: j.claim.Event.Revision, Sequence: j.claim.Registration.Sequence}
	}
	marked := s.o.Clock().Round(0) // before the lease begins, and on the wall: leases go on while a machine sleeps
	if b.ahead != nil {
		ok, err := s.planAhead(ctx, now, b, marks, r)
		s.adapt(b.full)
		sent := s.handOver(jobs, ok, marked)
		r.Claimed += sent
		r.Marked += sent
		s.finished(len(b.claims)-sent, 0)
		return err
	}
	ok, err := s.o.Store.Mark(ctx, marks, s.markLease())
	busy := errors.Is(err, convened.ErrBusy) && ok != nil
	if err != nil && !busy {
		// The mark may be committed or not. Nothing was sent, and as long as the
		// claims hold they can be returned: settling is fenced by the attempt.
		for _, j := range jobs {
			s.tell(settling{j.claim, givenBack(now, 0), ""})
		}
		return s.later("marks", now, err, r)
	}
	err = s.later("marks", now, err, r)
	s.adapt(b.full)
	r.Marked += s.handOver(jobs, ok, marked)
	var stale []*convened.Claim
	for _, j := range jobs {
		if !ok[j.claim.Notice.ID] {
			stale = append(stale, j.claim)
			if busy { // it would only be the first in the next claim
				j.claim.Notice.DueAt = now.Add(busyWait)
			}
		}
	}
	r.More = r.More || len(stale) > 0
	return errors.Join(err, s.letGo(ctx, stale, r))
}

// handOver gives the hands what was marked, and returns how many that are.
func (s *Scheduler) handOver(jobs []job, ok map[convened.NoticeID]bool, marked time.Time) (n int) {
	for _, j := range jobs {
		if !ok[j.claim.Notice.ID] {
			continue
		}
		n++
		j.marked = marked
		// Each has room for all that may be in flight.
		if j.claim.Notice.Kind.Priority() == 0 {
			s.express <- j
		} else {
			s.outbox <- j
		}
	}
	return n
}

// slot returns now if a letter to the domain may go, or when it is to be tried.
func (s *Scheduler) slot(now time.Time, domain string) time.Time {
	if at := s.lag.room(now, domain); at.After(now) {
		return at
	}
	return s.pace.slot(now, domain)
}

// letGo gives back claims that were not marked.
func (s *Scheduler) letGo(ctx context.Context, claims []*convened.Claim, r *Report) error {
	if len(claims) == 0 {
		return nil
	}
	r.GivenBack += len(claims)
	// To let go of a claim is the last thing that a daemon does that stops.
	if err := s.o.Store.GiveBack(context.WithoutCancel(ctx), claims); err != nil {
		// Else they would wait for their lease: the settler tries until it can.
		for _, c := range claims {
			s.tell(settling{c, givenBack(c.Notice.DueAt, 0), ""})
		}
		return err
	}
	s.finished(len(claims), 0)
	return nil
}

// markLease is how long a mark holds: a letter waits for a hand for at most a
// lease, is brought up to its final dot within another, and its last reply may
// take DotTimeout. While a letter may be on the wire, nobody else has it.
func (s *Scheduler) markLease() time.Duration { return 2*s.o.Lease + s.o.DotTimeout }

// ofNoUse is the outcome of a claim that needs not be sent any more.
func ofNoUse(c *convened.Claim, why string, now time.Time) convened.Outcome {
	o := convened.Outcome{State: convened.Cancelled, Cause: convened.CauseUseless, At: now}
	if c.Notice.Failures > 0 && (why == TooLate || why == EventOver) {
		// It was not for want of trying.
		o.State, o.Reply = convened.Refused, c.Notice.LastError
	}
	return o
}

// givenBack is the outcome of a letter that was not begun, to be claimed again
// after a while.
func givenBack(now time.Time, after time.Duration) convened.Outcome {
	return convened.Outcome{State: convened.Planned, Cause: convened.CauseStopped, Free: true, RetryAfter: after, At: now}
}

// A draft is what composing a claim came to: a letter, a reason why it is of no
// use any more or may not go, or an error.
type draft struct {
	letter  Letter
	useless string
	held    string // why it may not go to whom it is for
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
	if c.Fault != "" {
		return draft{err: errors.New(c.Fault)}
	}
	if why := Useless(now, c, s.o.Grace); why != "" {
		return draft{useless: why}
	}
	if s.o.Permit != nil {
		if why := s.o.Permit(c); why != "" {
			return draft{held: why}
		}
	}
	if c.Notice.Kind == convened.Confirmation {
		c.Folded = FoldedInto(c)
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
	inHand := mostBatches * s.most()
	s.outbox, s.express, s.returned = make(chan job, inHand), make(chan job, inHand), make(chan job, inHand)
	s.outcomes = make(chan settling, inHand)
	s.turns = make(chan struct{}, s.o.Hands)
	for range s.o.Hands {
		s.turns <- struct{}{}
	}
	for range s.o.Hands + s.o.Spare {
		s.hands.Go(func() { (&hand{Scheduler: s}).work(ctx) })
	}
	s.settler.Go(s.settle)
}

// stop waits for what is on the wire and for the last settlement. Where ctx is
// done, what no hand has begun goes back at once: a hand may be busy for as long
// as a server may take for its last word.
func (s *Scheduler) stop(ctx context.Context) {
	close(s.outbox)
	if ctx.Err() != nil {
		for j, open := s.next(); open; j, open = s.next() {
			w, _ := s.handle(ctx, j, &Place{}) // whose ctx is done
			s.tell(w)
		}
	}
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
		moment, longer := time.NewTimer(settleMoment), false
	collect:
		for len(batch) < mostBatches*s.most() {
			select {
			case w, open := <-s.outcomes:
				if !open {
					break collect
				}
				batch = append(batch, w)
			case <-moment.C:
				if len(batch) < settleMany || longer || s.allOver() {
					break collect
				}
				longer = true
				moment.Reset(settleLonger)
			}
		}
		moment.Stop()
		s.settleBatch(batch)
	}
}

// allOver reports whether the settler has been told of all that is in flight.
func (s *Scheduler) allOver() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.over == s.inFlight
}

// settleMoment is how long an outcome may wait for others to be settled with; where
// so many come within it, and more are on their way, it is worth while to wait for them.
const (
	settleMoment = 5 * time.Millisecond
	settleMany   = 10
	settleLonger = 25 * time.Millisecond
)

// settlePatience bounds the waits between tries to settle.
const settlePatience = 2 * time.Second

// A writing is a batch of outcomes on its way to the database.
type writing struct {
	list []convened.Settlement

	mu   sync.Mutex
	done bool
	took map[convened.NoticeID]bool
}

// try writes the outcomes unless they are written.
func (w *writing) try(ctx context.Context, s Store) (err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done {
		return nil
	}
	w.took, err = s.Settle(ctx, w.list)
	w.done = err == nil
	return err
}

func (s *Scheduler) settleBatch(batch []settling) {
	w := &writing{list: make([]convened.Settlement, len(batch))}
	for i, b := range batch {
		w.list[i] = s.settlement(b)
	}
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, settlePatience) {
		err := w.try(context.Background(), s.o.Store)
		if err == nil {
			for i, b := range batch {
				s.report(w.list[i], b.claim, w.took[b.claim.Notice.ID])
			}
			break
		}
		s.log.Error("settle is not written, trying again", "notices", len(w.list), "error", err.Error())
		s.owe(w)
		if s.abandoned() {
			break
		}
		time.Sleep(wait) //nolint:forbidigo // a stop does not cut it short: Abandon does, at the next try
	}
	s.owe(nil)
	s.finished(len(batch), len(batch))
}

// owe notes what could not be written yet.
func (s *Scheduler) owe(w *writing) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.owed = w
}

// settleOwed tries once more to write what could not be written. It comes
// before leases are judged: after an outage that was longer than a lease, what
// this daemon knows to be sent would be taken for doubtful and go out again. The
// settler goes on trying; that it can't is what there is to say of this tick.
func (s *Scheduler) settleOwed(ctx context.Context) error {
	s.mu.Lock()
	w := s.owed
	s.mu.Unlock()
	if w == nil {
		return nil
	}
	return w.try(ctx, s.o.Store)
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
	level, what := slog.LevelWarn, string(st.State)
	facts := append(make([]slog.Attr, 0, 8), slog.Int64("notice", int64(c.Notice.ID)), slog.String("event", c.Event.Slug), slog.String("kind", string(c.Notice.Kind)), slog.Int("attempt", c.Notice.Attempt))
	cause, phase, code := slog.String("cause", string(st.Cause)), slog.String("phase", st.Phase), slog.Int("code", st.Code)
	switch {
	case !took:
		what, facts = "settled by another hand", append(facts, slog.String("outcome", string(st.State)))
	case st.State == convened.Sent:
		level, facts = slog.LevelInfo, append(facts, slog.String("late", st.At.Sub(c.Notice.DueAt).Round(time.Millisecond).String()), code)
	case st.State == convened.Cancelled:
		level, facts = slog.LevelInfo, append(facts, slog.String("reason", st.Reason))
	case st.State == convened.Planned:
		what, facts = "planned again", append(facts, slog.Time("due", st.DueAt), cause, phase, code)
	default:
		facts = append(facts, cause, phase, code, slog.String("enhanced", st.Enhanced))
	}
	s.log.LogAttrs(context.Background(), level, what, facts...)
	if !took {
		return
	}
	if s.o.Settled != nil {
		s.o.Settled(st, c)
	}
}

// tell has what came of a claim written down.
func (s *Scheduler) tell(w settling) {
	s.mu.Lock()
	if s.over++; s.over == s.inFlight && s.backlog {
		s.grow() // hands that have nothing left need not wait for the disk
	}
	room := !s.crowded()
	s.mu.Unlock()
	s.outcomes <- w
	if room {
		s.free()
	}
}

// free says that there may be room for more.
func (s *Scheduler) free() {
	select {
	case s.freed <- struct{}{}:
	default:
	}
}

// finished takes n claims out of flight, of so many of which the settler was told.
func (s *Scheduler) finished(n, told int) {
	s.mu.Lock()
	s.inFlight -= n
	s.over -= told
	if s.inFlight == 0 {
		s.idle.Broadcast()
	}
	s.mu.Unlock()
	s.free()
}
