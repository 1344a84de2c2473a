package config

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestTheTableAndTheConfigHoldTheSameKeys(t *testing.T) {
	var names []string
	for _, k := range Keys() {
		names = append(names, k.Name)
		if !strings.HasSuffix(k.Doc, ".") || k.Type == "" {
			t.Errorf("%s has no full sentence or no type", k.Name)
		}
		if k.Required && (k.example == "" || k.Default != "") {
			t.Errorf("%s is required, and has no example or a default", k.Name)
		}
		if !k.Required && k.sample() == "" {
			t.Errorf("%s has neither a default nor an example", k.Name)
		}
		if kind := field(new(Config), k.Name).Kind(); (kind == reflect.Int || kind == reflect.Int64 || kind == reflect.Float64) != (k.least != "") {
			t.Errorf("%s is a %s with the range %q", k.Name, kind, k.Range())
		}
	}
	fields := pathsOf(reflect.TypeFor[Config](), "")
	// What an item of a list holds is told with the list.
	fields = slices.DeleteFunc(fields, func(f string) bool { return strings.Contains(f, "[") })
	slices.Sort(names)
	slices.Sort(fields)
	if !slices.Equal(names, fields) {
		t.Errorf("the table has %q\nthe struct has %q", names, fields)
	}
}

func TestTheReferenceIsUpToDate(t *testing.T) {
	golden(t, "../docs/configuration.md", string(Reference()))
	// The message that the page shows is the real one.
	_, err := Load(write(t, "convened.yaml", "smtp:\n  host: localhost\n  from: a@example.org\n  port: 70000\n", 0o600), required()[:1])
	if err == nil {
		t.Fatal("no error")
	}
	message := err.(*Problems).List[0].Error()
	if message = message[strings.LastIndex(message, "convened.yaml"):]; !strings.Contains(string(Reference()), message) {
		t.Errorf("the page does not show %q", message)
	}
}

var (
	blank     = regexp.MustCompile(`(?m)^( *\w+):( # required, such as )(.+) \(CONVENED_\w+\)$`)
	commented = regexp.MustCompile(`(?m)^( *)#(\w+:.*) # (CONVENED_\w+)$`)
)

func TestTheExampleIsAValidFileOnceFilledIn(t *testing.T) {
	example := string(Example())
	_, err := Load(write(t, "convened.yaml", example, 0o600), nil)
	if got := problems(t, err); len(got) != 4 || !strings.HasSuffix(strings.Join(got, ","), "is required") {
		t.Errorf("the example as it is: %q, want the four required keys", got)
	}
	filled := blank.ReplaceAllString(example, "$1: $3")
	c, err := Load(write(t, "convened.yaml", filled, 0o600), nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, filled)
	}
	if d := Default(); fmt.Sprint(c.PollInterval, c.Batch, c.Fuse, c.AllowRecipients) != fmt.Sprint(d.PollInterval, d.Batch, d.Fuse, d.AllowRecipients) {
		t.Error("the example differs from the defaults")
	}
	for _, k := range Keys() {
		if !strings.Contains(example, k.Env()) {
			t.Errorf("the example does not mention %s", k.Env())
		}
	}
}

func TestEveryCommentedKeyOfTheExampleCanBeUncommented(t *testing.T) {
	dir := t.TempDir()
	secrets := strings.NewReplacer("/etc/convened/templates", dir,
		"/etc/convened/dkim.pem", write(t, "dkim.pem", signingKey(t, 2048), 0o600),
		"/etc/convened/database-password", write(t, "database-password", "x", 0o600),
		"/etc/convened/smtp-password", write(t, "smtp-password", "x", 0o600),
		"/etc/convened/oidc-client-secret", write(t, "oidc-client-secret", "x", 0o600))
	text := secrets.Replace(commented.ReplaceAllString(blank.ReplaceAllString(string(Example()), "$1: $3"), "$1$2"))
	c, err := Load(write(t, "convened.yaml", text, 0o600), nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	for _, k := range Keys() {
		if !strings.HasPrefix(c.Origin(k.Name), "convened.yaml:") {
			t.Errorf("%s comes from %s, and not from the file", k.Name, c.Origin(k.Name))
		}
	}
}

func TestWhatIsShownCanBeReadAgain(t *testing.T) {
	file := write(t, "convened.yaml", `
smtp: {rate: 0.25, from: '"Ana, of Metropolis" <ana@example.org>', reply_to: José <jose@example.org>, connections: 2}
console: {listen: off}
retention: 400 days
grace: 1h30m
allow_recipients: [example.org, "ana@example.org"]
state_dir: "/srv/a b"
`, 0o600)
	c, err := Load(file, append(required()[:2], required()[3:]...))
	if err != nil {
		t.Fatal(err)
	}
	golden(t, filepath.Join("testdata", "show.golden"), string(c.Show()))
	shown := filepath.Join(t.TempDir(), "shown.yaml")
	if err := os.WriteFile(shown, c.Show(), 0o600); err != nil {
		t.Fatal(err)
	}
	again, err := Load(shown, nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, c.Show())
	}
	for _, k := range Keys() {
		if got, want := again.text(k), c.text(k); got != want {
			t.Errorf("%s is %s, want %s", k.Name, got, want)
		}
	}
}
