//go:build unix

// Withpg runs a command beside a private Postgres, whose URL the command finds
// in CONVENED_TEST_POSTGRES. The server is gone when the command is.
//
//	go run ./internal/lab/cmd/withpg -- go test ./...
//
// Its exit status is the command's; 128 and the signal's number where a signal
// ended the command; 127 where it could not be run; 1 without a server; 2 for
// wrong use. Where the variable is set already, that server is used.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"

	"convened/internal/lab"
)

func main() { os.Exit(run()) }

func run() int {
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: withpg [-log] [-fsync] -- COMMAND [ARGUMENT…]")
		flag.PrintDefaults()
	}
	log := flag.Bool("log", false, "copy the server's log to standard error")
	fsync := flag.Bool("fsync", false, "have the server keep its data as safe as a real one does")
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		return 2
	}

	// Asked to end, we wait for the command, and the server goes last.
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()

	if os.Getenv(lab.SharedPostgres) == "" {
		o := lab.PostgresOptions{Fsync: *fsync}
		if *log {
			o.Log = os.Stderr
		}
		p, err := startUnlessAsked(ctx, o, signals)
		if err != nil {
			fmt.Fprintln(os.Stderr, "withpg:", err)
			return 1
		}
		defer func() {
			if err := p.Stop(); err != nil {
				fmt.Fprintln(os.Stderr, "withpg:", err)
			}
		}()
		os.Setenv(lab.SharedPostgres, p.URL("postgres"))
	}
	return command(flag.Args(), signals)
}

// startUnlessAsked starts the server, and gives up at the first signal.
func startUnlessAsked(ctx context.Context, o lab.PostgresOptions, signals <-chan os.Signal) (*lab.Postgres, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	started := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case s := <-signals:
			cancel(fmt.Errorf("%v", s))
		case <-started:
		}
	}()
	p, err := lab.StartPostgres(ctx, o)
	close(started)
	<-watched
	if asked := context.Cause(ctx); asked != nil {
		if p != nil {
			err = p.Stop()
		}
		return nil, errors.Join(asked, err)
	}
	return p, err
}

// command runs the command to its end, passes signals on, and returns the
// exit status.
func command(arguments []string, signals <-chan os.Signal) int {
	cmd := exec.Command(arguments[0], arguments[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, "withpg:", err)
		return 127
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case s := <-signals:
			if s == syscall.SIGINT && atTerminal() {
				continue // Ctrl-C reached the command as it reached us
			}
			cmd.Process.Signal(s) // it may have ended: then there is nobody to tell
		case err := <-ended:
			return status(err)
		}
	}
}

// atTerminal reports whether we are in the foreground of a terminal, whose keys
// signal to all who are.
func atTerminal() bool {
	for fd := range 3 {
		if group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP); err == nil {
			return group == unix.Getpgrp()
		}
	}
	return false
}

func status(err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		if w, ok := exit.Sys().(syscall.WaitStatus); ok && w.Signaled() {
			return 128 + int(w.Signal())
		}
		return exit.ExitCode()
	default:
		fmt.Fprintln(os.Stderr, "withpg:", err)
		return 1
	}
}
