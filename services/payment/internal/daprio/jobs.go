package daprio

import (
	"context"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/services/payment/internal/app"
)

const (
	jobSettlement = "payment-settlement"
	jobVault      = "payment-vault"
)

// Jobs registers the handlers and returns what to schedule: every minute what is captured is looked at, as far as that is due, and
// every ten minutes payment methods are deleted at the gateway that could not be before. The scheduler gives each firing to one replica;
// while it is away, both are only later.
func Jobs(jobs *daprkit.Jobs, s *app.Settlements, v *app.Vault) []daprkit.Job {
	jobs.On(jobSettlement, func(ctx context.Context, _ []byte) error { return s.Run(ctx) })
	jobs.On(jobVault, func(ctx context.Context, _ []byte) error { return v.Sweep(ctx) })
	return []daprkit.Job{
		{Name: jobSettlement, Schedule: "@every 1m", Overwrite: true},
		{Name: jobVault, Schedule: "@every 10m", Overwrite: true},
	}
}
