package calendar

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"convened"
)

var update = flag.Bool("update", false, "write the golden files anew")

// webinar is the event of the tests: in Brussels, held in French.
func webinar() *Invitation {
	return &Invitation{
		Method:      Request,
		UID:         "0f5b6c1e-7a44-4d0e-9a53-3f1d2b7c8e90",
		Sequence:    1,
		Stamp:       time.Date(2026, 10, 2, 8, 30, 15, 0, time.UTC),
		Created:     time.Date(2026, 9, 28, 7, 0, 0, 0, time.UTC),
		Starts:      time.Date(2026, 11, 25, 15, 0, 0, 0, time.UTC),
		Ends:        time.Date(2026, 11, 25, 16, 0, 0, 0, time.UTC),
		Zone:        "Europe/Brussels",
		Summary:     "Internationalisation and metropolitan spaces",
		Description: "A free webinar, held in French.\n\nJoin: https://example.org/join?room=7&lang=en",
		Location:    "Online",
		URL:         "https://example.org/join?room=7&lang=en",
		Language:    "en",
		Organizer:   Person{Name: "Metropolis", Email: "events@example.org"},
		Attendee:    Person{Name: "Ana Example", Email: "ana@example.net"},
		Alarm:       15 * time.Minute,
	}
}

// spoken is the webinar as readers of three languages get it.
func spoken(language string) *Invitation {
	inv := webinar()
	switch language {
	case "fr":
		inv.Language = "fr"
		inv.Summary = "L'internationalisation des espaces métropolitains\u00A0: état des lieux, enjeux et pratiques"
		inv.Description = "Webinaire gratuit, en français.\n\nPour participer\u00A0: https://example.org/join?room=7&lang=fr\n" +
			"Vous ne pouvez pas venir\u00A0? Annulez votre inscription sur la page de l'événement."
		inv.Location = "En ligne"
		inv.URL = "https://example.org/join?room=7&lang=fr"
		inv.Attendee = Person{Name: "Zoé Lefèvre-Dubois", Email: "zoe@example.net"}
	case "es":
		inv.Language = "es"
		inv.Summary = "La internacionalización de los espacios metropolitanos"
		inv.Description = "Seminario web gratuito, en francés; ¿no puede venir? Anule su inscripción.\n\nhttps://example.org/join?room=7&lang=es"
		inv.Location = "En línea"
		inv.URL = "https://example.org/join?room=7&lang=es"
		inv.Attendee = Person{Name: "José Ñandú Muñoz", Email: "jose@example.net"}
	}
	return inv
}

func encode(t *testing.T, inv *Invitation) []byte {
	t.Helper()
	b, err := inv.Encode()
	if err != nil {
		t.Fatalf("Encode: %v", err)
	}
	return b
}

func TestInvitationIsAsInTheGoldenFiles(t *testing.T) {
	for _, method := range []Method{Request, Cancel} {
		for _, language := range []string{"en", "fr", "es"} {
			name := fmt.Sprintf("%s_%s.ics", strings.ToLower(string(method)), language)
			t.Run(name, func(t *testing.T) {
				inv := spoken(language)
				inv.Method = method
				if method == Cancel {
					inv.Sequence, inv.Stamp = 2, inv.Stamp.Add(24*time.Hour)
				}
				got := encode(t, inv)
				file := filepath.Join("testdata", name)
				if *update {
					if err := os.WriteFile(file, got, 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got, want) {
					t.Errorf("got\n%s\nwant\n%s", got, want)
				}
				checkLines(t, got)
				checkMeaning(t, inv, got)
			})
		}
	}
}

func TestInvitationIsTheSameBytesEachTime(t *testing.T) {
	want := encode(t, webinar())
	for range 50 {
		inv := webinar()
		// The same instants in another location are the same invitation.
		inv.Starts = inv.Starts.In(time.FixedZone("elsewhere", 5*3600))
		inv.Stamp = inv.Stamp.Local()
		if got := encode(t, inv); !bytes.Equal(got, want) {
			t.Fatalf("got\n%s\nwant\n%s", got, want)
		}
	}
}

func TestEveryMailOfAnEventHasTheSameVTIMEZONE(t *testing.T) {
	vtimezone := func(inv *Invitation) string {
		_, after, _ := strings.Cut(string(encode(t, inv)), "BEGIN:VTIMEZONE")
		zone, _, ok := strings.Cut(after, "END:VTIMEZONE")
		if !ok {
			t.Fatalf("no VTIMEZONE in the invitation of %s", inv.Attendee.Email)
		}
		return zone
	}
	want := vtimezone(spoken("en"))
	for _, language := range []string{"fr", "es"} {
		inv := spoken(language)
		inv.Method, inv.Sequence = Cancel, 7
		inv.Stamp = inv.Stamp.AddDate(0, 1, 0)
		if got := vtimezone(inv); got != want {
			t.Errorf("%s: got %s, want %s", language, got, want)
		}
	}
}

// Texts that people type, or that somebody types who means harm.
var typed = []struct{ name, text string }{
	{"accents", "José Ñandú"},
	{"Chinese", "大都会空间的国际化与合作网络：实践、经验和展望，二〇二六年十一月二十五日，线上研讨会"},
	{"emoji", "Réunion 👩‍👩‍👧‍👦 🇧🇪 🏴󠁧󠁢󠁥󠁮󠁧󠁿"},
	{"Arabic", "تدويل الفضاءات الحضرية"},
	{"Persian with a joiner", "می‌خواهم"},
	{"double quotes", `Ana "la jefa" López`},
	{"single quotes", "L'O'Connor"},
	{"commas", "Lovelace, Ada, Countess"},
	{"semicolons", "a;b;;c"},
	{"backslashes", `ACME\ana\n\\;\,`},
	{"a backslash at the end", `ends in \`},
	{"a colon", "A:B"},
	{"a whole parameter", `Ana";ROLE=CHAIR:mailto:evil@example.com`},
	{"RFC 6868", "a^nb^'c^^d"},
	{"CR LF", "Ana\r\nATTENDEE:mailto:evil@example.com"},
	{"LF", "Ana\nBEGIN:VALARM\nEND:VALARM"},
	{"CR", "Ana\rX-EVIL:1"},
	{"NEL and separators", "Ana\u0085X-EVIL:1\u2028X-EVIL:2\u2029X-EVIL:3"},
	{"vertical tab and form feed", "Ana\vX-EVIL:1\fX-EVIL:2"},
	{"a fold", "Ana\r\n folded"},
	{"NUL", "An\x00a"},
	{"controls", "\x01\x02\x1b[31mAna\x7f"},
	{"bidi override", "Ana \u202Egnp.exe\u202C"},
	{"bidi isolates", "\u2066Ana\u2069 \u2067b\u2069"},
	{"BOM", "\uFEFFAna"},
	{"invalid UTF-8", "Ana\xff\xc3\x28\xe2\x82"},
	{"noncharacters", "Ana\uFFFE\uFFFF\U0001FFFE"},
	{"200 characters", strings.Repeat("x", 200)},
	{"200 wide characters", strings.Repeat("é中🎉 ", 50)},
	{"spaces", "  a   b\t\tc  "},
	{"many spaces", "a" + strings.Repeat(" ", 300) + "b"},
	{"markup", "<b>Ana</b> & co > all <" + strings.Repeat("i", 90) + ">"},
	{"nothing but what is dropped", "\u202E\x00\r\n"},
}

func TestWhatPeopleTypeStaysInItsProperty(t *testing.T) {
	for _, method := range []Method{Request, Cancel} {
		for _, tt := range typed {
			t.Run(string(method)+"/"+tt.name, func(t *testing.T) {
				inv := webinar()
				inv.Method = method
				inv.Summary, inv.Location = "On "+tt.text, tt.text
				inv.Description = tt.text + "\n\n" + tt.text
				inv.Organizer.Name, inv.Attendee.Name = tt.text, tt.text
				got := encode(t, inv)
				checkLines(t, got)
				checkMeaning(t, inv, got)
			})
		}
	}
}

func TestNamesAreTheSameToEveryParser(t *testing.T) {
	for _, tt := range []struct{ name, want string }{
		{"Ana Example", `CN="Ana Example"`},
		{"A:B", `CN="A:B"`},
		{"Lovelace, Ada; Countess", `CN="Lovelace, Ada; Countess"`},
		{`Ana "la jefa" López`, `CN="Ana 'la jefa' López"`},
		{`ACME\ana`, `CN="ACME/ana"`},
		{"a^nb", "CN=\"a\u02C6nb\""},
		{"Ana\r\nX-EVIL:1", `CN="Ana X-EVIL:1"`},
		{"\u202Eana\u2069", `CN="ana"`},
		{"Ana\xff", "CN=\"Ana\uFFFD\""},
	} {
		inv := webinar()
		inv.Organizer.Name, inv.Attendee.Name = tt.name, tt.name
		got := unfold(t, encode(t, inv))
		for _, want := range []string{
			"ORGANIZER;" + tt.want + ":mailto:events@example.org",
			"ATTENDEE;" + tt.want + ";PARTSTAT=ACCEPTED;RSVP=FALSE:mailto:ana@example.net",
		} {
			if !hasLine(got, want) {
				t.Errorf("name %q: no line %s in\n%s", tt.name, want, strings.Join(got, "\n"))
			}
		}
	}
}

func TestPersonWithoutANameHasNoEmptyOne(t *testing.T) {
	inv := webinar()
	inv.Organizer.Name, inv.Attendee.Name = "", "\u202E "
	got := unfold(t, encode(t, inv))
	for _, want := range []string{
		`ORGANIZER;CN="events@example.org":mailto:events@example.org`,
		"ATTENDEE;PARTSTAT=ACCEPTED;RSVP=FALSE:mailto:ana@example.net",
	} {
		if !hasLine(got, want) {
			t.Errorf("no line %s in\n%s", want, strings.Join(got, "\n"))
		}
	}
}

func TestAddressIsWrittenAsAURI(t *testing.T) {
	for _, tt := range []struct{ address, want string }{
		{"ana@example.net", "mailto:ana@example.net"},
		{"Ana.O'Neil+x_y-z@Example.NET", "mailto:Ana.O'Neil+x_y-z@Example.NET"},
		{"a%b&c=d/e?f#g@example.net", "mailto:a%25b%26c%3Dd%2Fe%3Ff%23g@example.net"},
		{"ana@bücher.example", "mailto:ana@xn--bcher-kva.example"},
		{"josé@example.net", "mailto:jos%C3%A9@example.net"},
		{`"a b@c"@example.net`, "mailto:%22a%20b%40c%22@example.net"},
	} {
		got, err := mailto(tt.address)
		if err != nil || got != tt.want {
			t.Errorf("mailto(%q) = %q, %v, want %q", tt.address, got, err, tt.want)
		}
		inv := webinar()
		inv.Organizer.Email, inv.Attendee.Email = tt.address, tt.address
		checkMeaning(t, inv, encode(t, inv))
	}
}

func TestURLIsWrittenInItsOwnCharacters(t *testing.T) {
	for _, tt := range []struct{ link, want string }{
		{"https://example.org/join?room=7&lang=fr#top", "https://example.org/join?room=7&lang=fr#top"},
		{"https://example.org/a,b;c?d=e,f;g", "https://example.org/a,b;c?d=e,f;g"},
		{" https://example.org/é à?q=中 文 ", "https://example.org/%C3%A9%20%C3%A0?q=%E4%B8%AD%20%E6%96%87"},
		{"https://bücher.example:8443/x", "https://xn--bcher-kva.example:8443/x"},
		{"https://example.org/\u202Egnp", "https://example.org/%E2%80%AEgnp"},
		{`https://example.org/?q="<\>"`, "https://example.org/?q=%22%3C%5C%3E%22"},
		{"https://[2001:db8::1]:8443/", "https://[2001:db8::1]:8443/"},
	} {
		inv := webinar()
		inv.URL = tt.link
		b := encode(t, inv)
		checkLines(t, b)
		if got := unfold(t, b); !hasLine(got, "URL:"+tt.want) {
			t.Errorf("%q: no line URL:%s in\n%s", tt.link, tt.want, strings.Join(got, "\n"))
		}
	}
}

func TestWhatCannotBeWrittenSafelyIsRefused(t *testing.T) {
	for name, spoil := range map[string]func(*Invitation){
		"no method":                   func(i *Invitation) { i.Method = "" },
		"another method":              func(i *Invitation) { i.Method = "REPLY" },
		"a method with a line end":    func(i *Invitation) { i.Method = "REQUEST\r\nX-EVIL:1" },
		"no UID":                      func(i *Invitation) { i.UID = "" },
		"an address for a UID":        func(i *Invitation) { i.UID = "ana@example.net" },
		"a UID with a line end":       func(i *Invitation) { i.UID = "a\nX-EVIL:1" },
		"a UID with a comma":          func(i *Invitation) { i.UID = "a,b" },
		"a UID that is not ASCII":     func(i *Invitation) { i.UID = "é" },
		"a UID that is too long":      func(i *Invitation) { i.UID = strings.Repeat("a", 255) },
		"a negative sequence":         func(i *Invitation) { i.Sequence = -1 },
		"a sequence past 32 bits":     func(i *Invitation) { i.Sequence = 1 << 31 },
		"no stamp":                    func(i *Invitation) { i.Stamp = time.Time{} },
		"no title":                    func(i *Invitation) { i.Summary = "" },
		"a title that is dropped":     func(i *Invitation) { i.Summary = "\u202E\r\n" },
		"no start":                    func(i *Invitation) { i.Starts = time.Time{} },
		"no end":                      func(i *Invitation) { i.Ends = time.Time{} },
		"an end at the start":         func(i *Invitation) { i.Ends = i.Starts.Add(time.Second - 1) },
		"a year of five digits":       func(i *Invitation) { i.Ends = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"a year before the first":     func(i *Invitation) { i.Created = time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC) },
		"an alarm after the start":    func(i *Invitation) { i.Alarm = -time.Minute },
		"no organizer":                func(i *Invitation) { i.Organizer.Email = "" },
		"no attendee":                 func(i *Invitation) { i.Attendee.Email = "" },
		"an address without @":        func(i *Invitation) { i.Attendee.Email = "example.net" },
		"an address without a name":   func(i *Invitation) { i.Attendee.Email = "@example.net" },
		"an address without a domain": func(i *Invitation) { i.Attendee.Email = "ana@" },
		"an address with CR LF":       func(i *Invitation) { i.Attendee.Email = "ana@example.net\r\nX-EVIL:1" },
		"an address with LF":          func(i *Invitation) { i.Organizer.Email = "a\nb@example.net" },
		"an address with NUL":         func(i *Invitation) { i.Attendee.Email = "a\x00na@example.net" },
		"an address turned around":    func(i *Invitation) { i.Attendee.Email = "a\u202Ena@example.net" },
		"an address of bytes":         func(i *Invitation) { i.Attendee.Email = "a\xffna@example.net" },
		"an address with a space":     func(i *Invitation) { i.Attendee.Email = "a na@example.net" },
		"two addresses":               func(i *Invitation) { i.Attendee.Email = "a@example.net,b@example.net" },
		"an address in brackets":      func(i *Invitation) { i.Attendee.Email = "<ana@example.net>" },
		"a domain with a colon":       func(i *Invitation) { i.Attendee.Email = "ana@example.net:25" },
		"a domain literal":            func(i *Invitation) { i.Attendee.Email = "ana@[192.0.2.1]" },
		"a domain with an empty part": func(i *Invitation) { i.Attendee.Email = "ana@example..net" },
		"a script for a URL":          func(i *Invitation) { i.URL = "javascript:alert(1)" },
		"a file for a URL":            func(i *Invitation) { i.URL = "file:///etc/passwd" },
		"a relative URL":              func(i *Invitation) { i.URL = "/join" },
		"a URL with CR LF":            func(i *Invitation) { i.URL = "https://example.org/\r\nX-EVIL:1" },
		"a URL without a host":        func(i *Invitation) { i.URL = "https://" },
		"a URL on no domain":          func(i *Invitation) { i.URL = "https://\u202E.example/" },
	} {
		inv := webinar()
		spoil(inv)
		b, err := inv.Encode()
		if !errors.Is(err, convened.ErrRefused) || b != nil {
			t.Errorf("%s: got %q, %v, want an error that is convened.ErrRefused", name, b, err)
			continue
		}
		if s := err.Error(); strings.Contains(s, "example.net") || strings.ContainsAny(s, "\r\n\x00") {
			t.Errorf("%s: the error repeats what it refuses: %q", name, s)
		}
	}
}

func TestFoldKeepsWholeCharacters(t *testing.T) {
	for _, s := range []string{"é", "中", "🎉", "a ", "中 ", ",", "\\", "\n"} {
		// Every position of the fold against every width of character.
		for pad := range 8 {
			inv := webinar()
			inv.Summary = strings.Repeat("x", pad+1) + strings.Repeat(s, 120)
			inv.Description = inv.Summary
			inv.Attendee.Name = inv.Summary
			b := encode(t, inv)
			checkLines(t, b)
			checkMeaning(t, inv, b)
		}
	}
}

func TestAlarmIsWrittenInElapsedTime(t *testing.T) {
	for _, tt := range []struct {
		before time.Duration
		want   string
	}{
		{15 * time.Minute, "-PT15M"},
		{time.Hour, "-PT1H"},
		{24 * time.Hour, "-PT24H"},
		{90 * time.Minute, "-PT1H30M"},
		{time.Hour + time.Second, "-PT1H0M1S"},
		{59*time.Second + 999*time.Millisecond, "-PT59S"},
	} {
		inv := webinar()
		inv.Alarm = tt.before
		got := unfold(t, encode(t, inv))
		if !hasLine(got, "TRIGGER:"+tt.want) || !hasLine(got, "ACTION:DISPLAY") {
			t.Errorf("%v: no TRIGGER:%s in\n%s", tt.before, tt.want, strings.Join(got, "\n"))
		}
	}
	for name, quiet := range map[string]func(*Invitation){
		"zero":             func(i *Invitation) { i.Alarm = 0 },
		"less than second": func(i *Invitation) { i.Alarm = time.Millisecond },
		"CANCEL":           func(i *Invitation) { i.Method = Cancel },
	} {
		inv := webinar()
		quiet(inv)
		if b := encode(t, inv); bytes.Contains(b, []byte("VALARM")) {
			t.Errorf("%s: there is an alarm in\n%s", name, b)
		}
	}
}

func TestWhatIsEmptyIsLeftOut(t *testing.T) {
	inv := webinar()
	inv.Created, inv.Description, inv.Location, inv.URL, inv.Language = time.Time{}, "", "", "", ""
	b := encode(t, inv)
	checkLines(t, b)
	checkMeaning(t, inv, b)
	for _, property := range []string{"CREATED", "LOCATION", "URL", "LANGUAGE"} {
		if bytes.Contains(b, []byte(property)) {
			t.Errorf("%s in\n%s", property, b)
		}
	}
	inv.Language = "klingon:\r\nX-EVIL"
	if got := encode(t, inv); !bytes.Equal(got, b) {
		t.Errorf("a language that is none: got\n%s\nwant\n%s", got, b)
	}
}

func BenchmarkEncode(b *testing.B) {
	for _, zone := range []string{"Europe/Brussels", "UTC"} {
		b.Run(zone, func(b *testing.B) {
			inv := spoken("fr")
			inv.Zone = zone
			b.ReportAllocs()
			for b.Loop() {
				if _, err := inv.Encode(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
