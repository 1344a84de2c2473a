package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/schollz/progressbar/v3"

	"convened"
	"convened/config"
	"convened/desk"
	"convened/store"
)

type registrationCommand struct {
	Add     addCommand     `cmd:"" help:"Register one person, as a sign-up form would."`
	Import  importCommand  `cmd:"" help:"Register everybody in a CSV file with a header."`
	List    peopleCommand  `cmd:"" help:"Who is registered, and how far their mails are."`
	Resend  resendCommand  `cmd:"" help:"Send one person the confirmation once more."`
	Correct correctCommand `cmd:"" help:"Mend a mistyped address: the right one is confirmed, the wrong one gets nothing further."`
	Cancel  giveUpCommand  `cmd:"" help:"Give up one person's seat: they get a cancellation, and nothing more."`
	Mute    muteCommand    `cmd:"" help:"Stop one person's reminders; the seat stays."`
	Unmute  unmuteCommand  `cmd:"" help:"Send one person reminders again, from now on."`
	Erase   eraseCommand   `cmd:"" help:"Forget a person: the data goes from every table, the counts stay."`
}

type addCommand struct {
	Event     string `arg:"" help:"The event's slug."`
	Email     string `arg:"" help:"The address."`
	FullName  string `arg:"" name:"full-name" optional:"" help:"The name."`
	Name      string `help:"The name."`
	Language  string `help:"Language of the letters: en, fr, es. By default the event's."`
	Zone      string `help:"IANA time zone, such as America/Mexico_City. By default the event's."`
	SourceRef string `help:"The form's own key for this registration."`
}

// Run registers one person.
func (c addCommand) Run(e *env) error {
	if c.Name == "" {
		c.Name = c.FullName
	}
	return e.withDesk(func(_ *config.Config, d *desk.Desk) error {
		id, err := d.Register(e.ctx, store.Entry{Event: c.Event, Email: c.Email, Name: c.Name, Language: c.Language, Zone: c.Zone, SourceRef: c.SourceRef})
		if err != nil {
			return err
		}
		if e.cli.JSON {
			return e.printJSON(map[string]any{"registration": id})
		}
		fmt.Fprintf(e.stdout, "registered as number %d; the daemon sends the confirmation\n", id)
		return nil
	})
}

type importCommand struct {
	Event  string `arg:"" help:"The event's slug."`
	File   string `arg:"" help:"CSV file with a header; - is standard input."`
	DryRun bool   `help:"Read everything, write nothing."`
}

// Run imports a file. Lines that can't be taken are reported with their number,
// the others are kept; it exits with 1 if there were any.
func (c importCommand) Run(e *env) error {
	return e.withDesk(func(_ *config.Config, d *desk.Desk) error {
		in, size := e.stdin, int64(-1)
		if c.File != "-" {
			f, err := os.Open(c.File)
			if err != nil {
				return usageError{err}
			}
			defer func() { _ = f.Close() }()
			if info, err := f.Stat(); err == nil {
				size = info.Size()
			}
			in = f
		}
		progress, done := e.progress("importing", size)
		result, err := d.Import(e.ctx, c.Event, in, c.DryRun, progress)
		done()
		if result == nil {
			return err
		}
		if e.cli.JSON {
			type bad struct {
				Line int    `json:"line"`
				Why  string `json:"why"`
			}
			lines := []bad{}
			for _, b := range result.Bad {
				lines = append(lines, bad{b.Line, b.Why})
			}
			if jerr := e.printJSON(map[string]any{"read": result.Read, "taken": result.Good, "bad": lines, "notes": result.Notes, "recognised": result.Of, "away": result.Away, "dry_run": c.DryRun}); jerr != nil {
				return jerr
			}
		} else {
			e.showImport(c, result)
		}
		if err == nil && len(result.Bad) > 0 {
			err = errSaid
		}
		return err
	})
}

func (e *env) showImport(c importCommand, r *desk.Import) {
	if r.Of != "" {
		fmt.Fprintf(e.stdout, "%s is %s\n", c.File, r.Of)
	}
	for _, status := range slices.Sorted(maps.Keys(r.Away)) {
		fmt.Fprintf(e.stdout, "%s left out: %s\n", people(r.Away[status]), plain(status))
	}
	for _, n := range r.Notes {
		fmt.Fprintf(e.stderr, "%s: %s\n", c.File, plain(n))
	}
	for _, b := range r.Bad {
		fmt.Fprintf(e.stderr, "%s:%d: %s\n", c.File, b.Line, plain(b.Why))
	}
	verb := "registered"
	if c.DryRun {
		verb = "would be registered"
	}
	fmt.Fprintf(e.stdout, "%s of %s %s", thousands(r.Good), people(r.Read), verb)
	if len(r.Bad) > 0 {
		fmt.Fprintf(e.stdout, "; %d lines were left out, see above. Mend them and import the file again: nobody is registered twice", len(r.Bad))
	}
	fmt.Fprintln(e.stdout)
}

// progress returns a function that draws how far something has come, and one
// that ends the drawing. Without a terminal both do nothing.
func (e *env) progress(what string, total int64) (func(int64), func()) {
	if !terminal(e.stderr) {
		return func(int64) {}, func() {}
	}
	bar := progressbar.NewOptions64(total, progressbar.OptionSetWriter(e.stderr), progressbar.OptionSetDescription(what),
		progressbar.OptionShowBytes(true), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
	return func(n int64) { _ = bar.Set64(n) }, func() { _ = bar.Finish() }
}

// One is a person at an event.
type one struct {
	Event string `arg:"" help:"The event's slug."`
	Email string `arg:"" help:"The address."`
}

type resendCommand struct{ one }

// Run sends a confirmation once more.
func (c resendCommand) Run(e *env) error {
	return e.withOne(c.one, "the confirmation goes out once more", "", func(d *desk.Desk, now time.Time) (bool, error) {
		r, err := d.Seat(e.ctx, c.Event, c.Email)
		if err != nil {
			return false, err
		}
		known, err := d.Confirmations(e.ctx, now, c.Event, r.ID)
		if err != nil {
			return false, err
		}
		return true, d.Resend(e.ctx, now, c.Event, r.ID, known)
	})
}

type correctCommand struct {
	one
	To string `arg:"" name:"to" help:"The right address."`
}

// Run mends an address.
func (c correctCommand) Run(e *env) error {
	return e.withDesk(func(_ *config.Config, d *desk.Desk) error {
		r, err := d.Seat(e.ctx, c.Event, c.Email)
		if err != nil {
			return err
		}
		id, err := d.Correct(e.ctx, e.clock(), c.Event, r.ID, c.To)
		if err != nil {
			return err
		}
		if e.cli.JSON {
			return e.printJSON(map[string]any{"event": c.Event, "from": r.ID, "registration": id, "email": c.To})
		}
		_, err = fmt.Fprintf(e.stdout, "%s at %s is now %s, registered as number %d: the daemon sends the confirmation there, and nothing further to the old address\n",
			plain(c.Email), c.Event, plain(c.To), id)
		return err
	})
}

type giveUpCommand struct{ one }

// Run gives up a seat.
func (c giveUpCommand) Run(e *env) error {
	return e.withOne(c.one, "the seat is given up", "the seat was given up before", func(d *desk.Desk, now time.Time) (bool, error) {
		return d.GiveUp(e.ctx, now, c.Event, c.Email)
	})
}

type muteCommand struct{ one }

// Run mutes a seat.
func (c muteCommand) Run(e *env) error {
	return e.withOne(c.one, "no more reminders; the seat stays", "the reminders were muted before", func(d *desk.Desk, now time.Time) (bool, error) {
		return d.Mute(e.ctx, now, c.Event, c.Email, true)
	})
}

type unmuteCommand struct{ one }

// Run unmutes a seat.
func (c unmuteCommand) Run(e *env) error {
	return e.withOne(c.one, "reminders again, from now on", "the reminders were not muted", func(d *desk.Desk, now time.Time) (bool, error) {
		return d.Mute(e.ctx, now, c.Event, c.Email, false)
	})
}

// withOne does something to one person and says what came of it.
func (e *env) withOne(c one, done, before string, f func(*desk.Desk, time.Time) (bool, error)) error {
	return e.withDesk(func(_ *config.Config, d *desk.Desk) error {
		changed, err := f(d, e.clock())
		if err != nil {
			return err
		}
		if e.cli.JSON {
			return e.printJSON(map[string]any{"event": c.Event, "email": c.Email, "changed": changed})
		}
		what := before
		if changed {
			what = done
		}
		_, err = fmt.Fprintf(e.stdout, "%s at %s: %s\n", plain(c.Email), c.Event, what)
		return err
	})
}

type eraseCommand struct {
	Event string `arg:"" help:"The event's slug; 'all' is every event."`
	Email string `arg:"" help:"The address."`
}

// Run erases a person.
func (c eraseCommand) Run(e *env) error {
	return e.withDesk(func(_ *config.Config, d *desk.Desk) error {
		event := c.Event
		if event == "all" {
			event = ""
		} else if _, err := d.Store.Event(e.ctx, event); err != nil {
			return fmt.Errorf("event %q: %w", event, err)
		}
		n, err := d.Erase(e.ctx, e.clock(), event, c.Email)
		if err != nil {
			return err
		}
		if e.cli.JSON {
			return e.printJSON(map[string]any{"event": event, "erased": n})
		}
		_, err = fmt.Fprintf(e.stdout, "%d registrations were erased\n", n)
		return err
	})
}

type peopleCommand struct {
	Event  string `arg:"" help:"The event's slug."`
	Search string `help:"Only whose address or name holds this; case and accents do not matter."`
	State  string `help:"Only with whom it is so: registered, waiting (not planned yet), failed (some letter did not arrive, or is held), refused (the address does not work), muted, declined (in a calendar), cancelled."`
	Limit  int    `help:"The latest so many; 0 is all." default:"0"`
}

// pageSize is how many registrations are read at a time.
const pageSize = 1000

// Run lists registrations in the order in which they came.
func (c peopleCommand) Run(e *env) error {
	if c.State != "" && !slices.Contains(store.Standings(), store.Standing(c.State)) {
		return usageError{fmt.Errorf("--state %q: there are %v", c.State, store.Standings())}
	}
	return e.withDesk(func(_ *config.Config, d *desk.Desk) error {
		ev, err := d.Store.Event(e.ctx, c.Event)
		if err != nil {
			return fmt.Errorf("event %q: %w", c.Event, err)
		}
		var list []store.Person
		for before := convened.RegistrationID(0); c.Limit == 0 || len(list) < c.Limit; {
			size := pageSize
			if c.Limit > 0 {
				size = min(size, c.Limit-len(list))
			}
			page, err := d.Store.People(e.ctx, store.Search{Event: c.Event, Text: c.Search, Standing: store.Standing(c.State), Before: before, Limit: size})
			if err != nil {
				return err
			}
			if list = append(list, page...); len(page) < size {
				break
			}
			before = page[size-1].ID
		}
		slices.Reverse(list)
		if e.cli.JSON {
			out := make([]personJSON, len(list))
			for i, p := range list {
				out[i] = toJSON(p)
			}
			return e.printJSON(out)
		}
		if len(list) == 0 {
			fmt.Fprintln(e.stdout, "Nobody.")
			return nil
		}
		var rows [][]string
		for _, p := range list {
			rows = append(rows, []string{fmt.Sprint(p.ID), p.Email, p.Name, orEvent(p.Language, ev.Language), orEvent(p.Zone, ev.Zone), standing(p), fmt.Sprint(p.Sent), p.LastError})
		}
		return e.printTable([]string{"ID", "EMAIL", "NAME", "LANGUAGE", "ZONE", "STANDING", "SENT", "ERROR"}, rows)
	})
}

func orEvent(own, event string) string {
	if own == "" {
		return event
	}
	return own
}

// standing says in a word or two how it is with a registration.
func standing(p store.Person) string {
	switch p.Condition() {
	case store.WasErased:
		return "erased"
	case store.WasCorrected:
		return fmt.Sprintf("corrected to %d", p.CorrectedTo)
	case store.GaveUpSeat:
		return "gave up the seat"
	case store.AddressRefused:
		return "address refused"
	case store.NotPlannedYet:
		return "not planned yet"
	case store.DeclinedInvite:
		return "declined, has the seat"
	case store.RemindersMuted:
		return "muted"
	case store.IsConfirmed:
		return "confirmed"
	}
	return "confirmation " + string(p.Confirmation)
}

type personJSON struct {
	ID           convened.RegistrationID `json:"registration"`
	UID          string                  `json:"uid"`
	Email        string                  `json:"email"`
	Name         string                  `json:"name"`
	Language     string                  `json:"language,omitempty"`
	Zone         string                  `json:"zone,omitempty"`
	SourceRef    string                  `json:"source_ref,omitempty"`
	Sequence     int                     `json:"sequence"`
	CreatedAt    time.Time               `json:"created_at"`
	PlannedAt    *time.Time              `json:"planned_at"`
	CancelledAt  *time.Time              `json:"cancelled_at"`
	MutedAt      *time.Time              `json:"muted_at"`
	DeclinedAt   *time.Time              `json:"declined_at"`
	RefusedAt    *time.Time              `json:"refused_at"`
	CorrectedTo  convened.RegistrationID `json:"corrected_to,omitempty"`
	Confirmation convened.State          `json:"confirmation,omitempty"`
	LastError    string                  `json:"last_error,omitempty"`
	Sent         int                     `json:"sent"`
	Standing     string                  `json:"standing"`
}

func toJSON(p store.Person) personJSON {
	at := func(t time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		return &t
	}
	return personJSON{p.ID, p.UID, p.Email, p.Name, p.Language, p.Zone, p.SourceRef, p.Sequence, p.CreatedAt,
		at(p.PlannedAt), at(p.CancelledAt), at(p.MutedAt), at(p.DeclinedAt), at(p.RefusedAt), p.CorrectedTo, p.Confirmation, p.LastError, p.Sent, standing(p)}
}
