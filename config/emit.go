package config

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// plain is what can stand without quotation marks wherever a value can stand,
// in a list in brackets too, and is read as the text it is by every YAML
// parser, those of version 1.1 included. It is far less than YAML allows.
var plain = regexp.MustCompile(`^[\pL_/][\pL\pM\pN_./@+-]*(?: [\pL\pM\pN(_./@+-][\pL\pM\pN()_./@+-]*)*$|^\d{4}-\d{2}-\d{2} \d{2}:\d{2}(?::\d{2})?$|^\d+ ?(?:s|m|h|days?)(?: at \d{2}:\d{2})?$|^https?://[\w./~@+%=?&-]+$`)

// words that some parser takes for something else than text.
var reserved = map[string]bool{"true": true, "false": true, "yes": true, "no": true, "on": true, "off": true,
	"y": true, "n": true, "null": true, "nan": true, "inf": true}

// Scalar writes text as one YAML value on one line, in double quotes where it
// needs any. ParseYAML reads it back as it was, except for blanks at its ends.
func Scalar(text string) string {
	if len(text) < 200 && plain.MatchString(text) && !reserved[strings.ToLower(text)] {
		return text
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r > 0xffff && !unicode.IsPrint(r):
			fmt.Fprintf(&b, `\U%08X`, r)
		case r != ' ' && !unicode.IsPrint(r):
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// Value writes text as Scalar does, or as a literal block of lines indented by
// that many blanks where it has several and can stand so. It begins right
// after a colon, with the blank, and ends without a newline.
func Value(text string, indent int) string {
	if !strings.Contains(text, "\n") || !isBlock(text) {
		return " " + Scalar(text)
	}
	pad := strings.Repeat(" ", indent)
	var b strings.Builder
	b.WriteString(" |-")
	for line := range strings.SplitSeq(text, "\n") {
		b.WriteByte('\n')
		if line != "" {
			b.WriteString(pad + line)
		}
	}
	return b.String()
}

// isBlock reports whether a literal block gives text back as it is: without
// blanks at the ends of lines or before the first, and without characters that
// only an escape can write.
func isBlock(text string) bool {
	if !utf8.ValidString(text) || strings.TrimSpace(text) != text {
		return false
	}
	for line := range strings.SplitSeq(text, "\n") {
		if strings.TrimRight(line, " \t") != line || strings.HasPrefix(line, "\t") {
			return false
		}
		for _, r := range line {
			if r != ' ' && !unicode.IsPrint(r) {
				return false
			}
		}
	}
	return true
}
