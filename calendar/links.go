package calendar

import (
	"net/url"
	"strings"
	"time"
	"unicode/utf8"
)

// Links are the pages where a person adds the event by hand, one for each of
// the calendars on the web. They carry no invitation: a moved event does not
// move in a calendar that was filled this way.
type Links struct {
	Google  string
	Outlook string // Outlook.com; work and school accounts have no one address
	Yahoo   string
}

// What may stand of each text in a link, in octets once it is encoded: with all
// of them full, a link is shorter than the 2,048 that every browser and
// redirecting proxy takes, and three of them leave a mail its size.
const (
	linkTitle    = 500
	linkLocation = 300
	linkDetails  = 900
)

// Links returns the add-to-calendar links of the invitation. Times are in UTC.
// Everything is percent-encoded, the space as %20: Outlook shows a + as a plus
// sign. Long texts are cut, the link to the event last. An invitation that
// Encode refuses has links all the same, without what can't be written.
func (inv *Invitation) Links() Links {
	title := inLink(oneLine(inv.Summary), linkTitle)
	location := inLink(oneLine(inv.Location), linkLocation)
	details := inv.details()
	compact := func(t time.Time) string { return t.UTC().Format("20060102T150405Z") }
	extended := func(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }
	return Links{
		Google: "https://calendar.google.com/calendar/render?action=TEMPLATE&text=" + title +
			"&dates=" + compact(inv.Starts) + "/" + compact(inv.Ends) +
			"&details=" + details + "&location=" + location,
		Outlook: "https://outlook.live.com/calendar/0/deeplink/compose?path=/calendar/action/compose&rru=addevent&subject=" + title +
			"&startdt=" + extended(inv.Starts) + "&enddt=" + extended(inv.Ends) +
			"&body=" + details + "&location=" + location,
		Yahoo: "https://calendar.yahoo.com/?v=60&title=" + title +
			"&st=" + compact(inv.Starts) + "&et=" + compact(inv.Ends) +
			"&desc=" + details + "&in_loc=" + location,
	}
}

// details is the description with the URL, which goes first because what
// follows may be cut. A URL that is too long is left out: half of one leads
// nowhere.
func (inv *Invitation) details() string {
	text := lines(inv.Description)
	link, err := webURL(inv.URL)
	if err != nil || link == "" {
		return inLink(text, linkDetails)
	}
	head := percent(link)
	if len(head) > linkDetails {
		return inLink(text, linkDetails)
	}
	// A description that says the URL says it in its own words, if it is whole.
	if whole := percent(text); len(whole) <= linkDetails && strings.Contains(text, link) {
		return whole
	}
	const gap = "%0A%0A"
	if left := linkDetails - len(head) - len(gap); text != "" && left >= len(ellipsis) {
		head += gap + inLink(text, left)
	}
	return head
}

var ellipsis = percent("…")

// inLink percent-encodes a text in at most so many octets, cutting between
// characters.
func inLink(s string, octets int) string {
	whole := percent(s)
	if len(whole) <= octets {
		return whole
	}
	n := len(ellipsis)
	for i, r := range s {
		c := percent(s[i : i+utf8.RuneLen(r)])
		if n+len(c) > octets {
			return percent(strings.TrimSpace(s[:i])) + ellipsis
		}
		n += len(c)
	}
	return whole
}

// percent encodes for a query. url.QueryEscape writes a space as +, which only
// HTML forms undo.
func percent(s string) string {
	return strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
}
