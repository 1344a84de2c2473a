package store

import (
	"context"
	"database/sql"
	"time"

	"convened"
)

// scanSeat reads what seat_by_id and seat_of_address select of a registration,
// and what follows it.
func scanSeat(row scanner, more ...any) (*convened.Registration, error) {
	r := &convened.Registration{}
	var sequenced, planned, seated, cancelled, muted, declined, erased sql.NullTime
	to := []any{&r.ID, &r.UID, &r.Event, &r.Email, &r.Name, &r.Language, &r.Zone,
		&r.Sequence, &r.CreatedAt, &sequenced, &planned, &seated, &cancelled, &muted, &declined, &erased}
	err := row.Scan(append(to, more...)...)
	r.CreatedAt = r.CreatedAt.UTC()
	for to, from := range map[*time.Time]sql.NullTime{&r.SequencedAt: sequenced, &r.PlannedAt: planned, &r.SeatedAt: seated,
		&r.CancelledAt: cancelled, &r.MutedAt: muted, &r.DeclinedAt: declined, &r.ErasedAt: erased} {
		if from.Valid {
			*to = from.Time.UTC()
		}
	}
	return r, err
}

// SeatByID returns a seat and its event as they stand now. ErrNotFound for a
// registration that has no seat yet or is another's repetition, and for one that
// was erased: nobody can tell them apart. The event is shared: nobody writes
// to it.
func (s *Store) SeatByID(ctx context.Context, id convened.RegistrationID) (*convened.Registration, *convened.Event, error) {
	var r *convened.Registration
	var e *convened.Event
	err := s.tx(ctx, "look for a seat", func(tx *sql.Tx) (err error) {
		var revision int
		if r, err = scanSeat(tx.QueryRowContext(ctx, stmt("seat_by_id"), int64(id)), &revision); err != nil {
			return err
		}
		e, err = s.cached(ctx, tx, r.Event, revision)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return r, e, nil
}

// Choose sets the language and the zone of a seat, in which every later letter
// is written; "" is the event's. Nothing is sent for it. It reports false for a
// seat that is not there. Both are as the caller has checked them.
func (s *Store) Choose(ctx context.Context, event string, seat convened.RegistrationID, language, zone string) (bool, error) {
	chosen := false
	err := s.tx(ctx, "choose a language and a zone", func(tx *sql.Tx) (err error) {
		if chosen, err = changed(tx.ExecContext(ctx, stmt("choose"), event, int64(seat), clean(language), clean(zone))); err != nil || !chosen {
			return err
		}
		return note(ctx, tx, convened.Deed{What: convened.SeatChosen, Event: event, Registration: seat})
	})
	return chosen, err
}

// An Attendance is one event that a person is or was registered for.
type Attendance struct {
	Seat      *convened.Registration
	Event     *convened.Event // shared: nobody writes to it
	ChangedAt time.Time       // when anything of either was last changed
}

// Attendances returns the events, of those that end after an instant, for which the
// person of a seat is registered or gave up the seat, the earliest first: all that
// have the same address. ErrNotFound for a seat that is not there, or was erased.
func (s *Store) Attendances(ctx context.Context, id convened.RegistrationID, since time.Time, limit int) ([]Attendance, error) {
	var list []Attendance
	err := s.tx(ctx, "look for a person's events", func(tx *sql.Tx) error {
		list = nil
		var there int
		if _, err := scanSeat(tx.QueryRowContext(ctx, stmt("seat_by_id"), int64(id)), &there); err != nil {
			return err
		}
		var revisions []int
		err := each(ctx, tx, stmt("seats_of_person"), []any{int64(id), since, limit}, func(rows *sql.Rows) error {
			var revision int
			var a Attendance
			var err error
			a.Seat, err = scanSeat(rows, &revision, &a.ChangedAt)
			a.ChangedAt = a.ChangedAt.UTC()
			list, revisions = append(list, a), append(revisions, revision)
			return err
		})
		if err != nil {
			return err
		}
		for i := range list {
			if list[i].Event, err = s.cached(ctx, tx, list[i].Seat.Event, revisions[i]); err != nil {
				return err
			}
		}
		return nil
	})
	return list, err
}
