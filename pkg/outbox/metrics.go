package outbox

import "github.com/prometheus/client_golang/prometheus"

// metrics of the leader; a relay that does not lead reports zeroes.
type metrics struct {
	leader    prometheus.Gauge
	lag       prometheus.Gauge
	pending   prometheus.Gauge
	published *prometheus.CounterVec
	failures  *prometheus.CounterVec
}

func newMetrics(r prometheus.Registerer) *metrics {
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
	}
	counter := func(name, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{"topic"})
	}
	m := &metrics{
		leader:    gauge("outbox_leader", "1 while this process publishes the outbox."),
		lag:       gauge("outbox_lag_seconds", "Age of the oldest event that is not published."),
		pending:   gauge("outbox_pending", "Events that are not published."),
		published: counter("outbox_published_total", "Events published and marked as sent."),
		failures:  counter("outbox_failures_total", "Events that were not accepted by the broker, by attempt."),
	}
	if r != nil {
		r.MustRegister(m.leader, m.lag, m.pending, m.published, m.failures)
	}
	return m
}

func (m *metrics) lead() { m.leader.Set(1) }

func (m *metrics) follow() {
	m.leader.Set(0)
	m.lag.Set(0)
	m.pending.Set(0)
}
