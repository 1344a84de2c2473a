package console

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"sync/atomic"
	"time"

	"convened"
	"convened/desk"
	"convened/store"
)

// OrganiserOptions say what the organisers' console works with.
type OrganiserOptions struct {
	Desk   *desk.Desk       // what can be done; whose By is replaced by who does it
	URL    string           // console.url: how browsers reach the console
	Public string           // public.url, where sign-up pages are; "" nowhere
	Clock  func() time.Time // the one clock
	Wake   func()           // called after a change that mail follows from; nil: nobody is in a hurry
	Logger *slog.Logger     // nil: nothing is logged
	OIDC   *OIDC            // who else lets organisers in; nil: nobody

	// Ready says why the service can't do its work now, for /readyz; nil where it can.
	Ready func(ctx context.Context) error

	// Metrics answers /metrics; nil: there are none.
	Metrics http.Handler

	// Linger is for how long a figure that was counted is good at least, by the clock;
	// what costs more lingers longer. 0 counts for every page.
	Linger time.Duration
}

// An organiser is the handler of the console.
type organiser struct {
	*site
	OrganiserOptions
	requests *limiter[netip.Addr] // all requests, by where they are from
	knocks   *limiter[netip.Addr] // attempts to sign in, by where they are from
	guesses  *limiter[string]     // attempts to sign in, by whom they name
	trials   *limiter[string]     // letters that are sent as a trial, by whom
	secure   bool                 // browsers come by https
	provider *provider            // nil: nobody else lets people in
	down     atomic.Bool          // the database did not answer the last request

	// What many ask and what costs something:
	summaries  *lately[[]store.EventSummary] // of all events, uncounted
	counted    *lately[[]store.EventSummary] // of those on a page, by user and page
	figures    *lately[*store.Figures]
	bursts     *lately[[]store.Burst]
	plans      *lately[*desk.Plan]
	quarantine *lately[*convened.Quarantine]
}

// maxForm is how much of a request's body is read, in bytes: an event has long texts
// in three languages.
const maxForm = 1 << 20

// NewOrganiser returns the console of the organisers, to be served where console.url
// leads: its path is part of the addresses. Its error names what of the configuration
// is wrong.
//
// Beside the pages there are /healthz (200: the process lives) and /readyz (503 with
// the reason while it can't do its work), which ask nobody who they are, and /metrics,
// which is not there for whoever comes through a proxy. They are for machines, and
// stand at the root whatever the path of console.url.
func NewOrganiser(o OrganiserOptions) (http.Handler, error) {
	s, err := newSite("console.url", o.URL, "pages/organiser", map[string]string{
		"style.css": cssType, "organiser.css": cssType, "icon.svg": svgType, "htmx/htmx.min.js": scriptType})
	if err != nil {
		return nil, err
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Wake == nil {
		o.Wake = func() {}
	}
	c := &organiser{site: s, OrganiserOptions: o, secure: isHTTPS(s.origin), requests: newLimiter[netip.Addr](perSecond, burst),
		knocks: newLimiter[netip.Addr](knocksPerSecond, knockBurst), guesses: newLimiter[string](guessesPerSecond, guessBurst), trials: newLimiter[string](trialsPerSecond, trialBurst),
		summaries: newLately[[]store.EventSummary](o.Clock, o.Linger), counted: newLately[[]store.EventSummary](o.Clock, o.Linger), figures: newLately[*store.Figures](o.Clock, o.Linger),
		bursts: newLately[[]store.Burst](o.Clock, o.Linger), plans: newLately[*desk.Plan](o.Clock, o.Linger),
		quarantine: newLately[*convened.Quarantine](o.Clock, o.Linger)}

	mux := http.NewServeMux()
	c.signInRoutes(mux)
	c.eventRoutes(mux)
	c.editRoutes(mux)
	c.scheduleRoutes(mux)
	c.letterRoutes(mux)
	c.registrantRoutes(mux)
	c.failureRoutes(mux)
	c.trailRoutes(mux)
	s.serveAssets(mux)
	mux.HandleFunc("/", c.signedIn(func(w http.ResponseWriter, r *http.Request, e *errand) { c.sorry(w, r, e, http.StatusNotFound) }))

	origin := http.NewCrossOriginProtection()
	if err := origin.AddTrustedOrigin(s.origin); err != nil { // a proxy may send another Host
		return nil, err
	}
	origin.SetDenyHandler(c.sorryStranger(http.StatusForbidden))
	pages := c.limited(http.MaxBytesHandler(origin.Handler(mux), maxForm))

	outer := http.NewServeMux()
	outer.Handle("/", pages)
	outer.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { plainly(w, http.StatusOK, "alive") })
	outer.HandleFunc("GET /readyz", c.readyz)
	if o.Metrics != nil {
		outer.Handle("GET /metrics", notForwarded(o.Metrics))
	}
	return guarded(organiserPolicy, recovered(o.Logger, c.sorryStranger(http.StatusInternalServerError), outer)), nil
}

// notForwarded answers those who are on this side of the proxy: how much mail
// there is, and when, is no business of the world's.
func notForwarded(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "Via"} {
			if r.Header.Get(name) != "" {
				plainly(w, http.StatusNotFound, "not here")
				return
			}
		}
		h.ServeHTTP(w, r)
	})
}

func isHTTPS(origin string) bool {
	u, err := url.Parse(origin)
	return err == nil && u.Scheme == "https"
}

// readyz says whether the service can do its work.
func (c *organiser) readyz(w http.ResponseWriter, r *http.Request) {
	if c.Ready != nil {
		if err := c.Ready(r.Context()); err != nil {
			w.Header().Set("Retry-After", "10")
			plainly(w, http.StatusServiceUnavailable, err.Error())
			return
		}
	}
	plainly(w, http.StatusOK, "ready")
}

// plainly answers with a line of text, for machines.
func plainly(w http.ResponseWriter, status int, line string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(line + "\n"))
}

// limited turns away who asks for too much.
func (c *organiser) limited(next http.Handler) http.Handler {
	tooMany := c.sorryStranger(http.StatusTooManyRequests)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c.requests.allow(c.Clock(), clientOf(r)) {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Retry-After", "60")
		tooMany(w, r)
	})
}

// An errand is a request of somebody who is signed in.
type errand struct {
	*frame
	now  time.Time
	user *convened.User
	desk *desk.Desk // signs with the user
	// Of a page of an event; else nil and NoRole:
	event *convened.Event
	role  convened.Role
}

// A handler answers an errand. The context of r has the user as who acts: what is
// changed with it is written on the trail.
type handler func(w http.ResponseWriter, r *http.Request, e *errand)

// signedIn lets those through who are signed in; others are led to where one signs
// in, and from there to the page that they asked for.
func (c *organiser) signedIn(next handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		now := c.Clock()
		token := c.tokenOf(r)
		if token == "" {
			c.leadToSignIn(w, r)
			return
		}
		u, err := c.Desk.Session(r.Context(), now, token)
		switch {
		case errors.Is(err, store.ErrNotFound):
			c.leadToSignIn(w, r)
			return
		case err != nil:
			c.unavailable(w, r, nil, err)
			return
		}
		if c.down.Swap(false) {
			c.Logger.Info("the console is there again")
		}
		d := *c.Desk
		d.By = u.Email
		e := &errand{frame: c.newFrame(r, u), now: now, user: u, desk: &d}
		ctx := store.As(r.Context(), convened.Actor{Name: u.Email, Via: convened.ByConsole, At: now})
		next(w, r.WithContext(ctx), e)
	}
}

// administers lets administrators through. To others there is no such page.
func (c *organiser) administers(next handler) http.HandlerFunc {
	return c.signedIn(func(w http.ResponseWriter, r *http.Request, e *errand) {
		if !e.user.Administrator {
			c.sorry(w, r, e, http.StatusNotFound)
			return
		}
		next(w, r, e)
	})
}

// mayView lets those through who may see the event of the path's {slug}. To others
// there is no such event.
func (c *organiser) mayView(next handler) http.HandlerFunc { return c.may(convened.View, next) }

// mayEdit lets those through who may change the event of the path's {slug}. Who may
// see it is told so.
func (c *organiser) mayEdit(next handler) http.HandlerFunc { return c.may(convened.Edit, next) }

func (c *organiser) may(wanted convened.Role, next handler) http.HandlerFunc {
	return c.signedIn(func(w http.ResponseWriter, r *http.Request, e *errand) {
		slug := r.PathValue("slug")
		role := e.user.RoleOn(slug)
		if role == convened.NoRole {
			c.sorry(w, r, e, http.StatusNotFound)
			return
		}
		event, err := c.Desk.Store.Event(r.Context(), slug)
		switch {
		case errors.Is(err, store.ErrNotFound):
			c.sorry(w, r, e, http.StatusNotFound)
			return
		case err != nil:
			c.unavailable(w, r, e, err)
			return
		}
		e.event, e.role = event, role
		e.about(event, role)
		if !role.Allows(wanted) {
			c.sorry(w, r, e, http.StatusForbidden)
			return
		}
		next(w, r, e)
	})
}

// lead leads to another page of the console: 303, so that a reload posts nothing. The
// path is below the prefix and begins with a slash; done, if not "", says there what
// was done, by a key that the page knows.
func (c *organiser) lead(w http.ResponseWriter, path, done string) {
	u := c.prefix + path
	if done != "" {
		u += "?done=" + url.QueryEscape(done)
	}
	w.Header().Set("Location", u)
	w.WriteHeader(http.StatusSeeOther)
}
