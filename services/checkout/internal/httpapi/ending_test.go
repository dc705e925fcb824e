package httpapi_test

import (
	"errors"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/checkout/internal/app"
	"github.com/sidecart/sidecart/services/checkout/internal/checkouttest"
	"github.com/sidecart/sidecart/services/order/orderapi"
)

func TestCancelReleases(t *testing.T) {
	t.Parallel()
	s := open(t)
	c := s.ready()
	path := "/v1/checkouts/" + c.ID
	s.client.Do("DELETE", path, nil).Want(204)
	if len(s.shop.Holds(cartID)) != 0 || len(s.shop.Abandoned()) != 0 {
		t.Errorf("holds %v, abandoned %v", s.shop.Holds(cartID), s.shop.Abandoned())
	}
	if got := s.get(c.ID); got.Status != "cancelled" || got.Hold.Status != "released" {
		t.Errorf("%+v", got)
	}
	s.client.Do("DELETE", path, nil).Want(204)
	s.client.Do("PATCH", path, `{"note":"x"}`).Problem(410, "checkout-cancelled")
	s.complete(c.ID, "k", pay(total)).Problem(410, "checkout-cancelled")
	if next := s.create(); next.ID == c.ID {
		t.Error("a cancelled checkout came back")
	}
}

// What cannot be cleaned up at once is cleaned up by the sweep; the holds of the cart's next checkout stay.
func TestCleanUpIsCaughtUp(t *testing.T) {
	t.Parallel()
	s := open(t)
	c := s.ready()
	s.shop.Set(func(n *checkouttest.Neighbours) {
		n.Outcome = checkouttest.Always(orderapi.PlaceResult{Outcome: orderapi.OutcomeDeclined})
		n.Before = checkouttest.Fail(testkit.ErrBefore, "inventory DELETE", "order abandon")
	})
	s.complete(c.ID, "k", pay(total)).Problem(402, "payment-declined")
	s.client.Do("DELETE", "/v1/checkouts/"+c.ID, nil).Want(204)
	next := s.create()
	s.turnClock(11 * time.Second)
	if err := s.app.Sweep(t.Context()); !errors.Is(err, testkit.ErrBefore) {
		t.Fatalf("the sweep says %v", err)
	}
	s.shop.Set(func(n *checkouttest.Neighbours) { n.Before = nil })
	for range 2 {
		if err := s.app.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if ended := s.shop.Abandoned(); len(ended) != 1 || s.shop.Holds(cartID)["shirt"] != 2 || s.get(next.ID).Hold.Status != "held" {
		t.Errorf("abandoned %v, holds %v", ended, s.shop.Holds(cartID))
	}
}

func TestExpiry(t *testing.T) {
	t.Parallel()
	s := open(t)
	c := s.ready()
	s.turnClock(time.Hour)
	s.client.Do("PATCH", "/v1/checkouts/"+c.ID, `{"note":"x"}`).Problem(410, "checkout-expired")
	s.complete(c.ID, "k", pay(total)).Problem(410, "checkout-expired")
	errs := testkit.Race(4, func(int) error { return s.app.Sweep(t.Context()) })
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if got := s.get(c.ID); got.Status != "expired" || got.Hold.Status != "released" {
		t.Errorf("%+v", got)
	}
	var n int
	if err := s.pool.QueryRow(t.Context(), `SELECT count(*) FROM outbox WHERE type = 'checkout.expired.v1' AND subject = $1`, c.ID).Scan(&n); err != nil || n != 1 {
		t.Errorf("told %d times (%v)", n, err)
	}
}

// An expired one that nobody has swept does not stand in the way of a new one.
func TestNewAfterExpiry(t *testing.T) {
	t.Parallel()
	s := open(t)
	old := s.ready()
	s.turnClock(2 * time.Hour)
	c := s.create()
	if c.ID == old.ID || s.get(old.ID).Status != "expired" {
		t.Errorf("%s after %s", c.ID, old.ID)
	}
	s.turnClock(time.Minute)
	if err := s.app.Sweep(t.Context()); err != nil || s.shop.Holds(cartID)["shirt"] != 2 {
		t.Errorf("holds %v (%v)", s.shop.Holds(cartID), err)
	}
}

// An attempt that nobody asks for any more, and whose event was lost, was placed nevertheless: order says so when it is to end it.
func TestPlacedUnheard(t *testing.T) {
	t.Parallel()
	s := open(t)
	c := s.ready()
	s.shop.Set(func(n *checkouttest.Neighbours) { n.After = func(string) error { return testkit.ErrAfter } })
	s.complete(c.ID, "k", pay(total)).Want(202)
	s.shop.Set(func(n *checkouttest.Neighbours) { n.After = nil })
	s.turnClock(time.Hour)
	if err := s.app.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := s.get(c.ID); got.Status != "completed" || got.Order == nil || got.Order.Number != "SC-000001" || got.Order.AccessToken != "the-access-token" {
		t.Errorf("%s %+v", got.Status, got.Order)
	}
	s.complete(c.ID, "k", pay(total)).Want(201)
}

// While order does not know how an attempt ends, its expired checkout is asked about again.
func TestEndingWaitsForOrder(t *testing.T) {
	t.Parallel()
	s := open(t)
	c := s.ready()
	s.shop.Set(func(n *checkouttest.Neighbours) {
		n.Outcome = checkouttest.Always(orderapi.PlaceResult{Outcome: orderapi.OutcomePending})
	})
	s.complete(c.ID, "k", pay(total)).Want(202)
	for range 3 {
		s.turnClock(time.Hour)
		if err := s.app.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.get(c.ID); got.Status != "expired" || len(s.shop.Abandoned()) < 3 {
		t.Errorf("%s, asked %d times", got.Status, len(s.shop.Abandoned()))
	}
}

// An attempt that nobody asks for any more and that order never got ends with its session; should its order be placed later, the
// event still wins.
func TestStuckAttemptEnds(t *testing.T) {
	t.Parallel()
	s := open(t)
	c := s.ready()
	s.shop.Set(func(n *checkouttest.Neighbours) { n.Before = func(string) error { return testkit.ErrAfter } })
	s.complete(c.ID, "k", pay(total)).Want(202)
	s.shop.Set(func(n *checkouttest.Neighbours) { n.Before = nil })
	s.turnClock(time.Hour)
	if err := s.app.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := s.get(c.ID); got.Status != "expired" || len(s.shop.Abandoned()) != 1 {
		t.Errorf("%s, abandoned %v", got.Status, s.shop.Abandoned())
	}
	s.complete(c.ID, "k", pay(total)).Problem(410, "checkout-expired")
	if err := s.app.Follow(t.Context(), app.Placed(c.ID, "SC-000001", 1)); err != nil {
		t.Fatal(err)
	}
	if got := s.get(c.ID); got.Status != "completed" || got.Order == nil || got.Order.AccessToken == "" {
		t.Errorf("%+v", got)
	}
}
