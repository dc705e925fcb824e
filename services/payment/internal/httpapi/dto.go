package httpapi

import (
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/payment/internal/app"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
	"github.com/sidecart/sidecart/services/payment/internal/postgres"
	"github.com/sidecart/sidecart/services/payment/paymentapi"
)

func result(a app.Answer) paymentapi.Result {
	o := a.Outcome
	r := paymentapi.Result{OperationID: a.ID, PaymentID: a.PaymentID, Outcome: string(o.Result), Amount: o.Amount, TransactionID: o.TransactionID,
		DeclineCode: o.Code, Retryable: o.Retryable, Message: o.Message, RetryAfterMS: a.RetryAfter.Milliseconds(), OccurredAt: a.AnsweredAt.UTC()}
	if a.ToCredit && o.Result == payment.Succeeded && a.Gateway().IsPositive() {
		r.CreditID = payment.BecameOf(a.ID)
	}
	if a.InReview {
		r.Review = paymentapi.ReviewPending
	}
	if until := a.ReviewUntil.UTC(); a.InReview && !a.ReviewUntil.IsZero() {
		r.ReviewUntil = &until
	}
	if a.AnsweredAt.IsZero() {
		r.OccurredAt = a.CreatedAt.UTC()
	}
	return r
}

func view(p payment.Payment) paymentapi.Payment {
	v := paymentapi.Payment{ID: p.ID, OrderID: p.OrderID, Attempt: p.Attempt, Status: string(p.Status), Provider: p.Provider, Amount: p.Amount,
		Authorised: p.Authorised, Captured: p.Captured, Refunded: p.Refunded, Pending: p.Live != "", TransactionID: p.TransactionID,
		CreatedAt: p.CreatedAt.UTC(), UpdatedAt: p.UpdatedAt.UTC(), Like: p.Like}
	if p.Converted.IsPositive() {
		v.AsCredit = &p.Converted
	}
	for _, x := range p.Parts {
		v.Captures = append(v.Captures, paymentapi.Capture{OperationID: x.OperationID, TransactionID: x.TransactionID, Status: string(x.Status), Amount: x.Amount, Refunded: x.Refunded})
	}
	if !p.SettledAt.IsZero() {
		at := p.SettledAt.UTC()
		v.SettledAt = &at
	}
	v.Review, v.ReviewRule, v.Checks = string(p.Review), p.ReviewRule, checksView(p.Checks)
	if !p.ReviewUntil.IsZero() {
		until := p.ReviewUntil.UTC()
		v.ReviewUntil = &until
	}
	return v
}

// tenderViews is nil for a payment that the gateway has alone. What credit holds or has taken now is nothing after a void.
func tenderViews(p payment.Payment, credit []postgres.Tender) (out []paymentapi.Tender) {
	for _, t := range credit {
		v := paymentapi.Tender{Type: string(t.Kind), CreditID: t.CreditID, Authorised: t.Reserved, Captured: t.Captured, Refunded: t.Refunded}
		if p.Authorised.IsZero() {
			v.Authorised, v.Captured, v.Refunded = p.Authorised, p.Authorised, p.Authorised
		}
		out = append(out, v)
	}
	if len(out) > 0 && p.Provider != app.ProviderCredit {
		less := func(a, credit money.Amount) money.Amount { return money.New(a.Minor-credit.Minor, a.Currency) }
		authorised := money.Zero(p.Amount.Currency)
		if p.Authorised.IsPositive() {
			authorised = less(p.Authorised, p.Credit)
		}
		means := "gateway"
		if p.Manual() {
			means = p.Provider
		}
		out = append(out, paymentapi.Tender{Type: means, Authorised: authorised, Captured: less(p.Captured, p.CreditCaptured), Refunded: less(p.Refunded, p.CreditRefunded)})
	}
	return out
}

// checksView is nil when nothing is known.
func checksView(c payment.Checks) *paymentapi.Checks {
	if c == (payment.Checks{}) {
		return nil
	}
	return &paymentapi.Checks{ThreeDSecure: c.SecureStatus, Enrolled: c.SecureEnrolled, LiabilityShifted: c.LiabilityShifted, LiabilityShiftPossible: c.ShiftPossible,
		AVSError: c.AVSError, AVSPostal: c.AVSPostal, AVSStreet: c.AVSStreet, CVV: c.CVV, GatewayDecision: c.GatewayDecision, GatewayRiskID: c.GatewayRiskID}
}

func eventViews(all []payment.Event) []paymentapi.Event {
	out := make([]paymentapi.Event, len(all))
	for i, e := range all {
		out[i] = paymentapi.Event{Version: e.Version, Type: string(e.Type), OperationID: e.OperationID, Amount: &all[i].Amount, Detail: e.Detail, Checks: checksView(e.Checks), At: e.At.UTC()}
		if e.Code != "" {
			out[i].Detail = e.Code
		}
	}
	return out
}
