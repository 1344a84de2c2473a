package intake

import "convened"

// feedback returns what a complaint says it is (RFC 5965 3.1) and what follows
// from it. Two types are no complaints: "not-spam" takes one
// back, which unmutes nobody, and "auth-failure" (RFC 6591) is about signatures.
func feedback(f fields) (kind string, effect convened.Effect, is bool) {
	kind = known(f["feedback-type"], "abuse", "fraud", "opt-out", "opt-out-list", "virus", "not-spam", "auth-failure", "dmarc")
	switch kind {
	case "not-spam", "auth-failure", "dmarc":
		return kind, convened.NoEffect, false
	case "virus":
		// A scanner's opinion, and not the reader's.
		return kind, convened.NoEffect, true
	}
	return kind, convened.RemindersMuted, true
}
