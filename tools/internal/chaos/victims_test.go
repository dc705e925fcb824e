package chaos

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/sidecart/sidecart/tools/internal/proc"
	"github.com/sidecart/sidecart/tools/internal/shop"
)

// victim is a process that counts aloud, under the name by which a supervisor would know it.
func victim(t *testing.T, r *run) (says <-chan string, ended <-chan error) {
	t.Helper()
	cmd := exec.Command("sh", "-c", "while echo tick; do sleep 0.02; done")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines, done := make(chan string), make(chan error, 1)
	go func() {
		for s := bufio.NewScanner(out); s.Scan(); {
			select {
			case lines <- s.Text():
			case <-t.Context().Done():
			}
		}
		done <- cmd.Wait()
	}()
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	state, err := json.Marshal(map[string]any{"name": "cart", "child_pid": cmd.Process.Pid})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(r.Layout.Processes(), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(r.Layout.Processes(), "cart.json"), state, 0o600); err != nil {
		t.Fatal(err)
	}
	return lines, done
}

func newRun(t *testing.T) *run {
	t.Helper()
	return &run{Options: Options{Layout: shop.Layout{Data: t.TempDir()}, Out: io.Discard}, begun: time.Now(), busy: map[string]bool{}, report: Report{Drawn: map[string]int{}, Faults: map[string]int{}}}
}

func TestKill(t *testing.T) {
	t.Parallel()
	r := newRun(t)
	says, ended := victim(t, r)
	<-says
	r.happen(t.Context(), fault{kind: killed, on: "cart"})
	for {
		select {
		case <-says:
			continue
		case err := <-ended:
			if err == nil || r.report.Faults[string(killed)] != 1 {
				t.Errorf("it ended by itself: %v, %v", err, r.report.Faults)
			}
		}
		break
	}
	r.happen(t.Context(), fault{kind: killed, on: "cart"})
	if r.report.Faults[string(killed)] != 1 {
		t.Error("a process that is dead was killed once more")
	}
}

// A frozen process goes on when its time is over, and when the run is.
func TestFreeze(t *testing.T) {
	t.Parallel()
	for name, lasts := range map[string]time.Duration{"its time": 200 * time.Millisecond, "the run": time.Hour} {
		r := newRun(t)
		says, _ := victim(t, r)
		<-says
		ctx, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
		defer cancel()
		frozenFor := make(chan time.Duration, 1)
		go func() {
			begun := time.Now()
			r.happen(ctx, fault{kind: frozen, on: "cart", lasts: lasts})
			frozenFor <- time.Since(begun)
		}()
		took := <-frozenFor
		if took < min(lasts, 300*time.Millisecond) || r.report.Faults[string(frozen)] != 1 {
			t.Errorf("%s: frozen for %s, %v", name, took, r.report.Faults)
		}
		<-says // it speaks again
		<-says
		<-says
	}
}

func TestChildren(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	id, err := proc.Find(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range children(os.Getpid()) {
		if c == id {
			return
		}
	}
	t.Errorf("%v is not among %v", id, children(os.Getpid()))
}

// A run in which nothing went wrong is no good run, and neither is one in which a kind of fault never came about.
func TestARunWithoutFaultsIsNone(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		r    Report
		good bool
	}{
		"none":           {Report{}, false},
		"all":            {Report{Drawn: map[string]int{"freeze": 5}, Faults: map[string]int{"freeze": 3}}, true},
		"at bad moments": {Report{Drawn: map[string]int{"freeze": 5, "disk full": 3}, Faults: map[string]int{"freeze": 3}}, true},
		"a kind never":   {Report{Drawn: map[string]int{"freeze": 5, "disk full": 4}, Faults: map[string]int{"freeze": 3}}, false},
	} {
		if err := tc.r.Err(); (err == nil) != tc.good {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Two faults of one process do not meet.
func TestBusy(t *testing.T) {
	t.Parallel()
	r := newRun(t)
	victim(t, r)
	r.busy["cart"] = true
	r.happen(t.Context(), fault{kind: killed, on: "cart"})
	if len(r.report.Faults) != 0 {
		t.Errorf("%v", r.report.Faults)
	}
}
