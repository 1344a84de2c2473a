//go:build linux

package main

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"time"
)

// A scenario is one fault and what is required of the daemon then.
type scenario struct {
	Row      int    // of the table of faults; 0: none of them
	Part     string // where a row has several: "a", "b" …; the whole name where it is no row
	Name     string
	Fault    string // what is done
	Required string // beside: none lost, none falsely sent
	People   int    // by default; Full in the full run, if that is another number
	Full     int

	Quiet    bool          // it mostly waits
	OnDemand bool          // only if it is named, or in the full run
	Limit    time.Duration // 0 is five minutes
	Run      func(*rig)

	// Missing is what belongs to the fault and is not shown here, and why.
	Missing string
}

func (s *scenario) id() string {
	if s.Row == 0 {
		return s.Part
	}
	return fmt.Sprintf("%d%s", s.Row, s.Part)
}

// scenarios lists them all, in the order of the table.
func scenarios() []*scenario {
	all := slices.Concat(killScenarios(), postgresScenarios(), relayScenarios(), letterScenarios(), clockScenarios(), processScenarios(), loadScenarios())
	slices.SortStableFunc(all, func(a, b *scenario) int {
		return place(a) - place(b)
	})
	return all
}

// place is where a scenario stands: what is no row of the table comes last.
func place(s *scenario) int {
	if s.Row == 0 {
		return 1000
	}
	return s.Row
}

// A result is what a scenario came to.
type result struct {
	Row   string `json:"row"`
	Name  string `json:"name"`
	Fault string `json:"fault"`
	account
	Bound    int      `json:"duplicates_allowed"`
	Seconds  float64  `json:"seconds"`
	Passed   bool     `json:"passed"`
	NotShown string   `json:"not_shown,omitempty"` // why it can't be done here; then it has not passed, nor failed
	Notes    []string `json:"notes,omitempty"`
	Series   []string `json:"series,omitempty"` // what was measured again and again
	Problems []string `json:"problems,omitempty"`

	scenario *scenario
}

// play plays one scenario and judges it.
func (l *laboratory) play(ctx context.Context, s *scenario) *result {
	limit := s.Limit
	if limit == 0 {
		limit = 5 * time.Minute
	}
	if l.full {
		limit *= 6
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	began := time.Now()
	res := &result{Row: s.id(), Name: s.Name, Fault: s.Fault, scenario: s}
	r, err := l.rig(ctx, s)
	if err == nil {
		err = r.perform(res)
		if closing := r.close(); err == nil {
			err = closing
		}
		res.Notes, res.Series, res.Problems, res.Bound = r.notes, r.series, append(res.Problems, r.problems...), r.bound
	}
	if err != nil {
		res.Problems = append(res.Problems, err.Error())
	}
	res.Seconds = time.Since(began).Seconds()
	res.Passed = len(res.Problems) == 0 && res.NotShown == ""
	if res.failed() {
		l.setKeep()
	}
	return res
}

func (r *result) failed() bool { return len(r.Problems) > 0 }

func (r *result) verdict() string {
	switch {
	case r.failed():
		return "FAILED"
	case r.NotShown != "":
		return "not shown"
	}
	return "ok"
}

// perform does what the scenario does, lets it come to an end, and holds what
// the server took against the rows.
func (r *rig) perform(res *result) (err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case giveUp:
			err = p.err
		case notHere:
			res.NotShown = p.why
		default:
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	r.s.Run(r)
	r.finish(time.Minute)
	r.stopAll()
	r.judge(res)
	return nil
}

func (r *rig) judge(res *result) {
	rows, err := parseRows(r.sql(rowsQuery))
	r.must(err)
	a := balance(rows, r.taken.all())
	res.account = a
	for _, example := range a.examples {
		r.note("%s", example)
	}
	for _, wrong := range []struct {
		n    int
		what string
	}{{a.Lost, "lost"}, {a.Falsely, "falsely sent"}, {a.Strangers, "letters of no row"}, {a.Changed, "copies that are not the same letter"}, {a.Untold, "taken, and not said"}} {
		if wrong.n > 0 {
			r.fail("%d %s", wrong.n, wrong.what)
		}
	}
	if a.Twice > r.bound {
		r.fail("%d letters came twice, and at most %d may", a.Twice, r.bound)
	}
	if a.Refused != r.refused {
		r.fail("%d were refused, and %d ought to be", a.Refused, r.refused)
	}
	if r.dropped >= 0 && a.Cancelled != r.dropped {
		r.fail("%d were cancelled, and %d ought to be", a.Cancelled, r.dropped)
	}
	if a.Mails == 0 {
		r.fail("no mail came at all")
	}
}
