package templates

import "time"

// A Letter is what a template sees: the dot of every file, whatever its kind
// and language. All of it is plain data. What a person typed is cleaned: a name
// or a title has no line end, no control character and no character that turns
// the direction of what follows, and is not longer than 300 characters.
//
// Everything is in the language of the letter, as far as the organiser gave it;
// dates and times are in the zone that their name says.
type Letter struct {
	Kind     string // "confirmation", "reminder", "update", "cancellation", "followup" or "preflight"
	Language string // of the letter: "en", "fr" or "es"
	Again    bool   // a confirmation that repeats an earlier one, because the person registered once more

	Name string // the reader's name; "" where it is not known, or where it holds a link

	Title         string // the event's title
	TitleLanguage string // the language that the title is in, such as "fr"; "" where it is the letter's or not known

	When  string // all of it, in the event's zone: "Wednesday 25 November 2026, 16:00–17:00, Brussels time (UTC+1)"
	Date  string // the date of the start, in the event's zone: "Wednesday 25 November 2026"
	Time  string // from when to when, in the event's zone: "16:00–17:00"; with the date of the end where that is another day
	Zone  string // the event's zone at its start: "Brussels time (UTC+1)"
	Start string // date, time and zone of the start, in the event's zone
	End   string // date, time and zone of the end, in the event's zone

	YourWhen  string // the same as When on the reader's clock, with the date where that is another day; "" where that clock reads the same
	YourDate  string // the date in YourWhen; "" where it is the event's
	YourTime  string // from when to when in YourWhen
	YourZone  string // the reader's zone in YourWhen: "Tokyo time (UTC+9)"
	YourStart string // the same as Start on the reader's clock, always with the date

	Starts time.Time // the start, in the event's zone: {{.Starts.Format "02/01/2006"}}
	Ends   time.Time // the end, in the event's zone

	StartsIn string // how far off the start is, by the reader's days: "tomorrow", "in 40 minutes"; "now" from the start on, "" after the end
	Begun    bool   // the event has begun
	Ended    bool   // the event is over
	Soon     bool   // the start is at most a day off, or past: joining comes first
	Folded   bool   // a confirmation that stands in for a reminder: it should say StartsIn

	HeldIn           string // the language that is spoken, by its name: "French"; "" is not said
	Location         string // where: "Online", or an address; "" is not said
	LocationLanguage string // the language that Location is in; "" where it is the letter's or not known
	JoinURL          string // the link to join; "" where there is none, and in letters that should not offer it
	JoinLater        bool   // there is no link yet and the letter should say that it will follow
	PageURL          string // the event's page on the web; "" is none
	Organizer        string // who invites; "" is not said
	OrganizerEmail   string // where replies go, if the event has an address of its own
	Logo             string // https URL of the organiser's image; "" is none

	Description  *Passage  // the event's description; nil where there is none, and in letters that should not repeat it
	Introduction *Passage  // the organiser's own paragraph in a confirmation; nil is none
	Notes        []Passage // what the organiser says with this reminder or follow-up; in a confirmation, with the reminders it stands in for

	Changes []Change // of an update: what is not as the reader was last told; empty where that is not known
	Moved   *Moved   // of an update: the new and the old time in short; nil where the time is the same

	Trouble *Trouble // of a preflight, which goes to the organiser: what is wrong; nil in every other letter

	EventOff    bool // the event does not take place
	SeatGivenUp bool // the event does, but this person's seat is given up
	Declined    bool // the reader said no in a calendar, and has the seat: the letter should offer to give it up

	Links   Links   // the reader's own links; those that this letter should not offer are ""
	Colours Colours // what the event's colour becomes

	Reservation *Reservation // the schema.org EventReservation, for the script of that type: it prints itself as JSON; nil in a preflight

	Subject   string           // only in the .html and .text files: the finished subject
	Preheader string           // only in the .html and .text files: the line that mailboxes show after the subject
	Words     map[string]Prose // only in the .html and .text files: the blocks of the words files, by their names
}

// A Change is one thing that an update tells: what it is now, and what it was.
type Change struct {
	What     string // "time", "title", "place" or "link"
	Now      string // "" is none any more; of a link, a URL
	NowYours string // of a time: on the reader's clock; "" where that reads the same
	Was      string // "" was none
	WasYours string // of a time: on the reader's clock; "" where that reads the same
}

// A Trouble is what is wrong with an event before its start.
type Trouble struct {
	Event string // the event's slug, for commands

	NoLink bool // there is no link to join, and the event is online

	Refused int       // how many people do not get their mail
	Listed  []Refusal // the first of them
	More    int       // how many are not listed

	Held []Held // what waits for somebody to release it

	Poison      int    // how many letters can't be made
	PoisonError string // what is wrong with the latest of them; "" if it is not said

	Unsent      int    // how many confirmations should have gone out and have not
	UnsentSince string // since when, on the event's clock: "Wednesday 25 November 2026, 09:10"
	UnsentError string // the server's last words; "" if it was never reached
	Waiting     string // why the service sends nothing at this moment, in its own words; "" if it does
}

// A Refusal is somebody who does not get their mail.
type Refusal struct {
	Email string // the address
	Words string // what the server said; "" is not known
}

// Held is mail that waits for somebody to release it.
type Held struct {
	Cause   string // "fuse", "backfill", "over", "recipient" or "doubt"
	Notices int    // how many
	Reason  string // the same as Cause, in English words
}

// Moved is a change of time in so few words that it fits into a subject. What
// both have in common stands only in New.
type Moved struct {
	New string // "26 Nov, 17:00"; with the offset for a reader in another zone: "26 Nov, 17:00 UTC+1"
	Old string // "25 Nov, 16:00"; "16:00" where only the hour is another
}

// A Reservation is the event and the seat as schema.org has them
// (EventReservation), with the properties that Gmail's reference asks for.
// Its fields are the properties.
type Reservation struct {
	Context           string          `json:"@context"`
	Type              string          `json:"@type"`
	ReservationNumber string          `json:"reservationNumber"`
	ReservationStatus string          `json:"reservationStatus"`
	UnderName         person          `json:"underName"`
	ReservationFor    reservedEvent   `json:"reservationFor"`
	ModifyURL         string          `json:"modifyReservationUrl,omitempty"`
	CancelURL         string          `json:"cancelReservationUrl,omitempty"`
	Provider          *reservedPerson `json:"provider,omitempty"`
}

type person struct {
	Type  string `json:"@type"`
	Name  string `json:"name"`
	Email string `json:"email,omitempty"`
}

type reservedPerson struct {
	Type string `json:"@type"`
	Name string `json:"name"`
}

type reservedEvent struct {
	Type              string          `json:"@type"`
	Name              string          `json:"name"`
	StartDate         string          `json:"startDate"`
	EndDate           string          `json:"endDate,omitempty"`
	PreviousStartDate string          `json:"previousStartDate,omitempty"`
	EventStatus       string          `json:"eventStatus"`
	Location          place           `json:"location"`
	InLanguage        string          `json:"inLanguage,omitempty"`
	URL               string          `json:"url,omitempty"`
	Organizer         *reservedPerson `json:"organizer,omitempty"`
}

type place struct {
	Type    string `json:"@type"`
	Name    string `json:"name"`
	Address string `json:"address"`
	URL     string `json:"url,omitempty"`
}
