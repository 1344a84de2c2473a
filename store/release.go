package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"convened"
)

// This file lets go what was held, and tries again what was given up. It is
// somebody's decision, and is written down as one.

// A Selection says which notices somebody has in mind.
type Selection struct {
	IDs    []convened.NoticeID // nil is all
	Event  string              // "" is any
	States []convened.State    // planned are those alone that failed before
	Cause  convened.Cause      // "" is any
}

// Selected returns the notices of a selection as claims that nobody has taken, in
// the order of their ids, at most limit after the given one (0 is the start).
func (s *Store) Selected(ctx context.Context, now time.Time, sel Selection, after convened.NoticeID, limit int) ([]*convened.Claim, error) {
	var ids any
	if sel.IDs != nil {
		ids = array(int64s(sel.IDs))
	}
	var claims []*convened.Claim
	err := s.tx(ctx, "choose notices", func(tx *sql.Tx) (err error) {
		claims, err = s.readClaims(ctx, tx, now, stmt("choose_notices"), ids, sel.Event, array(texts(sel.States)), string(sel.Cause), int64(after), limit)
		return err
	})
	return claims, err
}

func int64s(ids []convened.NoticeID) []int64 {
	list := make([]int64, len(ids))
	for i, id := range ids {
		list[i] = int64(id)
	}
	return list
}

func texts[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, t := range list {
		out[i] = string(t)
	}
	return out
}

// What somebody decided.
const (
	Released = "release" // to let held notices go
	Retried  = "retry"   // to try notices again that were given up
	Resent   = "resend"  // to send a confirmation once more
)

// A Decision lets notices go.
type Decision struct {
	What   string // Released or Retried
	By     string // who decided: a system user, an account
	About  string // what was asked for: an event; "" for single notices
	Event  string // that the notices are of
	IDs    []convened.NoticeID
	States []convened.State // those that are in another by now stay as they are
}

// deed is what the trail says of a decision.
func (d *Decision) deed() convened.Deed {
	deed := convened.Deed{What: convened.NoticesReleased, Event: d.Event, Detail: fmt.Sprintf("%d chosen", len(d.IDs))}
	if d.What == Retried {
		deed.What = convened.NoticesRetried
	}
	return deed
}

// letGoStep is how many notices one transaction lets go.
const letGoStep = 5000

// LetGo carries decisions out: their notices are planned, due now, with nothing
// against them. Each is written down. It returns how many notices there were.
func (s *Store) LetGo(ctx context.Context, now time.Time, decisions []Decision) (int, error) {
	total := 0
	for _, d := range decisions {
		var release int64
		err := s.tx(ctx, "write down a release", func(tx *sql.Tx) error {
			if err := tx.QueryRowContext(ctx, stmt("note_release"), d.What, now, d.By, d.About).Scan(&release); err != nil {
				return err
			}
			return note(ctx, tx, d.deed())
		})
		for ids := int64s(d.IDs); len(ids) > 0 && err == nil; {
			step := ids[:min(letGoStep, len(ids))]
			ids = ids[len(step):]
			n := 0
			err = s.tx(ctx, "let notices go", func(tx *sql.Tx) (err error) {
				n, err = letGo(ctx, tx, now, d, step, release)
				return err
			})
			total += n
		}
		if err != nil {
			return total, err
		}
	}
	return total, s.tx(ctx, "tell the daemons", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, stmt("tell_daemons"), "release")
		return err
	})
}

// letGo is one step. The event's row is held, so that each seat that counts anew
// is seen by planning either before or after.
func letGo(ctx context.Context, tx *sql.Tx, now time.Time, d Decision, ids []int64, release int64) (int, error) {
	e, err := lockEvent(ctx, tx, d.Event)
	if err != nil {
		return 0, err
	}
	n, fuse := 0, false
	var seats []int64
	var fresh []bool
	err = each(ctx, tx, stmt("let_go"), []any{d.Event, array(ids), array(texts(d.States)), now, release}, func(rows *sql.Rows) error {
		var seat int64
		var fused, untold, refused, confirmation bool
		if err := rows.Scan(&seat, &fused, &untold, &refused, &confirmation); err != nil {
			return err
		}
		n++
		fuse = fuse || fused
		if untold || refused {
			seats, fresh = append(seats, seat), append(fresh, confirmation)
		}
		return nil
	})
	if err != nil || n == 0 {
		return 0, err
	}
	if fuse {
		if _, err := tx.ExecContext(ctx, stmt("renew_fuse"), d.Event, now); err != nil {
			return 0, err
		}
	}
	if len(seats) > 0 {
		if err := reseat(ctx, tx, now, d.Event, e, seats, fresh); err != nil {
			return 0, err
		}
	}
	_, err = tx.ExecContext(ctx, stmt("count_release"), release, n)
	return n, err
}

// reseat has seats count anew, as when somebody has just taken them.
func reseat(ctx context.Context, tx *sql.Tx, now time.Time, event string, e lockedEvent, seats []int64, fresh []bool) error {
	var again []int64
	err := each(ctx, tx, stmt("reseat"), []any{array(seats), array(fresh), now, e.seats}, func(rows *sql.Rows) error {
		var id int64
		err := rows.Scan(&id)
		again = append(again, id)
		return err
	})
	if err != nil || len(again) == 0 {
		return err
	}
	if _, err := tx.ExecContext(ctx, stmt("count_seats"), event, len(again)); err != nil {
		return err
	}
	if e.closed(now) != "" {
		return nil
	}
	_, err = tx.ExecContext(ctx, stmt("plan_catch_up"), event, array(again), now, e.starts)
	return err
}
