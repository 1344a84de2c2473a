//go:build linux

// Bench measures convened beside what somebody would build instead, in one go and
// on one machine: the same letters' size, the same sinks, the same Postgres that
// keeps what it promised. See README.md for what is measured and how to read it.
//
// # What it will not do
//
// It compares nothing across runs: absolute figures are the machine's, on that
// day. What counts are the ratios within one run. It tunes nobody but as their
// manuals advise, and leaves nothing out of convened: it is the program as it is
// installed, from the instant at which reminders are due to rows that say sent.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// An options says what is measured.
type options struct {
	bin, keep, what, out string
	letters, connections int
	rounds               int
	old                  int
	stacks, sinks        string
}

func main() {
	var o options
	flag.StringVar(&o.bin, "bin", "bin", "where convened, bench-sink and bench-river are built")
	flag.StringVar(&o.keep, "keep", "", "a directory for the logs, which is left behind; \"\" is none")
	flag.StringVar(&o.out, "out", "", "a file for the figures, as JSON; \"\" is none")
	flag.StringVar(&o.what, "what", "burst,planning,latency,confirmations,daemons,growth,idle", "with commas")
	flag.StringVar(&o.stacks, "stacks", "smtp-source,convened,river,node", "of the burst, with commas")
	flag.StringVar(&o.sinks, "sinks", "smtp-sink,light", "of the burst, with commas")
	flag.IntVar(&o.letters, "letters", 100_000, "of a burst; the peers send a part of them")
	flag.IntVar(&o.connections, "connections", 8, "to the sink")
	flag.IntVar(&o.rounds, "rounds", 3, "of each; the stacks take turns")
	flag.IntVar(&o.old, "old", 1_000_000, "registrations of events that are over, for idle; there are five times as many notices")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// Figures are all results of a run.
type Figures struct {
	Date    string
	Machine string
	Burst   []Result           `json:",omitempty"`
	Latency []Result           `json:",omitempty"`
	Daemons []Result           `json:",omitempty"`
	Growth  []Result           `json:",omitempty"`
	Others  map[string]float64 // by what is measured
}

func run(ctx context.Context, o options) error {
	dir := o.keep
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "convened-bench-"); err != nil {
			return err
		}
		defer os.RemoveAll(dir)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	bin, err := filepath.Abs(o.bin)
	if err != nil {
		return err
	}
	s, err := newSite(ctx, dir, filepath.Join(bin, "convened"))
	if err != nil {
		return err
	}
	defer func() { _ = s.pg.Stop() }()
	s.sink, s.river = filepath.Join(bin, "bench-sink"), filepath.Join(bin, "bench-river")
	if s.node, err = filepath.Abs("bench/peers/node"); err != nil {
		return err
	}
	f := &Figures{Date: time.Now().Format(time.RFC3339), Machine: machine(ctx), Others: map[string]float64{}}
	fmt.Println(f.Machine + ", " + f.Date)
	for _, what := range strings.Split(o.what, ",") {
		fmt.Println()
		var err error
		switch what {
		case "burst":
			err = s.burst(o, f)
		case "planning":
			err = s.planning(o, f)
		case "latency":
			err = s.latency(o, f)
		case "confirmations":
			err = s.confirmations(f)
		case "daemons":
			err = s.daemons(o, f)
		case "growth":
			err = s.growth(o, f)
		case "idle":
			err = s.idle(o, f)
		default:
			err = fmt.Errorf("-what %q is none of burst, planning, latency, confirmations, daemons, growth and idle", what)
		}
		if err != nil {
			return errors.Join(err, f.write(o.out))
		}
	}
	return f.write(o.out)
}

// write writes the figures that there are to a file, if it is to be one.
func (f *Figures) write(file string) error {
	if file == "" {
		return nil
	}
	b, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, append(b, '\n'), 0o644)
}

// machine says on what it was measured.
func machine(ctx context.Context) string {
	model := "unknown processor"
	b, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(b)) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			model = strings.TrimSpace(value)
			break
		}
	}
	version := "Postgres of an unknown version"
	if out, err := exec.CommandContext(ctx, "pg_config", "--version").Output(); err == nil {
		version = strings.TrimSpace(string(out))
	}
	load, _ := os.ReadFile("/proc/loadavg")
	first, _, _ := strings.Cut(string(load), " ")
	return fmt.Sprintf("%d processors (%s), %s, %s, load %s before", runtime.NumCPU(), model, version, runtime.Version(), first)
}
