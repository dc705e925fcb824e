package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/cart/cartapi"
	"github.com/sidecart/sidecart/services/cart/internal/cart"
	"github.com/sidecart/sidecart/services/inventory/inventoryapi"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
)

func isConflict(err error) bool { return errors.Is(err, ErrConflict) }

func (s *Carts) expired(c *cart.Cart, now time.Time) bool { return now.After(c.UpdatedAt.Add(s.TTL)) }

// valid reports whether the quote may still be shown. That of a closed cart is history, and that of an empty one is nothing.
func valid(p Projection, now time.Time) bool {
	return p.Cart.Status != cart.Open || bare(&p.Cart) || now.Before(p.Quote.ValidUntil)
}

func bare(c *cart.Cart) bool { return len(c.Lines) == 0 && len(c.Coupons) == 0 }

// Get returns the cart.
func (s *Carts) Get(ctx context.Context, id string) (cartapi.Cart, error) {
	p, items, err := s.view(ctx, id)
	if err != nil {
		return cartapi.Cart{}, err
	}
	return s.answer(p, items), nil
}

// Snapshot returns the cart with its quote, for checkout.
func (s *Carts) Snapshot(ctx context.Context, id string) (cartapi.Snapshot, error) {
	p, items, err := s.view(ctx, id)
	if err != nil {
		return cartapi.Snapshot{}, err
	}
	return cartapi.Snapshot{Cart: s.answer(p, items), Quote: p.Quote, Completed: p.Cart.Status == cart.Completed, MergedFrom: p.Cart.MergedFrom}, nil
}

// Weights returns what pieces of SKUs weigh, in grams, by the last that catalog has told: the replica keeps what has left the catalogue.
func (s *Carts) Weights(ctx context.Context, skus []string) (map[string]int64, error) {
	_, items, err := s.Store.Read(ctx, "", skus)
	grams := map[string]int64{}
	for sku, it := range items {
		if it.Grams > 0 {
			grams[sku] = it.Grams
		}
	}
	return grams, err
}

// view reads the projection, and believes it if the log has the same version. Else, or when the quote has run out, it makes and
// writes a new one.
func (s *Carts) view(ctx context.Context, id string) (Projection, map[string]Item, error) {
	if !idForm.MatchString(id) {
		return Projection{}, nil, cart.ErrNotFound
	}
	now := s.now()
	st, err := s.current(ctx, id)
	if err != nil {
		return Projection{}, nil, err
	}
	version, items, err := s.Store.Read(ctx, id, st.Cart.SKUs())
	if err != nil {
		return Projection{}, nil, err
	}
	if version == 0 {
		return Projection{}, nil, cart.ErrNotFound
	}
	if version != st.Cart.Version && !st.fresh {
		old := st.Projection
		if st, err = s.rebuilt(ctx, id, st.tag); err != nil {
			return Projection{}, nil, err
		}
		if st.Cart.Status == cart.Completed && st.Cart.Version == old.Cart.Version+1 { // the order closed the cart and changed no line
			st.Quote, st.quoted = old.Quote, true
			s.Projections.Put(ctx, st.Projection, st.tag)
		}
		if _, items, err = s.Store.Read(ctx, id, st.Cart.SKUs()); err != nil {
			return Projection{}, nil, err
		}
	}
	if s.expired(&st.Cart, now) {
		return Projection{}, nil, cart.ErrNotFound
	}
	if !st.quoted || !valid(st.Projection, now) {
		if st.Quote, err = s.quote(ctx, &st.Cart, now); err != nil {
			return Projection{}, nil, err
		}
		if !bare(&st.Cart) {
			s.Projections.Put(ctx, st.Projection, st.tag)
		}
	}
	return st.Projection, items, nil
}

// Events returns a page of the log, above a version, and whether there is more.
func (s *Carts) Events(ctx context.Context, id string, above int64, limit int) (page []cartapi.LogEntry, more bool, err error) {
	if !idForm.MatchString(id) {
		return nil, false, cart.ErrNotFound
	}
	c, err := s.Store.Load(ctx, id)
	if err != nil {
		return nil, false, err
	}
	if s.expired(&c, s.now()) {
		return nil, false, cart.ErrNotFound
	}
	page, err = s.Store.Log(ctx, id, above, limit)
	return page, len(page) > 0 && page[len(page)-1].Version < c.Version, err
}

// quote asks pricing. An empty cart costs nothing: nobody is asked.
func (s *Carts) quote(ctx context.Context, c *cart.Cart, now time.Time) (pricingapi.Quote, error) {
	if bare(c) {
		return emptyQuote(c), nil
	}
	req := pricingapi.QuoteRequest{Currency: string(c.Currency), Country: c.Country, Channel: c.Channel, Coupons: c.Coupons, Lines: make([]pricingapi.QuoteLine, len(c.Lines))}
	for i, l := range c.Lines {
		req.Lines[i] = pricingapi.QuoteLine{ID: l.ID, SKU: l.SKU, Quantity: l.Quantity}
	}
	q, err := s.Pricer.Quote(ctx, req)
	if err != nil {
		return q, pricingFault(err)
	}
	if err := check(c, q, now); err != nil {
		return q, ErrPricing.WithCause(err)
	}
	return q, nil
}

// pricingFault keeps what a shopper can do something about. A quote has no effect, so a lost answer is no unknown outcome.
func pricingFault(err error) error {
	f, ok := fault.As(err)
	switch {
	case !ok:
		return fmt.Errorf("quote: %w", err)
	case f.Kind == fault.Unavailable, f.Kind == fault.Timeout, f.Kind == fault.RateLimited, f.Kind == fault.Internal:
		return ErrPricing.WithCause(err)
	case f.Code == "amount-overflow", f.Code == "tax-mode-conflict":
		return fault.New(f.Kind, f.Code, f.Message).WithCause(err)
	}
	return errQuote.WithCause(err)
}

// errQuote stands for a refusal that is our mistake, so that it does not reach the shopper as his.
var errQuote = fault.New(fault.Internal, "internal", "The cart could not be priced.")

// check refuses a quote that is not one of this cart: each line must be priced or named as unsellable, in the cart's currency.
func check(c *cart.Cart, q pricingapi.Quote, now time.Time) error {
	if q.Currency != string(c.Currency) || q.Totals.Total.Currency != c.Currency || q.Totals.Total.IsNegative() {
		return fmt.Errorf("quote %s is in %s, total %s", q.ID, q.Currency, q.Totals.Total)
	}
	if !q.ValidUntil.After(now) {
		return fmt.Errorf("quote %s ran out at %s already", q.ID, q.ValidUntil)
	}
	want := make(map[string]int64, len(c.Lines))
	for _, l := range c.Lines {
		want[l.ID] = l.Quantity
	}
	for _, l := range q.Lines {
		if want[l.ID] != l.Quantity || l.Total.Currency != c.Currency {
			return fmt.Errorf("quote %s: line %s is not the cart's", q.ID, l.ID)
		}
		delete(want, l.ID)
	}
	for _, u := range q.Unsellable {
		delete(want, u.ID)
	}
	if len(want) > 0 {
		return fmt.Errorf("quote %s misses %d lines", q.ID, len(want))
	}
	return nil
}

func emptyQuote(c *cart.Cart) pricingapi.Quote {
	zero := money.Zero(c.Currency)
	return pricingapi.Quote{Currency: string(c.Currency), Lines: []pricingapi.QuotedLine{}, Coupons: []pricingapi.Coupon{}, Promotions: []pricingapi.Promotion{},
		Totals: pricingapi.Totals{Subtotal: zero, Discount: zero, Shipping: zero, Tax: zero, Total: zero}}
}

// answer puts together what the world sees of a cart.
func (s *Carts) answer(p Projection, items map[string]Item) cartapi.Cart {
	c, q := &p.Cart, &p.Quote
	out := cartapi.Cart{
		ID: c.ID, Version: c.Version, Status: string(c.Status), Currency: string(c.Currency), Country: c.Country, Channel: c.Channel, CustomerID: c.CustomerID,
		Lines: make([]cartapi.Line, len(c.Lines)), Coupons: q.Coupons, Promotions: q.Promotions, Totals: q.Totals,
		ExpiresAt: c.UpdatedAt.Add(s.TTL), UpdatedAt: c.UpdatedAt,
	}
	if out.Coupons == nil {
		out.Coupons = []pricingapi.Coupon{}
	}
	if out.Promotions == nil {
		out.Promotions = []pricingapi.Promotion{}
	}
	quoted := make(map[string]*pricingapi.QuotedLine, len(q.Lines))
	for i := range q.Lines {
		quoted[q.Lines[i].ID] = &q.Lines[i]
	}
	for i, l := range c.Lines {
		out.Lines[i] = s.line(c, l, quoted[l.ID], items[l.SKU])
	}
	for _, u := range q.Unsellable {
		for i := range out.Lines {
			if out.Lines[i].ID == u.ID {
				out.Lines[i].Unsellable = u.Reason
			}
		}
	}
	return out
}

func (s *Carts) line(c *cart.Cart, l cart.Line, q *pricingapi.QuotedLine, it Item) cartapi.Line {
	zero := money.Zero(c.Currency)
	out := cartapi.Line{ID: l.ID, SKU: l.SKU, Quantity: l.Quantity, Metadata: l.Metadata, ProductID: it.ProductID, Title: it.Title, ImageURL: it.ImageURL, WeightGrams: it.Grams,
		UnitPrice: zero, Subtotal: zero, Total: zero, Discounts: []pricingapi.Discount{}, Availability: cartapi.Unknown}
	if q != nil {
		out.UnitPrice, out.Subtotal, out.Total = q.UnitPrice, q.Subtotal, q.Total
		if q.Discounts != nil {
			out.Discounts = q.Discounts
		}
	}
	if it.Known && !it.Sellable {
		out.Unsellable = "withdrawn"
	}
	if it.Level != nil {
		out.Availability = availability(*it.Level, l.Quantity)
	}
	return out
}

// availability is what inventory says of a SKU, seen by a line that wants so many.
func availability(l Level, quantity int64) string {
	switch {
	case l.Available <= 0:
		return cartapi.OutOfStock
	case l.Available < quantity:
		return cartapi.LowStock
	case l.InStock >= quantity && l.Status == inventoryapi.StatusLowStock:
		return cartapi.LowStock
	case l.InStock >= quantity:
		return cartapi.InStock
	case l.Status == inventoryapi.StatusPreorder:
		return cartapi.Preorder
	}
	return cartapi.Backorder
}
