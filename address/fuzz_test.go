package address

import (
	"errors"
	"net/mail"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"convened"
)

// FuzzAddress holds Parse to the package's invariant: what it lets through can
// stand in an SMTP command and in a header field as it is.
func FuzzAddress(f *testing.F) {
	for _, s := range []string{
		"ana@example.org", " Ana.Maria+tag@EXAMPLE.Org\n", "info@münchen.de", "jose\u0301@example.org", "a@b\r\nc", `"a b"@c.d`,
		"a@[192.0.2.1]", "a@xn--a.org", "дарья@пример.рф", "a\x00@b.c", "a@b.", "\xff@b.c", "a\u200d@b.c", "a@ﷺ.org", "a@\u2488com",
		"a-b_c+d.E@sub-domain.example.org", "a@b", "a@b-.org", "a@-b.org", "a@r3---sn.example.com", "a@192.0.2.1", "a@b.c-", "a@b.0-", "a@b..c", ".a@b.c", "a.@b.c", "a@xn--", "-@b-c.d3",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		key := Key(s)
		if len(key) > maxKey || !utf8.ValidString(key) || strings.Contains(key, "\x00") {
			t.Errorf("Key(%q) = %q: no index holds it", s, key)
		}
		a, err := Parse(s)
		if err != nil {
			if !errors.Is(err, convened.ErrRefused) {
				t.Fatalf("Parse(%q): %v does not wrap ErrRefused", s, err)
			}
			return
		}
		if usual, ok := parseUsual(s); ok {
			if a, err := parse(s); err != nil || a != usual {
				t.Errorf("parseUsual(%q) = %+v, but parse has %+v, %v", s, usual, a, err)
			}
		}
		text := a.String()
		if len(text) > maxAddress || len(a.Local) > maxLocal || !utf8.ValidString(text) {
			t.Errorf("Parse(%q) = %q: %d octets", s, text, len(text))
		}
		for _, r := range text {
			if unicode.IsControl(r) || unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) || strings.ContainsRune(`<>()[]\,;:"`, r) {
				t.Errorf("Parse(%q) = %q lets %q through", s, text, r)
			}
		}
		if !isASCII(a.Domain) || a.Domain != strings.ToLower(a.Domain) {
			t.Errorf("Parse(%q): domain %q is not a lower-case A-label", s, a.Domain)
		}
		if a.NeedsSMTPUTF8() == isASCII(text) {
			t.Errorf("Parse(%q) = %q: NeedsSMTPUTF8 is %v", s, text, a.NeedsSMTPUTF8())
		}
		again, err := Parse(text)
		if err != nil || again != a {
			t.Errorf("Parse(%q) = %+v, %v; want %+v", text, again, err, a)
		}
		if Key(text) != key {
			t.Errorf("Key(%q) = %q, Key(%q) = %q", s, key, text, Key(text))
		}
		// Another reader of RFC 5322 sees the same mailbox.
		if m, err := mail.ParseAddress("<" + text + ">"); err != nil || m.Address != text {
			t.Errorf("net/mail reads %q as %v, %v", text, m, err)
		}
	})
}
