package desk

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"convened"
	"convened/internal/lab/labtest"
	"convened/store"
)

func TestExportsAreTakenAsTheyAre(t *testing.T) {
	t.Parallel()
	s, err := store.Open(store.Options{URL: labtest.Database(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	now := time.Now()
	for name, want := range map[string]struct{ of, people, away, bad string }{
		"eventbrite": {"an attendee list of Eventbrite", "Ana Díaz <ana@example.org>  20000000001, Bo Lund <bo@example.org>  20000000002", "map[Not Attending:1]", "5"},
		"zoom":       {"a registration report of Zoom", "Ana Díaz <ana@example.org>  , Bo Lund <bo@example.org>  ", "map[cancelled by self:1 denied:1]", ""},
		"pretix":     {"an order list of pretix", "Ana Díaz <ana@example.org> es A0001, Bo Lund <bo@example.org>  A0001, Dan Okoye <dan@example.org> en A0003", "map[Canceled:1]", ""},
	} {
		t.Run(name, func(t *testing.T) {
			e := &convened.Event{Slug: name, Title: convened.Text{"en": "W"}, Language: "en", Zone: "UTC", Status: convened.Scheduled,
				StartsLocal: convened.Wall{Year: 2040, Month: 1, Day: 1, Hour: 9}, EndsLocal: convened.Wall{Year: 2040, Month: 1, Day: 1, Hour: 10}}
			if err := e.Derive(); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Apply(t.Context(), store.Edit{Event: e, OverAt: e.Ends, At: now}); err != nil {
				t.Fatal(err)
			}
			d := &Desk{Store: s}
			for _, dry := range []bool{true, false} {
				f, err := os.Open(filepath.Join("testdata", "exports", name+".csv"))
				if err != nil {
					t.Fatal(err)
				}
				got, err := d.Import(t.Context(), name, f, dry, func(int64) {})
				_ = f.Close()
				if err != nil {
					t.Fatal(err)
				}
				var bad []string
				for _, b := range got.Bad {
					bad = append(bad, fmt.Sprint(b.Line))
				}
				if got.Of != want.of || fmt.Sprint(got.Away) != want.away || strings.Join(bad, ",") != want.bad {
					t.Errorf("recognised %q, away %v, bad %v; want %+v", got.Of, got.Away, got.Bad, want)
				}
				list, err := s.People(t.Context(), store.Search{Event: name, Limit: 10})
				if err != nil {
					t.Fatal(err)
				}
				var people []string
				for i := len(list) - 1; i >= 0; i-- {
					p := list[i]
					people = append(people, fmt.Sprintf("%s <%s> %s %s", p.Name, p.Email, p.Language, p.SourceRef))
				}
				if dry {
					if len(list) > 0 {
						t.Errorf("a dry run wrote %d", len(list))
					}
					continue
				}
				if got := strings.Join(people, ", "); got != want.people {
					t.Errorf("registered %s\nwant       %s", got, want.people)
				}
			}
		})
	}
}

func TestAFileOfNoServiceIsNotTakenForOne(t *testing.T) {
	for _, header := range []string{"email,name", "Email,First Name,Last Name,Status", "Order code,Email"} {
		if x := exportOf(strings.Split(header, ",")); x != nil {
			t.Errorf("%q is %s", header, x.name)
		}
	}
}
