//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// files is what it must not read or change.
func files() []attempt {
	var list []attempt
	for _, path := range []string{"/etc/shadow", "/etc/credstore/convened.smtp-password", "/root/.profile", "/home/somebody/letter", "/var/lib/other/secret",
		"/var/log/journal", "/srv/site", "/opt/program", "/boot", "/usr/bin/true", "/usr/lib/os-release",
		"/proc/kmsg", "/proc/kallsyms", "/proc/sys/kernel/random/boot_id", "/proc/cmdline", "/proc/1/environ",
		"/dev/kmsg", "/dev/vda", "/sys/kernel", "/sys/firmware", "/sys/class/net"} {
		list = append(list, attempt{"look into " + path, func() error {
			f, err := os.Open(path)
			if err != nil {
				return err
			}
			defer f.Close()
			if info, err := f.Stat(); err == nil && info.IsDir() {
				names, err := f.Readdirnames(1)
				if err == nil && len(names) == 0 {
					err = errors.New("it is empty")
				}
				return err
			}
			n, err := f.Read(make([]byte, 1))
			if n == 1 {
				return nil
			}
			return err
		}})
	}
	for _, dir := range []string{"/", "/etc", "/etc/convened", "/usr", "/usr/bin", "/run", "/run/postgresql", "/var", "/var/lib", "/proc/sys", "/sys/fs/cgroup", "/sys/kernel", "/dev",
		os.Getenv("CREDENTIALS_DIRECTORY")} {
		list = append(list, attempt{"write into " + dir, func() error {
			path := filepath.Join(dir, "probe")
			f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
			if err != nil {
				return err
			}
			f.Close()
			return os.Remove(path)
		}})
	}
	return append(list,
		attempt{"change to the program", func() error { return opens("/usr/bin/convened", os.O_WRONLY) }},
		attempt{"change to a kernel variable", func() error { return opens("/proc/sys/kernel/core_pattern", os.O_WRONLY) }},
		attempt{"move to another control group", func() error { return os.WriteFile("/sys/fs/cgroup/cgroup.procs", []byte("0"), 0) }},
		attempt{"talk to D-Bus", connects("unix", "/run/dbus/system_bus_socket")},
		attempt{"talk to the service manager's own socket", connects("unix", "/run/systemd/private")},
	)
}

// peeks is what it must not know of others.
func peeks(other int) []attempt {
	return []attempt{
		{"list of other processes", func() error {
			dirs, err := filepath.Glob("/proc/[0-9]*")
			if err != nil {
				return err
			}
			own := fmt.Sprint(os.Getpid())
			for _, d := range dirs {
				if filepath.Base(d) != own {
					return nil
				}
			}
			return errors.New("there is only its own")
		}},
		{"command line of another process", func() error { return opens(fmt.Sprintf("/proc/%d/cmdline", other), os.O_RDONLY) }},
		{"trace of another process", func() error { return unix.PtraceAttach(other) }},
		{"memory of another process", ignoring(func() (uintptr, error) { return call(unix.SYS_PROCESS_VM_READV, uintptr(other), 0, 0, 0, 0, 0) })},
		{"signal to another process", func() error { return unix.Kill(other, 0) }},
		{"handle of another process's file", func() error {
			pid, err := unix.PidfdOpen(other, 0)
			if err != nil {
				return err
			}
			defer unix.Close(pid)
			_, err = unix.PidfdGetfd(pid, 0, 0)
			return err
		}},
		{"users with names", func() error {
			// Whoever is not this user is nobody, in this user namespace.
			b, err := os.ReadFile("/proc/self/uid_map")
			if err != nil {
				return err
			}
			if strings.Contains(string(b), "4294967295") {
				return nil
			}
			return errors.New("they are not mapped")
		}},
		{"secret of another service", func() error {
			dirs, _ := filepath.Glob("/run/credentials/*")
			for _, d := range dirs {
				if d == os.Getenv("CREDENTIALS_DIRECTORY") {
					continue
				}
				if names, err := os.ReadDir(d); err == nil && len(names) > 0 {
					return nil
				}
			}
			return errors.New("none is readable")
		}},
	}
}

func opens(path string, how int) error {
	f, err := os.OpenFile(path, how, 0)
	if err != nil {
		return err
	}
	return f.Close()
}
