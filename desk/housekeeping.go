package desk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"convened"
)

// byZoneData is who edits an event whose zone's rules have changed.
const byZoneData = "time zone data"

// Housekeep does what a daemon does now and then, and what any number of
// daemons may do at the same time: it recomputes the instants of events whose
// zone's rules have changed, erases what is kept for longer than retention (0 is
// for ever) after an event, and forgets the sessions that have ended. What fails
// does not keep the rest from being done.
func (d *Desk) Housekeep(ctx context.Context, now time.Time, retention time.Duration, log *slog.Logger) error {
	errs := []error{d.refreshZones(ctx, now, log), d.Store.ForgetRequests(ctx, now.Add(-24*time.Hour)), d.Store.DropSessions(ctx, now, SessionTerm)}
	if retention > 0 {
		errs = append(errs, d.Store.ForgetProblems(ctx, now.Add(-retention)))
	}
	for retention > 0 {
		n, err := d.Store.EraseOutlived(ctx, now, now.Add(-retention))
		if n > 0 {
			log.Info("erased", "registrations", n, "reason", "retention")
		}
		if errs = append(errs, err); err != nil || n == 0 {
			break
		}
	}
	return errors.Join(errs...)
}

// refreshZones looks whether the wall times of events still mean the instants
// that were computed. The wall time is what people were told and what the
// organiser wrote, so it stays; who has an invitation gets a new one.
func (d *Desk) refreshZones(ctx context.Context, now time.Time, log *slog.Logger) error {
	convened.ForgetZones()
	events, err := d.Store.OpenEvents(ctx, now)
	errs := []error{err} // of events that can't be read, and the others go on
	for _, was := range events {
		e := *was
		if err := e.Derive(); err != nil {
			// A zone that tzdata no longer has: the instants stay as they are.
			log.Error("an event's zone is gone", "event", e.Slug, "error", err.Error())
			continue
		}
		if e.Starts.Equal(was.Starts) && e.Ends.Equal(was.Ends) || !now.Before(was.Ends) {
			continue
		}
		// Two daemons with different tzdata must not move an event to and fro.
		back, err := d.Store.WasInstant(ctx, was, e.Starts)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if back {
			log.Error("this machine's time zone data is older than another's", "event", e.Slug, "zone", e.Zone, "mend", "update tzdata here")
			continue
		}
		p, err := d.propose(ctx, now, was, &e)
		if err == nil {
			_, err = (&Desk{Store: d.Store, Grace: d.Grace, UpdateQuiet: d.UpdateQuiet, By: byZoneData}).Carry(ctx, now, p)
		}
		if err != nil && !errors.Is(err, convened.ErrEdited) {
			errs = append(errs, fmt.Errorf("recompute event %s: %w", e.Slug, err))
			continue
		}
		log.Warn("an event's zone has new rules: the wall time stays", "event", e.Slug, "zone", e.Zone, "from", was.Starts, "to", e.Starts, "told", p.Mails)
	}
	return errors.Join(errs...)
}
