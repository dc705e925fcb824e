package httpapi

import (
	"strings"
	"testing"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/pkg/testkit/apitest"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
)

const feeQuote = `{"currency":"USD","country":"US","lines":[{"id":"1","sku":"shirt","quantity":1}],"coupons":["ten"],
	"shipping_options":[{"id":"post","price":{"amount":500,"currency":"USD"}},{"id":"free","price":{"amount":0,"currency":"USD"}}]`

// What a way to pay costs is a part of shipping, whatever shipping costs, and taxed like it, on top of net prices and within gross ones.
func TestAFee(t *testing.T) {
	t.Parallel()
	cart, staff := seeded(t)
	for _, gross := range []bool{false, true} {
		staff.Do("PUT", "/v1/admin/price-lists/us", strings.Replace(list, `"tax_included":false`, `"tax_included":`+map[bool]string{true: "true", false: "false"}[gross], 1)).Want(204)
		var without, with pricingapi.Quote
		cart.Do("POST", pricingapi.PathQuote, feeQuote+`}`).Want(200).JSON(&without)
		cart.Do("POST", pricingapi.PathQuote, feeQuote+`,"payment_fee":{"amount":300,"currency":"USD"}}`).Want(200).JSON(&with)
		if with.Totals != without.Totals || without.Totals.TaxIncluded != gross || without.Totals.Discount.Minor != 200 || without.Shipping[0].Totals.PaymentFee != (money.Amount{}) {
			t.Fatalf("without shipping %+v, %+v", with.Totals, without.Totals)
		}
		for i := range without.Shipping {
			a, b := without.Shipping[i].Totals, with.Shipping[i].Totals
			want := a
			want.PaymentFee = money.New(300, "USD")
			want.Shipping.Minor += 300
			if want.Total.Minor += 300; !gross {
				want.Tax.Minor += 15
				want.Total.Minor += 15
			} else {
				want.Tax.Minor = b.Tax.Minor
				if b.Tax.Minor-with.Totals.Tax.Minor != []int64{38, 14}[i] { // 5 parts of 105 of 8.00 and of 3.00
					t.Errorf("gross: tax %s, of the goods %s", b.Tax, with.Totals.Tax)
				}
			}
			if b != want {
				t.Errorf("gross %t, option %d: %+v, want %+v", gross, i, b, want)
			}
		}
	}
}

func TestAFeeIsChecked(t *testing.T) {
	t.Parallel()
	cart, _ := seeded(t)
	for _, fee := range []string{`{"amount":-1,"currency":"USD"}`, `{"amount":300,"currency":"EUR"}`} {
		p := cart.Do("POST", pricingapi.PathQuote, feeQuote+`,"payment_fee":`+fee+`}`).Problem(422, "validation-failed")
		if got := apitest.Locations(p); len(got) != 1 || got[0] != "body.payment_fee" {
			t.Errorf("%s: %v", fee, got)
		}
	}
	cart.Do("POST", pricingapi.PathQuote, feeQuote+`,"payment_fee":{"amount":9223372036854775807,"currency":"USD"}}`).Problem(422, "validation-failed")
}
