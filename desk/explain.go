package desk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"convened"
	"convened/address"
	"convened/scheduler"
	"convened/store"
)

// An Explanation is what became of every mail of an event to one person, and
// what will.
type Explanation struct {
	Event *convened.Event
	At    time.Time              // the instant as of which it is
	Seat  *convened.Registration // nil: the registration is not planned yet
	// RefusedAt is since when the address does not work; zero: it does, as far as
	// anyone knows.
	RefusedAt time.Time
	Arrivals  []convened.Arrival // registrations of the address that nobody has planned yet
	Lines     []scheduler.Line
	Attempts  map[convened.NoticeID][]convened.Attempt
	Returns   []convened.Return // what came back of them, in the order in which it came
	Notices   map[convened.NoticeID]store.NoticeLine

	// Corrections says which mistyped address this one took the place of, and which
	// took its place.
	Corrections []store.Correction
	Deeds       []convened.Deed // what organisers did about this person, in order
}

// ErrNobody is wrapped where an address has not registered for an event.
var ErrNobody = errors.New("not registered")

// Explain says why the person of an address did, did not or will get each mail
// of an event. Its error wraps store.ErrNotFound for an event that there is not,
// ErrNobody for an address that has not registered for it.
func (d *Desk) Explain(ctx context.Context, now time.Time, slug, email string) (*Explanation, error) {
	key := address.Key(email)
	o, err := d.Store.Outlook(ctx, now, slug, key, Identify)
	if err != nil {
		return nil, fmt.Errorf("event %q: %w", slug, err)
	}
	x := &Explanation{Event: o.Event, At: now, Arrivals: o.Arrivals, Notices: map[convened.NoticeID]store.NoticeLine{}}
	var history []convened.Notice
	switch {
	case len(o.Seats) > 0:
		x.RefusedAt = o.Seats[0].RefusedAt
		h, err := d.Store.Story(ctx, slug, key, o.Seats[0].ID)
		if err != nil {
			return nil, err
		}
		x.Seat, x.Attempts, x.Returns, x.Corrections, x.Deeds = h.Seat, h.Attempts, h.Returns, h.Corrections, h.Deeds
		for _, n := range h.Notices {
			history = append(history, n.Notice)
			x.Notices[n.ID] = n
		}
	case len(o.Arrivals) == 0:
		return nil, fmt.Errorf("%s is %w for event %q, or was erased", email, ErrNobody, slug)
	}
	x.Lines = scheduler.Explain(o, history, now, d.policy())
	for i := range x.Lines {
		l := &x.Lines[i]
		if n := x.Notices[l.Notice]; n.LetGo.What == store.Resent && (l.Verdict == scheduler.Did || l.Verdict == scheduler.Will && l.Why == "") {
			l.Why = "sent once more, as " + cmp.Or(n.LetGo.By, "somebody") + " asked"
		}
	}
	return x, nil
}
