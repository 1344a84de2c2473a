package mailer

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"convened"
)

// A Keeper holds copies of connections for the process that comes after this one,
// so that a reply reaches somebody even if whoever waited for it died. Its
// methods may be called by many goroutines.
type Keeper interface {
	// Keep takes a copy of a connection, under a name that no other has. On an error
	// there is none, and the connection is used like any other.
	Keep(name string, c syscall.RawConn) error

	// Drop closes the copy, as far as there is one.
	Drop(name string)
}

// keptPrefix begins the name of every connection of ours that is kept: others
// may have things of their own kept by the same keeper.
const keptPrefix = "smtp-"

// IsKept reports whether a name is that of a connection that a Relay had kept.
func IsKept(name string) bool { return strings.HasPrefix(name, keptPrefix) }

// keep hands a copy of the connection to the keeper. What is encrypted can't be
// carried on by another process, because the keys die with this one; and between two machines
// too much can happen to the way.
func (c *conn) keep() {
	if c.opts.Keeper == nil || c.net != c.raw || !isLoopback(c.raw.RemoteAddr()) {
		return
	}
	s, ok := c.raw.(syscall.Conn)
	if !ok {
		return
	}
	rc, err := s.SyscallConn()
	if err != nil {
		return
	}
	var random [10]byte
	rand.Read(random[:])
	name := keptPrefix + hex.EncodeToString(random[:])
	if err := c.opts.Keeper.Keep(name, rc); err != nil {
		c.opts.Logger.Warn("a connection is not kept: a crash may cost one letter on it a second copy", "error", err.Error())
		return
	}
	c.kept, c.peek = name, newPeeker(rc)
	n, ok := c.peek.carried()
	c.counted = ok && n == c.written
}

// letGo closes the connection for good, as quit and abort want it.
func (c *conn) letGo() {
	c.follows(context.Background())
	_ = c.net.Close()
	if c.kept != "" {
		// The other end sees the end only when the copy is closed too.
		c.opts.Keeper.Drop(c.kept)
		c.kept = ""
	}
}

// largestPeek is how long a reply may be that is left where it is: it must fit into
// the socket's buffer. Nobody explains himself at such length.
const largestPeek = 32 << 10

// A peeker looks at replies on one connection and leaves them where they are.
type peeker struct {
	rc    syscall.RawConn
	buf   []byte
	there *bytes.Reader
	lines *bufio.Reader // over there
}

func newPeeker(rc syscall.RawConn) *peeker {
	there := &bytes.Reader{}
	return &peeker{rc: rc, buf: make([]byte, maxReplyLine), there: there, lines: bufio.NewReaderSize(there, maxReplyLine)}
}

// carried returns how many bytes were written on the connection, by whomever, and
// false where nobody knows.
func (p *peeker) carried() (n int64, ok bool) {
	err := p.rc.Control(func(fd uintptr) { n, ok = carried(int(fd)) })
	return n, ok && err == nil
}

// reply waits for a whole reply and returns it and its length. Its errors are
// those of readReply. Time-outs are the connection's.
func (p *peeker) reply() (rep reply, length int, err error) {
	var wrong error
	if err := p.rc.Read(func(fd uintptr) (done bool) {
		rep, length, done, wrong = p.look(int(fd))
		return done
	}); err != nil {
		return reply{}, 0, err
	}
	return rep, length, wrong
}

// look looks at what is there. It is not done if the rest is still to come.
func (p *peeker) look(fd int) (rep reply, length int, done bool, err error) {
	for {
		n, over, err := peek(fd, p.buf)
		switch {
		case errors.Is(err, syscall.EAGAIN):
			return reply{}, 0, false, nil
		case err != nil:
			return reply{}, 0, true, os.NewSyscallError("recv", err)
		case n == 0:
			return reply{}, 0, true, io.EOF
		}
		p.there.Reset(p.buf[:n])
		p.lines.Reset(p.there)
		rep, err := readReply(p.lines, nil)
		switch {
		case err == nil:
			return rep, n - p.there.Len() - p.lines.Buffered(), true, nil
		case errors.Is(err, errGarbage):
			return reply{}, 0, true, err
		case n == len(p.buf) && n < largestPeek:
			p.buf = make([]byte, 2*n)
		case n == len(p.buf):
			return reply{}, 0, true, fmt.Errorf("%w: it is longer than %d bytes", errGarbage, largestPeek)
		case over:
			return reply{}, 0, true, io.ErrUnexpectedEOF
		default:
			return reply{}, 0, false, nil
		}
	}
}

// LastWord learns what the server says to the final dot of a letter whose sender
// has died, on the connection that the sender left, and leaves the reply unread:
// until it is written down, whoever comes next can still learn it. The dot of
// the letter must have been about to be written, and its reply not have been read.
//
// Where end says how many bytes the connection had carried once the dot was out,
// the kernel knows whether it was: if not, the letter never left, which is Planned,
// CauseStopped.
//
// Where end is 0, with again the dot is sent once more. If the dead one did not
// come to that, this ends the letter; if it did, the server takes the line for a
// command that it does not know, and its answer to that comes second. (If the
// kernel had taken a part of the dot, the line makes no end of the letter. Then the
// server gives up waiting, and says so or goes away.) Where end is known that is
// never done: the envelope of another letter may have followed the dot.
//
// It waits until ctx is done, and does not close the connection. Its outcome
// has neither notice nor instant; Unknown stands for a server that did
// not say, and the error is ctx's where that was the reason.
func LastWord(ctx context.Context, nc net.Conn, end int64, again bool) (convened.Outcome, error) {
	c := &conn{opts: &RelayOptions{}, raw: nc, net: nc}
	unknown := func(err error) convened.Outcome { return outcome(reply{}, c.judge(reply{}, err)) }
	s, ok := nc.(syscall.Conn)
	if !ok {
		return unknown(errors.New("it is no connection of the kernel's")), nil
	}
	rc, err := s.SyscallConn()
	if err != nil {
		return unknown(err), nil
	}
	defer context.AfterFunc(ctx, func() { nc.SetDeadline(time.Unix(1, 0)) })()
	p := newPeeker(rc)
	if n, ok := p.carried(); end > 0 && ok && n < end {
		return outcome(reply{}, &fault{phase: phaseData, err: errors.New("the sender died before the letter was out"),
			state: convened.Planned, cause: convened.CauseStopped}), nil
	}
	if again && end == 0 {
		// A server that has gone may have said something before: that is looked at
		// whether this works or not.
		_, _ = nc.Write([]byte(finalDot))
	}
	rep, _, err := p.reply()
	if err != nil && ctx.Err() != nil {
		return unknown(err), ctx.Err()
	}
	return outcome(rep, c.judge(rep, err)), nil
}

// CloseInherited closes a connection that another process left, with a reset: the
// letter that it may be in the middle of must not be taken for whole.
func CloseInherited(nc net.Conn) { (&conn{raw: nc, net: nc}).abort() }
