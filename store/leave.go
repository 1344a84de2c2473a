package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"convened"
)

// This file holds the ways out: giving up a seat, muting its reminders, and
// being forgotten. Each holds the event's row, so that planning sees a person
// either before or after.

// lockedEvent is what lock_event reads of the event that it holds.
type lockedEvent struct {
	status   convened.EventStatus
	seats    int
	revision int
	ends     time.Time
	starts   time.Time
	created  time.Time
}

func lockEvent(ctx context.Context, tx *sql.Tx, slug string) (lockedEvent, error) {
	var e lockedEvent
	err := tx.QueryRowContext(ctx, stmt("lock_event"), slug).Scan(&e.status, &e.seats, &e.revision, &e.ends, &e.starts, &e.created)
	return e, err
}

// GiveUp cancels one seat: no more reminders, and a cancellation of the
// invitation for this person alone. It reports false for a seat that was given
// up before.
func (s *Store) GiveUp(ctx context.Context, now time.Time, event string, seat convened.RegistrationID) (bool, error) {
	left := false
	err := s.tx(ctx, "give up a seat", func(tx *sql.Tx) error {
		left = false
		if _, err := lockEvent(ctx, tx, event); err != nil {
			return err
		}
		var sequence int
		err := tx.QueryRowContext(ctx, stmt("give_up_seat"), event, int64(seat), now).Scan(&sequence)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		left = true
		kinds := []string{string(convened.Confirmation), string(convened.ReminderKind), string(convened.Update), string(convened.Followup)}
		if _, err := tx.ExecContext(ctx, stmt("drop_planned"), int64(seat), array(kinds), now, "the registration was cancelled"); err != nil {
			return err
		}
		if _, err = tx.ExecContext(ctx, stmt("plan_withdrawal"), int64(seat), now); err != nil {
			return err
		}
		return note(ctx, tx, convened.Deed{What: convened.SeatGivenUp, Event: event, Registration: seat})
	})
	return left, err
}

// Mute stops the reminders and follow-ups of one seat and keeps the seat. It
// reports false for a seat that is muted already.
func (s *Store) Mute(ctx context.Context, now time.Time, event string, seat convened.RegistrationID) (bool, error) {
	muted := false
	err := s.tx(ctx, "mute a seat", func(tx *sql.Tx) error {
		muted = false
		if _, err := lockEvent(ctx, tx, event); err != nil {
			return err
		}
		var err error
		if muted, err = changed(tx.ExecContext(ctx, stmt("mute_seat"), event, int64(seat), now)); err != nil || !muted {
			return err
		}
		kinds := []string{string(convened.ReminderKind), string(convened.Followup)}
		if _, err = tx.ExecContext(ctx, stmt("drop_planned"), int64(seat), array(kinds), now, "the reminders were muted"); err != nil {
			return err
		}
		return note(ctx, tx, convened.Deed{What: convened.SeatMuted, Event: event, Registration: seat})
	})
	return muted, err
}

// Unmute has reminders sent again, from now on. What went out to others while
// the seat was muted is late for it: the rule's `late` says what follows. It
// reports false for a seat that is not muted.
func (s *Store) Unmute(ctx context.Context, now time.Time, event string, seat convened.RegistrationID) (bool, error) {
	unmuted := false
	err := s.tx(ctx, "unmute a seat", func(tx *sql.Tx) error {
		unmuted = false
		e, err := lockEvent(ctx, tx, event)
		if err != nil {
			return err
		}
		if unmuted, err = changed(tx.ExecContext(ctx, stmt("unmute_seat"), event, int64(seat), e.seats)); err != nil || !unmuted {
			return err
		}
		if _, err := tx.ExecContext(ctx, stmt("count_seats"), event, 1); err != nil {
			return err
		}
		if err := note(ctx, tx, convened.Deed{What: convened.SeatUnmuted, Event: event, Registration: seat}); err != nil {
			return err
		}
		if e.status == convened.EventIsOff {
			return nil
		}
		_, err = tx.ExecContext(ctx, stmt("plan_catch_up"), event, array([]int64{int64(seat)}), now, e.starts)
		return err
	})
	return unmuted, err
}

func changed(r sql.Result, err error) (bool, error) {
	n, err := affected(r, err)
	return n > 0, err
}

// Erase removes the personal data of an address (in the form of address.Key,
// and as it was typed) from every table: of one event or, where event is "", of
// all. Nothing more is sent to it. It returns how many registrations there were.
func (s *Store) Erase(ctx context.Context, now time.Time, event, address, typed string) (int, error) {
	n := 0
	err := s.tx(ctx, "erase a registration", func(tx *sql.Tx) error {
		ids, err := eraseIDs(ctx, tx, now, stmt("registrations_of_address"), event, address, typed)
		if err == nil {
			_, err = tx.ExecContext(ctx, stmt("erase_sent"), event, typed)
		}
		n = len(ids)
		for i := 0; i < n && err == nil; i++ {
			err = note(ctx, tx, convened.Deed{What: convened.PersonErased, Event: event, Registration: convened.RegistrationID(ids[i])})
		}
		return err
	})
	return n, err
}

// eraseStep is how many registrations are erased at a time: each has notices and
// attempts, which lie all over the disk.
const eraseStep = 2_000

// EraseOutlived removes the personal data of those whose events ended before
// the given instant, a few thousand at a time. It returns how many there were.
func (s *Store) EraseOutlived(ctx context.Context, now, before time.Time) (int, error) {
	n := 0
	err := s.txWith(ctx, counting, "erase what is kept for too long", func(tx *sql.Tx) error {
		ids, err := eraseIDs(ctx, tx, now, stmt("outlived_registrations"), before, eraseStep)
		n = len(ids)
		return err
	})
	return n, err
}

func eraseIDs(ctx context.Context, tx *sql.Tx, now time.Time, query string, args ...any) ([]int64, error) {
	var ids []int64
	err := each(ctx, tx, query, args, func(rows *sql.Rows) error {
		var id int64
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	})
	if err != nil || len(ids) == 0 {
		return ids, err
	}
	for _, name := range []string{"erase_registrations", "erase_notices"} {
		if _, err := tx.ExecContext(ctx, stmt(name), array(ids), now); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if _, err := tx.ExecContext(ctx, stmt("erase_deeds"), array(ids)); err != nil {
		return nil, fmt.Errorf("erase_deeds: %w", err)
	}
	return ids, nil
}
