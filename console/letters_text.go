package console

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"convened"
	"convened/desk"
)

// A textDraft is what organisers write into letters, as it is typed: the event's
// introduction, and the note of each reminder.
type textDraft struct {
	Introduction convened.Text            `json:"i,omitempty"`
	Notes        map[string]convened.Text `json:"n,omitempty"` // by the key of the reminder
}

// draftOf is what is written in an event as it is.
func draftOf(e *convened.Event) *textDraft {
	d := &textDraft{Introduction: maps.Clone(e.Introduction), Notes: map[string]convened.Text{}}
	for _, r := range e.Reminders {
		d.Notes[r.Key] = maps.Clone(r.Note)
	}
	return d
}

// readTexts reads the texts of a form. What a form does not hold stays as it is in
// the event.
func readTexts(form url.Values, e *convened.Event) *textDraft {
	d := draftOf(e)
	under := func(prefix string) convened.Text {
		t := convened.Text{}
		for name, values := range form {
			if language, ok := strings.CutPrefix(name, prefix); ok && len(values) > 0 && strings.TrimSpace(values[0]) != "" {
				t[language] = strings.ReplaceAll(values[0], "\r\n", "\n")
			}
		}
		return t
	}
	if form.Has("intro." + convened.Languages()[0]) {
		d.Introduction = under("intro.")
	}
	for i := 1; i <= mostRows; i++ {
		key := form.Get(fmt.Sprintf("key.%d", i))
		if _, there := d.Notes[key]; there {
			d.Notes[key] = under(fmt.Sprintf("note.%d.", i))
		}
	}
	return d
}

// draft is the event's schedule with these texts.
func (d *textDraft) draft(e *convened.Event) *desk.Draft {
	all := desk.DraftOf(e)
	all.Introduction = d.Introduction
	for i := range all.Reminders {
		if note, there := d.Notes[e.Reminders[i].Key]; there {
			all.Reminders[i].Note = note
		}
	}
	return all
}

// mostTravelling is how much of an address texts may take up that are not saved, in
// bytes: proxies take 8,000 of a whole one.
const mostTravelling = 6000

var errTooLong = errors.New("more text than an address holds")

// travel puts what differs from the event into the query of an address, packed.
func (d *textDraft) travel(q url.Values, e *convened.Event) error {
	saved := draftOf(e)
	var luggage textDraft
	if !maps.Equal(d.Introduction, saved.Introduction) {
		luggage.Introduction = d.Introduction
		if len(d.Introduction) == 0 {
			luggage.Introduction = convened.Text{e.Language: ""} // that it is none has to be said
		}
	}
	for key, note := range d.Notes {
		if maps.Equal(note, saved.Notes[key]) {
			continue
		}
		if luggage.Notes == nil {
			luggage.Notes = map[string]convened.Text{}
		}
		luggage.Notes[key] = note
	}
	if luggage.Introduction == nil && luggage.Notes == nil {
		return nil
	}
	plain, err := json.Marshal(luggage)
	if err != nil {
		return fmt.Errorf("pack the texts: %w", err)
	}
	var packed bytes.Buffer
	z, err := flate.NewWriter(&packed, flate.BestCompression)
	if err == nil {
		_, err = z.Write(plain)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		return fmt.Errorf("pack the texts: %w", err)
	}
	s := base64.RawURLEncoding.EncodeToString(packed.Bytes())
	if len(s) > mostTravelling {
		return errTooLong
	}
	q.Set("texts", s)
	return nil
}

// arrive takes from the query of an address what travel has put there.
func (d *textDraft) arrive(q url.Values) error {
	s := q.Get("texts")
	if s == "" {
		return nil
	}
	packed, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(s) > mostTravelling {
		return errors.New("no texts of ours")
	}
	// However much a small address unfolds to.
	plain, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(packed)), maxForm))
	if err != nil {
		return fmt.Errorf("unpack the texts: %w", err)
	}
	var luggage textDraft
	if err := json.Unmarshal(plain, &luggage); err != nil {
		return fmt.Errorf("unpack the texts: %w", err)
	}
	if luggage.Introduction != nil {
		d.Introduction = luggage.Introduction
	}
	for key, note := range luggage.Notes {
		if _, there := d.Notes[key]; there {
			d.Notes[key] = note
		}
	}
	return nil
}

// textFields are the fields in which the texts are typed: those of the introduction
// and of the reminder that is looked at. The notes of the others go along unseen.
type textFields struct {
	draft  *textDraft
	Groups []textGroup
	Hidden []pair
	Shown  string // the key of the reminder whose note is shown; "" none
}

// Open reports whether there is anything in the fields, so that they are unfolded.
func (t textFields) Open() bool {
	return slices.ContainsFunc(t.Groups, func(g textGroup) bool {
		return slices.ContainsFunc(g.Fields, func(f noteField) bool { return f.Text != "" || f.Fault != "" })
	})
}

// A textGroup is one text in its languages.
type textGroup struct {
	ID, Legend, Hint string
	Fields           []noteField
}

// look lays out the fields, with what is wrong beside each.
func (t *textFields) look(p *lettersPage, e *convened.Event, problems []desk.Problem) {
	intro := textGroup{ID: "intro", Legend: p.W.Introduction, Hint: p.W.IntroductionHint, Fields: noteFields(t.draft.Introduction)}
	intro.blame(problems, "introduction.", p.problem)
	var note *textGroup
	for i, r := range e.Reminders {
		number := strconv.Itoa(i + 1)
		t.Hidden = append(t.Hidden, pair{"key." + number, r.Key})
		fields := noteFields(t.draft.Notes[r.Key])
		if len(p.Rules) > 0 && r.Key == p.Choice.Rule {
			t.Shown = r.Key
			note = &textGroup{ID: "note." + number, Legend: p.W.Note, Hint: p.W.NoteHint, Fields: fields}
			note.blame(problems, "reminders["+number+"].note.", p.problem)
			continue
		}
		for _, f := range fields {
			if f.Text != "" {
				t.Hidden = append(t.Hidden, pair{"note." + number + "." + f.Language, f.Text})
			}
		}
	}
	if t.Groups = []textGroup{intro}; note != nil {
		t.Groups = []textGroup{*note, intro}
	}
}

func (g *textGroup) blame(problems []desk.Problem, prefix string, say func(desk.Problem) string) {
	for _, problem := range problems {
		for i := range g.Fields {
			if problem.Key == prefix+g.Fields[i].Language {
				g.Fields[i].Fault = say(problem)
			}
		}
	}
}

// Each is a field with its name and its identifier.
func (g textGroup) Each() []textField {
	list := make([]textField, len(g.Fields))
	for i, f := range g.Fields {
		list[i] = textField{f, g.ID + "." + f.Language, strings.ReplaceAll(g.ID, ".", "-") + "-" + f.Language, g.HintID()}
	}
	return list
}

// HintID is the identifier of the group's hint.
func (g textGroup) HintID() string { return strings.ReplaceAll(g.ID, ".", "-") + "-hint" }

// A textField is one field of a group.
type textField struct {
	noteField
	Input, ID, HintID string
}

// How many trials one organiser may send.
const (
	trialBurst      = 10
	trialsPerSecond = 1.0 / 30
)

// editLetters shows a letter with texts that are not saved, saves them, or sends a
// trial to an address that is typed.
func (c *organiser) editLetters(w http.ResponseWriter, r *http.Request, e *errand) {
	if err := r.ParseForm(); err != nil {
		c.sorry(w, r, e, http.StatusBadRequest)
		return
	}
	revision, err := strconv.Atoi(r.PostForm.Get("revision"))
	if err != nil {
		c.sorry(w, r, e, http.StatusBadRequest)
		return
	}
	p, err := c.newLettersPage(r, e, r.PostForm, readTexts(r.PostForm, e.event))
	if err == nil {
		p.Revision = revision
		err = c.fillIn(r, e, p)
	}
	if err != nil {
		c.unavailable(w, r, e, err)
		return
	}
	switch do := r.PostForm.Get("do"); {
	case do == "save":
		c.saveTexts(w, r, e, p)
	case do == "send":
		c.sendTrial(w, r, e, p)
	case byHTMX(r):
		// The fields are put anew only where they are those of another reminder.
		p.Fresh = p.Texts.Shown != r.PostForm.Get("shown")
		c.part(w, "letters", "live", p)
	default:
		c.render(w, http.StatusOK, "letters", p)
	}
}

// saveTexts saves what was typed. It mails nobody: letters that are to come have it.
func (c *organiser) saveTexts(w http.ResponseWriter, r *http.Request, e *errand, p *lettersPage) {
	if slices.ContainsFunc(p.Texts.Groups, textGroup.isWrong) || p.Why == p.W.WrongText {
		p.Problem = p.W.WrongText
		c.render(w, http.StatusUnprocessableEntity, "letters", p)
		return
	}
	drafted := p.Texts.draft.draft(e.event).On(e.event)
	drafted.Event.Revision = p.Revision
	plan, err := e.desk.PlanEdit(r.Context(), e.now, drafted.Event)
	if err == nil {
		_, err = e.desk.Carry(r.Context(), e.now, plan.Proposal)
	}
	to := urlOf("/events/"+e.event.Slug+"/letters", withDone(p.Choice.query(), "saved"))
	switch {
	case errors.Is(err, desk.ErrUnchanged):
		to = urlOf("/events/"+e.event.Slug+"/letters", withDone(p.Choice.query(), "same"))
		c.lead(w, to, "")
	case errors.Is(err, convened.ErrEdited):
		conflict, lookErr := e.desk.ConflictOf(r.Context(), err, e.event.Slug, p.Revision)
		if lookErr != nil || conflict == nil {
			c.unavailable(w, r, e, errors.Join(err, lookErr))
			return
		}
		words := scheduleWordsIn[e.Language]
		p.Revision, p.Problem = conflict.Now.Revision, words.Conflict
		p.Theirs = p.theirs(conflict, words, "/letters")
		p.Theirs.More = p.W.TheirsMore
		c.render(w, http.StatusConflict, "letters", p)
	case err != nil:
		c.unavailable(w, r, e, err)
	default:
		c.Wake()
		c.lead(w, to, "")
	}
}

func withDone(q url.Values, done string) url.Values {
	q.Set("done", done)
	return q
}

func (g textGroup) isWrong() bool {
	return slices.ContainsFunc(g.Fields, func(f noteField) bool { return f.Fault != "" })
}

// sendTrial sends the letter that is looked at to an address that is typed, and to
// nobody else.
func (c *organiser) sendTrial(w http.ResponseWriter, r *http.Request, e *errand, p *lettersPage) {
	p.To = strings.TrimSpace(r.PostForm.Get("to"))
	status := http.StatusUnprocessableEntity
	defer func() { c.render(w, status, "letters", p) }()
	if p.Letter == nil {
		p.Problem = p.Why
		return
	}
	if !c.trials.allow(e.now, strconv.FormatInt(int64(e.user.ID), 10)) {
		w.Header().Set("Retry-After", "60")
		status, p.Problem = http.StatusTooManyRequests, p.W.TooManyTrials
		return
	}
	at, _ := p.Choice.instant(e.now, e.event) // it was read when the letter was shown
	person, err := c.reader(r, e, p.Choice)
	if err != nil {
		status, p.Problem = http.StatusServiceUnavailable, p.Unavailable
		return
	}
	outcome, _, err := e.desk.SendTest(r.Context(), e.now, e.event.Slug, p.Choice.sample(at, person, p.Texts.draft.draft(e.event).On(e.event).Event), p.To)
	switch {
	case errors.Is(err, desk.ErrUnwritable):
		p.Problem = err.Error()
	case errors.Is(err, desk.ErrNotAllowed):
		p.ToFault = p.W.NotAllowed
	case errors.Is(err, convened.ErrRefused):
		p.ToFault = p.W.NoAddress
	case err != nil:
		c.Logger.Error("a trial can't be sent", "event", e.event.Slug, "error", err.Error())
		status, p.Problem = http.StatusServiceUnavailable, p.Unavailable
	case outcome.State != convened.Sent:
		p.Problem = say(p.W.NotTaken, outcome.Reply, outcome.Phase)
	default:
		status, p.Done = http.StatusOK, say(p.W.TrialSent, "", p.To)
	}
	if p.ToFault != "" {
		p.Problem = p.ToFault
	}
}
