package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzConfig looks for a file that takes the program down, that is refused
// without a word, or whose refusal shows a password.
func FuzzConfig(f *testing.F) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add(Example())
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		file := filepath.Join(dir, "convened.yaml")
		l := loader{file: file, cfg: Default()}
		l.readFile(data)
		if !l.unreadable {
			l.validate()
		}
		if err := Join(l.problems); err != nil {
			lines := strings.Count(string(data), "\n") + strings.Count(string(data), "\r") + 1
			for _, p := range err.(*Problems).List {
				if p.Rule == "" || p.Mend == "" || p.File != file || p.Line > lines || p.Line > 0 && p.Column < 1 {
					t.Fatalf("problem %+v", p)
				}
			}
			return
		}
		// What is accepted can be shown, and the sources be made.
		again := loader{file: file, cfg: Default()}
		again.readFile(l.cfg.Show())
		if again.unreadable {
			t.Fatalf("what is shown can't be read: %v\n%s", Join(again.problems), l.cfg.Show())
		}
		if l.cfg.Database.Source() == "" || l.cfg.SMTP.Port == 0 {
			t.Fatalf("accepted and incomplete: %s", l.cfg.Show())
		}
	})
}
