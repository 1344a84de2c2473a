// Package systemd holds what ties the daemon to the service manager: the unit
// and its companions, which packages install, the messages that a service of
// Type=notify sends (sd_notify(3)), and the connections that the manager keeps
// beyond the death of the process.
//
// Its invariant: the service manager is told, never obeyed. Every method of a
// Notifier does nothing where no service manager listens (a terminal, a
// container, a test), and a message that can't be delivered is a line in the
// log, never an error: mail must not wait for a socket that only watches it.
//
// It will not start, stop or reload anything, and it knows nothing of signals.
package systemd

import (
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// A Notifier speaks to the service manager that started this process, as
// NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID in the environment name it. Its
// methods may be called from any goroutine; those of a nil Notifier do nothing.
type Notifier struct {
	log      *slog.Logger
	watchdog time.Duration

	mu       sync.Mutex
	status   string          // the last one sent: the same text is not sent twice
	finished map[string]bool // by loop: whether it finished a tick since the last feed
	fedAt    time.Time       // zero: never
}

// NewNotifier returns a Notifier whose watchdog follows the named loops: see
// Finished. With none named, the watchdog is never fed.
func NewNotifier(log *slog.Logger, loops ...string) *Notifier {
	n := &Notifier{log: log, finished: make(map[string]bool, len(loops))}
	for _, l := range loops {
		n.finished[l] = false
	}
	var err error
	if n.watchdog, err = daemon.SdWatchdogEnabled(false); err != nil {
		log.Warn("read watchdog interval", "err", err)
	}
	return n
}

// Ready says that the start, or a reload, is over: configuration and templates
// are valid and the loops run. A database or a relay that is down is a Status,
// and no reason to wait with it.
func (n *Notifier) Ready() { n.send(daemon.SdNotifyReady) }

// Status sets the line that `systemctl status` shows. It must hold no address
// and no name: it ends in the journal. Line breaks become spaces, because each
// line of a message is an assignment of its own; a text that stands already is
// not sent again.
func (n *Notifier) Status(text string) {
	if n == nil {
		return
	}
	text = strings.Join(strings.Fields(text), " ")
	n.mu.Lock()
	same := n.status == text
	n.status = text
	n.mu.Unlock()
	if !same {
		n.send("STATUS=" + text)
	}
}

// Reloading says that the configuration is being read again. Ready must follow,
// also where the new one was refused and the old one stays. The message bears
// the monotonic clock, without which Type=notify-reload takes it for one sent
// before the reload was asked for, and waits on.
func (n *Notifier) Reloading() {
	n.send(daemon.SdNotifyReloading + "\n" + daemon.SdNotifyMonotonicUsec())
}

// Stopping says that the daemon claims no more and finishes what it has in
// hand. The watchdog is not fed, nor awaited, from then on.
func (n *Notifier) Stopping() { n.send(daemon.SdNotifyStopping) }

// Watchdog returns the unit's WatchdogSec=, or 0 where there is none: a tick
// that takes longer than this gets the daemon killed and started again.
func (n *Notifier) Watchdog() time.Duration {
	if n == nil {
		return 0
	}
	return n.watchdog
}

// Finished says that the named loop came to the end of a tick, with or without
// success, at now, a reading of the machine's own clock. The watchdog is fed
// when every loop has finished at least one tick since it was fed last: a
// single loop that hangs starves it, however busy the others are. A name that
// NewNotifier was not given is ignored.
//
// A tick must therefore not wait for what may rightly take longer than the
// watchdog, such as a relay's reply to the final dot.
func (n *Notifier) Finished(loop string, now time.Time) {
	if n == nil {
		return
	}
	if n.round(loop, now) {
		n.send(daemon.SdNotifyWatchdog)
	}
}

// round notes that loop has finished a tick and reports whether that completes
// a round that is to be fed.
func (n *Notifier) round(loop string, now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, ok := n.finished[loop]; !ok || n.watchdog == 0 {
		return false
	}
	n.finished[loop] = true
	for _, done := range n.finished {
		if !done {
			return false
		}
	}
	// A burst finishes hundreds of ticks a second, and the service manager need
	// not wake for each. A clock that was put back must not silence the feed.
	if since := now.Sub(n.fedAt); !n.fedAt.IsZero() && since >= 0 && since < n.watchdog/8 {
		return false
	}
	for l := range n.finished {
		n.finished[l] = false
	}
	n.fedAt = now
	return true
}

// send delivers one message. It never fails: see the package comment.
func (n *Notifier) send(message string) {
	if n == nil {
		return
	}
	if _, err := daemon.SdNotify(false, message); err != nil {
		verb, _, _ := strings.Cut(message, "=")
		n.log.Warn("notify service manager", "message", verb, "err", err)
	}
}
