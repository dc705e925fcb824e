package daprbin

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"time"
)

// meter shows how far a build is: one line that is rewritten on a terminal,
// one every ten seconds elsewhere.
type meter struct {
	out      io.Writer
	title    string
	terminal bool
	cpus     int
	now      func() time.Time

	mu          sync.Mutex
	name        string // of the phase
	done, total int    // steps of the phase; total 0: unknown
	begin       time.Time
	phaseBegin  time.Time
	quit        chan struct{}
	stopped     sync.WaitGroup
}

func newMeter(out io.Writer, title string) *meter {
	m := &meter{out: out, title: title, cpus: runtime.GOMAXPROCS(0), now: time.Now, quit: make(chan struct{})}
	if file, ok := out.(*os.File); ok {
		info, err := file.Stat()
		m.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	m.begin = m.now()
	every := 10 * time.Second
	if m.terminal {
		every = 500 * time.Millisecond
	}
	_, _ = fmt.Fprintf(out, "building %s from source, once; a few minutes from nothing\n", title)
	m.stopped.Go(func() { m.tick(every) })
	return m
}

func (m *meter) tick(every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-m.quit:
			return
		case <-ticker.C:
			m.show()
		}
	}
}

// phase begins a phase of so many steps; 0: unknown.
func (m *meter) phase(name string, total int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.name, m.total, m.done, m.phaseBegin = name, total, 0, m.now()
}

func (m *meter) step() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.done++
}

func (m *meter) show() {
	m.mu.Lock()
	defer m.mu.Unlock()
	text := m.line()
	if m.terminal {
		_, _ = fmt.Fprintf(m.out, "\r\x1b[K%s", text)
		return
	}
	_, _ = fmt.Fprintln(m.out, text)
}

// line is what show shows. The caller holds the lock.
func (m *meter) line() string {
	now := m.now()
	text := fmt.Sprintf("  %s: %s", clock(now.Sub(m.begin)), m.name)
	switch {
	case m.total == 0 && m.done > 0:
		text += fmt.Sprintf(", %d fetched", m.done)
	case m.total > 0 && m.done < m.total:
		left := m.left(now.Sub(m.phaseBegin))
		text += fmt.Sprintf(", %d of %d packages, about %s left", m.done, m.total, clock(left))
	case m.total > 0:
		text += fmt.Sprintf(", %d packages done, linking", m.done)
	}
	return text
}

// What a package costs one processor on average, and the linking at the end,
// as measured with Dapr 1.18 on a small machine: the estimate until enough
// packages were compiled to tell.
const (
	perPackage = 180 * time.Millisecond
	linking    = 20 * time.Second
	enough     = 100
)

func (m *meter) left(elapsed time.Duration) time.Duration {
	each := perPackage / time.Duration(max(m.cpus, 1))
	if m.done >= enough {
		each = elapsed / time.Duration(m.done)
	}
	return time.Duration(m.total-m.done)*each + linking
}

// clock is a duration as 3:07, minutes and seconds.
func clock(d time.Duration) string {
	seconds := int(d.Round(time.Second) / time.Second)
	return fmt.Sprintf("%d:%02d", seconds/60, seconds%60)
}

func (m *meter) stop() {
	select {
	case <-m.quit:
	default:
		close(m.quit)
		m.stopped.Wait()
		if m.terminal {
			_, _ = fmt.Fprint(m.out, "\r\x1b[K")
		}
	}
}

// finish says that everything is there.
func (m *meter) finish() {
	m.stop()
	_, _ = fmt.Fprintf(m.out, "built %s in %s\n", m.title, clock(m.now().Sub(m.begin)))
}
