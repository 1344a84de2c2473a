package main

import (
	"context"
	"time"

	"convened"
	"convened/metrics"
	"convened/scheduler"
	"convened/store"
)

// newMetrics returns the metrics of a daemon, whose pools of connections to the
// database are named by what they are for. Those of doors that are shut are nil.
func newMetrics(s *store.Store, clock func() time.Time, dropped func() int64, pools func() map[string]*store.Store) *metrics.Metrics {
	return metrics.New(version(), metrics.Sources{
		Clock:   clock,
		Dropped: dropped,
		Queue: func(ctx context.Context) (metrics.Queue, error) {
			b, err := s.Backlog(ctx)
			if err != nil {
				return metrics.Queue{}, err
			}
			q := metrics.Queue{States: make(map[convened.State]metrics.Backlog), Registrations: b.Waiting, Oldest: b.WaitingSince}
			for _, l := range b.Queue {
				q.States[l.State] = metrics.Backlog{Notices: l.Notices, Oldest: l.OldestDue}
			}
			return q, nil
		},
		Pools: func() map[string]metrics.Pool {
			used := make(map[string]metrics.Pool)
			for name, s := range pools() {
				if s == nil {
					continue
				}
				p := s.Pool()
				used[name] = metrics.Pool{InUse: p.InUse, Idle: p.Idle, Most: p.MaxOpenConnections, Waits: p.WaitCount, Waited: p.WaitDuration}
			}
			return used
		},
	})
}

// counted has each tick counted before f is told of it.
func counted(m *metrics.Metrics, clock func() time.Time, f func(scheduler.Report, error)) func(scheduler.Report, error) {
	return func(r scheduler.Report, err error) {
		m.Ticked(clock(), r.Took, r.Planned, r.Waiting, err)
		f(r, err)
	}
}
