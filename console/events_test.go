package console

import (
	"regexp"
	"strings"
	"testing"
)

// Years of events fit on no page, and nobody waits until all their mails are counted.
func TestPastEventsGoOnPageByPage(t *testing.T) {
	t.Parallel()
	o := newOffice(t, officeURL)
	o.sql(`INSERT INTO convened.events SELECT (jsonb_populate_record(e, jsonb_build_object('slug', 'past-' || lpad(i::text, 3, '0'), 'starts_at', e.starts_at - i * interval '30 days', 'ends_at', e.ends_at - i * interval '30 days',
		'over_at', e.over_at - i * interval '30 days'))).* FROM convened.events e, generate_series(24, 24 + 2 * 25) i; SELECT 1`)
	o.sql(`INSERT INTO convened.user_roles (user_id, event, role) SELECT u.id, 'past-025', 'view' FROM convened.users u WHERE u.email = '` + viewer + `'; SELECT 1`)
	d := o.as(chief)
	var seen []string
	next := "/events"
	for pages := 1; next != ""; pages++ {
		a := d.get(next)
		if got := strings.Contains(a.body, `/events/webinar"`); got != (pages == 1) {
			t.Errorf("on page %d the event to come is listed: %v", pages, got)
		}
		if got := strings.Contains(a.said(), "Latest events"); got != (pages > 1) {
			t.Errorf("on page %d there is a way back: %v", pages, got)
		}
		seen = append(seen, regexp.MustCompile(`events/past-\d+`).FindAllString(a.body, -1)...)
		next = ""
		if m := regexp.MustCompile(`rel="next" href="([^"]+)"`).FindStringSubmatch(a.said()); m != nil {
			next = strings.TrimPrefix(m[1], officeURL)
		}
		if pages > 3 {
			t.Fatal("it never ends")
		}
	}
	if len(seen) != 2*pastOnPage+1 || seen[0] != "events/past-024" || seen[len(seen)-1] != "events/past-074" {
		t.Errorf("of %d past events these are listed: %v", 2*pastOnPage+1, seen)
	}
	for _, nonsense := range []string{"-1", "4000000000000000000000", "x"} {
		wants(t, "the page of past="+nonsense, d.get("/events?past="+nonsense).body, `/events/webinar"`, "past-024")
	}
	wants(t, "a page behind the last", d.get("/events?past=99").body, "past-074")
	list := o.as(viewer).get("/events").body
	wants(t, "the list of who may see two", list, `/events/webinar"`, "past-025")
	wantsNo(t, "the list of who may see two", list, "past-024", `rel="next"`)
}
