package journal

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// mapFile gives the file size bytes of disk and maps them. It fails where the disk
// has no room for them, and where the file system can't promise or map it: whoever
// stores into a page that can't be had is sent SIGBUS, and no error.
func mapFile(f *os.File, size int) ([]byte, error) {
	for {
		err := unix.Fallocate(int(f.Fd()), 0, 0, int64(size))
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("fallocate: %w", err)
		}
		break
	}
	b, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("mmap: %w", err)
	}
	return b, nil
}

func unmapFile(b []byte) error { return unix.Munmap(b) }
