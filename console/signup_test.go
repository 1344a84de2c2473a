package console

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// The page on which people register for the webinar.
const signUpAt = origin + "/e/webinar"

// openDoor is a stage whose webinar has such a page.
func openDoor(t *testing.T, edit ...string) *stage {
	t.Helper()
	s := newStage(t, origin)
	s.openDoor(edit...)
	return s
}

func (s *stage) openDoor(edit ...string) {
	s.t.Helper()
	s.apply(append([]string{"held_in: fr\n", "held_in: fr\nsign_up: true\n"}, edit...)...)
}

func TestASignUpPageIsThereForEventsThatHaveOneAlone(t *testing.T) {
	t.Parallel()
	s := newStage(t, origin)
	s.apply()
	without, unknown := s.get(signUpAt), s.get(origin+"/e/nothing")
	if without.status != http.StatusNotFound || without.body != unknown.body {
		t.Errorf("an event without the page: %d, and not as one that there is not", without.status)
	}
	if a := s.post(signUpAt, "email=ana@example.net"); a.status != http.StatusNotFound || s.sql(`SELECT count(*) FROM convened.registrations`) != "0" {
		t.Errorf("one can register all the same: %d", a.status)
	}
	s.openDoor()
	if a := s.get(signUpAt); a.status != http.StatusOK {
		t.Errorf("an event with the page: %d", a.status)
	}
}

func TestTheSignUpPageIsInTheReadersLanguageAndZone(t *testing.T) {
	t.Parallel()
	s := openDoor(t)
	for _, c := range []struct {
		query, accept string
		want          []string
	}{
		{"", "es-MX,en;q=0.5", []string{`<html lang="es"`, "La internacionalización", "miércoles 25 de noviembre de 2026, 16:00–17:00, hora de Bruselas", "Inscribirse", `<option value="es" lang="es" selected>`, "zone."}},
		{"", "de", []string{`<html lang="fr"`, "L'internationalisation"}}, // the event's
		{"?language=en&zone=Asia/Tokyo", "fr", []string{`<html lang="en"`, "Thursday 26 November 2026, 00:00–01:00, Tokyo time (UTC+9)", `<option value="Asia/Tokyo" selected>`, "How do cities act abroad?"}},
		{"?language=xx&zone=Nowhere/Land", "en", []string{`<html lang="en"`, "As the event: Brussels"}},
	} {
		a := s.get(signUpAt+c.query, "Accept-Language", c.accept)
		if a.status != http.StatusOK || a.header.Get("Vary") != "Accept-Language" {
			t.Fatalf("%s: %d, Vary %q", c.query, a.status, a.header.Get("Vary"))
		}
		wants(t, c.query+" in "+c.accept, a.said(), c.want...)
		// What only those who registered may know.
		wantsNo(t, "the page", a.body, "meet.example.org", "Whoever has the address")
	}
	if a := s.get(signUpAt + "?zone=Asia/Tokyo"); strings.Contains(a.body, "<script") {
		t.Error("a zone is guessed where one is chosen")
	}
}

func TestSigningUpIsWhatAnyFormDoes(t *testing.T) {
	t.Parallel()
	s := openDoor(t)
	form := url.Values{"email": {"Ana@Example.net"}, "name": {"Ana Díaz"}, "language": {"es"}, "zone": {"America/Mexico_City"}, "subject": {""}}.Encode()
	var answers []string
	for range 2 { // a double click
		a := s.post(signUpAt+"?language=en", form)
		answers = append(answers, fmt.Sprint(a.status, a.header, a.body))
		if a.status != http.StatusSeeOther || strings.Contains(strings.ToLower(a.header.Get("Location")), "ana") {
			t.Fatalf("signing up: %d to %s\n%s", a.status, a.header.Get("Location"), a.body)
		}
	}
	if answers[0] != answers[1] {
		t.Errorf("the second answer differs:\n%s\n%s", answers[0], answers[1])
	}
	if s.woken != 2 {
		t.Errorf("the daemon was woken %d times", s.woken)
	}
	s.at(s.clock())
	if got := s.kinds("Ana@example.net"); got != "confirmation" {
		t.Errorf("she got %s", got)
	}
	r := s.seat("ana@example.net")
	if r.Name != "Ana Díaz" || r.Language != "es" || r.Zone != "America/Mexico_City" {
		t.Errorf("the seat is %+v", r)
	}
	if n := s.sql(`SELECT count(*) FROM convened.registrations WHERE seat = id`); n != "1" {
		t.Errorf("there are %s seats", n)
	}
	thanks := s.get(origin + s.post(signUpAt+"?language=en", form).header.Get("Location"))
	wants(t, "the answer", thanks.said(), "on its way to the address that you gave", "Register somebody else")
	wantsNo(t, "the answer", thanks.body, "ana@", "Ana@", `name="email"`)
	wantsNo(t, "the log", s.logs.String(), "ana@", "Ana")
}

func TestWhatIsNoAddressIsSaidBesideTheField(t *testing.T) {
	t.Parallel()
	s := openDoor(t)
	a := s.post(signUpAt, url.Values{"email": {`ana at "home"`}, "name": {"Ana <b>"}, "language": {"es"}, "zone": {"Asia/Tokyo"}}.Encode(), "Accept-Language", "en")
	if a.status != http.StatusUnprocessableEntity {
		t.Errorf("the answer is %d", a.status)
	}
	wants(t, "the page", a.body, `aria-invalid="true"`, `aria-describedby="email-fault"`, "Please enter an e-mail address", `value="ana at &#34;home&#34;"`, `value="Ana &lt;b&gt;"`, `<option value="es" lang="es" selected>`, `<option value="Asia/Tokyo" selected>`)
	if n := s.sql(`SELECT count(*) FROM convened.registrations`); n != "0" {
		t.Errorf("%s registrations were written", n)
	}
}

func TestAFieldThatPeopleDoNotSeeIsFilledInByNobodyWhoRegisters(t *testing.T) {
	t.Parallel()
	s := openDoor(t)
	honest, other := s.post(signUpAt, "email=ana@example.net&subject="), s.post(signUpAt, "email=bot@example.net&subject=Buy")
	if honest.status != other.status || fmt.Sprint(honest.header) != fmt.Sprint(other.header) || honest.body != other.body {
		t.Errorf("a program is told: %d %v, %d %v", honest.status, honest.header, other.status, other.header)
	}
	if got := s.sql(`SELECT email FROM convened.registrations`); got != "ana@example.net" {
		t.Errorf("registered are %q", got)
	}
}

func TestAnEventThatIsOffOrOverTakesNobody(t *testing.T) {
	t.Parallel()
	s := openDoor(t)
	s.at(ends)
	closed := func(want string) {
		t.Helper()
		for _, a := range []answer{s.get(signUpAt, "Accept-Language", "en"), s.post(signUpAt, "email=ana@example.net", "Accept-Language", "en")} {
			wants(t, "the page", a.said(), want, "not possible to register")
			wantsNo(t, "the page", a.body, "<form")
		}
	}
	closed("This event is over")
	s.at(ends.Add(-time.Minute))
	if a := s.get(signUpAt); !strings.Contains(a.body, "<form") {
		t.Error("while it is under way nobody can register")
	}
	s.sql(`UPDATE convened.events SET status = 'cancelled', revision = revision + 1`)
	closed("This event has been cancelled")
	if n := s.sql(`SELECT count(*) FROM convened.registrations`); n != "0" {
		t.Errorf("%s registrations were written", n)
	}
}

func TestAFormFromAnotherSiteIsRefused(t *testing.T) {
	t.Parallel()
	s := openDoor(t)
	a := s.do(http.MethodPost, signUpAt, "email=ana@example.net", "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example")
	if a.status != http.StatusForbidden || s.sql(`SELECT count(*) FROM convened.registrations`) != "0" {
		t.Errorf("the answer is %d", a.status)
	}
}

func TestOnlyTheEventsSiteAndTheConfiguredShowItInAFrame(t *testing.T) {
	t.Parallel()
	s := openDoor(t)
	policyOf := func(a answer) string { return a.header.Get("Content-Security-Policy") }
	if got := policyOf(s.get(signUpAt)); !strings.Contains(got, "frame-ancestors 'none'") || !strings.Contains(got, "script-src 'self'") || strings.Contains(got, "unsafe") {
		t.Errorf("the page's policy is %q", got)
	}
	var err error
	s.handler, err = NewRegistrant(RegistrantOptions{Seats: s.store, Letters: s, PublicURL: origin, EmbedOn: []string{"https://partner.example"}, Clock: s.clock, Logger: s.logger()})
	if err != nil {
		t.Fatal(err)
	}
	const want = "frame-ancestors 'self' https://partner.example https://www.example.org;"
	for name, a := range map[string]answer{
		"the form": s.get(signUpAt + "?embed"), "the thanks": s.get(signUpAt + "?embed=1&done=1"), "a mistake": s.post(signUpAt+"?embed=1", "email=x"),
	} {
		if got := policyOf(a); !strings.Contains(got, want) || strings.Contains(got, "'none'; base") {
			t.Errorf("the policy of %s is %q", name, got)
		}
		wants(t, name, a.body, `class="embedded"`, "embed=1")
	}
	if to := s.post(signUpAt+"?embed=1", "email=ana@example.net").header.Get("Location"); !strings.Contains(to, "embed=1") {
		t.Errorf("from the frame one is led to %s", to)
	}
	// What an organiser wrote can't bring anything else into the policy.
	s.sql(`UPDATE convened.events SET page_url = 'https://x.example;script-src', revision = revision + 1`)
	if got := policyOf(s.get(signUpAt + "?embed")); strings.Contains(got, "x.example") {
		t.Errorf("the policy is %q", got)
	}
	s.sql(`UPDATE convened.events SET page_url = '', revision = revision + 1`)
	if got := policyOf(s.get(signUpAt + "?embed")); !strings.Contains(got, "frame-ancestors 'self' https://partner.example;") {
		t.Errorf("the policy is %q", got)
	}
}

func TestOneClientCanNotRegisterTheWorld(t *testing.T) {
	t.Parallel()
	s := openDoor(t)
	register := func(i int, from string) int {
		return s.post(signUpAt, fmt.Sprintf("email=p%d@example.net", i), "X-Forwarded-For", from).status
	}
	for i := range signUpBurst {
		if got := register(i, "192.0.2.1"); got != http.StatusSeeOther {
			t.Fatalf("registration %d of a class: %d", i, got)
		}
	}
	if got := register(100, "192.0.2.1"); got != http.StatusTooManyRequests {
		t.Errorf("one more: %d", got)
	}
	if got := register(101, "192.0.2.2"); got != http.StatusSeeOther {
		t.Errorf("somebody else: %d", got)
	}
	if a := s.get(signUpAt, "X-Forwarded-For", "192.0.2.1"); a.status != http.StatusOK {
		t.Errorf("looking at the page: %d", a.status)
	}
	s.at(s.clock().Add(5 * time.Second))
	if got := register(102, "192.0.2.1"); got != http.StatusSeeOther {
		t.Errorf("five seconds later: %d", got)
	}
}

func TestWhoLeftIsLedToTheSignUpPageAndComesBack(t *testing.T) {
	t.Parallel()
	s := openDoor(t)
	page := s.ana()
	s.post(page+"/cancel", "")
	a := s.get(page)
	wants(t, "the page", a.body, `href="/e/webinar?language=en"`, "Register again")
	if got := s.post(signUpAt, "email=ana@example.net"); got.status != http.StatusSeeOther {
		t.Fatalf("registering again: %d", got.status)
	}
	s.at(s.clock())
	if r := s.seat("ana@example.net"); !r.CancelledAt.IsZero() || r.Sequence != 2 {
		t.Errorf("the seat is %+v", r)
	}
	wants(t, "the page", s.get(page).said(), "You are registered")
	s.at(ends)
	s.sql(`UPDATE convened.registrations SET cancelled_at = now()`)
	wantsNo(t, "after the event the page", s.get(page).body, `href="/e/webinar`)
}

func TestWhoDeclinedInACalendarIsOfferedToGiveUpTheSeat(t *testing.T) {
	t.Parallel()
	s := openDoor(t)
	page := s.ana()
	wantsNo(t, "the page", s.get(page).said(), "In your calendar you declined")
	s.sql(`UPDATE convened.registrations SET declined_at = now()`)
	a := s.get(page)
	wants(t, "the page", a.said(), "You are registered", "In your calendar you declined the invitation", "please give it up")
	wants(t, "the page", a.body, `/cancel">`)
}

// The page in a browser: without a mouse, with the zone guessed, and in all the ways in
// which it may be looked at.
func TestAVisitorSignsUpInABrowser(t *testing.T) {
	t.Parallel()
	s := served(t)
	s.openDoor()
	at := s.origin + "/e/webinar"
	b := newBrowser(t)
	b.look(360, "light")
	call(b, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "Asia/Tokyo"})
	b.open(at, "en")
	if got := ask[string](b, `new Promise(done => { const look = () => location.search.includes("zone=") ? done(document.getElementById("zone").value) : setTimeout(look, 20); look() })`); got != "Asia/Tokyo" {
		t.Errorf("the zone that is chosen is %q", got)
	}
	wants(t, "the page", ask[string](b, `document.body.innerText.replace(/\s+/g, " ")`), "Tokyo time (UTC+9)", "Brussels time (UTC+1)")
	if ask[bool](b, `(() => { const r = document.getElementById("subject").getBoundingClientRect(); return r.right > 0 })()`) {
		t.Error("people see the field that nobody should fill in")
	}
	b.focus("#name")
	b.do(chromedp.KeyEvent("Ana"))
	b.focus("#email")
	b.do(chromedp.KeyEvent("ana@example.net"))
	b.focus("#language")
	b.do(chromedp.KeyEvent("fran"))
	b.focus(".signup button")
	b.press("\r")
	wants(t, "the answer", ask[string](b, `document.body.innerText`), "Thank you")
	s.at(s.clock())
	if r := s.seat("ana@example.net"); r.Name != "Ana" || r.Language != "fr" || r.Zone != "Asia/Tokyo" {
		t.Errorf("the seat is %+v", r)
	}

	for _, v := range []struct{ name, query, language string }{
		{"sign up", "?zone=Asia/Tokyo", "en"}, {"sign up", "?zone=Asia/Tokyo", "fr"}, {"sign up", "?zone=Asia/Tokyo", "es"},
		{"sign up thanks", "?done=1", "fr"}, {"sign up embedded", "?embed=1&zone=UTC", "es"},
	} {
		b.open(at+v.query+"&language="+v.language, "de")
		b.inspect(v.name, v.language)
	}
	b.look(360, "light")
	b.open(at+"?language=en&zone=UTC", "en")
	ask[int](b, `document.getElementById("email").type = "text"; document.getElementById("email").value = "ana"; document.querySelector(".signup").noValidate = true; 0`)
	b.focus(".signup button")
	b.press("\r")
	b.inspect("sign up mistake", "en")
	s.at(ends)
	b.open(at+"?language=es", "es")
	b.inspect("sign up over", "es")
	for _, c := range b.complaints {
		t.Errorf("the browser complains: %s", c)
	}
}

func TestTheOverviewSaysWherePeopleRegister(t *testing.T) {
	t.Parallel()
	o := newOffice(t, officeURL)
	d := o.as(viewer)
	wantsNo(t, "the overview of an event without a page", d.get("/events/webinar").body, "/e/webinar")
	o.openDoor()
	wants(t, "the overview", d.get("/events/webinar").said(), `href="https://events.example.org/e/webinar"`, `<iframe src="https://events.example.org/e/webinar?embed" title="Inscription"`)
}
