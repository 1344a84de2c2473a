package scheduler_test

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"convened"
	"convened/scheduler"
)

// A ledger is package store without a database, and one event: each method does
// to slices what the statement of its name does to rows. It is a value, so that a
// life can be tried on a copy.
type ledger struct {
	event     convened.Event
	overAt    time.Time
	given     int // seats that were given out
	fuse      int // 0: as many confirmations as there are
	regs      []entrant
	occasions []occasionRow
	changes   []changeRow
	notices   []noticeRow
}

type entrant struct {
	convened.Registration
	address   string
	seat      convened.RegistrationID
	number    int
	refusedAt time.Time
}

type occasionRow struct {
	convened.Recorded
}

type changeRow struct {
	convened.PendingChange
	planned bool
}

type noticeRow struct {
	convened.Notice
	plannedAt time.Time
	marked    bool
	sequence  int
}

func (l *ledger) clone() *ledger {
	c := *l
	c.event.Reminders = slices.Clone(l.event.Reminders)
	c.event.Title = maps.Clone(l.event.Title)
	c.regs, c.occasions = slices.Clone(l.regs), slices.Clone(l.occasions)
	c.changes, c.notices = slices.Clone(l.changes), slices.Clone(l.notices)
	return &c
}

func (l *ledger) reg(id convened.RegistrationID) *entrant { return &l.regs[id-1] }

// seats returns the seats of the event, by id.
func (l *ledger) seats() []*entrant {
	var list []*entrant
	for i := range l.regs {
		if l.regs[i].seat == l.regs[i].ID {
			list = append(list, &l.regs[i])
		}
	}
	return list
}

// insert is ON CONFLICT DO NOTHING on notices_once. It reports whether the row is new.
func (l *ledger) insert(n noticeRow) bool {
	if slices.ContainsFunc(l.notices, func(o noticeRow) bool {
		return o.Registration == n.Registration && o.Kind == n.Kind && o.Occasion == n.Occasion
	}) {
		return false
	}
	n.ID, n.Event = convened.NoticeID(len(l.notices)+1), l.event.Slug
	n.DueAt = n.Instant
	n.State = cmp.Or(n.State, convened.Planned)
	l.notices = append(l.notices, n)
	return true
}

// of returns the notices of a seat of the given kinds.
func (l *ledger) of(seat convened.RegistrationID, kinds ...convened.Kind) []*noticeRow {
	var list []*noticeRow
	for i := range l.notices {
		if n := &l.notices[i]; n.Registration == seat && slices.Contains(kinds, n.Kind) {
			list = append(list, n)
		}
	}
	return list
}

// register is what a form does.
func (l *ledger) register(email, language string, at time.Time) {
	l.regs = append(l.regs, entrant{Registration: convened.Registration{ID: convened.RegistrationID(len(l.regs) + 1), Event: l.event.Slug, Email: email, Language: language, CreatedAt: at}})
}

// identify is the least idea of an address.
func identify(n *convened.Newcomer) {
	if n.Address = strings.ToLower(n.Email); !strings.Contains(n.Email, "@") {
		n.Fault = "it has no @"
	}
}

func (l *ledger) OpenEvents(_ context.Context, now time.Time) ([]*convened.Event, error) {
	if l.overAt.Before(now) {
		return nil, nil
	}
	e := l.event
	return []*convened.Event{&e}, nil
}

func (l *ledger) Occasions(context.Context, string) ([]convened.Recorded, error) {
	var list []convened.Recorded
	for _, o := range l.occasions {
		list = append(list, o.Recorded)
	}
	return list, nil
}

func (l *ledger) PlanOccasion(_ context.Context, now time.Time, p convened.OccasionPlan) (convened.Step, error) {
	if l.event.Revision != p.Revision {
		return convened.Step{}, convened.ErrEdited
	}
	i := slices.IndexFunc(l.occasions, func(o occasionRow) bool { return o.String() == p.Occasion.String() })
	if i < 0 {
		i = len(l.occasions)
		l.occasions = append(l.occasions, occasionRow{convened.Recorded{Occasion: p.Occasion, RecordedAt: now, Upto: l.given,
			Passed: p.Passed, Planned: p.Passed != "" || l.given == 0}})
	}
	o := &l.occasions[i]
	if o.Planned {
		return convened.Step{Done: true}, nil
	}
	step := convened.Step{Done: true}
	for _, r := range l.seats() {
		if r.number <= o.Done || r.number > o.Upto || !r.CancelledAt.IsZero() || !r.MutedAt.IsZero() || !r.refusedAt.IsZero() || !r.ErasedAt.IsZero() || r.SeatedAt.After(p.SeatedBy) {
			continue
		}
		if l.unconfirmed(r) {
			continue
		}
		if p.Folds && slices.ContainsFunc(l.of(r.ID, convened.Confirmation, convened.Update), func(n *noticeRow) bool {
			return n.State != convened.Cancelled && n.State != convened.Refused && n.Instant.After(p.SeatedBy)
		}) {
			continue
		}
		n := noticeRow{plannedAt: now, Notice: convened.Notice{Registration: r.ID, Kind: p.Kind, Occasion: p.Occasion.String(), Instant: o.At}}
		if p.TooLate != "" {
			n.State, n.Reason = convened.Cancelled, p.TooLate
		}
		if l.insert(n) {
			step.Notices++
		}
	}
	o.Done, o.Planned = o.Upto, true
	o.Notices += step.Notices
	return step, nil
}

// NextSeats and PlanAhead are for bursts, which no life of a ledger has.
func (l *ledger) NextSeats(context.Context, time.Time, convened.OccasionPlan, int, int) (*convened.Ahead, error) {
	panic("a life has no burst")
}

func (l *ledger) PlanAhead(context.Context, time.Time, convened.OccasionPlan, *convened.Ahead, []convened.Mark, time.Duration) (map[convened.NoticeID]bool, convened.Step, error) {
	panic("a life has no burst")
}

// unconfirmed is what plan_occasion.sql and plan_catch_up.sql ask of held confirmations.
func (l *ledger) unconfirmed(r *entrant) bool {
	return slices.ContainsFunc(l.of(r.ID, convened.Confirmation), func(n *noticeRow) bool {
		return n.State == convened.Held && !n.marked && !n.Instant.After(r.SeatedAt)
	})
}

func (l *ledger) Newcomers(context.Context) ([]convened.Newcomer, error) {
	var list []convened.Newcomer
	for _, r := range l.regs {
		if r.PlannedAt.IsZero() {
			list = append(list, convened.Newcomer{ID: r.ID, Event: r.Event, Email: r.Email})
		}
	}
	return list, nil
}

func (l *ledger) PlanNewcomers(_ context.Context, now time.Time, _ string, _ int, list []convened.Newcomer, again time.Duration) (convened.Seated, error) {
	var done convened.Seated
	var fresh, late []*entrant
	faults := map[convened.RegistrationID]string{}
	latest := map[convened.RegistrationID]*entrant{} // of repetitions, by seat
	allCopied := map[convened.RegistrationID]bool{}
	copied := func(r *entrant) bool { return r.CreatedAt.Before(l.event.CreatedAt.Add(-time.Minute)) }
	var order []convened.RegistrationID
	for _, n := range list {
		r := l.reg(n.ID)
		if !r.PlannedAt.IsZero() {
			continue
		}
		r.PlannedAt, r.address, r.seat = now, n.Address, r.ID
		for _, s := range l.seats() {
			if s.address == n.Address && s.ID != r.ID {
				r.seat = s.ID
			}
		}
		if n.Fault != "" {
			r.refusedAt = now
		}
		switch {
		case r.seat == r.ID:
			r.SeatedAt = now
			faults[r.ID] = n.Fault
			fresh = append(fresh, r)
			l.given++
			r.number = l.given
			if n.Fault == "" {
				late = append(late, r)
			}
		case n.Fault == "":
			if latest[r.seat] == nil {
				order = append(order, r.seat)
				allCopied[r.seat] = true
			}
			latest[r.seat] = r
			allCopied[r.seat] = allCopied[r.seat] && copied(r)
		}
	}
	done.Seats, done.Repeats = len(fresh), len(latest)
	revived := map[convened.RegistrationID]bool{}
	for _, id := range order {
		s := l.reg(id)
		s.Language = cmp.Or(latest[id].Language, s.Language)
		s.refusedAt = time.Time{}
		if !s.CancelledAt.IsZero() {
			revived[id] = true
			done.Revived++
			s.Sequence++
			s.SequencedAt, s.SeatedAt, s.CancelledAt, s.MutedAt = now, now, time.Time{}, time.Time{}
			l.given++
			s.number = l.given
			late = append(late, s)
		}
	}
	closed := ""
	switch {
	case l.event.Status == convened.EventIsOff:
		closed = "the event is off"
	case !now.Before(l.event.Ends):
		closed = "too late: the event is over"
	}
	room := l.room(now)
	for _, r := range fresh {
		n := noticeRow{plannedAt: now, Notice: convened.Notice{Registration: r.ID, Kind: convened.Confirmation, Occasion: "1", Instant: now}}
		switch {
		case faults[r.ID] != "":
			n.State, n.LastError = convened.Refused, faults[r.ID]
		case l.event.Status == convened.EventIsOff:
			n.State, n.Reason = convened.Cancelled, closed
		case closed != "" && (copied(r) || !r.CreatedAt.Before(l.event.Ends)):
			n.State, n.Reason = convened.Held, "over"
		case closed != "":
			n.State, n.Reason = convened.Cancelled, closed
		case copied(r):
			n.State, n.Reason = convened.Held, "copied"
		case room <= 0:
			n.State, n.Reason = convened.Held, "fuse"
		default:
			room--
		}
		l.insert(n)
	}
	if closed != "" {
		return done, nil
	}
	slices.Sort(order)
	for _, id := range order {
		l.planRepeat(id, revived[id], allCopied[id], now, again, &room)
	}
	for _, r := range late {
		l.catchUp(r.ID, now)
	}
	return done, nil
}

// room is how many confirmations the fuse lets through: see awaits.sql.
func (l *ledger) room(now time.Time) int {
	if l.fuse == 0 {
		return 1000
	}
	room := l.fuse
	for _, n := range l.notices {
		if n.Kind == convened.Confirmation && n.State != convened.Held && !((n.State == convened.Refused || n.State == convened.Cancelled) && n.Attempt == 0) && n.plannedAt.After(now.Add(-time.Hour)) {
			room--
		}
	}
	return max(room, 0) // it is counted no further than is asked for
}

func (l *ledger) planRepeat(seat convened.RegistrationID, revived, copied bool, now time.Time, again time.Duration, room *int) {
	count := 0
	var planned time.Time
	for _, n := range l.of(seat, convened.Confirmation) {
		k, err := strconv.Atoi(n.Occasion)
		if err != nil {
			panic(err)
		}
		count = max(count, k)
		switch n.State {
		case convened.Planned, convened.Claimed, convened.Unknown, convened.Held:
			return
		case convened.Cancelled:
		default:
			if n.plannedAt.After(planned) {
				planned = n.plannedAt
			}
		}
	}
	if !revived && slices.ContainsFunc(l.of(seat, convened.Update), func(n *noticeRow) bool {
		return (n.State == convened.Planned || n.State == convened.Claimed) && !n.marked
	}) {
		return
	}
	if count > 0 && (revived || planned.IsZero() || !planned.After(now.Add(-again))) {
		n := noticeRow{plannedAt: now, Notice: convened.Notice{Registration: seat, Kind: convened.Confirmation, Occasion: strconv.Itoa(count + 1), Instant: now}}
		switch {
		case copied:
			n.State, n.Reason = convened.Held, "copied"
		case *room <= 0:
			n.State, n.Reason = convened.Held, "fuse"
		default:
			*room--
		}
		l.insert(n)
	}
}

func (l *ledger) catchUp(seat convened.RegistrationID, now time.Time) {
	if !now.Before(l.event.Starts) || l.unconfirmed(l.reg(seat)) {
		return
	}
	for _, rem := range l.event.Reminders {
		if rem.Late != convened.CatchUp || strings.HasPrefix(rem.Rule, "after ") {
			continue
		}
		var latest *occasionRow
		for i := range l.occasions {
			if o := &l.occasions[i]; o.Key == rem.Key && o.Start.Equal(l.event.Starts) && (latest == nil || o.Ordinal > latest.Ordinal) {
				latest = o
			}
		}
		if latest != nil {
			l.insert(noticeRow{plannedAt: now, Notice: convened.Notice{Registration: seat, Kind: convened.ReminderKind, Occasion: latest.String(), Instant: now}})
		}
	}
}

func (l *ledger) PlanChanges(_ context.Context, now time.Time) (convened.Step, error) {
	all := convened.Step{Done: true}
	type due struct {
		i         int
		overtaken bool
	}
	var list []due
	for i, c := range l.changes {
		if c.planned || c.DueAt.After(now) {
			continue
		}
		list = append(list, due{i, slices.ContainsFunc(l.changes, func(o changeRow) bool {
			return o.Sequence > c.Sequence && !o.planned && (!c.Urgent || !o.DueAt.After(now))
		})})
	}
	slices.SortStableFunc(list, func(a, b due) int { return l.changes[a.i].DueAt.Compare(l.changes[b.i].DueAt) })
	for _, d := range list {
		c := &l.changes[d.i]
		c.planned = true
		if d.overtaken {
			continue
		}
		for _, r := range l.seats() {
			if !r.CancelledAt.IsZero() || !r.refusedAt.IsZero() || !r.ErasedAt.IsZero() || !slices.ContainsFunc(l.of(r.ID, convened.Confirmation, convened.Update), func(n *noticeRow) bool {
				return n.marked && n.sequence < c.Sequence+r.Sequence
			}) {
				continue
			}
			if l.insert(noticeRow{plannedAt: now, Notice: convened.Notice{Registration: r.ID, Kind: c.Kind, Occasion: strconv.Itoa(c.Sequence + r.Sequence), Instant: c.DueAt}}) {
				all.Notices++
			}
		}
	}
	return all, nil
}

// Recover finds nobody dead here: what is in hand is settled within its tick.
func (l *ledger) Recover(_ context.Context, now time.Time, d convened.Doubt) (convened.Recovered, error) {
	var done convened.Recovered
	for i := range l.notices {
		n := &l.notices[i]
		if n.State != convened.Unknown || n.DueAt.After(now) {
			continue
		}
		bound := d[n.Kind]
		n.DueAt = now
		if n.Doubts <= bound {
			n.State = convened.Planned
			done.Retried++
		} else {
			n.State, n.Reason = convened.Held, "nobody knows whether it arrived"
			done.Held++
		}
	}
	return done, nil
}

func (l *ledger) Claim(_ context.Context, now time.Time, limit int, _ time.Duration) ([]*convened.Claim, error) {
	var due []*noticeRow
	for i := range l.notices {
		if n := &l.notices[i]; n.State == convened.Planned && !n.DueAt.After(now) {
			due = append(due, n)
		}
	}
	slices.SortStableFunc(due, func(a, b *noticeRow) int {
		return cmp.Or(a.Kind.Priority()-b.Kind.Priority(), a.DueAt.Compare(b.DueAt))
	})
	due = due[:min(len(due), limit)]
	// What each was told is read before any of them is taken.
	told := make([]int, len(due))
	for i, n := range due {
		told[i] = -1
		for _, o := range l.of(n.Registration, convened.Confirmation, convened.Update, convened.Cancellation) {
			if o.ID != n.ID && o.marked && (o.State == convened.Sent || o.State == convened.Unknown) {
				told[i] = max(told[i], o.sequence)
			}
		}
	}
	var claims []*convened.Claim
	for i, n := range due {
		n.State, n.marked = convened.Claimed, false
		n.Attempt++
		c := &convened.Claim{Notice: n.Notice, Event: l.event, Registration: l.reg(n.Registration).Registration, Told: told[i]}
		if o, err := convened.ParseOccasion(n.Occasion); err == nil {
			c.Reminder = ruleNamed(&c.Event, o.Key)
		}
		claims = append(claims, c)
	}
	return claims, nil
}

func (l *ledger) Mark(_ context.Context, marks []convened.Mark, _ time.Duration) (map[convened.NoticeID]bool, error) {
	ok := map[convened.NoticeID]bool{}
	for _, m := range marks {
		n := &l.notices[m.Notice-1]
		r := l.reg(n.Registration)
		quiet := n.Kind == convened.ReminderKind || n.Kind == convened.Followup
		if n.State == convened.Claimed && n.Attempt == m.Attempt && l.event.Revision == m.Revision && r.ErasedAt.IsZero() && r.Sequence == m.Sequence && (r.MutedAt.IsZero() || !quiet) {
			n.marked, n.sequence = true, l.event.Sequence+r.Sequence
			ok[m.Notice] = true
		}
	}
	return ok, nil
}

func (l *ledger) Settle(_ context.Context, list []convened.Settlement) (map[convened.NoticeID]bool, error) {
	took := map[convened.NoticeID]bool{}
	for _, s := range list {
		n := &l.notices[s.Notice-1]
		if s.State == convened.Sent && n.State == convened.Sent || s.State != convened.Sent && (n.State != convened.Claimed || n.Attempt != s.Attempt) {
			continue
		}
		took[s.Notice] = true
		n.State, n.Reason = s.State, s.Reason
		n.LastError = cmp.Or(s.Reply, n.LastError)
		switch s.State {
		case convened.Sent:
			n.SentAt, n.LastError = s.At, ""
		case convened.Planned:
			n.DueAt, n.marked = s.DueAt, false
			if !s.Free {
				n.Failures++
			}
		case convened.Unknown:
			n.DueAt = s.DueAt
			n.Doubts++
		case convened.Refused:
			if r := l.reg(n.Registration); s.Cause == convened.CauseAddress && r.refusedAt.IsZero() {
				r.refusedAt = s.At
			}
		}
	}
	return took, nil
}

func (l *ledger) GiveBack(_ context.Context, claims []*convened.Claim) error {
	for _, c := range claims {
		if n := &l.notices[c.Notice.ID-1]; n.State == convened.Claimed && n.Attempt == c.Notice.Attempt && !n.marked {
			n.State, n.DueAt = convened.Planned, c.Notice.DueAt
		}
	}
	return nil
}

func (l *ledger) NextDue(context.Context) (time.Time, error) {
	var next time.Time
	sooner := func(t time.Time) {
		if next.IsZero() || t.Before(next) {
			next = t
		}
	}
	for _, n := range l.notices {
		if n.State == convened.Planned || n.State == convened.Unknown {
			sooner(n.DueAt)
		}
	}
	for _, c := range l.changes {
		if !c.planned {
			sooner(c.DueAt)
		}
	}
	return next, nil
}

// ruleNamed returns the rule that an event has of a name; nil if it has none.
func ruleNamed(e *convened.Event, key string) *convened.Reminder {
	i := slices.IndexFunc(e.Reminders, func(r convened.Reminder) bool { return r.Key == key })
	if i < 0 {
		return nil
	}
	return &e.Reminders[i]
}

// drop is drop_planned.sql.
func (l *ledger) drop(seat convened.RegistrationID, why string, kinds ...convened.Kind) {
	for _, n := range l.of(seat, kinds...) {
		if n.State == convened.Planned || n.State == convened.Held {
			n.State, n.Reason = convened.Cancelled, why
		}
	}
}

func (l *ledger) giveUp(r *entrant, now time.Time) {
	if !r.CancelledAt.IsZero() || !r.ErasedAt.IsZero() {
		return
	}
	r.CancelledAt, r.SequencedAt = now, now
	r.Sequence++
	l.drop(r.ID, scheduler.Withdrawn, convened.Confirmation, convened.ReminderKind, convened.Update, convened.Followup)
	told := slices.ContainsFunc(l.of(r.ID, convened.Confirmation, convened.Update), func(n *noticeRow) bool { return n.marked })
	if told && l.event.Ends.After(now) && l.event.Status == convened.Scheduled && r.refusedAt.IsZero() {
		l.insert(noticeRow{plannedAt: now, Notice: convened.Notice{Registration: r.ID, Kind: convened.Cancellation, Occasion: strconv.Itoa(l.event.Sequence + r.Sequence), Instant: now}})
	}
}

// release lets go of what is held, from now on.
func (l *ledger) release(now time.Time) {
	for i := range l.notices {
		if n := &l.notices[i]; n.State == convened.Held {
			n.State, n.DueAt, n.Reason = convened.Planned, now, ""
		}
	}
}

func (l *ledger) mute(r *entrant, now time.Time) {
	if r.MutedAt.IsZero() && r.ErasedAt.IsZero() {
		r.MutedAt = now
		l.drop(r.ID, scheduler.Muted, convened.ReminderKind, convened.Followup)
	}
}

func (l *ledger) unmute(r *entrant, now time.Time) {
	if r.MutedAt.IsZero() || !r.ErasedAt.IsZero() {
		return
	}
	r.MutedAt = time.Time{}
	l.given++
	r.number = l.given
	if l.event.Status != convened.EventIsOff {
		l.catchUp(r.ID, now)
	}
}

func (l *ledger) erase(r *entrant, now time.Time) {
	if !r.ErasedAt.IsZero() {
		return
	}
	r.Email, r.Language, r.address, r.ErasedAt = "", "", "", now
	for i := range l.notices {
		n := &l.notices[i]
		if n.Registration == r.ID && (n.State == convened.Planned || n.State == convened.Held || n.State == convened.Unknown) {
			n.State, n.Reason = convened.Cancelled, scheduler.Erased
		}
	}
}

// quiet is the time that an edit waits for others.
const quiet = 2 * time.Minute

// apply is what Propose and Apply make of an edit.
func (l *ledger) apply(e convened.Event, now time.Time) error {
	was := l.event
	if err := e.Derive(); err != nil {
		return err
	}
	for i := range e.Reminders {
		r := &e.Reminders[i]
		r.AddedAt = now
		if o := ruleNamed(&was, r.Key); o != nil && o.Rule == r.Rule {
			r.AddedAt = o.AddedAt
		}
	}
	e.Revision++
	moved := !e.Starts.Equal(was.Starts)
	if moved {
		e.MovedAt = now
	}
	urgent := moved || !e.Ends.Equal(was.Ends) || e.Zone != was.Zone || e.Status != was.Status
	raises := urgent || !maps.Equal(e.Title, was.Title)
	if raises {
		e.Sequence++
	}
	l.event, l.overAt = e, overAt(&e)
	over := !now.Before(was.Ends) && !now.Before(e.Ends)
	stillOff := was.Status == convened.EventIsOff && e.Status == convened.EventIsOff
	if !raises || over || stillOff {
		return nil
	}
	c := convened.PendingChange{Sequence: e.Sequence, Kind: convened.Update, Urgent: urgent, DueAt: now}
	if !urgent {
		c.DueAt = now.Add(quiet)
	}
	if e.Status == convened.EventIsOff {
		c.Kind = convened.Cancellation
	}
	l.changes = append(l.changes, changeRow{PendingChange: c})
	return nil
}

// overAt is when nothing of an event is planned any more: see OverAt of package desk.
func overAt(e *convened.Event) time.Time {
	over := e.Ends
	for _, o := range scheduler.Occasions(e) {
		if o.At.After(over) {
			over = scheduler.Deadline(o, convened.Followup, grace)
		}
	}
	return over.Add(24 * time.Hour)
}

// outlook is Outlook of package store.
func (l *ledger) outlook(now time.Time) *convened.Outlook {
	e := l.event
	o := &convened.Outlook{Event: &e, Room: -1}
	if l.fuse > 0 {
		o.Room = l.room(now)
	}
	for _, r := range l.occasions {
		o.Recorded = append(o.Recorded, r.Recorded)
	}
	for _, c := range l.changes {
		if !c.planned {
			o.Changes = append(o.Changes, c.PendingChange)
		}
	}
	slices.SortStableFunc(o.Changes, func(a, b convened.PendingChange) int { return a.DueAt.Compare(b.DueAt) })
	for _, r := range l.seats() {
		o.Seats = append(o.Seats, l.outlookOf(r))
	}
	for _, r := range l.regs {
		if !r.PlannedAt.IsZero() {
			continue
		}
		a := convened.Arrival{Newcomer: convened.Newcomer{ID: r.ID, Event: r.Event, Email: r.Email}, Language: r.Language, CreatedAt: r.CreatedAt}
		identify(&a.Newcomer)
		for _, s := range l.seats() {
			if s.address == a.Address {
				a.Seat = s.ID
			}
		}
		o.Arrivals = append(o.Arrivals, a)
	}
	return o
}

func (l *ledger) outlookOf(r *entrant) convened.Seat {
	s := convened.Seat{ID: r.ID, Number: r.number, Email: r.Email, Language: r.Language, Sequence: r.Sequence, SeatedAt: r.SeatedAt, CancelledAt: r.CancelledAt,
		MutedAt: r.MutedAt, RefusedAt: r.refusedAt, ErasedAt: r.ErasedAt, FirstTold: -1, Told: -1}
	later := func(t *time.Time, u time.Time) {
		if u.After(*t) {
			*t = u
		}
	}
	for _, n := range l.of(r.ID, convened.Kinds()...) {
		speaks := n.Kind == convened.Confirmation || n.Kind == convened.Update
		if n.Kind == convened.Confirmation {
			k, _ := strconv.Atoi(n.Occasion)
			s.Confirmations = max(s.Confirmations, k)
			if n.State != convened.Cancelled {
				later(&s.ConfirmedAt, n.plannedAt)
			}
		}
		if n.Kind == convened.ReminderKind {
			s.Reminded = append(s.Reminded, n.Occasion)
		}
		switch n.State {
		case convened.Planned, convened.Claimed, convened.Unknown, convened.Held:
			s.Waiting = append(s.Waiting, convened.Waiting{ID: n.ID, Kind: n.Kind, Occasion: n.Occasion, State: n.State, Instant: n.Instant, DueAt: n.DueAt,
				Failures: n.Failures, Doubts: n.Doubts, Marked: n.marked, Sequence: n.sequence, Why: cmp.Or(n.Reason, n.LastError)})
			continue
		}
		if speaks && n.marked && (s.FirstTold < 0 || n.sequence < s.FirstTold) {
			s.FirstTold = n.sequence
		}
		if n.State == convened.Sent && n.Kind.Priority() <= 1 && n.marked {
			s.Told = max(s.Told, n.sequence)
		}
		if n.State == convened.Sent && speaks {
			later(&s.SpokenAt, n.Instant)
		}
	}
	return s
}
