package daprio

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
	"github.com/sidecart/sidecart/services/order/orderapi"
	"github.com/sidecart/sidecart/services/payment/paymentapi"
)

// completeTime is how long a page waits for what became of a payment. Completing goes on without us: whoever has not heard of it by then sees the page that
// waits.
const completeTime = 18 * time.Second

const pathCheckouts = "/v1/checkouts"

// BeginCheckout begins the checkout of a cart, or answers the open one at the cart's present version.
func (s *Services) BeginCheckout(ctx context.Context, cartID string) (out checkoutapi.Checkout, err error) {
	return out, change(ctx, s.Checkout, http.MethodPost, pathCheckouts, "", checkoutapi.CreateInput{CartID: cartID}, &out)
}

// FindCheckout reads a checkout, which holds its stock again where that has run out.
func (s *Services) FindCheckout(ctx context.Context, id string) (out checkoutapi.Checkout, err error) {
	return out, get(ctx, s.Checkout, pathCheckouts+"/"+id, nil, &out)
}

// ChangeCheckout gives an address, or chooses how it is sent.
func (s *Services) ChangeCheckout(ctx context.Context, id string, in checkoutapi.PatchInput) (out checkoutapi.Checkout, err error) {
	return out, change(ctx, s.Checkout, http.MethodPatch, pathCheckouts+"/"+id, "", in, &out)
}

// CancelCheckout gives a checkout up: what it holds is free again. One that is over stays so; one whose order is being placed refuses.
func (s *Services) CancelCheckout(ctx context.Context, id string) error {
	return change(ctx, s.Checkout, http.MethodDelete, pathCheckouts+"/"+id, "", nil, nil)
}

// ShippingOptions are the ways to the address of a checkout.
func (s *Services) ShippingOptions(ctx context.Context, id string) ([]orderapi.ShippingOption, error) {
	var out struct {
		Items []orderapi.ShippingOption `json:"items"`
	}
	err := get(ctx, s.Checkout, pathCheckouts+"/"+id+"/shipping-options", nil, &out)
	return out.Items, err
}

// PaymentSession says how a checkout can be paid, and with a provider chooses that one: what it costs is in the totals from then on.
func (s *Services) PaymentSession(ctx context.Context, id, provider string) (out checkoutapi.PaymentSession, err error) {
	return out, change(ctx, s.Checkout, http.MethodPost, pathCheckouts+"/"+id+"/payment-session", "", checkoutapi.PaymentSessionInput{Provider: provider}, &out)
}

// Complete pays and places the order. The order is nil while nobody knows what became of it.
func (s *Services) Complete(ctx context.Context, id, key, clientIP string, in checkoutapi.CompleteInput) (*orderapi.Order, error) {
	ctx, cancel := context.WithTimeout(ctx, completeTime)
	defer cancel()
	var out orderapi.Order
	var status int
	err := s.Checkout.JSON(ctx, http.MethodPost, pathCheckouts+"/"+id+"/complete", in, &out, daprkit.WithHeader("Idempotency-Key", key),
		daprkit.WithHeader(httpx.HeaderClientAddress, clientIP), daprkit.WithStatus(&status))
	if err != nil || status != http.StatusCreated {
		return nil, err
	}
	return &out, nil
}

// TimelineEntry is one thing that happened to an order.
type TimelineEntry struct {
	At   time.Time `json:"at"`
	What string    `json:"what"`
}

func pathOrder(id, rest, token string) string {
	return "/v1/orders/" + url.PathEscape(id) + rest + "?" + url.Values{"access_token": {token}}.Encode()
}

// FindOrder reads an order by its token.
func (s *Services) FindOrder(ctx context.Context, id, token string) (out orderapi.Order, err error) {
	return out, get(ctx, s.Order, pathOrder(id, "", token), nil, &out)
}

// Timeline is what happened to an order, oldest first.
func (s *Services) Timeline(ctx context.Context, id, token string) ([]TimelineEntry, error) {
	var out struct {
		Items []TimelineEntry `json:"items"`
	}
	err := get(ctx, s.Order, pathOrder(id, "/timeline", token), nil, &out)
	return out.Items, err
}

// CancelOrder calls an order off.
func (s *Services) CancelOrder(ctx context.Context, id, token, key, reason string) (out orderapi.Order, err error) {
	return out, change(ctx, s.Order, http.MethodPost, pathOrder(id, "/cancel", token), key, map[string]string{"reason": reason}, &out)
}

// Reorder makes a new cart of an order.
func (s *Services) Reorder(ctx context.Context, id, token, key string) (out orderapi.Reordered, err error) {
	return out, change(ctx, s.Order, http.MethodPost, pathOrder(id, "/reorder", token), key, nil, &out)
}

// Invoice reads an order's invoice.
func (s *Services) Invoice(ctx context.Context, id, token string) (out daprkit.Document, err error) {
	return out, change(ctx, s.Order, http.MethodGet, pathOrder(id, "/invoice", token), "", nil, &out)
}

// TransferOf says how an order is paid by bank transfer; nil where no transfer is awaited.
func (s *Services) TransferOf(ctx context.Context, order orderapi.Order) (*paymentapi.Transfer, error) {
	var out paymentapi.Transfer
	err := get(ctx, s.Payment, paymentapi.PathTransfers+url.PathEscape(order.ID), url.Values{"country": {order.ShippingAddress.Country}}, &out)
	if fault.KindOf(err) == fault.NotFound {
		return nil, nil
	}
	return &out, err
}

// GiftCardBalance is what a gift card is worth.
func (s *Services) GiftCardBalance(ctx context.Context, code string) (out paymentapi.GiftCardBalance, err error) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	return out, s.Payment.JSON(ctx, http.MethodPost, paymentapi.PathGiftCardBalance, paymentapi.GiftCardCode{Code: code}, &out)
}
