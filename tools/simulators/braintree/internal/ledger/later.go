package ledger

import (
	"slices"
	"time"
)

// Submit submits an authorised sale for settlement: whole when amount is empty, else that smaller amount. The rest of the
// authorisation lapses, as with the real gateway.
func (b *Book) Submit(id, amount string, terms Terms) (*Transaction, []Record, error) {
	t, err := b.Find(id)
	if err != nil {
		return nil, nil, err
	}
	to, err := t.Target(StepSubmit)
	if err != nil {
		return nil, nil, err
	}
	sum, err := amountWithin(amount, t.Amount, settlementTooLarge)
	if err != nil {
		return nil, nil, err
	}
	changed := *t
	changed.Amount = sum
	n := changed.next(to, apiUser, terms.Now)
	return n, []Record{{Transaction: n}}, nil
}

// SubmitPart settles a part of an authorisation as a child transaction of its own; the parent becomes settlement_pending.
// The parts that still stand may reach, not pass, the authorised amount.
func (b *Book) SubmitPart(id, amount, orderID string, terms Terms) (*Transaction, []Record, error) {
	parent, err := b.Find(id)
	if err != nil {
		return nil, nil, err
	}
	to, err := parent.Target(StepSubmitPart)
	if err != nil {
		return nil, nil, err
	}
	if amount == "" {
		return nil, nil, refuse(amountIsRequired)
	}
	left := Money{Minor: parent.Authorize - b.parted(parent), Currency: parent.Amount.Currency}
	sum, err := amountWithin(amount, left, settlementTooLarge)
	if err != nil {
		return nil, nil, err
	}
	if len(orderID) > maxOrderID {
		return nil, nil, refuse(orderIDIsTooLong)
	}
	child := *parent
	child.ID, child.Amount, child.AuthorizedBy = b.fresh(terms), sum, parent.ID
	child.History, child.PartIDs, child.Authorize, child.AuthExpires = nil, nil, 0, time.Time{}
	child.Created = terms.Now
	if orderID != "" {
		child.OrderID = orderID
	}
	submitted := Submitted
	if child.Method.Type == PayPal {
		submitted = Settling
	}
	part := child.next(submitted, apiUser, terms.Now)
	up := *parent
	up.PartIDs = append(slices.Clone(parent.PartIDs), part.ID)
	if parent.Status == to {
		up.Updated = terms.Now
		return part, []Record{{Transaction: &up}, {Transaction: part}}, nil
	}
	return part, []Record{{Transaction: up.next(to, apiUser, terms.Now)}, {Transaction: part}}, nil
}

// Void gives an authorisation, or a submitted sale or refund, up before it settles.
func (b *Book) Void(id string, terms Terms) (*Transaction, []Record, error) {
	return b.step(id, StepVoid, apiUser, terms)
}

// Simulate does one of the sandbox's settlement steps, or expires an authorisation.
func (b *Book) Simulate(id string, step Step, terms Terms) (*Transaction, []Record, error) {
	return b.step(id, step, controlUser, terms)
}

func (b *Book) step(id string, step Step, by string, terms Terms) (*Transaction, []Record, error) {
	t, err := b.Find(id)
	if err != nil {
		return nil, nil, err
	}
	to, err := t.Target(step)
	if err != nil {
		return nil, nil, err
	}
	n := t.next(to, by, terms.Now)
	if to == Settled || to == SettlementDeclined || to == SettlementConfirmed {
		n.BatchID = terms.Now.UTC().Format(time.DateOnly) + "_" + t.Account + "_" + string(t.Method.Type)
	}
	if to == AuthorizationExpired {
		n.AuthExpires = terms.Now
	}
	return n, []Record{{Transaction: n}}, nil
}

// Refund returns a settled sale's money, whole when amount is empty, as a credit transaction that settles in its turn.
func (b *Book) Refund(id, amount, orderID string, terms Terms) (*Transaction, []Record, error) {
	t, err := b.Find(id)
	if err != nil {
		return nil, nil, err
	}
	done := b.Refunded(t)
	switch {
	case t.Kind == Credit:
		return nil, nil, refuse(cannotRefundCredit)
	case t.Status != Settled && t.Status != Settling:
		return nil, nil, refuse(cannotRefund)
	case done == t.Amount.Minor:
		return nil, nil, refuse(alreadyRefunded)
	}
	sum := t.Amount
	if amount != "" {
		s, bad := parseAmount(amount, t.Amount.Currency)
		if bad != nil {
			return nil, nil, refuse(bad)
		}
		sum = s
	}
	switch {
	case sum.Minor > t.Amount.Minor-done:
		return nil, nil, refuse(refundIsTooLarge)
	case len(orderID) > maxOrderID:
		return nil, nil, refuse(orderIDIsTooLong)
	}
	credit := (&Transaction{
		ID: b.fresh(terms), Kind: Credit, Amount: sum, OrderID: t.OrderID, Account: t.Account, Method: t.Method,
		Token: t.Token, Customer: t.Customer, Billing: t.Billing, Created: terms.Now, Processor: processed, Refunds: t.ID,
	}).next(Submitted, apiUser, terms.Now)
	if orderID != "" {
		credit.OrderID = orderID
	}
	origin := *t
	origin.RefundIDs = append(slices.Clone(t.RefundIDs), credit.ID)
	origin.Updated = terms.Now
	return credit, []Record{{Transaction: &origin}, {Transaction: credit}}, nil
}

// SettleDue settles what was submitted at or before the given time, at most limit transactions, oldest first. It answers
// how many steps were made. Call it again until it answers 0.
func (b *Book) SettleDue(before time.Time, limit int, terms Terms) (int, []Record) {
	var due []*Transaction
	for id := range b.unsettled {
		t := b.transactions[id]
		if !t.Updated.After(before) && !(t.Status == SettlementPending && t.Method.Type == PayPal) {
			due = append(due, t)
		}
	}
	slices.SortFunc(due, func(x, y *Transaction) int { return x.Updated.Compare(y.Updated) })
	var records []Record
	for _, t := range due[:min(limit, len(due))] {
		if _, made, err := b.step(t.ID, settlementOutcome(t, terms.TestAmounts), settlementUser, terms); err == nil {
			records = append(records, made...)
		}
	}
	return len(records), records
}

func amountWithin(text string, most Money, tooLarge *Problem) (Money, error) {
	if text == "" {
		return most, nil
	}
	sum, bad := parseAmount(text, most.Currency)
	if bad != nil {
		return sum, refuse(bad)
	}
	if sum.Minor > most.Minor {
		return sum, refuse(tooLarge)
	}
	return sum, nil
}
