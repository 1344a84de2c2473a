package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/lib/pq"

	"convened"
)

// Errors about users.
var (
	ErrTaken  = errors.New("there is a user of that address already")
	ErrNoUser = fmt.Errorf("user %w", ErrNotFound)
)

// scanUser reads what the statements about users select, and what follows it.
func scanUser(row scanner, more ...any) (*convened.User, string, error) {
	u := &convened.User{}
	var hash string
	err := row.Scan(append([]any{&u.ID, &u.Email, &u.Name, &u.Administrator, &u.CreatedAt, &hash}, more...)...)
	u.CreatedAt, u.HasPassword = u.CreatedAt.UTC(), hash != ""
	return u, hash, err
}

// rolesOf returns the roles of a user, or of all where user is 0.
func rolesOf(ctx context.Context, tx *sql.Tx, user convened.UserID) (map[convened.UserID]map[string]convened.Role, error) {
	roles := map[convened.UserID]map[string]convened.Role{}
	err := each(ctx, tx, stmt("roles_of_user"), []any{int64(user)}, func(rows *sql.Rows) error {
		var id convened.UserID
		var event string
		var role convened.Role
		if err := rows.Scan(&id, &event, &role); err != nil {
			return err
		}
		if roles[id] == nil {
			roles[id] = map[string]convened.Role{}
		}
		roles[id][event] = role
		return nil
	})
	return roles, err
}

func userByEmail(ctx context.Context, tx *sql.Tx, email string) (*convened.User, string, error) {
	u, hash, err := scanUser(tx.QueryRowContext(ctx, stmt("user_by_email"), clean(email)))
	if err != nil {
		return nil, "", err
	}
	roles, err := rolesOf(ctx, tx, u.ID)
	u.Roles = roles[u.ID]
	return u, hash, err
}

// AddUser makes an account, with the hash of a password or with "". ErrTaken if the
// address has one.
func (s *Store) AddUser(ctx context.Context, now time.Time, u convened.User, hash string) (convened.UserID, error) {
	var id convened.UserID
	err := s.tx(ctx, "add a user", func(tx *sql.Tx) error {
		if err := tx.QueryRowContext(ctx, stmt("add_user"), clean(u.Email), clean(u.Name), hash, u.Administrator, now).Scan(&id); err != nil {
			return err
		}
		detail := u.Email
		if u.Administrator {
			detail += ", administrator"
		}
		return note(ctx, tx, convened.Deed{What: convened.UserAdded, Detail: detail})
	})
	var e *pq.Error
	if errors.As(err, &e) && e.Code == "23505" {
		return 0, ErrTaken
	}
	return id, err
}

// Users returns every user with their roles, in the order of their addresses.
func (s *Store) Users(ctx context.Context) ([]*convened.User, error) {
	var list []*convened.User
	err := s.tx(ctx, "list users", func(tx *sql.Tx) error {
		list = nil
		err := each(ctx, tx, stmt("list_users"), nil, func(rows *sql.Rows) error {
			u, _, err := scanUser(rows)
			list = append(list, u)
			return err
		})
		if err != nil {
			return err
		}
		roles, err := rolesOf(ctx, tx, 0)
		for _, u := range list {
			u.Roles = roles[u.ID]
		}
		return err
	})
	return list, err
}

// UserByEmail returns a user and the hash of the password ("" for none), or ErrNotFound.
func (s *Store) UserByEmail(ctx context.Context, email string) (*convened.User, string, error) {
	var u *convened.User
	var hash string
	err := s.tx(ctx, "look for a user", func(tx *sql.Tx) (err error) {
		u, hash, err = userByEmail(ctx, tx, email)
		return err
	})
	return u, hash, err
}

// withUser does something to the user of an address, in one transaction. ErrNoUser if
// there is none.
func (s *Store) withUser(ctx context.Context, what, email string, f func(*sql.Tx, *convened.User) error) error {
	return s.tx(ctx, what, func(tx *sql.Tx) error {
		u, _, err := userByEmail(ctx, tx, email)
		if errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("%w: %q", ErrNoUser, email)
		}
		if err != nil {
			return err
		}
		return f(tx, u)
	})
}

// SetPassword replaces the hash of a password, and ends every session of the user:
// whoever knew the old one is out.
func (s *Store) SetPassword(ctx context.Context, email, hash string) error {
	return s.withUser(ctx, "set a password", email, func(tx *sql.Tx, u *convened.User) error {
		if _, err := tx.ExecContext(ctx, stmt("set_password"), int64(u.ID), hash); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, stmt("end_sessions_of_user"), int64(u.ID)); err != nil {
			return err
		}
		return note(ctx, tx, convened.Deed{What: convened.PasswordSet, Detail: u.Email})
	})
}

// Rehash replaces the hash of a password by another of the same one. Nobody is signed
// out, and nobody did anything.
func (s *Store) Rehash(ctx context.Context, user convened.UserID, hash string) error {
	return s.tx(ctx, "write a hash anew", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, stmt("set_password"), int64(user), hash)
		return err
	})
}

// SetAdministrator makes a user an administrator, or one no more. It reports false
// where that is how it was.
func (s *Store) SetAdministrator(ctx context.Context, email string, administrator bool) (bool, error) {
	done := false
	err := s.withUser(ctx, "make an administrator", email, func(tx *sql.Tx, u *convened.User) (err error) {
		if done, err = changed(tx.ExecContext(ctx, stmt("set_administrator"), int64(u.ID), administrator)); err != nil || !done {
			return err
		}
		detail := u.Email + " is an administrator"
		if !administrator {
			detail = u.Email + " is no administrator any more"
		}
		return note(ctx, tx, convened.Deed{What: convened.UserChanged, Detail: detail})
	})
	return done, err
}

// RemoveUser removes an account, its roles and its sessions.
func (s *Store) RemoveUser(ctx context.Context, email string) error {
	return s.withUser(ctx, "remove a user", email, func(tx *sql.Tx, u *convened.User) error {
		if _, err := tx.ExecContext(ctx, stmt("remove_user"), int64(u.ID)); err != nil {
			return err
		}
		return note(ctx, tx, convened.Deed{What: convened.UserRemoved, Detail: u.Email})
	})
}

// Grant gives a user a role on an event, or takes it where role is convened.NoRole. It
// reports false where that is how it was. ErrNotFound for an event, and ErrNoUser for a
// user, that is not there.
func (s *Store) Grant(ctx context.Context, email, event string, role convened.Role) (bool, error) {
	done := false
	err := s.withUser(ctx, "grant a role", email, func(tx *sql.Tx, u *convened.User) (err error) {
		name, args, what, detail := "grant_role", []any{int64(u.ID), event, string(role)}, convened.RoleGranted, u.Email+": "+string(role)
		if role == convened.NoRole {
			name, args, what, detail = "revoke_role", args[:2], convened.RoleRevoked, u.Email
		}
		if done, err = changed(tx.ExecContext(ctx, stmt(name), args...)); err != nil || !done {
			return err
		}
		return note(ctx, tx, convened.Deed{What: what, Event: event, Detail: detail})
	})
	var e *pq.Error
	if errors.As(err, &e) && e.Code == "23503" {
		return false, fmt.Errorf("event %q: %w", event, ErrNotFound)
	}
	return done, err
}

// A Term is how long a session lasts: without being seen, and at all.
type Term struct{ Idle, Absolute time.Duration }

// touchEvery is how often it is written that a session was seen: to read pages is not
// to write rows.
const touchEvery = time.Minute

// OpenSession begins a session of a user under the SHA-256 of a token.
func (s *Store) OpenSession(ctx context.Context, now time.Time, user convened.UserID, digest []byte) error {
	return s.tx(ctx, "open a session", func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, stmt("open_session"), digest, int64(user), now); err != nil {
			return err
		}
		return note(ctx, tx, convened.Deed{What: convened.SignedIn})
	})
}

// Session returns who is signed in under the SHA-256 of a token, with the roles as
// they are now, or ErrNotFound: there is no such session, or it has ended.
func (s *Store) Session(ctx context.Context, now time.Time, digest []byte, t Term) (*convened.User, error) {
	var u *convened.User
	err := s.tx(ctx, "look for a session", func(tx *sql.Tx) (err error) {
		var seen time.Time
		if u, _, err = scanUser(tx.QueryRowContext(ctx, stmt("session"), digest, now.Add(-t.Idle), now.Add(-t.Absolute)), &seen); err != nil {
			return err
		}
		roles, err := rolesOf(ctx, tx, u.ID)
		if u.Roles = roles[u.ID]; err != nil || now.Sub(seen) < touchEvery {
			return err
		}
		_, err = tx.ExecContext(ctx, stmt("touch_session"), digest, now)
		return err
	})
	return u, err
}

// EndSession ends the session under the SHA-256 of a token, if there is one.
func (s *Store) EndSession(ctx context.Context, digest []byte) error {
	return s.tx(ctx, "end a session", func(tx *sql.Tx) error {
		ended, err := changed(tx.ExecContext(ctx, stmt("end_session"), digest))
		if err != nil || !ended {
			return err
		}
		return note(ctx, tx, convened.Deed{What: convened.SignedOut})
	})
}

// DropSessions forgets the sessions that have ended.
func (s *Store) DropSessions(ctx context.Context, now time.Time, t Term) error {
	return s.tx(ctx, "forget old sessions", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, stmt("drop_sessions"), now.Add(-t.Idle), now.Add(-t.Absolute))
		return err
	})
}
