//go:build linux

package main

import (
	"fmt"
	"strings"
	"sync"
	"syscall"
	"time"

	"convened/internal/lab"
)

// slowly has the server think for a while before each reply to a dot, so that a
// fault finds letters on the wire, and between dot and reply above all.
func slowly(d time.Duration) lab.Script {
	return lab.At(lab.AtDot, lab.Reaction{Delay: d, Accept: true})
}

// points are those of cmd/convened/tamper.go and, as "after-dot", the one that
// only the server knows: it has the letter, and has not said so.
var points = []struct {
	name, what string
	dotted     bool // a letter may have been handed over and not be settled
}{
	{"after-plan", "newcomers are planned, nothing is claimed", false},
	{"after-claim", "claimed, nothing else done", false},
	{"before-mark", "composed, not marked", false},
	{"after-mark", "the mark is committed, nothing sent", false},
	{"before-dot", "the letter is written but for its dot", false},
	{"noted-dot", "the journal has the dot, the wire has not", false},
	{"after-dot", "the server has the letter, its reply is not out", true},
	{"after-reply", "the 250 is read, and nothing written down", true},
	{"noted-reply", "the journal has the reply, the database has not", true},
	{"before-settle", "outcomes are collected, not committed", true},
	{"after-settle", "outcomes are committed, and still in the journal", true},
}

func killScenarios() []*scenario {
	list := []*scenario{
		{Row: 1, Part: "a", Name: "kill -9 at random instants", People: 3000, Full: 30_000, Limit: 10 * time.Minute,
			Fault:    "two daemons, killed and started again at random instants while mail goes out: 12 kills, 100 in the full run",
			Required: "twice at most one letter for each connection of who was killed; what a dead daemon held is free within 5 s",
			Run:      func(r *rig) { killAtRandom(r, start{}) }},
		{Row: 1, Part: "b", Name: "kill -9, connections kept", People: 3000, Full: 60_000, Limit: 10 * time.Minute,
			Fault:    "the same, each under a service manager that keeps the connections to the relay: 12 kills, 200 in the full run",
			Required: "no letter twice; what a dead daemon held is free 5 s after its unit was killed last",
			Run:      func(r *rig) { killAtRandom(r, start{kept: true}) },
			Missing:  "systemd itself: the harness plays its part, by the messages of sd_notify and sd_listen_fds"},
		{Row: 1, Part: "c", Name: "kill -9 at each point, kept", People: 1500, Full: 12_000, Limit: 10 * time.Minute,
			Fault:    "one daemon under such a manager kills itself now here, now there: at each of the points of row 2, by chance under load",
			Required: "no letter twice",
			Run:      killAtEachPointKept},
		{Row: 1, Part: "d", Name: "kill -9 in a burst", People: 120_000, Full: 400_000, Limit: 10 * time.Minute,
			Fault:    "one daemon, and later two, while a reminder leaves that is due for everybody: killed at random instants, and by themselves when a step is looked at, composed and marked",
			Required: "twice at most one letter for each connection of who was killed",
			Run:      killInABurst},
	}
	for i, p := range points {
		list = append(list, &scenario{Row: 2, Part: string(rune('a' + i)), Name: "kill -9 " + strings.ReplaceAll(p.name, "-", " "), People: 400, Full: 4000,
			Fault:    "the daemon kills itself when " + p.what + ": first each time it gets there, then by chance under load",
			Required: map[bool]string{false: "no letter twice as long as each start dies at this point; then at most one a connection", true: "twice at most one letter for each connection and kill"}[p.dotted],
			Run:      func(r *rig) { killAt(r, p.name, p.dotted) }})
	}
	return append(list,
		&scenario{Row: 18, Part: "a", Name: "frozen past the lease", People: 1500, Full: 12_000,
			Fault:    "three daemons; again and again one is stopped for longer than its lease (SIGSTOP) and goes on",
			Required: "no letter twice: the pause is shorter than what a mark covers",
			Run:      frozenPastTheLease},
		&scenario{Row: 18, Part: "b", Name: "one frozen, one killed", People: 1500, Full: 12_000,
			Fault:    "three daemons; one is frozen until all is over and then wakes up, one is killed for good",
			Required: "who wakes up sends nothing again: twice at most one letter for each connection of the two",
			Run:      oneFrozenOneKilled},
		&scenario{Row: 18, Part: "c", Name: "frozen before the dot", People: 120, Quiet: true,
			Fault:    "a daemon is frozen while all its letters are between MAIL and the dot, another sends them, and it wakes up",
			Required: "no letter twice: the dialogue is older than its lease",
			Run:      frozenBeforeTheDot},
		&scenario{Row: 23, Name: "four daemons", People: 4000, Full: 30_000,
			Fault:    "four daemons begin at the same moment",
			Required: "each registration exactly one letter; each daemon sends its share",
			Run:      fourDaemons},
		&scenario{Row: 29, Name: "SIGTERM under load", People: 2500, Full: 12_000,
			Fault:    "the daemon is told to stop, 20 times under load, and started again",
			Required: "it ends within 60 s and with 0, leaves nothing claimed or unknown, and no letter comes twice",
			Run:      stopUnderLoad},
		&scenario{Row: 30, Part: "a", Name: "out of memory", People: 600, Full: 4000,
			Fault:    "the daemon takes memory until the kernel or the runtime puts an end to it, and is started again",
			Required: "as for a kill",
			Run:      outOfMemory},
		&scenario{Row: 30, Part: "b", Name: "panic in a goroutine", People: 600, Full: 4000,
			Fault:    "the loop, the settler or a hand panics, and the daemon is started again",
			Required: "as for a kill",
			Run:      panicking},
		&scenario{Row: 30, Part: "c", Name: "the loop hangs", People: 600, Full: 4000,
			Fault:    "the loop hangs for ever; whoever plays systemd sends SIGABRT when the watchdog starves, and starts it again",
			Required: "the watchdog notices within its time and some; then as for a kill",
			Run:      hanging,
			Missing:  "systemd itself; the harness plays its part, by the messages of sd_notify"},
	)
}

func killAtRandom(r *rig, s start) {
	kills := 12
	if r.lab.full {
		kills = 100
		if s.kept {
			kills = 200
		}
	}
	r.stage(slowly(15 * time.Millisecond))
	r.register(r.people)
	c := r.crew(2, s)
	var watching sync.WaitGroup
	var mu sync.Mutex
	var slowest time.Duration
	var killed [2]time.Time
	for k := range kills {
		r.mails(min(r.people*(k+1)/(kills+2), r.people-1), time.Minute)
		r.sleep(time.Duration(r.chance.Int64N(int64(60 * time.Millisecond))))
		victim := c.member(k % 2)
		victim.kill()
		died := time.Now()
		mu.Lock()
		killed[k%2] = died
		mu.Unlock()
		watching.Go(func() {
			// A daemon's row bears its process id.
			q := fmt.Sprintf(`SELECT count(*) FROM convened.notices n JOIN convened.daemons d ON d.id = n.claimed_by WHERE n.state = 'claimed' AND d.pid = %d`, victim.pid())
			for time.Since(died) < 30*time.Second && r.ctx.Err() == nil {
				if out, err := r.query(q); err == nil && out == "0" {
					break
				}
				time.Sleep(50 * time.Millisecond)
			}
			mu.Lock()
			defer mu.Unlock()
			if s.kept {
				// It is the next process that hears the replies, unless it was killed too.
				died = killed[k%2]
			}
			slowest = max(slowest, time.Since(died))
		})
	}
	watching.Wait()
	if !s.kept {
		r.bound = kills * connections
	}
	r.note("%d kills; what the dead held was free after %.1f s at most", kills, slowest.Seconds())
	if slowest > 5*time.Second {
		r.fail("what a dead daemon held was not free after 5 s but after %s", slowest.Round(100*time.Millisecond))
	}
}

// killInABurst kills while letters are composed before their rows are there. That is the
// way of one daemon, so the second comes when half of the kills are over: from then on
// they lose steps to each other. Each that is started plans some thousands before it
// finds that the wire is quick, so there are many people and not too many deaths.
func killInABurst(r *rig) {
	kills := 8
	if r.lab.full {
		kills = 40
	}
	r.set("batch", "20") // of which the wire is soon in want, so that they grow
	r.stage(nil)
	r.seats("big", 90*time.Minute, r.people)
	deadly := start{env: []string{"CONVENED_CHAOS=kill@after-claim:0.01 kill@before-mark:0.01 kill@after-mark:0.01"}}
	crews := []*crew{r.crew(1, deadly)}
	ahead := 0
	for k := range kills {
		if k == kills/2 {
			crews = append(crews, r.crew(1, deadly))
		}
		r.mails(r.people*(k+1)/(kills+2), 3*time.Minute)
		r.sleep(time.Duration(r.chance.Int64N(int64(20 * time.Millisecond))))
		crews[k%len(crews)].member(0).kill()
		ahead = max(ahead, r.number(`SELECT upto_seat - done_seat - (SELECT count(*) FROM convened.notices WHERE state = 'planned') FROM convened.reminder_occasions`))
	}
	r.until(5*time.Minute, "all are planned", func() bool {
		return r.number(`SELECT count(*) FROM convened.reminder_occasions WHERE planned_at IS NOT NULL`) > 0
	})
	died := 0
	for _, c := range crews {
		died += c.killed()
	}
	r.bound = (kills + died) * connections
	r.note("%d kills, and %d deaths of themselves; up to %d people had no row yet while letters left", kills, died, ahead)
	if ahead < r.people/4 {
		r.fail("all rows were there before the letters left: this shows nothing")
	}
	for _, c := range crews {
		c.change(start{})
		c.member(0).kill()
		r.bound += connections
	}
}

// killAtEachPointKept goes through the points of a letter's way, each by chance,
// until each has been the end of some processes.
func killAtEachPointKept(r *rig) {
	deaths := 2
	if r.lab.full {
		deaths = 15
	}
	r.set("batch", "20")
	r.stage(slowly(10 * time.Millisecond))
	c := r.crew(1, start{kept: true})
	for _, p := range points {
		chance := 0.7
		switch p.name {
		case "before-dot", "noted-dot", "after-reply", "noted-reply":
			chance = 0.1 // once a letter, not once a batch
		case "after-plan", "after-dot":
			continue // the first sends nothing; where the server has the letter and has not said so, row 1b kills
		}
		r.register(r.people / (len(points) - 2))
		c.change(start{kept: true, env: []string{fmt.Sprintf("CONVENED_CHAOS=kill@%s:%g", p.name, chance)}})
		c.member(0).kill() // a random instant more
		before := c.killed()
		r.until(time.Minute, fmt.Sprintf("%d deaths at %s", deaths, p.name), func() bool { return c.killed() >= before+deaths || r.unfinished() == "" })
		if c.killed() == before {
			r.fail("it never died at %s", p.name)
		}
	}
	r.note("died %d times of itself", c.killed())
	c.change(start{kept: true})
	c.member(0).kill()
}

// killAt kills at one point: at first as soon as it is reached, so that nothing
// else is on the way, then by chance in the middle of everything.
func killAt(r *rig, point string, dotted bool) {
	early, late, chance := 4, 6, 0.2
	switch {
	case r.lab.full:
		early, late = 10, 30
	case r.lab.small:
		early, late = 2, 2
	}
	switch point {
	case "before-dot", "noted-dot", "after-dot", "after-reply", "noted-reply":
		chance = 0.02 // once a letter, not once a batch
	case "after-plan":
		late = 0 // there is one plan for all
	}
	r.set("batch", "20") // so that each point is come to often
	r.stage(slowly(10 * time.Millisecond))
	r.register(r.people)
	if point == "after-dot" {
		killAfterTheDot(r, early+late)
		return
	}
	c := r.crew(1, start{env: []string{fmt.Sprintf("CONVENED_CHAOS=kill@%s:1", point)}})
	died := func(n int) {
		r.until(time.Minute, fmt.Sprintf("%d deaths at %s", n, point), func() bool {
			if point == "after-plan" && c.killed() > 0 && c.killed() < n {
				_, _ = r.query(registering("webinar", "q", "example.org", 1)) // each start must find one to plan
			}
			return c.killed() >= n
		})
	}
	died(early)
	if dotted {
		r.bound = early * connections
	} else if n := r.taken.count(); n > 0 {
		r.fail("%d letters came, though each start died before its first dot", n)
	}
	if late > 0 {
		c.change(start{env: []string{fmt.Sprintf("CONVENED_CHAOS=kill@%s:%g", point, chance)}})
		c.member(0).kill() // whoever was started with certain death
		before := c.killed()
		for deadline := time.Now().Add(time.Minute); c.killed() < before+late && time.Now().Before(deadline) && r.unfinished() != ""; {
			r.sleep(50 * time.Millisecond)
		}
		r.bound += (c.killed() - before + 1) * connections
	}
	r.note("died %d times at this point", c.killed())
	c.change(start{})
	c.member(0).kill()
}

// killAfterTheDot has the server kill the daemon when it has the letter and has
// not said so.
func killAfterTheDot(r *rig, kills int) {
	c := r.crew(1, start{})
	done := 0
	var mu sync.Mutex
	r.taken.setHook(func(letter) {
		mu.Lock()
		defer mu.Unlock()
		if done < kills && r.taken.count() > (done+1)*r.people/(kills+2) {
			done++
			d := c.member(0)
			d.send(syscall.SIGKILL)
			d.wait(10 * time.Second)
		}
	})
	r.until(time.Minute, fmt.Sprintf("%d kills", kills), func() bool { mu.Lock(); defer mu.Unlock(); return done >= kills })
	r.bound = kills * connections
	r.note("killed %d times at this point", kills)
}

func frozenPastTheLease(r *rig) {
	stops := 3
	if r.lab.full {
		stops = 12
	}
	r.set("retry.first", "2s") // who wakes up in the middle of a dialogue tries again
	r.set("lease", "5s")
	r.set("smtp.dot_timeout", "30s")
	r.stage(slowly(20 * time.Millisecond))
	var all []*daemon
	for range 3 {
		all = append(all, r.start(start{}))
	}
	for i := range stops {
		r.register(r.people / stops)
		r.mails(r.people/stops*i+r.people/stops/3, time.Minute)
		d := all[i%3]
		d.send(syscall.SIGSTOP)
		held := r.number(fmt.Sprintf(`SELECT count(*) FROM convened.notices n JOIN convened.daemons d ON d.id = n.claimed_by WHERE n.state = 'claimed' AND d.pid = %d`, d.pid()))
		r.note("stop %d for 7 s, with %d letters in hand", i+1, held)
		r.sleep(7 * time.Second)
		d.send(syscall.SIGCONT)
	}
	r.finish(2 * time.Minute)
}

func oneFrozenOneKilled(r *rig) {
	r.set("lease", "5s")
	r.set("smtp.dot_timeout", "5s")
	r.stage(slowly(20 * time.Millisecond))
	r.register(r.people)
	a, b, c := r.start(start{}), r.start(start{}), r.start(start{})
	r.mails(r.people/3, time.Minute)
	a.send(syscall.SIGSTOP)
	r.mails(r.people/2, time.Minute)
	b.kill()
	frozen := time.Now()
	r.finish(2 * time.Minute)
	r.note("all was over %.0f s after the second was killed, the third daemon alone", time.Since(frozen).Seconds())
	before := r.taken.count()
	a.send(syscall.SIGCONT)
	r.sleep(6 * time.Second)
	if n := r.taken.count() - before; n > 0 {
		r.note("%d letters that were on the wire came when the frozen one woke up", n)
	}
	if !c.alive() || !a.alive() {
		r.fail("a daemon died that nobody killed")
	}
	r.bound = 2 * connections
}

func frozenBeforeTheDot(r *rig) {
	r.set("lease", "5s")
	r.set("smtp.dot_timeout", "5s")
	// The reply to DATA takes a second: that is where the letters are.
	r.stage(lab.At(lab.AtData, lab.Reaction{Delay: time.Second}))
	r.register(r.people)
	a := r.start(start{})
	r.mails(8, time.Minute)
	r.sleep(500 * time.Millisecond)
	a.send(syscall.SIGSTOP)
	r.start(start{})
	r.finish(2 * time.Minute)
	a.send(syscall.SIGCONT)
	r.sleep(3 * time.Second)
}

func fourDaemons(r *rig) {
	r.stage(slowly(15 * time.Millisecond))
	r.register(r.people)
	for range 4 {
		r.start(start{})
	}
	r.finish(3 * time.Minute)
	shares := r.sql(`SELECT daemon, count(*) FROM convened.attempts GROUP BY 1 ORDER BY 1`)
	r.note("letters by daemon: %s", strings.Join(column(shares, 1), ", "))
	if n := len(column(shares, 0)); n != 4 {
		r.fail("%d daemons took part", n)
	}
	if least := r.number(`SELECT min(k) FROM (SELECT count(*) AS k FROM convened.attempts GROUP BY daemon) t`); least < r.people/16 {
		r.fail("one daemon sent %d of %d letters: that is no fair share", least, r.people)
	}
}

// column returns one column of what a query printed.
func column(out string, i int) []string {
	var list []string
	for line := range strings.Lines(out) {
		if f := strings.Split(strings.TrimRight(line, "\n"), "\t"); i < len(f) {
			list = append(list, f[i])
		}
	}
	return list
}

func stopUnderLoad(r *rig) {
	stops := 20
	if r.lab.small {
		stops = 4
	}
	r.stage(slowly(20 * time.Millisecond))
	r.register(r.people)
	var slowest time.Duration
	for i := range stops {
		d := r.start(start{})
		r.mails(min(r.people*(i+1)/(stops+1), r.people-1), time.Minute)
		took, err := d.stop(60 * time.Second)
		if err != nil {
			r.fail("stop %d: %v", i+1, err)
		}
		slowest = max(slowest, took)
		if left := r.number(`SELECT count(*) FROM convened.notices WHERE state IN ('claimed', 'unknown')`); left != 0 {
			r.fail("after stop %d there are %d claimed or unknown", i+1, left)
		}
	}
	r.note("%d stops, the slowest took %.1f s", stops, slowest.Seconds())
	r.start(start{})
}

// deaths plays deaths of one kind in the middle of a burst.
func deaths(r *rig, mishap string, n int) {
	r.set("smtp.dot_timeout", "2s")
	r.stage(slowly(10 * time.Millisecond))
	r.register(r.people)
	c := r.crew(1, start{env: []string{"CONVENED_CHAOS=" + mishap}})
	for deadline := time.Now().Add(2 * time.Minute); c.killed() < n && r.unfinished() != "" && time.Now().Before(deadline); {
		r.sleep(50 * time.Millisecond)
	}
	if c.killed() == 0 {
		r.fail("%s: it never happened", mishap)
	}
	r.note("%s: died %d times", mishap, c.killed())
	r.bound = (c.killed() + 1) * connections
	c.change(start{})
	c.member(0).kill()
}

// panicking panics in the loop and in the settler, which is the end of the
// process, and in the hands, which is the end of one letter's attempt.
func panicking(r *rig) {
	deaths(r, "panic@after-claim:0.1 panic@before-settle:0.03 panic@before-dot:0.01", 6)
}
