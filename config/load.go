package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Load reads the configuration: the file, then env (in the form of os.Environ)
// over it, then the secrets that both name or that systemd hands over in
// $CREDENTIALS_DIRECTORY. file may be missing only if it is DefaultFile and
// the environment holds all that is required.
//
// Paths in the file are relative to the file, those in the environment to the
// working directory. An empty variable counts as not set. Its error is
// *Problems, every one at once.
func Load(file string, env []string) (*Config, error) {
	return load(file, file == DefaultFile, env)
}

// load is Load; standard says that nobody named the file.
func load(file string, standard bool, env []string) (*Config, error) {
	l := loader{file: file, standard: standard, env: variables(env), cfg: Default()}
	data, err := read(file, MaxSize)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if missing := l.missingVariables(); !standard || len(missing) > 0 {
			return nil, Join([]Problem{l.noFile(missing)})
		}
	case err != nil:
		return nil, Join([]Problem{{File: file, Rule: "can't be read: " + reason(err), Mend: "let the user who runs this read it"}})
	default:
		l.readFile(data)
	}
	l.readEnvironment()
	if !l.unreadable {
		l.readSecrets()
		l.validate()
	}
	if err := Join(l.problems); err != nil {
		return nil, err
	}
	return &l.cfg, nil
}

// A loader is a Load under way.
type loader struct {
	file       string
	standard   bool // the file is DefaultFile, and may be missing
	env        map[string]string
	cfg        Config
	doc        *Document // nil without a file
	unreadable bool      // the file is no YAML: what it would have said is not missing
	bad        map[string]bool
	problems   []Problem
}

// An origin is where a value came from.
type origin struct {
	what string // "default", "file", "environment", "credential"
	name string // of the file, variable or credential
	line int    // in the file
}

func (l *loader) noFile(missing []string) Problem {
	p := Problem{File: l.file, Rule: "does not exist", Mend: "write it (convened config example prints a sample) or name another with --config"}
	if l.standard {
		p.Mend = "write it (convened config example prints a sample), name another with --config, or set " +
			strings.Join(missing, ", ") + " in the environment"
	}
	return p
}

func (l *loader) readFile(data []byte) {
	doc, err := ParseYAML(l.file, data)
	if err != nil {
		l.take(err)
		l.unreadable = true
		return
	}
	l.doc = doc
	l.take(doc.Decode(&l.cfg))
	for _, k := range keys {
		if !doc.Has(k.Name) {
			continue
		}
		line, _ := doc.Position(k.Name)
		l.cfg.origins[k.Name] = origin{what: "file", name: l.file, line: line}
		if f := field(&l.cfg, k.Name); k.path && f.String() != "" && !filepath.IsAbs(f.String()) {
			f.SetString(filepath.Join(filepath.Dir(l.file), f.String()))
		}
	}
}

func (l *loader) readEnvironment() {
	known := map[string]bool{}
	for _, k := range keys {
		known[k.Env()] = true
		text := l.env[k.Env()]
		if text == "" {
			continue
		}
		l.cfg.origins[k.Name] = origin{what: "environment", name: k.Env()}
		delete(l.bad, k.Name) // what the file says no longer counts, though it stays an error
		f := field(&l.cfg, k.Name)
		if err := setText(f, text); err != nil {
			l.invalid(k.Name, err)
		}
	}
	if l.env["STATE_DIRECTORY"] != "" && l.cfg.origins["state_dir"].what == "default" {
		// systemd separates several by colons.
		l.cfg.StateDir, _, _ = strings.Cut(l.env["STATE_DIRECTORY"], ":")
		l.cfg.origins["state_dir"] = origin{what: "environment", name: "STATE_DIRECTORY"}
	}
	// A mistyped variable is only warned about: Kubernetes puts variables such
	// as CONVENED_PORT into the environment on its own.
	for _, name := range sorted(l.env) {
		if strings.HasPrefix(name, "CONVENED_") && !known[name] {
			w := fmt.Sprintf("environment variable %s is not a known one and is ignored", name)
			if near := Nearest(name, sorted(known)); near != "" {
				w += "; did you mean " + near + "?"
			}
			l.warn("%s", w)
		}
	}
}

// take collects problems, and remembers which keys they are about, so that no
// further rule is held against a value that could not be read.
func (l *loader) take(err error) {
	var ps *Problems
	if !errors.As(err, &ps) {
		return
	}
	for _, p := range ps.List {
		l.add(p)
	}
}

func (l *loader) add(p Problem) {
	if l.bad == nil {
		l.bad = map[string]bool{}
	}
	// allow_recipients[2] is a problem of allow_recipients.
	name, _, _ := strings.Cut(p.Key, "[")
	l.bad[name] = true
	l.problems = append(l.problems, p)
}

// problem is what is wrong with a key's effective value, wherever it came from.
func (l *loader) problem(name, rule, mend string) {
	if l.isBad(name) {
		return
	}
	k := keyNamed(name)
	p := Problem{Key: name, Rule: rule, Mend: mend}
	o := l.cfg.origins[name]
	switch {
	case o.what == "environment":
		p.Env, p.Value = o.name, l.env[o.name]
	case l.doc != nil && (o.what == "file" || l.doc.Mentions(name)):
		p = l.doc.Problem(name, rule, mend)
		if k.secret {
			p.Snippet = ""
		}
	case l.doc != nil:
		// Missing: the file is to blame, or the section that lacks it.
		p.File = l.file
		if section := sectionOf(name); section != "" && l.doc.Mentions(section) {
			p = l.doc.Problem(section, rule, mend)
			p.Key, p.Value = name, ""
		}
	}
	if k.secret && p.Value != "" {
		p.Value = maskURL(p.Value)
	}
	p.Value = Shown(p.Value)
	l.add(p)
}

// isBad reports whether a key, or the section that it stands in, could not be
// read: then nothing further is held against it.
func (l *loader) isBad(name string) bool {
	for part := name; part != ""; part = sectionOf(part) {
		if l.bad[part] {
			return true
		}
	}
	return l.bad[""] // the file as a whole
}

func (l *loader) invalid(name string, err error) {
	var invalid *Invalid
	if errors.As(err, &invalid) {
		l.problem(name, invalid.Rule, invalid.Mend)
		return
	}
	l.problem(name, err.Error(), "")
}

func (l *loader) warn(format string, args ...any) {
	l.cfg.warnings = append(l.cfg.warnings, fmt.Sprintf(format, args...))
}

// missingVariables lists the required keys that the environment does not set.
func (l *loader) missingVariables() []string {
	var missing []string
	for _, k := range keys {
		if k.Required && l.env[k.Env()] == "" {
			missing = append(missing, k.Env())
		}
	}
	return missing
}

// variables splits os.Environ; of a name given twice the last counts.
func variables(environ []string) map[string]string {
	m := make(map[string]string, len(environ))
	for _, e := range environ {
		if name, value, ok := strings.Cut(e, "="); ok {
			m[name] = value
		}
	}
	return m
}

// read returns the contents of a regular file, one byte more than limit at most.
func read(file string, limit int64) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, &fs.PathError{Op: "read", Path: file, Err: errors.New("is a directory")}
	}
	return io.ReadAll(io.LimitReader(f, limit+1))
}

// reason is an error without the path, which the message has already.
func reason(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}

func sorted[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// sectionOf returns smtp.dkim for smtp.dkim.domain; "" for a name without a
// section.
func sectionOf(name string) string {
	if section, _, found := cutLast(name, "."); found {
		return section
	}
	return ""
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
