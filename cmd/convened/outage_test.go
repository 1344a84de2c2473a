package main

import (
	"fmt"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"convened/internal/lab"
)

// ownPostgres makes a site with a server of its own, which can be stopped. What
// was committed is there again after a crash.
func ownPostgres(t *testing.T, o lab.SMTPOptions) (*site, *lab.Postgres) {
	t.Helper()
	pg, err := lab.StartPostgres(t.Context(), lab.PostgresOptions{Settings: map[string]string{"synchronous_commit": "on"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pg.Stop(); err != nil {
			t.Error(err)
		}
	})
	if err := pg.CreateDatabase("convened", ""); err != nil {
		t.Fatal(err)
	}
	s := newSiteWith(t, o, "poll_interval: 200ms\n")
	s.moveTo(pg.URL("convened"))
	s.must("migrate")
	s.apply("webinar", 240*time.Hour, "")
	return s, pg
}

// moveTo has the configuration name another database.
func (s *site) moveTo(database string) {
	s.t.Helper()
	s.configure(strings.Replace(s.read(), fmt.Sprintf("url: %q", s.url), fmt.Sprintf("url: %q", database), 1))
	s.url = database
}

// says waits for a line in the daemon's log.
func (d *daemon) says(s *site, what string, times int) {
	s.t.Helper()
	for deadline := time.Now().Add(45 * time.Second); strings.Count(d.logs.String(), what) < times; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("the daemon does not say %q:\n%s", what, d.logs)
		}
	}
}

func TestInvariant6ASentMailIsRecordedEvenIfTheDatabaseIsAwayWhenTheDaemonStops(t *testing.T) {
	t.Parallel()
	const n, hands = 20, 4
	taken, wake := make(chan struct{}, n), make(chan struct{})
	var once sync.Once
	release := func() { once.Do(func() { close(wake) }) }
	s, pg := ownPostgres(t, lab.SMTPOptions{Script: func(step lab.Step) lab.Reaction {
		if step.Phase == lab.AtDot {
			taken <- struct{}{}
			<-wake
		}
		return lab.Reaction{}
	}})
	s.configure(strings.Replace(s.read(), "  tls: none\n", fmt.Sprintf("  tls: none\n  connections: %d\n", hands), 1))
	s.burst(n)
	d := s.daemon()
	t.Cleanup(release)
	for range hands {
		<-taken
	}
	if err := pg.Crash(); err != nil {
		t.Fatal(err)
	}
	d.tell() // before the servers speak: with a reply in hand they would get the next letter
	stopped := make(chan int, 1)
	go func() { stopped <- d.stop() }()
	release()
	d.says(s, "settle is not written", 3)
	select {
	case code := <-stopped:
		t.Fatalf("the daemon ended with %d, and nobody knows what it sent:\n%s", code, d.logs)
	default:
	}
	if err := pg.Restart(); err != nil {
		t.Fatal(err)
	}
	if code := <-stopped; code != 0 {
		t.Errorf("the daemon ended with %d", code)
	}
	if got, want := s.sql(`SELECT state, count(*) FROM convened.notices GROUP BY 1 ORDER BY 1`), fmt.Sprintf("planned|%d\nsent|%d", n-hands, hands); got != want || s.smtp.Count() != hands {
		t.Errorf("with %d letters taken, the notices are\n%s\nwant\n%s", s.smtp.Count(), got, want)
	}
	s.daemon()
	s.wait(n, 30*time.Second)
	s.settled()
	s.once(n)
}

func TestADatabaseThatIsDownAtTheStartIsWaitedFor(t *testing.T) {
	t.Parallel()
	s, pg := ownPostgres(t, lab.SMTPOptions{})
	s.burst(1)
	if err := pg.Crash(); err != nil {
		t.Fatal(err)
	}
	p := s.process()
	s.untilLogged(p.logs, "the database does not answer, waiting for it")
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-p.done; err != nil {
		t.Errorf("told to stop while it waits it ends with %v\n%s", err, p.logs)
	}
	d := s.daemon()
	d.says(s, "the database does not answer, waiting for it", 1)
	if err := pg.Restart(); err != nil {
		t.Fatal(err)
	}
	s.wait(1, 30*time.Second)
	if code := d.stop(); code != 0 {
		t.Errorf("the daemon ended with %d", code)
	}
}

func (s *site) untilLogged(logs *lockedBuffer, what string) {
	s.t.Helper()
	(&daemon{logs: logs}).says(s, what, 1)
}

// What is wrong is on the other side as often as on this one, so it is named
// and waited for: with a password, a name or a port that somebody mends.
func TestAPasswordOrADatabaseThatIsWrongIsNamedAndWaitedFor(t *testing.T) {
	t.Parallel()
	s, pg := ownPostgres(t, lab.SMTPOptions{})
	right := s.url
	u, err := url.Parse(pg.TCPURL("convened"))
	if err != nil {
		t.Fatal(err)
	}
	const password = "not-the-right-one"
	u.User = url.UserPassword("postgres", password)
	s.moveTo(u.String())
	d := s.daemon()
	d.says(s, "password authentication failed for user", 1)
	if strings.Contains(d.logs.String(), password) {
		t.Errorf("the log holds the password:\n%s", d.logs)
	}
	s.url = right // which is how the superuser comes in
	s.burst(1)
	s.sql(fmt.Sprintf(`ALTER USER postgres PASSWORD '%s'`, password))
	s.wait(1, 30*time.Second)
	if code := d.stop(); code != 0 {
		t.Errorf("the daemon ended with %d", code)
	}

	s.url = u.String()
	u.Path = "/elsewhere"
	s.moveTo(u.String())
	d = s.daemon()
	d.says(s, `database \"elsewhere\" does not exist`, 1)
	s.url = pg.URL("postgres")
	s.sql(`ALTER DATABASE convened RENAME TO elsewhere`)
	s.url = pg.URL("elsewhere")
	s.register("webinar", "new@example.org")
	s.wait(2, 30*time.Second)
	if code := d.stop(); code != 0 {
		t.Errorf("the daemon ended with %d", code)
	}
}

// In the middle of its work a daemon outlives a database that crashes.
func TestADatabaseThatCrashesMidBurstLosesNobody(t *testing.T) {
	t.Parallel()
	s, pg := ownPostgres(t, lab.SMTPOptions{})
	const n = 1000
	s.burst(n)
	d := s.daemon()
	for at := n / 4; at < n; at += n / 4 {
		s.wait(at, time.Minute)
		if err := pg.Crash(); err != nil {
			t.Fatal(err)
		}
		if err := pg.Restart(); err != nil {
			t.Fatal(err)
		}
	}
	s.wait(n, time.Minute)
	s.settled()
	s.once(n)
	if code := d.stop(); code != 0 {
		t.Errorf("the daemon ended with %d", code)
	}
}
