package console

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// How many requests one address may make: in a burst, and for ever. A town hall
// behind one address may join at the same minute; a mailbox provider may mute many
// at once.
const (
	burst     = 400
	perSecond = 20

	// A link that opens nothing costs so many requests: whoever tries links gets
	// about one a second.
	costOfMiss = 20
)

// mostBuckets bounds how many addresses are remembered, twice over.
const mostBuckets = 5000

// A limiter has a token bucket for each key, an address above all, that was seen lately.
// Its memory is bounded: when the young generation is full, it becomes the old one, and what was
// the old one is forgotten.
type limiter[K comparable] struct {
	perSecond  rate.Limit
	burst      int
	mu         sync.Mutex
	young, old map[K]*rate.Limiter
}

func newLimiter[K comparable](perSecond rate.Limit, burst int) *limiter[K] {
	return &limiter[K]{perSecond: perSecond, burst: burst, young: map[K]*rate.Limiter{}}
}

func (l *limiter[K]) bucket(a K) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	if b := l.young[a]; b != nil {
		return b
	}
	b := l.old[a]
	if b == nil {
		b = rate.NewLimiter(l.perSecond, l.burst)
	}
	if len(l.young) >= mostBuckets {
		l.young, l.old = map[K]*rate.Limiter{}, l.young
	}
	l.young[a] = b
	return b
}

// allow takes a token for a request, and reports false where there is none.
func (l *limiter[K]) allow(now time.Time, a K) bool { return l.bucket(a).AllowN(now, 1) }

// miss takes the price of a link that opened nothing, into debt if need be.
func (l *limiter[K]) miss(now time.Time, a K) { l.bucket(a).ReserveN(now, costOfMiss-1) }

// clientOf returns whom a request is from, as far as it can be known: the peer, or
// where that is a proxy on this machine, whom the proxy names last in
// X-Forwarded-For. What stands there before was written by the client itself.
// An IPv6 address stands for its /64, which one subscriber has whole. Of a peer
// on a Unix socket that names nobody it is the zero Addr.
func clientOf(r *http.Request) netip.Addr {
	var peer netip.Addr
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		peer, _ = netip.ParseAddr(host)
	}
	if !peer.IsValid() || peer.Unmap().IsLoopback() {
		if list := r.Header.Values("X-Forwarded-For"); len(list) > 0 {
			last := list[len(list)-1]
			if a, ok := parseClient(last[strings.LastIndexByte(last, ',')+1:]); ok {
				peer = a
			}
		}
	}
	peer = peer.Unmap().WithZone("")
	if peer.Is6() {
		if p, err := peer.Prefix(64); err == nil {
			peer = p.Addr()
		}
	}
	return peer
}

// parseClient reads an address with or without a port and brackets, as proxies
// write them.
func parseClient(s string) (netip.Addr, bool) {
	s = strings.TrimSpace(s)
	if p, err := netip.ParseAddrPort(s); err == nil {
		return p.Addr(), true
	}
	a, err := netip.ParseAddr(strings.Trim(s, "[]"))
	return a, err == nil
}
