package convened

import "time"

// This file holds what the future of an event follows from: the store reads
// it, and the forecast of package scheduler computes from it what the daemon
// will do.

// An Outlook is all that planning looks at of one event, as of one moment.
type Outlook struct {
	Event    *Event
	Recorded []Recorded
	Changes  []PendingChange // that people are not told of yet, in the order in which they are due
	Seats    []Seat          // in the order of their ids
	Arrivals []Arrival       // registrations that nobody has planned yet, in the order of their ids
	Room     int             // how many confirmations the fuse lets through now; -1: as many as there are
}

// A Seat is what planning looks at of one person at an event.
type Seat struct {
	ID          RegistrationID
	Number      int    // in the order in which seats were taken; a new one with each return
	Email       string // as the person typed it
	Language    string // as the form gave it; "" is the event's
	Sequence    int    // see Registration
	SeatedAt    time.Time
	CancelledAt time.Time // zero: has the seat
	MutedAt     time.Time // zero: gets reminders
	RefusedAt   time.Time // zero: the address works, as far as anyone knows
	ErasedAt    time.Time // zero: the personal data is there

	// What is over with, of the notices that are in a final state:
	FirstTold     int       // the lowest SEQUENCE of a confirmation or an update that was on its way; -1: none
	Told          int       // the highest SEQUENCE that was sent; -1: none
	SpokenAt      time.Time // the instant of the latest confirmation or update that was sent; zero: none
	Confirmations int       // how many were planned, those that wait included
	ConfirmedAt   time.Time // when the latest of them was planned that is not cancelled; zero: none
	Reminded      []string  // occasions of its reminders; read only where the seat is about to be taken up again

	Waiting []Waiting // its notices that are in no final state
}

// A Waiting is a notice that something is still to come of.
type Waiting struct {
	ID       NoticeID
	Kind     Kind
	Occasion string
	State    State // Planned, Claimed, Unknown or Held
	Instant  time.Time
	DueAt    time.Time // when it is looked at again
	Failures int
	Doubts   int
	Marked   bool   // it was on its way before
	Sequence int    // of the invitation that it then carried
	Why      string // the server's last words, or why it is held; "" where nothing went wrong
}

// An Arrival is a registration that nobody has planned yet.
type Arrival struct {
	Newcomer
	Language  string
	CreatedAt time.Time
	Quiet     bool           // taken over from a table that was there before, without a letter
	Seat      RegistrationID // whose address it has; 0: nobody's yet
}

// A PendingChange is an edit that people are to be told of.
type PendingChange struct {
	Sequence int  // of the event: what raised it
	Kind     Kind // Update or Cancellation
	Urgent   bool // it does not wait for a later one
	DueAt    time.Time

	// Where planning it has begun, the seats with a number above Done and up to
	// Upto are left; Begun is false before.
	Begun      bool
	Done, Upto int
}

// An Attempt is one try at sending a notice.
type Attempt struct {
	Notice   NoticeID
	Attempt  int
	At       time.Time
	State    State // what came of it
	Phase    string
	Code     int
	Enhanced string
	Cause    Cause
	Reply    string // the server's last words; may hold an address
}
