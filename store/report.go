package store

import (
	"context"
	"database/sql"
	"time"

	"convened"
)

// A Status is what `convened status` shows.
type Status struct {
	At            time.Time // the database's clock
	Daemons       []DaemonSeen
	Queue         []QueueLine
	Held          []convened.Holding   // what waits for somebody to release it
	Quarantine    *convened.Quarantine // nil: mail may be sent
	Waiting       int                  // registrations that are not planned yet
	WaitingSince  time.Time            // when the oldest of them came; zero if none
	SchemaVersion int64
	ReadOnly      bool           // nothing can be written, and so nothing sent
	Incoming      []IncomingLine // of the last seven days
}

// An IncomingLine counts the mails that came in, by what they were: a
// convened.ReturnKind, or why they were dropped.
type IncomingLine struct {
	What  string
	Mails int
}

// incomingDays is for how long what came in is counted in a Status.
const incomingDays = 7

// A DaemonSeen is a daemon by its row.
type DaemonSeen struct {
	ID        int64
	Name      string
	Host      string
	PID       int
	Version   string
	StartedAt time.Time
	BeatAt    time.Time
	StoppedAt time.Time // zero: it did not say that it stopped
	Status    string
	Alive     bool // its session is there
}

// A QueueLine counts the notices in a state that is not final.
type QueueLine struct {
	State     convened.State
	Notices   int
	OldestDue time.Time
}

// Status reads how the service is.
func (s *Store) Status(ctx context.Context) (Status, error) {
	var st Status
	err := s.txWith(ctx, counting, "read the status", func(tx *sql.Tx) error {
		st = Status{}
		if err := tx.QueryRowContext(ctx, stmt("schema_version")).Scan(&st.SchemaVersion); err != nil {
			return err
		}
		if err := tx.QueryRowContext(ctx, stmt("read_only")).Scan(&st.ReadOnly); err != nil {
			return err
		}
		if err := each(ctx, tx, stmt("list_daemons"), []any{lockBase}, func(rows *sql.Rows) error {
			var d DaemonSeen
			var stopped sql.NullTime
			err := rows.Scan(&d.ID, &d.Name, &d.Host, &d.PID, &d.Version, &d.StartedAt, &d.BeatAt, &stopped, &d.Status, &st.At, &d.Alive)
			d.StoppedAt = stopped.Time
			st.Daemons = append(st.Daemons, d)
			return err
		}); err != nil {
			return err
		}
		var b Backlog
		err := b.read(ctx, tx)
		if err != nil {
			return err
		}
		st.Queue, st.Waiting, st.WaitingSince = b.Queue, b.Waiting, b.WaitingSince
		if st.Held, err = held(ctx, tx, "", true); err != nil {
			return err
		}
		if st.Quarantine, _, err = standing(ctx, tx); err != nil {
			return err
		}
		if st.At.IsZero() {
			if err := tx.QueryRowContext(ctx, stmt("server_time")).Scan(&st.At); err != nil {
				return err
			}
		}
		return each(ctx, tx, stmt("incoming_since"), []any{st.At.AddDate(0, 0, 1-incomingDays)}, func(rows *sql.Rows) error {
			var l IncomingLine
			err := rows.Scan(&l.What, &l.Mails)
			st.Incoming = append(st.Incoming, l)
			return err
		})
	})
	return st, err
}

// A NoticeLine is a notice with whom it is for.
type NoticeLine struct {
	convened.Notice
	Cause convened.Cause
	Email string
	Name  string
	LetGo LetGo // read by History alone
}

// A LetGo says who let a notice go last. The zero value is nobody.
type LetGo struct {
	What string // Released, Retried or Resent
	By   string
	At   time.Time
}

// Notices returns notices of one event ("" is all) in one state ("" is all),
// the latest first, at most limit with an id below before (0 is the start).
func (s *Store) Notices(ctx context.Context, event string, state convened.State, limit int, before convened.NoticeID) ([]NoticeLine, error) {
	var list []NoticeLine
	err := s.tx(ctx, "list notices", func(tx *sql.Tx) error {
		list = nil
		return each(ctx, tx, stmt("list_notices"), []any{event, string(state), limit, int64(before)}, func(rows *sql.Rows) error {
			var l NoticeLine
			n := &l.Notice
			var sent sql.NullTime
			err := rows.Scan(&n.ID, &n.Registration, &n.Event, &n.Kind, &n.Occasion, &n.State, &n.Instant, &n.DueAt, &n.Attempt, &n.Failures, &n.Doubts,
				&n.MessageID, &sent, &n.LastError, &n.Reason, &l.Cause, &l.Email, &l.Name)
			n.Instant, n.DueAt = n.Instant.UTC(), n.DueAt.UTC()
			if sent.Valid {
				n.SentAt = sent.Time.UTC()
			}
			list = append(list, l)
			return err
		})
	})
	return list, err
}
