//go:build linux

// Chaos is the fault harness: it runs the daemon as a real process against a
// scripted mail server and a private Postgres, does something bad to one of
// them, and counts. Each scenario is one fault of the table in docs/faults.md,
// and reports people, mails, lost, twice and falsely sent.
//
// # What it counts
//
// The truth is what the mail server took, written down before the daemon heard
// of it, against what the rows say when all is over:
//
//	lost     a person whose letter never came, and whose row says sent, is gone,
//	         is held, or never came to an end
//	falsely  a row that says sent, of a letter that the server never took
//	twice    a letter that the server took again, for the same notice; it must
//	         be the same letter, so under the same Message-ID
//
// Lost and falsely sent must be none, whatever happens. How many may come twice,
// each scenario says: none at all, or one for each connection that was open when
// a daemon was killed, because between the dot and its reply nobody can know.
//
// # What it will not do
//
// It shows nothing that it did not do: what can't be done on this machine is said
// to be missing, and a scenario without a fault, or whose fault hit nobody, fails.
// It needs no network but loopback, and leaves nothing behind.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"regexp"
	"sync"
	"syscall"
	"time"
)

func main() {
	var o options
	pattern := flag.String("run", "", "only the scenarios whose number or name this `regexp` matches")
	list := flag.Bool("list", false, "list the scenarios and do nothing")
	asJSON := flag.Bool("json", false, "print one line of JSON for each scenario")
	markdown := flag.String("markdown", "", "write the page of what was counted, docs/faults.md, to this `file`; with names of files that -json printed, play nothing and write it from those")
	flag.IntVar(&o.people, "people", 0, "how many people, instead of each scenario's own number")
	flag.BoolVar(&o.full, "full", false, "the full sizes: an hour or so")
	flag.BoolVar(&o.race, "race", false, "build the daemon with the race detector")
	flag.Uint64Var(&o.seed, "seed", rand.Uint64(), "of whatever is left to chance")
	flag.StringVar(&o.old, "old", "", "the `program` of the version before, for the rolling upgrade")
	flag.BoolVar(&o.keep, "keep", false, "keep the daemons' logs")
	flag.DurationVar(&o.soak, "soak", 30*time.Minute, "how long the soak lasts")
	flag.IntVar(&o.rate, "rate", 30, "how many people a second register in the soak")
	flag.Parse()
	chosen, err := choose(*pattern)
	switch {
	case err == nil && flag.NArg() > 0 && *markdown == "":
		err = fmt.Errorf("what is %q for? Arguments are for -markdown", flag.Arg(0))
		fallthrough
	case err != nil:
		fmt.Fprintln(os.Stderr, "chaos:", err)
		flag.Usage()
		os.Exit(2)
	case flag.NArg() > 0:
		results, err := readResults(flag.Args())
		if err == nil {
			err = writeMarkdown(*markdown, results)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "chaos:", err)
			os.Exit(1)
		}
		return
	}
	if *list {
		for _, s := range chosen {
			fmt.Printf("%-4s %-34s %s\n", s.id(), s.Name, s.Fault)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	report := reporter(printLine)
	if *asJSON {
		encoder := json.NewEncoder(os.Stdout)
		report = func(r *result) { _ = encoder.Encode(r) }
	} else {
		fmt.Printf("seed %d\n", o.seed)
		printHead()
	}
	began := time.Now()
	results, err := run(ctx, o, chosen, report)
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
	if *markdown != "" {
		if err := writeMarkdown(*markdown, results); err != nil {
			fmt.Fprintln(os.Stderr, "chaos:", err)
			os.Exit(1)
		}
	}
	if !*asJSON {
		printFoot(results, time.Since(began))
	}
	if failed(results) > 0 || ctx.Err() != nil {
		os.Exit(1)
	}
}

// Options are what the command line says.
type options struct {
	people int
	full   bool
	race   bool
	seed   uint64
	old    string
	keep   bool
	soak   time.Duration
	rate   int  // of the soak
	small  bool // as small as an ordinary test may be
}

// choose returns the scenarios that a pattern matches.
func choose(pattern string) ([]*scenario, error) {
	match, err := regexp.Compile(pattern)
	if err != nil {
		return nil, err
	}
	var chosen []*scenario
	for _, s := range scenarios() {
		if match.MatchString(s.id()+" "+s.Name) && (pattern != "" || !s.OnDemand) {
			chosen = append(chosen, s)
		}
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("there is no scenario that %q matches; -list shows them", pattern)
	}
	return chosen, nil
}

// A reporter is told of each scenario when it is over.
type reporter func(*result)

// Those that mostly wait run beside each other, at most so many at a time.
const quietTogether = 6

// run plays the scenarios: first those that mostly wait, beside each other, then
// the others one after another, so that nothing disturbs what is measured.
func run(ctx context.Context, o options, chosen []*scenario, report reporter) ([]*result, error) {
	l, err := openLaboratory(ctx, o)
	if err != nil {
		return nil, err
	}
	defer l.close()
	results := make([]*result, len(chosen))
	var reporting sync.Mutex
	play := func(i int) {
		r := l.play(ctx, chosen[i])
		reporting.Lock()
		defer reporting.Unlock()
		results[i] = r
		report(r)
	}
	var quiet sync.WaitGroup
	slots := make(chan struct{}, quietTogether)
	for i, s := range chosen {
		if s.Quiet {
			quiet.Go(func() {
				slots <- struct{}{}
				defer func() { <-slots }()
				if ctx.Err() == nil {
					play(i)
				}
			})
		}
	}
	quiet.Wait()
	for i, s := range chosen {
		if !s.Quiet && ctx.Err() == nil {
			play(i)
		}
	}
	var done []*result
	for _, r := range results {
		if r != nil {
			done = append(done, r)
		}
	}
	return done, nil
}
