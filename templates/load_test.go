package templates

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"convened"
)

// directoryOf writes files into a directory of templates.
func directoryOf(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func load(t testing.TB, files map[string]string) *Set {
	t.Helper()
	s, err := Load(directoryOf(t, files))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func rendered(t testing.TB, set *Set, s Sample) Content {
	t.Helper()
	c, err := set.Render(s.Now, s.Claim, s.Links)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAnEmptyDirectoryChangesNothing(t *testing.T) {
	for _, files := range []map[string]string{nil, {"README.md": "notes", ".git/x": "", "confirmation/.fr.tmpl.swp": "x"}} {
		set := load(t, files)
		for _, s := range Samples() {
			if rendered(t, set, s) != render(t, s) {
				t.Errorf("%s is another letter", s.Name)
			}
		}
	}
	if set, err := Load(""); err != nil || set != Builtin() {
		t.Errorf("Load(\"\") = %v, %v", set, err)
	}
}

func TestAFileReplacesTheBlocksThatItDefines(t *testing.T) {
	set := load(t, map[string]string{"confirmation/fr.tmpl": `{{define "lead"}}Soyez la bienvenue, {{.Name}} : « {{.Title}} ».{{end}}` + "\r\n"})
	c := rendered(t, set, sample(convened.Confirmation, "fr"))
	wants(t, "the text", c.Text, "Soyez la bienvenue, Amélie Laurent\u202f: «\u202fL'internationalisation des espaces\nmétropolitains\u202f».", "\nBonjour Amélie Laurent,\n")
	wants(t, "the HTML", c.HTML, "Soyez la bienvenue, Amélie Laurent\u202f: «\u202fL&#39;internationalisation des espaces métropolitains\u202f».</p>")
	for _, other := range []Sample{sample(convened.Confirmation, "en"), sample(convened.ReminderKind, "fr")} {
		if rendered(t, set, other) != render(t, other) {
			t.Errorf("%s is another letter, too", other.Name)
		}
	}
}

func TestABlockCanBeEmptied(t *testing.T) {
	set := load(t, map[string]string{"layout/en.tmpl": `{{define "question"}}{{end}}`})
	wantsNo(t, "the text", rendered(t, set, sample(convened.ReminderKind, "en")).Text, "Any questions?")
}

func TestAWholePartCanBeReplaced(t *testing.T) {
	set := load(t, map[string]string{
		"reminder/en.subject.tmpl": "Soon: {{.Title}}",
		"reminder/en.text.tmpl":    "{{.Title}} {{.StartsIn}}\n{{.JoinURL}}\n",
		"reminder/en.html.tmpl":    `<!doctype html><html lang="en" dir="ltr"><title>{{.Subject}}</title><h1>{{.Title}}</h1><a href="{{.JoinURL}}">{{.Words.joinbutton}}</a>`,
	})
	c := rendered(t, set, sample(convened.ReminderKind, "en"))
	want := Content{
		Subject: "Soon: Internationalisation and metropolitan spaces", Preheader: "Wednesday 25 November 2026, 16:00–17:00, Brussels time (UTC+1)",
		Text:     "Internationalisation and metropolitan spaces tomorrow\nhttps://meet.example.org/metropolitan-spaces?lang=fr&room=7\n",
		HTML:     `<!doctype html><html lang="en" dir="ltr"><title>Soon: Internationalisation and metropolitan spaces</title><h1>Internationalisation and metropolitan spaces</h1><a href="https://meet.example.org/metropolitan-spaces?lang=fr&amp;room=7">Join the event</a>`,
		Language: "en",
	}
	if c != want {
		t.Errorf("got  %+v\nwant %+v", c, want)
	}
}

func TestOnePartOfTheLayoutCanBeReplaced(t *testing.T) {
	set := load(t, map[string]string{"layout/html.tmpl": `{{define "foot"}}<p>The foot</p>{{end}}`})
	c := rendered(t, set, sample(convened.ReminderKind, "en"))
	wants(t, "the HTML", c.HTML, "<p>The foot</p>", "<h1 ")
	wantsNo(t, "the HTML", c.HTML, "contentinfo")
}

func TestATemplateOfOnesOwnLiesOverItsKind(t *testing.T) {
	set := load(t, map[string]string{"lastcall/en.tmpl": `{{define "heading"}}Last call{{end}}`})
	if !set.Has("lastcall") || set.Has("firstcall") {
		t.Fatal("Has is wrong")
	}
	for _, kind := range []convened.Kind{convened.ReminderKind, convened.Followup} {
		s := sample(kind, "en")
		s.Claim.Reminder.Template = "lastcall"
		want := strings.Replace(render(t, sample(kind, "en")).Text, map[convened.Kind]string{convened.ReminderKind: "Reminder\n", convened.Followup: "Thank you\n"}[kind], "Last call\n", 1)
		if got := rendered(t, set, s).Text; got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", kind, got, want)
		}
	}
	// In a language that it has no file for, it is the kind's own.
	s := sample(convened.ReminderKind, "fr")
	s.Claim.Reminder.Template = "lastcall"
	if rendered(t, set, s) != render(t, sample(convened.ReminderKind, "fr")) {
		t.Error("the French letter is another")
	}
}

func TestARuleMayNameAnotherKindsTemplate(t *testing.T) {
	s := sample(convened.ReminderKind, "en")
	s.Claim.Reminder.Template = "followup"
	wants(t, "the text", render(t, s).Text, "Thank you for your interest")
}

func TestAnEventHasTemplatesOfItsOwn(t *testing.T) {
	set := load(t, map[string]string{
		"layout/en.tmpl":                     `{{define "question"}}Global question.{{end}}`,
		"events/summit/reminder/en.tmpl":     `{{define "lead"}}Summit lead.{{end}}`,
		"events/summit/layout/en.tmpl":       `{{define "because"}}Summit because.{{end}}`,
		"events/summit/lastcall/en.tmpl":     `{{define "heading"}}Summit call{{end}}`,
		"lastcall/en.tmpl":                   `{{define "heading"}}Last call{{end}}`,
		"events/fair/confirmation/fr.tmpl":   `{{define "lead"}}La foire.{{end}}`,
		"events/fair/layout/html.tmpl":       `{{define "foot"}}<p>fair foot</p>{{end}}`,
		"events/summit/reminder/fr.tmpl":     "",
		"events/summit/reminder/README.txt":  "",
		"events/summit/confirmation/.hidden": "",
	})
	s := sample(convened.ReminderKind, "en")
	s.Claim.Event.Slug = "summit"
	wants(t, "the summit", rendered(t, set, s).Text, "Summit lead.", "Summit because.", "Global question.")
	s.Claim.Reminder.Template = "lastcall"
	wants(t, "the summit's call", rendered(t, set, s).Text, "Summit call", "Summit lead.")
	s.Claim.Event.Slug = "fair"
	wants(t, "the fair", rendered(t, set, s).HTML, "fair foot", "Last call")
	s.Claim.Event.Slug = "another"
	got := rendered(t, set, s).Text
	wants(t, "another event", got, "Global question.", "Last call", "The event you registered for starts")
	wantsNo(t, "another event", got, "Summit")
}

func TestBrokenTemplatesAreRefusedWithTheirPlaceAndTheMend(t *testing.T) {
	for _, tt := range []struct {
		name, file, text string
		want             string // after the directory
	}{
		{"an unknown field", "confirmation/fr.tmpl", "{{define \"lead\"}}\nBonjour {{.Nmae}}\n{{end}}", `confirmation/fr.tmpl:2: can't evaluate field Nmae in type *templates.Letter in {{.Nmae}}; its name may be "Name"`},
		{"an unknown field that only some letters reach", "confirmation/en.tmpl", `{{define "lead"}}{{if .Folded}}{{.StartIn}}{{end}}x{{end}}`, `confirmation/en.tmpl:1: can't evaluate field StartIn`},
		{"an unclosed action", "reminder/en.tmpl", "{{define \"lead\"}}\n\n{{.Name\n{{end}}", `reminder/en.tmpl:4: unexpected "{" in operand; close the {{ before it with }}`},
		{"an action that ends nowhere", "reminder/en.tmpl", "{{define \"lead\"}}\n\n{{.Name", `reminder/en.tmpl:3: unclosed action; end it with }}`},
		{"an unclosed block", "reminder/en.tmpl", "{{define \"lead\"}}x", `reminder/en.tmpl:1: unexpected EOF; close each`},
		{"an end too many", "reminder/en.tmpl", "{{define \"lead\"}}x{{end}}\n{{end}}", `reminder/en.tmpl:2: unexpected {{end}}; one {{end}} is too many`},
		{"an unknown function", "reminder/en.tmpl", `{{define "lead"}}{{upper .Name}}{{end}}`, `reminder/en.tmpl:1: function "upper" not defined; a field begins with a dot; the functions are and capital`},
		{"a function that was left out", "reminder/en.text.tmpl", "\n{{html .Name}}", `reminder/en.text.tmpl:2: function "html" not defined`},
		{"a block misspelt", "reminder/es.tmpl", "\n{{define \"leed\"}}x{{end}}", `reminder/es.tmpl:2: no letter says a block "leed"; its name may be "lead"`},
		{"text outside of the blocks", "reminder/es.tmpl", "{{define \"lead\"}}x{{end}}\n\nHola", `reminder/es.tmpl:3: text stands outside of the blocks`},
		{"a block twice", "reminder/es.tmpl", "{{define \"lead\"}}x{{end}}\n{{define \"lead\"}}y{{end}}", `reminder/es.tmpl:2: template: multiple definition of template "lead"; remove one of them`},
		{"a call of nothing", "reminder/es.tmpl", `{{define "lead"}}{{template "who"}}{{end}}`, `reminder/es.tmpl:1: there is no template "who"`},
		{"a block that nobody wrote", "layout/text.tmpl", "x\n{{.Words.nothere}}", `layout/text.tmpl:2: map has no entry for key "nothere"`},
		{"an unclosed tag", "reminder/en.html.tmpl", "<p>\n<a href=\"", `reminder/en.html.tmpl`},
		{"branches that differ", "reminder/en.html.tmpl", "<p>\n{{if .Name}}<a href=\"{{end}}x", `reminder/en.html.tmpl:2: {{if}} branches end in different contexts`},
		{"a link in the middle of a URL", "layout/html.tmpl", "{{define \"foot\"}}\n<a href=\"https://e.org/{{if .Name}}?{{end}}{{.Name}}\">x</a>{{end}}", `layout/html.tmpl:2: {{.Name}} appears in an ambiguous context within a URL`},
		{"an empty subject", "reminder/en.subject.tmpl", "{{\"\"}}", `the subject of the letter`},
		{"a form", "reminder/en.html.tmpl", "<p>{{.Title}}<form action=\"https://e.org\">", `the HTML part has <form action="https://e.org"`},
		{"a script", "reminder/en.html.tmpl", "<p>{{.Title}}<script>alert(1)</script>", `the HTML part has <script>`},
		{"a method that does not exist", "reminder/en.tmpl", `{{define "lead"}}{{.Starts.Tomorrow}}{{end}}`, `reminder/en.tmpl:1: can't evaluate field Tomorrow in type time.Time`},
		{"a loop", "reminder/en.tmpl", `{{define "heading"}}x{{end}}
{{define "lead"}}{{range 1000000000}}{{end}}{{end}}`, `reminder/en.tmpl:2: the template takes more than 10000 steps`},
		{"a loop in the layout", "layout/text.tmpl", `{{range 1000000000}}{{end}}`, `layout/text.tmpl: the template takes more than 10000 steps`},
		{"a file of no letter", "reminder/en.htm.tmpl", "x", `reminder/en.htm.tmpl: no letter is made of this file; write en.html.tmpl, en.subject.tmpl`},
		{"a file of no language", "reminder/de.tmpl", "x", `reminder/de.tmpl: no letter is made of this file; write en.`},
		{"a file without its ending", "reminder/en.html", "x", `reminder/en.html: no letter is made of this file`},
		{"a file beside the directories", "en.tmpl", "x", `en.tmpl: no letter is made of this file; templates are NAME/LANG.tmpl`},
		{"a directory that no letter can have", "Last Call/en.tmpl", "x", `Last Call: no template can have this name`},
		{"a template for one event that is none for all", "events/summit/lastcall/en.tmpl", `{{define "lead"}}x{{end}}`, `lastcall: no template has this name; make a directory lastcall beside events first`},
		{"what is no UTF-8", "reminder/en.tmpl", "{{define \"lead\"}}\xff{{end}}", `reminder/en.tmpl: it is not UTF-8`},
		{"too much", "reminder/en.tmpl", strings.Repeat(" ", maxFile+1), `reminder/en.tmpl: it has 262145 bytes; shorten it to 262144`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := directoryOf(t, map[string]string{tt.file: tt.text})
			set, err := Load(dir)
			if err == nil || set != nil {
				t.Fatalf("got %v, %v, want an error", set, err)
			}
			if !strings.Contains(filepath.ToSlash(err.Error()), tt.want) {
				t.Errorf("got  %v\nwant …%s…", err, tt.want)
			}
			var p Problem
			if !errors.As(err, &p) || p.Mend == "" {
				t.Errorf("no Problem with a mend: %v", err)
			}
		})
	}
}

func TestEveryProblemIsListedOnce(t *testing.T) {
	_, err := Load(directoryOf(t, map[string]string{
		"reminder/en.tmpl":     `{{define "lead"}}{{.One}}{{end}}`,
		"confirmation/fr.tmpl": `{{define "lead"}}{{.Two}}{{end}}`,
	}))
	if err == nil {
		t.Fatal("got no error")
	}
	for _, field := range []string{"One", "Two"} {
		if n := strings.Count(err.Error(), "can't evaluate field "+field); n != 1 {
			t.Errorf("field %s is named %d times:\n%v", field, n, err)
		}
	}
	if n := len(strings.Split(err.Error(), "\n")); n != 2 {
		t.Errorf("%d lines:\n%v", n, err)
	}
}

func TestADirectoryThatIsNotThereIsRefused(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	if _, err := Load(missing); err == nil || !strings.Contains(err.Error(), missing+": no such file or directory") {
		t.Errorf("got %v", err)
	}
}

// A template that loops, doubles or calls itself is stopped soon, on whatever
// letter it does so.
func TestATemplateThatNeverEndsIsStopped(t *testing.T) {
	for name, lead := range map[string]string{
		"an empty loop":       `{{range 1000000000}}{{end}}`,
		"loops in loops":      `{{range 1000}}{{range 1000}}{{range 1000}}{{$x := 1}}{{end}}{{end}}{{end}}`,
		"a long text":         `{{range 100000}}{{$.Title}}{{$.Title}}{{$.Title}}{{$.Title}}{{$.Title}}{{end}}`,
		"much work in a step": `{{range 1000000}}{{$x := printf "%4000d" 1 | printf "%s" | printf "%s" | printf "%s"}}{{end}}`,
	} {
		u := unitOf(t, lead)
		begin := time.Now()
		err := func() error { var m meter; return u.speak(&m, &Letter{Title: strings.Repeat("x", 300)}) }()
		if !errors.Is(err, convened.ErrRefused) {
			t.Errorf("%s: got %v, want it refused", name, err)
		}
		if took := time.Since(begin); took > 5*time.Second { // 100 ms on an idle machine
			t.Errorf("%s took %v", name, took)
		}
	}
	for name, lead := range map[string]string{
		"doubling":     `{{$x := "x"}}{{range 64}}{{$x = printf "%s%s" $x $x}}{{end}}`,
		"a wide field": `{{printf "%999999d" 1}}`,
		"print":        `{{$x := "x"}}{{range 64}}{{$x = print $x $x}}{{end}}`,
	} {
		u := unitOf(t, lead)
		var m meter
		if err := u.speak(&m, &Letter{Title: "x"}); err == nil || !strings.Contains(err.Error(), "a string of more than") {
			t.Errorf("%s: got %v, want an error", name, err)
		}
	}
	for name, words := range map[string]string{
		"itself":     `{{define "lead"}}{{template "lead" .}}{{end}}`,
		"each other": `{{define "lead"}}{{template "more" .}}{{end}}{{define "more"}}{{template "lead" .}}{{end}}`,
	} {
		_, errs := compiled(words)
		if err := errs.err(); err == nil || !strings.Contains(err.Error(), "calls itself") {
			t.Errorf("%s: got %v, want it refused", name, err)
		}
	}
}

func unitOf(t testing.TB, lead string) *unit {
	t.Helper()
	u, errs := compiled(`{{define "lead"}}` + lead + `{{end}}`)
	if err := errs.err(); err != nil {
		t.Fatal(err)
	}
	return u
}

func compiled(words string) (*unit, problems) {
	return newCompiler(builtinLayer(), layer{"reminder/en.tmpl": {path: "reminder/en.tmpl", text: words}}).unit("en", "reminder")
}

func TestALetterThatIsTooLargeIsRefused(t *testing.T) {
	u, errs := newCompiler(builtinLayer(), layer{"reminder/en.html.tmpl": {path: "reminder/en.html.tmpl",
		text: `{{define "foot"}}{{range 400}}<p>{{$}}</p>{{end}}{{end}}<h1>{{.Title}}</h1>{{range 400}}{{$.Title}}{{end}}`}}).unit("en", "reminder")
	if err := errs.err(); err != nil {
		t.Fatal(err)
	}
	s := sample(convened.ReminderKind, "en")
	l := read(s.Now, s.Claim, s.Links).letter()
	l.Title = strings.Repeat("x", 300)
	if _, err := u.render(l); !errors.Is(err, convened.ErrRefused) || !strings.Contains(err.Error(), "the HTML part has 120") {
		t.Errorf("got %v, want it refused", err)
	}
}

func TestASetIsSafeForConcurrentUse(t *testing.T) {
	set := load(t, map[string]string{"reminder/en.tmpl": `{{define "lead"}}Hello.{{end}}`})
	done := make(chan Content)
	for range 4 {
		go func() {
			var last Content
			for _, s := range Samples() {
				last, _ = set.Render(s.Now, s.Claim, s.Links)
			}
			done <- last
		}()
	}
	first := <-done
	for range 3 {
		if c := <-done; c != first || c.HTML == "" {
			t.Error("two goroutines got different letters")
		}
	}
}
