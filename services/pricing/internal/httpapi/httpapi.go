// Package httpapi is pricing's HTTP edge: the quote for other services, and what staff change. It maps wire forms to values
// and back; statuses follow from the faults.
package httpapi

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sidecart/sidecart/pkg/auth"
	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/pricing/internal/app"
	"github.com/sidecart/sidecart/services/pricing/internal/pricing"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
)

// The scopes of staff.
const (
	ScopeRead  = "pricing:read"
	ScopeWrite = "pricing:write"
)

// Reader is what staff may look at, and other services ask for.
type Reader interface {
	Lists(ctx context.Context) ([]pricing.List, error)
	// Prices returns the rows of a SKU by list id.
	Prices(ctx context.Context, sku string) (map[string][]app.PriceRow, error)
	TaxRates(ctx context.Context) ([]pricing.TaxRate, error)
	// Coupon returns app.ErrCouponNotFound for an unknown code.
	Coupon(ctx context.Context, code string) (pricing.Coupon, error)
	Told(ctx context.Context, after string, limit int) (pricingapi.Told, error)
}

type api struct {
	quoter *app.Quoter
	staff  *app.Staff
	read   Reader
}

// Register adds all routes.
func Register(s *httpx.Server, quoter *app.Quoter, staff *app.Staff, read Reader) {
	a := &api{quoter: quoter, staff: staff, read: read}
	httpx.Register(s, huma.Operation{Method: http.MethodPost, Path: pricingapi.PathQuote, Tags: []string{"internal"},
		Summary: "Price lines in a context", OperationID: "quote"}, a.quote,
		httpx.Callers("cart", "checkout"), httpx.Timeout(2*time.Second))
	httpx.Register(s, huma.Operation{Method: http.MethodGet, Path: pricingapi.PathTold, Tags: []string{"internal"},
		Summary: "The prices of all SKUs as they were told last", OperationID: "told-prices"}, a.told,
		httpx.Callers("search"), httpx.Timeout(10*time.Second))
	write := func(path, id, summary string) huma.Operation {
		return huma.Operation{Method: http.MethodPut, Path: path, OperationID: id, Summary: summary, Tags: []string{"staff"},
			Security: httpx.Scope(ScopeWrite), DefaultStatus: http.StatusNoContent}
	}
	get := func(path, id, summary string) huma.Operation {
		return huma.Operation{Method: http.MethodGet, Path: path, OperationID: id, Summary: summary, Tags: []string{"staff"}, Security: httpx.Scope(ScopeRead)}
	}
	httpx.Register(s, write("/v1/admin/price-lists/{id}", "put-price-list", "Create or change a price list"), a.putList)
	httpx.Register(s, get("/v1/admin/price-lists", "list-price-lists", "All price lists"), a.lists)
	httpx.Register(s, write("/v1/admin/price-lists/{id}/prices", "put-prices", "Replace all prices of the SKUs named, in one list"), a.putPrices)
	httpx.Register(s, get("/v1/admin/prices", "get-prices", "All prices of a SKU"), a.prices)
	httpx.Register(s, write("/v1/admin/tax-rates", "put-tax-rates", "Set tax rates; those not named stay"), a.putTaxRates)
	httpx.Register(s, get("/v1/admin/tax-rates", "list-tax-rates", "All tax rates"), a.taxRates)
	httpx.Register(s, write("/v1/admin/coupons/{code}", "put-coupon", "Create or change a coupon"), a.putCoupon)
	httpx.Register(s, get("/v1/admin/coupons/{code}", "get-coupon", "A coupon with its use"), a.coupon)
}

func (a *api) quote(ctx context.Context, in *httpx.Body[pricingapi.QuoteRequest]) (*httpx.Body[pricingapi.Quote], error) {
	var granted []string
	if in.Body.Sold != nil {
		granted = in.Body.Sold.Coupons
	} else if i := slices.IndexFunc(in.Body.Lines, func(l pricingapi.QuoteLine) bool { return l.KeptPrice != nil }); i >= 0 {
		return nil, fault.New(fault.Invalid, "validation-failed", "body.sold: must be given with kept prices").WithField("body.sold", "must be given with kept prices", nil)
	}
	q, err := a.quoter.Quote(ctx, quoteRequest(in.Body), granted...)
	if err != nil {
		return nil, err
	}
	out, err := quoteAnswer(q, in.Body.Currency)
	return &httpx.Body[pricingapi.Quote]{Body: out}, err
}

type toldInput struct {
	After string `query:"after" maxLength:"64" doc:"The last SKU of the page before"`
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"500"`
}

func (a *api) told(ctx context.Context, in *toldInput) (*httpx.Body[pricingapi.Told], error) {
	out, err := a.read.Told(ctx, in.After, in.Limit)
	return &httpx.Body[pricingapi.Told]{Body: out}, err
}

type putListInput struct {
	ID   string `path:"id" maxLength:"64"`
	Body pricingapi.PriceListInput
}

func (a *api) putList(ctx context.Context, in *putListInput) (*struct{}, error) {
	b := in.Body
	return nil, a.staff.PutList(ctx, auth.Actor(ctx), pricing.List{ID: in.ID, Name: b.Name, Currency: money.Currency(b.Currency),
		TaxIncluded: b.TaxIncluded, Channel: b.Channel, Group: b.CustomerGroup, Countries: b.Countries, Priority: b.Priority,
		Window: window(b.ValidFrom, b.ValidTo)})
}

// PriceList is a list as staff see it.
type PriceList struct {
	ID string `json:"id"`
	pricingapi.PriceListInput
}

func (a *api) lists(ctx context.Context, _ *struct{}) (*httpx.List[PriceList], error) {
	lists, err := a.read.Lists(ctx)
	if err != nil {
		return nil, err
	}
	var all []PriceList
	for _, l := range lists {
		p := PriceList{ID: l.ID}
		p.Name, p.Currency, p.TaxIncluded, p.Channel, p.CustomerGroup = l.Name, string(l.Currency), l.TaxIncluded, l.Channel, l.Group
		p.Countries, p.Priority = l.Countries, l.Priority
		p.ValidFrom, p.ValidTo = bounds(l.Window)
		all = append(all, p)
	}
	return httpx.ListOf(all), nil
}

type putPricesInput struct {
	ID   string `path:"id" maxLength:"64"`
	Body pricingapi.PricesInput
}

func (a *api) putPrices(ctx context.Context, in *putPricesInput) (*struct{}, error) {
	rows := make([]app.PriceRow, len(in.Body.Prices))
	for i, p := range in.Body.Prices {
		rows[i] = app.PriceRow{SKU: p.SKU, Amount: p.Amount, CompareAt: p.CompareAtPrice, MinQuantity: p.MinQuantity, Window: window(p.ValidFrom, p.ValidTo)}
	}
	return nil, a.staff.PutPrices(ctx, auth.Actor(ctx), in.ID, rows)
}

type pricesInput struct {
	SKU string `query:"sku" required:"true" minLength:"1" maxLength:"64"`
}

func (a *api) prices(ctx context.Context, in *pricesInput) (*httpx.List[pricingapi.Price], error) {
	byList, err := a.read.Prices(ctx, in.SKU)
	if err != nil {
		return nil, err
	}
	return httpx.ListOf(flatten(byList)), nil
}

type taxRates struct {
	TaxRates []pricingapi.TaxRateInput `json:"tax_rates" minItems:"1" maxItems:"1000"`
}

func (a *api) putTaxRates(ctx context.Context, in *httpx.Body[taxRates]) (*struct{}, error) {
	rates := make([]pricing.TaxRate, len(in.Body.TaxRates))
	for i, r := range in.Body.TaxRates {
		rounding, err := money.ParseRounding(r.Rounding)
		if err != nil {
			return nil, err // the schema lets only known names through
		}
		rates[i] = pricing.TaxRate{Country: r.Country, Region: r.Region, Category: r.TaxCategory, BasisPoints: r.RateBP, Rounding: rounding}
	}
	return nil, a.staff.PutTaxRates(ctx, auth.Actor(ctx), rates)
}

func (a *api) taxRates(ctx context.Context, _ *struct{}) (*httpx.List[pricingapi.TaxRateInput], error) {
	rates, err := a.read.TaxRates(ctx)
	if err != nil {
		return nil, err
	}
	var all []pricingapi.TaxRateInput
	for _, r := range rates {
		all = append(all, pricingapi.TaxRateInput{Country: r.Country, Region: r.Region, TaxCategory: r.Category, RateBP: r.BasisPoints, Rounding: r.Rounding.String()})
	}
	return httpx.ListOf(all), nil
}

type putCouponInput struct {
	Code string `path:"code" maxLength:"40"`
	Body pricingapi.CouponInput
}

func (a *api) putCoupon(ctx context.Context, in *putCouponInput) (*struct{}, error) {
	b := in.Body
	return nil, a.staff.PutCoupon(ctx, auth.Actor(ctx), pricing.Coupon{Code: in.Code, Label: b.Label, Kind: b.Kind, BasisPoints: b.PercentBP,
		Amounts: b.Amounts, MinSubtotal: b.MinTotals, Window: window(b.ValidFrom, b.ValidTo), UsageLimit: b.UsageLimit, Enabled: b.Enabled})
}

// CouponView is a coupon as staff see it.
type CouponView struct {
	Code string `json:"code"`
	pricingapi.CouponInput
	Used int64 `json:"used"`
}

type couponInput struct {
	Code string `path:"code" maxLength:"40"`
}

func (a *api) coupon(ctx context.Context, in *couponInput) (*httpx.Body[CouponView], error) {
	c, err := a.read.Coupon(ctx, pricing.NormalCode(in.Code))
	if err != nil {
		return nil, err
	}
	out := &httpx.Body[CouponView]{Body: CouponView{Code: c.Code, Used: c.Used}}
	out.Body.Label, out.Body.Kind, out.Body.PercentBP, out.Body.Amounts = c.Label, c.Kind, c.BasisPoints, c.Amounts
	out.Body.MinTotals, out.Body.UsageLimit, out.Body.Enabled = c.MinSubtotal, c.UsageLimit, c.Enabled
	out.Body.ValidFrom, out.Body.ValidTo = bounds(c.Window)
	return out, nil
}
