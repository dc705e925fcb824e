package app_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/payment/internal/app"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
	"github.com/sidecart/sidecart/services/payment/internal/paymenttest"
)

// take captures a part of the payment of an order; more follows.
func (w *world) take(order, operation string, minor int64, more bool) app.Answer {
	w.t.Helper()
	amount := usd(minor)
	return w.do(app.Movement{Kind: payment.Capture, OperationID: operation, PaymentID: order + "-1", Amount: &amount, More: more})
}

func (w *world) do(m app.Movement) app.Answer {
	w.t.Helper()
	a, err := w.app.Move(w.t.Context(), m)
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

func (w *world) refund(order, operation string, minor int64) app.Answer {
	w.t.Helper()
	amount := usd(minor)
	return w.do(app.Movement{Kind: payment.Refund, OperationID: operation, PaymentID: order + "-1", Amount: &amount})
}

// sums are captured and refunded, and where each part stands.
func (w *world) sums(order string) string {
	w.t.Helper()
	p := w.payment(order)
	text := fmt.Sprint(p.Status, " ", p.Captured.Minor, "/", p.Refunded.Minor)
	for _, x := range p.Parts {
		text += fmt.Sprint(" ", x.Status, " ", x.Amount.Minor, "/", x.Refunded.Minor)
	}
	return text
}

func (w *world) wantSums(order, want string) {
	w.t.Helper()
	if got := w.sums(order); got != want {
		w.t.Errorf("%s is %s, want %s", order, got, want)
	}
	w.audit(order)
}

// An order that is sent in three shipments: each is captured once, however often it is asked for, the last lets the rest go, and refunds are
// spread over what was captured.
func TestCaptureInParts(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.authorise("o")
	for range 2 {
		w.want(w.take("o", "c1", 300, true), payment.Succeeded)
	}
	w.wantSums("o", "partially_captured 300/0 captured 300/0")
	w.want(w.take("o", "c2", 200, true), payment.Succeeded)
	if a := w.take("o", "c3", 501, true); a.Outcome.Code != payment.CodeTooMuch {
		t.Errorf("more than is authorised: %+v", a.Outcome)
	}
	w.want(w.take("o", "c4", 400, false), payment.Succeeded)
	w.wantSums("o", "captured 900/0 captured 300/0 captured 200/0 captured 400/0")
	if a := w.take("o", "c5", 1, true); a.Outcome.Code != payment.CodeCaptured {
		t.Errorf("after the last: %+v", a.Outcome)
	}
	if n := w.gateway.Sends("CapturePart"); n != 3 || w.gateway.Sends("Capture") != 0 || w.gateway.Books()[0].State != payment.TxVoided {
		t.Errorf("%d parts, books %+v", n, w.gateway.Books())
	}
	if a := w.refund("o", "r1", 400); a.Outcome.Code != payment.CodeNotSettled || w.gateway.Sends("Void") != 1 {
		t.Errorf("a part that has not settled: %+v", a.Outcome)
	}
	w.want(w.refund("o", "r2", 300), payment.Succeeded) // the whole of the first: voided
	w.wantSums("o", "captured 900/300 voided 300/300 captured 200/0 captured 400/0")
	w.gateway.Settle()
	w.want(w.refund("o", "r3", 250), payment.Succeeded)
	w.wantSums("o", "captured 900/550 voided 300/300 captured 200/200 captured 400/50")
	w.want(w.move(payment.Refund, "o", "r4"), payment.Succeeded)
	w.wantSums("o", "refunded 900/900 voided 300/300 captured 200/200 captured 400/400")
	if n := w.gateway.Sends("Refund"); n != 3 {
		t.Errorf("%d refunds", n)
	}
}

// What will not be sent is let go by a last capture of nothing; all of it in one go is no part.
func TestTheRestIsLetGo(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.authorise("o")
	w.want(w.take("o", "c1", 300, true), payment.Succeeded)
	w.want(w.take("o", "c2", 0, false), payment.Succeeded)
	w.wantSums("o", "captured 300/0 captured 300/0")
	w.authorise("p")
	w.want(w.take("p", "p1", 1000, true), payment.Succeeded)
	w.wantSums("p", "captured 1000/0")
	w.authorise("q")
	zero := usd(0)
	if _, err := w.app.Move(t.Context(), app.Movement{Kind: payment.Capture, OperationID: "q1", PaymentID: "q-1", Amount: &zero}); err == nil {
		t.Error("nothing was captured of a payment that is whole")
	}
	w.want(w.take("q", "q2", 300, true), payment.Succeeded)
	w.want(w.move(payment.Void, "q", "v"), payment.Succeeded)
	w.wantSums("q", "voided 0/0 voided 300/0")
	w.authorise("r")
	w.want(w.take("r", "s1", 300, true), payment.Succeeded)
	w.gateway.Settle()
	if a := w.move(payment.Void, "r", "v2"); a.Outcome.Code != payment.CodeSettled {
		t.Errorf("%+v", a.Outcome)
	}
	w.want(w.move(payment.Refund, "r", "r1"), payment.Succeeded) // the whole: nothing more is captured either
	w.wantSums("r", "refunded 300/300 captured 300/300")
}

// Lost calls are looked up part by part, and no part is captured or refunded twice.
func TestLostPartsAreLookedUp(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.authorise("o")
	w.gateway.always(lostAfter)
	w.want(w.take("o", "c1", 300, true), payment.Succeeded)
	w.want(w.take("o", "c2", 400, false), payment.StillUnknown) // the part is found; the rest is let go, and that answer is lost
	w.sweep(2 * time.Second)
	w.wantSums("o", "captured 700/0 captured 300/0 captured 400/0")
	w.gateway.Settle()
	for range 3 {
		w.move(payment.Refund, "o", "r")
		w.sweep(31 * time.Second)
	}
	w.want(w.move(payment.Refund, "o", "r"), payment.Succeeded)
	w.wantSums("o", "refunded 700/700 captured 300/300 captured 400/400")
	if parts, refunds := w.gateway.Sends("CapturePart"), w.gateway.Sends("Refund"); parts != 2 || refunds != 2 {
		t.Errorf("%d parts, %d refunds", parts, refunds)
	}
	w.gateway.always(fine)
	w.authorise("p")
	w.gateway.always(late)
	w.want(w.take("p", "p1", 300, true), payment.StillUnknown)
	w.sweep(61 * time.Second)
	w.wantSums("p", "authorised 0/0")
	w.want(w.take("p", "p1", 300, true), payment.FailedSurely)
	w.gateway.always(fine)
	w.want(w.take("p", "p2", 300, true), payment.Succeeded)
	w.gateway.arrive() // the first, after all: it is voided
	w.sweep(6 * time.Minute)
	w.wantSums("p", "partially_captured 300/0 captured 300/0")
	w.gateway.down = true
	w.want(w.take("p", "p3", 100, true), payment.StillUnknown) // the books cannot be seen: it was not sent, and is sent when they can
	w.gateway.down = false
	w.sweep(2 * time.Second)
	w.want(w.take("p", "p3", 100, true), payment.Succeeded)
	w.authorise("q")
	w.gateway.always(lostBefore)
	w.want(w.take("q", "q1", 300, true), payment.StillUnknown)
	w.sweep(61 * time.Second)
	w.gateway.always(fine)
	w.want(w.take("q", "q2", 400, false), payment.Succeeded) // the first that arrives is the last
	w.wantSums("q", "captured 400/0 captured 400/0")
}

// A part settles while the parts are voided one after the other: what went back is counted, and the rest is refunded.
func TestAPartSettlesInTheMiddleOfAVoid(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.authorise("o")
	w.want(w.take("o", "c1", 300, true), payment.Succeeded)
	w.want(w.take("o", "c2", 700, false), payment.Succeeded)
	voids := 0
	w.gateway.wait = func(method string) {
		if method == "Void" {
			if voids++; voids == 2 {
				w.gateway.Settle()
			}
		}
	}
	if a := w.move(payment.Void, "o", "v"); a.Outcome.Code != payment.CodeSettled {
		t.Errorf("%+v", a.Outcome)
	}
	w.wantSums("o", "captured 1000/300 voided 300/300 captured 700/0")
	var told int64
	if err := w.pool.QueryRow(t.Context(), `SELECT (data->'amount'->>'amount')::bigint FROM outbox WHERE type = 'payment.refunded.v1'`).Scan(&told); err != nil || told != 300 {
		t.Errorf("others heard of %d: %v", told, err)
	}
	w.want(w.move(payment.Refund, "o", "r"), payment.Succeeded)
	w.wantSums("o", "refunded 1000/1000 voided 300/300 captured 700/700")
}

// Each part settles, or does not, by itself.
func TestPartsSettleByThemselves(t *testing.T) {
	t.Parallel()
	w := open(t)
	s := app.Settlements{App: w.app, Store: w.store, Books: w.gateway}
	look := func(state payment.State, ids ...int) {
		w.gateway.Change(func(x *payment.Transaction) {
			for _, id := range ids {
				if x.ID == fmt.Sprint("tx", id) {
					x.State, x.Paid = state, state == payment.TxSettled
				}
			}
		})
		w.clock.Add(7 * time.Hour)
		if err := s.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	w.authorise("o") // tx1
	w.want(w.take("o", "c1", 300, true), payment.Succeeded)
	look(payment.TxSettled, 2)
	w.wantSums("o", "partially_captured 300/0 settled 300/0")
	w.want(w.take("o", "c2", 400, false), payment.Succeeded)
	if p := w.payment("o"); !p.SettledAt.IsZero() {
		t.Error("it has settled before all parts have")
	}
	look(payment.TxUnsettled, 3)
	w.wantSums("o", "captured 300/0 settled 300/0 settlement_declined 400/0")
	if p := w.payment("o"); p.SettledAt.IsZero() {
		t.Error("nothing is left that could settle, and it has not settled")
	}
	var missing, left int64
	err := w.pool.QueryRow(t.Context(), `SELECT (data->'amount'->>'amount')::bigint, (data->'captured'->>'amount')::bigint FROM outbox WHERE type = 'payment.settlement_declined.v1'`).Scan(&missing, &left)
	if err != nil || missing != 400 || left != 300 {
		t.Errorf("others heard that %d is missing and %d is left: %v", missing, left, err)
	}
	w.want(w.move(payment.Refund, "o", "r"), payment.Succeeded)
	w.wantSums("o", "refunded 300/300 settled 300/300 settlement_declined 400/0")

	w.authorise("p") // tx5: tx4 is the refund
	w.want(w.take("p", "p1", 300, true), payment.Succeeded)
	w.want(w.take("p", "p2", 700, true), payment.Succeeded)
	look(payment.TxUnsettled, 6, 7)
	w.wantSums("p", "settlement_declined 0/0 settlement_declined 300/0 settlement_declined 700/0")
	var due int
	if err := w.pool.QueryRow(t.Context(), `SELECT count(*) FROM payments WHERE settle_due_at IS NOT NULL`).Scan(&due); err != nil || due != 0 {
		t.Errorf("%d payments are still looked at: %v", due, err)
	}
}

// A gift card and a card, sent in parts: the card pays first, and what is not captured of the gift card is let go with the last part.
func TestPartsOfTenders(t *testing.T) {
	t.Parallel()
	w := open(t)
	code := w.giftCard("g", 400)
	w.want(w.pay("o", paymenttest.NonceValid, code), payment.Succeeded)
	w.want(w.take("o", "c1", 500, true), payment.Succeeded)
	w.wantCredit("g", 0, 400)
	w.want(w.take("o", "c2", 200, true), payment.Succeeded) // 100 of the card, 100 of the gift card
	w.wantCredit("g", 0, 300)
	w.want(w.take("o", "c3", 100, true), payment.Succeeded) // of the gift card alone
	w.wantCredit("g", 0, 200)
	w.wantSums("o", "partially_captured 800/0 captured 500/0 captured 100/0")
	w.want(w.take("o", "c4", 0, false), payment.Succeeded)
	w.wantCredit("g", 200, 0)
	w.gateway.Settle()
	w.want(w.refund("o", "r1", 650), payment.Succeeded)
	w.wantCredit("g", 250, 0)
	w.want(w.move(payment.Refund, "o", "r2"), payment.Succeeded)
	w.wantCredit("g", 400, 0)
	w.wantSums("o", "refunded 800/800 captured 500/500 captured 100/100")
	w.want(w.pay("p", paymenttest.NonceValid, code), payment.Succeeded)
	w.want(w.take("p", "p1", 700, true), payment.Succeeded)
	w.wantCredit("g", 0, 300)
	w.want(w.move(payment.Void, "p", "v"), payment.Succeeded)
	w.wantCredit("g", 400, 0)
	w.wantSums("p", "voided 0/0 voided 600/0")
}

// A dispute, and a notification about the settlement, of one part belong to its payment.
func TestADisputeOfAPart(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.authorise("o")
	w.want(w.take("o", "c1", 300, true), payment.Succeeded)
	at := w.clock.Now()
	_, alarm, err := w.store.Take(t.Context(), payment.Notification{ID: "notification-1", Kind: "dispute_opened", At: at, Dispute: &payment.DisputeReport{DisputeID: "d", TransactionID: "tx2",
		Reference: "c1", Status: payment.DisputeOpen, Amount: usd(300), Won: money.Zero("USD"), OpenedAt: at, At: at}}, at)
	if err != nil || alarm != "" {
		t.Errorf("%q %v", alarm, err)
	}
	if d, err := w.store.Dispute(t.Context(), "d"); err != nil || d.PaymentID != "o-1" {
		t.Errorf("%+v %v", d, err)
	}
	if _, _, err := w.store.Take(t.Context(), payment.Notification{ID: "notification-2", Kind: "transaction_settled", TransactionID: "tx2", At: at}, at); err != nil {
		t.Fatal(err)
	}
	if due, err := w.store.Unsettled(t.Context(), at, 9); err != nil || len(due) != 1 {
		t.Errorf("%d payments are looked at now: %v", len(due), err)
	}
}
