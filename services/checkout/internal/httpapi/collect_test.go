package httpapi_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/auth"
	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/pkg/testkit/apitest"
	"github.com/sidecart/sidecart/services/checkout/checkoutapi"
	"github.com/sidecart/sidecart/services/checkout/internal/checkout"
	"github.com/sidecart/sidecart/services/checkout/internal/checkouttest"
	"github.com/sidecart/sidecart/services/order/orderapi"
)

// covering gives gift cards and customer Ada's store credit their worth, and returns a client of hers.
func (s *session) covering(card, store int64) apitest.Client {
	s.t.Helper()
	if _, err := s.pool.Exec(s.t.Context(), `UPDATE checkouts SET customer_id = 'ada'`); err != nil {
		s.t.Fatal(err)
	}
	token, err := s.signer.Mint(auth.Principal{Subject: "ada", Kind: auth.KindCustomer}, auth.MaxTTL, time.Now())
	if err != nil {
		s.t.Fatal(err)
	}
	s.shop.Set(func(n *checkouttest.Neighbours) {
		n.Credit = map[string]int64{"CARD": card, "ca-rd": card, token: store}
	})
	return s.client.With("Authorization", "Bearer "+token)
}

// Where credit pays for everything nothing is collected, and nothing is charged for collecting it.
func TestNothingIsCollected(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		chosen, store bool
		cards         []string
		card, credit  int64
		tax           int64
		fee           bool
	}{
		"a card that covers it":              {cards: []string{"CARD"}, card: total},
		"not quite":                          {cards: []string{"CARD"}, card: total - 1, fee: true},
		"chosen before":                      {cards: []string{"CARD"}, card: total, chosen: true},
		"chosen before, the fee taxed":       {cards: []string{"CARD"}, card: total + 59, chosen: true, tax: 10},
		"chosen before, not quite":           {cards: []string{"CARD"}, card: total + 58, chosen: true, tax: 10, fee: true},
		"with store credit":                  {cards: []string{"CARD"}, card: total - 99, store: true, credit: 99},
		"store credit that is not asked for": {cards: []string{"CARD"}, card: total - 99, credit: 99, fee: true},
		"store credit alone":                 {store: true, credit: total},
		"a card twice":                       {cards: []string{"CARD", "CARD"}, card: total - 1, chosen: true, fee: true},
		"a card in two writings":             {cards: []string{"CARD", "ca-rd"}, card: total - 1, fee: true},
		"a card that nobody has":             {cards: []string{"NONE"}, card: total, fee: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := costing(t)
			s.shop.Set(func(n *checkouttest.Neighbours) { n.ShippingTax = tc.tax })
			c := s.ready()
			base := total + 599*tc.tax/100
			if tc.chosen {
				s.choose(c.ID, cash)
			}
			client := s.covering(tc.card, tc.credit)
			in, want := inCash(base), base
			in.GiftCards, in.StoreCredit = tc.cards, tc.store
			if tc.fee {
				want = total + cashFee + (599+cashFee)*tc.tax/100
			}
			complete := func(key string, expected int64) *apitest.Answer {
				in.ExpectedTotal = money.New(expected, "USD")
				return client.With("Idempotency-Key", key).Do("POST", "/v1/checkouts/"+c.ID+"/complete", in)
			}
			p := complete("none", 1).Problem(409, "price-changed")
			if actual, _ := p["actual_total"].(map[string]any); actual["amount"] != float64(want) {
				t.Errorf("it costs %v, want %d", p["actual_total"], want)
			}
			complete("k", want).Want(201)
			sent := s.shop.Places()[0]
			if sent.Totals.Total.Minor != want || (sent.Totals.PaymentFee.Minor == cashFee) != tc.fee || (sent.Payment.Provider == cash) != tc.fee {
				t.Errorf("placed %+v %+v", sent.Totals, sent.Payment)
			}
		})
	}
}

// While nobody knows what a card is worth, nothing is placed.
func TestCreditCannotBeAsked(t *testing.T) {
	t.Parallel()
	s := costing(t)
	c := s.ready()
	s.covering(total, 0)
	s.shop.Set(func(n *checkouttest.Neighbours) {
		n.Before = checkouttest.Fail(fault.New(fault.Unavailable, "unavailable", "away"), "payment credit")
	})
	in := inCash(total)
	in.GiftCards = []string{"CARD"}
	s.complete(c.ID, "k", in).Want(503)
	if n := len(s.shop.Places()); n != 0 {
		t.Errorf("%d were placed", n)
	}
	s.fees(0) // where there is no fee, nobody is asked
	s.complete(c.ID, "k", in).Want(201)
}

// Nobody tries codes faster by a completion that would be paid in cash than by one that credit pays.
func TestCodesAreTriedSlowly(t *testing.T) {
	t.Parallel()
	s := costing(t)
	c := s.ready()
	in := inCash(1)
	in.GiftCards = []string{"A", "B", "C"}
	s.shop.Calls()
	for i := range 5 {
		s.complete(c.ID, fmt.Sprint("k", i), in).Problem(409, "price-changed")
	}
	if asked := s.shop.Calls()["payment credit"]; asked != 5 {
		t.Errorf("%d codes were asked for", asked)
	}
	s.complete(c.ID, "k6", in).Problem(429, "rate-limited")
	s.complete(c.ID, "k7", pay(1)).Problem(409, "price-changed")
	s.turnClock(10 * time.Second)
	s.complete(c.ID, "k6", in).Problem(409, "price-changed")
}

// A look at the ways to pay shows no fee of one that is not offered any more, nor one that it has no more.
func TestALookMendsTheFee(t *testing.T) {
	t.Parallel()
	s := costing(t)
	c := s.ready()
	s.choose(c.ID, cash)
	s.fees(400)
	if p := s.choose(c.ID, ""); p.Fee.Minor != 400 || p.Amount.Minor != total+400 || p.Chosen != cash {
		t.Errorf("another fee: %+v", p)
	}
	s.wantFee(c.ID, cash, 400)
	s.patch(c.ID, `{"shipping_address":{"name":"Sample Customer","line1":"1 Main Street","city":"Toronto","region":"ON","postal_code":"M5V 3L9","country":"CA"},"shipping_option_id":"standard"}`)
	p := s.choose(c.ID, "")
	if got := s.get(c.ID); !p.Fee.IsZero() || p.Chosen != "" || p.Amount != got.Totals.Total || got.PaymentProvider != "" || !got.Totals.PaymentFee.IsZero() || got.Totals.Total.Minor != 4500+999 {
		t.Errorf("not offered there: %+v %+v", p, got.Totals)
	}
}

// What is judged is what will be paid, with the tax that the fee has.
func TestTheFeeIsJudgedWithItsTax(t *testing.T) {
	t.Parallel()
	s := costing(t)
	s.shop.Set(func(n *checkouttest.Neighbours) { n.ShippingTax = 10 })
	s.shop.Price("mug", 10000-cashFee-599-59-4000) // with the fee 100.00, with its tax more
	s.shop.Cart(cartID, 4, "USD", map[string]int64{"shirt": 2, "mug": 1})
	c := s.ready()
	p := s.client.Do("POST", "/v1/checkouts/"+c.ID+"/payment-session", `{"payment_provider":"cash_on_delivery"}`).Problem(422, "payment-provider-not-offered")
	if offered, _ := p["offered"].([]any); len(offered) == 0 {
		t.Errorf("%v", p)
	}
	if got := s.get(c.ID); got.PaymentProvider != "" || got.Version != c.Version {
		t.Errorf("it was chosen: %+v", got)
	}
	s.shop.Price("mug", 500)
	s.shop.Cart(cartID, 5, "USD", map[string]int64{"shirt": 2, "mug": 1})
	s.client.Do("POST", "/v1/checkouts", `{"cart_id":"`+cartID+`"}`).Want(200)
	if p := s.choose(c.ID, cash); p.Amount.Minor != total+cashFee+89 {
		t.Errorf("%+v", p)
	}
}

// An attempt that nobody works on is taken up with its total: not by a means that has another fee.
func TestTakenUpByAnotherMeans(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ first, other, same checkoutapi.CompleteInput }{
		"cash, then a card": {inCash(total + cashFee), pay(total + cashFee), inCash(total + cashFee)},
		"a card, then cash": {pay(total), inCash(total), pay(total)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := costing(t)
			c := s.ready()
			if tc.first.Provider != "" {
				s.choose(c.ID, cash)
			}
			silent := checkouttest.Fail(testkit.ErrAfter, "order place")
			s.shop.Set(func(n *checkouttest.Neighbours) { n.Before = silent })
			s.complete(c.ID, "lost", tc.first).Want(202)
			s.turnClock(checkout.StuckAfter)
			s.shop.Set(func(n *checkouttest.Neighbours) { n.Before = nil })
			p := s.complete(c.ID, "other", tc.other).Problem(409, "payment-fee-differs")
			if fee, _ := p["payment_fee"].(map[string]any); tc.first.Provider != "" && fee["amount"] != float64(cashFee) {
				t.Errorf("%v", p)
			}
			s.complete(c.ID, "same", tc.same).Want(201)
			s.complete(c.ID, "lost", tc.first).Want(201)
			sent := s.shop.Places()
			if len(sent) != 1 || (sent[0].Totals.PaymentFee.Minor == cashFee) != (sent[0].Payment.Provider == cash) {
				t.Errorf("placed %+v", sent)
			}
		})
	}
}

// A process that knows neither fee nor channel yet has quoted beside one that does: nobody goes without the fee by that, nor without his prices.
func TestQuotedByAnOlderProcess(t *testing.T) {
	t.Parallel()
	s := costing(t)
	c := s.ready()
	older := func(sql string) {
		t.Helper()
		if _, err := s.pool.Exec(t.Context(), `UPDATE checkouts SET version = version + 1, `+sql); err != nil {
			t.Fatal(err)
		}
	}
	older(`payment_provider = 'cash_on_delivery', payment_fee = 300`)
	s.complete(c.ID, "a", inCash(total)).Problem(409, "price-changed")
	s.wantFee(c.ID, cash, cashFee)
	older(`channel = 'phone'`)
	p := s.complete(c.ID, "b", inCash(total+cashFee)).Problem(409, "price-changed")
	if actual, _ := p["actual_total"].(map[string]any); actual["amount"] != float64(total+cashFee-3*100) {
		t.Errorf("in its channel it costs %v", p["actual_total"])
	}
	s.complete(c.ID, "c", inCash(total+cashFee-3*100)).Want(201)
}

// An attempt that credit was to pay for stays one, whoever asks for it again and whatever the credit is worth by then: nobody pays in cash
// without the fee by spending a card twice, and nobody is left with an attempt that he cannot end.
func TestCoveredStaysCovered(t *testing.T) {
	t.Parallel()
	for name, again := range map[string]string{"the same key": "lost", "another key": "new"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := costing(t)
			c := s.ready()
			s.choose(c.ID, cash)
			s.covering(total, 0)
			in := inCash(total)
			in.GiftCards = []string{"CARD"}
			s.shop.Set(func(n *checkouttest.Neighbours) { n.Before = checkouttest.Fail(testkit.ErrAfter, "order place") })
			s.shop.Calls()
			s.complete(c.ID, "lost", in).Want(202)
			s.wantCalls("complete", map[string]int{"payment": 1, "payment credit": 1, "pricing": 1, "order place": 1})
			s.turnClock(checkout.StuckAfter)
			s.covering(99, 0) // spent elsewhere
			s.shop.Set(func(n *checkouttest.Neighbours) {
				n.Before = nil
				n.Outcome = func(req orderapi.PlaceRequest) orderapi.PlaceResult {
					if req.Payment.Provider == "" && len(req.Payment.GiftCards) == 1 {
						return orderapi.PlaceResult{Outcome: orderapi.OutcomeDeclined, DeclineCode: "credit-insufficient", Retryable: true}
					}
					return orderapi.PlaceResult{Outcome: orderapi.OutcomeConfirmed}
				}
			})
			_, second := s.replica()
			s.client = second
			s.complete(c.ID, again, in).Problem(402, "payment-declined")
			s.complete(c.ID, "next", in).Problem(409, "price-changed") // what is left costs the fee
			in.ExpectedTotal = money.New(total+cashFee, "USD")
			s.complete(c.ID, "next", in).Want(201)
			places := s.shop.Places()
			if len(places) != 2 || places[0].Payment.Provider != "" || places[1].Payment.Provider != cash || places[1].Totals.PaymentFee.Minor != cashFee {
				t.Errorf("placed %+v", places)
			}
		})
	}
}

// An attempt to pay in cash stays one too, though credit would pay for all of it by now.
func TestTakenUpAsItBegan(t *testing.T) {
	t.Parallel()
	s := costing(t)
	c := s.ready()
	s.choose(c.ID, cash)
	s.covering(99, 0)
	in := inCash(total + cashFee)
	in.GiftCards = []string{"CARD"}
	s.shop.Set(func(n *checkouttest.Neighbours) { n.Before = checkouttest.Fail(testkit.ErrAfter, "order place") })
	s.complete(c.ID, "lost", in).Want(202)
	s.turnClock(checkout.StuckAfter)
	s.covering(total, 0)
	s.shop.Set(func(n *checkouttest.Neighbours) { n.Before = nil })
	s.complete(c.ID, "new", in).Want(201)
	if sent := s.shop.Places()[0]; sent.Payment.Provider != cash || sent.Totals.PaymentFee.Minor != cashFee {
		t.Errorf("placed %+v %+v", sent.Totals, sent.Payment)
	}
}

// Where credit is to pay for a part, and cash costs nothing, cash it is whoever asks.
func TestCashWithoutAFeeStaysCash(t *testing.T) {
	t.Parallel()
	s := open(t) // no fee
	c := s.ready()
	s.covering(99, 0)
	in := inCash(total)
	in.GiftCards = []string{"CARD"}
	s.shop.Set(func(n *checkouttest.Neighbours) { n.Before = checkouttest.Fail(testkit.ErrAfter, "order place") })
	s.complete(c.ID, "lost", in).Want(202)
	s.shop.Set(func(n *checkouttest.Neighbours) { n.Before = nil })
	s.complete(c.ID, "lost", in).Want(201)
	if sent := s.shop.Places()[0]; sent.Payment.Provider != cash {
		t.Errorf("placed %+v", sent.Payment)
	}
}
