//go:build linux

package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"syscall"
	"time"
)

// A Result is one run of one stack.
type Result struct {
	Stack       string
	Sink        string // "smtp-sink" or "light"
	Latency     string `json:",omitempty"` // of the way to the sink
	Letters     int
	Connections int
	Bytes       float64 // of a letter on the wire; 0 where the sink does not say
	Rate        float64 // letters a second, from the instant until all were settled
	CPU         float64 // microseconds a letter, of the stack
	Database    float64 // the same of Postgres
	Server      float64 // the same of the sink
	Memory      float64 // the most that the stack's processes had, in MB
	Planned     float64 `json:",omitempty"` // seconds after the instant; 0 where nobody can say
	First       float64 // seconds after the instant, as the light sink saw it
	Median      float64
	Last        float64
}

// measure runs a stack once.
func (s *site) measure(name string, st stack, j *job) (r Result, err error) {
	j.site = s
	j.processes = nil
	defer func() {
		for _, p := range j.processes {
			p.stop()
		}
		st.end()
	}()
	if err := st.begin(j); err != nil {
		return r, fmt.Errorf("%s: %w", name, err)
	}
	if j.server.light {
		if _, err := j.server.report(); err != nil {
			return r, err
		}
	}
	time.Sleep(time.Until(j.Due))
	sender := func() (sum time.Duration) {
		for _, p := range j.processes {
			if p.over() {
				sum += p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
			} else {
				sum += spent(p.cmd.Process.Pid)
			}
		}
		return sum
	}
	before, database, server := sender(), spent(s.master), spent(j.server.cmd.Process.Pid)
	over, err := st.done(j)
	if err != nil {
		return r, fmt.Errorf("%s: %w", name, err)
	}
	took := over.Sub(j.Due)
	each := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 / float64(j.Letters) }
	r = Result{Stack: name, Sink: "smtp-sink", Letters: j.Letters, Connections: j.Connections, Rate: float64(j.Letters) / took.Seconds(),
		CPU: each(sender() - before), Database: each(spent(s.master) - database), Server: each(spent(j.server.cmd.Process.Pid) - server)}
	for _, p := range j.processes {
		if p.over() {
			if u, ok := p.cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
				r.Memory += float64(u.Maxrss) / 1024
			}
			continue
		}
		r.Memory += float64(mostMemory(p.cmd.Process.Pid)) / (1 << 20)
	}
	if c, ok := st.(*convenedStack); ok {
		r.Planned = c.planned.Seconds()
	}
	if j.server.light {
		seen, err := j.server.report()
		if err != nil {
			return r, err
		}
		if seen.Letters < j.Letters {
			return r, fmt.Errorf("%s says that all is done, and of %d letters the sink has %d", name, j.Letters, seen.Letters)
		}
		late := func(ns int64) float64 { return time.Unix(0, ns).Sub(j.Due).Seconds() }
		r.Sink, r.Bytes = "light", float64(seen.Bytes)/float64(seen.Letters)
		r.First, r.Median, r.Last = late(seen.First), late(seen.Median), late(seen.Last)
	}
	if c, ok := st.(*convenedStack); ok && c.after != nil {
		return r, c.after()
	}
	return r, nil
}

// seen is what the light sink reports.
type seen struct {
	Letters             int
	Bytes               int64
	First, Median, Last int64
}

func (m *mailServer) report() (r seen, err error) {
	if _, err := fmt.Fprintln(m.in); err != nil {
		return r, m.failed(err)
	}
	line, err := m.line(10 * time.Second)
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal([]byte(line), &r)
}

// median returns the middle one of what f says of the results, and how far the
// lowest and the highest are from each other, as a part of it.
func median(list []Result, f func(Result) float64) (middle, spread float64) {
	var v []float64
	for _, r := range list {
		v = append(v, f(r))
	}
	slices.SortFunc(v, cmp.Compare)
	if len(v) == 0 {
		return 0, 0
	}
	if middle = v[len(v)/2]; len(v)%2 == 0 {
		middle = (v[len(v)/2-1] + v[len(v)/2]) / 2
	}
	if middle != 0 {
		spread = (v[len(v)-1] - v[0]) / middle
	}
	return middle, spread
}
