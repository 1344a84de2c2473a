package console

import (
	"bytes"
	"context"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"convened"
	"convened/calendar"
	"convened/desk"
	"convened/internal/lab"
	"convened/internal/lab/labtest"
	"convened/mailer"
	"convened/scheduler"
	"convened/store"
)

func TestMain(m *testing.M) {
	os.Exit(labtest.Tight(m, func(url string) error {
		s, err := store.Open(store.Options{URL: url})
		if err != nil {
			return err
		}
		defer func() { _ = s.Close() }()
		_, err = s.Migrate(context.Background())
		return err
	}))
}

// The webinar of these tests: 25 November 2026, 16:00 in Brussels. They begin five
// days before.
var (
	starts = time.Date(2026, 11, 25, 15, 0, 0, 0, time.UTC)
	ends   = starts.Add(time.Hour)
	early  = starts.Add(-5 * 24 * time.Hour)
)

const webinar = `
event: webinar
title: {fr: "L'internationalisation des espaces métropolitains", en: "Internationalisation and metropolitan spaces", es: "La internacionalización de los espacios metropolitanos"}
starts: 2026-11-25 16:00
ends: 2026-11-25 17:00
zone: Europe/Brussels
language: fr
held_in: fr
location: {fr: "En ligne", en: "Online", es: "En línea"}
join_url: https://meet.example.org/join?room=7&lang=fr
page_url: https://www.example.org/webinars/7
organizer: {name: Metropolis, email: events@example.org}
description:
  en: "How do cities act abroad?\n\n- Policies\n- Communication\n\nMore at https://www.example.org/more"
  fr: "Comment les villes agissent-elles à l'international ?"
  es: "¿Cómo actúan las ciudades en el exterior?"
reminders:
  - before: 24h
  - after: 2h
`

// A stage is everything from the database to the pages, with a clock that is set by hand
// and a relay that takes each letter.
type stage struct {
	t        testing.TB
	dsn      string
	store    *store.Store
	desk     *desk.Desk
	sched    *scheduler.Scheduler
	handler  http.Handler
	origin   string
	composer *mailer.Composer
	logs     *lockedBuffer
	woken    int

	// verdict is what becomes of a letter; nil: it is taken.
	verdict func(l *mailer.Letter, now time.Time) convened.Outcome
	forgets bool // letters are taken and not kept

	mu      sync.Mutex
	now     time.Time
	letters []*mailer.Letter
	gate    chan struct{} // lets one letter through at a time; nil: it is open
}

// newStage builds one whose letters link to publicURL.
func newStage(t testing.TB, publicURL string) *stage {
	t.Helper()
	s := &stage{t: t, dsn: labtest.Database(t), origin: publicURL, now: early, logs: &lockedBuffer{}}
	var err error
	if s.store, err = store.Open(store.Options{URL: s.dsn}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.store.Close() })
	s.desk = &desk.Desk{Store: s.store, Grace: time.Hour}
	keys, err := s.store.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.compose(keys)
	if _, err := s.store.Register(t.Context(), store.Daemon{Name: "test", Host: "test"}); err != nil {
		t.Fatal(err)
	}
	s.sched = scheduler.New(scheduler.Options{Store: s.store, Composer: s, Clock: s.clock, Identify: desk.Identify, Hands: 1})
	end := s.sched.Begin(t.Context())
	t.Cleanup(end)
	s.handler, err = NewRegistrant(RegistrantOptions{Seats: s.store, Letters: s, PublicURL: publicURL, Clock: s.clock,
		Wake: func() { s.woken++ }, Logger: s.logger()})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *stage) logger() *slog.Logger { return slog.New(slog.NewTextHandler(s.logs, nil)) }

// compose has letters signed with the keys from now on.
func (s *stage) compose(keys convened.Keyring) {
	s.t.Helper()
	var err error
	s.composer, err = mailer.NewComposer(mailer.ComposerOptions{From: "Metropolis <events@example.org>", PublicURL: s.origin, Keys: keys})
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// Compose is scheduler.Composer: the letter is real, and is kept.
func (s *stage) Compose(now time.Time, c *convened.Claim) (scheduler.Letter, error) {
	l, err := s.composer.Compose(now, c)
	if err != nil {
		return scheduler.Letter{}, err
	}
	return scheduler.Letter{MessageID: l.MessageID, Send: func(context.Context, *scheduler.Place) convened.Outcome {
		s.mu.Lock()
		gate := s.gate
		s.mu.Unlock()
		if gate != nil {
			<-gate
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.verdict != nil {
			if o := s.verdict(l, s.now); o.State != convened.Sent {
				o.Notice, o.Attempt = l.Notice, l.Attempt
				return o
			}
		}
		if !s.forgets {
			s.letters = append(s.letters, l)
		}
		return convened.Outcome{Notice: l.Notice, Attempt: l.Attempt, State: convened.Sent, Code: 250, At: s.now}
	}}, nil
}

// holdBack has letters wait for one send on the returned channel each.
func (s *stage) holdBack() chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gate = make(chan struct{})
	return s.gate
}

// at sets the clock and has the daemon do what is due.
func (s *stage) at(now time.Time) {
	s.t.Helper()
	s.mu.Lock()
	s.now = now
	s.mu.Unlock()
	if err := s.sched.Until(s.t.Context(), now); err != nil {
		s.t.Fatal(err)
	}
}

// apply writes the webinar, or what edit makes of its file.
func (s *stage) apply(edit ...string) {
	s.t.Helper()
	e, err := desk.ReadEventFile("webinar.yaml", []byte(strings.NewReplacer(edit...).Replace(webinar)))
	if err != nil {
		s.t.Fatal(err)
	}
	p, err := s.desk.Propose(s.t.Context(), s.clock(), e)
	if err == nil {
		_, err = s.desk.Carry(s.t.Context(), s.clock(), p)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// register takes a seat, has its confirmation sent, and returns the link in it.
func (s *stage) register(e store.Entry) string {
	s.t.Helper()
	e.Event = "webinar"
	e.CreatedAt = s.clock()
	if _, err := s.store.AddRegistrations(s.t.Context(), []store.Entry{e}); err != nil {
		s.t.Fatal(err)
	}
	s.at(s.clock())
	return s.link(e.Email)
}

// ana registers Ana.
func (s *stage) ana() string {
	s.t.Helper()
	return s.register(store.Entry{Email: "ana@example.net", Name: "Ana Díaz", Language: "en", Zone: "America/Mexico_City"})
}

// link returns the address of the page that the latest letter to an address leads to.
func (s *stage) link(email string) string {
	s.t.Helper()
	list := s.received(email)
	if len(list) == 0 {
		s.t.Fatalf("no letter to %s", email)
	}
	m, err := mail.ReadMessage(bytes.NewReader(list[len(list)-1].Data))
	if err != nil {
		s.t.Fatal(err)
	}
	link := strings.Trim(m.Header.Get("List-Unsubscribe"), "<>")
	token, ok := strings.CutPrefix(link, s.origin+"/u/")
	if page := s.origin + "/r/" + token; ok && strings.Contains(text(s.t, list[len(list)-1].Data), page+"\n") {
		return page
	}
	s.t.Fatalf("List-Unsubscribe is %q, and the letter does not lead to its page", link)
	return ""
}

// outOf returns the address of List-Unsubscribe in the letters that lead to a page.
func outOf(page string) string { return strings.Replace(page, "/r/", "/u/", 1) }

// received lists the letters to an address.
func (s *stage) received(email string) []*mailer.Letter {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []*mailer.Letter
	for _, l := range s.letters {
		if l.To == email {
			list = append(list, l)
		}
	}
	return list
}

// kinds names the letters to an address.
func (s *stage) kinds(email string) string {
	var names []string
	for _, l := range s.received(email) {
		names = append(names, string(l.Kind))
	}
	return strings.Join(names, ", ")
}

// Invitation is Letters.
func (s *stage) Invitation(now time.Time, c *convened.Claim) (*calendar.Invitation, error) {
	return s.composer.Invitation(now, c)
}

// seat reads a seat by its address.
func (s *stage) seat(email string) *convened.Registration {
	s.t.Helper()
	r, err := s.desk.Seat(s.t.Context(), "webinar", email)
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

// sql runs a statement as a superuser, through psql.
func (s *stage) sql(query string) string {
	s.t.Helper()
	cmd, err := lab.ClientCommand(s.t.Context(), s.dsn, "psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1", "--command", query)
	if err != nil {
		s.t.Fatal(err)
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("%s: %v\n%s", query, err, out)
	}
	return strings.TrimSpace(string(out))
}

// everything is all that a click could change, as one string.
func (s *stage) everything() string {
	s.t.Helper()
	return s.sql(`SELECT r FROM convened.registrations r ORDER BY id; SELECT n FROM convened.notices n ORDER BY id; SELECT slug, seats, revision FROM convened.events`)
}

// An answer is what came back for a request.
type answer struct {
	status int
	header http.Header
	body   string
}

// leads returns where a redirection leads, without the page it came from.
func (a answer) leads(page string) string { return strings.TrimPrefix(a.header.Get("Location"), page) }

// do makes a request as a browser on the net does through a proxy. more is pairs
// of header fields.
func (s *stage) do(method, url, body string, more ...string) answer {
	s.t.Helper()
	r := httptest.NewRequest(method, url, strings.NewReader(body))
	r.RemoteAddr = "192.0.2.7:4711"
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(more); i += 2 {
		if more[i+1] == "" {
			r.Header.Del(more[i])
			continue
		}
		r.Header.Set(more[i], more[i+1])
	}
	if r.Header.Get("X-Forwarded-For") != "" {
		r.RemoteAddr = "127.0.0.1:4711" // the proxy, which says it
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	res := w.Result()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(b)}
}

func (s *stage) get(url string, more ...string) answer {
	s.t.Helper()
	return s.do(http.MethodGet, url, "", more...)
}

// post sends a form as our own pages do.
func (s *stage) post(url, form string, more ...string) answer {
	s.t.Helper()
	return s.do(http.MethodPost, url, form, append([]string{"Sec-Fetch-Site", "same-origin", "Origin", s.origin}, more...)...)
}

// A lockedBuffer is written by one goroutine and read by another.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// said is a page as it is read: characters for entities, plain spaces, and no line breaks.
func (a answer) said() string {
	return strings.NewReplacer("\u00a0", " ", " <br>", " ").Replace(html.UnescapeString(a.body))
}

func wants(t testing.TB, what, in string, wanted ...string) {
	t.Helper()
	for _, w := range wanted {
		if !strings.Contains(in, w) {
			t.Errorf("%s lacks %q:\n%s", what, w, in)
		}
	}
}

func wantsNo(t testing.TB, what, in string, unwanted ...string) {
	t.Helper()
	for _, w := range unwanted {
		if strings.Contains(in, w) {
			t.Errorf("%s has %q:\n%s", what, w, in)
		}
	}
}
