package payment

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
)

// CreditKind says whose a credit is.
type CreditKind string

// The kinds of credit.
const (
	GiftCard    CreditKind = "gift_card"    // whoever has the code
	StoreCredit CreditKind = "store_credit" // one customer's
)

// Credit is what the shop owes in goods. Its truth is the append-only ledger; Move makes the entries, and Balance and Held are their sums.
type Credit struct {
	ID         string
	Kind       CreditKind
	CodeEnd    string // of a gift card: the last characters of its code
	CustomerID string // of store credit
	Balance    money.Amount
	Held       money.Amount // reserved for authorised payments, and no part of Balance
	ExpiresAt  time.Time    // zero: never
	Version    int64
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

// EntryType names what happened to a credit.
type EntryType string

// The entries.
const (
	CreditIssued   EntryType = "issued"
	CreditAdjusted EntryType = "adjusted" // by staff, up or down
	CreditExpired  EntryType = "expired"
	CreditReserved EntryType = "reserved" // for a payment
	CreditReleased EntryType = "released" // the payment came to nothing
	CreditCaptured EntryType = "captured"
	CreditRefunded EntryType = "refunded"
)

// Entry is a line of the ledger.
type Entry struct {
	CreditID    string
	Version     int64
	Type        EntryType
	OperationID string
	PaymentID   string
	Amount      money.Amount // change of the balance
	Held        money.Amount // change of what is held
	Balance     money.Amount // afterwards
	Reason      string
	Actor       string
	At          time.Time
}

// signs are what an entry over an amount does to balance and held.
var signs = map[EntryType]struct{ balance, held int64 }{
	CreditIssued: {1, 0}, CreditAdjusted: {1, 0}, CreditExpired: {-1, 0},
	CreditReserved: {-1, 1}, CreditReleased: {1, -1}, CreditCaptured: {0, -1}, CreditRefunded: {1, 0},
}

// ReturnedFor is how long what comes back to a credit that has run out meanwhile can be spent.
const ReturnedFor = 30 * 24 * time.Hour

// ErrBalance refuses a movement that a credit does not have the money for.
var ErrBalance = fault.New(fault.Conflict, "credit-insufficient", "The balance does not suffice.")

// Move returns the credit after an entry over an amount, and the entry. Only an adjustment may be below zero. ErrBalance when there is
// not enough.
func (c Credit) Move(t EntryType, amount money.Amount, now time.Time) (Credit, Entry, error) {
	sign, ok := signs[t]
	if !ok || amount.IsZero() || amount.IsNegative() && t != CreditAdjusted {
		return c, Entry{}, fmt.Errorf("credit %s: %q over %s", c.ID, t, amount)
	}
	e := Entry{CreditID: c.ID, Version: c.Version + 1, Type: t, At: now}
	var err error
	if e.Amount, err = amount.Mul(sign.balance); err != nil {
		return c, e, err
	}
	if e.Held, err = amount.Mul(sign.held); err != nil {
		return c, e, err
	}
	after := c
	if after.Balance, err = c.Balance.Add(e.Amount); err != nil {
		return c, e, fmt.Errorf("credit %s: %w", c.ID, err)
	}
	if after.Held, err = c.Held.Add(e.Held); err != nil {
		return c, e, fmt.Errorf("credit %s: %w", c.ID, err)
	}
	if after.Balance.IsNegative() || after.Held.IsNegative() {
		return c, e, ErrBalance
	}
	if (t == CreditReleased || t == CreditRefunded) && c.Expired(now) {
		after.ExpiresAt = now.Add(ReturnedFor)
	}
	e.Balance, after.Version, after.UpdatedAt = after.Balance, e.Version, now
	return after, e, nil
}

// Expired tells whether nothing can be spent any more.
func (c Credit) Expired(now time.Time) bool { return !c.ExpiresAt.IsZero() && !c.ExpiresAt.After(now) }

// Spendable is what can be spent now.
func (c Credit) Spendable(now time.Time) money.Amount {
	if c.Expired(now) {
		return money.Zero(c.Balance.Currency)
	}
	return c.Balance
}

// A code of a gift card has 100 random bits, as 20 characters of Crockford's Base32 in groups of five: no other secret is needed to
// keep its hash.
const (
	codeLetters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	CodeLength  = 20 // letters, and random bytes that Code takes
	codeGroup   = 5
)

// Code writes random bytes as a code. Each byte is worth five bits.
func Code(random [CodeLength]byte) string {
	var b strings.Builder
	for i, r := range random {
		if i > 0 && i%codeGroup == 0 {
			b.WriteByte('-')
		}
		b.WriteByte(codeLetters[int(r)%len(codeLetters)])
	}
	return b.String()
}

// CodeEnd is what of a code may be shown.
func CodeEnd(code string) string { return code[max(0, len(code)-codeGroup):] }

// CodeHash returns what is kept of a code that is plain (paymentapi.PlainCode); false for what cannot be one.
func CodeHash(plain string) ([]byte, bool) {
	if len(plain) != CodeLength || strings.Trim(plain, codeLetters) != "" {
		return nil, false
	}
	sum := sha256.Sum256([]byte("gift card\x00" + plain))
	return sum[:], true
}
