//go:build unix

package lab

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// A Manager plays the service manager's part for one unit: it hears what the
// program tells it (sd_notify(3)), stores the file descriptors that it is given,
// and hands them to each process that it is asked to prepare (sd_listen_fds(3)).
// It starts and ends nothing.
//
// Of the store it does what systemd 252 and later do with FDSTORE=1, FDNAME= and
// FDSTOREREMOVE=1, but it never drops a descriptor of its own accord, as systemd
// does without FDPOLL=0. Its methods may be called by several goroutines.
type Manager struct {
	o    ManagerOptions
	conn *net.UnixConn
	path string
	done chan struct{} // nothing is heard any more

	mu     sync.Mutex
	stored []storedFile
	marks  map[string]chan struct{}
	serial int
}

// ManagerOptions say what a Manager does with what it hears.
type ManagerOptions struct {
	// Hear is told of each assignment but those of the store, by one goroutine; nil:
	// nobody is.
	Hear func(name, value string)

	// Store is the most descriptors that are kept (FileDescriptorStoreMax=). With 0
	// each is closed at once.
	Store int
}

// A storedFile is not an os.File: the descriptor's mode belongs to whoever uses
// the socket, and is shared with every copy.
type storedFile struct {
	name string
	fd   int
}

// StartManager starts one.
func StartManager(o ManagerOptions) (*Manager, error) {
	// A test's own directory may be too long for a socket's path.
	dir, err := os.MkdirTemp("", "lab-manager-")
	if err != nil {
		return nil, fmt.Errorf("play the service manager: %w", err)
	}
	m := &Manager{o: o, path: filepath.Join(dir, "notify"), done: make(chan struct{}), marks: map[string]chan struct{}{}}
	if m.conn, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: m.path, Net: "unixgram"}); err != nil {
		_ = os.RemoveAll(dir)
		return nil, fmt.Errorf("play the service manager: %w", err)
	}
	go m.hear()
	return m, nil
}

// Close ends it and closes all that is stored.
func (m *Manager) Close() error {
	err := m.conn.Close()
	<-m.done
	m.Discard()
	return errors.Join(err, os.RemoveAll(filepath.Dir(m.path)))
}

// Socket is what NOTIFY_SOCKET is set to.
func (m *Manager) Socket() string { return m.path }

// Discard closes all that is stored, as systemd does when a unit is stopped for good.
func (m *Manager) Discard() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.stored {
		_ = unix.Close(s.fd)
	}
	m.stored = nil
}

// Stored returns the names of what is stored, after all that was sent before it was
// called has been heard.
func (m *Manager) Stored() ([]string, error) {
	if err := m.settle(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var names []string
	for _, s := range m.stored {
		names = append(names, s.name)
	}
	return names, nil
}

// Prepare changes a command so that it is started as the unit's process: it knows
// the socket, and inherits what is stored. Whoever had the unit before must be dead. The
// command's Path, Args and Env must be set. done must be called when it has been
// started, or is not to be.
func (m *Manager) Prepare(cmd *exec.Cmd) (done func(), err error) {
	// What the last process sent is heard first, however it ended.
	if err := m.settle(); err != nil {
		return nil, err
	}
	if cmd.Env == nil {
		cmd.Env = os.Environ()
	}
	cmd.Env = append(cmd.Env, "NOTIFY_SOCKET="+m.path)
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.stored) == 0 {
		return func() {}, nil
	}
	var names []string
	var copies []*os.File
	for _, s := range m.stored {
		names = append(names, s.name)
		// A copy: what is stored may be removed before the command is started.
		fd, err := unix.FcntlInt(uintptr(s.fd), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			return nil, fmt.Errorf("hand over what is stored: %w", err)
		}
		copies = append(copies, os.NewFile(uintptr(fd), s.name))
	}
	cmd.ExtraFiles = copies // from 3 on, as the program expects them
	// Who starts it does not know its process id before: the shell does, and gives
	// its own to the program.
	cmd.Env = append(cmd.Env, "LISTEN_FDS="+strconv.Itoa(len(names)), "LISTEN_FDNAMES="+strings.Join(names, ":"))
	cmd.Args = append([]string{"/bin/sh", "-c", `LISTEN_PID=$$ exec "$@"`, "sh", cmd.Path}, cmd.Args[1:]...)
	cmd.Path = "/bin/sh"
	return func() {
		for _, f := range copies {
			_ = f.Close()
		}
	}, nil
}

// settle returns when all that has been sent is heard. A datagram to a Unix socket is in
// the receiver's queue before the sender's write returns.
func (m *Manager) settle() error {
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: m.path, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("hear what was sent: %w", err)
	}
	defer func() { _ = c.Close() }()
	heard := make(chan struct{})
	m.mu.Lock()
	m.serial++
	mark := strconv.Itoa(m.serial)
	m.marks[mark] = heard
	m.mu.Unlock()
	if _, err := c.Write([]byte(heardMark + "=" + mark)); err != nil {
		return fmt.Errorf("hear what was sent: %w", err)
	}
	select {
	case <-heard:
		return nil
	case <-m.done:
		return errors.New("hear what was sent: the manager is closed")
	}
}

// heardMark is a message of our own.
const heardMark = "X_HEARD"

func (m *Manager) hear() {
	defer close(m.done)
	b, rights := make([]byte, 64<<10), make([]byte, 4<<10)
	for {
		n, k, _, _, err := m.conn.ReadMsgUnix(b, rights)
		if err != nil {
			return
		}
		message := map[string]string{}
		for line := range strings.Lines(string(b[:n])) {
			name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
			message[name] = value
		}
		m.obey(message, received(rights[:k]))
		if m.o.Hear == nil {
			continue
		}
		for line := range strings.Lines(string(b[:n])) {
			name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
			if name != heardMark && !strings.HasPrefix(name, "FD") {
				m.o.Hear(name, value)
			}
		}
	}
}

// received returns the descriptors that came with a message.
func received(rights []byte) []int {
	messages, err := syscall.ParseSocketControlMessage(rights)
	if err != nil {
		return nil
	}
	var files []int
	for i := range messages {
		if fds, err := syscall.ParseUnixRights(&messages[i]); err == nil {
			files = append(files, fds...)
		}
	}
	return files
}

func (m *Manager) obey(message map[string]string, files []int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if heard := m.marks[message[heardMark]]; heard != nil {
		delete(m.marks, message[heardMark])
		close(heard)
	}
	name := message["FDNAME"]
	if message["FDSTOREREMOVE"] == "1" {
		kept := m.stored[:0]
		for _, s := range m.stored {
			if s.name == name {
				_ = unix.Close(s.fd)
			} else {
				kept = append(kept, s)
			}
		}
		m.stored = kept
	}
	if name == "" {
		name = "stored"
	}
	for _, fd := range files {
		if message["FDSTORE"] == "1" && len(m.stored) < m.o.Store {
			m.stored = append(m.stored, storedFile{name, fd})
		} else {
			_ = unix.Close(fd)
		}
	}
}
