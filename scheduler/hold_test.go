package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"convened"
	"convened/scheduler"
)

// What has come due is planned as quickly while nothing may leave: what holds up the
// letters is no reason to wait between two steps.
func TestALargeOccasionIsPlannedAtOnceWhileNothingMayLeave(t *testing.T) {
	prepare := func(r *rig) {
		r.step = 2
		r.events = []*convened.Event{webinar("w", 2*time.Hour, reminder("before 1h", convened.Skip))}
		r.fail = func(method, _ string) error {
			if method == "Claim" {
				return &convened.Quarantine{Reason: "a copy"}
			}
			return nil
		}
		for i := range 200 {
			r.register("w", fmt.Sprintf("p%d@example.org", i))
		}
	}
	running(t, prepare, func(*scheduler.Options) {}, func(t *testing.T, r *rig, _ func()) {
		pass(time.Hour + 100*time.Millisecond)
		if got := r.states()[convened.Planned]; got != 400 {
			t.Errorf("a tenth of a second after the instant %d confirmations and reminders are planned, want 400", got)
		}
	})
}

func TestInAQuarantineTheDaemonPlansAndSendsNothing(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		e := webinar("w", 48*time.Hour)
		r.events = append(r.events, e)
		r.register("w", "ana@example.org")
		r.fail = func(method, _ string) error {
			if method == "Claim" {
				return &convened.Quarantine{Reason: "a copy"}
			}
			return nil
		}
		report, err := r.Tick(t.Context(), bubble())
		if err != nil || report.Seats != 1 || report.Claimed != 0 {
			t.Errorf("the tick did %+v, %v; want it to plan and to claim nothing", report, err)
		}
		if want := "quarantine: a copy"; !strings.HasPrefix(report.Waiting, want) || !strings.Contains(report.Waiting, "convened notices release --quarantine") {
			t.Errorf("it waits for %q, want %q and how it ends", report.Waiting, want)
		}
		r.fail = nil
		r.until()
		if got := r.sent(); len(got) != 1 {
			t.Errorf("%d letters went out after the release, want 1", len(got))
		}
	})
}

func TestWhatMayNotGoIsHeldBeforeALetterIsMade(t *testing.T) {
	composed := 0
	var mu sync.Mutex
	inWith(t, func(o *scheduler.Options) {
		o.Permit = func(c *convened.Claim) string {
			if c.Registration.Email == "real@example.org" {
				return "not here"
			}
			return ""
		}
	}, func(t *testing.T, r *rig) {
		e := webinar("w", 48*time.Hour, reminder("before 24h", convened.Fold))
		r.compose = func(*convened.Claim) error {
			mu.Lock()
			defer mu.Unlock()
			composed++
			return nil
		}
		var held []convened.NoticeID
		for _, make := range []func(*convened.Event) convened.Claim{confirmation, remind} {
			real, staff := make(e), make(e)
			real.Registration.Email, staff.Registration.Email = "real@example.org", "staff@example.org"
			held = append(held, r.add(real))
			r.add(staff)
		}
		off := confirmation(e)
		off.Registration.Email, off.Registration.CancelledAt = "real@example.org", bubble()
		gone := r.add(off)
		r.until()
		for _, id := range held {
			n := r.notice(id)
			list := r.settlements(id)
			if n.State != convened.Held || n.Reason != "not here" || len(list) != 1 || list[0].Cause != convened.CauseRecipient {
				t.Errorf("notice %d is %s: %q, settled %+v", id, n.State, n.Reason, list)
			}
		}
		if n := r.notice(gone); n.State != convened.Cancelled {
			t.Errorf("what has lost its use is %s, want it cancelled whoever it is for", n.State)
		}
		if composed != 2 || len(r.sent()) != 2 {
			t.Errorf("%d letters were made and %d sent, want 2", composed, len(r.sent()))
		}
	})
}

// A lookout says what it is told, and counts how often it is asked.
type lookout struct {
	mu      sync.Mutex
	trouble *convened.Trouble
	planned bool
	err     error
	asked   []string
}

func (l *lookout) LookBefore(_ context.Context, now time.Time, e *convened.Event) (*convened.Trouble, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = append(l.asked, e.Slug)
	return l.trouble, l.planned, l.err
}

func TestAnEventIsLookedAtAtItsTimeAndOnce(t *testing.T) {
	look := &lookout{trouble: &convened.Trouble{NoLink: true, Refused: 3, Held: []convened.Holding{{Notices: 2}, {Notices: 5}}}, planned: true}
	inWith(t, func(o *scheduler.Options) { o.Preflight, o.Lookout = 4*time.Hour, look }, func(t *testing.T, r *rig) {
		e := webinar("w", 10*time.Hour)
		off := webinar("off", 10*time.Hour)
		off.Status = convened.EventIsOff
		r.events = append(r.events, e, off)
		r.until()
		if len(look.asked) != 0 {
			t.Fatalf("asked %q ten hours before the start", look.asked)
		}
		at, err := r.NextInstant(t.Context(), bubble())
		if want := e.Starts.Add(-4 * time.Hour); err != nil || !at.Equal(want) {
			t.Fatalf("the next instant is %s, %v; want %s", at, err, want)
		}
		pass(at.Sub(bubble()))
		look.err = errors.New("the database is away")
		if _, err := r.Tick(t.Context(), bubble()); err == nil {
			t.Error("a look that failed is no error")
		}
		look.err = nil
		r.until()
		r.until()
		if len(look.asked) != 2 {
			t.Errorf("asked %q, want once more after the failure", look.asked)
		}
		for _, want := range []string{"something is wrong before the start", "event=w", "no_link=true", "refused=3", "held=7", "told=true"} {
			if !strings.Contains(r.log.String(), want) {
				t.Errorf("the log does not say %q:\n%s", want, r.log)
			}
		}
		if next, err := r.NextInstant(t.Context(), bubble()); err != nil || !next.IsZero() {
			t.Errorf("the next instant is %s, %v; want none", next, err)
		}
		// Who edits the event has it looked at again: the store knows whether it was.
		edited := *e
		edited.Revision++
		r.events[0] = &edited
		r.until()
		if len(look.asked) != 3 {
			t.Errorf("asked %d times after an edit, want 3", len(look.asked))
		}
		// Once it has begun it is too late.
		again := edited
		again.Revision++
		r.events[0] = &again
		pass(4 * time.Hour)
		r.until()
		if len(look.asked) != 3 {
			t.Errorf("asked %d times after the start, want 3", len(look.asked))
		}
	})
}

func TestWithoutAPreflightNobodyLooks(t *testing.T) {
	look := &lookout{}
	inWith(t, func(o *scheduler.Options) { o.Lookout = look }, func(t *testing.T, r *rig) {
		r.events = append(r.events, webinar("w", time.Minute))
		r.until()
		if len(look.asked) != 0 {
			t.Errorf("asked %q", look.asked)
		}
	})
}

// What was never looked at in time is no reason to wake up.
func TestAnEventThatHasBegunIsNotWaitedFor(t *testing.T) {
	look := &lookout{}
	inWith(t, func(o *scheduler.Options) { o.Preflight, o.Lookout = 4*time.Hour, look }, func(t *testing.T, r *rig) {
		r.events = append(r.events, webinar("w", -time.Minute))
		r.until()
		if next, err := r.NextInstant(t.Context(), bubble()); err != nil || !next.IsZero() || len(look.asked) != 0 {
			t.Errorf("the next instant is %s, %v, and %q was looked at; want none", next, err, look.asked)
		}
	})
}

func TestTheLookIsHalfWayToAStartThatWasSetLate(t *testing.T) {
	start := time.Date(2026, 11, 25, 15, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name           string
		created, moved time.Duration // before the start
		want           time.Duration // before the start
	}{
		{"long ago", 240 * time.Hour, 240 * time.Hour, 4 * time.Hour},
		{"eight hours ahead", 8 * time.Hour, 8 * time.Hour, 4 * time.Hour},
		{"two hours ahead", 2 * time.Hour, 2 * time.Hour, time.Hour},
		{"moved an hour ahead", 240 * time.Hour, time.Hour, 30 * time.Minute},
	} {
		e := &convened.Event{Starts: start, CreatedAt: start.Add(-c.created), MovedAt: start.Add(-c.moved)}
		if got := start.Sub(scheduler.PreflightAt(e, 4*time.Hour)); got != c.want {
			t.Errorf("%s: the look is %s before the start, want %s", c.name, got, c.want)
		}
	}
}

func TestAPreflightLosesItsUse(t *testing.T) {
	start := time.Date(2026, 11, 25, 15, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name string
		edit func(*convened.Claim)
		now  time.Time
		want string
	}{
		{"something is wrong", func(*convened.Claim) {}, start.Add(-time.Hour), ""},
		{"a minute before", func(*convened.Claim) {}, start.Add(-time.Minute), ""},
		{"it has begun", func(*convened.Claim) {}, start, scheduler.TooLate},
		{"nothing is wrong", func(c *convened.Claim) { c.Trouble = &convened.Trouble{Waiting: "the relay can't be reached"} }, start.Add(-time.Hour), scheduler.NothingWrong},
		{"it was not looked", func(c *convened.Claim) { c.Trouble = nil }, start.Add(-time.Hour), scheduler.NothingWrong},
		{"called off", func(c *convened.Claim) { c.Event.Status = convened.EventIsOff }, start.Add(-time.Hour), scheduler.EventOff},
		{"moved", func(c *convened.Claim) { c.Event.Starts = start.Add(time.Hour) }, start.Add(-time.Hour), scheduler.EventMoved},
	} {
		claim := &convened.Claim{Event: convened.Event{Starts: start, Ends: start.Add(time.Hour), Status: convened.Scheduled}, Trouble: &convened.Trouble{Unsent: 1},
			Notice: convened.Notice{Kind: convened.Preflight, Occasion: convened.PreflightOccasion(start), Instant: start.Add(-4 * time.Hour)}}
		c.edit(claim)
		if got := scheduler.Useless(c.now, claim, time.Hour); got != c.want {
			t.Errorf("%s: useless is %q, want %q", c.name, got, c.want)
		}
	}
}

func TestASeatWhoseConfirmationIsHeldIsNotReached(t *testing.T) {
	at := time.Date(2026, 11, 24, 15, 0, 0, 0, time.UTC)
	plan := convened.OccasionPlan{SeatedBy: at, Kind: convened.ReminderKind}
	held := convened.Waiting{Kind: convened.Confirmation, State: convened.Held, Instant: at.Add(-time.Hour)}
	for name, c := range map[string]struct {
		edit func(*convened.Waiting)
		want string
	}{
		"held":                       {func(*convened.Waiting) {}, scheduler.Unconfirmed},
		"in doubt, and held":         {func(w *convened.Waiting) { w.Marked = true }, ""},
		"a later one is held":        {func(w *convened.Waiting) { w.Instant = at.Add(-time.Minute) }, ""},
		"on its way":                 {func(w *convened.Waiting) { w.State = convened.Planned }, ""},
		"an update is held":          {func(w *convened.Waiting) { w.Kind = convened.Update }, ""},
		"held since an earlier seat": {func(w *convened.Waiting) { w.Instant = at.Add(-3 * time.Hour) }, scheduler.Unconfirmed},
	} {
		w := held
		c.edit(&w)
		if _, why := scheduler.Reaches(plan, &convened.Seat{SeatedAt: at.Add(-time.Hour), Waiting: []convened.Waiting{w}}); why != c.want {
			t.Errorf("%s: not reached for %q, want %q", name, why, c.want)
		}
	}
}
