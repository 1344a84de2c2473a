package console

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"convened"
	"convened/desk"
)

// knock tries to sign in.
func (o *office) knock(email, password string, more ...string) answer {
	o.t.Helper()
	return o.post(o.origin+"/signin", url.Values{"email": {email}, "password": {password}}.Encode(), append([]string{"Accept-Language", "en"}, more...)...)
}

func TestWhoIsNotSignedInIsLedToSignIn(t *testing.T) {
	o := newOffice(t, officeURL)
	for path, want := range map[string]string{
		"/":                       "/signin",
		"/events":                 "/signin",
		"/events/webinar?x=1":     "/signin?next=" + url.QueryEscape("/events/webinar?x=1"),
		"/events/webinar/history": "/signin?next=" + url.QueryEscape("/events/webinar/history"),
		"/no/such/page":           "/signin?next=" + url.QueryEscape("/no/such/page"),
	} {
		if a := o.get(officeURL + path); a.status != http.StatusSeeOther || a.header.Get("Location") != want {
			t.Errorf("%s answers %d to %q, want 303 to %q", path, a.status, a.header.Get("Location"), want)
		}
	}
	if a := o.get(officeURL+"/events", "HX-Request", "true"); a.status != http.StatusUnauthorized || a.header.Get("HX-Redirect") != "/signin" {
		t.Errorf("a part of a page answers %d and leads to %q, want 401 and /signin", a.status, a.header.Get("HX-Redirect"))
	}
}

func TestASessionIsACookieThatNoScriptReads(t *testing.T) {
	o := newOffice(t, officeURL)
	a := o.knock(editor, password)
	if a.status != http.StatusSeeOther || a.header.Get("Location") != "/events" {
		t.Fatalf("signing in answers %d to %q, want 303 to /events", a.status, a.header.Get("Location"))
	}
	k := a.header.Get("Set-Cookie")
	wants(t, "the cookie", k, "__Host-convened=", "; Path=/", "; HttpOnly", "; Secure", "; SameSite=Lax")
	wantsNo(t, "the cookie", k, "Domain", "Max-Age", "Expires")
	token := strings.TrimPrefix(cookieIn(t, a), "__Host-convened=")
	if stored := o.sql(`SELECT string_agg(digest::text, ' ') FROM convened.sessions`); strings.Contains(stored, token) || stored == "" {
		t.Errorf("the database has the token itself, or nothing: %q", stored)
	}

	plain := newOffice(t, "http://127.0.0.1:8081")
	k = plain.knock(editor, password).header.Get("Set-Cookie")
	wants(t, "the cookie over http", k, "convened=", "; HttpOnly", "; SameSite=Lax")
	wantsNo(t, "the cookie over http", k, "Secure", "__Host-")
}

func TestAStrangerLearnsNothingFromTheAnswer(t *testing.T) {
	o := newOffice(t, officeURL)
	if _, err := o.desk.AddUser(t.Context(), o.clock(), convened.User{Email: "sso@example.org"}, ""); err != nil {
		t.Fatal(err)
	}
	var first answer
	for i, email := range []string{editor, "unknown@example.org", "sso@example.org"} {
		a := o.knock(email, "not the password")
		a.body = strings.ReplaceAll(a.body, email, "ADDRESS")
		if i == 0 {
			first = a
		}
		if a.status != http.StatusUnprocessableEntity || a.body != first.body || a.header.Get("Set-Cookie") != "" {
			t.Errorf("the answer to %s is %d and differs from that to a user:\n%s", email, a.status, a.body)
		}
	}
	wants(t, "the answer", first.body, "No user has this address and this password.")
}

func TestGuessesAreLimitedByUserAndByAddress(t *testing.T) {
	o := newOffice(t, officeURL)
	// refusedAfter counts the attempts until one is not even looked at.
	refusedAfter := func(email, from func(int) string) int {
		for i := range 100 {
			if o.knock(email(i), "not the password", "X-Forwarded-For", from(i)).status == http.StatusTooManyRequests {
				return i
			}
		}
		return 100
	}
	here := func(int) string { return "192.0.2.7" }
	if got := refusedAfter(func(i int) string { return fmt.Sprint(i, "@example.org") }, here); got != knockBurst {
		t.Errorf("from one address %d attempts are looked at, want %d", got, knockBurst)
	}
	o.serve()
	// From all over the world at one user, and at an address that nobody has.
	for _, email := range []string{editor, "unknown@example.org"} {
		got := refusedAfter(func(i int) string { return []string{email, strings.ToUpper(email)}[i%2] }, func(i int) string { return fmt.Sprint("198.51.100.", i) })
		if got != guessBurst {
			t.Errorf("of %s %d attempts are looked at, want %d", email, got, guessBurst)
		}
	}
	// The right password is not looked at either, or guessing would go on.
	if a := o.knock(editor, password); a.status != http.StatusTooManyRequests {
		t.Errorf("the right password answers %d behind too many wrong ones, want 429", a.status)
	}
	if a := o.knock(viewer, password); a.status != http.StatusSeeOther {
		t.Errorf("another user is answered %d, want 303", a.status)
	}
	o.at(o.clock().Add(2 * time.Minute))
	if a := o.knock(editor, password); a.status != http.StatusSeeOther {
		t.Errorf("two minutes later the right password answers %d, want 303", a.status)
	}
}

func TestATokenFromBeforeIsWorthNothingAfter(t *testing.T) {
	o := newOffice(t, officeURL)
	// One that somebody else has put into the browser.
	a := o.knock(editor, password, "Cookie", "__Host-convened=CHOSENBYSOMEBODYELSE")
	if got := cookieIn(t, a); strings.HasSuffix(got, "CHOSENBYSOMEBODYELSE") {
		t.Errorf("signing in keeps the token %q that the browser brought", got)
	}
	// And one of a session that there is.
	d := o.as(viewer)
	b := o.knock(editor, password, "Cookie", d.cookie)
	if cookieIn(t, b) == d.cookie {
		t.Error("signing in as another keeps the token")
	}
	if a := d.get("/events"); a.status != http.StatusSeeOther {
		t.Errorf("the session from before answers %d, want 303 to sign in", a.status)
	}
}

func TestASessionEnds(t *testing.T) {
	for name, end := range map[string]func(o *office, d *desktop){
		"by signing out": func(o *office, d *desktop) {
			if a := d.post("/signout", ""); a.status != http.StatusSeeOther || !strings.Contains(a.header.Get("Set-Cookie"), "Max-Age=0") {
				t.Errorf("signing out answers %d with the cookie %q", a.status, a.header.Get("Set-Cookie"))
			}
		},
		"by idleness": func(o *office, d *desktop) { o.at(o.clock().Add(desk.SessionTerm.Idle)) },
		"by age, however busy": func(o *office, d *desktop) {
			for begun := o.clock(); o.clock().Sub(begun) < desk.SessionTerm.Absolute; {
				o.at(o.clock().Add(desk.SessionTerm.Idle - time.Minute))
				d.get("/events")
			}
		},
		"with another password": func(o *office, d *desktop) {
			if err := o.desk.SetPassword(o.t.Context(), editor, "another that is long enough"); err != nil {
				o.t.Fatal(err)
			}
		},
		"with the user": func(o *office, d *desktop) {
			if err := o.store.RemoveUser(o.t.Context(), editor); err != nil {
				o.t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t, officeURL)
			d := o.as(editor)
			if a := d.get("/events"); a.status != http.StatusOK {
				t.Fatalf("the session answers %d before, want 200", a.status)
			}
			end(o, d)
			if a := d.get("/events"); a.status != http.StatusSeeOther {
				t.Errorf("the session answers %d after, want 303 to sign in", a.status)
			}
		})
	}
}

func TestNoLinkLeadsOutOfTheHouse(t *testing.T) {
	for _, prefix := range []string{"", "/desk"} {
		o := newOffice(t, officeURL+prefix)
		for _, next := range []string{"https://evil.example", "//evil.example", `/\evil.example`, `\\evil.example`, "/\t/evil.example", "javascript:alert(1)",
			"/events/../..//evil.example", "evil.example", "", "?x", "https:evil.example", prefix + "//evil.example", "/%09/evil.example/..//x", "/\r\nSet-Cookie: a=b"} {
			o.serve() // or there would be too many attempts
			b := o.post(o.origin+"/signin", url.Values{"email": {editor}, "password": {password}, "next": {next}}.Encode())
			to, err := url.Parse(b.header.Get("Location"))
			if err != nil || to.Host != "" || to.Scheme != "" || !strings.HasPrefix(b.header.Get("Location"), prefix+"/") || strings.HasPrefix(b.header.Get("Location"), "//") {
				t.Errorf("next=%q leads to %q", next, b.header.Get("Location"))
			}
		}
		if b := o.post(o.origin+"/signin", url.Values{"email": {editor}, "password": {password}, "next": {prefix + "/events/webinar?x=1"}}.Encode()); b.header.Get("Location") != prefix+"/events/webinar?x=1" {
			t.Errorf("a page of ours leads to %q", b.header.Get("Location"))
		}
	}
}

func TestWhatComesFromElsewhereIsRefused(t *testing.T) {
	o := newOffice(t, officeURL)
	d := o.as(chief)
	before := o.everything()
	for _, path := range []string{"/signin", "/signout", "/language", "/events/webinar"} {
		a := d.post(path, "email="+chief, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example")
		if a.status != http.StatusForbidden {
			t.Errorf("a form of another site at %s answers %d, want 403", path, a.status)
		}
	}
	if a := d.get("/events"); a.status != http.StatusOK {
		t.Errorf("after that the session answers %d, want 200", a.status)
	}
	if o.everything() != before {
		t.Error("a form of another site changed something")
	}
}
