package httpapi_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/order/internal/app"
	. "github.com/sidecart/sidecart/services/order/internal/httpapi"
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
	testkit.Eventually(t, 10*time.Second, func() error { // the capture has given its lease back
		var due bool
		err := s.pool.QueryRow(t.Context(), `SELECT lease_until IS NULL FROM order_effects WHERE order_id = $1`, id).Scan(&due)
		if err == nil && !due {
			err = errors.New("still leased")
		}
		return err
	})
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
