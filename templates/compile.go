package templates

import (
	"fmt"
	htmltemplate "html/template"
	"slices"
	"strings"
	texttemplate "text/template"
	"text/template/parse"
)

// A source is one file of templates.
type source struct {
	path string // as errors name it
	text string
}

// A layer is a set of files that lies over another, by their paths within it:
// "layout/html.tmpl", "confirmation/fr.tmpl".
type layer map[string]source

// A unit is all that makes one kind of letter in one language, ready to be
// executed. It is immutable and safe for concurrent use.
type unit struct {
	blocks []block
	html   *htmltemplate.Template
	text   *texttemplate.Template
	files  map[string]string // the file of each template of the layouts
	ours   bool              // nothing of it is from another file than the built-in ones
}

// A block is a named part of the words files.
type block struct {
	name     string
	file     string
	line     int
	template *texttemplate.Template // nil where the block says the same in every letter
	static   Prose
}

// The names of the parts of a letter.
const (
	wordsPart   = ""
	subjectPart = "subject"
	htmlPart    = "html"
	textPart    = "text"
)

// partPath is the path of a part of a directory's letter.
func partPath(dir, language, part string) string {
	switch {
	case dir == "layout" && part != wordsPart:
		return "layout/" + part + ".tmpl"
	case part == wordsPart:
		return dir + "/" + language + ".tmpl"
	}
	return dir + "/" + language + "." + part + ".tmpl"
}

// A compiler makes units of layers, and shares what they have in common.
type compiler struct {
	layers []layer
	parsed map[source]trees // what was read, by its file
	html   map[string]*htmltemplate.Template
	text   map[string]*texttemplate.Template
}

func newCompiler(layers ...layer) *compiler {
	return &compiler{layers, map[source]trees{}, map[string]*htmltemplate.Template{}, map[string]*texttemplate.Template{}}
}

// unit compiles the letter that the directories dirs give in a language. What
// stands in a later directory replaces what stands in an earlier one, name by
// name; and in each, what stands in a later layer.
func (c *compiler) unit(language string, dirs ...string) (*unit, problems) {
	var u unit
	var errs problems
	layout := append([]string{"layout"}, dirs...)

	words, es := c.merge(language, wordsPart, layout...)
	errs = append(errs, es...)
	subject, es := c.merge(language, subjectPart, dirs...)
	errs = append(errs, es...)
	for name, t := range subject {
		words[name] = t
	}
	delete(words, wordsPart)
	html, es := c.merge(language, htmlPart, layout...)
	errs = append(errs, es...)
	text, es := c.merge(language, textPart, layout...)
	errs = append(errs, es...)
	errs = append(errs, loops(words)...)
	errs = append(errs, loops(html)...)
	errs = append(errs, loops(text)...)
	if len(errs) > 0 {
		return nil, errs
	}

	said := []string{subjectPart, "preheader"}
	for _, t := range []trees{html, text} {
		said = append(said, mentioned(t)...)
	}
	slices.Sort(said)
	said = slices.Compact(said)
	errs = append(errs, c.unsaid(words, said)...)

	if errs = append(errs, c.setWords(&u, language, words, said)...); len(errs) > 0 {
		return nil, errs
	}
	u.ours = builtinOnly(words) && builtinOnly(html) && builtinOnly(text)
	u.files = map[string]string{}
	for name, t := range html {
		u.files[name] = t.ParseName
	}
	u.files[textPart] = text[textPart].ParseName
	u.html, es = cached(c.html, html, htmlTemplate)
	errs = append(errs, es...)
	u.text, es = cached(c.text, text, func(t trees) (*texttemplate.Template, problems) { return textTemplate(textPart, t) })
	errs = append(errs, es...)
	return &u, errs
}

// builtinOnly reports whether all trees are from built-in files.
func builtinOnly(t trees) bool {
	for _, tree := range t {
		if !strings.HasPrefix(tree.ParseName, builtinPath) {
			return false
		}
	}
	return true
}

// cached makes a template once for all units that have the same trees.
func cached[T any](made map[string]T, t trees, make func(trees) (T, problems)) (T, problems) {
	var key strings.Builder
	for _, name := range names(t) {
		fmt.Fprintf(&key, "%s=%p;", name, t[name])
	}
	if v, ok := made[key.String()]; ok {
		return v, nil
	}
	v, errs := make(t)
	if len(errs) == 0 {
		made[key.String()] = v
	}
	return v, errs
}

// merge reads a part of several directories from all layers.
func (c *compiler) merge(language, part string, dirs ...string) (trees, problems) {
	all, errs := trees{}, problems(nil)
	for _, dir := range dirs {
		for _, l := range c.layers {
			src, ok := l[partPath(dir, language, part)]
			if !ok {
				continue
			}
			read, ok := c.parsed[src]
			if !ok {
				var err *Problem
				if read, err = parsed(src, part); err != nil {
					errs = append(errs, *err)
					continue
				}
				c.parsed[src] = read
			}
			for name, t := range read {
				// A file without text of its own, outside of its blocks, leaves
				// the main text to the file below it.
				if name == part && parse.IsEmptyTree(t.Root) {
					continue
				}
				all[name] = t
			}
		}
	}
	return all, errs
}

// parsed reads one file. Its main text gets the name of the part. The trees are
// shared between units, and copied before anything changes them.
func parsed(src source, part string) (trees, *Problem) {
	t := parse.New(src.path) // which errors name
	set := map[string]*parse.Tree{}
	if _, err := t.Parse(src.text, "", "", set, functions, known); err != nil {
		p := problemOf(src.path, err)
		return nil, &p
	}
	main := set[src.path]
	delete(set, src.path)
	if part == wordsPart && !parse.IsEmptyTree(main.Root) {
		return nil, &Problem{File: src.path, Line: firstLine(src.text, main), What: "text stands outside of the blocks, where nobody will read it",
			Mend: `put it between {{define "lead"}} and {{end}}`}
	}
	set[part] = main
	return set, nil
}

// firstLine is the line of the first text of a tree that is not blank.
func firstLine(text string, t *parse.Tree) int {
	for _, n := range t.Root.Nodes {
		s := n.String()
		if blank := len(s) - len(strings.TrimLeft(s, " \t\r\n")); blank < len(s) {
			if _, ok := n.(*parse.TextNode); !ok {
				blank = 0
			}
			return 1 + strings.Count(text[:min(len(text), int(n.Position())+blank)], "\n")
		}
	}
	return 1
}

// setWords compiles the blocks that the layouts mention.
func (c *compiler) setWords(u *unit, language string, words trees, said []string) problems {
	for name, t := range words {
		t = t.Copy()
		if language == "fr" {
			typeset(t.Root)
		}
		words[name] = t
	}
	set, errs := textTemplate("words", words)
	if len(errs) > 0 {
		return errs
	}
	for _, name := range said {
		t, ok := words[name]
		if !ok {
			continue // executing the layout reports it, with its place there
		}
		b := block{name: name, file: t.ParseName, line: defineLine(c.textOf(t.ParseName), name)}
		if s, ok := constant(t.Root); ok && name != subjectPart && name != "preheader" {
			b.static = proseOf(s)
		} else {
			b.template = set.Lookup(name)
		}
		u.blocks = append(u.blocks, b)
	}
	return nil
}

// constant returns the text of a template that has nothing but text.
func constant(list *parse.ListNode) (string, bool) {
	var b strings.Builder
	for _, n := range list.Nodes {
		t, ok := n.(*parse.TextNode)
		if !ok {
			return "", false
		}
		b.Write(t.Text)
	}
	return b.String(), true
}

// textTemplate makes an executable set of trees for plain text.
func textTemplate(main string, t trees) (*texttemplate.Template, problems) {
	set := texttemplate.New(main).Funcs(functions).Option("missingkey=error")
	for _, name := range names(t) {
		tree := t[name].Copy()
		metered(tree.Root)
		if _, err := set.AddParseTree(name, tree); err != nil {
			return nil, problems{problemOf(tree.ParseName, err)}
		}
	}
	return set, nil
}

// htmlTemplate makes an executable set of trees for HTML.
func htmlTemplate(t trees) (*htmltemplate.Template, problems) {
	set := htmltemplate.New(htmlPart).Funcs(functions).Option("missingkey=error")
	for _, name := range names(t) {
		tree := t[name].Copy()
		metered(tree.Root)
		if _, err := set.AddParseTree(name, tree); err != nil {
			return nil, problems{problemOf(tree.ParseName, err)}
		}
	}
	return set.Lookup(htmlPart), nil // AddParseTree made a new one of that name
}
