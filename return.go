package convened

import "time"

// A Return is a mail that came back because of a letter: a bounce, a receipt, a
// complaint, an answer to the invitation. It is a row in convened.returns.
type Return struct {
	Notice       NoticeID       // whose letter; zero where only the seat is known
	Registration RegistrationID // whose seat; zero for a preflight
	At           time.Time      // when it came; by the one clock
	Kind         ReturnKind

	// Action is what was said, in lower case: the Action of a report (RFC 3464
	// 2.3.3: "failed", "delayed" …), the Feedback-Type of a complaint (RFC 5965
	// 3.1: "abuse" …), the PARTSTAT of an answer (RFC 5545 3.2.12: "declined" …).
	// "" for a bounce that is no report.
	Action string

	Status string    // enhanced status code (RFC 3463); "" if none
	Cause  Cause     // of a bounce: CauseAddress, CausePolicy, CauseContent, CauseServer, or "": not said
	Text   string    // the words of the server; may hold an address
	Said   time.Time // of an answer: when it was given, by the clock of who gave it; zero otherwise
	Digest []byte    // of the mail, so that the same one delivered twice is one; nil: not known
	Effect Effect    // what follows from it, and once it is a row, what did follow
}

// A ReturnKind says what came back.
type ReturnKind string

// The kinds of returns, as they stand in the database.
const (
	HardBounce  ReturnKind = "hard"      // the letter did not arrive and won't; Cause says whether another would
	SoftBounce  ReturnKind = "soft"      // it did not arrive yet, or did not for a reason that passes
	OddBounce   ReturnKind = "odd"       // a bounce that does not say why in a form that can be relied on
	Receipt     ReturnKind = "receipt"   // it arrived, or went on to where nobody reports
	Complaint   ReturnKind = "complaint" // the reader called it spam
	AnswerGiven ReturnKind = "answer"    // the reader answered the invitation in a calendar
)

// ReturnKinds lists them.
func ReturnKinds() []ReturnKind {
	return []ReturnKind{HardBounce, SoftBounce, OddBounce, Receipt, Complaint, AnswerGiven}
}

// An Effect is what follows from a return for the seat. It never takes the seat.
type Effect string

// The effects, as they stand in the database.
const (
	NoEffect       Effect = ""
	AddressMarked  Effect = "marked"   // nothing more is sent to the address for this event
	RemindersMuted Effect = "muted"    // no reminders; what is important still goes out
	SaidNo         Effect = "declined" // letters from now on offer to give up the seat
	SaidYes        Effect = "accepted" // the same person thought better of it
)
