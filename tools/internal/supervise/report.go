package supervise

import (
	"bytes"
	"fmt"
	"strings"
	"syscall"
	"time"
)

// result is what Run returns for a process that was stopped: nil if it ended
// well or by a signal that it was sent, short of SIGKILL.
func (e ending) result() error {
	status, ok := e.state.Sys().(syscall.WaitStatus)
	switch {
	case e.state.Success():
		return nil
	case ok && status.Signaled() && status.Signal() == e.sent && e.sent != syscall.SIGKILL:
		return nil
	case ok && status.Signaled():
		return &ExitError{Code: 128 + int(status.Signal())}
	default:
		return &ExitError{Code: e.state.ExitCode()}
	}
}

// describe says in words how the process ended.
func (e ending) describe() string {
	if e.err != nil {
		return "could not be started: " + e.err.Error()
	}
	after := "after " + round(e.lived).String()
	status, ok := e.state.Sys().(syscall.WaitStatus)
	switch {
	case ok && status.Signaled() && status.Signal() == e.sent:
		return fmt.Sprintf("ended by the signal that was passed on (%v) %s", status.Signal(), after)
	case ok && status.Signaled():
		return fmt.Sprintf("ended by signal %d (%v) %s", int(status.Signal()), status.Signal(), after)
	case e.state.Success():
		return "ended by itself without an error " + after
	default:
		return fmt.Sprintf("ended with exit code %d %s", e.state.ExitCode(), after)
	}
}

func round(d time.Duration) time.Duration {
	if d < time.Second {
		return d.Round(time.Millisecond)
	}
	return d.Round(100 * time.Millisecond)
}

// reportDeath writes the whole report in one piece, because several
// supervisors share one terminal.
func (s *Supervisor) reportDeath(end ending, delay time.Duration) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "sidecart: %s", s.cfg.Name)
	if end.state != nil {
		fmt.Fprintf(&b, " (pid %d)", end.state.Pid())
	}
	fmt.Fprintf(&b, " %s; it starts again in %v", end.describe(), delay)
	lines := s.tail.lines()
	if len(lines) > 0 {
		b.WriteString("; its last lines:")
	}
	b.WriteByte('\n')
	for _, line := range lines {
		fmt.Fprintf(&b, "    %s | %s\n", s.cfg.Name, line)
	}
	_, _ = s.cfg.Report.Write(b.Bytes())
}

func (s *Supervisor) sayf(format string, args ...any) {
	line := "sidecart: " + s.cfg.Name + ": " + fmt.Sprintf(format, args...)
	_, _ = fmt.Fprintln(s.cfg.Report, strings.TrimRight(line, "\n"))
}
