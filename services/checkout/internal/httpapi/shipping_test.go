package httpapi_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sidecart/sidecart/pkg/testkit/apitest"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
	"github.com/sidecart/sidecart/services/checkout/internal/app"
	"github.com/sidecart/sidecart/services/order/orderapi"
)

const tables = `
version: 1
zones:
  - id: near
    countries: [US]
    postal_codes: ["627"]
    services:
      - {id: van, carrier: own, service: van, label: Van, days: [1, 1], prices: {USD: "1.00"}, excluded_skus: [mug]}
      - {id: post, carrier: post, service: ground, label: Post, days: [1, 3], by_value: [{below: {USD: "40.00"}, prices: {USD: "4.00"}}, {prices: {USD: "0"}}]}
  - id: us
    countries: [US]
    services:
      - {id: post, carrier: post, service: ground, label: Post, days: [1, 3], by_weight: [{up_to_grams: 900, prices: {USD: "6.00"}}, {up_to_grams: 1000, prices: {USD: "9.00"}}]}
`

// The address, the weight and the value decide what is offered and what it costs.
func TestShippingTables(t *testing.T) {
	t.Parallel()
	s := open(t)
	rates, err := app.ParseRates([]byte(tables))
	if err != nil {
		t.Fatal(err)
	}
	s.app.Rates = rates
	offered := func(id string) string {
		t.Helper()
		var out struct{ Items []orderapi.ShippingOption }
		s.client.Do("GET", "/v1/checkouts/"+id+"/shipping-options", nil).Want(200).JSON(&out)
		var all []string
		for _, o := range out.Items {
			all = append(all, o.ID+" "+o.Price.Plain())
		}
		return strings.Join(all, ", ")
	}
	want := func(step, id, options string, quotes int) {
		t.Helper()
		if got, calls := offered(id), s.shop.Calls(); got != options || calls["pricing"] != quotes {
			t.Errorf("%s: %s, %v", step, got, calls)
		}
	}
	far := strings.Replace(address, `"62701"`, `"60601"`, 1)
	c := s.create() // two shirts and a mug: 900 g, 45.00
	s.shop.Calls()
	s.patch(c.ID, `{"shipping_address":`+address+`}`)
	want("near", c.ID, "post 0.00", 1)
	s.patch(c.ID, `{"shipping_address":`+far+`,"shipping_option_id":"post"}`)
	want("far, in the same region", c.ID, "post 6.00", 1)
	s.patch(c.ID, `{"shipping_address":`+strings.Replace(far, "60601", "60602", 1)+`}`)
	want("the next street", c.ID, "post 6.00", 0)

	s.shop.Cart(cartID, 4, "USD", map[string]int64{"shirt": 4})
	s.client.Do("POST", "/v1/checkouts", `{"cart_id":"`+cartID+`"}`).Want(200).JSON(&c)
	want("1000 g", c.ID, "post 9.00", 1)
	if c.Totals.Shipping.Minor != 900 || c.Totals.Total.Minor != 8900 {
		t.Errorf("totals %+v", c.Totals)
	}
	s.shop.Cart(cartID, 5, "USD", map[string]int64{"shirt": 5})
	p := s.client.Do("POST", "/v1/checkouts", `{"cart_id":"`+cartID+`"}`).Problem(422, "validation-failed")
	if got := apitest.Locations(p); fmt.Sprint(got) != "[body.shipping_address.country]" {
		t.Errorf("too heavy: %v", got)
	}
	if got := s.get(c.ID); got.CartVersion != 4 || got.Totals.Total.Minor != 8900 {
		t.Errorf("a refusal changed it: %+v", got)
	}
}

// The prices fall while the checkout is open, and the value falls with them below the limit of free shipping: the total is the one of
// the prices that are true.
func TestShippingFollowsTheValue(t *testing.T) {
	t.Parallel()
	s := open(t)
	rates, err := app.ParseRates([]byte(tables))
	if err != nil {
		t.Fatal(err)
	}
	s.app.Rates = rates
	s.shop.Cart(cartID, 3, "USD", map[string]int64{"shirt": 2})
	c := s.patch(s.create().ID, `{"shipping_address":`+address+`,"shipping_option_id":"post"}`)
	if c.Totals.Total.Minor != 4000 || c.ShippingOption.Price.Minor != 0 {
		t.Errorf("%+v", c.Totals)
	}
	s.shop.Price("shirt", 1500)
	s.turnClock(16 * 60e9)
	s.shop.Calls()
	p := s.complete(c.ID, "key-1", pay(4000)).Problem(409, "price-changed")
	if calls := s.shop.Calls(); calls["pricing"] != 2 {
		t.Errorf("asked %v", calls)
	}
	if actual := p["actual_total"].(map[string]any)["amount"]; actual != float64(3400) {
		t.Errorf("the total is %v", actual)
	}
	var order orderapi.Order
	s.complete(c.ID, "key-2", pay(3400)).Want(201).JSON(&order)
	if order.Totals.Shipping.Minor != 400 || order.ShippingOption.ID != "post" {
		t.Errorf("%+v", order)
	}
	if got := s.get(c.ID); got.Status != checkoutapi.StatusCompleted {
		t.Errorf("%+v", got)
	}
}
