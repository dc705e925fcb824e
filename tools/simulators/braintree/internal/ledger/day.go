package ledger

import (
	"cmp"
	"slices"
	"time"
)

// Disbursement is money paid out to the merchant's bank: what one merchant account settled in a day, refunds taken off.
type Disbursement struct {
	ID, Account, Currency string
	Amount                int64 // minor units; below zero when refunds were more
	Day                   string
	Success, Retry        bool
	Exception, FollowUp   string
	Transactions          []string
}

// Exceptions of disbursements and what the merchant should do then. Source: the SDKs' constants.
var followUps = map[string]string{"bank_rejected": "update_funding_information", "insufficient_funds": "contact_us", "account_not_authorized": "contact_us"}

// PassTime does what time does: authorisations run out, unanswered disputes are accepted, and what settled before today is paid
// out. At most limit changes; call it again until there are none.
func (b *Book) PassTime(limit int, terms Terms) []Record {
	var records []Record
	for id := range b.held {
		if t := b.transactions[id]; len(records) < limit && !t.AuthExpires.IsZero() && !t.AuthExpires.After(terms.Now) {
			if _, made, err := b.step(id, StepExpire, settlementUser, terms); err == nil {
				records = append(records, made...)
			}
		}
	}
	for _, d := range b.Disputes() {
		if d.Status == DisputeOpen && !d.ReplyBy.AddDate(0, 0, 1).After(terms.Now) {
			if _, made, err := b.ChangeDispute(d.ID, DisputeAutoAccepted, terms); err == nil {
				records = append(records, made...)
			}
		}
	}
	return append(records, b.Disburse(day(terms.Now), "", terms)...)
}

// Disburse pays out what settled before a time: one disbursement for each merchant account. With an exception it fails, and is
// tried again by the next one.
func (b *Book) Disburse(before time.Time, exception string, terms Terms) []Record {
	paid := map[string]*Disbursement{}
	var records []Record
	for id := range b.undisbursed {
		t := b.transactions[id]
		if !t.settledAt().Before(before) {
			continue
		}
		d := paid[t.Account]
		if d == nil {
			d = &Disbursement{ID: b.fresh(terms), Account: t.Account, Currency: t.Amount.Currency, Day: terms.Now.UTC().Format(time.DateOnly),
				Success: exception == "", Exception: exception, FollowUp: followUps[exception]}
			paid[t.Account] = d
		}
		d.Transactions = append(d.Transactions, id)
		if t.Kind == Credit {
			d.Amount -= t.Amount.Minor
		} else {
			d.Amount += t.Amount.Minor
		}
		if exception == "" {
			n := *t
			n.Disbursed = d.Day
			records = append(records, Record{Transaction: &n})
		}
	}
	for _, d := range paid {
		slices.Sort(d.Transactions)
		n := b.notice(NoticeDisbursement, terms)
		if exception != "" {
			n.Kind = NoticeDisbursementException
		}
		n.Disbursement = d
		records = append(records, Record{Disbursement: d}, Record{Notice: n})
	}
	return records
}

// settledAt is when the transaction settled.
func (t *Transaction) settledAt() time.Time {
	for _, c := range slices.Backward(t.History) {
		if c.Status == Settled {
			return c.At
		}
	}
	return t.Updated
}

// Disbursements answers every disbursement by day.
func (b *Book) Disbursements() []*Disbursement {
	all := make([]*Disbursement, 0, len(b.disbursed))
	for _, d := range b.disbursed {
		all = append(all, d)
	}
	slices.SortFunc(all, func(x, y *Disbursement) int { return cmp.Or(cmp.Compare(x.Day, y.Day), cmp.Compare(x.ID, y.ID)) })
	return all
}
