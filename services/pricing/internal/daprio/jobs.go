package daprio

import (
	"context"
	"time"

	"github.com/sidecart/sidecart/pkg/daprkit"
)

// Prune registers the handler that forgets old inbox rows, and returns the job that calls it: on one replica, once a day.
func Prune(jobs *daprkit.Jobs, prune func(ctx context.Context) error) daprkit.Job {
	const name = "pricing-prune"
	jobs.On(name, func(ctx context.Context, _ []byte) error {
		ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
		defer cancel()
		return prune(ctx)
	})
	return daprkit.Job{Name: name, Schedule: "@every 24h", Overwrite: true}
}
