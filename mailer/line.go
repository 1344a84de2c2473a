package mailer

import (
	"context"

	"convened"
)

// A Line is one sender's way to the relay. Letters that are sent on it one after
// the other overlap where the server lets them: the envelope of the next goes out
// in one write with the end of the one before (RFC 2920 3.1), so that a letter
// takes one round trip. A Line is for one goroutine.
type Line struct {
	relay *Relay
	c     *conn // on which the envelope of c.ahead is under way, and whose slot is ours; nil: none
}

// Line returns a new line. It has no connection before its first letter, and
// none that others can't have between two letters that don't overlap.
func (r *Relay) Line() *Line { return &Line{relay: r} }

// Relay returns whose line it is.
func (n *Line) Relay() *Relay { return n.relay }

// Send hands one letter to the relay and says what came of it. It waits for a
// free connection, and dials where none is idle.
//
// When ctx ends, or Letter.Until comes, before the final dot, the letter is given back: Planned, Free,
// CauseStopped. Once the dot is being written ctx means nothing any more, and
// Send waits for the reply, up to DotTimeout: whoever stops gracefully
// waits for the Sends that it has begun.
//
// Where next is not nil, it may be called, once, when the letter is about to
// leave: it names the letter that is sent on this line after this one, which is
// Ready, nil if nobody knows of any. If it is not sent after all, call Leave.
func (n *Line) Send(ctx context.Context, l *Letter, next func() *Letter) convened.Outcome {
	r := n.relay
	if n.c != nil && n.c.ahead != l {
		n.Leave()
	}
	d, err := check(l)
	if err != nil {
		n.Leave()
		return r.opts.outcome(l, reply{}, &fault{phase: "compose", err: err, state: convened.Refused, cause: convened.CauseContent})
	}
	stopped := &fault{phase: phaseConnect, err: errStopped, state: convened.Planned, cause: convened.CauseStopped}
	if n.c == nil {
		if !r.slot(ctx, l) {
			return r.opts.outcome(l, reply{}, stopped)
		}
	}
	c := n.c
	n.c = nil
	defer func() {
		if n.c == nil {
			<-r.slots
		}
	}()
	if ctx.Err() != nil {
		if c != nil {
			c.abort()
		}
		return r.opts.outcome(l, reply{}, stopped)
	}
	if c == nil {
		c = r.takeIdle()
	}
	if c != nil {
		o, gaveUp := c.deliver(ctx, l, d, n.ask(next))
		n.release(c)
		if !gaveUp {
			return o
		}
		r.opts.Logger.Debug("connection had died while it was idle", "host", r.opts.Host)
	}
	dialling, cancel := l.within(ctx)
	c, f := r.dial(dialling)
	cancel()
	if f != nil {
		return r.opts.outcome(l, reply{}, f)
	}
	o, _ := c.deliver(ctx, l, d, n.ask(next))
	n.release(c)
	return o
}

// slot waits for one, and reports whether there is.
func (r *Relay) slot(ctx context.Context, l *Letter) bool {
	select {
	case r.slots <- struct{}{}:
		return true
	default:
	}
	waiting, cancel := l.within(ctx)
	defer cancel()
	select {
	case r.slots <- struct{}{}:
		return true
	case <-waiting.Done():
		return false
	}
}

// within is ctx until the letter is to be given up.
func (l *Letter) within(ctx context.Context) (context.Context, context.CancelFunc) {
	if l.Until.IsZero() {
		return ctx, func() {}
	}
	return context.WithDeadline(ctx, l.Until)
}

// mostRebuffs is how often in a row the server may fail to understand an envelope that
// goes ahead, before none does any more. A rebuff costs a connection, and no attempt.
const mostRebuffs = 3

func (n *Line) ask(next func() *Letter) func() *Letter {
	if n.relay.rebuffs.Load() >= mostRebuffs {
		return nil
	}
	return next
}

// release leaves a connection to others, unless it is in the middle of the next
// letter.
func (n *Line) release(c *conn) {
	r := n.relay
	switch row := r.rebuffs.Load(); {
	case c.rebuffed:
		c.rebuffed = false
		if r.rebuffs.Add(1) == mostRebuffs {
			r.opts.Logger.Info("the relay offers PIPELINING and does not take an envelope behind the dot: each waits for the reply before it", "host", r.opts.Host)
		}
	case c.forwarded && row > 0 && row < mostRebuffs:
		r.rebuffs.CompareAndSwap(row, 0) // it does understand, and went for a reason of its own
	}
	if c.ahead != nil && !c.broken && !c.wasInterrupted() {
		n.c = c
		return
	}
	if c.ahead != nil {
		c.broken = true
	}
	r.release(c)
}

// Leave gives up the letter that the line has begun, if there is one. It ends the
// connection, because nothing else ends a transaction whose DATA is taken.
func (n *Line) Leave() {
	if n.c == nil {
		return
	}
	n.c.abort()
	n.c = nil
	<-n.relay.slots
}

// follow asks for the letter that is next, and returns it if its envelope can go
// ahead.
func (c *conn) follow(next func() *Letter) *Letter {
	if next == nil || !c.offers("PIPELINING") {
		return nil
	}
	l := next()
	if l == nil || l.size == 0 || l.SMTPUTF8 && !c.offers("SMTPUTF8") || checkEnvelope(l) != nil {
		return nil // what is wrong with it is said when it is sent
	}
	return l
}

// jointLimit is how large a letter may be that is written in one go with its dot:
// it fits into the buffers of a connection, so that it is out or it is not.
const jointLimit = 48 << 10

// joint reports whether a letter is written in one go with its dot and what
// follows it. On a connection that is kept, whoever comes after us must be able
// to tell whether the dot was out.
func (c *conn) joint(d dotted) bool {
	return d.size() <= jointLimit && (c.kept == "" || c.counted)
}

// join writes the letter, its dot and the envelope of the letter that follows, once the
// dot is noted. It reports whether it was noted, and whether it is out.
func (c *conn) join(l *Letter, d dotted, next func() *Letter) (noted, out bool, f *fault) {
	c.out = append(c.out[:0], finalDot...)
	end := d.size() + len(c.out)
	following := c.follow(next)
	if following != nil {
		c.out = c.appendEnvelope(c.out, following, steps(false))
	}
	var until int64
	if c.counted {
		until = c.written + int64(end)
	}
	if f := c.beforeDot(l, until); f != nil {
		return false, false, f
	}
	c.allow(c.left(c.opts.DataTimeout))
	n, err := c.writeLetter(d, c.out)
	switch {
	case err == nil:
		c.ahead = following
		return true, true, nil
	case n >= end:
		c.broken = true
		return true, true, nil
	}
	// The kernel did not take all of the terminator (and TLS not all of its
	// record), so the server never will: this is still before the dot.
	return true, false, c.hadEnough(c.fail(phaseData, err))
}
