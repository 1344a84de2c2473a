// Package convened holds the words of the program: what an event, a
// registration, a reminder and a notice are, and how a notice moves from
// being planned to being settled. It imports the standard library alone, and
// every other package imports it.
//
// # The story
//
// A registration becomes notices: rows, each one mail to one person. Again and
// again the daemon plans the notices that now ought to exist, claims those
// that are due, sends them and settles what came of it. Postgres remembers;
// the daemon only moves rows forward. Kill it at any line and the next start
// carries on. Start three of them and they share the work.
//
//	registration ──plan──▶ notice ──claim──▶ letter ──send──▶ mail ──settle──▶ outcome on the row
//	     store            store, scheduler     templates, calendar   mailer          store
//
// # The states of a notice
//
//	planned ──claim──▶ claimed ──settle──▶ sent
//	  ▲  ▲                │ │ │
//	  │  └─ retry later ──┘ │ ├──▶ refused   the server said no for good; invalid; poison; lost its use after temporary errors
//	  │  └─ given back      │ └──▶ unknown   the connection died after the final dot: the server may have it
//	  └── lease expired ────┘        unknown ──▶ sent (evidence) | planned again, a bounded number of times | held
//	planned | claimed ──▶ cancelled (withdrawn, muted, superseded, event off, too late)      planned ◀──▶ held (fuse, copied, not allowed)
//
// # Invariants
//
//  1. No mail without a row. A notice is unique by registration, kind and
//     occasion. Planning twice changes nothing.
//  2. One hand at a time. Claim is one statement: FOR UPDATE SKIP LOCKED,
//     lease, attempt + 1. Sent is evidence and is accepted from any attempt;
//     every other outcome is fenced by attempt and live lease.
//  3. Forward progress. Each claimed notice leaves the tick sent, refused,
//     unknown, cancelled, or planned again. One bad address, one bad template,
//     one bad event never holds up another.
//  4. Rendered before dialled. The whole letter exists in memory before the
//     first SMTP byte.
//  5. A retry is the same letter: Message-ID and UID derive from the row,
//     never from time or chance.
//  6. A sent mail is recorded, even while shutting down.
//  7. Time is an argument. What is due, late or to be retried is judged by one
//     clock in cmd. Leases and heartbeats alone go by the database's clock.
//     Zones are IANA names; an event's local wall time and zone are the truth
//     and the instant is derived from Go's tzdata, never by Postgres.
//  8. No reminder after the event has begun, none later than its grace. Past
//     it: cancelled, too late.
//  9. No registration is missed: planning looks for rows not yet planned, never
//     for "id above the last one seen".
//  10. No address, name or body in a log above Debug.
//
// Each has a test of that name: TestInvariant1… to TestInvariant10….
package convened

import (
	"errors"
	"time"
)

// A RegistrationID is the identity of a row in convened.registrations. Zero is
// no registration.
type RegistrationID int64

// A NoticeID is the identity of a row in convened.notices. Zero is no notice.
type NoticeID int64

// A Kind says what a notice is for.
type Kind string

// The kinds of notices, as they stand in the database.
const (
	Confirmation Kind = "confirmation" // the seat is taken; carries the invitation
	ReminderKind Kind = "reminder"     // the event is near
	Update       Kind = "update"       // time, place, title or link changed
	Cancellation Kind = "cancellation" // the event is off, or the person's seat is given up
	Followup     Kind = "followup"     // after the event
	Preflight    Kind = "preflight"    // to the organiser: what is wrong before the start
)

// Kinds lists every kind of letter that a registrant can get, in the order of
// an event's life.
func Kinds() []Kind {
	return []Kind{Confirmation, ReminderKind, Update, Cancellation, Followup}
}

// A State is where a notice stands, as the diagram in the package comment has it.
type State string

// The states of a notice, as they stand in the database.
const (
	Planned   State = "planned"
	Claimed   State = "claimed"
	Sent      State = "sent"
	Refused   State = "refused"
	Unknown   State = "unknown"
	Cancelled State = "cancelled"
	Held      State = "held"
)

// An EventStatus says whether an event takes place.
type EventStatus string

// The two statuses of an event.
const (
	Scheduled  EventStatus = "scheduled"
	EventIsOff EventStatus = "cancelled"
)

// An Event is what people register for, as its row in convened.events has it.
// StartsLocal, EndsLocal and Zone are the truth; Starts and Ends follow from
// them (see Event.Derive).
type Event struct {
	Slug         string // unique, the `event:` of the event file
	Title        Text
	Description  Text
	Introduction Text   // a paragraph of the organiser's own, placeholders only
	Location     Text   // what LOCATION says: "Online", or an address
	Language     string // of letters, where a registrant has none: "en", "fr", "es"
	HeldIn       string // the language spoken, printed in each letter; "" is not said
	Zone         string // IANA Region/City, or UTC
	StartsLocal  Wall
	EndsLocal    Wall
	Starts       time.Time // derived, UTC
	Ends         time.Time // derived, UTC
	JoinURL      string    // "" where there is none (yet)
	PageURL      string    // the event's page on the web; "" is none
	Organizer    Organizer
	Colour       string // "#1a5fb4"; "" is the house colour
	Logo         string // https URL of an image; "" is none
	SignUp       bool   // whether the public listener offers a sign-up page
	Status       EventStatus
	Reminders    []Reminder // in the order of the file

	Sequence    int       // rises when start, end, zone, status, title, place or link changes
	Revision    int       // rises at every edit
	SequencedAt time.Time // when Sequence last rose; UTC
	MovedAt     time.Time // when the start was last set; UTC
	CreatedAt   time.Time // when the event was first applied; UTC
}

// An Organizer is who invites. The letters' Reply-To is Email, where it has one.
type Organizer struct {
	Name  string
	Email string
}

// A Late says what a person gets who registers after a reminder's instant.
type Late string

// The three answers to a late registration.
const (
	Fold    Late = "fold"     // the confirmation says it, and reminders due within the next 30 minutes are dropped
	CatchUp Late = "catch-up" // send now
	Skip    Late = "skip"     // nothing
)

// FoldWindow is the time within which a confirmation stands in for a reminder
// with `late: fold`: nobody gets two mails in it where one can say both.
const FoldWindow = 30 * time.Minute

// A Reminder is one rule of an event's schedule. What Rule means is the
// business of package scheduler.
type Reminder struct {
	Key      string    // identity within the event: `name:` in the file, by default Rule
	Rule     string    // the rule's normalised text, such as "before 3 days at 09:00"
	Late     Late      // never ""
	Template string    // base name of the template; "" is "reminder", or "followup" for `after:`
	Note     Text      // a paragraph of the organiser's own, placeholders only
	AddedAt  time.Time // an instant before this is not sent to those who registered before it; UTC
}

// A Registration is one seat: one address for one event.
type Registration struct {
	ID          RegistrationID
	UID         string // a UUID that never changes: the UID of the invitation
	Event       string // slug
	Email       string // as the person typed it
	Name        string // as the person typed it; may be "", hostile or 200 characters long
	Language    string // as the form gave it; "" is the event's. See Registration.In
	Zone        string // as the form gave it; "" is the event's. May be no zone at all
	Sequence    int    // rises when the person cancels or registers again
	SequencedAt time.Time
	CreatedAt   time.Time
	PlannedAt   time.Time // zero: not yet planned
	SeatedAt    time.Time // when the seat was last taken: planned, or taken up again
	CancelledAt time.Time // zero: has the seat
	MutedAt     time.Time // zero: gets reminders
	DeclinedAt  time.Time // when an answer from a calendar said no; zero: none did. The seat stays
	ErasedAt    time.Time // zero: the personal data is there
}

// A Notice is one mail to one person: a row in convened.notices.
type Notice struct {
	ID           NoticeID
	Registration RegistrationID // zero for a preflight
	Event        string         // slug
	Kind         Kind
	Occasion     string // what makes it unique for its registration and kind; see Occasion
	State        State
	Instant      time.Time // what it is for; a retry does not move it. UTC
	DueAt        time.Time // when it is to be tried; a retry moves it. UTC
	Attempt      int       // of the claim: the fence
	Failures     int       // attempts that failed and count
	Doubts       int       // attempts after which nobody knew whether it had arrived
	MessageID    string    // without angle brackets; "" until it was first marked
	SentAt       time.Time
	LastError    string
	Reason       string // why it is cancelled or held
}

// An Occasion is one instant of one reminder: the rule's Ordinal-th for a
// given start.
type Occasion struct {
	Key     string    // the reminder's
	Start   time.Time // of the event, for which this instant was computed; UTC
	Ordinal int       // 1 … at_most
	At      time.Time // when the notice is due; UTC
}

// A Claim is a notice in hand with all that composing its letter needs, as it
// was read in the statement that claimed it.
type Claim struct {
	Notice       Notice
	Event        Event
	Registration Registration // the zero value for a preflight
	Reminder     *Reminder    // the rule, for reminders and follow-ups; nil where the file no longer has it
	Was          *Event       // for an update: the event as this person was last told; nil if never told
	ThreadID     string       // Message-ID of the first confirmation sent; "" if there is none
	Told         int          // for what tells of a change: SEQUENCE of the invitation that this person was sent last; -1: none
	Folded       []Occasion   // for a confirmation: the reminders that it stands in for
	Trouble      *Trouble     // for a preflight: what is wrong
	Fault        string       // why it could not be read whole, so that no letter can be made; "" if it could
	Test         bool         // an organiser's trial: the subject says so, and the invitation is another than the registrants'
}

// Sequence returns the SEQUENCE (RFC 5545 3.8.7.4) of this claim's invitation.
func (c *Claim) Sequence() int { return c.Event.Sequence + c.Registration.Sequence }

// Stamp returns the DTSTAMP (RFC 5545 3.8.7.2) of this claim's invitation: the
// moment of its latest revision, so that a reminder or a resend repeats it. UTC.
func (c *Claim) Stamp() time.Time {
	t := c.Event.SequencedAt
	if c.Registration.SequencedAt.After(t) {
		t = c.Registration.SequencedAt
	}
	return t.UTC().Truncate(time.Second)
}

// Off reports whether the seat is withdrawn: the event is off or the person left.
func (c *Claim) Off() bool {
	return c.Event.Status == EventIsOff || !c.Registration.CancelledAt.IsZero()
}

// An Outcome is what came of one attempt to send a notice.
type Outcome struct {
	Notice  NoticeID
	Attempt int   // of the claim: the fence
	State   State // Sent, Refused, Unknown, Cancelled, or Planned: to be tried again

	// RetryAfter is, where State is Planned, the least time to wait. Zero lets
	// the schedule of retries decide.
	RetryAfter time.Duration

	// Free says, where State is Planned, that the attempt was not the letter's
	// fault and is not counted: given back, the relay is down, a login failed.
	Free bool

	Code     int    // SMTP reply code (RFC 5321 4.2); 0 where no reply was read
	Enhanced string // enhanced status code (RFC 3463), such as "5.1.1"; "" if none
	Reply    string // the server's last words, its queue id among them; may hold an address
	Phase    string // where it happened: compose, connect, greeting, ehlo, tls, auth, mail, rcpt, data, dot
	Cause    Cause
	At       time.Time // when it was known; by the one clock
}

// A Cause classifies a failure for the organiser and for the queue.
type Cause string

// The causes of an outcome that is not Sent.
const (
	CauseAddress  Cause = "address"  // this address does not work: 5.1.x, 5.2.1, or not an address at all
	CausePolicy   Cause = "policy"   // refused by policy, 5.7.x or 554: the operator's business
	CauseContent  Cause = "content"  // a fault of ours: 5.6.x, 552
	CausePoison   Cause = "poison"   // the letter could not be made
	CauseServer   Cause = "server"   // a temporary reply: 4xx
	CauseSlowDown Cause = "slowdown" // 421 or 4.7.x: this recipient domain, slower
	CauseRelay    Cause = "relay"    // the relay can't be reached: connect, greeting, TLS
	CauseLogin    Cause = "login"    // 530, 535: our login is wrong; everything pauses
	CauseDoubt    Cause = "doubt"    // no reply after the final dot
	CauseUseless  Cause = "useless"  // it lost its use: too late, muted, withdrawn, superseded
	CauseStopped  Cause = "stopped"  // given back: the daemon stops
)

// ErrRefused marks an error as permanent: trying again will not help. What
// nobody classified is temporary.
var ErrRefused = errors.New("refused")

// ErrBusy says that somebody else holds what a step needs, and has held it for
// longer than the step may wait: it is for the next tick.
var ErrBusy = errors.New("somebody else holds it")
