//go:build linux

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"convened/internal/lab"
)

// A process is one of those that are measured or measured with. What it prints
// comes line by line.
type process struct {
	name  string
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines chan string // closed when it has closed its standard output
	log   string      // the file of its standard error
	gone  chan struct{}
	err   error // what it ended with, to be read after gone
}

// launch starts a program with what it says to standard error in a file of dir.
func launch(ctx context.Context, dir, name string, env []string, program string, args ...string) (*process, error) {
	return launchIn(ctx, "", dir, name, env, program, args...)
}

// launchIn is launch in a working directory.
func launchIn(ctx context.Context, work, dir, name string, env []string, program string, args ...string) (*process, error) {
	p := &process{name: name, cmd: exec.CommandContext(ctx, program, args...), lines: make(chan string, 16), log: filepath.Join(dir, name+".log")}
	p.cmd.Dir = work
	p.cmd.Env = append(os.Environ(), env...)
	in, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	p.in = in
	// Not StdoutPipe: Wait, which StartChild calls, would close it early.
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer write.Close()
	p.cmd.Stdout = write
	file, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	p.cmd.Stderr = file
	ended, err := lab.StartChild(p.cmd)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p.gone = make(chan struct{})
	go func() {
		p.err = <-ended
		close(p.gone)
	}()
	go func() {
		defer read.Close()
		defer close(p.lines)
		for s := bufio.NewScanner(read); s.Scan(); {
			p.lines <- s.Text()
		}
	}()
	return p, nil
}

// line waits for its next line.
func (p *process) line(limit time.Duration) (string, error) {
	select {
	case l, open := <-p.lines:
		if !open {
			return "", p.failed(errors.New("it has ended"))
		}
		return l, nil
	case <-time.After(limit):
		return "", p.failed(fmt.Errorf("it says nothing for %s", limit))
	}
}

// failed adds the end of its log to an error.
func (p *process) failed(err error) error {
	said, _ := os.ReadFile(p.log)
	return fmt.Errorf("%s: %w\n%s", p.name, err, said[max(0, len(said)-2000):])
}

// stop ends it, and waits.
func (p *process) stop() {
	_ = p.in.Close()
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may be gone
	select {
	case <-p.gone:
	case <-time.After(20 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.gone
	}
}

// wait waits for its end, which is to be a good one.
func (p *process) wait() error {
	if <-p.gone; p.err != nil {
		return p.failed(p.err)
	}
	return nil
}

// over reports whether it has ended.
func (p *process) over() bool {
	select {
	case <-p.gone:
		return true
	default:
		return false
	}
}

// tick is the unit of /proc/PID/stat, which has been this for user space on every
// Linux.
const tick = 10 * time.Millisecond

// spent is the CPU time of a process and of its children, those that are gone
// and those that are there.
func spent(pid int) time.Duration {
	var sum time.Duration
	all := children()
	var add func(pid int)
	add = func(pid int) {
		f := stat(pid)
		for i := 13; i <= 16 && i < len(f); i++ { // utime, stime, cutime, cstime
			n, _ := strconv.ParseInt(f[i], 10, 64)
			sum += time.Duration(n) * tick
		}
		for _, child := range all[pid] {
			add(child)
		}
	}
	add(pid)
	return sum
}

// stat returns the fields of /proc/PID/stat, counted from 0; nil if it is gone.
func stat(pid int) []string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	// The second is a name in parentheses, which may hold anything.
	i := strings.LastIndexByte(string(b), ')')
	return append([]string{"", ""}, strings.Fields(string(b[i+1:]))...)
}

// children lists the processes by their parents.
func children() map[int][]int {
	m := map[int][]int{}
	names, _ := filepath.Glob("/proc/[0-9]*")
	for _, name := range names {
		pid, _ := strconv.Atoi(filepath.Base(name))
		if f := stat(pid); len(f) > 3 {
			parent, _ := strconv.Atoi(f[3])
			m[parent] = append(m[parent], pid)
		}
	}
	return m
}

// mostMemory is the largest resident memory that a process has had, in bytes.
func mostMemory(pid int) int64 { return statusLine(pid, "VmHWM:") }

// memory is its resident memory now.
func memory(pid int) int64 { return statusLine(pid, "VmRSS:") }

func statusLine(pid int, key string) int64 {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == key {
			n, _ := strconv.ParseInt(f[1], 10, 64)
			return n << 10
		}
	}
	return 0
}
