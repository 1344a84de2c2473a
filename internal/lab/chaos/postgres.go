//go:build linux

package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"convened/internal/lab"
)

func postgresScenarios() []*scenario {
	return []*scenario{
		{Row: 3, Part: "a", Name: "Postgres crashes", People: 10_000, Full: 12_000,
			Fault:    "Postgres is killed (immediate shutdown) and started again three times, under two daemons at work",
			Required: "outcomes are kept in memory and written when it is back: no letter twice; mail flows within 5 s",
			Run:      postgresCrashes},
		{Row: 3, Part: "b", Name: "Postgres and daemons crash", People: 10_000, Full: 12_000,
			Fault:    "the same, and a daemon is killed while the database is down",
			Required: "twice at most one letter for each connection of who was killed",
			Run:      postgresAndDaemonsCrash},
		{Row: 4, Part: "a", Name: "sessions are terminated", People: 3000, Full: 12_000,
			Fault:    "pg_terminate_backend for every session, twice a second, while mail goes out",
			Required: "no letter twice; afterwards no more goroutines or files than before",
			Run:      sessionsTerminated},
		{Row: 4, Part: "b", Name: "the network is cut", People: 3000, Full: 12_000,
			Fault:    "every connection to Postgres is reset, and new ones are refused for two seconds; five times",
			Required: "no letter twice; mail flows again 2 s after the network is back",
			Run:      networkCut},
		{Row: 4, Part: "c", Name: "half-open connections", People: 1200, Full: 4000, Limit: 8 * time.Minute,
			Fault:    "every connection to Postgres goes silent without being closed, while mail goes out and while the daemon is idle",
			Required: "no letter twice; it dials anew by itself",
			Run:      halfOpen},
		{Row: 5, Name: "the reply to COMMIT is lost", People: 1500, Full: 12_000,
			Fault:    "one COMMIT in ten is carried out, and its connection dies before the reply",
			Required: "no letter twice: a mark that may not be committed is not sent on, a settlement is written again, a claim does not wait for its lease",
			Run:      commitsLost},
		{Row: 6, Part: "a", Name: "failover, synchronous", People: 3000, Full: 12_000,
			Fault:    "under load the primary is killed and its synchronous standby promoted; the URL names both hosts",
			Required: "no letter twice; the daemons find the new primary by themselves",
			Run:      failoverSynchronous},
		{Row: 6, Part: "b", Name: "failover, the tail is lost", People: 2500, Full: 12_000,
			Fault:    "the standby has been cut off for a while when the primary dies, and is promoted without the last commits",
			Required: "twice at most what was marked in the lost while: documented",
			Run:      failoverWithLoss},
		{Row: 7, Part: "a", Name: "tables are locked", People: 600, Full: 4000,
			Fault:    "somebody locks the notices for 8 s in an open transaction, twice, while mail goes out",
			Required: "waits are bounded, registrations are taken, it goes on by itself; no letter twice",
			Run:      tablesLocked},
		{Row: 7, Part: "b", Name: "Postgres is slow", People: 400, Full: 2000,
			Fault:    "each update of notices takes 300 ms longer, then 6 s, and the server takes 2 s for each letter",
			Required: "no transaction is open while a letter is on the wire; no letter twice",
			Run:      postgresSlow},
		{Row: 7, Part: "c", Name: "one event's row is held", People: 1500, Full: 6000,
			Fault:    "somebody edits one event in psql and does not commit for 20 s; registrations come for it and for another",
			Required: "the other event's mail goes out meanwhile; it is said that somebody holds a row; no letter twice",
			Run:      oneEventHeld},
		{Row: 8, Name: "the database's disk is full", People: 2500, Full: 12_000,
			Fault:    "the file system of Postgres is filled to the last byte under load, and freed; three times",
			Required: "no claims meanwhile; it resumes alone; no letter twice",
			Run:      diskFull},
		{Row: 9, Part: "a", Name: "deadlocks, serializable", People: 2500, Full: 12_000,
			Fault:    "the default is serializable, and others lock the same rows in another order, again and again",
			Required: "retried, with bounds; no letter twice",
			Run:      deadlocks},
		{Row: 9, Part: "b", Name: "read-only", People: 3000, Full: 6000,
			Fault:    "for 5 s the connection leads to a standby, which is read-only, and then to the primary again",
			Required: "no crash; it says so in its status, and goes on by itself",
			Run:      readOnly},
		{Row: 9, Part: "c", Name: "read-only by default", People: 1500, Full: 6000,
			Fault:    "somebody sets default_transaction_read_only for the database, ends all sessions, and takes it back 6 s later",
			Required: "nothing is sent meanwhile, status and convened status say why, it goes on by itself",
			Run:      readOnlyByDefault},
		{Row: 10, Name: "no database, wrong password or schema", People: 200, Quiet: true,
			Fault:    "a start before Postgres, with a wrong password, without a schema, with a newer and an older one",
			Required: "down or a wrong password: ready, with a status, and it waits; a schema that does not fit: exit 2",
			Run:      wrongDatabase},
		{Part: "pgb", Name: "PgBouncer", People: 2500, Full: 12_000,
			Fault:    "PgBouncer in transaction mode between daemon and Postgres, killed and started again under load",
			Required: "no letter twice",
			Run:      behindPgBouncer},
	}
}

// flows returns how long it takes from now until another letter comes.
func (r *rig) flows(limit time.Duration) time.Duration {
	before, began := r.taken.count(), time.Now()
	r.until(limit, "another letter", func() bool { return r.taken.count() > before })
	return time.Since(began)
}

func postgresCrashes(r *rig) {
	r.onServer(lab.PostgresOptions{})
	r.stage(slowly(20 * time.Millisecond))
	r.register(r.people)
	r.start(start{})
	r.start(start{})
	crashes := 3
	if r.lab.full {
		crashes = 10
	}
	for i := range crashes {
		r.mails(r.people*(i+1)/(crashes+2), time.Minute)
		r.must(r.pg.Crash())
		r.sleep(time.Second)
		r.must(r.pg.Restart())
		took := r.flows(20 * time.Second)
		r.note("crash %d: mail flowed %.1f s after Postgres was back", i+1, took.Seconds())
		if took > 5*time.Second {
			r.fail("mail flowed only %s after Postgres was back", took.Round(100*time.Millisecond))
		}
	}
}

func postgresAndDaemonsCrash(r *rig) {
	r.onServer(lab.PostgresOptions{})
	r.stage(slowly(20 * time.Millisecond))
	r.register(r.people)
	c := r.crew(2, start{})
	crashes := 4
	if r.lab.full {
		crashes = 15
	}
	for i := range crashes {
		r.mails(r.people*(i+1)/(crashes+2), time.Minute)
		if i%2 == 0 {
			r.must(r.pg.Crash())
			r.sleep(time.Duration(r.chance.Int64N(int64(time.Second))))
			c.member(i % 2).kill()
		} else {
			c.member(i % 2).kill()
			r.sleep(time.Duration(r.chance.Int64N(int64(300 * time.Millisecond))))
			r.must(r.pg.Crash())
		}
		r.sleep(500 * time.Millisecond)
		r.must(r.pg.Restart())
	}
	r.bound = crashes * connections
	r.note("%d crashes of Postgres, %d of daemons", crashes, crashes)
	r.finish(2 * time.Minute)
}

func sessionsTerminated(r *rig) {
	r.stage(slowly(30 * time.Millisecond))
	d := r.start(start{})
	r.register(1)
	r.mails(1, time.Minute)
	r.finish(time.Minute)
	r.sleep(time.Second)
	files := d.files()
	r.register(r.people)
	killed := 0
	for r.taken.count() < r.people && killed < 100_000 {
		killed += r.number(`SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'convened'`)
		r.sleep(500 * time.Millisecond)
		if killed == 0 && r.taken.count() >= r.people {
			r.fail("nothing was killed")
		}
	}
	r.finish(time.Minute)
	r.sleep(3 * time.Second)
	r.leaks(d, files)
	r.note("%d sessions were terminated", killed)
}

// leaks compares a daemon that is idle again with another that is new.
func (r *rig) leaks(d *daemon, files int) {
	fresh := r.start(start{})
	r.until(20*time.Second, "a new daemon runs", func() bool { return strings.Contains(fresh.said(), "msg=running") })
	r.sleep(2 * time.Second)
	now := d.files()
	old, err := d.goroutines()
	r.must(err)
	young, err := fresh.goroutines()
	r.must(err)
	r.note("files %d before and %d after, goroutines %d where a new daemon has %d", files, now, old, young)
	// A connection each way that is idle, and the goroutines of its pool, are no leak.
	if now > files+2*connections+10 || old > young+2*connections+10 {
		r.fail("it leaks: files %d before and %d after, goroutines %d where a new daemon has %d", files, now, old, young)
	}
}

// behind puts a proxy between the daemons and Postgres.
func (r *rig) behind() *proxy {
	port := r.number(`SHOW port`)
	p, err := newProxy(fmt.Sprintf("127.0.0.1:%d", port))
	r.must(err)
	r.cleanups = append(r.cleanups, p.close)
	r.dbURL = r.tcp(p.port())
	r.configure()
	return p
}

func networkCut(r *rig) {
	r.stage(slowly(30 * time.Millisecond))
	p := r.behind()
	d := r.start(start{})
	r.register(1)
	r.mails(1, time.Minute)
	r.finish(time.Minute)
	files := d.files()
	r.register(r.people)
	const cuts = 5
	var slowest time.Duration
	for i := range cuts {
		r.mails(r.people*(i+1)/(cuts+2), time.Minute)
		p.refuse()
		p.cut()
		r.sleep(2 * time.Second)
		r.must(p.resume())
		slowest = max(slowest, r.flows(20*time.Second))
	}
	r.note("%d cuts of 2 s; mail flowed %.1f s after the network was back at most", cuts, slowest.Seconds())
	if slowest > 2500*time.Millisecond { // a look each second, and the batch
		r.fail("mail flowed only %s after the network was back", slowest.Round(100*time.Millisecond))
	}
	r.finish(time.Minute)
	r.sleep(2 * time.Second)
	r.leaks(d, files)
}

func halfOpen(r *rig) {
	r.stage(slowly(30 * time.Millisecond))
	p := r.behind()
	d := r.start(start{})
	r.register(1)
	r.mails(1, time.Minute)
	r.finish(time.Minute)
	files := d.files()
	r.register(r.people)
	r.mails(r.people/3, time.Minute)
	p.freeze()
	frozen := time.Now()
	// What is in hand goes out all the same: two batches.
	r.mails(r.taken.count()+250, 2*time.Minute)
	took := time.Since(frozen)
	r.note("silent in the middle of a burst: mail flowed again after %.1f s", took.Seconds())
	r.mails(r.people, 3*time.Minute)
	r.finish(time.Minute)
	p.freeze()
	r.register(1)
	idle := r.flows(2 * time.Minute)
	r.note("silent while idle: a registration was answered after %.1f s", idle.Seconds())
	for _, took := range []time.Duration{took, idle} {
		if took > 45*time.Second {
			r.fail("half-open connections held it up for %s", took.Round(time.Second))
		}
	}
	r.finish(time.Minute)
	r.leaks(d, files)
}

func commitsLost(r *rig) {
	r.stage(slowly(10 * time.Millisecond))
	p := r.behind()
	r.start(start{})
	r.start(start{})
	p.commitLoss.Store(100)
	r.register(r.people)
	r.mails(r.people*9/10, 4*time.Minute)
	for p.lost.Load() < 10 { // or it would show nothing
		before := r.taken.count()
		r.register(1)
		r.until(time.Minute, "another letter", func() bool { return r.taken.count() > before })
	}
	p.commitLoss.Store(0)
	// What was claimed without a reply does not wait for its lease of a minute.
	r.finish(30 * time.Second)
	r.note("%d COMMITs lost their reply", p.lost.Load())
}

// tablesLocked lets somebody sit on the table in psql.
func tablesLocked(r *rig) {
	r.stage(slowly(20 * time.Millisecond))
	r.start(start{})
	r.register(r.people / 2)
	for i := range 2 {
		r.mails(r.people*(i+1)/6, time.Minute)
		locked := make(chan error, 1)
		go func() {
			_, err := r.query(`BEGIN; LOCK TABLE convened.notices IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(8); COMMIT`)
			locked <- err
		}()
		r.until(5*time.Second, "somebody holds the table", func() bool {
			return r.sql(`SELECT count(*) > 0 FROM pg_locks WHERE relation = 'convened.notices'::regclass AND mode = 'AccessExclusiveLock' AND granted`) == "t"
		})
		began := time.Now()
		r.registerAt("webinar", fmt.Sprintf("while%d-", i), "example.org", r.people/4)
		if took := time.Since(began); took > 2*time.Second {
			r.fail("a registration waited %s for the daemon", took)
		}
		r.must(<-locked)
		r.note("lock %d: mail flowed %.1f s after it was gone", i+1, r.flows(30*time.Second).Seconds())
	}
}

// oneEventHeld lets somebody sit on one event's row, with mail for it that is due
// and registrations that come.
func oneEventHeld(r *rig) {
	const held = 20 * time.Second
	r.set("retry.first", "2s")
	// The first letters of the event that will be held come due again while it is.
	r.stage(lab.For(lab.ToDomain("held.example"), lab.Until(1, lab.At(lab.AtRcpt, lab.Answer(451, "4.2.0", "Later")))))
	r.apply("held", 240*time.Hour, "")
	m := r.manager()
	r.start(start{env: m.env(0)})
	n := r.people / 10
	r.registerAt("held", "a", "held.example", n)
	r.until(time.Minute, "each was put off once", func() bool {
		return r.number(`SELECT count(*) FROM convened.notices WHERE event = 'held' AND failures = 1`) == n
	})
	got := make(chan error, 1)
	go func() {
		_, err := r.query(fmt.Sprintf(`BEGIN; UPDATE convened.events SET page_url = page_url WHERE slug = 'held'; SELECT pg_sleep(%g); ROLLBACK`, held.Seconds()))
		got <- err
	}()
	r.until(5*time.Second, "somebody holds the row", func() bool {
		return r.sql(`SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_sleep(%' AND wait_event = 'PgSleep'`) == "t"
	})
	began := time.Now()
	r.registerAt("held", "b", "example.org", n)
	r.register(r.people - 2*n)
	others := func() int {
		return r.number(`SELECT count(*) FROM convened.notices WHERE event = 'webinar' AND state = 'sent'`)
	}
	r.until(held, "the other event's letters", func() bool { return others() == r.people-2*n })
	r.note("the other event's %d letters went out within %.1f s", r.people-2*n, time.Since(began).Seconds())
	said := ""
	r.until(held-time.Since(began), "a status that says that somebody holds rows", func() bool {
		said, _ = m.last()
		return strings.Contains(said, "somebody")
	})
	r.note("its status: %q", said)
	r.must(<-got)
	r.note("the held event's mail flowed %.1f s after the row was free", r.flows(20*time.Second).Seconds())
}

func postgresSlow(r *rig) {
	r.stage(slowly(2 * time.Second))
	r.sql(`CREATE FUNCTION convened.dawdle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.3); RETURN NULL; END $$;
		CREATE TRIGGER dawdle BEFORE UPDATE ON convened.notices FOR EACH STATEMENT EXECUTE FUNCTION convened.dawdle()`)
	r.set("smtp.connections", "50")
	r.configure()
	r.start(start{})
	r.register(r.people)
	r.mails(r.people/4, time.Minute)
	// Whoever talks to the mail server has no transaction open: letters take 2 s.
	var longest float64
	look := func(d time.Duration) {
		for began := time.Now(); time.Since(began) < d; r.sleep(100 * time.Millisecond) {
			out := r.sql(`SELECT coalesce(max(extract(epoch FROM clock_timestamp() - state_change)), 0) FROM pg_stat_activity
				WHERE datname = current_database() AND application_name = 'convened' AND state LIKE 'idle in transaction%'`)
			var s float64
			_, err := fmt.Sscan(out, &s)
			r.must(err)
			longest = max(longest, s)
		}
	}
	look(3 * time.Second)
	r.sql(`CREATE OR REPLACE FUNCTION convened.dawdle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(6); RETURN NULL; END $$`)
	look(9 * time.Second)
	r.sql(`DROP TRIGGER dawdle ON convened.notices`)
	r.finish(2 * time.Minute)
	r.note("the longest that a session was idle in a transaction: %.2f s, where a letter takes 2 s", longest)
	if longest > 1.5 {
		r.fail("a transaction was open across SMTP for %.1f s", longest)
	}
}

func diskFull(r *rig) {
	mount := filepath.Join(r.dir, "disk")
	r.must(os.MkdirAll(mount, 0o755))
	if err := syscall.Mount("tmpfs", mount, "tmpfs", 0, "size=400m,mode=0755"); err != nil {
		r.notShown("a small file system for Postgres has to be mounted, which wants root: %v", err)
	}
	r.afterwards = append(r.afterwards, func() error { return syscall.Unmount(mount, 0) })
	r.onServer(lab.PostgresOptions{Dir: filepath.Join(mount, "pg"), Settings: map[string]string{"max_wal_size": "64MB", "min_wal_size": "32MB"}})
	r.stage(slowly(20 * time.Millisecond))
	managers := []*manager{r.manager(), r.manager()}
	for _, m := range managers {
		r.start(start{env: m.env(0)})
	}
	const rounds = 3
	ballast := filepath.Join(mount, "ballast")
	hit := 0
	for i := range rounds {
		r.registerAt("webinar", fmt.Sprintf("round%d-", i), "example.org", r.people/rounds)
		r.mails(r.people*i/rounds+r.people/rounds/3, time.Minute)
		r.must(fill(ballast))
		// Something that needs room at once, or the fault would hit nobody.
		_, err := r.query(`CREATE TABLE public.needs_room AS SELECT g, repeat('x', 500) AS t FROM generate_series(1, 200000) g`)
		if err == nil {
			r.fail("the disk was not full")
		}
		r.sleep(4 * time.Second)
		during := r.taken.count()
		r.sleep(time.Second)
		// Whoever has nothing left to write meets no full disk, and is right to say nothing.
		left := r.unfinished()
		var statuses []string
		for _, m := range managers {
			status, _ := m.last()
			statuses = append(statuses, status)
		}
		r.note("round %d: %d letters in the last of 5 s with a full disk; left to do: %q; their status: %q", i+1, r.taken.count()-during, left, statuses)
		if left != "" {
			hit++
			if !slices.ContainsFunc(statuses, func(s string) bool { return strings.Contains(s, "full") || strings.Contains(s, "reached") }) {
				r.fail("with a full disk their status is %q", statuses)
			}
		}
		r.must(os.Remove(ballast))
		// A server that panicked for want of log space starts again by itself,
		// or its service manager starts it.
		if _, err := r.query(`SELECT 1`); err != nil {
			r.sleep(2 * time.Second)
			if _, err := r.query(`SELECT 1`); err != nil {
				r.note("round %d: Postgres had given up and was started again", i+1)
				r.must(r.pg.Restart())
			}
		}
		_, _ = r.query(`DROP TABLE IF EXISTS public.needs_room`)
		r.mails(r.people*i/rounds+r.people/rounds, time.Minute)
		r.finish(time.Minute)
	}
	if hit == 0 {
		r.fail("the fault hit nobody")
	}
}

// fill writes a file until its file system has no room left.
func fill(file string) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer f.Close()
	for size := 1 << 20; size >= 512; size /= 2 {
		for b := make([]byte, size); ; {
			if _, err := f.Write(b); err != nil {
				break
			}
		}
	}
	return nil
}

func deadlocks(r *rig) {
	r.stage(slowly(10 * time.Millisecond))
	r.sql(`ALTER DATABASE ` + r.database + ` SET default_transaction_isolation = 'serializable'; ALTER DATABASE ` + r.database + ` SET deadlock_timeout = '50ms'`)
	r.start(start{})
	r.start(start{})
	r.register(r.people)
	ctx, cancel := context.WithCancel(r.ctx)
	done := make(chan int, 2)
	for i := range 2 {
		go func() {
			n := 0
			for ; ctx.Err() == nil; n++ {
				order := []string{"ASC", "DESC"}[(i+n)%2]
				_, _ = r.query(`SET deadlock_timeout = '50ms'; SET application_name = 'other'; BEGIN; DO $$ DECLARE k bigint; BEGIN
					FOR k IN SELECT id FROM convened.notices WHERE state IN ('claimed', 'planned') ORDER BY id ` + order + ` LIMIT 40 LOOP
						UPDATE convened.notices SET reason = reason WHERE id = k; PERFORM pg_sleep(0.002);
					END LOOP; END $$; ROLLBACK`)
			}
			done <- n
		}()
	}
	r.mails(r.people, 3*time.Minute)
	cancel()
	n := <-done + <-done
	met := r.number(`SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`)
	r.note("%d transactions of others in the way, %d deadlocks", n, met)
	if met == 0 {
		r.fail("there was no deadlock: this shows nothing")
	}
}

// readOnly lets the daemons' host name lead to a standby for a while.
func readOnly(r *rig) {
	r.onServer(lab.PostgresOptions{})
	m := r.manager()
	r.stage(slowly(20 * time.Millisecond))
	standby, err := r.pg.Standby(r.ctx, lab.PostgresOptions{Fsync: true})
	r.must(err)
	r.own = append(r.own, standby)
	p := r.behind()
	u, err := url.Parse(standby.TCPURL("postgres"))
	r.must(err)
	d := r.start(start{env: m.env(0)})
	r.register(r.people)
	r.mails(r.people/6, time.Minute)
	primary := p.lead(u.Host)
	p.cut()
	r.sleep(3 * time.Second)
	status, _ := m.last()
	r.note("its status on a standby: %q", status)
	if !strings.Contains(status, "read-only") {
		r.fail("on a standby its status is %q", status)
	}
	r.sleep(2 * time.Second)
	p.lead(primary)
	p.cut()
	r.note("mail flowed %.1f s after the primary was back", r.flows(20*time.Second).Seconds())
	if !d.alive() {
		r.fail("it died: %s", d.state)
	}
}

// readOnlyByDefault is what an administrator does before a switch-over.
func readOnlyByDefault(r *rig) {
	r.stage(slowly(20 * time.Millisecond))
	m := r.manager()
	d := r.start(start{env: m.env(0)})
	r.register(r.people)
	r.mails(r.people/6, time.Minute)
	end := `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'convened'`
	r.sql(`ALTER DATABASE ` + r.database + ` SET default_transaction_read_only = on; ` + end)
	r.sleep(3 * time.Second)
	before := r.taken.count()
	status, _ := m.last()
	out, err := r.convened("status")
	r.must(err)
	r.sleep(3 * time.Second)
	r.note("its status while it was: %q; convened status: %q", status, strings.Split(out, "\n")[1])
	if !strings.Contains(status, "read-only") || !strings.Contains(out, "read-only") {
		r.fail("its status is %q, and convened status says:\n%s", status, out)
	}
	if n := r.taken.count() - before; n > 0 {
		r.fail("%d letters left without a mark", n)
	}
	r.sql(`SET default_transaction_read_only = off; ALTER DATABASE ` + r.database + ` RESET default_transaction_read_only`)
	r.note("mail flowed %.1f s after it could be written to", r.flows(20*time.Second).Seconds())
	if !d.alive() {
		r.fail("it died: %s", d.state)
	}
}
