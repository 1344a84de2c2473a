package mailer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"convened"
)

// A step is a command of the envelope and the first digit of the reply that
// it wants.
type step struct {
	phase string
	verb  string
	want  int
}

const reset = "RSET"

// envelopeSteps are those of each letter, the first where a transaction was left.
var envelopeSteps = []step{{phaseMail, reset, 2}, {phaseMail, "MAIL", 2}, {phaseRcpt, "RCPT", 2}, {phaseData, "DATA", 3}}

func steps(dirty bool) []step {
	if dirty {
		return envelopeSteps
	}
	return envelopeSteps[1:]
}

// deliver carries one letter over the connection. d is what goes on the wire of it; next
// may name the one that follows it, or be nil. Afterwards
// c.broken says whether the connection is still good for another. With gaveUp the
// server had left the connection before anything was tried, and the outcome is none.
func (c *conn) deliver(ctx context.Context, l *Letter, d dotted, next func() *Letter) (o convened.Outcome, gaveUp bool) {
	c.begin(ctx, l.Until)
	defer c.end()
	f := c.envelope(l)
	if f != nil {
		return c.opts.outcome(l, reply{}, f), f.stale
	}
	note := func(rep reply, f *fault) {
		o = c.opts.outcome(l, rep, f)
		if c.opts.Journal != nil {
			c.opts.Journal.AfterReply(l, o)
		}
	}
	if c.joint(d) {
		switch noted, out, f := c.join(l, d, next); {
		case out:
			c.lastReply(note)
		case noted:
			note(reply{}, f)
		default:
			return c.opts.outcome(l, reply{}, f), false
		}
		return o, false
	}
	if f = c.content(d); f == nil {
		f = c.beforeDot(l, 0)
	}
	if f != nil {
		return c.opts.outcome(l, reply{}, f), false
	}
	c.dot(note)
	return o, false
}

// envelope says MAIL, RCPT and DATA: in one write where the server offers
// PIPELINING (RFC 2920), which takes one round trip instead of three. Where it has
// gone ahead, the replies alone are due.
func (c *conn) envelope(l *Letter) *fault {
	if c.ahead == l {
		c.ahead, c.dirty = nil, true
		return c.replies(steps(false), true)
	}
	if l.SMTPUTF8 && !c.offers("SMTPUTF8") {
		return &fault{phase: phaseMail, err: errors.New("the server does not offer SMTPUTF8, which this address needs"),
			state: convened.Refused, cause: convened.CauseAddress}
	}
	steps := steps(c.dirty)
	if c.r.Buffered() > 0 {
		// It spoke while nobody asked: to say that it is closing, or because
		// the replies are out of step.
		return c.stale(steps[0], c.fail(phaseMail, fmt.Errorf("%w: it speaks before it is asked", errGarbage)))
	}
	c.dirty = true
	if c.offers("PIPELINING") {
		c.allow(c.opts.CommandTimeout)
		c.out = c.appendEnvelope(c.out[:0], l, steps)
		if _, err := c.write(c.out); err != nil {
			return c.stale(steps[0], c.fail(steps[0].phase, err))
		}
		return c.replies(steps, false)
	}
	for i, s := range steps {
		timeout := c.opts.CommandTimeout
		if s.phase == phaseData {
			timeout = c.opts.DataTimeout
		}
		rep, f := c.command(s.phase, timeout, s.want, string(c.appendCommand(nil, l, s.verb)))
		if f == nil {
			f = c.ready(s, rep)
		}
		if f != nil && i == 0 {
			return c.stale(s, f)
		}
		if f != nil {
			return f
		}
	}
	return nil
}

func (c *conn) appendEnvelope(b []byte, l *Letter, steps []step) []byte {
	for _, s := range steps {
		b = append(c.appendCommand(b, l, s.verb), "\r\n"...)
	}
	return b
}

func (c *conn) appendCommand(b []byte, l *Letter, verb string) []byte {
	b = append(b, verb...)
	switch verb {
	case "MAIL":
		b = append(append(append(b, " FROM:<"...), l.From...), '>')
		if c.offers("SIZE") {
			size := l.size
			if size == 0 {
				size = len(l.Data)
			}
			b = strconv.AppendInt(append(b, " SIZE="...), int64(size), 10)
		}
		if l.SMTPUTF8 {
			if c.offers("8BITMIME") {
				b = append(b, " BODY=8BITMIME"...)
			}
			b = append(b, " SMTPUTF8"...)
		}
	case "RCPT":
		b = append(append(append(b, " TO:<"...), l.To...), '>')
	}
	return b
}

// replies reads what the server says to all steps, which were written at once.
// The first refusal is the verdict; the replies after it are read to stay in step.
func (c *conn) replies(steps []step, early bool) *fault {
	var first *fault
	var recipient bool // it was taken
	for i, s := range steps {
		switch {
		case c.spoke(): // it needs no time
		case s.phase == phaseData:
			c.allow(c.opts.DataTimeout)
		default:
			c.allow(c.opts.CommandTimeout)
		}
		rep, f := c.answer(s.phase, s.want)
		if f == nil {
			f = c.ready(s, rep)
		}
		if f != nil && early && first == nil {
			f = c.rebuff(f)
		} else if f != nil && i == 0 {
			f = c.stale(s, f)
		}
		if first == nil {
			first = f
		}
		if c.broken {
			return first
		}
		recipient = recipient || s.phase == phaseRcpt && f == nil
		if s.phase == phaseData && f == nil && first != nil {
			c.lonelyDot(recipient)
		}
	}
	c.forwarded = c.forwarded || early
	return first
}

// spoke reports whether a reply of one line is here already. Of one of several lines the
// end may be on its way.
func (c *conn) spoke() bool {
	b, _ := c.r.Peek(c.r.Buffered())
	return bytes.IndexByte(b, '\n') >= 0 && (len(b) < 4 || b[3] != '-')
}

// ready checks that the server waits for the letter and for nothing else: were
// a reply too many already here, it would be taken for that to the dot.
func (c *conn) ready(s step, rep reply) *fault {
	if s.phase != phaseData {
		return nil
	}
	if rep.code != 354 {
		return c.fail(phaseData, fmt.Errorf("%w: %d where 354 was due", errGarbage, rep.code))
	}
	if c.r.Buffered() > 0 {
		return c.fail(phaseData, fmt.Errorf("%w: a reply too many", errGarbage))
	}
	return nil
}

// lonelyDot ends a DATA that the server began though it had refused the
// recipient (RFC 2920 3.1). There is nobody whom it could deliver to, so its
// reply changes nothing. A server that has a recipient, but refused the sender,
// might deliver an empty letter: it is left without a dot.
func (c *conn) lonelyDot(recipient bool) {
	if recipient {
		c.broken = true
		return
	}
	c.allow(c.opts.DataTimeout)
	if _, err := c.write([]byte(".\r\n")); err != nil {
		c.broken = true
		return
	}
	if rep, err := readReply(c.r, nil); err != nil || rep.code == 421 {
		c.broken = true
	}
}

// stale marks the first fault on a connection that had been idle, if it shows
// that the server had given it up meanwhile. Nothing of the letter was sent, so
// another connection costs no attempt. What becomes of RSET is never the
// letter's fault.
func (c *conn) stale(s step, f *fault) *fault {
	if c.used && f.state == "" && (f.reply.code == 0 || f.reply.code == 421 || s.verb == reset) {
		f.stale, c.broken = true, true
	}
	return f
}

// rebuff marks a fault that may be one of the server's with an envelope that went
// ahead, and not with the letter: nothing of that was sent, so another connection
// costs no attempt.
func (c *conn) rebuff(f *fault) *fault {
	if f.state != "" || f.reply.code != 0 && f.reply.code != 421 && f.reply.code != 503 {
		return f
	}
	f.stale, c.broken = true, true
	// A server that has taken one, and then goes, goes for a reason of its own.
	var slow net.Error
	timedOut := errors.As(f.err, &slow) && slow.Timeout()
	c.rebuffed = f.reply.code == 503 || f.reply.code == 0 && (timedOut || !c.forwarded)
	return f
}

// content writes the letter, but not the dot.
func (c *conn) content(d dotted) *fault {
	c.allow(c.opts.DataTimeout)
	if _, err := c.writeLetter(d, nil); err != nil {
		return c.hadEnough(c.fail(phaseData, err))
	}
	return nil
}

// hadEnough reads why a server did not take all of a letter: one that has had enough
// says so before it closes.
func (c *conn) hadEnough(f *fault) *fault {
	if f.state != "" {
		return f
	}
	c.allow(time.Second)
	if rep, err := readReply(c.r, nil); err == nil && rep.code/100 >= 4 {
		f.reply = rep
	}
	return f
}

// beforeDot commits the letter. From here on a cancelled context waits for the
// reply, up to the dot's own time-out, since nobody could say otherwise whether
// the letter is delivered (RFC 1047).
func (c *conn) beforeDot(l *Letter, end int64) *fault {
	if !c.commit() {
		return c.fail(phaseData, errStopped)
	}
	if c.opts.Journal == nil {
		return nil
	}
	// If we crash here, the journal has a dot that was never written: the notice
	// is in doubt for nothing, which is the safe side.
	if err := c.opts.Journal.BeforeDot(l, c.kept, end); err != nil {
		c.broken = true
		return &fault{phase: phaseData, err: fmt.Errorf("note the dot: %w", err),
			state: convened.Planned, cause: convened.CauseStopped}
	}
	return nil
}

// finalDot ends a letter, which itself ends with a line end.
const finalDot = ".\r\n"

// dot ends the letter, waits for what the server makes of it, and calls note with
// that, once.
func (c *conn) dot(note func(reply, *fault)) {
	c.allow(c.opts.DotTimeout)
	if _, err := c.write([]byte(finalDot)); err != nil {
		// The kernel did not take all of the terminator (and TLS not all of its
		// record), so the server never will: this is still before the dot.
		note(reply{}, c.fail(phaseData, err))
		return
	}
	c.lastReply(note)
}

// lastReply waits for what the server makes of a letter, and calls note with that,
// once.
func (c *conn) lastReply(note func(reply, *fault)) {
	c.allow(c.opts.DotTimeout)
	// If we crash here, only the server knows; and if the connection is kept,
	// whoever inherits it will.
	if c.kept == "" {
		rep, err := readReply(c.r, c.known)
		note(rep, c.judge(rep, err))
		return
	}
	rep, length, err := c.peek.reply()
	note(rep, c.judge(rep, err))
	// If we crash before the reply is noted, it is still there to be found; if
	// we crash here, it is known. To read it does not wait any more.
	if err == nil {
		if _, err := c.r.Discard(length); err != nil {
			c.broken = true
		}
	}
}

// judge says whether the reply to the final dot is good for the letter, nil if
// so, and for the connection.
func (c *conn) judge(rep reply, err error) *fault {
	if err != nil {
		return c.fail(phaseDot, err)
	}
	c.dirty = false
	switch state, _ := verdict(phaseDot, rep.code, rep.enhanced()); {
	case state == convened.Sent:
		return nil
	case state == convened.Unknown, rep.code == 421:
		c.broken = true
	}
	return &fault{phase: phaseDot, reply: rep}
}
