package templates

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"convened"
)

const manual = "../docs/templates.md"

// documented are the types of the data reference, in its order.
var documented = []string{"Letter", "Links", "Change", "Moved", "Trouble", "Refusal", "Held", "Passage", "Paragraph", "Span", "Colours"}

// reference makes the tables of the manual from the comments in the code.
func reference(t *testing.T) string {
	t.Helper()
	set := token.NewFileSet()
	types := map[string]*ast.StructType{}
	for _, file := range []string{"letter.go", "templates.go", "prose.go", "colour.go"} {
		f, err := parser.ParseFile(set, file, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok {
				if s, ok := spec.Type.(*ast.StructType); ok {
					types[spec.Name.Name] = s
				}
			}
			return true
		})
	}
	var b strings.Builder
	for _, name := range documented {
		fmt.Fprintf(&b, "### %s\n\n| field | type | meaning |\n|---|---|---|\n", name)
		for _, f := range types[name].Fields.List {
			var typ strings.Builder
			if err := printer.Fprint(&typ, set, f.Type); err != nil {
				t.Fatal(err)
			}
			for _, id := range f.Names {
				comment := strings.TrimSpace(f.Comment.Text())
				if comment == "" {
					comment = "the same"
				}
				fmt.Fprintf(&b, "| `.%s` | `%s` | %s |\n", id.Name, typ.String(), strings.ReplaceAll(comment, "|", `\|`))
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

// blocks makes the table of the blocks of the words files, with what they say
// in English.
func blocks(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	c := newCompiler(builtinLayer())
	for _, dir := range append([]string{"layout"}, kinds()...) {
		words, errs := c.merge("en", wordsPart, dir)
		if err := errs.err(); err != nil {
			t.Fatal(err)
		}
		delete(words, wordsPart)
		fmt.Fprintf(&b, "`%s/en.tmpl`: `%s`\n\n", dir, strings.Join(names(words), "`, `"))
	}
	return b.String()
}

func kinds() []string {
	var s []string
	for _, k := range append(convened.Kinds(), convened.Preflight) {
		s = append(s, string(k))
	}
	return s
}

func TestTheManualHasTheWholeReference(t *testing.T) {
	var table strings.Builder
	table.WriteString("| write | and the letter says |\n|---|---|\n")
	for _, p := range Placeholders() {
		fmt.Fprintf(&table, "| `{%s}` | %s |\n", p.Name, p.Meaning)
	}
	b, err := os.ReadFile(manual)
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for name, want := range map[string]string{"reference": reference(t), "placeholders": table.String() + "\n", "blocks": blocks(t)} {
		begin, end := "<!-- generated: "+name+" -->\n", "<!-- end -->"
		i := strings.Index(text, begin)
		if i < 0 {
			t.Fatalf("%s has no %q", manual, begin)
		}
		i += len(begin)
		j := i + strings.Index(text[i:], end)
		if *update {
			text = text[:i] + want + text[j:]
		} else if text[i:j] != want {
			t.Errorf("%s: the part %q is not what the code says; go test ./templates -update", manual, name)
		}
	}
	if *update {
		if err := os.WriteFile(filepath.Clean(manual), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestEveryFieldOfALetterIsDocumented(t *testing.T) {
	b, err := os.ReadFile(manual)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range fieldNames() {
		if !strings.Contains(string(b), "| `."+f+"` |") {
			t.Errorf("%s does not name .%s", manual, f)
		}
	}
}

func TestEveryLanguageHasTheSameBlocks(t *testing.T) {
	c := newCompiler(builtinLayer())
	for _, dir := range append([]string{"layout"}, kinds()...) {
		var want []string
		for _, language := range convened.Languages() {
			words, errs := c.merge(language, wordsPart, dir)
			if err := errs.err(); err != nil {
				t.Fatal(err)
			}
			got := names(words)
			if want == nil {
				want = got
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s/%s.tmpl has the blocks %v, want %v", dir, language, got, want)
			}
		}
	}
}

func TestTheExamplesOfTheManualWork(t *testing.T) {
	b, err := os.ReadFile(manual)
	if err != nil {
		t.Fatal(err)
	}
	// Each example begins with its path in a comment.
	files := map[string]string{}
	for i, part := range strings.Split(string(b), "```") {
		name, text, ok := strings.Cut(strings.TrimPrefix(part, "gotemplate\n"), "\n")
		if name, found := strings.CutPrefix(name, "{{/* "); i%2 == 1 && ok && found {
			files[strings.TrimSuffix(name, " */}}")] = text
		}
	}
	if len(files) < 4 {
		t.Fatalf("found the examples %v", files)
	}
	if _, err := Load(directoryOf(t, files)); err != nil {
		t.Error(err)
	}
}
