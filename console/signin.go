package console

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"convened"
	"convened/desk"
	"convened/store"
)

// How many attempts to sign in there may be: from one address, and for one user,
// whether there is such a user or not.
const (
	knockBurst       = 20
	knocksPerSecond  = 1.0 / 6
	guessBurst       = 10
	guessesPerSecond = 1.0 / 60
)

// longestAddress is that of RFC 5321 4.5.3.1, in bytes.
const longestAddress = 320

// The cookie that holds the token of a session. Over https its name binds it to this
// host (RFC 6265bis 4.1.3.2); over http, to a loopback address, no browser would take it so.
const (
	secureCookie = "__Host-convened"
	plainCookie  = "convened"
)

func (c *organiser) signInRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+c.prefix+"/signin", c.askToSignIn)
	mux.HandleFunc("POST "+c.prefix+"/signin", c.signIn)
	mux.HandleFunc("POST "+c.prefix+"/signout", c.signedIn(c.signOut))
	mux.HandleFunc("POST "+c.prefix+"/language", c.chooseLanguage)
	c.oidcRoutes(mux)
}

func (c *organiser) cookieName() string {
	if c.secure {
		return secureCookie
	}
	return plainCookie
}

// tokenOf returns the token that a request brings, or "".
func (c *organiser) tokenOf(r *http.Request) string {
	k, err := r.Cookie(c.cookieName())
	if err != nil {
		return ""
	}
	return k.Value
}

// keepToken has the browser keep a token until it is closed or signed out; "" has it
// forget.
func (c *organiser) keepToken(w http.ResponseWriter, token string) {
	k := &http.Cookie{Name: c.cookieName(), Value: token, Path: "/", Secure: c.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode}
	if token == "" {
		k.MaxAge = -1
	}
	http.SetCookie(w, k)
}

// leadToSignIn leads to the page where one signs in, and remembers where from.
func (c *organiser) leadToSignIn(w http.ResponseWriter, r *http.Request) {
	to := "/signin"
	if next := c.safePath(r.URL.RequestURI()); r.Method == http.MethodGet && !byHTMX(r) && next != "/events" {
		to += "?next=" + url.QueryEscape(c.prefix+next)
	}
	if byHTMX(r) {
		// htmx would put the page that it is led to into the place of a part.
		w.Header().Set("HX-Redirect", c.prefix+to)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	c.lead(w, to, "")
}

// A signInPage asks who it is.
type signInPage struct {
	*frame
	Next, Email string
	Provider    string // who else lets people in; "" nobody
}

func (c *organiser) signInPage(r *http.Request, next string) signInPage {
	p := signInPage{frame: c.newFrame(r, nil), Next: c.prefix + c.safePath(next)}
	if c.provider != nil {
		p.Provider = fill(p.OrWith, c.provider.Name)
	}
	p.Title = p.SignIn
	return p
}

func (c *organiser) askToSignIn(w http.ResponseWriter, r *http.Request) {
	if token := c.tokenOf(r); token != "" {
		if _, err := c.Desk.Session(r.Context(), c.Clock(), token); err == nil {
			c.lead(w, c.safePath(r.URL.Query().Get("next")), "")
			return
		}
	}
	p := c.signInPage(r, r.URL.Query().Get("next"))
	c.render(w, http.StatusOK, "signin", p)
}

// signIn lets in who knows the password. Whoever does not learns nothing from the
// answer, nor from how long it takes: not whether there is such a user, and not
// whether the user has a password.
func (c *organiser) signIn(w http.ResponseWriter, r *http.Request) {
	email, password := strings.TrimSpace(r.PostFormValue("email")), r.PostFormValue("password")
	now := c.Clock()
	whom := strings.ToLower(email[:min(len(email), longestAddress)]) // what is longer is nobody, and is not to be remembered
	if client := clientOf(r); !c.knocks.allow(now, client) || !c.guesses.allow(now, whom) {
		c.Logger.Warn("too many attempts to sign in", "client", client)
		w.Header().Set("Retry-After", "60")
		c.sorry(w, r, nil, http.StatusTooManyRequests)
		return
	}
	u, err := c.Desk.SignIn(r.Context(), email, password)
	switch {
	case errors.Is(err, desk.ErrSignIn):
		c.Logger.Warn("nobody signed in: a wrong address or password", "client", clientOf(r))
		p := c.signInPage(r, r.PostFormValue("next"))
		p.Email, p.Problem = email, p.NotSignedIn
		c.render(w, http.StatusUnprocessableEntity, "signin", p)
		return
	case err != nil:
		c.unavailable(w, r, nil, err)
		return
	}
	c.admit(w, r, u, r.PostFormValue("next"))
}

// admit begins a session under a token that nobody has seen before, whatever the
// browser brought: a token from before is worth nothing after.
func (c *organiser) admit(w http.ResponseWriter, r *http.Request, u *convened.User, next string) {
	now := c.Clock()
	ctx := store.As(r.Context(), convened.Actor{Name: u.Email, Via: convened.ByConsole, At: now})
	if old := c.tokenOf(r); old != "" {
		if err := c.Desk.Close(ctx, old); err != nil {
			c.unavailable(w, r, nil, err)
			return
		}
	}
	token, err := c.Desk.Open(ctx, now, u)
	if err != nil {
		c.unavailable(w, r, nil, err)
		return
	}
	c.Logger.Info("signed in", "user", int64(u.ID), "client", clientOf(r))
	c.keepToken(w, token)
	c.lead(w, c.safePath(next), "")
}

func (c *organiser) signOut(w http.ResponseWriter, r *http.Request, e *errand) {
	if err := c.Desk.Close(r.Context(), c.tokenOf(r)); err != nil {
		c.unavailable(w, r, e, err)
		return
	}
	c.keepToken(w, "")
	c.lead(w, "/signin", "")
}
