package scheduler_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"convened"
)

// A memory is a Store without a database: its rows move as the statements of
// package store move them.
type memory struct {
	clock func() time.Time // of leases

	// fail is asked before each call does anything, with the method's name and
	// the event that it is about, if any; nil: nothing fails.
	fail func(method, event string) error
	// marks decides whether a letter may go; nil: if its claim holds.
	marks func(convened.Mark) bool
	// sat is the event whose row somebody else sits on.
	sat string
	// step is how many notices one step of an occasion plans; 0: all.
	step int

	mu       sync.Mutex
	events   []*convened.Event
	seats    []convened.Registration
	fresh    []convened.Newcomer
	recorded map[string][]convened.Recorded
	plans    []convened.OccasionPlan
	rows     []*row
	calls    []call
	settled  []convened.Settlement // that were taken, in their order
}

type row struct {
	claim  convened.Claim
	lease  time.Time
	marked bool
}

type call struct {
	method string
	at     time.Time
	n      int // how many a claim was asked for
}

func (m *memory) enter(method, event string, n int) error {
	meet()
	m.mu.Lock()
	m.calls = append(m.calls, call{method, m.clock(), n})
	m.mu.Unlock()
	if m.fail != nil {
		return m.fail(method, event)
	}
	return nil
}

// called returns the calls of one method so far.
func (m *memory) called(method string) []call {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(m.calls), func(c call) bool { return c.method != method })
}

// register is what a form does.
func (m *memory) register(event string, emails ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, email := range emails {
		m.fresh = append(m.fresh, convened.Newcomer{ID: convened.RegistrationID(len(m.fresh) + 1), Event: event, Email: email})
	}
}

// add puts a notice there that is planned and due.
func (m *memory) add(c convened.Claim) convened.NoticeID {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.addLocked(c)
}

func (m *memory) addLocked(c convened.Claim) convened.NoticeID {
	c.Notice.ID, c.Notice.State, c.Notice.Event = convened.NoticeID(len(m.rows)+1), convened.Planned, c.Event.Slug
	m.rows = append(m.rows, &row{claim: c})
	return c.Notice.ID
}

// notice returns a row as it stands.
func (m *memory) notice(id convened.NoticeID) convened.Notice {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.rows[id-1].claim.Notice
}

// states counts the rows by state.
func (m *memory) states() map[convened.State]int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := map[convened.State]int{}
	for _, r := range m.rows {
		n[r.claim.Notice.State]++
	}
	delete(n, "") // numbers without a row
	return n
}

// settlements returns what was settled for a notice, in its order.
func (m *memory) settlements(id convened.NoticeID) []convened.Settlement {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(m.settled), func(s convened.Settlement) bool { return s.Notice != id })
}

func (m *memory) OpenEvents(context.Context, time.Time) ([]*convened.Event, error) {
	if err := m.enter("OpenEvents", "", 0); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.events), nil
}

func (m *memory) Occasions(_ context.Context, event string) ([]convened.Recorded, error) {
	if err := m.enter("Occasions", event, 0); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.recorded[event]), nil
}

func (m *memory) PlanOccasion(_ context.Context, _ time.Time, p convened.OccasionPlan) (convened.Step, error) {
	if err := m.enter("PlanOccasion", p.Event, 0); err != nil {
		return convened.Step{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.eventLocked(p.Event)
	if e.Revision != p.Revision {
		return convened.Step{}, convened.ErrEdited
	}
	m.plans = append(m.plans, p)
	step := convened.Step{Done: true}
	if p.Passed == "" {
		for _, seat := range m.seats {
			if seat.Event != p.Event || seat.SeatedAt.After(p.SeatedBy) || m.plannedLocked(seat.ID, p.Occasion.String()) {
				continue
			}
			if m.step > 0 && step.Notices == m.step {
				step.Done = false
				break
			}
			m.addLocked(convened.Claim{Event: *e, Registration: seat, Reminder: reminderOf(e, p.Occasion.Key),
				Notice: convened.Notice{Registration: seat.ID, Kind: p.Kind, Occasion: p.Occasion.String(), Instant: p.Occasion.At, DueAt: p.Occasion.At}})
			step.Notices++
		}
	}
	if step.Done {
		m.recorded[p.Event] = append(m.recorded[p.Event], convened.Recorded{Occasion: p.Occasion, Planned: true, Passed: p.Passed})
	}
	return step, nil
}

// seatsLocked returns those for whom an occasion may be, in the order of their numbers,
// and for how many of them it is planned.
func (m *memory) seatsLocked(p convened.OccasionPlan) (list []convened.Registration, done int) {
	for _, seat := range m.seats {
		if seat.Event == p.Event {
			list = append(list, seat)
		}
	}
	for done < len(list) && (list[done].SeatedAt.After(p.SeatedBy) || m.plannedLocked(list[done].ID, p.Occasion.String())) {
		done++
	}
	return list, done
}

// NextSeats gives out numbers, with rows that nobody sees until PlanAhead.
func (m *memory) NextSeats(_ context.Context, _ time.Time, p convened.OccasionPlan, after, limit int) (*convened.Ahead, error) {
	if err := m.enter("NextSeats", p.Event, limit); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	list, done := m.seatsLocked(p)
	if done == len(list) || len(m.plans) == 0 {
		return nil, nil
	}
	if after < 0 {
		after = done
	}
	e := m.eventLocked(p.Event)
	a := &convened.Ahead{From: after, Upto: min(len(list), after+limit)}
	a.Last = a.Upto == len(list)
	for i, seat := range list[a.From:a.Upto] {
		if seat.SeatedAt.After(p.SeatedBy) {
			continue
		}
		id := m.addLocked(convened.Claim{Event: *e, Registration: seat, Reminder: reminderOf(e, p.Occasion.Key), Told: -1,
			Notice: convened.Notice{Registration: seat.ID, Kind: p.Kind, Occasion: p.Occasion.String(), Instant: p.Occasion.At, DueAt: p.Occasion.At}})
		r := m.rows[id-1]
		r.claim.Notice.State = ""
		c := r.claim
		c.Notice.State, c.Notice.Attempt = convened.Claimed, 1
		a.Claims, a.Seats = append(a.Claims, &c), append(a.Seats, a.From+i+1)
	}
	return a, nil
}

// PlanAhead plans a step that nobody else has planned.
func (m *memory) PlanAhead(_ context.Context, _ time.Time, p convened.OccasionPlan, a *convened.Ahead, marks []convened.Mark, lease time.Duration) (map[convened.NoticeID]bool, convened.Step, error) {
	if err := m.enter("PlanAhead", p.Event, len(marks)); err != nil {
		return nil, convened.Step{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.eventLocked(p.Event).Revision != p.Revision {
		return nil, convened.Step{}, convened.ErrEdited
	}
	list, done := m.seatsLocked(p)
	if done != a.From {
		return nil, convened.Step{Lost: true}, nil
	}
	ok := map[convened.NoticeID]bool{}
	for _, mark := range marks {
		ok[mark.Notice] = m.marks == nil || m.marks(mark)
	}
	step := convened.Step{Done: a.Upto == len(list)}
	for _, c := range a.Claims {
		r := m.rows[c.Notice.ID-1]
		r.claim.Notice.State = convened.Planned
		if ok[c.Notice.ID] {
			r.claim.Notice.State, r.claim.Notice.Attempt, r.marked, r.lease = convened.Claimed, 1, true, m.clock().Add(lease)
		}
		step.Notices++
	}
	if step.Done {
		m.recorded[p.Event] = append(m.recorded[p.Event], convened.Recorded{Occasion: p.Occasion, Planned: true})
	}
	return ok, step, nil
}

func (m *memory) plannedLocked(seat convened.RegistrationID, occasion string) bool {
	return slices.ContainsFunc(m.rows, func(r *row) bool {
		n := &r.claim.Notice
		return n.Registration == seat && n.Occasion == occasion && n.State != ""
	})
}

func (m *memory) eventLocked(slug string) *convened.Event {
	return m.events[slices.IndexFunc(m.events, func(e *convened.Event) bool { return e.Slug == slug })]
}

func reminderOf(e *convened.Event, key string) *convened.Reminder {
	for i := range e.Reminders {
		if e.Reminders[i].Key == key {
			return &e.Reminders[i]
		}
	}
	return nil
}

func (m *memory) Newcomers(context.Context) ([]convened.Newcomer, error) {
	if err := m.enter("Newcomers", "", 0); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.fresh), nil
}

func (m *memory) PlanNewcomers(_ context.Context, now time.Time, event string, revision int, list []convened.Newcomer, _ time.Duration) (convened.Seated, error) {
	if err := m.enter("PlanNewcomers", event, 0); err != nil {
		return convened.Seated{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var done convened.Seated
	if revision != 0 && m.eventLocked(event).Revision != revision {
		return done, convened.ErrEdited
	}
	for _, n := range list {
		seat := convened.Registration{ID: n.ID, Event: event, Email: n.Address, SeatedAt: now, PlannedAt: now}
		m.seats = append(m.seats, seat)
		m.addLocked(convened.Claim{Event: *m.eventLocked(event), Registration: seat, Told: -1,
			Notice: convened.Notice{Registration: n.ID, Kind: convened.Confirmation, Occasion: "1", Instant: now, DueAt: now}})
		done.Seats++
	}
	m.fresh = slices.DeleteFunc(m.fresh, func(n convened.Newcomer) bool { return n.Event == event })
	return done, nil
}

func (m *memory) PlanChanges(context.Context, time.Time) (convened.Step, error) {
	return convened.Step{Done: true}, m.enter("PlanChanges", "", 0)
}

// Recover ends leases by the clock, and sends what is in doubt out again.
func (m *memory) Recover(_ context.Context, now time.Time, _ convened.Doubt) (convened.Recovered, error) {
	var done convened.Recovered
	if err := m.enter("Recover", "", 0); err != nil {
		return done, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.rows {
		n := &r.claim.Notice
		switch {
		case n.State == convened.Claimed && m.clock().After(r.lease) && r.marked:
			n.State, n.DueAt = convened.Unknown, now
			done.Doubtful++
		case n.State == convened.Claimed && m.clock().After(r.lease):
			n.State = convened.Planned
			done.GivenBack++
		}
		if n.State == convened.Unknown && !n.DueAt.After(now) {
			n.State, n.DueAt = convened.Planned, now
			done.Retried++
		}
	}
	return done, nil
}

func (m *memory) Claim(_ context.Context, now time.Time, limit int, lease time.Duration) ([]*convened.Claim, error) {
	if err := m.enter("Claim", "", limit); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	due := slices.DeleteFunc(slices.Clone(m.rows), func(r *row) bool {
		return r.claim.Notice.State != convened.Planned || r.claim.Notice.DueAt.After(now)
	})
	slices.SortStableFunc(due, func(a, b *row) int {
		x, y := &a.claim.Notice, &b.claim.Notice
		return cmp.Or(x.Kind.Priority()-y.Kind.Priority(), x.DueAt.Compare(y.DueAt))
	})
	var claims []*convened.Claim
	for _, r := range due[:min(limit, len(due))] {
		n := &r.claim.Notice
		n.State, n.Attempt, r.lease, r.marked = convened.Claimed, n.Attempt+1, m.clock().Add(lease), false
		c := r.claim
		claims = append(claims, &c)
	}
	return claims, nil
}

func (m *memory) Mark(_ context.Context, marks []convened.Mark, lease time.Duration) (map[convened.NoticeID]bool, error) {
	ok := map[convened.NoticeID]bool{}
	for _, mark := range marks {
		if m.marks != nil && !m.marks(mark) {
			continue
		}
		ok[mark.Notice] = true
	}
	if err := m.enter("Mark", "", len(marks)); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, mark := range marks {
		r := m.rows[mark.Notice-1]
		if n := &r.claim.Notice; n.State != convened.Claimed || n.Attempt != mark.Attempt || m.clock().After(r.lease) || n.Event == m.sat {
			delete(ok, mark.Notice)
		}
		if ok[mark.Notice] {
			r.marked, r.lease = true, m.clock().Add(lease)
			r.claim.Notice.MessageID = cmp.Or(r.claim.Notice.MessageID, mark.MessageID)
		}
	}
	if len(ok) < len(marks) && m.sat != "" {
		return ok, fmt.Errorf("mark: %w", convened.ErrBusy)
	}
	return ok, nil
}

func (m *memory) Settle(_ context.Context, list []convened.Settlement) (map[convened.NoticeID]bool, error) {
	if err := m.enter("Settle", "", len(list)); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	took := map[convened.NoticeID]bool{}
	for _, s := range list {
		r := m.rows[s.Notice-1]
		n := &r.claim.Notice
		if s.State == convened.Sent && n.State == convened.Sent ||
			s.State != convened.Sent && (n.State != convened.Claimed || n.Attempt != s.Attempt || m.clock().After(r.lease)) {
			continue
		}
		n.State, n.Reason, n.LastError = s.State, s.Reason, cmp.Or(s.Reply, n.LastError)
		switch {
		case s.State == convened.Planned && !s.Free:
			n.Failures++
			n.DueAt = s.DueAt
		case s.State == convened.Planned || s.State == convened.Unknown:
			n.DueAt = s.DueAt
		}
		m.settled = append(m.settled, s)
		took[s.Notice] = true
	}
	return took, nil
}

func (m *memory) GiveBack(ctx context.Context, claims []*convened.Claim) error {
	if err := cmp.Or(m.enter("GiveBack", "", len(claims)), ctx.Err()); err != nil {
		return fmt.Errorf("give back: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range claims {
		r := m.rows[c.Notice.ID-1]
		if n := &r.claim.Notice; n.State == convened.Claimed && n.Attempt == c.Notice.Attempt && !r.marked {
			n.State, n.DueAt = convened.Planned, c.Notice.DueAt
		}
	}
	return nil
}

func (m *memory) NextDue(context.Context) (time.Time, error) {
	if err := m.enter("NextDue", "", 0); err != nil {
		return time.Time{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var next time.Time
	for _, r := range m.rows {
		n := &r.claim.Notice
		if (n.State == convened.Planned || n.State == convened.Unknown) && (next.IsZero() || n.DueAt.Before(next)) {
			next = n.DueAt
		}
	}
	return next, nil
}
