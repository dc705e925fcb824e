package app

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sidecart/sidecart/pkg/telemetry"
)

// How often it is looked whether stock adds up, and how often all of the ledger is read for it.
const (
	RecountEvery = 20 * time.Second
	wholeEvery   = time.Hour
)

// Recount looks by itself whether levels, lots and held totals are the sums that they should be. It repairs nothing: damage is for people.
//
// Each look counts what was written since the last one. All is counted where that differs, once an hour (only that sees a hand in old entries), and at
// each look of whichever replica as long as there are faults. Nothing is told of a look that has not counted all.
type Recount struct {
	auditor *Auditor
	store   CountStore
	log     *slog.Logger
	found   *telemetry.Findings
}

// NewRecount returns a recount of an auditor; registry may be nil.
func NewRecount(a *Auditor, counts CountStore, log *slog.Logger, registry prometheus.Registerer) *Recount {
	r := &Recount{auditor: a, store: counts, log: log, found: telemetry.NewFindings("inventory_recount_faults",
		"What did not add up when it was last recounted, by kind", "what", RecountEvery, a.Now)}
	if registry != nil {
		registry.MustRegister(r.found)
	}
	return r
}

// Run looks once.
func (r *Recount) Run(ctx context.Context) error {
	now := r.auditor.Now()
	differ, due, err := r.store.CountNew(ctx, now)
	if err != nil || differ == 0 && !due {
		return err
	}
	faults, err := r.auditor.Reconcile(ctx, "recount", false, nil)
	if err != nil {
		return err
	}
	counts := map[string]int{FaultLevel: 0, FaultHolds: 0, FaultLot: 0}
	for _, f := range faults {
		counts[f.What]++
		r.log.Error("stock does not add up", "what", f.What, "sku", f.SKU, "location_id", f.LocationID, "lot", f.Lot)
	}
	for what, n := range counts {
		r.found.Found(what, n)
	}
	next := now
	if len(faults) == 0 {
		next = now.Add(wholeEvery)
	}
	return r.store.Resum(ctx, next)
}
