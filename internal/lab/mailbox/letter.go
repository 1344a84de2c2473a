package mailbox

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/emersion/go-message"
	"github.com/emersion/go-message/mail"

	"convened"
	"convened/internal/lab"
)

// An envelope is what the list says of a letter.
type envelope struct {
	From    []person
	To      []person
	Subject string
	Kind    string // X-Convened-Kind; "" for a letter without a kind of ours
	Date    string // as the header has it
}

// A person is a name and an address as a header has them, either of which may be
// missing. They are shown apart: the one may be Arabic and the other not.
type person struct {
	Name    string
	Address string
}

// envelopes remembers the envelopes of letters, so that a list of ten thousand is read
// once. The zero value is ready for use.
type envelopes struct {
	mu   sync.Mutex
	byID map[string]envelope
}

// mostEnvelopes bounds what is remembered, of letters long forgotten too.
const mostEnvelopes = 200_000

func (e *envelopes) of(m *lab.Message) envelope {
	e.mu.Lock()
	defer e.mu.Unlock()
	if found, ok := e.byID[m.ID]; ok {
		return found
	}
	if e.byID == nil || len(e.byID) >= mostEnvelopes {
		e.byID = map[string]envelope{}
	}
	read := readEnvelope(m)
	e.byID[m.ID] = read
	return read
}

// longestHeader is how much of a letter is looked through for its header.
const longestHeader = 64 << 10

func readEnvelope(m *lab.Message) envelope {
	raw := m.Raw
	if i := bytes.Index(raw, []byte("\r\n\r\n")); i >= 0 {
		raw = raw[:i+4]
	}
	e := envelope{From: []person{{Address: m.From}}}
	for _, to := range m.To {
		e.To = append(e.To, person{Address: to})
	}
	if len(raw) > longestHeader {
		return e
	}
	entity, err := message.Read(bytes.NewReader(raw))
	if entity == nil || err != nil && !message.IsUnknownCharset(err) && !message.IsUnknownEncoding(err) {
		return e
	}
	h := mail.Header{Header: entity.Header}
	e.From = addresses(h, "From", e.From)
	e.To = addresses(h, "To", e.To)
	if e.Subject, err = h.Subject(); err != nil {
		e.Subject = h.Get("Subject")
	}
	if kind := h.Get("X-Convened-Kind"); slices.Contains(kinds(), convened.Kind(kind)) {
		e.Kind = kind
	}
	e.Date = h.Get("Date")
	return e
}

// kinds are those of our letters, in the order of an event's life.
func kinds() []convened.Kind { return append(convened.Kinds(), convened.Preflight) }

// addresses returns whom a header field names, or otherwise where it is missing.
func addresses(h mail.Header, key string, otherwise []person) []person {
	raw := h.Get(key)
	if raw == "" {
		return otherwise
	}
	list, err := h.AddressList(key)
	if err != nil || len(list) == 0 {
		return []person{{Name: raw}} // no addresses, but what it says
	}
	var all []person
	for _, a := range list {
		all = append(all, person(*a))
	}
	return all
}

// A letter is the content of a message, decoded. Of several parts of one kind it is the
// first; "" is none.
type letter struct {
	HTML        string
	Text        string
	Calendar    string // text/calendar within the body, not attached
	Method      string // method= of its Content-Type
	Attachments []attachment
	Problem     string // why it could not be read whole; "" if it could
}

// An attachment is a part that is a file of its own.
type attachment struct {
	Name string // never ""
	Type string
	Body []byte
}

// Limits of what is looked into: no letter of ours comes near, and one made to
// hurt stops there.
const (
	deepest     = 10
	mostParts   = 100
	longestPart = 4 << 20 // bytes
)

var (
	errDeep = errors.New("its parts lie too deep within each other")
	errMany = errors.New("it has too many parts")
	errLong = errors.New("one of its parts is too long")
)

// read takes a letter apart. It does not fail: a letter that can't be read
// is one with a problem and the parts that came before it.
func read(raw []byte) letter {
	var l letter
	entity, err := message.Read(bytes.NewReader(raw))
	parts := 0
	if err = unlessForeign(entity, err); err == nil {
		err = l.take(entity, 0, &parts)
	}
	if err != nil {
		l.Problem = err.Error()
	}
	return l
}

// unlessForeign passes over an unknown charset or encoding: the text is then
// read as it is.
func unlessForeign(entity *message.Entity, err error) error {
	if entity != nil && (message.IsUnknownCharset(err) || message.IsUnknownEncoding(err)) {
		return nil
	}
	return err
}

// take adds an entity and what is in it.
func (l *letter) take(entity *message.Entity, depth int, parts *int) error {
	if *parts++; *parts > mostParts {
		return errMany
	}
	parsed := entity.MultipartReader()
	if parsed == nil {
		return l.takePart(entity)
	}
	if depth == deepest {
		return errDeep
	}
	for {
		part, err := parsed.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err = unlessForeign(part, err); err != nil {
			return err
		}
		if err := l.take(part, depth+1, parts); err != nil {
			return err
		}
	}
}

func (l *letter) takePart(entity *message.Entity) error {
	body, err := io.ReadAll(io.LimitReader(entity.Body, longestPart+1))
	if err != nil {
		return err
	}
	if len(body) > longestPart {
		return errLong
	}
	contentType, parameters, err := entity.Header.ContentType()
	if err != nil {
		contentType = "application/octet-stream"
	}
	if entity.Header.Get("Content-Type") == "" {
		contentType = "text/plain" // RFC 2045 5.2
	}
	disposition, named, _ := entity.Header.ContentDisposition() // what can't be parsed is not there
	if disposition != "attachment" {
		text := strings.ToValidUTF8(string(body), "\ufffd")
		switch {
		case contentType == "text/html" && l.HTML == "":
			l.HTML = text
			return nil
		case contentType == "text/plain" && l.Text == "":
			l.Text = text
			return nil
		case contentType == "text/calendar" && l.Calendar == "":
			l.Calendar, l.Method = text, parameters["method"]
			return nil
		}
	}
	l.Attachments = append(l.Attachments, attachment{Name: fileName(contentType, named["filename"], parameters["name"]), Type: contentType, Body: body})
	return nil
}

// fileName returns the first of the names that is one, without the folders it
// may claim, or one made up for the type.
func fileName(contentType string, names ...string) string {
	for _, name := range names {
		name = name[strings.LastIndexAny(name, `/\`)+1:]
		name = strings.Trim(strings.Map(func(r rune) rune {
			if r < 0x20 || r == 0x7f {
				return -1
			}
			return r
		}, name), ". ")
		if name != "" {
			return name
		}
	}
	if extensions, err := mime.ExtensionsByType(contentType); err == nil && len(extensions) > 0 {
		return "attachment" + extensions[0]
	}
	return "attachment"
}

var (
	headTag   = regexp.MustCompile(`(?i)<head(\s[^>]*)?>`)
	htmlTag   = regexp.MustCompile(`(?i)^\s*(<!doctype[^>]*>)?\s*(<html(\s[^>]*)?>)?`)
	darkQuery = regexp.MustCompile(`(?i)\(\s*prefers-color-scheme\s*:\s*dark\s*\)`)
	dayQuery  = regexp.MustCompile(`(?i)\(\s*prefers-color-scheme\s*:\s*light\s*\)`)
)

// framed is the HTML of a letter as the frame wants it: links open in a window of
// their own, since the frame is none; and with a theme, "light" or "dark", it
// looks as it would in a browser that prefers that.
func framed(html, theme string) string {
	head := `<base target="_blank">`
	const always, never = "(min-width: 0)", "(max-width: 0)"
	switch theme {
	case "light":
		html = dayQuery.ReplaceAllString(darkQuery.ReplaceAllString(html, never), always)
		head += `<style>:root{color-scheme:only light}</style>`
	case "dark":
		html = dayQuery.ReplaceAllString(darkQuery.ReplaceAllString(html, always), never)
		head += `<style>:root{color-scheme:only dark}</style>`
	}
	at := headTag.FindStringIndex(html)
	if at == nil {
		at = htmlTag.FindStringIndex(html) // it matches anything, if with nothing
	}
	return html[:at[1]] + head + html[at[1]:]
}

// A segment is a piece of text, with a link where it is one.
type segment struct {
	Text string
	Link string // http or https; "" is plain text
}

var webAddress = regexp.MustCompile(`https?://[^\s<>"'\x60\\^{|}]+`)

// segments finds the links in a text, as mail programs do.
func segments(text string) []segment {
	var all []segment
	for {
		at := webAddress.FindStringIndex(text)
		if at == nil {
			break
		}
		link := strings.TrimRight(text[at[0]:at[1]], ".,;:!?)]")
		end := at[0] + len(link)
		all = append(all, segment{Text: text[:at[0]]}, segment{Text: link, Link: link})
		text = text[end:]
	}
	return append(all, segment{Text: text})
}
