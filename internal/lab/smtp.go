package lab

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A TLSMode says how connections are encrypted.
type TLSMode int

// In the clear, from the STARTTLS command on (RFC 3207), from the first byte
// on (RFC 8314).
const (
	NoTLS TLSMode = iota
	StartTLS
	ImplicitTLS
)

// DefaultExtensions are what EHLO offers unless SMTPOptions says otherwise.
// STARTTLS and AUTH are added by TLS and Users.
func DefaultExtensions() []string {
	return []string{"PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "SIZE 33554432"}
}

// SMTPOptions says what kind of mail server to start. The zero value takes
// everything from everyone, keeps it, and encrypts nothing.
type SMTPOptions struct {
	Addr     string // host:port to listen on, or the path of a Unix socket, from /; "" is a free port of 127.0.0.1
	Hostname string // how the server names itself; "" is sink.test

	// Extensions are EHLO's lines; nil is DefaultExtensions. The server does
	// as they say: without PIPELINING it refuses a client that runs ahead, without
	// SMTPUTF8 an address that is not ASCII, beyond SIZE the letter.
	Extensions []string

	TLS           TLSMode
	Certificate   tls.Certificate // see CA
	MaxTLSVersion uint16          // tls.VersionTLS10 …; 0 is the newest

	Users       map[string]string // password by name; nil offers no AUTH
	RequireAuth bool              // MAIL is refused with 530 before a login
	AuthInClear bool              // AUTH is offered, and taken, without TLS too

	Script Script // nil: no surprises

	Keep    Keep
	Discard bool // Messages stays empty: letters are counted, and given to OnAccept

	// OnAccept is told of each letter after it was recorded and before the reply,
	// by the goroutine of its connection, which waits. nil tells nobody.
	OnAccept func(Message)

	// Transcript gets every line of every dialogue but letters and passwords,
	// one Write a line, preceded by the connection's number. nil writes none.
	Transcript io.Writer

	Now func() time.Time // nil is time.Now
}

// An SMTP is a mail server that delivers nothing. It accepts letters and
// remembers them, and does what its script says.
//
// Its methods may be called by several goroutines.
type SMTP struct {
	o      SMTPOptions
	addr   string
	tls    *tls.Config
	script atomic.Pointer[Script]
	ids    uint32 // prefix of the queue ids, so that two servers' differ

	transcript sync.Mutex
	sessions   sync.WaitGroup

	mu       sync.Mutex
	accepted sync.Cond    // of messages and count
	listener net.Listener // nil while it refuses
	closed   bool
	conns    map[*session]struct{}
	opened   int
	messages []Message
	count    int
	serial   int // as count, but never forgotten
	attempts map[string]int
}

// StartSMTP starts a mail server.
func StartSMTP(o SMTPOptions) (*SMTP, error) {
	if o.Hostname == "" {
		o.Hostname = "sink.test"
	}
	if o.Extensions == nil {
		o.Extensions = DefaultExtensions()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &SMTP{o: o, conns: map[*session]struct{}{}, attempts: map[string]int{}}
	s.accepted.L = &s.mu
	s.SetScript(o.Script)
	var random [4]byte
	rand.Read(random[:])
	s.ids = binary.BigEndian.Uint32(random[:])
	if o.TLS != NoTLS {
		if o.Certificate.PrivateKey == nil {
			return nil, errors.New("start a mail server: TLS wants a certificate")
		}
		s.tls = &tls.Config{
			Certificates: []tls.Certificate{o.Certificate},
			MinVersion:   tls.VersionTLS10, // what a client must not put up with
			MaxVersion:   o.MaxTLSVersion,
		}
	}
	var l net.Listener
	var err error
	if o.Addr == "" {
		l, err = Listen()
	} else {
		l, err = net.Listen(network(o.Addr), o.Addr)
	}
	if err != nil {
		return nil, fmt.Errorf("start a mail server: %w", err)
	}
	s.addr = l.Addr().String()
	s.listen(l)
	return s, nil
}

// listen accepts connections until the listener is closed. Whoever calls
// holds mu, or is the only one who knows s.
func (s *SMTP) listen(l net.Listener) {
	s.listener = l
	s.sessions.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.meet(conn)
		}
	})
}

func (s *SMTP) meet(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		conn.Close()
		return
	}
	s.opened++
	c := newSession(s, conn, s.opened)
	s.conns[c] = struct{}{}
	s.sessions.Go(func() {
		c.run()
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.conns, c)
	})
}

// network is that of an address as SMTPOptions has it.
func network(addr string) string {
	if strings.HasPrefix(addr, "/") {
		return "unix"
	}
	return "tcp"
}

// Addr returns host:port of the server, or its socket.
func (s *SMTP) Addr() string { return s.addr }

// Port returns the port of Addr; 0 where that is a socket.
func (s *SMTP) Port() int {
	_, port, _ := net.SplitHostPort(s.addr) // made by the net package
	n, _ := strconv.Atoi(port)
	return n
}

// SetScript changes what the server does from the next step on. nil is a server
// without surprises.
func (s *SMTP) SetScript(script Script) { s.script.Store(&script) }

// Refuse closes the listener, so that connecting is refused. The connections
// that there are go on.
func (s *SMTP) Refuse() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener == nil {
		return nil
	}
	err := StopListening(s.listener)
	s.listener = nil
	if err != nil {
		return fmt.Errorf("refuse connections: %w", err)
	}
	return nil
}

// Resume listens again after Refuse, at the same address.
func (s *SMTP) Resume() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errors.New("accept connections again: the server is closed")
	}
	if s.listener != nil {
		return nil
	}
	l, err := net.Listen(network(s.addr), s.addr)
	if err != nil {
		return fmt.Errorf("accept connections again: %w", err)
	}
	s.listen(l)
	return nil
}

// Cut ends all connections with a TCP reset, wherever they stand.
func (s *SMTP) Cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.abort()
	}
}

// Close ends the server and all connections, and returns when nothing of them
// runs any more. What was recorded can still be read. Closing twice does nothing.
func (s *SMTP) Close() error {
	err := s.Refuse()
	s.mu.Lock()
	s.closed = true
	for c := range s.conns {
		c.abort()
	}
	s.mu.Unlock()
	s.sessions.Wait()
	return err
}

// Messages returns the letters taken so far in their order. The slice is the
// caller's, the letters are not to be changed.
func (s *SMTP) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.messages)
}

// Count returns how many letters were taken, kept or not.
func (s *SMTP) Count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}

// Forget drops the letters taken so far, and Count is 0 again. Queue ids, numbers and
// what a script knows of attempts go on.
func (s *SMTP) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages, s.count = nil, 0
}

// Wait returns when at least n letters were taken, or with the context's
// error, which says how many there were.
func (s *SMTP) Wait(ctx context.Context, n int) error {
	return s.WaitFor(ctx, func(all []Message, count int) bool { return count >= n })
}

// WaitFor is Wait for a condition, which is asked again after each letter: all are the
// letters kept, count those taken. It must not call the server's methods, nor keep all.
func (s *SMTP) WaitFor(ctx context.Context, condition func(all []Message, count int) bool) error {
	stop := context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.accepted.Broadcast()
	})
	defer stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	for !condition(s.messages, s.count) {
		if ctx.Err() != nil {
			return fmt.Errorf("wait for mail, %d came: %w", s.count, context.Cause(ctx))
		}
		s.accepted.Wait()
	}
	return nil
}

// Connections returns how many connections there have been, and how many are
// open now.
func (s *SMTP) Connections() (ever, open int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opened, len(s.conns)
}

// record takes a letter: from here on the server has it.
func (s *SMTP) record(m *Message) {
	s.mu.Lock()
	s.count++
	s.serial++
	m.Number = s.serial
	m.ID = fmt.Sprintf("%08X%06X", s.ids, s.serial)
	if !s.o.Discard && s.o.Keep != KeepNothing {
		s.messages = append(s.messages, *m)
	}
	s.accepted.Broadcast()
	s.mu.Unlock()
	if s.o.OnAccept != nil {
		s.o.OnAccept(*m)
	}
}

// attempt counts how often a recipient has been named.
func (s *SMTP) attempt(to string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.attempts[to]++
	return s.attempts[to]
}

// extension returns the parameters of an extension and whether it is offered
// at all, by its keyword.
func (s *SMTP) extension(keyword string) (parameters string, ok bool) {
	for _, line := range s.o.Extensions {
		name, parameters, _ := strings.Cut(line, " ")
		if strings.EqualFold(name, keyword) {
			return parameters, true
		}
	}
	return "", false
}

// note writes a line of a dialogue to the transcript.
func (s *SMTP) note(conn int, who, line string) {
	if s.o.Transcript == nil {
		return
	}
	s.transcript.Lock()
	defer s.transcript.Unlock()
	fmt.Fprintf(s.o.Transcript, "%d %s: %s\n", conn, who, line)
}
