package app

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
	"github.com/sidecart/sidecart/services/checkout/internal/checkout"
	"github.com/sidecart/sidecart/services/order/orderapi"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
)

// requote asks pricing for the lines of r where they go now, with the totals of every shipping option there, and puts the answer
// into r. A chosen option that is not offered there is dropped. What shipping costs may hang on the value of the goods, which is that of
// the last quote; should the answer have another one that changes a price, it asks once more. Faults: not-sellable, validation-failed
// when nothing is sent there, and pricing's.
func (a *App) requote(ctx context.Context, r *Record, now time.Time) error {
	options, err := a.options(r, now)
	if err != nil {
		return err
	}
	for again := false; ; again = true {
		if err := a.quote(ctx, r, options); err != nil {
			return err
		}
		worth, err := a.options(r, now)
		if err != nil {
			return err
		}
		if again || slices.EqualFunc(options, worth, func(a, b Option) bool { return a.ID == b.ID && a.Price == b.Price }) {
			return nil
		}
		options = worth
	}
}

func (a *App) quote(ctx context.Context, r *Record, options []Option) error {
	req := pricingapi.QuoteRequest{Currency: string(r.Currency), Country: r.Country, Channel: r.Channel, PaymentFee: r.Fee}
	zone := ""
	if r.Shipping != nil {
		req.Country, req.Region, zone = r.Shipping.Country, r.Shipping.Region, a.Rates.Zone(*r.Shipping)
	}
	for _, o := range options {
		req.ShippingOptions = append(req.ShippingOptions, pricingapi.ShippingOption{ID: o.ID, Price: o.Price, TaxCategory: o.TaxCategory})
	}
	for _, l := range r.Quote.Lines {
		req.Lines = append(req.Lines, pricingapi.QuoteLine{ID: l.ID, SKU: l.SKU, Quantity: l.Quantity})
	}
	if r.sold != nil {
		req.Sold = &r.sold.under
		for i, l := range req.Lines {
			if price, ok := r.sold.prices[l.ID]; ok {
				req.Lines[i].KeptPrice = &price
			}
		}
	}
	for _, c := range r.Quote.Coupons {
		req.Coupons = append(req.Coupons, c.Code)
	}
	q, err := a.Prices.Quote(ctx, req)
	if err != nil {
		return err
	}
	if err := r.take(q, req.Country, req.Region); err != nil {
		return err
	}
	r.Quote.Zone = zone
	for _, total := range q.Shipping {
		for i := range options {
			if options[i].ID == total.OptionID {
				options[i].Totals = total.Totals
				r.Quote.Options = append(r.Quote.Options, options[i])
			}
		}
	}
	if len(r.Quote.Options) != len(options) {
		return fmt.Errorf("pricing answered %d of %d shipping totals", len(r.Quote.Options), len(options))
	}
	if r.Option() == nil {
		r.OptionID = ""
	}
	return nil
}

// options are the rates that apply to the goods of r and its shipping address, none without one. The value of the goods is what the
// last quote says of them, without shipping.
func (a *App) options(r *Record, now time.Time) ([]Option, error) {
	if r.Shipping == nil {
		return nil, nil
	}
	value, err := r.Quote.Totals.Subtotal.Sub(r.Quote.Totals.Discount)
	if err != nil {
		return nil, fmt.Errorf("value of the goods: %w", err)
	}
	goods := checkout.Goods{To: *r.Shipping, Currency: r.Currency, Value: value, Grams: r.Quote.Grams}
	for _, l := range r.Quote.Lines {
		goods.SKUs = append(goods.SKUs, l.SKU)
	}
	var all []Option
	for _, o := range a.Rates.Options(goods, now) {
		all = append(all, Option{TaxCategory: o.TaxCategory, ShippingOption: orderapi.ShippingOption{ID: o.ID, Carrier: o.Carrier, Service: o.Service,
			Label: o.Label, Price: o.Price, ETA: orderapi.ETA{From: o.From.Format(time.DateOnly), To: o.To.Format(time.DateOnly)}}})
	}
	if r.sold != nil && r.sold.option != nil {
		return []Option{r.sold.paid(all)}, nil
	}
	if len(all) == 0 {
		return nil, fault.Newf(fault.Invalid, "validation-failed", "These goods are not sent to %s in %s.", goods.To.Country, r.Currency).
			WithField("body.shipping_address.country", fmt.Sprintf("takes none of these goods in %s", r.Currency), goods.To.Country)
	}
	return all, nil
}

// take puts a quote beside the titles of the lines that r has already.
func (r *Record) take(q pricingapi.Quote, country, region string) error {
	if len(q.Unsellable) > 0 {
		return fault.New(fault.Invalid, "not-sellable", "Not everything can be sold there.").With("lines", q.Unsellable)
	}
	priced := make(map[string]pricingapi.QuotedLine, len(q.Lines))
	for _, l := range q.Lines {
		priced[l.ID] = l
	}
	lines := make([]checkoutapi.CheckoutLine, len(r.Quote.Lines))
	for i, l := range r.Quote.Lines {
		p, ok := priced[l.ID]
		if !ok || p.Quantity != l.Quantity {
			return fmt.Errorf("the quote %s does not cover line %s", q.ID, l.ID)
		}
		l.UnitPrice, l.Subtotal, l.Discounts, l.Tax, l.TaxRateBP, l.Total = p.UnitPrice, p.Subtotal, p.Discounts, p.Tax, p.TaxRateBP, p.Total
		if l.Discounts == nil {
			l.Discounts = []pricingapi.Discount{}
		}
		lines[i] = l
	}
	r.Quote = Quote{ID: q.ID, ValidUntil: q.ValidUntil.UTC().Truncate(time.Microsecond), Country: country, Region: region, Channel: r.Channel, Lines: lines, Coupons: orEmpty(q.Coupons),
		Promotions: orEmpty(q.Promotions), Totals: q.Totals, Grams: r.Quote.Grams}
	return nil
}

func orEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// quoteFits reports whether the quote is valid, and was asked for where r goes now, in its channel and with its fee: while processes are updated one
// by one, one that knows neither may have quoted.
func (a *App) quoteFits(r *Record, now time.Time) bool {
	q := r.Quote
	if !now.Before(q.ValidUntil) || q.Channel != r.Channel {
		return false
	}
	if r.Shipping == nil {
		return true
	}
	return q.Country == r.Shipping.Country && q.Region == r.Shipping.Region && q.Zone == a.Rates.Zone(*r.Shipping) && len(q.Options) > 0 &&
		q.Options[0].Totals.PaymentFee == r.Fee
}
