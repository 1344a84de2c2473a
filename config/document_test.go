package config

import (
	"fmt"
	"net/mail"
	"reflect"
	"strings"
	"testing"
	"time"
)

func parse(t *testing.T, text string) *Document {
	t.Helper()
	d, err := ParseYAML("x.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestPositionsAreWhereTheWriterLooks(t *testing.T) {
	d := parse(t, `# a comment
title: {fr: "L'été", en: Summer}
organizer:
  name: Métropolis
  email:
reminders:
  - before: 24h
  - cron: "0 9 * * *"
    from: 7 days
list: [a, b]
note: |
  several
  lines
`)
	for path, want := range map[string][2]int{
		"title": {2, 1}, "title.fr": {2, 13}, "title.en": {2, 26}, "organizer.name": {4, 9}, "organizer.email": {5, 3}, "organizer.phone": {3, 1},
		"reminders": {6, 1}, "reminders[1]": {7, 5}, "reminders[2].cron": {8, 11}, "reminders[2].from": {9, 11}, "reminders[2].until": {8, 5},
		"reminders[3].cron": {6, 1}, "list[2]": {10, 11}, "note": {11, 7}, "nothing": {1, 1}, "": {2, 1},
	} {
		line, column := d.Position(path)
		if got := [2]int{line, column}; got != want {
			t.Errorf("Position(%q) is %v, want %v", path, got, want)
		}
	}
	if d.Has("organizer.email") || !d.Mentions("organizer.email") || d.Mentions("organizer.phone") || !d.Has("reminders[1].before") {
		t.Error("Has or Mentions is wrong about organizer and reminders")
	}
}

func TestScalarsAreTheTextThatIsWritten(t *testing.T) {
	for written, want := range map[string]string{
		"no": "no", "0755": "0755", "1_000": "1_000", "1e3": "1e3", "true": "true", ".inf": ".inf", "0x1F": "0x1F", "2026-11-25 16:00": "2026-11-25 16:00",
		"3 days at 09:00": "3 days at 09:00", `"a: b"`: "a: b", "'it''s'": "it's", `"\u00e9\n"`: "é", `"null"`: "null", "a#b": "a#b", "a # b": "a",
		"|-\n  a\n\n  b": "a\n\nb", ">-\n  a\n  b": "a b", "https://example.org/?a=b#c": "https://example.org/?a=b#c", "-1": "-1", "+1": "+1", "01:30": "01:30",
		"~": "default", "null": "default", "": "default",
	} {
		v := struct {
			Text string `yaml:"text"`
		}{"default"}
		if err := DecodeYAML("x.yaml", []byte("text: "+written+"\n"), &v); err != nil || v.Text != want {
			t.Errorf("%q is read as %q (%v), want %q", written, v.Text, err, want)
		}
	}
}

func TestLineEndsAndByteOrderMarksDoNotMatter(t *testing.T) {
	unix := "a: x\nb: |\n  one\n  two\nc: [d, e]\n"
	for name, text := range map[string]string{
		"Windows": strings.ReplaceAll(unix, "\n", "\r\n"), "old Mac": strings.ReplaceAll(unix, "\n", "\r"), "byte order mark": "\ufeff" + unix,
		"document marks": "---\n" + unix + "...\n", "no newline at the end": strings.TrimSuffix(unix, "\n"),
	} {
		var v struct {
			A string   `yaml:"a"`
			B string   `yaml:"b"`
			C []string `yaml:"c"`
		}
		if err := DecodeYAML("x.yaml", []byte(text), &v); err != nil || v.A != "x" || v.B != "one\ntwo" || len(v.C) != 2 {
			t.Errorf("%s: %+v, %v", name, v, err)
		}
	}
	d := parse(t, "a: x\r\nb: y\r\n")
	if line, column := d.Position("b"); line != 2 || column != 4 {
		t.Errorf("position after CRLF is %d:%d", line, column)
	}
}

type colour string

func (c *colour) UnmarshalText(b []byte) error {
	if !strings.HasPrefix(string(b), "#") {
		return &Invalid{"is not a colour", "write #1a5fb4"}
	}
	*c = colour(b)
	return nil
}

type text map[string]string

func (x *text) UnmarshalText(b []byte) error { *x = text{"": string(b)}; return nil }

type everything struct {
	Text    string            `yaml:"text"`
	Number  int               `yaml:"number"`
	Ratio   float64           `yaml:"ratio"`
	Flag    bool              `yaml:"flag"`
	Wait    time.Duration     `yaml:"wait"`
	From    mail.Address      `yaml:"from"`
	Colour  colour            `yaml:"colour" aka:"paint"`
	Title   text              `yaml:"title"`
	Map     map[string]string `yaml:"map"`
	Words   []string          `yaml:"words"`
	Nested  struct{ A, B int }
	Section struct {
		Deep string `yaml:"deep"`
	} `yaml:"section"`
	Items []struct {
		Name string `yaml:"name"`
		Size int    `yaml:"size"`
	} `yaml:"items"`
}

func TestDecodeFillsEveryKindOfField(t *testing.T) {
	var got everything
	err := DecodeYAML("x.yaml", []byte(`
text: hello
number: -3
ratio: 0.25
flag: TRUE
wait: 1h30m
from: "Ana <ana@example.org>"
colour: "#1a5fb4"
title: Webinar
map: {a: b, c: 1}
words:
  - one
  - two
section: {deep: yes}
items:
  - name: x
    size: 1
  - {name: y}
`), &got)
	want := everything{Text: "hello", Number: -3, Ratio: 0.25, Flag: true, Wait: 90 * time.Minute, From: mail.Address{Name: "Ana", Address: "ana@example.org"},
		Colour: "#1a5fb4", Title: text{"": "Webinar"}, Map: map[string]string{"a": "b", "c": "1"}, Words: []string{"one", "two"}}
	want.Section.Deep = "yes"
	want.Items = append(want.Items, struct {
		Name string `yaml:"name"`
		Size int    `yaml:"size"`
	}{"x", 1}, struct {
		Name string `yaml:"name"`
		Size int    `yaml:"size"`
	}{"y", 0})
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v\n got %+v\nwant %+v", err, got, want)
	}
	var titled everything
	if err := DecodeYAML("x.yaml", []byte("title: {fr: Séminaire, en: Webinar}"), &titled); err != nil || titled.Title["fr"] != "Séminaire" {
		t.Errorf("title by language: %v, %v", titled.Title, err)
	}
}

func TestDecodeReportsEveryProblemAtOnce(t *testing.T) {
	v := everything{Number: 7}
	err := DecodeYAML("x.yaml", []byte(`number: seven
ratio: 1/4
flag: yes
wait: 10
from: Ana
colour: blue
title: [a]
map: {a: {b: c}}
words: [a, {b: c}]
section: [x]
items:
  - name: x
    sise: 2
  - y
  -
paint: blue
deep: x
text: fine
`), &v)
	if err == nil {
		t.Fatal("no error")
	}
	want := []string{
		`x.yaml:1:9: number: "seven" is not a whole number; write digits alone`,
		`x.yaml:2:8: ratio: "1/4" is not a number; write something like 10 or 0.5`,
		`x.yaml:3:7: flag: "yes" is neither true nor false; write true`,
		`x.yaml:4:7: wait: "10" is not a duration, which takes s, m, h or days; write a unit after it, such as 10s`,
		`x.yaml:5:7: from: "Ana" is not a mail address; write "Name <name@example.org>"`,
		`x.yaml:6:9: colour: "blue" is not a colour; write #1a5fb4`,
		`x.yaml:7:1: title must be a single value, and is a list; write it after the colon`,
		`x.yaml:8:7: map.a must be a single value, and is a group of key: value lines; write it after the colon`,
		`x.yaml:9:13: words[2] must be a single value, and is a group of key: value lines; write it after the colon`,
		`x.yaml:10:1: section must be a group of key: value lines, and is a list; write them below it, indented; the keys are deep`,
		`x.yaml:13:5: items[1].sise is not a known key; did you mean items[1].size?`,
		`x.yaml:14:5: items[2]: "y" must be a group of key: value lines, and is a single value; write them below it, indented; the keys are name, size`,
		`x.yaml:15:4: items[3] is empty; write a value after the -, or leave the line out`,
		`x.yaml:16:1: paint is not a known key; did you mean colour?`,
		`x.yaml:17:1: deep is not a known key; did you mean section.deep?`,
	}
	var got []string
	for _, p := range err.(*Problems).List {
		got = append(got, p.Error())
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("problems\n got %s\nwant %s", strings.Join(got, "\n     "), strings.Join(want, "\n     "))
	}
	if v.Text != "fine" || v.Number != 7 {
		t.Errorf("what was right is %q, what was wrong %d", v.Text, v.Number)
	}
}

func TestSmallFilesDoNotUnfoldIntoLargeValues(t *testing.T) {
	bomb := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c <= 'i'; c++ {
		p := string(c - 1)
		bomb += string(c) + ": &" + string(c) + " [" + strings.TrimSuffix(strings.Repeat("*"+p+",", 9), ",") + "]\n"
	}
	for name, text := range map[string]string{
		"a billion laughs":   bomb,
		"too large":          "a: " + strings.Repeat("x", MaxSize),
		"many words":         strings.Repeat("- a\n", 200_000),
		"deep flow":          strings.Repeat("[", 500_000),
		"deep flow mappings": strings.Repeat("{a: ", 200_000),
		"deep blocks":        strings.Repeat("- ", 500_000),
		"many keys":          strings.Repeat("? ", 300_000),
		"many documents":     strings.Repeat("---\n", 200_000),
	} {
		start := time.Now()
		if d, err := ParseYAML("x.yaml", []byte(text)); err == nil {
			t.Errorf("%s: parsed to %d values", name, len(d.index))
		}
		// A generous bound: what is refused is refused before the parser's
		// quadratic time begins.
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%s: took %s", name, took)
		}
	}
}

func TestAThousandMistakesOnOneLineAreFound(t *testing.T) {
	var b strings.Builder
	for i := range 4000 {
		fmt.Fprintf(&b, "unknown%d: %s, ", i, strings.Repeat("x", 200))
	}
	start := time.Now()
	var v everything
	err := DecodeYAML("x.yaml", []byte("{"+b.String()+"}"), &v)
	if err == nil || len(err.(*Problems).List) != 4000 {
		t.Errorf("error %.200v", err)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("took %s", took)
	}
}

func TestSnippetsMarkThePlace(t *testing.T) {
	for _, c := range []struct {
		line   string
		column int
		want   string
	}{
		{"port: x", 7, "    3 | port: x\n      |       ^"},
		{"\tété: x", 7, "    3 | \tété: x\n      | \t     ^"},
		{"url: postgres://u:secret@h/d", 6, "    3 | url: postgres://u:***@h/d\n      |      ^"},
		{"url: postgres://u:secret@h/d", 27, "    3 | url: postgres://u:***@h/d\n      |                   ^"},
		{"password: secret", 11, "    3 | password: ***\n      |           ^"},
		{"password_file: /etc/x", 16, "    3 | password_file: /etc/x\n      |                ^"},
		{strings.Repeat("é", 300), 200, "    3 | " + strings.Repeat("é", 100) + "\n      | " + strings.Repeat(" ", 50) + "^"},
		{"", 9, "    3 | \n      | ^"},
	} {
		if got := snippet(c.line, 3, c.column); got != c.want {
			t.Errorf("snippet of %q at %d\n got %s\nwant %s", c.line, c.column, got, c.want)
		}
	}
}

func TestDecodePanicsOnWhatIsNoStruct(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	var s string
	_ = parse(t, "a: b").Decode(&s)
}
