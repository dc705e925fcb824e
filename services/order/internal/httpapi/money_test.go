package httpapi_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/order/internal/app"
	. "github.com/sidecart/sidecart/services/order/internal/httpapi"
	"github.com/sidecart/sidecart/services/order/internal/order"
	"github.com/sidecart/sidecart/services/order/internal/ordertest"
	"github.com/sidecart/sidecart/services/order/orderapi"
)

// voided is what payment tells when staff voided the payment of an order's first attempt.
func voided(id string) app.MoneyBack {
	return app.MoneyBack{OrderID: id, Attempt: 1, OperationID: "staff-1", Gone: money.Zero("USD"), Voided: true}
}

func refunded(id string, minor int64) app.MoneyBack {
	return app.MoneyBack{OrderID: id, Attempt: 1, OperationID: "staff-2", Gone: money.New(minor, "USD")}
}

func (s *shop) hears(all ...app.MoneyBack) {
	s.t.Helper()
	for _, m := range all {
		if err := s.app.FollowMoney(s.t.Context(), m); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *shop) order(id, token string) (o orderapi.Order) {
	s.t.Helper()
	s.client.Do("GET", "/v1/orders/"+id+"?access_token="+token, nil).Want(200).JSON(&o)
	return o
}

// Staff give all of the money back in payment: before it is picked the order is cancelled, and its stock is free.
func TestStaffGiveAllBack(t *testing.T) {
	t.Parallel()
	for name, told := range map[string]func(id string) []app.MoneyBack{
		"voided":              func(id string) []app.MoneyBack { return []app.MoneyBack{voided(id), voided(id)} },
		"refunded":            func(id string) []app.MoneyBack { return []app.MoneyBack{refunded(id, 4999), refunded(id, 4999)} },
		"refunded in parts":   func(id string) []app.MoneyBack { return []app.MoneyBack{refunded(id, 1000), refunded(id, 4999)} },
		"the parts reordered": func(id string) []app.MoneyBack { return []app.MoneyBack{refunded(id, 4999), refunded(id, 1000)} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			id := newID(t)
			token := s.place(id, 1).Order.AccessToken
			s.hears(told(id)...)
			rec := s.reaches(id, "cancelled")
			o := s.order(id, token)
			if o.Status != "cancelled" || o.PaymentStatus != "refunded" || rec.Returned != ordertest.Total || rec.CancelReason != "payment-returned" || s.shelf.Of("shirt") != 10 {
				t.Errorf("%s, %s, %s returned for %q, %d shirts", o.Status, o.PaymentStatus, rec.Returned, rec.CancelReason, s.shelf.Of("shirt"))
			}
			if got := s.events(id); !slices.Equal(got, []string{orderapi.TypePlacedV1, orderapi.TypeConfirmedV1, orderapi.TypeCancelledV1}) {
				t.Errorf("announced %q", got)
			}
			if ran := s.bank.Executed(); len(ran) != 2 {
				t.Errorf("payment was asked for what had been done: %q", ran)
			}
			s.hears(told(id)...) // an old event again
		})
	}
}

// A part, and all of it once the order is picked, is seen in the payment status alone.
func TestStaffGiveAPartBack(t *testing.T) {
	t.Parallel()
	s := open(t)
	id := newID(t)
	token := s.place(id, 1).Order.AccessToken
	s.hears(refunded(id, 1000), refunded(id, 1000))
	if o := s.order(id, token); o.Status != "confirmed" || o.PaymentStatus != "partially_refunded" || o.Version != 5 {
		t.Errorf("%+v", o)
	}
	staff := s.client.Staff(s.signer, ScopeRead, ScopeWrite)
	staff.Do("POST", "/v1/admin/orders/"+id+"/transitions", `{"to":"picking"}`).Want(200)
	s.hears(refunded(id, 4999), refunded(id, 3000))
	if o := s.order(id, token); o.Status != "picking" || o.PaymentStatus != "refunded" || s.shelf.Of("shirt") != 8 {
		t.Errorf("%+v", o)
	}
	var seen StaffOrder
	staff.Do("GET", "/v1/admin/orders/"+id, nil).Want(200).JSON(&seen)
	if last := seen.Timeline[len(seen.Timeline)-1]; last.Actor != "payment" || last.Metadata["operation_id"] != "staff-2" {
		t.Errorf("%+v", last)
	}
}

// While the capture is under way a void is a cancel, and a part that went back waits until the capture is known.
func TestMoneyGoneWhileCapturing(t *testing.T) {
	t.Parallel()
	s := open(t)
	id := newID(t)
	s.bank.Next = func(step string, _ app.MoneyCommand) app.MoneyAnswer {
		if step == "capture" {
			return app.MoneyAnswer{Outcome: app.MoneyPending, RetryAfter: time.Hour}
		}
		return app.MoneyAnswer{}
	}
	if err := s.app.Place(t.Context(), ordertest.Snapshot(id, 1)); err != nil {
		t.Fatal(err)
	}
	rec := s.reaches(id, "placed")
	if err := s.app.FollowMoney(t.Context(), refunded(id, 1000)); !errors.Is(err, app.ErrTooEarly) {
		t.Errorf("a part of a capture that is not known: %v", err)
	}
	s.hears(voided(id), voided(id))
	s.waitsAgain(id)
	s.bank.Next = func(step string, _ app.MoneyCommand) app.MoneyAnswer {
		if step == "capture" {
			return app.MoneyAnswer{Outcome: app.MoneyDeclined, DeclineCode: "voided"}
		}
		return app.MoneyAnswer{}
	}
	s.turnClock(2 * time.Hour)
	s.app.Driver().Sweep(t.Context())
	s.reaches(id, "cancelled")
	if o := s.order(id, rec.AccessToken); o.PaymentStatus != "voided" || s.shelf.Of("shirt") != 10 {
		t.Errorf("%+v", o)
	}
	if got := s.events(id); !slices.Equal(got, []string{orderapi.TypePlacedV1, orderapi.TypeCancelledV1}) {
		t.Errorf("announced %q", got)
	}
}

// What payment tells of money that the order gave back itself, of another attempt, or of nobody's order, changes nothing.
func TestMoneyGoneThatIsKnown(t *testing.T) {
	t.Parallel()
	s := open(t)
	id := newID(t)
	token := s.place(id, 1).Order.AccessToken
	other := voided(id)
	other.Attempt = 2
	s.hears(other, voided(newID(t)))
	if o := s.order(id, token); o.Status != "confirmed" || o.Version != 4 {
		t.Errorf("%+v", o)
	}
	if _, err := s.app.Cancel(t.Context(), id, app.Guest, "changed my mind"); err != nil {
		t.Fatal(err)
	}
	s.hears(voided(id))
	rec := s.reaches(id, "cancelled")
	s.hears(voided(id), refunded(id, 4999))
	if after := s.reaches(id, "cancelled"); after.Version != rec.Version || after.CancelReason != "changed my mind" {
		t.Errorf("%+v", after.Order)
	}
}

const inReviewFor = time.Hour

// inReview places an order whose payment people look at: its capture has no answer before they approve.
func (s *shop) inReview(means ...orderapi.PaymentInput) (id, token string, decide func(app.MoneyAnswer)) {
	s.t.Helper()
	id = newID(s.t)
	until := time.Now().Add(inReviewFor)
	capture := app.MoneyAnswer{Outcome: app.MoneyPending, RetryAfter: 30 * time.Second, Review: "pending"}
	s.bank.Next = func(step string, c app.MoneyCommand) app.MoneyAnswer {
		switch step {
		case "authorise":
			return app.MoneyAnswer{Outcome: app.MoneyDone, Amount: c.Amount, Review: "pending", ReviewUntil: until}
		case "capture":
			return capture
		}
		return app.MoneyAnswer{}
	}
	snapshot := ordertest.Snapshot(id, 1)
	for _, m := range means {
		snapshot.Payment = m
	}
	if err := s.app.Place(s.t.Context(), snapshot); err != nil {
		s.t.Fatal(err)
	}
	rec := s.reaches(id, "placed")
	s.waitsAgain(id)
	return id, rec.AccessToken, func(answer app.MoneyAnswer) {
		s.bank.Next = func(step string, _ app.MoneyCommand) app.MoneyAnswer {
			if step == "capture" {
				return answer
			}
			return app.MoneyAnswer{}
		}
		s.turnClock(time.Minute)
		s.app.Driver().Sweep(s.t.Context())
	}
}

// waitsAgain waits until the effect of an order has given its lease back.
func (s *shop) waitsAgain(id string) {
	s.t.Helper()
	testkit.Eventually(s.t, 10*time.Second, func() error {
		var due bool
		err := s.pool.QueryRow(s.t.Context(), `SELECT lease_until IS NULL FROM order_effects WHERE order_id = $1`, id).Scan(&due)
		if err == nil && !due {
			err = errors.New("still leased")
		}
		return err
	})
}

func (s *shop) hearsReview(id, review string) {
	s.t.Helper()
	if err := s.app.FollowReview(s.t.Context(), app.Review{OrderID: id, Attempt: 1, Review: review, Rule: "much", Actor: "staff:7"}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) staffOrder(id string) (seen StaffOrder) {
	s.t.Helper()
	s.client.Staff(s.signer, ScopeRead).Do("GET", "/v1/admin/orders/"+id, nil).Want(200).JSON(&seen)
	return seen
}

// Staff see that a payment is looked at, the shopper does not. Approved it is captured; rejected or forgotten, the order is cancelled and
// its stock free. However often and in whatever order payment tells it.
func TestPaymentInReview(t *testing.T) {
	t.Parallel()
	for review, state := range map[string]order.State{"approved": "confirmed", "rejected": "cancelled", "expired": "cancelled"} {
		t.Run(review, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			id, token, decide := s.inReview()
			s.hearsReview(id, "pending")
			seen := s.staffOrder(id)
			if seen.PaymentStatus != "in_review" || s.order(id, token).PaymentStatus != "authorised" {
				t.Errorf("staff see %s, the shopper %s", seen.PaymentStatus, s.order(id, token).PaymentStatus)
			}
			s.hearsReview(id, review)
			s.hearsReview(id, "pending") // late
			if review == "approved" {
				decide(app.MoneyAnswer{})
			} else {
				s.hears(voided(id))
				decide(app.MoneyAnswer{Outcome: app.MoneyDeclined, DeclineCode: "review-rejected"})
			}
			rec := s.reaches(id, state)
			s.hearsReview(id, review)
			if after := s.reaches(id, state); after.Version != rec.Version {
				t.Error("a review that is over changed the order")
			}
			if state == "cancelled" && (rec.CancelReason != "review-"+review || s.shelf.Of("shirt") != 10 || s.order(id, token).PaymentStatus != "voided") {
				t.Errorf("%q, %d shirts, %s", rec.CancelReason, s.shelf.Of("shirt"), s.order(id, token).PaymentStatus)
			}
			last := s.staffOrder(id).Timeline
			if !slices.ContainsFunc(last, func(e TimelineEntry) bool { return e.What == "review closed" && e.Metadata["decided_by"] == "staff:7" }) {
				t.Errorf("staff do not see who decided: %+v", last)
			}
			if told := s.told(id, token); slices.ContainsFunc(told, func(what string) bool { return strings.Contains(what, "review") }) {
				t.Errorf("the shopper sees the review: %q", told)
			}
		})
	}
}

// Everybody sees that a bank transfer is waited for, until it has come.
func TestATransferIsAwaited(t *testing.T) {
	t.Parallel()
	s := open(t)
	id, token, decide := s.inReview(orderapi.PaymentInput{Provider: "bank_transfer", GiftCards: []string{"CODE"}})
	if shopper, staff := s.order(id, token).PaymentStatus, s.staffOrder(id).PaymentStatus; shopper != "awaiting_payment" || staff != "awaiting_payment" {
		t.Errorf("the shopper sees %s, staff %s", shopper, staff)
	}
	if rec := s.reaches(id, "placed"); !reflect.DeepEqual(rec.Snapshot.Payment, orderapi.PaymentInput{Provider: "bank_transfer"}) {
		t.Errorf("kept of the means of payment: %+v", rec.Snapshot.Payment)
	}
	s.hearsReview(id, "approved")
	decide(app.MoneyAnswer{})
	s.reaches(id, "confirmed")
	if got := s.order(id, token).PaymentStatus; got != "captured" {
		t.Errorf("the shopper sees %s", got)
	}
}

// Whoever cancels an order whose payment waits, waits neither for staff nor for its time: nothing is captured, the money is given free
// and the stock too, before the capture would have been asked for again.
func TestCancelledInReview(t *testing.T) {
	t.Parallel()
	for name, cancel := range map[string]func(s *shop, id, token string){
		"by the shopper": func(s *shop, id, token string) {
			s.client.Do("POST", "/v1/orders/"+id+"/cancel?access_token="+token, `{"reason":"changed my mind"}`).Want(200)
		},
		"by staff": func(s *shop, id, _ string) {
			s.staff().Do("POST", "/v1/orders/"+id+"/cancel", `{"reason":"changed my mind"}`).Want(200)
		},
		"by staff in payment": func(s *shop, id, _ string) {
			next := s.bank.Next
			s.bank.Next = func(step string, c app.MoneyCommand) app.MoneyAnswer {
				if step == "capture" {
					return app.MoneyAnswer{Outcome: app.MoneyDeclined, DeclineCode: "voided"}
				}
				return next(step, c)
			}
			s.hears(voided(id))
		},
		"told of the review late": func(s *shop, id, token string) {
			s.hearsReview(id, "pending")
			s.client.Do("POST", "/v1/orders/"+id+"/cancel?access_token="+token, `{"reason":"changed my mind"}`).Want(200)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			id, token, _ := s.inReview()
			cancel(s, id, token)
			s.app.Driver().Sweep(t.Context()) // the clock stands where it stood
			rec := s.reaches(id, "cancelled")
			if why := map[bool]string{false: "changed my mind", true: "payment-returned"}[name == "by staff in payment"]; rec.CancelReason != why || !rec.Captured.IsZero() || s.shelf.Of("shirt") != 10 || s.order(id, token).PaymentStatus != "voided" {
				t.Errorf("%+v, %d shirts, %s", rec.Order, s.shelf.Of("shirt"), s.order(id, token).PaymentStatus)
			}
			if ran := s.bank.Executed(); !slices.Equal(ran, []string{"authorise " + id + "-1", "void " + id + "-1"}) {
				t.Errorf("payment did %q", ran)
			}
		})
	}
}

// A cancel while the capture is being asked for: what comes of that asking counts no more, it is asked again at once. So it is when
// people have approved meanwhile, and then what was captured goes back.
func TestCancelledWhileTheReviewIsAskedFor(t *testing.T) {
	t.Parallel()
	for name, approved := range map[string]bool{"still in review": false, "approved meanwhile": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			id, _, _ := s.inReview()
			asked, answer := make(chan struct{}), make(chan struct{})
			var first sync.Once
			s.bank.Lie = func(step string, _ app.MoneyCommand) error { // it has decided, and its answer is on its way
				if step == "capture" {
					first.Do(func() { close(asked); <-answer })
				}
				return nil
			}
			if approved {
				s.bank.Next = nil
			}
			s.turnClock(time.Minute)
			s.app.Driver().Sweep(t.Context())
			<-asked
			if _, err := s.app.Cancel(t.Context(), id, app.Guest, "changed my mind"); err != nil {
				t.Fatal(err)
			}
			close(answer)
			testkit.Eventually(t, 10*time.Second, func() error {
				s.app.Driver().Sweep(t.Context())
				rec, err := s.store.Load(t.Context(), id)
				if err == nil && rec.State != "cancelled" {
					err = errors.New(string(rec.State))
				}
				return err
			})
			want := []string{"authorise " + id + "-1", "void " + id + "-1"}
			if approved {
				want = slices.Insert(want, 1, "capture "+id+"-1")
			}
			if ran := s.bank.Executed(); !slices.Equal(ran, want) || s.shelf.Of("shirt") != 10 {
				t.Errorf("payment did %q, %d shirts", ran, s.shelf.Of("shirt"))
			}
		})
	}
}

// The bank did not pay what was captured: before it is picked the order is cancelled and its stock free, after that a person must look.
func TestTheBankDoesNotPay(t *testing.T) {
	t.Parallel()
	for name, picked := range map[string]bool{"before picking": false, "after picking": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			id := newID(t)
			token := s.place(id, 1).Order.AccessToken
			state, left := order.State("cancelled"), int64(10)
			if picked {
				s.client.Staff(s.signer, ScopeRead, ScopeWrite).Do("POST", "/v1/admin/orders/"+id+"/transitions", `{"to":"picking"}`).Want(200)
				state, left = "picking", 8
			}
			for range 2 {
				if err := s.app.FollowSettlement(t.Context(), id, 1, ordertest.Total, money.Zero("USD")); err != nil {
					t.Fatal(err)
				}
			}
			rec := s.reaches(id, state)
			if !rec.Unpaid || !rec.Captured.IsZero() || s.shelf.Of("shirt") != left || s.order(id, token).PaymentStatus != "settlement_declined" {
				t.Errorf("%+v, %d shirts, %s", rec.Order, s.shelf.Of("shirt"), s.order(id, token).PaymentStatus)
			}
			if got := s.metric("order_alarms_total", "settlement-declined"); got != 1 {
				t.Errorf("%v alarms", got)
			}
			if ran := s.bank.Executed(); len(ran) != 2 {
				t.Errorf("money that is not there was asked for: %q", ran)
			}
		})
	}
}

// A gift card paid a part and the bank not the rest: the order is cancelled and that part goes back. Once it is picked staff have it in the
// order's books, and giving it back in payment is seen there.
func TestTheBankDoesNotPayBesideAGiftCard(t *testing.T) {
	t.Parallel()
	card := money.New(3000, "USD")
	missing, err := ordertest.Total.Sub(card)
	if err != nil {
		t.Fatal(err)
	}
	for name, picked := range map[string]bool{"before picking": false, "after picking": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			id := newID(t)
			token := s.place(id, 1).Order.AccessToken
			if picked {
				s.staff().Do("POST", "/v1/admin/orders/"+id+"/transitions", `{"to":"picking"}`).Want(200)
			}
			for range 2 {
				if err := s.app.FollowSettlement(t.Context(), id, 1, missing, card); err != nil {
					t.Fatal(err)
				}
			}
			state, did, shirts := order.State("cancelled"), []string{"authorise " + id + "-1", "capture " + id + "-1", "void " + id + "-1"}, int64(10)
			if picked {
				state, did, shirts = "picking", did[:2], 8
				if rec := s.reaches(id, state); rec.Captured != card || !rec.Returned.IsZero() {
					t.Errorf("%s captured, %s returned", rec.Captured, rec.Returned)
				}
				s.hears(voided(id), voided(id))
			}
			rec := s.reaches(id, state)
			if !rec.Unpaid || rec.Captured != card || rec.Returned != card || s.shelf.Of("shirt") != shirts || s.order(id, token).PaymentStatus != "settlement_declined" {
				t.Errorf("%+v, %d shirts, %s", rec.Order, s.shelf.Of("shirt"), s.order(id, token).PaymentStatus)
			}
			if ran := s.bank.Executed(); !slices.Equal(ran, did) {
				t.Errorf("payment did %q", ran)
			}
			if got := s.metric("order_alarms_total", "settlement-declined"); got != 1 {
				t.Errorf("%v alarms", got)
			}
		})
	}
}

// Disputes are kept as they were told last, for staff alone; nothing else about the order changes.
func TestDisputesAreKept(t *testing.T) {
	t.Parallel()
	s := open(t)
	id := newID(t)
	token := s.place(id, 1).Order.AccessToken
	tell := func(sequence int64, dispute, status string) {
		t.Helper()
		if err := s.app.FollowDispute(t.Context(), app.Disputed{OrderID: id, Attempt: 1, Sequence: sequence, Dispute: orderapi.Dispute{ID: dispute, Status: status, Kind: "chargeback",
			Reason: "fraud", Amount: ordertest.Total, Won: money.Zero("USD")}}); err != nil {
			t.Fatal(err)
		}
	}
	tell(5, "d1", "won")
	tell(4, "d1", "open") // late
	tell(6, "d2", "open")
	tell(6, "d2", "open") // twice
	seen := s.staffOrder(id)
	if len(seen.Disputes) != 2 || seen.Disputes[0].Status != "won" || seen.Disputes[1].ID != "d2" || seen.Status != "confirmed" || seen.Version != 6 {
		t.Errorf("%+v", seen)
	}
	if o := s.order(id, token); o.Disputes != nil || o.PaymentStatus != "captured" {
		t.Errorf("the shopper sees %+v", o)
	}
	if got := s.metric("order_alarms_total", "dispute-opened"); got != 1 {
		t.Errorf("%v alarms", got)
	}
	if err := s.app.FollowDispute(t.Context(), app.Disputed{OrderID: newID(t), Attempt: 1}); err != nil {
		t.Errorf("of nobody's order: %v", err)
	}
}

// metric reads what the service counts under a label.
func (s *shop) metric(name, label string) float64 {
	s.t.Helper()
	registry := prometheus.NewRegistry()
	app.NewReconciler(s.app, s.store, s.bank, s.bank, registry)
	families, err := registry.Gather()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name && m.GetLabel()[0].GetValue() == label {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return 0
}
