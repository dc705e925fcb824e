package opensearch

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/sidecart/sidecart/services/search/internal/app"
)

// While the cluster is away or hangs, somebody else answers those who search: they wait for it a moment, and after a few failures in a row
// not at all, but for one a second that tries. The tail, which writes, has a patience of its own and asks in any case.
const (
	guestPatience = 1500 * time.Millisecond // of one search; what lists in the place of the index needs time too
	failuresInRow = 3
	closedFor     = time.Second
)

type guard = gobreaker.CircuitBreaker[struct{}]

func newGuard(log *slog.Logger) *guard {
	return gobreaker.NewCircuitBreaker[struct{}](gobreaker.Settings{
		Name: "opensearch", MaxRequests: 1, Timeout: closedFor,
		ReadyToTrip:  func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= failuresInRow },
		IsSuccessful: func(err error) bool { return !errors.Is(err, app.ErrUnavailable) || errors.Is(err, app.ErrNoIndex) },
		IsExcluded:   func(err error) bool { return errors.Is(err, context.Canceled) },
		OnStateChange: func(_ string, from, to gobreaker.State) {
			switch {
			case from == gobreaker.StateClosed:
				log.Error("OpenSearch is away: nobody waits for it")
			case to == gobreaker.StateClosed:
				log.Info("OpenSearch is back")
			}
		},
	})
}

// guarded lets somebody who searches read, or says app.ErrUnavailable without asking. Whoever gave up says nothing about the cluster.
func (xs *Indexes) guarded(ctx context.Context, read func(context.Context) error) error {
	_, err := xs.guard.Execute(func() (struct{}, error) {
		within, cancel := context.WithTimeout(ctx, cmp.Or(xs.Patience, guestPatience))
		defer cancel()
		return struct{}{}, read(within)
	})
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		return app.ErrUnavailable.WithCause(err)
	}
	return err
}
