//go:build unix

package lab

import (
	"os/exec"
	"runtime"
	"syscall"
)

// StartChild starts a command that the kernel kills when we die, however we die,
// and that Ctrl-C in our terminal does not reach. Its output, its input and its
// environment are the caller's business. ended gets what Wait returned.
func StartChild(cmd *exec.Cmd) (ended <-chan error, err error) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	dieWithUs(cmd.SysProcAttr, syscall.SIGKILL)
	started, waited := make(chan error), make(chan error, 1)
	go func() {
		// The kernel goes by the thread that forked: see process.hold.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			waited <- cmd.Wait()
		}
	}()
	return waited, <-started
}
