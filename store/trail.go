package store

import (
	"context"
	"database/sql"

	"convened"
)

// This file holds the trail: who did what. A deed is written in the transaction
// that does it, so that neither is there without the other.

type actorKey struct{}

// As returns a context in which somebody acts: what this package then changes, it
// writes down as theirs. Without one nothing is written down: it is the daemon who
// acts, or a registrant for themselves.
func As(ctx context.Context, a convened.Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

// ActorOf returns who acts in a context, and whether anybody does.
func ActorOf(ctx context.Context) (convened.Actor, bool) {
	a, ok := ctx.Value(actorKey{}).(convened.Actor)
	return a, ok
}

// note writes a deed, where somebody acts.
func note(ctx context.Context, tx *sql.Tx, d convened.Deed) error {
	a, ok := ActorOf(ctx)
	if !ok {
		return nil
	}
	_, err := tx.ExecContext(ctx, stmt("note_deed"), a.At, clean(a.Name), string(a.Via), d.What, d.Event, int64(d.Registration), clean(d.Detail))
	return err
}

// Note writes a deed that changes no row of ours, such as a test that was sent. Who
// acts is in the context, as As has put it there.
func (s *Store) Note(ctx context.Context, d convened.Deed) error {
	return s.tx(ctx, "write down "+d.What, func(tx *sql.Tx) error { return note(ctx, tx, d) })
}

// Deeds returns what was done with an event, or where that is "" with anything, the
// latest first: at most limit, before the entry of a given ID where that is not 0.
func (s *Store) Deeds(ctx context.Context, event string, before int64, limit int) ([]convened.Deed, error) {
	var list []convened.Deed
	err := s.tx(ctx, "read the trail", func(tx *sql.Tx) (err error) {
		list, err = readDeeds(ctx, tx, stmt("list_deeds"), event, before, limit)
		return err
	})
	return list, err
}

func readDeeds(ctx context.Context, tx *sql.Tx, query string, args ...any) ([]convened.Deed, error) {
	var list []convened.Deed
	err := each(ctx, tx, query, args, func(rows *sql.Rows) error {
		var d convened.Deed
		err := rows.Scan(&d.ID, &d.At, &d.By, &d.Via, &d.What, &d.Event, &d.Registration, &d.Detail)
		d.At = d.At.UTC()
		list = append(list, d)
		return err
	})
	return list, err
}
