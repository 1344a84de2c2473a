package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"convened"
)

// Claim takes at most limit due notices in hand for the length of lease, each
// with all that composing its letter needs, or the fault that keeps it from
// being made. The events are shared: nobody writes to them. Its error is a
// *convened.Quarantine while nothing may be sent.
//
// After any other error the claim may have been made all the same: the reply to a
// commit can be lost. The next claim gives it back first.
//
// A claim does not wait for the disk: its mark does, which takes it along. So a crash
// of the server may take back a claim that this process has in hand, and the next
// claim get the same notice with the same attempt. It is the same claim then, of
// which a hand has the letter already, and it is not returned a second time.
func (s *Store) Claim(ctx context.Context, now time.Time, limit int, lease time.Duration) ([]*convened.Claim, error) {
	s.mu.Lock()
	unsure := s.unsure
	s.unsure = nil
	s.mu.Unlock()
	var claims []*convened.Claim
	err := s.claiming(ctx, func(tx *sql.Tx) (int, error) {
		claims = nil
		if err := giveBackUnsure(ctx, tx, s.id(), unsure); err != nil {
			return 0, err
		}
		var err error
		claims, err = s.readClaims(ctx, tx, now, stmt("claim"), now, limit, s.id(), lease.Milliseconds())
		return len(claims), err
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		for _, c := range claims {
			unsure = append(unsure, attemptOf(c))
		}
		s.unsure = append(s.unsure, unsure...)
		return nil, err
	}
	s.took.Store(int64(len(claims)))
	// A number that a crash took back and gave out again is this claim's now.
	s.steps = slices.DeleteFunc(s.steps, func(a Attempt) bool {
		return slices.ContainsFunc(claims, func(c *convened.Claim) bool { return attemptOf(c) == a })
	})
	return slices.DeleteFunc(claims, func(c *convened.Claim) bool {
		if s.inHand[attemptOf(c)] {
			return true
		}
		s.inHand[attemptOf(c)] = true
		return false
	}), nil
}

func attemptOf(c *convened.Claim) Attempt { return Attempt{c.Notice.ID, c.Notice.Attempt} }

// letGo forgets claims with which this process has nothing to do any more.
func (s *Store) letGo(list []Attempt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range list {
		delete(s.inHand, a)
	}
}

func giveBackUnsure(ctx context.Context, tx *sql.Tx, daemon int64, list []Attempt) error {
	if len(list) == 0 {
		return nil
	}
	ids, attempts := make([]int64, len(list)), make([]int64, len(list))
	for i, a := range list {
		ids[i], attempts[i] = int64(a.Notice), int64(a.Attempt)
	}
	_, err := tx.ExecContext(ctx, stmt("give_back_unsure"), array(ids), array(attempts), daemon)
	return err
}

// readClaims runs a statement that returns claims in the form of claim.sql, and
// completes them.
func (s *Store) readClaims(ctx context.Context, tx *sql.Tx, now time.Time, query string, args ...any) ([]*convened.Claim, error) {
	var claims []*convened.Claim
	var told []pastEvent
	err := each(ctx, tx, query, args, func(rows *sql.Rows) error {
		c := &convened.Claim{}
		n, r := &c.Notice, &c.Registration
		var p pastEvent
		var sequenced, created, seated, cancelled, muted, declined, erased sql.NullTime
		err := rows.Scan(&n.ID, &n.Registration, &n.Event, &n.Kind, &n.Occasion, &n.State, &n.Instant, &n.DueAt, &n.Attempt, &n.Failures, &n.Doubts,
			&n.MessageID, &n.LastError, &n.Reason,
			&r.UID, &r.Email, &r.Name, &r.Language, &r.Zone,
			&r.Sequence, &sequenced, &created, &seated, &cancelled, &muted, &declined, &erased,
			&p.now, &p.told, &c.Told, &c.ThreadID)
		n.Instant, n.DueAt = n.Instant.UTC(), n.DueAt.UTC()
		r.ID, r.Event = n.Registration, n.Event
		r.SequencedAt, r.CreatedAt, r.SeatedAt = utc(sequenced), utc(created), utc(seated)
		r.CancelledAt, r.MutedAt, r.DeclinedAt, r.ErasedAt = utc(cancelled), utc(muted), utc(declined), utc(erased)
		claims, told = append(claims, c), append(told, p)
		return err
	})
	if err != nil {
		return nil, err
	}
	for i, c := range claims {
		if err := s.complete(ctx, tx, now, c, told[i]); err != nil {
			return nil, err
		}
	}
	return claims, nil
}

// A pastEvent says which revisions of its event a claim is about: the present
// one, and the one that the person was told last; 0 is none.
type pastEvent struct{ now, told int }

// complete adds what a claim's letter needs beyond its row.
func (s *Store) complete(ctx context.Context, tx *sql.Tx, now time.Time, c *convened.Claim, p pastEvent) error {
	e, err := s.cached(ctx, tx, c.Notice.Event, p.now)
	if errors.Is(err, errUnreadable) {
		c.Event.Slug, c.Fault = c.Notice.Event, fmt.Sprintf("read event %s: %v", c.Notice.Event, err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("read event %s: %w", c.Notice.Event, err)
	}
	c.Event = *e
	switch c.Notice.Kind {
	case convened.ReminderKind, convened.Followup:
		c.Reminder = reminderOf(&c.Event, c.Notice.Occasion)
	case convened.Update:
		if p.told > 0 && p.told != e.Revision {
			// The update can be told without what was before.
			if c.Was, err = s.cachedPast(ctx, tx, e.Slug, p.told); err != nil && !errors.Is(err, errUnreadable) {
				return fmt.Errorf("read event %s at revision %d: %w", e.Slug, p.told, err)
			}
		}
	case convened.Preflight:
		if c.Trouble, err = trouble(ctx, tx, now, e); err != nil {
			return fmt.Errorf("look what is wrong with event %s: %w", e.Slug, err)
		}
	}
	return nil
}

// reminderOf returns the rule that an occasion is of, or nil where the event
// no longer has it.
func reminderOf(e *convened.Event, occasion string) *convened.Reminder {
	o, err := convened.ParseOccasion(occasion)
	if err != nil {
		return nil
	}
	for i := range e.Reminders {
		if e.Reminders[i].Key == o.Key {
			return &e.Reminders[i]
		}
	}
	return nil
}

// Mark takes the last look before the wire. It returns the notices that may be
// sent now; the others' claims are over, or what their letters say is not true
// any more: give them back. The lease covers the wait for the final reply.
//
// Where somebody sits on the row of an event, nobody can say what is true of it,
// but of the other events. Then the error is convened.ErrBusy, and what is
// returned is as good as without: that event's notices are not in it.
func (s *Store) Mark(ctx context.Context, marks []convened.Mark, lease time.Duration) (map[convened.NoticeID]bool, error) {
	ok, err := s.mark(ctx, stmt("mark"), marks, lease)
	if errors.Is(err, convened.ErrBusy) {
		if free, wrong := s.mark(ctx, markFree, marks, lease); wrong == nil {
			return free, err
		}
	}
	return ok, err
}

// markFree is mark for the events that nobody sits on.
var markFree = strings.Replace(stmt("mark"), "FOR SHARE", "FOR SHARE SKIP LOCKED", 1)

func (s *Store) mark(ctx context.Context, query string, marks []convened.Mark, lease time.Duration) (map[convened.NoticeID]bool, error) {
	n := len(marks)
	ids, attempts, messages, revisions, sequences := make([]int64, n), make([]int64, n), make([]string, n), make([]int64, n), make([]int64, n)
	var events []string
	for i, m := range marks {
		if !slices.Contains(events, m.Event) {
			events = append(events, m.Event)
		}
		ids[i], attempts[i], messages[i], revisions[i], sequences[i] = int64(m.Notice), int64(m.Attempt), m.MessageID, int64(m.Revision), int64(m.Sequence)
	}
	var ok map[convened.NoticeID]bool
	err := s.txWith(ctx, marking.byID(), "mark notices", func(tx *sql.Tx) error {
		ok = make(map[convened.NoticeID]bool, n)
		return each(ctx, tx, query, []any{array(ids), array(attempts), array(messages), array(revisions), array(sequences), lease.Milliseconds(), array(events), s.id()}, func(rows *sql.Rows) error {
			var id convened.NoticeID
			err := rows.Scan(&id)
			ok[id] = true
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	return ok, nil
}

// Settle writes down a batch of outcomes. It returns the notices that took
// them: an outcome other than Sent whose claim is over is nobody's business any
// more. Settling twice changes nothing.
func (s *Store) Settle(ctx context.Context, list []convened.Settlement) (map[convened.NoticeID]bool, error) {
	took, err := s.settle(ctx, list, s.id())
	if err == nil {
		over := make([]Attempt, len(list))
		for i, o := range list {
			over[i] = Attempt{o.Notice, o.Attempt}
		}
		s.letGo(over)
	}
	return took, err
}

func (s *Store) settle(ctx context.Context, list []convened.Settlement, daemon int64) (map[convened.NoticeID]bool, error) {
	by := sql.NullInt64{Int64: daemon, Valid: daemon != 0}
	var sent, others []convened.Settlement
	for _, o := range list {
		if o.State == convened.Sent {
			sent = append(sent, o)
		} else {
			others = append(others, o)
		}
	}
	var took map[convened.NoticeID]bool
	err := asNew("log_sent", func(logging string) error {
		return s.txWith(ctx, settling.byID(), "settle notices", func(tx *sql.Tx) error {
			took = make(map[convened.NoticeID]bool, len(list))
			if err := settleSent(ctx, tx, sent, by, logging, took); err != nil {
				return err
			}
			return settleOthers(ctx, tx, others, by, took)
		})
	})
	return took, err
}

// settleSent writes down what was sent, logs it by log_sent.sql or what newRows has of
// it, and adds to took what was not known to be.
func settleSent(ctx context.Context, tx *sql.Tx, list []convened.Settlement, by sql.NullInt64, logging string, took map[convened.NoticeID]bool) error {
	n := len(list)
	if n == 0 {
		return nil
	}
	instant := func(o *convened.Settlement) time.Time { return o.At.Round(0).Truncate(time.Microsecond) } // as Postgres keeps it
	since := instant(&list[0])
	ids, attempts, after, codes, registrations := make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
	enhanced, replies, phases := make([]string, n), make([]string, n), make([]string, n)
	for i, o := range list {
		ids[i], attempts[i], after[i], codes[i] = int64(o.Notice), int64(o.Attempt), instant(&o).Sub(since).Microseconds(), int64(o.Code)
		enhanced[i], replies[i], phases[i], registrations[i] = o.Enhanced, clean(o.Reply), o.Phase, int64(o.Registration)
	}
	var new []int64
	err := tx.QueryRowContext(ctx, stmt("settle_sent"), array(ids), since, array(after), array(alike(codes)), array(alike(enhanced)), array(alike(registrations))).Scan(array(&new))
	if err != nil {
		return err
	}
	if new == nil {
		new = ids
	}
	for _, id := range new {
		took[convened.NoticeID(id)] = true
	}
	settled := make([]bool, n)
	for i, o := range list {
		if settled[i] = took[o.Notice]; settled[i] {
			registrations[i] = 0 // nobody asks
		}
	}
	_, err = tx.ExecContext(ctx, logging, array(ids), array(attempts), since, array(after), array(alike(codes)), array(alike(enhanced)), array(alike(replies)), array(alike(phases)), array(alike(settled)), array(alike(registrations)), by)
	return err
}

// alike returns the first of a list alone, if all are the same.
func alike[T comparable](list []T) []T {
	if slices.ContainsFunc(list, func(v T) bool { return v != list[0] }) {
		return list
	}
	return list[:1]
}

// settleOthers writes down all other outcomes, and adds to took which counted.
func settleOthers(ctx context.Context, tx *sql.Tx, list []convened.Settlement, by sql.NullInt64, took map[convened.NoticeID]bool) error {
	n := len(list)
	if n == 0 {
		return nil
	}
	ids, attempts, failed, doubted, codes := make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
	states, enhanced, replies, phases, causes, reasons := make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	due, at := make([]time.Time, n), make([]time.Time, n)
	for i, o := range list {
		ids[i], attempts[i], codes[i] = int64(o.Notice), int64(o.Attempt), int64(o.Code)
		states[i], enhanced[i], replies[i], phases[i], causes[i], reasons[i] = string(o.State), o.Enhanced, clean(o.Reply), o.Phase, string(o.Cause), o.Reason
		due[i], at[i] = o.DueAt, o.At
		switch {
		case o.State == convened.Planned && !o.Free:
			failed[i] = 1
		case o.State == convened.Unknown:
			doubted[i] = 1
		}
	}
	return each(ctx, tx, stmt("settle"), []any{array(ids), array(attempts), array(states), array(due), array(failed), array(doubted), array(at),
		array(codes), array(enhanced), array(replies), array(phases), array(causes), array(reasons), by}, func(rows *sql.Rows) error {
		var id convened.NoticeID
		err := rows.Scan(&id)
		took[id] = true
		return err
	})
}

// clean makes a server's words storable: Postgres takes no NUL and no invalid
// UTF-8, and one reply must not keep a batch from being settled.
func clean(s string) string {
	const most = 1000
	if len(s) <= most && utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 {
		return s
	}
	out := make([]rune, 0, len(s))
	for _, r := range s { // invalid bytes come out as U+FFFD
		if r == 0 {
			r = '\uFFFD'
		}
		if out = append(out, r); len(out) == most {
			break
		}
	}
	return string(out)
}

// GiveBack returns claims that were not marked. Each may be claimed again from
// its Notice.DueAt on.
func (s *Store) GiveBack(ctx context.Context, claims []*convened.Claim) error {
	ids, attempts, due := make([]int64, len(claims)), make([]int64, len(claims)), make([]time.Time, len(claims))
	for i, c := range claims {
		ids[i], attempts[i], due[i] = int64(c.Notice.ID), int64(c.Notice.Attempt), c.Notice.DueAt
	}
	err := s.txWith(ctx, brisk, "give back notices", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, stmt("give_back"), array(ids), array(attempts), array(due), s.id())
		return err
	})
	if err == nil {
		over := make([]Attempt, len(claims))
		for i, c := range claims {
			over[i] = attemptOf(c)
		}
		s.letGo(over)
	}
	return err
}

// Recover takes back what dead hands hold, and decides what to do with letters
// in doubt.
func (s *Store) Recover(ctx context.Context, now time.Time, d convened.Doubt) (convened.Recovered, error) {
	var kinds []string
	var tries []int64
	for k, n := range d {
		kinds, tries = append(kinds, string(k)), append(tries, int64(n))
	}
	var r convened.Recovered
	if err := s.returnUnsure(ctx); err != nil && !errors.Is(err, convened.ErrBusy) { // then with the next
		return r, err
	}
	err := s.txWith(ctx, settling, "recover notices", func(tx *sql.Tx) error {
		r = convened.Recovered{}
		var dead []int64
		if err := each(ctx, tx, stmt("dead_daemons"), []any{s.id(), lockBase}, func(rows *sql.Rows) error {
			var id int64
			err := rows.Scan(&id)
			dead = append(dead, id)
			return err
		}); err != nil {
			return err
		}
		if len(dead) > 0 {
			res, err := tx.ExecContext(ctx, stmt("give_back_of_dead"), array(dead), now)
			n, err := affected(res, err)
			if err != nil {
				return err
			}
			r.GivenBack += n
		}
		if _, err := tx.ExecContext(ctx, stmt("end_steps_ahead")); err != nil {
			return err
		}
		if err := count(ctx, tx, stmt("expire"), []any{now}, &r.Doubtful, &r.GivenBack); err != nil {
			return err
		}
		return count(ctx, tx, stmt("resolve_doubt"), []any{now, array(kinds), array(tries)}, &r.Held, &r.Retried)
	})
	return r, err
}

// count adds the rows of a query of one boolean to yes or no.
func count(ctx context.Context, tx *sql.Tx, query string, args []any, yes, no *int) error {
	return each(ctx, tx, query, args, func(rows *sql.Rows) error {
		var b bool
		err := rows.Scan(&b)
		if b {
			*yes++
		} else {
			*no++
		}
		return err
	})
}

// NextDue returns the next instant at which anything planned becomes due; the
// zero time if nothing is.
func (s *Store) NextDue(ctx context.Context) (time.Time, error) {
	var t sql.NullTime
	err := s.txWith(ctx, brisk, "look for what is due next", func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, stmt("next_due")).Scan(&t)
	})
	return t.Time.UTC(), err
}
