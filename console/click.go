package console

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"convened"
	"convened/calendar"
)

// This file holds what comes of each link and of each button.

// changeLimit is how long a change may take. It is made even if the browser does not
// wait for it: the person has clicked.
const changeLimit = 10 * time.Second

// back leads to the seat's page, which then says what was done.
func (v *visit) back(w http.ResponseWriter, done string) {
	u := v.base
	if done != "" {
		u += "?done=" + done
	}
	// Not http.Redirect, which would write a body for a page that nobody sees.
	w.Header().Set("Location", u)
	w.WriteHeader(http.StatusSeeOther)
}

// change makes a change for a visit and says it in the log. It answers the request
// where it can't be made, and then reports false.
func (g *registrant) change(w http.ResponseWriter, r *http.Request, v *visit, what string, change func(ctx context.Context, event string, seat convened.RegistrationID) (bool, error)) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), changeLimit)
	defer cancel()
	changed, err := change(ctx, v.claim.Event.Slug, v.claim.Registration.ID)
	if err != nil {
		g.unavailable(w, r, err)
		return false
	}
	if changed {
		g.Logger.Info(what, "event", v.claim.Event.Slug, "registration", int64(v.claim.Registration.ID))
		g.Wake()
	}
	return true
}

func (g *registrant) show(w http.ResponseWriter, r *http.Request, v *visit) {
	v.page.tell(r.URL.Query().Get("done"))
	g.render(w, http.StatusOK, "registration", v.page)
}

func (g *registrant) setMuted(w http.ResponseWriter, r *http.Request, v *visit) bool {
	return g.change(w, r, v, "reminders muted", func(ctx context.Context, event string, seat convened.RegistrationID) (bool, error) {
		return g.Seats.Mute(ctx, v.now, event, seat)
	})
}

func (g *registrant) mute(w http.ResponseWriter, r *http.Request, v *visit) {
	if g.setMuted(w, r, v) {
		v.back(w, didMute)
	}
}

func (g *registrant) unmute(w http.ResponseWriter, r *http.Request, v *visit) {
	if !v.page.MayMute {
		v.back(w, "")
		return
	}
	if g.change(w, r, v, "reminders unmuted", func(ctx context.Context, event string, seat convened.RegistrationID) (bool, error) {
		return g.Seats.Unmute(ctx, v.now, event, seat)
	}) {
		v.back(w, didUnmute)
	}
}

func (g *registrant) choose(w http.ResponseWriter, r *http.Request, v *visit) {
	if !g.readable(w, r) {
		return
	}
	if !v.page.MayChoose {
		v.back(w, "")
		return
	}
	language, zone := r.PostFormValue("language"), r.PostFormValue("zone")
	if _, err := convened.LoadZone(zone); err != nil && zone != "" || !slices.Contains(convened.Languages(), language) {
		g.sorry(http.StatusBadRequest)(w, r) // no form of ours sends this
		return
	}
	if g.change(w, r, v, "language and zone chosen", func(ctx context.Context, event string, seat convened.RegistrationID) (bool, error) {
		return g.Seats.Choose(ctx, event, seat, language, zone)
	}) {
		v.back(w, didSave)
	}
}

func (g *registrant) askToCancel(w http.ResponseWriter, _ *http.Request, v *visit) {
	if !v.page.MayCancel {
		v.back(w, "")
		return
	}
	v.page.Title = v.page.CancelTitle
	g.render(w, http.StatusOK, "cancel", v.page)
}

func (g *registrant) cancel(w http.ResponseWriter, r *http.Request, v *visit) {
	if !v.page.MayCancel {
		v.back(w, "")
		return
	}
	if g.change(w, r, v, "seat given up", func(ctx context.Context, event string, seat convened.RegistrationID) (bool, error) {
		return g.Seats.GiveUp(ctx, v.now, event, seat)
	}) {
		v.back(w, didCancel)
	}
}

func (g *registrant) askToMute(w http.ResponseWriter, _ *http.Request, v *visit) {
	v.page.Title = v.page.MuteTitle
	if v.page.IsMuted {
		v.page.Title = v.page.MutedTitle
	}
	g.render(w, http.StatusOK, "unsubscribe", v.page)
}

// unsubscribe mutes whatever is in the body, in whatever state the event and the
// seat are, and as often as it is asked to: who has the link may do so, and who
// sends the one click (RFC 8058 3.2) is a machine that will not ask twice. Only our
// own button is led back to the page.
func (g *registrant) unsubscribe(w http.ResponseWriter, r *http.Request, v *visit) {
	if !g.readable(w, r) || !g.setMuted(w, r, v) {
		return
	}
	if r.PostFormValue("List-Unsubscribe") == "" && r.PostFormValue("from") == "page" && v.page.MayMute {
		v.back(w, didMute)
		return
	}
	v.page.Title = v.page.MutedTitle
	g.render(w, http.StatusOK, "unsubscribed", v.page)
}

// readable reports whether a request's body has been read, whatever it was. It
// answers one that is too large.
func (g *registrant) readable(w http.ResponseWriter, r *http.Request) bool {
	var tooLarge *http.MaxBytesError
	// The second says nothing of what the first met.
	if err := errors.Join(r.ParseForm(), r.ParseMultipartForm(maxBody)); errors.As(err, &tooLarge) {
		g.sorry(http.StatusRequestEntityTooLarge)(w, r)
		return false
	}
	return true
}

// invite answers with the event as a file. Phones open it at once where it is not an
// attachment; every other browser stores it all the same.
func (g *registrant) invite(w http.ResponseWriter, r *http.Request, v *visit) {
	if !v.page.MayJoin {
		v.back(w, "")
		return
	}
	inv, err := g.Letters.Invitation(v.now, v.claim)
	if err != nil {
		g.broken(w, r, err)
		return
	}
	inv.Method = calendar.Publish
	file, err := inv.Encode()
	if err != nil {
		g.broken(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/calendar; charset=utf-8; method="+string(inv.Method))
	h.Set("Content-Disposition", `inline; filename="invite.ics"`)
	_, _ = w.Write(file)
}

// join leads to the event's own link, as it is in the database at this moment, and
// to nowhere else.
func (g *registrant) join(w http.ResponseWriter, r *http.Request, v *visit) {
	switch {
	case !v.page.MayJoin:
		v.back(w, "")
	case v.page.Event.JoinURL == "":
		v.page.Title = v.page.JoinTitle
		g.render(w, http.StatusOK, "join", v.page)
	default:
		http.Redirect(w, r, v.page.Event.JoinURL, http.StatusFound)
	}
}
