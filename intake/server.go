package intake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/emersion/go-smtp"
	"golang.org/x/net/netutil"
)

// The bounds of the dialogue.
const (
	maxMail        = 64 << 20 // bytes; what is larger is refused, what is smaller is read as far as it matters
	maxLine        = 64 << 10 // bytes; some servers write a whole text as one line
	maxRecipients  = 50
	maxConnections = 16
	dbPatience     = 20 * time.Second // for what one recipient of a mail needs
	lastWords      = 10 * time.Second // for mails that are being written down when it stops
)

// Run takes mail in at an address of this machine until ctx is done: host:port,
// or unix:/path. Where the address is taken, as by another daemon on the same
// machine, it waits until it is free: one intake is enough for all of them.
func (in *Intake) Run(ctx context.Context, listen string) {
	said := ""
	for ctx.Err() == nil {
		l, err := Listen(ctx, listen)
		if err == nil {
			said = ""
			in.log.Info("taking mail in", "listen", listen)
			if err = in.Serve(ctx, l); err == nil {
				return
			}
		}
		if err.Error() != said {
			said = err.Error()
			in.log.Error("no mail is taken in: bounces wait in the mail server; trying again", "listen", listen, "error", said)
		}
		select {
		case <-time.After(in.again):
		case <-ctx.Done():
		}
	}
}

// Listen opens the listener of an intake: host:port or unix:/path. A socket
// that nobody listens on any more is replaced, and every user of this machine
// may connect to it, as to a port.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	path, unix := strings.CutPrefix(address, "unix:")
	if !unix {
		l, err := net.Listen("tcp", address)
		if err != nil {
			return nil, fmt.Errorf("listen for returned mail: %w", err)
		}
		return l, nil
	}
	l, err := net.Listen("unix", path)
	if errors.Is(err, syscall.EADDRINUSE) && abandoned(ctx, path) {
		if err = os.Remove(path); err == nil || errors.Is(err, fs.ErrNotExist) {
			l, err = net.Listen("unix", path)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("listen for returned mail: %w", err)
	}
	if err := os.Chmod(path, 0o666); err != nil {
		_ = l.Close()
		return nil, fmt.Errorf("listen for returned mail: %w", err)
	}
	return l, nil
}

// abandoned reports whether a path is a socket that nobody answers at.
func abandoned(ctx context.Context, path string) bool {
	info, err := os.Lstat(path)
	if err != nil || info.Mode().Type() != fs.ModeSocket {
		return false
	}
	c, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "unix", path)
	if err == nil {
		_ = c.Close()
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}

// Serve takes mail in from a listener, which it closes, until ctx is done; then
// it is nil. What is being written down then is written down before it returns.
func (in *Intake) Serve(ctx context.Context, l net.Listener) error {
	// What is being written down must not be cut off by the stop itself.
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	g := &gate{}
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) {
		return &session{in: in, ctx: work, gate: g}, nil
	}))
	server.LMTP = true
	server.Domain = in.hostname
	server.MaxRecipients = maxRecipients
	server.MaxMessageBytes = maxMail
	server.MaxLineLength = maxLine
	server.ReadTimeout = in.idle
	server.WriteTimeout = in.idle
	server.EnableSMTPUTF8 = true
	server.ErrorLog = quiet{in}
	served := make(chan error, 1)
	go func() { served <- server.Serve(netutil.LimitListener(l, maxConnections)) }()
	select {
	case err := <-served:
		_ = server.Close()
		g.close(lastWords)
		return fmt.Errorf("listen for returned mail: %w", err)
	case <-ctx.Done():
	}
	g.close(lastWords)
	_ = server.Close()
	if err := <-served; err != nil {
		in.log.Warn("stop taking mail in", "error", err.Error())
	}
	return nil
}

// A gate lets mails in until it is closed, and knows what is inside.
type gate struct {
	mu     sync.Mutex
	inside int
	closed bool
	empty  chan struct{} // closed when the last one leaves a closed gate
}

// enter lets in n at once, or nobody.
func (g *gate) enter(n int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.inside += n
	return true
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.inside--; g.inside == 0 && g.empty != nil {
		close(g.empty)
	}
}

// close lets nobody in any more, and waits for those inside, but not for ever.
func (g *gate) close(patience time.Duration) {
	g.mu.Lock()
	g.closed = true
	if g.inside == 0 {
		g.mu.Unlock()
		return
	}
	g.empty = make(chan struct{})
	g.mu.Unlock()
	select {
	case <-g.empty:
	case <-time.After(patience):
	}
}

// quiet is the library's log. It may hold what a client said, so it is for
// those who look for a fault.
type quiet struct{ in *Intake }

func (q quiet) Printf(format string, v ...any) {
	q.in.log.Debug("lmtp", "text", fmt.Sprintf(format, v...))
}
func (q quiet) Println(v ...any) { q.in.log.Debug("lmtp", "text", fmt.Sprintln(v...)) }

// A session is a dialogue with one client.
type session struct {
	in   *Intake
	ctx  context.Context
	gate *gate
	from string
	to   []recipient

	mu    sync.Mutex
	owing bool // a reply is inside the gate
	gone  bool // nobody is there to reply to
}

type recipient struct {
	address string // as it was named
	box     mailbox
}

// What a client is told. The words hold no address: servers repeat them in
// mails of their own.
var (
	errNobody = &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such address here"}
	errLater  = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "the database does not answer, try again later"}
	errStops  = &smtp.SMTPError{Code: 421, EnhancedCode: smtp.EnhancedCode{4, 3, 2}, Message: "stopping, try again later"}
	errCut    = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 4, 2}, Message: "the mail did not come to its end"}
)

// Mail begins a mail.
func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.from = from
	return nil
}

// Rcpt takes the addresses that are ours.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	ctx, cancel := context.WithTimeout(s.ctx, dbPatience)
	defer cancel()
	box, ours, err := s.in.mailbox(ctx, to)
	switch {
	case err != nil:
		return s.in.later(err)
	case !ours:
		return errNobody
	}
	s.to = append(s.to, recipient{to, box})
	return nil
}

// Data is what a server of SMTP would call, and never is.
func (s *session) Data(io.Reader) error { return errStops }

// LMTPData takes a mail, for each recipient on its own (RFC 2033 4.2).
func (s *session) LMTPData(r io.Reader, status smtp.StatusCollector) error {
	if !s.gate.enter(2) { // the mail, and the reply to it
		return errStops
	}
	defer s.gate.leave()
	s.owe()
	data, err := io.ReadAll(io.LimitReader(r, maxKept))
	if err == nil {
		_, err = io.Copy(io.Discard, r)
	}
	var refused *smtp.SMTPError
	switch {
	case errors.As(err, &refused):
		return refused // too large
	case err != nil:
		return errCut
	}
	m := s.in.read(s.from, data)
	for _, to := range s.to {
		status.SetStatus(to.address, s.in.settle(s.ctx, to.box, m))
	}
	return nil
}

// read is readMail, and keeps a mail that makes it fail from coming again and
// again.
func (in *Intake) read(from string, data []byte) (m *mail) {
	defer func() {
		if p := recover(); p != nil {
			in.log.Error("reading a mail failed", "where", string(debug.Stack()))
			m = &mail{from: from}
		}
	}()
	return readMail(from, data)
}

// settle takes a mail for one recipient and returns what the client is told.
func (in *Intake) settle(ctx context.Context, box mailbox, m *mail) error {
	ctx, cancel := context.WithTimeout(ctx, dbPatience)
	defer cancel()
	if err := in.take(ctx, box, m); err != nil {
		return in.later(err)
	}
	return nil
}

// later says that the database did not do its part.
func (in *Intake) later(err error) error {
	in.log.Error("take mail in", "error", err.Error())
	return errLater
}

// owe keeps the reply to a mail inside the gate until it is out: what is written
// down and not answered would come again.
func (s *session) owe() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.owing || s.gone {
		s.gate.leave()
		return
	}
	s.owing = true
}

// replied undoes owe.
func (s *session) replied(gone bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.owing {
		s.gate.leave()
	}
	s.owing, s.gone = false, s.gone || gone
}

// Reset forgets a mail that was begun. The library calls it behind the replies
// to a mail.
func (s *session) Reset() {
	s.from, s.to = "", nil
	s.replied(false)
}

// Logout ends a dialogue.
func (s *session) Logout() error {
	s.replied(true)
	return nil
}
