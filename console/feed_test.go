package console

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"convened/store"
)

// feedOf returns the address of the calendar that a page links to.
func (s *stage) feedOf(page string) string {
	s.t.Helper()
	link := regexp.MustCompile(`href="webcal://([^"]+)"`).FindStringSubmatch(s.get(page).body)
	if link == nil {
		s.t.Fatalf("the page links to no calendar:\n%s", s.get(page).body)
	}
	scheme, _, _ := strings.Cut(s.origin, "://")
	return scheme + "://" + link[1]
}

func TestAPersonalCalendarFollowsEveryChange(t *testing.T) {
	t.Parallel()
	s := newStage(t, "https://example.org/events")
	s.apply()
	page := s.ana()
	feed := s.feedOf(page)
	first := s.get(feed)
	if first.status != http.StatusOK || !strings.HasPrefix(first.header.Get("Content-Type"), "text/calendar") || first.header.Get("Last-Modified") == "" {
		t.Fatalf("%d %v", first.status, first.header)
	}
	wants(t, "the calendar", first.body, "METHOD:PUBLISH\r\n", "REFRESH-INTERVAL;VALUE=DURATION:PT1H\r\n", "X-PUBLISHED-TTL:PT1H\r\n", "X-WR-CALNAME:My events\r\n",
		"UID:"+s.seat("ana@example.net").UID, "STATUS:CONFIRMED", "DTSTART:20261125T150000Z", "SUMMARY;LANGUAGE=en:Internationalisation")
	wantsNo(t, "the calendar", first.body, "ATTENDEE", "ana@")
	// A calendar that asks again is told that nothing changed, by either way of asking.
	if got := s.get(feed, "If-None-Match", first.header.Get("ETag")); got.status != http.StatusNotModified || got.body != "" {
		t.Errorf("asked again: %d %q", got.status, got.body)
	}
	if got := s.get(feed, "If-Modified-Since", first.header.Get("Last-Modified")); got.status != http.StatusNotModified {
		t.Errorf("asked again by time: %d", got.status)
	}
	// Another event of hers is in it too, somebody else's is not.
	s.apply("event: webinar", "event: second", "2026-11-25", "2026-12-02")
	for _, e := range []store.Entry{{Event: "second", Email: "ANA@example.net"}, {Event: "second", Email: "bo@example.net"}} {
		e.CreatedAt = s.clock()
		if _, err := s.store.AddRegistrations(t.Context(), []store.Entry{e}); err != nil {
			t.Fatal(err)
		}
	}
	s.at(s.clock().Add(time.Minute))
	if got := s.get(feed); strings.Count(got.body, "BEGIN:VEVENT") != 2 || got.header.Get("ETag") == first.header.Get("ETag") {
		t.Errorf("with two events:\n%s", got.body)
	}
	// A move, a seat that is given up.
	s.apply("16:00", "18:00", "17:00", "19:00")
	moved := s.get(feed, "If-None-Match", first.header.Get("ETag"), "If-Modified-Since", first.header.Get("Last-Modified"))
	if moved.status != http.StatusOK {
		t.Errorf("after the move: %d", moved.status)
	}
	wants(t, "the moved calendar", moved.body, "DTSTART:20261125T170000Z", "SEQUENCE:1")
	if got := s.post(page+"/cancel", ""); got.status != http.StatusSeeOther {
		t.Fatal(got.status)
	}
	wants(t, "the calendar of who left", s.get(feed).body, "STATUS:CANCELLED", "TRANSP:TRANSPARENT", "SEQUENCE:2")
	// What opens the one does not open the other.
	token := page[strings.LastIndex(page, "/")+1:]
	feedToken := strings.TrimSuffix(feed[strings.LastIndex(feed, "/")+1:], ".ics")
	lost := s.get(s.origin + "/calendar/x.ics")
	for _, u := range []string{"/calendar/" + token + ".ics", "/r/" + feedToken, "/u/" + feedToken, "/calendar/" + feedToken} {
		if got := s.get(s.origin + u); got.status != http.StatusNotFound || got.body != lost.body {
			t.Errorf("%s opens: %d", u, got.status)
		}
	}
	// Whoever is erased has none, and it looks as if there had never been one.
	if _, err := s.desk.Erase(t.Context(), s.clock(), "", "ana@example.net"); err != nil {
		t.Fatal(err)
	}
	if got := s.get(feed); got.status != http.StatusNotFound || got.body != lost.body {
		t.Errorf("after erasure: %d", got.status)
	}
}
