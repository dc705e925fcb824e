package httpapi

import (
	"context"

	"github.com/sidecart/sidecart/pkg/auth"
	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/payment/internal/app"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
	"github.com/sidecart/sidecart/services/payment/paymentapi"
)

type manualInput struct {
	IDInput
	Body paymentapi.ManualMoney
}

// manualMoney is safe to repeat: the same again is no error.
func (h *api) manualMoney(ctx context.Context, in *manualInput) (*bodyOf[paymentapi.Payment], error) {
	p, err := h.Manual.Record(ctx, in.ID, in.Body.Outcome == "received", auth.Actor(ctx), in.Body.Reference)
	if err != nil {
		return nil, err
	}
	return &bodyOf[paymentapi.Payment]{Body: view(p)}, nil
}

type transferInput struct {
	OrderID string `path:"order_id" maxLength:"200"`
	Country string `query:"country" maxLength:"2" doc:"Of the order: it decides the account"`
}

var errNoTransfer = fault.New(fault.NotFound, "transfer-not-found", "No bank transfer is awaited for this order.")

// transfer tells a shopper how to pay what was promised, while it is awaited.
func (h *api) transfer(ctx context.Context, in *transferInput) (*bodyOf[paymentapi.Transfer], error) {
	all, err := h.read.ByOrder(ctx, in.OrderID)
	if err != nil {
		return nil, err
	}
	for _, p := range all {
		if p.Provider == payment.BankTransfer && p.Review == payment.ReviewPending && p.Status == payment.StatusAuthorised {
			return &bodyOf[paymentapi.Transfer]{Body: paymentapi.Transfer{Amount: money.New(p.Authorised.Minor-p.Credit.Minor, p.Amount.Currency), PayBy: p.ReviewUntil,
				PayTo: h.app.PayTo(in.Country, p.Channel, p.Amount.Currency)}}, nil
		}
	}
	return nil, errNoTransfer
}

// session says what an amount may be paid by, with the token of the gateway where that is among it.
func (h *api) session(ctx context.Context, currency money.Currency, in paymentapi.ClientTokenRequest) (*bodyOf[paymentapi.ClientToken], error) {
	amount := in.Amount
	if amount == nil {
		zero := money.Zero(currency)
		amount = &zero
	}
	if amount.Currency != currency {
		return nil, fault.New(fault.Invalid, "validation-failed", "body.amount.currency: must be the currency").WithField("body.amount.currency", "must be "+string(currency), nil)
	}
	base, err := less(*amount, in.PaymentFee)
	if err != nil {
		return nil, err
	}
	out := &bodyOf[paymentapi.ClientToken]{Body: paymentapi.ClientToken{Providers: []paymentapi.Offer{}}}
	for _, o := range h.app.Offered(app.Sold{Country: in.Country, Channel: in.Channel, Amount: base, BeforeFee: true}) {
		if in.Provider != "" && o.Provider != in.Provider {
			continue
		}
		if o.Provider == app.Provider && in.Provider == "" {
			var err error
			if out.Body.ClientToken, err = h.app.ClientToken(ctx, currency); err != nil {
				return nil, err
			}
		}
		out.Body.Providers = append(out.Body.Providers, paymentapi.Offer{Provider: o.Provider, PayWithinSeconds: int64(o.PayWithin.Seconds()), PayTo: o.PayTo})
		if fee := o.Amounts[currency].Fee; fee > 0 {
			out.Body.Providers[len(out.Body.Providers)-1].Fee = money.New(fee, currency)
		}
	}
	switch {
	case len(out.Body.Providers) > 0:
	case in.Provider != "":
		return nil, app.ErrNotOffered
	default:
		return nil, app.ErrCurrency
	}
	out.Body.Provider = out.Body.Providers[0].Provider
	return out, nil
}

// less is an amount without the fee in it.
func less(amount, fee money.Amount) (money.Amount, error) {
	if fee == (money.Amount{}) {
		return amount, nil
	}
	rest, err := amount.Sub(fee)
	if err != nil || fee.IsNegative() || rest.IsNegative() {
		return rest, fault.New(fault.Invalid, "validation-failed", "body.payment_fee: must be a part of the amount").WithField("body.payment_fee", "must be a part of the amount", fee.String())
	}
	return rest, nil
}
