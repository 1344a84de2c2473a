//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"convened/internal/lab"
)

// A daemon is `convened run`, as a service manager would start it.
type daemon struct {
	cmd   *exec.Cmd
	log   string // file
	gone  chan struct{}
	state *os.ProcessState // to be read after gone

	mu    sync.Mutex
	ended bool // we told it to end
}

// A start says how a daemon is started otherwise than usual.
type start struct {
	program string   // "" is the laboratory's
	config  string   // "" is the rig's
	env     []string // beside ours
	output  *os.File // instead of a log
	closed  bool     // without standard output and standard error
	kept    bool     // in a crew: each under a service manager that keeps its connections
	unit    *lab.Manager
}

// launch starts a daemon. It returns at once.
func (r *rig) launch(s start) (*daemon, error) {
	r.mu.Lock()
	number := len(r.daemons) + 1
	r.mu.Unlock()
	d := &daemon{log: filepath.Join(r.dir, fmt.Sprintf("daemon-%d.log", number)), gone: make(chan struct{})}
	program, config := s.program, s.config
	if program == "" {
		program = r.lab.program
	}
	if config == "" {
		config = r.config
	}
	d.cmd = exec.Command(program, "run", "--config", config)
	if s.closed {
		d.cmd = exec.Command("/bin/sh", "-c", `exec "$0" run --config "$1" >&- 2>&-`, program, config)
	}
	d.cmd.Env = slices.Concat(environment(), r.env, s.env)
	if s.output != nil {
		d.cmd.Stdout, d.cmd.Stderr = s.output, s.output
	} else {
		f, err := os.Create(d.log)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		d.cmd.Stdout, d.cmd.Stderr = f, f
	}
	if s.unit != nil {
		done, err := s.unit.Prepare(d.cmd)
		if err != nil {
			return nil, err
		}
		defer done()
	}
	ended, err := lab.StartChild(d.cmd)
	if err != nil {
		return nil, err
	}
	go func() {
		<-ended
		d.state = d.cmd.ProcessState
		close(d.gone)
	}()
	r.mu.Lock()
	r.daemons = append(r.daemons, d)
	r.mu.Unlock()
	return d, nil
}

// environment is ours without what the program listens to.
func environment() []string {
	var env []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "CONVENED_") && !strings.HasPrefix(kv, "PG") && !strings.HasPrefix(kv, "NOTIFY_SOCKET=") && !strings.HasPrefix(kv, "WATCHDOG_") && !strings.HasPrefix(kv, "LISTEN_") {
			env = append(env, kv)
		}
	}
	return env
}

// start is launch for a scenario that can't go on without it.
func (r *rig) start(s start) *daemon {
	d, err := r.launch(s)
	r.must(err)
	return d
}

func (d *daemon) pid() int { return d.cmd.Process.Pid }

func (d *daemon) alive() bool {
	select {
	case <-d.gone:
		return false
	default:
		return true
	}
}

// send sends a signal. To send one to a process that is gone does nothing.
func (d *daemon) send(s syscall.Signal) {
	if d.alive() {
		_ = d.cmd.Process.Signal(s)
	}
}

// kill is kill -9, and waits for the death.
func (d *daemon) kill() {
	d.setEnded()
	d.send(syscall.SIGKILL)
	<-d.gone
}

func (d *daemon) setEnded() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ended = true
}

func (d *daemon) wasEnded() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ended
}

// wait waits for its end. It reports false where that does not come.
func (d *daemon) wait(limit time.Duration) bool {
	select {
	case <-d.gone:
		return true
	case <-time.After(limit):
		return false
	}
}

// code is its exit code; -1 if a signal ended it.
func (d *daemon) code() int { return d.state.ExitCode() }

// stop is SIGTERM, and how long it took.
func (d *daemon) stop(limit time.Duration) (took time.Duration, err error) {
	d.setEnded()
	began := time.Now()
	d.send(syscall.SIGCONT)
	d.send(syscall.SIGTERM)
	if !d.wait(limit) {
		d.send(syscall.SIGKILL)
		<-d.gone
		return time.Since(began), fmt.Errorf("it did not stop within %s of SIGTERM", limit)
	}
	if d.code() != 0 && !d.unborn() {
		return time.Since(began), fmt.Errorf("it ended with %s", d.state)
	}
	return time.Since(began), nil
}

// unborn reports whether SIGTERM came before the program had begun, and knew what it means.
func (d *daemon) unborn() bool {
	log, err := os.Stat(d.log)
	return err == nil && log.Size() == 0 && fmt.Sprint(d.state) == "signal: terminated"
}

// said returns what it wrote to its log.
func (d *daemon) said() string {
	b, _ := os.ReadFile(d.log)
	return string(b)
}

// memory returns the resident memory now and at most, in bytes.
func (d *daemon) memory() (now, most int64) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", d.pid()))
	if err != nil {
		return 0, 0
	}
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		n, _ := strconv.ParseInt(f[1], 10, 64)
		switch f[0] {
		case "VmRSS:":
			now = n << 10
		case "VmHWM:":
			most = n << 10
		}
	}
	return now, most
}

// files returns how many file descriptors it has.
func (d *daemon) files() int {
	names, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", d.pid()))
	return len(names)
}

// goroutines makes it dump its goroutines, which is its end, and counts them.
func (d *daemon) goroutines() (int, error) {
	d.setEnded()
	d.send(syscall.SIGQUIT)
	if !d.wait(10 * time.Second) {
		return 0, errors.New("SIGQUIT does not end it")
	}
	said := d.said()
	if i := strings.Index(said, "SIGQUIT: quit"); i >= 0 { // each thread may say it again
		said = said[i:]
	}
	n := strings.Count(said, "\ngoroutine ")
	if n == 0 {
		return 0, errors.New("it dumped no goroutines")
	}
	return n, nil
}

// A crew keeps a number of daemons running, as a service manager with
// Restart=always and no delay does.
type crew struct {
	r       *rig
	start   start
	mu      sync.Mutex
	slots   []*daemon
	units   []*lab.Manager // of the slots, where connections are kept
	deaths  int            // that nobody of us asked for
	stopped bool
	done    sync.WaitGroup
}

// crew starts n daemons and keeps that many.
func (r *rig) crew(n int, s start) *crew {
	c := &crew{r: r, start: s, slots: make([]*daemon, n)}
	for i := range n {
		if s.kept {
			c.units = append(c.units, r.unit(lab.ManagerOptions{Store: 4 * connections}))
		}
		c.slots[i] = r.start(c.of(i))
		c.done.Go(func() { c.keep(i) })
	}
	r.crews = append(r.crews, c)
	return c
}

func (c *crew) keep(i int) {
	for {
		d := c.member(i)
		<-d.gone
		c.mu.Lock()
		if c.stopped || c.r.ctx.Err() != nil {
			c.mu.Unlock()
			return
		}
		if !d.wasEnded() {
			c.deaths++
		}
		next, err := c.r.launch(c.of(i))
		if err != nil {
			c.mu.Unlock()
			c.r.fail("a daemon can't be started again: %v", err)
			return
		}
		c.slots[i] = next
		c.mu.Unlock()
	}
}

// of is how a slot's daemon is started.
func (c *crew) of(i int) start {
	s := c.start
	if i < len(c.units) {
		s.unit = c.units[i]
	}
	return s
}

func (c *crew) member(i int) *daemon {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.slots[i]
}

// killed returns how many died of themselves.
func (c *crew) killed() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.deaths
}

// change has the next ones started otherwise.
func (c *crew) change(s start) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.start = s
}

// dismiss lets those that run run, and starts no more.
func (c *crew) dismiss() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = true
}
