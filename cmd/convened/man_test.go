package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"convened/config"
)

func TestManualPagesDescribeEveryCommandAndKey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e, out := commandLine(t, "man", dir)
	if e != exitDone {
		t.Fatalf("man: exit %d\n%s", e, out)
	}
	read := func(name string) string {
		t.Helper()
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	plainly := strings.NewReplacer(`\-`, "-", `\(aq`, "'")
	overview := plainly.Replace(read("convened.1"))
	for path := range examples {
		words := strings.Fields(path)
		page := plainly.Replace(read("convened-" + words[1] + ".1"))
		if !strings.Contains(page, strings.Join(words, " ")) || !strings.Contains(overview, words[0]+" "+words[1]) {
			t.Errorf("no page has %q", path)
		}
	}
	keys := plainly.Replace(read("convened.yaml.5"))
	for _, k := range config.Keys() {
		if !strings.Contains(keys, `\fB`+k.Name+`\fR`) || !strings.Contains(keys, k.Env()) {
			t.Errorf("convened.yaml(5) does not have %s", k.Name)
		}
	}
	// A line that begins with a dot is a request to roff: one of these and no other.
	requests := []string{".TH", ".SH", ".SS", ".PP", ".TP", ".IP", ".EX", ".EE", ".ad", ".nh"}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) < 10 {
		t.Fatalf("%d pages, %v", len(files), err)
	}
	for _, f := range files {
		for line := range strings.Lines(read(filepath.Base(f))) {
			if word := strings.Fields(line + " x")[0]; strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
				known := false
				for _, r := range requests {
					known = known || word == r
				}
				if !known {
					t.Errorf("%s: %q is a request by accident", filepath.Base(f), line)
				}
			}
		}
	}
}

func TestCompletionIsAScriptThatBashReads(t *testing.T) {
	t.Parallel()
	for shell, want := range map[string]string{"bash": "complete -o filenames -F _convened convened", "zsh": "#compdef convened", "fish": "complete -c convened"} {
		code, out := commandLine(t, "completion", shell)
		if code != exitDone || !strings.Contains(out, want) || !strings.Contains(out, "registration") || strings.Contains(out, " man ") {
			t.Errorf("completion %s: exit %d, no %q or a hidden command in\n%s", shell, code, want, out)
		}
	}
}

// commandLine runs a command that needs nothing.
func commandLine(t *testing.T, args ...string) (code int, stdout string) {
	t.Helper()
	var out, errs strings.Builder
	code = run(t.Context(), args, strings.NewReader(""), &out, &errs)
	return code, out.String() + errs.String()
}
