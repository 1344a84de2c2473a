package api

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"convened"
	"convened/desk"
	"convened/scheduler"
	"convened/store"
)

// An event is what the API says of one.
type event struct {
	Event      string               `json:"event"`
	Title      convened.Text        `json:"title"`
	Status     convened.EventStatus `json:"status"`
	Starts     time.Time            `json:"starts_at"`
	Ends       time.Time            `json:"ends_at"`
	Zone       string               `json:"zone"`
	Language   string               `json:"language"`
	JoinURL    string               `json:"join_url,omitempty"`
	Revision   int                  `json:"revision"`
	Registered int                  `json:"registered"`
	GivenUp    int                  `json:"given_up"`
}

func toEvent(s store.EventSummary) event {
	e := s.Event
	return event{e.Slug, e.Title, e.Status, e.Starts, e.Ends, e.Zone, e.Language, e.JoinURL, e.Revision, s.Registered, s.GivenUp}
}

func (s *server) events(ctx context.Context, _ *http.Request, c *caller) (any, error) {
	list, err := s.Desk.Store.Events(ctx, c.now)
	if err == nil {
		err = s.Desk.Store.CountSeats(ctx, list)
	}
	if err != nil {
		return nil, err
	}
	out := struct {
		Events []event `json:"events"`
	}{[]event{}}
	for _, e := range list {
		out.Events = append(out.Events, toEvent(e))
	}
	return out, nil
}

func (s *server) event(ctx context.Context, r *http.Request, c *caller) (any, error) {
	list, err := s.Desk.Store.Events(ctx, c.now)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(list, func(e store.EventSummary) bool { return e.Event.Slug == r.PathValue("event") })
	if i < 0 {
		return nil, store.ErrNotFound
	}
	if err := s.Desk.Store.CountSeats(ctx, list[i:i+1]); err != nil {
		return nil, err
	}
	return toEvent(list[i]), nil
}

// A move says when an event is to be.
type move struct {
	Starts   string `json:"starts"`   // 2026-11-25 16:00, on the clock of zone
	Ends     string `json:"ends"`     // "": as long as before
	Zone     string `json:"zone"`     // "": as before
	Revision int    `json:"revision"` // of the event as it was read; 0: whatever it is
	DryRun   bool   `json:"dry_run"`
}

// An edit is what comes of one, or would.
type edit struct {
	Event    string     `json:"event"`
	DryRun   bool       `json:"dry_run"`
	Changes  []change   `json:"changes"`
	Mails    int        `json:"mails"` // people who are told
	MailsAt  *time.Time `json:"mails_at"`
	Revision int        `json:"revision"`
}

type change struct {
	Field string `json:"field"`
	Old   string `json:"old"`
	New   string `json:"new"`
}

func (s *server) move(ctx context.Context, r *http.Request, c *caller) (any, error) {
	var in move
	if _, err := read(r, &in); err != nil {
		return nil, err
	}
	was, err := s.Desk.Store.Event(ctx, r.PathValue("event"))
	if err != nil {
		return nil, err
	}
	wanted := *was
	var faults []Fault
	length := was.Ends.Sub(was.Starts)
	if in.Zone != "" {
		if _, err := convened.LoadZone(in.Zone); err != nil {
			faults = append(faults, Fault{"#/zone", err.Error()})
		}
		wanted.Zone = in.Zone
	}
	if wanted.StartsLocal, err = convened.ParseWall(in.Starts); err != nil {
		faults = append(faults, Fault{"#/starts", "must be a time such as 2026-11-25 16:00, on the clock of the event's zone"})
	}
	if in.Ends != "" {
		if wanted.EndsLocal, err = convened.ParseWall(in.Ends); err != nil {
			faults = append(faults, Fault{"#/ends", "must be a time such as 2026-11-25 17:00"})
		}
	}
	if len(faults) > 0 {
		return nil, invalid(faults...)
	}
	if in.Ends == "" {
		loc := wanted.TimeLocation()
		wanted.EndsLocal = convened.WallOf(wanted.StartsLocal.In(loc).Add(length).In(loc))
	}
	if err := wanted.Derive(); err != nil {
		return nil, invalid(Fault{"#/ends", err.Error()})
	}
	if !wanted.Ends.After(wanted.Starts) {
		return nil, invalid(Fault{"#/ends", "must be after starts"})
	}
	p, err := s.Desk.Propose(ctx, c.now, &wanted)
	if err != nil {
		return nil, err
	}
	return s.carry(ctx, c, p, in.Revision, in.DryRun)
}

func (s *server) cancel(ctx context.Context, r *http.Request, c *caller) (any, error) {
	var in struct {
		Revision int  `json:"revision"`
		DryRun   bool `json:"dry_run"`
	}
	if _, err := read(r, &in); err != nil {
		return nil, err
	}
	p, err := s.Desk.ProposeCancel(ctx, c.now, r.PathValue("event"))
	if err != nil {
		return nil, err
	}
	return s.carry(ctx, c, p, in.Revision, in.DryRun)
}

// carry carries out what is proposed, or says what it would come to.
func (s *server) carry(ctx context.Context, c *caller, p *desk.Proposal, revision int, dry bool) (any, error) {
	if revision != 0 && p.Was.Revision != revision {
		return nil, convened.ErrEdited
	}
	for _, f := range p.Findings {
		if f.Level == scheduler.LevelError {
			return nil, fail(http.StatusUnprocessableEntity, "invalid", "the schedule would not work: %s", f.Message)
		}
	}
	out := edit{Event: p.Event.Slug, DryRun: dry, Changes: []change{}, Revision: p.Was.Revision}
	for _, ch := range p.Changes {
		out.Changes = append(out.Changes, change(ch))
	}
	if p.Notify != "" {
		at := p.DueAt.UTC()
		out.Mails, out.MailsAt = p.Mails, &at
	}
	if dry {
		return out, nil
	}
	d := *s.Desk
	d.By = "source " + c.token.Name
	e, err := d.Carry(ctx, c.now, p)
	if err != nil {
		return nil, err
	}
	out.Revision = e.Revision
	s.Wake()
	return out, nil
}

// A mail is what became of one, or will.
type mail struct {
	Mail    convened.Kind     `json:"mail"`
	Rule    string            `json:"rule,omitempty"`
	For     time.Time         `json:"for"`
	Reaches scheduler.Verdict `json:"reaches"`
	At      *time.Time        `json:"at"`
	Why     string            `json:"why"`
}

// story says of one person what became of each mail and what will. The address is
// in the body, and not in the URL, which proxies write down.
func (s *server) story(ctx context.Context, r *http.Request, c *caller) (any, error) {
	var in struct {
		Email string `json:"email"`
	}
	if _, err := read(r, &in); err != nil {
		return nil, err
	}
	if strings.TrimSpace(in.Email) == "" {
		return nil, invalid(Fault{"#/email", "is required"})
	}
	x, err := s.Desk.Explain(ctx, c.now, r.PathValue("event"), in.Email)
	if err != nil {
		return nil, err
	}
	out := struct {
		Event        string                  `json:"event"`
		Email        string                  `json:"email"`
		Registration convened.RegistrationID `json:"registration,omitempty"`
		Name         string                  `json:"name,omitempty"`
		CancelledAt  *time.Time              `json:"cancelled_at"`
		MutedAt      *time.Time              `json:"muted_at"`
		RefusedAt    *time.Time              `json:"refused_at"`
		Mails        []mail                  `json:"mails"`
	}{Event: x.Event.Slug, Email: in.Email, RefusedAt: instant(x.RefusedAt), Mails: []mail{}}
	if x.Seat != nil {
		out.Registration, out.Name, out.CancelledAt, out.MutedAt = x.Seat.ID, x.Seat.Name, instant(x.Seat.CancelledAt), instant(x.Seat.MutedAt)
	}
	for _, l := range x.Lines {
		out.Mails = append(out.Mails, mail{l.Kind, l.Rule, l.Instant.UTC(), l.Verdict, instant(l.At), l.Why})
	}
	return out, nil
}

func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
