package httpapi_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/order/internal/app"
	"github.com/sidecart/sidecart/services/order/internal/ordertest"
)

// staffRefund is a refund of the first payment that staff ask payment for; what payment will tell of it is on its way.
func (s *shop) staffRefund(id string, minor int64) app.MoneyBack {
	s.t.Helper()
	gone := money.New(minor, "USD")
	answer, err := s.bank.Refund(s.t.Context(), app.MoneyCommand{OperationID: fmt.Sprintf("staff-%d", minor), PaymentID: id + "-1", OrderID: id, Amount: gone, Part: gone})
	if err != nil || answer.Outcome != app.MoneyDone {
		s.t.Errorf("%+v, %v", answer, err)
	}
	return app.MoneyBack{OrderID: id, Attempt: 1, OperationID: "staff", Gone: gone}
}

const (
	aShirtLess = `{"lines":[{"line_id":"l1","quantity":1}]}`
	oneMugMore = `{"add":[{"sku":"mug","quantity":1}]}`
)

// Staff gave money back in payment, and the order has not heard of it: an edit whose difference depends on that waits until it has. What was owed and
// went back is not taken off what the edit charges, and goodwill is not taken for what it takes off.
func TestAnEditWaitsForWhatWasGivenBack(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		owed                   bool
		given                  int64
		edit                   string
		total, captured, after int64 // after: what payment has then
	}{
		"what was owed, and a mug more":        {owed: true, given: 2500, edit: oneMugMore, total: 4499, captured: 6999, after: 4499},
		"a part of it, and a mug more":         {owed: true, given: 1000, edit: oneMugMore, total: 4499, captured: 5499, after: 4499},
		"goodwill, and a shirt less":           {given: 1000, edit: aShirtLess, total: 2499, captured: 4999, after: 1499},
		"goodwill, and a mug for a shirt":      {given: 1000, edit: `{"lines":[{"line_id":"l1","quantity":1}],"add":[{"sku":"mug","quantity":1}]}`, total: 4499, captured: 4999, after: 3499},
		"all but a cent of it, and a mug more": {owed: true, given: 2499, edit: oneMugMore, total: 4499, captured: 6998, after: 4499},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, id, _ := mugs(t)
			if c.owed {
				s.aDifferenceIsRefused(id)
			}
			told := s.staffRefund(id, c.given)
			for range 2 {
				refused := s.edit(id, "key-1", c.edit)
				if refused.Problem(503, "refund-not-recorded"); refused.Header.Get("Retry-After") != "5" {
					t.Errorf("come back after %q", refused.Header.Get("Retry-After"))
				}
			}
			s.edit(id, "key-0", `{"shipping_address":{"name":"A","line1":"B","city":"C","region":"IL","postal_code":"62701","country":"US"}}`).Want(201) // this moves no money
			s.hears(told, told)
			s.edit(id, "key-1", c.edit).Want(201)
			s.editIs(id, "done")
			s.itsMoneyRests(id)
			if rec, left := s.reaches(id, "confirmed"), s.left(id); rec.Total.Minor != c.total || rec.Captured.Minor != c.captured || left != c.after || rec.Captured.Minor-rec.Returned.Minor != left {
				t.Errorf("it costs %s, captured %s, returned %s, payment has %d", rec.Total, rec.Captured, rec.Returned, left)
			}
			s.owes(id, 0)
		})
	}
}

// Staff asked payment to give back what is owed, and nobody knows yet whether it did: it is not taken off a charge meanwhile.
func TestAnEditWaitsForWhatPaymentIsGivingBack(t *testing.T) {
	t.Parallel()
	s, id, _ := mugs(t)
	s.aDifferenceIsRefused(id)
	gone := money.New(2500, "USD")
	staffs := app.MoneyCommand{OperationID: "staff", PaymentID: id + "-1", OrderID: id, Amount: gone, Part: gone}
	s.bank.Next = func(_ string, c app.MoneyCommand) (answer app.MoneyAnswer) {
		if c.OperationID == staffs.OperationID {
			answer.Outcome = app.MoneyPending
		}
		return answer
	}
	for range 2 {
		if answer, err := s.bank.Refund(t.Context(), staffs); err != nil || answer.Outcome == app.MoneyDeclined {
			t.Fatalf("%+v, %v", answer, err)
		}
		s.edit(id, "key-1", oneMugMore).Problem(503, "refund-not-recorded")
		s.bank.Next = nil // then it is known
	}
	s.hears(refunded(id, 2500))
	s.edit(id, "key-1", oneMugMore).Want(201)
	if e := s.editIs(id, "done"); e.Charged == nil || e.Charged.Minor != 2000 {
		t.Errorf("%+v", e)
	}
	s.books(id, 9, 2, 4499, 6999, 2500)
}

// itsMoneyRests waits until no refund of an order is on its way.
func (s *shop) itsMoneyRests(id string) {
	s.t.Helper()
	testkit.Eventually(s.t, 10*time.Second, func() (err error) {
		if rec := s.reaches(id, "confirmed"); rec.Refunding.IsPositive() {
			err = fmt.Errorf("%s are on their way", rec.Refunding)
		}
		return err
	})
}

// Staff give money back in payment after an edit was asked for, before its stock is taken or before it is charged: it is refused, and what was taken for
// it is free again.
func TestMoneyIsGivenBackWhileAnEditBegins(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		owed bool
		edit string
		at   int64 // which look at what is left it comes before
	}{
		"before the stock":           {owed: true, edit: `{"add":[{"sku":"mug","quantity":2}]}`, at: 2},
		"before the charge":          {owed: true, edit: `{"add":[{"sku":"mug","quantity":2}]}`, at: 3},
		"of an edit charged nothing": {owed: true, edit: oneMugMore, at: 2},
		"of one that gives back":     {edit: aShirtLess, at: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, id, _ := mugs(t)
			if c.owed {
				s.aDifferenceIsRefused(id)
			}
			before := s.reaches(id, "confirmed")
			shirts, mugs := s.shelf.Of("shirt"), s.shelf.Of("mug")
			var looks atomic.Int64
			s.bank.Asked = func() {
				if looks.Add(1) == c.at {
					s.staffRefund(id, 1000)
				}
			}
			s.edit(id, "key-1", c.edit).Want(201)
			if e := s.editIs(id, "refused"); e.Problem != "refund-not-recorded" || e.Detail == "" || e.Charged != nil {
				t.Errorf("%+v", e)
			}
			rec := s.reaches(id, "confirmed")
			if rec.Total != before.Total || rec.Captured != before.Captured || rec.Owing != before.Owing || s.shelf.Of("shirt") != shirts || s.shelf.Of("mug") != mugs {
				t.Errorf("%+v, %d shirts, %d mugs", rec.Order, s.shelf.Of("shirt"), s.shelf.Of("mug"))
			}
			s.hears(refunded(id, 1000), refunded(id, 1000))
			if rec, left := s.reaches(id, "confirmed"), s.left(id); rec.Returned.Minor != 1000 || rec.Captured.Minor-1000 != left {
				t.Errorf("returned %s, payment has %d", rec.Returned, left)
			}
		})
	}
}

// A charge whose answer was lost has begun: it is not refused for what people give back after that, and nothing that was captured is nobody's.
func TestAChargeThatHasBegunGoesOn(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"authorise", "capture"} {
		s, id, _ := mugs(t)
		s.aDifferenceIsRefused(id)
		var lost atomic.Bool
		s.bank.Lie = func(at string, c app.MoneyCommand) error {
			if at == step && c.PaymentID != id+"-1" && !lost.Swap(true) {
				return ordertest.Unknown
			}
			return nil
		}
		s.edit(id, "key-1", `{"add":[{"sku":"mug","quantity":2}]}`).Want(201)
		s.reaches(id, "editing_money")
		s.waitsAgain(id)
		told := s.staffRefund(id, 1000)
		s.turnClock(2 * time.Minute)
		s.app.Driver().Sweep(t.Context())
		if e := s.editIs(id, "done"); e.Charged == nil || e.Charged.Minor != 1500 {
			t.Errorf("%+v", e)
		}
		s.reaches(id, "confirmed")
		s.hears(told, told)
		if rec, left := s.reaches(id, "confirmed"), s.left(id); rec.Captured.Minor != 6499 || rec.Returned.Minor != 1000 || left != 5499 {
			t.Errorf("captured %s, returned %s, payment has %d", rec.Captured, rec.Returned, left)
		}
		s.owes(id, 0)
	}
}

// The bank does not pay what an edit charged, and the order has not heard of it when another edit gives back: what is missing was not given back by
// people, and the refund goes back whole of the payment that stands.
func TestARefundBesideWhatTheBankDoesNotPay(t *testing.T) {
	t.Parallel()
	s, id, _ := aMugMore(t)
	s.waitsForSettlement(id)
	s.bring(id, "picking", 200)
	s.bank.Bounce(id + "-1000001")
	s.settles(id)
	s.refundIs(id, 0, "refunded")
	s.toldUnpaid(id, 1_000_001, 2000)
	if rec, left := s.reaches(id, "picking"), s.left(id); left != 2499 || rec.Captured.Minor != 4999 || rec.Returned.Minor != 2500 {
		t.Errorf("captured %s, returned %s, payment has %d", rec.Captured, rec.Returned, left)
	}
}

// The same of the only payment: nothing can go back, so the refund is refused and an alarm rings. Once the order hears why, it owes nothing.
func TestARefundOfWhatTheBankDoesNotPay(t *testing.T) {
	t.Parallel()
	s, id, _ := mugs(t)
	s.waitsForSettlement(id)
	s.bring(id, "picking", 200)
	s.bank.Bounce(id + "-1")
	s.settles(id)
	s.refundIs(id, 0, "refused")
	if rec, rang := s.reaches(id, "picking"), s.metric("order_alarms_total", "refund-refused"); !rec.Returned.IsZero() || rang != 1 {
		t.Errorf("returned %s, %v alarms", rec.Returned, rang)
	}
	s.owes(id, 2500)
	s.toldUnpaid(id, 1, 4999)
	s.owes(id, 0)
}

// A refund that payment had given up turns up as done: it is the answer to the one under way, which is not asked for again, and goes on with the next
// payment where there is one. Told twice, or later, it says nothing new.
func TestARefundThatPaymentHadGivenUp(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		order    func(*testing.T) (*shop, string, string)
		ask      string
		goodwill int64
		returned int64
	}{
		"of the only payment": {order: mugs, ask: `{"amount":{"amount":2000,"currency":"USD"},"reason":"torn"}`, returned: 2000},
		"of the newest":       {order: aMugMore, ask: `{"amount":{"amount":2500,"currency":"USD"},"reason":"torn"}`, returned: 2500},
		"of an edit":          {order: mugs, returned: 2500},
		"beside goodwill":     {order: mugs, ask: `{"amount":{"amount":2000,"currency":"USD"},"reason":"torn"}`, goodwill: 500, returned: 2500},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, id, _ := c.order(t)
			var up atomic.Pointer[app.MoneyCommand]
			s.bank.Next = func(step string, m app.MoneyCommand) (answer app.MoneyAnswer) {
				if step == "refund" && m.Attempt > 0 && up.CompareAndSwap(nil, &m) {
					answer.Outcome = app.MoneyFailed
				}
				return answer
			}
			if c.ask == "" {
				s.edit(id, "less", aShirtLess).Want(201)
			} else {
				s.refund(id, "r", c.ask).Want(201)
			}
			s.refundIs(id, 0, "pending")
			s.waitsAgain(id)
			m := up.Load()
			if _, err := s.bank.Refund(t.Context(), app.MoneyCommand{OperationID: "found", PaymentID: m.PaymentID, OrderID: id, Amount: m.Part, Part: m.Part}); err != nil {
				t.Fatal(err)
			}
			told := app.MoneyBack{OrderID: id, Attempt: m.Attempt, OperationID: m.OperationID, Amount: m.Part, Gone: m.Part}
			if c.goodwill > 0 {
				s.hears(s.staffRefund(id, c.goodwill))
				told.Gone.Minor += c.goodwill
			}
			for range 2 {
				testkit.Eventually(t, 10*time.Second, func() error { return s.app.FollowMoney(t.Context(), told) }) // while the next payment gives back it is told again
				s.refundIs(id, 0, "refunded")
			}
			s.settles(id)
			rec, left := s.reaches(id, "confirmed"), s.left(id)
			done := int64(0)
			for _, f := range rec.Refunds {
				done += f.Amount.Minor
			}
			if rec.Returned.Minor != c.returned || rec.Captured.Minor-c.returned != left || done != c.returned {
				t.Errorf("captured %s, returned %s, payment has %d: %+v", rec.Captured, rec.Returned, left, rec.Refunds)
			}
			var effects int
			if err := s.pool.QueryRow(t.Context(), `SELECT count(*) FROM order_effects`).Scan(&effects); err != nil || effects != 0 {
				t.Errorf("%d effects are left: %v", effects, err)
			}
			s.owes(id, 0)
		})
	}
}

// What payment tells of an operation of the order's own that was counted, or is of an earlier refund, is no answer to the one under way.
func TestAnotherRefundOfTheOrders(t *testing.T) {
	t.Parallel()
	s, id, _ := mugs(t)
	var asked atomic.Pointer[app.MoneyCommand]
	var away atomic.Bool
	s.bank.Next = func(step string, m app.MoneyCommand) (answer app.MoneyAnswer) {
		if step == "refund" && away.Load() {
			answer.Outcome = app.MoneyFailed
		} else if step == "refund" {
			asked.Store(&m)
		}
		return answer
	}
	s.refund(id, "r-1", `{"amount":{"amount":1000,"currency":"USD"},"reason":"torn"}`).Want(201)
	s.refundIs(id, 0, "refunded")
	first := *asked.Load()
	away.Store(true)
	s.refund(id, "r-2", `{"amount":{"amount":2000,"currency":"USD"},"reason":"torn"}`).Want(201)
	s.waitsAgain(id)
	s.hears(app.MoneyBack{OrderID: id, Attempt: 1, OperationID: first.OperationID, Amount: first.Part, Gone: first.Part})
	s.refundIs(id, 1, "pending")
	away.Store(false)
	s.settles(id)
	s.refundIs(id, 1, "refunded")
	s.books(id, 8, 3, 4999, 4999, 3000)
	if left := s.left(id); left != 1999 {
		t.Errorf("payment has %d", left)
	}
}
