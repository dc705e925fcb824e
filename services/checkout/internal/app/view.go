package app

import (
	"time"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
	"github.com/sidecart/sidecart/services/checkout/internal/checkout"
	"github.com/sidecart/sidecart/services/order/orderapi"
)

// View projects a checkout to what its owner sees.
func View(r Record, now time.Time) checkoutapi.Checkout {
	v := checkoutapi.Checkout{ID: r.ID, Version: r.Version, Status: string(r.Status), CartID: r.CartID, CartVersion: r.CartVersion,
		Currency: string(r.Currency), Channel: r.Channel, Email: r.Email, ShippingAddress: wire(r.Shipping), BillingAddress: wire(r.Billing), PaymentProvider: r.Provider, Note: r.Note,
		Lines: r.Quote.Lines, Coupons: r.Quote.Coupons, Promotions: r.Quote.Promotions, Totals: r.Totals(),
		Hold:      checkoutapi.Hold{Status: string(r.Hold), ExpiresAt: r.HoldUntil},
		Warnings:  r.Warnings,
		ExpiresAt: r.ExpiresAt, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt}
	if o := r.Option(); o != nil {
		option := o.ShippingOption
		v.ShippingOption = &option
	}
	if r.Hold == checkout.Held && !r.HoldUntil.After(now) {
		v.Hold.Status = string(checkout.HoldExpired)
	}
	if r.Status == checkout.Completed {
		v.Order = &checkoutapi.OrderRef{ID: r.OrderID, Number: r.OrderNumber, AccessToken: r.AccessToken}
	}
	if f := r.Failed; f != (checkout.Failure{}) {
		v.FailedAttempt = &checkoutapi.FailedAttempt{Outcome: f.Outcome, DeclineCode: f.DeclineCode, Retryable: f.Retryable}
	}
	return v
}

// Delivery says how goods in stock go to a country as a rule, if they are ordered now.
func (a *App) Delivery(country string, currency money.Currency) []checkoutapi.DeliveryWay {
	all := []checkoutapi.DeliveryWay{}
	for _, w := range a.Rates.Ways(country, currency, a.now()) {
		all = append(all, checkoutapi.DeliveryWay{ID: w.ID, Carrier: w.Carrier, Service: w.Service, Label: w.Label, Days: checkoutapi.DeliveryDays{From: w.FromDays, To: w.ToDays},
			ETA: orderapi.ETA{From: w.From.Format(time.DateOnly), To: w.To.Format(time.DateOnly)}, ExcludedSKUs: w.ExcludedSKUs})
	}
	return all
}

func wire(a *checkout.Address) *orderapi.Address {
	if a == nil {
		return nil
	}
	w := orderapi.Address(*a)
	return &w
}
