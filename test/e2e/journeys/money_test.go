package journeys

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sidecart/sidecart/services/order/orderapi"
	"github.com/sidecart/sidecart/services/payment/paymentapi"
	"github.com/sidecart/sidecart/test/e2e/shop"
)

// bank is where cardholders and banks do what they do: the simulator's switches.
func bank(t *testing.T, path string, body, out any) {
	t.Helper()
	status := 201
	if path != "/_sim/disputes" && path != "/_sim/webhooks" {
		status = 200
	}
	s.Must(t, status, "POST", s.Simulator("braintree")+path, body, out)
}

// A cardholder disputes what they bought: the gateway tells the shop through the public address, staff answer, the bank decides, and
// the shop's ledger and the gateway's books agree on the order.
func TestADisputeIsAnswered(t *testing.T) {
	t.Parallel()
	order, refused, err := s.Buy(t.Context(), s.Goods(t, "disputed-lamp", 3))
	if err != nil || refused != nil {
		t.Fatalf("%v %v", refused, err)
	}
	sale := transactions(t, order.ID)[0]
	bank(t, "/_sim/settle", map[string]string{"order_id": sale.OrderID}, nil)
	var made struct{ ID string }
	bank(t, "/_sim/disputes", map[string]string{"transaction_id": sale.ID, "reason": "product_not_received"}, &made)
	var page struct{ Items []paymentapi.Dispute }
	eventually(t, 15*time.Second, func() error {
		s.Staff(t, 200, "GET", "/v1/admin/disputes?order_id="+order.ID, nil, &page)
		if len(page.Items) != 1 || page.Items[0].ID != made.ID || page.Items[0].Status != "open" || page.Items[0].Reason != "product_not_received" {
			return fmt.Errorf("disputes of the order: %+v", page.Items)
		}
		return nil
	})
	base := "/v1/admin/disputes/" + made.ID
	s.Staff(t, 201, "POST", base+"/evidence", map[string]string{"text": "compelling_evidence", "category": "PROOF_OF_DELIVERY"}, nil, "Idempotency-Key", shop.Key())
	s.Staff(t, 201, "POST", base+"/finalize", nil, nil)
	var d paymentapi.Dispute
	eventually(t, 15*time.Second, func() error {
		s.Staff(t, 200, "GET", base, nil, &d)
		told := 0
		for _, e := range d.Events {
			if e.Actor == "" && (e.Type == "disputed" || e.Type == "won") {
				told++
			}
		}
		if d.Status != "won" || d.Won != d.Amount || told < 2 {
			return fmt.Errorf("%+v", d)
		}
		return nil
	})
	eventually(t, 15*time.Second, func() error {
		var types string
		err := s.DB(t, "payment").QueryRow(t.Context(), `SELECT coalesce(string_agg(type, ' ' ORDER BY sequence), '') FROM outbox WHERE subject LIKE $1 || '-%' AND type LIKE '%dispute%'`, order.ID).Scan(&types)
		if err == nil && types != "payment.dispute_opened.v1 payment.dispute_closed.v1" {
			err = fmt.Errorf("others heard %q", types)
		}
		return err
	})
	eventually(t, 15*time.Second, func() error { // and so have the order's staff
		var seen orderapi.Order
		s.Staff(t, 200, "GET", "/v1/admin/orders/"+order.ID, nil, &seen)
		if len(seen.Disputes) != 1 || seen.Disputes[0].ID != made.ID || seen.Disputes[0].Status != "won" || seen.Status != "confirmed" {
			return fmt.Errorf("the order says %+v", seen)
		}
		return nil
	})
	out, err := s.Run(t.Context(), "payments", "reconcile", "--json")
	var report struct {
		Differences []struct {
			TransactionID string `json:"transaction_id"`
		}
	}
	if json.NewDecoder(strings.NewReader(out)).Decode(&report) != nil { // an error may stand behind it
		t.Fatalf("%v: %s", err, out)
	}
	for _, x := range report.Differences {
		if x.TransactionID == sale.ID {
			t.Errorf("the books differ: %s", out)
		}
	}
}

// Nobody but the gateway can post to its address.
func TestTheWebhookWantsASignature(t *testing.T) {
	t.Parallel()
	a, err := s.Ask(t.Context(), "POST", "/v1/webhooks/braintree", nil, "Content-Type", "application/x-www-form-urlencoded")
	if err != nil {
		t.Fatal(err)
	}
	a.Problem(t, 400, "malformed")
	a, err = s.Ask(t.Context(), "GET", "/v1/webhooks/braintree?bt_challenge=20f9f8ed05f77439fe955c977e4c8a53", nil)
	if err != nil || a.Status != 200 || string(a.Body) != "sidecart_public|b29526c78f1378007ff7a2fa0347fb6765405777" {
		t.Errorf("%v %+v", err, a)
	}
}
