package books

import (
	"slices"
	"testing"
)

// An order that an edit made cost less is as healthy as any, once the difference went back, or is owed.
func TestEditedOrdersAreClean(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec("order", `UPDATE orders SET total = 800, reduced = 200, owing = 200, snapshot = snapshot || '{"totals":{"total":{"amount":800}}}' WHERE id = '`+order1+`'`)
	if r := w.check(); !r.Clean() {
		t.Errorf("owed: %+v", r.Violations)
	}
	w.exec("order", `UPDATE orders SET owing = 0, returned = 200, snapshot = snapshot || '{"totals":{"total":{"amount":800}}}' WHERE id = '`+order1+`'`)
	w.exec("payment", `UPDATE payments SET refunded = 200 WHERE id = '`+order1+`-1'`)
	w.sim[0] = transaction("t1", order1+"-1", "settled", 1000, 1000, 200)
	if r := w.check(); !r.Clean() {
		t.Errorf("%+v", r.Violations)
	}
}

// So is one that an edit made cost more, with a payment of its own: a clone at the gateway, whose channel names it. What the order knows nothing
// of, and a second clone, are found.
func TestOrdersThatCostMoreAreClean(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	again := order1 + "-1000001"
	w.exec("order", `UPDATE orders SET total = 1300, captured = 1300, edits = '[{"number":1,"charged":{"amount":300,"currency":"USD"}}]', snapshot = snapshot || '{"totals":{"total":{"amount":1300}}}' WHERE id = '`+order1+`'`)
	w.exec("payment", `INSERT INTO payments (id, order_id, attempt, provider, account, currency, amount, status, authorised, captured, refunded, transaction_id, live_operation, version, created_at, updated_at, like_payment)
		VALUES ('`+again+`', '`+order1+`', 1000001, 'braintree', 'usd', 'USD', 300, 'captured', 300, 300, 0, 't3', '', 1, '2026-01-01', '2026-01-01', '`+order1+`-1');
		INSERT INTO payment_events SELECT id, 1, 'x', '', 'USD', 0, '', '', '', '2026-01-01' FROM payments WHERE id = '`+again+`'`)
	clone := func(id string) map[string]any {
		c := transaction(id, order1+"-1", "submitted_for_settlement", 300, 300, 0)
		c["channel"] = again
		return c
	}
	w.sim = append(w.sim, clone("t3"))
	if r := w.check(); !r.Clean() {
		t.Errorf("%+v", r.Violations)
	}
	found := func(rule, id string) {
		t.Helper()
		if all := w.check().Violations; !slices.ContainsFunc(all, func(v Violation) bool { return v.Rule == rule && v.ID == id }) {
			t.Errorf("%s %s is not found: %+v", rule, id, all)
		}
	}
	w.mu.Lock()
	w.sim = append(w.sim, clone("t4"))
	w.mu.Unlock()
	found("charged-twice", again)
	w.exec("order", `UPDATE orders SET total = 1000, captured = 1000, edits = '[]', snapshot = snapshot || '{"totals":{"total":{"amount":1000}}}' WHERE id = '`+order1+`'`)
	found("amounts-differ", order1)
}
