package httpapi

import (
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sidecart/sidecart/services/inventory/internal/app"
	"github.com/sidecart/sidecart/services/inventory/inventoryapi"
)

// Before a sale and after it: every piece is explained by an order, a hold or a booking.
func TestSnapshotsCompare(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	var snap inventoryapi.Snapshot
	s.staff.Do("PUT", "/v1/admin/stock/snapshots/before", nil).Want(200).JSON(&snap)
	same(t, "levels", snap.Levels, int64(3))
	s.staff.Do("PUT", "/v1/admin/stock/snapshots/before", nil).Problem(409, "snapshot-exists")
	s.staff.Do("PUT", "/v1/admin/stock/snapshots/a%20b", nil).Problem(422, "validation-failed")
	var c inventoryapi.Comparison
	s.staff.Do("GET", "/v1/admin/stock/snapshots/before/compare", nil).Want(200).JSON(&c)
	same(t, "nothing happened", len(c.Levels)+len(c.Holds), 0)

	s.holds("c", 10, `{"sku":"mug","quantity":2},{"sku":"shirt","quantity":1}`).Want(200)
	s.order.Do("PUT", inventoryapi.PathAllocations+"o-1", `{"owner":"c","country":"US","lines":[{"line_id":"1","sku":"mug","quantity":2}]}`).Want(200)
	s.order.Do("PUT", inventoryapi.PathAllocations+"o-2", `{"owner":"d","country":"US","lines":[{"line_id":"1","sku":"mug","quantity":3}]}`).Want(200)
	s.order.Do("DELETE", inventoryapi.PathAllocations+"o-2", nil).Want(200)
	s.staff.Do("POST", "/v1/admin/stock/receive", `{"reference":"more","lines":[{"sku":"mug","location_id":"reno","quantity":7}]}`).Want(200)
	s.staff.Do("PUT", "/v1/admin/stock/snapshots/after", nil).Want(200)
	s.order.Do("PUT", inventoryapi.PathAllocations+"o-3", `{"owner":"e","country":"US","lines":[{"line_id":"1","sku":"mug","quantity":1}]}`).Want(200) // after the later snapshot
	s.staff.Do("POST", "/v1/admin/stock/receive", `{"reference":"later","lines":[{"sku":"mug","location_id":"berlin","quantity":1}]}`).Want(200)
	s.staff.Do("GET", "/v1/admin/stock/snapshots/before/compare?to=after", nil).Want(200).JSON(&c)
	same(t, "levels", c.Levels, []inventoryapi.LevelDifference{{SKU: "mug", LocationID: "reno", Before: inventoryapi.Stand{OnHand: 10}, After: inventoryapi.Stand{OnHand: 17, Allocated: 2},
		Moves: map[string]inventoryapi.Moved{"receive": {Entries: 1, Stand: inventoryapi.Stand{OnHand: 7}, References: []string{"more"}},
			"allocate": {Entries: 2, Stand: inventoryapi.Stand{Allocated: 5}, References: []string{"o-2", "o-1"}}, "release": {Entries: 1, Stand: inventoryapi.Stand{Allocated: -3}, References: []string{"o-2"}}}}})
	same(t, "holds", c.Holds, []inventoryapi.HoldDifference{{SKU: "shirt", After: 1, OwnersAfter: 1}})
	s.staff.Do("GET", "/v1/admin/stock/snapshots/before/compare", nil).Want(200).JSON(&c)
	same(t, "until now", len(c.Levels), 2)
	same(t, "by what", c.Levels[1].Moves["allocate"].References, []string{"o-3", "o-2", "o-1"})
	s.staff.Do("GET", "/v1/admin/stock/snapshots/never/compare", nil).Problem(404, "snapshot-not-found")
	s.staff.Do("GET", "/v1/admin/stock/snapshots/before/compare?to=never", nil).Problem(404, "snapshot-not-found")
}

// Damage is found, shown as unexplained, and made good from the ledger, the reservations and the holds, where constraints allow.
func TestReconcile(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	s.staff.Do("PUT", "/v1/admin/stock/snapshots/sound", nil).Want(200)
	s.holds("c", 10, `{"sku":"shirt","quantity":1}`).Want(200)
	s.order.Do("PUT", inventoryapi.PathAllocations+"o-1", `{"owner":"d","lines":[{"line_id":"1","sku":"mug","quantity":2}]}`).Want(200)
	var r inventoryapi.Reconciliation
	s.staff.Do("POST", "/v1/admin/stock/reconcile", `{}`).Want(200).JSON(&r)
	same(t, "sound", len(r.Faults), 0)
	for _, damage := range []string{
		`UPDATE stock_levels SET on_hand = 99 WHERE sku = 'mug' AND location_id = 'berlin'`,
		`UPDATE stock_levels SET allocated = 0 WHERE sku = 'mug' AND location_id = 'reno'`,
		`UPDATE hold_totals SET held = 3 WHERE sku = 'shirt'`,
		`DELETE FROM stock_ledger WHERE sku = 'mug' AND kind = 'allocate'`,
	} {
		if _, err := s.pool.Exec(t.Context(), damage); err != nil {
			t.Fatal(err)
		}
	}
	s.staff.Do("POST", "/v1/admin/stock/reconcile", `{}`).Want(200).JSON(&r)
	same(t, "found", len(r.Faults), 3)
	var c inventoryapi.Comparison
	s.staff.Do("GET", "/v1/admin/stock/snapshots/sound/compare", nil).Want(200).JSON(&c)
	same(t, "unexplained", c.Levels[0].Unexplained, inventoryapi.Stand{OnHand: 94})
	s.staff.Do("POST", "/v1/admin/stock/reconcile", `{"repair":true}`).Want(200).JSON(&r)
	for _, f := range r.Faults {
		if !f.Repaired {
			t.Errorf("not repaired: %+v", f)
		}
	}
	s.staff.Do("POST", "/v1/admin/stock/reconcile", `{}`).Want(200).JSON(&r)
	same(t, "sound again", len(r.Faults), 0)
	same(t, "available", s.available("mug", "shirt"), []int64{13, 2})
	s.staff.Do("POST", "/v1/admin/stock/reconcile", `{"mend":true}`).Problem(422, "validation-failed")
	s.checkout.Do("POST", "/v1/admin/stock/reconcile", `{}`).Problem(401, "unauthenticated")
}

// The job sees damage at its next look, and its end; a hand in an old order within the hour, and then at each look of either replica.
func TestRecount(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	s.holds("c", 10, `{"sku":"shirt","quantity":1}`).Want(200)
	s.order.Do("PUT", inventoryapi.PathAllocations+"o-1", `{"owner":"d","lines":[{"line_id":"1","sku":"mug","quantity":2}]}`).Want(200)
	registry := prometheus.NewRegistry()
	replica := func(r prometheus.Registerer) *app.Recount {
		return app.NewRecount(&app.Auditor{Store: s.store, Now: s.clock.Now}, s.store, slog.New(slog.DiscardHandler), r)
	}
	recount, others := replica(registry), prometheus.NewRegistry()
	other := replica(others)
	none := map[string]float64{}
	tells := func(what string, registry *prometheus.Registry, want map[string]float64) {
		t.Helper()
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		counted := map[string]float64{}
		for _, f := range families {
			for _, m := range f.GetMetric() {
				counted[m.GetLabel()[0].GetValue()] = m.GetGauge().GetValue()
			}
		}
		same(t, what, counted, want)
	}
	run := func(r *app.Recount, after time.Duration) {
		t.Helper()
		s.clock.advance(after)
		if err := r.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	looks := func(what string, after time.Duration, holds, level float64) {
		t.Helper()
		run(recount, after)
		tells(what, registry, map[string]float64{"holds": holds, "level": level, "lot": 0})
	}
	damage := func(sql string) {
		t.Helper()
		if _, err := s.pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	looks("sound", 0, 0, 0)
	damage(`UPDATE stock_levels SET on_hand = 99 WHERE sku = 'mug' AND location_id = 'berlin'`)
	damage(`UPDATE hold_totals SET held = 3 WHERE sku = 'shirt'`)
	looks("damaged", 20*time.Second, 1, 1)
	looks("still", 20*time.Second, 1, 1)
	s.staff.Do("POST", "/v1/admin/stock/reconcile", `{"repair":true}`).Want(200)
	looks("repaired", 20*time.Second, 0, 0)
	for range 3 {
		run(recount, 40*time.Second)
	}
	tells("what was not counted again", registry, none)
	damage(`DELETE FROM inventory_reservations WHERE allocation_id = 'o-1'`)
	run(recount, 20*time.Second)
	tells("an old order", registry, none)
	run(other, time.Hour)
	tells("within the hour", others, map[string]float64{"holds": 0, "level": 1, "lot": 0})
	looks("the replica that looks next", 20*time.Second, 0, 1)
	s.staff.Do("POST", "/v1/admin/stock/reconcile", `{"repair":true}`).Want(200)
	looks("repaired again", 20*time.Second, 0, 0)
}
