package main

import (
	"context"
	"log/slog"
	"time"

	"convened/desk"
	"convened/store"
)

// attendSources looks after the adopted tables until ctx is done: one after the
// other, each poll interval, and at once where one of them says that it changed. One
// that fails does not keep the others from it; it is said once for as long as it
// says the same.
func attendSources(ctx context.Context, d *desk.Desk, poll time.Duration, hints <-chan struct{}, clock func() time.Time, wake func(), log *slog.Logger) {
	said := map[string]string{}
	for {
		list, err := d.Store.Sources(ctx)
		if err != nil {
			list = nil // the tick says so
		}
		more := false
		for i := range list {
			v := &list[i]
			m, err := d.AttendSource(ctx, clock(), v, poll, log)
			more = more || m
			why := ""
			if err != nil && ctx.Err() == nil {
				why = err.Error()
			}
			if why != "" && said[v.Name] != why {
				log.Error("a source can't be attended to, trying again", "source", v.Name, "error", why)
			}
			said[v.Name] = why
		}
		if ctx.Err() != nil {
			return
		}
		if len(list) > 0 {
			warnVanished(ctx, d.Store, said, log)
		}
		if more {
			wake()
			continue
		}
		select {
		case <-time.After(min(poll, breath)): // a form that many write to says so all the time
		case <-ctx.Done():
			return
		}
		select {
		case <-hints:
		case <-time.After(poll):
		case <-ctx.Done():
			return
		}
	}
}

// breath is the least time between two looks at what changed.
const breath = 200 * time.Millisecond

// warnVanished says once that rows wait for somebody.
func warnVanished(ctx context.Context, s *store.Store, said map[string]string, log *slog.Logger) {
	list, err := s.Sources(ctx)
	if err != nil {
		return
	}
	for _, v := range list {
		key, why := "vanished from "+v.Name, ""
		if v.Vanished > 0 {
			why = "vanished"
		}
		if why != "" && said[key] == "" {
			log.Warn("rows vanished at once; their people keep their seats until somebody says otherwise", "source", v.Name, "rows", v.Vanished, "mend", "convened source release "+v.Name)
		}
		said[key] = why
	}
}
