package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"time"

	"convened"
)

// This file holds what comes back: finding out whose letter it was, writing it
// down, and what follows from it for the seat.

// An Addressee is whom a letter went to.
type Addressee struct {
	Notice       convened.NoticeID       // zero where only the invitation is known
	Registration convened.RegistrationID // zero for a preflight
	Event        string
	Kind         convened.Kind // of the letter; "" where only the invitation is known
	Address      string        // the identity of the seat: address.Key; "" for a preflight
}

// AddresseeOf returns to whom a letter went, for a caller who knows that the
// notice is ours, as by a return path that only this program can make. It is
// ErrNotFound where there is no such notice, or the person was erased.
func (s *Store) AddresseeOf(ctx context.Context, notice convened.NoticeID) (Addressee, error) {
	return s.addressee(ctx, notice, sql.NullString{})
}

// AddresseeOfCopy is AddresseeOf for a caller who has nothing but a copy of a
// letter: its Message-ID, without angle brackets, must be that of the notice.
func (s *Store) AddresseeOfCopy(ctx context.Context, notice convened.NoticeID, messageID string) (Addressee, error) {
	return s.addressee(ctx, notice, sql.NullString{String: clean(messageID), Valid: true})
}

func (s *Store) addressee(ctx context.Context, notice convened.NoticeID, messageID sql.NullString) (Addressee, error) {
	var a Addressee
	err := s.tx(ctx, "look for a letter", func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, stmt("letter_returned"), int64(notice), messageID).Scan(&a.Notice, &a.Registration, &a.Event, &a.Kind, &a.Address)
	})
	return a, err
}

var uuid = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// AddresseeOfInvitation returns whose seat an invitation is for, by its UID, or
// ErrNotFound.
func (s *Store) AddresseeOfInvitation(ctx context.Context, uid string) (Addressee, error) {
	if !uuid.MatchString(uid) {
		return Addressee{}, fmt.Errorf("look for an invitation: %w", ErrNotFound)
	}
	var a Addressee
	err := s.tx(ctx, "look for an invitation", func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, stmt("seat_of_invitation"), uid).Scan(&a.Registration, &a.Event, &a.Address)
	})
	return a, err
}

// IsOrganizer reports whether any event has an organiser of that address.
func (s *Store) IsOrganizer(ctx context.Context, email string) (bool, error) {
	known := false
	err := s.tx(ctx, "look for an organizer", func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, stmt("organizer_known"), clean(email)).Scan(&known)
	})
	return known, err
}

// maxReturns is how many returns of a kind are kept of one letter.
const maxReturns = 20

// Return writes down what came back of a letter and what follows from it: the
// effect that it returns, which is r.Effect unless that was so before. A letter
// of which nobody knew whether it had left has left. Of a mail that was written
// down before, and of one too many, nothing follows; nor of one about who was
// erased meanwhile.
func (s *Store) Return(ctx context.Context, event string, r convened.Return) (convened.Effect, error) {
	effect := convened.NoEffect
	err := s.tx(ctx, "write down what came back", func(tx *sql.Tx) error {
		effect = convened.NoEffect
		if _, err := lockEvent(ctx, tx, event); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, stmt("count_incoming"), r.At, string(r.Kind)); err != nil {
			return err
		}
		said := r.Said
		if r.Kind == convened.AnswerGiven && (said.IsZero() || said.After(r.At)) {
			said = r.At // a clock that is ahead must not outvote what is said tomorrow
		}
		notice := sql.NullInt64{Int64: int64(r.Notice), Valid: r.Notice != 0}
		seat := sql.NullInt64{Int64: int64(r.Registration), Valid: r.Registration != 0}
		var id int64
		err := tx.QueryRowContext(ctx, stmt("insert_return"), notice, seat, r.At, string(r.Kind), clean(r.Action), clean(r.Status), string(r.Cause),
			clean(r.Text), sql.NullTime{Time: said, Valid: !said.IsZero()}, r.Digest, maxReturns).Scan(&id)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		if notice.Valid && r.Kind != convened.AnswerGiven {
			if _, err := tx.ExecContext(ctx, stmt("arrived_after_all"), notice, r.At); err != nil {
				return err
			}
		}
		if r.Effect == convened.NoEffect || !seat.Valid {
			return nil
		}
		did, err := follow(ctx, tx, event, r, said, id)
		if err != nil || !did {
			return err
		}
		effect = r.Effect
		_, err = tx.ExecContext(ctx, stmt("note_effect"), id, string(effect))
		return err
		// If we crash before the commit, the mail is delivered once more.
	})
	return effect, err
}

// follow does what follows from a return for its seat. It reports false where
// that is how it was.
func follow(ctx context.Context, tx *sql.Tx, event string, r convened.Return, said time.Time, id int64) (bool, error) {
	seat := int64(r.Registration)
	drop := func(why string, kinds ...convened.Kind) error {
		names := make([]string, len(kinds))
		for i, k := range kinds {
			names[i] = string(k)
		}
		_, err := tx.ExecContext(ctx, stmt("drop_planned"), seat, array(names), r.At, why)
		return err
	}
	switch r.Effect {
	case convened.AddressMarked:
		did, err := changed(tx.ExecContext(ctx, stmt("refuse_seat"), event, seat, r.At))
		if err != nil || !did {
			return false, err
		}
		return true, drop("the address does not work: a letter came back", convened.Kinds()...)
	case convened.RemindersMuted:
		did, err := changed(tx.ExecContext(ctx, stmt("mute_seat"), event, seat, r.At))
		if err != nil || !did {
			return false, err
		}
		return true, drop("the reminders were muted: a letter was called spam", convened.ReminderKind, convened.Followup)
	case convened.SaidNo, convened.SaidYes:
		return changed(tx.ExecContext(ctx, stmt("answer_seat"), seat, r.Effect == convened.SaidNo, r.At, said, id))
	}
	return false, fmt.Errorf("there is no effect %q", r.Effect)
}

// CountIncoming counts a mail that came in and was dropped, by what it was.
func (s *Store) CountIncoming(ctx context.Context, now time.Time, what string) error {
	return s.tx(ctx, "count a mail", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, stmt("count_incoming"), now, what)
		return err
	})
}

// A ReturnLine is a return with whose it is.
type ReturnLine struct {
	ID int64
	convened.Return
	Event  string
	Letter convened.Kind // "" where only the seat is known
	Email  string        // as the person typed it
}

// Returns returns what came back of the letters of one event ("" is all), of one
// kind ("" is all), the latest first, at most limit with an id below before (0
// is the start).
func (s *Store) Returns(ctx context.Context, event string, kind convened.ReturnKind, limit int, before int64) ([]ReturnLine, error) {
	var list []ReturnLine
	err := s.tx(ctx, "list what came back", func(tx *sql.Tx) error {
		list = nil
		return each(ctx, tx, stmt("list_returns"), []any{event, string(kind), limit, before}, func(rows *sql.Rows) error {
			var l ReturnLine
			var said sql.NullTime
			err := rows.Scan(&l.ID, &l.Notice, &l.Registration, &l.At, &l.Kind, &l.Action, &l.Status, &l.Cause, &l.Text, &said, &l.Effect,
				&l.Event, &l.Letter, &l.Email)
			l.At, l.Said = l.At.UTC(), utc(said)
			list = append(list, l)
			return err
		})
	})
	return list, err
}

// ReturnsOf returns what came back of one person's letters, in the order in
// which it came.
func (s *Store) ReturnsOf(ctx context.Context, seat convened.RegistrationID) ([]convened.Return, error) {
	var list []convened.Return
	err := s.tx(ctx, "read what came back", func(tx *sql.Tx) (err error) {
		list, err = readReturns(ctx, tx, seat)
		return err
	})
	return list, err
}

func readReturns(ctx context.Context, tx *sql.Tx, seat convened.RegistrationID) ([]convened.Return, error) {
	var list []convened.Return
	err := each(ctx, tx, stmt("returns_of_seat"), []any{int64(seat)}, func(rows *sql.Rows) error {
		var r convened.Return
		var said sql.NullTime
		err := rows.Scan(&r.Notice, &r.Registration, &r.At, &r.Kind, &r.Action, &r.Status, &r.Cause, &r.Text, &said, &r.Effect)
		r.At, r.Said = r.At.UTC(), utc(said)
		list = append(list, r)
		return err
	})
	return list, err
}
