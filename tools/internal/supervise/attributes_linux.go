package supervise

import (
	"syscall"
	"time"
)

// processAttributes puts the process into a group of its own and has the
// kernel kill it when the thread that started it ends.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// timerSlack is by how much a timer of a process may be late.
//
// The monitor thread of every Go process asks for sleeps of 20 µs while there
// is something to do, and Linux, whose own slack is 50 µs, wakes it nearly as
// often. With 25 processes on two cores that was a fifth of the CPU that an
// order costs; with a millisecond it is gone, and nothing here needs a timer
// more exact than that.
const timerSlack = time.Millisecond

// easeTimers gives the slack to the calling thread, and so to what it starts.
func easeTimers() {
	// Where it is refused everything works as well, only dearer.
	_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_SET_TIMERSLACK, uintptr(timerSlack.Nanoseconds()), 0)
}
