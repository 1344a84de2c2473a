package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"convened"
)

// This file is the short way of a burst: the letters of a step are composed before their
// rows are there, which are then claimed and marked from the start. A row is written
// twice so, and not four times. Until the rows are there nobody else knows of it. A step
// whose commit is under way when we crash or lose the connection may yet come about: who
// gives back what is left of it waits for that first.

// NextSeats returns for whom the next step of an occasion would plan, at most limit
// seats after the given one, as the claims that PlanAhead makes of them; after is -1 for
// where the occasion stands. It returns nil where nothing may be claimed, where
// PlanOccasion has not recorded the occasion, and where all of it is planned.
func (s *Store) NextSeats(ctx context.Context, now time.Time, p convened.OccasionPlan, after, limit int) (*convened.Ahead, error) {
	o := p.Occasion
	occasion := o.String()
	s.mu.Lock()
	doubts := s.doubts
	s.mu.Unlock()
	// What may have been claimed comes first: its numbers may be given out again.
	if err := s.returnUnsure(ctx); err != nil {
		return nil, err
	}
	var a *convened.Ahead
	err := s.txWith(ctx, planning.byID(), "read who is next", func(tx *sql.Tx) error {
		a = nil
		claims := make([]convened.Claim, limit) // in one piece: they come and go together
		args := []any{p.Event, o.Key, o.Start, o.Ordinal, sql.NullInt64{Int64: int64(after), Valid: after >= 0}, limit, p.SeatedBy}
		// What is not kept as it comes is read into these; a row leaves nothing else behind.
		var past, upto, seat, notice, registration, sequence int64
		var last bool
		var uid, email, name, language, zone, thread string
		var sequenced, created, seated, declined sql.NullTime
		into := []any{&past, &upto, &last, &seat, &notice, &registration, &uid, &email, &name, &language, &zone, &sequence, &sequenced, &created, &seated, &declined, &thread}
		if err := each(ctx, tx, stmt("next_seats"), args, func(rows *sql.Rows) error {
			err := rows.Scan(into...)
			if a == nil {
				a = &convened.Ahead{Doubts: doubts, From: int(past), Upto: int(upto), Last: last}
			}
			if err != nil || notice == 0 {
				return err
			}
			if len(claims) == 0 {
				return errors.New("there are more seats than were asked for")
			}
			c := &claims[0]
			n, r := &c.Notice, &c.Registration
			claims, c.Told, c.ThreadID = claims[1:], -1, thread
			n.ID, n.Registration = convened.NoticeID(notice), convened.RegistrationID(registration)
			n.Event, n.Kind, n.Occasion, n.State, n.Attempt = p.Event, p.Kind, occasion, convened.Claimed, 1
			n.Instant, n.DueAt = o.At.UTC(), o.At.UTC()
			r.ID, r.Event, r.Sequence = n.Registration, p.Event, int(sequence)
			r.UID, r.Email, r.Name, r.Language, r.Zone = uid, email, name, language, zone
			r.SequencedAt, r.CreatedAt, r.SeatedAt, r.DeclinedAt = utc(sequenced), utc(created), utc(seated), utc(declined)
			a.Claims, a.Seats = append(a.Claims, c), append(a.Seats, int(seat))
			return nil
		}); err != nil || a == nil {
			return err
		}
		for _, c := range a.Claims {
			if err := s.complete(ctx, tx, now, c, pastEvent{now: p.Revision}); err != nil {
				return err
			}
		}
		return nil
	})
	return a, err
}

// PlanAhead plans the step that NextSeats looked at. The notices of the given marks are
// claims of this daemon from the start, and marked for the length of lease; it returns
// which of them may be sent now. The others, and those for which there is no mark, are
// planned for whoever claims them, as far as they are to be. Where the event was edited
// meanwhile it does nothing and returns convened.ErrEdited, and where somebody else has
// planned the step or a notice of it, where nothing may be claimed, or where nothing of it
// is left, it does nothing and the step is lost.
//
// Where somebody has the event for longer than it waits it returns convened.ErrBusy.
//
// After any other error the notices may be there all the same, or be there later. The
// next look gives them back first, and so does Recover. What was looked at before such an
// error is not planned any more, but convened.ErrStale: if it was a crash of the server,
// numbers may have been given out twice, and one that is on its way must not be given back
// for another's sake.
func (s *Store) PlanAhead(ctx context.Context, now time.Time, p convened.OccasionPlan, a *convened.Ahead, marks []convened.Mark, lease time.Duration) (map[convened.NoticeID]bool, convened.Step, error) {
	s.mu.Lock()
	stale := a.Doubts != s.doubts
	s.mu.Unlock()
	if stale {
		return nil, convened.Step{}, convened.ErrStale
	}
	seats := a.Upto - a.From
	ids, registrations, sequences, messages := make([]int64, seats), make([]int64, seats), make([]int64, seats), make([]string, seats)
	byID := make(map[convened.NoticeID]*convened.Mark, len(marks))
	for i := range marks {
		byID[marks[i].Notice] = &marks[i]
	}
	var highest, count int64
	for i, c := range a.Claims {
		if m := byID[c.Notice.ID]; m != nil {
			at := a.Seats[i] - a.From - 1
			ids[at], registrations[at], sequences[at], messages[at] = int64(m.Notice), int64(c.Registration.ID), int64(m.Sequence), m.MessageID
			highest, count = max(highest, ids[at]), count+1
		}
	}
	var ok map[convened.NoticeID]bool
	var step convened.Step
	err := s.txWith(ctx, marking.byID(), "plan and mark reminders", func(tx *sql.Tx) error {
		ok, step = make(map[convened.NoticeID]bool, len(marks)), convened.Step{}
		// Shared with marks and held against edits, and against whoever takes a seat.
		var revision, sequence int
		err := tx.QueryRowContext(ctx, stmt("share_event"), p.Event).Scan(&revision, &sequence)
		if err != nil {
			return err
		}
		if revision != p.Revision {
			return convened.ErrEdited
		}
		var claimed []int64
		step, claimed, err = planStep(ctx, tx, now, p, newRows["plan_occasion"], seats, ready{from: sql.NullInt64{Int64: int64(a.From), Valid: true}, ids: array(ids), registrations: array(registrations),
			sequences: array(sequences), messages: array(messages), daemon: s.id(), lease: lease.Milliseconds(), revision: revision, sequence: sequence, highest: highest, count: sql.NullInt64{Int64: count, Valid: true}})
		if err != nil {
			return err
		}
		if claimed == nil {
			claimed = ids
		}
		for _, id := range claimed {
			if id != 0 { // a seat whose letter is not ready
				ok[convened.NoticeID(id)] = true
			}
		}
		return nil
	})
	if violated(err) == "notices_once" {
		return nil, convened.Step{Lost: true}, nil
	}
	if errors.Is(err, convened.ErrEdited) || errors.Is(err, convened.ErrBusy) {
		return nil, convened.Step{}, err // it never came to a commit
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range marks {
		switch attempt := (Attempt{marks[i].Notice, marks[i].Attempt}); {
		case err != nil:
			s.steps = append(s.steps, attempt)
		case ok[marks[i].Notice]:
			s.inHand[attempt] = true
		}
	}
	if err != nil {
		s.doubts++
		return nil, convened.Step{}, err
	}
	return ok, step, nil
}

// returnUnsure gives back what may have been claimed. A step may have been lost by us
// while the server still commits it, so that one is waited for, and is kept for later
// where it takes long: convened.ErrBusy.
func (s *Store) returnUnsure(ctx context.Context) error {
	s.mu.Lock()
	claims, steps := s.unsure, s.steps
	s.unsure, s.steps = nil, nil
	s.mu.Unlock()
	var err error
	if len(steps) > 0 {
		err = s.awaitSteps(ctx, hasty)
	}
	if err == nil && len(claims)+len(steps) > 0 {
		err = s.txWith(ctx, settling.byID(), "give back what may be claimed", func(tx *sql.Tx) error {
			return giveBackUnsure(ctx, tx, s.id(), slices.Concat(claims, steps))
		})
	}
	if err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.unsure, s.steps = append(s.unsure, claims...), append(s.steps, steps...)
	}
	return err
}

// awaitSteps waits until the steps that anybody is planning have ended.
func (s *Store) awaitSteps(ctx context.Context, p patience) error {
	return s.txWith(ctx, p, "wait for steps under way", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, stmt("await_steps"))
		return err
	})
}
