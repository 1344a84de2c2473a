//go:build unix

package lab

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// An account is the user that a server runs as. The zero value is ourselves.
type account struct {
	name     string
	uid, gid uint32
}

// serverAccount returns whom to run Postgres as. It refuses to run as root, so
// root runs it as the user postgres where there is one, else as nobody.
func serverAccount() (account, error) {
	if os.Geteuid() != 0 {
		return account{}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 != nil || err2 != nil || uid == 0 {
			continue
		}
		return account{name: name, uid: uint32(uid), gid: uint32(gid)}, nil
	}
	return account{}, fmt.Errorf("run Postgres: it refuses to run as root, and there is no user postgres or nobody to run it as; " +
		"run this as an ordinary user")
}

// ourselves reports whether a is who we are.
func (a account) ourselves() bool { return a.name == "" }

// credential is what a child needs to become a; nil where nothing changes.
// Root's supplementary groups are dropped.
func (a account) credential() *syscall.Credential {
	if a.ourselves() {
		return nil
	}
	return &syscall.Credential{Uid: a.uid, Gid: a.gid}
}

// own gives path to a.
func (a account) own(path string) error {
	if a.ourselves() {
		return nil
	}
	if err := os.Lchown(path, int(a.uid), int(a.gid)); err != nil {
		return fmt.Errorf("give %s to user %s: %w", path, a.name, err)
	}
	return nil
}

// owns reports whether the file of info belongs to a or to us.
func (a account) owns(info os.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return false
	}
	return stat.Uid == uint32(os.Geteuid()) || !a.ourselves() && stat.Uid == a.uid
}

// reaches returns an error that names the first directory above path, path
// itself included, that a may not pass through.
func (a account) reaches(path string) error {
	if a.ourselves() {
		return nil
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	for dir := real; ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil {
			return err
		}
		if !a.passes(info) {
			return fmt.Errorf("user %s, whom Postgres runs as because it refuses root, may not pass through %s (mode %v); "+
				"choose a directory elsewhere or `chmod o+x %s`", a.name, dir, info.Mode().Perm(), dir)
		}
		if dir == filepath.Dir(dir) {
			return nil
		}
	}
}

// passes judges by the mode bits, as the kernel does for whoever is not root.
func (a account) passes(info os.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return false
	}
	mode := info.Mode().Perm()
	switch {
	case stat.Uid == a.uid:
		return mode&0o100 != 0
	case stat.Gid == a.gid:
		return mode&0o010 != 0
	default:
		return mode&0o001 != 0
	}
}
