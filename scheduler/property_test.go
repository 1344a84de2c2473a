package scheduler_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"convened"
	"convened/scheduler"
)

// zones are every kind of offset and of change that tzdata has.
var zones = []string{
	"UTC", "Europe/Brussels", "Europe/London", "Europe/Dublin", "Europe/Lisbon", "Europe/Istanbul", "Europe/Volgograd",
	"America/New_York", "America/Los_Angeles", "America/St_Johns", "America/Sao_Paulo", "America/Mexico_City", "America/Santiago",
	"America/Asuncion", "America/Caracas", "America/Havana", "America/Nuuk", "America/Phoenix", "Africa/Cairo", "Africa/Casablanca",
	"Africa/Lagos", "Africa/Juba", "Asia/Kolkata", "Asia/Kathmandu", "Asia/Tehran", "Asia/Gaza", "Asia/Beirut", "Asia/Jerusalem",
	"Asia/Pyongyang", "Asia/Shanghai", "Asia/Tokyo", "Australia/Sydney", "Australia/Lord_Howe", "Australia/Eucla", "Australia/Brisbane",
	"Pacific/Apia", "Pacific/Chatham", "Pacific/Kiritimati", "Pacific/Norfolk", "Pacific/Fiji", "Pacific/Pago_Pago",
	"Antarctica/Troll", "Antarctica/Casey", "Atlantic/Azores",
}

// anyEvent draws an event, most often one whose start is near a clock change.
func anyEvent(t *rapid.T) *convened.Event {
	e := &convened.Event{Slug: "e", Zone: rapid.SampledFrom(zones).Draw(t, "zone")}
	at := time.Date(2008, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(0, 30*365*24*60).Draw(t, "minute of 30 years")) * time.Minute)
	if rapid.IntRange(0, 3).Draw(t, "near a change") > 0 {
		if _, change := at.In(e.TimeLocation()).ZoneBounds(); !change.IsZero() {
			at = change.Add(time.Duration(rapid.IntRange(-6*60, 12*24*60).Draw(t, "minutes from the change")) * time.Minute)
		}
	}
	e.StartsLocal = convened.WallOf(at.In(e.TimeLocation()))
	e.StartsLocal.Second = 0
	e.EndsLocal = convened.WallOf(at.Add(time.Duration(rapid.IntRange(1, 72*60).Draw(t, "length")) * time.Minute).In(e.TimeLocation()))
	if err := e.Derive(); err != nil {
		t.Fatal(err)
	}
	return e
}

func anySpan(t *rapid.T, name string, least int) string {
	n := rapid.IntRange(least, 20).Draw(t, name)
	switch rapid.IntRange(0, 2).Draw(t, name+" unit") {
	case 0:
		return fmt.Sprintf("%dh", n)
	case 1:
		return fmt.Sprintf("%dm", 7*n)
	}
	return fmt.Sprintf("%d days", n)
}

// A cronCase is a cron rule of which the test knows what it should match.
type cronCase struct {
	minutes, hours []int
	days           []time.Weekday // none is every day
	from, until    int            // days
	atMost         int
}

func anyCron(t *rapid.T) cronCase {
	first := rapid.IntRange(0, 14).Draw(t, "first minute")
	c := cronCase{from: rapid.IntRange(1, 12).Draw(t, "from")}
	for i := range rapid.IntRange(1, 4).Draw(t, "minutes") {
		c.minutes = append(c.minutes, first+15*i)
	}
	distinct := func(n int) *rapid.Generator[[]int] {
		return rapid.SliceOfNDistinct(rapid.IntRange(0, n-1), 1, n, rapid.ID[int])
	}
	c.hours = distinct(24).Draw(t, "hours")
	if rapid.Bool().Draw(t, "some days only") {
		for _, d := range distinct(7).Draw(t, "days") {
			c.days = append(c.days, time.Weekday(d))
		}
	}
	c.until = rapid.IntRange(0, c.from-1).Draw(t, "until")
	c.atMost = rapid.IntRange(0, 5).Draw(t, "at most")
	return c
}

func (c cronCase) fields() scheduler.RuleFields {
	join := func(values []int) string {
		var texts []string
		for _, v := range values {
			texts = append(texts, fmt.Sprint(v))
		}
		return strings.Join(texts, ",")
	}
	days := "*"
	if c.days != nil {
		var names []string
		for _, d := range c.days {
			names = append(names, d.String()[:3])
		}
		days = strings.Join(names, ",")
	}
	return scheduler.RuleFields{
		Cron:   fmt.Sprintf("%s %s * * %s", join(c.minutes), join(c.hours), days),
		From:   fmt.Sprintf("%d days", c.from),
		Until:  fmt.Sprintf("%d days", c.until),
		AtMost: c.atMost,
	}
}

// expect asks of each minute on the wall clock whether the rule names it, and
// shares nothing with how the rules are computed but Wall.In.
func (c cronCase) expect(e *convened.Event) []time.Time {
	loc := e.TimeLocation()
	opens, closes, start := e.StartsLocal.AddDays(-c.from).In(loc), e.StartsLocal.AddDays(-c.until).In(loc), e.StartsLocal.In(loc)
	var all []time.Time
	for day := -2 - c.from; day <= 2-c.until; day++ {
		w := e.StartsLocal.AddDays(day)
		if c.days != nil && !slices.Contains(c.days, time.Date(w.Year, w.Month, w.Day, 0, 0, 0, 0, time.UTC).Weekday()) {
			continue
		}
		for _, w.Hour = range c.hours {
			for _, w.Minute = range c.minutes {
				at := w.In(loc)
				if at.Before(start) && !at.Before(opens) && !at.After(closes) {
					all = append(all, at.UTC())
				}
			}
		}
	}
	slices.SortFunc(all, time.Time.Compare)
	all = slices.CompactFunc(all, time.Time.Equal)
	if c.atMost > 0 && len(all) > c.atMost {
		all = all[:c.atMost]
	}
	return all
}

func anyFields(t *rapid.T) scheduler.RuleFields {
	hour := func() string {
		return fmt.Sprintf(" at %02d:%02d", rapid.IntRange(0, 23).Draw(t, "hour"), rapid.IntRange(0, 59).Draw(t, "minute"))
	}
	switch rapid.IntRange(0, 4).Draw(t, "form") {
	case 0:
		return scheduler.RuleFields{Before: anySpan(t, "before", 1)}
	case 1:
		return scheduler.RuleFields{Before: fmt.Sprintf("%d days", rapid.IntRange(0, 10).Draw(t, "days")) + hour()}
	case 2:
		return scheduler.RuleFields{After: anySpan(t, "after", 1)}
	case 3:
		return scheduler.RuleFields{After: fmt.Sprintf("%d days", rapid.IntRange(0, 10).Draw(t, "days")) + hour()}
	}
	f := anyCron(t).fields()
	f.From = fmt.Sprintf("%d days", rapid.IntRange(13, 15).Draw(t, "wider"))
	return f
}

func TestAnyRuleSurvivesPrintingAndParsing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := anyFields(t)
		r, err := scheduler.NewRule(f)
		if err != nil {
			t.Fatalf("NewRule(%+v): %v", f, err)
		}
		again, err := scheduler.ParseRule(r.String())
		if err != nil || again != r || again.String() != r.String() {
			t.Fatalf("ParseRule(%q) = %q, %v", r, again, err)
		}
		fields, err := scheduler.NewRule(r.Fields())
		if err != nil || fields != r {
			t.Fatalf("NewRule(%+v) = %q, %v; want %q", r.Fields(), fields, err, r)
		}
	})
}

func TestAnyCronFiresAtEachWallTimeThatItNames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e, c := anyEvent(t), anyCron(t)
		r, err := scheduler.NewRule(c.fields())
		if err != nil {
			t.Fatal(err)
		}
		var got []time.Time
		s := r.Schedule(e)
		for at := s.Next(time.Time{}); !at.IsZero(); at = s.Next(at) {
			got = append(got, at)
		}
		if want := c.expect(e); !slices.EqualFunc(got, want, time.Time.Equal) {
			t.Fatalf("%q for %s %s\n got %v\nwant %v", r, e.StartsLocal, e.Zone, got, want)
		}
	})
}

func TestOccasionsKeepTheirPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := anyEvent(t)
		rules := make(map[string]scheduler.Rule)
		for i := range rapid.IntRange(1, 4).Draw(t, "rules") {
			r, err := scheduler.NewRule(anyFields(t))
			if err != nil {
				t.Fatal(err)
			}
			key := fmt.Sprint("rule ", i)
			rules[key] = r
			e.Reminders = append(e.Reminders, convened.Reminder{Key: key, Rule: r.String()})
		}
		all := scheduler.Occasions(e)
		if !slices.IsSortedFunc(all, func(a, b convened.Occasion) int { return a.At.Compare(b.At) }) {
			t.Fatalf("not sorted: %v", all)
		}
		ordinals, last, walls := make(map[string]int), make(map[string]time.Time), make(map[string]bool)
		for _, o := range all {
			r := rules[o.Key]
			if ordinals[o.Key]++; o.Ordinal != ordinals[o.Key] {
				t.Fatalf("%q: ordinal %d after %d", r, o.Ordinal, ordinals[o.Key]-1)
			}
			if !o.Start.Equal(e.Starts) || o.At.Location() != time.UTC || o.Start.Location() != time.UTC {
				t.Fatalf("%q: occasion %v for the start %v", r, o, e.Starts)
			}
			switch r.Kind() {
			case convened.ReminderKind:
				if !o.At.Before(e.Starts) {
					t.Fatalf("%q: %v is not before the start %v", r, o.At, e.Starts)
				}
				deadline := scheduler.Deadline(o, r.Kind(), time.Hour)
				if deadline.Before(o.At) || deadline.After(e.Starts) || deadline.Sub(o.At) > time.Hour {
					t.Fatalf("%q: deadline %v of %v", r, deadline, o)
				}
			case convened.Followup:
				if !o.At.After(e.Ends) {
					t.Fatalf("%q: %v is not after the end %v", r, o.At, e.Ends)
				}
			}
			if next := r.Schedule(e).Next(last[o.Key]); !next.Equal(o.At) {
				t.Fatalf("%q: Next(%v) = %v, occasion %d is %v", r, last[o.Key], next, o.Ordinal, o.At)
			}
			last[o.Key] = o.At
			wall := o.Key + convened.WallOf(o.At.In(e.TimeLocation())).String()
			if walls[wall] {
				t.Fatalf("%q fires twice at %s", r, wall)
			}
			walls[wall] = true
		}
		for key, r := range rules {
			if next := r.Schedule(e).Next(last[key]); !next.IsZero() {
				t.Fatalf("%q: Next knows %v, and Occasions does not", r, next)
			}
		}
		// Whatever the moment asked about, the answer is the first after it.
		at := e.Starts.Add(time.Duration(rapid.IntRange(-20*24*60, 5*24*60).Draw(t, "minutes from the start")) * time.Minute)
		i := slices.IndexFunc(all, func(o convened.Occasion) bool { return o.At.After(at) })
		next, ok := scheduler.NextOccasion(e, at)
		if ok != (i >= 0) || ok && next != all[i] {
			t.Fatalf("NextOccasion(%v) = %v, %v; want the occasion at %d of %v", at, next, ok, i, all)
		}
		if again := scheduler.Occasions(e); !slices.Equal(again, all) {
			t.Fatalf("a second time: %v, first %v", again, all)
		}
	})
}
