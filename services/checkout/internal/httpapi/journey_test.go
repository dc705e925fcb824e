package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
	"github.com/sidecart/sidecart/services/checkout/internal/checkout"
	"github.com/sidecart/sidecart/services/checkout/internal/checkouttest"
	"github.com/sidecart/sidecart/services/order/orderapi"
)

// Ten requests make an order; here are the seven of checkout, with what each costs at the neighbours.
func TestWholeWay(t *testing.T) {
	t.Parallel()
	s := open(t)
	c := s.create()
	s.wantCalls("create", map[string]int{"cart": 1, "inventory PUT": 1})
	if c.Status != "open" || c.Version != 1 || c.Totals.Total.Minor != 4500 || len(c.Lines) != 2 || c.Lines[0].Title != "A shirt" || string(c.Lines[0].Metadata) != `{"engraving":"to shirt"}` || c.Hold.Status != "held" ||
		!c.Hold.ExpiresAt.Equal(s.start.Add(15*time.Minute)) || c.Order != nil || c.Email != "customer@example.com" {
		t.Errorf("created %+v", c)
	}
	if held := s.shop.Holds(cartID); held["shirt"] != 2 || held["mug"] != 1 {
		t.Errorf("holds %v", held)
	}
	c = s.patch(c.ID, `{"shipping_address":`+address+`}`)
	s.wantCalls("address", map[string]int{"pricing": 1})
	var options struct{ Items []orderapi.ShippingOption }
	s.client.Do("GET", "/v1/checkouts/"+c.ID+"/shipping-options", nil).Want(200).JSON(&options)
	if len(options.Items) != 2 || options.Items[0].ID != "standard" || options.Items[0].Price.Minor != 599 || options.Items[0].ETA.From != "2026-03-11" {
		t.Errorf("options %+v", options.Items)
	}
	c = s.patch(c.ID, `{"shipping_option_id":"standard"}`)
	s.wantCalls("options and choice", map[string]int{})
	if c.Totals.Total.Minor != total || c.Totals.Shipping.Minor != 599 || c.ShippingOption.Label != "Standard" || c.BillingAddress != nil {
		t.Errorf("chosen %+v", c)
	}
	var session checkoutapi.PaymentSession
	s.client.Do("POST", "/v1/checkouts/"+c.ID+"/payment-session", nil).Want(200).JSON(&session)
	s.wantCalls("payment session", map[string]int{"payment": 1})
	if session.Provider != "braintree" || session.ClientToken != "token-USD" || session.Amount != money.New(total, "USD") {
		t.Errorf("session %+v", session)
	}
	var o orderapi.Order
	s.complete(c.ID, "key-1", pay(total)).Want(201).JSON(&o)
	s.wantCalls("complete", map[string]int{"order place": 1})
	if o.Number != "SC-000001" || o.AccessToken != "the-access-token" {
		t.Errorf("order %+v", o)
	}
	sent := s.shop.Places()[0]
	if sent.CheckoutID != c.ID || sent.CartID != cartID || sent.CartVersion != 3 || sent.Attempt != 1 || sent.Totals.Total.Minor != total ||
		sent.BillingAddress != sent.ShippingAddress || sent.ShippingOption.ID != "standard" || sent.Payment.Nonce != "fake-valid-nonce" || len(sent.Lines) != 2 {
		t.Errorf("placed %+v", sent)
	}
	c = s.get(c.ID)
	if c.Status != "completed" || c.Order == nil || *c.Order != (checkoutapi.OrderRef{ID: o.ID, Number: o.Number, AccessToken: o.AccessToken}) || c.Hold.Status != "released" {
		t.Errorf("completed %+v", c)
	}
	a := s.complete(c.ID, "key-1", pay(total)).Want(201)
	if a.Header.Get("Idempotency-Replayed") != "true" || !strings.Contains(string(a.Body), "the-access-token") {
		t.Errorf("replay %v %s", a.Header, a.Body)
	}
	s.complete(c.ID, "key-2", pay(total)).Problem(409, "checkout-completed")
	s.complete(c.ID, "key-1", pay(total+1)).Problem(422, "idempotency-key-reused")
	s.client.Do("PATCH", "/v1/checkouts/"+c.ID, `{"note":"x"}`).Problem(409, "checkout-completed")
	s.client.Do("DELETE", "/v1/checkouts/"+c.ID, nil).Problem(409, "checkout-completed")
	s.client.Do("POST", "/v1/checkouts/"+c.ID+"/payment-session", nil).Problem(409, "checkout-completed")
	s.wantCalls("repeats", map[string]int{})
	var leaks int
	if err := s.pool.QueryRow(t.Context(), `SELECT count(*) FROM checkouts c, idempotency_keys k WHERE c::text || k::text LIKE '%fake-valid-nonce%'`).Scan(&leaks); err != nil || leaks != 0 {
		t.Errorf("the nonce was kept (%v)", err)
	}
}

func TestFiftyAtOnce(t *testing.T) {
	t.Parallel()
	s := open(t)
	c := s.ready()
	_, second := s.replica()
	bodies := make([]string, 50)
	var wg sync.WaitGroup
	for i := range bodies {
		client := s.client
		if i%2 == 1 {
			client = second
		}
		wg.Go(func() {
			bodies[i] = string(client.With("Idempotency-Key", "same").Do("POST", "/v1/checkouts/"+c.ID+"/complete", pay(total)).Want(201).Body)
		})
	}
	wg.Wait()
	for i, b := range bodies {
		var first, other orderapi.Order
		if json.Unmarshal([]byte(bodies[0]), &first) != nil || json.Unmarshal([]byte(b), &other) != nil || first.Number != other.Number || first.ID != other.ID {
			t.Errorf("answer %d differs: %s", i, b)
		}
	}
	if n := len(s.shop.Places()); n != 1 {
		t.Errorf("%d orders", n)
	}
}

// Of many keys at once one wins; the others are told that one is under way, or was done.
func TestManyKeysAtOnce(t *testing.T) {
	t.Parallel()
	s := open(t)
	c := s.ready()
	statuses := make([]int, 20)
	var wg sync.WaitGroup
	for i := range statuses {
		wg.Go(func() { statuses[i] = s.complete(c.ID, fmt.Sprint("key-", i), pay(total)).Status })
	}
	wg.Wait()
	won := 0
	for _, status := range statuses {
		if status == http.StatusCreated {
			won++
		} else if status != http.StatusConflict && status != http.StatusTooManyRequests {
			t.Errorf("a loser got %d", status)
		}
	}
	if won != 1 || len(s.shop.Places()) != 1 {
		t.Errorf("%d won, %d orders", won, len(s.shop.Places()))
	}
}

func TestDeclinedThenPaid(t *testing.T) {
	t.Parallel()
	s := open(t)
	c := s.ready()
	s.shop.Set(func(n *checkouttest.Neighbours) {
		n.Outcome = func(req orderapi.PlaceRequest) orderapi.PlaceResult {
			if req.Attempt == 1 {
				return orderapi.PlaceResult{Outcome: orderapi.OutcomeDeclined, DeclineCode: "2001", Retryable: true}
			}
			return orderapi.PlaceResult{Outcome: orderapi.OutcomeConfirmed}
		}
	})
	p := s.complete(c.ID, "first", pay(total)).Problem(402, "payment-declined")
	if p["decline_code"] != "2001" || p["retryable"] != true {
		t.Errorf("declined %v", p)
	}
	if now := s.get(c.ID); now.Status != "open" {
		t.Errorf("after the decline it is %s", now.Status)
	}
	s.patch(c.ID, `{"shipping_option_id":"express"}`)
	a := s.complete(c.ID, "first", pay(total)) // the same request again: no other charge, and no other answer
	a.Problem(402, "payment-declined")
	if a.Header.Get("Idempotency-Replayed") != "true" {
		t.Error("the refusal is not marked as replayed")
	}
	s.complete(c.ID, "second", pay(4500+1499)).Want(201)
	if sent := s.shop.Places(); len(sent) != 2 || sent[1].Attempt != 2 || sent[1].OrderID != sent[0].OrderID {
		t.Errorf("placed %+v", sent)
	}
}

func TestOutOfStockAtTheEnd(t *testing.T) {
	t.Parallel()
	s := open(t)
	c := s.ready()
	s.shop.Set(func(n *checkouttest.Neighbours) {
		n.Outcome = checkouttest.Always(orderapi.PlaceResult{Outcome: orderapi.OutcomeOutOfStock, Shortages: []orderapi.Shortage{{SKU: "mug", Requested: 1}}})
	})
	p := s.complete(c.ID, "k", pay(total)).Problem(409, "out-of-stock")
	if lines, _ := p["lines"].([]any); len(lines) != 1 || lines[0].(map[string]any)["sku"] != "mug" {
		t.Errorf("lines %v", p["lines"])
	}
	if s.get(c.ID).Status != "open" {
		t.Error("it is not open again")
	}
}

// The call ran, the answer was lost: the outcome is unknown, and the repeat with the same key learns it.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	s := open(t)
	c := s.ready()
	s.shop.Set(func(n *checkouttest.Neighbours) { n.After = checkouttest.Fail(testkit.ErrAfter, "order place") })
	a := s.complete(c.ID, "k", pay(total)).Want(202)
	var pending checkoutapi.Checkout
	a.JSON(&pending)
	if a.Header.Get("Retry-After") == "" || pending.Status != "completing" {
		t.Errorf("pending %v %+v", a.Header, pending)
	}
	s.complete(c.ID, "other", pay(total)).Problem(409, "request-in-progress")
	s.client.Do("PATCH", "/v1/checkouts/"+c.ID, `{"note":"x"}`).Problem(409, "request-in-progress")
	s.client.Do("DELETE", "/v1/checkouts/"+c.ID, nil).Problem(409, "request-in-progress")
	s.client.Do("POST", "/v1/checkouts", `{"cart_id":"`+cartID+`"}`).Problem(409, "request-in-progress")
	s.shop.Set(func(n *checkouttest.Neighbours) { n.After = nil })
	s.complete(c.ID, "k", pay(total)).Want(201)
	if n := len(s.shop.Places()); n != 1 {
		t.Errorf("%d orders", n)
	}
}

// Order was surely not reached: the checkout is open again, number and key are free.
func TestOrderIsAway(t *testing.T) {
	t.Parallel()
	s := open(t)
	c := s.ready()
	s.shop.Set(func(n *checkouttest.Neighbours) { n.Before = checkouttest.Fail(testkit.ErrBefore, "order place") })
	s.complete(c.ID, "k", pay(total)).Problem(503, "unavailable")
	if s.get(c.ID).Status != "open" {
		t.Error("it is not open again")
	}
	s.shop.Set(func(n *checkouttest.Neighbours) { n.Before = nil })
	s.complete(c.ID, "k", pay(total)).Want(201)
	if sent := s.shop.Places(); len(sent) != 1 || sent[0].Attempt != 1 {
		t.Errorf("placed %+v", sent)
	}
}

// Order took an attempt and its answer was lost; the repeat does not reach it. That says nothing of the first call: were the checkout
// open again, the shopper could change it and pay for what it was before.
func TestOrderIsAwayForTheRepeat(t *testing.T) {
	t.Parallel()
	for name, key := range map[string]string{"same key": "k", "another key takes it up": "other"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			c := s.ready()
			s.shop.Set(func(n *checkouttest.Neighbours) { n.After = checkouttest.Fail(testkit.ErrAfter, "order place") })
			s.complete(c.ID, "k", pay(total)).Want(202)
			s.shop.Set(func(n *checkouttest.Neighbours) {
				n.After, n.Before = nil, checkouttest.Fail(testkit.ErrBefore, "order place")
			})
			s.turnClock(checkout.StuckAfter)
			s.complete(c.ID, key, pay(total)).Want(202)
			s.client.Do("PATCH", "/v1/checkouts/"+c.ID, `{"note":"x"}`).Problem(409, "request-in-progress")
			s.shop.Set(func(n *checkouttest.Neighbours) { n.Before = nil })
			s.complete(c.ID, key, pay(total)).Want(201)
			if sent := s.shop.Places(); len(sent) != 1 {
				t.Errorf("placed %+v", sent)
			}
		})
	}
}

// Order was said to be away, and had placed the order nevertheless: the next attempt has the same number and finds it.
func TestOrderLied(t *testing.T) {
	t.Parallel()
	s := open(t)
	c := s.ready()
	s.shop.Set(func(n *checkouttest.Neighbours) { n.After = checkouttest.Fail(testkit.ErrBefore, "order place") })
	s.complete(c.ID, "k", pay(total)).Problem(503, "unavailable")
	s.shop.Set(func(n *checkouttest.Neighbours) { n.After = nil })
	s.complete(c.ID, "another", checkoutapi.CompleteInput{Nonce: "another-nonce", ExpectedTotal: money.New(total, "USD")}).Want(201)
	if sent := s.shop.Places(); len(sent) != 1 || sent[0].Payment.Nonce != "fake-valid-nonce" {
		t.Errorf("placed %+v", sent)
	}
}

// Nobody knows whether order was reached, and the shopper does not come again with his key. Two minutes later another key takes
// the attempt up: order places it if it never heard of it, and answers for it if it did. Either way it is one order.
func TestAnotherKeyTakesUpAStuckAttempt(t *testing.T) {
	t.Parallel()
	for name, reached := range map[string]bool{"never reached": false, "reached": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			c := s.ready()
			silent := checkouttest.Fail(testkit.ErrAfter, "order place")
			s.shop.Set(func(n *checkouttest.Neighbours) {
				if n.After = silent; !reached {
					n.Before = silent
				}
			})
			s.complete(c.ID, "lost", pay(total)).Want(202)
			s.shop.Set(func(n *checkouttest.Neighbours) { n.Before, n.After = nil, nil })
			s.turnClock(time.Minute)
			other := checkoutapi.CompleteInput{Nonce: "another-nonce", ExpectedTotal: money.New(total, "USD")}
			s.complete(c.ID, "other", other).Problem(409, "request-in-progress")
			s.turnClock(time.Minute)
			s.complete(c.ID, "other", other).Want(201)
			s.complete(c.ID, "lost", pay(total)).Want(201) // whoever comes with the first key gets the same order
			want := map[bool]string{false: "another-nonce", true: "fake-valid-nonce"}[reached]
			if sent := s.shop.Places(); len(sent) != 1 || sent[0].Attempt != 1 || sent[0].Payment.Nonce != want {
				t.Errorf("placed %+v", sent)
			}
		})
	}
}
