package daprio

import (
	"context"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/services/order/internal/app"
)

const (
	jobReconcile = "reconcile"
	jobPrune     = "prune"
)

// Jobs registers the handlers and returns the jobs that call them, each on one replica: the reconciler every 20 s, and once an hour
// what forgets the answers of old Idempotency-Keys, which hold what was ordered and by whom.
func Jobs(jobs *daprkit.Jobs, r *app.Reconciler, prune func(context.Context) error) []daprkit.Job {
	jobs.On(jobReconcile, func(ctx context.Context, _ []byte) error { return r.Run(ctx) })
	jobs.On(jobPrune, func(ctx context.Context, _ []byte) error { return prune(ctx) })
	return []daprkit.Job{
		{Name: jobReconcile, Schedule: "@every " + app.ReconcileEvery.String(), Overwrite: true},
		{Name: jobPrune, Schedule: "@every 1h", Overwrite: true},
	}
}
