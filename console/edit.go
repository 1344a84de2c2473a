package console

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"convened"
	"convened/desk"
	"convened/store"
	"convened/templates"
)

// To edit an event, to move it and to call it off are the same two steps: what it would
// do is shown, with the letters and the number of those who get them, and then it is
// done, unless the event or that number has changed in between.
func (c *organiser) editRoutes(mux *http.ServeMux) {
	path := c.prefix + "/events/{slug}"
	mux.HandleFunc("GET "+c.prefix+"/new", c.administers(c.askNew))
	mux.HandleFunc("POST "+c.prefix+"/new", c.administers(c.editEvent))
	mux.HandleFunc("GET "+path+"/edit", c.mayEdit(c.askEdit))
	mux.HandleFunc("POST "+path+"/edit", c.mayEdit(c.editEvent))
	mux.HandleFunc("GET "+path+"/cancel", c.mayEdit(c.askCancel))
	mux.HandleFunc("POST "+path+"/cancel", c.mayEdit(c.callOff))
}

// A factField is one that is typed into.
type factField struct {
	Key, Label, Value, Fault string
	Type                     string // of the input; "" is a text, "area" one of many lines
	Language                 string // of the text; "" is not a text of a language
	Hint                     string
	Required                 bool
	Options                  []option // that it is chosen from; nil: it is typed
	List                     string   // the id of suggestions
}

// A factGroup is fields that belong together.
type factGroup struct {
	Name   string
	Fields []*factField
}

// An editPage is the form of an event.
type editPage struct {
	*frame
	W        *editWords
	Action   string
	Groups   []factGroup
	Revision int
	Others   []string // what is wrong, and belongs to no field
	Theirs   *theirs
	Zones    []string
}

func (c *organiser) askNew(w http.ResponseWriter, _ *http.Request, e *errand) {
	c.render(w, http.StatusOK, "edit", c.newEditPage(e, &desk.FactsDraft{Language: e.Language}, 0))
}

func (c *organiser) askEdit(w http.ResponseWriter, _ *http.Request, e *errand) {
	c.render(w, http.StatusOK, "edit", c.newEditPage(e, desk.FactsOf(e.event), e.event.Revision))
}

// newEditPage lays a draft out as a form.
func (c *organiser) newEditPage(e *errand, d *desk.FactsDraft, revision int) *editPage {
	p := &editPage{frame: e.frame, W: editWordsIn[e.Language], Revision: revision, Action: c.prefix + "/new"}
	p.Title = p.W.NewTitle
	texts := func(key, label string, t convened.Text, kind string) []*factField {
		var list []*factField
		for _, l := range convened.Languages() {
			list = append(list, &factField{Key: key + "." + l, Label: label + " – " + languageNames[l], Value: t[l], Type: kind, Language: l})
		}
		return list
	}
	languages := []option{}
	for _, l := range convened.Languages() {
		languages = append(languages, option{l, languageNames[l], l == d.Language})
	}
	clock := func(s string) string { return strings.Replace(s, " ", "T", 1) }
	var about []*factField
	if e.event == nil {
		about = append(about, &factField{Key: "event", Label: p.W.Slug, Value: d.Slug, Hint: p.W.SlugHint, Required: true})
	} else {
		p.Action = p.Base() + "/edit"
		p.Title = p.W.EditTitle + " – " + e.Named
	}
	p.Groups = []factGroup{
		{p.W.TitleGroup, append(about, texts("title", p.W.Title, d.Title, "text")...)},
		{p.W.TimeGroup, []*factField{
			{Key: "starts", Label: p.W.Starts, Value: clock(d.Starts), Type: "datetime-local", Required: true},
			{Key: "ends", Label: p.W.Ends, Value: clock(d.Ends), Type: "datetime-local", Required: true},
			{Key: "zone", Label: p.W.Zone, Value: d.Zone, Type: "text", Required: true, Hint: p.W.ZoneHint, List: "zones"}}},
		{p.W.PlaceGroup, append(texts("location", p.W.Where, d.Location, "text"),
			&factField{Key: "join_url", Label: p.W.Link, Value: d.JoinURL, Type: "url", Hint: p.W.LinkHint},
			&factField{Key: "page_url", Label: p.W.Page, Value: d.PageURL, Type: "url"})},
		{p.W.LanguageGroup, []*factField{
			{Key: "language", Label: p.W.Letters, Options: languages, Hint: p.W.LettersHint},
			{Key: "held_in", Label: p.W.HeldIn, Value: d.HeldIn, Type: "text", Hint: p.W.HeldInHint}}},
		{p.W.OrganizerGroup, []*factField{
			{Key: "organizer.name", Label: p.W.Organizer, Value: d.OrganizerName, Type: "text"},
			{Key: "organizer.email", Label: p.W.OrganizerEmail, Value: d.OrganizerEmail, Type: "email"}}},
		{p.W.AboutGroup, texts("description", p.W.About, d.Description, "area")},
		{p.W.LooksGroup, []*factField{
			{Key: "colour", Label: p.W.Colour, Value: d.Colour, Type: "text", Hint: p.W.ColourHint},
			{Key: "logo", Label: p.W.Logo, Value: d.Logo, Type: "url", Hint: p.W.LogoHint}}},
	}
	for _, r := range templates.Regions(e.Language, e.now) {
		for _, z := range r.Zones {
			p.Zones = append(p.Zones, z.ID)
		}
	}
	return p
}

// readFacts reads what was typed.
func readFacts(form url.Values) *desk.FactsDraft {
	text := func(key string) convened.Text {
		t := convened.Text{}
		for _, l := range convened.Languages() {
			t[l] = form.Get(key + "." + l)
		}
		return t
	}
	wall := func(key string) string { return strings.Replace(form.Get(key), "T", " ", 1) }
	return &desk.FactsDraft{Slug: form.Get("event"), Title: text("title"), Location: text("location"), Description: text("description"),
		Starts: wall("starts"), Ends: wall("ends"), Zone: form.Get("zone"), Language: form.Get("language"), HeldIn: form.Get("held_in"),
		JoinURL: form.Get("join_url"), PageURL: form.Get("page_url"), OrganizerName: form.Get("organizer.name"), OrganizerEmail: form.Get("organizer.email"),
		Colour: form.Get("colour"), Logo: form.Get("logo")}
}

// keepOthers takes over what of an event's texts stands in languages that the form does
// not have: whoever wrote them in a file wants to keep them.
func keepOthers(d *desk.FactsDraft, e *convened.Event) {
	for from, to := range map[*convened.Text]convened.Text{&e.Title: d.Title, &e.Location: d.Location, &e.Description: d.Description} {
		for l, s := range *from {
			if !slices.Contains(convened.Languages(), l) {
				to[l] = s
			}
		}
	}
}

// blame puts each problem beside its field.
func (p *editPage) blame(problems []desk.Problem) {
	fields := map[string]*factField{}
	for _, g := range p.Groups {
		for _, f := range g.Fields {
			fields[f.Key] = f
		}
	}
	for _, problem := range problems {
		f := fields[problem.Key]
		if f == nil {
			f = fields[problem.Key+"."+p.Language] // the text in one language at least
		}
		if f == nil {
			p.Others = append(p.Others, problem.Key+" "+p.frame.problem(problem))
			continue
		}
		f.Fault = p.frame.problem(problem)
	}
	p.Problem = p.W.Mend
}

// editEvent does what a button of the form, or of the page that asks, says.
func (c *organiser) editEvent(w http.ResponseWriter, r *http.Request, e *errand) {
	revision, err := strconv.Atoi(r.PostFormValue("revision"))
	if err != nil {
		c.sorry(w, r, e, http.StatusBadRequest)
		return
	}
	draft := readFacts(r.PostForm)
	if e.event != nil {
		keepOthers(draft, e.event)
	}
	p := c.newEditPage(e, draft, revision)
	drafted := draft.On(e.event)
	if drafted.Problems != nil {
		p.blame(drafted.Problems)
		c.render(w, http.StatusUnprocessableEntity, "edit", p)
		return
	}
	if r.PostFormValue("do") == "back" {
		c.render(w, http.StatusOK, "edit", p)
		return
	}
	if e.event == nil {
		c.makeEvent(w, r, e, p, drafted.Event)
		return
	}
	drafted.Event.Revision = revision
	plan, err := e.desk.PlanEdit(r.Context(), e.now, drafted.Event)
	switch {
	case errors.Is(err, convened.ErrEdited):
		c.tellEditor(w, r, e, p, err)
	case err != nil:
		c.unavailable(w, r, e, err)
	case plan.Proposal.Unchanged():
		c.lead(w, "/events/"+e.event.Slug, "same")
	case r.PostFormValue("do") == "save" && !c.grown(r, e, plan):
		c.carry(w, r, e, p, plan.Proposal)
	default:
		c.render(w, http.StatusOK, "edit_review", c.reviewEdit(r, e, p.hidden(), p.Action, plan))
	}
}

// makeEvent makes a new one: nobody is concerned yet.
func (c *organiser) makeEvent(w http.ResponseWriter, r *http.Request, e *errand, p *editPage, wanted *convened.Event) {
	_, err := e.desk.Store.Event(r.Context(), wanted.Slug)
	if err == nil {
		p.blame([]desk.Problem{{Key: "event", Rule: p.W.SlugTaken}})
		c.render(w, http.StatusUnprocessableEntity, "edit", p)
		return
	}
	var proposal *desk.Proposal
	if errors.Is(err, store.ErrNotFound) {
		proposal, err = e.desk.Propose(r.Context(), e.now, wanted)
	}
	if err == nil {
		_, err = e.desk.Carry(r.Context(), e.now, proposal)
	}
	if err != nil {
		c.unavailable(w, r, e, err)
		return
	}
	c.lead(w, "/events/"+wanted.Slug, "saved")
}

// grown reports whether an edit would now mail more people than the page said that
// asked.
func (c *organiser) grown(r *http.Request, e *errand, plan *desk.Comparison) bool {
	said, err := strconv.Atoi(r.PostFormValue("mails"))
	return err != nil || plan.AtOnce(e.now, e.desk.UpdateQuiet).Mails > said
}

// carry carries an edit out.
func (c *organiser) carry(w http.ResponseWriter, r *http.Request, e *errand, p *editPage, proposal *desk.Proposal) {
	_, err := e.desk.Carry(r.Context(), e.now, proposal)
	switch {
	case errors.Is(err, convened.ErrEdited) && p != nil:
		c.tellEditor(w, r, e, p, err)
	case errors.Is(err, convened.ErrEdited):
		c.lead(w, "/events/"+e.event.Slug+"/cancel", "")
	case err != nil:
		c.unavailable(w, r, e, err)
	default:
		c.Wake()
		done := "saved"
		switch {
		case proposal.Notify == convened.Cancellation:
			done = "cancelled"
		case proposal.Notify != "" && proposal.Mails > 0:
			done = "moved"
		}
		c.lead(w, "/events/"+e.event.Slug, done)
	}
}

// tellEditor shows the form again, and what somebody else changed meanwhile.
func (c *organiser) tellEditor(w http.ResponseWriter, r *http.Request, e *errand, p *editPage, cause error) {
	conflict, err := e.desk.ConflictOf(r.Context(), cause, e.event.Slug, p.Revision)
	if err != nil || conflict == nil {
		c.unavailable(w, r, e, errors.Join(cause, err))
		return
	}
	words := scheduleWordsIn[e.Language]
	p.Revision = conflict.Now.Revision
	p.Theirs = p.theirs(conflict, words, "/edit")
	p.Problem = words.Conflict
	c.render(w, http.StatusConflict, "edit", p)
}

// hidden is what was typed, for the page that asks.
func (p *editPage) hidden() []pair {
	list := []pair{{"revision", strconv.Itoa(p.Revision)}}
	for _, g := range p.Groups {
		for _, f := range g.Fields {
			v := f.Value
			for _, o := range f.Options {
				if o.Chosen {
					v = o.Value
				}
			}
			list = append(list, pair{f.Key, v})
		}
	}
	return list
}

// An editReview says what an edit would do, and asks.
type editReview struct {
	*reviewPage
	E       *editWords
	Action  string
	Off     bool // the event is called off
	Notices []noticeShown
	Due     string // when they are told; "" nobody is
}

// A noticeShown is the letter that tells of the edit, in one language.
type noticeShown struct {
	Language, Name string // of the letters
	People         int
	Subject, Text  string
}

func (c *organiser) reviewEdit(r *http.Request, e *errand, fields []pair, action string, plan *desk.Comparison) *editReview {
	p := plan.Proposal
	q := &editReview{reviewPage: c.review(e, &schedulePage{frame: e.frame, W: scheduleWordsIn[e.Language]}, plan, r.PostFormValue("do") == "save"),
		E: editWordsIn[e.Language], Action: action, Off: p.Notify == convened.Cancellation || p.Event.Status == convened.EventIsOff}
	q.Title = q.E.Review + " – " + e.Named
	q.Fields = append(fields, pair{"mails", strconv.Itoa(q.Mails)})
	if p.Notify == "" || q.Mails == 0 {
		return q
	}
	q.Due = q.E.AtOnce
	if p.DueAt.After(e.now) {
		q.Due = fill(q.E.InAWhile, strconv.Itoa(int(p.DueAt.Sub(e.now).Round(time.Minute)/time.Minute)))
	}
	crowd := plan.AtOnce(e.now, e.desk.UpdateQuiet)
	for _, l := range convened.Languages() {
		if crowd.Languages[l] == 0 {
			continue
		}
		letter, err := e.desk.ShowNotice(e.now, p, l)
		if err != nil || letter == nil {
			if err != nil {
				c.Logger.Warn("a letter can't be shown", "event", p.Event.Slug, "language", l, "error", err.Error())
			}
			continue
		}
		q.Notices = append(q.Notices, noticeShown{l, languageNames[l], crowd.Languages[l], letter.Subject, string(letter.Text)})
	}
	return q
}

// askCancel shows what calling the event off would do.
func (c *organiser) askCancel(w http.ResponseWriter, r *http.Request, e *errand) {
	if e.event.Status == convened.EventIsOff {
		c.lead(w, "/events/"+e.event.Slug, "")
		return
	}
	plan, err := e.desk.PlanCancel(r.Context(), e.now, e.event.Slug)
	if err != nil {
		c.unavailable(w, r, e, err)
		return
	}
	c.showCancel(w, r, e, plan)
}

func (c *organiser) showCancel(w http.ResponseWriter, r *http.Request, e *errand, plan *desk.Comparison) {
	q := c.reviewEdit(r, e, []pair{{"revision", strconv.Itoa(plan.Proposal.Was.Revision)}}, e.Base()+"/cancel", plan)
	q.Title = q.E.CancelTitle + " – " + e.Named
	q.SaveIt = q.E.CancelNow
	if q.Mails > 0 {
		q.SaveIt = fill(q.E.CancelAndTell, q.count(q.Mails, q.W.PersonCount))
	}
	c.render(w, http.StatusOK, "edit_review", q)
}

// callOff calls the event off, if it is as the page said that asked.
func (c *organiser) callOff(w http.ResponseWriter, r *http.Request, e *errand) {
	if e.event.Status == convened.EventIsOff {
		c.lead(w, "/events/"+e.event.Slug, "")
		return
	}
	plan, err := e.desk.PlanCancel(r.Context(), e.now, e.event.Slug)
	if err != nil {
		c.unavailable(w, r, e, err)
		return
	}
	if r.PostFormValue("revision") != strconv.Itoa(plan.Proposal.Was.Revision) || c.grown(r, e, plan) {
		c.showCancel(w, r, e, plan)
		return
	}
	c.carry(w, r, e, nil, plan.Proposal)
}
