package console

import (
	"context"
	_ "embed"
	"encoding/json"
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"convened"
	"convened/store"
)

var pictures = flag.String("pictures", "", "a folder to which the tests in a browser write a picture of every page")

// axe is the accessibility engine: see testdata/axe-core.
//
//go:embed testdata/axe-core/axe.min.js
var axe string

// A browser is a real one, without a window, with one tab.
type browser struct {
	t   *testing.T
	ctx context.Context

	mu         sync.Mutex
	complaints []string // what it refused to do, or said of an error
}

// newBrowser starts one. Without one installed the test fails: build/setup.sh chromium
// installs it.
func newBrowser(t *testing.T) *browser {
	t.Helper()
	options := []chromedp.ExecAllocatorOption{chromedp.Flag("lang", "en"),
		// A sandboxed frame in a process of its own is not in the pictures.
		chromedp.Flag("disable-features", "Translate,BlinkGenPropertyTrees,IsolateSandboxedIframes")}
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // root has none
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx, chromedp.WithAllocatorOptions(options...))
	t.Cleanup(cancel)
	b := &browser{t: t, ctx: ctx}
	if err := chromedp.Listen(ctx, func(event any) {
		switch e := event.(type) {
		case *log.EventEntryAdded:
			if e.Entry.Source != log.EntrySourceNetwork { // it says so of each 404, too
				b.complain(string(e.Entry.Source) + ": " + e.Entry.Text)
			}
		case *runtime.EventExceptionThrown:
			b.complain(e.ExceptionDetails.Text)
		}
	}); err != nil {
		t.Fatal(err)
	}
	call(b, log.Enable, cdp.Empty{})
	return b
}

func (b *browser) complain(s string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.complaints = append(b.complaints, s)
}

func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

func call[P, R any](b *browser, command cdp.Command[P, R], params P) {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, command, params); err != nil {
		b.t.Fatal(err)
	}
}

// ask evaluates an expression, which may be a promise.
func ask[T any](b *browser, expression string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatal(err)
	}
	return v
}

// look sets the width in CSS pixels and the colour scheme.
func (b *browser) look(width int64, scheme string) {
	b.t.Helper()
	call(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: 900, DeviceScaleFactor: 1, Mobile: width < 600})
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
}

// open opens a page in a browser that is set to a language.
func (b *browser) open(url, language string) {
	b.t.Helper()
	call(b, network.Enable, network.EnableParams{})
	call(b, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": language}})
	b.do(chromedp.Navigate(url))
}

// violations runs axe on the page as it is, with all of its rules for WCAG 2.2 AA and
// for good practice.
func (b *browser) violations() []string {
	b.t.Helper()
	if ask[bool](b, `!window.axe`) {
		ask[int](b, axe+";0")
	}
	found := ask[[]struct {
		ID    string `json:"id"`
		Help  string `json:"help"`
		Nodes []struct {
			HTML    string `json:"html"`
			Summary string `json:"failureSummary"`
		} `json:"nodes"`
	}](b, `axe.run(document, {resultTypes: ["violations"]}).then(r => r.violations)`)
	var list []string
	for _, v := range found {
		for _, n := range v.Nodes {
			list = append(list, fmt.Sprintf("%s (%s): %.300s: %s", v.ID, v.Help, n.HTML, n.Summary))
		}
	}
	return list
}

// picture writes what is seen to a file, where -pictures asks for it.
func (b *browser) picture(name string) {
	b.t.Helper()
	if *pictures == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*pictures, strings.ReplaceAll(name, " ", "-")+".png"), png, 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// served is a stage whose pages are to be had over TCP.
func served(t *testing.T) *stage {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	s := newStage(t, "http://"+server.Listener.Addr().String())
	server.Config.Handler = s.handler
	server.Start()
	t.Cleanup(server.Close)
	return s
}

// A view is a page in one of its states.
type view struct {
	name    string
	prepare func(s *stage, pages []string) // nil: nothing
	path    func(page string) string       // nil: the page itself
}

func (v view) at(page string) string {
	if v.path == nil {
		return page
	}
	return v.path(page)
}

// below is a path below a page.
func below(path string) func(string) string { return func(page string) string { return page + path } }

// clicked has everybody press a button.
func clicked(path string) func(*stage, []string) {
	return func(s *stage, pages []string) {
		for _, page := range pages {
			s.post(page+path, "")
		}
	}
}

var views = []view{
	{"registered", nil, nil},
	{"muted", clicked("/mute"), below("?done=muted")},
	{"saved", nil, below("?done=saved")},
	{"link to come", func(s *stage, _ []string) { s.apply("join_url: https://meet.example.org/join?room=7&lang=fr\n", "") }, nil},
	{"join later", func(s *stage, _ []string) { s.apply("join_url: https://meet.example.org/join?room=7&lang=fr\n", "") }, below("/join")},
	{"no link", func(s *stage, _ []string) {
		s.apply("join_url: https://meet.example.org/join?room=7&lang=fr\n", "", `location: {fr: "En ligne", en: "Online", es: "En línea"}`, "location: 12 High Street, Brussels")
	}, below("/join")},
	{"coloured", func(s *stage, _ []string) { s.apply("held_in: fr\n", "held_in: fr\ncolour: \"#ffcc00\"\n") }, nil},
	{"coloured question", func(s *stage, _ []string) { s.apply("held_in: fr\n", "held_in: fr\ncolour: \"#8a1538\"\n") }, outOf},
	{"under way", func(s *stage, _ []string) { s.at(starts.Add(time.Minute)) }, nil},
	{"over", func(s *stage, _ []string) { s.at(ends.Add(time.Minute)) }, nil},
	{"long over", func(s *stage, _ []string) { s.at(ends.Add(48 * time.Hour)) }, nil},
	{"off", func(s *stage, _ []string) {
		s.sql(`UPDATE convened.events SET status = 'cancelled', revision = revision + 1`)
	}, nil},
	{"given up", clicked("/cancel"), below("?done=cancelled")},
	{"cancel", nil, below("/cancel")},
	{"unsubscribe", nil, outOf},
	{"unsubscribed", clicked("/unsubscribe"), outOf},
	{"not found", nil, func(page string) string { return page + "x" }},
	{"a long name", func(s *stage, _ []string) {
		s.sql(`UPDATE convened.registrations SET name = repeat('Wolfeschlegelsteinhausen', 10);
			UPDATE convened.events SET title = jsonb_build_object('en', repeat('Donaudampfschifffahrt', 8)), organizer_email = repeat('x', 60) || '@' || repeat('y', 60) || '.example', revision = revision + 1`)
	}, nil},
}

// The pages as everybody meets them: in three languages, by day and by night, on a phone and
// on a desk.
func TestNothingOnAnyPageKeepsAnybodyOut(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	for _, v := range views {
		s := served(t)
		s.apply()
		var pages []string
		for _, language := range convened.Languages() {
			pages = append(pages, s.register(store.Entry{Email: language + "@example.net", Name: "Ana Díaz", Language: language, Zone: "America/Mexico_City"}))
		}
		if v.prepare != nil {
			v.prepare(s, pages)
		}
		for i, language := range convened.Languages() {
			b.open(v.at(pages[i]), language)
			b.inspect(v.name, language)
		}
	}
	for _, c := range b.complaints {
		t.Errorf("the browser complains: %s", c)
	}
}

// inspect looks at a page in all the ways in which it may be looked at.
func (b *browser) inspect(name, language string) {
	b.t.Helper()
	if got := ask[string](b, `document.documentElement.lang`); got != language {
		b.t.Errorf("%s: the page of a reader of %s is in %s", name, language, got)
	}
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{320, 360, 1200} {
			// A colour is the same on a phone and on a desk, and what there is to read is
			// the same by day and by night: two looks see all that four would.
			narrow, light := width < 600, scheme == "light"
			if narrow != light && *pictures == "" {
				continue
			}
			b.look(width, scheme)
			what := fmt.Sprintf("%s %s %s %d", name, language, scheme, width)
			if w := ask[int64](b, `document.documentElement.scrollWidth`); w > width {
				b.t.Errorf("%s: it is %d pixels wide", what, w)
			}
			if width == 320 {
				continue // the reflow of WCAG 1.4.10; the rest is as at 360
			}
			for _, violation := range b.violations() {
				b.t.Errorf("%s: %s", what, violation)
			}
			b.picture(what)
		}
	}
}

// What finds nothing everywhere must be able to find something.
func TestAxeAndTheBrowserSeeFaults(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	b.open("data:text/html,<title>x</title><p style='color:%23aaa;width:2000px'>pale<img src=x>", "en")
	found := strings.Join(b.violations(), "\n")
	wants(t, "what axe finds", found, "color-contrast", "image-alt", "html-has-lang")
	b.look(360, "light")
	if w := ask[int64](b, `document.documentElement.scrollWidth`); w <= 360 {
		t.Errorf("a wide page is %d wide", w)
	}

	s, link := faked(t, &fake{})
	server := httptest.NewServer(s.handler)
	t.Cleanup(server.Close)
	b.open(server.URL+strings.TrimPrefix(link, origin), "en")
	ask[int](b, `{const s = document.createElement("script"); s.textContent = "window.ran = true"; document.body.append(s); document.body.setAttribute("style", "color:red"); 0}`)
	if ask[bool](b, `!!window.ran`) {
		t.Error("a script ran on a page")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	wants(t, "what the browser says", strings.Join(b.complaints, "\n"), "Content Security Policy")
}

// focus presses Tab until an element has the focus, and wants it to be seen.
func (b *browser) focus(selector string) {
	b.t.Helper()
	quoted, err := json.Marshal(selector)
	if err != nil {
		b.t.Fatal(err)
	}
	for range 40 {
		b.do(chromedp.KeyEvent(kb.Tab))
		if ask[bool](b, `document.activeElement.matches(`+string(quoted)+`)`) {
			if outline := ask[string](b, `getComputedStyle(document.activeElement).outlineStyle`); outline == "none" {
				b.t.Errorf("one does not see that %s has the focus", selector)
			}
			return
		}
	}
	b.t.Fatalf("with the Tab key one does not get to %s", selector)
}

// press presses a key that leads to another page, and waits for it.
func (b *browser) press(key string) {
	b.t.Helper()
	if _, err := chromedp.RunResponse(b.ctx, chromedp.KeyEvent(key)); err != nil {
		b.t.Fatal(err)
	}
}

func TestARegistrantWithAKeyboardDoesEverything(t *testing.T) {
	t.Parallel()
	s := served(t)
	s.apply()
	page := s.register(store.Entry{Email: "ana@example.net", Name: "Ana", Language: "en"}) // the link from the letter
	b := newBrowser(t)
	b.look(360, "light")
	seen := func(words ...string) {
		t.Helper()
		wants(t, "the page", ask[string](b, `document.body.innerText.replace(/\s+/g, " ")`), words...)
	}

	b.open(page, "en")
	seen("You are registered", "Wednesday 25 November 2026, 16:00–17:00, Brussels time")
	b.focus(`form[action$="/mute"] button`)
	b.press(kb.Enter)
	seen("The reminders are stopped. You keep your seat.")
	if s.seat("ana@example.net").MutedAt.IsZero() {
		t.Error("the reminders are not muted")
	}
	b.focus(`form[action$="/unmute"] button`)
	b.press(kb.Enter)
	seen("You will get reminders again.")
	if !s.seat("ana@example.net").MutedAt.IsZero() {
		t.Error("the reminders are still muted")
	}

	b.focus("#language")
	b.do(chromedp.KeyEvent("esp"))
	b.focus("#zone")
	b.do(chromedp.KeyEvent("toky"))
	b.focus(`form[action$="/choices"] button`)
	b.press(kb.Enter)
	seen("Su elección se ha guardado.", "jueves 26 de noviembre de 2026, 00:00–01:00, hora de Tokio")
	if r := s.seat("ana@example.net"); r.Language != "es" || r.Zone != "Asia/Tokyo" {
		t.Errorf("the seat has language %q and zone %q", r.Language, r.Zone)
	}

	b.focus(`a[href$="/cancel"]`)
	b.press(kb.Enter)
	seen("¿Cancelar su inscripción?")
	b.focus("button.danger")
	b.press(kb.Enter)
	seen("Inscripción cancelada", "Su plaza ha quedado libre")
	s.at(s.clock())
	if got := s.kinds("ana@example.net"); got != "confirmation, cancellation" {
		t.Errorf("she got %s", got)
	}
}
