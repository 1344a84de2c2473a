package console

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"

	"convened"
	"convened/mailer"
)

// BenchmarkPagesBesideABurst asks for the pages of an event with 100,000 registrants
// while their confirmations are planned, composed and settled on the same machine, one
// in fifty of them refused, and reports the median and the 99th percentile of each page
// in milliseconds. It begins when everybody has a seat, asks for each page a hundred
// times, and then stops the burst:
//
//	go test ./console -run '^$' -bench PagesBesideABurst -benchtime 1x -timeout 30m
func BenchmarkPagesBesideABurst(b *testing.B) {
	o := newOffice(b, officeURL)
	o.openDoor()
	o.forgets = true
	o.failing(nil)
	taken := o.verdict
	o.verdict = func(l *mailer.Letter, now time.Time) convened.Outcome {
		time.Sleep(time.Millisecond) // a relay on the same network; there is one hand
		if l.Notice%50 == 0 {
			return convened.Outcome{State: convened.Refused, Cause: convened.CauseAddress, Code: 550, Enhanced: "5.1.1", Reply: "550 5.1.1 <" + l.To + "> no such user", At: now}
		}
		return taken(l, now)
	}
	o.sql(`INSERT INTO convened.registrations (event, email, name, language, zone, created_at)
		SELECT 'webinar', 'person' || i || '@mail' || (i % 500) || '.example.org', 'Élodie Lefèvre ' || i, (ARRAY['en', 'fr', 'es'])[1 + i % 3], 'America/Mexico_City', '` + early.Format(time.RFC3339) + `'
		FROM generate_series(1, 100000) i`)
	d := o.as(viewer)
	public, err := NewRegistrant(RegistrantOptions{Seats: o.store, Letters: o, PublicURL: origin, Clock: o.clock})
	if err != nil {
		b.Fatal(err)
	}
	begun := time.Now()
	running := func() time.Time { return o.clock().Add(time.Since(begun)) } // what was counted lingers, as in the service
	console, err := NewOrganiser(OrganiserOptions{Desk: o.desk, URL: o.origin, Public: origin, Clock: running, Logger: o.logger(), Ready: o.ready, Linger: time.Second})
	if err != nil {
		b.Fatal(err)
	}
	pages := []struct {
		name, path string
		handler    http.Handler
	}{
		{"events", "/events", console},
		{"overview", "/events/webinar", console},
		{"schedule", "/events/webinar/schedule", console},
		{"list", "/events/webinar/registrants", console},
		{"deep", "/events/webinar/registrants?before=50000", console},
		{"found", "/events/webinar/registrants?q=lefevre", console},
		{"rare", "/events/webinar/registrants?q=person77777%40", console},
		{"none", "/events/webinar/registrants?q=nobody+here", console},
		{"refused", "/events/webinar/registrants?state=refused", console},
		{"failed", "/events/webinar/registrants?state=failed", console},
		{"person", "/events/webinar/registrants/50000", console},
		{"failures", "/events/webinar/failures", console},
		{"held", "/events/webinar/held", console},
		{"sign-up", "/e/webinar", public},
	}
	const (
		asked = 100
		sent  = `SELECT count(*) FROM convened.notices WHERE state IN ('sent', 'refused')`
	)
	took := make([][]time.Duration, len(pages))
	for b.Loop() {
		ctx, stop := context.WithCancel(b.Context())
		over := make(chan error, 1)
		go func() { over <- o.sched.Until(ctx, o.clock()) }()
		for o.sql(`SELECT count(*) FROM convened.registrations WHERE planned_at IS NULL`) != "0" {
			time.Sleep(100 * time.Millisecond)
		}
		begun, before := time.Now(), o.sql(sent)
		for i := range len(pages) * asked {
			i %= len(pages)
			select {
			case err := <-over:
				b.Fatalf("the burst ended before the pages were asked for: %v", err)
			case <-time.After(20 * time.Millisecond): // some people who click now and then
			}
			o.handler = pages[i].handler
			clicked := time.Now()
			a := d.get(pages[i].path, "X-Forwarded-For", fmt.Sprintf("192.0.2.%d", i))
			if a.status != http.StatusOK {
				b.Fatalf("%s: %d", pages[i].name, a.status)
			}
			took[i] = append(took[i], time.Since(clicked))
		}
		from, err1 := strconv.Atoi(before)
		to, err2 := strconv.Atoi(o.sql(sent))
		if err1 != nil || err2 != nil {
			b.Fatal(err1, err2)
		}
		b.ReportMetric(float64(to-from)/time.Since(begun).Seconds(), "letters/s")
		stop()
		<-over
	}
	for i, p := range pages {
		slices.Sort(took[i])
		n := len(took[i])
		b.ReportMetric(float64(took[i][n/2].Microseconds())/1000, "p50-"+p.name+"-ms")
		b.ReportMetric(float64(took[i][n*99/100].Microseconds())/1000, "p99-"+p.name+"-ms")
		b.Logf("%-9s n %4d  median %7.1f ms  p99 %7.1f ms", p.name, n, float64(took[i][n/2].Microseconds())/1000, float64(took[i][n*99/100].Microseconds())/1000)
	}
}
