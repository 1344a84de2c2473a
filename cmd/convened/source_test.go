package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"os"
	"path/filepath"
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

func TestWhatAProgramSendsBringsALetter(t *testing.T) {
	t.Parallel()
	s := newSite(t, "poll_interval: 10m\n") // so that only being told helps
	base := s.public()
	s.apply("webinar", 240*time.Hour, "")
	token := strings.TrimSpace(s.must("source", "token", "intranet"))
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("a secret of the form\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := s.must("source", "webhook", "form", "--service", "hmac", "--secret-file", secret, "--event", "webinar"); !strings.Contains(out, base+"/api/hooks/form") {
		t.Errorf("the webhook is at %s", out)
	}
	d := s.daemon()
	send := func(path, body string, header ...string) int {
		t.Helper()
		status := 0
		s.until("the API answers", func() bool {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+path, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set(header[0], header[1])
			res, err := http.DefaultClient.Do(r)
			if err != nil {
				return false
			}
			status = res.StatusCode
			return res.Body.Close() == nil
		})
		return status
	}
	if got := send("/api/registrations", `{"event": "webinar", "email": "ana@example.org", "name": "Ana Secretname"}`, "Authorization", "Bearer "+token); got != http.StatusAccepted {
		t.Errorf("registering: %d", got)
	}
	s.wait(1, 30*time.Second)
	body := `{"id": "1", "email": "bo@example.org"}`
	mac := hmac.New(sha256.New, []byte("a secret of the form"))
	mac.Write([]byte(body))
	if got := send("/api/hooks/form", body, "X-Signature", hex.EncodeToString(mac.Sum(nil))); got != http.StatusAccepted {
		t.Errorf("the webhook: %d", got)
	}
	s.wait(2, 30*time.Second)
	if got := strings.Join(s.received(), ", "); got != "confirmation to ana@example.org, confirmation to bo@example.org" {
		t.Errorf("received %s", got)
	}
	s.must("source", "token", "intranet", "--revoke", "1")
	if got := send("/api/registrations", `{"event": "webinar", "email": "c@example.org"}`, "Authorization", "Bearer "+token); got != http.StatusUnauthorized {
		t.Errorf("with a token that was revoked: %d", got)
	}
	if strings.Contains(s.sql(`SELECT t FROM convened.tokens t`), token[len("cvd_"):]) {
		t.Error("the token is in the database")
	}
	d.stop()
	if logs := d.logs.String(); strings.Contains(logs, "Secretname") || strings.Contains(logs, token) || strings.Contains(logs, "ana@") {
		t.Errorf("the log has a person or a token:\n%s", logs)
	}
}

func TestAMapIsTakenApartAsItWasMeant(t *testing.T) {
	for given, want := range map[string]map[string]string{
		`email=mail,language=lang`: {"email": "mail", "language": "lang"},
		// As it stands in the documentation, with its quotation marks and after a shell.
		`email=mail,name='first || '' '' || last',language=lang`: {"email": "mail", "name": "first || ' ' || last", "language": "lang"},
		`email=mail,name=first ||   || last,language=lang`:       {"email": "mail", "name": "first || ' ' || last", "language": "lang"},
		`name=concat_ws(', ', last, first)`:                      {"name": "concat_ws(', ', last, first)"},
		`name="last, first",email=mail`:                          {"name": `"last, first"`, "email": "mail"},
		`event='my-webinar',email=mail`:                          {"event": "'my-webinar'", "email": "mail"},
		`event=CASE w WHEN 7 THEN 'a=b' END`:                     {"event": "CASE w WHEN 7 THEN 'a=b' END"},
	} {
		key, value, _ := strings.Cut(given, "=")
		got, err := splitMap(map[string]string{key: value})
		if err != nil || !maps.Equal(got, want) {
			t.Errorf("%s is %q, %v; want %q", given, got, err, want)
		}
	}
	for _, bad := range []string{"email=", "email=mail,,x=y", "email=mail,email=other"} {
		key, value, _ := strings.Cut(bad, "=")
		if got, err := splitMap(map[string]string{key: value}); err == nil {
			t.Errorf("%s is taken for %q", bad, got)
		}
	}
}

func TestASourceOfTheConfigurationIsAdoptedByItsName(t *testing.T) {
	t.Parallel()
	s := newSite(t, `sources:
  - name: signups
    table: public.signups
    event_column: webinar_slug
    map: {email: mail, name: "first || ' ' || last"}
`)
	s.apply("webinar", 240*time.Hour, "")
	s.sql(signups)
	s.sql(`INSERT INTO public.signups (mail, webinar_slug) VALUES ('old@example.org', 'webinar'), ('OLD@example.org', 'webinar'), (NULL, 'webinar')`)
	if out := s.must("source", "add", "signups", "--backfill", "--mail", "--dry-run"); !strings.Contains(out, "1 person would be mailed") || !strings.Contains(out, "1 can't be taken: no address") || !strings.Contains(out, "Nothing was done.") {
		t.Errorf("the dry run says\n%s", out)
	}
	if out := s.convened("source", "add", "signups", "--backfill", "--mail"); out.code != exitWrong || !strings.Contains(out.stderr, "mail 1 person") {
		t.Errorf("without --yes: %d %s", out.code, out.stderr)
	}
	s.must("source", "add", "signups", "--backfill", "--mail", "--yes")
	s.daemon()
	s.wait(1, 30*time.Second)
	if out := s.must("source", "list"); !strings.Contains(out, "trigger") || strings.Contains(out, "gone") {
		t.Errorf("the list says\n%s", out)
	}
	if out := s.convened("source", "add", "signups"); out.code != exitWrong || !strings.Contains(out.stderr, "already") {
		t.Errorf("a second time: %d %s", out.code, out.stderr)
	}
	if out := s.convened("source", "add", "others"); out.code != exitWrong || !strings.Contains(out.stderr, "--table") {
		t.Errorf("one that there is not: %d %s", out.code, out.stderr)
	}
	s.sql(`DROP TABLE public.signups`)
	if out := s.must("source", "list"); !strings.Contains(out, "the table is gone") {
		t.Errorf("without its table the list says\n%s", out)
	}
	s.must("source", "remove", "signups")
}
