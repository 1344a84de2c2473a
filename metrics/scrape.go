package metrics

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"convened"
)

// scraped is what is asked for at a scrape.
type scraped struct{ m *Metrics }

var (
	queueNotices = prometheus.NewDesc("convened_queue_notices",
		"Notices that are not done, by state: planned, claimed, unknown, held. The same for every daemon of the database.", []string{"state"}, nil)
	queueOldest = prometheus.NewDesc("convened_queue_oldest_due_seconds",
		"For how long the one that has been due longest has been; 0 where none is. By state.", []string{"state"}, nil)
	waitingRegistrations = prometheus.NewDesc("convened_registrations_waiting",
		"Registrations that are not planned yet.", nil, nil)
	oldestRegistration = prometheus.NewDesc("convened_registrations_oldest_waiting_seconds",
		"For how long the first of those has been there; 0 where there is none.", nil, nil)
	poolOpen = prometheus.NewDesc("convened_database_connections",
		"Connections to the database, by pool and by state: in_use, idle.", []string{"pool", "state"}, nil)
	poolMost = prometheus.NewDesc("convened_database_connections_max",
		"The most connections that a pool opens.", []string{"pool"}, nil)
	poolWaits = prometheus.NewDesc("convened_database_waits_total",
		"How often somebody had to wait for a connection of a pool.", []string{"pool"}, nil)
	poolWaited = prometheus.NewDesc("convened_database_wait_seconds_total",
		"For how long they waited altogether.", []string{"pool"}, nil)
)

// Describe names what there may be: prometheus.Collector.
func (s scraped) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{queueNotices, queueOldest, waitingRegistrations, oldestRegistration, poolOpen, poolMost, poolWaits, poolWaited, s.m.readable.Desc()} {
		to <- d
	}
}

// Collect asks: prometheus.Collector. Where the database does not answer, what
// would come from it is absent, and convened_database_up is 0.
func (s scraped) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	var pools map[string]Pool
	if s.m.sources.Pools != nil {
		pools = s.m.sources.Pools()
	}
	for name, p := range pools {
		gauge(poolOpen, float64(p.InUse), name, "in_use")
		gauge(poolOpen, float64(p.Idle), name, "idle")
		gauge(poolMost, float64(p.Most), name)
		to <- prometheus.MustNewConstMetric(poolWaits, prometheus.CounterValue, float64(p.Waits), name)
		to <- prometheus.MustNewConstMetric(poolWaited, prometheus.CounterValue, p.Waited.Seconds(), name)
	}
	if s.m.sources.Queue == nil {
		return
	}
	q, err := s.m.ask()
	s.m.readable.Set(1)
	if err != nil {
		s.m.readable.Set(0)
	}
	to <- s.m.readable
	if err != nil {
		return
	}
	now := s.m.sources.Clock()
	for _, state := range []convened.State{convened.Planned, convened.Claimed, convened.Unknown, convened.Held} {
		b := q.States[state]
		gauge(queueNotices, float64(b.Notices), string(state))
		age := 0.0
		if b.Notices > 0 {
			age = max(0, now.Sub(b.Oldest).Seconds())
		}
		gauge(queueOldest, age, string(state))
	}
	gauge(waitingRegistrations, float64(q.Registrations))
	age := 0.0
	if !q.Oldest.IsZero() {
		age = max(0, now.Sub(q.Oldest).Seconds())
	}
	gauge(oldestRegistration, age)
}

// ask returns what the database says, or said a moment ago.
func (m *Metrics) ask() (Queue, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.sources.Clock()
	if since := now.Sub(m.askedAt); !m.askedAt.IsZero() && since >= 0 && since < Fresh {
		return m.queue, m.err
	}
	ctx, cancel := context.WithTimeout(context.Background(), scrapePatience)
	defer cancel()
	m.queue, m.err = m.sources.Queue(ctx)
	m.askedAt = now
	return m.queue, m.err
}
