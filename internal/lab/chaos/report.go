//go:build linux

package main

import (
	"fmt"
	"strings"
	"time"
)

func printHead() {
	fmt.Printf("%-4s %-40s %7s %7s %5s %9s %7s %8s  %s\n", "row", "fault", "people", "mails", "lost", "twice", "falsely", "seconds", "verdict")
}

// printLine prints a result and what there is to say of it.
func printLine(r *result) {
	fmt.Printf("%-4s %-40s %7d %7d %5d %9s %7d %8.1f  %s\n", r.Row, r.Name, r.People, r.Mails, r.Lost, twice(r), r.Falsely, r.Seconds, r.verdict())
	if r.NotShown != "" {
		fmt.Printf("       %s\n", r.NotShown)
	}
	for _, n := range r.Notes {
		fmt.Printf("       %s\n", n)
	}
	for _, line := range r.Series {
		fmt.Printf("         %s\n", line)
	}
	for _, p := range r.Problems {
		fmt.Printf("     ! %s\n", p)
	}
}

// twice is how many came twice, of how many that may.
func twice(r *result) string {
	if r.Bound == 0 {
		return fmt.Sprint(r.Twice)
	}
	return fmt.Sprintf("%d of %d", r.Twice, r.Bound)
}

func printFoot(results []*result, took time.Duration) {
	var people, mails int
	for _, r := range results {
		people += r.People
		mails += r.Mails
	}
	fmt.Printf("%d scenarios, %d people, %d mails, %d failed, %d not shown, %s\n", len(results), people, mails, failed(results), notShown(results), took.Round(time.Second))
	for _, r := range results {
		if r.scenario.Missing != "" {
			fmt.Printf("not shown, row %s: %s\n", r.Row, r.scenario.Missing)
		}
	}
}

func failed(results []*result) int {
	n := 0
	for _, r := range results {
		if r.failed() {
			n++
		}
	}
	return n
}

func notShown(results []*result) int {
	n := 0
	for _, r := range results {
		if r.NotShown != "" {
			n++
		}
	}
	return n
}

// cell makes a text fit for a cell of a table.
func cell(s string) string { return strings.NewReplacer("|", "\\|", "\n", " ").Replace(s) }
