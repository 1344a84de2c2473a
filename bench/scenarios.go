//go:build linux

package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// parts is which part of the letters the slower stacks send: a rate is a rate,
// and nobody waits for minutes.
var parts = map[string]int{"river": 4, "node": 8, "go-mail": 40}

func newStack(name string) (stack, error) {
	switch name {
	case "convened":
		return &convenedStack{}, nil
	case "smtp-source":
		return smtpSource{}, nil
	case "river", "go-mail":
		var env []string
		if name == "go-mail" {
			env = []string{"SEND=1"}
		}
		return &peerStack{name: name, env: env, program: func(s *site) (string, []string) { return "", []string{s.river} }}, nil
	case "node":
		return &peerStack{name: name, copies: 2, program: func(s *site) (string, []string) { return s.node, []string{"node", "main.mjs"} }}, nil
	}
	return nil, fmt.Errorf("-stacks %q is none of smtp-source, convened, river, go-mail and node", name)
}

// once runs one stack once, against a new sink.
func (s *site) once(name string, light bool, delay time.Duration, letters, connections, size int) (r Result, err error) {
	st, err := newStack(name)
	if err != nil {
		return r, err
	}
	return s.with(name, st, light, delay, letters, connections, size)
}

func (s *site) with(name string, st stack, light bool, delay time.Duration, letters, connections, size int) (r Result, err error) {
	var m *mailServer
	if light {
		m, err = s.lightSink(delay)
	} else {
		m, err = s.smtpSink()
	}
	if err != nil {
		return r, err
	}
	defer m.stop()
	r, err = s.measure(name, st, &job{Letters: letters, Connections: connections, Size: size, server: m})
	if delay > 0 {
		r.Latency = delay.String()
	}
	return r, err
}

// letterSize is what a letter of convened has: the others send as much.
func (s *site) letterSize() (int, error) {
	r, err := s.once("convened", true, 0, 200, 2, 0)
	return int(r.Bytes), err
}

func (s *site) burst(o options, f *Figures) error {
	size, err := s.letterSize()
	if err != nil {
		return err
	}
	fmt.Printf("A burst: letters of %d bytes over %d connections, fsync on.\n", size, o.connections)
	names := strings.Split(o.stacks, ",")
	for round := range o.rounds {
		for _, sink := range strings.Split(o.sinks, ",") {
			for _, name := range names {
				r, err := s.once(name, sink == "light", 0, o.letters/max(parts[name], 1), o.connections, size)
				if err != nil {
					return err
				}
				f.Burst = append(f.Burst, r)
				fmt.Printf("  round %d  %-12s to %-9s  %7.0f letters/s\n", round+1, name, sink, r.Rate)
			}
		}
	}
	for _, sink := range strings.Split(o.sinks, ",") {
		fmt.Println()
		table("to "+sink, f.Burst, names, func(r Result) bool { return r.Sink == sink })
	}
	return nil
}

// table prints the medians of the stacks, each beside convened's.
func table(title string, all []Result, names []string, of func(Result) bool) {
	pick := func(name string) []Result {
		return slices.DeleteFunc(slices.Clone(all), func(r Result) bool { return r.Stack != name || !of(r) })
	}
	ours := pick("convened")
	rate, _ := median(ours, func(r Result) float64 { return r.Rate })
	cpu, _ := median(ours, func(r Result) float64 { return r.CPU })
	fmt.Printf("%-24s %10s %8s %9s %9s %9s %8s %22s %14s %12s\n", title, "letters/s", "spread", "CPU µs", "Postgres", "the sink", "MB", "first/median/last s", "convened is ×", "of its CPU")
	for _, name := range names {
		list := pick(name)
		if len(list) == 0 {
			continue
		}
		m := func(f func(Result) float64) float64 { v, _ := median(list, f); return v }
		r, spread := median(list, func(r Result) float64 { return r.Rate })
		late := ""
		if list[0].Sink == "light" {
			late = fmt.Sprintf("%.2f/%.1f/%.1f", m(func(r Result) float64 { return r.First }), m(func(r Result) float64 { return r.Median }), m(func(r Result) float64 { return r.Last }))
		}
		its := m(func(r Result) float64 { return r.CPU })
		fmt.Printf("%-24s %10.0f %7.0f%% %9.0f %9.0f %9.0f %8.0f %22s %14.2f %12.2f\n", "  "+name, r, 100*spread, its, m(func(r Result) float64 { return r.Database }),
			m(func(r Result) float64 { return r.Server }), m(func(r Result) float64 { return r.Memory }), late, rate/max(r, 1), cpu/max(its, 1))
	}
}

// latency measures how the way to the server counts, beside go-mail alone.
func (s *site) latency(o options, f *Figures) error {
	size, err := s.letterSize()
	if err != nil {
		return err
	}
	fmt.Println("The way to the server: convened from due to settled, go-mail composing and sending alone.")
	names := []string{"convened", "go-mail"}
	for _, delay := range []time.Duration{0, 5 * time.Millisecond, 20 * time.Millisecond, 100 * time.Millisecond} {
		letters := o.letters / 10
		if delay > 0 {
			letters = max(int(5*time.Second/delay)*o.connections, 100)
		}
		for range o.rounds {
			for _, name := range names {
				n := letters
				if name == "go-mail" {
					n = max(letters/4, 50)
				}
				r, err := s.once(name, true, delay, n, o.connections, size)
				if err != nil {
					return err
				}
				if r.Latency == "" {
					r.Latency = "0s"
				}
				f.Latency = append(f.Latency, r)
			}
		}
		table(delay.String()+" there and back", f.Latency, names, func(r Result) bool { return r.Latency == delay.String() || delay == 0 && r.Latency == "0s" })
	}
	return nil
}

// confirmations measures from the commit of a registration, at 50 a second, to the
// server's word that it has the letter.
func (s *site) confirmations(f *Figures) error {
	m, err := s.lightSink(0)
	if err != nil {
		return err
	}
	defer m.stop()
	c := &convenedStack{}
	j := &job{site: s, Letters: 0, Connections: 8, server: m}
	defer c.end()
	if err := c.begin(j); err != nil {
		return err
	}
	defer j.processes[0].stop()
	time.Sleep(time.Until(j.Due.Add(2 * time.Second))) // the reminder of nobody is done with
	const each, n = 50, 1000
	// One transaction each, paced on the server, and the instant at which its commit
	// had returned there, which costs no wait for the disk.
	if _, err := c.q.ask(fmt.Sprintf(`CREATE TEMP TABLE made (id bigint, at timestamptz);
		DO $$ DECLARE it bigint; BEGIN FOR i IN 1..%d LOOP
		INSERT INTO convened.registrations (event, email, name, created_at) VALUES ('webinar', 'p' || i || '@example.net', 'Ana', clock_timestamp()) RETURNING id INTO it;
		COMMIT; INSERT INTO made VALUES (it, clock_timestamp()); COMMIT; PERFORM pg_sleep(%f); END LOOP; END $$; SELECT pg_sleep(1); SELECT 1`, n, 1.0/each)); err != nil {
		return err
	}
	if _, err := c.q.line(time.Minute); err != nil { // of the sleep came the empty one
		return err
	}
	answer, err := c.q.ask(`SELECT count(*) || ' ' || percentile_cont(0.5) WITHIN GROUP (ORDER BY t) || ' ' || percentile_cont(0.99) WITHIN GROUP (ORDER BY t) || ' ' || max(t)
		FROM (SELECT extract(epoch FROM n.sent_at - m.at) * 1000 AS t FROM convened.notices n JOIN made m ON m.id = n.registration WHERE n.kind = 'confirmation' AND n.state = 'sent') x`)
	if err != nil {
		return err
	}
	var count int
	var middle, p99, worst float64
	if _, err := fmt.Sscan(answer, &count, &middle, &p99, &worst); err != nil {
		return fmt.Errorf("%q: %w", answer, err)
	}
	f.Others["confirmation median ms"], f.Others["confirmation p99 ms"], f.Others["confirmation worst ms"] = middle, p99, worst
	fmt.Printf("From the commit of a registration, %d a second, to the server's 250: median %.1f ms, 99th percentile %.1f ms, at most %.1f ms (%d letters)\n", each, middle, p99, worst, count)
	return nil
}
