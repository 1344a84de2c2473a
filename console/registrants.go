package console

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"convened"
	"convened/store"
)

// peopleOnPage is how many registrants one page of the list shows.
const peopleOnPage = 50

func (c *organiser) registrantRoutes(mux *http.ServeMux) {
	at := c.prefix + "/events/{slug}/registrants"
	mux.HandleFunc("GET "+at, c.mayView(c.registrants))
	mux.HandleFunc("GET "+at+"/{id}", c.mayView(c.person))
	mux.HandleFunc("POST "+at+"/{id}", c.mayEdit(c.mend))
}

// A registrantsPage lists the people of an event, or those whom a search finds.
type registrantsPage struct {
	*frame
	W         *registrantWords
	Query     string
	Standings []option
	People    []store.Person
	Older     string // URL of the page that goes on; "" it is the last
	Begun     bool   // it is not the first page
	Searching bool
}

// registrants shows a page of the list. htmx asks for the list alone, while somebody
// types.
func (c *organiser) registrants(w http.ResponseWriter, r *http.Request, e *errand) {
	p := registrantsPage{frame: e.frame, W: registrantWordsIn[e.Language]}
	p.Title = p.Registrants + " – " + e.Named
	p.tell(r, map[string]string{})
	q := r.URL.Query()
	search := store.Search{Event: e.event.Slug, Text: q.Get("q"), Limit: peopleOnPage + 1}
	if s := store.Standing(q.Get("state")); slices.Contains(store.Standings(), s) {
		search.Standing = s
	}
	before, _ := strconv.ParseInt(q.Get("before"), 10, 64) // nonsense is the first page
	search.Before = convened.RegistrationID(max(0, before))
	people, err := e.desk.Store.People(r.Context(), search)
	if err != nil {
		c.unavailable(w, r, e, err)
		return
	}
	p.Query, p.Begun, p.Searching = search.Text, search.Before > 0, search.Text != "" || search.Standing != store.Anyhow
	p.Standings = append(p.Standings, option{"", p.W.Everybody, search.Standing == store.Anyhow})
	for _, s := range store.Standings() {
		p.Standings = append(p.Standings, option{string(s), p.W.Standings[s], s == search.Standing})
	}
	if len(people) > peopleOnPage {
		people = people[:peopleOnPage]
		more := url.Values{"before": {strconv.FormatInt(int64(people[peopleOnPage-1].ID), 10)}}
		if search.Text != "" {
			more.Set("q", search.Text)
		}
		if search.Standing != store.Anyhow {
			more.Set("state", string(search.Standing))
		}
		p.Older = p.Base() + "/registrants?" + more.Encode()
	}
	p.People = people
	w.Header().Set("Vary", "HX-Request")
	if byHTMX(r) {
		c.part(w, "registrants", "people", p)
		return
	}
	c.render(w, http.StatusOK, "registrants", p)
}

// Found says how many there are on the page.
func (p registrantsPage) Found() string {
	n := p.Count(len(p.People), p.W.OnePerson, p.W.Persons)
	if p.Older != "" {
		return n + " – " + p.W.More
	}
	return n
}

// Condition says how it is with somebody.
func (p registrantsPage) Condition(one store.Person) string { return p.W.condition(&one) }

// Troubled reports whether it is as it should not be.
func (p registrantsPage) Troubled(one store.Person) bool { return troubled(&one) }

func troubled(one *store.Person) bool {
	return one.Condition() == store.AddressRefused || one.Condition() == store.IsUnconfirmed && one.Confirmation != convened.Planned && one.Confirmation != convened.Claimed
}

// condition says how it is with somebody, in the language of the page.
func (w *registrantWords) condition(one *store.Person) string {
	c := one.Condition()
	if c == store.IsUnconfirmed {
		return w.Confirmations[one.Confirmation]
	}
	return w.Conditions[c]
}
