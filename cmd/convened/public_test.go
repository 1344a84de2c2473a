package main

import (
	"bytes"
	"io"
	"net/http"
	"net/mail"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"convened/internal/lab"
)

// public has the site serve its registrants' pages on an address of this machine,
// and returns it as a URL.
func (s *site) public() string {
	s.t.Helper()
	address, err := lab.FreeAddress()
	if err != nil {
		s.t.Fatal(err)
	}
	const off = "url: https://events.example.org\n  listen: off"
	text := s.read()
	if !strings.Contains(text, off) {
		s.t.Fatalf("the pages are not off in\n%s", text)
	}
	s.configure(strings.Replace(text, off, "url: http://"+address+"\n  listen: "+address, 1))
	return "http://" + address
}

// wayOut returns what List-Unsubscribe says in the first letter to an address.
func (s *site) wayOut(email string) string {
	s.t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(s.letterTo(email).Raw))
	if err != nil {
		s.t.Fatal(err)
	}
	if got := m.Header.Get("List-Unsubscribe-Post"); got != "List-Unsubscribe=One-Click" {
		s.t.Errorf("List-Unsubscribe-Post is %q", got)
	}
	return strings.Trim(m.Header.Get("List-Unsubscribe"), "<>")
}

// ask makes a request as no browser does, follows nothing, and returns the status,
// where it leads and the page. The pages may need a moment to open.
func (s *site) ask(method, url, body string) (status int, location, page string) {
	s.t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	s.until("the pages answer", func() bool {
		r, err := http.NewRequestWithContext(s.t.Context(), method, url, strings.NewReader(body))
		if err != nil {
			s.t.Fatal(err)
		}
		if body != "" {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		res, err := client.Do(r)
		if err != nil {
			return false
		}
		defer func() { _ = res.Body.Close() }()
		b, err := io.ReadAll(res.Body)
		if err != nil {
			s.t.Fatal(err)
		}
		status, location, page = res.StatusCode, res.Header.Get("Location"), string(b)
		return true
	})
	return status, location, page
}

func TestTheOneClickOfARealLetterStopsTheReminders(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	base := s.public()
	s.apply("webinar", time.Hour+50*time.Second, "reminders:\n  - {name: soon, before: 1h, late: skip}\n")
	clock := &shiftedClock{}
	s.daemonAt(clock.Now)
	s.must("registration", "add", "webinar", "ana@example.org")
	s.must("registration", "add", "webinar", "bo@example.org")
	s.wait(2, 30*time.Second)
	s.settled()
	out := s.wayOut("ana@example.org")
	if !strings.HasPrefix(out, base+"/u/") {
		t.Fatalf("the way out is %s", out)
	}
	const muted = `SELECT count(*) FROM convened.registrations WHERE muted_at IS NOT NULL`
	if status, _, page := s.ask(http.MethodGet, out, ""); status != http.StatusOK || !strings.Contains(page, `method="post"`) || s.sql(muted) != "0" {
		t.Errorf("following the link: %d, muted %s\n%s", status, s.sql(muted), page)
	}
	if status, location, _ := s.ask(http.MethodPost, out, "List-Unsubscribe=One-Click"); status != http.StatusOK || location != "" || s.sql(muted) != "1" {
		t.Errorf("the one click: %d to %q, muted %s", status, location, s.sql(muted))
	}
	clock.shift(55 * time.Second)
	s.wait(3, time.Minute)
	s.settled()
	got := s.received()
	if n := strings.Count(strings.Join(got, "\n"), "reminder to "); n != 1 || got[2] != "reminder to bo@example.org" {
		t.Errorf("the letters are %q", got)
	}
}

func TestTheLinkToCancelOfARealLetterBringsTheCancellation(t *testing.T) {
	t.Parallel()
	s := newSite(t, "poll_interval: 10m\n") // so that only being told helps
	s.public()
	s.apply("webinar", 240*time.Hour, "")
	d := s.daemon()
	s.must("registration", "add", "webinar", "ana@example.org", "--name", "Ana Secretname")
	s.wait(1, 30*time.Second)
	s.settled()
	letter, err := readLetter(s.letterTo("ana@example.org").Raw)
	if err != nil {
		t.Fatal(err)
	}
	link := regexp.MustCompile(`http://127\.0\.0\.1:\d+/r/[\w-]+/cancel`).FindString(string(letter.text))
	if link == "" {
		t.Fatalf("no link to cancel in\n%s", letter.text)
	}
	const taken = `SELECT count(*) FROM convened.registrations WHERE cancelled_at IS NULL`
	if status, _, _ := s.ask(http.MethodGet, link, ""); status != http.StatusOK || s.sql(taken) != "1" {
		t.Errorf("following the link: %d, %s seats are taken", status, s.sql(taken))
	}
	status, location, _ := s.ask(http.MethodPost, link, "")
	if u, _ := url.Parse(link); status != http.StatusSeeOther || location != strings.TrimSuffix(u.Path, "/cancel")+"?done=cancelled" {
		t.Errorf("the button: %d to %s", status, location)
	}
	s.wait(2, time.Minute)
	if letter, err = readLetter(s.smtp.Messages()[1].Raw); err != nil {
		t.Fatal(err)
	}
	if letter.kind != "cancellation" || !strings.Contains(string(letter.calendar), "METHOD:CANCEL") {
		t.Errorf("what followed is a %s", letter.kind)
	}
	if code := d.stop(); code != exitDone {
		t.Errorf("exit %d\n%s", code, d.logs)
	}
	if logs := d.logs.String(); strings.Contains(logs, "/r/") || strings.Contains(logs, "Secretname") || strings.Contains(logs, "ana@") {
		t.Errorf("the log has a link or a person:\n%s", logs)
	}
}

func TestLinksOutliveARotationWhileTheDaemonRuns(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	s.public()
	s.apply("webinar", 240*time.Hour, "")
	s.daemon()
	s.must("registration", "add", "webinar", "ana@example.org")
	s.wait(1, 30*time.Second)
	s.settled()
	old := s.wayOut("ana@example.org")
	s.must("keys", "rotate")
	if status, _, _ := s.ask(http.MethodGet, old, ""); status != http.StatusOK {
		t.Errorf("the old link after the rotation: %d", status)
	}
	// A second daemon has the new key already, and writes some of the letters: the
	// first, which serves the pages, knows their links all the same.
	s.daemon()
	s.until("a letter with the new key", func() bool {
		s.must("registration", "add", "webinar", "bo"+time.Now().Format("150405.000")+"@example.org")
		s.settled()
		for _, m := range s.smtp.Messages() {
			if renewed := s.wayOut(m.To[0]); renewed[:len(renewed)-30] != old[:len(old)-30] {
				if status, _, _ := s.ask(http.MethodGet, renewed, ""); status != http.StatusOK {
					t.Errorf("the new link: %d", status)
				}
				return true
			}
		}
		return false
	})
}

func TestASecondDaemonServesThePagesWhenTheFirstStops(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	base := s.public()
	s.apply("webinar", 240*time.Hour, "")
	first := s.daemon()
	if status, _, _ := s.ask(http.MethodGet, base+"/r/x", ""); status != http.StatusNotFound {
		t.Errorf("a link that is none: %d", status)
	}
	second := s.daemon()
	s.until("the second waits", func() bool { return strings.Contains(second.logs.String(), "another serves on this address") })
	if code := first.stop(); code != exitDone {
		t.Errorf("exit %d\n%s", code, first.logs)
	}
	if status, _, _ := s.ask(http.MethodGet, base+"/r/x", ""); status != http.StatusNotFound {
		t.Errorf("afterwards: %d", status)
	}
	for _, path := range []string{"/metrics", "/healthz", "/readyz"} {
		if status, _, page := s.ask(http.MethodGet, base+path, ""); status != http.StatusNotFound || !strings.Contains(page, "<h1>") {
			t.Errorf("%s is on the public listener: %d", path, status)
		}
	}
}

func TestAPublicURLWithAPathThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	s.configure(strings.Replace(s.read(), "url: https://events.example.org\n  listen: off", "url: https://events.example.org/{a}\n  listen: 127.0.0.1:0", 1))
	if out := s.convened("run"); out.code != exitWrong || !strings.Contains(out.stderr, "public.url") {
		t.Errorf("exit %d\n%s", out.code, out.stderr)
	}
}

func TestWhoSignsUpOnThePageGetsTheConfirmation(t *testing.T) {
	t.Parallel()
	s := newSite(t, "poll_interval: 10m\n") // so that only being told helps
	base := s.public()
	s.apply("webinar", 240*time.Hour, "sign_up: true\n")
	s.daemon()
	if status, _, page := s.ask(http.MethodGet, base+"/e/webinar", ""); status != http.StatusOK || !strings.Contains(page, `method="post"`) {
		t.Fatalf("the page: %d\n%s", status, page)
	}
	if status, location, page := s.ask(http.MethodPost, base+"/e/webinar?language=es", "email=ana%40example.org&name=Ana&language=es&zone=America%2FMexico_City"); status != http.StatusSeeOther || !strings.Contains(location, "done=1") {
		t.Fatalf("signing up: %d to %q\n%s", status, location, page)
	}
	s.wait(1, 30*time.Second)
	s.settled()
	letter, err := readLetter(s.letterTo("ana@example.org").Raw)
	if err != nil {
		t.Fatal(err)
	}
	// Where its lines break depends on the day.
	says(t, "the letter", strings.Join(strings.Fields(string(letter.text)), " "), "Ana", "Ciudad de México")
}
