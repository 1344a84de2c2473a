package console

import (
	"bytes"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"convened"
	"convened/templates"
)

// A frame is what every page of the console has around it: what layout.html sees. A
// page's own data embeds it.
type frame struct {
	*frameWords
	templates.Speech        // says dates and numbers: on the event's clock, else in UTC
	Language         string // of the page
	Title            string // of the document, without the name of the product
	Style, Own       string // URLs of the style sheets
	Script           string // URL of htmx
	Icon             string // URL
	Prefix           string // what every path begins with; "" at the root
	Here             string // path and query of this page, to come back to
	Languages        []option

	User     *convened.User  // nil: nobody is signed in
	Event    *convened.Event // nil: the page is of no event
	Named    string          // the event's title, in the page's language if it has one
	MayEdit  bool            // the event
	Sections []section       // of the event
	Places   []section       // of the console

	Done           string // what the last click did; "" nothing
	Problem        string // why nothing was done; ""
	Heading, Sorry string // of a page that can't be shown
}

// A section is a page that navigation leads to.
type section struct {
	Path, Name string
	Current    bool
}

// eventSections are the pages of an event, in the order of the navigation.
var eventSections = []struct {
	path string
	name func(*frameWords) string
}{
	{"", func(w *frameWords) string { return w.Overview }},
	{"/schedule", func(w *frameWords) string { return w.Schedule }},
	{"/letters", func(w *frameWords) string { return w.Letters }},
	{"/registrants", func(w *frameWords) string { return w.Registrants }},
	{"/failures", func(w *frameWords) string { return w.Failures }},
	{"/held", func(w *frameWords) string { return w.Held }},
	{"/history", func(w *frameWords) string { return w.History }},
}

// places are the pages that are of no event. Those of administrators alone are
// marked.
var places = []struct {
	path    string
	name    func(*frameWords) string
	general bool // for administrators alone
}{
	{"/events", func(w *frameWords) string { return w.Events }, false},
	{"/history", func(w *frameWords) string { return w.History }, true},
}

// newFrame begins a page for a user, nil for nobody.
func (c *organiser) newFrame(r *http.Request, u *convened.User) *frame {
	language := c.languageOf(r)
	f := &frame{frameWords: frameWordsIn[language], Speech: templates.Speak(language, time.UTC), Language: language, User: u, Prefix: c.prefix, Here: r.URL.RequestURI(),
		Style: c.assets["style.css"].url, Own: c.assets["organiser.css"].url, Script: c.assets["htmx/htmx.min.js"].url, Icon: c.assets["icon.svg"].url}
	if r.Method != http.MethodGet {
		f.Here = "" // a form can't be come back to
	}
	for _, l := range convened.Languages() {
		f.Languages = append(f.Languages, option{l, languageNames[l], l == language})
	}
	if u == nil {
		return f
	}
	for _, p := range places {
		if !p.general || u.Administrator {
			path := c.prefix + p.path
			f.Places = append(f.Places, section{path, p.name(f.frameWords), r.URL.Path == path})
		}
	}
	return f
}

// about makes the page one of an event.
func (f *frame) about(e *convened.Event, role convened.Role) {
	f.Event, f.MayEdit = e, role.Allows(convened.Edit)
	f.Named = e.Title.In(f.Language, e.Language)
	f.Speech = f.On(e.TimeLocation())
	here, _, _ := strings.Cut(f.Here, "?")
	base := f.Base()
	for _, s := range eventSections {
		path := base + s.path
		f.Sections = append(f.Sections, section{path, s.name(f.frameWords), here == path || s.path != "" && strings.HasPrefix(here, path+"/")})
	}
}

// Base is where the pages of the event begin.
func (f *frame) Base() string { return f.Prefix + "/events/" + f.Event.Slug }

// ISO is an instant for the machine: the datetime of <time>.
func (f *frame) ISO(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// EventZone is what the zone of the event is called at its start.
func (f *frame) EventZone() string { return f.Zone(f.Event.Starts) }

// tell says what the last click did, by the key that stands in ?done=. A key that is
// not among the words says nothing: nobody can put words into a page by a link.
func (f *frame) tell(r *http.Request, words map[string]string) {
	f.Done = words[r.URL.Query().Get("done")]
}

// languageOf is the language that was chosen, else one that the browser asks for.
func (c *organiser) languageOf(r *http.Request) string {
	if k, err := r.Cookie(languageCookie); err == nil && slices.Contains(convened.Languages(), k.Value) {
		return k.Value
	}
	return languageOf(r)
}

const languageCookie = "language"

// chooseLanguage has pages be in a language from now on.
func (c *organiser) chooseLanguage(w http.ResponseWriter, r *http.Request) {
	if l := r.PostFormValue("language"); slices.Contains(convened.Languages(), l) {
		http.SetCookie(w, &http.Cookie{Name: languageCookie, Value: l, Path: c.prefix + "/", MaxAge: 365 * 24 * 3600, Secure: c.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	}
	c.lead(w, c.safePath(r.PostFormValue("next")), "")
}

// safePath returns a path of this console, without the prefix, to go to: next if it is
// one, else the list of events. No link or form can lead out of the house.
func (c *organiser) safePath(next string) string {
	const home = "/events"
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || u.User != nil || u.Opaque != "" || strings.ContainsAny(next, "\\\r\n\t\x00") {
		return home
	}
	path, ok := strings.CutPrefix(u.EscapedPath(), c.prefix)
	if !ok || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.Contains(path, "/../") || path == "/" {
		return home
	}
	if u.RawQuery != "" {
		path += "?" + u.RawQuery
	}
	return path
}

// render writes a page whole, or an error page instead. data embeds the errand's
// frame.
func (c *organiser) render(w http.ResponseWriter, status int, page string, data any) {
	c.execute(w, status, c.pages[page], data)
}

// part writes a part of a page alone: what {{define "part"}} of it makes. htmx puts it
// in the place of the old one.
func (c *organiser) part(w http.ResponseWriter, page, part string, data any) {
	c.execute(w, http.StatusOK, c.pages[page].Lookup(part), data)
}

func (c *organiser) execute(w http.ResponseWriter, status int, t *template.Template, data any) {
	var b bytes.Buffer
	if err := t.Execute(&b, data); err != nil {
		c.Logger.Error("a page can't be made", "page", t.Name(), "error", err.Error())
		status = http.StatusInternalServerError
		b.Reset()
		b.WriteString("500\n")
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // who does not take it has gone
}

// byHTMX reports whether htmx asks for a part of a page.
func byHTMX(r *http.Request) bool { return r.Header.Get("HX-Request") == "true" }

// sorry answers with a page that says what can't be done. e is nil for nobody.
func (c *organiser) sorry(w http.ResponseWriter, r *http.Request, e *errand, status int) {
	f := c.newFrame(r, nil)
	if e != nil {
		f = e.frame
	}
	switch status {
	case http.StatusNotFound:
		f.Heading, f.Sorry = f.NotFound, f.NotFoundMore
	case http.StatusForbidden:
		f.Heading, f.Sorry = f.Foreign, f.ForeignMore
		if e != nil {
			f.Heading, f.Sorry = f.LookOnly, f.LookOnlyMore
		}
	case http.StatusTooManyRequests:
		f.Heading, f.Sorry = f.TooMany, f.TooManyMore
	case http.StatusServiceUnavailable:
		f.Heading, f.Sorry = f.Unavailable, f.UnavailableMore
	case http.StatusBadRequest:
		f.Heading, f.Sorry = f.Unreadable, f.UnreadableMore
	default:
		f.Heading, f.Sorry = f.Broken, f.BrokenMore
	}
	f.Title = f.Heading
	c.render(w, status, "sorry", f)
}

// sorryStranger is sorry for whoever may not be signed in.
func (c *organiser) sorryStranger(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { c.sorry(w, r, nil, status) }
}

// unavailable answers while the database does not. It is said in the log once.
func (c *organiser) unavailable(w http.ResponseWriter, r *http.Request, e *errand, err error) {
	if r.Context().Err() != nil {
		return // nobody waits for an answer
	}
	if !c.down.Swap(true) {
		c.Logger.Error("the console can't be shown", "error", err.Error())
	}
	w.Header().Set("Retry-After", "10")
	c.sorry(w, r, e, http.StatusServiceUnavailable)
}
