package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"convened"
)

// This file holds who may speak to the API, and what they may: a source of
// registrations each, with tokens or with the secret of a form service.

// A Scope says what a token is good for. Each includes the ones before it.
type Scope string

// The scopes.
const (
	MayRegister Scope = "register" // to register people, and to learn nothing
	MayRead     Scope = "read"     // to see events, and what became of a person's mails
	MayManage   Scope = "manage"   // to move and to cancel events
)

// Scopes lists them, the smallest first.
func Scopes() []Scope { return []Scope{MayRegister, MayRead, MayManage} }

// Includes reports whether a scope is enough where another is asked for.
func (s Scope) Includes(asked Scope) bool {
	rank := map[Scope]int{MayRegister: 1, MayRead: 2, MayManage: 3}
	return rank[s] >= rank[asked] && rank[asked] > 0
}

// A Token is what is known of one.
type Token struct {
	ID        int
	Source    int
	Name      string // of the source
	Scope     Scope
	MadeAt    time.Time
	MadeBy    string
	RevokedAt time.Time // zero: it is good
}

// AddToken lets whoever has a token speak for a source, which is made if there is
// none of that name. Of the token only its hash is kept.
func (s *Store) AddToken(ctx context.Context, now time.Time, by, name string, scope Scope, token string) (*Token, error) {
	if !sourceName.MatchString(name) {
		return nil, unfit("name %q: up to 40 lower-case letters, digits and underscores, a letter first", name)
	}
	digest := sha256.Sum256([]byte(token))
	t := &Token{Name: name, Scope: scope, MadeAt: now, MadeBy: by}
	err := s.tx(ctx, "make a token for "+name, func(tx *sql.Tx) error {
		if err := tx.QueryRowContext(ctx, stmt("http_source"), name, now, by).Scan(&t.Source); errors.Is(err, sql.ErrNoRows) {
			return unfit("source %s is a table; give what speaks over HTTP a name of its own", name)
		} else if err != nil {
			return err
		}
		if err := tx.QueryRowContext(ctx, stmt("insert_token"), t.Source, digest[:], string(scope), now, by).Scan(&t.ID); err != nil {
			return err
		}
		return note(ctx, tx, convened.Deed{What: convened.TokenMade, Detail: fmt.Sprintf("%s: token %d, %s", name, t.ID, scope)})
	})
	return t, err
}

// Tokens lists the tokens of a source, those that were revoked included.
func (s *Store) Tokens(ctx context.Context, source int) ([]Token, error) {
	var list []Token
	err := s.tx(ctx, "list tokens", func(tx *sql.Tx) error {
		list = nil
		return each(ctx, tx, stmt("list_tokens"), []any{source}, func(rows *sql.Rows) error {
			var t Token
			var revoked sql.NullTime
			err := rows.Scan(&t.ID, &t.Source, &t.Name, &t.Scope, &t.MadeAt, &t.MadeBy, &revoked)
			t.MadeAt, t.RevokedAt = t.MadeAt.UTC(), utc(revoked)
			list = append(list, t)
			return err
		})
	})
	return list, err
}

// RevokeToken ends a token of a source. ErrNotFound where there is no such one that
// is good.
func (s *Store) RevokeToken(ctx context.Context, now time.Time, source, id int) error {
	return s.tx(ctx, fmt.Sprintf("revoke token %d", id), func(tx *sql.Tx) error {
		revoked, err := changed(tx.ExecContext(ctx, stmt("revoke_token"), source, id, now))
		if err != nil {
			return err
		}
		if !revoked {
			return ErrNotFound
		}
		return note(ctx, tx, convened.Deed{What: convened.TokenRevoked, Detail: fmt.Sprintf("token %d", id)})
	})
}

// TokenOf returns the token, if it is good; else ErrNotFound. It is found by its
// hash, so that how long it takes says nothing about those that there are.
func (s *Store) TokenOf(ctx context.Context, token string) (*Token, error) {
	digest := sha256.Sum256([]byte(token))
	t := &Token{}
	err := s.tx(ctx, "look for a token", func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, stmt("token_of"), digest[:]).Scan(&t.ID, &t.Source, &t.Name, &t.Scope)
	})
	if err != nil {
		return nil, err
	}
	return t, nil
}

// ErrKeyReused is returned for an idempotency key that was used for another request.
var ErrKeyReused = errors.New("this idempotency key was used for another request")

// RegisterOnce writes a registration for a source, unless a request with the same
// key did before, of which it then reports true. The key counts for a day; "" is none.
// digest stands for what is asked. ErrNotFound for an event that there is not.
func (s *Store) RegisterOnce(ctx context.Context, now time.Time, source int, key string, digest []byte, e Entry) (again bool, err error) {
	err = s.tx(ctx, "register for source", func(tx *sql.Tx) error {
		again = false
		if key != "" {
			var before []byte
			err := tx.QueryRowContext(ctx, stmt("note_request"), source, key, digest, now).Scan(&again, &before)
			switch {
			case err != nil:
				return err
			case again && string(before) != string(digest):
				return ErrKeyReused
			case again:
				return nil
			}
		}
		made, err := changed(tx.ExecContext(ctx, stmt("register_for_source"), e.Event, clean(e.Email), clean(e.Name), clean(e.Language), clean(e.Zone), clean(e.SourceRef)))
		if err == nil && !made {
			err = ErrNotFound
		}
		return err
	})
	return again, err
}

// ForgetRequests forgets the idempotency keys of requests before an instant.
func (s *Store) ForgetRequests(ctx context.Context, before time.Time) error {
	return s.tx(ctx, "forget requests", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, stmt("forget_requests"), before)
		return err
	})
}

// A Hook is a form service that sends what was typed.
type Hook struct {
	Source  *Source
	Service string // tally, typeform, hmac
	Secret  []byte
	Event   string // slug; "": the form says it
}

// AddHook has a form service speak for a source, which is made if there is none of
// that name; one that there is gets the new secret.
func (s *Store) AddHook(ctx context.Context, now time.Time, by, name, service, event string, secret []byte) error {
	if !sourceName.MatchString(name) {
		return unfit("name %q: up to 40 lower-case letters, digits and underscores, a letter first", name)
	}
	return s.tx(ctx, "make a webhook for "+name, func(tx *sql.Tx) error {
		var source int
		if err := tx.QueryRowContext(ctx, stmt("http_source"), name, now, by).Scan(&source); errors.Is(err, sql.ErrNoRows) {
			return unfit("source %s is a table; give what speaks over HTTP a name of its own", name)
		} else if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, stmt("write_hook"), source, service, secret, event); err != nil {
			return err
		}
		return note(ctx, tx, convened.Deed{What: convened.HookMade, Detail: name + ": " + service})
	})
}

// HookOf returns the hook of a source by its name, or ErrNotFound.
func (s *Store) HookOf(ctx context.Context, name string) (*Hook, error) {
	h := &Hook{}
	err := s.tx(ctx, "look for a webhook", func(tx *sql.Tx) error {
		list, err := readSources(ctx, tx, name)
		if err != nil {
			return err
		}
		if len(list) == 0 || name == "" {
			return ErrNotFound
		}
		h.Source = &list[0]
		return tx.QueryRowContext(ctx, stmt("hook_of"), h.Source.ID).Scan(&h.Service, &h.Secret, &h.Event)
	})
	if err != nil {
		return nil, err
	}
	return h, nil
}

// TakeSent takes what a form service has sent, once for each key. What can't be
// taken is a problem of the source; it reports what became of it.
func (s *Store) TakeSent(ctx context.Context, v *Source, key string, e Entry) (RowState, error) {
	var state RowState
	err := s.tx(ctx, "take what source "+v.Name+" sent", func(tx *sql.Tx) error {
		// One at a time, so that what is delivered twice at once is taken once.
		var watermark sql.NullInt64
		if err := tx.QueryRowContext(ctx, stmt("lock_source"), v.ID).Scan(&watermark); err != nil {
			return err
		}
		g := seenRow{key: key}
		known, err := v.known(ctx, tx, []seenRow{g})
		if err != nil {
			return err
		}
		if state = RowState(known[key].state); state == RowTaken {
			return nil
		}
		for i, text := range []string{e.Event, e.Email, e.Name, e.Language, e.Zone} {
			text = clean(text)
			g.values[i] = sql.NullString{String: text, Valid: text != ""}
		}
		t, err := v.take(ctx, tx, []seenRow{g}, false)
		if state = RowProblem; t.Taken == 1 {
			state = RowTaken
		}
		return err
	})
	return state, err
}
