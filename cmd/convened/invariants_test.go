package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"convened/config"
	"convened/internal/lab"
)

// Each invariant of the package comment in convened.go, from end to end: the
// daemon, a Postgres and an SMTP dialogue. How each part keeps its side is shown
// beside the part.

// A shiftedClock is ahead of the machine's by what it is told.
type shiftedClock struct{ ahead atomic.Int64 }

func (c *shiftedClock) Now() time.Time        { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *shiftedClock) shift(d time.Duration) { c.ahead.Store(int64(d)) }

// daemonAt starts the daemon on a clock of the test's own.
func (s *site) daemonAt(clock func() time.Time) *daemon {
	s.t.Helper()
	cfg, err := config.Load(s.config, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.runs(func(ctx context.Context, logs io.Writer) int {
		return exitCode(runDaemon(ctx, cfg, clock, slog.New(slog.NewTextHandler(logs, nil)), nil), logs)
	})
}

// register inserts as a sign-up form does.
func (s *site) register(event string, emails ...string) {
	s.t.Helper()
	for _, email := range emails {
		s.sql(fmt.Sprintf(`INSERT INTO convened.registrations (event, email, name) VALUES ('%s', '%s', '%s')`, event, email, strings.Split(email, "@")[0]))
	}
}

// standing lists each notice as "address kind state cause".
func (s *site) standing() []string {
	s.t.Helper()
	return strings.Split(s.sql(`SELECT concat_ws(' ', r.email, n.kind, n.state, n.cause) FROM convened.notices n JOIN convened.registrations r ON r.id = n.registration ORDER BY r.id, n.id`), "\n")
}

func TestInvariant1NoMailWithoutARowAndPlanningTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t, "poll_interval: 200ms\n")
	s.apply("webinar", time.Hour+50*time.Second, "reminders:\n  - before: 1h\n    late: skip\n")
	clock := &shiftedClock{}
	d := s.daemonAt(clock.Now)
	const n = 20
	s.burst(n)
	s.register("webinar", "P1@EXAMPLE.org", "p2@example.org") // who has a seat already
	s.wait(n, 30*time.Second)
	clock.shift(55 * time.Second) // when the reminder has come
	s.wait(2*n, 30*time.Second)
	s.settled()
	d.stop()

	var mails []string
	for _, m := range s.smtp.Messages() {
		p, err := readLetter(m.Raw)
		if err != nil {
			t.Fatal(err)
		}
		mails = append(mails, strings.Join(m.To, ",")+" "+p.kind+" "+strings.Trim(p.messageID, "<>"))
	}
	rows := strings.Split(s.sql(`SELECT r.email || ' ' || n.kind || ' ' || n.message_id FROM convened.notices n JOIN convened.registrations r ON r.id = n.registration WHERE n.state = 'sent'`), "\n")
	slices.Sort(mails)
	slices.Sort(rows)
	if !slices.Equal(mails, rows) {
		t.Errorf("the mails are\n%s\nand the rows\n%s", strings.Join(mails, "\n"), strings.Join(rows, "\n"))
	}
	if again := s.sql(`WITH again AS (INSERT INTO convened.notices (registration, event, kind, occasion, instant, due_at, planned_at)
		SELECT registration, event, kind, occasion, instant, due_at, planned_at FROM convened.notices ON CONFLICT DO NOTHING RETURNING 1) SELECT count(*) FROM again`); again != "0" {
		t.Errorf("%s notices could be there twice", again)
	}

	// As if nobody remembered that all of it was planned.
	s.sql(`UPDATE convened.registrations SET planned_at = NULL; UPDATE convened.reminder_occasions SET planned_at = NULL, done_seat = 0, upto_seat = 1000`)
	d = s.daemonAt(clock.Now)
	s.until("all is planned again", func() bool {
		return s.sql(`SELECT (SELECT count(*) FROM convened.registrations WHERE planned_at IS NULL) + (SELECT count(*) FROM convened.reminder_occasions WHERE planned_at IS NULL)`) == "0"
	})
	s.settled()
	d.stop()
	if got, want := s.sql(`SELECT kind, state, count(*) FROM convened.notices GROUP BY 1, 2 ORDER BY 1`), fmt.Sprintf("confirmation|sent|%d\nreminder|sent|%d", n, n); got != want || s.smtp.Count() != 2*n {
		t.Errorf("after planning twice there are %d mails and these notices:\n%s\nwant %d and\n%s", s.smtp.Count(), got, 2*n, want)
	}
}

// A hand sleeps in the middle of a dialogue until its lease is over, and another
// takes the notice. What the first then says is evidence if it is `sent`, and
// nobody's business otherwise.
func TestInvariant2OnlySentIsTakenFromAHandWhoseLeaseIsOver(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		phase  lab.Phase    // where the first hand sleeps
		first  lab.Reaction // what the server tells it then
		second lab.Reaction // what it tells the other
		before string       // where the notice stands when the first wakes up
		copies int
	}{
		{"a refusal", lab.AtRcpt, lab.Answer(550, "5.1.1", "no such user"), lab.Reaction{}, "sent", 1},
		{"a temporary failure", lab.AtRcpt, lab.Answer(451, "4.3.0", "later"), lab.Reaction{}, "sent", 1},
		{"a delivery", lab.AtDot, lab.Reaction{}, lab.Answer(554, "5.7.1", "I have seen this before"), "refused", 1},
		{"a delivery twice", lab.AtDot, lab.Reaction{}, lab.Reaction{}, "sent", 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			asleep, wake := make(chan struct{}), make(chan struct{})
			var once sync.Once
			release := func() { once.Do(func() { close(wake) }) }
			s := newSiteWith(t, lab.SMTPOptions{Script: func(step lab.Step) lab.Reaction {
				switch {
				case step.Phase != c.phase:
					return lab.Reaction{}
				case step.Attempt == 1:
					close(asleep)
					<-wake
					return c.first
				}
				return c.second
			}}, "poll_interval: 100ms\n")
			s.apply("webinar", 240*time.Hour, "")
			d := s.daemon()
			t.Cleanup(release)
			s.register("webinar", "ana@example.org")
			<-asleep
			s.sql(`UPDATE convened.notices SET lease_until = now() - interval '1 second'`)
			s.until("another hand is done with it", func() bool { return s.sql(`SELECT state || attempt FROM convened.notices`) == c.before+"2" })
			release()
			s.until("the first hand has said what it knows", func() bool { return s.sql(`SELECT count(*) FROM convened.attempts WHERE attempt = 1`) == "1" })
			d.stop()
			if got := s.sql(`SELECT n.state, n.attempt, r.refused_at IS NULL FROM convened.notices n JOIN convened.registrations r ON r.id = n.registration`); got != "sent|2|t" {
				t.Errorf("the notice, its attempt, and whether the address is good: %s; want it sent", got)
			}
			if n := s.smtp.Count(); n != c.copies {
				t.Errorf("%d copies arrived, want %d", n, c.copies)
			}
			if c.before == "sent" && !strings.Contains(d.logs.String(), "settled by another hand") {
				t.Errorf("the log does not say that the first hand came too late:\n%s", d.logs)
			}
		})
	}
}

// poison lays a template over the built-in ones that fails for people of this name.
func poison(t *testing.T) (more string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "confirmation"), 0o755); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "confirmation", "en.tmpl")
	if err := os.WriteFile(file, []byte(`{{define "lead"}}{{if eq .Name "poison"}}{{slice .Name 100}}{{end}}Thank you.{{end}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("templates_dir: %q\nretry: {first: 1s}\npoll_interval: 200ms\n", dir)
}

func TestInvariant3ForwardProgressWhateverIsBadNeverHoldsUpAnother(t *testing.T) {
	t.Parallel()
	s := newSiteWith(t, lab.SMTPOptions{Script: lab.First(
		lab.For(lab.ToAddress("nobody@example.org"), lab.Rcpt550()),
		lab.For(lab.ToAddress("policy@example.org"), lab.Dot554()),
		lab.For(lab.ToAddress("lost@example.org"), lab.DotAcceptDrop()),
		lab.For(lab.ToAddress("later@example.org"), lab.Until(1, lab.At(lab.AtRcpt, lab.Answer(450, "4.2.0", "greylisted")))),
		lab.For(lab.ToAddress("full@example.org"), lab.Until(1, lab.Dot451())),
		lab.For(lab.ToAddress("cut@example.org"), lab.Until(1, lab.DropAt(lab.AtData))),
	)}, poison(t))
	for _, slug := range []string{"rule", "title", "webinar"} {
		s.apply(slug, time.Hour+50*time.Second, "reminders:\n  - before: 1h\n    late: skip\n")
	}
	// What no command would write.
	s.sql(`UPDATE convened.reminders SET rule = 'whenever it suits' WHERE event = 'rule'; UPDATE convened.events SET title = '"no object"' WHERE slug = 'title'`)
	s.register("title", "title@example.org")
	s.register("webinar", "not an address", "a@example.org\r\nBcc: b@example.org", "poison@example.org", "nobody@example.org", "policy@example.org", "lost@example.org", "later@example.org", "full@example.org", "cut@example.org")
	s.register("rule", "rule@example.org")
	s.register("webinar", "good@example.org")
	clock := &shiftedClock{}
	d := s.daemonAt(clock.Now)
	letters := func() string { return strings.Join(s.received(), "\n") + "\n" }
	s.until("the good one has its letter", func() bool { return strings.Contains(letters(), "confirmation to good@example.org\n") })
	want := []string{
		"title@example.org confirmation refused poison",
		"not an address confirmation refused address",
		"a@example.org\r", "Bcc: b@example.org confirmation refused address",
		"poison@example.org confirmation refused poison",
		"nobody@example.org confirmation refused address",
		"policy@example.org confirmation refused policy",
		"lost@example.org confirmation unknown doubt", // for as long as the relay may take for its last word
		"later@example.org confirmation sent",
		"full@example.org confirmation sent",
		"cut@example.org confirmation sent",
		"rule@example.org confirmation sent",
		"good@example.org confirmation sent",
	}
	s.until("each has left the tick", func() bool {
		return s.sql(`SELECT count(*) FROM convened.notices WHERE state IN ('planned', 'claimed')`) == "0"
	})
	if got := s.standing(); !slices.Equal(got, want) {
		t.Errorf("they stand so:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if got := s.sql(`SELECT max(failures) FROM convened.notices WHERE cause = 'poison'`); got != "2" {
		t.Errorf("what can't be made was tried again %s times, want 2", got)
	}
	clock.shift(55 * time.Second) // when the reminder has come
	s.until("the good one is reminded", func() bool { return strings.Contains(letters(), "reminder to good@example.org\n") })
	// And who comes when all of that has happened is served at once.
	s.register("webinar", "new@example.org")
	s.until("the new one has a letter", func() bool { return strings.Contains(letters(), "confirmation to new@example.org\n") })
	if code := d.stop(); code != 0 {
		t.Errorf("the daemon ended with %d", code)
	}
	if got := s.sql(`SELECT count(*) FROM convened.notices WHERE state = 'claimed'`); got != "0" {
		t.Errorf("%s notices are left in hand", got)
	}
}

func TestInvariant4RenderedBeforeDialled(t *testing.T) {
	t.Parallel()
	transcript := &lockedBuffer{}
	s := newSiteWith(t, lab.SMTPOptions{Transcript: transcript}, poison(t))
	s.apply("webinar", 240*time.Hour, "")
	s.register("webinar", "poison@example.org")
	s.daemon()
	s.until("it is given up", func() bool { return s.sql(`SELECT state FROM convened.notices`) == "refused" })
	if ever, _ := s.smtp.Connections(); ever != 0 {
		t.Errorf("%d connections were opened for a letter that can't be made:\n%s", ever, transcript)
	}
	// The same dialogue as ever for the next one: this test sees them.
	s.register("webinar", "good@example.org")
	s.wait(1, 30*time.Second)
	if !strings.Contains(transcript.String(), "RCPT TO:<good@example.org>") || strings.Contains(transcript.String(), "poison") {
		t.Errorf("the dialogue is\n%s", transcript)
	}
}

func TestInvariant5ARetryIsTheSameLetter(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var tries [][]byte
	s := newSiteWith(t, lab.SMTPOptions{Script: func(step lab.Step) lab.Reaction {
		if step.Phase != lab.AtDot {
			return lab.Reaction{}
		}
		mu.Lock()
		defer mu.Unlock()
		tries = append(tries, slices.Clone(step.Message.Raw))
		switch len(tries) {
		case 1:
			return lab.Answer(451, "4.3.0", "not now")
		case 2:
			return lab.Reaction{Drop: true} // nobody knows whether it was taken
		}
		return lab.Reaction{}
	}}, "retry: {first: 1s}\npoll_interval: 200ms\n")
	s.configure(strings.Replace(s.read(), "  tls: none\n", "  tls: none\n  dot_timeout: 5s\n", 1))
	s.apply("webinar", 240*time.Hour, "reminders:\n  - before: 24h\n")
	s.register("webinar", "ana@example.org")
	count := func() int { mu.Lock(); defer mu.Unlock(); return len(tries) }
	d := s.daemon()
	s.until("it was tried", func() bool { return count() >= 1 })
	d.stop()
	s.daemon() // another process makes the same letter
	s.wait(1, 30*time.Second)
	if len(tries) != 3 {
		t.Fatalf("it was tried %d times, want 3", len(tries))
	}
	varies := regexp.MustCompile(`(?m)^Date: .*\r\n`)
	first, err := readLetter(tries[0])
	if err != nil {
		t.Fatal(err)
	}
	uid := regexp.MustCompile(`(?m)^UID:.+$`)
	if first.messageID == "" || !uid.Match(first.calendar) {
		t.Fatalf("the letter has the Message-ID %q and this invitation:\n%s", first.messageID, first.calendar)
	}
	for i, raw := range tries[1:] {
		p, err := readLetter(raw)
		if err != nil {
			t.Fatal(err)
		}
		if p.messageID != first.messageID || string(uid.Find(p.calendar)) != string(uid.Find(first.calendar)) {
			t.Errorf("try %d has the Message-ID %s and the %s, the first has %s and %s", i+2, p.messageID, uid.Find(p.calendar), first.messageID, uid.Find(first.calendar))
		}
		if a, b := varies.ReplaceAllString(string(tries[0]), ""), varies.ReplaceAllString(string(raw), ""); a != b {
			t.Errorf("but for its date, try %d is\n%s\nand the first was\n%s", i+2, b, a)
		}
	}
}

func TestInvariant6ASentMailIsRecordedEvenWhileShuttingDown(t *testing.T) {
	t.Parallel()
	taken := make(chan struct{}, 100)
	wake := make(chan struct{})
	var once sync.Once
	release := func() { once.Do(func() { close(wake) }) }
	s := newSiteWith(t, lab.SMTPOptions{Script: func(step lab.Step) lab.Reaction {
		if step.Phase == lab.AtDot {
			taken <- struct{}{}
			<-wake
		}
		return lab.Reaction{}
	}}, "")
	s.configure(strings.Replace(s.read(), "  tls: none\n", "  tls: none\n  connections: 4\n", 1))
	s.apply("webinar", 240*time.Hour, "")
	s.burst(50)
	d := s.daemon()
	t.Cleanup(release)
	for range 4 {
		<-taken // four servers have read a letter to its end, and say nothing
	}
	stopped := make(chan int, 1)
	go func() { stopped <- d.stop() }()
	s.until("what was not begun is given back", func() bool { return s.sql(`SELECT count(*) FROM convened.notices WHERE state = 'planned'`) == "46" })
	select {
	case code := <-stopped:
		t.Fatalf("the daemon ended with %d and did not wait for the last replies", code)
	default:
	}
	release()
	if code := <-stopped; code != 0 {
		t.Errorf("the daemon ended with %d", code)
	}
	if got := s.sql(`SELECT state, count(*) FROM convened.notices GROUP BY 1 ORDER BY 1`); got != "planned|46\nsent|4" || s.smtp.Count() != 4 {
		t.Errorf("with %d letters taken, the notices are\n%s", s.smtp.Count(), got)
	}
}

func TestInvariant7TimeIsAnArgumentAndPlanningPausesWhileTheClocksDiffer(t *testing.T) {
	t.Parallel()
	s := newSite(t, "poll_interval: 100ms\n")
	s.apply("webinar", 240*time.Hour, "")
	clock := &shiftedClock{}
	clock.shift(-5 * time.Minute)
	d := s.daemonAt(clock.Now)
	s.until("it says that it does not plan", func() bool {
		return strings.Contains(d.logs.String(), "planning pauses") && strings.Contains(d.logs.String(), "behind the database's")
	})
	// Whatever the form wrote as the time of the registration.
	s.sql(`INSERT INTO convened.registrations (event, email, created_at) VALUES ('webinar', 'now@example.org', now()), ('webinar', 'late@example.org', '2199-01-01')`)
	beats := s.sql(`SELECT beat_at FROM convened.daemons`)
	s.until("it has looked at the clocks again", func() bool { return s.sql(`SELECT beat_at FROM convened.daemons`) != beats })
	if n := s.smtp.Count(); n > 0 {
		t.Fatalf("%d letters were sent while the clocks differed", n)
	}
	clock.shift(40 * time.Second) // which is near enough
	s.until("it says that it plans", func() bool { return strings.Contains(d.logs.String(), "planning goes on") })
	s.wait(2, 30*time.Second)
	s.settled()
	// All is written from the daemon's clock and judged by it, not by the database's.
	if got := s.sql(`SELECT count(*) FROM convened.registrations WHERE planned_at > now() AND planned_at < now() + interval '45 seconds'`); got != "2" {
		t.Errorf("%s registrations were planned by the daemon's clock, want 2", got)
	}
	if got := s.sql(`SELECT count(*) FROM convened.notices WHERE due_at > now() AND sent_at > now()`); got != "2" {
		t.Errorf("%s notices were due and sent by the daemon's clock, want 2", got)
	}
}

// The machine sleeps over an instant. And a server says "later" until it is too late.
func TestInvariant8NoReminderAfterTheEventHasBegunNorBeyondItsGrace(t *testing.T) {
	t.Parallel()
	s := newSiteWith(t, lab.SMTPOptions{Script: lab.For(lab.ToAddress("later@example.org"), func(step lab.Step) lab.Reaction {
		if step.Phase == lab.AtRcpt && step.Attempt > 1 { // the confirmation is taken
			return lab.Answer(451, "4.3.0", "later")
		}
		return lab.Reaction{}
	})}, "retry: {first: 1s}\npoll_interval: 200ms\n")
	// Of use until 40 and until 50 seconds from now.
	s.apply("tried", 60*time.Second, "reminders:\n  - before: 40s\n    late: skip\n")
	s.apply("slept", 60*time.Second, "reminders:\n  - before: 20s\n    late: skip\n")
	clock := &shiftedClock{}
	s.daemonAt(clock.Now)
	s.register("tried", "good@example.org", "later@example.org")
	s.register("slept", "slept@example.org")
	s.wait(3, 30*time.Second)
	clock.shift(20 * time.Second)
	s.wait(4, 30*time.Second)
	s.until("the server has said later", func() bool {
		return s.sql(`SELECT count(*) FROM convened.notices WHERE kind = 'reminder' AND failures > 0`) == "1"
	})
	clock.shift(52 * time.Second)
	s.until("both are given up", func() bool {
		return s.sql(`SELECT count(*) FROM convened.notices WHERE kind = 'reminder' AND state NOT IN ('planned', 'claimed')`) == "3"
	})
	got := strings.Split(s.sql(`SELECT concat_ws(' ', r.email, n.state, n.reason, n.last_code) FROM convened.notices n JOIN convened.registrations r ON r.id = n.registration WHERE kind = 'reminder' ORDER BY r.id`), "\n")
	want := []string{"good@example.org sent 250", "later@example.org refused too late", "slept@example.org cancelled too late"}
	if !slices.Equal(got, want) {
		t.Errorf("the reminders are %q, want %q", got, want)
	}
	for _, letter := range s.received() {
		if strings.HasPrefix(letter, "reminder") && letter != "reminder to good@example.org" {
			t.Errorf("there was a %s", letter)
		}
	}
}

// Transactions commit out of the order of their ids.
func TestInvariant9NoRegistrationIsMissedThatCommitsLate(t *testing.T) {
	t.Parallel()
	s := newSite(t, "poll_interval: 100ms\n")
	s.apply("webinar", 240*time.Hour, "")
	s.daemon()
	cmd, err := lab.ClientCommand(t.Context(), s.url, "psql", "-XAtq", "-v", "ON_ERROR_STOP=1")
	if err != nil {
		t.Fatal(err)
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(in, "BEGIN;\nINSERT INTO convened.registrations (event, email, name) VALUES ('webinar', 'slow@example.org', 'Slow') RETURNING 'id ' || id;\n"); err != nil {
		t.Fatal(err)
	}
	slow, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || !strings.HasPrefix(slow, "id ") {
		t.Fatalf("psql answers %q, %v", slow, err)
	}
	for i := range 3 { // each is seen by a tick of its own
		s.register("webinar", fmt.Sprintf("quick%d@example.org", i))
		s.wait(i+1, 30*time.Second)
	}
	s.settled()
	if ids := s.sql(`SELECT bool_and(id > ` + strings.TrimPrefix(strings.TrimSpace(slow), "id ") + `) FROM convened.registrations WHERE planned_at IS NOT NULL`); ids != "t" {
		t.Fatal("the open transaction does not have the lowest id: this test shows nothing")
	}
	if _, err := io.WriteString(in, "COMMIT;\n"); err != nil {
		t.Fatal(err)
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	s.wait(4, 30*time.Second)
	if got := s.received()[3]; got != "confirmation to slow@example.org" {
		t.Errorf("the last letter is a %s", got)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// Every kind of failure that there is, by people with recognisable names, and a
// server that repeats addresses in what it says.
func TestInvariant10NoAddressNameOrBodyInALogAboveDebug(t *testing.T) {
	t.Parallel()
	echo := func(code int, enhanced string) lab.Script {
		return func(step lab.Step) lab.Reaction {
			return lab.Answer(code, enhanced, "what do you want of <"+step.To+">, Zephyrine Quastel?")
		}
	}
	at := func(phase lab.Phase, script lab.Script) lab.Script {
		return func(step lab.Step) lab.Reaction {
			if step.Phase != phase {
				return lab.Reaction{}
			}
			return script(step)
		}
	}
	s := newSiteWith(t, lab.SMTPOptions{Script: lab.First(
		lab.For(lab.ToAddress("qrefused@example.org"), at(lab.AtRcpt, echo(550, "5.1.1"))),
		lab.For(lab.ToAddress("qpolicy@example.org"), at(lab.AtDot, echo(554, "5.7.1"))),
		lab.For(lab.ToAddress("qlater@example.org"), lab.Until(1, at(lab.AtRcpt, echo(451, "4.2.0")))),
		lab.For(lab.ToAddress("qslow@example.net"), lab.Until(1, at(lab.AtRcpt, echo(421, "4.7.0")))),
		lab.For(lab.ToAddress("qdropped@example.org"), lab.Until(1, lab.DropAt(lab.AtData))),
		lab.For(lab.ToAddress("qdoubt@example.org"), lab.DotAcceptDrop()),
	)}, poison(t))
	body := "join_url: https://example.org/join-qquoin\nlocation: Qvadrant Hall\ndescription: Qmarginalia for all\n"
	file := write(t, "webinar.yaml", "event: webinar\ntitle: Qtitular matters\nstarts: 2036-11-25 16:00\nends: 2036-11-25 17:00\nzone: Europe/Brussels\nlanguage: en\norganizer: {name: Qorganiser, email: qorg@example.org}\nreminders:\n  - before: 24h\n"+body)
	s.must("event", "apply", file)
	s.apply("unreadable", 240*time.Hour, "")
	s.sql(`UPDATE convened.events SET title = '"Qtitle of no object"' WHERE slug = 'unreadable'`)
	hostile := "Qhostile\r\nSubject: Qinjected\x1b[31m %!s(MISSING) level=ERROR"
	s.sql(`INSERT INTO convened.registrations (event, email, name, zone, language) VALUES
		('webinar', 'qgood@example.org', 'Qgoodname', 'Qnowhere/Land', 'qtlh'),
		('webinar', 'qrefused@example.org', 'Zephyrine Quastel', NULL, NULL),
		('webinar', 'qpolicy@example.org', 'Zephyrine Quastel', NULL, NULL),
		('webinar', 'qlater@example.org', 'Qlatername', NULL, NULL),
		('webinar', 'qslow@example.net', 'Qslowname', NULL, NULL),
		('webinar', 'qdropped@example.org', 'Qdroppedname', NULL, NULL),
		('webinar', 'qdoubt@example.org', 'Qdoubtname', NULL, NULL),
		('webinar', 'qpoison@example.org', 'poison', NULL, NULL),
		('webinar', 'qmislaid at example.org', 'Qbadaddress', NULL, NULL),
		('webinar', E'qsmuggled@example.org\r\nBcc: qvictim@example.org', 'Qsmuggler', NULL, NULL),
		('webinar', 'qhostile@example.org', E'` + strings.NewReplacer("\r", `\r`, "\n", `\n`, "\x1b", `\x1b`).Replace(hostile) + `', NULL, NULL),
		('unreadable', 'qunreadable@example.org', 'Qunreadablename', NULL, NULL)`)
	if err := s.smtp.Refuse(); err != nil { // at first nobody is there
		t.Fatal(err)
	}
	d := s.daemon()
	s.until("the relay was missed", func() bool { return strings.Contains(d.logs.String(), "planned again") })
	if err := s.smtp.Resume(); err != nil {
		t.Fatal(err)
	}
	s.sql(`UPDATE convened.notices SET due_at = now()`)
	d.stop() // and with it the wait for the relay
	logs := d.logs.String()
	d = s.daemon()
	s.until("each has left the tick", func() bool { // but for who is at a domain that wants it slower
		return s.sql(`SELECT count(*) FROM convened.notices WHERE state IN ('planned', 'claimed') AND cause IS DISTINCT FROM 'slowdown'`) == "0"
	})
	d.stop()
	logs += d.logs.String()
	// The attempts hold what the log must not, or this test shows nothing.
	if got := s.sql(`SELECT count(DISTINCT notice) FROM convened.attempts WHERE reply LIKE '%<q%@example.%>%Quastel%'`); got != "4" {
		t.Fatalf("of %s letters it is kept what the server said, want 4:\n%s", got, strings.Join(s.standing(), "\n"))
	}
	for _, what := range []string{"sent", "refused", "unknown", "planned again", "read event unreadable"} {
		if !strings.Contains(logs, what) {
			t.Errorf("the log does not have a line with %q", what)
		}
	}
	if said := regexp.MustCompile(`(?i)[^ "=]*(\bq[a-z]{3,}|zephyrine|quastel|@|example\.(org|net))[^ "]*`).FindAllString(logs, -1); len(said) > 0 {
		t.Errorf("the log says %q:\n%s", said, logs)
	}
}
