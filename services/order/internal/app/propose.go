package app

import (
	"context"
	"fmt"
	"slices"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
	"github.com/sidecart/sidecart/services/order/internal/order"
	"github.com/sidecart/sidecart/services/order/orderapi"
)

// EditRequest is what staff want of an order. ID makes it happen once, for requests of one Hash.
type EditRequest struct {
	ID, Hash         string
	Lines            []orderapi.EditLine
	Add              []orderapi.AddLine
	ShippingAddress  *orderapi.Address
	ShippingOptionID string
	ExpectedTotal    *money.Amount
	Note             string
}

// Repricer says what an order costs once it is edited: checkout knows what an address must be and how goods go there, and asks pricing.
type Repricer interface {
	Reprice(ctx context.Context, in checkoutapi.RepriceRequest) (checkoutapi.Repriced, error)
}

// Proposal is an edit with the whole order as it shall be. Executing it asks nobody what it costs.
type Proposal struct {
	orderapi.Edit
	Hash      string                `json:"hash"`
	Proposed  orderapi.PlaceRequest `json:"proposed"`
	SameGoods bool                  `json:"same_goods"`
}

// limits of an edit.
const (
	maxEditLines = 500 // of an order, as at checkout
	maxEdits     = 30  // of an order: each keeps the whole order as it was
	maxPieces    = 1_000_000
)

// The refusals of an edit.
var (
	ErrNoLines  = fault.New(fault.Conflict, "order-without-lines", "Nothing would be left of the order: cancel it instead.")
	ErrNoEdit   = fault.New(fault.Invalid, "edit-changes-nothing", "The order is like that already.")
	ErrInvoiced = fault.New(fault.Conflict, "order-invoiced", "The order was invoiced: what is added, or costs more, has to be an order of its own.")
	ErrPieces   = fault.New(fault.Conflict, "lines-refunded", "Pieces of this order were paid back and are still to be sent: its lines cannot be edited.")
	ErrEdits    = fault.Newf(fault.Conflict, "too-many-edits", "An order can be edited %d times: cancel it, and order anew.", maxEdits)
	ErrOvertook = fault.New(fault.Conflict, "order-edited", "The order was edited meanwhile: look at it again.")
)

// Propose says what an edit comes to, and changes nothing. Pieces that a line gets more are a line of their own: they have today's price.
func (a *App) Propose(ctx context.Context, prices Repricer, rec Record, req EditRequest) (Proposal, error) {
	p := Proposal{Hash: req.Hash, Edit: orderapi.Edit{ID: req.ID, Number: rec.EditNumber + 1, Status: orderapi.EditPending, TotalBefore: rec.Total, Note: req.Note, RequestedAt: a.now(), Lines: []orderapi.EditedLine{}},
		Proposed: rec.Snapshot}
	if err := a.mayEdit(rec); err != nil {
		return p, err
	}
	ask, further, err := rec.ask(req, p.Number)
	if err != nil {
		return p, err
	}
	p.SameGoods = ask.SameGoods
	if p.SameGoods && ask.NewAddress == nil && ask.NewOptionID == "" {
		return p, ErrNoEdit
	}
	got, err := prices.Reprice(ctx, ask)
	if err != nil {
		return p, err
	}
	if err := p.take(rec, got, further); err != nil {
		return p, err
	}
	if p.SameGoods && p.Proposed.ShippingAddress == rec.Snapshot.ShippingAddress && p.Proposed.ShippingOption.ID == rec.Snapshot.ShippingOption.ID {
		return p, ErrNoEdit
	}
	if e := req.ExpectedTotal; e != nil && *e != p.TotalAfter {
		return p, fault.New(fault.Conflict, "price-changed", "The order would not cost what was expected.").With("expected_total", *e).With("actual_total", p.TotalAfter)
	}
	return p, p.allowed(rec)
}

// mayEdit tells early what the decision would say.
func (a *App) mayEdit(rec Record) error {
	switch {
	case rec.Edit != "":
		return order.ErrEditing
	case rec.State != "confirmed":
		return order.ErrNotEditable.With("status", a.state(rec).Status)
	case len(rec.Edits) >= maxEdits:
		return ErrEdits.With("edits", len(rec.Edits))
	}
	return nil
}

// ask is what checkout is asked: all faults of the lines come at once. Further tells which added lines are further pieces of which.
func (r Record) ask(req EditRequest, number int) (in checkoutapi.RepriceRequest, further map[string]orderapi.PlaceLine, err error) {
	s := r.Snapshot
	in = checkoutapi.RepriceRequest{Currency: string(r.Total.Currency), Channel: s.Channel, Address: s.ShippingAddress, NewAddress: req.ShippingAddress, Option: s.ShippingOption,
		NewOptionID: req.ShippingOptionID, TaxIncluded: s.Totals.TaxIncluded, PaymentFee: s.Totals.PaymentFee, SameGoods: true}
	for _, p := range s.Promotions {
		in.Coupons = append(in.Coupons, p.ID)
	}
	wanted := map[string]int64{}
	var c fault.Collector
	for i, l := range req.Lines {
		at := fmt.Sprintf("body.lines[%d]", i)
		_, twice := wanted[l.LineID]
		c.Check(!twice, at+".line_id", "is there twice", l.LineID)
		c.Check(slices.ContainsFunc(s.Lines, func(x orderapi.PlaceLine) bool { return x.ID == l.LineID }), at+".line_id", "is not a line of the order", l.LineID)
		c.Check(l.Quantity >= 0 && l.Quantity <= maxPieces, at+".quantity", fmt.Sprintf("must be 0 to %d", maxPieces), l.Quantity)
		wanted[l.LineID] = l.Quantity
	}
	add := func(sku string, quantity int64) (id string) {
		id = fmt.Sprintf("e%d-%d", number, len(in.Add)+1)
		in.Add = append(in.Add, checkoutapi.RepriceLine{ID: id, SKU: sku, Quantity: quantity})
		return id
	}
	further = map[string]orderapi.PlaceLine{}
	for i, l := range req.Add {
		c.Check(l.Quantity >= 1 && l.Quantity <= maxPieces, fmt.Sprintf("body.add[%d].quantity", i), fmt.Sprintf("must be 1 to %d", maxPieces), l.Quantity)
		add(l.SKU, l.Quantity)
	}
	for _, l := range s.Lines {
		quantity, named := wanted[l.ID]
		if !named {
			quantity = l.Quantity
		}
		in.SameGoods = in.SameGoods && quantity == l.Quantity
		if more := quantity - l.Quantity; more > 0 {
			further[add(l.SKU, more)] = l
		}
		if left := min(quantity, l.Quantity); left > 0 {
			price := l.UnitPrice
			in.Kept = append(in.Kept, checkoutapi.RepriceLine{ID: l.ID, SKU: l.SKU, Quantity: left, UnitPrice: &price})
		}
	}
	in.SameGoods = in.SameGoods && len(in.Add) == 0
	c.Check(len(in.Kept)+len(in.Add) <= maxEditLines, "body.add", fmt.Sprintf("an order has %d lines at most", maxEditLines), nil)
	if err := c.Err(); err != nil {
		return in, nil, err
	}
	if len(in.Kept)+len(in.Add) == 0 {
		return in, nil, ErrNoLines
	}
	return in, further, nil
}

// take makes the proposed order of what checkout says.
func (p *Proposal) take(rec Record, got checkoutapi.Repriced, further map[string]orderapi.PlaceLine) error {
	s := &p.Proposed
	s.ShippingAddress, s.ShippingOption, s.Promotions, s.Totals, s.QuoteID = got.Address, got.Option, got.Promotions, got.Totals, got.QuoteID
	s.Lines = nil
	known := map[string]orderapi.PlaceLine{}
	for _, l := range rec.Snapshot.Lines {
		known[l.ID] = l
	}
	for _, l := range got.Lines {
		was, kept := known[l.ID]
		line := orderapi.PlaceLine{ID: l.ID, SKU: l.SKU, ProductID: l.ProductID, Title: l.Title, ImageURL: l.ImageURL, Quantity: l.Quantity, UnitPrice: l.UnitPrice,
			Subtotal: l.Subtotal, Discounts: l.Discounts, Tax: l.Tax, TaxRateBP: l.TaxRateBP, Total: l.Total}
		if kept {
			line.ProductID, line.Title, line.ImageURL, line.Metadata = was.ProductID, was.Title, was.ImageURL, was.Metadata
		}
		if of, ok := further[l.ID]; ok {
			line.Metadata = of.Metadata
		}
		if l.Quantity != was.Quantity {
			p.Lines = append(p.Lines, orderapi.EditedLine{LineID: l.ID, SKU: l.SKU, Title: line.Title, Before: was.Quantity, After: l.Quantity})
		}
		delete(known, l.ID)
		s.Lines = append(s.Lines, line)
	}
	for _, l := range rec.Snapshot.Lines {
		if _, gone := known[l.ID]; gone {
			p.Lines = append(p.Lines, orderapi.EditedLine{LineID: l.ID, SKU: l.SKU, Title: l.Title, Before: l.Quantity})
		}
	}
	p.Readdressed = got.Address != rec.Snapshot.ShippingAddress
	p.TotalAfter = got.Totals.Total
	var err error
	p.Difference, err = p.TotalAfter.Sub(p.TotalBefore)
	return err
}

// added are the lines that an order gets beside those that it has.
func added(before, after []orderapi.PlaceLine) (all []orderapi.PlaceLine) {
	for _, l := range after {
		if !slices.ContainsFunc(before, func(x orderapi.PlaceLine) bool { return x.ID == l.ID }) {
			all = append(all, l)
		}
	}
	return all
}

// allowed holds a proposal to what the order has been through: the decision asks the same of the order as it is then.
func (p *Proposal) allowed(rec Record) error {
	switch {
	case rec.EditNumber+1 != p.Number:
		return ErrOvertook
	case rec.Refunding.IsPositive() && !(p.SameGoods && p.Difference.IsZero()):
		return order.ErrRefunding
	case !p.SameGoods && slices.ContainsFunc(rec.Refunds, func(f orderapi.Refund) bool { return counts(f) && len(f.Lines) > 0 }):
		return ErrPieces
	case rec.Invoiced && p.beyondInvoice(rec):
		return ErrInvoiced
	}
	return nil
}

// beyondInvoice says that the invoice and a credit note do not tell of the edited order: it has what the invoice has not, or is taxed otherwise.
func (p *Proposal) beyondInvoice(rec Record) bool {
	if p.TotalAfter.Minor > p.TotalBefore.Minor || len(added(rec.Snapshot.Lines, p.Proposed.Lines)) > 0 {
		return true
	}
	return slices.ContainsFunc(p.Proposed.Lines, func(l orderapi.PlaceLine) bool {
		return slices.ContainsFunc(rec.Snapshot.Lines, func(x orderapi.PlaceLine) bool { return x.ID == l.ID && x.TaxRateBP != l.TaxRateBP })
	})
}

// Short says of what a preview adds there is not enough. Others may be faster.
func (a *App) Short(ctx context.Context, rec Record, p Proposal) (short []orderapi.Shortage, err error) {
	more := map[string]int64{}
	var skus []string
	for _, l := range added(rec.Snapshot.Lines, p.Proposed.Lines) {
		if more[l.SKU] == 0 {
			skus = append(skus, l.SKU)
		}
		more[l.SKU] += l.Quantity
	}
	if len(skus) == 0 {
		return nil, nil
	}
	available, err := a.driver.stock.Available(ctx, skus)
	for _, sku := range skus {
		if available[sku] < more[sku] {
			short = append(short, orderapi.Shortage{SKU: sku, Requested: more[sku], Available: available[sku]})
		}
	}
	return short, err
}
