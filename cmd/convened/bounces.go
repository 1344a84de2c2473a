package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"convened"
	"convened/config"
	"convened/store"
)

type bouncesCommand struct {
	Event string `help:"Only of this event."`
	Kind  string `help:"Only of this kind: hard, soft, odd, receipt, complaint, answer."`
	Limit int    `help:"At most so many." default:"100"`
}

// Run lists what came back of letters.
func (c bouncesCommand) Run(e *env) error {
	if c.Kind != "" && !slices.Contains(convened.ReturnKinds(), convened.ReturnKind(c.Kind)) {
		return usageError{fmt.Errorf("--kind %q: there are %v", c.Kind, convened.ReturnKinds())}
	}
	return e.withStore(func(cfg *config.Config, s *store.Store) error {
		if err := s.CheckSchema(e.ctx); err != nil {
			return err
		}
		list, err := s.Returns(e.ctx, c.Event, convened.ReturnKind(c.Kind), c.Limit, 0)
		if err != nil {
			return err
		}
		if e.cli.JSON {
			out := []returnJSON{}
			for _, l := range list {
				j := toReturnJSON(l.Return)
				j.Event, j.Letter, j.Email = l.Event, l.Letter, l.Email
				out = append(out, j)
			}
			return e.printJSON(out)
		}
		if len(list) == 0 {
			fmt.Fprintln(e.stdout, "None.")
			if cfg.Intake.Listen == "" {
				fmt.Fprintln(e.stdout, "No mail is taken in: intake.listen is off. docs/bounces.md says how it is set up.")
			}
			return nil
		}
		rows := [][]string{}
		for _, l := range list {
			rows = append(rows, []string{l.At.Format("2006-01-02 15:04:05Z"), l.Event, l.Email, string(l.Letter), returned(l.Return), followed[l.Effect], l.Text})
		}
		return e.printTable([]string{"WHEN", "EVENT", "EMAIL", "LETTER", "CAME BACK", "SO", "THE SERVER SAID"}, rows)
	})
}

// returned says in a few words what came back.
func returned(r convened.Return) string {
	words := string(r.Kind)
	switch r.Kind {
	case convened.HardBounce:
		words = "did not arrive"
		switch r.Cause {
		case convened.CauseAddress:
			words += ": no such address"
		case convened.CausePolicy:
			words += ": refused by policy"
		case convened.CauseContent:
			words += ": the letter was not liked"
		}
	case convened.SoftBounce:
		words = "did not arrive yet"
		if r.Action == "failed" {
			words = "did not arrive in time"
		}
	case convened.OddBounce:
		words = "a bounce that is hard to read"
	case convened.Receipt:
		words = r.Action
	case convened.Complaint:
		words = "called spam"
	case convened.AnswerGiven:
		return "answered: " + r.Action
	}
	if r.Status != "" {
		words += " (" + r.Status + ")"
	}
	return words
}

// followed says what followed from a return.
var followed = map[convened.Effect]string{
	convened.AddressMarked:  "the address is marked",
	convened.RemindersMuted: "no more reminders",
	convened.SaidNo:         "is offered to give up the seat",
	convened.SaidYes:        "comes after all",
}

// cameIn says what came in lately, the most frequent first; "" if nothing did.
func cameIn(lines []store.IncomingLine) string {
	lines = slices.Clone(lines)
	slices.SortStableFunc(lines, func(a, b store.IncomingLine) int { return b.Mails - a.Mails })
	var parts []string
	for _, l := range lines {
		parts = append(parts, fmt.Sprintf("%s %s", thousands(l.Mails), l.What))
	}
	if len(parts) == 0 {
		return ""
	}
	return "Came back in the last 7 days: " + strings.Join(parts, ", ") + ". `convened notices bounces` lists what concerns people."
}

type returnJSON struct {
	At           time.Time               `json:"at"`
	Event        string                  `json:"event,omitempty"`
	Notice       convened.NoticeID       `json:"notice,omitempty"`
	Registration convened.RegistrationID `json:"registration,omitempty"`
	Letter       convened.Kind           `json:"letter,omitempty"`
	Email        string                  `json:"email,omitempty"`
	Kind         convened.ReturnKind     `json:"kind"`
	Action       string                  `json:"action,omitempty"`
	Status       string                  `json:"status,omitempty"`
	Cause        convened.Cause          `json:"cause,omitempty"`
	Text         string                  `json:"text,omitempty"`
	Effect       convened.Effect         `json:"effect,omitempty"`
}

func toReturnJSON(r convened.Return) returnJSON {
	return returnJSON{At: r.At.UTC(), Notice: r.Notice, Registration: r.Registration, Kind: r.Kind, Action: r.Action, Status: r.Status, Cause: r.Cause, Text: r.Text, Effect: r.Effect}
}
