// Package mailbox is the page on which one reads what the lab's mail server
// took: the list of letters, newest first, and each letter as HTML, as text, as an
// invitation and as it came.
//
// Letters are looked at with suspicion: they may have been written by anyone,
// and about anything. Their HTML is shown in a frame that may do nothing but be looked
// at, without scripts and forms, and without loading anything, unless asked to
// show pictures; what they say elsewhere on the page is text, in which characters
// that would show it other than it is are made visible. A letter that can't be
// parsed is shown as it came.
//
// It reads and does nothing else: each address answers to GET alone, and nothing is
// stored. It asks nobody who they are, so it belongs on loopback.
package mailbox

import (
	"bytes"
	"crypto/tls"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"convened/internal/lab"
)

//go:embed list.html letter.html style.css mailbox.js
var files embed.FS

// A mailbox is the handler of the pages.
type mailbox struct {
	messages func() []lab.Message
	envelope envelopes
	pages    *template.Template
}

// Handler returns the pages about the letters that messages returns, the oldest first, which is
// asked anew for each request. Their times are shown in the zone that they come
// in. All links are relative, so the handler may stand below any path, the
// prefix being stripped.
func Handler(messages func() []lab.Message) http.Handler {
	b := &mailbox{messages: messages, pages: template.Must(template.New("").Funcs(template.FuncMap{
		"day":      func(t time.Time) string { return t.Format("Monday, 2 January 2006") },
		"clock":    func(t time.Time) string { return t.Format("15:04:05") },
		"when":     func(t time.Time) string { return t.Format("Monday, 2 January 2006, 15:04:05 MST") },
		"machine":  func(t time.Time) string { return t.Format(time.RFC3339) },
		"count":    count,
		"bytes":    func(n int) string { return count(n) + " bytes" },
		"visible":  visible,
		"segments": segments,
		"tls": func(version uint16) string {
			if version == 0 {
				return "not encrypted"
			}
			return tls.VersionName(version)
		},
	}).ParseFS(files, "*.html"))}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", b.list)
	mux.HandleFunc("GET /version", b.version)
	mux.HandleFunc("GET /mail/{id}", b.letter)
	mux.HandleFunc("GET /mail/{id}/frame", b.frame)
	mux.HandleFunc("GET /mail/{id}/raw", b.raw)
	mux.HandleFunc("GET /mail/{id}/part/{part}", b.part)
	mux.HandleFunc("GET /style.css", asset("style.css", "text/css; charset=utf-8"))
	mux.HandleFunc("GET /mailbox.js", asset("mailbox.js", "text/javascript; charset=utf-8"))
	return guard(mux)
}

// policy lets a page use its own style sheet and script, and nothing else.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; " +
	"frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

func asset(name, contentType string) http.HandlerFunc {
	b, err := fs.ReadFile(files, name)
	if err != nil {
		panic(err) // it is embedded
	}
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.Write(b) // who does not take it has gone
	}
}

// render writes a page, or says that it can't without half of it written.
func (b *mailbox) render(w http.ResponseWriter, page string, data any) {
	var buf bytes.Buffer
	if err := b.pages.ExecuteTemplate(&buf, page, data); err != nil {
		http.Error(w, "This page can't be shown: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Write(buf.Bytes())
}

// find returns the letter that a request is about, and its neighbours in
// time; nil where there is none. It answers the request where there is no letter.
func (b *mailbox) find(w http.ResponseWriter, r *http.Request) (found, older, newer *lab.Message) {
	all := b.messages()
	id := r.PathValue("id")
	i := slices.IndexFunc(all, func(m lab.Message) bool { return m.ID == id })
	if i < 0 {
		http.Error(w, "There is no such letter; the server may have been started anew.", http.StatusNotFound)
		return nil, nil, nil
	}
	if i > 0 {
		older = &all[i-1]
	}
	if i+1 < len(all) {
		newer = &all[i+1]
	}
	return &all[i], older, newer
}

// The views of a letter, in the order of their tabs.
const (
	viewHTML       = "html"
	viewText       = "text"
	viewInvitation = "invitation"
	viewSource     = "source"
)

// A tab leads to a view, or to another way to see the one at hand.
type tab struct {
	Name    string
	Link    string
	Current bool
}

// A letterPage is what letter.html shows.
type letterPage struct {
	Message      *lab.Message
	Envelope     envelope
	Letter       letter
	Older, Newer *lab.Message
	View         string
	Tabs         []tab
	Switches     [][]tab // of the HTML view: each is one choice
	Frame        string  // URL of the letter's HTML
	Width        string  // class of the frame
	Source       string
	Cut          bool // Source is not all
}

// longestSource is how much of a letter's source a page shows, in bytes.
const longestSource = 512 << 10

func (b *mailbox) letter(w http.ResponseWriter, r *http.Request) {
	m, older, newer := b.find(w, r)
	if m == nil {
		return
	}
	p := letterPage{Message: m, Envelope: b.envelope.of(m), Letter: read(m.Raw), Older: older, Newer: newer}
	query := r.URL.Query()
	p.View = query.Get("view")
	views := []tab{}
	for _, v := range []struct {
		view, name string
		there      bool
	}{
		{viewHTML, "HTML", p.Letter.HTML != ""},
		{viewText, "Text", p.Letter.Text != ""},
		{viewInvitation, "Invitation", p.Letter.Calendar != ""},
		{viewSource, "Source", true},
	} {
		if !v.there {
			continue
		}
		if p.View == "" {
			p.View = v.view // the first there is
		}
		views = append(views, tab{Name: v.name, Link: "?view=" + v.view, Current: p.View == v.view})
	}
	if !slices.ContainsFunc(views, func(t tab) bool { return t.Current }) {
		// This letter has no such view. Not http.Redirect, which would make the
		// address absolute and lose a prefix that was stripped.
		w.Header().Set("Location", m.ID)
		w.WriteHeader(http.StatusFound)
		return
	}
	p.Tabs = views
	switch p.View {
	case viewHTML:
		p.dress(m.ID, query)
	case viewSource:
		source := m.Raw
		if p.Cut = len(source) > longestSource; p.Cut {
			source = source[:longestSource]
		}
		p.Source = string(source)
	}
	b.render(w, "letter.html", p)
}

// A choice is one way in which the HTML of a letter can be looked at.
type choice struct {
	key   string
	names [][2]string // value and name; the first is what is chosen without asking
}

var choices = []choice{
	{"width", [][2]string{{"600", "600 px"}, {"360", "360 px"}, {"full", "Full width"}}},
	{"theme", [][2]string{{"", "As the browser"}, {"light", "Light"}, {"dark", "Dark"}}},
	{"pictures", [][2]string{{"", "No pictures"}, {"on", "Load pictures"}}},
}

// dress sets how the HTML is shown, and the links to the other ways.
func (p *letterPage) dress(id string, query url.Values) {
	chosen := url.Values{}
	for _, c := range choices {
		if i := slices.IndexFunc(c.names, func(n [2]string) bool { return n[0] == query.Get(c.key) }); i > 0 {
			chosen.Set(c.key, c.names[i][0])
		}
	}
	for _, c := range choices {
		var tabs []tab
		for i, n := range c.names {
			link := url.Values{"view": {viewHTML}}
			for key, values := range chosen {
				link[key] = values
			}
			link.Del(c.key)
			if i > 0 {
				link.Set(c.key, n[0])
			}
			tabs = append(tabs, tab{Name: n[1], Link: "?" + link.Encode(), Current: chosen.Get(c.key) == n[0] || i == 0 && !chosen.Has(c.key)})
		}
		p.Switches = append(p.Switches, tabs)
	}
	p.Width = "w" + choices[0].names[0][0]
	if chosen.Has("width") {
		p.Width = "w" + chosen.Get("width")
	}
	chosen.Del("width")
	p.Frame = id + "/frame"
	if len(chosen) > 0 {
		p.Frame += "?" + chosen.Encode()
	}
}

// frame is the letter's HTML in its frame. Opened by itself it may do no more.
func (b *mailbox) frame(w http.ResponseWriter, r *http.Request) {
	m, _, _ := b.find(w, r)
	if m == nil {
		return
	}
	pictures := "data:"
	if r.URL.Query().Get("pictures") == "on" {
		pictures = "data: https: http:"
	}
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src "+pictures+
		"; form-action 'none'; base-uri 'none'; frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Write([]byte(framed(read(m.Raw).HTML, r.URL.Query().Get("theme"))))
}

// raw is the letter as it came, as a file.
func (b *mailbox) raw(w http.ResponseWriter, r *http.Request) {
	m, _, _ := b.find(w, r)
	if m == nil {
		return
	}
	download(w, "message/rfc822", m.ID+".eml", m.Raw)
}

// part is one of the letter's attachments, as a file.
func (b *mailbox) part(w http.ResponseWriter, r *http.Request) {
	m, _, _ := b.find(w, r)
	if m == nil {
		return
	}
	attachments := read(m.Raw).Attachments
	n, err := strconv.Atoi(r.PathValue("part"))
	if err != nil || n < 0 || n >= len(attachments) {
		http.Error(w, "This letter has no such attachment.", http.StatusNotFound)
		return
	}
	// Of all types that a letter may claim, one leads somewhere useful.
	contentType := "application/octet-stream"
	if a := attachments[n]; a.Type == "text/calendar" || a.Type == "application/ics" {
		contentType = "text/calendar"
	}
	download(w, contentType, attachments[n].Name, attachments[n].Body)
}

func download(w http.ResponseWriter, contentType, name string, body []byte) {
	disposition := mime.FormatMediaType("attachment", map[string]string{"filename": name})
	if disposition == "" {
		disposition = "attachment"
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Disposition", disposition)
	w.Header().Set("Content-Security-Policy", "default-src 'none'; sandbox")
	w.Write(body)
}

// count writes a number with a thin gap at the thousands.
func count(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "\u202f" + s[i:]
	}
	return s
}

// visible makes a text show what is in it: control characters, and those that
// turn the direction of writing, appear as their numbers, and what is no UTF-8 as the
// character that says so.
func visible(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\r\n", "\n")
	var out strings.Builder
	for _, r := range s {
		switch {
		case r == '\n' || r == '\t':
			out.WriteRune(r)
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			fmt.Fprintf(&out, "‹U+%04X›", r)
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}
