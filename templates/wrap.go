package templates

import (
	"strings"
	"unicode"
)

// columns is the width of the text part, as RFC 5322 2.1.1 advises for lines.
const columns = 78

// wrap lays out the text part: lines of at most width columns where words
// allow, broken at ordinary spaces only, so that a URL stays whole; never two
// empty lines in a row; one line end at the end.
//
// A broken line goes on below its own text: as deep as it was indented, after
// the mark of a list's item, or in the column after a gap of two spaces or
// more, as below a label.
//
// A space that does not break (U+00A0) has done its work then, and becomes an
// ordinary one: "16 h 00" is found by who searches a mailbox for it. The narrow
// one (U+202F) stays: it is not so wide as a space.
func wrap(s string, width int) string {
	var b strings.Builder
	b.Grow(len(s) + len(s)/32)
	empty := true
	for l := range strings.SplitSeq(strings.TrimRight(s, " \n"), "\n") {
		l = strings.TrimRight(l, " \t\r")
		if l == "" {
			if !empty {
				b.WriteByte('\n')
			}
			empty = true
			continue
		}
		empty = false
		if len(l) > width && cells(l) > width {
			breakLine(&b, l, width)
		} else {
			b.WriteString(l)
		}
		b.WriteByte('\n')
	}
	return strings.ReplaceAll(b.String(), "\u00a0", " ")
}

// breakLine writes l in several lines.
func breakLine(b *strings.Builder, l string, width int) {
	head := hang(l)
	b.WriteString(l[:head])
	indent := cells(l[:head])
	at, first := indent, true
	for word := range strings.SplitSeq(l[head:], " ") {
		n := cells(word)
		switch {
		case first:
		case at+1+n > width:
			b.WriteByte('\n')
			b.WriteString(strings.Repeat(" ", indent))
			at = indent
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at += n
		first = false
	}
}

// hang returns how many bytes of l stand before the column in which its
// continuation begins.
func hang(l string) int {
	n := len(l) - len(strings.TrimLeft(l, " "))
	rest := l[n:]
	if strings.HasPrefix(rest, "- ") {
		return n + 2
	}
	if i := strings.Index(rest, "  "); i > 0 && i < columns/2 {
		return n + i + len(rest[i:]) - len(strings.TrimLeft(rest[i:], " "))
	}
	return n
}

// cells returns how many columns s takes: two for East Asian wide characters
// and emoji, none for marks and joiners.
func cells(s string) int {
	n := 0
	for _, r := range s {
		switch {
		case r < 0x300:
			n++
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		case r >= 0x1100 && r <= 0x115f, r >= 0x2e80 && r <= 0xa4cf, r >= 0xac00 && r <= 0xd7a3,
			r >= 0xf900 && r <= 0xfaff, r >= 0xfe30 && r <= 0xfe6f, r >= 0xff00 && r <= 0xff60,
			r >= 0x1f300 && r <= 0x1faff, r >= 0x20000 && r <= 0x3fffd:
			n += 2
		default:
			n++
		}
	}
	return n
}

// pad fills s up with spaces to n columns, and with one space where it is longer.
func pad(n int, s any) string {
	t := printed(s)
	return t + strings.Repeat(" ", max(1, min(n, columns)-cells(t)))
}

// underline is a line of hyphens as long as s, at most the width of the page.
func underline(s any) string {
	return strings.Repeat("-", min(cells(printed(s)), columns))
}
