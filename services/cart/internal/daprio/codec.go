package daprio

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/cart/internal/app"
	"github.com/sidecart/sidecart/services/cart/internal/cart"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
)

// codecVersion is that of the form below. Another one is unreadable: the projection is made anew from the log.
const codecVersion = 1

// doc is a projection as it lies in the state store. A cart of 500 lines is read and written with each change, so names are
// short, amounts are bare minor units of the one currency, and a line is one object with what the quote says of it.
type doc struct {
	V          int                    `json:"v"`
	ID         string                 `json:"id"`
	Version    int64                  `json:"n"`
	Status     string                 `json:"st"`
	Currency   string                 `json:"cur"`
	Country    string                 `json:"co"`
	Channel    string                 `json:"ch,omitempty"`
	Customer   string                 `json:"cu,omitempty"`
	Coupons    []string               `json:"cp,omitempty"`
	NextLine   int64                  `json:"nl"`
	MergedFrom []string               `json:"mf,omitempty"`
	OrderID    string                 `json:"o,omitempty"`
	Updated    time.Time              `json:"at"`
	Lines      []lineDoc              `json:"l,omitempty"`
	QuoteID    string                 `json:"q,omitempty"`
	ValidUntil time.Time              `json:"vu"`
	Totals     [5]int64               `json:"t"` // subtotal, discount, shipping, tax, total
	Gross      bool                   `json:"g,omitempty"`
	Results    []pricingapi.Coupon    `json:"cr,omitempty"`
	Promotions []pricingapi.Promotion `json:"p,omitempty"`
}

type lineDoc struct {
	ID       string          `json:"i"`
	SKU      string          `json:"s"`
	Quantity int64           `json:"q"`
	Metadata json.RawMessage `json:"m,omitempty"`
	Reason   string          `json:"x,omitempty"` // why it is unsellable; then the rest is missing
	Unit     int64           `json:"u,omitempty"`
	Compare  *int64          `json:"c,omitempty"`
	Subtotal int64           `json:"b,omitempty"`
	Tax      int64           `json:"t,omitempty"`
	RateBP   int64           `json:"r,omitempty"`
	Total    int64           `json:"e,omitempty"`
	Off      []offDoc        `json:"d,omitempty"`
}

type offDoc struct {
	Promotion string `json:"p"`
	Label     string `json:"l,omitempty"`
	Amount    int64  `json:"a"`
}

func encode(p app.Projection) ([]byte, error) {
	c, q := &p.Cart, &p.Quote
	d := doc{
		V: codecVersion, ID: c.ID, Version: c.Version, Status: string(c.Status), Currency: string(c.Currency), Country: c.Country, Channel: c.Channel, Customer: c.CustomerID,
		Coupons: c.Coupons, NextLine: c.NextLine, MergedFrom: c.MergedFrom, OrderID: c.OrderID, Updated: c.UpdatedAt,
		QuoteID: q.ID, ValidUntil: q.ValidUntil, Gross: q.Totals.TaxIncluded, Results: q.Coupons, Promotions: q.Promotions,
		Totals: [5]int64{q.Totals.Subtotal.Minor, q.Totals.Discount.Minor, q.Totals.Shipping.Minor, q.Totals.Tax.Minor, q.Totals.Total.Minor},
		Lines:  make([]lineDoc, len(c.Lines)),
	}
	at := make(map[string]*lineDoc, len(c.Lines))
	for i, l := range c.Lines {
		d.Lines[i] = lineDoc{ID: l.ID, SKU: l.SKU, Quantity: l.Quantity, Metadata: l.Metadata}
		at[l.ID] = &d.Lines[i]
	}
	for _, l := range q.Lines {
		e := at[l.ID]
		if e == nil {
			return nil, fmt.Errorf("quote %s has a line %s that the cart has not", q.ID, l.ID)
		}
		e.Unit, e.Subtotal, e.Tax, e.RateBP, e.Total = l.UnitPrice.Minor, l.Subtotal.Minor, l.Tax.Minor, l.TaxRateBP, l.Total.Minor
		if l.CompareAtPrice != nil {
			e.Compare = &l.CompareAtPrice.Minor
		}
		for _, off := range l.Discounts {
			e.Off = append(e.Off, offDoc{Promotion: off.PromotionID, Label: off.Label, Amount: off.Amount.Minor})
		}
	}
	for _, u := range q.Unsellable {
		if e := at[u.ID]; e != nil {
			e.Reason = u.Reason
		}
	}
	return json.Marshal(d)
}

func decode(id string, data []byte) (app.Projection, error) {
	var d doc
	if err := json.Unmarshal(data, &d); err != nil {
		return app.Projection{}, fmt.Errorf("projection: %w", err)
	}
	if d.V != codecVersion || d.ID != id || d.Version < 1 {
		return app.Projection{}, fmt.Errorf("projection in form %d of cart %q at version %d", d.V, d.ID, d.Version)
	}
	currency := money.Currency(d.Currency)
	amount := func(minor int64) money.Amount { return money.New(minor, currency) }
	p := app.Projection{
		Cart: cart.Cart{ID: d.ID, Version: d.Version, Status: cart.Status(d.Status), Currency: currency, Country: d.Country, Channel: d.Channel, CustomerID: d.Customer,
			Lines: make([]cart.Line, len(d.Lines)), Coupons: d.Coupons, NextLine: d.NextLine, MergedFrom: d.MergedFrom, OrderID: d.OrderID, UpdatedAt: d.Updated},
		Quote: pricingapi.Quote{ID: d.QuoteID, Currency: d.Currency, ValidUntil: d.ValidUntil, Coupons: d.Results, Promotions: d.Promotions,
			Lines: make([]pricingapi.QuotedLine, 0, len(d.Lines)),
			Totals: pricingapi.Totals{Subtotal: amount(d.Totals[0]), Discount: amount(d.Totals[1]), Shipping: amount(d.Totals[2]), Tax: amount(d.Totals[3]),
				Total: amount(d.Totals[4]), TaxIncluded: d.Gross}},
	}
	if p.Quote.Coupons == nil {
		p.Quote.Coupons = []pricingapi.Coupon{}
	}
	if p.Quote.Promotions == nil {
		p.Quote.Promotions = []pricingapi.Promotion{}
	}
	for i, l := range d.Lines {
		p.Cart.Lines[i] = cart.Line{ID: l.ID, SKU: l.SKU, Quantity: l.Quantity, Metadata: l.Metadata}
		if l.Reason != "" {
			p.Quote.Unsellable = append(p.Quote.Unsellable, pricingapi.Unsellable{ID: l.ID, SKU: l.SKU, Reason: l.Reason})
			continue
		}
		q := pricingapi.QuotedLine{ID: l.ID, SKU: l.SKU, Quantity: l.Quantity, UnitPrice: amount(l.Unit), Subtotal: amount(l.Subtotal),
			Discounts: make([]pricingapi.Discount, len(l.Off)), Tax: amount(l.Tax), TaxRateBP: l.RateBP, Total: amount(l.Total)}
		if l.Compare != nil {
			compare := amount(*l.Compare)
			q.CompareAtPrice = &compare
		}
		for j, off := range l.Off {
			q.Discounts[j] = pricingapi.Discount{PromotionID: off.Promotion, Label: off.Label, Amount: amount(off.Amount)}
		}
		p.Quote.Lines = append(p.Quote.Lines, q)
	}
	return p, nil
}
