package httpapi_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/order/internal/app"
)

// unpaid is that the bank did not pay one of an order's payments, and that payment tells of it.
func (s *shop) unpaid(id string, attempt int, minor int64) {
	s.t.Helper()
	s.bank.Bounce(fmt.Sprintf("%s-%d", id, attempt))
	s.toldUnpaid(id, attempt, minor)
}

// toldUnpaid is payment's telling of it.
func (s *shop) toldUnpaid(id string, attempt int, minor int64) {
	s.t.Helper()
	for range 2 {
		if err := s.app.FollowSettlement(s.t.Context(), id, attempt, money.New(minor, "USD"), money.Zero("USD")); err != nil {
			s.t.Fatal(err)
		}
	}
}

// The bank does not pay what an edit charged: before picking the order is cancelled, and the first payment goes back.
func TestTheBankDoesNotPayAnEdit(t *testing.T) {
	t.Parallel()
	s, id, _ := aMugMore(t)
	s.unpaid(id, 1_000_001, 2000)
	rec := s.reaches(id, "cancelled")
	if ran := s.bank.Executed(); rec.Captured.Minor != 4999 || rec.Returned.Minor != 4999 || rec.CancelReason != "settlement-declined" || !slices.Contains(ran, "void "+id+"-1") || slices.Contains(ran, "void "+id+"-1000001") {
		t.Errorf("captured %s, returned %s, %s; payment did %q", rec.Captured, rec.Returned, rec.CancelReason, ran)
	}
	if e := s.editIs(id, "done"); !e.Unpaid || s.metric("order_alarms_total", "settlement-declined") != 1 {
		t.Errorf("%+v", e)
	}
}

// Once it is picked, people ask for the money: of each payment that the bank does not pay an alarm rings, in whatever order it is told. What the
// others took can be given back, and no more.
func TestTheBankPaysNeitherPayment(t *testing.T) {
	t.Parallel()
	first := func(s *shop, id string) { s.unpaid(id, 1, 4999) }
	more := func(s *shop, id string) { s.unpaid(id, 1_000_001, 2000) }
	for name, told := range map[string][2]func(*shop, string){"the first first": {first, more}, "that of the edit first": {more, first}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, id, token := aMugMore(t)
			s.staff().Do("POST", "/v1/admin/orders/"+id+"/transitions", `{"to":"picking"}`).Want(200)
			told[0](s, id)
			rec := s.reaches(id, "picking")
			if left := s.left(id); rec.Captured.Minor != left || !rec.Unpaid || s.order(id, token).PaymentStatus != "settlement_declined" || s.metric("order_alarms_total", "settlement-declined") != 1 {
				t.Errorf("captured %s, payment has %d", rec.Captured, left)
			}
			s.refund(id, "r", `{"amount":{"amount":500,"currency":"USD"},"reason":"torn"}`).Want(201)
			s.refundIs(id, 0, "refunded")
			of := map[int64]string{2000: "refund " + id + "-1000001", 4999: "refund " + id + "-1"}[rec.Captured.Minor]
			if ran := s.bank.Executed(); ran[len(ran)-1] != of {
				t.Errorf("payment did %q", ran)
			}
			told[1](s, id)
			if rec = s.reaches(id, "picking"); !rec.Captured.IsZero() || !rec.Returned.IsZero() || s.metric("order_alarms_total", "settlement-declined") != 2 {
				t.Errorf("captured %s, returned %s", rec.Captured, rec.Returned)
			}
		})
	}
}

// Before picking the second is heard of while what is left goes back, or is over by then.
func TestTheBankPaysNeitherPaymentBeforePicking(t *testing.T) {
	t.Parallel()
	s, id, _ := aMugMore(t)
	s.bank.Next = func(step string, _ app.MoneyCommand) app.MoneyAnswer {
		if step == "void" {
			return app.MoneyAnswer{Outcome: app.MoneyPending, RetryAfter: time.Hour}
		}
		return app.MoneyAnswer{}
	}
	s.unpaid(id, 1, 4999)
	if rec := s.reaches(id, "returning_money"); rec.Captured.Minor != 2000 {
		t.Errorf("captured %s", rec.Captured)
	}
	s.unpaid(id, 1_000_001, 2000)
	if rec := s.reaches(id, "cancelled"); !rec.Captured.IsZero() || s.metric("order_alarms_total", "settlement-declined") != 2 || s.shelf.Of("mug") != 3 || s.shelf.Of("shirt") != 10 {
		t.Errorf("captured %s", rec.Captured)
	}
}

// The bank does not pay one part after the other of a payment that was captured in parts: each leaves less, and each is heard of once.
func TestTheBankDoesNotPayPartAfterPart(t *testing.T) {
	t.Parallel()
	s := open(t)
	id := newID(t)
	s.place(id, 1)
	s.bring(id, "picking", 200)
	for i, left := range []int64{3000, 0} {
		for range 2 {
			if err := s.app.FollowSettlement(t.Context(), id, 1, money.New(1999+int64(i)*1001, "USD"), money.New(left, "USD")); err != nil {
				t.Fatal(err)
			}
		}
		if rec, rang := s.reaches(id, "picking"), s.metric("order_alarms_total", "settlement-declined"); rec.Captured.Minor != left || !rec.Unpaid || rang != float64(i+1) {
			t.Errorf("%s are captured, %v alarms", rec.Captured, rang)
		}
	}
}

// The bank does not pay what an edit charged, while what another edit took off waits: of that is owed what the order has been paid too much, and it is
// found until it went back.
func TestWhatIsOwedBesideWhatTheBankDoesNotPay(t *testing.T) {
	t.Parallel()
	s, id, _ := aMugMore(t)
	s.waitsForSettlement(id)
	s.bring(id, "picking", 200)
	s.unpaid(id, 1_000_001, 2000)
	s.settles(id)
	s.refundIs(id, 0, "superseded")
	s.owes(id, 500)
	s.refund(id, "r", `{"amount":{"amount":500,"currency":"USD"},"reason":"what the edit took off"}`).Want(201)
	s.refundIs(id, 1, "refunded")
	s.owes(id, 0)
	if rec, left := s.reaches(id, "picking"), s.left(id); left != rec.Total.Minor || rec.Captured.Minor-rec.Returned.Minor != left {
		t.Errorf("it costs %s, captured %s, returned %s, payment has %d", rec.Total, rec.Captured, rec.Returned, left)
	}
}
