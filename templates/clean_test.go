package templates

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestALineIsCleaned(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"Ana", "Ana"},
		{"  Ana \t María\r\n ", "Ana María"},
		{"Ana\r\nBcc: x@example.org", "Ana Bcc: x@example.org"},
		{"A\x00n\x1ba\u0085\u007f", "Ana"},
		{"\u202eabc\u202c\u2066d\u2069\u200e", "abcd\u200e"},
		{"\xffAna\xc3", "Ana"},
		{"\ufeffAna\ufffe", "Ana"},
		{"👩‍👩‍👧 می‌خواهم", "👩‍👩‍👧 می‌خواهم"},
		{"à 16\u00a0h", "à 16\u00a0h"},
		{"\u2028a\u2029b", "a b"},
		{"", ""},
	} {
		if got := line(tt.in); got != tt.want {
			t.Errorf("line(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

// What is taken for clean without a closer look is what the closer look leaves as
// it is, wherever it goes.
func TestTheShortWaysSayWhatTheLongOnesDo(t *testing.T) {
	p := Person{}
	words := Stretch{parts: []part{{words: "Dear "}, {gap: nameGap}, {words: ","}}, wrap: true}
	script := Stretch{parts: []part{{gap: underGap}}}
	html := Stretch{parts: []part{{gap: nameInHTML}}}
	for c := range rune(0x300) {
		for _, s := range []string{string(c), "a" + string(c) + "b", " a" + string(c), "a " + string(c), string(c) + " ", "a  " + string(c), "a" + string([]byte{byte(c)}), strings.Repeat(string(c), 90)} {
			if got, want := line(s), cleaned(s); got != want {
				t.Errorf("line(%q) = %q, want %q", s, got, want)
			}
			p.name, p.under = line(s), line(s)
			if got, want := string(words.Fill(nil, &p)), wrap("Dear "+p.name+",", columns); got != want {
				t.Errorf("%q is laid out as %q, want %q", p.name, got, want)
			}
			want, err := json.Marshal(p.under)
			if got := string(script.Fill(nil, &p)); err != nil || `"`+got+`"` != string(want) {
				t.Errorf("%q in JSON is %s, want %s, %v", p.under, got, want, err)
			}
			if got, want := string(html.Fill(nil, &p)), inHTML.Replace(p.name); got != want {
				t.Errorf("%q in HTML is %s, want %s", p.name, got, want)
			}
		}
	}
}

func TestTextKeepsItsLines(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"a\r\nb\rc\n\n\n\n d  e \n", "a\nb\nc\n\nd e"},
		{"\n\n a", "a"},
		{"a\u2028b", "a\nb"},
		{"a\x00\u202eb", "ab"},
	} {
		if got := text(tt.in); got != tt.want {
			t.Errorf("text(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
	if got := text(strings.Repeat("word ", 1_000_000)); utf8.RuneCountInString(got) > maxText {
		t.Errorf("a long text is %d characters long", utf8.RuneCountInString(got))
	}
}

func TestCutKeepsWhatIsReadAsOneCharacter(t *testing.T) {
	family := "👨‍👩‍👧‍👦"
	for _, tt := range []struct {
		in   string
		max  int
		want string
	}{
		{"short", 5, "short"},
		{"one two three", 9, "one two…"},
		{"one two three", 8, "one two…"},
		{"one, two", 6, "one…"},
		{"abcdefghij", 5, "abcd…"},
		{"a very-long-word", 10, "a very-lo…"},
		{strings.Repeat("e\u0301", 10), 6, "e\u0301e\u0301…"},
		{family + family, 9, family + "…"},
		{"🇧🇪🇫🇷", 3, "🇧🇪…"},
		{"abc", 0, ""},
	} {
		if got := cut(tt.in, tt.max); got != tt.want {
			t.Errorf("cut(%q, %d) = %q, want %q", tt.in, tt.max, got, tt.want)
		}
	}
}

func TestProseHasParagraphsListsAndLinks(t *testing.T) {
	p := typed(text("First line\nsecond line\n\nItems:\n- one\n* two\n• three\nafter\n\nSee https://example.org/a?b=c, or (https://example.org/d)."))
	want := "First line\nsecond line\n\nItems:\n- one\n- two\n- three\n\nafter\n\nSee https://example.org/a?b=c, or (https://example.org/d)."
	if got := p.String(); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	var links []string
	for _, para := range p {
		for _, l := range para.Lines {
			for _, s := range l {
				if s.URL != "" {
					links = append(links, s.URL)
				}
			}
		}
	}
	if got := strings.Join(links, " "); got != "https://example.org/a?b=c https://example.org/d" {
		t.Errorf("links %s", got)
	}
}

func TestWrapBreaksAtOrdinarySpacesOnly(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		width    int
		want     string
	}{
		{"words", "one two three four", 9, "one two\nthree\nfour\n"},
		{"a URL is never broken", "see https://example.org/long/path now", 10, "see\nhttps://example.org/long/path\nnow\n"},
		{"below a label", "When   one two three", 12, "When   one\n       two\n       three\n"},
		{"a long word after a label", "Link   https://example.org/long/path", 12, "Link   https://example.org/long/path\n"},
		{"an item", "- one two three", 9, "- one two\n  three\n"},
		{"an indent", "  one two three", 9, "  one two\n  three\n"},
		{"fixed spaces hold, and become ordinary", "à 16\u00a0h\u00a000 oui", 8, "à\n16 h 00\noui\n"},
		{"empty lines", "\n\na\n\n\n \n\nb\n\n", 9, "a\n\nb\n"},
		{"wide characters", "東京 東京 東京", 10, "東京 東京\n東京\n"},
		{"marks take no room", "e\u0301e\u0301 e\u0301e\u0301", 5, "e\u0301e\u0301 e\u0301e\u0301\n"},
	} {
		if got := wrap(tt.in, tt.width); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
