package paymentapi

import (
	"time"

	"github.com/sidecart/sidecart/pkg/money"
)

// Event types of Topic: payments that people look at before they are captured.
const (
	TypeReviewOpenedV1 = "payment.review_opened.v1"
	TypeReviewClosedV1 = "payment.review_closed.v1"
)

// Where the review of a payment stands.
const (
	ReviewPending  = "pending"  // authorised, and nothing is captured before staff approve
	ReviewApproved = "approved" // capture it
	ReviewRejected = "rejected" // it is voided
	ReviewExpired  = "expired"  // nobody decided in time: it is voided
	ReviewNeedless = "needless" // voided before anybody decided
)

// Decline codes of payments that our rules or staff refuse.
const (
	DeclineRisk   = "risk-rejected"   // of an authorisation
	DeclineReview = "review-rejected" // of a capture
)

// Checks are what the gateway and the bank found out about a sale.
type Checks struct {
	ThreeDSecure           string `json:"three_d_secure_status,omitempty"` // in the gateway's words; missing: the cardholder was not asked
	Enrolled               string `json:"three_d_secure_enrolled,omitempty"`
	LiabilityShifted       bool   `json:"liability_shifted"` // a chargeback for fraud is the bank's
	LiabilityShiftPossible bool   `json:"liability_shift_possible"`
	AVSError               string `json:"avs_error,omitempty"`
	AVSPostal              string `json:"avs_postal,omitempty"`
	AVSStreet              string `json:"avs_street,omitempty"`
	CVV                    string `json:"cvv,omitempty"`
	GatewayDecision        string `json:"gateway_decision,omitempty"`
	GatewayRiskID          string `json:"gateway_risk_id,omitempty"`
}

// Shopper is what is known of who pays: all of it may be missing. It goes to the gateway for its checks and is not kept.
type Shopper struct {
	Email   string   `json:"email,omitempty" maxLength:"255"`
	IP      string   `json:"ip_address,omitempty" maxLength:"45"`
	Browser string   `json:"user_agent,omitempty" maxLength:"500"`
	Billing *Address `json:"billing_address,omitempty"`
}

// Address is a postal address.
type Address struct {
	Name       string `json:"name,omitempty" maxLength:"255"`
	Company    string `json:"company,omitempty" maxLength:"255"`
	Line1      string `json:"line1,omitempty" maxLength:"255"`
	Line2      string `json:"line2,omitempty" maxLength:"255"`
	City       string `json:"city,omitempty" maxLength:"255"`
	Region     string `json:"region,omitempty" maxLength:"255"`
	PostalCode string `json:"postal_code,omitempty" maxLength:"20"`
	Country    string `json:"country,omitempty" maxLength:"2"`
}

// ReviewV1 is the data of the events about reviews.
type ReviewV1 struct {
	Sequence   int64        `json:"sequence"`
	PaymentID  string       `json:"payment_id"`
	OrderID    string       `json:"order_id"`
	Attempt    int          `json:"attempt"`
	Review     string       `json:"review"` // pending, approved, rejected or expired
	Rule       string       `json:"rule"`   // that asked for the review
	Amount     money.Amount `json:"amount"`
	Checks     Checks       `json:"checks"`
	Until      *time.Time   `json:"until,omitempty"` // while pending: then it expires
	Actor      string       `json:"actor,omitempty"` // who decided
	OccurredAt time.Time    `json:"occurred_at"`
}

type (
	// ReviewOpenedV1 tells that a payment is authorised and waits for staff: nothing is captured before they approve.
	ReviewOpenedV1 = ReviewV1
	// ReviewClosedV1 tells that staff approved or rejected a payment, or that nobody did in time. What is not approved is voided.
	ReviewClosedV1 = ReviewV1
)
