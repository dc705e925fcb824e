package paymentapi

import (
	"strings"
	"time"

	"github.com/sidecart/sidecart/pkg/money"
)

// Paths of gift cards and store credit.
const (
	PathGiftCardBalance = "/v1/gift-cards/balance" // POST GiftCardCode, for whoever has the code
	PathMyStoreCredit   = "/v1/me/store-credit"    // GET
	PathCredits         = "/v1/admin/credits"      // POST, GET; below it /{id}, /{id}/ledger, /{id}/adjustments POST, /{id}/code POST
)

// GiftCardCode is the code of a gift card, with or without its dashes.
type GiftCardCode struct {
	Code string `json:"code" minLength:"1" maxLength:"64"`
}

var codeFold = strings.NewReplacer("-", "", " ", "", "O", "0", "I", "1", "L", "1")

// PlainCode makes one of all ways to write a gift card's code: without dashes and spaces, in capitals, and what people mistake for
// another (O, I, L) read as what was meant.
func PlainCode(code string) string { return codeFold.Replace(strings.ToUpper(code)) }

// GiftCardBalance is what a gift card is worth.
type GiftCardBalance struct {
	Balance   money.Amount `json:"balance"`
	ExpiresAt *time.Time   `json:"expires_at,omitempty"`
}

// Credit is a gift card or a store credit.
type Credit struct {
	ID         string       `json:"id"`
	Kind       string       `json:"kind" enum:"gift_card,store_credit"`
	Code       string       `json:"code,omitempty" doc:"Of a gift card, once: in the answer that made it"`
	CodeEnd    string       `json:"code_end,omitempty" doc:"Last characters of the code"`
	CustomerID string       `json:"customer_id,omitempty"`
	Balance    money.Amount `json:"balance"`
	Held       money.Amount `json:"held" doc:"Reserved for authorised payments, and no part of the balance"`
	ExpiresAt  *time.Time   `json:"expires_at,omitempty"`
	CreatedAt  time.Time    `json:"created_at"`
	UpdatedAt  time.Time    `json:"updated_at"`
}

// CreditEntry is a line of a credit's append-only ledger.
type CreditEntry struct {
	CreditID    string       `json:"credit_id"`
	Version     int64        `json:"version"`
	Type        string       `json:"type" enum:"issued,adjusted,expired,reserved,released,captured,refunded"`
	OperationID string       `json:"operation_id"`
	PaymentID   string       `json:"payment_id,omitempty"`
	Amount      money.Amount `json:"amount" doc:"Change of the balance"`
	Held        money.Amount `json:"held" doc:"Change of what is held"`
	Balance     money.Amount `json:"balance" doc:"Afterwards"`
	Reason      string       `json:"reason,omitempty"`
	Actor       string       `json:"actor,omitempty"`
	At          time.Time    `json:"at"`
}

// StoreCredit is what a customer may spend, by currency, and of what it is made.
type StoreCredit struct {
	Totals []money.Amount    `json:"totals"`
	Items  []StoreCreditItem `json:"items"`
}

// StoreCreditItem is a part of a customer's store credit; what runs out first is spent first.
type StoreCreditItem struct {
	ID        string       `json:"id"`
	Balance   money.Amount `json:"balance"`
	ExpiresAt *time.Time   `json:"expires_at,omitempty"`
}
