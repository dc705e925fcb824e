// Package journeys walks through a whole shop as its users do: real sidecars, real databases, the broker, the payment simulator, all
// reached through the gateway.
package journeys

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
	"github.com/sidecart/sidecart/services/order/orderapi"
	"github.com/sidecart/sidecart/services/pricing/pricingapi"
	"github.com/sidecart/sidecart/test/e2e/shop"
)

var s *shop.Shop

func TestMain(m *testing.M) { shop.Main(m, func(running *shop.Shop) { s = running }) }

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

// faulty has the next sale of a checkout's order go wrong, and fails the test if at its end it did not. It returns the order's id.
func faulty(t *testing.T, co checkoutapi.Checkout, kind, delay string) (orderID string) {
	t.Helper()
	if err := s.DB(t, "checkout").QueryRow(t.Context(), `SELECT order_id FROM checkouts WHERE id = $1`, co.ID).Scan(&orderID); err != nil {
		t.Fatal(err)
	}
	type fault struct{ ID, Hits int }
	var made fault
	s.Must(t, 201, "POST", s.Simulator("braintree")+"/_sim/faults",
		map[string]any{"operation": "sale", "order_id": "^" + orderID, "kind": kind, "count": 1, "delay": delay}, &made)
	t.Cleanup(func() {
		var all struct{ Items []fault }
		a, err := s.Ask(context.WithoutCancel(t.Context()), "GET", s.Simulator("braintree")+"/_sim/faults", nil)
		if err == nil {
			err = a.Into(200, &all)
		}
		if err != nil || !slices.Contains(all.Items, fault{made.ID, 1}) {
			t.Errorf("the sale did not go wrong: %+v %v", all.Items, err)
		}
	})
	return orderID
}

type transaction struct {
	ID      string `json:"id"`
	OrderID string `json:"order_id"`
	Status  string `json:"status"`
	Amount  int64  `json:"amount_minor"`
}

// A shop that says it serves is seeded: it is not found half-empty.
func TestServesWhenSeeded(t *testing.T) {
	if _, err := os.Stat(filepath.Join(s.Data, "seeded")); err != nil {
		t.Error(err)
	}
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
	shop.Eventually(t, 15*time.Second, func() error {
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
	if t.Failed() {
		return
	}
	var first orderapi.Order
	if err := answers[0].Into(201, &first); err != nil {
		t.Fatal(err)
	}
	for i, a := range answers {
		if a.Status != 201 || !bytes.Equal(a.Body, answers[0].Body) {
			t.Errorf("caller %d got %d %s, the first %s", i, a.Status, a.Body, answers[0].Body)
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
	const soldOut = "409 out-of-stock, 0 left"
	if outcomes["bought"] != 10 || outcomes[soldOut] != 990 {
		t.Errorf("outcomes %v, want 10 bought and 990 × %s", outcomes, soldOut)
	}
	var sold int
	if err := s.DB(t, "order").QueryRow(t.Context(), `SELECT count(*) FROM orders WHERE placed_at IS NOT NULL AND snapshot::text LIKE '%' || $1 || '%'`, sku).Scan(&sold); err != nil || sold != 10 {
		t.Errorf("%d orders in the database (%v)", sold, err)
	}
}

// tryToBuy goes all the way and says how it ended.
func tryToBuy(ctx context.Context, sku string) string {
	_, refused, err := s.Buy(ctx, sku)
	switch {
	case err != nil:
		return err.Error()
	case refused != nil:
		return refusal(refused)
	}
	return "bought"
}

// refusal says how an answer refuses: the status, the kind of problem, and what it tells of the stock.
func refusal(a *shop.Answer) string {
	if err := a.ProblemDocument(); err != nil {
		return err.Error()
	}
	what := fmt.Sprint(a.Status, " ", a.Code())
	var p struct {
		Lines []struct{ Available int64 }
	}
	if json.Unmarshal(a.Body, &p) == nil && len(p.Lines) == 1 {
		what += fmt.Sprintf(", %d left", p.Lines[0].Available)
	}
	return what
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
	shop.Eventually(t, 15*time.Second, func() error {
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
	faulty(t, co, "timeout_after", "12s")
	key := shop.Key()
	var o orderapi.Order
	shop.Eventually(t, 60*time.Second, func() error {
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
	orderID := faulty(t, slow, "slow", "6s")
	answer := make(chan *shop.Answer, 1)
	go func() {
		a, err := s.Complete(t.Context(), slow, shop.Good, shop.Key())
		if err != nil {
			t.Error(err)
		}
		answer <- a
	}()
	shop.Eventually(t, 5*time.Second, func() error {
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
	if late := <-answer; late == nil || refusal(late) != "409 out-of-stock, 0 left" {
		t.Errorf("the one whose hold ran out got %+v", late)
	}
	shop.Eventually(t, 10*time.Second, func() error {
		if txs := transactions(t, orderID); len(txs) != 1 || txs[0].Status != "voided" {
			return fmt.Errorf("the simulator has %+v", txs)
		}
		return nil
	})
}

func TestBadInputAtEveryDoor(t *testing.T) {
	sku := s.Goods(t, "doors", 3)
	cart, other := s.Cart(t, sku), s.Cart(t)
	nobody := strings.Repeat("0", 32)
	for _, tc := range []struct {
		method, path string
		body         any
		status       int
		code         string
	}{
		{"GET", "/v1/carts/" + nobody, nil, 404, "cart-not-found"},
		{"GET", "/v1/carts/short", nil, 404, "cart-not-found"},
		{"GET", "/v1/carts/..%2f..%2fhealthz", nil, 404, "not-found"},
		{"POST", "/v1/internal/quote", map[string]any{}, 404, "not-found"},
		{"POST", "/v1/carts", `{`, 400, "malformed"},
		{"POST", "/v1/carts", map[string]any{"currency": "XXY", "country": "US"}, 422, "validation-failed"},
		{"POST", "/v1/carts/" + cart.ID + "/lines", map[string]any{"sku": sku, "quantity": -1}, 422, "validation-failed"},
		{"POST", "/v1/carts/" + cart.ID + "/lines", map[string]any{"sku": sku, "quantity": int64(1) << 60}, 422, "validation-failed"},
		{"POST", "/v1/carts/" + cart.ID + "/lines", map[string]any{"sku": sku, "quantity": 1.5}, 422, "validation-failed"},
		{"POST", "/v1/carts/" + cart.ID + "/lines", map[string]any{"sku": sku, "quantity": 1, "price": 1}, 422, "validation-failed"},
		{"POST", "/v1/carts/" + cart.ID + "/lines", map[string]any{"sku": "NOBODY-KNOWS", "quantity": 1}, 422, "unknown-sku"},
		{"POST", "/v1/carts/" + cart.ID + "/lines", `{"sku":"` + strings.Repeat("x", 10<<20) + `"}`, 413, "body-too-large"},
		{"POST", "/v1/carts", `{"currency":"` + strings.Repeat("x", 10<<20) + `"}`, 413, "body-too-large"},
		{"POST", "/v1/carts/" + cart.ID + "/merge", map[string]any{"from_cart_id": nobody}, 404, "cart-not-found"},
		{"PATCH", "/v1/carts/" + nobody + "/lines/" + cart.Lines[0].ID, map[string]any{"quantity": 2}, 404, "cart-not-found"},
		{"DELETE", "/v1/carts/" + other.ID + "/lines/" + cart.Lines[0].ID, nil, 404, "line-not-found"},
		{"POST", "/v1/checkouts", map[string]any{"cart_id": nobody}, 404, "cart-not-found"},
		{"POST", "/v1/checkouts/" + nobody + "/complete", shop.Pay(shop.Good, money.New(1, "USD")), 400, "idempotency-key-required"},
		{"GET", "/v1/orders/" + nobody, nil, 404, "order-not-found"},
		{"GET", "/v1/products?limit=0", nil, 422, "validation-failed"},
		{"GET", "/v1/products?cursor=%21", nil, 422, "validation-failed"},
		{"GET", "/v1/products/no-such-thing", nil, 404, "product-not-found"},
		{"GET", "/v1/admin/orders", nil, 401, "unauthenticated"},
	} {
		a, err := s.Ask(t.Context(), tc.method, tc.path, tc.body)
		if err != nil {
			t.Errorf("%s %.60s: %v", tc.method, tc.path, err)
			continue
		}
		a.Problem(t, tc.status, tc.code)
	}
}

// What staff send is held to the registry and to what money is, and all faults are told at once.
func TestBadInputOfStaff(t *testing.T) {
	s.Staff(t, 204, "PUT", "/v1/admin/attributes/test_length", catalogapi.AttributeInput{Label: "Length", Type: "decimal", Unit: "cm"}, nil)
	s.Staff(t, 204, "PUT", "/v1/admin/categories/test-doors", catalogapi.CategoryInput{Name: "Test doors", Slug: "test-doors",
		Attributes: []catalogapi.CategoryAttribute{{Code: "test_length"}}}, nil)
	product := func(attributes string) string {
		return `{"title":"Door","category_code":"test-doors","variants":[{"sku":"T-DOOR"}],"attributes":` + attributes + `}`
	}
	price := func(amount string) string {
		return `{"prices":[{"sku":"T-DOOR","amount":{"amount":` + amount + `,"currency":"USD"},"min_quantity":1}]}`
	}
	s.Staff(t, 204, "PUT", "/v1/admin/price-lists/test-usd", pricingapi.PriceListInput{Name: "Tests", Currency: "USD"}, nil)
	for _, tc := range []struct {
		method, path, body string
		status             int
		code               string
		places             []string
	}{
		{"POST", "/v1/admin/products", product(`{"colour_of_sky":"blue","test_length":"12 inch"}`), 422, "validation-failed",
			[]string{"body.attributes.colour_of_sky", "body.attributes.test_length"}},
		{"POST", "/v1/admin/products", product(`{"test_length":"long"}`), 422, "validation-failed", []string{"body.attributes.test_length"}},
		{"PUT", "/v1/admin/price-lists/test-usd/prices", price("-1"), 422, "validation-failed", []string{"body.prices[0].amount"}},
		{"PUT", "/v1/admin/price-lists/test-usd/prices", price("92233720368547758080"), 422, "validation-failed", []string{"body.prices[0].amount"}},
		{"POST", "/v1/admin/stock/receive", `{"reference":"doors","lines":[{"sku":"T-DOOR","location_id":"test-shelf","quantity":-5}]}`, 422, "validation-failed",
			[]string{"body.lines[0].quantity"}},
		{"POST", "/v1/admin/stock/receive", `{"reference":"doors","lines":[{"sku":"T-DOOR","location_id":"test-shelf","quantity":9223372036854775807}]}`, 422,
			"validation-failed", []string{"body.lines[0].quantity"}},
	} {
		a, err := s.Ask(t.Context(), tc.method, tc.path, tc.body, "Authorization", "Bearer "+s.Token(t))
		if err != nil {
			t.Fatal(err)
		}
		a.Problem(t, tc.status, tc.code)
		for _, place := range tc.places {
			if !strings.Contains(string(a.Body), `"location":"`+place) {
				t.Errorf("%s %s: no fault at %s: %s", tc.path, tc.body, place, a.Body)
			}
		}
	}
}

// One Idempotency-Key twice at once: one effect, and the same answer to both. With another body it is refused.
func TestOneKeyTwiceAtOnce(t *testing.T) {
	sku := s.Goods(t, "twice", 0)
	cart := s.Cart(t)
	path, key := "/v1/carts/"+cart.ID+"/lines", shop.Key()
	answers := make(chan *shop.Answer, 2)
	for range cap(answers) {
		go func() {
			a, err := s.Ask(t.Context(), "POST", path, map[string]any{"sku": sku, "quantity": 1}, "Idempotency-Key", key)
			if err != nil {
				t.Error(err)
			}
			answers <- a
		}()
	}
	one, two := <-answers, <-answers
	if t.Failed() {
		return
	}
	if one.Status != 201 || two.Status != 201 || !bytes.Equal(one.Body, two.Body) {
		t.Errorf("got %d %s and %d %s", one.Status, one.Body, two.Status, two.Body)
	}
	if a, b := one.Header.Get("Idempotency-Replayed"), two.Header.Get("Idempotency-Replayed"); a+b != "true" {
		t.Errorf("replayed %q and %q, want one of them", a, b)
	}
	s.Must(t, 200, "GET", "/v1/carts/"+cart.ID, nil, &cart)
	if len(cart.Lines) != 1 || cart.Lines[0].Quantity != 1 {
		t.Errorf("the cart has %+v", cart.Lines)
	}
	a, err := s.Ask(t.Context(), "POST", path, map[string]any{"sku": sku, "quantity": 2}, "Idempotency-Key", key)
	if err != nil {
		t.Fatal(err)
	}
	a.Problem(t, 422, "idempotency-key-reused")
}

// Ten edits of one cart at once: without If-Match all are taken, with it one is.
func TestConcurrentEdits(t *testing.T) {
	sku := s.Goods(t, "edits", 0)
	cart := s.Cart(t)
	run := func(headers ...string) (outcomes []string) {
		var mu sync.Mutex
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				a, err := s.Ask(t.Context(), "POST", "/v1/carts/"+cart.ID+"/lines", map[string]any{"sku": sku, "quantity": 1}, headers...)
				if err != nil {
					t.Error(err)
					return
				}
				what := "taken"
				if a.Status != http.StatusCreated {
					what = refusal(a)
				}
				mu.Lock()
				defer mu.Unlock()
				outcomes = append(outcomes, what)
			})
		}
		wg.Wait()
		slices.Sort(outcomes)
		return slices.Compact(outcomes)
	}
	if got := run(); !slices.Equal(got, []string{"taken"}) {
		t.Errorf("without If-Match: %v", got)
	}
	a := s.Must(t, 200, "GET", "/v1/carts/"+cart.ID, nil, &cart)
	if cart.Lines[0].Quantity != 10 {
		t.Errorf("%d pieces after ten additions", cart.Lines[0].Quantity)
	}
	if got := run("If-Match", a.Header.Get("ETag")); !slices.Equal(got, []string{"412 version-conflict", "taken"}) {
		t.Errorf("with If-Match: %v", got)
	}
	s.Must(t, 200, "GET", "/v1/carts/"+cart.ID, nil, &cart)
	if cart.Lines[0].Quantity != 11 {
		t.Errorf("%d pieces afterwards", cart.Lines[0].Quantity)
	}
}
