package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"convened"
	"convened/config"
	"convened/desk"
)

type editCommand struct {
	Event  string `arg:"" help:"The event's slug."`
	DryRun bool   `help:"Show what would change and whom it would mail, and stop there."`
	Yes    bool   `short:"y" help:"Don't ask."`
}

// Run opens the event's file in an editor, shows what the edit would do, asks,
// and does it. What was written is never lost: where it can't be applied, the file
// stays and its name is said.
func (c editCommand) Run(e *env) error {
	return e.withDesk(func(_ *config.Config, d *desk.Desk) error {
		ev, err := d.Store.Event(e.ctx, c.Event)
		if err != nil {
			return fmt.Errorf("event %q: %w", c.Event, err)
		}
		data, err := desk.WriteEventFile(ev)
		if err != nil {
			return err
		}
		dir, err := os.MkdirTemp("", "convened-")
		if err != nil {
			return fmt.Errorf("make a file to edit: %w", err)
		}
		file := filepath.Join(dir, ev.Slug+".yaml")
		if err := os.WriteFile(file, data, 0o600); err != nil {
			return fmt.Errorf("make a file to edit: %w", err)
		}
		wanted, err := c.write(e, ev, file, data)
		if err == nil && wanted != nil {
			err = c.settle(e, d, wanted)
		}
		if err == nil || errors.Is(err, errUntouched) {
			_ = os.RemoveAll(dir) // it holds nothing that is not in the database
			if err != nil {
				fmt.Fprintf(e.stdout, "%s: nothing changes\n", ev.Slug)
			}
			return nil
		}
		if c.DryRun && errors.Is(err, errSaid) {
			return err
		}
		fmt.Fprintf(e.stderr, "What you wrote is in %s\n", file)
		return err
	})
}

// errUntouched is an editor that was left without a change.
var errUntouched = errors.New("nothing was written")

// write lets somebody edit the file until it can be read, or they give up.
func (c editCommand) write(e *env, ev *convened.Event, file string, before []byte) (*convened.Event, error) {
	for {
		if err := e.openEditor(file); err != nil {
			return nil, err
		}
		after, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read what was written: %w", err)
		}
		if bytes.Equal(before, after) {
			return nil, errUntouched
		}
		wanted, err := desk.ReadEventFile(file, after)
		if err == nil && wanted.Slug != ev.Slug {
			err = usageError{fmt.Errorf("event: %q is the name of another event, and that of %q never changes; `convened event apply %s` makes a new one", wanted.Slug, ev.Slug, file)}
		}
		if err == nil {
			wanted.Revision = ev.Revision
			return wanted, nil
		}
		if !terminal(e.stdin) {
			return nil, err
		}
		fmt.Fprintln(e.stderr, err)
		if e.confirm(false, "Edit it again?") != nil {
			return nil, errSaid
		}
	}
}

// openEditor runs the editor that the environment names. As with git, it may be a
// command with arguments.
func (e *env) openEditor(file string) error {
	editor := "vi"
	for _, name := range []string{"VISUAL", "EDITOR"} {
		if s := os.Getenv(name); s != "" {
			editor = s
			break
		}
	}
	cmd := exec.CommandContext(e.ctx, "sh", "-c", editor+` "$1"`, editor, file)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = e.stdin, e.stdout, e.stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("run the editor %q: %w; EDITOR says which one", editor, err)
	}
	return nil
}

// settle shows what an edit would do to each mail, asks and does it.
func (c editCommand) settle(e *env, d *desk.Desk, wanted *convened.Event) error {
	now := e.clock()
	plan, err := d.PlanEdit(e.ctx, now, wanted)
	if err != nil {
		return e.sayConflict(d, err, wanted)
	}
	if e.cli.JSON {
		if err := e.printJSON(comparisonJSON(plan)); err != nil {
			return err
		}
	} else {
		e.showProposal(plan.Proposal, now)
		if err := e.showDifferences(plan); err != nil {
			return err
		}
	}
	if c.DryRun || plan.Proposal.Unchanged() {
		return nil
	}
	if err := e.confirm(c.Yes, question(plan, now, d.UpdateQuiet)); err != nil {
		return err
	}
	if _, err := d.Carry(e.ctx, now, plan.Proposal); err != nil {
		return e.sayConflict(d, err, wanted)
	}
	if !e.cli.JSON {
		fmt.Fprintf(e.stdout, "%s: changed\n", wanted.Slug)
	}
	return nil
}

// question asks for an edit, and names how many mails leave because of it.
func question(c *desk.Comparison, now time.Time, quiet time.Duration) string {
	switch crowd := c.AtOnce(now, quiet); {
	case crowd.Mails == 0:
		return "Make this change? Nobody is mailed for it now."
	case c.Proposal.DueAt.After(now):
		return fmt.Sprintf("Make this change? It mails %s in %s.", people(crowd.Mails), c.Proposal.DueAt.Sub(now).Round(time.Second))
	default:
		return fmt.Sprintf("Make this change? It mails %s now.", people(crowd.Mails))
	}
}

// sayConflict shows what somebody else changed, where that is why an edit can't be
// made.
func (e *env) sayConflict(d *desk.Desk, err error, wanted *convened.Event) error {
	conflict, lookErr := d.ConflictOf(e.ctx, err, wanted.Slug, wanted.Revision)
	if lookErr != nil {
		return lookErr
	}
	if conflict == nil {
		return err
	}
	fmt.Fprintln(e.stderr, "Since you began, this was changed:")
	for _, ch := range conflict.Changes {
		fmt.Fprintf(e.stderr, "  %s: %q, was %q\n", plain(ch.Field), ch.New, ch.Old)
	}
	return conflict
}
