// Package metrics counts what the daemon does and exposes it as Prometheus
// reads it. It is the only importer of client_golang, and knows nothing of SQL,
// SMTP or HTTP but its own page: those who do something report through the small
// interfaces that stand where they are used, and cmd ties the two together.
//
// Its invariants: no label holds anything of a person or an event (kinds, states,
// classes and names of this program alone, so that the number of series is
// bounded), and a scrape asks the database for no more than the partial indexes
// of what is not done yet can answer, once in Fresh at most, however many scrape
// and however large the past.
//
// It will not decide what is bad: docs/monitoring has rules for that.
package metrics

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"convened"
)

// Fresh is for how long an answer of the database serves further scrapes, and
// scrapePatience how long one waits for it.
const (
	Fresh          = 5 * time.Second
	scrapePatience = 3 * time.Second
)

// A Queue is what is not done yet, as the database has it.
type Queue struct {
	States        map[convened.State]Backlog // planned, claimed, unknown, held
	Registrations int                        // not planned yet
	Oldest        time.Time                  // when the first of those came; zero: there are none
}

// A Backlog is what is in one state.
type Backlog struct {
	Notices int
	Oldest  time.Time // the first instant at which one is due, which may lie ahead
}

// A Pool is how a pool of connections to the database is used.
type Pool struct {
	InUse, Idle, Most int
	Waits             int64         // since the start: how often somebody waited for a connection
	Waited            time.Duration // and for how long altogether
}

// Sources are what is asked at a scrape. A nil one is left out.
type Sources struct {
	Clock   func() time.Time // the one clock; required
	Queue   func(ctx context.Context) (Queue, error)
	Pools   func() map[string]Pool // by what a pool is for
	Dropped func() int64           // lines of the log that nobody read in time
}

// Metrics are those of one daemon. Its methods may be called from any goroutine;
// those of a nil *Metrics count nothing.
type Metrics struct {
	registry *prometheus.Registry
	settled  *prometheus.CounterVec
	late     *prometheus.HistogramVec
	replies  *prometheus.CounterVec
	planned  prometheus.Counter
	ticks    *prometheus.CounterVec
	took     prometheus.Histogram
	tickedAt prometheus.Gauge
	reloadOK prometheus.Gauge
	reloadAt prometheus.Gauge
	readable prometheus.Gauge

	sources Sources
	mu      sync.Mutex // over asking: one at a time
	queue   Queue
	err     error
	askedAt time.Time
}

// lateness are the bounds of the histogram, in seconds: half a second is what a
// confirmation should take, a minute what anybody notices, an hour the most that
// a reminder may be late.
var lateness = []float64{0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600}

// New returns the metrics of a daemon of this version that has just read a valid
// configuration.
func New(version string, s Sources) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		sources:  s,
		settled: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "convened_notices_settled_total",
			Help: "Notices by what came of them: sent, refused, unknown, cancelled, held, or planned (to be tried again)."}, []string{"kind", "outcome"}),
		late: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "convened_notice_lateness_seconds", Buckets: lateness,
			Help: "From the instant that a mail was for to its acceptance by the relay."}, []string{"kind"}),
		replies: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "convened_smtp_replies_total",
			Help: "What ended an attempt to send: the class of the relay's reply (2xx, 4xx, 5xx), or none; and the phase of the dialogue."}, []string{"class", "phase"}),
		planned: prometheus.NewCounter(prometheus.CounterOpts{Name: "convened_notices_planned_total",
			Help: "Notices that were planned."}),
		ticks: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "convened_ticks_total",
			Help: "Rounds of plan, claim and send, by how they ended: ok, waiting (the relay is down, a clock is wrong …), error (the database)."}, []string{"result"}),
		took: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "convened_tick_duration_seconds", Buckets: []float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30},
			Help: "How long a round took."}),
		tickedAt: prometheus.NewGauge(prometheus.GaugeOpts{Name: "convened_last_tick_timestamp_seconds",
			Help: "When the last round ended."}),
		reloadOK: prometheus.NewGauge(prometheus.GaugeOpts{Name: "convened_config_last_reload_successful",
			Help: "Whether the last reload was taken; 1 until there is one. 0: what is on disk is wrong, and the old configuration in force."}),
		reloadAt: prometheus.NewGauge(prometheus.GaugeOpts{Name: "convened_config_last_reload_success_timestamp_seconds",
			Help: "When a configuration was taken last."}),
		readable: prometheus.NewGauge(prometheus.GaugeOpts{Name: "convened_database_up",
			Help: "Whether the database answered this scrape."}),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{Name: "convened_build_info", Help: "1; the version is its label.", ConstLabels: prometheus.Labels{"version": version}})
	build.Set(1)
	m.registry.MustRegister(m.settled, m.late, m.replies, m.planned, m.ticks, m.took, m.tickedAt, m.reloadOK, m.reloadAt, build,
		scraped{m}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if s.Dropped != nil {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "convened_log_lines_dropped_total",
			Help: "Lines of the log that nobody read in time."}, func() float64 { return float64(s.Dropped()) }))
	}
	// What has not happened yet is 0 and not absent, so that its first time is an increase.
	for _, kind := range []convened.Kind{convened.Confirmation, convened.ReminderKind, convened.Update, convened.Cancellation, convened.Followup, convened.Preflight} {
		for _, outcome := range []convened.State{convened.Sent, convened.Refused, convened.Unknown, convened.Cancelled, convened.Held, convened.Planned} {
			m.settled.WithLabelValues(string(kind), string(outcome))
		}
		m.late.WithLabelValues(string(kind))
	}
	for _, result := range []string{tickOK, tickWaiting, tickError} {
		m.ticks.WithLabelValues(result)
	}
	m.Reloaded(nil)
	return m
}

// The results of a tick.
const (
	tickOK      = "ok"
	tickWaiting = "waiting"
	tickError   = "error"
)

// Settled counts what came of a notice.
func (m *Metrics) Settled(s convened.Settlement, c *convened.Claim) {
	if m == nil {
		return
	}
	kind := string(c.Notice.Kind)
	m.settled.WithLabelValues(kind, string(s.State)).Inc()
	if s.State == convened.Sent && !s.At.IsZero() {
		m.late.WithLabelValues(kind).Observe(max(0, s.At.Sub(c.Notice.Instant).Seconds()))
	}
	// Without a phase nobody was dialled.
	if phase := s.Phase; phase != "" || s.Code != 0 {
		if s.State == convened.Sent || phase == "" {
			phase = "dot"
		}
		m.replies.WithLabelValues(class(s.Code), phase).Inc()
	}
}

// class is the class of a reply code, "none" where no reply was read.
func class(code int) string {
	if code < 200 || code > 599 {
		return "none"
	}
	return strconv.Itoa(code/100) + "xx"
}

// Ticked counts a round that ended at this instant: how long it took, how many
// notices it planned, and why it did not claim, or what failed.
func (m *Metrics) Ticked(at time.Time, took time.Duration, planned int, waiting string, err error) {
	if m == nil {
		return
	}
	result := tickOK
	switch {
	case err != nil:
		result = tickError
	case waiting != "":
		result = tickWaiting
	}
	m.ticks.WithLabelValues(result).Inc()
	m.planned.Add(float64(planned))
	m.took.Observe(max(0, took.Seconds())) // a clock may have been put back meanwhile
	m.tickedAt.Set(seconds(at))
}

// Reloaded notes what came of a reload; nil: it was taken.
func (m *Metrics) Reloaded(refused error) {
	if m == nil {
		return
	}
	if refused != nil {
		m.reloadOK.Set(0)
		return
	}
	m.reloadOK.Set(1)
	m.reloadAt.Set(seconds(m.sources.Clock()))
}

// Handler serves the page that Prometheus scrapes.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 2 * scrapePatience})
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
