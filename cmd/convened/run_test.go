package main

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"convened/internal/lab"
)

func TestARowInPostgresBecomesAConfirmationWithAnInvitation(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	s.apply("webinar", 10*24*time.Hour, "reminders:\n  - before: 24h\n")
	s.daemon()
	s.sql(`INSERT INTO convened.registrations (event, email, name) VALUES ('webinar', 'a@b.example', 'Ana')`)
	s.wait(1, 30*time.Second)
	m := s.smtp.Messages()[0]
	p, err := readLetter(m.Raw)
	if err != nil {
		t.Fatal(err)
	}
	if p.kind != "confirmation" || !strings.Contains(p.subject, "Webinar") || !slices.Equal(m.To, []string{"a@b.example"}) {
		t.Errorf("got a %s %q to %q", p.kind, p.subject, m.To)
	}
	for _, want := range []string{"METHOD:REQUEST", "BEGIN:VEVENT", ":Webinar", "DTSTART"} {
		if !strings.Contains(string(p.calendar), want) {
			t.Errorf("the invitation has no %s:\n%s", want, p.calendar)
		}
	}
}

// A row is noticed when it is written, not at the next look: here the next look
// would be a minute away. How fast that is, BenchmarkInsertToAccepted says.
func TestAnInsertWakesTheDaemon(t *testing.T) {
	t.Parallel()
	s := newSite(t, "poll_interval: 60s\n")
	s.apply("webinar", 10*24*time.Hour, "")
	s.daemon()
	for i := range 5 {
		s.sql(fmt.Sprintf(`INSERT INTO convened.registrations (event, email, name) VALUES ('webinar', 'p%d@example.org', 'Ana')`, i))
		s.wait(i+1, 20*time.Second)
	}
}

// burst registers n people at once.
func (s *site) burst(n int) {
	s.t.Helper()
	s.sql(fmt.Sprintf(`INSERT INTO convened.registrations (event, email, name) SELECT 'webinar', 'p' || i || '@example.org', 'P' || i FROM generate_series(1, %d) i`, n))
}

// once fails unless each of n people got exactly one letter, and every notice
// is sent.
func (s *site) once(n int) {
	s.t.Helper()
	seen := map[string]int{}
	for _, m := range s.smtp.Messages() {
		seen[m.To[0]]++
	}
	if len(seen) != n {
		s.t.Errorf("%d people got a letter, want %d", len(seen), n)
	}
	for to, k := range seen {
		if k != 1 {
			s.t.Errorf("%s got %d letters", to, k)
		}
	}
	if got, want := s.sql(`SELECT state, count(*) FROM convened.notices GROUP BY 1`), fmt.Sprintf("sent|%d", n); got != want {
		s.t.Errorf("notices are %q, want %q", got, want)
	}
}

func TestInvariant2OneHandAtATime(t *testing.T) {
	t.Parallel()
	script, release := heldAfter(0)
	s := newSiteWith(t, lab.SMTPOptions{Script: script}, "")
	s.apply("webinar", 10*24*time.Hour, "")
	a, b := s.daemon(), s.daemon()
	t.Cleanup(release)
	const n = 1000
	s.burst(n)
	s.reaches(`SELECT count(DISTINCT claimed_by) FROM convened.notices WHERE state = 'claimed'`, "2") // however quick one of them is
	release()
	s.wait(n, 2*time.Minute)
	if a.stop() != 0 || b.stop() != 0 {
		t.Errorf("the daemons ended with %d and %d", a.stop(), b.stop())
	}
	s.once(n)
	if shares := s.sql(`SELECT count(DISTINCT daemon) FROM convened.attempts`); shares != "2" {
		t.Errorf("%s daemons took part: this test shows nothing", shares)
	}
}

func TestStoppingMidBurstLosesAndRepeatsNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	s.apply("webinar", 10*24*time.Hour, "")
	const n = 3000
	s.burst(n)
	for at := 300; at < n; at += 600 {
		p := s.process()
		s.untilLogged(p.logs, "msg=running") // the one before may have sent more than it was given time for
		s.wait(at, time.Minute)
		if err := p.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if err := <-p.done; err != nil {
			t.Fatalf("stopped with %v\n%s", err, p.logs)
		}
		if left := s.sql(`SELECT count(*) FROM convened.notices WHERE state IN ('claimed', 'unknown')`); left != "0" {
			t.Errorf("%s notices were left in hand", left)
		}
	}
	s.daemon()
	s.wait(n, time.Minute)
	s.settled()
	s.once(n)
}

// settled waits until no notice waits or is in hand.
func (s *site) settled() {
	s.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if s.sql(`SELECT (SELECT count(*) FROM convened.notices WHERE state IN ('planned', 'claimed')) + (SELECT count(*) FROM convened.changes WHERE planned_at IS NULL AND due_at <= now())`) == "0" {
			return
		}
	}
	s.t.Errorf("notices are not settled: %s", s.sql(`SELECT state, count(*) FROM convened.notices GROUP BY 1`))
}

func (s *site) eachPersonHasALetter(n int, limit time.Duration) {
	s.t.Helper()
	people := func() map[string]bool {
		seen := map[string]bool{}
		for _, m := range s.smtp.Messages() {
			seen[m.To[0]] = true
		}
		return seen
	}
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if len(people()) == n {
			return
		}
	}
	s.t.Fatalf("%d of %d people have a letter; notices: %s", len(people()), n, s.sql(`SELECT state, cause, count(*) FROM convened.notices GROUP BY 1, 2`))
}
