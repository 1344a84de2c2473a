package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// After a kill only what was between dot and reply is in doubt: one letter a
// connection. The rest is accounted for by the journal, at once and not when
// the lease ends.
func TestAfterAKillAtMostOneLetterAConnectionGoesTwice(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	s.apply("webinar", 240*time.Hour, "")
	const n, kills, connections = 4000, 6, 8
	s.burst(n)
	began := time.Now()
	for k := range kills {
		p := s.process()
		s.wait(300+500*k, time.Minute)
		if err := p.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		<-p.done
	}
	last := s.process()
	s.eachPersonHasALetter(n, time.Minute)
	s.settled()
	// The leases of what was marked are eleven minutes long.
	if took := time.Since(began); took > 5*time.Minute {
		t.Errorf("it took %s: the leases were waited for", took)
	}
	if got, want := s.sql(`SELECT state, count(*) FROM convened.notices GROUP BY 1`), fmt.Sprintf("sent|%d", n); got != want {
		t.Errorf("notices are %q, want %q", got, want)
	}
	letters := map[string]int{}
	for _, m := range s.smtp.Messages() {
		p, err := readLetter(m.Raw)
		if err != nil {
			t.Fatal(err)
		}
		letters[p.messageID+" to "+m.To[0]]++
	}
	if len(letters) != n {
		t.Errorf("%d different letters to %d people", len(letters), n)
	}
	twice := s.smtp.Count() - n
	t.Logf("%d letters twice after %d kills", twice, kills)
	if twice > kills*connections {
		t.Errorf("%d letters twice after %d kills, more than one a connection", twice, kills)
	}
	if !strings.Contains(last.logs.String(), "a daemon died") {
		t.Errorf("the last daemon found no journal:\n%.2000s", last.logs)
	}
}

// A stop in good order leaves no journal behind.
func TestAStopLeavesNoJournal(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	s.apply("webinar", 240*time.Hour, "")
	s.burst(20)
	d := s.daemon()
	s.wait(20, 30*time.Second)
	if code := d.stop(); code != 0 {
		t.Errorf("it ended with %d", code)
	}
	if names, _ := filepath.Glob(filepath.Join(s.state(), "*.journal")); len(names) != 0 {
		t.Errorf("left behind: %q", names)
	}
}

// A state_dir that can't be written is a warning, and nothing more.
func TestWithoutAPlaceForTheJournalItGoesOn(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	s.apply("webinar", 240*time.Hour, "")
	if err := os.RemoveAll(s.state()); err != nil {
		t.Fatal(err)
	}
	d := s.daemon()
	s.burst(5)
	s.wait(5, 30*time.Second)
	if !strings.Contains(d.logs.String(), "without a journal") {
		t.Errorf("it does not say so:\n%s", d.logs)
	}
}

// state returns the site's state_dir.
func (s *site) state() string {
	s.t.Helper()
	_, rest, _ := strings.Cut(s.read(), "state_dir: \"")
	dir, _, _ := strings.Cut(rest, "\"")
	return dir
}
