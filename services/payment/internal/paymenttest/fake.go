// Package paymenttest has a gateway for tests: the one that the others trust, held to the same contract as the real adapter.
package paymenttest

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/payment/internal/app"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
)

// Nonces that the fake knows; they are Braintree's published ones.
const (
	NonceValid    = "fake-valid-nonce"
	NonceDeclined = "fake-processor-declined-visa-nonce"
	NonceConsumed = "fake-consumed-nonce"

	EvidenceWins  = "compelling_evidence"
	EvidenceLoses = "losing_evidence"
)

// Gateway keeps its books in memory.
type Gateway struct {
	mu    sync.Mutex
	books []payment.Transaction
	sends map[string]int

	checks payment.Checks

	disputes  map[string]app.DisputeView
	customers map[string]bool
	methods   map[string]payment.Method

	parents map[string]bool   // authorisations of which parts were captured
	partOf  map[string]string // by part

	rejectDuplicates bool
	decline          bool
}

// NewGateway returns an empty one.
func NewGateway() *Gateway {
	return &Gateway{sends: map[string]int{}, disputes: map[string]app.DisputeView{}, customers: map[string]bool{}, methods: map[string]payment.Method{}, parents: map[string]bool{}, partOf: map[string]string{}}
}

// Sends returns how often a method that changes something was called.
func (g *Gateway) Sends(method string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.sends[method]
}

// RejectDuplicates makes the gateway refuse a second sale under a reference, as the real one does for 30 s.
func (g *Gateway) RejectDuplicates() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.rejectDuplicates = true
}

// Decline makes the bank decline all later sales, or none.
func (g *Gateway) Decline(all bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.decline = all
}

// Check is what the gateway finds out about all later sales.
func (g *Gateway) Check(c payment.Checks) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.checks = c
}

// Books returns all transactions, oldest first.
func (g *Gateway) Books() []payment.Transaction {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]payment.Transaction(nil), g.books...)
}

// Change edits every transaction, as time or the bank would.
func (g *Gateway) Change(edit func(t *payment.Transaction)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := range g.books {
		edit(&g.books[i])
	}
}

// Settle settles what was submitted.
func (g *Gateway) Settle() {
	g.Change(func(t *payment.Transaction) {
		if t.State == payment.TxSubmitted && !g.parents[t.ID] {
			t.State, t.Paid = payment.TxSettled, true
		}
	})
}

func (g *Gateway) add(t payment.Transaction) payment.Transaction {
	t.ID = fmt.Sprintf("tx%d", len(g.books)+1)
	g.books = append(g.books, t)
	return t
}

func (g *Gateway) find(id string) *payment.Transaction {
	for i := range g.books {
		if g.books[i].ID == id {
			return &g.books[i]
		}
	}
	return nil
}

// Authorise implements app.Gateway.
func (g *Gateway) Authorise(_ context.Context, s app.Sale) (payment.Transaction, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sends["Authorise"]++
	t := payment.Transaction{State: payment.TxAuthorised, Amount: s.Amount, Reference: s.Reference, Checks: g.checks, Token: s.MethodID}
	if o := g.find(s.Origin); s.Origin != "" && (o == nil || o.Credit || o.State == payment.TxDeclined || o.Token != "") {
		no := payment.NotRepeatable(s.Amount)
		return payment.Transaction{State: payment.TxDeclined, Amount: s.Amount, Reference: s.Reference, Code: no.Code, Message: no.Message}, nil
	}
	if m, ok := g.methods[s.MethodID]; s.MethodID != "" && (!ok || s.CustomerID != "" && m.CustomerID != s.CustomerID) {
		return payment.Transaction{State: payment.TxDeclined, Amount: s.Amount, Reference: s.Reference, Code: "91518", Retryable: true, Message: "unknown token"}, nil
	}
	for _, before := range g.books {
		if g.rejectDuplicates && !before.Credit && before.Reference == s.Reference {
			t.State, t.Code, t.Message = payment.TxDeclined, payment.CodeDuplicate, "duplicate"
		}
	}
	switch {
	case g.decline, strings.HasPrefix(s.Nonce, "fake-processor-declined-"):
		t.State, t.Code, t.Retryable, t.Message = payment.TxDeclined, "2000", true, "Do Not Honor"
	case s.Nonce == NonceConsumed:
		return payment.Transaction{State: payment.TxDeclined, Amount: s.Amount, Reference: s.Reference, Code: "91564", Retryable: true, Message: "used"}, nil
	}
	return g.add(t), nil
}

// Capture implements app.Gateway.
func (g *Gateway) Capture(_ context.Context, id string, amount money.Amount) (payment.Transaction, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sends["Capture"]++
	t := g.find(id)
	switch {
	case t == nil:
		return payment.Transaction{}, app.ErrNotSent
	case t.State != payment.TxAuthorised:
		return payment.Transaction{}, &payment.Refusal{Code: "91507", Message: "not authorised"}
	case amount.Minor > t.Amount.Minor:
		return payment.Transaction{}, &payment.Refusal{Code: "91522", Message: "too large"}
	}
	t.State, t.Amount = payment.TxSubmitted, amount
	return *t, nil
}

// CapturePart implements app.PartGateway. An authorisation of which parts were captured is submitted, and never settles itself.
func (g *Gateway) CapturePart(_ context.Context, id string, amount money.Amount, reference string) (payment.Transaction, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sends["CapturePart"]++
	t := g.find(id)
	switch {
	case t == nil:
		return payment.Transaction{}, app.ErrNotSent
	case t.State != payment.TxAuthorised && !(t.State == payment.TxSubmitted && g.parents[id]):
		return payment.Transaction{}, &payment.Refusal{Code: "915103", Message: "not authorised"}
	}
	if amount.Minor > g.unsplit(t) {
		return payment.Transaction{}, &payment.Refusal{Code: "91522", Message: "too large"}
	}
	t.State, g.parents[id] = payment.TxSubmitted, true
	part := g.add(payment.Transaction{State: payment.TxSubmitted, Amount: amount, Reference: reference})
	g.partOf[part.ID] = id
	return part, nil
}

// unsplit is what parts of an authorisation may still be captured.
func (g *Gateway) unsplit(t *payment.Transaction) int64 {
	left := t.Amount.Minor
	for _, c := range g.books {
		if g.partOf[c.ID] == t.ID && c.Live() {
			left -= c.Amount.Minor
		}
	}
	return left
}

// Unsplit is what is still held of an authorisation that was captured in parts.
func (g *Gateway) Unsplit(id string) int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.unsplit(g.find(id))
}

// PartOf returns the authorisation that a transaction is a part of, or "".
func (g *Gateway) PartOf(id string) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.partOf[id]
}

// Void implements app.Gateway.
func (g *Gateway) Void(_ context.Context, id string) (payment.Transaction, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sends["Void"]++
	t := g.find(id)
	switch {
	case t == nil:
		return payment.Transaction{}, app.ErrNotSent
	case t.State != payment.TxAuthorised && t.State != payment.TxSubmitted:
		return payment.Transaction{}, &payment.Refusal{Code: "91504", Message: "cannot be voided"}
	}
	t.State = payment.TxVoided
	return *t, nil
}

// Refund implements app.Gateway.
func (g *Gateway) Refund(_ context.Context, id string, amount money.Amount, reference string) (payment.Transaction, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sends["Refund"]++
	t := g.find(id)
	if t == nil {
		return payment.Transaction{}, app.ErrNotSent
	}
	if t.State != payment.TxSettled {
		return payment.Transaction{}, &payment.Refusal{Code: payment.CodeNotSettled, Message: "not settled"}
	}
	left := t.Amount.Minor
	for _, c := range g.books {
		if c.Credit && c.RefundOf == id && c.Live() {
			left -= c.Amount.Minor
		}
	}
	if amount.Minor > left {
		return payment.Transaction{}, &payment.Refusal{Code: "91521", Message: "too large"}
	}
	return g.add(payment.Transaction{Credit: true, State: payment.TxSubmitted, Amount: amount, Reference: reference, RefundOf: id}), nil
}

// Find implements app.Gateway.
func (g *Gateway) Find(_ context.Context, ref app.Ref) (found []payment.Transaction, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, t := range g.books {
		if ref.ID != "" && t.ID == ref.ID || ref.ID == "" && t.Reference == ref.Reference {
			found = append(found, t)
		}
	}
	return found, nil
}

// Transactions implements app.Books.
func (g *Gateway) Transactions(_ context.Context, ids []string) (found []payment.Transaction, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sends["Transactions"]++
	for _, id := range ids {
		if t := g.find(id); t != nil {
			found = append(found, *t)
		}
	}
	return found, nil
}

// ClientToken implements app.Gateway.
func (g *Gateway) ClientToken(_ context.Context, account string) (string, error) {
	return "token-of-" + account, nil
}
