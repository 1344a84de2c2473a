package templates

import (
	"regexp"
	"strings"
)

// Prose is text in paragraphs: a passage that the organiser typed, or a block
// of a words file. In a template it prints as plain text; the layout's "prose"
// template prints it as HTML.
type Prose []Paragraph

// A Paragraph is a block of lines.
type Paragraph struct {
	List  bool // each line is an item of a list
	Lines []Line
}

// A Line is text between two line breaks, in parts.
type Line []Span

// A Span is a part of a line.
type Span struct {
	Text    string
	URL     string // https; "" is no link. Its text is the URL itself
	Isolate bool   // its direction must not spread to its neighbours: <bdi>
}

// A Passage is prose that the organiser wrote, in one language.
type Passage struct {
	Language string // such as "fr"; "" is not known
	Prose    Prose
}

// String is the prose as plain text: paragraphs with an empty line between
// them, items of lists with a hyphen before them.
func (p Prose) String() string {
	if len(p) == 1 && len(p[0].Lines) == 1 && !p[0].List {
		return p[0].Lines[0].String()
	}
	var b strings.Builder
	for i, para := range p {
		if i > 0 {
			b.WriteByte('\n')
			if !para.List || p[i-1].List {
				b.WriteByte('\n')
			}
		}
		for j, l := range para.Lines {
			if j > 0 {
				b.WriteByte('\n')
			}
			if para.List {
				b.WriteString("- ")
			}
			b.WriteString(l.String())
		}
	}
	return b.String()
}

// String is the line as plain text.
func (l Line) String() string {
	if len(l) == 1 {
		return l[0].Text
	}
	var b strings.Builder
	for _, s := range l {
		b.WriteString(s.Text)
	}
	return b.String()
}

// bullet begins an item of a list in what an organiser typed.
var bullet = regexp.MustCompile(`^[-*•·–] +`)

// typed makes prose of what an organiser typed, cleaned by text and with its
// placeholders filled in: an empty line ends a paragraph, a line break stays,
// lines that begin with "- ", "* " or "• " are a list, and https URLs are links.
func typed(s string) Prose {
	var p Prose
	for block := range strings.SplitSeq(s, "\n\n") {
		var para Paragraph
		for l := range strings.SplitSeq(block, "\n") {
			item := bullet.FindString(l)
			if (item != "") != para.List && len(para.Lines) > 0 {
				p = append(p, para)
				para = Paragraph{}
			}
			para.List = item != ""
			if l = strings.TrimSpace(l[len(item):]); l != "" {
				para.Lines = append(para.Lines, spans(l, true))
			}
		}
		if len(para.Lines) > 0 {
			p = append(p, para)
		}
	}
	return p
}

// proseOf makes prose of an executed block of a words file. There, line ends are
// the author's own wrapping; an empty line ends a paragraph.
func proseOf(s string) Prose {
	var p Prose
	for block := range strings.SplitSeq(s, "\n\n") {
		if block = spaced(block); block != "" {
			p = append(p, Paragraph{Lines: []Line{spans(block, false)}})
		}
	}
	return p
}

// spaced joins the lines of s and makes one space of several. The spaces that
// don't break stay.
func spaced(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return r == ' ' || r == '\n' || r == '\r' || r == '\t'
	}), " ")
}

// webAddress finds what may be a link; trailing punctuation belongs to the
// sentence.
var webAddress = regexp.MustCompile(`https://[^\s<>"«»\x{2068}\x{2069}]+[^\s<>"«»\x{2068}\x{2069}.,;:!?)\]}'’…]`)

// unmarked takes away marks that were cut from their pair.
var unmarked = strings.NewReplacer(string(isolateOpen), "", string(isolateClose), "")

// maxLinks bounds the links of one line, each of which costs markup.
const maxLinks = 20

// spans cuts a line at isolates and, if links is set, at URLs.
func spans(s string, links bool) Line {
	var l Line
	for s != "" {
		open := strings.IndexRune(s, isolateOpen)
		end := strings.IndexRune(s, isolateClose)
		if open < 0 || end < open {
			return linked(l, unmarked.Replace(s), links)
		}
		l = linked(l, s[:open], links)
		l = append(l, Span{Text: s[open+len(string(isolateOpen)) : end], Isolate: true})
		s = s[end+len(string(isolateClose)):]
	}
	return l
}

// linked appends s to l, cut at the URLs in it.
func linked(l Line, s string, links bool) Line {
	if links && strings.Contains(s, "https://") {
		for range maxLinks {
			at := webAddress.FindStringIndex(s)
			if at == nil {
				break
			}
			if at[0] > 0 {
				l = append(l, Span{Text: s[:at[0]]})
			}
			l = append(l, Span{Text: s[at[0]:at[1]], URL: secure(s[at[0]:at[1]])})
			s = s[at[1]:]
		}
	}
	if s != "" {
		l = append(l, Span{Text: s})
	}
	return l
}
