package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/sidecart/sidecart/services/payment/internal/payment"
)

const supersededBatch = 100

// Supersede voids the attempts that are authorised still while a later attempt of their order is authorised or captured: an order is
// paid once. Those of one order, or of all when it is empty; what is under way is found when it has its answer.
func (a *App) Supersede(ctx context.Context, orderID string) error {
	old, err := a.Store.Superseded(ctx, orderID, supersededBatch)
	errs := []error{err}
	for _, p := range old {
		answer, err := a.Move(ctx, Movement{Kind: payment.Void, OperationID: "superseded-" + p.ID, PaymentID: p.ID, Reason: "superseded"})
		if err != nil {
			errs = append(errs, fmt.Errorf("payment %s is superseded: %w", p.ID, err))
		} else if answer.Outcome.Result == payment.DeclinedIt {
			a.alarm(a.Log.With("payment_id", p.ID, "order_id", p.OrderID), "superseded-kept", answer.Outcome.Code)
		}
	}
	return errors.Join(errs...)
}

// supersede does it at once for an attempt that was not the first; what fails is done by the job.
func (a *App) supersede(ctx context.Context, m Authorisation) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerTime)
	defer cancel()
	if err := a.Supersede(ctx, m.OrderID); err != nil {
		a.Log.Warn("an earlier attempt is still authorised", "order_id", m.OrderID, "error", err)
	}
}
