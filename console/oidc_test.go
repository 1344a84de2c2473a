package console

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"convened"
)

// A login is an OpenID Connect provider. It vouches for whom the test says, and signs
// by itself: the library under test does not judge its own writing.
type login struct {
	t      testing.TB
	server *httptest.Server
	key    *rsa.PrivateKey
	now    func() time.Time

	claims    map[string]any // over those that are right
	challenge string         // of the last browser that was sent here
	nonce     string
}

func newLogin(t testing.TB, now func() time.Time) *login {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	l := &login{t: t, key: key, now: now}
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, v any) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(v)
	}
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"issuer": l.server.URL, "authorization_endpoint": l.server.URL + "/authorize", "token_endpoint": l.server.URL + "/token",
			"jwks_uri": l.server.URL + "/keys", "id_token_signing_alg_values_supported": []string{"RS256"}})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"keys": []any{map[string]any{"kty": "RSA", "kid": "1", "alg": "RS256", "use": "sig",
			"n": base64.RawURLEncoding.EncodeToString(key.N.Bytes()), "e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes())}}})
	})
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
		if r.PostFormValue("code") != "the-code" || base64.RawURLEncoding.EncodeToString(sum[:]) != l.challenge {
			http.Error(w, `{"error":"invalid_grant"}`, http.StatusBadRequest)
			return
		}
		answer(w, map[string]any{"access_token": "x", "token_type": "Bearer", "id_token": l.token()})
	})
	l.server = httptest.NewServer(mux)
	t.Cleanup(l.server.Close)
	return l
}

// token is a signed ID token (RFC 7515).
func (l *login) token() string {
	claims := map[string]any{"iss": l.server.URL, "aud": "convened", "sub": "4711", "exp": l.now().Add(time.Minute).Unix(), "iat": l.now().Unix(),
		"nonce": l.nonce, "email": editor, "email_verified": true, "name": "Edit Or"}
	maps.Copy(claims, l.claims)
	part := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			l.t.Error(err)
		}
		return base64.RawURLEncoding.EncodeToString(b)
	}
	signed := part(map[string]any{"alg": "RS256", "kid": "1"}) + "." + part(claims)
	sum := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, l.key, crypto.SHA256, sum[:])
	if err != nil {
		l.t.Error(err)
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// withLogin has an office let people in by a provider.
func withLogin(t testing.TB, create bool) (*office, *login) {
	t.Helper()
	o := newOffice(t, officeURL)
	l := newLogin(t, o.clock)
	o.oidc = &OIDC{Issuer: l.server.URL, Name: "Example Login", ClientID: "convened", ClientSecret: "s3cret", CreateUsers: create}
	o.serve()
	return o, l
}

// travel signs in by the provider, and returns what the way back is answered with.
// change, if not nil, changes what comes back.
func (o *office) travel(l *login, next string, change func(back url.Values, cookie *string)) answer {
	o.t.Helper()
	a := o.get(officeURL + "/signin/oidc?next=" + url.QueryEscape(next))
	to, err := url.Parse(a.header.Get("Location"))
	if a.status != http.StatusSeeOther || err != nil || !strings.HasPrefix(to.String(), l.server.URL+"/authorize?") {
		o.t.Fatalf("setting out answers %d to %q", a.status, a.header.Get("Location"))
	}
	q := to.Query()
	l.challenge, l.nonce = q.Get("code_challenge"), q.Get("nonce")
	if q.Get("redirect_uri") != officeURL+"/signin/oidc/callback" || q.Get("code_challenge_method") != "S256" || q.Get("state") == "" || l.nonce == "" {
		o.t.Errorf("the provider is asked %v", q)
	}
	cookie, _, _ := strings.Cut(a.header.Get("Set-Cookie"), ";")
	back := url.Values{"state": {q.Get("state")}, "code": {"the-code"}}
	if change != nil {
		change(back, &cookie)
	}
	return o.get(officeURL+"/signin/oidc/callback?"+back.Encode(), "Cookie", cookie, "Accept-Language", "en", "Sec-Fetch-Site", "cross-site")
}

func TestTheProviderLetsAUserIn(t *testing.T) {
	o, l := withLogin(t, false)
	wants(t, "the page to sign in", o.get(officeURL+"/signin", "Accept-Language", "en").body, "Sign in with Example Login", "/signin/oidc?next=")
	l.claims = map[string]any{"email": strings.ToUpper(editor)}
	a := o.travel(l, "/events/webinar", nil)
	if a.status != http.StatusSeeOther || a.header.Get("Location") != "/events/webinar" {
		t.Fatalf("the way back answers %d to %q, want 303 to the page that was asked for\n%s", a.status, a.header.Get("Location"), o.logs)
	}
	d := &desktop{o, cookieIn(t, a)}
	if a := d.get("/events/webinar"); a.status != http.StatusOK {
		t.Errorf("the session answers %d, want 200", a.status)
	}
	if a := o.travel(l, "https://evil.example/", nil); a.header.Get("Location") != "/events" {
		t.Errorf("the way back leads to %q", a.header.Get("Location"))
	}
}

func TestTheProviderLetsNobodyInWithoutProof(t *testing.T) {
	o, l := withLogin(t, false)
	for name, test := range map[string]struct {
		claims map[string]any
		change func(url.Values, *string)
	}{
		"an address that nobody has verified":      {claims: map[string]any{"email_verified": false}},
		"an address that may have been verified":   {claims: map[string]any{"email_verified": nil}},
		"no address":                               {claims: map[string]any{"email": ""}},
		"an address that no user has":              {claims: map[string]any{"email": "unknown@example.org"}},
		"a token of another sign-in":               {claims: map[string]any{"nonce": "another"}},
		"a token for another client":               {claims: map[string]any{"aud": "another"}},
		"a token of another issuer":                {claims: map[string]any{"iss": "https://evil.example"}},
		"a token that is too old":                  {claims: map[string]any{"exp": early.Add(-time.Hour).Unix()}},
		"another state":                            {change: func(b url.Values, _ *string) { b.Set("state", "another") }},
		"no state":                                 {change: func(b url.Values, _ *string) { b.Del("state") }},
		"a browser that did not set out":           {change: func(_ url.Values, k *string) { *k = "" }},
		"a cookie that somebody has made":          {change: func(b url.Values, k *string) { *k = journeySecureCookie + "=e30"; b.Set("state", "") }},
		"a code that the provider did not give":    {change: func(b url.Values, _ *string) { b.Set("code", "another") }},
		"a code that was asked for by another one": {change: func(url.Values, *string) { l.challenge = "another" }},
		"somebody who has changed their mind":      {change: func(b url.Values, _ *string) { b.Del("code"); b.Set("error", "access_denied") }},
	} {
		t.Run(name, func(t *testing.T) {
			l.claims = test.claims
			o.serve()
			a := o.travel(l, "", test.change)
			if a.status != http.StatusForbidden || strings.Contains(a.header.Get("Set-Cookie"), secureCookie+"=") {
				t.Errorf("the answer is %d with the cookie %q, want 403 and none", a.status, a.header.Get("Set-Cookie"))
			}
			wants(t, "the page", a.said(), "Example Login did not say who you are")
		})
	}
	if n := o.sql(`SELECT count(*) FROM convened.sessions`); n != "0" {
		t.Errorf("%s sessions were begun", n)
	}
	wantsNo(t, "the log", o.logs.String(), "@example.org", "the-code")
}

func TestTheProviderMakesUsersWhereThatIsWanted(t *testing.T) {
	o, l := withLogin(t, true)
	l.claims = map[string]any{"email": "new@example.org", "name": "Nora New"}
	a := o.travel(l, "", nil)
	if a.status != http.StatusSeeOther {
		t.Fatalf("the way back answers %d\n%s", a.status, o.logs)
	}
	u, hash, err := o.store.UserByEmail(t.Context(), "new@example.org")
	if err != nil || u.Name != "Nora New" || u.Administrator || len(u.Roles) > 0 || hash != "" {
		t.Errorf("the new user is %+v with the hash %q, %v", u, hash, err)
	}
	if a := (&desktop{o, cookieIn(t, a)}).get("/events/webinar"); a.status != http.StatusNotFound {
		t.Errorf("a new user gets %d for an event, want 404", a.status)
	}
	if a := o.knock("new@example.org", ""); a.status != http.StatusUnprocessableEntity {
		t.Errorf("without a password the new user is answered %d, want 422", a.status)
	}
	deeds, err := o.store.Deeds(t.Context(), "", 0, 10)
	if err != nil || deeds[len(deeds)-1].What != convened.UserAdded || deeds[len(deeds)-1].By != "new@example.org" {
		t.Errorf("the trail is %+v, %v", deeds, err)
	}
}

func TestAProviderThatIsAwayLeavesThePasswords(t *testing.T) {
	o, l := withLogin(t, false)
	l.server.Close()
	a := o.get(officeURL+"/signin/oidc", "Accept-Language", "en")
	if a.status != http.StatusForbidden {
		t.Errorf("setting out answers %d, want 403", a.status)
	}
	if a := o.knock(editor, password); a.status != http.StatusSeeOther {
		t.Errorf("the password answers %d, want 303", a.status)
	}
}
