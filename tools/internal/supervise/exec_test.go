package supervise

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestKilledChildIsBackWithinASecond(t *testing.T) {
	t.Parallel()
	w := startExec(t, nil, child("serve"))
	before := w.running(t, 1)
	w.says(t, "ready")
	// The best of three, for the machine may be busy with other things.
	best := time.Hour
	for n := 2; n <= 4; n++ {
		if err := syscall.Kill(before.ChildPID, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		killed := time.Now()
		after := w.running(t, n)
		best = min(best, time.Since(killed))
		if after.ChildPID == before.ChildPID {
			t.Error("the state names the dead child")
		}
		if !strings.Contains(after.LastEnd, "signal 9") {
			t.Errorf("the state says %q about the last end", after.LastEnd)
		}
		before = after
	}
	if best > time.Second {
		t.Errorf("the child was away for %v at least", best)
	}
	w.says(t, "ended by signal 9 (killed)")
	w.says(t, "cart | ready")
}

func TestSignalStopsChildAndSupervisor(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			w := startExec(t, nil, child("serve"))
			st := w.running(t, 1)
			w.says(t, "ready")
			if err := w.cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			if code := w.exitCode(t); code != 0 {
				t.Errorf("exit code %d, want 0", code)
			}
			if !strings.Contains(w.out.String(), "got ") {
				t.Errorf("the child was not told; output:\n%s", w.out)
			}
			gone(t, st.ChildPID)
			if _, err := Read(w.dir, "cart"); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the state is still there: %v", err)
			}
		})
	}
}

func TestOtherSignalsArePassedOn(t *testing.T) {
	t.Parallel()
	w := startExec(t, nil, child("serve"))
	st := w.running(t, 1)
	w.says(t, "ready")
	if err := w.cmd.Process.Signal(syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	w.says(t, "got user defined signal 1")
	if again := w.running(t, 1); again.ChildPID != st.ChildPID {
		t.Error("the child was replaced")
	}
}

func TestDeafChildIsKilledAfterGrace(t *testing.T) {
	t.Parallel()
	w := startExec(t, []string{"--grace", "100ms"}, child("deaf"))
	st := w.running(t, 1)
	w.says(t, "ready")
	if err := w.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := w.exitCode(t); code != 137 {
		t.Errorf("exit code %d, want 137", code)
	}
	w.says(t, "heard")
	w.says(t, "did not stop in time")
	gone(t, st.ChildPID)
}

func TestChildHasAProcessGroupOfItsOwn(t *testing.T) {
	t.Parallel()
	w := startExec(t, nil, child("serve"))
	st := w.running(t, 1)
	group, err := syscall.Getpgid(st.ChildPID)
	if err != nil {
		t.Fatal(err)
	}
	if group != st.ChildPID {
		t.Errorf("the child is in group %d, so Ctrl-C would reach it past us", group)
	}
}

func TestWhatTheChildLeavesBehindIsKilled(t *testing.T) {
	t.Parallel()
	w := startExec(t, nil, child("brood"))
	st := w.running(t, 1)
	w.says(t, "ready")
	var left int
	if _, err := fmt.Sscanf(w.out.String(), "left %d", &left); err != nil {
		t.Fatalf("%v in %q", err, w.out)
	}
	if err := syscall.Kill(st.ChildPID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	gone(t, left)
	w.running(t, 2)
}

func TestVersionIsPassedThrough(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(os.Args[0], "--pidfile", t.TempDir(), "--", os.Args[0], "--version")
	cmd.Env = withRole("exec")
	out, err := cmd.CombinedOutput()
	if err != nil || string(out) != "1.18.1\n" {
		t.Errorf("got %q, %v", out, err)
	}
}

func TestRestartOnRequest(t *testing.T) {
	t.Parallel()
	w := startExec(t, []string{"--restart-grace", "100ms"}, child("deaf"))
	first := w.running(t, 1)
	w.says(t, "ready")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	second, err := Restart(ctx, w.dir, "cart")
	if err != nil {
		t.Fatal(err)
	}
	if second.ChildPID == first.ChildPID || second.WrapperPID != first.WrapperPID || second.Starts != 2 {
		t.Errorf("was %+v, is %+v", first, second)
	}
	gone(t, first.ChildPID)
	if second.LastEnd != "" {
		t.Errorf("a restart on request counts as a death: %q", second.LastEnd)
	}
}

func TestStopOnRequest(t *testing.T) {
	t.Parallel()
	w := startExec(t, nil, child("serve"))
	w.running(t, 1)
	w.says(t, "ready")
	if err := Stop(t.Context(), w.dir, "cart", "nobody"); err != nil {
		t.Fatal(err)
	}
	if code := w.exitCode(t); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
}

// What comes to life while others are being stopped is stopped as well.
func TestStopReachesLatecomers(t *testing.T) {
	t.Parallel()
	w := startExec(t, []string{"--grace", "1s"}, child("deaf"))
	w.running(t, 1)
	w.says(t, "ready")
	stopped := make(chan error, 1)
	go func() { stopped <- Stop(t.Context(), w.dir, "cart", "late") }()
	w.says(t, "heard")
	late, err := New(Config{Name: "late", Argv: child("serve"), Env: withRole("exec"), StateDir: w.dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := late.Run(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

func TestSupervisorEndsWithItsParent(t *testing.T) {
	t.Parallel()
	w := startRole(t, "parent", nil, child("serve"))
	st := w.running(t, 1)
	if err := w.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	gone(t, st.WrapperPID)
	gone(t, st.ChildPID)
}

func TestOneNameOneSupervisor(t *testing.T) {
	t.Parallel()
	w := startExec(t, nil, child("serve"))
	w.running(t, 1)
	second, err := New(Config{Name: "cart", Argv: child("serve"), StateDir: w.dir})
	if err != nil {
		t.Fatal(err)
	}
	err = second.Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("runs already, under pid %d", w.cmd.Process.Pid)) {
		t.Errorf("a second supervisor of the name says %v", err)
	}
}

func TestNamesOfReplicasAreNumbered(t *testing.T) {
	t.Parallel()
	w := startExec(t, nil, child("serve"))
	w.running(t, 1)
	started := make(chan int, 1)
	second, err := New(Config{
		Name: "cart", Numbered: true, StateDir: w.dir,
		Argv: child("serve"), Env: withRole("exec"), Started: func(pid int) { started <- pid },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- second.Run(ctx) }()
	<-started
	states, err := List(w.dir)
	if err != nil || len(states) != 2 || states[0].Name != "cart" || states[1].Name != "cart-2" || !states[1].Alive {
		t.Errorf("listed %+v, %v", states, err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("stopped with %v", err)
	}
}

func TestALongPathDoesNotKeepRequestsAway(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), strings.Repeat("x", longestSocketPath))
	started := make(chan int, 1)
	s, err := New(Config{
		Name: "cart", StateDir: dir, Argv: child("serve"), Env: withRole("exec"),
		Started: func(pid int) { started <- pid },
	})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Run(t.Context()) }()
	<-started
	st, err := Read(dir, "cart")
	if err != nil {
		t.Fatal(err)
	}
	if err := Stop(t.Context(), dir, "cart"); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("stopped with %v", err)
	}
	if _, err := os.Stat(filepath.Dir(st.Control)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket's directory is left behind: %v", err)
	}
}

func TestOutputGoesToTheLog(t *testing.T) {
	t.Parallel()
	logs := filepath.Join(t.TempDir(), "logs")
	w := startExec(t, []string{"--log-dir", logs}, child("crash"))
	w.running(t, 2)
	// People see the report, with the last lines in it; the log has it all.
	w.says(t, "exit code 3")
	w.says(t, "cart | boom")
	raw, err := os.ReadFile(filepath.Join(logs, "cart.log"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"about to fall\n", "boom\n", "exit code 3"} {
		if !strings.Contains(string(raw), want) {
			t.Errorf("%q is not in the log:\n%s", want, raw)
		}
	}
	if strings.HasPrefix(w.out.String(), "about to fall") {
		t.Errorf("the output was passed on too:\n%s", w.out)
	}
}

func TestBadFlags(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"no command":     {"--name", "x"},
		"no command, --": {"--"},
		"two logs":       {"--log", "a", "--log-dir", "b", "--", "true"},
		"name is a path": {"--name", "../x", "--", "true"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := Command(args); err == nil {
				t.Error("no error")
			}
		})
	}
}
