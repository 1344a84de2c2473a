package console

import (
	"bytes"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"convened"
	"convened/scheduler"
	"convened/templates"
)

// What the last click did, as ?done= says it. Whatever else stands there is ignored,
// and so is what is not so: nobody can put words into a page by a link.
const (
	didMute   = "muted"
	didUnmute = "unmuted"
	didSave   = "saved"
	didCancel = "cancelled"
)

// A page is what the templates see.
type page struct {
	*words
	Language string
	Title    string // of the document
	Done     string // what the last click did; "" nothing
	Style    string // URL of the style sheet
	Icon     string // URL
	Colours  string // URL of the event's own colours; "" the house's
	Script   string // URL of a script; "" none
	Embedded bool   // it stands in a frame of another site

	// Of a page that can't be shown:
	Heading, More string

	signUpAt string // where the pages are on which one registers

	// Of a page about a seat:
	Base  string            // its URL, without the host
	Out   string            // where reminders are stopped
	Feed  template.URL      // of the person's calendar
	Event *templates.Letter // what the letters say of it
	State string            // "registered", "underway", "over", "off" or "left"
	Lead  string            // what follows from the state; "" nothing

	SignUp string // URL of the page on which one registers again; "" none

	MayJoin   bool // there is something to join, and to put into a calendar
	MayCancel bool
	MayMute   bool // reminders or a follow-up may come
	MayChoose bool
	IsMuted   bool

	Starts, Ends string // machine-readable
	Languages    []option
	AsTheEvent   string // what the zone of the event is called
	OtherZone    *option
	UTC          bool
	Regions      []region
	ZoneOfEvent  string // on the page on which one registers, where another may be guessed; ""
}

// An option is one that may be chosen.
type option struct {
	Value, Name string
	Chosen      bool
}

// A region is a group of zones.
type region struct {
	Name  string
	Zones []option
}

// newPage begins a page in a language.
func (s *site) newPage(language string) *page {
	return &page{words: wordsIn[language], Language: language, Style: s.assets["style.css"].url, Icon: s.assets["icon.svg"].url, signUpAt: s.prefix + "/e/"}
}

// pageOf gathers what there is to say to a visitor, and what may be done now.
func (g *registrant) pageOf(v *visit) *page {
	links := templates.Links{Manage: g.origin + v.base, Cancel: g.origin + v.base + "/cancel", Unsubscribe: g.origin + v.out}
	if inv, err := g.Letters.Invitation(v.now, v.claim); err == nil {
		add := inv.Links()
		links.Google, links.Outlook, links.Yahoo = add.Google, add.Outlook, add.Yahoo
	} // else there is no such link
	l := templates.Facts(v.now, v.claim, links)
	p := g.newPage(l.Language)
	p.Base, p.Out, p.Event, p.Title = v.base, v.out, l, l.Title
	p.Feed = template.URL("webcal://" + v.feed) //nolint:gosec // of our own making, with a scheme that html/template does not know
	p.Colours = g.coloursURL(l.Colours.Accent)
	p.IsMuted = !v.claim.Registration.MutedAt.IsZero()
	p.Starts, p.Ends = l.Starts.Format(time.RFC3339), l.Ends.Format(time.RFC3339)
	p.stand(v.now, &v.claim.Event)
	if p.MayChoose {
		p.offer(v)
	}
	return p
}

// stand says how things stand and what may be done about it.
func (p *page) stand(now time.Time, e *convened.Event) {
	l := p.Event
	switch {
	case l.EventOff:
		p.State, p.Lead = "off", p.OffMore
		return
	case l.SeatGivenUp:
		p.State, p.Lead = "left", p.LeftMore
		if e.SignUp && !l.Ended {
			p.SignUp = p.signUpAt + e.Slug + "?language=" + p.Language
		}
		return
	case l.Ended:
		p.State = "over"
		p.MayMute = slices.ContainsFunc(scheduler.Occasions(e), func(o convened.Occasion) bool { return o.At.After(now) })
		p.MayChoose = p.MayMute
		return
	case l.Begun:
		p.State, p.Lead = "underway", p.Begun
		if l.JoinURL != "" {
			p.Lead = p.BegunIn
		}
	default:
		p.State, p.Lead = "registered", fill(p.BeginsIn, l.StartsIn)
	}
	p.MayJoin, p.MayCancel, p.MayMute, p.MayChoose = true, true, true, true
}

// Status names the state.
func (p *page) Status() string {
	return map[string]string{"registered": p.Registered, "underway": p.UnderWay, "over": p.Over, "off": p.Off, "left": p.Left}[p.State]
}

// offer lists the languages and the zones, as they are called and as they are now.
func (p *page) offer(v *visit) {
	for _, l := range convened.Languages() {
		p.Languages = append(p.Languages, option{l, languageNames[l], l == p.Language})
	}
	p.AsTheEvent = fill(p.AsEvent, templates.ZoneAt(p.Language, v.now, v.claim.Event.TimeLocation()))
	chosen := v.claim.Registration.Zone
	if _, err := convened.LoadZone(chosen); err != nil {
		chosen = ""
	}
	found := chosen == "" || chosen == "UTC"
	p.UTC = chosen == "UTC"
	for _, r := range templates.Regions(p.Language, v.now) {
		zones := make([]option, len(r.Zones))
		for i, z := range r.Zones {
			zones[i] = option{z.ID, z.Name, z.ID == chosen}
			found = found || z.ID == chosen
		}
		p.Regions = append(p.Regions, region{r.Name, zones})
	}
	if !found { // an older name of one of them
		p.OtherZone = &option{chosen, templates.ZoneAt(p.Language, v.now, v.claim.Registration.TimeLocation(&v.claim.Event)), true}
	}
}

// tell says what the last click did, where that is so.
func (p *page) tell(done string) {
	switch {
	case done == didMute && p.IsMuted && p.MayCancel:
		p.Done = p.DidMute
	case done == didMute && p.IsMuted && p.MayMute:
		p.Done = p.AfterMuted
	case done == didUnmute && !p.IsMuted && p.MayCancel:
		p.Done = p.DidUnmute
	case done == didUnmute && !p.IsMuted && p.MayMute:
		p.Done = p.AfterOn
	case done == didSave && p.MayChoose:
		p.Done = p.DidSave
	case p.State == "left" || p.State == "off":
		// The page says it already.
		p.Title = p.Status() + " – " + p.Title
	}
	if p.Done != "" {
		p.Title = p.Done + " – " + p.Title // what a screen reader says first
	}
}

// fill puts a word in the place of %s.
func fill(s, word string) string { return strings.Replace(s, "%s", word, 1) }

// render writes a page whole, or an error page instead.
func (g *registrant) render(w http.ResponseWriter, status int, name string, p any) {
	var b bytes.Buffer
	if err := g.pages[name].Execute(&b, p); err != nil {
		g.Logger.Error("a page can't be made", "page", name, "error", err.Error())
		status = http.StatusInternalServerError
		b.Reset()
		b.WriteString("500\n")
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // who does not take it has gone
}

// sorry answers with a page that says what can't be done, in the language of the
// browser: it is about nobody.
func (g *registrant) sorry(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		p := g.newPage(languageOf(r))
		switch status {
		case http.StatusNotFound:
			p.Heading, p.More = p.NotFound, p.NotFoundMore
		case http.StatusForbidden:
			p.Heading, p.More = p.Foreign, p.ForeignMore
		case http.StatusTooManyRequests:
			p.Heading, p.More = p.TooMany, p.TooManyMore
		case http.StatusServiceUnavailable:
			p.Heading, p.More = p.Unavailable, p.UnavailableMore
		case http.StatusBadRequest, http.StatusRequestEntityTooLarge:
			p.Heading, p.More = p.Unreadable, p.UnreadableMore
		default:
			p.Heading, p.More = p.Broken, p.BrokenMore
		}
		p.Title = p.Heading
		w.Header().Set("Vary", "Accept-Language")
		g.render(w, status, "sorry", p)
	}
}
