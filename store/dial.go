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

// dialer dials as net.Dialer does and bounds each read.
type dialer struct{}

func (dialer) Dial(network, address string) (net.Conn, error) {
	return dialer{}.DialContext(context.Background(), network, address)
}

func (dialer) DialTimeout(network, address string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return dialer{}.DialContext(ctx, network, address)
}

func (dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{KeepAlive: 15 * time.Second}
	c, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &boundedConn{Conn: c}, nil
}

// A boundedConn fails a read or a write that makes no progress for too long.
type boundedConn struct{ net.Conn }

func (c *boundedConn) Read(b []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(silence)); err != nil {
		return 0, err
	}
	return c.Conn.Read(b)
}

func (c *boundedConn) Write(b []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(silence)); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}
