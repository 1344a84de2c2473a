package systemd_test

import (
	"bytes"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"convened/systemd"
)

// A manager is the service manager's end of NOTIFY_SOCKET: a real datagram
// socket that this process is told to write to.
type manager struct{ conn *net.UnixConn }

func listen(t *testing.T) manager {
	t.Helper()
	// Not t.TempDir: a socket's path may have 107 bytes, and a test's name is long.
	dir, err := os.MkdirTemp("", "notify")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	addr := &net.UnixAddr{Name: filepath.Join(dir, "s"), Net: "unixgram"}
	conn, err := net.ListenUnixgram("unixgram", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	t.Setenv("NOTIFY_SOCKET", addr.Name)
	return manager{conn}
}

// messages returns what has arrived since it was called last.
func (m manager) messages(t *testing.T) []string {
	t.Helper()
	// A datagram on a Unix socket is in the receiver's queue before the sender's
	// write returns, so all there is stands before this one.
	const end = "that is all"
	conn, err := net.DialUnix("unixgram", nil, m.conn.LocalAddr().(*net.UnixAddr))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte(end)); err != nil {
		t.Fatal(err)
	}
	var got []string
	for buf := make([]byte, 4096); ; {
		size, err := m.conn.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		if string(buf[:size]) == end {
			return got
		}
		got = append(got, string(buf[:size]))
	}
}

func (m manager) want(t *testing.T, want ...string) {
	t.Helper()
	if got := m.messages(t); strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("the service manager was told %q, want %q", got, want)
	}
}

func watched(t *testing.T, every time.Duration) {
	t.Helper()
	t.Setenv("WATCHDOG_USEC", strconv.FormatInt(every.Microseconds(), 10))
	t.Setenv("WATCHDOG_PID", strconv.Itoa(os.Getpid()))
}

func TestLifeOfAServiceIsToldInOrder(t *testing.T) {
	m := listen(t)
	n := systemd.NewNotifier(slog.New(slog.DiscardHandler))
	n.Status("starting")
	n.Ready()
	n.Stopping()
	m.want(t, "STATUS=starting", "READY=1", "STOPPING=1")
}

func TestStatusIsOneLineAndIsNotRepeated(t *testing.T) {
	m := listen(t)
	n := systemd.NewNotifier(slog.New(slog.DiscardHandler))
	n.Status("waiting for Postgres\nMAINPID=1")
	n.Status("waiting for Postgres MAINPID=1")
	n.Status("relay is back")
	n.Status("waiting for Postgres MAINPID=1")
	m.want(t, "STATUS=waiting for Postgres MAINPID=1", "STATUS=relay is back", "STATUS=waiting for Postgres MAINPID=1")
}

func TestReloadingBearsTheMonotonicClock(t *testing.T) {
	m := listen(t)
	systemd.NewNotifier(slog.New(slog.DiscardHandler)).Reloading()
	got := m.messages(t)
	if len(got) != 1 {
		t.Fatalf("got %q, want one message", got)
	}
	reloading, clock, _ := strings.Cut(got[0], "\n")
	if reloading != "RELOADING=1" {
		t.Errorf("first line is %q, want RELOADING=1", reloading)
	}
	usec, ok := strings.CutPrefix(strings.TrimSpace(clock), "MONOTONIC_USEC=")
	if n, err := strconv.ParseInt(usec, 10, 64); !ok || err != nil || n <= 0 {
		t.Errorf("second line is %q, want MONOTONIC_USEC= and a positive number", clock)
	}
}

func TestWatchdogIsFedByFinishedTicks(t *testing.T) {
	m := listen(t)
	watched(t, time.Minute)
	n := systemd.NewNotifier(slog.New(slog.DiscardHandler), "send")
	if got, want := n.Watchdog(), time.Minute; got != want {
		t.Errorf("Watchdog() = %v, want %v", got, want)
	}
	m.want(t) // nothing feeds it before a tick is over

	now := time.Date(2026, time.November, 25, 15, 0, 0, 0, time.UTC)
	n.Finished("send", now)
	m.want(t, "WATCHDOG=1")
	n.Finished("send", now.Add(time.Second)) // too soon to say it again
	m.want(t)
	n.Finished("send", now.Add(8*time.Second))
	m.want(t, "WATCHDOG=1")
	n.Finished("send", now.Add(-time.Hour)) // the clock was put back
	m.want(t, "WATCHDOG=1")
}

func TestOneHangingLoopStarvesTheWatchdog(t *testing.T) {
	m := listen(t)
	watched(t, time.Minute)
	n := systemd.NewNotifier(slog.New(slog.DiscardHandler), "plan", "send")
	now := time.Date(2026, time.November, 25, 15, 0, 0, 0, time.UTC)
	n.Finished("plan", now)
	n.Finished("send", now)
	m.want(t, "WATCHDOG=1")
	for range 100 { // plan hangs
		now = now.Add(5 * time.Second)
		n.Finished("send", now)
		n.Finished("unheard of", now)
	}
	m.want(t)
	n.Finished("plan", now)
	m.want(t, "WATCHDOG=1")
}

func TestAnotherProcessesWatchdogIsNotOurs(t *testing.T) {
	listen(t)
	watched(t, time.Minute)
	t.Setenv("WATCHDOG_PID", strconv.Itoa(os.Getppid()))
	if got := systemd.NewNotifier(slog.New(slog.DiscardHandler), "send").Watchdog(); got != 0 {
		t.Errorf("Watchdog() = %v, want 0", got)
	}
}

func TestNothingIsSaidOutsideAService(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	t.Setenv("WATCHDOG_USEC", "")
	var log bytes.Buffer
	n := systemd.NewNotifier(slog.New(slog.NewTextHandler(&log, nil)), "send")
	speak(n)
	speak(nil)
	if log.Len() != 0 {
		t.Errorf("outside a service the log says %q, want nothing", log.String())
	}
}

func TestAServiceManagerThatIsGoneIsALineInTheLog(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "gone"))
	t.Setenv("WATCHDOG_USEC", "soon")
	var log bytes.Buffer
	n := systemd.NewNotifier(slog.New(slog.NewTextHandler(&log, nil)), "send")
	if got := n.Watchdog(); got != 0 {
		t.Errorf("Watchdog() = %v of a garbled interval, want 0", got)
	}
	watched(t, time.Minute)
	speak(systemd.NewNotifier(slog.New(slog.NewTextHandler(&log, nil)), "send"))
	for _, want := range []string{"WATCHDOG_USEC", "message=READY", "message=STATUS", "message=RELOADING", "message=WATCHDOG", "message=STOPPING"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log does not say %s:\n%s", want, log.String())
		}
	}
}

// speak calls every method once.
func speak(n *systemd.Notifier) {
	n.Ready()
	n.Status("working")
	n.Reloading()
	n.Finished("send", time.Date(2026, time.November, 25, 15, 0, 0, 0, time.UTC))
	n.Stopping()
	n.Watchdog()
}
