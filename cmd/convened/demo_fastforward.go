package main

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"convened"
	"convened/desk"
	"convened/internal/lab"
	"convened/scheduler"
	"convened/store"
)

// A virtualClock stands still until it is set.
type virtualClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *virtualClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *virtualClock) Set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t
}

// fastForward plays the sample event with the daemon's own parts on a virtual
// clock: a real database and a real SMTP dialogue, and time that jumps from one
// instant at which something happens to the next.
func (e *env) fastForward() error {
	st, err := e.setStage()
	if err != nil {
		return err
	}
	defer st.strike(e.stderr)
	began := time.Now()

	first := slices.MaxFunc(cast, func(a, b actor) int { return int(a.before - b.before) }).before
	event, err := sampleEvent(e.clock())
	if err != nil {
		return err
	}
	clock := &virtualClock{}
	clock.Set(event.Starts.Add(-first - 24*time.Hour)) // announced a day before the first registers
	event.CreatedAt, event.MovedAt = clock.Now(), clock.Now()
	for i := range event.Reminders {
		event.Reminders[i].AddedAt = clock.Now()
	}
	if event, err = st.desk.Carry(e.ctx, clock.Now(), &desk.Proposal{Event: event}); err != nil {
		return err
	}
	keys, err := st.desk.Store.Keys(e.ctx)
	if err != nil {
		return err
	}
	log := slog.New(slog.DiscardHandler)
	p, err := newPost(st.cfg, keys, nil, clock.Now, log)
	if err != nil {
		return err
	}
	defer func() { _ = p.relay.Close() }()
	if _, err := st.desk.Store.Register(e.ctx, store.Daemon{Name: "demo", Host: "demo", Version: version()}); err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "%s\n%s, in French, with letters in three languages.\n\n", event.Title.In("en"), in(event.Starts, event.TimeLocation()))
	printed := &playbill{e: e, event: event}
	sched := scheduler.New(scheduler.Options{Store: st.desk.Store, Composer: p, Clock: clock.Now, Identify: desk.Identify,
		Hands: 1, Grace: st.cfg.Grace, Logger: log, Settled: printed.settled})
	end := sched.Begin(e.ctx)
	defer end()

	if err := e.play(st, event, clock, sched); err != nil {
		return err
	}
	missing, unexpected := difference(expected(event), arrived(st.smtp.Messages()))
	if len(missing)+len(unexpected) > 0 {
		for _, m := range missing {
			fmt.Fprintf(e.stderr, "missing: %s\n", m)
		}
		for _, u := range unexpected {
			fmt.Fprintf(e.stderr, "not expected: %s\n", u)
		}
		return fmt.Errorf("%d mails are missing and %d were not expected", len(missing), len(unexpected))
	}
	fmt.Fprintf(e.stdout, "\n%d mails, exactly the expected ones, in %s instead of %d days.\n", st.smtp.Count(), time.Since(began).Round(100*time.Millisecond),
		int(clock.Now().Sub(event.CreatedAt).Hours()/24))
	return nil
}

// play moves the clock from instant to instant until nothing is left to happen.
func (e *env) play(st *stage, event *convened.Event, clock *virtualClock, sched *scheduler.Scheduler) error {
	waiting := slices.Clone(cast)
	slices.SortFunc(waiting, func(a, b actor) int { return int(b.before - a.before) })
	for {
		next, err := sched.NextInstant(e.ctx, clock.Now())
		if err != nil {
			return err
		}
		if len(waiting) > 0 {
			if at := event.Starts.Add(-waiting[0].before); next.IsZero() || !at.After(next) {
				next = at
				if _, err := st.desk.Store.AddRegistrations(e.ctx, []store.Entry{waiting[0].entry(event.Slug, at)}); err != nil {
					return err
				}
				waiting = waiting[1:]
			}
		}
		if next.IsZero() {
			return nil
		}
		clock.Set(next)
		if err := sched.Until(e.ctx, next); err != nil {
			return err
		}
	}
}

// A playbill prints each mail as it goes.
type playbill struct {
	e     *env
	event *convened.Event
}

func (b *playbill) settled(st convened.Settlement, c *convened.Claim) {
	at := in(st.At, b.event.TimeLocation())
	what := string(c.Notice.Kind)
	if st.State != convened.Sent {
		fmt.Fprintf(b.e.stdout, "%-27s %-12s %-28s %s: %s %s\n", at, what, c.Registration.Email, st.State, st.Reason, st.Reply)
		return
	}
	fmt.Fprintf(b.e.stdout, "%-27s %-12s %-28s %s\n", at, what, c.Registration.Email, because(c))
}

// because says in words why a letter went out.
func because(c *convened.Claim) string {
	switch c.Notice.Kind {
	case convened.Confirmation:
		why := "registered"
		switch n := len(c.Folded); n {
		case 0:
		case 1:
			why += " late: it stands in for a reminder"
		default:
			why += fmt.Sprintf(" late: it stands in for %d reminders", n)
		}
		return why
	case convened.ReminderKind, convened.Followup:
		if rule, err := scheduler.RuleOf(c.Reminder); err == nil {
			return rule.Words("en")
		}
	}
	return ""
}

// expected is what must arrive, computed from the rules and from when each
// person registers: nothing here looks at what the daemon did.
func expected(event *convened.Event) []string {
	var list []string
	for _, a := range cast {
		registered := event.Starts.Add(-a.before)
		list = append(list, mailLine(a.email, convened.Confirmation, 1))
		counts := map[convened.Kind]int{}
		for _, o := range scheduler.Occasions(event) {
			i := slices.IndexFunc(event.Reminders, func(r convened.Reminder) bool { return r.Key == o.Key })
			rem := &event.Reminders[i]
			rule, err := scheduler.RuleOf(rem)
			if err != nil {
				continue
			}
			limit := o.At
			if rule.Kind() == convened.ReminderKind && rem.Late == convened.Fold {
				limit = limit.Add(-convened.FoldWindow)
			}
			if !registered.After(limit) {
				counts[rule.Kind()]++
			}
		}
		for kind, n := range counts {
			list = append(list, mailLine(a.email, kind, n))
		}
	}
	slices.Sort(list)
	return list
}

// arrived is what the mail server took, in the same words.
func arrived(messages []lab.Message) []string {
	type key struct{ to, kind string }
	counts := map[key]int{}
	for _, m := range messages {
		parts, err := readLetter(m.Raw)
		if err != nil {
			counts[key{strings.Join(m.To, ","), err.Error()}]++
			continue
		}
		counts[key{strings.Join(m.To, ","), parts.kind}]++
	}
	var list []string
	for k, n := range counts {
		list = append(list, mailLine(k.to, convened.Kind(k.kind), n))
	}
	slices.Sort(list)
	return list
}

func mailLine(email string, kind convened.Kind, n int) string {
	return fmt.Sprintf("%d %s to %s", n, kind, email)
}

// difference returns what of a is not in b, and what of b is not in a.
func difference(a, b []string) (missing, unexpected []string) {
	for _, s := range a {
		if !slices.Contains(b, s) {
			missing = append(missing, s)
		}
	}
	for _, s := range b {
		if !slices.Contains(a, s) {
			unexpected = append(unexpected, s)
		}
	}
	return missing, unexpected
}
