package mailbox

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"convened/internal/lab"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// letterOf is a letter with all that ours have.
func letterOf(to, subject, kind string) string {
	return strings.ReplaceAll(`From: Metropolis <events@example.org>
To: `+to+`
Subject: `+subject+`
Date: Wed, 25 Nov 2026 10:00:00 +0100
X-Convened-Kind: `+kind+`
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=mixed

--mixed
Content-Type: multipart/alternative; boundary=alternative

--alternative
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

R=C3=A9serv=C3=A9: https://example.org/join?a=3D1&b=3D2.
--alternative
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: base64

PCFkb2N0eXBlIGh0bWw+PGh0bWw+PGhlYWQgbGFuZz0iZnIiPjx0aXRsZT54PC90aXRsZT48L2hl
YWQ+PGJvZHk+PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0PjwvYm9keT48L2h0bWw+
--alternative
Content-Type: text/calendar; charset=utf-8; method=REQUEST

BEGIN:VCALENDAR
END:VCALENDAR
--alternative--
--mixed
Content-Type: application/ics; name="invite.ics"
Content-Disposition: attachment; filename="invite.ics"
Content-Transfer-Encoding: base64

QkVHSU46VkNBTEVOREFS
--mixed--
`, "\n", "\r\n")
}

const sampleHTML = `<!doctype html><html><head lang="fr"><title>x</title></head><body><script>alert(1)</script></body></html>`

var evening = time.Date(2026, 11, 24, 22, 0, 0, 0, time.FixedZone("CET", 3600))

// taken makes messages of raw letters, one a minute.
func taken(raws ...string) []lab.Message {
	var all []lab.Message
	for i, raw := range raws {
		all = append(all, lab.Message{ID: fmt.Sprintf("ABCD%06X", i+1), Number: i + 1, From: "bounce@example.org",
			To: []string{fmt.Sprintf("person%d@example.com", i+1)}, Raw: []byte(raw), Size: len(raw), At: evening.Add(time.Duration(i) * time.Minute), Conn: 1})
	}
	return all
}

// get asks a handler, and wants a status.
func get(t *testing.T, h http.Handler, target string, status int) (http.Header, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
	if w.Code != status {
		t.Fatalf("%s: got %d, want %d:\n%s", target, w.Code, status, w.Body)
	}
	return w.Header(), w.Body.String()
}

func handlerOf(all []lab.Message) http.Handler {
	return Handler(func() []lab.Message { return all })
}

// idsIn are the letters of a list in their order.
func idsIn(page string) string {
	var ids []string
	for _, m := range regexp.MustCompile(`href="mail/ABCD0*([0-9A-F]+)"`).FindAllStringSubmatch(page, -1) {
		ids = append(ids, m[1])
	}
	return strings.Join(ids, " ")
}

func TestListShowsTheNewestFirst(t *testing.T) {
	t.Parallel()
	h := handlerOf(taken(
		letterOf("=?utf-8?q?Ana_Garc=C3=ADa?= <ana@example.com>", "=?utf-8?q?R=C3=A9serv=C3=A9?=", "confirmation"),
		letterOf("bo@example.com", "Tomorrow", "reminder"),
		letterOf("chi@example.com", "Newsletter", "something else"),
	))
	_, page := get(t, h, "/", http.StatusOK)
	if got, want := idsIn(page), "3 2 1"; got != want {
		t.Errorf("got letters %s, want %s", got, want)
	}
	for _, want := range []string{
		"1 to 3 of 3 letters", "<h2>Tuesday, 24 November 2026</h2>", ">22:01:00</time>", `datetime="2026-11-24T22:01:00&#43;01:00"`,
		"<bdi>Ana García</bdi> <bdi class=\"address\">ana@example.com</bdi>", "<bdi>bo@example.com</bdi>", "<bdi>Réservé</bdi>",
		`<span class="kind reminder">reminder</span>`, `>Confirmation <span class="number">1<`, `>Other <span class="number">1<`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the list lacks %q", want)
		}
	}
	if strings.Contains(page, "something else") {
		t.Error("a kind that is none of ours is shown as one")
	}
}

func TestListFinds(t *testing.T) {
	t.Parallel()
	h := handlerOf(taken(
		letterOf("Ana <ana@example.com>", "Tomorrow in Paris", "reminder"),
		letterOf("Ana <ana@example.com>", "Welcome", "confirmation"),
		letterOf("Bo <bo@example.com>", "Tomorrow in Rome", "reminder"),
		letterOf("Bo <bo@example.com>", "Hello", ""),
	))
	for target, want := range map[string]string{
		"/":                           "4 3 2 1",
		"/?q=ana":                     "2 1",
		"/?q=TOMORROW":                "3 1",
		"/?q=+tomorrow++ana+":         "1",
		"/?kind=reminder":             "3 1",
		"/?kind=reminder&q=rome":      "3",
		"/?kind=other":                "4",
		"/?q=person2@example.com":     "2",
		"/?q=nobody":                  "",
		"/?kind=cancellation":         "",
		"/?kind=%22%3E%3Cscript%3E":   "",
		"/?page=0":                    "4 3 2 1",
		"/?page=99999999999999999999": "4 3 2 1",
		"/?page=-1":                   "4 3 2 1",
	} {
		_, page := get(t, h, target, http.StatusOK)
		if got := idsIn(page); got != want {
			t.Errorf("%s: got %q, want %q", target, got, want)
		}
		if want == "" && !strings.Contains(page, "None of 4 letters is like that") {
			t.Errorf("%s: does not say that nothing was found", target)
		}
	}
	_, page := get(t, h, "/?q=ana&kind=reminder", http.StatusOK)
	for _, want := range []string{`value="ana"`, `name="kind" value="reminder"`, `href="?kind=confirmation&amp;q=ana"`, `href="?q=ana"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the filtered list lacks %s", want)
		}
	}
}

func TestListOfTenThousandHasPages(t *testing.T) {
	t.Parallel()
	raws := make([]string, 10_000)
	for i := range raws {
		raws[i] = letterOf("ana@example.com", fmt.Sprintf("Letter %d", i+1), "reminder")
	}
	h := handlerOf(taken(raws...))
	target, pages, next := "/?kind=reminder", 0, 10_000
	for target != "" {
		_, page := get(t, h, target, http.StatusOK)
		pages++
		for _, m := range regexp.MustCompile(`<bdi>Letter (\d+)</bdi>`).FindAllStringSubmatch(page, -1) {
			if m[1] != fmt.Sprint(next) {
				t.Fatalf("page %d: got letter %s, want %d", pages, m[1], next)
			}
			next--
		}
		if len(page) > 64<<10 {
			t.Fatalf("page %d is %d bytes long", pages, len(page))
		}
		target = ""
		if m := regexp.MustCompile(`href="([^"]*)" rel="next"`).FindStringSubmatch(page); m != nil {
			target = "/" + html.UnescapeString(m[1])
		}
	}
	if pages != 200 || next != 0 {
		t.Errorf("got %d pages down to letter %d, want 200 down to 0", pages, next)
	}
	_, second := get(t, h, "/?page=2", http.StatusOK)
	for _, want := range []string{`href="./" rel="prev"`, `href="?page=3" rel="next"`, "51 to 100 of 10\u202f000 letters"} {
		if !strings.Contains(second, want) {
			t.Errorf("the second page lacks %s", want)
		}
	}
	if strings.Contains(second, "mailbox.js") || strings.Contains(second, "http-equiv") {
		t.Error("the second page moves under the reader")
	}
}

func TestListKeepsItselfUpToDateUnlessPaused(t *testing.T) {
	t.Parallel()
	var all []lab.Message
	h := Handler(func() []lab.Message { return all })
	_, page := get(t, h, "/", http.StatusOK)
	for _, want := range []string{`<script src="mailbox.js" defer>`, `http-equiv="refresh"`, ` data-live data-version="0"`, "No letters yet", `href="?live=off">Pause`} {
		if !strings.Contains(page, want) {
			t.Errorf("the empty list lacks %s", want)
		}
	}
	_, paused := get(t, h, "/?live=off", http.StatusOK)
	if strings.Contains(paused, "mailbox.js") || strings.Contains(paused, "http-equiv") || !strings.Contains(paused, `href="./">Show new letters`) {
		t.Error("the paused list goes on, or can't be resumed")
	}
	all = taken(letterOf("ana@example.com", "One", ""))
	_, version := get(t, h, "/version", http.StatusOK)
	_, page = get(t, h, "/", http.StatusOK)
	if version == "0" || !strings.Contains(page, `data-version="`+version+`"`) {
		t.Errorf("got version %q, and another on the page", version)
	}
}

func TestLetterHasATabForEachWayToReadIt(t *testing.T) {
	t.Parallel()
	h := handlerOf(taken(letterOf("ana@example.com", "Welcome", "confirmation")))
	for view, wants := range map[string][]string{
		"": {`<h1><bdi>Welcome</bdi></h1>`, `src="ABCD000001/frame"`, `sandbox="allow-popups allow-popups-to-escape-sandbox"`, `class="w600"`,
			`href="?view=html" aria-current="page"`, "How it came", "bounce@example.org", "not encrypted"},
		"?view=html&width=360&theme=dark": {`class="w360"`, `src="ABCD000001/frame?theme=dark"`, `href="?theme=dark&amp;view=html"`,
			`href="?theme=light&amp;view=html&amp;width=360"`, `href="?pictures=on&amp;theme=dark&amp;view=html&amp;width=360"`},
		"?view=text":       {"Réservé: <a href=\"https://example.org/join?a=1&amp;b=2\" target=\"_blank\" rel=\"noopener noreferrer\">https://example.org/join?a=1&amp;b=2</a>.</pre>"},
		"?view=invitation": {"method REQUEST", "BEGIN:VCALENDAR\nEND:VCALENDAR"},
		"?view=source":     {"X-Convened-Kind: confirmation\nMIME-Version: 1.0", `href="ABCD000001/raw"`, `<a href="ABCD000001/part/0"><bdi>invite.ics</bdi></a>`},
	} {
		_, page := get(t, h, "/mail/ABCD000001"+view, http.StatusOK)
		for _, want := range wants {
			if !strings.Contains(page, want) {
				t.Errorf("%s: lacks %s", view, want)
			}
		}
	}
	header, _ := get(t, h, "/mail/ABCD000001?view=other", http.StatusFound)
	if got := header.Get("Location"); got != "ABCD000001" {
		t.Errorf("a view that is none: got sent to %q", got)
	}
	get(t, h, "/mail/ABCD000002", http.StatusNotFound)
}

func TestLetterWithLessHasFewerTabs(t *testing.T) {
	t.Parallel()
	h := handlerOf(taken("Subject: plain\r\n\r\nJust text\r\n", "Subject: nothing\r\n\r\n"))
	_, page := get(t, h, "/mail/ABCD000001", http.StatusOK)
	if !strings.Contains(page, "Just text") || strings.Contains(page, "?view=html") || strings.Contains(page, "?view=invitation") {
		t.Error("a letter of text is not shown as one")
	}
	_, page = get(t, h, "/mail/ABCD000002", http.StatusOK)
	if !strings.Contains(page, `?view=source" aria-current`) {
		t.Error("a letter of nothing is not shown as it came")
	}
}

func TestFilesAreWhatTheyWere(t *testing.T) {
	t.Parallel()
	raw := letterOf("ana@example.com", "Welcome", "confirmation")
	h := handlerOf(taken(raw))
	for target, want := range map[string][3]string{
		"/mail/ABCD000001/raw":    {"message/rfc822", "attachment; filename=ABCD000001.eml", raw},
		"/mail/ABCD000001/part/0": {"text/calendar", "attachment; filename=invite.ics", "BEGIN:VCALENDAR"},
	} {
		header, body := get(t, h, target, http.StatusOK)
		got := [3]string{header.Get("Content-Type"), header.Get("Content-Disposition"), body}
		if got != want {
			t.Errorf("%s: got %q, want %q", target, got, want)
		}
	}
	for _, part := range []string{"1", "-1", "x"} {
		get(t, h, "/mail/ABCD000001/part/"+part, http.StatusNotFound)
	}
}

func TestEveryAnswerHasAPolicyAndReadsOnly(t *testing.T) {
	t.Parallel()
	h := handlerOf(taken(letterOf("ana@example.com", "Welcome", "confirmation")))
	for _, target := range []string{"/", "/version", "/mail/ABCD000001", "/mail/ABCD000001/frame", "/mail/ABCD000001/frame?pictures=on",
		"/mail/ABCD000001/raw", "/mail/ABCD000001/part/0", "/style.css", "/mailbox.js"} {
		header, body := get(t, h, target, http.StatusOK)
		policy := header.Get("Content-Security-Policy")
		framed := strings.Contains(target, "/frame")
		if !strings.HasPrefix(policy, "default-src 'none';") || strings.Contains(policy, "script-src 'unsafe") ||
			framed != strings.Contains(policy, "sandbox allow-popups") || framed && strings.Contains(policy, "script-src") {
			t.Errorf("%s: got policy %q", target, policy)
		}
		if got := strings.Contains(policy, "img-src data: https: http:"); got != strings.Contains(target, "pictures=on") {
			t.Errorf("%s: loads pictures: %v", target, got)
		}
		for field, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"} {
			if got := header.Get(field); got != want {
				t.Errorf("%s: got %s %q, want %q", target, field, got, want)
			}
		}
		if !framed && strings.Contains(header.Get("Content-Type"), "text/html") && regexp.MustCompile(`<script>|style="|<style| on[a-z]+="`).MatchString(body) {
			t.Errorf("%s: holds what its own policy forbids", target)
		}
		r := httptest.NewRequest(http.MethodPost, target, nil)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusMethodNotAllowed {
			t.Errorf("POST %s: got %d, want %d", target, w.Code, http.StatusMethodNotAllowed)
		}
	}
}

func TestPagesWorkBelowAPath(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.StripPrefix("/box", handlerOf(taken(letterOf("ana@example.com", "Welcome", "confirmation")))))
	defer server.Close()
	client := server.Client()
	defer client.CloseIdleConnections()
	seen := map[string]bool{}
	links := regexp.MustCompile(`(?:href|src|action)="([^"]+)"`)
	var follow func(target string)
	follow = func(target string) {
		if seen[target] {
			return
		}
		seen[target] = true
		response, err := client.Get(target)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != http.StatusOK {
			t.Errorf("%s: %s, %v", target, response.Status, err)
		}
		if !strings.HasPrefix(response.Header.Get("Content-Type"), "text/html") || strings.Contains(target, "/frame") {
			return
		}
		for _, m := range links.FindAllStringSubmatch(string(body), -1) {
			link := html.UnescapeString(m[1])
			if strings.HasPrefix(link, "data:") || strings.HasPrefix(link, "https:") {
				continue
			}
			next, err := response.Request.URL.Parse(link)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(next.Path, "/box/") {
				t.Errorf("%s leads out to %s", target, next)
				continue
			}
			follow(next.String())
		}
	}
	follow(server.URL + "/box/")
	follow(server.URL + "/box/mail/ABCD000001?view=none")
	if len(seen) < 20 {
		t.Errorf("got %d addresses, want at least 20: %v", len(seen), seen)
	}
}

func TestHostileLettersAreTextAndNothingElse(t *testing.T) {
	t.Parallel()
	evil := `"><script>alert(1)</script>`
	h := handlerOf(taken(
		letterOf(evil+" <ana@example.com>", evil+" =?utf-8?q?=E2=80=AEgnp.exe=07?=", evil),
		"Subject: "+evil+"\r\nX-Convened-Kind: reminder\" onclick=\"x\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; filename=\"../../<script>.html\"\r\n\r\njavascript:alert(1) http://x/\"onclick=\r\n",
		"no header at all",
		"",
		"\xff\xfe\x00",
		"Content-Type: multipart/mixed\r\n\r\nno boundary",
		"Content-Type: text/html; charset=x-nobody-knows\r\nContent-Transfer-Encoding: x-nobody-knows\r\n\r\n<p>caf\xe9",
	))
	targets := []string{"/", "/?q=" + "%22%3E%3Cscript%3Ealert(1)%3C/script%3E"}
	for i := range 7 {
		for _, view := range []string{"", "?view=text", "?view=source"} {
			targets = append(targets, fmt.Sprintf("/mail/ABCD%06X%s", i+1, view))
		}
	}
	for _, target := range targets {
		r := httptest.NewRequest(http.MethodGet, target, nil)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusOK && w.Code != http.StatusFound {
			t.Errorf("%s: got %d:\n%s", target, w.Code, w.Body)
		}
		if page := w.Body.String(); strings.Contains(page, "<script>") || strings.Contains(page, `onclick="`) || strings.ContainsAny(page, "\u202e\a\x00") {
			t.Errorf("%s: got\n%s", target, page)
		}
	}
	_, page := get(t, h, "/mail/ABCD000001", http.StatusOK)
	if want := "‹U+202E›gnp.exe‹U+0007›"; !strings.Contains(html.UnescapeString(page), want) {
		t.Errorf("the subject does not show %q", want)
	}
	header, _ := get(t, h, "/mail/ABCD000002/part/0", http.StatusOK)
	if got := header.Get("Content-Disposition"); strings.Contains(got, "/") || strings.Contains(got, "..") || strings.Contains(got, "\n") {
		t.Errorf("got %q, want a name without folders", got)
	}
}
