package mailbox

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"convened/internal/lab"
)

func TestReadTakesALetterApart(t *testing.T) {
	t.Parallel()
	got := read([]byte(letterOf("ana@example.com", "Welcome", "confirmation")))
	want := letter{
		HTML: sampleHTML, Text: "Réservé: https://example.org/join?a=1&b=2.",
		Calendar: "BEGIN:VCALENDAR\r\nEND:VCALENDAR", Method: "REQUEST",
		Attachments: []attachment{{Name: "invite.ics", Type: "application/ics", Body: []byte("BEGIN:VCALENDAR")}},
	}
	if fmt.Sprintf("%+q", got) != fmt.Sprintf("%+q", want) {
		t.Errorf("got\n%+q\nwant\n%+q", got, want)
	}
}

func TestReadStopsAtALetterMadeToHurt(t *testing.T) {
	t.Parallel()
	nested := "Content-Type: text/plain\r\n\r\nbottom\r\n"
	for i := range 50 {
		b := fmt.Sprintf("b%d", i)
		nested = "Content-Type: multipart/mixed; boundary=" + b + "\r\n\r\n--" + b + "\r\nContent-Type: text/plain\r\n\r\nfirst\r\n--" + b + "\r\n" + nested + "\r\n--" + b + "--\r\n"
	}
	many := "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + strings.Repeat("--b\r\n\r\nx\r\n", 5000) + "--b--\r\n"
	long := "Content-Type: text/plain\r\n\r\n" + strings.Repeat("x", longestPart+1)
	for name, test := range map[string]struct {
		raw  string
		want error
	}{"deep": {nested, errDeep}, "many": {many, errMany}, "long": {long, errLong}} {
		got := read([]byte(test.raw))
		if got.Problem != test.want.Error() {
			t.Errorf("%s: got problem %q, want %q", name, got.Problem, test.want)
		}
		if name == "deep" && got.Text != "first" {
			t.Errorf("deep: got text %q, want what came before", got.Text)
		}
		if n := len(got.Attachments); n > mostParts {
			t.Errorf("%s: got %d attachments", name, n)
		}
	}
}

func TestEnvelopesAreReadOnce(t *testing.T) {
	t.Parallel()
	var e envelopes
	m := lab.Message{ID: "A", To: []string{"ana@example.com"}, Raw: []byte("Subject: first\r\n\r\n")}
	e.of(&m)
	m.Raw = []byte("Subject: second\r\n\r\n")
	if got := e.of(&m).Subject; got != "first" {
		t.Errorf("got %q, want what was read first", got)
	}
	m = lab.Message{ID: "B", From: "b@example.org", To: []string{"ana@example.com", "bo@example.com"}, Raw: []byte("Subject: " + strings.Repeat("x", longestHeader))}
	got := e.of(&m)
	if got.Subject != "" || len(got.To) != 2 || got.To[1].Address != "bo@example.com" || got.From[0].Address != "b@example.org" {
		t.Errorf("got %+v, want what the envelope says", got)
	}
}

func TestFramedOpensLinksElsewhereAndTakesATheme(t *testing.T) {
	t.Parallel()
	const base = `<base target="_blank">`
	for _, test := range []struct{ html, theme, want string }{
		{"<!doctype html><html><head><title>x</title>", "", "<!doctype html><html><head>" + base + "<title>x</title>"},
		{"<HTML><HEAD class=a>x", "", "<HTML><HEAD class=a>" + base + "x"},
		{"<!doctype html>\n<html lang=fr><body>x", "", "<!doctype html>\n<html lang=fr>" + base + "<body>x"},
		{"<header>x", "", base + "<header>x"},
		{"", "", base},
		{"<head>@media (prefers-color-scheme: dark){a}@media ( Prefers-Color-Scheme:light ){b}", "dark",
			"<head>" + base + "<style>:root{color-scheme:only dark}</style>@media (min-width: 0){a}@media (max-width: 0){b}"},
		{"<head>@media (prefers-color-scheme: dark){a}@media (prefers-color-scheme:light){b}", "light",
			"<head>" + base + "<style>:root{color-scheme:only light}</style>@media (max-width: 0){a}@media (min-width: 0){b}"},
		{"<head>@media (prefers-color-scheme: dark){a}", "\"><script>", "<head>" + base + "@media (prefers-color-scheme: dark){a}"},
	} {
		if got := framed(test.html, test.theme); got != test.want {
			t.Errorf("%q in %q:\n got %s\nwant %s", test.html, test.theme, got, test.want)
		}
	}
}

func TestSegmentsAreTheTextWithItsLinks(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                               "",
		"no link":                        "",
		"at https://example.org/a.":      "https://example.org/a",
		"(http://a.b/?c=d&e=f), and":     "http://a.b/?c=d&e=f",
		"https://a/ <https://b/c>":       "https://a/ https://b/c",
		"javascript:alert(1) mailto:a@b": "",
		`https://a/"onclick=x`:           "https://a/",
		"ftp://a https://":               "",
	} {
		var links []string
		var all strings.Builder
		for _, s := range segments(text) {
			all.WriteString(s.Text)
			if s.Link != "" {
				links = append(links, s.Link)
			}
		}
		if got := strings.Join(links, " "); got != want {
			t.Errorf("%q: got links %q, want %q", text, got, want)
		}
		if all.String() != text {
			t.Errorf("got %q, want %q", all.String(), text)
		}
	}
}

func TestFileNamesHaveNoFolders(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"invite.ics": "invite.ics", "/etc/passwd": "passwd", `C:\boot.ini`: "boot.ini", "../..": "attachment", "a\r\nb": "ab", "": "attachment", "..": "attachment",
	} {
		if got := fileName("application/x-nobody", name); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

// luminance is the relative luminance of WCAG 2.2 of "#rrggbb".
func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	n, err := strconv.ParseUint(strings.TrimPrefix(colour, "#"), 16, 32)
	if err != nil || len(colour) != 7 {
		t.Fatalf("%q is no colour", colour)
	}
	part := func(shift uint) float64 {
		c := float64(n>>shift&0xff) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*part(16) + 0.7152*part(8) + 0.0722*part(0)
}

func TestColoursHaveTheContrastOfWCAG(t *testing.T) {
	t.Parallel()
	css, err := files.ReadFile("style.css")
	if err != nil {
		t.Fatal(err)
	}
	light, dark, _ := strings.Cut(string(css), "@media (prefers-color-scheme: dark)")
	for name, block := range map[string]string{"light": light, "dark": dark} {
		colours := map[string]string{}
		for _, m := range regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]{6});`).FindAllStringSubmatch(block, -1) {
			colours[m[1]] = m[2]
		}
		if len(colours) != 19 {
			t.Fatalf("%s: got %d colours, want 19", name, len(colours))
		}
		pairs := [][2]string{}
		for _, text := range []string{"text", "quiet", "accent"} {
			for _, ground := range []string{"ground", "sheet", "hover"} {
				pairs = append(pairs, [2]string{text, ground})
			}
		}
		for _, kind := range kinds() {
			pairs = append(pairs, [2]string{string(kind), string(kind) + "-ground"})
		}
		for _, pair := range pairs {
			a, b := luminance(t, colours[pair[0]]), luminance(t, colours[pair[1]])
			if contrast := (max(a, b) + 0.05) / (min(a, b) + 0.05); contrast < 4.5 {
				t.Errorf("%s: %s on %s: got a contrast of %.2f, want 4.5", name, pair[0], pair[1], contrast)
			}
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(letterOf("Ana <ana@example.com>", "=?utf-8?q?R=C3=A9?=", "reminder")))
	f.Add([]byte("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n"))
	f.Add([]byte("Subject: x\r\nContent-Type: text/html; charset=\xff\r\nContent-Disposition: attachment; filename*=utf-8''%\r\n\r\n<p>"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		l := read(raw)
		for _, a := range l.Attachments {
			if a.Name == "" || strings.ContainsAny(a.Name, "/\\\r\n") {
				t.Errorf("got an attachment called %q", a.Name)
			}
		}
		if l.HTML != "" && !strings.Contains(framed(l.HTML, "dark"), "<base ") {
			t.Errorf("the frame has lost its head: %q", l.HTML)
		}
		var whole strings.Builder
		for _, s := range segments(l.Text) {
			whole.WriteString(s.Text)
		}
		if whole.String() != l.Text {
			t.Errorf("got %q, want %q", whole.String(), l.Text)
		}
		readEnvelope(&lab.Message{Raw: raw})
	})
}
