package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"convened/internal/lab/labtest"
)

// signups makes the table of a form that knows nothing of convened.
func signups(t *testing.T, s *Store, more string) {
	t.Helper()
	sqlExec(t, s, `CREATE TABLE public.signups (id bigserial, mail text, first text, last text, lang text, webinar_slug text, cancelled_at timestamptz, tickets integer DEFAULT 1, PRIMARY KEY (id`+
		map[bool]string{true: `, lang) ) PARTITION BY LIST (lang)`, false: `))`}[more == "partitioned"])
	if more == "partitioned" {
		sqlExec(t, s, `CREATE TABLE public.signups_es PARTITION OF public.signups FOR VALUES IN ('es'); CREATE TABLE public.signups_rest PARTITION OF public.signups DEFAULT`)
	}
}

var signupsMap = Mapping{Event: `webinar_slug`, Email: `mail`, Name: `first || ' ' || last`, Language: `lang`, Cancelled: `cancelled_at`}

// adopted adopts the table.
func adopted(t *testing.T, s *Store, way Way, m Mapping) *Source {
	t.Helper()
	survey, err := s.SurveyTable(t.Context(), SourceSpec{Name: "signups", Table: "public.signups", Map: m, Way: way})
	if err != nil {
		t.Fatal(err)
	}
	v, err := s.AddSource(t.Context(), early, "me", survey, nil)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// lookAt looks at a polled source until there is no more to see.
func lookAt(t *testing.T, s *Store, v *Source) Look {
	t.Helper()
	var all Look
	for {
		v, err := s.Source(t.Context(), v.Name)
		if err != nil {
			t.Fatal(err)
		}
		l, err := s.Look(t.Context(), early, v)
		if err != nil {
			t.Fatal(err)
		}
		all.Fresh, all.Changed, all.Vanished, all.Problems = all.Fresh+l.Fresh, all.Changed+l.Changed, all.Vanished+l.Vanished, all.Problems+l.Problems
		if !l.More {
			return all
		}
	}
}

func registered(t *testing.T, s *Store) string {
	t.Helper()
	return strings.Join(sqlAll(t, s, `SELECT coalesce(email, '') || '/' || coalesce(name, '') FROM convened.registrations ORDER BY email`), " ")
}

func problemsOf(t *testing.T, s *Store) string {
	t.Helper()
	list, err := s.SourceProblems(t.Context(), "signups", 100)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, p := range list {
		lines = append(lines, p.Key+" "+p.What+": "+p.Detail)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func TestABadRowIsAProblemAndTheOthersAreTaken(t *testing.T) {
	t.Parallel()
	// 100 / tickets fails for a row with none; the cast fails for a row whose last name
	// is no number.
	m := signupsMap
	m.Name = `first || ' ' || (100 / tickets)::text || ' ' || last::integer`
	for _, way := range []Way{ByTrigger, ByPolling} {
		t.Run(string(way), func(t *testing.T) {
			t.Parallel()
			s := open(t)
			apply(t, s, webinar("w"), early)
			signups(t, s, "")
			v := adopted(t, s, way, m)
			sqlExec(t, s, `INSERT INTO public.signups (mail, first, last, tickets, webinar_slug) VALUES
				('a@example.org', 'A', '7', 1, 'w'), ('b@example.org', 'B', '7', 0, 'w'), ('c@example.org', 'C', 'x', 1, 'w'),
				(NULL, 'D', '7', 1, 'w'), ('   ', 'E', '7', 1, 'w'), ('f@example.org', 'F', '7', 1, 'nope'), ('g@example.org', 'G', '7', 1, NULL),
				('no address', 'H', '7', 1, 'w')`)
			if way == ByPolling {
				lookAt(t, s, v)
			}
			if got, want := registered(t, s), "a@example.org/A 100 7 no address/H 100 7"; got != want {
				t.Errorf("registered %q, want %q", got, want)
			}
			want := `2 mapping: division by zero (22012)
3 mapping: invalid input syntax for type integer: "x" (22P02)
4 address: it has no address
5 address: it has no address
6 event: there is no event 'nope'
7 event: it names no event`
			if got := problemsOf(t, s); got != want {
				t.Errorf("problems are\n%s\nwant\n%s", got, want)
			}
			// Mended rows are taken: by hand, or by themselves.
			sqlExec(t, s, `ALTER TABLE public.signups DISABLE TRIGGER USER`)
			sqlExec(t, s, `UPDATE public.signups SET tickets = 1 WHERE tickets = 0`)
			sqlExec(t, s, `ALTER TABLE public.signups ENABLE TRIGGER USER`)
			sqlExec(t, s, `DELETE FROM public.signups WHERE id = 4`)
			taking, err := s.Retry(t.Context(), v)
			if err != nil || taking.Taken != 1 || taking.Problems != 4 {
				t.Errorf("trying again: %+v, %v", taking, err)
			}
			apply(t, s, webinar("nope"), early)
			if n, err := s.RetryKnown(t.Context(), v); err != nil || n != 1 {
				t.Errorf("after the event is known: %d, %v", n, err)
			}
			if got := strings.Count(problemsOf(t, s), "\n"); got != 2 {
				t.Errorf("%d problems are left:\n%s", got+1, problemsOf(t, s))
			}
		})
	}
}

func TestATriggerNeverFailsTheForm(t *testing.T) {
	t.Parallel()
	url := labtest.Database(t)
	s := openURL(t, url)
	apply(t, s, webinar("w"), early)
	signups(t, s, "")
	v := adopted(t, s, ByTrigger, signupsMap)
	insert := `INSERT INTO public.signups (mail, first, last, webinar_slug) VALUES ('%s@example.org', 'A', 'B', 'w')`
	// Whatever isolation and names the form has.
	sqlExec(t, s, `BEGIN ISOLATION LEVEL SERIALIZABLE; `+fmt.Sprintf(insert, "serial")+`; COMMIT`)
	sqlExec(t, s, `SET search_path = pg_temp; `+fmt.Sprintf(insert, "path")+`; RESET search_path`)
	// Rows by the hundred.
	sqlExec(t, s, `INSERT INTO public.signups (mail, webinar_slug) SELECT 'm' || i || '@example.org', 'w' FROM generate_series(1, 300) i`)
	// An upsert that inserts is a new row, one that updates is none.
	upsert := `INSERT INTO public.signups (id, mail, first, last, webinar_slug) VALUES (900000, 'up@example.org', 'A', '%s', 'w') ON CONFLICT (id) DO UPDATE SET last = excluded.last`
	sqlExec(t, s, fmt.Sprintf(upsert, "B"))
	sqlExec(t, s, fmt.Sprintf(upsert, "B"))
	if n := sqlOne[int](t, s, `SELECT count(*) FROM convened.source_changes`); n != 0 {
		t.Errorf("%d changes of what did not change", n)
	}
	sqlExec(t, s, fmt.Sprintf(upsert, "C"))
	if n := sqlOne[int](t, s, `SELECT count(*) FROM convened.source_changes`); n != 1 {
		t.Errorf("%d changes of a name", n)
	}
	if n := sqlOne[int](t, s, `SELECT count(*) FROM convened.registrations`); n != 303 {
		t.Errorf("%d registrations, want 303", n)
	}
	// What is rolled back was never there.
	sqlExec(t, s, `BEGIN; `+fmt.Sprintf(insert, "never")+`; ROLLBACK`)
	// A mistake that is made later, in the table, is a problem too.
	sqlExec(t, s, `ALTER TABLE public.signups RENAME COLUMN mail TO mailbox`)
	// A session that knows the function goes on; one that begins now does not.
	sqlExec(t, openURL(t, url), `INSERT INTO public.signups (mailbox, webinar_slug) VALUES ('renamed@example.org', 'w')`)
	if got := problemsOf(t, s); !strings.Contains(got, `column "mail" does not exist`) {
		t.Errorf("problems are %q", got)
	}
	sqlExec(t, s, `ALTER TABLE public.signups RENAME COLUMN mailbox TO mail`)
	// Who empties the table tells nobody anything.
	sqlExec(t, s, `TRUNCATE public.signups`)
	if got := problemsOf(t, s); !strings.Contains(got, "TRUNCATE") {
		t.Errorf("problems are %q", got)
	}
	if n := sqlOne[int](t, s, `SELECT count(*) FROM convened.registrations WHERE email LIKE 'never%'`); n != 0 {
		t.Error("a row that was rolled back is registered")
	}
	if err := s.RemoveSource(t.Context(), v, nil); err != nil {
		t.Fatal(err)
	}
	for _, left := range []string{`SELECT count(*) FROM pg_trigger WHERE tgrelid = 'public.signups'::regclass`, `SELECT count(*) FROM convened.source_rows`, `SELECT count(*) FROM convened.source_problems`} {
		if n := sqlOne[int](t, s, left); n != 0 {
			t.Errorf("%s: %d", left, n)
		}
	}
}

func TestTheTriggersFunctionCanDoWhatAFormMayAndNoMore(t *testing.T) {
	t.Parallel()
	s := open(t)
	apply(t, s, webinar("w"), early)
	signups(t, s, "")
	// The owner of a form's schema puts a function of their own in the way.
	sqlExec(t, s, `CREATE FUNCTION public.lower(text) RETURNS text LANGUAGE sql AS $$ SELECT 'stolen' $$`)
	m := signupsMap
	m.Name = `lower(first)`
	adopted(t, s, ByTrigger, m)
	sqlExec(t, s, `INSERT INTO public.signups (mail, first, webinar_slug) VALUES ('a@example.org', 'Ana', 'w')`)
	if got := registered(t, s); got != "a@example.org/ana" {
		t.Errorf("registered %q", got)
	}
	if got := sqlOne[string](t, s, `SELECT pg_get_userbyid(proowner) || ' ' || prosecdef || ' ' || proconfig::text FROM pg_proc WHERE proname = 'source_signups' AND pronamespace = 'convened'::regnamespace`); got != `convened_source true {"search_path=pg_catalog, pg_temp"}` {
		t.Errorf("the function is %s", got)
	}
	for _, stolen := range []string{`SELECT email FROM convened.registrations`, `UPDATE convened.registrations SET name = ''`, `SELECT secret FROM convened.keys`, `DELETE FROM convened.source_rows`, `SELECT * FROM public.signups`} {
		err := s.tx(t.Context(), "steal", func(tx *sql.Tx) error {
			_, err := tx.ExecContext(t.Context(), `SET LOCAL ROLE convened_source`)
			if err == nil {
				_, err = tx.ExecContext(t.Context(), stolen)
			}
			return err
		})
		if !forbidden(err) {
			t.Errorf("%s: %v", stolen, err)
		}
	}
}

func TestRowsOfPartitionsAreTaken(t *testing.T) {
	t.Parallel()
	for _, way := range []Way{ByTrigger, ByPolling} {
		t.Run(string(way), func(t *testing.T) {
			t.Parallel()
			s := open(t)
			apply(t, s, webinar("w"), early)
			signups(t, s, "partitioned")
			v := adopted(t, s, way, signupsMap)
			sqlExec(t, s, `INSERT INTO public.signups (mail, lang, webinar_slug) VALUES ('a@example.org', 'es', 'w'), ('b@example.org', 'fr', 'w')`)
			sqlExec(t, s, `INSERT INTO public.signups_es (mail, lang, webinar_slug) VALUES ('c@example.org', 'es', 'w')`)
			if way == ByPolling {
				lookAt(t, s, v)
			}
			if got := registered(t, s); got != "a@example.org/ b@example.org/ c@example.org/" {
				t.Errorf("registered %q", got)
			}
			if got := sqlOne[string](t, s, `SELECT min(key) FROM convened.source_rows`); got != `["1", "es"]` {
				t.Errorf("the key is %s", got)
			}
		})
	}
}

func TestAMappingThatDoesNotFitIsRefusedWithItsMend(t *testing.T) {
	t.Parallel()
	s := open(t)
	signups(t, s, "")
	sqlExec(t, s, `CREATE TABLE public.bare (mail text)`)
	sqlExec(t, s, `CREATE FUNCTION public.tidy(text) RETURNS text LANGUAGE sql AS $$ SELECT $1 $$`)
	for _, c := range []struct {
		table string
		m     Mapping
		want  string
	}{
		{"public.nowhere", Mapping{Event: "'w'", Email: "mail"}, "there is no table public.nowhere"},
		{"public.bare", Mapping{Event: "'w'", Email: "mail"}, "--key"},
		{"convened.events", Mapping{Event: "'w'", Email: "mail"}, "one of convened's own"},
		{"public.signups", Mapping{Event: "'w'"}, "where email and event are"},
		{"public.signups", Mapping{Event: "'w'", Email: "email"}, `column "email" does not exist; "public"."signups" has id, mail, first`},
		{"public.signups", Mapping{Event: "'w'", Email: "mail", Name: "tidy(first)"}, "with their schema, such as public.unaccent(name)"},
		{"public.signups", Mapping{Event: "'w'", Email: "mail", Name: "max(first)"}, "aggregate functions are not allowed"},
		{"public.signups", Mapping{Event: "'w'", Email: "mail", Name: "first ||"}, "syntax error"},
		{"public.signups", Mapping{Event: "'w'", Email: "mail); DROP TABLE public.signups; --"}, "syntax error"},
		{"public.signups", Mapping{Event: "'w'", Email: "mail", Name: "(SELECT mail FROM public.bare LIMIT 1)"}, "permission denied for table bare; it is evaluated with the rights of convened_source"},
		{"public.signups", Mapping{Event: "'w'", Email: "mail", Name: "(1/0)::text"}, "division by zero"},
	} {
		_, err := s.SurveyTable(t.Context(), SourceSpec{Name: "x", Table: c.table, Map: c.m})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %+v: %v\nwant %q", c.table, c.m, err, c.want)
		}
	}
	if n := sqlOne[int](t, s, `SELECT count(*) FROM public.signups`); n != 0 {
		t.Error("the table is not as it was")
	}
}

func TestALateCommitIsNotMissedByPolling(t *testing.T) {
	t.Parallel()
	s := open(t)
	apply(t, s, webinar("w"), early)
	signups(t, s, "")
	v := adopted(t, s, ByPolling, signupsMap)
	late, err := s.db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	insert := `INSERT INTO public.signups (mail, webinar_slug) VALUES ($1, 'w')`
	if _, err := late.Exec(insert, "late@example.org"); err != nil {
		t.Fatal(err)
	}
	var number int64
	if err := late.QueryRow(`SELECT pg_current_xact_id()::text::bigint`).Scan(&number); err != nil {
		t.Fatal(err)
	}
	// A part of it that is undone, and one behind a savepoint, which has a number of its own.
	if _, err := late.Exec(`SAVEPOINT a; INSERT INTO public.signups (mail, webinar_slug) VALUES ('undone@example.org', 'w'); ROLLBACK TO a; SAVEPOINT b; INSERT INTO public.signups (mail, webinar_slug) VALUES ('sub@example.org', 'w'); RELEASE b`); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		sqlExec(t, s, insert, fmt.Sprintf("m%d@example.org", i))
		if l := lookAt(t, s, v); l.Fresh != 1 {
			t.Errorf("look %d took %d rows, want 1", i, l.Fresh)
		}
	}
	if err := late.Commit(); err != nil {
		t.Fatal(err)
	}
	if l := lookAt(t, s, v); l.Fresh != 2 {
		t.Errorf("after the late commit %d rows, want 2", l.Fresh)
	}
	if l := lookAt(t, s, v); l != (Look{}) {
		t.Errorf("then %+v", l)
	}
	// The watermark passes all of it, as soon as no transaction of any database on
	// this server is older: then nothing of it is in the window any more.
	for deadline := time.Now().Add(30 * time.Second); ; {
		mark, err := s.Source(t.Context(), "signups")
		if err != nil {
			t.Fatal(err)
		}
		if mark.watermark.Int64 > number {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the watermark is still %d, and the late transaction was %d", mark.watermark.Int64, number)
		}
		if l := lookAt(t, s, v); l != (Look{}) {
			t.Fatalf("a row was taken again: %+v", l)
		}
	}
	// Updates and deletes of rows that are known are noticed, those of rows that were
	// there before are nobody's business.
	sqlExec(t, s, `UPDATE public.signups SET first = 'A', last = 'B' WHERE mail = 'late@example.org'`)
	sqlExec(t, s, `DELETE FROM public.signups WHERE mail = 'sub@example.org'`)
	sqlExec(t, s, insert, "again@example.org")
	if l := lookAt(t, s, v); l.Fresh != 1 || l.Changed != 1 || l.Vanished > 1 {
		t.Errorf("after an update, a delete and an insert: %+v", l)
	}
	sqlExec(t, s, insert, "more@example.org")
	lookAt(t, s, v)
	if n := sqlOne[int](t, s, `SELECT count(*) FROM convened.source_changes WHERE gone`); n != 1 {
		t.Errorf("%d rows are known to be gone, want 1", n)
	}
}

func TestTransactionNumbersComeRound(t *testing.T) {
	t.Parallel()
	// The window is a matter of distances: what look writes for a watermark, for
	// numbers around the end of the 32 bits.
	s := open(t)
	for _, c := range []struct {
		mark, next, xmin int64
		want             bool
	}{
		{100, 200, 150, true}, {100, 200, 99, false}, {100, 200, 200, false},
		{1<<32 - 10, 1<<32 + 10, 1<<32 - 5, true}, {1<<32 - 10, 1<<32 + 10, 5, true}, {1<<32 - 10, 1<<32 + 10, 11, false},
		{3<<32 + 7, 3<<32 + 9, 8, true}, {3<<32 + 7, 3<<32 + 9, 6, false}, {3<<32 + 7, 3<<32 + 9, 1<<32 - 1, false},
	} {
		got := sqlOne[bool](t, s, `SELECT `+windowOf(c.mark, c.next)+fmt.Sprintf(` FROM (SELECT '%d'::xid AS xmin) r`, c.xmin))
		if got != c.want {
			t.Errorf("from %d to %d: is %d in the window? %t", c.mark, c.next, c.xmin, got)
		}
	}
}

func TestAViewIsPolledWithoutAWatermark(t *testing.T) {
	t.Parallel()
	s := open(t)
	apply(t, s, webinar("w"), early)
	signups(t, s, "")
	sqlExec(t, s, `CREATE VIEW public.people AS SELECT * FROM public.signups WHERE tickets > 0`)
	survey, err := s.SurveyTable(t.Context(), SourceSpec{Name: "signups", Table: "public.people", Map: signupsMap, Key: []string{"id"}})
	if err != nil || survey.Way != ByPolling || survey.NoTrigger == "" {
		t.Fatalf("%+v, %v", survey, err)
	}
	v, err := s.AddSource(t.Context(), early, "me", survey, nil)
	if err != nil {
		t.Fatal(err)
	}
	sqlExec(t, s, `INSERT INTO public.signups (mail, webinar_slug) VALUES ('a@example.org', 'w')`)
	if l := lookAt(t, s, v); l.Fresh != 1 {
		t.Errorf("%+v", l)
	}
	sqlExec(t, s, `UPDATE public.signups SET mail = 'b@example.org'`)
	if l := lookAt(t, s, v); l.Changed != 1 {
		t.Errorf("%+v", l)
	}
}

func TestARestoredDumpTakesNothingTwice(t *testing.T) {
	t.Parallel()
	s := openURL(t, labtest.Database(t))
	apply(t, s, webinar("w"), early)
	signups(t, s, "")
	adopted(t, s, ByTrigger, signupsMap)
	sqlExec(t, s, `INSERT INTO public.signups (mail, webinar_slug) SELECT 'm' || i || '@example.org', 'w' FROM generate_series(1, 50) i`)
	// A data-only restore: the rows come again, with the trigger in place.
	sqlExec(t, s, `CREATE TABLE public.dump AS SELECT * FROM public.signups; TRUNCATE public.signups; INSERT INTO public.signups SELECT * FROM public.dump`)
	if n := sqlOne[int](t, s, `SELECT count(*) FROM convened.registrations`); n != 50 {
		t.Errorf("%d registrations of 50 rows", n)
	}
}

func TestOthersThatUseTheTableAreWaitedFor(t *testing.T) {
	t.Parallel()
	s := open(t)
	apply(t, s, webinar("w"), early)
	signups(t, s, "")
	writer, err := s.db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := writer.Exec(`INSERT INTO public.signups (mail, webinar_slug) VALUES ('before@example.org', 'w')`); err != nil {
		t.Fatal(err)
	}
	survey, err := s.SurveyTable(t.Context(), SourceSpec{Name: "signups", Table: "public.signups", Map: signupsMap})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	waits := 0
	v, err := s.AddSource(ctx, early, "me", survey, func(time.Duration) {
		if waits++; waits == 2 {
			if err := writer.Commit(); err != nil {
				t.Error(err)
			}
		}
	})
	if err != nil || waits != 2 {
		t.Fatalf("after %d waits: %v", waits, err)
	}
	sqlExec(t, s, `INSERT INTO public.signups (mail, webinar_slug) VALUES ('after@example.org', 'w')`)
	if got := registered(t, s); got != "after@example.org/" {
		t.Errorf("registered %q", got)
	}
	if taking, err := s.TakeBefore(t.Context(), v, false, nil); err != nil || taking.Taken != 1 {
		t.Errorf("the row before: %+v, %v", taking, err)
	}
}

func TestATriggerIsMadeByARoleThatIsNoSuperuser(t *testing.T) {
	t.Parallel()
	url := labtest.Blank(t)
	root := openURL(t, url)
	admin := "admin_" + strings.ToLower(rand.Text()[:8])
	sqlExec(t, root, `CREATE ROLE `+admin+` LOGIN CREATEROLE`)
	t.Cleanup(func() { dropRole(t, root, admin) })
	sqlExec(t, root, `GRANT CREATE ON DATABASE `+sqlOne[string](t, root, `SELECT quote_ident(current_database())`)+` TO `+admin)
	sqlExec(t, root, `CREATE SCHEMA forms; GRANT USAGE ON SCHEMA forms TO `+admin+`; CREATE TABLE forms.signups (id bigserial PRIMARY KEY, mail text, webinar_slug text)`)
	s := openURL(t, strings.Replace(url, "postgres@", admin+"@", 1))
	if m, err := s.Migrate(t.Context()); err != nil || m.Missing != "" {
		t.Fatalf("%+v, %v", m, err)
	}
	spec := SourceSpec{Name: "signups", Table: "forms.signups", Map: Mapping{Event: "webinar_slug", Email: "mail"}}
	for _, grant := range []string{"SELECT", "TRIGGER"} {
		survey, err := s.SurveyTable(t.Context(), spec)
		if grant == "SELECT" && (err == nil || !strings.Contains(err.Error(), "GRANT SELECT ON")) {
			t.Errorf("without any right: %+v, %v", survey, err)
		}
		if grant == "TRIGGER" && (err != nil || survey.Way != ByPolling || !strings.Contains(survey.NoTrigger, "GRANT TRIGGER ON")) {
			t.Errorf("with SELECT alone: %+v, %v", survey, err)
		}
		sqlExec(t, root, `GRANT `+grant+` ON forms.signups TO `+admin)
	}
	survey, err := s.SurveyTable(t.Context(), spec)
	if err != nil || survey.Way != ByTrigger {
		t.Fatalf("with both: %+v, %v", survey, err)
	}
	apply(t, s, webinar("w"), early)
	v, err := s.AddSource(t.Context(), early, "me", survey, nil)
	if err != nil {
		t.Fatal(err)
	}
	// The form has no right to anything of convened's.
	form := "form_" + strings.ToLower(rand.Text()[:8])
	sqlExec(t, root, `CREATE ROLE `+form+`; GRANT USAGE ON SCHEMA forms TO `+form+`; GRANT INSERT ON forms.signups TO `+form+`; GRANT USAGE ON SEQUENCE forms.signups_id_seq TO `+form)
	t.Cleanup(func() { dropRole(t, root, form) })
	sqlExec(t, root, `SET ROLE `+form+`; INSERT INTO forms.signups (mail, webinar_slug) VALUES ('a@example.org', 'w'); RESET ROLE`)
	if got := registered(t, root); got != "a@example.org/" {
		t.Errorf("registered %q", got)
	}
	if sqlOne[bool](t, root, `SELECT has_schema_privilege('convened_source', 'convened', 'CREATE')`) {
		t.Error("convened_source may still make what it likes")
	}
	if err := s.RemoveSource(t.Context(), v, nil); err == nil {
		t.Error("who may only make triggers removed one: only the owner of the table may")
	}
	if err := root.RemoveSource(t.Context(), v, nil); err != nil {
		t.Error(err)
	}
}

// dropRole takes away a role, which all databases of a server share, and what it has
// here.
func dropRole(t *testing.T, s *Store, role string) {
	t.Helper()
	if _, err := s.db.ExecContext(context.Background(), `DROP OWNED BY `+role+` CASCADE; DROP ROLE `+role); err != nil {
		t.Error(err)
	}
}

func TestTheDaemonsRoleMayAttendToASource(t *testing.T) {
	t.Parallel()
	url := labtest.Database(t)
	root := openURL(t, url)
	apply(t, root, webinar("w"), early)
	signups(t, root, "")
	sqlExec(t, root, `GRANT SELECT ON public.signups TO convened`)
	s := openURL(t, strings.Replace(url, "postgres@", "convened@", 1))
	// It may not make a trigger, and so it polls.
	survey, err := s.SurveyTable(t.Context(), SourceSpec{Name: "signups", Table: "public.signups", Map: signupsMap})
	if err != nil || survey.Way != ByPolling || survey.Unreadable {
		t.Fatalf("%+v, %v", survey, err)
	}
	v, err := s.AddSource(t.Context(), early, "me", survey, nil)
	if err != nil {
		t.Fatal(err)
	}
	sqlExec(t, root, `INSERT INTO public.signups (mail, webinar_slug) VALUES ('a@example.org', 'w'), (NULL, 'w'), ('c@example.org', 'x')`)
	if l := lookAt(t, s, v); l.Fresh != 1 || l.Problems != 2 {
		t.Errorf("%+v", l)
	}
	sqlExec(t, root, `UPDATE public.signups SET cancelled_at = now() WHERE mail = 'a@example.org'`)
	lookAt(t, s, v)
	list, err := s.SourceChanges(t.Context(), v, 0, 10)
	if err != nil || len(list) != 1 {
		t.Fatalf("%+v, %v", list, err)
	}
	if err := s.SettleChange(t.Context(), &list[0], SettledChange{State: RowOut}); err != nil {
		t.Error(err)
	}
	if _, err := s.Retry(t.Context(), v); err != nil {
		t.Error(err)
	}
	if _, err := s.LetVanish(t.Context(), v); err != nil {
		t.Error(err)
	}
	for _, err := range s.CheckStatements(t.Context()) {
		t.Error(err)
	}
	if err := s.RemoveSource(t.Context(), v, nil); err != nil {
		t.Error(err)
	}
}
