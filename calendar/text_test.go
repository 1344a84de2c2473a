package calendar

import "testing"

func TestTextIsCleaned(t *testing.T) {
	for _, tt := range []struct{ text, oneLine, lines string }{
		{"José Ñandú 中文 🎉", "José Ñandú 中文 🎉", "José Ñandú 中文 🎉"},
		{" a\tb ", "a b", "a b"},
		{"a\r\nb\rc\nd", "a b c d", "a\nb\nc\nd"},
		{"a\u0085b\u2028c\u2029d", "a b c d", "a\nb\nc\nd"},
		{"a\n\n\nb\n", "a   b", "a\n\n\nb"},
		{"a\x00\x01\x1b\x7f\u0080\u009fb", "ab", "ab"},
		{"a\vb\fc", "abc", "abc"},
		{"a\u202Ab\u202Bc\u202Cd\u202De\u202Ef", "abcdef", "abcdef"},
		{"a\u2066b\u2067c\u2068d\u2069e", "abcde", "abcde"},
		{"\uFEFFa\uFEFFb", "ab", "ab"},
		{"a\uFFFE\U0010FFFFb", "ab", "ab"},
		{"a\xff\xfeb\xc3", "a\uFFFDb\uFFFD", "a\uFFFDb\uFFFD"},
		{"fr\u00A0: 5\u202F€", "fr\u00A0: 5\u202F€", "fr\u00A0: 5\u202F€"},
		{"می‌خواهم 👩‍👧", "می‌خواهم 👩‍👧", "می‌خواهم 👩‍👧"},
		{"שלום\u200F!", "שלום\u200F!", "שלום\u200F!"},
		{`"\;,:'^`, `"\;,:'^`, `"\;,:'^`},
		{"\u202E\x00", "", ""},
	} {
		if got := oneLine(tt.text); got != tt.oneLine {
			t.Errorf("oneLine(%q) = %q, want %q", tt.text, got, tt.oneLine)
		}
		if got := lines(tt.text); got != tt.lines {
			t.Errorf("lines(%q) = %q, want %q", tt.text, got, tt.lines)
		}
		if got := oneLine(tt.oneLine); got != tt.oneLine {
			t.Errorf("cleaning twice: %q becomes %q", tt.oneLine, got)
		}
	}
}

// What is taken for clean or usual without a closer look is what the closer look
// leaves as it is.
func TestTheShortWaysSayWhatTheLongOnesDo(t *testing.T) {
	t.Parallel()
	seen := 0
	for c := range rune(0x300) {
		for _, s := range []string{string(c), " a " + string(c) + "  b ", string(c) + " ", "a" + string([]byte{byte(c)})} {
			if got, want := oneLine(s), cleaned(s, ' '); got != want {
				t.Errorf("oneLine(%q) = %q, want %q", s, got, want)
			}
		}
		for _, a := range [][2]string{{"a" + string(c) + "b", "example.org"}, {"a", "exam" + string(c) + "ple.org"}, {"a", string(c) + "example.org"}, {"a", "example.org" + string(c)}} {
			if !isUsual(a[0], a[1]) {
				continue
			}
			seen++
			if d, err := asciiDomain(a[1]); err != nil || d != a[1] || escape(a[0], "!$'*+") != a[0] {
				t.Errorf("%q at %q is not usual: %q, %v", a[0], a[1], d, err)
			}
		}
	}
	if seen == 0 || isUsual("a", "") || isUsual("a", "b..c") {
		t.Errorf("%d addresses are usual", seen)
	}
}
