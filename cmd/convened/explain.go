package main

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"convened"
	"convened/config"
	"convened/desk"
	"convened/scheduler"
)

type explainCommand struct {
	Event string `arg:"" help:"The event's slug."`
	Email string `arg:"" help:"The address."`
}

// Run says of one person what became of each mail and what will.
func (c explainCommand) Run(e *env) error {
	return e.withDesk(func(_ *config.Config, d *desk.Desk) error {
		x, err := d.Explain(e.ctx, e.clock(), c.Event, c.Email)
		if errors.Is(err, desk.ErrNobody) {
			return fmt.Errorf("%w; `convened registration list %s` shows who is", err, c.Event)
		}
		if err != nil {
			return err
		}
		if e.cli.JSON {
			return e.printJSON(explanationJSON(c, x))
		}
		return e.showExplanation(c, x)
	})
}

func (e *env) showExplanation(c explainCommand, x *desk.Explanation) error {
	loc := x.Event.TimeLocation()
	fmt.Fprintf(e.stdout, "%s at %s, %s\n", plain(c.who(x)), x.Event.Slug, in(x.Event.Starts, loc))
	for _, l := range c.standing(x) {
		fmt.Fprintf(e.stdout, "  %s\n", l)
	}
	fmt.Fprintln(e.stdout)
	w := ruleWords(x.Event)
	rows, tries := [][]string{}, [][]string{}
	for _, l := range x.Lines {
		mail, at := string(l.Kind), ""
		if l.Rule != "" {
			mail += ": " + w.rule(l.Rule)
		}
		if !l.At.IsZero() {
			at = in(l.At, loc)
		}
		rows = append(rows, []string{in(l.Instant, loc), mail, string(l.Verdict), at, l.Why})
		for _, a := range x.Attempts[l.Notice] {
			if a.State != convened.Sent {
				tries = append(tries, []string{in(a.At, loc), string(l.Kind), outcomeOf(a), said(a)})
			}
		}
	}
	if err := e.printTable([]string{"FOR", "MAIL", "REACHES", "WHEN", "WHY"}, rows); err != nil {
		return err
	}
	if len(tries) > 0 {
		fmt.Fprintln(e.stdout, "\nTries that came to nothing:")
		if err := e.printTable([]string{"WHEN", "MAIL", "OUTCOME", "THE SERVER SAID"}, tries); err != nil {
			return err
		}
	}
	rows = nil
	for _, d := range x.Deeds {
		rows = append(rows, []string{in(d.At, loc), d.What, fmt.Sprintf("%s (%s)", d.By, d.Via), d.Detail})
	}
	if len(rows) > 0 {
		fmt.Fprintln(e.stdout, "\nWhat organisers did:")
		if err := e.printTable([]string{"WHEN", "WHAT", "WHO", "DETAIL"}, rows); err != nil {
			return err
		}
	}
	if len(x.Returns) == 0 {
		return nil
	}
	rows = nil
	for _, r := range x.Returns {
		rows = append(rows, []string{in(r.At, loc), string(x.Notices[r.Notice].Kind), returned(r), followed[r.Effect], r.Text})
	}
	fmt.Fprintln(e.stdout, "\nWhat came back:")
	return e.printTable([]string{"WHEN", "OF", "CAME BACK", "SO", "THE SERVER SAID"}, rows)
}

// who names the person as the registration does.
func (c explainCommand) who(x *desk.Explanation) string {
	if x.Seat != nil && x.Seat.Name != "" {
		return fmt.Sprintf("%s <%s>", x.Seat.Name, x.Seat.Email)
	}
	return c.Email
}

// standing says how it is with the registration.
func (c explainCommand) standing(x *desk.Explanation) []string {
	loc := x.Event.TimeLocation()
	var list []string
	if s := x.Seat; s != nil {
		language := convened.LetterLanguage(x.Event, s)
		list = append(list, fmt.Sprintf("registered on %s, letters in %s", in(s.CreatedAt, loc), language))
		for _, l := range []struct {
			at   time.Time
			what string
		}{{s.CancelledAt, "gave up the seat on %s"}, {s.MutedAt, "muted the reminders on %s"}, {s.DeclinedAt, "said no in a calendar on %s, and has the seat until they give it up"}, {x.RefusedAt, "the address does not work, since %s"}} {
			if !l.at.IsZero() {
				list = append(list, fmt.Sprintf(l.what, in(l.at, loc)))
			}
		}
		if s.SeatedAt.Sub(s.CreatedAt) > time.Minute {
			list = append(list, "took the seat on "+in(s.SeatedAt, loc))
		}
	}
	for _, r := range x.Corrections {
		if x.Seat != nil && r.From == x.Seat.ID {
			list = append(list, fmt.Sprintf("the address was corrected to %s by %s on %s: registration %d", plain(cmp.Or(r.ToEmail, "one that was erased")), plain(cmp.Or(r.By, "somebody")), in(r.At, loc), r.To))
		} else {
			list = append(list, fmt.Sprintf("registered as the correction of %s by %s on %s", plain(cmp.Or(r.FromEmail, "an address that was erased")), plain(cmp.Or(r.By, "somebody")), in(r.At, loc)))
		}
	}
	for _, a := range x.Arrivals {
		list = append(list, fmt.Sprintf("registered on %s and not planned yet: the daemon does it at its next tick", in(a.CreatedAt, loc)))
	}
	if x.Event.Status == convened.EventIsOff {
		list = append(list, "the event is off")
	}
	return list
}

// outcomeOf says what came of a try.
func outcomeOf(a convened.Attempt) string {
	switch a.State {
	case convened.Planned:
		return "tried again later"
	case convened.Unknown:
		return "in doubt"
	}
	return string(a.State)
}

// said is what a server answered, with its codes, or where the try ended.
func said(a convened.Attempt) string {
	var parts []string
	if a.Code != 0 && !strings.HasPrefix(a.Reply, fmt.Sprint(a.Code)) {
		parts = append(parts, fmt.Sprint(a.Code))
	}
	if a.Enhanced != "" && !strings.Contains(a.Reply, a.Enhanced) {
		parts = append(parts, a.Enhanced)
	}
	if a.Reply != "" {
		parts = append(parts, a.Reply)
	}
	if a.Phase != "" {
		parts = append(parts, "("+a.Phase+")")
	}
	return strings.Join(parts, " ")
}

type deedJSON struct {
	At     time.Time    `json:"at"`
	What   string       `json:"what"`
	By     string       `json:"by"`
	Via    convened.Via `json:"via"`
	Detail string       `json:"detail,omitempty"`
}

type correctionJSON struct {
	From      convened.RegistrationID `json:"from"`
	FromEmail string                  `json:"from_email"`
	To        convened.RegistrationID `json:"to"`
	ToEmail   string                  `json:"to_email"`
	By        string                  `json:"by"`
	At        time.Time               `json:"at"`
}

func explanationJSON(c explainCommand, x *desk.Explanation) any {
	at := func(t time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		t = t.UTC()
		return &t
	}
	type try struct {
		Attempt  int            `json:"attempt"`
		At       time.Time      `json:"at"`
		State    convened.State `json:"state"`
		Phase    string         `json:"phase,omitempty"`
		Code     int            `json:"code,omitempty"`
		Enhanced string         `json:"enhanced,omitempty"`
		Cause    convened.Cause `json:"cause,omitempty"`
		Reply    string         `json:"reply,omitempty"`
	}
	type line struct {
		Kind     convened.Kind     `json:"mail"`
		Rule     string            `json:"rule,omitempty"`
		Words    string            `json:"words,omitempty"`
		Occasion string            `json:"occasion"`
		Instant  time.Time         `json:"for"`
		Reaches  scheduler.Verdict `json:"reaches"`
		At       *time.Time        `json:"at"`
		Why      string            `json:"why"`
		Notice   convened.NoticeID `json:"notice,omitempty"`
		State    convened.State    `json:"state,omitempty"`
		Cause    convened.Cause    `json:"cause,omitempty"`
		Tries    []try             `json:"attempts"`
	}
	out := struct {
		Event       string                  `json:"event"`
		Email       string                  `json:"email"`
		At          time.Time               `json:"at"`
		Seat        convened.RegistrationID `json:"registration,omitempty"`
		SeatedAt    *time.Time              `json:"seated_at"`
		CancelledAt *time.Time              `json:"cancelled_at"`
		MutedAt     *time.Time              `json:"muted_at"`
		DeclinedAt  *time.Time              `json:"declined_at"`
		RefusedAt   *time.Time              `json:"refused_at"`
		Corrected   []correctionJSON        `json:"corrected"`
		Arriving    int                     `json:"not_planned_yet"`
		Mails       []line                  `json:"mails"`
		Returns     []returnJSON            `json:"returned"`
		Deeds       []deedJSON              `json:"done"`
	}{Event: x.Event.Slug, Email: c.Email, At: x.At.UTC(), Corrected: []correctionJSON{}, RefusedAt: at(x.RefusedAt), Arriving: len(x.Arrivals), Mails: []line{}, Returns: []returnJSON{}, Deeds: []deedJSON{}}
	for _, d := range x.Deeds {
		out.Deeds = append(out.Deeds, deedJSON{d.At, d.What, d.By, d.Via, d.Detail})
	}
	for _, r := range x.Corrections {
		out.Corrected = append(out.Corrected, correctionJSON{r.From, r.FromEmail, r.To, r.ToEmail, r.By, r.At})
	}
	for _, r := range x.Returns {
		out.Returns = append(out.Returns, toReturnJSON(r))
	}
	if s := x.Seat; s != nil {
		out.Seat, out.SeatedAt, out.CancelledAt, out.MutedAt, out.DeclinedAt = s.ID, at(s.SeatedAt), at(s.CancelledAt), at(s.MutedAt), at(s.DeclinedAt)
	}
	w := ruleWords(x.Event)
	for _, l := range x.Lines {
		j := line{Kind: l.Kind, Rule: l.Rule, Occasion: l.Occasion, Instant: l.Instant.UTC(), Reaches: l.Verdict, At: at(l.At), Why: l.Why, Notice: l.Notice, Tries: []try{}}
		if l.Rule != "" {
			j.Words = w.rule(l.Rule)
		}
		if n, ok := x.Notices[l.Notice]; ok {
			j.State, j.Cause = n.State, n.Cause
		}
		for _, a := range x.Attempts[l.Notice] {
			j.Tries = append(j.Tries, try{a.Attempt, a.At.UTC(), a.State, a.Phase, a.Code, a.Enhanced, a.Cause, a.Reply})
		}
		out.Mails = append(out.Mails, j)
	}
	return out
}
