package main

import (
	"strings"
	"testing"
	"time"
)

// signups is the table of a form that knows nothing of convened.
const signups = `CREATE TABLE public.signups (
    id bigserial PRIMARY KEY, mail text, first text, last text, lang text, webinar_slug text, cancelled_at timestamptz, tickets integer DEFAULT 1)`

// adopt is the command line of the documentation.
var adopt = []string{"source", "add", "signups", "--table", "public.signups", "--map", `email=mail,name='first || '' '' || last',language=lang`,
	"--event-column", "webinar_slug", "--cancelled-column", "cancelled_at"}

func TestARowOfAnAdoptedTableBringsALetter(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"trigger", "poll"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, "poll_interval: 200ms\n")
			s.apply("webinar", 240*time.Hour, "")
			s.sql(signups + `; INSERT INTO public.signups (mail, first, last, webinar_slug) VALUES ('before@example.org', 'B', 'E', 'webinar')`)
			args := adopt
			if way == "poll" {
				args = append(args[:len(args):len(args)], "--poll")
			}
			if out := s.must(args...); !strings.Contains(out, "1 rows are there: they stay as they are") || !strings.Contains(out, "name      = first || ' ' || last") {
				t.Errorf("it says\n%s", out)
			}
			s.daemon()
			s.sql(`INSERT INTO public.signups (mail, first, last, lang, webinar_slug) VALUES ('ana@example.org', 'Ana', 'Díaz', 'es', 'webinar'), (NULL, 'No', 'Body', 'en', 'webinar'), ('c@example.org', 'C', 'D', 'en', 'other')`)
			s.wait(1, 30*time.Second)
			s.until("both problems are seen", func() bool { return strings.Count(s.must("source", "problems", "signups"), "signups") == 2 })
			if got := s.received(); len(got) != 1 || got[0] != "confirmation to ana@example.org" {
				t.Errorf("received %q", got)
			}
			if got := s.sql(`SELECT name || ' ' || language FROM convened.registrations`); got != "Ana Díaz es" {
				t.Errorf("registered %q", got)
			}
			problems := s.must("source", "problems")
			for _, want := range []string{"it has no address", "there is no event 'other'"} {
				if !strings.Contains(problems, want) {
					t.Errorf("the problems lack %q:\n%s", want, problems)
				}
			}
			// The event that was not known comes, and takes its row along.
			s.apply("other", 240*time.Hour, "")
			s.wait(2, 30*time.Second)
			// What is done to the row follows through.
			s.sql(`UPDATE public.signups SET mail = 'ana@example.net' WHERE mail = 'ana@example.org'`)
			s.wait(3, 30*time.Second)
			s.sql(`UPDATE public.signups SET cancelled_at = now() WHERE mail = 'c@example.org'`)
			s.wait(4, 30*time.Second)
			s.sql(`DELETE FROM public.signups WHERE mail = 'ana@example.net'`)
			s.wait(5, 30*time.Second)
			want := "confirmation to ana@example.org, confirmation to c@example.org, confirmation to ana@example.net, cancellation to c@example.org, cancellation to ana@example.net"
			if got := strings.Join(s.received(), ", "); got != want {
				t.Errorf("received %s\nwant     %s", got, want)
			}
			// Nobody asked for the row that was there before.
			if out := s.must("source", "backfill", "signups", "--yes"); !strings.Contains(out, "1 rows were taken") {
				t.Errorf("backfill says %s", out)
			}
			s.until("it has a seat, and gets no letter", func() bool {
				return s.sql(`SELECT n.state || ' ' || n.reason FROM convened.notices n JOIN convened.registrations r ON r.id = n.registration WHERE r.email = 'before@example.org'`) ==
					"cancelled taken over from a table that was there before, without a letter"
			})
			s.must("source", "remove", "signups")
			s.sql(`INSERT INTO public.signups (mail, webinar_slug) VALUES ('late@example.org', 'webinar')`)
			if got := s.sql(`SELECT count(*) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE nspname = 'convened' AND proname = 'source_signups'`); got != "0" {
				t.Errorf("%s functions are left", got)
			}
			if got := s.sql(`SELECT count(*) FROM convened.registrations WHERE email = 'late@example.org'`); got != "0" {
				t.Error("the table is still copied")
			}
		})
	}
}
