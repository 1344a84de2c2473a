package main

import (
	"fmt"
	"log/slog"
	"os"
	"time"

	"convened/config"
	"convened/intake"
	"convened/mailer"
	"convened/store"
)

// newIntake makes what takes returned mail in; nil where the configuration wants
// none. It does not listen.
func newIntake(cfg *config.Config, s *store.Store, composer *mailer.Composer, clock func() time.Time, log *slog.Logger) (*intake.Intake, error) {
	if cfg.Intake.Listen == "" {
		return nil, nil
	}
	host, _ := os.Hostname()
	in, err := intake.New(intake.Options{Store: s, Paths: composer, Domain: cfg.SMTP.BounceDomain,
		Addresses: []string{cfg.SMTP.From.Address, cfg.SMTP.ReplyTo.Address}, Hostname: host, Now: clock, Logger: log})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errConfiguration, err)
	}
	return in, nil
}
