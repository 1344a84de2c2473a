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

// carried returns how many bytes were written to a TCP connection since it was
// made, whether they have left this machine or not. It reports false where the
// kernel does not count them, as before Linux 4.19, and of any other socket.
func carried(fd int) (int64, bool) {
	i, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil {
		return 0, false
	}
	return int64(i.Bytes_sent-i.Bytes_retrans) + int64(i.Notsent_bytes), true
}
