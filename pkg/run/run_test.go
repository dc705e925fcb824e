package run_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sidecart/sidecart/pkg/run"
)

// journal notes what happened, in order.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) add(line string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, line)
}

func (j *journal) want(t *testing.T, lines ...string) {
	t.Helper()
	j.mu.Lock()
	defer j.mu.Unlock()
	if !slices.Equal(j.lines, lines) {
		t.Errorf("happened %v, want %v", j.lines, lines)
	}
}

// part is a service that notes its start and stop.
type part struct {
	name     string
	journal  *journal
	startErr error
	stopErr  error
	stuck    bool // Stop waits for its context
	slow     bool // Start waits for its context
}

func (p *part) Start(ctx context.Context) error {
	p.journal.add("start " + p.name)
	if p.slow {
		<-ctx.Done()
		return ctx.Err()
	}
	return p.startErr
}

func (p *part) Stop(ctx context.Context) error {
	p.journal.add("stop " + p.name)
	if p.stuck {
		<-ctx.Done()
		return ctx.Err()
	}
	return p.stopErr
}

func group(opt run.Options) *run.Group { return run.NewGroup(slog.New(slog.DiscardHandler), opt) }

func TestOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := &journal{}
		g := group(run.Options{Drain: time.Hour})
		g.Add("a", &part{name: "a", journal: j})
		g.Add("b", &part{name: "b", journal: j})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- g.RunSignals(ctx, nil) }()
		synctest.Wait()
		j.want(t, "start a", "start b")
		if g.Draining() {
			t.Error("draining before the end")
		}
		cancel() // the end of the context is no signal: nothing to drain
		if err := <-done; err != nil {
			t.Error(err)
		}
		j.want(t, "start a", "start b", "stop b", "stop a")
	})
}

func TestSignalDrains(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := &journal{}
		g := group(run.Options{Drain: 5 * time.Second})
		g.Add("a", &part{name: "a", journal: j})
		signals := make(chan os.Signal)
		done := make(chan error)
		go func() { done <- g.RunSignals(t.Context(), signals) }()
		begun := time.Now()
		signals <- syscall.SIGTERM
		synctest.Wait()
		if !g.Draining() {
			t.Error("not draining")
		}
		j.want(t, "start a")
		if err := <-done; err != nil || time.Since(begun) != 5*time.Second {
			t.Errorf("%v after %s", err, time.Since(begun))
		}
		j.want(t, "start a", "stop a")
	})
}

func TestSecondSignalCutsTheDrain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := group(run.Options{Drain: time.Hour})
		signals := make(chan os.Signal)
		done := make(chan error)
		go func() { done <- g.RunSignals(t.Context(), signals) }()
		begun := time.Now()
		signals <- syscall.SIGTERM
		signals <- syscall.SIGINT
		if err := <-done; err != nil || time.Since(begun) != 0 {
			t.Errorf("%v after %s", err, time.Since(begun))
		}
	})
}

func TestFailedStartStopsWhatStarted(t *testing.T) {
	t.Parallel()
	j := &journal{}
	broken := errors.New("port is taken")
	g := group(run.Options{})
	g.Add("a", &part{name: "a", journal: j})
	g.Add("b", &part{name: "b", journal: j, startErr: broken})
	g.Add("c", &part{name: "c", journal: j})
	err := g.RunSignals(t.Context(), nil)
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "start b") {
		t.Error(err)
	}
	j.want(t, "start a", "start b", "stop a")
}

func TestSignalDuringStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := &journal{}
		g := group(run.Options{Drain: time.Hour})
		g.Add("a", &part{name: "a", journal: j})
		g.Add("b", &part{name: "b", journal: j, slow: true})
		g.Add("c", &part{name: "c", journal: j})
		signals := make(chan os.Signal)
		done := make(chan error)
		go func() { done <- g.RunSignals(t.Context(), signals) }()
		synctest.Wait()
		signals <- syscall.SIGTERM
		if err := <-done; err != nil {
			t.Error(err)
		}
		j.want(t, "start a", "start b", "stop a")
	})
}

func TestFailureStopsTheGroup(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := &journal{}
		broken := errors.New("lost")
		g := group(run.Options{Drain: time.Hour})
		g.Add("a", &part{name: "a", journal: j})
		g.Add("loop", run.Func("loop", func(ctx context.Context) error {
			<-time.After(time.Minute) // of the bubble's clock
			return broken
		}))
		begun := time.Now()
		err := g.RunSignals(t.Context(), nil)
		if !errors.Is(err, broken) || time.Since(begun) != time.Minute {
			t.Errorf("%v after %s", err, time.Since(begun))
		}
		j.want(t, "start a", "stop a")
	})
}

func TestFailureDuringDrain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("lost")
		fail := make(chan struct{})
		g := group(run.Options{Drain: time.Hour})
		g.Add("loop", run.Func("loop", func(context.Context) error { <-fail; return broken }))
		signals := make(chan os.Signal)
		done := make(chan error)
		go func() { done <- g.RunSignals(t.Context(), signals) }()
		signals <- syscall.SIGTERM
		close(fail)
		if err := <-done; !errors.Is(err, broken) {
			t.Error(err)
		}
	})
}

func TestStopIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := &journal{}
		broken := errors.New("did not close")
		g := group(run.Options{StopTimeout: 7 * time.Second})
		g.Add("a", &part{name: "a", journal: j, stopErr: broken})
		g.Add("b", &part{name: "b", journal: j, stuck: true})
		g.Add("c", run.Func("deaf", func(context.Context) error { <-time.After(time.Minute); return nil }))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		begun := time.Now()
		err := g.RunSignals(ctx, nil)
		if !errors.Is(err, broken) || !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) != 7*time.Second {
			t.Errorf("%v after %s", err, time.Since(begun))
		}
		for _, want := range []string{"stop a: did not close", "stop b: ", "deaf does not end"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q is not in %v", want, err)
			}
		}
		<-time.After(time.Minute) // the deaf loop ends with the bubble
	})
}

func TestFunc(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("flush")
		for name, tc := range map[string]struct {
			fn   func(context.Context) error
			want error
		}{
			"cancelled": {func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, nil},
			"done":      {func(ctx context.Context) error { <-ctx.Done(); return nil }, nil},
			"early end": {func(context.Context) error { return nil }, nil},
			"flush":     {func(ctx context.Context) error { <-ctx.Done(); return broken }, broken},
		} {
			s := run.Func(name, tc.fn)
			start, cancel := context.WithCancel(t.Context())
			if err := s.Start(start); err != nil {
				t.Fatal(err)
			}
			cancel() // the context of the start does not bound the loop
			synctest.Wait()
			if err := s.Stop(t.Context()); !errors.Is(err, tc.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// TestRealSignal sends one to this process: not parallel, because the signal is for all.
func TestRealSignal(t *testing.T) {
	g := group(run.Options{})
	started := make(chan struct{})
	g.Add("loop", run.Func("loop", func(ctx context.Context) error { close(started); <-ctx.Done(); return nil }))
	done := make(chan error)
	go func() { done <- g.Run(t.Context()) }()
	<-started
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
