package templates

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"convened"
)

//go:embed layout confirmation reminder update cancellation followup preflight
var embedded embed.FS

// builtinPath begins the path of a built-in file in errors.
const builtinPath = "built-in "

// maxFile bounds one template file.
const maxFile = 256 << 10

// builtinLayer returns the embedded files.
func builtinLayer() layer {
	l := layer{}
	err := fs.WalkDir(embedded, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := embedded.ReadFile(p)
		l[p] = source{path: builtinPath + p, text: string(b)}
		return err
	})
	if err != nil {
		panic(err) // the files are part of the program
	}
	return l
}

// Load returns the built-in letters with the files of a directory over them:
//
//	layout/html.tmpl, layout/text.tmpl   how every letter is arranged
//	layout/LANG.tmpl                     the words that all letters share
//	NAME/LANG.tmpl                       the words of one letter
//	NAME/LANG.subject.tmpl, NAME/LANG.text.tmpl, NAME/LANG.html.tmpl
//	                                     one part of one letter, whole
//	events/SLUG/…                        any of these, for one event alone
//
// NAME is a kind of letter or, for a rule's template:, a name of your own. A
// file replaces only the blocks that it defines. Every letter is then rendered
// in every language, for readers and events of every sort. The error lists all
// that is wrong as Problems, joined, each with file, line and mend; then there
// is no set. An empty dir is Builtin.
func Load(dir string) (*Set, error) {
	if dir == "" {
		return Builtin(), nil
	}
	d := &directory{root: dir, global: layer{}, events: map[string]layer{}}
	d.read()
	set, errs := compileSet(builtinLayer(), d.global, d.events)
	errs = append(d.errs, errs...)
	if len(errs) == 0 {
		errs = rehearse(set, false)
	}
	if err := errs.err(); err != nil {
		return nil, err
	}
	return set, nil
}

// A directory is what a sysadmin has laid over the built-in files.
type directory struct {
	root   string
	global layer
	events map[string]layer
	errs   problems
}

// ownName is what a directory of templates may be called.
var ownName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)

// read reads the directory: its layers, then those of its events.
func (d *directory) read() {
	for _, name := range d.list("") {
		if name != "events" {
			d.letters(d.global, "", name)
			continue
		}
		for _, slug := range d.list("events") {
			l := layer{}
			below := path.Join("events", slug)
			for _, name := range d.list(below) {
				d.letters(l, below, name)
			}
			d.events[slug] = l
		}
	}
	names := ownNames(d.global)
	for slug, l := range d.events {
		for _, name := range ownNames(l) {
			if !slices.Contains(names, name) {
				d.problem(path.Join("events", slug, name), "no template has this name", "make a directory "+name+" beside events first, for all events")
			}
		}
	}
}

// letters reads the files of one directory of templates into l.
func (d *directory) letters(l layer, below, name string) {
	dir := path.Join(below, name)
	if info, err := os.Stat(d.path(dir)); err != nil {
		d.errs = append(d.errs, osProblem(d.path(dir), err))
		return
	} else if !info.IsDir() {
		d.problem(dir, "no letter is made of this file", "templates are NAME/LANG.tmpl, such as confirmation/fr.tmpl")
		return
	}
	if !ownName.MatchString(name) || name == "events" {
		d.problem(dir, "no template can have this name", "name it with lower-case letters, digits, hyphens")
		return
	}
	for _, file := range d.list(dir) {
		if !fileNames(name)[file] {
			d.problem(path.Join(dir, file), "no letter is made of this file", "write "+strings.Join(sortedNames(fileNames(name)), ", "))
			continue
		}
		p := d.path(path.Join(dir, file))
		b, err := os.ReadFile(p)
		switch {
		case err != nil:
			d.errs = append(d.errs, osProblem(p, err))
		case len(b) > maxFile:
			d.problem(path.Join(dir, file), fmt.Sprintf("it has %d bytes", len(b)), fmt.Sprintf("shorten it to %d", maxFile))
		case !utf8.Valid(b):
			d.problem(path.Join(dir, file), "it is not UTF-8", "save it in that encoding")
		default:
			l[path.Join(name, file)] = source{path: p, text: strings.ReplaceAll(string(b), "\r\n", "\n")}
		}
	}
}

// fileNames are the files that a directory of templates can have.
func fileNames(dir string) map[string]bool {
	m := map[string]bool{}
	if dir == "layout" {
		m["html.tmpl"], m["text.tmpl"] = true, true
	}
	for _, language := range convened.Languages() {
		m[path.Base(partPath(dir, language, wordsPart))] = true
		for _, part := range []string{subjectPart, htmlPart, textPart} {
			if dir != "layout" {
				m[path.Base(partPath(dir, language, part))] = true
			}
		}
	}
	return m
}

func sortedNames(m map[string]bool) []string {
	var s []string
	for name := range m {
		s = append(s, name)
	}
	slices.Sort(s)
	return s
}

// list returns what stands in a directory, but for hidden files (an editor's, a
// mounted volume's own) and a README.
func (d *directory) list(dir string) []string {
	entries, err := os.ReadDir(d.path(dir))
	if err != nil {
		d.errs = append(d.errs, osProblem(d.path(dir), err))
	}
	var names []string
	for _, e := range entries {
		if n := e.Name(); !strings.HasPrefix(n, ".") && !strings.HasPrefix(n, "README") {
			names = append(names, n)
		}
	}
	return names
}

func (d *directory) path(p string) string { return filepath.Join(d.root, filepath.FromSlash(p)) }

func (d *directory) problem(p, what, mend string) {
	d.errs = append(d.errs, Problem{File: d.path(p), What: what, Mend: mend})
}

// ownNames returns the directories of a layer that are neither kinds of letters
// nor the layout: what a rule may name.
func ownNames(l layer) []string {
	m := map[string]bool{}
	for p := range l {
		if name := path.Dir(p); name != "layout" && name != string(convened.Preflight) && !isKind(name) {
			m[name] = true
		}
	}
	return sortedNames(m)
}

// compileSet compiles every letter there is: of every kind and name, in every
// language, for all events and for those with files of their own.
func compileSet(base, global layer, events map[string]layer) (*Set, problems) {
	s := &Set{units: map[key]*unit{}, names: map[string]bool{}, events: map[string]bool{}}
	letters := [][]string{{string(convened.Preflight)}} // which no rule may name
	for _, k := range convened.Kinds() {
		s.names[string(k)] = true
		letters = append(letters, []string{string(k)})
	}
	for _, name := range ownNames(global) {
		s.names[name] = true
		letters = append(letters, []string{string(convened.ReminderKind), name}, []string{string(convened.Followup), name})
	}
	slugs := []string{""}
	for slug := range events {
		s.events[slug] = true
		slugs = append(slugs, slug)
	}
	var errs problems
	for _, slug := range slugs {
		c := newCompiler(base, global, events[slug])
		for _, language := range convened.Languages() {
			for _, dirs := range letters {
				u, es := c.unit(language, dirs...)
				errs = append(errs, es...)
				s.units[key{slug, strings.Join(dirs, "/"), language}] = u
			}
		}
	}
	return s, errs
}
