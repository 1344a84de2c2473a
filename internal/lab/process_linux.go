package lab

import "syscall"

// dieWithUs has the kernel send the signal to the child when we are gone,
// however we went.
func dieWithUs(attr *syscall.SysProcAttr, signal syscall.Signal) { attr.Pdeathsig = signal }
