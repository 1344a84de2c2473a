package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"convened/internal/lab"
)

// invitations reads what each person was told, in the order of arrival: the
// SEQUENCE and the start of every invitation.
func (s *site) invitations() map[string][]string {
	s.t.Helper()
	told := map[string][]string{}
	for _, m := range s.smtp.Messages() {
		p, err := readLetter(m.Raw)
		if err != nil {
			s.t.Fatal(err)
		}
		var sequence, start string
		for _, l := range strings.Split(string(p.calendar), "\r\n") {
			if v, ok := strings.CutPrefix(l, "SEQUENCE:"); ok {
				sequence = v
			}
			if v, ok := strings.CutPrefix(l, "DTSTART"); ok && start == "" {
				start = v[strings.LastIndexByte(v, ':')+1:]
			}
		}
		told[m.To[0]] = append(told[m.To[0]], fmt.Sprintf("%s %s %s", p.kind, sequence, start))
	}
	return told
}

// heldAfter has a server take n letters and keep the others waiting at their dots until
// they are released, however quick the burst is and slow what comes amid it.
func heldAfter(n int64) (script lab.Script, release func()) {
	var taken atomic.Int64
	released := make(chan struct{})
	return func(step lab.Step) lab.Reaction {
		if step.Phase == lab.AtDot && taken.Add(1) > n {
			<-released
		}
		return lab.Reaction{}
	}, sync.OnceFunc(func() { close(released) })
}

// An event moves in the middle of a burst: what is not marked yet carries the
// new time, and exactly those who were told the old one get an update.
func TestAMoveMidBurstLeavesNobodyWithTheOldTime(t *testing.T) {
	t.Parallel()
	const n = 2000
	script, release := heldAfter(n / 2)
	s := newSiteWith(t, lab.SMTPOptions{Script: script}, "batch: 10\n")
	event := func(hour int) string {
		file := filepath.Join(t.TempDir(), "webinar.yaml")
		if err := os.WriteFile(file, fmt.Appendf(nil, "event: webinar\ntitle: Webinar\nstarts: 2036-11-25 %d:00\nends: 2036-11-25 %d:00\nzone: UTC\norganizer: {name: M, email: events@example.org}\n", hour, hour+1), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	s.must("event", "apply", event(15))
	s.burst(n)
	s.daemon()
	s.daemon()
	t.Cleanup(release) // before the daemons are stopped, who wait for their servers
	s.wait(n/2, time.Minute)
	s.must("event", "apply", event(17), "--yes")
	release()
	s.eachPersonHasALetter(n, time.Minute)
	s.settled()
	twice := 0
	for to, letters := range s.invitations() {
		got := strings.Join(letters, ", ")
		switch got {
		case "confirmation 1 20361125T170000Z":
		case "confirmation 0 20361125T150000Z, update 1 20361125T170000Z":
			twice++
		default:
			t.Errorf("%s was told %s", to, got)
		}
	}
	if twice == 0 || twice == n {
		t.Errorf("%d of %d were told twice: this test shows nothing", twice, n)
	}
	t.Logf("%d of %d had been told the old time", twice, n)
}

// An event is called off in the middle of a burst: exactly those who were told
// of it are told that it is off, and nobody hears of it for the first time.
func TestACancellationMidBurstReachesExactlyThoseWhoWereTold(t *testing.T) {
	t.Parallel()
	const n = 2000
	script, release := heldAfter(n / 4)
	s := newSiteWith(t, lab.SMTPOptions{Script: script}, "batch: 20\n")
	s.apply("webinar", 240*time.Hour, "")
	s.burst(n)
	s.daemon()
	t.Cleanup(release)
	s.wait(n/4, time.Minute)
	s.must("event", "cancel", "webinar", "--yes")
	release()
	s.settled()
	told := s.invitations()
	for to, letters := range told {
		if len(letters) != 2 || !strings.HasPrefix(letters[0], "confirmation 0 ") || !strings.HasPrefix(letters[1], "cancellation 1 ") {
			t.Errorf("%s was told %q", to, letters)
		}
	}
	if len(told) == 0 || len(told) == n {
		t.Errorf("%d of %d were told: this test shows nothing", len(told), n)
	}
	if why := s.sql(`SELECT DISTINCT reason FROM convened.notices WHERE state = 'cancelled'`); why != "the event is off" {
		t.Errorf("the others' confirmations were dropped because %q", why)
	}
}

// Several edits of title and place are one correction, after the quiet time,
// to those who were told; it shows old and new.
func TestEditsOfTitleAndPlaceBecomeOneCorrection(t *testing.T) {
	t.Parallel()
	s := newSite(t, "update_quiet: 10s\n")
	file := filepath.Join(t.TempDir(), "webinar.yaml")
	apply := func(title, place string) {
		t.Helper()
		if err := os.WriteFile(file, fmt.Appendf(nil, "event: webinar\ntitle: %s\nlocation: %s\nstarts: 2036-11-25 15:00\nends: 2036-11-25 16:00\nzone: UTC\norganizer: {name: M, email: events@example.org}\n", title, place), 0o600); err != nil {
			t.Fatal(err)
		}
		s.must("event", "apply", file, "--yes")
	}
	apply("First title", "Room A")
	s.daemon()
	s.must("registration", "add", "webinar", "ana@example.org")
	s.wait(1, 30*time.Second)
	s.settled()
	apply("Second title", "Room A")
	apply("Third title", "Room B")
	s.must("registration", "add", "webinar", "bo@example.org")
	s.wait(3, 30*time.Second)
	s.settled()
	var update string
	kinds := map[string]int{}
	for _, m := range s.smtp.Messages() {
		p, err := readLetter(m.Raw)
		if err != nil {
			t.Fatal(err)
		}
		kinds[p.kind+" to "+m.To[0]]++
		if p.kind == "update" {
			update = p.subject + "\n" + string(p.text)
		}
	}
	if want := map[string]int{"confirmation to ana@example.org": 1, "confirmation to bo@example.org": 1, "update to ana@example.org": 1}; fmt.Sprint(kinds) != fmt.Sprint(want) {
		t.Errorf("the letters are %v, want %v", kinds, want)
	}
	for _, want := range []string{"First title", "Third title", "Room A", "Room B"} {
		if !strings.Contains(update, want) {
			t.Errorf("the update does not mention %s:\n%s", want, update)
		}
	}
	if strings.Contains(update, "Second title") {
		t.Errorf("the update mentions what nobody was told:\n%s", update)
	}
}

// A reminder that went out for the old start goes out again for the new one.
func TestAReminderGoesOutAgainForTheNewStart(t *testing.T) {
	t.Parallel()
	s := newSite(t, "poll_interval: 1s\n")
	reminders := "reminders:\n  - {name: soon, before: 1h, late: skip}\n"
	clock := &shiftedClock{}
	s.apply("webinar", time.Hour+30*time.Second, reminders)
	s.daemonAt(clock.Now)
	s.must("registration", "add", "webinar", "ana@example.org")
	s.wait(1, 30*time.Second)
	s.settled()
	clock.shift(35 * time.Second)
	s.wait(2, 30*time.Second)
	s.settled()
	s.apply("webinar", time.Hour+50*time.Second, reminders)
	s.wait(3, 30*time.Second)
	clock.shift(55 * time.Second)
	s.wait(4, 30*time.Second)
	s.settled()
	if got, want := strings.Join(s.received(), ", "), "confirmation to ana@example.org, reminder to ana@example.org, update to ana@example.org, reminder to ana@example.org"; got != want {
		t.Errorf("the letters are %s, want %s", got, want)
	}
}
