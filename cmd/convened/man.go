package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/alecthomas/kong"

	"convened/config"
)

type manCommand struct {
	Directory string `arg:"" type:"existingdir" help:"Where to write them."`
}

// Run writes the manual pages, made from the very model that the command line is
// parsed with, and from the table of the configuration's keys, so that they
// can't describe what does not exist: convened(1), a page for each command that
// has commands of its own, and convened.yaml(5).
func (m manCommand) Run(e *env) error {
	pages := map[string]string{
		"convened.1":      e.manOverview(),
		"convened.yaml.5": manConfiguration(),
	}
	for _, n := range visible(e.kong.Model.Node) {
		pages["convened-"+n.Name+".1"] = manPage(n)
	}
	for name, text := range pages {
		if err := os.WriteFile(filepath.Join(m.Directory, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// A roff is a manual page in the making, in the macros of man(7).
type roff struct{ strings.Builder }

// newRoff begins a page. It bears no date, so that the same program makes the
// same page.
func newRoff(title, section, what string) *roff {
	r := &roff{}
	fmt.Fprintf(r, ".TH %s %s \"\" \"convened %s\" \"convened\"\n", escaped(strings.ToUpper(title)), section, escaped(version()))
	// Ragged, and no word is broken: a command that is may not be copied.
	r.WriteString(".ad l\n.nh\n")
	r.heading("Name")
	fmt.Fprintf(r, "%s \\- %s\n", escaped(title), escaped(strings.TrimSuffix(what, ".")))
	return r
}

func (r *roff) heading(text string) { fmt.Fprintf(r, ".SH %s\n", strings.ToUpper(text)) }

func (r *roff) paragraph(text string) { fmt.Fprintf(r, ".PP\n%s\n", line(text)) }

// item is a term and what it means.
func (r *roff) item(term, text string) {
	fmt.Fprintf(r, ".TP\n\\fB%s\\fR\n%s\n", escaped(term), line(text))
}

// verbatim is text as it is, such as a command line.
func (r *roff) verbatim(lines []string) {
	r.WriteString(".PP\n.EX\n")
	for _, l := range lines {
		fmt.Fprintf(r, "    %s\n", escaped(l))
	}
	r.WriteString(".EE\n")
}

// escaped writes what roff would take for its own.
func escaped(text string) string {
	return strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`, "…", "...", "\u00a0", `\ `).Replace(text)
}

// line is a text that begins a line: a dot or an apostrophe there is a command.
func line(text string) string {
	text = escaped(text)
	if strings.HasPrefix(text, ".") {
		text = `\&` + text
	}
	return text
}

func visible(n *kong.Node) []*kong.Node {
	var list []*kong.Node
	for _, c := range n.Children {
		if c.Type == kong.CommandNode && !c.Hidden {
			list = append(list, c)
		}
	}
	return list
}

func (e *env) manOverview() string {
	r := newRoff("convened", "1", "confirmations, invitations and reminders for the people who register for events")
	r.heading("Synopsis")
	r.paragraph("convened [--config FILE] [--json] [--verbose] COMMAND …")
	r.heading("Description")
	r.paragraph("People register for an event by a row in Postgres. convened watches for those rows, mails each person a confirmation with a calendar invitation, " +
		"in their language and time zone, and reminds them before the start on the schedule that the organiser wrote. It tells them when the event moves or is off.")
	r.paragraph("\"convened run\" is the daemon, which systemd starts as convened.service. The other commands are for those who set it up and for organisers. " +
		"Everything is kept in the database: kill the daemon at any moment and the next start carries on, start three of them and they share the work.")
	r.heading("Commands")
	for _, n := range visible(e.kong.Model.Node) {
		r.item("convened "+n.Name, n.Help+" See convened-"+n.Name+"(1).")
	}
	r.heading("Options")
	manFlags(r, e.kong.Model.Node)
	r.heading("A first start")
	r.verbatim([]string{
		"convened config example > /etc/convened/convened.yaml   # four keys are required",
		"convened migrate                                         # schema, roles, the key for links",
		"convened check                                           # what is wrong, and how to mend it",
		"systemctl enable --now convened",
		"convened event apply webinar.yaml",
	})
	manFooter(r, "convened.yaml(5), systemctl(1), journalctl(1), psql(1)")
	return r.String()
}

// manPage is the page of a command, with all below it.
func manPage(n *kong.Node) string {
	r := newRoff("convened-"+n.Name, "1", lowerFirst(n.Help))
	r.heading("Synopsis")
	leaves := leavesOf(n)
	for _, l := range leaves {
		fmt.Fprintf(r, ".PP\n%s\n", line(synopsis(l)))
	}
	if len(leaves) == 1 && leaves[0] == n {
		manCommandText(r, n)
	} else {
		r.heading("Commands")
		for _, l := range leaves {
			fmt.Fprintf(r, ".SS %s\n", escaped("convened "+pathOf(l)))
			manCommandText(r, l)
		}
	}
	r.heading("Options of every command")
	root := n
	for root.Parent != nil {
		root = root.Parent
	}
	manFlags(r, root)
	manFooter(r, "convened(1), convened.yaml(5)")
	return r.String()
}

// leavesOf returns the commands at or below n that do something.
func leavesOf(n *kong.Node) []*kong.Node {
	children := visible(n)
	if len(children) == 0 {
		return []*kong.Node{n}
	}
	var list []*kong.Node
	for _, c := range children {
		list = append(list, leavesOf(c)...)
	}
	return list
}

// pathOf is the words of a command, without those of its arguments.
func pathOf(n *kong.Node) string {
	path := n.Name
	for p := n.Parent; p != nil && p.Parent != nil; p = p.Parent {
		path = p.Name + " " + path
	}
	return path
}

func synopsis(n *kong.Node) string {
	s := "convened " + pathOf(n)
	for _, f := range n.Flags {
		if !f.Hidden && f.Required {
			s += " " + flagText(f)
		}
	}
	if len(n.Flags) > 0 {
		s += " [OPTION …]"
	}
	for _, a := range n.Positional {
		s += " " + a.Summary()
	}
	return s
}

func manCommandText(r *roff, n *kong.Node) {
	if n.Parent != nil && n.Parent.Parent == nil {
		r.heading("Description")
	}
	r.paragraph(n.Help)
	for _, a := range n.Positional {
		r.item(a.Summary(), a.Help)
	}
	manFlags(r, n)
	if lines, ok := examples["convened "+pathOf(n)]; ok {
		r.paragraph("For example:")
		r.verbatim(lines)
	}
}

func manFlags(r *roff, n *kong.Node) {
	for _, f := range n.Flags {
		if !f.Hidden {
			r.item(flagText(f), f.Help)
		}
	}
}

func flagText(f *kong.Flag) string {
	text := "--" + f.Name
	if f.Short != 0 {
		text = "-" + string(f.Short) + ", " + text
	}
	if !f.IsBool() && !f.IsCounter() {
		text += " " + f.FormatPlaceHolder()
	}
	return text
}

func manFooter(r *roff, also string) {
	r.heading("Exit status")
	r.item("0", "It is done.")
	r.item("1", "It failed, and may succeed when it is tried again.")
	r.item("2", "Wrong use, a wrong configuration or a schema of another version: trying again does not help.")
	r.heading("Files")
	r.item(config.DefaultFile, "The configuration, see convened.yaml(5).")
	r.item("/etc/credstore/convened.*", "The secrets, one a file: database-password, smtp-password, dkim-key, oidc-client-secret. systemd hands them to the service.")
	r.item("/var/lib/convened", "The daemon's journal of what was sent in the last seconds.")
	r.heading("See also")
	r.paragraph(also)
}

func manConfiguration() string {
	r := newRoff("convened.yaml", "5", "the configuration of convened")
	r.heading("Description")
	r.paragraph(config.DefaultFile + " is YAML: sections with a colon, and below each of them, indented, its keys. \"convened config example\" prints a sample with every key, " +
		"\"convened config check\" says what is wrong with a file, by line, and \"convened config show\" what is in force and from where.")
	r.paragraph("Each key can be set in the environment too, by the name that is given with it. Durations take s, m, h or days: 90s, 10m, 1h30m, 7 days.")
	r.heading("Keys")
	for _, k := range config.Keys() {
		facts := k.Type
		if span := k.Range(); span != "" {
			facts += " from " + span
		}
		switch {
		case k.Required:
			facts += "; required"
		case k.Default != "":
			facts += "; default: " + k.Default
		}
		r.item(k.Name, upperFirst(facts)+". "+k.Env()+".")
		fmt.Fprintf(r, ".IP\n%s\n", line(k.Doc))
	}
	r.heading("See also")
	r.paragraph("convened(1), convened-config(1)")
	return r.String()
}

func lowerFirst(s string) string { return mapFirst(s, unicode.ToLower) }

func upperFirst(s string) string { return mapFirst(s, unicode.ToUpper) }

func mapFirst(s string, f func(rune) rune) string {
	for i, c := range s {
		return string(f(c)) + s[i+len(string(c)):]
	}
	return s
}
