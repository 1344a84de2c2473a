package store

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"convened"
)

// edits are what a person with psql can do to an event that no program does.
var edits = map[string]string{
	"a title that is no object": `UPDATE convened.events SET title = '"Webinar"' WHERE slug = 'bad'`,
	"a title that is a number":  `UPDATE convened.events SET title = '{"en": 5}' WHERE slug = 'bad'`,
	"an end that never comes":   `UPDATE convened.events SET ends_at = 'infinity' WHERE slug = 'bad'`,
	"a year of five digits":     `UPDATE convened.events SET ends_local = '12026-11-25 17:00' WHERE slug = 'bad'`,
	"a note that is a list":     `UPDATE convened.reminders SET note = '["x"]' WHERE event = 'bad'`,
}

func TestAnEventThatCannotBeReadHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	for name, edit := range edits {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			for _, slug := range []string{"aaa", "bad", "ccc"} {
				apply(t, s, webinar(slug), early)
				register(t, s, slug, "p@example.org")
			}
			planAll(t, s, early)
			sqlExec(t, s, edit)
			s = openURL(t, s.direct) // which remembers nothing

			events, err := s.OpenEvents(t.Context(), early)
			if err == nil || !strings.Contains(err.Error(), "bad") {
				t.Errorf("the error is %v, and does not name the event", err)
			}
			if len(events) != 2 || events[0].Slug != "aaa" || events[1].Slug != "ccc" {
				t.Errorf("%d events are open, want the two others", len(events))
			}

			claims := claim(t, s, early)
			if len(claims) != 3 {
				t.Fatalf("%d notices were claimed, want all three", len(claims))
			}
			for _, c := range claims {
				if c.Event.Slug != c.Notice.Event || (c.Fault != "") != (c.Notice.Event == "bad") {
					t.Errorf("the claim for %s is of %q, with the fault %q", c.Notice.Event, c.Event.Slug, c.Fault)
				}
			}
		})
	}
}

// What people were told before is good to know, and no reason to tell nobody.
func TestARevisionThatCannotBeReadHoldsUpNoUpdate(t *testing.T) {
	t.Parallel()
	s := open(t)
	e := apply(t, s, webinar("w"), early)
	register(t, s, "w", "a@example.org", "b@example.org")
	planAll(t, s, early)
	for _, c := range claim(t, s, early) {
		mark(t, s, c)
		settle(t, s, c, convened.Sent, early)
	}
	moved := *e
	moved.StartsLocal.Hour, moved.EndsLocal.Hour = 17, 18
	if err := moved.Derive(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Apply(t.Context(), Edit{Event: &moved, Raises: true, Moved: true, Notify: convened.Update, DueAt: early, OverAt: moved.Ends.Add(time.Hour), At: early}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.PlanChanges(t.Context(), early); err != nil {
		t.Fatal(err)
	}
	sqlExec(t, s, `UPDATE convened.revisions SET snapshot = snapshot || '{"title": 5}' WHERE revision = 1`)
	s = openURL(t, s.direct)
	claims := claim(t, s, early)
	if len(claims) != 2 {
		t.Fatalf("%d updates were claimed, want 2", len(claims))
	}
	for _, c := range claims {
		if c.Notice.Kind != convened.Update || c.Was != nil || c.Fault != "" {
			t.Errorf("claimed a %s, was %v, fault %q; want an update that can be made", c.Notice.Kind, c.Was, c.Fault)
		}
	}
}

// A lock that somebody holds on one event's row must not keep the people of
// another from being told.
func TestAChangeThatCannotBePlannedHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	s := open(t)
	for _, slug := range []string{"aaa", "bad", "ccc"} {
		apply(t, s, webinar(slug), early)
		register(t, s, slug, "p@example.org")
	}
	planAll(t, s, early)
	for _, c := range claim(t, s, early) {
		mark(t, s, c)
		settle(t, s, c, convened.Sent, early)
	}
	sqlExec(t, s, `INSERT INTO convened.changes (event, sequence, kind, urgent, made_at, due_at) SELECT slug, 1, 'update', true, $1, $1 FROM convened.events`, early)
	sqlExec(t, s, `UPDATE convened.events SET sequence = 1`)
	sqlExec(t, s, `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'broken'; END $$`)
	sqlExec(t, s, `CREATE TRIGGER refuse BEFORE UPDATE ON convened.changes FOR EACH ROW WHEN (old.event = 'bad') EXECUTE FUNCTION refuse()`)
	step, err := s.PlanChanges(t.Context(), early)
	if err == nil {
		t.Error("nobody is told of the trouble")
	}
	if errors.Is(err, convened.ErrEdited) || step.Notices != 2 {
		t.Errorf("%d updates were planned, %v; want those of the two others", step.Notices, err)
	}
	if got := fmt.Sprint(sqlAll(t, s, `SELECT event FROM convened.notices WHERE kind = 'update' ORDER BY event`)); got != "[aaa ccc]" {
		t.Errorf("updates are planned for %s", got)
	}
}

// A letter of 30 MB is no letter: such an event does not come to be.
func TestAnEventWhoseTextIsABookIsRefused(t *testing.T) {
	t.Parallel()
	s := open(t)
	apply(t, s, webinar("w"), early)
	_, err := s.db.ExecContext(t.Context(), `UPDATE convened.events SET description = jsonb_build_object('en', repeat('All work and no play. ', 100000))`)
	if err == nil || !strings.Contains(err.Error(), "events_text_fits") {
		t.Errorf("the error is %v", err)
	}
}
