// Package scheduler decides when: it turns the organiser's rules into instants,
// and it turns what is due into work. It knows neither SQL nor SMTP: a Store
// remembers, a Composer makes letters that know how to send themselves.
//
// # The tick
//
// Again and again the daemon plans the notices that now ought to exist, claims
// those that are due, has them composed, marks them, sends them and settles
// what came of it:
//
//	plan      changes to be told, then occasions that have come, then newcomers
//	recover   what dead hands hold goes back; what is in doubt is decided
//	claim     no more than there is room for
//	compose   the whole letter, before anything is dialled
//	mark      the last look: is the claim still ours and the letter still true?
//	send      on as many hands as the relay has connections
//	settle    in batches, retried until the database has taken them
//
// Occasions come before newcomers, so that who registers at the very minute of
// a reminder is late for it, whatever the order of the rows. Changes come before
// occasions, because an update stands in for a reminder that would follow it.
//
// In a burst most of an occasion is composed before it is planned, and its rows are
// there from the start as claims that are marked: see taking.go.
//
// # Its invariants
//
// Each claimed notice leaves the tick sent, refused, unknown, cancelled, or
// planned again. One bad address, one bad template, one bad event never holds
// up another. A sent mail is recorded, even while shutting down. Time is an
// argument: the one clock is passed in, and the future is computed by the pure
// functions Occasions, Deadline and Useless, which plan, explain and the daemon
// all call.
package scheduler

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"convened"
)

// A Store remembers. Its methods are those of package store.
type Store interface {
	OpenEvents(ctx context.Context, now time.Time) ([]*convened.Event, error)
	Occasions(ctx context.Context, event string) ([]convened.Recorded, error)
	PlanOccasion(ctx context.Context, now time.Time, p convened.OccasionPlan) (convened.Step, error)
	Newcomers(ctx context.Context) ([]convened.Newcomer, error)
	PlanNewcomers(ctx context.Context, now time.Time, event string, revision int, list []convened.Newcomer, again time.Duration) (convened.Seated, error) // revision: of an event that was edited since, convened.ErrEdited; 0 is any
	PlanChanges(ctx context.Context, now time.Time) (convened.Step, error)
	Recover(ctx context.Context, now time.Time, d convened.Doubt) (convened.Recovered, error)
	Claim(ctx context.Context, now time.Time, limit int, lease time.Duration) ([]*convened.Claim, error)
	NextSeats(ctx context.Context, now time.Time, p convened.OccasionPlan, after, limit int) (*convened.Ahead, error)                                                                        // after -1: from where the occasion stands; nil where nothing may be taken, or nothing is left
	PlanAhead(ctx context.Context, now time.Time, p convened.OccasionPlan, a *convened.Ahead, marks []convened.Mark, lease time.Duration) (map[convened.NoticeID]bool, convened.Step, error) // looked at before a failure: convened.ErrStale
	Mark(ctx context.Context, marks []convened.Mark, lease time.Duration) (map[convened.NoticeID]bool, error)                                                                                // both where somebody else holds some: convened.ErrBusy
	Settle(ctx context.Context, list []convened.Settlement) (map[convened.NoticeID]bool, error)
	GiveBack(ctx context.Context, claims []*convened.Claim) error // each is due again at its Notice.DueAt
	NextDue(ctx context.Context) (time.Time, error)
}

// A Bucket limits how many letters all daemons together send: see Options.Rate.
// A negative want puts back what was not needed.
type Bucket interface {
	Allow(ctx context.Context, rate float64, want int) (n int, wait time.Duration, err error)
}

// A Composer makes letters. What it returns exists whole in memory. An error
// that wraps convened.ErrRefused is final for this notice; any other is tried
// again a few times.
type Composer interface {
	Compose(now time.Time, c *convened.Claim) (Letter, error)
}

// A Letter knows how to send itself. Send uses one connection of the relay,
// gives up when ctx is done unless the final dot is on its way, and says what
// came of it; it may leave At zero.
type Letter struct {
	MessageID string
	Mail      any    // what it is to whoever sends it; nil: nothing
	Ready     func() // called before Place.Next names it; nil: it always is
	Send      func(ctx context.Context, p *Place) convened.Outcome
}

// A Place is where letters are sent from one after the other, so that the
// beginning of one can go out with the end of the one before.
type Place struct {
	// Next may be called once while a letter is sent, and names the one that is to
	// be sent from here after it; nil if there is none yet.
	Next func() *Letter

	// Until is when the letter under way is to be given up, unless its final dot is out
	// by then, on the machine's clock.
	Until time.Time

	// Wire is what the letters of one place leave each other; nil: nothing.
	Wire Wire
}

// A Wire is what whoever sends keeps for a place.
type Wire interface {
	Leave() // the letter that Next named is not sent from here after all
}

// Options say how a Scheduler works. Store, Composer, Clock and Identify are required.
type Options struct {
	Store    Store
	Composer Composer
	Clock    func() time.Time // the one clock

	// Identify fills in a newcomer's Address and Fault.
	Identify func(*convened.Newcomer)

	Hands       int           // letters on the wire at the same time: the relay's connections; 0 is 8
	Spare       int           // more of them, while the server takes much longer than usual over some
	Batch       int           // notices a claim takes, more where the wire is quick; 0 is 100
	Poll        time.Duration // how often to look without a hint; 0 is 5 s
	Lease       time.Duration // how long a claim holds, a marked letter waits for a hand, and a dialogue may take up to its final dot; 0 is 60 s
	DotTimeout  time.Duration // how long the server may take for its last reply; 0 is 10 minutes
	RetryFirst  time.Duration // the first wait after a temporary failure; 0 is 5 minutes
	Grace       time.Duration // the most that a reminder may be late; 0 is 1 hour
	Doubt       convened.Doubt
	Rate        float64      // letters a second that all daemons together may send; 0: no limit. Store must then be a Bucket
	Logger      *slog.Logger // nil: silence
	Settled     func(convened.Settlement, *convened.Claim)
	Ticked      func(Report, error) // called after each tick: feeds a watchdog
	PausePlan   func() string       // why planning must pause now, or ""; nil: never
	Pause       func() string       // why nothing may be judged by the clock now, or "": nothing is planned, taken over or begun; nil: never
	ConfirmOnce time.Duration       // how long a confirmation stands in for a second one; 0 is 10 minutes

	// Permit says why no mail may go to the recipient of a claim, or "": it is
	// held then, before a letter is made. It is called from several goroutines.
	// nil: everybody may get mail.
	Permit func(*convened.Claim) string

	Preflight time.Duration // how long before its start an event is looked at; 0 is never
	Lookout   Lookout       // looks; nil: nobody
}

// A Scheduler runs the tick. Its methods are safe for concurrent use, but only
// one Tick or Run may be under way.
type Scheduler struct {
	o   Options
	log *slog.Logger

	outbox   chan job      // marked letters, for the hands
	express  chan job      // those of them that go first
	returned chan job      // those that a hand was to send next, and could not soon
	outcomes chan settling // what came of them, for the settler
	freed    chan struct{} // has one when a letter was settled
	stepped  chan struct{} // has one when a step was planned and there are more
	wake     chan struct{} // has one when somebody says that there is something to do
	hands    sync.WaitGroup
	settler  sync.WaitGroup

	mu        sync.Mutex
	inFlight  int                          // claimed and not settled
	over      int                          // of them, those whose outcome waits to be written down
	take      int                          // how many the next claim takes: see adapt
	backlog   bool                         // the last claim got all that it asked for
	waited    atomic.Int64                 // nanoseconds for which the last letter had waited for a hand
	idle      *sync.Cond                   // inFlight became 0
	planned   map[string]*plannedOccasions // by event
	steps     bool                         // the last tick left something to plan; these three are the ticking goroutine's
	rushing   bool                         // the last tick left something to claim
	cleared   bool                         // the last claim got all that was due, and nothing was planned since
	takings   []*taking                    // occasions whose letters are ready before their rows are there
	gotAt     time.Time                    // when anything was claimed last, by the one clock
	rivalAt   time.Time                    // when another daemon was quicker with a step
	recovered time.Time                    // when dead hands were looked for
	hurried   int                          // notices that hints had planned since the last tick
	busy      map[string]time.Time         // since when somebody else has held what a step needs
	relay     gate
	pace      pacer
	lag       laggards
	turns     chan struct{} // one for each hand that may begin a letter
	lent      int           // turns that were passed on, whose letters are still under way
	kept      int           // those of them that are not used until then
	under     atomic.Int64  // letters under way
	alone     time.Time     // until then no spare hands: the relay does not want them
	owed      *writing      // outcomes that could not be written; nil: none
	giveUp    bool
}

type job struct {
	claim  *convened.Claim
	letter Letter
	marked time.Time // not later than its lease began
	trip   *trip     // once a hand has it
}

type settling struct {
	claim   *convened.Claim
	outcome convened.Outcome
	reason  string
}

// New returns a Scheduler that has not started.
func New(o Options) *Scheduler {
	for to, def := range map[*time.Duration]time.Duration{&o.Poll: 5 * time.Second, &o.Lease: time.Minute, &o.DotTimeout: 10 * time.Minute,
		&o.RetryFirst: 5 * time.Minute, &o.Grace: time.Hour, &o.ConfirmOnce: confirmOnce} {
		if *to == 0 {
			*to = def
		}
	}
	if o.Hands == 0 {
		o.Hands = 8
	}
	if o.Batch == 0 {
		o.Batch = 100
	}
	if o.Doubt == nil {
		o.Doubt = convened.UsualDoubt()
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Scheduler{o: o, log: o.Logger, wake: make(chan struct{}, 1), freed: make(chan struct{}, 1), stepped: make(chan struct{}, 1), planned: map[string]*plannedOccasions{}, busy: map[string]time.Time{}}
	s.idle, s.take = sync.NewCond(&s.mu), o.Batch
	s.lag.lane = max(1, (o.Hands+o.Spare)/4)
	return s
}

// Wake says that there may be something to do. It never blocks.
func (s *Scheduler) Wake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// A Report says what a tick did. It is what gets logged.
type Report struct {
	Planned   int // notices that are new
	Seats     int // seats that are new
	Claimed   int
	Cancelled int // claimed, and of no use any more
	Marked    int // on their way
	GivenBack int // claimed, and not true any more at the mark
	Recovered convened.Recovered
	Again     time.Duration // when to look again, where smtp.rate left no room or somebody else holds a row; 0: nothing is known
	More      bool          // there is more to do at once
	Crowded   bool          // there may be more to claim as soon as there is room
	Took      time.Duration // by the one clock, set by Run: negative where somebody put it back meanwhile
	Waiting   string        // why nothing was claimed: the relay is down …; "" if nothing is in the way
}

// add adds what a part of the tick did.
func (r *Report) add(part Report) {
	r.Planned += part.Planned
	r.Seats += part.Seats
	r.Claimed += part.Claimed
	r.Cancelled += part.Cancelled
	r.Marked += part.Marked
	r.GivenBack += part.GivenBack
	r.More = r.More || part.More
	r.Crowded = r.Crowded || part.Crowded
	if part.Again > 0 {
		r.Again = part.Again
	}
	r.Waiting = cmp.Or(part.Waiting, r.Waiting)
}

// Moved reports whether the tick changed anything.
func (r Report) Moved() bool {
	return r.Planned+r.Seats+r.Claimed > 0 || r.Recovered != convened.Recovered{}
}

// Tick does one round for the instant now. What it sends is on its way when it
// returns: Drain waits for it. An error means that a step could not be done and
// will be tried by the next tick; the other steps were done.
func (s *Scheduler) Tick(ctx context.Context, now time.Time) (Report, error) {
	var r Report
	var errs []error
	s.cleared = false
	if r.Waiting = s.paused(); r.Waiting != "" {
		return r, s.settleOwed(ctx)
	}
	if s.o.PausePlan != nil {
		r.Waiting = s.o.PausePlan()
	}
	// After a failover a number may be another notice's: what is known of the one that was
	// lost is said before that is planned.
	errs = append(errs, s.settleOwed(ctx))
	if r.Waiting == "" {
		errs = append(errs, s.planBeside(ctx, now, &r)...)
	} else {
		s.dropAll() // taking is planning, too
	}
	// In a burst one tick follows another at once, and each would look at all that is
	// in hand.
	if since := now.Sub(s.recovered); !s.rushing || since < 0 || since >= recoverEvery {
		rec, err := s.o.Store.Recover(ctx, now, s.o.Doubt)
		r.Recovered, s.recovered = rec, now
		errs = append(errs, err)
	}
	errs = append(errs, s.dispatch(ctx, now, &r))
	s.rushing = r.More && r.Claimed > 0
	return r, errors.Join(errs...)
}

// recoverEvery is how often a burst is looked through for what dead hands hold.
const recoverEvery = time.Second

// paused returns why nothing may be judged by the clock: not whether a letter is
// due, not whether it has lost its use, and not how long one is in doubt.
func (s *Scheduler) paused() string {
	if s.o.Pause == nil {
		return ""
	}
	return s.o.Pause()
}
