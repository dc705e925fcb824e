// Package paymentapi is the public contract of payment: operations on money that run at most once, and the events about them.
//
// Every operation has an id of the caller's. Asking again with the same id never sends a second one: payment answers what
// became of the first, and while nobody knows that, it looks the outcome up at the gateway and answers "pending".
package paymentapi

import (
	"time"

	"github.com/sidecart/sidecart/pkg/money"
)

// Topic is where payment's events are published. The subject is the payment id, "<order id>-<attempt>".
const Topic = "payment"

// Event types of Topic: money that went back, because order asked for it or because staff did. What only order asks for, order
// itself tells of: order.placed, order.attempt_failed, order.confirmed.
const (
	TypeVoidedV1   = "payment.voided.v1"
	TypeRefundedV1 = "payment.refunded.v1"
)

// Event types of Topic: what the gateway tells of by itself.
const (
	TypeDisputeOpenedV1 = "payment.dispute_opened.v1"
	TypeDisputeClosedV1 = "payment.dispute_closed.v1"

	TypeSettlementDeclinedV1 = "payment.settlement_declined.v1"
)

// Paths that other services call through their sidecars; all POST but PathPayments.
const (
	PathAuthorise   = "/v1/internal/payments/authorise"
	PathCapture     = "/v1/internal/payments/capture"
	PathVoid        = "/v1/internal/payments/void"
	PathRefund      = "/v1/internal/payments/refund"
	PathClientToken = "/v1/internal/payments/client-token"
	PathPayments    = "/v1/internal/payments/by-order/"  // GET {order id}
	PathTransfers   = "/v1/internal/payments/transfers/" // GET {order id}?country=: Transfer, for the storefront
	PathOpen        = "/v1/internal/payments/open"       // GET ?older_than_seconds=60: Payments whose money is there, for reconciling
)

// FirstRepeat is the attempt from which payments are like another one.
const FirstRepeat = 1_000_000

// AuthoriseRequest reserves an amount. PaymentID is "<order id>-<attempt>" and is the gateway's order id. Of Nonce and MethodID one is
// set, or none when GiftCards and StoreCredit cover the amount; with them the gateway is asked for the rest. A request in which any text holds a card number is refused and not logged.
type AuthoriseRequest struct {
	OperationID string       `json:"operation_id"`
	PaymentID   string       `json:"payment_id"`
	OrderID     string       `json:"order_id"`
	Attempt     int          `json:"attempt"`
	Amount      money.Amount `json:"amount"`
	Nonce       string       `json:"payment_method_nonce,omitempty"`
	MethodID    string       `json:"payment_method_id,omitempty"`
	DeviceData  string       `json:"device_data,omitempty"`
	CustomerID  string       `json:"customer_id,omitempty"`                                            // of a signed-in shopper; needed with MethodID, which must be theirs
	Provider    string       `json:"payment_provider,omitempty" enum:"bank_transfer,cash_on_delivery"` // in place of Nonce and MethodID
	Country     string       `json:"country,omitempty"`                                                // where it is sent, for what is offered there
	Channel     string       `json:"channel,omitempty" maxLength:"64"`                                 // of sales, for what is offered there
	GiftCards   []string     `json:"gift_cards,omitempty"`                                             // codes, used in their order
	StoreCredit bool         `json:"store_credit,omitempty"`                                           // of CustomerID, after gift cards
	Shopper     *Shopper     `json:"shopper,omitempty"`                                                // for the bank's checks and the risk rules
	Like        string       `json:"like,omitempty"`                                                   // in place of all means: a captured payment of the order, whose means are charged once more; Attempt from FirstRepeat on
}

// MoneyRequest captures or refunds an amount of a payment, or voids it (Amount nil). Amount nil captures or refunds the whole.
type MoneyRequest struct {
	OperationID  string        `json:"operation_id"`
	PaymentID    string        `json:"payment_id"`
	Amount       *money.Amount `json:"amount,omitempty"`
	FinalCapture *bool         `json:"final_capture,omitempty"` // of a capture; false: others follow, and the rest stays authorised
	Reason       string        `json:"reason,omitempty"`
}

// The outcomes of an operation.
const (
	Succeeded = "succeeded"
	Declined  = "declined" // the gateway or the bank said no; see DeclineCode, Retryable
	Failed    = "failed"   // surely nothing happened (never arrived, or absent past the time of belief); may be tried again as a new operation
	Pending   = "pending"  // not known yet; ask again with the same operation id after RetryAfterMS
)

// Decline codes that are payment's own, not the gateway's.
const (
	DeclineSettled       = "settled"                // of a void: the money has moved, refund it instead
	DeclineNotRepeatable = "payment-not-repeatable" // of an authorisation like another payment: its means cannot be charged once more
	DeclineNotSettled    = "not-settled"            // of a part refund: Braintree refunds only what is settled
)

// Result is the outcome of an operation as far as it is known.
type Result struct {
	OperationID   string       `json:"operation_id"`
	PaymentID     string       `json:"payment_id"`
	Outcome       string       `json:"outcome" enum:"succeeded,declined,failed,pending"`
	Amount        money.Amount `json:"amount"`
	TransactionID string       `json:"transaction_id,omitempty"` // the gateway's
	DeclineCode   string       `json:"decline_code,omitempty"`
	Retryable     bool         `json:"retryable,omitempty"`
	Message       string       `json:"message,omitempty"`
	CreditID      string       `json:"credit_id,omitempty"`             // the store credit that a refund became
	Review        string       `json:"review,omitempty" enum:"pending"` // staff have not decided yet; a capture is pending meanwhile
	ReviewUntil   *time.Time   `json:"review_until,omitempty"`          // of one that is pending: then it ends by itself
	RetryAfterMS  int64        `json:"retry_after_ms,omitempty"`
	OccurredAt    time.Time    `json:"occurred_at"`
}

// ClientTokenRequest asks for what a browser needs to collect a card, and by what else an amount may be paid. No merchant account for the
// currency, and nothing else is offered: 422 currency-not-supported. With Provider only that one is told of, or none, and no token is made.
type ClientTokenRequest struct {
	Currency string        `json:"currency"`
	Amount   *money.Amount `json:"amount,omitempty"`                 // nil: whatever it will be
	Country  string        `json:"country,omitempty"`                // where it is sent
	Channel  string        `json:"channel,omitempty" maxLength:"64"` // of sales

	PaymentFee money.Amount `json:"payment_fee,omitzero"`                                                       // of Amount: what the provider that is chosen costs
	Provider   string       `json:"payment_provider,omitempty" enum:"braintree,bank_transfer,cash_on_delivery"` // that is asked about
}

// ClientToken answers a ClientTokenRequest.
type ClientToken struct {
	Provider    string  `json:"provider"` // the first that is offered
	ClientToken string  `json:"client_token"`
	Providers   []Offer `json:"providers"`
}

// The providers that are people.
const (
	BankTransfer   = "bank_transfer"
	CashOnDelivery = "cash_on_delivery"
)

// Offer is a way to pay that is offered.
type Offer struct {
	Provider         string `json:"provider" enum:"braintree,bank_transfer,cash_on_delivery"`
	PayWithinSeconds int64  `json:"pay_within_seconds,omitempty"` // of bank transfers: how long the money is waited for
	PayTo            string `json:"pay_to,omitempty"`             // of bank transfers: the account; the order's number is the reference

	Fee money.Amount `json:"fee,omitzero" doc:"What choosing it adds to the cost of shipping, before taxes where prices are"`
}

// Transfer is a bank transfer that is awaited: what shoppers are told. The order's number is the reference.
type Transfer struct {
	Amount money.Amount `json:"amount"`
	PayTo  string       `json:"pay_to" doc:"The account; empty when transfers are offered there no longer"`
	PayBy  time.Time    `json:"pay_by" doc:"Then the order is cancelled"`
}

// ManualMoney is what staff record of a bank transfer or of cash on delivery.
type ManualMoney struct {
	Outcome   string `json:"outcome" enum:"received,refused"`
	Reference string `json:"reference,omitempty" maxLength:"255"`
}

// The states of a payment, a pure fold over its events.
const (
	StatusAuthorising = "authorising"
	StatusAuthorised  = "authorised"
	StatusDeclined    = "declined"
	StatusFailed      = "failed"
	StatusCaptured    = "captured"
	StatusVoided      = "voided"
	StatusRefunded    = "refunded"

	StatusPartiallyCaptured  = "partially_captured"  // the rest is still authorised
	StatusSettlementDeclined = "settlement_declined" // captured, and the bank did not pay
)

// Payment is one attempt to pay an order.
type Payment struct {
	ID            string        `json:"id"`
	OrderID       string        `json:"order_id"`
	Attempt       int           `json:"attempt"`
	Status        string        `json:"status"`
	Provider      string        `json:"provider"`
	Amount        money.Amount  `json:"amount"`
	Authorised    money.Amount  `json:"authorised"`
	Captured      money.Amount  `json:"captured"`
	Refunded      money.Amount  `json:"refunded"`
	Pending       bool          `json:"pending,omitempty"` // an operation on it has no answer yet
	TransactionID string        `json:"transaction_id,omitempty"`
	CreatedAt     time.Time     `json:"created_at"`
	UpdatedAt     time.Time     `json:"updated_at"`
	Like          string        `json:"like,omitempty"`       // the payment whose means it charges once more
	SettledAt     *time.Time    `json:"settled_at,omitempty"` // when we learnt that the bank has paid
	Checks        *Checks       `json:"checks,omitempty"`
	Review        string        `json:"review,omitempty" enum:"pending,approved,rejected,expired,needless"`
	ReviewRule    string        `json:"review_rule,omitempty"`
	ReviewUntil   *time.Time    `json:"review_until,omitempty"`
	AsCredit      *money.Amount `json:"refunded_as_store_credit,omitempty"` // of Refunded: it did not go back where it came from
	Captures      []Capture     `json:"captures,omitempty"`                 // of a payment that is captured in parts
	Tenders       []Tender      `json:"tenders,omitempty"`                  // of a payment with credit, when it is read alone
	Events        []Event       `json:"events,omitempty"`
}

// Capture is a part of a payment that was captured by itself, as for each shipment: a transaction of its own at the gateway.
type Capture struct {
	OperationID   string       `json:"operation_id"`
	TransactionID string       `json:"transaction_id"`
	Status        string       `json:"status" enum:"captured,settled,settlement_declined,voided"`
	Amount        money.Amount `json:"amount"`
	Refunded      money.Amount `json:"refunded"`
}

// Tender is a part of a payment by its means; their sums are the payment's.
type Tender struct {
	Type       string       `json:"type" enum:"gift_card,store_credit,gateway,bank_transfer,cash_on_delivery"`
	CreditID   string       `json:"credit_id,omitempty"`
	Authorised money.Amount `json:"authorised"`
	Captured   money.Amount `json:"captured"`
	Refunded   money.Amount `json:"refunded"`
}

// Event is one entry of the append-only log.
type Event struct {
	Version     int64         `json:"version"`
	Type        string        `json:"type"`
	OperationID string        `json:"operation_id"`
	Amount      *money.Amount `json:"amount,omitempty"`
	Detail      string        `json:"detail,omitempty"`
	Checks      *Checks       `json:"checks,omitempty"`
	At          time.Time     `json:"at"`
}

// Payments lists the attempts of an order.
type Payments struct {
	Items []Payment `json:"items"`
}

// MoneyMovedV1 is the data of all payment events: what happened to which payment, and its sums afterwards.
type MoneyMovedV1 struct {
	Sequence      int64        `json:"sequence"`
	PaymentID     string       `json:"payment_id"`
	OrderID       string       `json:"order_id"`
	Attempt       int          `json:"attempt"`
	OperationID   string       `json:"operation_id"`
	Amount        money.Amount `json:"amount"`
	TransactionID string       `json:"transaction_id,omitempty"`
	DeclineCode   string       `json:"decline_code,omitempty"`
	Captured      money.Amount `json:"captured"`
	Refunded      money.Amount `json:"refunded"`
	OccurredAt    time.Time    `json:"occurred_at"`
}

// The data of each event, by its name.
type (
	// VoidedV1 tells that all of a payment was given back before it was settled.
	VoidedV1 = MoneyMovedV1
	// RefundedV1 tells that an amount was given back after it was settled, or as store credit, or as a part that had not settled yet; Refunded is what went back so far.
	RefundedV1 = MoneyMovedV1
	// SettlementDeclinedV1 tells that the bank did not pay what was captured: Amount is missing, Captured is left: what gift cards and store credit paid.
	SettlementDeclinedV1 = MoneyMovedV1
)
