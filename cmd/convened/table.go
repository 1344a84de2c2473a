package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/term"
)

// printJSON prints a value for programs: what --json asks for.
func (e *env) printJSON(v any) error {
	enc := json.NewEncoder(e.stdout)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// printTable prints rows for people, with a header unless it is nil.
func (e *env) printTable(header []string, rows [][]string) error {
	w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
	if header != nil {
		fmt.Fprintln(w, strings.Join(header, "\t"))
	}
	for _, r := range rows {
		for i := range r {
			r[i] = plain(r[i])
		}
		fmt.Fprintln(w, strings.Join(r, "\t"))
	}
	return w.Flush()
}

// plain makes what a person typed fit for a terminal: no control characters, so
// that a name can neither move the cursor nor break a row.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0) || (r >= 0x202a && r <= 0x202e) || (r >= 0x2066 && r <= 0x2069) {
			return ' '
		}
		return r
	}, s)
}

// terminal reports whether a stream is one, so that progress is drawn and
// questions are asked only where somebody sees them.
func terminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// confirm asks for a yes. Where nobody can answer, --yes is the answer or it is
// an error that says so.
func (e *env) confirm(yes bool, question string) error {
	if yes {
		return nil
	}
	if !terminal(e.stdin) {
		return usageError{fmt.Errorf("%s Say --yes to do it without being asked, or --dry-run to see it only", question)}
	}
	fmt.Fprintf(e.stderr, "%s [y/N] ", question)
	answer, err := bufio.NewReader(e.stdin).ReadString('\n')
	if err != nil && err != io.EOF {
		return fmt.Errorf("read the answer: %w", err)
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes", "o", "oui", "s", "sí", "si":
		return nil
	}
	return fmt.Errorf("nothing was done")
}

// in prints an instant in a zone, with the zone's name: the form in which
// tables show when something happens to people.
func in(t time.Time, loc *time.Location) string {
	return t.In(loc).Format("Mon 2 Jan 2006 15:04 MST")
}

// people says a number of persons.
func people(n int) string {
	if n == 1 {
		return "1 person"
	}
	return fmt.Sprintf("%s people", thousands(n))
}

// thousands groups digits, so that 5,000 is not read as 500.
func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
