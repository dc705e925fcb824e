// Package pricingapi is the public contract of pricing: the quote that cart and checkout ask for, the admin shapes of prices,
// tax rates and coupons, and the events that tell others which prices a SKU has.
//
// Only pricing computes money. Whoever receives a Quote stores it and shows it; nobody adds anything up again.
package pricingapi

import (
	"time"

	"github.com/sidecart/sidecart/pkg/money"
)

// Topic is where pricing's events are published. The subject of a prices event is the SKU.
const Topic = "pricing"

// Event types of Topic.
const TypePricesChangedV1 = "pricing.prices_changed.v1"

// Paths that other services call through their sidecars.
const (
	PathQuote = "/v1/internal/quote"

	// PathTold pages through the prices of all SKUs as they were told last (GET ?after=&limit=, answered by Told), for a service that
	// keeps a replica and missed something.
	PathTold = "/v1/internal/prices"
)

// Totals are the sums of a cart, a checkout or an order. Every amount is in the same currency and not negative.
// Total = Subtotal − Discount + Shipping, and + Tax unless TaxIncluded. PaymentFee is a part of Shipping, and missing when there is none.
type Totals struct {
	Subtotal    money.Amount `json:"subtotal"`
	Discount    money.Amount `json:"discount"`
	Shipping    money.Amount `json:"shipping"`
	Tax         money.Amount `json:"tax"`
	TaxIncluded bool         `json:"tax_included"`
	Total       money.Amount `json:"total"`

	PaymentFee money.Amount `json:"payment_fee,omitzero" doc:"Of shipping: what the way to pay costs"`
}

// Discount is what one promotion takes off one line. Amount is positive and already subtracted in the line's total.
type Discount struct {
	PromotionID string       `json:"promotion_id"`
	Label       string       `json:"label"`
	Amount      money.Amount `json:"amount"`
}

// Promotion is one applied promotion with what it takes off altogether.
type Promotion struct {
	ID          string       `json:"id"`
	Label       string       `json:"label"`
	Amount      money.Amount `json:"amount"`
	Explanation string       `json:"explanation"`
}

// The states of a coupon in a quote.
const (
	CouponApplied       = "applied"
	CouponNotApplicable = "not_applicable"
)

// Why a coupon does not apply.
const (
	ReasonUnknown     = "unknown"
	ReasonNotYet      = "not-yet"
	ReasonExpired     = "expired"
	ReasonUsedUp      = "used-up"
	ReasonCurrency    = "currency"     // not for the currency asked in
	ReasonMinSubtotal = "min-subtotal" // Missing says how much more it takes
	ReasonNothingLeft = "nothing-left" // other promotions have taken everything off
)

// Coupon tells whether a code had an effect, and if not, why: Reason in words, ReasonCode for those who have words of their own.
type Coupon struct {
	Code       string `json:"code"`
	Status     string `json:"status" enum:"applied,not_applicable"`
	Reason     string `json:"reason,omitempty"`
	ReasonCode string `json:"reason_code,omitempty" enum:"unknown,not-yet,expired,used-up,currency,min-subtotal,nothing-left"`

	Least   *money.Amount `json:"least,omitempty" doc:"With min-subtotal: the subtotal from which on it applies"`
	Missing *money.Amount `json:"missing,omitempty" doc:"With min-subtotal: what the subtotal lacks of it"`
}

// QuoteRequest asks for the price of lines in a context. Country is ISO 3166-1 alpha-2; Region is the part after the hyphen
// of ISO 3166-2, or what an address says where it names no code, or empty; capitals make no difference. Shipping options are
// priced by checkout; pricing answers the totals of each.
type QuoteRequest struct {
	Currency        string           `json:"currency"`
	Country         string           `json:"country"`
	Region          string           `json:"region,omitempty"`
	Channel         string           `json:"channel,omitempty"`
	CustomerGroup   string           `json:"customer_group,omitempty"`
	Lines           []QuoteLine      `json:"lines"`
	Coupons         []string         `json:"coupons,omitempty"`
	ShippingOptions []ShippingOption `json:"shipping_options,omitempty"`
	PaymentFee      money.Amount     `json:"payment_fee,omitzero"` // on top of the price of each shipping option, and taxed like it
	Sold            *Sold            `json:"sold,omitempty"`
}

// Sold is what an order that is edited was sold under. Lines with a KeptPrice keep it, whatever lists say now; whether it contains tax is
// TaxIncluded. Coupons apply beside those of the request: they were granted, so that neither their window nor their usage limit is looked at
// again.
type Sold struct {
	TaxIncluded bool     `json:"tax_included"`
	Coupons     []string `json:"coupons,omitempty"`
}

// QuoteLine is what is to be priced. ID is the caller's and comes back unchanged.
type QuoteLine struct {
	ID       string `json:"id"`
	SKU      string `json:"sku"`
	Quantity int64  `json:"quantity"`

	KeptPrice *money.Amount `json:"kept_price,omitempty"` // of a piece, as it was sold; needs Sold
}

// ShippingOption is a shipping price before tax rules are applied; TaxCategory empty means the standard one.
type ShippingOption struct {
	ID          string       `json:"id"`
	Price       money.Amount `json:"price"`
	TaxCategory string       `json:"tax_category,omitempty"`
}

// Quote is the answer: it holds until ValidUntil. A line that cannot be priced stands in Unsellable and not in Lines; then
// Totals cover the other lines only, and the caller decides whether to refuse.
type Quote struct {
	ID         string          `json:"quote_id"`
	Currency   string          `json:"currency"`
	ValidUntil time.Time       `json:"valid_until"`
	Lines      []QuotedLine    `json:"lines"`
	Coupons    []Coupon        `json:"coupons"`
	Promotions []Promotion     `json:"promotions"`
	Totals     Totals          `json:"totals"`
	Shipping   []ShippingTotal `json:"shipping,omitempty"`
	Unsellable []Unsellable    `json:"unsellable,omitempty"`
}

// QuotedLine is a priced line. Total = Subtotal − Σ Discounts; Tax is contained in Total when the totals say TaxIncluded,
// else it comes on top.
type QuotedLine struct {
	ID             string        `json:"id"`
	SKU            string        `json:"sku"`
	Quantity       int64         `json:"quantity"`
	UnitPrice      money.Amount  `json:"unit_price"`
	CompareAtPrice *money.Amount `json:"compare_at_price,omitempty"`
	Subtotal       money.Amount  `json:"subtotal"`
	Discounts      []Discount    `json:"discounts"`
	Tax            money.Amount  `json:"tax"`
	TaxRateBP      int64         `json:"tax_rate_bp"` // basis points: 1900 = 19 %
	Total          money.Amount  `json:"total"`
}

// ShippingTotal is what everything costs with one shipping option.
type ShippingTotal struct {
	OptionID string `json:"option_id"`
	Totals   Totals `json:"totals"`
}

// Unsellable names a line without a price in this context.
type Unsellable struct {
	ID     string `json:"id"`
	SKU    string `json:"sku"`
	Reason string `json:"reason"` // "no-price" or "unknown-sku"
}

// Price is one row of a price list. A nil window end is open. MinQuantity ≥ 1 makes quantity tiers: the highest tier that the
// quantity reaches applies to the whole line.
type Price struct {
	SKU            string        `json:"sku"`
	PriceListID    string        `json:"price_list_id"`
	Amount         money.Amount  `json:"amount"`
	CompareAtPrice *money.Amount `json:"compare_at_price,omitempty"`
	MinQuantity    int64         `json:"min_quantity" minimum:"1" default:"1"`
	ValidFrom      *time.Time    `json:"valid_from,omitempty"`
	ValidTo        *time.Time    `json:"valid_to,omitempty"`
}

// PriceListInput creates or changes a price list. TaxIncluded says whether its amounts contain tax (gross) or not (net).
// Priority decides between lists that match: the higher one wins, then the lower amount.
type PriceListInput struct {
	Name          string     `json:"name"`
	Currency      string     `json:"currency"`
	TaxIncluded   bool       `json:"tax_included"`
	Channel       string     `json:"channel,omitempty"`
	CustomerGroup string     `json:"customer_group,omitempty"`
	Countries     []string   `json:"countries,omitempty" maxItems:"250"` // empty: everywhere
	Priority      int        `json:"priority,omitempty"`
	ValidFrom     *time.Time `json:"valid_from,omitempty"`
	ValidTo       *time.Time `json:"valid_to,omitempty"`
}

// PriceInput is a row for PUT /v1/admin/price-lists/{id}/prices; amounts are in the list's currency.
type PriceInput struct {
	SKU            string        `json:"sku"`
	Amount         money.Amount  `json:"amount"`
	CompareAtPrice *money.Amount `json:"compare_at_price,omitempty"`
	MinQuantity    int64         `json:"min_quantity,omitempty" minimum:"1" default:"1"`
	ValidFrom      *time.Time    `json:"valid_from,omitempty"`
	ValidTo        *time.Time    `json:"valid_to,omitempty"`
}

// PricesInput replaces, in one transaction, all rows of each SKU that it names in one list. At most 1,000 rows.
type PricesInput struct {
	Prices []PriceInput `json:"prices" minItems:"1" maxItems:"1000"`
}

// TaxRateInput sets the rate of a tax category in a country and, if given, a region. RateBP in basis points.
type TaxRateInput struct {
	Country     string `json:"country"`
	Region      string `json:"region,omitempty"`
	TaxCategory string `json:"tax_category"` // "standard", "reduced", "zero", …
	RateBP      int64  `json:"rate_bp" minimum:"0" maximum:"10000"`
	Rounding    string `json:"rounding,omitempty" enum:"half-up,half-even" default:"half-up"`
}

// CouponInput creates or changes a coupon, PUT /v1/admin/coupons/{code}: kind percentage uses PercentBP (1500 = 15 %), kind fixed uses Amounts per currency.
type CouponInput struct {
	Label      string         `json:"label,omitempty"`
	Kind       string         `json:"kind" enum:"percentage,fixed"`
	PercentBP  int64          `json:"percent_bp,omitempty" minimum:"0" maximum:"10000"`
	Amounts    []money.Amount `json:"amounts,omitempty"`
	MinTotals  []money.Amount `json:"min_totals,omitempty"` // least subtotal per currency
	ValidFrom  *time.Time     `json:"valid_from,omitempty"`
	ValidTo    *time.Time     `json:"valid_to,omitempty"`
	UsageLimit int64          `json:"usage_limit,omitempty"` // 0: none
	Enabled    bool           `json:"enabled"`
}

// Told answers PathTold in the order of SKUs: of each what its last event said, or what has become of it since. Next is the after of the
// next page; empty: there is none.
type Told struct {
	Items []PricesChangedV1 `json:"items"`
	Next  string            `json:"next,omitempty"`
}

// PricesChangedV1 carries every row of a SKU with its windows, so that readers pick by the clock: a price that starts
// tonight needs no event tonight. TaxIncluded per row is the list's.
type PricesChangedV1 struct {
	Sequence int64         `json:"sequence"`
	SKU      string        `json:"sku"`
	Prices   []ListPriceV1 `json:"prices"`
}

// ListPriceV1 is one row with what of its list decides where it applies.
type ListPriceV1 struct {
	PriceListID    string        `json:"price_list_id"`
	Amount         money.Amount  `json:"amount"`
	CompareAtPrice *money.Amount `json:"compare_at_price,omitempty"`
	MinQuantity    int64         `json:"min_quantity"`
	TaxIncluded    bool          `json:"tax_included"`
	Channel        string        `json:"channel,omitempty"`
	CustomerGroup  string        `json:"customer_group,omitempty"`
	Countries      []string      `json:"countries,omitempty"`
	Priority       int           `json:"priority,omitempty"`
	ValidFrom      *time.Time    `json:"valid_from,omitempty"`
	ValidTo        *time.Time    `json:"valid_to,omitempty"`
}
