package main

import (
	"fmt"
	"time"

	"convened"
	"convened/config"
	"convened/desk"
)

type auditCommand struct {
	Event string `arg:"" optional:"" help:"The event's slug; without one, everything."`
	Limit int    `help:"The most entries to print." default:"100"`
}

type auditJSON struct {
	ID           int64                   `json:"id"`
	At           time.Time               `json:"at"`
	By           string                  `json:"by"`
	Via          convened.Via            `json:"via"`
	What         string                  `json:"what"`
	Event        string                  `json:"event,omitempty"`
	Registration convened.RegistrationID `json:"registration,omitempty"`
	Detail       string                  `json:"detail,omitempty"`
}

// Run prints the trail, the latest first.
func (c auditCommand) Run(e *env) error {
	if c.Limit < 1 {
		return usageError{fmt.Errorf("--limit %d is not a number of entries", c.Limit)}
	}
	return e.withDesk(func(_ *config.Config, d *desk.Desk) error {
		if c.Event != "" {
			if _, err := d.Store.Event(e.ctx, c.Event); err != nil {
				return fmt.Errorf("event %q: %w", c.Event, err)
			}
		}
		list, err := d.Store.Deeds(e.ctx, c.Event, 0, c.Limit)
		if err != nil {
			return err
		}
		if e.cli.JSON {
			out := []auditJSON{}
			for _, d := range list {
				out = append(out, auditJSON(d))
			}
			return e.printJSON(out)
		}
		if len(list) == 0 {
			fmt.Fprintln(e.stdout, "Nothing has been done yet.")
			return nil
		}
		rows := [][]string{}
		for _, d := range list {
			registration := ""
			if d.Registration != 0 {
				registration = fmt.Sprint(d.Registration)
			}
			rows = append(rows, []string{d.At.Local().Format("2006-01-02 15:04:05 MST"), d.By, string(d.Via), d.What, d.Event, registration, d.Detail})
		}
		return e.printTable([]string{"WHEN", "WHO", "BY", "WHAT", "EVENT", "REGISTRATION", "DETAILS"}, rows)
	})
}
