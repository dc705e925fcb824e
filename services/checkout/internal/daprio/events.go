package daprio

import (
	"context"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/services/checkout/internal/app"
	"github.com/sidecart/sidecart/services/checkout/internal/checkout"
	"github.com/sidecart/sidecart/services/inventory/inventoryapi"
	"github.com/sidecart/sidecart/services/order/orderapi"
)

// Follower takes in what others tell.
type Follower interface {
	Follow(ctx context.Context, t app.Told) error
	FollowCart(ctx context.Context, cartID string, ev checkout.Event) error
}

// Subscribe registers the handlers. They need no inbox: what a tale does is decided by the state and the attempt that it finds, so
// that it does it once, however often and late it comes.
func Subscribe(s *daprkit.Subscriptions, f Follower) {
	s.On(orderapi.Topic, orderapi.TypePlacedV1, func(ctx context.Context, ev daprkit.Event) error {
		var data orderapi.PlacedV1
		if err := ev.Decode(&data); err != nil {
			return err
		}
		return f.Follow(ctx, app.Placed(data.CheckoutID, data.Number, data.Attempt))
	})
	// It is told after placed, and may come before it. That an order is confirmed says nothing new (ADR 012).
	s.On(orderapi.Topic, orderapi.TypeCancelledV1, func(ctx context.Context, ev daprkit.Event) error {
		var data orderapi.CancelledV1
		if err := ev.Decode(&data); err != nil {
			return err
		}
		return f.Follow(ctx, app.Placed(data.CheckoutID, data.Number, 0))
	})
	s.On(orderapi.Topic, orderapi.TypeAttemptFailedV1, func(ctx context.Context, ev daprkit.Event) error {
		var data orderapi.AttemptFailedV1
		if err := ev.Decode(&data); err != nil {
			return err
		}
		return f.Follow(ctx, app.Failed(data))
	})
	s.On(inventoryapi.Topic, inventoryapi.TypeHoldExpiredV1, func(ctx context.Context, ev daprkit.Event) error {
		var data inventoryapi.HoldExpiredV1
		if err := ev.Decode(&data); err != nil {
			return err
		}
		return f.FollowCart(ctx, data.Owner, checkout.Event{Name: checkout.HoldsExpired, At: data.ExpiredAt})
	})
}

// Sweep registers the sweep's handler and returns the job that calls it: on one replica, every 30 s.
func Sweep(jobs *daprkit.Jobs, a *app.App) daprkit.Job {
	const name = "sweep"
	jobs.On(name, func(ctx context.Context, _ []byte) error { return a.Sweep(ctx) })
	return daprkit.Job{Name: name, Schedule: "@every " + app.SweepEvery.String(), Overwrite: true}
}

// Reconcile registers the reconciler's handler and returns the job that calls it: on one replica, every 20 s.
func Reconcile(jobs *daprkit.Jobs, r *app.Reconciler) daprkit.Job {
	const name = "reconcile"
	jobs.On(name, func(ctx context.Context, _ []byte) error { return r.Run(ctx) })
	return daprkit.Job{Name: name, Schedule: "@every " + app.ReconcileEvery.String(), Overwrite: true}
}
