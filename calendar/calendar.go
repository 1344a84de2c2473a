// Package calendar writes the invitation that travels in a letter: an
// iCalendar object (RFC 5545) with one event and one attendee, as an iTIP
// request or cancellation (RFC 5546); the file that says the same to whoever
// opens it; and the add-to-calendar links for people whose mail program files
// invitations aside.
//
// The invariant: what Encode returns depends on the Invitation alone, never on
// the clock, chance or the machine's own zone, and every parser reads the same
// event out of it. So nothing that a person typed reaches a line unclean, each
// property appears at most once, and times are said by zone only where the
// VTIMEZONE beside them gives the very instants that Go's tzdata gives;
// everywhere else they are in UTC.
//
// It will not decide who invites whom, when an invitation is revised, or what
// its text says: the mailer does. It writes no recurring event, no
// RDATE, no X-ALT-DESC, and nobody's data but the two persons' it is given. Of
// other people's calendars it reads one thing: the answer to an invitation
// (ParseReply).
//
// # The library
//
// The component tree, the escapes of TEXT and the folding of lines are
// github.com/arran4/golang-ical's. Where v0.3.4 would write something invalid,
// this package goes around it, each time with a comment:
//
//   - lines end in LF unless asked otherwise (Encode);
//   - CR and LF in a value begin a new property (text.go cleans or refuses);
//   - parameter values get backslashes, which RFC 5545 3.2 does not know, in
//     place of double quotes (addPerson);
//   - SetStartAt and SetEndAt write UTC even beside a TZID (addTime);
//   - it has no way to add a DAYLIGHT observance (Zone.component).
package calendar

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"time"

	ics "github.com/arran4/golang-ical"

	"convened"
)

// A Method is what an invitation asks for (RFC 5546 1.4). Letters must repeat
// it in the Content-Type of the part that holds the invitation (RFC 6047 2.4).
type Method string

// The methods. Letters use the first two: Outlook prints a PUBLISH in a letter as
// raw text.
const (
	Request Method = "REQUEST" // to come: new, moved, changed, or the same again
	Cancel  Method = "CANCEL"  // not to come: the event is off, or the seat is given up

	// Publish is for a file that a person opens. Calendars store it as an
	// appointment, where they take a REQUEST that came without a mail for one to be
	// answered. It is the letter's invitation but for this and its ATTENDEE, which a
	// PUBLISH must not have (RFC 5546 3.2.1), so the letters that follow find it by
	// its UID.
	Publish Method = "PUBLISH"
)

// A Person is one end of an invitation.
type Person struct {
	Name  string // as the person typed it; "" is none
	Email string // an addr-spec (RFC 5322 3.4.1), without angle brackets
}

// An Invitation is one event for one person, as one letter says it.
type Invitation struct {
	Method Method

	// UID never changes, whatever happens to the event (RFC 5545 3.8.4.7). It
	// holds no address: letters, digits and "-._:" are accepted.
	UID string

	// Sequence is the revision (RFC 5545 3.8.7.4), and Stamp the moment of it.
	// Both rise together; a reminder or a resend repeats them. Stamp is written
	// as DTSTAMP and as LAST-MODIFIED.
	Sequence int
	Stamp    time.Time

	Created time.Time // zero: left out
	Starts  time.Time // an instant, in whatever location; whole seconds count
	Ends    time.Time // after Starts

	// Zone is the IANA name of the zone that the times are said in. Where it
	// can't be said (see Timezone), or is none that convened.LoadZone takes, or
	// where a time exists twice in it, both times are said in UTC.
	Zone string

	Summary     string // one line, never ""
	Description string // may have several lines; "" is left out
	Location    string // one line; "" is left out
	URL         string // http or https; "" is left out

	// Language is the tag (RFC 5646) of the language of Summary, Description and
	// Location. Leave it "" where they differ.
	Language string

	Organizer Person // who invites; without a name, the address stands for it
	Attendee  Person // the recipient of the letter, and nobody else; not said in a PUBLISH

	// Alarm is how long before the start the calendar shows a notice, in whole
	// seconds. Zero: none. A CANCEL never has one.
	Alarm time.Duration
}

// Encode returns the invitation as it stands in a letter: UTF-8 without a BOM,
// CRLF after each line, no line longer than 75 octets. The same invitation is
// the same bytes each time.
//
// Texts are cleaned: control and bidi-override characters are dropped and
// invalid UTF-8 becomes U+FFFD. What can't be cleaned without changing what it
// means (UID, addresses, URL, times), and a missing title, is an error that wraps
// convened.ErrRefused and holds no address.
func (inv *Invitation) Encode() ([]byte, error) {
	cal, err := inv.calendar()
	if err != nil {
		return nil, fmt.Errorf("encode invitation: %w: %w", err, convened.ErrRefused)
	}
	var b bytes.Buffer
	// CRLF (RFC 5545 3.1) has to be asked for: the library's own default is the
	// newline of the machine that it runs on.
	if err := cal.SerializeTo(&b, ics.WithNewLine("\r\n"), ics.WithLineLength(75)); err != nil {
		return nil, fmt.Errorf("encode invitation: %w", err)
	}
	return b.Bytes(), nil
}

// calendar builds the whole object: the frame, the zone, the event.
func (inv *Invitation) calendar() (*ics.Calendar, error) {
	event, err := inv.event()
	if err != nil {
		return nil, err
	}
	cal := ics.NewCalendar()
	cal.SetProductId("-//convened//convened//EN")
	cal.SetMethod(ics.Method(inv.Method))

	if zone, loc, ok := inv.zone(); ok {
		cal.AddVTimezone(zone.component())
		addTime(event, ics.ComponentPropertyDtStart, inv.Starts.In(loc), zone.name)
		addTime(event, ics.ComponentPropertyDtEnd, inv.Ends.In(loc), zone.name)
	} else {
		event.SetStartAt(inv.Starts)
		event.SetEndAt(inv.Ends)
	}
	if inv.Method != Cancel && inv.Alarm >= time.Second {
		addAlarm(event, inv.Alarm)
	}
	cal.AddVEvent(event)
	return cal, nil
}

// event builds the VEVENT but for its times, which need the zone, and its
// alarm. Its properties are a closed list: clients differ on every other.
func (inv *Invitation) event() (*ics.VEvent, error) {
	if err := inv.check(); err != nil {
		return nil, err
	}
	organizer, err := mailto(inv.Organizer.Email)
	if err != nil {
		return nil, fmt.Errorf("organizer: %w", err)
	}
	attendee := ""
	if inv.Method != Publish {
		if attendee, err = mailto(inv.Attendee.Email); err != nil {
			return nil, fmt.Errorf("attendee: %w", err)
		}
	}
	link, err := webURL(inv.URL)
	if err != nil {
		return nil, err
	}
	event := ics.NewEvent(inv.UID)
	event.SetSequence(inv.Sequence)
	event.SetDtStampTime(inv.Stamp)
	if !inv.Created.IsZero() {
		event.SetCreatedTime(inv.Created)
	}
	event.SetModifiedAt(inv.Stamp)

	language := inv.language()
	event.SetSummary(oneLine(inv.Summary), language...)
	if s := lines(inv.Description); s != "" {
		event.SetDescription(s, language...)
	}
	if s := oneLine(inv.Location); s != "" {
		event.SetLocation(s, language...)
	}
	if link != "" {
		event.SetURL(link)
	}

	by := commonName(inv.Organizer.Name)
	if by == "" {
		by = commonName(inv.Organizer.Email)
	}
	addPerson(event, "ORGANIZER", by, "", organizer)
	if inv.Method != Publish {
		// The seat is taken already: nothing is asked, and no client shows buttons
		// whose answer nobody waits for.
		addPerson(event, "ATTENDEE", commonName(inv.Attendee.Name), ";PARTSTAT=ACCEPTED;RSVP=FALSE", attendee)
	}

	status := ics.ObjectStatusConfirmed
	if inv.Method == Cancel {
		status = ics.ObjectStatusCancelled
	}
	event.SetStatus(status)
	event.SetTimeTransparency(ics.TransparencyOpaque)
	event.SetProperty("X-MICROSOFT-CDO-BUSYSTATUS", "BUSY")
	return event, nil
}

// check refuses what no cleaning can mend. Addresses and the URL are checked
// where they are written.
func (inv *Invitation) check() error {
	switch {
	case inv.Method != Request && inv.Method != Cancel && inv.Method != Publish:
		return fmt.Errorf("method %q is none of REQUEST, CANCEL and PUBLISH", inv.Method)
	case !safeUID(inv.UID):
		return fmt.Errorf("a UID is 1 to %d letters, digits and any of -._: and holds no address", maxUID)
	case inv.Sequence < 0 || inv.Sequence > math.MaxInt32:
		return fmt.Errorf("sequence %d is not between 0 and 2147483647", inv.Sequence)
	case inv.Stamp.IsZero():
		return errors.New("the moment of the revision is missing")
	case oneLine(inv.Summary) == "":
		// RFC 5546 3.2.2 lets it be empty; libical takes that for an error.
		return errors.New("the event has no title")
	case inv.Starts.IsZero():
		return errors.New("the start is missing")
	case inv.Alarm < 0:
		return fmt.Errorf("an alarm %v after the start is of no use", -inv.Alarm)
	case inv.Ends.Unix() <= inv.Starts.Unix():
		// RFC 5545 3.8.2.2. Seconds are compared, for nothing finer is written.
		return errors.New("the event ends no later than it starts")
	}
	for _, t := range []time.Time{inv.Stamp, inv.Created, inv.Starts, inv.Ends} {
		// Years have four digits (RFC 5545 3.3.4); a local year may be one more.
		if y := t.UTC().Year(); y < 1 || y > 9998 {
			return errors.New("a time is outside of the years 1 to 9998")
		}
	}
	return nil
}

// addTime adds a local time with its TZID. The library's SetStartAt and
// SetEndAt write UTC with a Z, which RFC 5545 3.2.19 forbids beside a TZID.
func addTime(event *ics.VEvent, property ics.ComponentProperty, local time.Time, tzid string) {
	event.SetProperty(property, local.Format("20060102T150405"), ics.WithTZID(tzid))
}

// addPerson adds ORGANIZER or ATTENDEE: the name in double quotes, the other
// parameters as they are given, and a mailto URI.
//
// The library writes CN without quotes and puts backslashes before : ; , " and
// '. RFC 5545 3.2 has no such escape: a colon ends the parameters all the same,
// and the address that clients read is corrupt. So the finished parameters
// travel in the property's name, which it writes as it stands. It then takes
// the value for TEXT; a URI from mailto holds nothing that TEXT escapes.
func addPerson(event *ics.VEvent, property, name, parameters, uri string) {
	if name != "" {
		parameters = `;CN="` + name + `"` + parameters
	}
	event.AddProperty(ics.ComponentProperty(property+parameters), uri)
}

// addAlarm adds the DISPLAY alarm, whose text is required (RFC 5545 3.6.6).
func addAlarm(event *ics.VEvent, before time.Duration) {
	alarm := event.AddAlarm()
	alarm.SetAction(ics.ActionDisplay)
	alarm.SetTrigger("-" + duration(before))
	alarm.SetDescription(event.GetProperty(ics.ComponentPropertySummary).Value)
}

// duration writes elapsed time (RFC 5545 3.3.6). Days are written as hours: a
// day of the calendar has 23 of them, or 25, twice a year.
func duration(d time.Duration) string {
	h, m, s := int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60
	out := "PT"
	if h > 0 {
		out += fmt.Sprintf("%dH", h)
	}
	// The grammar goes from hours to seconds through minutes only.
	if m > 0 || h > 0 && s > 0 {
		out += fmt.Sprintf("%dM", m)
	}
	if s > 0 {
		out += fmt.Sprintf("%dS", s)
	}
	return out
}

// language is the LANGUAGE parameter (RFC 5545 3.2.10) of the texts, which
// Outlook writes in its own invitations and so every client reads. A tag that
// is none is left out.
func (inv *Invitation) language() []ics.PropertyParameter {
	if !languageTag.MatchString(inv.Language) {
		return nil
	}
	return []ics.PropertyParameter{&ics.KeyValues{Key: string(ics.ParameterLanguage), Value: []string{inv.Language}}}
}
