package templates

import (
	"fmt"
	"math"
	"strconv"
	"sync"
)

// The colours of the design. Each pair of text and ground that the layout uses
// has a contrast of at least 4.5 (WCAG 2.2, 1.4.3), in light and in dark.
const (
	houseColour = "#1a5fb4"

	lightPage, lightCard, lightText, lightMuted, lightRule = "#f4f5f7", "#ffffff", "#1f2328", "#57606a", "#d9dee3"
	darkPage, darkCard, darkText, darkMuted, darkRule      = "#14171b", "#1e2227", "#e7e9ec", "#a7afb9", "#3a414a"
	lightAlert, darkAlert                                  = "#b3261e", "#ffaea4"
)

// contrastAA is what WCAG 2.2 asks of text (1.4.3, level AA).
const contrastAA = 4.5

// Colours are what an event's colour becomes: each is "#rrggbb" and can be read
// where it stands. The rest of the design's colours are fixed.
type Colours struct {
	Accent     string // as the organiser chose it, for areas without text
	Button     string // ground of the button
	OnButton   string // text on it
	Link       string // links and labels on a light ground
	ButtonDark string // the same three for readers in dark mode
	OnDark     string
	LinkDark   string
}

// colourings keeps what coloursOf has derived; events have few colours.
var colourings sync.Map // colour to Colours

// ColoursOf returns what a colour becomes in letters, for pages that look like
// them. It must be "#rrggbb"; of anything else the house colour's are returned. The
// grounds are #f4f5f7 and #ffffff in light, #14171b and #1e2227 in dark.
//
// It remembers nothing: anybody may ask a page for any colour.
func ColoursOf(colour string) Colours {
	accent, ok := parseColour(colour)
	if !ok {
		accent, _ = parseColour(houseColour)
	}
	return derive(accent)
}

// coloursOf derives the colours from "#rrggbb"; from the house colour where
// that is something else.
func coloursOf(s string) Colours {
	accent, ok := parseColour(s)
	if !ok {
		accent, _ = parseColour(houseColour)
	}
	if c, ok := colourings.Load(accent); ok {
		return c.(Colours)
	}
	c := derive(accent)
	colourings.Store(accent, c)
	return c
}

func derive(accent colour) Colours {
	link := readable(accent, colour{}, lightPage, lightCard)
	linkDark := readable(accent, colour{255, 255, 255}, darkPage, darkCard)
	return Colours{
		Accent: accent.String(),
		Button: accent.String(), OnButton: textOn(accent),
		Link:       link.String(),
		ButtonDark: linkDark.String(), OnDark: textOn(linkDark),
		LinkDark: linkDark.String(),
	}
}

// textOn returns the colour of text on a ground: white where it can be read,
// else black, which then can.
func textOn(ground colour) string {
	if contrast(ground, colour{255, 255, 255}) >= contrastAA {
		return "#ffffff"
	}
	return "#000000"
}

// readable mixes c towards another colour, as little as is needed to be read on
// all the grounds.
func readable(c, towards colour, grounds ...string) colour {
	const steps = 50
	mixed := c
	for i := range steps + 1 {
		mixed = c.mix(towards, float64(i)/steps)
		enough := true
		for _, g := range grounds {
			ground, _ := parseColour(g)
			enough = enough && contrast(mixed, ground) >= contrastAA
		}
		if enough {
			break
		}
	}
	return mixed
}

// A colour is red, green and blue in sRGB.
type colour [3]uint8

// parseColour reads "#rrggbb".
func parseColour(s string) (c colour, ok bool) {
	if len(s) != 7 || s[0] != '#' {
		return c, false
	}
	n, err := strconv.ParseUint(s[1:], 16, 32)
	if err != nil {
		return c, false
	}
	return colour{uint8(n >> 16), uint8(n >> 8), uint8(n)}, true
}

// String is the form that parseColour reads.
func (c colour) String() string { return fmt.Sprintf("#%02x%02x%02x", c[0], c[1], c[2]) }

// mix returns c with a share of d, 0 to 1.
func (c colour) mix(d colour, share float64) colour {
	var m colour
	for i := range c {
		m[i] = uint8(math.Round(float64(c[i]) + (float64(d[i])-float64(c[i]))*share))
	}
	return m
}

// luminance is the relative luminance of WCAG 2.2.
func (c colour) luminance() float64 {
	var l [3]float64
	for i, v := range c {
		s := float64(v) / 255
		if s <= 0.04045 {
			l[i] = s / 12.92
		} else {
			l[i] = math.Pow((s+0.055)/1.055, 2.4)
		}
	}
	return 0.2126*l[0] + 0.7152*l[1] + 0.0722*l[2]
}

// contrast is the contrast ratio of WCAG 2.2: 1 to 21.
func contrast(a, b colour) float64 {
	x, y := a.luminance(), b.luminance()
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}
