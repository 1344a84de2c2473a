//go:build unix

package lab

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// A directory is the home of one private Postgres:
//
//	data/      the cluster
//	socket/    mode 0700: whoever may enter is trusted as the superuser
//	password   the superuser's, for connections over TCP
//	lock       locked for as long as we or any process of the server lives
//
// The lock is an flock(2) on an open file that the server inherits, so the
// kernel itself says when a directory has been abandoned: a run killed with
// SIGKILL can't remove its own, and the next run does.
type directory struct {
	path      string
	temporary bool // removed when the server is stopped
	lock      *os.File
}

const temporaryPrefix = "convened-pg-"

func (d *directory) data() string     { return filepath.Join(d.path, "data") }
func (d *directory) socket() string   { return filepath.Join(d.path, "socket") }
func (d *directory) password() string { return filepath.Join(d.path, "password") }

// temporaryBases are the places for a temporary directory, the best first.
// TMPDIR is somebody's will; without it, what need not last is kept in memory.
func temporaryBases(lasting bool) []string {
	bases := []string{os.TempDir(), "/tmp", "/var/tmp"}
	if memory := memoryDirectory(); memory != "" && !lasting && os.Getenv("TMPDIR") == "" {
		bases = slices.Insert(bases, 0, memory)
	}
	return bases
}

// makeTemporary makes a new directory in the first of the bases where the
// account reaches it, and takes away those that killed runs left beside it.
func makeTemporary(a account, bases []string) (*directory, error) {
	var problems error
	for _, base := range bases {
		if err := a.reaches(base); err != nil {
			problems = errors.Join(problems, err)
			continue
		}
		sweep(base, a)
		path, err := os.MkdirTemp(base, temporaryPrefix)
		if err != nil {
			problems = errors.Join(problems, err)
			continue
		}
		d := &directory{path: path, temporary: true}
		if err := d.furnish(a); err != nil {
			return nil, errors.Join(err, os.RemoveAll(path))
		}
		return d, nil
	}
	return nil, fmt.Errorf("make a directory for Postgres: %w", problems)
}

// openDirectory uses a directory of the caller's: absent, empty, or one that
// was used before. Anything else is left alone.
func openDirectory(path string, a account) (*directory, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("use directory %s for Postgres: %w", path, err)
	}
	_, absent := os.Lstat(path)
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("use directory %s for Postgres: %w", path, err)
	}
	d := &directory{path: path}
	if err := d.takeOver(a); err != nil {
		if absent != nil {
			err = errors.Join(err, os.Remove(path))
		}
		return nil, fmt.Errorf("use directory %s for Postgres: %w", path, err)
	}
	return d, nil
}

// takeOver furnishes a directory that nobody else has a use for.
func (d *directory) takeOver(a account) error {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(d.path, "lock")); len(entries) > 0 && err != nil {
		return errors.New("it holds other things; name one that is empty or new")
	}
	if err := a.reaches(filepath.Dir(d.path)); err != nil {
		return err
	}
	return d.furnish(a)
}

// furnish locks the directory and sees to what stands in it.
func (d *directory) furnish(a account) error {
	if err := d.hold(); err != nil {
		return err
	}
	err := func() error {
		if err := os.Mkdir(d.socket(), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("make the socket's directory: %w", err)
		}
		if err := os.Chmod(d.path, 0o700); err != nil {
			return fmt.Errorf("close directory %s to others: %w", d.path, err)
		}
		return errors.Join(a.own(d.socket()), a.own(d.path))
	}()
	if err != nil {
		d.lock.Close()
	}
	return err
}

// hold takes the lock.
func (d *directory) hold() error {
	path := filepath.Join(d.path, "lock")
	f, err := os.OpenFile(path, os.O_RDWR|syscall.O_NOFOLLOW, 0)
	if errors.Is(err, fs.ErrNotExist) {
		// The file is locked before it bears its name: a lock that is there
		// and free is an abandoned one, at every instant.
		if f, err = os.OpenFile(path+".new", os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600); err == nil {
			if err = lockFile(f); err == nil {
				err = os.Rename(f.Name(), path)
			}
		}
	} else if err == nil {
		err = lockFile(f)
	}
	if err != nil {
		if f != nil {
			f.Close()
		}
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return errors.New("another server of ours runs in it")
		}
		return fmt.Errorf("lock directory %s: %w", d.path, err)
	}
	d.lock = f
	return nil
}

func lockFile(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }

// unlock closes a file that is locked. Close alone leaves it locked as long as a
// child between fork and exec has it too.
func unlock(f *os.File) error {
	return errors.Join(syscall.Flock(int(f.Fd()), syscall.LOCK_UN), f.Close())
}

// release gives the directory up. A temporary one is removed first, while it is
// still ours.
func (d *directory) release() error {
	var err error
	if d.temporary {
		if err = os.RemoveAll(d.path); err != nil {
			err = fmt.Errorf("remove Postgres's directory: %w", err)
		}
	}
	return errors.Join(err, unlock(d.lock))
}

// sweep removes the temporary directories that nobody holds any more. It is
// housekeeping: what it can't judge or remove it leaves.
func sweep(base string, a account) {
	paths, _ := filepath.Glob(filepath.Join(base, temporaryPrefix+"*"))
	for _, path := range paths {
		info, err := os.Lstat(path)
		if err != nil || !info.IsDir() || !a.owns(info) {
			continue
		}
		f, err := os.OpenFile(filepath.Join(path, "lock"), os.O_RDWR|syscall.O_NOFOLLOW, 0)
		if err != nil {
			continue
		}
		if lockFile(f) == nil {
			os.RemoveAll(path)
		}
		f.Close()
	}
}
