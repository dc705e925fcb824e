package httpapi_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
	"github.com/sidecart/sidecart/services/checkout/internal/app"
	"github.com/sidecart/sidecart/services/checkout/internal/checkouttest"
)

// reconciler is one with its metrics: what the last look found, and what was mended in all.
type reconciler struct {
	*app.Reconciler
	registry *prometheus.Registry
}

func (s *session) reconciler() reconciler {
	registry := prometheus.NewRegistry()
	return reconciler{app.NewReconciler(s.app, registry), registry}
}

func (r reconciler) counts(t *testing.T) (found, mended float64) {
	t.Helper()
	families, err := r.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if m.GetLabel()[0].GetValue() != "hold-without-checkout" {
				t.Errorf("found %v", m)
			}
			found, mended = max(found, m.GetGauge().GetValue()), max(mended, m.GetCounter().GetValue())
		}
	}
	return found, mended
}

// What is held for nobody's checkout is found, counted and given free; what somebody needs, or has only just held, stays.
func TestHoldsWithoutCheckout(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.ready()
	const other, done = "00000000000000000000000000000002", "00000000000000000000000000000003"
	s.shop.Cart(done, 1, "USD", map[string]int64{"mug": 1})
	var c checkoutapi.Checkout
	s.client.Do("POST", "/v1/checkouts", `{"cart_id":"`+done+`","email":"customer@example.com"}`).Want(201).JSON(&c)
	c = s.patch(c.ID, `{"shipping_address":`+address+`,"shipping_option_id":"standard"}`)
	s.complete(c.ID, "a", pay(c.Totals.Total.Minor)).Want(201)
	until := s.now().Add(15 * time.Minute)
	for i := range 3 {
		s.shop.Hold(fmt.Sprint("nobody-", i), map[string]int64{"mug": 1}, until)
	}
	s.shop.Hold(done, map[string]int64{"mug": 1}, until)
	s.turnClock(50 * time.Second)
	s.shop.Hold(other, map[string]int64{"mug": 1}, s.now().Add(15*time.Minute)) // its checkout is being made
	r := s.reconciler()
	s.shop.Set(func(n *checkouttest.Neighbours) {
		n.Before = checkouttest.Fail(fault.New(fault.Unavailable, "unavailable", "away"), "inventory DELETE")
	})
	if err := r.Run(t.Context()); err == nil {
		t.Error("that nothing could be given free is no error")
	}
	if found, mended := r.counts(t); found != 4 || mended != 0 {
		t.Errorf("found %v, mended %v", found, mended)
	}
	s.shop.Set(func(n *checkouttest.Neighbours) { n.Before = nil })
	for look, want := range []float64{4, 0} {
		if err := r.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if found, mended := r.counts(t); found != want || mended != 4 {
			t.Errorf("look %d: found %v, mended %v", look, found, mended)
		}
	}
	s.turnClock(3 * app.ReconcileEvery) // others look
	if families, err := r.registry.Gather(); err != nil || len(families) != 1 {
		t.Errorf("who looks no more tells %v, %v", families, err)
	}
	if len(s.shop.Holds(cartID)) == 0 || len(s.shop.Holds(other)) == 0 || len(s.shop.Holds(done)) != 0 || len(s.shop.Holds("nobody-1")) != 0 {
		t.Error("not what was to be given free")
	}
}
