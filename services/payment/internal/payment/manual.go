package payment

import "github.com/sidecart/sidecart/pkg/money"

// The providers that are people: no gateway is asked, staff record what came of it.
//
//	bank_transfer     authorised is a promise; the payment is under review until staff record the money, and captured then
//	cash_on_delivery  authorised and captured are promises, so that the order is sent; staff record what the carrier brought as settlement
const (
	Gateway        = "braintree" // the one that is none of them
	BankTransfer   = "bank_transfer"
	CashOnDelivery = "cash_on_delivery"
)

// Manual tells whether people take the money that credit does not cover.
func (p Payment) Manual() bool { return manual(p.Provider) }

func manual(provider string) bool { return provider == BankTransfer || provider == CashOnDelivery }

// collected tells whether the money is there, so that it can only be paid back.
func (p Payment) collected() bool {
	return p.Provider == BankTransfer && (p.Status == StatusCaptured || p.Status == StatusPartly) || !p.SettledAt.IsZero()
}

// judgeManual answers an operation at once: there are no other books than ours.
func judgeManual(p Payment, op Operation) Verdict {
	switch {
	case op.Kind == Void && p.collected():
		return no(VoidDeclined, op, "", CodeSettled)
	case op.Kind == Refund && !p.collected():
		return no(RefundDeclined, op, "", CodeNotSettled)
	}
	v := answer(successes[op.Kind], Outcome{Result: Succeeded, Amount: op.Amount})
	if op.Kind == Void && p.Provider == BankTransfer && p.Review == ReviewIsApproved { // whoever cancelled did not know of it yet
		v.Raise = "the money had come: it is to be paid back by hand"
	}
	return v
}

// Overpromised is the answer to a promise that is one too many.
func Overpromised(amount money.Amount) *Outcome {
	o := declined(amount, "", CodePromises)
	o.Retryable = true
	return o
}
