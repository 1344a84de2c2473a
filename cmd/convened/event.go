package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"convened"
	"convened/config"
	"convened/desk"
	"convened/scheduler"
	"convened/store"
)

type eventCommand struct {
	Apply  applyCommand  `cmd:"" help:"Make an event as a file says: what changes and whom it mails is shown first."`
	Edit   editCommand   `cmd:"" help:"Open an event's file in your editor, see what the edit would do, and make it."`
	List   listCommand   `cmd:"" help:"All events, the next to start first."`
	Show   showCommand   `cmd:"" help:"One event: what it is, its schedule in words and instants, how far its mails are."`
	Lint   lintCommand   `cmd:"" help:"What is wrong or surprising in a schedule, and when each rule fires next."`
	Cancel cancelCommand `cmd:"" help:"Call an event off: everybody who was told gets a cancellation."`
}

type applyCommand struct {
	Files  []string `arg:"" name:"file" help:"Event files; - is standard input."`
	DryRun bool     `help:"Show what would change and whom it would mail, and stop there."`
	Yes    bool     `short:"y" help:"Don't ask, also where people would be mailed."`
}

// Run applies each file in turn. Every file is read before the first is applied.
func (c applyCommand) Run(e *env) error {
	var events []*convened.Event
	var problems []config.Problem
	for _, name := range c.Files {
		data, err := readFile(e, name)
		if err != nil {
			return err
		}
		event, err := desk.ReadEventFile(name, data)
		var p *config.Problems
		switch {
		case errors.As(err, &p):
			problems = append(problems, p.List...)
		case err != nil:
			return usageError{err}
		default:
			events = append(events, event)
		}
	}
	if len(problems) > 0 {
		return config.Join(problems)
	}
	return e.withDesk(func(_ *config.Config, d *desk.Desk) error {
		for _, event := range events {
			now := e.clock()
			p, err := d.Propose(e.ctx, now, event)
			if err != nil {
				return err
			}
			if err := e.settleProposal(d, p, c.DryRun, c.Yes, now); err != nil {
				return err
			}
		}
		return nil
	})
}

func readFile(e *env, name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(io.LimitReader(e.stdin, config.MaxSize+1))
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, usageError{err}
	}
	return data, nil
}

// settleProposal shows a proposal, asks where people would be mailed, and
// carries it out.
func (e *env) settleProposal(d *desk.Desk, p *desk.Proposal, dry, yes bool, now time.Time) error {
	slug := p.Event.Slug
	if e.cli.JSON {
		if err := e.printJSON(proposalJSON(p, dry)); err != nil {
			return err
		}
	} else {
		e.showProposal(p, now)
	}
	if p.Unchanged() || dry {
		return nil
	}
	if p.Mails > 0 {
		what := "an update"
		if p.Notify == convened.Cancellation {
			what = "a cancellation"
		}
		if err := e.confirm(yes, fmt.Sprintf("Send %s to %s?", what, people(p.Mails))); err != nil {
			return err
		}
	}
	if _, err := d.Carry(e.ctx, now, p); err != nil {
		return err
	}
	if !e.cli.JSON {
		verb := "changed"
		switch {
		case p.New():
			verb = "created"
		case p.Event.Status == convened.EventIsOff && p.Was.Status != convened.EventIsOff:
			verb = "called off"
		}
		fmt.Fprintf(e.stdout, "%s: %s\n", slug, verb)
	}
	return nil
}

func (e *env) showProposal(p *desk.Proposal, now time.Time) {
	out, ev := e.stdout, p.Event
	switch {
	case p.New():
		fmt.Fprintf(out, "%s: a new event\n", ev.Slug)
		e.showSchedule(ev, now)
	case p.Unchanged():
		fmt.Fprintf(out, "%s: nothing changes\n", ev.Slug)
		return
	default:
		fmt.Fprintf(out, "%s: %d registered\n", ev.Slug, p.Seats)
		for _, c := range p.Changes {
			fmt.Fprintf(out, "  %s:\n", plain(c.Field))
			if c.Old != "" {
				fmt.Fprintf(out, "    - %s\n", plain(c.Old))
			}
			if c.New != "" {
				fmt.Fprintf(out, "    + %s\n", plain(c.New))
			}
		}
		switch {
		case p.Notify == "":
			fmt.Fprintln(out, "  nobody is mailed for this")
		case p.DueAt.After(now):
			fmt.Fprintf(out, "  will be told: %s, in %s unless there is another edit\n", people(p.Mails), p.DueAt.Sub(now).Round(time.Second))
		default:
			fmt.Fprintf(out, "  will be told: %s, at once\n", people(p.Mails))
		}
	}
	for _, f := range p.Findings {
		fmt.Fprintf(out, "  %s: %s: %s", f.Level, plain(f.Reminder), f.Message)
		if f.Mend != "" {
			fmt.Fprintf(out, "; %s", f.Mend)
		}
		fmt.Fprintln(out)
	}
}

// showSchedule prints each rule in words and its instants.
func (e *env) showSchedule(ev *convened.Event, now time.Time) {
	loc := ev.TimeLocation()
	fmt.Fprintf(e.stdout, "  starts %s (%s UTC), ends %s\n", in(ev.Starts, loc), ev.Starts.Format("15:04"), in(ev.Ends, loc))
	instants := map[string][]convened.Occasion{}
	for _, o := range scheduler.Occasions(ev) {
		instants[o.Key] = append(instants[o.Key], o)
	}
	for i := range ev.Reminders {
		r := &ev.Reminders[i]
		rule, err := scheduler.RuleOf(r)
		if err != nil {
			fmt.Fprintf(e.stdout, "  %s: %v\n", plain(r.Rule), err)
			continue
		}
		name := ""
		if r.Key != r.Rule {
			name = plain(r.Key) + ": "
		}
		fmt.Fprintf(e.stdout, "  %s%s\n", name, rule.Words("en"))
		for j, o := range instants[r.Key] {
			if j == 5 {
				fmt.Fprintf(e.stdout, "      and %d more\n", len(instants[r.Key])-5)
				break
			}
			past := ""
			if o.At.Before(now) {
				past = "  (past)"
			}
			fmt.Fprintf(e.stdout, "      %s  %s%s\n", in(o.At, loc), o.At.UTC().Format("2006-01-02 15:04Z"), past)
		}
	}
}

func proposalJSON(p *desk.Proposal, dry bool) any {
	type change struct {
		Field string `json:"field"`
		Old   string `json:"old,omitempty"`
		New   string `json:"new,omitempty"`
	}
	type finding struct {
		Reminder string `json:"reminder"`
		Level    string `json:"level"`
		Message  string `json:"message"`
		Mend     string `json:"mend,omitempty"`
	}
	out := struct {
		Event    string        `json:"event"`
		New      bool          `json:"new"`
		DryRun   bool          `json:"dry_run"`
		Changes  []change      `json:"changes"`
		Findings []finding     `json:"findings"`
		Notify   convened.Kind `json:"notify,omitempty"`
		Mails    int           `json:"mails"`
		Seats    int           `json:"registered"`
		DueAt    *time.Time    `json:"due_at,omitempty"`
	}{Event: p.Event.Slug, New: p.New(), DryRun: dry, Notify: p.Notify, Mails: p.Mails, Seats: p.Seats, Changes: []change{}, Findings: []finding{}}
	for _, c := range p.Changes {
		out.Changes = append(out.Changes, change(c))
	}
	for _, f := range p.Findings {
		out.Findings = append(out.Findings, finding{f.Reminder, f.Level, f.Message, f.Mend})
	}
	if p.Notify != "" {
		t := p.DueAt.UTC()
		out.DueAt = &t
	}
	return out
}

type cancelCommand struct {
	Event  string `arg:"" help:"The event's slug."`
	DryRun bool   `help:"Show whom it would mail, and stop there."`
	Yes    bool   `short:"y" help:"Don't ask."`
}

// Run calls an event off.
func (c cancelCommand) Run(e *env) error {
	return e.withDesk(func(_ *config.Config, d *desk.Desk) error {
		now := e.clock()
		p, err := d.ProposeCancel(e.ctx, now, c.Event)
		if err != nil {
			return err
		}
		return e.settleProposal(d, p, c.DryRun, c.Yes, now)
	})
}

type listCommand struct{}

type eventJSON struct {
	Slug       string                                   `json:"event"`
	Title      convened.Text                            `json:"title"`
	Starts     time.Time                                `json:"starts_at"`
	Ends       time.Time                                `json:"ends_at"`
	Zone       string                                   `json:"zone"`
	Status     convened.EventStatus                     `json:"status"`
	Sequence   int                                      `json:"sequence"`
	Revision   int                                      `json:"revision"`
	Registered int                                      `json:"registered"`
	GivenUp    int                                      `json:"given_up"`
	Waiting    int                                      `json:"waiting"`
	Notices    map[convened.Kind]map[convened.State]int `json:"notices"`
}

// Run lists the events.
func (listCommand) Run(e *env) error {
	return e.withDesk(func(_ *config.Config, d *desk.Desk) error {
		list, err := d.Store.Events(e.ctx, e.clock())
		if err == nil {
			err = countAll(e.ctx, d.Store, list)
		}
		if err != nil {
			return err
		}
		if e.cli.JSON {
			out := []eventJSON{}
			for _, s := range list {
				ev := s.Event
				out = append(out, eventJSON{ev.Slug, ev.Title, ev.Starts, ev.Ends, ev.Zone, ev.Status, ev.Sequence, ev.Revision, s.Registered, s.GivenUp, s.Waiting, s.Notices})
			}
			return e.printJSON(out)
		}
		if len(list) == 0 {
			fmt.Fprintln(e.stdout, "There is no event yet: `convened event apply FILE` makes one.")
			return nil
		}
		rows := [][]string{}
		for _, s := range list {
			sent, failed := 0, 0
			for _, states := range s.Notices {
				sent += states[convened.Sent]
				failed += states[convened.Refused] + states[convened.Held]
			}
			status := string(s.Event.Status)
			if s.Event.Status == convened.Scheduled && e.clock().After(s.Event.Ends) {
				status = "over"
			}
			rows = append(rows, []string{s.Event.Slug, in(s.Event.Starts, s.Event.TimeLocation()), status,
				fmt.Sprint(s.Registered), fmt.Sprint(sent), fmt.Sprint(failed), s.Event.Title.In(s.Event.Language)})
		}
		return e.printTable([]string{"EVENT", "STARTS", "STATUS", "REGISTERED", "SENT", "FAILED", "TITLE"}, rows)
	})
}

// countAll counts all that there is of events in a list.
func countAll(ctx context.Context, s *store.Store, list []store.EventSummary) error {
	if err := s.CountSeats(ctx, list); err != nil {
		return err
	}
	return s.CountNotices(ctx, list)
}

type showCommand struct {
	Event string `arg:"" help:"The event's slug."`
	File  bool   `help:"Print it as an event file that apply takes."`
}

// Run shows one event.
func (c showCommand) Run(e *env) error {
	return e.withDesk(func(_ *config.Config, d *desk.Desk) error {
		ev, err := d.Store.Event(e.ctx, c.Event)
		if err != nil {
			return fmt.Errorf("event %q: %w", c.Event, err)
		}
		if c.File {
			data, err := desk.WriteEventFile(ev)
			if err == nil {
				_, err = e.stdout.Write(data)
			}
			return err
		}
		list, err := d.Store.Events(e.ctx, e.clock())
		if err != nil {
			return err
		}
		list = slices.DeleteFunc(list, func(s store.EventSummary) bool { return s.Event.Slug != c.Event })
		if err := countAll(e.ctx, d.Store, list); err != nil {
			return err
		}
		for _, s := range list {
			if e.cli.JSON {
				return e.printJSON(eventJSON{ev.Slug, ev.Title, ev.Starts, ev.Ends, ev.Zone, ev.Status, ev.Sequence, ev.Revision, s.Registered, s.GivenUp, s.Waiting, s.Notices})
			}
			fmt.Fprintf(e.stdout, "%s: %s\n", ev.Slug, plain(ev.Title.In(ev.Language)))
			if ev.Status == convened.EventIsOff {
				fmt.Fprintln(e.stdout, "  it is called off")
			}
			e.showSchedule(ev, e.clock())
			fmt.Fprintf(e.stdout, "  %d registered, %d gave up their seat, %d not planned yet\n", s.Registered, s.GivenUp, s.Waiting)
			for _, k := range append(convened.Kinds(), convened.Preflight) {
				for _, st := range []convened.State{convened.Planned, convened.Claimed, convened.Sent, convened.Refused, convened.Unknown, convened.Cancelled, convened.Held} {
					if n := s.Notices[k][st]; n > 0 {
						fmt.Fprintf(e.stdout, "  %s: %d %s\n", k, n, st)
					}
				}
			}
		}
		return nil
	})
}
