package app

import (
	"fmt"
	"slices"

	"github.com/sidecart/sidecart/services/order/internal/order"
	"github.com/sidecart/sidecart/services/order/orderapi"
	"github.com/sidecart/sidecart/services/payment/paymentapi"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
)

// View projects an order to what the world sees. It carries the access token: strip it where the caller is not the owner.
func (a *App) View(rec Record) orderapi.Order {
	state := a.state(rec)
	s := rec.Snapshot
	v := orderapi.Order{
		ID: rec.ID, Number: rec.Number, Version: rec.Version, Status: state.Status, PaymentStatus: paymentStatus(rec, state.PaymentStatus),
		FulfillmentStatus: state.FulfillmentStatus, PlacedAt: rec.PlacedAt, Channel: s.Channel, Email: s.Email, ShippingAddress: s.ShippingAddress,
		BillingAddress: s.BillingAddress, ShippingOption: s.ShippingOption, Shipments: []orderapi.Shipment{}, Refunds: []orderapi.Refund{}, Promotions: s.Promotions,
		Totals: s.Totals, Note: s.Note, AccessToken: rec.AccessToken, Lines: make([]orderapi.Line, len(s.Lines)),
	}
	for _, f := range rec.Refunds {
		f.Reason, f.DeclineCode = "", ""
		v.Refunds = append(v.Refunds, f)
	}
	if v.Promotions == nil {
		v.Promotions = []pricingapi.Promotion{}
	}
	if !rec.CapturedAt.IsZero() {
		v.CapturedAt = &rec.CapturedAt
	}
	if !rec.CancelledAt.IsZero() {
		v.CancelledAt = &rec.CancelledAt
	}
	for i, l := range s.Lines {
		v.Lines[i] = orderapi.Line{ID: l.ID, SKU: l.SKU, ProductID: l.ProductID, Title: l.Title, ImageURL: l.ImageURL, Quantity: l.Quantity, Metadata: l.Metadata,
			UnitPrice: l.UnitPrice, Subtotal: l.Subtotal, Discounts: l.Discounts, Tax: l.Tax, Total: l.Total,
			Fulfillments: fulfillments(rec, l.ID, state.FulfillmentStatus)}
		if v.Lines[i].Discounts == nil {
			v.Lines[i].Discounts = []pricingapi.Discount{}
		}
	}
	return v
}

// paymentStatus tells a void from a refund: what was never captured is voided. Of captured money a part or all may have gone back.
func paymentStatus(rec Record, status string) string {
	switch {
	case rec.Unpaid:
		return "settlement_declined"
	case status == "authorised" && rec.Review == order.ReviewPending && rec.Snapshot.Payment.Provider == paymentapi.BankTransfer:
		return "awaiting_payment"
	case status == "captured" && rec.Returned.IsPositive() && rec.Returned == rec.Captured:
		return "refunded"
	case status == "captured" && rec.Returned.IsPositive():
		return "partially_refunded"
	case status == "returned" && rec.Returned.IsPositive():
		return "refunded"
	case status == "returned":
		return "voided"
	case status == "returning":
		return "refund_pending"
	}
	return status
}

// StaffView is the view of staff: with what a shopper is not told, without the shopper's capability.
func (a *App) StaffView(rec Record) orderapi.Order {
	v := a.View(rec)
	v.AccessToken = ""
	if v.PaymentStatus == "authorised" && rec.Review == order.ReviewPending {
		v.PaymentStatus = "in_review"
	}
	copy(v.Refunds, rec.Refunds)
	for _, d := range rec.Disputes {
		v.Disputes = append(v.Disputes, d.Dispute)
	}
	return v
}

// unfulfilled is the status of goods that nobody has picked yet.
const unfulfilled = "unfulfilled"

// fulfillments are the parts of a line: what is owed by its location says so, until somebody picks it.
func fulfillments(rec Record, lineID, status string) []orderapi.Fulfillment {
	all := []orderapi.Fulfillment{}
	for _, p := range rec.Parts {
		if p.LineID == lineID {
			f := orderapi.Fulfillment{ID: fmt.Sprintf("%s-%d", lineID, len(all)+1), Status: status, Quantity: p.Quantity, LocationID: p.LocationID, ShipsAt: p.ShipsAt}
			if p.Owed != "" && status == unfulfilled {
				f.Status = p.Owed
			}
			all = append(all, f)
		}
	}
	return all
}

// StatusOf returns the public status of a state of an order, "" while it has none.
func (a *App) StatusOf(rec Record, state string) string {
	return a.machine(rec).State(order.State(state)).Status
}

// StatesOf returns the states that show a status.
func (a *App) StatesOf(status string) (states []string) {
	for _, m := range a.Machines.All() {
		for _, s := range m.States() {
			if s.Status == status && status != "" && !slices.Contains(states, string(s.Name)) {
				states = append(states, string(s.Name))
			}
		}
	}
	return states
}

// May returns the states that staff may bring an order to: statuses, but for those that a merchant's machine adds.
func (a *App) May(rec Record) []string {
	may := []string{}
	for state := range a.machine(rec).StaffMay(a.considered(rec)) {
		may = append(may, string(state))
	}
	slices.Sort(may)
	return may
}

// toldAs are the words for shoppers of what is neither announced nor moves the order on.
var toldAs = map[order.EventName]string{
	order.Cancel: "cancel_requested", order.MoneyReturned: "payment_returned", order.Refunded: "refunded", order.MoneyGone: "refunded",
	order.CaptureDeclined: "payment_failed", order.SettlementDeclined: "payment_failed", order.Filled: "allocated",
}

// Told returns the word for an entry that a shopper is told: what is announced, what became of the money, or the status that the order came to.
// It is "" for what is nobody's but staff's: how often something was tried, who looks at whose payment, and why.
func (a *App) Told(rec Record, e Entry) string {
	m := a.machine(rec)
	from, to := m.State(order.State(e.From)), m.State(order.State(e.To))
	if to.Status == "" {
		return ""
	}
	all := m.Transitions()
	i := slices.IndexFunc(all, func(t order.TransitionDef) bool { return t.Name == e.Transition })
	switch word := toldAs[order.EventName(e.Event)]; {
	case i >= 0 && all[i].Announce != order.Nothing && all[i].Announce != order.AnnounceAdvanced:
		return string(all[i].Announce)
	case word != "":
		return word
	case to.Status == "cancelled": // is announced at its end
		return ""
	case to.Status != from.Status:
		return to.Status
	case to.FulfillmentStatus != from.FulfillmentStatus:
		return to.FulfillmentStatus
	}
	return ""
}
