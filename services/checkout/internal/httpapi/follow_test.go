package httpapi_test

import (
	"testing"

	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
	"github.com/sidecart/sidecart/services/checkout/internal/app"
	"github.com/sidecart/sidecart/services/checkout/internal/checkouttest"
	"github.com/sidecart/sidecart/services/order/orderapi"
)

// Whoever waited died: order's event completes the checkout, and its reader learns the order's capability.
func TestEventsFinish(t *testing.T) {
	t.Parallel()
	s := open(t)
	c := s.ready()
	s.shop.Set(func(n *checkouttest.Neighbours) { n.After = func(string) error { return testkit.ErrAfter } })
	s.complete(c.ID, "k", pay(total)).Want(202)
	s.shop.Set(func(n *checkouttest.Neighbours) { n.After = nil })
	for range 2 {
		if err := s.app.Follow(t.Context(), app.Placed(c.ID, "SC-000001", 1)); err != nil {
			t.Fatal(err)
		}
	}
	late := app.Failed(orderapi.AttemptFailedV1{CheckoutID: c.ID, Attempt: 1, Outcome: "declined"})
	if err := s.app.Follow(t.Context(), late); err != nil {
		t.Fatal(err)
	}
	if err := s.app.Follow(t.Context(), app.Placed("nobody", "SC-000002", 1)); err != nil {
		t.Errorf("a tale of a checkout that is not ours: %v", err)
	}
	if c = s.get(c.ID); c.Status != "completed" || c.Order.AccessToken != "the-access-token" {
		t.Errorf("%+v", c)
	}
	s.shop.Calls()
	if s.get(c.ID); len(s.shop.Calls()) != 0 {
		t.Error("the token is asked for again")
	}
	if len(s.shop.Places()) != 1 {
		t.Error("reading placed another order")
	}
}

func TestEventReopens(t *testing.T) {
	t.Parallel()
	s := open(t)
	c := s.ready()
	s.shop.Set(func(n *checkouttest.Neighbours) {
		n.Outcome = checkouttest.Always(orderapi.PlaceResult{Outcome: orderapi.OutcomePending})
	})
	s.complete(c.ID, "k", pay(total)).Want(202)
	for attempt, want := range map[int]string{0: "completing", 2: "completing"} {
		if err := s.app.Follow(t.Context(), app.Failed(orderapi.AttemptFailedV1{CheckoutID: c.ID, Attempt: attempt})); err != nil || s.get(c.ID).Status != want {
			t.Errorf("a tale of attempt %d made it %s (%v)", attempt, s.get(c.ID).Status, err)
		}
	}
	told := orderapi.AttemptFailedV1{CheckoutID: c.ID, Attempt: 1, Outcome: orderapi.OutcomeDeclined, DeclineCode: "2010", Retryable: true}
	if err := s.app.Follow(t.Context(), app.Failed(told)); err != nil || s.get(c.ID).Status != "open" {
		t.Errorf("it is %s (%v)", s.get(c.ID).Status, err)
	}
	why := checkoutapi.FailedAttempt{Outcome: "declined", DeclineCode: "2010", Retryable: true}
	for step, f := range map[string]*checkoutapi.FailedAttempt{"reading": s.get(c.ID).FailedAttempt, "changing": s.patch(c.ID, `{"note":"x"}`).FailedAttempt} {
		if f == nil || *f != why {
			t.Errorf("%s, nobody learns why it failed: %+v", step, f)
		}
	}
	s.shop.Set(func(n *checkouttest.Neighbours) {
		n.Outcome = checkouttest.Always(orderapi.PlaceResult{Outcome: orderapi.OutcomeDeclined})
	})
	for range 2 { // the key's own attempt, not another one
		s.complete(c.ID, "k", pay(total)).Problem(402, "payment-declined")
	}
	if len(s.shop.Places()) != 1 {
		t.Error("the repeat was another attempt")
	}
	s.shop.Set(func(n *checkouttest.Neighbours) {
		n.Outcome = checkouttest.Always(orderapi.PlaceResult{Outcome: orderapi.OutcomePending})
	})
	s.complete(c.ID, "another", pay(total)).Want(202)
	if f := s.get(c.ID).FailedAttempt; f != nil {
		t.Errorf("another attempt has begun, and this is told of the one before: %+v", f)
	}
}

// Who heard the answer to complete and who did not are told the same.
func TestWhyAnAttemptFailed(t *testing.T) {
	t.Parallel()
	s := open(t)
	c := s.ready()
	if c.FailedAttempt != nil {
		t.Errorf("%+v", c.FailedAttempt)
	}
	s.shop.Set(func(n *checkouttest.Neighbours) {
		n.Outcome = checkouttest.Always(orderapi.PlaceResult{Outcome: orderapi.OutcomeDeclined, DeclineCode: "2001"})
	})
	s.complete(c.ID, "k", pay(total)).Problem(402, "payment-declined")
	if f := s.get(c.ID).FailedAttempt; f == nil || *f != (checkoutapi.FailedAttempt{Outcome: "declined", DeclineCode: "2001"}) {
		t.Errorf("%+v", f)
	}
	s.shop.Set(func(n *checkouttest.Neighbours) { n.Outcome = nil })
	s.complete(c.ID, "k2", pay(total)).Want(201)
	if got := s.get(c.ID); got.FailedAttempt != nil || got.Status != checkoutapi.StatusCompleted {
		t.Errorf("%+v", got)
	}
}
