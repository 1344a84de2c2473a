//go:build linux

package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// A loop serves all connections on one thread. A connection waits for one thing at
// a time: to be written to while there is something to say, and to be read from
// otherwise. So who does not listen is not listened to.
type loop struct {
	sink  *sink
	epoll int
	conns map[int]*conn // by descriptor
	in    []byte        // what was just read, of any of them
}

// A conn is one of its connections.
type conn struct {
	dialogue
	fd  int
	out []byte // still to be said
}

// loop accepts and serves until something fails that is no connection's fault.
func (s *sink) loop(listener net.Listener) error {
	raw, err := listener.(*net.TCPListener).SyscallConn()
	if err != nil {
		return err
	}
	// The listener's descriptor is borrowed for as long as this lasts.
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = s.loopOn(int(fd)) }); err != nil {
		return err
	}
	return failed
}

func (s *sink) loopOn(listener int) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return fmt.Errorf("make an epoll: %w", err)
	}
	defer unix.Close(epoll)
	l := &loop{sink: s, epoll: epoll, conns: make(map[int]*conn), in: make([]byte, 64<<10)}
	if err := l.await(unix.EPOLL_CTL_ADD, listener, unix.EPOLLIN); err != nil {
		return err
	}
	events := make([]unix.EpollEvent, 128)
	for yielded := time.Now(); ; {
		// Of a goroutine that has not yielded for 10 ms Go 1.26 takes the processor away in
		// whatever system call it finds it, and looks every 20 µs whether it may. That cost
		// a tenth of a letter's CPU, and more on a busy machine.
		if now := time.Now(); now.Sub(yielded) > 5*time.Millisecond {
			runtime.Gosched()
			yielded = now
		}
		n, err := unix.EpollWait(epoll, events, -1)
		if err != nil && !later(err) {
			return fmt.Errorf("wait: %w", err)
		}
		for _, e := range events[:max(n, 0)] {
			if int(e.Fd) == listener {
				if err := l.accept(listener); err != nil {
					return err
				}
				continue
			}
			c := l.conns[int(e.Fd)]
			if err := l.serve(c); err != nil {
				delete(l.conns, c.fd)
				_ = unix.Close(c.fd) // which ends its events too
			}
		}
	}
}

// accept begins with a connection: it has its greeting to say.
func (l *loop) accept(listener int) error {
	fd, _, err := unix.Accept4(listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
	if later(err) || errors.Is(err, unix.ECONNABORTED) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("accept: %w", err)
	}
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
		return fmt.Errorf("set TCP_NODELAY: %w", err)
	}
	l.conns[fd] = &conn{fd: fd, out: []byte(greeting)}
	return l.await(unix.EPOLL_CTL_ADD, fd, unix.EPOLLOUT)
}

// serve does what the connection waited for, and returns an error if it is over.
func (l *loop) serve(c *conn) error {
	blocked := len(c.out) > 0
	if !blocked {
		n, err := unix.Read(c.fd, l.in)
		if later(err) {
			return nil
		}
		if n <= 0 {
			return io.EOF // or err: nobody asks
		}
		c.out = l.sink.answer(&c.dialogue, l.in[:n], c.out)
	}
	if len(c.out) > 0 {
		n, err := unix.Write(c.fd, c.out)
		if err != nil && !later(err) {
			return err
		}
		c.out = append(c.out[:0], c.out[max(n, 0):]...)
	}
	switch {
	case len(c.out) > 0 && !blocked:
		return l.await(unix.EPOLL_CTL_MOD, c.fd, unix.EPOLLOUT)
	case len(c.out) > 0:
		return nil
	case c.over:
		return io.EOF
	case blocked:
		return l.await(unix.EPOLL_CTL_MOD, c.fd, unix.EPOLLIN)
	}
	return nil
}

func (l *loop) await(op, fd int, what uint32) error {
	if err := unix.EpollCtl(l.epoll, op, fd, &unix.EpollEvent{Events: what, Fd: int32(fd)}); err != nil {
		return fmt.Errorf("have descriptor %d watched: %w", fd, err)
	}
	return nil
}

// later is whether to try again when epoll says so.
func later(err error) bool { return errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) }
