// Package templates says what the letters say: the subject, the text part and
// the HTML part of a confirmation, a reminder, an update, a cancellation, a
// follow-up, and of what an organiser is told before the start, in English,
// French and Spanish.
//
// # How a letter is cut
//
// Its facts are gathered from the claim into a Letter, cleaned of what people
// typed into it. Its words stand in files of their own, KIND/LANG.tmpl, as named
// blocks of plain text; those that all letters share are in layout/LANG.tmpl.
// Its structure stands in layout/html.tmpl and layout/text.tmpl, which arrange
// facts and words. So the three languages differ in words and in nothing else,
// and text and HTML say the same because they are made of the same blocks.
//
//	claim ──▶ facts ──▶ words ──▶ layout ──▶ subject, text, HTML
//	                 KIND/LANG.tmpl   layout/*.tmpl
//
// A directory of the sysadmin's lies over the built-in files, file by file and
// block by block; docs/templates.md is its manual. What organisers write in the
// event file is no template: it has placeholders only.
//
// # The invariant
//
// Rendering is a pure function of the time, the claim and the links, so that a
// retry is the same letter. It never panics, and what it may cost is bounded,
// whatever a template does and whatever a person typed: a name can neither
// break out of the HTML nor add a header nor turn the text around.
//
// # What it will not do
//
// It makes no links, no MIME and no invitation; it reads no clock and no
// database. It does not decide whether a letter should be sent.
package templates

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"convened"
)

// Limits of a letter.
const (
	maxHTML      = 102_400 // bytes; Gmail clips what is larger
	maxSubject   = 78      // characters: the line of RFC 5322 2.1.1
	maxPreheader = 150     // characters; mailboxes show about a hundred
)

// Links are the URLs that a letter to one reader holds; https. "" is not
// offered: there are no calendar links in a cancellation.
type Links struct {
	Manage      string // the reader's own page
	Cancel      string // where the reader gives up the seat
	Unsubscribe string // where the reader stops the reminders, and keeps the seat
	Google      string // adds the event to that calendar
	Outlook     string
	Yahoo       string
}

// Content is a letter's words: UTF-8, lines ending in \n.
type Content struct {
	Subject   string // one line of at most 78 characters, without control characters
	Preheader string // what mailboxes show after the subject; in the HTML, hidden
	Text      string
	HTML      string // less than 102,400 bytes
	Language  string // "en", "fr" or "es"
}

// A Set is all templates, parsed. It is immutable and safe for concurrent use.
type Set struct {
	units  map[key]*unit
	names  map[string]bool // what a rule may name
	events map[string]bool // slugs that have templates of their own
}

// A key says which unit: the event's slug, or "" where it has no templates of
// its own; the directories, from the kind on; the language.
type key struct{ slug, dirs, language string }

var builtin = sync.OnceValue(func() *Set {
	s, errs := compileSet(builtinLayer(), nil, nil)
	if err := errs.err(); err != nil {
		panic("built-in templates: " + err.Error()) // a test renders them all
	}
	return s
})

// Builtin returns the letters as they come with the program. They are parsed
// once.
func Builtin() *Set { return builtin() }

// Has reports whether a rule may name a template so: "reminder" and the other
// kinds always, others where the overriding directory has one of that name.
func (s *Set) Has(name string) bool { return s.names[name] }

// Render makes the letter of a claim as of now, for its reader: in the
// registration's language and zone, with relative words ("tomorrow") by the
// reader's calendar. It reads nothing but its arguments, and changes none.
//
// The error wraps convened.ErrRefused where the letter is too large or takes
// too long to make. Another error, of a template that was changed since, or of
// one that this set does not have, may be mended by mending the template; the
// caller counts how often it tries.
func (s *Set) Render(now time.Time, c *convened.Claim, l Links) (content Content, err error) {
	if c == nil {
		return Content{}, errors.New("render: no claim")
	}
	defer func() {
		if r := recover(); r != nil {
			content, err = Content{}, fmt.Errorf("render %s: panic: %v", c.Notice.Kind, r)
		}
	}()
	r := read(now, c, l)
	u, err := s.unit(r)
	if err != nil {
		return Content{}, fmt.Errorf("render %s: %w", c.Notice.Kind, err)
	}
	content, err = u.render(r.letter())
	if err != nil {
		return Content{}, fmt.Errorf("render %s: %w", c.Notice.Kind, err)
	}
	return content, nil
}

// unit finds the templates for a letter.
func (s *Set) unit(r *reading) (*unit, error) {
	c := r.claim
	name := ""
	if c.Reminder != nil {
		name = c.Reminder.Template
	}
	k := key{dirs: dirs(c.Notice.Kind, name), language: r.language}
	if s.events[c.Event.Slug] {
		k.slug = c.Event.Slug
	}
	switch u := s.units[k]; {
	case c.Notice.Kind == convened.Preflight && c.Trouble.None():
		return nil, errors.New("nothing is wrong that it could tell of")
	case u != nil:
		return u, nil
	case name != "" && !s.Has(name):
		return nil, fmt.Errorf("there is no template %q", name)
	}
	return nil, fmt.Errorf("there is no letter of this kind")
}

// dirs names the directories that a letter is made of, one over the other:
// "reminder", or "reminder/lastcall" where a rule names a template that is no
// kind of its own.
func dirs(kind convened.Kind, template string) string {
	switch kind {
	case convened.ReminderKind, convened.Followup:
		if isKind(template) {
			return template
		}
		if template != "" {
			return string(kind) + "/" + template
		}
	}
	return string(kind)
}

// isKind reports whether name is that of a kind of letter.
func isKind(name string) bool {
	for _, k := range convened.Kinds() {
		if name == string(k) {
			return true
		}
	}
	return false
}

// render executes a unit on a letter.
func (u *unit) render(l *Letter) (Content, error) {
	var m meter
	if err := u.speak(&m, l); err != nil {
		return Content{}, err
	}
	m.Reset()
	if err := u.html.Execute(&m, l); err != nil {
		return Content{}, u.placed(err, u.files[htmlPart], 0)
	}
	html := m.String()
	if len(html) >= maxHTML {
		return Content{}, fmt.Errorf("%w: the HTML part has %d bytes, of at most %d; shorten what the organiser wrote", convened.ErrRefused, len(html), maxHTML-1)
	}
	m.Reset()
	if err := u.text.Execute(&m, l); err != nil {
		return Content{}, u.placed(err, u.files[textPart], 0)
	}
	return Content{Subject: l.Subject, Preheader: l.Preheader, Text: wrap(m.String(), columns), HTML: html, Language: l.Language}, nil
}

// speak executes the blocks of the words files into l.
func (u *unit) speak(m *meter, l *Letter) error {
	told := *l // with the names of people and things set apart from the sentence
	told.Name, told.Title, told.Location, told.Organizer = isolate(l.Name), isolate(l.Title), isolate(l.Location), isolate(l.Organizer)
	l.Words = make(map[string]Prose, len(u.blocks))
	for _, b := range u.blocks {
		if b.template == nil {
			l.Words[b.name] = b.static
			continue
		}
		var err error
		switch b.name {
		case subjectPart:
			l.Subject, err = b.subject(m, *l)
			l.Words[b.name] = proseOf(l.Subject)
		case "preheader":
			var s string
			s, err = b.oneLine(m, l)
			l.Preheader = cut(s, maxPreheader)
			l.Words[b.name] = proseOf(l.Preheader)
		default:
			m.Reset()
			if err = b.template.Execute(m, &told); err == nil {
				l.Words[b.name] = proseOf(m.String())
			}
		}
		if err != nil {
			return u.placed(err, b.file, b.line)
		}
	}
	return nil
}

// oneLine executes a block to plain text without a line end.
func (b *block) oneLine(m *meter, l *Letter) (string, error) {
	m.Reset()
	if err := b.template.Execute(m, l); err != nil {
		return "", err
	}
	return spaces(strings.ReplaceAll(m.String(), nbsp, " ")), nil
}

// subject executes the subject so that it fits: with the title cut between
// words where it does not, else cut itself.
func (b *block) subject(m *meter, l Letter) (string, error) {
	const least = 12 // characters of a title that still say something
	s, err := b.oneLine(m, &l)
	title := l.Title
	for over := 0; err == nil && over < len(title); {
		n := utf8.RuneCountInString(s) - maxSubject
		if n <= 0 {
			return s, nil
		}
		over += n
		room := utf8.RuneCountInString(title) - over
		if room < least {
			l.Title = cut(title, least)
			s, err = b.oneLine(m, &l)
			break
		}
		l.Title = cut(title, room)
		s, err = b.oneLine(m, &l)
	}
	return cut(s, maxSubject), err
}

// placed makes a Problem of a template's error: at its place if it says one, else
// at the place given.
func (u *unit) placed(err error, file string, line int) error {
	if errors.Is(err, convened.ErrRefused) {
		what := strings.TrimPrefix(err.Error(), convened.ErrRefused.Error()+": ")
		return Problem{File: file, Line: line, What: what, Mend: mend(what), Err: convened.ErrRefused}
	}
	p := problemOf(file, err)
	// html/template names some places by the template, not by its file.
	if m := unplaced.FindStringSubmatch(p.What); m != nil {
		p.File, p.What = m[1], m[2]
	}
	if file, ok := u.files[p.File]; ok {
		p.File = file
	}
	return p
}

// unplaced finds the template in an error that says no line.
var unplaced = regexp.MustCompile(`^html/template: ?(\w+): (.*)$`)

// capital makes the first letter of s a capital one.
func capital(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return s
	}
	var b bytes.Buffer
	b.WriteRune(unicode.ToUpper(r))
	b.WriteString(s[n:])
	return b.String()
}
