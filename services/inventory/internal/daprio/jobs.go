package daprio

import (
	"context"
	"time"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/pkg/idem"
	"github.com/sidecart/sidecart/services/inventory/internal/app"

	"github.com/jackc/pgx/v5/pgxpool"
)

// The jobs of inventory. The scheduler gives each firing to one replica.
const (
	jobSweep = "inventory-sweep"
	jobPrune = "inventory-prune"
	jobCount = "inventory-recount"
)

const (
	jobTimeout     = 20 * time.Second
	recountTimeout = 5 * time.Minute // when all is counted
)

// Jobs registers the handlers and returns what to schedule: the sweep of dead holds every 5 seconds, and the pruning of old
// idempotency keys every hour. While the scheduler is away holds end all the same, in the next turn of their SKU; only their
// events wait.
func Jobs(jobs *daprkit.Jobs, sweep func(context.Context) error, pool *pgxpool.Pool) []daprkit.Job {
	jobs.On(jobSweep, func(ctx context.Context, _ []byte) error {
		ctx, cancel := context.WithTimeout(ctx, jobTimeout)
		defer cancel()
		return sweep(ctx)
	})
	jobs.On(jobPrune, func(ctx context.Context, _ []byte) error {
		ctx, cancel := context.WithTimeout(ctx, jobTimeout)
		defer cancel()
		_, err := idem.Prune(ctx, pool, idem.Lifetime)
		return err
	})
	return []daprkit.Job{
		{Name: jobSweep, Schedule: "@every 5s", Overwrite: true},
		{Name: jobPrune, Schedule: "@every 1h", Overwrite: true},
	}
}

// Recount registers what recounts the stock.
func Recount(jobs *daprkit.Jobs, recount func(context.Context) error) daprkit.Job {
	jobs.On(jobCount, func(ctx context.Context, _ []byte) error {
		ctx, cancel := context.WithTimeout(ctx, recountTimeout)
		defer cancel()
		return recount(ctx)
	})
	return daprkit.Job{Name: jobCount, Schedule: "@every " + app.RecountEvery.String(), Overwrite: true}
}
