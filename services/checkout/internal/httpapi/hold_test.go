package httpapi_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
	"github.com/sidecart/sidecart/services/checkout/internal/app"
	"github.com/sidecart/sidecart/services/checkout/internal/checkout"
	"github.com/sidecart/sidecart/services/checkout/internal/checkouttest"
	"github.com/sidecart/sidecart/services/inventory/inventoryapi"
)

// A reading and a change renew silently what has run out, once, and warn when it is gone; complete refuses then.
func TestHoldsAreRenewed(t *testing.T) {
	t.Parallel()
	s := open(t)
	c := s.ready()
	expires := s.get(c.ID).ExpiresAt
	s.turnClock(15 * time.Minute)
	s.shop.LoseHolds()
	s.shop.Calls()
	for range 2 {
		got := s.get(c.ID)
		if got.Hold.Status != "held" || !got.Hold.ExpiresAt.Equal(s.now().Add(15*time.Minute)) || got.Warnings != nil || got.Version != c.Version+1 || !got.ExpiresAt.Equal(expires) {
			t.Errorf("%+v", got)
		}
	}
	if calls := s.shop.Calls(); calls["inventory PUT"] != 1 || s.shop.Holds(cartID)["shirt"] != 2 {
		t.Errorf("asked %v", calls)
	}

	s.turnClock(15 * time.Minute)
	s.shop.LoseHolds()
	s.shop.Stock("mug", 0)
	s.shop.Stock("shirt", 1)
	gone := []checkoutapi.Warning{{Type: "out-of-stock", SKU: "shirt", Requested: 2, Available: 1}, {Type: "out-of-stock", SKU: "mug", Requested: 1}}
	for range 2 {
		if err := s.app.FollowCart(t.Context(), cartID, checkout.Event{Name: checkout.HoldsExpired, At: s.now()}); err != nil {
			t.Fatal(err)
		}
		if got := s.get(c.ID); got.Hold.Status != "expired" || got.Status != "open" || !cmp.Equal(got.Warnings, gone) {
			t.Errorf("%+v", got)
		}
	}
	if got := s.patch(c.ID, `{"note":"still there?"}`); got.Hold.Status != "expired" || !cmp.Equal(got.Warnings, gone) || got.Note == "" {
		t.Errorf("%+v", got)
	}
	fresh := s.patch(c.ID, `{"shipping_address":`+address+`}`) // the quote ran out as well
	p := s.complete(c.ID, "a", pay(total)).Problem(409, "hold-expired")
	if lines, _ := p["lines"].([]any); len(lines) != 2 {
		t.Errorf("%v", p)
	}

	s.shop.Stock("mug", 1)
	s.shop.Stock("shirt", 2)
	if got := s.patch(c.ID, `{"note":"it is back"}`); got.Hold.Status != "held" || got.Warnings != nil || got.Version != fresh.Version+2 {
		t.Errorf("%+v", got)
	}
	s.complete(c.ID, "a", pay(total)).Want(201)
}

// Complete renews by itself when nobody has looked.
func TestCompleteRenewsHolds(t *testing.T) {
	t.Parallel()
	s := open(t)
	c := s.ready()
	s.turnClock(14 * time.Minute)
	s.shop.LoseHolds()
	s.shop.Stock("mug", 0)
	s.complete(c.ID, "a", pay(total)).Problem(409, "hold-expired")
	s.shop.Stock("mug", 1)
	s.complete(c.ID, "a", pay(total)).Want(201)
}

// Whoever only looks keeps stock no longer than the checkout lives.
func TestLookingKeepsNoCheckoutAlive(t *testing.T) {
	t.Parallel()
	s := open(t)
	c := s.ready()
	for range 4 {
		s.turnClock(15 * time.Minute)
		s.get(c.ID)
	}
	s.shop.Calls()
	if got := s.get(c.ID); len(s.shop.Calls()) != 0 || got.Hold.Status != "expired" {
		t.Errorf("past its time it holds: %+v", got.Hold)
	}
	if err := s.app.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := s.get(c.ID); got.Status != "expired" {
		t.Errorf("%+v", got)
	}
}

// That inventory is away, lies or limits the customer refuses nobody a look.
func TestRenewalGoesWrong(t *testing.T) {
	t.Parallel()
	limit := fault.New(fault.Conflict, "quantity-limit", "No more for one.").With("lines", []inventoryapi.OverLimit{{SKU: "shirt", Limit: 3, Had: 2, Requested: 2}})
	strange := fault.New(fault.Conflict, "out-of-stock", "Who knows.").With("lines", "many")
	for name, tc := range map[string]struct {
		before, after error
		want          []checkoutapi.Warning
	}{
		"away": {before: testkit.ErrBefore}, "silent": {after: testkit.ErrAfter}, "strange": {before: strange},
		"limited": {before: limit, want: []checkoutapi.Warning{{Type: "quantity-limit", SKU: "shirt", Requested: 2, Available: 1}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			c := s.ready()
			s.turnClock(15 * time.Minute)
			s.shop.Set(func(n *checkouttest.Neighbours) {
				n.Before = func(string) error { return tc.before }
				n.After = func(string) error { return tc.after }
			})
			if got := s.get(c.ID); got.Hold.Status != "expired" || !cmp.Equal(got.Warnings, tc.want) || got.Version != c.Version {
				t.Errorf("%+v", got)
			}
			s.shop.Set(func(n *checkouttest.Neighbours) { n.Before, n.After = nil, nil })
			if got := s.get(c.ID); got.Hold.Status != "held" || got.Warnings != nil {
				t.Errorf("afterwards %+v", got)
			}
		})
	}
}

// While a reader renews, another tab changes the cart or gives the checkout up: what is held in the end is what the checkout is then.
func TestRenewalMeetsAnotherTab(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		meanwhile func(s *session, id string)
		shirts    int64
		status    string
	}{
		"changes the cart": {func(s *session, _ string) {
			s.shop.Cart(cartID, 9, "USD", map[string]int64{"shirt": 1})
			s.client.Do("POST", "/v1/checkouts", `{"cart_id":"`+cartID+`"}`).Want(200)
		}, 1, "open"},
		"gives it up":   {func(s *session, id string) { s.client.Do("DELETE", "/v1/checkouts/"+id, nil).Want(204) }, 0, "cancelled"},
		"buys it":       {func(s *session, id string) { s.complete(id, "k", pay(total)).Want(201) }, 0, "completed"},
		"writes a note": {func(s *session, id string) { s.patch(id, `{"note":"x"}`) }, 2, "open"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			c := s.ready()
			s.turnClock(15 * time.Minute)
			s.shop.LoseHolds()
			first := true
			s.shop.Set(func(n *checkouttest.Neighbours) {
				n.After = func(call string) error {
					if call == "inventory PUT" && first { // the reader's: its answer is late
						first = false
						tc.meanwhile(s, c.ID)
						s.shop.Hold(cartID, map[string]int64{"shirt": 2, "mug": 1}, s.now().Add(15*time.Minute)) // and it comes last
					}
					return nil
				}
			})
			got := s.get(c.ID)
			if held := s.shop.Holds(cartID); got.Status != tc.status || held["shirt"] != tc.shirts || got.Warnings != nil {
				t.Errorf("%+v holds %v", got, held)
			}
			if again := s.get(c.ID); again.Version != got.Version || s.shop.Holds(cartID)["shirt"] != tc.shirts {
				t.Errorf("%+v", again)
			}
		})
	}
}

// A reading costs one statement while its holds last, and two when they are renewed.
func TestReadingCounts(t *testing.T) {
	t.Parallel()
	s := open(t)
	c := s.ready()
	read := func(want int) {
		t.Helper()
		ctx, counter := pg.WithCounter(t.Context())
		if _, err := s.app.Read(ctx, c.ID); err != nil || counter.Statements() != want {
			t.Errorf("%d statements, %v", counter.Statements(), err)
		}
	}
	read(1)
	s.turnClock(app.DefaultHoldTTL)
	read(2)
	read(1)
}
