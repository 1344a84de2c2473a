// Package desk is what an organiser can do: apply an event, see who is mailed
// before it is done, add and import registrations, look at a letter before
// anybody gets it. The commands and the console call the same functions here,
// so that what a page can do, a command can do.
//
// Its invariant: nothing that mails people happens in one step. What an edit
// would do is a value first, a Proposal, which can be shown; to carry it out is
// a second call, and it fails if the event was edited in between.
//
// It will not talk to people: it prints nothing and asks nothing.
package desk

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"convened"
	"convened/scheduler"
	"convened/store"
)

// A Desk works on one database with one configuration. It is safe for
// concurrent use.
type Desk struct {
	Store       *store.Store
	Grace       time.Duration // see configuration key grace
	UpdateQuiet time.Duration // see configuration key update_quiet
	By          string        // who is working: a system user, an account; kept with each revision

	// HasTemplate reports whether letters can be written with a template that a
	// rule names, or that the templates can't be read; nil does not ask.
	HasTemplate func(name string) (bool, error)

	// Doubt is how often letters go out again that may have arrived; nil is usual.
	Doubt convened.Doubt

	// Cost is what a guess at a password costs; zero is UsualCost.
	Cost Cost

	// Permit says why no mail may go to the recipient of a claim, or "": see
	// scheduler.Options. nil: everybody may get mail.
	Permit func(*convened.Claim) string

	// Post writes letters that are looked at, and sends trials; nil where nobody
	// asks for either. Allows reports whether a trial may go to an address; nil is
	// anywhere.
	Post   Post
	Allows func(address string) bool
}

// ErrNoTemplate is wrapped where a rule names a template that there is not.
var ErrNoTemplate = errors.New("there is no template")

// ErrUnchanged is returned for an edit that changes nothing.
var ErrUnchanged = errors.New("nothing changes")

// A Change is one line of what an edit changes.
type Change struct {
	Field string // as in the event file: title, starts, reminders …
	Old   string // "" where it was not set
	New   string // "" where it is not any more
}

// A Proposal is an edit that has not been made.
type Proposal struct {
	Event    *convened.Event     // as it would be
	Was      *convened.Event     // as it is; nil for a new event
	Changes  []Change            // nil for a new event
	Findings []scheduler.Finding // what is wrong or odd with the schedule

	Notify convened.Kind // Update or Cancellation; "" if nobody is mailed
	Mails  int           // how many people that concerns now
	Seats  int           // how many are registered
	DueAt  time.Time     // when they would be mailed

	raises, moved bool
}

// New reports whether the event does not exist yet.
func (p *Proposal) New() bool { return p.Was == nil }

// Unchanged reports whether there is nothing to do.
func (p *Proposal) Unchanged() bool { return p.Was != nil && len(p.Changes) == 0 }

// Propose says what would happen if an event were as wanted: what changes, what
// its schedule amounts to, how many people are mailed and when. wanted is as
// ReadEventFile returns it; its status is kept as it is in the database.
func (d *Desk) Propose(ctx context.Context, now time.Time, wanted *convened.Event) (*Proposal, error) {
	e := *wanted
	for _, r := range e.Reminders {
		if r.Template == "" || d.HasTemplate == nil {
			continue
		}
		if there, err := d.HasTemplate(r.Template); err != nil {
			return nil, err
		} else if !there {
			return nil, fmt.Errorf("rule %q: %w %q: neither built in nor in templates_dir", r.Key, ErrNoTemplate, r.Template)
		}
	}
	was, err := d.Store.Event(ctx, e.Slug)
	switch {
	case errors.Is(err, store.ErrNotFound):
		e.Status, e.CreatedAt, e.MovedAt = convened.Scheduled, now, now
		e.Reminders = addedAt(e.Reminders, nil, now)
		return &Proposal{Event: &e, Findings: scheduler.Lint(&e, now)}, nil
	case err != nil:
		return nil, err
	}
	e.Status = was.Status
	return d.propose(ctx, now, was, &e)
}

// ProposeCancel says what would happen if an event were called off.
func (d *Desk) ProposeCancel(ctx context.Context, now time.Time, slug string) (*Proposal, error) {
	was, err := d.Store.Event(ctx, slug)
	if err != nil {
		return nil, err
	}
	e := *was
	e.Status = convened.EventIsOff
	return d.propose(ctx, now, was, &e)
}

func (d *Desk) propose(ctx context.Context, now time.Time, was, e *convened.Event) (*Proposal, error) {
	e.Sequence, e.Revision, e.SequencedAt, e.MovedAt, e.CreatedAt = was.Sequence, was.Revision, was.SequencedAt, was.MovedAt, was.CreatedAt
	e.Reminders = addedAt(e.Reminders, was.Reminders, now)
	p := &Proposal{Event: e, Was: was, Changes: Compare(was, e)}
	if p.Unchanged() {
		return p, nil
	}
	p.moved = !was.Starts.Equal(e.Starts)
	if p.moved {
		e.MovedAt = now
	}
	urgent := p.moved || !was.Ends.Equal(e.Ends) || was.Zone != e.Zone || was.Status != e.Status
	p.raises = urgent || !maps.Equal(was.Title, e.Title) || !maps.Equal(was.Location, e.Location) || was.JoinURL != e.JoinURL
	p.Findings = scheduler.Lint(e, now)
	concerned, err := d.Store.Concerned(ctx, e.Slug)
	if err != nil {
		return nil, err
	}
	p.Seats = concerned.Seats
	// What is over is over, and people who were told that an event is off need
	// not hear that its room has changed.
	over := !now.Before(was.Ends) && !now.Before(e.Ends)
	stillOff := was.Status == convened.EventIsOff && e.Status == convened.EventIsOff
	if !p.raises || over || stillOff {
		return p, nil
	}
	p.Notify, p.DueAt, p.Mails = convened.Update, now.Add(d.UpdateQuiet), concerned.Told
	if urgent {
		p.DueAt = now
	}
	if e.Status == convened.EventIsOff {
		p.Notify = convened.Cancellation
	}
	return p, nil
}

// addedAt keeps the time at which each rule was added: a rule that is new, or
// that changed under its name, is added now.
func addedAt(wanted, have []convened.Reminder, now time.Time) []convened.Reminder {
	list := slices.Clone(wanted)
	for i := range list {
		list[i].AddedAt = now
		for _, h := range have {
			if h.Key == list[i].Key && h.Rule == list[i].Rule {
				list[i].AddedAt = h.AddedAt
			}
		}
	}
	return list
}

// Carry carries out a proposal. It fails with convened.ErrEdited if somebody
// edited the event since, and with ErrUnchanged if there is nothing to do.
func (d *Desk) Carry(ctx context.Context, now time.Time, p *Proposal) (*convened.Event, error) {
	if p.Unchanged() {
		return p.Event, ErrUnchanged
	}
	return d.Store.Apply(ctx, store.Edit{
		Event: p.Event, By: d.By, Raises: p.raises, Moved: p.moved,
		Notify: p.Notify, DueAt: p.DueAt, OverAt: OverAt(p.Event, d.Grace), At: now, Detail: p.summary(),
	})
}

// summary is what the trail says of a proposal that was carried out: which keys
// changed, and how many people are written to.
func (p *Proposal) summary() string {
	var keys []string
	for _, c := range p.Changes {
		if key, _, _ := strings.Cut(c.Field, "."); !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	s := strings.Join(keys, ", ")
	if p.Notify != "" {
		s += fmt.Sprintf("; %d to be told", p.Mails)
	}
	return s
}

// OverAt returns the instant after which nothing of an event is planned any
// more: its end or the last use of its last follow-up, and a day, so that what
// an outage kept from being planned is planned as too late, and is seen.
func OverAt(e *convened.Event, grace time.Duration) time.Time {
	over := e.Ends
	for _, o := range scheduler.Occasions(e) {
		kind := convened.ReminderKind
		if o.At.After(e.Ends) || o.At.Equal(e.Ends) {
			kind = convened.Followup
		}
		if last := scheduler.Deadline(o, kind, grace); last.After(over) {
			over = last
		}
	}
	return over.Add(24 * time.Hour)
}

// Compare lists what differs between two states of an event, in the order of
// the event file.
func Compare(was, is *convened.Event) []Change {
	var list []Change
	add := func(field, old, new string) {
		if old != new {
			list = append(list, Change{field, old, new})
		}
	}
	text := func(field string, old, new convened.Text) {
		languages := map[string]bool{}
		for l := range old {
			languages[l] = true
		}
		for l := range new {
			languages[l] = true
		}
		for _, l := range slices.Sorted(maps.Keys(languages)) {
			add(field+"."+l, old[l], new[l])
		}
	}
	add("status", string(was.Status), string(is.Status))
	text("title", was.Title, is.Title)
	add("starts", was.StartsLocal.String(), is.StartsLocal.String())
	add("ends", was.EndsLocal.String(), is.EndsLocal.String())
	add("zone", was.Zone, is.Zone)
	if was.Zone == is.Zone && was.StartsLocal == is.StartsLocal && !was.Starts.Equal(is.Starts) {
		// The same wall time is another instant: the zone's rules have changed.
		add("starts (instant)", was.Starts.Format(time.RFC3339), is.Starts.Format(time.RFC3339))
	}
	add("language", was.Language, is.Language)
	add("held_in", was.HeldIn, is.HeldIn)
	text("location", was.Location, is.Location)
	add("join_url", was.JoinURL, is.JoinURL)
	add("page_url", was.PageURL, is.PageURL)
	add("organizer.name", was.Organizer.Name, is.Organizer.Name)
	add("organizer.email", was.Organizer.Email, is.Organizer.Email)
	text("description", was.Description, is.Description)
	text("introduction", was.Introduction, is.Introduction)
	add("colour", was.Colour, is.Colour)
	add("logo", was.Logo, is.Logo)
	add("sign_up", strconv.FormatBool(was.SignUp), strconv.FormatBool(is.SignUp))
	return append(list, compareReminders(was.Reminders, is.Reminders)...)
}

func compareReminders(was, is []convened.Reminder) []Change {
	var list []Change
	old := map[string]convened.Reminder{}
	for _, r := range was {
		old[r.Key] = r
	}
	for _, r := range is {
		o, there := old[r.Key]
		delete(old, r.Key)
		if !there {
			list = append(list, Change{"reminders", "", describe(r)})
		} else if describe(o) != describe(r) {
			list = append(list, Change{"reminders", describe(o), describe(r)})
		}
	}
	for _, r := range was {
		if _, gone := old[r.Key]; gone {
			list = append(list, Change{"reminders", describe(r), ""})
		}
	}
	if len(list) == 0 && !slices.EqualFunc(was, is, func(a, b convened.Reminder) bool { return a.Key == b.Key }) {
		list = append(list, Change{"reminders", "in another order", "in the order of the file"})
	}
	return list
}

// describe says all that an organiser wrote of a rule.
func describe(r convened.Reminder) string {
	parts := []string{r.Rule}
	if r.Key != r.Rule {
		parts[0] = r.Key + ": " + r.Rule
	}
	if r.Late != convened.Fold {
		parts = append(parts, "late: "+string(r.Late))
	}
	if r.Template != "" {
		parts = append(parts, "template: "+r.Template)
	}
	for _, l := range slices.Sorted(maps.Keys(r.Note)) {
		parts = append(parts, fmt.Sprintf("note.%s: %q", l, r.Note[l]))
	}
	return strings.Join(parts, ", ")
}
