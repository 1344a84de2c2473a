//go:build linux

package main

import (
	"bytes"
	"net"
	"time"
)

// serveDistant serves each connection in its goroutine, as if it were away so
// far each way.
func (s *sink) serveDistant(listener net.Listener, delay time.Duration) {
	for {
		c, err := listener.Accept()
		if err != nil {
			return
		}
		go s.serve(distant(c, delay))
	}
}

// serve speaks SMTP until the other side says QUIT or is gone.
func (s *sink) serve(c net.Conn) {
	defer c.Close()
	var d dialogue
	in, out := make([]byte, 64<<10), []byte(greeting)
	for {
		if len(out) > 0 {
			if _, err := c.Write(out); err != nil {
				return
			}
		}
		if d.over {
			return
		}
		n, err := c.Read(in)
		if err != nil {
			return
		}
		out = s.answer(&d, in[:n], out[:0])
	}
}

// A far is a connection whose packets take their time, each way.
type far struct {
	net.Conn
	delay time.Duration
	in    chan packet
	out   chan packet
	rest  []byte
}

type packet struct {
	due  time.Time
	data []byte
	err  error
}

func distant(c net.Conn, delay time.Duration) net.Conn {
	f := &far{Conn: c, delay: delay, in: make(chan packet, 1024), out: make(chan packet, 1024)}
	go func() {
		for {
			b := make([]byte, 32<<10)
			n, err := c.Read(b)
			f.in <- packet{time.Now().Add(delay), b[:n], err}
			if err != nil {
				return
			}
		}
	}()
	go func() {
		for p := range f.out {
			time.Sleep(time.Until(p.due))
			if _, err := c.Write(p.data); err != nil {
				_ = c.Close() // the reader notices
			}
		}
		_ = c.Close()
	}()
	return f
}

func (f *far) Read(b []byte) (int, error) {
	if len(f.rest) == 0 {
		p := <-f.in
		time.Sleep(time.Until(p.due))
		if p.err != nil {
			return 0, p.err
		}
		f.rest = p.data
	}
	n := copy(b, f.rest)
	f.rest = f.rest[n:]
	return n, nil
}

func (f *far) Write(b []byte) (int, error) {
	f.out <- packet{due: time.Now().Add(f.delay), data: bytes.Clone(b)}
	return len(b), nil
}

func (f *far) Close() error {
	close(f.out)
	return nil
}
