package desk

import (
	"time"

	"convened"
	"convened/scheduler"
)

// NextInstants is how many instants of each rule are shown.
const NextInstants = 5

// A RuleOutline is what one rule of an event amounts to.
type RuleOutline struct {
	Reminder  *convened.Reminder
	Words     string // the rule in words; the rule as it is written, where nobody can read it
	Kind      convened.Kind
	All, Past int         // how many instants it has, and how many of them are past
	Next      []time.Time // the first that are to come, at most NextInstants; UTC
	Findings  []scheduler.Finding
}

// Left is how many instants are to come beyond those of Next.
func (o *RuleOutline) Left() int { return o.All - o.Past - len(o.Next) }

// An Outline is what a schedule amounts to: each rule in words and instants, with
// what is wrong or odd with it.
type Outline struct {
	Event    *convened.Event
	Rules    []RuleOutline       // in the order of the event's reminders
	Findings []scheduler.Finding // about the event itself
}

// OutlineOf says what the schedule of an event amounts to at now, in a language
// that letters exist in. It looks at nothing but the event.
func OutlineOf(e *convened.Event, now time.Time, language string) *Outline {
	o := &Outline{Event: e, Rules: make([]RuleOutline, len(e.Reminders))}
	byKey := map[string]*RuleOutline{}
	for i := range e.Reminders {
		rem, r := &e.Reminders[i], &o.Rules[i]
		r.Reminder, r.Words, r.Kind = rem, rem.Rule, convened.ReminderKind
		if rule, err := scheduler.RuleOf(rem); err == nil {
			r.Words, r.Kind = rule.Words(language), rule.Kind()
		}
		if byKey[rem.Key] == nil {
			byKey[rem.Key] = r
		}
	}
	for _, occasion := range scheduler.Occasions(e) {
		r := byKey[occasion.Key]
		r.All++
		switch {
		case occasion.At.Before(now):
			r.Past++
		case len(r.Next) < NextInstants:
			r.Next = append(r.Next, occasion.At)
		}
	}
	for _, f := range scheduler.Lint(e, now) {
		if r := byKey[f.Reminder]; r != nil {
			r.Findings = append(r.Findings, f)
			continue
		}
		o.Findings = append(o.Findings, f)
	}
	return o
}
