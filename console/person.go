package console

import (
	"cmp"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"convened"
	"convened/desk"
	"convened/scheduler"
	"convened/store"
)

// A personPage tells one person's story: every mail, why it went out or not, and what
// is to come; and what can be done about it.
type personPage struct {
	*frame
	W           *registrantWords
	Person      store.Person
	Condition   string
	Troubled    bool
	At          string // URL of this page
	Letters     string // the language of the letters
	PersonZone  string // as the registration has it; "" is the event's
	Story       []storyLine
	Returns     []convened.Return
	Corrections []correctionLine
	Deeds       []convened.Deed
	Arriving    bool // nobody has planned it yet
	Known       int  // how many confirmations there were, for Resend

	MayMend bool   // there is a seat, and an event to come
	Ask     string // what is asked about: resend, correct, cancel; "" nothing
	To      string // the right address, as it was typed
	ToFault string // what is wrong with it
}

// A storyLine is one mail: scheduler.Line in the words of the page.
type storyLine struct {
	For, At  time.Time // At is zero where it did not go out and will not
	Mail     string
	Rule     string // "" for mails that no rule makes
	Verdict  scheduler.Verdict
	Outcome  string
	Why      string
	English  bool // Why is not in the language of the page
	Bad      bool // a server or somebody has kept it back
	Attempts []attemptLine
}

// An attemptLine is a try that came to nothing.
type attemptLine struct {
	At      time.Time
	Outcome string
	Words   string // the server's
}

// A correctionLine is a store.Correction, seen from this person.
type correctionLine struct {
	store.Correction
	Away bool // this one is the mistyped one
}

// person shows the story.
func (c *organiser) person(w http.ResponseWriter, r *http.Request, e *errand) {
	p, ok := c.personPageOf(w, r, e)
	if !ok {
		return
	}
	p.tell(r, map[string]string{"resent": p.W.DidResend, "corrected": p.W.DidCorrect, "cancelled": p.W.DidCancel})
	c.render(w, http.StatusOK, "person", p)
}

// personPageOf reads the story of the path's {id}. It answers where there is none,
// and then reports false.
func (c *organiser) personPageOf(w http.ResponseWriter, r *http.Request, e *errand) (*personPage, bool) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || id < 1 {
		c.sorry(w, r, e, http.StatusNotFound)
		return nil, false
	}
	one, err := e.desk.Person(r.Context(), e.event.Slug, convened.RegistrationID(id))
	if errors.Is(err, store.ErrNotFound) {
		c.sorry(w, r, e, http.StatusNotFound)
		return nil, false
	}
	if err != nil {
		c.unavailable(w, r, e, err)
		return nil, false
	}
	p := &personPage{frame: e.frame, W: registrantWordsIn[e.Language], Person: *one, At: e.Base() + "/registrants/" + r.PathValue("id")}
	p.Condition, p.Troubled = p.W.condition(one), troubled(one)
	p.Title = p.Who() + " – " + e.Named
	p.Letters = languageNames[convened.LetterLanguage(e.event, &one.Registration)]
	if one.Zone != "" {
		p.PersonZone = p.On(one.TimeLocation(e.event)).Zone(e.event.Starts)
	}
	p.Arriving = one.PlannedAt.IsZero() && one.ErasedAt.IsZero()
	p.MayMend = e.MayEdit && !p.Arriving && one.ErasedAt.IsZero() && one.CancelledAt.IsZero() && e.event.Status == convened.Scheduled && e.now.Before(e.event.Ends)
	if !one.ErasedAt.IsZero() {
		return p, true
	}
	x, err := e.desk.Explain(r.Context(), e.now, e.event.Slug, one.Email)
	if err != nil {
		c.unavailable(w, r, e, err)
		return nil, false
	}
	p.tellStory(x)
	return p, true
}

// Who names the person.
func (p *personPage) Who() string {
	switch {
	case strings.TrimSpace(p.Person.Name) != "":
		return p.Person.Name
	case p.Person.Email != "":
		return p.Person.Email
	}
	return p.W.Conditions[store.WasErased]
}

func (p *personPage) tellStory(x *desk.Explanation) {
	rules := rulesInWords(x.Event, p.Language)
	for _, l := range x.Lines {
		s := storyLine{For: l.Instant, At: l.At, Mail: p.W.Kinds[l.Kind], Verdict: l.Verdict, Outcome: p.W.Verdicts[l.Verdict]}
		if l.Rule != "" {
			s.Rule = cmp.Or(rules[l.Rule], l.Rule) // one that is not there any more is its own name
		}
		s.Why, s.English = p.W.reason(l.Why, p.Language)
		s.Bad = l.Verdict == scheduler.Held || x.Notices[l.Notice].State == convened.Refused
		for _, a := range x.Attempts[l.Notice] {
			if a.State != convened.Sent {
				s.Attempts = append(s.Attempts, attemptLine{a.At, p.W.Tries[a.State], a.Reply})
			}
		}
		p.Story = append(p.Story, s)
		if n, err := strconv.Atoi(l.Occasion); err == nil && l.Kind == convened.Confirmation && l.Notice != 0 {
			p.Known = max(p.Known, n)
		}
	}
	if s := x.Seat; s != nil {
		for _, r := range x.Corrections {
			p.Corrections = append(p.Corrections, correctionLine{r, r.From == s.ID})
		}
	}
	p.Returns, p.Deeds = x.Returns, x.Deeds
}

// Did names a deed.
func (p *personPage) Did(d convened.Deed) string { return trailWordsIn[p.Language].Deeds[d.What] }

// CameBack names what came back.
func (p *personPage) CameBack(r convened.Return) string { return p.W.Returned[r.Kind] }

// mend asks whether something is to be done about one person, and does it when that is
// confirmed.
func (c *organiser) mend(w http.ResponseWriter, r *http.Request, e *errand) {
	p, ok := c.personPageOf(w, r, e)
	if !ok {
		return
	}
	p.Ask, p.To = r.PostFormValue("do"), strings.TrimSpace(r.PostFormValue("to"))
	if p.Ask != "resend" && p.Ask != "correct" && p.Ask != "cancel" {
		c.sorry(w, r, e, http.StatusBadRequest)
		return
	}
	if !p.MayMend {
		p.Ask, p.Problem = "", p.W.Obstacles[store.SeatLeft]
		switch {
		case p.Arriving:
			p.Problem = p.W.Obstacles[store.NotPlanned]
		case e.event.Status == convened.EventIsOff:
			p.Problem = p.W.Obstacles[store.EventOff]
		case !e.now.Before(e.event.Ends):
			p.Problem = p.W.Obstacles[store.EventOver]
		}
		c.render(w, http.StatusUnprocessableEntity, "person", p)
		return
	}
	if p.Ask == "correct" {
		if fault := p.W.addressFault(&p.Person, p.To); fault != "" {
			p.ToFault, p.Problem = fault, fault
			if r.PostFormValue("to") == "" && r.PostFormValue("from") == "" {
				p.ToFault, p.Problem = "", "" // nothing was typed yet
			}
			c.renderAsked(w, p)
			return
		}
	}
	if r.PostFormValue("confirm") == "" {
		c.renderAsked(w, p)
		return
	}
	c.carryOut(w, r, e, p)
}

// renderAsked shows the page with its question.
func (c *organiser) renderAsked(w http.ResponseWriter, p *personPage) {
	status := http.StatusOK
	if p.Problem != "" {
		status = http.StatusUnprocessableEntity
	}
	c.render(w, status, "person", p)
}

// carryOut does what was asked.
func (c *organiser) carryOut(w http.ResponseWriter, r *http.Request, e *errand, p *personPage) {
	id, done := p.Person.ID, ""
	var err error
	switch p.Ask {
	case "resend":
		known, _ := strconv.Atoi(r.PostFormValue("known")) // nonsense is not how many there are
		done, err = "resent", e.desk.Resend(r.Context(), e.now, e.event.Slug, id, known)
	case "correct":
		done = "corrected"
		id, err = e.desk.Correct(r.Context(), e.now, e.event.Slug, id, p.To)
	case "cancel":
		done = "cancelled"
		_, err = e.desk.Dismiss(r.Context(), e.now, e.event.Slug, id)
	}
	var obstacle store.Obstacle
	switch {
	case errors.As(err, &obstacle):
		p.Ask, p.Problem = "", p.W.Obstacles[obstacle]
		c.render(w, http.StatusUnprocessableEntity, "person", p)
		return
	case err != nil:
		c.unavailable(w, r, e, err)
		return
	}
	c.Wake()
	c.lead(w, "/events/"+e.event.Slug+"/registrants/"+strconv.FormatInt(int64(id), 10), done)
}
