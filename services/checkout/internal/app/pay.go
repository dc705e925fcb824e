package app

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
	"github.com/sidecart/sidecart/services/checkout/internal/checkout"
	"github.com/sidecart/sidecart/services/payment/paymentapi"
)

// errNotOffered refuses the choice of a provider; payment says it in the same words.
var errNotOffered = fault.New(fault.Invalid, "payment-provider-not-offered", "This way to pay is not offered for this order.")

// errOtherFee refuses to take an attempt up by a means that would have another total: order may have the one that it began with.
var errOtherFee = fault.New(fault.Conflict, "payment-fee-differs", "An attempt to place the order is under way whose total has another payment fee: complete with the way to pay that it began with.")

// PaymentSession returns what a browser needs to collect a card, and the checkout it is for. With a provider it is chosen first: a quote says
// what everything costs then, unless that is known. Choosing the same again changes nothing. Without one, what was chosen is held to what it
// costs by now, and is chosen no longer when it is not offered any more. Faults: payment-provider-not-offered with those that are, and payment's.
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
		if err != nil {
			return r, token, err
		}
		err = a.choose(ctx, &c, cmp.Or(provider, r.Provider), token)
		if provider == "" && fault.CodeOf(err) == errNotOffered.Code {
			err = a.pays(ctx, &c, "", money.Amount{})
		}
		if err == nil {
			if c.After.Provider == r.Provider && c.After.Fee == r.Fee {
				return r, token, nil
			}
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

// choose notes how it shall be paid, if that is offered. Payment judges a total by the fee, and by the tax that the fee has only when it is
// quoted: where there is such a tax, it is asked once more.
func (a *App) choose(ctx context.Context, c *Change, provider string, token paymentapi.ClientToken) error {
	if provider == "" {
		return nil
	}
	notOffered := errNotOffered.With("offered", token.Providers)
	fee, ok := c.After.feeOf(provider, token)
	if !ok {
		return notOffered
	}
	before := c.After.Totals()
	if err := a.pays(ctx, c, provider, fee); err != nil || !c.Quote {
		return err
	}
	if after := c.After.Totals(); after.Total.Minor-before.Total.Minor == after.PaymentFee.Minor-before.PaymentFee.Minor {
		return nil
	}
	_, err := a.Payments.ClientToken(ctx, c.After.toPay(provider))
	if fault.CodeOf(err) == errNotOffered.Code {
		return notOffered
	}
	return err
}

// pays has it paid by a provider for a fee, and asks for another quote when that is another fee.
func (a *App) pays(ctx context.Context, c *Change, provider string, fee money.Amount) error {
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

// means is by which provider the rest of a completion is paid, after credit, and what that costs now. Payment is asked about cash on delivery
// alone: nothing else may have a fee. It is as before when that is not offered, for then payment refuses it. When credit pays for
// everything nothing is collected: then it is no provider, so that payment declines it should the credit be gone by then, and c has the quote
// without the fee. An attempt under way is paid as it began.
func (a *App) means(ctx context.Context, c *Change, in checkoutapi.CompleteInput) (provider string, fee money.Amount, err error) {
	r := c.After
	underWay := r.Status == checkout.Completing
	switch {
	case in.Provider != paymentapi.CashOnDelivery || r.Totals().Total.IsZero():
		return in.Provider, fee, nil
	case underWay && r.Fee.IsPositive():
		return in.Provider, r.Fee, nil
	case underWay && r.covered(r.Attempt, in):
		return "", fee, nil
	}
	token, err := a.Payments.ClientToken(ctx, r.toPay(in.Provider))
	if fault.CodeOf(err) == errNotOffered.Code {
		return in.Provider, r.Fee, nil
	}
	fee, _ = r.feeOf(in.Provider, token)
	if err != nil || fee.IsZero() || !credited(in) {
		return in.Provider, fee, err
	}
	if !a.limit.allow(r.ID+" credit", a.now()) { // nor does anybody try codes faster here than by paying
		return "", fee, errTooMany
	}
	free := *c
	if err := a.pays(ctx, &free, "", money.Amount{}); err != nil {
		return "", fee, err
	}
	worth, err := a.Payments.Credit(ctx, r.Currency, in)
	if err != nil || worth.Minor < free.After.Totals().Total.Minor {
		return in.Provider, fee, err
	}
	*c = free
	return "", money.Amount{}, nil
}

func credited(in checkoutapi.CompleteInput) bool { return in.StoreCredit || len(in.GiftCards) > 0 }

// covered reports whether an attempt may have begun with such a completion, and credit alone was to pay for it.
func (r Record) covered(attempt int, in checkoutapi.CompleteInput) bool {
	return attempt == r.Covered && in.Provider == paymentapi.CashOnDelivery && credited(in)
}
