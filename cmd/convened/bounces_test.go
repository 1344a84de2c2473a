package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"convened/internal/lab"
)

// newReturns is newSite with an intake on a socket, and its path.
func newReturns(t *testing.T, more string) (*site, string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "intake") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	s := newSite(t, fmt.Sprintf("intake: {listen: 'unix:%s'}\n%s", socket, more))
	s.configure(strings.Replace(s.read(), "smtp:\n", "smtp:\n  bounce_domain: bounces.example.org\n", 1))
	return s, socket
}

// deliver hands a mail to the intake as a mail server does. It returns what each
// recipient was told, nil for those that were accepted.
func deliver(t *testing.T, socket, from, text string, to ...string) map[string]error {
	t.Helper()
	var conn net.Conn
	var err error
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if conn, err = net.Dial("unix", socket); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	c := smtp.NewClientLMTP(conn)
	defer func() { _ = c.Close() }()
	told := map[string]error{}
	if err := c.Mail(from, nil); err != nil {
		t.Fatal(err)
	}
	for _, rcpt := range to {
		told[rcpt] = c.Rcpt(rcpt, nil)
	}
	w, err := c.Data()
	if err != nil {
		return told // nobody was accepted
	}
	if _, err := w.Write([]byte(strings.ReplaceAll(text, "\n", "\r\n"))); err != nil {
		t.Fatal(err)
	}
	var refused smtp.LMTPDataError
	if _, err := w.CloseWithLMTPResponse(); errors.As(err, &refused) {
		for rcpt, status := range refused {
			told[rcpt] = status
		}
	} else if err != nil {
		t.Fatal(err)
	}
	return told
}

// report is a delivery report on one address.
func report(to, address, action, status, said string) string {
	return fmt.Sprintf(`From: MAILER-DAEMON@mx.example.org (Mail Delivery System)
To: %s
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

It could not be delivered.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org

Final-Recipient: rfc822; %s
Action: %s
Status: %s
Diagnostic-Code: smtp; %s

--b--
`, to, address, action, status, said)
}

// letterTo returns the first letter to an address.
func (s *site) letterTo(address string) lab.Message {
	s.t.Helper()
	for _, m := range s.smtp.Messages() {
		if m.To[0] == address {
			return m
		}
	}
	s.t.Fatalf("there is no letter to %s", address)
	return lab.Message{}
}

// has fails unless a text holds all of some parts.
func has(t *testing.T, what, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%s does not say %q:\n%s", what, p, text)
		}
	}
}

func TestABounceMarksTheAddressAndEverybodyCanSeeIt(t *testing.T) {
	t.Parallel()
	s, socket := newReturns(t, "poll_interval: 1s\n")
	s.apply("webinar", time.Hour+50*time.Second, "reminders:\n  - {name: soon, before: 1h, late: skip}\n")
	clock := &shiftedClock{}
	d := s.daemonAt(clock.Now)
	s.must("registration", "add", "webinar", "ana@example.org", "Ana")
	s.must("registration", "add", "webinar", "bo@example.org", "Bo")
	s.wait(2, 30*time.Second)
	s.settled()
	from := s.letterTo("ana@example.org").From
	for _, err := range deliver(t, socket, "", report(from, "ana@example.org", "failed", "5.1.1", "550 5.1.1 <ana@example.org>: User unknown"), from) {
		if err != nil {
			t.Fatal(err)
		}
	}
	// A forged one for Bo, who is real, and one to nobody.
	forged := strings.Replace(s.letterTo("bo@example.org").From, ".", ".0", 1)
	told := deliver(t, socket, "", report(forged, "bo@example.org", "failed", "5.1.1", "550 5.1.1 unknown"), forged, "replies@bounces.example.org")
	if err := told[forged]; err == nil || !strings.Contains(err.Error(), "550") || told["replies@bounces.example.org"] != nil {
		t.Errorf("the forged one was answered %v", told)
	}
	// The reminder goes to the one whose address works.
	clock.shift(55 * time.Second)
	s.wait(3, 30*time.Second)
	s.settled()
	if got := s.received(); got[len(got)-1] != "reminder to bo@example.org" || len(got) != 3 {
		t.Errorf("the letters are %q", got)
	}
	has(t, "registration list", s.must("registration", "list", "webinar"), "address refused", "550 5.1.1 <ana@example.org>: User unknown")
	has(t, "explain", s.must("explain", "webinar", "ana@example.org"), "the address does not work", "What came back:", "no such address (5.1.1)", "the address is marked")
	has(t, "notices bounces", s.must("notices", "bounces"), "ana@example.org", "confirmation", "no such address (5.1.1)")
	if out := s.must("notices", "bounces", "--kind", "complaint"); out != "None.\n" {
		t.Errorf("complaints: %s", out)
	}
	has(t, "status", s.must("status"), "Came back in the last 7 days: 1 hard, 1 unmatched.")
	var list []returnJSON
	if err := json.Unmarshal([]byte(s.must("notices", "bounces", "--event", "webinar", "--json")), &list); err != nil || len(list) != 1 || list[0].Effect != "marked" || list[0].Letter != "confirmation" {
		t.Errorf("as JSON: %+v, %v", list, err)
	}
	has(t, "explain --json", s.must("explain", "webinar", "ana@example.org", "--json"), `"returned": [`, `"effect": "marked"`)
	if out := s.convened("notices", "bounces", "--kind", "herd"); out.code != exitWrong {
		t.Errorf("an unknown kind: exit %d", out.code)
	}
	if d.stop() != 0 {
		t.Errorf("the daemon ended with %d\n%s", d.stop(), d.logs)
	}
	if strings.Contains(d.logs.String(), "ana@example.org") {
		t.Errorf("the log holds an address:\n%s", d.logs)
	}
}

// A no in a calendar takes nobody's seat: the person keeps it, the organiser
// sees it, and later letters offer to give it up.
func TestADeclinedInvitationKeepsTheSeatAndIsShown(t *testing.T) {
	t.Parallel()
	s, socket := newReturns(t, "")
	s.apply("webinar", 240*time.Hour, "")
	s.daemon()
	s.must("registration", "add", "webinar", "ana@example.org", "Ana")
	s.wait(1, 30*time.Second)
	s.settled()
	p, err := readLetter(s.letterTo("ana@example.org").Raw)
	if err != nil {
		t.Fatal(err)
	}
	// As a calendar does: the invitation back, with another method and answer.
	answer := func(said string, at time.Time) {
		t.Helper()
		var back []string
		for _, l := range strings.Split(strings.ReplaceAll(string(p.calendar), "\r\n ", ""), "\r\n") {
			switch {
			case strings.HasPrefix(l, "METHOD:"):
				l = "METHOD:REPLY"
			case strings.HasPrefix(l, "DTSTAMP:"):
				l = "DTSTAMP:" + at.UTC().Format("20060102T150405Z")
			case strings.HasPrefix(l, "ATTENDEE"):
				l = strings.Replace(l, "PARTSTAT=ACCEPTED;RSVP=FALSE", "PARTSTAT="+said, 1)
			}
			back = append(back, l)
		}
		mail := "From: Ana <ana@example.org>\nTo: events@example.org\nSubject: " + said + "\nMIME-Version: 1.0\nContent-Type: text/calendar; charset=utf-8; method=REPLY\n\n" + strings.Join(back, "\n")
		for _, err := range deliver(t, socket, "ana@example.org", mail, "events@example.org") {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	now := time.Now()
	answer("DECLINED", now)
	has(t, "registration list", s.must("registration", "list", "webinar"), "declined, has the seat")
	has(t, "explain", s.must("explain", "webinar", "ana@example.org"), "said no in a calendar", "answered: declined", "is offered to give up the seat")
	if seats := s.sql(`SELECT count(*) FROM convened.registrations WHERE cancelled_at IS NULL`); seats != "1" {
		t.Errorf("%s seats are left", seats)
	}
	s.settled()
	if got := s.received(); len(got) != 1 {
		t.Errorf("letters went out: %q", got)
	}
	// The next letter, whatever it is about, offers it.
	s.apply("webinar", 241*time.Hour, "")
	s.wait(2, 30*time.Second)
	s.settled()
	if p, err = readLetter(s.smtp.Messages()[1].Raw); err != nil || p.kind != "update" {
		t.Fatalf("the second letter is a %s, %v", p.kind, err)
	}
	has(t, "the update", strings.Join(strings.Fields(string(p.text)), " "), "you declined the invitation", "/cancel")
	answer("ACCEPTED", now.Add(time.Second))
	has(t, "registration list", s.must("registration", "list", "webinar"), "confirmed")
}

func TestAComplaintEndsTheRemindersAndNothingElse(t *testing.T) {
	t.Parallel()
	s, socket := newReturns(t, "")
	s.apply("webinar", 240*time.Hour, "")
	s.daemon()
	s.must("registration", "add", "webinar", "ana@example.org", "Ana")
	s.wait(1, 30*time.Second)
	s.settled()
	letter := s.letterTo("ana@example.org")
	mail := "From: fbl@example.com\nTo: complaints@bounces.example.org\nSubject: FW\nMIME-Version: 1.0\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\n\n" +
		"--b\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\nVersion: 1\n\n--b\nContent-Type: message/rfc822\n\n" + strings.ReplaceAll(string(letter.Raw), "\r\n", "\n") + "\n--b--\n"
	for range 2 { // delivered twice, it is one
		for _, err := range deliver(t, socket, "fbl@example.com", mail, "complaints@bounces.example.org") {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	has(t, "registration list", s.must("registration", "list", "webinar"), "muted")
	if n := s.sql(`SELECT count(*) FROM convened.returns WHERE kind = 'complaint' AND effect = 'muted'`); n != "1" {
		t.Errorf("%s complaints", n)
	}
}
