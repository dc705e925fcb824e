package payment

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/sidecart/sidecart/pkg/money"
)

// A payment may have several tenders: gift cards in the order in which they were given, store credit, and the gateway for the rest.
//
//	authorise  credit is reserved first, then the gateway is asked for the rest; if it declines, or surely did not hear, all is released
//	capture    the gateway first: no authorisation is left there untouched; credit that is not captured is released with the last capture
//	refund     the gateway first: what can be disputed goes back first, and shoppers get money before credit
//	void       all of it
//
// What happens to credit is written in the transaction of the payment's event: there is no moment in which one of them has happened.

// Gateway is the part of an operation that the gateway is asked for.
func (op Operation) Gateway() money.Amount {
	return money.New(op.Amount.Minor-op.Credit.Minor, op.Amount.Currency)
}

// GatewayLeft is what the gateway holds of what was captured.
func (p Payment) GatewayLeft() money.Amount {
	return money.New(p.Captured.Minor-p.CreditCaptured.Minor-p.Refunded.Minor+p.CreditRefunded.Minor, p.Amount.Currency)
}

// AtGateway is what the gateway has authorised, or is asked for.
func (p Payment) AtGateway() money.Amount {
	return money.New(p.Amount.Minor-p.Credit.Minor, p.Amount.Currency)
}

// creditPart is the part of an operation over an amount that is credit.
func (p Payment) creditPart(kind Kind, amount money.Amount) money.Amount {
	part := money.Zero(p.Amount.Currency)
	switch {
	case kind == Capture:
		part.Minor = amount.Minor - min(amount.Minor, p.Uncaptured().Minor-p.Credit.Minor+p.CreditCaptured.Minor)
	case kind == Void && (p.Status == StatusAuthorised || p.Status == StatusPartly):
		part.Minor = p.Credit.Minor
	case kind == Void:
		part.Minor = p.CreditCaptured.Minor - p.CreditRefunded.Minor
	case kind == Refund:
		part.Minor = amount.Minor - min(amount.Minor, p.GatewayLeft().Minor)
	}
	return part
}

// Wanted is the credit that a payment is to be made with.
type Wanted struct {
	Cards      [][]byte // hashes of codes, in the order of the shopper; nil: what cannot be a code
	CustomerID string   // whose store credit is to be used; empty: nobody's
	Alone      bool     // there is nothing else to pay by
}

// Found is a credit that may be what is wanted.
type Found struct {
	Credit
	CodeHash []byte
}

// Use is what a payment uses of a credit.
type Use struct {
	CreditID                 string
	Reserved                 money.Amount
	Held, Captured, Refunded money.Amount
	Number                   int // they are captured and refunded in this order
}

// Reserve chooses what to reserve of which credit for an amount: of the gift cards in their order, then of store credit as it was found,
// what runs out first first. The outcome says why it cannot be paid like that.
func Reserve(w Wanted, found []Found, amount money.Amount, now time.Time) (uses []Use, no *Outcome) {
	left := amount.Minor
	take := func(c Credit) {
		n := min(left, c.Spendable(now).Minor)
		if left -= n; n > 0 {
			part, none := money.New(n, amount.Currency), money.Zero(amount.Currency)
			uses = append(uses, Use{CreditID: c.ID, Number: len(uses) + 1, Reserved: part, Held: part, Captured: none, Refunded: none})
		}
	}
	for i, hash := range w.Cards {
		if slices.ContainsFunc(w.Cards[:i], func(before []byte) bool { return bytes.Equal(before, hash) }) { // it counts once
			continue
		}
		card := ofHash(found, hash)
		if card == nil || card.Balance.Currency != amount.Currency || !card.Spendable(now).IsPositive() {
			no = declined(amount, "", CodeGiftCard)
			no.Retryable = true
			return nil, no
		}
		take(card.Credit)
	}
	for _, c := range found {
		if w.CustomerID != "" && c.Kind == StoreCredit && c.CustomerID == w.CustomerID && c.Balance.Currency == amount.Currency {
			take(c.Credit)
		}
	}
	if left > 0 && w.Alone {
		no = declined(amount, "", CodeCredit)
		no.Retryable = true
		return nil, no
	}
	return uses, nil
}

func ofHash(found []Found, hash []byte) *Found {
	for i := range found {
		if hash != nil && bytes.Equal(found[i].CodeHash, hash) {
			return &found[i]
		}
	}
	return nil
}

// Sum is what uses have reserved.
func Sum(uses []Use) (n int64) {
	for _, u := range uses {
		n += u.Reserved.Minor
	}
	return n
}

// Change is what an event of a payment does to a credit that it uses.
type Change struct {
	Use
	Type   EntryType
	Amount money.Amount
}

// Follow says what an event of a payment does to the credit that it uses, and what it uses afterwards.
func Follow(uses []Use, e Event) (after []Use, changes []Change, err error) {
	left := e.Credit.Minor
	for _, u := range uses {
		part := func(t EntryType, n int64) {
			if n > 0 {
				changes = append(changes, Change{Use: u, Type: t, Amount: money.New(n, u.Reserved.Currency)})
			}
		}
		release := func(more bool) {
			if !more {
				part(CreditReleased, u.Held.Minor)
				u.Held.Minor = 0
			}
		}
		switch e.Type {
		case Declined, AuthoriseFailed:
			release(false)
		case Captured:
			n := min(left, u.Held.Minor)
			left -= n
			part(CreditCaptured, n)
			u.Held.Minor, u.Captured.Minor = u.Held.Minor-n, u.Captured.Minor+n
			release(e.More)
		case Voided:
			release(false)
			part(CreditRefunded, u.Captured.Minor-u.Refunded.Minor)
			u.Refunded.Minor = u.Captured.Minor
		case Refunded:
			n := min(left, u.Captured.Minor-u.Refunded.Minor)
			left -= n
			part(CreditRefunded, n)
			u.Refunded.Minor += n
			release(e.More)
		}
		after = append(after, u)
	}
	if left > 0 && (e.Type == Captured || e.Type == Refunded) {
		return nil, nil, fmt.Errorf("%s of credit is not there", e.Credit)
	}
	return after, changes, nil
}
