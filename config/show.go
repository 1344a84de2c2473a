package config

import (
	"fmt"
	"net/mail"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Show prints the configuration in force as YAML, each value with where it
// came from. Passwords and keys are masked.
func (c *Config) Show() []byte {
	var b strings.Builder
	before := ""
	for _, k := range keys {
		openSections(&b, before, k.Name)
		before = k.Name
		line := indentOf(k.Name) + lastOf(k.Name) + ":"
		if text := c.text(k); text != "" {
			line += " " + text
		}
		line += strings.Repeat(" ", max(0, 48-utf8.RuneCountInString(line)))
		b.WriteString(line + "  # " + c.Origin(k.Name) + "\n")
	}
	return []byte(b.String())
}

// text is a key's value in YAML; "" where there is none.
func (c *Config) text(k Key) string {
	switch v := field(c, k.Name).Interface().(type) {
	case []string:
		items := make([]string, len(v))
		for i, item := range v {
			items[i] = Scalar(item)
		}
		return "[" + strings.Join(items, ", ") + "]"
	case []Source:
		names := make([]string, len(v))
		for i, s := range v {
			names[i] = "{name: " + Scalar(s.Name) + ", table: " + Scalar(s.Table) + "}"
		}
		if len(names) == 0 {
			return ""
		}
		return "[" + strings.Join(names, ", ") + "]"
	case time.Duration:
		if k.Name == "retention" && v == 0 {
			return ""
		}
		return FormatDuration(v)
	case int:
		return strconv.Itoa(v)
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case mail.Address:
		return mailbox(v)
	default:
		text := reflect.ValueOf(v).String()
		switch {
		case k.Type == "listener" && text == "":
			return "off"
		case text == "":
			return ""
		case k.secret:
			text = maskURL(text)
		}
		return Scalar(text)
	}
}

// mailbox writes an address as a person would, and not as a header has it:
// without encoded words, and with quotation marks only where they are needed.
func mailbox(a mail.Address) string {
	switch {
	case a.Address == "":
		return ""
	case a.Name == "":
		return Scalar(a.Address)
	case strings.ContainsAny(a.Name, `()<>[]:;@\,."`):
		return Scalar(strconv.Quote(a.Name) + " <" + a.Address + ">")
	}
	return Scalar(a.Name + " <" + a.Address + ">")
}

// File returns the file or directory that a key names, "" where it names none or
// is for something else.
func (c *Config) File(name string) string {
	if !keyNamed(name).path {
		return ""
	}
	return field(c, name).String()
}

// Origin says where the value of a key came from: "default", "not set",
// "convened.yaml:3", "environment variable CONVENED_BATCH", "credential
// smtp-password". It panics for a name that is no key.
func (c *Config) Origin(name string) string {
	k := keyNamed(name)
	switch o := c.origins[name]; {
	case o.what == "file":
		return fmt.Sprintf("%s:%d", filepath.Base(o.name), o.line)
	case o.what == "environment":
		return "environment variable " + o.name
	case o.what == "credential":
		return "credential " + o.name
	case k.Default == "":
		return "not set"
	}
	return "default"
}

// openSections writes the headings that stand between two keys of the table.
func openSections(b *strings.Builder, before, name string) {
	old, parts := strings.Split(before, "."), strings.Split(name, ".")
	for i := range len(parts) - 1 {
		if i < len(old)-1 && old[i] == parts[i] {
			continue
		}
		old = nil // below another section all headings are new
		b.WriteString(strings.Repeat("  ", i) + parts[i] + ":\n")
	}
}

func indentOf(name string) string { return strings.Repeat("  ", strings.Count(name, ".")) }

func lastOf(name string) string { return name[strings.LastIndex(name, ".")+1:] }
