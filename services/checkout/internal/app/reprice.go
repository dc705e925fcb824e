package app

import (
	"context"
	"fmt"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
	"github.com/sidecart/sidecart/services/checkout/internal/checkout"
	"github.com/sidecart/sidecart/services/order/orderapi"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
)

// Catalog asks catalog what SKUs are. Unknown ones are left out.
type Catalog interface {
	Sellables(ctx context.Context, skus []string) ([]catalogapi.Sellable, error)
}

// paid is the option that is paid for, taxed as it is now.
func (s sold) paid(now []Option) Option {
	paid := Option{ShippingOption: *s.option}
	for _, o := range now {
		if o.ID == paid.ID {
			paid.TaxCategory = o.TaxCategory
		}
	}
	return paid
}

// RepriceLimit is how long that may take.
const RepriceLimit = 8 * time.Second

// sold is what of a record is sold already, of an order that is edited.
type sold struct {
	under  pricingapi.Sold
	prices map[string]money.Amount  // of a piece, by line
	option *orderapi.ShippingOption // that is paid for: as many goods go the same way to the same zone; nil: it is priced anew
}

// Reprice says what an order costs once it is edited. What stays keeps its price, what is added has today's; taxes are those of the address;
// the way it goes is priced as for a checkout, unless neither the goods nor the zone nor the way have changed. Nothing is recorded.
func (a *App) Reprice(ctx context.Context, in checkoutapi.RepriceRequest) (out checkoutapi.Repriced, err error) {
	to := in.Address
	if in.NewAddress != nil {
		patch := checkoutapi.PatchInput{ShippingAddress: in.NewAddress}
		if err := checkPatch(&patch); err != nil {
			return out, err
		}
		to = *patch.ShippingAddress
	}
	r := Record{Checkout: checkout.Checkout{Currency: money.Currency(in.Currency), Country: to.Country, Channel: in.Channel, Shipping: address(&to), OptionID: in.Option.ID, Fee: in.PaymentFee},
		sold: &sold{under: pricingapi.Sold{TaxIncluded: in.TaxIncluded, Coupons: in.Coupons}, prices: map[string]money.Amount{}}}
	r.Quote.Totals.Subtotal, r.Quote.Totals.Discount = money.Zero(r.Currency), money.Zero(r.Currency)
	if in.NewOptionID != "" {
		r.OptionID = in.NewOptionID
	}
	if in.SameGoods && r.OptionID == in.Option.ID && a.Rates.Zone(checkout.Address(to)) == a.Rates.Zone(checkout.Address(in.Address)) {
		r.sold.option = &in.Option
	}
	if err := a.goods(ctx, &r, in); err != nil {
		return out, err
	}
	wanted := r.OptionID
	if err := a.requote(ctx, &r, a.now()); err != nil {
		return out, err
	}
	option := r.Option()
	if option == nil {
		offered := []string{}
		for _, o := range r.Quote.Options {
			offered = append(offered, o.ID)
		}
		return out, fault.Newf(fault.Invalid, "shipping-option-not-offered", "These goods do not go there by %q.", wanted).With("offered", offered)
	}
	return checkoutapi.Repriced{QuoteID: r.Quote.ID, ValidUntil: r.Quote.ValidUntil, Address: to, Option: option.ShippingOption, Lines: r.Quote.Lines,
		Promotions: r.Quote.Promotions, Totals: option.Totals}, nil
}

// goods puts the lines into r, with what catalog says of them. What is kept may have left the catalogue; what is added may not.
func (a *App) goods(ctx context.Context, r *Record, in checkoutapi.RepriceRequest) error {
	var skus []string
	for _, l := range append(in.Kept[:len(in.Kept):len(in.Kept)], in.Add...) {
		skus = append(skus, l.SKU)
	}
	found, err := a.Catalog.Sellables(ctx, skus)
	if err != nil {
		return err
	}
	known := map[string]catalogapi.Sellable{}
	for _, s := range found {
		known[s.SKU] = s
	}
	left, err := a.leftCatalogue(ctx, in.Kept, known)
	if err != nil {
		return err
	}
	for _, l := range in.Kept {
		r.Quote.Grams += (known[l.SKU].WeightGrams + left[l.SKU]) * l.Quantity
		if l.UnitPrice != nil {
			r.sold.prices[l.ID] = *l.UnitPrice
		}
		r.Quote.Lines = append(r.Quote.Lines, checkoutapi.CheckoutLine{ID: l.ID, SKU: l.SKU, Quantity: l.Quantity})
	}
	var c fault.Collector
	for i, l := range in.Add {
		s, ok := known[l.SKU]
		at := fmt.Sprintf("body.add[%d].sku", i)
		switch {
		case !ok:
			c.Add(at, "is not known", l.SKU)
		case !s.Sellable:
			c.Add(at, "is not sold", l.SKU)
		}
		r.Quote.Grams += s.WeightGrams * l.Quantity
		r.Quote.Lines = append(r.Quote.Lines, checkoutapi.CheckoutLine{ID: l.ID, SKU: l.SKU, ProductID: s.ProductID, Title: s.Title, ImageURL: s.ImageURL, Quantity: l.Quantity})
	}
	return c.Err()
}

// leftCatalogue returns what pieces weigh of which catalog knows nothing any more: cart has been told of all that was ever sold.
func (a *App) leftCatalogue(ctx context.Context, kept []checkoutapi.RepriceLine, known map[string]catalogapi.Sellable) (map[string]int64, error) {
	var skus []string
	for _, l := range kept {
		if _, ok := known[l.SKU]; !ok {
			skus = append(skus, l.SKU)
		}
	}
	if len(skus) == 0 {
		return map[string]int64{}, nil
	}
	return a.Carts.Weights(ctx, skus)
}
