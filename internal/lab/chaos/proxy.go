//go:build linux

package main

import (
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"

	"convened/internal/lab"
)

// A proxy stands between the daemon and Postgres, and is the network's faults.
type proxy struct {
	target string // host:port

	mu       sync.Mutex
	listener net.Listener // nil while it refuses
	addr     string
	links    map[*link]struct{}

	commitLoss atomic.Uint64 // how many in 1000 COMMITs lose their reply
	lost       atomic.Int64  // COMMITs whose reply was lost
}

// A link is one connection through the proxy.
type link struct {
	client, server net.Conn
	silent         chan struct{} // closed: nothing goes through any more
	once           sync.Once
	swallow        atomic.Bool // the server's next words are the reply that is lost
}

func newProxy(target string) (*proxy, error) {
	p := &proxy{target: target, links: map[*link]struct{}{}}
	l, err := lab.Listen()
	if err != nil {
		return nil, err
	}
	p.addr = l.Addr().String()
	p.listen(l)
	return p, nil
}

func (p *proxy) port() int {
	a, _ := net.ResolveTCPAddr("tcp", p.addr)
	return a.Port
}

func (p *proxy) listen(l net.Listener) {
	p.listener = l
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.carry(c)
		}
	}()
}

func (p *proxy) carry(client net.Conn) {
	p.mu.Lock()
	target := p.target
	p.mu.Unlock()
	server, err := net.Dial("tcp", target)
	if err != nil {
		reset(client)
		return
	}
	k := &link{client: client, server: server, silent: make(chan struct{})}
	p.mu.Lock()
	p.links[k] = struct{}{}
	p.mu.Unlock()
	done := make(chan struct{}, 2)
	go func() { p.toServer(k); done <- struct{}{} }()
	go func() { p.toClient(k); done <- struct{}{} }()
	<-done
	select {
	case <-k.silent:
		// A peer that is dead without saying so: the client keeps its side open,
		// and hears nothing, for as long as it likes.
		server.Close()
		_, _ = io.Copy(io.Discard, client)
	default:
	}
	reset(client)
	reset(server)
	<-done
	p.mu.Lock()
	delete(p.links, k)
	p.mu.Unlock()
}

func reset(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		t.SetLinger(0)
	}
	c.Close()
}

// toServer carries messages of the frontend (PostgreSQL: Message Formats), so
// that it sees a COMMIT when it comes.
func (p *proxy) toServer(k *link) {
	head := make([]byte, 5)
	started := false
	for {
		h := head
		if !started {
			h = head[1:] // the first message has no type
		}
		if _, err := io.ReadFull(k.client, h); err != nil {
			return
		}
		size := int(binary.BigEndian.Uint32(head[1:])) - 4
		if size < 0 || size > 64<<20 {
			return
		}
		body := make([]byte, size)
		if _, err := io.ReadFull(k.client, body); err != nil {
			return
		}
		if k.isSilent() {
			return
		}
		if started && head[0] == 'Q' && strings.HasPrefix(strings.ToUpper(string(body)), "COMMIT") && rand.Uint64N(1000) < p.commitLoss.Load() {
			k.swallow.Store(true)
		}
		if _, err := k.server.Write(append(h[:len(h):len(h)], body...)); err != nil {
			return
		}
		started = true
	}
}

func (p *proxy) toClient(k *link) {
	b := make([]byte, 32<<10)
	for {
		n, err := k.server.Read(b)
		if n > 0 {
			if k.swallow.Load() {
				p.lost.Add(1) // the server has answered, so it has committed
				return
			}
			if k.isSilent() {
				return
			}
			if _, err := k.client.Write(b[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (k *link) isSilent() bool {
	select {
	case <-k.silent:
		return true
	default:
		return false
	}
}

// lead leads new connections to another host:port. It returns the one before.
func (p *proxy) lead(target string) (before string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before, p.target = p.target, target
	return before
}

// cut resets every connection.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for k := range p.links {
		reset(k.client)
		reset(k.server)
	}
}

// freeze makes every connection that there is half-open: nothing comes through
// any more, and nobody says so. New ones work.
func (p *proxy) freeze() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for k := range p.links {
		k.once.Do(func() { close(k.silent) })
	}
}

// refuse refuses new connections.
func (p *proxy) refuse() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil {
		_ = lab.StopListening(p.listener)
		p.listener = nil
	}
}

// resume takes connections again.
func (p *proxy) resume() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil {
		return nil
	}
	l, err := net.Listen("tcp", p.addr)
	if err != nil {
		return err
	}
	p.listen(l)
	return nil
}

func (p *proxy) close() {
	p.refuse()
	p.cut()
}
