//go:build !chaos

package main

import (
	"time"

	"convened"
	"convened/mailer"
	"convened/scheduler"
)

// The fault harness builds this program with the tag chaos. Then something
// stands between its parts that can end it at a chosen point, or move its clock:
// see tamper.go. In the product these do nothing.

func tamperedStore(s scheduler.Store) scheduler.Store { return s }

func tamperedJournal(j mailer.Journal) mailer.Journal { return j }

func tamperedLetter(*convened.Claim) {}

func tamperedClock() func() time.Time { return time.Now }
