package desk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"convened"
	"convened/address"
	"convened/store"
)

// This file holds what follows from the rows of adopted tables: see package store
// for how they are taken.

// A Followed counts what was done about rows that changed.
type Followed struct {
	Taken     int // became registrations: new, come back, or their event is known by now
	GivenUp   int // seats
	Corrected int // addresses
	Renamed   int // name, language or zone
	Problems  int
	Vanished  int // rows that vanished at once and wait for somebody
}

// followStep is how many changes are read at a time.
const followStep = 500

// errLater is returned for a change that can't be followed yet: its registration
// waits for the next tick.
var errLater = errors.New("not planned yet")

// FollowSource does what the changes of a source's rows ask for, in the order in
// which they were made: a row that is deleted or cancelled gives up the seat, unless
// another registration of the same address has it too; one whose address was
// corrected gets its letters there; one that comes back is registered again. It may
// be stopped at any point, and any number of daemons may do it at once.
func (d *Desk) FollowSource(ctx context.Context, now time.Time, v *store.Source) (Followed, error) {
	var f Followed
	var err error
	if f.Taken, err = d.Store.RetryKnown(ctx, v); err != nil {
		return f, err
	}
	waits := map[string]bool{} // keys whose earlier change is not followed yet
	for after := int64(0); ; {
		list, err := d.Store.SourceChanges(ctx, v, after, followStep)
		if err != nil {
			return f, err
		}
		for i := range list {
			c := &list[i]
			after = c.ID
			if waits[c.Key] || waits[c.WasKey] {
				continue
			}
			err := d.follow(ctx, now, v, c, &f)
			if errors.Is(err, errLater) {
				waits[c.Key], waits[c.WasKey] = true, true
				continue
			}
			if err != nil {
				return f, fmt.Errorf("follow row %q of source %s: %w", c.Key, v.Name, err)
			}
		}
		if len(list) < followStep {
			return f, nil
		}
		// What stood in the list as it was read may have changed by what was done.
	}
}

// follow does what one change asks for.
func (d *Desk) follow(ctx context.Context, now time.Time, v *store.Source, c *store.SourceChange, f *Followed) error {
	settle := func(s store.SettledChange) error { return d.Store.SettleChange(ctx, c, s) }
	switch {
	case c.State == store.RowUnknown || c.State == store.RowBefore && !c.Gone:
		return settle(store.SettledChange{State: c.State, Passed: true})
	case c.Gone && c.State != store.RowTaken:
		return settle(store.SettledChange{State: store.RowGone})
	case c.Gone:
		if err := d.withdraw(ctx, now, v, c, f); err != nil {
			return err
		}
		return settle(store.SettledChange{State: store.RowGone})
	case c.Cancelled && c.State == store.RowTaken:
		if err := d.withdraw(ctx, now, v, c, f); err != nil {
			return err
		}
		return settle(store.SettledChange{State: store.RowOut})
	case c.Cancelled:
		return settle(store.SettledChange{State: store.RowOut})
	case c.State != store.RowTaken:
		f.Taken++
		return settle(store.SettledChange{State: store.RowTaken, Take: true})
	case c.Same || c.Seat == nil: // who was erased stays forgotten, whatever the row says
		return settle(store.SettledChange{State: store.RowTaken})
	}
	return d.revise(ctx, now, v, c, f)
}

// withdraw gives up the seat of a row, if it is its alone.
func (d *Desk) withdraw(ctx context.Context, now time.Time, v *store.Source, c *store.SourceChange, f *Followed) error {
	if !v.Follow || c.Seat == nil || c.Shared {
		return nil
	}
	if !c.Planned {
		return errLater
	}
	left, err := d.Store.GiveUp(ctx, now, c.Seat.Event, c.Seat.ID)
	if left {
		f.GivenUp++
	}
	return err
}

// revise does what a row asks for that says something else than when it was taken.
func (d *Desk) revise(ctx context.Context, now time.Time, v *store.Source, c *store.SourceChange, f *Followed) error {
	if !c.Planned {
		return errLater
	}
	if c.Event != c.Seat.Event || c.Email == "" {
		// Another event, or nobody any more: the one ends, and the other begins, or is a
		// problem that somebody sees.
		if err := d.withdraw(ctx, now, v, c, f); err != nil {
			return err
		}
		f.Taken++
		return d.Store.SettleChange(ctx, c, store.SettledChange{State: store.RowTaken, Take: true})
	}
	if address.Key(c.Email) == address.Key(c.Seat.Email) {
		f.Renamed++
		if err := d.Store.Rename(ctx, c.Seat.ID, c.Name, c.Language, c.Zone); err != nil {
			return err
		}
		return d.Store.SettleChange(ctx, c, store.SettledChange{State: store.RowTaken})
	}
	becomes, err := d.moveAddress(ctx, now, c)
	switch {
	case errors.Is(err, errLater):
		return err
	case err != nil:
		f.Problems++
		return d.Store.SettleChange(ctx, c, store.SettledChange{State: store.RowTaken, Problem: "the address was not corrected: " + err.Error()})
	}
	f.Corrected++
	return d.Store.SettleChange(ctx, c, store.SettledChange{State: store.RowTaken, Becomes: becomes, Take: becomes == 0})
}

// moveAddress gives the person of a row the address that it has now, and returns
// the registration that the row stands for from now on; 0 where it has to be taken
// anew, because the old seat is given up, or somebody else's too.
func (d *Desk) moveAddress(ctx context.Context, now time.Time, c *store.SourceChange) (convened.RegistrationID, error) {
	if !c.Seat.CancelledAt.IsZero() || c.Shared {
		return 0, nil
	}
	// The name goes along with the seat.
	if err := d.Store.Rename(ctx, c.Seat.ID, c.Name, c.Language, c.Zone); err != nil {
		return 0, err
	}
	becomes, err := d.Correct(ctx, now, c.Seat.Event, c.Seat.ID, c.Email)
	var obstacle store.Obstacle
	if !errors.As(err, &obstacle) {
		return becomes, err
	}
	switch obstacle {
	case store.EventOff, store.EventOver:
		return c.Taken, nil // nobody is written to any more
	case store.SeatLeft:
		return 0, nil
	case store.NotPlanned:
		return 0, errLater
	}
	return 0, err
}

// LookLater returns how long a polled source is left alone after a look: long enough
// that looking costs at most a twentieth of the time, and never less than the poll
// interval.
func LookLater(took, poll time.Duration) time.Duration { return max(poll, 19*took) }

// AttendSource does what one source asks for at an instant: looks at its table
// where that is polled and due, and follows what changed.
func (d *Desk) AttendSource(ctx context.Context, now time.Time, v *store.Source, poll time.Duration, log *slog.Logger) (more bool, err error) {
	if v.Way == store.ByHTTP {
		return false, nil
	}
	if v.Way == store.ByPolling && !now.Before(v.LookedAt.Add(LookLater(v.LookTook, poll))) {
		l, err := d.Store.Look(ctx, now, v)
		if err != nil {
			return false, err
		}
		more = l.More
		if l.Fresh+l.Changed+l.Vanished+l.Problems > 0 {
			log.Info("looked", "source", v.Name, "taken", l.Fresh, "changed", l.Changed, "vanished", l.Vanished, "problems", l.Problems)
		}
	}
	f, err := d.FollowSource(ctx, now, v)
	if f != (Followed{}) {
		log.Info("followed", "source", v.Name, "taken", f.Taken, "given_up", f.GivenUp, "corrected", f.Corrected, "renamed", f.Renamed, "problems", f.Problems)
	}
	return more, err
}
