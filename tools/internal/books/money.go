package books

import (
	"slices"
	"strings"
	"time"
)

// living are the statuses in which a transaction holds or has taken money.
var living = []string{"authorized", "submitted_for_settlement", "settlement_pending", "settlement_confirmed", "settling", "settled"}

// once: I3, one order for a checkout, and both know of each other.
func (j *judge) once() {
	for _, d := range j.s.Doubles {
		j.found("I3", "two-orders", d.What+" "+d.ID, "has %d orders", d.N)
	}
	sessions := map[string]*Checkout{}
	for i := range j.s.Checkouts {
		c := &j.s.Checkouts[i]
		sessions[c.ID] = c
		o := j.orders[c.Order]
		if c.Status == "completed" && !j.young(c.At) && (o == nil || !o.Placed || o.Checkout != c.ID) {
			j.found("I3", "completed-without-order", "checkout "+c.ID, "is completed; its order %s is not placed", c.Order)
		}
	}
	for i := range j.s.Orders {
		o := &j.s.Orders[i]
		if !o.Placed || j.young(o.At) {
			continue
		}
		switch c := sessions[o.Checkout]; {
		case c == nil:
			j.found("I3", "order-without-checkout", o.ID, "checkout %s is unknown", o.Checkout)
		case c.Order != o.ID:
			j.found("I3", "two-orders", "checkout "+c.ID, "is of order %s, but order %s is placed", c.Order, o.ID)
		}
	}
}

// amounts: I3, order and payment say the same.
func (j *judge) amounts() {
	net, charges := map[string]int64{}, map[string][]string{}
	for _, p := range j.s.Payments {
		o := j.orders[p.Order]
		if n := p.Captured - p.Refunded; n != 0 {
			net[p.Order] += n
			charges[charging(p.ID)] = append(charges[charging(p.ID)], p.ID)
		}
		if o == nil || j.young(p.At) || j.young(o.At) {
			continue
		}
		if p.Currency != o.Currency {
			j.found("I3", "currencies-differ", p.ID, "payment in %s, order in %s", p.Currency, o.Currency)
		}
		if p.Attempt == o.Attempt && p.Amount != o.Total-o.Charged {
			j.found("I3", "amounts-differ", p.ID, "payment of %d, order of %d %s", p.Amount, o.Total-o.Charged, o.Currency)
		}
	}
	for id, ids := range charges {
		if len(ids) > 1 {
			j.found("I3", "charged-twice", id, "payments %s hold its money", strings.Join(ids, ", "))
		}
	}
	for i := range j.s.Orders {
		o := &j.s.Orders[i]
		if j.young(o.At) || slices.Contains(halfway, o.State) {
			continue
		}
		if o.kept() && o.Captured != o.Total && !o.Unpaid {
			j.found("I3", "captured-is-not-the-total", o.ID, "captured %d of %d %s", o.Captured, o.Total, o.Currency)
		}
		if n := net[o.ID]; n != o.Captured-o.Returned {
			j.found("I3", "amounts-differ", o.ID, "captured %d less %d returned; payment holds %d", o.Captured, o.Returned, n)
		}
	}
}

// credit: I3, gift cards and store credit are the sums of their ledger, and of what payments use.
func (j *judge) credit() {
	for _, c := range j.s.Credits {
		if c.Balance != c.LedgerBalance || c.Held != c.LedgerHeld {
			j.found("I3", "credit-is-not-the-ledger", c.ID, "has %d, holds %d; the ledger says %d and %d", c.Balance, c.Held, c.LedgerBalance, c.LedgerHeld)
		}
		if c.Held != c.Used {
			j.found("I3", "held-is-not-reserved", c.ID, "holds %d, payments have %d reserved", c.Held, c.Used)
		}
	}
	for _, p := range j.s.Payments {
		held := int64(0)
		switch p.Status {
		case "authorising", "authorised":
			held = p.Credit
		case "partially_captured":
			held = p.Credit - p.CreditCaptured
		}
		if p.Converted != p.Issued {
			j.found("I3", "converted-is-not-issued", p.ID, "%d refunded as store credit, %d issued for it", p.Converted, p.Issued)
		}
		if p.Held != held || p.Net != p.CreditCaptured-p.CreditRefunded {
			j.found("I3", "tenders-differ", p.ID, "%s with %d of credit, %d captured, %d refunded; its tenders hold %d and %d",
				p.Status, p.Credit, p.CreditCaptured, p.CreditRefunded, p.Held, p.Net)
		}
	}
}

// gateway: I3, payment and the gateway's own books say the same.
func (j *judge) gateway() {
	if !j.s.Gateway {
		return
	}
	byID, sales := map[string]*Transaction{}, map[string][]string{}
	for i := range j.s.Transactions {
		t := &j.s.Transactions[i]
		byID[t.ID] = t
		if t.Type == "sale" && slices.Contains(living, t.Status) && t.Refunded < t.Authorised {
			sales[charging(t.Payment)] = append(sales[charging(t.Payment)], t.ID)
		}
	}
	for id, ids := range sales {
		if len(ids) > 1 {
			j.found("I3", "charged-twice", id, "transactions %s hold its money", strings.Join(ids, ", "))
		}
	}
	for i := range j.s.Payments {
		p := &j.s.Payments[i]
		if p.Transaction == "" || j.young(p.At) {
			continue
		}
		t := byID[p.Transaction]
		switch {
		case t == nil:
			j.found("I3", "unknown-transaction", p.ID, "transaction %s is not in the gateway's books", p.Transaction)
		case t.Payment != p.ID:
			j.found("I3", "unknown-transaction", p.ID, "transaction %s is of %s", t.ID, t.Payment)
		case t.Currency != p.Currency:
			j.found("I3", "currencies-differ", p.ID, "payment in %s, transaction %s in %s", p.Currency, t.ID, t.Currency)
		case p.Split && (p.PartsNet != p.rest() || t.Captured-t.Refunded != p.rest()+p.Converted): // a part that was voided is refunded here
			j.found("I3", "amounts-differ", p.ID, "captured less refunded %d, without credit; its parts say %d, those of transaction %s %d", p.rest(), p.PartsNet, t.ID, t.Captured-t.Refunded)
		case p.Split:
		case t.Captured != p.Captured-p.CreditCaptured || t.Refunded != p.Refunded-p.CreditRefunded-p.Converted:
			j.found("I3", "amounts-differ", p.ID, "captured %d, refunded %d, without credit; transaction %s: %d and %d", p.Captured-p.CreditCaptured, p.Refunded-p.CreditRefunded-p.Converted, t.ID, t.Captured, t.Refunded)
		case p.Status == "authorised" && t.Authorised != p.Authorised-p.Credit:
			j.found("I3", "amounts-differ", p.ID, "authorised %d, without credit; transaction %s: %d", p.Authorised-p.Credit, t.ID, t.Authorised)
		}
	}
}

// money: I4.
func (j *judge) money() {
	charged, looked := map[string]bool{}, map[string]bool{}
	for _, p := range j.s.Payments {
		looked[p.Order] = looked[p.Order] || p.InReview
		holds := p.Captured > p.Refunded || p.Status == "authorised" || p.Status == "partially_captured"
		charged[p.Order] = charged[p.Order] || p.Captured > p.Refunded
		if holds && !j.young(p.At) {
			j.homeless("payment "+p.ID, p.Order, p.Attempt)
		}
	}
	for _, t := range j.s.Transactions {
		if t.Type == "sale" && slices.Contains(living, t.Status) && t.Refunded < max(t.Captured, t.Authorised) && !j.young(t.At) {
			j.homeless("transaction "+t.ID+" of "+t.Payment, orderOf(t.Payment), 0)
		}
	}
	for _, o := range j.s.Orders {
		switch {
		case j.young(o.At):
		case slices.Contains(halfway, o.State) && (o.State != "placed" || !looked[o.ID]): // a capture waits for the review
			j.found("I4", "half-way", o.ID, "is %s since %s", o.State, j.s.At.Sub(o.At).Round(time.Second))
		case o.kept() && o.Total > 0 && o.Returned < o.Captured && !charged[o.ID]:
			j.found("I4", "order-without-money", o.ID, "is %s; no payment holds its %d %s", o.State, o.Total, o.Currency)
		}
	}
	for _, c := range j.s.Checkouts {
		if c.Status == "completing" && !j.young(c.At) {
			j.found("I4", "half-way", "checkout "+c.ID, "is completing since %s", j.s.At.Sub(c.At).Round(time.Second))
		}
	}
	for _, op := range j.s.Operations {
		if !j.young(op.At) {
			j.found("I4", "half-way", "operation "+op.ID, "nobody knows what became of this %s of %s", op.Kind, op.Payment)
		}
	}
}

// homeless is money that no order answers for.
func (j *judge) homeless(what, order string, attempt int) {
	o := j.orders[order]
	switch {
	case o == nil:
		j.found("I4", "money-without-order", what, "there is no order %s", order)
	case slices.Contains(undone, o.State):
		j.found("I4", "money-without-order", what, "order %s is %s", order, o.State)
	case attempt != 0 && attempt < forEdits && attempt != o.Attempt && !slices.Contains(halfway, o.State):
		j.found("I4", "money-without-order", what, "order %s was paid by attempt %d", order, o.Attempt)
	}
}
