package scheduler

import (
	"slices"
	"time"

	"convened"
)

// Why a notice has lost its use: the words that stand on its row.
const (
	TooLate    = "too late"
	EventOver  = "too late: the event is over"
	EventOff   = "the event is off"
	EventMoved = "the event moved"
	Withdrawn  = "the registration was cancelled"
	Muted      = "the reminders were muted"
	Superseded = "superseded: what it would say was said"
	RuleGone   = "the rule was removed"
	Erased     = "the registration was erased"
	NotOff     = "superseded: it takes place after all"

	NothingWrong = "nothing is wrong any more"
)

// Useless returns why a claimed notice needs not be sent any more, or "". It is
// a pure function of what was claimed.
func Useless(now time.Time, c *convened.Claim, grace time.Duration) string {
	e, r := &c.Event, &c.Registration
	if !r.ErasedAt.IsZero() {
		return Erased
	}
	off, left := e.Status == convened.EventIsOff, !r.CancelledAt.IsZero()
	switch c.Notice.Kind {
	case convened.Confirmation:
		switch {
		case off:
			return EventOff
		case left:
			return Withdrawn
		case !now.Before(e.Ends):
			return EventOver
		}
	case convened.Update:
		switch {
		case off:
			return EventOff
		case left:
			return Withdrawn
		case !now.Before(e.Ends):
			return EventOver
		case c.Told >= c.Sequence():
			return Superseded
		}
	case convened.Cancellation:
		switch {
		case !off && !left:
			return NotOff
		case !now.Before(e.Ends):
			return EventOver
		case c.Told >= c.Sequence():
			return Superseded
		}
	case convened.Preflight:
		switch {
		case off:
			return EventOff
		case !now.Before(e.Starts):
			return TooLate
		case c.Notice.Occasion != convened.PreflightOccasion(e.Starts):
			return EventMoved
		case c.Trouble.None():
			return NothingWrong
		}
	case convened.ReminderKind, convened.Followup:
		o, err := convened.ParseOccasion(c.Notice.Occasion)
		switch {
		case off:
			return EventOff
		case left:
			return Withdrawn
		case !r.MutedAt.IsZero():
			return Muted
		case c.Reminder == nil || err != nil:
			return RuleGone
		case !o.Start.Equal(e.Starts):
			return EventMoved
		case now.After(lastUse(c, grace)):
			return TooLate
		}
	}
	return ""
}

// lastUse returns the instant after which a notice is of no use. A reminder
// before the start is of none from the start on.
func lastUse(c *convened.Claim, grace time.Duration) time.Time {
	switch c.Notice.Kind {
	case convened.ReminderKind, convened.Followup:
		o := convened.Occasion{Start: c.Event.Starts, At: c.Notice.Instant}
		return Deadline(o, c.Notice.Kind, grace)
	case convened.Preflight:
		return c.Event.Starts
	default:
		return c.Event.Ends
	}
}

// Folded returns the reminders that a confirmation stands in for, for somebody
// who took the seat at the given instant: those with `late: fold` whose instant
// is past or less than convened.FoldWindow away. Who took the seat earlier than
// that gets the reminder itself: see OccasionPlanOf.
func Folded(e *convened.Event, seated time.Time) []convened.Occasion {
	if !seated.Before(e.Starts) {
		return nil
	}
	var folded []convened.Occasion
	for _, o := range Occasions(e) {
		if !o.At.Before(seated.Add(convened.FoldWindow)) {
			break
		}
		i := slices.IndexFunc(e.Reminders, func(r convened.Reminder) bool { return r.Key == o.Key })
		if i < 0 || e.Reminders[i].Late != convened.Fold {
			continue
		}
		if rule, err := RuleOf(&e.Reminders[i]); err == nil && rule.Kind() == convened.ReminderKind {
			folded = append(folded, o)
		}
	}
	return folded
}
