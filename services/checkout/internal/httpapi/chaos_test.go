package httpapi_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/pkg/testkit/apitest"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
	"github.com/sidecart/sidecart/services/checkout/internal/app"
	"github.com/sidecart/sidecart/services/checkout/internal/checkouttest"
	"github.com/sidecart/sidecart/services/order/orderapi"
)

// Sixteen shoppers on two replicas, while every call to a neighbour may fail before or after it ran, cards are declined, and
// order's events come twice and late. Each shopper repeats until he has his order: each gets one, and every attempt that was
// executed was the next one of its order.
func TestStubbornShoppersAmongFaults(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.shop.Stock("shirt", 1000)
	_, second := s.replica()
	before := testkit.NewFaults(t, map[string]testkit.Rate{testkit.AnyMethod: {Before: 0.15}})
	after := testkit.NewFaults(t, map[string]testkit.Rate{testkit.AnyMethod: {Before: 0.15, ErrBefore: testkit.ErrAfter}})
	cards := testkit.Rand(t)
	s.shop.Set(func(n *checkouttest.Neighbours) {
		n.Before = func(call string) error { return before.Do(t.Context(), call, func() error { return nil }) }
		n.After = func(call string) error { return after.Do(t.Context(), call, func() error { return nil }) }
		n.Outcome = func(orderapi.PlaceRequest) orderapi.PlaceResult { // under the lock of the neighbours
			switch cards.IntN(5) {
			case 0:
				return orderapi.PlaceResult{Outcome: orderapi.OutcomeDeclined}
			case 1:
				return orderapi.PlaceResult{Outcome: orderapi.OutcomePending}
			case 2:
				return orderapi.PlaceResult{Outcome: orderapi.OutcomeFailed, Retryable: true}
			}
			return orderapi.PlaceResult{Outcome: orderapi.OutcomeConfirmed}
		}
	})
	ids := make([]string, 16)
	var wg sync.WaitGroup
	for i := range ids {
		cart := fmt.Sprintf("%032x", i+1)
		s.shop.Cart(cart, 1, "USD", map[string]int64{"shirt": 1})
		client := s.client
		if i%2 == 1 {
			client = second
		}
		wg.Go(func() { ids[i] = s.buyStubbornly(client, cart) })
	}
	wg.Wait()
	before.Heal()
	after.Heal()
	if before.Injected("order place") == 0 || after.Injected("order place") == 0 {
		t.Error("no fault was met")
	}
	attempts := map[string]int{}
	for _, p := range s.shop.Places() {
		if attempts[p.CheckoutID]++; p.Attempt != attempts[p.CheckoutID] {
			t.Errorf("attempt %d of a checkout was executed as its attempt %d", p.Attempt, attempts[p.CheckoutID])
		}
	}
	for _, id := range ids {
		if c := s.get(id); c.Status != "completed" || c.Order.AccessToken == "" || attempts[id] == 0 {
			t.Errorf("%+v after %d attempts", c, attempts[id])
		}
	}
}

// buyStubbornly repeats each request until it succeeds, with a new key only after a refusal that is final.
func (s *session) buyStubbornly(client apitest.Client, cart string) (id string) {
	until := func(good ...int) func(*apitest.Answer) bool {
		return func(a *apitest.Answer) bool { return a.Status == good[0] || a.Status == good[len(good)-1] }
	}
	try := func(ok func(*apitest.Answer) bool, ask func(n int) *apitest.Answer) *apitest.Answer {
		for n := range 200 {
			if a := ask(n); ok(a) {
				return a
			}
		}
		s.t.Errorf("a shopper gave up")
		return ask(0)
	}
	var c checkoutapi.Checkout
	try(until(200, 201), func(int) *apitest.Answer {
		return client.Do("POST", "/v1/checkouts", `{"cart_id":"`+cart+`","email":"customer@example.com"}`)
	}).JSON(&c)
	path := "/v1/checkouts/" + c.ID
	try(until(200), func(int) *apitest.Answer {
		return client.Do("PATCH", path, `{"shipping_address":`+address+`,"shipping_option_id":"standard"}`)
	}).JSON(&c)
	key := 0
	try(until(201), func(n int) *apitest.Answer {
		a := client.With("Idempotency-Key", fmt.Sprint(key)).Do("POST", path+"/complete", checkoutapi.CompleteInput{Nonce: "n", ExpectedTotal: c.Totals.Total})
		switch a.Status {
		case 402:
			key++
		case 429:
			s.turnClock(10 * time.Second)
		case 201, 202, 409, 503, 504:
		default:
			s.t.Errorf("complete: %d %s", a.Status, a.Body)
		}
		if n%3 == 0 { // a tale of an attempt that is long over, twice
			for range 2 {
				if err := s.app.Follow(s.t.Context(), app.Failed(orderapi.AttemptFailedV1{CheckoutID: c.ID, Attempt: 0})); err != nil {
					s.t.Error(err)
				}
			}
		}
		return a
	})
	return c.ID
}
