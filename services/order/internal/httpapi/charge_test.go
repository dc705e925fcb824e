package httpapi_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/order/internal/app"
	"github.com/sidecart/sidecart/services/order/internal/order"
	"github.com/sidecart/sidecart/services/order/internal/ordertest"
	"github.com/sidecart/sidecart/services/order/orderapi"
)

// aMugMore is an order of mugs that an edit made cost 20.00 more, charged by a payment of its own.
func aMugMore(t *testing.T) (s *shop, id, token string) {
	t.Helper()
	s, id, token = mugs(t)
	s.edit(id, "key-1", `{"add":[{"sku":"mug","quantity":1}]}`).Want(201)
	s.editIs(id, "done")
	s.books(id, 8, 2, 6999, 6999, 0)
	return s, id, token
}

// declines makes payment decline a step of one payment, or of any.
func (s *shop) declines(step, paymentID, code string) {
	s.bank.Next = func(at string, c app.MoneyCommand) (answer app.MoneyAnswer) {
		if at == step && (paymentID == "" || c.PaymentID == paymentID) {
			answer = app.MoneyAnswer{Outcome: app.MoneyDeclined, DeclineCode: code}
		}
		return answer
	}
}

// A mug more: it is taken, then charged by a payment of its own, and then the order is the edited one. Refunds go over both, the newest first; a
// cancel gives back all that is left.
func TestAnEditIsCharged(t *testing.T) {
	t.Parallel()
	s, id, token := mugs(t)
	s.edit(id, "key-1", `{"add":[{"sku":"mug","quantity":1}]}`).Want(201)
	done := s.editIs(id, "done")
	if done.Charged == nil || done.Charged.Minor != 2000 || done.Difference.Minor != 2000 {
		t.Errorf("%+v", done)
	}
	s.books(id, 8, 2, 6999, 6999, 0)
	if seen := s.order(id, token); seen.Totals.Total.Minor != 6999 || seen.PaymentStatus != "captured" {
		t.Errorf("%+v", seen)
	}
	again := id + "-1000001"
	if ran := s.bank.Executed(); !slices.Equal(ran[len(ran)-2:], []string{"authorise " + again, "capture " + again}) {
		t.Errorf("payment did %q", ran)
	}
	s.refund(id, "r", `{"amount":{"amount":2500,"currency":"USD"},"reason":"torn"}`).Want(201)
	s.refundIs(id, 0, "refunded")
	s.books(id, 8, 2, 6999, 6999, 2500)
	if ran := s.bank.Executed(); !slices.Equal(ran[len(ran)-2:], []string{"refund " + again, "refund " + id + "-1"}) {
		t.Errorf("payment did %q", ran)
	}
	if left := s.left(id); left != 4499 {
		t.Errorf("payment has %d", left)
	}
	s.client.Do("POST", "/v1/orders/"+id+"/cancel?access_token="+token, `{"reason":"changed my mind"}`).Want(200)
	rec := s.reaches(id, "cancelled")
	if left := s.left(id); left != 0 || rec.Returned.Minor != 6999 || s.shelf.Of("mug") != 3 || s.shelf.Of("shirt") != 10 {
		t.Errorf("payment has %d, %s went back, %d mugs and %d shirts", left, rec.Returned, s.shelf.Of("mug"), s.shelf.Of("shirt"))
	}
}

// What cannot be charged refuses the edit: the order is as it was, what was taken is free again, and what was authorised too.
func TestAnEditThatCannotBeCharged(t *testing.T) {
	t.Parallel()
	for step, want := range map[string]string{"authorise": "", "capture": "void "} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			s, id, _ := mugs(t)
			again := id + "-1000001"
			s.bank.Next = func(at string, c app.MoneyCommand) (answer app.MoneyAnswer) {
				if at == step && c.PaymentID == again {
					answer = app.MoneyAnswer{Outcome: app.MoneyDeclined, DeclineCode: "2001", Message: "Insufficient Funds"}
				}
				return answer
			}
			s.edit(id, "key-1", `{"add":[{"sku":"mug","quantity":1}]}`).Want(201)
			if e := s.editIs(id, "refused"); e.Problem != "payment-declined" || e.DeclineCode != "2001" || e.Detail != "Insufficient Funds" || e.Charged != nil {
				t.Errorf("%+v", e)
			}
			s.reaches(id, "confirmed")
			for range 2 { // payment tells that it let go of what was authorised: nothing of the order's went back
				if err := s.app.FollowMoney(t.Context(), app.MoneyBack{OrderID: id, Attempt: 1_000_001, OperationID: again + "-void", Gone: money.Zero("USD"), Voided: true}); err != nil {
					t.Fatal(err)
				}
			}
			s.books(id, 8, 3, 4999, 4999, 0)
			if ran := s.bank.Executed(); want != "" && ran[len(ran)-1] != want+again {
				t.Errorf("payment did %q", ran)
			}
			if slices.Contains(s.events(id), orderapi.TypeEditedV1) {
				t.Error("an edit was announced")
			}
		})
	}
}

// What was authorised for an edit and is not given free at first is asked for anew: payment keeps its no of an operation, and the edit would never end.
func TestAnEditThatIsGivenFreeLater(t *testing.T) {
	t.Parallel()
	s, id, _ := mugs(t)
	again := id + "-1000001"
	var noes atomic.Int64
	s.bank.Next = func(step string, c app.MoneyCommand) (answer app.MoneyAnswer) {
		switch {
		case c.PaymentID != again:
		case step == "capture":
			answer = app.MoneyAnswer{Outcome: app.MoneyDeclined, DeclineCode: "2001", Message: "Insufficient Funds"}
		case step == "void" && noes.Add(1) <= 2:
			answer = app.MoneyAnswer{Outcome: app.MoneyDeclined, DeclineCode: "91504"}
		}
		return answer
	}
	s.edit(id, "key-1", `{"add":[{"sku":"mug","quantity":1}]}`).Want(201)
	for n := range int64(2) {
		testkit.Eventually(t, 10*time.Second, func() (err error) {
			if noes.Load() != n+1 {
				err = fmt.Errorf("it was asked for %d times", noes.Load())
			}
			return err
		})
		s.waitsAgain(id)
		for range 3 { // a no stands for five minutes: payment keeps each operation
			s.app.Driver().Sweep(t.Context())
			s.waitsAgain(id)
			s.turnClock(100 * time.Second)
		}
		if asked := noes.Load(); asked != n+1 {
			t.Errorf("it was asked for %d times", asked)
		}
		s.app.Driver().Sweep(t.Context())
	}
	if e := s.editIs(id, "refused"); e.Problem != "payment-declined" || e.DeclineCode != "2001" || e.Charged != nil {
		t.Errorf("%+v", e)
	}
	s.reaches(id, "confirmed")
	s.books(id, 8, 3, 4999, 4999, 0)
	if ran := s.bank.Executed(); noes.Load() != 3 || ran[len(ran)-1] != "void "+again {
		t.Errorf("it was asked for %d times, payment did %q", noes.Load(), ran)
	}
}

// What went back before a payment was made is not of it: an edit gives back, the next one charges, and then all that is left goes back, of each
// payment what it has.
func TestARefundAfterEditsDownAndUp(t *testing.T) {
	t.Parallel()
	s, id, _ := mugs(t)
	s.edit(id, "key-1", `{"lines":[{"line_id":"l1","quantity":1}]}`).Want(201)
	s.refundIs(id, 0, "refunded")
	s.books(id, 9, 3, 2499, 4999, 2500)
	for n := range 2 {
		s.edit(id, fmt.Sprint("up-", n), `{"add":[{"sku":"mug","quantity":1}]}`).Want(201)
		s.editIs(id, "done")
		s.reaches(id, "confirmed")
	}
	s.books(id, 9, 1, 6499, 8999, 2500)
	s.bring(id, "picking", 200)
	for i, minor := range []int64{500, 5999} {
		s.refund(id, fmt.Sprint("r-", i), fmt.Sprintf(`{"amount":{"amount":%d,"currency":"USD"},"reason":"torn"}`, minor)).Want(201)
		s.refundIs(id, i+1, "refunded")
	}
	if rec, left := s.reaches(id, "picking"), s.left(id); left != 0 || rec.Returned != rec.Captured || len(rec.Refunds) != 3 {
		t.Errorf("payment has %d, %s of %s went back: %+v", left, rec.Returned, rec.Captured, rec.Refunds)
	}
	newest, older, first := "refund "+id+"-1000003", "refund "+id+"-1000002", "refund "+id+"-1"
	if ran := s.bank.Executed(); !slices.Equal(ran[len(ran)-4:], []string{newest, newest, older, first}) {
		t.Errorf("payment did %q", ran)
	}
}

// The newer payment gives back its part and the older one refuses: what went back is a refund that is done, with its credit note, and the rest is
// one that was refused.
func TestARefundThatIsRefusedHalfway(t *testing.T) {
	t.Parallel()
	s, id, token := aMugMore(t)
	s.declines("refund", id+"-1", "91506")
	s.refund(id, "r", `{"amount":{"amount":2500,"currency":"USD"},"reason":"torn"}`).Want(201)
	o := s.refundIs(id, 1, "refused")
	if done, rest := o.Refunds[0], o.Refunds[1]; len(o.Refunds) != 2 || done.Status != "refunded" || done.Amount.Minor != 2000 || rest.Amount.Minor != 500 || rest.DeclineCode != "91506" || o.PaymentStatus != "partially_refunded" {
		t.Errorf("%+v", o.Refunds)
	}
	s.books(id, 8, 2, 6999, 6999, 2000)
	s.client.Do("GET", "/v1/orders/"+id+"/credit-notes/"+o.Refunds[0].ID+"?access_token="+token, nil).Want(200)
	s.client.Do("GET", "/v1/orders/"+id+"/credit-notes/"+o.Refunds[1].ID+"?access_token="+token, nil).Want(404)
}

// Staff gave back of the older payment, in payment: a refund goes back of the newest that has any left by payment's books, and no more of each than
// that. An answer that is lost is asked for again, of the same payment and about as much.
func TestARefundAfterStaffGaveBackOfTheOlder(t *testing.T) {
	t.Parallel()
	s, id, _ := aMugMore(t)
	s.staffGiveBack(id, 1, 3000)
	s.books(id, 8, 2, 6999, 6999, 3000)
	var lost atomic.Int64
	s.bank.Lie = func(step string, _ app.MoneyCommand) error {
		if step == "refund" && lost.Add(1)%2 == 1 {
			return ordertest.Unknown
		}
		return nil
	}
	s.refund(id, "r", `{"amount":{"amount":2500,"currency":"USD"},"reason":"torn"}`).Want(201)
	for n := range int64(2) {
		testkit.Eventually(t, 10*time.Second, func() (err error) {
			if lost.Load() != 2*n+1 {
				err = fmt.Errorf("it was asked for %d times", lost.Load())
			}
			return err
		})
		s.waitsAgain(id)
		s.turnClock(2 * time.Minute)
		s.app.Driver().Sweep(t.Context())
	}
	s.refundIs(id, 1, "refunded")
	s.books(id, 8, 2, 6999, 6999, 5500)
	newest, first := "refund "+id+"-1000001", "refund "+id+"-1"
	if ran := s.bank.Executed(); !slices.Equal(ran[len(ran)-3:], []string{first, newest, first}) {
		t.Errorf("payment did %q", ran)
	}
}

// Staff gave back of a payment after the portion of it was pinned: payment refuses it, and the refund is portioned anew.
func TestAPortionThatFitsNoMore(t *testing.T) {
	t.Parallel()
	s, id, _ := aMugMore(t)
	var away atomic.Bool
	away.Store(true)
	s.bank.Next = func(step string, c app.MoneyCommand) (answer app.MoneyAnswer) {
		if step == "refund" && c.Attempt > 0 && away.Load() { // staff's has none
			answer.Outcome = app.MoneyPending
		}
		return answer
	}
	s.refund(id, "r", `{"amount":{"amount":3000,"currency":"USD"},"reason":"torn"}`).Want(201)
	s.waitsAgain(id)
	s.staffGiveBack(id, 1_000_001, 1500)
	away.Store(false)
	testkit.Eventually(t, 10*time.Second, func() (err error) {
		s.turnClock(2 * time.Hour)
		s.app.Driver().Sweep(t.Context())
		if left := s.left(id); left != 2499 {
			err = fmt.Errorf("%d are left", left)
		}
		return err
	})
	s.refundIs(id, 0, "refunded")
	s.hears(refunded(id, 2500)) // as payment tells of all that goes back
	s.books(id, 8, 2, 6999, 6999, 4500)
	if o := s.refundIs(id, 1, "refunded"); o.Refunds[1].Amount.Minor != 1500 {
		t.Errorf("%+v", o.Refunds)
	}
}

// While what an edit made the order cost less waits for its settlement staff give it back in payment, all of it or a part: no more than the rest goes
// back when it has settled.
func TestStaffGiveBackWhatAnEditTookOff(t *testing.T) {
	t.Parallel()
	for _, given := range []int64{2500, 1000, 2600} {
		t.Run(fmt.Sprint(given), func(t *testing.T) {
			t.Parallel()
			s, id, _ := mugs(t)
			s.waitsForSettlement(id)
			s.staffGiveBack(id, 1, given)
			s.settles(id)
			s.refundIs(id, 0, "refunded")
			s.books(id, 9, 3, 2499, 4999, max(2500, given))
			s.owes(id, 0)
			if left := s.left(id); left != 4999-max(2500, given) {
				t.Errorf("%d are left", left)
			}
		})
	}
}

// waitsForSettlement makes the order cost 2500 less, which cannot go back yet.
func (s *shop) waitsForSettlement(id string) {
	s.t.Helper()
	s.bank.Next = func(step string, c app.MoneyCommand) (answer app.MoneyAnswer) {
		if step == "refund" && c.Attempt > 0 && !s.settled.Load() {
			answer = app.MoneyAnswer{Outcome: app.MoneyDeclined, DeclineCode: "not-settled", Retryable: true}
		}
		return answer
	}
	s.edit(id, "less", `{"lines":[{"line_id":"l1","quantity":1}]}`).Want(201)
	s.refundIs(id, 0, "pending")
	s.waitsAgain(id)
}

// settles lets go back what waits.
func (s *shop) settles(id string) {
	s.t.Helper()
	s.settled.Store(true)
	s.turnClock(2 * time.Hour)
	s.app.Driver().Sweep(s.t.Context())
}

// A process that knows of no debt beyond the edit closed it, and payment refuses what it took off: it is owed all the same.
func TestADifferenceOfAnOlderProcessIsRefused(t *testing.T) {
	t.Parallel()
	s, id, _ := mugs(t)
	s.waitsForSettlement(id)
	if _, err := s.pool.Exec(t.Context(), `UPDATE orders SET owing = 0 WHERE id = $1`, id); err != nil {
		t.Fatal(err)
	}
	s.declines("refund", "", "91506")
	s.settles(id)
	s.refundIs(id, 0, "refused")
	s.owes(id, 2500)
}

// What an edit took off is not owed to somebody whose bank did not pay, picked or not.
func TestNothingIsOwedThatWasNotPaid(t *testing.T) {
	t.Parallel()
	for _, picked := range []bool{false, true} {
		s, id, _ := mugs(t)
		s.waitsForSettlement(id)
		state := order.State("cancelled")
		if picked {
			s.bring(id, "picking", 200)
			state = "picking"
		}
		if err := s.app.FollowSettlement(t.Context(), id, 1, ordertest.Total, money.Zero("USD")); err != nil {
			t.Fatal(err)
		}
		s.reaches(id, state)
		s.owes(id, 0)
	}
}

// left is what all payments of an order have.
func (s *shop) left(id string) (minor int64) {
	s.t.Helper()
	all, err := s.bank.Left(s.t.Context(), id, "USD")
	if err != nil {
		s.t.Fatal(err)
	}
	for _, p := range all {
		minor += p.Left.Minor
	}
	return minor
}

// staffGiveBack is a refund of one payment that staff ask payment for, and that payment tells of twice.
func (s *shop) staffGiveBack(id string, attempt int, minor int64) {
	s.t.Helper()
	gone := money.New(minor, "USD")
	answer, err := s.bank.Refund(s.t.Context(), app.MoneyCommand{OperationID: fmt.Sprintf("staff-%d-%d", attempt, minor), PaymentID: fmt.Sprintf("%s-%d", id, attempt), OrderID: id, Amount: gone, Part: gone})
	if err != nil || answer.Outcome != app.MoneyDone {
		s.t.Fatalf("%+v, %v", answer, err)
	}
	for range 2 {
		if err := s.app.FollowMoney(s.t.Context(), app.MoneyBack{OrderID: id, Attempt: attempt, OperationID: "staff", Gone: gone}); err != nil {
			s.t.Fatal(err)
		}
	}
}

// aDifferenceIsRefused makes the order cost 2500 less, which payment does not give back.
func (s *shop) aDifferenceIsRefused(id string) {
	s.t.Helper()
	s.declines("refund", "", "91506")
	s.edit(id, "less", `{"lines":[{"line_id":"l1","quantity":1}]}`).Want(201)
	s.refundIs(id, 0, "refused")
	s.owes(id, 2500)
	s.bank.Next = nil
}

// owes is what edits took off an order and has not gone back: the reconciler finds it.
func (s *shop) owes(id string, minor int64) {
	s.t.Helper()
	owed := s.staffOrder(id).Owed
	if found := s.findings()["edit-not-refunded"]; owed.Minor != minor || (found == 1) != (minor > 0) {
		s.t.Errorf("%s are owed, %v found, want %d", owed, found, minor)
	}
}

// What an edit made the order cost less and payment refuses is found until all of it went back in another way, whatever else goes back after it.
func TestADifferenceThatIsRefused(t *testing.T) {
	t.Parallel()
	s, id, _ := mugs(t)
	s.aDifferenceIsRefused(id)
	if rang := s.metric("order_alarms_total", "refund-refused"); rang != 1 {
		t.Errorf("%v alarms", rang)
	}
	s.edit(id, "key-2", `{"lines":[{"line_id":"l1","quantity":0}],"add":[{"sku":"mug","quantity":1}]}`).Want(201)
	if o := s.refundIs(id, 1, "refunded"); o.Refunds[1].Amount.Minor != 500 {
		t.Errorf("%+v", o.Refunds)
	}
	s.owes(id, 2500)
	for i, left := range []int64{2000, 0} {
		s.refund(id, fmt.Sprint("r-", i), fmt.Sprintf(`{"amount":{"amount":%d,"currency":"USD"},"reason":"what the edit took off"}`, []int64{500, 2000}[i])).Want(201)
		s.refundIs(id, 2+i, "refunded")
		s.owes(id, left)
	}
	s.books(id, 10, 2, 1999, 4999, 3000)
}

// What is owed is taken off what a further edit costs more: nothing is charged as long as it covers it, and then the rest.
func TestAnEditIsChargedLessWhatIsOwed(t *testing.T) {
	t.Parallel()
	s, id, token := mugs(t)
	s.aDifferenceIsRefused(id)
	s.edit(id, "key-1", `{"add":[{"sku":"mug","quantity":1}]}`).Want(201)
	if e := s.editIs(id, "done"); e.Charged != nil || e.Difference.Minor != 2000 {
		t.Errorf("%+v", e)
	}
	s.reaches(id, "confirmed")
	s.books(id, 9, 2, 4499, 4999, 0)
	s.owes(id, 500)
	s.edit(id, "key-2", `{"add":[{"sku":"mug","quantity":1}]}`).Want(201)
	if e := s.editIs(id, "done"); e.Charged == nil || e.Charged.Minor != 1500 || e.Difference.Minor != 2000 {
		t.Errorf("%+v", e)
	}
	s.reaches(id, "confirmed")
	s.books(id, 9, 1, 6499, 6499, 0)
	s.owes(id, 0)
	s.client.Do("POST", "/v1/orders/"+id+"/cancel?access_token="+token, `{"reason":"changed my mind"}`).Want(200)
	if rec := s.reaches(id, "cancelled"); rec.Returned.Minor != 6499 || s.left(id) != 0 {
		t.Errorf("%s went back, %d are left", rec.Returned, s.left(id))
	}
}

// As much again within 30 s is a mistake to the gateway. The edit says so and is over; asked for again it is another charge.
func TestAsMuchAgainAtOnce(t *testing.T) {
	t.Parallel()
	s, id, _ := mugs(t)
	s.declines("authorise", id+"-1000001", "duplicate")
	s.edit(id, "key-1", `{"add":[{"sku":"mug","quantity":1}]}`).Want(201)
	if e := s.editIs(id, "refused"); e.Problem != "payment-duplicate" || e.DeclineCode != "duplicate" || !strings.Contains(e.Detail, "30 seconds") {
		t.Errorf("%+v", e)
	}
	s.books(id, 8, 3, 4999, 4999, 0)
	s.edit(id, "key-2", `{"add":[{"sku":"mug","quantity":1}]}`).Want(201)
	s.editIs(id, "done")
	s.books(id, 8, 2, 6999, 6999, 0)
}

// What payment holds for an edit that nobody charges is money without an order; what an edit charged is the order's.
func TestMoneyOfNoEdit(t *testing.T) {
	t.Parallel()
	s, id, _ := aMugMore(t)
	if found := s.findings(); found["authorised-without-order"]+found["captured-without-order"] != 0 {
		t.Errorf("found %v", found)
	}
	s.bank.Ran = append(s.bank.Ran, "authorise "+id+"-1000002")
	if found := s.findings(); found["authorised-without-order"] != 1 || found["captured-without-order"] != 0 {
		t.Errorf("found %v", found)
	}
	if ran := s.bank.Executed(); ran[len(ran)-1] != "void "+id+"-1000002" {
		t.Errorf("payment did %q", ran)
	}
}

// Staff give back in payment what an edit had charged: the order follows the sum of its payments.
func TestMoneyOfAnEditThatStaffGiveBack(t *testing.T) {
	t.Parallel()
	s, id, _ := aMugMore(t)
	s.staffGiveBack(id, 1_000_001, 500)
	s.books(id, 8, 2, 6999, 6999, 500)
}

// A whole edit goes by while payment is asked what is left: what it says is of another order than the one that was looked at, and is asked for again.
func TestMoneyIsToldWhileAnEditGoesBy(t *testing.T) {
	t.Parallel()
	s, id, _ := mugs(t)
	add := func(key string, charged int64) {
		t.Helper()
		s.edit(id, key, `{"add":[{"sku":"mug","quantity":1}]}`).Want(201)
		if e := s.editIs(id, "done"); e.Charged == nil || e.Charged.Minor != charged {
			t.Errorf("%+v", e)
		}
		s.reaches(id, "confirmed")
	}
	add("key-1", 2000)
	gone := money.New(500, "USD")
	if _, err := s.bank.Refund(t.Context(), app.MoneyCommand{OperationID: "staff", PaymentID: id + "-1", OrderID: id, Amount: gone, Part: gone}); err != nil {
		t.Fatal(err)
	}
	s.bank.Asked = sync.OnceFunc(func() { add("key-2", 2000) })
	told := app.MoneyBack{OrderID: id, Attempt: 1, OperationID: "staff", Gone: gone}
	if err := s.app.FollowMoney(t.Context(), told); !errors.Is(err, app.ErrTooEarly) {
		t.Errorf("told in the middle: %v", err)
	}
	s.hears(told, told)
	s.books(id, 8, 1, 8999, 8999, 500)
}
