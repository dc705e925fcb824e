package httpapi_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/pkg/testkit/apitest"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
	"github.com/sidecart/sidecart/services/checkout/internal/app"
	"github.com/sidecart/sidecart/services/checkout/internal/checkouttest"
)

// sold is an order of two shirts that cost 15.00 each, sent for 4.00, as its editing asks for it.
const sold = `{"currency":"USD","shipping_address":` + address + `,"shipping_option":{"id":"standard","carrier":"post","service":"old","label":"Old",
	"price":{"amount":400,"currency":"USD"},"eta":{"from":"2026-03-01","to":"2026-03-03"}},"tax_included":false,`

func reprice(t *testing.T, s *session, body string) (out checkoutapi.Repriced) {
	t.Helper()
	s.client.As("order").Do("POST", checkoutapi.PathReprice, body).Want(200).JSON(&out)
	return out
}

func TestReprice(t *testing.T) {
	t.Parallel()
	s := open(t)
	const kept = `"kept":[{"id":"l1","sku":"shirt","quantity":2,"unit_price":{"amount":1500,"currency":"USD"}},{"id":"l2","sku":"ghost","quantity":1,"unit_price":{"amount":100,"currency":"USD"}}]`
	same := reprice(t, s, sold+kept+`,"same_goods":true,"new_address":{"name":" Sample Customer ","line1":"2 Main Street","city":"Boise","region":"Idaho","postal_code":"83702","country":"us"}}`)
	if same.Totals.Total.Minor != 3100+400 || same.Option.Label != "Old" || same.Address.Region != "ID" || same.Address.Name != "Sample Customer" {
		t.Errorf("to another street: %+v", same)
	}
	abroad := reprice(t, s, sold+kept+`,"same_goods":true,"new_address":{"name":"Sample Customer","line1":"1 Main Street","city":"Toronto","region":"ON","postal_code":"m5v 3l9","country":"CA"}}`)
	if abroad.Totals.Total.Minor != 3100+999 || abroad.Option.Label != "Standard" || abroad.Address.PostalCode != "M5V 3L9" {
		t.Errorf("to another zone: %+v", abroad)
	}
	faster := reprice(t, s, sold+kept+`,"same_goods":true,"new_option_id":"express"}`)
	if faster.Totals.Total.Minor != 3100+1499 {
		t.Errorf("another way: %+v", faster)
	}
	more := reprice(t, s, sold+kept+`,"same_goods":false,"add":[{"id":"e1-1","sku":"mug","quantity":2},{"id":"e1-2","sku":"shirt","quantity":1}]}`)
	if more.Totals.Total.Minor != 3100+2*500+2000+599 || len(more.Lines) != 4 || more.Lines[2].Title != "A mug" || more.Lines[2].ProductID != "product-mug" || more.Lines[3].UnitPrice.Minor != 2000 {
		t.Errorf("more: %+v", more)
	}
}

// What has left the catalogue weighs what it weighed. Cart is asked for nothing else.
func TestRepriceWeighsWhatLeftTheCatalogue(t *testing.T) {
	t.Parallel()
	s := open(t)
	rates, err := app.ParseRates([]byte(`version: 1
zones: [{id: us, countries: [US], services: [{id: standard, carrier: post, service: ground, label: Post, days: [1, 3],
  by_weight: [{up_to_grams: 1000, prices: {USD: "4.00"}}, {up_to_grams: 5000, prices: {USD: "9.00"}}]}]}]`))
	if err != nil {
		t.Fatal(err)
	}
	s.app.Rates = rates
	const shirt, ghosts = `{"id":"l1","sku":"shirt","quantity":1,"unit_price":{"amount":1500,"currency":"USD"}}`, `{"id":"l2","sku":"ghost","quantity":2,"unit_price":{"amount":100,"currency":"USD"}}`
	s.shop.Calls()
	if got := reprice(t, s, sold+`"kept":[`+shirt+`,`+ghosts+`],"same_goods":false}`); got.Option.Price.Minor != 900 {
		t.Errorf("with two ghosts: %+v", got.Option)
	}
	s.wantCalls("ghosts", map[string]int{"catalog": 1, "cart": 1, "pricing": 1})
	if got := reprice(t, s, sold+`"kept":[`+shirt+`,{"id":"l3","sku":"nothing","quantity":1,"unit_price":{"amount":100,"currency":"USD"}}],"same_goods":false}`); got.Option.Price.Minor != 400 {
		t.Errorf("with what nobody knows: %+v", got.Option)
	}
	s.shop.Calls()
	if got := reprice(t, s, sold+`"kept":[`+shirt+`],"same_goods":false}`); got.Option.Price.Minor != 400 {
		t.Errorf("without: %+v", got.Option)
	}
	s.wantCalls("no ghosts", map[string]int{"catalog": 1, "pricing": 1})
	s.shop.Set(func(n *checkouttest.Neighbours) { n.Before = checkouttest.Fail(testkit.ErrBefore, "cart") })
	s.client.As("order").Do("POST", checkoutapi.PathReprice, sold+`"kept":[`+ghosts+`],"same_goods":false}`).Want(503)
}

func TestRepriceRefuses(t *testing.T) {
	t.Parallel()
	s := open(t)
	const kept = `"kept":[{"id":"l1","sku":"shirt","quantity":2,"unit_price":{"amount":1500,"currency":"USD"}}],"same_goods":false`
	for name, tc := range map[string]struct {
		body   string
		status int
		code   string
		at     []string
	}{
		"an address that checkout refuses": {`,"new_address":{"name":"","line1":"1","city":"X","region":"ZZ","postal_code":"1","country":"US","phone":"x"}`, 422, "validation-failed",
			[]string{"body.shipping_address.name", "body.shipping_address.postal_code", "body.shipping_address.region", "body.shipping_address.phone"}},
		"a way that is not offered": {`,"new_option_id":"drone"`, 422, "shipping-option-not-offered", nil},
		"SKUs that are not sold":    {`,"add":[{"id":"a","sku":"nothing","quantity":1},{"id":"b","sku":"gone","quantity":1}]`, 422, "validation-failed", []string{"body.add[0].sku", "body.add[1].sku"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := s.client.As("order")
			c.T = t
			if diff := cmp.Diff(tc.at, apitest.Locations(c.Do("POST", checkoutapi.PathReprice, sold+kept+tc.body+"}").Problem(tc.status, tc.code))); diff != "" {
				t.Error(diff)
			}
		})
	}
	s.client.As("cart").Do("POST", checkoutapi.PathReprice, sold+kept+"}").Problem(403, "forbidden")
}
