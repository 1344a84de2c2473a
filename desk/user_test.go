package desk

import (
	"errors"
	"strings"
	"testing"
	"time"

	"convened"
	"convened/internal/lab/labtest"
	"convened/store"
)

// little is what a guess costs in these tests, and signedUp when they are.
var (
	little   = Cost{Memory: 64, Passes: 1, Threads: 1}
	signedUp = time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
)

func TestAHashNamesItsParametersAndFitsOnePassword(t *testing.T) {
	const password = "a horse eats no cucumber"
	hash, err := hashPassword(t.Context(), password, little)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=64,t=1,p=1$") || strings.Contains(hash, "horse") {
		t.Errorf("the hash is %s", hash)
	}
	if same, cost, err := checkHash(t.Context(), password, hash); !same || cost != little || err != nil {
		t.Errorf("the password: %t, %+v, %v", same, cost, err)
	}
	if same, _, err := checkHash(t.Context(), password+" ", hash); same || err != nil {
		t.Errorf("another password: %t, %v", same, err)
	}
	again, err := hashPassword(t.Context(), password, little)
	if err != nil || again == hash {
		t.Errorf("two hashes of one password are the same: there is no salt; %v", err)
	}
	for _, bad := range []string{"", "plain", "$2y$10$abcdefghijklmnopqrstuv", "$argon2id$v=19$m=64,t=0,p=1$c2FsdA$aGFzaA", "$argon2id$v=16$m=64,t=1,p=1$c2FsdA$aGFzaA", "$argon2id$v=19$m=64,t=1,p=1$c2FsdA$", "$argon2id$v=19$m=64,t=1,p=1$?$?"} {
		if same, _, err := checkHash(t.Context(), password, bad); same || err == nil {
			t.Errorf("the hash %q: %t, %v; want an error", bad, same, err)
		}
	}
}

// The published vector of the reference implementation (argon2id, v=19, m=65536, t=2,
// p=1, "password", "somesalt"), so that hashes can be checked by other programs.
func TestAHashIsThatOfTheReference(t *testing.T) {
	const hash = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	if same, cost, err := checkHash(t.Context(), "password", hash); !same || err != nil || cost != (Cost{65536, 2, 1}) {
		t.Errorf("the reference's hash: %t, %+v, %v", same, cost, err)
	}
}

func TestAPasswordIsLongAndAnythingElse(t *testing.T) {
	for _, good := range []string{"a horse eats no cucumber", "ааааааааааааа", "            x", strings.Repeat("x", 1024)} {
		if err := CheckPassword(good); err != nil {
			t.Errorf("%.20q: %v", good, err)
		}
	}
	for _, bad := range []string{"", "11 letters!", "ааааааааааа", strings.Repeat("x", 1025), "not UTF-8 at all \xff"} {
		if err := CheckPassword(bad); err == nil || len(bad) > 5 && strings.Contains(err.Error(), bad) {
			t.Errorf("%.20q: %v; want an error that does not repeat it", bad, err)
		}
	}
}

// newReception is a desk with three users: one with a password of today's cost, one with
// one of yesterday's, and one with none.
func newReception(t *testing.T) *Desk {
	t.Helper()
	s, err := store.Open(store.Options{URL: labtest.Database(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	d := &Desk{Store: s, Cost: Cost{Memory: 32, Passes: 1, Threads: 1}}
	for _, u := range []struct{ email, password string }{{"old@example.org", "yesterday's password"}, {"new@example.org", "today's password"}, {"none@example.org", ""}} {
		if _, err := d.AddUser(t.Context(), signedUp, convened.User{Email: u.email}, u.password); err != nil {
			t.Fatal(err)
		}
		d.Cost = little
	}
	return d
}

// To look for a user takes a moment, to try a password all the time: that whoever
// is not let in has tried one, of the same cost, is what makes the answers alike.
func TestAStrangerCostsAsMuchAsAUser(t *testing.T) {
	d := newReception(t)
	for _, email := range []string{"new@example.org", "none@example.org", "nobody@example.org"} {
		if _, err := d.SignIn(t.Context(), email, "not the password"); !errors.Is(err, ErrSignIn) {
			t.Errorf("%s: %v, want ErrSignIn", email, err)
		}
	}
	hash, err := decoy(t.Context(), little)
	if err != nil {
		t.Fatal(err)
	}
	if _, cost, err := checkHash(t.Context(), "not the password", hash); cost != little || err != nil {
		t.Errorf("what strangers are compared with costs %+v, %v; want %+v", cost, err, little)
	}
	// One that can't be read shows that it is read.
	d.Cost = Cost{Memory: 48, Passes: 1, Threads: 1}
	decoys.Store(d.Cost, "broken")
	for _, email := range []string{"none@example.org", "nobody@example.org"} {
		if _, err := d.SignIn(t.Context(), email, "not the password"); err == nil || errors.Is(err, ErrSignIn) {
			t.Errorf("%s: %v: nothing was compared", email, err)
		}
	}
}

func TestAHashOfYesterdaysCostIsMadeAnew(t *testing.T) {
	d := newReception(t)
	if _, err := d.SignIn(t.Context(), "old@example.org", "yesterday's password"); err != nil {
		t.Fatal(err)
	}
	_, hash, err := d.Store.UserByEmail(t.Context(), "old@example.org")
	if err != nil || !strings.HasPrefix(hash, "$argon2id$v=19$m=64,") {
		t.Errorf("the hash is %s, %v; want one of today's cost", hash, err)
	}
	if _, err := d.SignIn(t.Context(), "OLD@example.org", "yesterday's password"); err != nil {
		t.Errorf("the password does not fit any more: %v", err)
	}
}

func TestATokenIsNotInTheDatabase(t *testing.T) {
	d := newReception(t)
	u, _, err := d.Store.UserByEmail(t.Context(), "new@example.org")
	if err != nil {
		t.Fatal(err)
	}
	token, err := d.Open(t.Context(), signedUp, u)
	if err != nil {
		t.Fatal(err)
	}
	if len(token) < 26 {
		t.Errorf("the token %q has less than 128 bits", token)
	}
	if got, err := d.Session(t.Context(), signedUp, token); err != nil || got.ID != u.ID {
		t.Errorf("the token opens %+v, %v", got, err)
	}
	if err := d.Close(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Session(t.Context(), signedUp, token); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a closed session: %v, want ErrNotFound", err)
	}
}
