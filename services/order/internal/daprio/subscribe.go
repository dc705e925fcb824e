package daprio

import (
	"context"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/inventory/inventoryapi"
	"github.com/sidecart/sidecart/services/order/internal/app"
	"github.com/sidecart/sidecart/services/order/orderapi"
	"github.com/sidecart/sidecart/services/payment/paymentapi"
)

// Follower takes in what payment and inventory tell.
type Follower interface {
	FollowStock(ctx context.Context, allocation string) error
	FollowMoney(ctx context.Context, m app.MoneyBack) error
	FollowReview(ctx context.Context, v app.Review) error
	FollowSettlement(ctx context.Context, id string, attempt int, missing, left money.Amount) error
	FollowDispute(ctx context.Context, d app.Disputed) error
}

// Subscribe registers the handlers. They need no inbox: what went back is a sum, and the state decides what it means; of stock the
// order asks what it is now; a review ends once; of a dispute the later telling counts.
func Subscribe(s *daprkit.Subscriptions, f Follower) {
	follow := func(voided bool) daprkit.Handler {
		return func(ctx context.Context, ev daprkit.Event) error {
			var data paymentapi.MoneyMovedV1
			if err := ev.Decode(&data); err != nil {
				return err
			}
			return f.FollowMoney(ctx, app.MoneyBack{OrderID: data.OrderID, Attempt: data.Attempt, OperationID: data.OperationID, Amount: data.Amount, Gone: data.Refunded, Voided: voided})
		}
	}
	s.On(paymentapi.Topic, paymentapi.TypeVoidedV1, follow(true))
	s.On(paymentapi.Topic, paymentapi.TypeRefundedV1, follow(false))
	s.On(paymentapi.Topic, paymentapi.TypeSettlementDeclinedV1, func(ctx context.Context, ev daprkit.Event) error {
		var data paymentapi.SettlementDeclinedV1
		if err := ev.Decode(&data); err != nil {
			return err
		}
		return f.FollowSettlement(ctx, data.OrderID, data.Attempt, data.Amount, data.Captured)
	})
	review := func(ctx context.Context, ev daprkit.Event) error {
		var data paymentapi.ReviewV1
		if err := ev.Decode(&data); err != nil {
			return err
		}
		return f.FollowReview(ctx, app.Review{OrderID: data.OrderID, Attempt: data.Attempt, Review: data.Review, Rule: data.Rule, Actor: data.Actor, Until: data.Until})
	}
	s.On(paymentapi.Topic, paymentapi.TypeReviewOpenedV1, review)
	s.On(paymentapi.Topic, paymentapi.TypeReviewClosedV1, review)
	dispute := func(ctx context.Context, ev daprkit.Event) error {
		var data paymentapi.DisputeV1
		if err := ev.Decode(&data); err != nil {
			return err
		}
		return f.FollowDispute(ctx, app.Disputed{OrderID: data.OrderID, Attempt: data.Attempt, Sequence: data.Sequence, Dispute: orderapi.Dispute{
			ID: data.DisputeID, Status: data.Status, Kind: data.Kind, Reason: data.Reason, Amount: data.Amount, Won: data.Won, ReplyBy: data.ReplyBy}})
	}
	s.On(paymentapi.Topic, paymentapi.TypeDisputeOpenedV1, dispute)
	s.On(paymentapi.Topic, paymentapi.TypeDisputeClosedV1, dispute)
	s.On(inventoryapi.Topic, inventoryapi.TypeBackorderFilledV1, func(ctx context.Context, ev daprkit.Event) error {
		var data inventoryapi.BackorderFilledV1
		if err := ev.Decode(&data); err != nil {
			return err
		}
		return f.FollowStock(ctx, data.AllocationID)
	})
}
