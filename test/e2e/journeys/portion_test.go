package journeys

import (
	"fmt"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/order/orderapi"
	"github.com/sidecart/sidecart/services/payment/paymentapi"
	"github.com/sidecart/sidecart/test/e2e/shop"
)

// An edit made the order cost more, and staff give back a part of the older payment in payment: a refund of the order is of what payment has left
// of each, the newest first, and no cent of it is refused or given back twice.
func TestStaffRefundOverTwoPayments(t *testing.T) {
	t.Parallel()
	co := s.Checkout(t, s.Cart(t, s.Goods(t, "refunded-lamp", 5)).ID)
	var o orderapi.Order
	s.Must(t, 201, "POST", "/v1/checkouts/"+co.ID+"/complete", shop.Pay(shop.Good, co.Totals.Total), &o, "Idempotency-Key", shop.Key())
	e := edits(t, o.ID, "done", map[string]any{"lines": []orderapi.EditLine{{LineID: o.Lines[0].ID, Quantity: 2}}})
	if e.Charged == nil || !e.Charged.IsPositive() {
		t.Fatalf("%+v", e)
	}
	bank(t, "/_sim/settle", map[string]string{"order_id": transactions(t, o.ID)[0].OrderID}, nil)
	gone := func(n int, minor int64) {
		t.Helper()
		shop.Eventually(t, 30*time.Second, func() error {
			var returned int64
			err := s.DB(t, "order").QueryRow(t.Context(), `SELECT returned FROM orders WHERE id = $1`, o.ID).Scan(&returned)
			if now := looks(t, o); err != nil || returned != minor || len(now.Refunds) != n || now.Refunds[n-1].Status != "refunded" {
				return fmt.Errorf("%d went back, want %d (%w): %+v", returned, minor, err, now.Refunds)
			}
			return nil
		})
	}
	older := "/v1/admin/payments/" + o.ID + "-1"
	s.Staff(t, 201, "POST", older+"/refunds", map[string]any{"amount": money.New(100, "USD"), "reason": "by hand"}, nil, "Idempotency-Key", shop.Key())
	gone(1, 100)
	more := e.Charged.Minor + 50
	s.Staff(t, 201, "POST", "/v1/admin/orders/"+o.ID+"/refunds", map[string]any{"amount": money.New(more, "USD"), "reason": "chipped"}, nil, "Idempotency-Key", shop.Key())
	gone(2, 100+more)
	for attempt, want := range map[int]int64{1: 150, paymentapi.FirstRepeat + 1: e.Charged.Minor} {
		var p paymentapi.Payment
		s.Staff(t, 200, "GET", fmt.Sprintf("/v1/admin/payments/%s-%d", o.ID, attempt), nil, &p)
		if p.Refunded.Minor != want {
			t.Errorf("of payment %d %s went back, want %d", attempt, p.Refunded, want)
		}
	}
}
