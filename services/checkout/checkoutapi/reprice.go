package checkoutapi

import (
	"time"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/order/orderapi"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
)

// PathReprice is where order asks what an order costs once it is edited: POST RepriceRequest, answered with Repriced.
const PathReprice = "/v1/internal/reprice"

// RepriceRequest is an order as it shall be. It changes nothing. Address, as NewAddress, is held to what a checkout asks of one; the order's own
// was. Refused: 422 validation-failed with its places below body.shipping_address and body.add, not-sellable, shipping-option-not-offered with
// the options that are; 409 tax-mode-conflict.
type RepriceRequest struct {
	Currency    string                  `json:"currency"`
	Channel     string                  `json:"channel,omitempty"`
	Address     orderapi.Address        `json:"shipping_address"`        // where it went until now
	NewAddress  *orderapi.Address       `json:"new_address,omitempty"`   // where it shall go
	Option      orderapi.ShippingOption `json:"shipping_option"`         // by which it goes, with what that costs
	NewOptionID string                  `json:"new_option_id,omitempty"` // by which it shall go
	TaxIncluded bool                    `json:"tax_included"`            // in the prices of what is kept
	PaymentFee  money.Amount            `json:"payment_fee,omitzero"`    // that is paid
	Coupons     []string                `json:"coupons,omitempty"`       // that were granted
	Kept        []RepriceLine           `json:"kept,omitempty"`          // lines with what is kept of them
	Add         []RepriceLine           `json:"add,omitempty"`           // at today's prices
	SameGoods   bool                    `json:"same_goods"`              // nothing is removed or added
}

// RepriceLine is a quantity of a SKU. UnitPrice is that of what is kept.
type RepriceLine struct {
	ID        string        `json:"id"`
	SKU       string        `json:"sku"`
	Quantity  int64         `json:"quantity"`
	UnitPrice *money.Amount `json:"unit_price,omitempty"`
}

// Repriced is what it costs, until ValidUntil. Lines come as they were asked for, kept ones first; those have no titles.
type Repriced struct {
	QuoteID    string                  `json:"quote_id"`
	ValidUntil time.Time               `json:"valid_until"`
	Address    orderapi.Address        `json:"shipping_address"`
	Option     orderapi.ShippingOption `json:"shipping_option"`
	Lines      []CheckoutLine          `json:"lines"`
	Promotions []pricingapi.Promotion  `json:"promotions"`
	Totals     pricingapi.Totals       `json:"totals"`
}
