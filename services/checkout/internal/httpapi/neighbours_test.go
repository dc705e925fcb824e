package httpapi_test

import (
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/pkg/testkit/apitest"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
	"github.com/sidecart/sidecart/services/checkout/internal/checkouttest"
	"github.com/sidecart/sidecart/services/inventory/inventoryapi"
	"github.com/sidecart/sidecart/services/order/orderapi"
)

// Failed attempts that may be repeated leave the key free; those that may not are kept.
func TestFailedAttempts(t *testing.T) {
	t.Parallel()
	s := open(t)
	c := s.ready()
	retryable := true
	s.shop.Set(func(n *checkouttest.Neighbours) {
		n.Outcome = func(req orderapi.PlaceRequest) orderapi.PlaceResult {
			return orderapi.PlaceResult{Outcome: orderapi.OutcomeFailed, Retryable: retryable, Message: "No way."}
		}
	})
	s.complete(c.ID, "k", pay(total)).Problem(503, "unavailable")
	s.shop.Set(func(*checkouttest.Neighbours) { retryable = false })
	for range 2 {
		if p := s.complete(c.ID, "k", pay(total)).Problem(409, "order-refused"); p["detail"] != "No way." {
			t.Errorf("%v", p)
		}
	}
	if sent := s.shop.Places(); len(sent) != 2 || sent[1].Attempt != 2 {
		t.Errorf("%d attempts", len(sent))
	}
}

// Each neighbour away, hanging or lying, at each step: the answer is a problem, nothing is lost, and the repeat succeeds.
func TestNeighboursFail(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"cart", "pricing", "inventory PUT", "payment"} {
		for _, lie := range []bool{false, true} {
			t.Run(call, func(t *testing.T) {
				t.Parallel()
				s := open(t)
				broken := true
				fail := func(err error) func(string) error {
					return func(asked string) error {
						if broken && asked == call {
							return err
						}
						return nil
					}
				}
				s.shop.Set(func(n *checkouttest.Neighbours) {
					if lie {
						n.After = fail(testkit.ErrAfter)
					} else {
						n.Before = fail(testkit.ErrBefore)
					}
				})
				twice := func(want int, method, path, body string) *apitest.Answer {
					t.Helper()
					a := s.client.Do(method, path, body)
					if a.Status == 503 || a.Status == 504 {
						s.shop.Set(func(*checkouttest.Neighbours) { broken = false })
						a = s.client.Do(method, path, body)
						s.shop.Set(func(*checkouttest.Neighbours) { broken = true })
					}
					return a.Want(want)
				}
				var c checkoutapi.Checkout
				twice(201, "POST", "/v1/checkouts", `{"cart_id":"`+cartID+`","email":"customer@example.com"}`).JSON(&c)
				path := "/v1/checkouts/" + c.ID
				twice(200, "PATCH", path, `{"shipping_address":`+address+`,"shipping_option_id":"standard"}`)
				twice(200, "POST", path+"/payment-session", ``)
				s.turnClock(16 * time.Minute)
				a := s.complete(c.ID, "k", pay(total))
				if a.Status == 503 || a.Status == 504 {
					s.shop.Set(func(*checkouttest.Neighbours) { broken = false })
					a = s.complete(c.ID, "k", pay(total))
				}
				a.Want(201)
				if len(s.shop.Places()) != 1 {
					t.Errorf("%d orders", len(s.shop.Places()))
				}
			})
		}
	}
}

func TestUnknownOutcomeWords(t *testing.T) {
	t.Parallel()
	s := open(t)
	c := s.ready()
	s.shop.Set(func(n *checkouttest.Neighbours) {
		n.Outcome = func(orderapi.PlaceRequest) orderapi.PlaceResult { return orderapi.PlaceResult{Outcome: "eaten"} }
	})
	s.complete(c.ID, "k", pay(total)).Want(202) // nobody knows: it is not open for another charge
	s.complete(c.ID, "l", pay(total)).Problem(409, "request-in-progress")
	s.shop.Set(func(n *checkouttest.Neighbours) {
		n.Before = func(string) error { return fault.New(fault.Internal, "internal", "A bug.") }
	})
	s.complete(c.ID, "k", pay(total)).Want(202)
}

// What inventory refuses a shopper with reaches him: what one customer may have, and that too many want the same.
func TestRefusedHoldsAreTold(t *testing.T) {
	t.Parallel()
	s := open(t)
	refuse := func(err error) {
		s.shop.Set(func(n *checkouttest.Neighbours) { n.Before = checkouttest.Fail(err, "inventory PUT") })
	}
	body := `{"cart_id":"` + cartID + `","email":"Customer@Example.com"}`
	refuse(fault.New(fault.Conflict, "quantity-limit", "One customer may not have so many of it.").With("lines", []inventoryapi.OverLimit{{SKU: "shirt", Limit: 1, Requested: 2}}))
	var limited struct{ Lines []inventoryapi.OverLimit }
	s.client.Do("POST", "/v1/checkouts", body).Problem(409, "quantity-limit")
	s.client.Do("POST", "/v1/checkouts", body).JSON(&limited)
	if len(limited.Lines) != 1 || limited.Lines[0].Limit != 1 {
		t.Errorf("lines %+v", limited.Lines)
	}
	refuse(fault.New(fault.Unavailable, "waiting-room", "More people want this than can be served at once.").WithRetryAfter(3 * time.Second))
	a := s.client.Do("POST", "/v1/checkouts", body)
	a.Problem(503, "waiting-room")
	if a.Header.Get("Retry-After") != "3" {
		t.Errorf("Retry-After %q", a.Header.Get("Retry-After"))
	}
	refuse(nil)
	s.client.Do("POST", "/v1/checkouts", body).Want(201)
}
