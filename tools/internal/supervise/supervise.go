// Package supervise keeps one process running: it starts it, says at once how
// it ended and what it said last, and starts it again.
//
// It exists because `dapr run` starts apps and sidecars and restarts none of
// them. The same Supervisor stands behind `sidecart exec -- CMD…`, which is
// what dapr.yaml and the daprd stand-in call, and behind the servers that the
// runner starts itself.
//
//	           start                 dies
//	──────────▶ running ────────────────────────▶ waiting (back-off)
//	             │  ▲  asked to restart: SIGTERM,     │
//	             │  └──── then at once ◀──────────────┘ delay over, or asked
//	             │ stop: signal, Grace, SIGKILL
//	             ▼
//	           ended
//
// The process decides nothing: whoever stops or restarts does so through the
// Supervisor. A process that fails over and over is tried again for ever, ever
// more slowly. One that lives and refuses connections (Config.Listens) is
// killed, for it is of no more use than a dead one. It lives in a process group
// of its own, so that Ctrl-C at the terminal reaches it only through us; on
// Linux it gets SIGKILL when we die without a word. Elsewhere it then stays
// behind, for the kernel offers nothing.
package supervise

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// Config says what to keep running. Only Argv is required.
type Config struct {
	Name string   // in reports, and the key in StateDir; default: the base of Argv[0]
	Argv []string // the command and its arguments
	Dir  string   // working directory; default: ours
	Env  []string // environment; nil: ours

	Stdout, Stderr io.Writer // the process's output; nil discards it
	Report         io.Writer // one line per event, for people; nil: silent

	StateDir string // where State is kept for List, Restart and Stop; empty: nowhere
	LogFile  string // told to readers of State
	Numbered bool   // a living namesake in StateDir makes this one NAME-2, NAME-3, …

	StopSignal   syscall.Signal      // sent when Run's context ends; default SIGTERM
	Grace        time.Duration       // from the stop signal to SIGKILL; default 10 s
	RestartGrace time.Duration       // the same for a restart that was asked for; default 3 s
	Backoff      Backoff             // pauses between starts
	Credential   *syscall.Credential // run as another user; nil: as us

	Listens string        // the address at which it takes connections; empty: nobody looks
	Deaf    time.Duration // for how long it may refuse them, once it took some, before it is killed; default 15 s

	Started func(pid int) // called after each start, from Run's goroutine; may be nil
}

// ExitError is what Run returns when the process was stopped and ended badly.
// Code is what a shell would show: 128 + the signal's number for a killed one.
type ExitError struct{ Code int }

// Error names the exit code.
func (e *ExitError) Error() string { return fmt.Sprintf("ended with exit code %d", e.Code) }

// Supervisor keeps one process running. Its methods may be called from any
// goroutine, Run once.
type Supervisor struct {
	cfg     Config
	restart chan struct{}
	signals chan syscall.Signal
	tail    *tail
	state   *stateFile
}

// New checks the configuration. Nothing is started before Run.
func New(cfg Config) (*Supervisor, error) {
	if len(cfg.Argv) == 0 || cfg.Argv[0] == "" {
		return nil, errors.New("supervise: no command given")
	}
	if cfg.Name == "" {
		cfg.Name = filepath.Base(cfg.Argv[0])
	}
	if filepath.Base(cfg.Name) != cfg.Name {
		return nil, fmt.Errorf("supervise: %q cannot be a name", cfg.Name)
	}
	if cfg.StopSignal == 0 {
		cfg.StopSignal = syscall.SIGTERM
	}
	if cfg.Grace <= 0 {
		cfg.Grace = 10 * time.Second
	}
	if cfg.RestartGrace <= 0 {
		cfg.RestartGrace = 3 * time.Second
	}
	if cfg.Deaf <= 0 {
		cfg.Deaf = 15 * time.Second
	}
	if cfg.Report == nil {
		cfg.Report = io.Discard
	}
	cfg.Backoff = cfg.Backoff.withDefaults()
	return &Supervisor{
		cfg:     cfg,
		restart: make(chan struct{}, 1),
		signals: make(chan syscall.Signal, 8),
		tail:    newTail(tailLines),
	}, nil
}

// Restart asks for a restart now: the process is stopped and started again, a
// pause is cut short. Requests that arrive before the first is served are one.
func (s *Supervisor) Restart() {
	select {
	case s.restart <- struct{}{}:
	default:
	}
}

// Signal passes sig on to the process. SIGTERM and SIGINT also end Run, with
// SIGKILL after Grace.
func (s *Supervisor) Signal(sig syscall.Signal) {
	select {
	case s.signals <- sig:
	default: // eight unread signals say no less than nine
	}
}

// Run keeps the process running until ctx ends or a stopping signal was
// passed on, and returns when the process is gone: nil if it went as it was
// told, *ExitError if it did not. It refuses to start if another supervisor of
// the same name lives in StateDir and Numbered is not set.
func (s *Supervisor) Run(ctx context.Context) error {
	// The kernel sends the parent-death signal when the thread that started
	// the process ends, so this thread stays ours until the process is gone.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	state, err := openState(ctx, s)
	if err != nil {
		return err
	}
	s.state = state
	defer s.state.close()

	var delay time.Duration
	for {
		end := s.once(ctx)
		switch end.why {
		case whyStopped:
			return end.result()
		case whyAsked:
			s.sayf("restarted on request")
			delay = 0
			continue
		case whyDied:
			delay = s.cfg.Backoff.next(delay, end.lived)
			s.reportDeath(end, delay)
		}
		switch s.pause(ctx, delay, end) {
		case whyStopped:
			return nil
		case whyAsked:
			delay = 0
		case whyDied:
		}
	}
}

// why says what made a process, or the pause after it, end.
type why int

const (
	whyDied    why = iota // by itself; for a pause: its time was over
	whyAsked              // a restart was asked for
	whyStopped            // it was stopped
)

// ending is how one run of the process ended.
type ending struct {
	why   why
	sent  syscall.Signal   // the last signal that we sent, 0: none
	err   error            // it could not be started
	state *os.ProcessState // nil if it could not be started
	lived time.Duration
}

// once starts the process and stays until it is gone.
func (s *Supervisor) once(ctx context.Context) ending {
	s.tail.reset()
	cmd := s.command()
	begin := time.Now()
	easeTimers() // of this thread, which Run holds, and of its children
	if err := cmd.Start(); err != nil {
		return ending{why: whyDied, err: err}
	}
	pid := cmd.Process.Pid
	s.state.running(pid)
	if s.cfg.Started != nil {
		s.cfg.Started(pid)
	}
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		_ = cmd.Wait() // the process state says it all
	}()
	end := s.watch(ctx, pid, exited)
	// What it left in its group would hold its ports and files.
	_ = syscall.Kill(-pid, syscall.SIGKILL)
	end.state, end.lived = cmd.ProcessState, time.Since(begin)
	return end
}

// watch serves signals and requests until the process has exited.
func (s *Supervisor) watch(ctx context.Context, pid int, exited <-chan struct{}) ending {
	var (
		end     ending
		overdue <-chan time.Time
		done    = ctx.Done()
		heard   time.Time // when it last did not refuse a connection; zero: it never took one
	)
	look, rest := s.looks()
	defer rest()
	send := func(sig syscall.Signal) {
		end.sent = sig
		_ = syscall.Kill(pid, sig) // already gone: exited says so
	}
	stop := func(reason why, sig syscall.Signal, grace time.Duration) {
		if end.why < reason {
			end.why = reason
			overdue = time.After(grace)
			s.state.stopping()
		}
		send(sig)
	}
	for {
		select {
		case <-exited:
			return end
		case <-done:
			done = nil
			stop(whyStopped, s.cfg.StopSignal, s.cfg.Grace)
		case <-s.restart:
			if end.why == whyDied {
				stop(whyAsked, s.cfg.StopSignal, s.cfg.RestartGrace)
			}
		case sig := <-s.signals:
			if stops(sig) {
				stop(whyStopped, sig, s.cfg.Grace)
			} else {
				send(sig)
			}
		case now := <-look:
			switch refused, took := knock(s.cfg.Listens); {
			case took, !refused && !heard.IsZero(): // or frozen
				heard = now
			case refused && !heard.IsZero() && now.Sub(heard) >= s.cfg.Deaf && end.why == whyDied:
				s.sayf("pid %d lives, but takes no connections at %s any more: it is killed", pid, s.cfg.Listens)
				send(syscall.SIGKILL)
			}
		case <-overdue:
			overdue = nil
			s.sayf("pid %d did not stop in time and is killed", pid)
			send(syscall.SIGKILL)
			_ = syscall.Kill(-pid, syscall.SIGKILL)
		}
	}
}

// looks ticks when the process should be knocked at; never, if it listens nowhere.
func (s *Supervisor) looks() (tick <-chan time.Time, stop func()) {
	if s.cfg.Listens == "" {
		return nil, func() {}
	}
	t := time.NewTicker(s.cfg.Deaf / 15)
	return t.C, t.Stop
}

// knock tells whether an address refuses connections or takes one. A process that is frozen or busy does neither, or the kernel takes
// them for it.
func knock(address string) (refused, took bool) {
	c, err := net.DialTimeout("tcp", address, 200*time.Millisecond)
	if err != nil {
		return errors.Is(err, syscall.ECONNREFUSED), false
	}
	_ = c.Close()
	return false, true
}

// pause waits before the next start.
func (s *Supervisor) pause(ctx context.Context, delay time.Duration, end ending) why {
	s.state.waiting(end.describe())
	timer := time.NewTimer(delay)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			return whyDied
		case <-ctx.Done():
			return whyStopped
		case <-s.restart:
			return whyAsked
		case sig := <-s.signals:
			if stops(sig) {
				return whyStopped
			}
		}
	}
}

func stops(sig syscall.Signal) bool { return sig == syscall.SIGTERM || sig == syscall.SIGINT }

func (s *Supervisor) command() *exec.Cmd {
	cmd := exec.Command(s.cfg.Argv[0], s.cfg.Argv[1:]...)
	cmd.Dir, cmd.Env = s.cfg.Dir, s.cfg.Env
	// A grandchild that keeps the pipes open must not hold up a restart.
	cmd.WaitDelay = 500 * time.Millisecond
	cmd.SysProcAttr = processAttributes()
	cmd.SysProcAttr.Credential = s.cfg.Credential
	cmd.Stdout = s.tail.stream(s.cfg.Stdout)
	cmd.Stderr = cmd.Stdout
	if s.cfg.Stderr != s.cfg.Stdout {
		cmd.Stderr = s.tail.stream(s.cfg.Stderr)
	}
	return cmd
}
