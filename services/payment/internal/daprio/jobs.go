package daprio

import (
	"context"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/services/payment/internal/app"
)

const jobSettlement = "payment-settlement"

// Jobs registers the handlers and returns what to schedule: every minute what is captured is looked at, as far as that is due. The
// scheduler gives each firing to one replica; while it is away, the looks are only later.
func Jobs(jobs *daprkit.Jobs, s *app.Settlements) []daprkit.Job {
	jobs.On(jobSettlement, func(ctx context.Context, _ []byte) error { return s.Run(ctx) })
	return []daprkit.Job{{Name: jobSettlement, Schedule: "@every 1m", Overwrite: true}}
}
