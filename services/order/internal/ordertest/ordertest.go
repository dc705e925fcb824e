// Package ordertest has what tests of order share: payment and inventory as fakes that keep books and can be told to refuse, to
// hang, to lie and to forget; a door without a sidecar; and a snapshot to place. It is linked into tests only.
package ordertest

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/cart/cartapi"
	"github.com/sidecart/sidecart/services/order/internal/app"
	"github.com/sidecart/sidecart/services/order/internal/order"
	"github.com/sidecart/sidecart/services/order/orderapi"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
)

// Bank is a payment service: every operation runs once per id, and asking again answers what became of it.
type Bank struct {
	mu   sync.Mutex
	done map[string]app.MoneyAnswer
	part map[string]money.Amount    // that was asked for, by operation
	held map[string]app.OpenPayment // what is captured, by payment
	Ran  []string                   // "authorise <payment id>", in order, each executed operation once

	bounced map[string]int64  // what the bank did not pay, by payment
	pending map[string]string // the operation that has no answer yet, by payment

	// Next decides the answer to an operation that was not run before; nil or a zero Outcome means done.
	Next func(step string, c app.MoneyCommand) app.MoneyAnswer
	// Lie is asked after an operation ran; an error is what the caller gets instead of the answer.
	Lie func(step string, c app.MoneyCommand) error
	// Asked is what else happens while it is asked what is left.
	Asked func()
}

func (b *Bank) run(step string, c app.MoneyCommand) (app.MoneyAnswer, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	answer, ok := b.done[c.OperationID]
	if ok && b.part[c.OperationID] != c.Part {
		return answer, fault.New(fault.Invalid, "operation-id-reused", c.OperationID)
	}
	if !ok || answer.Outcome == app.MoneyPending {
		answer = app.MoneyAnswer{}
		if b.Next != nil {
			answer = b.Next(step, c)
		}
		switch {
		case answer.Outcome != "":
		case step == "refund" && c.Part.Minor > b.held[c.PaymentID].Amount.Minor: // never above what that payment has
			answer.Outcome, answer.DeclineCode = app.MoneyDeclined, "amount-too-large"
		default:
			answer.Outcome, answer.Amount = app.MoneyDone, c.Amount
		}
		if b.done == nil {
			b.done, b.part, b.pending = map[string]app.MoneyAnswer{}, map[string]money.Amount{}, map[string]string{}
		}
		b.done[c.OperationID], b.part[c.OperationID] = answer, c.Part
		if answer.Outcome == app.MoneyPending {
			b.pending[c.PaymentID] = c.OperationID
		} else if b.pending[c.PaymentID] == c.OperationID {
			delete(b.pending, c.PaymentID)
		}
		if answer.Outcome == app.MoneyDone {
			b.Ran = append(b.Ran, step+" "+c.PaymentID)
			b.move(step, c, answer)
		}
	}
	if b.Lie != nil {
		if err := b.Lie(step, c); err != nil {
			return app.MoneyAnswer{}, err
		}
	}
	return answer, nil
}

// Executed returns what ran so far.
func (b *Bank) Executed() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.Ran...)
}

// Authorise implements app.Payments.
func (b *Bank) Authorise(_ context.Context, c app.MoneyCommand) (app.MoneyAnswer, error) {
	return b.run("authorise", c)
}

// Capture implements app.Payments.
func (b *Bank) Capture(_ context.Context, c app.MoneyCommand) (app.MoneyAnswer, error) {
	return b.run("capture", c)
}

// Void implements app.Payments.
func (b *Bank) Void(_ context.Context, c app.MoneyCommand) (app.MoneyAnswer, error) {
	return b.run("void", c)
}

// Refund implements app.Payments.
func (b *Bank) Refund(_ context.Context, c app.MoneyCommand) (app.MoneyAnswer, error) {
	return b.run("refund", c)
}

// Left implements app.Payments.
func (b *Bank) Left(_ context.Context, orderID string, _ money.Currency) (map[int]app.PaymentLeft, error) {
	if b.Asked != nil {
		b.Asked()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	left := map[int]app.PaymentLeft{}
	for id, p := range b.held {
		if p.OrderID == orderID {
			_, attempt := split(id)
			left[attempt] = app.PaymentLeft{Captured: p.Amount, Left: p.Amount, Unpaid: b.bounced[id] > 0, Pending: b.pending[id] != ""}
		}
	}
	return left, nil
}

// split reads a payment's id.
func split(id string) (orderID string, attempt int) {
	dash := strings.LastIndexByte(id, '-')
	attempt, _ = strconv.Atoi(id[dash+1:])
	return id[:dash], attempt
}

// Bounce makes the bank not pay what was captured of a payment.
func (b *Bank) Bounce(paymentID string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.bounced == nil {
		b.bounced = map[string]int64{}
	}
	p := b.held[paymentID]
	b.bounced[paymentID], p.Amount.Minor = p.Amount.Minor, 0
	b.held[paymentID] = p
}

// move keeps what is captured of each payment.
func (b *Bank) move(step string, c app.MoneyCommand, answer app.MoneyAnswer) {
	if b.held == nil {
		b.held = map[string]app.OpenPayment{}
	}
	p := b.held[c.PaymentID]
	switch p.ID, p.OrderID, p.Amount.Currency = c.PaymentID, c.OrderID, c.Amount.Currency; {
	case step == "capture":
		p.Amount = answer.Amount
	case step == "void", step == "refund" && c.Part.IsZero():
		p.Amount.Minor = 0
	case step == "refund":
		p.Amount.Minor -= c.Part.Minor
	}
	b.held[c.PaymentID] = p
}

// Open implements app.OpenPayments over what was authorised and not given back.
func (b *Bank) Open(context.Context, time.Duration) ([]app.OpenPayment, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	open := map[string]app.OpenPayment{}
	for _, ran := range b.Ran {
		var step, id string
		_, _ = fmt.Sscan(ran, &step, &id)
		of, attempt := split(id)
		switch step {
		case "authorise", "capture":
			p := app.OpenPayment{ID: id, OrderID: of, Attempt: attempt, Captured: step == "capture", Amount: Total}
			open[id] = p
		default:
			delete(open, id)
		}
	}
	all := make([]app.OpenPayment, 0, len(open))
	for _, p := range open {
		all = append(all, p)
	}
	return all, nil
}

// Shelf is an inventory with a number of pieces of everything.
type Shelf struct {
	mu    sync.Mutex
	Left  map[string]int64
	Taken map[string][]app.AllocateLine // by key; nil once released
	Owed  map[string]string             // SKUs that are owed instead: "backorder" or "preorder"
	Err   func() error                  // asked before anything is done
	Lie   func() error                  // asked after it was done

	editions map[string]int64
}

// Allocate implements app.Stock.
func (s *Shelf) Allocate(_ context.Context, a app.Allocation) (parts []app.Part, short []order.Shortage, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.Err != nil {
		if err := s.Err(); err != nil {
			return nil, nil, err
		}
	}
	if s.Taken == nil {
		s.Taken = map[string][]app.AllocateLine{}
	}
	if _, again := s.Taken[a.Key]; !again {
		for _, l := range a.Lines {
			if s.Left[l.SKU] < l.Quantity {
				short = append(short, order.Shortage{SKU: l.SKU, Requested: l.Quantity, Available: s.Left[l.SKU]})
			}
		}
		if len(short) > 0 {
			return nil, short, nil
		}
		for _, l := range a.Lines {
			s.Left[l.SKU] -= l.Quantity
		}
		s.Taken[a.Key] = a.Lines
	}
	parts = s.parts(a.Lines)
	if s.Lie != nil {
		if err := s.Lie(); err != nil {
			return nil, nil, err
		}
	}
	return parts, nil, nil
}

func (s *Shelf) parts(lines []app.AllocateLine) (parts []app.Part) {
	for _, l := range lines {
		parts = append(parts, app.Part{LineID: l.LineID, LocationID: "main", Quantity: l.Quantity, Owed: s.Owed[l.SKU]})
	}
	return parts
}

// Revise implements app.Stock.
func (s *Shelf) Revise(_ context.Context, edition int64, a app.Allocation) ([]app.Part, []order.Shortage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.Err != nil {
		if err := s.Err(); err != nil {
			return nil, nil, err
		}
	}
	if s.editions == nil {
		s.editions = map[string]int64{}
	}
	if edition > s.editions[a.Key] {
		more := map[string]int64{}
		for _, l := range a.Lines {
			more[l.SKU] += l.Quantity
		}
		for _, l := range s.Taken[a.Key] {
			more[l.SKU] -= l.Quantity
		}
		var short []order.Shortage
		for sku, n := range more {
			if n > s.Left[sku] {
				short = append(short, order.Shortage{SKU: sku, Requested: n, Available: s.Left[sku]})
			}
		}
		if len(short) > 0 {
			return nil, short, nil
		}
		for sku, n := range more {
			s.Left[sku] -= n
		}
		s.Taken[a.Key], s.editions[a.Key] = a.Lines, edition
	}
	if s.Lie != nil {
		if err := s.Lie(); err != nil {
			return nil, nil, err
		}
	}
	return s.parts(s.Taken[a.Key]), nil, nil
}

// Available implements app.Stock.
func (s *Shelf) Available(context.Context, []string) (map[string]int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.Left), nil
}

// Parts implements app.Stock.
func (s *Shelf) Parts(_ context.Context, key string) ([]app.Part, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.parts(s.Taken[key]), nil
}

// Come makes everything that is owed lie on the shelf.
func (s *Shelf) Come() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Owed = nil
}

// Release implements app.Stock.
func (s *Shelf) Release(_ context.Context, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.Taken[key] {
		s.Left[l.SKU] += l.Quantity
	}
	if s.Taken != nil {
		s.Taken[key] = nil
	}
	return nil
}

// Of returns how many pieces of a SKU are left.
func (s *Shelf) Of(sku string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Left[sku]
}

// Total is what the snapshot costs.
var Total = money.New(4999, "USD")

// Unknown is the fault of a call whose outcome nobody knows.
var Unknown = fault.New(fault.Timeout, "timeout", "nobody knows")

// Snapshot is a command to place attempt n of an order: one line of two shirts.
func Snapshot(orderID string, attempt int) orderapi.PlaceRequest {
	address := orderapi.Address{Name: "Sample Customer", Line1: "1 Main Street", City: "Springfield", Region: "IL", PostalCode: "62701", Country: "US"}
	zero := money.Zero("USD")
	return orderapi.PlaceRequest{
		OrderID: orderID, CheckoutID: "checkout-" + orderID, CartID: "cart-" + orderID, CartVersion: 3, Attempt: attempt, Email: "customer@example.com",
		ShippingAddress: address, BillingAddress: address,
		ShippingOption: orderapi.ShippingOption{ID: "std", Carrier: "post", Service: "standard", Label: "Standard", Price: zero},
		Lines: []orderapi.PlaceLine{{ID: "l1", SKU: "shirt", ProductID: "p1", Title: "Shirt", Quantity: 2, UnitPrice: money.New(2500, "USD"),
			Subtotal: money.New(5000, "USD"), Discounts: []pricingapi.Discount{{PromotionID: "ONE", Label: "One cent", Amount: money.New(1, "USD")}},
			Tax: zero, Total: Total}},
		Promotions: []pricingapi.Promotion{{ID: "ONE", Label: "One cent", Amount: money.New(1, "USD"), Explanation: "0.01 USD off"}},
		Totals:     pricingapi.Totals{Subtotal: money.New(5000, "USD"), Discount: money.New(1, "USD"), Shipping: zero, Tax: zero, Total: Total},
		QuoteID:    "q1", Payment: orderapi.PaymentInput{Nonce: "fake-valid-nonce"},
	}
}

// Carts is a cart service that sells all but what it is told not to.
type Carts struct {
	mu      sync.Mutex
	byKey   map[string]string
	Unknown map[string]bool
	Sold    map[string][]orderapi.PlaceLine // by cart
	Begun   map[string]cartapi.CreateInput  // likewise
}

// Fill implements app.Carts.
func (c *Carts) Fill(_ context.Context, key string, in cartapi.CreateInput, lines []orderapi.PlaceLine) (id string, left []orderapi.LeftOut, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byKey == nil {
		c.byKey, c.Sold, c.Begun = map[string]string{}, map[string][]orderapi.PlaceLine{}, map[string]cartapi.CreateInput{}
	}
	var sold []orderapi.PlaceLine
	for _, l := range lines {
		if c.Unknown[l.SKU] {
			left = append(left, orderapi.LeftOut{LineID: l.ID, SKU: l.SKU, Title: l.Title, Quantity: l.Quantity, Reason: "unknown-sku"})
		} else {
			sold = append(sold, l)
		}
	}
	if len(sold) == 0 {
		return "", left, nil
	}
	if c.byKey[key] == "" {
		c.byKey[key] = fmt.Sprintf("cart-%d", len(c.byKey)+1)
	}
	c.Sold[c.byKey[key]], c.Begun[c.byKey[key]] = sold, in
	return c.byKey[key], left, nil
}

// Door is a door without an actor.
type Door struct{ *app.App }

// Cancel implements the door.
func (d Door) Cancel(ctx context.Context, id, actor, reason string) error {
	_, err := d.App.Cancel(ctx, id, actor, reason)
	return err
}

// Transition implements the door.
func (d Door) Transition(ctx context.Context, id, actor, to, note string) error {
	_, err := d.App.Transition(ctx, id, actor, to, note)
	return err
}

// Refund implements the door.
func (d Door) Refund(ctx context.Context, id, actor string, req app.RefundRequest) error {
	_, err := d.App.Refund(ctx, id, actor, req)
	return err
}

// Edit implements the door.
func (d Door) Edit(ctx context.Context, id, actor string, p app.Proposal) error {
	_, err := d.App.Edit(ctx, id, actor, p)
	return err
}
