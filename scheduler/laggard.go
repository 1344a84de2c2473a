package scheduler

import (
	"sync"
	"time"

	"convened"
)

// Laggards are the domains over whose letters the server takes much longer than
// over the others': a tarpit, a filter that thinks for minutes. Each of their
// letters keeps a hand busy for nothing, and when all hands have one, everybody
// waits. So a domain that is known to lag gets a part of the hands, and while a
// hand waits for a letter that is late another may take its turn: see
// Options.Spare.
//
// What is late is measured against what is usual here, and a domain lags only
// where letters to others go by and none of its own: a relay that is slow, or
// stands still for a moment, is so for all, and a domain with many people has a
// letter now and then that takes long.
type laggards struct {
	lane int // letters of laggards that may be under way at the same time

	mu      sync.Mutex
	usual   time.Duration // what a letter takes, as it has gone lately
	seen    int           // letters
	quick   int           // letters that were not late
	domains map[string]lag
	waiting map[*trip]int      // those that are late, and how many had been quick when they became it
	lanes   map[*trip]struct{} // those that are late, or of a laggard
	turnstile
}

// A lag is how long the server took over a domain's last letter.
type lag struct {
	took  time.Duration
	since time.Time // when that was found
	quick int       // how many letters had been quick then
	sure  bool      // others went by
}

// A trip is one letter under way.
type trip struct {
	domain string
	began  time.Time
	over   bool // with laggards.mu held
}

// The bounds of what is late.
const (
	leastLate  = 50 * time.Millisecond
	lateFactor = 8
	leastSeen  = 16               // letters, before anything is called unusual
	passedBy   = 4                // letters, before one that is late is called the exception
	mostKnown  = 10_000           // domains
	lagMemory  = 10 * time.Minute // after which a domain is tried as any other
	mostLag    = 15 * time.Second // that a letter is put off at a time
)

// patience returns how long a letter may be under way before it is late; 0 where
// nobody knows yet.
func (l *laggards) patience() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.late()
}

func (l *laggards) late() time.Duration {
	if l.seen < leastSeen {
		return 0
	}
	return max(leastLate, lateFactor*l.usual)
}

// isLate says that a letter is late and still under way.
func (l *laggards) isLate(t *trip, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t.over {
		return // its alarm went off as it ended
	}
	if l.waiting == nil {
		l.waiting = map[*trip]int{}
	}
	l.waiting[t] = l.quick
	l.keep(t)
	if l.again(t) {
		l.know(t, now, true)
	}
}

// again reports whether the domain's letter before this one was late, too, and
// letters to others have gone by since: one of its own would have cleared it.
func (l *laggards) again(t *trip) bool {
	known, late := l.domains[t.domain]
	return late && l.quick-known.quick >= passedBy
}

func (l *laggards) know(t *trip, now time.Time, sure bool) {
	if l.domains == nil || len(l.domains) > mostKnown {
		l.domains = map[string]lag{}
	}
	sure = sure || l.domains[t.domain].sure
	l.domains[t.domain] = lag{max(now.Sub(t.began), leastLate), now, l.quick, sure}
}

// ended takes note of how long a letter took from its beginning to its outcome.
func (l *laggards) ended(t *trip, now time.Time, o convened.Outcome) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.leave(t)
	if o.Cause == convened.CauseRelay || o.Cause == convened.CauseLogin || o.Cause == convened.CauseStopped {
		return // that says nothing about the domain
	}
	took, late := now.Sub(t.began), l.late()
	// One that is late says little about what is usual; but if all are, it is.
	if l.seen++; l.seen <= leastSeen {
		l.usual += (took - l.usual) / time.Duration(l.seen)
	} else {
		l.usual += (min(took, max(4*l.usual, time.Millisecond)) - l.usual) / leastSeen
	}
	if late > 0 && took >= late {
		l.know(t, now, l.again(t))
		return
	}
	delete(l.domains, t.domain)
	l.quick++
	for other, before := range l.waiting {
		switch {
		case other.domain == t.domain:
			delete(l.waiting, other)
		case l.quick-before >= passedBy:
			l.know(other, now, true)
		}
	}
}

// gone says that nothing is under way any more, whatever became of it.
func (l *laggards) gone(t *trip) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.leave(t)
}

func (l *laggards) leave(t *trip) {
	t.over = true
	delete(l.waiting, t)
	delete(l.lanes, t)
}

func (l *laggards) keep(t *trip) {
	if l.lanes == nil {
		l.lanes = map[*trip]struct{}{}
	}
	l.lanes[t] = struct{}{}
}

// enter lets a letter go at now, or returns when it is to be tried again.
func (l *laggards) enter(t *trip) (at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if at = l.slot(t.began, t.domain); !at.After(t.began) && l.domains[t.domain].sure {
		l.keep(t)
	}
	return at
}

// lags reports whether the server took long over the domain's last letter.
func (l *laggards) lags(domain string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, late := l.domains[domain]
	return late
}

// room returns now if a letter to the domain may go, or when it is to be tried.
func (l *laggards) room(now time.Time, domain string) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.slot(now, domain)
}

func (l *laggards) slot(now time.Time, domain string) time.Time {
	known := l.domains[domain]
	switch {
	case !known.sure:
		return now
	case now.Sub(known.since) > lagMemory:
		delete(l.domains, domain)
		return now
	case len(l.lanes) < l.lane, len(l.lanes) < 2*l.lane && !l.tries(domain):
		return now
	}
	spacing := known.took / time.Duration(l.lane)
	at := l.turnstile.slot(now.Add(spacing), spacing)
	if last := now.Add(mostLag); at.After(last) {
		return last
	}
	return at
}

// tries reports whether a letter to the domain is under way. One may always be, as
// long as half of the hands are left: it shows when the domain lags no more.
func (l *laggards) tries(domain string) bool {
	for t := range l.lanes {
		if t.domain == domain {
			return true
		}
	}
	return false
}
