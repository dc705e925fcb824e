package app

import (
	"context"
	"fmt"
	"regexp"
	"time"
	"unicode/utf8"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/pricing/internal/pricing"
)

// MaxRows is how many price rows one change may carry.
const MaxRows = 1000

const maxPriority = 1_000_000

// PriceRow is one price as staff write it.
type PriceRow struct {
	SKU         string
	Amount      money.Amount
	CompareAt   *money.Amount
	MinQuantity int64
	Window      pricing.Window
}

// ErrListNotFound says that no price list has this id.
var ErrListNotFound = fault.New(fault.NotFound, "price-list-not-found", "There is no such price list.")

// ErrCouponNotFound says that no coupon has this code.
var ErrCouponNotFound = fault.New(fault.NotFound, "coupon-not-found", "There is no such coupon.")

// Store keeps lists, prices, rates and coupons. Each write is one transaction with its audit entry and its events.
type Store interface {
	// PutList creates or changes a list; pricing.ErrTaxMode when it overlaps one of the other tax mode.
	PutList(ctx context.Context, by Change, l pricing.List) error
	// PutPrices replaces all rows of the SKUs named in a list; ErrListNotFound.
	PutPrices(ctx context.Context, by Change, listID string, rows []PriceRow) error
	PutTaxRates(ctx context.Context, by Change, rates []pricing.TaxRate) error
	PutCoupon(ctx context.Context, by Change, c pricing.Coupon) error
}

// Change is who changes something, and when.
type Change struct {
	Actor string
	At    time.Time
}

// Staff is what staff may change. Every method reports all faults of its input at once.
type Staff struct {
	Store Store
	Now   func() time.Time
}

var (
	idForm      = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)
	skuForm     = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
	codeForm    = regexp.MustCompile(`^[A-Z0-9][A-Z0-9_-]{0,39}$`)
	countryForm = regexp.MustCompile(`^[A-Z]{2}$`)
)

func (s *Staff) change(actor string) Change {
	return Change{Actor: actor, At: s.Now().UTC().Truncate(time.Microsecond)}
}

// PutList creates or changes a price list.
func (s *Staff) PutList(ctx context.Context, actor string, l pricing.List) error {
	var c fault.Collector
	c.Check(idForm.MatchString(l.ID), "path.id", "must be lower-case letters, digits, . _ or -", l.ID)
	c.Check(l.Name != "" && len(l.Name) <= 200, "body.name", "must have 1 to 200 bytes", l.Name)
	c.Check(l.Currency.Valid(), "body.currency", "must be an ISO 4217 code", string(l.Currency))
	for i, country := range l.Countries {
		c.Check(countryForm.MatchString(country), fmt.Sprintf("body.countries[%d]", i), "must be an ISO 3166-1 alpha-2 code", country)
	}
	c.Check(len(l.Channel) <= maxPlace, "body.channel", fmt.Sprintf("must have at most %d bytes", maxPlace), nil)
	c.Check(len(l.Group) <= maxPlace, "body.customer_group", fmt.Sprintf("must have at most %d bytes", maxPlace), nil)
	c.Check(l.Priority >= -maxPriority && l.Priority <= maxPriority, "body.priority", fmt.Sprintf("must be from -%d to %[1]d", maxPriority), l.Priority)
	checkWindow(&c, "body", l.Window)
	if err := c.Err(); err != nil {
		return err
	}
	return s.Store.PutList(ctx, s.change(actor), l)
}

// PutPrices replaces all rows of each SKU named, in one list.
func (s *Staff) PutPrices(ctx context.Context, actor, listID string, rows []PriceRow) error {
	var c fault.Collector
	c.Check(len(rows) >= 1 && len(rows) <= MaxRows, "body.prices", fmt.Sprintf("must have 1 to %d entries", MaxRows), len(rows))
	type key struct {
		sku  string
		tier int64
		from time.Time
	}
	seen := make(map[key]bool, len(rows))
	for i, r := range rows {
		at := fmt.Sprintf("body.prices[%d]", i)
		c.Check(skuForm.MatchString(r.SKU), at+".sku", "must be 1 to 64 letters, digits, . _ or -", r.SKU)
		c.Check(!r.Amount.IsNegative(), at+".amount", "must not be negative", r.Amount.Minor)
		if r.CompareAt != nil {
			c.Check(!r.CompareAt.IsNegative() && r.CompareAt.Currency == r.Amount.Currency, at+".compare_at_price",
				"must not be negative and in the currency of the amount", r.CompareAt.String())
		}
		c.Check(r.MinQuantity >= 1 && r.MinQuantity <= MaxQuantity, at+".min_quantity", fmt.Sprintf("must be from 1 to %d", MaxQuantity), r.MinQuantity)
		checkWindow(&c, at, r.Window)
		k := key{r.SKU, r.MinQuantity, r.Window.From.UTC()}
		c.Check(!seen[k], at, "stands twice: same SKU, tier and start", r.SKU)
		seen[k] = true
	}
	if err := c.Err(); err != nil {
		return err
	}
	return s.Store.PutPrices(ctx, s.change(actor), listID, rows)
}

// PutTaxRates sets rates; those not named stay.
func (s *Staff) PutTaxRates(ctx context.Context, actor string, rates []pricing.TaxRate) error {
	var c fault.Collector
	c.Check(len(rates) >= 1 && len(rates) <= MaxRows, "body.tax_rates", fmt.Sprintf("must have 1 to %d entries", MaxRows), len(rates))
	seen := make(map[pricing.TaxKey]bool, len(rates))
	for i := range rates {
		r, at := &rates[i], fmt.Sprintf("body.tax_rates[%d]", i)
		r.Region = pricing.NormalRegion(r.Region)
		key := pricing.TaxKey{Country: r.Country, Region: r.Region, Category: r.Category}
		c.Check(!seen[key], at, "stands twice: same place and category", r.Category)
		seen[key] = true
		c.Check(countryForm.MatchString(r.Country), at+".country", "must be an ISO 3166-1 alpha-2 code", r.Country)
		c.Check(utf8.RuneCountInString(r.Region) <= maxRegion, at+".region", fmt.Sprintf("must have at most %d characters", maxRegion), nil)
		c.Check(idForm.MatchString(r.Category), at+".tax_category", "must be lower-case letters, digits, . _ or -", r.Category)
		c.Check(r.BasisPoints >= 0 && r.BasisPoints <= 10_000, at+".rate_bp", "must be from 0 to 10000", r.BasisPoints)
	}
	if err := c.Err(); err != nil {
		return err
	}
	return s.Store.PutTaxRates(ctx, s.change(actor), rates)
}

// PutCoupon creates or changes a coupon. How often it was used stays as it is.
func (s *Staff) PutCoupon(ctx context.Context, actor string, p pricing.Coupon) error {
	p.Code = pricing.NormalCode(p.Code)
	var c fault.Collector
	c.Check(codeForm.MatchString(p.Code), "path.code", "must be 1 to 40 letters, digits, _ or -", p.Code)
	c.Check(len(p.Label) <= 200, "body.label", "must have at most 200 bytes", nil)
	switch p.Kind {
	case pricing.Percentage:
		c.Check(p.BasisPoints >= 1 && p.BasisPoints <= 10_000, "body.percent_bp", "must be from 1 to 10000", p.BasisPoints)
		c.Check(len(p.Amounts) == 0, "body.amounts", "belongs to the kind fixed", nil)
	case pricing.Fixed:
		c.Check(len(p.Amounts) > 0, "body.amounts", "must name an amount per currency", nil)
		c.Check(p.BasisPoints == 0, "body.percent_bp", "belongs to the kind percentage", p.BasisPoints)
	default:
		c.Add("body.kind", "must be percentage or fixed", p.Kind)
	}
	checkAmounts(&c, "body.amounts", p.Amounts)
	checkAmounts(&c, "body.min_totals", p.MinSubtotal)
	c.Check(p.UsageLimit >= 0, "body.usage_limit", "must not be negative", p.UsageLimit)
	checkWindow(&c, "body", p.Window)
	if err := c.Err(); err != nil {
		return err
	}
	return s.Store.PutCoupon(ctx, s.change(actor), p)
}

func checkAmounts(c *fault.Collector, place string, as []money.Amount) {
	seen := map[money.Currency]bool{}
	for i, a := range as {
		at := fmt.Sprintf("%s[%d]", place, i)
		c.Check(a.IsPositive(), at+".amount", "must be above zero", a.Minor)
		c.Check(!seen[a.Currency], at+".currency", "stands twice", string(a.Currency))
		seen[a.Currency] = true
	}
}

// checkWindow also refuses what is no year in UTC: no JSON could tell of it.
func checkWindow(c *fault.Collector, place string, w pricing.Window) {
	const years = "must be in the years 1 to 9999, UTC"
	c.Check(inYears(w.From), place+".valid_from", years, nil)
	c.Check(inYears(w.To), place+".valid_to", years, nil)
	if !w.From.IsZero() && !w.To.IsZero() {
		c.Check(w.From.Before(w.To), place+".valid_to", "must be after valid_from", w.To)
	}
}

func inYears(t time.Time) bool { return t.UTC().Year() >= 1 && t.UTC().Year() <= 9999 }
