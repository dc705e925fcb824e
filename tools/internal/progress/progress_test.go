package progress

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestLine(t *testing.T) {
	t.Parallel()
	now := time.Unix(100, 0)
	var out bytes.Buffer
	b := New(&out, "orders", 40)
	b.begun, b.now = now, func() time.Time { return now }
	b.terminal = true
	now = now.Add(10 * time.Second)
	b.Add(10, "2 declined")
	if got := out.String(); got != "\rorders [======                  ] 10/40  1/s  30s left  2 declined" {
		t.Errorf("wrote %q", got)
	}
	out.Reset()
	now = now.Add(time.Millisecond)
	b.Add(1, "")
	if out.Len() > 0 {
		t.Errorf("wrote again at once: %q", out.String())
	}
	b.Add(29, "")
	b.End()
	if got := out.String(); !strings.HasSuffix(got, "\n") || !strings.Contains(got, "[========================] 40/40") || !strings.Contains(got, "in 10s") {
		t.Errorf("ended with %q", got)
	}
}

func TestLogGetsLinesNowAndThen(t *testing.T) {
	t.Parallel()
	now := time.Unix(100, 0)
	var out bytes.Buffer
	b := New(&out, "rows", 0)
	b.begun, b.now = now, func() time.Time { return now }
	for range 70 {
		now = now.Add(100 * time.Millisecond)
		b.Add(1, "")
	}
	b.End()
	if got := strings.Count(out.String(), "\n"); got != 3 {
		t.Errorf("%d lines in 7 s, want 3:\n%s", got, out.String())
	}
}
