package main

import (
	"context"
	"log/slog"
	"os"
	"slices"
	"time"

	"convened"
	"convened/config"
	"convened/journal"
	"convened/mailer"
	"convened/scheduler"
	"convened/store"
)

// bootVariable is where the unit names the boot, since a service with
// ProcSubset=pid can't read the kernel's own file.
const bootVariable = "BOOT_ID"

// A witness ties the journal to the wire and to the database: the wire tells it
// of dots and replies, and what the database has taken is dropped.
type witness struct {
	scheduler.Store
	journal *journal.Journal // nil: on without
	owner   journal.Owner
	dir     string
	inner   *store.Store
	estate  *estate
	clock   func() time.Time
	log     *slog.Logger
}

// newWitness opens the journal of this daemon. Where that can't be done it says
// so and goes on without: what is in doubt then waits for its lease.
func newWitness(ctx context.Context, cfg *config.Config, s *store.Store, daemon int64, clock func() time.Time, log *slog.Logger) *witness {
	w := &witness{Store: tamperedStore(s), inner: s, dir: cfg.StateDir, estate: newEstate(cfg, log), clock: clock, log: log}
	system, database, err := s.Identity(ctx)
	if err == nil {
		w.owner = journal.Owner{System: system, Database: database, Daemon: daemon, Boot: journal.Boot(os.Getenv(bootVariable)), Unit: w.estate.keeper.Identity()}
		w.journal, err = journal.Create(cfg.StateDir, w.owner)
	}
	if err != nil {
		log.Warn("going on without a journal: after a crash, letters in doubt wait for their lease", "state_dir", cfg.StateDir, "error", err.Error())
		w.journal = nil
	}
	return w
}

// wire tells a relay whom to tell of dots and who keeps its connections: without a
// journal nobody would know what for. A nil witness is told nothing.
func (w *witness) wire(o *mailer.RelayOptions) {
	if w == nil {
		return
	}
	o.Journal = tamperedJournal(w)
	if w.journal != nil && w.estate.keeper != nil {
		o.Keeper = w.estate.keeper
	}
}

// BeforeDot notes that a letter is about to be handed over: mailer.Journal.
func (w *witness) BeforeDot(l *mailer.Letter, kept string, end int64) error {
	if w.journal != nil {
		if err := w.journal.BeforeDot(l.Notice, l.Attempt, kept, end); err != nil {
			w.log.Warn("going on without a journal", "error", err.Error())
		}
	}
	return nil // a disk that is full is no reason to keep a letter back
}

// AfterReply notes what came of it: mailer.Journal.
func (w *witness) AfterReply(l *mailer.Letter, o convened.Outcome) {
	if w.journal == nil {
		return
	}
	o.Notice, o.Attempt = l.Notice, l.Attempt
	if o.At.IsZero() {
		o.At = w.clock()
	}
	if err := w.journal.AfterReply(o); err != nil {
		w.log.Warn("going on without a journal", "error", err.Error())
	}
}

// Allow keeps to the rate of all daemons: scheduler.Bucket.
func (w *witness) Allow(ctx context.Context, rate float64, want int) (int, time.Duration, error) {
	return w.inner.Allow(ctx, rate, want)
}

// Settle settles, and drops from the journal what the database has taken.
func (w *witness) Settle(ctx context.Context, list []convened.Settlement) (map[convened.NoticeID]bool, error) {
	took, err := w.Store.Settle(ctx, list)
	if err == nil && w.journal != nil {
		for _, s := range list {
			w.journal.Settled(s.Notice)
		}
	}
	return took, err
}

// Recover recovers, after it has heard what the journals of others on this
// machine say of letters whose lease is over: one that is frozen, or has been
// without the database for too long, may have replies in hand that nobody knows
// of, and what it has sent would go out again.
func (w *witness) Recover(ctx context.Context, now time.Time, d convened.Doubt) (convened.Recovered, error) {
	if err := w.hearOthers(ctx, now); err != nil {
		return convened.Recovered{}, err
	}
	return w.Store.Recover(ctx, now, d)
}

func (w *witness) hearOthers(ctx context.Context, now time.Time) error {
	if w.journal == nil || journal.Alone(w.dir, w.owner) {
		return nil
	}
	overdue, err := w.inner.Overdue(ctx)
	if err != nil {
		return err
	}
	for daemon, attempts := range overdue {
		o := w.owner
		o.Daemon = daemon
		replies, err := journal.Replies(w.dir, o)
		if err != nil {
			w.log.Warn("read the journals of others", "error", err.Error())
			continue
		}
		replies = slices.DeleteFunc(replies, func(r convened.Outcome) bool {
			return !slices.Contains(attempts, store.Attempt{Notice: r.Notice, Attempt: r.Attempt})
		})
		if len(replies) == 0 {
			continue
		}
		done, err := w.inner.SettleDead(ctx, now, store.Legacy{Daemon: daemon, Replies: replies})
		if err != nil {
			return err
		}
		w.log.Info("a daemon does not settle, its journal is heard", "daemon", daemon, "settled", done.Settled)
	}
	return nil
}

// close ends the journal.
func (w *witness) close() {
	if w.journal == nil {
		return
	}
	if err := w.journal.Close(); err != nil {
		w.log.Warn("close the journal", "error", err.Error())
	}
}
