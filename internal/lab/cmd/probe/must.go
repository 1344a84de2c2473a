//go:build linux

package main

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// patience bounds each attempt that waits for another.
const patience = 3 * time.Second

// daily is what the daemon does on an ordinary day.
func daily() []attempt {
	state, sockets := os.Getenv("STATE_DIRECTORY"), os.Getenv("RUNTIME_DIRECTORY")
	return []attempt{
		{"read the configuration", reads("/etc/convened/convened.yaml")},
		{"read a credential", reads(filepath.Join(os.Getenv("CREDENTIALS_DIRECTORY"), "smtp-password"))},
		{"read a time zone", reads("/usr/share/zoneinfo/Europe/Brussels")},
		{"read the resolver's configuration", reads("/etc/resolv.conf")},
		{"know the boot", func() error {
			if b := os.Getenv("BOOT_ID"); len(b) != 32 {
				return fmt.Errorf("BOOT_ID is %q", b)
			}
			return nil
		}},
		{"trust the machine's authorities", func() error {
			pool, err := x509.SystemCertPool()
			if err == nil && pool.Equal(x509.NewCertPool()) {
				return errors.New("there are none")
			}
			return err
		}},
		{"write, lock and remove a journal", func() error {
			f, err := os.OpenFile(filepath.Join(state, "probe"), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
			if err != nil {
				return err
			}
			defer f.Close()
			if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
				return err
			}
			if _, err := f.WriteString("dot 1 1\n"); err != nil {
				return err
			}
			if err := os.Rename(f.Name(), f.Name()+"2"); err != nil {
				return err
			}
			return os.Remove(f.Name() + "2")
		}},
		{"make a temporary file", func() error {
			f, err := os.CreateTemp("", "probe")
			if err != nil {
				return err
			}
			f.Close()
			return os.Remove(f.Name())
		}},
		{"serve on a Unix socket", func() error {
			path := filepath.Join(sockets, "probe.sock")
			l, err := net.Listen("unix", path)
			if err != nil {
				return err
			}
			defer l.Close()
			if err := os.Chmod(path, 0o666); err != nil {
				return err
			}
			c, err := net.DialTimeout("unix", path, patience)
			if err != nil {
				return err
			}
			return c.Close()
		}},
		{"talk to a database by its Unix socket", answers("unix", "/run/postgresql/.s.PGSQL.5432")},
		{"tell the service manager", func() error {
			c, err := net.Dial("unixgram", os.Getenv("NOTIFY_SOCKET"))
			if err != nil {
				return err
			}
			defer c.Close()
			_, err = c.Write([]byte("READY=1\nSTATUS=probing"))
			return err
		}},
		{"have 64 threads", func() error {
			var all, ready sync.WaitGroup
			ready.Add(64)
			for range 64 {
				all.Go(func() {
					runtime.LockOSThread()
					ready.Done()
					ready.Wait()
				})
			}
			all.Wait()
			return nil
		}},
		{"signal itself", func() error { return syscall.Kill(os.Getpid(), syscall.SIGURG) }},
	}
}

// network is what a daemon with a network does besides.
func network() []attempt {
	return []attempt{
		{"talk to a relay over TCP", answers("tcp", "127.0.0.1:2525")},
		{"talk to a relay over TCP and IPv6", answers("tcp", "[::1]:2525")},
		{"serve on a port", func() error {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			defer l.Close()
			c, err := net.DialTimeout("tcp", l.Addr().String(), patience)
			if err != nil {
				return err
			}
			return c.Close()
		}},
		{"ask a name server over UDP", func() error {
			c, err := net.Dial("udp", "127.0.0.1:2525")
			if err != nil {
				return err
			}
			defer c.Close()
			_, err = c.Write([]byte("who?"))
			return err
		}},
	}
}

// groups is what no daemon does: talking to more than one machine at a time.
func groups() []attempt {
	sends := func(to string) func() error {
		return func() error {
			c, err := net.Dial("udp", to)
			if err != nil {
				return err
			}
			defer c.Close()
			_, err = c.Write([]byte("everybody?"))
			return err
		}
	}
	return []attempt{
		{"word to a group of machines", sends("224.0.0.251:5353")},
		{"word to a group of machines over IPv6", sends("[ff02::fb%lo]:5353")},
		{"broadcast", func() error {
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
			if err != nil {
				return err
			}
			defer unix.Close(fd)
			if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_BROADCAST, 1); err != nil {
				return err
			}
			return unix.Sendto(fd, []byte("everybody?"), 0, &unix.SockaddrInet4{Port: 9, Addr: [4]byte{255, 255, 255, 255}})
		}},
	}
}

func reads(path string) func() error {
	return func() error {
		b, err := os.ReadFile(path)
		if err == nil && len(b) == 0 {
			return errors.New("it is empty")
		}
		return err
	}
}

func connects(network, address string) func() error {
	return func() error {
		c, err := net.DialTimeout(network, address, patience)
		if err != nil {
			return err
		}
		return c.Close()
	}
}

// answers connects and wants a byte.
func answers(network, address string) func() error {
	return func() error {
		c, err := net.DialTimeout(network, address, patience)
		if err != nil {
			return err
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(patience))
		_, err = c.Read(make([]byte, 1))
		return err
	}
}
