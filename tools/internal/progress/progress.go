// Package progress shows a person how far a long command is: one line that is rewritten on a terminal, a line every few
// seconds elsewhere (logs, CI), each with the rate and an estimate of what is left.
package progress

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// The pace of writing: often on a terminal, seldom in a log.
const (
	fast = 100 * time.Millisecond
	slow = 3 * time.Second
)

// Bar counts what is done. Its methods may be called by many at once.
type Bar struct {
	mu       sync.Mutex
	out      io.Writer
	terminal bool
	now      func() time.Time
	label    string
	total    int64
	done     int64
	note     string
	begun    time.Time
	written  time.Time
	width    int // of what stands on the terminal's line
}

// New returns a bar that writes to out. total 0: unknown.
func New(out io.Writer, label string, total int64) *Bar {
	return &Bar{out: out, terminal: isTerminal(out), now: time.Now, label: label, total: total, begun: time.Now()}
}

func isTerminal(out io.Writer) bool {
	f, ok := out.(*os.File)
	if !ok {
		return false
	}
	st, err := f.Stat()
	return err == nil && st.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
}

// Add counts n more as done. note, if not empty, stands behind the figures from now on.
func (b *Bar) Add(n int64, note string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.done += n
	if note != "" {
		b.note = note
	}
	pace := slow
	if b.terminal {
		pace = fast
	}
	now := b.now()
	if b.written.IsZero() && !b.terminal {
		b.written = now // a log needs no line for what is over at once
	}
	if now.Sub(b.written) >= pace {
		b.written = now
		b.write(now, false)
	}
}

// Label begins a new part of the work under the same count.
func (b *Bar) Label(label string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.label = label
}

// End writes the last line.
func (b *Bar) End() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.write(b.now(), true)
}

func (b *Bar) write(now time.Time, last bool) {
	line := b.line(now, last)
	if !b.terminal {
		_, _ = fmt.Fprintln(b.out, line)
		return
	}
	pad := max(0, b.width-len([]rune(line)))
	b.width = len([]rune(line))
	end := ""
	if last {
		end = "\n"
	}
	_, _ = fmt.Fprint(b.out, "\r"+line+strings.Repeat(" ", pad)+end)
}

const cells = 24

func (b *Bar) line(now time.Time, last bool) string {
	took := now.Sub(b.begun)
	var s strings.Builder
	s.WriteString(b.label)
	if b.total > 0 {
		full := int(min(b.done, b.total) * cells / b.total)
		fmt.Fprintf(&s, " [%s%s] %d/%d", strings.Repeat("=", full), strings.Repeat(" ", cells-full), b.done, b.total)
	} else {
		fmt.Fprintf(&s, " %d", b.done)
	}
	if took > 0 {
		fmt.Fprintf(&s, "  %.0f/s", float64(b.done)/took.Seconds())
	}
	switch {
	case last:
		fmt.Fprintf(&s, "  in %s", took.Round(100*time.Millisecond))
	case b.total > 0 && b.done > 0:
		left := time.Duration(float64(took) / float64(b.done) * float64(max(0, b.total-b.done)))
		fmt.Fprintf(&s, "  %s left", left.Round(time.Second))
	}
	if b.note != "" {
		s.WriteString("  " + b.note)
	}
	return s.String()
}
