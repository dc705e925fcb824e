// Package checkoutapi is the public contract of checkout: the session between a cart and an order.
package checkoutapi

import (
	"encoding/json"
	"time"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/order/orderapi"
	"github.com/sidecart/sidecart/services/payment/paymentapi"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
)

// Topic is where checkout's events are published. The subject is the checkout id.
const Topic = "checkout"

// Event types of Topic.
const (
	TypeAbandonedV1 = "checkout.abandoned.v1"
	TypeResumedV1   = "checkout.resumed.v1"
	TypeExpiredV1   = "checkout.expired.v1"
)

// The states of a checkout.
const (
	StatusOpen       = "open"
	StatusCompleting = "completing"
	StatusCompleted  = "completed"
	StatusExpired    = "expired"
	StatusCancelled  = "cancelled"
)

// Checkout is api.md "Checkout". Order appears once completed: the checkout id is the same capability.
type Checkout struct {
	ID              string                   `json:"id"`
	Version         int64                    `json:"version"`
	Status          string                   `json:"status" enum:"open,completing,completed,expired,cancelled"`
	CartID          string                   `json:"cart_id"`
	CartVersion     int64                    `json:"cart_version"`
	Currency        string                   `json:"currency"`
	Channel         string                   `json:"channel,omitempty" doc:"The cart's"`
	Email           string                   `json:"email,omitempty"`
	ShippingAddress *orderapi.Address        `json:"shipping_address"`
	BillingAddress  *orderapi.Address        `json:"billing_address"`
	ShippingOption  *orderapi.ShippingOption `json:"shipping_option"`
	PaymentProvider string                   `json:"payment_provider,omitempty" doc:"That was chosen at payment-session; what it costs is totals.payment_fee"`
	Note            string                   `json:"note,omitempty"`
	Lines           []CheckoutLine           `json:"lines"`
	Coupons         []pricingapi.Coupon      `json:"coupons"`
	Promotions      []pricingapi.Promotion   `json:"promotions"`
	Totals          pricingapi.Totals        `json:"totals"`
	Hold            Hold                     `json:"hold"`
	Warnings        []Warning                `json:"warnings,omitempty" doc:"Why the stock could not be held again; missing: it is held, or nobody asked"`
	FailedAttempt   *FailedAttempt           `json:"failed_attempt,omitempty" doc:"Why the last attempt to place the order failed, until another one begins"`
	Order           *OrderRef                `json:"order,omitempty"`
	ExpiresAt       time.Time                `json:"expires_at"`
	CreatedAt       time.Time                `json:"created_at"`
	UpdatedAt       time.Time                `json:"updated_at"`
}

// CheckoutLine is one line of a checkout as it was quoted.
type CheckoutLine struct {
	ID        string                `json:"id"`
	SKU       string                `json:"sku"`
	ProductID string                `json:"product_id"`
	Title     string                `json:"title"`
	ImageURL  string                `json:"image_url,omitempty"`
	Quantity  int64                 `json:"quantity"`
	Metadata  json.RawMessage       `json:"metadata,omitempty"` // as the cart has it
	UnitPrice money.Amount          `json:"unit_price"`
	Subtotal  money.Amount          `json:"subtotal"`
	Discounts []pricingapi.Discount `json:"discounts"`
	Tax       money.Amount          `json:"tax"`
	TaxRateBP int64                 `json:"tax_rate_bp"`
	Total     money.Amount          `json:"total"`
}

// Hold is the state of the soft holds of all lines.
type Hold struct {
	Status    string    `json:"status" enum:"held,expired,released"`
	ExpiresAt time.Time `json:"expires_at"`
}

// The types of a Warning.
const (
	WarningOutOfStock    = "out-of-stock"   // less can be had than was asked for
	WarningQuantityLimit = "quantity-limit" // one customer may have less
)

// Warning says what stands in the way of an open checkout whose hold ran out: what of a SKU was requested, and what could be had.
type Warning struct {
	Type      string `json:"type" enum:"out-of-stock,quantity-limit"`
	SKU       string `json:"sku"`
	Requested int64  `json:"requested"`
	Available int64  `json:"available"`
}

// FailedAttempt says why an attempt to place the order failed, for those who did not hear the answer to complete.
type FailedAttempt struct {
	Outcome     string `json:"outcome" enum:"declined,out_of_stock,failed"`
	DeclineCode string `json:"decline_code,omitempty" doc:"As in payment-declined"`
	Retryable   bool   `json:"retryable,omitempty"`
}

// OrderRef leads to the order.
type OrderRef struct {
	ID          string `json:"id"`
	Number      string `json:"number"`
	AccessToken string `json:"access_token"`
}

// DeliveryInput asks for the ways to a country, before there is a checkout.
type DeliveryInput struct {
	Country  string `query:"country" required:"true" pattern:"^[A-Z]{2}$" doc:"ISO 3166-1 alpha-2"`
	Currency string `query:"currency" required:"true" pattern:"^[A-Z]{3}$"`
}

// PathDelivery is where the ways to a country are told: GET with DeliveryInput, answered with Delivery.
const PathDelivery = "/v1/checkouts/delivery"

// Delivery says how goods that are in stock can be sent to a country, cheapest first as a rule, if they are ordered now. It is an estimate: the address,
// the weight and the value decide what a checkout offers.
type Delivery struct {
	Items []DeliveryWay `json:"items"`
}

// DeliveryWay is one of them.
type DeliveryWay struct {
	ID           string       `json:"id"`
	Carrier      string       `json:"carrier"`
	Service      string       `json:"service"`
	Label        string       `json:"label"`
	Days         DeliveryDays `json:"days"`
	ETA          orderapi.ETA `json:"eta"`
	ExcludedSKUs []string     `json:"excluded_skus,omitempty" doc:"What does not go this way"`
}

// DeliveryDays is a span of working days.
type DeliveryDays struct {
	From int `json:"from"`
	To   int `json:"to"`
}

// CreateInput is POST /v1/checkouts.
type CreateInput struct {
	CartID string `json:"cart_id"`
	Email  string `json:"email,omitempty" maxLength:"254"`
}

// PatchInput is PATCH /v1/checkouts/{id}; what is left out stays.
type PatchInput struct {
	Email            *string           `json:"email,omitempty" maxLength:"254"`
	ShippingAddress  *orderapi.Address `json:"shipping_address,omitempty"`
	BillingAddress   *orderapi.Address `json:"billing_address,omitempty"`
	ShippingOptionID *string           `json:"shipping_option_id,omitempty"`
	Note             *string           `json:"note,omitempty" maxLength:"2000"`
}

// CompleteInput is POST /v1/checkouts/{id}/complete. Gift cards and store credit are used first; one of the payment members pays the rest,
// and may be left out when there is none.
type CompleteInput struct {
	Nonce         string       `json:"payment_method_nonce,omitempty" maxLength:"500"`
	MethodID      string       `json:"payment_method_id,omitempty" maxLength:"200"`
	Provider      string       `json:"payment_provider,omitempty" enum:"bank_transfer,cash_on_delivery" doc:"In place of a nonce or a method, where it is offered"`
	GiftCards     []string     `json:"gift_cards,omitempty" maxItems:"5" doc:"Codes, used in their order"`
	StoreCredit   bool         `json:"store_credit,omitempty" doc:"Use the signed-in customer's store credit, after gift cards"`
	ExpectedTotal money.Amount `json:"expected_total"`
	DeviceData    string       `json:"device_data,omitempty" maxLength:"10000"`
	ClientIP      string       `json:"-"` // as the gateway says
	Bearer        string       `json:"-"` // the shopper's token; "" without store credit
}

// PaymentSessionInput is POST /v1/checkouts/{id}/payment-session. It need not choose; what was chosen before stays then.
type PaymentSessionInput struct {
	Provider string `json:"payment_provider,omitempty" enum:"braintree,bank_transfer,cash_on_delivery" doc:"Choose how it will be paid: what that costs is in the totals from now on"`
}

// PaymentSession answers POST /v1/checkouts/{id}/payment-session.
type PaymentSession struct {
	Provider    string             `json:"provider" doc:"The first that is offered"`
	ClientToken string             `json:"client_token" doc:"Empty when no card is taken"`
	Amount      money.Amount       `json:"amount"`
	Chosen      string             `json:"payment_provider,omitempty" doc:"The one that was chosen"`
	Fee         money.Amount       `json:"payment_fee,omitzero" doc:"Of amount, before taxes where prices are: what the chosen one costs"`
	Providers   []paymentapi.Offer `json:"providers" doc:"All that are offered for this amount in this country"`
}

// AbandonedV1 tells that an open checkout with an e-mail address was left alone for the abandonment time: once in its life. What a
// mail needs that leads the shopper back to his cart is in it; the checkout itself ends at ExpiresAt, the cart lives longer. A later
// event of the same checkout says that he came back (resumed), an order.placed.v1 of it that he bought.
type AbandonedV1 struct {
	Sequence    int64           `json:"sequence"`
	CheckoutID  string          `json:"checkout_id"`
	CartID      string          `json:"cart_id"`
	CartVersion int64           `json:"cart_version"`
	CustomerID  string          `json:"customer_id,omitempty"`
	Email       string          `json:"email"`
	Currency    string          `json:"currency"`
	Country     string          `json:"country"`
	Channel     string          `json:"channel,omitempty"`
	Lines       []AbandonedLine `json:"lines"`
	Total       money.Amount    `json:"total"`
	Missing     []string        `json:"missing"` // as in checkout-incomplete: where he stopped
	AbandonedAt time.Time       `json:"abandoned_at"`
	ExpiresAt   time.Time       `json:"expires_at"`
}

// AbandonedLine is a line of an abandoned checkout.
type AbandonedLine struct {
	SKU       string       `json:"sku"`
	ProductID string       `json:"product_id"`
	Title     string       `json:"title"`
	ImageURL  string       `json:"image_url,omitempty"`
	Quantity  int64        `json:"quantity"`
	Total     money.Amount `json:"total"`
}

// ResumedV1 tells that somebody came back to an abandoned checkout: changed it, went to pay, or gave it up. Nobody need be reminded of it
// any more.
type ResumedV1 struct {
	Sequence   int64     `json:"sequence"`
	CheckoutID string    `json:"checkout_id"`
	CartID     string    `json:"cart_id"`
	CustomerID string    `json:"customer_id,omitempty"`
	ResumedAt  time.Time `json:"resumed_at"`
}

// ExpiredV1 tells that an open checkout ran out of time.
type ExpiredV1 struct {
	Sequence   int64     `json:"sequence"`
	CheckoutID string    `json:"checkout_id"`
	CartID     string    `json:"cart_id"`
	OrderID    string    `json:"order_id"`
	ExpiredAt  time.Time `json:"expired_at"`
}
