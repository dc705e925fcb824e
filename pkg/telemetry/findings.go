package telemetry

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Findings is a gauge of what a job found when it looked last, by kind. Such a job runs in one replica at a time, and in another one from look to
// look: each figure is told for as long as it may be the last, so that no replica goes on telling of what others have seen mended since.
type Findings struct {
	desc *prometheus.Desc
	keep time.Duration
	now  func() time.Time

	mu   sync.Mutex
	last map[string]finding
}

type finding struct {
	n  int
	at time.Time
}

// NewFindings returns the gauge of a job that looks every so often; three looks without a new figure, and it is told no more.
func NewFindings(name, help, label string, every time.Duration, now func() time.Time) *Findings {
	return &Findings{desc: prometheus.NewDesc(name, help, []string{label}, nil), keep: 3 * every, now: now, last: map[string]finding{}}
}

// Found notes how many of a kind there are.
func (f *Findings) Found(kind string, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last[kind] = finding{n, f.now()}
}

// Describe implements prometheus.Collector.
func (f *Findings) Describe(ch chan<- *prometheus.Desc) { ch <- f.desc }

// Collect implements prometheus.Collector.
func (f *Findings) Collect(ch chan<- prometheus.Metric) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for kind, found := range f.last {
		if f.now().Sub(found.at) < f.keep {
			ch <- prometheus.MustNewConstMetric(f.desc, prometheus.GaugeValue, float64(found.n), kind)
		}
	}
}
