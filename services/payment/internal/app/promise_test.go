package app_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/payment/internal/app"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
)

// limited lets one shopper have 2500 open at each of the two.
func limited(t *testing.T) (*world, *app.Manual) {
	w, manual := byHand(t)
	amounts := map[money.Currency]app.Limits{"USD": {To: 1000, Open: 2500}}
	for i := range w.app.Offers {
		w.app.Offers[i].Amounts = amounts
	}
	return w, manual
}

func (w *world) promise(order, provider, customer, email string) (app.Answer, error) {
	m := authorisation(order)
	m.Nonce, m.Provider, m.Country, m.CustomerID, m.Shopper.Email = "", provider, "DE", customer, email
	return w.app.Authorise(w.t.Context(), m)
}

func (w *world) wantPromise(order, provider, customer, email, code string) {
	w.t.Helper()
	a, err := w.promise(order, provider, customer, email)
	if err != nil || a.Outcome.Code != code || (a.Outcome.Result == payment.Succeeded) != (code == "") || code != "" && !a.Outcome.Retryable {
		w.t.Errorf("%s: %+v %v, want %q", order, a.Outcome, err, code)
	}
}

// What is promised and not paid is bounded, by customer and by e-mail; what was paid, or came to nothing, counts no more.
func TestWhatMayBePromised(t *testing.T) {
	t.Parallel()
	w, manual := limited(t)
	w.wantPromise("a", payment.CashOnDelivery, "ada", "ada@example.com", "")
	w.wantPromise("b", payment.CashOnDelivery, "", "ADA@example.com", "")
	w.wantPromise("c", payment.CashOnDelivery, "", "ada@example.com", payment.CodePromises)
	w.wantPromise("c", payment.CashOnDelivery, "", "ada@example.com", payment.CodePromises) // again: the same
	w.wantPromise("d", payment.CashOnDelivery, "ada", "other@example.com", "")
	w.wantPromise("e", payment.CashOnDelivery, "ada", "third@example.com", payment.CodePromises)
	w.wantPromise("f", payment.BankTransfer, "ada", "ada@example.com", "") // is counted by itself
	w.wantPromise("g", payment.CashOnDelivery, "", "", payment.CodePromises)

	w.want(w.move(payment.Capture, "a", "a-c"), payment.Succeeded)
	w.wantPromise("h", payment.CashOnDelivery, "", "ada@example.com", payment.CodePromises) // sent is not paid
	if _, err := manual.Record(t.Context(), "a-1", true, "staff:7", ""); err != nil {
		t.Fatal(err)
	}
	w.wantPromise("i", payment.CashOnDelivery, "", "ada@example.com", "")
	w.want(w.move(payment.Void, "b", "b-v"), payment.Succeeded)
	w.wantPromise("j", payment.CashOnDelivery, "", "ada@example.com", "")
	for _, order := range []string{"k", "l"} {
		w.wantPromise(order, payment.BankTransfer, "", "bob@example.com", "")
	}
	w.wantPromise("m", payment.BankTransfer, "", "bob@example.com", payment.CodePromises)
	if _, err := manual.Record(t.Context(), "k-1", true, "staff:7", ""); err != nil {
		t.Fatal(err)
	}
	w.wantPromise("n", payment.BankTransfer, "", "bob@example.com", "")
	for _, order := range []string{"c", "g", "m"} {
		w.audit(order)
	}
}

// Who promised is forgotten once it is over, and not before: what somebody has approved of is not paid yet.
func TestPromisesThatAreOverAreForgotten(t *testing.T) {
	t.Parallel()
	w, manual := limited(t)
	manual.Risk = w.rules("- {name: much, then: review, when: {amount_above: {USD: 900}}}\n")
	known := func(want int) {
		t.Helper()
		if err := w.store.Prune(t.Context()); err != nil {
			t.Fatal(err)
		}
		var n int
		if err := w.pool.QueryRow(t.Context(), `SELECT count(*) FROM payment_promises`).Scan(&n); err != nil || n != want {
			t.Errorf("%d promises are known, want %d: %v", n, want, err)
		}
	}
	for _, order := range []string{"a", "b"} {
		w.wantPromise(order, payment.CashOnDelivery, "", "ada@example.com", "")
		if _, err := manual.Risk.Decide(t.Context(), order+"-1", true, "staff:7", "known"); err != nil {
			t.Fatal(err)
		}
	}
	w.wantPromise("c", payment.BankTransfer, "", "ada@example.com", "")
	known(3)
	w.wantPromise("d", payment.CashOnDelivery, "", "ada@example.com", payment.CodePromises)
	w.want(w.move(payment.Capture, "a", "a-c"), payment.Succeeded)
	known(3)
	w.wantPromise("e", payment.CashOnDelivery, "", "ada@example.com", payment.CodePromises)
	for _, id := range []string{"a-1", "c-1"} {
		if _, err := manual.Record(t.Context(), id, true, "staff:7", ""); err != nil {
			t.Fatal(err)
		}
	}
	known(1)
	w.wantPromise("f", payment.CashOnDelivery, "", "ada@example.com", "")
	w.wantPromise("g", payment.CashOnDelivery, "", "ada@example.com", payment.CodePromises)
	w.want(w.move(payment.Void, "b", "b-v"), payment.Succeeded)
	known(1)
}

// A gift card that was given beside comes back when the rest is one promise too many, and lessens what is promised.
func TestAPromiseBesideAGiftCard(t *testing.T) {
	t.Parallel()
	w, _ := limited(t)
	code := w.giftCard("g", 600)
	w.wantPromise("a", payment.CashOnDelivery, "", "ada@example.com", "")
	w.wantPromise("b", payment.CashOnDelivery, "", "ada@example.com", "")
	m := authorisation("c")
	m.Nonce, m.Provider, m.Country, m.Shopper.Email, m.GiftCards = "", payment.CashOnDelivery, "DE", "ada@example.com", []string{code}
	if a, err := w.app.Authorise(t.Context(), m); err != nil || a.Outcome.Result != payment.Succeeded {
		t.Errorf("%+v %v", a.Outcome, err)
	}
	w.wantCredit("g", 0, 600)
	other := w.giftCard("g2", 100)
	m.OperationID, m.PaymentID, m.OrderID, m.GiftCards = "d-authorise", "d-1", "d", []string{other}
	if a, err := w.app.Authorise(t.Context(), m); err != nil || a.Outcome.Code != payment.CodePromises {
		t.Errorf("%+v %v", a.Outcome, err)
	}
	w.wantCredit("g2", 100, 0)
	w.audit("d")
}

// Many promises at once, of one e-mail address and of one customer: the limit holds.
func TestManyPromisesAtOnce(t *testing.T) {
	t.Parallel()
	w, _ := limited(t)
	errs := testkit.Race(30, func(i int) error {
		customer, email := "", "ada@example.com"
		if i%2 == 0 {
			customer, email = "ada", fmt.Sprint(i, "@example.com")
		}
		_, err := w.promise(fmt.Sprint("o", i), payment.CashOnDelivery, customer, email)
		return err
	})
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	promised := map[int]int{}
	for i := range 30 {
		if w.payment(fmt.Sprint("o", i)).Status == payment.StatusAuthorised {
			promised[i%2]++
		}
	}
	if promised[0] != 2 || promised[1] != 2 {
		t.Errorf("%v promises of 1000 each were taken, two each may be", promised)
	}

}
