// Package proc starts child processes that cannot outlive the tool, and tells about processes that run already.
//
// A pid alone names nobody: numbers are used again. Whoever writes a process down for later (a state file, a lock) keeps
// an ID, which carries the start time too, and only ends what still is that process. Everything here reads /proc, so it
// works on Linux only.
package proc

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ID names one process for as long as the machine runs: the start time tells it from a later one with the same number.
type ID struct {
	PID   int    `json:"pid"`
	Start uint64 `json:"start"` // clock ticks since boot, field 22 of /proc/PID/stat
}

// Find returns the ID of the running process pid. It fails when there is none or when it is dead and not yet reaped.
func Find(pid int) (ID, error) {
	f, err := stat(pid)
	if err != nil {
		return ID{}, err
	}
	if f[0] == "Z" || f[0] == "X" {
		return ID{}, fmt.Errorf("process %d has ended", pid)
	}
	start, err := strconv.ParseUint(f[19], 10, 64)
	if err != nil {
		return ID{}, fmt.Errorf("read /proc/%d/stat: %w", pid, err)
	}
	return ID{PID: pid, Start: start}, nil
}

// Alive reports whether id still runs.
func (id ID) Alive() bool {
	now, err := Find(id.PID)
	return err == nil && now == id
}

// Signal sends sig to id if it still runs, and does nothing otherwise.
func (id ID) Signal(sig syscall.Signal) {
	if id.PID > 1 && id.Alive() {
		_ = syscall.Kill(id.PID, sig) // it may end at this very moment: nothing is lost
	}
}

// End asks id to stop with sig, waits for at most patience, then kills it. It returns when the process is gone.
func (id ID) End(sig syscall.Signal, patience time.Duration) {
	id.Signal(sig)
	deadline := time.Now().Add(patience)
	for id.Alive() {
		if time.Now().After(deadline) {
			id.Signal(syscall.SIGKILL)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// stat returns the fields of /proc/PID/stat that follow the command name: index 0 is the state, 1 the parent, 19 the start time.
func stat(pid int) ([]string, error) {
	raw, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return nil, err
	}
	i := bytes.LastIndexByte(raw, ')') // the command name may hold spaces and parentheses itself
	f := strings.Fields(string(raw[i+1:]))
	if i < 0 || len(f) < 22 {
		return nil, fmt.Errorf("/proc/%d/stat: unexpected form", pid)
	}
	return f, nil
}

// Name returns the command name of pid, or "?" when it cannot be read.
func Name(pid int) string {
	raw, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "comm"))
	if err != nil {
		return "?"
	}
	return strings.TrimSpace(string(raw))
}

// Memory returns the memory of pid in bytes, pages that it shares with others counted in proportion (PSS), or all its
// resident pages where the system does not tell that. It is 0 when nothing can be read.
func Memory(pid int) int64 {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	if raw, err := os.ReadFile(filepath.Join(dir, "smaps_rollup")); err == nil {
		for line := range strings.Lines(string(raw)) {
			if rest, found := strings.CutPrefix(line, "Pss:"); found {
				kib, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
				return kib << 10
			}
		}
	}
	raw, err := os.ReadFile(filepath.Join(dir, "statm"))
	if err != nil {
		return 0
	}
	f := strings.Fields(string(raw))
	if len(f) < 2 {
		return 0
	}
	pages, _ := strconv.ParseInt(f[1], 10, 64)
	return pages * int64(os.Getpagesize())
}

// All lists the pids that run now.
func All() []int {
	dirs, _ := os.ReadDir("/proc")
	pids := make([]int, 0, len(dirs))
	for _, d := range dirs {
		if pid, err := strconv.Atoi(d.Name()); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// WorkingIn lists the processes whose working folder is dir.
func WorkingIn(dir string) []ID {
	var found []ID
	for _, pid := range All() {
		cwd, err := os.Readlink(filepath.Join("/proc", strconv.Itoa(pid), "cwd"))
		if err != nil || cwd != dir {
			continue
		}
		if id, err := Find(pid); err == nil {
			found = append(found, id)
		}
	}
	return found
}

// Children lists the direct children of pid.
func Children(pid int) []int {
	var kids []int
	for _, p := range All() {
		if f, err := stat(p); err == nil && f[0] != "Z" && f[1] == strconv.Itoa(pid) {
			kids = append(kids, p)
		}
	}
	return kids
}

// Child is a started process.
type Child struct {
	ID   ID
	done chan struct{}
	err  error
}

// Done is closed when the process has ended.
func (c *Child) Done() <-chan struct{} { return c.done }

// Err tells how the process ended: nil for exit status 0. It is valid after Done is closed.
func (c *Child) Err() error { return c.err }

// Start starts cmd in a process group of its own, so that a Ctrl-C in the terminal reaches the tool alone and the tool
// decides the order of stopping. The kernel sends it death when the tool ends, however it ends. The kernel ties that
// signal to the thread that forked, not to the process, so that thread is held until the child is gone.
func Start(cmd *exec.Cmd, death syscall.Signal) (*Child, error) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	cmd.SysProcAttr.Pdeathsig = death
	c := &Child{done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := cmd.Start(); err != nil {
			started <- err
			return
		}
		c.ID, _ = Find(cmd.Process.Pid) // a child that died at once has no ID, and its end is reported through Done
		started <- nil
		c.err = cmd.Wait()
		close(c.done)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return c, nil
}

// Stop asks the child to end with sig, kills it after patience, and returns when it is gone.
func (c *Child) Stop(sig syscall.Signal, patience time.Duration) {
	c.ID.Signal(sig)
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-c.done:
	case <-timer.C:
		c.ID.Signal(syscall.SIGKILL)
		<-c.done
	}
}

// ErrSignalled reports whether err says that a process was ended by one of sigs.
func ErrSignalled(err error, sigs ...syscall.Signal) bool {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return false
	}
	ws, ok := exit.Sys().(syscall.WaitStatus)
	if !ok || !ws.Signaled() {
		return false
	}
	for _, s := range sigs {
		if ws.Signal() == s {
			return true
		}
	}
	return false
}
