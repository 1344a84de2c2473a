package scheduler

import (
	"cmp"
	"slices"
	"time"

	"convened"
)

// A Mailing is one mail to a number of people: a line of the plan.
type Mailing struct {
	Kind     convened.Kind
	Occasion convened.Occasion // of a reminder or a follow-up; the zero value for the other kinds

	// When it goes out: notices that wait for their next try may do so one
	// after the other. Equal where they do not. UTC.
	At, Last time.Time

	Waits     bool           // its notices are planned already
	People    int            // who get it
	Languages map[string]int // how many of them read it in which language
	Not       map[string]int // how many who have a seat do not get it, and why
}

// Forecast returns every mail of an event that is still to come at now if
// nothing is edited and nobody comes or goes, in the order in which they go out.
// An occasion that reaches nobody is among them, one that is past is not.
func Forecast(o *convened.Outlook, now time.Time, p Policy) []Mailing {
	var f Forecaster
	f.Add(o, now, p)
	return f.Mailings()
}

// A Forecaster makes the forecast of an event whose people it sees a part at a time.
// The zero value has seen nobody.
type Forecaster struct{ all *collection }

// Add adds what is foretold of some people of the event: see Forecast. The instant
// and the policy are those of the first part.
func (f *Forecaster) Add(o *convened.Outlook, now time.Time, p Policy) {
	if f.all == nil {
		f.all = &collection{event: o.Event, now: now, byKey: map[mailingKey]*Mailing{}, not: map[mailingKey]map[string]int{}, languages: map[string]string{}}
	}
	c := f.all
	seen := foresee(o, now, p, nil)
	for i := range seen.steps {
		if s := &seen.steps[i]; s.change == nil && s.plan.Passed == "" && s.plan.TooLate == "" {
			m := c.mailing(mailingKey{kind: s.plan.Kind, occasion: s.plan.Occasion.String()}, s.at)
			m.Occasion = s.plan.Occasion
		}
	}
	Future(o, now, p, c.add)
}

// Mailings returns the mails in the order in which they go out.
func (f *Forecaster) Mailings() []Mailing {
	if f.all == nil {
		return nil
	}
	c := f.all
	slices.SortStableFunc(c.list, func(a, b *Mailing) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Kind.Priority(), b.Kind.Priority()))
	})
	list := make([]Mailing, len(c.list))
	for i, m := range c.list {
		list[i] = *m
	}
	return list
}

// A mailingKey is what mails have in common that make one line of the plan.
type mailingKey struct {
	kind     convened.Kind
	occasion string    // of a rule; "" for the other kinds
	waits    bool      // its row is there
	at       time.Time // without a rule and a row
}

// A collection adds fates up to mailings.
type collection struct {
	event     *convened.Event
	now       time.Time
	byKey     map[mailingKey]*Mailing
	list      []*Mailing
	not       map[mailingKey]map[string]int // who is left out of mails: Not of those that there are
	languages map[string]string             // of letters, by that of the registration
}

func (c *collection) mailing(k mailingKey, at time.Time) *Mailing {
	m := c.byKey[k]
	if m == nil {
		m = &Mailing{Kind: k.kind, At: at, Last: at, Waits: k.waits, Languages: map[string]int{}, Not: c.leftOut(k)}
		c.byKey[k] = m
		c.list = append(c.list, m)
	}
	if at.Before(m.At) {
		m.At = at
	}
	if at.After(m.Last) {
		m.Last = at
	}
	return m
}

func (c *collection) add(f Fate) {
	if !f.Goes() {
		c.leaveOut(f)
		return
	}
	k := mailingKey{kind: f.Kind, waits: f.State != ""}
	byRule := ofRule(f.Kind)
	if byRule {
		k.occasion = f.Occasion
	} else if !k.waits {
		k.at = f.At
	}
	m := c.mailing(k, f.At)
	if byRule && m.Occasion.Key == "" {
		m.Occasion = occasionOf(c.event, f.Occasion)
	}
	m.People++
	m.Languages[c.language(f.Seat.Language)]++
}

// leftOut counts who does not get a mail, whether or not anybody does.
func (c *collection) leftOut(k mailingKey) map[string]int {
	if c.not[k] == nil {
		c.not[k] = map[string]int{}
	}
	return c.not[k]
}

// leaveOut counts somebody who does not get a mail that others may get. Who gave
// the seat up is nobody that a line of the plan should count.
func (c *collection) leaveOut(f Fate) {
	switch {
	case f.Why == Withdrawn || f.Why == Erased:
	case ofRule(f.Kind):
		c.leftOut(mailingKey{kind: f.Kind, occasion: f.Occasion})[f.Why]++ // others may get it
	case f.Kind == convened.Confirmation && f.Instant.Equal(c.now) && f.Why != EventOff && f.Why != EventOver:
		// Somebody who has just registered.
		c.mailing(mailingKey{kind: f.Kind, at: c.now}, c.now).Not[f.Why]++
	}
}

// language returns the language of a letter to somebody whose form gave one.
func (c *collection) language(given string) string {
	l, known := c.languages[given]
	if !known {
		l = convened.LetterLanguage(c.event, &convened.Registration{Language: given})
		c.languages[given] = l
	}
	return l
}

// occasionOf reads an occasion and, where the event still has it, its instant.
func occasionOf(e *convened.Event, text string) convened.Occasion {
	for _, o := range Occasions(e) {
		if o.String() == text {
			return o
		}
	}
	o, err := convened.ParseOccasion(text)
	if err != nil {
		return convened.Occasion{Key: text}
	}
	return o
}

// AsIf returns an outlook as if it were an earlier instant with everything else
// as it is: who is registered was so by then, the rules and the start were set,
// and what is for a later instant has not gone out. It is how a plan is looked at
// from another day; it is not what was foretold on that day.
func AsIf(o *convened.Outlook, at time.Time) *convened.Outlook {
	past := *o
	e := *o.Event
	e.MovedAt = earlier(e.MovedAt, at)
	e.Reminders = slices.Clone(e.Reminders)
	for i := range e.Reminders {
		e.Reminders[i].AddedAt = earlier(e.Reminders[i].AddedAt, at)
	}
	past.Event = &e
	past.Recorded = slices.DeleteFunc(slices.Clone(o.Recorded), func(r convened.Recorded) bool { return r.At.After(at) })
	past.Seats = slices.Clone(o.Seats)
	for i := range past.Seats {
		s := &past.Seats[i]
		if s.SeatedAt.After(at) {
			s.SeatedAt = at.Add(-convened.FoldWindow)
		}
		if s.SpokenAt.After(at) {
			s.SpokenAt = time.Time{}
		}
		s.Waiting = slices.DeleteFunc(slices.Clone(s.Waiting), func(w convened.Waiting) bool {
			return ofRule(w.Kind) && w.Instant.After(at)
		})
	}
	return &past
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
