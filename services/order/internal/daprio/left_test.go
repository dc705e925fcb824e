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

// Of all payments of an order what was captured and not given back is left; what the bank did not pay is told apart, and what a gift card paid of it is left.
func TestLeft(t *testing.T) {
	t.Parallel()
	pays := func(status string, amount, captured, refunded int64) paymentapi.Payment {
		usd := func(n int64) money.Amount { return money.New(n, "USD") }
		return paymentapi.Payment{ID: "o-1", Status: status, Amount: usd(amount), Authorised: usd(captured), Captured: usd(captured), Refunded: usd(refunded)}
	}
	all := telling{paymentapi.Payments{Items: []paymentapi.Payment{pays("captured", 1000, 1000, 300), pays("declined", 400, 0, 0), pays("voided", 500, 0, 0), pays(paymentapi.StatusSettlementDeclined, 900, 200, 0)}}}
	left, unpaid, err := Payments{Caller: all}.Left(t.Context(), "o", "USD")
	if err != nil || left.Minor != 900 || unpaid.Minor != 700 {
		t.Errorf("%s left, %s unpaid, %v", left, unpaid, err)
	}
	if _, _, err := (Payments{Caller: all}).Left(t.Context(), "o", "EUR"); err == nil {
		t.Error("sums of two currencies were made")
	}
}
