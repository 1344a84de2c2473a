package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/lib/pq"

	"convened"
)

// This file holds what follows from rows that changed after they were taken. The
// trigger, or a look, notes each change; the daemon follows it by what an organiser
// does (see desk.FollowSource), and settles it here.

// A RowState is how a row of a source stands: see source_rows in the schema.
type RowState string

// The states of a row.
const (
	RowUnknown RowState = "" // nothing is known of it: it was there before the trigger
	RowBefore  RowState = "before"
	RowTaken   RowState = "taken"
	RowOut     RowState = "out"
	RowGone    RowState = "gone"
	RowProblem RowState = "problem"
)

// A SourceChange is what a row says now, and how it stood.
type SourceChange struct {
	ID                                 int64
	Key                                string
	WasKey                             string // its key before, where that was changed
	Gone                               bool
	Event, Email, Name, Language, Zone string
	Cancelled                          bool

	State   RowState
	Same    bool                    // it says what it said when it was taken
	Seat    *convened.Registration  // that it was taken for; nil: none, or it was erased
	Taken   convened.RegistrationID // the registration that it became; 0: none
	Planned bool                    // Taken has its seat
	Shared  bool                    // another registration of the same address, which is not withdrawn, has the seat too

	source *Source
	digest []byte
}

// SourceChanges returns changes of a source that are still to be followed, the
// earliest first, at most limit after a given one. Rows that vanished in numbers are
// left out until somebody lets them go: see Source.Vanished.
func (s *Store) SourceChanges(ctx context.Context, v *Source, after int64, limit int) ([]SourceChange, error) {
	var list []SourceChange
	err := s.tx(ctx, "read changes of source "+v.Name, func(tx *sql.Tx) error {
		list = nil
		var vanished int
		if err := tx.QueryRowContext(ctx, stmt("guard_source"), v.ID, mostVanished).Scan(&vanished); err != nil {
			return err
		}
		return each(ctx, tx, stmt("source_changes"), []any{v.ID, after, limit, vanished > 0}, func(rows *sql.Rows) error {
			c := SourceChange{source: v}
			var seat sql.NullInt64
			var event, email, name, language, zone string
			var left sql.NullTime
			err := rows.Scan(&c.ID, &c.Key, &c.WasKey, &c.Gone, &c.Event, &c.Email, &c.Name, &c.Language, &c.Zone, &c.Cancelled, &c.digest,
				&c.State, &c.Same, &c.Taken, &seat, &event, &email, &name, &language, &zone, &left, &c.Planned, &c.Shared)
			if seat.Valid {
				c.Seat = &convened.Registration{ID: convened.RegistrationID(seat.Int64), Event: event, Email: email, Name: name, Language: language, Zone: zone, CancelledAt: utc(left)}
			}
			list = append(list, c)
			return err
		})
	})
	return list, err
}

// mostVanished is how many rows may vanish before they are followed without
// anybody's saying so: whoever empties a table has rarely meant to tell everybody
// that they are not coming.
const mostVanished = 20

// A SettledChange is what came of a change.
type SettledChange struct {
	State   RowState                // of the row from now on; RowUnknown forgets it
	Becomes convened.RegistrationID // the registration that it stands for now; 0: as before
	Take    bool                    // it is to be a new registration
	Passed  bool                    // it was there before, and is nobody's business
	Problem string                  // why it could not be followed
}

// SettleChange writes what came of a change, with the registration that it asks
// for, all or nothing. If we crash before it, the change is followed again, and
// what was done for it is found done.
func (s *Store) SettleChange(ctx context.Context, c *SourceChange, d SettledChange) error {
	v := c.source
	return s.tx(ctx, "settle a change of source "+v.Name, func(tx *sql.Tx) error {
		if c.WasKey != c.Key {
			if _, err := tx.ExecContext(ctx, stmt("rename_source_row"), v.ID, c.WasKey, c.Key); err != nil {
				return err
			}
		}
		if _, err := tx.ExecContext(ctx, stmt("settle_source_row"), v.ID, c.Key, string(d.State), int64(d.Becomes), c.digest, d.Take, d.Passed, c.ID); err != nil {
			return err
		}
		if d.Problem != "" {
			if _, err := tx.ExecContext(ctx, stmt("insert_source_problem"), v.ID, c.Key, "correction", d.Problem, c.Event, c.Email, c.Name, c.Language, c.Zone); err != nil {
				return err
			}
		}
		if !d.Take {
			return nil
		}
		_, err := v.take(ctx, tx, []seenRow{c.seenRow()}, false)
		return err
	})
}

func (c *SourceChange) seenRow() seenRow {
	g := seenRow{key: c.Key, cancelled: c.Cancelled, digest: c.digest}
	for i, text := range []string{c.Event, c.Email, c.Name, c.Language, c.Zone} {
		g.values[i] = sql.NullString{String: text, Valid: text != ""}
	}
	return g
}

// Rename gives a seat the name, the language and the zone that its source says.
func (s *Store) Rename(ctx context.Context, seat convened.RegistrationID, name, language, zone string) error {
	return s.tx(ctx, "rename a seat", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, stmt("rename_seat"), int64(seat), clean(name), clean(language), clean(zone))
		return err
	})
}

// LetVanish says that the rows that vanished at once are meant to be gone, and returns
// how many there are.
func (s *Store) LetVanish(ctx context.Context, v *Source) (int, error) {
	n := 0
	err := s.tx(ctx, "let vanished rows go", func(tx *sql.Tx) error {
		if err := tx.QueryRowContext(ctx, stmt("let_vanish"), v.ID).Scan(&n); err != nil {
			return err
		}
		return note(ctx, tx, convened.Deed{What: convened.SourceReleased, Detail: fmt.Sprintf("%s: %d rows", v.Name, n)})
	})
	return n, err
}

// A SourceProblem is a row that could not be taken.
type SourceProblem struct {
	Source string
	Key    string
	At     time.Time
	What   string // mapping, address, event, correction, truncated
	Detail string
	Event  string
	Email  string
	Name   string
}

// SourceProblems returns the rows of a source (of all, where name is "") that
// could not be taken, the latest first.
func (s *Store) SourceProblems(ctx context.Context, name string, limit int) ([]SourceProblem, error) {
	var list []SourceProblem
	err := s.tx(ctx, "list problems", func(tx *sql.Tx) error {
		list = nil
		return each(ctx, tx, stmt("list_source_problems"), []any{name, limit}, func(rows *sql.Rows) error {
			var p SourceProblem
			err := rows.Scan(&p.Source, &p.Key, &p.At, &p.What, &p.Detail, &p.Event, &p.Email, &p.Name)
			p.At = p.At.UTC()
			list = append(list, p)
			return err
		})
	})
	return list, err
}

// RetryKnown takes rows that were problems because nobody knew their event, now
// that there is one: it needs nothing of the table. It returns how many.
func (s *Store) RetryKnown(ctx context.Context, v *Source) (int, error) {
	var t Taking
	err := s.tx(ctx, "take rows whose event is known by now", func(tx *sql.Tx) error {
		var list []seenRow
		err := each(ctx, tx, stmt("source_problems_known"), []any{v.ID, backfillStep}, func(rows *sql.Rows) error {
			var g seenRow
			err := rows.Scan(&g.key, &g.values[0], &g.values[1], &g.values[2], &g.values[3], &g.values[4], &g.digest, &g.version)
			list = append(list, g)
			return err
		})
		if err != nil {
			return err
		}
		t, err = v.take(ctx, tx, list, false)
		return err
	})
	return t.Taken, err
}

// Retry reads the rows of a source that are problems once more, and takes those
// that can be taken by now. It needs to read the table.
func (s *Store) Retry(ctx context.Context, v *Source) (Taking, error) {
	var all Taking
	after := ""
	for {
		var keys []string
		err := s.long.tx(ctx, "try problems of source "+v.Name+" again", func(tx *sql.Tx) error {
			keys = nil
			if _, err := tx.ExecContext(ctx, lookTimeout+"; "+plainNames); err != nil {
				return err
			}
			if err := appendKeys(ctx, tx, &keys, stmt("next_problems"), v.ID, after, backfillStep); err != nil || len(keys) == 0 {
				return err
			}
			if err := v.readKinds(ctx, tx); err != nil {
				return err
			}
			list, err := v.sight(ctx, tx, keys)
			if err != nil {
				return err
			}
			t, err := v.take(ctx, tx, list, false)
			all.Taken, all.Out, all.Problems = all.Taken+t.Taken, all.Out+t.Out, all.Problems+t.Problems
			if err != nil {
				return err
			}
			gone := map[string]bool{}
			for _, k := range keys {
				gone[k] = true
			}
			for _, g := range list {
				delete(gone, g.key)
			}
			for k := range gone {
				all.Gone++
				if _, err := tx.ExecContext(ctx, stmt("forget_source_rows"), v.ID, pq.Array([]string{k})); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil || len(keys) == 0 {
			return all, err
		}
		after = keys[len(keys)-1]
	}
}

// ForgetProblems forgets who the rows were of that could not be taken before an
// instant; that they could not stays known.
func (s *Store) ForgetProblems(ctx context.Context, before time.Time) error {
	return s.tx(ctx, "forget people of problems", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, stmt("forget_problems"), before)
		return err
	})
}
