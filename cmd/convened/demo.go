package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"convened"
	"convened/config"
	"convened/desk"
	"convened/events"
	"convened/internal/lab"
	"convened/internal/lab/mailbox"
	"convened/store"
)

type demoCommand struct {
	FastForward bool   `help:"Play the sample event on a virtual clock, from the first registration to the follow-up, print each mail as it goes, check that exactly the expected ones arrived, and exit."`
	Listen      string `help:"Where the mailbox is to be read." default:"127.0.0.1:8025"`
}

// Who opens the console of the demo, on this machine alone, with nobody's data in it.
const (
	demoUser     = "demo@example.org"
	demoPassword = "everybody is welcome"
)

// A stage is everything that the demo brings along, private to it and gone with it.
type stage struct {
	pg   *lab.Postgres
	smtp *lab.SMTP
	dir  string
	cfg  *config.Config
	desk *desk.Desk
}

// Run plays the demo until Ctrl-C, or fast.
func (c demoCommand) Run(e *env) error {
	if c.FastForward {
		return e.fastForward()
	}
	st, err := e.setStage()
	if err != nil {
		return err
	}
	defer st.strike(e.stderr)
	now := e.clock()
	event, err := sampleEvent(now)
	if err != nil {
		return err
	}
	if _, err := st.desk.Carry(e.ctx, now, &desk.Proposal{Event: event}); err != nil {
		return err
	}
	if _, err := st.desk.AddUser(e.ctx, now, convened.User{Email: demoUser, Name: "Demo", Administrator: true}, demoPassword); err != nil {
		return err
	}
	listener, err := listenNear(c.Listen)
	if err != nil {
		return fmt.Errorf("open the mailbox: %w", err)
	}
	server := &http.Server{Handler: mailbox.Handler(st.smtp.Messages), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }()
	defer func() { _ = server.Close() }()

	var people []store.Entry
	for _, p := range cast {
		people = append(people, p.entry(event.Slug, time.Time{}))
	}
	if _, err := st.desk.Store.AddRegistrations(e.ctx, people); err != nil {
		return err
	}
	psql := fmt.Sprintf(`psql %q`, st.pg.URL("convened"))
	fmt.Fprintf(e.stdout, `The sample event is %s, on %s.
%d people have just registered, and their confirmations are on their way.

  Read them here       http://%s/
  Be the organiser     http://%s/   %s, password: %s
  Be a registrant      follow "See your registration" in any of them
  Register somebody    %s -c "INSERT INTO convened.registrations (event, email, name) VALUES ('%s', 'ana@example.org', 'Ana')"
  Other commands       %s --config %s event show %s
  From start to end    %s demo --fast-forward

Ctrl-C ends it and cleans up.

`, event.Slug, in(event.Starts, event.TimeLocation()), len(people), listener.Addr(), st.cfg.Console.Listen, demoUser, demoPassword, psql, event.Slug, os.Args[0], filepath.Join(st.dir, "convened.yaml"), event.Slug, os.Args[0])
	return runDaemon(e.ctx, st.cfg, e.clock, e.logger(), nil)
}

// setStage starts a private Postgres and a local mail server, and writes a
// configuration for both.
func (e *env) setStage() (st *stage, err error) {
	dir, err := os.MkdirTemp("", "convened-demo-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the demo: %w", err)
	}
	st = &stage{dir: dir}
	defer func() {
		if err != nil {
			st.strike(e.stderr)
		}
	}()
	fmt.Fprintln(e.stderr, "Starting a private Postgres and a local mail server …")
	if st.pg, err = lab.StartPostgres(e.ctx, lab.PostgresOptions{}); err != nil {
		return st, err
	}
	if err = st.pg.CreateDatabase("convened", ""); err != nil {
		return st, err
	}
	if st.smtp, err = lab.StartSMTP(lab.SMTPOptions{}); err != nil {
		return st, err
	}
	// The links in the letters lead to this machine, where the daemon serves them.
	pages, err := listenNear("127.0.0.1:8080")
	if err != nil {
		return st, fmt.Errorf("find a port for the registrants' pages: %w", err)
	}
	office, err := listenNear("127.0.0.1:8081")
	if err != nil {
		return st, fmt.Errorf("find a port for the console: %w", err)
	}
	public, console := pages.Addr().String(), office.Addr().String()
	if err = errors.Join(pages.Close(), office.Close()); err != nil {
		return st, err
	}
	file := filepath.Join(dir, "convened.yaml")
	text := fmt.Sprintf(`database:
  url: %q
smtp:
  host: 127.0.0.1
  port: %d
  tls: none
  from: Metropolis <events@example.org>
public:
  url: http://%s
  listen: %s
console:
  listen: %s
state_dir: %q
`, st.pg.URL("convened"), st.smtp.Port(), public, public, console, dir)
	if err = os.WriteFile(file, []byte(text), 0o600); err != nil {
		return st, fmt.Errorf("write the demo's configuration: %w", err)
	}
	if st.cfg, err = config.Load(file, nil); err != nil {
		return st, err
	}
	s, err := open(st.cfg, 8, slog.New(slog.DiscardHandler))
	if err != nil {
		return st, err
	}
	st.desk = newDesk(st.cfg, s)
	_, err = s.Migrate(e.ctx)
	return st, err
}

// strike takes everything down again.
func (st *stage) strike(stderr io.Writer) {
	var errs []error
	if st.desk != nil {
		errs = append(errs, st.desk.Store.Close())
	}
	if st.smtp != nil {
		errs = append(errs, st.smtp.Close())
	}
	if st.pg != nil {
		errs = append(errs, st.pg.Stop())
	}
	errs = append(errs, os.RemoveAll(st.dir))
	if err := errors.Join(errs...); err != nil {
		fmt.Fprintf(stderr, "convened: clean up: %v\n", err)
	}
}

// sampleEvent is the webinar, with its start set to the next 25 November 16:00.
func sampleEvent(now time.Time) (*convened.Event, error) {
	data, err := events.FS.ReadFile("webinar.yaml")
	if err != nil {
		return nil, err // it is part of the program
	}
	e, err := desk.ReadEventFile("webinar.yaml", data)
	if err != nil {
		return nil, err
	}
	length := e.EndsLocal.Sub(e.StartsLocal)
	year := now.In(e.TimeLocation()).Year()
	for {
		e.StartsLocal.Year = year
		e.EndsLocal = convened.WallOf(e.StartsLocal.In(time.UTC).Add(length))
		if err := e.Derive(); err != nil {
			return nil, err
		}
		if e.Starts.After(now) {
			break
		}
		year++
	}
	e.Status, e.CreatedAt, e.MovedAt = convened.Scheduled, now, now
	for i := range e.Reminders {
		e.Reminders[i].AddedAt = now
	}
	return e, nil
}

// An actor is somebody who registers in the demo.
type actor struct {
	name, email, language, zone string
	before                      time.Duration // the start, in the fast version
}

func (a actor) entry(event string, at time.Time) store.Entry {
	return store.Entry{Event: event, Email: a.email, Name: a.name, Language: a.language, Zone: a.zone, CreatedAt: at}
}

// cast registers in three languages and from three continents, early and late.
var cast = []actor{
	{"Élodie Lefèvre", "elodie.lefevre@example.org", "fr", "", 12 * 24 * time.Hour},
	{"Mariana Flores", "mariana.flores@example.com", "es", "America/Mexico_City", 9 * 24 * time.Hour},
	{"Youssef El Amrani", "youssef@example.net", "fr", "Africa/Casablanca", 6 * 24 * time.Hour},
	{"Kenji Tanaka", "kenji.tanaka@example.com", "en", "Asia/Tokyo", 5*24*time.Hour + 3*time.Hour},
	{"Ana Díaz", "ana.diaz@example.org", "es", "Europe/Madrid", 47 * time.Hour},
	{"Noémie Tremblay", "noemie@example.ca", "", "America/Toronto", 90 * time.Minute},
	{"Sam Okafor", "sam@example.com", "en", "Africa/Lagos", 40 * time.Minute},
}

// listenNear listens at an address, or at a free port of the same host where it is taken.
func listenNear(addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err == nil {
		return l, nil
	}
	host, _, splitErr := net.SplitHostPort(addr)
	if splitErr != nil {
		return nil, err
	}
	return net.Listen("tcp", net.JoinHostPort(host, "0"))
}
