package app_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/sidecart/sidecart/services/payment/internal/payment"
	"github.com/sidecart/sidecart/services/payment/internal/paymenttest"
)

// tryAgain is a later attempt of an order.
func (w *world) tryAgain(order string, attempt int) payment.Result {
	w.t.Helper()
	m := authorisation(order)
	m.Attempt, m.PaymentID, m.OperationID = attempt, fmt.Sprintf("%s-%d", order, attempt), fmt.Sprintf("%s-authorise-%d", order, attempt)
	a, err := w.app.Authorise(w.t.Context(), m)
	if err != nil {
		w.t.Fatal(err)
	}
	return a.Outcome.Result
}

func (w *world) standing(id string) payment.Status {
	w.t.Helper()
	p, err := w.store.Payment(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return p.Status
}

// A later attempt that is authorised voids the earlier one at once, and gives its gift card back; one that is declined does not.
func TestASupersededAttemptIsVoided(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.want(w.pay("o", paymenttest.NonceValid, w.giftCard("g", 400)), payment.Succeeded)
	m := authorisation("o")
	m.Attempt, m.PaymentID, m.OperationID, m.Nonce = 2, "o-2", "o-authorise-2", paymenttest.NonceDeclined
	if a, err := w.app.Authorise(t.Context(), m); err != nil || a.Outcome.Result != payment.DeclinedIt || w.standing("o-1") != payment.StatusAuthorised {
		t.Fatalf("%+v %v", a, err)
	}
	w.authorise("p")
	if r := w.tryAgain("o", 3); r != payment.Succeeded || w.standing("o-1") != payment.StatusVoided || w.standing("o-3") != payment.StatusAuthorised {
		t.Errorf("%s; the first is %s, the third %s", r, w.standing("o-1"), w.standing("o-3"))
	}
	w.wantCredit("g", 400, 0)
	w.audit("o")
	if w.standing("p-1") != payment.StatusAuthorised {
		t.Error("another order's payment was voided")
	}
	w.move(payment.Capture, "p", "c")
	if r := w.tryAgain("p", 2); r != payment.Succeeded || w.standing("p-1") != payment.StatusCaptured {
		t.Errorf("%s; what was captured is %s", r, w.standing("p-1"))
	}
}

// An attempt of which nobody knows, and which turns out to be authorised after the next one, is voided by the job; so is what could not
// be voided at once.
func TestAnAttemptThatComesLateIsVoided(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.gateway.down = true
	w.gateway.always(lostAfter)
	w.want(w.authorise("o"), payment.StillUnknown)
	w.gateway.down = false
	w.gateway.always(fine)
	if r := w.tryAgain("o", 2); r != payment.Succeeded || w.standing("o-1") != payment.StatusAuthorising {
		t.Fatalf("%s; the first is %s", r, w.standing("o-1"))
	}
	w.sweep(2 * time.Second)
	if w.standing("o-1") != payment.StatusAuthorised {
		t.Fatalf("the first is %s", w.standing("o-1"))
	}
	for range 2 {
		if err := w.app.Supersede(t.Context(), ""); err != nil || w.standing("o-1") != payment.StatusVoided || w.standing("o-2") != payment.StatusAuthorised {
			t.Errorf("%v; the first is %s, the second %s", err, w.standing("o-1"), w.standing("o-2"))
		}
	}
	w.audit("o")
}
