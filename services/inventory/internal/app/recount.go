package app

import (
	"context"
	"log/slog"
	"sync"
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
// Each look counts what was written since the last one. All is counted where that differs, at the first look of a process, once an hour (only that
// sees a hand in old entries), and at each look as long as there are faults.
type Recount struct {
	auditor *Auditor
	store   CountStore
	log     *slog.Logger
	found   *telemetry.Findings

	mu     sync.Mutex
	next   time.Time      // when all is due
	counts map[string]int // of faults, when all was counted last
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
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.auditor.Now()
	differ, err := r.store.CountNew(ctx, now)
	if err != nil {
		return err
	}
	if differ == 0 && now.Before(r.next) {
		r.tell()
		return nil
	}
	faults, err := r.auditor.Reconcile(ctx, "recount", false, nil)
	if err != nil {
		return err
	}
	r.counts = map[string]int{FaultLevel: 0, FaultHolds: 0, FaultLot: 0}
	for _, f := range faults {
		r.counts[f.What]++
		r.log.Error("stock does not add up", "what", f.What, "sku", f.SKU, "location_id", f.LocationID, "lot", f.Lot)
	}
	r.tell()
	if err := r.store.Resum(ctx); err != nil {
		return err
	}
	if r.next = now.Add(wholeEvery); len(faults) > 0 {
		r.next = now
	}
	return nil
}

func (r *Recount) tell() {
	for what, n := range r.counts {
		r.found.Found(what, n)
	}
}
