package console

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"

	"convened"
	"convened/desk"
)

// cheap is what a guess at a password costs in these tests.
var cheap = desk.Cost{Memory: 64, Passes: 1, Threads: 1}

// The organisers of these tests: one administrator, one who may edit the webinar, one
// who may see it, and one who was given nothing.
const (
	chief    = "chief@example.org"
	editor   = "editor@example.org"
	viewer   = "viewer@example.org"
	nobody   = "nobody@example.org"
	password = "a horse eats no cucumber"
)

// An office is a stage with the organisers' console. Its requests go to the console.
type office struct {
	*stage
	oidc   *OIDC
	reason error // why the service is not ready; nil: it is
}

// newOffice builds one at an address, with the webinar and the organisers.
func newOffice(t testing.TB, consoleURL string) *office {
	t.Helper()
	o := &office{stage: newStage(t, "https://events.example.org")}
	o.origin, o.desk.Cost = consoleURL, cheap
	o.apply()
	for _, email := range []string{chief, editor, viewer, nobody} {
		u := convened.User{Email: email, Name: strings.TrimSuffix(email, "@example.org"), Administrator: email == chief}
		if _, err := o.desk.AddUser(t.Context(), o.clock(), u, password); err != nil {
			t.Fatal(err)
		}
	}
	o.grant(editor, "webinar", convened.Edit)
	o.grant(viewer, "webinar", convened.View)
	o.serve()
	return o
}

// serve has requests go to a console, which has forgotten whom it has limited.
func (o *office) serve() {
	o.t.Helper()
	var err error
	o.handler, err = NewOrganiser(OrganiserOptions{Desk: o.desk, URL: o.origin, Public: origin, Clock: o.clock, Wake: func() { o.woken++ }, Logger: o.logger(),
		Ready: o.ready, OIDC: o.oidc})
	if err != nil {
		o.t.Fatal(err)
	}
}

func (o *office) ready(context.Context) error { return o.reason }

func (o *office) grant(email, event string, role convened.Role) {
	o.t.Helper()
	if _, err := o.store.Grant(o.t.Context(), email, event, role); err != nil {
		o.t.Fatal(err)
	}
}

// A desktop is the browser of somebody who is signed in, at the address of the office.
type desktop struct {
	*office
	cookie string
}

// as signs somebody in.
func (o *office) as(email string) *desktop {
	o.t.Helper()
	a := o.post(o.origin+"/signin", "email="+email+"&password="+strings.ReplaceAll(password, " ", "+"))
	if a.status != http.StatusSeeOther {
		o.t.Fatalf("%s can't sign in: %d\n%s", email, a.status, a.body)
	}
	return &desktop{o, cookieIn(o.t, a)}
}

// cookieIn returns the session that an answer begins, as a browser sends it.
func cookieIn(t testing.TB, a answer) string {
	t.Helper()
	for _, k := range (&http.Response{Header: a.header}).Cookies() {
		if k.Name == secureCookie || k.Name == plainCookie {
			return k.Name + "=" + k.Value
		}
	}
	t.Fatalf("no session in %v", a.header)
	return ""
}

// get asks for a page of the console, in English if nothing else is said.
func (d *desktop) get(path string, more ...string) answer {
	d.t.Helper()
	return d.office.get(d.origin+path, append([]string{"Cookie", d.cookie, "Accept-Language", "en"}, more...)...)
}

// post sends a form of the console.
func (d *desktop) post(path, form string, more ...string) answer {
	d.t.Helper()
	return d.office.post(d.origin+path, form, append([]string{"Cookie", d.cookie, "Accept-Language", "en"}, more...)...)
}

// openOffice is an office whose pages are to be had over TCP.
func openOffice(t *testing.T) *office {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	o := newOffice(t, "http://"+server.Listener.Addr().String())
	server.Config.Handler = o.handler
	server.Start()
	t.Cleanup(server.Close)
	return o
}

// enter signs somebody in with the browser, which is then at a page.
func (b *browser) enter(o *office, email, path, language string) {
	b.t.Helper()
	d := o.as(email)
	name, value, _ := strings.Cut(d.cookie, "=")
	call(b, network.SetCookie, network.SetCookieParams{Name: name, Value: value, URL: o.origin})
	b.open(o.origin+path, language)
}
