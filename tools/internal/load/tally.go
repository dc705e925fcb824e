package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sidecart/sidecart/tools/internal/shopclient"
)

// Report is what came of a run.
type Report struct {
	Seed       uint64         `json:"seed"`
	Guests     int            `json:"guests"`
	Took       time.Duration  `json:"took_ns"`
	Outcomes   map[string]int `json:"outcomes"`
	Kinds      map[string]int `json:"kinds"`
	Currencies map[string]int `json:"currencies"` // of the guests who bought
	Calls      []Latency      `json:"calls"`
	Unexpected int            `json:"unexpected"`
	Samples    []string       `json:"samples,omitempty"` // of what was unexpected
}

// Latency is how long a kind of call took, repeats and waiting included.
type Latency struct {
	Call string        `json:"call"`
	N    int           `json:"n"`
	P50  time.Duration `json:"p50_ns"`
	P95  time.Duration `json:"p95_ns"`
	P99  time.Duration `json:"p99_ns"`
	Max  time.Duration `json:"max_ns"`
}

// samples is how many unexpected errors are shown.
const samples = 20

type tally struct {
	mu    sync.Mutex
	begun time.Time
	r     Report
	took  map[string][]time.Duration
}

func newTally(seed uint64) *tally {
	return &tally{begun: time.Now(), took: map[string][]time.Duration{},
		r: Report{Seed: seed, Outcomes: map[string]int{}, Kinds: map[string]int{}, Currencies: map[string]int{}}}
}

var id = regexp.MustCompile(`/[0-9a-f-]{32,36}`)

// observe hears of each call.
func (t *tally) observe(call shopclient.Call, _ int, took time.Duration) {
	path, _, _ := strings.Cut(call.Path, "?")
	name := call.Method + " " + id.ReplaceAllString(path, "/{id}")
	t.mu.Lock()
	defer t.mu.Unlock()
	t.took[name] = append(t.took[name], took)
}

func (t *tally) end(n int, s script, r result) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if errors.Is(r.err, context.Canceled) {
		return // the run was stopped: nobody's fault
	}
	t.r.Guests++
	t.r.Outcomes[string(r.outcome)]++
	t.r.Kinds[string(s.kind)]++
	if r.outcome == bought || r.outcome == cancelled {
		t.r.Currencies[string(s.guest.Currency)]++
	}
	if r.outcome == faulty {
		t.r.Unexpected++
		if len(t.r.Samples) < samples {
			t.r.Samples = append(t.r.Samples, fmt.Sprintf("guest %d, who %s: %v", n, s.kind, r.err))
		}
	}
}

// note is for the progress line.
func (t *tally) note() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return counts(t.r.Outcomes)
}

func counts(m map[string]int) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, fmt.Sprintf("%d %s", m[name], name))
	}
	return strings.Join(parts, ", ")
}

func (t *tally) report() Report {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.r
	r.Took = time.Since(t.begun)
	for _, name := range slices.Sorted(maps.Keys(t.took)) {
		all := t.took[name]
		slices.Sort(all)
		r.Calls = append(r.Calls, Latency{Call: name, N: len(all), P50: percentile(all, 50), P95: percentile(all, 95), P99: percentile(all, 99), Max: all[len(all)-1]})
	}
	return r
}

// percentile is the nearest rank of sorted durations.
func percentile(sorted []time.Duration, p int) time.Duration {
	return sorted[(len(sorted)*p+99)/100-1]
}

// Print writes the report for people.
func (r Report) Print(out io.Writer) {
	fmt.Fprintf(out, "\n%d guests in %s (seed %d): %s\n", r.Guests, r.Took.Round(time.Millisecond), r.Seed, counts(r.Outcomes))
	fmt.Fprintf(out, "how they behaved: %s\nbought in: %s\n\n", counts(r.Kinds), counts(r.Currencies))
	fmt.Fprintf(out, "%-44s %7s %9s %9s %9s %9s\n", "call", "n", "p50", "p95", "p99", "max")
	for _, l := range r.Calls {
		fmt.Fprintf(out, "%-44s %7d %9s %9s %9s %9s\n", l.Call, l.N, short(l.P50), short(l.P95), short(l.P99), short(l.Max))
	}
	if r.Unexpected > 0 {
		fmt.Fprintf(out, "\n%d unexpected, the first of them:\n", r.Unexpected)
		for _, s := range r.Samples {
			fmt.Fprintf(out, "  %s\n", s)
		}
	}
}

func short(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
}
