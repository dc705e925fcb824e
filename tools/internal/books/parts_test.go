package books

import (
	"slices"
	"testing"
)

// The kept order, of which 600 and 400 were captured by themselves, and 100 of the first went back.
func inParts(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.exec("payment", `
		UPDATE payments SET split = true, refunded = 100 WHERE id = '`+order1+`-1';
		INSERT INTO payment_operations (operation_id, payment_id, kind, currency, amount, result, answer_amount, reason, actor, created_at, answered_at, stamp, tries)
			SELECT id, '`+order1+`-1', 'capture', 'USD', 1, 'succeeded', 1, '', '', '2026-01-01', '2026-01-01', 1, 1 FROM (VALUES ('c1'), ('c2')) AS x (id);
		INSERT INTO payment_parts VALUES ('`+order1+`-1', 1, 't3', 'c1', 'settled', 'USD', 600, 100, '{t5}'), ('`+order1+`-1', 2, 't4', 'c2', 'captured', 'USD', 400, 0, '{}')`)
	w.exec("order", `UPDATE orders SET returned = 100 WHERE id = '`+order1+`'`)
	w.sim[0] = transaction("t1", order1+"-1", "settlement_pending", 1000, 0, 0)
	first, second := transaction("t3", "c1", "settled", 0, 600, 100), transaction("t4", "c2", "submitted_for_settlement", 0, 400, 0)
	first["authorized_transaction_id"], second["authorized_transaction_id"] = "t1", "t1"
	w.sim = append(w.sim, first, second)
	return w
}

func TestCapturesInParts(t *testing.T) {
	t.Parallel()
	w := inParts(t)
	if r := w.check(); !r.Clean() {
		t.Fatalf("%+v", r.Violations)
	}
	found := func() (all []string) {
		for _, v := range w.check().Violations {
			all = append(all, v.Rule+" "+v.ID)
		}
		return all
	}
	w.sim[2]["refunded_minor"] = 0
	if got := found(); !slices.Contains(got, "amounts-differ "+order1+"-1") {
		t.Errorf("the gateway refunded nothing: %v", got)
	}
	w.sim[2]["refunded_minor"] = 100
	w.exec("payment", `UPDATE payment_parts SET status = 'settlement_declined' WHERE number = 2`)
	if got := found(); !slices.Contains(got, "amounts-differ "+order1+"-1") {
		t.Errorf("its parts are not its sum: %v", got)
	}
}
