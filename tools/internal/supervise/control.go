package supervise

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Requests that a control socket takes, one line each, answered by "ok".
const (
	requestRestart = "restart"
	requestStop    = "stop"
)

// A Unix socket's path is limited to 104 bytes on some systems.
const longestSocketPath = 100

// pollEvery is how often Restart and Stop look whether they have got their way.
const pollEvery = 20 * time.Millisecond

// answerLimit is the time in which a supervisor answers a request; what it asks for takes longer.
const answerLimit = 2 * time.Second

// control is the socket through which other processes reach a supervisor. A
// signal would not do: the supervisor may be one of several in its process.
type control struct {
	path     string
	own      string // a temporary directory to remove, or empty
	listener net.Listener
	done     sync.WaitGroup
}

func listen(dir, name string, s *Supervisor) (*control, error) {
	c := &control{path: filepath.Join(dir, name+".sock")}
	if len(c.path) > longestSocketPath {
		short, err := os.MkdirTemp("", "sidecart-")
		if err != nil {
			return nil, fmt.Errorf("supervise: control socket: %w", err)
		}
		c.own, c.path = short, filepath.Join(short, "control.sock")
	}
	_ = os.Remove(c.path) // left by one that was killed; we hold its lock
	ln, err := net.Listen("unix", c.path)
	if err != nil {
		return nil, fmt.Errorf("supervise: control socket: %w", err)
	}
	c.listener = ln
	c.done.Go(func() { c.serve(s) })
	return c, nil
}

func (c *control) serve(s *Supervisor) {
	for {
		conn, err := c.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		c.done.Go(func() { answer(conn, s) })
	}
}

func answer(conn net.Conn, s *Supervisor) {
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(answerLimit))
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return
	}
	switch strings.TrimSpace(line) {
	case requestRestart:
		s.Restart()
	case requestStop:
		s.Signal(s.cfg.StopSignal)
	default:
		_, _ = fmt.Fprintln(conn, "unknown request")
		return
	}
	_, _ = fmt.Fprintln(conn, "ok")
}

func (c *control) close() {
	_ = c.listener.Close()
	c.done.Wait()
	if c.own != "" {
		_ = os.RemoveAll(c.own)
	}
}

// ask sends one request to the supervisor behind st.
func ask(ctx context.Context, st State, request string) error {
	if !st.Alive {
		return fmt.Errorf("supervise: %s does not run: %w", st.Name, fs.ErrNotExist)
	}
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", st.Control)
	if err != nil {
		return fmt.Errorf("supervise: reach %s: %w", st.Name, err)
	}
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })
	defer stop()
	if _, err := fmt.Fprintln(conn, request); err != nil {
		return fmt.Errorf("supervise: ask %s to %s: %w", st.Name, request, err)
	}
	reply, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return fmt.Errorf("supervise: ask %s to %s: %w", st.Name, request, err)
	}
	if reply = strings.TrimSpace(reply); reply != "ok" {
		return fmt.Errorf("supervise: ask %s to %s: it says %q", st.Name, request, reply)
	}
	return nil
}

// Restart has the process of that name stopped and started again, and waits
// until the new one was started (whether it works is for its own health check
// to say). An error wraps fs.ErrNotExist if none of that name lives in dir.
func Restart(ctx context.Context, dir, name string) (State, error) {
	before, err := Read(dir, name)
	if err != nil {
		return before, err
	}
	if err := ask(ctx, before, requestRestart); err != nil {
		return before, err
	}
	for {
		now, err := Read(dir, name)
		if err != nil {
			return now, err
		}
		if now.Starts > before.Starts && now.Phase == PhaseRunning {
			return now, nil
		}
		if err := sleep(ctx, pollEvery); err != nil {
			return now, fmt.Errorf("supervise: restart %s (%s): %w", name, now.LastEnd, err)
		}
	}
}

// Stop has every named process stopped, all at once, and waits until their supervisors are gone. Names that do not live are passed
// over; one that comes to life meanwhile is stopped too.
func Stop(ctx context.Context, dir string, names ...string) error {
	asked := map[int]bool{} // supervisors
	for {
		var left []string
		var faults []error
		for _, name := range names {
			st, err := Read(dir, name)
			switch {
			case errors.Is(err, fs.ErrNotExist), err == nil && !st.Alive:
				continue
			case err == nil && !asked[st.WrapperPID]:
				err = ask(ctx, st, requestStop)
				asked[st.WrapperPID] = err == nil
			}
			left = append(left, name)
			if err != nil && !errors.Is(err, syscall.ECONNREFUSED) { // it is just going
				faults = append(faults, err)
			}
		}
		if len(left) == 0 {
			return nil
		}
		if err := sleep(ctx, pollEvery); err != nil {
			return errors.Join(append(faults, fmt.Errorf("supervise: stop %s: %w", strings.Join(left, ", "), err))...)
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
