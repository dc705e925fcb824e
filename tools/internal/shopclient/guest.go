package shopclient

import (
	"context"
	"crypto/rand"
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
}

// Key draws an Idempotency-Key.
func Key() string { return rand.Text() + rand.Text() }

// Fill makes a cart and puts the items in, one call each, as a shopper does.
func (c *Client) Fill(ctx context.Context, g Guest) (cartapi.Cart, error) {
	var cart cartapi.Cart
	in := map[string]string{"currency": string(g.Currency), "country": g.Address.Country}
	if err := c.Post(ctx, "/v1/carts", Key(), in, &cart); err != nil {
		return cart, err
	}
	for _, item := range g.Items {
		if err := c.Post(ctx, "/v1/carts/"+cart.ID+"/lines", Key(), item, &cart); err != nil {
			return cart, err
		}
	}
	if g.Coupon != "" {
		if err := c.Post(ctx, "/v1/carts/"+cart.ID+"/coupons", Key(), map[string]string{"code": g.Coupon}, &cart); err != nil {
			return cart, err
		}
	}
	return cart, nil
}

// Prepare opens the checkout of a cart up to the point where only the payment is missing.
func (c *Client) Prepare(ctx context.Context, g Guest, cartID string) (checkoutapi.Checkout, error) {
	var co checkoutapi.Checkout
	if err := c.Post(ctx, "/v1/checkouts", Key(), checkoutapi.CreateInput{CartID: cartID, Email: g.Email}, &co); err != nil {
		return co, err
	}
	path := "/v1/checkouts/" + co.ID
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
	if err := c.Patch(ctx, path, map[string]string{"shipping_option_id": options.Items[0].ID}, &co); err != nil {
		return co, err
	}
	var session checkoutapi.PaymentSession
	return co, c.Post(ctx, path+"/payment-session", Key(), struct{}{}, &session)
}

// Complete pays. It follows a 202 with the same key until the outcome is known or ctx ends.
func (c *Client) Complete(ctx context.Context, co checkoutapi.Checkout, nonce, key string) (orderapi.Order, error) {
	in := checkoutapi.CompleteInput{Nonce: nonce, ExpectedTotal: co.Totals.Total}
	for {
		var o orderapi.Order
		a, err := c.Do(ctx, Call{Method: http.MethodPost, Path: "/v1/checkouts/" + co.ID + "/complete", In: in, Out: &o, Key: key})
		if err != nil || a.Status != http.StatusAccepted {
			return o, err
		}
		if err := pause(ctx, a); err != nil {
			return o, fmt.Errorf("checkout %s: outcome unknown: %w", co.ID, err)
		}
	}
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
	return c.Complete(ctx, co, g.Nonce, Key())
}
