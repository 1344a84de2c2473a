package console

import (
	"errors"
	"net/http"
	"slices"
	"strconv"

	"convened"
	"convened/desk"
	"convened/templates"
)

// This file holds what does not go as it should, and what there is to decide: letters
// that do not arrive, and those that are held.

func (c *organiser) failureRoutes(mux *http.ServeMux) {
	failures, held := c.prefix+"/events/{slug}/failures", c.prefix+"/events/{slug}/held"
	mux.HandleFunc("GET "+failures, c.mayView(c.failures))
	mux.HandleFunc("POST "+failures, c.mayEdit(c.retry))
	mux.HandleFunc("GET "+held, c.mayView(c.held))
	mux.HandleFunc("POST "+held, c.mayEdit(c.release))
}

// count counts letters.
func (w *failureWords) count(s templates.Speech, n int) string {
	return s.Count(n, w.OneLetter, w.Letters)
}

// A failuresPage says what does not arrive, by cause, with what to do.
type failuresPage struct {
	*frame
	W      *failureWords
	Groups []desk.FailureGroup
}

// Advice says what to do about a fault.
func (p failuresPage) Advice(f desk.Fault) desk.Advice { return f.Advice(p.Language) }

// LettersOf and PeopleOf count them.
func (p failuresPage) LettersOf(n int) string { return p.W.count(p.Speech, n) }
func (p failuresPage) PeopleOf(n int) string  { return p.Count(n, p.W.OnePerson, p.W.Persons) }

func (c *organiser) failures(w http.ResponseWriter, r *http.Request, e *errand) {
	p := failuresPage{frame: e.frame, W: failureWordsIn[e.Language]}
	p.Title = p.Failures + " – " + e.Named
	p.tell(r, map[string]string{"retried": p.W.DidRetry})
	var err error
	if p.Groups, err = e.desk.Failures(r.Context(), e.event.Slug); err != nil {
		c.unavailable(w, r, e, err)
		return
	}
	c.render(w, http.StatusOK, "failures", p)
}

// A heldPage says what is held, by reason.
type heldPage struct {
	*frame
	W          *failureWords
	Groups     []heldGroup
	Quarantine *convened.Quarantine // nothing is sent at all; nil: nothing is in the way
}

// A heldGroup is what is held for one reason.
type heldGroup struct {
	Cause   convened.Cause
	Words   heldWords
	Notices int
}

// LettersOf counts letters.
func (p heldPage) LettersOf(n int) string { return p.W.count(p.Speech, n) }

func (c *organiser) held(w http.ResponseWriter, r *http.Request, e *errand) {
	p := heldPage{frame: e.frame, W: failureWordsIn[e.Language]}
	p.Title = p.Held + " – " + e.Named
	p.tell(r, map[string]string{"released": p.W.DidRelease})
	holdings, err := e.desk.Store.Holdings(r.Context(), e.event.Slug)
	if err == nil {
		p.Quarantine, err = e.desk.Store.Quarantine(r.Context())
	}
	if err != nil {
		c.unavailable(w, r, e, err)
		return
	}
	for _, h := range holdings {
		i := slices.IndexFunc(p.Groups, func(g heldGroup) bool { return g.Cause == h.Cause })
		if i < 0 {
			i, p.Groups = len(p.Groups), append(p.Groups, heldGroup{Cause: h.Cause, Words: p.W.Causes[h.Cause]})
		}
		p.Groups[i].Notices += h.Notices
	}
	c.render(w, http.StatusOK, "held", p)
}

// A releasePage asks before letters go out: who gets them, and who does not.
type releasePage struct {
	*frame
	W       *failureWords
	Ask     string // the question, a heading
	Release *desk.Release
	Kinds   []kindCount
	Useless []reasonCount
	Stay    []reasonCount
	Action  string // where the form goes
	Name    string // of the field that says what it is about
	Value   string
	Button  string
	Return  string // URL of the page that it came from
}

// Who says who gets mail.
func (p *releasePage) Who() string {
	if p.Release.People == 0 {
		return p.W.NobodyGets
	}
	return fill(p.W.GetMail, p.Count(p.Release.People, p.W.OnePerson, p.W.Persons))
}

// LettersOf counts letters.
func (p *releasePage) LettersOf(n int) string { return p.W.count(p.Speech, n) }

// A kindCount is how many letters of a kind go.
type kindCount struct {
	Kind    string
	Letters int
}

// A reasonCount is how many notices there are to something.
type reasonCount struct {
	Why     string
	English bool
	Notices int
}

// release asks whether what is held for a reason is to go out, and lets it go when
// that is confirmed.
func (c *organiser) release(w http.ResponseWriter, r *http.Request, e *errand) {
	cause := convened.Cause(r.PostFormValue("cause"))
	if !slices.Contains(convened.HoldCauses(), cause) {
		c.sorry(w, r, e, http.StatusBadRequest)
		return
	}
	rel, err := e.desk.ProposeRelease(r.Context(), e.now, desk.Choice{Event: e.event.Slug, Cause: cause})
	words := failureWordsIn[e.Language]
	p := &releasePage{frame: e.frame, W: words, Ask: words.AskRelease, Release: rel, Action: e.Base() + "/held", Name: "cause", Value: string(cause), Button: words.ReleaseNow}
	c.decide(w, r, e, p, err, "/held", "released")
}

// retry does the same for letters that failed for one reason.
func (c *organiser) retry(w http.ResponseWriter, r *http.Request, e *errand) {
	fault := desk.Fault(r.PostFormValue("fault"))
	if !slices.Contains(desk.Faults(), fault) || !fault.Retriable() {
		c.sorry(w, r, e, http.StatusBadRequest)
		return
	}
	rel, err := e.desk.ProposeRetryOf(r.Context(), e.now, e.event.Slug, fault)
	words := failureWordsIn[e.Language]
	p := &releasePage{frame: e.frame, W: words, Ask: words.AskRetry, Release: rel, Action: e.Base() + "/failures", Name: "fault", Value: string(fault), Button: words.RetryNow}
	c.decide(w, r, e, p, err, "/failures", "retried")
}

// decide shows what letting letters go would do and, when that is confirmed by somebody
// who was shown as much, does it.
func (c *organiser) decide(w http.ResponseWriter, r *http.Request, e *errand, p *releasePage, err error, back, done string) {
	if errors.Is(err, convened.ErrEdited) {
		c.lead(w, "/events/"+e.event.Slug+back, "") // which shows how it is now
		return
	}
	if err != nil {
		c.unavailable(w, r, e, err)
		return
	}
	if r.PostFormValue("confirm") != "" {
		if shown, err := strconv.Atoi(r.PostFormValue("people")); err == nil && p.Release.People <= shown {
			if _, err := e.desk.Release(r.Context(), e.now, p.Release); err != nil {
				c.unavailable(w, r, e, err)
				return
			}
			c.Wake()
			c.lead(w, "/events/"+e.event.Slug+back, done)
			return
		}
		p.Problem = p.W.MorePeople
	}
	reasons := registrantWordsIn[e.Language]
	for _, l := range p.Release.Lines {
		name := reasons.Kinds[l.Kind]
		i := slices.IndexFunc(p.Kinds, func(k kindCount) bool { return k.Kind == name })
		if i < 0 {
			i, p.Kinds = len(p.Kinds), append(p.Kinds, kindCount{Kind: name})
		}
		p.Kinds[i].Letters += l.Notices
	}
	p.Useless, p.Stay = reasons.counted(p.Release.Useless, e.Language), reasons.counted(p.Release.Stay, e.Language)
	p.Title, p.Return = p.Ask+" – "+e.Named, e.Base()+back
	c.render(w, http.StatusOK, "release", p)
}
