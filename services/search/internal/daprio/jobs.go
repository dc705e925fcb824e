package daprio

import (
	"context"
	"time"

	"github.com/sidecart/sidecart/pkg/daprkit"
)

const (
	jobCheck     = "search-check"
	jobPrune     = "search-prune"
	checkTimeout = 10 * time.Minute
	pruneTimeout = 20 * time.Second
)

// Jobs registers the handlers and returns what to schedule: what the replica lacks is asked for, and old events are forgotten, every
// hour. The scheduler gives each firing to one replica.
func Jobs(jobs *daprkit.Jobs, check, prune func(context.Context) error) []daprkit.Job {
	within := func(limit time.Duration, fn func(context.Context) error) func(context.Context, []byte) error {
		return func(ctx context.Context, _ []byte) error {
			ctx, cancel := context.WithTimeout(ctx, limit)
			defer cancel()
			return fn(ctx)
		}
	}
	jobs.On(jobCheck, within(checkTimeout, check))
	jobs.On(jobPrune, within(pruneTimeout, prune))
	return []daprkit.Job{{Name: jobCheck, Schedule: "@every 1h", Overwrite: true}, {Name: jobPrune, Schedule: "@every 1h", Overwrite: true}}
}
