package main

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestWhoLeavesGetsACancellationAndWhoComesBackTheSameInvitation(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	s.apply("webinar", 240*time.Hour, "")
	s.daemon()
	s.must("registration", "add", "webinar", "ana@example.org", "--name", "Ana")
	s.wait(1, 30*time.Second)
	s.settled()
	if out := s.must("registration", "cancel", "webinar", "ANA@example.org"); !strings.Contains(out, "given up") {
		t.Errorf("it says %q", out)
	}
	s.wait(2, 30*time.Second)
	s.settled()
	s.must("registration", "add", "webinar", "ana@example.org")
	s.wait(3, 30*time.Second)
	var got []string
	for _, m := range s.smtp.Messages() {
		p, err := readLetter(m.Raw)
		if err != nil {
			t.Fatal(err)
		}
		line := p.kind
		for _, l := range strings.Split(string(p.calendar), "\r\n") {
			if strings.HasPrefix(l, "METHOD") || strings.HasPrefix(l, "SEQUENCE") || strings.HasPrefix(l, "UID") {
				line += " " + strings.ReplaceAll(l, s.sql(`SELECT uid FROM convened.registrations WHERE seat = id`), "same")
			}
		}
		got = append(got, line)
	}
	want := []string{"confirmation METHOD:REQUEST UID:same SEQUENCE:0", "cancellation METHOD:CANCEL UID:same SEQUENCE:1", "confirmation METHOD:REQUEST UID:same SEQUENCE:2"}
	if !slices.Equal(got, want) {
		t.Errorf("the letters are %q, want %q", got, want)
	}
	if out := s.convened("registration", "cancel", "webinar", "nobody@example.org"); out.code != 1 || !strings.Contains(out.stderr, "nobody@example.org") {
		t.Errorf("somebody unknown: exit %d, %q", out.code, out.stderr)
	}
}

func TestMuteUnmuteAndEraseFromTheCommandLine(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	s.apply("webinar", 240*time.Hour, "")
	s.must("registration", "add", "webinar", "ana@example.org", "--name", "Ana Secretname")
	s.daemon()
	s.wait(1, 30*time.Second)
	s.settled()
	for _, c := range []struct{ verb, want string }{{"mute", "no more reminders"}, {"mute", "before"}, {"unmute", "again"}, {"unmute", "not muted"}} {
		if out := s.must("registration", c.verb, "webinar", "ana@example.org"); !strings.Contains(out, c.want) {
			t.Errorf("%s says %q, want %q", c.verb, out, c.want)
		}
	}
	if out := s.must("registration", "erase", "all", "ana@example.org"); !strings.Contains(out, "1 registration") {
		t.Errorf("erase says %q", out)
	}
	if out := s.must("registration", "list", "webinar"); strings.Contains(out, "Secretname") || !strings.Contains(out, "erased") {
		t.Errorf("the list:\n%s", out)
	}
}

// The wall time is what people were told, so it stays; the instant follows the
// rules of the zone, and who has an invitation gets a new one. Here the rules
// "change" by a row computed with others.
func TestANewRuleOfTheZoneMovesTheInstantAndTellsPeople(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	s.apply("spoilt", 240*time.Hour, "") // by hand: it keeps nobody from the others
	s.apply("webinar", 240*time.Hour, "")
	d := s.daemon()
	s.must("registration", "add", "webinar", "ana@example.org")
	s.wait(1, 30*time.Second)
	s.settled()
	d.stop()
	s.sql(`UPDATE convened.events SET starts_at = starts_at + interval '1 hour', ends_at = ends_at + interval '1 hour' WHERE slug = 'webinar';
		UPDATE convened.revisions r SET snapshot = to_jsonb(e) FROM convened.events e WHERE e.slug = r.event;
		UPDATE convened.events SET title = '{"en": 5}' WHERE slug = 'spoilt'`)
	s.daemon()
	s.wait(2, 30*time.Second)
	p, err := readLetter(s.smtp.Messages()[1].Raw)
	if err != nil {
		t.Fatal(err)
	}
	if p.kind != "update" || !strings.Contains(string(p.calendar), "SEQUENCE:1") {
		t.Errorf("the second letter is a %s:\n%s", p.kind, p.calendar)
	}
	if by := s.sql(`SELECT made_by FROM convened.revisions WHERE event = 'webinar' ORDER BY revision DESC LIMIT 1`); by != "time zone data" {
		t.Errorf("the edit was made by %q", by)
	}
}
