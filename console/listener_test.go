package console

import (
	"context"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"convened/internal/lab"
)

// said answers with a word.
func said(word string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, word) })
}

// serving starts a listener, which stops with stop and at the latest with the test.
func serving(t *testing.T, address string, h http.Handler) (logs *lockedBuffer, stop func()) {
	t.Helper()
	logs = &lockedBuffer{}
	l := &Listener{Name: "public", Address: address, Handler: h, Logger: slog.New(slog.NewTextHandler(logs, nil)), Again: 10 * time.Millisecond}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); l.Serve(ctx) }()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return logs, stop
}

// askAt asks on an address until somebody answers with the word.
func askAt(t *testing.T, address, word string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		if path, ok := strings.CutPrefix(address, "unix:"); ok {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		}
		return new(net.Dialer).DialContext(ctx, "tcp", address)
	}}}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost/", nil)
		if err != nil {
			t.Fatal(err)
		}
		if res, err := client.Do(r); err == nil {
			b, _ := io.ReadAll(res.Body)
			_ = res.Body.Close()
			if string(b) == word {
				return
			}
		}
		select {
		case <-ctx.Done():
			t.Fatalf("nobody at %s says %q", address, word)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// free returns an address that was free a moment ago.
func free(t *testing.T) string {
	t.Helper()
	address, err := lab.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// waitFor waits until a log says something.
func waitFor(t *testing.T, logs *lockedBuffer, words string) {
	t.Helper()
	for range 2000 {
		if strings.Contains(logs.String(), words) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("the log does not say %q:\n%s", words, logs)
}

func TestASecondDaemonServesWhenTheFirstStops(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "convened-") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	for _, address := range []string{free(t), "unix:" + filepath.Join(dir, "public.sock")} {
		_, stop := serving(t, address, said("first"))
		askAt(t, address, "first")
		logs, _ := serving(t, address, said("second"))
		waitFor(t, logs, "another serves on this address")
		askAt(t, address, "first")
		stop()
		askAt(t, address, "second")
		if n := strings.Count(logs.String(), "another serves"); n != 1 || !strings.Contains(logs.String(), "level=WARN") {
			t.Errorf("%s: it is said %d times:\n%s", address, n, logs)
		}
	}
}

func TestASocketIsForEveryUserAndReplacesADeadOne(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "convened-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "public.sock")
	dead, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	dead.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := dead.Close(); err != nil {
		t.Fatal(err)
	}
	_, stop := serving(t, "unix:"+path, said("alive"))
	askAt(t, "unix:"+path, "alive")
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o666 {
		t.Errorf("the socket is %v, %v", info.Mode(), err)
	}
	stop()
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the socket is left behind: %v", err)
	}
	// A file that is no socket is somebody's, and stays.
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	logs, _ := serving(t, "unix:"+path, said("alive"))
	waitFor(t, logs, "another serves on this address")
	if info, err := os.Stat(path); err != nil || info.Mode().Type() == fs.ModeSocket {
		t.Errorf("the file is gone: %v", err)
	}
}

func TestAnAddressThatCantBeHadIsAskedForAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "run", "x.sock")
	logs, _ := serving(t, "unix:"+path, said("there"))
	waitFor(t, logs, "listen, trying again")
	if err := os.Mkdir(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	askAt(t, "unix:"+path, "there")
	if n := strings.Count(logs.String(), "level=ERROR"); n != 1 {
		t.Errorf("it is said %d times:\n%s", n, logs)
	}
}

func TestAStopLetsARequestFinish(t *testing.T) {
	t.Parallel()
	address := free(t)
	begun, finish := make(chan struct{}), make(chan struct{})
	_, stop := serving(t, address, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/slow" {
			return
		}
		close(begun)
		<-finish
		_, _ = io.WriteString(w, "whole")
	}))
	askAt(t, address, "")
	answered := make(chan string, 1)
	go func() {
		res, err := http.Get("http://" + address + "/slow")
		if err != nil {
			answered <- err.Error()
			return
		}
		defer func() { _ = res.Body.Close() }()
		b, _ := io.ReadAll(res.Body)
		answered <- string(b)
	}()
	<-begun
	stopped := make(chan struct{})
	go func() { defer close(stopped); stop() }()
	for { // nobody new is served
		c, err := net.Dial("tcp", address)
		if err != nil {
			break
		}
		_ = c.Close()
		time.Sleep(5 * time.Millisecond)
	}
	close(finish)
	if got := <-answered; got != "whole" {
		t.Errorf("got %q", got)
	}
	<-stopped
}
