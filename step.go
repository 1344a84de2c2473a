package convened

import (
	"errors"
	"time"
)

// This file holds what plan, claim, send and settle hand to each other: the
// scheduler decides, the store writes, and neither imports the other.

// ErrEdited is returned where an event is not any more as it was read.
var ErrEdited = errors.New("the event was edited at the same time; look again")

// ErrStale is returned where what was looked at must not be built upon any more.
var ErrStale = errors.New("it was looked at too long ago; look again")

// A Newcomer is a registration that nobody has planned yet.
type Newcomer struct {
	ID    RegistrationID
	Event string
	Email string // as the person typed it

	// Filled in by the planner:
	Address string // the identity of the seat: address.Key
	Fault   string // why this can't be an address; "" if it can
}

// Seated is the result of planning newcomers.
type Seated struct {
	Seats   int       // new seats, each with its confirmation
	Repeats int       // registrations of who has a seat already
	Revived int       // seats that had been given up
	Held    []Holding // confirmations that wait for somebody, one for each cause
}

// Recorded is an occasion that was planned, or is being planned.
type Recorded struct {
	Occasion
	Planned bool   // all steps are done
	Notices int    // how many were planned
	Passed  string // why nobody who was registered got it; "" if they did

	RecordedAt time.Time
	Done, Upto int // seats with a number above Done and up to Upto are still to be planned for
}

// An OccasionPlan says how an occasion is to be planned.
type OccasionPlan struct {
	Event    string
	Occasion Occasion
	Revision int // of the event for which the occasion was computed
	Kind     Kind
	Passed   string    // why nobody who is registered gets it, or ""
	TooLate  string    // why its notices are cancelled from the start, or ""
	SeatedBy time.Time // who took a seat after this is left out: the confirmation says it
	Folds    bool      // a confirmation or an update for an instant after SeatedBy says it too: who has one is left out
}

// A Step is what one step of planning did.
type Step struct {
	Notices int  // rows that were new
	Done    bool // nothing is left of it
	Lost    bool // somebody else was quicker, or nothing may be claimed: nothing was done
}

// An Ahead is a step of an occasion that was looked at before it is planned: the seats
// with a number above From and up to Upto.
type Ahead struct {
	From, Upto int
	Last       bool     // no seat is left beyond it
	Claims     []*Claim // with the numbers that their notices will have; nobody has made them
	Seats      []int    // the number of each one's seat
	Doubts     int      // what the store knew when it looked: see store.PlanAhead
}

// A Mark is a letter that is rendered and about to go.
type Mark struct {
	Notice    NoticeID
	Attempt   int
	Event     string // that the letter was made from
	MessageID string // without angle brackets
	Revision  int    // of the event
	Sequence  int    // of the registration that the letter was made from
}

// A Settlement is an outcome and what follows from it for the row.
type Settlement struct {
	Outcome
	Registration RegistrationID // whose notice it is; 0: nobody knows any more
	DueAt        time.Time      // where State is Planned or Unknown: when to look at it again
	Reason       string         // where State is Cancelled, Refused or Held: why, in words
}

// Recovered counts what was taken back from dead hands.
type Recovered struct {
	GivenBack int // claims of hands that are gone, not marked: planned again
	Doubtful  int // marked and never settled: unknown
	Retried   int // unknown for long enough: planned again
	Held      int // unknown too often
}

// Doubt bounds how often a letter of each kind goes out again after nobody knew
// whether it had arrived; then it is held. A kind that is not named never does.
type Doubt map[Kind]int

// UsualDoubt is what is right for most: nobody may be left without a
// confirmation or with an old time, and a reminder twice is worse than one less.
func UsualDoubt() Doubt {
	return Doubt{Confirmation: 3, Update: 3, Cancellation: 3, ReminderKind: 1, Followup: 1, Preflight: 1}
}
