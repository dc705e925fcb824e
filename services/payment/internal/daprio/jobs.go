package daprio

import (
	"context"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/services/payment/internal/app"
)

const (
	jobSettlement = "payment-settlement"
	jobVault      = "payment-vault"
	jobReview     = "payment-review"
	jobCredit     = "payment-credit"
	jobSuperseded = "payment-superseded"
	jobPrune      = "payment-prune"
)

// Jobs registers the handlers and returns what to schedule: every minute what is captured is looked at, as far as that is due, and
// reviews end that nobody decided in time, and superseded attempts are voided; every ten minutes payment methods are deleted at the gateway that could not be before, and credit that has run out is emptied;
// every hour promises that are over are forgotten. The scheduler gives each firing to one replica; while it is away, all of that is only later.
func Jobs(jobs *daprkit.Jobs, s *app.Settlements, v *app.Vault, r *app.Risk, c *app.Credits, prune func(context.Context) error) []daprkit.Job {
	jobs.On(jobSettlement, func(ctx context.Context, _ []byte) error { return s.Run(ctx) })
	jobs.On(jobVault, func(ctx context.Context, _ []byte) error { return v.Sweep(ctx) })
	jobs.On(jobReview, func(ctx context.Context, _ []byte) error { return r.Run(ctx) })
	jobs.On(jobSuperseded, func(ctx context.Context, _ []byte) error { return s.App.Supersede(ctx, "") })
	jobs.On(jobCredit, func(ctx context.Context, _ []byte) error { return c.Expire(ctx) })
	jobs.On(jobPrune, func(ctx context.Context, _ []byte) error { return prune(ctx) })
	return []daprkit.Job{
		{Name: jobReview, Schedule: "@every 1m", Overwrite: true},
		{Name: jobSettlement, Schedule: "@every 1m", Overwrite: true},
		{Name: jobSuperseded, Schedule: "@every 1m", Overwrite: true},
		{Name: jobVault, Schedule: "@every 10m", Overwrite: true},
		{Name: jobCredit, Schedule: "@every 10m", Overwrite: true},
		{Name: jobPrune, Schedule: "@every 1h", Overwrite: true},
	}
}
