package app_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/services/payment/internal/app"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
	"github.com/sidecart/sidecart/services/payment/internal/paymenttest"
)

// settled has our books learn what has settled.
func (w *world) settled() {
	w.t.Helper()
	if _, err := w.pool.Exec(w.t.Context(), `UPDATE payments SET settle_due_at = $1 WHERE settle_due_at IS NOT NULL`, w.clock.Now()); err != nil {
		w.t.Fatal(err)
	}
	s := app.Settlements{App: w.app, Store: w.store, Books: w.gateway}
	if err := s.Run(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) allCredit() (ids []string) {
	w.t.Helper()
	rows, err := w.pool.Query(w.t.Context(), `SELECT id FROM credits`)
	if err == nil {
		ids, err = pgx.CollectRows(rows, pgx.RowTo[string])
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return ids
}

// A refund as store credit: the card keeps what it gave, the gift card gets its part back, and the customer may spend the rest.
func TestARefundBecomesStoreCredit(t *testing.T) {
	t.Parallel()
	w := open(t)
	code := w.giftCard("g", 400)
	m := authorisation("o")
	m.GiftCards, m.CustomerID = []string{code}, "ada"
	if _, err := w.app.Authorise(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	w.want(w.move(payment.Capture, "o", "c"), payment.Succeeded)
	part, expires := usd(250), w.clock.Now().Add(90*24*time.Hour)
	refund := app.Movement{Kind: payment.Refund, OperationID: "r1", PaymentID: "o-1", Amount: &part, ToCredit: true, Expires: expires, Reason: "sorry", Actor: "staff:7"}
	if a := w.do(refund); a.Outcome.Code != payment.CodeNotSettled || !a.Outcome.Retryable {
		t.Errorf("before the bank has paid: %+v", a.Outcome)
	}
	w.gateway.Settle()
	w.settled()
	refund.OperationID = "r2"
	for range 2 {
		w.want(w.do(refund), payment.Succeeded)
	}
	w.wantCredit("refund-r2", 250, 0)
	if c, err := w.store.Credit(t.Context(), "refund-r2"); err != nil || c.CustomerID != "ada" || c.Kind != payment.StoreCredit || !c.ExpiresAt.Equal(expires) {
		t.Errorf("%+v %v", c, err)
	}
	other := refund
	other.ToCredit, other.Expires = false, time.Time{}
	if _, err := w.app.Move(t.Context(), other); fault.CodeOf(err) != app.ErrReused.Code {
		t.Errorf("the same id for a refund to the card: %v", err)
	}
	w.wantSums("o", "captured 1000/250")
	w.want(w.refund("o", "r3", 100), payment.Succeeded) // to the card
	refund.OperationID, refund.Amount, refund.Expires = "r4", nil, time.Time{}
	w.want(w.do(refund), payment.Succeeded) // 250 of the card, 400 of the gift card
	w.wantCredit("refund-r4", 250, 0)
	w.wantCredit("g", 400, 0)
	w.wantSums("o", "refunded 1000/1000")
	if n := w.gateway.Sends("Refund"); n != 1 {
		t.Errorf("the gateway refunded %d times", n)
	}
	var told int
	if err := w.pool.QueryRow(t.Context(), `SELECT count(*) FROM outbox WHERE type = 'payment.refunded.v1'`).Scan(&told); err != nil || told != 3 {
		t.Errorf("others heard of %d refunds: %v", told, err)
	}
	m = authorisation("p")
	m.Nonce, m.StoreCredit, m.CustomerID, m.Amount = "", true, "ada", usd(500)
	if a, err := w.app.Authorise(t.Context(), m); err != nil || a.Outcome.Result != payment.Succeeded {
		t.Errorf("it cannot be spent: %+v %v", a, err)
	}
}

// What our books have not heard of yet is asked of the gateway, as for a refund to the card; while it cannot be asked, they decide.
func TestStoreCreditAsSoonAsItHasSettled(t *testing.T) {
	t.Parallel()
	w := open(t)
	app.NewSettlements(w.app, w.store, w.gateway)
	m := authorisation("o")
	m.CustomerID = "ada"
	if _, err := w.app.Authorise(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	w.want(w.take("o", "c1", 300, true), payment.Succeeded)
	w.want(w.take("o", "c2", 700, false), payment.Succeeded)
	part := usd(400)
	refund := app.Movement{Kind: payment.Refund, OperationID: "r1", PaymentID: "o-1", Amount: &part, ToCredit: true}
	if a := w.do(refund); a.Outcome.Code != payment.CodeNotSettled {
		t.Errorf("%+v", a.Outcome)
	}
	w.gateway.Settle()
	app.NewSettlements(w.app, w.store, noBooks{})
	refund.OperationID = "r2"
	if a := w.do(refund); a.Outcome.Code != payment.CodeNotSettled {
		t.Errorf("nobody could be asked: %+v", a.Outcome)
	}
	app.NewSettlements(w.app, w.store, w.gateway)
	refund.OperationID = "r3"
	w.want(w.do(refund), payment.Succeeded)
	w.wantCredit("refund-r3", 400, 0)
	w.wantSums("o", "captured 1000/400 settled 300/300 settled 700/100")
	refund.OperationID, refund.PaymentID = "r4", "nobody-1"
	if _, err := w.app.Move(t.Context(), refund); fault.CodeOf(err) != app.ErrNotFound.Code {
		t.Errorf("an unknown payment: %v", err)
	}
}

// noBooks cannot be read.
type noBooks struct{}

func (noBooks) Transactions(context.Context, []string) ([]payment.Transaction, error) {
	return nil, errLost
}

func TestWhoHasNoStoreCredit(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.want(w.pay("o", paymenttest.NonceValid), payment.Succeeded)
	w.want(w.move(payment.Capture, "o", "c"), payment.Succeeded)
	w.gateway.Settle()
	w.settled()
	if a := w.do(app.Movement{Kind: payment.Refund, OperationID: "r", PaymentID: "o-1", ToCredit: true}); a.Outcome.Code != payment.CodeNoCustomer {
		t.Errorf("a guest: %+v", a.Outcome)
	}
	if _, err := w.app.Move(t.Context(), app.Movement{Kind: payment.Refund, OperationID: "r2", PaymentID: "o-1", Expires: w.clock.Now().Add(time.Hour)}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a card that runs out: %v", err)
	}
}

// Parts that have settled become store credit; the gateway's later refunds are spread over what is left of them.
func TestPartsBecomeStoreCredit(t *testing.T) {
	t.Parallel()
	w := open(t)
	m := authorisation("o")
	m.CustomerID = "ada"
	if _, err := w.app.Authorise(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	w.want(w.take("o", "c1", 300, true), payment.Succeeded)
	w.gateway.Settle()
	w.settled()
	w.want(w.take("o", "c2", 700, false), payment.Succeeded)
	part := usd(400)
	refund := app.Movement{Kind: payment.Refund, OperationID: "r1", PaymentID: "o-1", Amount: &part, ToCredit: true}
	if a := w.do(refund); a.Outcome.Code != payment.CodeNotSettled {
		t.Errorf("%+v", a.Outcome)
	}
	w.gateway.Settle()
	w.settled()
	refund.OperationID = "r2"
	w.want(w.do(refund), payment.Succeeded)
	w.wantSums("o", "captured 1000/400 settled 300/300 settled 700/100")
	w.want(w.move(payment.Refund, "o", "r3"), payment.Succeeded)
	w.wantSums("o", "refunded 1000/1000 settled 300/300 settled 700/700")
}
