package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"
	"time"

	"convened"
)

// clockSlack is by how much the clock of who applied an event and the database's
// may differ: a registration that much older than its event may be none.
const clockSlack = time.Minute

// An arrival is newcomers of one event on their way to their seats. The event's
// row is held, so that nobody else gives out seats or counts confirmations.
type arrival struct {
	lockedEvent
	slug string
	now  time.Time
	fuse int // see Options
	room int // how many more confirmations it lets through

	fresh   []newSeat  // in the order of their ids
	again   []int64    // registrations of who has a seat already
	repeats []repeated // the seats of those, each once
	late    []int64    // seats that count as late for what is recorded
}

type newSeat struct {
	id      int64
	fault   string // what is wrong with the address
	created time.Time
	quiet   bool // taken over without a letter
}

type repeated struct {
	seat   int64
	copied bool // every one of the repetitions was
}

// PlanNewcomers gives newcomers of one event their seats, and plans their
// confirmations and what `late: catch-up` owes them. Newcomers that were
// planned meanwhile are passed over. again is how long a confirmation stands in
// for a second one. What looks like an accident is held instead: see
// convened.Holding. Where the event has another revision by now than the given one,
// which is 0 for any, it does nothing and returns convened.ErrEdited.
func (s *Store) PlanNewcomers(ctx context.Context, now time.Time, event string, revision int, list []convened.Newcomer, again time.Duration) (convened.Seated, error) {
	var done convened.Seated
	err := s.txWith(ctx, planning.of(len(list)), "plan registrations", func(tx *sql.Tx) error {
		done = convened.Seated{}
		e, err := lockEvent(ctx, tx, event)
		if err != nil {
			return err
		}
		if revision != 0 && revision != e.revision {
			return convened.ErrEdited
		}
		a := &arrival{lockedEvent: e, slug: event, now: now, fuse: s.fuse}
		if err := a.seat(ctx, tx, list); err != nil {
			return err
		}
		revived, err := a.renew(ctx, tx)
		if err != nil {
			return err
		}
		done.Seats, done.Repeats, done.Revived = len(a.fresh), len(a.again), len(revived)
		if n := len(revived); n > 0 {
			if _, err := tx.ExecContext(ctx, stmt("count_seats"), event, n); err != nil {
				return err
			}
		}
		var catchesUp bool
		if a.room, catchesUp, err = s.awaits(ctx, tx, event, now); err != nil {
			return err
		}
		if done.Held, err = a.confirm(ctx, tx, revived, now.Add(-again)); err != nil || a.closed(now) != "" || len(a.late) == 0 || !catchesUp {
			return err
		}
		_, err = tx.ExecContext(ctx, stmt("plan_catch_up"), event, array(a.late), now, e.starts)
		return err
		// If we crash before the commit, the registrations are as new as before.
	})
	return done, err
}

// awaits returns how many more confirmations of an event the fuse lets through, and
// whether the event has reminders that who comes too late for them gets all the same.
func (s *Store) awaits(ctx context.Context, tx *sql.Tx, event string, now time.Time) (room int, catchesUp bool, err error) {
	var lately int
	err = tx.QueryRowContext(ctx, stmt("awaits"), event, now, s.fuse).Scan(&lately, &catchesUp)
	if s.fuse <= 0 {
		return math.MaxInt32, catchesUp, err
	}
	return s.fuse - lately, catchesUp, err
}

// seat gives each newcomer a seat: one that is there, or a new one.
func (a *arrival) seat(ctx context.Context, tx *sql.Tx, list []convened.Newcomer) error {
	ids, addresses, faults := make([]int64, len(list)), make([]string, len(list)), make([]string, len(list))
	for i, n := range list {
		ids[i], addresses[i], faults[i] = int64(n.ID), n.Address, n.Fault
	}
	index := map[int64]int{} // of repeats, by seat
	err := each(ctx, tx, stmt("seat_registrations"), []any{a.slug, array(ids), array(addresses), array(faults), a.now, a.seats}, func(rows *sql.Rows) error {
		var n newSeat
		var seat int64
		if err := rows.Scan(&n.id, &seat, &n.fault, &n.created, &n.quiet); err != nil {
			return err
		}
		if n.id == seat {
			a.fresh = append(a.fresh, n)
			if n.fault == "" && !n.quiet {
				a.late = append(a.late, n.id)
			}
			return nil
		}
		if n.fault != "" || n.quiet { // an old row says nothing new of a seat that is there
			return nil
		}
		a.again = append(a.again, n.id)
		if i, known := index[seat]; known {
			a.repeats[i].copied = a.repeats[i].copied && a.copied(n.created)
		} else {
			index[seat] = len(a.repeats)
			a.repeats = append(a.repeats, repeated{seat, a.copied(n.created)})
		}
		return nil
	})
	slices.SortFunc(a.fresh, func(x, y newSeat) int { return cmp.Compare(x.id, y.id) })
	return err
}

// renew takes note of who registered again, and returns the seats that had been
// given up and are taken up again.
func (a *arrival) renew(ctx context.Context, tx *sql.Tx) (revived map[int64]bool, err error) {
	if len(a.again) == 0 {
		return nil, nil
	}
	revived = map[int64]bool{}
	err = each(ctx, tx, stmt("renew_seats"), []any{array(a.again), a.now, a.seats + len(a.fresh)}, func(rows *sql.Rows) error {
		var seat int64
		var back bool
		if err := rows.Scan(&seat, &back); err != nil {
			return err
		}
		if back {
			revived[seat] = true
			a.late = append(a.late, seat)
		}
		return nil
	})
	return revived, err
}

// copied reports whether a registration is older than its event: no form can
// have written it, so it was copied from elsewhere.
func (a *arrival) copied(created time.Time) bool { return created.Before(a.created.Add(-clockSlack)) }

// closed returns why an event needs no confirmations any more at an instant, or "".
func (e lockedEvent) closed(at time.Time) string {
	switch {
	case e.status == convened.EventIsOff:
		return "the event is off"
	case !at.Before(e.ends):
		return "too late: the event is over"
	}
	return ""
}

// Why confirmations are held, in words.
const (
	heldBackfill = "copied from elsewhere: the registration is older than the event"
	heldOver     = "the event was over before this registration came"
)

func heldFuse(most int) string {
	return fmt.Sprintf("more than %d confirmations for this event within an hour", most)
}

// judge says what becomes of a first confirmation: its state, why, and in words.
// A bad address is a refused notice that the organiser sees; an event that is off
// or over needs no confirmation, and the row says so. room is how many more the
// fuse lets through.
func (a *arrival) judge(n newSeat, room int) (convened.State, convened.Cause, string) {
	closed := a.closed(a.now)
	switch {
	case n.fault != "":
		return convened.Refused, convened.CauseAddress, ""
	case n.quiet:
		return convened.Cancelled, convened.CauseUseless, convened.TakenOver
	case a.status == convened.EventIsOff:
		return convened.Cancelled, convened.CauseUseless, closed
	case closed != "" && (a.copied(n.created) || !n.created.Before(a.ends)):
		return convened.Held, convened.CauseOver, heldOver
	case closed != "":
		return convened.Cancelled, convened.CauseUseless, closed
	case a.copied(n.created):
		return convened.Held, convened.CauseBackfill, heldBackfill
	case room <= 0:
		return convened.Held, convened.CauseFuse, heldFuse(a.fuse)
	}
	return convened.Planned, "", ""
}

// confirm plans the confirmations, no more than the fuse lets through within an
// hour, and returns what is held.
func (a *arrival) confirm(ctx context.Context, tx *sql.Tx, revived map[int64]bool, lately time.Time) (held []convened.Holding, err error) {
	if len(a.fresh)+len(a.repeats) == 0 {
		return nil, nil
	}
	room := a.room
	hold := func(c convened.Cause, reason string) {
		i := slices.IndexFunc(held, func(h convened.Holding) bool { return h.Cause == c })
		if i < 0 {
			i, held = len(held), append(held, convened.Holding{Event: a.slug, Cause: c, Reason: reason})
		}
		held[i].Notices++
	}
	n := len(a.fresh)
	seats, states, causes, faults, reasons := make([]int64, n), make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	for i, f := range a.fresh {
		state, cause, reason := a.judge(f, room)
		switch state {
		case convened.Planned:
			room--
		case convened.Held:
			hold(cause, reason)
		}
		seats[i], states[i], causes[i], faults[i], reasons[i] = f.id, string(state), string(cause), f.fault, reason
	}
	if len(held) > 0 || len(a.repeats) > 0 {
		before, err := a.causes(ctx, tx)
		if err != nil {
			return nil, err
		}
		defer func() {
			for i := range held {
				held[i].First = !before[held[i].Cause]
			}
		}()
	}
	if n > 0 {
		if _, err := tx.ExecContext(ctx, stmt("plan_confirmations"), a.slug, array(seats), array(states), array(causes), array(faults), array(reasons), a.now); err != nil {
			return nil, err
		}
	}
	if len(a.repeats) == 0 || a.closed(a.now) != "" {
		return held, nil
	}
	n = len(a.repeats)
	seats, back, copied := make([]int64, n), make([]bool, n), make([]bool, n)
	for i, r := range a.repeats {
		seats[i], back[i], copied[i] = r.seat, revived[r.seat], r.copied
	}
	err = each(ctx, tx, stmt("plan_repeats"), []any{a.slug, array(seats), array(back), a.now, lately, array(copied), max(room, 0), heldBackfill, heldFuse(a.fuse)}, func(rows *sql.Rows) error {
		var c convened.Cause
		err := rows.Scan(&c)
		switch c {
		case convened.CauseBackfill:
			hold(c, heldBackfill)
		case convened.CauseFuse:
			hold(c, heldFuse(a.fuse))
		}
		return err
	})
	return held, err
}

// causes returns what anything of the event is held for.
func (a *arrival) causes(ctx context.Context, tx *sql.Tx) (map[convened.Cause]bool, error) {
	known := map[convened.Cause]bool{}
	return known, each(ctx, tx, stmt("held_causes"), []any{a.slug}, func(rows *sql.Rows) error {
		var c convened.Cause
		err := rows.Scan(&c)
		known[c] = true
		return err
	})
}
