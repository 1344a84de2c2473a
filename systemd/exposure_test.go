//go:build linux

package systemd_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// install puts a unit and drop-ins into a directory of their own, as they would
// be in /etc/systemd/system, and returns the unit's path. The program is one
// that exists.
func install(t *testing.T, unit string, dropIns ...string) string {
	t.Helper()
	dir := t.TempDir()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	put := func(from, to string) {
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(read(t, from), "/usr/bin/convened", program)
		if err := os.WriteFile(to, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	put(unit, filepath.Join(dir, unit))
	for _, d := range dropIns {
		put(d, filepath.Join(dir, unit+".d", filepath.Base(d)))
	}
	if !strings.Contains(unit, "@") {
		return filepath.Join(dir, unit)
	}
	return filepath.Join(dir, strings.Replace(unit, "@", "@some", 1))
}

func analyze(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command("systemd-analyze", append([]string{"--no-pager"}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("systemd-analyze %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// The score is a bound on carelessness, no proof: that is `make hardening`.
func TestExposureStaysLow(t *testing.T) {
	for _, c := range []struct {
		unit   string
		sealed bool
		most   float64
	}{
		{"convened.service", false, 0.9},
		{"convened.service", true, 0.2},
		{"convened@.service", false, 0.9},
		{"convened@.service", true, 0.2},
	} {
		var dropIns []string
		if c.sealed {
			dropIns = []string{"convened.service.d/sealed.conf"}
		}
		out := analyze(t, "security", "--offline=true", install(t, c.unit, dropIns...))
		m := regexp.MustCompile(`Overall exposure level for \S+: ([0-9.]+)`).FindStringSubmatch(out)
		if m == nil {
			t.Fatalf("systemd-analyze security says no level:\n%s", out)
		}
		if got, err := strconv.ParseFloat(m[1], 64); err != nil || got > c.most {
			t.Errorf("%s, sealed %v: exposure %s, want at most %.1f\n%s", c.unit, c.sealed, m[1], c.most, out)
		}
	}
}

// A setting that systemd does not know is ignored with a warning, and protects nobody.
func TestSystemdKnowsEveryLineOfTheUnits(t *testing.T) {
	fields := strings.Fields(analyze(t, "--version"))
	version, err := strconv.Atoi(strings.Split(fields[1], ".")[0])
	if err != nil {
		t.Fatalf("systemd-analyze --version says %q", fields)
	}
	for unit, dropIns := range map[string][]string{
		"convened.service":  {"convened.service.d/sealed.conf", "convened.service.d/systemd-252.conf"},
		"convened@.service": {"convened.service.d/sealed.conf", "convened@.service.d/systemd-252.conf"},
	} {
		path := install(t, unit, dropIns...)
		for line := range strings.Lines(analyze(t, "verify", "--man=no", path)) {
			line = strings.TrimSpace(line)
			// The machine's other units are not ours to judge.
			if !strings.Contains(line, filepath.Dir(path)) && !strings.Contains(line, "convened") {
				continue
			}
			if version < 253 && slices.Contains(strings.Fields(line), "notify-reload") {
				continue // what the drop-in is for
			}
			if version < 254 && strings.Contains(line, "'FileDescriptorStorePreserve'") {
				continue // the unit says so
			}
			t.Errorf("%s: %s", unit, line)
		}
	}
}
