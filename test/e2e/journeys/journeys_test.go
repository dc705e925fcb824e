// Package journeys walks through a whole shop as its users do: real sidecars, real databases, the broker, the payment simulator, all
// reached through the gateway.
package journeys

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/cart/cartapi"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
	"github.com/sidecart/sidecart/services/order/orderapi"
	"github.com/sidecart/sidecart/test/e2e/shop"
)

var s *shop.Shop

func TestMain(m *testing.M) { shop.Main(m, func(running *shop.Shop) { s = running }) }

// eventually repeats check until it is nil.
func eventually(t *testing.T, limit time.Duration, check func() error) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %s: %v", limit, err)
		}
		<-time.After(150 * time.Millisecond)
	}
}

// transactions are the simulator's books of one order.
func transactions(t *testing.T, orderID string) (all []transaction) {
	t.Helper()
	var books struct {
		Transactions []transaction `json:"transactions"`
	}
	s.Must(t, 200, "GET", s.Simulator("braintree")+"/_sim/books", nil, &books)
	for _, tx := range books.Transactions {
		if strings.HasPrefix(tx.OrderID, orderID) {
			all = append(all, tx)
		}
	}
	return all
}

type transaction struct {
	ID      string `json:"id"`
	OrderID string `json:"order_id"`
	Status  string `json:"status"`
	Amount  int64  `json:"amount_minor"`
}

func TestAGuestBuys(t *testing.T) {
	sku := s.Goods(t, "guest", 5)
	cart := s.Cart(t, sku)
	if cart.Totals.Total != money.New(1999, "USD") {
		t.Errorf("cart totals %+v", cart.Totals)
	}
	co := s.Checkout(t, cart.ID)
	if co.Hold.Status != "held" || co.ShippingOption == nil || co.Totals.Shipping.IsZero() {
		t.Errorf("checkout %+v", co)
	}
	var session checkoutapi.PaymentSession
	s.Must(t, 200, "POST", "/v1/checkouts/"+co.ID+"/payment-session", struct{}{}, &session)
	if session.Provider != "braintree" || session.ClientToken == "" || session.Amount != co.Totals.Total {
		t.Errorf("session %+v", session)
	}
	var o orderapi.Order
	key := shop.Key()
	s.Must(t, 201, "POST", "/v1/checkouts/"+co.ID+"/complete", shop.Pay(shop.Good, co.Totals.Total), &o, "Idempotency-Key", key)
	if o.Status != "confirmed" || o.PaymentStatus != "captured" || o.Number == "" || o.Totals != co.Totals || o.Lines[0].SKU != sku {
		t.Errorf("order %+v", o)
	}
	again := s.Must(t, 201, "POST", "/v1/checkouts/"+co.ID+"/complete", shop.Pay(shop.Good, co.Totals.Total), nil, "Idempotency-Key", key)
	if again.Header.Get("Idempotency-Replayed") != "true" {
		t.Error("the repeat was not a replay")
	}
	var read orderapi.Order
	s.Must(t, 200, "GET", "/v1/orders/"+o.ID+"?access_token="+o.AccessToken, nil, &read)
	if read.Number != o.Number {
		t.Errorf("read %+v", read)
	}
	a, err := s.Ask(t.Context(), "GET", "/v1/orders/"+o.ID, nil)
	if err != nil {
		t.Fatal(err)
	}
	a.Problem(t, 404, "order-not-found")
	var done checkoutapi.Checkout
	s.Must(t, 200, "GET", "/v1/checkouts/"+co.ID, nil, &done)
	if done.Status != "completed" || done.Order == nil || done.Order.AccessToken != o.AccessToken {
		t.Errorf("checkout afterwards %+v", done)
	}
	eventually(t, 15*time.Second, func() error {
		a, err := s.Ask(t.Context(), "POST", "/v1/carts/"+cart.ID+"/lines", map[string]any{"sku": sku, "quantity": 1})
		if err != nil {
			return err
		}
		if a.Code() != "cart-completed" {
			return fmt.Errorf("the cart still takes lines: %d %s", a.Status, a.Body)
		}
		return nil
	})
	if txs := transactions(t, o.ID); len(txs) != 1 || txs[0].Amount != o.Totals.Total.Minor {
		t.Errorf("the simulator has %+v", txs)
	}
}

func TestDeclinedThenPaid(t *testing.T) {
	sku := s.Goods(t, "declined", 5)
	co := s.Checkout(t, s.Cart(t, sku).ID)
	a, err := s.Complete(t.Context(), co, "fake-processor-declined-visa-nonce", shop.Key())
	if err != nil {
		t.Fatal(err)
	}
	a.Problem(t, 402, "payment-declined")
	if !strings.Contains(string(a.Body), `"decline_code":"2000"`) {
		t.Errorf("decline: %s", a.Body)
	}
	if a, err = s.Complete(t.Context(), co, shop.Good, shop.Key()); err != nil {
		t.Fatal(err)
	}
	var o orderapi.Order
	if err := a.Into(201, &o); err != nil {
		t.Fatal(err)
	}
}

// The same complete fifty times at once: one order, one charge, fifty same answers.
func TestOneCompleteFiftyTimesAtOnce(t *testing.T) {
	sku := s.Goods(t, "fifty", 60)
	co := s.Checkout(t, s.Cart(t, sku).ID)
	key := shop.Key()
	answers := make([]*shop.Answer, 50)
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() {
			a, err := s.Complete(t.Context(), co, shop.Good, key)
			if err != nil {
				t.Error(err)
				return
			}
			answers[i] = a
		})
	}
	wg.Wait()
	var first orderapi.Order
	for i, a := range answers {
		var o orderapi.Order
		if a == nil {
			continue
		}
		if err := a.Into(201, &o); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = o
		}
		if o.ID != first.ID || o.Number != first.Number {
			t.Errorf("caller %d got %s %s, the first %s %s", i, o.ID, o.Number, first.ID, first.Number)
		}
	}
	if txs := transactions(t, first.ID); len(txs) != 1 {
		t.Errorf("the simulator has %+v", txs)
	}
}

// A thousand buyers race for the last ten pieces: exactly ten orders, everyone else gets a typed 409.
func TestThousandBuyersForTenPieces(t *testing.T) {
	sku := s.Goods(t, "race", 10)
	buyers := make(chan int, 1000)
	for i := range 1000 {
		buyers <- i
	}
	close(buyers)
	var mu sync.Mutex
	outcomes := map[string]int{}
	note := func(what string) {
		mu.Lock()
		defer mu.Unlock()
		outcomes[what]++
	}
	var wg sync.WaitGroup
	for range 48 {
		wg.Go(func() {
			for range buyers {
				note(tryToBuy(t.Context(), sku))
			}
		})
	}
	wg.Wait()
	if outcomes["bought"] != 10 || outcomes["bought"]+outcomes["out-of-stock"] != 1000 {
		t.Errorf("outcomes %v, want 10 bought and 990 out-of-stock", outcomes)
	}
	var sold int
	if err := s.DB(t, "order").QueryRow(t.Context(), `SELECT count(*) FROM orders WHERE placed_at IS NOT NULL AND snapshot::text LIKE '%' || $1 || '%'`, sku).Scan(&sold); err != nil || sold != 10 {
		t.Errorf("%d orders in the database (%v)", sold, err)
	}
}

// tryToBuy goes all the way and says how it ended.
func tryToBuy(ctx context.Context, sku string) string {
	var cart cartapi.Cart
	if what := step(ctx, 201, "POST", "/v1/carts", map[string]string{"currency": "USD", "country": "US"}, &cart); what != "" {
		return what
	}
	if what := step(ctx, 201, "POST", "/v1/carts/"+cart.ID+"/lines", map[string]any{"sku": sku, "quantity": 1}, nil); what != "" {
		return what
	}
	var co checkoutapi.Checkout
	if what := step(ctx, 201, "POST", "/v1/checkouts", map[string]string{"cart_id": cart.ID, "email": "customer@example.com"}, &co); what != "" {
		return what
	}
	path := "/v1/checkouts/" + co.ID
	if what := step(ctx, 200, "PATCH", path, map[string]any{"shipping_address": shop.Address, "billing_address": shop.Address}, nil); what != "" {
		return what
	}
	var options struct{ Items []orderapi.ShippingOption }
	if what := step(ctx, 200, "GET", path+"/shipping-options", nil, &options); what != "" {
		return what
	}
	if what := step(ctx, 200, "PATCH", path, map[string]string{"shipping_option_id": options.Items[0].ID}, &co); what != "" {
		return what
	}
	a, err := s.Complete(ctx, co, shop.Good, shop.Key())
	if err != nil {
		return err.Error()
	}
	if a.Status == http.StatusCreated {
		return "bought"
	}
	return a.Code()
}

// step makes a call and returns "" or how it was refused.
func step(ctx context.Context, status int, method, path string, body, out any) string {
	a, err := s.Ask(ctx, method, path, body)
	if err != nil {
		return err.Error()
	}
	if a.Status != status {
		return a.Code()
	}
	if out != nil {
		if err := json.Unmarshal(a.Body, out); err != nil {
			return err.Error()
		}
	}
	return ""
}

func TestCancelGivesBack(t *testing.T) {
	sku := s.Goods(t, "cancel", 3)
	co := s.Checkout(t, s.Cart(t, sku).ID)
	a, err := s.Complete(t.Context(), co, shop.Good, shop.Key())
	if err != nil {
		t.Fatal(err)
	}
	var o orderapi.Order
	if err := a.Into(201, &o); err != nil {
		t.Fatal(err)
	}
	path := "/v1/orders/" + o.ID
	s.Must(t, 200, "POST", path+"/cancel?access_token="+o.AccessToken, map[string]string{"reason": "changed my mind"}, nil)
	eventually(t, 15*time.Second, func() error {
		s.Must(t, 200, "GET", path+"?access_token="+o.AccessToken, nil, &o)
		if o.CancelledAt == nil {
			return fmt.Errorf("order is %s, payment %s", o.Status, o.PaymentStatus)
		}
		return nil
	})
	if txs := transactions(t, o.ID); len(txs) != 1 || txs[0].Status != "voided" {
		t.Errorf("the simulator has %+v", txs)
	}
	var levels struct {
		Items []struct{ Allocated int64 }
	}
	s.Staff(t, 200, "GET", "/v1/admin/stock/levels?sku="+sku, nil, &levels)
	for _, l := range levels.Items {
		if l.Allocated != 0 {
			t.Errorf("levels %+v", levels)
		}
	}
}

// The gateway charges and then says nothing: the outcome is looked up, and there is one charge.
func TestTimeOutAfterTheCharge(t *testing.T) {
	sku := s.Goods(t, "timeout", 3)
	co := s.Checkout(t, s.Cart(t, sku).ID)
	s.Must(t, 201, "POST", s.Simulator("braintree")+"/_sim/faults", map[string]any{"operation": "sale", "kind": "timeout_after", "count": 1, "delay": "12s"}, nil)
	key := shop.Key()
	var o orderapi.Order
	eventually(t, 60*time.Second, func() error {
		a, err := s.Complete(t.Context(), co, shop.Good, key)
		if err != nil {
			return err
		}
		return a.Into(201, &o)
	})
	if txs := transactions(t, o.ID); len(txs) != 1 || txs[0].Amount != o.Totals.Total.Minor {
		t.Errorf("the simulator has %+v", txs)
	}
}

// The hold runs out while the payment is slow, and somebody else buys the last piece: the first one gets a typed answer and the money back.
func TestHoldExpiresDuringPayment(t *testing.T) {
	sku := s.Goods(t, "expiry", 1)
	slow := s.Checkout(t, s.Cart(t, sku).ID)
	s.Must(t, 201, "POST", s.Simulator("braintree")+"/_sim/faults", map[string]any{"operation": "sale", "kind": "slow", "count": 1, "delay": "6s"}, nil)
	answer := make(chan *shop.Answer, 1)
	go func() {
		a, err := s.Complete(t.Context(), slow, shop.Good, shop.Key())
		if err != nil {
			t.Error(err)
		}
		answer <- a
	}()
	eventually(t, 5*time.Second, func() error {
		var co checkoutapi.Checkout
		s.Must(t, 200, "GET", "/v1/checkouts/"+slow.ID, nil, &co)
		if co.Status != "completing" {
			return fmt.Errorf("checkout is %s", co.Status)
		}
		return nil
	})
	if _, err := s.DB(t, "inventory").Exec(t.Context(), `UPDATE stock_holds SET expires_at = now() - interval '1 second' WHERE sku = $1`, sku); err != nil {
		t.Fatal(err)
	}
	fast := s.Checkout(t, s.Cart(t, sku).ID)
	a, err := s.Complete(t.Context(), fast, shop.Good, shop.Key())
	if err != nil {
		t.Fatal(err)
	}
	var o orderapi.Order
	if err := a.Into(201, &o); err != nil {
		t.Fatal(err)
	}
	(<-answer).Problem(t, 409, "out-of-stock")
	var orderID string
	if err := s.DB(t, "checkout").QueryRow(t.Context(), `SELECT order_id FROM checkouts WHERE id = $1`, slow.ID).Scan(&orderID); err != nil {
		t.Fatal(err)
	}
	eventually(t, 10*time.Second, func() error {
		if txs := transactions(t, orderID); len(txs) != 1 || txs[0].Status != "voided" {
			return fmt.Errorf("the simulator has %+v", txs)
		}
		return nil
	})
}

func TestBadInputAtEveryDoor(t *testing.T) {
	sku := s.Goods(t, "doors", 3)
	cart := s.Cart(t, sku)
	nobody := strings.Repeat("0", 32)
	for _, tc := range []struct {
		method, path string
		body         any
		status       int
		code         string
	}{
		{"GET", "/v1/carts/" + nobody, nil, 404, "cart-not-found"},
		{"GET", "/v1/carts/short", nil, 404, ""},
		{"GET", "/v1/carts/..%2f..%2fhealthz", nil, 404, ""},
		{"POST", "/v1/internal/quote", map[string]any{}, 404, ""},
		{"POST", "/v1/carts", `{`, 400, "malformed"},
		{"POST", "/v1/carts", map[string]any{"currency": "XXY", "country": "US"}, 422, "validation-failed"},
		{"POST", "/v1/carts/" + cart.ID + "/lines", map[string]any{"sku": sku, "quantity": -1}, 422, "validation-failed"},
		{"POST", "/v1/carts/" + cart.ID + "/lines", map[string]any{"sku": sku, "quantity": int64(1) << 60}, 422, "validation-failed"},
		{"POST", "/v1/carts/" + cart.ID + "/lines", map[string]any{"sku": sku, "quantity": 1.5}, 422, "validation-failed"},
		{"POST", "/v1/carts/" + cart.ID + "/lines", map[string]any{"sku": sku, "quantity": 1, "price": 1}, 422, "validation-failed"},
		{"POST", "/v1/carts/" + cart.ID + "/lines", map[string]any{"sku": "NOBODY-KNOWS", "quantity": 1}, 422, "unknown-sku"},
		{"POST", "/v1/carts/" + cart.ID + "/lines", `{"sku":"` + strings.Repeat("x", 10<<20) + `"}`, 413, ""},
		{"POST", "/v1/checkouts", map[string]any{"cart_id": nobody}, 404, "cart-not-found"},
		{"POST", "/v1/checkouts/" + nobody + "/complete", shop.Pay(shop.Good, money.New(1, "USD")), 400, "idempotency-key-required"},
		{"GET", "/v1/orders/" + nobody, nil, 404, "order-not-found"},
		{"GET", "/v1/products?limit=0", nil, 422, "validation-failed"},
		{"GET", "/v1/products?cursor=%21", nil, 422, "validation-failed"},
		{"GET", "/v1/products/no-such-thing", nil, 404, ""},
		{"GET", "/v1/admin/orders", nil, 401, "unauthenticated"},
	} {
		a, err := s.Ask(t.Context(), tc.method, tc.path, tc.body)
		if err != nil {
			t.Errorf("%s %.60s: %v", tc.method, tc.path, err)
			continue
		}
		if a.Status != tc.status || tc.code != "" && a.Code() != tc.code {
			t.Errorf("%s %.60s: %d %s, want %d %s: %.300s", tc.method, tc.path, a.Status, a.Code(), tc.status, tc.code, a.Body)
		}
		if a.Header.Get("Content-Type") != "application/problem+json" || a.Header.Get("X-Request-Id") == "" {
			t.Errorf("%s %.60s: no problem document: %v", tc.method, tc.path, a.Header)
		}
	}
}

// Ten edits of one cart at once: without If-Match all are taken, with it one is.
func TestConcurrentEdits(t *testing.T) {
	sku := s.Goods(t, "edits", 0)
	cart := s.Cart(t)
	run := func(headers ...string) (statuses []int) {
		var mu sync.Mutex
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				a, err := s.Ask(t.Context(), "POST", "/v1/carts/"+cart.ID+"/lines", map[string]any{"sku": sku, "quantity": 1}, headers...)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				statuses = append(statuses, a.Status)
			})
		}
		wg.Wait()
		slices.Sort(statuses)
		return statuses
	}
	if got := run(); slices.ContainsFunc(got, func(status int) bool { return status != 201 }) {
		t.Errorf("without If-Match: %v", got)
	}
	a := s.Must(t, 200, "GET", "/v1/carts/"+cart.ID, nil, &cart)
	if cart.Lines[0].Quantity != 10 {
		t.Errorf("%d pieces after ten additions", cart.Lines[0].Quantity)
	}
	if got := run("If-Match", a.Header.Get("ETag")); got[0] != 201 || got[1] != 412 || got[9] != 412 {
		t.Errorf("with If-Match: %v", got)
	}
	s.Must(t, 200, "GET", "/v1/carts/"+cart.ID, nil, &cart)
	if cart.Lines[0].Quantity != 11 {
		t.Errorf("%d pieces afterwards", cart.Lines[0].Quantity)
	}
}
