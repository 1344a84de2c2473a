package desk

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"convened"
	"convened/address"
	"convened/scheduler"
	"convened/store"
)

// This file holds what lets mail go that was kept back. As with an edit, what
// would happen is a value first: a Release says who gets mail, and carrying it
// out is a second call.

// A Choice says which notices somebody has in mind.
type Choice struct {
	IDs    []convened.NoticeID // these, or
	Event  string              // all of this event
	States []convened.State    // to be tried again: those in these states; nil: in any that can be
	Cause  convened.Cause      // to be released: what is held for this cause; "" is any
}

// A Release is notices that would go. It has not been carried out.
type Release struct {
	About string // the event; "" where single notices were chosen
	Lines []ReleaseLine

	Notices int            // that would go
	People  int            // who get mail
	Useless map[string]int // notices that would be cancelled instead of sent, and why
	Stay    map[string]int // notices that stay as they are, and why

	decisions []store.Decision // one for each event
}

// A ReleaseLine is notices of one kind that would go.
type ReleaseLine struct {
	Event   string
	Kind    convened.Kind
	State   convened.State // in which they are
	Why     string         // they are in it
	Notices int
}

// ErrNothingChosen is returned for a choice without notices and without an event.
var ErrNothingChosen = errors.New("say which notices, or which event")

// retriable are the states that somebody can try again from.
var retriable = []convened.State{convened.Refused, convened.Unknown, convened.Held, convened.Planned}

// Retriable lists them. What is planned is tried again only if it failed before.
func Retriable() []convened.State { return slices.Clone(retriable) }

// ProposeRelease says what would happen if held notices were let go. Single
// notices that are not held are an error.
func (d *Desk) ProposeRelease(ctx context.Context, now time.Time, c Choice) (*Release, error) {
	c.States = []convened.State{convened.Held}
	return d.proposeRelease(ctx, now, store.Released, c)
}

// ProposeRetry says what would happen if notices were tried again that were
// refused, are in doubt or held, or wait for their next try.
func (d *Desk) ProposeRetry(ctx context.Context, now time.Time, c Choice) (*Release, error) {
	if c.States == nil {
		c.States = retriable
	}
	c.Cause = ""
	return d.proposeRelease(ctx, now, store.Retried, c)
}

// choicePage is how many notices are looked at a time.
const choicePage = 5000

func (d *Desk) proposeRelease(ctx context.Context, now time.Time, what string, c Choice) (*Release, error) {
	if len(c.IDs) == 0 && c.Event == "" {
		return nil, ErrNothingChosen
	}
	if c.Event != "" {
		if _, err := d.Store.Event(ctx, c.Event); err != nil {
			return nil, fmt.Errorf("event %q: %w", c.Event, err)
		}
	}
	r := &releasing{Release: &Release{About: c.Event, Useless: map[string]int{}, Stay: map[string]int{}},
		what: what, states: c.States, people: map[convened.RegistrationID]bool{}, organisers: map[string]bool{}, ids: map[string][]convened.NoticeID{}}
	missing := map[convened.NoticeID]bool{}
	for _, id := range c.IDs {
		missing[id] = true
	}
	sel := store.Selection{IDs: c.IDs, Event: c.Event, States: c.States, Cause: c.Cause}
	for after := convened.NoticeID(0); ; {
		page, err := d.Store.Selected(ctx, now, sel, after, choicePage)
		if err != nil {
			return nil, err
		}
		for _, claim := range page {
			after = claim.Notice.ID
			delete(missing, after)
			r.add(d, now, claim)
		}
		if len(page) < choicePage {
			break
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("notice %s: %w in state %s; `convened notices list` shows what there is", listOf(missing), errNotSo, orOf(c.States))
	}
	return r.finish(d), nil
}

// errNotSo is wrapped where a single notice was named that is not there, or not
// in such a state.
var errNotSo = errors.New("there is none of this number")

func listOf(ids map[convened.NoticeID]bool) string {
	var words []string
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		words = append(words, fmt.Sprint(int64(id)))
	}
	return strings.Join(words, ", ")
}

func orOf(states []convened.State) string {
	var words []string
	for _, s := range states {
		words = append(words, string(s))
	}
	return strings.Join(words, " or ")
}

// releasing gathers a Release.
type releasing struct {
	*Release
	what       string
	states     []convened.State
	people     map[convened.RegistrationID]bool
	organisers map[string]bool // by event: who gets its preflight
	events     []string
	ids        map[string][]convened.NoticeID // by event
}

// add looks at one notice with the daemon's own eyes.
func (r *releasing) add(d *Desk, now time.Time, c *convened.Claim) {
	n := &c.Notice
	if why := d.stays(c); why != "" {
		r.Stay[why]++
		return
	}
	if r.ids[n.Event] == nil {
		r.events = append(r.events, n.Event)
	}
	r.ids[n.Event] = append(r.ids[n.Event], n.ID)
	r.Notices++
	why := n.Reason
	if why == "" {
		why = n.LastError
	}
	line := ReleaseLine{Event: n.Event, Kind: n.Kind, State: n.State, Why: why}
	i := slices.IndexFunc(r.Lines, func(l ReleaseLine) bool { l.Notices = 0; return l == line })
	if i < 0 {
		i, r.Lines = len(r.Lines), append(r.Lines, line)
	}
	r.Lines[i].Notices++
	switch why := scheduler.Useless(now, c, d.Grace); {
	case why != "":
		r.Useless[why]++
	case n.Registration == 0:
		r.organisers[n.Event] = true
	default:
		r.people[n.Registration] = true
	}
}

// Why notices stay as they are: the daemon would only come to the same end again.
const noAddress = "there is no such address: who corrects it registers again"

func (d *Desk) stays(c *convened.Claim) string {
	email := c.Registration.Email
	if c.Notice.Kind == convened.Preflight {
		email = c.Event.Organizer.Email
	}
	if _, err := address.Parse(email); err != nil && c.Registration.ErasedAt.IsZero() {
		return noAddress
	}
	if d.Permit != nil {
		return d.Permit(c)
	}
	return ""
}

func (r *releasing) finish(d *Desk) *Release {
	r.People = len(r.people) + len(r.organisers)
	for _, event := range r.events {
		r.decisions = append(r.decisions, store.Decision{What: r.what, By: d.By, About: r.About, Event: event, IDs: r.ids[event], States: r.states})
	}
	return r.Release
}

// Release carries a release or a retry out and returns how many notices went.
// What is not any more as it was shown stays as it is.
func (d *Desk) Release(ctx context.Context, now time.Time, r *Release) (int, error) {
	if r.Notices == 0 {
		return 0, nil
	}
	return d.Store.LetGo(ctx, now, r.decisions)
}

// A Detention is a quarantine, and what ending it would send at once.
type Detention struct {
	*convened.Quarantine
	People int // who have mail that is due, as far as it has not lost its use
}

// Quarantine returns the quarantine; nil if there is none.
func (d *Desk) Quarantine(ctx context.Context, now time.Time) (*Detention, error) {
	q, err := d.Store.Quarantine(ctx)
	if q == nil || err != nil {
		return nil, err
	}
	n, err := d.Store.Due(ctx, now)
	return &Detention{Quarantine: q, People: n}, err
}

// EndQuarantine says that this is the database to serve: mail goes out again. It
// reports false if there was no quarantine.
func (d *Desk) EndQuarantine(ctx context.Context, now time.Time) (bool, error) {
	q, err := d.Store.EndQuarantine(ctx, now, d.By)
	return q != nil, err
}
