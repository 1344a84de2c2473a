//go:build linux

package main

import (
	"fmt"
	"sync"
	"time"

	"convened/internal/lab"
)

// A manager hears what a daemon tells its service manager (sd_notify(3)), and
// remembers when.
type manager struct {
	*lab.Manager

	mu       sync.Mutex
	status   []string
	ready    time.Time
	stopping time.Time
	fed      time.Time // the watchdog
}

func (r *rig) manager() *manager {
	m := &manager{}
	m.Manager = r.unit(lab.ManagerOptions{Hear: m.hear})
	return m
}

// unit is a service manager's part for one unit.
func (r *rig) unit(o lab.ManagerOptions) *lab.Manager {
	m, err := lab.StartManager(o)
	r.must(err)
	r.cleanups = append(r.cleanups, func() { _ = m.Close() })
	return m
}

// env is what a daemon is started with so that it speaks to m. A watchdog of 0
// is none.
func (m *manager) env(watchdog time.Duration) []string {
	env := []string{"NOTIFY_SOCKET=" + m.Socket()}
	if watchdog > 0 {
		env = append(env, fmt.Sprintf("WATCHDOG_USEC=%d", watchdog.Microseconds()))
	}
	return env
}

func (m *manager) hear(name, value string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch now := time.Now(); {
	case name == "STATUS":
		m.status = append(m.status, value)
	case value != "1":
	case name == "READY":
		m.ready = now
	case name == "STOPPING":
		m.stopping = now
	case name == "WATCHDOG":
		m.fed = now
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
