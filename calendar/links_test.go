package calendar

import (
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestLinksSayTheEventInUTC(t *testing.T) {
	got := spoken("fr").Links()
	const (
		title    = "L%27internationalisation%20des%20espaces%20m%C3%A9tropolitains%C2%A0%3A%20%C3%A9tat%20des%20lieux%2C%20enjeux%20et%20pratiques"
		location = "En%20ligne"
		details  = "Webinaire%20gratuit%2C%20en%20fran%C3%A7ais.%0A%0APour%20participer%C2%A0%3A%20https%3A%2F%2Fexample.org%2Fjoin%3Froom%3D7%26lang%3Dfr%0A" +
			"Vous%20ne%20pouvez%20pas%20venir%C2%A0%3F%20Annulez%20votre%20inscription%20sur%20la%20page%20de%20l%27%C3%A9v%C3%A9nement."
	)
	want := Links{
		Google: "https://calendar.google.com/calendar/render?action=TEMPLATE&text=" + title +
			"&dates=20261125T150000Z/20261125T160000Z&details=" + details + "&location=" + location,
		Outlook: "https://outlook.live.com/calendar/0/deeplink/compose?path=/calendar/action/compose&rru=addevent&subject=" + title +
			"&startdt=2026-11-25T15:00:00Z&enddt=2026-11-25T16:00:00Z&body=" + details + "&location=" + location,
		Yahoo: "https://calendar.yahoo.com/?v=60&title=" + title +
			"&st=20261125T150000Z&et=20261125T160000Z&desc=" + details + "&in_loc=" + location,
	}
	if got != want {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
}

// checkLinks reads the links as the calendars do and returns what they say.
func checkLinks(t testing.TB, inv *Invitation) (titles, locations, details [3]string) {
	t.Helper()
	links := inv.Links()
	for i, tt := range []struct{ link, host, title, location, details string }{
		{links.Google, "calendar.google.com", "text", "location", "details"},
		{links.Outlook, "outlook.live.com", "subject", "location", "body"},
		{links.Yahoo, "calendar.yahoo.com", "title", "in_loc", "desc"},
	} {
		if strings.ContainsAny(tt.link, "+ \"'<>\r\n\t") || len(tt.link) >= 2048 {
			t.Errorf("%d octets in %s", len(tt.link), tt.link)
		}
		u, err := url.Parse(tt.link)
		if err != nil {
			t.Fatal(err)
		}
		query, err := url.ParseQuery(u.RawQuery)
		if err != nil || u.Scheme != "https" || u.Host != tt.host || u.Fragment != "" {
			t.Errorf("%v in %s", err, tt.link)
		}
		for name, values := range query {
			if len(values) != 1 || !utf8.ValidString(values[0]) || turned.MatchString(values[0]) {
				t.Errorf("%s is %q in %s", name, values, tt.link)
			}
		}
		titles[i], locations[i], details[i] = query.Get(tt.title), query.Get(tt.location), query.Get(tt.details)
	}
	return titles, locations, details
}

func all(s string) [3]string { return [3]string{s, s, s} }

func TestLinksHoldWhatPeopleType(t *testing.T) {
	for _, tt := range typed {
		inv := webinar()
		inv.Summary, inv.Location, inv.Description, inv.URL = tt.text, tt.text, tt.text, ""
		titles, locations, details := checkLinks(t, inv)
		if len(percent(oneLine(tt.text))) > linkLocation {
			continue // cut, see TestLinksCutLongTextsBetweenCharacters
		}
		if titles != all(oneLine(tt.text)) || locations != all(oneLine(tt.text)) || details != all(lines(tt.text)) {
			t.Errorf("%s: got %q, %q, %q", tt.name, titles, locations, details)
		}
	}
}

func TestLinksWritePlusAsAPlus(t *testing.T) {
	inv := webinar()
	inv.Summary = "C++ & a=b #1 100 %"
	if got := inv.Links().Google; !strings.Contains(got, "text=C%2B%2B%20%26%20a%3Db%20%231%20100%20%25&") {
		t.Errorf("got %s", got)
	}
}

func TestLinksCutLongTextsBetweenCharacters(t *testing.T) {
	for _, c := range []string{"x", "é", "中", "🎉", "word "} {
		inv := webinar()
		long := strings.Repeat(c, 5000)
		inv.Summary, inv.Location, inv.Description, inv.URL = long, long, long, ""
		titles, locations, details := checkLinks(t, inv)
		for _, got := range [][3]string{titles, locations, details} {
			for _, got := range got {
				head, cut := strings.CutSuffix(got, "…")
				if !cut || len(head) < 20 || !strings.HasPrefix(long, head) {
					t.Errorf("%s: got %q", c, got)
				}
			}
		}
	}
}

func TestLinksSayTheURLEvenWhereTheDescriptionIsCut(t *testing.T) {
	const link = "https://example.org/join?room=7&lang=en"
	for _, tt := range []struct{ name, description, link, want string }{
		{"said already", "Join: " + link, link, "Join: " + link},
		{"not said", "A webinar.", link, link + "\n\nA webinar."},
		{"no description", "", link, link},
		{"no URL", "A webinar.", "", "A webinar."},
		{"a URL that is none", "A webinar.", "javascript:alert(1)", "A webinar."},
		{"cut before the URL", strings.Repeat("x", 2000) + link, link, ""},
		{"a URL too long to keep", "A webinar.", "https://example.org/" + strings.Repeat("x", 900), "A webinar."},
		{"a URL that just fits", "A webinar.", "https://example.org/" + strings.Repeat("x", 870), "https://example.org/" + strings.Repeat("x", 870)},
	} {
		inv := webinar()
		inv.Description, inv.URL = tt.description, tt.link
		_, _, details := checkLinks(t, inv)
		switch {
		case tt.want != "" && details != all(tt.want):
			t.Errorf("%s: got %q, want %q", tt.name, details, tt.want)
		case tt.want == "" && !strings.HasPrefix(details[0], link+"\n\nxxx"):
			t.Errorf("%s: got %q", tt.name, details)
		}
	}
}

func TestLinksDoNotDependOnTheLocationOfTimes(t *testing.T) {
	inv := webinar()
	want := inv.Links()
	inv.Starts = inv.Starts.In(time.FixedZone("elsewhere", -7*3600))
	if got := inv.Links(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
