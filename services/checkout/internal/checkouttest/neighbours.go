// Package checkouttest has what tests of checkout share: cart, pricing, inventory, payment and order behind one transport, as the
// own sidecar would reach them. They keep books, count their calls, and can be told to refuse, to hang and to lie. It is linked
// into tests only.
package checkouttest

import (
	"encoding/json"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/cart/cartapi"
	"github.com/sidecart/sidecart/services/checkout/internal/app"
	"github.com/sidecart/sidecart/services/checkout/internal/daprio"
	"github.com/sidecart/sidecart/services/inventory/inventoryapi"
	"github.com/sidecart/sidecart/services/order/orderapi"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
)

// Neighbours are all other services. Its exported functions may be changed between calls, through Set.
type Neighbours struct {
	mu     sync.Mutex
	now    func() time.Time
	calls  map[string]int
	carts  map[string]cartapi.Snapshot
	prices map[string]int64
	stock  map[string]int64
	holds  map[string]inventoryapi.HoldRequest
	orders map[string]*placed
	places []orderapi.PlaceRequest
	ended  []string

	// Before is asked before a call is executed, After after it; an error is what the caller gets. The name is "order place".
	Before, After func(call string) error
	// Cash is what cash on delivery costs where it is offered: in the US, up to 100.00.
	Cash int64
	// Credit is what gift cards are worth, by their codes, and store credit, by the customer's token.
	Credit map[string]int64
	// ShippingTax is on top of what shipping costs, in percent; nothing else is taxed.
	ShippingTax int64
	// Outcome decides what becomes of an attempt; nil: it is confirmed.
	Outcome func(req orderapi.PlaceRequest) orderapi.PlaceResult
}

type placed struct {
	attempt  int
	outcomes map[int]orderapi.PlaceResult
}

// Grams is what a piece weighs.
var Grams = map[string]int64{"shirt": 250, "mug": 400}

// New returns neighbours with 10 shirts at 20.00 and 5 mugs at 5.00, in every currency's minor units.
func New(now func() time.Time) *Neighbours {
	return &Neighbours{now: now, calls: map[string]int{}, carts: map[string]cartapi.Snapshot{}, prices: map[string]int64{"shirt": 2000, "mug": 500},
		stock: map[string]int64{"shirt": 10, "mug": 5}, holds: map[string]inventoryapi.HoldRequest{}, orders: map[string]*placed{}}
}

// Fail is what makes these calls fail, as Before or After.
func Fail(err error, calls ...string) func(call string) error {
	return func(call string) error {
		if slices.Contains(calls, call) {
			return err
		}
		return nil
	}
}

// Always is an Outcome that every attempt has.
func Always(r orderapi.PlaceResult) func(orderapi.PlaceRequest) orderapi.PlaceResult {
	return func(orderapi.PlaceRequest) orderapi.PlaceResult { return r }
}

// Set changes the neighbours while nobody calls.
func (n *Neighbours) Set(change func(n *Neighbours)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	change(n)
}

// Price sets the price of a SKU.
func (n *Neighbours) Price(sku string, minor int64) {
	n.Set(func(n *Neighbours) { n.prices[sku] = minor })
}

// Stock sets the pieces of a SKU that can be held.
func (n *Neighbours) Stock(sku string, pieces int64) {
	n.Set(func(n *Neighbours) { n.stock[sku] = pieces })
}

// Hold has a cart hold these quantities, as a call does whose answer nobody has read.
func (n *Neighbours) Hold(cart string, quantities map[string]int64, until time.Time) {
	req := inventoryapi.HoldRequest{ExpiresAt: until}
	for sku, q := range quantities {
		req.Lines = append(req.Lines, inventoryapi.HoldLine{SKU: sku, Quantity: q})
	}
	n.Set(func(n *Neighbours) { n.holds[cart] = req })
}

// LoseHolds forgets all holds, as their end does.
func (n *Neighbours) LoseHolds() { n.Set(func(n *Neighbours) { clear(n.holds) }) }

// Holds returns what a cart holds, by SKU.
func (n *Neighbours) Holds(cart string) map[string]int64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	held := map[string]int64{}
	for _, l := range n.holds[cart].Lines {
		held[l.SKU] = l.Quantity
	}
	return held
}

// Calls returns how often each call came since the last time, and forgets.
func (n *Neighbours) Calls() map[string]int {
	n.mu.Lock()
	defer n.mu.Unlock()
	calls := maps.Clone(n.calls)
	clear(n.calls)
	return calls
}

// Places returns the commands to place that were executed, each attempt once.
func (n *Neighbours) Places() []orderapi.PlaceRequest {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]orderapi.PlaceRequest(nil), n.places...)
}

// Abandoned returns the orders that were to be ended, in order.
func (n *Neighbours) Abandoned() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]string(nil), n.ended...)
}

// Cart makes or changes a cart: quantities by SKU, one line each, quoted now.
func (n *Neighbours) Cart(id string, version int64, currency string, quantities map[string]int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	c := cartapi.Cart{ID: id, Version: version, Currency: currency, Country: "US", Coupons: []pricingapi.Coupon{}}
	req := pricingapi.QuoteRequest{Currency: currency, Country: "US"}
	for _, sku := range []string{"shirt", "mug", "ghost"} {
		if q := quantities[sku]; q > 0 {
			c.Lines = append(c.Lines, cartapi.Line{ID: "line-" + sku, SKU: sku, ProductID: "product-" + sku, Title: "A " + sku, Quantity: q, WeightGrams: Grams[sku],
				Metadata: json.RawMessage(`{"engraving":"to ` + sku + `"}`)})
			req.Lines = append(req.Lines, pricingapi.QuoteLine{ID: "line-" + sku, SKU: sku, Quantity: q})
		}
	}
	q := n.quote(req)
	c.Totals = q.Totals
	for i := range c.Lines {
		none := money.Zero(money.Currency(currency))
		c.Lines[i].UnitPrice, c.Lines[i].Subtotal, c.Lines[i].Total = none, none, none
	}
	n.carts[id] = cartapi.Snapshot{Cart: c, Quote: q}
}

// Channel puts a cart into a channel of sales, quoted there.
func (n *Neighbours) Channel(id, channel string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := n.carts[id]
	req := pricingapi.QuoteRequest{Currency: s.Cart.Currency, Country: s.Cart.Country, Channel: channel}
	for _, l := range s.Cart.Lines {
		req.Lines = append(req.Lines, pricingapi.QuoteLine{ID: l.ID, SKU: l.SKU, Quantity: l.Quantity})
	}
	s.Cart.Channel, s.Quote = channel, n.quote(req)
	s.Cart.Totals = s.Quote.Totals
	n.carts[id] = s
}

// Merge moves what a cart has into another one, and closes it.
func (n *Neighbours) Merge(from, into string, version int64, currency string, quantities map[string]int64) {
	n.mu.Lock()
	before := n.carts[into].MergedFrom
	n.mu.Unlock()
	n.Cart(into, version, currency, quantities)
	n.Cart(from, version, currency, nil)
	n.mu.Lock()
	defer n.mu.Unlock()
	s := n.carts[into]
	s.MergedFrom = append(before, from)
	n.carts[into] = s
}

// TakenOut is what cart does when an order of a merged cart was placed.
func (n *Neighbours) TakenOut(from, into string, version int64, currency string, left map[string]int64) {
	n.mu.Lock()
	before := n.carts[into].MergedFrom
	n.mu.Unlock()
	n.Cart(into, version, currency, left)
	n.mu.Lock()
	defer n.mu.Unlock()
	s := n.carts[into]
	s.MergedFrom = slices.DeleteFunc(before, func(id string) bool { return id == from })
	n.carts[into] = s
}

// Ordered marks a cart as completed.
func (n *Neighbours) Ordered(id string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := n.carts[id]
	s.Completed = true
	n.carts[id] = s
}

// Config returns the ports of an app that asks these neighbours.
func (n *Neighbours) Config() app.Config {
	return app.Config{Now: n.now, Catalog: daprio.Catalog{Caller: daprkit.NewCaller(n, "catalog")}, Carts: daprio.Carts{Caller: daprkit.NewCaller(n, "cart")}, Prices: daprio.Prices{Caller: daprkit.NewCaller(n, "pricing")},
		Holds: daprio.Holds{Caller: daprkit.NewCaller(n, "inventory")}, Payments: daprio.Payments{Caller: daprkit.NewCaller(n, "payment")},
		Orders: daprio.Orders{Caller: daprkit.NewCaller(n, "order")}}
}
