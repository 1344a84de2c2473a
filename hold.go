package convened

import "time"

// This file holds the words for mail that is kept back until somebody looks:
// single notices, which are held, and all of it, which is a quarantine.

// Why a notice is held: its cause while it is. CauseDoubt is another.
const (
	CauseFuse      Cause = "fuse"      // more confirmations of one event within an hour than fuse.max
	CauseBackfill  Cause = "backfill"  // the registration is older than the event: it was copied from elsewhere
	CauseOver      Cause = "over"      // the registration came after the event
	CauseRecipient Cause = "recipient" // allow_recipients does not name the address
)

// TakenOver is why who was taken over quietly gets no confirmation.
const TakenOver = "taken over from a table that was there before, without a letter"

// HoldCauses lists why notices are held, as `notices release --reason` takes it.
func HoldCauses() []Cause {
	return []Cause{CauseFuse, CauseBackfill, CauseOver, CauseRecipient, CauseDoubt}
}

// A Holding says that notices of an event are held, for one cause.
type Holding struct {
	Event   string
	Cause   Cause
	Reason  string // in words
	Notices int
	First   bool // nothing of the event was held for this cause before: it has just begun
}

// A Quarantine is the error of a claim while nothing may be sent, because the
// database may be a copy of one that others serve. Planning goes on.
type Quarantine struct {
	Reason string    // in words
	Since  time.Time // by the database's clock
}

// Error says how it ends.
func (q *Quarantine) Error() string {
	return "quarantine: " + q.Reason + "; see docs/safety.md, and end it with `convened notices release --quarantine`"
}
