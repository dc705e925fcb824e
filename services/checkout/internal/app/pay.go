package app

import (
	"context"
	"errors"
	"slices"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/checkout/internal/checkout"
	"github.com/sidecart/sidecart/services/payment/paymentapi"
)

// errNotOffered refuses the choice of a provider; payment says it in the same words.
var errNotOffered = fault.New(fault.Invalid, "payment-provider-not-offered", "This way to pay is not offered for this order.")

// PaymentSession returns what a browser needs to collect a card, and the checkout it is for. With a provider it is chosen first: a quote says
// what everything costs then, unless that is known. Choosing the same again changes nothing. Faults: payment-provider-not-offered with
// those that are, and payment's.
func (a *App) PaymentSession(ctx context.Context, id, provider string) (Record, paymentapi.ClientToken, error) {
	for range maxMoves {
		r, err := a.Get(ctx, id)
		if err != nil {
			return r, paymentapi.ClientToken{}, err
		}
		c := Change{Seen: r.Version, After: r}
		if c.After.Checkout, _, err = checkout.Decide(r.Checkout, checkout.Event{Name: checkout.Change, TTL: a.TTL}, a.now()); err != nil {
			return r, paymentapi.ClientToken{}, err
		}
		token, err := a.Payments.ClientToken(ctx, r.toPay(""))
		if err != nil || provider == "" {
			return r, token, err
		}
		fee, ok := r.feeOf(provider, token)
		if !ok {
			return r, token, errNotOffered.With("offered", token.Providers)
		}
		if r.Provider == provider && r.Fee == fee {
			return r, token, nil
		}
		if err = a.choose(ctx, &c, provider, fee); err == nil {
			err = a.Store.Save(ctx, c)
		}
		switch {
		case err == nil:
			return a.reheld(ctx, c.After), token, nil
		case !errors.Is(err, ErrMoved):
			return r, token, err
		}
	}
	return Record{}, paymentapi.ClientToken{}, errBusy
}

// choose notes how it shall be paid, and asks for another quote when that costs something else.
func (a *App) choose(ctx context.Context, c *Change, provider string, fee money.Amount) error {
	before := c.After.Fee
	c.After.Provider, c.After.Fee = provider, fee
	if fee == before {
		return nil
	}
	c.Quote = true
	return a.requote(ctx, &c.After, a.now())
}

// toPay is what payment is asked about a checkout, or about one provider of it.
func (r Record) toPay(provider string) paymentapi.ClientTokenRequest {
	t := r.Totals()
	total := money.New(t.Total.Minor, r.Currency)
	req := paymentapi.ClientTokenRequest{Currency: string(r.Currency), Amount: &total, PaymentFee: t.PaymentFee, Country: r.Country, Channel: r.Channel, Provider: provider}
	if r.Shipping != nil {
		req.Country = r.Shipping.Country
	}
	return req
}

// feeOf is what a provider costs, where it is offered. What costs nothing without it costs nothing.
func (r Record) feeOf(provider string, token paymentapi.ClientToken) (money.Amount, bool) {
	i := slices.IndexFunc(token.Providers, func(o paymentapi.Offer) bool { return o.Provider == provider })
	switch t := r.Totals(); {
	case i < 0:
		return money.Amount{}, false
	case t.Subtotal == t.Discount && t.Shipping.Minor == t.PaymentFee.Minor:
		return money.Amount{}, true
	}
	return token.Providers[i].Fee, true
}

// fee is what the means of payment of a completion cost now. Payment is asked about cash on delivery alone: nothing else may have a fee. It is
// as before when that is not offered, for then payment refuses it.
func (a *App) fee(ctx context.Context, r Record, provider string) (money.Amount, error) {
	if provider != paymentapi.CashOnDelivery || r.Totals().Total.IsZero() {
		return money.Amount{}, nil
	}
	token, err := a.Payments.ClientToken(ctx, r.toPay(provider))
	if fault.CodeOf(err) == errNotOffered.Code {
		return r.Fee, nil
	}
	fee, _ := r.feeOf(provider, token)
	return fee, err
}
