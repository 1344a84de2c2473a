package templates

import (
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"convened"
)

// How much of what a person typed a letter shows. What is longer is cut at the
// border of a word and ends in an ellipsis: a registration never fails for what
// a person typed, and a letter stays below the size at which Gmail clips it.
const (
	maxLine = 300  // characters of a name, a title, a place
	maxText = 4000 // characters of a description, an introduction, a note
	maxURL  = 2000 // bytes
)

// ellipsis ends what was cut.
const ellipsis = "…"

// line cleans what stands in one line: a name, a title, a place. Line ends and
// other white space become one space each; see drop for what goes.
func line(s string) string {
	if len(s) <= maxLine && convened.IsPlainLine(s) {
		return s
	}
	return cleaned(s)
}

func cleaned(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	space := false
	for _, r := range s {
		switch {
		case breaks(r):
			space = b.Len() > 0
			continue
		case drop(r):
			continue
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
	}
	return cut(strings.TrimSpace(b.String()), maxLine)
}

// breaks reports whether r is white space at which a line may be broken. The
// fixed spaces of French are none: who typed them meant them.
func breaks(r rune) bool { return unicode.IsSpace(r) && r != '\u00a0' && r != '\u202f' }

// text cleans what may have several lines, which it trims. Line ends become \n
// and stay; more than one empty line becomes one.
func text(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	s = strings.Map(func(r rune) rune {
		switch r {
		case '\r', '\u2028', '\u2029', '\v', '\f', '\u0085':
			return '\n'
		}
		return r
	}, s)
	var b strings.Builder
	empty := true // so that there is no empty line at the start
	for l := range strings.SplitSeq(s, "\n") {
		l = spaces(l)
		if l == "" && empty {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(l)
		empty = l == ""
		if b.Len() > 4*maxText {
			break // cut below would not look further
		}
	}
	return cut(strings.TrimSpace(b.String()), maxText)
}

// spaces is line without its limit.
func spaces(s string) string {
	return strings.Join(strings.FieldsFunc(strings.Map(func(r rune) rune {
		if !unicode.IsSpace(r) && drop(r) {
			return -1
		}
		return r
	}, s), breaks), " ")
}

// drop reports whether r has no business in what a person typed: control
// characters, what is no character at all, and the embeddings, overrides and
// isolates of UAX #9, with which a name can turn around the text that follows
// it. Joiners stay: emoji, Persian and Hindi need them.
func drop(r rune) bool {
	switch {
	case unicode.IsControl(r), r == utf8.RuneError, r == '\ufeff', r == '\u061c':
		return true
	case r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u206f':
		return true
	case r >= 0xfdd0 && r <= 0xfdef, r&0xfffe == 0xfffe:
		return true // noncharacters
	case r >= 0xfff9 && r <= 0xfffb:
		return true // interlinear annotation
	}
	return false
}

// cut returns s, or so much of it that it is not longer than max characters
// with the ellipsis that then ends it. It cuts between words where there is a
// word's border in the second half, else never inside what is read as one
// character: a letter and its accents, a family of emoji.
func cut(s string, max int) string {
	if len(s) <= max || utf8.RuneCountInString(s) <= max {
		return s
	}
	if max < 1 {
		return ""
	}
	r := []rune(s[:min(len(s), (max+1)*utf8.UTFMax)])
	n := max - 1
	for i := n; i > max/2; i-- {
		if unicode.IsSpace(r[i]) {
			n = i
			break
		}
	}
	for n > 0 && !unicode.IsSpace(r[n]) && joined(r[:n], r[n]) {
		n--
	}
	return strings.TrimRightFunc(string(r[:n]), func(r rune) bool {
		return unicode.IsSpace(r) || strings.ContainsRune(",;:–—-(«“", r)
	}) + ellipsis
}

// joined reports whether b is read as one character with the end of what stands
// before it, which is not empty. It knows less than UAX #29 does; what it takes
// too much costs a character at the place where a text is cut anyway.
func joined(before []rune, b rune) bool {
	a := before[len(before)-1]
	return unicode.Is(unicode.M, b) || a == '\u200d' || b == '\u200d' ||
		b >= 0x1f3fb && b <= 0x1f3ff || // skin tones
		b >= 0xe0020 && b <= 0xe007f || // tags of flags
		regional(b) && flags(before)%2 == 1
}

// regional reports whether r is half of a flag.
func regional(r rune) bool { return r >= 0x1f1e6 && r <= 0x1f1ff }

// flags counts the halves of flags at the end of s.
func flags(s []rune) int {
	n := 0
	for n < len(s) && regional(s[len(s)-1-n]) {
		n++
	}
	return n
}

// linkish finds what mail programs turn into a link by themselves.
var linkish = regexp.MustCompile(`(?i)://|\bwww\.|\bmailto:`)

// greeted returns a name as a letter speaks it: "" for one with a link in it.
// Anybody can register anybody's address, so a name must not be a way to have
// this program mail advertisements to strangers.
func greeted(name string) string {
	if strings.ContainsAny(name, ":wW") && linkish.MatchString(name) {
		return ""
	}
	return name
}

// address cleans a URL that an organiser wrote, or that was made for this
// letter. It returns "" for what is no absolute http or https URL: such a link
// is not offered.
func address(s string) string {
	s = strings.TrimSpace(s)
	if len(s) > maxURL {
		return ""
	}
	for _, r := range s {
		if unicode.IsSpace(r) || drop(r) {
			return ""
		}
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return u.String()
}

// secure is address for what must be https: images, and links in prose.
func secure(s string) string {
	if s = address(s); strings.HasPrefix(s, "https://") {
		return s
	}
	return ""
}

// rightToLeft reports whether s holds letters of a script that is written so.
func rightToLeft(s string) bool {
	for _, r := range s {
		if r >= 0x590 && unicode.In(r, unicode.Hebrew, unicode.Arabic, unicode.Syriac, unicode.Thaana, unicode.Nko, unicode.Adlam) {
			return true
		}
	}
	return false
}

// The first strong isolate and its end (UAX #9). Typed text never holds them,
// because drop takes them, so they mark where such text begins and ends inside
// a sentence of ours: <bdi> in HTML, nothing in plain text.
const (
	isolateOpen  = '\u2068'
	isolateClose = '\u2069'
)

// isolate marks s for <bdi>, where its direction could spread to its neighbours.
func isolate(s string) string {
	if rightToLeft(s) {
		return string(isolateOpen) + s + string(isolateClose)
	}
	return s
}
