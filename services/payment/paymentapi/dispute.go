package paymentapi

import (
	"time"

	"github.com/sidecart/sidecart/pkg/money"
)

// PathWebhook is where the gateway sends its notifications, through the edge: POST a form of bt_signature and bt_payload,
// GET ?bt_challenge=.
const PathWebhook = "/v1/webhooks/braintree"

// DisputeV1 is the data of the events about disputes.
type DisputeV1 struct {
	Sequence      int64        `json:"sequence"`
	PaymentID     string       `json:"payment_id"`
	OrderID       string       `json:"order_id"`
	Attempt       int          `json:"attempt"`
	DisputeID     string       `json:"dispute_id"`
	TransactionID string       `json:"transaction_id"`
	Status        string       `json:"status"` // open, disputed, under_review, won, lost, accepted, auto_accepted or expired
	Kind          string       `json:"kind"`   // chargeback, pre_arbitration or retrieval
	Reason        string       `json:"reason"`
	Amount        money.Amount `json:"amount"` // disputed
	Won           money.Amount `json:"won"`    // what came back
	ReplyBy       string       `json:"reply_by,omitempty"`
	OccurredAt    time.Time    `json:"occurred_at"` // the gateway's time
}

type (
	// DisputeOpenedV1 tells that a cardholder disputes a payment.
	DisputeOpenedV1 = DisputeV1
	// DisputeClosedV1 tells that a dispute was decided, or decided anew: won, lost, accepted, auto_accepted or expired.
	DisputeClosedV1 = DisputeV1
)

// Dispute is what staff see of a dispute.
type Dispute struct {
	ID            string         `json:"id"`
	PaymentID     string         `json:"payment_id,omitempty"` // missing: the transaction is none of ours
	TransactionID string         `json:"transaction_id"`
	Account       string         `json:"merchant_account_id"`
	Status        string         `json:"status" enum:"open,disputed,under_review,won,lost,accepted,auto_accepted,expired"`
	Kind          string         `json:"kind"`
	Reason        string         `json:"reason"`
	ReasonCode    string         `json:"reason_code,omitempty"`
	CaseNumber    string         `json:"case_number,omitempty"`
	Amount        money.Amount   `json:"amount"`
	Won           money.Amount   `json:"won"`
	ReplyBy       string         `json:"reply_by,omitempty" format:"date"`
	OpenedAt      time.Time      `json:"opened_at"`
	ReportedAt    time.Time      `json:"reported_at"`
	Evidence      []Evidence     `json:"evidence,omitempty"`
	Events        []DisputeEvent `json:"events,omitempty"`
}

// Evidence is a text that was given to the gateway for us.
type Evidence struct {
	Text     string `json:"text"`
	Category string `json:"category,omitempty"`
}

// DisputeEvent is an entry of the log of a dispute.
type DisputeEvent struct {
	Type   string       `json:"type"`
	Amount money.Amount `json:"amount"`
	Won    money.Amount `json:"won"`
	Actor  string       `json:"actor,omitempty"`
	Detail string       `json:"detail,omitempty"`
	At     time.Time    `json:"at"`
}

// Disbursement is money that the gateway has paid out, or could not.
type Disbursement struct {
	ID             string       `json:"id"`
	Account        string       `json:"merchant_account_id"`
	Amount         money.Amount `json:"amount"`
	Day            string       `json:"day,omitempty" format:"date"`
	Success        bool         `json:"success"`
	Retry          bool         `json:"retry"`
	Exception      string       `json:"exception,omitempty"`
	FollowUp       string       `json:"follow_up,omitempty"`
	TransactionIDs []string     `json:"transaction_ids"`
	ReceivedAt     time.Time    `json:"received_at"`
}
