package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"convened"
	"convened/config"
	"convened/store"
	"convened/systemd"
)

// A reload reads templates, relay, sender, signature and link keys again whenever
// the daemon is asked to. Everything is checked before anything changes: what is
// wrong leaves the old ones in force. The other keys of the configuration take
// effect at the next start. A database that is down keeps nobody from a reload.
type reload struct {
	load   func() (*config.Config, error) // reads the configuration again
	post   *livePost
	store  *store.Store
	cfg    *config.Config   // what the post is made by
	keys   convened.Keyring // nil: not known yet
	seen   *witness         // nil: there is none yet
	clock  func() time.Time
	log    *slog.Logger
	notify *systemd.Notifier
	ended  func(error) // told what came of each
}

// begin puts the first post in force, as soon as the link keys are known.
func (r *reload) begin(keys convened.Keyring, seen *witness) error {
	r.keys, r.seen = keys, seen
	return r.post.replace(r.cfg, keys, seen, r.clock, r.log)
}

// follow reloads whenever hup says so, until ctx is done.
func (r *reload) follow(ctx context.Context, hup <-chan os.Signal) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hup:
			r.now(ctx)
		}
	}
}

// now reloads, and tells the service manager, the log and whoever asked what
// came of it.
func (r *reload) now(ctx context.Context) {
	r.notify.Reloading()
	err := r.try(ctx)
	if err != nil {
		r.log.Error("reload refused, all stays as it was", "error", err.Error())
	} else {
		r.log.Info("reloaded templates, relay, sender, signature and link keys; the rest waits for the next start")
	}
	r.ended(err)
	if err := r.leaveVerdict(err); err != nil {
		r.log.Warn("say what came of the reload", "error", err.Error())
	}
	r.notify.Ready() // refused or not, the reload is over
}

func (r *reload) try(ctx context.Context) error {
	cfg, err := r.load()
	if err != nil {
		return err
	}
	if r.keys == nil { // it is checked now, and begun with when the database is there
		if _, err := newPost(cfg, throwAwayKey(), nil, r.clock, r.log); err != nil {
			return err
		}
		r.cfg = cfg
		return nil
	}
	keys, err := r.store.Keys(ctx)
	if err != nil {
		r.log.Warn("the link keys stay as they were: the database does not answer", "error", err.Error())
		keys = r.keys
	}
	if err := r.post.replace(cfg, keys, r.seen, r.clock, r.log); err != nil {
		return err
	}
	r.cfg, r.keys = cfg, keys
	return nil
}

// verdictFile is where the daemon says what came of its last reload: the instant
// on a line, and what was wrong. It is beside the sockets of its unit, "" where
// there is no such directory.
func verdictFile() string {
	dir, _, _ := strings.Cut(os.Getenv("RUNTIME_DIRECTORY"), ":")
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, "reload")
}

func (r *reload) leaveVerdict(refused error) error {
	path := verdictFile()
	if path == "" {
		return nil
	}
	text := fmt.Sprintf("%d\n", r.clock().UnixNano())
	if refused != nil {
		text += refused.Error()
	}
	// Whole or not at all: somebody is waiting for it.
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

type configReload struct {
	PID int `arg:"" name:"pid" help:"The daemon's process: $MAINPID in ExecReload=."`
}

// verdictPatience is how long a reload may take: it asks the database for the
// link keys, which may be down.
const verdictPatience = time.Minute

// Run asks for a reload and waits for the verdict. Before systemd 253 the
// processes of ExecReload= see no credentials, so that none but the daemon can
// judge the configuration, and nothing else makes `systemctl reload` fail.
func (c configReload) Run(e *env) error {
	path := verdictFile()
	if path == "" {
		return usageError{errors.New("config reload works within a unit that has a RuntimeDirectory=; elsewhere: systemctl reload convened")}
	}
	if c.PID <= 0 { // a process group, or everybody
		return usageError{fmt.Errorf("%d is no process", c.PID)}
	}
	before, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := syscall.Kill(c.PID, syscall.SIGHUP); err != nil {
		return fmt.Errorf("send SIGHUP to process %d: %w", c.PID, err)
	}
	ctx, cancel := context.WithTimeout(e.ctx, verdictPatience)
	defer cancel()
	for {
		after, err := os.ReadFile(path)
		if err == nil && !bytes.Equal(after, before) {
			if _, refused, _ := strings.Cut(string(after), "\n"); refused != "" {
				return fmt.Errorf("the daemon refused it, and all stays as it was: %s", refused)
			}
			return nil
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("process %d has not said within %s what came of it; see its log", c.PID, verdictPatience)
		}
	}
}
