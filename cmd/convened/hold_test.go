package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"convened"
	"convened/internal/lab"
	"convened/internal/lab/labtest"
	"convened/scheduler"
	"convened/systemd"
)

// reaches waits for a condition that a query of the database tells.
func (s *site) reaches(query, want string) {
	s.t.Helper()
	got := ""
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if got = s.sql(query); got == want {
			return
		}
	}
	s.t.Fatalf("%s\nis %q, want %q", query, got, want)
}

// tally counts the notices by kind, state and cause.
const tally = `SELECT string_agg(n || ' ' || what, ', ' ORDER BY what) FROM (SELECT count(*) AS n, kind || ' ' || state || coalesce(' ' || cause, '') AS what FROM convened.notices GROUP BY kind, state, cause) l`

// says fails unless a text has all of the words.
func says(t *testing.T, what, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%s does not say %q:\n%s", what, w, text)
		}
	}
}

func TestAFuseThatTripsHoldsTheRestUntilItIsReleased(t *testing.T) {
	t.Parallel()
	s := newSite(t, "fuse: {max: 5}\n")
	s.apply("webinar", 10*24*time.Hour, "")
	d := s.daemon()
	s.burst(12)
	s.wait(5, 20*time.Second)
	s.reaches(tally, "7 confirmation held fuse, 5 confirmation sent")
	// Who comes later in the hour is held too, and nothing more is said of it.
	s.sql(`INSERT INTO convened.registrations (event, email) VALUES ('webinar', 'late@example.org')`)
	s.reaches(tally, "8 confirmation held fuse, 5 confirmation sent")
	if n := strings.Count(d.logs.String(), "msg=held"); n != 1 && strings.Count(d.logs.String(), `msg="held`) != 1 {
		t.Errorf("the log speaks of it %d times:\n%s", n, d.logs)
	}
	says(t, "the log", d.logs.String(), "cause=fuse", "more than 5 confirmations for this event within an hour", "convened notices release --event webinar")
	says(t, "status", s.must("status"), "8 notices: more than 5 confirmations for this event within an hour", "convened notices release --event webinar --reason fuse", "waits for somebody to release it")
	says(t, "status --json", s.must("status", "--json"), `"cause": "fuse"`, `"notices": 8`, `"quarantine": null`)
	says(t, "the list", s.must("notices", "list", "--held"), "late@example.org", "more than 5 confirmations")

	says(t, "the dry run", s.must("notices", "release", "--event", "webinar", "--dry-run"), "8 confirmation, held: more than 5", "will get mail: 8 people")
	if out := s.convened("notices", "release", "--event", "webinar"); out.code != 2 || !strings.Contains(out.stderr, "8 people") || !strings.Contains(out.stderr, "--yes") {
		t.Errorf("where nobody can be asked: exit %d\n%s", out.code, out.stderr)
	}
	s.reaches(tally, "8 confirmation held fuse, 5 confirmation sent")

	// One by its number, and the rest.
	one := s.sql(`SELECT n.id FROM convened.notices n JOIN convened.registrations r ON r.id = n.registration WHERE r.email = 'late@example.org'`)
	var shown struct {
		Notices, People int
		Lines           []struct{ Event, Kind, State, Why string }
	}
	if err := json.Unmarshal([]byte(s.must("notices", "release", one, "--yes", "--json")), &shown); err != nil || shown.Notices != 1 || shown.People != 1 || len(shown.Lines) != 1 || shown.Lines[0].Event != "webinar" {
		t.Errorf("releasing one says %+v, %v", shown, err)
	}
	s.wait(6, 20*time.Second)
	if to := s.smtp.Messages()[5].To; !slices.Equal(to, []string{"late@example.org"}) {
		t.Errorf("the sixth letter went to %q", to)
	}
	says(t, "the release", s.must("notices", "release", "--event", "webinar", "--reason", "fuse", "--yes"), "7 notices released")
	s.wait(13, 20*time.Second)
	s.settled()
	s.once(13)
	says(t, "releasing again", s.must("notices", "release", "--event", "webinar"), "There is none")
	if out := s.convened("notices", "release", one); out.code != 1 || !strings.Contains(out.stderr, one) {
		t.Errorf("releasing what is sent: exit %d\n%s", out.code, out.stderr)
	}
	if got := s.sql(`SELECT string_agg(what || ' ' || notices || ' ' || about || ' ' || (made_by <> '') || ' ' || (made_at > now() - interval '1 minute'), ';' ORDER BY id) FROM convened.releases`); got != "release 1  true true;release 7 webinar true true" {
		t.Errorf("what is written down is %q", got)
	}
}

// However many plan and however people come, no more get mail than the fuse lets
// through.
func TestTheFuseIsExactWithTwoDaemonsAtWork(t *testing.T) {
	t.Parallel()
	s := newSite(t, "fuse: {max: 100}\n")
	s.apply("webinar", 10*24*time.Hour, "")
	s.daemon()
	s.daemon()
	for i := range 30 {
		s.sql(fmt.Sprintf(`INSERT INTO convened.registrations (event, email) SELECT 'webinar', 'p%d-' || i || '@example.org' FROM generate_series(1, 10) i`, i))
	}
	s.reaches(tally, "200 confirmation held fuse, 100 confirmation sent")
	if n := s.smtp.Count(); n != 100 {
		t.Errorf("%d letters went out, want 100", n)
	}
}

func TestRegistrationsThatWereCopiedOrComeAfterTheEventAreHeld(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	s.apply("webinar", 10*24*time.Hour, "")
	s.apply("over", 10*24*time.Hour, "")
	s.sql(`UPDATE convened.events SET starts_at = now() - interval '3 hours', ends_at = now() - interval '2 hours' WHERE slug = 'over'`)
	s.daemon()
	s.sql(`INSERT INTO convened.registrations (event, email, created_at) VALUES ('webinar', 'copied@example.org', now() - interval '1 day'), ('webinar', 'genuine@example.org', now()), ('over', 'after@example.org', now())`)
	s.wait(1, 20*time.Second)
	s.reaches(tally, "1 confirmation held backfill, 1 confirmation held over, 1 confirmation sent")
	says(t, "status", s.must("status"), "webinar: 1 notice: copied from elsewhere", "over: 1 notice: the event was over before this registration came")
	// Released, what has lost its use is cancelled the normal way and never sent.
	says(t, "the dry run", s.must("notices", "release", "--event", "over", "--dry-run"), "1 notice will be cancelled, not sent: too late: the event is over", "will get mail: 0 people")
	s.must("notices", "release", "--event", "over") // nobody gets mail: nothing to ask
	s.reaches(tally, "1 confirmation cancelled useless, 1 confirmation held backfill, 1 confirmation sent")
	says(t, "what is held for another reason", s.must("notices", "release", "--event", "webinar", "--reason", "fuse"), "There is none")
	if n := s.smtp.Count(); n != 1 {
		t.Errorf("%d letters went out, want 1", n)
	}
}

// The common way to a second copy: last night's dump, read in somewhere else.
func TestADatabaseReadInFromADumpSendsNothingUntilItIsReleased(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	s.apply("webinar", 10*24*time.Hour, "reminders:\n  - before: 24h\n")
	d := s.daemon()
	s.burst(3)
	s.wait(3, 20*time.Second)
	s.settled()
	d.stop()
	s.burst(5) // two are new to a daemon

	dump := exec.CommandContext(t.Context(), "pg_dump", "--dbname="+s.url, "--no-owner")
	sql, err := dump.Output()
	if err != nil {
		t.Fatalf("pg_dump: %v", err)
	}
	copied := *s
	copied.url, copied.config = labtest.Blank(t), s.config+".copy"
	copied.configure(strings.Replace(s.read(), fmt.Sprintf("%q", s.url), fmt.Sprintf("%q", copied.url), 1))
	read, err := lab.ClientCommand(t.Context(), copied.url, "psql", "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1")
	if err != nil {
		t.Fatal(err)
	}
	read.Stdin = strings.NewReader(string(sql))
	if out, err := read.CombinedOutput(); err != nil {
		t.Fatalf("psql: %v\n%s", err, out)
	}
	d = copied.daemon()
	// It plans, and sends nothing.
	copied.reaches(tally, "2 confirmation planned, 3 confirmation sent")
	says(t, "status", copied.must("status"), "QUARANTINE since", "a dump was read in", "convened notices release --quarantine")
	says(t, "the log", d.logs.String(), "quarantine: nothing is sent", "a dump was read in")
	if n := strings.Count(d.logs.String(), "quarantine: nothing is sent"); n != 1 {
		t.Errorf("the log says so %d times", n)
	}
	if n := s.smtp.Count(); n != 3 {
		t.Fatalf("%d letters went out, want 3", n)
	}
	// Another start changes nothing of it.
	d.stop()
	copied.daemon()
	if out := copied.convened("notices", "release", "--quarantine"); out.code != 2 || !strings.Contains(out.stderr, "2 people") {
		t.Errorf("where nobody can be asked: exit %d\n%s", out.code, out.stderr)
	}
	if out := copied.convened("notices", "release", "--quarantine", "--event", "webinar"); out.code != 2 {
		t.Errorf("a quarantine of one event: exit %d\n%s", out.code, out.stderr)
	}
	says(t, "the dry run", copied.must("notices", "release", "--quarantine", "--dry-run"), "In quarantine since", "mail is due for 2 people")
	if n := s.smtp.Count(); n != 3 {
		t.Fatalf("%d letters went out, want 3", n)
	}
	says(t, "the release", copied.must("notices", "release", "--quarantine", "--yes"), "The quarantine is over")
	s.wait(5, 20*time.Second)
	says(t, "releasing again", copied.must("notices", "release", "--quarantine"), "There is no quarantine")

	// The original was not touched by any of it.
	s.daemon()
	s.wait(7, 20*time.Second)
}

func TestAStagingCopyWritesToNobodyButWhomItMay(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	plain := s.read()
	s.apply("webinar", 10*24*time.Hour, "")
	d := s.daemon()
	s.sql(`INSERT INTO convened.registrations (event, email) VALUES ('webinar', 'real@example.com'), ('webinar', 'Me@Example.org'), ('webinar', 'x@staging.example')`)
	s.wait(3, 20*time.Second)
	s.settled()
	d.stop()

	// The same people, on a system that may write to two of them: every kind.
	s.configure(plain + "allow_recipients: [me@example.org, staging.example]\nfuse: {max: 100}\n")
	d = s.daemon()
	s.sql(`INSERT INTO convened.registrations (event, email) VALUES ('webinar', 'other@example.com'), ('webinar', 'not an address')`)
	s.reaches(tally, "1 confirmation held recipient, 1 confirmation refused address, 3 confirmation sent")
	s.apply("webinar", 11*24*time.Hour, "")
	s.wait(5, 20*time.Second)
	s.reaches(tally, "1 confirmation held recipient, 1 confirmation refused address, 3 confirmation sent, 1 update held recipient, 2 update sent")
	s.must("event", "cancel", "webinar", "--yes")
	s.wait(7, 20*time.Second)
	s.reaches(`SELECT count(*) FROM convened.notices WHERE kind = 'cancellation' AND state = 'held' AND reason = 'allow_recipients does not name this address'`, "1")
	for _, m := range s.smtp.Messages()[3:] {
		if to := strings.ToLower(m.To[0]); to != "me@example.org" && to != "x@staging.example" {
			t.Errorf("a letter went to %s", to)
		}
	}
	if strings.Contains(d.logs.String(), "real@") || strings.Contains(d.logs.String(), "other@") {
		t.Errorf("the log names an address:\n%s", d.logs)
	}
	// To release them is of no use as long as that is so, and says so.
	says(t, "the release", s.must("notices", "release", "--event", "webinar"), "3 notices will stay as they are: allow_recipients", "will get mail: 0 people")
	d.stop()

	// Where everybody may get mail again, it is somebody's decision what goes.
	s.configure(plain)
	s.daemon()
	says(t, "the dry run", s.must("notices", "release", "--event", "webinar", "--dry-run"), "will get mail: 1 person", "the event is off")
	s.must("notices", "release", "--event", "webinar", "--yes")
	s.wait(8, 20*time.Second)
	if got := s.received()[7]; got != "cancellation to real@example.com" {
		t.Errorf("the last letter is a %s", got)
	}
}

// script refuses one mailbox until it is told not to.
func TestWhatWasRefusedGoesOutWhenSomebodyTriesItAgain(t *testing.T) {
	t.Parallel()
	broken := make(chan struct{})
	s := newSiteWith(t, lab.SMTPOptions{Script: func(step lab.Step) lab.Reaction {
		select {
		case <-broken:
			return lab.Reaction{}
		default:
		}
		switch {
		case step.Phase != lab.AtRcpt:
		case strings.HasPrefix(step.To, "moved@"):
			return lab.Answer(550, "5.1.1", "no such user")
		case strings.HasPrefix(step.To, "slow@"):
			return lab.Answer(451, "4.2.1", "try later")
		}
		return lab.Reaction{}
	}}, "retry: {first: 6h}\n")
	s.apply("webinar", 10*24*time.Hour, "")
	s.daemon()
	s.sql(`INSERT INTO convened.registrations (event, email) VALUES ('webinar', 'moved@example.org'), ('webinar', 'slow@example.org'), ('webinar', 'fine@example.org'), ('webinar', 'nowhere')`)
	s.wait(1, 20*time.Second)
	s.reaches(tally, "1 confirmation planned server, 2 confirmation refused address, 1 confirmation sent")
	close(broken)
	if out := s.convened("notices", "retry", "--event", "webinar"); out.code != 2 || !strings.Contains(out.stderr, "--state") {
		t.Errorf("without a state: exit %d\n%s", out.code, out.stderr)
	}
	if out := s.convened("notices", "retry", "--event", "webinar", "--state", "refused"); out.code != 2 || !strings.Contains(out.stderr, "1 person") || !strings.Contains(out.stdout, "1 notice will stay as they are: there is no such address") {
		t.Errorf("where nobody can be asked: exit %d\n%s%s", out.code, out.stdout, out.stderr)
	}
	says(t, "the retry", s.must("notices", "retry", "--event", "webinar", "--state", "refused", "--state", "planned", "--yes"), "2 notices to be tried again")
	s.wait(3, 20*time.Second)
	s.reaches(tally, "1 confirmation refused address, 3 confirmation sent")
	if got := s.sql(`SELECT string_agg(email, ' ') FROM convened.registrations WHERE refused_at IS NOT NULL`); got != "nowhere" {
		t.Errorf("marked as refused are %s", got)
	}
	if got := s.sql(`SELECT what || ' ' || notices FROM convened.releases`); got != "retry 2" {
		t.Errorf("what is written down is %q", got)
	}
}

func TestTheStatusSaysWhatIsHeldAndThatNothingIsSent(t *testing.T) {
	t.Parallel()
	log := slog.New(slog.DiscardHandler)
	v := &vital{notify: systemd.NewNotifier(log, tickLoop), clock: time.Now, held: 1234}
	for _, c := range []struct {
		r    scheduler.Report
		want string
	}{
		{scheduler.Report{}, "running; 1,234 held: convened notices list --held"},
		{scheduler.Report{Waiting: (&convened.Quarantine{Reason: "a copy"}).Error()},
			"waiting: quarantine: a copy; see docs/safety.md, and end it with `convened notices release --quarantine`; 1,234 held: convened notices list --held"},
	} {
		if v.ticked(c.r, nil); v.status != c.want {
			t.Errorf("the status is %q, want %q", v.status, c.want)
		}
	}
}

// A service that stood still for long does not start to write of its own accord.
func TestAServiceThatStoodStillForLongSendsNothingUntilItIsReleased(t *testing.T) {
	t.Parallel()
	s := newSite(t, "quarantine_after: 1h\n")
	s.apply("webinar", 10*24*time.Hour, "")
	d := s.daemon()
	s.reaches(`SELECT count(*) FROM convened.daemons`, "1")
	d.stop()
	// Within the time it is a restart like any other.
	s.sql(`UPDATE convened.daemons SET beat_at = now() - interval '59 minutes'`)
	s.burst(2)
	d = s.daemon()
	s.wait(2, 20*time.Second)
	s.settled()
	d.stop()
	s.sql(`UPDATE convened.daemons SET beat_at = now() - interval '61 minutes'`)
	s.burst(3)
	s.daemon()
	s.reaches(tally, "1 confirmation planned, 2 confirmation sent")
	says(t, "status", s.must("status"), "QUARANTINE since", "no daemon has been here since", "1 daemon is running")
	says(t, "status --json", s.must("status", "--json"), `"reason": "no daemon has been here since`)
	if n := s.smtp.Count(); n != 2 {
		t.Fatalf("%d letters went out, want 2", n)
	}
	s.must("notices", "release", "--quarantine", "--yes")
	s.wait(3, 20*time.Second)
}

// A quarantine is no obstacle to stopping, and a context that ends is no evidence.
func TestADaemonInQuarantineStopsInGoodOrder(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	s.apply("webinar", 10*24*time.Hour, "")
	d := s.daemon()
	s.reaches(`SELECT count(*) FROM convened.service WHERE server_started_at IS NOT NULL`, "1")
	d.stop()
	s.sql(`UPDATE convened.service SET table_oid = 1`)
	s.burst(2)
	d = s.daemon()
	s.reaches(`SELECT count(*) FROM convened.service WHERE quarantined_at IS NOT NULL`, "1")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	done := make(chan int, 1)
	go func() { done <- d.stop() }()
	select {
	case code := <-done:
		if code != 0 {
			t.Errorf("it ended with %d", code)
		}
	case <-ctx.Done():
		t.Error("it does not stop")
	}
}
