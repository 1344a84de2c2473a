package scheduler_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"convened"
	"convened/scheduler"
)

// bubble is the clock of these tests: within testing/synctest it stands still
// until everybody waits.
var bubble = time.Now

var world sync.Mutex

// meet orders what a test did before what the others do next. In a bubble time
// does that, which the race detector does not see.
func meet() {
	world.Lock()
	defer world.Unlock()
}

// pass lets time go by, and what it sets off happen.
func pass(d time.Duration) {
	meet()
	<-time.After(d)
	synctest.Wait()
}

// A wire is a composer whose letters take their time and end as they are told.
type wire struct {
	// takes is how long each letter is under way, and slow how long some are.
	takes time.Duration
	slow  map[convened.NoticeID]time.Duration
	// compose fails to make a letter, or panics; nil: makes all.
	compose func(*convened.Claim) error
	// outcome is what comes of a letter; nil: it is sent.
	outcome func(*convened.Claim) convened.Outcome
	// stands is until when the relay stands still.
	stands time.Time
	// room is how many letters the relay lets in at a time; 0: any number.
	room int
	// stoppable says that a letter under way gives up when it is told to stop.
	stoppable bool

	mu    sync.Mutex
	begun []convened.NoticeID
	when  []time.Time // each was begun
	under int
	most  int // that were under way at once
	ahead int // that had begun with the end of another
	left  int // that had, and were sent from elsewhere, or later
	wrong []string
}

// A track is a place's wire: it sees whether the scheduler keeps its word.
type track struct {
	*wire
	next string // what is begun here already; "": nothing
}

// Leave is scheduler.Wire.
func (t *track) Leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.next != "" {
		t.left++
	}
	t.next = ""
}

// follow notes that a letter is sent from a place, and asks what comes after it.
func (w *wire) follow(id string, p *scheduler.Place) {
	if p.Next == nil {
		return
	}
	if p.Wire == nil {
		p.Wire = &track{wire: w}
	}
	t := p.Wire.(*track)
	w.mu.Lock()
	switch t.next {
	case "":
	case id:
		w.ahead++
	default:
		w.wrong = append(w.wrong, fmt.Sprintf("%s is sent where %s was begun", id, t.next))
	}
	t.next = ""
	w.mu.Unlock()
	if next := p.Next(); next != nil {
		t.next = next.MessageID
	}
}

func (w *wire) Compose(_ time.Time, c *convened.Claim) (scheduler.Letter, error) {
	if w.compose != nil {
		if err := w.compose(c); err != nil {
			return scheduler.Letter{}, err
		}
	}
	id := fmt.Sprintf("%d@example.org", c.Notice.ID)
	return scheduler.Letter{MessageID: id, Send: func(ctx context.Context, p *scheduler.Place) convened.Outcome {
		w.follow(id, p)
		until, cancel := context.WithDeadline(ctx, p.Until)
		defer cancel()
		return w.send(until, c)
	}}, nil
}

func (w *wire) send(ctx context.Context, c *convened.Claim) convened.Outcome {
	meet()
	w.mu.Lock()
	w.begun, w.when = append(w.begun, c.Notice.ID), append(w.when, bubble())
	w.under++
	w.most = max(w.most, w.under)
	refused := w.room > 0 && w.under > w.room
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.under--
	}()
	w.mu.Lock()
	stands := w.stands.Sub(bubble())
	w.mu.Unlock()
	if refused {
		return convened.Outcome{State: convened.Planned, Cause: convened.CauseRelay, Free: true, Phase: "connect"}
	}
	takes := w.takes
	if d, ok := w.slow[c.Notice.ID]; ok {
		takes = d
	}
	if takes = max(takes, stands); takes > 0 {
		var stop <-chan struct{}
		if w.stoppable {
			stop = ctx.Done()
		}
		select {
		case <-time.After(takes):
		case <-stop:
			return convened.Outcome{State: convened.Planned, Cause: convened.CauseStopped, Free: true, Phase: "data"}
		}
	}
	meet()
	if w.outcome != nil {
		return w.outcome(c)
	}
	return convened.Outcome{State: convened.Sent, Code: 250}
}

// sent returns the notices whose letters were begun, in their order.
func (w *wire) sent() []convened.NoticeID {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.begun)
}

// A rig is a scheduler between a memory and a wire.
type rig struct {
	*memory
	*wire
	*scheduler.Scheduler
	t       *testing.T
	options scheduler.Options
	log     *bytes.Buffer // of what happens between two calls of synctest.Wait
}

// newRig makes one. edit, if not nil, changes its options.
func newRig(t *testing.T, edit func(*scheduler.Options)) *rig {
	t.Helper()
	r := &rig{t: t, memory: &memory{clock: bubble, recorded: map[string][]convened.Recorded{}}, wire: &wire{}, log: &bytes.Buffer{}}
	r.options = scheduler.Options{Store: r.memory, Composer: r.wire, Clock: bubble, Logger: slog.New(slog.NewTextHandler(r.log, nil)),
		Identify: func(n *convened.Newcomer) { n.Address = n.Email }}
	if edit != nil {
		edit(&r.options)
	}
	r.Scheduler = scheduler.New(r.options)
	return r
}

// in runs a test in a bubble, with a scheduler that ticks when it is told to.
func in(t *testing.T, f func(*testing.T, *rig)) {
	t.Helper()
	inWith(t, nil, f)
}

func inWith(t *testing.T, edit func(*scheduler.Options), f func(*testing.T, *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, edit)
		end := r.Begin(t.Context())
		defer end()
		f(t, r)
	})
}

// running runs a test in a bubble beside Run. stop ends it and waits.
func running(t *testing.T, prepare func(*rig), edit func(*scheduler.Options), f func(t *testing.T, r *rig, stop func())) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, edit)
		prepare(r)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			r.Run(ctx)
		}()
		stop := func() {
			meet()
			cancel()
			<-done
			for _, w := range r.wrong {
				t.Error(w)
			}
		}
		defer stop()
		synctest.Wait()
		f(t, r, stop)
	})
}

// until does all that there is to do now.
func (r *rig) until() {
	r.t.Helper()
	if err := r.Until(r.t.Context(), bubble()); err != nil {
		r.t.Fatal(err)
	}
}

// next lets time go by until there is something to do, and does it.
func (r *rig) next() {
	r.t.Helper()
	at, err := r.NextInstant(r.t.Context(), bubble())
	if err != nil || at.IsZero() {
		r.t.Fatalf("nothing is left to do: %v, %v", at, err)
	}
	pass(at.Sub(bubble()))
	r.until()
}

// webinar is an event of an hour that starts some time from now, in UTC.
func webinar(slug string, starts time.Duration, reminders ...convened.Reminder) *convened.Event {
	start := bubble().Add(starts).UTC()
	e := &convened.Event{Slug: slug, Title: convened.Text{"en": "Webinar"}, Zone: "UTC", Status: convened.Scheduled, Revision: 1,
		StartsLocal: convened.WallOf(start), EndsLocal: convened.WallOf(start.Add(time.Hour)), Reminders: reminders}
	if err := e.Derive(); err != nil {
		panic(err)
	}
	return e
}

func reminder(rule string, late convened.Late) convened.Reminder {
	return convened.Reminder{Key: rule, Rule: rule, Late: late}
}

// confirmation is a notice that is due now.
func confirmation(e *convened.Event) convened.Claim {
	return convened.Claim{Event: *e, Registration: convened.Registration{ID: 1, Event: e.Slug, SeatedAt: bubble()}, Told: -1,
		Notice: convened.Notice{Registration: 1, Kind: convened.Confirmation, Occasion: "1", Instant: bubble(), DueAt: bubble()}}
}

// remind is the notice of the first occasion of an event's first reminder, due now.
func remind(e *convened.Event) convened.Claim {
	c := confirmation(e)
	o := scheduler.Occasions(e)[0]
	c.Reminder = &e.Reminders[0]
	c.Notice.Kind, c.Notice.Occasion, c.Notice.Instant = convened.ReminderKind, o.String(), o.At
	return c
}
