package desk

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"convened"
	"convened/address"
	"convened/internal/lab/labtest"
	"convened/scheduler"
	"convened/store"
)

func TestMain(m *testing.M) {
	os.Exit(labtest.Tight(m, func(url string) error {
		s, err := store.Open(store.Options{URL: url})
		if err != nil {
			return err
		}
		defer func() { _ = s.Close() }()
		_, err = s.Migrate(context.Background())
		return err
	}))
}

var (
	foretellLives = flag.Int("foretell.lives", 5, "how many random lives are played on Postgres")
	foretellSeed  = flag.Uint64("foretell.seed", 0, "the seed of the first life; 0 is any")
)

// What Plan foretells of the rows in Postgres is what a daemon makes of them:
// the statements and the forecast agree. Package scheduler plays many more lives
// on a model of the database; these say that the model is one of it.
func TestWhatIsForetoldIsWhatIsSentFromPostgres(t *testing.T) {
	var seen atomic.Int64
	t.Run("lives", func(t *testing.T) {
		for i := range *foretellLives {
			seed := rand.Uint64()
			if *foretellSeed != 0 {
				seed = *foretellSeed + uint64(i)
			}
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				t.Parallel()
				seen.Add(newLife(t, seed).live())
			})
		}
	})
	// One life may be a dull one, not all of them.
	if t.Logf("%d mails were compared", seen.Load()); seen.Load() == 0 {
		t.Error("no mail was compared")
	}
}

// A life is one event with people who come and go and an organiser who edits.
type life struct {
	t    *testing.T
	r    *rand.Rand
	s    *store.Store
	d    *Desk
	run  *scheduler.Scheduler
	now  time.Time // the clock
	log  []string
	seen int64 // mails that were compared

	mu    sync.Mutex
	rough bool // the server has its troubles
	sent  []string
}

var lifeRules = []string{"before 24h", "before 1h", "before 30m", "before 3 days at 09:00", "before 10m", "after 2h", "cron 0 9 * * * from 4 days at most 3", "before 5h"}

func newLife(t *testing.T, seed uint64) *life {
	l := &life{t: t, r: rand.New(rand.NewPCG(seed, 1))}
	var err error
	if l.s, err = store.Open(store.Options{URL: labtest.Database(t), Fuse: 6}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.s.Close() })
	if _, err := l.s.Register(t.Context(), store.Daemon{Name: "life", Host: "life"}); err != nil {
		t.Fatal(err)
	}
	l.d = &Desk{Store: l.s, Grace: time.Hour, UpdateQuiet: 2 * time.Minute, By: "life"}
	l.run = scheduler.New(scheduler.Options{Store: l.s, Composer: l, Clock: func() time.Time { return l.now }, Identify: Identify, Hands: 2, Grace: l.d.Grace, Logger: slog.New(slog.DiscardHandler)})
	t.Cleanup(l.run.Begin(t.Context()))
	zone := []string{"UTC", "Europe/Brussels", "America/Mexico_City", "Australia/Lord_Howe"}[l.r.IntN(4)]
	e := &convened.Event{Slug: "e", Title: convened.Text{"en": "One"}, Language: "en", Zone: zone,
		StartsLocal: convened.Wall{Year: 2026, Month: 10, Day: 24 + l.r.IntN(3), Hour: 1 + l.r.IntN(22)}}
	e.EndsLocal = convened.WallOf(e.StartsLocal.In(time.UTC).Add(time.Hour))
	if err := e.Derive(); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		e.Reminders = withRule(e.Reminders, l.rule())
	}
	l.now = e.Starts.Add(-time.Duration(2+l.r.IntN(8*24)) * time.Hour)
	l.apply(e)
	return l
}

func (l *life) rule() convened.Reminder {
	rule := lifeRules[l.r.IntN(len(lifeRules))]
	return convened.Reminder{Key: rule, Rule: rule, Late: []convened.Late{convened.Fold, convened.Fold, convened.CatchUp, convened.Skip}[l.r.IntN(4)]}
}

func withRule(list []convened.Reminder, r convened.Reminder) []convened.Reminder {
	if slices.ContainsFunc(list, func(o convened.Reminder) bool { return o.Key == r.Key }) {
		return list
	}
	return append(slices.Clone(list), r)
}

func (l *life) say(format string, args ...any) {
	l.log = append(l.log, l.now.Format(time.RFC3339)+" "+fmt.Sprintf(format, args...))
}

func (l *life) check(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatalf("%v\n%s", err, strings.Join(l.log, "\n"))
	}
}

func (l *life) apply(e *convened.Event) {
	l.t.Helper()
	p, err := l.d.Propose(l.t.Context(), l.now, e)
	l.check(err)
	if _, err := l.d.Carry(l.t.Context(), l.now, p); !errors.Is(err, ErrUnchanged) {
		l.check(err)
	}
	l.say("the event is %s, %s in %s, with %v; mails %d %s", e.Status, e.StartsLocal, e.Zone, e.Reminders, p.Mails, p.Notify)
}

// live plays the life. Whenever nothing is in the way, what was foretold for the
// time until the next thing happens is what is sent until then.
func (l *life) live() (compared int64) {
	for i := range 14 + l.r.IntN(10) {
		if i == 0 {
			l.register(6)
		} else {
			l.happen()
		}
		foretold := l.foretell()
		rough := l.rough
		next := l.anyInstant()
		if down := l.r.IntN(6) == 0; down {
			l.now = next // the daemon was down
			continue
		}
		before := len(l.sent)
		l.play(next)
		if !rough {
			l.compare(foretold, l.sent[before:], next)
		}
	}
	l.rough = false
	foretold, before := l.foretell(), len(l.sent)
	l.play(l.now.AddDate(0, 2, 0))
	l.compare(foretold, l.sent[before:], l.now)
	l.explain()
	return l.seen
}

func mailOf(seat convened.RegistrationID, kind convened.Kind, occasion, language string, at time.Time) string {
	return fmt.Sprintf("%s %s %q to %d in %s", at.UTC().Format("2006-01-02T15:04:05.000000Z"), kind, occasion, seat, language)
}

func (l *life) foretell() []string {
	l.t.Helper()
	o, err := l.s.Outlook(l.t.Context(), l.now, "e", "", Identify)
	l.check(err)
	var list []string
	scheduler.Future(o, l.now, l.d.policy(), func(f scheduler.Fate) {
		if f.Goes() {
			list = append(list, mailOf(f.Seat.ID, f.Kind, f.Occasion, convened.LetterLanguage(o.Event, &convened.Registration{Language: f.Seat.Language}), f.At))
		}
	})
	return list
}

// compare looks at what was foretold for up to an instant.
func (l *life) compare(foretold, sent []string, until time.Time) {
	l.t.Helper()
	limit := until.UTC().Format("2006-01-02T15:04:05.000000Z")
	foretold = slices.DeleteFunc(slices.Clone(foretold), func(m string) bool { return m[:len(limit)] > limit })
	sent = slices.Sorted(slices.Values(sent))
	slices.Sort(foretold)
	if !slices.Equal(sent, foretold) {
		l.t.Fatalf("until %s\nsent     %s\nforetold %s\n%s", limit, strings.Join(sent, "\n         "), strings.Join(foretold, "\n         "), strings.Join(l.log, "\n"))
	}
	l.seen += int64(len(sent))
}

// play lets the daemon do all that there is to do up to an instant.
func (l *life) play(to time.Time) {
	l.t.Helper()
	for at := l.now; !at.After(to); {
		l.now = at
		l.check(l.run.Until(l.t.Context(), at))
		next, err := l.run.NextInstant(l.t.Context(), at)
		l.check(err)
		if next.IsZero() {
			break
		}
		at = next
	}
	l.now = to
}

// anyInstant draws when the next thing happens: often where a minute decides.
func (l *life) anyInstant() time.Time {
	e := l.event()
	at := l.now.Add(time.Duration(1+l.r.IntN(240)) * time.Minute)
	for _, o := range scheduler.Occasions(e) {
		if o.At.After(l.now) && l.r.IntN(2) == 0 {
			at = o.At.Add(-[]time.Duration{0, 10 * time.Minute, 30 * time.Minute, 31 * time.Minute}[l.r.IntN(4)])
			break
		}
	}
	if !at.After(l.now) {
		at = l.now.Add(time.Minute)
	}
	return at
}

func (l *life) event() *convened.Event {
	l.t.Helper()
	e, err := l.s.Event(l.t.Context(), "e")
	l.check(err)
	return e
}

var lifePeople = []string{"a@example.org", "B@example.org", "c@example.org", "d@example.org", "e@example.org", "f@example.org", "gone@example.org", "nobody"}

// happen is one thing that people do.
func (l *life) happen() {
	l.t.Helper()
	ctx, who := l.t.Context(), lifePeople[l.r.IntN(len(lifePeople))]
	what := l.r.IntN(16)
	if _, err := l.s.Seat(ctx, "e", address.Key(who)); errors.Is(err, store.ErrNotFound) && what >= 6 && what <= 9 {
		what = 0
	}
	var err error
	switch what {
	case 0, 1, 2, 3, 4, 5:
		l.register(1 + l.r.IntN(3))
	case 6:
		l.say("%s gives up", who)
		_, err = l.d.GiveUp(ctx, l.now, "e", who)
	case 7:
		l.say("%s is muted", who)
		_, err = l.d.Mute(ctx, l.now, "e", who, true)
	case 8:
		l.say("%s is not muted", who)
		_, err = l.d.Mute(ctx, l.now, "e", who, false)
	case 9:
		if l.r.IntN(3) == 0 {
			l.say("%s is erased", who)
			_, err = l.d.Erase(ctx, l.now, "e", who)
		}
	case 10:
		l.rough = !l.rough
		l.say("the server has its troubles: %v", l.rough)
	default:
		l.edit(what)
	}
	l.check(err)
}

func (l *life) register(n int) {
	l.t.Helper()
	for range n {
		created := l.now
		if l.r.IntN(12) == 0 {
			created = l.now.AddDate(-1, 0, 0) // copied from elsewhere
		}
		email := lifePeople[l.r.IntN(len(lifePeople))]
		l.say("%s registers", email)
		_, err := l.s.AddRegistrations(l.t.Context(), []store.Entry{{Event: "e", Email: email, Language: []string{"", "fr", "es"}[l.r.IntN(3)], CreatedAt: created}})
		l.check(err)
	}
}

// edit is one thing that an organiser does.
func (l *life) edit(what int) {
	l.t.Helper()
	e := *l.event()
	switch what {
	case 11, 12:
		e.Title = convened.Text{"en": e.Title["en"] + "!"}
	case 13:
		by := time.Duration(l.r.IntN(73)-12) * time.Hour
		e.StartsLocal = convened.WallOf(e.StartsLocal.In(time.UTC).Add(by))
		e.EndsLocal = convened.WallOf(e.StartsLocal.In(time.UTC).Add(time.Hour))
		l.check(e.Derive())
	case 14:
		e.Reminders = withRule(e.Reminders, l.rule())
	case 15:
		if n := len(e.Reminders); n > 0 {
			i := l.r.IntN(n)
			e.Reminders = slices.Delete(slices.Clone(e.Reminders), i, i+1)
		}
	}
	l.apply(&e)
}

// Compose makes a letter without a word: what it is, is enough.
func (l *life) Compose(now time.Time, c *convened.Claim) (scheduler.Letter, error) {
	return scheduler.Letter{MessageID: fmt.Sprint(c.Notice.ID, "@example.org"), Send: func(context.Context, *scheduler.Place) convened.Outcome { return l.send(now, c) }}, nil
}

func (l *life) send(now time.Time, c *convened.Claim) convened.Outcome {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.rough {
		switch (int(c.Notice.ID) + c.Notice.Attempt) % 4 {
		case 0:
			return convened.Outcome{State: convened.Planned, Cause: convened.CauseServer, Code: 451, Reply: "later"}
		case 1:
			return convened.Outcome{State: convened.Unknown, Cause: convened.CauseDoubt}
		case 2:
			if c.Registration.Email == "gone@example.org" {
				return convened.Outcome{State: convened.Refused, Cause: convened.CauseAddress, Code: 550, Enhanced: "5.1.1", Reply: "no such user"}
			}
		}
	}
	l.sent = append(l.sent, mailOf(c.Registration.ID, c.Notice.Kind, c.Notice.Occasion, convened.LetterLanguage(&c.Event, &c.Registration), now))
	return convened.Outcome{State: convened.Sent, Code: 250}
}

// explain asks about everybody at the end: what is said to have gone out has,
// and nothing is left without a word.
func (l *life) explain() {
	l.t.Helper()
	for _, who := range lifePeople {
		x, err := l.d.Explain(l.t.Context(), l.now, "e", who)
		if errors.Is(err, ErrNobody) {
			continue
		}
		l.check(err)
		did := 0
		for _, line := range x.Lines {
			switch {
			case line.Verdict == scheduler.Did:
				did++
			case line.Why == "":
				l.t.Errorf("to %s: no word of why in %+v\n%s", who, line, strings.Join(l.log, "\n"))
			case line.Verdict == scheduler.Will && !line.At.After(l.now.AddDate(0, 0, -1)):
				l.t.Errorf("to %s: still to come: %+v", who, line)
			}
		}
		sent := 0
		for _, m := range l.sent {
			if strings.Contains(m, fmt.Sprintf(" to %d in ", x.Seat.ID)) {
				sent++
			}
		}
		if sent != did {
			l.t.Errorf("to %s: %d mails are said to have gone out, and %d did\n%s", who, did, sent, strings.Join(l.log, "\n"))
		}
	}
}
