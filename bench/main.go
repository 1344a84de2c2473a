//go:build linux

package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	bin := flag.String("bin", "bin", "where convened, sink and river are built")
	letters := flag.Int("letters", 100_000, "letters of convened and smtp-source")
	connections := flag.Int("connections", 8, "to the sink")
	rounds := flag.Int("rounds", 3, "of each")
	only := flag.String("only", "convened", "stacks, with commas")
	sinks := flag.String("sinks", "light,smtp-sink", "with commas")
	size := flag.Int("size", 24000, "about how large a letter is")
	keep := flag.String("keep", "", "a directory that is left behind, with logs")
	batch := flag.String("batch", "", "configuration")
	flag.Parse()
	dir := *keep
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
	abs, err := filepath.Abs(*bin)
	if err != nil {
		return err
	}
	s, err := newSite(ctx, dir, filepath.Join(abs, "convened"))
	if err != nil {
		return err
	}
	defer func() { _ = s.pg.Stop() }()
	s.sink = filepath.Join(abs, "sink")
	for round := range *rounds {
		for _, sink := range strings.Split(*sinks, ",") {
			for _, name := range strings.Split(*only, ",") {
				m, err := s.lightSink(0)
				if sink == "smtp-sink" {
					m.stop()
					m, err = s.smtpSink()
				}
				if err != nil {
					return err
				}
				var st stack
				switch name {
				case "convened":
					st = &convenedStack{more: map[string]string{"batch": *batch}}
				case "smtp-source":
					st = smtpSource{}
				}
				r, err := s.measure(name, st, &job{Letters: *letters, Connections: *connections, Size: *size, server: m})
				m.stop()
				if err != nil {
					return err
				}
				fmt.Printf("%s round %d %+v\n", time.Now().Format(time.TimeOnly), round, r)
			}
		}
	}
	return nil
}
