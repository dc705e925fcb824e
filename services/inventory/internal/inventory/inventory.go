// Package inventory is the core of stock: what a turn of holds decides, how an order is spread over locations, what a
// booking of goods does to the levels. Values in, values out; whoever calls it holds the locks.
//
// The two promises differ. A hold keeps a shopper from being disappointed and ends by the clock; an allocation is taken from
// the levels and refused below zero, whatever was held.
package inventory

import (
	"regexp"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
)

// Limits of input.
const (
	MaxLines    = 500               // of a hold request or an order
	MaxQuantity = 1_000_000         // of a line
	MaxBooking  = 1000              // lines of one booking
	MaxStock    = 1_000_000_000_000 // of one SKU at one location, so that no sum overflows
)

var (
	skuForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
	idForm  = regexp.MustCompile(`^[A-Za-z0-9._~:-]{1,80}$`)
)

// ValidSKU says whether a SKU can exist.
func ValidSKU(s string) bool { return skuForm.MatchString(s) }

// ValidID says whether the id of an owner, a line or an allocation can exist. It is the caller's; inventory reads nothing in it.
func ValidID(s string) bool { return idForm.MatchString(s) }

// ErrOutOfStock refuses a hold or an allocation; its member "lines" names every shortage.
var ErrOutOfStock = fault.New(fault.Conflict, "out-of-stock", "There is not enough stock.")

// Shortage is what was asked of a SKU and what could be had.
type Shortage struct {
	SKU                  string
	Requested, Available int64
}

// OutOfStock is ErrOutOfStock with every shortage under "lines".
func OutOfStock(short []Shortage) error {
	lines := make([]map[string]any, len(short))
	for i, s := range short {
		lines[i] = map[string]any{"sku": s.SKU, "requested": s.Requested, "available": s.Available}
	}
	return ErrOutOfStock.With("lines", lines)
}

// Hold is a quantity of a SKU that an owner (a cart) holds until ExpiresAt.
type Hold struct {
	Owner, SKU string
	Quantity   int64
	ExpiresAt  time.Time
}

// HoldID is the public id of an owner's hold of a SKU.
func HoldID(owner, sku string) string { return owner + ":" + sku }

// ID is HoldID of the hold.
func (h Hold) ID() string { return HoldID(h.Owner, h.SKU) }

// Level is the stock of a SKU at a location: what lies there, what of it orders have taken, and what the location owes beyond it.
type Level struct {
	SKU, LocationID         string
	OnHand, Allocated, Owed int64
	Terms
	Site           // of the location
	Priority int   // of the location, lower first
	Lots     []Lot // what expires first comes first; none: nothing here bears a lot
}

// Available is a SKU over all enabled locations.
type Available struct {
	SKU                           string
	OnHand, Allocated, Owed, Held int64
	Stock, Promise                int64     // what can be sold from the shelf, and beyond it, holds not counted
	ShipsAt                       time.Time // the earliest of what would be owed; zero: not known
	Preorder                      bool      // what would be owed waits for its release
}

// Free is what a shopper without a hold can have; never below zero.
func (a Available) Free() int64 { return max(a.Stock+a.Promise-a.Held, 0) }
