package supervise

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"
)

// However many lines a process writes, its supervisor wakes for them no more often than it breathes, and none is lost.
func TestOutputIsReadInBreaths(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		s := newTail(2).stream(&out)
		begin := time.Now()
		for _, part := range []string{"a\nb\n", "c", "\nd\n"} {
			if _, err := s.Write([]byte(part)); err != nil {
				t.Error(err)
			}
		}
		if took := time.Since(begin); took != 3*breath {
			t.Errorf("three reads in %s, want %s", took, 3*breath)
		}
		if out.String() != "a\nb\nc\nd\n" || len(s.tail.lines()) != 2 || s.tail.lines()[0] != "c" {
			t.Errorf("%q, last lines %q", out.String(), s.tail.lines())
		}
	})
}

// A process that writes a lot is not held up for long, and once it writes little its supervisor breathes again.
func TestMuchOutputIsReadSooner(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newTail(1).stream(nil)
		begin := time.Now()
		read := func(size, times int) time.Duration {
			from := time.Now()
			for range times {
				_, _ = s.Write(make([]byte, size))
			}
			return time.Since(from)
		}
		for total := 0; total < 10<<20; total += 32 << 10 {
			read(32<<10, 1)
		}
		if took := time.Since(begin); took > time.Second {
			t.Errorf("10 MiB were read in %s", took)
		}
		read(100, 6)
		if took := read(100, 1); took != breath {
			t.Errorf("a pause of %s after little, want %s", took, breath)
		}
	})
}
