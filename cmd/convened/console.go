package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"convened/config"
	"convened/console"
	"convened/desk"
	"convened/metrics"
	"convened/store"
)

// consoleConnections is how many connections to the database the console has. They are
// its own, so that no page holds up the mail.
const consoleConnections = 4

// newConsoleDoor puts together where organisers come in, and opens nothing. nil is
// none: console.listen is off. p writes the letters that are looked at. ready says why
// the service can't do its work.
func newConsoleDoor(cfg *config.Config, p desk.Post, clock func() time.Time, wake func(), ready func(context.Context) error, counts *metrics.Metrics, log *slog.Logger) (*door, error) {
	if cfg.Console.Listen == "" {
		return nil, nil
	}
	s, err := open(cfg, consoleConnections, log)
	if err != nil {
		return nil, err
	}
	d := newDesk(cfg, s)
	d.HasTemplate, d.Post, d.Allows = hasTemplate(cfg), p, cfg.Allows
	var oidc *console.OIDC
	if o := cfg.Console.OIDC; o.Issuer != "" {
		oidc = &console.OIDC{Issuer: o.Issuer, Name: o.Name, ClientID: o.ClientID, ClientSecret: o.ClientSecret.Reveal(), CreateUsers: o.CreateUsers}
	}
	pages, err := console.NewOrganiser(console.OrganiserOptions{Desk: d, OIDC: oidc, Linger: time.Second, URL: cfg.Console.URL, Public: publicSite(cfg), Clock: clock, Wake: wake, Logger: log, Metrics: counts.Handler(),
		Ready: func(ctx context.Context) error {
			if err := s.CheckSchema(ctx); err != nil {
				if errors.Is(err, store.ErrSchema) {
					return err
				}
				return errors.New("the database does not answer") // what the driver says is for the log
			}
			return ready(ctx)
		}})
	if err != nil {
		_ = s.Close()
		return nil, fmt.Errorf("%w: %w", errConfiguration, err)
	}
	return &door{&console.Listener{Name: "console", Address: cfg.Console.Listen, Handler: pages, Logger: log}, s}, nil
}

// publicSite is where registrants' pages are; "" where this daemon serves none.
func publicSite(cfg *config.Config) string {
	if cfg.Public.Listen == "" {
		return ""
	}
	return cfg.Public.URL
}
