package templates

import (
	"math"
	"regexp"
	"slices"
	"testing"
)

func TestContrastIsThatOfWCAG(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want float64
	}{
		{"#000000", "#ffffff", 21}, {"#ffffff", "#ffffff", 1}, {"#777777", "#ffffff", 4.48}, {"#0000ff", "#ffffff", 8.59}, {"#ff0000", "#000000", 5.25},
	} {
		a, _ := parseColour(tt.a)
		b, _ := parseColour(tt.b)
		if got := contrast(a, b); math.Abs(got-tt.want) > 0.01 || got != contrast(b, a) {
			t.Errorf("contrast of %s on %s = %.2f, want %.2f", tt.a, tt.b, got, tt.want)
		}
	}
}

func atLeastAA(t *testing.T, what, text, ground string) {
	t.Helper()
	a, ok := parseColour(text)
	b, ok2 := parseColour(ground)
	if !ok || !ok2 {
		t.Fatalf("%s: %q on %q are no colours", what, text, ground)
	}
	if c := contrast(a, b); c < contrastAA {
		t.Errorf("%s: %s on %s has a contrast of %.2f", what, text, ground, c)
	}
}

func TestEveryColourCanBeReadInLightAndInDark(t *testing.T) {
	for what, pair := range map[string][2]string{
		"text": {lightText, lightCard}, "labels": {lightMuted, lightCard}, "foot": {lightMuted, lightPage}, "alert": {lightAlert, lightCard},
		"text in dark": {darkText, darkCard}, "labels in dark": {darkMuted, darkCard}, "foot in dark": {darkMuted, darkPage}, "alert in dark": {darkAlert, darkCard},
		"a logo's words in dark": {lightText, lightCard},
	} {
		atLeastAA(t, what, pair[0], pair[1])
	}
	for r := 0; r < 256; r += 15 {
		for g := 0; g < 256; g += 15 {
			for b := 0; b < 256; b += 15 {
				accent := colour{uint8(r), uint8(g), uint8(b)}.String()
				c := coloursOf(accent)
				if got := ColoursOf(accent); got != c {
					t.Errorf("a page has other colours than a letter: %v, want %v", got, c)
				}
				if c.Accent != accent {
					t.Fatalf("the accent of %s is %s", accent, c.Accent)
				}
				atLeastAA(t, "link of "+accent, c.Link, lightCard)
				atLeastAA(t, "button of "+accent, c.OnButton, c.Button)
				atLeastAA(t, "link in dark of "+accent, c.LinkDark, darkCard)
				atLeastAA(t, "button in dark of "+accent, c.OnDark, c.ButtonDark)
			}
		}
	}
}

func TestWhatIsNoColourIsTheHouses(t *testing.T) {
	for _, s := range []string{"", "red", "#fff", "#12345g", "#1a5fb4;}", "＃1a5fb4", "#1234567", "#+12345"} {
		if got := coloursOf(s); got != coloursOf(houseColour) {
			t.Errorf("coloursOf(%q) = %v", s, got)
		}
		if got := ColoursOf(s); got != coloursOf(houseColour) {
			t.Errorf("ColoursOf(%q) = %v", s, got)
		}
	}
}

func TestTheLayoutUsesNoColourThatIsNotChecked(t *testing.T) {
	checked := []string{lightPage, lightCard, lightText, lightMuted, lightRule, lightAlert, darkPage, darkCard, darkText, darkMuted, darkRule, darkAlert}
	found := regexp.MustCompile(`#[0-9a-fA-F]{3,8}\b`).FindAllString(builtinLayer()["layout/html.tmpl"].text, -1)
	for _, c := range found {
		if !slices.Contains(checked, c) {
			t.Errorf("layout/html.tmpl uses %s", c)
		}
	}
	for _, c := range checked {
		if !slices.Contains(found, c) {
			t.Errorf("%s is checked, and not used", c)
		}
	}
}
