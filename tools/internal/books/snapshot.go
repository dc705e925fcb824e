package books

import "time"

// Snapshot is everything that is compared.
type Snapshot struct {
	At      time.Time
	Gateway bool // Transactions were read

	Levels      []Level
	Stocked     []SKUCount
	Allocations []Allocation

	Orders    []Order
	Doubles   []Double
	Checkouts []Checkout

	Payments     []Payment
	Credits      []Credit
	Operations   []Operation
	Transactions []Transaction

	Broken []Violation // what the books of one service say against themselves

	Unsent   []Unsent
	Told     []Told                      // the last sequence of each subject that somebody must know
	Consumed map[string]map[string]int64 // subscription ("cart ← catalog") → subject → what it knows
	Coupons  []Use                       // placed orders with promotions, and whether pricing counted them
	Counted  map[string]bool             // event ids that pricing counted
	Closed   map[string]string           // cart → its status
	Expired  []Expired                   // holds whose end was told
}

// Level is the stock of a SKU at a location, as four books have it.
type Level struct {
	SKU, Location                             string
	OnHand, Allocated, Owed, MayOwe           int64
	LedgerOnHand, LedgerAllocated, LedgerOwed int64
	Reserved, ReservedOwed                    int64
}

// SKUCount is how much of a SKU was ever booked in, corrections included.
type SKUCount struct {
	SKU      string
	Quantity int64
}

// Allocation is what inventory holds for an attempt of an order; Lines by SKU.
type Allocation struct {
	ID, Status string
	At         time.Time // of the last change
	Lines      map[string]int64
}

// Order is an order as order has it.
type Order struct {
	ID, Checkout, Cart, State string
	Attempt                   int
	Currency                  string
	Total, Captured, Returned int64 // Total is what was to be paid: edits that made it cost less gave the difference back
	Placed                    bool
	At                        time.Time // of the last change
	Lines                     map[string]int64
	Unpaid                    bool  // the bank did not pay what was captured
	Charged                   int64 // of Captured: by payments of edits that made it cost more
}

// Double is what must be there once and is there more often.
type Double struct {
	What, ID string
	N        int64
}

// Checkout is a session.
type Checkout struct {
	ID, Cart, Order, Status, Hold string
	HoldUntil, At                 time.Time
}

// Payment is an attempt to pay, as payment has it.
type Payment struct {
	ID, Order, Status, Currency            string
	Attempt                                int
	Amount, Authorised, Captured, Refunded int64
	Transaction                            string
	At                                     time.Time
	InReview                               bool // people have yet to decide whether it is captured, and have time for it

	Credit, CreditCaptured, CreditRefunded int64 // the parts that are gift cards and store credit
	Held, Net                              int64 // what it uses of them: reserved, captured less refunded
	Converted, Issued                      int64 // refunded as store credit, and what credit was issued for it
	PartsNet                               int64 // of what was captured in parts: captured less refunded
	Split                                  bool  // it is captured in parts
}

// Credit is a gift card or store credit, with what its ledger and the payments say.
type Credit struct {
	ID                                             string
	Balance, Held, LedgerBalance, LedgerHeld, Used int64
}

// Operation is one on money whose outcome nobody knows.
type Operation struct {
	ID, Payment, Kind string
	At                time.Time
}

// Transaction is one in the gateway's own books.
type Transaction struct {
	ID, Type, Status, Payment, Currency string
	Authorised, Captured, Refunded      int64
	Parts                               int // captured by themselves; Captured and Refunded are theirs
	At                                  time.Time
}

// Unsent is a service's outbox with events that wait.
type Unsent struct {
	Service, Topic, Subject, Type string
	At                            time.Time
}

// Told is how far the events of a subject have gone.
type Told struct {
	Topic, Subject string
	Sequence       int64
	At             time.Time // of the last event; zero: long ago
}

// Use is an order that used promotions.
type Use struct {
	Event, Order string
	At           time.Time
}

// Expired is a hold whose end was announced.
type Expired struct {
	Cart, SKU string
	Until, At time.Time
}
