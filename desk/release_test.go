package desk

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"convened"
	"convened/internal/lab/labtest"
	"convened/store"
)

// counter is a desk on a database of its own, and an instant at which events
// that start in ten days are there with all their people's confirmations held.
func counter(t *testing.T, people map[string][]string) (*Desk, time.Time) {
	t.Helper()
	s, err := store.Open(store.Options{URL: labtest.Database(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	now := time.Date(2026, 11, 15, 15, 0, 0, 0, time.UTC)
	for slug, emails := range people {
		e := &convened.Event{Slug: slug, Title: convened.Text{"en": "Webinar"}, Language: "en", Zone: "UTC", Status: convened.Scheduled,
			StartsLocal: convened.Wall{Year: 2026, Month: 11, Day: 25, Hour: 15}, EndsLocal: convened.Wall{Year: 2026, Month: 11, Day: 25, Hour: 16}}
		if err := e.Derive(); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Apply(t.Context(), store.Edit{Event: e, OverAt: e.Ends.Add(time.Hour), At: now}); err != nil {
			t.Fatal(err)
		}
		var list []store.Entry
		for _, email := range emails {
			list = append(list, store.Entry{Event: slug, Email: email, CreatedAt: now.Add(-time.Hour)}) // copied from elsewhere
		}
		ids, err := s.AddRegistrations(t.Context(), list)
		if err != nil {
			t.Fatal(err)
		}
		var newcomers []convened.Newcomer
		for i, id := range ids {
			n := convened.Newcomer{ID: id, Event: slug, Email: emails[i]}
			Identify(&n)
			newcomers = append(newcomers, n)
		}
		if _, err := s.PlanNewcomers(t.Context(), now, slug, 0, newcomers, time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	return &Desk{Store: s, Grace: time.Hour, By: "ana"}, now
}

// numbers returns the notices in a state, with their addresses.
func (d *Desk) numbers(t *testing.T, state convened.State) map[string]convened.NoticeID {
	t.Helper()
	list, err := d.Store.Notices(t.Context(), "", state, 1000, 0)
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]convened.NoticeID{}
	for _, l := range list {
		m[l.Event+" "+l.Email] = l.ID
	}
	return m
}

func TestAReleaseSaysWhoGetsMailBeforeItIsCarriedOut(t *testing.T) {
	t.Parallel()
	d, now := counter(t, map[string][]string{"w": {"ana@example.org", "bo@example.org", "no address"}, "other": {"ana@example.org"}})
	held := d.numbers(t, convened.Held)
	if len(held) != 3 {
		t.Fatalf("held are %v", held)
	}
	ids := []convened.NoticeID{held["w ana@example.org"], held["other ana@example.org"]}
	r, err := d.ProposeRelease(t.Context(), now, Choice{IDs: ids})
	if err != nil || r.Notices != 2 || r.People != 2 || len(r.Lines) != 2 || r.About != "" || len(r.Useless)+len(r.Stay) != 0 {
		t.Fatalf("the release is %+v, %v", r, err)
	}
	if got := d.numbers(t, convened.Held); len(got) != 3 {
		t.Fatalf("to propose it released some: held are %v", got)
	}
	// What somebody else does meanwhile is theirs.
	if _, err := d.GiveUp(t.Context(), now, "other", "ana@example.org"); err != nil {
		t.Fatal(err)
	}
	if n, err := d.Release(t.Context(), now, r); n != 1 || err != nil {
		t.Errorf("%d were released, %v; want the one that is still held", n, err)
	}
	if got := d.numbers(t, convened.Planned); len(got) != 1 || got["w ana@example.org"] != ids[0] {
		t.Errorf("planned are %v", got)
	}
	// Carrying it out again changes nothing.
	if n, err := d.Release(t.Context(), now, r); n != 0 || err != nil {
		t.Errorf("%d were released again, %v", n, err)
	}

	// An event with more than one page of them, each person once.
	r, err = d.ProposeRelease(t.Context(), now, Choice{Event: "w"})
	if err != nil || r.Notices != 1 || r.People != 1 || r.About != "w" {
		t.Errorf("the rest of the event is %+v, %v", r, err)
	}
	if r, err := d.ProposeRelease(t.Context(), now, Choice{Event: "w", Cause: convened.CauseFuse}); err != nil || r.Notices != 0 {
		t.Errorf("by the fuse %+v, %v is held, want nothing", r, err)
	}
}

func TestAReleaseOfWhatIsNotThereIsAnError(t *testing.T) {
	t.Parallel()
	d, now := counter(t, map[string][]string{"w": {"ana@example.org", "no address"}})
	refused := d.numbers(t, convened.Refused)["w no address"]
	for what, c := range map[string]Choice{"a number that is nobody's": {IDs: []convened.NoticeID{999}}, "one that is refused": {IDs: []convened.NoticeID{refused}}} {
		if _, err := d.ProposeRelease(t.Context(), now, c); err == nil || !strings.Contains(err.Error(), fmt.Sprint(c.IDs[0])) || !strings.Contains(err.Error(), "held") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := d.ProposeRelease(t.Context(), now, Choice{}); !errors.Is(err, ErrNothingChosen) {
		t.Errorf("nothing chosen: %v", err)
	}
	if _, err := d.ProposeRelease(t.Context(), now, Choice{Event: "unknown"}); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("an unknown event: %v", err)
	}
	// What is no address does not become one by trying.
	r, err := d.ProposeRetry(t.Context(), now, Choice{IDs: []convened.NoticeID{refused}})
	if err != nil || r.Notices != 0 || r.Stay[noAddress] != 1 {
		t.Errorf("a retry of what is no address: %+v, %v", r, err)
	}
	// A retry takes what is held, too.
	if r, err = d.ProposeRetry(t.Context(), now, Choice{Event: "w"}); err != nil || r.Notices != 1 || !slices.ContainsFunc(r.Lines, func(l ReleaseLine) bool { return l.State == convened.Held }) {
		t.Errorf("a retry of all: %+v, %v", r, err)
	}
}
