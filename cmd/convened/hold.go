package main

import (
	"context"
	"fmt"

	"convened"
	"convened/address"
	"convened/config"
	"convened/store"
)

// notAllowed is why allow_recipients holds a notice. It names no address: it is
// logged.
const notAllowed = "allow_recipients does not name this address"

// permit says why the configuration lets no mail go to the recipient of a claim,
// or "". It is nil where everybody may get mail.
func permit(cfg *config.Config) func(*convened.Claim) string {
	if len(cfg.AllowRecipients) == 0 {
		return nil
	}
	return func(c *convened.Claim) string {
		email := c.Registration.Email
		if c.Notice.Kind == convened.Preflight {
			email = c.Event.Organizer.Email
		}
		a, err := address.Parse(email)
		if err != nil || cfg.Allows(a.String()) {
			return "" // what is no address is refused when its letter is made
		}
		return notAllowed
	}
}

// countHeld notes how much is held, for the daemon's status.
func (v *vital) countHeld(ctx context.Context, s *store.Store) {
	list, err := s.Held(ctx, "")
	if err != nil {
		return // the tick says so
	}
	n := 0
	for _, h := range list {
		n += h.Notices
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.held = n
}

// withHeld adds to a status what waits for somebody. Its lock is held.
func (v *vital) withHeld(status string) string {
	if v.held == 0 {
		return status
	}
	return fmt.Sprintf("%s; %s held: convened notices list --held", status, thousands(v.held))
}
