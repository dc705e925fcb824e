package wire

import (
	"strings"

	"github.com/sidecart/sidecart/tools/simulators/braintree/internal/ledger"
)

// Notification writes what a webhook says, before it is encoded and signed.
func Notification(n *ledger.Notice, merchant string) []byte {
	b := document()
	b.in("notification", "", func() {
		b.text("source-merchant-id", merchant)
		b.time("timestamp", n.At)
		b.text("kind", n.Kind)
		b.in("subject", "", func() {
			switch {
			case n.Dispute != nil:
				b.dispute(n.Dispute)
			case n.Disbursement != nil:
				b.disbursement(n.Disbursement)
			case n.Transaction != nil:
				b.transaction(Shown{Transaction: n.Transaction})
			default:
				b.boolean(strings.ReplaceAll(n.Kind, "_", "-"), true)
			}
		})
	})
	return b.bytes()
}

func (b *builder) disbursement(d *ledger.Disbursement) {
	b.in("disbursement", "", func() {
		b.text("id", d.ID)
		b.array("transaction-ids", d.Transactions)
		b.boolean("success", d.Success)
		b.boolean("retry", d.Retry)
		b.in("merchant-account", "", func() {
			b.text("id", d.Account)
			b.text("currency-iso-code", d.Currency)
			b.boolean("sub-merchant-account", false)
			b.text("status", "active")
		})
		kind := "credit"
		if d.Amount < 0 {
			kind = "debit"
		}
		b.text("disbursement-type", kind)
		b.text("amount", ledger.Money{Minor: d.Amount, Currency: d.Currency}.Decimal())
		b.text("currency-iso-code", d.Currency)
		b.typed("disbursement-date", "date", d.Day)
		b.text("exception-message", d.Exception)
		b.text("follow-up-action", d.FollowUp)
	})
}
