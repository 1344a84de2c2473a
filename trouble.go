package convened

import (
	"regexp"
	"strings"
	"time"
)

// A Trouble is what is wrong with an event some hours before its start: what a
// preflight tells the organiser.
type Trouble struct {
	NoLink bool // there is no link to join, and nowhere to go instead

	Refused int          // people who don't get their mail
	Bounced []RefusedOne // the first of them

	Held []Holding // what waits for somebody to release it

	Poison      int    // letters that can't be made
	PoisonError string // what is wrong with the latest of them; "" if it is not said

	Unsent      int       // confirmations that ought to have gone out
	UnsentSince time.Time // when the first of them was due; UTC
	UnsentError string    // the server's last words; "" if it was never reached

	Waiting string // why a daemon sends nothing: the relay is down …; "" if nothing is in its way
}

// RefusedOne is somebody who does not get their mail.
type RefusedOne struct {
	Email string
	Words string // the server's, or what is wrong with the address
}

// MostBounced is how many of them a preflight lists.
const MostBounced = 20

// UnsentAfter is how long a confirmation may be under way before a preflight
// speaks of it.
const UnsentAfter = 10 * time.Minute

// None reports whether nothing is wrong. That a daemon waits is of no
// consequence where nothing waits for it.
func (t *Trouble) None() bool {
	return t == nil || !t.NoLink && t.Refused == 0 && len(t.Held) == 0 && t.Poison == 0 && t.Unsent == 0
}

// LacksLink reports whether an event has no link to join although it needs one.
func (e *Event) LacksLink() bool { return e.JoinURL == "" && e.Location.Online() }

// Online reports whether a place is on the net: it says so in any language, or
// nobody says where it is.
func (t Text) Online() bool {
	nowhere := true
	for _, s := range t {
		nowhere = nowhere && strings.TrimSpace(s) == ""
		if onlineWords.MatchString(s) {
			return true
		}
	}
	return nowhere
}

// onlineWords are what the place of an event is called that has none.
var onlineWords = regexp.MustCompile(`(?i)\b(online|on-line|virtual|remote|webinar|zoom|teams|meet\b|jitsi|webex|en ligne|virtuel|distance|distanciel|visio|webinaire|en línea|remoto|seminario web|videoconf)`)
