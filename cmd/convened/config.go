package main

import (
	"fmt"

	"convened/config"
)

type configCommand struct {
	Example exampleCommand `cmd:"" help:"Print a documented sample of the configuration file."`
	Check   configCheck    `cmd:"" help:"Read the configuration and the templates, and say what is wrong with them; touches nothing else."`
	Reload  configReload   `cmd:"" help:"Have the daemon read configuration and templates again, and say what it made of them; for units of systemd before 253."`
	Show    configShow     `cmd:"" help:"Print the configuration in force, each value with where it came from, secrets masked."`
}

type exampleCommand struct{}

// Run prints the sample.
func (exampleCommand) Run(e *env) error {
	_, err := e.stdout.Write(config.Example())
	return err
}

type configCheck struct{}

// Run checks what a reload would read.
func (configCheck) Run(e *env) error {
	cfg, err := e.configuration()
	if err != nil {
		return err
	}
	if _, err := newPost(cfg, throwAwayKey(), nil, e.clock, e.logger()); err != nil {
		return err
	}
	for _, w := range cfg.Warnings() {
		fmt.Fprintf(e.stderr, "warning: %s\n", w)
	}
	_, err = fmt.Fprintf(e.stdout, "%s and the templates are sound\n", e.cli.Config)
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
