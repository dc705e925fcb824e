package app

import (
	"time"

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
	return v
}

func wire(a *checkout.Address) *orderapi.Address {
	if a == nil {
		return nil
	}
	w := orderapi.Address(*a)
	return &w
}
