package lab

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"syscall"
)

// Ports are taken from below the range that kernels give to outgoing connections
// (from 32768 on Linux, 49152 elsewhere): a server that is away for a moment
// then finds its port free again, and a client that dials in the meantime can't
// be connected to itself, which the kernel allows within that range.
const firstPort, lastPort = 16384, 32767

// Listen listens on a port of 127.0.0.1 that was free.
func Listen() (*net.TCPListener, error) {
	var problems error
	for range 100 {
		port := firstPort + rand.IntN(lastPort-firstPort+1)
		l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
		if err == nil {
			return l, nil
		}
		problems = errors.Join(problems, err)
	}
	return nil, fmt.Errorf("find a free port on 127.0.0.1: %w", problems)
}

// StopListening closes a listener in such a way that connecting is refused when
// it returns, and the address is free. Close alone doesn't do so while a child is
// on its way: between fork and exec it has all our descriptors, the kernel goes
// on accepting for it, and its address is in use.
func StopListening(l net.Listener) error {
	if s, ok := l.(syscall.Conn); ok {
		raw, err := s.SyscallConn()
		if err != nil {
			return err
		}
		// Elsewhere than on Linux it is ENOTCONN, and Close has to do.
		if err := raw.Control(func(fd uintptr) { _ = syscall.Shutdown(int(fd), syscall.SHUT_RDWR) }); err != nil {
			return err
		}
	}
	return l.Close()
}

// FreePort returns a port of 127.0.0.1 that was free a moment ago. Another
// may take it before the caller does, who then has to ask again.
func FreePort() (int, error) {
	l, err := Listen()
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, StopListening(l)
}

// FreeAddress is FreePort with the host.
func FreeAddress() (string, error) {
	port, err := FreePort()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), err
}
