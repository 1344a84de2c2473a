package main

import (
	"testing"
	"time"
)

// Two daemons keep to one rate. It is a bound from above, so a busy machine can't
// break it; that it is reached, nobody promises.
func TestTheRateHoldsAcrossDaemons(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	s.configure(replaceOnce(t, s.read(), "  tls: none\n", "  tls: none\n  rate: 40\n"))
	s.apply("webinar", 240*time.Hour, "")
	s.daemon()
	s.daemon()
	const n = 160
	s.burst(n)
	s.wait(n, time.Minute)
	messages := s.smtp.Messages()
	took := messages[n-1].At.Sub(messages[0].At)
	// A bucket of one second's worth may be full at first.
	if least := time.Duration(n-40-40) * time.Second / 40; took < least {
		t.Errorf("%d letters left within %s at 40 a second, which takes at least %s", n, took, least)
	}
	s.settled()
	s.once(n)
}
