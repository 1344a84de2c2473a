package templates

import (
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"convened"
)

// checkLetter checks what must hold whatever people type.
func checkLetter(t testing.TB, c Content) {
	t.Helper()
	if n := utf8.RuneCountInString(c.Subject); n == 0 || n > maxSubject {
		t.Errorf("the subject has %d characters: %q", n, c.Subject)
	}
	for part, s := range map[string]string{"subject": c.Subject, "preheader": c.Preheader, "text": c.Text, "HTML": c.HTML} {
		if !utf8.ValidString(s) {
			t.Errorf("the %s is not UTF-8: %q", part, s)
		}
		for _, r := range s {
			lineEnd := r == '\n' && (part == "text" || part == "HTML")
			if !lineEnd && (unicode.IsControl(r) || drop(r)) {
				t.Errorf("the %s holds %U", part, r)
			}
		}
	}
	if !strings.HasSuffix(c.Text, "\n") || strings.Contains(c.Text, "\n\n\n") {
		t.Error("the text ends without a line end, or has two empty lines in a row")
	}
	for l := range strings.Lines(c.Text) {
		l = strings.TrimSuffix(l, "\n")
		if cells(l) > columns && strings.Contains(strings.TrimSpace(l[hang(l):]), " ") {
			t.Errorf("a line of %d columns that could be broken: %q", cells(l), l)
		}
	}
	checkPage(t, c)
}

func TestEveryLetterHoldsWhateverPeopleType(t *testing.T) {
	for _, s := range Samples() {
		t.Run(s.Name, func(t *testing.T) { checkLetter(t, render(t, s)) })
	}
}

var hostile = []string{
	"\r\nBcc: all@example.org\r\n\r\nbody", "Ana\nX-Header: 1", "Ana\x00\x07\x1b[31m", "\u202eevil\u202c \u2066x\u2069",
	"</title><script>alert(1)</script>", `</script><script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, "<!--", "-->", "]]>",
	`" onmouseover="alert(1)`, "';alert(1)//", "{{.Name}}", "{{range 1000000000}}{{end}}", "${alert(1)}", "`", "\\", `\u003c`, "&lt;", "&#x3c;b",
	strings.Repeat("a", 200), strings.Repeat("ab ", 66), strings.Repeat("\u0301", 500), strings.Repeat("👨‍👩‍👧‍👦", 60), strings.Repeat("🇧🇪", 150),
	"محمد بن عبد الله", "עברית", "山田太郎", "Zoë\u00a0Ünlü", "\xff\xfe\xfd", "\ufeff", "\u2028\u2029\u0085", strings.Repeat("<", 300), strings.Repeat(`"`, 300),
	"javascript:alert(1)", "https://evil.example/win", "www.evil.example", "data:text/html,<script>", "=?utf-8?q?x?=", " ", "\u200b", "%s%d%n",
}

func TestHostileTextStaysText(t *testing.T) {
	for _, evil := range hostile {
		for _, kind := range convened.Kinds() {
			s := sample(kind, "en")
			c := s.Claim
			c.Registration.Name, c.Registration.Zone, c.Registration.Email, c.Registration.UID = evil, evil, evil, evil
			e := &c.Event
			e.Title, e.Description, e.Location, e.Introduction = convened.Text{"en": evil}, convened.Text{"en": evil}, convened.Text{"en": evil}, convened.Text{"en": evil}
			e.Organizer, e.HeldIn, e.Colour = convened.Organizer{Name: evil, Email: evil}, evil, evil
			e.Logo, e.PageURL, e.JoinURL = "https://x.example/"+evil, "https://x.example/?"+evil, evil
			if c.Reminder != nil {
				c.Reminder.Note = convened.Text{"en": evil + " {name} {title}"}
			}
			if c.Was != nil {
				c.Was.Title, c.Was.Location, c.Was.JoinURL = convened.Text{"en": evil + "!"}, convened.Text{"en": evil + "!"}, "https://y.example/"+evil
			}
			if e.JoinURL = ""; strings.HasPrefix(evil, "https://") {
				e.JoinURL = evil
			}
			s.Links = Links{Manage: evil, Cancel: evil, Unsubscribe: evil, Google: evil, Outlook: evil, Yahoo: evil}
			got, err := Builtin().Render(s.Now, c, s.Links)
			if err != nil {
				t.Fatalf("%s %q: %v", kind, evil, err)
			}
			checkLetter(t, got)
			if t.Failed() {
				t.Fatalf("%s %q", kind, evil)
			}
		}
	}
}

func TestALinkForANameIsNotGreeted(t *testing.T) {
	for _, name := range []string{"Win now https://evil.example", "www.evil.example", "see HTTP://x"} {
		s := sample(convened.Confirmation, "en")
		s.Claim.Registration.Name = name
		c := render(t, s)
		if !strings.Contains(c.Text, "\nHello,\n") || strings.Contains(c.Text, "evil") {
			t.Errorf("%q is in the letter:\n%s", name, c.Text)
		}
	}
}

func TestASchemeThatIsNoWebLinkIsNotOffered(t *testing.T) {
	for _, u := range []string{"javascript:alert(1)", "zoommtg://zoom.us/join", "//example.org/x", "example.org", "https://", "https://exa mple.org", "https://example.org/\u202e", "mailto:a@b.example", "https://e.org/" + strings.Repeat("x", 2000)} {
		if got := address(u); got != "" {
			t.Errorf("address(%q) = %q", u, got)
		}
	}
	for _, u := range []string{"https://example.org/a?b=c&d=e#f", "http://127.0.0.1:8080/r/x", "https://example.org/%C3%A9"} {
		if got := address(u); got != u {
			t.Errorf("address(%q) = %q", u, got)
		}
	}
}

func FuzzRender(f *testing.F) {
	for i, evil := range hostile {
		f.Add(evil, hostile[(i+1)%len(hostile)], hostile[(i+2)%len(hostile)], uint8(i), int64(i)*7201-100000)
	}
	f.Fuzz(func(t *testing.T, name, title, note string, which uint8, seconds int64) {
		kinds, languages := convened.Kinds(), convened.Languages()
		s := sample(kinds[int(which)%len(kinds)], languages[int(which/8)%len(languages)])
		c := s.Claim
		c.Registration.Name, c.Registration.Zone = name, []string{"Asia/Tokyo", "America/Mexico_City", "", note}[which>>6]
		c.Event.Title = convened.Text{"": title}
		c.Event.Introduction, c.Event.Description, c.Event.Location = convened.Text{"fr": note}, convened.Text{"en": title}, convened.Text{"es": name}
		c.Event.HeldIn, c.Event.Organizer.Name = title, note
		if c.Reminder != nil {
			c.Reminder.Note = convened.Text{"fr": note}
		}
		now := c.Event.Starts.Add(-time.Duration(seconds%(1<<30)) * time.Second)
		got, err := Builtin().Render(now, c, s.Links)
		if err != nil {
			t.Fatal(err)
		}
		checkLetter(t, got)
		if again, _ := Builtin().Render(now, c, s.Links); again != got {
			t.Error("two renderings differ")
		}
	})
}
