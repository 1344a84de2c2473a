package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// BenchmarkInsertToAccepted measures how long it takes from the commit of a
// registration until the mail server has accepted its confirmation, at 50
// registrations a second. The promise is a second at the 99th percentile.
func BenchmarkInsertToAccepted(b *testing.B) {
	const rate = 50
	s := newSite(b, "")
	s.apply("webinar", 10*24*time.Hour, "")
	s.daemon()
	// The first letter says that the daemon is ready.
	s.sql(`INSERT INTO convened.registrations (event, email, name) VALUES ('webinar', 'first@example.org', 'Ana')`)
	s.wait(1, time.Minute)
	n := max(b.N, 200)
	b.ResetTimer()
	// One transaction each, paced on the server.
	s.sql(fmt.Sprintf(`DO $$ BEGIN FOR i IN 1..%d LOOP
		INSERT INTO convened.registrations (event, email, name, created_at) VALUES ('webinar', 'p' || i || '@example.org', 'Ana', clock_timestamp());
		COMMIT; PERFORM pg_sleep(%f); END LOOP; END $$`, n, 1.0/rate))
	s.wait(n+1, time.Minute)
	b.StopTimer()
	inserted := map[string]time.Time{}
	for line := range strings.Lines(s.sql(`SELECT email || ' ' || to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') FROM convened.registrations`)) {
		email, at, _ := strings.Cut(strings.TrimSpace(line), " ")
		var err error
		if inserted[email], err = time.Parse(time.RFC3339Nano, at); err != nil {
			b.Fatal(err)
		}
	}
	var late []time.Duration
	for _, m := range s.smtp.Messages()[1:] {
		late = append(late, m.At.Sub(inserted[m.To[0]]))
	}
	slices.Sort(late)
	b.ReportMetric(float64(late[n/2])/1e6, "median-ms")
	b.ReportMetric(float64(late[n*99/100])/1e6, "p99-ms")
	b.ReportMetric(float64(late[n-1])/1e6, "worst-ms")
}
