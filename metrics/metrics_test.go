package metrics_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"convened"
	"convened/metrics"
)

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// A stage is a daemon's metrics with a clock and a database to set.
type stage struct {
	*metrics.Metrics
	now   time.Time
	queue metrics.Queue
	err   error
	asked int
}

func newStage() *stage {
	s := &stage{now: noon}
	s.Metrics = metrics.New("v1.2.3", metrics.Sources{
		Clock: func() time.Time { return s.now },
		Queue: func(context.Context) (metrics.Queue, error) { s.asked++; return s.queue, s.err },
		Pools: func() map[string]metrics.Pool {
			return map[string]metrics.Pool{"mail": {InUse: 3, Idle: 2, Most: 10, Waits: 7, Waited: 1500 * time.Millisecond}}
		},
		Dropped: func() int64 { return 5 },
	})
	return s
}

// page is what Prometheus would read.
func (s *stage) page(t *testing.T) string {
	t.Helper()
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	b, err := io.ReadAll(w.Body)
	if err != nil || w.Code != 200 {
		t.Fatalf("/metrics is %d, %v:\n%s", w.Code, err, b)
	}
	return string(b)
}

func (s *stage) want(t *testing.T, lines ...string) {
	t.Helper()
	got := strings.Split(s.page(t), "\n")
	for _, l := range lines {
		if !slices.Contains(got, l) {
			name, _, _ := strings.Cut(l, "{")
			t.Errorf("there is no %q among\n%s", l, strings.Join(slices.DeleteFunc(slices.Clone(got), func(g string) bool { return !strings.HasPrefix(g, strings.Fields(name)[0]) }), "\n"))
		}
	}
}

func (s *stage) settle(kind convened.Kind, state convened.State, late time.Duration, phase string, code int) {
	s.Settled(convened.Settlement{Outcome: convened.Outcome{State: state, Phase: phase, Code: code, At: noon.Add(late), Reply: "250 ana@example.org"}},
		&convened.Claim{Notice: convened.Notice{Kind: kind, Instant: noon, DueAt: noon.Add(late)}})
}

func TestOutcomesAreCountedByKind(t *testing.T) {
	s := newStage()
	s.settle(convened.Confirmation, convened.Sent, 300*time.Millisecond, "dot", 250)
	s.settle(convened.Confirmation, convened.Sent, 40*time.Second, "dot", 250)
	s.settle(convened.ReminderKind, convened.Planned, 0, "rcpt", 451)
	s.settle(convened.ReminderKind, convened.Refused, 0, "rcpt", 550)
	s.settle(convened.ReminderKind, convened.Planned, 0, "connect", 0)
	s.settle(convened.Update, convened.Cancelled, 0, "", 0) // nobody was dialled
	s.want(t,
		`convened_notices_settled_total{kind="confirmation",outcome="sent"} 2`,
		`convened_notices_settled_total{kind="reminder",outcome="planned"} 2`,
		`convened_notices_settled_total{kind="reminder",outcome="refused"} 1`,
		`convened_notices_settled_total{kind="update",outcome="cancelled"} 1`,
		`convened_notices_settled_total{kind="followup",outcome="unknown"} 0`, // before its first time
		`convened_notice_lateness_seconds_bucket{kind="confirmation",le="0.5"} 1`,
		`convened_notice_lateness_seconds_bucket{kind="confirmation",le="60"} 2`,
		`convened_notice_lateness_seconds_count{kind="reminder"} 0`,
		`convened_smtp_replies_total{class="2xx",phase="dot"} 2`,
		`convened_smtp_replies_total{class="4xx",phase="rcpt"} 1`,
		`convened_smtp_replies_total{class="5xx",phase="rcpt"} 1`,
		`convened_smtp_replies_total{class="none",phase="connect"} 1`,
	)
}

// A mail that was put off three times is late by all of that: the instant that it
// was for counts, and not the one to which a retry moved it.
func TestLatenessIsThatOfTheFirstInstant(t *testing.T) {
	s := newStage()
	s.settle(convened.ReminderKind, convened.Sent, 50*time.Minute, "dot", 250)
	s.want(t, `convened_notice_lateness_seconds_sum{kind="reminder"} 3000`)
}

func TestTicksAndReloadsAreCounted(t *testing.T) {
	s := newStage()
	s.Ticked(noon, 20*time.Millisecond, 3, "", nil)
	s.Ticked(noon, -time.Hour, 0, "the relay is down", nil)
	s.Ticked(noon, time.Second, 0, "", errors.New("no database"))
	s.want(t,
		`convened_ticks_total{result="ok"} 1`, `convened_ticks_total{result="waiting"} 1`, `convened_ticks_total{result="error"} 1`,
		`convened_notices_planned_total 3`, `convened_tick_duration_seconds_sum 1.02`, `convened_config_last_reload_successful 1`,
		`convened_log_lines_dropped_total 5`, `convened_build_info{version="v1.2.3"} 1`)
	s.Reloaded(errors.New("smtp.port is not a number"))
	s.want(t, `convened_config_last_reload_successful 0`)
	s.Reloaded(nil)
	s.want(t, `convened_config_last_reload_successful 1`)
}

func TestAScrapeAsksTheDatabaseOnceInAWhile(t *testing.T) {
	s := newStage()
	s.queue = metrics.Queue{Registrations: 4, Oldest: noon.Add(-3 * time.Second), States: map[convened.State]metrics.Backlog{
		convened.Planned: {Notices: 12, Oldest: noon.Add(-time.Minute)}, convened.Held: {Notices: 1, Oldest: noon.Add(time.Hour)}}}
	for range 3 {
		s.want(t,
			`convened_queue_notices{state="planned"} 12`, `convened_queue_oldest_due_seconds{state="planned"} 60`,
			`convened_queue_notices{state="held"} 1`, `convened_queue_oldest_due_seconds{state="held"} 0`, // it is due in an hour
			`convened_queue_notices{state="unknown"} 0`,
			`convened_registrations_waiting 4`, `convened_registrations_oldest_waiting_seconds 3`, `convened_database_up 1`,
			`convened_database_connections{pool="mail",state="in_use"} 3`, `convened_database_wait_seconds_total{pool="mail"} 1.5`)
	}
	if s.asked != 1 {
		t.Errorf("three scrapes at one instant asked %d times, want 1", s.asked)
	}
	s.now = noon.Add(metrics.Fresh)
	s.want(t, `convened_queue_oldest_due_seconds{state="planned"} 65`)
	if s.asked != 2 {
		t.Errorf("a later scrape did not ask again: %d", s.asked)
	}
}

// An alert on what is absent must fire, and an old figure must not look like one of now.
func TestADatabaseThatIsDownIsAFigure(t *testing.T) {
	s := newStage()
	s.err = errors.New("connection refused by db.example.org")
	page := s.page(t)
	if !strings.Contains(page, "convened_database_up 0") || strings.Contains(page, "convened_queue_notices{") || strings.Contains(page, "example.org") {
		t.Errorf("the page says\n%s", page)
	}
}

func TestNoLabelHoldsAPersonOrAnEvent(t *testing.T) {
	s := newStage()
	s.settle(convened.Confirmation, convened.Sent, 0, "dot", 250)
	allowed := []string{"kind", "outcome", "le", "class", "phase", "result", "state", "pool", "version", "quantile"}
	for _, m := range regexp.MustCompile(`[{,]([a-z_]+)="([^"]*)"`).FindAllStringSubmatch(s.page(t), -1) {
		if !slices.Contains(allowed, m[1]) || strings.Contains(m[2], "@") {
			t.Errorf("label %s=%q: labels are %s, and never what a person or an event brings", m[1], m[2], strings.Join(allowed, ", "))
		}
	}
}

func TestNilMetricsCountNothing(t *testing.T) {
	var m *metrics.Metrics
	m.Settled(convened.Settlement{}, nil)
	m.Ticked(noon, 0, 0, "", nil)
	m.Reloaded(nil)
}

// A rule or a panel over a name that nothing exposes would stay silent for ever.
func TestRulesAndDashboardNameWhatThereIs(t *testing.T) {
	s := newStage()
	s.settle(convened.Confirmation, convened.Sent, 0, "dot", 250)
	page := s.page(t)
	files, err := filepath.Glob("../docs/monitoring/*")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range regexp.MustCompile(`\bconvened_[a-z_]+`).FindAllString(string(b), -1) {
			used[name] = true
			if !regexp.MustCompile(`(?m)^` + name + `[{ ]`).MatchString(page) {
				t.Errorf("%s speaks of %s, which is not exposed", file, name)
			}
		}
	}
	if len(used) < 10 {
		t.Errorf("docs/monitoring names %d metrics: where are the rules and the dashboard?", len(used))
	}
}
