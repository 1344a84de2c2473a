package store

import (
	"context"
	"database/sql"
	"slices"
	"strconv"
	"time"

	"convened"
)

// This file counts, for people who look. What counts all rows of an event costs tenths
// of a second at a hundred thousand registrants: it is for figures that are some
// seconds old. What is underway is counted by what is left, and is for every second.

// Figures are how an event stands.
type Figures struct {
	Registered int // seats that are taken
	Muted      int // of these, who get no reminders
	Refused    int // of these, whose address does not work
	GivenUp    int
	Arriving   int            // registrations that nobody has planned yet
	Languages  map[string]int // of those who are registered; as they stand in the rows
	Zones      []ZoneFigure   // of those who are registered, the most frequent first
	Mails      []MailFigure   // in the order of their instants
}

// A ZoneFigure is how many people are in a zone, as it stands in the rows: it may be
// none.
type ZoneFigure struct {
	Zone   string
	People int
}

// A MailFigure is what has become of the mails of one occasion.
type MailFigure struct {
	Kind        convened.Kind
	Occasion    string    // of a reminder or a follow-up; of a change its number; "" of what one person was the cause of, counted by day (UTC)
	Instant     time.Time // the earliest that they are for
	States      map[convened.State]int
	First, Last time.Time // when they left; zero: none has
}

// Count is how many mails there are in the given states.
func (m *MailFigure) Count(states ...convened.State) int {
	n := 0
	for _, s := range states {
		n += m.States[s]
	}
	return n
}

// Figures counts how an event stands.
func (s *Store) Figures(ctx context.Context, event string) (*Figures, error) {
	var f *Figures
	err := s.long.txWith(ctx, lengthy, "count what became of "+event, func(tx *sql.Tx) error {
		f = &Figures{Languages: map[string]int{}}
		if err := f.readPeople(ctx, tx, event); err != nil {
			return err
		}
		if err := tx.QueryRowContext(ctx, stmt("count_arrivals"), event).Scan(&f.Arriving); err != nil {
			return err
		}
		return f.readMails(ctx, tx, event)
	})
	return f, err
}

func (f *Figures) readPeople(ctx context.Context, tx *sql.Tx, event string) error {
	zones := map[string]int{}
	err := each(ctx, tx, stmt("count_people"), []any{event}, func(rows *sql.Rows) error {
		var language, zone string
		var registered, muted, refused, left int
		if err := rows.Scan(&language, &zone, &registered, &muted, &refused, &left); err != nil {
			return err
		}
		f.Registered, f.Muted, f.Refused, f.GivenUp = f.Registered+registered, f.Muted+muted, f.Refused+refused, f.GivenUp+left
		if registered > 0 {
			f.Languages[language] += registered
			zones[zone] += registered
		}
		return nil
	})
	for zone, people := range zones {
		f.Zones = append(f.Zones, ZoneFigure{zone, people})
	}
	slices.SortFunc(f.Zones, func(a, b ZoneFigure) int {
		if a.People != b.People {
			return b.People - a.People
		}
		if a.Zone < b.Zone {
			return -1
		}
		return 1
	})
	return err
}

func (f *Figures) readMails(ctx context.Context, tx *sql.Tx, event string) error {
	type key struct {
		kind     convened.Kind
		occasion string
		day      int64
	}
	at := map[key]int{}
	err := each(ctx, tx, stmt("count_mails"), []any{event}, func(rows *sql.Rows) error {
		var k key
		var state convened.State
		var n int
		var instant time.Time
		var day, first, last sql.NullTime
		if err := rows.Scan(&k.kind, &k.occasion, &state, &day, &n, &instant, &first, &last); err != nil {
			return err
		}
		if day.Valid {
			k.day = day.Time.Unix()
		}
		i, there := at[k]
		if !there {
			i = len(f.Mails)
			at[k] = i
			f.Mails = append(f.Mails, MailFigure{Kind: k.kind, Occasion: k.occasion, Instant: instant.UTC(), States: map[convened.State]int{}})
		}
		m := &f.Mails[i]
		m.States[state] += n
		if instant.Before(m.Instant) {
			m.Instant = instant.UTC()
		}
		if first.Valid && (m.First.IsZero() || first.Time.Before(m.First)) {
			m.First = first.Time.UTC()
		}
		if last.Valid && last.Time.After(m.Last) {
			m.Last = last.Time.UTC()
		}
		return nil
	})
	slices.SortStableFunc(f.Mails, func(a, b MailFigure) int { return a.Instant.Compare(b.Instant) })
	return err
}

// A Burst is an occasion whose mails have not all left.
type Burst struct {
	Kind     convened.Kind
	Occasion string // see MailFigure
	Left     int    // planned, or in somebody's hands, and as many as there are seats still to plan for
	Of       int    // how many there are in all; never less than Left
	Due      time.Time
}

// Bursts returns what is being sent of an event, or waits for its next try, the sooner
// due first.
func (s *Store) Bursts(ctx context.Context, event string) ([]Burst, error) {
	var list []Burst
	err := s.txWith(ctx, counting, "count what is underway", func(tx *sql.Tx) error {
		list = nil
		err := each(ctx, tx, stmt("bursts"), []any{event}, func(rows *sql.Rows) error {
			var u Burst
			err := rows.Scan(&u.Kind, &u.Occasion, &u.Left, &u.Due)
			u.Due = u.Due.UTC()
			list = append(list, u)
			return err
		})
		if err != nil || len(list) == 0 {
			return err
		}
		planned, err := plannedOf(ctx, tx, event)
		if err != nil {
			return err
		}
		for i := range list {
			u := &list[i]
			if u.Kind == convened.Confirmation {
				if err := tx.QueryRowContext(ctx, stmt("count_confirmations"), event).Scan(&u.Of); err != nil {
					return err
				}
			} else if u.Occasion != "" {
				p := planned[u.Occasion]
				u.Left, u.Of = u.Left+p.toCome, p.notices+p.toCome
			}
			u.Of = max(u.Of, u.Left)
		}
		return nil
	})
	return list, err
}

// A planned is how far planning has come with an occasion or a change.
type planned struct{ notices, toCome int }

// plannedOf returns how many notices were planned of each occasion, and for how many
// seats that is still to be done. The numbers of changes and the occasions of reminders
// are never the same.
func plannedOf(ctx context.Context, tx *sql.Tx, event string) (map[string]planned, error) {
	all := map[string]planned{}
	return all, each(ctx, tx, stmt("planned_of"), []any{event}, func(rows *sql.Rows) error {
		var kind, name string
		var at time.Time
		var ordinal int
		var p planned
		if err := rows.Scan(&kind, &name, &at, &ordinal, &p.notices, &p.toCome); err != nil {
			return err
		}
		if kind == "reminder" {
			all[convened.Occasion{Key: name, Start: at.UTC(), Ordinal: ordinal}.String()] = p
		} else {
			all[strconv.Itoa(ordinal)] = p
		}
		return nil
	})
}
