package httpapi

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Kind is what goes wrong.
type Kind string

// The faults. "before" means that nothing happened at the gateway, "after" that the effect is on its disk although the
// caller never hears of it.
const (
	TimeoutBefore Kind = "timeout_before" // no answer for Delay, then the connection breaks
	TimeoutAfter  Kind = "timeout_after"
	ErrorBefore   Kind = "error_before" // 500
	ErrorAfter    Kind = "error_after"
	DropBefore    Kind = "drop_before" // the connection breaks at once
	DropAfter     Kind = "drop_after"
	EmptyAfter    Kind = "empty_after"  // 200 with an empty body
	Slow          Kind = "slow"         // right answer, Delay later
	Unavailable   Kind = "unavailable"  // 503
	RateLimited   Kind = "rate_limited" // 429
)

const (
	hangs = 65 * time.Second // longer than the SDK's own time-out of 60 s
	lags  = time.Second
)

var kinds = []Kind{TimeoutBefore, TimeoutAfter, ErrorBefore, ErrorAfter, DropBefore, DropAfter, EmptyAfter, Slow, Unavailable, RateLimited}

// Fault is an order to fail. The zero values mean: every operation, any order, always, for ever, the kind's usual delay.
type Fault struct {
	ID        int64   `json:"id"`
	Kind      Kind    `json:"kind"`
	Operation string  `json:"operation,omitempty"` // a name of the operations table, "" or "*" for all
	OrderID   string  `json:"order_id,omitempty"`  // regular expression on the order id
	Count     int     `json:"count,omitempty"`     // how many times in all; 0 without end
	Rate      float64 `json:"rate,omitempty"`      // share of matching calls, 0 < rate ≤ 1; 0 means all
	Delay     string  `json:"delay,omitempty"`     // Go duration
	Seed      uint64  `json:"seed,omitempty"`      // of the dice behind Rate: the same seed hits the same calls
	Hits      int     `json:"hits"`

	pattern *regexp.Regexp
	delay   time.Duration
	dice    *rand.Rand
}

func (f *Fault) prepare() error {
	if !slices.Contains(kinds, f.Kind) {
		return fmt.Errorf("kind %q is none of %v", f.Kind, kinds)
	}
	if f.Operation != "" && f.Operation != "*" && !slices.ContainsFunc(operations, func(o operation) bool { return o.name == f.Operation }) {
		return fmt.Errorf("operation %q is unknown", f.Operation)
	}
	if f.Count < 0 || f.Rate < 0 || f.Rate > 1 {
		return fmt.Errorf("count must be ≥ 0 and rate between 0 and 1")
	}
	f.delay = hangs
	if f.Kind == Slow {
		f.delay = lags
	}
	var err error
	if f.Delay != "" {
		if f.delay, err = time.ParseDuration(f.Delay); err != nil || f.delay < 0 {
			return fmt.Errorf("delay %q is not a duration", f.Delay)
		}
	}
	if f.pattern, err = regexp.Compile(f.OrderID); err != nil {
		return fmt.Errorf("order_id: %w", err)
	}
	f.Rate = cmp.Or(f.Rate, 1)
	f.dice = rand.New(rand.NewPCG(f.Seed, f.Seed))
	f.Hits = 0
	return nil
}

// faults are the orders in force; the first that matches a call wins.
type faults struct {
	any  atomic.Bool // so that a healthy simulator takes no lock
	mu   sync.Mutex
	last int64
	list []*Fault
}

func (fs *faults) add(f Fault) (Fault, error) {
	if err := f.prepare(); err != nil {
		return f, err
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.last++
	f.ID = fs.last
	fs.list = append(fs.list, &f)
	fs.any.Store(true)
	return f, nil
}

// remove takes one order back, or all for id 0, and answers how many.
func (fs *faults) remove(id int64) int {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	before := len(fs.list)
	fs.list = slices.DeleteFunc(fs.list, func(f *Fault) bool { return id == 0 || f.ID == id })
	fs.any.Store(len(fs.list) > 0)
	return before - len(fs.list)
}

func (fs *faults) all() []Fault {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	out := make([]Fault, len(fs.list))
	for i, f := range fs.list {
		out[i] = *f
	}
	return out
}

// Faults describes the faults in force, one a line, those that are spent left out.
func (s *Server) Faults() []string {
	var lines []string
	for _, f := range s.faults.all() {
		if f.Count > 0 && f.Hits >= f.Count {
			continue
		}
		line := fmt.Sprintf("#%d %s on %s", f.ID, f.Kind, cmp.Or(f.Operation, "*"))
		if f.OrderID != "" {
			line += " for orders " + f.OrderID
		}
		if f.Rate < 1 {
			line += fmt.Sprintf(", %.0f %% of calls", f.Rate*100)
		}
		lines = append(lines, line+fmt.Sprintf(", hit %d times", f.Hits))
	}
	return lines
}

// draw answers the fault for a call, or nil, and counts it. orderID is asked only when an order looks at it.
func (fs *faults) draw(operation string, orderID func() string) *Fault {
	if !fs.any.Load() {
		return nil
	}
	order := orderID()
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for _, f := range fs.list {
		spent := f.Count > 0 && f.Hits >= f.Count
		named := f.Operation == "" || f.Operation == "*" || f.Operation == operation
		if spent || !named || !f.pattern.MatchString(order) || f.dice.Float64() >= f.Rate {
			continue
		}
		f.Hits++
		hit := *f
		return &hit
	}
	return nil
}

// before acts on the faults that let nothing happen. It answers true when the call is over.
func (f *Fault) before(w http.ResponseWriter, r *http.Request) bool {
	if f == nil {
		return false
	}
	switch f.Kind {
	case ErrorBefore:
		w.WriteHeader(http.StatusInternalServerError)
	case Unavailable:
		w.WriteHeader(http.StatusServiceUnavailable)
	case RateLimited:
		w.WriteHeader(http.StatusTooManyRequests)
	case TimeoutBefore:
		wait(r.Context(), f.delay)
		panic(http.ErrAbortHandler)
	case DropBefore:
		panic(http.ErrAbortHandler)
	default:
		return false
	}
	return true
}

// after acts on the faults that hide what happened. It answers true when the call is over.
func (f *Fault) after(w http.ResponseWriter, r *http.Request) bool {
	if f == nil {
		return false
	}
	switch f.Kind {
	case ErrorAfter:
		w.WriteHeader(http.StatusInternalServerError)
	case EmptyAfter:
		w.WriteHeader(http.StatusOK)
	case TimeoutAfter:
		wait(r.Context(), f.delay)
		panic(http.ErrAbortHandler)
	case DropAfter:
		panic(http.ErrAbortHandler)
	case Slow:
		wait(r.Context(), f.delay)
		return false
	default:
		return false
	}
	return true
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
