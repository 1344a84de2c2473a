package main

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

// A reader reads a log when it is told to.
type reader struct {
	mu    sync.Mutex
	turn  *sync.Cond
	reads bool
	gone  bool
	text  strings.Builder
}

func newReader() *reader {
	r := &reader{}
	r.turn = sync.NewCond(&r.mu)
	return r
}

func (r *reader) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for !r.reads && !r.gone {
		r.turn.Wait()
	}
	if r.gone {
		return 0, errors.New("broken pipe")
	}
	return r.text.Write(b)
}

func (r *reader) set(reads, gone bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reads, r.gone = reads, gone
	r.turn.Broadcast()
}

func TestALogThatNobodyReadsHoldsUpNothingAndSaysWhatItLacks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReader()
		s := newSpout(r)
		const lines = 3 * spoutLines
		for i := range lines {
			fmt.Fprintf(s, "line %d\n", i) // would block for ever
		}
		synctest.Wait()
		r.set(true, false)
		synctest.Wait()
		fmt.Fprintln(s, "read again")
		s.close()
		text := r.text.String()
		// Each line is there, or counted by a line that is. Where in between the
		// count stands depends on when the reader was first asked.
		written, counted := strings.Count(text, "\nline ")+strings.Count(text[:5], "line "), 0
		for _, m := range regexp.MustCompile(`lines=(\d+)`).FindAllStringSubmatch(text, -1) {
			n, err := strconv.Atoi(m[1])
			if err != nil {
				t.Fatal(err)
			}
			counted += n
		}
		if written+counted != lines || counted == 0 || written < spoutLines {
			t.Errorf("%d lines were written and %d counted, of %d", written, counted, lines)
		}
		if !strings.Contains(text, "line 0\n") || !strings.HasSuffix(text, "read again\n") {
			t.Errorf("first or last line are missing: %.80q … %q", text, text[len(text)-80:])
		}
	})
}

func TestALogWhoseReaderIsGoneHoldsUpNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReader()
		r.set(false, true)
		s := newSpout(r)
		for range 10 {
			fmt.Fprintln(s, "lost")
		}
		synctest.Wait()
		r.set(true, false)
		fmt.Fprintln(s, "read again")
		s.close()
		if text := r.text.String(); !strings.Contains(text, "lines=10") || !strings.HasSuffix(text, "read again\n") {
			t.Errorf("it says %q, want 10 lines dropped", text)
		}
	})
}

// The end waits for a reader, and not for ever.
func TestALogThatIsStuckDoesNotKeepTheProgramFromItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReader()
		s := newSpout(r)
		fmt.Fprintln(s, "stuck")
		s.close()
		r.set(true, false)
	})
}

func TestJournaldGetsPriorities(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(newJournalHandler(&out, slog.LevelInfo)).With("daemon", 7).WithGroup("relay")
	log.Debug("nobody asked for this")
	log.Info("sent", "code", 250)
	log.Warn("refused", "time", "now")
	log.Error("tick")
	want := "<6>msg=sent daemon=7 relay.code=250\n<4>msg=refused daemon=7 relay.time=now\n<3>msg=tick daemon=7\n"
	if got := out.String(); got != want {
		t.Errorf("the journal gets\n%swant\n%s", got, want)
	}
}
