package daprio

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/payment/paymentapi"
)

// telling is payment with the payments of an order.
type telling struct{ paymentapi.Payments }

func (p telling) JSON(_ context.Context, _, _ string, _, out any, _ ...daprkit.CallOption) error {
	data, err := json.Marshal(p.Payments)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, out)
}

// Of each payment of an order what was captured and not given back is left; what the bank did not pay is told apart, and what a gift card paid of it is left. One whose operation
// has no answer yet says so.
func TestLeft(t *testing.T) {
	t.Parallel()
	attempt := 0
	pays := func(status string, amount, captured, refunded int64) paymentapi.Payment {
		attempt++
		usd := func(n int64) money.Amount { return money.New(n, "USD") }
		return paymentapi.Payment{ID: "o-1", Attempt: attempt, Status: status, Amount: usd(amount), Authorised: usd(captured), Captured: usd(captured), Refunded: usd(refunded)}
	}
	all := telling{paymentapi.Payments{Items: []paymentapi.Payment{pays("captured", 1000, 1000, 300), pays("declined", 400, 0, 0), pays("voided", 500, 0, 0), pays(paymentapi.StatusSettlementDeclined, 900, 200, 0)}}}
	all.Items[1].Pending = true
	left, err := Payments{Caller: all}.Left(t.Context(), "o", "USD")
	for i, want := range [][2]int64{{700, 1000}, {0, 0}, {0, 0}, {200, 200}} {
		if of := left[i+1]; err != nil || of.Left.Minor != want[0] || of.Captured.Minor != want[1] || of.Unpaid != (i == 3) || of.Pending != (i == 1) {
			t.Errorf("of payment %d: %+v (%v), want %v", i+1, of, err, want)
		}
	}
	if _, err := (Payments{Caller: all}).Left(t.Context(), "o", "EUR"); err == nil {
		t.Error("sums of two currencies were made")
	}
}
