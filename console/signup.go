package console

import (
	"context"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"convened"
	"convened/address"
	"convened/store"
	"convened/templates"
)

// This file holds the page on which people register for an event that has
// `sign_up: true`. It writes the row that any form writes, and what follows is the
// same: one seat for an address, however often it is sent, and an answer that is the
// same whether the address was registered before or not.

// How many registrations one client may send, in a burst and for ever, and how many
// all of them together. A class that registers from one room is let in.
const (
	signUpBurst         = 60
	signUpsPerSecond    = 0.2
	allSignUpBurst      = 3000
	allSignUpsPerSecond = 100
)

// SignUps is where events are read and registrations written: *store.Store.
type SignUps interface {
	// Event returns an event as it stands now, or store.ErrNotFound.
	Event(ctx context.Context, slug string) (*convened.Event, error)
	// AddRegistrations writes what a form was sent.
	AddRegistrations(ctx context.Context, list []store.Entry) ([]convened.RegistrationID, error)
}

// signUpRoutes adds the page:
//
//	GET  /e/{slug}    the event and a form;  POST registers
//
// ?language= and ?zone= say in which language and on whose clock the event is shown;
// without them it is the browser's language, and the zone that its script guesses.
// ?embed is the page for a frame in another site: see mayEmbed.
func (g *registrant) signUpRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+g.prefix+"/e/{slug}", g.offered(g.showSignUp))
	mux.HandleFunc("POST "+g.prefix+"/e/{slug}", g.offered(g.signUp))
}

// A signUpPage is what signup.html sees.
type signUpPage struct {
	*page
	W      *signUpWords
	Action string // where the form goes
	Closed string // why nobody can register; "" somebody can
	Thanks bool   // somebody just did
	Others []otherLanguage

	// As it was typed, and what is wrong with it:
	Email, Called, EmailFault string
}

// An otherLanguage is the same page in another language.
type otherLanguage struct {
	Code, Name, URL string
	Here            bool
}

// A guest is a request for the sign-up page of an event that has one.
type guest struct {
	event    *convened.Event
	now      time.Time
	language string
	zone     string // as IANA has it; "" is not known
	embedded bool
}

// offered looks for the event of a request. To one without a page there is none.
func (g *registrant) offered(answer func(http.ResponseWriter, *http.Request, *guest)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		event, err := g.Seats.Event(r.Context(), r.PathValue("slug"))
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			g.unavailable(w, r, err)
			return
		}
		if g.down.Swap(false) {
			g.Logger.Info("the registrants' pages are there again")
		}
		if err != nil || !event.SignUp {
			g.notFound(w, r)
			return
		}
		v := &guest{event: event, now: g.Clock()}
		q := r.URL.Query()
		v.embedded = q.Has("embed")
		if v.language = q.Get("language"); !slices.Contains(convened.Languages(), v.language) {
			v.language = languageFor(r, event)
		}
		if _, err := convened.LoadZone(q.Get("zone")); err == nil {
			v.zone = q.Get("zone")
		}
		h := w.Header()
		h.Set("Vary", "Accept-Language")
		policy := registrantPolicy + "; script-src 'self'"
		if v.embedded {
			policy = strings.Replace(policy, "frame-ancestors 'none'", "frame-ancestors "+strings.Join(append([]string{"'self'"}, g.mayEmbed(event)...), " "), 1)
			h.Set("Cross-Origin-Resource-Policy", "cross-origin")
		}
		h.Set("Content-Security-Policy", policy)
		answer(w, r, v)
	}
}

// languageFor is the first language that the browser asks for and that there is,
// else the event's.
func languageFor(r *http.Request, e *convened.Event) string {
	if l, asked := askedLanguage(r); asked {
		return l
	}
	return convened.LetterLanguage(e, &convened.Registration{})
}

// mayEmbed lists the sites whose pages may show the form in a frame: the one of the
// event's own page, and those of public.embed_on.
func (g *registrant) mayEmbed(e *convened.Event) []string {
	sites := slices.Clone(g.EmbedOn)
	if u, err := url.Parse(e.PageURL); err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http") && plainHost(u.Host) {
		sites = append(sites, u.Scheme+"://"+u.Host)
	}
	return sites
}

// plainHost reports whether a host means the same in a policy.
func plainHost(host string) bool { return !strings.ContainsAny(host, " ;,'\"*\t\r\n") }

// query is what says how a guest sees the page.
func (v *guest) query(language string, more ...string) string {
	q := url.Values{"language": {language}}
	if v.zone != "" {
		q.Set("zone", v.zone)
	}
	if v.embedded {
		q.Set("embed", "1")
	}
	for _, m := range more {
		q.Set(m, "1")
	}
	return "?" + q.Encode()
}

// signUpPageOf gathers what there is to say to a guest.
func (g *registrant) signUpPageOf(v *guest) *signUpPage {
	claim := &convened.Claim{
		Notice:       convened.Notice{Event: v.event.Slug, Kind: convened.Confirmation, Occasion: "1"},
		Event:        *v.event,
		Registration: convened.Registration{Event: v.event.Slug, Language: v.language, Zone: v.zone},
	}
	p := &signUpPage{page: g.newPage(v.language), W: signUpWordsIn[v.language]}
	l := templates.Facts(v.now, claim, templates.Links{})
	p.Event, p.Title, p.Colours, p.Embedded = l, l.Title, g.coloursURL(l.Colours.Accent), v.embedded
	p.Starts, p.Ends = l.Starts.Format(time.RFC3339), l.Ends.Format(time.RFC3339)
	at := g.prefix + "/e/" + v.event.Slug
	p.Action, p.ZoneOfEvent = at+v.query(v.language), v.event.Zone
	for _, code := range convened.Languages() {
		p.Others = append(p.Others, otherLanguage{code, languageNames[code], at + v.query(code), code == v.language})
	}
	switch {
	case l.EventOff:
		p.Closed = p.W.Off
	case l.Ended:
		p.Closed = p.W.Over
	default:
		p.offer(&visit{claim: claim, now: v.now})
	}
	return p
}

// showSignUp shows the event, and the form while somebody can register.
func (g *registrant) showSignUp(w http.ResponseWriter, r *http.Request, v *guest) {
	p := g.signUpPageOf(v)
	if p.Closed == "" {
		if p.Thanks = r.URL.Query().Has("done"); p.Thanks {
			p.Title = p.W.Thanks + " – " + p.Title
		} else if v.zone == "" {
			p.Script = g.assets["zone.js"].url
		}
	}
	g.render(w, http.StatusOK, "signup", p)
}

// signUp registers. Whatever becomes of it, the answer is the same page, but for what
// can be seen in the form itself: a field that people do not see and programs fill in
// is no registration, and says so to nobody.
func (g *registrant) signUp(w http.ResponseWriter, r *http.Request, v *guest) {
	if !g.readable(w, r) {
		return
	}
	e := store.Entry{Event: v.event.Slug, Email: r.PostFormValue("email"), Name: r.PostFormValue("name"), CreatedAt: v.now}
	if l := r.PostFormValue("language"); slices.Contains(convened.Languages(), l) {
		e.Language = l
	}
	if z := r.PostFormValue("zone"); z != "" {
		if _, err := convened.LoadZone(z); err == nil {
			e.Zone, v.zone = z, z
		}
	}
	p := g.signUpPageOf(v)
	if p.Closed != "" {
		g.render(w, http.StatusOK, "signup", p)
		return
	}
	if _, err := address.Parse(e.Email); err != nil {
		p.Email, p.Called, p.EmailFault, p.Title = e.Email, e.Name, p.W.EmailFault, p.W.EmailFault+" – "+p.Title
		p.choose(e.Language)
		g.render(w, http.StatusUnprocessableEntity, "signup", p)
		return
	}
	if !g.signUps.allow(v.now, clientOf(r)) || !g.allSignUps.AllowN(v.now, 1) {
		w.Header().Set("Retry-After", "60")
		g.sorry(http.StatusTooManyRequests)(w, r)
		return
	}
	if r.PostFormValue(honeypot) == "" {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), changeLimit)
		defer cancel()
		if _, err := g.Seats.AddRegistrations(ctx, []store.Entry{e}); err != nil {
			g.unavailable(w, r, err)
			return
		}
		g.Logger.Info("signed up", "event", v.event.Slug)
		g.Wake()
	}
	w.Header().Set("Location", g.prefix+"/e/"+v.event.Slug+v.query(v.language, "done"))
	w.WriteHeader(http.StatusSeeOther)
}

// honeypot is the field that people do not see.
const honeypot = "subject"

// choose has the form say a language that was chosen.
func (p *signUpPage) choose(language string) {
	for i := range p.Languages {
		p.Languages[i].Chosen = p.Languages[i].Value == language || language == "" && p.Languages[i].Value == p.Language
	}
}

// A signUpOffer is where people register for an event, for the organiser to pass on.
type signUpOffer struct {
	W       *embedWords
	URL     string
	Snippet string // HTML for a page of another site
}

// signUpOffered says where people register for the event of an errand; nil where it has
// no page for that.
func (c *organiser) signUpOffered(e *errand) *signUpOffer {
	if c.Public == "" || !e.event.SignUp {
		return nil
	}
	o := &signUpOffer{W: embedWordsIn[e.Language], URL: c.Public + "/e/" + e.event.Slug}
	o.Snippet = fmt.Sprintf(`<iframe src="%s?embed" title="%s" width="100%%" height="900" loading="lazy" style="border: 0"></iframe>`,
		o.URL, html.EscapeString(signUpWordsIn[convened.LetterLanguage(e.event, &convened.Registration{})].Register))
	return o
}
