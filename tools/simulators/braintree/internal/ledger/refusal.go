package ledger

import (
	"errors"
	"strings"
)

// ErrNotFound says that no transaction, token or merchant account has that id.
var ErrNotFound = errors.New("not found")

// Problem is one validation error: where it lies (Object, a path of element names below <errors>), the attribute, the
// stable code and a message that may change.
type Problem struct {
	Object    string // "transaction", "transaction/credit-card", "client-token"
	Attribute string // snake case, "base" when it concerns the whole object
	Code      string
	Message   string
}

// Refusal is a request that the gateway does not carry out because of its content; nothing was recorded.
type Refusal struct{ Problems []Problem }

// Error joins the messages by line, as the gateway's <message> does.
func (r *Refusal) Error() string {
	lines := make([]string, len(r.Problems))
	for i, p := range r.Problems {
		lines[i] = p.Message
	}
	return strings.Join(lines, "\n")
}

func refuse(problems ...*Problem) error {
	r := &Refusal{}
	for _, p := range problems {
		if p != nil {
			r.Problems = append(r.Problems, *p)
		}
	}
	if len(r.Problems) == 0 {
		return nil
	}
	return r
}

func onTransaction(attribute, code, message string) *Problem {
	return &Problem{Object: "transaction", Attribute: attribute, Code: code, Message: message}
}

// The validation errors that the simulated calls can meet, with the codes that the public SDKs list.
var (
	amountIsNegative   = onTransaction("amount", "81501", "Amount cannot be negative.")
	amountIsRequired   = onTransaction("amount", "81502", "Amount is required.")
	amountIsInvalid    = onTransaction("amount", "81503", "Amount is an invalid format.")
	amountIsTooLarge   = onTransaction("amount", "81528", "Amount is too large.")
	amountIsZero       = onTransaction("amount", "81531", "Amount must be greater than zero.")
	taxIsInvalid       = onTransaction("tax_amount", "81535", "Tax amount is an invalid format.")
	orderIDIsTooLong   = onTransaction("order_id", "91501", "Order ID is too long.")
	cannotVoid         = onTransaction("base", "91504", "Transaction can only be voided if status is authorized, submitted_for_settlement, or - for PayPal - settlement_pending.")
	cannotRefundCredit = onTransaction("base", "91505", "Cannot refund credit.")
	cannotRefund       = onTransaction("base", "91506", "Cannot refund transaction unless it is settled.")
	cannotSubmit       = onTransaction("base", "91507", "Cannot submit for settlement unless status is authorized.")
	cannotSubmitPart   = onTransaction("base", "915103", "Cannot submit for partial settlement.")
	cannotSettle       = onTransaction("base", "91575", "Cannot simulate settlement.")
	noPaymentMethod    = onTransaction("base", "91508", "Cannot determine payment method.")
	alreadyRefunded    = onTransaction("base", "91512", "Transaction has already been completely refunded.")
	accountIsInvalid   = onTransaction("merchant_account_id", "91513", "Merchant account ID is invalid.")
	methodConflict     = onTransaction("base", "91515", "Cannot provide more than one of payment_method_token and payment_method_nonce.")
	tokenIsInvalid     = onTransaction("payment_method_token", "91518", "Payment method token is invalid.")
	refundIsTooLarge   = onTransaction("amount", "91521", "Refund amount is too large.")
	settlementTooLarge = onTransaction("amount", "91522", "Settlement amount is too large.")
	typeIsInvalid      = onTransaction("type", "91523", "Type is invalid.")
	typeIsRequired     = onTransaction("type", "91524", "Type is required.")
	creditsUnsupported = onTransaction("base", "91546", "Credits are not supported by this processor.")
	nonceConsumed      = onTransaction("payment_method_nonce", "91564", "Cannot use a payment_method_nonce more than once.")
	nonceUnknown       = onTransaction("payment_method_nonce", "91565", "Unknown or expired payment_method_nonce.")
	customerIsInvalid  = onTransaction("customer_id", "91510", "Customer ID is invalid.")
	cannotCloneVaulted = onTransaction("base", "91540", "Cannot clone transaction with a vault credit card.")
	cannotCloneFailed  = onTransaction("base", "91542", "Cannot clone transactions that were unsuccessful.")
	cannotCloneCredit  = onTransaction("base", "91543", "Credits cannot be cloned.")
	cannotCloneUnsaid  = onTransaction("base", "91544", "Cannot clone transaction without submit_for_settlement flag.")
	cannotClonePayPal  = onTransaction("base", "91573", "Cannot clone transaction with PayPal account.")
	numberIsInvalid    = &Problem{Object: "transaction/credit-card", Attribute: "number", Code: "81715", Message: "Credit card number is invalid."}
)
