package shopclient

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/cart/cartapi"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
	"github.com/sidecart/sidecart/services/order/orderapi"
)

// Item is a SKU that a guest buys and how many of it.
type Item struct {
	SKU      string `json:"sku"`
	Quantity int64  `json:"quantity"`
}

// Guest is a shopper without an account: what is bought, who gets it, and how it is paid.
type Guest struct {
	Email    string
	Currency money.Currency
	Address  orderapi.Address
	Items    []Item
	Coupon   string // "": none
	Nonce    string
	// Before, if set, is asked before each step; its error ends the journey there and comes back as it is.
	Before func(step string) error
	// Keys, if set, gives the Idempotency-Key of a step ("cart", "line 0" …) instead of a random one: who begins the same
	// journey again with the same keys gets the same cart and the same order.
	Keys func(step string) string
}

// The steps of a journey, in order.
const (
	StepCart     = "cart"
	StepLine     = "line"
	StepCoupon   = "coupon"
	StepCheckout = "checkout"
	StepAddress  = "address"
	StepShipping = "shipping"
	StepSession  = "session"
	StepComplete = "complete"
)

func (g Guest) before(step string) error {
	if g.Before == nil {
		return nil
	}
	return g.Before(step)
}

func (g Guest) key(step string) string {
	if g.Keys == nil {
		return Key()
	}
	return g.Keys(step)
}

// Key draws an Idempotency-Key.
func Key() string { return rand.Text() + rand.Text() }

// Fill makes a cart and puts the items in, one call each, as a shopper does.
func (c *Client) Fill(ctx context.Context, g Guest) (cartapi.Cart, error) {
	var cart cartapi.Cart
	if err := g.before(StepCart); err != nil {
		return cart, err
	}
	in := map[string]string{"currency": string(g.Currency), "country": g.Address.Country}
	if err := c.Post(ctx, "/v1/carts", g.key(StepCart), in, &cart); err != nil {
		return cart, err
	}
	for i, item := range g.Items {
		if err := g.before(StepLine); err != nil {
			return cart, err
		}
		if err := c.Post(ctx, "/v1/carts/"+cart.ID+"/lines", g.key(fmt.Sprint(StepLine, " ", i)), item, &cart); err != nil {
			return cart, err
		}
	}
	if g.Coupon != "" {
		if err := g.before(StepCoupon); err != nil {
			return cart, err
		}
		if err := c.Post(ctx, "/v1/carts/"+cart.ID+"/coupons", g.key(StepCoupon), map[string]string{"code": g.Coupon}, &cart); err != nil {
			return cart, err
		}
	}
	return cart, nil
}

// Prepare opens the checkout of a cart up to the point where only the payment is missing.
func (c *Client) Prepare(ctx context.Context, g Guest, cartID string) (checkoutapi.Checkout, error) {
	var co checkoutapi.Checkout
	if err := g.before(StepCheckout); err != nil {
		return co, err
	}
	if err := c.Post(ctx, "/v1/checkouts", g.key(StepCheckout), checkoutapi.CreateInput{CartID: cartID, Email: g.Email}, &co); err != nil {
		return co, err
	}
	path := "/v1/checkouts/" + co.ID
	if err := g.before(StepAddress); err != nil {
		return co, err
	}
	if err := c.Patch(ctx, path, map[string]any{"shipping_address": g.Address, "billing_address": g.Address}, &co); err != nil {
		return co, err
	}
	var options struct {
		Items []orderapi.ShippingOption `json:"items"`
	}
	if err := c.Get(ctx, path+"/shipping-options", &options); err != nil {
		return co, err
	}
	if len(options.Items) == 0 {
		return co, fmt.Errorf("checkout %s: nothing ships to %s", co.ID, g.Address.Country)
	}
	if err := g.before(StepShipping); err != nil {
		return co, err
	}
	if err := c.Patch(ctx, path, map[string]string{"shipping_option_id": options.Items[0].ID}, &co); err != nil {
		return co, err
	}
	if err := g.before(StepSession); err != nil {
		return co, err
	}
	var session checkoutapi.PaymentSession
	return co, c.Post(ctx, path+"/payment-session", g.key(StepSession), struct{}{}, &session)
}

// Complete pays. While the outcome is unknown (202, or 409 request-in-progress) it asks again with the same key, until ctx ends.
func (c *Client) Complete(ctx context.Context, co checkoutapi.Checkout, nonce, key string) (orderapi.Order, error) {
	return c.CompleteBy(ctx, co, checkoutapi.CompleteInput{Nonce: nonce}, key)
}

// CompleteBy is Complete with any means of payment.
func (c *Client) CompleteBy(ctx context.Context, co checkoutapi.Checkout, in checkoutapi.CompleteInput, key string) (orderapi.Order, error) {
	in.ExpectedTotal = co.Totals.Total
	if co.Totals.Total.IsZero() {
		in.Nonce = "" // a free order takes no means of payment
	}
	for {
		var o orderapi.Order
		a, err := c.Do(ctx, Call{Method: http.MethodPost, Path: "/v1/checkouts/" + co.ID + "/complete", In: in, Out: &o, Key: key})
		if a.Status != http.StatusAccepted && !Refused(err, "request-in-progress") {
			return o, err
		}
		if err := pause(ctx, a); err != nil {
			return o, fmt.Errorf("checkout %s: outcome unknown: %w", co.ID, err)
		}
	}
}

// Refused reports whether the shop refused a call with a problem of this code.
func Refused(err error, code string) bool {
	p, ok := errors.AsType[*Problem](err)
	return ok && p.Code() == code
}

// Buy is the whole way of an order.
func (c *Client) Buy(ctx context.Context, g Guest) (orderapi.Order, error) {
	cart, err := c.Fill(ctx, g)
	if err != nil {
		return orderapi.Order{}, err
	}
	co, err := c.Prepare(ctx, g, cart.ID)
	if err != nil {
		return orderapi.Order{}, err
	}
	if err := g.before(StepComplete); err != nil {
		return orderapi.Order{}, err
	}
	return c.Complete(ctx, co, g.Nonce, g.key(StepComplete))
}

// Cancel takes an order back. The answer shows it cancelled although its money may still be on the way back.
func (c *Client) Cancel(ctx context.Context, o orderapi.Order, reason, key string) (orderapi.Order, error) {
	var out orderapi.Order
	return out, c.Post(ctx, "/v1/orders/"+o.ID+"/cancel?access_token="+o.AccessToken, key, map[string]string{"reason": reason}, &out)
}
