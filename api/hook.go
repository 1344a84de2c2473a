package api

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"convened/desk"
	"convened/store"
)

// This file holds what form services send on their own: signed, and in the shape
// that each of them has.

// How old what was signed may be. Services send again for hours what they could
// not deliver; a signature over a time of its own is for minutes.
const (
	replayWindow = 5 * time.Minute
	retryWindow  = 26 * time.Hour
	clockSlack   = 5 * time.Minute
)

// A sent is one form as it was filled in.
type sent struct {
	key     string    // the service's own, the same each time it sends it
	at      time.Time // when it was filled in; zero: it does not say
	answers []answered
}

// An answered is one field of a form.
type answered struct {
	names []string // label, key, reference: whatever the service calls it
	value string
	email bool // the service knows it for an address
}

// hook takes what a form service sends. Who can't sign is answered the same whether
// or not there is such a source. What is signed and can't be taken is kept as a problem
// of the source, and answered 202: sending it again would not mend it.
func (s *server) hook(ctx context.Context, r *http.Request, c *caller) (any, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if !s.tries.AllowN(c.now, 1) {
		return nil, fail(http.StatusTooManyRequests, "too-many", "too many requests without a valid signature; try again in a while")
	}
	h, err := s.Desk.Store.HookOf(ctx, r.PathValue("source"))
	if errors.Is(err, store.ErrNotFound) {
		h, err = &store.Hook{Service: "hmac", Secret: []byte("nobody signs with this")}, nil
	}
	if err != nil {
		return nil, err
	}
	signedAt, ok := signed(h, r.Header, body)
	if !ok || h.Source == nil {
		return nil, fail(http.StatusUnauthorized, "signature", "the signature is not one of the secret that this source has, or there is no such webhook")
	}
	s.tries.AllowN(c.now, -1)
	if !s.limitOf(-h.Source.ID).AllowN(c.now, 1) {
		return nil, fail(http.StatusTooManyRequests, "too-many", "a source may send %d times in a second, and %d at once", perSecond, burst)
	}
	if !signedAt.IsZero() && outside(c.now, signedAt, replayWindow) {
		return nil, fail(http.StatusUnprocessableEntity, "stale", "it was signed at %s, and now is %s", signedAt.UTC().Format(time.RFC3339), c.now.UTC().Format(time.RFC3339))
	}
	form, err := formOf(h.Service, body)
	if err != nil {
		return nil, fail(http.StatusBadRequest, "malformed", "this is not what %s sends: %s", h.Service, err)
	}
	if form == nil {
		return accepted{Status: "ignored", Detail: "this is not a form that was filled in"}, nil
	}
	if signedAt.IsZero() && !form.at.IsZero() && outside(c.now, form.at, retryWindow) {
		return nil, fail(http.StatusUnprocessableEntity, "stale", "it was filled in at %s, and now is %s", form.at.UTC().Format(time.RFC3339), c.now.UTC().Format(time.RFC3339))
	}
	if form.key == "" {
		sum := sha256.Sum256(body)
		form.key = hex.EncodeToString(sum[:])
	}
	e := form.entry()
	if h.Event != "" {
		e.Event = h.Event
	}
	state, err := s.Desk.Store.TakeSent(ctx, h.Source, form.key, e)
	if err != nil {
		return nil, err
	}
	if state != store.RowTaken {
		return accepted{Status: "problem", Detail: "it is kept; `convened source problems " + h.Source.Name + "` says what is wrong with it"}, nil
	}
	s.Wake()
	return accepted{Status: "accepted"}, nil
}

func outside(now, at time.Time, window time.Duration) bool {
	return at.Before(now.Add(-window)) || at.After(now.Add(clockSlack))
}

// signed reports whether a body is signed as the service does it, and when, where
// the signature covers a time.
//
//	tally      Tally-Signature: BASE64
//	typeform   Typeform-Signature: sha256=BASE64
//	hmac       X-Signature (or X-Hub-Signature-256): sha256=HEX, over the body; or, with
//	           X-Timestamp: SECONDS, over SECONDS.BODY
//
// Each is the HMAC-SHA256 of the secret.
func signed(h *store.Hook, header http.Header, body []byte) (at time.Time, ok bool) {
	var given []byte
	var err error
	switch h.Service {
	case "tally":
		given, err = base64.StdEncoding.DecodeString(header.Get("Tally-Signature"))
	case "typeform":
		text, _ := strings.CutPrefix(header.Get("Typeform-Signature"), "sha256=")
		given, err = base64.StdEncoding.DecodeString(text)
	default:
		text := header.Get("X-Signature")
		if text == "" {
			text = header.Get("X-Hub-Signature-256")
		}
		text, _ = strings.CutPrefix(text, "sha256=")
		given, err = hex.DecodeString(text)
		if stamp := header.Get("X-Timestamp"); stamp != "" {
			seconds, bad := strconv.ParseInt(stamp, 10, 64)
			if bad != nil {
				return at, false
			}
			at = time.Unix(seconds, 0)
			body = append([]byte(stamp+"."), body...)
		}
	}
	mac := hmac.New(sha256.New, h.Secret)
	mac.Write(body)
	return at, hmac.Equal(given, mac.Sum(nil)) && err == nil
}

// formOf reads a form as a service sends it; nil for anything else that it sends.
func formOf(service string, body []byte) (*sent, error) {
	switch service {
	case "tally":
		return tally(body)
	case "typeform":
		return typeform(body)
	}
	return flat(body)
}

func tally(body []byte) (*sent, error) {
	var in struct {
		EventID   string    `json:"eventId"`
		EventType string    `json:"eventType"`
		CreatedAt time.Time `json:"createdAt"`
		Data      struct {
			ResponseID string `json:"responseId"`
			Fields     []struct {
				Key     string          `json:"key"`
				Label   string          `json:"label"`
				Type    string          `json:"type"`
				Value   json.RawMessage `json:"value"`
				Options []struct {
					ID   string `json:"id"`
					Text string `json:"text"`
				} `json:"options"`
			} `json:"fields"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	if in.EventType != "FORM_RESPONSE" {
		return nil, nil
	}
	f := &sent{key: in.Data.ResponseID, at: in.CreatedAt}
	if f.key == "" {
		f.key = in.EventID
	}
	for _, field := range in.Data.Fields {
		value := text(field.Value)
		for _, o := range field.Options {
			if o.ID == value {
				value = o.Text
			}
		}
		f.answers = append(f.answers, answered{[]string{field.Label, field.Key}, value, field.Type == "INPUT_EMAIL"})
	}
	return f, nil
}

func typeform(body []byte) (*sent, error) {
	var in struct {
		EventType string `json:"event_type"`
		Response  struct {
			Token       string            `json:"token"`
			SubmittedAt time.Time         `json:"submitted_at"`
			Hidden      map[string]string `json:"hidden"`
			Definition  struct {
				Fields []struct {
					ID    string `json:"id"`
					Title string `json:"title"`
				} `json:"fields"`
			} `json:"definition"`
			Answers []struct {
				Type   string `json:"type"`
				Email  string `json:"email"`
				Text   string `json:"text"`
				Choice struct {
					Label string `json:"label"`
				} `json:"choice"`
				Field struct {
					ID  string `json:"id"`
					Ref string `json:"ref"`
				} `json:"field"`
			} `json:"answers"`
		} `json:"form_response"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	if in.EventType != "form_response" {
		return nil, nil
	}
	f := &sent{key: in.Response.Token, at: in.Response.SubmittedAt}
	titles := map[string]string{}
	for _, d := range in.Response.Definition.Fields {
		titles[d.ID] = d.Title
	}
	for _, a := range in.Response.Answers {
		f.answers = append(f.answers, answered{[]string{a.Field.Ref, titles[a.Field.ID], a.Field.ID}, a.Email + a.Text + a.Choice.Label, a.Type == "email"})
	}
	for name, value := range in.Response.Hidden {
		f.answers = append(f.answers, answered{names: []string{name}, value: value})
	}
	return f, nil
}

// flat reads an object of texts: what a program of one's own sends.
func flat(body []byte) (*sent, error) {
	var in map[string]json.RawMessage
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	f := &sent{}
	for name, value := range in {
		if name == "id" || name == "source_ref" {
			f.key = text(value)
			continue
		}
		f.answers = append(f.answers, answered{names: []string{name}, value: text(value)})
	}
	return f, nil
}

// text is a value as a person would write it; of a list the first.
func text(value json.RawMessage) string {
	var one string
	if json.Unmarshal(value, &one) == nil {
		return one
	}
	var list []json.RawMessage
	if json.Unmarshal(value, &list) == nil && len(list) > 0 {
		return text(list[0])
	}
	if len(value) > 0 && (value[0] == '-' || value[0] >= '0' && value[0] <= '9') {
		return string(value)
	}
	return ""
}

// entry finds out which answer is what, by the names that an import knows too.
func (f *sent) entry() store.Entry {
	fields := map[string]string{}
	for _, a := range f.answers {
		if a.value == "" {
			continue
		}
		for _, name := range a.names {
			if field := desk.FieldNamed(name); field != "" && fields[field] == "" {
				fields[field] = a.value
			}
		}
	}
	for _, a := range f.answers {
		if a.email && a.value != "" && fields["email"] == "" {
			fields["email"] = a.value
		}
	}
	e := store.Entry{Event: fields["event"], Email: fields["email"], Name: fields["name"], Language: fields["language"], Zone: fields["zone"]}
	if e.Name == "" {
		e.Name = strings.TrimSpace(fields["first"] + " " + fields["last"])
	}
	return e
}
