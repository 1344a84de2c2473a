package console

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"convened"
	"convened/calendar"
	"convened/store"
)

// Seats is where registrations are kept: *store.Store.
type Seats interface {
	// Keys are what links are signed with, as they are now: links made with one that
	// is newer than this process open too.
	Keys(ctx context.Context) (convened.Keyring, error)

	// SeatByID returns a seat and its event, or store.ErrNotFound.
	SeatByID(ctx context.Context, id convened.RegistrationID) (*convened.Registration, *convened.Event, error)

	// Attendances returns what the person of a seat is or was registered for, or
	// store.ErrNotFound.
	Attendances(ctx context.Context, id convened.RegistrationID, since time.Time, limit int) ([]store.Attendance, error)

	// Each of these reports false where that is how it was.
	GiveUp(ctx context.Context, now time.Time, event string, seat convened.RegistrationID) (bool, error)
	Mute(ctx context.Context, now time.Time, event string, seat convened.RegistrationID) (bool, error)
	Unmute(ctx context.Context, now time.Time, event string, seat convened.RegistrationID) (bool, error)

	// Choose sets the language and the zone of later letters; "" is the event's.
	Choose(ctx context.Context, event string, seat convened.RegistrationID, language, zone string) (bool, error)

	SignUps
}

// Letters knows what the letters say to somebody's calendar: *mailer.Composer.
type Letters interface {
	Invitation(now time.Time, c *convened.Claim) (*calendar.Invitation, error)
}

// RegistrantOptions say what the registrants' pages work with.
type RegistrantOptions struct {
	Seats     Seats
	Letters   Letters
	PublicURL string           // public.url: where the links in the letters begin
	EmbedOn   []string         // public.embed_on: origins that may show the sign-up page in a frame
	Clock     func() time.Time // the one clock
	Wake      func()           // called after a click that mail follows from; nil: nobody is in a hurry
	Logger    *slog.Logger     // nil: nothing is logged
}

// A registrant is the handler of the pages behind the links of letters.
type registrant struct {
	*site
	RegistrantOptions
	limits *limiter[netip.Addr]

	signUps    *limiter[netip.Addr] // registrations, by where they are from
	allSignUps *rate.Limiter        // registrations from anywhere
	down       atomic.Bool          // the database did not answer the last request
	named      atomic.Bool          // it was said that the proxy names nobody
}

// maxBody is how much of a request's body is read, in bytes. The largest form has
// 200.
const maxBody = 16 << 10

// NewRegistrant returns the pages of the registrants, to be served where public.url
// leads: its path is part of their addresses. Its error names what of the
// configuration is wrong.
//
//	GET  /r/{token}               what one is registered for
//	POST /r/{token}/mute          no more reminders; the seat stays
//	POST /r/{token}/unmute        reminders again
//	POST /r/{token}/choices       the language and the zone of this page and of later letters
//	GET  /r/{token}/cancel        asks;  POST gives up the seat
//	GET  /u/{token}               asks;  POST mutes, by a button or in one click (RFC 8058)
//	GET  /r/{token}/invite.ics    the event as a file for a calendar
//	GET  /calendar/{token}.ics    all that the person is registered for, for a calendar to subscribe to
//	GET  /e/{slug}                the event and a form, where it has sign_up;  POST registers
//	GET  /r/{token}/join          leads to the event's link as it is now, or says that there is none yet
//
// /r/{token}/unsubscribe is the same as /u/{token}, which is short for the letters'
// sake: with it a List-Unsubscribe stands on one line.
//
// A POST that changed something leads back to the page (303), but for the one click,
// which is answered at once (200): who sends it follows nothing. What a seat does not offer any more (the
// event is over, or off; the seat is given up) leads back to the page, which says so.
func NewRegistrant(o RegistrantOptions) (http.Handler, error) {
	s, err := newSite("public.url", o.PublicURL, "pages", map[string]string{"style.css": cssType, "icon.svg": svgType, "zone.js": scriptType})
	if err != nil {
		return nil, err
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Wake == nil {
		o.Wake = func() {}
	}
	g := &registrant{site: s, RegistrantOptions: o, limits: newLimiter[netip.Addr](perSecond, burst),
		signUps: newLimiter[netip.Addr](signUpsPerSecond, signUpBurst), allSignUps: rate.NewLimiter(allSignUpsPerSecond, allSignUpBurst)}

	mux := http.NewServeMux()
	at := s.prefix + "/r/{token}"
	mux.HandleFunc("GET "+at, g.visited(g.show))
	mux.HandleFunc("POST "+at+"/mute", g.visited(g.mute))
	mux.HandleFunc("POST "+at+"/unmute", g.visited(g.unmute))
	mux.HandleFunc("POST "+at+"/choices", g.visited(g.choose))
	mux.HandleFunc("GET "+at+"/cancel", g.visited(g.askToCancel))
	mux.HandleFunc("POST "+at+"/cancel", g.visited(g.cancel))
	for _, out := range []string{s.prefix + "/u/{token}", at + "/unsubscribe"} {
		mux.HandleFunc("GET "+out, g.visited(g.askToMute))
		mux.HandleFunc("POST "+out, g.visited(g.unsubscribe))
	}
	mux.HandleFunc("GET "+at+"/invite.ics", g.visited(g.invite))
	mux.HandleFunc("GET "+at+"/join", g.visited(g.join))
	mux.HandleFunc("GET "+s.prefix+"/calendar/{file}", g.feed)
	for _, action := range []string{"/mute", "/unmute", "/choices"} {
		// Who reloads or types the address of a button comes back to the page.
		mux.HandleFunc("GET "+at+action, g.visited(func(w http.ResponseWriter, _ *http.Request, v *visit) { v.back(w, "") }))
	}
	g.signUpRoutes(mux)
	s.serveAssets(mux)
	mux.HandleFunc("GET "+s.prefix+"/assets/colours/{file}", func(w http.ResponseWriter, r *http.Request) {
		if !s.colours(w, r.PathValue("file")) {
			g.notFound(w, r)
		}
	})
	mux.HandleFunc("/", g.notFound)

	origin := http.NewCrossOriginProtection()
	if err := origin.AddTrustedOrigin(s.origin); err != nil { // a proxy may send another Host
		return nil, err
	}
	origin.SetDenyHandler(g.sorry(http.StatusForbidden))
	inner := http.MaxBytesHandler(origin.Handler(mux), maxBody)
	return guarded(registrantPolicy, recovered(o.Logger, g.sorry(http.StatusInternalServerError), g.limited(inner))), nil
}

// limited turns away who asks for too much.
func (g *registrant) limited(next http.Handler) http.Handler {
	tooMany := g.sorry(http.StatusTooManyRequests)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		client := clientOf(r)
		if g.limits.allow(g.Clock(), client) {
			next.ServeHTTP(w, r)
			return
		}
		if (!client.IsValid() || client.IsLoopback()) && !g.named.Swap(true) {
			g.Logger.Warn("too many requests of nobody: the proxy should say whom they are from, in X-Forwarded-For")
		}
		w.Header().Set("Retry-After", "60")
		tooMany(w, r)
	})
}

// A visit is a request with a link that opens something.
type visit struct {
	base  string // URL of the seat's page, without the host
	out   string // URL of the page that asks whether to stop the reminders
	feed  string // URL of the calendar of all that the person is registered for, without the scheme
	claim *convened.Claim
	page  *page
	now   time.Time
}

// visited looks for the seat that a request's link is of. That it does not open
// takes the same way, and so the same time, whatever is wrong with the link.
func (g *registrant) visited(answer func(http.ResponseWriter, *http.Request, *visit)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		keys, err := g.Seats.Keys(r.Context())
		if err != nil {
			g.unavailable(w, r, err)
			return
		}
		token := r.PathValue("token")
		id, tokenErr := keys.Registration(token) // 0 with an error, whose seat is asked for all the same
		seat, event, err := g.Seats.SeatByID(r.Context(), id)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			g.unavailable(w, r, err)
			return
		}
		if g.down.Swap(false) {
			g.Logger.Info("the registrants' pages are there again")
		}
		if err != nil || tokenErr != nil {
			g.notFound(w, r)
			return
		}
		v := &visit{base: g.prefix + "/r/" + token, out: g.prefix + "/u/" + token, feed: g.feedURL(keys, seat.ID), now: g.Clock(), claim: &convened.Claim{
			// What a confirmation says is what one is registered for.
			Notice: convened.Notice{Registration: seat.ID, Event: event.Slug, Kind: convened.Confirmation, Occasion: "1"},
			Event:  *event, Registration: *seat,
		}}
		v.page = g.pageOf(v)
		answer(w, r, v)
	}
}

// notFound answers for everything that is not there, in the same way.
func (g *registrant) notFound(w http.ResponseWriter, r *http.Request) {
	g.limits.miss(g.Clock(), clientOf(r))
	g.sorry(http.StatusNotFound)(w, r)
}

// unavailable answers while the database does not. It is said in the log once.
func (g *registrant) unavailable(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // nobody waits for an answer
	}
	if !g.down.Swap(true) {
		g.Logger.Error("the registrants' pages can't be shown", "error", err.Error())
	}
	w.Header().Set("Retry-After", "30")
	g.sorry(http.StatusServiceUnavailable)(w, r)
}

// broken answers where a page can't be made.
func (g *registrant) broken(w http.ResponseWriter, r *http.Request, err error) {
	g.Logger.Error("a page can't be made", "error", err.Error())
	g.sorry(http.StatusInternalServerError)(w, r)
}
