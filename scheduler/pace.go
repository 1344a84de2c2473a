package scheduler

import (
	"strings"
	"sync"
	"time"

	"convened"
)

// A pacer slows single recipient domains down. There is no limit for a domain
// until it answers 421 or 4.7.x; then its letters get slots, one after another,
// and go back to be tried at theirs, so that no other domain waits for them.
// Each daemon learns for itself.
type pacer struct {
	mu      sync.Mutex
	domains map[string]*pace
}

// A pace is how a domain wants its letters.
type pace struct {
	spacing time.Duration // between two letters
	pause   time.Duration // the last one, after the domain complained
	since   time.Time     // when it complained
	turnstile
	good int // letters accepted since spacing last changed
}

// The bounds of a pace. A complaint doubles, a run of accepted letters halves,
// and a domain that takes twenty a second without complaining is free again.
const (
	firstSpacing = time.Second
	mostSpacing  = time.Minute
	leastSpacing = 50 * time.Millisecond
	firstPause   = time.Minute
	mostPause    = 30 * time.Minute
	goodRun      = 20
)

// domainOf returns the domain of an address as far as its pace is concerned.
func domainOf(email string) string {
	return strings.ToLower(strings.TrimSpace(email[strings.LastIndexByte(email, '@')+1:]))
}

// slot returns when a letter to the domain may go: now, or later. A slot that is
// given out is taken.
func (p *pacer) slot(now time.Time, domain string) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	d := p.domains[domain]
	if d == nil {
		return now
	}
	return d.slot(now, d.spacing)
}

// A turnstile lets one pass after another. Who comes too early is told when to
// come back, each at a time of its own, and who comes back then passes.
type turnstile struct {
	open time.Time // nobody passes before
	next time.Time // when the next one who has to wait is told to come
}

// slot returns now if one may pass, or else when to come back.
func (t *turnstile) slot(now time.Time, spacing time.Duration) time.Time {
	if !now.Before(t.open) {
		// Who comes a little late takes nothing from who comes after.
		t.open = later(t.open, now.Add(-spacing)).Add(spacing)
		return now
	}
	at := later(t.next, t.open)
	t.next = at.Add(spacing)
	return at
}

// shut lets nobody pass before an instant.
func (t *turnstile) shut(until time.Time) { t.open, t.next = until, until }

// saw takes note of what a domain answered.
func (p *pacer) saw(domain string, o convened.Outcome) {
	p.mu.Lock()
	defer p.mu.Unlock()
	d := p.domains[domain]
	switch {
	case o.Cause == convened.CauseSlowDown && d == nil:
		if p.domains == nil {
			p.domains = map[string]*pace{}
		}
		d = &pace{spacing: firstSpacing, pause: firstPause, since: o.At}
		d.shut(o.At.Add(firstPause))
		p.domains[domain] = d
	case o.Cause == convened.CauseSlowDown:
		// Letters that were on the wire together complain together: that is one
		// complaint.
		if o.At.Before(d.since.Add(d.pause)) {
			return
		}
		d.spacing, d.pause, d.good = min(2*d.spacing, mostSpacing), min(2*d.pause, mostPause), 0
		d.since = o.At
		d.shut(o.At.Add(d.pause))
	case o.State == convened.Sent && d != nil:
		if d.good++; d.good < goodRun {
			return
		}
		if d.spacing, d.good = d.spacing/2, 0; d.spacing < leastSpacing {
			delete(p.domains, domain)
		}
	}
}

// slow returns how many domains are being paced.
func (p *pacer) slow() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.domains)
}
