package daprtest

import (
	"runtime"
	"syscall"
)

// own starts and awaits the process on a thread of its own: the kernel kills it when that thread ends, so that a test binary that
// is itself killed leaves nothing behind.
func (p *process) own(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(p.done)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	err := p.cmd.Start()
	started <- err
	if err == nil {
		_ = p.cmd.Wait() // its state tells
	}
}
