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

// Before there is an address, everybody is told how goods in stock go to a country as a rule, in working days and as dates from now.
func TestDeliveryIsEstimatedByCountry(t *testing.T) {
	t.Parallel()
	s := open(t) // on a Friday
	told := func(query string) string {
		t.Helper()
		a := s.client.Do("GET", checkoutapi.PathDelivery+query, nil).Want(200)
		if control := a.Header.Get("Cache-Control"); control != "public, max-age=300" {
			t.Error(control)
		}
		var out checkoutapi.Delivery
		a.JSON(&out)
		var all []string
		for _, w := range out.Items {
			all = append(all, fmt.Sprintf("%s %s %d-%d %s %s %v", w.ID, w.Label, w.Days.From, w.Days.To, w.ETA.From, w.ETA.To, w.ExcludedSKUs))
		}
		return strings.Join(all, ", ")
	}
	const german = "standard Standard 2-5 2026-03-10 2026-03-13 [], express Express 1-2 2026-03-09 2026-03-10 []"
	if got := told("?country=DE&currency=EUR"); got != german {
		t.Error(got)
	}
	if got := told("?country=DE&currency=CAD"); got != "" { // in which nothing is sent there
		t.Error(got)
	}
	rates, err := app.ParseRates([]byte(tables))
	if err != nil {
		t.Fatal(err)
	}
	s.app.Rates = rates
	if got := told("?country=US&currency=USD"); got != "post Post 1-3 2026-03-09 2026-03-11 []" { // not as it is in a part of the country
		t.Error(got)
	}
	if got := told("?country=FR&currency=USD"); got != "" {
		t.Error(got)
	}
	rates, err = app.ParseRates([]byte(strings.Replace(tables, `    postal_codes: ["627"]`+"\n", "", 1)[:strings.Index(tables, "  - id: us")-len(`    postal_codes: ["627"]`+"\n")]))
	if err != nil {
		t.Fatal(err)
	}
	s.app.Rates = rates
	if got := told("?country=US&currency=USD"); got != "van Van 1-1 2026-03-09 2026-03-09 [mug], post Post 1-3 2026-03-09 2026-03-11 []" {
		t.Error(got)
	}
	for _, bad := range []string{"", "?country=DE", "?country=de&currency=EUR", "?country=DE&currency=euro"} {
		s.client.Do("GET", checkoutapi.PathDelivery+bad, nil).Problem(422, "validation-failed")
	}
}
