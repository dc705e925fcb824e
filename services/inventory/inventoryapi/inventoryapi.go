// Package inventoryapi is the public contract of inventory: soft holds of a cart, hard allocations of an order, stock levels,
// and the events about them.
//
// A hold is a courtesy with an end: it keeps a shopper from being disappointed. An allocation is the promise: it is refused
// below zero, whatever was held.
package inventoryapi

import (
	"strings"
	"time"
)

// Topic is where inventory's events are published. The subject of what is told of a SKU is the SKU; of a hold, the hold id; of a filled
// backorder, "<allocation id>:<sku>".
const Topic = "inventory"

// Event types of Topic.
const (
	TypeLevelChangedV1    = "inventory.level_changed.v1"
	TypeLowStockV1        = "inventory.low_stock.v1"
	TypeBackInStockV1     = "inventory.back_in_stock.v1"
	TypeBackorderFilledV1 = "inventory.backorder_filled.v1"
	TypeHoldExpiredV1     = "inventory.hold_expired.v1"
)

// What a shopper is told of a SKU.
const (
	StatusInStock    = "in_stock"
	StatusLowStock   = "low_stock"
	StatusBackorder  = "backorder" // none on a shelf, but it can be ordered
	StatusPreorder   = "preorder"  // the same before its release
	StatusOutOfStock = "out_of_stock"
)

// The kinds of an AllocationPart.
const (
	PartStock     = "stock"     // taken from the shelf
	PartBackorder = "backorder" // owed until goods come
	PartPreorder  = "preorder"  // owed until the release
)

// Paths that other services call through their sidecars; {owner} is the cart id, {order} an opaque key of the caller, at most 80
// characters, such as "<order id>-<attempt>".
const (
	PathHolds        = "/v1/internal/holds/"       // PUT, GET, DELETE {owner}
	PathHoldOwners   = "/v1/internal/hold-owners"  // GET
	PathAllocations  = "/v1/internal/allocations/" // PUT, GET, DELETE {order}
	PathAvailability = "/v1/internal/availability" // POST
	PathTold         = "/v1/internal/levels"       // GET ?after=&limit=, for a service that keeps a replica and missed something
)

// HoldRequest sets everything that an owner holds, all or nothing: lines that are not named are released, others are
// made or changed to the quantity and expiry given. Repeating it changes nothing. A SKU may stand in one line only.
// Refused: 409 out-of-stock with lines []Shortage, or quantity-limit with lines []OverLimit; then the owner holds what it held before.
type HoldRequest struct {
	ExpiresAt time.Time  `json:"expires_at"`
	Customer  string     `json:"customer,omitempty" maxLength:"320" doc:"Whose limits count; empty while nobody knows"`
	Lines     []HoldLine `json:"lines" maxItems:"500"`
}

// HoldLine is one SKU with the quantity wanted.
type HoldLine struct {
	SKU      string `json:"sku"`
	Quantity int64  `json:"quantity" minimum:"1" maximum:"1000000"`
}

// Holds is what an owner holds now.
type Holds struct {
	Owner string `json:"owner"`
	Holds []Hold `json:"holds"`
}

// Hold is one SKU held until ExpiresAt. Its id is "<owner>:<sku>".
type Hold struct {
	ID        string    `json:"id"`
	SKU       string    `json:"sku"`
	Quantity  int64     `json:"quantity"`
	ExpiresAt time.Time `json:"expires_at"`
}

// HoldOwners are the owners of holds that count now and end before a time, in their order; the next ones come after the last one named, until
// none are.
type HoldOwners struct {
	Owners []string `json:"owners"`
}

// Shortage is one line of an out-of-stock answer: what was asked and what could be had.
type Shortage struct {
	SKU       string `json:"sku"`
	Requested int64  `json:"requested"`
	Available int64  `json:"available"`
}

// AllocateRequest takes the stock of an order for good, all or nothing, once per order id: again answers the same
// allocation. Owner's holds become taken in the same transaction. Country prefers locations there; Region and Postal those that are near,
// in a shop that routes so.
// Refused: 409 out-of-stock with lines []Shortage; 409 quantity-limit with lines []OverLimit; 409 allocation-released when the id was released before, even if it had no
// allocation then; 409 allocation-differs when the id has an allocation of other lines. DELETE answers the allocation, released,
// and an empty released one for an id that has none.
type AllocateRequest struct {
	Owner    string         `json:"owner"`
	Customer string         `json:"customer,omitempty" maxLength:"320" doc:"Whose limits count"`
	Country  string         `json:"country,omitempty"`
	Region   string         `json:"region,omitempty" maxLength:"100" doc:"With postal_code, where in the country; nothing of it is kept"`
	Postal   string         `json:"postal_code,omitempty" maxLength:"20"`
	Lines    []AllocateLine `json:"lines" minItems:"1" maxItems:"500"`
}

// ReviseRequest makes an allocation that of an edited order, PUT {order}/lines: Lines are all that it has afterwards. What a line has more
// is taken as for a new order, all or nothing; what it has less, and what is not named, is given back as it was taken. Edition counts up from
// 1 with each call that means something else: again with the same one answers the allocation as it is, a lower one is 409 edition-passed.
// Refused otherwise as AllocateRequest is; 404 allocation-not-found.
type ReviseRequest struct {
	Edition  int64          `json:"edition" minimum:"1"`
	Customer string         `json:"customer,omitempty" maxLength:"320" doc:"Whose limits count"`
	Country  string         `json:"country,omitempty"`
	Region   string         `json:"region,omitempty" maxLength:"100"`
	Postal   string         `json:"postal_code,omitempty" maxLength:"20"`
	Lines    []AllocateLine `json:"lines" minItems:"1" maxItems:"500"`
}

// Customer is how inventory knows a customer: by the account, else by the address. It keeps a hash of it alone.
func Customer(id, email string) string {
	if id != "" {
		return id
	}
	return strings.ToLower(strings.TrimSpace(email))
}

// OverLimit is one line of a quantity-limit answer: what a customer may have in the sale window, has had, and asked for.
type OverLimit struct {
	SKU       string `json:"sku"`
	Limit     int64  `json:"limit"`
	Had       int64  `json:"had"`
	Requested int64  `json:"requested"`
}

// AllocateLine is one order line; several lines may name one SKU.
type AllocateLine struct {
	LineID   string `json:"line_id"`
	SKU      string `json:"sku"`
	Quantity int64  `json:"quantity" minimum:"1" maximum:"1000000"`
}

// Allocation tells from which locations each line comes.
type Allocation struct {
	OrderID  string           `json:"order_id"`
	Status   string           `json:"status" enum:"allocated,released"`
	Lines    []AllocationLine `json:"lines"`
	Released *time.Time       `json:"released_at,omitempty"`
}

// AllocationLine is a line with its parts, Σ parts = its quantity.
type AllocationLine struct {
	LineID   string           `json:"line_id"`
	SKU      string           `json:"sku"`
	Quantity int64            `json:"quantity"`
	Parts    []AllocationPart `json:"parts"`
}

// AllocationPart is a quantity at one location: taken from its shelf, or owed by it. ShipsAt is when it can ship at the earliest, where
// that is known.
type AllocationPart struct {
	LocationID string     `json:"location_id"`
	Quantity   int64      `json:"quantity"`
	Kind       string     `json:"kind" enum:"stock,backorder,preorder"`
	ShipsAt    *time.Time `json:"ships_at,omitempty"`
	Lot        string     `json:"lot,omitempty" doc:"Of which lot it was taken; missing: of none"`
}

// AvailabilityRequest asks for SKUs, AvailabilityAnswer answers those that are known.
type AvailabilityRequest struct {
	SKUs []string `json:"skus" minItems:"1" maxItems:"500"`
}

// AvailabilityAnswer answers an AvailabilityRequest.
type AvailabilityAnswer struct {
	Items []Availability `json:"items"`
}

// Availability is a SKU over all enabled locations. InStock can be sold from shelves (safety stock stays, what is owed comes first),
// Available counts what may be owed too; both are without what is held, and never below zero.
type Availability struct {
	SKU       string     `json:"sku"`
	OnHand    int64      `json:"on_hand"`
	Allocated int64      `json:"allocated"`
	Owed      int64      `json:"owed"`
	Held      int64      `json:"held"`
	InStock   int64      `json:"in_stock"`
	Available int64      `json:"available"`
	ShipsAt   *time.Time `json:"ships_at,omitempty" doc:"of what is beyond in_stock, where it is known"`
}

// LocationInput creates or changes a stock location.
type LocationInput struct {
	Name     string `json:"name"`
	Country  string `json:"country"`
	Region   string `json:"region,omitempty"`
	Postal   string `json:"postal_code,omitempty"`
	Priority int    `json:"priority,omitempty"` // lower is taken first among equals
	Enabled  bool   `json:"enabled"`

	Latitude  *float64 `json:"latitude,omitempty" minimum:"-90" maximum:"90" doc:"In degrees; with longitude or not at all"`
	Longitude *float64 `json:"longitude,omitempty" minimum:"-180" maximum:"180"`
}

// StockInput books goods in (receive), corrects by a difference (adjust) or sets what was counted (count).
// Reference makes it idempotent: a reference is booked once. All lines or none.
type StockInput struct {
	Reference string      `json:"reference" minLength:"1" maxLength:"100"`
	Reason    string      `json:"reason,omitempty"`
	Lines     []StockLine `json:"lines" minItems:"1" maxItems:"1000"`
}

// StockLine is a quantity of a SKU at a location: received (> 0), the difference (≠ 0), or the count (≥ 0).
type StockLine struct {
	SKU        string `json:"sku"`
	LocationID string `json:"location_id"`
	Quantity   int64  `json:"quantity"`
	Lot        string `json:"lot,omitempty" maxLength:"64" doc:"Of which lot; missing: of what is in none"`
	ExpiresOn  string `json:"expires_on,omitempty" format:"date" doc:"Of a receipt: the last day on which the lot is sold, in UTC"`
}

// Lot is what a place has of a lot.
type Lot struct {
	Lot       string `json:"lot"`
	ExpiresOn string `json:"expires_on" format:"date"`
	OnHand    int64  `json:"on_hand"`
	Allocated int64  `json:"allocated"`
}

// TermsInput says how much of what lies at a location is for sale and how much may be owed beyond it, for up to 1,000 places, all or
// none. A place that is not there yet is made, without stock.
type TermsInput struct {
	Lines []TermsLine `json:"lines" minItems:"1" maxItems:"1000"`
}

// TermsLine are the terms of a SKU at a location; what is left out is zero. Before ReleaseAt nothing is taken from the shelf and up to
// PreorderLimit pieces are owed. From then on safety stock is never sold, and when the rest is gone up to BackorderLimit pieces are owed.
type TermsLine struct {
	SKU              string     `json:"sku"`
	LocationID       string     `json:"location_id"`
	SafetyStock      int64      `json:"safety_stock,omitempty"`
	BackorderLimit   int64      `json:"backorder_limit,omitempty"`
	BackorderShipsAt *time.Time `json:"backorder_ships_at,omitempty"`
	PreorderLimit    int64      `json:"preorder_limit,omitempty"`
	ReleaseAt        *time.Time `json:"release_at,omitempty"`
}

// RuleInput says when a SKU counts as low, with LowAt pieces in stock or fewer until there are LowUntil again, and how much of it one
// customer may have.
type RuleInput struct {
	LowAt       int64        `json:"low_at" minimum:"0"`
	LowUntil    int64        `json:"low_until" minimum:"1"`
	PerCustomer *PerCustomer `json:"per_customer,omitempty"`
}

// PerCustomer is how many pieces of a SKU one customer may have in all orders of a sale window; a window without an end is open there.
type PerCustomer struct {
	Quantity int64      `json:"quantity" minimum:"1"`
	From     *time.Time `json:"from,omitempty"`
	Until    *time.Time `json:"until,omitempty"`
}

// TransferInput plans to bring goods from one location to another. A SKU may stand in one line only.
type TransferInput struct {
	From  string         `json:"from"`
	To    string         `json:"to"`
	Note  string         `json:"note,omitempty"`
	Lines []TransferLine `json:"lines" minItems:"1" maxItems:"1000"`
}

// TransferLine is a quantity of a SKU.
type TransferLine struct {
	SKU      string `json:"sku"`
	Quantity int64  `json:"quantity"`
	Lot      string `json:"lot,omitempty" maxLength:"64" doc:"Of a plan: which lot travels; missing: what is in none"`
}

// TransferReceiptInput books what has come of a transfer, once per reference. Last says that nothing more is awaited: what is missing
// then is lost.
type TransferReceiptInput struct {
	Reference string         `json:"reference" minLength:"1" maxLength:"100"`
	Lines     []TransferLine `json:"lines,omitempty" maxItems:"1000"`
	Last      bool           `json:"last,omitempty"`
}

// Told answers PathTold in the order of SKUs: of each what its last event said. Next is the after of the next page; empty: there is none.
type Told struct {
	Items []LevelChangedV1 `json:"items"`
	Next  string           `json:"next,omitempty"`
}

// LevelChangedV1 tells what can be sold of a SKU over all enabled locations, holds not counted: InStock from shelves, Available with
// what may be owed. At most one a second per SKU.
type LevelChangedV1 struct {
	Sequence  int64      `json:"sequence"`
	SKU       string     `json:"sku"`
	OnHand    int64      `json:"on_hand"`
	Allocated int64      `json:"allocated"`
	Owed      int64      `json:"owed"`
	InStock   int64      `json:"in_stock"`
	Available int64      `json:"available"`
	Status    string     `json:"status"`             // Status…
	ShipsAt   *time.Time `json:"ships_at,omitempty"` // of what is beyond InStock, where it is known
}

// LowStockV1 tells that little is left of a SKU: once, until there is enough again.
type LowStockV1 struct {
	Sequence  int64  `json:"sequence"`
	SKU       string `json:"sku"`
	InStock   int64  `json:"in_stock"`
	Threshold int64  `json:"threshold"`
}

// BackInStockV1 tells that a SKU that could not be had can be had again.
type BackInStockV1 struct {
	Sequence  int64      `json:"sequence"`
	SKU       string     `json:"sku"`
	Available int64      `json:"available"`
	Status    string     `json:"status"` // Status…
	ShipsAt   *time.Time `json:"ships_at,omitempty"`
}

// BackorderFilledV1 tells that pieces which a location owed an allocation now lie on its shelf for it.
type BackorderFilledV1 struct {
	Sequence     int64  `json:"sequence"`
	AllocationID string `json:"allocation_id"`
	Owner        string `json:"owner"`
	LineID       string `json:"line_id"`
	SKU          string `json:"sku"`
	LocationID   string `json:"location_id"`
	Quantity     int64  `json:"quantity"`
}

// HoldExpiredV1 tells that a hold ended by time. Owner is the cart id.
type HoldExpiredV1 struct {
	Sequence  int64     `json:"sequence"`
	HoldID    string    `json:"hold_id"`
	Owner     string    `json:"owner"`
	SKU       string    `json:"sku"`
	Quantity  int64     `json:"quantity"`
	ExpiredAt time.Time `json:"expired_at"`
}
