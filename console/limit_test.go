package console

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestWhoAsksForTooMuchWaits(t *testing.T) {
	t.Parallel()
	s, link := faked(t, &fake{})
	for i := range burst {
		if a := s.get(link); a.status != http.StatusOK {
			t.Fatalf("request %d: %d", i, a.status)
		}
	}
	a := s.get(link)
	if a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") == "" {
		t.Errorf("after the burst: %d, %v", a.status, a.header)
	}
	wants(t, "the page", a.said(), "Too many requests")
	if a := s.do(http.MethodPost, outOf(link), "List-Unsubscribe=One-Click"); a.status != http.StatusTooManyRequests {
		t.Errorf("a click after the burst: %d", a.status)
	}
	s.now = s.now.Add(time.Second)
	for i := range perSecond {
		if a := s.get(link); a.status != http.StatusOK {
			t.Errorf("a second later, request %d: %d", i, a.status)
		}
	}
	// Somebody else does not wait.
	r := httptest.NewRequest(http.MethodGet, link, nil)
	r.RemoteAddr = "198.51.100.1:1"
	w := httptest.NewRecorder()
	if s.handler.ServeHTTP(w, r); w.Code != http.StatusOK {
		t.Errorf("somebody else: %d", w.Code)
	}
}

func TestWhoTriesLinksGetsFew(t *testing.T) {
	t.Parallel()
	s, _ := faked(t, &fake{})
	tried := 0
	for range 600 { // a minute, ten tries a second
		if s.get(origin+"/r/x").status == http.StatusNotFound {
			tried++
		}
		s.now = s.now.Add(100 * time.Millisecond)
	}
	if tried < burst/costOfMiss || tried > 100 {
		t.Errorf("in a minute %d links were tried", tried)
	}
}

func TestTheClientIsWhomTheProxyOfThisMachineNames(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		peer, forwarded, want string
	}{
		{"192.0.2.7:1", "", "192.0.2.7"},
		{"192.0.2.7:1", "203.0.113.9", "192.0.2.7"}, // anybody can say that
		{"127.0.0.1:1", "203.0.113.9", "203.0.113.9"},
		{"127.0.0.1:1", "198.51.100.1, 203.0.113.9", "203.0.113.9"}, // the last is the proxy's word
		{"127.0.0.1:1", "198.51.100.1,203.0.113.9:4711", "203.0.113.9"},
		{"127.0.0.1:1", "unknown", "127.0.0.1"},
		{"127.0.0.1:1", "203.0.113.9, ", "127.0.0.1"},
		{"[::1]:1", "2001:db8:1:2:3::4", "2001:db8:1:2::"},
		{"[::1]:1", "[2001:db8:1:2:3::4]:4711", "2001:db8:1:2::"},
		{"[::ffff:127.0.0.1]:1", "203.0.113.9", "203.0.113.9"},
		{"@", "203.0.113.9", "203.0.113.9"}, // a Unix socket
		{"@", "", "invalid IP"},
		{"", "::ffff:203.0.113.9", "203.0.113.9"},
		{"[2001:db8:1:2:ffff::1]:1", "203.0.113.9", "2001:db8:1:2::"},
		{"[fe80::1%eth0]:1", "", "fe80::"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = tt.peer
		if tt.forwarded != "" {
			r.Header.Set("X-Forwarded-For", tt.forwarded)
		}
		if got := clientOf(r).String(); got != tt.want {
			t.Errorf("%s for %q: got %s, want %s", tt.peer, tt.forwarded, got, tt.want)
		}
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr = "127.0.0.1:1"
	r.Header["X-Forwarded-For"] = []string{"198.51.100.1", "203.0.113.9"}
	if got := clientOf(r).String(); got != "203.0.113.9" {
		t.Errorf("of two fields: got %s", got)
	}
}

func TestAProxyThatNamesNobodyIsSaidOnce(t *testing.T) {
	t.Parallel()
	s, link := faked(t, &fake{})
	for range burst + 50 {
		r := httptest.NewRequest(http.MethodGet, link, nil)
		r.RemoteAddr = "127.0.0.1:1"
		s.handler.ServeHTTP(httptest.NewRecorder(), r)
	}
	if n := strings.Count(s.logs.String(), "X-Forwarded-For"); n != 1 {
		t.Errorf("it is said %d times", n)
	}
}

func TestTheMemoryOfWhoAskedIsBounded(t *testing.T) {
	t.Parallel()
	l := newLimiter[netip.Addr](perSecond, burst)
	heavy := netip.MustParseAddr("203.0.113.9")
	for range burst {
		l.allow(early, heavy)
	}
	for i := range 10 * mostBuckets {
		l.allow(early, netip.MustParseAddr(fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255)))
		if i%mostBuckets == 0 && l.allow(early, heavy) {
			t.Fatal("who asks again and again was forgotten")
		}
	}
	if n := len(l.young) + len(l.old); n > 2*mostBuckets {
		t.Errorf("%d addresses are remembered", n)
	}
}
