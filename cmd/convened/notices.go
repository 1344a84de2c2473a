package main

import (
	"fmt"
	"slices"
	"time"

	"convened"
	"convened/config"
	"convened/desk"
)

type noticesCommand struct {
	List     noticesListCommand `cmd:"" help:"Mails by state, the latest first, with what the server said."`
	Failures failuresCommand    `cmd:"" help:"What does not arrive of an event, by cause, and what to do about it."`
	Release  releaseCommand     `cmd:"" help:"Let mail go that is held, or end the quarantine: who gets it is shown first."`
	Retry    retryCommand       `cmd:"" help:"Try mail again that was refused or is in doubt: who gets it is shown first."`
	Bounces  bouncesCommand     `cmd:"" help:"What came back, the latest first: bounces, complaints, answers from calendars."`
}

type noticesListCommand struct {
	Event string `help:"Only of this event."`
	State string `help:"Only in this state: planned, claimed, sent, refused, unknown, cancelled, held."`
	Held  bool   `help:"Only what is held, as --state held."`
	Limit int    `help:"At most so many." default:"100"`
}

var states = []convened.State{convened.Planned, convened.Claimed, convened.Sent, convened.Refused, convened.Unknown, convened.Cancelled, convened.Held}

// Run lists notices.
func (c noticesListCommand) Run(e *env) error {
	if c.Held {
		c.State = string(convened.Held)
	}
	if c.State != "" && !slices.Contains(states, convened.State(c.State)) {
		return usageError{fmt.Errorf("--state %q: there are %v", c.State, states)}
	}
	return e.withDesk(func(_ *config.Config, d *desk.Desk) error {
		list, err := d.Store.Notices(e.ctx, c.Event, convened.State(c.State), c.Limit, 0)
		if err != nil {
			return err
		}
		if e.cli.JSON {
			type line struct {
				ID           convened.NoticeID       `json:"notice"`
				Registration convened.RegistrationID `json:"registration,omitempty"`
				Event        string                  `json:"event"`
				Kind         convened.Kind           `json:"kind"`
				Occasion     string                  `json:"occasion"`
				State        convened.State          `json:"state"`
				DueAt        time.Time               `json:"due_at"`
				SentAt       *time.Time              `json:"sent_at"`
				Attempt      int                     `json:"attempt"`
				MessageID    string                  `json:"message_id,omitempty"`
				Email        string                  `json:"email"`
				Cause        convened.Cause          `json:"cause,omitempty"`
				LastError    string                  `json:"last_error,omitempty"`
				Reason       string                  `json:"reason,omitempty"`
			}
			out := []line{}
			for _, n := range list {
				var sent *time.Time
				if !n.SentAt.IsZero() {
					sent = &n.SentAt
				}
				out = append(out, line{n.ID, n.Registration, n.Event, n.Kind, n.Occasion, n.State, n.DueAt, sent, n.Attempt, n.MessageID, n.Email, n.Cause, n.LastError, n.Reason})
			}
			return e.printJSON(out)
		}
		rows := [][]string{}
		for _, n := range list {
			why := n.Reason
			if n.LastError != "" && n.State != convened.Held {
				why = n.LastError
			}
			when := n.DueAt
			if !n.SentAt.IsZero() {
				when = n.SentAt
			}
			rows = append(rows, []string{fmt.Sprint(n.ID), n.Event, string(n.Kind), string(n.State), when.Format("2006-01-02 15:04:05Z"), n.Email, why})
		}
		if len(rows) == 0 {
			fmt.Fprintln(e.stdout, "None.")
			return nil
		}
		return e.printTable([]string{"NOTICE", "EVENT", "KIND", "STATE", "SENT OR DUE", "EMAIL", "WHY"}, rows)
	})
}
