//go:build unix

package lab

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// A process is a child that dies with us.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it is gone
	err  error         // of Wait; to be read after done

	mu   sync.Mutex
	tail []byte // the end of what it wrote
}

// tailSize is how much of a server's log an error message quotes from.
const tailSize = 2 << 10

// startProcess starts cmd as the account, with its output going to log (nil:
// nowhere) and with inherit as its file 3. It is in a process group of its own, so
// that Ctrl-C in a terminal reaches us alone and the server outlives our last
// words, and it gets the signal dying when we die.
func startProcess(cmd *exec.Cmd, a account, log io.Writer, inherit *os.File, dying syscall.Signal) (*process, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = w, w
	if inherit != nil {
		cmd.ExtraFiles = []*os.File{inherit}
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: a.credential(), Setpgid: true}
	dieWithUs(cmd.SysProcAttr, dying)

	p := &process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error)
	go p.hold(r, started, log)
	err = <-started
	w.Close()
	if err != nil {
		r.Close()
		return nil, err
	}
	return p, nil
}

// hold starts the process and stays with it. The kernel sends the
// parent-death signal when the thread that forked ends, not when the whole parent
// does, and the Go runtime ends threads as it likes: so one goroutine keeps its
// thread for as long as the process lives.
func (p *process) hold(output *os.File, started chan<- error, log io.Writer) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := p.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	copied := make(chan struct{})
	go p.copyOutput(output, log, copied)
	p.err = p.cmd.Wait()
	// A grandchild may hold the pipe open a little longer than the child.
	output.SetReadDeadline(time.Now().Add(time.Second))
	<-copied
	close(p.done)
}

func (p *process) copyOutput(output *os.File, log io.Writer, copied chan<- struct{}) {
	defer close(copied)
	defer output.Close()
	b := make([]byte, 4<<10)
	for {
		n, err := output.Read(b)
		if n > 0 {
			p.keep(b[:n])
			if log != nil {
				log.Write(b[:n]) // a log that can't be written to must not stop the server
			}
		}
		if err != nil {
			return
		}
	}
}

func (p *process) keep(b []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tail = append(p.tail, b...)
	if n := len(p.tail) - tailSize; n > 0 {
		p.tail = append(p.tail[:0], p.tail[n:]...)
	}
}

// said returns the end of what the process wrote.
func (p *process) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return string(bytes.TrimSpace(p.tail))
}

// exited says how the process ended, and quotes its last words.
func (p *process) exited() error {
	err := p.err
	if err == nil {
		err = errors.New("exit status 0")
	}
	if said := p.said(); said != "" {
		return fmt.Errorf("%w; it wrote:\n%s", err, said)
	}
	return err
}

// shutdownPatience is how long a signal is given to end a process: a fast
// shutdown writes a checkpoint.
const shutdownPatience = 30 * time.Second

// end sends each signal in turn until the process is gone.
func (p *process) end(signals ...syscall.Signal) error {
	for _, s := range signals {
		if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return fmt.Errorf("send %v to process %d: %w", s, p.cmd.Process.Pid, err)
		}
		timer := time.NewTimer(shutdownPatience)
		select {
		case <-p.done:
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
	return fmt.Errorf("process %d is still there after %v", p.cmd.Process.Pid, signals)
}
