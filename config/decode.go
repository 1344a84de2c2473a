package config

import (
	"encoding"
	"errors"
	"net/mail"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// DecodeYAML reads data into the struct that into points to: ParseYAML, then
// Document.Decode.
func DecodeYAML(file string, data []byte, into any) error {
	d, err := ParseYAML(file, data)
	if err != nil {
		return err
	}
	return d.Decode(into)
}

// Decode stores the document in the struct that into points to. Fields are
// named by their yaml tag; those without one are not decoded. What the file
// does not mention stays as it is. Fields are strings, bools, numbers,
// time.Duration, mail.Address, structs, slices, map[string]string, and
// whatever implements encoding.TextUnmarshaler (which a scalar is given to,
// where the field is a map). A field may have other names that people try for
// it in an aka tag, for the suggestion.
//
// Every key that has no field is an error, with the nearest that has one. Its
// error is *Problems: all that is wrong, at once. What was right is stored.
func (d *Document) Decode(into any) error {
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		panic("config: Decode wants a pointer to a struct")
	}
	dec := decoder{doc: d, top: v.Elem().Type()}
	dec.value(d.root, v.Elem(), "")
	return Join(dec.problems)
}

// UnknownKey is the rule that a key without a field breaks.
const UnknownKey = "is not a known key"

type decoder struct {
	doc      *Document
	top      reflect.Type
	problems []Problem
}

func (d *decoder) value(n *node, v reflect.Value, path string) {
	if n.kind == absent {
		return
	}
	if n.kind == scalar && isScalar(v) {
		if err := setScalar(v, n.text); err != nil {
			d.refuse(path, err)
		}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		if n.kind == mapping && !isScalar(v) {
			d.structure(n, v, path)
			return
		}
	case reflect.Map:
		if n.kind == mapping {
			d.dictionary(n, v, path)
			return
		}
	case reflect.Slice:
		if n.kind == sequence {
			d.list(n, v, path)
			return
		}
	}
	d.mismatch(n, v, path)
}

func (d *decoder) structure(n *node, v reflect.Value, path string) {
	for _, e := range n.entries {
		at := join(path, e.key)
		if f := fieldOf(v, e.key); f.IsValid() {
			d.value(e.value, f, at)
			continue
		}
		p := Problem{Key: Shown(at), Rule: UnknownKey, Mend: d.meant(e.key, v.Type(), path)}
		p = *d.doc.at(e.line, e.column, p)
		// Its value may be a password: the snippet ends with the key.
		p.Snippet = snippetOfKey(d.doc.lines, e)
		d.problems = append(d.problems, p)
	}
}

// meant finds the key that the writer of an unknown one had in mind.
func (d *decoder) meant(key string, t reflect.Type, path string) string {
	if strings.ContainsRune(key, '\u00a0') {
		return "it has a no-break space in it, as text copied from a web page does: write blanks"
	}
	names, others := namesOf(t), othersOf(t)
	near := Nearest(key, names)
	if near == "" || others[strings.ToLower(key)] != "" {
		near = others[Nearest(key, sorted(others))]
	}
	if near != "" {
		return "did you mean " + join(path, near) + "?"
	}
	if elsewhere := slices.DeleteFunc(pathsOf(d.top, ""), func(p string) bool {
		return p != key && !strings.HasSuffix(p, "."+key)
	}); len(elsewhere) > 0 {
		return "did you mean " + list(elsewhere) + "?"
	}
	return "the keys here are " + strings.Join(names, ", ")
}

func (d *decoder) dictionary(n *node, v reflect.Value, path string) {
	m := reflect.MakeMap(v.Type())
	for _, e := range n.entries {
		at := join(path, e.key)
		item := reflect.New(v.Type().Elem()).Elem()
		if e.value.kind == mapping || e.value.kind == sequence {
			d.mismatch(e.value, item, at)
			continue
		}
		// A key without a value has the empty one: its reader knows whether
		// that will do.
		if err := setScalar(item, e.value.text); err != nil {
			d.refuse(at, err)
			continue
		}
		m.SetMapIndex(reflect.ValueOf(e.key).Convert(v.Type().Key()), item)
	}
	v.Set(m)
}

func (d *decoder) list(n *node, v reflect.Value, path string) {
	// An item that could not be read keeps its place, so that the paths of
	// the others stay true.
	s := reflect.MakeSlice(v.Type(), len(n.items), len(n.items))
	for i, item := range n.items {
		at := path + "[" + strconv.Itoa(i+1) + "]"
		if item.kind == absent {
			d.problems = append(d.problems, d.doc.Problem(at, "is empty", "write a value after the -, or leave the line out"))
			continue
		}
		d.value(item, s.Index(i), at)
	}
	v.Set(s)
}

func (d *decoder) mismatch(n *node, v reflect.Value, path string) {
	var want, mend string
	switch {
	case isScalar(v):
		want, mend = "a single value", "write it after the colon"
	case v.Kind() == reflect.Slice:
		want, mend = "a list", "write [one, another], or each on a line of its own that begins with -"
	default:
		want, mend = "a group of key: value lines", "write them below it, indented"
		if path == "" {
			mend = "write one a line"
		}
		if v.Kind() == reflect.Struct {
			mend += "; the keys are " + strings.Join(namesOf(v.Type()), ", ")
		}
	}
	d.problems = append(d.problems, d.doc.Problem(path, "must be "+want+", and is "+n.kind.String(), mend))
}

func (d *decoder) refuse(path string, err error) {
	d.problems = append(d.problems, d.doc.problemOf(path, err))
}

func (d *Document) problemOf(path string, err error) Problem {
	var invalid *Invalid
	if errors.As(err, &invalid) {
		return d.Problem(path, invalid.Rule, invalid.Mend)
	}
	return d.Problem(path, err.Error(), "")
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// snippetOfKey shows the line of a key as far as its colon.
func snippetOfKey(lines []string, e entry) string {
	if e.line < 1 || e.line > len(lines) || len(lines[e.line-1]) > maxLine {
		return ""
	}
	runes := []rune(lines[e.line-1])
	if end := e.column - 1 + len([]rune(e.key)); end < len(runes) {
		runes = append(runes[:end:end], []rune(": …")...)
	}
	return snippet(string(runes), e.line, e.column)
}

var (
	durationType  = reflect.TypeFor[time.Duration]()
	mailboxType   = reflect.TypeFor[mail.Address]()
	unmarshalText = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// isScalar reports whether a field takes a single value.
func isScalar(v reflect.Value) bool {
	switch {
	case v.Type() == mailboxType || reflect.PointerTo(v.Type()).Implements(unmarshalText):
		return true
	}
	switch v.Kind() {
	case reflect.String, reflect.Bool, reflect.Int, reflect.Float64, reflect.Int64:
		return true
	}
	return false
}

// setScalar reads text as what the field is. Its error is an *Invalid, unless
// the field's own UnmarshalText has another.
func setScalar(v reflect.Value, text string) error {
	text = strings.TrimSpace(text)
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return u.UnmarshalText([]byte(text))
	}
	switch v.Type() {
	case durationType:
		d, err := ParseDuration(text)
		if err == nil {
			v.SetInt(int64(d))
		}
		return err
	case mailboxType:
		a, err := mail.ParseAddress(text)
		if err != nil {
			return &Invalid{"is not a mail address", `write "Name <name@example.org>"`}
		}
		v.Set(reflect.ValueOf(*a))
		return nil
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		switch strings.ToLower(text) {
		case "true":
			v.SetBool(true)
		case "false":
			v.SetBool(false)
		case "yes", "on", "y", "1":
			return &Invalid{"is neither true nor false", "write true"}
		case "no", "off", "n", "0":
			return &Invalid{"is neither true nor false", "write false"}
		default:
			return &Invalid{"is neither true nor false", "write one of them"}
		}
	case reflect.Int, reflect.Int64:
		n, err := strconv.Atoi(text)
		if err != nil {
			return &Invalid{"is not a whole number", "write digits alone"}
		}
		v.SetInt(int64(n))
	case reflect.Float64:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || f != f || strings.ContainsAny(text, "xXpPiI_") {
			return &Invalid{"is not a number", "write something like 10 or 0.5"}
		}
		v.SetFloat(f)
	}
	return nil
}

// fieldOf returns the field of a struct that a key names; the zero Value if
// there is none.
func fieldOf(v reflect.Value, key string) reflect.Value {
	for i := range v.NumField() {
		if name := v.Type().Field(i).Tag.Get("yaml"); name == key && name != "" {
			return v.Field(i)
		}
	}
	return reflect.Value{}
}

func namesOf(t reflect.Type) []string {
	var names []string
	for i := range t.NumField() {
		if name := t.Field(i).Tag.Get("yaml"); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// othersOf maps the names that people try for keys to the keys.
func othersOf(t reflect.Type) map[string]string {
	others := map[string]string{}
	for i := range t.NumField() {
		for name := range strings.SplitSeq(t.Field(i).Tag.Get("aka"), ",") {
			if name != "" {
				others[name] = t.Field(i).Tag.Get("yaml")
			}
		}
	}
	return others
}

// pathsOf lists the paths of a struct and of the structs and lists within it.
func pathsOf(t reflect.Type, path string) []string {
	var paths []string
	for i := range t.NumField() {
		f := t.Field(i)
		name := f.Tag.Get("yaml")
		if name == "" {
			continue
		}
		at := join(path, name)
		switch {
		case f.Type.Kind() == reflect.Struct && !isScalar(reflect.New(f.Type).Elem()):
			paths = append(paths, pathsOf(f.Type, at)...)
		case f.Type.Kind() == reflect.Slice && f.Type.Elem().Kind() == reflect.Struct:
			paths = append(append(paths, at), pathsOf(f.Type.Elem(), at+"[…]")...)
		default:
			paths = append(paths, at)
		}
	}
	return paths
}
