package main

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"convened/api"
	"convened/config"
	"convened/desk"
	"convened/store"
)

type tokenCommand struct {
	Name   string      `arg:"" help:"The source in whose name it speaks; made if there is none."`
	Scope  store.Scope `help:"What it may do: ${enum}. Each includes the ones before it." enum:"register,read,manage" default:"register"`
	List   bool        `help:"List the tokens of the source instead."`
	Revoke int         `help:"End the token of that number instead." placeholder:"NUMBER"`
}

type tokenJSON struct {
	ID        int         `json:"token"`
	Scope     store.Scope `json:"scope"`
	MadeAt    time.Time   `json:"made_at"`
	MadeBy    string      `json:"made_by"`
	RevokedAt *time.Time  `json:"revoked_at"`
}

// Run makes a token, which is shown this once.
func (c tokenCommand) Run(e *env) error {
	if c.List || c.Revoke != 0 {
		return e.withSource(c.Name, c.existing(e))
	}
	return e.withDesk(func(cfg *config.Config, d *desk.Desk) error {
		secret := make([]byte, 32)
		_, _ = rand.Read(secret) // crypto/rand never fails: it crashes the program instead
		text := api.TokenPrefix + base64.RawURLEncoding.EncodeToString(secret)
		t, err := d.Store.AddToken(e.ctx, e.clock(), d.By, c.Name, c.Scope, text)
		if errors.Is(err, store.ErrSource) {
			return usageError{err}
		}
		if err != nil {
			return err
		}
		at := cfg.Public.URL + "/api"
		if e.cli.JSON {
			return e.printJSON(map[string]any{"source": c.Name, "id": t.ID, "scope": t.Scope, "token": text, "url": at})
		}
		fmt.Fprintln(e.stdout, text)
		fmt.Fprintf(e.stderr, "This is the only time that it is shown. It may %s, at %s (docs/api.md). End it with `convened source token %s --revoke %d`.\n", t.Scope, at, c.Name, t.ID)
		return nil
	})
}

func (c tokenCommand) existing(e *env) func(*desk.Desk, *store.Source) error {
	return func(d *desk.Desk, v *store.Source) error {
		if c.Revoke != 0 {
			if err := d.Store.RevokeToken(e.ctx, e.clock(), v.ID, c.Revoke); err != nil {
				return fmt.Errorf("token %d of source %s: %w; `convened source token %s --list` shows which there are", c.Revoke, c.Name, err, c.Name)
			}
			if e.cli.JSON {
				return e.printJSON(map[string]any{"source": c.Name, "revoked": c.Revoke})
			}
			_, err := fmt.Fprintf(e.stdout, "token %d opens nothing any more\n", c.Revoke)
			return err
		}
		list, err := d.Store.Tokens(e.ctx, v.ID)
		if err != nil {
			return err
		}
		out, rows := []tokenJSON{}, [][]string{}
		for _, t := range list {
			j := tokenJSON{ID: t.ID, Scope: t.Scope, MadeAt: t.MadeAt, MadeBy: t.MadeBy}
			revoked := ""
			if !t.RevokedAt.IsZero() {
				j.RevokedAt = &t.RevokedAt
				revoked = t.RevokedAt.Format("2006-01-02 15:04")
			}
			out = append(out, j)
			rows = append(rows, []string{fmt.Sprint(t.ID), string(t.Scope), t.MadeAt.Format("2006-01-02 15:04"), t.MadeBy, revoked})
		}
		if e.cli.JSON {
			return e.printJSON(out)
		}
		return e.printTable([]string{"TOKEN", "MAY", "MADE", "BY", "REVOKED"}, rows)
	}
}

type webhookCommand struct {
	Name       string `arg:"" help:"The source in whose name it speaks; made if there is none."`
	Service    string `required:"" enum:"tally,typeform,hmac" help:"Who sends: ${enum}."`
	SecretFile string `required:"" help:"A file that holds the secret that the service signs with; - is standard input." placeholder:"FILE"`
	Event      string `help:"What is sent is for this event. Without it a field of the form, or a hidden one, must be called event." placeholder:"SLUG"`
}

// Run lets a form service in.
func (c webhookCommand) Run(e *env) error {
	return e.withDesk(func(cfg *config.Config, d *desk.Desk) error {
		var data []byte
		var err error
		if c.SecretFile == "-" {
			data, err = io.ReadAll(io.LimitReader(e.stdin, 4096))
		} else {
			data, err = os.ReadFile(c.SecretFile)
		}
		secret := strings.TrimSpace(string(data))
		if err == nil && len(secret) < 12 {
			err = fmt.Errorf("--secret-file %s: a secret has 12 characters or more, and this has %d; let the service make one", c.SecretFile, len(secret))
		}
		if err != nil {
			return usageError{err}
		}
		if c.Event != "" {
			if _, err := d.Store.Event(e.ctx, c.Event); err != nil {
				return fmt.Errorf("event %q: %w", c.Event, err)
			}
		}
		err = d.Store.AddHook(e.ctx, e.clock(), d.By, c.Name, c.Service, c.Event, []byte(secret))
		if errors.Is(err, store.ErrSource) {
			return usageError{err}
		}
		if err != nil {
			return err
		}
		at := cfg.Public.URL + "/api/hooks/" + c.Name
		if e.cli.JSON {
			return e.printJSON(map[string]any{"source": c.Name, "service": c.Service, "url": at})
		}
		_, err = fmt.Fprintf(e.stdout, "let %s send to %s\n", c.Service, at)
		return err
	})
}
