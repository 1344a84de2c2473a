package scheduler_test

import (
	"context"
	"flag"
	"fmt"
	"hash/fnv"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"convened"
	"convened/scheduler"
)

const grace = time.Hour

// policy is that of the daemons of these lives: one address may get no mail.
var policy = scheduler.Policy{Grace: grace, Permit: func(c *convened.Claim) string {
	if c.Registration.Email == "d@example.org" {
		return "not while this is tried out"
	}
	return ""
}}

// lives is how many lives a normal run tries; -rapid.checks says otherwise.
const lives = 200

// What plan foretells is what the daemon sends: for random events, rules,
// registrations and edits, whenever one asks, if nothing is edited afterwards.
func TestWhatIsForetoldIsWhatIsSent(t *testing.T) {
	asked := false
	flag.Visit(func(f *flag.Flag) { asked = asked || f.Name == "rapid.checks" })
	if !asked {
		before := flag.Lookup("rapid.checks").Value.String()
		defer func() { _ = flag.Set("rapid.checks", before) }()
		if err := flag.Set("rapid.checks", fmt.Sprint(lives)); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]int{}
	unseen := func() (list []string) {
		for _, what := range []string{"mails", "confirmation", "reminder", "update", "cancellation", "followup", "waiting", "revived",
			scheduler.Muted, scheduler.NoAddress, scheduler.LateFolded, scheduler.StoodIn, scheduler.TooLate, scheduler.HeldCopied, scheduler.HeldFuse, scheduler.HeldAway, scheduler.Unconfirmed} {
			if seen[what] == 0 {
				list = append(list, what)
			}
		}
		return list
	}
	// Chance may leave out what is rare, but not again and again.
	for round := 0; round == 0 || round < 5 && len(unseen()) > 0 && !testing.Short(); round++ {
		// The waits of the scheduler are nothing in here.
		synctest.Test(t, func(t *testing.T) {
			// Without its deadline, which the bubble does not know.
			rapid.Check(struct{ rapid.TB }{t}, func(t *rapid.T) { newLife(t, seen).live() })
		})
	}
	// A property that looks at nothing holds.
	if left := unseen(); len(left) > 0 && !testing.Short() {
		t.Errorf("no life had %q in it: %v", left, seen)
	}
	t.Logf("%v", seen)
}

// A life is one event from the day on which it is applied, with people who come
// and go and an organiser who changes it.
type life struct {
	t    *rapid.T
	l    *ledger
	now  time.Time
	d    *daemonOf
	seen map[string]int // what was compared, for the test of the test
	log  []string
}

func newLife(t *rapid.T, seen map[string]int) *life {
	e := anyEvent(t)
	e.Slug, e.Status, e.Language, e.Title = "e", convened.Scheduled, "en", convened.Text{"en": "One"}
	e.Reminders = anyReminders(t)
	announced := rapid.SampledFrom([]time.Duration{2 * time.Hour, 30 * time.Hour, 5 * 24 * time.Hour, 7 * 24 * time.Hour, 9 * 24 * time.Hour, 20 * 24 * time.Hour}).Draw(t, "announced before")
	now := e.Starts.Add(-announced - time.Duration(rapid.IntRange(0, 59).Draw(t, "minutes"))*time.Minute)
	l := &ledger{fuse: rapid.SampledFrom([]int{0, 0, 0, 2}).Draw(t, "fuse")}
	if err := l.apply(*e, now); err != nil {
		t.Fatal(err)
	}
	l.changes, l.event.Sequence, l.event.Revision, l.event.CreatedAt = nil, 0, 1, now
	life := &life{t: t, l: l, now: now, seen: seen}
	life.d = newDaemon(l, rapid.Uint64().Draw(t, "luck"))
	life.say("%s %s to %s, rules %s", e.Zone, e.StartsLocal, e.EndsLocal, ruleTexts(e))
	return life
}

func ruleTexts(e *convened.Event) string {
	var list []string
	for _, r := range e.Reminders {
		list = append(list, fmt.Sprintf("%s=%q/%s", r.Key, r.Rule, r.Late))
	}
	return strings.Join(list, ", ")
}

func (f *life) say(format string, args ...any) {
	f.log = append(f.log, f.now.Format(time.RFC3339Nano)+" "+fmt.Sprintf(format, args...))
}

func anyReminders(t *rapid.T) []convened.Reminder {
	var list []convened.Reminder
	for i := range rapid.IntRange(0, 4).Draw(t, "rules") {
		list = append(list, anyReminder(t, fmt.Sprintf("rule %d", i)))
	}
	return list
}

func anyReminder(t *rapid.T, key string) convened.Reminder {
	var fields scheduler.RuleFields
	switch rapid.IntRange(0, 4).Draw(t, "form") {
	case 0:
		fields.Before = rapid.SampledFrom([]string{"24h", "1h", "90m", "10m", "30m", "31m", "3h", "48h", "3 days"}).Draw(t, "before")
	case 1:
		fields.Before = fmt.Sprintf("%d days at %02d:00", rapid.IntRange(0, 6).Draw(t, "days"), rapid.IntRange(0, 23).Draw(t, "hour"))
	case 2:
		fields.After = rapid.SampledFrom([]string{"2h", "10m", "1 day", "2 days at 10:00"}).Draw(t, "after")
	case 3:
		fields = scheduler.RuleFields{Cron: "0 9 * * *", From: "4 days", AtMost: rapid.IntRange(0, 3).Draw(t, "at most")}
	case 4:
		fields = scheduler.RuleFields{Cron: "0,15 */6 * * *", From: "2 days", Until: "12h", AtMost: 4}
	}
	rule, err := scheduler.NewRule(fields)
	if err != nil {
		t.Fatal(err)
	}
	return convened.Reminder{Key: key, Rule: rule.String(), Late: rapid.SampledFrom([]convened.Late{convened.Fold, convened.Fold, convened.CatchUp, convened.Skip}).Draw(t, "late")}
}

// live plays the life, and asks now and then what is foretold.
func (f *life) live() {
	defer f.d.stop()
	f.register(3)
	for range rapid.IntRange(1, 16).Draw(f.t, "things that happen") {
		at := f.anyInstant()
		switch rapid.IntRange(0, 5).Draw(f.t, "daemon") {
		case 0: // it is down until then
		case 1: // what happens is earlier than the tick of that instant
			f.runUntil(at.Add(-time.Nanosecond))
		default:
			f.runUntil(at)
		}
		f.now = at
		f.happen()
		if rapid.Bool().Draw(f.t, "ask") {
			f.compare()
		}
	}
	f.compare()
}

// anyInstant draws when the next thing happens: often near an instant of a rule,
// where a minute decides.
func (f *life) anyInstant() time.Time {
	unit := rapid.SampledFrom([]time.Duration{time.Minute, 10 * time.Minute, time.Hour, 6 * time.Hour}).Draw(f.t, "unit")
	at := f.now.Add(time.Duration(rapid.IntRange(0, 20).Draw(f.t, "later")) * unit)
	var near []time.Time
	for _, o := range scheduler.Occasions(&f.l.event) {
		if o.At.After(f.now.Add(-time.Hour)) && len(near) < 2 {
			near = append(near, o.At)
		}
	}
	for _, c := range f.l.changes {
		if !c.planned {
			near = append(near, c.DueAt)
		}
	}
	if len(near) == 0 {
		near = append(near, f.l.event.Starts, f.l.event.Ends)
	}
	switch rapid.IntRange(0, 5).Draw(f.t, "when") {
	case 0, 1, 2:
		offset := rapid.SampledFrom([]time.Duration{0, -time.Second, time.Second, -29 * time.Minute, -30 * time.Minute, -31 * time.Minute, 20 * time.Minute, 2 * time.Hour}).Draw(f.t, "offset")
		at = rapid.SampledFrom(near).Draw(f.t, "near").Add(offset)
	case 3:
		at = f.now.Add(time.Duration(rapid.IntRange(0, 600).Draw(f.t, "seconds later")) * time.Second)
	}
	if at.Before(f.now) {
		return f.now
	}
	return at
}

// happen is one thing that people do.
func (f *life) happen() {
	seats := f.l.seats()
	kind := rapid.IntRange(0, 19).Draw(f.t, "what")
	if len(seats) == 0 && kind >= 6 && kind <= 11 {
		kind = 0
	}
	switch kind {
	case 0, 1, 2, 3, 4, 5:
		f.register(rapid.IntRange(1, 3).Draw(f.t, "registrations"))
	case 6, 7, 8, 9, 10, 11:
		r := rapid.SampledFrom(seats).Draw(f.t, "who")
		switch kind {
		case 6:
			f.say("%d gives up", r.ID)
			f.l.giveUp(r, f.now)
		case 7:
			f.say("%d is muted", r.ID)
			f.l.mute(r, f.now)
		case 8:
			f.say("%d is not muted", r.ID)
			f.l.unmute(r, f.now)
		case 9:
			f.say("%d is erased", r.ID)
			f.l.erase(r, f.now)
		default:
			f.say("%d registers again", r.ID)
			f.l.register(r.Email, "", f.now)
		}
	case 12:
		f.say("what is held is released")
		f.l.release(f.now)
	case 13:
		f.d.trouble = rapid.SampledFrom([]string{takesAll, "temporary", "refused", "doubt"}).Draw(f.t, "trouble")
		f.say("the server's trouble is %q", f.d.trouble)
	default:
		f.edit(kind)
	}
}

func (f *life) register(n int) {
	for range n {
		email := rapid.SampledFrom([]string{"a@example.org", "b@example.org", "B@EXAMPLE.ORG", "c@example.org", "d@example.org", "e@example.org", "nobody", "refused@example.org"}).Draw(f.t, "email")
		f.say("%s registers", email)
		created := f.now
		if rapid.IntRange(0, 9).Draw(f.t, "copied") == 9 {
			created = f.l.event.CreatedAt.Add(-time.Hour)
		}
		f.l.register(email, rapid.SampledFrom([]string{"", "", "fr", "es-MX", "tlh"}).Draw(f.t, "language"), created)
	}
}

// edit is one thing that an organiser does.
func (f *life) edit(kind int) {
	e := f.l.clone().event
	switch kind {
	case 14:
		e.Title["en"] += "!"
	case 15:
		by := time.Duration(rapid.IntRange(-72*4, 96*4).Draw(f.t, "quarters of an hour")) * 15 * time.Minute
		length := e.EndsLocal.Sub(e.StartsLocal)
		e.StartsLocal = convened.WallOf(e.StartsLocal.In(time.UTC).Add(by))
		e.EndsLocal = convened.WallOf(e.StartsLocal.In(time.UTC).Add(length))
	case 16:
		e.Reminders = append(e.Reminders, anyReminder(f.t, fmt.Sprintf("rule %d", len(f.log)+10)))
	case 17, 18:
		if len(e.Reminders) == 0 {
			return
		}
		i := rapid.IntRange(0, len(e.Reminders)-1).Draw(f.t, "rule")
		switch rapid.IntRange(0, 2).Draw(f.t, "change") {
		case 0:
			e.Reminders = slices.Delete(e.Reminders, i, i+1)
		case 1:
			e.Reminders[i] = anyReminder(f.t, e.Reminders[i].Key)
		case 2:
			e.Reminders[i].Late = convened.Skip
		}
	case 19:
		// Rarely: nothing much happens afterwards.
		if rapid.IntRange(0, 3).Draw(f.t, "called off") == 0 {
			e.Status = convened.EventIsOff
		} else {
			e.Description = convened.Text{"en": "More"}
		}
	}
	if err := f.l.apply(e, f.now); err != nil {
		f.say("no edit: %v", err)
		return
	}
	f.say("edited to %s, %s to %s, revision %d, SEQUENCE %d, rules %s", e.Status, e.StartsLocal, e.EndsLocal, f.l.event.Revision, f.l.event.Sequence, ruleTexts(&f.l.event))
}

// runUntil lets the daemon do all that there is to do up to an instant.
func (f *life) runUntil(at time.Time) {
	if err := f.d.run(f.now, at); err != nil {
		f.t.Fatalf("%v\n%s", err, strings.Join(f.log, "\n"))
	}
}

// A mail is one letter to one person at one instant.
type mail struct {
	seat     convened.RegistrationID
	kind     convened.Kind
	occasion string
	at       time.Time
	language string
}

func (m mail) String() string {
	return fmt.Sprintf("%s %s %q to %d in %s", m.at.UTC().Format(time.RFC3339Nano), m.kind, m.occasion, m.seat, m.language)
}

func languageOf(l *ledger, given string) string {
	return convened.LetterLanguage(&l.event, &convened.Registration{Language: given})
}

func sorted(list []mail) []string {
	texts := []string{}
	for _, m := range list {
		texts = append(texts, m.String())
	}
	slices.Sort(texts)
	return texts
}

// compare asks what is foretold, and lets a copy of everything go on without
// another edit, with a server that takes all.
func (f *life) compare() {
	foretold, not := []mail{}, map[string]int{}
	scheduler.Future(f.l.outlook(f.now), f.now, policy, func(fate scheduler.Fate) {
		switch {
		case fate.Goes():
			foretold = append(foretold, mail{fate.Seat.ID, fate.Kind, fate.Occasion, fate.At, languageOf(f.l, fate.Seat.Language)})
			if fate.State != "" {
				not["waiting"]++
			}
		default:
			not["not"]++
			not[fate.Why]++
		}
	})
	people := 0
	for _, m := range scheduler.Forecast(f.l.outlook(f.now), f.now, policy) {
		readers := 0
		for _, n := range m.Languages {
			readers += n
		}
		if people += m.People; readers != m.People {
			f.t.Fatalf("%d people and %d readers of %+v", m.People, readers, m)
		}
	}
	if people != len(foretold) {
		f.t.Fatalf("%d mails to people in the forecast, %d in the future", people, len(foretold))
	}
	f.joined()
	copied := newDaemon(f.l.clone(), 0)
	copied.trouble = takesAll
	defer copied.stop()
	if err := copied.run(f.now, f.l.overAt.Add(30*24*time.Hour)); err != nil {
		f.t.Fatal(err)
	}
	if got, want := sorted(copied.sent), sorted(foretold); !slices.Equal(got, want) {
		f.t.Fatalf("at %s\nsent     %s\nforetold %s\n%s", f.now.Format(time.RFC3339Nano),
			strings.Join(got, "\n         "), strings.Join(want, "\n         "), strings.Join(f.log, "\n"))
	}
	f.explainEverybody(foretold)
	for what, n := range not {
		f.seen[what] += n
	}
	for _, m := range foretold {
		f.seen["mails"]++
		f.seen[string(m.kind)]++
	}
	for _, n := range f.l.notices {
		if n.Failures > 0 && n.State == convened.Planned {
			f.seen["retried"]++
		}
		if n.Kind == convened.Confirmation && n.Occasion != "1" && f.l.reg(n.Registration).Sequence > 1 {
			f.seen["revived"]++
		}
	}
}

// joined compares the forecast of all with that of parts, as the store reads them: who
// arrives and the seats that they will have, and the others one by one.
func (f *life) joined() {
	texts := func(list []scheduler.Mailing) []string {
		lines := make([]string, len(list))
		for i, m := range list {
			lines[i] = fmt.Sprintf("%+v", m)
		}
		slices.Sort(lines)
		return lines
	}
	all := f.l.outlook(f.now)
	want := texts(scheduler.Forecast(all, f.now, policy))
	first := *all
	first.Seats = nil
	var others []*convened.Outlook
	for _, s := range all.Seats {
		if slices.ContainsFunc(all.Arrivals, func(a convened.Arrival) bool { return a.Seat == s.ID }) {
			first.Seats = append(first.Seats, s)
			continue
		}
		part := *all
		part.Seats, part.Arrivals = []convened.Seat{s}, nil
		others = append(others, &part)
	}
	var parts scheduler.Forecaster
	for _, part := range append([]*convened.Outlook{&first}, others...) {
		parts.Add(part, f.now, policy)
	}
	if got := texts(parts.Mailings()); !slices.Equal(got, want) {
		f.t.Fatalf("at %s\nin parts %s\nat once  %s\n%s", f.now.Format(time.RFC3339Nano), strings.Join(got, "\n         "), strings.Join(want, "\n         "), strings.Join(f.log, "\n"))
	}
}

// explainEverybody asks of each person what became of every mail, and compares
// with what is foretold and with the rows.
func (f *life) explainEverybody(foretold []mail) {
	all := f.l.outlook(f.now)
	if all.Room >= 0 && len(all.Arrivals) > 0 {
		return // what the fuse lets through depends on the others
	}
	for _, person := range alone(all) {
		id, address := person.id, person.address
		var history []convened.Notice
		for _, n := range f.l.of(id, convened.Kinds()...) {
			history = append(history, n.Notice)
		}
		lines := scheduler.Explain(person.Outlook, history, f.now, policy)
		var will []mail
		names := map[string]int{}
		rows := 0
		for _, l := range lines {
			names[string(l.Kind)+" "+l.Occasion]++
			if l.Notice != 0 {
				rows++
			}
			switch {
			case l.Verdict == scheduler.Will:
				will = append(will, mail{id, l.Kind, l.Occasion, l.At, ""})
			case l.Verdict == scheduler.Did && f.l.notices[l.Notice-1].State != convened.Sent:
				f.t.Fatalf("to %s: %+v, and the row is %+v", address, l, f.l.notices[l.Notice-1])
			case l.Verdict != scheduler.Did && (l.Why == "" || !l.At.IsZero()):
				f.t.Fatalf("to %s: no reason in %+v", address, l)
			}
			f.seen["explained: "+string(l.Verdict)]++
		}
		var want []mail
		for _, m := range foretold {
			if m.seat == id {
				m.language = ""
				want = append(want, m)
			}
		}
		if got, want := sorted(will), sorted(want); !slices.Equal(got, want) {
			f.t.Fatalf("to %s at %s\nexplained %s\nforetold  %s\n%s", address, f.now, strings.Join(got, "\n          "), strings.Join(want, "\n          "), strings.Join(f.log, "\n"))
		}
		for _, o := range scheduler.Occasions(all.Event) {
			rule, err := scheduler.RuleOf(ruleNamed(all.Event, o.Key))
			if err != nil {
				f.t.Fatal(err)
			}
			if name := string(rule.Kind()) + " " + o.String(); names[name] != 1 {
				f.t.Fatalf("to %s: %d lines of %s in %+v", address, names[name], name, lines)
			}
		}
		for name, n := range names {
			if n != 1 {
				f.t.Fatalf("to %s: %d lines of %s", address, n, name)
			}
		}
		if rows != len(history) {
			f.t.Fatalf("to %s: %d of %d rows are explained", address, rows, len(history))
		}
	}
}

type onePerson struct {
	*convened.Outlook
	id      convened.RegistrationID
	address string
}

// alone is an outlook for each person that there is.
func alone(all *convened.Outlook) []onePerson {
	var list []onePerson
	for _, s := range all.Seats {
		o := *all
		o.Seats = []convened.Seat{s}
		o.Arrivals = slices.DeleteFunc(slices.Clone(all.Arrivals), func(a convened.Arrival) bool { return a.Seat != s.ID })
		list = append(list, onePerson{&o, s.ID, fmt.Sprint("seat ", s.ID)})
	}
	seen := map[string]bool{}
	for _, a := range all.Arrivals {
		if a.Seat != 0 || seen[a.Address] {
			continue
		}
		seen[a.Address] = true
		o := *all
		o.Seats = nil
		o.Arrivals = slices.DeleteFunc(slices.Clone(all.Arrivals), func(b convened.Arrival) bool { return b.Address != a.Address })
		list = append(list, onePerson{&o, a.ID, a.Address})
	}
	return list
}

// A daemonOf is a scheduler on a ledger, played on a virtual clock.
type daemonOf struct {
	l       *ledger
	s       *scheduler.Scheduler
	now     time.Time
	luck    uint64
	trouble string // of the server; takesAll is none
	stop    func()

	mu   sync.Mutex
	sent []mail
}

// takesAll is a server that takes what it is given.
const takesAll = "none"

func newDaemon(l *ledger, luck uint64) *daemonOf {
	d := &daemonOf{l: l, luck: luck}
	d.s = scheduler.New(scheduler.Options{Store: l, Composer: d, Clock: func() time.Time { return d.now }, Identify: identify, Hands: 2, Grace: grace, Permit: policy.Permit,
		Logger: slog.New(slog.DiscardHandler)})
	d.stop = d.s.Begin(context.Background())
	return d
}

// run does all that there is to do from one instant to another.
func (d *daemonOf) run(from, to time.Time) error {
	for at := from; !at.After(to); {
		d.now = at
		if err := d.s.Until(context.Background(), at); err != nil {
			return err
		}
		next, err := d.s.NextInstant(context.Background(), at)
		if err != nil {
			return err
		}
		if next.IsZero() {
			break
		}
		if !next.After(at) {
			return fmt.Errorf("at %s the next instant is %s", at, next)
		}
		at = next
	}
	return nil
}

// Compose makes a letter whose luck depends on nothing but the row and the
// attempt, so that lives can be repeated.
func (d *daemonOf) Compose(now time.Time, c *convened.Claim) (scheduler.Letter, error) {
	return scheduler.Letter{MessageID: fmt.Sprint(c.Notice.ID), Send: func(context.Context, *scheduler.Place) convened.Outcome { return d.send(now, c) }}, nil
}

func (d *daemonOf) send(now time.Time, c *convened.Claim) convened.Outcome {
	h := fnv.New64a()
	fmt.Fprint(h, d.luck, c.Notice.ID, c.Notice.Attempt)
	bad := h.Sum64()%3 > 0
	switch {
	case d.trouble == takesAll:
	case c.Registration.Email == "refused@example.org":
		return convened.Outcome{State: convened.Refused, Cause: convened.CauseAddress, Code: 550, Reply: "no such user"}
	case bad && d.trouble == "temporary":
		return convened.Outcome{State: convened.Planned, Cause: convened.CauseServer, Code: 451, Reply: "later"}
	case bad && d.trouble == "refused":
		return convened.Outcome{State: convened.Refused, Cause: convened.CausePolicy, Code: 554, Reply: "no"}
	case bad && d.trouble == "doubt":
		return convened.Outcome{State: convened.Unknown, Cause: convened.CauseDoubt}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sent = append(d.sent, mail{c.Notice.Registration, c.Notice.Kind, c.Notice.Occasion, now, convened.LetterLanguage(&c.Event, &c.Registration)})
	return convened.Outcome{State: convened.Sent, Code: 250}
}
