package main

import (
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"convened/internal/lab"
)

// unit starts a service manager whose unit can store so many descriptors.
func (s *site) unit(room int) *lab.Manager {
	s.t.Helper()
	m, err := lab.StartManager(lab.ManagerOptions{Store: room})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = m.Close() })
	return m
}

// kill is kill -9.
func (p *process) kill(t *testing.T) {
	t.Helper()
	if err := p.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-p.done
}

// Where the service manager keeps the connections, what was between dot and reply
// is known too: nobody gets a letter twice.
func TestAfterAKillNoLetterGoesTwiceWhereConnectionsAreKept(t *testing.T) {
	t.Parallel()
	slow := lab.SMTPOptions{Script: lab.At(lab.AtDot, lab.Reaction{Delay: 20 * time.Millisecond, Accept: true})}
	t.Run("over TCP", func(t *testing.T) {
		t.Parallel()
		noneTwice(t, newSiteWith(t, slow, ""), 1500, 6)
	})
	t.Run("through a socket", func(t *testing.T) {
		t.Parallel()
		dir, err := os.MkdirTemp("", "relay-") // its path must be short
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		slow := slow
		slow.Addr = filepath.Join(dir, "smtp")
		s := newSiteWith(t, slow, "")
		s.configure(replaceOnce(t, s.read(), "host: 127.0.0.1\n  port: 0\n", "host: "+slow.Addr+"\n"))
		if said := s.must("check"); !strings.Contains(said, slow.Addr+" answers") {
			t.Errorf("check says\n%s", said)
		}
		noneTwice(t, s, 600, 3)
	})
}

// noneTwice kills a unit's process again and again while n people get a letter.
func noneTwice(t *testing.T, s *site, n, kills int) {
	t.Helper()
	s.apply("webinar", 240*time.Hour, "")
	s.burst(n)
	m := s.unit(100)
	heard := 0
	for k := range kills {
		p := s.processUnder(m)
		s.wait(n*(k+1)/(kills+2), time.Minute)
		p.kill(t)
		heard += strings.Count(p.logs.String(), "a dead daemon's letter is answered")
	}
	last := s.processUnder(m)
	s.wait(n, time.Minute)
	s.settled()
	s.once(n)
	heard += strings.Count(last.logs.String(), "a dead daemon's letter is answered")
	if heard == 0 {
		t.Errorf("no reply was ever waiting: this test shows nothing\n%s", last.logs)
	}
	t.Logf("%d replies were heard after %d kills", heard, kills)
	last.leavesNothing(t, s, m)
}

// leavesNothing stops a process in good order, after which nothing is kept.
func (p *process) leavesNothing(t *testing.T, s *site, m *lab.Manager) {
	t.Helper()
	p.stop(t)
	if stored, err := m.Stored(); err != nil || len(stored) != 0 {
		t.Errorf("after a stop there are stored %q, %v", stored, err)
	}
	if names, _ := filepath.Glob(filepath.Join(s.state(), "*.journal")); len(names) != 0 {
		t.Errorf("after a stop there are %q", names)
	}
}

// stop is SIGTERM, and fails unless it ends with 0.
func (p *process) stop(t *testing.T) {
	t.Helper()
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-p.done; err != nil {
		t.Errorf("stopped with %v\n%s", err, p.logs)
	}
}

// A relay may take its time for the last word. Whoever inherits the connection
// waits for it, with whatever it is, and does the other work meanwhile.
func TestAReplyIsHeardByTheNextProcess(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		react lab.Reaction
		state string // of the notice, and the letters that came to that person
		came  int
	}{
		{"accepted", lab.Reaction{Accept: true}, "sent 250", 1},
		{"refused", lab.Reaction{Reply: lab.Reply{Code: 554, Enhanced: "5.7.1", Text: "no"}}, "refused 554", 0},
		{"gone after it took the letter", lab.Reaction{Accept: true, Drop: true}, "sent 250", 2},
		{"gone before it took the letter", lab.Reaction{Drop: true}, "sent 250", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, poke, m := slowSite(t, 100)
			s.begin(poke, m).kill(t)
			next := s.processUnder(m)
			s.until("the next process listens", func() bool { return strings.Contains(next.logs.String(), "listening=1") })
			const others = 20
			s.burst(others)
			s.wait(others, time.Minute)
			if state := s.sql(stateOfSlow); state != "claimed 0" {
				t.Errorf("while it is listened for the letter is %s", state)
			}
			poke.verdict <- tt.react
			s.until("the letter is settled", func() bool { return s.sql(stateOfSlow) == tt.state })
			if came := s.toSlow(); came != tt.came {
				t.Errorf("%d letters came, want %d", came, tt.came)
			}
			next.leavesNothing(t, s, m)
		})
	}
}

// A slowPoke is a mail server's script that thinks about one dot until it is told
// what to do.
type slowPoke struct {
	thinking atomic.Int32
	verdict  chan lab.Reaction
}

func (p *slowPoke) script(step lab.Step) lab.Reaction {
	if step.Phase != lab.AtDot || p.thinking.Add(1) != 1 {
		return lab.Reaction{}
	}
	return <-p.verdict
}

// slowSite is a site whose mail server is slow to answer the first letter, which
// is one to slow@example.org; p is killed when the server has its dot.
func slowSite(t *testing.T, room int) (s *site, poke *slowPoke, m *lab.Manager) {
	t.Helper()
	poke = &slowPoke{verdict: make(chan lab.Reaction, 1)}
	s = newSiteWith(t, lab.SMTPOptions{Script: poke.script}, "")
	t.Cleanup(func() { close(poke.verdict) })
	s.apply("webinar", 240*time.Hour, "")
	s.sql(`INSERT INTO convened.registrations (event, email, name) VALUES ('webinar', 'slow@example.org', 'S')`)
	return s, poke, s.unit(room)
}

// begin starts a process that is to be killed, and returns when the relay thinks.
func (s *site) begin(poke *slowPoke, m *lab.Manager) *process {
	s.t.Helper()
	p := s.processUnder(m)
	s.until("the relay thinks about it", func() bool { return poke.thinking.Load() == 1 })
	return p
}

// toSlow counts the letters to that person.
func (s *site) toSlow() (n int) {
	for _, l := range s.smtp.Messages() {
		if l.To[0] == "slow@example.org" {
			n++
		}
	}
	return n
}

const stateOfSlow = `SELECT n.state || ' ' || coalesce(n.last_code, 0) FROM convened.notices n JOIN convened.registrations r ON r.id = n.registration WHERE r.email LIKE 'slow%'`

// Another daemon on the machine finds the journal first. It must not send what
// the next process of the killed one's unit is about to hear of.
func TestASiblingLeavesAReplyToTheUnitThatKeepsTheConnection(t *testing.T) {
	t.Parallel()
	s, poke, m := slowSite(t, 100)
	p := s.begin(poke, m)
	sibling := s.processUnder(s.unit(100))
	s.until("the sibling runs", func() bool { return strings.Contains(sibling.logs.String(), "running") })
	p.kill(t)
	s.until("the sibling has read the journal", func() bool { return strings.Contains(sibling.logs.String(), "a daemon died") })
	poke.verdict <- lab.Reaction{Accept: true}
	next := s.processUnder(m)
	s.until("the letter is sent", func() bool { return s.sql(stateOfSlow) == "sent 250" })
	s.once(1)
	s.until("the reply is heard", func() bool { return strings.Contains(next.logs.String(), "outcome=sent") })
	if k := strings.Count(sibling.logs.String(), "a daemon died"); k != 1 {
		t.Errorf("the sibling settled it %d times", k)
	}
}

// A store that keeps nothing is as none: the doubt is there at once, and bounded.
func TestAUnitWithoutRoomIsAsWithout(t *testing.T) {
	t.Parallel()
	s, poke, m := slowSite(t, 0)
	s.begin(poke, m).kill(t)
	poke.verdict <- lab.Reaction{Accept: true}
	next := s.processUnder(m)
	s.until("the letter is sent again", func() bool { return s.sql(stateOfSlow) == "sent 250" })
	if !strings.Contains(next.logs.String(), "doubtful=1") {
		t.Errorf("there was no doubt:\n%s", next.logs)
	}
	if n := s.toSlow(); n != 2 {
		t.Errorf("%d letters came, want the one in doubt and its copy", n)
	}
}
