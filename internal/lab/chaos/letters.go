//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-message/mail"

	"convened/internal/lab"
)

func letterScenarios() []*scenario {
	return []*scenario{
		{Row: 17, Name: "poison", People: 300, Quiet: true,
			Fault:    "letters whose composing panics, addresses that are none, names and addresses of 30 MB, an event with a description of 30 MB",
			Required: "only those are refused, after 3 tries or at once, and the event by the table; the daemon stays up, and below 128 MiB",
			Run:      poison},
		{Row: 25, Name: "registered twice", People: 500, Quiet: true,
			Fault:    "each person registers three times, in one statement, in two at once, and in capitals; some again after eleven minutes",
			Required: "one seat, one letter; after ten minutes the confirmation again",
			Run:      registeredTwice},
		{Row: 26, Name: "commits out of order", People: 400, Quiet: true,
			Fault:    "registrations are inserted in transactions that stay open for up to 4 s, beside others that commit at once",
			Required: "none is missed",
			Run:      outOfOrder},
		{Row: 27, Name: "the event moves mid-burst", People: 3000, Full: 10_000,
			Fault:    "at half of a burst the event moves by two hours; two daemons, one of them killed just then",
			Required: "no letter marked after the change carries the old time; all who were told it get an update with SEQUENCE + 1",
			Run:      movedMidBurst},
		{Row: 28, Name: "left or erased while claimed", People: 1500, Full: 6000,
			Fault:    "while the burst runs, people give up their seats, are erased, and mute their reminders",
			Required: "what was not marked is cancelled with the reason; nobody erased is written to after it",
			Run:      leftMidBurst},
	}
}

func poison(r *rig) {
	r.set("retry.first", "1s")
	r.stage(nil)
	if _, err := r.query(`UPDATE convened.events SET description = jsonb_build_object('en', repeat('All work and no play. ', 1400000))`); err == nil {
		r.fail("an event with a description of 30 MB is taken")
	}
	d := r.start(start{})
	const panics, long = 10, 5
	r.sql(fmt.Sprintf(`INSERT INTO convened.registrations (event, email, name) SELECT 'webinar', 'panic' || i || '@example.org', 'chaos-panic' FROM generate_series(1, %d) i`, panics))
	bad := []string{`E'a@b\r\n'`, `''`, `'no-at'`, `'a b@c'`, `'a@b@c'`, `'x@' || repeat('y', 300) || '.example'`, `repeat('z', 30000000) || '@example.org'`, `'<script>@example.org>'`, `E'two@example.org\nBcc: all@example.org'`}
	for _, address := range append(bad, `NULL`) { // which is the same seat as ''
		r.sql(`INSERT INTO convened.registrations (event, email, name) VALUES ('webinar', ` + address + `, E'Bad\r\nSubject: gotcha')`)
	}
	r.sql(fmt.Sprintf(`INSERT INTO convened.registrations (event, email, name) SELECT 'webinar', 'long' || i || '@example.org', repeat('Ana ', 7500000) FROM generate_series(1, %d) i`, long))
	r.register(r.people)
	r.mails(r.people+long, time.Minute)
	r.note("the %d sound ones came while the poison was tried, and %d whose names are 30 MB long", r.people, long)
	r.finish(time.Minute)
	if n := r.number(`SELECT count(*) FROM convened.notices n JOIN convened.registrations r ON r.id = n.registration WHERE r.name = 'chaos-panic' AND n.state = 'refused' AND n.attempt = 3`); n != panics {
		r.fail("%d of %d letters that panic are refused after 3 tries", n, panics)
	}
	r.refused = panics + len(bad)
	_, most := d.memory()
	r.note("memory at most %d MiB", most>>20)
	if most > 128<<20 && !r.lab.race {
		r.fail("it took %d MiB", most>>20)
	}
	if !d.alive() {
		r.fail("it died: %s", d.state)
	}
}

func registeredTwice(r *rig) {
	w := r.worldClock()
	r.stage(nil)
	r.start(start{})
	r.start(start{})
	half := r.people / 2
	r.sql(fmt.Sprintf(`INSERT INTO convened.registrations (event, email, name) SELECT 'webinar', 'p' || i || '@example.org', 'P' FROM generate_series(1, %d) i, generate_series(1, 3)`, half))
	var two sync.WaitGroup
	for k := range 3 {
		address := []string{`'p' || i || '@example.org'`, `'P' || i || '@EXAMPLE.org'`, `' p' || i || '@Example.Org '`}[k]
		two.Go(func() {
			if _, err := r.query(fmt.Sprintf(`INSERT INTO convened.registrations (event, email, name) SELECT 'webinar', %s, 'P' FROM generate_series(%d, %d) i`, address, half+1, r.people)); err != nil {
				r.fail("%v", err)
			}
		})
	}
	two.Wait()
	r.finish(time.Minute)
	if n := r.taken.count(); n != r.people {
		r.fail("%d letters to %d people who registered three times", n, r.people)
	}
	if seats := r.number(`SELECT count(*) FROM convened.registrations WHERE seat = id`); seats != r.people {
		r.fail("%d seats for %d people", seats, r.people)
	}
	w.shift(11 * time.Minute)
	const again = 50
	r.sql(fmt.Sprintf(`INSERT INTO convened.registrations (event, email, name) SELECT 'webinar', 'p' || i || '@example.org', 'P' FROM generate_series(1, %d) i, generate_series(1, 2)`, again))
	r.mails(r.people+again, 30*time.Second)
	r.finish(time.Minute)
	if n := r.taken.count() - r.people; n != again {
		r.fail("%d of %d who registered again after eleven minutes got the confirmation again", n, again)
	}
	r.note("%d registrations, %d seats; %d again after eleven minutes", r.number(`SELECT count(*) FROM convened.registrations`), r.people, again)
}

func outOfOrder(r *rig) {
	r.stage(nil)
	r.start(start{})
	r.start(start{})
	var forms sync.WaitGroup
	const slow = 20
	for i := range slow {
		wait := r.chance.Float64() * 4
		forms.Go(func() {
			_, err := r.query(fmt.Sprintf(`BEGIN; %s; SELECT pg_sleep(%f); COMMIT`, registering("webinar", fmt.Sprintf("slow%d-", i), "example.org", r.people/2/slow), wait))
			if err != nil {
				r.fail("%v", err)
			}
		})
	}
	for i := range 20 {
		r.registerAt("webinar", fmt.Sprintf("quick%d-", i), "example.org", r.people/2/20)
		r.sleep(150 * time.Millisecond)
	}
	forms.Wait()
	r.mails(r.people, time.Minute)
}

// told is what one letter said of the event.
type told struct{ sequence, start string }

// invitation reads SEQUENCE and DTSTART of a letter's invitation.
func invitation(raw []byte) (told, error) {
	var t told
	m, err := mail.CreateReader(bytes.NewReader(raw))
	if err != nil {
		return t, err
	}
	for {
		p, err := m.NextPart()
		if errors.Is(err, io.EOF) {
			return t, fmt.Errorf("a letter without an invitation")
		}
		if err != nil {
			return t, err
		}
		if !strings.HasPrefix(p.Header.Get("Content-Type"), "text/calendar") {
			continue
		}
		body, err := io.ReadAll(p.Body)
		if err != nil {
			return t, err
		}
		_, event, _ := strings.Cut(string(body), "BEGIN:VEVENT")
		for line := range strings.Lines(event) {
			line = strings.TrimSpace(line)
			if v, ok := strings.CutPrefix(line, "SEQUENCE:"); ok {
				t.sequence = v
			}
			if strings.HasPrefix(line, "DTSTART") {
				t.start = line[strings.LastIndexByte(line, ':')+1:]
			}
		}
		return t, nil
	}
}

func movedMidBurst(r *rig) {
	r.keep = true
	r.stageWithEvent()
	r.register(r.people)
	r.start(start{})
	b := r.start(start{})
	r.mails(r.people/2, time.Minute)
	moved := make(chan error, 1)
	old, now := time.Now().Add(240*time.Hour).Truncate(time.Hour), time.Now().Add(242*time.Hour).Truncate(time.Hour)
	go func() { moved <- r.applyAt("webinar", now, "Webinar", "") }()
	r.sleep(time.Duration(r.chance.Int64N(int64(100 * time.Millisecond))))
	b.kill()
	r.bound = connections
	r.must(<-moved)
	accepted := r.sql(`SELECT to_char(clock_timestamp(), 'YYYY-MM-DD HH24:MI:SS.US')`)
	r.start(start{})
	r.mails(r.people, time.Minute)
	r.finish(time.Minute)
	const layout = "20060102T150405Z"
	oldStart, newStart := old.UTC().Format(layout), now.UTC().Format(layout)
	// Whose letter was marked after the change was accepted.
	late := map[string]bool{}
	for _, id := range strings.Fields(r.sql(`SELECT id FROM convened.notices WHERE marked_at AT TIME ZONE 'UTC' > '` + accepted + `'`)) {
		late[id] = true
	}
	last := map[string]told{}
	copies := map[int64]int{}
	for _, l := range r.taken.all() {
		copies[l.notice]++
	}
	toldOld, wrong := 0, 0
	for _, l := range r.taken.all() {
		copies[l.notice]--
		t, err := invitation(l.raw)
		r.must(err)
		last[l.to] = t
		if t.start == oldStart && t.sequence == "0" {
			toldOld++
			// Of one that came twice the row knows the second mark alone.
			if late[fmt.Sprint(l.notice)] && copies[l.notice] == 0 {
				wrong++
			}
		} else if t.start != newStart || t.sequence != "1" {
			wrong++
		}
	}
	for to, t := range last {
		if t.start != newStart {
			r.fail("%s was told %s last", to, t.start)
			break
		}
	}
	if wrong > 0 {
		r.fail("%d letters carry what was not so when they were marked", wrong)
	}
	updates := r.number(`SELECT count(*) FROM convened.notices WHERE kind = 'update' AND state = 'sent'`)
	r.note("%d letters with the old time went out before the change, %d updates after it", toldOld, updates)
	if updates == 0 || updates == r.people {
		r.fail("%d updates: this shows nothing", updates)
	}
	// Whose confirmation went out again with the new time needs no update.
	r.dropped = r.number(`SELECT count(*) FROM convened.notices WHERE kind = 'update' AND state = 'cancelled' AND reason LIKE 'superseded%'`)
}

// stageWithEvent is stage with an event at a full hour.
func (r *rig) stageWithEvent() {
	r.stageWith(lab.SMTPOptions{Script: slowly(10 * time.Millisecond)})
	r.must(r.applyAt("webinar", time.Now().Add(240*time.Hour).Truncate(time.Hour), "Webinar", ""))
}

func leftMidBurst(r *rig) {
	r.stage(slowly(100 * time.Millisecond))
	r.dropped = -1
	r.register(r.people)
	r.start(start{})
	r.start(start{})
	r.mails(r.people/10, time.Minute)
	// Those who leave are everywhere in the queue, and the last in it come first: the burst
	// does not wait for them.
	gone := map[string]time.Time{}
	const leave = 40
	for i := range leave {
		address := fmt.Sprintf("p%d@example.org", (leave-i)*r.people/(leave+1))
		verb := "cancel"
		if i%2 == 1 {
			verb = "erase"
		}
		if _, err := r.convened("registration", verb, "webinar", address); err != nil {
			r.fail("%v", err)
			continue
		}
		if verb == "erase" {
			gone[address] = time.Now()
		}
	}
	r.finish(2 * time.Minute)
	after := 0
	for _, l := range r.taken.all() {
		if when, ok := gone[l.to]; ok && l.at.After(when) && l.kind != "cancellation" {
			after++
		}
	}
	reasons := r.sql(`SELECT reason, count(*) FROM convened.notices WHERE state = 'cancelled' GROUP BY 1 ORDER BY 1`)
	r.note("cancelled: %s", strings.ReplaceAll(strings.ReplaceAll(reasons, "\t", " "), "\n", ", "))
	// A letter that was marked before may be on the wire: one a connection.
	if after > 2*connections {
		r.fail("%d letters went to people who had been erased", after)
	}
	if strings.TrimSpace(reasons) == "" {
		r.fail("nothing was cancelled: this shows nothing")
	}
	if n := r.number(`SELECT count(*) FROM convened.registrations WHERE erased_at IS NOT NULL AND (email IS NOT NULL OR address IS NOT NULL)`); n > 0 {
		r.fail("%d who were erased are still there", n)
	}
}
