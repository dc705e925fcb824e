//go:build !linux

package supervise

import "syscall"

// processAttributes puts the process into a group of its own. There is no
// parent-death signal here: see the package comment.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

func easeTimers() {} // a knob of Linux
