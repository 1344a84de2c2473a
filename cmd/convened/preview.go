package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"convened"
	"convened/config"
	"convened/desk"
)

// sampleFlags say which letter, for preview and test-send alike.
type sampleFlags struct {
	Event    string `arg:"" help:"The event's slug."`
	Kind     string `help:"Which letter: ${enum}." enum:"confirmation,reminder,update,cancellation,followup,preflight" default:"confirmation"`
	Language string `help:"As a reader of this language: en, fr, es."`
	As       string `help:"As this registrant, or as anybody with this address." placeholder:"EMAIL"`
	Name     string `help:"As a reader of this name."`
	Zone     string `help:"As a reader in this time zone."`
	Rule     string `help:"Which rule's reminder, by its name or text." placeholder:"KEY"`
	At       string `help:"As if sent at this time, in the event's zone: '2026-11-25 15:00'." placeholder:"TIME"`
	File     string `help:"As if this event file were applied." placeholder:"FILE"`
}

// sample reads the flags. Times are in the event's zone.
func (f sampleFlags) sample(e *env, d *desk.Desk) (desk.Sample, error) {
	s := desk.Sample{Kind: convened.Kind(f.Kind), As: f.As, Name: f.Name, Language: f.Language, Zone: f.Zone, Rule: f.Rule}
	ev, err := d.Store.Event(e.ctx, f.Event)
	if err != nil {
		return s, fmt.Errorf("event %q: %w", f.Event, err)
	}
	if f.File != "" {
		if ev, err = e.readEvent(f.File); err != nil {
			return s, err
		}
		if ev.Slug != f.Event {
			return s, usageError{fmt.Errorf("%s is the file of event %q, not of %q", f.File, ev.Slug, f.Event)}
		}
		s.Wanted = ev
	}
	if f.At == "" {
		return s, nil
	}
	wall, err := convened.ParseWall(f.At)
	if err != nil {
		return s, usageError{fmt.Errorf("--at: %w", err)}
	}
	s.At = wall.In(ev.TimeLocation())
	return s, nil
}

// withPost runs f at a desk with what makes and sends letters.
func (e *env) withPost(cfg *config.Config, d *desk.Desk, f func() error) error {
	keys, err := d.Store.Keys(e.ctx)
	if err != nil {
		return err
	}
	p, err := newPost(cfg, keys, nil, e.clock, e.logger())
	if err != nil {
		return err
	}
	defer func() { _ = p.relay.Close() }()
	d.Post, d.Allows = p, cfg.Allows
	return f()
}

type previewCommand struct {
	sampleFlags
	Out    string `help:"Write the whole letter to this file, as mail programs open it." placeholder:"FILE.eml"`
	HTML   bool   `name:"html" help:"Print the HTML."`
	Invite bool   `help:"Print the invitation."`
}

// Run makes a letter and sends it to nobody.
func (c previewCommand) Run(e *env) error {
	return e.withDesk(func(cfg *config.Config, d *desk.Desk) error {
		sample, err := c.sample(e, d)
		if err != nil {
			return err
		}
		return e.withPost(cfg, d, func() error {
			l, err := d.ShowLetter(e.ctx, e.clock(), c.Event, sample)
			if err != nil {
				return err
			}
			if c.Out == "" {
				return c.print(e, l)
			}
			if err := os.WriteFile(c.Out, l.Data, 0o600); err != nil {
				return fmt.Errorf("write the letter: %w", err)
			}
			_, err = fmt.Fprintf(e.stdout, "%s: %s bytes, as of %s\n", c.Out, thousands(len(l.Data)), in(l.At, l.Claim.Event.TimeLocation()))
			return err
		})
	})
}

type testSendCommand struct {
	sampleFlags
	To string `help:"The one address that it goes to." required:"" placeholder:"ME"`
}

// Run sends one marked letter to the address that was typed.
func (c testSendCommand) Run(e *env) error {
	return e.withDesk(func(cfg *config.Config, d *desk.Desk) error {
		sample, err := c.sample(e, d)
		if err != nil {
			return err
		}
		return e.withPost(cfg, d, func() error {
			o, letter, err := d.SendTest(e.ctx, e.clock(), c.Event, sample, c.To)
			if errors.Is(err, desk.ErrNotAllowed) {
				return fmt.Errorf("--to %w", err)
			}
			if err != nil {
				return err
			}
			if e.cli.JSON {
				if err := e.printJSON(map[string]any{"to": c.To, "state": o.State, "reply": o.Reply, "code": o.Code, "message_id": letter.MessageID}); err != nil {
					return err
				}
			}
			if o.State != convened.Sent {
				return fmt.Errorf("the letter was not accepted, at %s: %s", o.Phase, o.Reply)
			}
			if !e.cli.JSON {
				fmt.Fprintf(e.stdout, "sent to %s: %s\n", c.To, plain(o.Reply))
			}
			return nil
		})
	})
}

func (c previewCommand) print(e *env, l *desk.Preview) error {
	var err error
	switch {
	case c.HTML:
		_, err = e.stdout.Write(l.HTML)
	case c.Invite:
		_, err = e.stdout.Write(bytes.ReplaceAll(l.Calendar, []byte("\r\n"), []byte("\n")))
	default:
		fmt.Fprintf(e.stdout, "As of    %s\nFrom     %s\nTo       %s\nSubject  %s\n\n%s", in(l.At, l.Claim.Event.TimeLocation()), l.From, l.To, plain(l.Subject), l.Text)
	}
	return err
}
