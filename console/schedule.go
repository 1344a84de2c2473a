package console

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"convened"
	"convened/desk"
	"convened/scheduler"
	"convened/templates"
)

// What the editor of the schedule does: every request carries all that is typed, and
// nothing is kept between two of them but in the browser. A row is added or moved by
// a POST that changes nothing and answers with the form as it then is, and so is
// what an edit would do looked at; only the button of the page that asks, do=save,
// changes the event. Beside it a GET says what the rules would do while they are
// typed.
func (c *organiser) scheduleRoutes(mux *http.ServeMux) {
	path := c.prefix + "/events/{slug}/schedule"
	mux.HandleFunc("GET "+path, c.mayView(c.schedule))
	mux.HandleFunc("GET "+path+"/check", c.mayView(c.checkSchedule))
	mux.HandleFunc("POST "+path+"/check", c.mayView(c.checkSchedule)) // what an address has no room for
	mux.HandleFunc("POST "+path, c.mayEdit(c.editSchedule))
}

// A schedulePage is the editor of the schedule.
type schedulePage struct {
	*frame
	W        *scheduleWords
	Rows     []*ruleRow
	Revision int      // of the event that the form was made of
	About    []remark // what there is to say of the event itself
	Others   []string // what is wrong, and belongs to no row
	Status   string   // how the rules are, in one line
	Theirs   *theirs  // what somebody else changed meanwhile; nil: nobody did
	Empty    bool     // the focus is on what adds a rule
}

// ByPost reports whether the rows are too many for the address of a GET, of which
// proxies take 8,000 bytes.
func (p *schedulePage) ByPost() bool { return len(p.Rows) > 20 }

// A ruleSight is what a rule would do.
type ruleSight struct {
	Words   string
	Next    []sightInstant
	Left    string // that there are more; "" there are none
	Past    string // that some are past; "" none is
	After   string // that it is a follow-up; ""
	Remarks []remark
}

// A sightInstant is an instant on the event's clock and in UTC.
type sightInstant struct{ ISO, Local, UTC, In string }

// A remark is a finding in the words of the page.
type remark struct {
	Error    bool
	Label    string // that it is an error, or a note
	Text     string
	Language string // of Text, where it is not the page's
}

// theirs is what somebody else changed while one was editing.
type theirs struct {
	Title, More  string
	Reload, Link string // to where their state is shown
	Changes      []desk.Change
}

func (c *organiser) newSchedulePage(e *errand, rows []*ruleRow, revision int) *schedulePage {
	p := &schedulePage{frame: e.frame, W: scheduleWordsIn[e.Language], Rows: rows, Revision: revision}
	p.Title = p.Schedule + " – " + e.Named
	p.Here = p.Base() + "/schedule"
	return p
}

// schedule shows the schedule as it is, in fields for those who may change it.
func (c *organiser) schedule(w http.ResponseWriter, r *http.Request, e *errand) {
	var rows []*ruleRow
	for _, d := range desk.DraftOf(e.event).Reminders {
		rows = append(rows, rowOf(&d))
	}
	numberRows(rows)
	p := c.newSchedulePage(e, rows, e.event.Revision)
	p.look(e)
	p.tell(r, map[string]string{"saved": p.W.Saved, "same": p.W.NothingChanges})
	c.render(w, http.StatusOK, "schedule", p)
}

// checkSchedule says what the rules would do as they are typed.
func (c *organiser) checkSchedule(w http.ResponseWriter, r *http.Request, e *errand) {
	if !byHTMX(r) {
		c.lead(w, "/events/"+e.event.Slug+"/schedule", "")
		return
	}
	if err := r.ParseForm(); err != nil {
		c.sorry(w, r, e, http.StatusBadRequest)
		return
	}
	p := c.newSchedulePage(e, readRows(r.Form), e.event.Revision)
	p.look(e)
	c.part(w, "schedule", "check", p)
}

// look reads the rows and says what each would do and what is wrong.
func (p *schedulePage) look(e *errand) *desk.Drafted {
	d := &desk.Draft{Introduction: e.event.Introduction}
	for _, row := range p.Rows {
		row.Page = p
		d.Reminders = append(d.Reminders, row.draft(p.W))
	}
	drafted := d.On(e.event)
	p.Others = place(p.Rows, drafted.Problems, p.problem)
	o := desk.OutlineOf(drafted.Event, e.now, p.Language)
	byKey := map[string]*desk.RuleOutline{}
	for i := range o.Rules {
		byKey[o.Rules[i].Reminder.Key] = &o.Rules[i]
	}
	odd, wrong := len(o.Findings), len(p.Others)
	for i, row := range p.Rows {
		if r := byKey[drafted.Keys[i]]; r != nil && len(row.Faults) == 0 {
			row.Sight = p.sight(e.now, r)
			odd += len(r.Findings)
		}
		if row.Sight == nil || row.hasFault() {
			wrong++
		}
	}
	for _, f := range o.Findings {
		p.About = append(p.About, p.remark(p.W, f))
	}
	p.Status = p.status(wrong, odd)
	return drafted
}

// status says how the rules are, in one line.
func (p *schedulePage) status(wrong, odd int) string {
	parts := []string{p.count(len(p.Rows), p.W.RuleCount)}
	if wrong > 0 {
		parts = append(parts, p.count(wrong, p.W.WrongCount))
	}
	if odd > 0 {
		parts = append(parts, p.count(odd, p.W.OddCount))
	}
	if wrong == 0 && odd == 0 {
		parts = append(parts, p.W.AllWell)
	}
	return strings.Join(parts, ", ")
}

// hasFault reports whether anything of the row can't be taken.
func (r *ruleRow) hasFault() bool {
	return len(r.Faults) > 0 || slices.ContainsFunc(r.Notes, func(n noteField) bool { return n.Fault != "" })
}

func (p *schedulePage) sight(now time.Time, r *desk.RuleOutline) *ruleSight {
	s := &ruleSight{Words: r.Words}
	if r.Kind == convened.Followup {
		s.After = p.W.AfterEnd
	}
	if n := r.Left(); n > 0 {
		s.Left = say(p.W.Left, p.Number(n), "")
	}
	if r.Past > 0 {
		s.Past = say(p.W.Past, p.Number(r.Past), p.Number(r.All))
	}
	for _, at := range r.Next {
		s.Next = append(s.Next, p.instant(now, at))
	}
	for _, f := range r.Findings {
		s.Remarks = append(s.Remarks, p.remark(p.W, f))
	}
	return s
}

// instant says when something is: on the event's clock, and in UTC with the date
// where that is another.
func (f *frame) instant(now, at time.Time) sightInstant {
	utc := templates.Speak(f.Language, time.UTC)
	s := sightInstant{ISO: f.ISO(at), Local: f.Weekday(at) + " " + f.When(at), UTC: utc.Clock(at) + " UTC"}
	if f.Day(at) != utc.Day(at) {
		s.UTC = utc.ShortDay(at) + ", " + s.UTC
	}
	if at.After(now) {
		s.In = f.In(now, at)
	}
	return s
}

// editSchedule does what a button of the editor, or of the page that asks, says.
func (c *organiser) editSchedule(w http.ResponseWriter, r *http.Request, e *errand) {
	if err := r.ParseForm(); err != nil {
		c.sorry(w, r, e, http.StatusBadRequest)
		return
	}
	do := r.PostForm.Get("do")
	revision, err := strconv.Atoi(r.PostForm.Get("revision"))
	if err != nil || !r.PostForm.Has("rules") {
		c.sorry(w, r, e, http.StatusBadRequest)
		return
	}
	p := c.newSchedulePage(e, readRows(r.PostForm), revision)
	if rows, ok := rearrange(p.Rows, do); ok {
		p.Rows, p.Empty = rows, len(rows) == 0
	}
	drafted := p.look(e)
	if do != "review" && do != "save" {
		c.render(w, http.StatusOK, "schedule", p)
		return
	}
	if p.Others != nil || slices.ContainsFunc(p.Rows, (*ruleRow).hasFault) {
		p.Problem = p.W.Mend
		c.render(w, http.StatusUnprocessableEntity, "schedule", p)
		return
	}
	drafted.Event.Revision = revision
	plan, err := e.desk.PlanEdit(r.Context(), e.now, drafted.Event)
	switch {
	case errors.Is(err, desk.ErrNoTemplate):
		p.blameTemplates(e.desk)
		p.Problem = p.W.Mend
		c.render(w, http.StatusUnprocessableEntity, "schedule", p)
	case errors.Is(err, convened.ErrEdited):
		c.tellOfTheirs(w, r, e, p, err)
	case err != nil:
		c.unavailable(w, r, e, err)
	case plan.Proposal.Unchanged():
		c.lead(w, "/events/"+e.event.Slug+"/schedule", "same")
	case do == "save":
		c.saveSchedule(w, r, e, p, plan)
	default:
		c.render(w, http.StatusOK, "schedule_review", c.review(e, p, plan, false))
	}
}

// blameTemplates says which rows name a template that there is not.
func (p *schedulePage) blameTemplates(d *desk.Desk) {
	for _, row := range p.Rows {
		if row.Template == "" || d.HasTemplate == nil {
			continue
		}
		if there, err := d.HasTemplate(row.Template); err == nil && !there {
			row.Open = true
			row.fault("template", p.W.NoTemplate)
		}
	}
}

// saveSchedule carries the edit out, unless it would now mail more people than the
// page said that asked.
func (c *organiser) saveSchedule(w http.ResponseWriter, r *http.Request, e *errand, p *schedulePage, plan *desk.Comparison) {
	said, err := strconv.Atoi(r.PostForm.Get("mails"))
	if crowd := plan.AtOnce(e.now, e.desk.UpdateQuiet); err != nil || crowd.Mails > said {
		c.render(w, http.StatusOK, "schedule_review", c.review(e, p, plan, err == nil))
		return
	}
	_, err = e.desk.Carry(r.Context(), e.now, plan.Proposal)
	switch {
	case errors.Is(err, convened.ErrEdited):
		c.tellOfTheirs(w, r, e, p, err)
	case err != nil:
		c.unavailable(w, r, e, err)
	default:
		c.Wake()
		c.lead(w, "/events/"+e.event.Slug+"/schedule", "saved")
	}
}

// tellOfTheirs shows what was typed again, and what somebody else changed meanwhile.
// What is saved from here on is an edit of the event as they left it.
func (c *organiser) tellOfTheirs(w http.ResponseWriter, r *http.Request, e *errand, p *schedulePage, cause error) {
	conflict, err := e.desk.ConflictOf(r.Context(), cause, e.event.Slug, p.Revision)
	if err != nil || conflict == nil {
		c.unavailable(w, r, e, errors.Join(cause, err))
		return
	}
	p.Revision = conflict.Now.Revision
	p.Theirs = p.theirs(conflict, p.W, "/schedule")
	p.Problem = p.W.Conflict
	c.render(w, http.StatusConflict, "schedule", p)
}

func (f *frame) theirs(c *desk.Conflict, w *scheduleWords, page string) *theirs {
	return &theirs{Title: say(w.TheirsBy, f.When(c.At), c.By), More: w.TheirsMore, Reload: w.Reload, Link: f.Base() + page, Changes: c.Changes}
}

// A reviewPage says what an edit would do, and asks.
type reviewPage struct {
	*frame
	W        *scheduleWords
	Fields   []pair // what was typed
	Mails    int    // that leave at once
	Headline string
	SaveIt   string // what the button says
	Spread   string // how many of these are in which language; "" there are none
	First    string // the next mail that the edit brings about, where none leaves at once; ""
	More     bool   // it mails more people than was said before
	Changes  []desk.Change
	Mailings []reviewLine
	Remarks  []reviewRemark
}

// A reviewLine is what becomes of one mail.
type reviewLine struct {
	What, Class string // in words, and desk.Added and so on
	Rule        string
	Was, Is     *sightInstant
	People      int
	Languages   string
}

// A reviewRemark is a finding about a rule.
type reviewRemark struct {
	Rule string // in words; "" the event itself
	remark
}

func (c *organiser) review(e *errand, p *schedulePage, plan *desk.Comparison, more bool) *reviewPage {
	q := &reviewPage{frame: e.frame, W: p.W, Fields: append(hidden(p.Rows), pair{"revision", strconv.Itoa(p.Revision)}), More: more, Changes: plan.Proposal.Changes}
	q.Title = q.W.Review + " – " + e.Named
	crowd := plan.AtOnce(e.now, e.desk.UpdateQuiet)
	q.Mails = crowd.Mails
	q.Fields = append(q.Fields, pair{"mails", strconv.Itoa(crowd.Mails)})
	q.Headline, q.SaveIt = q.W.MailsNobody, q.W.SaveNow
	if crowd.Mails > 0 {
		people := q.count(crowd.Mails, q.W.PersonCount)
		q.Headline, q.SaveIt = say(q.W.MailsNow, people, ""), say(q.W.SaveAndMail, people, "")
	}
	if crowd.Mails > 0 {
		q.Spread = say(q.W.InLanguages, "", q.languages(crowd.Languages))
	}
	is, was := rulesInWords(plan.Proposal.Event, e.Language), rulesInWords(plan.Proposal.Was, e.Language)
	for _, d := range plan.Touched() {
		q.Mailings = append(q.Mailings, q.line(e.now, d, is, was))
		if d.Is != nil && d.Is.At.After(e.now) && d.What != desk.Kept && q.First == "" && crowd.Mails == 0 {
			at := q.instant(e.now, d.Is.At)
			q.First = say(q.W.FirstMail, q.count(d.Is.People, q.W.PersonCount), at.Local+" ("+at.UTC+")")
		}
	}
	for _, f := range plan.Proposal.Findings {
		q.Remarks = append(q.Remarks, reviewRemark{is[f.Reminder], q.remark(q.W, f)})
	}
	return q
}

// line says what becomes of one mail.
func (q *reviewPage) line(now time.Time, d desk.Difference, is, was map[string]string) reviewLine {
	l := reviewLine{Class: d.What, What: q.W.Differences[d.What]}
	take := func(m *scheduler.Mailing, rules map[string]string) *sightInstant {
		if m == nil {
			return nil
		}
		l.Rule = rules[m.Occasion.Key]
		if m.Occasion.Key == "" {
			l.Rule = q.W.Kinds[m.Kind]
		}
		l.People, l.Languages = m.People, q.languages(m.Languages)
		at := q.instant(now, m.At)
		return &at
	}
	l.Was = take(d.Was, was)
	l.Is = take(d.Is, is)
	if l.Is != nil && l.Was != nil && l.Is.ISO == l.Was.ISO {
		l.Was = nil
	}
	return l
}

// languages says how many letters are in which language, in the order of the house.
func (f *frame) languages(n map[string]int) string {
	var parts []string
	for _, l := range convened.Languages() {
		if n[l] > 0 {
			parts = append(parts, languageNames[l]+" "+f.Number(n[l]))
		}
	}
	return strings.Join(parts, ", ")
}

// rulesInWords says the rules of an event, by key; with its name before it where a
// rule has one.
func rulesInWords(e *convened.Event, language string) map[string]string {
	words := map[string]string{}
	for i := range e.Reminders {
		r := &e.Reminders[i]
		words[r.Key] = r.Rule
		if rule, err := scheduler.RuleOf(r); err == nil {
			words[r.Key] = rule.Words(language)
		}
		if r.Key != r.Rule {
			words[r.Key] = r.Key + ": " + words[r.Key]
		}
	}
	return words
}
