package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"convened"
)

// LookBefore looks whether anything is wrong with an event before its start, and
// plans the letter that tells its organiser, if there is one to tell. It does so
// once for each start: trouble is nil if it was done before, or nothing is wrong.
func (s *Store) LookBefore(ctx context.Context, now time.Time, e *convened.Event) (t *convened.Trouble, planned bool, err error) {
	err = s.txWith(ctx, hasty, "look what is wrong with "+e.Slug, func(tx *sql.Tx) error {
		t, planned = nil, false
		first, err := changed(tx.ExecContext(ctx, stmt("note_look"), e.Slug, e.Starts))
		if err != nil || !first {
			return err
		}
		if t, err = trouble(ctx, tx, now, e); err != nil || t.None() || e.Organizer.Email == "" {
			return err
		}
		planned, err = changed(tx.ExecContext(ctx, stmt("plan_preflight"), e.Slug, convened.PreflightOccasion(e.Starts), convened.Preflight.Priority(), now))
		return err
	})
	if t.None() {
		t = nil
	}
	return t, planned, err
}

// Trouble returns what is wrong with an event at this moment. It is never nil.
func (s *Store) Trouble(ctx context.Context, now time.Time, e *convened.Event) (*convened.Trouble, error) {
	var t *convened.Trouble
	err := s.tx(ctx, "look what is wrong with "+e.Slug, func(tx *sql.Tx) (err error) {
		t, err = trouble(ctx, tx, now, e)
		return err
	})
	return t, err
}

func trouble(ctx context.Context, tx *sql.Tx, now time.Time, e *convened.Event) (*convened.Trouble, error) {
	t := &convened.Trouble{NoLink: e.LacksLink()}
	err := each(ctx, tx, stmt("trouble_refused"), []any{e.Slug, convened.MostBounced}, func(rows *sql.Rows) error {
		var one convened.RefusedOne
		err := rows.Scan(&one.Email, &one.Words, &t.Refused)
		t.Bounced = append(t.Bounced, one)
		return err
	})
	if err != nil {
		return nil, err
	}
	if t.Held, err = held(ctx, tx, e.Slug, false); err != nil {
		return nil, err
	}
	var since sql.NullTime
	err = tx.QueryRowContext(ctx, stmt("trouble_letters"), e.Slug, now.Add(-convened.UnsentAfter)).Scan(&t.Poison, &t.PoisonError, &t.Unsent, &since, &t.UnsentError)
	if err != nil {
		return nil, err
	}
	t.UnsentSince = utc(since)
	var status string
	err = tx.QueryRowContext(ctx, stmt("trouble_daemons")).Scan(&status)
	if errors.Is(err, sql.ErrNoRows) {
		return t, nil
	}
	t.Waiting = strings.TrimPrefix(status, "waiting: ")
	return t, err
}

// Held returns what is held of one event, or of all where event is "", by event
// and cause.
func (s *Store) Held(ctx context.Context, event string) ([]convened.Holding, error) {
	var list []convened.Holding
	err := s.tx(ctx, "read what is held", func(tx *sql.Tx) (err error) {
		list, err = held(ctx, tx, event, true)
		return err
	})
	return list, err
}

// Holdings returns what of an event is held, and why.
func (s *Store) Holdings(ctx context.Context, event string) ([]convened.Holding, error) {
	var list []convened.Holding
	err := s.tx(ctx, "look what is held", func(tx *sql.Tx) (err error) {
		list, err = held(ctx, tx, event, true)
		return err
	})
	return list, err
}

func held(ctx context.Context, tx *sql.Tx, event string, preflights bool) ([]convened.Holding, error) {
	var list []convened.Holding
	err := each(ctx, tx, stmt("list_held"), []any{event, preflights}, func(rows *sql.Rows) error {
		var h convened.Holding
		err := rows.Scan(&h.Event, &h.Cause, &h.Reason, &h.Notices)
		list = append(list, h)
		return err
	})
	return list, err
}
