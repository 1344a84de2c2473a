//go:build linux

// Probe stands in for the daemon under the limits of its unit, and tries what
// the daemon must be able to do and what nobody who has taken it over may be
// able to do. A score that is computed from a unit's lines says what they
// declare; this says what they do, on the systemd and the kernel at hand.
//
// It is copied to where the unit finds the program (build/hardening.sh does that,
// in a system of its own) and run by the service manager. It writes a line for
// each attempt, and exits with 0 if all of them ended as they should, else 1:
//
//	ok      what must work works; what must not was refused, with the kernel's word
//	LEAK    what must not work works
//	BROKEN  what must work was refused
//
// It destroys nothing where an attempt succeeds, but is not for a machine that
// is used for anything else.
package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// An attempt is one thing to try. try returns nil where it worked, and else what
// the kernel said.
type attempt struct {
	name string
	try  func() error
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == harmless {
		return // as the interpreter of a program that should not have run
	}
	// Its command line is the daemon's, for the unit is not to be changed.
	other, err := strconv.Atoi(os.Getenv("PROBE_OTHER"))
	if err != nil {
		fmt.Fprintln(os.Stderr, "PROBE_OTHER must be the id of a process of somebody else's:", err)
		os.Exit(2)
	}
	os.Exit(run(os.Stdout, os.Getenv("PROBE_SEALED") != "", other))
}

// harmless is the argument with which the probe does nothing, with success.
const harmless = "--harmless"

func run(out io.Writer, sealed bool, other int) int {
	must, mustNot := daily(), slicesOf(escapes(), files(), peeks(other))
	if sealed {
		mustNot = append(mustNot, network()...)
	} else {
		must = append(must, network()...)
		mustNot = append(mustNot, groups()...)
	}
	wrong := 0
	for _, a := range must {
		if err := attempted(a); err != nil {
			wrong++
			fmt.Fprintf(out, "BROKEN  %s: %v\n", a.name, err)
		} else {
			fmt.Fprintf(out, "ok      %s\n", a.name)
		}
	}
	for _, a := range mustNot {
		if err := attempted(a); err == nil {
			wrong++
			fmt.Fprintf(out, "LEAK    %s\n", a.name)
		} else {
			fmt.Fprintf(out, "ok      no %s: %s\n", a.name, word(err))
		}
	}
	fmt.Fprintf(out, "%d must work, %d must not; %d otherwise\n", len(must), len(mustNot), wrong)
	if wrong > 0 {
		return 1
	}
	return 0
}

// attempted tries, and takes a panic for a refusal with that word.
func attempted(a attempt) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	return a.try()
}

// word is the last part of an error: the kernel's own.
func word(err error) string {
	s := err.Error()
	return s[strings.LastIndex(s, ": ")+1:]
}

func slicesOf(lists ...[]attempt) []attempt {
	var all []attempt
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}
