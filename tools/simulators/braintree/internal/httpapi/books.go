package httpapi

import (
	"net/http"
	"time"

	"github.com/sidecart/sidecart/tools/simulators/braintree/internal/ledger"
)

// Books is the simulator's own account of all money, for whoever audits the shop against it. Amounts named _minor are
// integers in the currency's minor units.
type Books struct {
	At           time.Time `json:"at"`
	Merchant     string    `json:"merchant_id"`
	Transactions []Entry   `json:"transactions"` // oldest first
}

// Entry is one transaction of the books.
type Entry struct {
	ID         string  `json:"id"`
	Type       string  `json:"type"` // sale or credit
	Status     string  `json:"status"`
	OrderID    string  `json:"order_id"`
	Channel    string  `json:"channel,omitempty"`
	Account    string  `json:"merchant_account_id"`
	Amount     string  `json:"amount"` // decimal, as on the wire
	Minor      int64   `json:"amount_minor"`
	Currency   string  `json:"currency"`
	Authorized int64   `json:"authorized_minor"` // what the processor once reserved
	Captured   int64   `json:"captured_minor"`   // submitted or settled and not voided; on parents 0, their parts count
	Refunded   int64   `json:"refunded_minor"`   // credits from this sale that still stand
	Refunds    string  `json:"refunded_transaction_id,omitempty"`
	PartOf     string  `json:"authorized_transaction_id,omitempty"`
	Rejection  string  `json:"gateway_rejection_reason,omitempty"`
	Response   string  `json:"processor_response_code,omitempty"`
	History    []Event `json:"history"`
}

// Event is one step of a transaction.
type Event struct {
	At     time.Time `json:"at"`
	Status string    `json:"status"`
	Minor  int64     `json:"amount_minor"`
	By     string    `json:"by"`
}

func (s *Server) books() (int, any, error) {
	books := Books{At: s.merchant.Now().UTC(), Merchant: s.merchant.ID, Transactions: []Entry{}}
	err := s.store.View(func(b *ledger.Book) {
		for _, t := range b.All() {
			books.Transactions = append(books.Transactions, entry(b, t))
		}
	})
	return http.StatusOK, books, err
}

func entry(b *ledger.Book, t *ledger.Transaction) Entry {
	e := Entry{
		ID: t.ID, Type: string(t.Kind), Status: string(t.Status), OrderID: t.OrderID, Channel: t.Channel, Account: t.Account, Amount: t.Amount.Decimal(),
		Minor: t.Amount.Minor, Currency: t.Amount.Currency, Authorized: t.Authorize, Captured: t.Captured(), Refunded: b.Refunded(t),
		Refunds: t.Refunds, PartOf: t.AuthorizedBy, Rejection: t.Rejection, Response: t.Processor.Code,
	}
	for _, c := range t.History {
		e.History = append(e.History, Event{At: c.At, Status: string(c.Status), Minor: c.Amount, By: c.By})
	}
	return e
}
