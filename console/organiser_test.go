package console

import (
	"errors"
	"net/http"
	"testing"

	"convened"
)

// officeURL is where the console of most tests lives.
const officeURL = "https://console.example.org"

func TestAnEventIsThereForThoseAloneWhoHaveARole(t *testing.T) {
	o := newOffice(t, officeURL)
	for _, test := range []struct {
		email string
		want  int
	}{{chief, 200}, {editor, 200}, {viewer, 200}, {nobody, 404}} {
		d := o.as(test.email)
		if a := d.get("/events/webinar"); a.status != test.want {
			t.Errorf("%s gets %d for the event, want %d", test.email, a.status, test.want)
		}
		list := d.get("/events").body
		if test.want == 200 {
			wants(t, "the list for "+test.email, list, "/events/webinar")
		} else {
			wantsNo(t, "the list for "+test.email, list, "webinar")
		}
	}
	// What was never there and what one may not see look the same.
	d := o.as(nobody)
	if a, b := d.get("/events/webinar"), d.get("/events/no-such-event"); a.status != b.status || a.header.Get("Content-Type") != b.header.Get("Content-Type") {
		t.Errorf("an event of others answers %d, one that is not there %d", a.status, b.status)
	}
}

func TestATakenRoleCountsAtOnce(t *testing.T) {
	o := newOffice(t, officeURL)
	d := o.as(viewer)
	o.grant(viewer, "webinar", convened.NoRole)
	if a := d.get("/events/webinar"); a.status != http.StatusNotFound {
		t.Errorf("the event answers %d to whom the role was taken, want 404", a.status)
	}
}

func TestTheTrailOfAllIsForAdministrators(t *testing.T) {
	o := newOffice(t, officeURL)
	if a := o.as(editor).get("/history"); a.status != http.StatusNotFound {
		t.Errorf("the trail of all answers %d to an editor, want 404", a.status)
	}
	a := o.as(chief).get("/history")
	wants(t, "the trail", a.body, "signed in", chief, editor)
	if a := o.as(viewer).get("/events/webinar/history"); a.status != http.StatusOK {
		t.Errorf("the trail of the event answers %d to a viewer, want 200", a.status)
	}
}

func TestEveryPageHasItsGuards(t *testing.T) {
	o := newOffice(t, officeURL)
	d := o.as(chief)
	for _, path := range []string{"/events", "/events/webinar", "/events/webinar/history", "/history", "/signin", "/no/such/page"} {
		h := d.get(path).header
		if got := h.Get("Content-Security-Policy"); got != organiserPolicy {
			t.Errorf("%s has the policy %q, want %q", path, got, organiserPolicy)
		}
		if got := h.Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s has Cache-Control %q, want no-store", path, got)
		}
	}
}

func TestMachinesAskWithoutSigningIn(t *testing.T) {
	o := newOffice(t, officeURL)
	if a := o.get(officeURL + "/healthz"); a.status != http.StatusOK || a.body != "alive\n" {
		t.Errorf("/healthz is %d %q, want 200 alive", a.status, a.body)
	}
	if a := o.get(officeURL + "/readyz"); a.status != http.StatusOK || a.body != "ready\n" {
		t.Errorf("/readyz is %d %q, want 200 ready", a.status, a.body)
	}
	o.reason = errors.New("waiting for the relay")
	if a := o.get(officeURL + "/readyz"); a.status != http.StatusServiceUnavailable || a.body != "waiting for the relay\n" {
		t.Errorf("/readyz is %d %q, want 503 and the reason", a.status, a.body)
	}
	if a := o.get(officeURL + "/healthz"); a.status != http.StatusOK {
		t.Errorf("/healthz is %d while the service is not ready, want 200", a.status)
	}
}

func TestLookingChangesNothing(t *testing.T) {
	o := newOffice(t, officeURL)
	o.desk.Post = &postbox{stage: o.stage}
	o.busy()
	d := o.as(chief)
	everything := func() string {
		return o.everything() + o.sql(`SELECT e FROM convened.events e; SELECT u FROM convened.users u ORDER BY id; SELECT r FROM convened.reminders r ORDER BY name; SELECT t FROM convened.trail t ORDER BY id`)
	}
	before := everything()
	for _, path := range []string{"/events", "/events/webinar", "/events/webinar/live", "/events/webinar/timeline", "/events/webinar/edit", "/events/webinar/cancel", "/events/webinar/history",
		"/events/webinar/schedule", "/events/webinar/letters", "/events/webinar/registrants", "/events/webinar/registrants/1", "/events/webinar/failures", "/events/webinar/held", "/history", "/new",
		"/signin", "/signout", "/language"} {
		for _, part := range []string{"", "true"} {
			if a := d.get(path+"?do=save&confirm=1&language=fr", "HX-Request", part); a.status >= 500 {
				t.Errorf("%s answers %d\n%s", path, a.status, o.logs)
			}
		}
	}
	if everything() != before {
		t.Error("somebody has looked, and something has changed")
	}
	if a := d.get("/events"); a.status != http.StatusOK {
		t.Errorf("after looking around one is signed out: %d", a.status)
	}
}

func TestThePublicListenerHasNothingOfTheConsole(t *testing.T) {
	s := newStage(t, "https://events.example.org")
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/signin", "/events", "/history"} {
		if a := s.get("https://events.example.org" + path); a.status != http.StatusNotFound {
			t.Errorf("%s of the registrants' pages answers %d, want 404", path, a.status)
		}
	}
}
