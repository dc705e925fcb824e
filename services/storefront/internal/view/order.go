package view

import (
	"strings"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/order/orderapi"
	"github.com/sidecart/sidecart/services/payment/paymentapi"
	"github.com/sidecart/sidecart/services/storefront/internal/text"
)

// OrderModel is the page of an order.
type OrderModel struct {
	Order       orderapi.Order
	Events      []Event
	Bought      bool // right after buying
	Notices     []Notice
	Cancelling  bool // that was asked for
	CancelFault bool
	Key         string               // of cancelling, and of buying again
	Transfer    *paymentapi.Transfer // that is awaited
}

// Event is one thing that happened, in words.
type Event struct{ What, Moment string }

// mayCancel reports whether an order can still be called off, as far as its status says. Order decides.
func (m *OrderModel) mayCancel() bool {
	return !m.Cancelling && (m.Order.Status == "placed" || m.Order.Status == "confirmed")
}

// hasInvoice reports whether one can be asked for.
func (m *OrderModel) hasInvoice() bool { return m.Order.CapturedAt != nil }

// payment is how the payment stands, in the word that texts are kept by. Order says of cash on delivery that it is captured, because the goods go: until they
// are there, nobody has paid. The fee tells, which no other way to pay has.
func (m *OrderModel) payment() string {
	o := m.Order
	if o.PaymentStatus == "captured" && o.Totals.PaymentFee.IsPositive() && o.Status != "delivered" && o.Status != "returned" {
		return "on_delivery"
	}
	return o.PaymentStatus
}

// cancelMoney is what becomes of the money of an order that is called off.
func (m *OrderModel) cancelMoney(p *Page) string { return text.Of(p.T.Order.CancelMoney, m.payment()) }

// Summary is what was bought, with what became of each part.
func (m *OrderModel) Summary(p *Page) Summary {
	s := Summary{Promotions: m.Order.Promotions, Totals: m.Order.Totals, Shipping: orFree(p, m.Order.Totals.Shipping), TaxKnown: true}
	for _, l := range m.Order.Lines {
		line := SummaryLine{Title: l.Title, ImageURL: l.ImageURL, Quantity: l.Quantity, Subtotal: l.Subtotal, Total: l.Total, Discounts: l.Discounts}
		for _, f := range l.Fulfillments {
			what := text.Of(p.T.Order.Fulfillment, f.Status)
			if len(l.Fulfillments) > 1 {
				what = p.T.Checkout.Quantity(f.Quantity) + ": " + what
			}
			if f.ShipsAt != nil {
				what += ", " + p.T.Order.ShipsAt(p.T.Date(*f.ShipsAt))
			}
			line.Parts = append(line.Parts, what)
		}
		s.Lines = append(s.Lines, line)
	}
	return s
}

// tracking is where a parcel can be followed; "" where the carrier's address is none that can be trusted.
func tracking(s orderapi.Shipment) string {
	if strings.HasPrefix(s.TrackingURL, "https://") {
		return s.TrackingURL
	}
	return ""
}

// BalanceModel is the page of a gift card's balance. The code is never shown again.
type BalanceModel struct {
	Balance *money.Amount
	Until   string // in words; empty: it does not run out
	Fault   string
}
