package mailer

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"convened"
)

// RelayOptions say where the relay is and how it is spoken to.
type RelayOptions struct {
	Host     string // a name or an IP address; one that begins with / is a Unix socket
	Port     int    // unused for a Unix socket
	TLS      string // "starttls", "tls" (from the first byte), or "none", which only a relay on this machine may have
	Username string // "": no login
	Password string

	Connections int    // at most as many at a time; 0 is 8
	LocalName   string // how EHLO names this machine; "" is "localhost"

	// The time-outs by phase. Zero is the default.
	ConnectTimeout time.Duration // 30 s
	CommandTimeout time.Duration // 60 s: the greeting, the handshake and each command up to RCPT
	DataTimeout    time.Duration // 120 s: the reply to DATA, and writing the letter
	DotTimeout     time.Duration // 600 s: the reply to the final dot (RFC 5321 4.5.3.2.6)
	IdleTimeout    time.Duration // 30 s: how long a connection waits in the pool for its next letter

	RootCAs *x509.CertPool   // nil: the system's
	Now     func() time.Time // the program's one clock, for Outcome.At; must not be nil
	Logger  *slog.Logger     // nil: silent
	Journal Journal          // nil: none
	Keeper  Keeper           // of connections without TLS to this machine; nil: they end with this process
}

// A Journal is told of the two moments between which nobody but the server
// knows whether a letter is delivered. Its methods are called by many
// goroutines, and hold up the letter for as long as they take.
type Journal interface {
	// BeforeDot is called when the server waits for the letter, and its final dot
	// has not been written, with the name under which its connection is kept, "" if
	// it is not, and how many bytes that has carried once the dot is out, 0 if nobody
	// can tell. An error keeps the dot back: the outcome is Planned, CauseStopped.
	BeforeDot(l *Letter, kept string, end int64) error

	// AfterReply is called after every BeforeDot that returned nil, with what
	// came of the letter; State is Unknown where no reply came. On a connection
	// that is kept the reply is not read before it returns.
	AfterReply(*Letter, convened.Outcome)
}

// quitTimeout bounds the good-bye, which nobody needs.
const quitTimeout = 2 * time.Second

// A Relay is the one server that all letters are handed to, with a pool of
// connections to it. It is safe for use by many goroutines.
type Relay struct {
	opts  RelayOptions
	slots chan struct{} // one for each connection in use

	mu      sync.Mutex
	idle    []*idleConn // the last one used is the last
	closed  bool
	leaving sync.WaitGroup // connections whose idle time is over

	rebuffs atomic.Int32 // envelopes in a row that the server was sent ahead and did not understand
}

type idleConn struct {
	*conn
	timer *time.Timer
}

// NewRelay checks the options and fills in the defaults. It does not connect.
// Its error names the keys of the configuration, all that are wrong at once.
func NewRelay(o RelayOptions) (*Relay, error) {
	var wrong []error
	unix := strings.HasPrefix(o.Host, "/")
	switch {
	case o.Host == "":
		wrong = append(wrong, errors.New("smtp.host is missing"))
	case strings.ContainsFunc(o.Host, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		wrong = append(wrong, fmt.Errorf("smtp.host %q is not a host name", o.Host))
	}
	if !unix && (o.Port < 1 || o.Port > 65535) {
		wrong = append(wrong, fmt.Errorf("smtp.port %d is not between 1 and 65535", o.Port))
	}
	switch o.TLS {
	case "starttls", "tls":
		if unix {
			wrong = append(wrong, fmt.Errorf("smtp.tls %q has no name to verify on a socket; write none", o.TLS))
		}
	case "none":
		if !unix && !isLocalName(o.Host) {
			wrong = append(wrong, fmt.Errorf("smtp.tls none is for a relay on this machine, which %q is not; write starttls or tls", o.Host))
		}
	default:
		wrong = append(wrong, fmt.Errorf("smtp.tls %q is not starttls, tls or none", o.TLS))
	}
	if o.Username == "" && o.Password != "" {
		wrong = append(wrong, errors.New("smtp.username is missing beside the password"))
	}
	if o.Connections < 0 {
		wrong = append(wrong, fmt.Errorf("smtp.connections %d is negative", o.Connections))
	}
	if strings.ContainsFunc(o.LocalName, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		wrong = append(wrong, fmt.Errorf("the name of this machine, %q, can't be said in EHLO", o.LocalName))
	}
	if o.Now == nil {
		wrong = append(wrong, errors.New("the relay has been given no clock"))
	}
	if err := errors.Join(wrong...); err != nil {
		return nil, err
	}
	o.setDefaults()
	return &Relay{opts: o, slots: make(chan struct{}, o.Connections)}, nil
}

func (o *RelayOptions) setDefaults() {
	for _, d := range []struct {
		timeout *time.Duration
		value   time.Duration
	}{
		{&o.ConnectTimeout, 30 * time.Second},
		{&o.CommandTimeout, 60 * time.Second},
		{&o.DataTimeout, 120 * time.Second},
		{&o.DotTimeout, 600 * time.Second},
		{&o.IdleTimeout, 30 * time.Second},
	} {
		if *d.timeout <= 0 {
			*d.timeout = d.value
		}
	}
	if o.Connections == 0 {
		o.Connections = 8
	}
	if o.LocalName == "" {
		o.LocalName = "localhost"
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
}

func (o *RelayOptions) network() string {
	if strings.HasPrefix(o.Host, "/") {
		return "unix"
	}
	return "tcp"
}

func (o *RelayOptions) address() string {
	if strings.HasPrefix(o.Host, "/") {
		return o.Host
	}
	return net.JoinHostPort(o.Host, strconv.Itoa(o.Port))
}

func isLocalName(host string) bool {
	if strings.EqualFold(strings.TrimSuffix(host, "."), "localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}

// Send hands one letter to the relay and says what came of it: see Line.Send.
func (r *Relay) Send(ctx context.Context, l *Letter) convened.Outcome {
	return r.Line().Send(ctx, l, nil)
}

// outcome says what came of l: rep accepted it, or f is why it was not accepted.
func (o *RelayOptions) outcome(l *Letter, rep reply, f *fault) convened.Outcome {
	out := outcome(rep, f)
	out.Notice, out.Attempt, out.At = l.Notice, l.Attempt, o.Now()
	return out
}

// outcome is that of no letter in particular.
func outcome(rep reply, f *fault) convened.Outcome {
	out := convened.Outcome{State: convened.Sent, Phase: phaseDot, Reply: rep.text()}
	if f != nil {
		rep = f.reply
		out.State, out.Cause, out.Phase, out.Reply = f.state, f.cause, f.phase, f.text()
		if out.State == "" {
			out.State, out.Cause = verdict(f.phase, rep.code, rep.enhanced())
		}
		out.Free = out.State == convened.Planned &&
			(out.Cause == convened.CauseRelay || out.Cause == convened.CauseLogin || out.Cause == convened.CauseStopped)
	}
	out.Code, out.Enhanced = rep.code, rep.enhanced()
	return out
}

// check looks for what would break out of an SMTP command or end the letter
// early, and returns the letter with its dots stuffed. Compose makes no such
// letter; a mistake there must not become another mail.
func check(l *Letter) (dotted, error) {
	if err := checkEnvelope(l); err != nil {
		return dotted{}, err
	}
	return l.dotted()
}

func checkEnvelope(l *Letter) error {
	for _, path := range []string{l.From, l.To} {
		for _, r := range path {
			if r <= ' ' || r == 0x7f || r == '<' || r == '>' || r >= 0x80 && !l.SMTPUTF8 {
				return errors.New("the envelope has an address that can't be written in a command")
			}
		}
	}
	if l.To == "" {
		return errors.New("the envelope has no recipient")
	}
	return nil
}

func (r *Relay) dial(ctx context.Context) (*conn, *fault) {
	c, f := dial(ctx, &r.opts)
	if f != nil {
		r.opts.Logger.Debug("no connection to the relay", "host", r.opts.Host, "phase", f.phase, "code", f.reply.code)
		return nil, f
	}
	r.opts.Logger.Debug("connected to the relay", "host", r.opts.Host, "tls", r.opts.TLS)
	return c, nil
}

// takeIdle returns the connection that was used last, nil if none is idle.
func (r *Relay) takeIdle() *conn {
	r.mu.Lock()
	defer r.mu.Unlock()
	for n := len(r.idle); n > 0; n = len(r.idle) {
		ic := r.idle[n-1]
		r.idle = r.idle[:n-1]
		if ic.timer.Stop() {
			r.leaving.Done()
			return ic.conn
		}
		// Its time is over this very moment: the timer's function has it.
	}
	return nil
}

// release puts a connection back into the pool, or ends it if it is of no
// further use.
func (r *Relay) release(c *conn) {
	if c.broken || c.wasInterrupted() {
		c.abort()
		return
	}
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		c.quit()
		return
	}
	defer r.mu.Unlock()
	c.used = true
	ic := &idleConn{conn: c}
	r.leaving.Add(1)
	r.idle = append(r.idle, ic)
	ic.timer = time.AfterFunc(r.opts.IdleTimeout, func() {
		defer r.leaving.Done()
		r.forget(ic)
		c.quit()
	})
}

func (r *Relay) forget(ic *idleConn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.idle {
		if r.idle[i] == ic {
			r.idle = append(r.idle[:i], r.idle[i+1:]...)
			return
		}
	}
}

// Close says QUIT on the idle connections and ends each of the others when its
// Send is through. It may be called again, and Send may be called after it.
func (r *Relay) Close() error {
	r.mu.Lock()
	idle := r.idle
	r.idle, r.closed = nil, true
	r.mu.Unlock()
	for _, ic := range idle {
		if ic.timer.Stop() {
			go func() {
				defer r.leaving.Done()
				ic.conn.quit()
			}()
		}
	}
	r.leaving.Wait()
	return nil
}
