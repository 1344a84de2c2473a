package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"convened"
	"convened/api"
	"convened/calendar"
	"convened/config"
	"convened/console"
	"convened/store"
)

// pagesConnections is how many connections to the database the registrants' pages
// have. They are their own, so that no crowd at the door holds up the mail.
const pagesConnections = 4

// A door is where browsers come in. nil is none.
type door struct {
	listener *console.Listener
	store    *store.Store
}

// newPublicDoor puts together where registrants come in, and opens nothing. nil is none:
// public.listen is off. wake is called after a click
// that mail follows from.
func newPublicDoor(cfg *config.Config, letters console.Letters, clock func() time.Time, wake func(), log *slog.Logger) (*door, error) {
	if cfg.Public.Listen == "" {
		return nil, nil
	}
	s, err := open(cfg, pagesConnections, log)
	if err != nil {
		return nil, err
	}
	pages, err := console.NewRegistrant(console.RegistrantOptions{Seats: s, Letters: letters, PublicURL: cfg.Public.URL, EmbedOn: cfg.Public.EmbedOn, Clock: clock, Wake: wake, Logger: log})
	if err != nil {
		_ = s.Close()
		return nil, fmt.Errorf("%w: %w", errConfiguration, err)
	}
	prefix := ""
	if u, err := url.Parse(cfg.Public.URL); err == nil {
		prefix = strings.TrimRight(u.Path, "/")
	}
	programs := api.New(api.Options{Desk: newDesk(cfg, s), Prefix: prefix, Clock: clock, Wake: wake, Logger: log})
	both := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, prefix+"/api/") {
			programs.ServeHTTP(w, r)
			return
		}
		pages.ServeHTTP(w, r)
	})
	return &door{&console.Listener{Name: "public", Address: cfg.Public.Listen, Handler: both, Logger: log}, s}, nil
}

// serve serves until ctx is done and the requests at hand are answered.
func (d *door) serve(ctx context.Context) {
	if d != nil {
		d.listener.Serve(ctx)
	}
}

// pool is the door's own pool of connections, nil for no door.
func (d *door) pool() *store.Store {
	if d == nil {
		return nil
	}
	return d.store
}

func (d *door) close() {
	if d != nil {
		_ = d.store.Close()
	}
}

// Invitation is what a letter of the post in force says to calendars:
// console.Letters.
func (l *livePost) Invitation(now time.Time, c *convened.Claim) (*calendar.Invitation, error) {
	return l.current.Load().composer.Invitation(now, c)
}
