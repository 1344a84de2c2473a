package mailer

import "golang.org/x/sys/unix"

// peek looks at what has arrived on a socket, without waiting and without taking
// it, and whether no more will: 0 bytes, or over.
func peek(fd int, buf []byte) (n int, over bool, err error) {
	// First whether it is over: what arrives between the two is looked at then.
	state := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
	if _, err := unix.Poll(state, 0); err == nil {
		over = state[0].Revents&(unix.POLLRDHUP|unix.POLLHUP|unix.POLLERR) != 0
	}
	for {
		n, _, err = unix.Recvfrom(fd, buf, unix.MSG_PEEK|unix.MSG_DONTWAIT)
		if err != unix.EINTR {
			return max(n, 0), over, err
		}
	}
}
