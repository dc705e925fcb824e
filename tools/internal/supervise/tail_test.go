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
