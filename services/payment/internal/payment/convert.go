package payment

import "github.com/sidecart/sidecart/pkg/money"

// A refund may become store credit of the customer instead of going back where it came from. The gateway is not asked: it keeps what it has
// taken, which must be there for good. What gift cards and store credit paid goes back to them as ever.

// Convertible says why a refund cannot become store credit, or nothing.
func Convertible(p Payment, plan Plan) *Outcome {
	part := Operation{Kind: Refund, Amount: plan.Amount, Credit: plan.Credit}
	there := p.collected()
	if p.Split {
		there = true
		for _, s := range p.shares(part) {
			there = there && s.Status == PartSettled
		}
	}
	switch {
	case part.Gateway().IsZero():
		return nil
	case p.CustomerID == "":
		return declined(plan.Amount, p.TransactionID, CodeNoCustomer)
	case !there:
		return declined(plan.Amount, p.TransactionID, CodeNotSettled)
	}
	return nil
}

func judgeConversion(p Payment, op Operation) Verdict {
	v := answer(Refunded, Outcome{Result: Succeeded, Amount: op.Amount})
	v.Became = op.Gateway()
	for _, s := range p.shares(op) {
		v.Parts = append(v.Parts, PartChange{TransactionID: s.TransactionID, Amount: s.minor})
	}
	return v
}

// BecameOf is the store credit that a refund makes, by its operation.
func BecameOf(operation string) string { return "refund-" + operation }

// AtGatewayRefunded is what went back at the gateway.
func (p Payment) AtGatewayRefunded() money.Amount {
	return money.New(p.Refunded.Minor-p.CreditRefunded.Minor-p.Converted.Minor, p.Amount.Currency)
}
