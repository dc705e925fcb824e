// Package carttest has what cart's tests share: the other services and the state store as hand-written fakes whose faults a test
// switches on, a clock, and a store in memory that keeps the same contract as the one in Postgres. Tests decide everything here;
// nothing of it runs in production.
package carttest

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
)

// Clock is a time that tests move.
type Clock struct {
	mu sync.Mutex
	t  time.Time
}

// NewClock starts at a fixed time.
func NewClock() *Clock { return &Clock{t: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

// Now returns the time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

// Add moves the time.
func (c *Clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// Shop is pricing and catalog. It implements app.Pricer and app.Catalog.
type Shop struct {
	Clock *Clock

	mu       sync.Mutex
	prices   map[string]int64 // minor units, in any currency
	channels map[string]int64 // likewise, of everything in a channel
	articles map[string]catalogapi.Sellable
	quotes   int
	asked    int
	quoteErr error
	askErr   error
	onQuote  func()
}

// NewShop sells nothing yet.
func NewShop(c *Clock) *Shop {
	return &Shop{Clock: c, prices: map[string]int64{}, channels: map[string]int64{}, articles: map[string]catalogapi.Sellable{}}
}

// Sell gives SKUs a price; catalog knows them as published.
func (s *Shop) Sell(price int64, skus ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sku := range skus {
		s.prices[sku] = price
		s.articles[sku] = catalogapi.Sellable{SKU: sku, ProductID: "p-" + sku, Version: 1, Title: "A " + sku, Sellable: true}
	}
}

// SellIn gives all that is sold another price in a channel.
func (s *Shop) SellIn(channel string, price int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.channels[channel] = price
}

// Unprice takes a SKU's price away.
func (s *Shop) Unprice(sku string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.prices, sku)
}

// Withdraw lets catalog know a SKU that it does not sell.
func (s *Shop) Withdraw(sku string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.articles[sku]
	a.Sellable = false
	s.articles[sku] = a
}

// Fail makes quotes and look-ups fail; nil heals.
func (s *Shop) Fail(quotes, lookups error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.quoteErr, s.askErr = quotes, lookups
}

// OnQuote is called within each quote, before it answers.
func (s *Shop) OnQuote(fn func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onQuote = fn
}

// Calls returns how many quotes and look-ups were answered or failed.
func (s *Shop) Calls() (quotes, lookups int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.quotes, s.asked
}

// Quote prices lines; the coupon TEN takes ten per cent, rounded down, off each line.
func (s *Shop) Quote(_ context.Context, req pricingapi.QuoteRequest) (pricingapi.Quote, error) {
	s.mu.Lock()
	s.quotes++
	hook, err := s.onQuote, s.quoteErr
	s.mu.Unlock()
	if hook != nil {
		hook()
	}
	if err != nil {
		return pricingapi.Quote{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	currency := money.Currency(req.Currency)
	amount := func(n int64) money.Amount { return money.New(n, currency) }
	q := pricingapi.Quote{ID: "q" + strconv.Itoa(s.quotes), Currency: req.Currency, ValidUntil: s.Clock.Now().Add(15 * time.Minute),
		Coupons: []pricingapi.Coupon{}, Promotions: []pricingapi.Promotion{}}
	ten := false
	for _, code := range req.Coupons {
		c := pricingapi.Coupon{Code: code, Status: pricingapi.CouponNotApplicable, Reason: "this code is not known"}
		if code == "TEN" {
			c, ten = pricingapi.Coupon{Code: code, Status: pricingapi.CouponApplied}, true
		}
		q.Coupons = append(q.Coupons, c)
	}
	var subtotal, off int64
	for _, l := range req.Lines {
		price, ok := s.prices[l.SKU]
		if other, in := s.channels[req.Channel]; in && ok {
			price = other
		}
		if !ok {
			q.Unsellable = append(q.Unsellable, pricingapi.Unsellable{ID: l.ID, SKU: l.SKU, Reason: "no-price"})
			continue
		}
		line := pricingapi.QuotedLine{ID: l.ID, SKU: l.SKU, Quantity: l.Quantity, UnitPrice: amount(price), Subtotal: amount(price * l.Quantity),
			Discounts: []pricingapi.Discount{}, Tax: amount(0), Total: amount(price * l.Quantity)}
		subtotal += price * l.Quantity
		if ten {
			d := price * l.Quantity / 10
			line.Discounts = append(line.Discounts, pricingapi.Discount{PromotionID: "TEN", Label: "Ten per cent", Amount: amount(d)})
			line.Total = amount(price*l.Quantity - d)
			off += d
		}
		q.Lines = append(q.Lines, line)
	}
	if ten {
		q.Promotions = append(q.Promotions, pricingapi.Promotion{ID: "TEN", Label: "Ten per cent", Amount: amount(off), Explanation: "10 % off"})
	}
	q.Totals = pricingapi.Totals{Subtotal: amount(subtotal), Discount: amount(off), Shipping: amount(0), Tax: amount(0), Total: amount(subtotal - off)}
	return q, nil
}

// Sellables tells of the SKUs that were sold once.
func (s *Shop) Sellables(_ context.Context, skus []string) (all []catalogapi.Sellable, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	for _, sku := range skus {
		if a, ok := s.articles[sku]; ok {
			all = append(all, a)
		}
	}
	return all, s.askErr
}

// ErrState is what a State with faults answers.
var ErrState = fault.New(fault.Unavailable, "state", "Injected: the state store is away.")

// State is a state store in memory. It implements daprkit.State.
type State struct {
	mu   sync.Mutex
	kept map[string]entry
	etag int
	gets int
	sets int
	// Before, if set, is asked before each call; an error is the answer, and nothing happens.
	before func(ctx context.Context, op, key string) error
}

type entry struct {
	data []byte
	etag string
}

// NewState is empty.
func NewState() *State { return &State{kept: map[string]entry{}} }

// Before sets what is asked before each call ("get", "set", "delete"): an error is the answer. It may block.
func (s *State) Before(fn func(ctx context.Context, op, key string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = fn
}

// Wipe forgets everything.
func (s *State) Wipe() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.kept)
}

// Put plants a value.
func (s *State) Put(key string, data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.etag++
	s.kept[key] = entry{data: data, etag: strconv.Itoa(s.etag)}
}

// Peek returns a value.
func (s *State) Peek(key string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.kept[key].data
}

// Calls returns how many gets and sets came in.
func (s *State) Calls() (gets, sets int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gets, s.sets
}

func (s *State) ask(ctx context.Context, op, key string) error {
	s.mu.Lock()
	fn := s.before
	switch op {
	case "get":
		s.gets++
	case "set":
		s.sets++
	}
	s.mu.Unlock()
	if fn == nil {
		return nil
	}
	return fn(ctx, op, key)
}

// Get implements daprkit.State.
func (s *State) Get(ctx context.Context, key string) ([]byte, string, bool, error) {
	if err := s.ask(ctx, "get", key); err != nil {
		return nil, "", false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.kept[key]
	return e.data, e.etag, ok, nil
}

// Set implements daprkit.State.
func (s *State) Set(ctx context.Context, key string, data []byte, etag *string, _ time.Duration) error {
	if err := s.ask(ctx, "set", key); err != nil {
		return err
	}
	s.mu.Lock()
	if etag != nil && s.kept[key].etag != *etag {
		s.mu.Unlock()
		return daprkit.ErrEtag
	}
	s.mu.Unlock()
	s.Put(key, data)
	return nil
}

// Delete implements daprkit.State.
func (s *State) Delete(ctx context.Context, key string, _ *string) error {
	if err := s.ask(ctx, "delete", key); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.kept, key)
	return nil
}
