// Package cart is the core of cart: what a cart is, which commands it takes in which state, and what each event does to it.
// A command decides one event or refuses; the state is the fold of the events and nothing else. It knows no price: totals
// are pricing's.
//
//	Created ──► open ──Completed──► completed
//	             │  ▲ └─ add, change, remove, coupons, merge another cart in
//	             │  │
//	             └──MergedInto──► merged ──Completed──► completed (and its lines leave the cart that has them: MergedOrdered)
//
// What may go wrong is a Fault: a closed cart refuses every edit, limits refuse what would go beyond them, and then nothing
// has changed. A command that would change nothing decides no event.
package cart

import (
	"slices"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
)

// The limits of one cart.
const (
	MaxLines    = 500
	MaxQuantity = 9_999 // of one line
	MaxCoupons  = 10
	MaxMetadata = 2 << 10 // bytes of one line's
)

// Status is the state of a cart.
type Status string

// The states.
const (
	Open      Status = "open"
	Completed Status = "completed" // an order was placed from it
	Merged    Status = "merged"    // its lines moved into another cart
)

// Cart is the state after Version events. It is a value: Apply returns a new one and leaves the old one alone.
type Cart struct {
	ID         string
	Version    int64
	Status     Status
	Currency   money.Currency
	Country    string // ISO 3166-1 alpha-2
	Channel    string // of sales, for all its life; "": none
	CustomerID string
	Lines      []Line   // in the order of adding; one per SKU
	Coupons    []string // normal form, in the order of adding
	NextLine   int64    // number of the line that was added last
	MergedFrom []string // carts whose lines came in, also by way of another one, and were not ordered there
	Into       string   // where the lines of a merged cart are
	Moved      []Line   // and which they were
	OrderID    string   // set when completed
	UpdatedAt  time.Time
}

// Line is one SKU in a cart.
type Line struct {
	ID       string
	SKU      string
	Quantity int64 // 1 to MaxQuantity
	Metadata []byte
}

// Refusals. All leave the cart as it is.
var (
	ErrNotFound  = fault.New(fault.NotFound, "cart-not-found", "There is no such cart.")
	ErrLine      = fault.New(fault.NotFound, "line-not-found", "The cart has no such line.")
	ErrCoupon    = fault.New(fault.NotFound, "coupon-not-found", "The cart has no such coupon.")
	ErrCompleted = fault.New(fault.Gone, "cart-completed", "An order was placed from this cart.")
	ErrMerged    = fault.New(fault.Gone, "cart-merged", "This cart was merged into another one.")
	ErrQuantity  = fault.New(fault.Conflict, "quantity-limit", "A line takes at most 9999 pieces.").With("limit", MaxQuantity)
	ErrLines     = fault.New(fault.Conflict, "quantity-limit", "A cart takes at most 500 lines.").With("limit", MaxLines)
	ErrCoupons   = fault.New(fault.Conflict, "coupon-limit", "A cart takes at most 10 coupons.").With("limit", MaxCoupons)
	ErrSelf      = fault.New(fault.Invalid, "validation-failed", "A cart cannot be merged into itself.").
			WithField("body.from_cart_id", "is the cart itself", nil)
)

// Line returns the line with this id.
func (c *Cart) Line(id string) (Line, bool) {
	i := slices.IndexFunc(c.Lines, func(l Line) bool { return l.ID == id })
	if i < 0 {
		return Line{}, false
	}
	return c.Lines[i], true
}

// SKUs returns the SKU of each line, in their order.
func (c *Cart) SKUs() []string {
	skus := make([]string, len(c.Lines))
	for i, l := range c.Lines {
		skus[i] = l.SKU
	}
	return skus
}

func (c *Cart) bySKU(sku string) int {
	return slices.IndexFunc(c.Lines, func(l Line) bool { return l.SKU == sku })
}

// editable refuses a closed cart.
func (c *Cart) editable() error {
	switch c.Status {
	case Completed:
		return ErrCompleted
	case Merged:
		return ErrMerged
	}
	return nil
}
