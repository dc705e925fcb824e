package httpapi

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/pricing/internal/app"
	"github.com/sidecart/sidecart/services/pricing/internal/pricing"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
)

func quoteRequest(b pricingapi.QuoteRequest) pricing.Request {
	req := pricing.Request{
		Context: pricing.Context{Currency: money.Currency(b.Currency), Country: b.Country, Region: b.Region, Channel: b.Channel, Group: b.CustomerGroup},
		Codes:   b.Coupons,
		Fee:     b.PaymentFee,
		Lines:   make([]pricing.Line, len(b.Lines)),
	}
	for i, l := range b.Lines {
		req.Lines[i] = pricing.Line{ID: l.ID, SKU: l.SKU, Quantity: l.Quantity, Kept: l.KeptPrice}
	}
	for _, s := range b.ShippingOptions {
		req.Shipping = append(req.Shipping, pricing.Shipping{ID: s.ID, Price: s.Price, TaxCategory: s.TaxCategory})
	}
	if b.Sold != nil {
		req.KeptIncluded = b.Sold.TaxIncluded
		req.Codes = append(slices.Clone(b.Coupons), b.Sold.Coupons...)
	}
	return req
}

func quoteAnswer(q *pricing.Quote, currency string) (pricingapi.Quote, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return pricingapi.Quote{}, fmt.Errorf("draw a quote id: %w", err)
	}
	out := pricingapi.Quote{
		ID: id.String(), Currency: currency, ValidUntil: q.ValidUntil.UTC(), Totals: totals(q.Totals),
		Lines:      make([]pricingapi.QuotedLine, len(q.Lines)),
		Coupons:    make([]pricingapi.Coupon, len(q.Codes)),
		Promotions: make([]pricingapi.Promotion, len(q.Promotions)),
	}
	for i, l := range q.Lines {
		out.Lines[i] = pricingapi.QuotedLine{ID: l.ID, SKU: l.SKU, Quantity: l.Quantity, UnitPrice: l.UnitPrice, CompareAtPrice: l.CompareAt,
			Subtotal: l.Subtotal, Discounts: make([]pricingapi.Discount, len(l.Discounts)), Tax: l.Tax, TaxRateBP: l.TaxRate.BasisPoints, Total: l.Total}
		for j, d := range l.Discounts {
			out.Lines[i].Discounts[j] = pricingapi.Discount(d)
		}
	}
	for i, c := range q.Codes {
		out.Coupons[i] = pricingapi.Coupon{Code: c.Code, Status: pricingapi.CouponNotApplicable, Reason: c.Why.Reason, ReasonCode: string(c.Why.Code)}
		if c.Applied {
			out.Coupons[i].Status = pricingapi.CouponApplied
		}
		if c.Why.Code == pricing.MinSubtotal {
			out.Coupons[i].Least, out.Coupons[i].Missing = &c.Why.Least, &c.Why.Missing
		}
	}
	for i, p := range q.Promotions {
		out.Promotions[i] = pricingapi.Promotion{ID: p.ID, Label: p.Label, Amount: p.Amount, Explanation: p.Explanation}
	}
	for _, s := range q.Shipping {
		out.Shipping = append(out.Shipping, pricingapi.ShippingTotal{OptionID: s.OptionID, Totals: totals(s.Totals)})
	}
	for _, u := range q.Unsellable {
		out.Unsellable = append(out.Unsellable, pricingapi.Unsellable(u))
	}
	return out, nil
}

func totals(t pricing.Totals) pricingapi.Totals {
	return pricingapi.Totals{Subtotal: t.Subtotal, Discount: t.Discount, Shipping: t.Shipping, Tax: t.Tax, TaxIncluded: t.TaxIncluded, Total: t.Total, PaymentFee: t.Fee}
}

func flatten(byList map[string][]app.PriceRow) (all []pricingapi.Price) {
	for _, id := range slices.Sorted(maps.Keys(byList)) {
		for _, r := range byList[id] {
			p := pricingapi.Price{SKU: r.SKU, PriceListID: id, Amount: r.Amount, CompareAtPrice: r.CompareAt, MinQuantity: r.MinQuantity}
			p.ValidFrom, p.ValidTo = bounds(r.Window)
			all = append(all, p)
		}
	}
	return all
}

// window keeps microseconds, as the database does: two ends that are one there are one here.
func window(from, to *time.Time) (w pricing.Window) {
	if from != nil {
		w.From = from.Truncate(time.Microsecond)
	}
	if to != nil {
		w.To = to.Truncate(time.Microsecond)
	}
	return w
}

func bounds(w pricing.Window) (from, to *time.Time) {
	if !w.From.IsZero() {
		from = &w.From
	}
	if !w.To.IsZero() {
		to = &w.To
	}
	return from, to
}
