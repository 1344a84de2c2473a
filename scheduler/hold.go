package scheduler

import (
	"convened"
)

// Unconfirmed is why a seat gets no reminder whose confirmation waits for
// somebody: who was never told of the seat is not reminded of it.
const Unconfirmed = "its confirmation is held"

// unconfirmed reports whether the confirmation of a seat is held that said, or
// was to say, that the seat is taken. One in doubt may have arrived.
func unconfirmed(s *convened.Seat) bool {
	for i := range s.Waiting {
		w := &s.Waiting[i]
		if w.Kind == convened.Confirmation && w.State == convened.Held && !w.Marked && !w.Instant.After(s.SeatedAt) {
			return true
		}
	}
	return false
}

// reportHeld speaks of what is held when it begins, and not for each notice.
func (s *Scheduler) reportHeld(list []convened.Holding) {
	for _, h := range list {
		if h.First {
			s.log.Warn("held: not sent until somebody releases it", "event", h.Event, "cause", string(h.Cause), "reason", h.Reason, "notices", h.Notices,
				"mend", "convened notices list --held --event "+h.Event+"; convened notices release --event "+h.Event)
		}
	}
}
