package templates

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

	"convened"
)

// This file makes many letters of one. What a hundred thousand people read about
// one event differs in their name, their links and the number of their seat, and
// to execute templates for each of them is most of what a letter costs. So a
// letter is rendered once with stand-ins for those three, and cut where they
// stand.
//
// A Form is right only because it may say no: where a letter depends on a person
// in another way than by these three in plain sight, there is none, and each
// letter is rendered by itself.

// A Shape is all that a letter depends on besides the person. Two claims of one
// shape, of events for which SameEvent holds, have one form. It is comparable.
type Shape struct {
	slug      string
	revision  int
	kind      convened.Kind
	reminder  *convened.Reminder
	was       *convened.Event
	folded    string // the rules that a confirmation stands in for
	language  string
	zone      *time.Location
	yours     *time.Location
	startsIn  string
	begun     bool
	ended     bool
	soon      bool
	again     bool
	folds     bool
	givenUp   bool
	declined  bool
	nameless  bool
	leftwards bool // the name is written from right to left
}

// A Person is what is one reader's own in a letter, ready to be set in.
type Person struct {
	name   string // as it is greeted; "" is not
	under  string // the name that the seat is under
	number string // of the reservation
	token  string // what the reader's links differ in
}

// PersonOf tells what of a claim is its reader's own, and the shape of the rest.
// token is the part of the reader's links that is different in each. It reports
// false where the letter is to be rendered by itself.
func PersonOf(now time.Time, c *convened.Claim, token string) (Person, Shape, bool) {
	e, r := &c.Event, &c.Registration
	if c.Notice.Kind == convened.Preflight || c.Test || !asItStands(r.UID) || !asItStands(token) {
		return Person{}, Shape{}, false
	}
	p := Person{name: line(r.Name), number: r.UID, token: token}
	if p.under = p.name; p.under == "" {
		p.under = line(r.Email)
	}
	p.name = greeted(p.name)
	if marked(p.name) {
		return Person{}, Shape{}, false
	}
	s := Shape{
		slug: e.Slug, revision: e.Revision, kind: c.Notice.Kind, reminder: c.Reminder, was: c.Was,
		language: convened.LetterLanguage(e, r), zone: e.TimeLocation(), yours: r.TimeLocation(e),
		begun: !now.Before(e.Starts), ended: !now.Before(e.Ends), soon: e.Starts.Sub(now) <= 24*time.Hour,
		givenUp: !r.CancelledAt.IsZero(), declined: !r.DeclinedAt.IsZero(),
		nameless: p.name == "", leftwards: rightToLeft(p.name),
	}
	if s.kind == convened.Confirmation {
		s.again, s.folds = again(c.Notice.Occasion), len(c.Folded) > 0
		if s.folds {
			s.folded = strings.Join(foldedKeys(c.Folded), "\x00")
		}
	}
	if !s.ended {
		s.startsIn = localeOf[s.language].startsIn(now, e.Starts, s.yours)
	}
	return p, s, true
}

// marked reports whether a note that begins a line with {name}, or writes it beside
// an address, would begin a list with this name or make a link of it.
func marked(name string) bool {
	first, _ := utf8.DecodeRuneInString(name)
	return strings.IndexByte(name, '/') >= 0 || strings.ContainsRune("-*•·–", first)
}

// asItStands reports whether no context of text, HTML or JSON escapes s.
func asItStands(s string) bool {
	for i := range len(s) {
		if c := s[i]; !('0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || c == '-' || c == '_') {
			return false
		}
	}
	return len(s) >= 8 && len(s) <= 64
}

// SameEvent reports whether two events are one, as it was read once: their texts
// and rules are not compared but have to be the same in memory. Whoever edits a
// copy has another.
func SameEvent(a, b *convened.Event) bool {
	if a == b {
		return true
	}
	same := func(a, b convened.Text) bool {
		return len(a) == len(b) && reflect.ValueOf(a).Pointer() == reflect.ValueOf(b).Pointer()
	}
	return a.Slug == b.Slug && a.Revision == b.Revision && a.Sequence == b.Sequence && a.Status == b.Status && a.Zone == b.Zone && a.Language == b.Language &&
		a.HeldIn == b.HeldIn && a.Starts.Equal(b.Starts) && a.Ends.Equal(b.Ends) && a.StartsLocal == b.StartsLocal && a.EndsLocal == b.EndsLocal &&
		a.JoinURL == b.JoinURL && a.PageURL == b.PageURL && a.Organizer == b.Organizer && a.Colour == b.Colour && a.Logo == b.Logo && a.SignUp == b.SignUp &&
		a.SequencedAt.Equal(b.SequencedAt) && a.MovedAt.Equal(b.MovedAt) && a.CreatedAt.Equal(b.CreatedAt) &&
		same(a.Title, b.Title) && same(a.Description, b.Description) && same(a.Introduction, b.Introduction) && same(a.Location, b.Location) &&
		len(a.Reminders) == len(b.Reminders) && (len(a.Reminders) == 0 || &a.Reminders[0] == &b.Reminders[0])
}

// A Form is a letter with gaps for a person. It is immutable and safe for
// concurrent use.
type Form struct {
	Content // of nobody: without Text and HTML

	Text []Stretch
	HTML []Stretch
	size int // of the HTML, with its gaps empty
}

// A Stretch is a part of a letter: whole lines that are the same for everybody,
// or a line with gaps. Put together they are the text, or the HTML.
type Stretch struct {
	Fixed string // "" where there are gaps
	parts []part
	wrap  bool // the line is laid out when its gaps are filled
}

// A part of a line is words, or a gap.
type part struct {
	words string
	gap   gap
}

type gap int

const (
	noGap      gap = iota
	tokenGap       // the same in every context
	numberGap      // the same in every context
	nameGap        // as plain text
	nameInHTML     // escaped for HTML
	underGap       // escaped for JSON in a script
)

// Fill returns the line of a stretch with gaps, filled, after dst.
func (s *Stretch) Fill(dst []byte, p *Person) []byte {
	from := len(dst)
	for _, w := range s.parts {
		switch w.gap {
		case noGap:
			dst = append(dst, w.words...)
		case tokenGap:
			dst = append(dst, p.token...)
		case numberGap:
			dst = append(dst, p.number...)
		case nameGap:
			dst = append(dst, p.name...)
		case nameInHTML:
			dst = appendInHTML(dst, p.name)
		case underGap:
			dst = appendInJSON(dst, p.under)
		}
	}
	if n := len(dst) - from; s.wrap && n > 0 && n <= columns && convened.IsPlainLine(string(dst[from:])) {
		dst = append(dst, '\n') // there is nothing to lay out
	} else if s.wrap {
		laid := wrap(string(dst[from:]), columns)
		dst = append(dst[:from], laid...)
	}
	return dst
}

// appendInHTML escapes as html/template does between tags.
func appendInHTML(dst []byte, s string) []byte {
	if !strings.ContainsAny(s, "\x00\"&'+<>") {
		return append(dst, s...)
	}
	return append(dst, inHTML.Replace(s)...)
}

var inHTML = strings.NewReplacer("\x00", "\uFFFD", `"`, "&#34;", "&", "&amp;", "'", "&#39;", "+", "&#43;", "<", "&lt;", ">", "&gt;")

// appendInJSON escapes as html/template does in a script of JSON.
func appendInJSON(dst []byte, s string) []byte {
	if convened.IsPlainLine(s) && !strings.ContainsAny(s, "\"\\&<>`") {
		return append(dst, s...)
	}
	b, err := json.Marshal(s)
	if err != nil || len(b) < 2 {
		return append(dst, s...) // a string can't fail
	}
	return append(dst, b[1:len(b)-1]...)
}

// Fits reports whether the letter of a person is within the limits of one that
// is rendered by itself.
func (f *Form) Fits(p *Person) bool {
	n := f.size
	for i := range f.HTML {
		for _, w := range f.HTML[i].parts {
			if w.gap == nameInHTML || w.gap == underGap {
				n += 6 * (len(p.name) + len(p.under)) // at the most, of an escaped character
			}
		}
	}
	return n < maxHTML
}

// Stand-ins, of the lengths and the alphabets of what they stand for where that
// matters, and such as nobody types by chance. A form in which a stand-in is
// found where it should not be is none; one that somebody typed on purpose
// spoils the forms of their own event.
const (
	nameStandIn   = "Ztandinname4h7Qw"
	underStandIn  = "Ztandinunder9k2Vx"
	numberStandIn = "Ztandinnumber6c5Jt"
	leftwardSign  = "\u05d0" // a letter that is written so
)

// Form makes the form of a claim's shape: the claim is any of those that have it.
// links are the claim's, and token is what is its reader's in them. It is nil
// where there can be no form: the templates are not the built-in ones, or the
// person shows in other places than those that are known.
func (s *Set) Form(now time.Time, c *convened.Claim, l Links, token string) (f *Form, err error) {
	defer func() {
		if r := recover(); r != nil {
			f, err = nil, fmt.Errorf("render %s: panic: %v", c.Notice.Kind, r)
		}
	}()
	p, shape, ok := PersonOf(now, c, token)
	if !ok {
		return nil, nil
	}
	nobody := *c
	nobody.Registration.UID = numberStandIn
	r := read(now, &nobody, l)
	u, err := s.unit(r)
	if err != nil || !u.ours {
		return nil, err
	}
	standIn := nameStandIn
	if shape.leftwards {
		standIn = leftwardSign + nameStandIn
	}
	switch {
	case !shape.nameless:
		nobody.Registration.Name = standIn
	default:
		nobody.Registration.Name = "" // a link is greeted as nobody, and is under its name all the same
	}
	letter := r.letter()
	if letter.Reservation == nil || (letter.Name == "") != shape.nameless {
		return nil, nil
	}
	letter.Reservation.UnderName.Name = underStandIn
	var m meter
	if err := u.speak(&m, letter); err != nil {
		return nil, err
	}
	m.Reset()
	if err := u.html.Execute(&m, letter); err != nil {
		return nil, u.placed(err, u.files[htmlPart], 0)
	}
	html := m.String()
	m.Reset()
	if err := u.text.Execute(&m, letter); err != nil {
		return nil, u.placed(err, u.files[textPart], 0)
	}
	text := m.String()
	f = &Form{Content: Content{Subject: letter.Subject, Preheader: letter.Preheader, Language: letter.Language}, size: len(html)}
	if holdsStandIn(letter.Subject, token) || holdsStandIn(letter.Preheader, token) || strings.Contains(text, underStandIn) || strings.Contains(text, numberStandIn) ||
		inTag(html, nameStandIn) || strings.Count(html, underStandIn) != 1 || strings.Count(html, numberStandIn) != 1 {
		return nil, nil
	}
	f.HTML = stretches(html, []standsFor{{token, tokenGap}, {numberStandIn, numberGap}, {standIn, nameInHTML}, {underStandIn, underGap}})
	f.Text = laidOut(text, standIn, token)
	if !f.agrees(now, u, c, l, p) {
		return nil, nil
	}
	return f, nil
}

func holdsStandIn(s, token string) bool {
	return strings.Contains(s, nameStandIn) || strings.Contains(s, token)
}

// inTag reports whether a stand-in stands within a tag, where it is escaped
// otherwise than between them.
func inTag(html, standIn string) bool {
	for rest := 0; ; {
		i := strings.Index(html[rest:], standIn)
		if i < 0 {
			return false
		}
		if at := rest + i; strings.LastIndexByte(html[:at], '<') > strings.LastIndexByte(html[:at], '>') {
			return true
		}
		rest += i + len(standIn)
	}
}

type standsFor struct {
	standIn string
	gap     gap
}

// stretches cuts s into lines with gaps and what lies between them.
func stretches(s string, list []standsFor) []Stretch {
	var all []Stretch
	var fixed strings.Builder
	for l := range strings.Lines(s) {
		parts := cutGaps(l, list)
		if parts == nil {
			fixed.WriteString(l)
			continue
		}
		if fixed.Len() > 0 {
			all = append(all, Stretch{Fixed: fixed.String()})
			fixed.Reset()
		}
		all = append(all, Stretch{parts: parts})
	}
	if fixed.Len() > 0 {
		all = append(all, Stretch{Fixed: fixed.String()})
	}
	return all
}

// cutGaps cuts a line at the stand-ins; nil if it has none.
func cutGaps(l string, list []standsFor) []part {
	var parts []part
	for {
		at, found := -1, standsFor{}
		for _, f := range list {
			if i := strings.Index(l, f.standIn); i >= 0 && (at < 0 || i < at) {
				at, found = i, f
			}
		}
		if at < 0 {
			if parts != nil && l != "" {
				parts = append(parts, part{words: l})
			}
			return parts
		}
		if at > 0 {
			parts = append(parts, part{words: l[:at]})
		}
		parts = append(parts, part{gap: found.gap})
		l = l[at+len(found.standIn):]
	}
}

// heldPlace stands for a line that is laid out later. It is as short as a line
// that stays as it is.
const heldPlace = "\x00"

// laidOut lays out the text part but for the lines with a name in them, which are
// as long as the name.
func laidOut(text, name, token string) []Stretch {
	var held []Stretch
	var b strings.Builder
	for l := range strings.Lines(text) {
		if !strings.Contains(l, name) {
			b.WriteString(l)
			continue
		}
		l = strings.TrimSuffix(l, "\n")
		held = append(held, Stretch{parts: cutGaps(l, []standsFor{{name, nameGap}, {token, tokenGap}}), wrap: true})
		b.WriteString(heldPlace + "\n")
	}
	var all []Stretch
	blocks := strings.Split(wrap(b.String(), columns), heldPlace+"\n")
	for i, block := range blocks {
		all = append(all, stretches(block, []standsFor{{token, tokenGap}})...)
		if i < len(held) {
			all = append(all, held[i])
		}
	}
	return all
}

// agrees tries the form on a person of its shape whose name has what is escaped
// in HTML and in JSON.
func (f *Form) agrees(now time.Time, u *unit, c *convened.Claim, l Links, p Person) bool {
	trial := *c
	if p.name != "" {
		p.name = `O'Neil & "Söhne" <x+y>` + " \\ and\u00a0others of a family with a name as long as two lines of a letter are, or longer"
		if rightToLeft(c.Registration.Name) {
			p.name = leftwardSign + p.name
		}
		trial.Registration.Name = p.name
		p.under = p.name
	}
	want, err := u.render(read(now, &trial, l).letter())
	return err == nil && want.Subject == f.Subject && want.Preheader == f.Preheader && want.Text == joinStretches(f.Text, &p) && want.HTML == joinStretches(f.HTML, &p)
}

// joinStretches puts a part of a letter together.
func joinStretches(list []Stretch, p *Person) string {
	var b []byte
	for i := range list {
		if list[i].parts == nil {
			b = append(b, list[i].Fixed...)
			continue
		}
		b = list[i].Fill(b, p)
	}
	return string(b)
}
