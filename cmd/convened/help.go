package main

import (
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/alecthomas/kong"
)

// examples stand at the end of each command's help.
var examples = map[string][]string{
	"convened demo": {
		"convened demo                        # look around; Ctrl-C cleans up",
		"convened demo --fast-forward         # from registration to follow-up in under a minute",
	},
	"convened run":     {"convened run", "convened run --config ./convened.yaml"},
	"convened migrate": {"convened migrate", "convened migrate --config ./convened.yaml"},
	"convened check":   {"convened check", "convened check --json"},
	"convened status":  {"convened status", "convened status --json"},
	"convened event apply": {
		"convened event apply webinar.yaml --dry-run    # what would change, and whom it would mail",
		"convened event apply webinar.yaml",
		"convened event apply events/*.yaml --yes       # from a script",
	},
	"convened event edit": {
		"convened event edit my-webinar                 # opens $VISUAL or $EDITOR; nothing is done before you are asked",
		"EDITOR='code --wait' convened event edit my-webinar --dry-run",
	},
	"convened event list":   {"convened event list", "convened event list --json"},
	"convened event show":   {"convened event show my-webinar", "convened event show my-webinar --file > webinar.yaml"},
	"convened event cancel": {"convened event cancel my-webinar --dry-run", "convened event cancel my-webinar"},
	"convened event lint":   {"convened event lint my-webinar", "convened event lint webinar.yaml    # before it is applied: needs no database"},
	"convened registration add": {
		"convened registration add my-webinar ana@example.org --name 'Ana Díaz' --language es --zone America/Mexico_City",
	},
	"convened registration import": {
		"convened registration import my-webinar people.csv --dry-run",
		"convened registration import my-webinar people.csv",
		"convened registration import my-webinar - < people.csv",
	},
	"convened registration resend":  {"convened registration resend my-webinar ana@example.org"},
	"convened registration correct": {"convened registration correct my-webinar ana@gmial.com ana@gmail.com"},
	"convened registration cancel":  {"convened registration cancel my-webinar ana@example.org"},
	"convened registration mute":    {"convened registration mute my-webinar ana@example.org"},
	"convened registration unmute":  {"convened registration unmute my-webinar ana@example.org"},
	"convened registration erase":   {"convened registration erase my-webinar ana@example.org", "convened registration erase all ana@example.org"},
	"convened registration list":    {"convened registration list my-webinar", "convened registration list my-webinar --search example.org --json", "convened registration list my-webinar --state failed"},
	"convened source add": {
		"convened source add signups --table public.signups --map email=mail,language=lang --map \"name=first || ' ' || last\" --event-column webinar_slug --dry-run",
		"convened source add signups                                   # as the section sources of the configuration says",
		"convened source add signups --table public.signups --map email=mail --event my-webinar --cancelled-column cancelled_at",
		"convened source add old --table public.old --map email=mail --event my-webinar --backfill --mail    # those who are there get a confirmation",
	},
	"convened source list":     {"convened source list", "convened source list --json"},
	"convened source problems": {"convened source problems", "convened source problems signups --json"},
	"convened source retry":    {"convened source retry signups    # after the rows were mended"},
	"convened source backfill": {"convened source backfill signups --dry-run", "convened source backfill signups          # without a letter", "convened source backfill signups --mail"},
	"convened source release":  {"convened source release signups"},
	"convened source remove":   {"convened source remove signups"},
	"convened source token": {
		"convened source token intranet > intranet.token          # may register, and learns nothing",
		"convened source token dashboard --scope read",
		"convened source token intranet --list",
		"convened source token intranet --revoke 3",
	},
	"convened source webhook": {
		"convened source webhook newsletter --service tally --secret-file tally.secret --event my-webinar",
		"convened source webhook survey --service typeform --secret-file -     # the event is a hidden field called event",
	},
	"convened plan": {
		"convened plan my-webinar",
		"convened plan my-webinar --at '2026-11-24 12:00'",
		"convened plan webinar.yaml              # what would become of each mail if this were applied",
		"convened plan my-webinar --file webinar.yaml --json",
	},
	"convened explain": {"convened explain my-webinar ana@example.org", "convened explain my-webinar ana@example.org --json"},
	"convened preview": {
		"convened preview my-webinar --kind confirmation --language fr",
		"convened preview my-webinar --kind reminder --as ana@example.org --at '2026-11-25 15:00' --out reminder.eml",
		"convened preview my-webinar --kind update --html > update.html",
		"convened preview my-webinar --kind reminder --file webinar.yaml    # with the note that is only in the file so far",
	},
	"convened test-send": {
		"convened test-send my-webinar --to me@example.org",
		"convened test-send my-webinar --kind reminder --language fr --to me@example.org",
	},
	"convened notices list":     {"convened notices list --state refused", "convened notices list --event my-webinar --json"},
	"convened notices failures": {"convened notices failures my-webinar", "convened notices failures my-webinar --json"},
	"convened notices release": {
		"convened notices list --held --event my-webinar",
		"convened notices release --event my-webinar --dry-run    # who would get mail",
		"convened notices release --event my-webinar --reason fuse",
		"convened notices release 4711 4712 --yes                 # from a script",
		"convened notices release --quarantine                    # this database is the one to serve",
	},
	"convened notices retry": {
		"convened notices retry 4711",
		"convened notices retry --event my-webinar --state refused --dry-run",
		"convened notices retry --event my-webinar --cause taken-for-spam    # the sender's domain was mended",
		"convened notices retry --event my-webinar --state planned    # the relay works again: don't wait for the next try",
	},
	"convened user add": {
		"convened user add ana@example.org --name 'Ana Díaz'",
		"convened user add chief@example.org --administrator",
		"pass show console | convened user add ana@example.org    # the password from standard input",
	},
	"convened user list":      {"convened user list", "convened user list --json"},
	"convened user grant":     {"convened user grant ana@example.org my-webinar edit", "convened user grant chief@example.org --administrator"},
	"convened user revoke":    {"convened user revoke ana@example.org my-webinar", "convened user revoke chief@example.org --administrator"},
	"convened user password":  {"convened user password ana@example.org"},
	"convened user remove":    {"convened user remove ana@example.org"},
	"convened audit":          {"convened audit", "convened audit my-webinar", "convened audit --limit 1000 --json"},
	"convened config example": {"convened config example > /etc/convened/convened.yaml"},
	"convened config check":   {"convened config check && systemctl reload convened"},
	"convened config reload":  {"ExecReload=/usr/bin/convened config reload $MAINPID    # in a unit"},
	"convened config show":    {"convened config show"},
	"convened keys rotate":    {"convened keys rotate && systemctl reload convened"},
	"convened completion":     {"convened completion bash > /etc/bash_completion.d/convened", "convened completion fish | source"},
}

// helpWithExamples is kong's help, with the examples of the command below it.
func helpWithExamples(options kong.HelpOptions, ctx *kong.Context) error {
	if err := kong.DefaultHelpPrinter(options, ctx); err != nil {
		return err
	}
	name := "convened"
	if n := ctx.Selected(); n != nil {
		name = n.Path()
		if !strings.HasPrefix(name, "convened") {
			name = "convened " + name
		}
	}
	// The path of a command names its arguments too.
	for key, lines := range examples {
		if name == key || strings.HasPrefix(name, key+" <") || strings.HasPrefix(name, key+" [") {
			fmt.Fprintf(ctx.Stdout, "\nExamples:\n")
			for _, l := range lines {
				fmt.Fprintf(ctx.Stdout, "  %s\n", l)
			}
			break
		}
	}
	return nil
}

type versionCommand struct{}

// Run prints the version that the build recorded.
func (versionCommand) Run(e *env) error {
	_, err := fmt.Fprintf(e.stdout, "convened %s\n", version())
	return err
}

// version is the module's, or the commit that it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	if v == "" || v == "(devel)" {
		v = "devel"
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && len(s.Value) >= 12 {
				v += "-" + s.Value[:12]
			}
		}
	}
	return v
}
