package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"convened"
)

// Outlook reads all that the future of an event follows from at now, as of one
// moment of the database, or ErrNotFound. identify fills in a newcomer's Address
// and Fault, as it does for the daemon. address, if not "", leaves out everybody
// whose it is not: it is of the form that identify makes.
func (s *Store) Outlook(ctx context.Context, now time.Time, event, address string, identify func(*convened.Newcomer)) (*convened.Outlook, error) {
	var o *convened.Outlook
	err := s.txWith(ctx, still, "read the outlook of "+event, func(tx *sql.Tx) error {
		var err error
		if o, err = s.outlookWithoutSeats(ctx, tx, now, event, address, identify); err != nil {
			return err
		}
		if err := readSeats(ctx, tx, o, address, 0, 0); err != nil {
			return err
		}
		return readReminded(ctx, tx, o)
	})
	if err != nil {
		return nil, err
	}
	return o, nil
}

// Outlooks reads the same of all people of an event, size of them at a time, so that
// a million don't have to be in memory at once. Each part is a whole outlook of some
// of the people: what is foretold of them adds up. Those who arrive, and the seats
// that they will have, are in the first one. begin is called before the first part, and
// again where all is read anew.
func (s *Store) Outlooks(ctx context.Context, now time.Time, event string, size int, identify func(*convened.Newcomer), begin func(), take func(*convened.Outlook)) error {
	return s.long.txWith(ctx, lengthy, "read the outlook of "+event, func(tx *sql.Tx) error {
		begin()
		all, err := s.outlookWithoutSeats(ctx, tx, now, event, "", identify)
		if err != nil {
			return err
		}
		first := *all
		if err := readSeats(ctx, tx, &first, "", 0, size); err != nil {
			return err
		}
		last, more := convened.RegistrationID(0), len(first.Seats) == size
		if more {
			last = first.Seats[size-1].ID
		}
		// Who arrives may have a seat in any part.
		early := map[convened.RegistrationID]bool{}
		for i := range first.Arrivals {
			if id := first.Arrivals[i].Seat; more && id > last && !early[id] {
				early[id] = true
				if err := readSeats(ctx, tx, &first, first.Arrivals[i].Address, 0, 0); err != nil {
					return err
				}
			}
		}
		slices.SortFunc(first.Seats, func(a, b convened.Seat) int { return cmp.Compare(a.ID, b.ID) })
		if err := readReminded(ctx, tx, &first); err != nil {
			return err
		}
		take(&first)
		all.Arrivals = nil
		for more {
			part := *all
			if err := readSeats(ctx, tx, &part, "", last, size); err != nil {
				return err
			}
			if more = len(part.Seats) == size; more {
				last = part.Seats[size-1].ID
			}
			part.Seats = slices.DeleteFunc(part.Seats, func(s convened.Seat) bool { return early[s.ID] })
			take(&part)
		}
		return nil
	})
}

// outlookWithoutSeats reads what there is once, however many people there are.
func (s *Store) outlookWithoutSeats(ctx context.Context, tx *sql.Tx, now time.Time, event, address string, identify func(*convened.Newcomer)) (*convened.Outlook, error) {
	o := &convened.Outlook{Room: -1}
	var err error
	if o.Event, err = loadEvent(ctx, tx, event); err != nil {
		return nil, err
	}
	for _, read := range []func(context.Context, *sql.Tx, *convened.Outlook) error{readRecorded, readChanges} {
		if err := read(ctx, tx, o); err != nil {
			return nil, err
		}
	}
	ahead, err := readArrivals(ctx, tx, o, address, identify)
	if err != nil || s.fuse == 0 || address != "" && len(o.Arrivals) == 0 {
		return o, err // nobody whom the fuse could hold
	}
	if o.Room, _, err = s.awaits(ctx, tx, event, now); err != nil {
		return nil, err
	}
	if o.Room > 0 {
		o.Room = max(o.Room-ahead, 0)
	}
	return o, nil
}

func readRecorded(ctx context.Context, tx *sql.Tx, o *convened.Outlook) error {
	return each(ctx, tx, stmt("occasions_of"), []any{o.Event.Slug}, func(rows *sql.Rows) error {
		r, err := scanRecorded(rows)
		o.Recorded = append(o.Recorded, r)
		return err
	})
}

func readChanges(ctx context.Context, tx *sql.Tx, o *convened.Outlook) error {
	return each(ctx, tx, stmt("pending_changes"), []any{o.Event.Slug}, func(rows *sql.Rows) error {
		var c convened.PendingChange
		err := rows.Scan(&c.Sequence, &c.Kind, &c.Urgent, &c.DueAt, &c.Begun, &c.Done, &c.Upto)
		c.DueAt = c.DueAt.UTC()
		o.Changes = append(o.Changes, c)
		return err
	})
}

// readSeats adds the seat of an address, or those of all with numbers above the given
// one: size of them, and all where it is 0.
func readSeats(ctx context.Context, tx *sql.Tx, o *convened.Outlook, address string, above convened.RegistrationID, size int) error {
	languages := map[string]string{} // each once: there are few, and many seats
	before := len(o.Seats)
	err := each(ctx, tx, stmt("seats_of_event"), []any{o.Event.Slug, address, int64(above), sql.NullInt64{Int64: int64(size), Valid: size > 0}}, func(rows *sql.Rows) error {
		var s convened.Seat
		var language sql.RawBytes
		var seated, cancelled, muted, refused, erased, spoken, confirmed sql.NullTime
		err := rows.Scan(&s.ID, &s.Number, &s.Email, &language, &s.Sequence, &seated, &cancelled, &muted, &refused, &erased,
			&s.FirstTold, &s.Told, &spoken, &s.Confirmations, &confirmed)
		if err != nil {
			return err
		}
		if _, known := languages[string(language)]; !known {
			languages[string(language)] = string(language)
		}
		s.Language = languages[string(language)]
		s.SeatedAt, s.CancelledAt, s.MutedAt, s.RefusedAt = utc(seated), utc(cancelled), utc(muted), utc(refused)
		s.ErasedAt, s.SpokenAt, s.ConfirmedAt = utc(erased), utc(spoken), utc(confirmed)
		o.Seats = append(o.Seats, s)
		return nil
	})
	fresh := o.Seats[before:]
	if err != nil || len(fresh) == 0 {
		return err
	}
	query, args := "waiting_notices", []any{o.Event.Slug, int64(0)}
	switch {
	case address != "":
		args[1] = int64(fresh[0].ID)
	case above > 0 || len(fresh) == size:
		ids := make([]int64, len(fresh))
		for i := range fresh {
			ids[i] = int64(fresh[i].ID)
		}
		query, args = "waiting_of_seats", []any{array(ids)}
	}
	return each(ctx, tx, stmt(query), args, func(rows *sql.Rows) error {
		var seat convened.RegistrationID
		var w convened.Waiting
		err := rows.Scan(&seat, &w.ID, &w.Kind, &w.Occasion, &w.State, &w.Instant, &w.DueAt, &w.Failures, &w.Doubts, &w.Marked, &w.Sequence, &w.Why)
		if err != nil {
			return err
		}
		w.Instant, w.DueAt = w.Instant.UTC(), w.DueAt.UTC()
		if s := seatOf(fresh, seat); s != nil {
			s.Waiting = append(s.Waiting, w)
		}
		return nil
	})
}

func utc(t sql.NullTime) time.Time {
	if !t.Valid {
		return time.Time{}
	}
	return t.Time.UTC()
}

// seatOf finds a seat by its id among some in that order; nil if it is not there.
func seatOf(seats []convened.Seat, id convened.RegistrationID) *convened.Seat {
	i, found := slices.BinarySearchFunc(seats, id, func(s convened.Seat, id convened.RegistrationID) int { return int(s.ID - id) })
	if !found {
		return nil
	}
	return &seats[i]
}

// readArrivals reads the registrations that are not planned, and finds out whose
// seats they will be. It also counts those whom the fuse lets through before the first one
// that is read.
func readArrivals(ctx context.Context, tx *sql.Tx, o *convened.Outlook, address string, identify func(*convened.Newcomer)) (ahead int, err error) {
	var addresses []string
	err = each(ctx, tx, stmt("arrivals_of_event"), []any{o.Event.Slug}, func(rows *sql.Rows) error {
		var a convened.Arrival
		if err := rows.Scan(&a.ID, &a.Event, &a.Email, &a.Language, &a.CreatedAt, &a.Quiet); err != nil {
			return err
		}
		a.CreatedAt = a.CreatedAt.UTC()
		identify(&a.Newcomer)
		switch {
		case address == "" || a.Address == address:
			o.Arrivals, addresses = append(o.Arrivals, a), append(addresses, a.Address)
		case len(o.Arrivals) == 0 && a.Fault == "" && !a.Quiet:
			ahead++
		}
		return nil
	})
	if err != nil || len(addresses) == 0 {
		return 0, err
	}
	seats := map[string]convened.RegistrationID{}
	err = each(ctx, tx, stmt("seats_of_addresses"), []any{o.Event.Slug, array(addresses)}, func(rows *sql.Rows) error {
		var address string
		var seat convened.RegistrationID
		err := rows.Scan(&address, &seat)
		seats[address] = seat
		return err
	})
	if err != nil {
		return 0, err
	}
	for i := range o.Arrivals {
		o.Arrivals[i].Seat = seats[o.Arrivals[i].Address]
	}
	return ahead, nil
}

// readReminded reads what the seats had that are to be taken up again.
func readReminded(ctx context.Context, tx *sql.Tx, o *convened.Outlook) error {
	var ids []int64
	for i := range o.Arrivals {
		if o.Arrivals[i].Seat != 0 {
			ids = append(ids, int64(o.Arrivals[i].Seat))
		}
	}
	if len(ids) == 0 {
		return nil
	}
	return each(ctx, tx, stmt("reminded"), []any{array(ids)}, func(rows *sql.Rows) error {
		var seat convened.RegistrationID
		var occasion string
		err := rows.Scan(&seat, &occasion)
		if s := seatOf(o.Seats, seat); s != nil {
			s.Reminded = append(s.Reminded, occasion)
		}
		return err
	})
}

// A History is what was done for one person.
type History struct {
	Notices  []NoticeLine // in the order in which they were planned; Email and Name are empty
	Attempts map[convened.NoticeID][]convened.Attempt
}

// History returns every notice of one seat with every attempt to send it.
func (s *Store) History(ctx context.Context, seat convened.RegistrationID) (*History, error) {
	var h *History
	err := s.tx(ctx, "read what a person was sent", func(tx *sql.Tx) (err error) {
		h, err = readHistory(ctx, tx, seat)
		return err
	})
	return h, err
}

// A Story is all that is known of one person at an event.
type Story struct {
	*History
	Seat        *convened.Registration // nil: erased
	Returns     []convened.Return
	Corrections []Correction
	Deeds       []convened.Deed // what organisers did about them
}

// Story reads it in one go: a page waits for each trip to the database. address is
// that of the seat, as address.Key has it.
func (s *Store) Story(ctx context.Context, event, address string, seat convened.RegistrationID) (*Story, error) {
	var y *Story
	err := s.tx(ctx, "read what became of a person", func(tx *sql.Tx) (err error) {
		y = &Story{}
		if y.Seat, err = scanSeat(tx.QueryRowContext(ctx, stmt("seat_of_address"), event, address)); errors.Is(err, sql.ErrNoRows) {
			y.Seat, err = nil, nil
		}
		if err != nil {
			return err
		}
		if y.History, err = readHistory(ctx, tx, seat); err != nil {
			return err
		}
		if y.Returns, err = readReturns(ctx, tx, seat); err != nil {
			return err
		}
		if y.Corrections, err = readCorrections(ctx, tx, seat); err != nil {
			return err
		}
		y.Deeds, err = readDeeds(ctx, tx, stmt("deeds_of_registration"), int64(seat))
		return err
	})
	return y, err
}

func readHistory(ctx context.Context, tx *sql.Tx, seat convened.RegistrationID) (*History, error) {
	h := &History{Attempts: map[convened.NoticeID][]convened.Attempt{}}
	err := each(ctx, tx, stmt("notices_of_seat"), []any{int64(seat)}, func(rows *sql.Rows) error {
		var l NoticeLine
		n := &l.Notice
		var sent, let sql.NullTime
		err := rows.Scan(&n.ID, &n.Registration, &n.Event, &n.Kind, &n.Occasion, &n.State, &n.Instant, &n.DueAt, &n.Attempt, &n.Failures, &n.Doubts,
			&n.MessageID, &sent, &n.LastError, &n.Reason, &l.Cause, &l.LetGo.What, &l.LetGo.By, &let)
		n.Instant, n.DueAt, n.SentAt, l.LetGo.At = n.Instant.UTC(), n.DueAt.UTC(), utc(sent), utc(let)
		h.Notices = append(h.Notices, l)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("notices: %w", err)
	}
	err = each(ctx, tx, stmt("attempts_of_seat"), []any{int64(seat)}, func(rows *sql.Rows) error {
		var a convened.Attempt
		err := rows.Scan(&a.Notice, &a.Attempt, &a.At, &a.State, &a.Phase, &a.Code, &a.Enhanced, &a.Cause, &a.Reply)
		a.At = a.At.UTC()
		h.Attempts[a.Notice] = append(h.Attempts[a.Notice], a)
		return err
	})
	return h, err
}
