package systemd

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/activation"
)

// A Keeper is the service manager's store of file descriptors (systemd.exec(5),
// FileDescriptorStoreMax=). What it holds outlives this process, however it
// ends, and is handed to the next process of the unit: see Inherited. Its methods
// may be called from any goroutine; those of a nil Keeper do nothing.
//
// The manager never says whether it kept something. A unit without a store, a
// store that is full, a manager of another make: each drops the descriptor, and
// the next process does not inherit it.
type Keeper struct {
	log    *slog.Logger
	socket *net.UnixAddr

	mu      sync.Mutex
	failing bool // what was said last could not be delivered
}

// keeperPatience bounds how long a message may wait for room in the manager's
// socket: mail waits with it.
const keeperPatience = time.Second

// NewKeeper returns the store of the service manager that started this process,
// nil where there is none.
func NewKeeper(log *slog.Logger) *Keeper {
	// systemd 254 says how much the store of this unit holds; before, nobody does.
	name := os.Getenv("NOTIFY_SOCKET")
	if name == "" || name[0] != '/' && name[0] != '@' || os.Getenv("FDSTORE") == "0" {
		return nil
	}
	return &Keeper{log: log, socket: &net.UnixAddr{Name: name, Net: "unixgram"}}
}

// Keep gives the manager a copy of a descriptor. The name has no colon and tells
// nothing: `systemd-analyze fdstore` shows it to everyone. The copy stays until
// Drop, also when the other end is gone: what has arrived on it can still be read.
func (k *Keeper) Keep(name string, c syscall.RawConn) error {
	if k == nil {
		return errors.New("there is no service manager to keep it")
	}
	var err error
	if cerr := c.Control(func(fd uintptr) {
		err = k.send("FDSTORE=1\nFDNAME="+name+"\nFDPOLL=0", syscall.UnixRights(int(fd)))
	}); cerr != nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("store a descriptor with the service manager: %w", err)
	}
	return nil
}

// Drop has the manager close its copy. It does nothing for a name that is not kept.
func (k *Keeper) Drop(name string) {
	if k == nil {
		return
	}
	err := k.send("FDSTOREREMOVE=1\nFDNAME="+name, nil)
	k.mu.Lock()
	first := err != nil && !k.failing
	k.failing = err != nil
	k.mu.Unlock()
	if first {
		k.log.Warn("notify service manager", "message", "FDSTOREREMOVE", "err", err)
	}
}

func (k *Keeper) send(message string, rights []byte) error {
	c, err := net.DialUnix("unixgram", nil, k.socket)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	if err := c.SetWriteDeadline(time.Now().Add(keeperPatience)); err != nil {
		return err
	}
	rc, err := c.SyscallConn()
	if err != nil {
		return err
	}
	// The net package sends no rights over a datagram socket that is connected.
	var sent error
	if err := rc.Write(func(fd uintptr) (done bool) {
		sent = syscall.Sendmsg(int(fd), []byte(message), rights, nil, 0)
		return !errors.Is(sent, syscall.EAGAIN)
	}); err != nil {
		return err
	}
	return os.NewSyscallError("sendmsg", sent)
}

// Identity tells this unit from others on the machine, and stays the same from
// one process of it to the next; "" where there is no store. Who reads it learns
// nothing else.
func (k *Keeper) Identity() string {
	if k == nil {
		return ""
	}
	// All units share a manager's socket, and each has a control group. Without
	// either, two units look alike, which the caller must be able to bear.
	group, _ := os.ReadFile("/proc/self/cgroup")
	sum := sha256.Sum256(append(group, k.socket.Name...))
	return hex.EncodeToString(sum[:8])
}

// Inherited returns the descriptors that the manager has handed to this process
// (sd_listen_fds(3)), by the names under which an earlier one had them kept, and
// forgets where they are: a second call returns none. They are the caller's to
// close. Of several under one name it returns one.
func Inherited() map[string]*os.File {
	files := activation.Files(true)
	byName := make(map[string]*os.File, len(files))
	for _, f := range files {
		if other := byName[f.Name()]; other != nil {
			_ = other.Close()
		}
		byName[f.Name()] = f
	}
	return byName
}
