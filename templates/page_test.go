package templates

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"convened"
)

// A page is the HTML part as a mail program reads it.
type page struct {
	*html.Node
	t testing.TB
}

func parsePage(t testing.TB, c Content) page {
	t.Helper()
	n, err := html.Parse(strings.NewReader(c.HTML))
	if err != nil {
		t.Fatal(err)
	}
	return page{n, t}
}

// all returns the elements of that name, all elements for "".
func (p page) all(name string) []*html.Node {
	var found []*html.Node
	for n := range p.Descendants() {
		if n.Type == html.ElementNode && (name == "" || n.Data == name) {
			found = append(found, n)
		}
	}
	return found
}

// attr returns the value of an attribute, "" where there is none.
func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// hidden reports whether n or what it stands in is not shown.
func hidden(n *html.Node) bool {
	for ; n != nil; n = n.Parent {
		if n.DataAtom == atom.Head || n.DataAtom == atom.Script || n.DataAtom == atom.Style || strings.Contains(attr(n, "style"), "display:none") {
			return true
		}
	}
	return false
}

// visible returns what is shown, each run of white space as one space.
func (p page) visible() string {
	var b strings.Builder
	for n := range p.Descendants() {
		if n.Type == html.TextNode && !hidden(n) {
			b.WriteString(n.Data)
		}
		if n.Type == html.ElementNode && slices.Contains([]string{"td", "p", "h1", "h2", "li", "br", "div"}, n.Data) {
			b.WriteByte(' ')
		}
	}
	return squeezed(b.String())
}

// squeezed makes one ordinary space of each run of white space, fixed ones too.
func squeezed(s string) string { return strings.Join(strings.Fields(s), " ") }

// reservation returns the schema.org data.
func (p page) reservation() map[string]any {
	p.t.Helper()
	scripts := p.all("script")
	if len(scripts) != 1 || attr(scripts[0], "type") != "application/ld+json" {
		p.t.Fatalf("got %d scripts, want the one of schema.org", len(scripts))
	}
	var v map[string]any
	if err := json.Unmarshal([]byte(scripts[0].FirstChild.Data), &v); err != nil {
		p.t.Fatalf("schema.org data: %v\n%s", err, scripts[0].FirstChild.Data)
	}
	return v
}

// Everything that a letter of ours is made of. What a person typed adds nothing
// to it.
var elements = strings.Fields("html head meta title style script body div table tbody tr td p h1 h2 ul li a br strong span bdi img")

var attributes = strings.Fields("lang dir charset name content type class style role width height cellpadding cellspacing border align valign href src alt")

// checkPage checks what MAIL.md 18 asks of every letter.
func checkPage(t testing.TB, c Content) {
	t.Helper()
	p := parsePage(t, c)
	if !strings.HasPrefix(c.HTML, "<!doctype html>\n<html ") {
		t.Errorf("begins %.30q", c.HTML)
	}
	if len(c.HTML) >= maxHTML {
		t.Errorf("%d bytes", len(c.HTML))
	}
	root := p.all("html")[0]
	if attr(root, "lang") != c.Language || attr(root, "dir") != "ltr" {
		t.Errorf("lang %q, dir %q", attr(root, "lang"), attr(root, "dir"))
	}
	if got := p.all("title"); len(got) != 1 || got[0].FirstChild == nil || got[0].FirstChild.Data != c.Subject {
		t.Errorf("title is not the subject %q", c.Subject)
	}
	if n := len(p.all("h1")); n != 1 {
		t.Errorf("%d h1", n)
	}
	for _, n := range p.all("") {
		if !slices.Contains(elements, n.Data) {
			t.Errorf("element <%s>", n.Data)
		}
		for _, a := range n.Attr {
			if !slices.Contains(attributes, a.Key) {
				t.Errorf("attribute %s of <%s>", a.Key, n.Data)
			}
		}
	}
	for _, n := range p.all("table") {
		if attr(n, "role") != "presentation" {
			t.Error("a table without role=presentation")
		}
	}
	for _, n := range p.all("img") {
		if attr(n, "alt") == "" || !strings.HasPrefix(attr(n, "src"), "https://") {
			t.Errorf("image %q, alt %q", attr(n, "src"), attr(n, "alt"))
		}
	}
	for _, n := range p.all("a") {
		if href := attr(n, "href"); !strings.HasPrefix(href, "https://") {
			t.Errorf("link to %q", href)
		}
	}
	for _, n := range append(p.all("style"), p.all("body")...) {
		if n.DataAtom == atom.Style && regexp.MustCompile(`(?i)@import|url\(|expression`).MatchString(n.FirstChild.Data) {
			t.Error("the style sheet loads something")
		}
	}
	body := p.all("body")[0]
	first := body.FirstChild
	for first.Type != html.ElementNode {
		first = first.NextSibling
	}
	if !hidden(first) || first.FirstChild == nil || first.FirstChild.Data != c.Preheader {
		t.Errorf("the body begins with %s, not with the hidden preheader %q", first.Data, c.Preheader)
	}
	if len(p.all("script")) > 0 {
		p.reservation()
	}
}

func TestEveryLetterIsAnHTMLPageThatMailProgramsTake(t *testing.T) {
	for _, s := range Samples() {
		t.Run(s.Name, func(t *testing.T) { checkPage(t, render(t, s)) })
	}
}

// facts are what both parts of a letter must tell, each as it is written there.
func facts(l *Letter) []string {
	all := []string{l.Title, l.Date, l.Time, l.Zone, l.YourDate, l.YourTime, l.YourZone, l.HeldIn, l.Location, l.JoinURL, l.PageURL,
		l.Organizer, l.Name, l.Links.Manage, l.Links.Cancel, l.Links.Unsubscribe, l.Links.Google, l.Links.Outlook, l.Links.Yahoo}
	for _, c := range l.Changes {
		all = append(all, c.Now, c.NowYours, c.Was, c.WasYours)
	}
	passages := append([]Passage{}, l.Notes...)
	for _, p := range []*Passage{l.Description, l.Introduction} {
		if p != nil {
			passages = append(passages, *p)
		}
	}
	for _, p := range passages {
		for _, para := range p.Prose {
			for _, line := range para.Lines {
				all = append(all, line.String())
			}
		}
	}
	for name, w := range l.Words {
		if name != "subject" && name != "preheader" && name != "colon" && w.String() == constantWord(l, name) {
			all = append(all, w.String())
		}
	}
	return all
}

// constantWord returns a block if this letter is one that shows it: headings,
// greetings and leads always; labels only beside what they label.
func constantWord(l *Letter, name string) string {
	switch name {
	case "heading", "greeting", "lead", "more", "when", "question", "because":
		return l.Words[name].String()
	}
	return "\x00"
}

func TestTextAndHTMLTellTheSame(t *testing.T) {
	told := 0
	for _, s := range Samples() {
		r := read(s.Now, s.Claim, s.Links)
		u, err := Builtin().unit(r)
		if err != nil {
			t.Fatal(err)
		}
		l := r.letter()
		c, err := u.render(l)
		if err != nil {
			t.Fatal(err)
		}
		p := parsePage(t, c)
		shown := p.visible()
		for _, a := range p.all("a") {
			shown += " " + attr(a, "href")
		}
		text := squeezed(c.Text)
		for _, f := range facts(l) {
			f = squeezed(f)
			if f == "" {
				continue
			}
			told++
			if !strings.Contains(text, f) {
				t.Errorf("%s: the text does not tell %q", s.Name, f)
			}
			if !strings.Contains(shown, f) {
				t.Errorf("%s: the HTML does not tell %q", s.Name, f)
			}
		}
		// And the other way round: each link of one is in the other.
		for _, a := range p.all("a") {
			if href := attr(a, "href"); !strings.Contains(c.Text, href) && !strings.Contains(c.Text, unescaped(href)) {
				t.Errorf("%s: the text lacks the link %s", s.Name, href)
			}
		}
		for _, u := range regexp.MustCompile(`https://\S+`).FindAllString(c.Text, -1) {
			if !strings.Contains(shown, u) {
				t.Errorf("%s: the HTML lacks the link %s", s.Name, u)
			}
		}
	}
	if told < 2000 {
		t.Errorf("only %d facts were looked for", told)
	}
}

// unescaped undoes what html/template escapes in a URL beyond RFC 3986.
func unescaped(s string) string {
	return strings.NewReplacer("%27", "'", "%28", "(", "%29", ")").Replace(s)
}

func TestTheReservationIsWhatGmailAsksFor(t *testing.T) {
	for _, s := range Samples() {
		p := parsePage(t, render(t, s))
		if s.Claim.Notice.Kind == convened.Preflight { // the organiser has reserved nothing
			if n := len(p.all("script")); n > 0 {
				t.Errorf("%s: %d scripts", s.Name, n)
			}
			continue
		}
		v := p.reservation()
		event := v["reservationFor"].(map[string]any)
		place := event["location"].(map[string]any)
		under := v["underName"].(map[string]any)
		for name, got := range map[string]any{
			"@context": v["@context"], "@type": v["@type"], "reservationNumber": v["reservationNumber"],
			"underName.name": under["name"], "reservationFor.name": event["name"], "reservationFor.startDate": event["startDate"],
			"location.name": place["name"], "location.address": place["address"], "eventStatus": event["eventStatus"],
		} {
			if s, ok := got.(string); !ok || s == "" {
				t.Errorf("%s: %s is %v", s, name, got)
			}
		}
		off := s.Claim.Off()
		want := map[bool]string{false: "https://schema.org/ReservationConfirmed", true: "https://schema.org/ReservationCancelled"}[off]
		if v["reservationStatus"] != want {
			t.Errorf("%s: reservationStatus %v, want %s", s.Name, v["reservationStatus"], want)
		}
	}
}

func TestTheReservationStartsAtTheOffsetOfTheEventsZone(t *testing.T) {
	s := letterTo("Tokyo", convened.Update, "en")
	event := parsePage(t, render(t, s)).reservation()["reservationFor"].(map[string]any)
	for name, want := range map[string]string{
		"startDate": "2026-11-25T16:00:00+01:00", "endDate": "2026-11-25T17:00:00+01:00",
		"previousStartDate": "2026-11-24T16:00:00+01:00", "eventStatus": "https://schema.org/EventRescheduled", "inLanguage": "fr",
	} {
		if event[name] != want {
			t.Errorf("%s = %v, want %s", name, event[name], want)
		}
	}
}
