package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/user"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"convened"
	"convened/config"
	"convened/desk"
	"convened/mailer"
	"convened/scheduler"
	"convened/store"
	"convened/templates"
)

// configuration loads the file that the command line names.
func (e *env) configuration() (*config.Config, error) {
	return config.Load(e.cli.Config, os.Environ())
}

// logger writes to standard error, where journald reads it.
func (e *env) logger() *slog.Logger { return e.loggerTo(e.stderr) }

func (e *env) loggerTo(w io.Writer) *slog.Logger {
	level := slog.LevelInfo
	if e.cli.Verbose {
		level = slog.LevelDebug
	}
	if readByJournald() {
		return slog.New(newJournalHandler(w, level))
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
}

// readByJournald reports whether standard error is the stream that the service
// manager opened to the journal (systemd.exec(5), $JOURNAL_STREAM). It may have
// been led elsewhere since.
func readByJournald() bool {
	var st syscall.Stat_t
	if err := syscall.Fstat(syscall.Stderr, &st); err != nil {
		return false
	}
	return os.Getenv("JOURNAL_STREAM") == fmt.Sprintf("%d:%d", st.Dev, st.Ino)
}

// open returns a store for the configured database; it does not connect.
func open(cfg *config.Config, connections int, log *slog.Logger) (*store.Store, error) {
	s, err := store.Open(store.Options{URL: cfg.Database.Source(), DirectURL: cfg.Database.DirectSource(), Connections: connections, Logger: log,
		Fuse: cfg.Fuse.Max, QuarantineAfter: cfg.QuarantineAfter})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errConfiguration, err)
	}
	return s, nil
}

// withStore runs f with the configured database.
func (e *env) withStore(f func(cfg *config.Config, s *store.Store) error) error {
	cfg, err := e.configuration()
	if err != nil {
		return err
	}
	s, err := open(cfg, 4, e.logger())
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	// What a command changes is written down as the deed of who typed it.
	e.ctx = store.As(e.ctx, convened.Actor{Name: operator(), Via: convened.ByCommand, At: e.clock()})
	return helpful(f(cfg, s))
}

// withDesk runs f at a desk of the configured database.
func (e *env) withDesk(f func(cfg *config.Config, d *desk.Desk) error) error {
	return e.withStore(func(cfg *config.Config, s *store.Store) error {
		if err := s.CheckSchema(e.ctx); err != nil {
			return err
		}
		d := newDesk(cfg, s)
		d.HasTemplate = hasTemplate(cfg)
		return f(cfg, d)
	})
}

func newDesk(cfg *config.Config, s *store.Store) *desk.Desk {
	return &desk.Desk{Store: s, Grace: cfg.Grace, UpdateQuiet: cfg.UpdateQuiet, By: operator(), Doubt: doubt(cfg), Permit: permit(cfg)}
}

// hasTemplate looks for a template among those that are there now.
func hasTemplate(cfg *config.Config) func(string) (bool, error) {
	return func(name string) (bool, error) {
		set, err := loadTemplates(cfg)
		return err == nil && set.Has(name), err
	}
}

// operator names who types, for the record of revisions.
func operator() string {
	if sudo := os.Getenv("SUDO_USER"); sudo != "" {
		return sudo
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}

// helpful adds to an error what to do about it.
func helpful(err error) error {
	switch {
	case errors.Is(err, store.ErrNoUser):
		return fmt.Errorf("%w; `convened user list` shows who there is", err)
	case errors.Is(err, store.ErrNotFound):
		return fmt.Errorf("%w; `convened event list` shows what there is", err)
	}
	return err
}

// A post is what makes and carries letters.
type post struct {
	templates *templates.Set
	composer  *mailer.Composer
	relay     *mailer.Relay
	signer    *mailer.Signer // nil: the relay signs, or nobody does
}

// loadTemplates reads the letters: the built-in ones and what overrides them.
func loadTemplates(cfg *config.Config) (*templates.Set, error) {
	if cfg.TemplatesDir == "" {
		return templates.Builtin(), nil
	}
	set, err := templates.Load(cfg.TemplatesDir)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errConfiguration, err)
	}
	return set, nil
}

// newPost checks and puts together what sends. It does not connect. seen may
// be nil.
func newPost(cfg *config.Config, keys convened.Keyring, seen *witness, clock func() time.Time, log *slog.Logger) (*post, error) {
	set, err := loadTemplates(cfg)
	if err != nil {
		return nil, err
	}
	p := &post{templates: set}
	options := mailer.ComposerOptions{From: cfg.SMTP.From.String(), BounceDomain: cfg.SMTP.BounceDomain,
		PublicURL: cfg.Public.URL, Keys: keys, Templates: set, Version: version()}
	if cfg.SMTP.ReplyTo.Address != "" {
		options.ReplyTo = cfg.SMTP.ReplyTo.String()
	}
	if d := cfg.SMTP.DKIM; d.Domain != "" {
		if p.signer, err = mailer.NewSigner(d.Domain, d.Selector, []byte(d.Key.Reveal())); err != nil {
			return nil, fmt.Errorf("%w: %w", errConfiguration, err)
		}
		options.Signer = p.signer
	}
	if p.composer, err = mailer.NewComposer(options); err != nil {
		return nil, fmt.Errorf("%w: %w", errConfiguration, err)
	}
	wire := mailer.RelayOptions{Host: cfg.SMTP.Host, Port: cfg.SMTP.Port, TLS: string(cfg.SMTP.TLS),
		Username: cfg.SMTP.Username, Password: cfg.SMTP.Password.Reveal(), Connections: cfg.SMTP.Connections + cfg.SMTP.Spare,
		DotTimeout: cfg.SMTP.DotTimeout, LocalName: helloName(cfg), Now: clock, Logger: log}
	seen.wire(&wire)
	if p.relay, err = mailer.NewRelay(wire); err != nil {
		return nil, fmt.Errorf("%w: %w", errConfiguration, err)
	}
	return p, nil
}

// A livePost is the post in force, which a reload replaces.
type livePost struct{ current atomic.Pointer[post] }

// replace puts a new post in force, if all of it is sound. Letters that were
// made by the old one are sent by it.
func (l *livePost) replace(cfg *config.Config, keys convened.Keyring, seen *witness, clock func() time.Time, log *slog.Logger) error {
	p, err := newPost(cfg, keys, seen, clock, log)
	if err != nil {
		return err
	}
	if old := l.current.Swap(p); old != nil {
		_ = old.relay.Close() // what it is sending it finishes
	}
	return nil
}

// Compose makes a letter: scheduler.Composer.
func (l *livePost) Compose(now time.Time, c *convened.Claim) (scheduler.Letter, error) {
	return l.current.Load().Compose(now, c)
}

func (l *livePost) close() { _ = l.current.Load().relay.Close() }

// doubt is how often letters go out again that may have arrived.
func doubt(cfg *config.Config) convened.Doubt {
	d := convened.UsualDoubt()
	d[convened.Confirmation], d[convened.Update], d[convened.Cancellation] = cfg.OnUnknown.Confirmation, cfg.OnUnknown.Update, cfg.OnUnknown.Cancellation
	d[convened.ReminderKind], d[convened.Followup] = cfg.OnUnknown.Reminder, cfg.OnUnknown.Followup
	return d
}

// helloName is how EHLO names this machine: some relays want a full name.
func helloName(cfg *config.Config) string {
	host, err := os.Hostname()
	if err != nil || host == "" {
		host = "localhost"
	}
	if !strings.Contains(host, ".") && host != "localhost" {
		_, domain, _ := strings.Cut(cfg.SMTP.From.Address, "@")
		host += "." + domain
	}
	return host
}

// Compose makes a letter that knows how to send itself: scheduler.Composer.
func (p *post) Compose(now time.Time, c *convened.Claim) (scheduler.Letter, error) {
	tamperedLetter(c)
	l, err := p.composer.Draft(now, c)
	if err != nil {
		return scheduler.Letter{}, err
	}
	return scheduler.Letter{MessageID: l.MessageID, Mail: posted{p, l}, Ready: l.Ready, Send: func(ctx context.Context, place *scheduler.Place) convened.Outcome {
		defer l.Release()
		return p.sendFrom(ctx, place, l)
	}}, nil
}

// posted is a letter and who sends it.
type posted struct {
	by     *post
	letter *mailer.Letter
}

// sendFrom sends a letter from a place, along with the beginning of the one that
// comes next there.
func (p *post) sendFrom(ctx context.Context, place *scheduler.Place, l *mailer.Letter) convened.Outcome {
	line, _ := place.Wire.(*mailer.Line)
	if line == nil || line.Relay() != p.relay { // the first, or the first after a reload
		if line != nil {
			line.Leave()
		}
		line = p.relay.Line()
		place.Wire = line
	}
	l.Until = place.Until
	return line.Send(ctx, l, func() *mailer.Letter {
		if place.Next == nil {
			return nil
		}
		next := place.Next()
		if next == nil {
			return nil
		}
		if n, ok := next.Mail.(posted); ok && n.by == p {
			return n.letter
		}
		return nil
	})
}

// Write makes a letter to be looked at, or to be sent as a trial: desk.Post.
func (p *post) Write(now time.Time, c *convened.Claim) (*mailer.Letter, error) {
	return p.composer.Compose(now, c)
}

// Send carries a letter that no row stands behind: desk.Post.
func (p *post) Send(ctx context.Context, l *mailer.Letter) convened.Outcome {
	return p.relay.Send(ctx, l)
}

// Write is desk.Post for the post in force.
func (l *livePost) Write(now time.Time, c *convened.Claim) (*mailer.Letter, error) {
	p := l.current.Load()
	if p == nil {
		return nil, errors.New("the daemon is starting: try again in a moment")
	}
	return p.Write(now, c)
}

// Send is desk.Post for the post in force.
func (l *livePost) Send(ctx context.Context, letter *mailer.Letter) convened.Outcome {
	return l.current.Load().Send(ctx, letter)
}

// throwAwayKey lets the composer be checked before the database has answered.
func throwAwayKey() convened.Keyring { return convened.Keyring{{ID: 0, Secret: make([]byte, 32)}} }
