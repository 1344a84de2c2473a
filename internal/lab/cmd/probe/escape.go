//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// escapes is what somebody would try who runs code in the daemon and wants more
// than it has: another program, other rights, the kernel's rarer corners.
func escapes() []attempt {
	list := []attempt{
		{"shell", runs("/bin/sh", "-c", "true")},
		{"program from /usr/bin, past the bind mount", runs("/proc/1/root/bin/true")},
		{"program in memory alone", func() error {
			fd, err := unix.MemfdCreate("probe", unix.MFD_CLOEXEC)
			if err != nil {
				return err
			}
			defer unix.Close(fd)
			return executes(fd)
		}},
		{"secret memory", ignoring(func() (uintptr, error) { return call(unix.SYS_MEMFD_SECRET, 0) })},
		{"memory that is writable and executable", func() error {
			return mapped(unix.PROT_READ | unix.PROT_WRITE | unix.PROT_EXEC)
		}},
		{"written memory made executable", func() error {
			b, err := unix.Mmap(-1, 0, os.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
			if err != nil {
				return err
			}
			defer unix.Munmap(b)
			return unix.Mprotect(b, unix.PROT_READ|unix.PROT_EXEC)
		}},
		{"System V memory, which can be executable", func() error {
			id, err := unix.SysvShmGet(unix.IPC_PRIVATE, os.Getpagesize(), unix.IPC_CREAT|0o600)
			if err != nil {
				return err
			}
			_, err = unix.SysvShmCtl(id, unix.IPC_RMID, nil)
			return err
		}},
		{"root", func() error { return own(unix.SYS_SETRESUID, 0, 0, 0) }},
		{"root's group", func() error { return own(unix.SYS_SETRESGID, 0, 0, 0) }},
		{"capability", func() error {
			header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
			var data [2]unix.CapUserData
			if err := unix.Capget(&header, &data[0]); err != nil {
				return err
			}
			if data[0].Effective|data[0].Permitted|data[1].Effective|data[1].Permitted == 0 {
				return errors.New("it has none")
			}
			return nil
		}},
		{"bounding set with anything in it", func() error {
			for c := range uintptr(41) {
				if on, err := call(unix.SYS_PRCTL, unix.PR_CAPBSET_READ, c); err == nil && on == 1 {
					return nil
				}
			}
			return errors.New("it is empty")
		}},
		{"new rights by a new program", func() error {
			if on, err := call(unix.SYS_PRCTL, unix.PR_GET_NO_NEW_PRIVS, 0); err != nil || on == 1 {
				return errors.New("no_new_privs is set")
			}
			return nil
		}},
		{"setuid file", func() error {
			path := filepath.Join(os.Getenv("STATE_DIRECTORY"), "setuid")
			defer os.Remove(path)
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				return err
			}
			return unix.Chmod(path, 0o4755)
		}},
		{"mount", func() error {
			if err := unix.Mount("none", "/tmp", "tmpfs", 0, ""); err != nil {
				return err
			}
			return unix.Unmount("/tmp", 0)
		}},
		{"chroot", func() error {
			return onThread(func() error {
				// Where it works, it must do so for this thread alone.
				if err := unix.Unshare(unix.CLONE_FS); err != nil {
					return err
				}
				return unix.Chroot("/tmp")
			})
		}},
		{"device node", func() error {
			if err := unix.Mknod("/tmp/probe-null", unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))); err != nil {
				return err
			}
			return os.Remove("/tmp/probe-null")
		}},
		{"foreign owner", func() error {
			path := filepath.Join(os.Getenv("STATE_DIRECTORY"), "owned")
			defer os.Remove(path)
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				return err
			}
			return os.Chown(path, 0, 0)
		}},
		{"clock set", func() error {
			var now unix.Timespec
			if err := unix.ClockGettime(unix.CLOCK_REALTIME, &now); err != nil {
				return err
			}
			return unix.ClockSettime(unix.CLOCK_REALTIME, &now) // to what it is
		}},
		{"host name set", func() error { return unix.Sethostname([]byte("probe")) }},
		{"io_uring", ignoring(func() (uintptr, error) {
			var params [120]byte
			return call(unix.SYS_IO_URING_SETUP, 4, uintptr(unsafe.Pointer(&params)))
		})},
		{"asynchronous I/O", ignoring(func() (uintptr, error) {
			var context uintptr
			return call(unix.SYS_IO_SETUP, 1, uintptr(unsafe.Pointer(&context)))
		})},
		{"key ring", func() error { _, err := unix.KeyctlGetKeyringID(unix.KEY_SPEC_SESSION_KEYRING, true); return err }},
		{"key", func() error {
			_, err := unix.AddKey("user", "probe", []byte("x"), unix.KEY_SPEC_PROCESS_KEYRING)
			return err
		}},
		{"bpf", ignoring(func() (uintptr, error) {
			var attr [128]byte
			return call(unix.SYS_BPF, 0, uintptr(unsafe.Pointer(&attr)), 128)
		})},
		{"performance counter", func() error {
			fd, err := unix.PerfEventOpen(&unix.PerfEventAttr{Type: unix.PERF_TYPE_SOFTWARE, Size: uint32(unsafe.Sizeof(unix.PerfEventAttr{})), Bits: unix.PerfBitExcludeKernel}, 0, -1, -1, 0)
			if err == nil {
				unix.Close(fd)
			}
			return err
		}},
		{"userfaultfd", ignoring(func() (uintptr, error) { return call(unix.SYS_USERFAULTFD, 1) })}, // 1: its own faults alone, which needs no right
		{"other personality", func() error { _, err := call(unix.SYS_PERSONALITY, 0x0400000); return err }},
		{"real-time priority", func() error {
			param := struct{ priority int32 }{1}
			_, err := call(unix.SYS_SCHED_SETSCHEDULER, 0, 1, uintptr(unsafe.Pointer(&param)))
			return err
		}},
		{"higher priority", func() error { return unix.Setpriority(unix.PRIO_PROCESS, 0, -5) }},
		{"locked memory", func() error { return unix.Mlockall(unix.MCL_CURRENT) }},
		{"module", func() error { return unix.InitModule([]byte("x"), "") }},
		{"kexec", ignoring(func() (uintptr, error) { return call(unix.SYS_KEXEC_LOAD, 0, 0, 0, 0) })},
		{"reboot", func() error {
			// To forbid Ctrl-Alt-Del is harmless, and the same right.
			return unix.Reboot(unix.LINUX_REBOOT_CMD_CAD_OFF)
		}},
		{"swap", ignoring(func() (uintptr, error) { return call(unix.SYS_SWAPON, 0, 0) })},
		{"file by its handle", ignoring(func() (uintptr, error) { return call(unix.SYS_OPEN_BY_HANDLE_AT, ^uintptr(99), 0, 0) })},
		{"core dump", func() error {
			var limit unix.Rlimit
			if err := unix.Getrlimit(unix.RLIMIT_CORE, &limit); err != nil {
				return err
			}
			if limit.Max == 0 {
				return errors.New("its size is 0")
			}
			return nil
		}},
	}
	// A program that it brought along, from wherever it may write.
	for _, dir := range []string{os.Getenv("STATE_DIRECTORY"), os.Getenv("RUNTIME_DIRECTORY"), "/tmp", "/var/tmp", "/dev/shm"} {
		list = append(list, attempt{"program of its own in " + dir, func() error { return brings(dir) }})
	}
	for name, flag := range map[string]int{"mount": unix.CLONE_NEWNS, "network": unix.CLONE_NEWNET, "process": unix.CLONE_NEWPID, "IPC": unix.CLONE_NEWIPC} {
		list = append(list, attempt{name + " namespace", func() error { return onThread(func() error { return unix.Unshare(flag) }) }})
	}
	list = append(list, attempt{"user namespace", func() error {
		cmd := exec.Command("/usr/bin/convened", harmless)
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER}
		return cmd.Run()
	}})
	for _, s := range []struct {
		name                   string
		family, kind, protocol int
	}{
		{"netlink", unix.AF_NETLINK, unix.SOCK_RAW, 0},
		{"packet", unix.AF_PACKET, unix.SOCK_RAW, 0},
		{"vsock", unix.AF_VSOCK, unix.SOCK_STREAM, 0},
		{"kernel's cryptography", unix.AF_ALG, unix.SOCK_SEQPACKET, 0},
		{"raw IP", unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP},
	} {
		list = append(list, attempt{s.name + " socket", func() error {
			fd, err := unix.Socket(s.family, s.kind, s.protocol)
			if err == nil {
				unix.Close(fd)
			}
			return err
		}})
	}
	return list
}

// call makes a system call; an error is the kernel's number.
func call(number uintptr, args ...uintptr) (uintptr, error) {
	var a [6]uintptr
	copy(a[:], args)
	r, _, e := unix.Syscall6(number, a[0], a[1], a[2], a[3], a[4], a[5])
	if e != 0 {
		return r, e
	}
	return r, nil
}

// ignoring is for calls whose arguments are wrong on purpose or may be: only a
// refusal of the call as such counts, since better arguments are easily found.
func ignoring(try func() (uintptr, error)) func() error {
	return func() error {
		r, err := try()
		switch {
		case err == nil:
			unix.Close(int(r))
			return nil
		case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES), errors.Is(err, unix.ENOSYS):
			return err
		}
		return nil
	}
}

// own calls for one thread that is never used again: what it gained would be its alone.
func own(number uintptr, args ...uintptr) error {
	return onThread(func() error { _, err := call(number, args...); return err })
}

// onThread calls f on a thread that ends with it.
func onThread(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		done <- f()
	}()
	return <-done
}

func runs(name string, args ...string) func() error {
	return func() error { return exec.Command(name, args...).Run() }
}

// brings writes a program into dir and runs it.
func brings(dir string) error {
	path := filepath.Join(dir, "probe-program")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o700)
	if err != nil {
		return err
	}
	defer os.Remove(path)
	if _, err = f.WriteString("#!/usr/bin/convened " + harmless + "\n"); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	// The interpreter is the one program that may run; what must not is the file.
	return exec.Command(path).Run()
}

// executes writes a program into a file that has no name, and runs it.
func executes(fd int) error {
	if _, err := unix.Write(fd, []byte("#!/usr/bin/convened "+harmless+"\n")); err != nil {
		return err
	}
	return exec.Command(fmt.Sprintf("/proc/self/fd/%d", fd)).Run()
}

func mapped(protection int) error {
	b, err := unix.Mmap(-1, 0, os.Getpagesize(), protection, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return err
	}
	return unix.Munmap(b)
}
