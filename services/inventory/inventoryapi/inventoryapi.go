// Package inventoryapi is the public contract of inventory: soft holds of a cart, hard allocations of an order, stock levels,
// and the events about them.
//
// A hold is a courtesy with an end: it keeps a shopper from being disappointed. An allocation is the promise: it is refused
// below zero, whatever was held.
package inventoryapi

import "time"

// Topic is where inventory's events are published. The subject of a level event is the SKU, of a hold event the hold id.
const Topic = "inventory"

// Event types of Topic.
const (
	TypeLevelChangedV1 = "inventory.level_changed.v1"
	TypeHoldExpiredV1  = "inventory.hold_expired.v1"
)

// Paths that other services call through their sidecars; {owner} is the cart id, {order} an opaque key of the caller, at most 80
// characters, such as "<order id>-<attempt>".
const (
	PathHolds        = "/v1/internal/holds/"       // PUT, GET, DELETE {owner}
	PathAllocations  = "/v1/internal/allocations/" // PUT, GET, DELETE {order}
	PathAvailability = "/v1/internal/availability" // POST
)

// HoldRequest sets everything that an owner holds, all or nothing: lines that are not named are released, others are
// made or changed to the quantity and expiry given. Repeating it changes nothing. A SKU may stand in one line only.
// Refused: 409 out-of-stock with lines []Shortage; then the owner holds what it held before.
type HoldRequest struct {
	ExpiresAt time.Time  `json:"expires_at"`
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

// Shortage is one line of an out-of-stock answer: what was asked and what could be had.
type Shortage struct {
	SKU       string `json:"sku"`
	Requested int64  `json:"requested"`
	Available int64  `json:"available"`
}

// AllocateRequest takes the stock of an order for good, all or nothing, once per order id: again answers the same
// allocation. Owner's holds become taken in the same transaction. Country prefers locations there.
// Refused: 409 out-of-stock with lines []Shortage; 409 allocation-released when the id was released before, even if it had no
// allocation then; 409 allocation-differs when the id has an allocation of other lines. DELETE answers the allocation, released,
// and an empty released one for an id that has none.
type AllocateRequest struct {
	Owner   string         `json:"owner"`
	Country string         `json:"country,omitempty"`
	Lines   []AllocateLine `json:"lines" minItems:"1" maxItems:"500"`
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

// AllocationPart is a quantity at one location.
type AllocationPart struct {
	LocationID string `json:"location_id"`
	Quantity   int64  `json:"quantity"`
}

// AvailabilityRequest asks for SKUs, AvailabilityAnswer answers those that are known.
type AvailabilityRequest struct {
	SKUs []string `json:"skus" minItems:"1" maxItems:"500"`
}

// AvailabilityAnswer answers an AvailabilityRequest.
type AvailabilityAnswer struct {
	Items []Availability `json:"items"`
}

// Availability is the stock of a SKU over all enabled locations. Available = OnHand − Allocated − Held, never below zero.
type Availability struct {
	SKU       string `json:"sku"`
	OnHand    int64  `json:"on_hand"`
	Allocated int64  `json:"allocated"`
	Held      int64  `json:"held"`
	Available int64  `json:"available"`
}

// LocationInput creates or changes a stock location.
type LocationInput struct {
	Name     string `json:"name"`
	Country  string `json:"country"`
	Region   string `json:"region,omitempty"`
	Postal   string `json:"postal_code,omitempty"`
	Priority int    `json:"priority,omitempty"` // lower is taken first among equals
	Enabled  bool   `json:"enabled"`
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
}

// LevelChangedV1 tells what can be sold of a SKU, holds not counted: Available = on_hand − allocated over all enabled
// locations. At most one a second per SKU.
type LevelChangedV1 struct {
	Sequence  int64  `json:"sequence"`
	SKU       string `json:"sku"`
	OnHand    int64  `json:"on_hand"`
	Allocated int64  `json:"allocated"`
	Available int64  `json:"available"`
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
