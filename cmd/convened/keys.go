package main

import (
	"fmt"

	"convened/config"
	"convened/store"
)

type keysCommand struct {
	Rotate rotateCommand `cmd:"" help:"Sign links with a new key; links in letters already sent stay alive."`
}

type rotateCommand struct{}

// Run makes a new key. A daemon takes it up when it is reloaded.
func (rotateCommand) Run(e *env) error {
	return e.withStore(func(_ *config.Config, s *store.Store) error {
		if err := s.CheckSchema(e.ctx); err != nil {
			return err
		}
		id, err := s.RotateKey(e.ctx)
		if err != nil {
			return err
		}
		if e.cli.JSON {
			return e.printJSON(map[string]any{"key": id})
		}
		_, err = fmt.Fprintf(e.stdout, "key %d signs from now on; `systemctl reload convened` has the daemons use it\n", id)
		return err
	})
}
