// Package console serves the pages that people open in a browser: those of the
// registrants (NewRegistrant), behind the links of their letters, and those of the
// organisers (NewOrganiser), behind a sign-in. Each has a listener of its own, and
// nothing of the one is on the other.
//
// # The registrants' pages
//
// They say what one is registered for, and have the way in and the ways out.
//
// Their invariants: a GET changes nothing, whoever follows it, a person or a scanner
// of links. A page's address is its key: it holds no address of a person, it is
// never logged, and what does not open with it looks the same, byte for byte,
// whether the link was mistyped, made up, or is of somebody who was erased. Nothing
// that anybody typed reaches a page but as text. What a page says of an event it says
// in the words and the times of the letters (templates.Facts).
//
// They work without a script, without a cookie, and without anything of anybody
// else's but the organiser's own logo; the page on which people register has one that
// guesses their zone. They will not decide what follows from a click:
// the store plans it, and the daemon sends it.
//
// # The organisers' console
//
// Whatever a page does, a command does too, through package desk: a page reads a form,
// asks the desk, and says what came of it. What mails people takes two steps, of which
// the first only shows; a GET changes nothing. An event that one has no role on looks
// like one that is not there. Who does something is in the context of the request
// (store.As), and is written down in the transaction that does it.
//
// Its pages work without a script too; htmx, which is served with them, puts parts of
// pages in place and polls what changes by itself. No script and no style stands in a
// page. What costs more than a look at an index is counted once for everybody who
// watches (lately).
package console

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"

	"convened/templates"
)

//go:embed pages/*.html pages/organiser/*.html
var pageFiles embed.FS

//go:embed assets/*
var assetFiles embed.FS

// registrantPolicy lets a page use the style sheets of its own site and show the
// pictures of organisers, send forms to its own site, and nothing else.
const registrantPolicy = "default-src 'none'; style-src 'self'; img-src https: 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// organiserPolicy lets a page run the scripts of its own site beside that, which may
// ask for parts of pages, and show letters in frames. No script stands in a page.
const organiserPolicy = registrantPolicy + "; script-src 'self'; connect-src 'self'; frame-src 'self'"

// guarded sets what every answer has, before anything can go wrong.
func guarded(policy string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("X-Robots-Tag", "noindex, nofollow")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// recovered answers with fail where a handler panics, so that one page that can't
// be made takes nothing else with it. What was thrown may hold anything, and is not
// logged; Go's own words hold nothing of a person.
func recovered(log *slog.Logger, fail http.HandlerFunc, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			thrown := recover()
			if thrown == nil {
				return
			}
			if err, ok := thrown.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(thrown)
			}
			why := fmt.Sprintf("%T", thrown)
			if err, ok := thrown.(runtime.Error); ok {
				why = err.Error()
			}
			log.Error("a page panicked", "error", why, "stack", string(debug.Stack()))
			fail(w, r)
		}()
		next.ServeHTTP(w, r)
	})
}

// A site is where pages live, and what they share.
type site struct {
	origin string // https://events.example.org
	prefix string // the path of public.url, without a slash at its end: "" or "/events"
	assets map[string]asset
	pages  map[string]*template.Template
}

// An asset is a file that pages refer to.
type asset struct {
	url         string // changes with its content, so that browsers may keep it for good
	contentType string
	body        []byte
}

// plainPath is a path that means the same in a pattern, in a URL and in HTML.
var plainPath = regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)*$`)

// newSite reads the pages of a folder and the assets, which are part of the program,
// and checks where they are to live, as the configuration key of that name says. Each
// page stands in the folder's layout.html, and may use what parts.html defines.
func newSite(key, rawURL, folder string, assets map[string]string) (*site, error) {
	u, err := url.Parse(strings.TrimRight(rawURL, "/"))
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("%s: %q is not a URL such as https://events.example.org", key, rawURL)
	}
	if !plainPath.MatchString(u.Path) || path.Clean("/"+u.Path) != "/"+strings.TrimPrefix(u.Path, "/") {
		return nil, fmt.Errorf("%s: the path %q has more in it than letters, digits and -._~", key, u.Path)
	}
	s := &site{origin: u.Scheme + "://" + u.Host, prefix: u.Path, assets: map[string]asset{}, pages: map[string]*template.Template{}}
	for name, contentType := range assets {
		body, err := fs.ReadFile(assetFiles, "assets/"+name)
		if err != nil {
			return nil, fmt.Errorf("read the assets: %w", err)
		}
		sum := sha256.Sum256(body)
		ext := path.Ext(name)
		s.assets[name] = asset{s.prefix + "/assets/" + strings.TrimSuffix(path.Base(name), ext) + "." + hex.EncodeToString(sum[:6]) + ext, contentType, body}
	}
	layout, err := template.ParseFS(pageFiles, folder+"/layout.html", folder+"/parts.html")
	if err != nil {
		return nil, fmt.Errorf("read the pages: %w", err)
	}
	files, err := fs.Glob(pageFiles, folder+"/*.html")
	if err != nil {
		return nil, fmt.Errorf("read the pages: %w", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(path.Base(file), ".html")
		if name == "layout" || name == "parts" {
			continue
		}
		page, err := layout.Clone()
		if err == nil {
			page, err = page.ParseFS(pageFiles, file)
		}
		if err != nil {
			return nil, fmt.Errorf("read the pages: %w", err)
		}
		s.pages[name] = page.Lookup("layout.html")
	}
	return s, nil
}

// What pages of either site refer to: the file, and its media type.
const (
	cssType    = "text/css; charset=utf-8"
	scriptType = "text/javascript; charset=utf-8"
	svgType    = "image/svg+xml"
)

// serveAssets adds the files that pages refer to. They hold nothing of anybody, and
// may be kept.
func (s *site) serveAssets(mux *http.ServeMux) {
	for _, a := range s.assets {
		mux.HandleFunc("GET "+a.url, func(w http.ResponseWriter, _ *http.Request) {
			keep(w, a.contentType, "public, max-age=31536000, immutable")
			_, _ = w.Write(a.body) // who does not take it has gone
		})
	}
}

func keep(w http.ResponseWriter, contentType, how string) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", how)
}

// coloursURL is the style sheet with the colours of an event.
func (s *site) coloursURL(accent string) string {
	return s.prefix + "/assets/colours/" + strings.TrimPrefix(accent, "#") + ".css"
}

var hexColour = regexp.MustCompile(`^[0-9a-f]{6}$`)

// colours answers with that style sheet, since a page can't hold one itself. It
// reports false for what is no colour.
func (s *site) colours(w http.ResponseWriter, file string) bool {
	accent, ok := strings.CutSuffix(file, ".css")
	if !ok || !hexColour.MatchString(accent) {
		return false
	}
	c := templates.ColoursOf("#" + accent)
	keep(w, cssType, "public, max-age=86400")
	fmt.Fprintf(w, ":root{--accent:%s;--link:%s;--button:%s;--on-button:%s}\n@media (prefers-color-scheme:dark){:root{--link:%s;--button:%s;--on-button:%s}}\n",
		c.Accent, c.Link, c.Button, c.OnButton, c.LinkDark, c.ButtonDark, c.OnDark)
	return true
}
