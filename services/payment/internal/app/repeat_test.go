package app_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/payment/internal/app"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
	"github.com/sidecart/sidecart/services/payment/internal/paymenttest"
)

// more is the command to charge the means of the first payment of an order once more.
func more(order string, minor int64) app.Authorisation {
	return app.Authorisation{OperationID: order + "-more", PaymentID: order + "-1000000", OrderID: order, Attempt: payment.FirstRepeat, Amount: usd(minor), Like: order + "-1"}
}

func (w *world) more(order string, minor int64) app.Answer {
	w.t.Helper()
	a, err := w.app.Authorise(w.t.Context(), more(order, minor))
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

// stormMore asks for more, once or twice, and returns the payment that this makes.
func (w *world) stormMore(rng *rand.Rand, order string) string {
	w.t.Helper()
	for range 1 + rng.IntN(2) {
		w.more(order, 300)
		w.clock.Add(time.Duration(rng.IntN(20)) * time.Second)
	}
	return order + "-1000000"
}

func (w *world) wantNot(a app.Answer, code string) {
	w.t.Helper()
	if a.Outcome.Result != payment.DeclinedIt || a.Outcome.Code != code {
		w.t.Errorf("%s is %+v, want %s", a.ID, a.Outcome, code)
	}
}

// The means of a captured payment are charged once more by a payment of its own, which stands beside it: neither is superseded, each goes back by itself.
func TestMoreIsCharged(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.authorise("o")
	w.wantNot(w.more("o", 300), payment.CodeNotRepeatable) // nothing was captured yet
	w.move(payment.Capture, "o", "c")
	m := more("o", 300)
	m.OperationID, m.PaymentID, m.Attempt = "o-more-2", "o-1000001", payment.FirstRepeat+1
	for i := range 2 {
		a, err := w.app.Authorise(t.Context(), m)
		if err != nil || a.Outcome.Result != payment.Succeeded || a.Replayed != (i == 1) || a.Outcome.Amount != usd(300) {
			t.Fatalf("%+v %v", a, err)
		}
	}
	if err := w.app.Supersede(t.Context(), ""); err != nil || w.standing("o-1") != payment.StatusCaptured || w.standing("o-1000001") != payment.StatusAuthorised {
		t.Errorf("%v; the first is %s, the other %s", err, w.standing("o-1"), w.standing("o-1000001"))
	}
	w.want(w.do(app.Movement{Kind: payment.Capture, OperationID: "c-2", PaymentID: "o-1000001"}), payment.Succeeded)
	w.gateway.Settle()
	w.want(w.do(app.Movement{Kind: payment.Refund, OperationID: "r", PaymentID: "o-1000001"}), payment.Succeeded)
	all, err := w.store.ByOrder(t.Context(), "o")
	if err != nil || len(all) != 3 || all[0].Status != payment.StatusCaptured || all[1].Status != payment.StatusDeclined || all[2].Status != payment.StatusRefunded || all[2].Like != "o-1" {
		t.Fatalf("%+v %v", all, err)
	}
	for _, p := range all {
		w.auditPayment(p)
	}
	m.Like = "o-2" // the same operation for something else
	if _, err := w.app.Authorise(t.Context(), m); fault.CodeOf(err) != app.ErrReused.Code {
		t.Errorf("%v", err)
	}
}

// A payment that was made by a method in the vault is made again by its token, as long as the customer has it.
func TestMoreIsChargedToAMethodInTheVault(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.keep("c-1", "tok-1", false)
	m := authorisation("o")
	m.Nonce, m.MethodID, m.CustomerID = "", "tok-1", "c-1"
	if a, err := w.app.Authorise(t.Context(), m); err != nil || a.Outcome.Result != payment.Succeeded {
		t.Fatalf("%+v %v", a, err)
	}
	w.move(payment.Capture, "o", "c")
	try := func(n int, customer string) app.Answer {
		t.Helper()
		m := more("o", 300)
		m.OperationID, m.PaymentID, m.Attempt, m.CustomerID = fmt.Sprint("o-more-", n), fmt.Sprint("o-", payment.FirstRepeat+n), payment.FirstRepeat+n, customer
		a, err := w.app.Authorise(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	w.want(try(1, "c-1"), payment.Succeeded)
	if books := w.gateway.Books(); len(books) != 2 || books[1].Token != "tok-1" || books[1].Reference != "o-1000001" {
		t.Errorf("%+v", books)
	}
	w.wantNot(try(2, "c-2"), payment.CodeNotRepeatable)
	w.wantNot(try(3, ""), payment.CodeNotRepeatable)
	if err := w.vault.Drop(t.Context(), "c-1", "tok-1"); err != nil {
		t.Fatal(err)
	}
	w.wantNot(try(4, "c-1"), app.CodeMethod)
}

// The gateway may keep what a guest paid by, and then clones nothing: it is charged by the token. Nobody's method is charged by a guest otherwise.
func TestMoreIsChargedToAGuestWhoseMethodTheGatewayKeeps(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.keep("c-1", "tok-1", false)
	w.authorise("o")
	w.move(payment.Capture, "o", "c")
	w.gateway.Change(func(tx *payment.Transaction) { tx.Token = "tok-1" })
	w.want(w.more("o", 300), payment.Succeeded)
	if books := w.gateway.Books(); len(books) != 2 || books[1].Token != "tok-1" || books[1].Reference != "o-1000000" {
		t.Errorf("%+v", books)
	}
	m := authorisation("p")
	m.Nonce, m.MethodID = "", "tok-1"
	if a, err := w.app.Authorise(t.Context(), m); err != nil || a.Outcome.Code != app.CodeMethod {
		t.Errorf("%+v %v", a, err)
	}
}

// What cannot be charged once more is declined, and the gateway hears of none of it.
func TestWhatCannotBeChargedOnceMore(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.app.Offers = app.Offers{{Provider: payment.CashOnDelivery, Amounts: map[money.Currency]app.Limits{"USD": {}}},
		{Provider: app.Provider, Amounts: map[money.Currency]app.Limits{"USD": {To: 1200}}}}
	w.want(w.pay("credit", "", w.giftCard("g", 1000)), payment.Succeeded)
	m := authorisation("cash")
	m.Nonce, m.Provider = "", payment.CashOnDelivery
	if a, err := w.app.Authorise(t.Context(), m); err != nil || a.Outcome.Result != payment.Succeeded {
		t.Fatalf("%+v %v", a, err)
	}
	w.authorise("dear")
	w.authorise("returned")
	for _, order := range []string{"credit", "cash", "dear", "returned"} {
		w.want(w.move(payment.Capture, order, order+"-c"), payment.Succeeded)
	}
	w.want(w.move(payment.Void, "returned", "v"), payment.Succeeded)
	sent := w.gateway.Sends("Authorise")
	for _, order := range []string{"credit", "cash", "dear", "returned", "nobody"} {
		w.wantNot(w.more(order, 201), payment.CodeNotRepeatable)
	}
	m = more("dear", 200)
	m.PaymentID, m.OperationID, m.Attempt = "dear-1000001", "dear-more-2", payment.FirstRepeat+1
	if n := w.gateway.Sends("Authorise"); n != sent {
		t.Errorf("the gateway was asked %d times", n-sent)
	}
	if a, err := w.app.Authorise(t.Context(), m); err != nil || a.Outcome.Result != payment.Succeeded { // what all of it comes to is offered
		t.Errorf("%+v %v", a, err)
	}
	m.PaymentID, m.OperationID, m.Attempt, m.Like = "dear-1000002", "dear-more-3", payment.FirstRepeat+2, "dear-1000001"
	if a, err := w.app.Authorise(t.Context(), m); err != nil || a.Outcome.Code != payment.CodeNotRepeatable { // a clone of a clone could not be told from its brother
		t.Errorf("%+v %v", a, err)
	}
}

func TestFaultsOfAskingForMore(t *testing.T) {
	t.Parallel()
	w := open(t)
	for name, change := range map[string]func(m *app.Authorisation){
		"a nonce beside it":     func(m *app.Authorisation) { m.Nonce = paymenttest.NonceValid },
		"a method beside it":    func(m *app.Authorisation) { m.MethodID = "tok" },
		"a provider beside it":  func(m *app.Authorisation) { m.Provider = payment.BankTransfer },
		"gift cards beside it":  func(m *app.Authorisation) { m.GiftCards = []string{"A"} },
		"an ordinary attempt":   func(m *app.Authorisation) { m.Attempt, m.PaymentID = 2, "o-2" },
		"an attempt of its own": func(m *app.Authorisation) { m.Like, m.Nonce = "", paymenttest.NonceValid },
		"what is no id":         func(m *app.Authorisation) { m.Like = "a b" },
	} {
		m := more("o", 300)
		change(&m)
		if _, err := w.app.Authorise(t.Context(), m); fault.CodeOf(err) != "validation-failed" {
			t.Errorf("%s: %v", name, err)
		}
	}
	m := more("o", 300)
	m.Like = "4111111111111111"
	if _, err := w.app.Authorise(t.Context(), m); fault.CodeOf(err) != "card-number-refused" {
		t.Errorf("a card number: %v", err)
	}
}

// The bank may say no, and what would wait for staff is rejected: who edits an order waits for the answer.
func TestMoreIsDeclined(t *testing.T) {
	t.Parallel()
	w := open(t)
	for _, order := range []string{"o", "p"} {
		w.authorise(order)
		w.move(payment.Capture, order, order+"-c")
	}
	w.gateway.Decline(true)
	w.wantNot(w.more("o", 300), "2000")
	w.gateway.Decline(false)
	w.rules(reviewAll)
	w.wantNot(w.more("p", 300), payment.CodeRisk)
	for _, order := range []string{"o", "p"} {
		all, err := w.store.ByOrder(t.Context(), order)
		if err != nil || len(all) != 2 {
			t.Fatalf("%+v %v", all, err)
		}
		for _, p := range all {
			w.auditPayment(p)
		}
	}
}

// A lost answer is looked up, also where the gateway keeps the clone among its origin's.
func TestALostAnswerToMoreIsLookedUp(t *testing.T) {
	t.Parallel()
	for f, want := range map[fate]payment.Status{lostAfter: payment.StatusAuthorised, lostBefore: payment.StatusFailed, notSent: payment.StatusFailed, late: payment.StatusFailed} {
		t.Run(string(f), func(t *testing.T) {
			t.Parallel()
			w := open(t)
			w.authorise("o")
			w.move(payment.Capture, "o", "c")
			w.gateway.always(f)
			w.more("o", 300)
			w.gateway.always(fine)
			w.sweep(2 * time.Minute)
			if s := w.standing("o-1000000"); s != want {
				t.Errorf("it is %s", s)
			}
			w.gateway.arrive()
			w.sweep(6 * time.Minute)
			w.sweep(time.Second)
			all, err := w.store.ByOrder(t.Context(), "o")
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range all {
				w.auditPayment(p)
			}
		})
	}
}
