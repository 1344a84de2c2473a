package calendar

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"convened"
)

// A Form is an invitation with gaps, for many attendees of one event: to build
// the whole object for each of them is most of what an invitation costs. What
// differs from one to the next (the UID, the revision, when it was made, the
// attendee) has a content line of its own, so the other lines are kept as
// Encode wrote them.
//
// It is immutable and safe for concurrent use.
type Form struct {
	Method    Method
	Stretches []Stretch
}

// A Stretch is content lines that are the same for everybody, or one that is
// not. Put together they are what Encode returns.
type Stretch struct {
	Fixed    []byte // nil: the line is a property of the attendee's
	property string
}

// personal are the properties whose lines are the attendee's own.
var personal = map[string]bool{"UID": true, "SEQUENCE": true, "DTSTAMP": true, "CREATED": true, "LAST-MODIFIED": true, "ATTENDEE": true}

// Form makes the form of an invitation. Its error is that of Encode.
func (inv *Invitation) Form() (*Form, error) {
	whole, err := inv.Encode()
	if err != nil {
		return nil, err
	}
	f := &Form{Method: inv.Method}
	var fixed []byte
	skipping := false
	for line := range bytes.Lines(whole) {
		if line[0] == ' ' && skipping {
			continue // of a line that is folded
		}
		name := string(line[:max(0, bytes.IndexAny(line, ":;"))])
		if skipping = personal[name]; !skipping {
			fixed = append(fixed, line...)
			continue
		}
		f.Stretches = append(f.Stretches, Stretch{Fixed: fixed}, Stretch{property: name})
		fixed = nil
	}
	f.Stretches = append(f.Stretches, Stretch{Fixed: fixed})
	// A form that is not what it was made of is a mistake of this package.
	if got, err := f.encode(inv); err != nil || !bytes.Equal(got, whole) {
		return nil, fmt.Errorf("encode invitation: its form is another")
	}
	return f, nil
}

func (f *Form) encode(inv *Invitation) ([]byte, error) {
	p, err := inv.Personal()
	if err != nil {
		return nil, err
	}
	var b []byte
	for i := range f.Stretches {
		b = append(b, f.Stretches[i].Fixed...)
		b = f.Stretches[i].Fill(b, &p)
	}
	return b, nil
}

// A Personal is what is one attendee's own in an invitation.
type Personal struct {
	uid            string
	sequence       int
	stamp, created time.Time
	name, uri      string // of the attendee
}

// Personal returns what is the attendee's own: UID, Sequence, Stamp, Created
// and Attendee are all that it reads. Its error is that of Encode.
func (inv *Invitation) Personal() (Personal, error) {
	fail := func(err error) (Personal, error) {
		return Personal{}, fmt.Errorf("encode invitation: %w: %w", err, convened.ErrRefused)
	}
	if !safeUID(inv.UID) || inv.Sequence < 0 || inv.Sequence > math.MaxInt32 || inv.Stamp.IsZero() {
		return fail(fmt.Errorf("what is the attendee's own can't be written"))
	}
	for _, t := range []time.Time{inv.Stamp, inv.Created} {
		if y := t.UTC().Year(); y < 1 || y > 9998 {
			return fail(fmt.Errorf("a time is outside of the years 1 to 9998"))
		}
	}
	uri, err := mailto(inv.Attendee.Email)
	if err != nil {
		return fail(fmt.Errorf("attendee: %w", err))
	}
	return Personal{inv.UID, inv.Sequence, inv.Stamp, inv.Created, commonName(inv.Attendee.Name), uri}, nil
}

// Fill appends the content line of a stretch that is the attendee's own, and
// nothing for one that is fixed.
func (s *Stretch) Fill(b []byte, p *Personal) []byte {
	begin := len(b)
	switch s.property {
	case "":
		return b
	case "UID":
		b = append(append(b, "UID:"...), p.uid...)
	case "SEQUENCE":
		b = append(b, "SEQUENCE:"...)
		b = strconv.AppendInt(b, int64(p.sequence), 10)
	case "CREATED":
		b = appendInstant(append(b, "CREATED:"...), p.created)
	case "DTSTAMP", "LAST-MODIFIED":
		b = appendInstant(append(append(b, s.property...), ':'), p.stamp)
	case "ATTENDEE":
		b = append(b, "ATTENDEE"...)
		if p.name != "" {
			b = append(append(append(b, `;CN="`...), p.name...), '"')
		}
		b = append(append(b, ";PARTSTAT=ACCEPTED;RSVP=FALSE:"...), p.uri...)
	}
	return fold(b, begin)
}

// appendInstant appends a time in UTC, of the years 1 to 9998 (RFC 5545 3.3.5).
func appendInstant(b []byte, t time.Time) []byte {
	t = t.UTC()
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	b = appendTwo(appendTwo(b, year/100), year%100)
	b = append(appendTwo(appendTwo(b, int(month)), day), 'T')
	return append(appendTwo(appendTwo(appendTwo(b, hour), minute), second), 'Z')
}

func appendTwo(b []byte, n int) []byte { return append(b, byte('0'+n/10), byte('0'+n%10)) }

// width is how many octets a content line has before it is folded.
const width = 75

// fold ends the content line that begins at begin, folded where and how the
// library does it: after words where there are some.
func fold(b []byte, begin int) []byte {
	for room := width; len(b)-begin > room; room = width - 1 {
		at := begin + foldAt(b[begin:], room)
		b = slices.Insert(b, at, '\r', '\n', ' ')
		begin = at + 3
	}
	return append(b, "\r\n"...)
}

// foldAt returns how many octets of a line that has more than room go before a
// fold.
func foldAt(s []byte, room int) int {
	n, word := 0, -1
	var last rune
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRune(s[i:])
		if r == ' ' || r == '<' || last == '>' {
			word = i
		}
		last = r
		if n+utf8.RuneLen(r) > room {
			break
		}
		n += utf8.RuneLen(r)
		i += size
	}
	if word > 0 {
		return word
	}
	return n
}
