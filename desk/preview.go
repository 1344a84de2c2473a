package desk

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"convened"
	"convened/address"
	"convened/scheduler"
	"convened/store"
)

// A Sample says which letter is to be looked at.
type Sample struct {
	Kind     convened.Kind
	As       string    // an address: a registrant's, or anybody's; "" is a made-up reader
	Name     string    // "" is the registrant's, or none
	Language string    // "" is the registrant's, or the event's
	Zone     string    // "" is the registrant's, or the event's
	Rule     string    // key of the reminder; "" is the last before the start, or the first after it
	At       time.Time // the instant at which it is sent; zero is when it would be
	Inert    bool      // its links lead nowhere, whoever it is for: somebody else looks at it

	// Wanted is the event as it would be after an edit that has not been made; nil is
	// the event as it is.
	Wanted *convened.Event
}

// Why a letter can't be shown that could be another time.
var (
	ErrNoRule    = errors.New("no rule sends it")
	ErrNoTrouble = errors.New("nothing is wrong")
)

// Preview makes the claim of a letter that nobody has been sent: no row stands
// behind it. It returns the claim and the instant at which it would be sent.
func (d *Desk) Preview(ctx context.Context, now time.Time, slug string, s Sample) (*convened.Claim, time.Time, error) {
	e, err := d.Store.Event(ctx, slug)
	if err != nil {
		return nil, now, fmt.Errorf("event %q: %w", slug, err)
	}
	if s.Wanted != nil {
		w := *s.Wanted
		w.Status, w.Sequence, w.Revision, w.SequencedAt, w.MovedAt, w.CreatedAt = e.Status, e.Sequence, e.Revision, e.SequencedAt, e.MovedAt, e.CreatedAt
		e = &w
	}
	c := &convened.Claim{Event: *e, Told: -1}
	// Nobody has this number: the links are there, and lead nowhere.
	nobody := convened.Registration{ID: -1, UID: "00000000-0000-4000-8000-000000000000"}
	c.Registration = convened.Registration{ID: nobody.ID, UID: nobody.UID, Event: slug, Email: "reader@example.org", SeatedAt: now, SequencedAt: now, CreatedAt: now}
	if s.As != "" {
		if _, err := address.Parse(s.As); err != nil {
			return nil, now, err
		}
		c.Registration.Email = s.As
		if seat, err := d.Store.Seat(ctx, slug, address.Key(s.As)); err == nil {
			c.Registration = *seat
			c.Registration.CancelledAt = time.Time{}
			if s.Inert {
				c.Registration.ID, c.Registration.UID = nobody.ID, nobody.UID
			}
		} else if !errors.Is(err, store.ErrNotFound) {
			return nil, now, err
		}
	}
	for to, from := range map[*string]string{&c.Registration.Name: s.Name, &c.Registration.Language: s.Language, &c.Registration.Zone: s.Zone} {
		if from != "" {
			*to = from
		}
	}
	c.Notice = convened.Notice{Registration: c.Registration.ID, Event: slug, Kind: s.Kind, Occasion: "1", Attempt: 1, Instant: now, DueAt: now}
	at := now
	switch s.Kind {
	case convened.Confirmation:
		if !s.At.IsZero() {
			c.Folded = scheduler.Folded(e, s.At)
		}
	case convened.ReminderKind, convened.Followup:
		o, rem, err := sampleOccasion(e, s)
		if err != nil {
			return nil, now, err
		}
		c.Reminder, c.Notice.Occasion, c.Notice.Instant, at = rem, o.String(), o.At, o.At
	case convened.Update:
		was := *e
		was.StartsLocal, was.EndsLocal = e.StartsLocal.AddDays(-1), e.EndsLocal.AddDays(-1)
		if err := was.Derive(); err != nil {
			return nil, now, err
		}
		c.Was = &was
		c.Event.Sequence++
		c.ThreadID = "preview@example.org"
	case convened.Cancellation:
		c.Event.Status = convened.EventIsOff
		c.Event.Sequence++
	case convened.Preflight:
		if c.Trouble, err = d.Store.Trouble(ctx, now, e); err != nil {
			return nil, now, err
		}
		if c.Trouble.None() {
			return nil, now, fmt.Errorf("%w with %q at this moment: there is no preflight to see", ErrNoTrouble, slug)
		}
		c.Notice.Registration, c.Notice.Occasion = 0, convened.PreflightOccasion(e.Starts)
		c.Registration = convened.Registration{Language: s.Language}
		if s.As != "" {
			c.Event.Organizer.Email = s.As
		}
	default:
		return nil, now, fmt.Errorf("kind %q: there are %s", s.Kind, kindNames())
	}
	if !s.At.IsZero() {
		at = s.At
	}
	return c, at, nil
}

func kindNames() string {
	var names []string
	for _, k := range append(convened.Kinds(), convened.Preflight) {
		names = append(names, string(k))
	}
	return strings.Join(names, ", ")
}

// SampledRule returns the key of the reminder whose letter a sample asks for; "" where
// there is none.
func SampledRule(e *convened.Event, s Sample) string {
	if _, rem, err := sampleOccasion(e, s); err == nil {
		return rem.Key
	}
	return ""
}

// sampleOccasion finds the occasion that a sample asks for.
func sampleOccasion(e *convened.Event, s Sample) (convened.Occasion, *convened.Reminder, error) {
	var found *convened.Reminder
	var at convened.Occasion
	for _, o := range scheduler.Occasions(e) {
		for i := range e.Reminders {
			r := &e.Reminders[i]
			rule, err := scheduler.RuleOf(r)
			if err != nil || r.Key != o.Key || rule.Kind() != s.Kind || (s.Rule != "" && s.Rule != r.Key) {
				continue
			}
			if found == nil || s.Kind == convened.ReminderKind {
				found, at = r, o
			}
		}
	}
	if found == nil {
		var keys []string
		for _, r := range e.Reminders {
			keys = append(keys, fmt.Sprintf("%q", r.Key))
		}
		if s.Rule != "" {
			return at, nil, fmt.Errorf("%w: rule %q sends no %s; the event has %s", ErrNoRule, s.Rule, s.Kind, strings.Join(keys, ", "))
		}
		return at, nil, fmt.Errorf("%w: the event has none that sends a %s; it has %s", ErrNoRule, s.Kind, cmp.Or(strings.Join(keys, ", "), "no rule at all"))
	}
	return at, found, nil
}

// TestSend makes the claim of a letter that goes to one typed address and to
// nobody else: its subject is marked, its invitation is one of its own, and it
// holds no link of a registrant's. At is now: what it says of the time left is true.
func (d *Desk) TestSend(ctx context.Context, now time.Time, slug string, s Sample, to string) (*convened.Claim, time.Time, error) {
	if _, err := address.Parse(to); err != nil {
		return nil, now, err
	}
	c, at, err := d.Preview(ctx, now, slug, s)
	if err != nil {
		return nil, now, err
	}
	c.Test = true
	c.Registration.ID, c.Registration.Email = -1, to
	if c.Notice.Kind == convened.Preflight {
		c.Event.Organizer.Email, c.Registration.ID = to, 0 // it has no links at all
	}
	// Each trial is a letter of its own: a mail program would file a second one
	// with the first, or drop it.
	c.Registration.UID = trialID(now, slug, to)
	return c, at, nil
}

func trialID(now time.Time, parts ...string) string {
	sum := sha256.Sum256([]byte(now.Format(time.RFC3339Nano) + strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:16])
}
