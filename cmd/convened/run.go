package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"convened"
	"convened/config"
	"convened/desk"
	"convened/scheduler"
	"convened/store"
	"convened/systemd"
)

type runCommand struct{}

// Run is the daemon. It returns nil when it was told to stop.
func (runCommand) Run(e *env) error {
	cfg, err := e.configuration()
	if err != nil {
		return err
	}
	// What ends it by surprise, a panic or the watchdog's SIGABRT, must look like a
	// crash and be started again. Go would exit with 2, which is for what no start
	// mends.
	debug.SetTraceback("crash")
	// Mail waits for nobody who reads the log; and who has gone must not take the
	// daemon along.
	signal.Ignore(syscall.SIGPIPE)
	out := newSpout(e.stderr)
	defer out.close()
	log := e.loggerTo(out)
	for _, w := range cfg.Warnings() {
		log.Warn("configuration", "warning", w)
	}
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	return (&service{cfg: cfg, clock: e.clock, log: log, hup: hup, load: e.configuration, dropped: out.lost.Load}).run(e.ctx)
}

// The loop that the watchdog follows.
const tickLoop = "tick"

// stopPatience is how long a stop waits for the database to take the last
// outcomes: within the TimeoutStopSec of the unit.
const stopPatience = 80 * time.Second

// beatInterval is how often a daemon says that it lives and compares clocks.
const beatInterval = 10 * time.Second

// skewLimit is by how much this machine's clock and the database's may differ
// before planning pauses, and trustLimit before nothing is judged by it any more.
const (
	skewLimit  = time.Minute
	trustLimit = 5 * time.Minute
)

// A service is the daemon before it runs.
type service struct {
	cfg     *config.Config
	clock   func() time.Time
	log     *slog.Logger
	settled func(convened.Settlement, *convened.Claim) // told of each outcome; nil: nobody is
	hup     <-chan os.Signal                           // asks for a reload; nil: never
	load    func() (*config.Config, error)             // reads the configuration again
	dropped func() int64                               // lines of the log that were lost; nil: none are
}

// runDaemon runs a daemon that is never reloaded, until ctx is done.
func runDaemon(ctx context.Context, cfg *config.Config, clock func() time.Time, log *slog.Logger, settled func(convened.Settlement, *convened.Claim)) error {
	return (&service{cfg: cfg, clock: clock, log: log, settled: settled}).run(ctx)
}

// run runs until ctx is done. The order is the reason for its length: first all
// that can be wrong for good, then ready, then the database, which may be down
// for as long as it likes.
func (sv *service) run(ctx context.Context) error {
	cfg, clock, log, settled := sv.cfg, sv.clock, sv.log, sv.settled
	s, err := open(cfg, cfg.SMTP.Connections/2+6, log)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	if _, err := newPost(cfg, throwAwayKey(), nil, clock, log); err != nil {
		return err
	}
	var sched *scheduler.Scheduler
	p := &livePost{}
	var public, office *door
	public, err = newPublicDoor(cfg, p, clock, func() { sched.Wake() }, log)
	if err != nil {
		return err
	}
	defer public.close()
	notify := systemd.NewNotifier(log, tickLoop)
	v := &vital{notify: notify, clock: clock, status: "running", waiting: "the daemon is starting", look: make(chan struct{}, 1)}
	// The console is there before the database: it says that it isn't.
	var live atomic.Pointer[scheduler.Scheduler]
	counts := newMetrics(s, clock, sv.dropped, func() map[string]*store.Store {
		return map[string]*store.Store{"mail": s, "public": public.pool(), "console": office.pool()}
	})
	office, err = newConsoleDoor(cfg, p, clock, func() {
		if s := live.Load(); s != nil {
			s.Wake()
		}
	}, v.ready, counts, log)
	if err != nil {
		return err
	}
	defer office.close()
	var early sync.WaitGroup
	defer early.Wait()
	serving, shut := context.WithCancel(ctx)
	defer shut()
	early.Go(func() { office.serve(serving) })
	notify.Status("waiting for the database")
	notify.Ready()
	defer notify.Stopping()

	again := &reload{load: sv.load, post: p, store: s, cfg: cfg, clock: clock, log: log, notify: notify, ended: func(refused error) { v.reloaded(refused); counts.Reloaded(refused) }}
	keys, id, err := waitForDatabase(ctx, s, notify, again, sv.hup, clock, log)
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return nil
	}
	seen := newWitness(ctx, cfg, s, id, clock, log)
	defer seen.close()
	if err := again.begin(keys, seen); err != nil {
		return err
	}
	defer p.close()
	back, err := newIntake(cfg, s, p.current.Load().composer, clock, log)
	if err != nil {
		return err
	}
	log.Info("running", "daemon", id, "version", version(), "relay", cfg.SMTP.Host, "connections", cfg.SMTP.Connections)

	sched = scheduler.New(scheduler.Options{
		Store: seen, Composer: p, Clock: clock, Identify: desk.Identify,
		Hands: cfg.SMTP.Connections, Spare: cfg.SMTP.Spare, Batch: cfg.Batch, Poll: pollInterval(cfg.PollInterval, notify.Watchdog()), Lease: cfg.Lease, DotTimeout: cfg.SMTP.DotTimeout,
		Doubt: doubt(cfg), Rate: cfg.SMTP.Rate, RetryFirst: cfg.Retry.First, Grace: cfg.Grace, Logger: log,
		Settled: func(st convened.Settlement, c *convened.Claim) {
			counts.Settled(st, c)
			if settled != nil {
				settled(st, c)
			}
		},
		PausePlan: v.pausePlan, Pause: v.pause, Ticked: counted(counts, clock, calmed(clock, collectLess, giveBack, v.ticked)), Permit: permit(cfg), Preflight: cfg.Preflight, Lookout: s,
	})
	live.Store(sched)
	v.beatOnce(ctx, s, log)           // the first tick must know whether the clocks agree
	seen.inheritOnce(ctx, sched.Wake) // and what dead siblings have left, before it claims
	var aside sync.WaitGroup
	rows := make(chan struct{}, 1) // has one when rows of adopted tables may have changed
	aside.Go(func() {
		s.Attend(ctx, func() {
			sched.Wake()
			select {
			case rows <- struct{}{}:
			default:
			}
		})
	})
	aside.Go(func() { attendSources(ctx, newDesk(cfg, s), cfg.PollInterval, rows, clock, sched.Wake, log) })
	aside.Go(func() { v.beat(ctx, s, log) })
	aside.Go(func() { again.follow(ctx, sv.hup) })
	aside.Go(func() { seen.inherit(ctx, sched.Wake) })
	aside.Go(func() { public.serve(ctx) })
	if back != nil {
		aside.Go(func() { back.Run(ctx, cfg.Intake.Listen) })
	}
	aside.Go(func() { housekeep(ctx, newDesk(cfg, s), cfg.Retention, clock, log) })
	stopping := context.AfterFunc(ctx, func() {
		notify.Stopping()
		notify.Status("stopping: finishing what is on the wire")
		time.AfterFunc(stopPatience, func() {
			sched.Abandon()
			seen.estate.abandon()
		})
	})
	defer stopping()
	sched.Run(ctx)
	aside.Wait()
	seen.estate.wait()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := s.Stopped(last, "stopped"); err != nil {
		log.Warn("say that the daemon stops", "error", err.Error())
	}
	log.Info("stopped", "daemon", id)
	return nil
}

// pollInterval is what is configured, but often enough to feed the watchdog.
func pollInterval(configured, watchdog time.Duration) time.Duration {
	if watchdog > 0 {
		return min(configured, watchdog/3)
	}
	return configured
}

// housekeepingInterval is how often a daemon looks after what has no hurry.
const housekeepingInterval = time.Hour

func housekeep(ctx context.Context, d *desk.Desk, retention time.Duration, clock func() time.Time, log *slog.Logger) {
	for {
		if err := d.Housekeep(ctx, clock(), retention, log); err != nil && ctx.Err() == nil {
			log.Error("housekeeping", "error", err.Error())
		}
		select {
		case <-time.After(housekeepingInterval):
		case <-ctx.Done():
			return
		}
	}
}

// waitForDatabase waits until the database answers with a schema that fits, and
// has taken note of this daemon. A schema that does not fit is an error; a
// database that is down, or can't be written to, is waited for, and a reload is
// not made to wait for it.
func waitForDatabase(ctx context.Context, s *store.Store, notify *systemd.Notifier, again *reload, hup <-chan os.Signal, clock func() time.Time, log *slog.Logger) (convened.Keyring, int64, error) {
	host, _ := os.Hostname()
	me := store.Daemon{Name: fmt.Sprintf("%s/%d", host, os.Getpid()), Host: host, PID: os.Getpid(), Version: version()}
	said := "" // the last reason
	for wait := 250 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		var keys convened.Keyring
		var id int64
		err := s.CheckSchema(ctx)
		if err == nil {
			keys, err = s.Keys(ctx)
		}
		if err == nil {
			id, err = s.Register(ctx, me)
		}
		switch {
		case ctx.Err() != nil:
			return nil, 0, nil
		case err == nil || errors.Is(err, store.ErrSchema):
			return keys, id, err
		}
		why := store.InShort(err)
		if why != said {
			said = why
			log.Error("the database does not answer, waiting for it", "error", err.Error())
		}
		notify.Status("waiting for the database: " + why)
		notify.Finished(tickLoop, clock())
		select {
		case <-time.After(wait):
		case <-hup:
			again.now(ctx)
		case <-ctx.Done():
			return nil, 0, nil
		}
	}
}

// vital is what the daemon says of itself: to the service manager, to the other
// daemons, and to the scheduler about its clock.
type vital struct {
	notify *systemd.Notifier
	clock  func() time.Time
	look   chan struct{} // has one when the clocks should be compared at once

	mu      sync.Mutex
	status  string
	theirs  time.Time // the database's clock, when it was last read
	read    time.Time // when that was, on a clock that nobody sets; zero: never
	said    string    // what was last said of the clocks
	waiting string    // why nothing is sent: what the last tick said; "" where it sends
	refused error     // what is wrong with the configuration that was to be loaded last; nil
	held    int       // notices that wait for somebody
}

func (v *vital) ticked(r scheduler.Report, err error) {
	status, waiting := "running", r.Waiting
	switch {
	case err != nil:
		status = store.InShort(err) + ", trying again: see the log"
		waiting = status
	case r.Waiting != "":
		status = "waiting: " + r.Waiting
	case r.More:
		status = "sending"
	}
	v.mu.Lock()
	status = v.withHeld(status)
	if waiting == scheduler.WaitsForRate {
		waiting = ""
	}
	v.status, v.waiting = status, waiting
	v.mu.Unlock()
	v.notify.Status(status)
	v.notify.Finished(tickLoop, v.clock())
}

func (v *vital) reloaded(err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.refused = err
}

// ready says why the daemon does not do its work, or does it with an old
// configuration; nil where all is well.
func (v *vital) ready(context.Context) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.waiting != "" {
		return errors.New(v.waiting)
	}
	if v.refused != nil {
		return fmt.Errorf("the configuration on disk is not valid, the old one is in force: %w", v.refused)
	}
	return nil
}

func (v *vital) pausePlan() string { return v.skewed(skewLimit) }

func (v *vital) pause() string { return v.skewed(trustLimit) }

// skewed says by how much this machine's clock is off, or "" within the limit. A
// clock that is set shows at once: what the database's would say now follows
// from what it said, and from a clock that nobody sets. That one stands still
// while a machine sleeps, so whoever wakes up pauses until it has asked.
func (v *vital) skewed(limit time.Duration) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.read.IsZero() {
		return ""
	}
	off := v.clock().Sub(v.theirs.Add(time.Since(v.read)))
	if off.Abs() <= limit {
		return ""
	}
	select {
	case v.look <- struct{}{}:
	default:
	}
	if off < 0 {
		return fmt.Sprintf("this machine's clock is %s behind the database's", (-off).Round(time.Second))
	}
	return fmt.Sprintf("this machine's clock is %s ahead of the database's", off.Round(time.Second))
}

// beat says that this daemon lives, and compares the clocks, again and again.
func (v *vital) beat(ctx context.Context, s *store.Store, log *slog.Logger) {
	for {
		v.beatOnce(ctx, s, log)
		begun := time.Now()
		select {
		case <-time.After(beatInterval):
		case <-v.look:
			// Where they do differ, to look once a second is enough.
			select {
			case <-time.After(time.Second - time.Since(begun)):
			case <-ctx.Done():
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

func (v *vital) beatOnce(ctx context.Context, s *store.Store, log *slog.Logger) {
	v.mu.Lock()
	status := v.status
	v.mu.Unlock()
	asked := time.Now()
	theirs, err := s.Beat(ctx, status)
	if err != nil {
		return // the tick says so
	}
	v.countHeld(ctx, s)
	v.mu.Lock()
	v.theirs, v.read = theirs, asked
	v.mu.Unlock()
	why := v.pausePlan()
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case why != "" && v.said == "":
		log.Error("planning pauses", "why", why)
	case why == "" && v.said != "":
		log.Info("planning goes on: the clocks agree")
	}
	v.said = why
}
