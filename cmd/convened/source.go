package main

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"

	"convened/address"
	"convened/config"
	"convened/desk"
	"convened/store"
)

type sourceCommand struct {
	Add      addSourceCommand      `cmd:"" help:"Adopt a table that a form of yours writes to: each new row becomes a registration."`
	List     listSourcesCommand    `cmd:"" help:"The sources, how many of their rows were taken, and what is wrong with them."`
	Problems sourceProblemsCommand `cmd:"" help:"The rows that could not be taken, and why."`
	Retry    retrySourceCommand    `cmd:"" help:"Read the rows that could not be taken once more, and take those that can be by now."`
	Backfill backfillCommand       `cmd:"" help:"Take the rows that were there before the table was adopted: without a letter, unless --mail."`
	Token    tokenCommand          `cmd:"" help:"Make a token with which a program may register people over HTTP, or read, or manage; list them; revoke one."`
	Webhook  webhookCommand        `cmd:"" help:"Let a form service send what was typed: Tally, Typeform, or anything that signs by HMAC."`
	Release  releaseSourceCommand  `cmd:"" help:"Rows that vanished at once are meant to be gone: their people give up their seats."`
	Remove   removeSourceCommand   `cmd:"" help:"Take a source away, with its trigger. What was registered stays."`
}

type addSourceCommand struct {
	Name            string            `arg:"" help:"What the source is to be called. Without --table it is looked for among the sources of the configuration."`
	Table           string            `help:"The table, such as public.signups." placeholder:"TABLE"`
	Map             map[string]string `help:"What is where: email, name, language, zone, event, cancelled = a column, or SQL over the columns of a row. May be given several times." mapsep:"none" sep:"none" placeholder:"WHAT=SQL"`
	Event           string            `help:"All rows are for this event." placeholder:"SLUG"`
	EventColumn     string            `help:"The column that holds the event's slug." placeholder:"COLUMN"`
	CancelledColumn string            `help:"The column that is true, or not null, where somebody does not come." placeholder:"COLUMN"`
	Key             []string          `help:"The columns that tell rows apart, where there is no primary key." placeholder:"COLUMN"`
	Poll            bool              `help:"Read the table instead of making a trigger."`
	Keep            bool              `help:"A row that is deleted or cancelled keeps its seat."`
	Backfill        bool              `help:"Take the rows that are there too: without a letter, unless --mail."`
	Mail            bool              `help:"With --backfill: send confirmations to the people of the rows that are there."`
	DryRun          bool              `help:"Say what it would do, and stop there."`
	Yes             bool              `short:"y" help:"Don't ask."`
}

// spec is what the command line or the configuration asks for.
func (c *addSourceCommand) spec(cfg *config.Config) (store.SourceSpec, error) {
	var spec store.SourceSpec
	if c.Table == "" {
		i := slices.IndexFunc(cfg.Sources, func(s config.Source) bool { return s.Name == c.Name })
		if i < 0 {
			return spec, usageError{fmt.Errorf("source %s: say which table it is with --table, or write it under sources in the configuration", c.Name)}
		}
		from := cfg.Sources[i]
		c.Table, c.Map, c.Event, c.EventColumn, c.CancelledColumn, c.Key = from.Table, maps.Clone(from.Map), from.Event, from.EventColumn, from.CancelledColumn, from.Key
		c.Poll, c.Keep = c.Poll || from.Poll, c.Keep || from.Keep
	}
	spec = store.SourceSpec{Name: c.Name, Table: c.Table, Key: c.Key, Keep: c.Keep}
	if c.Poll {
		spec.Way = store.ByPolling
	}
	texts, err := splitMap(c.Map)
	if err != nil {
		return spec, usageError{err}
	}
	for name, value := range map[string]string{"event": c.Event, "event ": c.EventColumn, "cancelled": c.CancelledColumn} {
		if value == "" {
			continue
		}
		field := strings.TrimSpace(name)
		if _, twice := texts[field]; twice {
			return spec, usageError{fmt.Errorf("source %s: what %s is, is said twice; keep one of --map %s=…, --event, --event-column, --cancelled-column", c.Name, field, field)}
		}
		if texts[field] = quoteColumn(value); name == "event" {
			texts[field] = "'" + strings.ReplaceAll(value, "'", "''") + "'"
		}
	}
	m := &spec.Map
	to := map[string]*string{"event": &m.Event, "email": &m.Email, "name": &m.Name, "language": &m.Language, "zone": &m.Zone, "cancelled": &m.Cancelled}
	for name, text := range texts {
		field, known := to[name]
		if !known {
			return spec, usageError{fmt.Errorf("--map %s=%s: there is no %s; there are %s", name, text, name, strings.Join(slices.Sorted(maps.Keys(to)), ", "))}
		}
		*field = text
	}
	return spec, nil
}

// quoteColumn is a column's name as SQL writes it.
func quoteColumn(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// splitMap takes apart email=mail,name='first || ” ” || last',language=lang: pairs
// separated by commas that stand neither in quotation marks nor in brackets. A
// value that is wholly in single quotes and doubles those within is what it quotes,
// as long as the shell has left them.
func splitMap(given map[string]string) (map[string]string, error) {
	texts := map[string]string{}
	for key, value := range given {
		rest := key + "=" + value
		for rest != "" {
			pair := rest[:pairEnd(rest)]
			rest = strings.TrimPrefix(rest[len(pair):], ",")
			name, text, ok := strings.Cut(pair, "=")
			name, text = strings.TrimSpace(name), strings.TrimSpace(text)
			if !ok || name == "" || text == "" {
				return nil, fmt.Errorf("--map %s: write WHAT=COLUMN, as in email=mail", pair)
			}
			if n := len(text); n > 2 && text[0] == '\'' && text[n-1] == '\'' && !strings.Contains(strings.ReplaceAll(text[1:n-1], "''", ""), "'") && strings.ContainsAny(text[1:n-1], "|(") {
				text = strings.ReplaceAll(text[1:n-1], "''", "'")
			}
			text = unshelled.ReplaceAllString(text, "|| '$1' ||")
			if _, twice := texts[name]; twice {
				return nil, fmt.Errorf("--map %s is given twice", name)
			}
			texts[name] = text
		}
	}
	return texts, nil
}

// unshelled is what a shell leaves of 'first || ” ” || last': blanks between two
// signs of concatenation, which can mean nothing but themselves.
var unshelled = regexp.MustCompile(`\|\| ( +) \|\|`)

// pairEnd is where the first pair of a list ends.
func pairEnd(s string) int {
	depth, quote := 0, byte(0)
	for i := range len(s) {
		switch c := s[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '(' || c == '[':
			depth++
		case c == ')' || c == ']':
			depth--
		case c == ',' && depth == 0:
			return i
		}
	}
	return len(s)
}

// Run adopts a table, after it said what that means.
func (c addSourceCommand) Run(e *env) error {
	return e.withDesk(func(cfg *config.Config, d *desk.Desk) error {
		if c.Mail && !c.Backfill {
			return usageError{fmt.Errorf("--mail is for the rows that --backfill takes")}
		}
		spec, err := c.spec(cfg)
		if err != nil {
			return err
		}
		v, err := d.Store.SurveyTable(e.ctx, spec)
		if errors.Is(err, store.ErrSource) {
			return usageError{err}
		}
		if err != nil {
			return err
		}
		f, err := e.foretell(d, &v.Source, v.Rows)
		if err != nil {
			return err
		}
		if !e.cli.JSON {
			e.showSurvey(c, v, f)
		}
		if c.DryRun {
			return e.sayAdded(c, v, f, store.Taking{}, true)
		}
		if c.Backfill {
			if err := e.confirm(c.Yes, backfillQuestion(f, c.Mail)); err != nil {
				return err
			}
		}
		source, err := d.Store.AddSource(e.ctx, e.clock(), d.By, v, e.waiting(v.Relation))
		if errors.Is(err, store.ErrSource) {
			return usageError{err}
		}
		if err != nil {
			return err
		}
		var t store.Taking
		if c.Backfill {
			if t, err = e.takeBefore(d, source, f.Rows, !c.Mail); err != nil {
				return fmt.Errorf("%w; the source is added, and `convened source backfill %s` goes on with the rest", err, c.Name)
			}
		}
		return e.sayAdded(c, v, f, t, false)
	})
}

// waiting says that a table is in use.
func (e *env) waiting(table string) func(time.Duration) {
	return func(next time.Duration) {
		fmt.Fprintf(e.stderr, "others are writing to %s; waiting for them, up to %s\n", table, next.Round(100*time.Millisecond))
	}
}

// foretell reads the rows that are there.
func (e *env) foretell(d *desk.Desk, v *store.Source, about int64) (*store.Foretelling, error) {
	progress, done := e.counter("reading rows", about)
	defer done()
	return d.Store.Foretell(e.ctx, e.clock(), v, address.Key, progress)
}

func (e *env) takeBefore(d *desk.Desk, v *store.Source, rows int, quiet bool) (store.Taking, error) {
	progress, done := e.counter("taking rows", int64(rows))
	defer done()
	return d.Store.TakeBefore(e.ctx, v, quiet, progress)
}

// counter is progress by numbers: of rows, not of bytes. The total may be a guess.
func (e *env) counter(what string, total int64) (func(int), func()) {
	if !terminal(e.stderr) {
		return func(int) {}, func() {}
	}
	bar := progressbar.NewOptions64(max(total, -1), progressbar.OptionSetWriter(e.stderr), progressbar.OptionSetDescription(what),
		progressbar.OptionShowCount(), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
	return func(n int) { _ = bar.Set(n) }, func() { _ = bar.Finish() }
}

func backfillQuestion(f *store.Foretelling, mail bool) string {
	if !mail {
		return fmt.Sprintf("Take %s rows, without a letter? (Reminders and changes go to these people from now on.)", thousands(f.Fit()))
	}
	return fmt.Sprintf("Take %s rows and mail %s?", thousands(f.Fit()), people(f.Mailed))
}

func (e *env) showSurvey(c addSourceCommand, v *store.Survey, f *store.Foretelling) {
	out := e.stdout
	fmt.Fprintf(out, "%s %s, rows told apart by %s\n", v.Kind, v.Relation, strings.Join(v.Keys, ", "))
	for _, m := range mapped(v.Map) {
		fmt.Fprintf(out, "  %-9s = %s\n", m.name, plain(m.text))
	}
	if v.Way == store.ByTrigger {
		fmt.Fprintln(out, "Each new row is copied by a trigger, in the transaction that writes it.")
	} else {
		fmt.Fprintln(out, "The daemon reads the table again and again for rows that are new.")
		if v.NoTrigger != "" {
			fmt.Fprintf(out, "  (no trigger: %s)\n", v.NoTrigger)
		}
	}
	if v.Unreadable {
		fmt.Fprintf(out, "  The role convened may not read it. If the daemon is that role: GRANT SELECT ON %s TO convened\n", v.Relation)
	}
	if v.Follow {
		fmt.Fprintln(out, "A row that is deleted or cancelled gives up the seat; a corrected address gets the letters.")
	} else {
		fmt.Fprintln(out, "A corrected address gets the letters. A row that is deleted or cancelled keeps its seat.")
	}
	e.showForetelling(f, c.Backfill, c.Mail)
}

func (e *env) showForetelling(f *store.Foretelling, backfill, mail bool) {
	out := e.stdout
	fmt.Fprintf(out, "%s rows are there:", thousands(f.Rows))
	switch {
	case f.Rows == 0:
		fmt.Fprintln(out, " none.")
	case !backfill:
		fmt.Fprintln(out, " they stay as they are (--backfill takes them).")
	case mail:
		fmt.Fprintf(out, " %s would be mailed a confirmation.\n", people(f.Mailed))
	default:
		fmt.Fprintln(out, " they are taken without a letter (--mail sends confirmations).")
	}
	if backfill && f.Out > 0 {
		fmt.Fprintf(out, "  %s are cancelled\n", thousands(f.Out))
	}
	if backfill && f.Closed > 0 {
		fmt.Fprintf(out, "  %s are for events that are over or off: nobody is mailed for these\n", thousands(f.Closed))
	}
	for _, what := range slices.Sorted(maps.Keys(f.Problems)) {
		fmt.Fprintf(out, "  %s can't be taken: %s\n", thousands(f.Problems[what]), problemWords[what])
	}
	for _, p := range f.Examples {
		fmt.Fprintf(out, "    row %s: %s\n", plain(p.Key), plain(p.Detail))
	}
}

// problemWords say what kinds of problems there are.
var problemWords = map[string]string{
	"mapping": "an expression of --map fails", "address": "no address", "event": "an event that is not known",
	"correction": "the address could not be corrected", "truncated": "the table was emptied",
}

type mappedField struct{ name, text string }

func mapped(m store.Mapping) []mappedField {
	list := []mappedField{{"event", m.Event}, {"email", m.Email}, {"name", m.Name}, {"language", m.Language}, {"zone", m.Zone}, {"cancelled", m.Cancelled}}
	return slices.DeleteFunc(list, func(f mappedField) bool { return f.text == "" })
}

func (e *env) sayAdded(c addSourceCommand, v *store.Survey, f *store.Foretelling, t store.Taking, dry bool) error {
	if e.cli.JSON {
		return e.printJSON(map[string]any{"source": c.Name, "dry_run": dry, "way": v.Way, "table": v.Relation, "key": v.Keys, "map": v.Map, "rows": f.Rows, "would_mail": f.Mailed,
			"problems": f.Problems, "taken": t.Taken, "not_taken": t.Problems})
	}
	if dry {
		fmt.Fprintln(e.stdout, "Nothing was done.")
		return nil
	}
	fmt.Fprintf(e.stdout, "source %s is added", c.Name)
	if c.Backfill {
		fmt.Fprintf(e.stdout, "; %s rows were taken", thousands(t.Taken))
		if t.Problems > 0 {
			fmt.Fprintf(e.stdout, ", %s could not be: see `convened source problems %s`", thousands(t.Problems), c.Name)
		}
	}
	fmt.Fprintln(e.stdout)
	return nil
}

// A namedSource is one that there is.
type namedSource struct {
	Name string `arg:"" help:"The source's name."`
}

// withSource runs f with the source of that name.
func (e *env) withSource(name string, f func(d *desk.Desk, v *store.Source) error) error {
	return e.withDesk(func(_ *config.Config, d *desk.Desk) error {
		v, err := d.Store.Source(e.ctx, name)
		if errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("source %q: %w; `convened source list` shows which there are", name, err)
		}
		if err != nil {
			return err
		}
		return f(d, v)
	})
}

type backfillCommand struct {
	namedSource
	Mail   bool `help:"Send these people confirmations."`
	DryRun bool `help:"Say what it would do, and stop there."`
	Yes    bool `short:"y" help:"Don't ask."`
}

// Run takes the rows that were there before.
func (c backfillCommand) Run(e *env) error {
	return e.withSource(c.Name, func(d *desk.Desk, v *store.Source) error {
		f, err := e.foretell(d, v, -1)
		if err != nil {
			return err
		}
		if !e.cli.JSON {
			e.showForetelling(f, true, c.Mail)
		}
		var t store.Taking
		if !c.DryRun && f.Rows > 0 {
			if err := e.confirm(c.Yes, backfillQuestion(f, c.Mail)); err != nil {
				return err
			}
			if t, err = e.takeBefore(d, v, f.Rows, !c.Mail); err != nil {
				return err
			}
		}
		if e.cli.JSON {
			return e.printJSON(map[string]any{"source": c.Name, "dry_run": c.DryRun, "rows": f.Rows, "would_mail": f.Mailed, "problems": f.Problems, "taken": t.Taken, "not_taken": t.Problems})
		}
		if c.DryRun {
			return nil
		}
		_, err = fmt.Fprintf(e.stdout, "%s rows were taken, %s could not be\n", thousands(t.Taken), thousands(t.Problems))
		return err
	})
}

type retrySourceCommand struct{ namedSource }

// Run takes what can be taken by now.
func (c retrySourceCommand) Run(e *env) error {
	return e.withSource(c.Name, func(d *desk.Desk, v *store.Source) error {
		t, err := d.Store.Retry(e.ctx, v)
		if err != nil {
			return err
		}
		if e.cli.JSON {
			return e.printJSON(map[string]any{"source": c.Name, "taken": t.Taken, "not_taken": t.Problems, "gone": t.Gone})
		}
		_, err = fmt.Fprintf(e.stdout, "%s rows were taken, %s could still not be, %s are not there any more\n", thousands(t.Taken), thousands(t.Problems), thousands(t.Gone))
		return err
	})
}

type releaseSourceCommand struct {
	namedSource
	Yes bool `short:"y" help:"Don't ask."`
}

// Run lets vanished rows go.
func (c releaseSourceCommand) Run(e *env) error {
	return e.withSource(c.Name, func(d *desk.Desk, v *store.Source) error {
		if v.Vanished == 0 {
			return fmt.Errorf("no rows of source %s wait for that", c.Name)
		}
		if err := e.confirm(c.Yes, fmt.Sprintf("Up to %s give up their seats, and those who were told of an event that is to come are mailed. Go on?", people(v.Vanished))); err != nil {
			return err
		}
		n, err := d.Store.LetVanish(e.ctx, v)
		if err != nil {
			return err
		}
		if e.cli.JSON {
			return e.printJSON(map[string]any{"source": c.Name, "vanished": n})
		}
		_, err = fmt.Fprintf(e.stdout, "the daemon gives up the seats of %s rows\n", thousands(n))
		return err
	})
}

type removeSourceCommand struct{ namedSource }

// Run takes a source away.
func (c removeSourceCommand) Run(e *env) error {
	return e.withSource(c.Name, func(d *desk.Desk, v *store.Source) error {
		if err := d.Store.RemoveSource(e.ctx, v, e.waiting(v.Relation)); err != nil {
			return err
		}
		if e.cli.JSON {
			return e.printJSON(map[string]any{"source": c.Name, "removed": true})
		}
		_, err := fmt.Fprintf(e.stdout, "source %s is gone; who was registered by it stays registered\n", c.Name)
		return err
	})
}

type listSourcesCommand struct{}

type sourceJSON struct {
	Name       string        `json:"source"`
	Way        store.Way     `json:"way"`
	Table      string        `json:"table,omitempty"`
	Key        []string      `json:"key,omitempty"`
	Map        store.Mapping `json:"map"`
	Taken      int           `json:"taken"`
	Out        int           `json:"cancelled"`
	Gone       int           `json:"deleted"`
	Before     int           `json:"before"`
	Problems   int           `json:"problems"`
	Changes    int           `json:"to_follow"`
	PassedOver int           `json:"passed_over"`
	Vanished   int           `json:"vanished"`
	LookedAt   *time.Time    `json:"looked_at"`
	LookTook   float64       `json:"look_seconds,omitempty"`
	Trouble    string        `json:"trouble,omitempty"`
}

// Run lists the sources.
func (listSourcesCommand) Run(e *env) error {
	return e.withDesk(func(_ *config.Config, d *desk.Desk) error {
		list, err := d.Store.Sources(e.ctx)
		if err != nil {
			return err
		}
		out := []sourceJSON{}
		rows := [][]string{}
		for i := range list {
			v := &list[i]
			n, err := d.Store.CountSource(e.ctx, v)
			if err != nil {
				return err
			}
			j := sourceJSON{Name: v.Name, Way: v.Way, Table: v.Relation, Key: v.Keys, Map: v.Map, Taken: n.Taken, Out: n.Out, Gone: n.Gone, Before: n.Before, Problems: n.Problems, Changes: n.Changes,
				PassedOver: n.PassedOver, Vanished: v.Vanished, LookTook: v.LookTook.Seconds(), Trouble: strings.Join(troubles(v, n), "; ")}
			if !v.LookedAt.IsZero() {
				j.LookedAt = &v.LookedAt
			}
			out = append(out, j)
			rows = append(rows, []string{v.Name, string(v.Way), v.Relation, fmt.Sprint(n.Taken), fmt.Sprint(n.Out + n.Gone), fmt.Sprint(n.Problems), fmt.Sprint(n.Changes), j.Trouble})
		}
		if e.cli.JSON {
			return e.printJSON(out)
		}
		if len(list) == 0 {
			fmt.Fprintln(e.stdout, "There is no source: forms write to convened.registrations themselves. `convened source add --help` says how to adopt a table.")
			return nil
		}
		return e.printTable([]string{"SOURCE", "WAY", "TABLE", "TAKEN", "CANCELLED", "PROBLEMS", "TO FOLLOW", "TROUBLE"}, rows)
	})
}

// troubles says what is wrong with a source as a whole.
func troubles(v *store.Source, n store.SourceCount) []string {
	var list []string
	if n.Broken != "" {
		list = append(list, n.Broken)
	}
	if v.Trouble != "" && v.Trouble != n.Broken {
		list = append(list, v.Trouble)
	}
	if v.Vanished > 0 {
		list = append(list, fmt.Sprintf("%s rows vanished at once, and their people keep their seats: `convened source release %s`", thousands(v.Vanished), v.Name))
	}
	return list
}

type sourceProblemsCommand struct {
	Name  string `arg:"" optional:"" help:"The source's name; all without it."`
	Limit int    `help:"At most so many." default:"1000"`
}

// Run lists rows that could not be taken. It exits with 1 if there are any.
func (c sourceProblemsCommand) Run(e *env) error {
	return e.withDesk(func(_ *config.Config, d *desk.Desk) error {
		if c.Name != "" {
			if _, err := d.Store.Source(e.ctx, c.Name); err != nil {
				return fmt.Errorf("source %q: %w; `convened source list` shows which there are", c.Name, err)
			}
		}
		list, err := d.Store.SourceProblems(e.ctx, c.Name, c.Limit)
		if err != nil {
			return err
		}
		type problem struct {
			Source string    `json:"source"`
			Key    string    `json:"row"`
			At     time.Time `json:"at"`
			What   string    `json:"what"`
			Detail string    `json:"detail"`
			Event  string    `json:"event,omitempty"`
			Email  string    `json:"email,omitempty"`
			Name   string    `json:"name,omitempty"`
		}
		out := []problem{}
		rows := [][]string{}
		for _, p := range list {
			out = append(out, problem(p))
			rows = append(rows, []string{p.Source, p.Key, p.At.Format("2006-01-02 15:04"), p.What, p.Event, p.Email, p.Detail})
		}
		if e.cli.JSON {
			return e.printJSON(out)
		}
		if len(rows) == 0 {
			_, err := fmt.Fprintln(e.stdout, "No problems: every row was taken.")
			return err
		}
		return e.printTable([]string{"SOURCE", "ROW", "SEEN", "WHAT", "EVENT", "EMAIL", "WHY"}, rows)
	})
}
