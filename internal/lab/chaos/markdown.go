//go:build linux

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// readResults reads what -json printed. Of a scenario that is in several files,
// or several times in one, the last counts.
func readResults(files []string) ([]*result, error) {
	known := map[string]*result{}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		lines := bufio.NewScanner(bytes.NewReader(b))
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			r := &result{}
			if err := json.Unmarshal(lines.Bytes(), r); err != nil {
				return nil, fmt.Errorf("read %s: %w: it is not what -json prints", file, err)
			}
			known[r.Row] = r
		}
		if err := lines.Err(); err != nil {
			return nil, fmt.Errorf("read %s: %w", file, err)
		}
	}
	var results []*result
	for _, s := range scenarios() {
		if r := known[s.id()]; r != nil {
			r.scenario = s
			results = append(results, r)
		}
	}
	return results, nil
}

const pageHead = `# What is survived

Each fault below is played by the fault harness, ` + "`internal/lab/chaos`" + `, against the daemon as a real process, a private Postgres with fsync and a
mail server that does what a script says. Then it counts. The truth is what the mail server took, which it writes down before the daemon hears
of it; it is held against the rows when all is over:

- **lost**: a person whose letter never came, and whose row says sent, is gone, is held, or never came to an end
- **falsely sent**: a row that says sent, of a letter that the server never took
- **twice**: a letter that the server took again for the same notice. It must be the same letter under the same Message-ID. After the slash is
  how many there may be: where a daemon is killed, one for each connection that it had open, because between the final dot and its reply
  nobody can know (RFC 1047)

Lost and falsely sent must be none in every row. A fault that hit nobody shows nothing, and fails. Beside the counts each row has a requirement of
its own, which is checked too.

    make chaos                                       every fault, about half an hour
    make chaos ARGS='-list'                          what there is
    make chaos ARGS='-run "^2|^18" -full'            some, at their full size
    make chaos ARGS='-run soak -soak 30m'            the long run
    make chaos ARGS='-race -run ^2'                  with a daemon that is built with the race detector
    make chaos ARGS='-json' > faults.json            for machines, and for this page: -markdown docs/faults.md faults.json …

It needs Linux, and no network but loopback. As an ordinary user it says which faults it can't make: a full disk wants a small file system to be
mounted. A handful of the faults at a small size are among the ordinary tests.

`

// writeMarkdown writes the page of what was shown.
func writeMarkdown(file string, results []*result) error {
	var b strings.Builder
	b.WriteString(pageHead)
	var people, mails, lost, falsely int
	for _, r := range results {
		people, mails, lost, falsely = people+r.People, mails+r.Mails, lost+r.Lost, falsely+r.Falsely
	}
	fmt.Fprintf(&b, "## What was counted\n\n%d faults, %s people, %s mails, %d lost, %d falsely sent, %d rows failed, %d not shown. Times are those of two processors that had other\nwork too; the counts must be the same on any.\n\n", len(results),
		grouped(people), grouped(mails), lost, falsely, failed(results), notShown(results))
	b.WriteString("| row | fault | people | mails | lost | falsely sent | twice | |\n|---|---|--:|--:|--:|--:|--:|---|\n")
	for _, r := range results {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %d | %d | %s | %s |\n", r.Row, cell(r.Name), grouped(r.People), grouped(r.Mails), r.Lost, r.Falsely, strings.Replace(twice(r), " of ", " / ", 1), r.verdict())
	}
	b.WriteString("\n## Row by row\n")
	for _, r := range results {
		fmt.Fprintf(&b, "\n### %s. %s\n\n%s.\n\n*Required:* %s.\n", r.Row, r.Name, upper(r.scenario.Fault), r.scenario.Required)
		if len(r.Notes) > 0 {
			b.WriteString("\n*Seen:*\n\n")
		}
		for _, n := range r.Notes {
			fmt.Fprintf(&b, "- %s\n", strings.ReplaceAll(n, "\n", " "))
		}
		if len(r.Series) > 0 {
			fmt.Fprintf(&b, "\n    %s\n", strings.Join(r.Series, "\n    "))
		}
		for _, p := range r.Problems {
			fmt.Fprintf(&b, "\n**Failed:** %s\n", strings.ReplaceAll(p, "\n", " "))
		}
		for _, why := range []string{r.NotShown, r.scenario.Missing} {
			if why != "" {
				fmt.Fprintf(&b, "\n*Not shown:* %s.\n", why)
			}
		}
	}
	return os.WriteFile(file, []byte(b.String()), 0o644)
}

// grouped is a number with commas.
func grouped(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// upper begins a sentence.
func upper(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
