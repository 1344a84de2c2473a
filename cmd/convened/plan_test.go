package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"convened/config"
	"convened/desk"
	"convened/internal/lab"
	"convened/scheduler"
	"convened/store"
)

// A theatre is a site whose daemon is played on a virtual clock.
type theatre struct {
	*site
	clock *virtualClock
	desk  *desk.Desk
	sched *scheduler.Scheduler
}

// newTheatre opens one at an instant. script is the mail server's; nil takes everything.
func newTheatre(t *testing.T, start string, script lab.Script) *theatre {
	t.Helper()
	h := &theatre{clock: &virtualClock{}}
	h.to(t, start)
	h.site = newSiteWith(t, lab.SMTPOptions{Now: h.clock.Now, Script: script}, "")
	cfg, err := config.Load(h.config, nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := open(cfg, 4, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	h.desk = newDesk(cfg, s)
	keys, err := s.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p, err := newPost(cfg, keys, nil, h.clock.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.relay.Close() })
	if _, err := s.Register(t.Context(), store.Daemon{Name: "theatre", Host: "theatre"}); err != nil {
		t.Fatal(err)
	}
	h.sched = scheduler.New(scheduler.Options{Store: s, Composer: p, Clock: h.clock.Now, Identify: desk.Identify, Hands: 1, Grace: cfg.Grace, Logger: slog.New(slog.DiscardHandler)})
	t.Cleanup(h.sched.Begin(t.Context()))
	return h
}

// to sets the clock, without anything happening.
func (h *theatre) to(t testing.TB, at string) {
	t.Helper()
	h.clock.Set(instantOf(t, at))
}

func instantOf(t testing.TB, at string) time.Time {
	t.Helper()
	instant, err := time.Parse("2006-01-02 15:04", at)
	if err != nil {
		t.Fatal(err)
	}
	return instant
}

// play lets the daemon do all that there is to do up to an instant.
func (h *theatre) play(to string) {
	h.t.Helper()
	end := instantOf(h.t, to)
	for at := h.clock.Now(); !at.After(end); {
		h.clock.Set(at)
		if err := h.sched.Until(h.t.Context(), at); err != nil {
			h.t.Fatal(err)
		}
		next, err := h.sched.NextInstant(h.t.Context(), at)
		if err != nil {
			h.t.Fatal(err)
		}
		if next.IsZero() {
			break
		}
		at = next
	}
	h.clock.Set(end)
}

// stage applies an event file as of the clock.
func (h *theatre) stage(text string) {
	h.t.Helper()
	wanted, err := desk.ReadEventFile("event.yaml", []byte(text))
	if err != nil {
		h.t.Fatal(err)
	}
	p, err := h.desk.Propose(h.t.Context(), h.clock.Now(), wanted)
	if err == nil {
		_, err = h.desk.Carry(h.t.Context(), h.clock.Now(), p)
	}
	if err != nil {
		h.t.Fatal(err)
	}
}

// enter registers somebody as of the clock.
func (h *theatre) enter(email, language string) {
	h.t.Helper()
	if _, err := h.desk.Store.AddRegistrations(h.t.Context(), []store.Entry{{Event: "webinar", Email: email, Name: "Ana", Language: language, CreatedAt: h.clock.Now()}}); err != nil {
		h.t.Fatal(err)
	}
}

// command runs a command as of the clock.
func (h *theatre) command(c interface{ Run(*env) error }, json bool) output {
	h.t.Helper()
	var stdout, stderr bytes.Buffer
	e := &env{ctx: h.t.Context(), cli: &cli{Config: h.config, JSON: json}, stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr, clock: h.clock.Now}
	code := exitCode(c.Run(e), &stderr)
	return output{code, stdout.String(), stderr.String()}
}

// shows fails unless a command did what it should and printed each line,
// however wide its columns are.
func (h *theatre) shows(out output, lines ...string) {
	h.t.Helper()
	got := []string{}
	for line := range strings.Lines(out.stdout) {
		got = append(got, strings.Join(strings.Fields(line), " "))
	}
	for _, want := range lines {
		if out.code != 0 || !slices.Contains(got, want) {
			h.t.Errorf("exit %d, and no line %q:\n%s%s", out.code, want, out.stdout, out.stderr)
		}
	}
}

// sent counts what the server took since the first n letters, by kind and instant.
func (h *theatre) sent(n int) map[string]int {
	h.t.Helper()
	counts := map[string]int{}
	for _, m := range h.smtp.Messages()[n:] {
		p, err := readLetter(m.Raw)
		if err != nil {
			h.t.Fatal(err)
		}
		counts[p.kind+" "+m.At.UTC().Format(time.RFC3339)]++
	}
	return counts
}

// plan is what the command foretells, in the words of sent.
func (h *theatre) plan(c planCommand) map[string]int {
	h.t.Helper()
	out := h.command(c, true)
	var p struct {
		Mails []struct {
			Mail   string
			At     time.Time
			People int
		}
	}
	if err := json.Unmarshal([]byte(out.stdout), &p); err != nil || out.code != 0 {
		h.t.Fatalf("exit %d, %v\n%s%s", out.code, err, out.stdout, out.stderr)
	}
	counts := map[string]int{}
	for _, m := range p.Mails {
		if m.People > 0 {
			counts[m.Mail+" "+m.At.Format(time.RFC3339)] += m.People
		}
	}
	return counts
}

const planned = `event: webinar
title: Webinar
starts: 2026-11-25 16:00
ends: 2026-11-25 17:00
zone: Europe/Brussels
language: fr
location: Online
join_url: https://example.org/join
organizer: {name: Metropolis, email: events@example.org}
reminders:
  - before: 3 days at 09:00
  - before: 24h
  - before: 1h
    name: last-call
  - before: 2h
    late: skip
  - after: 2h
`

func TestPlanForetellsWhatTheDaemonSends(t *testing.T) {
	t.Parallel()
	h := newTheatre(t, "2026-11-01 09:00", nil)
	h.stage(planned)
	if out := h.command(planCommand{Event: "webinar"}, false); out.code != 0 || !strings.Contains(out.stdout, "0 registered") || !strings.Contains(out.stdout, "Sun 22 Nov 2026 09:00 CET") {
		t.Errorf("with nobody there:\n%s%s", out.stdout, out.stderr)
	}
	for i, language := range []string{"", "", "es", "en", "en-GB"} {
		h.enter(fmt.Sprintf("p%d@example.org", i), language)
	}
	h.enter("no address", "")
	h.play("2026-11-05 12:00")
	if _, err := h.desk.Mute(t.Context(), h.clock.Now(), "webinar", "p1@example.org", true); err != nil {
		t.Fatal(err)
	}
	h.enter("late@example.org", "es")
	h.enter("P2@example.org", "en") // again, in another language
	h.shows(h.command(planCommand{Event: "webinar"}, false),
		"webinar: Wed 25 Nov 2026 16:00 CET (15:00 UTC), 6 registered, 2 not planned yet",
		"WHEN UTC MAIL RULE PEOPLE LANGUAGES NOT",
		"Thu 5 Nov 2026 13:00 CET 2026-11-05 12:00Z confirmation registered 2 1 en, 1 es",
		"Sun 22 Nov 2026 09:00 CET 2026-11-22 08:00Z reminder 3 days before, at 09:00 5 3 en, 1 es, 1 fr 1: the address was refused; 1: the reminders were muted",
		"Tue 24 Nov 2026 16:00 CET 2026-11-24 15:00Z reminder 24 hours before the start 5 3 en, 1 es, 1 fr 1: the address was refused; 1: the reminders were muted",
		"Wed 25 Nov 2026 15:00 CET 2026-11-25 14:00Z reminder last-call: 1 hour before the start 5 3 en, 1 es, 1 fr 1: the address was refused; 1: the reminders were muted",
		"Wed 25 Nov 2026 19:00 CET 2026-11-25 18:00Z followup 2 hours after the end 5 3 en, 1 es, 1 fr 1: the address was refused; 1: the reminders were muted")
	foretold := h.plan(planCommand{Event: "webinar"})
	before := h.smtp.Count()
	h.play("2026-12-20 00:00")
	if got := h.sent(before); !maps.Equal(got, foretold) || len(got) != 6 {
		t.Errorf("sent %v, foretold %v", got, foretold)
	}
	if out := h.command(planCommand{Event: "webinar"}, false); !strings.Contains(out.stdout, "It is over.\nNo mail is to come.\n") {
		t.Errorf("afterwards:\n%s", out.stdout)
	}
}

// Another instant: a later one leaves out what will have gone by then, an
// earlier one is as if nothing had gone yet.
func TestPlanAtAnotherInstant(t *testing.T) {
	t.Parallel()
	h := newTheatre(t, "2026-11-01 09:00", nil)
	h.stage(planned)
	h.enter("ana@example.org", "")
	h.play("2026-11-24 12:00")
	now := h.plan(planCommand{Event: "webinar"})
	for at, want := range map[string]int{"": 4, "2026-11-24 16:00": 4, "2026-11-24 16:01": 3, "2026-11-25T18:00:00Z": 1, "2026-12-01 00:00": 0, "2026-11-20 00:00": 5, "2026-11-23 00:00": 4} {
		if got := h.plan(planCommand{Event: "webinar", At: at}); len(got) != want {
			t.Errorf("at %q: %v, want %d", at, got, want)
		}
	}
	out := h.command(planCommand{Event: "webinar", At: "2026-11-20 09:00"}, false)
	if !strings.Contains(out.stdout, "As if it were Fri 20 Nov 2026 09:00 CET, with the rules and the people of now.") {
		t.Errorf("it does not say what it is:\n%s", out.stdout)
	}
	if out := h.command(planCommand{Event: "webinar", At: "tomorrow"}, false); out.code != 2 || !strings.Contains(out.stderr, "--at") || !strings.Contains(out.stderr, "2026-11-25 16:00") {
		t.Errorf("exit %d: %s", out.code, out.stderr)
	}
	before := h.smtp.Count()
	h.play("2026-12-20 00:00")
	if got := h.sent(before); !maps.Equal(got, now) {
		t.Errorf("asking changed something: sent %v, foretold %v", got, now)
	}
}

// What waits and what is not told yet is part of the plan.
func TestPlanShowsWhatWaitsAndWhatIsNotTold(t *testing.T) {
	t.Parallel()
	h := newTheatre(t, "2026-11-10 09:00", func(s lab.Step) lab.Reaction {
		if s.Phase == lab.AtRcpt && s.To == "slow@example.org" && s.Attempt == 1 {
			return lab.Reaction{Reply: lab.Reply{Code: 451, Enhanced: "4.2.0", Text: "greylisted, come back"}}
		}
		return lab.Reaction{}
	})
	h.stage(planned)
	h.enter("ana@example.org", "")
	h.enter("slow@example.org", "")
	h.play("2026-11-10 09:01")
	h.stage(strings.Replace(planned, "title: Webinar", "title: A better title", 1))
	out := h.command(planCommand{Event: "webinar"}, false)
	h.shows(out, "Not told yet: a change, by an update to 1 person, at Tue 10 Nov 2026 10:03 CET.", "Waiting now:",
		"Tue 10 Nov 2026 10:03 CET 2026-11-10 09:03Z update the event changed 1 1 fr")
	if line := regexp.MustCompile(`(?m)^confirmation +planned +Tue 10 Nov 2026 10:0.* 1 +.*greylisted, come back$`); !line.MatchString(out.stdout) {
		t.Errorf("the plan does not show what waits:\n%s", out.stdout)
	}
	foretold := h.plan(planCommand{Event: "webinar"})
	before := h.smtp.Count()
	h.play("2026-12-20 00:00")
	// The server keeps whole seconds.
	whole := func(m map[string]int) []string {
		return slices.Sorted(maps.Keys(m))
	}
	if got, want := whole(h.sent(before)), whole(foretold); !slices.Equal(got, want) {
		t.Errorf("sent\n%q, foretold\n%q", got, want)
	}
}

func TestPlanOfAFileShowsWhatWouldChange(t *testing.T) {
	t.Parallel()
	h := newTheatre(t, "2026-11-10 09:00", nil)
	file := write(t, "event.yaml", planned)
	if out := h.command(planCommand{Event: file}, false); out.code != 0 || !strings.Contains(out.stdout, "a new event") || !regexp.MustCompile(`(?m)^added +reminder +24 hours before the start +Tue 24 Nov 2026 16:00 CET +0$`).MatchString(out.stdout) {
		t.Errorf("of a new event, exit %d:\n%s%s", out.code, out.stdout, out.stderr)
	}
	h.stage(planned)
	h.enter("ana@example.org", "")
	h.enter("bo@example.org", "")
	h.play("2026-11-10 09:01")
	edited := strings.NewReplacer("16:00", "10:00", "17:00", "11:00", "  - before: 24h\n", "", "before: 2h", "before: 3h").Replace(planned)
	file = write(t, "edited.yaml", edited)
	for _, c := range []planCommand{{Event: file}, {File: file}, {Event: "webinar", File: file}} {
		h.shows(h.command(c, false),
			"CHANGE MAIL RULE WAS WOULD BE PEOPLE",
			"kept reminder 3 days before, at 09:00 Sun 22 Nov 2026 09:00 CET Sun 22 Nov 2026 09:00 CET 2",
			"dropped reminder 24 hours before the start Tue 24 Nov 2026 16:00 CET 2",
			"dropped reminder 2 hours before the start Wed 25 Nov 2026 14:00 CET 2",
			"added reminder 3 hours before the start Wed 25 Nov 2026 07:00 CET 2",
			"moved reminder last-call: 1 hour before the start Wed 25 Nov 2026 15:00 CET Wed 25 Nov 2026 09:00 CET 2",
			"moved followup 2 hours after the end Wed 25 Nov 2026 19:00 CET Wed 25 Nov 2026 13:00 CET 2",
			"added update the event changed Tue 10 Nov 2026 10:01 CET 2")
	}
	var j struct {
		Proposal struct{ Mails int }
		Plan     struct {
			Mails []struct {
				Mail   string
				At     time.Time
				People int
			}
		}
		Differences []struct{ Change string }
	}
	out := h.command(planCommand{File: file}, true)
	if err := json.Unmarshal([]byte(out.stdout), &j); err != nil || j.Proposal.Mails != 2 || len(j.Differences) != 7 {
		t.Errorf("as JSON: %v\n%s", err, out.stdout)
	}
	foretold := map[string]int{}
	for _, m := range j.Plan.Mails {
		foretold[m.Mail+" "+m.At.Format(time.RFC3339)] = m.People
	}
	// Nothing has happened so far; and then it does.
	if e, err := h.desk.Store.Event(t.Context(), "webinar"); err != nil || e.Revision != 1 {
		t.Fatalf("the event is at revision %d, %v", e.Revision, err)
	}
	h.stage(edited)
	before := h.smtp.Count()
	h.play("2026-12-20 00:00")
	if got := h.sent(before); !maps.Equal(got, foretold) {
		t.Errorf("sent %v, foretold %v", got, foretold)
	}
	for name, c := range map[string]planCommand{"of another event": {Event: "other", File: file}, "no such file": {Event: "nothing.yaml"}, "a broken one": {Event: write(t, "broken.yaml", "event: webinar\n")}, "nothing": {}} {
		if out := h.command(c, false); out.code != 2 || out.stderr == "" {
			t.Errorf("%s: exit %d, %s", name, out.code, out.stderr)
		}
	}
	if out := h.command(planCommand{Event: "nothing"}, false); out.code != 1 || !strings.Contains(out.stderr, `"nothing"`) || !strings.Contains(out.stderr, "event list") {
		t.Errorf("an unknown event: exit %d, %s", out.code, out.stderr)
	}
}

func TestPlanSaysThatNothingIsSentInAQuarantine(t *testing.T) {
	t.Parallel()
	h := newTheatre(t, "2026-11-01 09:00", nil)
	h.stage(planned)
	h.sql(`UPDATE convened.service SET quarantined_at = now(), reason = 'it may be a copy'`)
	out := h.command(planCommand{Event: "webinar"}, false)
	if out.code != 0 || !strings.Contains(out.stdout, "Nothing is sent: quarantine: it may be a copy") || !strings.Contains(out.stdout, "release --quarantine") {
		t.Errorf("exit %d\n%s%s", out.code, out.stdout, out.stderr)
	}
	var j struct{ Quarantine string }
	if out := h.command(planCommand{Event: "webinar"}, true); json.Unmarshal([]byte(out.stdout), &j) != nil || j.Quarantine != "it may be a copy" {
		t.Errorf("as JSON:\n%s", out.stdout)
	}
}

func TestPlanExplainAndLintSayHowTheyAreUsed(t *testing.T) {
	t.Parallel()
	lintable := write(t, "event.yaml", planned)
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"plan --help", 0, "convened plan my-webinar --at"}, {"explain --help", 0, "Examples:"}, {"event lint --help", 0, "convened event lint webinar.yaml"},
		{"plan", 2, "event list"}, {"explain webinar", 2, "--help"}, {"event lint", 2, "--help"},
		{"event lint " + lintable, 0, "last-call: 1 hour before the start"}, // without a configuration or a database
	} {
		out := runCommandLine(t.Context(), "", strings.Fields(c.args)...)
		if out.code != c.code || !strings.Contains(out.stdout+out.stderr, c.want) {
			t.Errorf("convened %s: exit %d, want %d and %q:\n%s%s", c.args, out.code, c.code, c.want, out.stdout, out.stderr)
		}
	}
	if out := runCommandLine(t.Context(), planned, "event", "lint", "-"); out.code != 0 || !strings.Contains(out.stdout, "3 days before, at 09:00") {
		t.Errorf("of standard input: exit %d\n%s%s", out.code, out.stdout, out.stderr)
	}
}
