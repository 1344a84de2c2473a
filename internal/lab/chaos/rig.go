//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"convened/internal/lab"
)

// connections is how many a daemon has to the relay, as by default.
const connections = 8

// A rig is what one scenario works with: a database and a mail server of its own,
// and the daemons that it starts. Its methods end the scenario where they can't
// do what they are for, which is no verdict on the daemon; fail is one.
type rig struct {
	ctx    context.Context
	lab    *laboratory
	s      *scenario
	people int
	chance *rand.Rand

	dir      string // logs, configuration
	config   string
	state    string // state_dir
	pg       *lab.Postgres
	own      []*lab.Postgres // servers of this scenario alone
	database string
	dbURL    string // the daemons'; "" is the server's socket
	smtp     *lab.SMTP
	taken    *witness
	settings map[string]string // lines of the configuration, over the usual
	crews    []*crew
	env      []string // of every program
	prepare  []func() // to be done to the new database
	cleanups []func()

	afterwards []func() error // when nothing of it runs any more

	mu       sync.Mutex
	daemons  []*daemon
	problems []string
	notes    []string
	series   []string

	bound   int  // how many letters may come twice
	refused int  // how many must be refused
	dropped int  // how many must be cancelled; -1: any number
	keep    bool // whole letters
}

// giveUp ends a scenario from within.
type giveUp struct{ err error }

// notHere ends a scenario that can't be played on this machine, or by this user.
type notHere struct{ why string }

// notShown says that the fault can't be made here, and why.
func (r *rig) notShown(format string, args ...any) { panic(notHere{fmt.Sprintf(format, args...)}) }

// must ends the scenario if something that it needs does not work.
func (r *rig) must(err error) {
	if err != nil {
		panic(giveUp{err})
	}
}

// fail says that the daemon did not do what it should. The scenario goes on.
func (r *rig) fail(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.problems = append(r.problems, fmt.Sprintf(format, args...))
}

// note adds to what is reported.
func (r *rig) note(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.notes = append(r.notes, fmt.Sprintf(format, args...))
}

func (l *laboratory) rig(ctx context.Context, s *scenario) (*rig, error) {
	r := &rig{ctx: ctx, lab: l, s: s, people: s.People, pg: l.pg, taken: &witness{}, settings: map[string]string{}}
	if l.full && s.Full > 0 {
		r.people = s.Full
	}
	if l.people > 0 {
		r.people = l.people
	}
	r.chance = rand.New(rand.NewPCG(l.seed, uint64(s.Row)<<8+uint64(len(s.Part)+1)))
	r.dir = filepath.Join(l.dir, "row-"+s.id())
	r.config, r.state = filepath.Join(r.dir, "convened.yaml"), filepath.Join(r.dir, "state")
	return r, os.MkdirAll(r.state, 0o755)
}

// onServer moves the scenario to a Postgres of its own, before anything else.
func (r *rig) onServer(o lab.PostgresOptions) {
	pg, err := r.lab.server(r.ctx, o)
	r.must(err)
	r.own = append(r.own, pg)
	r.pg = pg
}

// stage makes what nearly every scenario begins with: a database, a mail server
// that does what the script says, and an event in ten days.
func (r *rig) stage(script lab.Script) {
	r.stageWith(lab.SMTPOptions{Script: script})
	r.apply("webinar", 240*time.Hour, "")
}

func (r *rig) stageWith(o lab.SMTPOptions) {
	var err error
	r.database, err = r.lab.database(r.pg)
	r.must(err)
	for _, f := range r.prepare {
		f()
	}
	r.serve(o)
	r.configure()
}

// serve starts the mail server. A second one takes the place of the first.
func (r *rig) serve(o lab.SMTPOptions) {
	if r.smtp != nil {
		o.Addr = r.smtp.Addr()
		r.must(r.smtp.Close())
	}
	o.Keep, o.Discard, o.OnAccept = lab.KeepHeaders, true, r.taken.accept
	if r.keep {
		o.Keep = lab.KeepEverything
	}
	var err error
	r.smtp, err = lab.StartSMTP(o)
	r.must(err)
}

// source is the URL of the database for the daemon, who is no superuser.
func (r *rig) source() string {
	if r.dbURL != "" {
		return r.dbURL
	}
	u, err := url.Parse(r.pg.URL(r.database))
	r.must(err)
	u.User = url.User("convened")
	return u.String()
}

// tcp is source over TCP, by way of a port; 0 is the server's own.
func (r *rig) tcp(port int) string {
	u, err := url.Parse(r.pg.TCPURL(r.database))
	r.must(err)
	u.User = url.UserPassword("convened", password)
	if port != 0 {
		u.Host = fmt.Sprintf("127.0.0.1:%d", port)
	}
	return u.String()
}

// set sets a line of the configuration: "smtp.dot_timeout" and the like.
func (r *rig) set(key, value string) { r.settings[key] = value }

// configure writes the configuration.
func (r *rig) configure() { r.configureTo(r.config) }

func (r *rig) configureTo(file string) {
	lines := map[string]string{
		"database.url": r.source(), "smtp.host": "127.0.0.1", "smtp.port": fmt.Sprint(r.smtp.Port()), "smtp.tls": "none", "smtp.from": "events@example.org",
		"smtp.connections": fmt.Sprint(connections), "smtp.spare": "0", "public.url": "https://events.example.org", "public.listen": "off", "console.listen": "off",
		"poll_interval": "1s", "state_dir": r.state, "fuse.max": "10000000",
	}
	for key, value := range r.settings {
		lines[key] = value
	}
	sections := map[string]string{}
	for key, value := range lines {
		if value == "" {
			continue
		}
		if section, name, ok := strings.Cut(key, "."); ok {
			sections[section] += fmt.Sprintf("  %s: %s\n", name, written(value))
		} else {
			sections[key] = " " + written(value) + "\n"
		}
	}
	var text strings.Builder
	for section, body := range sections {
		if strings.HasPrefix(body, "  ") {
			body = "\n" + body
		}
		text.WriteString(section + ":" + body)
	}
	r.must(os.WriteFile(file, []byte(text.String()), 0o600))
}

// written is a value as YAML has it.
func written(value string) string {
	if strings.ContainsAny(value, ":/@#") {
		return fmt.Sprintf("%q", value)
	}
	return value
}

// convened runs one command line of the program and returns what it printed.
func (r *rig) convened(args ...string) (string, error) {
	cmd := exec.CommandContext(r.ctx, r.lab.program, append(args, "--config", r.config)...)
	cmd.Env = append(environment(), r.env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("convened %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return string(out), nil
}

// apply writes an event file and applies it. in is how far its start is off; it
// lasts an hour.
func (r *rig) apply(slug string, in time.Duration, more string) {
	r.must(r.applyAt(slug, time.Now().Add(in), "Webinar", more))
}

func (r *rig) applyAt(slug string, start time.Time, title, more string) error {
	const layout = "2006-01-02 15:04:05"
	start = start.UTC()
	file := filepath.Join(r.dir, slug+".yaml")
	text := fmt.Sprintf("event: %s\ntitle: %q\nstarts: %s\nends: %s\nzone: UTC\nlanguage: en\nlocation: Online\njoin_url: https://example.org/join\norganizer: {name: Metropolis, email: events@example.org}\n%s",
		slug, title, start.Format(layout), start.Add(time.Hour).Format(layout), more)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return err
	}
	_, err := r.convened("event", "apply", file, "--yes")
	return err
}

// query runs SQL in the scenario's database, as a superuser.
func (r *rig) query(sql string) (string, error) { return query(r.ctx, r.pg.URL(r.database), sql) }

// sql is query for what can't fail.
func (r *rig) sql(sql string) string {
	out, err := r.query(sql)
	r.must(err)
	return out
}

// number is sql for one number.
func (r *rig) number(sql string) int {
	var n int
	out := r.sql(sql)
	_, err := fmt.Sscan(out, &n)
	r.must(err)
	return n
}

// register registers n people in one statement, numbered on from those before.
func (r *rig) register(n int) { r.registerAt("webinar", "p", "example.org", n) }

func (r *rig) registerAt(event, name, domain string, n int) {
	r.sql(registering(event, name, domain, n))
}

func registering(event, name, domain string, n int) string {
	return fmt.Sprintf(`INSERT INTO convened.registrations (event, email, name)
		SELECT '%[1]s', '%[2]s' || k + i || '@%[3]s', 'Person ' || k + i
		FROM generate_series(1, %[4]d) i, (SELECT count(*) AS k FROM convened.registrations WHERE email LIKE '%[2]s%%@%[3]s') known`, event, name, domain, n)
}

// until waits until a condition is true, and fails if that does not happen.
func (r *rig) until(limit time.Duration, what string, condition func() bool) bool {
	for deadline := time.Now().Add(limit); ; {
		if condition() {
			return true
		}
		if r.ctx.Err() != nil || time.Now().After(deadline) {
			r.fail("after %s still not: %s", limit, what)
			return false
		}
		r.sleep(25 * time.Millisecond)
	}
}

// mails waits until n letters were taken.
func (r *rig) mails(n int, limit time.Duration) {
	r.until(limit, fmt.Sprintf("%d letters (%d came)", n, r.taken.count()), func() bool { return r.taken.count() >= n })
}

// sleep waits, unless the scenario is to end.
func (r *rig) sleep(d time.Duration) {
	select {
	case <-time.After(d):
	case <-r.ctx.Done():
		panic(giveUp{r.ctx.Err()})
	}
}

// unfinished says what is still to be done; "" if nothing.
func (r *rig) unfinished() string {
	out, err := r.query(`SELECT what, k FROM (
		SELECT 'not planned' AS what, count(*) AS k FROM convened.registrations WHERE planned_at IS NULL
		UNION ALL SELECT state, count(*) FROM convened.notices WHERE state IN ('planned', 'claimed', 'unknown') GROUP BY 1) t WHERE k > 0`)
	if err != nil {
		return err.Error()
	}
	return strings.ReplaceAll(strings.ReplaceAll(out, "\n", ", "), "\t", " ")
}

// finish waits until nothing is left to do.
func (r *rig) finish(limit time.Duration) {
	left := ""
	for deadline := time.Now().Add(limit); ; {
		if left = r.unfinished(); left == "" {
			return
		}
		if r.ctx.Err() != nil || time.Now().After(deadline) {
			r.fail("after %s it has not come to an end: %s", limit, left)
			return
		}
		r.sleep(100 * time.Millisecond)
	}
}

// stopAll stops the daemons in good order, and looks through their logs.
func (r *rig) stopAll() {
	for _, c := range r.crews {
		c.dismiss()
	}
	for _, c := range r.crews {
		for i := range c.slots {
			c.member(i).setEnded()
		}
	}
	r.mu.Lock()
	all := r.daemons
	r.mu.Unlock()
	for _, d := range all {
		if !d.alive() {
			continue
		}
		if _, err := d.stop(90 * time.Second); err != nil {
			r.fail("a daemon: %v; see %s", err, d.log)
		}
	}
	for _, c := range r.crews {
		c.done.Wait()
	}
	for _, d := range all {
		if said := d.said(); strings.Contains(said, "DATA RACE") {
			r.fail("a daemon has a data race; see %s", d.log)
		}
	}
}

// close ends what is left, whatever happened.
func (r *rig) close() error {
	for _, c := range r.crews {
		c.dismiss()
	}
	r.mu.Lock()
	all := r.daemons
	r.mu.Unlock()
	for _, d := range all {
		if d.alive() {
			d.kill()
		}
	}
	for _, f := range r.cleanups {
		f()
	}
	var errs []error
	if r.smtp != nil {
		errs = append(errs, r.smtp.Close())
	}
	if len(r.own) > 0 {
		for _, pg := range r.own {
			errs = append(errs, pg.Stop())
		}
	} else if r.database != "" {
		errs = append(errs, r.pg.DropDatabase(r.database))
	}
	for _, f := range r.afterwards {
		errs = append(errs, f())
	}
	return errors.Join(errs...)
}
