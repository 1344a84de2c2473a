package config

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// The bounds of a document. The parser's time grows with the square of the
// number of tokens (20,000 of them take a fifth of a second), and people write
// neither this much nor this deep.
const (
	MaxSize   = 1 << 20 // bytes
	maxTokens = 20_000
	maxDepth  = 16
	maxLine   = 10_000 // bytes; no snippet is cut out of a longer line, for there may be thousands to cut
)

// A Document is a parsed file: one YAML document of mappings, sequences and
// scalars, in which every value knows where it stands.
//
// It is a subset of YAML 1.2 on purpose. There are no anchors, aliases, merge
// keys, tags and directives, so that a small file cannot unfold into a large
// value, and a key written twice is an error. A plain scalar has no type of
// its own: whoever reads it says what it is, so that a country "no" is never
// false and 0755 never octal. Plain ~, null and nothing are the absence of a value.
type Document struct {
	file  string
	lines []string
	root  *node
	index map[string]*node // by path
}

// A node is a value with its place.
type node struct {
	kind    kind
	text    string // of a scalar
	entries []entry
	items   []*node
	line    int // of the value; of its key where the value is absent
	column  int
}

type entry struct {
	key    string
	line   int
	column int
	value  *node
}

type kind int

const (
	absent kind = iota
	scalar
	mapping
	sequence
)

func (k kind) String() string {
	return [...]string{"nothing", "a single value", "a group of key: value lines", "a list"}[k]
}

// ParseYAML reads one document; file is its name in messages. CRLF line ends
// and a byte order mark are taken as they come. Its error is *Problems.
func ParseYAML(file string, data []byte) (*Document, error) {
	d := &Document{file: file, index: map[string]*node{}}
	if p := d.readLines(data); p != nil {
		return nil, Join([]Problem{*p})
	}
	body, p := d.parse(strings.Join(d.lines, "\n"))
	if p != nil {
		return nil, Join([]Problem{*p})
	}
	b := builder{doc: d}
	d.root = b.node(body, "", 1, 1, 0)
	if len(b.problems) > 0 {
		return nil, Join(b.problems)
	}
	return d, nil
}

// readLines splits the file into lines, after making sure that it is text.
func (d *Document) readLines(data []byte) *Problem {
	if len(data) > MaxSize {
		return &Problem{File: d.file, Rule: "is larger than 1 MiB", Mend: "nothing that is read here needs so much"}
	}
	if bytes.HasPrefix(data, []byte{0xff, 0xfe}) || bytes.HasPrefix(data, []byte{0xfe, 0xff}) {
		return &Problem{File: d.file, Line: 1, Column: 1, Rule: "is in UTF-16", Mend: "save the file as UTF-8"}
	}
	for _, magic := range []string{"PK\x03\x04", "\xd0\xcf\x11\xe0", "%PDF-", `{\rtf`} {
		if strings.HasPrefix(string(data), magic) {
			return &Problem{File: d.file, Rule: "is a document of a word processor, and not plain text", Mend: "save it as plain text in UTF-8"}
		}
	}
	text := strings.TrimPrefix(string(data), "\ufeff")
	text = strings.ReplaceAll(text, "\r\n", "\n")
	text = strings.ReplaceAll(text, "\r", "\n")
	d.lines = strings.Split(text, "\n")
	for i, line := range d.lines {
		column := 0
		for at, r := range line {
			column++
			if r == utf8.RuneError && !strings.HasPrefix(line[at:], "\ufffd") {
				return &Problem{File: d.file, Line: i + 1, Column: column,
					Rule: "is not UTF-8 from here on", Mend: "save the file as UTF-8"}
			}
			if r < ' ' && r != '\t' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == '\ufeff' {
				return &Problem{File: d.file, Line: i + 1, Column: column,
					Rule: fmt.Sprintf("has the control character U+%04X here", r), Mend: "delete it"}
			}
		}
	}
	return nil
}

// parse returns the body of the only document in text; nil if it is empty.
func (d *Document) parse(text string) (body ast.Node, problem *Problem) {
	// The parser has panicked on hostile input before; a file must never take
	// the program down.
	defer func() {
		if r := recover(); r != nil {
			body, problem = nil, &Problem{File: d.file, Rule: "is not YAML that can be read", Mend: "check indentation, quotation marks and brackets"}
		}
	}()
	tokens := lexer.Tokenize(text)
	if len(tokens) > maxTokens {
		at := tokens[maxTokens].Position
		return nil, d.at(at.Line, at.Column, Problem{Rule: "is the " + strconv.Itoa(maxTokens) + "th word of this file, which is too many", Mend: "split the file"})
	}
	for _, t := range tokens {
		if p := d.refuseToken(t); p != nil {
			return nil, p
		}
	}
	f, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, d.syntax(err)
	}
	for i, doc := range f.Docs {
		if i > 0 {
			line, column := 1, 1
			if doc.Start != nil {
				line, column = doc.Start.Position.Line, doc.Start.Position.Column
			}
			return nil, d.at(line, column, Problem{Rule: "begins a second document", Mend: "make it a file of its own"})
		}
		body = doc.Body
	}
	return body, nil
}

// refuseToken tells what of YAML is not read here, and why.
func (d *Document) refuseToken(t *token.Token) *Problem {
	var rule, mend string
	switch t.Type {
	case token.AnchorType:
		rule, mend = "begins with &, which is an anchor in YAML, and anchors are not read here", "put text in double quotes, or leave the anchor out"
	case token.AliasType:
		rule, mend = "begins with *, which is an alias in YAML, and aliases are not read here", "put text in double quotes, or write the value out"
	case token.MergeKeyType:
		rule, mend = "is a merge key in YAML, and those are not read here", "write the keys out"
	case token.TagType:
		rule, mend = "is a YAML tag, which is not read here", "leave it out, or put text in double quotes"
	case token.DirectiveType:
		rule, mend = "is a YAML directive, which is not read here", "leave the line out, or put text in double quotes"
	case token.MappingKeyType:
		rule, mend = "is a complex YAML key, which is not read here", "write key: value, or put text in double quotes"
	case token.StringType:
		// The scanner drops a tab within unquoted text; rather an error than
		// other words than the writer's.
		if strings.ContainsRune(strings.TrimSpace(t.Origin), '\t') {
			rule, mend = "has a tab in text without quotation marks", "write blanks, or put the text in double quotes"
		}
	}
	if rule == "" {
		return nil
	}
	return d.at(t.Position.Line, t.Position.Column, Problem{Rule: rule, Mend: mend})
}

// The parser's messages in the words of somebody who writes a file, not a
// parser. What is not listed is passed on as it is.
var syntaxMends = []struct{ says, rule, mend string }{
	{"mapping value is not allowed", `has a second ": " on one line, or is indented too far`, "put the text in double quotes, or align it with the keys above"},
	{"that cannot start any token", "is indented with a tab", "indent with blanks"},
	{"tab character", "is indented with a tab", "indent with blanks"},
	{"end character of single-quoted", "opens a quotation mark that is never closed", "close it; within '…' an apostrophe is written twice, so double quotes are easier"},
	{"end character of double-quoted", "opens a quotation mark that is never closed", `close it; within "…" a quotation mark is written \"`},
	{"']' not found", "opens a [ that is never closed", "close it with ]"},
	{"end token ']'", "opens a [ that is never closed", "close it with ]"},
	{"end token '}'", "opens a { that is never closed", "close it with }"},
	{"corresponding to ']'", "closes a [ that was never opened", "leave it out, or put the text in double quotes"},
	{"corresponding to '}'", "closes a { that was never opened", "leave it out, or put the text in double quotes"},
	{"',' or '", "lacks a comma before it", "separate what stands in brackets by commas"},
	{"is a reserved character", "begins with a character that YAML reserves", "put the text in double quotes"},
	{"unknown escape character", `has a \ that YAML does not know`, `write \\, or use single quotes`},
	{"undefined alias name", "begins with a *, which YAML reserves", "put the text in double quotes"},
	{"non-map value is specified", "is not a key: value", "write a colon and a blank after the key"},
	{"block sequence entries are not allowed", "begins a list on the line of its key", "put each - on a line of its own"},
	{"directive value", "begins with a %, which YAML reserves", "put the text in double quotes"},
	{"unexpected scalar value", "is not expected here", "check commas, quotation marks and indentation"},
	{"value is not allowed in this context", "is not expected here", "check the indentation of this line and the one above, or put the text in double quotes"},
}

func (d *Document) syntax(err error) *Problem {
	message, line, column := err.Error(), 0, 0
	var located yaml.Error
	if errors.As(err, &located) {
		message = located.GetMessage()
		if t := located.GetToken(); t != nil && t.Position != nil {
			line, column = t.Position.Line, t.Position.Column
		}
	}
	p := Problem{Rule: "is not YAML: " + message, Mend: "check indentation, quotation marks and brackets"}
	for _, m := range syntaxMends {
		if strings.Contains(message, m.says) {
			p.Rule, p.Mend = m.rule, m.mend
			break
		}
	}
	if line >= 1 && line <= len(d.lines) && strings.ContainsRune(d.lines[line-1], '\u00a0') {
		p.Mend = "there is a no-break space on this line, as text copied from a web page has it: write a blank; or else " + p.Mend
	}
	return d.at(line, column, p)
}

// at places a problem in the file, with the snippet.
func (d *Document) at(line, column int, p Problem) *Problem {
	p.File = d.file
	if line >= 1 {
		p.Line, p.Column = line, max(column, 1)
		if line <= len(d.lines) && len(d.lines[line-1]) <= maxLine {
			p.Snippet = snippet(d.lines[line-1], line, p.Column)
		}
	}
	return &p
}

// Position returns where the value at path stands: line and column from 1, the
// column in characters. A path is made of keys and positions counted from 1,
// such as smtp.port or reminders[2].cron. Where there is no such value it is
// the place of the nearest one around it.
func (d *Document) Position(path string) (line, column int) {
	for {
		if n, ok := d.index[path]; ok {
			return n.line, n.column
		}
		i := strings.LastIndexAny(path, ".[")
		if i < 0 {
			return 1, 1
		}
		path = path[:i]
	}
}

// Has reports whether there is a value at path: not absent, empty or null.
func (d *Document) Has(path string) bool {
	n, ok := d.index[path]
	return ok && n.kind != absent
}

// Mentions reports whether the key at path is written, be it without a value.
func (d *Document) Mentions(path string) bool {
	_, ok := d.index[path]
	return ok
}

// Problem is what is wrong with the value at path, placed in the file. rule
// and mend are as in type Problem.
func (d *Document) Problem(path, rule, mend string) Problem {
	p := Problem{Key: path, Rule: rule, Mend: mend}
	if n, ok := d.index[path]; ok && n.kind == scalar {
		p.Value = Shown(n.text)
	}
	line, column := d.Position(path)
	if path != "" && !d.Mentions(path[:strings.IndexAny(path+".", ".[")]) {
		// What is missing altogether is missing nowhere in particular.
		line = 0
	}
	return *d.at(line, column, p)
}
