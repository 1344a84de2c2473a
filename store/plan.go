package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/lib/pq"

	"convened"
)

// array passes a slice as one parameter.
func array(v any) any { return pq.Array(v) }

// StepSize is the largest number of rows that one statement plans: a step stays
// well within the statement's timeout.
const StepSize = 20_000

// OccasionStep is the largest number of seats that a step of an occasion looks at.
// It holds the event's row, for which the marks of letters that are ready wait.
const OccasionStep = 4_000

// firstStep is the same for its first step: letters begin to leave, and show how quickly
// they do, before there is more.
const firstStep = 500

// Newcomers returns registrations that are not planned, at most StepSize.
func (s *Store) Newcomers(ctx context.Context) ([]convened.Newcomer, error) {
	var list []convened.Newcomer
	err := s.txWith(ctx, asking, "read new registrations", func(tx *sql.Tx) error {
		list = list[:0]
		return each(ctx, tx, stmt("take_unplanned"), []any{StepSize}, func(rows *sql.Rows) error {
			var n convened.Newcomer
			err := rows.Scan(&n.ID, &n.Event, &n.Email)
			list = append(list, n)
			return err
		})
	})
	return list, err
}

// Occasions returns the occasions of an event that are recorded.
func (s *Store) Occasions(ctx context.Context, event string) ([]convened.Recorded, error) {
	var list []convened.Recorded
	err := s.txWith(ctx, brisk, "read occasions", func(tx *sql.Tx) error {
		list = nil
		return each(ctx, tx, stmt("occasions_of"), []any{event}, func(rows *sql.Rows) error {
			r, err := scanRecorded(rows)
			list = append(list, r)
			return err
		})
	})
	return list, err
}

func scanRecorded(rows *sql.Rows) (convened.Recorded, error) {
	var r convened.Recorded
	err := rows.Scan(&r.Key, &r.Start, &r.Ordinal, &r.At, &r.Planned, &r.Notices, &r.Passed, &r.RecordedAt, &r.Done, &r.Upto)
	r.Start, r.At, r.RecordedAt = r.Start.UTC(), r.At.UTC(), r.RecordedAt.UTC()
	return r, err
}

// PlanOccasion records an occasion and plans the next step of its notices.
// Where the event was edited meanwhile it does nothing and returns convened.ErrEdited.
func (s *Store) PlanOccasion(ctx context.Context, now time.Time, p convened.OccasionPlan) (convened.Step, error) {
	var step convened.Step
	err := asNew("plan_occasion", func(query string) error {
		return s.txWith(ctx, planning, "plan reminders", func(tx *sql.Tx) error {
			e, err := lockEvent(ctx, tx, p.Event)
			if err != nil {
				return err
			}
			if e.revision != p.Revision {
				return convened.ErrEdited
			}
			o := p.Occasion
			r, err := tx.ExecContext(ctx, stmt("record_occasion"), p.Event, o.Key, o.Start, o.Ordinal, o.At, now, p.Passed)
			recorded, err := affected(r, err)
			if err != nil {
				return err
			}
			seats := OccasionStep
			if recorded > 0 {
				seats = firstStep
			}
			step, _, err = planStep(ctx, tx, now, p, query, seats, ready{})
			return err
		})
	})
	return step, err
}

// A ready says which letters of a step are ready: what plan_occasion.sql is told of
// them. Zero, none is.
type ready struct {
	from                                       sql.NullInt64
	ids, registrations, sequences, messages    any // by seat, the first being that after from
	daemon, lease, revision, sequence, highest any
	count                                      sql.NullInt64
}

// planStep plans for the next seats of an occasion that is recorded, at most limit, by
// plan_occasion.sql or what newRows has of it, and returns what was claimed and marked with
// it; nil is all that was ready.
func planStep(ctx context.Context, tx *sql.Tx, now time.Time, p convened.OccasionPlan, query string, limit int, l ready) (step convened.Step, claimed []int64, err error) {
	o := p.Occasion
	err = tx.QueryRowContext(ctx, query, p.Event, o.Key, o.Start, o.Ordinal, o.String(), string(p.Kind), p.Kind.Priority(), now, limit, p.SeatedBy, p.TooLate, p.Folds,
		l.from, l.ids, l.registrations, l.sequences, l.messages, l.daemon, l.lease, l.revision, l.sequence, l.highest, l.count).Scan(&step.Notices, &step.Done, array(&claimed))
	if errors.Is(err, sql.ErrNoRows) {
		// It was wholly planned already; of what was ready, nothing may be claimed.
		return convened.Step{Done: !l.from.Valid, Lost: l.from.Valid}, []int64{}, nil
	}
	return step, claimed, err
}

// PlanChanges plans the next steps of the updates and cancellations that are
// due. Done says that none is left. One that can't be planned holds up no other.
func (s *Store) PlanChanges(ctx context.Context, now time.Time) (convened.Step, error) {
	type change struct {
		event     string
		sequence  int
		kind      convened.Kind
		overtaken bool
	}
	var due []change
	all := convened.Step{Done: true}
	err := s.txWith(ctx, brisk, "read changes", func(tx *sql.Tx) error {
		due = nil
		return each(ctx, tx, stmt("due_changes"), []any{now}, func(rows *sql.Rows) error {
			var c change
			err := rows.Scan(&c.event, &c.sequence, &c.kind, &c.overtaken)
			due = append(due, c)
			return err
		})
	})
	if err != nil {
		return all, err
	}
	var errs []error
	for _, c := range due {
		var step convened.Step
		err := s.txWith(ctx, planning, "plan updates", func(tx *sql.Tx) error {
			step = convened.Step{}
			if _, err := lockEvent(ctx, tx, c.event); err != nil {
				return err
			}
			if c.overtaken {
				step.Done = true
				_, err := tx.ExecContext(ctx, stmt("overtake_change"), c.event, c.sequence, now)
				return err
			}
			if _, err := tx.ExecContext(ctx, stmt("record_change"), c.event, c.sequence, now); err != nil {
				return err
			}
			err := tx.QueryRowContext(ctx, stmt("plan_change"), c.event, c.sequence, string(c.kind), c.kind.Priority(), now, StepSize).Scan(&step.Notices, &step.Done)
			if errors.Is(err, sql.ErrNoRows) {
				step.Done = true
				return nil
			}
			return err
		})
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", c.event, err))
			continue
		}
		all.Notices += step.Notices
		all.Done = all.Done && step.Done
	}
	return all, errors.Join(errs...)
}
