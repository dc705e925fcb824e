package daprio

import (
	"context"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/services/inventory/inventoryapi"
	"github.com/sidecart/sidecart/services/order/internal/app"
	"github.com/sidecart/sidecart/services/payment/paymentapi"
)

// Follower takes in what payment and inventory tell.
type Follower interface {
	FollowStock(ctx context.Context, allocation string) error
	FollowMoney(ctx context.Context, m app.MoneyBack) error
}

// Subscribe registers the handlers. They need no inbox: what went back is a sum, and the state decides what it means; of stock the
// order asks what it is now.
func Subscribe(s *daprkit.Subscriptions, f Follower) {
	follow := func(voided bool) daprkit.Handler {
		return func(ctx context.Context, ev daprkit.Event) error {
			var data paymentapi.MoneyMovedV1
			if err := ev.Decode(&data); err != nil {
				return err
			}
			return f.FollowMoney(ctx, app.MoneyBack{OrderID: data.OrderID, Attempt: data.Attempt, OperationID: data.OperationID, Gone: data.Refunded, Voided: voided})
		}
	}
	s.On(paymentapi.Topic, paymentapi.TypeVoidedV1, follow(true))
	s.On(paymentapi.Topic, paymentapi.TypeRefundedV1, follow(false))
	s.On(inventoryapi.Topic, inventoryapi.TypeBackorderFilledV1, func(ctx context.Context, ev daprkit.Event) error {
		var data inventoryapi.BackorderFilledV1
		if err := ev.Decode(&data); err != nil {
			return err
		}
		return f.FollowStock(ctx, data.AllocationID)
	})
}
