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
	o := desk.OutlineOf(ev, now, "en")
	findings := scheduler.Lint(ev, now)
	if e.cli.JSON {
		if err := e.printJSON(lintJSON(o, findings)); err != nil {
			return err
		}
	} else {
		e.showLint(o, findings)
	}
	if slices.ContainsFunc(findings, func(f scheduler.Finding) bool { return f.Level == scheduler.LevelError }) {
		return errSaid
	}
	return nil
}

func (e *env) showLint(o *desk.Outline, findings []scheduler.Finding) {
	ev := o.Event
	loc, w := ev.TimeLocation(), ruleWords(ev)
	fmt.Fprintf(e.stdout, "%s: starts %s (%s UTC)\n", ev.Slug, in(ev.Starts, loc), ev.Starts.UTC().Format("15:04"))
	for i := range o.Rules {
		r := &o.Rules[i]
		fmt.Fprintf(e.stdout, "\n%s\n", plain(w.rule(r.Reminder.Key)))
		for _, at := range r.Next {
			fmt.Fprintf(e.stdout, "  %s  %s\n", in(at, loc), utcOf(at))
		}
		if more := r.Left(); more > 0 {
			fmt.Fprintf(e.stdout, "  and %d more\n", more)
		}
		if r.Past > 0 {
			fmt.Fprintf(e.stdout, "  %d of %d past\n", r.Past, r.All)
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

func lintJSON(o *desk.Outline, findings []scheduler.Finding) any {
	ev := o.Event
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
	w := ruleWords(ev)
	for _, r := range o.Rules {
		j := rule{r.Reminder.Key, r.Reminder.Rule, w.rule(r.Reminder.Key), r.All, r.Past, []instant{}}
		for _, at := range r.Next {
			j.Next = append(j.Next, instant{at, at.In(ev.TimeLocation()).Format(time.RFC3339)})
		}
		out.Rules = append(out.Rules, j)
	}
	return out
}
