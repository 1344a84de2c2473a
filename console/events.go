package console

import (
	"net/http"
	"time"

	"convened"
)

func (c *organiser) eventRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+c.prefix+"/{$}", c.signedIn(func(w http.ResponseWriter, _ *http.Request, _ *errand) { c.lead(w, "/events", "") }))
	mux.HandleFunc("GET "+c.prefix+"/events", c.signedIn(c.events))
	mux.HandleFunc("GET "+c.prefix+"/events/{slug}", c.mayView(c.overview))
}

// An eventsPage lists the events that the user may see.
type eventsPage struct {
	*frame
	W      *eventWords
	Groups []eventGroup
}

// An eventGroup is those that are to come, or those that are past.
type eventGroup struct {
	Name  string
	Lines []eventLine
}

// An eventLine is one event.
type eventLine struct {
	Slug, Title, When, Zone     string
	Starts                      time.Time
	CalledOff                   bool
	Registered, Sent, Attention int
}

func (c *organiser) events(w http.ResponseWriter, r *http.Request, e *errand) {
	list, err := e.desk.Store.Events(r.Context(), e.now)
	if err != nil {
		c.unavailable(w, r, e, err)
		return
	}
	p := eventsPage{frame: e.frame, W: eventWordsIn[e.Language]}
	p.Title = p.Events
	groups := []eventGroup{{Name: p.W.Upcoming}, {Name: p.W.Past}}
	for _, s := range list {
		ev := s.Event
		if e.user.RoleOn(ev.Slug) == convened.NoRole {
			continue
		}
		on := e.On(ev.TimeLocation())
		l := eventLine{Slug: ev.Slug, Title: ev.Title.In(e.Language, ev.Language), When: on.Date(ev.Starts) + ", " + on.Hours(ev.Starts, ev.Ends), Zone: on.Zone(ev.Starts),
			Starts: ev.Starts, CalledOff: ev.Status == convened.EventIsOff, Registered: s.Registered}
		for _, states := range s.Notices {
			l.Sent += states[convened.Sent]
			l.Attention += states[convened.Refused] + states[convened.Held]
		}
		g := &groups[0]
		if !e.now.Before(ev.Ends) {
			g = &groups[1]
		}
		g.Lines = append(g.Lines, l)
	}
	for _, g := range groups {
		if len(g.Lines) > 0 {
			p.Groups = append(p.Groups, g)
		}
	}
	c.render(w, http.StatusOK, "events", p)
}

// An overviewPage shows how an event stands.
type overviewPage struct {
	*frame
	W *eventWords
}

func (c *organiser) overview(w http.ResponseWriter, _ *http.Request, e *errand) {
	p := overviewPage{frame: e.frame, W: eventWordsIn[e.Language]}
	p.Title = p.Named
	c.render(w, http.StatusOK, "overview", p)
}
