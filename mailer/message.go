package mailer

import (
	"bytes"
	"fmt"
	"strings"

	gomail "github.com/wneessen/go-mail"

	"convened/calendar"
)

// A message is a letter in parts: what is said, and how the parts are labelled.
type message struct {
	fields     []field
	text, html string
	method     calendar.Method // of the invitation
	invitation []byte          // nil: none
	attached   []byte          // the file; nil: the same bytes
	tag        string          // what boundaries are made of
}

// bytes writes the message: multipart/alternative, within multipart/mixed where
// there is an invitation to attach.
//
//	multipart/mixed
//	├─ multipart/alternative
//	│  ├─ text/plain
//	│  ├─ text/html
//	│  └─ text/calendar; method=REQUEST    what Outlook and Gmail look for, last and without a name
//	└─ application/ics; name="invite.ics"  the same bytes, for who opens attachments
//
// go-mail writes the parts, the encodings and the fields. It is led around four
// things that it does otherwise:
//
//   - it writes preformatted fields in a random order and as they are, so there
//     is never more than one (see setField);
//   - it adds a charset to every part, and nothing after it, so method= goes where the charset ends;
//   - it adds fields of its own, unless they are there already;
//   - it draws boundaries by chance, or takes one for all levels, so they are
//     exchanged in the finished bytes.
func (m *message) bytes() ([]byte, error) {
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent(), gomail.WithEncoding(gomail.EncodingQP))
	for _, f := range m.fields {
		setField(msg, f)
	}
	msg.SetBodyString(gomail.TypeTextPlain, m.text)
	msg.AddAlternativeString(gomail.TypeTextHTML, m.html)
	levels := 1
	if m.invitation != nil {
		msg.AddAlternativeString("text/calendar", string(m.invitation),
			gomail.WithPartCharset(gomail.Charset("utf-8; method="+string(m.method))))
		file := m.attached
		if file == nil {
			file = m.invitation
		}
		if err := msg.AttachReader("invite.ics", bytes.NewReader(file), gomail.WithFileContentType("application/ics")); err != nil {
			return nil, fmt.Errorf("attach invitation: %w", err)
		}
		levels = 2
	}
	var b bytes.Buffer
	if _, err := msg.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("write letter: %w", err)
	}
	return exchangeBoundaries(b.Bytes(), m.tag, levels)
}

// setField sets one field. go-mail leaves ASCII as it is, and takes anything else for
// text to encode; the one value that must stay beyond ASCII is an address that
// needs SMTPUTF8 (RFC 6532 3.2), and only To can have it.
func setField(msg *gomail.Msg, f field) {
	if strings.ContainsFunc(f.value, func(r rune) bool { return r >= 0x80 }) {
		msg.SetGenHeaderPreformatted(gomail.Header(f.name), fold(f))
		return
	}
	msg.SetGenHeader(gomail.Header(f.name), f.value)
}

// fold breaks a value between its words (RFC 5322 2.2.3), before 78 octets.
func fold(f field) string {
	var b strings.Builder
	room := 78 - len(f.name) - len(": ")
	for i, word := range strings.Fields(f.value) {
		switch {
		case i == 0:
		case len(word)+1 > room:
			b.WriteString("\r\n ")
			room = 77
		default:
			b.WriteByte(' ')
			room--
		}
		b.WriteString(word)
		room -= len(word)
	}
	return b.String()
}

// announced is what stands before a boundary in go-mail's Content-Type. No part
// can hold it: quoted-printable has no bare = and base64 no space.
const announced = "\r\n boundary="

func exchangeBoundaries(data []byte, tag string, levels int) ([]byte, error) {
	at := 0
	for level := 1; level <= levels; level++ {
		i := bytes.Index(data[at:], []byte(announced))
		if i < 0 {
			return nil, fmt.Errorf("write letter: %d levels of parts where %d are due", level-1, levels)
		}
		at += i + len(announced)
		theirs, _, _ := bytes.Cut(data[at:], []byte("\r\n"))
		data = bytes.ReplaceAll(data, bytes.Clone(theirs), fmt.Appendf(nil, "convened-%s-%d", tag, level))
	}
	return data, nil
}
