package app

import (
	"context"

	"github.com/sidecart/sidecart/services/payment/internal/payment"
)

// repeat returns the sale that charges the means of another payment of the order once more: of a method in the vault by its token, whose owner
// is checked as ever, else as a clone of its transaction. What all of the order's payments have taken must be within what is offered. Nothing was sent yet.
func (a *App) repeat(ctx context.Context, s Sale) (Sale, *payment.Outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	all, err := a.Store.ByOrder(ctx, s.OrderID)
	if err != nil {
		return s, nil, err
	}
	var origin payment.Payment
	sum := s.Amount
	for _, p := range all {
		if p.ID == s.Like {
			origin = p
		}
		if p.Amount.Currency == sum.Currency && p.Provider == Provider {
			if sum, err = sum.Add(p.GatewayLeft()); err != nil {
				return s, nil, err
			}
		}
	}
	if no := payment.Repeatable(origin, s.CustomerID, s.Amount); no != nil {
		return s, no, nil
	}
	if _, ok := a.Offers.Find(Provider, Sold{Country: s.Country, Channel: s.Channel, Amount: sum}); !ok {
		return s, payment.NotRepeatable(s.Amount), nil
	}
	found, err := a.Gateway.Find(ctx, Ref{ID: origin.TransactionID})
	switch {
	case err != nil:
		return s, nil, err
	case len(found) == 0:
		return s, payment.NotRepeatable(s.Amount), nil
	}
	if s.MethodID = found[0].Token; s.MethodID == "" {
		s.Origin = origin.TransactionID
	}
	return s, nil, nil
}
