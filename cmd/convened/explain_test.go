package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"convened/desk"
	"convened/internal/lab"
)

// explain runs the command and checks its lines.
func (h *theatre) explain(email string, lines ...string) {
	h.t.Helper()
	h.shows(h.command(explainCommand{Event: "webinar", Email: email}, false), lines...)
}

func TestExplainSaysWhatWasSentAndWhatWillBe(t *testing.T) {
	t.Parallel()
	h := newTheatre(t, "2026-11-01 09:00", nil)
	h.stage(planned)
	h.enter("Ana@Example.org", "es")
	// Nobody has planned it yet.
	h.explain("ana@example.org",
		"ana@example.org at webinar, Wed 25 Nov 2026 16:00 CET",
		"registered on Sun 1 Nov 2026 10:00 CET and not planned yet: the daemon does it at its next tick",
		"Sun 1 Nov 2026 10:00 CET confirmation will Sun 1 Nov 2026 10:00 CET registered, and not planned yet",
		"Tue 24 Nov 2026 16:00 CET reminder: 24 hours before the start will Tue 24 Nov 2026 16:00 CET")
	h.play("2026-11-23 12:00")
	h.explain("ana@example.org",
		"Ana <Ana@Example.org> at webinar, Wed 25 Nov 2026 16:00 CET",
		"registered on Sun 1 Nov 2026 10:00 CET, letters in es",
		"FOR MAIL REACHES WHEN WHY",
		"Sun 1 Nov 2026 10:00 CET confirmation did Sun 1 Nov 2026 10:00 CET registered",
		"Sun 22 Nov 2026 09:00 CET reminder: 3 days before, at 09:00 did Sun 22 Nov 2026 09:00 CET",
		"Tue 24 Nov 2026 16:00 CET reminder: 24 hours before the start will Tue 24 Nov 2026 16:00 CET",
		"Wed 25 Nov 2026 19:00 CET followup: 2 hours after the end will Wed 25 Nov 2026 19:00 CET")
	var j struct {
		Event, Email string
		Mails        []struct {
			Mail, Rule, Reaches, State string
			For                        time.Time
			At                         *time.Time
			Attempts                   []struct {
				Code  int
				Reply string
			}
		}
	}
	out := h.command(explainCommand{Event: "webinar", Email: "ana@example.org"}, true)
	if err := json.Unmarshal([]byte(out.stdout), &j); err != nil || len(j.Mails) != 6 || j.Mails[0].State != "sent" || len(j.Mails[0].Attempts) != 1 || j.Mails[0].Attempts[0].Code != 250 {
		t.Errorf("as JSON, %v:\n%s", err, out.stdout)
	}
	if m := j.Mails[2]; m.Rule != "before 24h" || m.Reaches != "will" || !m.At.Equal(m.For) {
		t.Errorf("the third mail is %+v", m)
	}
}

func TestExplainSaysWhyARuleDoesNotReachAPerson(t *testing.T) {
	t.Parallel()
	h := newTheatre(t, "2026-11-10 09:00", func(s lab.Step) lab.Reaction {
		switch {
		case s.Phase == lab.AtRcpt && s.To == "gone@example.org":
			return lab.Reaction{Reply: lab.Reply{Code: 550, Enhanced: "5.1.1", Text: "no such user here"}}
		case s.Phase == lab.AtRcpt && s.To == "slow@example.org" && s.Attempt < 3:
			return lab.Reaction{Reply: lab.Reply{Code: 451, Enhanced: "4.2.0", Text: "greylisted, come back"}}
		}
		return lab.Reaction{}
	})
	h.stage(planned + "  - before: 3h\n    late: catch-up\n")
	for _, email := range []string{"gone@example.org", "muted@example.org", "left@example.org", "again@example.org", "not an address"} {
		h.enter(email, "")
	}
	h.play("2026-11-20 09:00")
	if _, err := h.desk.Mute(t.Context(), h.clock.Now(), "webinar", "muted@example.org", true); err != nil {
		t.Fatal(err)
	}
	if _, err := h.desk.GiveUp(t.Context(), h.clock.Now(), "webinar", "left@example.org"); err != nil {
		t.Fatal(err)
	}
	h.explain("gone@example.org",
		"the address does not work, since Tue 10 Nov 2026 10:00 CET",
		"Tue 10 Nov 2026 10:00 CET confirmation did not the server said: 5.1.1 no such user here",
		"Sun 22 Nov 2026 09:00 CET reminder: 3 days before, at 09:00 will not the address was refused on Tue 10 Nov 2026 10:00 CET",
		"Tries that came to nothing:",
		"Tue 10 Nov 2026 10:00 CET confirmation refused 550 5.1.1 no such user here (rcpt)")
	h.play("2026-11-22 12:00")
	h.explain("muted@example.org",
		"muted the reminders on Fri 20 Nov 2026 10:00 CET",
		"Sun 22 Nov 2026 09:00 CET reminder: 3 days before, at 09:00 did not the reminders were muted on Fri 20 Nov 2026 10:00 CET",
		"Tue 24 Nov 2026 16:00 CET reminder: 24 hours before the start will not the reminders were muted on Fri 20 Nov 2026 10:00 CET")
	h.explain("left@example.org",
		"gave up the seat on Fri 20 Nov 2026 10:00 CET",
		"Fri 20 Nov 2026 10:00 CET cancellation did Fri 20 Nov 2026 10:00 CET the seat was given up",
		"Tue 24 Nov 2026 16:00 CET reminder: 24 hours before the start will not the registration was cancelled on Fri 20 Nov 2026 10:00 CET")
	h.play("2026-11-24 14:40")
	h.enter("again@example.org", "") // twenty minutes before the reminder
	h.play("2026-11-25 13:30")
	h.enter("late@example.org", "") // half an hour before the start's last hour
	h.enter("slow@example.org", "")
	h.play("2026-11-25 13:31")
	h.explain("again@example.org",
		"Tue 24 Nov 2026 15:40 CET confirmation did Tue 24 Nov 2026 15:40 CET registered again",
		"Tue 24 Nov 2026 16:00 CET reminder: 24 hours before the start did not folded into a confirmation or an update of the 30 minutes before it")
	h.explain("late@example.org",
		"Tue 24 Nov 2026 16:00 CET reminder: 24 hours before the start did not folded into the confirmation: the seat was taken less than 30 minutes before it, or after it, on Wed 25 Nov 2026 14:30 CET",
		"Wed 25 Nov 2026 14:00 CET reminder: 2 hours before the start did not the seat was taken after it, on Wed 25 Nov 2026 14:30 CET",
		"Wed 25 Nov 2026 14:30 CET reminder: 3 hours before the start did Wed 25 Nov 2026 14:30 CET caught up: its instant, Wed 25 Nov 2026 13:00 CET, was past when the seat was taken or the reminders were unmuted",
		"Wed 25 Nov 2026 15:00 CET reminder: last-call: 1 hour before the start will Wed 25 Nov 2026 15:00 CET")
	out := h.command(explainCommand{Event: "webinar", Email: "slow@example.org"}, false)
	if !strings.Contains(out.stdout, "1 try failed; the server said: 4.2.0 greylisted, come back") || !strings.Contains(out.stdout, "tried again later  451 4.2.0 greylisted") {
		t.Errorf("it does not say why it waits:\n%s", out.stdout)
	}
	h.explain("not an address",
		"Tue 10 Nov 2026 10:00 CET confirmation did not not an address: "+faultOf(t, h.desk, "not an address"))
	if out := h.command(explainCommand{Event: "webinar", Email: "nobody@example.org"}, false); out.code != 1 || !strings.Contains(out.stderr, "nobody@example.org is not registered for event \"webinar\"") || !strings.Contains(out.stderr, "convened registration list webinar") {
		t.Errorf("somebody unknown: exit %d, %s", out.code, out.stderr)
	}
	if out := h.command(explainCommand{Event: "nothing", Email: "nobody@example.org"}, false); out.code != 1 || !strings.Contains(out.stderr, `"nothing"`) || !strings.Contains(out.stderr, "event list") {
		t.Errorf("an unknown event: exit %d, %s", out.code, out.stderr)
	}
}

// faultOf is what is wrong with an address, in the words that stand on its row.
func faultOf(t *testing.T, d *desk.Desk, email string) string {
	t.Helper()
	list, err := d.Store.Notices(t.Context(), "webinar", "refused", 100, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range list {
		if n.Email == email {
			return n.LastError
		}
	}
	t.Fatalf("%q has no refused notice", email)
	return ""
}

func TestExplainSaysWhatAnOrganisersEditDid(t *testing.T) {
	t.Parallel()
	h := newTheatre(t, "2026-11-10 09:00", nil)
	h.stage(planned)
	h.enter("ana@example.org", "")
	h.play("2026-11-24 16:00") // two reminders have gone out
	moved := strings.NewReplacer("2026-11-25", "2026-11-27", "  - before: 2h\n    late: skip\n", "").Replace(planned)
	h.stage(moved)
	h.play("2026-11-24 16:01")
	h.explain("ana@example.org",
		"Sun 22 Nov 2026 09:00 CET reminder: 3 days before, at 09:00 did Sun 22 Nov 2026 09:00 CET for the start on Wed 25 Nov 2026 16:00 CET, before the event was moved",
		"Tue 24 Nov 2026 16:00 CET reminder: 24 hours before the start did Tue 24 Nov 2026 16:00 CET for the start on Wed 25 Nov 2026 16:00 CET, before the event was moved",
		"Tue 24 Nov 2026 17:00 CET update did Tue 24 Nov 2026 17:00 CET the event changed",
		"Tue 24 Nov 2026 09:00 CET reminder: 3 days before, at 09:00 did not its instant was past when the event was moved on Tue 24 Nov 2026 17:00 CET",
		"Thu 26 Nov 2026 16:00 CET reminder: 24 hours before the start will Thu 26 Nov 2026 16:00 CET",
		"Fri 27 Nov 2026 15:00 CET reminder: last-call: 1 hour before the start will Fri 27 Nov 2026 15:00 CET")
	h.play("2026-11-26 16:00")
	h.stage(strings.Replace(moved, "  - before: 24h\n", "", 1))
	h.explain("ana@example.org",
		"Thu 26 Nov 2026 16:00 CET reminder: before 24h did Thu 26 Nov 2026 16:00 CET the rule was removed since")
	h.stage(strings.Replace(moved, "before: 24h", "before: 20h", 1)) // its instant is to come
	h.play("2026-11-26 16:01")
	h.explain("ana@example.org",
		"Thu 26 Nov 2026 20:00 CET reminder: 20 hours before the start will Thu 26 Nov 2026 20:00 CET")
	p, err := h.desk.ProposeCancel(t.Context(), h.clock.Now(), "webinar")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.desk.Carry(t.Context(), h.clock.Now(), p); err != nil {
		t.Fatal(err)
	}
	h.explain("ana@example.org",
		"the event is off",
		"Thu 26 Nov 2026 17:01 CET cancellation will Thu 26 Nov 2026 17:01 CET the event is off",
		"Fri 27 Nov 2026 15:00 CET reminder: last-call: 1 hour before the start will not the event is off")
	h.play("2026-11-30 00:00")
	h.explain("ana@example.org",
		"Thu 26 Nov 2026 17:01 CET cancellation did Thu 26 Nov 2026 17:01 CET the event is off",
		"Fri 27 Nov 2026 15:00 CET reminder: last-call: 1 hour before the start did not the event is off")
}

// A daemon that was down for too long says so on the row.
func TestExplainSaysThatAReminderCameTooLate(t *testing.T) {
	t.Parallel()
	h := newTheatre(t, "2026-11-10 09:00", nil)
	h.stage(planned)
	h.enter("ana@example.org", "")
	h.play("2026-11-24 12:00")
	h.to(t, "2026-11-24 17:30") // and nobody was there
	h.play("2026-11-24 17:31")
	h.explain("ana@example.org",
		"Tue 24 Nov 2026 16:00 CET reminder: 24 hours before the start did not too late",
		"Wed 25 Nov 2026 14:00 CET reminder: 2 hours before the start will Wed 25 Nov 2026 14:00 CET")
}

func TestLintSaysWhatIsWrongAndWhenEachRuleFires(t *testing.T) {
	t.Parallel()
	h := newTheatre(t, "2026-11-10 09:00", nil)
	h.stage(planned)
	out := h.command(lintCommand{Event: "webinar"}, false)
	h.shows(out, "webinar: starts Wed 25 Nov 2026 16:00 CET (15:00 UTC)", "last-call: 1 hour before the start", "Wed 25 Nov 2026 15:00 CET 2026-11-25 14:00Z")
	if strings.Contains(out.stdout, "error:") {
		t.Errorf("a sound schedule has errors:\n%s", out.stdout)
	}
	daily := strings.Replace(planned, "  - before: 2h\n    late: skip\n", "  - cron: \"0 9 * * *\"\n    from: 8 days\n  - before: 2 days at 03:00\n", 1)
	h.shows(h.command(lintCommand{Event: write(t, "daily.yaml", daily)}, false),
		"Wed 18 Nov 2026 09:00 CET 2026-11-18 08:00Z", "and 3 more",
		`warning: reminder "before 2 days at 03:00": the mail goes out on Monday 23 November 2026 at 03:00, in the night (Europe/Brussels); choose an hour between 07:00 and 22:00, such as "before: 1 day at 09:00"`)
	never := write(t, "never.yaml", strings.Replace(planned, "before: 2h", "before: 0 days at 18:00", 1))
	out = h.command(lintCommand{Event: never}, false)
	if out.code != 1 || !strings.Contains(out.stdout, `error: reminder "before 0 days at 18:00": the rule never fires`) {
		t.Errorf("a rule that never fires: exit %d\n%s%s", out.code, out.stdout, out.stderr)
	}
	var j struct {
		Findings []struct{ Level, Mend string }
		Rules    []struct {
			Reminder, Words string
			Next            []struct{ At time.Time }
		}
	}
	out = h.command(lintCommand{Event: never}, true)
	if err := json.Unmarshal([]byte(out.stdout), &j); err != nil || out.code != 1 || j.Findings[0].Level != "error" || len(j.Rules) != 5 || len(j.Rules[0].Next) != 1 || len(j.Rules[3].Next) != 0 {
		t.Errorf("as JSON, exit %d, %v:\n%s", out.code, err, out.stdout)
	}
	if out := h.command(lintCommand{Event: write(t, "broken.yaml", strings.Replace(planned, "before: 2h", "before: 2 weeks", 1))}, false); out.code != 2 || !strings.Contains(out.stderr, "broken.yaml:15:") {
		t.Errorf("a rule that can't be read: exit %d, %s", out.code, out.stderr)
	}
	if out := h.command(lintCommand{Event: "nothing"}, false); out.code != 1 || !strings.Contains(out.stderr, "event list") {
		t.Errorf("an unknown event: exit %d, %s", out.code, out.stderr)
	}
}
