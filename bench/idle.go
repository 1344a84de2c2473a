//go:build linux

package main

import (
	"bufio"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"convened"
	"convened/internal/lab"
	"convened/store"
)

// What there is in the database of the idle daemon besides what is over.
const (
	openEvents  = 5      // that have people, and nothing to be sent
	openPeople  = 2_000  // of each
	busySeats   = 20_000 // of the event whose reminders are planned
	claimBatch  = 100
	claimRounds = 20
	idleFor     = time.Minute
)

// idle measures what a daemon costs that has nothing to do, and what its work and
// its pages cost, beside many rows that are done with and beside none.
func (s *site) idle(o options, f *Figures) error {
	m, err := s.lightSink(0)
	if err != nil {
		return err
	}
	defer m.stop()
	fmt.Printf("Beside %d old registrations, %d old notices and as many attempts, and beside none.\n", o.old, oldNotices*o.old)
	var both [2]*neighbour
	for i, old := range []int{0, o.old} {
		n := &neighbour{found: map[string]float64{}}
		both[i] = n
		defer n.end()
		if n.console, err = lab.FreeAddress(); err != nil {
			return err
		}
		n.more, n.before = map[string]string{"console": n.console}, func(q *session) error { return pile(q, old) }
		if err := n.idle(s, m); err != nil {
			return err
		}
	}
	// One right after the other: a machine on which others work too is not the same for long.
	for _, step := range []func(*neighbour, *site) error{(*neighbour).browse, (*neighbour).ask, (*neighbour).steps} {
		for _, n := range both {
			if err := step(n, s); err != nil {
				return err
			}
		}
	}
	fmt.Printf("  %-44s %12s %12s %8s\n", "", "beside none", "beside all", "ratio")
	for _, name := range slices.Sorted(maps.Keys(both[1].found)) {
		none, all := both[0].found[name], both[1].found[name]
		f.Others["beside none: "+name], f.Others[fmt.Sprintf("beside %d: %s", o.old, name)] = none, all
		fmt.Printf("  %-44s %12.2f %12.2f %8.2f\n", name, none, all, all/cmp.Or(none, 1))
	}
	return nil
}

// A neighbour is convened beside a number of old registrations, and what was found
// of it.
type neighbour struct {
	convenedStack
	console string
	found   map[string]float64
}

// idle sends some letters and measures the minute after them.
func (n *neighbour) idle(s *site, m *mailServer) error {
	j := &job{site: s, Letters: 1000, Connections: 8, server: m}
	if err := n.begin(j); err != nil {
		return err
	}
	p := j.processes[0]
	defer p.stop()
	time.Sleep(time.Until(j.Due))
	if _, err := n.done(j); err != nil {
		return err
	}
	return s.rest(p, n.console, n.found)
}

// browse looks at pages of a daemon that has just been started.
func (n *neighbour) browse(s *site) error {
	p, err := launch(s.ctx, s.dir, "convened", nil, s.program, "run", "--config", n.config)
	if err != nil {
		return err
	}
	defer p.stop()
	for limit := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if _, err = get(s.ctx, "http://"+n.console+"/readyz", ""); err == nil {
			break
		}
		if time.Now().After(limit) {
			return p.failed(err)
		}
	}
	events := make([]string, openEvents)
	for i := range events {
		events[i] = fmt.Sprintf("open-%d", i+1)
	}
	pages, err := s.pages(n.q, n.console, events)
	for name, took := range pages {
		n.found["page "+name+", ms"] = ms(took)
	}
	return err
}

// ask asks how things are.
func (n *neighbour) ask(s *site) error {
	took, err := middle(5, func() error { return s.convened(n.config, "status") })
	n.found["convened status, ms"] = ms(took)
	return err
}

// rest measures a daemon that has nothing to do.
func (s *site) rest(p *process, console string, found map[string]float64) error {
	time.Sleep(30 * time.Second) // what the burst had needed is given back
	sum, count, err := ticks(s.ctx, console)
	if err != nil {
		return err
	}
	own, theirs := spent(p.cmd.Process.Pid), spent(s.master)
	time.Sleep(idleFor)
	part := func(d time.Duration) float64 { return 100 * d.Seconds() / idleFor.Seconds() }
	found["idle: % of a core"], found["idle: % of a core, Postgres"] = part(spent(p.cmd.Process.Pid)-own), part(spent(s.master)-theirs)
	found["idle: MB"] = float64(memory(p.cmd.Process.Pid)) / (1 << 20)
	allSum, all, err := ticks(s.ctx, console)
	if err != nil {
		return err
	}
	if all == count {
		return errors.New("the daemon has not ticked for a minute")
	}
	found["a tick, ms"] = 1000 * (allSum - sum) / (all - count)
	return nil
}

// ticks reads how long the rounds of a daemon took in all, in seconds, and how many there were.
func ticks(ctx context.Context, console string) (sum, count float64, err error) {
	body, err := get(ctx, "http://"+console+"/metrics", "")
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(body) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch name {
		case "convened_tick_duration_seconds_sum":
			sum, err = strconv.ParseFloat(value, 64)
		case "convened_tick_duration_seconds_count":
			count, err = strconv.ParseFloat(value, 64)
		}
		if err != nil {
			return 0, 0, err
		}
	}
	return sum, count, nil
}

// eventPages are the pages of an event that are measured.
var eventPages = []string{"overview", "registrants", "failures"}

// pages asks the console for the list of events and for pages of some, each for the
// first time, and for the metrics. It returns how long they took: of those of
// several events the middle one.
func (s *site) pages(q *session, console string, events []string) (map[string]time.Duration, error) {
	const token = "the-token-of-the-bench"
	if err := q.tell(fmt.Sprintf(`INSERT INTO convened.users (email, administrator, created_at) VALUES ('bench@example.org', true, now()) ON CONFLICT DO NOTHING;
		INSERT INTO convened.sessions (digest, user_id, created_at, seen_at) SELECT '\x%x', id, now(), now() FROM convened.users ON CONFLICT DO NOTHING`, sha256.Sum256([]byte(token)))); err != nil {
		return nil, err
	}
	took := map[string]time.Duration{}
	ask := func(path string) (time.Duration, error) {
		begun := time.Now()
		_, err := get(s.ctx, "http://"+console+path, token)
		return time.Since(begun), err
	}
	var err error
	if _, err := ask("/new"); err != nil { // the first of all makes ready
		return nil, err
	}
	for i, name := range eventPages {
		var all []time.Duration
		for _, event := range events {
			d, err := ask("/events/" + event + []string{"", "/registrants", "/failures"}[i])
			if err != nil {
				return nil, err
			}
			all = append(all, d)
		}
		slices.Sort(all)
		took[name] = all[len(all)/2]
	}
	if took["events"], err = ask("/events"); err != nil {
		return nil, err
	}
	took["/metrics"], err = ask("/metrics")
	return took, err
}

func get(ctx context.Context, address, token string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	if token != "" {
		r.AddCookie(&http.Cookie{Name: "convened", Value: token})
	}
	a, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(r)
	if err != nil {
		return "", err
	}
	defer a.Body.Close()
	body, err := io.ReadAll(bufio.NewReader(a.Body))
	if err == nil && a.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", address, a.Status)
	}
	return string(body), err
}

// steps measures what a burst is made of, as a daemon asks the database for it.
func (n *neighbour) steps(s *site) error {
	found := n.found
	st, err := store.Open(store.Options{URL: n.url})
	if err != nil {
		return err
	}
	defer st.Close()
	host, _ := os.Hostname()
	if _, err := st.Register(s.ctx, store.Daemon{Name: "bench", Host: host, PID: os.Getpid(), Version: "bench"}); err != nil {
		return err
	}
	now := time.Now()
	key := 0
	plan, err := middle(7, func() error {
		key++
		p := convened.OccasionPlan{Event: "busy", Revision: 1, Kind: convened.ReminderKind, SeatedBy: now,
			Occasion: convened.Occasion{Key: fmt.Sprintf("reminder %d", key), Start: now.Add(remindBefore).Truncate(time.Second), Ordinal: 1, At: now.Truncate(time.Second)}}
		planned := 0
		for {
			step, err := st.PlanOccasion(s.ctx, now, p)
			planned += step.Notices
			if err == nil && step.Done && planned != busySeats {
				err = fmt.Errorf("%d reminders were planned, want %d", planned, busySeats)
			}
			if err != nil || step.Done {
				return err
			}
		}
	})
	if err != nil {
		return err
	}
	found[fmt.Sprintf("plan %d, ms", busySeats)] = ms(plan)
	var took [3][]time.Duration
	for range claimRounds {
		begun := time.Now()
		claims, err := st.Claim(s.ctx, now, claimBatch, time.Minute)
		if err != nil {
			return err
		}
		if len(claims) != claimBatch {
			return fmt.Errorf("%d were claimed, want %d", len(claims), claimBatch)
		}
		claimed := time.Now()
		marks, outcomes := make([]convened.Mark, len(claims)), make([]convened.Settlement, len(claims))
		for i, c := range claims {
			n := &c.Notice
			marks[i] = convened.Mark{Notice: n.ID, Attempt: n.Attempt, Event: c.Event.Slug, MessageID: fmt.Sprintf("%d@example.org", n.ID), Revision: c.Event.Revision, Sequence: c.Registration.Sequence}
			outcomes[i].Outcome = convened.Outcome{Notice: n.ID, Attempt: n.Attempt, State: convened.Sent, At: now, Code: 250}
		}
		made := time.Now()
		kept, err := st.Mark(s.ctx, marks, time.Minute)
		if err != nil {
			return err
		}
		if len(kept) != claimBatch {
			return fmt.Errorf("%d were marked, want %d", len(kept), claimBatch)
		}
		marked := time.Now()
		if kept, err = st.Settle(s.ctx, outcomes); err != nil {
			return err
		}
		if len(kept) != claimBatch {
			return fmt.Errorf("%d were settled, want %d", len(kept), claimBatch)
		}
		for i, d := range []time.Duration{claimed.Sub(begun), marked.Sub(made), time.Since(marked)} {
			took[i] = append(took[i], d)
		}
	}
	for i, name := range []string{"claim", "mark", "settle"} {
		slices.Sort(took[i])
		found[fmt.Sprintf("%s %d, ms", name, claimBatch)] = ms(took[i][claimRounds/2])
	}
	return nil
}

// middle runs f n times and returns the middle one of how long it took.
func middle(n int, f func() error) (time.Duration, error) {
	var all []time.Duration
	for range n {
		begun := time.Now()
		if err := f(); err != nil {
			return 0, err
		}
		all = append(all, time.Since(begun))
	}
	slices.Sort(all)
	return all[n/2], nil
}
