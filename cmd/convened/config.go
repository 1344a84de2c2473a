package main

import (
	"fmt"
	"syscall"

	"convened/config"
)

type configCommand struct {
	Example exampleCommand `cmd:"" help:"Print a documented sample of the configuration file."`
	Check   configCheck    `cmd:"" help:"Read the configuration and the templates, and say what is wrong with them; touches nothing else."`
	Show    configShow     `cmd:"" help:"Print the configuration in force, each value with where it came from, secrets masked."`
}

type exampleCommand struct{}

// Run prints the sample.
func (exampleCommand) Run(e *env) error {
	_, err := e.stdout.Write(config.Example())
	return err
}

type configCheck struct {
	Reload int `help:"If all is sound, send the daemon with this process id the signal that makes it read everything again." placeholder:"PID"`
}

// Run checks what a reload would read.
func (c configCheck) Run(e *env) error {
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
	if c.Reload != 0 {
		if c.Reload < 0 { // a process group, or everybody
			return usageError{fmt.Errorf("--reload %d: it is the number of one process", c.Reload)}
		}
		if err := syscall.Kill(c.Reload, syscall.SIGHUP); err != nil {
			return fmt.Errorf("send SIGHUP to process %d: %w", c.Reload, err)
		}
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
