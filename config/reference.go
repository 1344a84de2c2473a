package config

import (
	_ "embed"
	"fmt"
	"strings"
)

// Example returns a sample configuration file with a comment for every key.
// What is required is empty, everything else a comment that shows a value.
func Example() []byte {
	var b strings.Builder
	b.WriteString(`# Configuration of convened, by default in ` + DefaultFile + `.
# Fill in the four required values; everything else may stay as it is. Each key
# can also be set in the environment, by the name that stands after it.
# Durations take s, m, h or days: 90s, 10m, 1h30m, 7 days.
# "convened config show" prints what is in force, and from where.
`)
	before := ""
	for _, k := range keys {
		b.WriteByte('\n')
		openSections(&b, before, k.Name)
		before = k.Name
		indent := indentOf(k.Name)
		for _, line := range wrap(k.Doc, 76-len(indent)) {
			b.WriteString(indent + "# " + line + "\n")
		}
		if k.Required {
			fmt.Fprintf(&b, "%s%s: # required, such as %s (%s)\n", indent, lastOf(k.Name), k.example, k.Env())
			continue
		}
		fmt.Fprintf(&b, "%s#%s: %s # %s\n", indent, lastOf(k.Name), k.sample(), k.Env())
	}
	return []byte(b.String())
}

// sample is a value that shows how a key is written.
func (k Key) sample() string {
	if k.example != "" {
		return k.example
	}
	return k.initial()
}

//go:embed reference.md
var preface string

// Reference returns the page docs/configuration.md.
func Reference() []byte {
	var b strings.Builder
	b.WriteString(preface)
	section := ""
	for _, k := range inSections() {
		heading, _, dotted := strings.Cut(k.Name, ".")
		if !dotted {
			heading = "everything else"
		}
		if heading != section {
			fmt.Fprintf(&b, "\n## %s\n", heading)
			section = heading
		}
		fmt.Fprintf(&b, "\n### `%s`\n\n%s\n\n", k.Name, strings.Join(wrap(k.Doc, 110), "\n"))
		facts := []string{k.Type}
		if r := k.Range(); r != "" {
			facts[0] += " from " + r
		}
		switch {
		case k.Required:
			facts = append(facts, "**required**")
		case k.Default != "":
			facts = append(facts, "default: "+k.Default)
		}
		if k.example != "" {
			facts = append(facts, "for example `"+k.example+"`")
		}
		fmt.Fprintf(&b, "%s · `%s`\n", strings.Join(facts, " · "), k.Env())
	}
	return []byte(b.String())
}

// inSections returns the table with the keys that are in no section at its end.
func inSections() []Key {
	var dotted, plain []Key
	for _, k := range keys {
		if strings.Contains(k.Name, ".") {
			dotted = append(dotted, k)
		} else {
			plain = append(plain, k)
		}
	}
	return append(dotted, plain...)
}

// wrap breaks a text into lines of at most width characters, if its words allow.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
