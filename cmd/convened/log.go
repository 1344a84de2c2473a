package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"sync/atomic"
	"time"
)

// journalPriorities are those of syslog(3) that journald takes from the beginning
// of a line, so that `journalctl -p warning` finds what it should.
var journalPriorities = map[slog.Level]string{slog.LevelDebug: "<7>", slog.LevelInfo: "<6>", slog.LevelWarn: "<4>", slog.LevelError: "<3>"}

// A journalHandler writes lines for journald: with a priority, and without the
// level and the time, which journald knows.
type journalHandler map[slog.Level]slog.Handler

func newJournalHandler(w io.Writer, least slog.Level) journalHandler {
	h := journalHandler{}
	for level, priority := range journalPriorities {
		h[level] = slog.NewTextHandler(prefixed{w, priority}, &slog.HandlerOptions{Level: least,
			ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
				if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey) {
					return slog.Attr{}
				}
				return a
			}})
	}
	return h
}

// at is the handler of the level below or at l.
func (h journalHandler) at(l slog.Level) slog.Handler {
	switch {
	case l >= slog.LevelError:
		return h[slog.LevelError]
	case l >= slog.LevelWarn:
		return h[slog.LevelWarn]
	case l >= slog.LevelInfo:
		return h[slog.LevelInfo]
	}
	return h[slog.LevelDebug]
}

// Enabled is slog.Handler's, as are those below.
func (h journalHandler) Enabled(ctx context.Context, l slog.Level) bool {
	return h.at(l).Enabled(ctx, l)
}

func (h journalHandler) Handle(ctx context.Context, r slog.Record) error {
	return h.at(r.Level).Handle(ctx, r)
}

func (h journalHandler) each(f func(slog.Handler) slog.Handler) slog.Handler {
	other := journalHandler{}
	for level, inner := range h {
		other[level] = f(inner)
	}
	return other
}

func (h journalHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return h.each(func(inner slog.Handler) slog.Handler { return inner.WithAttrs(attrs) })
}

func (h journalHandler) WithGroup(name string) slog.Handler {
	return h.each(func(inner slog.Handler) slog.Handler { return inner.WithGroup(name) })
}

// prefixed writes a prefix before each line.
type prefixed struct {
	w      io.Writer
	prefix string
}

func (p prefixed) Write(line []byte) (int, error) {
	if _, err := p.w.Write(append([]byte(p.prefix), line...)); err != nil {
		return 0, err
	}
	return len(line), nil
}

// A spout is what a daemon's log goes through. Whoever reads the log may be
// slow, stuck or gone; mail does not wait for that. Lines that find no room are
// dropped and counted, and the count is the first thing that is written when
// lines get through again.
type spout struct {
	lines   chan []byte
	dropped atomic.Int64 // and nobody was told yet
	lost    atomic.Int64 // dropped since the start
	stop    chan struct{}
	stopped chan struct{}
}

// Bounds of a spout: how many lines it keeps, how many go in one write, and how long its end waits for a
// reader that is slow.
const (
	spoutLines    = 4096
	spoutChunk    = 16 << 10 // bytes, about, that are written at once
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
		s.lost.Add(1)
	}
	return len(line), nil
}

func (s *spout) run(w io.Writer) {
	defer close(s.stopped)
	var chunk []byte
	for {
		var line []byte
		select {
		case line = <-s.lines:
		default:
			select {
			case line = <-s.lines:
			case <-s.stop:
				return
			}
		}
		lines := 1
		chunk = append(chunk[:0], line...)
		// In a burst there are many: what is there goes in one write.
	gather:
		for len(chunk) < spoutChunk {
			select {
			case line = <-s.lines:
				chunk = append(chunk, line...)
				lines++
			default:
				break gather
			}
		}
		s.pour(w, chunk, int64(lines))
	}
}

// pour writes a chunk of so many lines.
func (s *spout) pour(w io.Writer, chunk []byte, lines int64) {
	if n := s.dropped.Swap(0); n > 0 {
		told := &failing{w: w}
		slog.New(slog.NewTextHandler(told, nil)).Warn("lines of the log were dropped: nobody read them", "lines", n)
		if told.failed {
			s.dropped.Add(n)
		}
	}
	if _, err := w.Write(chunk); err != nil {
		s.dropped.Add(lines)
		s.lost.Add(lines)
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
