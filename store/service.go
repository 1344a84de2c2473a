package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/lib/pq"

	"convened"
)

// This file finds out whether the database is the one that was served, or a
// copy of it: a backup that was restored, a clone for staging. A copy knows of
// everything that was still to be sent when it was made, and the original has
// sent it since. So where there is evidence of a copy nothing is sent until
// somebody says so: a quarantine. Planning goes on.
//
// There are three kinds of evidence: that the database is another one than the
// row in convened.service says, that it has forgotten what this process wrote,
// and that nobody was here for long. What does not show in them is a snapshot of
// the disk that comes up as if the machine had crashed, less than
// QuarantineAfter ago, while no daemon runs: see docs/decisions/.

// An identity says which database it is. Two are the same only if all is.
type identity struct {
	system   string // of the cluster; "" where the role may not read it
	timeline int64  // of its log: rises with each promotion and each restore
	database int64  // oid: another one in a copy by CREATE DATABASE
	table    int64  // oid of convened.service: another one where a dump was read in
}

// A self is how this process is known to the database, and what it remembers of
// it. It never changes: each beat makes another. A journal on this machine's disk
// could give a process that starts afresh the memory of the one before it: it
// would be handed to Register.
type self struct {
	as        Daemon
	id        int64
	startedAt time.Time
	beatAt    time.Time // the last beat that was committed; by the database's clock
	at        identity  // of the database that took it
}

// forgettable is how much of the last beats a fail-over to a stand-by that lags
// behind may lose.
const forgettable = time.Minute

// A sighting is what is known of the database, and what is seen of it now.
type sighting struct {
	now        time.Time // its clock
	is         identity
	started    time.Time // when its server was started
	was        identity  // when it was looked at last
	wasStarted time.Time // the same; zero: nobody has looked
	newest     time.Time // when a daemon was here last, or somebody ended a quarantine; zero: never
	own        time.Time // this process's last beat, as the database has it; zero: it has none
	quarantine *convened.Quarantine

	witness func() (bool, error) // whether a daemon is here that knows more
	pending func() (bool, error) // whether there is anything to send
}

// A verdict is what follows from a sighting.
type verdict int

const (
	unchanged verdict = iota
	anew              // the same database, whose server was started since
	moved             // another server that has everything: a promotion, an upgrade
	undecided         // somebody else who is here knows more
	suspect           // a quarantine
)

// judge decides. me is nil for a process that has no memory of the database.
// after is for how long nobody may have been here.
func (v *sighting) judge(me *self, after time.Duration) (verdict, string, error) {
	if v.quarantine != nil {
		return unchanged, "", nil
	}
	if me != nil && v.own.Before(me.beatAt.Add(-forgettable)) && (!v.own.IsZero() || me.beatAt.Sub(me.startedAt) > forgettable) {
		return suspect, fmt.Sprintf("the database has forgotten what was written to it until %s: it is an older copy of itself", words(me.beatAt)), nil
	}
	decided := unchanged
	switch difference := v.difference(); {
	case v.wasStarted.IsZero(): // the first daemon of all
		decided = anew
	case difference == "" && !v.started.Equal(v.wasStarted):
		decided = anew
	case difference == "":
	case me != nil && !v.own.IsZero() && me.at == v.was:
		// Nothing is missing that this process wrote to the one before.
		decided = moved
	default:
		if known, err := v.witness(); err != nil || known {
			return undecided, "", err
		}
		return suspect, difference, nil
	}
	if away := v.now.Sub(v.newest); after > 0 && !v.newest.IsZero() && away > after {
		if pending, err := v.pending(); err != nil || pending {
			return suspect, fmt.Sprintf("no daemon has been here since %s, and there is something to send", words(v.newest)), err
		}
	}
	return decided, "", nil
}

// difference says in what the database is not the one that was looked at; "" if
// it is the same.
func (v *sighting) difference() string {
	readable := v.is.system != "" && v.was.system != ""
	switch {
	case readable && v.is.system != v.was.system:
		return "this is another database server: a dump that was read in, a copy, or an upgrade"
	case v.is.database != v.was.database || v.is.table != v.was.table:
		return "the tables are not those that a daemon has served: a dump was read in, or the database was copied"
	case readable && v.is.timeline != v.was.timeline:
		return fmt.Sprintf("the server went on from an earlier state (timeline %d, after %d), and no daemon is here that was there before: "+
			"a backup that was restored, a copy, or a stand-by that was promoted", v.is.timeline, v.was.timeline)
	}
	return ""
}

func words(t time.Time) string { return t.UTC().Format("2 January 2006 15:04:05 UTC") }

// examine looks at the database, and writes down what follows. It returns a
// line for the log, if there is anything to say.
func (s *Store) examine(ctx context.Context, tx *sql.Tx, me *self) (identity, func(), error) {
	v, err := s.look(ctx, tx, me)
	if err != nil {
		return v.is, nil, err
	}
	decided, reason, err := v.judge(me, s.quarantineAfter)
	if err != nil {
		return v.is, nil, err
	}
	var say func()
	switch decided {
	case anew, moved:
		_, err = tx.ExecContext(ctx, stmt("know_service"), v.is.system, v.is.timeline, v.is.database, v.is.table)
		if decided == moved {
			say = func() {
				s.log.Warn("the database server is another one, and has all that this daemon wrote: going on", "difference", v.difference())
			}
		}
	case suspect:
		_, err = tx.ExecContext(ctx, stmt("quarantine"), reason)
		say = func() {
			s.log.Error("quarantine: nothing is sent", "why", reason, "mend", "convened notices release --quarantine, if this is no copy of a database that others serve")
		}
	case unchanged, undecided:
	}
	return v.is, say, err
}

// look gathers a sighting, with the service's row held.
func (s *Store) look(ctx context.Context, tx *sql.Tx, me *self) (*sighting, error) {
	v := &sighting{}
	var quarantined, released, wasStarted, newest, own sql.NullTime
	var reason string
	row := func() error {
		return tx.QueryRowContext(ctx, stmt("lock_service")).Scan(&v.was.system, &v.was.timeline, &v.was.database, &v.was.table, &wasStarted, &quarantined, &reason, &released)
	}
	err := row()
	if errors.Is(err, sql.ErrNoRows) {
		if _, err = tx.ExecContext(ctx, stmt("make_service")); err == nil {
			err = row()
		}
	}
	if err != nil {
		return v, err
	}
	var id int64
	var since time.Time
	if me != nil {
		id, since = me.id, me.startedAt
	}
	if err := tx.QueryRowContext(ctx, stmt("sighting"), id, since).Scan(&v.now, &v.started, &v.is.database, &v.is.table, &newest, &own); err != nil {
		return v, err
	}
	if v.is.system, v.is.timeline, err = whereabouts(ctx, tx); err != nil {
		return v, err
	}
	v.wasStarted, v.newest, v.own = wasStarted.Time, newest.Time, own.Time
	if released.Time.After(v.newest) {
		v.newest = released.Time
	}
	if quarantined.Valid {
		v.quarantine = &convened.Quarantine{Reason: reason, Since: quarantined.Time.UTC()}
	}
	v.witness = func() (is bool, err error) {
		err = tx.QueryRowContext(ctx, stmt("witness"), id, lockBase).Scan(&is)
		return is, err
	}
	v.pending = func() (is bool, err error) {
		err = tx.QueryRowContext(ctx, stmt("anything_to_send")).Scan(&is)
		return is, err
	}
	return v, nil
}

// whereabouts reads which cluster this is, or "" where the role may not know:
// some services of the cloud don't let it.
func whereabouts(ctx context.Context, tx *sql.Tx) (system string, timeline int64, err error) {
	if _, err := tx.ExecContext(ctx, `SAVEPOINT whereabouts`); err != nil {
		return "", 0, err
	}
	err = tx.QueryRowContext(ctx, stmt("whereabouts")).Scan(&system, &timeline)
	var e *pq.Error
	if errors.As(err, &e) && (e.Code == "42501" || e.Code == "42883" || e.Code == "0A000") {
		_, err = tx.ExecContext(ctx, `ROLLBACK TO SAVEPOINT whereabouts`)
		return "", 0, err
	}
	return system, timeline, err
}

// claiming runs take, which claims and says how many it got, in a transaction. A
// claim that comes to nothing may have been for a server that nobody has looked
// at since it was started; then it is looked at, and the claim made again.
func (s *Store) claiming(ctx context.Context, take func(*sql.Tx) (int, error)) error {
	var stop *convened.Quarantine
	var say func()
	err := s.txWith(ctx, claiming.of(int(s.took.Load())), "claim notices", func(tx *sql.Tx) error {
		stop, say = nil, nil
		for looked := false; ; looked = true {
			n, err := take(tx)
			if err != nil || n > 0 {
				return err
			}
			var strange bool
			stop, strange, err = standing(ctx, tx)
			if err != nil || stop != nil || !strange {
				return err
			}
			if looked {
				stop = &convened.Quarantine{Reason: "the database server was started, and the daemon that was there before has not looked at it yet"}
				return nil
			}
			// What follows from it is to last, unlike a claim.
			if _, err = tx.ExecContext(ctx, `SET LOCAL synchronous_commit TO DEFAULT`); err != nil {
				return err
			}
			if _, say, err = s.examine(ctx, tx, s.self.Load()); err != nil {
				return err
			}
		}
	})
	if err != nil {
		return err
	}
	if say != nil {
		say()
	}
	if stop != nil {
		return stop
	}
	return nil
}

// standing returns the quarantine, nil if there is none, and whether nobody has
// looked at this server since it was started.
func standing(ctx context.Context, tx *sql.Tx) (q *convened.Quarantine, strange bool, err error) {
	var since sql.NullTime
	var reason string
	err = tx.QueryRowContext(ctx, stmt("may_claim")).Scan(&since, &reason, &strange)
	switch {
	case errors.Is(err, sql.ErrNoRows): // no daemon was ever here, and nothing keeps one from claiming
		return nil, false, nil
	case err == nil && since.Valid:
		q = &convened.Quarantine{Reason: reason, Since: since.Time.UTC()}
	}
	return q, strange, err
}

// Quarantine returns the quarantine, or the one that the next daemon would call
// for what database this is; nil if there is none.
func (s *Store) Quarantine(ctx context.Context) (*convened.Quarantine, error) {
	var q *convened.Quarantine
	err := s.tx(ctx, "read whether there is a quarantine", func(tx *sql.Tx) error {
		v, err := s.look(ctx, tx, nil)
		q = v.detained()
		return err
	})
	return q, err
}

// detained is the quarantine that somebody can end.
func (v *sighting) detained() *convened.Quarantine {
	if why := v.difference(); v.quarantine == nil && !v.wasStarted.IsZero() && why != "" {
		return &convened.Quarantine{Reason: why, Since: v.now.UTC()}
	}
	return v.quarantine
}

// EndQuarantine says that this database is the one to serve, as of now, and by
// whom. It returns the quarantine that it ended; nil if there was none.
func (s *Store) EndQuarantine(ctx context.Context, now time.Time, by string) (*convened.Quarantine, error) {
	var ended *convened.Quarantine
	err := s.tx(ctx, "end the quarantine", func(tx *sql.Tx) error {
		ended = nil
		v, err := s.look(ctx, tx, nil)
		q := v.detained()
		if err != nil || q == nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, stmt("know_service"), v.is.system, v.is.timeline, v.is.database, v.is.table); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, stmt("end_quarantine")); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, stmt("note_release"), "quarantine", now, by, q.Reason); err != nil {
			return err
		}
		if err := note(ctx, tx, convened.Deed{What: convened.QuarantineEnded, Detail: q.Reason}); err != nil {
			return err
		}
		ended = q
		_, err = tx.ExecContext(ctx, stmt("tell_daemons"), "release")
		return err
	})
	return ended, err
}

// Due returns how many people have mail that is due at now.
func (s *Store) Due(ctx context.Context, now time.Time) (int, error) {
	var n int
	err := s.tx(ctx, "count what is due", func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, stmt("count_due"), now).Scan(&n)
	})
	return n, err
}
