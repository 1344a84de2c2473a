package main

import (
	"fmt"

	"convened/config"
	"convened/store"
)

type migrateCommand struct{}

// Run brings the schema up to date. It does nothing where it is.
func (migrateCommand) Run(e *env) error {
	return e.withStore(func(_ *config.Config, s *store.Store) error {
		m, err := s.Migrate(e.ctx)
		if err != nil {
			return err
		}
		if e.cli.JSON {
			return e.printJSON(map[string]any{"from": m.From, "to": m.To, "applied": m.Applied, "missing": m.Missing})
		}
		if len(m.Applied) == 0 {
			fmt.Fprintf(e.stdout, "the schema is up to date at version %d\n", m.To)
		} else {
			fmt.Fprintf(e.stdout, "the schema went from version %d to %d\n", m.From, m.To)
		}
		if m.Missing != "" {
			fmt.Fprintf(e.stderr, "This role may not make roles or grant privileges. Let a superuser run this in the same database:\n\n%s\n", m.Missing)
		}
		return nil
	})
}
