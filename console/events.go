package console

import (
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"strconv"
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
	Older  int  // the page of past events that comes next; 0: this is the last
	Begun  bool // those that are to come are on an earlier page
}

// pastOnPage is how many past events a page shows: all the mails of each are counted.
const pastOnPage = 25

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
	p := eventsPage{frame: e.frame, W: eventWordsIn[e.Language]}
	p.Title = p.Events
	page, err := strconv.Atoi(r.URL.Query().Get("past"))
	if err != nil {
		page = 0 // nonsense is the first page
	}
	list, err := c.listed(r, e, &p, page)
	if err != nil {
		c.unavailable(w, r, e, err)
		return
	}
	groups := []eventGroup{{Name: p.W.Upcoming}, {Name: p.W.Past}}
	for _, s := range list {
		ev := s.Event
		on := e.On(ev.TimeLocation())
		l := eventLine{Slug: ev.Slug, Title: ev.Title.In(e.Language, ev.Language), When: on.Date(ev.Starts) + ", " + on.Hours(ev.Starts, ev.Ends), Zone: on.Zone(ev.Starts),
			Starts: ev.Starts, CalledOff: ev.Status == convened.EventIsOff, Registered: s.Registered}
		for _, states := range s.Notices {
			l.Sent += states[convened.Sent]
			l.Attention += states[convened.Refused] + states[convened.Held]
		}
		g := &groups[0]
		if over(e, s) {
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

func over(e *errand, s store.EventSummary) bool { return !e.now.Before(s.Event.Ends) }

// listed returns the events of a page, counted: on the first all that are to come,
// and on each a part of those that are past.
func (c *organiser) listed(r *http.Request, e *errand, p *eventsPage, page int) ([]store.EventSummary, error) {
	all, there, err := c.summaries.get(r.Context(), "", 0, figuresPatience, func(ctx context.Context) ([]store.EventSummary, error) { return c.Desk.Store.Events(ctx, e.now) })
	if err == nil && !there {
		err = store.ErrUnavailable
	}
	if err != nil {
		return nil, err
	}
	var list, past []store.EventSummary
	for _, s := range all {
		switch {
		case e.user.RoleOn(s.Event.Slug) == convened.NoRole:
		case over(e, s):
			past = append(past, s)
		default:
			list = append(list, s)
		}
	}
	page = min(max(page, 0), max(len(past)-1, 0)/pastOnPage)
	if (page+1)*pastOnPage < len(past) {
		p.Older = page + 1
	}
	if p.Begun = page > 0; p.Begun {
		list = nil
	}
	list = append(list, past[min(page*pastOnPage, len(past)):min((page+1)*pastOnPage, len(past))]...)
	which := fnv.New32a()
	for _, s := range list {
		_, _ = io.WriteString(which, s.Event.Slug+"\n") // it never fails
	}
	list, there, err = c.counted.get(r.Context(), fmt.Sprint(e.user.ID, page), int(which.Sum32()), figuresPatience, func(ctx context.Context) ([]store.EventSummary, error) {
		if err := c.Desk.Store.CountSeats(ctx, list); err != nil {
			return nil, err
		}
		return list, c.Desk.Store.CountNotices(ctx, list)
	})
	if err == nil && !there {
		err = store.ErrUnavailable
	}
	return list, err
}
