package httpapi_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/pkg/testkit/apitest"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
	"github.com/sidecart/sidecart/services/checkout/internal/app"
	"github.com/sidecart/sidecart/services/checkout/internal/checkouttest"
	"github.com/sidecart/sidecart/services/order/orderapi"
)

const (
	cashFee = 300
	cash    = "cash_on_delivery"
)

// costing opens a shop where cash on delivery has a fee.
func costing(t *testing.T) *session {
	t.Helper()
	s := open(t)
	s.fees(cashFee)
	return s
}

func (s *session) fees(minor int64) {
	s.shop.Set(func(n *checkouttest.Neighbours) { n.Cash = minor })
}

func (s *session) choose(id, provider string) (p checkoutapi.PaymentSession) {
	s.t.Helper()
	s.client.Do("POST", "/v1/checkouts/"+id+"/payment-session", checkoutapi.PaymentSessionInput{Provider: provider}).Want(200).JSON(&p)
	return p
}

func inCash(minor int64) checkoutapi.CompleteInput {
	return checkoutapi.CompleteInput{Provider: cash, ExpectedTotal: money.New(minor, "USD")}
}

// wantFee checks what a checkout costs, and that its fee is a part of shipping.
func (s *session) wantFee(id, provider string, fee int64) (c checkoutapi.Checkout) {
	s.t.Helper()
	c = s.get(id)
	if c.PaymentProvider != provider || c.Totals.PaymentFee.Minor != fee || c.Totals.Shipping.Minor != 599+fee || c.Totals.Total.Minor != total+fee {
		s.t.Errorf("want %q for %d: %+v, %q", provider, fee, c.Totals, c.PaymentProvider)
	}
	return c
}

// What cash on delivery costs is told when it is chosen, and is in the total that is completed. Choosing it again changes nothing.
func TestTheFeeIsKnownBefore(t *testing.T) {
	t.Parallel()
	s := costing(t)
	c := s.ready()
	s.shop.Calls()
	first := s.choose(c.ID, "")
	s.wantCalls("a look", map[string]int{"payment": 1})
	if n := len(first.Providers); first.Amount.Minor != total || !first.Fee.IsZero() || first.Chosen != "" || first.Providers[n-1].Provider != cash || first.Providers[n-1].Fee != money.New(cashFee, "USD") {
		t.Errorf("before the choice %+v", first)
	}
	s.wantFee(c.ID, "", 0)
	chosen := s.choose(c.ID, cash)
	s.wantCalls("the choice", map[string]int{"payment": 1, "pricing": 1})
	if chosen.Amount.Minor != total+cashFee || chosen.Fee.Minor != cashFee || chosen.Chosen != cash || chosen.ClientToken == "" {
		t.Errorf("chosen %+v", chosen)
	}
	version := s.wantFee(c.ID, cash, cashFee).Version
	for _, provider := range []string{cash, ""} {
		if again := s.choose(c.ID, provider); again.Amount != chosen.Amount || again.Chosen != cash || s.get(c.ID).Version != version {
			t.Errorf("%q again %+v", provider, again)
		}
		s.wantCalls("again", map[string]int{"payment": 1})
	}
	s.complete(c.ID, "k", inCash(total)).Problem(409, "price-changed")
	s.shop.Calls()
	var o orderapi.Order
	s.complete(c.ID, "k", inCash(total+cashFee)).Want(201).JSON(&o)
	s.wantCalls("complete", map[string]int{"payment": 1, "order place": 1})
	sent := s.shop.Places()[0]
	if sent.Totals.PaymentFee.Minor != cashFee || sent.Totals.Total.Minor != total+cashFee || sent.Payment.Provider != cash || sent.ShippingOption.Price.Minor != 599 {
		t.Errorf("placed %+v", sent)
	}
	s.complete(c.ID, "k", inCash(total+cashFee)).Want(201)
	s.client.Do("POST", "/v1/checkouts/"+c.ID+"/payment-session", `{"payment_provider":"braintree"}`).Problem(409, "checkout-completed")
}

// Nobody pays a fee that he did not expect, nor saves one: what is completed with is what counts.
func TestTheFeeIsThatOfTheMeans(t *testing.T) {
	t.Parallel()
	s := costing(t)
	c := s.ready()
	p := s.complete(c.ID, "a", inCash(total)).Problem(409, "price-changed")
	if actual, _ := p["actual_total"].(map[string]any); actual["amount"] != float64(total+cashFee) {
		t.Errorf("not chosen before: %v", p)
	}
	s.wantFee(c.ID, cash, cashFee)
	s.complete(c.ID, "b", pay(total+cashFee)).Problem(409, "price-changed") // by card there is none
	s.wantFee(c.ID, "", 0)
	s.choose(c.ID, cash)
	s.choose(c.ID, "braintree")
	s.wantFee(c.ID, "braintree", 0)
	s.choose(c.ID, cash)
	s.fees(400)
	s.complete(c.ID, "c", inCash(total+cashFee)).Problem(409, "price-changed") // it has another one now
	s.wantFee(c.ID, cash, 400)
	s.shop.Set(func(n *checkouttest.Neighbours) {
		n.Outcome = checkouttest.Always(orderapi.PlaceResult{Outcome: orderapi.OutcomeDeclined, Retryable: true})
	})
	s.complete(c.ID, "d", inCash(total+400)).Problem(402, "payment-declined")
	s.shop.Set(func(n *checkouttest.Neighbours) { n.Outcome = nil })
	s.complete(c.ID, "e", pay(total)).Want(201) // who expects the card's total needs no session
	places := s.shop.Places()
	if len(places) != 2 || places[0].Totals.PaymentFee.Minor != 400 || places[1].Totals.PaymentFee != (money.Amount{}) || places[1].Totals.Total.Minor != total {
		t.Errorf("placed %+v", places)
	}
}

// A fee stays whatever the goods, the way or the cart become, and whatever makes shipping free; before there is a way there is none to pay.
func TestTheFeeStays(t *testing.T) {
	t.Parallel()
	s := costing(t)
	rates, err := app.ParseRates([]byte(tables))
	if err != nil {
		t.Fatal(err)
	}
	s.app.Rates = rates
	c := s.create()
	if p := s.choose(c.ID, cash); p.Amount.Minor != 4500 || !p.Fee.IsZero() || p.Chosen != cash {
		t.Errorf("nowhere to go: %+v", p)
	}
	free := s.patch(c.ID, `{"shipping_address":`+address+`,"shipping_option_id":"post"}`)
	if free.Totals.Shipping.Minor != cashFee || free.Totals.PaymentFee.Minor != cashFee || free.Totals.Total.Minor != 4500+cashFee || free.ShippingOption.Price.Minor != 0 {
		t.Errorf("free: %+v", free.Totals)
	}
	far := s.patch(c.ID, `{"shipping_address":`+strings.Replace(address, `"62701"`, `"60601"`, 1)+`}`)
	if far.Totals.Shipping.Minor != 600+cashFee || far.Totals.PaymentFee.Minor != cashFee {
		t.Errorf("far: %+v", far.Totals)
	}
	s.shop.Cart(cartID, 4, "USD", map[string]int64{"shirt": 1})
	var less checkoutapi.Checkout
	s.client.Do("POST", "/v1/checkouts", `{"cart_id":"`+cartID+`"}`).Want(200).JSON(&less)
	if less.PaymentProvider != cash || less.Totals.PaymentFee.Minor != cashFee || less.Totals.Total.Minor != 2000+600+cashFee {
		t.Errorf("less: %+v", less.Totals)
	}
}

// Where there is nothing to pay, no way to pay costs anything.
func TestNothingToPayFor(t *testing.T) {
	t.Parallel()
	s := costing(t)
	rates, err := app.ParseRates([]byte("version: 1\nzones: [{id: us, countries: [US], services: [{id: post, carrier: post, service: ground, label: Post, days: [1, 3], prices: {USD: \"0\"}}]}]"))
	if err != nil {
		t.Fatal(err)
	}
	s.app.Rates = rates
	c := s.patch(s.create().ID, `{"shipping_address":`+address+`,"shipping_option_id":"post"}`)
	s.choose(c.ID, cash)
	s.shop.Price("shirt", 0)
	s.shop.Cart(cartID, 4, "USD", map[string]int64{"shirt": 1})
	s.client.Do("POST", "/v1/checkouts", `{"cart_id":"`+cartID+`"}`).Want(200).JSON(&c)
	if c.Totals.Total.Minor != cashFee {
		t.Errorf("until it is asked again %+v", c.Totals)
	}
	if p := s.choose(c.ID, cash); !p.Amount.IsZero() || !p.Fee.IsZero() {
		t.Errorf("%+v", p)
	}
	s.complete(c.ID, "k", inCash(0)).Want(201)
}

func TestProvidersThatCannotBeChosen(t *testing.T) {
	t.Parallel()
	s := costing(t)
	c := s.ready()
	path := "/v1/checkouts/" + c.ID + "/payment-session"
	for body, at := range map[string]string{`{"payment_provider":"cheque"}`: "body.payment_provider", `{"payment_provider":7}`: "body.payment_provider", `{"provider":"braintree"}`: "body.provider"} {
		if diff := cmp.Diff([]string{at}, apitest.Locations(s.client.Do("POST", path, body).Problem(422, "validation-failed"))); diff != "" {
			t.Errorf("%s: %s", body, diff)
		}
	}
	p := s.client.Do("POST", path, `{"payment_provider":"bank_transfer"}`).Problem(422, "payment-provider-not-offered")
	if offered, _ := p["offered"].([]any); len(offered) != 2 {
		t.Errorf("offered %v", p["offered"])
	}
	s.choose(c.ID, cash)
	s.shop.Cart(cartID, 4, "USD", map[string]int64{"shirt": 5}) // more than cash is taken for
	s.client.Do("POST", "/v1/checkouts", `{"cart_id":"`+cartID+`"}`).Want(200)
	s.client.Do("POST", path, `{"payment_provider":"cash_on_delivery"}`).Problem(422, "payment-provider-not-offered")
	s.shop.Set(func(n *checkouttest.Neighbours) {
		n.Outcome = checkouttest.Always(orderapi.PlaceResult{Outcome: orderapi.OutcomeDeclined, DeclineCode: "payment-provider-not-offered", Retryable: true})
	})
	if p := s.complete(c.ID, "k", inCash(5*2000+599+cashFee)).Problem(402, "payment-declined"); p["decline_code"] != "payment-provider-not-offered" {
		t.Errorf("%v", p)
	}
}

// While payment cannot be asked nothing is placed, chosen or lost.
func TestTheFeeCannotBeAsked(t *testing.T) {
	t.Parallel()
	s := costing(t)
	c := s.ready()
	away := func(call string) { // nobody, when it is ""
		s.shop.Set(func(n *checkouttest.Neighbours) {
			n.Before = checkouttest.Fail(fault.New(fault.Unavailable, "unavailable", "away"), call)
		})
	}
	path := "/v1/checkouts/" + c.ID + "/payment-session"
	for _, neighbour := range []string{"payment", "pricing"} {
		away(neighbour)
		s.client.Do("POST", path, `{"payment_provider":"cash_on_delivery"}`).Want(503)
		s.complete(c.ID, "k", inCash(total)).Want(503)
		s.wantFee(c.ID, "", 0)
	}
	away("")
	s.choose(c.ID, cash)
	away("payment")
	s.complete(c.ID, "k", inCash(total+cashFee)).Want(503)
	s.complete(c.ID, "card", pay(total+cashFee)).Problem(409, "price-changed") // it asks nobody what a card costs
	away("")
	s.complete(c.ID, "k", inCash(total+cashFee)).Want(201)
	if places := s.shop.Places(); len(places) != 1 || places[0].Totals.PaymentFee.Minor != cashFee {
		t.Errorf("placed %+v", places)
	}
}

// Whoever chooses last has chosen, and what it costs is that of what was chosen.
func TestChoicesAtOnce(t *testing.T) {
	t.Parallel()
	s := costing(t)
	c := s.ready()
	_, second := s.replica()
	var wg sync.WaitGroup
	for i := range 12 {
		client, provider := s.client, cash
		if i%2 == 1 {
			client = second
		}
		if i%3 == 0 {
			provider = "braintree"
		}
		wg.Go(func() {
			a := client.Do("POST", "/v1/checkouts/"+c.ID+"/payment-session", checkoutapi.PaymentSessionInput{Provider: provider})
			var p checkoutapi.PaymentSession
			switch a.Status {
			case 200:
				a.JSON(&p)
				if p.Chosen != provider || (p.Fee.Minor == cashFee) != (provider == cash) || p.Amount.Minor != total+p.Fee.Minor {
					t.Errorf("%s: %+v", provider, p)
				}
			case 503: // too many others
			default:
				t.Errorf("%d %s", a.Status, a.Body)
			}
		})
	}
	wg.Wait()
	if got := s.get(c.ID); got.PaymentProvider == cash {
		s.wantFee(c.ID, cash, cashFee)
	} else {
		s.wantFee(c.ID, "braintree", 0)
	}
}

// An edited order pays what it paid, beside whatever its way costs then.
func TestRepriceKeepsTheFee(t *testing.T) {
	t.Parallel()
	s := open(t)
	const kept = `"payment_fee":{"amount":300,"currency":"USD"},"kept":[{"id":"l1","sku":"shirt","quantity":2,"unit_price":{"amount":1500,"currency":"USD"}}],"same_goods":`
	for more, shipping := range map[string]int64{`true`: 400, `true,"new_option_id":"express"`: 1499} {
		got := reprice(t, s, sold+kept+more+`}`)
		if got.Totals.PaymentFee.Minor != 300 || got.Totals.Shipping.Minor != shipping+300 || got.Totals.Total.Minor != 3000+shipping+300 || got.Option.Price.Minor != shipping {
			t.Errorf("%s: %+v", more, got.Totals)
		}
	}
}
