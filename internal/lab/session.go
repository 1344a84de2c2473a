package lab

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A session is one connection to the server.
type session struct {
	server *SMTP
	raw    net.Conn // below any TLS
	number int

	conn net.Conn // what is spoken over
	in   *bufio.Reader
	out  *bufio.Writer

	hello    string // "" before EHLO or HELO
	extended bool   // it was EHLO
	hidden   string // the extension that a script took away
	tls      uint16
	user     string
	sent     int // transactions so far

	mail       bool // within a transaction
	from       string
	parameters string
	utf8       bool
	declared   int // by SIZE=
	to         []string
	attempt    int // of to[0]

	dripping time.Duration // pause after each byte of the reply at hand

	abortOnce sync.Once
	aborted   chan struct{}
}

// Sizes in bytes. A line of a command may be 512 long (RFC 5321 4.5.3.1.4) and longer with
// extensions; lines of letters have no limit here.
const (
	readBuffer  = 32 << 10
	writeBuffer = 4 << 10
	longestLine = 4 << 10
)

// errOver ends a session. Whoever returns it has said what there was to say.
var errOver = errors.New("the session is over")

func newSession(s *SMTP, conn net.Conn, number int) *session {
	c := &session{server: s, raw: conn, number: number, aborted: make(chan struct{})}
	c.speakOver(conn)
	return c
}

func (c *session) speakOver(conn net.Conn) {
	c.conn = conn
	c.in = bufio.NewReaderSize(conn, readBuffer)
	c.out = bufio.NewWriterSize(conn, writeBuffer)
}

// abort ends the connection with a TCP reset. It may be called from any
// goroutine.
func (c *session) abort() {
	c.abortOnce.Do(func() {
		close(c.aborted)
		if tcp, ok := c.raw.(*net.TCPConn); ok {
			tcp.SetLinger(0) // what can't be reset is closed
		}
		c.raw.Close()
	})
}

func (c *session) run() {
	defer c.raw.Close()
	if c.begin() != nil {
		return
	}
	for {
		line, err := c.readLine()
		if err != nil {
			return
		}
		if err := c.obey(line); err != nil {
			return
		}
	}
}

// begin says who we are.
func (c *session) begin() error {
	c.server.note(c.number, "*", "connected from "+c.raw.RemoteAddr().String())
	r, err := c.ask(AtConnect)
	if err != nil {
		return err
	}
	if r.refuses() {
		return c.bye(r)
	}
	if c.server.o.TLS == ImplicitTLS {
		if err := c.encrypt(); err != nil {
			return err
		}
	}
	if r, err = c.ask(AtGreeting); err != nil {
		return err
	}
	if r.refuses() {
		return c.bye(r)
	}
	return c.answer(r, 220, "", c.server.o.Hostname+" ESMTP ready")
}

// readLine reads a command without its line end. Replies are held back as long as
// the client has said more (RFC 2920 3.2).
func (c *session) readLine() (string, error) {
	if ahead, _ := c.in.Peek(c.in.Buffered()); bytes.IndexByte(ahead, '\n') < 0 {
		if err := c.out.Flush(); err != nil {
			return "", err
		}
	}
	line, err := c.in.ReadSlice('\n')
	long := len(line) > longestLine
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = c.in.ReadSlice('\n')
	}
	if err != nil {
		return "", err
	}
	if long {
		return "", c.hangUp(500, "5.5.2", "Line too long")
	}
	text, ok := bytes.CutSuffix(line, []byte("\r\n"))
	if !ok {
		return "", c.hangUp(500, "5.5.2", "Lines end with CR LF")
	}
	return string(text), nil
}

// A command is a verb and the rest of its line.
type command struct {
	name  string
	phase Phase
	last  bool // RFC 2920 3.1: the client must wait for the reply
	do    func(c *session, rest string) error
}

// commands are looked through in the order of their frequency.
var commands = []command{
	{"MAIL", AtMail, false, (*session).doMail},
	{"RCPT", AtRcpt, false, (*session).doRcpt},
	{"DATA", AtData, true, (*session).doData},
	{"RSET", AtReset, false, (*session).doReset},
	{"NOOP", AtNoop, true, (*session).doNoop},
	{"QUIT", AtQuit, true, (*session).doQuit},
	{"EHLO", AtEHLO, true, (*session).doHello},
	{"HELO", AtEHLO, true, (*session).doHello},
	{"STARTTLS", AtTLS, true, (*session).doStartTLS},
	{"AUTH", AtAuth, true, (*session).doAuth},
}

// obey does what a line says. An error ends the session.
func (c *session) obey(line string) error {
	verb, rest, _ := strings.Cut(line, " ")
	i := slices.IndexFunc(commands, func(k command) bool { return strings.EqualFold(k.name, verb) })
	if i < 0 {
		c.server.note(c.number, "C", line)
		return c.reply(502, "5.5.2", "Command not recognised")
	}
	k := commands[i]
	if k.phase == AtAuth {
		c.server.note(c.number, "C", "AUTH …") // the rest may be a password
	} else {
		c.server.note(c.number, "C", line)
	}
	if c.in.Buffered() > 0 && (k.last || !c.offers("PIPELINING")) {
		return c.hangUp(503, "5.5.0", "Improper use of command pipelining")
	}
	if k.phase == AtEHLO {
		c.extended = k.name == "EHLO"
	}
	return k.do(c, strings.TrimSpace(rest))
}

// offers reports whether an extension was offered on this connection.
func (c *session) offers(keyword string) bool {
	if !c.extended || c.hidden == keyword {
		return false
	}
	switch keyword {
	case "STARTTLS":
		return c.server.o.TLS == StartTLS && c.tls == 0
	case "AUTH":
		return c.server.o.Users != nil && (c.tls != 0 || c.server.o.AuthInClear)
	}
	_, ok := c.server.extension(keyword)
	return ok
}

// reply writes a reply. Its text may be several lines.
func (c *session) reply(code int, enhanced, text string) error {
	b := c.format(code, enhanced, text)
	if c.dripping <= 0 {
		_, err := c.out.Write(b)
		return err
	}
	for i := range b {
		if _, err := c.out.Write(b[i : i+1]); err != nil {
			return err
		}
		if err := c.out.Flush(); err != nil {
			return err
		}
		if !c.pause(c.dripping) {
			return errOver
		}
	}
	return nil
}

func (c *session) format(code int, enhanced, text string) []byte {
	if enhanced != "" && c.offers("ENHANCEDSTATUSCODES") {
		enhanced += " "
	} else {
		enhanced = ""
	}
	b := make([]byte, 0, 128)
	for text, more := text, true; more; {
		var line string
		line, text, more = strings.Cut(text, "\n")
		start := len(b)
		b = strconv.AppendInt(b, int64(code), 10)
		if more {
			b = append(b, '-')
		} else {
			b = append(b, ' ')
		}
		b = append(append(b, enhanced...), line...)
		if c.server.o.Transcript != nil {
			c.server.note(c.number, "S", string(b[start:]))
		}
		b = append(b, "\r\n"...)
	}
	return b
}

// hangUp writes a last reply and closes the connection so that the reply
// arrives: closing with unread input would reset it.
func (c *session) hangUp(code int, enhanced, text string) error {
	if err := c.reply(code, enhanced, text); err != nil {
		return err
	}
	return c.finish()
}

// finish says no more, and reads until the client has seen that.
func (c *session) finish() error {
	if err := c.out.Flush(); err != nil {
		return err
	}
	switch conn := c.conn.(type) {
	case *tls.Conn:
		conn.CloseWrite()
	case *net.TCPConn:
		conn.CloseWrite()
	}
	c.conn.SetReadDeadline(time.Now().Add(time.Second)) // of the machine's clock, not of the letters'
	io.Copy(io.Discard, c.in)
	return errOver
}

// decide asks the script about a phase. The recipient is the one at hand.
func (c *session) decide(step Step) Reaction {
	c.dripping = 0
	script := *c.server.script.Load()
	if script == nil {
		return Reaction{}
	}
	step.Conn, step.Transaction, step.TLS, step.From = c.number, c.sent, c.tls != 0, c.from
	if step.Phase != AtAuth {
		step.User = c.user
	}
	return script(step)
}

// ask decides about a phase without a recipient, and waits or ends as the
// script wants.
func (c *session) ask(phase Phase) (Reaction, error) {
	r := c.decide(Step{Phase: phase})
	return r, c.suffer(r)
}

// suffer waits or ends as a reaction wants; errOver is an end.
func (c *session) suffer(r Reaction) error {
	c.dripping = r.Drip
	if r.Delay <= 0 && !r.ends() {
		return nil
	}
	// What was answered before is on its way first.
	if err := c.out.Flush(); err != nil {
		return err
	}
	if r.Delay > 0 && !c.pause(r.Delay) {
		return errOver
	}
	switch {
	case r.Stall:
		c.server.note(c.number, "*", "stalls")
		io.Copy(io.Discard, c.in) // until the client goes
		return errOver
	case r.Abort:
		c.server.note(c.number, "*", "aborts")
		c.abort()
		return errOver
	case r.Drop:
		c.server.note(c.number, "*", "drops")
		return errOver
	}
	return nil
}

// answer gives the reply that a reaction wants, else the usual one.
func (c *session) answer(r Reaction, code int, enhanced, text string) error {
	if r.Reply.Code == 0 {
		return c.reply(code, enhanced, text)
	}
	if r.Reply.Text != "" {
		text = r.Reply.Text
	} else if r.Reply.Code != code {
		text = "As the script has it"
	}
	if r.Reply.Code == 421 {
		return c.hangUp(421, r.Reply.Enhanced, text)
	}
	return c.reply(r.Reply.Code, r.Reply.Enhanced, text)
}

// bye gives the reply that a reaction wants and closes the connection.
func (c *session) bye(r Reaction) error {
	if err := c.answer(r, r.Reply.Code, "", ""); err != nil {
		return err
	}
	return c.finish()
}

// pause waits, and reports whether the client is still there.
func (c *session) pause(d time.Duration) bool {
	until := time.Now().Add(d)
	if err := c.conn.SetReadDeadline(until); err != nil {
		return false
	}
	defer c.conn.SetReadDeadline(time.Time{})
	for {
		// Nothing is consumed: what comes meanwhile is read afterwards.
		_, err := c.in.Peek(c.in.Buffered() + 1)
		switch {
		case err == nil:
		case errors.Is(err, bufio.ErrBufferFull):
			// As much came as can be held: the rest waits in the network, and
			// whether the client is still there can't be seen.
			timer := time.NewTimer(time.Until(until))
			defer timer.Stop()
			select {
			case <-timer.C:
				return true
			case <-c.aborted:
				return false
			}
		default:
			return errors.Is(err, os.ErrDeadlineExceeded)
		}
	}
}
