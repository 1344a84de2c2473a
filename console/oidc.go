package console

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"convened"
	"convened/store"
)

// An OIDC is a provider that organisers may sign in with (OpenID Connect Core 1.0).
type OIDC struct {
	Issuer, Name           string
	ClientID, ClientSecret string // the secret is "" for a public client
	CreateUsers            bool   // an address that no user has makes a new one, who may see nothing yet
}

// The cookie of a sign-in that is under way, and how long it may be.
const (
	journeySecureCookie = "__Host-convened-oidc"
	journeyPlainCookie  = "convened-oidc"
	journeyTime         = 10 * time.Minute
)

// providerLimit is how long the provider may take to answer.
const providerLimit = 10 * time.Second

// errNotLetIn is why the provider's word lets nobody in.
var errNotLetIn = errors.New("not let in")

// A provider is asked for its keys and addresses when somebody first wants to sign in,
// so that the console is there without it.
type provider struct {
	OIDC
	redirect string
	client   *http.Client

	mu   sync.Mutex
	told *oidc.Provider // nil: it has not said yet
}

// ask returns what the provider says of itself.
func (p *provider) ask(ctx context.Context) (*oidc.Provider, *oauth2.Config, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.told == nil {
		// What is returned keeps the context to fetch keys with, later on.
		told, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), p.client), p.Issuer)
		if err != nil {
			return nil, nil, fmt.Errorf("ask %s: %w", p.Issuer, err)
		}
		p.told = told
	}
	return p.told, &oauth2.Config{ClientID: p.ClientID, ClientSecret: p.ClientSecret, Endpoint: p.told.Endpoint(), RedirectURL: p.redirect,
		Scopes: []string{oidc.ScopeOpenID, "email", "profile"}}, nil
}

// A journey is a sign-in under way: what the browser brings back from the provider
// must fit it.
type journey struct {
	State, Nonce, Verifier, Next string
}

func (c *organiser) oidcRoutes(mux *http.ServeMux) {
	if c.OIDC == nil {
		return
	}
	c.provider = &provider{OIDC: *c.OIDC, redirect: c.origin + c.prefix + "/signin/oidc/callback", client: &http.Client{Timeout: providerLimit}}
	mux.HandleFunc("GET "+c.prefix+"/signin/oidc", c.setOut)
	mux.HandleFunc("GET "+c.prefix+"/signin/oidc/callback", c.comeBack)
}

func (c *organiser) journeyCookie() string {
	if c.secure {
		return journeySecureCookie
	}
	return journeyPlainCookie
}

// setOut leads to the provider, with a state, a nonce and a PKCE challenge that are
// good for this browser alone (RFC 9700 2.1).
func (c *organiser) setOut(w http.ResponseWriter, r *http.Request) {
	if !c.knocks.allow(c.Clock(), clientOf(r)) {
		w.Header().Set("Retry-After", "60")
		c.sorry(w, r, nil, http.StatusTooManyRequests)
		return
	}
	_, config, err := c.provider.ask(r.Context())
	if err != nil {
		c.notLetIn(w, r, err)
		return
	}
	j := journey{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Next: c.safePath(r.URL.Query().Get("next"))}
	b, err := json.Marshal(j)
	if err != nil {
		c.notLetIn(w, r, err)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: c.journeyCookie(), Value: base64.RawURLEncoding.EncodeToString(b), Path: "/", MaxAge: int(journeyTime / time.Second),
		Secure: c.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	w.Header().Set("Location", config.AuthCodeURL(j.State, oidc.Nonce(j.Nonce), oauth2.S256ChallengeOption(j.Verifier)))
	w.WriteHeader(http.StatusSeeOther)
}

// comeBack lets in whom the provider has vouched for, if there is such a user.
func (c *organiser) comeBack(w http.ResponseWriter, r *http.Request) {
	var j journey
	k, err := r.Cookie(c.journeyCookie())
	if err == nil {
		var b []byte
		if b, err = base64.RawURLEncoding.DecodeString(k.Value); err == nil {
			err = json.Unmarshal(b, &j)
		}
	}
	http.SetCookie(w, &http.Cookie{Name: c.journeyCookie(), Path: "/", MaxAge: -1, Secure: c.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	q := r.URL.Query()
	if err != nil || j.State == "" || subtle.ConstantTimeCompare([]byte(j.State), []byte(q.Get("state"))) != 1 {
		c.notLetIn(w, r, fmt.Errorf("%w: this browser did not set out, or too long ago", errNotLetIn))
		return
	}
	if code := q.Get("error"); code != "" {
		c.notLetIn(w, r, fmt.Errorf("%w: the provider says %.40q", errNotLetIn, code))
		return
	}
	email, name, err := c.vouched(r.Context(), q.Get("code"), &j)
	if err != nil {
		c.notLetIn(w, r, err)
		return
	}
	u, err := c.userOf(r.Context(), email, name)
	switch {
	case errors.Is(err, errNotLetIn):
		c.notLetIn(w, r, err)
	case err != nil:
		c.unavailable(w, r, nil, err)
	default:
		c.admit(w, r, u, c.prefix+j.Next)
	}
}

// vouched returns the address and the name that the provider vouches for.
func (c *organiser) vouched(ctx context.Context, code string, j *journey) (email, name string, err error) {
	told, config, err := c.provider.ask(ctx)
	if err != nil {
		return "", "", err
	}
	ctx = oidc.ClientContext(ctx, c.provider.client)
	token, err := config.Exchange(ctx, code, oauth2.VerifierOption(j.Verifier))
	if err != nil {
		return "", "", fmt.Errorf("exchange the code: %w", err)
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := told.VerifierContext(ctx, &oidc.Config{ClientID: c.provider.ClientID, Now: c.Clock}).Verify(ctx, raw)
	if err != nil {
		return "", "", fmt.Errorf("verify the token: %w", err)
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(j.Nonce)) != 1 {
		return "", "", fmt.Errorf("%w: the token is of another sign-in", errNotLetIn)
	}
	var claims struct {
		Email    string `json:"email"`
		Verified any    `json:"email_verified"` // a boolean; some write a string
		Name     string `json:"name"`
	}
	if err := id.Claims(&claims); err != nil {
		return "", "", fmt.Errorf("read the token: %w", err)
	}
	// An address that nobody has verified is whatever its owner has typed: another's.
	if claims.Email == "" || claims.Verified != true && claims.Verified != "true" {
		return "", "", fmt.Errorf("%w: the provider has verified no address", errNotLetIn)
	}
	return claims.Email, claims.Name, nil
}

// userOf returns the user of an address that was vouched for, or errNotLetIn.
func (c *organiser) userOf(ctx context.Context, email, name string) (*convened.User, error) {
	u, _, err := c.Desk.Store.UserByEmail(ctx, email)
	if err == nil || !errors.Is(err, store.ErrNotFound) {
		return u, err
	}
	if !c.provider.CreateUsers {
		return nil, fmt.Errorf("%w: there is no such user", errNotLetIn)
	}
	now := c.Clock()
	ctx = store.As(ctx, convened.Actor{Name: email, Via: convened.ByConsole, At: now})
	if _, err := c.Desk.AddUser(ctx, now, convened.User{Email: email, Name: name}, ""); err != nil && !errors.Is(err, store.ErrTaken) {
		return nil, fmt.Errorf("%w: %w", errNotLetIn, err)
	}
	u, _, err = c.Desk.Store.UserByEmail(ctx, email)
	return u, err
}

// notLetIn answers whoever the provider's word does not let in. The log has the
// reason, and no address.
func (c *organiser) notLetIn(w http.ResponseWriter, r *http.Request, err error) {
	var at *url.Error
	if errors.As(err, &at) {
		err = at.Err // without the address that was asked, which may hold a code
	}
	c.Logger.Warn("nobody signed in with the provider", "client", clientOf(r), "error", err.Error())
	p := c.signInPage(r, "")
	p.Problem = fill(p.NotVouched, c.provider.Name)
	c.render(w, http.StatusForbidden, "signin", p)
}
