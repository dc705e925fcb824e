package journeys

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/payment/paymentapi"
	"github.com/sidecart/sidecart/test/e2e/shop"
)

// A payment is captured shipment by shipment, as order's own door at payment offers it and nobody uses yet, and given back: the gateway has a
// transaction for each part, and both books agree. No order is behind it, so that nothing but the payment is looked at, and at the end no
// money is left that anybody could miss one for.
func TestCapturesInParts(t *testing.T) {
	t.Parallel()
	order := "parts-" + shop.Key()[:12]
	usd := func(minor int64) *money.Amount { a := money.New(minor, "USD"); return &a }
	ask := func(path string, in any) paymentapi.Result {
		t.Helper()
		a, err := s.AskSidecar(t.Context(), "order", "POST", "/v1.0/invoke/payment/method"+path, in)
		var r paymentapi.Result
		if err == nil {
			err = a.Into(200, &r)
		}
		if err != nil || r.Outcome != paymentapi.Succeeded {
			t.Fatalf("%s: %+v %v", path, r, err)
		}
		return r
	}
	ask(paymentapi.PathAuthorise, paymentapi.AuthoriseRequest{OperationID: order + "-a", PaymentID: order + "-1", OrderID: order, Attempt: 1, Amount: *usd(9000), Nonce: shop.Good})
	more := false
	for i := range 2 {
		ask(paymentapi.PathCapture, paymentapi.MoneyRequest{OperationID: fmt.Sprint(order, "-c", i), PaymentID: order + "-1", Amount: usd(3000), FinalCapture: &more})
	}
	captures := "/v1/admin/payments/" + order + "-1/captures"
	s.Staff(t, 201, "POST", captures, map[string]any{"amount": usd(1000)}, nil, "Idempotency-Key", shop.Key())
	s.Staff(t, 409, "POST", captures, map[string]any{"amount": usd(1)}, nil, "Idempotency-Key", shop.Key())
	var p paymentapi.Payment
	s.Staff(t, 200, "GET", "/v1/admin/payments/"+order+"-1", nil, &p)
	if p.Status != paymentapi.StatusCaptured || p.Captured != *usd(7000) || len(p.Captures) != 3 {
		t.Errorf("%+v", p)
	}
	bank(t, "/_sim/settle", map[string]string{"id": p.Captures[1].TransactionID}, nil)
	if r := ask(paymentapi.PathRefund, paymentapi.MoneyRequest{OperationID: order + "-r", PaymentID: order + "-1"}); r.Amount != *usd(7000) {
		t.Errorf("%+v", r)
	}
	s.Staff(t, 200, "GET", "/v1/admin/payments/"+order+"-1", nil, &p)
	var states []string
	for _, c := range p.Captures {
		states = append(states, fmt.Sprint(c.Status, " ", c.Refunded.Minor))
	}
	if got := fmt.Sprint(p.Status, states); got != "refunded[voided 3000 captured 3000 voided 1000]" {
		t.Error(got)
	}
	states = nil
	for _, tx := range transactions(t, order) {
		states = append(states, tx.Status)
	}
	if got := fmt.Sprint(states); got != "[voided voided settled submitted_for_settlement]" { // the third part has staff's operation as its order
		t.Error(got)
	}

	out, err := s.Run(t.Context(), "payments", "reconcile", "--json")
	var report struct {
		Differences []struct {
			PaymentID string `json:"payment_id"`
			Detail    string `json:"detail"`
		}
	}
	if json.NewDecoder(strings.NewReader(out)).Decode(&report) != nil { // an error may stand behind it
		t.Fatalf("%v: %s", err, out)
	}
	for _, x := range report.Differences {
		if x.PaymentID == order+"-1" || strings.Contains(x.Detail, order) {
			t.Errorf("the books differ: %s", out)
		}
	}
}
