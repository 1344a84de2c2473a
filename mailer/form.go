package mailer

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"strings"
	"sync"
	"time"

	"convened"
	"convened/address"
	"convened/calendar"
	"convened/templates"
)

// This file makes many letters of one. What go-mail, golang-ical and the
// templates make of one event for readers of one language and zone is the same
// for each of them but for a few lines: their name, their links, their address,
// the number of their seat. So the letter is made once, the long way, with marks
// where those lines go, and cut there; for each reader only they are written and
// encoded. Quoted-printable and base64 begin anew with each line and each part,
// so what lies between them keeps its bytes.
//
// The invariant: a letter from a form is byte for byte the letter that the long
// way makes. Where anything is out of the ordinary, the long way makes it.

// A form is all letters of one shape but for what is each reader's own. It is
// immutable.
type form struct {
	event  *convened.Event // that it is for: see templates.SameEvent
	head   []section       // from the first field to the last part's end
	words  *templates.Form
	method calendar.Method
	inv    *calendar.Form // nil: none
	size   int            // what a letter has at the least, in bytes
	proven bool           // that the lines of its fixed sections can be sent
}

// A formKey says which letters have one form.
type formKey struct {
	templates.Shape
	threaded bool
	off      bool
}

// A section is bytes that are the same in each letter, or what is filled in.
type section struct {
	fixed []byte
	slot  slot
	line  *templates.Stretch // of a line of the words
	event int                // which stretch of the invitation

	// fixed[begin:end] is whole lines, those at dots begin with one.
	begin, end int
	dots       []int
}

type slot int

const (
	noSlot     slot = iota
	lineSlot        // a line of the text or the HTML, in quoted-printable
	eventSlot       // a line of the invitation, in quoted-printable
	attachSlot      // the whole invitation, in base64
	tagSlot         // what boundaries are made of
	dateSlot
	toSlot
	messageIDSlot
	noticeSlot
	inReplyToSlot
	referencesSlot
	unsubscribeSlot
)

// slotFields are the fields that are each reader's own.
var slotFields = map[string]slot{
	"Date": dateSlot, "To": toSlot, "Message-ID": messageIDSlot, "X-Convened-Notice": noticeSlot,
	"In-Reply-To": inReplyToSlot, "References": referencesSlot, "List-Unsubscribe": unsubscribeSlot,
}

// Marks of what is filled in, in the letter that go-mail makes. They have the
// alphabet of what they stand for.
const (
	textMark   = "Zmarktext8f3Qp"
	htmlMark   = "Zmarkhtml2d7Lw"
	eventMark  = "Zmarkevent5k9Ry"
	fieldMark  = "Zmarkfield1b6Tn"
	tagMark    = "Zmarktag4s8Hv"
	attachMark = "Zmarkattach3g7Dc" // found in base64
)

// A formCase keeps the forms that are in use. A burst has a few; what is asked for
// once, such as a confirmation to somebody in a zone of their own, is not worth
// one, so a form is made at the second time.
type formCase struct {
	mu     sync.Mutex
	young  map[formKey]*form // nil: asked for once
	old    map[formKey]*form
	closed map[formKey]bool // of which there can be no form
}

// maxForms bounds how many forms are kept: twice as many, in two generations, of
// some 60 KB each.
const maxForms = 100

// get returns the form of a key and an event; made says whether the caller
// should make one.
func (f *formCase) get(k formKey, e *convened.Event) (got *form, wanted bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed[k] {
		return nil, false
	}
	got, known := f.young[k]
	if !known {
		if got, known = f.old[k]; known {
			f.put(k, got)
		}
	}
	if got != nil && !templates.SameEvent(got.event, e) {
		return nil, true
	}
	if !known {
		f.put(k, nil)
		return nil, false
	}
	return got, got == nil
}

// put is for who holds the lock.
func (f *formCase) put(k formKey, made *form) {
	if f.young == nil || len(f.young) >= maxForms {
		f.old, f.young, f.closed = f.young, map[formKey]*form{}, map[formKey]bool{}
	}
	f.young[k] = made
}

func (f *formCase) keep(k formKey, made *form) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.put(k, made); made == nil {
		f.closed[k] = true
	}
}

// composeByForm drafts the letter of a claim from its form. It returns false where the
// long way has to make it.
func (c *Composer) composeByForm(now time.Time, claim *convened.Claim, l *Letter, to mailbox, token string) bool {
	if l.Notice == 0 || claim.Registration.CreatedAt.IsZero() || l.SMTPUTF8 || token == "" || c.invitesThemselves(claim, to) {
		return false
	}
	person, shape, ok := templates.PersonOf(now, claim, token)
	if !ok {
		return false
	}
	k := formKey{Shape: shape, threaded: claim.ThreadID != l.MessageID && isMessageID(claim.ThreadID), off: claim.Off()}
	f, wanted := c.forms.get(k, &claim.Event)
	if wanted {
		f = c.makeForm(now, claim, l, to, token)
		c.forms.keep(k, f)
	}
	if f == nil || !f.words.Fits(&person) {
		return false
	}
	var event calendar.Personal
	if f.inv != nil {
		inv := c.attending(claim, to, now)
		var err error
		if event, err = inv.Personal(); err != nil {
			return false // the long way says what is wrong
		}
	}
	l.draft = &draft{form: f, composer: c, now: now, thread: claim.ThreadID, to: to, token: token, person: person, event: event}
	return true
}

// A draft is all that is one reader's own in a letter from a form. It is a
// hundredth of what it becomes, and waits its turn in its place.
type draft struct {
	form     *form
	composer *Composer
	now      time.Time // into Date
	thread   string    // the Message-ID that it answers
	to       mailbox
	token    string // of the reader's links
	person   templates.Person
	event    calendar.Personal
}

// invitesThemselves reports whether the reader is the organiser, who is invited by
// somebody else than the others: see organizer.
func (c *Composer) invitesThemselves(claim *convened.Claim, to mailbox) bool {
	return to.Domain == c.from.Domain && address.Key(claim.Event.Organizer.Email) == address.Key(to.String())
}

// attending is as much of an invitation as is its attendee's own.
func (c *Composer) attending(claim *convened.Claim, to mailbox, now time.Time) calendar.Invitation {
	inv := calendar.Invitation{UID: claim.Registration.UID, Sequence: claim.Sequence(), Stamp: claim.Stamp(), Created: claim.Registration.CreatedAt,
		Attendee: calendar.Person{Name: to.name, Email: to.String()}}
	if inv.Stamp.IsZero() {
		inv.Stamp = now.UTC().Truncate(time.Second)
	}
	return inv
}

// makeForm makes the form of a claim's letters, the long way; nil where there
// can be none.
func (c *Composer) makeForm(now time.Time, claim *convened.Claim, l *Letter, to mailbox, token string) *form {
	e, links := claim.Event, c.links(token)
	f := &form{event: &e}
	m := message{tag: tagMark, text: textMark, html: htmlMark}
	if carriesInvitation(l.Kind) {
		inv := c.invitation(claim, to, now)
		var err error
		if f.inv, err = inv.Form(); err != nil {
			return nil
		}
		f.method, m.method, m.invitation, m.attached = inv.Method, inv.Method, []byte(eventMark), []byte(attachMark)
		if inv.Method == calendar.Request {
			add := inv.Links()
			links.Google, links.Outlook, links.Yahoo = add.Google, add.Outlook, add.Yahoo
		}
	}
	var err error
	if f.words, err = c.outline(now, claim, links, token); err != nil || f.words == nil {
		return nil
	}
	for _, d := range c.fields(now, claim, l, to, f.words.Content, links) {
		if _, own := slotFields[d.name]; own {
			d.value = fieldMark
		}
		m.fields = append(m.fields, d)
	}
	whole, err := m.bytes()
	if err != nil || !f.cut(whole) {
		return nil
	}
	// What it was made of has to come out of it, or it is none.
	person, _, _ := templates.PersonOf(now, claim, token)
	var event calendar.Personal
	if f.inv != nil {
		inv := c.attending(claim, to, now)
		if event, err = inv.Personal(); err != nil {
			return nil
		}
	}
	f.prove()
	trial := *l
	if err := c.write(now, claim, &trial, to, links); err != nil {
		return nil
	}
	d := &draft{form: f, composer: c, now: now, thread: claim.ThreadID, to: to, token: token, person: person, event: event}
	if !bytes.Equal(trial.Data, d.fill(l).data) {
		return nil
	}
	return f
}

// cut cuts the letter at its marks.
func (f *form) cut(whole []byte) bool {
	attached := base64.StdEncoding.EncodeToString([]byte(attachMark)) + "\r\n"
	head, body, ok := bytes.Cut(whole, []byte("\r\n\r\n"))
	if !ok {
		return false
	}
	for line := range bytes.Lines(append(head, "\r\n"...)) {
		name, value, _ := strings.Cut(strings.TrimSuffix(string(line), "\r\n"), ": ")
		if value == fieldMark {
			f.add(section{slot: slotFields[name]})
			continue
		}
		f.addTagged(line)
	}
	f.addTagged([]byte("\r\n"))
	rest := body
	for _, part := range []struct {
		mark   string
		write  func()
		exists bool
	}{
		{textMark, func() { f.addWords(f.words.Text) }, true},
		{htmlMark, func() { f.addWords(f.words.HTML) }, true},
		{eventMark, f.addEvent, f.inv != nil},
		{attached, func() { f.add(section{slot: attachSlot}) }, f.inv != nil},
	} {
		if !part.exists {
			continue
		}
		before, after, found := bytes.Cut(rest, []byte(part.mark))
		if !found {
			return false
		}
		f.addTagged(before)
		part.write()
		rest = after
	}
	f.addTagged(rest)
	return true
}

// add adds a section, joined to the last one where both are fixed.
func (f *form) add(s section) {
	if n := len(f.head); s.slot == noSlot && n > 0 && f.head[n-1].slot == noSlot {
		f.head[n-1].fixed = append(f.head[n-1].fixed, s.fixed...)
	} else {
		f.head = append(f.head, s)
	}
	f.size += len(s.fixed)
}

// prove looks at the lines of the fixed sections, once for all letters.
func (f *form) prove() {
	f.proven = true
	for i := range f.head {
		s := &f.head[i]
		if s.begin = bytes.IndexByte(s.fixed, '\n') + 1; s.begin == 0 {
			continue
		}
		s.end = bytes.LastIndexByte(s.fixed, '\n') + 1
		var err error
		if s.dots, err = findDots(nil, s.fixed, s.begin, s.end); err != nil {
			f.proven = false
		}
	}
}

func (f *form) addTagged(b []byte) {
	for i, piece := range bytes.Split(b, []byte(tagMark)) {
		if i > 0 {
			f.add(section{slot: tagSlot})
		}
		if len(piece) > 0 {
			f.add(section{fixed: bytes.Clone(piece)})
		}
	}
}

func (f *form) addWords(list []templates.Stretch) {
	for i := range list {
		if list[i].Fixed != "" {
			f.add(section{fixed: quoted(nil, []byte(list[i].Fixed))})
		} else {
			f.add(section{slot: lineSlot, line: &list[i]})
		}
	}
}

func (f *form) addEvent() {
	for i := range f.inv.Stretches {
		if s := &f.inv.Stretches[i]; s.Fixed != nil {
			f.add(section{fixed: quoted(nil, s.Fixed)})
			f.size += base64.StdEncoding.EncodedLen(len(s.Fixed))
		} else {
			f.add(section{slot: eventSlot, event: i})
		}
	}
}

// fill writes the letter of one reader.
//
// A line of it lies within a fixed section, and was proven when the form was made,
// or is looked at here. So a letter that says it is checked has been, all of it.
func (d *draft) fill(l *Letter) *sheet {
	f := d.form
	p, _ := pens.Get().(*pen)
	if p == nil {
		p = &pen{}
	}
	defer pens.Put(p)
	p.invite(f.inv, &d.event)
	tag := d.composer.tag(l.MessageID)
	out := newSheet(f.size + personalSize)
	b := out.data
	var err error
	seen := 0 // b[:seen] is whole lines that were looked at
	for i := range f.head {
		s := &f.head[i]
		switch s.slot {
		case noSlot:
			at := len(b)
			b = append(b, s.fixed...)
			if s.begin == 0 {
				continue
			}
			if err == nil {
				out.dots, err = findDots(out.dots, b, seen, at+s.begin)
			}
			for _, dot := range s.dots {
				out.dots = append(out.dots, at+dot)
			}
			seen = at + s.end
		case lineSlot:
			p.line = s.line.Fill(p.line[:0], &d.person)
			b = quoted(b, p.line)
		case eventSlot:
			b = quoted(b, p.event[p.ends[s.event-1]:p.ends[s.event]])
		case attachSlot:
			whole := seen == len(b)
			if b = inBase64(b, p.event); whole {
				seen = len(b) // whole lines of an alphabet without a dot
			}
		case tagSlot:
			b = append(b, tag...)
		case dateSlot:
			b = d.now.UTC().AppendFormat(append(b, "Date: "...), time.RFC1123Z)
			b = append(b, "\r\n"...)
		case noticeSlot:
			b = strconv.AppendInt(append(b, "X-Convened-Notice: "...), int64(l.Notice), 10)
			b = append(b, "\r\n"...)
		case toSlot:
			p.line = d.to.appendHeader(p.line[:0])
			b = appendField(b, "To", p.line)
		case messageIDSlot:
			b = appendField(b, "Message-ID", p.inBrackets(l.MessageID))
		case inReplyToSlot:
			b = appendField(b, "In-Reply-To", p.inBrackets(d.thread))
		case referencesSlot:
			b = appendField(b, "References", p.inBrackets(d.thread))
		case unsubscribeSlot:
			p.line = append(d.composer.appendUnsubscribe(append(p.line[:0], '<'), d.token), '>')
			b = appendField(b, "List-Unsubscribe", p.line)
		}
	}
	if err == nil {
		out.dots, err = findDots(out.dots, b, seen, len(b))
	}
	out.data, out.checked = b, f.proven && err == nil
	return out
}

// personalSize is about what is a reader's own in a letter, in bytes.
const personalSize = 4 << 10

// A pen is what a letter is written with, used again for the next.
type pen struct {
	line  []byte // before it is encoded
	event []byte // the invitation
	ends  []int  // of its stretches
}

var pens sync.Pool

// invite writes the invitation; nil is none.
func (p *pen) invite(f *calendar.Form, of *calendar.Personal) {
	if p.event, p.ends = p.event[:0], p.ends[:0]; f == nil {
		return
	}
	for i := range f.Stretches {
		s := &f.Stretches[i]
		p.event = s.Fill(append(p.event, s.Fixed...), of)
		p.ends = append(p.ends, len(p.event))
	}
}

func (p *pen) inBrackets(s string) []byte {
	p.line = append(append(append(p.line[:0], '<'), s...), '>')
	return p.line
}

// appendField appends a field as go-mail writes it: folded before a word that
// does not fit.
func appendField(b []byte, name string, value []byte) []byte {
	b = append(append(b, name...), ':')
	room := 76 - 2 - len(name) - 2
	for first := true; ; first = false {
		word, rest, more := bytes.Cut(value, []byte{' '})
		if !first {
			room--
		}
		switch {
		case room-len(word) <= 1:
			b = append(b, "\r\n "...)
			room = 76 - 3
		default:
			b = append(b, ' ')
		}
		b = append(b, word...)
		room -= len(word)
		if value = rest; !more {
			return append(b, "\r\n"...)
		}
	}
}

// quoted appends s in quoted-printable, as mime/quotedprintable writes it: s is
// whole lines, whose ends are LF or CRLF.
func quoted(b, s []byte) []byte {
	const most = 75 // and the = of a line that goes on
	line := len(b)  // where it begins
	for len(s) > 0 {
		n := literals(s)
		for plain := s[:n]; len(plain) > 0; {
			fits := min(len(plain), most-(len(b)-line))
			b = append(b, plain[:fits]...)
			if plain = plain[fits:]; len(plain) > 0 {
				b = append(b, "=\r\n"...)
				line = len(b)
			}
		}
		if s = s[n:]; len(s) == 0 {
			break
		}
		c := s[0]
		s = s[1:]
		switch {
		case c == '\r' && len(s) > 0 && s[0] == '\n':
			continue
		case c != '\r' && c != '\n':
			if most-(len(b)-line) < 3 {
				b = append(b, "=\r\n"...)
				line = len(b)
			}
			b = append(b, '=', upperHex[c>>4], upperHex[c&15])
			continue
		}
		b = closed(b, line)
		b = append(b, "\r\n"...)
		line = len(b)
	}
	return closed(b, line)
}

// literals returns how many characters at the beginning of s are left as they are
// in quoted-printable.
func literals(s []byte) int {
	const each, high = 0x0101010101010101, 0x8080808080808080
	n := 0
	for ; len(s)-n >= 8; n += 8 {
		// Eight at a time: none above 0x7e, below a space, or an equals sign. A bit that a
		// neighbour sets for nothing only sends all of them the long way.
		w := binary.LittleEndian.Uint64(s[n:])
		equals := w ^ '='*each
		if (w|(w+each)|(w-' '*each)|(equals-each))&high != 0 {
			break
		}
	}
	for n < len(s) && isLiteral[s[n]] {
		n++
	}
	return n
}

// closed encodes white space at the end of a line, which begins at line: mail
// servers may take it away (RFC 2045 6.7 (3)).
func closed(b []byte, line int) []byte {
	last := len(b) - 1
	if last < line || b[last] != ' ' && b[last] != '\t' {
		return b
	}
	c := b[last]
	if b = b[:last]; last-line > 72 {
		b = append(b, "=\r\n"...)
	}
	return append(b, '=', '0'+c>>4, upperHex[c&15])
}

// isLiteral tells the characters that quoted-printable leaves as they are.
var isLiteral = func() (t [256]bool) {
	for c := ' '; c <= '~'; c++ {
		t[c] = c != '='
	}
	t['\t'] = true
	return t
}()

// inBase64 appends s in base64, in lines of 76.
func inBase64(b, s []byte) []byte {
	const row = 57
	for len(s) > 0 {
		n := min(row, len(s))
		b = base64.StdEncoding.AppendEncode(b, s[:n])
		b = append(b, "\r\n"...)
		s = s[n:]
	}
	return b
}
