package paymentapi

import "time"

// Paths of payment methods that customers leave. For services, which name the customer; and for customers, whose token does.
const (
	PathMethods   = "/v1/internal/payments/methods" // POST KeepMethodRequest, GET ?customer_id=; below it /{id}/default POST, /{id} DELETE ?customer_id=
	PathMyMethods = "/v1/me/payment-methods"        // POST, GET; below it /{id}/default POST, /{id} DELETE
)

// KeepMethodRequest leaves a payment method. The id that comes back is what AuthoriseRequest.MethodID takes.
type KeepMethodRequest struct {
	CustomerID  string `json:"customer_id"`
	Nonce       string `json:"payment_method_nonce" minLength:"1" maxLength:"255"`
	MakeDefault bool   `json:"make_default,omitempty"`
}

// MethodOwner says whose method it is.
type MethodOwner struct {
	CustomerID string `json:"customer_id"`
}

// Method is a payment method that a customer has left.
type Method struct {
	ID        string    `json:"id"`
	Type      string    `json:"type" enum:"credit_card,paypal_account,venmo_account,apple_pay_card,android_pay_card"`
	Brand     string    `json:"brand,omitempty"`
	Last4     string    `json:"last4,omitempty"`
	Expiry    string    `json:"expiry,omitempty" doc:"Year and month: 2030-12"`
	Account   string    `json:"account,omitempty"`
	Expired   bool      `json:"expired"`
	Default   bool      `json:"default"`
	CreatedAt time.Time `json:"created_at"`
}

// Methods lists what a customer has left, the default first.
type Methods struct {
	Items []Method `json:"items"`
}
