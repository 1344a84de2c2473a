package config

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// A Problem is one thing that is wrong with a file or with the environment, in
// words that say how to mend it.
type Problem struct {
	File    string // "" where it does not come from a file
	Line    int    // 1-based; 0 where no line is to blame
	Column  int    // 1-based, in characters
	Env     string // the variable's name, where the value comes from the environment
	Key     string // such as smtp.port or reminders[2].cron, counted from 1; "" is the file as a whole
	Value   string // as written, shortened, without passwords; "" where there is none
	Rule    string // what is wrong with it, as a predicate: "is not a port"
	Mend    string // what to do: "write 587"; "" where Rule says it
	Snippet string // the line with a mark below it; "" where there is none
}

// Error is the problem on one line: where, key, value, rule; mend.
func (p Problem) Error() string {
	var b strings.Builder
	switch {
	case p.Env != "":
		b.WriteString("environment variable " + p.Env + ": ")
	case p.File != "" && p.Line > 0:
		fmt.Fprintf(&b, "%s:%d:%d: ", p.File, p.Line, p.Column)
	case p.File != "":
		b.WriteString(p.File + ": ")
	}
	if p.Key != "" {
		b.WriteString(p.Key)
		if p.Value != "" {
			b.WriteString(":")
		}
		b.WriteString(" ")
	}
	if p.Value != "" {
		fmt.Fprintf(&b, "%q ", p.Value)
	}
	b.WriteString(p.Rule)
	if p.Mend != "" {
		b.WriteString("; " + p.Mend)
	}
	return b.String()
}

// Problems is the error of everything here that reads: all that is wrong, at
// once, in the order of the file. List is never empty.
type Problems struct{ List []Problem }

// Error has one line for each problem, followed by its snippet.
func (ps *Problems) Error() string {
	var b strings.Builder
	for i, p := range ps.List {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(p.Error())
		if p.Snippet != "" {
			b.WriteByte('\n')
			b.WriteString(p.Snippet)
		}
	}
	return b.String()
}

// Join returns the problems as one error, sorted by where they are; nil if
// there are none.
func Join(list []Problem) error {
	if len(list) == 0 {
		return nil
	}
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b Problem) int {
		return cmp.Or(
			// What has a place in a file comes first, then the environment,
			// then what is missing altogether.
			cmp.Compare(rank(a), rank(b)),
			cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return &Problems{List: list}
}

func rank(p Problem) int {
	switch {
	case p.Env != "":
		return 2
	case p.File == "":
		return 3
	case p.Line == 0:
		return 1
	}
	return 0
}

// An Invalid is what an UnmarshalText method returns when it knows how to mend
// the value; any other error becomes the rule as it stands.
type Invalid struct{ Rule, Mend string }

// Error is the rule and the mend.
func (i *Invalid) Error() string {
	if i.Mend == "" {
		return i.Rule
	}
	return i.Rule + "; " + i.Mend
}

const (
	maxShown   = 60  // characters of a value in a message
	maxSnippet = 100 // characters of a line in a snippet
)

// Shown is how a value appears in a message: short, and without passwords.
func Shown(value string) string {
	value = redact(value)
	if utf8.RuneCountInString(value) > maxShown {
		value = string([]rune(value)[:maxShown]) + "…"
	}
	return value
}

// The places where people leave passwords: in a URL before the @, and after a
// key or parameter of that name. Too much is hidden rather than too little.
var (
	urlPassword   = regexp.MustCompile(`(://[^/?#@:\s]*:).*@`)
	namedPassword = regexp.MustCompile(`(?i)((?:pass|passwd|password|passwort|secret|token)["']?\s*[:=]\s*)[^&\s].*`)
)

func redact(s string) string {
	return namedPassword.ReplaceAllString(urlPassword.ReplaceAllString(s, "$1***@"), "$1***")
}

// snippet shows a line of a file with a mark under the column.
func snippet(text string, line, column int) string {
	hidden := redact(text)
	runes := []rune(hidden)
	if hidden != text {
		// The mark must not stand where the line now reads otherwise.
		same := 0
		for original := []rune(text); same < len(runes) && same < len(original) && runes[same] == original[same]; same++ {
		}
		column = min(column, same+1)
	}
	column = max(1, min(column, len(runes)+1))
	if len(runes) > maxSnippet {
		from := max(0, min(column-1-maxSnippet/2, len(runes)-maxSnippet))
		runes = runes[from : from+maxSnippet]
		column -= from
	}
	// Blanks and tabs are kept before the mark, so that it stands right
	// however wide a terminal makes a tab.
	pad := make([]rune, column-1)
	for i := range pad {
		pad[i] = ' '
		if runes[i] == '\t' {
			pad[i] = '\t'
		}
	}
	return fmt.Sprintf("%5d | %s\n      | %s^", line, string(runes), string(pad))
}
