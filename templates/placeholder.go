package templates

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// MaxPlaceholderText is how many characters an introduction or a note may have.
const MaxPlaceholderText = maxText

// A Placeholder is a word in braces that organisers may write in an
// introduction or a note, and what stands in its place in the letter.
type Placeholder struct {
	Name    string // without the braces
	Meaning string
	value   func(*Letter) string
}

// Placeholders lists what organisers may write, in the order of the manual.
func Placeholders() []Placeholder { return placeholders }

var placeholders = []Placeholder{
	{"name", "the reader's name; where it is not known, nothing, and the space before it goes too", func(l *Letter) string { return l.Name }},
	{"title", "the event's title", func(l *Letter) string { return l.Title }},
	{"date", "the date of the start, in the event's zone: Wednesday 25 November 2026", func(l *Letter) string { return l.Date }},
	{"time", "from when to when, in the event's zone: 16:00–17:00", func(l *Letter) string { return l.Time }},
	{"zone", "the event's zone: Brussels time (UTC+1)", func(l *Letter) string { return l.Zone }},
	{"start", "date, time and zone of the start: Wednesday 25 November 2026, 16:00, Brussels time (UTC+1)", func(l *Letter) string { return l.Start }},
	{"end", "the same of the end", func(l *Letter) string { return l.End }},
	{"your_start", "the same of the start, on the reader's own clock", func(l *Letter) string { return l.YourStart }},
	{"starts_in", "how far off the start is when the letter is made: tomorrow, in 1 hour", func(l *Letter) string { return l.StartsIn }},
	{"location", "where the event takes place", func(l *Letter) string { return l.Location }},
	{"held_in", "the language that is spoken: French", func(l *Letter) string { return l.HeldIn }},
	{"join_url", "the link to join", func(l *Letter) string { return l.JoinURL }},
	{"page_url", "the event's page", func(l *Letter) string { return l.PageURL }},
	{"manage_url", "the reader's own page", func(l *Letter) string { return l.Links.Manage }},
	{"cancel_url", "where the reader gives up the seat", func(l *Letter) string { return l.Links.Cancel }},
	{"organizer", "who invites", func(l *Letter) string { return l.Organizer }},
}

// placeholder returns the one of that name; nil if there is none.
func placeholder(name string) *Placeholder {
	for i := range placeholders {
		if placeholders[i].Name == name {
			return &placeholders[i]
		}
	}
	return nil
}

// CheckPlaceholders checks an introduction or a note as an organiser wrote it:
// plain text, paragraphs with an empty line between them, in which {name},
// {title} and so on stand for what the letter knows. A brace that is meant as
// such is written \{. The error says every problem, with its line, and what may
// be written instead.
func CheckPlaceholders(s string) error {
	var problems []string
	problem := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	if n := utf8.RuneCountInString(s); n > MaxPlaceholderText {
		problem("it has %d characters; shorten it to %d", n, MaxPlaceholderText)
		s = cut(s, MaxPlaceholderText)
	}
	if !utf8.ValidString(s) {
		problem("it is not UTF-8; save it in that encoding")
	}
	eachPlaceholder(s, func(before, name string, at int) {
		where := 1 + strings.Count(s[:at], "\n")
		switch {
		case name == "":
			return
		case strings.HasPrefix(name, "{{"):
			problem("line %d: Go templates are not read here: write {name} for {{.Name}}, and \\{ for a brace", where)
		case !strings.HasSuffix(name, "}"):
			problem("line %d: a brace is not closed: write {name}, or \\{ for a brace", where)
		case placeholder(name[1:len(name)-1]) == nil:
			problem("line %d: %s is not known", where, cut(line(name), 40))
		}
	})
	if len(problems) == 0 {
		return nil
	}
	var names []string
	for _, p := range placeholders {
		names = append(names, "{"+p.Name+"}")
	}
	return fmt.Errorf("%s; what can stand there: %s", strings.Join(problems, "; "), strings.Join(names, " "))
}

// eachPlaceholder cuts s into what stands before each placeholder (with \{
// read as a brace) and the placeholder as it is written, braces included. A
// brace that is not closed on its line comes without its second brace; "{{" as
// it is, to the end of the line or to "}}". The last call has name "".
func eachPlaceholder(s string, f func(before, name string, at int)) {
	var before strings.Builder
	for i := 0; i < len(s); {
		switch {
		case strings.HasPrefix(s[i:], `\{`):
			before.WriteByte('{')
			i += 2
		case s[i] != '{':
			before.WriteByte(s[i])
			i++
		default:
			name := s[i:]
			if n := strings.IndexByte(name, '\n'); n >= 0 {
				name = name[:n]
			}
			if strings.HasPrefix(name, "{{") {
				if n := strings.Index(name, "}}"); n >= 0 {
					name = name[:n+2]
				}
			} else if n := strings.IndexByte(name, '}'); n >= 0 {
				name = name[:n+1]
			}
			f(before.String(), name, i)
			before.Reset()
			i += len(name)
		}
	}
	f(before.String(), "", len(s))
}

// filled returns what an organiser wrote as prose, with the placeholders filled
// in from a letter. What CheckPlaceholders would refuse stands as it was
// written: by now it is too late to refuse it.
func filled(s string, l *Letter) Prose {
	if !strings.Contains(s, "{") {
		return typed(text(s))
	}
	var b strings.Builder
	eachPlaceholder(text(s), func(before, name string, _ int) {
		value := name
		if len(name) > 2 && name[0] == '{' {
			if p := placeholder(name[1 : len(name)-1]); p != nil && name[len(name)-1] == '}' {
				value = isolate(p.value(l))
			}
		}
		if name != "" && value == "" {
			before = strings.TrimRight(before, " ")
		}
		b.WriteString(before)
		b.WriteString(value)
	})
	return typed(b.String())
}
