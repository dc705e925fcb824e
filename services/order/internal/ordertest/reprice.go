package ordertest

import (
	"context"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
)

// Prices is a checkout that says what an edited order costs: everything that is added costs 20.00, a cent is off of the first line
// for each promotion, the way costs what it costs, and nothing goes to Antarctica.
type Prices struct {
	Rates map[string]int64 // taxes on top by SKU, in basis points; with any, shipping is taxed at 19 %
}

// Reprice implements app.Repricer.
func (p *Prices) Reprice(_ context.Context, in checkoutapi.RepriceRequest) (out checkoutapi.Repriced, err error) {
	out = checkoutapi.Repriced{QuoteID: "q2", Address: in.Address, Option: in.Option, Promotions: []pricingapi.Promotion{}}
	if in.NewAddress != nil {
		out.Address = *in.NewAddress
	}
	if out.Address.Country == "AQ" {
		return out, fault.New(fault.Invalid, "validation-failed", "nothing goes there").WithField("body.shipping_address.country", "nothing goes there", nil)
	}
	zero := money.Zero(money.Currency(in.Currency))
	t := pricingapi.Totals{Subtotal: zero, Discount: zero, Shipping: in.Option.Price, Tax: zero, PaymentFee: in.PaymentFee}
	t.Shipping.Minor += in.PaymentFee.Minor
	t.Total = t.Shipping
	for i, l := range append(in.Kept[:len(in.Kept):len(in.Kept)], in.Add...) {
		line := checkoutapi.CheckoutLine{ID: l.ID, SKU: l.SKU, ProductID: "p-" + l.SKU, Title: "A " + l.SKU, Quantity: l.Quantity, UnitPrice: money.New(2000, zero.Currency), Tax: zero, Discounts: []pricingapi.Discount{}}
		if l.SKU == "ghost" {
			return out, fault.New(fault.Invalid, "validation-failed", "not sold").WithField("body.add[0].sku", "is not known", l.SKU)
		}
		if l.UnitPrice != nil {
			line.UnitPrice = *l.UnitPrice
		}
		line.Subtotal.Currency, line.Subtotal.Minor = zero.Currency, line.UnitPrice.Minor*l.Quantity
		line.Total = line.Subtotal
		for _, code := range in.Coupons {
			if cent := money.New(1, zero.Currency); i == 0 {
				line.Total.Minor--
				line.Discounts = append(line.Discounts, pricingapi.Discount{PromotionID: code, Label: code, Amount: cent})
				out.Promotions = append(out.Promotions, pricingapi.Promotion{ID: code, Label: code, Amount: cent})
				t.Discount.Minor++
			}
		}
		line.TaxRateBP = p.Rates[l.SKU]
		line.Tax.Minor = (line.Total.Minor*line.TaxRateBP + 5000) / 10000
		t.Tax.Minor += line.Tax.Minor
		t.Subtotal.Minor += line.Subtotal.Minor
		t.Total.Minor += line.Total.Minor
		out.Lines = append(out.Lines, line)
	}
	if len(p.Rates) > 0 {
		t.Tax.Minor += (t.Shipping.Minor*1900 + 5000) / 10000
	}
	t.Total.Minor += t.Tax.Minor
	out.Totals = t
	return out, nil
}
