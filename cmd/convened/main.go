// Command convened watches a Postgres database for event registrations, mails
// each person a confirmation with a calendar invitation, and reminds them
// before the start on the schedule that the organiser wrote.
//
// This package is the only place that sees the configuration, the clock and the
// signals. It puts the parts together and prints; what the program does is in
// the packages beside it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"convened/config"
	"convened/store"
)

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitWrong  = 2 // wrong use, configuration or schema: trying again won't help
)

// cli is the command line. The order is the one of the help.
type cli struct {
	Config  string `help:"Configuration file (${config})." default:"${config}" placeholder:"FILE" type:"path"`
	JSON    bool   `name:"json" help:"Print tables as JSON."`
	Verbose bool   `short:"v" help:"Log more: each tick. Never in production: the log then holds what a person may have typed."`

	Demo    demoCommand    `cmd:"" help:"A private Postgres, a local mailbox to look into, the sample event and the daemon, in one command."`
	Run     runCommand     `cmd:"" help:"The daemon: plans, sends and records until it is told to stop."`
	Migrate migrateCommand `cmd:"" help:"Bring the database schema to the version of this program."`
	Check   checkCommand   `cmd:"" help:"Look whether everything is in place: configuration, database, relay, templates."`
	Status  statusCommand  `cmd:"" help:"How the service is: daemons, queue, what waits."`

	Event        eventCommand        `cmd:"" help:"Events: apply, edit, list, show, lint, cancel."`
	Registration registrationCommand `cmd:"" help:"Registrations: add, import, list."`
	Source       sourceCommand       `cmd:"" help:"Where registrations come from: adopt a table that is there, tokens for HTTP, what could not be taken."`
	Plan         planCommand         `cmd:"" help:"Every mail that is to come: when, how many people, in which languages."`
	Explain      explainCommand      `cmd:"" help:"Why one person did, did not or will get each mail."`
	Preview      previewCommand      `cmd:"" help:"See a letter as a registrant would get it."`
	TestSend     testSendCommand     `cmd:"" help:"Send a letter to yourself, marked as a test."`
	Notices      noticesCommand      `cmd:"" help:"Mails that are planned, sent, refused, held: list them, release them, try them again."`

	User  userCommand  `cmd:"" help:"Who may open the console, and what they may do there: add, list, grant, revoke, password, remove."`
	Audit auditCommand `cmd:"" help:"Who did what, in the console and on the command line."`

	ConfigCommand configCommand     `cmd:"" name:"config" help:"The configuration: a documented example, what is in force."`
	Keys          keysCommand       `cmd:"" help:"The keys that links in letters are signed with: rotate them."`
	Version       versionCommand    `cmd:"" help:"The version of this program."`
	Completion    completionCommand `cmd:"" help:"Completion for the shell: bash, zsh, fish."`
	Man           manCommand        `cmd:"" hidden:"" help:"Write the manual pages."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// An env is what a command works with besides its flags.
type env struct {
	ctx    context.Context
	cli    *cli
	kong   *kong.Kong
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	clock  func() time.Time // the one clock
}

// run carries out one command line and returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	var c cli
	exited := -1 // by --help and the like, which kong answers itself
	parser, err := kong.New(&c, kong.Name("convened"),
		kong.Description("Confirmations with a calendar invitation, and reminders on the organiser's schedule, for registrations in Postgres.\n\n"+
			"Try it: convened demo"),
		kong.Vars{"config": config.DefaultFile},
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { exited = code; panic(exitNow{}) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.Help(helpWithExamples),
	)
	if err != nil {
		panic(err) // the command line above is wrong
	}
	e := &env{ctx: ctx, cli: &c, kong: parser, stdin: stdin, stdout: stdout, stderr: stderr, clock: tamperedClock()}
	err = func() (err error) {
		defer func() {
			if p := recover(); p != nil {
				if _, ok := p.(exitNow); !ok {
					panic(p)
				}
			}
		}()
		parsed, err := parser.Parse(args)
		if err != nil {
			return usageError{err}
		}
		return parsed.Run(e)
	}()
	if exited >= 0 {
		return exited
	}
	return exitCode(err, stderr)
}

type exitNow struct{}

// A usageError is a command line that can't be carried out.
type usageError struct{ error }

func (u usageError) Unwrap() error { return u.error }

// errSaid is returned where everything was printed already.
var errSaid = errors.New("said already")

func exitCode(err error, stderr io.Writer) int {
	if err == nil {
		return exitDone
	}
	var usage usageError
	var problems *config.Problems
	switch {
	case errors.Is(err, errSaid):
		return exitFailed
	case errors.As(err, &usage):
		fmt.Fprintf(stderr, "convened: %v\n", err)
		var parse *kong.ParseError
		if errors.As(err, &parse) {
			fmt.Fprintf(stderr, "See `%s --help`.\n", commandOf(parse))
		}
		return exitWrong
	case errors.As(err, &problems):
		fmt.Fprintf(stderr, "%v\n", problems)
		return exitWrong
	case errors.Is(err, store.ErrSchema), errors.Is(err, errConfiguration):
		fmt.Fprintf(stderr, "convened: %v\n", err)
		return exitWrong
	default:
		fmt.Fprintf(stderr, "convened: %v\n", err)
		return exitFailed
	}
}

// errConfiguration marks an error that only an edit of the configuration mends.
var errConfiguration = errors.New("wrong configuration")

func commandOf(p *kong.ParseError) string {
	if p.Context != nil {
		if n := p.Context.Selected(); n != nil {
			return "convened " + n.Path()
		}
	}
	return "convened"
}
