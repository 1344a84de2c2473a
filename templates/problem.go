package templates

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A Problem is one thing that is wrong with a template, and how it is mended.
type Problem struct {
	File string
	Line int // 0 where it is not one line's fault
	What string
	Mend string // what to do, as a phrase; "" where What says it
	Err  error  // convened.ErrRefused for a template that takes too much; else nil
}

// Unwrap lets errors.Is find Err.
func (p Problem) Unwrap() error { return p.Err }

// Error is file:line: what; mend.
func (p Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d", p.Line)
	}
	b.WriteString(": " + p.What)
	if p.Mend != "" {
		b.WriteString("; " + p.Mend)
	}
	return b.String()
}

// problems is everything that is wrong, each thing once.
type problems []Problem

// err joins the problems, in the order of files and lines; nil for none.
func (ps problems) err() error {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		if c := strings.Compare(a.File, b.File); c != 0 {
			return c
		}
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return strings.Compare(a.What, b.What)
	})
	var errs []error
	for _, p := range slices.Compact(ps) {
		errs = append(errs, p)
	}
	return errors.Join(errs...)
}

// located finds file and line in an error of text/template or html/template.
var located = regexp.MustCompile(`(?s)^(?:html/template|template): ?(.+?):(\d+)(?::\d+)?: (.*)$`)

// problemOf makes a problem of an error of the template packages. The file is
// the one where it happened, if the error says it, else path.
func problemOf(path string, err error) Problem {
	p := Problem{File: path, What: err.Error()}
	if m := located.FindStringSubmatch(p.What); m != nil {
		p.File, p.What = m[1], m[3]
		p.Line, _ = strconv.Atoi(m[2])
	}
	if inner := located.FindStringSubmatch(p.What); inner != nil {
		p.What = inner[3]
	}
	// "executing "lead" at <.Nmae>: can't evaluate field …"
	if i := strings.Index(p.What, ": "); strings.HasPrefix(p.What, "executing ") && i > 0 {
		at := p.What[:i]
		p.What = p.What[i+2:]
		if j := strings.Index(at, " at <"); j > 0 {
			p.What += " in {{" + strings.TrimSuffix(at[j+len(" at <"):], ">") + "}}"
		}
	}
	p.Mend = mend(p.What)
	return p
}

// mends tells what to do, by what the template packages say. The first that
// matches counts.
var mends = []struct {
	says *regexp.Regexp
	do   func(m []string) string
}{
	{regexp.MustCompile(`can't evaluate field (\w+) in type \*?templates\.Letter`), func(m []string) string {
		return "its name may be " + nearest(m[1], fieldNames()) + "; docs/templates.md lists all"
	}},
	{regexp.MustCompile(`can't evaluate field (\w+)`), func([]string) string { return "docs/templates.md lists the fields" }},
	{regexp.MustCompile(`map has no entry for key "(\w+)"`), func(m []string) string {
		return fmt.Sprintf(`define the block in a words file: {{define %q}}…{{end}}`, m[1])
	}},
	{regexp.MustCompile(`function "(\w+)" not defined`), func(m []string) string {
		var all []string
		for name := range functions {
			all = append(all, name)
		}
		for name := range known {
			all = append(all, name)
		}
		slices.Sort(all)
		return "a field begins with a dot; the functions are " + strings.Join(all, " ")
	}},
	{regexp.MustCompile(`unclosed action`), func([]string) string { return "end it with }} on the same line" }},
	{regexp.MustCompile(`unexpected "[{}]" in`), func([]string) string { return "close the {{ before it with }}" }},
	{regexp.MustCompile(`unexpected EOF`), func([]string) string { return "close each {{if}}, {{with}}, {{range}} and {{define}} with {{end}}" }},
	{regexp.MustCompile(`unexpected \{\{end}}`), func([]string) string { return "one {{end}} is too many, or what it closes is misspelt" }},
	{regexp.MustCompile(`multiple definition`), func([]string) string { return "remove one of them" }},
	{regexp.MustCompile(`ends in a non-text context|in unquoted attr|bad character|ends inside`), func([]string) string {
		return "close every tag and every quotation mark"
	}},
	{regexp.MustCompile(`branches end in different contexts`), func([]string) string {
		return "open and close a tag or a quotation mark in the same branch"
	}},
	{regexp.MustCompile(`more than \d+ (steps|bytes)`), func([]string) string { return "make the letter shorter" }},
}

// mend returns what to do about an error.
func mend(what string) string {
	for _, m := range mends {
		if found := m.says.FindStringSubmatch(what); found != nil {
			return m.do(found)
		}
	}
	return "docs/templates.md says how templates are written"
}

// osProblem makes a problem of an error in reading a file, which names the file a
// second time.
func osProblem(path string, err error) Problem {
	var pe *os.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return Problem{File: path, What: err.Error(), Mend: "the daemon must be able to read it"}
}

// nearest returns those of names that are spelt most like name, quoted.
func nearest(name string, names []string) string {
	best := len(name) + 1
	var near []string
	for _, n := range names {
		switch d := distance(strings.ToLower(name), strings.ToLower(n)); {
		case d < best:
			best, near = d, []string{strconv.Quote(n)}
		case d == best:
			near = append(near, strconv.Quote(n))
		}
	}
	if len(near) > 3 {
		near = near[:3]
	}
	return strings.Join(near, " or ")
}

// distance is the number of letters to change, add or remove (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// fieldNames are the fields of a Letter.
func fieldNames() []string {
	var names []string
	for f := range reflect.TypeFor[Letter]().Fields() {
		names = append(names, f.Name)
	}
	return names
}
