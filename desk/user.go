package desk

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"convened"
	"convened/address"
	"convened/store"
)

// ErrSignIn is the one answer to whoever can't be let in, for whatever reason.
var ErrSignIn = errors.New("no user has this address and this password")

// SessionTerm is how long one stays signed in.
var SessionTerm = store.Term{Idle: 12 * time.Hour, Absolute: 7 * 24 * time.Hour}

// AddUser makes an account. Without a password one comes in by single sign-on alone.
func (d *Desk) AddUser(ctx context.Context, now time.Time, u convened.User, password string) (convened.UserID, error) {
	a, err := address.Parse(u.Email)
	if err != nil {
		return 0, fmt.Errorf("user %q: %w", u.Email, err)
	}
	u.Email = a.String()
	if u.Name = strings.TrimSpace(u.Name); utf8.RuneCountInString(u.Name) > 200 {
		return 0, fmt.Errorf("user %q: the name has more than 200 characters", u.Email)
	}
	hash := ""
	if password != "" {
		if err := CheckPassword(password); err != nil {
			return 0, err
		}
		if hash, err = hashPassword(ctx, password, d.cost()); err != nil {
			return 0, err
		}
	}
	id, err := d.Store.AddUser(ctx, now, u, hash)
	if err != nil {
		return 0, fmt.Errorf("user %q: %w", u.Email, err)
	}
	return id, nil
}

// SetPassword gives a user another password, and ends all their sessions.
func (d *Desk) SetPassword(ctx context.Context, email, password string) error {
	if err := CheckPassword(password); err != nil {
		return err
	}
	hash, err := hashPassword(ctx, password, d.cost())
	if err != nil {
		return err
	}
	return d.Store.SetPassword(ctx, email, hash)
}

func (d *Desk) cost() Cost {
	if d.Cost == (Cost{}) {
		return UsualCost
	}
	return d.Cost
}

// SignIn returns the user of an address and a password, or ErrSignIn. An address that
// nobody has, and one whose user has no password, cost as much as any other: a hash of
// a password that nobody knows is compared.
func (d *Desk) SignIn(ctx context.Context, email, password string) (*convened.User, error) {
	if len(password) > mostPassword || len(email) > mostPassword {
		return nil, ErrSignIn
	}
	u, hash, err := d.Store.UserByEmail(ctx, email)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	known := err == nil && hash != ""
	if !known {
		if hash, err = decoy(ctx, d.cost()); err != nil {
			return nil, err
		}
	}
	same, cost, err := checkHash(ctx, password, hash)
	if err != nil {
		return nil, fmt.Errorf("sign in: %w", err)
	}
	if !known || !same {
		return nil, ErrSignIn
	}
	if cost != d.cost() { // made when a guess was cheaper
		if hash, err := hashPassword(ctx, password, d.cost()); err == nil {
			_ = d.Store.Rehash(ctx, u.ID, hash) // else at the next time
		}
	}
	return u, nil
}

var decoys sync.Map // Cost → hash

// decoy is a hash of that cost that no password fits.
func decoy(ctx context.Context, c Cost) (string, error) {
	if h, ok := decoys.Load(c); ok {
		return h.(string), nil
	}
	h, err := hashPassword(ctx, rand.Text(), c)
	if err == nil {
		decoys.Store(c, h)
	}
	return h, err
}

// Open begins a session of a user and returns its token, which nobody else ever sees:
// the database has its SHA-256.
func (d *Desk) Open(ctx context.Context, now time.Time, u *convened.User) (string, error) {
	token := rand.Text()
	if err := d.Store.OpenSession(ctx, now, u.ID, digestOf(token)); err != nil {
		return "", err
	}
	return token, nil
}

// Session returns who is signed in with a token, or store.ErrNotFound.
func (d *Desk) Session(ctx context.Context, now time.Time, token string) (*convened.User, error) {
	return d.Store.Session(ctx, now, digestOf(token), SessionTerm)
}

// Close ends the session of a token, if there is one.
func (d *Desk) Close(ctx context.Context, token string) error {
	return d.Store.EndSession(ctx, digestOf(token))
}

func digestOf(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}
