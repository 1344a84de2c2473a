package mailer

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wneessen/go-mail/smtp"

	"convened"
)

// A conn is one connection to the relay, used by one Send at a time.
type conn struct {
	opts *RelayOptions
	raw  net.Conn // what was dialled: deadlines and the reset go to it
	net  net.Conn // raw, or TLS over it
	r    *bufio.Reader

	known repertoire // what the server says often

	kept    string  // the name under which the keeper has a copy; "": it has none
	peek    *peeker // at raw, if it is kept
	counted bool    // the kernel tells whoever has the copy how much was written
	written int64   // bytes, without what TLS adds
	out     []byte  // what is written in one go; these three are used again
	whole   []byte
	parts   net.Buffers

	ahead     *Letter // the envelope of this letter has gone out with the end of the one before
	forwarded bool    // it has taken such an envelope
	rebuffed  bool    // it did not know what to make of one

	extensions map[string]string // what the last EHLO offered, keywords in upper case
	dirty      bool              // a transaction was begun and not finished: RSET before the next
	used       bool              // it has been idle in the pool
	broken     bool              // its dialogue is out of step or over

	// A cancelled context interrupts the exchange it was given for, and no
	// later one, by a deadline in the past. Letters that are sent one after the other
	// have one context nearly always, which is watched for all of them.
	watched <-chan struct{} // closed when that context ends; nil: none is watched
	unwatch func() bool

	mu          sync.Mutex
	watch       int       // counts what was watched
	active      bool      // an exchange is under way
	committed   bool      // its dot is going out: no longer to be interrupted
	until       time.Time // it is interrupted then; zero: never
	interrupted bool
}

// A fault is why an exchange did not get where it should.
type fault struct {
	phase string
	reply reply // code 0: the server did not say
	err   error // what went wrong on our side of the wire, where reply has no code

	state convened.State // "": let verdict decide
	cause convened.Cause
	stale bool // the connection had died while it was idle: nothing was tried
}

// text is what is kept of a fault: the server's words, or else ours.
func (f *fault) text() string {
	if f.reply.code != 0 {
		return f.reply.text()
	}
	return oneLine(f.err.Error())
}

var errStopped = errors.New("sending was stopped")

// begin ties an exchange to ctx and to an instant, zero for none: when one of them
// comes, the exchange is interrupted, unless its dot has been committed. The caller
// must call end.
func (c *conn) begin(ctx context.Context, until time.Time) {
	if deadline, limited := ctx.Deadline(); limited && (until.IsZero() || deadline.Before(until)) {
		until = deadline
	}
	c.follows(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.active, c.committed, c.until = true, false, until
	if ctx.Err() != nil { // it may have ended before there was anything to interrupt
		c.interrupt()
	}
}

func (c *conn) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.active = false
}

// follows has ctx watched, and no other.
func (c *conn) follows(ctx context.Context) {
	done := ctx.Done()
	if done == c.watched {
		return
	}
	if c.watched != nil {
		c.unwatch()
	}
	c.mu.Lock()
	c.watch++ // what was told to stop may be running
	this := c.watch
	c.mu.Unlock()
	if c.watched = done; done == nil {
		return
	}
	c.unwatch = context.AfterFunc(ctx, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.watch == this {
			c.interrupt()
		}
	})
}

// interrupt interrupts the exchange, if there is one that may be. For who holds c.mu.
func (c *conn) interrupt() {
	if c.active && !c.committed {
		c.interrupted = true
		c.raw.SetDeadline(time.Unix(1, 0))
	}
}

// allow gives what follows until d from now, and no longer than the exchange has before
// its dot. These deadlines are measured on the kernel's clock, which knows nothing of
// the program's.
func (c *conn) allow(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.interrupted {
		return
	}
	at := time.Now().Add(d) //nolint:forbidigo // deadlines are on this clock
	if c.limited() && c.until.Before(at) {
		at = c.until
	}
	c.raw.SetDeadline(at)
}

// commit makes the rest of the exchange immune to its context. It reports false
// if it comes too late. A process that was frozen, or a machine that slept, finds
// its timers and the server's reply ready at the same moment, and the timer that
// would interrupt it may come second: so it looks at the clocks itself, at the
// one that stands still while a machine sleeps and at the one on the wall.
func (c *conn) commit() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.interrupted = c.interrupted || c.ranOut()
	c.committed = !c.interrupted
	return c.committed
}

// limited reports whether the exchange has an end before its dot. For who holds c.mu.
func (c *conn) limited() bool { return c.active && !c.committed && !c.until.IsZero() }

// ranOut reports whether the exchange has taken longer than it may before its dot. For
// who holds c.mu.
func (c *conn) ranOut() bool {
	if !c.limited() {
		return false
	}
	now := time.Now() //nolint:forbidigo // deadlines are on this clock
	return !now.Before(c.until) || !now.Round(0).Before(c.until.Round(0))
}

// left is the time that is left until the exchange should have ended, at least a
// millisecond, and at most so long.
func (c *conn) left(most time.Duration) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.until.IsZero() {
		return most
	}
	return min(most, max(time.Until(c.until), time.Millisecond)) //nolint:forbidigo // deadlines are on this clock
}

func (c *conn) wasInterrupted() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.interrupted
}

// fail makes the fault of an error on the wire.
func (c *conn) fail(phase string, err error) *fault {
	c.broken = true
	c.mu.Lock()
	c.interrupted = c.interrupted || c.ranOut() // the deadline of allow says no more than that it is over
	stopped := c.interrupted
	c.mu.Unlock()
	if stopped {
		return &fault{phase: phase, err: errStopped, state: convened.Planned, cause: convened.CauseStopped}
	}
	return &fault{phase: phase, err: err}
}

// command writes one line and reads the reply, whose code must begin with the
// digit wanted.
func (c *conn) command(phase string, timeout time.Duration, want int, line string) (reply, *fault) {
	c.allow(timeout)
	if _, err := c.write([]byte(line + "\r\n")); err != nil {
		return reply{}, c.fail(phase, err)
	}
	return c.answer(phase, want)
}

func (c *conn) write(b []byte) (int, error) {
	n, err := c.net.Write(b)
	c.written += int64(n)
	return n, err
}

// writeLetter writes a letter and what follows it in one go.
func (c *conn) writeLetter(d dotted, rest []byte) (int, error) {
	c.parts = append(d.pieces(c.parts[:0]), rest)
	if c.net != c.raw || len(d.dots) > manyDots { // of two parts TLS makes two records
		c.whole = c.whole[:0]
		for _, p := range c.parts {
			c.whole = append(c.whole, p...)
		}
		return c.write(c.whole)
	}
	parts := c.parts
	n, err := parts.WriteTo(c.raw)
	c.written += n
	return int(n), err
}

// manyDots is with how many a letter is copied, so that it is one: the kernel takes 1024
// pieces at a time.
const manyDots = 200

func (c *conn) answer(phase string, want int) (reply, *fault) {
	rep, err := readReply(c.r, c.known)
	if err != nil {
		return rep, c.fail(phase, err)
	}
	if rep.code == 421 {
		c.broken = true // RFC 5321 3.8: the server closes after it
	}
	switch {
	case rep.code/100 == want:
		return rep, nil
	case rep.code < 400:
		// Neither what was due nor a refusal: it answers something else.
		return rep, c.fail(phase, fmt.Errorf("%w: %d where %dxx was due", errGarbage, rep.code, want))
	}
	return rep, &fault{phase: phase, reply: rep}
}

// dial connects, greets, secures and logs in.
func dial(ctx context.Context, o *RelayOptions) (*conn, *fault) {
	dialer := net.Dialer{Timeout: o.ConnectTimeout}
	raw, err := dialer.DialContext(ctx, o.network(), o.address())
	if err != nil {
		if ctx.Err() != nil {
			return nil, &fault{phase: phaseConnect, err: errStopped, state: convened.Planned, cause: convened.CauseStopped}
		}
		return nil, &fault{phase: phaseConnect, err: err}
	}
	c := &conn{opts: o, raw: raw, net: raw, r: bufio.NewReaderSize(raw, maxReplyLine), known: repertoire{}}
	c.begin(ctx, time.Time{})
	defer c.end()
	if f := c.open(); f != nil {
		c.abort()
		return nil, f
	}
	c.keep()
	return c, nil
}

func (c *conn) open() *fault {
	if c.opts.TLS == "none" && !isLoopback(c.raw.RemoteAddr()) {
		// A name that was this machine when the configuration was written
		// may be another today.
		return &fault{phase: phaseTLS, err: errors.New("the relay is not on this machine, and smtp.tls is none")}
	}
	if c.opts.TLS == "tls" {
		if f := c.secure(); f != nil {
			return f
		}
	}
	c.allow(c.opts.CommandTimeout)
	if _, f := c.answer(phaseGreeting, 2); f != nil {
		return f
	}
	if f := c.hello(); f != nil {
		return f
	}
	if c.opts.TLS == "starttls" {
		if f := c.startTLS(); f != nil {
			return f
		}
	}
	if c.opts.Username != "" {
		return c.login()
	}
	return nil
}

// hello says EHLO, or HELO to a server that doesn't know EHLO and so has no
// extensions (RFC 5321 3.2).
func (c *conn) hello() *fault {
	c.extensions = map[string]string{}
	rep, f := c.command(phaseEhlo, c.opts.CommandTimeout, 2, "EHLO "+c.opts.LocalName)
	if f != nil && (f.reply.code == 500 || f.reply.code == 502) {
		_, f = c.command(phaseEhlo, c.opts.CommandTimeout, 2, "HELO "+c.opts.LocalName)
		return f
	}
	if f != nil {
		return f
	}
	for _, line := range rep.lines[1:] {
		// "AUTH=LOGIN" is how servers of the last century said it.
		keyword, params, _ := strings.Cut(strings.Replace(line, "AUTH=", "AUTH ", 1), " ")
		keyword = strings.ToUpper(strings.TrimSpace(keyword))
		c.extensions[keyword] = strings.TrimSpace(c.extensions[keyword] + " " + params)
	}
	return nil
}

func (c *conn) offers(extension string) bool {
	_, ok := c.extensions[extension]
	return ok
}

var errNoSTARTTLS = errors.New("the server does not offer STARTTLS")

// startTLS upgrades the connection. A server that does not offer it, or
// somebody between us who strikes it out, gets no mail: the letter waits.
func (c *conn) startTLS() *fault {
	if !c.offers("STARTTLS") {
		return &fault{phase: phaseTLS, err: errNoSTARTTLS}
	}
	if _, f := c.command(phaseTLS, c.opts.CommandTimeout, 2, "STARTTLS"); f != nil {
		return f
	}
	if c.r.Buffered() > 0 {
		// Words that came in the clear and would be taken for the server's
		// own after the handshake.
		return c.fail(phaseTLS, fmt.Errorf("%w: it goes on after STARTTLS, in the clear", errGarbage))
	}
	if f := c.secure(); f != nil {
		return f
	}
	return c.hello()
}

func (c *conn) secure() *fault {
	c.allow(c.opts.CommandTimeout)
	t := tls.Client(c.raw, &tls.Config{
		ServerName: c.opts.Host,
		RootCAs:    c.opts.RootCAs,
		MinVersion: tls.VersionTLS12,
	})
	if err := t.Handshake(); err != nil {
		return c.fail(phaseTLS, err)
	}
	c.net, c.r = t, bufio.NewReaderSize(t, maxReplyLine)
	return nil
}

// login authenticates (RFC 4954).
func (c *conn) login() *fault {
	o := c.opts
	_, secured := c.net.(*tls.Conn)
	offered := strings.Fields(strings.ToUpper(c.extensions["AUTH"]))
	mechanism := mechanismFor(o, offered)
	if mechanism == nil {
		return &fault{phase: phaseAuth, state: convened.Planned, cause: convened.CauseLogin,
			err: fmt.Errorf("the server offers neither PLAIN nor LOGIN to log in with, but %q", strings.Join(offered, " "))}
	}
	name, response, err := mechanism.Start(&smtp.ServerInfo{Name: o.Host, TLS: secured, Auth: offered})
	if err != nil {
		return &fault{phase: phaseAuth, err: err, state: convened.Planned, cause: convened.CauseLogin}
	}
	line := "AUTH " + name
	if response != nil {
		line += " " + base64.StdEncoding.EncodeToString(response)
	}
	for {
		c.allow(o.CommandTimeout)
		if _, err := c.write([]byte(line + "\r\n")); err != nil {
			return c.fail(phaseAuth, err)
		}
		rep, err := readReply(c.r, nil)
		switch {
		case err != nil:
			return c.fail(phaseAuth, err)
		case rep.code == 235:
			return nil
		case rep.code != 334:
			return &fault{phase: phaseAuth, reply: rep}
		}
		challenge, err := base64.StdEncoding.DecodeString(strings.TrimSpace(rep.lines[len(rep.lines)-1]))
		if err == nil {
			response, err = mechanism.Next(challenge, true)
		}
		if err != nil {
			// The connection is closed instead of cancelled with "*".
			return &fault{phase: phaseAuth, err: err, state: convened.Planned, cause: convened.CauseLogin}
		}
		line = base64.StdEncoding.EncodeToString(response)
	}
}

// mechanismFor picks the one of two that the server offers. That they tell the
// password is no harm: who listens has a verified certificate, or is this machine.
func mechanismFor(o *RelayOptions, offered []string) smtp.Auth {
	switch {
	case slices.Contains(offered, "PLAIN"):
		return smtp.PlainAuth("", o.Username, o.Password, o.Host, true)
	case slices.Contains(offered, "LOGIN"):
		return smtp.LoginAuth(o.Username, o.Password, o.Host, true)
	}
	return nil
}

// quit says good-bye, where nothing hangs on it.
func (c *conn) quit() {
	c.allow(quitTimeout)
	if _, err := c.write([]byte("QUIT\r\n")); err == nil {
		_, _ = readReply(c.r, nil) // whatever it says, it is over
	}
	c.letGo()
}

// abort ends the connection at once, with a reset where the transport has one: a
// server must not take an orderly close within DATA for the end of the letter.
func (c *conn) abort() {
	if t, ok := c.raw.(*net.TCPConn); ok {
		t.SetLinger(0)
	}
	c.net = c.raw // no good-bye of TLS
	c.letGo()
}

// isLoopback reports whether a is this machine itself.
func isLoopback(a net.Addr) bool {
	switch a := a.(type) {
	case *net.TCPAddr:
		return a.IP.IsLoopback()
	case *net.UnixAddr:
		return true
	}
	return false
}
