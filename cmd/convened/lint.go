package main

import (
	"fmt"
	"slices"
	"time"

	"convened"
	"convened/config"
	"convened/desk"
	"convened/scheduler"
)

type lintCommand struct {
	Event string `arg:"" help:"The event's slug, or an event file, which needs no database; - is standard input."`
}

// nextInstants is how many instants of each rule are shown.
const nextInstants = 5

// Run says what is wrong or surprising in a schedule, and when each rule fires
// next. It exits with 1 if a rule never fires.
func (c lintCommand) Run(e *env) error {
	if isFile(c.Event) {
		ev, err := e.readEvent(c.Event)
		if err != nil {
			return err
		}
		return e.lint(ev)
	}
	return e.withDesk(func(_ *config.Config, d *desk.Desk) error {
		ev, err := d.Store.Event(e.ctx, c.Event)
		if err != nil {
			return fmt.Errorf("event %q: %w", c.Event, err)
		}
		return e.lint(ev)
	})
}

func (e *env) lint(ev *convened.Event) error {
	now := e.clock()
	findings := scheduler.Lint(ev, now)
	if e.cli.JSON {
		if err := e.printJSON(lintJSON(ev, now, findings)); err != nil {
			return err
		}
	} else {
		e.showLint(ev, now, findings)
	}
	if slices.ContainsFunc(findings, func(f scheduler.Finding) bool { return f.Level == scheduler.LevelError }) {
		return errSaid
	}
	return nil
}

func (e *env) showLint(ev *convened.Event, now time.Time, findings []scheduler.Finding) {
	loc := ev.TimeLocation()
	fmt.Fprintf(e.stdout, "%s: starts %s (%s UTC)\n", ev.Slug, in(ev.Starts, loc), ev.Starts.UTC().Format("15:04"))
	w, next := ruleWords(ev), nextOf(ev, now)
	for i := range ev.Reminders {
		key := ev.Reminders[i].Key
		fmt.Fprintf(e.stdout, "\n%s\n", plain(w.rule(key)))
		n := next[key]
		for _, at := range n.first {
			fmt.Fprintf(e.stdout, "  %s  %s\n", in(at, loc), utcOf(at))
		}
		if more := n.all - n.past - len(n.first); more > 0 {
			fmt.Fprintf(e.stdout, "  and %d more\n", more)
		}
		if n.past > 0 {
			fmt.Fprintf(e.stdout, "  %d of %d past\n", n.past, n.all)
		}
	}
	if len(ev.Reminders) == 0 {
		fmt.Fprintln(e.stdout, "There are no reminders: who registers gets the confirmation alone.")
	}
	fmt.Fprintln(e.stdout)
	for _, f := range findings {
		fmt.Fprintln(e.stdout, plain(f.String()))
	}
	if len(findings) == 0 {
		fmt.Fprintln(e.stdout, "Nothing is wrong with the schedule.")
	}
}

// instantsOf is when one rule fires.
type instantsOf struct {
	all, past int
	first     []time.Time // that are to come, at most nextInstants
}

func nextOf(ev *convened.Event, now time.Time) map[string]instantsOf {
	next := map[string]instantsOf{}
	for _, o := range scheduler.Occasions(ev) {
		n := next[o.Key]
		n.all++
		if o.At.Before(now) {
			n.past++
		} else if len(n.first) < nextInstants {
			n.first = append(n.first, o.At)
		}
		next[o.Key] = n
	}
	return next
}

func lintJSON(ev *convened.Event, now time.Time, findings []scheduler.Finding) any {
	type finding struct {
		Reminder string `json:"reminder"`
		Level    string `json:"level"`
		Message  string `json:"message"`
		Mend     string `json:"mend,omitempty"`
	}
	type instant struct {
		At    time.Time `json:"at"`
		Local string    `json:"local"`
	}
	type rule struct {
		Key   string    `json:"reminder"`
		Rule  string    `json:"rule"`
		Words string    `json:"words"`
		All   int       `json:"instants"`
		Past  int       `json:"past"`
		Next  []instant `json:"next"`
	}
	out := struct {
		Event    string    `json:"event"`
		Zone     string    `json:"zone"`
		Starts   time.Time `json:"starts_at"`
		Findings []finding `json:"findings"`
		Rules    []rule    `json:"rules"`
	}{ev.Slug, ev.Zone, ev.Starts, []finding{}, []rule{}}
	for _, f := range findings {
		out.Findings = append(out.Findings, finding(f))
	}
	next := nextOf(ev, now)
	for _, r := range ev.Reminders {
		n := next[r.Key]
		j := rule{r.Key, r.Rule, ruleWords(ev).rule(r.Key), n.all, n.past, []instant{}}
		for _, at := range n.first {
			j.Next = append(j.Next, instant{at, at.In(ev.TimeLocation()).Format(time.RFC3339)})
		}
		out.Rules = append(out.Rules, j)
	}
	return out
}
