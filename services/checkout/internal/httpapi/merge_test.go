package httpapi_test

import (
	"testing"

	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
	"github.com/sidecart/sidecart/services/checkout/internal/checkouttest"
	"github.com/sidecart/sidecart/services/order/orderapi"
)

// A guest at the checkout signs in: his own cart takes everything over, and the last piece is not kept from him by himself.
func TestGuestSignsIn(t *testing.T) {
	t.Parallel()
	s := open(t)
	guest := s.ready()
	s.shop.Stock("mug", 1)
	s.shop.Merge(cartID, otherCartID, 4, "USD", map[string]int64{"shirt": 3, "mug": 1})
	var own checkoutapi.Checkout
	s.client.Do("POST", "/v1/checkouts", `{"cart_id":"`+otherCartID+`"}`).Want(201).JSON(&own)
	if held := s.shop.Holds(otherCartID); held["mug"] != 1 || held["shirt"] != 3 || len(s.shop.Holds(cartID)) != 0 {
		t.Errorf("holds %v beside %v", held, s.shop.Holds(cartID))
	}
	if got := s.get(guest.ID); got.Status != "cancelled" {
		t.Errorf("the guest's is %s", got.Status)
	}
	s.client.Do("PATCH", "/v1/checkouts/"+guest.ID, `{"note":"the old tab"}`).Problem(410, "checkout-cancelled")
	s.complete(guest.ID, "old", pay(total)).Problem(410, "checkout-cancelled")
	s.client.Do("POST", "/v1/checkouts", `{"cart_id":"`+cartID+`"}`).Problem(422, "cart-empty")
	s.client.Do("POST", "/v1/checkouts", `{"cart_id":"`+otherCartID+`"}`).Want(200)
	s.patch(own.ID, `{"email":"customer@example.com","shipping_address":`+address+`,"shipping_option_id":"standard"}`)
	s.complete(own.ID, "new", pay(3*2000+500+599)).Want(201)
	if n := len(s.shop.Places()); n != 1 {
		t.Errorf("%d orders", n)
	}
}

// The old tab is paying: the cart that took the lines over waits for what becomes of it.
func TestGuestSignsInWhilePaying(t *testing.T) {
	t.Parallel()
	s := open(t)
	guest := s.ready()
	s.shop.Set(func(n *checkouttest.Neighbours) {
		n.Outcome = checkouttest.Always(orderapi.PlaceResult{Outcome: orderapi.OutcomePending})
	})
	s.complete(guest.ID, "old", pay(total)).Want(202)
	s.shop.Merge(cartID, otherCartID, 4, "USD", map[string]int64{"shirt": 2, "mug": 1})
	post := func() int {
		return s.client.Do("POST", "/v1/checkouts", `{"cart_id":"`+otherCartID+`"}`).Status
	}
	if status := post(); status != 409 {
		t.Errorf("while it pays: %d", status)
	}
	s.shop.Set(func(n *checkouttest.Neighbours) { n.Outcome = nil })
	s.complete(guest.ID, "old", pay(total)).Want(201)
	if status := post(); status != 503 {
		t.Errorf("before cart has heard of it: %d", status)
	}
	s.shop.TakenOut(cartID, otherCartID, 5, "USD", map[string]int64{"mug": 1})
	if status := post(); status != 201 {
		t.Errorf("afterwards: %d", status)
	}
}

// A cart that nothing was merged into costs no statement more, and one with many costs one.
func TestMergesCount(t *testing.T) {
	t.Parallel()
	s := open(t)
	create := func(cart string) int {
		t.Helper()
		ctx, counter := pg.WithCounter(t.Context())
		if _, _, err := s.app.Create(ctx, checkoutapi.CreateInput{CartID: cart}); err != nil {
			t.Fatal(err)
		}
		return counter.Statements()
	}
	plain := create(cartID)
	s.shop.Merge("1", otherCartID, 4, "USD", map[string]int64{"shirt": 2})
	s.shop.Merge("2", otherCartID, 5, "USD", map[string]int64{"shirt": 2})
	if n := create(otherCartID); n != plain+1 {
		t.Errorf("%d statements after a merge, %d without", n, plain)
	}
}
