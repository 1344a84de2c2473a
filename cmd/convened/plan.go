package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"convened"
	"convened/config"
	"convened/desk"
	"convened/scheduler"
)

type planCommand struct {
	Event string `arg:"" optional:"" help:"The event's slug, or an event file; - is standard input."`
	File  string `help:"Show what would change if this event file were applied." placeholder:"FILE"`
	At    string `help:"As if it were this time, in the event's zone: '2026-11-20 09:00'." placeholder:"TIME"`
}

// Run lists what is still to come, or what an event file would change of it.
func (c planCommand) Run(e *env) error {
	if c.File == "" && isFile(c.Event) {
		c.File, c.Event = c.Event, ""
	}
	if c.File == "" && c.Event == "" {
		return usageError{errors.New("name an event, or an event file: `convened event list` shows what events there are")}
	}
	if c.File == "" {
		return e.withDesk(func(_ *config.Config, d *desk.Desk) error { return c.plan(e, d) })
	}
	wanted, err := e.readEvent(c.File)
	if err != nil {
		return err
	}
	if c.Event != "" && c.Event != wanted.Slug {
		return usageError{fmt.Errorf("%s is the file of event %q, not of %q", c.File, wanted.Slug, c.Event)}
	}
	at, err := parseAt(c.At, wanted.TimeLocation())
	if err != nil {
		return err
	}
	return e.withDesk(func(_ *config.Config, d *desk.Desk) error {
		now := e.clock()
		p, err := d.PlanProposal(e.ctx, now, wanted, at)
		if err != nil {
			return err
		}
		if e.cli.JSON {
			return e.printJSON(comparisonJSON(p))
		}
		e.showProposal(p.Proposal, now)
		return e.showDifferences(p)
	})
}

func (c planCommand) plan(e *env, d *desk.Desk) error {
	ev, err := d.Store.Event(e.ctx, c.Event)
	if err != nil {
		return fmt.Errorf("event %q: %w", c.Event, err)
	}
	at, err := parseAt(c.At, ev.TimeLocation())
	if err != nil {
		return err
	}
	now := e.clock()
	p, err := d.Plan(e.ctx, now, c.Event, at)
	if err != nil {
		return err
	}
	if e.cli.JSON {
		return e.printJSON(planJSON(p))
	}
	return e.showPlan(p, now)
}

var slugForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,99}$`)

// isFile reports whether an argument can't be an event's slug, so that it must
// be a file: a slug has neither dots nor slashes.
func isFile(name string) bool { return name != "" && !slugForm.MatchString(name) }

// readEvent reads one event file. What is wrong with it is an error of the kind
// that says where.
func (e *env) readEvent(name string) (*convened.Event, error) {
	data, err := readFile(e, name)
	if err != nil {
		return nil, err
	}
	ev, err := desk.ReadEventFile(name, data)
	var p *config.Problems
	if err != nil && !errors.As(err, &p) {
		err = usageError{err}
	}
	return ev, err
}

// parseAt reads the time of a flag on an event's clock; "" is the zero time.
func parseAt(text string, loc *time.Location) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t.UTC(), nil
	}
	wall, err := convened.ParseWall(text)
	if err != nil {
		return time.Time{}, usageError{fmt.Errorf("--at: %w", err)}
	}
	return wall.In(loc).UTC(), nil
}

// showPlan prints a plan for people.
func (e *env) showPlan(p *desk.Plan, now time.Time) error {
	ev, loc := p.Event, p.Event.TimeLocation()
	fmt.Fprintf(e.stdout, "%s: %s (%s UTC), %s registered%s\n", ev.Slug, in(ev.Starts, loc), ev.Starts.UTC().Format("15:04"), thousands(p.Registered), arriving(p.Arriving))
	switch {
	case ev.Status == convened.EventIsOff:
		fmt.Fprintln(e.stdout, "It is called off.")
	case !p.At.Before(ev.Ends):
		fmt.Fprintln(e.stdout, "It is over.")
	}
	if p.Quarantine != nil {
		fmt.Fprintf(e.stdout, "Nothing is sent: %v\n", p.Quarantine)
	}
	if !p.At.Equal(now) {
		fmt.Fprintf(e.stdout, "As if it were %s, with the rules and the people of now.\n", in(p.At, loc))
	}
	if len(p.Mails) == 0 {
		fmt.Fprintln(e.stdout, "No mail is to come.")
	} else {
		words := ruleWords(ev)
		rows := [][]string{}
		for _, m := range p.Mails {
			rows = append(rows, []string{when(m.At, m.Last, loc), utcOf(m.At), string(m.Kind), words.of(&m), thousands(m.People), counts(m.Languages, " ", ", "), counts(m.Not, ": ", "; ")})
		}
		fmt.Fprintln(e.stdout)
		if err := e.printTable([]string{"WHEN", "UTC", "MAIL", "RULE", "PEOPLE", "LANGUAGES", "NOT"}, rows); err != nil {
			return err
		}
	}
	return e.showWaiting(p)
}

func arriving(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", %s not planned yet", thousands(n))
}

// showWaiting prints what was planned and has not come to its end.
func (e *env) showWaiting(p *desk.Plan) error {
	loc := p.Event.TimeLocation()
	for _, c := range p.Changes {
		fmt.Fprintf(e.stdout, "\nNot told yet: a change, by %s to %s, at %s.\n", article(c.Kind), people(c.People), in(c.DueAt, loc))
	}
	if len(p.Waiting) == 0 {
		return nil
	}
	fmt.Fprintln(e.stdout, "\nWaiting now:")
	rows := [][]string{}
	for _, w := range p.Waiting {
		rows = append(rows, []string{string(w.Kind), string(w.State), when(w.First, w.Last, loc), thousands(w.Notices), w.Why})
	}
	return e.printTable([]string{"MAIL", "STATE", "DUE", "MAILS", "WHY"}, rows)
}

func article(k convened.Kind) string {
	if k == convened.Update {
		return "an update"
	}
	return "a " + string(k)
}

// showDifferences prints what an edit would do to each mail.
func (e *env) showDifferences(c *desk.Comparison) error {
	if len(c.Differences) == 0 {
		fmt.Fprintln(e.stdout, "No mail is to come, before or after.")
		return nil
	}
	loc := c.Plan.Event.TimeLocation()
	is, was := ruleWords(c.Plan.Event), words{}
	wasLoc := loc
	if c.Proposal.Was != nil {
		was, wasLoc = ruleWords(c.Proposal.Was), c.Proposal.Was.TimeLocation()
	}
	rows := [][]string{}
	for _, d := range c.Differences {
		row := []string{d.What, "", "", "", "", ""}
		if d.Was != nil {
			row[1], row[2], row[3], row[5] = string(d.Was.Kind), was.of(d.Was), when(d.Was.At, d.Was.Last, wasLoc), thousands(d.Was.People)
		}
		if d.Is != nil {
			row[1], row[2], row[4] = string(d.Is.Kind), is.of(d.Is), when(d.Is.At, d.Is.Last, loc)
			if n := thousands(d.Is.People); d.Was == nil || n == row[5] {
				row[5] = n
			} else {
				row[5] = n + ", was " + row[5]
			}
		}
		rows = append(rows, row)
	}
	fmt.Fprintln(e.stdout)
	return e.printTable([]string{"CHANGE", "MAIL", "RULE", "WAS", "WOULD BE", "PEOPLE"}, rows)
}

// words says the rules of an event, by key.
type words map[string]string

func ruleWords(ev *convened.Event) words {
	w := words{}
	for i := range ev.Reminders {
		r := &ev.Reminders[i]
		rule, err := scheduler.RuleOf(r)
		switch {
		case err != nil:
			w[r.Key] = r.Rule
		case r.Key != r.Rule:
			w[r.Key] = r.Key + ": " + rule.Words("en")
		default:
			w[r.Key] = rule.Words("en")
		}
	}
	return w
}

// rule says one rule; one that the event does not have is its own name.
func (w words) rule(key string) string { return cmp.Or(w[key], key) }

// of says what brings about a mailing.
func (w words) of(m *scheduler.Mailing) string {
	why := ""
	switch {
	case m.Occasion.Key != "":
		why = w.rule(m.Occasion.Key)
	case m.Kind == convened.Confirmation:
		why = "registered"
	case m.Kind == convened.Update:
		why = "the event changed"
	case m.Kind == convened.Cancellation:
		why = "called off, or given up"
	}
	if m.Waits {
		why += " (waiting)"
	}
	return why
}

// when says an instant, or from when to when, on a clock.
func when(first, last time.Time, loc *time.Location) string {
	switch {
	case first.Equal(last):
		return in(first, loc)
	case in(first, loc)[:15] == in(last, loc)[:15]:
		return in(first, loc) + " to " + last.In(loc).Format("15:04")
	}
	return in(first, loc) + " to " + in(last, loc)
}

func utcOf(t time.Time) string { return t.UTC().Format("2006-01-02 15:04Z") }

// counts says how many of each there are, the most first.
func counts(n map[string]int, of, and string) string {
	keys := slices.SortedFunc(maps.Keys(n), func(a, b string) int { return cmp.Or(n[b]-n[a], cmp.Compare(a, b)) })
	var parts []string
	for _, k := range keys {
		parts = append(parts, thousands(n[k])+of+k)
	}
	return strings.Join(parts, and)
}

type mailJSON struct {
	Kind      convened.Kind  `json:"mail"`
	Rule      string         `json:"rule,omitempty"`
	Words     string         `json:"words,omitempty"`
	Occasion  string         `json:"occasion,omitempty"`
	At        time.Time      `json:"at"`
	Last      time.Time      `json:"last"`
	Local     string         `json:"local"`
	Waiting   bool           `json:"waiting"`
	People    int            `json:"people"`
	Languages map[string]int `json:"languages"`
	Not       map[string]int `json:"not"`
}

func mailsJSON(ev *convened.Event, list []scheduler.Mailing) []mailJSON {
	out := []mailJSON{}
	for i := range list {
		out = append(out, *oneMailJSON(ev, ruleWords(ev), &list[i]))
	}
	return out
}

func oneMailJSON(ev *convened.Event, w words, m *scheduler.Mailing) *mailJSON {
	if m == nil {
		return nil
	}
	j := &mailJSON{Kind: m.Kind, At: m.At.UTC(), Last: m.Last.UTC(), Local: m.At.In(ev.TimeLocation()).Format(time.RFC3339), Waiting: m.Waits, People: m.People, Languages: m.Languages, Not: m.Not}
	if m.Occasion.Key != "" {
		j.Rule, j.Words, j.Occasion = m.Occasion.Key, w.rule(m.Occasion.Key), m.Occasion.String()
	}
	return j
}

func planJSON(p *desk.Plan) any {
	type waiting struct {
		Kind  convened.Kind  `json:"mail"`
		State convened.State `json:"state"`
		First time.Time      `json:"due_at"`
		Last  time.Time      `json:"last_due_at"`
		Mails int            `json:"mails"`
		Why   string         `json:"why,omitempty"`
	}
	type change struct {
		Kind   convened.Kind `json:"mail"`
		DueAt  time.Time     `json:"due_at"`
		People int           `json:"people"`
	}
	out := struct {
		Event      string               `json:"event"`
		Status     convened.EventStatus `json:"status"`
		Zone       string               `json:"zone"`
		Starts     time.Time            `json:"starts_at"`
		At         time.Time            `json:"at"`
		Registered int                  `json:"registered"`
		Arriving   int                  `json:"not_planned_yet"`
		Mails      []mailJSON           `json:"mails"`
		Waiting    []waiting            `json:"waiting"`
		Changes    []change             `json:"changes"`
		Quarantine string               `json:"quarantine,omitempty"` // why nothing is sent
	}{p.Event.Slug, p.Event.Status, p.Event.Zone, p.Event.Starts, p.At.UTC(), p.Registered, p.Arriving, mailsJSON(p.Event, p.Mails), []waiting{}, []change{}, ""}
	if p.Quarantine != nil {
		out.Quarantine = p.Quarantine.Reason
	}
	for _, w := range p.Waiting {
		out.Waiting = append(out.Waiting, waiting{w.Kind, w.State, w.First.UTC(), w.Last.UTC(), w.Notices, w.Why})
	}
	for _, c := range p.Changes {
		out.Changes = append(out.Changes, change(c))
	}
	return out
}

func comparisonJSON(c *desk.Comparison) any {
	type difference struct {
		What string    `json:"change"`
		Was  *mailJSON `json:"was"`
		Is   *mailJSON `json:"is"`
	}
	list := []difference{}
	was := c.Proposal.Was
	if was == nil {
		was = c.Plan.Event
	}
	for _, d := range c.Differences {
		list = append(list, difference{d.What, oneMailJSON(was, ruleWords(was), d.Was), oneMailJSON(c.Plan.Event, ruleWords(c.Plan.Event), d.Is)})
	}
	return struct {
		Proposal    any          `json:"proposal"`
		Plan        any          `json:"plan"`
		Differences []difference `json:"differences"`
	}{proposalJSON(c.Proposal, true), planJSON(c.Plan), list}
}
