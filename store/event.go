package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"convened"
)

// each runs a query and calls scan for each row.
func each(ctx context.Context, tx *sql.Tx, query string, args []any, scan func(*sql.Rows) error) error {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// jsonText reads and writes a convened.Text as jsonb.
type jsonText struct{ *convened.Text }

func (j jsonText) Scan(v any) error {
	var b []byte
	switch v := v.(type) {
	case []byte:
		b = v
	case string:
		b = []byte(v)
	case nil:
		return nil
	default:
		return fmt.Errorf("a text is %T in the database", v)
	}
	return json.Unmarshal(b, j.Text)
}

func toJSON(t convened.Text) string {
	if t == nil {
		return "{}"
	}
	b, err := json.Marshal(t)
	if err != nil {
		panic(err) // a map of strings always marshals
	}
	return string(b)
}

type scanner interface{ Scan(...any) error }

// errUnreadable marks a row that came and makes no sense: somebody edited it by
// hand. It says nothing against the others.
var errUnreadable = errors.New("a row that no command has written")

// unreadable marks the errors of Scan that are about what a row holds.
func unreadable(err error) error {
	if err != nil && strings.HasPrefix(err.Error(), "sql: Scan error") { // database/sql has no type for it
		return fmt.Errorf("%w: %w", errUnreadable, err)
	}
	return err
}

func scanEvent(row scanner, more ...any) (*convened.Event, error) {
	e := &convened.Event{}
	var starts, ends string
	to := []any{
		&e.Slug, jsonText{&e.Title}, jsonText{&e.Description}, jsonText{&e.Introduction}, jsonText{&e.Location}, &e.Language, &e.HeldIn, &e.Zone,
		&starts, &ends, &e.Starts, &e.Ends,
		&e.JoinURL, &e.PageURL, &e.Organizer.Name, &e.Organizer.Email, &e.Colour, &e.Logo, &e.SignUp, &e.Status,
		&e.Sequence, &e.Revision, &e.SequencedAt, &e.MovedAt, &e.CreatedAt,
	}
	if err := row.Scan(append(to, more...)...); err != nil {
		return nil, unreadable(err)
	}
	var err1, err2 error
	e.StartsLocal, err1 = convened.ParseWall(starts)
	e.EndsLocal, err2 = convened.ParseWall(ends)
	if err := errors.Join(err1, err2); err != nil {
		return nil, fmt.Errorf("%w: %w", errUnreadable, err)
	}
	for _, t := range []*time.Time{&e.Starts, &e.Ends, &e.SequencedAt, &e.MovedAt, &e.CreatedAt} {
		*t = t.UTC()
	}
	return e, nil
}

func loadEvent(ctx context.Context, tx *sql.Tx, slug string) (*convened.Event, error) {
	e, err := scanEvent(tx.QueryRowContext(ctx, stmt("event_by_slug"), slug))
	if err != nil {
		return nil, err
	}
	err = each(ctx, tx, stmt("reminders_of"), []any{slug}, func(rows *sql.Rows) error {
		var r convened.Reminder
		if err := rows.Scan(&r.Key, &r.Rule, &r.Late, &r.Template, jsonText{&r.Note}, &r.AddedAt); err != nil {
			return unreadable(err)
		}
		r.AddedAt = r.AddedAt.UTC()
		e.Reminders = append(e.Reminders, r)
		return nil
	})
	return e, err
}

// Event returns an event with its reminders as it stands now, or ErrNotFound.
func (s *Store) Event(ctx context.Context, slug string) (*convened.Event, error) {
	var e *convened.Event
	err := s.tx(ctx, "read event "+slug, func(tx *sql.Tx) (err error) {
		e, err = loadEvent(ctx, tx, slug)
		return err
	})
	return e, err
}

// cached returns an event at a revision or a later one, from memory where it
// is there. What is in memory is shared: nobody writes to it.
func (s *Store) cached(ctx context.Context, tx *sql.Tx, slug string, revision int) (*convened.Event, error) {
	s.mu.Lock()
	e := s.events[eventKey{slug, revision}]
	s.mu.Unlock()
	if e != nil {
		return e, nil
	}
	e, err := loadEvent(ctx, tx, slug)
	if err != nil {
		return nil, err
	}
	s.remember(eventKey{slug, e.Revision}, e)
	return e, nil
}

// cachedPast returns an event as it was at an earlier revision, without its reminders.
func (s *Store) cachedPast(ctx context.Context, tx *sql.Tx, slug string, revision int) (*convened.Event, error) {
	s.mu.Lock()
	e := s.events[eventKey{slug, revision}]
	s.mu.Unlock()
	if e != nil {
		return e, nil
	}
	e, err := scanEvent(tx.QueryRowContext(ctx, stmt("event_at_revision"), slug, revision))
	if err != nil {
		return nil, err
	}
	s.remember(eventKey{slug, revision}, e)
	return e, nil
}

// The events that are remembered are few and small; a bound keeps a month of
// edits from adding up.
const rememberedEvents = 1000

func (s *Store) remember(k eventKey, e *convened.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.events) >= rememberedEvents {
		clear(s.events)
	}
	s.events[k] = e
}

// OpenEvents returns the events for which something may still be planned at
// now, each with its reminders. The events are shared: nobody writes to them.
// One that can't be read is left out, and the error names it beside the others.
func (s *Store) OpenEvents(ctx context.Context, now time.Time) ([]*convened.Event, error) {
	var events []*convened.Event
	var bad []error
	err := s.txWith(ctx, brisk, "read open events", func(tx *sql.Tx) error {
		events, bad = nil, nil
		var keys []eventKey
		err := each(ctx, tx, stmt("open_events"), []any{now}, func(rows *sql.Rows) error {
			var k eventKey
			if err := rows.Scan(&k.slug, &k.revision); err != nil {
				return err
			}
			keys = append(keys, k)
			return nil
		})
		if err != nil {
			return err
		}
		for _, k := range keys {
			e, err := s.cached(ctx, tx, k.slug, k.revision)
			switch {
			case errors.Is(err, errUnreadable):
				bad = append(bad, fmt.Errorf("read event %s: %w", k.slug, err))
			case err != nil:
				return err
			default:
				events = append(events, e)
			}
		}
		return nil
	})
	return events, errors.Join(append(bad, err)...)
}

// An EventSummary is a line of `event list`. What is counted is so by CountSeats and
// CountNotices alone.
type EventSummary struct {
	Event         *convened.Event
	Registered    int                                      // seats that are taken
	GivenUp       int                                      // seats that were cancelled
	Waiting       int                                      // registrations that are not planned yet
	Notices       map[convened.Kind]map[convened.State]int // nil: not counted
	LastRevisedAt time.Time
}

// Events returns every event, the next to start first, then those that are over.
func (s *Store) Events(ctx context.Context, now time.Time) ([]EventSummary, error) {
	var list []EventSummary
	err := s.tx(ctx, "list events", func(tx *sql.Tx) error {
		list = nil
		return each(ctx, tx, stmt("list_events"), []any{now}, func(rows *sql.Rows) error {
			var sum EventSummary
			e, err := scanEvent(rows, &sum.LastRevisedAt)
			sum.Event = e
			list = append(list, sum)
			return err
		})
	})
	return list, err
}

// countStep is of how many events one statement counts what there is: years of them
// take longer than a statement may.
const countStep = 50

// CountSeats counts the registrations of events in a list.
func (s *Store) CountSeats(ctx context.Context, list []EventSummary) error {
	return s.count(ctx, "count registrants", "count_taken", list, func(rows *sql.Rows, bySlug map[string]*EventSummary) error {
		var slug string
		var registered, left, waiting int
		if err := rows.Scan(&slug, &registered, &left, &waiting); err != nil {
			return err
		}
		sum := bySlug[slug]
		sum.Registered, sum.GivenUp, sum.Waiting = registered, left, waiting
		return nil
	})
}

// CountNotices counts the notices of events in a list.
func (s *Store) CountNotices(ctx context.Context, list []EventSummary) error {
	for i := range list {
		list[i].Notices = map[convened.Kind]map[convened.State]int{}
	}
	return s.count(ctx, "count notices", "count_notices", list, func(rows *sql.Rows, bySlug map[string]*EventSummary) error {
		var slug string
		var kind convened.Kind
		var state convened.State
		var n int
		if err := rows.Scan(&slug, &kind, &state, &n); err != nil {
			return err
		}
		sum := bySlug[slug]
		if sum.Notices[kind] == nil {
			sum.Notices[kind] = map[convened.State]int{}
		}
		sum.Notices[kind][state] = n
		return nil
	})
}

func (s *Store) count(ctx context.Context, what, query string, list []EventSummary, scan func(*sql.Rows, map[string]*EventSummary) error) error {
	for part := range slices.Chunk(list, countStep) {
		slugs, bySlug := make([]string, len(part)), map[string]*EventSummary{}
		for i := range part {
			slugs[i] = part[i].Event.Slug
			bySlug[slugs[i]] = &part[i]
		}
		if err := s.txWith(ctx, counting, what, func(tx *sql.Tx) error {
			return each(ctx, tx, stmt(query), []any{array(slugs)}, func(rows *sql.Rows) error { return scan(rows, bySlug) })
		}); err != nil {
			return err
		}
	}
	return nil
}

// Concerned counts whom an edit of an event would reach.
type Concerned struct {
	Seats int // taken now
	Told  int // of these, who were told of the event and will be told of a change
}

// Concerned returns how many people an edit of an event would reach. Zero for
// an event that does not exist.
func (s *Store) Concerned(ctx context.Context, slug string) (Concerned, error) {
	var c Concerned
	err := s.tx(ctx, "count registrants", func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, stmt("count_concerned"), slug).Scan(&c.Seats, &c.Told)
	})
	return c, err
}

// An Edit is an event to be written and what that means for the people.
type Edit struct {
	Event  *convened.Event // with Revision as it was read; 0: it must not exist yet
	By     string          // who edits: a system user, an account
	Raises bool            // whether SEQUENCE rises: start, end, zone, status, title, place or link changed
	Moved  bool            // whether the start changed
	Notify convened.Kind   // Update or Cancellation: people are told. "": they are not
	DueAt  time.Time       // when they are told
	OverAt time.Time       // when nothing more will ever be planned
	At     time.Time       // now
	Detail string          // what the trail says of it besides its name; may be ""
}

// Apply writes an edit: the event, its reminders, the revision and the change
// to be told, all or nothing. It returns the event as written. convened.ErrEdited if it
// is not any more as it was read.
func (s *Store) Apply(ctx context.Context, edit Edit) (*convened.Event, error) {
	var written *convened.Event
	err := s.tx(ctx, "apply event "+edit.Event.Slug, func(tx *sql.Tx) error {
		e := *edit.Event
		e.Revision++
		if edit.Event.Revision == 0 {
			e.CreatedAt, e.SequencedAt, e.MovedAt = edit.At, edit.At, edit.At
		} else {
			held, err := lockEvent(ctx, tx, e.Slug)
			if err != nil {
				return err
			}
			if held.revision != edit.Event.Revision {
				return convened.ErrEdited
			}
			if edit.Raises {
				e.Sequence++
				e.SequencedAt = edit.At
			}
			if edit.Moved {
				e.MovedAt = edit.At
			}
		}
		name := "insert_event"
		if edit.Event.Revision > 0 {
			name = "update_event"
		}
		res, err := tx.ExecContext(ctx, stmt(name), e.Slug, toJSON(e.Title), toJSON(e.Description), toJSON(e.Introduction), toJSON(e.Location),
			e.Language, e.HeldIn, e.Zone, e.StartsLocal.String(), e.EndsLocal.String(), e.Starts, e.Ends,
			e.JoinURL, e.PageURL, e.Organizer.Name, e.Organizer.Email, e.Colour, e.Logo, e.SignUp, string(e.Status),
			e.Sequence, e.Revision, e.SequencedAt, e.MovedAt, e.CreatedAt, edit.OverAt, edit.At)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n != 1 {
			return errors.Join(convened.ErrEdited, err)
		}
		if err := writeReminders(ctx, tx, &e, edit.At); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, stmt("insert_revision"), e.Slug, edit.At, edit.By); err != nil {
			return err
		}
		if edit.Notify != "" {
			urgent := !edit.DueAt.After(edit.At)
			if _, err := tx.ExecContext(ctx, stmt("insert_change"), e.Slug, e.Sequence, string(edit.Notify), urgent, edit.At, edit.DueAt); err != nil {
				return err
			}
		}
		if err := note(ctx, tx, edit.deed()); err != nil {
			return err
		}
		written, err = loadEvent(ctx, tx, e.Slug)
		return err
	})
	return written, err
}

// deed is what the trail says of an edit.
func (edit *Edit) deed() convened.Deed {
	d := convened.Deed{What: convened.EventChanged, Event: edit.Event.Slug, Detail: edit.Detail}
	switch {
	case edit.Event.Revision == 0:
		d.What = convened.EventMade
	case edit.Notify == convened.Cancellation:
		d.What = convened.EventCalledOff
	}
	return d
}

// writeReminders brings the rows to what the event says. A rule that stays
// keeps the time at which it was added.
func writeReminders(ctx context.Context, tx *sql.Tx, e *convened.Event, now time.Time) error {
	keys := make([]string, len(e.Reminders))
	for i, r := range e.Reminders {
		keys[i] = r.Key
		if _, err := tx.ExecContext(ctx, stmt("write_reminder"), e.Slug, r.Key, r.Rule, string(r.Late), r.Template, toJSON(r.Note), i, now); err != nil {
			return err
		}
	}
	_, err := tx.ExecContext(ctx, stmt("drop_reminders"), e.Slug, array(keys))
	return err
}

// WasInstant reports whether the event's present wall time and zone meant the
// given start in an earlier revision.
func (s *Store) WasInstant(ctx context.Context, e *convened.Event, start time.Time) (bool, error) {
	var was bool
	err := s.tx(ctx, "look for an earlier start", func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, stmt("was_instant"), e.Slug, e.StartsLocal.String(), e.Zone, start).Scan(&was)
	})
	return was, err
}
