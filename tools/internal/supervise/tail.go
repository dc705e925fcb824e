package supervise

import (
	"bytes"
	"io"
	"sync"
	"time"
)

const (
	tailLines = 20       // shown when a process dies
	lineBytes = 2 * 1024 // of a longer line, the beginning is kept

	// breath is the pause after a read of a process's output. Woken for each line, the supervisors of a busy shop would take as much of
	// the processor as one of its services. A process that writes more in that time than a read takes, 32 KiB, would wait for its
	// supervisor: after much the pause is halved, until little comes.
	breath     = 50 * time.Millisecond
	leastPause = time.Millisecond
	much       = 8 << 10
	little     = 2 << 10
)

// tail remembers the last lines that a process wrote.
type tail struct {
	mu   sync.Mutex
	keep int
	ring []string
	open []*stream
}

func newTail(keep int) *tail { return &tail{keep: keep} }

// reset forgets what an earlier process wrote.
func (t *tail) reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ring, t.open = nil, nil
}

// lines are the last lines, oldest first, with what was begun and not ended.
func (t *tail) lines() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := append([]string(nil), t.ring...)
	for _, s := range t.open {
		if len(s.part) > 0 {
			out = append(out, string(s.part))
		}
	}
	return out[max(0, len(out)-t.keep):]
}

// stream is one output of a process: passed on to out and remembered by line.
type stream struct {
	tail  *tail
	out   io.Writer
	part  []byte
	pause time.Duration
}

func (t *tail) stream(out io.Writer) *stream {
	if out == nil {
		out = io.Discard
	}
	s := &stream{tail: t, out: out, pause: breath}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open = append(t.open, s)
	return s
}

// Write never fails: a full disk or a closed terminal must not become a
// broken pipe, and so the death, of the process that writes.
func (s *stream) Write(p []byte) (int, error) {
	defer s.rest(len(p))
	_, _ = s.out.Write(p)
	s.tail.mu.Lock()
	defer s.tail.mu.Unlock()
	rest := p
	for {
		line, after, ended := bytes.Cut(rest, []byte{'\n'})
		if room := lineBytes - len(s.part); room > 0 {
			s.part = append(s.part, line[:min(room, len(line))]...)
		}
		if !ended {
			return len(p), nil
		}
		s.tail.add(string(bytes.TrimRight(s.part, "\r")))
		s.part = s.part[:0]
		rest = after
	}
}

// rest pauses after a read of so many bytes.
func (s *stream) rest(read int) {
	switch {
	case read >= much:
		s.pause = max(s.pause/2, leastPause)
	case read <= little:
		s.pause = min(s.pause*2, breath)
	}
	time.Sleep(s.pause)
}

func (t *tail) add(line string) {
	if len(t.ring) == t.keep {
		copy(t.ring, t.ring[1:])
		t.ring[t.keep-1] = line
		return
	}
	t.ring = append(t.ring, line)
}
