package console

import (
	"context"
	"net/http"
	"time"

	"convened"
	"convened/desk"
	"convened/scheduler"
	"convened/store"
)

// How long a page waits for what it can't be without, and for what can follow.
const (
	figuresPatience = 20 * time.Second
	planPatience    = 25 * time.Millisecond
)

// How often a page that is open asks how things stand, in seconds: while letters
// leave, and while none do.
const (
	busySeconds = 2
	calmSeconds = 15
)

// An overviewPage shows how an event stands.
type overviewPage struct {
	*frame
	W        *eventWords
	Figures  *store.Figures
	Bursts   []burstLine
	Every    int // in how many seconds to look again
	Troubles []trouble
	Timeline *timeline
	SignUp   *signUpOffer // nil: people register elsewhere
}

// A burstLine is how far the letters of one occasion are.
type burstLine struct {
	Name     string
	Done, Of int
	Said     string // "12,000 of 100,000"
}

// A trouble is what somebody should look at.
type trouble struct {
	Text string
	Path string // where; "" nowhere
}

func (c *organiser) overview(w http.ResponseWriter, r *http.Request, e *errand) {
	p, ok := c.newOverview(w, r, e)
	if !ok {
		return
	}
	p.Title = p.Named
	p.SignUp = c.signUpOffered(e)
	p.tell(r, p.W.Did)
	if !c.addTimeline(w, r, e, p) {
		return
	}
	c.render(w, http.StatusOK, "overview", p)
}

// live is the part that changes by itself.
func (c *organiser) live(w http.ResponseWriter, r *http.Request, e *errand) {
	if !byHTMX(r) {
		c.lead(w, "/events/"+e.event.Slug, "")
		return
	}
	if p, ok := c.newOverview(w, r, e); ok {
		c.part(w, "overview", "live", p)
	}
}

// drawing is the timeline, once what it has to say of the future is there.
func (c *organiser) drawing(w http.ResponseWriter, r *http.Request, e *errand) {
	if !byHTMX(r) {
		c.lead(w, "/events/"+e.event.Slug, "")
		return
	}
	p, ok := c.newOverview(w, r, e)
	if ok && c.addTimeline(w, r, e, p) {
		c.part(w, "overview", "timeline", p)
	}
}

// figuresOf counts how an event stands; the answer may be some seconds old.
func (c *organiser) figuresOf(r *http.Request, e *errand) (*store.Figures, error) {
	slug := e.event.Slug
	f, there, err := c.figures.get(r.Context(), slug, 0, figuresPatience, func(ctx context.Context) (*store.Figures, error) { return c.Desk.Store.Figures(ctx, slug) })
	if err == nil && !there {
		err = store.ErrUnavailable
	}
	return f, err
}

func (c *organiser) newOverview(w http.ResponseWriter, r *http.Request, e *errand) (*overviewPage, bool) {
	p := &overviewPage{frame: e.frame, W: eventWordsIn[e.Language], Every: calmSeconds}
	slug := e.event.Slug
	var err error
	if p.Figures, err = c.figuresOf(r, e); err == nil {
		var bursts []store.Burst
		bursts, _, err = c.bursts.get(r.Context(), slug, 0, figuresPatience, func(ctx context.Context) ([]store.Burst, error) { return c.Desk.Store.Bursts(ctx, slug) })
		p.addBursts(e, bursts)
	}
	if err != nil {
		c.unavailable(w, r, e, err)
		return nil, false
	}
	if p.Troubles, err = c.troubles(r, e, p); err != nil {
		c.unavailable(w, r, e, err)
		return nil, false
	}
	return p, true
}

func (p *overviewPage) addBursts(e *errand, bursts []store.Burst) {
	rules := rulesInWords(e.event, p.Language)
	for _, b := range bursts {
		if b.Due.After(e.now) {
			continue // waits for its next try
		}
		p.Every = busySeconds
		done := b.Of - b.Left
		p.Bursts = append(p.Bursts, burstLine{p.nameOf(b.Kind, b.Occasion, rules), done, b.Of, p.W.of(p.Number(done), p.Number(b.Of))})
	}
}

// nameOf says what a mail is: a rule in words, or its kind.
func (p *overviewPage) nameOf(kind convened.Kind, occasion string, rules map[string]string) string {
	if o, err := convened.ParseOccasion(occasion); err == nil && (kind == convened.ReminderKind || kind == convened.Followup) {
		if s := rules[o.Key]; s != "" {
			return s
		}
		return o.Key // of a rule that is not there any more
	}
	if kind == convened.Cancellation && occasion == "" {
		return p.W.Withdrawals
	}
	return p.W.Kinds[kind]
}

// Sent is how many letters have left.
func (p *overviewPage) Sent() int { return p.letters(convened.Sent) }

// Underway is how many letters are to leave, or may have.
func (p *overviewPage) Underway() int {
	return p.letters(convened.Planned, convened.Claimed, convened.Unknown)
}

// letters counts those in the given states.
func (p *overviewPage) letters(states ...convened.State) int {
	n := 0
	for i := range p.Figures.Mails {
		n += p.Figures.Mails[i].Count(states...)
	}
	return n
}

// linkWanted is how long before the start an event should have a link.
const linkWanted = 3 * 24 * time.Hour

// troubles says what somebody should look at.
func (c *organiser) troubles(r *http.Request, e *errand, p *overviewPage) ([]trouble, error) {
	var list []trouble
	q, _, err := c.quarantine.get(r.Context(), "", 0, figuresPatience, func(ctx context.Context) (*convened.Quarantine, error) { return c.Desk.Store.Quarantine(ctx) })
	if err != nil {
		return nil, err
	}
	if q != nil {
		list = append(list, trouble{p.W.Quarantined, p.sectionAt("/held")})
	}
	if n := p.letters(convened.Held); n > 0 {
		list = append(list, trouble{p.Count(n, p.W.HeldOne, p.W.HeldMany), p.sectionAt("/held")})
	}
	if n := p.letters(convened.Refused); n > 0 {
		list = append(list, trouble{p.Count(n, p.W.RefusedOne, p.W.RefusedMany), p.sectionAt("/failures")})
	}
	ev := e.event
	if ev.Status == convened.Scheduled && ev.JoinURL == "" && len(ev.Location) == 0 && e.now.Before(ev.Ends) && ev.Starts.Sub(e.now) < linkWanted {
		list = append(list, trouble{p.W.LinkMissing, ""})
	}
	return list, nil
}

// sectionAt is the address of a page of the event or of the console, if there is one.
func (f *frame) sectionAt(path string) string {
	for _, s := range eventSections {
		if s.path == path {
			return f.Base() + path
		}
	}
	for _, s := range places {
		if s.path == path {
			return f.Prefix + path
		}
	}
	return ""
}

// addTimeline draws the mails. Who gets those to come is known a moment later where
// there are many registrants: until then the drawing is without the numbers.
func (c *organiser) addTimeline(w http.ResponseWriter, r *http.Request, e *errand, p *overviewPage) bool {
	slug, now := e.event.Slug, e.now
	plan, there, err := c.plans.get(r.Context(), slug, e.event.Revision, planPatience, func(ctx context.Context) (*desk.Plan, error) {
		return c.Desk.Plan(ctx, now, slug, time.Time{})
	})
	if err != nil {
		c.unavailable(w, r, e, err)
		return false
	}
	var future []scheduler.Mailing
	if there {
		future = plan.Mails
	} else if e.event.Status == convened.Scheduled {
		for _, o := range scheduler.Occasions(e.event) {
			kind := convened.ReminderKind
			if !o.At.Before(e.event.Ends) {
				kind = convened.Followup
			}
			future = append(future, scheduler.Mailing{Kind: kind, Occasion: o, At: o.At, Last: o.At})
		}
	}
	p.Timeline = p.draw(e, future, there)
	return true
}

// Spread says in which languages the letters are.
func (p *overviewPage) Spread() string {
	n := map[string]int{}
	for language, people := range p.Figures.Languages {
		n[convened.LetterLanguage(p.Event, &convened.Registration{Language: language})] += people
	}
	if s := p.languages(n); s != "" {
		return fill(p.W.InLanguages, s)
	}
	return ""
}
