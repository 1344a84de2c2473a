package desk

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"convened"
	"convened/scheduler"
	"convened/store"
)

// A Conflict says that an event is not any more as it was when somebody began to
// edit it. It is a convened.ErrEdited.
type Conflict struct {
	Now     *convened.Event // the event as it is
	By      string          // who edited it last; "" is not known
	At      time.Time       // when
	Changes []Change        // what was changed since it was read
}

// Error says who and when, in words for a terminal.
func (c *Conflict) Error() string {
	by := c.By
	if by == "" {
		by = "somebody else"
	}
	return fmt.Sprintf("event %q: %v: by %s, at %s", c.Now.Slug, convened.ErrEdited, by, c.At.In(c.Now.TimeLocation()).Format("2006-01-02 15:04:05"))
}

// Unwrap returns convened.ErrEdited.
func (c *Conflict) Unwrap() error { return convened.ErrEdited }

// ConflictOf returns the conflict behind an error, and looks for one behind
// convened.ErrEdited, as Carry returns it; nil where there is none. seen is the
// revision that the edit was made of.
func (d *Desk) ConflictOf(ctx context.Context, err error, slug string, seen int) (*Conflict, error) {
	var c *Conflict
	switch {
	case errors.As(err, &c):
		return c, nil
	case !errors.Is(err, convened.ErrEdited):
		return nil, nil
	}
	e, err := d.Store.Event(ctx, slug)
	if err != nil {
		return nil, err
	}
	return d.conflict(ctx, e, seen)
}

// conflict looks up what became of an event since a revision.
func (d *Desk) conflict(ctx context.Context, is *convened.Event, seen int) (*Conflict, error) {
	c := &Conflict{Now: is}
	last, err := d.Store.Revision(ctx, is.Slug, is.Revision)
	if err != nil {
		return nil, fmt.Errorf("event %q: %w", is.Slug, err)
	}
	c.By, c.At = last.By, last.At
	was, err := d.Store.Revision(ctx, is.Slug, seen)
	switch {
	case errors.Is(err, store.ErrNotFound): // a number that nobody was given
	case err != nil:
		return nil, fmt.Errorf("event %q: %w", is.Slug, err)
	default:
		c.Changes = Compare(was.Event, is)
	}
	return c, nil
}

// PlanEdit is PlanProposal for an edit of an event as it was read: wanted.Revision
// is that of the reading. Its error is a *Conflict where somebody edited the event
// since, store.ErrNotFound where it is gone.
func (d *Desk) PlanEdit(ctx context.Context, now time.Time, wanted *convened.Event) (*Comparison, error) {
	c, err := d.PlanProposal(ctx, now, wanted, time.Time{})
	if err != nil {
		return nil, err
	}
	if c.Proposal.New() {
		return nil, fmt.Errorf("event %q: %w", wanted.Slug, store.ErrNotFound)
	}
	if was := c.Proposal.Was; was.Revision != wanted.Revision {
		conflict, err := d.conflict(ctx, was, wanted.Revision)
		if err != nil {
			return nil, err
		}
		return nil, conflict
	}
	return c, nil
}

// A Crowd is whom mails go to.
type Crowd struct {
	Mails     int            // one each, to how many people
	Languages map[string]int // in how many each
}

// AtOnce counts the mails that an edit brings about and that go out before anybody
// could take it back: by now, or when the quiet time after the last edit is over.
// A reminder that the edit does not touch is not among them.
func (c *Comparison) AtOnce(now time.Time, quiet time.Duration) Crowd {
	crowd := Crowd{Languages: map[string]int{}}
	for i := range c.Differences {
		is, was := c.Differences[i].Is, c.Differences[i].Was
		if is == nil || is.At.After(now.Add(quiet)) {
			continue
		}
		extra := is
		if was != nil && !was.At.After(now.Add(quiet)) {
			extra = minus(is, was) // the others would have got it anyway
		}
		crowd.Mails += extra.People
		for language, n := range extra.Languages {
			crowd.Languages[language] += n
		}
	}
	maps.DeleteFunc(crowd.Languages, func(_ string, n int) bool { return n == 0 })
	return crowd
}

// minus is a mailing without as many people as another has.
func minus(is, was *scheduler.Mailing) *scheduler.Mailing {
	rest := &scheduler.Mailing{People: max(0, is.People-was.People), Languages: map[string]int{}}
	for language, n := range is.Languages {
		if n -= was.Languages[language]; n > 0 {
			rest.Languages[language] = n
		}
	}
	return rest
}

// Touched returns the differences that are any: what is kept as it is, for as many
// people, is left out.
func (c *Comparison) Touched() []Difference {
	var list []Difference
	for _, d := range c.Differences {
		if d.What != Kept || d.Was.People != d.Is.People {
			list = append(list, d)
		}
	}
	return list
}
