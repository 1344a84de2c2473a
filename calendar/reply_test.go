package calendar

import (
	"errors"
	"strings"
	"testing"
	"time"
)

const replyUID = "0b6f4f0e-6a56-4a7e-9a30-1f6f7a6d2c11"

// The answers of three programs to one invitation, as each of them writes it.
const (
	googleReply = `BEGIN:VCALENDAR
PRODID:-//Google Inc//Google Calendar 70.9054//EN
VERSION:2.0
CALSCALE:GREGORIAN
METHOD:REPLY
BEGIN:VEVENT
DTSTART:20261125T150000Z
DTEND:20261125T160000Z
DTSTAMP:20261112T091500Z
ORGANIZER;CN=Metropolis:mailto:events@example.org
UID:` + replyUID + `
ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=DECLINED;CN=Ana de
  la Cruz;X-NUM-GUESTS=0:mailto:ana@example.net
CREATED:20261101T080000Z
DESCRIPTION:Join: https://example.org/join\n
LAST-MODIFIED:20261112T091500Z
LOCATION:Online
SEQUENCE:3
STATUS:CONFIRMED
SUMMARY:Webinar
TRANSP:OPAQUE
END:VEVENT
END:VCALENDAR
`
	outlookReply = `BEGIN:VCALENDAR
METHOD:REPLY
PRODID:Microsoft Exchange Server 2010
VERSION:2.0
BEGIN:VTIMEZONE
TZID:Romance Standard Time
BEGIN:STANDARD
DTSTART:16010101T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE
BEGIN:VEVENT
ATTENDEE;PARTSTAT=TENTATIVE;CN="Cruz: Ana; Metropolis";SENT-BY="mailto:desk@example.net":MAI
 LTO:ana@example.net
COMMENT;LANGUAGE=fr-FR:\n
UID:` + replyUID + `
SUMMARY;LANGUAGE=fr-FR:Provisoire: Webinar
DTSTART;TZID=Romance Standard Time:20261125T160000
DTEND;TZID=Romance Standard Time:20261125T170000
CLASS:PUBLIC
PRIORITY:5
DTSTAMP:20261112T091459Z
TRANSP:OPAQUE
STATUS:CONFIRMED
SEQUENCE:3
LOCATION;LANGUAGE=fr-FR:En ligne
X-MICROSOFT-CDO-APPT-SEQUENCE:3
X-MICROSOFT-CDO-BUSYSTATUS:BUSY
END:VEVENT
END:VCALENDAR
`
	appleReply = `BEGIN:VCALENDAR
CALSCALE:GREGORIAN
METHOD:REPLY
PRODID:-//Apple Inc.//macOS 15.1//EN
VERSION:2.0
BEGIN:VEVENT
ATTENDEE;CN="Ana";PARTSTAT=ACCEPTED:mailto:ana%2Bevents@example.net
DTEND:20261125T160000Z
DTSTAMP:20261112T091501Z
DTSTART:20261125T150000Z
ORGANIZER;CN="Metropolis":mailto:events@example.org
SEQUENCE:3
SUMMARY:Webinar
UID:` + replyUID + `
BEGIN:VALARM
ACTION:DISPLAY
UID:F7A1B1F2-0001-4B8E-8C0F-000000000000
TRIGGER:-PT15M
END:VALARM
END:VEVENT
END:VCALENDAR
`
)

func at(second int) time.Time {
	return time.Date(2026, 11, 12, 9, 15, 0, 0, time.UTC).Add(time.Duration(second) * time.Second)
}

func TestTheAnswersOfCalendarsAreRead(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       Reply
	}{
		{"Google", googleReply, Reply{replyUID, 3, at(0), "ana@example.net", Declined}},
		{"Outlook", outlookReply, Reply{replyUID, 3, at(-1), "ana@example.net", Tentative}},
		{"Apple", appleReply, Reply{replyUID, 3, at(1), "ana+events@example.net", Accepted}},
		{"with CRLF", strings.ReplaceAll(googleReply, "\n", "\r\n"), Reply{replyUID, 3, at(0), "ana@example.net", Declined}},
		{"with a byte order mark", "\uFEFF" + googleReply, Reply{replyUID, 3, at(0), "ana@example.net", Declined}},
		{"cut off behind what matters", googleReply[:strings.Index(googleReply, "TRANSP")], Reply{replyUID, 3, at(0), "ana@example.net", Declined}},
		{"with lines that are none", strings.ReplaceAll(googleReply, "CREATED:", "what is this\n;\n:\n\x00\nX;Y:"), Reply{replyUID, 3, at(0), "ana@example.net", Declined}},
		{"of its own kind", strings.ReplaceAll(googleReply, "DECLINED", "x-maybe"), Reply{replyUID, 3, at(0), "ana@example.net", "X-MAYBE"}},
		{"without the time and the revision", strings.NewReplacer("DTSTAMP:", "X-A:", "SEQUENCE:3", "SEQUENCE:-1").Replace(googleReply), Reply{UID: replyUID, Attendee: "ana@example.net", Answer: Declined}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseReply([]byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			if *got != tt.want {
				t.Errorf("got  %+v\nwant %+v", *got, tt.want)
			}
		})
	}
}

func TestWhatIsNoAnswerToOneInvitationIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":               "",
		"an invitation":         strings.ReplaceAll(googleReply, "METHOD:REPLY", "METHOD:REQUEST"),
		"a counter-proposal":    strings.ReplaceAll(googleReply, "METHOD:REPLY", "METHOD:COUNTER"),
		"without a method":      strings.ReplaceAll(googleReply, "METHOD:REPLY\n", ""),
		"a method of the event": strings.NewReplacer("METHOD:REPLY\n", "", "CREATED:", "METHOD:REPLY\nCREATED:").Replace(googleReply),
		"without a UID":         strings.ReplaceAll(googleReply, "UID:", "X-UID:"),
		"without an attendee":   strings.ReplaceAll(googleReply, "ATTENDEE;", "X-ATTENDEE;"),
		"without an answer":     strings.ReplaceAll(googleReply, "PARTSTAT=DECLINED;", ""),
		"of two people":         strings.ReplaceAll(googleReply, "CREATED:", "ATTENDEE;PARTSTAT=DECLINED:mailto:bo@example.net\nCREATED:"),
		"of two events":         strings.ReplaceAll(googleReply, "END:VCALENDAR\n", "BEGIN:VEVENT\nUID:x\nEND:VEVENT\nEND:VCALENDAR\n"),
		"about one date":        strings.ReplaceAll(googleReply, "CREATED:", "RECURRENCE-ID:20261125T150000Z\nCREATED:"),
		"an event in a journal": strings.NewReplacer("BEGIN:VEVENT", "BEGIN:VJOURNAL\nBEGIN:VEVENT").Replace(googleReply),
		"nested without end":    "BEGIN:VCALENDAR\nMETHOD:REPLY\n" + strings.Repeat("BEGIN:VEVENT\n", 20),
		"longer than any":       googleReply + strings.Repeat("X:y\n", maxReply/4),
		"an unfinished quote":   strings.ReplaceAll(googleReply, "CN=Ana", `CN="Ana`),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ParseReply([]byte(text))
			if !errors.Is(err, ErrNoReply) {
				t.Errorf("got %+v, %v", got, err)
			}
			if err != nil && strings.Contains(err.Error(), "example.net") {
				t.Errorf("the error repeats an address: %v", err)
			}
		})
	}
}

// FuzzReply holds that whatever comes from outside is read or refused, and that
// what is read says who answers what.
func FuzzReply(f *testing.F) {
	for _, text := range []string{googleReply, outlookReply, appleReply, "", "BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\nBEGIN:VEVENT\r\nATTENDEE;PARTSTAT=\"DECLINED\":a\r\n"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := ParseReply(data)
		if (err == nil) != (r != nil) || err != nil && !errors.Is(err, ErrNoReply) {
			t.Fatalf("got %+v, %v", r, err)
		}
		if r != nil && (r.UID == "" || r.Attendee == "" || r.Answer == "" || r.Sequence < 0 || strings.ContainsAny(r.UID, "\r\n")) {
			t.Errorf("got %+v", *r)
		}
	})
}
