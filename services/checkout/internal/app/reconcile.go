package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sidecart/sidecart/pkg/telemetry"
)

// ReconcileEvery is how often the reconciler is to look.
const ReconcileEvery = 20 * time.Second

// patience is how old holds are before they are looked at: whoever makes a checkout holds first and writes it down then.
const patience = 40 * time.Second

// holdWithoutCheckout is a finding: a cart holds stock, and nobody is at the checkout with it.
const holdWithoutCheckout = "hold-without-checkout"

// Reconciler looks for what fell between checkout and inventory: stock that is held for nobody. It is given free.
type Reconciler struct {
	app    *App
	found  *telemetry.Findings
	mended *prometheus.CounterVec
}

// NewReconciler returns a reconciler; registry may be nil.
func NewReconciler(a *App, registry prometheus.Registerer) *Reconciler {
	r := &Reconciler{app: a,
		found:  telemetry.NewFindings("checkout_reconcile_findings", "What the last look found, by kind", "kind", ReconcileEvery, a.now),
		mended: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "checkout_reconcile_mended_total", Help: "What was mended, by kind"}, []string{"kind"})}
	if registry != nil {
		registry.MustRegister(r.found, r.mended)
	}
	return r
}

// Run looks once at all holds, some owners at a time. What cannot be given free is found again.
func (r *Reconciler) Run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, ReconcileEvery)
	defer cancel()
	var errs []error
	found, before := 0, r.app.now().Add(r.app.HoldTTL-patience)
	for last := ""; ; {
		owners, err := r.app.Holds.Owners(ctx, before, last)
		if err != nil {
			return errors.Join(append(errs, fmt.Errorf("owners of holds: %w", err))...)
		}
		if len(owners) == 0 {
			break
		}
		last = owners[len(owners)-1]
		lonely, err := r.unattended(ctx, owners)
		if err != nil {
			return errors.Join(append(errs, err)...)
		}
		found += len(lonely)
		for _, cart := range lonely {
			if err := r.free(ctx, cart); err != nil {
				errs = append(errs, fmt.Errorf("holds without a checkout: %w", err))
			}
		}
	}
	r.found.Found(holdWithoutCheckout, found)
	return errors.Join(errs...)
}

// unattended returns those of the carts that have no checkout.
func (r *Reconciler) unattended(ctx context.Context, carts []string) ([]string, error) {
	attended, err := r.app.Sweeps.Attended(ctx, carts)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(carts, func(cart string) bool { return slices.Contains(attended, cart) }), nil
}

// free gives free what a cart holds, unless somebody has come to its checkout in this moment.
func (r *Reconciler) free(ctx context.Context, cart string) error {
	lonely, err := r.unattended(ctx, []string{cart})
	if err != nil || len(lonely) == 0 {
		return err
	}
	if err := r.app.Holds.Release(ctx, cart); err != nil {
		return err
	}
	r.app.Log.WarnContext(ctx, "stock that was held without a checkout is free again")
	r.mended.WithLabelValues(holdWithoutCheckout).Inc()
	return nil
}
