//go:build unix

package lab

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// PostgresOptions says what kind of Postgres to start. The zero value is a
// fast and forgetful one for tests.
type PostgresOptions struct {
	// Dir holds the server's data, socket and password. "" is a directory of its
	// own, which Stop removes: in TMPDIR, else in memory where there is room and
	// no Fsync, else in /tmp. Any other must be new, empty or one used here
	// before: what was in it is there again.
	Dir string

	// Log gets the server's log. nil discards it; its end is quoted in errors
	// all the same. It is written to by one goroutine at a time.
	Log io.Writer

	// Settings are configuration parameters by their names in
	// postgresql.conf, and win over those chosen here.
	Settings map[string]string

	// Fsync has the server keep what it promised through a crash of the
	// machine, as a real one does. Without it a crash of the machine, but not of
	// the server, may lose or break everything, and commits cost little.
	Fsync bool
}

// A Postgres is a private server. Its superuser is postgres. Connections over
// the socket are trusted, since nobody but its owner and root can enter the
// socket's directory; those to 127.0.0.1 need the password (SCRAM).
//
// Its methods may be called by several goroutines.
type Postgres struct {
	bin      binaries
	account  account
	dir      *directory
	port     int
	secret   string
	settings []string // as -c arguments
	log      io.Writer

	mu      sync.Mutex
	running *process // nil while it is down
	stopped bool     // for good
}

// Limits of waiting. A start takes a fraction of a second, recovery after a
// crash as long as the log since the last checkpoint is.
const (
	restartLimit  = 2 * time.Minute
	readyInterval = 5 * time.Millisecond // of looking at postmaster.pid
)

// StartPostgres starts a private server and returns when it accepts connections,
// about a second later. The context bounds the start alone.
//
// Where no server is installed the error is ErrNoPostgres and says how to mend it.
// As root it runs as the user postgres, or else nobody, who must be able to pass
// through the directories above Dir.
func StartPostgres(ctx context.Context, o PostgresOptions) (*Postgres, error) {
	bin, err := installed()
	if err != nil {
		return nil, err
	}
	a, err := serverAccount()
	if err != nil {
		return nil, err
	}
	var dir *directory
	if o.Dir == "" {
		dir, err = makeTemporary(a, temporaryBases(o.Fsync))
	} else {
		dir, err = openDirectory(o.Dir, a)
	}
	if err != nil {
		return nil, err
	}
	p := &Postgres{bin: bin, account: a, dir: dir, log: o.Log}
	if err := p.begin(ctx, o); err != nil {
		return nil, errors.Join(err, dir.release())
	}
	return p, nil
}

// begin makes the cluster if there is none yet, and starts it.
func (p *Postgres) begin(ctx context.Context, o PostgresOptions) error {
	if _, err := os.Stat(filepath.Join(p.dir.data(), "PG_VERSION")); errors.Is(err, fs.ErrNotExist) {
		if err := p.initialise(ctx); err != nil {
			return err
		}
	}
	secret, err := os.ReadFile(p.dir.password())
	if err != nil {
		return fmt.Errorf("read the password of Postgres: %w", err)
	}
	p.secret = strings.TrimSpace(string(secret))
	// Between finding a free port and the server's taking it another program
	// may have been quicker.
	for attempt := 1; ; attempt++ {
		if p.port, err = FreePort(); err != nil {
			return err
		}
		p.settings = p.arguments(o)
		err = p.start(ctx)
		if err == nil || attempt == 3 || !strings.Contains(err.Error(), "could not bind") {
			return err
		}
	}
}

// initialise runs initdb. A cluster that it did not finish is not left behind.
func (p *Postgres) initialise(ctx context.Context) error {
	if err := os.WriteFile(p.dir.password(), []byte(rand.Text()+"\n"), 0o600); err != nil {
		return fmt.Errorf("write the password of Postgres: %w", err)
	}
	if err := p.account.own(p.dir.password()); err != nil {
		return err
	}
	err := p.initdb(ctx, "C.UTF-8")
	if err != nil && ctx.Err() == nil && strings.Contains(err.Error(), "invalid locale") {
		// A system without that locale: order by code point all the same, and
		// know only ASCII's upper and lower case.
		err = p.initdb(ctx, "C")
	}
	return err
}

func (p *Postgres) initdb(ctx context.Context, locale string) error {
	path, err := p.bin.path("initdb")
	if err != nil {
		return err
	}
	cmd := exec.Command(path, "--pgdata="+p.dir.data(), "--username=postgres", "--encoding=UTF8", "--locale="+locale,
		"--auth-local=trust", "--auth-host=scram-sha-256", "--pwfile="+p.dir.password(), "--no-sync")
	cmd.Dir, cmd.Env = p.dir.path, environment()
	// Killed without ado: what it leaves is removed with its directory.
	process, err := startProcess(cmd, p.account, nil, p.dir.lock, syscall.SIGKILL)
	if err != nil {
		return fmt.Errorf("run initdb: %w", err)
	}
	select {
	case <-process.done:
	case <-ctx.Done():
		return errors.Join(fmt.Errorf("run initdb: %w", ctx.Err()),
			process.end(syscall.SIGTERM, syscall.SIGKILL), os.RemoveAll(p.dir.data()))
	}
	if process.err != nil {
		return errors.Join(fmt.Errorf("run initdb: %w", process.exited()), os.RemoveAll(p.dir.data()))
	}
	return nil
}

// arguments are the settings as the server's command line, so that a
// directory used again gets those of today.
func (p *Postgres) arguments(o PostgresOptions) []string {
	settings := map[string]string{
		"listen_addresses":        "127.0.0.1",
		"port":                    strconv.Itoa(p.port),
		"unix_socket_directories": "",
		"unix_socket_permissions": "0700",
		"max_connections":         "300",
		"timezone":                "UTC",
		"log_timezone":            "UTC",
		"lc_messages":             "C",
		"fsync":                   "off",
		"synchronous_commit":      "off",
		"full_page_writes":        "off",
	}
	if p.socketFits() {
		settings["unix_socket_directories"] = p.dir.socket()
	}
	if !o.Fsync {
		settings["max_wal_size"] = "512MB" // it may be memory
	} else {
		settings["fsync"], settings["synchronous_commit"], settings["full_page_writes"] = "on", "on", "on"
	}
	maps.Copy(settings, o.Settings)
	arguments := make([]string, 0, 2*len(settings))
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		arguments = append(arguments, "-c", name+"="+settings[name])
	}
	return arguments
}

// socketFits reports whether the socket's path is short enough for sun_path
// of sockaddr_un: 104 bytes on the BSDs, four more on Linux. Nor does Postgres
// take a comma or a quote in the path for what it is.
func (p *Postgres) socketFits() bool {
	dir := p.dir.socket()
	return len(dir)+len("/.s.PGSQL.65535") < 104 && !strings.ContainsAny(dir, `,"'`)
}

// start runs the server and waits until it is ready. Whoever calls holds mu,
// or is the only one who knows p.
func (p *Postgres) start(ctx context.Context) error {
	path, err := p.bin.path("postgres")
	if err != nil {
		return err
	}
	cmd := exec.Command(path, append([]string{"-D", p.dir.data()}, p.settings...)...)
	cmd.Dir, cmd.Env = p.dir.path, environment()
	// SIGQUIT, not SIGKILL, when we die: the server takes its children and its
	// shared memory with it.
	process, err := startProcess(cmd, p.account, p.log, p.dir.lock, syscall.SIGQUIT)
	if err != nil {
		return fmt.Errorf("start Postgres: %w", err)
	}
	tick := time.NewTicker(readyInterval)
	defer tick.Stop()
	for !p.ready(process) {
		select {
		case <-tick.C:
		case <-process.done:
			return fmt.Errorf("start Postgres: %w", process.exited())
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("start Postgres: %w", ctx.Err()),
				process.end(syscall.SIGQUIT, syscall.SIGKILL))
		}
	}
	p.running = process
	return nil
}

// ready reads the status line of postmaster.pid, as pg_ctl does.
func (p *Postgres) ready(process *process) bool {
	b, err := os.ReadFile(filepath.Join(p.dir.data(), "postmaster.pid"))
	if err != nil {
		return false
	}
	lines := bytes.Split(b, []byte("\n"))
	if len(lines) <= 7 || string(bytes.TrimSpace(lines[0])) != strconv.Itoa(process.cmd.Process.Pid) {
		return false
	}
	status := string(bytes.TrimSpace(lines[7]))
	return status == "ready" || status == "standby" // one that follows another, and answers questions
}

// URL returns where a database of this server is, for its superuser, with
// sslmode written out: over the socket, or over TCP where the path of the
// socket would be too long for one. It holds no secret unless it is TCPURL.
func (p *Postgres) URL(database string) string {
	if !p.socketFits() {
		return p.TCPURL(database)
	}
	u := url.URL{Scheme: "postgres", User: url.User("postgres"), Path: "/" + database,
		// Not url.Values: its plus for a space is a plus to libpq.
		RawQuery: "host=" + url.PathEscape(p.dir.socket()) + "&port=" + strconv.Itoa(p.port) + "&sslmode=disable"}
	return u.String()
}

// TCPURL is URL over 127.0.0.1, with the password in it.
func (p *Postgres) TCPURL(database string) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword("postgres", p.secret), Path: "/" + database,
		Host: "127.0.0.1:" + strconv.Itoa(p.port), RawQuery: "sslmode=disable"}
	return u.String()
}

// Dir returns the directory that the server lives in.
func (p *Postgres) Dir() string { return p.dir.path }

// Stop shuts the server down in good order, cutting off whoever is connected,
// and removes its directory unless PostgresOptions named it. Of a stopped
// server nothing is left. Calling it again does nothing.
func (p *Postgres) Stop() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return nil
	}
	p.stopped = true
	err := p.shutDown()
	return errors.Join(err, p.dir.release())
}

// shutDown is a fast shutdown, and a harder one where that is not enough.
func (p *Postgres) shutDown() error {
	if p.running == nil {
		return nil
	}
	if err := p.running.end(syscall.SIGINT, syscall.SIGQUIT, syscall.SIGKILL); err != nil {
		return fmt.Errorf("stop Postgres: %w", err)
	}
	p.running = nil
	return nil
}

// Crash shuts the server down as if it had crashed: connections are cut at
// once, nothing is written, and the next start recovers from the log. What was
// committed with synchronous_commit on, by Fsync or by Settings, is there again;
// without, up to the last half second of commits may be gone.
func (p *Postgres) Crash() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running == nil {
		return nil
	}
	if err := p.running.end(syscall.SIGQUIT, syscall.SIGKILL); err != nil {
		return fmt.Errorf("crash Postgres: %w", err)
	}
	p.running = nil
	return nil
}

// Restart shuts the server down in good order where it runs, and starts it
// again on the same socket and port: its URLs stay as they are. A server that
// was stopped for good can't be restarted.
func (p *Postgres) Restart() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return errors.New("restart Postgres: it was stopped")
	}
	if err := p.shutDown(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), restartLimit)
	defer cancel()
	return p.start(ctx)
}
