//go:build unix

package lab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// ErrNoPostgres says that this machine has no Postgres server to start. The
// error that wraps it says where it was looked for and what to install.
var ErrNoPostgres = errors.New("no Postgres server is installed here")

// oldestPostgres is the first major version that can be used: createdb and
// dropdb --force are as they are needed from it on.
const oldestPostgres = 13

// binaries are the programs of one Postgres installation.
type binaries struct {
	dir   string // absolute, symbolic links resolved
	major int
}

// installations are the directories where distributions put the programs of
// Postgres out of PATH's way, one per major version.
var installations = []string{
	"/usr/lib/postgresql/*/bin",                          // Debian, Ubuntu
	"/usr/pgsql-*/bin",                                   // RPMs of postgresql.org
	"/usr/libexec/postgresql*",                           // Alpine
	"/opt/homebrew/opt/postgresql@*/bin",                 // Homebrew on Apple silicon
	"/usr/local/opt/postgresql@*/bin",                    // Homebrew on Intel
	"/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",    // Homebrew on Linux
	"/opt/local/lib/postgresql*/bin",                     // MacPorts
	"/Applications/Postgres.app/Contents/Versions/*/bin", // Postgres.app
	"/usr/local/pgsql/bin",                               // built from source
}

// installed returns the programs of this machine. They are looked for once.
var installed = sync.OnceValues(func() (binaries, error) { return findBinaries(installations) })

// findBinaries returns the server on PATH, else the one pg_config knows, else
// the highest version among the places given. Its error is ErrNoPostgres.
func findBinaries(places []string) (binaries, error) {
	var tried []string
	consider := func(dir string) (binaries, bool) {
		// Debian's /usr/bin holds wrappers that choose among versions, and a
		// link on PATH may show one program out of the set: go to where the
		// programs really are.
		if real, err := filepath.EvalSymlinks(filepath.Join(dir, "postgres")); err == nil {
			dir = filepath.Dir(real)
		}
		if slices.Contains(tried, dir) {
			return binaries{}, false
		}
		tried = append(tried, dir)
		b := binaries{dir: dir, major: majorVersion(filepath.Join(dir, "postgres"))}
		_, err := exec.LookPath(filepath.Join(dir, "initdb"))
		return b, err == nil && b.major >= oldestPostgres
	}
	if path, err := exec.LookPath("postgres"); err == nil {
		if b, ok := consider(filepath.Dir(path)); ok {
			return b, nil
		}
	}
	if out, err := exec.Command("pg_config", "--bindir").Output(); err == nil {
		if b, ok := consider(strings.TrimSpace(string(out))); ok {
			return b, nil
		}
	}
	var best binaries
	for _, place := range places {
		dirs, _ := filepath.Glob(place) // its only error is a bad pattern
		for _, dir := range dirs {
			if b, ok := consider(dir); ok && b.major > best.major {
				best = b
			}
		}
	}
	if best.major == 0 {
		return binaries{}, fmt.Errorf("%w (version %d or later; looked on PATH, where pg_config says, and in %s): "+
			"on Debian and Ubuntu `apt install postgresql`, on Fedora `dnf install postgresql-server`, "+
			"with Homebrew `brew install postgresql`, or put the directory of initdb on PATH",
			ErrNoPostgres, oldestPostgres, strings.Join(places, ", "))
	}
	return best, nil
}

var versionNumber = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// majorVersion asks a postgres program for its version; 0 if it doesn't say.
func majorVersion(postgres string) int {
	out, err := exec.Command(postgres, "--version").Output()
	if err != nil {
		return 0
	}
	m := versionNumber.FindSubmatch(out)
	if m == nil {
		return 0
	}
	n, _ := strconv.Atoi(string(m[1])) // digits by the pattern; 0 on overflow is right too
	return n
}

// path returns where a program is: beside the server, or on PATH where a
// distribution packs the client programs elsewhere.
func (b binaries) path(program string) (string, error) {
	if path, err := exec.LookPath(filepath.Join(b.dir, program)); err == nil {
		return path, nil
	}
	path, err := exec.LookPath(program)
	if err != nil {
		return "", fmt.Errorf("find %s, which belongs to Postgres (on Debian and Ubuntu `apt install postgresql-client`): %w", program, err)
	}
	return path, nil
}

// environment is ours without what would lead Postgres's programs elsewhere:
// PGHOST, PGDATA, PGOPTIONS and their kin. Messages come in English, because
// they end in error messages of ours.
func environment(extra ...string) []string {
	env := slices.DeleteFunc(os.Environ(), func(kv string) bool {
		return strings.HasPrefix(kv, "PG") || strings.HasPrefix(kv, "LC_") || strings.HasPrefix(kv, "LANGUAGE=")
	})
	return append(append(env, "LC_ALL=C"), extra...)
}
