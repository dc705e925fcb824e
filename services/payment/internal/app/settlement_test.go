package app_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/sidecart/sidecart/services/payment/internal/app"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
)

func (w *world) capture(order string) {
	w.t.Helper()
	w.authorise(order)
	w.want(w.move(payment.Capture, order, order+"-c"), payment.Succeeded)
}

func (w *world) settlements() *app.Settlements {
	return &app.Settlements{App: w.app, Store: w.store, Books: w.gateway}
}

func (w *world) run(s *app.Settlements, after time.Duration) {
	w.t.Helper()
	w.clock.Add(after)
	if err := s.Run(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) heard() (types string) {
	w.t.Helper()
	if err := w.pool.QueryRow(w.t.Context(), `SELECT coalesce(string_agg(type, ' ' ORDER BY created_at, sequence), '') FROM outbox`).Scan(&types); err != nil {
		w.t.Fatal(err)
	}
	return types
}

// What is captured is looked at until the bank has paid, ever more seldom, and never again.
func TestSettlementIsPolled(t *testing.T) {
	t.Parallel()
	w := open(t)
	s := w.settlements()
	w.capture("o")
	w.authorise("held")
	w.run(s, app.SettleFirst-time.Second)
	if n := w.gateway.Sends("Transactions"); n != 0 {
		t.Errorf("%d looks before the first is due", n)
	}
	for i, wait := range []time.Duration{time.Second, app.SettleFirst, 2 * app.SettleFirst, 4 * app.SettleFirst} {
		w.run(s, wait)
		w.run(s, 0)
		if n := w.gateway.Sends("Transactions"); n != i+1 {
			t.Errorf("after %s: %d looks, want %d", wait, n, i+1)
		}
	}
	w.gateway.Settle()
	w.run(s, app.SettleLast)
	p := w.payment("o")
	if p.Status != payment.StatusCaptured || !p.SettledAt.Equal(w.clock.Now()) {
		t.Errorf("%+v", p)
	}
	looks := w.gateway.Sends("Transactions")
	w.run(s, 48*time.Hour)
	if n := w.gateway.Sends("Transactions"); n != looks {
		t.Errorf("a settled payment is looked at again")
	}
	w.audit("o")
	if got := w.heard(); got != "" {
		t.Errorf("others heard %q", got)
	}
	w.want(w.move(payment.Refund, "o", "r"), payment.Succeeded)
	w.audit("o")
}

// A settlement that the bank declined is a state of its own: nothing is there any more, and others hear of it once.
func TestSettlementDeclined(t *testing.T) {
	t.Parallel()
	w := open(t)
	s := w.settlements()
	w.capture("o")
	w.gateway.Change(func(tx *payment.Transaction) { tx.State = payment.TxUnsettled })
	w.run(s, app.SettleFirst)
	w.run(s, 48*time.Hour)
	p := w.payment("o")
	if p.Status != payment.StatusUnsettled || p.Captured.IsPositive() || p.Authorised.IsPositive() {
		t.Errorf("%+v", p)
	}
	w.audit("o")
	if got := w.heard(); got != "payment.settlement_declined.v1" {
		t.Errorf("others heard %q", got)
	}
	for kind, want := range map[payment.Kind]payment.Result{payment.Refund: payment.DeclinedIt, payment.Capture: payment.DeclinedIt, payment.Void: payment.Succeeded} {
		if a := w.move(kind, "o", "late-"+string(kind)); a.Outcome.Result != want || want == payment.DeclinedIt && a.Outcome.Code != payment.CodeSettlement {
			t.Errorf("%s: %+v", kind, a.Outcome)
		}
	}
}

// While an operation has no answer the settlement waits, so that neither spoils the other's writing.
func TestSettlementWaitsForOperations(t *testing.T) {
	t.Parallel()
	w := open(t)
	s := w.settlements()
	w.capture("o")
	w.gateway.Settle()
	w.gateway.always(lostBefore)
	w.want(w.move(payment.Refund, "o", "r"), payment.StillUnknown)
	w.run(s, app.SettleFirst)
	if p := w.payment("o"); !p.SettledAt.IsZero() || p.Live != "r" {
		t.Errorf("%+v", p)
	}
	w.gateway.always(fine)
	w.sweep(2 * payment.Belief)
	w.run(s, app.SettleLast)
	if p := w.payment("o"); p.SettledAt.IsZero() || p.Live != "" {
		t.Errorf("%+v", p)
	}
	w.audit("o")
}

// What cannot be asked is asked later; what was voided is not asked at all; a notification has it looked at now.
func TestSettlementLooksAgain(t *testing.T) {
	t.Parallel()
	w := open(t)
	s := w.settlements()
	for i := range 60 { // more than a batch
		w.capture(fmt.Sprint("o", i))
	}
	w.want(w.move(payment.Void, "o0", "v"), payment.Succeeded)
	w.gateway.Settle()
	w.gateway.mu.Lock()
	w.gateway.down = true
	w.gateway.mu.Unlock()
	w.clock.Add(app.SettleFirst)
	if err := s.Run(t.Context()); err == nil {
		t.Error("a gateway that is away is no error")
	}
	w.gateway.mu.Lock()
	w.gateway.down = false
	w.gateway.mu.Unlock()
	w.run(s, app.SettleLast)
	var settled, due int
	if err := w.pool.QueryRow(t.Context(), `SELECT count(settled_at), count(settle_due_at) FROM payments`).Scan(&settled, &due); err != nil || settled != 59 || due != 0 {
		t.Errorf("%d settled, %d due, %v", settled, due, err)
	}
	w.capture("now")
	w.gateway.Settle()
	c := app.NewCases(w.app, w.store, w.gateway)
	if err := c.Take(t.Context(), payment.Notification{ID: "a notification", Kind: "transaction_settled", At: w.clock.Now(), TransactionID: w.payment("now").TransactionID}); err != nil {
		t.Fatal(err)
	}
	w.run(s, 0)
	if p := w.payment("now"); p.SettledAt.IsZero() {
		t.Errorf("%+v", p)
	}
}
