// Package app holds the use cases of pricing: answer a quote, let staff change lists, rates and coupons, follow catalog and
// order. It owns the ports; what may go wrong is a fault with all places named.
package app

import (
	"context"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/pricing/internal/pricing"
)

// The limits of one quote.
const (
	MaxLines    = 500
	MaxQuantity = 1_000_000
	MaxCodes    = 10
	MaxShipping = 20
	maxPlace    = 64  // bytes of a channel or group
	maxRegion   = 100 // characters of a region: as many as an address takes
)

// Ask names what a quote needs.
type Ask struct {
	Currency money.Currency
	SKUs     []string
	Codes    []string // normal form
}

// Loaded is what a Loader found. TaxCategory holds the SKUs that catalog has told of.
type Loaded struct {
	Book        pricing.Book
	TaxCategory map[string]string
	Coupons     pricing.Coupons
}

// Loader loads everything for one quote in one statement.
type Loader interface {
	Load(ctx context.Context, ask Ask) (*Loaded, error)
}

// Quoter answers quotes.
type Quoter struct {
	Loader Loader
	Now    func() time.Time
}

// Quote answers a request whose lines carry id, SKU and quantity, and the price of what was sold before. Of granted codes, which are
// among the request's, neither window nor usage limit counts. Faults: validation-failed with all places at once,
// amount-overflow, tax-mode-conflict; what the loader says.
func (q *Quoter) Quote(ctx context.Context, req pricing.Request, granted ...string) (*pricing.Quote, error) {
	if err := check(req); err != nil {
		return nil, err
	}
	ask := Ask{Currency: req.Context.Currency}
	for _, l := range req.Lines {
		ask.SKUs = append(ask.SKUs, l.SKU)
	}
	for _, c := range req.Codes {
		ask.Codes = append(ask.Codes, pricing.NormalCode(c))
	}
	loaded, err := q.Loader.Load(ctx, ask)
	if err != nil {
		return nil, fmt.Errorf("load prices: %w", err)
	}
	for _, code := range granted {
		if c, ok := loaded.Coupons[pricing.NormalCode(code)]; ok {
			c.Enabled, c.Window, c.UsageLimit = true, pricing.Window{}, 0
			loaded.Coupons[c.Code] = c
		}
	}
	for i := range req.Lines {
		l := &req.Lines[i]
		l.TaxCategory, l.Known = loaded.TaxCategory[l.SKU]
	}
	req.Context.Now = q.Now()
	return pricing.Compute(req, &loaded.Book, loaded.Coupons)
}

func check(req pricing.Request) error {
	var c fault.Collector
	c.Check(req.Context.Currency.Valid(), "body.currency", "must be an ISO 4217 code", string(req.Context.Currency))
	c.Check(countryForm.MatchString(req.Context.Country), "body.country", "must be an ISO 3166-1 alpha-2 code", req.Context.Country)
	c.Check(utf8.RuneCountInString(req.Context.Region) <= maxRegion, "body.region", fmt.Sprintf("must have at most %d characters", maxRegion), nil)
	for place, s := range map[string]string{"channel": req.Context.Channel, "customer_group": req.Context.Group} {
		c.Check(len(s) <= maxPlace, "body."+place, fmt.Sprintf("must have at most %d bytes", maxPlace), nil)
	}
	c.Check(len(req.Lines) <= MaxLines, "body.lines", fmt.Sprintf("must have at most %d entries", MaxLines), len(req.Lines))
	c.Check(len(req.Codes) <= MaxCodes, "body.coupons", fmt.Sprintf("must have at most %d entries", MaxCodes), len(req.Codes))
	c.Check(len(req.Shipping) <= MaxShipping, "body.shipping_options", fmt.Sprintf("must have at most %d entries", MaxShipping), len(req.Shipping))
	fee := req.Fee
	c.Check(fee == (money.Amount{}) || !fee.IsNegative() && fee.Currency == req.Context.Currency, "body.payment_fee", "must not be negative and in the currency of the quote", fee.String())
	if err := c.Err(); err != nil {
		return err // not walking a list that is too long
	}
	ids := make(map[string]bool, len(req.Lines))
	for i, l := range req.Lines {
		at := fmt.Sprintf("body.lines[%d]", i)
		c.Check(l.ID != "" && !ids[l.ID], at+".id", "must be given and unique", l.ID)
		c.Check(l.SKU != "" && len(l.SKU) <= 64, at+".sku", "must have 1 to 64 characters", l.SKU)
		c.Check(l.Quantity >= 1 && l.Quantity <= MaxQuantity, at+".quantity", fmt.Sprintf("must be from 1 to %d", MaxQuantity), l.Quantity)
		c.Check(l.Kept == nil || !l.Kept.IsNegative() && l.Kept.Currency == req.Context.Currency, at+".kept_price", "must not be negative and in the currency of the quote", nil)
		ids[l.ID] = true
	}
	for i, s := range req.Shipping {
		at := fmt.Sprintf("body.shipping_options[%d]", i)
		c.Check(s.ID != "", at+".id", "must be given", s.ID)
		c.Check(!s.Price.IsNegative() && s.Price.Currency == req.Context.Currency, at+".price",
			"must not be negative and in the currency of the quote", s.Price.String())
	}
	return c.Err()
}
