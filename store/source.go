package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/lib/pq"

	"convened"
)

// This file holds the adoption of a table that somebody else's form writes to:
// looking at it, and having its rows copied by a trigger or looked for by polling.
// How rows are taken is in source_rows.go, what follows from changes in
// source_follow.go.

// A Way says how the rows of a source come.
type Way string

// The ways.
const (
	ByTrigger Way = "trigger" // a trigger copies each row in the transaction that writes it
	ByPolling Way = "poll"    // the daemon reads the table
	ByHTTP    Way = "http"    // somebody sends them
)

// A Mapping says what each of our columns is in one row of a table: SQL
// expressions over its columns. "" is not there.
type Mapping struct {
	Event     string `json:"event"`
	Email     string `json:"email"`
	Name      string `json:"name,omitempty"`
	Language  string `json:"language,omitempty"`
	Zone      string `json:"zone,omitempty"`
	Cancelled string `json:"cancelled,omitempty"` // true, or where it is no boolean: not null
}

// A Source is where registrations come from besides INSERTs.
type Source struct {
	ID       int
	Name     string
	Way      Way
	Relation string   // the table, quoted and with its schema; "" for ByHTTP
	Keys     []string // the columns that tell its rows apart
	Map      Mapping
	Follow   bool // whether a row that is deleted or cancelled gives up the seat
	MadeAt   time.Time
	MadeBy   string

	// Of polling:
	LookedAt time.Time
	LookTook time.Duration
	Trouble  string // why the last look came to nothing; "" if it did not

	Vanished int  // rows that vanished at once, whose people keep their seats until somebody says so
	LetGo    bool // somebody said so

	relationID int64
	watermark  sql.NullInt64
	present    int64
	kinds      map[string]string // types of the columns, as SQL writes them; read by readKinds
}

// A SourceSpec is what somebody asks for.
type SourceSpec struct {
	Name  string
	Table string // as SQL names it: signups, public.signups
	Key   []string
	Map   Mapping
	Way   Way // "": a trigger where that is allowed
	Keep  bool
}

// A Survey is what was found out about a table before it is adopted.
type Survey struct {
	Source
	Rows int64  // about how many there are, as the server's statistics have it; -1: unknown
	Kind string // table, view …
	// Unreadable says that it is to be polled, and that the role convened, which the
	// daemon may be another than, may not read it.
	Unreadable bool
	NoTrigger  string // why it can't have a trigger of ours; "" if it can
	columns    []column
	xmin       bool // its rows say which transaction wrote them
	alias      string
}

// plainNames has names without a schema mean Postgres's own and no others, as they
// do in the function of a trigger: who owns a schema can't change what is meant.
const plainNames = `SET LOCAL search_path = pg_catalog, pg_temp`

// A column is one of a table's.
type column struct{ name, kind string }

var sourceName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)

// ErrSource marks an error as one of what was asked for: only another command
// line, or a privilege, mends it.
var ErrSource = errors.New("this source can't be had")

func unfit(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrSource}, args...)...)
}

// SurveyTable looks at a table and at whether the mapping fits it, and changes
// nothing. Its error wraps ErrSource where another command line or a privilege
// would mend it.
func (s *Store) SurveyTable(ctx context.Context, spec SourceSpec) (*Survey, error) {
	if !sourceName.MatchString(spec.Name) {
		return nil, unfit("name %q: up to 40 lower-case letters, digits and underscores, a letter first", spec.Name)
	}
	if spec.Map.Email == "" || spec.Map.Event == "" {
		return nil, unfit("source %s: the mapping must say where email and event are, as by --map email=mail --event-column webinar", spec.Name)
	}
	v := &Survey{Source: Source{Name: spec.Name, Map: spec.Map, Follow: !spec.Keep}}
	err := s.tx(ctx, "look at table "+spec.Table, func(tx *sql.Tx) error {
		if err := v.find(ctx, tx, spec); err != nil {
			return err
		}
		if err := v.choose(ctx, tx, spec); err != nil {
			return err
		}
		return v.checkMapping(ctx, tx)
	})
	if err != nil {
		return nil, err
	}
	return v, nil
}

// find resolves the table, its columns and its key.
func (v *Survey) find(ctx context.Context, tx *sql.Tx, spec SourceSpec) error {
	var schema, name, kind string
	var rows float64
	err := tx.QueryRowContext(ctx, stmt("find_table"), spec.Table).Scan(&v.relationID, &schema, &name, &kind, &rows)
	if errors.Is(err, sql.ErrNoRows) {
		return unfit("there is no table %s that this role can see; write it with its schema, such as public.signups", spec.Table)
	}
	if err != nil {
		return err
	}
	if schema == "convened" {
		return unfit("table %s is one of convened's own", spec.Table)
	}
	kinds := map[string]string{"r": "table", "p": "partitioned table", "v": "view", "m": "materialised view", "f": "foreign table"}
	v.Kind, v.Rows, v.alias = kinds[kind], int64(rows), name
	if v.Kind == "" {
		return unfit("%s is no table", spec.Table)
	}
	v.Relation = pq.QuoteIdentifier(schema) + "." + pq.QuoteIdentifier(name)
	v.xmin = kind == "r" || kind == "m" || kind == "p"
	// From here on names mean what they will mean to the trigger.
	if _, err := tx.ExecContext(ctx, plainNames); err != nil {
		return err
	}
	if err := v.readColumns(ctx, tx); err != nil {
		return err
	}
	v.Keys = spec.Key
	if len(v.Keys) == 0 {
		var keys []string
		if err := tx.QueryRowContext(ctx, stmt("key_of_table"), v.relationID).Scan(pq.Array(&keys)); err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		v.Keys = keys
	}
	if len(v.Keys) == 0 {
		return unfit("%s %s has no primary key, so its rows can't be told apart; name columns that are unique and never null with --key", v.Kind, v.Relation)
	}
	for _, k := range v.Keys {
		if !slices.ContainsFunc(v.columns, func(c column) bool { return c.name == k }) {
			return unfit("%s has no column %q for the key; it has %s", v.Relation, k, v.columnNames())
		}
	}
	return nil
}

func (v *Survey) readColumns(ctx context.Context, tx *sql.Tx) error {
	v.columns = nil
	return each(ctx, tx, stmt("columns_of_table"), []any{v.relationID}, func(rows *sql.Rows) error {
		var c column
		err := rows.Scan(&c.name, &c.kind)
		v.columns = append(v.columns, c)
		return err
	})
}

func (v *Survey) columnNames() string {
	names := make([]string, len(v.columns))
	for i, c := range v.columns {
		names[i] = c.name
	}
	return strings.Join(names, ", ")
}

// choose decides between the ways, and says what stands against a trigger.
func (v *Survey) choose(ctx context.Context, tx *sql.Tx, spec SourceSpec) error {
	var mayTrigger, mayMake, maySelect, mayBecome, daemonReads bool
	var me string
	if err := tx.QueryRowContext(ctx, stmt("rights_on_table"), v.relationID).Scan(&me, &mayTrigger, &mayMake, &maySelect, &mayBecome, &daemonReads); err != nil {
		return err
	}
	switch {
	case v.Kind != "table" && v.Kind != "partitioned table":
		v.NoTrigger = "a " + v.Kind + " has no triggers for rows"
	case !mayTrigger:
		v.NoTrigger = fmt.Sprintf("role %s may not make triggers on it; its owner can say: GRANT TRIGGER ON %s TO %s", me, v.Relation, me)
	case !mayMake:
		v.NoTrigger = fmt.Sprintf("role %s may not make functions in the schema convened; run this as the role that runs `convened migrate`", me)
	case !mayBecome:
		v.NoTrigger = fmt.Sprintf("role %s may not hand a function to convened_source; `convened migrate` makes that role, and a superuser can say: GRANT convened_source TO %s", me, me)
	}
	v.Way = spec.Way
	if v.Way == "" {
		v.Way = ByTrigger
		if v.NoTrigger != "" {
			v.Way = ByPolling
		}
	}
	if v.Way == ByTrigger && v.NoTrigger != "" {
		return unfit("%s can't have a trigger: %s. Or let it be polled, with --poll", v.Relation, v.NoTrigger)
	}
	if v.Way == ByPolling && !maySelect {
		return unfit("role %s may not read %s; its owner can say: GRANT SELECT ON %s TO %s", me, v.Relation, v.Relation, me)
	}
	v.Unreadable = v.Way == ByPolling && !daemonReads
	return nil
}

// A field is one of our columns with its expression.
type field struct{ name, expression string }

func (m Mapping) fields() []field {
	return []field{{"event", m.Event}, {"email", m.Email}, {"name", m.Name}, {"language", m.Language}, {"zone", m.Zone}, {"cancelled", m.Cancelled}}
}

// checkMapping has the server read each expression over a row of the table's
// columns, with the rights with which it will be evaluated, and rewrites
// cancelled to what is true or false.
func (v *Survey) checkMapping(ctx context.Context, tx *sql.Tx) error {
	var nulls []string
	for _, c := range v.columns {
		nulls = append(nulls, fmt.Sprintf("NULL::%s AS %s", c.kind, pq.QuoteIdentifier(c.name)))
	}
	row := fmt.Sprintf("(SELECT %s) AS %s", strings.Join(nulls, ", "), pq.QuoteIdentifier(v.alias))
	for _, f := range v.Map.fields() {
		if f.expression == "" {
			continue
		}
		// In a WHERE: there no aggregate, no window and no set of rows can stand.
		text := f.expression
		if f.name == "cancelled" {
			var kind string
			err := within(ctx, tx, func() error {
				return tx.QueryRowContext(ctx, fmt.Sprintf("SELECT pg_typeof((SELECT (%s\n) FROM %s LIMIT 0))::text", text, row)).Scan(&kind)
			})
			if err != nil {
				return v.misfit(f, err)
			}
			if kind != "boolean" {
				v.Map.Cancelled = "(" + text + "\n) IS NOT NULL"
			}
			text = v.Map.Cancelled
		}
		err := within(ctx, tx, func() error {
			if v.Way == ByTrigger {
				if _, err := tx.ExecContext(ctx, `SET LOCAL ROLE convened_source`); err != nil {
					return err
				}
			}
			_, err := tx.ExecContext(ctx, fmt.Sprintf("EXPLAIN SELECT FROM %s WHERE ((%s\n))::text IS NULL", row, text))
			return err
		})
		if err != nil {
			return v.misfit(f, err)
		}
	}
	return nil
}

// within runs f behind a savepoint that is rolled back: what it set is unset.
func within(ctx context.Context, tx *sql.Tx, f func() error) error {
	if _, err := tx.ExecContext(ctx, `SAVEPOINT look`); err != nil {
		return err
	}
	err := f()
	if _, back := tx.ExecContext(ctx, `ROLLBACK TO SAVEPOINT look; RELEASE SAVEPOINT look`); back != nil {
		return errors.Join(err, back)
	}
	return err
}

func (v *Survey) misfit(f field, err error) error {
	var e *pq.Error
	if !errors.As(err, &e) {
		return err
	}
	more := ""
	switch e.Code {
	case "42703", "42P01":
		more = "; " + v.Relation + " has " + v.columnNames()
	case "42883", "42704":
		more = "; write functions and types that are not Postgres's own with their schema, such as public.unaccent(name)"
	case "42501":
		more = "; it is evaluated with the rights of convened_source, to which the owner can GRANT what it needs"
	}
	return unfit("--map %s=%s: %s%s", f.name, f.expression, e.Message, more)
}

// keyText is the key of a row as text, by which we know it.
func (v *Source) keyText(prefix string) string {
	parts := make([]string, len(v.Keys))
	for i, k := range v.Keys {
		parts[i] = "(" + prefix + pq.QuoteIdentifier(k) + ")::text"
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return "jsonb_build_array(" + strings.Join(parts, ", ") + ")::text"
}

// keyParts is the other way round.
func (v *Source) keyParts(key string) ([]string, error) {
	if len(v.Keys) == 1 {
		return []string{key}, nil
	}
	var parts []string
	if err := json.Unmarshal([]byte(key), &parts); err != nil || len(parts) != len(v.Keys) {
		return nil, fmt.Errorf("key %q of source %s has not %d parts", key, v.Name, len(v.Keys))
	}
	return parts, nil
}

// expressions are what a row is mapped to, each as text, and whether it is
// cancelled: what source_saw and take are given.
func (m Mapping) expressions() string {
	var list []string
	for _, f := range m.fields() {
		switch {
		case f.name == "cancelled" && f.expression == "":
			list = append(list, "false")
		case f.name == "cancelled":
			list = append(list, "((\n"+f.expression+"\n)) IS TRUE")
		case f.expression == "":
			list = append(list, "NULL::text")
		default:
			list = append(list, "((\n"+f.expression+"\n))::text")
		}
	}
	return strings.Join(list, ",\n    ")
}

// Sources returns every source, by name.
func (s *Store) Sources(ctx context.Context) ([]Source, error) {
	var list []Source
	err := s.tx(ctx, "list sources", func(tx *sql.Tx) (err error) {
		list, err = readSources(ctx, tx, "")
		return err
	})
	return list, err
}

// Source returns one source by its name, or ErrNotFound.
func (s *Store) Source(ctx context.Context, name string) (*Source, error) {
	var list []Source
	err := s.tx(ctx, "look for source "+name, func(tx *sql.Tx) (err error) {
		if list, err = readSources(ctx, tx, name); err == nil && len(list) == 0 {
			err = ErrNotFound
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &list[0], nil
}

func readSources(ctx context.Context, tx *sql.Tx, name string) ([]Source, error) {
	var list []Source
	err := each(ctx, tx, stmt("list_sources"), []any{name}, func(rows *sql.Rows) error {
		var v Source
		var mapping []byte
		var looked sql.NullTime
		var took float64
		err := rows.Scan(&v.ID, &v.Name, &v.Way, &v.Relation, &v.relationID, pq.Array(&v.Keys), &mapping, &v.Follow, &v.MadeAt, &v.MadeBy,
			&v.watermark, &v.present, &looked, &took, &v.Trouble, &v.Vanished, &v.LetGo)
		if err == nil {
			err = json.Unmarshal(mapping, &v.Map)
		}
		v.MadeAt, v.LookedAt, v.LookTook = v.MadeAt.UTC(), utc(looked), time.Duration(took*float64(time.Second))
		list = append(list, v)
		return err
	})
	return list, err
}

// A SourceCount says how many rows of a source stand how.
type SourceCount struct {
	Before, Taken, Out, Gone int
	Problems                 int // rows that could not be taken
	Changes                  int // that are still to be followed
	PassedOver               int // changes of rows that were there before
	Broken                   string
}

// CountSource counts the rows of a source, and looks whether its trigger is in place.
func (s *Store) CountSource(ctx context.Context, v *Source) (SourceCount, error) {
	var c SourceCount
	err := s.tx(ctx, "count the rows of source "+v.Name, func(tx *sql.Tx) error {
		if err := tx.QueryRowContext(ctx, stmt("count_source"), v.ID).Scan(&c.Before, &c.Taken, &c.Out, &c.Gone, &c.Problems, &c.Changes, &c.PassedOver); err != nil {
			return err
		}
		if v.Way == ByHTTP {
			return nil
		}
		var same, trigger bool
		if err := tx.QueryRowContext(ctx, stmt("source_in_place"), v.Relation, v.relationID, "convened_"+v.Name).Scan(&same, &trigger); err != nil {
			return err
		}
		switch {
		case !same:
			c.Broken = "the table is gone, or was made anew; remove the source and add it again"
		case v.Way == ByTrigger && !trigger:
			c.Broken = "its trigger is gone or disabled; remove the source and add it again"
		}
		return nil
	})
	return c, err
}

// AddSource adopts the table of a survey. With a trigger, every row that is
// written from then on is taken in the transaction that writes it; with polling
// every row that is not there yet. Those that are there stay as they are until
// TakeBefore takes them. waiting, if not nil, is told when the table is in use by
// others, who have to end what they are at first.
func (s *Store) AddSource(ctx context.Context, now time.Time, by string, v *Survey, waiting func(time.Duration)) (*Source, error) {
	mapping, err := json.Marshal(v.Map)
	if err != nil {
		return nil, err
	}
	add := func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, stmt("insert_source"), v.Name, string(v.Way), v.Relation, v.relationID, pq.Array(v.Keys), string(mapping), v.Follow, now, by).Scan(&v.ID)
		if duplicate(err) {
			return unfit("there is a source %s already; `convened source remove %s` takes it away", v.Name, v.Name)
		}
		if err != nil {
			return err
		}
		if v.Way == ByTrigger {
			return v.makeTrigger(ctx, tx)
		}
		return v.markBefore(ctx, tx)
	}
	if err := s.patiently(ctx, "add source "+v.Name, waiting, add); err != nil {
		return nil, err
	}
	if err := s.Note(ctx, convened.Deed{What: convened.SourceAdded, Detail: v.Name + ": " + v.Relation + " by " + string(v.Way)}); err != nil {
		return nil, err
	}
	return s.Source(ctx, v.Name)
}

func duplicate(err error) bool {
	var e *pq.Error
	return errors.As(err, &e) && e.Code == "23505"
}

// mostPatience is how long the longest wait for a table is; it is reached by
// doubling. Whoever writes to the table waits behind us meanwhile.
const mostPatience = 30 * time.Second

// patiently runs a transaction that needs a table that others write to all the
// time. A form that comes while we wait has to wait behind us, so the waits are
// short first.
func (s *Store) patiently(ctx context.Context, what string, waiting func(time.Duration), f func(*sql.Tx) error) error {
	for patience := 200 * time.Millisecond; ; patience *= 2 {
		patience = min(patience, mostPatience)
		err := s.long.txOnce(ctx, patient, func(tx *sql.Tx) error {
			if _, err := tx.ExecContext(ctx, fmt.Sprintf(`SET LOCAL statement_timeout = '1h'; SET LOCAL lock_timeout = '%dms'`, patience.Milliseconds())); err != nil {
				return err
			}
			return f(tx)
		})
		var e *pq.Error
		busy := errors.As(err, &e) && (e.Code == "55P03" || e.Code == "40P01")
		if !busy || patience == mostPatience || ctx.Err() != nil {
			if busy {
				return fmt.Errorf("%s: others have used the table for %s without a break; try again when fewer do: %w", what, patience, err)
			}
			if errors.Is(err, ErrSource) || err == nil {
				return err
			}
			return fmt.Errorf("%s: %w", what, classify(err))
		}
		if waiting != nil {
			waiting(min(2*patience, mostPatience))
		}
		select {
		case <-time.After(patience):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// makeTrigger makes the function that evaluates the mapping and the triggers that
// call it. Once the table's lock is ours nobody else is writing to it: every row
// that is there was written before, every other one meets the trigger.
//
// The function has the rights of convened_source and a search_path of its own, so
// that neither who writes to the table nor who owns it can make it do more than a
// form may. The expressions are evaluated behind a handler that writes nothing, so
// that it costs no transaction number; what they fail with is a problem of the row.
func (v *Survey) makeTrigger(ctx context.Context, tx *sql.Tx) error {
	fn := "convened." + pq.QuoteIdentifier("source_"+v.Name)
	trigger := pq.QuoteIdentifier("convened_" + v.Name)
	alias := pq.QuoteIdentifier(v.alias)
	vars := func(of string) string {
		var list []string
		for _, f := range v.Map.fields() {
			list = append(list, "convened_"+of+"_"+f.name)
		}
		return strings.Join(list, ", ")
	}
	look := func(row, of string) string {
		return fmt.Sprintf(`        BEGIN
            SELECT %[1]s INTO convened_%[2]s_key FROM (SELECT %[3]s.*) AS %[4]s;
            SELECT %[5]s
            INTO %[6]s FROM (SELECT %[3]s.*) AS %[4]s;
        EXCEPTION WHEN OTHERS THEN
            convened_%[2]s_fault := SQLERRM || ' (' || SQLSTATE || ')';
        END;
`, v.keyText(alias+"."), of, row, alias, v.Map.expressions(), vars(of))
	}
	var declare strings.Builder
	for _, of := range []string{"new", "old"} {
		fmt.Fprintf(&declare, "    convened_%[1]s_key text; convened_%[1]s_fault text; convened_%[1]s_event text; convened_%[1]s_email text; convened_%[1]s_name text;\n"+
			"    convened_%[1]s_language text; convened_%[1]s_zone text; convened_%[1]s_cancelled boolean;\n", of)
	}
	body := fmt.Sprintf(`#variable_conflict use_column
DECLARE
%[4]sBEGIN
    IF TG_OP = 'TRUNCATE' THEN
        INSERT INTO convened.source_problems (source, key, what, detail)
        VALUES (%[1]d, '', 'truncated', 'the table was emptied at once (TRUNCATE): nobody lost the seat for that');
        RETURN NULL;
    END IF;
    IF TG_OP <> 'DELETE' THEN
%[2]s    END IF;
    IF TG_OP <> 'INSERT' THEN
%[3]s    END IF;
    IF TG_OP = 'DELETE' THEN
        PERFORM convened.source_saw(%[1]d, TG_OP, convened_old_key, convened_old_key, NULL, NULL, NULL, NULL, NULL, false, NULL);
    ELSIF TG_OP = 'INSERT' OR (%[5]s, convened_new_key, convened_new_fault) IS DISTINCT FROM (%[6]s, convened_old_key, convened_old_fault) THEN
        PERFORM convened.source_saw(%[1]d, TG_OP, convened_new_key, coalesce(convened_old_key, convened_new_key), %[5]s, convened_new_fault);
    END IF;
    RETURN NULL;
END
`, v.ID, look("NEW", "new"), look("OLD", "old"), declare.String(), vars("new"), vars("old"))
	for _, q := range []string{
		fmt.Sprintf("CREATE FUNCTION %s() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS %s", fn, pq.QuoteLiteral(body)),
		fmt.Sprintf("CREATE TRIGGER %s AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION %s()", trigger, v.Relation, fn),
		fmt.Sprintf("CREATE TRIGGER %s AFTER TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION %s()", pq.QuoteIdentifier("convened_"+v.Name+"_truncate"), v.Relation, fn),
		fmt.Sprintf("REVOKE ALL ON FUNCTION %s() FROM PUBLIC", fn),
		"GRANT CREATE ON SCHEMA convened TO convened_source",
		fmt.Sprintf("ALTER FUNCTION %s() OWNER TO convened_source", fn),
		"REVOKE CREATE ON SCHEMA convened FROM convened_source",
	} {
		if _, err := tx.ExecContext(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

// RemoveSource takes a source away, with its trigger and all that is known of its
// rows. What they became registrations of stays.
func (s *Store) RemoveSource(ctx context.Context, v *Source, waiting func(time.Duration)) error {
	err := s.patiently(ctx, "remove source "+v.Name, waiting, func(tx *sql.Tx) error {
		if v.Way == ByTrigger {
			var there bool
			if err := tx.QueryRowContext(ctx, `SELECT to_regclass($1) IS NOT NULL`, v.Relation).Scan(&there); err != nil {
				return err
			}
			if there {
				for _, name := range []string{"convened_" + v.Name, "convened_" + v.Name + "_truncate"} {
					if _, err := tx.ExecContext(ctx, fmt.Sprintf("DROP TRIGGER IF EXISTS %s ON %s", pq.QuoteIdentifier(name), v.Relation)); err != nil {
						return err
					}
				}
			}
			if _, err := tx.ExecContext(ctx, fmt.Sprintf("DROP FUNCTION IF EXISTS convened.%s() CASCADE", pq.QuoteIdentifier("source_"+v.Name))); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, stmt("delete_source"), v.ID)
		return err
	})
	if forbidden(err) {
		return fmt.Errorf("%[1]w; only who owns %[2]s may drop its trigger: run this as that role, or let it say: DROP TRIGGER %[3]s ON %[2]s; DROP TRIGGER %[4]s ON %[2]s", err, v.Relation,
			pq.QuoteIdentifier("convened_"+v.Name), pq.QuoteIdentifier("convened_"+v.Name+"_truncate"))
	}
	if err != nil {
		return err
	}
	return s.Note(ctx, convened.Deed{What: convened.SourceRemoved, Detail: v.Name})
}
