package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"convened/internal/lab"
)

// soon applies an event that starts in three hours and was announced long ago.
// more is appended to its file.
func (s *site) soon(slug, more string) {
	s.t.Helper()
	start := time.Now().Add(3 * time.Hour).UTC()
	file := write(s.t.(*testing.T), slug+".yaml", fmt.Sprintf("event: %s\ntitle: {en: Webinar, fr: Webinaire}\nstarts: %s\nends: %s\nzone: UTC\nlanguage: fr\n%s",
		slug, start.Format("2006-01-02 15:04:05"), start.Add(time.Hour).Format("2006-01-02 15:04:05"), more))
	s.must("event", "apply", file, "--yes")
	s.sql(`UPDATE convened.events SET created_at = now() - interval '10 days', moved_at = now() - interval '10 days'`)
}

const (
	toOrganiser = "organizer: {name: Metropolis, email: events@example.org}\n"
	withLink    = "join_url: https://example.org/join\n"
)

// letterOf waits for the letter of a kind and returns it and whom it went to.
func (s *site) letterOf(kind string) (*letterParts, []string) {
	s.t.Helper()
	var found *letterParts
	var to []string
	s.until("there is a "+kind, func() bool {
		for _, m := range s.smtp.Messages() {
			if p, err := readLetter(m.Raw); err == nil && p.kind == kind {
				found, to = p, m.To
			}
		}
		return found != nil
	})
	return found, to
}

func TestTheOrganiserIsToldWhatIsWrongBeforeTheStartAndOnce(t *testing.T) {
	t.Parallel()
	s := newSiteWith(t, lab.SMTPOptions{Script: func(step lab.Step) lab.Reaction {
		if step.Phase == lab.AtRcpt && strings.HasPrefix(step.To, "gone@") {
			return lab.Answer(550, "5.1.1", "no such user here")
		}
		return lab.Reaction{}
	}}, "")
	quiet := s.read()
	s.configure(quiet + "preflight: 0s\n")
	s.soon("webinar", "location: En ligne\n"+toOrganiser)
	s.soon("hall", "location: Rue de la Loi 155\n"+toOrganiser)
	d := s.daemon()
	s.sql(`INSERT INTO convened.registrations (event, email, created_at) VALUES ('webinar', 'ana@example.org', now()), ('webinar', 'gone@example.org', now()), ('webinar', 'nobody', now()),
		('webinar', 'copied@example.org', now() - interval '1 year'), ('hall', 'bo@example.org', now())`)
	s.wait(2, 20*time.Second)
	s.settled()
	// Where it is turned off nobody looks.
	if got := s.sql(`SELECT count(*) FROM convened.events WHERE preflight_for IS NOT NULL`); got != "0" {
		t.Errorf("%s events were looked at", got)
	}
	d.stop()
	s.configure(quiet)

	says(t, "the preview", s.must("preview", "webinar", "--kind", "preflight", "--language", "en"), "There is no link to join", "gone@example.org", "convened notices release --event webinar")
	if out := s.convened("preview", "hall", "--kind", "preflight"); out.code != 1 || !strings.Contains(out.stderr, "nothing is wrong") {
		t.Errorf("the preview where nothing is wrong: exit %d\n%s", out.code, out.stderr)
	}
	d = s.daemon()
	p, to := s.letterOf("preflight")
	if len(to) != 1 || to[0] != "events@example.org" || p.calendar != nil || !strings.Contains(p.subject, "Webinaire") {
		t.Errorf("the preflight %q went to %q", p.subject, to)
	}
	for part, text := range map[string]string{"text": string(p.text), "HTML": string(p.html)} {
		says(t, "the "+part, text, "pas de lien de connexion", "2 personnes", "gone@example.org", "no such user here", "nobody", "plus anciennes que", "convened notices release --event webinar")
	}
	if strings.Contains(string(p.text), "ana@") {
		t.Errorf("it names whose mail arrived:\n%s", p.text)
	}
	s.reaches(`SELECT string_agg(event || ' ' || state, ', ') FROM convened.notices WHERE kind = 'preflight'`, "webinar sent")
	says(t, "the log", d.logs.String(), "something is wrong before the start", "refused=2", "held=1", "told=true")
	if strings.Contains(d.logs.String(), "gone@") {
		t.Errorf("the log names an address:\n%s", d.logs)
	}
	s.reaches(`SELECT count(*) FROM convened.events WHERE preflight_for = starts_at`, "2")

	// Another start of the daemon is no reason to say it again, and neither is more of it.
	d.stop()
	s.sql(`INSERT INTO convened.registrations (event, email, created_at) VALUES ('webinar', 'gone@example.net', now())`)
	s.daemon()
	s.reaches(`SELECT count(*) FROM convened.registrations WHERE refused_at IS NOT NULL`, "3")
	if n := s.smtp.Count(); n != 3 {
		t.Errorf("%d letters arrived, want 3:\n%s", n, strings.Join(s.received(), "\n"))
	}
}

func TestWithoutAnOrganiserItIsLoggedWhatIsWrong(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	s.soon("webinar", "")
	d := s.daemon()
	s.reaches(`SELECT count(*) FROM convened.events WHERE preflight_for = starts_at`, "1")
	s.until("it is logged", func() bool { return strings.Contains(d.logs.String(), "something is wrong before the start") })
	says(t, "the log", d.logs.String(), "event=webinar", "no_link=true", "told=false")
	if n := s.sql(`SELECT count(*) FROM convened.notices`); n != "0" {
		t.Errorf("%s letters were planned", n)
	}
}

func TestAPreflightStaysWhereMailMayNotGoAndIsOfNoUseOnceAllIsWell(t *testing.T) {
	t.Parallel()
	s := newSite(t, "allow_recipients: [staging.example]\n")
	s.soon("webinar", toOrganiser)
	d := s.daemon()
	s.reaches(tally, "1 preflight held recipient")
	says(t, "status", s.must("status"), "webinar: 1 notice: allow_recipients does not name this address")
	d.stop()
	s.configure(strings.Replace(s.read(), "allow_recipients: [staging.example]\n", "", 1))
	says(t, "the dry run", s.must("notices", "release", "--event", "webinar", "--dry-run"), "webinar: 1 preflight, held", "will get mail: 1 person")
	s.sql(`UPDATE convened.events SET join_url = 'https://example.org/join', revision = revision + 1`)
	s.daemon()
	says(t, "the release", s.must("notices", "release", "--event", "webinar", "--yes"), "1 notice will be cancelled, not sent: nothing is wrong any more")
	s.reaches(tally, "1 preflight cancelled useless")
	if n := s.smtp.Count(); n != 0 {
		t.Errorf("%d letters went out", n)
	}
}

// The relay is the one thing that may be wrong and that a letter can't tell of
// until it is well again: then it tells of what did not go out in time.
func TestAPreflightTellsOfConfirmationsThatDidNotGoOut(t *testing.T) {
	t.Parallel()
	s := newSiteWith(t, lab.SMTPOptions{Script: func(step lab.Step) lab.Reaction {
		if step.Phase == lab.AtRcpt && strings.HasPrefix(step.To, "slow@") {
			return lab.Answer(451, "4.3.0", "the disk is full")
		}
		return lab.Reaction{}
	}}, "retry: {first: 6h}\npreflight: 0s\n")
	s.soon("webinar", withLink+toOrganiser)
	d := s.daemon()
	s.sql(`INSERT INTO convened.registrations (event, email, created_at) VALUES ('webinar', 'slow@example.org', now()), ('webinar', 'ana@example.org', now())`)
	s.reaches(tally, "1 confirmation planned server, 1 confirmation sent")
	d.stop()
	s.sql(`UPDATE convened.notices SET planned_at = planned_at - interval '11 minutes'`)
	s.configure(strings.Replace(s.read(), "preflight: 0s\n", "", 1))
	s.daemon()
	p, _ := s.letterOf("preflight")
	says(t, "the letter", string(p.text), "Une confirmation n’est pas partie", "the disk is full")
	if strings.Contains(string(p.text), "slow@") || strings.Contains(string(p.text), "lien de connexion") {
		t.Errorf("the letter says too much:\n%s", p.text)
	}
}
