//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// A stack sends reminders that are due at one instant. begin returns when it
// stands ready; done waits until the last of them is settled, and returns when that was.
type stack interface {
	begin(r *job) error
	done(r *job) (time.Time, error)
	end()
}

// A job is what one run of a stack is asked for.
type job struct {
	*site
	Letters     int
	Connections int
	Size        int // of a letter, in bytes, where the stack can choose
	Due         time.Time
	server      *mailServer
	processes   []*process // of the stack, whose time and memory count
}

// lead is how long before the instant a stack is started: it is up and idle then.
const lead = 4 * time.Second

// convenedStack is the program as it is run in earnest.
type convenedStack struct {
	daemons int                  // 0 is 1
	more    map[string]string    // configuration
	before  func(*session) error // makes other rows before it starts; nil: there are none
	after   func() error         // looks at it while it runs, when all is settled; nil: nobody does
	daemon  *process             // the last of them
	q       *session
	planned time.Duration // from the instant until all were planned
	state   string        // its directory
	config  string        // its configuration, in a file
	forget  func()        // drops its database
	url     string        // its database
}

func (c *convenedStack) begin(j *job) error {
	db, err := j.database(template)
	if err != nil {
		return err
	}
	c.forget = j.forgetting(db)
	if c.q, err = j.session(db); err != nil {
		return err
	}
	more := map[string]string{"connections": strconv.Itoa(j.Connections)}
	for k, v := range c.more {
		more[k] = v
	}
	c.state, err = os.MkdirTemp(j.dir, "state")
	if err != nil {
		return err
	}
	c.config, c.url = filepath.Join(c.state, "convened.yaml"), j.as(db, "convened")
	if err := os.WriteFile(c.config, []byte(configuration(c.url, j.server.port(), c.state, more)), 0o600); err != nil {
		return err
	}
	admin := filepath.Join(c.state, "admin.yaml")
	if err := os.WriteFile(admin, []byte(configuration(j.pg.URL(db), j.server.port(), c.state, more)), 0o600); err != nil {
		return err
	}
	// The event is applied with its instant far off, and moved to it when all is in place.
	event := filepath.Join(c.state, "event.yaml")
	if err := os.WriteFile(event, []byte(eventFile(time.Now().Add(24*time.Hour))), 0o600); err != nil {
		return err
	}
	if err := j.convened(admin, "event", "apply", event, "--yes"); err != nil {
		return err
	}
	if c.before != nil {
		if err := c.before(c.q); err != nil {
			return err
		}
	}
	if _, err := c.q.ask(seated("webinar", j.Letters)); err != nil {
		return err
	}
	if _, err := c.q.ask(`VACUUM ANALYZE convened.registrations; VACUUM ANALYZE convened.notices; CHECKPOINT; SELECT 1`); err != nil {
		return err
	}
	j.Due = time.Now().Add(lead).Truncate(time.Second).Add(time.Second)
	// Nobody was told of the start that it is moved from.
	if _, err := c.q.ask(fmt.Sprintf(`UPDATE convened.events SET starts_local = '%[1]s', ends_local = '%[2]s', starts_at = '%[1]s+00', ends_at = '%[2]s+00', over_at = '%[2]s+00', moved_at = now() - interval '1 day' WHERE slug = 'webinar';
		SELECT 1`, j.Due.Add(remindBefore).UTC().Format("2006-01-02 15:04:05"), j.Due.Add(remindBefore+time.Hour).UTC().Format("2006-01-02 15:04:05"))); err != nil {
		return err
	}
	for i := range max(c.daemons, 1) {
		p, err := launch(j.ctx, j.dir, fmt.Sprintf("convened-%d", i), nil, j.program, "run", "--config", c.config)
		if err != nil {
			return err
		}
		j.processes, c.daemon = append(j.processes, p), p
	}
	return nil
}

// remindBefore is how long before its start the event reminds.
const remindBefore = 2 * time.Hour

// eventFile is the event.
func eventFile(starts time.Time) string {
	const layout = "2006-01-02 15:04:05"
	starts = starts.UTC()
	return fmt.Sprintf(`event: webinar
title: Internationalisation and metropolitan spaces
starts: %s
ends: %s
zone: UTC
language: en
location: Online
join_url: https://example.org/join
page_url: https://example.org/events/webinar
organizer: {name: Metropolis, email: events@example.org}
reminders:
  - {name: soon, before: 2h, late: skip}
`, starts.Format(layout), starts.Add(time.Hour).Format(layout))
}

// seated makes n people with a seat each, in one statement, as if they had been
// planned and confirmed long ago.
func seated(event string, n int) string {
	return fmt.Sprintf(`INSERT INTO convened.registrations (id, event, email, name, created_at, planned_at, address, seat, seat_no, seated_at) OVERRIDING SYSTEM VALUE
		SELECT k + i, '%[1]s', 'person' || k + i || '@example.net', 'Zoë Person ' || k + i, now() - interval '1 day', now() - interval '1 day', 'person' || k + i || '@example.net', k + i, i, now() - interval '1 day'
		FROM generate_series(1, %[2]d) i, (SELECT coalesce(max(id), 0) AS k FROM convened.registrations) m;
		SELECT setval(pg_get_serial_sequence('convened.registrations', 'id'), (SELECT max(id) FROM convened.registrations)) \g /dev/null
		UPDATE convened.events SET seats = %[2]d WHERE slug = '%[1]s'; SELECT 1`, event, n)
}

func (c *convenedStack) done(j *job) (over time.Time, err error) {
	limit := time.Now().Add(15 * time.Minute)
	if err := c.awaitPlanned(j, limit); err != nil {
		return over, err
	}
	for ; ; time.Sleep(soon) {
		if time.Now().After(limit) {
			return over, j.processes[0].failed(fmt.Errorf("not all are settled after a quarter of an hour"))
		}
		answer, err := c.q.ask(`SELECT NOT EXISTS (SELECT FROM convened.notices WHERE filed = 'planned') AND NOT EXISTS (SELECT FROM convened.in_hand)`)
		if err != nil {
			return over, err
		}
		if answer == "t" {
			over = time.Now()
			break
		}
	}
	answer, err := c.q.ask(`SELECT count(*) || ' of ' || (SELECT count(*) FROM convened.registrations WHERE event = 'webinar') FROM convened.notices WHERE event = 'webinar' AND state = 'sent'`)
	if err != nil {
		return over, err
	}
	if want := fmt.Sprintf("%d of %[1]d", j.Letters); answer != want {
		return over, j.processes[0].failed(fmt.Errorf("%s are sent, want %s", answer, want))
	}
	return over, nil
}

// Whoever looks takes time from what is looked at, so it is often at the beginning and at
// the end, and seldom in between.
const (
	soon   = 10 * time.Millisecond
	seldom = 200 * time.Millisecond
)

// awaitPlanned waits until all are planned.
func (c *convenedStack) awaitPlanned(j *job, limit time.Time) error {
	for c.planned = 0; ; {
		rest, err := c.look(j, limit)
		if err != nil || c.planned > 0 {
			return err
		}
		time.Sleep(rest)
	}
}

// look looks once whether all are planned, and returns for how long nobody needs look again.
func (c *convenedStack) look(j *job, limit time.Time) (time.Duration, error) {
	if time.Now().After(limit) {
		return 0, j.processes[0].failed(fmt.Errorf("not all are planned by %s", limit.Format(time.TimeOnly)))
	}
	answer, err := c.q.ask(`SELECT coalesce((SELECT CASE WHEN planned_at IS NULL THEN 0 ELSE extract(epoch FROM clock_timestamp()) END || ' ' || done_seat FROM convened.reminder_occasions), '0 0')`)
	if err != nil {
		return 0, err
	}
	var at float64
	var seats int
	if _, err := fmt.Sscan(answer, &at, &seats); err != nil {
		return 0, fmt.Errorf("%q says nothing of an occasion: %w", answer, err)
	}
	if at > 0 {
		c.planned = time.Unix(0, int64(at*1e9)).Sub(j.Due)
		return 0, nil
	}
	took := time.Since(j.Due)
	rest := took * time.Duration(j.Letters-seats) / time.Duration(max(seats, 1))
	return min(max(min(rest, took)/2, soon), seldom), nil
}

func (c *convenedStack) end() {
	if c.q != nil {
		c.q.stop()
		c.forget()
	}
	_ = os.RemoveAll(c.state)
}

// A peerStack is a program of another kind, which says "ready" and "done". It has its
// people in a table of one database.
type peerStack struct {
	name    string
	program func(s *site) (dir string, args []string)
	copies  int // processes; each is told its number
	env     []string
	forget  func() // drops its database; nil: it has none
}

func (p *peerStack) begin(j *job) error {
	db, err := j.database("")
	if err != nil {
		return err
	}
	p.forget = j.forgetting(db)
	q, err := j.session(db)
	if err != nil {
		return err
	}
	defer q.stop()
	if _, err := q.ask(fmt.Sprintf(`CREATE TABLE registrations (id bigint PRIMARY KEY, email text NOT NULL, name text NOT NULL, uid uuid NOT NULL DEFAULT gen_random_uuid());
		INSERT INTO registrations (id, email, name) SELECT i, 'person' || i || '@example.net', 'Zoë Person ' || i FROM generate_series(1, %d) i; VACUUM ANALYZE; CHECKPOINT; SELECT 1`, j.Letters)); err != nil {
		return err
	}
	// It needs some time to set up its tables.
	j.Due = time.Now().Add(lead + 2*time.Second).Truncate(time.Second)
	dir, args := p.program(j.site)
	for i := range max(p.copies, 1) {
		path, err := exec.LookPath(args[0])
		if err != nil {
			return err
		}
		env := []string{"DATABASE_URL=" + j.pg.TCPURL(db), "SMTP_ADDR=" + j.server.addr, fmt.Sprintf("LETTERS=%d", j.Letters), fmt.Sprintf("CONNECTIONS=%d", j.Connections/max(p.copies, 1)),
			fmt.Sprintf("SIZE=%d", j.Size), fmt.Sprintf("DUE=%d", j.Due.UnixMilli()), fmt.Sprintf("COPY=%d", i)}
		env = append(env, p.env...)
		q, err := launchIn(j.ctx, dir, j.dir, fmt.Sprintf("%s-%d", p.name, i), env, path, args[1:]...)
		if err != nil {
			return err
		}
		j.processes = append(j.processes, q)
		if l, err := q.line(time.Until(j.Due)); err != nil || l != "ready" {
			return q.failed(fmt.Errorf("it said %q, want ready: %w", l, err))
		}
	}
	return nil
}

// done waits for each copy's word.
func (p *peerStack) done(j *job) (time.Time, error) {
	for _, q := range j.processes {
		if l, err := q.line(15 * time.Minute); err != nil || l != "done" {
			return time.Time{}, q.failed(fmt.Errorf("it said %q, want done: %w", l, err))
		}
	}
	return time.Now(), nil
}

func (p *peerStack) end() {
	if p.forget != nil {
		p.forget()
	}
}

// smtpSource is Postfix's generator, which makes nothing and settles nothing: the
// ceiling. It is its own process from start to end.
type smtpSource struct{}

func (smtpSource) begin(*job) error { return nil }

func (smtpSource) done(j *job) (time.Time, error) {
	j.Due = time.Now()
	p, err := launch(j.ctx, j.dir, "smtp-source", nil, tool("smtp-source"), "-d", "-s", strconv.Itoa(j.Connections), "-m", strconv.Itoa(j.Letters),
		"-l", strconv.Itoa(j.Size), "-f", "events@example.org", "-t", "person@example.org", j.server.addr)
	if err != nil {
		return time.Time{}, err
	}
	j.processes = append(j.processes, p)
	err = p.wait()
	return time.Now(), err
}

func (smtpSource) end() {}
