//go:build linux

package main

import (
	"fmt"
	"strconv"
	"time"

	"convened/internal/lab"
)

// daemons measures how several share the work.
func (s *site) daemons(o options, f *Figures) error {
	fmt.Println("Several daemons, one burst.")
	for _, n := range []int{1, 2, 4} {
		name := fmt.Sprintf("%d daemons", n)
		r, err := s.with(name, &convenedStack{daemons: n}, true, 0, o.letters/2, o.connections, 0)
		if err != nil {
			return err
		}
		f.Daemons = append(f.Daemons, r)
		fmt.Printf("  %-12s %7.0f letters/s, CPU %.0f + %.0f µs in Postgres, %.0f MB in all\n", name, r.Rate, r.CPU, r.Database, r.Memory)
	}
	return nil
}

// planning measures how long it takes to plan a burst where nothing leaves meanwhile:
// in a burst what leaves has the processors, too.
func (s *site) planning(o options, f *Figures) error {
	var list []Result
	for range o.rounds {
		d, err := s.plannedAlone(o.letters)
		if err != nil {
			return err
		}
		list = append(list, Result{Planned: d.Seconds()})
	}
	took, spread := median(list, func(r Result) float64 { return r.Planned })
	f.Others[fmt.Sprintf("planning of %d, s", o.letters)] = took
	fmt.Printf("%d reminders are planned %.2f s after the instant, where one letter a second leaves (spread %.0f%%)\n", o.letters, took, 100*spread)
	return nil
}

func (s *site) plannedAlone(letters int) (time.Duration, error) {
	m, err := s.lightSink(0)
	if err != nil {
		return 0, err
	}
	defer m.stop()
	c := &convenedStack{more: map[string]string{"rate": "1"}}
	j := &job{site: s, Letters: letters, Connections: 1, server: m}
	defer c.end()
	if err := c.begin(j); err != nil {
		return 0, err
	}
	defer j.processes[0].stop()
	time.Sleep(time.Until(j.Due))
	err = c.awaitPlanned(j, j.Due.Add(time.Minute))
	return c.planned, err
}

// growth measures how the work grows with an event, and what its pages cost then.
func (s *site) growth(o options, f *Figures) error {
	fmt.Println("An event grows.")
	for n := 1000; n <= 10*o.letters; n *= 10 {
		console, err := lab.FreeAddress()
		if err != nil {
			return err
		}
		var pages map[string]time.Duration
		var after float64
		var bytes int // on disk
		c := &convenedStack{more: map[string]string{"console": console}}
		c.after = func() (err error) {
			pages, err = s.pages(c.q, console, []string{"webinar"})
			if err != nil {
				return err
			}
			time.Sleep(2*time.Second + time.Duration(n)*20*time.Microsecond) // for the plan that the overview draws a moment later
			after = float64(mostMemory(c.daemon.cmd.Process.Pid)) / (1 << 20)
			answer, err := c.q.ask(`SELECT (pg_total_relation_size('convened.notices') + pg_total_relation_size('convened.attempts')) / count(*) FROM convened.notices`)
			if err == nil {
				bytes, err = strconv.Atoi(answer)
			}
			return err
		}
		r, err := s.with("convened", c, true, 0, n, o.connections, 0)
		if err != nil {
			return err
		}
		f.Growth = append(f.Growth, r)
		fmt.Printf("  %9d letters: planned %.2f s after the instant; %7.0f letters/s, CPU %.0f + %.0f µs in Postgres, at most %.0f MB;",
			n, r.Planned, r.Rate, r.CPU, r.Database, r.Memory)
		for _, name := range eventPages {
			fmt.Printf(" %s %d ms", name, pages[name].Milliseconds())
			f.Others[fmt.Sprintf("%s of %d, ms", name, n)] = ms(pages[name])
		}
		fmt.Printf(", then %.0f MB; %d bytes a letter on disk\n", after, bytes)
		f.Others[fmt.Sprintf("on disk a letter of %d, bytes", n)] = float64(bytes)
		f.Others[fmt.Sprintf("after the pages of %d, MB", n)] = after
	}
	return nil
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
