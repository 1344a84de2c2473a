package calendar

import (
	"bytes"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	ical "github.com/emersion/go-ical"
)

// contentLine is the grammar of RFC 5545 3.1: a name, parameters whose values
// are quoted or safe, and a value without control characters.
var contentLine = regexp.MustCompile(`^[A-Z0-9-]+(;[A-Z0-9-]+=("[^"\x00-\x08\x0A-\x1F\x7F]*"|[^";:,\x00-\x08\x0A-\x1F\x7F]+))*:[^\x00-\x08\x0A-\x1F\x7F]*$`)

// escapedText is the grammar of TEXT (RFC 5545 3.3.11).
var escapedText = regexp.MustCompile(`^([^\\;,\x00-\x1F\x7F]|\\[\\;,n])*$`)

// turned finds what must never reach a reader: bidi overrides and isolates, C1
// controls, a BOM.
var turned = regexp.MustCompile("[\u0080-\u009F\u202A-\u202E\u2028\u2029\u2066-\u2069\uFEFF]")

// components says what may stand in each component, and in which.
var components = map[string]struct {
	inside   string
	required []string
	allowed  []string
}{
	"VCALENDAR": {"", []string{"VERSION", "PRODID", "METHOD"}, nil},
	"VTIMEZONE": {"VCALENDAR", []string{"TZID"}, nil},
	"STANDARD":  {"VTIMEZONE", []string{"DTSTART", "TZOFFSETFROM", "TZOFFSETTO"}, []string{"RRULE", "TZNAME"}},
	"DAYLIGHT":  {"VTIMEZONE", []string{"DTSTART", "TZOFFSETFROM", "TZOFFSETTO", "RRULE"}, []string{"TZNAME"}},
	"VEVENT": {"VCALENDAR",
		[]string{"UID", "SEQUENCE", "DTSTAMP", "LAST-MODIFIED", "DTSTART", "DTEND", "SUMMARY", "ORGANIZER", "ATTENDEE",
			"STATUS", "TRANSP", "X-MICROSOFT-CDO-BUSYSTATUS"},
		[]string{"CREATED", "DESCRIPTION", "LOCATION", "URL"}},
	"VALARM": {"VEVENT", []string{"ACTION", "TRIGGER", "DESCRIPTION"}, nil},
}

var textProperties = []string{"UID", "SUMMARY", "DESCRIPTION", "LOCATION", "TZID", "TZNAME", "STATUS", "PRODID"}

// unfold checks the physical lines and returns the content lines.
func unfold(t testing.TB, b []byte) []string {
	t.Helper()
	if !utf8.Valid(b) {
		t.Errorf("not UTF-8: %q", b)
	}
	if bytes.HasPrefix(b, []byte("\uFEFF")) {
		t.Error("there is a BOM")
	}
	if !bytes.HasSuffix(b, []byte("END:VCALENDAR\r\n")) {
		t.Errorf("the end is %q", b[max(0, len(b)-20):])
	}
	var unfolded []string
	for _, line := range strings.Split(strings.TrimSuffix(string(b), "\r\n"), "\r\n") {
		if strings.ContainsAny(line, "\r\n") {
			t.Errorf("half a line end in %q", line)
		}
		if len(line) > 75 {
			t.Errorf("%d octets in %q", len(line), line)
		}
		if !utf8.ValidString(line) {
			t.Errorf("a fold within a character: %q", line)
		}
		if line == "" {
			t.Error("an empty line")
		}
		if rest, folded := strings.CutPrefix(line, " "); folded && len(unfolded) > 0 {
			unfolded[len(unfolded)-1] += rest
		} else {
			unfolded = append(unfolded, line)
		}
	}
	return unfolded
}

func hasLine(lines []string, want string) bool { return slices.Contains(lines, want) }

// checkLines checks an invitation against the grammar and the closed list of
// components and properties, without any parser's forgiveness.
func checkLines(t testing.TB, b []byte) {
	t.Helper()
	var open []string
	var seen []map[string]int
	count := map[string]int{}
	for _, line := range unfold(t, b) {
		if !contentLine.MatchString(line) {
			t.Errorf("not a content line: %q", line)
			continue
		}
		if turned.MatchString(line) {
			t.Errorf("a character that should have been dropped in %q", line)
		}
		nameAndParameters, value := cutLine(line)
		name, _, _ := strings.Cut(nameAndParameters, ";")
		switch name {
		case "BEGIN":
			c, ok := components[value]
			if parent := append([]string{""}, open...)[len(open)]; !ok || parent != c.inside {
				t.Errorf("component %s in %q", value, parent)
			}
			open, seen = append(open, value), append(seen, map[string]int{})
			count[value]++
			continue
		case "END":
			if len(open) == 0 || open[len(open)-1] != value {
				t.Fatalf("END:%s in %v", value, open)
			}
			for _, property := range components[value].required {
				// Of all properties, one depends on the method (RFC 5546 3.2.1).
				published := property == "ATTENDEE" && bytes.Contains(b, []byte("\r\nMETHOD:PUBLISH\r\n"))
				if there := seen[len(seen)-1][property] > 0; there == published {
					t.Errorf("%s in %s is %t", property, value, there)
				}
			}
			open, seen = open[:len(open)-1], seen[:len(seen)-1]
			continue
		}
		if len(open) == 0 {
			t.Fatalf("outside of any component: %q", line)
		}
		component := open[len(open)-1]
		if c := components[component]; !slices.Contains(c.required, name) && !slices.Contains(c.allowed, name) {
			t.Errorf("property %s in %s", name, component)
		}
		if seen[len(seen)-1][name]++; seen[len(seen)-1][name] > 1 {
			t.Errorf("a second %s in %s", name, component)
		}
		if slices.Contains(textProperties, name) && !escapedText.MatchString(value) {
			t.Errorf("not TEXT: %q", line)
		}
	}
	if len(open) > 0 {
		t.Errorf("still open: %v", open)
	}
	if count["VCALENDAR"] != 1 || count["VEVENT"] != 1 || count["VALARM"] > 1 || count["VTIMEZONE"] > 1 ||
		count["STANDARD"] != count["VTIMEZONE"] || count["DAYLIGHT"] > count["VTIMEZONE"] {
		t.Errorf("components: %v", count)
	}
}

// cutLine cuts a content line at the colon that ends its parameters.
func cutLine(line string) (nameAndParameters, value string) {
	quoted := false
	for i, c := range line {
		switch {
		case c == '"':
			quoted = !quoted
		case c == ':' && !quoted:
			return line[:i], line[i+1:]
		}
	}
	return line, ""
}

// checkMeaning reads an invitation with another library and compares all that
// it says with what it was made of.
func checkMeaning(t testing.TB, inv *Invitation, b []byte) {
	t.Helper()
	cal, err := ical.NewDecoder(bytes.NewReader(b)).Decode()
	if err != nil {
		t.Fatalf("read with another parser: %v\n%s", err, b)
	}
	events := cal.Events()
	if len(events) != 1 {
		t.Fatalf("got %d events", len(events))
	}
	event := events[0]
	text := func(p ical.Props, name string) string {
		t.Helper()
		// Not Props.Text, which gives the first of several at a comma.
		prop := p.Get(name)
		if prop == nil {
			return ""
		}
		list, err := prop.TextList()
		if err != nil || len(list) != 1 {
			t.Errorf("%s is %q, %v", name, list, err)
			return ""
		}
		return list[0]
	}
	utc := func(instant time.Time) string { return instant.UTC().Format("20060102T150405Z") }
	raw := func(name string) string {
		if p := event.Props.Get(name); p != nil {
			return p.Value
		}
		return ""
	}
	status, created := "CONFIRMED", ""
	if inv.Method == Cancel {
		status = "CANCELLED"
	}
	if !inv.Created.IsZero() {
		created = utc(inv.Created)
	}
	for _, tt := range []struct{ what, got, want string }{
		{"METHOD", text(cal.Props, "METHOD"), string(inv.Method)},
		{"VERSION", text(cal.Props, "VERSION"), "2.0"},
		{"PRODID", text(cal.Props, "PRODID"), "-//convened//convened//EN"},
		{"UID", text(event.Props, "UID"), inv.UID},
		{"SEQUENCE", raw("SEQUENCE"), fmt.Sprint(inv.Sequence)},
		{"DTSTAMP", raw("DTSTAMP"), utc(inv.Stamp)},
		{"LAST-MODIFIED", raw("LAST-MODIFIED"), utc(inv.Stamp)},
		{"CREATED", raw("CREATED"), created},
		{"SUMMARY", text(event.Props, "SUMMARY"), oneLine(inv.Summary)},
		{"DESCRIPTION", text(event.Props, "DESCRIPTION"), lines(inv.Description)},
		{"LOCATION", text(event.Props, "LOCATION"), oneLine(inv.Location)},
		{"STATUS", text(event.Props, "STATUS"), status},
		{"TRANSP", text(event.Props, "TRANSP"), "OPAQUE"},
		{"X-MICROSOFT-CDO-BUSYSTATUS", raw("X-MICROSOFT-CDO-BUSYSTATUS"), "BUSY"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.what, tt.got, tt.want)
		}
	}
	if (raw("URL") != "") != (inv.URL != "") {
		t.Errorf("URL: got %q, want %q", raw("URL"), inv.URL)
	}
	checkPerson(t, event.Props.Get("ORGANIZER"), inv.Organizer)
	checkPerson(t, event.Props.Get("ATTENDEE"), inv.Attendee)
	if p := event.Props.Get("ATTENDEE").Params; p.Get("PARTSTAT") != "ACCEPTED" || p.Get("RSVP") != "FALSE" {
		t.Errorf("ATTENDEE: got %v", p)
	}

	starts, ends := instants(t, cal, event)
	if want := inv.Starts.Truncate(time.Second); !starts.Equal(want) {
		t.Errorf("starts: got %v, want %v", starts, want.UTC())
	}
	if want := inv.Ends.Truncate(time.Second); !ends.Equal(want) {
		t.Errorf("ends: got %v, want %v", ends, want.UTC())
	}
	checkAlarm(t, inv, event)
}

func checkPerson(t testing.TB, prop *ical.Prop, person Person) {
	t.Helper()
	u, err := url.Parse(prop.Value)
	if err != nil || u.Scheme != "mailto" {
		t.Errorf("%s is %q, %v", prop.Name, prop.Value, err)
		return
	}
	address, err := url.PathUnescape(u.Opaque)
	if err != nil || strings.Count(u.Opaque, "@") != 1 {
		t.Errorf("%s is %q, %v", prop.Name, prop.Value, err)
	}
	if isASCII(person.Email) && address != person.Email {
		t.Errorf("%s: got %q, want %q", prop.Name, address, person.Email)
	}
	want := commonName(person.Name)
	if want == "" && prop.Name == "ORGANIZER" {
		want = commonName(person.Email)
	}
	if got := prop.Params.Get("CN"); got != want {
		t.Errorf("CN of %s: got %q, want %q", prop.Name, got, want)
	}
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > 127 })
}

func checkAlarm(t testing.TB, inv *Invitation, event ical.Event) {
	t.Helper()
	want := inv.Method != Cancel && inv.Alarm >= time.Second
	if got := len(event.Children) == 1 && event.Children[0].Name == "VALARM"; got != want || len(event.Children) > 1 {
		t.Errorf("alarm: got %d components in the event, want an alarm: %v", len(event.Children), want)
		return
	}
	if !want {
		return
	}
	alarm := event.Children[0]
	got, err := alarm.Props.Get("TRIGGER").Duration()
	if err != nil || got != -inv.Alarm.Truncate(time.Second) {
		t.Errorf("TRIGGER: got %v, %v, want %v", got, err, -inv.Alarm)
	}
	if a := alarm.Props.Get("ACTION").Value; a != "DISPLAY" {
		t.Errorf("ACTION: got %s", a)
	}
}
