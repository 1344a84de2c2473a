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

// An Entry is what a sign-up form writes.
type Entry struct {
	Event, Email, Name, Language, Zone, SourceRef string
	CreatedAt                                     time.Time // zero: now, by the database's clock
}

// AddRegistrations writes entries as a form would, all or none. Only an unknown
// event fails, with ErrNotFound.
func (s *Store) AddRegistrations(ctx context.Context, list []Entry) ([]convened.RegistrationID, error) {
	n := len(list)
	cols := [6][]string{}
	created := make([]sql.NullTime, n)
	for i, e := range list {
		for j, v := range []string{e.Event, e.Email, e.Name, e.Language, e.Zone, e.SourceRef} {
			cols[j] = append(cols[j], clean(v))
		}
		created[i] = sql.NullTime{Time: e.CreatedAt, Valid: !e.CreatedAt.IsZero()}
	}
	var ids []convened.RegistrationID
	err := s.tx(ctx, "write registrations", func(tx *sql.Tx) error {
		ids = ids[:0]
		err := each(ctx, tx, stmt("add_registrations"), []any{array(cols[0]), array(cols[1]), array(cols[2]), array(cols[3]), array(cols[4]), array(cols[5]), array(created)}, func(rows *sql.Rows) error {
			var id convened.RegistrationID
			err := rows.Scan(&id)
			ids = append(ids, id)
			return err
		})
		if err != nil {
			return err
		}
		return note(ctx, tx, added(list, ids))
	})
	var e *pq.Error
	if errors.As(err, &e) && e.Code == "23503" {
		return nil, fmt.Errorf("event %w: %s", ErrNotFound, e.Detail)
	}
	return ids, err
}

// added is what the trail says of registrations that were written.
func added(list []Entry, ids []convened.RegistrationID) convened.Deed {
	d := convened.Deed{What: convened.RegistrationsAdded, Detail: fmt.Sprint(len(ids))}
	if len(list) > 0 {
		d.Event = list[0].Event // commands add to one event at a time
	}
	if len(ids) == 1 {
		d.Registration = ids[0]
	}
	return d
}

// A Person is a seat of an event and how far their letters have come.
type Person struct {
	convened.Registration
	RefusedAt    time.Time // zero: the address works as far as anyone knows
	SourceRef    string
	Confirmation convened.State // of the latest confirmation; "" if none is planned yet
	LastError    string         // the server's words, where it was refused
	Sent         int            // letters that went out
	NextDue      time.Time      // zero: nothing is waiting
}

// People returns the registrations of an event in the order in which they
// came, those not planned yet included, at most limit after the given id (0 is
// the start). search, if not empty, must occur in the address or the name.
func (s *Store) People(ctx context.Context, event, search string, after convened.RegistrationID, limit int) ([]Person, error) {
	var list []Person
	err := s.tx(ctx, "list registrations", func(tx *sql.Tx) error {
		list = nil
		return each(ctx, tx, stmt("list_registrations"), []any{event, int64(after), limit, search}, func(rows *sql.Rows) error {
			var p Person
			r := &p.Registration
			var sequenced, planned, seated, cancelled, muted, declined, erased, refused, next sql.NullTime
			err := rows.Scan(&r.ID, &r.UID, &r.Event, &r.Email, &r.Name, &r.Language, &r.Zone, &p.SourceRef, &r.Sequence, &r.CreatedAt,
				&sequenced, &planned, &seated, &cancelled, &muted, &declined, &erased, &refused, &p.Confirmation, &p.LastError, &p.Sent, &next)
			r.CreatedAt = r.CreatedAt.UTC()
			for to, from := range map[*time.Time]sql.NullTime{&r.SequencedAt: sequenced, &r.PlannedAt: planned, &r.SeatedAt: seated,
				&r.CancelledAt: cancelled, &r.MutedAt: muted, &r.DeclinedAt: declined, &r.ErasedAt: erased, &p.RefusedAt: refused, &p.NextDue: next} {
				if from.Valid {
					*to = from.Time.UTC()
				}
			}
			list = append(list, p)
			return err
		})
	})
	return list, err
}

// Seat returns the seat of an address (as address.Key has it) of an event, or ErrNotFound.
func (s *Store) Seat(ctx context.Context, event, address string) (*convened.Registration, error) {
	var r *convened.Registration
	err := s.tx(ctx, "look for a registration", func(tx *sql.Tx) (err error) {
		r, err = scanSeat(tx.QueryRowContext(ctx, stmt("seat_of_address"), event, address))
		return err
	})
	return r, err
}
