// Package cartapi is the public contract of cart: the cart as everybody sees it, what checkout takes over, and the events.
package cartapi

import (
	"encoding/json"
	"time"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
)

// Topic is where cart's events are published. The subject is the cart id.
const Topic = "cart"

// Event types of Topic.
const TypeAbandonedV1 = "cart.abandoned.v1"

// PathSnapshot is the root of GET {cart id}/snapshot, asked by checkout.
const PathSnapshot = "/v1/internal/carts/"

// PathWeights is where checkout asks what SKUs weighed that catalog does not know any more: POST WeightsRequest, answered with Weights.
const PathWeights = "/v1/internal/weights"

// WeightsRequest asks for SKUs.
type WeightsRequest struct {
	SKUs []string `json:"skus" minItems:"1" maxItems:"1000"`
}

// Weights are what pieces weigh by the last that catalog has told of them. SKUs of which no weight was ever told are left out.
type Weights struct {
	Grams map[string]int64 `json:"grams"`
}

// Cart is api.md "Cart".
type Cart struct {
	ID         string                 `json:"id"`
	Version    int64                  `json:"version"`
	Status     string                 `json:"status" enum:"open,completed,merged" doc:"A closed one, completed by an order or merged into another cart, can only be read"`
	Currency   string                 `json:"currency"`
	Country    string                 `json:"country"`
	Channel    string                 `json:"channel,omitempty" doc:"Where it is sold: price lists and ways to pay may be a channel's"`
	CustomerID string                 `json:"customer_id,omitempty"`
	Lines      []Line                 `json:"lines"`
	Coupons    []pricingapi.Coupon    `json:"coupons"`
	Promotions []pricingapi.Promotion `json:"promotions"`
	Totals     pricingapi.Totals      `json:"totals"`
	ExpiresAt  time.Time              `json:"expires_at"`
	UpdatedAt  time.Time              `json:"updated_at"`
}

// The states of a cart.
const (
	StatusOpen      = "open"
	StatusCompleted = "completed"
	StatusMerged    = "merged"
)

// Line is one line of a cart. Its totals are pricing's.
type Line struct {
	ID           string                `json:"id"`
	SKU          string                `json:"sku"`
	ProductID    string                `json:"product_id"`
	Title        string                `json:"title"`
	ImageURL     string                `json:"image_url,omitempty"`
	Quantity     int64                 `json:"quantity"`
	Metadata     json.RawMessage       `json:"metadata,omitempty"`
	UnitPrice    money.Amount          `json:"unit_price"`
	Subtotal     money.Amount          `json:"subtotal"`
	Discounts    []pricingapi.Discount `json:"discounts"`
	Total        money.Amount          `json:"total"`
	WeightGrams  int64                 `json:"weight_grams,omitempty" doc:"Of one piece; missing: not known"`
	Availability string                `json:"availability" enum:"in_stock,low_stock,backorder,preorder,out_of_stock,unknown"`

	// Unsellable says why the line cannot be bought now: "no-price" and "unknown-sku" (then it is in no total), "withdrawn"
	// (catalog no longer sells it). Empty: it can.
	Unsellable string `json:"unsellable,omitempty"`
}

// CreateInput is POST /v1/carts. What is left out is the shop's default.
type CreateInput struct {
	Currency string `json:"currency,omitempty" doc:"ISO 4217"`
	Country  string `json:"country,omitempty" doc:"ISO 3166-1 alpha-2"`
	Channel  string `json:"channel,omitempty" maxLength:"64" doc:"One of the shop's sales channels; none: the shop without one"`
}

// LineInput adds a SKU, or raises the quantity of its line. Metadata is a JSON object of at most 2 kB; it replaces that of an
// existing line.
type LineInput struct {
	SKU      string          `json:"sku"`
	Quantity int64           `json:"quantity" minimum:"1" doc:"A line takes at most 9999 in all; more is 409 quantity-limit"`
	Metadata json.RawMessage `json:"metadata,omitempty"`
}

// BatchInput adds lines, all or none.
type BatchInput struct {
	Lines []LineInput `json:"lines" minItems:"1" maxItems:"500"`
}

// QuantityInput sets the quantity of a line; 0 removes it.
type QuantityInput struct {
	Quantity int64 `json:"quantity" minimum:"0" doc:"At most 9999; more is 409 quantity-limit"`
}

// CouponInput notes a coupon code.
type CouponInput struct {
	Code string `json:"code"`
}

// MergeInput names the cart whose lines and coupons move into this one.
type MergeInput struct {
	FromCartID string `json:"from_cart_id"`
}

// LogEntry is one event of a cart's append-only log. What Data holds follows from Type: created, lines_added,
// quantity_changed, line_removed, coupon_added, coupon_removed, merged_in, merged_into, merged_ordered, order_placed.
type LogEntry struct {
	Version int64           `json:"version"`
	Type    string          `json:"type"`
	At      time.Time       `json:"at"`
	Data    json.RawMessage `json:"data"`
}

// The states of a line's availability. Low stock also means that less can be had than the line wants; backorder and preorder, that some of
// it ships later.
const (
	InStock    = "in_stock"
	LowStock   = "low_stock"
	Backorder  = "backorder"
	Preorder   = "preorder"
	OutOfStock = "out_of_stock"
	Unknown    = "unknown"
)

// Snapshot is a cart with the quote that its totals come from. A quote with Unsellable lines covers the others only: checkout
// refuses it.
type Snapshot struct {
	Cart      Cart             `json:"cart"`
	Quote     pricingapi.Quote `json:"quote"`
	Completed bool             `json:"completed"`

	// MergedFrom are carts whose lines moved into this one. They are capabilities: whoever asks tells nobody.
	MergedFrom []string `json:"merged_from,omitempty"`
}

// AbandonedV1 tells that a cart with lines was left alone for the abandonment time.
type AbandonedV1 struct {
	Sequence    int64           `json:"sequence"`
	CartID      string          `json:"cart_id"`
	Version     int64           `json:"version"`
	CustomerID  string          `json:"customer_id,omitempty"`
	Currency    string          `json:"currency"`
	Lines       []AbandonedLine `json:"lines"`
	Total       money.Amount    `json:"total"`
	LastTouched time.Time       `json:"last_touched"`
}

// AbandonedLine is a line of an abandoned cart.
type AbandonedLine struct {
	SKU      string `json:"sku"`
	Quantity int64  `json:"quantity"`
}
