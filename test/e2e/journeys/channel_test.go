package journeys

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/cart/cartapi"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
	"github.com/sidecart/sidecart/services/order/orderapi"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
	"github.com/sidecart/sidecart/test/e2e/shop"
)

var springfield = orderapi.Address{Name: "Sample Customer", Line1: "1 Main Street", City: "Springfield", Region: "IL", PostalCode: "62701", Country: "US"}

// toPay is the checkout of one piece, of whose the headers of its cart say, by the first way to send it, with what it may be paid by.
func toPay(t *testing.T, cart map[string]string, sku string, to orderapi.Address, headers ...string) (cartapi.Cart, checkoutapi.Checkout, checkoutapi.PaymentSession) {
	t.Helper()
	var c cartapi.Cart
	s.Must(t, 201, "POST", "/v1/carts", cart, &c, headers...)
	shop.Eventually(t, 20*time.Second, func() error {
		a, err := s.Ask(t.Context(), "POST", "/v1/carts/"+c.ID+"/lines", map[string]any{"sku": sku, "quantity": 1})
		if err != nil {
			return err
		}
		return a.Into(http.StatusCreated, &c)
	})
	var co checkoutapi.Checkout
	s.Must(t, 201, "POST", "/v1/checkouts", checkoutapi.CreateInput{CartID: c.ID, Email: "customer@example.com"}, &co)
	path := "/v1/checkouts/" + co.ID
	s.Must(t, 200, "PATCH", path, map[string]any{"shipping_address": to}, nil)
	var options struct{ Items []orderapi.ShippingOption }
	s.Must(t, 200, "GET", path+"/shipping-options", nil, &options)
	s.Must(t, 200, "PATCH", path, map[string]string{"shipping_option_id": options.Items[0].ID}, &co)
	var session checkoutapi.PaymentSession
	s.Must(t, 200, "POST", path+"/payment-session", nil, &session)
	return c, co, session
}

func providers(session checkoutapi.PaymentSession) string {
	var all []string
	for _, o := range session.Providers {
		all = append(all, o.Provider)
	}
	return strings.Join(all, " ")
}

// The local shop sells in the channels app and phone; over the telephone a bank transfer is taken in dollars. What is sold there has its own price, and the order
// is of that channel.
func TestSoldInAChannel(t *testing.T) {
	sku := s.Goods(t, "channel", 5)
	s.Staff(t, 204, "PUT", "/v1/admin/price-lists/test-phone", pricingapi.PriceListInput{Name: "Tests by telephone", Currency: "USD", Channel: "phone", Priority: 10}, nil)
	s.Staff(t, 204, "PUT", "/v1/admin/price-lists/test-phone/prices", pricingapi.PricesInput{Prices: []pricingapi.PriceInput{
		{SKU: sku, Amount: money.New(1499, "USD"), MinQuantity: 1}}}, nil)
	s.Must(t, 422, "POST", "/v1/carts", map[string]string{"channel": "kiosk"}, nil)
	for _, cart := range []map[string]string{{}, {"channel": "app"}} {
		c, co, session := toPay(t, cart, sku, springfield)
		if c.Totals.Total.Minor != 1999 || co.Channel != cart["channel"] || providers(session) != "braintree" {
			t.Errorf("%v: cart %+v, checkout %+v, %+v", cart, c, co, session)
		}
		var p struct {
			Type        string
			DeclineCode string `json:"decline_code"`
		}
		s.Must(t, 402, "POST", "/v1/checkouts/"+co.ID+"/complete", checkoutapi.CompleteInput{Provider: "bank_transfer", ExpectedTotal: co.Totals.Total}, &p, "Idempotency-Key", shop.Key())
		if p.DeclineCode != "payment-provider-not-offered" {
			t.Errorf("%v: a transfer is %+v", cart, p)
		}
	}
	c, co, session := toPay(t, map[string]string{"channel": "phone"}, sku, springfield)
	if c.Channel != "phone" || c.Totals.Total.Minor != 1499 || co.Channel != "phone" || co.Totals.Subtotal.Minor != 1499 || providers(session) != "braintree bank_transfer" {
		t.Fatalf("cart %+v, checkout %+v, %+v", c, co, session)
	}
	var o, seen orderapi.Order
	s.Must(t, 201, "POST", "/v1/checkouts/"+co.ID+"/complete", checkoutapi.CompleteInput{Provider: "bank_transfer", ExpectedTotal: co.Totals.Total}, &o, "Idempotency-Key", shop.Key())
	if o.Channel != "phone" || o.Totals != co.Totals || o.Lines[0].UnitPrice.Minor != 1499 {
		t.Errorf("order %+v", o)
	}
	p := promise{t: t, sku: sku, total: o.Totals.Total, order: o}
	s.Staff(t, 200, "POST", "/v1/admin/payments/"+p.payment().ID+"/money", map[string]string{"outcome": "received"}, nil)
	shop.Eventually(t, 20*time.Second, func() error {
		if seen = p.seen(); seen.Status != "confirmed" {
			return fmt.Errorf("the order is %s", seen.Status)
		}
		return nil
	})
	// An edit sells more of it at the channel's price, and whoever orders again is in the channel again.
	var more orderapi.Edit
	s.Staff(t, 200, "POST", "/v1/admin/orders/"+o.ID+"/edits", map[string]any{"add": []orderapi.AddLine{{SKU: sku, Quantity: 1}}, "preview": true}, &more, "Idempotency-Key", shop.Key())
	if more.Totals == nil || more.Totals.Subtotal.Minor != 2*1499 {
		t.Errorf("one more: %+v", more)
	}
	var again orderapi.Reordered
	s.Must(t, 201, "POST", "/v1/orders/"+o.ID+"/reorder?access_token="+o.AccessToken, nil, &again)
	s.Must(t, 200, "GET", "/v1/carts/"+again.CartID, nil, &c)
	if c.Channel != "phone" || c.Totals.Total.Minor != 1499 {
		t.Errorf("ordered again %+v", c)
	}
}
