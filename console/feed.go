package console

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"time"

	"convened"
	"convened/calendar"
	"convened/store"
)

// This file holds the personal calendar: all that one person is registered for, at
// one address, which their calendar reads again and again.

// How much of it there is, and how often to look.
const (
	feedPast    = 90 * 24 * time.Hour
	feedEvents  = 200
	feedRefresh = time.Hour
	feedSuffix  = ".ics"
)

// feedURL is the address of somebody's calendar, from the host on.
func (g *registrant) feedURL(keys convened.Keyring, id convened.RegistrationID) string {
	_, host, _ := strings.Cut(g.origin, "://")
	return host + g.prefix + "/calendar/" + keys.FeedToken(id) + feedSuffix
}

// feed answers with the calendar. What the person gave up and what is called off
// stays in it, struck out: a calendar may keep what it once read. Who is erased has none.
func (g *registrant) feed(w http.ResponseWriter, r *http.Request) {
	keys, err := g.Seats.Keys(r.Context())
	if err != nil {
		g.unavailable(w, r, err)
		return
	}
	token, named := strings.CutSuffix(r.PathValue("file"), feedSuffix)
	id, tokenErr := keys.Feed(token) // 0 with an error, whose events are asked for all the same
	now := g.Clock()
	list, err := g.Seats.Attendances(r.Context(), id, now.Add(-feedPast), feedEvents)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		g.unavailable(w, r, err)
		return
	}
	if err != nil || tokenErr != nil || !named {
		g.notFound(w, r)
		return
	}
	var entries []*calendar.Invitation
	var changed time.Time
	name := ""
	for i := range list {
		a := &list[i]
		c := &convened.Claim{Event: *a.Event, Registration: *a.Seat,
			Notice: convened.Notice{Registration: a.Seat.ID, Event: a.Event.Slug, Kind: convened.Confirmation, Occasion: "1"}}
		inv, err := g.Letters.Invitation(now, c)
		if err != nil {
			g.Logger.Error("an event can't be in a calendar", "event", a.Event.Slug, "error", err.Error())
			continue
		}
		if c.Off() {
			inv.Method = calendar.Cancel
		}
		entries = append(entries, inv)
		if a.ChangedAt.After(changed) {
			changed = a.ChangedAt
		}
		if w := wordsIn[convened.LetterLanguage(a.Event, a.Seat)]; w != nil {
			name = w.FeedName
		}
	}
	file, err := calendar.Feed(name, feedRefresh, entries)
	if err != nil {
		g.Logger.Error("an event can't be in a calendar", "error", err.Error())
	}
	if file == nil {
		g.broken(w, r, err)
		return
	}
	sum := sha256.Sum256(file)
	h := w.Header()
	h.Set("Content-Type", "text/calendar; charset=utf-8; method=PUBLISH")
	h.Set("Content-Disposition", `inline; filename="calendar.ics"`)
	h.Set("Cache-Control", "private, no-cache") // keep it, and ask each time whether it is still so
	h.Set("ETag", `"`+hex.EncodeToString(sum[:12])+`"`)
	http.ServeContent(w, r, "", changed, bytes.NewReader(file))
}
