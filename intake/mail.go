package intake

import (
	"bytes"
	"crypto/sha256"
	"io"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/emersion/go-message"
)

// The bounds of what is read of one mail. A report on one of our letters, with
// the whole letter in it, is well within them; of what is larger the beginning
// is read, where the report is.
const (
	maxKept    = 2 << 20   // bytes of a mail
	maxHeader  = 256 << 10 // bytes of a header
	maxWords   = 32 << 10  // bytes of the text
	maxReport  = 64 << 10  // bytes of a report, and of a copy's header
	maxField   = 4 << 10   // bytes of a field
	maxParts   = 100
	maxNested  = 8 // levels of multipart
	maxDetails = 50
)

// A mail is what matters of one that came in. What it lacks is empty: reading
// never fails, because what comes in is whatever anybody sent.
type mail struct {
	from   string // envelope sender; "" is the null sender of bounces
	digest []byte // of all of it
	header fields
	words  string // the text that a person would read

	isReport bool     // it holds a message/delivery-status (RFC 3464)
	reports  []fields // of it, one group for each recipient
	feedback fields   // of a message/feedback-report (RFC 5965); nil: none
	copy     fields   // header of the letter that it gives back; nil: none
	answers  [][]byte // calendars
	read     bool     // it says that a mail was displayed (RFC 8098)
}

// readMail takes a mail apart. It reads the letter that a bounce gives back
// only for its header, and looks for reports nowhere in it: a report that
// somebody forwards is not one.
func readMail(from string, data []byte) *mail {
	sum := sha256.Sum256(data)
	m := &mail{from: from, digest: sum[:16]}
	data = mendHeader(data[:min(len(data), maxKept)])
	head, _, _ := bytes.Cut(data, []byte("\r\n\r\n"))
	m.header, _ = readFields(string(head[:min(len(head), maxHeader)]))
	e, err := message.ReadWithOptions(bytes.NewReader(data), &message.ReadOptions{MaxHeaderBytes: maxHeader})
	if e == nil || err != nil && !message.IsUnknownCharset(err) && !message.IsUnknownEncoding(err) {
		return m
	}
	left := maxParts
	m.walk(e, 0, &left)
	return m
}

// walk reads an entity and those inside it. One that can't be read ends its
// multipart, and what was read before it counts.
func (m *mail) walk(e *message.Entity, depth int, left *int) {
	if *left--; *left < 0 || depth > maxNested {
		return
	}
	if parts := e.MultipartReader(); parts != nil {
		for {
			part, err := parts.NextPart()
			if part == nil || err != nil && !message.IsUnknownCharset(err) && !message.IsUnknownEncoding(err) {
				return
			}
			m.walk(part, depth+1, left)
			if *left < 0 {
				return
			}
		}
	}
	kind, _, err := e.Header.ContentType()
	if err != nil {
		kind, _, _ = strings.Cut(e.Header.Get("Content-Type"), ";")
	}
	switch strings.ToLower(strings.TrimSpace(kind)) {
	case "message/delivery-status", "message/global-delivery-status":
		if !m.isReport {
			m.isReport, m.reports = true, recipientGroups(text(e, maxReport))
		}
	case "message/feedback-report":
		if m.feedback == nil {
			m.feedback, _ = readFields(text(e, maxReport))
		}
	case "message/disposition-notification", "message/global-disposition-notification":
		m.read = true
	case "message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers":
		if m.copy == nil {
			m.copy, _ = readFields(text(e, maxReport))
		}
	case "text/calendar", "application/ics":
		if len(m.answers) < 4 {
			m.answers = append(m.answers, []byte(text(e, maxKept)))
		}
	case "text/plain", "":
		if len(m.words) < maxWords {
			m.words += text(e, maxWords-len(m.words)) + "\n"
		}
	}
}

// text returns the beginning of a decoded body. Where it can't be decoded to
// its end, what could be decoded counts.
func text(e *message.Entity, most int) string {
	b, _ := io.ReadAll(io.LimitReader(e.Body, int64(most)))
	return strings.ToValidUTF8(string(b), "\uFFFD")
}

// fields are a header's or a report's, by their names in lower case. Of several
// of one name the first counts.
type fields map[string]string

// readFields reads fields up to the first empty line and returns what follows
// it. Lines that are no fields are passed over; folded ones are one line.
func readFields(s string) (f fields, rest string) {
	f = fields{}
	last := ""
	for s != "" {
		var line string
		line, s, _ = strings.Cut(s, "\n")
		line = strings.TrimRight(line, "\r")
		if strings.TrimSpace(line) == "" {
			return f, s
		}
		if line[0] == ' ' || line[0] == '\t' {
			if last != "" && len(f[last]) < maxField {
				f[last] += " " + strings.TrimSpace(line)
			}
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		last = ""
		if !ok || strings.ContainsAny(strings.TrimSpace(name), " \t") {
			continue
		}
		if name = strings.ToLower(strings.TrimSpace(name)); f[name] == "" && name != "" {
			f[name], last = strings.TrimSpace(value), name
		}
	}
	return f, ""
}

// recipientGroups returns the groups of a delivery report that are about a
// recipient (RFC 3464 2.1): all but the first, unless a server forgot the empty
// line behind what is about the message.
func recipientGroups(s string) []fields {
	var list []fields
	for s != "" && len(list) < maxDetails {
		var f fields
		f, s = readFields(s)
		if f["action"] != "" || f["status"] != "" || f["final-recipient"] != "" {
			list = append(list, f)
		}
	}
	return list
}

var fieldLine = regexp.MustCompile(`^([!-9;-~]+[ \t]*:|[ \t])`)

// mendHeader gives a mail line ends of CRLF in its header and leaves out the
// lines of it that are none, such as the From line of a mailbox file: the parser
// would not read on.
func mendHeader(data []byte) []byte {
	var b bytes.Buffer
	for len(data) > 0 && b.Len() <= maxHeader {
		line, rest, _ := bytes.Cut(data, []byte("\n"))
		data = rest
		line = bytes.TrimRight(line, "\r")
		if len(line) == 0 {
			break
		}
		if fieldLine.Match(line) && (b.Len() > 0 || line[0] != ' ' && line[0] != '\t') {
			b.Write(line)
			b.WriteString("\r\n")
		}
	}
	b.WriteString("\r\n")
	b.Write(data)
	return b.Bytes()
}

// copyOf returns the number and the Message-ID that the copy of a letter bears,
// and its envelope sender; "" and zero where it does not say.
func (m *mail) copyOf() (notice int64, messageID, returnPath string) {
	id := strings.TrimSpace(m.copy["message-id"])
	if strings.HasPrefix(id, "<") && strings.HasSuffix(id, ">") {
		messageID = id[1 : len(id)-1]
	}
	for _, c := range m.copy["x-convened-notice"] {
		if c < '0' || c > '9' || notice > 1<<58 {
			return 0, "", m.copy["return-path"]
		}
		notice = notice*10 + int64(c-'0')
	}
	return notice, messageID, m.copy["return-path"]
}

// isAuto reports whether a machine wrote the mail (RFC 3834 2, and what came
// before it). A null sender is one's own affair: see Intake.take.
func (m *mail) isAuto() bool {
	h := m.header
	if s, _, _ := strings.Cut(h["auto-submitted"], ";"); s != "" && !strings.EqualFold(strings.TrimSpace(s), "no") {
		return true
	}
	switch strings.ToLower(h["precedence"]) {
	case "bulk", "junk", "list", "auto_reply", "auto-reply":
		return true
	}
	for _, name := range []string{"x-autoreply", "x-autorespond", "x-autoresponder", "x-auto-response-suppress", "x-ms-exchange-generated-message-source", "list-id"} {
		if h[name] != "" {
			return true
		}
	}
	subject := strings.ToLower(h["subject"])
	for _, s := range []string{"automatic reply:", "auto:", "autoreply", "auto-reply", "out of office", "réponse automatique", "respuesta automática", "automatische antwort", "abwesenheitsnotiz"} {
		if strings.HasPrefix(subject, s) {
			return true
		}
	}
	return false
}

// oneLine makes one line of what a server said, for a text column.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > maxText {
		s = s[:maxText]
		for !utf8.ValidString(s) {
			s = s[:len(s)-1]
		}
	}
	return s
}

// maxText is how much of a server's words is kept, in bytes.
const maxText = 500
