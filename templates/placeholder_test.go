package templates

import (
	"strings"
	"testing"

	"convened"
)

func TestPlaceholdersAreFilledIn(t *testing.T) {
	s := letterTo("Tokyo", convened.ReminderKind, "en")
	s.Claim.Registration.Name = "Ana"
	l := read(s.Now, s.Claim, s.Links).letter()
	for _, tt := range []struct{ in, want string }{
		{"Dear {name},", "Dear Ana,"},
		{"{title} is {starts_in}.", "Internationalisation and metropolitan spaces is tomorrow."},
		{"{date}, {time}, {zone}", "Wednesday 25 November 2026, 16:00–17:00, Brussels time (UTC+1)"},
		{"{start} to {end}", "Wednesday 25 November 2026, 16:00, Brussels time (UTC+1) to Wednesday 25 November 2026, 17:00, Brussels time (UTC+1)"},
		{"{your_start}", "Thursday 26 November 2026, 00:00, Tokyo time (UTC+9)"},
		{"{location} in {held_in} by {organizer}", "Online in French by Metropolis"},
		{"{join_url}\n{page_url}", "https://meet.example.org/metropolitan-spaces?lang=fr&room=7\nhttps://www.example.org/webinars/metropolitan-spaces"},
		{"{manage_url} {cancel_url}", "https://convened.example.org/r/AAAAAQAAAAAAABB5qk3v7w2TqjQ https://convened.example.org/r/AAAAAQAAAAAAABB5qk3v7w2TqjQ/cancel"},
		{`a \{name} {name`, "a {name} {name"},
		{"{{.Name}} {nobody} {}", "{{.Name}} {nobody} {}"},
		{"no braces }", "no braces }"},
	} {
		if got := plain(filled(tt.in, l).String()); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.in, got, tt.want)
		}
	}
	l.Name = ""
	if got := filled("Dear {name},\n{name} hello", l).String(); got != "Dear,\nhello" {
		t.Errorf("without a name: got %q", got)
	}
}

func TestEveryPlaceholderSaysSomethingInAnOrdinaryLetter(t *testing.T) {
	s := sample(convened.ReminderKind, "en")
	l := read(s.Now, s.Claim, s.Links).letter()
	for _, p := range Placeholders() {
		if err := CheckPlaceholders("{" + p.Name + "}"); err != nil {
			t.Errorf("{%s}: %v", p.Name, err)
		}
		if p.value(l) == "" || p.Meaning == "" {
			t.Errorf("{%s} is empty", p.Name)
		}
	}
}

func TestCheckPlaceholdersNamesWhatMayBeWritten(t *testing.T) {
	for _, good := range []string{"", "plain", "Dear {name},\n\n{title} \\{ } 100 %", strings.Repeat("é", MaxPlaceholderText)} {
		if err := CheckPlaceholders(good); err != nil {
			t.Errorf("%.20q: %v", good, err)
		}
	}
	for _, tt := range []struct{ in, want string }{
		{"Hello\n{nmae}", "line 2: {nmae} is not known"},
		{"{Name}", "{Name} is not known"},
		{"{name", "line 1: a brace is not closed"},
		{"{name\n}", "line 1: a brace is not closed"},
		{"{{.Name}}", "Go templates are not read here"},
		{"{{range 1000000000}}x{{end}}", "Go templates are not read here"},
		{"{}", "{} is not known"},
		{strings.Repeat("a", MaxPlaceholderText+1), "it has 4001 characters; shorten it to 4000"},
		{"\xff", "it is not UTF-8"},
	} {
		err := CheckPlaceholders(tt.in)
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "{join_url}") || !strings.Contains(err.Error(), "{organizer}") {
			t.Errorf("%.20q: got %v, want %s, and the names", tt.in, err, tt.want)
		}
	}
	err := CheckPlaceholders("{one} {two}")
	if err == nil || !strings.Contains(err.Error(), "{one}") || !strings.Contains(err.Error(), "{two}") {
		t.Errorf("got %v, want both problems", err)
	}
}

func TestWhatAnOrganiserTypesIsNoHTML(t *testing.T) {
	s := sample(convened.ReminderKind, "en")
	s.Claim.Reminder.Note = convened.Text{"en": "<b>bold</b> {name} & {{.Title}}\n\n{title}"}
	s.Claim.Registration.Name = "<i>Ana</i>"
	c := render(t, s)
	wants(t, "the HTML", c.HTML, "&lt;b&gt;bold&lt;/b&gt; &lt;i&gt;Ana&lt;/i&gt; &amp; {{.Title}}</p>")
	wants(t, "the text", c.Text, "<b>bold</b> <i>Ana</i> & {{.Title}}\n\nInternationalisation")
}
