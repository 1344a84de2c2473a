package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"convened"
	"convened/config"
	"convened/journal"
	"convened/mailer"
	"convened/store"
	"convened/systemd"
)

// An estate is what outlived earlier processes of this unit: connections to the
// relay, which the service manager has kept. On each of those that a journal
// names, the reply to one letter's final dot may be waiting; the others are of no use.
type estate struct {
	keeper  *systemd.Keeper // nil: there is none
	lease   time.Duration
	dotting time.Duration // how long a server may take for its last word

	conns  map[string]net.Conn // those that nobody listens on, by name; the inheriting goroutine's
	passed map[int64]bool      // dead daemons whose replies another unit has to hear

	listening sync.WaitGroup
	patience  context.Context // ends when a stop has waited for long enough
	abandon   context.CancelFunc
}

func newEstate(cfg *config.Config, log *slog.Logger) *estate {
	e := &estate{keeper: systemd.NewKeeper(log), lease: cfg.Lease, dotting: cfg.SMTP.DotTimeout, conns: map[string]net.Conn{}, passed: map[int64]bool{}}
	e.patience, e.abandon = context.WithCancel(context.Background())
	for name, file := range systemd.Inherited() {
		if !mailer.IsKept(name) {
			continue
		}
		c, err := net.FileConn(file)
		_ = file.Close()
		if err != nil {
			log.Warn("a kept connection can't be used", "error", err.Error())
			e.keeper.Drop(name)
			continue
		}
		e.conns[name] = c
	}
	if len(e.conns) > 0 {
		log.Info("connections of an earlier process were kept", "connections", len(e.conns))
	}
	return e
}

// wait waits for the last replies, as long as a stop has patience. What has not
// come by then stays where it is, for the next start.
func (e *estate) wait() {
	e.listening.Wait()
	e.abandon()
}

// close ends a connection here and with the service manager. Whatever is to be
// known from it must have been written down.
func (e *estate) close(name string, c net.Conn) {
	mailer.CloseInherited(c)
	e.keeper.Drop(name)
}

// covered is how long a mark holds (scheduler.Options.Lease): after that others
// take a letter that nobody has settled, whatever this machine knows of it.
func (e *estate) covered() time.Duration { return 2*e.lease + e.dotting }

// An inheritance is a connection, on which a letter's reply may be waiting.
type inheritance struct {
	journal.Kept
	conn    net.Conn
	notice  convened.NoticeID
	attempt int
}

// take takes the connections that a dead daemon's journal names.
func (e *estate) take(o *journal.Orphan) []inheritance {
	var lines []inheritance
	for notice, kept := range o.Kept {
		if c := e.conns[kept.Name]; c != nil {
			delete(e.conns, kept.Name)
			lines = append(lines, inheritance{kept, c, notice, o.Dots[notice]})
		}
	}
	return lines
}

func (e *estate) putBack(lines []inheritance) {
	for _, l := range lines {
		e.conns[l.Name] = l.conn
	}
}

// elsewhere reports whether replies to a dead daemon may be waiting on
// connections that are not handed to this process: its unit, which is another
// one, is about to be started again. If that does not happen before others may
// take the letters anyway, there is nothing to wait for any more.
func (e *estate) elsewhere(o *journal.Orphan, unit string) bool {
	return o.Complete && len(o.Kept) > 0 && o.Unit != unit && time.Since(o.Written) < e.covered()
}

// orphanInterval is how often the journals of dead siblings are looked for.
const orphanInterval = time.Second

// inherit settles what dead daemons on this machine have left, now and then
// again for as long as ctx lasts.
func (w *witness) inherit(ctx context.Context, wake func()) {
	for {
		select {
		case <-time.After(orphanInterval):
			w.inheritOnce(ctx, wake)
		case <-ctx.Done():
			return
		}
	}
}

func (w *witness) inheritOnce(ctx context.Context, wake func()) {
	defer w.closeUnnamed()
	if w.journal == nil {
		return
	}
	orphans, err := journal.Orphans(w.dir, w.owner)
	if err != nil {
		w.log.Warn("read the journals of others", "error", err.Error())
	}
	for _, o := range orphans {
		w.inheritFrom(ctx, o, wake)
	}
}

// inheritFrom accounts for the letters of one dead daemon. What it knows is
// settled at once. Where a reply may be waiting, the letters stay claimed, and
// the journal stays, until it has been heard; the other work goes on meanwhile.
func (w *witness) inheritFrom(ctx context.Context, o *journal.Orphan, wake func()) {
	lines := w.estate.take(o)
	legacy := store.Legacy{Daemon: o.Daemon, Complete: o.Complete, Dots: o.Dots, Replies: o.Replies, Heard: map[convened.NoticeID]int{}}
	for _, l := range lines {
		legacy.Heard[l.notice] = l.attempt
	}
	pass := len(lines) == 0 && w.estate.elsewhere(o, w.owner.Unit)
	if pass {
		for notice := range o.Kept {
			legacy.Heard[notice] = o.Dots[notice]
		}
	}
	if pass && w.estate.passed[o.Daemon] {
		_ = o.Keep()
		return
	}
	held, done, err := w.takeOver(ctx, legacy, len(lines) > 0)
	if err != nil {
		w.estate.putBack(lines)
		_ = o.Keep()
		w.log.Warn("settle what a dead daemon left, trying again", "daemon", o.Daemon, "error", err.Error())
		return
	}
	w.log.Info("a daemon died, its letters are accounted for", "daemon", o.Daemon, "settled", done.Settled, "doubtful", done.Doubtful, "returned", done.Returned, "listening", len(lines))
	wake()
	switch {
	case len(lines) > 0:
		w.estate.listening.Go(func() {
			w.end(o, w.listen(o, lines, held))
			wake()
		})
	case pass:
		w.estate.passed[o.Daemon] = true
		w.end(o, false)
	default:
		w.end(o, true)
	}
}

// takeOver settles a legacy and, where this process listens for replies, keeps
// those letters from everybody else.
func (w *witness) takeOver(ctx context.Context, l store.Legacy, listening bool) (held map[convened.NoticeID]bool, done store.Inherited, err error) {
	if listening {
		if held, err = w.inner.Listen(ctx, l.Daemon, l.Heard, w.estate.covered()); err != nil {
			return nil, done, err
		}
	}
	done, err = w.inner.SettleDead(ctx, w.clock(), l)
	return held, done, err
}

// end ends what is to be done with a journal: it goes, if all that it says is settled.
func (w *witness) end(o *journal.Orphan, settled bool) {
	err := o.Keep
	if settled {
		err = o.Done
	}
	if err := err(); err != nil {
		w.log.Warn("remove a journal that is settled", "error", err.Error())
	}
}

// listen hears what the server says to the letters of a dead daemon, on all its
// connections at once. It reports whether all of them are settled.
func (w *witness) listen(o *journal.Orphan, lines []inheritance, held map[convened.NoticeID]bool) bool {
	// The dot goes out once more as long as it could have gone out the first time,
	// and while nobody else can have the letter. Later the server is only listened to.
	fresh := time.Since(o.Written) < w.estate.lease
	var all sync.WaitGroup
	var mu sync.Mutex
	settled := 0
	for _, l := range lines {
		all.Go(func() {
			if w.hear(o.Daemon, l, fresh && held[l.notice]) {
				mu.Lock()
				defer mu.Unlock()
				settled++
			}
		})
	}
	all.Wait()
	return settled == len(lines)
}

// hear hears one reply and has it committed; only then the connection goes, and
// the reply with it. If we crash before that, the next start hears it again.
func (w *witness) hear(daemon int64, l inheritance, again bool) bool {
	e := w.estate
	ctx, cancel := context.WithTimeout(e.patience, e.dotting)
	defer cancel()
	o, err := mailer.LastWord(ctx, l.conn, l.End, again)
	if err != nil && e.patience.Err() != nil {
		_ = l.conn.Close() // here alone
		return false
	}
	o.Notice, o.Attempt, o.At = l.notice, l.attempt, w.clock()
	legacy := store.Legacy{Daemon: daemon, Replies: []convened.Outcome{o}}
	if o.State == convened.Unknown {
		legacy.Replies, legacy.Dots = nil, map[convened.NoticeID]int{l.notice: l.attempt}
	}
	if err := w.settleHeard(legacy); err != nil {
		_ = l.conn.Close()
		w.log.Warn("settle what a dead daemon's connection said, left for the next start", "daemon", daemon, "error", err.Error())
		return false
	}
	e.close(l.Name, l.conn)
	w.log.Info("a dead daemon's letter is answered", "daemon", daemon, "notice", int64(l.notice), "attempt", l.attempt, "outcome", string(o.State), "code", o.Code)
	return true
}

// settleHeard tries until the database has it, or a stop has no more patience.
func (w *witness) settleHeard(l store.Legacy) error {
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		_, err := w.inner.SettleDead(w.estate.patience, w.clock(), l)
		if err == nil {
			return nil
		}
		select {
		case <-time.After(wait):
		case <-w.estate.patience.Done():
			return errors.Join(err, w.estate.patience.Err())
		}
	}
}

// closeUnnamed closes the connections that no journal names: their letters, if
// they had any, never got their dot, or their reply is known.
func (w *witness) closeUnnamed() {
	e := w.estate
	if len(e.conns) == 0 {
		return
	}
	named := map[string]bool{}
	if w.journal != nil {
		var err error
		if named, err = journal.Named(w.dir, w.owner); err != nil {
			w.log.Warn("read the journals of others", "error", err.Error())
			return
		}
	}
	for name, c := range e.conns {
		if !named[name] {
			delete(e.conns, name)
			e.close(name, c)
		}
	}
}
