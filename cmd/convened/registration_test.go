package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"convened/internal/lab"
)

// A person mistypes their address, and an organiser puts it right from the command
// line: from the failure to the letter that arrives.
func TestAnOrganiserFindsAMistypedAddressAndMendsIt(t *testing.T) {
	t.Parallel()
	s := newSiteWith(t, lab.SMTPOptions{Script: lab.For(lab.ToAddress("ana@exmple.org"), lab.At(lab.AtRcpt, lab.Answer(550, "5.1.1", "no such user here")))}, "")
	s.apply("webinar", 240*time.Hour, "")
	s.daemon()
	s.must("registration", "add", "webinar", "ana@exmple.org", "--name", "Ana Díaz")
	s.must("registration", "add", "webinar", "bo@example.org", "--name", "Bo")
	s.wait(1, 30*time.Second)
	s.settled()

	if out := s.must("notices", "failures", "webinar"); !strings.Contains(out, "Mailbox unknown: 1 letter of 1 person") || !strings.Contains(out, "What to do:") || !strings.Contains(out, "ana@exmple.org  5.1.1 no such user here") {
		t.Errorf("the failures are\n%s", out)
	}
	var failures []map[string]any
	if err := json.Unmarshal([]byte(s.must("notices", "failures", "webinar", "--json")), &failures); err != nil || len(failures) != 1 || failures[0]["cause"] != "mailbox-unknown" || failures[0]["people"] != 1.0 {
		t.Errorf("as JSON they are %v, %v", failures, err)
	}
	for _, args := range [][]string{{"--search", "diaz"}, {"--search", "EXMPLE"}, {"--state", "failed"}, {"--state", "refused"}} {
		if out := s.must(append([]string{"registration", "list", "webinar"}, args...)...); !strings.Contains(out, "ana@exmple.org") || strings.Contains(out, "bo@example.org") {
			t.Errorf("%q lists\n%s", args, out)
		}
	}
	if out := s.convened("registration", "list", "webinar", "--state", "lost"); out.code != 2 || !strings.Contains(out.stderr, "declined") {
		t.Errorf("a state that there is not: exit %d\n%s", out.code, out.stderr)
	}

	for _, bad := range []struct{ to, want string }{{"ana at example.org", "contains a space"}, {"ANA@exmple.org", "already"}} {
		if out := s.convened("registration", "correct", "webinar", "ana@exmple.org", bad.to); out.code != 1 || !strings.Contains(out.stderr, bad.want) {
			t.Errorf("corrected to %s: exit %d\n%s", bad.to, out.code, out.stderr)
		}
	}
	s.must("registration", "correct", "webinar", "ana@exmple.org", "ana@example.org")
	s.wait(2, 30*time.Second)
	s.settled()
	if got := s.received()[1]; got != "confirmation to ana@example.org" {
		t.Errorf("what arrived is %s", got)
	}
	if out := s.must("notices", "failures", "webinar"); !strings.Contains(out, "Nothing is known to have failed") {
		t.Errorf("after the correction the failures are\n%s", out)
	}
	by := operator()
	if out := s.must("explain", "webinar", "ana@example.org"); !strings.Contains(out, "registered as the correction of ana@exmple.org by "+by) {
		t.Errorf("of the right address it says\n%s", out)
	}
	if out := s.must("explain", "webinar", "ana@exmple.org"); !strings.Contains(out, "the address was corrected to ana@example.org by "+by) || !strings.Contains(out, "address corrected") {
		t.Errorf("of the wrong address it says\n%s", out)
	}
	if out := s.must("registration", "list", "webinar"); !strings.Contains(out, "corrected to 3") {
		t.Errorf("the list says\n%s", out)
	}

	// Once more, sooner than a form could.
	s.must("registration", "resend", "webinar", "ana@example.org")
	s.wait(3, 30*time.Second)
	s.settled()
	if got := s.received()[2]; got != "confirmation to ana@example.org" {
		t.Errorf("what arrived is %s", got)
	}
	if out := s.must("explain", "webinar", "ana@example.org"); !strings.Contains(out, "sent once more, as "+by+" asked") || !strings.Contains(out, "confirmation sent again") {
		t.Errorf("of the resend it says\n%s", out)
	}
	s.must("registration", "cancel", "webinar", "ana@example.org")
	if out := s.convened("registration", "resend", "webinar", "ana@example.org"); out.code != 1 || !strings.Contains(out.stderr, "given up") {
		t.Errorf("of who left: exit %d\n%s", out.code, out.stderr)
	}
}

// What was refused for one cause goes out again once that is mended, and what was for
// another does not.
func TestWhatFailedForOneCauseIsTriedAgain(t *testing.T) {
	t.Parallel()
	mended := make(chan struct{})
	s := newSiteWith(t, lab.SMTPOptions{Script: func(step lab.Step) lab.Reaction {
		select {
		case <-mended:
			return lab.Reaction{}
		default:
		}
		switch {
		case step.Phase != lab.AtRcpt:
		case step.To == "spam@example.org":
			return lab.Answer(550, "5.7.1", "we do not know you")
		case step.To == "full@example.org":
			return lab.Answer(552, "5.2.2", "over quota")
		}
		return lab.Reaction{}
	}}, "")
	s.apply("webinar", 240*time.Hour, "")
	s.daemon()
	for _, who := range []string{"spam", "full", "fine"} {
		s.must("registration", "add", "webinar", who+"@example.org")
	}
	s.wait(1, 30*time.Second)
	s.settled()
	close(mended)
	says(t, "what would be", s.must("notices", "retry", "--event", "webinar", "--cause", "taken-for-spam", "--dry-run"), "will get mail: 1 person")
	s.must("notices", "retry", "--event", "webinar", "--cause", "taken-for-spam", "--yes")
	s.wait(2, 30*time.Second)
	s.settled()
	if got := s.received()[1]; got != "confirmation to spam@example.org" {
		t.Errorf("what went out is %s", got)
	}
	says(t, "what is left", s.must("notices", "failures", "webinar"), "Mailbox full: 1 letter of 1 person")
	for _, wrong := range [][]string{{"--cause", "nonsense", "--event", "webinar"}, {"--cause", "mailbox-full"}, {"--cause", "mailbox-full", "--event", "webinar", "--state", "refused"}} {
		if out := s.convened(append([]string{"notices", "retry"}, wrong...)...); out.code != 2 {
			t.Errorf("%q: exit %d\n%s", wrong, out.code, out.stderr)
		}
	}
	if out := s.convened("notices", "retry", "--event", "webinar", "--cause", "mailbox-unknown", "--yes"); out.code != 1 || !strings.Contains(out.stderr, "registration correct") {
		t.Errorf("what has to be corrected: exit %d\n%s", out.code, out.stderr)
	}
}
