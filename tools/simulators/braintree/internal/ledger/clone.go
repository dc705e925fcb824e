package ledger

// Clone makes a new sale like an earlier one that was not vaulted: another amount, the same method, the same order id.
// Source: "Transaction: clone" of the public documentation.
func (b *Book) Clone(id, amount, channel, submit string, terms Terms) (*Transaction, []Record, error) {
	t, err := b.Find(id)
	if err != nil {
		return nil, nil, err
	}
	switch {
	case t.Kind == Credit:
		return nil, nil, refuse(cannotCloneCredit)
	case !t.Succeeded():
		return nil, nil, refuse(cannotCloneFailed)
	case t.Token != "":
		return nil, nil, refuse(cannotCloneVaulted)
	case t.Method.Type == PayPal:
		return nil, nil, refuse(cannotClonePayPal)
	case submit == "":
		return nil, nil, refuse(cannotCloneUnsaid)
	}
	sum, bad := parseAmount(amount, t.Amount.Currency)
	if bad != nil {
		return nil, nil, refuse(bad)
	}
	n := &Transaction{ID: b.fresh(terms), Kind: Sale, Amount: sum, OrderID: t.OrderID, Account: t.Account, Channel: channel, Method: t.Method,
		Customer: t.Customer, Billing: t.Billing, Shipping: t.Shipping, Fields: t.Fields, Statement: t.Statement, AVS: t.AVS, Created: terms.Now}
	n.Method.Secure = nil
	v := b.judge(n, fateTransactable, false, terms)
	n.Processor, n.Rejection = v.response, v.rejection
	n = b.authorised(n.next(v.status, apiUser, terms.Now), terms)
	if n.Status == Authorized && submit == "true" {
		n = n.next(Submitted, apiUser, terms.Now)
	}
	return n, []Record{{Transaction: n}}, nil
}
