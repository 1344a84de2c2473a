//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"convened/internal/lab"
)

func loadScenarios() []*scenario {
	list := []*scenario{
		{Row: 24, Name: "a backlog", People: 200_000, Full: 1_000_000, Limit: 15 * time.Minute,
			Fault:    "a reminder comes due for everybody at once: 200,000 rows, a million in the full run",
			Required: "memory at most 128 MiB, claims under 50 ms at the 99th percentile, confirmations overtake",
			Run:      backlog},
		{Part: "soak", Name: "a long run", People: 0, OnDemand: true, Limit: 3 * time.Hour,
			Fault:    "people register and leave for half an hour, one letter in fifty meets a fault, Postgres is restarted five times",
			Required: "memory and file descriptors stay flat; goroutines and files are in the end those of a new daemon",
			Run:      soak},
	}
	for _, f := range faulty {
		people := 2000
		if f.slow {
			people = 10_000 // to find out who is slow takes a second, whatever comes after
		}
		list = append(list, &scenario{Part: "5%-" + f.name, Name: "5 % of recipients: " + f.name, People: people, Full: 10_000,
			Fault:    "bursts without a fault and bursts in which 5 % of the recipients " + f.what + ", in turn",
			Required: "the sound 95 % have their letters within 1.1 times the time",
			Run:      func(r *rig) { soundOnes(r, f.script, f.refused) }})
	}
	return list
}

// faulty are the faults that some recipients meet.
var faulty = []struct {
	name, what string
	script     lab.Script
	refused    bool
	slow       bool
}{
	{"451", "are put off with 451 at RCPT, the first two times", lab.Until(2, lab.At(lab.AtRcpt, lab.Answer(451, "4.2.0", "Try again later"))), false, false},
	{"greylist", "are put off with 451 4.7.1 at RCPT, the first time", lab.Until(1, lab.Rcpt451(1, 0)), false, false},
	{"452", "are put off with 452 at RCPT, the first two times", lab.Until(2, lab.Rcpt452()), false, false},
	{"421", "meet a 421 at RCPT, which closes the connection, the first time", lab.Until(1, lab.At(lab.AtRcpt, lab.Answer(421, "4.3.2", "Closing"))), false, false},
	{"550", "are refused with 550 at RCPT", lab.Rcpt550(), true, false},
	{"554", "are refused with 554 after the dot", lab.Dot554(), true, false},
	{"dot-451", "are put off with 451 after the dot, the first time", lab.Until(1, lab.Dot451()), false, false},
	{"accept-drop", "meet a connection that dies after the dot, the letter taken, the first time", lab.Until(1, lab.DotAcceptDrop()), false, false},
	{"drop", "meet a connection that dies after the dot, the letter not taken, the first time", lab.Until(1, lab.DotDropBeforeAccept()), false, false},
	{"drop-rcpt", "meet a connection that dies at RCPT, the first time", lab.Until(1, lab.DropAt(lab.AtRcpt)), false, false},
	{"slow-dot", "have a server that takes 5 s for its reply to the dot", lab.DotDelay(5 * time.Second), false, true},
	{"tarpit", "have a server that answers RCPT one byte each 200 ms", lab.At(lab.AtRcpt, lab.Reaction{Drip: 200 * time.Millisecond}), false, true},
}

// The sound ones may take so much longer when others meet a fault.
const soundRatio = 1.1

// soundOnes lets bursts with and without a fault follow each other, and compares
// how long the sound 95 % take. The fastest of each counts: what slows down one
// of them by chance is another program's business. Where they differ by too much
// there are more of both, up to a bound.
func soundOnes(r *rig, fault lab.Script, refused bool) {
	rounds, most := 2, 6
	if r.lab.full {
		rounds = 4
	}
	r.set("retry.first", "2s")
	r.set("smtp.dot_timeout", "20s")
	r.set("smtp.spare", "16") // as by default; elsewhere a kill may cost a letter for each of 8 connections
	r.stage(nil)
	r.start(start{})
	r.registerAt("webinar", "warm", "example.org", 200)
	r.finish(time.Minute)
	n := r.people / 20 // faulty
	var without, with time.Duration
	ratio := func() float64 { return float64(with) / float64(without) }
	played := 0
	for played < rounds || played < most && ratio() > soundRatio {
		r.smtp.SetScript(nil)
		without = quicker(without, r.burst(2*played, n))
		r.settle()
		r.smtp.SetScript(lab.For(func(to string) bool { return strings.Contains(to, ".faulty.example") }, fault))
		with = quicker(with, r.burst(2*played+1, n))
		if !refused {
			r.smtp.SetScript(nil) // those that are left come without it
		}
		r.settle()
		played++
	}
	r.finish(4 * time.Minute) // a domain that asked for it is written to once a minute
	if refused {
		r.refused = played * n
	}
	// What is taken and not said comes twice, or is refused after all.
	r.bound = played * n
	r.note("the sound 95 %%: %.2f s without and %.2f s with the fault, times %.2f (%.0f letters/s; the fastest of %d bursts each)", without.Seconds(), with.Seconds(), ratio(),
		float64(r.people-n)/with.Seconds(), played)
	if ratio() > soundRatio {
		r.fail("the sound 95 %% took %.2f times as long", ratio())
	}
}

func quicker(a, b time.Duration) time.Duration {
	if a == 0 {
		return b
	}
	return min(a, b)
}

// burst registers people, n of whom may meet a fault, and returns how long it took
// until the others had their letters.
func (r *rig) burst(round, n int) time.Duration {
	var mu sync.Mutex
	sound := 0
	done := make(chan time.Time, 1)
	mark := fmt.Sprintf("@r%d.sound.example", round)
	r.taken.setHook(func(l letter) {
		if !strings.Contains(l.to, mark) {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if sound++; sound == r.people-n {
			done <- time.Now()
		}
	})
	// The faulty ones are spread among the others, and over ten domains.
	began := time.Now()
	r.sql(fmt.Sprintf(`INSERT INTO convened.registrations (event, email, name)
		SELECT 'webinar', CASE WHEN i %% 20 = 0 THEN 'p' || i || '@r%[1]d.' || (i / 20 %% 10) || '.faulty.example' ELSE 'p' || i || '@r%[1]d.sound.example' END, 'P'
		FROM generate_series(1, %[2]d) i`, round, r.people))
	select {
	case end := <-done:
		return end.Sub(began)
	case <-time.After(2 * time.Minute):
		r.must(errors.New("the sound ones have not come after two minutes"))
		return 0
	}
}

// settle waits until what can be sent at once is, so that the next burst has the
// hands for itself.
func (r *rig) settle() {
	r.until(3*time.Minute, "nothing is on the wire", func() bool {
		return r.number(`SELECT count(*) FROM convened.notices WHERE state = 'claimed' OR state = 'planned' AND attempt = 0`) == 0
	})
}

// A ledger reads how long the daemon's claims took out of Postgres's log.
type ledger struct {
	mu    sync.Mutex
	rest  []byte
	spent map[string]float64 // by process: of the claim under way, ms
	took  []float64          // by claims

	all   map[string]float64 // by the beginning of each statement, ms
	times map[string]int
}

// heaviest names the statements that took most time in all.
func (l *ledger) heaviest(n int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	names := slices.SortedFunc(maps.Keys(l.all), func(a, b string) int { return int(l.all[b] - l.all[a]) })
	var list []string
	for _, name := range names[:min(n, len(names))] {
		list = append(list, fmt.Sprintf("%.0f ms in %d: %q", l.all[name], l.times[name], name))
	}
	return strings.Join(list, "; ")
}

var durationLine = regexp.MustCompile(`^(\d+) LOG:  duration: ([0-9.]+) ms  (parse|bind|execute) [^:]*: (.{0,60})`)

// The beginning of claim.sql, by which it is known in the log.
const claimWords = "-- Takes due notices in hand"

func (l *ledger) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = append(l.rest, b...)
	for {
		i := bytes.IndexByte(l.rest, '\n')
		if i < 0 {
			return len(b), nil
		}
		m := durationLine.FindSubmatch(l.rest[:i])
		l.rest = l.rest[i+1:]
		if m == nil {
			continue
		}
		ms, _ := strconv.ParseFloat(string(m[2]), 64)
		l.all[string(m[4])] += ms
		if string(m[3]) == "execute" {
			l.times[string(m[4])]++
		}
		if !strings.HasPrefix(string(m[4]), claimWords) {
			continue
		}
		l.spent[string(m[1])] += ms
		if string(m[3]) == "execute" {
			l.took = append(l.took, l.spent[string(m[1])])
			l.spent[string(m[1])] = 0
		}
	}
}

// percentile returns the p-th hundredth of what claims took, and how many there were.
func (l *ledger) percentile(p int) (ms float64, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.took) == 0 {
		return 0, 0
	}
	sorted := slices.Sorted(slices.Values(l.took))
	return sorted[(len(sorted)-1)*p/100], len(sorted)
}

func backlog(r *rig) {
	book := &ledger{spent: map[string]float64{}, all: map[string]float64{}, times: map[string]int{}}
	r.onServer(lab.PostgresOptions{Log: book, Settings: map[string]string{"log_min_duration_statement": "0", "log_line_prefix": "%p ", "max_wal_size": "2GB"}})
	r.stage(slowly(time.Second)) // a quick wire would have no backlog: see killInABurst
	r.seats("big", 90*time.Minute, r.people)
	r.dropped = -1
	d := r.start(start{})
	// The reminder's instant is a minute after the event was applied.
	r.until(3*time.Minute, "everybody's reminder is planned", func() bool {
		return r.number(`SELECT count(*) FROM convened.notices WHERE kind = 'reminder'`) >= r.people
	})
	r.smtp.SetScript(nil)
	began, before := time.Now(), r.taken.count()
	scans := r.number(`SELECT coalesce(seq_scan, 0) FROM pg_stat_user_tables WHERE relname = 'notices'`)
	var slowest time.Duration
	for i := range 20 {
		at := time.Now()
		to := fmt.Sprintf("quick%d@example.org", i)
		r.sql(fmt.Sprintf(`INSERT INTO convened.registrations (event, email, name) VALUES ('webinar', '%s', 'Quick')`, to))
		r.until(30*time.Second, "a confirmation in front of the reminders", func() bool {
			return slices.ContainsFunc(r.taken.all(), func(l letter) bool { return l.to == to })
		})
		slowest = max(slowest, time.Since(at))
		r.sleep(time.Second)
	}
	rate := float64(r.taken.count()-before) / time.Since(began).Seconds()
	_, most := d.memory()
	p99, n := book.percentile(99)
	p50, _ := book.percentile(50)
	left := r.number(`SELECT count(*) FROM convened.notices WHERE state = 'planned'`)
	r.note("%d rows waiting; %.0f letters/s; %d claims, %.1f ms at the median and %.1f ms at the 99th percentile; memory at most %d MiB; a confirmation took %.2f s at most", left, rate, n, p50, p99, most>>20, slowest.Seconds())
	r.note("%s", book.heaviest(8))
	if p99 > 50 {
		r.fail("claims took %.1f ms at the 99th percentile", p99)
	}
	if most > 128<<20 && !r.lab.race {
		r.fail("it took %d MiB", most>>20)
	}
	if slowest > 3*time.Second {
		r.fail("a confirmation took %s", slowest)
	}
	// Our own count above is one of these scans.
	if now := r.number(`SELECT coalesce(seq_scan, 0) FROM pg_stat_user_tables WHERE relname = 'notices'`) - scans; now > 5 {
		r.note("%d sequential scans of the notices meanwhile", now)
	}
	// The rest would be more of the same.
	r.stopAll()
	r.crews = nil
	r.sql(`UPDATE convened.notices SET state = 'cancelled', reason = 'enough was seen' WHERE state = 'planned'`)
}

// seats makes an event with people who have a seat, and a reminder that is due for all
// of them a minute from now.
func (r *rig) seats(event string, in time.Duration, people int) {
	r.apply(event, in, fmt.Sprintf("reminders:\n  - {name: soon, before: %dm, late: skip}\n", int((in-time.Minute).Minutes())))
	r.sql(fmt.Sprintf(`INSERT INTO convened.registrations (id, event, email, name, planned_at, address, seat, seat_no, seated_at) OVERRIDING SYSTEM VALUE
		SELECT i, '%[1]s', 'p' || i || '@example.org', 'Person', now(), 'p' || i || '@example.org', i, i, now() FROM generate_series(1, %[2]d) i;
		SELECT setval(pg_get_serial_sequence('convened.registrations', 'id'), %[2]d);
		UPDATE convened.events SET seats = %[2]d WHERE slug = '%[1]s'; ANALYZE convened.registrations`, event, people))
}

// soak runs for a long time, and looks at memory and file descriptors.
func soak(r *rig) {
	length := r.lab.soak
	r.onServer(lab.PostgresOptions{})
	r.set("retry.first", "2s")
	r.set("smtp.dot_timeout", "5s")
	var scripts []lab.Script
	for i, s := range []lab.Script{lab.Mail421(), lab.DropAt(lab.AtRcpt), lab.DropAt(lab.AtBody), lab.DotAcceptDrop(), lab.DotDropBeforeAccept(),
		lab.At(lab.AtRcpt, lab.Answer(451, "4.2.0", "Later")), lab.ResetDrop()} {
		scripts = append(scripts, lab.Sometimes(0.003, r.lab.seed+uint64(i), s))
	}
	r.stage(lab.First(scripts...))
	r.apply("soon", length+65*time.Minute, "reminders:\n  - {name: hour, before: 1h, late: skip}\n")
	d := r.start(start{})
	var samples []sample
	began := time.Now()
	next, restart, minute, k := began, began.Add(length/6), began.Add(time.Minute), 0
	for time.Since(began) < length {
		_, err := r.query(registering([]string{"webinar", "soon"}[k%2], fmt.Sprintf("s%d-", k), fmt.Sprintf("d%d.example", k%500), r.lab.rate))
		r.must(err)
		k++
		if k%7 == 0 {
			_, _ = r.convened("registration", "cancel", "webinar", fmt.Sprintf("s%d-1@d%d.example", k-k%2, (k-k%2)%500))
		}
		if time.Now().After(restart) {
			r.must(r.pg.Restart())
			restart = restart.Add(length / 6)
		}
		next = next.Add(time.Second)
		r.sleep(max(time.Until(next), 0))
		if k%5 == 0 {
			now, _ := d.memory()
			samples = append(samples, sample{now, d.files()})
		}
		if time.Now().After(minute) {
			minute = minute.Add(time.Minute)
			last := samples[max(0, len(samples)-12):]
			r.series = append(r.series, fmt.Sprintf("minute %2d: %5.1f MiB, %2d file descriptors, %6d letters", len(r.series)+1, float64(median(last))/(1<<20), mostFiles(last), r.taken.count()))
		}
	}
	r.dropped = -1
	r.finish(5 * time.Minute)
	r.bound = r.taken.count() / 50
	r.flat(length, samples)
	_, most := d.memory()
	r.note("%s, %d letters, memory at most %.1f MiB; Postgres was restarted every %s", length, r.taken.count(), float64(most)/(1<<20), (length / 6).Round(time.Second))
	files := d.files()
	r.leaks(d, files)
}

// A sample is what a process has at one moment.
type sample struct {
	memory int64 // resident, bytes
	files  int
}

func median(list []sample) int64 {
	var all []int64
	for _, s := range list {
		all = append(all, s.memory)
	}
	slices.Sort(all)
	return all[len(all)/2]
}

func mostFiles(list []sample) int {
	most := 0
	for _, s := range list {
		most = max(most, s.files)
	}
	return most
}

// flat fails if memory or file descriptors grew. The first third is the warming
// up; then the last quarter of the rest must be as the first.
func (r *rig) flat(length time.Duration, samples []sample) {
	if len(samples) < 12 {
		r.fail("a soak of %s shows nothing", length)
		return
	}
	s := samples[len(samples)/3:]
	quarter := len(s) / 4
	early, late := s[:quarter], s[len(s)-quarter:]
	before, after := median(early), median(late)
	r.note("after the first third %.1f MiB and %d file descriptors, in the end %.1f MiB and %d", float64(before)/(1<<20), mostFiles(early), float64(after)/(1<<20), mostFiles(late))
	if after > before+before/5+(4<<20) {
		r.fail("memory grew from %d to %d KiB", before>>10, after>>10)
	}
	if mostFiles(late) > mostFiles(early)+connections+4 {
		r.fail("file descriptors grew from %d to %d", mostFiles(early), mostFiles(late))
	}
}
