package supervise

import "time"

// Backoff is the pause between the end of a process and its next start. The
// zero value means 100 ms, doubled up to 10 s, and back to 100 ms after a run
// of at least 10 s.
type Backoff struct {
	Min     time.Duration // first pause
	Max     time.Duration // longest pause
	Healthy time.Duration // a run as long as this starts the count anew
}

func (b Backoff) withDefaults() Backoff {
	if b.Min <= 0 {
		b.Min = 100 * time.Millisecond
	}
	if b.Max <= 0 {
		b.Max = 10 * time.Second
	}
	b.Max = max(b.Max, b.Min)
	if b.Healthy <= 0 {
		b.Healthy = 10 * time.Second
	}
	return b
}

// next is the pause after a run that lasted lived, when the pause before that
// run was last (0: none).
func (b Backoff) next(last, lived time.Duration) time.Duration {
	if last <= 0 || lived >= b.Healthy {
		return b.Min
	}
	return min(2*last, b.Max)
}
