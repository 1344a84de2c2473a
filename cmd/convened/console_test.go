package main

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"convened/internal/lab"
)

// console has the site serve its console on an address of this machine, and returns
// it as a URL.
func (s *site) console() string {
	s.t.Helper()
	address, err := lab.FreeAddress()
	if err != nil {
		s.t.Fatal(err)
	}
	s.configure(replaceOnce(s.t, s.read(), "console:\n  listen: off", "console:\n  listen: "+address))
	return "http://" + address
}

// user adds one by the command line, with a password from standard input.
func (s *site) user(email string, more ...string) {
	s.t.Helper()
	out := runCommandLine(s.t.Context(), "a horse eats no cucumber\n", append([]string{"user", "add", email, "--config", s.config}, more...)...)
	if out.code != 0 {
		s.t.Fatalf("user add: exit %d\n%s", out.code, out.stderr)
	}
}

func TestUsersAreMadeGivenRolesAndRemoved(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	s.apply("webinar", 24*time.Hour, "")
	s.user("Ana@Example.org", "--name", "Ana Díaz")
	s.user("chief@example.org", "--administrator")
	list := func() map[string]userJSON {
		var users []userJSON
		if err := json.Unmarshal([]byte(s.must("user", "list", "--json")), &users); err != nil {
			t.Fatal(err)
		}
		by := map[string]userJSON{}
		for _, u := range users {
			by[u.Name+"/"+strings.ToLower(u.Email)] = u
		}
		return by
	}
	if u := list()["Ana Díaz/ana@example.org"]; u.Administrator || !u.Password || len(u.Roles) != 0 {
		t.Errorf("a new user is %+v, want one with a password who may do nothing", u)
	}
	if u := list()["/chief@example.org"]; !u.Administrator {
		t.Errorf("the administrator is %+v", u)
	}
	wantIn(t, s.must("user", "grant", "ana@example.org", "webinar", "edit"), "the role on webinar is edit")
	wantIn(t, s.must("user", "grant", "ANA@example.org", "webinar", "edit"), "nothing changes")
	if got := list()["Ana Díaz/ana@example.org"].Roles["webinar"]; got != "edit" {
		t.Errorf("the role is %q, want edit", got)
	}
	s.must("user", "revoke", "ana@example.org", "webinar")
	if got := list()["Ana Díaz/ana@example.org"].Roles["webinar"]; got != "" {
		t.Errorf("the role is %q after it was taken, want none", got)
	}
	s.must("user", "remove", "ana@example.org")
	if len(list()) != 1 {
		t.Errorf("there are %v after one of two was removed", list())
	}

	for _, bad := range []struct {
		stdin string
		args  []string
		code  int
		want  string
	}{
		{"short\n", []string{"user", "add", "bo@example.org"}, exitWrong, "fewer than 12 characters"},
		{"", []string{"user", "add", "bo@example.org"}, exitWrong, "fewer than 12 characters"},
		{"a horse eats no cucumber", []string{"user", "add", "not an address"}, exitFailed, "not an address"},
		{"a horse eats no cucumber", []string{"user", "add", "CHIEF@example.org"}, exitFailed, "there is a user of that address already"},
		{"a horse eats no cucumber", []string{"user", "password", "nobody@example.org"}, exitFailed, `user not found: "nobody@example.org"; `},
		{"", []string{"user", "grant", "chief@example.org", "no-such-event", "view"}, exitFailed, `event "no-such-event": not found`},
		{"", []string{"user", "grant", "chief@example.org", "webinar", "own"}, exitWrong, "view"},
		{"", []string{"user", "grant", "chief@example.org"}, exitWrong, "--administrator"},
		{"", []string{"user", "revoke", "chief@example.org"}, exitWrong, "--administrator"},
		{"", []string{"audit", "no-such-event"}, exitFailed, "not found; `convened event list`"},
		{"", []string{"audit", "--limit", "0"}, exitWrong, "--limit"},
	} {
		out := runCommandLine(t.Context(), bad.stdin, append(bad.args, "--config", s.config)...)
		if out.code != bad.code || !strings.Contains(out.stderr, bad.want) {
			t.Errorf("%q: exit %d, want %d and %q:\n%s", bad.args, out.code, bad.code, bad.want, out.stderr)
		}
	}
}

func TestWhatCommandsDoIsWrittenDown(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	s.apply("webinar", 24*time.Hour, "")
	s.user("ana@example.org")
	s.must("user", "grant", "ana@example.org", "webinar", "view")
	s.daemon() // what it does is nobody's deed
	s.must("registration", "add", "webinar", "bo@example.org", "--name", "Bo")
	s.wait(1, 30*time.Second)
	s.must("registration", "mute", "webinar", "bo@example.org")
	s.must("registration", "cancel", "webinar", "bo@example.org")
	s.must("registration", "erase", "all", "bo@example.org")
	s.must("keys", "rotate")
	s.must("event", "cancel", "webinar", "--yes")
	var deeds []auditJSON
	if err := json.Unmarshal([]byte(s.must("audit", "--json")), &deeds); err != nil {
		t.Fatal(err)
	}
	var got []string
	for i := len(deeds) - 1; i >= 0; i-- {
		d := deeds[i]
		got = append(got, d.What+" "+d.Event)
		if d.By != operator() || d.Via != "command" || d.At.IsZero() {
			t.Errorf("%s is said to be by %q by %s at %s, want %q by command", d.What, d.By, d.Via, d.At, operator())
		}
	}
	want := []string{"event made webinar", "user added ", "role granted webinar", "registrations added webinar", "reminders stopped webinar",
		"registration cancelled webinar", "person erased webinar", "key rotated ", "event called off webinar"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the trail is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	out := s.must("audit", "webinar")
	wantIn(t, out, "event called off")
	for _, not := range []string{"user added", "bo@example.org", "Bo"} {
		if strings.Contains(out, not) {
			t.Errorf("the trail of the event has %q:\n%s", not, out)
		}
	}
}

func wantIn(t *testing.T, text, want string) {
	t.Helper()
	if !strings.Contains(text, want) {
		t.Errorf("there is no %q in:\n%s", want, text)
	}
}

func TestTheConsoleSaysWhetherTheServiceIsReady(t *testing.T) {
	t.Parallel()
	s := newSite(t, "retry: {first: 1s}\n")
	base := s.console()
	s.apply("webinar", 24*time.Hour, "")
	s.daemon()
	s.until("the service is ready", func() bool { status, _, _ := s.ask(http.MethodGet, base+"/readyz", ""); return status == http.StatusOK })
	if status, location, _ := s.ask(http.MethodGet, base+"/events", ""); status != http.StatusSeeOther || location != "/signin" {
		t.Errorf("the console answers %d to %q, want 303 to /signin", status, location)
	}
	if err := s.smtp.Close(); err != nil {
		t.Fatal(err)
	}
	s.must("registration", "add", "webinar", "ana@example.org")
	var page string
	s.until("it is not, without a relay", func() bool {
		var status int
		status, _, page = s.ask(http.MethodGet, base+"/readyz", "")
		return status == http.StatusServiceUnavailable
	})
	wantIn(t, page, "relay")
	if status, _, _ := s.ask(http.MethodGet, base+"/healthz", ""); status != http.StatusOK {
		t.Errorf("/healthz is %d without a relay, want 200: the process lives", status)
	}
}

func TestTheConsoleIsThereBeforeTheDatabase(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	base := s.console()
	s.configure(replaceOnce(t, s.read(), s.url, "postgres://convened@127.0.0.1:1/convened?sslmode=disable"))
	d := s.daemon()
	status, _, page := s.ask(http.MethodGet, base+"/readyz", "")
	if status != http.StatusServiceUnavailable || page != "the database does not answer\n" {
		t.Errorf("/readyz is %d %q, want 503 and why", status, page)
	}
	if status, _, _ := s.ask(http.MethodGet, base+"/events", ""); status != http.StatusSeeOther {
		t.Errorf("the console answers %d, want 303", status)
	}
	if code := d.stop(); code != 0 {
		t.Errorf("the daemon stops with %d, want 0\n%s", code, d.logs)
	}
}

func TestAReloadThatWasRefusedShowsInReadyz(t *testing.T) {
	v := &vital{}
	if err := v.ready(t.Context()); err != nil {
		t.Errorf("a daemon that sends is not ready: %v", err)
	}
	v.reloaded(errors.New("smtp.port is not a number"))
	if err := v.ready(t.Context()); err == nil || !strings.Contains(err.Error(), "smtp.port is not a number") {
		t.Errorf("after a reload that was refused ready says %v", err)
	}
	v.reloaded(nil)
	if err := v.ready(t.Context()); err != nil {
		t.Errorf("after a good reload ready says %v", err)
	}
}

// What a page does, the daemon does: a rule that is written there is in its plan, and a
// trial arrives at the address that was typed.
func TestAScheduleIsEditedAndATrialIsSentInTheConsole(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	base := s.console()
	s.apply("webinar", 24*time.Hour, "reminders:\n  - before: 1h\n")
	s.user("ana@example.org")
	s.must("user", "grant", "ana@example.org", "webinar", "edit")
	s.daemon()
	s.until("the service is ready", func() bool { status, _, _ := s.ask(http.MethodGet, base+"/readyz", ""); return status == http.StatusOK })
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	post := func(path string, form url.Values) (int, string) {
		t.Helper()
		res, err := browser.PostForm(base+path, form)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(body)
	}
	if status, page := post("/signin", url.Values{"email": {"ana@example.org"}, "password": {"a horse eats no cucumber"}}); status != http.StatusOK {
		t.Fatalf("sign in: %d\n%s", status, page)
	}
	status, page := post("/events/webinar/letters", url.Values{"do": {"send"}, "revision": {"1"}, "kind": {"reminder"}, "to": {"me@example.org"}, "key.1": {"before 1h"}, "note.1.en": {"Bring tea, {name}."}})
	if status != http.StatusOK {
		t.Fatalf("the trial: %d\n%s", status, page)
	}
	s.wait(1, 30*time.Second)
	trial, err := readLetter(s.letterTo("me@example.org").Raw)
	if err != nil {
		t.Fatal(err)
	}
	wantIn(t, string(trial.text), "Bring tea, Amélie Laurent.")

	s.must("registration", "add", "webinar", "bo@example.org", "--name", "Bo")
	s.wait(2, 30*time.Second)
	form := url.Values{"do": {"review"}, "revision": {"1"}, "rules": {"1"}, "way.1": {"hours"}, "count.1": {"2"}, "unit.1": {"h"}}
	status, page = post("/events/webinar/schedule", form)
	if status != http.StatusOK {
		t.Fatalf("the page that asks: %d\n%s", status, page)
	}
	wantIn(t, page, "This mails nobody now.")
	form.Set("do", "save")
	form.Set("mails", "0")
	if status, page = post("/events/webinar/schedule", form); status != http.StatusOK {
		t.Fatalf("to save: %d\n%s", status, page)
	}
	wantIn(t, page, "The schedule is saved.")
	wantIn(t, s.must("plan", "webinar"), "2 hours before the start")
	wantIn(t, s.must("audit", "webinar"), "ana@example.org")
}
