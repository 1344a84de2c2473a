package desk

import (
	"context"
	"fmt"
	"time"

	"convened"
	"convened/address"
	"convened/store"
)

// This file holds what an organiser does about one person. Where it can't be done,
// the error wraps a store.Obstacle, which says why and what to do instead.

// Person returns a registration by its number, one that is not planned yet or was
// given up included. A repetition is the seat's, and is not found: its error wraps
// store.ErrNotFound.
func (d *Desk) Person(ctx context.Context, event string, id convened.RegistrationID) (*store.Person, error) {
	list, err := d.Store.People(ctx, store.Search{Event: event, Before: id + 1, Limit: 1})
	if err != nil {
		return nil, err
	}
	if len(list) == 0 || list[0].ID != id {
		return nil, fmt.Errorf("registration %d at event %q: %w", id, event, store.ErrNotFound)
	}
	return &list[0], nil
}

// Confirmations returns how many confirmations somebody was planned so far: what
// Resend wants to know.
func (d *Desk) Confirmations(ctx context.Context, now time.Time, event string, seat convened.RegistrationID) (int, error) {
	return d.Store.Confirmations(ctx, now, event, seat)
}

// Resend has the confirmation of a seat sent once more, now, however lately the last
// one went out: the ten minutes are for forms. known is how many there were when
// somebody wished for it (see Confirmations), so that a wish that arrives twice
// sends one letter.
func (d *Desk) Resend(ctx context.Context, now time.Time, event string, seat convened.RegistrationID, known int) error {
	p, err := d.Person(ctx, event, seat)
	if err != nil {
		return err
	}
	if _, err := address.Parse(p.Email); err != nil && p.ErasedAt.IsZero() {
		return store.NoAddress
	}
	return d.Store.Resend(ctx, now, event, seat, known, d.By)
}

// Correct mends an address that a person mistyped, and returns the number of their
// new registration: the daemon plans and confirms it as any other, or, where the
// right address is registered already, as its repetition. The old address gets
// nothing further, and its links show a registration that is given up. The error
// says what is wrong with an address that is none.
func (d *Desk) Correct(ctx context.Context, now time.Time, event string, seat convened.RegistrationID, email string) (convened.RegistrationID, error) {
	if _, err := address.Parse(email); err != nil {
		return 0, err
	}
	p, err := d.Person(ctx, event, seat)
	if err != nil {
		return 0, err
	}
	if address.Key(p.Email) == address.Key(email) {
		return 0, store.SameAddress
	}
	return d.Store.Correct(ctx, now, event, seat, email, d.By)
}

// Dismiss gives up somebody's seat, as GiveUp does, by its number.
func (d *Desk) Dismiss(ctx context.Context, now time.Time, event string, seat convened.RegistrationID) (bool, error) {
	if _, err := d.Person(ctx, event, seat); err != nil {
		return false, err
	}
	return d.Store.GiveUp(ctx, now, event, seat)
}
