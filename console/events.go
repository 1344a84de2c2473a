package console

import (
	"context"
	"net/http"
	"time"

	"convened"
	"convened/store"
)

func (c *organiser) eventRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+c.prefix+"/{$}", c.signedIn(func(w http.ResponseWriter, _ *http.Request, _ *errand) { c.lead(w, "/events", "") }))
	mux.HandleFunc("GET "+c.prefix+"/events", c.signedIn(c.events))
	path := c.prefix + "/events/{slug}"
	mux.HandleFunc("GET "+path, c.mayView(c.overview))
	mux.HandleFunc("GET "+path+"/live", c.mayView(c.live))
	mux.HandleFunc("GET "+path+"/timeline", c.mayView(c.drawing))
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
	list, there, err := c.summaries.get(r.Context(), "", 0, figuresPatience, func(ctx context.Context) ([]store.EventSummary, error) { return c.Desk.Store.Events(ctx, e.now) })
	if err == nil && !there {
		err = store.ErrUnavailable
	}
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
