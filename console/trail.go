package console

import (
	"net/http"
	"strconv"

	"convened"
)

// deedsOnPage is how many deeds one page of the trail shows.
const deedsOnPage = 100

func (c *organiser) trailRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+c.prefix+"/history", c.administers(c.trail))
	mux.HandleFunc("GET "+c.prefix+"/events/{slug}/history", c.mayView(c.trail))
}

// A trailPage says who did what.
type trailPage struct {
	*frame
	W     *trailWords
	Deeds []convened.Deed
	Older int64 // the page goes on before this one; 0: it is the last
}

// trail shows what was done with an event, or with all.
func (c *organiser) trail(w http.ResponseWriter, r *http.Request, e *errand) {
	p := trailPage{frame: e.frame, W: trailWordsIn[e.Language]}
	p.Title = p.History
	before, _ := strconv.ParseInt(r.URL.Query().Get("before"), 10, 64) // nonsense is the first page
	slug := ""
	if e.event != nil {
		slug = e.event.Slug
		p.Title += " – " + e.Named
	}
	deeds, err := e.desk.Store.Deeds(r.Context(), slug, max(0, before), deedsOnPage+1)
	if err != nil {
		c.unavailable(w, r, e, err)
		return
	}
	if len(deeds) > deedsOnPage {
		deeds = deeds[:deedsOnPage]
		p.Older = deeds[deedsOnPage-1].ID
	}
	p.Deeds = deeds
	c.render(w, http.StatusOK, "trail", p)
}

// What is a deed's name in the language of the page.
func (p trailPage) What(d convened.Deed) string {
	if s := p.W.Deeds[d.What]; s != "" {
		return s
	}
	return d.What
}

// Via says by which way it was done.
func (p trailPage) Via(d convened.Deed) string {
	if d.Via == convened.ByCommand {
		return p.W.Command
	}
	if d.Via == convened.ByAPI {
		return "API"
	}
	return p.W.Console
}
