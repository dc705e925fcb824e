package doctor

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/sidecart/sidecart/tools/internal/shop"
)

// counts is a service that shows these figures.
func counts(t *testing.T, collectors ...prometheus.Collector) string {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors...)
	server := httptest.NewServer(promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	t.Cleanup(server.Close)
	return server.URL
}

func gauge(name string, figure float64, labels map[string]string) prometheus.Collector {
	g := prometheus.NewGauge(prometheus.GaugeOpts{Name: name, ConstLabels: labels})
	g.Set(figure)
	return g
}

// What the services have found is said with its runbook; what is as it should be is not.
func TestWhatServicesHaveFound(t *testing.T) {
	t.Parallel()
	l := shop.Layout{Root: "../../.."}
	alarms := prometheus.NewCounter(prometheus.CounterOpts{Name: "order_alarms_total", ConstLabels: map[string]string{"reason": "dispute-opened"}})
	alarms.Add(2)
	var looked []prometheus.Collector // in vain, and not for money
	for _, kind := range []string{"overdue", "lasting", "edit-not-refunded", "unsent-event"} {
		looked = append(looked, gauge("order_reconcile_findings", 0, map[string]string{"kind": kind}))
	}
	quiet := shop.Service{ID: "cart", Metrics: counts(t, gauge("outbox_lag_seconds", 60, nil))}
	found := []shop.Service{
		{ID: "inventory", Metrics: counts(t, gauge("inventory_recount_faults", 3, map[string]string{"what": "lot"}), gauge("outbox_lag_seconds", 61, nil))},
		{ID: "checkout", Metrics: counts(t, gauge("checkout_reconcile_findings", 1, map[string]string{"kind": "hold-without-checkout"}))},
		{ID: "order", Metrics: counts(t, append(looked, alarms, gauge("order_reconcile_findings", 1, map[string]string{"kind": "no-effect"}))...)},
		{ID: "gone", Metrics: "http://127.0.0.1:1"}, quiet, {ID: "mute"},
	}
	var got []string
	for _, f := range watched(t.Context(), l, found) {
		if f.What != "gone" {
			got = append(got, strings.Join([]string{f.mark(), f.What, f.Detail, f.Advice}, "|"))
		} else if !f.Warn {
			t.Errorf("%+v", f)
		}
	}
	want := []string{
		"BAD |EventsUnsent|inventory: outbox_lag_seconds is 61|events do not leave: docs/runbooks/EventsUnsent.md",
		"BAD |StockDoesNotAddUp|inventory: lot of inventory_recount_faults is 3|stock does not add up: docs/runbooks/StockDoesNotAddUp.md",
		"note|HoldWithoutCheckout|checkout: hold-without-checkout of checkout_reconcile_findings is 1|stock is held for nobody: docs/runbooks/HoldWithoutCheckout.md",
		"BAD |OrderEffectLost|order: no-effect of order_reconcile_findings is 1|orders wait for an effect that is not there: docs/runbooks/OrderEffectLost.md",
		"note|ReconcilerSilent|order: captured-without-order of order_reconcile_findings is not told|a reconciler does not look, or its looks fail: docs/runbooks/ReconcilerSilent.md",
		"note|OrderAlarm|order: dispute-opened of order_alarms_total is 2 since it started|an order needs a person: docs/runbooks/OrderAlarm.md",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("said\n%s\nnot\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if all := watched(t.Context(), l, []shop.Service{quiet}); len(all) != 1 || all[0].Advice != "" {
		t.Errorf("of a shop that is well: %+v", all)
	}
}
