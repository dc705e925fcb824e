package httpapi_test

import (
	"testing"

	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
	"github.com/sidecart/sidecart/services/order/orderapi"
)

// A checkout is of its cart's channel: what is priced, what may be paid with, and the order.
func TestTheChannelOfACheckout(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.shop.Channel(cartID, "phone")
	const less = total - 3*100
	c := s.ready()
	if c.Channel != "phone" || c.Totals.Total.Minor != less || c.Lines[0].UnitPrice.Minor != 1900 {
		t.Errorf("%+v", c)
	}
	var session checkoutapi.PaymentSession
	s.client.Do("POST", "/v1/checkouts/"+c.ID+"/payment-session", nil).Want(200).JSON(&session)
	if session.Provider != "bank_transfer" || len(session.Providers) != 3 || session.Amount.Minor != less {
		t.Errorf("session %+v", session)
	}
	_, second := s.replica()
	var seen checkoutapi.Checkout
	second.Do("GET", "/v1/checkouts/"+c.ID, nil).Want(200).JSON(&seen)
	if seen.Channel != "phone" {
		t.Errorf("another replica %+v", seen)
	}
	var o orderapi.Order
	s.complete(c.ID, "k", pay(less)).Want(201).JSON(&o)
	if sent := s.shop.Places()[0]; sent.Channel != "phone" || sent.Totals.Total.Minor != less {
		t.Errorf("placed %+v", sent)
	}

	s.shop.Cart(otherCartID, 1, "USD", map[string]int64{"shirt": 1})
	s.client.Do("POST", "/v1/checkouts", `{"cart_id":"`+otherCartID+`","channel":"phone"}`).Problem(422, "validation-failed")
	var none checkoutapi.Checkout
	s.client.Do("POST", "/v1/checkouts", `{"cart_id":"`+otherCartID+`"}`).Want(201).JSON(&none)
	if none.Channel != "" || none.Totals.Total.Minor != 2000 {
		t.Errorf("of none: %+v", none)
	}
}

// An edited order is repriced in the channel that it was sold in.
func TestRepriceInAChannel(t *testing.T) {
	t.Parallel()
	s := open(t)
	const more = `"kept":[{"id":"l1","sku":"shirt","quantity":2,"unit_price":{"amount":1500,"currency":"USD"}}],"add":[{"id":"e1-1","sku":"mug","quantity":1}],"same_goods":false`
	if got := reprice(t, s, sold+`"channel":"phone",`+more+`}`); got.Lines[1].UnitPrice.Minor != 400 || got.Lines[0].UnitPrice.Minor != 1500 {
		t.Errorf("%+v", got)
	}
	if got := reprice(t, s, sold+more+`}`); got.Lines[1].UnitPrice.Minor != 500 {
		t.Errorf("of none: %+v", got)
	}
}
