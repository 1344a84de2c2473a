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
	"convened/address"
	"convened/desk"
	"convened/store"
)

// The letters of an event, as anybody would get them: which kind, of which reminder,
// to whom, in which language, at which instant. What organisers write of their own is
// typed beside them and shown in them before it is saved.
//
// A letter is HTML with its own styles, which no page of the console may have. So
// each is a document of its own, in a frame without scripts, forms or an origin:
// see serveLetter. Texts that are not saved travel to it in its address.
func (c *organiser) letterRoutes(mux *http.ServeMux) {
	path := c.prefix + "/events/{slug}/letters"
	mux.HandleFunc("GET "+path, c.mayView(c.letters))
	mux.HandleFunc("POST "+path, c.mayEdit(c.editLetters))
	mux.HandleFunc("GET "+path+"/people", c.mayView(c.findReader))
	mux.HandleFunc("GET "+path+"/letter", c.mayView(c.serveLetter))
	mux.HandleFunc("GET "+path+"/letter.eml", c.mayView(c.serveLetterFile))
}

// A letterChoice says which letter is to be looked at, as it is typed.
type letterChoice struct {
	Kind     convened.Kind
	Rule     string // key of the reminder; "" is the one that is usual
	Language string // "" is the reader's
	Who      string // one of the readers below, or the number of a registration
	When     string // one of moments below
	At       string // where When is atThat: on the event's clock
	Search   string // for a registrant
}

// Readers that nobody is.
const (
	somebody    = ""         // by name, in the event's zone
	withoutName = "nameless" // of whom nothing is known but the address
	farEast     = "tokyo"    // where it is another day
	farWest     = "mexico"
)

// Instants at which a letter may be looked at.
const (
	whenDue = ""      // when it would be sent
	rightly = "now"   // now
	atThat  = "other" // at a time that is typed
)

// moments are the other instants, from the start or, where they are after it, from
// the end.
var moments = map[string]time.Duration{"-7d": -7 * 24 * time.Hour, "-24h": -24 * time.Hour, "-1h": -time.Hour, "-10m": -10 * time.Minute, "start": 0, "+2h": 2 * time.Hour}

func readChoice(form url.Values) letterChoice {
	c := letterChoice{Kind: convened.Kind(form.Get("kind")), Rule: form.Get("rule"), Language: form.Get("language"), Who: form.Get("who"),
		When: form.Get("when"), At: strings.TrimSpace(form.Get("at")), Search: strings.TrimSpace(form.Get("search"))}
	if !slices.Contains(append(convened.Kinds(), convened.Preflight), c.Kind) {
		c.Kind = convened.Confirmation
	}
	if !slices.Contains(convened.Languages(), c.Language) {
		c.Language = ""
	}
	if _, known := moments[c.When]; !known && c.When != rightly && c.When != atThat {
		c.When = whenDue
	}
	return c
}

// query is the choice as the query of an address.
func (l letterChoice) query() url.Values {
	q := url.Values{}
	for _, f := range []pair{{"kind", string(l.Kind)}, {"rule", l.Rule}, {"language", l.Language}, {"who", l.Who}, {"when", l.When}} {
		if f.Value != "" {
			q.Set(f.Key, f.Value)
		}
	}
	if l.When == atThat && l.At != "" {
		q.Set("at", l.At)
	}
	return q
}

// instant is when the letter is looked at; zero is when it would be sent. It reports
// false for a time that can't be read.
func (l letterChoice) instant(now time.Time, e *convened.Event) (time.Time, bool) {
	switch l.When {
	case whenDue:
		return time.Time{}, true
	case rightly:
		return now, true
	case atThat:
		wall, err := convened.ParseWall(l.At)
		if err != nil {
			return time.Time{}, false
		}
		return wall.In(e.TimeLocation()).UTC(), true
	}
	if d := moments[l.When]; d > 0 {
		return e.Ends.Add(d), true
	}
	return e.Starts.Add(moments[l.When]), true
}

// sample is what the desk is asked for. person is nil for readers that nobody is.
func (l letterChoice) sample(at time.Time, person *store.Person, wanted *convened.Event) desk.Sample {
	s := desk.Sample{Kind: l.Kind, Language: l.Language, Rule: l.Rule, At: at, Wanted: wanted, Inert: true}
	if l.Kind != convened.ReminderKind && l.Kind != convened.Followup {
		s.Rule = ""
	}
	if person != nil {
		if _, err := address.Parse(person.Email); err == nil {
			s.As = person.Email
		}
		s.Name, s.Zone = person.Name, person.Zone
		if s.Language == "" {
			s.Language = person.Language
		}
		return s
	}
	s.Name = "Amélie Laurent"
	switch l.Who {
	case withoutName:
		s.Name = ""
	case farEast:
		s.Zone = "Asia/Tokyo"
	case farWest:
		s.Zone = "America/Mexico_City"
	}
	return s
}

// reader returns the registrant that a choice names; nil for readers that nobody is,
// and for somebody who is not there any more.
func (c *organiser) reader(r *http.Request, e *errand, l letterChoice) (*store.Person, error) {
	id, err := strconv.ParseInt(l.Who, 10, 64)
	if err != nil {
		return nil, nil
	}
	p, err := e.desk.Person(r.Context(), e.event.Slug, convened.RegistrationID(id))
	if errors.Is(err, store.ErrNotFound) || err == nil && !p.ErasedAt.IsZero() {
		return nil, nil
	}
	return p, err
}

// A lettersPage shows a letter and what can be written in it.
type lettersPage struct {
	*frame
	W       *letterWords
	Choice  letterChoice
	Kinds   []option
	Rules   []option // of the reminders that send this kind; none where it has no rule
	InWhich []option // languages
	Whens   []option
	People  peopleList
	Letter  *shownLetter // nil: it can't be shown
	Why     string       // why it can't
	Texts   textFields
	// What is shown by now is of another reminder, or another kind of letter.
	Fresh, FreshRules bool
	Revision          int
	Theirs            *theirs
	To                string // where a trial goes
	ToFault           string
	AtFault           string
}

// A peopleList is whom a letter may be for.
type peopleList struct {
	Label        string
	Samples      []option
	SamplesLabel string
	Found        []option
	FoundLabel   string
}

// A shownLetter is a letter and what belongs to it.
type shownLetter struct {
	Subject    string
	As         string // as of when, and for which language
	Frame      string // the address of its HTML
	File       string // of all of it
	Text       string
	Language   string // that it is in
	Header     []desk.HeaderLine
	Invitation []pair // its facts; none where it has none
}

// letters shows a letter.
func (c *organiser) letters(w http.ResponseWriter, r *http.Request, e *errand) {
	p, err := c.newLettersPage(r, e, r.URL.Query(), draftOf(e.event))
	if err == nil {
		err = c.fillIn(r, e, p)
	}
	if err != nil {
		c.unavailable(w, r, e, err)
		return
	}
	p.tell(r, map[string]string{"saved": p.W.Saved, "same": p.W.Same})
	if byHTMX(r) {
		c.part(w, "letters", "live", p)
		return
	}
	c.render(w, http.StatusOK, "letters", p)
}

func (c *organiser) newLettersPage(r *http.Request, e *errand, form url.Values, d *textDraft) (*lettersPage, error) {
	p := &lettersPage{frame: e.frame, W: letterWordsIn[e.Language], Choice: readChoice(form), Revision: e.event.Revision, To: e.user.Email}
	p.Title = p.Letters + " – " + e.Named
	p.Here = urlOf(p.Base()+"/letters", p.Choice.query())
	p.Texts = textFields{draft: d}
	p.FreshRules = form.Get("ruleskind") != string(p.Choice.Kind)
	for _, k := range append(convened.Kinds(), convened.Preflight) {
		p.Kinds = append(p.Kinds, option{string(k), p.W.Kinds[k], k == p.Choice.Kind})
	}
	p.InWhich = []option{{"", p.W.AsReader, p.Choice.Language == ""}}
	for _, l := range convened.Languages() {
		p.InWhich = append(p.InWhich, option{l, languageNames[l], l == p.Choice.Language})
	}
	for _, m := range p.W.Whens {
		p.Whens = append(p.Whens, option{m.Key, m.Value, m.Key == p.Choice.When})
	}
	// The first choice of a list that stands for nothing typed has no key in the words.
	p.Whens = append([]option{{whenDue, p.W.WhenDue, p.Choice.When == whenDue}}, p.Whens...)
	var err error
	p.People, err = c.people(r, e, p.Choice)
	return p, err
}

// mostFound is how many registrants a search shows.
const mostFound = 20

// people lists whom a letter may be for: readers that nobody is, and the registrants
// that were looked for, the latest first.
func (c *organiser) people(r *http.Request, e *errand, l letterChoice) (peopleList, error) {
	w := letterWordsIn[e.Language]
	list := peopleList{Label: w.Who, SamplesLabel: w.Samples, FoundLabel: w.Found}
	found, err := e.desk.Store.People(r.Context(), store.Search{Event: e.event.Slug, Text: l.Search, Limit: mostFound})
	if err != nil {
		return list, err
	}
	chosen, err := c.reader(r, e, l)
	if err != nil {
		return list, err
	}
	list.Samples = []option{{somebody, w.Somebody, chosen == nil}, {withoutName, w.Nameless, l.Who == withoutName}, {farEast, w.Tokyo, l.Who == farEast}, {farWest, w.Mexico, l.Who == farWest}}
	if chosen != nil && !slices.ContainsFunc(found, func(p store.Person) bool { return p.ID == chosen.ID }) {
		found = append([]store.Person{*chosen}, found...)
	}
	for i := range found {
		p := &found[i]
		if !p.ErasedAt.IsZero() {
			continue
		}
		name := p.Email
		if p.Name != "" {
			name = p.Name + " <" + p.Email + ">"
		}
		list.Found = append(list.Found, option{strconv.FormatInt(int64(p.ID), 10), name, chosen != nil && p.ID == chosen.ID})
	}
	return list, nil
}

// findReader answers with the list alone, while somebody types whom they look for.
func (c *organiser) findReader(w http.ResponseWriter, r *http.Request, e *errand) {
	l := readChoice(r.URL.Query())
	list, err := c.people(r, e, l)
	if err != nil {
		c.unavailable(w, r, e, err)
		return
	}
	c.part(w, "letters", "people", list)
}

// fillIn makes the letter, with the texts as they are typed, and says what is wrong
// with them.
func (c *organiser) fillIn(r *http.Request, e *errand, p *lettersPage) error {
	d := p.Texts.draft
	drafted := d.draft(e.event).On(e.event)
	if p.Rules = p.rules(e.event); len(p.Rules) > 0 {
		p.Choice.Rule = desk.SampledRule(e.event, desk.Sample{Kind: p.Choice.Kind, Rule: p.Choice.Rule})
		for i := range p.Rules {
			p.Rules[i].Chosen = p.Rules[i].Value == p.Choice.Rule
		}
	}
	p.Texts.look(p, e.event, drafted.Problems)
	if len(drafted.Problems) > 0 {
		p.Why = p.W.WrongText
		return nil
	}
	at, ok := p.Choice.instant(e.now, e.event)
	if !ok {
		p.AtFault, p.Why = p.W.WrongTime, p.W.WrongTime
		return nil
	}
	person, err := c.reader(r, e, p.Choice)
	if err != nil {
		return err
	}
	l, err := e.desk.ShowLetter(r.Context(), e.now, e.event.Slug, p.Choice.sample(at, person, drafted.Event))
	switch {
	case errors.Is(err, desk.ErrNoRule):
		p.Why = p.W.NoRule
	case errors.Is(err, desk.ErrNoTrouble):
		p.Why = p.W.NoTrouble
	case errors.Is(err, desk.ErrUnwritable):
		p.Why = err.Error()
	case err != nil:
		return err
	default:
		p.Letter, err = p.shown(e, l)
		if errors.Is(err, errTooLong) {
			p.Why, err = p.W.TooLong, nil
		}
		return err
	}
	return nil
}

// rules lists the reminders that send the kind that is looked at.
func (p *lettersPage) rules(e *convened.Event) []option {
	if p.Choice.Kind != convened.ReminderKind && p.Choice.Kind != convened.Followup {
		return nil
	}
	var list []option
	for _, r := range desk.OutlineOf(e, time.Time{}, p.Language).Rules {
		if r.Kind != p.Choice.Kind {
			continue
		}
		name := r.Words
		if r.Reminder.Key != r.Reminder.Rule {
			name = r.Reminder.Key + p.W.Colon + " " + name
		}
		list = append(list, option{Value: r.Reminder.Key, Name: name})
	}
	return list
}

// shown gathers what there is to see of a letter.
func (p *lettersPage) shown(e *errand, l *desk.Preview) (*shownLetter, error) {
	q := p.Choice.query()
	if err := p.Texts.draft.travel(q, e.event); err != nil {
		return nil, err
	}
	s := &shownLetter{Subject: l.Subject, Frame: urlOf(p.Base()+"/letters/letter", q), File: urlOf(p.Base()+"/letters/letter.eml", q), Text: string(l.Text),
		As: p.Weekday(l.At) + " " + p.When(l.At), Invitation: invitationFacts(l.Calendar)}
	for _, name := range []string{"From", "To", "Reply-To", "Subject", "Date", "Content-Language", "List-Unsubscribe", "List-Unsubscribe-Post", "Message-Id", "Auto-Submitted", "Feedback-Id"} {
		for _, h := range l.Header {
			if strings.EqualFold(h.Name, name) {
				s.Header = append(s.Header, h)
			}
			if strings.EqualFold(h.Name, "Content-Language") {
				s.Language = h.Value
			}
		}
	}
	return s, nil
}

// invitationFacts lists what an invitation says, line by line: its lines are unfolded
// (RFC 5545 3.1), and texts are as people read them.
func invitationFacts(calendar []byte) []pair {
	text := strings.NewReplacer("\r\n ", "", "\n ", "", "\r\n\t", "", "\n\t", "").Replace(string(calendar))
	plain := strings.NewReplacer(`\n`, "\n", `\,`, ",", `\;`, ";", `\\`, `\`)
	inEvent := false
	var facts []pair
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		switch line {
		case "BEGIN:VEVENT":
			inEvent = true
			continue
		case "END:VEVENT", "BEGIN:VALARM":
			inEvent = false
			continue
		}
		name, value, ok := cutProperty(line)
		if !ok || !inEvent && name != "METHOD" {
			continue
		}
		facts = append(facts, pair{name, plain.Replace(value)})
	}
	return facts
}

// cutProperty cuts a line at the colon that begins its value, which is the first
// outside quotation marks.
func cutProperty(line string) (name, value string, ok bool) {
	quoted := false
	for i, r := range line {
		switch {
		case r == '"':
			quoted = !quoted
		case r == ':' && !quoted:
			return line[:i], line[i+1:], true
		}
	}
	return "", "", false
}

// SayAs says as of when the letter is shown.
func (p *lettersPage) SayAs() string { return say(p.W.As, "", p.Letter.As) }

// urlOf is a path with a query.
func urlOf(path string, query url.Values) string {
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}

// framePolicy is what a letter may do in its frame: show its own styles and its
// pictures, and nothing else. It is of no origin, so it can't ask the console for
// anything, and only the console may frame it.
const framePolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src https:; form-action 'none'; base-uri 'none'; frame-ancestors 'self'; sandbox"

// serveLetter answers with the HTML of a letter alone, to be framed.
func (c *organiser) serveLetter(w http.ResponseWriter, r *http.Request, e *errand) {
	// Nobody is led straight to a letter that somebody else has put words into.
	if to := r.Header.Get("Sec-Fetch-Dest"); to != "" && to != "iframe" {
		c.lead(w, urlOf("/events/"+e.event.Slug+"/letters", readChoice(r.URL.Query()).query()), "")
		return
	}
	l, ok := c.framed(w, r, e)
	if !ok {
		return
	}
	h := w.Header()
	h.Set("Content-Security-Policy", framePolicy)
	h.Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(l.HTML) // who does not take it has gone
}

// serveLetterFile answers with the whole letter, as mail programs open it.
func (c *organiser) serveLetterFile(w http.ResponseWriter, r *http.Request, e *errand) {
	l, ok := c.framed(w, r, e)
	if !ok {
		return
	}
	h := w.Header()
	h.Set("Content-Type", "message/rfc822")
	h.Set("Content-Disposition", `attachment; filename="`+e.event.Slug+`-`+string(l.Claim.Notice.Kind)+`.eml"`)
	_, _ = w.Write(l.Data) // who does not take it has gone
}

// framed makes the letter of an address. Where there is none it has answered.
func (c *organiser) framed(w http.ResponseWriter, r *http.Request, e *errand) (*desk.Preview, bool) {
	q := r.URL.Query()
	choice, d := readChoice(q), draftOf(e.event)
	at, ok := choice.instant(e.now, e.event)
	if err := d.arrive(q); err != nil || !ok {
		c.sorry(w, r, e, http.StatusNotFound)
		return nil, false
	}
	person, err := c.reader(r, e, choice)
	if err != nil {
		c.unavailable(w, r, e, err)
		return nil, false
	}
	drafted := d.draft(e.event).On(e.event)
	if len(drafted.Problems) > 0 {
		c.sorry(w, r, e, http.StatusNotFound)
		return nil, false
	}
	l, err := e.desk.ShowLetter(r.Context(), e.now, e.event.Slug, choice.sample(at, person, drafted.Event))
	switch {
	case errors.Is(err, desk.ErrNoRule), errors.Is(err, desk.ErrNoTrouble), errors.Is(err, desk.ErrUnwritable):
		c.sorry(w, r, e, http.StatusNotFound)
	case err != nil:
		c.unavailable(w, r, e, err)
	}
	return l, err == nil
}
