package console

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"
)

// How patient a listener is with its clients, and with the address it wants.
const (
	headerLimit   = 5 * time.Second
	readLimit     = 10 * time.Second
	writeLimit    = 30 * time.Second
	idleLimit     = 2 * time.Minute // longer than proxies keep a connection
	headerBytes   = 16 << 10
	closeLimit    = 5 * time.Second
	listenAgain   = 3 * time.Second
	socketForAll  = 0o666
	socketAddress = "unix:"
)

// A Listener serves pages on an address for as long as a daemon runs.
type Listener struct {
	Name    string // for the log: public, console
	Address string // host:port, or unix:/path
	Handler http.Handler
	Logger  *slog.Logger
	Again   time.Duration // to wait where the address can't be had; 0 is 3 seconds
}

// Serve serves until ctx is done, and then until the requests at hand are answered,
// five seconds at most. It never fails: pages are not worth a stop of the mail. An address
// that another has, a second daemon on this machine above all, is asked for again
// and again, so that whoever remains serves.
//
// A socket is open to every user of the machine, as a port of the loopback address
// is; the directory that it stands in says who gets there. One that a dead process
// left is replaced.
func (l *Listener) Serve(ctx context.Context) {
	again := l.Again
	if again == 0 {
		again = listenAgain
	}
	said := ""
	for ctx.Err() == nil {
		ln, err := listen(ctx, l.Address)
		if err == nil {
			said = ""
			l.Logger.Info("listening", "listener", l.Name, "address", l.Address)
			if err = l.serve(ctx, ln); err == nil {
				return
			}
		}
		if why := err.Error(); why != said {
			said = why
			if errors.Is(err, syscall.EADDRINUSE) {
				l.Logger.Warn("another serves on this address; waiting until it stops", "listener", l.Name, "address", l.Address)
			} else {
				l.Logger.Error("listen, trying again", "listener", l.Name, "address", l.Address, "error", why)
			}
		}
		select {
		case <-time.After(again):
		case <-ctx.Done():
		}
	}
}

// serve serves on ln until ctx is done; nil then.
func (l *Listener) serve(ctx context.Context, ln net.Listener) error {
	server := &http.Server{
		Handler: l.Handler, ReadHeaderTimeout: headerLimit, ReadTimeout: readLimit, WriteTimeout: writeLimit, IdleTimeout: idleLimit,
		MaxHeaderBytes: headerBytes,
		// It speaks of clients that hang up and of bytes that are no request.
		ErrorLog: slog.NewLogLogger(l.Logger.Handler(), slog.LevelDebug),
	}
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(closed)
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeLimit)
		defer cancel()
		if server.Shutdown(last) != nil {
			_ = server.Close() // who still waits for an answer gets none
		}
	})
	err := server.Serve(ln)
	if stop() {
		return fmt.Errorf("serve: %w", err)
	}
	<-closed
	return nil
}

// listen listens on host:port or unix:/path.
func listen(ctx context.Context, address string) (net.Listener, error) {
	path, isSocket := strings.CutPrefix(address, socketAddress)
	if !isSocket {
		return net.Listen("tcp", address)
	}
	ln, err := net.Listen("unix", path)
	if errors.Is(err, syscall.EADDRINUSE) && abandoned(ctx, path) {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("replace the socket of a dead process: %w", err)
		}
		ln, err = net.Listen("unix", path)
	}
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, socketForAll); err != nil {
		_ = ln.Close()
		return nil, err
	}
	return ln, nil
}

// abandoned reports whether path is a socket that nobody listens on any more.
func abandoned(ctx context.Context, path string) bool {
	if info, err := os.Lstat(path); err != nil || info.Mode().Type() != fs.ModeSocket {
		return false
	}
	c, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err == nil {
		_ = c.Close()
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}
