package inventoryapi

import "time"

// Snapshot is the stock as it was at a moment.
type Snapshot struct {
	Name   string    `json:"name,omitempty"` // empty: now
	At     time.Time `json:"at"`
	Actor  string    `json:"actor,omitempty"`
	Levels int64     `json:"levels"`
}

// Stand is a level at a moment, or what was added to it.
type Stand struct {
	OnHand    int64 `json:"on_hand"`
	Allocated int64 `json:"allocated"`
	Owed      int64 `json:"owed"`
}

// Moved is what entries of one kind in the ledger have added, and the latest twenty of what they were written for: the allocations of orders
// ("<order id>-<attempt>"), bookings, transfers.
type Moved struct {
	Entries int64 `json:"entries"`
	Stand
	References []string `json:"references,omitempty"`
}

// LevelDifference is what happened to a level between two moments, by kind of the ledger's entries. What is unexplained is damage: it is
// zero, or reconcile will say so too.
type LevelDifference struct {
	SKU         string           `json:"sku"`
	LocationID  string           `json:"location_id"`
	Before      Stand            `json:"before"`
	After       Stand            `json:"after"`
	Moves       map[string]Moved `json:"moves"`
	Unexplained Stand            `json:"unexplained"`
}

// HoldDifference is what carts hold of a SKU at two moments.
type HoldDifference struct {
	SKU          string `json:"sku"`
	Before       int64  `json:"before"`
	After        int64  `json:"after"`
	OwnersBefore int64  `json:"owners_before"`
	OwnersAfter  int64  `json:"owners_after"`
}

// Comparison is two moments side by side; only what differs is named.
type Comparison struct {
	From   Snapshot          `json:"from"`
	To     Snapshot          `json:"to"`
	Levels []LevelDifference `json:"levels"`
	Holds  []HoldDifference  `json:"holds"`
}

// ReconcileInput asks for a recount. Repair makes what differs what it should be. Lots that are missing come back with it on their last days.
type ReconcileInput struct {
	Repair bool         `json:"repair,omitempty"`
	Lots   []MissingLot `json:"lots,omitempty" maxItems:"1000" doc:"Of lots that are missing, what nobody else knows"`
}

// MissingLot is the last day of a lot of which ledger or orders tell, and which is not there.
type MissingLot struct {
	SKU        string `json:"sku"`
	LocationID string `json:"location_id"`
	Lot        string `json:"lot"`
	ExpiresOn  string `json:"expires_on" doc:"The last day on which it is sold, such as 2027-01-31"`
}

// Reconciliation names up to 1,000 faults; none is as it should be.
type Reconciliation struct {
	Faults []StockFault `json:"faults"`
}

// StockFault is a level or a lot that is not the sum of its ledger and its living reservations, or ("holds") a held total that is not the sum of
// the holds: then is.on_hand is the total and ledger.on_hand the sum. A fault of lots without a lot is a level that has less than its lots, which
// ledger and reserved sum up. What is not repaired promises more than there is: count it; or it is a lot that is missing: say its last day.
type StockFault struct {
	What       string `json:"what" enum:"level,holds,lot"`
	SKU        string `json:"sku"`
	LocationID string `json:"location_id,omitempty"`
	Lot        string `json:"lot,omitempty"`
	Missing    bool   `json:"missing,omitempty" doc:"A lot that is not there any more, and comes back with its last day alone"`
	Is         Stand  `json:"is"`
	Ledger     Stand  `json:"ledger"`
	Reserved   Stand  `json:"reserved"`
	Repaired   bool   `json:"repaired"`
}
