package templates

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"text/template/parse"
)

// trees is a set of templates by name, from several files.
type trees map[string]*parse.Tree

// names returns the names of t in order, so that the same files always fail
// with the same error.
func names(t trees) []string {
	var s []string
	for name := range t {
		s = append(s, name)
	}
	slices.Sort(s)
	return s
}

// walk calls f for each node of a tree, itself included.
func walk(n parse.Node, f func(parse.Node)) {
	f(n)
	switch n := n.(type) {
	case *parse.ListNode:
		for _, m := range n.Nodes {
			walk(m, f)
		}
	case *parse.ActionNode:
		walkPipe(n.Pipe, f)
	case *parse.TemplateNode:
		walkPipe(n.Pipe, f)
	case *parse.IfNode:
		walkBranch(&n.BranchNode, f)
	case *parse.RangeNode:
		walkBranch(&n.BranchNode, f)
	case *parse.WithNode:
		walkBranch(&n.BranchNode, f)
	}
}

func walkBranch(n *parse.BranchNode, f func(parse.Node)) {
	walkPipe(n.Pipe, f)
	walk(n.List, f)
	if n.ElseList != nil {
		walk(n.ElseList, f)
	}
}

func walkPipe(p *parse.PipeNode, f func(parse.Node)) {
	if p == nil {
		return
	}
	for _, cmd := range p.Cmds {
		for _, arg := range cmd.Args {
			f(arg)
			if inner, ok := arg.(*parse.PipeNode); ok {
				walkPipe(inner, f)
			}
		}
	}
}

// mentioned returns the blocks that layouts ask for, as .Words.name.
func mentioned(t trees) []string {
	var said []string
	for _, tree := range t {
		walk(tree.Root, func(n parse.Node) {
			var path []string
			switch n := n.(type) {
			case *parse.FieldNode:
				path = n.Ident
			case *parse.VariableNode:
				path = n.Ident[1:]
			}
			if len(path) > 1 && path[0] == "Words" {
				said = append(said, path[1])
			}
		})
	}
	return said
}

// called returns the templates that a tree calls, with their places.
func called(t *parse.Tree) map[string]*parse.TemplateNode {
	calls := map[string]*parse.TemplateNode{}
	walk(t.Root, func(n parse.Node) {
		if call, ok := n.(*parse.TemplateNode); ok {
			calls[call.Name] = call
		}
	})
	return calls
}

// loops finds templates that call themselves, and calls of what does not exist.
func loops(t trees) problems {
	var errs problems
	const open, done = 1, 2
	seen := map[string]int{}
	var visit func(name string)
	visit = func(name string) {
		seen[name] = open
		calls := called(t[name])
		var callees []string
		for callee := range calls {
			callees = append(callees, callee)
		}
		slices.Sort(callees)
		for _, callee := range callees {
			at := t[name]
			place := Problem{File: at.ParseName, Line: calls[callee].Line}
			switch {
			case t[callee] == nil:
				place.What = fmt.Sprintf("there is no template %q", callee)
				place.Mend = "its name may be " + nearest(callee, names(t))
				errs = append(errs, place)
			case seen[callee] == open:
				place.What = fmt.Sprintf("the template %q calls itself, here or by another", callee)
				place.Mend = "use {{range}}"
				errs = append(errs, place)
			case seen[callee] != done:
				visit(callee)
			}
		}
		seen[name] = done
	}
	for _, name := range names(t) {
		if seen[name] == 0 {
			visit(name)
		}
	}
	return errs
}

// unsaid finds blocks of the words files above the built-in ones that no letter
// will ever say: a name misspelt.
func (c *compiler) unsaid(words trees, said []string) problems {
	var errs problems
	reached := map[string]bool{}
	for _, t := range words {
		for name := range called(t) {
			reached[name] = true
		}
	}
	for _, name := range names(words) {
		t := words[name]
		if reached[name] || slices.Contains(said, name) || strings.HasPrefix(t.ParseName, builtinPath) {
			continue
		}
		errs = append(errs, Problem{File: t.ParseName, Line: defineLine(c.textOf(t.ParseName), name),
			What: fmt.Sprintf("no letter says a block %q", name), Mend: "its name may be " + nearest(name, said)})
	}
	return errs
}

// textOf returns the text of a source by its path.
func (c *compiler) textOf(path string) string {
	for _, l := range c.layers {
		for _, src := range l {
			if src.path == path {
				return src.text
			}
		}
	}
	return ""
}

// defineLine is the line on which a file defines a template.
func defineLine(text, name string) int {
	at := regexp.MustCompile(`\{\{-?\s*(define|block)\s*["` + "`" + `]` + regexp.QuoteMeta(name) + `["` + "`" + `]`).FindStringIndex(text)
	if at == nil {
		return 1
	}
	return 1 + strings.Count(text[:at[0]], "\n")
}

// typeset sets the fixed spaces of French in our own words: narrow before
// : ; ! ? and within « ». What a person typed is not text of a template, and
// stays as it was typed.
func typeset(list *parse.ListNode) {
	walk(list, func(n parse.Node) {
		if t, ok := n.(*parse.TextNode); ok {
			t.Text = []byte(frenchSpaces.Replace(string(t.Text)))
		}
	})
}

var frenchSpaces = strings.NewReplacer(
	" :", "\u202f:", " ;", "\u202f;", " !", "\u202f!", " ?", "\u202f?", "« ", "«\u202f", " »", "\u202f»",
)
