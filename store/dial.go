package store

import (
	"context"
	"net"
	"time"
)

// The longest that a statement may keep silent: its own timeout, which waits for
// locks count in, and as much again for the commit and the answer's way. A context's deadline does not bound a dead
// peer in lib/pq, because the read that waits for the peer never looks at it;
// a deadline on the connection does.
const silence = 10 * time.Second

// longSilence is the same for work over the tables of others, which may be large and
// busy. A peer that is dead is found by TCP's own keep-alive there.
const longSilence = 20 * time.Minute

// dialer dials as net.Dialer does and bounds each read.
type dialer struct{ silence time.Duration }

func (d dialer) Dial(network, address string) (net.Conn, error) {
	return d.DialContext(context.Background(), network, address)
}

func (d dialer) DialTimeout(network, address string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return d.DialContext(ctx, network, address)
}

func (d dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := (&net.Dialer{KeepAlive: 15 * time.Second}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &boundedConn{c, d.silence}, nil
}

// A boundedConn fails a read or a write that makes no progress for too long.
type boundedConn struct {
	net.Conn
	silence time.Duration
}

func (c *boundedConn) Read(b []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.silence)); err != nil {
		return 0, err
	}
	return c.Conn.Read(b)
}

func (c *boundedConn) Write(b []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(c.silence)); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}
