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
