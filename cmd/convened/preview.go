package main

import (
	"bytes"
	"fmt"
	"os"
	"time"

	"convened"
	"convened/config"
	"convened/desk"
)

type previewCommand struct {
	Event    string `arg:"" help:"The event's slug."`
	Kind     string `help:"Which letter: ${enum}." enum:"confirmation,reminder,update,cancellation,followup" default:"confirmation"`
	Language string `help:"As a reader of this language: en, fr, es."`
	As       string `help:"As this registrant, or as anybody with this address." placeholder:"EMAIL"`
	Name     string `help:"As a reader of this name."`
	Zone     string `help:"As a reader in this time zone."`
	Rule     string `help:"Which rule's reminder, by its name or text." placeholder:"KEY"`
	At       string `help:"As if sent at this time, in the event's zone: '2026-11-25 15:00'." placeholder:"TIME"`
	Out      string `help:"Write the whole letter to this file, as mail programs open it." placeholder:"FILE.eml"`
	HTML     bool   `name:"html" help:"Print the HTML."`
	Invite   bool   `help:"Print the invitation."`
}

// Run makes a letter and sends it to nobody.
func (c previewCommand) Run(e *env) error {
	return e.withDesk(func(cfg *config.Config, d *desk.Desk) error {
		now := e.clock()
		sample := desk.Sample{Kind: convened.Kind(c.Kind), As: c.As, Name: c.Name, Language: c.Language, Zone: c.Zone, Rule: c.Rule}
		if c.At != "" {
			ev, err := d.Store.Event(e.ctx, c.Event)
			if err != nil {
				return fmt.Errorf("event %q: %w", c.Event, err)
			}
			wall, err := convened.ParseWall(c.At)
			if err != nil {
				return usageError{fmt.Errorf("--at: %w", err)}
			}
			sample.At = wall.In(ev.TimeLocation())
		}
		claim, at, err := d.Preview(e.ctx, now, c.Event, sample)
		if err != nil {
			return err
		}
		keys, err := d.Store.Keys(e.ctx)
		if err != nil {
			return err
		}
		p, err := newPost(cfg, keys, e.clock, e.logger())
		if err != nil {
			return err
		}
		letter, err := p.composer.Compose(at, claim)
		if err != nil {
			return err
		}
		if c.Out != "" {
			if err := os.WriteFile(c.Out, letter.Data, 0o600); err != nil {
				return fmt.Errorf("write the letter: %w", err)
			}
			fmt.Fprintf(e.stdout, "%s: %s bytes, as of %s\n", c.Out, thousands(len(letter.Data)), in(at, claim.Event.TimeLocation()))
			return nil
		}
		return c.print(e, letter.Data, at, &claim.Event)
	})
}

func (c previewCommand) print(e *env, data []byte, at time.Time, ev *convened.Event) error {
	parts, err := readLetter(data)
	if err != nil {
		return err
	}
	switch {
	case c.HTML:
		_, err = e.stdout.Write(parts.html)
	case c.Invite:
		_, err = e.stdout.Write(bytes.ReplaceAll(parts.calendar, []byte("\r\n"), []byte("\n")))
	default:
		fmt.Fprintf(e.stdout, "As of    %s\nFrom     %s\nTo       %s\nSubject  %s\n\n%s", in(at, ev.TimeLocation()), parts.from, parts.to, plain(parts.subject), parts.text)
	}
	return err
}
