package httpapi

import (
	"testing"

	"github.com/sidecart/sidecart/pkg/testkit/apitest"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
)

// What an order was sold under stands when it is edited: prices that have moved or are gone, and a coupon that was used up, switched off or
// has expired since. What is added has today's price.
func TestWhatWasSoldKeepsItsPrice(t *testing.T) {
	t.Parallel()
	cart, staff := seeded(t)
	staff.Do("PUT", "/v1/admin/coupons/TEN", `{"kind":"percentage","percent_bp":1000,"enabled":false,"usage_limit":1,"valid_to":"2020-01-01T00:00:00Z"}`).Want(204)
	var q pricingapi.Quote
	cart.Do("POST", pricingapi.PathQuote, `{"currency":"USD","country":"US","lines":[{"id":"1","sku":"shirt","quantity":2,"kept_price":{"amount":1000,"currency":"USD"}},
		{"id":"2","sku":"gone","quantity":1,"kept_price":{"amount":500,"currency":"USD"}},{"id":"3","sku":"shirt","quantity":1}],"sold":{"tax_included":false,"coupons":["ten"]}}`).Want(200).JSON(&q)
	today := q.Lines[2].UnitPrice.Minor
	if len(q.Lines) != 3 || q.Lines[0].UnitPrice.Minor != 1000 || q.Lines[1].UnitPrice.Minor != 500 || today == 1000 || q.Totals.Subtotal.Minor != 2500+today {
		t.Errorf("%+v", q)
	}
	if q.Totals.Discount.Minor != (2500+today+5)/10 || q.Coupons[0].Status != "applied" {
		t.Errorf("the coupon took %s: %+v", q.Totals.Discount, q.Coupons)
	}
	cart.Do("POST", pricingapi.PathQuote, `{"currency":"USD","country":"US","lines":[{"id":"1","sku":"shirt","quantity":1}],"coupons":["ten"]}`).Want(200).JSON(&q)
	if q.Totals.Discount.Minor != 0 {
		t.Errorf("a coupon that is off took %s", q.Totals.Discount)
	}
}

func TestSoldIsChecked(t *testing.T) {
	t.Parallel()
	cart, _ := seeded(t)
	for name, tc := range map[string]struct {
		body     string
		status   int
		code, at string
	}{
		"without what it was sold under": {`"kept_price":{"amount":1,"currency":"USD"}}]`, 422, "validation-failed", "body.sold"},
		"below zero":                     {`"kept_price":{"amount":-1,"currency":"USD"}}],"sold":{"tax_included":false}`, 422, "validation-failed", "body.lines[0].kept_price"},
		"another currency":               {`"kept_price":{"amount":1,"currency":"EUR"}}],"sold":{"tax_included":false}`, 422, "validation-failed", "body.lines[0].kept_price"},
		"gross beside net":               {`"kept_price":{"amount":1,"currency":"USD"}},{"id":"2","sku":"shirt","quantity":1}],"sold":{"tax_included":true}`, 409, "tax-mode-conflict", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := cart
			c.T = t
			p := c.Do("POST", pricingapi.PathQuote, `{"currency":"USD","country":"US","lines":[{"id":"1","sku":"shirt","quantity":1,`+tc.body+`}`).Problem(tc.status, tc.code)
			if got := apitest.Locations(p); tc.at != "" && (len(got) != 1 || got[0] != tc.at) {
				t.Errorf("%v, want %s", got, tc.at)
			}
		})
	}
}
