package payment

import (
	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
)

// Result says what became of an operation.
type Result string

// The results.
const (
	Succeeded    Result = "succeeded"
	DeclinedIt   Result = "declined" // the gateway or the bank said no
	FailedSurely Result = "failed"   // surely nothing happened
	StillUnknown Result = "pending"
)

// Decline codes that are our own; all others are the gateway's.
const (
	CodeSettled       = "settled"     // of a void: the money has moved, refund it instead
	CodeNotSettled    = "not-settled" // of a refund: only what has settled can be refunded
	CodeNotAuthorised = "not-authorised"
	CodeNotCaptured   = "not-captured"
	CodeCaptured      = "already-captured"
	CodeVoided        = "voided"
	CodeRefunded      = "already-refunded"
	CodeTooMuch       = "amount-too-large"
	CodeExpired       = "authorisation-expired"
	CodeSettlement    = "settlement-declined"
	CodeDuplicate     = "duplicate"           // the gateway took the same before
	CodeRisk          = "risk-rejected"       // our rules said no; what was authorised was voided
	CodeReview        = "review-rejected"     // staff said no, or nobody said yes in time
	CodeGiftCard      = "gift-card-refused"   // unknown, of another currency, run out or empty
	CodeCredit        = "credit-insufficient" // and there is nothing to pay the rest by
	CodePromises      = "too-much-promised"   // and not paid yet
	CodeNoCustomer    = "payment-without-customer"
	CodeNotRepeatable = "payment-not-repeatable"
	CodeMismatch      = "amount-mismatch" // the gateway booked another amount than was asked for; it was voided
)

// Outcome is the answer to an operation.
type Outcome struct {
	Result        Result
	Amount        money.Amount
	TransactionID string
	Code          string
	Retryable     bool
	Message       string
}

// ErrBusy says that another operation of the payment has no answer yet.
var ErrBusy = fault.New(fault.Conflict, "payment-busy", "Another operation on this payment is under way.")

// ErrInReview says that staff have not decided yet whether the payment may be captured.
var ErrInReview = fault.New(fault.Conflict, "payment-in-review", "The payment is under review; nothing can be captured before it is approved.")

// Plan is what to do for an operation: ask the gateway for Amount, or, when Outcome is set, nothing.
type Plan struct {
	Amount  money.Amount
	Credit  money.Amount // the part of it that is gift cards and store credit
	More    bool         // other captures may follow
	Outcome *Outcome
}

// verdict of the table below.
type rule struct {
	ask  bool   // the gateway decides
	done bool   // nothing is left to do
	code string // else: declined
}

// rules say what each operation means in each status. While a payment is authorising its first operation is live.
var rules = map[Status]map[Kind]rule{
	StatusDeclined:   {Capture: {code: CodeNotAuthorised}, Void: {done: true}, Refund: {code: CodeNotCaptured}},
	StatusFailed:     {Capture: {code: CodeNotAuthorised}, Void: {done: true}, Refund: {code: CodeNotCaptured}},
	StatusAuthorised: {Capture: {ask: true}, Void: {ask: true}, Refund: {code: CodeNotCaptured}},
	StatusPartly:     {Capture: {ask: true}, Void: {ask: true}, Refund: {ask: true}},
	StatusCaptured:   {Capture: {code: CodeCaptured}, Void: {ask: true}, Refund: {ask: true}},
	StatusVoided:     {Capture: {code: CodeVoided}, Void: {done: true}, Refund: {code: CodeVoided}},
	StatusUnsettled:  {Capture: {code: CodeSettlement}, Void: {done: true}, Refund: {code: CodeSettlement}},
	StatusRefunded:   {Capture: {code: CodeRefunded}, Void: {done: true}, Refund: {code: CodeRefunded}},
}

// Decide says what an operation on a payment comes to. Amount nil means the whole: what is authorised still, or what is left to refund. More
// says that other captures may follow; a capture of nothing ends what was captured in parts. ErrBusy while another operation is live.
func Decide(p Payment, kind Kind, amount *money.Amount, more bool) (Plan, error) {
	if p.Live != "" {
		return Plan{}, ErrBusy
	}
	if kind == Capture && p.Status == StatusAuthorised && p.Review == ReviewPending {
		return Plan{}, ErrInReview
	}
	left, err := p.Left()
	if err != nil {
		return Plan{}, err
	}
	whole := map[Kind]money.Amount{Capture: p.Authorised, Void: p.Authorised, Refund: left}[kind]
	switch {
	case kind == Void && p.Status == StatusCaptured:
		whole = p.Captured
	case kind == Capture && p.Status == StatusPartly:
		whole = p.Uncaptured()
	}
	plan := Plan{Amount: whole}
	if amount != nil && kind != Void {
		if amount.Currency != p.Amount.Currency {
			return Plan{}, fault.New(fault.Invalid, "validation-failed", "1 fault in the input").
				WithField("body.amount.currency", "must be the payment's: "+string(p.Amount.Currency), string(amount.Currency))
		}
		plan.Amount = *amount
	}
	plan.Credit = p.creditPart(kind, plan.Amount)
	switch kind {
	case Capture:
		plan.More = more && plan.Amount.Minor < whole.Minor
	case Refund:
		plan.More = amount != nil && p.Status == StatusPartly
	}
	r, ok := rules[p.Status][kind]
	if kind == Void && p.Status == StatusUnsettled && p.Captured.IsPositive() {
		r = rule{ask: true}
	}
	switch {
	case !ok:
		return Plan{}, ErrBusy
	case kind == Capture && p.Review.Refuses():
		plan.Outcome = declined(plan.Amount, p.TransactionID, CodeReview)
	case r.done:
		plan.Outcome = &Outcome{Result: Succeeded, Amount: money.Zero(p.Amount.Currency), TransactionID: p.TransactionID}
	case kind == Capture && p.Status == StatusCaptured && plan.Amount == p.Captured:
		plan.Outcome = &Outcome{Result: Succeeded, Amount: p.Captured, TransactionID: p.TransactionID}
	case kind == Void && p.Refunded.IsPositive():
		plan.Outcome = declined(plan.Amount, p.TransactionID, CodeSettled)
	case kind == Refund && p.Status == StatusPartly && whole.IsZero():
		plan.Outcome = declined(plan.Amount, p.TransactionID, CodeRefunded)
	case !r.ask:
		plan.Outcome = declined(plan.Amount, p.TransactionID, r.code)
	case plan.Amount.IsZero() && (more || p.Status != StatusPartly):
		return Plan{}, fault.New(fault.Invalid, "validation-failed", "1 fault in the input").
			WithField("body.amount.amount", "must be above zero, but to end captures in parts", 0)
	case plan.Amount.Minor > whole.Minor:
		plan.Outcome = declined(plan.Amount, p.TransactionID, CodeTooMuch)
	}
	return plan, nil
}

var messages = map[string]string{
	CodeSettled:       "The money has moved; refund it instead.",
	CodeNotSettled:    "Only settled money can be refunded in part; try again after settlement.",
	CodeNotAuthorised: "Nothing is authorised.",
	CodeNotCaptured:   "Nothing was captured; void the authorisation instead.",
	CodeCaptured:      "The payment was captured before.",
	CodeVoided:        "The payment was voided.",
	CodeRefunded:      "The payment was refunded.",
	CodeTooMuch:       "The amount is above what is there.",
	CodeExpired:       "The authorisation has run out.",
	CodeSettlement:    "The bank declined the settlement.",
	CodeRisk:          "The payment was rejected.",
	CodeReview:        "The payment was reviewed and rejected.",
	CodePromises:      "Too much is promised and not paid yet: another means of payment is needed.",
	CodeNoCustomer:    "A guest has no store credit.",
	CodeNotRepeatable: "The means of payment of this order cannot be charged once more for this.",
	CodeMismatch:      "The gateway booked another amount; it was undone.",
	CodeGiftCard:      "There is no such gift card, or it is worth nothing in this currency.",
	CodeCredit:        "Gift cards and store credit do not cover the amount: another means of payment is needed for the rest.",
}

func declined(a money.Amount, transaction, code string) *Outcome {
	return &Outcome{Result: DeclinedIt, Amount: a, TransactionID: transaction, Code: code, Message: messages[code], Retryable: code == CodeNotSettled}
}
