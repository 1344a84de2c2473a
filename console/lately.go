package console

import (
	"context"
	"sync"
	"time"
)

// How often a question is asked again that costs something: an answer is good for
// dearness times what it has cost, so that whoever watches takes a small part of the
// database, and for a second at least. One that is older than stale is not shown any
// more, however long the new one takes.
const (
	dearness    = 15
	stale       = time.Minute
	answerLimit = 30 * time.Second
)

// A lately keeps the latest answers to questions that many ask and that cost
// something. While a newer one is looked for, everybody gets the old one.
type lately[V any] struct {
	clock func() time.Time
	least time.Duration // for which an answer is good at least; 0: each is asked for anew

	mu   sync.Mutex
	kept map[string]*answered[V]
}

// An answered is a question that was asked before.
type answered[V any] struct {
	version int // of what was asked about; another is another question
	there   bool
	value   V
	err     error
	at      time.Time
	cost    time.Duration
	asking  chan struct{} // closed when the answer under way is there; nil: none is
}

func newLately[V any](clock func() time.Time, least time.Duration) *lately[V] {
	return &lately[V]{clock: clock, least: least, kept: map[string]*answered[V]{}}
}

// get returns the answer to a question, and waits for it at most so long; false is
// that there is none yet, and it is being looked for.
func (l *lately[V]) get(ctx context.Context, key string, version int, patience time.Duration, ask func(context.Context) (V, error)) (V, bool, error) {
	if l.least == 0 {
		v, err := ask(ctx)
		return v, true, err
	}
	l.mu.Lock()
	a := l.kept[key]
	if a == nil || a.version != version {
		a = &answered[V]{version: version}
		l.kept[key] = a
	}
	age := l.clock().Sub(a.at)
	if a.there && age < max(l.least, dearness*a.cost) && a.err == nil {
		defer l.mu.Unlock()
		return a.value, true, nil
	}
	if a.asking == nil {
		a.asking = make(chan struct{})
		go l.ask(context.WithoutCancel(ctx), a, ask)
	}
	asking := a.asking
	if a.there && age < max(stale, dearness*a.cost) && a.err == nil {
		defer l.mu.Unlock()
		return a.value, true, nil
	}
	l.mu.Unlock()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-asking:
	case <-timer.C:
	case <-ctx.Done():
		var none V
		return none, false, ctx.Err()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return a.value, a.there && a.asking == nil, a.err
}

func (l *lately[V]) ask(ctx context.Context, a *answered[V], ask func(context.Context) (V, error)) {
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	begun := l.clock()
	v, err := ask(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	a.value, a.err, a.there, a.at = v, err, true, l.clock()
	a.cost = a.at.Sub(begun)
	close(a.asking)
	a.asking = nil
}
