//go:build linux

package main

import (
	"archive/zip"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

func clockScenarios() []*scenario {
	return []*scenario{
		{Row: 19, Part: "a", Name: "the clock jumps ahead", People: 200, Quiet: true,
			Fault:    "the daemon's clock jumps three hours ahead for 25 s, in the middle of a burst for an event that is over by then",
			Required: "no early reminder, nobody's confirmation is called too late; it goes on when the clock is right",
			Run:      func(r *rig) { clockJumps(r, "3h") }},
		{Row: 19, Part: "b", Name: "the clock jumps back", People: 200, Quiet: true,
			Fault:    "the daemon's clock jumps an hour back for 25 s",
			Required: "no letter twice; it goes on when the clock is right",
			Run:      func(r *rig) { clockJumps(r, "-1h") }},
		{Row: 19, Part: "c", Name: "two clocks that differ", People: 600, Quiet: true,
			Fault:    "two daemons, one of which is ten minutes behind and then ahead",
			Required: "leases go by the database's clock: no letter twice, no early reminder",
			Run:      clocksDiffer},
		{Row: 20, Name: "suspended for 8 h", People: 60, Quiet: true,
			Fault:    "a daemon with work in hand is frozen, and eight hours later wakes up",
			Required: "reminders within their grace are sent, later ones cancelled as too late; no letter twice",
			Run:      suspended},
		{Row: 21, Part: "a", Name: "gaps and overlaps", People: 28, Quiet: true, Limit: 12 * time.Minute,
			Fault:    "reminders at wall times that do not exist, or exist twice, in fourteen zones, each lived through on a moved clock",
			Required: "in a gap at the first instant after it; in an overlap once, at the first",
			Run:      gapsAndOverlaps},
		{Row: 21, Part: "b", Name: "a zone's rules change", People: 20, Quiet: true,
			Fault:    "the daemon is started with time zone data in which the event's zone is another offset",
			Required: "the wall time stays, the instant moves, who was told gets an update",
			Run:      zoneChanges,
			Missing:  "without a start: Go reads a zone's rules once, from the program or from ZONEINFO; the hourly look at them is the same code"},
	}
}

// A world is a clock that the daemons and the database share and that can be
// moved. Postgres's now() is hidden by another of ours.
type world struct {
	r      *rig
	file   string
	offset time.Duration
}

// worldClock must come before the daemons are started.
func (r *rig) worldClock() *world {
	w := &world{r: r, file: filepath.Join(r.dir, "clock")}
	r.env = append(r.env, "CONVENED_CLOCK="+w.file)
	r.prepare = append(r.prepare, func() {
		r.sql(`CREATE SCHEMA moved; CREATE TABLE moved.by (d interval); INSERT INTO moved.by VALUES ('0');
			CREATE FUNCTION moved.now() RETURNS timestamptz LANGUAGE sql STABLE AS 'SELECT pg_catalog.now() + d FROM moved.by';
			CREATE FUNCTION moved.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS 'SELECT pg_catalog.clock_timestamp() + d FROM moved.by';
			GRANT USAGE ON SCHEMA moved TO convened; GRANT SELECT ON moved.by TO convened;
			ALTER DATABASE ` + r.database + ` SET search_path = moved, pg_catalog, public`)
	})
	return w
}

// shift moves the world's clock ahead. Meanwhile nobody runs, as when a machine
// sleeps.
func (w *world) shift(d time.Duration) {
	w.r.mu.Lock()
	all := slices.Clone(w.r.daemons)
	w.r.mu.Unlock()
	for _, p := range all {
		p.send(syscall.SIGSTOP)
	}
	w.offset += d
	w.r.must(os.WriteFile(w.file, []byte(w.offset.String()), 0o644))
	w.r.sql(fmt.Sprintf(`UPDATE moved.by SET d = '%d microseconds'`, w.offset.Microseconds()))
	for _, p := range all {
		p.send(syscall.SIGCONT)
	}
}

func (w *world) now() time.Time { return time.Now().Add(w.offset) }

// clockJumps moves the daemon's clock alone.
func clockJumps(r *rig, by string) {
	clock := filepath.Join(r.dir, "wrong")
	r.stage(slowly(200 * time.Millisecond))
	// It starts in 70 minutes; the reminder is due in 10.
	r.apply("soon", 70*time.Minute, "reminders:\n  - {name: hour, before: 1h, late: skip}\n")
	r.registerAt("soon", "p", "example.org", r.people)
	m := r.manager()
	r.start(start{env: append(m.env(0), "CONVENED_CLOCK="+clock)})
	r.mails(r.people/3, time.Minute)
	r.must(os.WriteFile(clock, []byte(by), 0o644))
	r.sleep(14 * time.Second)
	r.registerAt("soon", "during", "example.org", 10)
	r.sleep(11 * time.Second)
	status, _ := m.last()
	r.note("its status while the clock was wrong by %s: %q", by, status)
	if !strings.Contains(status, "clock") {
		r.fail("its status is %q, and its clock is wrong by %s", status, by)
	}
	r.must(os.WriteFile(clock, []byte("0s"), 0o644))
	r.mails(r.people+10, 40*time.Second)
	r.finish(time.Minute)
	for _, l := range r.taken.all() {
		if l.kind != "confirmation" {
			r.fail("a %s went out ten minutes early", l.kind)
			break
		}
	}
}

func clocksDiffer(r *rig) {
	clock := filepath.Join(r.dir, "wrong")
	r.set("lease", "5s")
	r.stage(slowly(30 * time.Millisecond))
	r.apply("soon", 65*time.Minute, "reminders:\n  - {name: hour, before: 1h, late: skip}\n")
	r.must(os.WriteFile(clock, []byte("-10m"), 0o644))
	r.start(start{})
	r.start(start{env: []string{"CONVENED_CLOCK=" + clock}})
	r.registerAt("soon", "p", "example.org", r.people/2)
	r.mails(r.people/2, time.Minute)
	r.must(os.WriteFile(clock, []byte("10m"), 0o644))
	r.registerAt("soon", "p", "example.org", r.people/2)
	r.mails(r.people, time.Minute)
	r.sleep(22 * time.Second) // two looks at the clocks
	r.finish(time.Minute)
	for _, l := range r.taken.all() {
		if l.kind != "confirmation" {
			r.fail("a %s went out early", l.kind)
			break
		}
	}
}

func suspended(r *rig) {
	w := r.worldClock()
	r.set("quarantine_after", "365 days")
	r.stage(nil)
	k := r.people / 4
	// At the awakening, in eight hours: "soon" is 20 minutes late with its
	// reminder and 40 away from its start, "late" three hours and one, "over" has
	// been, and "far" has time.
	for slug, in := range map[string]time.Duration{"soon": 8*time.Hour + 40*time.Minute, "over": 5 * time.Hour} {
		r.apply(slug, in, "reminders:\n  - {name: hour, before: 1h, late: skip}\n")
		r.registerAt(slug, slug, "example.org", k)
	}
	r.apply("late", 9*time.Hour, "reminders:\n  - {name: four, before: 4h, late: skip}\n")
	r.registerAt("late", "late", "example.org", k)
	r.apply("far", 24*time.Hour, "reminders:\n  - {name: hour, before: 1h, late: skip}\n")
	r.registerAt("far", "far", "example.org", k)
	r.start(start{})
	r.mails(4*k, time.Minute)
	r.finish(time.Minute)
	// And some work in hand when it falls asleep.
	r.smtp.SetScript(slowly(300 * time.Millisecond))
	r.register(60)
	r.mails(4*k+10, time.Minute)
	w.shift(8 * time.Hour)
	r.mails(4*k+60+k, time.Minute)
	r.finish(time.Minute)
	kinds := map[string]int{}
	for _, l := range r.taken.all() {
		if l.kind == "reminder" {
			kinds[strings.TrimRight(strings.SplitN(l.to, "@", 2)[0], "0123456789")]++
		}
	}
	if len(kinds) != 1 || kinds["soon"] != k {
		r.fail("reminders went to %v, and only the %d of \"soon\" were within their grace", kinds, k)
	}
	tooLate := r.number(`SELECT count(*) FROM convened.notices WHERE kind = 'reminder' AND state = 'cancelled' AND reason LIKE 'too late%'`)
	passed := r.number(`SELECT count(*) FROM convened.reminder_occasions WHERE event IN ('over', 'late') AND passed <> ''`)
	r.note("%d reminders within their grace were sent; %d cancelled as too late, %d occasions recorded as passed", k, tooLate, passed)
	if tooLate == 0 && passed == 0 {
		r.fail("nothing is said of the reminders that were too late")
	}
	r.dropped = -1
}

// A transition is a moment at which the clocks of a zone change.
type transition struct {
	zone string
	slug string
	at   time.Time // when the reminder must come
	wall string    // the reminder's wall time, the day before the event
	day  time.Time // the event's local date
	gap  bool
}

var transitionZones = []string{"Europe/Brussels", "Europe/Lisbon", "Europe/Chisinau", "America/New_York", "America/Los_Angeles", "America/St_Johns", "America/Havana",
	"America/Santiago", "Australia/Adelaide", "Australia/Lord_Howe", "Pacific/Auckland", "Asia/Beirut", "Antarctica/Troll", "Africa/Casablanca"}

// transitionsAfter returns the next gap and the next overlap of each zone.
func transitionsAfter(now time.Time) ([]transition, error) {
	var all []transition
	for _, zone := range transitionZones {
		loc, err := time.LoadLocation(zone)
		if err != nil {
			return nil, err
		}
		seen := map[bool]bool{}
		for t := now; len(seen) < 2; {
			_, end := t.In(loc).ZoneBounds()
			if end.IsZero() || end.Sub(now) > 360*24*time.Hour {
				break
			}
			_, before := end.Add(-time.Second).In(loc).Zone()
			_, after := end.In(loc).Zone()
			t = end
			if before == after || seen[after > before] {
				continue
			}
			seen[after > before] = true
			c := transition{zone: zone, slug: strings.ToLower(strings.NewReplacer("/", "-", "_", "-").Replace(zone)), gap: after > before}
			// The first wall time that does not exist, or that exists twice.
			var wall time.Time
			if c.gap {
				c.at, wall = end, end.UTC().Add(time.Duration(before)*time.Second)
				c.slug += "-gap"
			} else {
				c.at, wall = end.Add(time.Duration(after-before)*time.Second), end.UTC().Add(time.Duration(after)*time.Second)
				c.slug += "-overlap"
			}
			c.wall, c.day = wall.Format("15:04"), wall.AddDate(0, 0, 1)
			all = append(all, c)
		}
	}
	slices.SortFunc(all, func(a, b transition) int { return a.at.Compare(b.at) })
	return all, nil
}

func gapsAndOverlaps(r *rig) {
	w := r.worldClock()
	r.set("quarantine_after", "365 days")
	r.stage(nil)
	all, err := transitionsAfter(time.Now().Add(48 * time.Hour))
	r.must(err)
	for _, c := range all {
		file := filepath.Join(r.dir, c.slug+".yaml")
		day := c.day.Format("2006-01-02")
		r.must(os.WriteFile(file, fmt.Appendf(nil, "event: %s\ntitle: W\nstarts: %s 12:00\nends: %s 13:00\nzone: %s\nlanguage: en\norganizer: {name: M, email: events@example.org}\nreminders:\n  - {name: eve, before: 1 day at %s}\n", c.slug, day, day, c.zone, c.wall), 0o600))
		_, err := r.convened("event", "apply", file, "--yes")
		r.must(err)
		r.registerAt(c.slug, c.slug, "example.org", 1)
	}
	r.start(start{})
	r.mails(len(all), time.Minute)
	r.finish(time.Minute)
	reminded := map[string]int{}
	for i := 0; i < len(all); {
		at := all[i].at
		w.shift(at.Sub(w.now()) - 2500*time.Millisecond)
		due := 0
		for ; i < len(all) && all[i].at.Equal(at); i++ {
			due++
		}
		before := r.taken.count()
		if !r.until(20*time.Second, fmt.Sprintf("the reminder of %s at %s", all[i-1].slug, at.UTC()), func() bool { return r.taken.count() >= before+due }) {
			continue
		}
		for _, l := range r.taken.all()[before:] {
			name, _, _ := strings.Cut(l.to, "1@")
			reminded[name]++
			when := l.at.Add(w.offset)
			k := slices.IndexFunc(all, func(c transition) bool { return c.slug == name })
			if k < 0 || l.kind != "reminder" || when.Before(all[k].at) || when.After(all[k].at.Add(15*time.Second)) {
				r.fail("a %s to %s at %s", l.kind, l.to, when.UTC())
			}
		}
	}
	// And past the second time of the last overlap.
	w.shift(3 * time.Hour)
	r.sleep(4 * time.Second)
	r.finish(time.Minute)
	gaps := 0
	for _, c := range all {
		if c.gap {
			gaps++
		}
	}
	r.note("%d gaps and %d overlaps of %d zones, the first %s, the last %s", gaps, len(all)-gaps, len(transitionZones), all[0].at.UTC().Format("2006-01-02"), all[len(all)-1].at.UTC().Format("2006-01-02"))
	if n := r.taken.count(); n != 2*len(all) {
		r.fail("%d letters, and %d were due", n, 2*len(all))
	}
}

func zoneChanges(r *rig) {
	r.stage(nil)
	file := filepath.Join(r.dir, "zoned.yaml")
	day := time.Now().AddDate(0, 0, 20).Format("2006-01-02")
	r.must(os.WriteFile(file, fmt.Appendf(nil, "event: zoned\ntitle: W\nstarts: %s 12:00\nends: %s 13:00\nzone: Europe/Brussels\nlanguage: en\norganizer: {name: M, email: events@example.org}\n", day, day), 0o600))
	_, err := r.convened("event", "apply", file, "--yes")
	r.must(err)
	d := r.start(start{})
	r.registerAt("zoned", "p", "example.org", r.people)
	r.mails(r.people, time.Minute)
	r.finish(time.Minute)
	before := r.sql(`SELECT starts_at FROM convened.events WHERE slug = 'zoned'`)
	_, err = d.stop(30 * time.Second)
	r.must(err)
	// Brussels keeps Tokyo's time from today.
	data, err := zoneFile("Asia/Tokyo")
	r.must(err)
	dir := filepath.Join(r.dir, "zoneinfo", "Europe")
	r.must(os.MkdirAll(dir, 0o755))
	r.must(os.WriteFile(filepath.Join(dir, "Brussels"), data, 0o644))
	r.start(start{env: []string{"ZONEINFO=" + filepath.Join(r.dir, "zoneinfo")}})
	r.mails(2*r.people, time.Minute)
	r.finish(time.Minute)
	after := r.sql(`SELECT starts_at FROM convened.events WHERE slug = 'zoned'`)
	r.note("the same wall time was %s and is %s", before, after)
	updates := 0
	for _, l := range r.taken.all() {
		if l.kind == "update" {
			updates++
		}
	}
	if updates != r.people || before == after {
		r.fail("%d of %d got an update", updates, r.people)
	}
}

// zoneFile returns the rules of a zone as Go has them.
func zoneFile(zone string) ([]byte, error) {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("look for Go's time zones: %w", err)
	}
	z, err := zip.OpenReader(filepath.Join(strings.TrimSpace(string(root)), "lib", "time", "zoneinfo.zip"))
	if err != nil {
		return nil, fmt.Errorf("look for Go's time zones: %w", err)
	}
	defer z.Close()
	f, err := z.Open(zone)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}
