package ledger

import (
	"slices"
	"time"
)

// Status is where a transaction stands. Source: "Transaction statuses" of the public documentation.
type Status string

// The statuses that the simulator uses.
const (
	Authorized           Status = "authorized"
	AuthorizationExpired Status = "authorization_expired"
	Submitted            Status = "submitted_for_settlement"
	Settling             Status = "settling"
	Settled              Status = "settled"
	SettlementConfirmed  Status = "settlement_confirmed"
	SettlementDeclined   Status = "settlement_declined"
	SettlementPending    Status = "settlement_pending"
	Voided               Status = "voided"
	ProcessorDeclined    Status = "processor_declined"
	GatewayRejected      Status = "gateway_rejected"
	Failed               Status = "failed"
)

// Kind is "sale" (money in) or "credit" (a refund, money out).
type Kind string

// The two kinds.
const (
	Sale   Kind = "sale"
	Credit Kind = "credit"
)

// Change is one line of a transaction's history.
type Change struct {
	At     time.Time
	Status Status
	Amount int64 // minor units at that moment
	By     string
}

// Transaction is one row of the gateway's books. A stored Transaction is never changed: a step makes a copy.
type Transaction struct {
	ID        string
	Kind      Kind
	Status    Status
	Amount    Money // what is authorised, or once submitted what is to be settled
	Authorize int64 // minor units first authorised; 0 on declines and credits
	OrderID   string
	Account   string // merchant account id
	Channel   string
	PONumber  string
	TaxAmount string // as sent
	TaxExempt bool
	Device    string

	Method    Method
	Token     string // vault token, when the method is stored
	Customer  *Customer
	Billing   *Address
	Shipping  *Address
	Fields    []Field
	Statement *Descriptor

	Created, Updated time.Time
	AuthExpires      time.Time // zero unless authorised
	History          []Change

	Processor Response
	AuthCode  string
	Rejection string // gateway rejection reason
	BatchID   string // set by settlement
	Disbursed string // day on which the money was paid out
	CVV       string // answer of the bank to the security code
	AVS       AVS    // its answers to the billing address

	RefundIDs    []string // credits made from this sale
	Refunds      string   // on a credit: the sale it refunds
	PartIDs      []string // on a parent authorisation: its partial settlements
	AuthorizedBy string   // on a partial settlement: its parent
}

// Response is what the processor said. Type is approved, soft_declined or hard_declined.
type Response struct{ Code, Text, Type, Additional string }

// AVS is what the bank says of the billing address: M matches, N does not, U not verified, S not supported, I not provided, A not
// applicable. Error is E when the check itself failed.
type AVS struct{ Postal, Street, Error string }

// Address is a postal address as the gateway takes and gives it.
type Address struct {
	FirstName, LastName, Company, Street, Extended, Locality, Region, PostalCode, CountryAlpha2 string
}

// Customer is what a sale said of its customer; ID is set once the method was vaulted.
type Customer struct{ ID, FirstName, LastName, Company, Email, Phone string }

// Field is a custom field.
type Field struct{ Name, Value string }

// Descriptor is what the cardholder reads on the statement.
type Descriptor struct{ Name, Phone, URL string }

// Vaulted is a stored payment method.
type Vaulted struct {
	Token      string
	CustomerID string
	Method     Method
	Default    bool
	Created    time.Time
	Updated    time.Time
	Deleted    bool
}

// next copies the transaction into another status and writes its history.
func (t *Transaction) next(to Status, by string, now time.Time) *Transaction {
	n := *t
	n.Status, n.Updated = to, now
	n.History = append(slices.Clip(slices.Clone(t.History)), Change{At: now, Status: to, Amount: n.Amount.Minor, By: by})
	return &n
}

// Succeeded tells whether the sale got its authorisation (or the credit was taken).
func (t *Transaction) Succeeded() bool {
	return !slices.Contains([]Status{ProcessorDeclined, GatewayRejected, Failed}, t.Status)
}

// Captured is how much of this transaction is on its way or settled, in minor units: 0 before submission, after a void or a
// decline, on a parent of partial settlements (its parts count) and on credits.
func (t *Transaction) Captured() int64 {
	if t.Kind != Sale || len(t.PartIDs) > 0 {
		return 0
	}
	switch t.Status {
	case Submitted, Settling, Settled, SettlementConfirmed, SettlementPending:
		return t.Amount.Minor
	}
	return 0
}

// Message is what the gateway answers beside a transaction that did not succeed.
func (t *Transaction) Message() string {
	if t.Status == GatewayRejected {
		return "Gateway Rejected: " + t.Rejection
	}
	return t.Processor.Text
}

// live says that money is or may still be moved by it: it counts against what can be refunded or settled.
func (t *Transaction) live() bool {
	return t.Status != Voided && t.Status != SettlementDeclined && t.Succeeded()
}
