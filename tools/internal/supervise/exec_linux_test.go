package supervise

import (
	"context"
	"testing"
	"time"
)

func TestChildDiesWithAKilledSupervisor(t *testing.T) {
	t.Parallel()
	w := startExec(t, nil, child("deaf"))
	st := w.running(t, 1)
	w.says(t, "ready")
	if err := w.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-w.done
	gone(t, st.ChildPID)

	left, err := Read(w.dir, "cart")
	if err != nil || left.Alive {
		t.Errorf("what is left says %+v, %v", left, err)
	}
	// It blocks nobody.
	started := make(chan int, 1)
	next, err := New(Config{
		Name: "cart", StateDir: w.dir, Argv: child("serve"), Env: withRole("exec"),
		Started: func(pid int) { started <- pid },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	ended := make(chan error, 1)
	go func() { ended <- next.Run(ctx) }()
	<-started
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("stopped with %v", err)
	}
}

func TestChildHasEasyTimers(t *testing.T) {
	t.Parallel()
	w := startExec(t, nil, []string{"sh", "-c", "echo the slack is $(cat /proc/self/timerslack_ns) ns; exec sleep 60"})
	w.says(t, "the slack is 1000000 ns")
}
