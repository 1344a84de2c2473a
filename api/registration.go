package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"convened"
	"convened/address"
	"convened/store"
)

// A registration is one person who registers.
type registration struct {
	Event     string `json:"event"`
	Email     string `json:"email"`
	Name      string `json:"name"`
	Language  string `json:"language"`
	Zone      string `json:"zone"`
	SourceRef string `json:"source_ref"`
}

// most is how long a text may be, in characters.
const most = 500

// register takes one registration. The answer is the same whoever the address is
// of: that it was registered before is for its owner to know.
func (s *server) register(ctx context.Context, r *http.Request, c *caller) (any, error) {
	var in registration
	body, err := read(r, &in)
	if err != nil {
		return nil, err
	}
	key := r.Header.Get("Idempotency-Key")
	if len(key) > 255 {
		return nil, invalid(Fault{"#", "the Idempotency-Key may have 255 characters"})
	}
	if faults := in.faults(); len(faults) > 0 {
		return nil, invalid(faults...)
	}
	again, err := s.Desk.Store.RegisterOnce(ctx, c.now, c.token.Source, key, digest(r, body),
		store.Entry{Event: in.Event, Email: strings.TrimSpace(in.Email), Name: in.Name, Language: in.Language, Zone: in.Zone, SourceRef: in.SourceRef})
	if errors.Is(err, store.ErrNotFound) {
		p := invalid(Fault{"#/event", "names no event"})
		p.Type, p.Title = "urn:convened:problem:unknown-event", titles["unknown-event"]
		return nil, p
	}
	if err != nil {
		return nil, err
	}
	if again {
		c.header.Set("Idempotent-Replayed", "true")
	} else {
		s.Wake()
	}
	return accepted{Status: "accepted"}, nil
}

// faults says all that is wrong at once.
func (in *registration) faults() []Fault {
	var list []Fault
	if in.Event == "" {
		list = append(list, Fault{"#/event", "is required: the event's slug"})
	}
	switch _, err := address.Parse(strings.TrimSpace(in.Email)); {
	case in.Email == "":
		list = append(list, Fault{"#/email", "is required"})
	case err != nil:
		list = append(list, Fault{"#/email", "can't be an address: " + err.Error()})
	}
	if in.Language != "" && !slices.Contains(convened.Languages(), convened.BaseLanguage(in.Language)) {
		list = append(list, Fault{"#/language", "is none of " + strings.Join(convened.Languages(), ", ") + "; leave it out for the event's"})
	}
	if in.Zone != "" {
		if _, err := convened.LoadZone(in.Zone); err != nil {
			list = append(list, Fault{"#/zone", err.Error()})
		}
	}
	for pointer, text := range map[string]string{"#/name": in.Name, "#/source_ref": in.SourceRef} {
		if utf8.RuneCountInString(text) > most {
			list = append(list, Fault{pointer, "is longer than 500 characters"})
		}
	}
	slices.SortFunc(list, func(a, b Fault) int { return strings.Compare(a.Pointer, b.Pointer) })
	return list
}
