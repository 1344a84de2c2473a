package address

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"convened"
)

func TestParseReadsWhatPeopleHave(t *testing.T) {
	for _, tt := range []struct {
		in, local, domain string
		utf8              bool
	}{
		{"ana@example.org", "ana", "example.org", false},
		{"  Ana.Maria+tag@EXAMPLE.Org\n", "Ana.Maria+tag", "example.org", false},
		{"\ufeff\u200bana@example.org\u00a0", "ana", "example.org", false},
		{"o'brien@example.ie", "o'brien", "example.ie", false},
		{"!#$%&'*+-/=?^_`{|}~@example.org", "!#$%&'*+-/=?^_`{|}~", "example.org", false},
		{"a@b.co", "a", "b.co", false},
		{"x@sub.sub.example.museum", "x", "sub.sub.example.museum", false},
		{"x@3com.com", "x", "3com.com", false},
		{"x@r3---sn.example.com", "x", "r3---sn.example.com", false},
		{"info@MÜNCHEN.de", "info", "xn--mnchen-3ya.de", false},
		{"info@XN--MNCHEN-3YA.de", "info", "xn--mnchen-3ya.de", false},
		{"info@straße.de", "info", "xn--strae-oqa.de", false},
		{"info@例え。テスト", "info", "xn--r8jz45g.xn--zckzah", false},
		{"info@ｅｘａｍｐｌｅ.org", "info", "example.org", false},
		{"josé@example.org", "josé", "example.org", true},
		{"jose\u0301@example.org", "josé", "example.org", true}, // as a Mac types it
		{"дарья@пример.рф", "дарья", "xn--e1afmkfd.xn--p1ai", true},
		{"用户@例子.公司", "用户", "xn--fsqu00a.xn--55qx5d", true},
		{strings.Repeat("a", 64) + "@example.org", strings.Repeat("a", 64), "example.org", false},
	} {
		got, err := Parse(tt.in)
		if err != nil {
			t.Errorf("Parse(%q): %v", tt.in, err)
			continue
		}
		if want := (Address{tt.local, tt.domain}); got != want {
			t.Errorf("Parse(%q) = %+v, want %+v", tt.in, got, want)
		}
		if got.NeedsSMTPUTF8() != tt.utf8 {
			t.Errorf("Parse(%q).NeedsSMTPUTF8() = %v, want %v", tt.in, got.NeedsSMTPUTF8(), tt.utf8)
		}
		if want := tt.local + "@" + tt.domain; got.String() != want {
			t.Errorf("Parse(%q).String() = %q, want %q", tt.in, got, want)
		}
	}
}

func TestParseSaysWhatIsWrong(t *testing.T) {
	label := strings.Repeat("a", 63)
	for _, tt := range []struct{ in, want string }{
		{"", "there is no address"},
		{" \t\u200b ", "there is no address"},
		{"ana", "no @"},
		{"@example.org", "nothing before its @"},
		{"ana@", "nothing after its @"},
		{"ana@b@example.org", "more than one @"},
		{"a@b.org\r\nRCPT TO:<c@d.org>", "line break"},
		{"a@b.org\nBcc: c@d.org", "line break"},
		{"a@b\r\n.org", "line break"},
		{"a\x00@b.org", "control character"},
		{"a\x7f@b.org", "control character"},
		{"a\u0085b@b.org", "space"},
		{"a b@example.org", "space"},
		{"ana@exam ple.org", "space"},
		{"a\u202eb@example.org", "invisible"},
		{"a\u00adb@example.org", "invisible"},
		{"a\u200db@example.org", "character that no address has"},
		{"a\ufffdb@example.org", "character that no address has"},
		{"a\ue000b@example.org", "character that no address has"},
		{"a\xff@example.org", "UTF-8"},
		{"Ana <ana@example.org>", "space"},
		{"<ana@example.org>", "one address alone"},
		{"a@example.org,b@example.org", "one address alone"},
		{"a@example.org;b@example.org", "one address alone"},
		{`"a@b"@example.org`, "quotation marks"},
		{`"a"@example.org`, "quotation marks"},
		{"mailto:a@example.org", `':'`},
		{"a(comment)@example.org", `'('`},
		{`a\b@example.org`, `'\\'`},
		{"a[b]@example.org", `'['`},
		{".a@example.org", "begins or ends with a dot"},
		{"a.@example.org", "begins or ends with a dot"},
		{"a..b@example.org", "two dots"},
		{strings.Repeat("a", 65) + "@example.org", "longer than 64"},
		{strings.Repeat("é", 33) + "@example.org", "longer than 64"},
		{"a@" + label + "." + label + "." + label + "." + label, "longer than 254"},
		{"a@" + strings.Repeat("a.", 3000) + "org", "longer than 254"},
		{"a@" + label + "a.org", "longer than 63"},
		{"a@[192.0.2.1]", "IP number"},
		{"a@[IPv6:2001:db8::1]", "IP number"},
		{"a@192.0.2.1", "IP number"},
		{"a@localhost", "no dot"},
		{"a@example.org.", "dot"},
		{"a@.example.org", "dot"},
		{"a@example..org", "dot"},
		{"a@-example.org", "hyphen"},
		{"a@example-.org", "hyphen"},
		{"a@exa_mple.org", "not a domain name"},
		{"a@exam!ple.org", "not a domain name"},
		{"a@xn--a.org", "not a domain name"},
		{"a@exa\u200dmple.org", "not a domain name"},
	} {
		got, err := Parse(tt.in)
		if err == nil {
			t.Errorf("Parse(%q) = %+v, want an error that says %q", tt.in, got, tt.want)
			continue
		}
		if !errors.Is(err, convened.ErrRefused) {
			t.Errorf("Parse(%q): %v does not wrap ErrRefused", tt.in, err)
		}
		if !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Parse(%q): %q, want it to say %q", tt.in, err, tt.want)
		}
		if got != (Address{}) {
			t.Errorf("Parse(%q) = %+v beside its error", tt.in, got)
		}
	}
}

func TestParseErrorsDoNotRepeatTheAddress(t *testing.T) {
	for _, s := range []string{"secretname@", "secretname", "secretname@exa_mple.org", "secret name@example.org",
		"secretname..x@example.org", "a@secretname.", "a@secretname", "a@xn--secretname.org"} {
		if _, err := Parse(s); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("Parse(%q): %v, want an error without the address", s, err)
		}
	}
}

func TestKeyIsOnePersonHoweverTyped(t *testing.T) {
	for _, group := range [][]string{
		{"ana@example.org", "ANA@EXAMPLE.ORG", " Ana@example.Org\r\n", "\ufeffana@example.org"},
		{"info@münchen.de", "INFO@MÜNCHEN.DE", "info@xn--mnchen-3ya.de"},
		{"straße@example.org", "STRASSE@example.org", "STRAẞE@EXAMPLE.org"},
		{"josé@example.org", "JOSÉ@example.org", "jose\u0301@example.org"},
		{"σίσυφος@example.org", "ΣΊΣΥΦΟΣ@example.org", "σίσυφοσ@example.org"},
		{"not an address", " NOT an Address "},
	} {
		for _, s := range group {
			if got, want := Key(s), Key(group[0]); got != want {
				t.Errorf("Key(%q) = %q, want %q", s, got, want)
			}
		}
	}
	if Key("ana@example.org") == Key("anna@example.org") {
		t.Error("two people have one key")
	}
	if got, want := Key("Info@MÜNCHEN.de"), "info@xn--mnchen-3ya.de"; got != want {
		t.Errorf("Key = %q, want %q", got, want)
	}
}

func TestKeyFitsAnIndex(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	for _, s := range []string{"", long, "a@" + long, strings.Repeat("İ", 200), "a\x00b", "\xff\xfe", strings.Repeat("\xff", 200)} {
		key := Key(s)
		if len(key) > 320 || !utf8.ValidString(key) || strings.Contains(key, "\x00") {
			t.Errorf("Key of %d bytes is %q (%d bytes)", len(s), key, len(key))
		}
	}
	if Key(long) == Key(long+"y") {
		t.Error("two long texts have one key")
	}
}

// The short way is for most addresses, and says of none what the long way does not.
func TestTheUsualAddressIsReadTheShortWay(t *testing.T) {
	for s, usual := range map[string]bool{
		"ana@example.org": true, "Ana.Maria-x_y+tag@sub-domain.example2.org": true, "a@b.c": true, "-@b.c": true, "+@b.c": true, "a@b.c3": true, "a@3com.com": true,
		strings.Repeat("a", 63) + "@example.org": true, "a@" + strings.Repeat("b", 63) + ".org": true,
		strings.Repeat("a", 65) + "@example.org": false, "a@" + strings.Repeat("b", 64) + ".org": false, "a@" + strings.Repeat("b.", 130) + "org": false,
		"": false, "@": false, "a@": false, "@b.c": false, "a@b": false, "a@b.": false, "a@.b.c": false, "a@b..c": false, ".a@b.c": false, "a.@b.c": false, "a..b@c.d": false,
		"a@-b.c": false, "a@b-.c": false, "a@b.c-": false, "a@b.-": false, "a@b.4": false, "a@192.0.2.1": false, "a@b.1-2": false, "a@B.c": false, "a@b_c.d": false, "a@b+c.d": false,
		"a@xn--mnchen-3ya.de": false, "a@r3---sn.example.com": false, "a@b@c.d": false, "a b@c.d": false, " a@b.c": false, "a@b.c\n": false, "o'brien@example.ie": false, "é@b.c": false,
		"a\r\nb@c.d": false, "a<b@c.d": false, "a@b.c>": false, "a\x00@b.c": false,
	} {
		got, ok := parseUsual(s)
		if ok != usual {
			t.Errorf("parseUsual(%q) = %+v, %v", s, got, ok)
		}
		if want, err := parse(s); ok && (err != nil || got != want) {
			t.Errorf("parseUsual(%q) = %+v, but parse has %+v, %v", s, got, want, err)
		}
	}
}
