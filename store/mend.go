package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"convened"
)

// This file holds what an organiser does about one person's mail: sends the
// confirmation once more, mends a mistyped address; and what there is to do
// something about.

// An Obstacle is why something can't be done about a seat now: an error that a
// page puts into its reader's language by its name.
type Obstacle string

// The obstacles.
const (
	EventOff    Obstacle = "off"
	EventOver   Obstacle = "over"
	SeatLeft    Obstacle = "left"
	NotPlanned  Obstacle = "waiting"
	Underway    Obstacle = "underway"
	HeldBack    Obstacle = "held"
	SentSince   Obstacle = "since"
	NoAddress   Obstacle = "address"
	SameAddress Obstacle = "same"
)

// Error says it in words, and what to do instead.
func (o Obstacle) Error() string {
	return map[Obstacle]string{
		EventOff:    "the event is off",
		EventOver:   "the event is over",
		SeatLeft:    "the seat was given up; who wants it again registers again",
		NotPlanned:  "the registration is new, and the daemon has not seen it yet; try again in a moment",
		Underway:    "a confirmation is on its way already",
		HeldBack:    "the confirmation is held; release it instead",
		SentSince:   "a confirmation was sent once more since that was asked for; look again",
		NoAddress:   "this can't be an address; correct it instead",
		SameAddress: "that is the address that it has already",
	}[o]
}

// A mendable is a seat that something is to be done about.
type mendable struct {
	event                   lockedEvent
	email                   string
	refused, held, underway bool
	confirmations           int
}

// toMend holds the event's row and returns a seat that mail may go to, or the
// Obstacle.
func toMend(ctx context.Context, tx *sql.Tx, now time.Time, event string, seat convened.RegistrationID) (mendable, error) {
	var m mendable
	var err error
	if m.event, err = lockEvent(ctx, tx, event); err != nil {
		return m, err
	}
	var left, planned bool
	if err := tx.QueryRowContext(ctx, stmt("seat_to_mend"), event, int64(seat)).
		Scan(&m.email, &left, &m.refused, &planned, &m.confirmations, &m.held, &m.underway); err != nil {
		return m, err
	}
	switch {
	case m.event.status == convened.EventIsOff:
		return m, EventOff
	case !now.Before(m.event.ends):
		return m, EventOver
	case left:
		return m, SeatLeft
	case !planned:
		return m, NotPlanned
	}
	return m, nil
}

// Confirmations returns how many confirmations of a seat were planned, or
// ErrNotFound: what a wish to send it again has seen.
func (s *Store) Confirmations(ctx context.Context, now time.Time, event string, seat convened.RegistrationID) (int, error) {
	n := 0
	err := s.tx(ctx, "look for confirmations", func(tx *sql.Tx) error {
		m, err := toMend(ctx, tx, now, event, seat)
		n = m.confirmations
		var obstacle Obstacle
		if errors.As(err, &obstacle) {
			return nil
		}
		return err
	})
	return n, err
}

// Resend plans one more confirmation of a seat, at the wish of somebody who knew
// of so many: a wish that is made twice, by a second click or by a second person,
// comes true once, and the other is the Obstacle SentSince. While one is on its way
// or held there is no second. An address that was given up gets another try.
// ErrNotFound for a seat that there is not.
func (s *Store) Resend(ctx context.Context, now time.Time, event string, seat convened.RegistrationID, known int, by string) error {
	return s.tx(ctx, "send a confirmation again", func(tx *sql.Tx) error {
		m, err := toMend(ctx, tx, now, event, seat)
		switch {
		case err != nil:
			return err
		case m.confirmations != known:
			return SentSince
		case m.held:
			return HeldBack
		case m.underway:
			return Underway
		}
		var decision int64
		if err := tx.QueryRowContext(ctx, stmt("note_release"), Resent, now, by, event).Scan(&decision); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, stmt("plan_resend"), event, int64(seat), known, now, decision); err != nil {
			return err
		}
		if m.refused {
			if err := reseat(ctx, tx, now, event, m.event, []int64{int64(seat)}, []bool{true}); err != nil {
				return err
			}
		}
		if _, err := tx.ExecContext(ctx, stmt("count_release"), decision, 1); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, stmt("tell_daemons"), Resent); err != nil {
			return err
		}
		return note(ctx, tx, convened.Deed{What: convened.ConfirmationResent, Event: event, Registration: seat})
	})
}

// corrected is why what was to go to a mistyped address does not.
const corrected = "the address was corrected"

// Correct gives a person whose address was mistyped a registration with the right
// one, and returns its number. The old address gets nothing further, not even a
// cancellation: whoever reads there has nothing to do with the event. ErrNotFound
// for a seat that there is not.
func (s *Store) Correct(ctx context.Context, now time.Time, event string, seat convened.RegistrationID, email, by string) (convened.RegistrationID, error) {
	var fresh convened.RegistrationID
	err := s.tx(ctx, "correct an address", func(tx *sql.Tx) error {
		if _, err := toMend(ctx, tx, now, event, seat); err != nil {
			return err
		}
		if err := tx.QueryRowContext(ctx, stmt("correct_seat"), event, int64(seat), clean(email), now, clean(by)).Scan(&fresh); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, stmt("drop_planned"), int64(seat), array(texts(convened.Kinds())), now, corrected); err != nil {
			return err
		}
		return note(ctx, tx, convened.Deed{What: convened.AddressCorrected, Event: event, Registration: seat, Detail: fmt.Sprintf("now registration %d", fresh)})
	})
	return fresh, err
}

// A Correction says that an address was mended.
type Correction struct {
	From, To           convened.RegistrationID
	FromEmail, ToEmail string // as they were typed; "" where it was erased
	By                 string
	At                 time.Time
}

// CorrectionsOf returns what was mended about the address of one person, in the
// order in which it was.
func (s *Store) CorrectionsOf(ctx context.Context, seat convened.RegistrationID) ([]Correction, error) {
	var list []Correction
	err := s.tx(ctx, "read corrections", func(tx *sql.Tx) (err error) {
		list, err = readCorrections(ctx, tx, seat)
		return err
	})
	return list, err
}

func readCorrections(ctx context.Context, tx *sql.Tx, seat convened.RegistrationID) ([]Correction, error) {
	var list []Correction
	err := each(ctx, tx, stmt("corrections_of_seat"), []any{int64(seat)}, func(rows *sql.Rows) error {
		var c Correction
		var at sql.NullTime
		err := rows.Scan(&c.From, &c.FromEmail, &c.To, &c.ToEmail, &c.By, &at)
		c.At = utc(at)
		list = append(list, c)
		return err
	})
	return list, err
}

// A Failure is what letters that do not arrive have in common.
type Failure struct {
	Returned bool           // they were taken, and came back
	State    convened.State // Refused, Unknown, Held (in doubt), or Planned: tried again after a failure
	Cause    convened.Cause
	Code     int    // SMTP reply code; 0: none
	Enhanced string // enhanced status code; "" if none
	Untried  bool   // refused without a try: not an address

	Letters  int
	People   int
	Latest   time.Time
	Examples []FailureExample // the latest first

	Notices []convened.NoticeID // read by FailedNotices alone; nil of what came back
}

// A FailureExample is somebody who does not get their mail.
type FailureExample struct {
	Registration convened.RegistrationID `json:"registration"`
	Email        string                  `json:"email"`
	Words        string                  `json:"words"` // the server's, or what is wrong
	At           time.Time               `json:"at"`
}

// How much a look at failures takes: where a whole event fails it is enough to
// know that, and how.
const (
	MostFailures        = 5_000
	mostFailureExamples = 5
)

// Failures returns what does not arrive of an event, by what it has in common, the
// most first. Whoever left or was erased is not counted, nor is what a later letter
// made good. Of each state no more than MostFailures are looked at.
func (s *Store) Failures(ctx context.Context, event string) ([]Failure, error) {
	return s.failures(ctx, event, false)
}

// FailedNotices is Failures with the numbers of the notices.
func (s *Store) FailedNotices(ctx context.Context, event string) ([]Failure, error) {
	return s.failures(ctx, event, true)
}

func (s *Store) failures(ctx context.Context, event string, numbers bool) ([]Failure, error) {
	var list []Failure
	err := s.tx(ctx, "list failures", func(tx *sql.Tx) error {
		list = nil
		return each(ctx, tx, stmt("list_failures"), []any{event, MostFailures, mostFailureExamples, numbers}, func(rows *sql.Rows) error {
			var f Failure
			var examples []byte
			var ids []int64
			if err := rows.Scan(&f.Returned, &f.State, &f.Cause, &f.Code, &f.Enhanced, &f.Untried, &f.Letters, &f.People, &f.Latest, &examples, array(&ids)); err != nil {
				return err
			}
			f.Latest = f.Latest.UTC()
			for _, id := range ids {
				f.Notices = append(f.Notices, convened.NoticeID(id))
			}
			if err := json.Unmarshal(examples, &f.Examples); err != nil {
				return fmt.Errorf("examples: %w", err)
			}
			list = append(list, f)
			return nil
		})
	})
	return list, err
}
