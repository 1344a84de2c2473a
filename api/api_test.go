package api

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"convened"
	"convened/desk"
	"convened/internal/lab/labtest"
	"convened/store"
)

func TestMain(m *testing.M) {
	os.Exit(labtest.Main(m, func(url string) error {
		s, err := store.Open(store.Options{URL: url})
		if err != nil {
			return err
		}
		defer func() { _ = s.Close() }()
		_, err = s.Migrate(context.Background())
		return err
	}))
}

// A bench is the API on a database, with a clock that is set by hand. It takes note
// of each answer, so that it can be held against the description.
type bench struct {
	t       *testing.T
	handler http.Handler
	store   *store.Store
	url     string
	now     time.Time
	tokens  map[store.Scope]string
	seen    map[string]bool // "POST /registrations 202"
	woken   int
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, url: labtest.Database(t), now: time.Now().UTC().Truncate(time.Second), tokens: map[store.Scope]string{}, seen: map[string]bool{}}
	var err error
	if b.store, err = store.Open(store.Options{URL: b.url}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.store.Close() })
	b.handler = b.serve(b.store)
	for _, scope := range store.Scopes() {
		b.tokens[scope] = newToken(t)
		if _, err := b.store.AddToken(t.Context(), b.now, "me", "intranet", scope, b.tokens[scope]); err != nil {
			t.Fatal(err)
		}
	}
	start := convened.WallOf(b.now.Add(240 * time.Hour))
	for _, slug := range []string{"webinar", "other"} {
		e := &convened.Event{Slug: slug, Title: convened.Text{"en": "Webinar"}, Language: "en", Zone: "UTC", Status: convened.Scheduled, StartsLocal: start, EndsLocal: convened.WallOf(b.now.Add(241 * time.Hour))}
		if err := e.Derive(); err != nil {
			t.Fatal(err)
		}
		if _, err := b.store.Apply(t.Context(), store.Edit{Event: e, OverAt: e.Ends.Add(24 * time.Hour), At: b.now}); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

func (b *bench) serve(s *store.Store) http.Handler {
	return New(Options{Desk: &desk.Desk{Store: s, Grace: time.Hour, By: "me"}, Clock: func() time.Time { return b.now }, Wake: func() { b.woken++ }})
}

func newToken(t *testing.T) string {
	t.Helper()
	secret := make([]byte, 32)
	_, _ = rand.Read(secret)
	return TokenPrefix + base64.RawURLEncoding.EncodeToString(secret)
}

// route is the path of the description that a path is of.
func route(path string) string {
	parts := strings.Split(strings.TrimPrefix(path, "/api"), "/")
	if len(parts) > 2 {
		parts[2] = map[string]string{"events": "{event}", "hooks": "{source}"}[parts[1]]
	}
	return strings.Join(parts, "/")
}

// ask makes a request; header is pairs.
func (b *bench) ask(method, path, token, body string, header ...string) (int, map[string]any, http.Header) {
	b.t.Helper()
	return b.askOf(b.handler, method, path, token, body, header...)
}

func (b *bench) askOf(h http.Handler, method, path, token, body string, header ...string) (int, map[string]any, http.Header) {
	b.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var out map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
		b.t.Fatalf("%s %s: %d, and no JSON: %s", method, path, w.Code, w.Body)
	}
	if w.Code >= 400 {
		if got := w.Header().Get("Content-Type"); got != "application/problem+json" {
			b.t.Errorf("%s %s: %d comes as %s", method, path, w.Code, got)
		}
		if out["status"] != float64(w.Code) || out["title"] == "" || out["detail"] == "" || !strings.HasPrefix(fmt.Sprint(out["type"]), "urn:convened:problem:") {
			b.t.Errorf("%s %s: the problem is %v", method, path, out)
		}
	}
	m := method
	if w.Code == http.StatusMethodNotAllowed {
		m = w.Header().Get("Allow") // what is described is the other one
	}
	b.seen[fmt.Sprintf("%s %s %d", m, route(path), w.Code)] = true
	return w.Code, out, w.Header()
}

func (b *bench) count(query string) int {
	b.t.Helper()
	list, err := b.store.People(b.t.Context(), store.Search{Event: query, Limit: 100})
	if err != nil {
		b.t.Fatal(err)
	}
	return len(list)
}

func sign(secret, body string) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return mac.Sum(nil)
}

func TestEveryRouteAndStatusOfTheDescriptionIsReal(t *testing.T) {
	b := newBench(t)
	reg, read, manage := b.tokens[store.MayRegister], b.tokens[store.MayRead], b.tokens[store.MayManage]
	expect := func(want int, kind, method, path, token, body string, header ...string) map[string]any {
		t.Helper()
		code, out, _ := b.ask(method, path, token, body, header...)
		if code != want || kind != "" && out["type"] != "urn:convened:problem:"+kind {
			t.Errorf("%s %s %s: %d %v, want %d %s", method, path, body, code, out, want, kind)
		}
		return out
	}
	// The description itself.
	if out := expect(200, "", "GET", "/api/openapi.json", "", ""); out["openapi"] != "3.1.0" {
		t.Errorf("the description is OpenAPI %v", out["openapi"])
	}

	// Registering: the same answer for who is known and who is not.
	ana := `{"event": "webinar", "email": "ana@example.org", "name": "Ana Díaz", "language": "es", "zone": "America/Mexico_City", "source_ref": "7"}`
	first := expect(202, "", "POST", "/api/registrations", reg, ana, "Idempotency-Key", "k1")
	again := expect(202, "", "POST", "/api/registrations", reg, ana)
	if fmt.Sprint(first) != fmt.Sprint(again) || fmt.Sprint(first) != "map[status:accepted]" {
		t.Errorf("a known address is told apart: %v, %v", first, again)
	}
	if _, _, h := b.ask("POST", "/api/registrations", reg, ana, "Idempotency-Key", "k1"); h.Get("Idempotent-Replayed") != "true" {
		t.Error("a request that was made before does not say so")
	}
	if n := b.count("webinar"); n != 2 {
		t.Errorf("%d registrations, want 2: the third request had a key that was used", n)
	}
	expect(409, "key-reused", "POST", "/api/registrations", reg, strings.Replace(ana, "ana@", "bo@", 1), "Idempotency-Key", "k1")
	b.now = b.now.Add(25 * time.Hour) // a key counts for a day
	expect(202, "", "POST", "/api/registrations", reg, ana, "Idempotency-Key", "k1")
	if n := b.count("webinar"); n != 3 || b.woken != 3 {
		t.Errorf("%d registrations after a day, woken %d times", n, b.woken)
	}
	for body, pointer := range map[string]string{
		`{"event": "webinar", "email": "no address"}`:                                                "#/email",
		`{"event": "webinar"}`:                                                                       "#/email",
		`{"email": "a@example.org"}`:                                                                 "#/event",
		`{"event": "nope", "email": "a@example.org"}`:                                                "#/event",
		`{"event": "webinar", "email": "a@example.org", "language": "tlh"}`:                          "#/language",
		`{"event": "webinar", "email": "a@example.org", "zone": "CET"}`:                              "#/zone",
		`{"event": "webinar", "email": "a@example.org", "mail": "x"}`:                                "#/mail",
		`{"event": "webinar", "email": 7}`:                                                           "#/email",
		`{"event": "webinar", "email": "a@example.org", "name": "` + strings.Repeat("x", 501) + `"}`: "#/name",
	} {
		out := expect(422, "", "POST", "/api/registrations", reg, body)
		faults, _ := out["errors"].([]any)
		if len(faults) != 1 || faults[0].(map[string]any)["pointer"] != pointer {
			t.Errorf("%s: %v, want the fault at %s", body, out, pointer)
		}
	}
	if n := b.count("webinar"); n != 3 {
		t.Errorf("%d registrations, want none of the bad ones", n)
	}

	// Events, and one person's story.
	if out := expect(200, "", "GET", "/api/events", read, ""); len(out["events"].([]any)) != 2 {
		t.Errorf("events: %v", out)
	}
	if out := expect(200, "", "GET", "/api/events/webinar", read, ""); out["event"] != "webinar" || out["revision"] != float64(1) {
		t.Errorf("event: %v", out)
	}
	expect(404, "unknown-event", "GET", "/api/events/nope", read, "")
	if out := expect(200, "", "POST", "/api/events/webinar/story", read, `{"email": "ANA@example.org"}`); len(out["mails"].([]any)) == 0 {
		t.Errorf("story: %v", out)
	}
	expect(404, "not-registered", "POST", "/api/events/webinar/story", read, `{"email": "nobody@example.org"}`)
	expect(422, "invalid", "POST", "/api/events/webinar/story", read, `{"email": " "}`)

	// Moving and cancelling.
	to := convened.WallOf(b.now.Add(300 * time.Hour)).String()
	if out := expect(200, "", "POST", "/api/events/webinar/move", manage, `{"starts": "`+to+`", "dry_run": true}`); out["revision"] != float64(1) || len(out["changes"].([]any)) != 2 {
		t.Errorf("a dry run: %v", out)
	}
	if out := expect(200, "", "POST", "/api/events/webinar/move", manage, `{"starts": "`+to+`", "revision": 1}`); out["revision"] != float64(2) {
		t.Errorf("a move: %v", out)
	}
	e, err := b.store.Event(t.Context(), "webinar")
	if err != nil || e.Ends.Sub(e.Starts) != time.Hour || e.StartsLocal.String() != to {
		t.Errorf("moved to %s – %s, %v", e.StartsLocal, e.EndsLocal, err)
	}
	expect(409, "edited", "POST", "/api/events/webinar/move", manage, `{"starts": "2041-01-01 10:00", "revision": 1}`)
	expect(409, "unchanged", "POST", "/api/events/webinar/move", manage, `{"starts": "`+to+`"}`)
	expect(422, "invalid", "POST", "/api/events/webinar/move", manage, `{"starts": "tomorrow"}`)
	expect(422, "invalid", "POST", "/api/events/webinar/move", manage, `{"starts": "`+to+`", "ends": "2026-01-01 10:00"}`)
	expect(404, "unknown-event", "POST", "/api/events/nope/move", manage, `{"starts": "2041-01-01 10:00"}`)
	expect(404, "unknown-event", "POST", "/api/events/nope/cancel", manage, `{}`)
	expect(404, "unknown-event", "POST", "/api/events/nope/story", read, `{"email": "a@example.org"}`)
	expect(422, "invalid", "POST", "/api/events/other/cancel", manage, `{"why": "x"}`)
	expect(200, "", "POST", "/api/events/other/cancel", manage, `{"dry_run": true}`)
	expect(200, "", "POST", "/api/events/other/cancel", manage, `{}`)
	expect(409, "unchanged", "POST", "/api/events/other/cancel", manage, `{}`)
	if deeds, err := b.store.Deeds(t.Context(), "other", 0, 10); err != nil || len(deeds) == 0 || deeds[0].By != "source intranet" || deeds[0].Via != convened.ByAPI {
		t.Errorf("the trail says %+v, %v", deeds, err)
	}

	// Form services.
	if err := b.store.AddHook(t.Context(), b.now, "me", "form", "hmac", "", []byte("s3cret")); err != nil {
		t.Fatal(err)
	}
	signed := func(body string) []string {
		return []string{"X-Signature", "sha256=" + hex.EncodeToString(sign("s3cret", body))}
	}
	body := `{"id": "a1", "event": "webinar", "E-Mail": "form@example.org", "First name": "For", "Last name": "Em"}`
	for range 2 {
		expect(202, "", "POST", "/api/hooks/form", "", body, signed(body)...)
	}
	if n := b.count("webinar"); n != 4 {
		t.Errorf("%d registrations, want one more for what was sent twice", n)
	}
	expect(401, "signature", "POST", "/api/hooks/form", "", body)
	expect(401, "signature", "POST", "/api/hooks/nope", "", body, signed(body)...)
	expect(401, "signature", "POST", "/api/hooks/form", "", body+" ", signed(body)...)
	expect(400, "malformed", "POST", "/api/hooks/form", "", "[]", signed("[]")...)
	stamp := fmt.Sprint(b.now.Add(-6 * time.Minute).Unix())
	expect(422, "stale", "POST", "/api/hooks/form", "", body, "X-Timestamp", stamp, "X-Signature", hex.EncodeToString(sign("s3cret", stamp+"."+body)))
	if out := expect(202, "", "POST", "/api/hooks/form", "", `{"id": "a2", "event": "webinar"}`, signed(`{"id": "a2", "event": "webinar"}`)...); out["status"] != "problem" {
		t.Errorf("a form without an address: %v", out)
	}
	if list, err := b.store.SourceProblems(t.Context(), "form", 10); err != nil || len(list) != 1 || list[0].Key != "a2" {
		t.Errorf("problems are %+v, %v", list, err)
	}

	// What holds for every route.
	var doc struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(Description(), &doc); err != nil {
		t.Fatal(err)
	}
	down, err := store.Open(store.Options{URL: "postgres://nobody@127.0.0.1:1/none?sslmode=disable"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = down.Close() })
	unreachable := b.serve(down)
	large := `{"email": "` + strings.Repeat("x", maxBody) + `"}`
	var described []string
	for path, item := range doc.Paths {
		for method, raw := range item {
			if method == "parameters" {
				continue
			}
			method = strings.ToUpper(method)
			var op struct{ Responses map[string]json.RawMessage }
			if err := json.Unmarshal(raw, &op); err != nil {
				t.Fatal(err)
			}
			for code := range op.Responses {
				described = append(described, fmt.Sprintf("%s %s %s", method, path, code))
			}
			at := "/api" + strings.NewReplacer("{event}", "webinar", "{source}", "form").Replace(path)
			hook, open := strings.HasPrefix(path, "/hooks"), path == "/openapi.json"
			expect(405, "method", "DELETE", at, manage, "")
			if open {
				continue
			}
			if !hook {
				expect(401, "unauthorized", method, at, "", "")
				expect(401, "unauthorized", method, at, newToken(t), "")
				expect(401, "unauthorized", method, at, "x", "")
			}
			if path != "/registrations" && !hook {
				lower := reg
				if strings.HasSuffix(path, "move") || strings.HasSuffix(path, "cancel") {
					lower = read
				}
				expect(403, "forbidden", method, at, lower, "{}")
			}
			if method == "POST" && !hook {
				expect(415, "media-type", method, at, manage, "{}", "Content-Type", "text/plain")
				expect(400, "malformed", method, at, manage, "{")
				expect(413, "too-large", method, at, manage, large)
			} else if hook {
				expect(413, "too-large", method, at, manage, large)
			}
			if code, out, h := b.askOf(unreachable, method, at, manage, body, signed(body)...); code != 503 || h.Get("Retry-After") == "" {
				t.Errorf("%s %s without a database: %d %v", method, at, code, out)
			}
		}
	}
	for _, d := range slices.Sorted(slices.Values(described)) {
		if strings.HasSuffix(d, " 429") {
			continue // the next test
		}
		if !b.seen[d] {
			t.Errorf("%s is described, and no request was answered so", d)
		}
	}
	for d := range b.seen {
		if !slices.Contains(described, d) {
			t.Errorf("%s was answered, and is not described", d)
		}
	}
	expect(404, "not-found", "GET", "/api/nothing", manage, "")
}

func TestNobodyMayAskForMoreThanTheirShare(t *testing.T) {
	b := newBench(t)
	exhaust := func(method, path, token string, header ...string) {
		t.Helper()
		for i := 0; ; i++ {
			code, _, h := b.ask(method, path, token, "{}", header...)
			if code == 429 && h.Get("Retry-After") != "" {
				return
			}
			if i > burst {
				t.Fatalf("%s %s: %d after %d requests at once", method, path, code, i)
			}
		}
	}
	token := b.tokens[store.MayRead]
	exhaust("GET", "/api/events/nope", token)
	for _, at := range []string{"/api/registrations", "/api/events/w/move", "/api/events/w/cancel", "/api/events/w/story"} {
		exhaust("POST", at, token)
	}
	exhaust("GET", "/api/events", token)
	// Another token is not held up by it; strangers are by each other alone.
	exhaust("GET", "/api/events", newToken(t))
	exhaust("POST", "/api/hooks/nope", "")
	b.now = b.now.Add(time.Second)
	if code, _, _ := b.ask("GET", "/api/events", b.tokens[store.MayManage], ""); code != 200 {
		t.Errorf("another token: %d", code)
	}
	if code, _, _ := b.ask("GET", "/api/events", token, ""); code != 200 {
		t.Errorf("a second later: %d", code)
	}
}

func TestARevokedTokenOpensNothing(t *testing.T) {
	b := newBench(t)
	v, err := b.store.Source(t.Context(), "intranet")
	if err != nil {
		t.Fatal(err)
	}
	list, err := b.store.Tokens(t.Context(), v.ID)
	if err != nil || len(list) != 3 {
		t.Fatalf("%+v, %v", list, err)
	}
	if err := b.store.RevokeToken(t.Context(), b.now, v.ID, list[1].ID); err != nil {
		t.Fatal(err)
	}
	if code, _, h := b.ask("GET", "/api/events", b.tokens[store.MayRead], ""); code != 401 || h.Get("WWW-Authenticate") == "" {
		t.Errorf("revoked: %d", code)
	}
	if code, _, _ := b.ask("GET", "/api/events", b.tokens[store.MayManage], ""); code != 200 {
		t.Errorf("another one: %d", code)
	}
}

func TestFormServicesAreReadAsTheySign(t *testing.T) {
	b := newBench(t)
	at := b.now.Add(-time.Minute).Format(time.RFC3339)
	tallyBody := `{"eventId": "e1", "eventType": "FORM_RESPONSE", "createdAt": "` + at + `", "data": {"responseId": "r1", "submissionId": "r1", "formId": "f", "fields": [
		{"key": "q1", "label": "Full name", "type": "INPUT_TEXT", "value": "Ana Díaz"},
		{"key": "q2", "label": "Where do we write to?", "type": "INPUT_EMAIL", "value": "tally@example.org"},
		{"key": "q3", "label": "Language", "type": "DROPDOWN", "value": ["o2"], "options": [{"id": "o1", "text": "en"}, {"id": "o2", "text": "fr"}]}]}}`
	typeformBody := `{"event_id": "e2", "event_type": "form_response", "form_response": {"form_id": "f", "token": "t1", "submitted_at": "` + at + `", "hidden": {"event": "webinar"},
		"definition": {"fields": [{"id": "a", "title": "First name", "type": "short_text"}, {"id": "b", "title": "Last name", "type": "short_text"}]},
		"answers": [{"type": "text", "text": "Bo", "field": {"id": "a", "ref": "x"}}, {"type": "text", "text": "Lund", "field": {"id": "b", "ref": "y"}}, {"type": "email", "email": "typeform@example.org", "field": {"id": "c", "ref": "z"}}]}}`
	for _, c := range []struct{ service, event, body, header, prefix, want string }{
		{"tally", "webinar", tallyBody, "Tally-Signature", "", "Ana Díaz <tally@example.org> fr"},
		{"typeform", "", typeformBody, "Typeform-Signature", "sha256=", "Bo Lund <typeform@example.org> "},
	} {
		if err := b.store.AddHook(t.Context(), b.now, "me", c.service, c.service, c.event, []byte("secret")); err != nil {
			t.Fatal(err)
		}
		signature := func(body string) []string {
			return []string{c.header, c.prefix + base64.StdEncoding.EncodeToString(sign("secret", body))}
		}
		for range 2 { // a service that saw no answer sends it again
			if code, out, _ := b.ask("POST", "/api/hooks/"+c.service, "", c.body, signature(c.body)...); code != 202 || out["status"] != "accepted" {
				t.Errorf("%s: %d %v", c.service, code, out)
			}
		}
		list, err := b.store.People(t.Context(), store.Search{Event: "webinar", Text: c.service, Limit: 10})
		if err != nil || len(list) != 1 {
			t.Fatalf("%s: %d people, %v", c.service, len(list), err)
		}
		if got := fmt.Sprintf("%s <%s> %s", list[0].Name, list[0].Email, list[0].Language); got != c.want {
			t.Errorf("%s: %s, want %s", c.service, got, c.want)
		}
		old := strings.Replace(c.body, at, b.now.Add(-30*time.Hour).Format(time.RFC3339), 1)
		if code, out, _ := b.ask("POST", "/api/hooks/"+c.service, "", old, signature(old)...); code != 422 {
			t.Errorf("%s, sent again after a day: %d %v", c.service, code, out)
		}
		if code, out, _ := b.ask("POST", "/api/hooks/"+c.service, "", `{"eventType": "OTHER"}`, signature(`{"eventType": "OTHER"}`)...); code != 202 || out["status"] != "ignored" {
			t.Errorf("%s, another event: %d %v", c.service, code, out)
		}
	}
}

func TestTheDescriptionSaysNothingTwice(t *testing.T) {
	var compact bytes.Buffer
	if err := json.Compact(&compact, Description()); err != nil {
		t.Fatal(err)
	}
	for _, ref := range []string{"Registration", "Accepted", "Event", "Move", "Cancel", "Edit", "Story", "Problem"} {
		if !strings.Contains(compact.String(), `"`+ref+`":{"type":"object"`) || !strings.Contains(compact.String(), `#/components/schemas/`+ref+`"`) {
			t.Errorf("schema %s is not there, or not used", ref)
		}
	}
}
