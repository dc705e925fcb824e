package supervise

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The test binary plays every process of these tests: ROLE says which.
const roleKey = "SUPERVISE_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(roleKey) {
	case "":
		os.Exit(m.Run())
	case "exec":
		os.Exit(playExec(os.Args[1:]))
	case "parent":
		// Starts the supervisor and stays until it is killed.
		cmd := exec.Command(os.Args[0], os.Args[1:]...)
		cmd.Env = withRole("exec")
		if err := cmd.Run(); err != nil {
			os.Exit(1)
		}
	}
	os.Exit(2)
}

// playExec is `sidecart exec`. Its commands are `TESTBINARY child-MODE`, which
// come back here through the first argument.
func playExec(args []string) int {
	if len(args) > 0 && strings.HasPrefix(args[0], "child-") {
		return playChild(strings.TrimPrefix(args[0], "child-"))
	}
	if len(args) > 0 && args[0] == "--version" {
		fmt.Println("1.18.1")
		return 0
	}
	var ended *ExitError
	switch err := Command(args); {
	case errors.As(err, &ended):
		return ended.Code
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func playChild(mode string) int {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGUSR1)
	if address, ok := strings.CutPrefix(mode, "listen-"); ok { // to three, and lives on
		port, err := net.Listen("tcp", address)
		if err != nil {
			return 1
		}
		for range 3 {
			if c, err := port.Accept(); err == nil {
				_ = c.Close()
			}
		}
		_ = port.Close()
		<-signals
		return 0
	}
	switch mode {
	case "crash":
		fmt.Println("about to fall")
		fmt.Fprintln(os.Stderr, "boom")
		return 3
	case "deaf":
		fmt.Println("ready")
		for range signals {
			fmt.Println("heard")
		}
	case "brood":
		// Leaves a process behind that keeps its output open.
		left := exec.Command(os.Args[0], "child-deaf")
		left.Env, left.Stdout = withRole("exec"), os.Stdout
		if err := left.Start(); err != nil {
			return 1
		}
		fmt.Println("left", left.Process.Pid)
		fallthrough
	default: // serve
		fmt.Println("ready")
		for sig := range signals {
			fmt.Println("got", sig)
			if sig != syscall.SIGUSR1 {
				return 0
			}
		}
	}
	return 0
}

func withRole(role string) []string { return append(os.Environ(), roleKey+"="+role) }

func child(mode string) []string { return []string{os.Args[0], "child-" + mode} }

// lockedBuffer collects what several processes write.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// wrapper is a running `sidecart exec` and what it said.
type wrapper struct {
	cmd  *exec.Cmd
	out  *lockedBuffer
	dir  string
	done chan struct{}
}

func startExec(t *testing.T, flags []string, argv []string) *wrapper {
	t.Helper()
	return startRole(t, "exec", flags, argv)
}

func startRole(t *testing.T, role string, flags []string, argv []string) *wrapper {
	t.Helper()
	w := &wrapper{out: &lockedBuffer{}, dir: t.TempDir(), done: make(chan struct{})}
	args := append([]string{"--name", "cart", "--pidfile", w.dir}, flags...)
	args = append(append(args, "--"), argv...)
	w.cmd = exec.Command(os.Args[0], args...)
	w.cmd.Env, w.cmd.Stdout, w.cmd.Stderr = withRole(role), w.out, w.out
	w.cmd.WaitDelay = 5 * time.Second
	if err := w.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(w.done)
		_ = w.cmd.Wait()
	}()
	t.Cleanup(func() {
		// The test's own context has ended by now.
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = Stop(ctx, w.dir, "cart")
		_ = w.cmd.Process.Kill()
		<-w.done
	})
	return w
}

// running waits until the child was started at least n times and runs.
func (w *wrapper) running(t *testing.T, n int) State {
	t.Helper()
	var st State
	eventually(t, 10*time.Second, func() error {
		var err error
		if st, err = Read(w.dir, "cart"); err != nil {
			return err
		}
		if st.Starts < n || st.Phase != PhaseRunning || !st.Alive {
			return fmt.Errorf("state is %+v", st)
		}
		return nil
	})
	return st
}

func (w *wrapper) says(t *testing.T, text string) {
	t.Helper()
	eventually(t, 10*time.Second, func() error {
		if !strings.Contains(w.out.String(), text) {
			return fmt.Errorf("%q not in:\n%s", text, w.out)
		}
		return nil
	})
}

func (w *wrapper) exitCode(t *testing.T) int {
	t.Helper()
	select {
	case <-w.done:
		return w.cmd.ProcessState.ExitCode()
	case <-time.After(20 * time.Second):
		t.Fatalf("the supervisor does not end; it said:\n%s", w.out)
		return 0
	}
}

// eventually polls a condition of another process.
func eventually(t *testing.T, within time.Duration, condition func() error) {
	t.Helper()
	deadline := time.After(within)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		err := condition()
		if err == nil {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("not within %v: %v", within, err)
		case <-tick.C:
		}
	}
}

// gone waits until there is no process of that id. A zombie whose parent is
// gone is reaped by whoever inherits it, in a moment.
func gone(t *testing.T, pid int) {
	t.Helper()
	eventually(t, 5*time.Second, func() error {
		if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) && !isZombie(pid) {
			return fmt.Errorf("pid %d is still there", pid)
		}
		return nil
	})
}

// isZombie tells whether only the entry in the process table is left: in a
// container nobody may be there to reap it.
func isZombie(pid int) bool {
	out, err := exec.Command("ps", "-o", "stat=", "-p", fmt.Sprint(pid)).Output()
	return err == nil && strings.HasPrefix(strings.TrimSpace(string(out)), "Z")
}
