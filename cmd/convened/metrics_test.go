package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// One registration, one letter, and the figures that a sysadmin looks at.
func TestMetricsTellOfALetter(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	base := s.console()
	s.apply("webinar", 240*time.Hour, "")
	s.daemon()
	s.must("registration", "add", "webinar", "ana@example.org")
	s.wait(1, 30*time.Second)
	wanted := []string{
		`convened_notices_settled_total{kind="confirmation",outcome="sent"} 1`,
		`convened_notice_lateness_seconds_count{kind="confirmation"} 1`, `convened_smtp_replies_total{class="2xx",phase="dot"} 1`, `convened_notices_planned_total 1`,
		`convened_database_up 1`, `convened_queue_notices{state="held"} 0`, `convened_config_last_reload_successful 1`,
		`convened_database_connections{pool="console",state="in_use"}`, `convened_database_connections{pool="mail",state="in_use"}`,
		fmt.Sprintf("convened_build_info{version=%q} 1", version()), "process_resident_memory_bytes",
	}
	// Each figure is told when what it counts is over: the round's after the letter's.
	var page string
	for _, want := range wanted {
		s.until("the figures have "+want, func() bool {
			_, _, page = s.ask(http.MethodGet, base+"/metrics", "")
			return strings.Contains(page, want)
		})
	}
	if strings.Contains(page, "example.org") || strings.Contains(page, "webinar") {
		t.Errorf("the figures name a person or an event:\n%s", page)
	}
}

// The proxy that lets the world in marks what it brings.
func TestMetricsAreNotForTheWorld(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	base := s.console()
	s.daemon()
	s.until("the figures are there", func() bool {
		status, _, _ := s.ask(http.MethodGet, base+"/metrics", "")
		return status == http.StatusOK
	})
	r, err := http.NewRequest(http.MethodGet, base+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Forwarded-For", "203.0.113.7")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusNotFound {
		t.Errorf("through a proxy /metrics is %d, want 404", answer.StatusCode)
	}
}
