package payment

import (
	"slices"

	"github.com/sidecart/sidecart/pkg/money"
)

// SettlementOf says what the gateway's books mean for the settlement of what was captured, or of a part of it, by its transaction: the event
// Settled or SettlementDeclined, or none yet. What was voided or is missing there is no settlement; the reconciliation of the books shows it.
func SettlementOf(p Payment, id string, t Transaction, found bool) (e Event) {
	taken := p.Status == StatusPartly || p.Status == StatusCaptured
	e = Event{TransactionID: id, Amount: money.New(p.Captured.Minor-p.CreditCaptured.Minor, p.Amount.Currency)}
	if i := slices.IndexFunc(p.Parts, func(x Part) bool { return x.TransactionID == id }); i >= 0 {
		e.Amount = p.Parts[i].Amount
	}
	switch {
	case !found || t.ID != id || t.Credit || !slices.Contains(p.Unsettled(), id):
	case t.Paid && (taken || p.Status == StatusRefunded):
		e.Type = Settled
	case t.State == TxUnsettled && taken:
		e.Type, e.Code = SettlementDeclined, CodeSettlement
	}
	return e
}
