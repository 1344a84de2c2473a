//go:build chaos

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"convened"
	"convened/mailer"
	"convened/scheduler"
)

// This file is in no product: the fault harness (internal/lab/chaos) builds the
// program with the tag chaos, and then CONVENED_CHAOS says what befalls it and
// where, divided by spaces:
//
//	ACTION@POINT:P     kill@after-claim:0.1 panic@before-mark:1
//
// ACTION is kill (SIGKILL to itself), panic, hang (for ever) or balloon (takes
// memory until something puts an end to it). P is the probability each time.
// CONVENED_CLOCK names a file that says by how much its clock is wrong ("-1h").

// The points, in the order of a notice's life. Those of the journal come once
// for each letter, the others once for each batch.
//
//	after-plan      newcomers are planned
//	after-claim     claimed, nothing else done
//	before-mark     composed
//	after-mark      the mark is committed, nothing sent
//	before-dot      the letter is written but for its dot
//	noted-dot       the journal has the dot, the wire has not
//	after-reply     the server has said 250, and nothing was written down; on a
//	                connection that is kept, it is not read either
//	noted-reply     the journal has the reply, the database has not
//	before-settle   outcomes are collected
//	after-settle    they are committed, and still in the journal
const tamperVariable, tamperClockVariable = "CONVENED_CHAOS", "CONVENED_CLOCK"

// A mishap happens at a point.
type mishap struct {
	action string
	chance float64
}

// mishaps by point, as the environment has them.
var mishaps = func() map[string]mishap {
	all := map[string]mishap{}
	for _, field := range strings.Fields(os.Getenv(tamperVariable)) {
		action, rest, _ := strings.Cut(field, "@")
		point, p, _ := strings.Cut(rest, ":")
		chance, err := strconv.ParseFloat(p, 64)
		if err != nil || point == "" {
			panic(fmt.Sprintf("%s: %q is not ACTION@POINT:P", tamperVariable, field))
		}
		all[point] = mishap{action, chance}
	}
	return all
}()

// befall does what is to happen at a point.
func befall(point string) {
	m, ok := mishaps[point]
	if !ok || rand.Float64() >= m.chance {
		return
	}
	switch m.action {
	case "kill":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	case "panic":
		panic("chaos: " + point)
	case "hang":
		select {}
	case "balloon":
		var air [][]byte
		for {
			b := make([]byte, 16<<20)
			for i := 0; i < len(b); i += 4096 {
				b[i] = 1
			}
			air = append(air, b)
			if len(air) > 1<<10 {
				panic("chaos: 16 GiB, and nobody minds")
			}
		}
	default:
		panic("chaos: no such action: " + m.action)
	}
}

type tamperStore struct{ scheduler.Store }

func tamperedStore(s scheduler.Store) scheduler.Store { return tamperStore{s} }

func (s tamperStore) PlanNewcomers(ctx context.Context, now time.Time, event string, revision int, list []convened.Newcomer, again time.Duration) (convened.Seated, error) {
	seated, err := s.Store.PlanNewcomers(ctx, now, event, revision, list, again)
	befall("after-plan")
	return seated, err
}

func (s tamperStore) Claim(ctx context.Context, now time.Time, limit int, lease time.Duration) ([]*convened.Claim, error) {
	claims, err := s.Store.Claim(ctx, now, limit, lease)
	if len(claims) > 0 {
		befall("after-claim")
	}
	return claims, err
}

func (s tamperStore) NextSeats(ctx context.Context, now time.Time, p convened.OccasionPlan, after, limit int) (*convened.Ahead, error) {
	a, err := s.Store.NextSeats(ctx, now, p, after, limit)
	if a != nil {
		befall("after-claim")
	}
	return a, err
}

func (s tamperStore) PlanAhead(ctx context.Context, now time.Time, p convened.OccasionPlan, a *convened.Ahead, marks []convened.Mark, lease time.Duration) (map[convened.NoticeID]bool, convened.Step, error) {
	befall("before-mark")
	ok, step, err := s.Store.PlanAhead(ctx, now, p, a, marks, lease)
	befall("after-mark")
	return ok, step, err
}

func (s tamperStore) Mark(ctx context.Context, marks []convened.Mark, lease time.Duration) (map[convened.NoticeID]bool, error) {
	befall("before-mark")
	ok, err := s.Store.Mark(ctx, marks, lease)
	befall("after-mark")
	return ok, err
}

func (s tamperStore) Settle(ctx context.Context, list []convened.Settlement) (map[convened.NoticeID]bool, error) {
	befall("before-settle")
	took, err := s.Store.Settle(ctx, list)
	befall("after-settle")
	return took, err
}

type tamperJournal struct{ mailer.Journal }

func tamperedJournal(j mailer.Journal) mailer.Journal { return tamperJournal{j} }

func (j tamperJournal) BeforeDot(l *mailer.Letter, kept string, end int64) error {
	befall("before-dot")
	err := j.Journal.BeforeDot(l, kept, end)
	befall("noted-dot")
	return err
}

func (j tamperJournal) AfterReply(l *mailer.Letter, o convened.Outcome) {
	befall("after-reply")
	j.Journal.AfterReply(l, o)
	befall("noted-reply")
}

// tamperedLetter makes the letters of some names impossible to compose.
func tamperedLetter(c *convened.Claim) {
	if strings.Contains(c.Registration.Name, "chaos-panic") {
		panic("chaos: a letter that can't be made")
	}
}

func tamperedClock() func() time.Time {
	file := os.Getenv(tamperClockVariable)
	if file == "" {
		return time.Now
	}
	return func() time.Time {
		b, _ := os.ReadFile(file) // none is a clock that is right
		wrong, _ := time.ParseDuration(strings.TrimSpace(string(b)))
		return time.Now().Add(wrong)
	}
}
