package httpapi_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/pkg/testkit/apitest"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
	"github.com/sidecart/sidecart/services/checkout/internal/app"
	"github.com/sidecart/sidecart/services/checkout/internal/checkouttest"
	"github.com/sidecart/sidecart/services/order/orderapi"
)

func TestAgainIsTheSameAtThePresentVersion(t *testing.T) {
	t.Parallel()
	s := open(t)
	first := s.ready()
	s.shop.Calls()
	again := func(want map[string]int) (c checkoutapi.Checkout) {
		t.Helper()
		s.client.Do("POST", "/v1/checkouts", `{"cart_id":"`+cartID+`"}`).Want(200).JSON(&c)
		if got := s.shop.Calls(); !maps.Equal(got, want) {
			t.Errorf("asked %v, want %v", got, want)
		}
		return c
	}
	if c := again(map[string]int{"cart": 1}); c.ID != first.ID || c.Version != first.Version || c.Email != first.Email {
		t.Errorf("nothing had changed: %+v", c)
	}
	s.shop.Cart(cartID, 4, "USD", map[string]int64{"shirt": 8})
	s.shop.Stock("shirt", 8) // its own hold of two does not stand in its way
	c := again(map[string]int{"cart": 1, "pricing": 1, "inventory PUT": 1})
	if c.ID != first.ID || c.CartVersion != 4 || c.Totals.Total.Minor != 8*2000+599 || len(c.Lines) != 1 || c.ShippingOption == nil {
		t.Errorf("at the present version: %+v", c)
	}
	if held := s.shop.Holds(cartID); held["shirt"] != 8 || held["mug"] != 0 {
		t.Errorf("holds %v", held)
	}
	s.shop.Cart(cartID, 5, "USD", map[string]int64{"shirt": 9})
	p := s.client.Do("POST", "/v1/checkouts", `{"cart_id":"`+cartID+`"}`).Problem(409, "out-of-stock")
	if lines, _ := p["lines"].([]any); len(lines) != 1 || lines[0].(map[string]any)["available"] != 8.0 {
		t.Errorf("lines %v", p["lines"])
	}
	if c := s.get(first.ID); c.CartVersion != 4 || s.shop.Holds(cartID)["shirt"] != 8 {
		t.Errorf("a refusal changed it: %+v", c)
	}
	s.turnClock(14 * time.Minute) // the holds end soon, and are renewed by coming again
	s.shop.Cart(cartID, 4, "USD", map[string]int64{"shirt": 8})
	s.shop.Calls()
	if c := again(map[string]int{"cart": 1, "inventory PUT": 1}); !c.Hold.ExpiresAt.Equal(s.now().Add(15 * time.Minute)) {
		t.Errorf("hold %+v", c.Hold)
	}
}

func TestCreateRefuses(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.shop.Stock("mug", 0)
	s.client.Do("POST", "/v1/checkouts", `{"cart_id":"`+cartID+`"}`).Problem(409, "out-of-stock")
	if len(s.shop.Holds(cartID)) != 0 {
		t.Error("something is held")
	}
	s.client.Do("POST", "/v1/checkouts", `{"cart_id":"`+otherCartID+`"}`).Problem(404, "cart-not-found")
	s.shop.Cart(otherCartID, 1, "USD", nil)
	s.client.Do("POST", "/v1/checkouts", `{"cart_id":"`+otherCartID+`"}`).Problem(422, "cart-empty")
	s.shop.Cart(otherCartID, 1, "USD", map[string]int64{"ghost": 1})
	s.client.Do("POST", "/v1/checkouts", `{"cart_id":"`+otherCartID+`"}`).Problem(422, "not-sellable")
	s.shop.Ordered(cartID)
	s.client.Do("POST", "/v1/checkouts", `{"cart_id":"`+cartID+`"}`).Problem(410, "cart-completed")
	var n int
	if err := s.pool.QueryRow(t.Context(), `SELECT count(*) FROM checkouts`).Scan(&n); err != nil || n != 0 {
		t.Errorf("%d were made (%v)", n, err)
	}
}

// Twenty at once, with and without keys: one checkout.
func TestCreateAtOnce(t *testing.T) {
	t.Parallel()
	s := open(t)
	ids := make([]string, 20)
	var wg sync.WaitGroup
	for i := range ids {
		client := s.client
		if i%2 == 0 {
			client = client.With("Idempotency-Key", "k")
		}
		wg.Go(func() {
			var c checkoutapi.Checkout
			a := client.Do("POST", "/v1/checkouts", `{"cart_id":"`+cartID+`"}`)
			if a.Status != 201 && a.Status != 200 {
				t.Errorf("%d %s", a.Status, a.Body)
				return
			}
			a.JSON(&c)
			ids[i] = c.ID
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Fatalf("several checkouts: %v", ids)
		}
	}
	a := s.client.With("Idempotency-Key", "k").Do("POST", "/v1/checkouts", `{"cart_id":"`+cartID+`"}`)
	if a.Header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("%d %v", a.Status, a.Header)
	}
	s.client.With("Idempotency-Key", "k").Do("POST", "/v1/checkouts", `{"cart_id":"`+cartID+`","email":"a@b.de"}`).Problem(422, "idempotency-key-reused")
}

func TestIfMatch(t *testing.T) {
	t.Parallel()
	s := open(t)
	a := s.client.Do("POST", "/v1/checkouts", `{"cart_id":"`+cartID+`"}`).Want(201)
	var c checkoutapi.Checkout
	a.JSON(&c)
	tag := a.Header.Get("ETag")
	path := "/v1/checkouts/" + c.ID
	s.client.With("If-Match", tag).Do("PATCH", path, `{"note":"one"}`).Want(200)
	s.client.With("If-Match", tag).Do("PATCH", path, `{"note":"two"}`).Problem(412, "version-conflict")
	s.client.With("If-Match", tag).Do("DELETE", path, nil).Problem(412, "version-conflict")
	s.client.With("If-Match", "nonsense").Do("PATCH", path, `{"note":"two"}`).Problem(400, "malformed")
	if s.get(c.ID).Note != "one" {
		t.Error("a stale change was made")
	}
	var wg sync.WaitGroup
	for range 10 { // without If-Match all ten are made, one after the other
		wg.Go(func() { s.client.Do("PATCH", path, `{"note":"ten"}`).Want(200) })
	}
	wg.Wait()
	if got := s.get(c.ID); got.Version != 12 {
		t.Errorf("version %d after eleven changes", got.Version)
	}
}

// Two replicas change a checkout in turn: what each remembers of it is out of date, and neither loses nor refuses anything for that.
func TestChangesInTurn(t *testing.T) {
	t.Parallel()
	s := open(t)
	c := s.ready()
	_, second := s.replica()
	path := "/v1/checkouts/" + c.ID
	at := func(version int64) string { return fmt.Sprintf(`"v%d"`, version) }
	second.Do("PATCH", path, `{"email":"second@example.com"}`).Want(200)
	s.client.With("If-Match", at(c.Version)).Do("PATCH", path, `{"note":"stale"}`).Problem(412, "version-conflict")
	second.Do("PATCH", path, `{"shipping_option_id":"express"}`).Want(200)
	s.client.With("If-Match", at(c.Version+2)).Do("PATCH", path, `{"note":"first"}`).Want(200).JSON(&c)
	if c.Email != "second@example.com" || c.ShippingOption == nil || c.ShippingOption.ID != "express" || c.Note != "first" {
		t.Errorf("%+v", c)
	}
	second.Do("DELETE", path, nil).Want(204)
	s.client.Do("PATCH", path, `{"note":"too late"}`).Problem(410, "checkout-cancelled")
	s.client.Do("PATCH", "/v1/checkouts/"+strings.Repeat("0", 32), `{"note":"nobody's"}`).Problem(404, "checkout-not-found")
}

// A change of address asks for one quote where tax or shipping may be another, and for none otherwise.
func TestAddressDecidesTheQuote(t *testing.T) {
	t.Parallel()
	s := open(t)
	c := s.ready()
	s.shop.Calls()
	s.patch(c.ID, `{"shipping_address":`+strings.Replace(address, "1 Main", "2 Main", 1)+`,"billing_address":`+address+`,"email":"other@example.com"}`)
	if calls := s.shop.Calls(); len(calls) != 0 {
		t.Errorf("the next house asked %v", calls)
	}
	got := s.patch(c.ID, `{"shipping_address":{"name":"S","line1":"1","city":"Tokyo","region":"Tokyo","postal_code":"100-0001","country":"JP"}}`)
	if calls := s.shop.Calls(); calls["pricing"] != 1 || got.Totals.Shipping.Minor != 499 || got.ShippingOption.ID != "standard" {
		t.Errorf("abroad asked %v: %+v", calls, got)
	}
	s.client.Do("PATCH", "/v1/checkouts/"+c.ID, `{"shipping_option_id":"rocket"}`).Problem(422, "validation-failed")
	s.shop.Cart(otherCartID, 1, "KWD", map[string]int64{"mug": 1})
	var other checkoutapi.Checkout
	s.client.Do("POST", "/v1/checkouts", `{"cart_id":"`+otherCartID+`"}`).Want(201).JSON(&other)
	p := s.client.Do("PATCH", "/v1/checkouts/"+other.ID, `{"shipping_address":`+address+`}`).Problem(422, "validation-failed")
	if got := apitest.Locations(p); !cmp.Equal(got, []string{"body.shipping_address.country"}) {
		t.Errorf("%v", got)
	}
	s.client.Do("GET", "/v1/checkouts/"+other.ID+"/shipping-options", nil).Problem(422, "checkout-incomplete")
	s.client.Do("PATCH", "/v1/checkouts/"+other.ID, `{"shipping_option_id":"standard"}`).Problem(422, "checkout-incomplete")
}

func TestIncomplete(t *testing.T) {
	t.Parallel()
	s := open(t)
	var c checkoutapi.Checkout
	s.client.Do("POST", "/v1/checkouts", `{"cart_id":"`+cartID+`"}`).Want(201).JSON(&c)
	p := s.complete(c.ID, "k", checkoutapi.CompleteInput{ExpectedTotal: money.New(4500, "USD")}).Problem(422, "checkout-incomplete")
	if diff := cmp.Diff([]any{"email", "shipping_address", "shipping_option", "payment_method"}, p["missing"]); diff != "" {
		t.Error(diff)
	}
	s.patch(c.ID, `{"email":"customer@example.com","shipping_address":`+address+`,"shipping_option_id":"standard"}`)
	s.complete(c.ID, "k", pay(total)).Want(201) // a refusal left the key free, for another body too
}

func TestPriceChanged(t *testing.T) {
	t.Parallel()
	s := open(t)
	c := s.ready()
	p := s.complete(c.ID, "a", pay(total-1)).Problem(409, "price-changed")
	if p["actual_total"].(map[string]any)["amount"] != float64(total) || p["expected_total"].(map[string]any)["amount"] != float64(total-1) {
		t.Errorf("%v", p)
	}
	s.shop.Price("mug", 600)
	s.complete(c.ID, "b", checkoutapi.CompleteInput{Nonce: "n", ExpectedTotal: money.New(total, "EUR")}).Problem(409, "price-changed")
	s.turnClock(16 * time.Minute) // the quote has run out: now the new price counts
	s.shop.Calls()
	s.complete(c.ID, "c", pay(total)).Problem(409, "price-changed")
	if calls := s.shop.Calls(); calls["pricing"] != 1 || calls["inventory PUT"] != 0 || calls["order place"] != 0 {
		t.Errorf("asked %v", calls)
	}
	if got := s.get(c.ID); got.Totals.Total.Minor != total+100 {
		t.Errorf("the shopper sees %v", got.Totals.Total)
	}
	s.complete(c.ID, "d", pay(total+100)).Want(201)
	if calls := s.shop.Calls(); !maps.Equal(calls, map[string]int{"inventory PUT": 1, "order place": 1}) {
		t.Errorf("asked %v", calls)
	}
}

func TestFreeOrder(t *testing.T) {
	t.Parallel()
	s := open(t)
	rates, err := app.ParseRates([]byte(`{version: 1, zones: [{id: all, countries: ["*"], services: [{id: standard, carrier: post, label: Free, days: [1, 2], prices: {USD: "0"}}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	s.app.Rates = rates
	s.shop.Price("mug", 0)
	s.shop.Cart(cartID, 1, "USD", map[string]int64{"mug": 1})
	c := s.ready()
	s.complete(c.ID, "k", checkoutapi.CompleteInput{ExpectedTotal: money.Zero("USD")}).Want(201)
}

func TestTooManyAttempts(t *testing.T) {
	t.Parallel()
	s := open(t)
	c := s.ready()
	s.shop.Set(func(n *checkouttest.Neighbours) {
		n.Outcome = checkouttest.Always(orderapi.PlaceResult{Outcome: orderapi.OutcomeDeclined})
	})
	for _, key := range []string{"1", "2", "3", "4", "5"} {
		s.complete(c.ID, key, pay(total)).Problem(402, "payment-declined")
	}
	if a := s.complete(c.ID, "6", pay(total)); a.Problem(429, "rate-limited") != nil && a.Header.Get("Retry-After") != "10" {
		t.Errorf("%v", a.Header)
	}
	s.complete(c.ID, "5", pay(total)).Problem(402, "payment-declined") // a repeat is no attempt
	s.turnClock(10 * time.Second)
	s.complete(c.ID, "6", pay(total)).Problem(402, "payment-declined")
}

// The database is asked as often as the README says.
func TestStatements(t *testing.T) {
	t.Parallel()
	s := open(t)
	count := func(want int, what string, fn func(client apitest.Client)) {
		t.Helper()
		counted, counter := pg.WithCounter(t.Context())
		c := s.client
		c.T = counting{TB: t, ctx: counted}
		fn(c)
		if n := counter.Statements(); n != want {
			t.Errorf("%s: %d statements, want %d", what, n, want)
		}
	}
	var c checkoutapi.Checkout
	count(2, "create", func(client apitest.Client) {
		client.Do("POST", "/v1/checkouts", `{"cart_id":"`+cartID+`","email":"a@b.de"}`).Want(201).JSON(&c)
	})
	path := "/v1/checkouts/" + c.ID
	count(1, "address", func(client apitest.Client) {
		client.Do("PATCH", path, `{"shipping_address":`+address+`}`).Want(200)
	})
	count(1, "options", func(client apitest.Client) { client.Do("GET", path+"/shipping-options", nil).Want(200) })
	count(1, "option", func(client apitest.Client) {
		client.Do("PATCH", path, `{"shipping_option_id":"standard"}`).Want(200)
	})
	count(1, "payment session", func(client apitest.Client) { client.Do("POST", path+"/payment-session", nil).Want(200) })
	count(3, "complete", func(client apitest.Client) {
		client.With("Idempotency-Key", "k").Do("POST", path+"/complete", pay(total)).Want(201)
	})
	count(1, "replay", func(client apitest.Client) {
		client.With("Idempotency-Key", "k").Do("POST", path+"/complete", pay(total)).Want(201)
	})
	counted, counter := pg.WithCounter(t.Context())
	if err := s.app.Follow(counted, app.Placed(c.ID, "SC-000001", 1)); err != nil || counter.Statements() != 0 {
		t.Errorf("an event after the fact: %d statements (%v)", counter.Statements(), err)
	}
}

// Order tells that it was placed while complete still waits for the capture: the answer does what there is to do.
func TestEventDuringComplete(t *testing.T) {
	t.Parallel()
	s := open(t)
	c := s.ready()
	var counter *pg.Counter
	told := make(chan error, 1)
	s.shop.Set(func(n *checkouttest.Neighbours) {
		n.After = func(call string) error {
			if call == "order place" {
				var counted context.Context
				counted, counter = pg.WithCounter(context.Background())
				go func() { told <- s.app.Follow(counted, app.Placed(c.ID, "SC-000001", 1)) }()
				<-time.After(50 * time.Millisecond) // time enough to do what it should not
			}
			return nil
		}
	})
	s.complete(c.ID, "k", pay(total)).Want(201)
	if err := <-told; err != nil || counter.Statements() != 0 {
		t.Errorf("the event: %d statements (%v)", counter.Statements(), err)
	}
}

// counting is a test whose requests are counted.
type counting struct {
	testing.TB
	ctx context.Context
}

func (c counting) Context() context.Context { return c.ctx }
