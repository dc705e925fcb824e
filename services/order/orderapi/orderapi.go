// Package orderapi is the public contract of order: the command that places one, the order as the world sees it, and the
// events about it.
package orderapi

import (
	"encoding/json"
	"time"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
)

// Topic is where order's events are published. The subject is the order id.
const Topic = "order"

// Event types of Topic.
const (
	TypePlacedV1        = "order.placed.v1"
	TypeAttemptFailedV1 = "order.attempt_failed.v1"
	TypeConfirmedV1     = "order.confirmed.v1"
	TypeCancelledV1     = "order.cancelled.v1"
	TypeAdvancedV1      = "order.advanced.v1"
)

// ActorType is the Dapr actor type of an order; its id is the order id.
const ActorType = "order"

// PathOrders is the root of the internal paths: POST {id}/place and POST {id}/abandon, which both answer a PlaceResult: abandon says
// what the order is, because one that was placed stays as it is.
const PathOrders = "/v1/internal/orders/"

// Address is a postal address. Country is ISO 3166-1 alpha-2.
type Address struct {
	Name       string `json:"name" maxLength:"200"`
	Company    string `json:"company,omitempty" maxLength:"200"`
	Line1      string `json:"line1" maxLength:"200"`
	Line2      string `json:"line2,omitempty" maxLength:"200"`
	City       string `json:"city" maxLength:"100"`
	Region     string `json:"region,omitempty" maxLength:"100"`
	PostalCode string `json:"postal_code" maxLength:"20"`
	Country    string `json:"country" maxLength:"2"`
	Phone      string `json:"phone,omitempty" maxLength:"40"`
}

// ShippingOption is how an order travels and what that costs.
type ShippingOption struct {
	ID        string       `json:"id"`
	Carrier   string       `json:"carrier"`
	Service   string       `json:"service"`
	Label     string       `json:"label"`
	Price     money.Amount `json:"price"`
	ETA       ETA          `json:"eta"`
	Shipments []Parcel     `json:"shipments,omitempty"`
}

// ETA is a span of days, both ends included.
type ETA struct {
	From string `json:"from"` // YYYY-MM-DD
	To   string `json:"to"`
}

// Parcel is what comes from one location.
type Parcel struct {
	LocationID string   `json:"location_id"`
	SKUs       []string `json:"skus"`
}

// PlaceRequest is the whole snapshot of a checkout: order asks nobody for anything else. OrderID was drawn with the checkout;
// Attempt counts up from 1. Repeating a request with the same order and attempt answers its outcome.
type PlaceRequest struct {
	OrderID         string                 `json:"order_id"`
	CheckoutID      string                 `json:"checkout_id"`
	CartID          string                 `json:"cart_id"`
	CartVersion     int64                  `json:"cart_version"`
	Attempt         int                    `json:"attempt"`
	CustomerID      string                 `json:"customer_id,omitempty"`
	Channel         string                 `json:"channel,omitempty"` // of sales; none: the shop without one
	Email           string                 `json:"email"`
	ShippingAddress Address                `json:"shipping_address"`
	BillingAddress  Address                `json:"billing_address"`
	ShippingOption  ShippingOption         `json:"shipping_option"`
	Lines           []PlaceLine            `json:"lines"`
	Promotions      []pricingapi.Promotion `json:"promotions"`
	Totals          pricingapi.Totals      `json:"totals"`
	QuoteID         string                 `json:"quote_id"`
	Note            string                 `json:"note,omitempty"`
	Payment         PaymentInput           `json:"payment"`
}

// PaymentInput is the means of payment, which payment alone understands: one of Nonce and MethodID, gift cards and store credit before it,
// or instead of it.
type PaymentInput struct {
	Nonce      string `json:"payment_method_nonce,omitempty"`
	MethodID   string `json:"payment_method_id,omitempty"`
	DeviceData string `json:"device_data,omitempty"`
	ClientIP   string `json:"client_ip,omitempty"` // of the shopper, for the bank and the rules against fraud

	Provider    string   `json:"payment_provider,omitempty"` // bank_transfer or cash_on_delivery, in place of Nonce and MethodID
	GiftCards   []string `json:"gift_cards,omitempty"`
	StoreCredit bool     `json:"store_credit,omitempty"`
}

// Given tells whether there is a means of payment, and no two that exclude each other.
func (p PaymentInput) Given() bool {
	means := 0
	for _, m := range []string{p.Nonce, p.MethodID, p.Provider} {
		if m != "" {
			means++
		}
	}
	return means == 1 || means == 0 && (len(p.GiftCards) > 0 || p.StoreCredit)
}

// PlaceLine is one line as it was quoted.
type PlaceLine struct {
	ID        string                `json:"id"`
	SKU       string                `json:"sku"`
	ProductID string                `json:"product_id"`
	Title     string                `json:"title"`
	ImageURL  string                `json:"image_url,omitempty"`
	Quantity  int64                 `json:"quantity"`
	Metadata  json.RawMessage       `json:"metadata,omitempty"` // an object, as the shopper's storefront gave it
	UnitPrice money.Amount          `json:"unit_price"`
	Subtotal  money.Amount          `json:"subtotal"`
	Discounts []pricingapi.Discount `json:"discounts"`
	Tax       money.Amount          `json:"tax"`
	TaxRateBP int64                 `json:"tax_rate_bp"`
	Total     money.Amount          `json:"total"`
}

// The outcomes of a placing attempt.
const (
	OutcomePending    = "pending"      // not decided within the wait: ask again
	OutcomePlaced     = "placed"       // stock and money are safe
	OutcomeConfirmed  = "confirmed"    // and captured
	OutcomeDeclined   = "declined"     // the money was refused
	OutcomeOutOfStock = "out_of_stock" // the stock is gone; nothing was kept
	OutcomeFailed     = "failed"       // undone for another reason; a new attempt may succeed
	OutcomeAbandoned  = "abandoned"    // ended with its checkout
)

// PlaceResult is what became of an attempt. Order is set from placed on.
type PlaceResult struct {
	OrderID     string     `json:"order_id"`
	Attempt     int        `json:"attempt"`
	Outcome     string     `json:"outcome"`
	DeclineCode string     `json:"decline_code,omitempty"`
	Retryable   bool       `json:"retryable,omitempty"`
	Message     string     `json:"message,omitempty"`
	Shortages   []Shortage `json:"shortages,omitempty"`
	Order       *Order     `json:"order,omitempty"`
}

// Shortage is a SKU of which less could be had than was ordered.
type Shortage struct {
	SKU       string `json:"sku"`
	Requested int64  `json:"requested"`
	Available int64  `json:"available"`
}

// Order is the one projected view of an order, api.md "Orders".
type Order struct {
	ID                string                 `json:"id"`
	Number            string                 `json:"number"`
	Version           int64                  `json:"version"`
	Status            string                 `json:"status"`
	PaymentStatus     string                 `json:"payment_status"`
	FulfillmentStatus string                 `json:"fulfillment_status"`
	PlacedAt          time.Time              `json:"placed_at"`
	CapturedAt        *time.Time             `json:"captured_at,omitempty"`
	CancelledAt       *time.Time             `json:"cancelled_at,omitempty"`
	Channel           string                 `json:"channel,omitempty"`
	Email             string                 `json:"email"`
	ShippingAddress   Address                `json:"shipping_address"`
	BillingAddress    Address                `json:"billing_address"`
	ShippingOption    ShippingOption         `json:"shipping_option"`
	Lines             []Line                 `json:"lines"`
	Shipments         []Shipment             `json:"shipments"`
	Promotions        []pricingapi.Promotion `json:"promotions"`
	Totals            pricingapi.Totals      `json:"totals"`
	Note              string                 `json:"note,omitempty"`
	Disputes          []Dispute              `json:"disputes,omitempty"` // for staff
	Refunds           []Refund               `json:"refunds"`
	AccessToken       string                 `json:"access_token,omitempty"`
}

// Refund is captured money that staff give back.
type Refund struct {
	ID          string       `json:"id"`
	Amount      money.Amount `json:"amount"`
	Lines       []RefundLine `json:"lines,omitempty"`
	Reason      string       `json:"reason,omitempty"` // for staff
	Status      string       `json:"status" enum:"pending,refunded,refused,superseded"`
	DeclineCode string       `json:"decline_code,omitempty"` // for staff
	RequestedAt time.Time    `json:"requested_at"`
	DoneAt      *time.Time   `json:"done_at,omitempty"`
	Edit        int          `json:"edit,omitempty"`    // the number of the edit that made the order cost less
	Edition     int          `json:"edition,omitempty"` // of pieces: the number of the last edit before, whose lines they are of
}

// RefundLine is a number of pieces of a line.
type RefundLine struct {
	LineID   string `json:"line_id" maxLength:"100"`
	Quantity int64  `json:"quantity" minimum:"1"`
}

// Where a refund stands.
const (
	RefundPending    = "pending" // on its way, perhaps until the payment has settled
	RefundDone       = "refunded"
	RefundRefused    = "refused"    // the gateway would not
	RefundSuperseded = "superseded" // the order was cancelled meanwhile and all of it goes back, or the bank did not pay
)

// Reordered is a new cart of what an order had.
type Reordered struct {
	CartID  string    `json:"cart_id"`
	LeftOut []LeftOut `json:"left_out"`
}

// LeftOut is a line that cannot be bought now.
type LeftOut struct {
	LineID   string `json:"line_id"`
	SKU      string `json:"sku"`
	Title    string `json:"title"`
	Quantity int64  `json:"quantity"`
	Reason   string `json:"reason" enum:"unknown-sku,not-sellable"`
}

// Dispute is what a cardholder disputes of an order's payment.
type Dispute struct {
	ID      string       `json:"id"`
	Status  string       `json:"status"` // open, disputed, under_review, won, lost, accepted, auto_accepted or expired
	Kind    string       `json:"kind"`   // chargeback, pre_arbitration or retrieval
	Reason  string       `json:"reason"`
	Amount  money.Amount `json:"amount"` // disputed
	Won     money.Amount `json:"won"`    // what came back
	ReplyBy string       `json:"reply_by,omitempty" format:"date"`
}

// Open reports whether the dispute is not decided.
func (d Dispute) Open() bool {
	return d.Status == "open" || d.Status == "disputed" || d.Status == "under_review"
}

// Line is one line of an order with where its pieces come from.
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
	Tax          money.Amount          `json:"tax"`
	Total        money.Amount          `json:"total"`
	Fulfillments []Fulfillment         `json:"fulfillments"`
}

// Fulfillment is a part of a line at one location.
type Fulfillment struct {
	ID         string     `json:"id"`
	Status     string     `json:"status"`
	Quantity   int64      `json:"quantity"`
	LocationID string     `json:"location_id"`
	ShipsAt    *time.Time `json:"ships_at,omitempty"`
	ShipmentID string     `json:"shipment_id,omitempty"`
}

// Shipment is a parcel under way; filled by fulfilment events.
type Shipment struct {
	ID             string `json:"id"`
	Carrier        string `json:"carrier"`
	TrackingNumber string `json:"tracking_number"`
	TrackingURL    string `json:"tracking_url"`
	Status         string `json:"status"`
}

// PlacedV1 tells that stock and money of an order are safe.
type PlacedV1 struct {
	Sequence   int64                  `json:"sequence"`
	OrderID    string                 `json:"order_id"`
	Number     string                 `json:"number"`
	CheckoutID string                 `json:"checkout_id"`
	CartID     string                 `json:"cart_id"`
	Attempt    int                    `json:"attempt"`
	CustomerID string                 `json:"customer_id,omitempty"`
	Country    string                 `json:"country"`
	Channel    string                 `json:"channel,omitempty"`
	Lines      []LineV1               `json:"lines"`
	Promotions []pricingapi.Promotion `json:"promotions"`
	Totals     pricingapi.Totals      `json:"totals"`
	PlacedAt   time.Time              `json:"placed_at"`
}

// LineV1 is an order line in events.
type LineV1 struct {
	LineID    string       `json:"line_id"`
	SKU       string       `json:"sku"`
	ProductID string       `json:"product_id"`
	Quantity  int64        `json:"quantity"`
	Total     money.Amount `json:"total"`
}

// ConfirmedV1 tells that the money was captured.
type ConfirmedV1 struct {
	Sequence   int64        `json:"sequence"`
	OrderID    string       `json:"order_id"`
	Number     string       `json:"number"`
	CheckoutID string       `json:"checkout_id"`
	CartID     string       `json:"cart_id"`
	Captured   money.Amount `json:"captured"`
	CapturedAt time.Time    `json:"captured_at"`
}

// AttemptFailedV1 tells that a placing attempt was undone; its checkout is open again.
type AttemptFailedV1 struct {
	Sequence    int64      `json:"sequence"`
	OrderID     string     `json:"order_id"`
	CheckoutID  string     `json:"checkout_id"`
	CartID      string     `json:"cart_id"`
	Attempt     int        `json:"attempt"`
	Outcome     string     `json:"outcome"` // declined, out_of_stock, failed, abandoned
	DeclineCode string     `json:"decline_code,omitempty"`
	Retryable   bool       `json:"retryable,omitempty"`
	Shortages   []Shortage `json:"shortages,omitempty"`
	At          time.Time  `json:"at"`
}

// CancelledV1 tells that an order was cancelled, its stock freed and its money returned.
type CancelledV1 struct {
	Sequence    int64        `json:"sequence"`
	OrderID     string       `json:"order_id"`
	Number      string       `json:"number"`
	CheckoutID  string       `json:"checkout_id"`
	CartID      string       `json:"cart_id"`
	Reason      string       `json:"reason"`
	Returned    money.Amount `json:"returned"` // captured money that went back; zero when only voided
	CancelledAt time.Time    `json:"cancelled_at"`
}

// AdvancedV1 tells that an order came to a state that a merchant's machine adds, or left one, where its file says so.
type AdvancedV1 struct {
	Sequence       int64     `json:"sequence"`
	OrderID        string    `json:"order_id"`
	Number         string    `json:"number"`
	From           string    `json:"from"` // states of the machine
	To             string    `json:"to"`
	Transition     string    `json:"transition"` // the row's name
	MachineVersion int       `json:"machine_version"`
	At             time.Time `json:"at"`
}
