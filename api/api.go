// Package api is what programs speak to: form services and intranets that register
// people over HTTP instead of by an INSERT, and tools that look at events and move
// them. It lives on the public listener, below /api, and its description is
// openapi.json, which it serves.
//
// Its invariants: what changes anything comes with a token, or a signature, and in
// the name of a source. A token that may only register learns nothing: whether an
// address was known before, what became of it, and which addresses there are look the
// same. What was asked twice with one idempotency key is done once. Every error is a
// problem document (RFC 9457) that names the mistake and its mend. It does what
// package desk does, and decides nothing.
//
// It will not log what a request holds, and speaks of nobody's address but to who may
// read it.
package api

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"convened"
	"convened/desk"
	"convened/store"
)

//go:embed openapi.json
var description []byte

// Description returns the OpenAPI 3.1 document of the API.
func Description() []byte { return slices.Clone(description) }

// TokenPrefix is how every token begins, so that one that lies about is known for
// what it is.
const TokenPrefix = "cvd_"

var tokenForm = regexp.MustCompile(`^cvd_[A-Za-z0-9_-]{43}$`)

// maxBody is how much of a request is read, in bytes.
const maxBody = 64 << 10

// How much a token may ask for, and how often strangers may try.
const (
	perSecond   = 20
	burst       = 200
	triesSecond = 10
	triesBurst  = 100
	mostTokens  = 10_000 // that are remembered
)

// workLimit is how long a request may take.
const workLimit = 15 * time.Second

// Options say what the API works with.
type Options struct {
	Desk   *desk.Desk
	Prefix string           // the path of public.url, without a slash at its end
	Clock  func() time.Time // the one clock
	Wake   func()           // called after a request that mail follows from; nil: nobody is in a hurry
	Logger *slog.Logger     // nil: nothing is logged
}

type server struct {
	Options
	mu     sync.Mutex
	limits map[int]*rate.Limiter // by token
	tries  *rate.Limiter         // of strangers
}

// New returns the handler of everything below PREFIX/api/.
func New(o Options) http.Handler {
	if o.Wake == nil {
		o.Wake = func() {}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &server{Options: o, limits: map[int]*rate.Limiter{}, tries: rate.NewLimiter(triesSecond, triesBurst)}
	at := o.Prefix + "/api"
	routes := map[string]map[string]handler{
		at + "/openapi.json":          {http.MethodGet: s.describe},
		at + "/registrations":         {http.MethodPost: s.may(store.MayRegister, s.register)},
		at + "/events":                {http.MethodGet: s.may(store.MayRead, s.events)},
		at + "/events/{event}":        {http.MethodGet: s.may(store.MayRead, s.event)},
		at + "/events/{event}/move":   {http.MethodPost: s.may(store.MayManage, s.move)},
		at + "/events/{event}/cancel": {http.MethodPost: s.may(store.MayManage, s.cancel)},
		at + "/events/{event}/story":  {http.MethodPost: s.may(store.MayRead, s.story)},
		at + "/hooks/{source}":        {http.MethodPost: s.hook},
	}
	mux := http.NewServeMux()
	for path, methods := range routes {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			if h, ok := methods[r.Method]; ok {
				s.answer(w, r, h)
				return
			}
			for m := range methods {
				w.Header().Set("Allow", m)
			}
			s.answer(w, r, func(context.Context, *http.Request, *caller) (any, error) {
				return nil, fail(http.StatusMethodNotAllowed, "method", "%s is not for this address; see openapi.json", r.Method)
			})
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.answer(w, r, func(context.Context, *http.Request, *caller) (any, error) {
			return nil, fail(http.StatusNotFound, "not-found", "there is nothing at this address; see openapi.json")
		})
	})
	return mux
}

// A caller is who asks, and what is to be said beside the answer.
type caller struct {
	token  *store.Token // nil: nobody that is known
	now    time.Time
	header http.Header
}

// A handler does what is asked and returns what is answered: an accepted is 202,
// anything else 200, and a *Problem what it says.
type handler func(ctx context.Context, r *http.Request, c *caller) (any, error)

// accepted is an answer that says that something will be done.
type accepted struct {
	Status string `json:"status"`
	Detail string `json:"detail,omitempty"`
}

// A Problem is an error as it is answered: RFC 9457.
type Problem struct {
	Type   string  `json:"type"` // urn:convened:problem:…
	Title  string  `json:"title"`
	Status int     `json:"status"`
	Detail string  `json:"detail"`
	Errors []Fault `json:"errors,omitempty"`
}

// A Fault is what is wrong with one member of a request.
type Fault struct {
	Pointer string `json:"pointer"` // JSON pointer (RFC 6901), such as "#/email"
	Detail  string `json:"detail"`
}

// Error is the detail.
func (p *Problem) Error() string { return p.Detail }

// titles say what each kind of problem is, the same each time.
var titles = map[string]string{
	"method": "Method not allowed", "not-found": "Not found", "unauthorized": "No valid token", "forbidden": "The token may not do this",
	"too-large": "The request is too large", "media-type": "The request is not JSON", "malformed": "The request can't be read",
	"invalid": "The request does not say what it should", "unknown-event": "There is no such event", "not-registered": "Not registered",
	"key-reused": "Idempotency key used before", "edited": "The event was edited meanwhile", "unchanged": "Nothing changes",
	"too-many": "Too many requests", "unavailable": "Not available at the moment", "internal": "Something went wrong here",
	"signature": "No valid signature", "stale": "Too old",
}

func fail(status int, kind, format string, args ...any) *Problem {
	return &Problem{Type: "urn:convened:problem:" + kind, Title: titles[kind], Status: status, Detail: fmt.Sprintf(format, args...)}
}

func invalid(faults ...Fault) *Problem {
	p := fail(http.StatusUnprocessableEntity, "invalid", "%s", "see errors")
	if len(faults) == 1 {
		p.Detail = strings.TrimPrefix(faults[0].Pointer, "#/") + " " + faults[0].Detail
	}
	p.Errors = faults
	return p
}

// answer runs a handler and writes what it says.
func (s *server) answer(w http.ResponseWriter, r *http.Request, h handler) {
	head := w.Header()
	head.Set("Cache-Control", "no-store")
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Referrer-Policy", "no-referrer")
	head.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	// What was begun is done, whether or not the caller waits for it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), workLimit)
	defer cancel()
	c := &caller{now: s.Clock(), header: head}
	body, err := func() (body any, err error) {
		defer func() {
			if thrown := recover(); thrown != nil {
				s.Logger.Error("a request panicked", "stack", string(debug.Stack()))
				err = fail(http.StatusInternalServerError, "internal", "this is a mistake of the program; the log says more")
			}
		}()
		return h(ctx, r, c)
	}()
	if err != nil {
		p := s.problemOf(err)
		if p.Status == http.StatusTooManyRequests {
			head.Set("Retry-After", "10")
		} else if p.Status == http.StatusServiceUnavailable {
			head.Set("Retry-After", "30")
		} else if p.Status == http.StatusUnauthorized {
			head.Set("WWW-Authenticate", `Bearer realm="convened"`)
		}
		write(w, p.Status, "application/problem+json", p)
		return
	}
	switch body := body.(type) {
	case json.RawMessage:
		head.Set("Content-Type", "application/json")
		_, _ = w.Write(body)
	case accepted:
		write(w, http.StatusAccepted, "application/json", body)
	default:
		write(w, http.StatusOK, "application/json", body)
	}
}

func write(w http.ResponseWriter, status int, contentType string, body any) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(body) // who does not take it has gone
}

// problemOf is an error as a problem.
func (s *server) problemOf(err error) *Problem {
	var p *Problem
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &large):
		return fail(http.StatusRequestEntityTooLarge, "too-large", "a request may have %d bytes", maxBody)
	case errors.Is(err, store.ErrKeyReused):
		return fail(http.StatusConflict, "key-reused", "the Idempotency-Key was used for another request within a day; use a new one for each request")
	case errors.Is(err, convened.ErrEdited):
		return fail(http.StatusConflict, "edited", "the event was edited meanwhile; read it again and decide anew")
	case errors.Is(err, desk.ErrUnchanged):
		return fail(http.StatusConflict, "unchanged", "the event is like that already")
	case errors.Is(err, desk.ErrNobody):
		return fail(http.StatusNotFound, "not-registered", "this address is not registered for the event")
	case errors.Is(err, store.ErrNotFound):
		return fail(http.StatusNotFound, "unknown-event", "there is no such event")
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, context.DeadlineExceeded), errors.Is(err, store.ErrReadOnly):
		s.Logger.Error("a request can't be answered", "error", err.Error())
		return fail(http.StatusServiceUnavailable, "unavailable", "the database does not answer; ask again, with the same Idempotency-Key")
	}
	s.Logger.Error("a request failed", "error", err.Error())
	return fail(http.StatusInternalServerError, "internal", "the log says more")
}

// may lets those in whose token is good for a scope.
func (s *server) may(scope store.Scope, h handler) handler {
	return func(ctx context.Context, r *http.Request, c *caller) (any, error) {
		text, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if text = strings.TrimSpace(text); !ok || !tokenForm.MatchString(text) {
			return nil, fail(http.StatusUnauthorized, "unauthorized", "send a token as Authorization: Bearer %s…; `convened source token NAME` makes one", TokenPrefix)
		}
		if !s.tries.AllowN(c.now, 1) { // it is given back to who is known
			return nil, fail(http.StatusTooManyRequests, "too-many", "too many requests with tokens that are none; try again in a while")
		}
		token, err := s.Desk.Store.TokenOf(ctx, text)
		if errors.Is(err, store.ErrNotFound) {
			return nil, fail(http.StatusUnauthorized, "unauthorized", "this token is not good, or not any more")
		}
		if err != nil {
			return nil, err
		}
		s.tries.AllowN(c.now, -1)
		if !s.limitOf(token.ID).AllowN(c.now, 1) {
			return nil, fail(http.StatusTooManyRequests, "too-many", "a token may make %d requests in a second, and %d at once", perSecond, burst)
		}
		if !token.Scope.Includes(scope) {
			return nil, fail(http.StatusForbidden, "forbidden", "this token may %s, and this needs one that may %s", token.Scope, scope)
		}
		c.token = token
		ctx = store.As(ctx, convened.Actor{Name: "source " + token.Name, Via: convened.ByAPI, At: c.now})
		return h(ctx, r, c)
	}
}

func (s *server) limitOf(id int) *rate.Limiter {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.limits[id]
	if l == nil {
		if len(s.limits) >= mostTokens {
			clear(s.limits)
		}
		l = rate.NewLimiter(perSecond, burst)
		s.limits[id] = l
	}
	return l
}

// read reads a request's JSON into a struct, whose unknown members are mistakes.
// It returns the bytes too.
func read(r *http.Request, into any) ([]byte, error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" && !strings.HasSuffix(kind, "+json") {
		return nil, fail(http.StatusUnsupportedMediaType, "media-type", "send Content-Type: application/json")
	}
	data, err := io.ReadAll(r.Body)
	if err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return nil, err
		}
		return nil, fail(http.StatusBadRequest, "malformed", "the request ended before it was whole")
	}
	dec := json.NewDecoder(strings.NewReader(string(data)))
	dec.DisallowUnknownFields()
	err = dec.Decode(into)
	if err == nil && dec.More() {
		err = errors.New("there is more after its end")
	}
	var kind *json.UnmarshalTypeError
	switch {
	case err == nil:
		return data, nil
	case errors.As(err, &kind):
		return nil, invalid(Fault{"#/" + strings.ReplaceAll(kind.Field, ".", "/"), "must be a " + plainType(kind.Type.Kind().String()) + ", and is a " + kind.Value})
	case strings.HasPrefix(err.Error(), "json: unknown field "):
		name := strings.Trim(strings.TrimPrefix(err.Error(), "json: unknown field "), `"`)
		return nil, invalid(Fault{"#/" + name, "is not known; see openapi.json"})
	}
	return nil, fail(http.StatusBadRequest, "malformed", "the body is no JSON: %s", strings.TrimPrefix(err.Error(), "json: "))
}

func plainType(kind string) string {
	switch kind {
	case "bool":
		return "true or false"
	case "int", "int64":
		return "whole number"
	}
	return kind
}

// digest stands for what a request asks.
func digest(r *http.Request, body []byte) []byte {
	sum := sha256.Sum256(append([]byte(r.Method+" "+r.URL.Path+"\x00"), body...))
	return sum[:]
}

func (s *server) describe(context.Context, *http.Request, *caller) (any, error) {
	return json.RawMessage(description), nil
}
