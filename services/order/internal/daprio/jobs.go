package daprio

import (
	"context"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/services/order/internal/app"
)

// Reconcile registers the reconciler's handler and returns the job that calls it: on one replica, every 20 s.
func Reconcile(jobs *daprkit.Jobs, r *app.Reconciler) daprkit.Job {
	const name = "reconcile"
	jobs.On(name, func(ctx context.Context, _ []byte) error { return r.Run(ctx) })
	return daprkit.Job{Name: name, Schedule: "@every " + app.ReconcileEvery.String(), Overwrite: true}
}
