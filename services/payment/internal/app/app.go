// Package app moves money at the gateway, each operation at most once, and knows what became of it.
//
//	row (sent_at) ─commit─▶ gateway ─answer─▶ event + row
//	                           └─ no answer: unknown ─▶ looked up by reference until known, never sent again blind
//
// Who decides: the gateway about money, the core about what its books mean, the database about who performs an operation (a
// lease with a stamp). What may go wrong: the gateway hangs, lies or dies; the process dies between any two steps; a caller asks
// twice, at once or a day later. In each case the operation's row says that nobody knows, and whoever takes it looks first.
package app

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
)

// Sale asks for an authorisation. Exactly one of Nonce, MethodID and Origin is set; the first two are neither stored nor logged.
type Sale struct {
	Reference  string // the payment id
	Account    string // merchant account
	Amount     money.Amount
	Nonce      string
	MethodID   string
	DeviceData string
	CustomerID string // whose MethodID is
	Shopper    Shopper
	OrderID    string
	PayWithin  time.Duration // of a bank transfer
	Provider   string        // who takes it
	Channel    string        // of sales
	Country    string        // where it is sent, for what is offered there
	Like       string        // the payment whose means are charged once more
	Origin     string        // its transaction
}

// Shopper is what is known of who pays, for the bank's checks and the rules. All of it may be missing; it is not kept, nor logged.
type Shopper struct {
	Email, IP, Browser string
	Billing            *BillingAddress
}

// BillingAddress is where the bank sends the bills of the card.
type BillingAddress struct {
	Name, Company, Line1, Line2, City, Region, PostalCode, Country string
}

// Ref names transactions at the gateway: one by its id, or those that carry our reference. Like is the reference of the payment that a payment is
// like: the gateway may keep the one among the other's.
type Ref struct{ ID, Reference, Like string }

// Gateway is the payment provider. Its errors: ErrNotSent when it surely heard nothing, *payment.Refusal when it said no, anything
// else means that nobody knows what happened.
type Gateway interface {
	// Authorise reserves an amount. A decline is an answer: a transaction in state declined, perhaps without an id.
	Authorise(ctx context.Context, s Sale) (payment.Transaction, error)
	// Capture takes an authorised amount, or a part of it.
	Capture(ctx context.Context, id string, amount money.Amount) (payment.Transaction, error)
	// Void gives back all of a sale or a refund that has not settled.
	Void(ctx context.Context, id string) (payment.Transaction, error)
	// Refund gives back an amount of a settled sale as a transaction of its own under our reference.
	Refund(ctx context.Context, id string, amount money.Amount, reference string) (payment.Transaction, error)
	// Find returns what the gateway's books hold, oldest first; nothing is no error.
	Find(ctx context.Context, ref Ref) ([]payment.Transaction, error)
	// ClientToken returns what a browser needs to collect a card for a merchant account.
	ClientToken(ctx context.Context, account string) (string, error)
}

// PartGateway is what the gateway does about captures in parts. Errors as those of Gateway.
type PartGateway interface {
	Books
	// CapturePart takes a part of an authorisation as a transaction of its own under our reference.
	CapturePart(ctx context.Context, id string, amount money.Amount, reference string) (payment.Transaction, error)
}

// FullGateway does both.
type FullGateway interface {
	Gateway
	PartGateway
}

// ErrNotSent says that the gateway surely heard nothing.
var ErrNotSent = fault.New(fault.Unavailable, "gateway-unavailable", "The payment gateway cannot be reached at the moment.")

// The faults of commands.
var (
	ErrNotFound = fault.New(fault.NotFound, "payment-not-found", "There is no such payment.")
	ErrExists   = fault.New(fault.Conflict, "payment-exists", "This payment was begun by another operation.")
	ErrReused   = fault.New(fault.Invalid, "operation-id-reused", "This operation id was used for another operation.")
	ErrCurrency = fault.New(fault.Invalid, "currency-not-supported", "Payments in this currency are not taken.")
	ErrLost     = fault.New(fault.Conflict, "lease-lost", "Somebody else works on the operation.")
)

// Record is an operation with all that is known of it.
type Record struct {
	payment.Operation
	Outcome    payment.Outcome // Result StillUnknown while pending
	Reason     string
	Actor      string // staff who asked, or ""
	Hash       []byte // of the request of staff; nil: none
	CreatedAt  time.Time
	AnsweredAt time.Time
	DueAt      time.Time // zero: the worker need not look
	Stamp      int64
	Tries      int
}

// Lease is an operation that this process may work on until LeaseTime has passed, with its payment.
type Lease struct {
	Record
	Payment payment.Payment
}

// Begun is what Begin found or made. Mine means that the caller holds the lease; Fresh that the operation was made by this call. Refused,
// of a fresh authorisation, says that the credit that was wanted cannot be had, or that too much is promised: nothing is to be sent.
type Begun struct {
	Lease
	Fresh, Mine bool
	Refused     *payment.Outcome
}

// Start is a new operation. New is the payment that an authorisation begins, Credit what it is to be made with beside the gateway, Promise what it
// must keep to; nil: nothing. Amount nil is the whole.
type Start struct {
	Record
	New    *payment.Payment
	Credit *payment.Wanted
	Whole  bool

	Promise *Promise
}

// Promise bounds what one shopper may have promised to people and not paid yet, in minor units. Keys say who that is: each counts by itself.
type Promise struct {
	Keys  []AttemptKey
	Limit int64
}

// Done is the answer to an operation: what to write in one transaction.
type Done struct {
	Outcome payment.Outcome
	Event   *payment.Event
	DueAt   time.Time // of a later look-up; zero: none
}

// Store keeps payments, their events and operations. Writes with a lease fail with ErrLost when its stamp is not the last.
type Store interface {
	// Begin makes an operation and its request event, if its payment allows it, or returns the one there is, leased to the
	// caller when it is pending and free. Faults: ErrReused, ErrExists, ErrNotFound, those of payment.Decide (with the
	// payment in what is returned).
	Begin(ctx context.Context, s Start, now time.Time) (Begun, error)
	// Due leases operations that are due and free.
	Due(ctx context.Context, now time.Time, n int) ([]Lease, error)
	// Sent notes when an operation was sent last, and about which transaction if it is over parts; zero takes it back: it surely was not.
	Sent(ctx context.Context, l Lease, at time.Time) error
	// Record writes an answer, or what a later look-up found, and the payment's new state with its event.
	Record(ctx context.Context, l Lease, d Done, now time.Time) error
	// Postpone gives the lease back; due zero means never again.
	Postpone(ctx context.Context, l Lease, due time.Time) error
	// Superseded returns authorised payments whose order has a later attempt that is authorised or captured: of one order, or of all
	// when it is empty.
	Superseded(ctx context.Context, orderID string, n int) ([]payment.Payment, error)
}

// Attempts are the payments of an order.
type Attempts interface {
	ByOrder(ctx context.Context, orderID string) ([]payment.Payment, error)
}

// FullStore does both.
type FullStore interface {
	Store
	Attempts
}

// The providers, in payments and answers: the gateway, and of a payment that needs no gateway, credit.
const (
	Provider       = payment.Gateway
	ProviderCredit = "credit"
)

// Accounts are the merchant accounts by currency.
type Accounts map[money.Currency]string

// App performs operations.
type App struct {
	Store    FullStore
	Gateway  Gateway
	Parts    PartGateway
	Accounts Accounts
	Offers   Offers // empty: the gateway alone
	Clock    func() time.Time
	Log      *slog.Logger
	gates    []gate
	guesses  guesses
	settled  func(ctx context.Context, paymentID string) error // asks the gateway whether the bank has paid, for our books
	assess   func(ctx context.Context, p payment.Payment, c payment.Checks) (payment.RiskDecision, time.Time, error)
	results  *prometheus.CounterVec
	alarms   *prometheus.CounterVec
}

// gate says no to a sale before the gateway hears of it: nil lets it pass. On an error nobody knows, and nothing is sent.
type gate func(ctx context.Context, s Sale) (*payment.Outcome, error)

// New returns an App; registry may be nil.
func New(store FullStore, gateway FullGateway, accounts Accounts, clock func() time.Time, log *slog.Logger, registry prometheus.Registerer) *App {
	a := &App{Store: store, Gateway: gateway, Parts: gateway, Accounts: accounts, Clock: clock, Log: log,
		results: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "payment_operations_total", Help: "Answers to operations"}, []string{"kind", "result"}),
		alarms:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "payment_alarms_total", Help: "What a person should look at, by reason"}, []string{"reason"})}
	if registry != nil {
		registry.MustRegister(a.results, a.alarms)
	}
	return a
}

func (a *App) now() time.Time { return a.Clock().UTC().Truncate(time.Microsecond) }

// ClientToken returns what a browser needs to pay in a currency at the gateway, or ErrCurrency.
func (a *App) ClientToken(ctx context.Context, c money.Currency) (string, error) {
	account, ok := a.Accounts[c]
	if !ok {
		return "", ErrCurrency
	}
	token, err := a.Gateway.ClientToken(ctx, account)
	if err != nil { // asking again does no harm, whatever happened
		return "", fault.New(fault.Unavailable, ErrNotSent.Code, ErrNotSent.Message).WithRetryAfter(time.Second).WithCause(err)
	}
	return token, nil
}

// UnmarshalText reads "USD=account,EUR=account". Every currency stands once.
func (a *Accounts) UnmarshalText(text []byte) error {
	all := Accounts{}
	for part := range strings.SplitSeq(string(text), ",") {
		code, account, _ := strings.Cut(strings.TrimSpace(part), "=")
		currency, err := money.ParseCurrency(code)
		if err != nil || account == "" {
			return fmt.Errorf("%q is not CURRENCY=merchant account", part)
		}
		if _, twice := all[currency]; twice {
			return fmt.Errorf("%s stands twice", currency)
		}
		all[currency] = account
	}
	*a = all
	return nil
}
