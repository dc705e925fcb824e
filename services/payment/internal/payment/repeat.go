package payment

import "github.com/sidecart/sidecart/pkg/money"

// A payment may charge the means of another of its order once more: what an edited order costs above what was paid. It is a payment of its
// own, with an attempt of its own from FirstRepeat on, and stands beside the one that it is like: neither supersedes the other.

// FirstRepeat is the attempt from which payments are like another one.
const FirstRepeat = 1_000_000

// Repeatable says why the means of a payment cannot be charged once more for a customer, or nil. The gateway must have taken its part of it,
// whole: it charges no credit, and people bring what they promised once.
func Repeatable(origin Payment, customerID string, amount money.Amount) *Outcome {
	taken := origin.Provider == Gateway && origin.Status == StatusCaptured && origin.TransactionID != "" && !origin.Split && origin.Captured.Minor > origin.CreditCaptured.Minor
	if !taken || origin.Like != "" || origin.CustomerID != customerID || origin.Amount.Currency != amount.Currency {
		return NotRepeatable(amount)
	}
	return nil
}

// NotRepeatable is the answer to a payment like another one, whose means cannot be charged once more.
func NotRepeatable(amount money.Amount) *Outcome { return declined(amount, "", CodeNotRepeatable) }
