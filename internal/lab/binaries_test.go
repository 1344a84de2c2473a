//go:build unix

package lab

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// install puts programs that do nothing but say their version into a directory.
func install(t *testing.T, dir, version string, programs ...string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, program := range programs {
		script := "#!/bin/sh\necho \"" + program + " (PostgreSQL) " + version + "\"\n"
		if err := os.WriteFile(filepath.Join(dir, program), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFindBinariesTakesTheHighestVersionThatIsWhole(t *testing.T) {
	root := t.TempDir()
	t.Setenv("PATH", filepath.Join(root, "bin"))
	install(t, filepath.Join(root, "9.6", "bin"), "9.6.24", "postgres", "initdb")
	install(t, filepath.Join(root, "14", "bin"), "14.19 (Debian 14.19-1)", "postgres", "initdb")
	install(t, filepath.Join(root, "18", "bin"), "18beta1", "postgres", "initdb")
	install(t, filepath.Join(root, "19", "bin"), "19.0", "postgres") // no initdb
	got, err := findBinaries([]string{filepath.Join(root, "*", "bin")})
	if err != nil {
		t.Fatal(err)
	}
	if want := (binaries{filepath.Join(root, "18", "bin"), 18}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestFindBinariesPrefersPathAndFollowsItsLinks(t *testing.T) {
	root := t.TempDir()
	bin := filepath.Join(root, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin)
	install(t, filepath.Join(root, "15", "bin"), "15.18", "postgres", "initdb")
	install(t, filepath.Join(root, "16", "bin"), "16.1", "postgres", "initdb")
	if err := os.Symlink(filepath.Join(root, "15", "bin", "postgres"), filepath.Join(bin, "postgres")); err != nil {
		t.Fatal(err)
	}
	got, err := findBinaries([]string{filepath.Join(root, "*", "bin")})
	if err != nil {
		t.Fatal(err)
	}
	if want := (binaries{filepath.Join(root, "15", "bin"), 15}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestFindBinariesSaysWhatToInstall(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := findBinaries([]string{filepath.Join(t.TempDir(), "*")})
	if !errors.Is(err, ErrNoPostgres) {
		t.Fatalf("got %v, want %v", err, ErrNoPostgres)
	}
	if want := "apt install postgresql"; !strings.Contains(err.Error(), want) {
		t.Errorf("%q does not say %q", err, want)
	}
}

func TestEnvironmentLeadsPostgresNowhereElse(t *testing.T) {
	t.Setenv("PGHOST", "db.example.org")
	t.Setenv("LC_MESSAGES", "fr_FR.UTF-8")
	t.Setenv("HOME", "/home/ana")
	env := environment("PGPASSWORD=x")
	for _, kv := range env {
		if strings.HasPrefix(kv, "PGHOST=") || strings.HasPrefix(kv, "LC_MESSAGES=") {
			t.Errorf("%s is still there", kv)
		}
	}
	for _, want := range []string{"HOME=/home/ana", "LC_ALL=C", "PGPASSWORD=x"} {
		if !strings.Contains("\n"+strings.Join(env, "\n")+"\n", "\n"+want+"\n") {
			t.Errorf("%s is missing", want)
		}
	}
}
