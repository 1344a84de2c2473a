package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"convened"
	"convened/config"
	"convened/desk"
)

type releaseCommand struct {
	IDs        []convened.NoticeID `arg:"" name:"notice" optional:"" help:"Numbers of notices, as list shows them."`
	Event      string              `help:"All that is held of this event."`
	Reason     string              `help:"Of the event, only what is held for this: fuse, backfill, over, recipient, doubt."`
	Quarantine bool                `help:"End the quarantine: this is the database to serve, and no copy."`
	DryRun     bool                `help:"Show who would get mail, and stop there."`
	Yes        bool                `short:"y" help:"Don't ask."`
}

// Run lets held notices go, or all of them after a quarantine.
func (c releaseCommand) Run(e *env) error {
	switch {
	case c.Quarantine && (len(c.IDs) > 0 || c.Event != "" || c.Reason != ""):
		return usageError{errors.New("--quarantine is about the whole service: say it alone")}
	case c.Quarantine:
		return e.withDesk(func(_ *config.Config, d *desk.Desk) error { return e.endQuarantine(d, c.DryRun, c.Yes) })
	case len(c.IDs) > 0 && c.Event != "":
		return usageError{errors.New("say the numbers of notices or --event, not both")}
	case c.Reason != "" && c.Event == "":
		return usageError{errors.New("--reason goes with --event")}
	case c.Reason != "" && !slices.Contains(convened.HoldCauses(), convened.Cause(c.Reason)):
		return usageError{fmt.Errorf("--reason %q: there are %v", c.Reason, convened.HoldCauses())}
	}
	return e.withDesk(func(_ *config.Config, d *desk.Desk) error {
		now := e.clock()
		r, err := d.ProposeRelease(e.ctx, now, desk.Choice{IDs: c.IDs, Event: c.Event, Cause: convened.Cause(c.Reason)})
		return e.settleRelease(d, r, err, now, "released", c.DryRun, c.Yes)
	})
}

type retryCommand struct {
	IDs    []convened.NoticeID `arg:"" name:"notice" optional:"" help:"Numbers of notices, as list shows them."`
	Event  string              `help:"All of this event that are in the --state."`
	State  []string            `help:"Of the event, those in these states: refused, unknown, held, or planned (those that failed before)."`
	Cause  string              `help:"Of the event, those that failed for this: a cause that convened notices failures --json names, such as taken-for-spam."`
	DryRun bool                `help:"Show who would get mail, and stop there."`
	Yes    bool                `short:"y" help:"Don't ask."`
}

// Run tries notices again.
func (c retryCommand) Run(e *env) error {
	var states []convened.State
	for _, s := range c.State {
		if !slices.Contains(desk.Retriable(), convened.State(s)) {
			return usageError{fmt.Errorf("--state %q: there are %v", s, desk.Retriable())}
		}
		states = append(states, convened.State(s))
	}
	switch {
	case len(c.IDs) > 0 && c.Event != "":
		return usageError{errors.New("say the numbers of notices or --event, not both")}
	case c.Cause != "" && (c.Event == "" || len(states) > 0):
		return usageError{errors.New("--cause goes with --event, and without --state")}
	case c.Cause != "" && !slices.Contains(desk.Faults(), desk.Fault(c.Cause)):
		return usageError{fmt.Errorf("--cause %q: there are %v", c.Cause, desk.Faults())}
	case c.Event != "" && len(states) == 0 && c.Cause == "":
		return usageError{errors.New("--event wants a --state (refused, unknown, held or planned) or a --cause")}
	}
	return e.withDesk(func(_ *config.Config, d *desk.Desk) error {
		now := e.clock()
		if c.Cause != "" {
			r, err := d.ProposeRetryOf(e.ctx, now, c.Event, desk.Fault(c.Cause))
			return e.settleRelease(d, r, err, now, "to be tried again", c.DryRun, c.Yes)
		}
		r, err := d.ProposeRetry(e.ctx, now, desk.Choice{IDs: c.IDs, Event: c.Event, States: states})
		return e.settleRelease(d, r, err, now, "to be tried again", c.DryRun, c.Yes)
	})
}

// settleRelease shows a release, asks where people would get mail, and carries
// it out.
func (e *env) settleRelease(d *desk.Desk, r *desk.Release, err error, now time.Time, done string, dry, yes bool) error {
	switch {
	case errors.Is(err, desk.ErrNothingChosen):
		return usageError{err}
	case err != nil:
		return err
	}
	if e.cli.JSON {
		if err := e.printJSON(releaseJSON(r, dry)); err != nil {
			return err
		}
	} else {
		e.showRelease(r)
	}
	if r.Notices == 0 || dry {
		return nil
	}
	if r.People > 0 {
		if err := e.confirm(yes, fmt.Sprintf("Send mail to %s?", people(r.People))); err != nil {
			return err
		}
	}
	n, err := d.Release(e.ctx, now, r)
	if err != nil {
		return err
	}
	if !e.cli.JSON {
		fmt.Fprintf(e.stdout, "%s %s\n", notices(n), done)
	}
	return nil
}

func (e *env) showRelease(r *desk.Release) {
	if len(r.Lines) == 0 && len(r.Stay) == 0 {
		fmt.Fprintln(e.stdout, "There is none.")
		return
	}
	for _, l := range r.Lines {
		fmt.Fprintf(e.stdout, "%s: %s %s, %s: %s\n", l.Event, thousands(l.Notices), l.Kind, l.State, plain(cmp.Or(l.Why, "no reason was given")))
	}
	for _, why := range slices.Sorted(maps.Keys(r.Useless)) {
		fmt.Fprintf(e.stdout, "  %s will be cancelled, not sent: %s\n", notices(r.Useless[why]), why)
	}
	for _, why := range slices.Sorted(maps.Keys(r.Stay)) {
		fmt.Fprintf(e.stdout, "  %s will stay as they are: %s\n", notices(r.Stay[why]), why)
	}
	fmt.Fprintf(e.stdout, "  will get mail: %s, at once\n", people(r.People))
}

// notices says a number of them.
func notices(n int) string {
	if n == 1 {
		return "1 notice"
	}
	return thousands(n) + " notices"
}

func releaseJSON(r *desk.Release, dry bool) any {
	type line struct {
		Event   string         `json:"event"`
		Kind    convened.Kind  `json:"kind"`
		State   convened.State `json:"state"`
		Why     string         `json:"why"`
		Notices int            `json:"notices"`
	}
	out := struct {
		Event   string         `json:"event,omitempty"`
		Lines   []line         `json:"lines"`
		Notices int            `json:"notices"`
		People  int            `json:"people"`
		Useless map[string]int `json:"useless"`
		Stay    map[string]int `json:"stay"`
		DryRun  bool           `json:"dry_run"`
	}{r.About, []line{}, r.Notices, r.People, r.Useless, r.Stay, dry}
	for _, l := range r.Lines {
		out.Lines = append(out.Lines, line(l))
	}
	return out
}

func (e *env) endQuarantine(d *desk.Desk, dry, yes bool) error {
	now := e.clock()
	q, err := d.Quarantine(e.ctx, now)
	if err != nil {
		return err
	}
	type shown struct {
		Quarantine bool       `json:"quarantine"`
		Since      *time.Time `json:"since,omitempty"`
		Reason     string     `json:"reason,omitempty"`
		People     int        `json:"people"`
		DryRun     bool       `json:"dry_run"`
	}
	if q == nil {
		if e.cli.JSON {
			return e.printJSON(shown{DryRun: dry})
		}
		fmt.Fprintln(e.stdout, "There is no quarantine.")
		return nil
	}
	if e.cli.JSON {
		if err := e.printJSON(shown{true, &q.Since, q.Reason, q.People, dry}); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(e.stdout, "In quarantine since %s: %s.\n", q.Since.Format("2006-01-02 15:04:05Z"), q.Reason)
		fmt.Fprintf(e.stdout, "  mail is due for %s\n", people(q.People))
	}
	if dry {
		return nil
	}
	question := "Is this the database to serve, and no copy of one that others serve?"
	if q.People > 0 {
		question = strings.TrimSuffix(question, "?") + fmt.Sprintf(", and is mail to go to %s?", people(q.People))
	}
	if err := e.confirm(yes, question); err != nil {
		return err
	}
	ended, err := d.EndQuarantine(e.ctx, now)
	if err != nil {
		return err
	}
	if !e.cli.JSON && ended {
		fmt.Fprintln(e.stdout, "The quarantine is over.")
	}
	return nil
}
