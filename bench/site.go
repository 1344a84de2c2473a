//go:build linux

package main

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"convened/internal/lab"
)

// A site is what all stacks are measured on: one Postgres that keeps what it
// promised, and a directory.
type site struct {
	ctx     context.Context
	dir     string
	program string // bin/convened
	sink    string // the light sink
	river   string // the Go peer; "" if it is not measured
	node    string // the directory of the Node peer; "" if it is not measured
	pg      *lab.Postgres
	master  int // its pid
	count   int // databases made
}

// settings are the server's, for every stack: what a careful administrator sets
// on a machine of 8 GB, and fsync.
var settings = map[string]string{
	"shared_buffers": "512MB", "max_wal_size": "4GB", "wal_buffers": "16MB", "checkpoint_timeout": "15min", "work_mem": "16MB",
}

const template = "bench_template"

// newSite starts Postgres and migrates a template of convened's database.
func newSite(ctx context.Context, dir, program string) (*site, error) {
	s := &site{ctx: ctx, dir: dir, program: program}
	log, err := os.Create(filepath.Join(dir, "postgres.log"))
	if err != nil {
		return nil, err
	}
	if s.pg, err = lab.StartPostgres(ctx, lab.PostgresOptions{Fsync: true, Settings: settings, Log: log}); err != nil {
		return nil, err
	}
	b, err := os.ReadFile(filepath.Join(s.pg.Dir(), "data", "postmaster.pid"))
	if err != nil {
		return nil, err
	}
	first, _, _ := strings.Cut(string(b), "\n")
	if s.master, err = strconv.Atoi(first); err != nil {
		return nil, err
	}
	if err := s.pg.CreateDatabase(template, ""); err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "template.yaml")
	if err := os.WriteFile(config, []byte(configuration(s.pg.URL(template), 25, dir, nil)), 0o600); err != nil {
		return nil, err
	}
	return s, s.convened(config, "migrate")
}

// configuration is that of a daemon: what is not here is as it is by default.
func configuration(database string, port int, state string, more map[string]string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "database: {url: %q}\n", database)
	fmt.Fprintf(&b, "smtp: {host: 127.0.0.1, port: %d, tls: none, from: \"Metropolis <events@example.org>\", bounce_domain: bounces.example.org", port)
	for _, key := range []string{"connections", "rate"} {
		if v := more[key]; v != "" {
			fmt.Fprintf(&b, ", %s: %s", key, v)
		}
	}
	if v := more["dkim"]; v != "" {
		fmt.Fprintf(&b, ", dkim: {domain: example.org, selector: s, key_file: %q}", v)
	}
	fmt.Fprintf(&b, "}\npublic: {url: \"https://events.example.org\", listen: \"off\"}\nconsole: {listen: %q}\nfuse: {max: 10000000}\nstate_dir: %q\n", cmp.Or(more["console"], "off"), state)
	if v := more["batch"]; v != "" {
		fmt.Fprintf(&b, "batch: %s\n", v)
	}
	return b.String()
}

// convened runs one command line of the program.
func (s *site) convened(config string, args ...string) error {
	p, err := launch(s.ctx, s.dir, "command", nil, s.program, append(args, "--config", config)...)
	if err != nil {
		return err
	}
	go func() {
		for range p.lines {
		}
	}()
	return p.wait()
}

// database makes an empty one, or a copy of a template.
func (s *site) database(template string) (string, error) {
	s.count++
	name := fmt.Sprintf("bench_%d", s.count)
	return name, s.pg.CreateDatabase(name, template)
}

// forgetting drops a database after its run: what autovacuum makes of it, and the buffers that
// it has, would be at the cost of whoever is next.
func (s *site) forgetting(name string) func() {
	return func() {
		if err := s.pg.DropDatabase(name); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err) // it is in the way of the next, and no more
		}
	}
}

// as is the URL of a database for a role.
func (s *site) as(database, role string) string {
	u, err := url.Parse(s.pg.URL(database))
	if err != nil {
		panic(err) // the lab wrote it
	}
	u.User = url.User(role)
	return u.String()
}

// A session is a psql that stays: to ask again and again must cost nothing.
type session struct{ *process }

func (s *site) session(database string) (*session, error) {
	cmd, err := lab.ClientCommand(s.ctx, s.pg.URL(database), "psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1")
	if err != nil {
		return nil, err
	}
	p, err := launch(s.ctx, s.dir, "psql", cmd.Env, cmd.Path, cmd.Args[1:]...)
	return &session{p}, err
}

// ask runs a statement that returns one row of one column, or several that end
// with such a one.
func (q *session) ask(sql string) (string, error) {
	if _, err := fmt.Fprintln(q.in, strings.TrimRight(sql, "; \n")+";"); err != nil {
		return "", q.failed(err)
	}
	return q.line(10 * time.Minute)
}

// tell runs statements that may take long, and return what they like: nobody
// reads it.
func (q *session) tell(sql string) error {
	const told = "that was all"
	if _, err := fmt.Fprintf(q.in, "%s;\n\\echo %s\n", strings.TrimRight(sql, "; \n"), told); err != nil {
		return q.failed(err)
	}
	for {
		line, err := q.line(2 * time.Hour)
		if err != nil || line == told {
			return err
		}
	}
}

// A mailServer is one of the two sinks.
type mailServer struct {
	*process
	addr  string
	light bool
}

// port is where it listens.
func (m *mailServer) port() int {
	_, p, _ := net.SplitHostPort(m.addr)
	n, _ := strconv.Atoi(p)
	return n
}

// lightSink starts the light one.
func (s *site) lightSink(delay time.Duration) (*mailServer, error) {
	p, err := launch(s.ctx, s.dir, "sink", nil, s.sink, "-delay", delay.String())
	if err != nil {
		return nil, err
	}
	addr, err := p.line(10 * time.Second)
	return &mailServer{p, addr, true}, err
}

// smtpSink starts Postfix's.
func (s *site) smtpSink() (*mailServer, error) {
	addr, err := lab.FreeAddress()
	if err != nil {
		return nil, err
	}
	args := []string{addr, "1024"}
	if os.Geteuid() == 0 {
		args = append([]string{"-u", "nobody"}, args...)
	}
	p, err := launch(s.ctx, s.dir, "smtp-sink", nil, tool("smtp-sink"), args...)
	if err != nil {
		return nil, err
	}
	for range 200 {
		c, err := new(net.Dialer).DialContext(s.ctx, "tcp", addr)
		if err == nil {
			_ = c.Close()
			return &mailServer{p, addr, false}, nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	p.stop()
	return nil, p.failed(fmt.Errorf("it does not listen at %s", addr))
}

// tool finds a program of Postfix's, which are not in everybody's path.
func tool(name string) string {
	if _, err := os.Stat("/usr/sbin/" + name); err == nil {
		return "/usr/sbin/" + name
	}
	return name
}
