package systemd_test

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"convened/internal/lab"
	"convened/systemd"
)

// TestMain lets this program be the next process of a unit: it prints what it
// inherits, and what can be read there.
func TestMain(m *testing.M) {
	if os.Getenv("PRINT_INHERITED") == "" {
		os.Exit(m.Run())
	}
	for range 2 { // the second time there is nothing left
		for name, f := range systemd.Inherited() {
			c, err := net.FileConn(f)
			if err != nil {
				panic(err)
			}
			b, err := io.ReadAll(c)
			if err != nil {
				panic(err)
			}
			os.Stdout.WriteString(name + " " + string(b) + "\n")
		}
	}
	os.Stdout.WriteString("unit " + systemd.NewKeeper(slog.New(slog.DiscardHandler)).Identity() + "\n")
	os.Exit(0)
}

// next starts the next process of a unit and returns what it prints.
func next(t *testing.T, m *lab.Manager) (inherited []string, unit string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "PRINT_INHERITED=1", "NOTIFY_SOCKET=")
	started, err := m.Prepare(cmd)
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.Output()
	started()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	last := len(lines) - 1
	return lines[:last], strings.TrimPrefix(lines[last], "unit ")
}

// kept returns a connection of this process and its other end.
func connected(t *testing.T) (mine *net.TCPConn, other net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if other, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); other.Close() })
	return c.(*net.TCPConn), other
}

func keep(t *testing.T, k *systemd.Keeper, name string, c *net.TCPConn) {
	t.Helper()
	rc, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Keep(name, rc); err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsKeptIsInheritedUntilItIsDropped(t *testing.T) {
	m, err := lab.StartManager(lab.ManagerOptions{Store: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	t.Setenv("NOTIFY_SOCKET", m.Socket())
	k := systemd.NewKeeper(slog.New(slog.DiscardHandler))
	a, otherA := connected(t)
	b, otherB := connected(t)
	c, _ := connected(t)
	keep(t, k, "smtp-a", a)
	keep(t, k, "smtp-b", b)
	keep(t, k, "smtp-c", c) // there is no room for it
	a.Close()               // as a death does
	b.Close()
	if _, err := io.WriteString(otherA, "250 ok"); err != nil {
		t.Errorf("the copy does not hold the connection: %v", err)
	}
	otherA.Close()
	k.Drop("smtp-b")
	k.Drop("never kept")
	inherited, unit := next(t, m)
	if want := "smtp-a 250 ok"; strings.Join(inherited, "|") != want {
		t.Errorf("the next process inherits %q, want %q", inherited, want)
	}
	if unit == "" || unit != k.Identity() {
		t.Errorf("the next process is of unit %q, this one of %q", unit, k.Identity())
	}
	if n, err := otherB.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("what was dropped is open: %d, %v", n, err)
	}
	other, err := lab.StartManager(lab.ManagerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, unit := next(t, other); unit == "" || unit == k.Identity() {
		t.Errorf("another manager's unit is %q too", unit)
	}
}

func TestWithoutAServiceManagerNothingIsKept(t *testing.T) {
	c, _ := connected(t)
	rc, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	for _, socket := range []string{"", "vsock:2:1234"} {
		t.Setenv("NOTIFY_SOCKET", socket)
		k := systemd.NewKeeper(slog.New(slog.DiscardHandler))
		if k != nil || k.Identity() != "" || k.Keep("a", rc) == nil {
			t.Errorf("with NOTIFY_SOCKET=%q it keeps", socket)
		}
		k.Drop("a")
	}
	t.Setenv("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "gone"))
	var log bytes.Buffer
	k := systemd.NewKeeper(slog.New(slog.NewTextHandler(&log, nil)))
	if err := k.Keep("a", rc); err == nil {
		t.Error("a manager that is gone keeps")
	}
	k.Drop("a")
	k.Drop("b")
	if got := strings.Count(log.String(), "FDSTOREREMOVE"); got != 1 {
		t.Errorf("the log says it %d times:\n%s", got, log.String())
	}
	if got := systemd.Inherited(); len(got) != 0 {
		t.Errorf("it inherits %v", got)
	}
}
