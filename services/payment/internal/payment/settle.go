package payment

// SettlementOf says what the gateway's books mean for the settlement of a captured payment: Settled, SettlementDeclined, or nothing
// yet. What was voided or is missing there is no settlement; the reconciliation of the books shows it.
func SettlementOf(p Payment, t Transaction, found bool) EventType {
	switch {
	case !found || t.ID != p.TransactionID || t.Credit:
		return ""
	case t.Paid && (p.Status == StatusCaptured || p.Status == StatusRefunded):
		return Settled
	case t.State == TxUnsettled && p.Status == StatusCaptured:
		return SettlementDeclined
	}
	return ""
}
