package daprio

import (
	"context"
	"time"

	"github.com/sidecart/sidecart/pkg/daprkit"
)

const (
	jobPrune   = "catalog-prune"
	jobTimeout = 20 * time.Second
)

// Jobs registers the handlers and returns what to schedule: old idempotency keys are forgotten every hour. The scheduler gives
// each firing to one replica; while it is away the keys only grow older, and an old key counts as none.
func Jobs(jobs *daprkit.Jobs, prune func(context.Context) error) []daprkit.Job {
	jobs.On(jobPrune, func(ctx context.Context, _ []byte) error {
		ctx, cancel := context.WithTimeout(ctx, jobTimeout)
		defer cancel()
		return prune(ctx)
	})
	return []daprkit.Job{{Name: jobPrune, Schedule: "@every 1h", Overwrite: true}}
}
