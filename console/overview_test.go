package console

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"convened/store"
)

// busy has people of three continents register, in three languages.
func (o *office) busy() {
	o.t.Helper()
	for i, e := range []store.Entry{
		{Email: "ana@example.net", Name: "Ana Díaz", Language: "es", Zone: "America/Mexico_City"},
		{Email: "bo@example.net", Name: "Bo", Language: "es", Zone: "America/Mexico_City"},
		{Email: "kenji@example.net", Name: "Kenji", Language: "en", Zone: "Asia/Tokyo"},
		{Email: "elodie@example.net", Name: "Élodie", Language: "fr"},
		{Email: "no address", Name: "Nobody", Language: "fr"},
	} {
		o.at(o.clock().Add(time.Duration(i) * 7 * time.Hour))
		e.Event, e.CreatedAt = "webinar", o.clock()
		if _, err := o.store.AddRegistrations(o.t.Context(), []store.Entry{e}); err != nil {
			o.t.Fatal(err)
		}
		o.at(o.clock())
	}
}

// row returns what a row of a page's table says, by its heading.
func row(t *testing.T, a answer, heading string) string {
	t.Helper()
	for _, r := range regexp.MustCompile(`(?s)<tr.*?</tr>`).FindAllString(a.said(), -1) {
		if strings.Contains(r, `<th scope="row">`+heading) {
			return strings.Join(strings.Fields(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(r, " ")), " ")
		}
	}
	t.Fatalf("there is no row %q in\n%s", heading, a.said())
	return ""
}

func TestTheOverviewListsWhatLeftAndWhatIsToCome(t *testing.T) {
	o := newOffice(t, officeURL)
	o.busy()
	d := o.as(viewer)
	a := d.get("/events/webinar")
	if a.status != 200 {
		t.Fatalf("the overview answers %d\n%s", a.status, o.logs)
	}
	if got, want := row(t, a, "Confirmations"), "sent, refused: 1 4"; !strings.Contains(got, want) {
		t.Errorf("the confirmations are %q, want %q", got, want)
	}
	if got := row(t, a, "24 hours before"); !strings.Contains(got, "to come 4 1 en, 1 fr, 2 es Tuesday 24 Nov, 16:00") || !strings.Contains(got, "Wednesday 25 Nov, 00:00 at night") {
		t.Errorf("the reminder to come is %q", got)
	}
	wants(t, "the overview", a.said(), "1 letter was refused", "Mexico City", "Tokyo")
	o.at(starts.Add(-24 * time.Hour))
	o.at(starts.Add(-time.Hour))
	d = o.as(viewer) // days have passed
	if got := row(t, d.get("/events/webinar"), "24 hours before"); !strings.Contains(got, "sent 4") {
		t.Errorf("the reminder that left is %q", got)
	}
	// What is drawn is what is listed.
	a = d.get("/events/webinar")
	if marks, rows := strings.Count(a.body, `<g class="mark`), strings.Count(a.body, `<th scope="row">`); marks != rows || marks != 3 {
		t.Errorf("%d letters are drawn and %d listed, want 3", marks, rows)
	}
}

func TestABurstShowsHowFarItIs(t *testing.T) {
	o := newOffice(t, officeURL)
	o.busy()
	d := o.as(viewer)
	wants(t, "the calm page", d.get("/events/webinar/live", "HX-Request", "true").body, `hx-trigger="every 15s"`)
	o.at(starts.Add(-24 * time.Hour))
	o.sql(`UPDATE convened.notices SET state = 'planned', sent_at = NULL WHERE id = (SELECT max(id) FROM convened.notices WHERE kind = 'reminder')`)
	d = o.as(viewer) // days have passed
	a := d.get("/events/webinar/live", "HX-Request", "true")
	wants(t, "the busy page", a.said(), `hx-trigger="every 2s"`, `value="3" max="4"`, "3 of 4", "24 hours before")
	wantsNo(t, "a part of a page", a.body, "<html")
	if a := d.get("/events/webinar/live"); a.status != 303 || a.header.Get("Location") != "/events/webinar" {
		t.Errorf("without htmx the part leads to %q with %d", a.header.Get("Location"), a.status)
	}
}

func TestAnEventWithoutAnyoneOrAnythingIsShown(t *testing.T) {
	o := newOffice(t, officeURL)
	o.apply("reminders:\n  - before: 24h\n  - after: 2h\n", "", "join_url: https://meet.example.org/join?room=7&lang=fr\n", "", `location: {fr: "En ligne", en: "Online", es: "En línea"}`+"\n", "")
	for _, at := range []time.Time{early, starts.Add(-time.Minute), ends.Add(48 * time.Hour)} {
		o.at(at)
		if a := o.as(viewer).get("/events/webinar"); a.status != 200 {
			t.Errorf("at %s the overview answers %d\n%s", at, a.status, o.logs)
		}
	}
	o.at(starts.Add(-time.Minute))
	wants(t, "the overview", o.as(viewer).get("/events/webinar").said(), "No letter has left", "There is neither a link to join nor a place yet.")
}

// A timeline is drawn within its frame, whatever the dates.
func TestTheTimelineStaysInItsFrame(t *testing.T) {
	at := regexp.MustCompile(` (?:x|x1|x2|cx)="([^"]*)"`)
	for _, dates := range [][2]string{{"2026-11-25 16:00", "2026-11-25 18:00"}, {"2026-12-25 16:00", "2027-01-25 17:00"}, {"2028-02-29 00:00", "2028-02-29 00:01"}, {"2026-11-20 17:00", "2026-11-20 18:00"}} {
		o := newOffice(t, officeURL)
		o.apply("starts: 2026-11-25 16:00\nends: 2026-11-25 17:00", fmt.Sprintf("starts: %s\nends: %s", dates[0], dates[1]))
		o.busy()
		body := o.as(viewer).get("/events/webinar").body
		for _, m := range at.FindAllStringSubmatch(body, -1) {
			var x float64
			if _, err := fmt.Sscan(m[1], &x); err != nil || !(x >= 0 && x <= drawWidth) {
				t.Errorf("%s: something is drawn at %q", dates[0], m[1])
			}
		}
		if strings.Contains(body, "NaN") {
			t.Errorf("%s: a number is none", dates[0])
		}
	}
}
