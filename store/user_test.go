package store

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"convened"
)

var ana = convened.Actor{Name: "ana@example.org", Via: convened.ByConsole, At: early}

func addUser(t *testing.T, s *Store, email string) convened.UserID {
	t.Helper()
	id, err := s.AddUser(t.Context(), early, convened.User{Email: email}, "$hash")
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestAUserIsFoundWhateverTheCase(t *testing.T) {
	s := open(t)
	addUser(t, s, "Ana@Example.org")
	if _, err := s.AddUser(t.Context(), early, convened.User{Email: "ana@example.org"}, ""); !errors.Is(err, ErrTaken) {
		t.Errorf("the same address again: %v, want ErrTaken", err)
	}
	u, hash, err := s.UserByEmail(t.Context(), "ANA@example.ORG")
	if err != nil || u.Email != "Ana@Example.org" || hash != "$hash" || !u.HasPassword {
		t.Errorf("the user is %+v with %q, %v", u, hash, err)
	}
	if _, _, err := s.UserByEmail(t.Context(), "bo@example.org"); !errors.Is(err, ErrNotFound) {
		t.Errorf("nobody: %v, want ErrNotFound", err)
	}
	if _, err := s.Grant(t.Context(), "bo@example.org", "w", convened.View); !errors.Is(err, ErrNoUser) {
		t.Errorf("a role for nobody: %v, want ErrNoUser", err)
	}
	if _, err := s.Grant(t.Context(), "ana@example.org", "no-such-event", convened.View); !errors.Is(err, ErrNotFound) || errors.Is(err, ErrNoUser) {
		t.Errorf("a role on nothing: %v, want ErrNotFound", err)
	}
}

func TestRolesFollowAnEventThatIsRenamed(t *testing.T) {
	s := open(t)
	apply(t, s, webinar("w"), early)
	addUser(t, s, "ana@example.org")
	for _, want := range []bool{true, false} {
		if changed, err := s.Grant(t.Context(), "ana@example.org", "w", convened.Edit); changed != want || err != nil {
			t.Errorf("granting: %t, %v; want %t", changed, err, want)
		}
	}
	if err := s.Note(As(t.Context(), ana), convened.Deed{What: convened.TestSent, Event: "w"}); err != nil {
		t.Fatal(err)
	}
	sqlExec(t, s, `UPDATE convened.events SET slug = 'renamed' WHERE slug = 'w'`)
	u, _, err := s.UserByEmail(t.Context(), "ana@example.org")
	if err != nil || u.RoleOn("renamed") != convened.Edit || u.RoleOn("w") != convened.NoRole {
		t.Errorf("the roles are %v, %v", u.Roles, err)
	}
	if deeds, err := s.Deeds(t.Context(), "renamed", 0, 10); err != nil || len(deeds) != 1 {
		t.Errorf("the trail of the renamed event is %v, %v", deeds, err)
	}
}

func TestASessionEndsByItselfAndWithThePassword(t *testing.T) {
	s := open(t)
	id := addUser(t, s, "ana@example.org")
	term := Term{Idle: time.Hour, Absolute: 3 * time.Hour}
	digest := func(n byte) []byte { return bytes.Repeat([]byte{n}, 32) }
	there := func(n byte, at time.Time) bool {
		t.Helper()
		u, err := s.Session(t.Context(), at, digest(n), term)
		if err != nil && !errors.Is(err, ErrNotFound) {
			t.Fatal(err)
		}
		return err == nil && u.ID == id
	}
	for n := range byte(3) {
		if err := s.OpenSession(t.Context(), early, id, digest(n)); err != nil {
			t.Fatal(err)
		}
	}
	if !there(0, early.Add(59*time.Minute)) || there(9, early) {
		t.Error("a session that was opened is not there, or one that was not is")
	}
	if there(1, early.Add(60*time.Minute)) {
		t.Error("a session is there after an idle hour")
	}
	for at := early.Add(100 * time.Minute); at.Before(early.Add(term.Absolute)); at = at.Add(40 * time.Minute) {
		if !there(0, at) {
			t.Errorf("a busy session is gone at %s", at)
		}
	}
	if there(0, early.Add(term.Absolute)) {
		t.Error("a busy session is there after its absolute end")
	}
	if err := s.SetPassword(t.Context(), "ana@example.org", "$other"); err != nil {
		t.Fatal(err)
	}
	if there(2, early.Add(time.Minute)) {
		t.Error("a session outlives the password")
	}
	if err := s.OpenSession(t.Context(), early, id, digest(7)); err != nil {
		t.Fatal(err)
	}
	if err := s.DropSessions(t.Context(), early.Add(time.Hour), term); err != nil {
		t.Fatal(err)
	}
	if n := sqlOne[int](t, s, `SELECT count(*) FROM convened.sessions`); n != 0 {
		t.Errorf("%d sessions are kept that have ended", n)
	}
	if err := s.RemoveUser(t.Context(), "ana@example.org"); err != nil {
		t.Fatal(err)
	}
}

// What is done is written down with it: neither is there without the other.
func TestADeedIsWrittenWithWhatItDoes(t *testing.T) {
	s := open(t)
	ctx := As(t.Context(), ana)
	if _, err := s.Apply(ctx, Edit{Event: webinar("w"), OverAt: starts, At: early}); err != nil {
		t.Fatal(err)
	}
	ids, err := s.AddRegistrations(ctx, []Entry{{Event: "w", Email: "bo@example.org", Name: "Bo Secret"}})
	if err != nil {
		t.Fatal(err)
	}
	sqlExec(t, s, `UPDATE convened.registrations SET seat = id, address = email, planned_at = now(), seated_at = now()`)
	for what, do := range map[string]func() (bool, error){
		convened.SeatMuted:   func() (bool, error) { return s.Mute(ctx, early, "w", ids[0]) },
		convened.SeatChosen:  func() (bool, error) { return s.Choose(ctx, "w", ids[0], "fr", "") },
		convened.SeatGivenUp: func() (bool, error) { return s.GiveUp(ctx, early, "w", ids[0]) },
	} {
		if done, err := do(); !done || err != nil {
			t.Fatalf("%s: %t, %v", what, done, err)
		}
	}
	if done, err := s.Mute(ctx, early, "w", ids[0]); done || err != nil {
		t.Fatalf("muting twice: %t, %v", done, err)
	}
	if _, err := s.Apply(ctx, Edit{Event: webinar("w"), OverAt: starts, At: early}); !errors.Is(err, convened.ErrEdited) {
		t.Fatalf("making it twice: %v", err)
	}
	deeds, err := s.Deeds(t.Context(), "w", 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, d := range deeds {
		count[d.What]++
		if d.By != ana.Name || d.Via != ana.Via || !d.At.Equal(ana.At) || d.What != convened.EventMade && d.Registration != ids[0] {
			t.Errorf("the deed is %+v", d)
		}
	}
	want := map[string]int{convened.EventMade: 1, convened.RegistrationsAdded: 1, convened.SeatMuted: 1, convened.SeatChosen: 1, convened.SeatGivenUp: 1}
	if fmt.Sprint(count) != fmt.Sprint(want) {
		t.Errorf("the trail is %v, want %v", count, want)
	}
	older, err := s.Deeds(t.Context(), "w", deeds[1].ID, 2)
	if err != nil || len(older) != 2 || older[0].ID != deeds[2].ID {
		t.Errorf("the next page is %+v, %v", older, err)
	}
	// Without anybody who acts nothing is written.
	if _, err := s.Unmute(t.Context(), early, "w", ids[0]); err != nil {
		t.Fatal(err)
	}
	if n := sqlOne[int](t, s, `SELECT count(*) FROM convened.trail`); n != len(deeds) {
		t.Errorf("the trail has %d entries, want %d: a registrant has acted", n, len(deeds))
	}
}

func TestErasureReachesTheTrail(t *testing.T) {
	s := open(t)
	apply(t, s, webinar("w"), early)
	register(t, s, "w", "bo@example.org", "cy@example.org")
	sqlExec(t, s, `UPDATE convened.registrations SET address = email`)
	for id := range 2 {
		if err := s.Note(As(t.Context(), ana), convened.Deed{What: convened.TestSent, Registration: convened.RegistrationID(id + 1), Detail: "something of somebody"}); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := s.Erase(As(t.Context(), ana), early, "", "bo@example.org", "bo@example.org"); n != 1 || err != nil {
		t.Fatalf("erased %d, %v", n, err)
	}
	if got := strings.Join(sqlAll(t, s, `SELECT what || '/' || event || '/' || registration || '/' || detail FROM convened.trail ORDER BY id`), "\n"); got != "test sent/w/1/\ntest sent/w/2/something of somebody\nperson erased/w/1/" {
		t.Errorf("the trail is\n%s", got)
	}
}

func TestTheDaemonsRoleCanAddToTheTrailAndNotChangeIt(t *testing.T) {
	s := open(t)
	apply(t, s, webinar("w"), early)
	if err := s.Note(As(t.Context(), ana), convened.Deed{What: convened.TestSent, Event: "w"}); err != nil {
		t.Fatal(err)
	}
	for query, allowed := range map[string]bool{
		`INSERT INTO convened.trail (at, made_by, via, what) VALUES (now(), 'x', 'console', 'y')`: true,
		`UPDATE convened.trail SET detail = ''`:                                                   true,
		`UPDATE convened.trail SET made_by = 'bo'`:                                                false,
		`UPDATE convened.trail SET at = now()`:                                                    false,
		`UPDATE convened.trail SET what = 'nought'`:                                               false,
		`DELETE FROM convened.trail`:                                                              false,
		`DELETE FROM convened.sessions`:                                                           true,
	} {
		tx, err := s.db.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = tx.ExecContext(t.Context(), `SET LOCAL ROLE convened`)
		if err == nil {
			_, err = tx.ExecContext(t.Context(), query)
		}
		if (err == nil) != allowed || err != nil && !forbidden(err) {
			t.Errorf("%s: %v, allowed should be %t", query, err, allowed)
		}
		if err := tx.Rollback(); err != nil {
			t.Fatal(err)
		}
	}
}
