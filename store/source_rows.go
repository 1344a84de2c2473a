package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/lib/pq"

	"convened"
)

// This file holds how rows of adopted tables are read and taken.
//
// What makes a row be taken exactly once is its entry in source_rows, whose key is
// unique, and which is written in the transaction that writes the registration.
// What makes none be missed is the watermark: see Look.

// A seenRow is a row as it was read.
type seenRow struct {
	key       string
	version   string
	values    [5]sql.NullString // event, email, name, language, zone
	cancelled bool
	digest    []byte
	fault     string // why it could not be mapped
}

// lookTimeout bounds one statement over somebody else's table.
const lookTimeout = `SET LOCAL statement_timeout = '15min'; SET LOCAL idle_in_transaction_session_timeout = '15min'`

// readOnly begins a look at somebody else's table, in a transaction that can change
// nothing and sees one moment (still).
const readOnly = lookTimeout + `; ` + plainNames

// markBefore notes every row that is there as one that was there before, and where
// no transaction is left that might still add another.
func (v *Survey) markBefore(ctx context.Context, tx *sql.Tx) error {
	version := "md5(r::text)"
	if v.xmin {
		version = "r.xmin::text"
	}
	// One statement, so that the rows and the watermark are of the same moment.
	_, err := tx.ExecContext(ctx, fmt.Sprintf(`WITH now AS MATERIALIZED (SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS horizon),
made AS (
    INSERT INTO convened.source_rows (source, key, state, version)
    SELECT $1::integer, %s, 'before', %s FROM %s r
    ON CONFLICT DO NOTHING
    RETURNING 1
)
UPDATE convened.sources SET watermark = (SELECT horizon FROM now), present = present + (SELECT count(*) FROM made) WHERE id = $1`,
		v.keyText("r."), version, v.Relation), v.ID)
	return err
}

// sight reads rows by their keys. A row whose mapping fails is found by halving,
// and comes with its fault; one that is not there any more does not come.
func (v *Source) sight(ctx context.Context, tx *sql.Tx, keys []string) ([]seenRow, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	list, err := v.read(ctx, tx, keys)
	var e *pq.Error
	if err == nil || !errors.As(err, &e) || e.Code == "57014" || e.Code.Class() == "08" || e.Code.Class() == "57" {
		return list, err
	}
	if len(keys) == 1 {
		return []seenRow{{key: keys[0], fault: fmt.Sprintf("%s (%s)", e.Message, e.Code)}}, nil
	}
	half := len(keys) / 2
	first, err := v.sight(ctx, tx, keys[:half])
	if err != nil {
		return nil, err
	}
	second, err := v.sight(ctx, tx, keys[half:])
	return append(first, second...), err
}

// tableName is the table's name without its schema, by which a mapping may call a row.
func (v *Source) tableName() string {
	// Both parts are in quotation marks, and one within them stands twice.
	return v.Relation[strings.Index(v.Relation, `"."`)+2:]
}

// read is sight without patience for rows that fail.
func (v *Source) read(ctx context.Context, tx *sql.Tx, keys []string) ([]seenRow, error) {
	columns := make([][]string, len(v.Keys))
	for _, k := range keys {
		parts, err := v.keyParts(k)
		if err != nil {
			return nil, err
		}
		for i, p := range parts {
			columns[i] = append(columns[i], p)
		}
	}
	var unnest, names, on []string
	var args []any
	for i, k := range v.Keys {
		args = append(args, pq.Array(columns[i]))
		unnest = append(unnest, fmt.Sprintf("$%d::text[]", i+1))
		names = append(names, fmt.Sprintf("convened_k%d", i))
		on = append(on, fmt.Sprintf("r.%s = k.convened_k%d::%s", pq.QuoteIdentifier(k), i, v.kinds[k]))
	}
	alias := v.tableName()
	query := fmt.Sprintf(`SELECT s.*, convened.source_digest(s.f1, s.f2, s.f3, s.f4, s.f5, s.f6)
FROM (
    SELECT m.key, btrim(m.f1) AS f1, left(btrim(m.f2, E' \t\r\n'), 2000) AS f2, left(m.f3, 2000) AS f3, left(m.f4, 100) AS f4, left(m.f5, 100) AS f5, m.f6
    FROM (
        SELECT %s, %s
        FROM (SELECT r.* FROM %s r JOIN unnest(%s) AS k (%s) ON %s) AS %s
    ) AS m (key, f1, f2, f3, f4, f5, f6)
) s`, v.keyText(alias+"."), v.Map.expressions(), v.Relation, strings.Join(unnest, ", "), strings.Join(names, ", "), strings.Join(on, " AND "), alias)
	var list []seenRow
	if _, err := tx.ExecContext(ctx, `SAVEPOINT reading`); err != nil {
		return nil, err
	}
	err := each(ctx, tx, query, args, func(rows *sql.Rows) error {
		var g seenRow
		err := rows.Scan(&g.key, &g.values[0], &g.values[1], &g.values[2], &g.values[3], &g.values[4], &g.cancelled, &g.digest)
		list = append(list, g)
		return err
	})
	end := `RELEASE SAVEPOINT reading`
	if err != nil {
		end = `ROLLBACK TO SAVEPOINT reading; ` + end
		list = nil
	}
	if _, ended := tx.ExecContext(ctx, end); ended != nil && err == nil {
		err = ended
	}
	return list, err
}

// lookStep is how many rows one look takes at most.
const lookStep = 5000

// A Look is what came of a look at a table that is polled.
type Look struct {
	Fresh    int  // rows that were not there before
	Changed  int  // rows that say something else
	Vanished int  // rows that are not there any more
	Problems int  // rows that could not be taken
	More     bool // there was more than one look takes
}

// Look looks at a polled table for rows that are new, changed or gone. Rows that
// are new become registrations; the others wait to be followed. Two daemons that
// look at once take nothing twice.
//
// The watermark is the number below which every transaction has ended when it was
// read (pg_snapshot_xmin). A row written by a transaction at or above it is looked
// at again each time, until the next watermark is past it: so one that commits late,
// whatever its key or its time stamp says, is above the watermark when it appears.
// Numbers of transactions come round after four thousand million; only the window
// from the watermark to the next number counts, by its distance, so it does not matter
// how old the other rows are. The watermark is kept in the same database as the
// table: what takes one of them back in time takes the other.
func (s *Store) Look(ctx context.Context, now time.Time, v *Source) (Look, error) {
	var l Look
	var seen []seenRow
	var gone []string
	var horizon int64
	var begun sql.NullTime // by the database's clock
	err := s.long.txWith(ctx, still, "look at "+v.Relation, func(tx *sql.Tx) (err error) {
		if _, err := tx.ExecContext(ctx, readOnly); err != nil {
			return err
		}
		if err := tx.QueryRowContext(ctx, `SELECT now()`).Scan(&begun); err != nil {
			return err
		}
		l, seen, gone, horizon, err = v.look(ctx, tx)
		return err
	})
	if err != nil {
		return l, errors.Join(err, s.noteLook(ctx, v, now, begun, err.Error()))
	}
	err = s.long.tx(ctx, "take rows of "+v.Relation, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, lookTimeout); err != nil {
			return err
		}
		var watermark sql.NullInt64
		if err := tx.QueryRowContext(ctx, stmt("lock_source"), v.ID).Scan(&watermark); err != nil {
			return err
		}
		if watermark != v.watermark {
			l.More = true // another has looked meanwhile, and knows better
			return nil
		}
		return v.taken(ctx, tx, &l, seen, gone, horizon)
	})
	return l, errors.Join(err, s.noteLook(ctx, v, now, begun, ""))
}

func (s *Store) noteLook(ctx context.Context, v *Source, now time.Time, begun sql.NullTime, trouble string) error {
	return s.tx(ctx, "note a look", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, stmt("note_source_look"), v.ID, now, begun, trouble)
		return err
	})
}

// look reads what is new, changed or gone, as of one moment.
func (v *Source) look(ctx context.Context, tx *sql.Tx) (l Look, seen []seenRow, gone []string, horizon int64, err error) {
	var next int64
	var same bool
	var kind string
	if err = tx.QueryRowContext(ctx, stmt("moment"), v.Relation, v.relationID).Scan(&horizon, &next, &same, &kind); err != nil {
		return
	}
	if !same {
		return l, nil, nil, 0, fmt.Errorf("the table is gone, or was made anew: remove the source and add it again")
	}
	if err = v.readKinds(ctx, tx); err != nil {
		return
	}
	version, window := "md5(r::text)", "true"
	if kind == "r" || kind == "p" || kind == "m" {
		version = "r.xmin::text"
		if mark := v.watermark; mark.Valid && mark.Int64 <= next && next-mark.Int64 < math.MaxUint32 {
			window = windowOf(mark.Int64, next)
		}
	}
	// The rows in the window are few; OFFSET 0 has each looked up by itself.
	query := fmt.Sprintf(`WITH c AS MATERIALIZED (SELECT %s AS key, %s AS version FROM %s r WHERE %s)
SELECT c.key, c.version, l.state IS NULL
FROM c LEFT JOIN LATERAL (SELECT w.state, w.version FROM convened.source_rows w WHERE w.source = $1 AND w.key = c.key OFFSET 0) l ON true
WHERE l.version IS DISTINCT FROM c.version AND c.key IS NOT NULL
LIMIT %d`, v.keyText("r."), version, v.Relation, window, lookStep+1)
	versions := map[string]string{}
	var keys []string
	fresh := 0
	err = each(ctx, tx, query, []any{v.ID}, func(rows *sql.Rows) error {
		var key, version string
		var unknown bool
		if err := rows.Scan(&key, &version, &unknown); err != nil {
			return err
		}
		if len(keys) == lookStep {
			l.More = true
			return nil
		}
		if unknown {
			fresh++
		}
		keys, versions[key] = append(keys, key), version
		return nil
	})
	if err != nil {
		return
	}
	if seen, err = v.sight(ctx, tx, keys); err != nil {
		return
	}
	for i := range seen {
		seen[i].version = versions[seen[i].key]
	}
	if l.More {
		return // the others first
	}
	var count int64
	if err = tx.QueryRowContext(ctx, `SELECT count(*) FROM `+v.Relation).Scan(&count); err != nil || count >= v.present+int64(fresh) {
		return
	}
	err = appendKeys(ctx, tx, &gone, fmt.Sprintf(`SELECT w.key FROM convened.source_rows w
WHERE w.source = $1 AND w.state <> 'gone' AND NOT EXISTS (SELECT FROM %s r WHERE %s = w.key)
  AND NOT EXISTS (SELECT FROM convened.source_changes c WHERE c.source = $1 AND c.key = w.key AND c.gone)
LIMIT %d`, v.Relation, v.keyText("r."), lookStep), v.ID)
	return
}

// windowOf says of a row whether the transaction that wrote it has a number from
// mark up to next. Rows know the last 32 bits of it.
func windowOf(mark, next int64) string {
	return fmt.Sprintf("(r.xmin::text::bigint - %d + 4294967296) %% 4294967296 < %d", mark%(1<<32), next-mark)
}

// readKinds reads the types of the key's columns.
func (v *Source) readKinds(ctx context.Context, tx *sql.Tx) error {
	v.kinds = map[string]string{}
	return each(ctx, tx, stmt("columns_of_table"), []any{v.relationID}, func(rows *sql.Rows) error {
		var name, kind string
		err := rows.Scan(&name, &kind)
		v.kinds[name] = kind
		return err
	})
}

// A knownRow is what source_rows says of a key.
type knownRow struct {
	state  string
	digest []byte
}

func (v *Source) known(ctx context.Context, tx *sql.Tx, seen []seenRow) (map[string]knownRow, error) {
	keys := make([]string, len(seen))
	for i := range seen {
		keys[i] = seen[i].key
	}
	known := map[string]knownRow{}
	return known, each(ctx, tx, stmt("lock_source_rows"), []any{v.ID, pq.Array(keys)}, func(rows *sql.Rows) error {
		var key string
		var k knownRow
		err := rows.Scan(&key, &k.state, &k.digest)
		known[key] = k
		return err
	})
}

// taken writes what a look has found. The source's row is held.
func (v *Source) taken(ctx context.Context, tx *sql.Tx, l *Look, seen []seenRow, gone []string, horizon int64) error {
	known, err := v.known(ctx, tx, seen)
	if err != nil {
		return err
	}
	var fresh, changed, versions []seenRow
	present := 0
	for _, g := range seen {
		k, there := known[g.key]
		switch {
		case !there:
			present++
			fresh = append(fresh, g)
			continue
		case k.state == "problem":
			fresh = append(fresh, g)
			continue
		case k.state == "gone":
			present++
			changed = append(changed, g)
		case k.state == "before" || g.fault == "" && bytes.Equal(k.digest, g.digest):
		default:
			changed = append(changed, g)
		}
		versions = append(versions, g)
	}
	t, err := v.take(ctx, tx, fresh, false)
	if err != nil {
		return err
	}
	l.Fresh, l.Problems, l.Changed, l.Vanished = t.Taken, t.Problems, len(changed), len(gone)
	if err := v.queue(ctx, tx, changed, gone); err != nil {
		return err
	}
	if err := v.setVersions(ctx, tx, versions); err != nil {
		return err
	}
	if l.More {
		horizon = v.watermark.Int64
	}
	_, err = tx.ExecContext(ctx, stmt("advance_source"), v.ID, horizon, present, l.More && !v.watermark.Valid)
	return err
}

func (v *Source) setVersions(ctx context.Context, tx *sql.Tx, list []seenRow) error {
	if len(list) == 0 {
		return nil
	}
	keys, versions := make([]string, len(list)), make([]string, len(list))
	for i, g := range list {
		keys[i], versions[i] = g.key, g.version
	}
	_, err := tx.ExecContext(ctx, stmt("set_source_versions"), v.ID, pq.Array(keys), pq.Array(versions))
	return err
}

// queue notes changes for whoever follows them, as a trigger does.
func (v *Source) queue(ctx context.Context, tx *sql.Tx, changed []seenRow, gone []string) error {
	for _, g := range changed {
		if g.fault != "" {
			if _, err := tx.ExecContext(ctx, stmt("insert_source_problem"), v.ID, g.key, "mapping", g.fault, nil, nil, nil, nil, nil); err != nil {
				return err
			}
			continue
		}
		if _, err := tx.ExecContext(ctx, stmt("insert_source_change"), v.ID, g.key, g.values[0], g.values[1], g.values[2], g.values[3], g.values[4], g.cancelled); err != nil {
			return err
		}
	}
	if len(gone) == 0 {
		return nil
	}
	_, err := tx.ExecContext(ctx, stmt("insert_source_gone"), v.ID, pq.Array(gone))
	return err
}

// A Taking counts what became of rows.
type Taking struct {
	Taken    int
	Out      int // they say that the person does not come
	Problems int
	Gone     int // they are not there any more
}

// take makes registrations of rows that are none yet, and notes what can't be
// taken. quiet says that no confirmation is to be sent. The rows of source_rows
// that there are for them are held, or that of the source is.
func (v *Source) take(ctx context.Context, tx *sql.Tx, list []seenRow, quiet bool) (Taking, error) {
	var t Taking
	if len(list) == 0 {
		return t, nil
	}
	n := len(list)
	keys, versions, faults := make([]string, n), make([]string, n), make([]string, n)
	var values [5][]sql.NullString
	cancelled, digests := make([]bool, n), make([][]byte, n)
	for i, g := range list {
		keys[i], versions[i], faults[i], cancelled[i], digests[i] = g.key, g.version, g.fault, g.cancelled, g.digest
		for j := range values {
			values[j] = append(values[j], g.values[j])
		}
	}
	err := tx.QueryRowContext(ctx, stmt("take_rows"), v.ID, pq.Array(keys), pq.Array(versions), pq.Array(faults), pq.Array(cancelled), pq.ByteaArray(digests),
		pq.Array(values[0]), pq.Array(values[1]), pq.Array(values[2]), pq.Array(values[3]), pq.Array(values[4]), quiet).Scan(&t.Taken, &t.Out, &t.Problems)
	return t, err
}

// backfillStep is how many rows are taken in one transaction.
const backfillStep = 2000

// TakeBefore makes registrations of the rows that were there when the table was
// adopted, in steps, and tells progress how many are done. quiet says that no
// confirmation is sent: the people were told elsewhere. It can be stopped at any
// point, and goes on where it was.
func (s *Store) TakeBefore(ctx context.Context, v *Source, quiet bool, progress func(done int)) (Taking, error) {
	var all Taking
	if v.Way == ByTrigger {
		// A row without an entry was there before the trigger: those of later rows
		// were written with them.
		survey := &Survey{Source: *v}
		if err := s.long.tx(ctx, "mark the rows that were there", func(tx *sql.Tx) error {
			if _, err := tx.ExecContext(ctx, lookTimeout); err != nil {
				return err
			}
			return survey.markBefore(ctx, tx)
		}); err != nil {
			return all, err
		}
	}
	after := ""
	for done := 0; ; {
		var t Taking
		var keys []string
		err := s.long.tx(ctx, "take existing rows of "+v.Relation, func(tx *sql.Tx) error {
			t, keys = Taking{}, nil
			if _, err := tx.ExecContext(ctx, lookTimeout+"; "+plainNames); err != nil {
				return err
			}
			if err := v.readKinds(ctx, tx); err != nil {
				return err
			}
			// Held before the table is read: a change that is followed meanwhile waits,
			// and is followed after it.
			if err := appendKeys(ctx, tx, &keys, stmt("next_before"), v.ID, after, backfillStep); err != nil || len(keys) == 0 {
				return err
			}
			list, err := v.sight(ctx, tx, keys)
			if err != nil {
				return err
			}
			t, err = v.take(ctx, tx, list, quiet)
			t.Gone = len(keys) - len(list)
			return err
		})
		if err != nil {
			return all, err
		}
		if len(keys) == 0 {
			break
		}
		after = keys[len(keys)-1]
		all.Taken, all.Out, all.Problems, all.Gone = all.Taken+t.Taken, all.Out+t.Out, all.Problems+t.Problems, all.Gone+t.Gone
		if done += len(keys); progress != nil {
			progress(done)
		}
	}
	how := "with a confirmation"
	if quiet {
		how = "without a letter"
	}
	return all, s.Note(ctx, convened.Deed{What: convened.SourceTaken, Detail: fmt.Sprintf("%s: %d rows, %s", v.Name, all.Taken, how)})
}

// A Foretelling is what taking the existing rows of a table would come to.
type Foretelling struct {
	Rows     int
	Mailed   int // people who would get a confirmation, each once for an event
	Out      int
	Closed   int // rows of events that are over or off
	Problems map[string]int
	Examples []SourceProblem // some of them
}

// Foretell reads every row that was there before, or before a source is added
// every row, and says what taking them would come to. It changes nothing.
func (s *Store) Foretell(ctx context.Context, now time.Time, v *Source, identity func(email string) string, progress func(done int)) (*Foretelling, error) {
	f := &Foretelling{Problems: map[string]int{}}
	people := map[string]bool{}
	open := map[string]bool{}
	err := s.long.txWith(ctx, still, "read "+v.Relation, func(tx *sql.Tx) error {
		*f = Foretelling{Problems: map[string]int{}}
		clear(people)
		if _, err := tx.ExecContext(ctx, readOnly); err != nil {
			return err
		}
		if err := v.readKinds(ctx, tx); err != nil {
			return err
		}
		if err := each(ctx, tx, `SELECT slug, status = 'scheduled' AND ends_at > $1 FROM convened.events`, []any{now}, func(rows *sql.Rows) error {
			var slug string
			var o bool
			err := rows.Scan(&slug, &o)
			open[slug] = o
			return err
		}); err != nil {
			return err
		}
		query := fmt.Sprintf("SELECT %s FROM %s r", v.keyText("r."), v.Relation)
		if v.ID != 0 {
			query += fmt.Sprintf(" WHERE NOT EXISTS (SELECT FROM convened.source_rows w WHERE w.source = %d AND w.key = %s AND w.state <> 'before')", v.ID, v.keyText("r."))
		}
		if _, err := tx.ExecContext(ctx, "DECLARE rows_before NO SCROLL CURSOR FOR "+query); err != nil {
			return err
		}
		for {
			var keys []string
			if err := appendKeys(ctx, tx, &keys, fmt.Sprintf("FETCH %d FROM rows_before", lookStep)); err != nil || len(keys) == 0 {
				return err
			}
			list, err := v.sight(ctx, tx, keys)
			if err != nil {
				return err
			}
			for _, g := range list {
				f.add(g, open, people, identity)
			}
			if progress != nil {
				progress(f.Rows)
			}
		}
	})
	f.Mailed = len(people)
	return f, err
}

func (f *Foretelling) add(g seenRow, open, people map[string]bool, identity func(string) string) {
	f.Rows++
	event, email := g.values[0].String, g.values[1].String
	scheduled, known := open[event]
	p := SourceProblem{Key: g.key, Event: event, Email: email}
	switch {
	case g.fault != "":
		p.What, p.Detail = "mapping", g.fault
	case g.cancelled:
		f.Out++
	case email == "":
		p.What, p.Detail = "address", "it has no address"
	case !known:
		p.What, p.Detail = "event", fmt.Sprintf("there is no event %q", event)
	case !scheduled:
		f.Closed++
	default:
		people[event+"\x00"+identity(email)] = true
	}
	if p.What == "" {
		return
	}
	f.Problems[p.What]++
	if len(f.Examples) < 5 {
		f.Examples = append(f.Examples, p)
	}
}

// Fit is how many of the rows would become registrations.
func (f *Foretelling) Fit() int {
	n := f.Rows - f.Out
	for _, p := range f.Problems {
		n -= p
	}
	return n
}

// appendKeys adds the keys that a query returns, one a row.
func appendKeys(ctx context.Context, tx *sql.Tx, keys *[]string, query string, args ...any) error {
	return each(ctx, tx, query, args, func(rows *sql.Rows) error {
		var key string
		err := rows.Scan(&key)
		*keys = append(*keys, key)
		return err
	})
}
