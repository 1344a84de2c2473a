package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"convened"
)

// A Revision is an event as somebody left it.
type Revision struct {
	Event *convened.Event // its reminders without the time at which they were added
	By    string          // who made it: a system user, an account
	At    time.Time       // UTC
}

// Revision returns an event as it was at a revision, or ErrNotFound.
func (s *Store) Revision(ctx context.Context, slug string, revision int) (*Revision, error) {
	var r *Revision
	err := s.tx(ctx, fmt.Sprintf("read revision %d of event %s", revision, slug), func(tx *sql.Tx) error {
		r = &Revision{}
		var err error
		if r.Event, err = scanEvent(tx.QueryRowContext(ctx, stmt("event_at_revision"), slug, revision)); err != nil {
			return err
		}
		var reminders []byte
		if err := tx.QueryRowContext(ctx, stmt("revision"), slug, revision).Scan(&r.At, &r.By, &reminders); err != nil {
			return err
		}
		r.At = r.At.UTC()
		var list []struct {
			Name, Rule, Late, Template string
			Note                       convened.Text
		}
		if err := json.Unmarshal(reminders, &list); err != nil {
			return fmt.Errorf("%w: %w", errUnreadable, err)
		}
		for _, l := range list {
			r.Event.Reminders = append(r.Event.Reminders, convened.Reminder{Key: l.Name, Rule: l.Rule, Late: convened.Late(l.Late), Template: l.Template, Note: l.Note})
		}
		return nil
	})
	return r, err
}
