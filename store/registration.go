package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode"

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
	CorrectedTo  convened.RegistrationID
	SourceRef    string
	Confirmation convened.State // of the latest confirmation; "" if none is planned yet
	LastError    string         // the server's words, where it was refused
	Sent         int            // letters that went out
	NextDue      time.Time      // zero: nothing is waiting
}

// A Condition says how it is with a registration, where one word is to do.
type Condition string

// The conditions, the weightiest first.
const (
	WasErased      Condition = "erased"
	WasCorrected   Condition = "corrected" // another took its place: see CorrectedTo
	GaveUpSeat     Condition = "left"
	AddressRefused Condition = "refused"
	NotPlannedYet  Condition = "waiting"
	DeclinedInvite Condition = "declined"
	RemindersMuted Condition = "muted"
	IsConfirmed    Condition = "confirmed"
	IsUnconfirmed  Condition = "unconfirmed" // Confirmation says how far that is
)

// Condition returns how it is with a person.
func (p *Person) Condition() Condition {
	switch {
	case !p.ErasedAt.IsZero():
		return WasErased
	case p.CorrectedTo != 0:
		return WasCorrected
	case !p.CancelledAt.IsZero():
		return GaveUpSeat
	case !p.RefusedAt.IsZero():
		return AddressRefused
	case p.PlannedAt.IsZero():
		return NotPlannedYet
	case !p.DeclinedAt.IsZero():
		return DeclinedInvite
	case !p.MutedAt.IsZero():
		return RemindersMuted
	case p.Confirmation == convened.Sent:
		return IsConfirmed
	}
	return IsUnconfirmed
}

// A Standing is how it is with a registration: what a search asks for.
type Standing string

// The standings that can be asked for.
const (
	Anyhow       Standing = ""
	IsRegistered Standing = "registered" // has the seat, or will at the next tick
	IsWaiting    Standing = "waiting"    // not planned yet
	HasFailed    Standing = "failed"     // some letter did not arrive, or nobody knows, or it is held
	IsRefused    Standing = "refused"    // the address does not work
	IsMuted      Standing = "muted"
	HasDeclined  Standing = "declined" // in a calendar, and has the seat
	HasLeft      Standing = "cancelled"
)

// Standings lists those that can be asked for, without Anyhow.
func Standings() []Standing {
	return []Standing{IsRegistered, IsWaiting, HasFailed, IsRefused, IsMuted, HasDeclined, HasLeft}
}

// A Search says whom of an event somebody looks for.
type Search struct {
	Event    string
	Text     string // must occur in the address or the name; case and accents do not matter. "" is everybody
	Standing Standing
	Before   convened.RegistrationID // those with lower numbers; 0 is the start
	Limit    int
}

// People returns the registrations of an event, those not planned yet included,
// the latest first.
func (s *Store) People(ctx context.Context, q Search) ([]Person, error) {
	before := int64(q.Before)
	if before == 0 {
		before = math.MaxInt64
	}
	like, exact := looking(q.Text)
	var list []Person
	err := s.tx(ctx, "list registrations", func(tx *sql.Tx) error {
		list = nil
		return each(ctx, tx, stmt("list_registrations"), []any{q.Event, before, q.Limit, like, exact, string(q.Standing)}, func(rows *sql.Rows) error {
			var p Person
			r := &p.Registration
			var sequenced, planned, seated, cancelled, muted, declined, erased, refused, next sql.NullTime
			err := rows.Scan(&r.ID, &r.UID, &r.Event, &r.Email, &r.Name, &r.Language, &r.Zone, &p.SourceRef, &r.Sequence, &r.CreatedAt,
				&sequenced, &planned, &seated, &cancelled, &muted, &declined, &erased, &refused, &p.CorrectedTo, &p.Confirmation, &p.LastError, &p.Sent, &next)
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

// accented are the letters that people most often leave the accents of. The more
// there are, the less a pattern leaves out; a collation would know them all, but
// which there are depends on the server.
var accented = map[rune]string{
	'a': "áàâäãåāăą", 'c': "çćč", 'e': "éèêëēėęě", 'i': "íìîïīı", 'n': "ñńň", 'o': "óòôöõøōő", 's': "śšşș", 'u': "úùûüūůű", 'y': "ýÿ", 'z': "žźż",
}

// looking returns what a search looks for, twice over: a pattern of LIKE in which
// any character may stand where an accent may, which is quick to try, and a
// regular expression that lets the right ones stand there, which is then tried on
// the few that are left. A letter that was typed with its accent is meant so.
func looking(text string) (like, exact string) {
	const most = 100
	var l, x strings.Builder
	l.WriteByte('%')
	for i, r := range []rune(strings.ToLower(strings.Join(strings.Fields(clean(text)), " "))) {
		if i == most {
			break
		}
		switch others, may := accented[r]; {
		case may:
			// The server's lower() may know ASCII alone.
			fmt.Fprintf(&x, "[%c%s%s]", r, others, strings.ToUpper(others))
			l.WriteByte('_')
		case r < unicode.MaxASCII && !unicode.IsLetter(r) && !unicode.IsDigit(r):
			fmt.Fprintf(&x, `\%c`, r)
			if r == '%' || r == '_' || r == '\\' {
				l.WriteByte('\\')
			}
			l.WriteRune(r)
		case r > unicode.MaxASCII:
			fmt.Fprintf(&x, "[%c%c]", r, unicode.ToUpper(r))
			l.WriteByte('_')
		default:
			x.WriteRune(r)
			l.WriteRune(r)
		}
	}
	if x.Len() == 0 {
		return "%", ""
	}
	l.WriteByte('%')
	return l.String(), x.String()
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
