package store

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"convened"
)

// A daemon dies with four letters in hand: one not marked, one marked, one with
// its dot, one with its reply.
func TestWhatADeadDaemonsJournalSaysIsSettledAtOnce(t *testing.T) {
	t.Parallel()
	for _, complete := range []bool{true, false} {
		s := crowd(t, 5)
		id, err := s.Register(t.Context(), Daemon{Name: "dies"})
		if err != nil {
			t.Fatal(err)
		}
		c := claim(t, s, early)
		mark(t, s, c[1:]...)
		l := Legacy{Daemon: id, Complete: complete,
			Dots:    map[convened.NoticeID]int{c[2].Notice.ID: 1, c[3].Notice.ID: 1, c[4].Notice.ID: 1, 4711: 1},
			Replies: []convened.Outcome{{Notice: c[3].Notice.ID, Attempt: 1, State: convened.Sent, Code: 250, Reply: "ok", At: early}, {Notice: c[4].Notice.ID, Attempt: 1, State: convened.Refused, Cause: convened.CauseAddress, Code: 550, At: early}}}
		other := openURL(t, s.direct)
		for i := range 2 {
			got, err := other.SettleDead(t.Context(), early, l)
			if err != nil {
				t.Fatal(err)
			}
			want := Inherited{Settled: 2, Doubtful: 1, Returned: 2}
			if !complete {
				want.Returned = 0
			}
			if i == 1 {
				want = Inherited{}
			}
			if got != want {
				t.Errorf("complete %v, time %d: %+v, want %+v", complete, i+1, got, want)
			}
		}
		want := map[bool]string{true: "planned planned unknown sent refused", false: "claimed claimed unknown sent refused"}[complete]
		got := ""
		for i := range c {
			if i > 0 {
				got += " "
			}
			got += sqlOne[string](t, s, `SELECT state FROM convened.notices WHERE id = $1`, c[i].Notice.ID)
		}
		if got != want {
			t.Errorf("complete %v: they are %s, want %s", complete, got, want)
		}
	}
}

// An old attempt's dot says nothing of a later one.
func TestADotOfAnEarlierAttemptProvesNothing(t *testing.T) {
	t.Parallel()
	s := crowd(t, 1)
	id, err := s.Register(t.Context(), Daemon{Name: "dies"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.GiveBack(t.Context(), claim(t, s, early)); err != nil {
		t.Fatal(err)
	}
	c := claim(t, s, early)
	mark(t, s, c...)
	got, err := s.SettleDead(t.Context(), early, Legacy{Daemon: id, Complete: true, Dots: map[convened.NoticeID]int{c[0].Notice.ID: 1}})
	if err != nil || got != (Inherited{Returned: 1}) {
		t.Errorf("settled %+v, %v; want it returned", got, err)
	}
}

func TestTheIdentityIsReadByTheDaemonsRole(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.db.SetMaxOpenConns(1)
	sqlExec(t, s, `SET ROLE convened`)
	system, database, err := s.Identity(t.Context())
	if err != nil || len(system) < 10 || database == "" {
		t.Errorf("it is %q, %q, %v", system, database, err)
	}
}

func TestWhatIsOverdueIsWhatOthersHaveOnTheWire(t *testing.T) {
	t.Parallel()
	s := crowd(t, 4)
	id, err := s.Register(t.Context(), Daemon{Name: "freezes"})
	if err != nil {
		t.Fatal(err)
	}
	c := claim(t, s, early)
	mark(t, s, c[1:]...)
	sqlExec(t, s, `UPDATE convened.notices SET lease_until = now() - interval '1 minute' WHERE id = ANY ($1::bigint[])`, array([]int64{int64(c[0].Notice.ID), int64(c[1].Notice.ID)}))
	sqlExec(t, s, `UPDATE convened.notices SET lease_until = now() + interval '1 second' WHERE id = $1`, int64(c[2].Notice.ID))
	got, err := openURL(t, s.direct).Overdue(t.Context())
	want := fmt.Sprint(map[int64][]Attempt{id: {{c[1].Notice.ID, 1}, {c[2].Notice.ID, 1}}})
	if err != nil || fmt.Sprint(got) != want {
		t.Errorf("it is %v, %v; want %s", got, err, want)
	}
	if got, err := s.Overdue(t.Context()); err != nil || len(got) != 0 {
		t.Errorf("of its own it knows %v, %v", got, err)
	}
}

// A letter whose reply is still listened for is neither in doubt nor anybody
// else's, however long ago its daemon died.
func TestALetterThatIsListenedForWaits(t *testing.T) {
	t.Parallel()
	s := crowd(t, 3)
	id, err := s.Register(t.Context(), Daemon{Name: "dies"})
	if err != nil {
		t.Fatal(err)
	}
	c := claim(t, s, early)
	mark(t, s, c...)
	other := openURL(t, s.direct)
	heard := map[convened.NoticeID]int{c[0].Notice.ID: 1, c[1].Notice.ID: 1, 4711: 1}
	dots := map[convened.NoticeID]int{c[0].Notice.ID: 1, c[1].Notice.ID: 1, c[2].Notice.ID: 1}
	sqlExec(t, s, `UPDATE convened.notices SET lease_until = now() - interval '1 minute'`)
	sqlExec(t, s, `UPDATE convened.notices SET attempt = 2 WHERE id = $1`, int64(c[1].Notice.ID)) // it went another way
	held, err := other.Listen(t.Context(), id, heard, time.Minute)
	if want := map[convened.NoticeID]bool{c[0].Notice.ID: true}; err != nil || !maps.Equal(held, want) {
		t.Errorf("held %v, %v; want %v", held, err, want)
	}
	got, err := other.SettleDead(t.Context(), early, Legacy{Daemon: id, Dots: dots, Heard: heard})
	if want := (Inherited{Doubtful: 1}); err != nil || got != want {
		t.Errorf("settled %+v, %v; want %+v", got, err, want)
	}
	if _, err := other.Recover(t.Context(), early, convened.UsualDoubt()); err != nil {
		t.Fatal(err)
	}
	if got := sqlOne[string](t, s, `SELECT state FROM convened.notices WHERE id = $1`, c[0].Notice.ID); got != "claimed" {
		t.Errorf("what is listened for is %s, want claimed", got)
	}
	answer := convened.Outcome{Notice: c[0].Notice.ID, Attempt: 1, State: convened.Planned, Cause: convened.CauseServer, Code: 451, At: early}
	got, err = other.SettleDead(t.Context(), early, Legacy{Daemon: id, Replies: []convened.Outcome{answer}})
	if want := (Inherited{Settled: 1}); err != nil || got != want {
		t.Errorf("the reply settled %+v, %v; want %+v", got, err, want)
	}
}
