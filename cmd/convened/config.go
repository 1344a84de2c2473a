package main

import "convened/config"

type configCommand struct {
	Example exampleCommand `cmd:"" help:"Print a documented sample of the configuration file."`
	Show    configShow     `cmd:"" help:"Print the configuration in force, each value with where it came from, secrets masked."`
}

type exampleCommand struct{}

// Run prints the sample.
func (exampleCommand) Run(e *env) error {
	_, err := e.stdout.Write(config.Example())
	return err
}

type configShow struct{}

// Run prints what is in force.
func (configShow) Run(e *env) error {
	cfg, err := e.configuration()
	if err != nil {
		return err
	}
	_, err = e.stdout.Write(cfg.Show())
	return err
}
