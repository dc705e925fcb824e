package payment

import "time"

// Method is a payment method that a customer has left at the gateway, without anything that could be charged elsewhere.
type Method struct {
	ID, CustomerID string // the gateway's token; whose it is
	Type           string // credit_card, paypal_account, venmo_account, apple_pay_card, android_pay_card
	Brand, Last4   string // of cards
	Expiry         string // of cards: 2030-12
	Account        string // of wallets: whom they show
	Default        bool
	CreatedAt      time.Time
}

// Expired tells whether a card's last month is over.
func (m Method) Expired(now time.Time) bool {
	last, err := time.Parse("2006-01", m.Expiry)
	return err == nil && !last.AddDate(0, 1, 0).After(now)
}

// MethodStatus is where a method stands.
type MethodStatus string

// The statuses of methods.
const (
	MethodPending  MethodStatus = "pending" // nobody knows yet whether the gateway has it
	MethodStored   MethodStatus = "stored"  // usable
	MethodRefused  MethodStatus = "refused" // the gateway did not take it
	MethodDeleting MethodStatus = "deleting"
	MethodDeleted  MethodStatus = "deleted" // at the gateway too
)
