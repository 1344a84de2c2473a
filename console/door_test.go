package console

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"convened"
	"convened/store"
)

// posts are the actions behind a link, with what their forms send.
var posts = []struct{ route, form string }{
	{"/mute", ""}, {"/unmute", ""}, {"/choices", "language=es&zone=UTC"}, {"/cancel", ""}, {"/unsubscribe", "from=page"}, {"/unsubscribe", "List-Unsubscribe=One-Click"},
}

func TestWhatDoesNotOpenLooksTheSame(t *testing.T) {
	t.Parallel()
	s := newStage(t, origin)
	s.apply()
	link := s.ana()
	erased := s.register(store.Entry{Email: "bo@example.net"})
	if n, err := s.desk.Erase(t.Context(), s.clock(), "webinar", "bo@example.net"); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	s.ana() // a repetition has a row of its own, and no seat
	keys, err := s.store.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	token := strings.TrimPrefix(link, origin+"/r/")
	flipped := []byte(token)
	flipped[len(flipped)-1] = map[bool]byte{true: 'A', false: 'g'}[flipped[len(flipped)-1] != 'A']
	other := convened.Keyring{{ID: keys[0].ID, Secret: make([]byte, 32)}}
	bad := map[string]string{
		"erased": strings.TrimPrefix(erased, origin+"/r/"), "of nobody": keys.Token(1 << 40), "of a repetition": keys.Token(3), "signed by another": other.Token(1),
		"changed at its end": string(flipped), "cut": token[:len(token)-1], "too long": token + "A", "with a line end": token + "%0A", "short": "x",
		"not base64": "%3Cscript%3E", "an id": "1", "an address": "ana@example.net", "lower case": strings.ToLower(token), "UTF-8": "%C3%A9", "zero": keys.Token(0), "negative": keys.Token(-1),
	}
	before := s.everything()
	var want answer
	for what, token := range bad {
		for _, route := range append(routes, "/nothing", "/../metrics") {
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				url := origin + "/r/" + token + route
				if route == "/u" {
					url = origin + "/u/" + token
				}
				a := s.do(method, url, map[bool]string{true: "List-Unsubscribe=One-Click"}[method == http.MethodPost], "Accept-Language", "es-MX,es;q=0.9")
				s.limitsAreNew()
				if route == "/../metrics" && a.status == http.StatusTemporaryRedirect {
					continue // a path that is no path is told its right form, whatever the token
				}
				if want.status == 0 {
					want = a
					wants(t, "the page", a.body, `<html lang="es"`, "Este enlace no funciona")
				}
				if a.status != http.StatusNotFound || a.body != want.body || !reflect.DeepEqual(a.header, want.header) {
					t.Errorf("a link that is %s, %s %s: %d\n%v, want\n%v", what, method, route, a.status, a.header, want.header)
				}
			}
		}
	}
	if after := s.everything(); after != before {
		t.Error("something was changed")
	}
	for _, path := range []string{"/", "/r/", "/r", "/metrics", "/healthz", "/readyz", "/debug/pprof/", "/favicon.ico", "/assets/", "/assets/colours/1a5fb4", "/assets/colours/xyz.css", "/assets/colours/1a5fb4;}.css"} {
		if a := s.get(origin+path, "Accept-Language", "es"); a.status != http.StatusNotFound || a.body != want.body {
			t.Errorf("%s: %d", path, a.status)
		}
		s.limitsAreNew()
	}
	if a := s.get(link); a.status != http.StatusOK {
		t.Errorf("the right link: %d", a.status)
	}
}

// limitsAreNew forgets who asked for too much.
func (s *stage) limitsAreNew() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(time.Minute)
}

// A fake stands for the database where one must fail, or be watched.
type fake struct {
	Seats
	calls  []string
	err    error
	thrown any
	ctx    error // of the context that a change was made with
}

var fakeKeys = convened.Keyring{{ID: 1, Secret: []byte("0123456789abcdef0123456789abcdef")}}

func (f *fake) Keys(context.Context) (convened.Keyring, error) {
	f.calls = append(f.calls, "keys")
	return fakeKeys, f.err
}

func (f *fake) SeatByID(_ context.Context, id convened.RegistrationID) (*convened.Registration, *convened.Event, error) {
	f.calls = append(f.calls, "seat")
	if f.thrown != nil {
		panic(f.thrown)
	}
	if id != 1 {
		return nil, nil, store.ErrNotFound
	}
	e := &convened.Event{Slug: "w", Title: convened.Text{"en": "Webinar"}, Language: "en", Zone: "UTC", Starts: starts, Ends: ends, Status: convened.Scheduled, Organizer: convened.Organizer{Name: "M"}}
	return &convened.Registration{ID: 1, UID: "u", Event: "w", Email: "ana@example.net"}, e, nil
}

func (f *fake) Mute(ctx context.Context, _ time.Time, _ string, _ convened.RegistrationID) (bool, error) {
	f.ctx = ctx.Err()
	return true, nil
}

// faked returns the pages over a fake.
func faked(t *testing.T, f *fake) (*stage, string) {
	t.Helper()
	s := &stage{t: t, origin: origin, now: early, logs: &lockedBuffer{}}
	s.compose(fakeKeys)
	var err error
	s.handler, err = NewRegistrant(RegistrantOptions{Seats: f, Letters: s, PublicURL: origin, Clock: s.clock, Logger: s.logger()})
	if err != nil {
		t.Fatal(err)
	}
	return s, origin + "/r/" + fakeKeys.Token(1)
}

func TestTheDatabaseIsAskedTheSameWhateverTheLink(t *testing.T) {
	t.Parallel()
	f := &fake{}
	s, link := faked(t, f)
	for _, url := range []string{link, origin + "/r/x", origin + "/r/" + fakeKeys.Token(2), link + "A"} {
		f.calls = nil
		s.get(url)
		if got := strings.Join(f.calls, " "); got != "keys seat" {
			t.Errorf("for %s it was asked for %q", url, got)
		}
	}
}

func TestWhileTheDatabaseIsAwayThePagesSayWhenToComeBack(t *testing.T) {
	t.Parallel()
	f := &fake{err: errors.New("ana@example.net: connection refused")}
	s, link := faked(t, f)
	for range 3 {
		for _, a := range []answer{s.get(link), s.get(origin + "/r/x"), s.do(http.MethodPost, outOf(link), "List-Unsubscribe=One-Click")} {
			if a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" {
				t.Errorf("got %d, %v", a.status, a.header)
			}
			wants(t, "the page", a.said(), "Just a moment", "Nothing is lost")
			wantsNo(t, "the page", a.body, "connection refused")
		}
	}
	if n := strings.Count(s.logs.String(), "level=ERROR"); n != 1 {
		t.Errorf("it is said %d times:\n%s", n, s.logs)
	}
	f.err = nil
	if a := s.get(link); a.status != http.StatusOK || !strings.Contains(s.logs.String(), "there again") {
		t.Errorf("afterwards: %d, %s", a.status, s.logs)
	}
}

func TestAPanicIsOnePageAndSaysNothing(t *testing.T) {
	t.Parallel()
	f := &fake{thrown: "ana@example.net"}
	s, link := faked(t, f)
	a := s.get(link)
	if a.status != http.StatusInternalServerError {
		t.Errorf("got %d", a.status)
	}
	wants(t, "the page", a.said(), "Something went wrong")
	wantsNo(t, "the log", s.logs.String(), "ana@example.net", fakeKeys.Token(1))
	wants(t, "the log", s.logs.String(), "a page panicked", "stack=")
	f.thrown = nil
	if a := s.get(link); a.status != http.StatusOK {
		t.Errorf("afterwards: %d", a.status)
	}
}

func TestAClickCountsEvenIfNobodyWaitsForTheAnswer(t *testing.T) {
	t.Parallel()
	f := &fake{}
	s, link := faked(t, f)
	ctx, cancel := context.WithCancel(t.Context())
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, outOf(link), strings.NewReader("List-Unsubscribe=One-Click"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	cancel()
	f.ctx = errors.New("never asked")
	s.handler.ServeHTTP(httptest.NewRecorder(), r)
	if f.ctx != nil {
		t.Errorf("the change was made with a context that is over: %v", f.ctx)
	}
}

func TestAnotherSitesFormChangesNothing(t *testing.T) {
	t.Parallel()
	s := newStage(t, origin)
	s.apply()
	link := s.ana()
	before := s.everything()
	for _, p := range posts {
		for _, from := range [][]string{
			{"Origin", "https://evil.example"}, {"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "cross-site"},
			{"Sec-Fetch-Site", "same-site", "Origin", "https://other.example.org"}, {"Origin", "null"}, {"Origin", "https://events.example.org:8443"},
		} {
			a := s.do(http.MethodPost, link+p.route, p.form, from...)
			if a.status != http.StatusForbidden {
				t.Errorf("%s from %v: %d", p.route, from, a.status)
			}
			wants(t, "the page", a.said(), "That did not come from this page", "Nothing was changed.")
		}
	}
	if after := s.everything(); after != before {
		t.Errorf("after\n%s\nbefore\n%s", after, before)
	}
}

func TestOurOwnFormsWorkInEveryBrowser(t *testing.T) {
	t.Parallel()
	s := newStage(t, origin)
	s.apply()
	link := s.ana()
	for _, from := range [][]string{
		{"Sec-Fetch-Site", "same-origin", "Origin", origin}, {"Sec-Fetch-Site", "none"}, {"Origin", origin},
		{"Sec-Fetch-Site", "same-origin", "Origin", "null"}, // as with Referrer-Policy: no-referrer
		{}, // no browser at all
		{"Origin", origin, "Host", "127.0.0.1:8080"}, // a proxy that does not pass Host on
	} {
		if a := s.do(http.MethodPost, link+"/mute", "", from...); a.status != http.StatusSeeOther {
			t.Errorf("from %v: %d", from, a.status)
		}
	}
}

// checkMarkup holds a page against what may be in one: nothing that runs, nothing that
// the policy forbids, and links that lead to the web, to a mail or to this site.
func checkMarkup(t testing.TB, what, page string) {
	t.Helper()
	for z := html.NewTokenizer(strings.NewReader(page)); ; {
		switch z.Next() {
		case html.ErrorToken:
			return
		case html.StartTagToken, html.SelfClosingTagToken:
			e := z.Token()
			if !strings.Contains(" html head meta title link body main article section nav footer p a h1 h2 h3 span div dl dt dd strong time ul li br bdi form button input label select option optgroup img ", " "+e.Data+" ") {
				t.Errorf("%s has a <%s>:\n%s", what, e.Data, page)
			}
			for _, a := range e.Attr {
				u, err := url.Parse(a.Val)
				switch a.Key {
				case "href", "action", "src":
					ours := strings.HasPrefix(a.Val, "/") && !strings.HasPrefix(a.Val, "//")
					if u.Scheme == "webcal" && u.Host == "events.example.org" && strings.HasPrefix(u.Path, "/calendar/") {
						continue // our own, which a calendar opens
					}
					if err != nil || !ours && u.Scheme != "https" && u.Scheme != "mailto" || a.Key == "action" && !ours {
						t.Errorf("%s has %s=%q", what, a.Key, a.Val)
					}
				case "style", "srcset", "http-equiv", "srcdoc", "formaction", "ping", "background":
					t.Errorf("%s has %s=%q", what, a.Key, a.Val)
				}
				if strings.HasPrefix(a.Key, "on") {
					t.Errorf("%s has %s=%q", what, a.Key, a.Val)
				}
			}
		}
	}
}

func TestEveryAnswerIsGuarded(t *testing.T) {
	t.Parallel()
	s := newStage(t, origin)
	s.apply()
	link := s.ana()
	check := func(what string, a answer) {
		t.Helper()
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src https: 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
			"Referrer-Policy":         "no-referrer", "X-Content-Type-Options": "nosniff", "X-Robots-Tag": "noindex, nofollow",
		} {
			if got := a.header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", what, name, got, want)
			}
		}
		if a.header.Get("Set-Cookie") != "" {
			t.Errorf("%s sets a cookie", what)
		}
		if strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
			if a.header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s may be kept: %q", what, a.header.Get("Cache-Control"))
			}
			checkMarkup(t, what, a.body)
		}
	}
	for _, route := range routes {
		check(route, s.get(link+route))
	}
	check("not found", s.get(origin+"/r/x"))
	check("from elsewhere", s.do(http.MethodPost, link+"/mute", "", "Origin", "https://evil.example"))
	check("muted", s.post(link+"/mute", ""))
	check("one click", s.do(http.MethodPost, outOf(link), "List-Unsubscribe=One-Click"))
	check("no method", s.do(http.MethodPut, link, ""))

	page := s.get(link).body
	for _, file := range regexp.MustCompile(`(?:href|src)="(/assets/[^"]+)"`).FindAllStringSubmatch(page, -1) {
		a := s.get(origin + file[1])
		check(file[1], a)
		if a.status != http.StatusOK || !strings.Contains(a.header.Get("Cache-Control"), "max-age") || len(a.body) == 0 {
			t.Errorf("%s: %d, %v", file[1], a.status, a.header)
		}
	}
	if n := strings.Count(page, "/assets/"); n != 3 {
		t.Errorf("the page refers to %d assets, want its style, its colours and its icon", n)
	}
}

func TestWhatAnybodyTypedIsText(t *testing.T) {
	t.Parallel()
	s := newStage(t, origin)
	s.apply()
	const hostile = `"><script>alert(1)</script><img src=x onerror=alert(1)>' onmouseover='x {{.}} </title> javascript:alert(1)`
	link := s.register(store.Entry{Email: "ana@example.net", Name: "Ana\u202e " + hostile[:60] + "\r\nX: y", Language: "en", Zone: "UTC"})
	quoted := strings.ReplaceAll(hostile, "'", "''")
	s.sql(`UPDATE convened.events SET title = jsonb_build_object('en', '` + quoted + `'), location = jsonb_build_object('en', '` + quoted + `'),
		description = jsonb_build_object('<b>"x', '` + quoted + `'), organizer_name = '` + quoted + `', organizer_email = '` + quoted + `', held_in = '` + quoted + `',
		page_url = 'javascript:alert(1)', logo = 'javascript:alert(1)', colour = 'red;}body{display:none', join_url = 'https://x.example/"><script>', revision = revision + 1`)
	for _, route := range routes {
		a := s.get(link + route)
		if strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
			checkMarkup(t, route, a.body)
			wantsNo(t, route, a.body, "<img")
		}
		wantsNo(t, route, a.body, "\u202e")
		for name, values := range a.header {
			for _, v := range values {
				if strings.ContainsAny(v, "\r\n") || strings.Contains(v, "<script") {
					t.Errorf("%s: %s is %q", route, name, v)
				}
			}
		}
	}
	wants(t, "the page", s.get(link).body, "&lt;script&gt;alert(1)&lt;/script&gt;", "{{.}}")
}

func TestTheLogNamesNobody(t *testing.T) {
	t.Parallel()
	s := newStage(t, origin)
	s.apply()
	link := s.ana()
	for _, p := range posts {
		s.post(link+p.route, p.form)
	}
	s.get(origin + "/r/" + strings.Repeat("x", 40))
	log := s.logs.String()
	wants(t, "the log", log, "reminders muted", "reminders unmuted", "language and zone chosen", "seat given up", "event=webinar registration=1")
	wantsNo(t, "the log", log, "ana@", "Ana", link[len(origin)+3:], "/r/")
}

func TestEveryWordIsThereInEveryLanguage(t *testing.T) {
	t.Parallel()
	for _, language := range convened.Languages() {
		w := reflect.ValueOf(wordsIn[language]).Elem()
		for i := range w.NumField() {
			name, s := w.Type().Field(i).Name, w.Field(i).String()
			english := reflect.ValueOf(wordsIn["en"]).Elem().Field(i).String()
			if s == "" || strings.Count(s, "%s") != strings.Count(english, "%s") {
				t.Errorf("%s: %s is %q", language, name, s)
			}
			if language != "en" && s == english && name != "Colon" {
				t.Errorf("%s: %s is English: %q", language, name, s)
			}
			// French has a space before these that does not break a line.
			if language == "fr" && regexp.MustCompile(`[^\x{a0}][:;?!]`).MatchString(s) || strings.Contains(s, "'") {
				t.Errorf("%s: %s is set wrongly: %q", language, name, s)
			}
		}
	}
}

func TestThePagesLiveBelowThePathOfPublicURL(t *testing.T) {
	t.Parallel()
	s := newStage(t, "https://www.example.org/city/events")
	s.apply()
	link := s.ana()
	if !strings.HasPrefix(link, "https://www.example.org/city/events/r/") {
		t.Fatalf("the link is %s", link)
	}
	page := s.get(link).body
	wants(t, "the page", page, `action="/city/events/r/`, `href="/city/events/assets/style.`, `href="/city/events/r/`)
	wantsNo(t, "the page", page, `="/r/`, `="/assets/`)
	style := regexp.MustCompile(`/city/events/assets/style\.[0-9a-f]+\.css`).FindString(page)
	if a := s.get("https://www.example.org" + style); a.status != http.StatusOK || !strings.Contains(a.body, "--page") {
		t.Errorf("the style sheet: %d", a.status)
	}
	if a := s.post(link+"/mute", "", "Origin", "https://www.example.org"); a.leads("/city/events/r/") == a.header.Get("Location") || a.status != http.StatusSeeOther {
		t.Errorf("muting: %d to %s", a.status, a.header.Get("Location"))
	}
	if a := s.get("https://www.example.org/r/" + link[strings.LastIndexByte(link, '/')+1:]); a.status != http.StatusNotFound {
		t.Errorf("without the path: %d", a.status)
	}
	for _, bad := range []string{"", "events.example.org", "ftp://x.example", "https:///x", "https://x.example/{a}", "https://x.example/a/../b", "https://x.example/é", "https://x.example/a b"} {
		if _, err := NewRegistrant(RegistrantOptions{PublicURL: bad}); err == nil || !strings.Contains(err.Error(), "public.url") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestThePageHasTheColoursOfTheEvent(t *testing.T) {
	t.Parallel()
	s := newStage(t, origin)
	s.apply("held_in: fr\n", "held_in: fr\ncolour: \"#ffcc00\"\n")
	page := s.get(s.ana()).body
	sheet := regexp.MustCompile(`/assets/colours/[0-9a-f]+\.css`).FindString(page)
	if sheet != "/assets/colours/ffcc00.css" {
		t.Fatalf("the style sheet is %q", sheet)
	}
	wants(t, "the style sheet", s.get(origin+sheet).body, "--accent:#ffcc00", "--on-button:#000000", "prefers-color-scheme:dark")
}
