package mailer

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"convened"
	"convened/address"
	"convened/calendar"
)

// alarm is how long before the start a calendar speaks up.
const alarm = 15 * time.Minute

// carriesInvitation reports whether letters of a kind have a calendar: those
// about a seat at an event to come.
func carriesInvitation(k convened.Kind) bool {
	return k != convened.Followup && k != convened.Preflight
}

// Invitation returns what the reader's calendar should hold of a claim's event and
// seat, as every letter about this revision carries it, for a file that says the
// same. Where the seat is withdrawn, it is a calendar.Cancel. Its errors are those
// of Compose for an address that is none; they hold no address.
func (c *Composer) Invitation(now time.Time, claim *convened.Claim) (*calendar.Invitation, error) {
	to, err := recipient(claim)
	if err != nil {
		return nil, fmt.Errorf("make invitation: %w", err)
	}
	return c.invitation(claim, to, now), nil
}

// invitation says what the reader's calendar should hold after this letter. Every
// letter about one revision says the same, whatever its kind: what depends on
// the claim beyond the event and the seat would show as a change.
func (c *Composer) invitation(claim *convened.Claim, to mailbox, now time.Time) *calendar.Invitation {
	e, r := &claim.Event, &claim.Registration
	language := convened.LetterLanguage(e, r)
	title, titleIn := e.Title.InWith(language, e.Language)
	place, placeIn := e.Location.InWith(language, e.Language)
	description, descriptionIn := e.Description.InWith(language, e.Language)
	inv := &calendar.Invitation{
		Method:      calendar.Request,
		UID:         r.UID,
		Sequence:    claim.Sequence(),
		Stamp:       claim.Stamp(),
		Created:     r.CreatedAt,
		Starts:      e.Starts,
		Ends:        e.Ends,
		Zone:        e.Zone,
		Summary:     cleanLine(title, maxTitle),
		Location:    cleanLine(place, maxTitle),
		Description: describe(e, description, language),
		URL:         firstWebURL(e.JoinURL, e.PageURL),
		Organizer:   c.organizer(e, to),
		Attendee:    calendar.Person{Name: to.name, Email: to.String()},
		Alarm:       alarm,
	}
	if claim.Test {
		// A trial must not move or withdraw what the registrants' calendars hold.
		inv.UID = "test-" + inv.UID
	}
	if claim.Off() {
		inv.Method, inv.Alarm = calendar.Cancel, 0
	}
	if titleIn == language && (placeIn == language || place == "") && (descriptionIn == language || description == "") {
		inv.Language = language
	}
	if inv.Summary == "" {
		inv.Summary = cleanLine(e.Slug, maxTitle) // an event without a title has no letters otherwise
	}
	if inv.Stamp.IsZero() {
		// Only a claim that no row stands behind, such as a preview's, has
		// never been revised.
		inv.Stamp = now.UTC().Truncate(time.Second)
	}
	return inv
}

// organizer returns whom calendars answer to: the organiser's own address
// where it is of the sender's domain (or Outlook and Gmail take the invitation
// for somebody else's), else From's, under the organiser's name. It is the same in
// every letter to one person, and never that person, who could not accept an invitation
// of their own.
func (c *Composer) organizer(e *convened.Event, to mailbox) calendar.Person {
	p := calendar.Person{Name: cleanLine(e.Organizer.Name, maxName), Email: c.from.String()}
	if p.Name == "" {
		p.Name = c.from.name
	}
	a, err := address.Parse(e.Organizer.Email)
	if err == nil && !a.NeedsSMTPUTF8() && a.Domain == c.from.Domain && address.Key(a.String()) != address.Key(to.String()) {
		p.Email = a.String()
	}
	return p
}

// replyToFor returns where a reader's answer goes: to the organiser, or to
// smtp.reply_to where the event names no address that a header field can hold,
// and where it is the organiser who reads.
func (c *Composer) replyToFor(claim *convened.Claim) mailbox {
	if claim.Notice.Kind == convened.Preflight {
		return c.replyTo
	}
	o := claim.Event.Organizer
	a, err := address.Parse(o.Email)
	if err != nil || a.NeedsSMTPUTF8() {
		return c.replyTo
	}
	return mailbox{cleanLine(o.Name, maxName), a}
}

// The words of an invitation that are ours, by language.
var inviteWords = map[string]struct{ join, page string }{
	"en": {"Join: ", "Event page: "},
	"fr": {"Participer\u00a0: ", "Page de l’événement\u00a0: "},
	"es": {"Unirse: ", "Página del evento: "},
}

// describe writes DESCRIPTION: what the organiser says of the event, within
// reason, then how to join it and where to read more, for calendars that show no URL.
func describe(e *convened.Event, description, language string) string {
	words := inviteWords[language]
	var parts []string
	if description = strings.TrimSpace(clip(description, maxDescription)); description != "" {
		parts = append(parts, description+"\n")
	}
	if u := firstWebURL(e.JoinURL); u != "" {
		parts = append(parts, words.join+u)
	}
	if u := firstWebURL(e.PageURL); u != "" {
		parts = append(parts, words.page+u)
	}
	return strings.TrimSpace(strings.Join(parts, "\n"))
}

// firstWebURL returns the first that a calendar can hold. An event is checked
// when it is written; one that was not loses a link here, not its letters.
func firstWebURL(candidates ...string) string {
	for _, s := range candidates {
		u, err := url.Parse(s)
		if err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http") &&
			!strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
			return s
		}
	}
	return ""
}
