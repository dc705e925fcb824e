package journeys

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/cart/cartapi"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
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
	shop.Eventually(t, 15*time.Second, func() error {
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
	shop.Eventually(t, 15*time.Second, func() error {
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
	shop.Eventually(t, 15*time.Second, func() error {
		var types string
		err := s.DB(t, "payment").QueryRow(t.Context(), `SELECT coalesce(string_agg(type, ' ' ORDER BY sequence), '') FROM outbox WHERE subject LIKE $1 || '-%' AND type LIKE '%dispute%'`, order.ID).Scan(&types)
		if err == nil && types != "payment.dispute_opened.v1 payment.dispute_closed.v1" {
			err = fmt.Errorf("others heard %q", types)
		}
		return err
	})
	shop.Eventually(t, 15*time.Second, func() error { // and so have the order's staff
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

// Staff give a part back once the payment has settled; there are papers of it, and the shopper buys the same again.
func TestStaffRefundAPart(t *testing.T) {
	t.Parallel()
	sku := s.Goods(t, "chipped-vase", 3)
	bought, refused, err := s.Buy(t.Context(), sku)
	if err != nil || refused != nil {
		t.Fatalf("%v %v", refused, err)
	}
	bank(t, "/_sim/settle", map[string]string{"order_id": transactions(t, bought.ID)[0].OrderID}, nil)
	s.Staff(t, 201, "POST", "/v1/admin/orders/"+bought.ID+"/refunds", map[string]any{"amount": money.New(500, "USD"), "reason": "chipped"}, nil, "Idempotency-Key", shop.Key())
	var seen orderapi.Order
	shop.Eventually(t, 20*time.Second, func() error {
		seen = orderapi.Order{}
		s.Must(t, 200, "GET", "/v1/orders/"+bought.ID+"?access_token="+bought.AccessToken, nil, &seen)
		if seen.PaymentStatus != "partially_refunded" || len(seen.Refunds) != 1 || seen.Refunds[0].Status != "refunded" {
			return fmt.Errorf("%s, %+v", seen.PaymentStatus, seen.Refunds)
		}
		return nil
	})
	for _, paper := range []string{"invoice", "credit-notes/" + seen.Refunds[0].ID} {
		a, err := s.Ask(t.Context(), "GET", "/v1/orders/"+bought.ID+"/"+paper+"?access_token="+bought.AccessToken, nil)
		if err != nil || a.Status != 200 || !bytes.HasPrefix(a.Body, []byte("%PDF-")) {
			t.Errorf("%s: %v %+v", paper, err, a)
		}
	}
	var again orderapi.Reordered
	s.Must(t, 201, "POST", "/v1/orders/"+bought.ID+"/reorder?access_token="+bought.AccessToken, nil, &again, "Idempotency-Key", shop.Key())
	var cart cartapi.Cart
	s.Must(t, 200, "GET", "/v1/carts/"+again.CartID, nil, &cart)
	if len(again.LeftOut) != 0 || len(cart.Lines) != 1 || cart.Lines[0].SKU != sku || cart.Lines[0].Quantity != 1 {
		t.Errorf("%+v, %+v", again, cart)
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

// A gift card pays a part and a card the rest. The card declines: the gift card has all it had. Then it is bought, and cancelled: both
// have what they had. What a gift card covers alone needs no card.
func TestAGiftCardAndACard(t *testing.T) {
	t.Parallel()
	sku := s.Goods(t, "given", 5)
	co := s.Checkout(t, s.Cart(t, sku).ID)
	half := money.New(co.Totals.Total.Minor/2, "USD")
	gift := func(worth money.Amount) (c paymentapi.Credit) {
		t.Helper()
		s.Staff(t, 201, "POST", paymentapi.PathCredits, map[string]any{"amount": worth, "reason": "journey"}, &c, "Idempotency-Key", shop.Key())
		return c
	}
	card := gift(half)
	worth := func(c paymentapi.Credit) money.Amount {
		t.Helper()
		var b paymentapi.GiftCardBalance
		s.Must(t, 200, "POST", paymentapi.PathGiftCardBalance, map[string]string{"code": c.Code}, &b)
		return b.Balance
	}
	complete := func(co checkoutapi.Checkout, nonce string, codes ...string) *shop.Answer {
		t.Helper()
		in := shop.Pay(nonce, co.Totals.Total)
		in.GiftCards = codes
		a, err := s.Ask(t.Context(), "POST", "/v1/checkouts/"+co.ID+"/complete", in, "Idempotency-Key", shop.Key())
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	complete(co, "fake-processor-declined-visa-nonce", card.Code).Problem(t, 402, "payment-declined")
	if got := worth(card); got != half {
		t.Errorf("after a decline it has %s of %s", got, half)
	}
	complete(co, "", card.Code).Problem(t, 402, "payment-declined") // it does not suffice
	complete(co, shop.Good, "NO-SUCH-CARD").Problem(t, 402, "payment-declined")
	var o orderapi.Order
	if err := complete(co, shop.Good, card.Code).Into(201, &o); err != nil {
		t.Fatal(err)
	}
	if txs := transactions(t, o.ID); len(txs) == 0 || txs[len(txs)-1].Amount != co.Totals.Total.Minor-half.Minor || worth(card).IsPositive() {
		t.Errorf("the gift card has %s, the simulator has %+v", worth(card), txs)
	}
	cancelled(t, o)
	if got := worth(card); got != half {
		t.Errorf("after the cancellation it has %s of %s", got, half)
	}
	for _, tx := range transactions(t, o.ID) {
		if tx.Status != "voided" && tx.Status != "processor_declined" {
			t.Errorf("the card: %+v", tx)
		}
	}

	co = s.Checkout(t, s.Cart(t, sku).ID)
	card = gift(co.Totals.Total)
	if err := complete(co, "", card.Code).Into(201, &o); err != nil {
		t.Fatal(err)
	}
	if worth(card).IsPositive() || o.PaymentStatus != "captured" || len(transactions(t, o.ID)) != 0 {
		t.Errorf("%s of it is left, the payment is %s, the simulator has %+v", worth(card), o.PaymentStatus, transactions(t, o.ID))
	}
	cancelled(t, o)
	if got := worth(card); got != co.Totals.Total {
		t.Errorf("after the cancellation it has %s of %s", got, co.Totals.Total)
	}
}

// cancelled cancels an order and waits until it is.
func cancelled(t *testing.T, o orderapi.Order) {
	t.Helper()
	path := "/v1/orders/" + o.ID
	s.Must(t, 200, "POST", path+"/cancel?access_token="+o.AccessToken, map[string]string{"reason": "changed my mind"}, nil)
	shop.Eventually(t, 15*time.Second, func() error {
		s.Must(t, 200, "GET", path+"?access_token="+o.AccessToken, nil, &o)
		if o.CancelledAt == nil {
			return fmt.Errorf("order is %s, payment %s", o.Status, o.PaymentStatus)
		}
		return nil
	})
}
