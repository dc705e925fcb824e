package proc_test

import (
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sidecart/sidecart/tools/internal/proc"
)

func TestIDTellsAProcessFromALaterOneWithItsNumber(t *testing.T) {
	t.Parallel()
	me, err := proc.Find(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if !me.Alive() {
		t.Error("this process is said to be dead")
	}
	if (proc.ID{PID: me.PID, Start: me.Start + 1}).Alive() {
		t.Error("a process with another start time counts as the same")
	}
	if (proc.ID{}).Alive() {
		t.Error("no process counts as alive")
	}
	if proc.Memory(me.PID) <= 0 || proc.Name(me.PID) == "?" {
		t.Error("nothing known about this process")
	}
}

func TestStopKillsWhoeverDoesNotListen(t *testing.T) {
	t.Parallel()
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done")
	cmd.Stdout = in
	c, err := proc.Start(cmd, syscall.SIGKILL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 8)); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(proc.Children(os.Getpid()), c.ID.PID) {
		t.Error("the child is not among the children")
	}
	c.Stop(syscall.SIGTERM, 50*time.Millisecond)
	if c.ID.Alive() {
		t.Error("alive after Stop")
	}
	if !proc.ErrSignalled(c.Err(), syscall.SIGKILL) {
		t.Errorf("ended by %v, want SIGKILL", c.Err())
	}
}

func TestStartReportsWhatCannotRun(t *testing.T) {
	t.Parallel()
	if _, err := proc.Start(exec.Command("/does/not/exist"), syscall.SIGKILL); err == nil {
		t.Error("no error")
	}
}

func TestTakenNamesTheHolder(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	var taken []proc.Listener
	for range 10 { // other tests of this machine may take a free port first
		free, err := proc.FreePort()
		if err != nil {
			t.Fatal(err)
		}
		if taken = proc.Taken([]int{free, port}); len(taken) == 1 {
			break
		}
	}
	if len(taken) != 1 || taken[0].Port != port || taken[0].PID != os.Getpid() {
		t.Fatalf("taken: %v, want port %d of pid %d", taken, port, os.Getpid())
	}
	if said := taken[0].String(); !strings.Contains(said, proc.Name(os.Getpid())) {
		t.Errorf("said %q without the name", said)
	}
}
