package desk

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"convened"
	"convened/internal/lab"
	"convened/internal/lab/labtest"
	"convened/scheduler"
	"convened/store"
)

// An adopted is a table that somebody else's form writes to, adopted, and the desk that
// follows it.
type adopted struct {
	t    *testing.T
	url  string
	desk *Desk
	now  time.Time
}

func newAdopted(t *testing.T, way store.Way, rows string) *adopted {
	t.Helper()
	f := &adopted{t: t, url: labtest.Database(t), now: time.Now()}
	s, err := store.Open(store.Options{URL: f.url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	f.desk = &Desk{Store: s, Grace: time.Hour, By: "test"}
	for _, slug := range []string{"a", "b"} {
		e := &convened.Event{Slug: slug, Title: convened.Text{"en": "W"}, Language: "en", Zone: "UTC", Status: convened.Scheduled,
			StartsLocal: convened.Wall{Year: 2040, Month: 1, Day: 1, Hour: 9}, EndsLocal: convened.Wall{Year: 2040, Month: 1, Day: 1, Hour: 10}}
		if err := e.Derive(); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Apply(t.Context(), store.Edit{Event: e, OverAt: e.Ends, At: f.now}); err != nil {
			t.Fatal(err)
		}
	}
	f.sql(`CREATE TABLE public.signups (id integer PRIMARY KEY, mail text, name text, event text DEFAULT 'a', out boolean DEFAULT false)`)
	v, err := s.SurveyTable(t.Context(), store.SourceSpec{Name: "signups", Table: "public.signups", Way: way, Map: store.Mapping{Event: "event", Email: "mail", Name: "name", Cancelled: "out"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.AddSource(t.Context(), f.now, "test", v, nil); err != nil {
		t.Fatal(err)
	}
	f.does(rows)
	return f
}

func (f *adopted) sql(query string) string {
	f.t.Helper()
	cmd, err := lab.ClientCommand(f.t.Context(), f.url, "psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1", "--command", query)
	if err != nil {
		f.t.Fatal(err)
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		f.t.Fatalf("%s: %v\n%s", query, err, out)
	}
	return strings.TrimSpace(string(out))
}

// does has the form do something, and the daemon what follows: it attends to the
// source and plans, until nothing more comes of it.
func (f *adopted) does(query string) {
	f.t.Helper()
	f.sql(query)
	for range 3 {
		f.now = f.now.Add(time.Hour) // long enough for a repetition to be confirmed
		v, err := f.desk.Store.Source(f.t.Context(), "signups")
		if err == nil {
			_, err = f.desk.AttendSource(f.t.Context(), f.now, v, time.Second, slog.New(slog.DiscardHandler))
		}
		if err != nil {
			f.t.Fatal(err)
		}
		list, err := f.desk.Store.Newcomers(f.t.Context())
		if err != nil {
			f.t.Fatal(err)
		}
		for _, n := range list {
			Identify(&n)
			if _, err := f.desk.Store.PlanNewcomers(f.t.Context(), f.now, n.Event, 0, []convened.Newcomer{n}, 10*time.Minute); err != nil {
				f.t.Fatal(err)
			}
		}
	}
}

// seats says who has one: event, address and name.
func (f *adopted) seats() string {
	f.t.Helper()
	return strings.ReplaceAll(f.sql(`SELECT concat_ws('/', event, email, name) FROM convened.registrations WHERE seat = id AND cancelled_at IS NULL ORDER BY 1`), "\n", " ")
}

func (f *adopted) want(what, seats string) {
	f.t.Helper()
	if got := f.seats(); got != seats {
		f.t.Errorf("%s: the seats are %q, want %q\nchanges:\n%s\nrows:\n%s\nproblems:\n%s", what, got, seats,
			f.sql(`SELECT id, key, was_key, gone FROM convened.source_changes`), f.sql(`SELECT key, state, registration FROM convened.source_rows`), f.sql(`SELECT key, what, detail FROM convened.source_problems`))
	}
}

func TestWhatIsDoneToARowIsDoneToItsSeat(t *testing.T) {
	t.Parallel()
	for _, way := range []store.Way{store.ByTrigger, store.ByPolling} {
		t.Run(string(way), func(t *testing.T) {
			t.Parallel()
			f := newAdopted(t, way, `INSERT INTO public.signups VALUES (1, 'ana@example.org', 'Ana'), (2, 'bo@example.org', 'Bo'), (3, 'bo@example.org', 'Bo')`)
			f.want("taken", "a/ana@example.org/Ana a/bo@example.org/Bo")
			f.does(`UPDATE public.signups SET name = 'Anna' WHERE id = 1`)
			f.want("renamed", "a/ana@example.org/Anna a/bo@example.org/Bo")
			f.does(`UPDATE public.signups SET mail = 'ANA@Example.ORG' WHERE id = 1`)
			f.want("the same mailbox", "a/ana@example.org/Anna a/bo@example.org/Bo")
			f.does(`UPDATE public.signups SET mail = 'anna@example.org' WHERE id = 1`)
			f.want("corrected", "a/anna@example.org/Anna a/bo@example.org/Bo")
			f.does(`UPDATE public.signups SET mail = 'nonsense' WHERE id = 1`)
			f.want("corrected to what can't be an address", "a/anna@example.org/Anna a/bo@example.org/Bo")
			if got := f.sql(`SELECT what FROM convened.source_problems`); got != "correction" {
				t.Errorf("the problem is %q", got)
			}
			f.does(`UPDATE public.signups SET mail = 'anna@example.org' WHERE id = 1`)
			f.want("and back", "a/anna@example.org/Anna a/bo@example.org/Bo")
			f.does(`UPDATE public.signups SET event = 'b' WHERE id = 1`)
			f.want("another event", "a/bo@example.org/Bo b/anna@example.org/Anna")
			f.does(`DELETE FROM public.signups WHERE id = 2`)
			f.want("one of two rows of an address", "a/bo@example.org/Bo b/anna@example.org/Anna")
			f.does(`UPDATE public.signups SET out = true WHERE id = 3`)
			f.want("the other one", "b/anna@example.org/Anna")
			f.does(`UPDATE public.signups SET out = false WHERE id = 3`)
			f.want("who comes back", "a/bo@example.org/Bo b/anna@example.org/Anna")
			f.does(`DELETE FROM public.signups WHERE id = 1`)
			f.want("deleted", "a/bo@example.org/Bo")
			f.does(`INSERT INTO public.signups VALUES (1, 'anna@example.org', 'Anna')`)
			f.want("and there again", "a/anna@example.org/Anna a/bo@example.org/Bo")
			f.does(`UPDATE public.signups SET id = 77 WHERE id = 1`)
			f.want("another key", "a/anna@example.org/Anna a/bo@example.org/Bo")
			f.does(`DELETE FROM public.signups WHERE id = 77`)
			f.want("deleted under its new key", "a/bo@example.org/Bo")
			f.does(`INSERT INTO public.signups VALUES (5, 'c@example.org', 'C', 'nope', false), (6, NULL, 'D', 'a', false)`)
			f.does(`UPDATE public.signups SET event = 'b' WHERE id = 5; UPDATE public.signups SET mail = 'd@example.org' WHERE id = 6`)
			f.want("problems that were mended", "a/bo@example.org/Bo a/d@example.org/D b/c@example.org/C")
			if got := f.sql(`SELECT count(*) FROM convened.source_problems`); got != "0" {
				t.Errorf("%s problems are left", got)
			}
			if got := f.sql(`SELECT count(*) FROM convened.source_changes`); got != "0" {
				t.Errorf("%s changes are left", got)
			}
		})
	}
}

func TestManyRowsThatVanishAtOnceKeepTheirSeatsUntilSomebodySaysSo(t *testing.T) {
	t.Parallel()
	for _, way := range []store.Way{store.ByTrigger, store.ByPolling} {
		t.Run(string(way), func(t *testing.T) {
			t.Parallel()
			f := newAdopted(t, way, `INSERT INTO public.signups SELECT i, 'm' || i || '@example.org', 'M' FROM generate_series(1, 40) i`)
			count := func(want int) {
				t.Helper()
				if got := f.sql(`SELECT count(*) FROM convened.registrations WHERE seat = id AND cancelled_at IS NULL`); got != fmt.Sprint(want) {
					t.Errorf("%s seats, want %d", got, want)
				}
			}
			f.does(`DELETE FROM public.signups WHERE id <= 3`)
			count(37)
			f.does(`DELETE FROM public.signups WHERE id <= 30`)
			count(37)
			v, err := f.desk.Store.Source(t.Context(), "signups")
			if err != nil || v.Vanished != 27 {
				t.Fatalf("%+v, %v", v, err)
			}
			// What else is done goes on, and a row that comes back was never gone.
			f.does(`INSERT INTO public.signups VALUES (50, 'new@example.org', 'N'), (10, 'm10@example.org', 'M'); DELETE FROM public.signups WHERE id = 40`)
			count(38)
			if n, err := f.desk.Store.LetVanish(t.Context(), v); err != nil || n != 27 {
				t.Errorf("%d rows are let go, %v", n, err)
			}
			f.does(`SELECT 1`)
			count(11)
			f.does(`DELETE FROM public.signups WHERE id = 50`)
			count(10)
		})
	}
}

func TestTakenOverQuietlyMeansNoLetterNowAndEveryLaterOne(t *testing.T) {
	t.Parallel()
	f := newAdopted(t, store.ByTrigger, `SELECT 1`)
	f.sql(`ALTER TABLE public.signups DISABLE TRIGGER USER; INSERT INTO public.signups VALUES (1, 'ana@example.org', 'Ana'); ALTER TABLE public.signups ENABLE TRIGGER USER`)
	v, err := f.desk.Store.Source(t.Context(), "signups")
	if err != nil {
		t.Fatal(err)
	}
	if taking, err := f.desk.Store.TakeBefore(t.Context(), v, true, nil); err != nil || taking.Taken != 1 {
		t.Fatalf("%+v, %v", taking, err)
	}
	// What is foretold is what comes.
	for _, planned := range []bool{false, true} {
		x, err := f.desk.Explain(t.Context(), f.now, "a", "ana@example.org")
		if err != nil {
			t.Fatal(err)
		}
		if l := x.Lines[0]; l.Kind != convened.Confirmation || l.Verdict == scheduler.Will || l.Verdict == scheduler.Did || !strings.Contains(l.Why, "taken over") {
			t.Errorf("planned %t: the confirmation %s, %s", planned, l.Verdict, l.Why)
		}
		f.does(`SELECT 1`)
	}
	p, err := f.desk.ProposeCancel(t.Context(), f.now, "a")
	if err != nil || p.Mails != 1 {
		t.Errorf("calling it off mails %d, %v", p.Mails, err)
	}
	f.does(`DELETE FROM public.signups`)
	if got := f.sql(`SELECT string_agg(kind || ' ' || state, ', ' ORDER BY id) FROM convened.notices`); got != "confirmation cancelled, cancellation planned" {
		t.Errorf("the notices are %s", got)
	}
}
