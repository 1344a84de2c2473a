package templates

import (
	"bytes"
	"fmt"
	"text/template"
	"text/template/parse"

	"convened"
)

// What making one letter may cost. html/template is no sandbox: a template can
// loop for hours without a byte of output, and double a string until the
// machine has no memory left. So every step of a template is counted, and its
// functions return strings of bounded length. Steps are counted rather than
// timed, so that the same letter passes on a busy machine and on an idle one;
// a built-in letter takes some hundreds, and the whole allowance is spent within
// 100 ms.
const (
	maxSteps  = 10_000
	maxOutput = 1 << 20 // bytes of all parts together
	maxString = 4 << 10 // bytes that one call of a function returns
)

// A meter is what a template writes to. It counts, and its error ends the
// template.
type meter struct {
	bytes.Buffer
	steps, bytes int
}

// Write implements io.Writer. A write of nothing is a step; see metered.
func (m *meter) Write(p []byte) (int, error) {
	m.steps++
	m.bytes += len(p)
	switch {
	case m.steps > maxSteps:
		return 0, fmt.Errorf("%w: the template takes more than %d steps; is there a loop that does not end soon?", convened.ErrRefused, maxSteps)
	case m.bytes > maxOutput:
		return 0, fmt.Errorf("%w: the template writes more than %d bytes", convened.ErrRefused, maxOutput)
	}
	return m.Buffer.Write(p)
}

// WriteString keeps bytes.Buffer's from going past the count.
func (m *meter) WriteString(s string) (int, error) { return m.Write([]byte(s)) }

// metered puts an empty text before each node of a tree, and one more for each
// further command in its pipeline. Executing it writes nothing, to the meter,
// which thereby counts the node that follows.
func metered(list *parse.ListNode) {
	if list == nil {
		return
	}
	nodes := make([]parse.Node, 0, 2*len(list.Nodes))
	if len(list.Nodes) == 0 { // going around an empty loop is a step, too
		nodes = append(nodes, &parse.TextNode{NodeType: parse.NodeText, Pos: list.Pos})
	}
	for _, n := range list.Nodes {
		for range max(1, commands(n)) {
			nodes = append(nodes, &parse.TextNode{NodeType: parse.NodeText, Pos: n.Position()})
		}
		nodes = append(nodes, n)
		for _, l := range lists(n) {
			metered(l)
		}
	}
	list.Nodes = nodes
}

// commands counts the commands of a node's own pipeline, and of those in
// parentheses within it.
func commands(n parse.Node) int {
	var count func(p *parse.PipeNode) int
	count = func(p *parse.PipeNode) int {
		if p == nil {
			return 0
		}
		sum := len(p.Cmds)
		for _, cmd := range p.Cmds {
			for _, arg := range cmd.Args {
				if inner, ok := arg.(*parse.PipeNode); ok {
					sum += count(inner)
				}
			}
		}
		return sum
	}
	switch n := n.(type) {
	case *parse.ActionNode:
		return count(n.Pipe)
	case *parse.TemplateNode:
		return count(n.Pipe)
	case *parse.IfNode:
		return count(n.Pipe)
	case *parse.RangeNode:
		return count(n.Pipe)
	case *parse.WithNode:
		return count(n.Pipe)
	}
	return 0
}

// lists returns the lists of nodes within a node.
func lists(n parse.Node) []*parse.ListNode {
	switch n := n.(type) {
	case *parse.IfNode:
		return []*parse.ListNode{n.List, n.ElseList}
	case *parse.RangeNode:
		return []*parse.ListNode{n.List, n.ElseList}
	case *parse.WithNode:
		return []*parse.ListNode{n.List, n.ElseList}
	case *parse.ListNode:
		return []*parse.ListNode{n}
	}
	return nil
}

// functions are what templates may call, beside the comparisons and and, or,
// not, len, index and slice. Those that shadow a function of the standard
// library do so to bound what it returns.
var functions = template.FuncMap{
	"print":     func(a ...any) (string, error) { return bounded(fmt.Sprint(a...)) },
	"printf":    func(format string, a ...any) (string, error) { return bounded(fmt.Sprintf(format, a...)) },
	"println":   func(a ...any) (string, error) { return bounded(fmt.Sprintln(a...)) },
	"capital":   func(s any) string { return capital(printed(s)) },
	"short":     func(n int, s any) string { return cut(printed(s), n) },
	"pad":       pad,
	"underline": underline,
}

// known holds the names that the parser accepts.
var known = map[string]any{
	"and": true, "or": true, "not": true, "len": true, "index": true, "slice": true,
	"eq": true, "ne": true, "lt": true, "le": true, "gt": true, "ge": true,
}

func bounded(s string) (string, error) {
	if len(s) > maxString {
		return "", fmt.Errorf("a string of more than %d bytes", maxString)
	}
	return s, nil
}

// printed is v as a template prints it.
func printed(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return fmt.Sprint(v)
}
