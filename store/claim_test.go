package store

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"convened"
)

// crowd applies an event with n people whose confirmations are due.
func crowd(t *testing.T, n int) *Store {
	t.Helper()
	s := open(t)
	apply(t, s, webinar("w"), early)
	sqlExec(t, s, `INSERT INTO convened.registrations (event, email) SELECT 'w', 'p' || i || '@example.org' FROM generate_series(1, $1::int) i`, n)
	planAll(t, s, early)
	return s
}

func TestClaimSkipsRowsAnotherHandHolds(t *testing.T) {
	t.Parallel()
	s := crowd(t, 500)
	var mu sync.Mutex
	seen := map[convened.NoticeID]int{}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				list, err := s.Claim(t.Context(), early, 7, time.Minute)
				if err != nil {
					t.Error(err)
					return
				}
				if len(list) == 0 {
					return
				}
				mu.Lock()
				for _, c := range list {
					seen[c.Notice.ID]++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(seen) != 500 {
		t.Errorf("%d notices were claimed, want 500", len(seen))
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("notice %d was claimed %d times", id, n)
		}
	}
}

func TestConfirmationsOvertakeReminders(t *testing.T) {
	t.Parallel()
	s := crowd(t, 1)
	sqlExec(t, s, `INSERT INTO convened.notices (registration, event, kind, occasion, priority, instant, due_at, planned_at)
		SELECT id, 'w', 'reminder', 'r' || i, 2, $1, $1, $1 FROM convened.registrations, generate_series(1, 10) i`, early.Add(-time.Hour))
	list, err := s.Claim(t.Context(), early, 3, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 3 || list[0].Notice.Kind != convened.Confirmation {
		t.Errorf("claimed %d, the first a %s; want 3, the confirmation first though it is due last", len(list), list[0].Notice.Kind)
	}
}

func TestNothingIsClaimedBeforeItIsDue(t *testing.T) {
	t.Parallel()
	s := crowd(t, 1)
	if list := claim(t, s, early.Add(-time.Second)); len(list) != 0 {
		t.Errorf("%d claims a second early", len(list))
	}
}

func TestSentIsTakenFromAnyAttemptAndNothingElseIs(t *testing.T) {
	t.Parallel()
	s := crowd(t, 2)
	first := claim(t, s, early)
	// The leases end while the first hand sleeps, and a second one takes over.
	sqlExec(t, s, `UPDATE convened.notices SET lease_until = now() - interval '1 second'`)
	if _, err := s.Recover(t.Context(), early, convened.Doubt{}); err != nil {
		t.Fatal(err)
	}
	second := claim(t, s, early)
	if len(second) != 2 || second[0].Notice.Attempt != 2 {
		t.Fatalf("the second hand has %d claims", len(second))
	}
	if mark(t, s, first...) != 0 {
		t.Error("a hand that slept past its lease could mark")
	}
	if settle(t, s, first[0], convened.Refused, early) {
		t.Error("a refusal was taken from an attempt that is over")
	}
	if !settle(t, s, first[1], convened.Sent, early) {
		t.Error("evidence of a delivery was not taken from an earlier attempt")
	}
	for _, c := range second {
		want := c.Notice.ID != first[1].Notice.ID
		if got := mark(t, s, c) == 1; got != want {
			t.Errorf("mark of notice %d by the second hand: %v, want %v", c.Notice.ID, got, want)
		}
	}
	if settle(t, s, first[1], convened.Sent, early) {
		t.Error("a delivery was recorded twice")
	}
}

func TestAMarkFailsOnceTheLetterIsNotTrueAnyMore(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]string{
		"edited":    `UPDATE convened.events SET revision = revision + 1`,
		"withdrawn": `UPDATE convened.registrations SET cancelled_at = now(), sequence = sequence + 1`,
		"erased":    `UPDATE convened.registrations SET erased_at = now()`,
		"expired":   `UPDATE convened.notices SET lease_until = now() - interval '1 second'`,
		"muted":     `UPDATE convened.registrations SET muted_at = now(); UPDATE convened.notices SET kind = 'reminder'`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := crowd(t, 1)
			claims := claim(t, s, early)
			sqlExec(t, s, change)
			if n := mark(t, s, claims...); n != 0 {
				t.Errorf("marked %d after: %s", n, change)
			}
			if err := s.GiveBack(t.Context(), claims); err != nil {
				t.Fatal(err)
			}
			if state := sqlOne[string](t, s, `SELECT state FROM convened.notices`); state != "planned" {
				t.Errorf("given back, it is %s", state)
			}
		})
	}
}

func TestWhatWasNotMarkedGoesBackAndWhatWasIsInDoubt(t *testing.T) {
	t.Parallel()
	s := crowd(t, 2)
	claims := claim(t, s, early)
	mark(t, s, claims[0])
	sqlExec(t, s, `UPDATE convened.notices SET lease_until = now() - interval '1 second'`)
	got, err := s.Recover(t.Context(), early, convened.Doubt{convened.Confirmation: 1})
	if err != nil {
		t.Fatal(err)
	}
	if want := (convened.Recovered{GivenBack: 1, Doubtful: 1, Retried: 1}); got != want {
		t.Errorf("recovered %+v, want %+v", got, want)
	}
	// One further try is allowed; after a second doubt it is held.
	claims = claim(t, s, early)
	if len(claims) != 2 || claims[0].Notice.MessageID == claims[1].Notice.MessageID {
		t.Fatalf("claimed %d; the letter in doubt must keep its Message-ID", len(claims))
	}
	mark(t, s, claims...)
	sqlExec(t, s, `UPDATE convened.notices SET lease_until = now() - interval '1 second'`)
	got, err = s.Recover(t.Context(), early, convened.Doubt{convened.Confirmation: 1})
	if err != nil {
		t.Fatal(err)
	}
	if want := (convened.Recovered{Doubtful: 2, Retried: 1, Held: 1}); got != want {
		t.Errorf("recovered %+v, want %+v", got, want)
	}
}

func TestTheClaimsOfADeadDaemonGoBackAtOnce(t *testing.T) {
	t.Parallel()
	s := crowd(t, 3)
	if _, err := s.Register(t.Context(), Daemon{Name: "dies"}); err != nil {
		t.Fatal(err)
	}
	claims := claim(t, s, early)
	mark(t, s, claims[0])
	// It never held its lock, which is what a dead daemon looks like.
	other := openURL(t, s.direct)
	if _, err := other.Register(t.Context(), Daemon{Name: "lives"}); err != nil {
		t.Fatal(err)
	}
	got, err := other.Recover(t.Context(), early, convened.Doubt{convened.Confirmation: 1})
	if err != nil {
		t.Fatal(err)
	}
	if want := (convened.Recovered{GivenBack: 2}); got != want {
		t.Errorf("recovered %+v, want %+v: what was marked waits for its lease", got, want)
	}
}

func TestTheClaimsOfALivingDaemonStayWithIt(t *testing.T) {
	t.Parallel()
	s := crowd(t, 3)
	if _, err := s.Register(t.Context(), Daemon{Name: "lives"}); err != nil {
		t.Fatal(err)
	}
	woken := make(chan struct{}, 100)
	go s.Attend(t.Context(), func() { woken <- struct{}{} })
	<-woken // the lock is held before the first wake
	claim(t, s, early)
	other := openURL(t, s.direct)
	if _, err := other.Register(t.Context(), Daemon{Name: "other"}); err != nil {
		t.Fatal(err)
	}
	got, err := other.Recover(t.Context(), early, convened.Doubt{convened.Confirmation: 1})
	if err != nil {
		t.Fatal(err)
	}
	if got != (convened.Recovered{}) {
		t.Errorf("recovered %+v from a daemon that lives", got)
	}
	// An insert is a hint, one for each statement.
	register(t, s, "w", "new@example.org")
	<-woken
}

func TestAnAddressThatWasRefusedIsMarked(t *testing.T) {
	t.Parallel()
	s := crowd(t, 1)
	c := claim(t, s, early)[0]
	mark(t, s, c)
	if _, err := s.Settle(t.Context(), []convened.Settlement{{Outcome: convened.Outcome{Notice: c.Notice.ID, Attempt: c.Notice.Attempt, State: convened.Refused, Cause: convened.CauseAddress,
		Code: 550, Enhanced: "5.1.1", Reply: "550 5.1.1 no such user\x00\xff", At: early}}}); err != nil {
		t.Fatal(err)
	}
	if n := sqlOne[int](t, s, `SELECT count(*) FROM convened.registrations WHERE refused_at IS NOT NULL`); n != 1 {
		t.Error("the address is not marked")
	}
	if got, want := sqlOne[string](t, s, `SELECT reply FROM convened.attempts`), "550 5.1.1 no such user\uFFFD\uFFFD"; got != want {
		t.Errorf("the server's words are %q, want %q", got, want)
	}
}

func TestTheClaimReadsItsIndex(t *testing.T) {
	t.Parallel()
	s := crowd(t, 1)
	sqlExec(t, s, `INSERT INTO convened.notices (registration, event, kind, occasion, state, priority, instant, due_at, planned_at, sent_at)
		SELECT id, 'w', 'reminder', 'r' || i, 'sent', 2, $1, $1, $1, $1 FROM convened.registrations, generate_series(1, 50000) i`, early)
	sqlExec(t, s, `ANALYZE convened.notices`)
	plan := fmt.Sprint(sqlAll(t, s, `EXPLAIN `+stmt("claim"), early, 100, 0, 60000))
	if !strings.Contains(plan, "notices_due") || strings.Contains(plan, "Seq Scan on notices") {
		t.Errorf("the claim does not lean on notices_due:\n%s", plan)
	}
}

// What was sent in ten years costs a scrape nothing.
func TestTheQueueIsCountedWithoutThePast(t *testing.T) {
	t.Parallel()
	s := crowd(t, 1)
	sqlExec(t, s, `INSERT INTO convened.notices (registration, event, kind, occasion, state, priority, instant, due_at, planned_at, sent_at)
		SELECT id, 'w', 'reminder', 'r' || i, 'sent', 2, $1, $1, $1, $1 FROM convened.registrations, generate_series(1, 50000) i`, early)
	sqlExec(t, s, `ANALYZE convened.notices`)
	plan := fmt.Sprint(sqlAll(t, s, `EXPLAIN `+stmt("queue")))
	if strings.Contains(plan, "Seq Scan on notices") {
		t.Errorf("the queue is counted over everything that ever was:\n%s", plan)
	}
	if b, err := s.Backlog(t.Context()); err != nil || len(b.Queue) != 1 || b.Queue[0].State != convened.Planned || b.Queue[0].Notices != 1 || b.Waiting != 0 {
		t.Errorf("the backlog is %+v, %v; want the one confirmation that is planned", b, err)
	}
}

// A form takes what it is given: a name of 30 MB must not cost the daemon that
// much, for each letter of a batch.
func TestOfWhatAFormWroteNoMoreIsReadThanALetterCanUse(t *testing.T) {
	t.Parallel()
	s := open(t)
	apply(t, s, webinar("w"), early)
	sqlExec(t, s, `INSERT INTO convened.registrations (event, email, name, language, zone)
		VALUES ('w', 'a@example.org', repeat('é', 200000), repeat('l', 200000), repeat('z', 200000)), ('w', repeat('x', 200000) || '@example.org', 'Bo', NULL, NULL)`)
	list, err := s.Newcomers(t.Context())
	if err != nil || len(list) != 2 {
		t.Fatalf("%d newcomers, %v", len(list), err)
	}
	if n := len(list[1].Email); n != 1000 {
		t.Errorf("%d bytes of an address were read", n)
	}
	planAll(t, s, early)
	for _, c := range claim(t, s, early) {
		if r := c.Registration; len([]rune(r.Name)) > 1000 || len(r.Email) > 1000 || len(r.Language) > 100 || len(r.Zone) > 100 {
			t.Errorf("%d, %d, %d and %d bytes of name, address, language and zone were read", len(r.Name), len(r.Email), len(r.Language), len(r.Zone))
		}
	}
}

// The reply to the commit of a claim can be lost. Then the rows are claimed, and
// nobody knows; they don't wait for their lease.
func TestAClaimThatNobodyKnowsOfIsGivenBackByTheNext(t *testing.T) {
	t.Parallel()
	s := open(t)
	apply(t, s, webinar("w"), early)
	register(t, s, "w", "ana@example.org", "ben@example.org", "cleo@example.org")
	planAll(t, s, early)
	if _, err := s.Register(t.Context(), Daemon{Name: "a"}); err != nil {
		t.Fatal(err)
	}
	lost, err := s.Claim(t.Context(), early, 2, time.Minute)
	if err != nil || len(lost) != 2 {
		t.Fatalf("%d claims, %v", len(lost), err)
	}
	other := openURL(t, s.direct)
	if _, err := other.Register(t.Context(), Daemon{Name: "b"}); err != nil {
		t.Fatal(err)
	}
	theirs := claim(t, other, early)
	if len(theirs) != 1 {
		t.Fatalf("the other has %d claims", len(theirs))
	}
	for _, c := range append(slices.Clone(lost), theirs...) { // what this one tried to claim, and the other got, is not its own
		s.unsure = append(s.unsure, Attempt{c.Notice.ID, c.Notice.Attempt})
	}
	again := claim(t, s, early)
	if len(again) != 2 || again[0].Notice.Attempt != 2 || again[1].Notice.Attempt != 2 {
		t.Errorf("%d claims are made again: %+v", len(again), again)
	}
	if mark(t, other, theirs...) != 1 {
		t.Error("the other's claim was taken from it")
	}
	if again := claim(t, s, early); len(again) != 0 {
		t.Errorf("what is known to be claimed is claimed %d times more", len(again))
	}
}
