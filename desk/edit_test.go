package desk

import (
	"errors"
	"maps"
	"reflect"
	"testing"
	"time"

	"convened"
	"convened/store"
)

// confirmed is a desk with the webinar of these tests and people who have taken a
// seat, five days before the start.
func confirmed(t *testing.T, people ...store.Entry) (*life, time.Time) {
	t.Helper()
	l := newLife(t, 1)
	e := eventOf(t, scheduled)
	now := e.Starts.Add(-5 * 24 * time.Hour)
	l.now = now
	l.apply(e)
	for i := range people {
		people[i].Event, people[i].CreatedAt = e.Slug, now
	}
	if _, err := l.s.AddRegistrations(t.Context(), people); err != nil {
		t.Fatal(err)
	}
	l.check(l.run.Until(t.Context(), now))
	return l, now
}

func TestAnEditSaysWhatBecomesOfEachMail(t *testing.T) {
	t.Parallel()
	l, now := confirmed(t, store.Entry{Email: "a@example.org"}, store.Entry{Email: "b@example.org", Language: "fr"}, store.Entry{Email: "c@example.org", Language: "fr"})
	e, err := l.s.Event(t.Context(), "webinar")
	if err != nil {
		t.Fatal(err)
	}
	d := DraftOf(e)
	d.Reminders = append(d.Reminders, RuleDraft{Before: "5 days"}) // this very moment
	d.Reminders[0].Before = "2h"
	drafted := d.On(e)
	c, err := l.d.PlanEdit(t.Context(), now, drafted.Event)
	if err != nil {
		t.Fatal(err)
	}
	what := map[string]int{}
	for _, diff := range c.Touched() {
		m := diff.Is
		if m == nil {
			m = diff.Was
		}
		what[diff.What+" "+m.Occasion.Key] = m.People
	}
	if want := map[string]int{"added before 2h": 3, "dropped before 24h": 3, "added before 5 days": 0}; !maps.Equal(what, want) {
		t.Errorf("it touches %v, want %v", what, want)
	}
	// Everybody has had the confirmation of this half hour, which says the same.
	if crowd := c.AtOnce(now, l.d.UpdateQuiet); crowd.Mails != 0 {
		t.Errorf("it mails %d people at once", crowd.Mails)
	}
	now = now.Add(time.Hour)
	d.Reminders[4].Before = "119h"
	if c, err = l.d.PlanEdit(t.Context(), now, d.On(e).Event); err != nil {
		t.Fatal(err)
	}
	if crowd := c.AtOnce(now, l.d.UpdateQuiet); crowd.Mails != 3 || !maps.Equal(crowd.Languages, map[string]int{"en": 1, "fr": 2}) {
		t.Errorf("it mails at once %+v", crowd)
	}
	title := *e
	title.Title = convened.Text{"en": "Another"}
	if c, err = l.d.PlanEdit(t.Context(), now, &title); err != nil {
		t.Fatal(err)
	}
	if crowd := c.AtOnce(now, l.d.UpdateQuiet); crowd.Mails != 3 || !c.Proposal.DueAt.Equal(now.Add(l.d.UpdateQuiet)) {
		t.Errorf("another title mails at once %+v, at %v", crowd, c.Proposal.DueAt)
	}
}

func TestTheSecondOfTwoEditorsIsTold(t *testing.T) {
	t.Parallel()
	l, now := confirmed(t)
	read, err := l.s.Event(t.Context(), "webinar")
	if err != nil {
		t.Fatal(err)
	}
	first := *l.d
	first.By = "bo"
	d := DraftOf(read)
	d.Reminders[0].Before = "2h"
	d.Introduction = convened.Text{"en": "Hello {name}."}
	before, err := l.d.PlanEdit(t.Context(), now, d.On(read).Event) // planned while nobody else was there
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := first.PlanEdit(t.Context(), now, d.On(read).Event)
	if err == nil {
		_, err = first.Carry(t.Context(), now.Add(time.Second), theirs.Proposal)
	}
	if err != nil {
		t.Fatal(err)
	}
	want := []Change{{"introduction.en", "Dear {name},", "Hello {name}."}, {"introduction.fr", "Bonjour {name},", ""}, {"reminders", "", "before 2h"}, {"reminders", "before 24h", ""}}
	look := func(err error) {
		t.Helper()
		c, lookErr := l.d.ConflictOf(t.Context(), err, "webinar", read.Revision)
		if lookErr != nil {
			t.Fatal(lookErr)
		}
		if !errors.Is(err, convened.ErrEdited) || c == nil || c.By != "bo" || !c.At.Equal(now.Add(time.Second)) || !reflect.DeepEqual(c.Changes, want) {
			t.Errorf("told %v: %+v, want the changes %v", err, c, want)
		}
	}
	_, err = l.d.PlanEdit(t.Context(), now, DraftOf(read).On(read).Event)
	look(err)
	_, err = l.d.Carry(t.Context(), now, before.Proposal)
	look(err)
	if c, err := l.d.ConflictOf(t.Context(), errors.New("another"), "webinar", 1); c != nil || err != nil {
		t.Errorf("another error is a conflict: %v, %v", c, err)
	}
	if _, err := l.d.PlanEdit(t.Context(), now, &convened.Event{Slug: "none"}); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("an event that is not there: %v", err)
	}
}
