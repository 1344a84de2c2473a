package convened_test

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// homes lists where code may live, each with the homes that it may import. It is
// the floor plan of docs/architecture.md: imports point one way. A package belongs
// to the longest home that its path begins with; within a home, imports are free.
//
// A package that has no home here fails the test, so that a new one is a decision.
var homes = map[string][]string{
	"convened":           {},
	"convened/address":   {"convened"},
	"convened/calendar":  {"convened"},
	"convened/templates": {"convened"},
	"convened/journal":   {"convened"},
	"convened/store":     {"convened"},
	"convened/scheduler": {"convened"},
	"convened/mailer":    {"convened", "convened/address", "convened/calendar", "convened/templates"},
	"convened/config":    {"convened"},
	"convened/desk":      slices.Concat(lower, []string{"convened/config"}), // the event file is decoded as the configuration is
	"convened/intake":    lower,
	// What programs speak to; it has no page.
	"convened/api":          slices.Concat(lower, []string{"convened/desk"}),
	"convened/console":      slices.Concat(lower, []string{"convened/desk", "convened/intake"}),
	"convened/metrics":      {"convened"},
	"convened/systemd":      {},
	"convened/events":       {},
	"convened/internal/lab": lower,
	// Nobody may import this one: it is for tests, whose imports are free.
	"convened/internal/lab/labtest": slices.Concat(lower, []string{"convened/internal/lab"}),
	"convened/bench":                slices.Concat(lower, []string{"convened/desk", "convened/internal/lab"}),
	"convened/cmd/convened": slices.Concat(lower, []string{"convened/config", "convened/desk", "convened/intake", "convened/api", "convened/console",
		"convened/metrics", "convened/systemd", "convened/events", "convened/journal", "convened/internal/lab"}),
}

// lower is what stands below desk and intake.
var lower = []string{"convened", "convened/address", "convened/calendar", "convened/templates", "convened/store", "convened/scheduler", "convened/mailer"}

// doors lists the libraries that one home alone may import, so that each of
// them can be replaced, and its traps are known, in one place.
var doors = map[string]string{
	"github.com/arran4/golang-ical": "convened/calendar",
	"github.com/robfig/cron":        "convened/scheduler",
	"github.com/wneessen/go-mail":   "convened/mailer",
	"github.com/lib/pq":             "convened/store",
	"github.com/goccy/go-yaml":      "convened/config",
	"github.com/pressly/goose":      "convened/store",
	"github.com/alecthomas/kong":    "convened/cmd/convened",
	"github.com/coreos/go-systemd":  "convened/systemd",
	"github.com/prometheus":         "convened/metrics",
	"github.com/coreos/go-oidc":     "convened/console",
}

// testDoors lists those of them that not even a test of another home may import.
// The others may be used there to read what a package made.
var testDoors = []string{"github.com/lib/pq"}

// A goPackage is what `go list -json` says of a package in this module.
type goPackage struct {
	ImportPath   string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

// goList returns every package of this module.
func goList(t *testing.T) []goPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", "./...")
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("list the packages: %v\n%s", err, exit.Stderr)
		}
		t.Fatalf("list the packages: %v", err)
	}
	var all []goPackage
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("list the packages: %v", err)
		}
		all = append(all, p)
	}
	if len(all) == 0 {
		t.Fatal("list the packages: there are none")
	}
	return all
}

// within reports whether an import path is prefix or lies below it.
func within(path, prefix string) bool {
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}

// home returns the home that a package of ours lives in, "" for none.
func home(path string) string {
	if path == "convened" {
		return path
	}
	longest := ""
	for h := range homes {
		// What lies below the root is not the root's: it needs a home of its own.
		if h != "convened" && within(path, h) && len(h) > len(longest) {
			longest = h
		}
	}
	return longest
}

func TestEveryPackageHasAHome(t *testing.T) {
	for _, p := range goList(t) {
		if home(p.ImportPath) == "" {
			t.Errorf("%s has no home: give it one of %s, or add one to homes in house_test.go and to docs/architecture.md",
				p.ImportPath, strings.Join(slices.Sorted(maps.Keys(homes)), ", "))
		}
	}
}

func TestImportsPointOneWay(t *testing.T) {
	for _, p := range goList(t) {
		from := home(p.ImportPath)
		for _, path := range p.Imports {
			if !within(path, "convened") {
				continue
			}
			if to := home(path); to != from && !slices.Contains(homes[from], to) {
				t.Errorf("%s imports %s, which %s may not: it may import %s",
					p.ImportPath, path, from, list(homes[from]))
			}
		}
	}
}

func TestHomesDoNotImportEachOtherInACircle(t *testing.T) {
	// Among homes the compiler would not notice: it looks at packages.
	var visit func(h string, path []string)
	visit = func(h string, path []string) {
		if slices.Contains(path, h) {
			t.Fatalf("homes in house_test.go has a circle: %s", strings.Join(append(path, h), " → "))
		}
		for _, next := range homes[h] {
			if _, ok := homes[next]; !ok {
				t.Errorf("homes in house_test.go lets %s import %s, which is not a home", h, next)
			}
			visit(next, append(slices.Clone(path), h))
		}
	}
	for h := range homes {
		visit(h, nil)
	}
}

func TestRootImportsTheStandardLibraryAlone(t *testing.T) {
	for _, p := range goList(t) {
		if p.ImportPath != "convened" {
			continue
		}
		for _, path := range p.Imports {
			// Only a path that begins with a domain comes from elsewhere.
			if first, _, _ := strings.Cut(path, "/"); strings.Contains(first, ".") || first == "convened" {
				t.Errorf("the root package imports %s; it holds the words of the program, on the standard library alone", path)
			}
		}
	}
}

func TestEachLibraryHasOneDoor(t *testing.T) {
	used := make(map[string]bool)
	built := make(map[string]bool)
	for _, p := range goList(t) {
		built[home(p.ImportPath)] = true
		for library, door := range doors {
			imports := p.Imports
			if slices.Contains(testDoors, library) {
				imports = slices.Concat(p.Imports, p.TestImports, p.XTestImports)
			}
			for _, path := range imports {
				if !within(path, library) {
					continue
				}
				used[library] = true
				if home(p.ImportPath) != door {
					t.Errorf("%s imports %s; only %s may", p.ImportPath, path, door)
				}
			}
		}
	}
	for library, door := range doors {
		if built[door] && !used[library] {
			t.Errorf("%s is not imported by %s, its door: take it out of doors in house_test.go and of docs/decisions/0002-dependencies.md", library, door)
		}
	}
}

func TestEveryDependencyIsADecision(t *testing.T) {
	const page = "docs/decisions/0002-dependencies.md"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	decided := make(map[string]bool) // module → whether it is imported
	for line := range strings.Lines(string(text)) {
		if first, _, ok := strings.Cut(strings.TrimPrefix(line, "| "), " | "); ok {
			for _, module := range strings.Split(first, ", ") {
				if strings.Contains(module, ".") {
					decided[module] = false
				}
			}
		}
	}
	for _, p := range goList(t) {
	imports:
		for _, path := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			if first, _, _ := strings.Cut(path, "/"); !strings.Contains(first, ".") {
				continue // the standard library, or ours
			}
			for module := range decided {
				if within(path, module) {
					decided[module] = true
					continue imports
				}
			}
			t.Errorf("%s imports %s, which %s does not name: say there why it is worth it", p.ImportPath, path, page)
		}
	}
	for module, imported := range decided {
		if !imported {
			t.Errorf("%s names %s, which nothing imports", page, module)
		}
	}
}

// list joins names for a sentence.
func list(names []string) string {
	if len(names) == 0 {
		return "none of ours"
	}
	return strings.Join(names, ", ")
}
