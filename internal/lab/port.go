package lab

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
)

// Ports are taken from below the range that kernels give to outgoing connections
// (from 32768 on Linux, 49152 elsewhere): a server that is away for a moment
// then finds its port free again, and a client that dials in the meantime can't
// be connected to itself, which the kernel allows within that range.
const firstPort, lastPort = 16384, 32767

// listenLoopback listens on a port of 127.0.0.1 that was free.
func listenLoopback() (*net.TCPListener, error) {
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

// freePort returns a port of 127.0.0.1 that was free a moment ago. Another
// may take it before the caller does, who then has to ask again.
func freePort() (int, error) {
	l, err := listenLoopback()
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
