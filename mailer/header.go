package mailer

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"convened"
	"convened/templates"
)

// A field is a header field: its value unfolded, encoded, and clean.
type field struct{ name, value string }

// The lengths, in characters, beyond which what somebody typed is cut.
const (
	maxName        = 100
	maxSubject     = 200
	maxTitle       = 300
	maxDescription = 4000
)

// fields returns the header fields of a letter: these, what MIME adds to
// them, DKIM-Signature, and no others. None of them names a person who is not the sender, the
// organiser or the recipient.
func (c *Composer) fields(now time.Time, claim *convened.Claim, l *Letter, to mailbox, content templates.Content, links templates.Links) []field {
	fs := []field{
		{"Date", now.UTC().Format(time.RFC1123Z)},
		{"From", c.from.header()},
		{"To", to.header()},
		{"Reply-To", c.replyToFor(claim).header()},
		{"Subject", encodeText(cleanLine(testMark(claim)+content.Subject, maxSubject))},
		{"Message-ID", "<" + l.MessageID + ">"},
		{"Auto-Submitted", "auto-generated"},                 // RFC 3834 5
		{"X-Auto-Response-Suppress", "OOF, AutoReply"},       // the same to Exchange
		{"Feedback-ID", feedbackID(claim, l.Kind, c.sender)}, // Gmail's postmaster tools
		{"X-Mailer", encodeText(c.mailer)},
		{"X-Convened-Kind", string(l.Kind)},
		{"X-Convened-Event", encodeText(cleanLine(claim.Event.Slug, maxSubject))},
	}
	if language := cleanLine(content.Language, 35); language != "" {
		fs = append(fs, field{"Content-Language", encodeText(language)})
	}
	if l.Notice != 0 {
		fs = append(fs, field{"X-Convened-Notice", strconv.FormatInt(int64(l.Notice), 10)})
	}
	if t := claim.ThreadID; t != l.MessageID && isMessageID(t) {
		fs = append(fs, field{"In-Reply-To", "<" + t + ">"}, field{"References", "<" + t + ">"})
	}
	if links.Unsubscribe != "" {
		// RFC 8058 3.1: one https URL, acted upon by POST alone.
		fs = append(fs, field{"List-Unsubscribe", "<" + links.Unsubscribe + ">"},
			field{"List-Unsubscribe-Post", "List-Unsubscribe=One-Click"})
	}
	return fs
}

// testMark is what the subject of a trial begins with, in its language: a
// letter that looks like the real one must not be taken for it.
func testMark(claim *convened.Claim) string {
	if !claim.Test {
		return ""
	}
	switch convened.LetterLanguage(&claim.Event, &claim.Registration) {
	case "fr":
		return "[Essai] "
	case "es":
		return "[Prueba] "
	default:
		return "[Test] "
	}
}

// header is the mailbox as a header field has it (RFC 5322 3.4).
func (m mailbox) header() string { return string(m.appendHeader(nil)) }

func (m mailbox) appendHeader(b []byte) []byte {
	if m.name != "" {
		b = append(appendPhrase(b, m.name), ' ')
	}
	b = append(append(b, '<'), m.Local...)
	return append(append(append(b, '@'), m.Domain...), '>')
}

var slugLike = regexp.MustCompile(`^[A-Za-z0-9._-]{1,48}$`)

// feedbackID is campaign, type of mail and sender, with colons between. What is
// too long for one line keeps its beginning.
func feedbackID(claim *convened.Claim, kind convened.Kind, sender string) string {
	slug := claim.Event.Slug
	if !slugLike.MatchString(slug) {
		sum := sha256.Sum256([]byte(slug))
		slug = hex.EncodeToString(sum[:])[:16]
	}
	return fmt.Sprintf("%s:%s:%s", slug, kind, sender)
}

// isMessageID reports whether s can stand between the angle brackets of a
// Message-ID: dot-atoms at a domain, which is all that this program makes.
func isMessageID(s string) bool {
	left, right, found := strings.Cut(s, "@")
	return found && left != "" && right != "" && len(s) <= 250 && consistsOf(left, "!#$%&'*+/=?^_`{|}~.-") && consistsOf(right, ".-")
}

// consistsOf reports whether s has ASCII letters and digits alone, and what is in others.
func consistsOf(s, others string) bool {
	for i := range len(s) {
		if c := s[i]; !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || strings.IndexByte(others, c) >= 0) {
			return false
		}
	}
	return true
}

// cleanLine makes one clean line of what somebody typed, of at most max
// characters: white space becomes a single space, and characters that control,
// hide, or turn the direction of what follows are dropped. The joiners that
// some scripts are spelt with stay.
func cleanLine(s string, max int) string {
	if len(s) <= max && convened.IsPlainLine(s) {
		return s
	}
	return cleanedLine(s, max)
}

func cleanedLine(s string, max int) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r == '\u200c' || r == '\u200d':
			return r
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), !unicode.IsGraphic(r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(clip(s, 4*max), "\uFFFD"))
	return clip(strings.Join(strings.Fields(s), " "), max)
}

// clip cuts s to max characters, the last of which then says that it was cut.
func clip(s string, max int) string {
	if len(s) <= max {
		return s
	}
	n, last := 0, 0
	for i := range s {
		if n == max-1 {
			last = i
		}
		if n++; n > max {
			return strings.TrimSpace(s[:last]) + "…"
		}
	}
	return s
}

var link = regexp.MustCompile(`(?i)://|\bwww\.|\bmailto:`)

func holdsLink(s string) bool { return strings.ContainsAny(s, ":wW") && link.MatchString(s) }

// maxWord is the length of an encoded word. RFC 2047 2 allows 75; with this one
// the first fits on the line of every field's name.
const maxWord = 62

// encodeText encodes an unstructured field's value (RFC 2047 5 (1)), if it needs
// it: what is not ASCII, what a reader would take for an encoded word, and what
// has a word too long for a line.
func encodeText(s string) string {
	if isPlain(s) {
		return s
	}
	return string(appendWords(nil, s))
}

// appendPhrase is encodeText for a display name: plain text is quoted.
func appendPhrase(b []byte, s string) []byte {
	if !isPlain(s) {
		return appendWords(b, s)
	}
	b = append(b, '"')
	for i := range len(s) {
		if s[i] == '\\' || s[i] == '"' {
			b = append(b, '\\')
		}
		b = append(b, s[i])
	}
	return append(b, '"')
}

func isPlain(s string) bool {
	run := 0
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
		if run++; s[i] == ' ' {
			run = 0
		}
		if run > maxWord-2 {
			return false
		}
	}
	return !strings.Contains(s, "=?")
}

// appendWords writes s as encoded words that each hold whole characters, in the
// shorter of the two encodings. The Q encoding is the one for phrases (RFC 2047 5 (3)),
// which is right everywhere; the standard library's is not.
func appendWords(b []byte, s string) []byte {
	room := maxWord - len("=?UTF-8?Q?"+"?=")
	q := 0
	for i := range len(s) {
		q += qLen(s[i])
	}
	quoted := q <= (len(s)+2)/3*4
	if !quoted {
		room = room / 4 * 3
	}
	for first := true; len(s) > 0; first = false {
		n, used := 0, 0
		for n < len(s) {
			_, size := utf8.DecodeRuneInString(s[n:])
			cost := size
			if quoted {
				cost = 0
				for i := n; i < n+size; i++ {
					cost += qLen(s[i])
				}
			}
			if used+cost > room {
				break
			}
			n, used = n+size, used+cost
		}
		if !first {
			b = append(b, ' ')
		}
		if quoted {
			b = qEncode(append(b, "=?UTF-8?Q?"...), s[:n])
		} else {
			b = base64.StdEncoding.AppendEncode(append(b, "=?UTF-8?B?"...), []byte(s[:n]))
		}
		b = append(b, "?="...)
		s = s[n:]
	}
	return b
}

func qLen(b byte) int {
	if b == ' ' || isQSafe(b) {
		return 1
	}
	return 3
}

func isQSafe(b byte) bool {
	return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' || strings.IndexByte("!*+-/", b) >= 0
}

func qEncode(b []byte, s string) []byte {
	for i := range len(s) {
		switch {
		case s[i] == ' ':
			b = append(b, '_')
		case isQSafe(s[i]):
			b = append(b, s[i])
		default:
			b = append(b, '=', upperHex[s[i]>>4], upperHex[s[i]&15])
		}
	}
	return b
}

const upperHex = "0123456789ABCDEF"
