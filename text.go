package convened

import (
	"slices"
	"strings"
)

// Languages are the languages that the built-in letters are written in, the
// last resort first.
func Languages() []string { return []string{"en", "fr", "es"} }

// A Text is something an organiser wrote, by language: {"fr": …, "en": …}.
type Text map[string]string

// In returns the text in the first of the given languages that it has, else
// in any that it has, else "". The order is the reader's, then the event's.
func (t Text) In(languages ...string) string {
	s, _ := t.InWith(languages...)
	return s
}

// InWith is In, and says in which language the answer is ("" if there is none).
func (t Text) InWith(languages ...string) (text, language string) {
	for _, l := range languages {
		if s := t[BaseLanguage(l)]; s != "" {
			return s, BaseLanguage(l)
		}
	}
	keys := make([]string, 0, len(t))
	for k, s := range t {
		if s != "" {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return "", ""
	}
	// Any will do, but always the same one: a retry is the same letter.
	k := slices.Min(keys)
	return t[k], k
}

// BaseLanguage returns the primary subtag of a language tag (RFC 5646) in
// lower case: "fr" for "fr-CA", "FR" and "fr_CA.UTF-8".
func BaseLanguage(tag string) string {
	tag = strings.ToLower(strings.TrimSpace(tag))
	if i := strings.IndexAny(tag, "-_.@"); i >= 0 {
		tag = tag[:i]
	}
	return tag
}

// LetterLanguage returns the language that a letter to r about e is written
// in: the reader's, the event's, or English, the first that the letters exist in.
func LetterLanguage(e *Event, r *Registration) string {
	for _, l := range []string{r.Language, e.Language} {
		if slices.Contains(Languages(), l) {
			return l // as nearly all are written
		}
		if b := BaseLanguage(l); slices.Contains(Languages(), b) {
			return b
		}
	}
	return Languages()[0]
}

// IsPlainLine reports whether s is one clean line as it stands, which no one who
// cleans a line would change: of the characters that most names have, which are
// those of ASCII that show and the letters of Latin up to its second extension, with
// single spaces between words. Of any other s it says nothing.
func IsPlainLine(s string) bool {
	last := ' '
	for _, r := range s {
		if r == ' ' && last == ' ' || r != ' ' && (r < '!' || r > '~') && (r < '\u00c0' || r > '\u024f') {
			return false
		}
		last = r
	}
	return last != ' ' || s == ""
}
