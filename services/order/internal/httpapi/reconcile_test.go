package httpapi_test

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sidecart/sidecart/services/order/internal/app"
	"github.com/sidecart/sidecart/services/order/internal/ordertest"
)

// findings looks once and returns what was found, by kind.
func (s *shop) findings() map[string]float64 {
	s.t.Helper()
	registry := prometheus.NewRegistry()
	if err := app.NewReconciler(s.app, s.store, s.bank, s.bank, registry).Run(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		s.t.Fatal(err)
	}
	found := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "order_reconcile_findings" && m.GetGauge().GetValue() > 0 {
				found[m.GetLabel()[0].GetValue()] = m.GetGauge().GetValue()
			}
		}
	}
	return found
}

// An order that is tried again and again is found after a quarter of an hour; one whose payment waits, a quarter of an hour after its time is
// over or people have decided.
func TestOrdersThatGetNowhere(t *testing.T) {
	t.Parallel()
	s := open(t)
	reviewed, _, _ := s.inReview()
	s.bank.Next = func(step string, _ app.MoneyCommand) app.MoneyAnswer {
		if step == "capture" {
			return app.MoneyAnswer{Outcome: app.MoneyPending, RetryAfter: 24 * time.Hour}
		}
		return app.MoneyAnswer{}
	}
	hangs := newID(t)
	if err := s.app.Place(t.Context(), ordertest.Snapshot(hangs, 1)); err != nil {
		t.Fatal(err)
	}
	s.reaches(hangs, "placed")
	s.waitsAgain(hangs)
	if found := s.findings(); found["lasting"] != 0 {
		t.Errorf("found at once: %v", found)
	}
	s.turnClock(16 * time.Minute)
	if found := s.findings(); found["lasting"] != 1 {
		t.Errorf("found %v", found)
	}
	s.turnClock(inReviewFor - 6*time.Minute) // 10 min over its time
	if found := s.findings(); found["lasting"] != 1 || found["overdue"] != 1 {
		t.Errorf("while the payment may wait: %v", found)
	}
	s.turnClock(6 * time.Minute)
	if found := s.findings(); found["lasting"] != 2 {
		t.Errorf("when its time is over: %v", found)
	}
	s.hearsReview(reviewed, "approved")
	if found := s.findings(); found["lasting"] != 1 {
		t.Errorf("approved a moment ago: %v", found)
	}
	s.turnClock(16 * time.Minute)
	if found := s.findings(); found["lasting"] != 2 {
		t.Errorf("approved, and not captured: %v", found)
	}
}

// Money is told apart by what has become of it: held or taken for nobody, or taken for an order that does not know it yet.
func TestMoneyIsToldApart(t *testing.T) {
	t.Parallel()
	s := open(t)
	nobodys, others := newID(t), newID(t)
	s.bank.Ran = append(s.bank.Ran, "authorise "+nobodys+"-1", "authorise "+others+"-1", "capture "+others+"-1")
	id := newID(t)
	hung := true
	s.bank.Lie = func(step string, _ app.MoneyCommand) error {
		if step == "capture" && hung {
			return ordertest.Unknown
		}
		return nil
	}
	if err := s.app.Place(t.Context(), ordertest.Snapshot(id, 1)); err != nil {
		t.Fatal(err)
	}
	s.reaches(id, "placed")
	s.waitsAgain(id)
	found := s.findings()
	if found["authorised-without-order"] != 1 || found["captured-without-order"] != 1 || found["captured-unconfirmed"] != 1 {
		t.Errorf("found %v", found)
	}
	hung = false
	s.turnClock(time.Minute)
	s.app.Driver().Sweep(t.Context())
	s.reaches(id, "confirmed")
	if found := s.findings(); found["authorised-without-order"]+found["captured-without-order"]+found["captured-unconfirmed"] != 0 {
		t.Errorf("still found: %v", found)
	}
}

// An effect that is lost is found and made again, and so are events found that do not leave.
func TestLostEffectsAndUnsentEvents(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.bank.Lie = func(step string, _ app.MoneyCommand) error {
		if step == "capture" {
			return ordertest.Unknown
		}
		return nil
	}
	id := newID(t)
	if err := s.app.Place(t.Context(), ordertest.Snapshot(id, 1)); err != nil {
		t.Fatal(err)
	}
	s.reaches(id, "placed")
	s.waitsAgain(id)
	if found := s.findings(); found["no-effect"]+found["unsent-event"] != 0 {
		t.Errorf("found %v", found)
	}
	if _, err := s.pool.Exec(t.Context(), `DELETE FROM order_effects`); err != nil {
		t.Fatal(err)
	}
	s.turnClock(41 * time.Second)
	if found := s.findings(); found["no-effect"] != 1 || found["unsent-event"] != 1 { // order.placed.v1, which nobody publishes here
		t.Errorf("found %v", found)
	}
	if found := s.findings(); found["no-effect"] != 0 {
		t.Errorf("made again, and found %v", found)
	}
	if _, err := s.pool.Exec(t.Context(), `UPDATE outbox SET sent_at = now()`); err != nil {
		t.Fatal(err)
	}
	if found := s.findings(); found["unsent-event"] != 0 {
		t.Errorf("sent, and found %v", found)
	}
}
