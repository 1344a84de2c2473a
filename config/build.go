package config

import (
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// A builder turns the parser's tree into nodes, and indexes them by path.
type builder struct {
	doc      *Document
	problems []Problem
}

// node builds what stands at path; line and column are those of its key, for
// values that are absent.
func (b *builder) node(from ast.Node, path string, line, column, depth int) *node {
	n := &node{line: line, column: column}
	if _, seen := b.doc.index[path]; !seen {
		b.doc.index[path] = n
	}
	if depth > maxDepth {
		b.problem(line, column, path, "is nested too deeply", "nothing that is read here is more than "+strconv.Itoa(maxDepth)+" levels deep")
		return n
	}
	switch v := from.(type) {
	case nil, *ast.NullNode:
	case *ast.MappingNode:
		n.kind = mapping
		b.entries(n, v.Values, path, depth)
	case *ast.MappingValueNode:
		n.kind = mapping
		b.entries(n, []*ast.MappingValueNode{v}, path, depth)
	case *ast.SequenceNode:
		n.kind = sequence
		for i, item := range v.Values {
			l, c := n.line, n.column
			if item != nil {
				l, c = place(item.GetToken(), l, c)
			}
			n.items = append(n.items, b.node(item, path+"["+strconv.Itoa(i+1)+"]", l, c, depth+1))
		}
	case *ast.LiteralNode:
		n.kind = scalar
		n.line, n.column = place(v.GetToken(), line, column)
		if v.Value != nil {
			n.text = v.Value.Value
		}
	case ast.ScalarNode:
		t := v.GetToken()
		if t == nil {
			break
		}
		n.kind, n.text = scalar, t.Value
		n.line, n.column = place(t, line, column)
	default:
		b.problem(line, column, path, "is something of YAML that is not read here: "+strings.ToLower(from.Type().String()), "write a plain value")
	}
	return n
}

func (b *builder) entries(n *node, values []*ast.MappingValueNode, path string, depth int) {
	first := map[string]int{} // the line of each key
	for i, mv := range values {
		if mv == nil || mv.Key == nil || mv.Key.GetToken() == nil {
			continue
		}
		t := mv.Key.GetToken()
		line, column := place(t, n.line, n.column)
		if i == 0 && (path == "" || strings.HasSuffix(path, "]")) {
			// A mapping without a key of its own stands where its first key does.
			n.line, n.column = line, column
		}
		at := t.Value
		if path != "" {
			at = path + "." + t.Value
		}
		if before, ok := first[t.Value]; ok {
			b.problem(line, column, at, "is written twice, first on line "+strconv.Itoa(before), "keep one of them")
			continue
		}
		first[t.Value] = line
		n.entries = append(n.entries, entry{key: t.Value, line: line, column: column,
			value: b.node(mv.Value, at, line, column, depth+1)})
	}
}

func (b *builder) problem(line, column int, path, rule, mend string) {
	b.problems = append(b.problems, *b.doc.at(line, column, Problem{Key: Shown(path), Rule: rule, Mend: mend}))
}

func place(t *token.Token, line, column int) (int, int) {
	if t == nil || t.Position == nil {
		return line, column
	}
	return t.Position.Line, max(t.Position.Column, 1)
}
