package main

import (
	"bytes"
	"io"
	"log/slog"
	"sync/atomic"
	"time"
)

// A spout is what a daemon's log goes through. Whoever reads the log may be
// slow, stuck or gone; mail does not wait for that. Lines that find no room are
// dropped and counted, and the count is the first thing that is written when
// lines get through again.
type spout struct {
	lines   chan []byte
	dropped atomic.Int64
	stop    chan struct{}
	stopped chan struct{}
}

// Bounds of a spout: how many lines it keeps, and how long its end waits for a
// reader that is slow.
const (
	spoutLines    = 4096
	spoutPatience = 2 * time.Second
)

func newSpout(w io.Writer) *spout {
	s := &spout{lines: make(chan []byte, spoutLines), stop: make(chan struct{}), stopped: make(chan struct{})}
	go s.run(w)
	return s
}

// Write takes a line and returns at once. It has no error.
func (s *spout) Write(line []byte) (int, error) {
	select {
	case s.lines <- bytes.Clone(line):
	default:
		s.dropped.Add(1)
	}
	return len(line), nil
}

func (s *spout) run(w io.Writer) {
	defer close(s.stopped)
	for {
		select {
		case line := <-s.lines:
			s.pour(w, line)
			continue
		default:
		}
		select {
		case line := <-s.lines:
			s.pour(w, line)
		case <-s.stop:
			return
		}
	}
}

func (s *spout) pour(w io.Writer, line []byte) {
	if n := s.dropped.Swap(0); n > 0 {
		told := &failing{w: w}
		slog.New(slog.NewTextHandler(told, nil)).Warn("lines of the log were dropped: nobody read them", "lines", n)
		if told.failed {
			s.dropped.Add(n)
		}
	}
	if _, err := w.Write(line); err != nil {
		s.dropped.Add(1)
	}
}

// failing remembers whether a write failed: slog tells nobody.
type failing struct {
	w      io.Writer
	failed bool
}

func (f *failing) Write(b []byte) (int, error) {
	n, err := f.w.Write(b)
	f.failed = f.failed || err != nil
	return n, err
}

// close writes what is in hand, unless nobody reads it.
func (s *spout) close() {
	close(s.stop)
	select {
	case <-s.stopped:
	case <-time.After(spoutPatience):
	}
}
