package convened

import (
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

// LacksLink reports whether an event has no link to join although it needs one:
// it is somewhere on the net, or nowhere that is said.
func (e *Event) LacksLink() bool {
	if e.JoinURL != "" {
		return false
	}
	somewhere := false
	for _, place := range e.Location {
		place = strings.ToLower(place)
		for _, word := range onlineWords {
			if strings.Contains(place, word) {
				return true
			}
		}
		somewhere = somewhere || strings.TrimSpace(place) != ""
	}
	return !somewhere
}

// onlineWords are parts of what organisers write for a place on the net.
var onlineWords = []string{
	"online", "on-line", "virtual", "webinar", "remote", "web conference", "video conference", "videoconference", "hybrid", "internet",
	"en ligne", "virtuel", "à distance", "distanciel", "en visio", "visioconf", "webinaire", "hybride",
	"en línea", "en linea", "a distancia", "remoto", "videollamada", "videoconferencia", "híbrido",
	"zoom", "teams", "webex", "jitsi", "google meet", "bigbluebutton",
}
