//go:build linux

package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// A manager hears what a daemon tells its service manager (sd_notify(3)). It plays
// systemd's part as far as the messages go.
type manager struct {
	conn *net.UnixConn
	path string

	mu       sync.Mutex
	status   []string
	ready    time.Time
	stopping time.Time
	fed      time.Time // the watchdog
}

func (r *rig) manager() *manager {
	m := &manager{path: filepath.Join(r.dir, fmt.Sprintf("notify-%d", time.Now().UnixNano()))}
	var err error
	m.conn, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: m.path, Net: "unixgram"})
	r.must(err)
	r.cleanups = append(r.cleanups, func() { m.conn.Close() })
	go m.hear()
	return m
}

// env is what a daemon is started with so that it speaks to m. A watchdog of 0
// is none.
func (m *manager) env(watchdog time.Duration) []string {
	env := []string{"NOTIFY_SOCKET=" + m.path}
	if watchdog > 0 {
		env = append(env, fmt.Sprintf("WATCHDOG_USEC=%d", watchdog.Microseconds()))
	}
	return env
}

func (m *manager) hear() {
	b := make([]byte, 64<<10)
	for {
		n, err := m.conn.Read(b)
		if err != nil {
			if os.IsTimeout(err) {
				continue
			}
			return
		}
		m.mu.Lock()
		now := time.Now()
		for line := range strings.Lines(string(b[:n])) {
			line = strings.TrimSpace(line)
			status, isStatus := strings.CutPrefix(line, "STATUS=")
			switch {
			case line == "READY=1":
				m.ready = now
			case line == "STOPPING=1":
				m.stopping = now
			case line == "WATCHDOG=1":
				m.fed = now
			case isStatus:
				m.status = append(m.status, status)
			}
		}
		m.mu.Unlock()
	}
}

// last returns the status that stands, and whether the daemon is ready.
func (m *manager) last() (status string, ready bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.status) > 0 {
		status = m.status[len(m.status)-1]
	}
	return status, !m.ready.IsZero()
}

// starved reports whether a daemon that is ready has not fed its watchdog for so
// long. The start is given as much.
func (m *manager) starved(watchdog time.Duration) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	last := m.ready
	if m.fed.After(last) {
		last = m.fed
	}
	return !last.IsZero() && time.Since(last) > watchdog
}

// forget is for the next start.
func (m *manager) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ready, m.fed, m.stopping = time.Time{}, time.Time{}, time.Time{}
}
